//! The MetaTrader 5 Web Terminal protocol as bytes, for client and server alike.
//!
//! From the outside in: a WebSocket message is one [`frame`]; its body is sealed by a [`Cipher`]; inside is a
//! [`message`] (request or response) of some [`Command`], whose payload is made of [`records`]. Each record is
//! declared once, as a table of fields, and serves both directions.
//!
//! There is no input or output here, no clock and no randomness: bytes in, values out. Nothing that a peer sends
//! makes this crate panic, or allocate more than a small multiple of what was received.
//!
//! ```
//! use wire::{Cipher, INITIAL_KEY, Payload, message, records::BootstrapRequest};
//!
//! let cipher = Cipher::new(&INITIAL_KEY)?;
//! let hello = message::Request { prefix: [1, 2], command: 0, payload: BootstrapRequest::default().to_bytes() };
//! let sent = wire::frame::seal(&cipher, &hello.to_bytes());
//! let received = message::Request::from_bytes(&wire::frame::open(&cipher, &sent)?)?;
//! assert_eq!(received, hello);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cipher;
pub mod code;
mod command;
pub mod frame;
mod kind;
pub mod message;
mod payload;
mod reader;
mod record;
pub mod records;

pub use cipher::{Cipher, CipherError, INITIAL_KEY};
pub use command::{COMMANDS, Command, CommandLayout, PayloadLayout, Push, Request, pushes, requests};
pub use kind::{Overlong, Secret, SecretBytes, Value, utf16_len};
pub use payload::{Bare, Counted, Empty, Payload};
pub use reader::{DecodeError, Reader};
pub use record::{FieldLayout, Record, RecordLayout};

/// Largest WebSocket message that either side needs: the symbol list of a large broker takes megabytes, and so do
/// long bar histories (protocol, section 2).
pub const MAX_MESSAGE: usize = 32 << 20;
