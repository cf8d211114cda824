//! JSON as clients of this interface know it.

use std::io;

use bytes::Bytes;
use error::Error;
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter};

/// Whole numbers below this are exact in both kinds of number.
const EXACT_BELOW: f64 = 1e15;

/// The greatest number of a reply, and less it the least: a decimal of 96 bits (.NET, and many others) holds no more.
const DECIMAL_MAX: f64 = 7.9e28;

/// Encodes a value. Whole decimals are written without a fraction (`100`, not `100.0`): that is how clients have
/// always met them, and many read such a field into an integer. What no decimal type holds, such as a range's "no end", is written as the greatest one.
pub fn json(value: &impl Serialize) -> Result<Bytes, Error> {
    let mut bytes = Vec::with_capacity(128);
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Plain);
    value.serialize(&mut serializer).map_err(|e| Error::internal(format!("encoding JSON: {e}")))?;
    Ok(bytes.into())
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
