//! The generator's ticks as a file that [`super::Replay`] reads.

use std::io::{self, Write};

use model::{Price, ServerTime};

use super::STEP_MS;
use super::walk::Walk;
use crate::catalogue::Symbol;
use crate::engine::Tick;
use model::calendar::date_from_days;

const HEADER: &str = "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>";
const BID_FLAG: u32 = 2;
const ASK_FLAG: u32 = 4;
const LAST_FLAG: u32 = 8;
const VOLUME_FLAG: u32 = 16;

/// Writes a symbol's ticks from the walk's place on to `until`; gives their number. Only what changed is
/// written, as the terminal does.
///
/// # Errors
/// What `out` reports.
pub fn export_ticks(
    walk: &mut Walk,
    from: ServerTime,
    until: ServerTime,
    symbol: &Symbol,
    out: &mut impl Write,
) -> io::Result<usize> {
    writeln!(out, "{HEADER}")?;
    let (mut count, mut before) = (0, None);
    let mut time = from;
    while time <= until {
        for tick in walk.advance(time).into_iter().filter(|tick| tick.symbol == symbol.id) {
            write_tick(&tick, before, symbol.digits(), out)?;
            before = Some((tick.bid, tick.ask));
            count += 1;
        }
        time = ServerTime::from_ms(time.ms() + STEP_MS);
    }
    Ok(count)
}

fn write_tick(
    tick: &Tick,
    before: Option<(Price, Price)>,
    digits: u32,
    out: &mut impl Write,
) -> io::Result<()> {
    let price = |price: Price| format!("{:.*}", digits as usize, price.to_f64());
    let (new_bid, new_ask) = before.map_or((true, true), |(bid, ask)| (bid != tick.bid, ask != tick.ask));
    let mut flags = 0;
    let mut field = |is_new: bool, flag: u32, text: String| {
        flags |= if is_new { flag } else { 0 };
        if is_new { text } else { String::new() }
    };
    let bid = field(new_bid, BID_FLAG, price(tick.bid));
    let ask = field(new_ask, ASK_FLAG, price(tick.ask));
    let last = field(tick.last.is_some(), LAST_FLAG, tick.last.map_or(String::new(), |(p, _)| price(p)));
    let volume = tick.last.map_or(String::new(), |(_, volume)| volume.to_string());
    let volume = field(tick.last.is_some(), VOLUME_FLAG, volume);
    let seconds = tick.time.seconds();
    let (year, month, day) = date_from_days(seconds.div_euclid(86_400));
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let ms = tick.time.subsec_ms();
    writeln!(
        out,
        "{year:04}.{month:02}.{day:02}\t{hour:02}:{minute:02}:{second:02}.{ms:03}\t\
         {bid}\t{ask}\t{last}\t{volume}\t{flags}"
    )
}
