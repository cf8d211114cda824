//! `cargo xtask cluster`: the processes of docker-compose.yml on this machine, without Docker.
//!
//! The standard library cannot catch signals, so a shell does: this program becomes a shell that starts it again out of
//! the terminal's reach, and writes a line to a file for every Ctrl-C. The one inside looks at that file.

#[path = "cluster/keys.rs"]
mod keys;
#[path = "cluster/processes.rs"]
mod processes;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use self::processes::{Order, Processes};
#[cfg(feature = "bench")]
pub(crate) use self::processes::{Ready, answers};
use crate::{Failure, packages, tools};

/// What the shell does. Its arguments: the folder, and the command to start.
const GUARD: &str = r#"
trap 'echo stop >>"$0/stop"' INT TERM HUP
setsid "$@" &
while :; do
    wait $!
    code=$?
    kill -0 $! 2>/dev/null || exit $code
done
"#;

/// Servers of the balancer stand behind this line of its configuration.
const SERVERS: &str = "# Servers.\n";
const BALANCER: &str = include_str!("../../deploy/haproxy.cfg");

const PROCESSES_MAX: u16 = 20;

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    api: u16,
    workers: u16,
    /// Of the balancer; the broker has the next one.
    port: u16,
}

impl Options {
    fn parse(args: &[&str]) -> Result<Self, Failure> {
        let mut options = Self { api: 2, workers: 2, port: 5000 };
        for pair in args.chunks(2) {
            let (field, least, most) = match pair[0] {
                "--api" => (&mut options.api, 1, PROCESSES_MAX),
                "--workers" => (&mut options.workers, 1, PROCESSES_MAX),
                "--port" => (&mut options.port, 1, u16::MAX - 1),
                other => return Err(Failure::Usage(format!("'{other}' is not expected here"))),
            };
            let number = pair.get(1).and_then(|text| text.parse().ok());
            let number = number.filter(|number| (least..=most).contains(number));
            *field = number.ok_or_else(|| {
                Failure::Usage(format!("{} needs a number from {least} to {most}", pair[0]))
            })?;
        }
        Ok(options)
    }
}

/// Builds, and becomes the shell.
pub(crate) fn guard(args: &[&str]) -> Result<(), Failure> {
    let options = Options::parse(args)?;
    if !packages::is_installed("redis-server") {
        let text = "redis-server is not installed, and sessions of a cluster are kept in it.\n\
                    On Debian: sudo apt-get install redis-server";
        return Err(Failure::Explained(text.to_owned()));
    }
    crate::cargo(&["build", "--package", "mt5rest", "--bin", "mt5rest"], &[])?;
    let folder = folder(&options)?;
    for port in [options.port, options.port + 1] {
        let taken = |error| Failure::Explained(format!("port {port} cannot be used ({error}): try --port"));
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(taken)?;
    }
    // There may be none.
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).map_err(|error| tools::of_file(&folder.display(), &error))?;
    let program = std::env::current_exe().map_err(|error| Failure::Explained(error.to_string()))?;
    let mut shell = Command::new("sh");
    shell.args(["-c", GUARD]).arg(folder).arg(program).arg("cluster-guarded").args(args);
    // It comes back only if there is no shell.
    Err(Failure::Explained(format!("sh cannot be started: {}", shell.exec())))
}

/// Starts all processes and waits for the end.
pub(crate) fn run(args: &[&str]) -> Result<(), Failure> {
    let options = Options::parse(args)?;
    let mut processes = Processes::new(folder(&options)?);
    let started = start(&options, &mut processes);
    let ended = match started {
        Ok(true) => {
            println!(
                "\n{}\nCtrl-C ends all of them, a second one at once.",
                introduction(&options, &processes)
            );
            processes.watch();
            Ok(())
        }
        Ok(false) => Ok(()),
        Err(failure) => Err(failure),
    };
    processes.stop();
    ended
}

