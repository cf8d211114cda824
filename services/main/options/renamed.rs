//! Variables that have other names now, under which no deployment is to be misread silently.

use clap::{Arg, Command, CommandFactory, FromArgMatches};

use super::Cli;
use super::given::{Setting, settings_of};

/// An option, by its field, with the variable that it had before.
const RENAMED: [(&str, &str); 1] = [("timezone", "MT5REST_TIMEZONE_MINUTES")];

/// The command whose only port is the demo broker's: there, names that are now the service's mean what they meant.
const BROKER: &str = "broker";

/// Options of that command, by field, with the name and the variable that they had before.
const RENAMED_OF_BROKER: [(&str, &str, &str); 3] = [
    ("broker_tls_cert", "tls-cert", "MT5REST_TLS_CERT"),
    ("broker_tls_key", "tls-key", "MT5REST_TLS_KEY"),
    ("broker_tls_client_ca", "tls-client-ca", "MT5REST_TLS_CLIENT_CA"),
];

impl Cli {
    /// Reads the command line and the environment; ends the process where that cannot be, or help was asked for.
    pub(crate) fn read() -> (Self, Vec<Setting>) {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let command = with_negative_numbers(with_old_variables(with_old_names(Self::command()), &is_set));
        let matches = command.clone().get_matches();
        let cli = Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        let settings = settings_of(&command, &matches);
        (cli, settings)
    }
}

/// Lets every option take a negative number, so that it is told what the option takes.
pub(super) fn with_negative_numbers(command: Command) -> Command {
    let takes_values = |option: &Arg| option.get_long().is_some() && option.get_action().takes_values();
    let command = command
        .mut_args(|option| if takes_values(&option) { option.allow_negative_numbers(true) } else { option });
    command.mut_subcommands(with_negative_numbers)
}

/// Lets options take their old names.
pub(super) fn with_old_names(command: Command) -> Command {
    command.mut_subcommand(BROKER, |command| {
        RENAMED_OF_BROKER
            .iter()
            .fold(command, |command, (id, name, _)| command.mut_arg(id, |option| option.alias(*name)))
    })
}

/// Lets options take their old variables where those are set, and the new ones are not.
pub(super) fn with_old_variables(command: Command, is_set: &dyn Fn(&str) -> bool) -> Command {
    let of_broker = if command.get_name() == BROKER { &RENAMED_OF_BROKER[..] } else { &[] };
    let renamed = RENAMED.into_iter().chain(of_broker.iter().map(|(id, _, old)| (*id, *old)));
    let renamed: Vec<(&str, &'static str)> = renamed.collect();
    let command = command.mut_args(|option| {
        let old = renamed.iter().find(|(id, _)| option.get_id() == id).map(|(_, old)| *old);
        let is_new_set = option.get_env().and_then(|name| name.to_str()).is_some_and(is_set);
        match old.filter(|old| !is_new_set && is_set(old)) {
            Some(old) => option.env(old),
            None => option,
        }
    });
    command.mut_subcommands(|command| with_old_variables(command, is_set))
}
