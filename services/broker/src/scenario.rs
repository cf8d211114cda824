//! Scenarios: what an operator would do to the broker, written down with the times at which to do it.
//!
//! A scenario is a TOML file. Each step has a time after the start (`at`, such as `"90s"` or `"2m 30s"`) and a thing to do
//! (`do`) with its own fields, which are those of the admin port. With `repeat` it begins anew after so long, until the
//! broker ends.
//!
//! ```toml
//! about = "A gap that frightens everybody, and the way back"
//! repeat = "5m"
//!
//! [[step]]
//! at = "1m"
//! do = "jump"
//! symbol = "EURUSD"
//! points = -400
//! ```

mod action;
mod play;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::catalogue::{Catalogue, MarketHours};
pub(crate) use play::play;

use action::Action;

/// Scenarios that come with the broker, by name.
const SHIPPED: [(&str, &str); 6] = [
    ("calm-day", include_str!("../scenarios/calm-day.toml")),
    ("news-spike", include_str!("../scenarios/news-spike.toml")),
    ("broker-restart", include_str!("../scenarios/broker-restart.toml")),
    ("flaky-network", include_str!("../scenarios/flaky-network.toml")),
    ("clock-change", include_str!("../scenarios/clock-change.toml")),
    ("weekend", include_str!("../scenarios/weekend.toml")),
];
/// The shortest time between two beginnings: less would be a busy loop.
const REPEAT_MIN: Duration = Duration::from_secs(1);

/// Why a scenario cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The file cannot be read, and no scenario that comes with the broker has this name.
    #[error("{path}: {source}; the scenarios that come with the broker are {names}", path = path.display(), names = names())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not the expected TOML.
    #[error("{name}: {source}")]
    Toml {
        /// Name or file.
        name: String,
        /// What is wrong, with line and column.
        source: Box<toml::de::Error>,
    },
    /// A step makes no sense.
    #[error("{name}, step {step}: {what}")]
    Step {
        /// Name or file.
        name: String,
        /// Its place, from 1.
        step: usize,
        /// What is wrong.
        what: String,
    },
    /// It would begin anew before it is over.
    #[error("{name}: \"repeat\" must be at least a second, and later than the last step")]
    Repeat {
        /// Name or file.
        name: String,
    },
}

/// Things to do, in the order of their times.
#[derive(Clone)]
pub struct Scenario {
    name: String,
    about: String,
    repeat: Option<Duration>,
    steps: Vec<Step>,
}

#[derive(Clone, Debug)]
struct Step {
    at: Duration,
    action: Action,
}

/// A file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    about: String,
    repeat: Option<String>,
    #[serde(default)]
    step: Vec<toml::Table>,
}

impl fmt::Debug for Scenario {
    /// Its steps are told when they are done.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scenario").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Scenario {
    /// Reads the scenario of this name among those that come with the broker, or else the file.
    ///
    /// # Errors
    /// [`ScenarioError`] that names the step which is wrong.
    pub fn load(name_or_file: &str) -> Result<Self, ScenarioError> {
        if let Some((name, text)) = SHIPPED.iter().find(|(name, _)| *name == name_or_file) {
            return Self::parse(name, text);
        }
        let path = Path::new(name_or_file);
        let read = std::fs::read_to_string(path);
        let text = read.map_err(|source| ScenarioError::Read { path: path.to_owned(), source })?;
        Self::parse(name_or_file, &text)
    }

    /// The names of the scenarios that come with the broker.
    pub fn shipped() -> impl Iterator<Item = &'static str> {
        SHIPPED.iter().map(|(name, _)| *name)
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// [`ScenarioError`] that names the step which is wrong.
    pub fn parse(name: &str, text: &str) -> Result<Self, ScenarioError> {
        let file: File = toml::from_str(text)
            .map_err(|source| ScenarioError::Toml { name: name.to_owned(), source: Box::new(source) })?;
        let wrong = |step: usize, what: String| ScenarioError::Step { name: name.to_owned(), step, what };
        // Which symbols there are does not hang on settings.
        let catalogue = Catalogue::built_in(MarketHours::Always);
        let mut steps = Vec::with_capacity(file.step.len());
        for (number, table) in (1..).zip(file.step) {
            let step = Step::read(table).and_then(|step| step.action.check(&catalogue).map(|()| step));
            steps.push(step.map_err(|what| wrong(number, what))?);
        }
        // Steps of one time stay in their order.
        steps.sort_by_key(|step| step.at);
        let repeat = file.repeat.map(|text| time("repeat", &text)).transpose();
        let repeat = repeat.map_err(|what| wrong(0, what))?;
        let last = steps.last().map_or(Duration::ZERO, |step| step.at);
        if repeat.is_some_and(|repeat| repeat < REPEAT_MIN || repeat < last) {
            return Err(ScenarioError::Repeat { name: name.to_owned() });
        }
        Ok(Self { name: name.to_owned(), about: file.about, repeat, steps })
    }

