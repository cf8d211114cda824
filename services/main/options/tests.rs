use ::broker::Zone;
use clap::{CommandFactory, Parser};

use super::renamed::{with_old_names, with_old_variables};
use super::*;

pub(super) fn role(args: &[&str]) -> Result<Role, String> {
    let args = std::iter::once("mt5rest").chain(args.iter().copied());
    let cli = Cli::try_parse_from(args).map_err(|error| error.to_string())?;
    cli.role().map_err(|mistakes| mistakes.to_string())
}

#[test]
fn the_command_line_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn without_a_command_everything_runs_on_this_machine() {
    let Ok(Role::Standalone(_, options)) = role(&[]) else { panic!() };
    assert_eq!(options.listen.to_string(), "127.0.0.1:5000");
    let broker = options.broker.unwrap();
    assert_eq!(broker.listen.to_string(), "127.0.0.1:5001");
    assert_eq!(broker.settings.zone, Zone::UTC);
}

#[test]
fn the_broker_can_be_left_out_or_run_alone() {
    let Ok(Role::Standalone(_, options)) = role(&["standalone", "--no-broker", "--listen", "localhost:80"])
    else {
        panic!()
    };
    assert_eq!((options.listen.to_string().as_str(), options.broker.is_none()), ("127.0.0.1:80", true));
    let Ok(Role::Broker(_, broker)) = role(&["broker", "--timezone", "-180", "--seed", "7"]) else {
        panic!()
    };
    assert_eq!((broker.settings.seed, broker.settings.zone), (7, Zone::fixed(-10_800)));
    let Ok(Role::Broker(_, broker)) = role(&["broker", "--timezone", "new-york-close"]) else { panic!() };
    assert_eq!(broker.settings.zone, Zone::NEW_YORK_CLOSE);
}

#[test]
fn the_old_names_of_the_timezone_are_taken() {
    let Ok(Role::Broker(_, broker)) = role(&["broker", "--timezone-minutes", "-180"]) else { panic!() };
    assert_eq!(broker.settings.zone, Zone::fixed(-10_800));
    let (new, old) = ("MT5REST_TIMEZONE", "MT5REST_TIMEZONE_MINUTES");
    for (set, taken) in [(&[][..], new), (&[new], new), (&[old], old), (&[new, old], new)] {
        let command = with_old_variables(Cli::command(), &|name| set.contains(&name));
        let broker = command.find_subcommand("broker").unwrap();
        for command in [&command, broker] {
            let option = command.get_arguments().find(|option| option.get_long() == Some("timezone"));
            assert_eq!(option.and_then(|option| option.get_env()).unwrap(), taken, "{set:?}");
        }
    }
}

#[test]
fn the_demo_broker_alone_takes_the_old_names_of_its_certificate() {
    let files = ["--tls-cert", "Cargo.toml", "--tls-key", "Cargo.toml"];
    let reading = |command: &str| {
        let cli =
            with_old_names(Cli::command()).try_get_matches_from(["mt5rest", command].iter().chain(&files));
        let cli = <Cli as clap::FromArgMatches>::from_arg_matches(&cli.unwrap()).unwrap();
        cli.role().unwrap_err().to_string()
    };
    assert!(reading("broker").starts_with("error: --broker-tls-cert, "), "{}", reading("broker"));
    assert!(reading("standalone").starts_with("error: --tls-cert, "), "{}", reading("standalone"));
    let set = |name: &str| name == "MT5REST_TLS_CERT";
    let command = with_old_variables(Cli::command(), &set);
    let variable = |command: &clap::Command| {
        let option = command.get_arguments().find(|option| option.get_id() == "broker_tls_cert");
        option.and_then(|option| option.get_env()).unwrap().to_owned()
    };
    assert_eq!(variable(command.find_subcommand("broker").unwrap()), "MT5REST_TLS_CERT");
    assert_eq!(variable(&command), "MT5REST_BROKER_TLS_CERT");
}

#[test]
fn health_is_asked_where_the_process_listens() {
    for (args, url) in [
        (&["health"][..], "http://127.0.0.1:5000/healthz"),
        (&["health", "--listen", "0.0.0.0:5100"], "http://127.0.0.1:5100/healthz"),
        (&["health", "http://broker:5001/readyz"], "http://broker:5001/readyz"),
    ] {
        let Ok(Role::Health(target)) = role(args) else { panic!("{args:?}") };
        assert_eq!(Some(target), crate::health::Target::parse(url));
    }
    assert!(role(&["health", "broker"]).unwrap_err().contains("is no address such as"));
}

