//! Who may use the service: [`ApiKey`]s, [`License`]s and the trial that stands in for one.
//!
//! Nothing here reads a clock, a file or a registry: the time is passed in, so that every day of a licence can be tested.

mod key;
mod license;
mod standing;

pub use key::{ApiKey, KEY_CHARS, KeyDigest, KeyError, KeyId, KeyKind};
pub use license::{License, LicenseError, LicenseKey, LicenseKeys, NewLicense, best};
pub use standing::{LICENSE_GRACE, Standing, TRIAL, TRIAL_GRACE, standing, time_of};
