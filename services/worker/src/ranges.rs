//! Asking a trade server for a range until all of it has come.
//!
//! Servers cut long answers without saying so, and where they do is not known (protocol 9.4, 9.10). So whoever wants a
//! range asks on, backwards, until nothing new comes. Here is what to ask next and when that is; it does no I/O, so that calls
//! and the session's actor ask alike. Each request asks for less than the ones before, whatever was answered, so that the
//! asking ends with every server; and its limits are all here.

mod bars;
mod history;

pub(crate) use bars::BarsAsking;
pub(crate) use history::{HistoryAsking, Recent};

use error::{Code, Error};
use wire::records::Bar;

/// Bars that are held to answer one call: a year of minutes of a market that never closes, and some 34 MB. Several symbols of
/// one call share them.
pub(crate) const BARS_MAX: usize = 600_000;
/// Deals and orders together that are held of one history: some 100 MB.
pub(crate) const RECORDS_MAX: usize = 200_000;
/// Of these, so many go into one reply with everything about them; longer histories are read page by page.
pub(crate) const REPLY_RECORDS_MAX: usize = 100_000;
/// What a bar takes while it is held.
pub(crate) const BAR_BYTES: usize = size_of::<Bar>();
/// What a deal or an order takes with its texts while it is held.
pub(crate) const RECORD_BYTES: usize = 512;
/// Requests that are made for one range, whoever asks.
const REQUESTS_MAX: u32 = 2_000;

/// Why part of a range is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// There is more than is held; the older part is missing.
    Limit(usize),
    /// It would take too many requests; the older part is missing.
    Requests,
    /// More was done in a single second than the server tells at once.
    Second,
}

impl Cut {
    /// What a call answers whose reply cannot say that part is missing.
    pub(crate) fn error(self) -> Error {
        let told = match self {
            Self::Limit(max) => {
                format!("There are more than {max} of deals and orders: too many for one answer. Ask for a shorter range.")
            }
            Self::Requests => format!(
                "The trade server answers so little at once that {REQUESTS_MAX} requests are not enough. Ask for a \
                 shorter range."
            ),
            Self::Second => "More was done in a single second than the trade server tells at once: part of it is not known. \
                             Ask for a range without it."
                .to_owned(),
        };
        Error::new(Code::ReportSizeLimitReached, told)
    }
}

/// The refusal of a range of bars that is too long.
pub(crate) fn too_many_bars() -> Error {
    let told = format!(
        "This takes more than {BARS_MAX} bars of the trade server. Ask for fewer symbols, a shorter range or a longer time \
         frame."
    );
    Error::new(Code::InvalidParam, told)
}
