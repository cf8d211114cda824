//! Trading conditions: of a symbol, or of an account for the symbols behind a mask (protocol 9.2.2 to 9.2.4).

use crate::kind::{Kind, s16, term, terms};
use crate::payload::{list_value, read_counted, write_counted};
use crate::record::records;
use crate::{DecodeError, Payload, Reader, Record, Value};

/// In account settings: keep what the symbol has.
pub const KEEP_I32: i32 = i32::MAX;
/// In account settings: keep what the symbol has.
pub const KEEP_U32: u32 = u32::MAX;
/// In account settings: keep what the symbol has; zero means the same.
pub const KEEP_U64: u64 = u64::MAX;
/// In account settings: keep what the symbol has. In ranges: no upper end.
pub const KEEP_F64: f64 = f64::MAX;

records! {
    /// How a symbol is traded. In an account the path is a mask, and fields may say "keep".
    pub struct TradeSettings[628] {
        symbol_path: s16[256],
        /// Points added to the spread.
        spread_diff: i32,
        /// Points by which bid and ask are shifted.
        spread_diff_balance: i32,
        /// 0 disabled, 1 long only, 2 short only, 3 close only, 4 full.
        trade_mode: u32,
        /// Smallest distance of stops and pending prices, points.
        trade_stops_level: i32,
        /// Distance below which orders and positions cannot be changed, points.
        trade_freeze_level: i32,
        /// 0 request, 1 instant, 2 market, 3 exchange.
        trade_exemode: u32,
        /// Bits: 1 FOK, 2 IOC, 4 BOC.
        trade_fill_flags: u32,
        /// Bits: 1 GTC, 2 day, 4 specified, 8 specified day.
        trade_time_flags: u32,
        /// Bits: 1 market, 2 limit, 4 stop, 8 stop-limit, 16 SL, 32 TP, 64 close by.
        trade_order_flags: u32,
        trade_request_flags: u32,
        /// Seconds.
        trade_request_timeout: u32,
        trade_instant_flags: u32,
        /// Seconds for which a requote holds.
        trade_instant_timeout: u32,
        /// Points.
        trade_instant_slip_profit: u32,
        /// Points.
        trade_instant_slip_losing: u32,
        /// Largest volume for instant execution; 0: no limit.
        trade_instant_volume: u64,
        trade_instant_checkmode: u32,
        trade_market_flags: u32,
        trade_exchange_flags: u32,
        volume_min: u64,
        volume_max: u64,
        volume_step: u64,
        /// Largest volume in one direction; 0: no limit.
        volume_limit: u64,
        /// Bits: 4 margin by the larger leg, 8 without the profit of long positions.
        margin_flags: u32,
        /// Fixed margin a lot; 0: by formula.
        margin_initial: term,
        margin_maintenance: term,
        /// By order type.
        margin_rates_initial: terms[8],
        /// By order type; 0: the initial one.
        margin_rates_maintenance: terms[8],
        margin_rate_liquidity: term,
        /// Contract size of the hedged part.
        margin_hedged: term,
        margin_rate_currency: term,
        /// See the protocol's 10.6.
        swap_mode: u32,
        swap_long: term,
        swap_short: term,
        /// Weekday of the triple swap, 0 Sunday; 7 off.
        swap_rollover3days: i32,
        /// Bit 1: depth of market allowed.
        permissions_flags: u32,
        permissions_bookdepth: u32,
        /// Sunday to Saturday.
        swap_rates: terms[7],
    }

    /// Leverage by exposure, for the symbols behind a mask; its tiers follow.
    pub struct LeverageHead[300] {
        path: s16[256],
        /// Tiers are by: 0 volume, 1 volume a symbol, 2 value, 3 value a symbol.
        range_mode: u32,
        range_currency: s16[32],
        range_currency_digits: u32,
        tier_count: i32,
    }

    /// A step of a leverage rule.
    pub struct LeverageTier[32] {
        range_from: term,
        range_to: term,
        /// Multiplies the margin rate.
        margin_rate_initial: term,
        margin_rate_maintenance: term,
    }

    /// A commission for the symbols behind a mask; its tiers follow.
    pub struct CommissionRule[304] {
        path: s16[256],
        /// 0 standard, 1 agent.
        mode: u32,
        /// Ranges by: 0 volume, 1 turnover in money, 2 turnover in volume, 3 value, 4 profit.
        mode_range: u32,
        /// 0 daily, 1 monthly, 2 at once.
        mode_charge: u32,
        mode_currency: s16[32],
        /// 0 all deals, 1 entries, 2 exits.
        mode_entry: u32,
    }

    /// A step of a commission.
    pub struct CommissionTier[80] {
        /// Value is in: 0 deposit, 1 base, 2 profit, 3 margin currency, 4 points, 5 per cent, 6 `currency`, 7 per
        /// cent of profit.
        mode: u32,
        /// 0 a deal, 1 a lot.
        r#type: u32,
        value: term,
        range_from: term,
        range_to: term,
        /// 0: none.
        minimal: term,
        /// 0: none.
        maximal: term,
        currency: s16[32],
    }
}

