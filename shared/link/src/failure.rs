//! What can go wrong on a link, and whether trying again may help.

use std::net::IpAddr;
use std::time::Duration;

use error::{Code, Error};
use wire::{DecodeError, Overlong, code};

/// Why a link could not be made, or ended.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The name has no address.
    #[error("{host} cannot be resolved")]
    Resolve {
        /// The name.
        host: String,
        /// What the resolver said.
        cause: std::io::Error,
    },
    /// The address may not be dialled from here.
    #[error("connections to {host} are not allowed from this service")]
    Egress {
        /// Name or address, as it was given.
        host: String,
        /// What it stands for, which is for the log alone.
        address: IpAddr,
    },
    /// Nobody answers there.
    #[error("{address} cannot be reached")]
    Connect {
        /// Host and port.
        address: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The proxy refused or failed.
    #[error("the proxy {proxy} failed: {reason}")]
    Proxy {
        /// Host and port.
        proxy: String,
        /// What it said.
        reason: String,
    },
    /// The certificate is not trusted, or TLS failed otherwise.
    #[error("TLS with {address} failed: {cause}")]
    Tls {
        /// Host and port.
        address: String,
        /// What TLS said.
        cause: std::io::Error,
    },
    /// The server admits nobody without a certificate, and there is none to present.
    #[error("{address} asks for a client certificate")]
    CertificateRequired {
        /// Host and port.
        address: String,
    },
    /// The server does not accept the certificate that was presented.
    #[error("{address} does not accept the client certificate")]
    CertificateRefused {
        /// Host and port.
        address: String,
        /// What it said.
        cause: String,
    },
    /// There is a certificate to present, and no TLS to present it in.
    #[error("{address} is not encrypted, and a client certificate needs wss")]
    CertificateNeedsTls {
        /// The whole URL.
        address: String,
    },
    /// Something answers, but it is no Web Terminal.
    #[error("{address} does not answer as a MetaTrader 5 Web Terminal")]
    NotWebTerminal {
        /// The whole URL.
        address: String,
        /// What it did instead.
        cause: String,
    },
    /// The broker has switched its Web Terminal off.
    #[error("the Web Terminal at {address} is switched off by its broker")]
    Disabled {
        /// Host and port of the page that says so.
        address: String,
    },
    /// It took too long.
    #[error("no answer to {doing} within {limit:?}")]
    Timeout {
        /// What was going on.
        doing: &'static str,
        /// How long was waited.
        limit: Duration,
    },
    /// The server answered with a code other than success.
    #[error("{doing}: {}", code::text(*code))]
    Refused {
        /// What was going on.
        doing: &'static str,
        /// The code.
        code: u8,
    },
    /// The server sent what is not in the protocol.
    #[error("the server sent an unreadable message: {cause}")]
    Protocol {
        /// What is wrong with it.
        cause: String,
    },
    /// The server sent more than can be followed.
    #[error("{what}")]
    TooMuch {
        /// What, and how much is followed.
        what: String,
    },
    /// The account must change its password before anything else.
    #[error("the account must change its password first")]
    PasswordMustChange,
    /// The password was refused so often that it is not tried any more.
    #[error("this password was refused {refusals} times and is not tried any more")]
    Barred {
        /// How often.
        refusals: u32,
    },
    /// Logins are held back for a while, or it is not known whether they are.
    #[error("the login was held back: {cause}")]
    HeldBack {
        /// Why.
        cause: String,
    },
    /// A text of a request is longer than what would arrive of it, so it was not sent.
    #[error(transparent)]
    Overlong(#[from] Overlong),
    /// Too many requests wait already.
    #[error("too many requests wait for the trade server")]
    Busy,
    /// The connection ended.
    #[error("the connection was closed")]
    Closed {
        /// How.
        cause: String,
    },
}

/// Whether trying again may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAdvice {
    /// Yes, after a pause.
    Later,
    /// No: somebody must change something first.
    Never,
}

impl LinkError {
    /// Whether trying again may help.
    #[must_use]
    pub const fn retry(&self) -> RetryAdvice {
        match self {
            Self::Egress { .. }
            | Self::CertificateRequired { .. }
            | Self::CertificateRefused { .. }
            | Self::CertificateNeedsTls { .. }
            | Self::Overlong(_) => RetryAdvice::Never,
            _ if self.is_verdict() => RetryAdvice::Never,
            _ => RetryAdvice::Later,
        }
    }

    /// Whether the trade server itself has said no to the account: another address of it would say the same.
    #[must_use]
    pub const fn is_verdict(&self) -> bool {
        matches!(
            self,
            Self::PasswordMustChange
                | Self::Barred { .. }
                | Self::Refused {
                    code: code::INVALID_ACCOUNT
                        | code::OTP_REQUIRED
                        | code::OTP_SETUP_REQUIRED
                        | code::INVALID_OTP,
                    ..
                }
        )
    }
}

