//! JSON as clients of this interface know it.

use std::io;

use bytes::Bytes;
use error::{Code, Error};
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter};

/// Whole numbers below this are exact in both kinds of number.
const EXACT_BELOW: f64 = 1e15;

/// The greatest number of a reply, and less it the least: a decimal of 96 bits (.NET, and many others) holds no more.
const DECIMAL_MAX: f64 = 7.9e28;

/// The longest reply in bytes: a year of minutes, or a hundred thousand records of a history with everything about them.
const REPLY_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Encodes a value. Whole decimals are written without a fraction (`100`, not `100.0`): that is how clients have
/// always met them, and many read such a field into an integer. What no decimal type holds, such as a range's "no end", is written as the greatest one.
///
/// # Errors
/// [`Code::ReportSizeLimitReached`] for more than 256 MiB.
pub fn json(value: &impl Serialize) -> Result<Bytes, Error> {
    json_within(value, REPLY_BYTES_MAX)
}

fn json_within(value: &impl Serialize, bytes_max: usize) -> Result<Bytes, Error> {
    let mut bytes = Bounded { bytes: Vec::with_capacity(128), bytes_max };
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Plain);
    match value.serialize(&mut serializer) {
        Ok(()) => Ok(bytes.bytes.into()),
        Err(cause) if cause.is_io() => {
            let told = format!(
                "The answer has more than {bytes_max} bytes. Ask for a shorter range, or for less at once."
            );
            Err(Error::new(Code::ReportSizeLimitReached, told))
        }
        Err(cause) => Err(Error::internal(format!("encoding JSON: {cause}"))),
    }
}

/// Bytes that take no more than so many.
struct Bounded {
    bytes: Vec<u8>,
    bytes_max: usize,
}

impl io::Write for Bounded {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        if more.len() > self.bytes_max - self.bytes.len() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Plain;

impl Formatter for Plain {
    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        if value.fract() == 0.0 && value.abs() < EXACT_BELOW {
            #[allow(clippy::cast_possible_truncation, reason = "whole and small, as was just checked")]
            return CompactFormatter.write_i64(writer, value as i64);
        }
        CompactFormatter.write_f64(writer, value.clamp(-DECIMAL_MAX, DECIMAL_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_refused() {
        assert_eq!(json_within(&[1, 2, 3], 7).unwrap(), "[1,2,3]");
        assert_eq!(json_within(&[1, 2, 3], 6).unwrap_err().code(), Code::ReportSizeLimitReached);
    }

    #[test]
    fn numbers_are_what_clients_can_read() {
        let cases = [
            (100.0, "100"),
            (-0.0, "0"),
            (-2500.0, "-2500"),
            (0.01, "0.01"),
            (1.08424, "1.08424"),
            (1e15, "1000000000000000.0"),
            (f64::MAX, "7.9e+28"),
            (f64::MIN, "-7.9e+28"),
            (7.8e28, "7.8e+28"),
        ];
        for (value, text) in cases {
            assert_eq!(json(&value).unwrap(), text);
        }
    }
}
