use clap::{CommandFactory, Parser};

use super::*;

fn role(args: &[&str]) -> Result<Role, String> {
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
    assert_eq!(broker.settings.timezone_shift_s, 0);
}

#[test]
fn the_broker_can_be_left_out_or_run_alone() {
    let Ok(Role::Standalone(_, options)) = role(&["standalone", "--no-broker", "--listen", "localhost:80"])
    else {
        panic!()
    };
    assert_eq!((options.listen.to_string().as_str(), options.broker.is_none()), ("127.0.0.1:80", true));
    let Ok(Role::Broker(_, broker)) = role(&["broker", "--timezone-minutes", "-180", "--seed", "7"]) else {
        panic!()
    };
    assert_eq!((broker.settings.seed, broker.settings.timezone_shift_s), (7, -10_800));
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
        "--tls-cert",
        "Cargo.toml",
        "--market-hours",
        "never",
        "--egress",
        "none",
        "--log",
        "a=b=c",
        "--log-format",
        "xml",
        "--timezone-minutes",
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
        "--tls-cert and --tls-key",
        "--market-hours",
        "--egress",
        "--log ",
        "--log-format",
        "--timezone-minutes",
        "--server-name",
    ];
    for option in options {
        assert!(mistakes.contains(&format!("error: {option}")), "{option} is not among:\n{mistakes}");
    }
    assert_eq!(mistakes.lines().count(), options.len(), "{mistakes}");
}

#[test]
fn an_empty_value_counts_as_none() {
    assert!(
        role(&["--servers", "", "--extra-ca=", "--replay", "", "--accounts", "", "--tls-key", ""]).is_ok()
    );
}

#[test]
fn two_servers_cannot_share_an_address() {
    let same = role(&["--listen", "127.0.0.1:9", "--broker-listen", "127.0.0.1:9"]).unwrap_err();
    assert!(same.contains("the same address"), "{same}");
    assert!(role(&["--listen", "127.0.0.1:0", "--broker-listen", "127.0.0.1:0"]).is_ok());
}