/// One after the other, each when the one before it answers. False if it was told to stop.
fn start(options: &Options, processes: &mut Processes) -> Result<bool, Failure> {
    let program = tools::target()?.join("debug/mt5rest").display().to_string();
    let program = program.as_str();
    let data = processes.folder().display().to_string();
    let redis = free_address()?;
    let port = redis.port().to_string();
    let redis_args =
        ["--bind", "127.0.0.1", "--port", &port, "--dir", &data, "--appendonly", "yes", "--save", ""];
    let url = format!("redis://{redis}");
    let (cluster, sealing) = (keys::hex()?, format!("key-1:{}", keys::base64()?));
    let shared = [("MT5REST_REDIS_URL", url.as_str()), ("MT5REST_CLUSTER_KEY", &cluster)];
    let [first, second] = shared;
    let of_worker =
        [first, second, ("MT5REST_SEALING_KEYS", &sealing), ("MT5REST_EGRESS_ALLOW", "127.0.0.1/32")];
    let front = local(options.port);
    let broker = local(options.port + 1);
    let broker_text = broker.to_string();

    let mut orders = vec![
        Order::new("redis", "redis-server", &redis_args, &[], redis),
        Order::new("broker", program, &["broker", "--broker-listen", &broker_text], &[], broker),
    ];
    for number in 1..=options.workers {
        let address = free_address()?;
        let args = ["worker", "--listen", &address.to_string()];
        orders.push(Order::new(&format!("worker-{number}"), program, &args, &of_worker, address));
    }
    let has_balancer = packages::is_installed("haproxy");
    let mut apis = Vec::new();
    for number in 1..=options.api {
        let address = if number == 1 && !has_balancer { front } else { free_address()? };
        let args = ["api", "--auth", "off", "--listen", &address.to_string()];
        orders.push(Order::new(&format!("api-{number}"), program, &args, &shared, address));
        apis.push(address);
    }
    if has_balancer {
        let file = processes.folder().join("haproxy.cfg");
        std::fs::write(&file, balancer(&apis)).map_err(|error| tools::of_file(&file.display(), &error))?;
        let file = file.display().to_string();
        let listen = [("LISTEN", front.to_string())];
        let listen = listen.each_ref().map(|(name, value)| (*name, value.as_str()));
        orders.push(Order::new("balancer", "haproxy", &["-db", "-f", &file], &listen, front));
    } else {
        println!("xtask: haproxy is not installed, so there is no balancer: call the api processes yourself");
    }
    for order in orders {
        if !processes.start(order)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Its configuration, with servers of our own.
fn balancer(apis: &[SocketAddr]) -> String {
    let common = BALANCER.split_once(SERVERS).map_or(BALANCER, |(common, _)| common);
    let servers = apis.iter().enumerate();
    let servers: String =
        servers.map(|(index, address)| format!("\n    server api-{} {address}", index + 1)).collect();
    format!("{}{servers}\n", common.trim_end())
}

fn introduction(options: &Options, processes: &Processes) -> String {
    let (port, broker) = (options.port, options.port + 1);
    format!(
        "A cluster of {} api and {} worker processes; their logs are in {}\n{}\n\
         Connect: curl http://127.0.0.1:{port}/Connect -d user=1000001 -d password=demo -d host=127.0.0.1 \
         -d port={broker}",
        options.api,
        options.workers,
        processes.folder().display(),
        processes.list(),
    )
}

/// Data and logs; the port keeps clusters apart.
fn folder(options: &Options) -> Result<PathBuf, Failure> {
    Ok(tools::target()?.join(Path::new("cluster").join(options.port.to_string())))
}

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

fn free_address() -> Result<SocketAddr, Failure> {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    free.map_err(|error| Failure::Explained(format!("there is no free port: {error}")))
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::process::Stdio;

    use super::*;

    #[test]
    fn options_have_defaults_and_limits() {
        assert_eq!(Options::parse(&[]), Ok(Options { api: 2, workers: 2, port: 5000 }));
        let given = Options::parse(&["--workers", "3", "--port", "80", "--api", "1"]);
        assert_eq!(given, Ok(Options { api: 1, workers: 3, port: 80 }));
        for wrong in [&["--api"][..], &["--api", "0"], &["--workers", "21"], &["--port", "65535"], &["3"]] {
            assert!(matches!(Options::parse(wrong), Err(Failure::Usage(_))), "{wrong:?}");
        }
    }

    #[test]
    fn the_balancer_gets_servers_of_this_machine() {
        let text = balancer(&[local(7), local(8)]);
        assert!(text.ends_with("\n    server api-1 127.0.0.1:7\n    server api-2 127.0.0.1:8\n"), "{text}");
        assert!(!text.contains("resolvers") && text.contains("retry-on conn-failure"), "{text}");
    }

    #[test]
    fn the_guard_tells_of_signals_and_hands_on_the_exit_code() -> std::io::Result<()> {
        let folder = std::env::temp_dir().join(format!("mt5rest-guard-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        // The signal to the whole group does not reach what is inside, which ends when it reads of it.
        let stop = folder.join("stop");
        let inside = format!("echo begun; while ! [ -s {} ]; do sleep 0.1; done; exit 3", stop.display());
        let mut guard = Command::new("sh")
            .args(["-c", GUARD])
            .arg(&folder)
            .args(["sh", "-c", &inside])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let mut said = [0; 5];
        guard.stdout.as_mut().map(|output| output.read_exact(&mut said)).transpose()?;
        assert_eq!((&said, guard.try_wait()?), (b"begun", None));
        Command::new("sh").args(["-c", &format!("kill -INT -{}", guard.id())]).status()?;
        assert_eq!(guard.wait()?.code(), Some(3));
        std::fs::remove_dir_all(&folder)
    }
}