#[test]
fn all_mistakes_are_told_at_once() {
    let mistakes = role(&[
        "--listen",
        "here",
        "--broker-listen",
        "5001",
        "--seed",
        "x",
        "--speed",
        "0",
        "--replay",
        "no such folder",
        "--accounts",
        "no such file",
        "--holidays",
        "Cargo.toml",
        "--tls-cert",
        "Cargo.toml",
        "--market-hours",
        "never",
        "--egress",
        "none",
        "--egress-allow",
        "10.0.0.0/8,nowhere",
        "--trusted-proxies",
        "10.0.0.0/33",
        "--connections-per-address",
        "0",
        "--reply-mib-max",
        "much",
        "--auth",
        "maybe",
        "--log",
        "a=b=c",
        "--log-format",
        "xml",
        "--timezone",
        "NaN",
        "--server-name",
        " ",
    ])
    .unwrap_err();
    let options = [
        "--listen",
        "--broker-listen",
        "--seed",
        "--speed",
        "--replay",
        "--accounts",
        "--holidays: Cargo.toml",
        "--tls-cert and --tls-key",
        "--market-hours",
        "--egress '",
        "--egress-allow 'nowhere'",
        "--trusted-proxies '10.0.0.0/33'",
        "--connections-per-address '0'",
        "--reply-mib-max 'much'",
        "--auth",
        "--log ",
        "--log-format",
        "--timezone",
        "--server-name",
    ];
    for option in options {
        assert!(mistakes.contains(&format!("error: {option}")), "{option} is not among:\n{mistakes}");
    }
    assert_eq!(mistakes.lines().count(), options.len(), "{mistakes}");
}

#[test]
fn what_files_hold_is_a_mistake_like_the_others() {
    let file = "Cargo.toml";
    let scratch = testkit::Scratch::new("wrong-files");
    let step = "[[step]]\nat = \"1s\"\ndo = \"jump\"\nsymbol = \"EURABC\"\npoints = 1";
    let scenario = scratch.file("scenario.toml", &format!("about = \"x\"\n{step}"));
    let mistakes = role(&[
        "--seed",
        "x",
        "--scenario",
        scenario.to_str().unwrap(),
        "--accounts",
        file,
        "--brokers",
        file,
        "--extra-ca",
        file,
        "--replay",
        "services",
        "--tls-cert",
        file,
        "--tls-key",
        file,
        "--broker-tls-cert",
        file,
        "--broker-tls-key",
        file,
        "--data",
        file,
    ])
    .unwrap_err();
    let options = [
        "--seed",
        "--scenario: ",
        "--accounts: ",
        "--brokers: ",
        "--extra-ca: ",
        "--replay: ",
        "--tls-cert, ",
        "--broker-tls-cert, ",
        "--data: ",
    ];
    for option in options {
        let told = mistakes.matches(&format!("error: {option}")).count();
        assert_eq!(told, 1, "{option} is not once among:\n{mistakes}");
    }
    assert_eq!(mistakes.matches("error: ").count(), options.len(), "{mistakes}");
    let url = role(&["api", "--redis-url", "http://redis", "--cluster-key", "short"]).unwrap_err();
    assert!(url.contains("error: --redis-url: ") && url.contains("error: --cluster-key: "), "{url}");
}

#[test]
fn a_prefix_of_keys_is_plain_text() {
    for wrong in ["", "two words:", "a{b}:", "é:", &"x".repeat(65)] {
        let mistakes = role(&["api", "--redis-prefix", wrong]).unwrap_err();
        assert!(mistakes.contains("error: --redis-prefix '"), "{wrong}: {mistakes}");
    }
    let mistakes = role(&["api", "--redis-prefix", "shop-2:"]).unwrap_err();
    assert!(!mistakes.contains("--redis-prefix"), "{mistakes}");
}

