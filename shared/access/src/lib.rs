//! Who may use the service: [`Caller`]s with their [`Tenant`], [`Scopes`] and [`Limits`], [`ApiKey`]s, [`License`]s and the
//! trial that stands in for one.
//!
//! Nothing here reads a clock, a file or a registry: the time is passed in, so that every day of a licence can be tested.

mod caller;
mod change;
mod guards;
mod jwt;
mod key;
mod license;
mod limits;
mod rate;
mod record;
mod scope;
mod standing;
mod tenant;
mod ticket;
mod time;

pub use caller::Caller;
pub use change::{KeyChange, is_any, listed};
pub use guards::{
    Amount, Exposure, GUARDED_KEYS_MAX, GuardBook, Guarded, Guards, TooManyKeys, TooMuch, Trip, Tripwire,
    Worth,
};
pub use jwt::{JWKS_BYTES_MAX, JWT_BYTES_MAX, JwtAlgorithm, JwtCaller, JwtError, JwtKeys, JwtTerms};
pub use key::{ApiKey, KEY_CHARS, KeyDigest, KeyError, KeyId, KeyKind};
pub use license::{
    LICENSE_BYTES_MAX, License, LicenseError, LicenseKey, LicenseKeys, NewLicense, VENDOR_KEY, best,
    covered_until_s,
};
pub use limits::{Limits, Lots, LotsError};
pub use rate::{Rate, RateError, Rated, Rates};
pub use record::{KeyRecord, ROTATION_KEEP_DAYS_MAX};
pub use scope::{Scope, Scopes, UnknownScope};
pub use standing::{LICENSE_GRACE, Standing, TRIAL, TRIAL_GRACE, standing, warning_days};
pub use tenant::{Tenant, TenantError, id_of};
pub use ticket::StreamTicket;
pub use time::{CLOCK_TOLERANCE, Clocks, TrialMark};
