//! Secrets of one run.

use std::fs::File;
use std::io::Read;

use crate::{Failure, tools};

/// 32 random bytes.
fn random() -> Result<[u8; 32], Failure> {
    let mut bytes = [0; 32];
    let read = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    read.map(|()| bytes).map_err(|error| tools::of_file(&"/dev/urandom", &error))
}

/// As a text of digits.
pub(super) fn hex() -> Result<String, Failure> {
    Ok(random()?.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// As base64.
pub(super) fn base64() -> Result<String, Failure> {
    Ok(encoded(&random()?))
}

fn encoded(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let number =
            (0..3).fold(0_usize, |sum, index| sum << 8 | usize::from(*group.get(index).unwrap_or(&0)));
        for place in 0..4 {
            let sign = char::from(SIGNS[number >> (18 - 6 * place) & 63]);
            text.push(if place <= group.len() { sign } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_as_base64() {
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob>?", "Zm9vYj4/")]
        {
            assert_eq!(encoded(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn no_two_runs_have_the_same_keys() {
        assert_eq!((hex().map(|key| key.len()), base64().map(|key| key.len())), (Ok(64), Ok(44)));
        assert_ne!(hex(), hex());
    }
}
