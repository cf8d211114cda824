//! Any body of any command: the first byte picks the command, the second the direction: `cargo fuzz run records`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::COMMANDS;
use wire::records::TradeRequest;

fuzz_target!(|input: &[u8]| {
    let [pick, direction, body @ ..] = input else { return };
    let layout = &COMMANDS[usize::from(*pick) % COMMANDS.len()];
    let payload = match layout.request {
        Some(request) if direction % 2 == 0 => request,
        _ => layout.response,
    };
    if let Ok(again) = (payload.recode)(body) {
        assert_eq!((payload.recode)(&again).as_ref(), Ok(&again), "a second trip changes nothing");
        let _ = (payload.show)(body);
    }
    let _ = TradeRequest::from_either(body);
});
