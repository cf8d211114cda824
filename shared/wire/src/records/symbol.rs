//! Symbols: commands 6, 9, 13, 18 and 34 (protocol 9.5, 9.6, 9.13).

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

use super::settings::TradeSettings;
use crate::kind::{Kind, price, s16, term};
use crate::payload::{count_of, read_counted, write_counted};
use crate::record::{FieldLayout, RecordLayout, records};
use crate::{Counted, DecodeError, Overlong, Payload, Reader, Record, Value};

records! {
    /// A line of the symbol list.
    pub struct SymbolBrief[526] {
        trade_symbol: s16[64],
        symbol_description: s16[128],
        digits: u32,
        /// The number used in ticks and subscriptions.
        symbol_id: u32,
        /// Folders and name joined by backslashes.
        symbol_path: s16[256],
        trade_calc_mode: u32,
        /// Underlying.
        basis: s16[64],
        sector: u16,
    }

    /// A folder of symbols.
    pub struct SymbolGroup[256] { path: s16[256] }

    /// Whether quotes of a symbol are delayed.
    pub struct Subscription[8] {
        delay: u32,
        /// 1 not subscribed, 2 subscribed, else not applicable.
        status: u8,
        /// 0 with status 1 or 2: the stream is delayed.
        level: u8,
        reserved: u16,
    }

    /// A time of the day in which a symbol is quoted or traded: `open` ≤ minute < `close`, minutes of the server
    /// clock.
    pub struct Session[4] { open: u16, close: u16 }

    /// Everything about a symbol.
    pub struct FullSymbol[3068] {
        trade_symbol: s16[64],
        isin: s16[32],
        symbol_description: s16[128],
        international: s16[128],
        basis: s16[64],
        symbol_source: s16[64],
        symbol_page: s16[512],
        category: s16[128],
        trade_exchange: s16[128],
        cfi: s16[16],
        sector: u16,
        industry: u16,
        /// ISO code.
        country: s16[8],
        currency_base: s16[32],
        currency_profit: s16[32],
        currency_margin: s16[32],
        currency_base_digits: u32,
        currency_profit_digits: u32,
        currency_margin_digits: u32,
        symbol_color: u32,
        color_background: u32,
        digits: u32,
        /// 10^-digits.
        point: term,
        /// 10^digits.
        symbol_multiply: term,
        symbol_id: u32,
        /// Bit 8: negative prices allowed.
        ticks_flags: u32,
        /// Levels of depth of market.
        ticks_bookdepth: u32,
        /// Bars by: 0 bid, 1 last, 255 default.
        ticks_chart_mode: u32,
        /// Bit 1: profit by market rates even for forex.
        trade_flags: u32,
        /// Fixed spread in points; 0: floating.
        spread: i32,
        spread_balance: i32,
        /// Profit of one tick and one lot (futures, CFD on indices).
        tick_value: term,
        /// Price step.
        tick_size: term,
        /// Units a lot.
        contract_size: term,
        /// 0 until cancelled, 1 today with stops, 2 today without stops.
        trade_gtc_mode: u32,
        trade_calc_mode: u32,
        trade_price_settle: price,
        /// 0: none.
        trade_price_limit_min: price,
        /// 0: none.
        trade_price_limit_max: price,
        trade_price_strike: price,
        trade_option_mode: u32,
        face_value: term,
        accrued_interest: price,
        time_flags: u32,
        /// 0: none.
        time_start: i32,
        /// 0: none.
        time_expiration: i32,
        trade: TradeSettings,
        schedule: Schedule,
        subscription: Subscription,
    }
}

/// Sessions in a day.
const SESSIONS: usize = 16;
/// Bytes of a schedule: two weeks of sessions.
const SCHEDULE_LEN: usize = 2 * 7 * SESSIONS * Session::LEN;

/// When a symbol is quoted and traded; days begin with Sunday. Unused sessions are not held.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schedule {
    /// Quote sessions of each day.
    pub quotes: [Vec<Session>; 7],
    /// Trade sessions of each day.
    pub trades: [Vec<Session>; 7],
}

impl Schedule {
    /// Around the clock, every day.
    #[must_use]
    pub fn always() -> Self {
        let week = || std::array::from_fn(|_| vec![Session { open: 0, close: 1440 }]);
        Self { quotes: week(), trades: week() }
    }
}

impl Record for Schedule {
    const NAME: &'static str = "Schedule";
    const LEN: usize = SCHEDULE_LEN;
    const FIELDS: &'static [FieldLayout] = &[
        FieldLayout { name: "quotes", kind: "sessions", len: SCHEDULE_LEN / 2 },
        FieldLayout { name: "trades", kind: "sessions", len: SCHEDULE_LEN / 2 },
    ];

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut schedule = Self::default();
        for day in schedule.quotes.iter_mut().chain(&mut schedule.trades) {
            for _ in 0..SESSIONS {
                let session: Session = Record::read(reader)?;
                if session != Session::default() {
                    day.push(session);
                }
            }
        }
        Ok(schedule)
    }

    fn write(&self, out: &mut Vec<u8>) {
        let unused = Session::default();
        for day in self.quotes.iter().chain(&self.trades) {
            for session in day.iter().chain(std::iter::repeat(&unused)).take(SESSIONS) {
                session.write(out);
            }
        }
    }
}

