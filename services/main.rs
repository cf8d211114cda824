//! The one binary. A role is parsed, bound and then run; only this file sees all parts.

#[path = "main/allocator.rs"]
mod allocator;
#[path = "main/audit.rs"]
mod audit;
#[path = "main/banner.rs"]
mod banner;
#[path = "main/health.rs"]
mod health;
#[path = "main/keys.rs"]
mod keys;
#[path = "main/license.rs"]
mod license;
#[path = "main/options.rs"]
mod options;
#[path = "main/roles.rs"]
mod roles;
#[path = "main/signals.rs"]
mod signals;

use std::process::ExitCode;

use options::{Cli, Role, Setting};

/// Wrong options: the code that command line tools commonly use.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let (cli, settings) = Cli::read();
    let role = match cli.role() {
        Ok(role) => role,
        Err(mistakes) => {
            eprintln!("{mistakes}\nFor help, try 'mt5rest --help'.");
            return ExitCode::from(USAGE);
        }
    };
    match run(role, &settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("mt5rest: {failure:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(role: Role, settings: &[Setting]) -> anyhow::Result<()> {
    let (log, server) = match role {
        Role::OpenApi => {
            print!("{}", api::openapi_document());
            return Ok(());
        }
        Role::Health(target) => return health::check(&target),
        Role::Key(role) => return keys::run(*role),
        Role::Audit(role) => return audit::run(*role),
        Role::License(task) => return license::run(*task),
        Role::Standalone(log, options) => (log, roles::Server::Standalone(options)),
        Role::Api(log, options) => (log, roles::Server::Api(options)),
        Role::Worker(log, options) => (log, roles::Server::Worker(options)),
        Role::Broker(log, options) => (log, roles::Server::Broker(options)),
    };
    allocator::fix_limits();
    runtime::init_logging(&log.filter, log.format);
    for Setting { option, value, source } in settings {
        tracing::info!("setting {option} {value} ({source})");
    }
    let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    tokio.block_on(async {
        let running = server.start().await?;
        println!("{}", running.banner());
        let forced = signals::first().await?;
        tracing::info!("stopping: a second signal ends at once");
        tokio::select! {
            () = running.shutdown() => tracing::info!("stopped"),
            () = forced => anyhow::bail!("ended at once by a second signal"),
        }
        Ok(())
    })
}