impl TradeSettings {
    /// Matches every symbol and changes nothing.
    #[must_use]
    pub fn neutral() -> Self {
        Self {
            symbol_path: "*".into(),
            spread_diff: KEEP_I32,
            spread_diff_balance: KEEP_I32,
            trade_mode: KEEP_U32,
            trade_stops_level: KEEP_I32,
            trade_freeze_level: KEEP_I32,
            trade_exemode: KEEP_U32,
            trade_fill_flags: KEEP_U32,
            trade_time_flags: KEEP_U32,
            trade_order_flags: KEEP_U32,
            trade_request_flags: KEEP_U32,
            trade_request_timeout: KEEP_U32,
            trade_instant_flags: KEEP_U32,
            trade_instant_timeout: KEEP_U32,
            trade_instant_slip_profit: KEEP_U32,
            trade_instant_slip_losing: KEEP_U32,
            trade_instant_volume: KEEP_U64,
            trade_instant_checkmode: KEEP_U32,
            trade_market_flags: KEEP_U32,
            trade_exchange_flags: KEEP_U32,
            volume_min: KEEP_U64,
            volume_max: KEEP_U64,
            volume_step: KEEP_U64,
            volume_limit: KEEP_U64,
            margin_flags: KEEP_U32,
            margin_initial: KEEP_F64,
            margin_maintenance: KEEP_F64,
            margin_rates_initial: [KEEP_F64; 8],
            margin_rates_maintenance: [KEEP_F64; 8],
            margin_rate_liquidity: KEEP_F64,
            margin_hedged: KEEP_F64,
            margin_rate_currency: KEEP_F64,
            swap_mode: KEEP_U32,
            swap_long: KEEP_F64,
            swap_short: KEEP_F64,
            swap_rollover3days: KEEP_I32,
            permissions_flags: KEEP_U32,
            permissions_bookdepth: KEEP_U32,
            swap_rates: [KEEP_F64; 7],
        }
    }

    /// Takes over from an account's settings every field that does not say "keep".
    pub fn override_with(&mut self, account: &Self) {
        macro_rules! take {
            ($keeps:expr => $($field:ident)+) => {$(
                let keeps = $keeps;
                if !keeps(account.$field) {
                    self.$field = account.$field;
                }
            )+};
        }
        take!(|value: i32| value == KEEP_I32 => spread_diff spread_diff_balance trade_stops_level trade_freeze_level
            swap_rollover3days);
        take!(|value: u32| value == KEEP_U32 => trade_mode trade_exemode trade_fill_flags trade_time_flags
            trade_order_flags trade_request_flags trade_request_timeout trade_instant_flags trade_instant_timeout
            trade_instant_slip_profit trade_instant_slip_losing trade_instant_checkmode trade_market_flags
            trade_exchange_flags margin_flags swap_mode permissions_flags permissions_bookdepth);
        take!(|value: u64| value == KEEP_U64 || value == 0 => trade_instant_volume volume_min volume_max volume_step
            volume_limit);
        take!(keeps_f64 => margin_initial margin_maintenance margin_rate_liquidity margin_hedged
            margin_rate_currency swap_long swap_short);
        override_each(&mut self.margin_rates_initial, &account.margin_rates_initial);
        override_each(&mut self.margin_rates_maintenance, &account.margin_rates_maintenance);
        override_each(&mut self.swap_rates, &account.swap_rates);
    }
}

/// "Keep" is the largest double itself; nothing else comes near it.
fn keeps_f64(value: f64) -> bool {
    value >= KEEP_F64
}

fn override_each<const N: usize>(own: &mut [f64; N], account: &[f64; N]) {
    for (own, account) in own.iter_mut().zip(account) {
        if !keeps_f64(*account) {
            *own = *account;
        }
    }
}

/// A leverage rule with its tiers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LeverageRule {
    /// Mask and mode; its `tier_count` is written from the tiers.
    pub rule: LeverageHead,
    /// Its steps.
    pub tiers: Vec<LeverageTier>,
}

impl LeverageRule {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let tier_count = i32::try_from(self.tiers.len()).unwrap_or(i32::MAX);
        LeverageHead { tier_count, ..self.rule.clone() }.write(out);
        for tier in &self.tiers {
            tier.write(out);
        }
    }

    pub(crate) fn read_all(reader: &mut Reader<'_>) -> Result<Vec<Self>, DecodeError> {
        (0..reader.count("LeverageRule", LeverageHead::LEN)?).map(|_| Self::read(reader)).collect()
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let rule: LeverageHead = Record::read(reader)?;
        let (record, reason) = ("LeverageRule", "more tiers than bytes for them");
        let count = usize::try_from(rule.tier_count).unwrap_or(usize::MAX);
        if count > reader.rest().len() / LeverageTier::LEN {
            return Err(DecodeError::Invalid { record, reason });
        }
        let tiers = (0..count).map(|_| Record::read(reader)).collect::<Result<_, _>>()?;
        Ok(Self { rule, tiers })
    }

    pub(crate) fn value(&self) -> Value {
        with_tiers(Payload::value(&self.rule), list_value(&self.tiers))
    }
}

/// A commission with its tiers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Commission {
    /// Mask and modes.
    pub rule: CommissionRule,
    /// Its steps.
    pub tiers: Vec<CommissionTier>,
}

impl Commission {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        self.rule.write(out);
        write_counted(&self.tiers, out);
    }

    pub(crate) fn read_all(reader: &mut Reader<'_>) -> Result<Vec<Self>, DecodeError> {
        let read =
            |reader: &mut Reader<'_>| Ok(Self { rule: Record::read(reader)?, tiers: read_counted(reader)? });
        (0..reader.count("Commission", CommissionRule::LEN + u32::WIDTH)?).map(|_| read(reader)).collect()
    }

    pub(crate) fn value(&self) -> Value {
        with_tiers(Payload::value(&self.rule), list_value(&self.tiers))
    }
}

fn with_tiers(rule: Value, tiers: Value) -> Value {
    match rule {
        Value::Record(mut fields) => {
            fields.push(("tiers", tiers));
            Value::Record(fields)
        }
        other => other,
    }
}