#[test]
fn switches_of_the_environment_are_true_or_false() {
    let mut mistakes = super::check::Mistakes::default();
    let read = |mistakes: &mut super::check::Mistakes, text: &str| mistakes.switch("--no-broker", text);
    for text in ["true", "True", "yes", "on", "1"] {
        assert_eq!(read(&mut mistakes, text), Some(true), "{text}");
    }
    for text in ["", "false", "no", "OFF", "0"] {
        assert_eq!(read(&mut mistakes, text), Some(false), "{text}");
    }
    assert_eq!(read(&mut mistakes, "maybe"), None);
    assert_eq!(mistakes.to_string(), "error: --no-broker 'maybe' is neither true nor false");
}

#[test]
fn addresses_cannot_all_be_allowed_and_but_some() {
    let egress = |args: &[&str]| match role(args) {
        Ok(Role::Standalone(_, role)) => Ok(role.owner.egress),
        Ok(other) => panic!("{other:?}"),
        Err(mistakes) => Err(mistakes),
    };
    assert_eq!(egress(&[]), Ok(::worker::Egress::Any));
    let some = ["--egress-allow", "10.0.0.0/8"];
    assert!(matches!(egress(&some), Ok(::worker::Egress::PublicAnd(_))));
    assert!(matches!(
        egress(&[&some[..], &["--egress", "public"]].concat()),
        Ok(::worker::Egress::PublicAnd(_))
    ));
    let both = egress(&[&some[..], &["--egress", "any"]].concat()).unwrap_err();
    assert!(both.contains("give one of them"), "{both}");
}

#[test]
fn settings_are_a_list_without_secrets_and_numbers_may_be_negative() {
    let command = super::renamed::with_negative_numbers(Cli::command());
    let args = ["mt5rest", "worker", "--sessions-max", "-1", "--cluster-key", "hunter2"];
    let matches = command.clone().try_get_matches_from(args).unwrap();
    let settings = super::given::settings_of(&command, &matches);
    let of = |option: &str| {
        let one = settings.iter().find(|setting| setting.option == option);
        one.map(|setting| (setting.value.as_str(), setting.source))
    };
    assert_eq!(of("--sessions-max"), Some(("-1", "command line")));
    assert_eq!(of("--cluster-key"), Some(("***", "command line")));
    assert_eq!(of("--egress"), Some(("public", "default")));
    assert_eq!(of("--advertise"), None);
    assert!(!format!("{settings:?}").contains("hunter2"));
}

#[test]
fn public_names_are_names() {
    let names = |given: &str| match role(&["--public-names", given]) {
        Ok(Role::Standalone(_, role)) => Ok(role.front.public_names),
        Ok(other) => panic!("{other:?}"),
        Err(mistakes) => Err(mistakes),
    };
    assert_eq!(names("mt5.example, a.b").unwrap(), ["mt5.example", "a.b"]);
    assert!(names("").unwrap().is_empty());
    assert!(names("mt5.example:80").unwrap_err().contains("--public-names 'mt5.example:80'"));
}

#[test]
fn limits_of_clients_are_options() {
    let front = |args: &[&str]| match role(args) {
        Ok(Role::Standalone(_, role)) => role.front,
        other => panic!("{other:?}"),
    };
    let limits = |front: &api::Settings| {
        let connections = [front.connections_max, front.connections_per_address];
        let sockets = [front.sockets_max, front.sockets_per_address];
        (front.calls_max, connections, sockets, [front.reply_bytes_max, front.reply_bytes_per_address])
    };
    assert_eq!(limits(&front(&[])), limits(&api::Settings::default()), "told defaults are the real ones");
    let memory = |args: &[&str]| match role(args) {
        Ok(Role::Standalone(_, role)) => role.owner.reply_bytes_max,
        other => panic!("{other:?}"),
    };
    assert_eq!(memory(&[]), worker::Settings::default().reply_bytes_max);
    assert_eq!(memory(&["--reply-memory-mib", "7"]), 7 << 20);
    let given = ["--connections-max", "--connections-per-address", "--sockets-max", "--sockets-per-address"];
    let given = given
        .into_iter()
        .chain(["--reply-mib-max", "--reply-mib-per-address", "--calls-max"])
        .zip(["1", "2", "3", "4", "5", "6", "7"]);
    let args: Vec<&str> = given.flat_map(|(option, value)| [option, value]).collect();
    assert_eq!(limits(&front(&args)), (7, [1, 2], [3, 4], [5 << 20, 6 << 20]));
}

