//! Any WebSocket message, as a server and as a client would take it: `cargo fuzz run frames`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::{Cipher, INITIAL_KEY, frame, message};

fuzz_target!(|message: &[u8]| {
    let Ok(cipher) = Cipher::new(&INITIAL_KEY) else { return };
    let _ = frame::open(&cipher, message);
    // Fuzzers do not find paddings by chance: seal the input as well, and take it apart behind the cipher.
    let inner = frame::open(&cipher, &frame::seal(&cipher, message)).expect("what was sealed is opened");
    assert_eq!(inner, message);
    if let Ok(request) = message::Request::from_bytes(&inner) {
        assert_eq!(request.to_bytes(), inner);
    }
    if let Ok(response) = message::Response::from_bytes(&inner) {
        assert_eq!(response.to_bytes(), inner);
    }
});
