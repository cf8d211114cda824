//! Ticks in the format of the MetaTrader 5 terminal's export: tab-separated lines of date, time, bid, ask,
//! last, volume and flags. An empty field keeps its last value.

use model::{Price, ServerTime, Volume};

/// A line of a tick file with what earlier lines left in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileTick {
    /// When.
    pub time: ServerTime,
    /// Bid in force.
    pub bid: Price,
    /// Ask in force.
    pub ask: Price,
    /// Last trade's price and volume, on the lines that bring one.
    pub last: Option<(Price, Volume)>,
}

/// Digits that a price in a file may have.
const DIGITS_MAX: u32 = 8;

/// Reads the lines of a file, the header included. Lines before both sides are known give no tick.
///
/// # Errors
/// The number of the first bad line, from one, and what is wrong with it.
pub fn parse_ticks(text: &str) -> Result<Vec<FileTick>, (usize, &'static str)> {
    let mut ticks: Vec<FileTick> = Vec::new();
    let (mut bid, mut ask) = (None, None);
    let text = text.trim_start_matches('\u{feff}');
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim_end_matches('\r');
        if line.is_empty() || (number == 1 && line.starts_with('<')) {
            continue;
        }
        let row = parse_row(line).map_err(|reason| (number, reason))?;
        (bid, ask) = (row.bid.or(bid), row.ask.or(ask));
        let (Some(bid), Some(ask)) = (bid, ask) else { continue };
        if bid > ask {
            return Err((number, "the bid is above the ask"));
        }
        if ticks.last().is_some_and(|last| last.time > row.time) {
            return Err((number, "the time is before that of the line above"));
        }
        ticks.push(FileTick { time: row.time, bid, ask, last: row.last });
    }
    Ok(ticks)
}

struct Row {
    time: ServerTime,
    bid: Option<Price>,
    ask: Option<Price>,
    last: Option<(Price, Volume)>,
}

fn parse_row(line: &str) -> Result<Row, &'static str> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [date, time, bid, ask, last, volume, flags] = fields[..] else {
        return Err("a line has seven fields, separated by tabs");
    };
    flags.parse::<u32>().map_err(|_| "the flags are not a whole number")?;
    let day = parse_date(date).ok_or("the date is not like 2019.01.31")?;
    let ms = parse_time(time).ok_or("the time is not like 23:59:59.999")?;
    let volume = match volume {
        "" => Volume::ZERO,
        text => text.parse().ok().and_then(Volume::from_lots).ok_or("the volume is not a number of lots")?,
    };
    let last = parse_price(last, "the last price is not a price")?;
    Ok(Row {
        time: ServerTime::from_ms(day * 86_400_000 + ms),
        bid: parse_price(bid, "the bid is not a price")?,
        ask: parse_price(ask, "the ask is not a price")?,
        last: last.map(|price| (price, volume)),
    })
}

/// An empty field, or a zero, is no price.
fn parse_price(text: &str, otherwise: &'static str) -> Result<Option<Price>, &'static str> {
    if text.is_empty() {
        return Ok(None);
    }
    let value: f64 = text.parse().map_err(|_| otherwise)?;
    let price = Price::from_f64(value, DIGITS_MAX).filter(|price| *price >= Price::ZERO).ok_or(otherwise)?;
    Ok((price > Price::ZERO).then_some(price))
}

fn parse_date(text: &str) -> Option<i64> {
    let mut parts = text.split('.');
    let (year, month, day) =
        (digits(parts.next()?, 4)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let is_date = parts.next().is_none() && (1..=12).contains(&month) && (1..=31).contains(&day);
    is_date.then(|| model::calendar::days_from_date(year, month, day))
}

fn parse_time(text: &str) -> Option<i64> {
    let (clock, ms) = text.split_once('.').unwrap_or((text, "000"));
    let mut parts = clock.split(':');
    let (hour, minute, second) =
        (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let is_time = parts.next().is_none() && hour < 24 && minute < 60 && second < 60;
    let ms = digits(ms, 3)?;
    is_time.then_some(((hour * 60 + minute) * 60 + second) * 1000 + ms)
}

/// A number of exactly so many decimal digits.
fn digits(text: &str, count: usize) -> Option<i64> {
    let is_number = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>\n";

    #[test]
    fn empty_fields_keep_their_values() {
        let text = format!(
            "{HEADER}2019.01.01\t23:00:00.078\t1.14605\t\t\t\t2\r\n\
             2019.01.01\t23:00:00.180\t\t1.14663\t\t\t4\n\
             2019.01.01\t23:00:01\t1.14609\t\t1.1461\t2.5\t26\n"
        );
        let ticks = parse_ticks(&text).unwrap();
        let shown: Vec<_> = ticks.iter().map(|t| format!("{} {} {}", t.time.ms(), t.bid, t.ask)).collect();
        assert_eq!(shown, ["1546383600180 1.14605 1.14663", "1546383601000 1.14609 1.14663"]);
        assert_eq!(ticks[1].last.map(|(p, v)| format!("{p} {v}")).as_deref(), Some("1.1461 2.5"));
    }

    #[test]
    fn bad_lines_are_named() {
        let good = "2019.01.01\t23:00:00.078\t1.1\t1.2\t\t\t6";
        for (bad, reason) in [
            ("2019.01.01\t23:00:00.078\t1.1\t1.2\t\t6", "seven fields"),
            ("2019-01-01\t23:00:00.078\t1.1\t1.2\t\t\t6", "the date"),
            ("2019.13.01\t23:00:00.078\t1.1\t1.2\t\t\t6", "the date"),
            ("2019.01.01\t24:00:00.078\t1.1\t1.2\t\t\t6", "the time is not like"),
            ("2019.01.01\t23:00:00.078\tabc\t1.2\t\t\t6", "the bid"),
            ("2019.01.01\t23:00:00.078\t-1\t1.2\t\t\t6", "the bid"),
            ("2019.01.01\t23:00:00.078\t1.1\tNaN\t\t\t6", "the ask"),
            ("2019.01.01\t23:00:00.078\t1.3\t1.2\t\t\t6", "above the ask"),
            ("2019.01.01\t23:00:00.078\t1.1\t1.2\t\t\tx", "the flags"),
            ("2019.01.01\t22:00:00.078\t1.1\t1.2\t\t\t6", "before that of the line above"),
        ] {
            let (line, text) = parse_ticks(&format!("{HEADER}{good}\n{bad}\n")).unwrap_err();
            assert_eq!(line, 3, "{bad}");
            assert!(text.contains(reason), "{bad}: {text}");
        }
    }
}