#[test]
fn sites_whose_pages_may_call_are_origins() {
    let origins = |given: &str| match role(&["--cors-origins", given]) {
        Ok(Role::Standalone(_, role)) => Ok(role.front.cors_origins),
        Ok(other) => panic!("{other:?}"),
        Err(mistakes) => Err(mistakes),
    };
    assert_eq!(origins(""), Ok(api::Origins::Any));
    assert_eq!(origins("none"), Ok(api::Origins::Only(Vec::new())));
    assert_eq!(origins("https://a.example"), Ok(api::Origins::Only(vec!["https://a.example".to_owned()])));
    assert!(origins("a.example").unwrap_err().contains("--cors-origins 'a.example' is neither"));
}

#[test]
fn rates_are_options() {
    let rates = |args: &[&str]| match role(args) {
        Ok(Role::Standalone(_, role)) => role.front.rates,
        other => panic!("{args:?}: {other:?}"),
    };
    assert_eq!(rates(&[]), api::UsualRates::default());
    let told = rates(&["--key-rates", "orders=2/1s"]);
    assert_eq!(
        (told.key.to_string().as_str(), told.tenant.to_string().as_str()),
        ("orders=2/1s", "orders=20/1s")
    );
    let told = rates(&["--key-rates", "", "--tenant-rates", "requests=5/1s"]);
    assert_eq!((told.key.is_empty(), told.tenant.to_string().as_str()), (true, "requests=5/1s"));
    for option in ["--key-rates", "--tenant-rates"] {
        assert!(role(&[option, "often"]).unwrap_err().contains(option));
    }
}

#[test]
fn proxies_are_trusted_by_network_or_address() {
    let trusted = |args: &[&str]| match role(args) {
        Ok(Role::Standalone(_, role)) => role.front.trusted_proxies,
        other => panic!("{args:?}: {other:?}"),
    };
    assert_eq!(trusted(&[]), api::TrustedProxies::default());
    assert_eq!(trusted(&["--trusted-proxies", ""]), api::TrustedProxies::default());
    let some = trusted(&["--trusted-proxies", "10.0.0.0/8, ::1"]);
    let is_trusted = ["10.7.7.7", "::1", "::2", "11.0.0.1"].map(|one| some.contains(one.parse().unwrap()));
    assert_eq!(is_trusted, [true, true, false, false]);
}

#[test]
fn an_empty_value_counts_as_none() {
    assert!(
        role(&["--brokers", "", "--extra-ca=", "--replay", "", "--accounts", "", "--tls-key", ""]).is_ok()
    );
}

#[test]
fn two_servers_cannot_share_an_address() {
    let same = role(&["--listen", "127.0.0.1:9", "--broker-listen", "127.0.0.1:9"]).unwrap_err();
    assert!(same.contains("the same address"), "{same}");
    assert!(role(&["--listen", "127.0.0.1:0", "--broker-listen", "127.0.0.1:0"]).is_ok());
}

#[test]
fn authorities_of_clients_need_a_certificate_of_the_server() {
    let alone = role(&["--broker-tls-client-ca", "Cargo.toml"]).unwrap_err();
    assert!(alone.contains("--broker-tls-client-ca needs"), "{alone}");
}

#[test]
fn the_admin_port_is_this_machines_or_needs_a_key() {
    let admin = |args: &[&str]| {
        role(&[&["broker"], args].concat()).map(|role| match role {
            Role::Broker(_, broker) => {
                broker.admin.map(|admin| (admin.listen.to_string(), admin.key.is_some()))
            }
            other => panic!("{other:?}"),
        })
    };
    let key = "sixteen letters!";
    let at = |address: &str, has_key| Ok(Some((address.to_owned(), has_key)));
    assert_eq!(admin(&[]), Ok(None));
    assert_eq!(admin(&["--broker-admin", ""]), Ok(None));
    assert_eq!(admin(&["--broker-admin", "5050"]), at("127.0.0.1:5050", false));
    assert_eq!(admin(&["--broker-admin", "localhost:5050"]), at("127.0.0.1:5050", false));
    assert_eq!(admin(&["--broker-admin", "[::1]:5050"]), at("[::1]:5050", false));
    let open = ["--broker-admin", "0.0.0.0:5050", "--broker-admin-key", key];
    assert_eq!(admin(&open), at("0.0.0.0:5050", true));
    for (args, part) in [
        (&["--broker-admin", "0.0.0.0:5050"][..], "give --broker-admin-key as well"),
        (&["--broker-admin", "5050", "--broker-admin-key", "short"], "16 characters"),
        (&["--broker-admin-key", key], "needs --broker-admin"),
        (&["--broker-admin", "here"], "--broker-admin 'here' is no address"),
        (&["--broker-admin", "127.0.0.1:5001"], "--broker-listen and --broker-admin are the same address"),
    ] {
        let mistake = admin(args).unwrap_err();
        assert!(mistake.contains(part), "{args:?}: {mistake}");
    }
    let same = role(&["--broker-admin", "5000"]).unwrap_err();
    assert!(same.contains("--listen and --broker-admin are the same address"), "{same}");
    assert!(!format!("{:?}", role(&[&["broker"][..], &open].concat()).unwrap()).contains(key));
}

