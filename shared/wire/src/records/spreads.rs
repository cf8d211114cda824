//! Margin spreads between instruments: command 20 (protocol 9.14).

use crate::kind::{Kind, s16, term};
use crate::payload::{count_of, list_value, read_counted, write_counted};
use crate::record::records;
use crate::{DecodeError, Payload, Reader, Record, Value};

records! {
    /// A spread; its legs follow unless its id is 0.
    pub struct SpreadHead[28] {
        /// 0: an empty slot.
        spread_id: u32,
        flag_mask: u32,
        margin_initial: term,
        margin_maintenance: term,
        margin_type: u32,
    }

    /// A leg of a spread.
    pub struct SpreadLeg[88] {
        /// 0 names a symbol, 1 an underlying.
        spread_mode: u32,
        flag_mask: u32,
        trade_symbol: s16[64],
        /// 0: open.
        time_from: u32,
        /// 0: open.
        time_to: u32,
        spread_ratio: term,
    }
}

/// A spread with its legs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spread {
    /// Margin.
    pub head: SpreadHead,
    /// One side.
    pub legs_a: Vec<SpreadLeg>,
    /// The other side.
    pub legs_b: Vec<SpreadLeg>,
}

/// Spreads that belong together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpreadGroup {
    /// Skipped by clients.
    pub leading: u32,
    /// The spreads.
    pub spreads: Vec<Spread>,
}

/// The answer to command 20: groups to the end of the body.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spreads(pub Vec<SpreadGroup>);

impl Payload for Spreads {
    fn encode(&self, out: &mut Vec<u8>) {
        for group in &self.0 {
            u32::put(&group.leading, out);
            u32::put(&count_of(group.spreads.len()), out);
            for spread in &group.spreads {
                spread.head.write(out);
                if spread.head.spread_id != 0 {
                    write_counted(&spread.legs_a, out);
                    write_counted(&spread.legs_b, out);
                }
            }
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut groups = Vec::new();
        while !reader.is_empty() {
            let leading = u32::get(reader.at("SpreadGroup", "leading"))?;
            let count = reader.count("Spread", SpreadHead::LEN)?;
            let spreads = (0..count).map(|_| read_spread(reader)).collect::<Result<_, _>>()?;
            groups.push(SpreadGroup { leading, spreads });
        }
        Ok(Self(groups))
    }

    fn value(&self) -> Value {
        let group_value = |group: &SpreadGroup| {
            let spreads = group.spreads.iter().map(spread_value).collect();
            Value::Record(vec![("leading", u32::show(&group.leading)), ("spreads", Value::List(spreads))])
        };
        Value::List(self.0.iter().map(group_value).collect())
    }
}

fn read_spread(reader: &mut Reader<'_>) -> Result<Spread, DecodeError> {
    let head: SpreadHead = Record::read(reader)?;
    if head.spread_id == 0 {
        return Ok(Spread { head, ..Spread::default() });
    }
    Ok(Spread { head, legs_a: read_counted(reader)?, legs_b: read_counted(reader)? })
}

fn spread_value(spread: &Spread) -> Value {
    match Payload::value(&spread.head) {
        Value::Record(mut fields) => {
            fields.push(("legs_a", list_value(&spread.legs_a)));
            fields.push(("legs_b", list_value(&spread.legs_b)));
            Value::Record(fields)
        }
        other => other,
    }
}
