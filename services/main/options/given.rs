//! The options that a process was given, as a list for its log.

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

/// An option with its value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    /// With its dashes.
    pub(crate) option: String,
    /// Starred if it is a secret.
    pub(crate) value: String,
    /// Where it comes from.
    pub(crate) source: &'static str,
}

/// The options of the command that was given, but for those without a value.
pub(super) fn settings_of(command: &Command, matches: &ArgMatches) -> Vec<Setting> {
    let (command, matches) = match matches.subcommand() {
        Some((name, matches)) => (command.find_subcommand(name).unwrap_or(command), matches),
        None => (command, matches),
    };
    let setting = |option: &Arg| {
        let id = option.get_id().as_str();
        let value = matches.try_get_raw(id).ok()??.next()?.to_string_lossy().into_owned();
        let source = match matches.value_source(id)? {
            ValueSource::CommandLine => "command line",
            ValueSource::EnvVariable => "environment",
            _ => "default",
        };
        let is_given = !value.is_empty() && option.get_env().is_some();
        let value = if option.is_hide_env_values_set() { "***".to_owned() } else { value };
        is_given.then(|| Setting { option: format!("--{}", option.get_long().unwrap_or(id)), value, source })
    };
    command.get_arguments().filter_map(setting).collect()
}