#[test]
fn keys_are_asked_for_in_a_cluster_unless_told_otherwise() {
    let auth = |args: &[&str]| match role(args) {
        Ok(Role::Standalone(_, role)) => role.auth,
        Ok(Role::Api(_, role)) => role.auth,
        other => panic!("{other:?}"),
    };
    let key = "a key that all processes have";
    let api = ["api", "--redis-url", "redis://here", "--cluster-key", key];
    assert!(!auth(&[]) && auth(&["--auth", "on"]) && !auth(&["--auth", ""]));
    assert!(auth(&api) && !auth(&[&api[..], &["--auth", "off"]].concat()));
}

#[test]
fn tokens_are_taken_by_keys_issuer_and_audience_together() {
    let folder = testkit::Scratch::new("jwt-options");
    let secret = r#"{"keys":[{"kty":"oct","kid":"one","k":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"}]}"#;
    let file = folder.file("jwks.json", secret);
    let whole = |algorithms| {
        let keys =
            ["--jwt-keys", file.to_str().unwrap(), "--jwt-issuer", "https://id", "--jwt-audience", "us"];
        role(&[&keys[..], &["--jwt-algorithms", algorithms]].concat())
    };
    let Ok(Role::Standalone(_, standalone)) = whole("HS256, EdDSA") else { panic!() };
    let terms = standalone.front.jwt.unwrap().terms;
    assert_eq!((&*terms.issuer, &*terms.audience, terms.algorithms.len()), ("https://id", "us", 2));
    // A shared secret is good only where the operator says so.
    assert!(whole("EdDSA").unwrap_err().contains("--jwt-keys: these keys cannot be used"));
    assert!(whole("none").unwrap_err().contains("--jwt-algorithms"));
    let keys = ["--jwt-keys", file.to_str().unwrap()];
    assert!(role(&keys).unwrap_err().contains("needs --jwt-issuer and --jwt-audience"));
    assert!(role(&["--jwt-issuer", "https://id"]).unwrap_err().contains("need --jwt-keys"));
}

/// Where the README keeps the table of options.
const BEGIN: &str = "<!-- options -->\n";
const END: &str = "<!-- /options -->";

#[test]
fn the_readme_lists_every_option() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(file).unwrap();
    let (head, rest) = readme.split_once(BEGIN).expect("the table's begin is marked");
    let (_, tail) = rest.split_once(END).expect("the table's end is marked");
    testkit::golden(file, &format!("{head}{BEGIN}\n{}\n{END}{tail}", table()));
}

fn table() -> String {
    let mut table = String::from("| Option | Environment | Default | Meaning |\n| --- | --- | --- | --- |\n");
    for option in Cli::command().get_arguments().filter(|option| option.get_env().is_some()) {
        let name = option.get_long().unwrap();
        let value = option.get_value_names().filter(|_| option.get_action().takes_values());
        let value = value.map(|names| format!(" {}", names[0])).unwrap_or_default().replace('|', "\\|");
        let env = option.get_env().unwrap().to_string_lossy();
        let default = option.get_default_values().first().filter(|_| option.get_action().takes_values());
        let default = default.map(|text| format!("`{}`", text.to_string_lossy())).unwrap_or_default();
        let help = option.get_help().unwrap();
        table.push_str(&format!("| `--{name}{value}` | `{env}` | {default} | {help} |\n"));
    }
    table
}