impl Kind for Schedule {
    type Held = Self;
    const KIND: &'static str = "bytes";
    const WIDTH: usize = SCHEDULE_LEN;
    fn zero() -> Self {
        Self::default()
    }
    fn get(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Record::read(reader)
    }
    fn put(held: &Self, out: &mut Vec<u8>) {
        Record::write(held, out);
    }
    fn show(held: &Self) -> Value {
        let minutes = |session: &Session| {
            Value::List(vec![Value::Unsigned(session.open.into()), Value::Unsigned(session.close.into())])
        };
        let day = |sessions: &Vec<Session>| Value::List(sessions.iter().map(minutes).collect());
        let week = |week: &[Vec<Session>; 7]| Value::List(week.iter().map(day).collect());
        Value::Record(vec![("quote_sessions", week(&held.quotes)), ("trade_sessions", week(&held.trades))])
    }
}

/// Symbol ids: of commands 7, 18, 20 and 22. A list of subscriptions replaces the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SymbolIds(pub Vec<u32>);

impl Payload for SymbolIds {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&count_of(self.0.len()).to_le_bytes());
        for id in &self.0 {
            u32::put(id, out);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = reader.count("SymbolIds", u32::WIDTH)?;
        (0..count).map(|_| u32::get(reader)).collect::<Result<_, _>>().map(Self)
    }

    fn value(&self) -> Value {
        let ids = self.0.iter().map(|id| Value::Unsigned(u64::from(*id))).collect();
        Value::Record(vec![("symbol_ids", Value::List(ids))])
    }
}

/// Which symbols command 18 asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FullSymbolsRequest {
    /// The official form.
    Ids(SymbolIds),
    /// The form of pymt5: servers accept it, clients do not send it.
    Name(String),
}

impl Payload for FullSymbolsRequest {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Ids(ids) => ids.encode(out),
            Self::Name(name) => s16::<64>::put(name, out),
        }
    }

    /// It is the official form if the length is what its count says.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if let Ok(ids) = SymbolIds::from_bytes(reader.rest())
            && reader.rest().len() == 4 + 4 * ids.0.len()
        {
            reader.take(reader.rest().len())?;
            return Ok(Self::Ids(ids));
        }
        s16::<64>::get(reader.at("FullSymbolsRequest", "symbol")).map(Self::Name)
    }

    fn value(&self) -> Value {
        match self {
            Self::Ids(ids) => ids.value(),
            Self::Name(name) => Value::Record(vec![("symbol", Value::Text(name.clone()))]),
        }
    }

    fn overlong(&self) -> Option<Overlong> {
        match self {
            Self::Ids(_) => None,
            Self::Name(name) => s16::<64>::overlong(name).map(|cut| cut.of("symbol")),
        }
    }
}

/// Largest symbol list that is unpacked.
pub const MAX_INFLATED: usize = 64 << 20;
/// No zlib stream holds more than this many bytes for each of its own.
const MAX_RATIO: usize = 1100;

/// The symbol list as command 34 sends it: four bytes that clients skip, then a zlib stream of the plain list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CompressedSymbols(pub Counted<SymbolBrief>);

impl Payload for CompressedSymbols {
    fn encode(&self, out: &mut Vec<u8>) {
        let mut plain = Vec::new();
        write_counted(&self.0.0, &mut plain);
        out.extend_from_slice(&count_of(plain.len()).to_le_bytes());
        let start = out.len();
        let mut encoder = ZlibEncoder::new(&mut *out, Compression::default());
        let packed = encoder.write_all(&plain).and_then(|()| encoder.finish().map(|_| ()));
        if packed.is_err() {
            // Writing to memory does not fail; if it did, half a stream must not pass for a whole one.
            out.truncate(start);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let invalid = |reason| DecodeError::Invalid { record: "CompressedSymbols", reason };
        reader.at("CompressedSymbols", "length").take(4)?;
        let packed = reader.take(reader.rest().len())?;
        let limit = MAX_INFLATED.min(packed.len().saturating_mul(MAX_RATIO));
        let mut plain = Vec::new();
        let mut inflated = ZlibDecoder::new(packed).take(limit as u64 + 1);
        inflated.read_to_end(&mut plain).map_err(|_| invalid("the zlib stream is damaged"))?;
        if plain.len() > limit {
            return Err(invalid("the symbol list is too large"));
        }
        read_counted(&mut Reader::new(&plain, "SymbolBrief")).map(|symbols| Self(Counted(symbols)))
    }

    fn value(&self) -> Value {
        self.0.value()
    }
}

/// The schedule is written by hand; the rest of the module's tables come from the macro.
pub(crate) const SCHEDULE_LAYOUT: RecordLayout = RecordLayout {
    name: "Schedule",
    len: SCHEDULE_LEN,
    fields: <Schedule as Record>::FIELDS,
    recode: |bytes| {
        let schedule: Schedule = Record::read(&mut Reader::new(bytes, "Schedule"))?;
        let mut out = Vec::new();
        Record::write(&schedule, &mut out);
        Ok(out)
    },
};
