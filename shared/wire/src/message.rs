//! The inner frame: head and payload of a request or a response (protocol, section 5).

use crate::DecodeError;
use crate::Reader;

/// Client to server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Random, new for each request; the answer echoes it.
    pub prefix: [u8; 2],
    /// The number of a [`Command`](crate::Command), known or not.
    pub command: u16,
    /// What follows.
    pub payload: Vec<u8>,
}

/// Server to client: an answer or a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// Echo of the request's prefix; zeros in pushes.
    pub prefix: [u8; 2],
    /// The number of a [`Command`](crate::Command), known or not.
    pub command: u16,
    /// Zero is success, see [`code`](crate::code).
    pub code: u8,
    /// What follows; empty unless the code is zero.
    pub body: Vec<u8>,
}

impl Request {
    /// The inner frame.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(4 + self.payload.len());
        out.extend_from_slice(&self.prefix);
        out.extend_from_slice(&self.command.to_le_bytes());
        out.extend_from_slice(&self.payload);
        out
    }

    /// From an inner frame.
    ///
    /// # Errors
    /// [`DecodeError`] if it is shorter than its head.
    pub fn from_bytes(inner: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(inner, "request");
        let prefix = reader.array()?;
        let command = u16::from_le_bytes(reader.array()?);
        Ok(Self { prefix, command, payload: reader.rest().to_vec() })
    }
}

impl Response {
    /// The inner frame.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(5 + self.body.len());
        out.extend_from_slice(&self.prefix);
        out.extend_from_slice(&self.command.to_le_bytes());
        out.push(self.code);
        out.extend_from_slice(&self.body);
        out
    }

    /// From an inner frame.
    ///
    /// # Errors
    /// [`DecodeError`] if it is shorter than its head.
    pub fn from_bytes(inner: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(inner, "response");
        let prefix = reader.array()?;
        let command = u16::from_le_bytes(reader.array()?);
        let [code] = reader.array()?;
        Ok(Self { prefix, command, code, body: reader.rest().to_vec() })
    }
}
