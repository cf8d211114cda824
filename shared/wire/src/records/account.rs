//! The account: commands 3 and 14 (protocol 9.2).

use super::settings::{Commission, LeverageRule, TradeSettings};
use crate::kind::{Kind, money, s16};
use crate::payload::{count_of, list_value, read_counted, write_counted};
use crate::record::records;
use crate::{DecodeError, Payload, Reader, Record, Value};

records! {
    /// Identity, rights and money of the account.
    pub struct AccountMain[816] {
        /// 0 real, 1 demo, 2 contest, 3 preliminary.
        account_type: u8,
        /// Bits: 4 trading disabled, 8 investor login, 512 read only, 1024 password must be changed.
        rights: i32,
        /// Bit 16: a risk warning must be shown.
        permissions_flags: i32,
        balance: money,
        credit: money,
        account_currency: s16[64],
        /// Money digits.
        currency_digits: u32,
        /// 100 means 1:100.
        margin_leverage: u32,
        /// Holder.
        account_name: s16[256],
        server_build: u16,
        server_name: s16[128],
        /// Broker.
        company: s16[256],
        /// Seconds east of UTC.
        timezone_shift: i32,
        /// Hours to add, 0 or 1.
        daylightmode: i8,
        /// 0 retail netting, 1 exchange, 2 retail hedging.
        margin_mode: u32,
        /// What of the floating result is free margin: 0 nothing, 1 all, 2 profit, 3 loss.
        margin_free_mode: u32,
        /// Margin call level.
        margin_so_call: money,
        /// Stop-out level.
        margin_so_so: money,
        /// Levels are: 0 per cent of margin, 1 money of equity.
        margin_so_mode: u32,
        margin_virtual: money,
        /// 3: `acc_profit` is not available.
        margin_free_profit_mode: u32,
        /// Profit realised today.
        acc_profit: money,
        /// Accrued and not yet charged.
        commission_daily: money,
        /// Accrued and not yet charged.
        commission_monthly: money,
        /// Shortest password; 0 means 8.
        auth_password_min: u32,
        /// 0 two-factor login not offered, 2 on, else off.
        otp_status: u32,
    }
}

/// The whole answer: the main part, and what follows it as far as the server sends it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Account {
    /// Identity, rights and money.
    pub main: AccountMain,
    /// Overrides of symbol settings, applied in order.
    pub trade_settings: Vec<TradeSettings>,
    /// Bit 128: stop out on negative equity even without margin.
    pub trade_flags: i32,
    /// How many symbols the account sees.
    pub symbols_count: i32,
    /// Unknown, zero.
    pub leverage_flags: u64,
    /// Leverage by size of exposure.
    pub leverage_rules: Vec<LeverageRule>,
    /// Commissions.
    pub commissions: Vec<Commission>,
}

impl Payload for Account {
    /// Without trade settings one neutral record is written: clients do not step over a count of zero and would
    /// read everything after it four bytes too early.
    fn encode(&self, out: &mut Vec<u8>) {
        self.main.write(out);
        if self.trade_settings.is_empty() {
            write_counted(&[TradeSettings::neutral()], out);
        } else {
            write_counted(&self.trade_settings, out);
        }
        i32::put(&self.trade_flags, out);
        i32::put(&self.symbols_count, out);
        u64::put(&self.leverage_flags, out);
        out.extend_from_slice(&count_of(self.leverage_rules.len()).to_le_bytes());
        for rule in &self.leverage_rules {
            rule.write(out);
        }
        out.extend_from_slice(&count_of(self.commissions.len()).to_le_bytes());
        for commission in &self.commissions {
            commission.write(out);
        }
    }

    /// As the official client reads it: each section only if bytes are left, and a zero count of trade settings is
    /// read again as the flags that follow.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut account = Self { main: Record::read(reader)?, ..Self::default() };
        if reader.rest().len() >= 4 && reader.rest()[..4] != [0; 4] {
            account.trade_settings = read_counted(reader)?;
        }
        if !reader.is_empty() {
            account.trade_flags = i32::get(reader.at("Account", "trade_flags"))?;
        }
        if !reader.is_empty() {
            account.symbols_count = i32::get(reader.at("Account", "symbols_count"))?;
        }
        if !reader.is_empty() {
            account.leverage_flags = u64::get(reader.at("Account", "leverage_flags"))?;
        }
        if !reader.is_empty() {
            account.leverage_rules = LeverageRule::read_all(reader)?;
        }
        if !reader.is_empty() {
            account.commissions = Commission::read_all(reader)?;
        }
        Ok(account)
    }

    fn value(&self) -> Value {
        let Value::Record(mut fields) = Payload::value(&self.main) else { return Value::Record(Vec::new()) };
        fields.extend([
            ("trade_settings", list_value(&self.trade_settings)),
            ("trade_flags", Value::Signed(self.trade_flags.into())),
            ("symbols_count", Value::Signed(self.symbols_count.into())),
            ("leverage_flags", Value::Unsigned(self.leverage_flags)),
            ("leverage_rules", Value::List(self.leverage_rules.iter().map(LeverageRule::value).collect())),
            ("commissions", Value::List(self.commissions.iter().map(Commission::value).collect())),
        ]);
        Value::Record(fields)
    }
}