    /// The same so many times as fast; what a fault takes stays as long as it is.
    #[must_use]
    pub fn faster(mut self, times: f64) -> Self {
        let shorter = |time: Duration| time.div_f64(times.max(f64::MIN_POSITIVE));
        self.repeat = self.repeat.map(|repeat| shorter(repeat).max(REPEAT_MIN));
        self.steps.iter_mut().for_each(|step| step.at = shorter(step.at));
        self
    }
}

impl Step {
    fn read(mut table: toml::Table) -> Result<Self, String> {
        let at = match table.remove("at") {
            Some(toml::Value::String(text)) => time("at", &text)?,
            _ => return Err("\"at\" is missing: a time after the start, such as \"90s\"".to_owned()),
        };
        let action =
            Action::deserialize(toml::Value::Table(table)).map_err(|error| error.message().to_owned())?;
        Ok(Self { at, action })
    }
}

fn time(field: &str, text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|error| {
        format!("\"{field}\" is '{text}', which is no time such as \"90s\" or \"2m 30s\": {error}")
    })
}

fn names() -> String {
    Scenario::shipped().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_come_with_the_broker_can_be_played() {
        for name in Scenario::shipped() {
            let scenario = Scenario::load(name).unwrap();
            assert!(scenario.steps.len() >= 3 && !scenario.about.is_empty(), "{name}");
        }
    }

    #[test]
    fn steps_are_done_by_time() {
        let text = r#"
            about = "two"
            [[step]]
            at = "1m 5s"
            do = "clear_faults"
            [[step]]
            at = "500ms"
            do = "disconnect"
        "#;
        let scenario = Scenario::parse("x", text).unwrap();
        let times: Vec<_> = scenario.steps.iter().map(|step| step.at.as_millis()).collect();
        assert_eq!(times, [500, 65_000]);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let step = |text: &str| {
            let all = format!("about = \"x\"\n[[step]]\nat = \"1s\"\ndo = \"disconnect\"\n[[step]]\n{text}");
            Scenario::parse("x", &all).unwrap_err().to_string()
        };
        for (text, told) in [
            ("do = \"disconnect\"", "step 2: \"at\" is missing"),
            ("at = \"soon\"\ndo = \"disconnect\"", "'soon', which is no time"),
            ("at = \"1s\"\ndo = \"explode\"", "explode"),
            ("at = \"1s\"\ndo = \"jump\"\nsymbol = \"EURUSD\"", "points"),
            ("at = \"1s\"\ndo = \"jump\"\nsymbol = \"EURUSD\"\npoints = 1\nspeed = 2", "speed"),
            ("at = \"1s\"\ndo = \"jump\"\nsymbol = \"EURABC\"\npoints = 1", "no symbol 'EURABC'"),
            (
                "at = \"1s\"\ndo = \"deal\"\nlogin = 1\ndeal = { symbol = \"EURABC\", side = \"buy\", volume = 1.0 }",
                "no symbol 'EURABC'",
            ),
            (
                "at = \"1s\"\ndo = \"holiday\"\nholiday = { symbols = \"EURABC\", date = \"2026-12-24\" }",
                "no symbol matches 'EURABC'",
            ),
            ("at = \"1s\"\ndo = \"close_market\"\nsymbols = \"Nothing\\\\*\"", "no symbol matches"),
            (
                "at = \"1s\"\ndo = \"fault\"\nrule = { fault = { kind = \"requote\" }, times = 0 }",
                "\"times\"",
            ),
        ] {
            let error = step(text);
            assert!(error.contains(told), "{text}: {error}");
        }
        let unknown = Scenario::load("stormy-day").unwrap_err().to_string();
        assert!(unknown.contains("stormy-day") && unknown.contains("calm-day, news-spike"), "{unknown}");
        let repeat = Scenario::parse("x", "about = \"x\"\nrepeat = \"10ms\"").unwrap_err();
        assert!(repeat.to_string().contains("at least a second"), "{repeat}");
        assert!(Scenario::parse("x", "about = 3").unwrap_err().to_string().contains("line 1"));
    }
}