impl From<DecodeError> for LinkError {
    fn from(cause: DecodeError) -> Self {
        Self::Protocol { cause: cause.to_string() }
    }
}

impl From<LinkError> for Error {
    /// What the caller of a Connect, or of a call whose link broke, is told.
    fn from(failure: LinkError) -> Self {
        let told = failure.to_string();
        match failure {
            LinkError::Resolve { host, cause } => {
                Self::new(Code::ConnectError, format!("Host {host} cannot be resolved. Check its spelling."))
                    .because(cause)
            }
            LinkError::Egress { address, .. } => {
                Self::new(Code::UnallowedAddress, format!("{}.", capital(&told))).because(address)
            }
            LinkError::Connect { cause, .. } => {
                Self::new(Code::ConnectError, format!("{told}. Check host and port.")).because(cause)
            }
            LinkError::Proxy { .. } => Self::new(Code::ConnectError, format!("{}.", capital(&told))),
            LinkError::Tls { cause, .. } => {
                let advice = "If the broker uses a certificate authority of its own, add it to the service (--extra-ca)";
                Self::new(Code::ConnectError, format!("{told}. {advice}.")).because(cause)
            }
            LinkError::CertificateRequired { .. } => {
                let advice = "Give the one that the broker issued, as a PKCS#12 (PFX) file";
                Self::new(Code::CertificateRequired, format!("{}. {advice}.", capital(&told)))
            }
            LinkError::CertificateRefused { cause, .. } => {
                let advice = "Check that it is the account's own, issued by this broker, and has not expired";
                Self::new(Code::InvalidCertificate, format!("{}. {advice}.", capital(&told))).because(cause)
            }
            LinkError::CertificateNeedsTls { .. } => {
                let advice = "Give a wss address, or no certificate";
                Self::new(Code::InvalidCertificate, format!("{}. {advice}.", capital(&told)))
            }
            LinkError::NotWebTerminal { address, cause } => Self::new(
                Code::ConnectError,
                format!(
                    "{address} does not answer as a MetaTrader 5 Web Terminal. Give the address of the broker's \
                     web terminal (wss://HOST:PORT/terminal); access points of the desktop terminal speak another \
                     protocol, which is not supported."
                ),
            )
            .because(cause),
            LinkError::Disabled { .. } => {
                Self::new(Code::ServiceNotAvailable, format!("{}. Try another server of it.", capital(&told)))
            }
            LinkError::Timeout { .. } => Self::new(Code::Timeout, format!("{}.", capital(&told))),
            LinkError::Refused { doing, code } => refused(doing, code),
            LinkError::Protocol { cause } => {
                Self::new(Code::NetworkError, format!("{}.", capital(&told))).because(cause)
            }
            LinkError::TooMuch { .. } => Self::new(Code::NetworkError, format!("{}.", capital(&told))),
            LinkError::PasswordMustChange => {
                let advice = "Change it in the broker's web terminal";
                Self::new(Code::PasswordMustChanged, format!("{}. {advice}.", capital(&told)))
            }
            LinkError::Barred { .. } => {
                let advice = "Connect with the right password";
                Self::new(Code::TooFrequentFailConnect, format!("{}. {advice}.", capital(&told)))
            }
            LinkError::HeldBack { .. } => {
                Self::new(Code::TooFrequentConnectToOneServer, format!("{}. Try again.", capital(&told)))
            }
            LinkError::Overlong(_) => Self::new(Code::InvalidParam, format!("{}.", capital(&told))),
            LinkError::Busy => Self::busy(format!("{}. Try again.", capital(&told))),
            LinkError::Closed { cause } => {
                Self::new(Code::ConnectError, "The connection to the trade server was lost. Try again.")
                    .because(cause)
            }
        }
    }
}

fn refused(doing: &'static str, code: u8) -> Error {
    let (kind, advice) = match code {
        code::INVALID_ACCOUNT => (Code::InvalidAccount, "Check user and password"),
        code::SERVER_NOT_AVAILABLE => (Code::ServiceNotAvailable, "Try again later"),
        code::OTP_REQUIRED => (Code::InvalidOnetimePassword, "Give the current code as otp"),
        code::INVALID_OTP => (Code::InvalidOnetimePassword, "Give a current code as otp"),
        code::OTP_SETUP_REQUIRED => (Code::SecretKeyRequired, "Switch it on in the broker's web terminal"),
        code::CERTIFICATE_UNSUPPORTED => {
            (Code::CertificateRequired, "Ask the broker for a login by password")
        }
        _ => (Code::CommonError, "Try again later"),
    };
    Error::new(kind, format!("{}: {}. {advice}.", capital(doing), wire::code::text(code)))
        .because(format!("result code {code}"))
}

pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
