//! Texts of everything open: what clients are told of each, and its record for the next owner. They are made once, and
//! again when what they say has changed, so that an event costs what has changed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use wire::Payload;

use super::state::State;
use crate::translate;

/// Magic numbers in one text.
pub(super) const MAGICS_EACH: usize = 128;

/// Texts of a position or an order; `None` until somebody needs them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Texts {
    /// As the contract shows it.
    pub(super) shown: Option<Bytes>,
    /// As the wire has it.
    record: Option<Bytes>,
}

/// A record for the next owner: of what kind it is, and itself.
pub(super) fn record_text(kind: char, record: &impl Payload) -> Bytes {
    let mut text = String::from(kind);
    STANDARD.encode_string(record.to_bytes(), &mut text);
    text.into()
}

/// The record of a text, behind its kind.
pub(super) fn record_of<R: Payload>(text: &[u8]) -> Option<R> {
    R::from_bytes(&STANDARD.decode(text).ok()?).ok()
}

impl State {
    /// Everything open as the contract shows it, each by itself: as [`opened_orders`](Self::opened_orders).
    pub(crate) fn opened_texts(&mut self) -> Vec<Bytes> {
        self.revalue_changed();
        if self.shown_by != self.zone {
            self.shown_by = self.zone;
            self.forget_shown();
        }
        let mut all = Vec::with_capacity(self.positions.len() + self.orders.len());
        for open in self.positions.values_mut() {
            if open.texts.shown.is_none() {
                open.texts.shown = calls::json(&translate::position(open, self.zone)).ok();
            }
            all.extend(open.texts.shown.clone());
        }
        for (ticket, order) in &self.orders {
            let texts = self.order_texts.entry(*ticket).or_default();
            if texts.shown.is_none() {
                let magic = magic_of(&self.magic, *ticket, order.expert);
                texts.shown = calls::json(&translate::pending_of(order, magic, self.zone)).ok();
            }
            all.extend(texts.shown.clone());
        }
        all
    }

    /// What the next owner needs of everything open, and of magic numbers.
    pub(super) fn kept_texts(&mut self) -> Vec<Bytes> {
        let mut all = Vec::with_capacity(self.positions.len() + self.orders.len());
        for open in self.positions.values_mut() {
            all.push(open.texts.record.get_or_insert_with(|| record_text('p', &open.record)).clone());
        }
        for (ticket, order) in &self.orders {
            let texts = self.order_texts.entry(*ticket).or_default();
            all.push(texts.record.get_or_insert_with(|| record_text('o', order)).clone());
        }
        let count = self.magic_order.len().div_ceil(MAGICS_EACH);
        self.magic_texts.resize(count, None);
        for (number, text) in self.magic_texts.iter_mut().enumerate() {
            let from = number * MAGICS_EACH;
            let to = self.magic_order.len().min(from + MAGICS_EACH);
            let make = || {
                let magic = |ticket: &i64| Some((*ticket, *self.magic.get(ticket)?));
                let pairs: Vec<(i64, i64)> = self.magic_order.range(from..to).filter_map(magic).collect();
                serde_json::to_string(&pairs)
                    .map(|pairs| Bytes::from(format!("m{pairs}")))
                    .unwrap_or_default()
            };
            all.push(text.get_or_insert_with(make).clone());
        }
        all
    }

    /// What is shown of everything open must be made anew.
    fn forget_shown(&mut self) {
        for open in self.positions.values_mut() {
            open.texts.shown = None;
        }
        for texts in self.order_texts.values_mut() {
            texts.shown = None;
        }
    }
}

/// The magic number of a ticket: the server's, or the remembered one.
pub(super) fn magic_of(known: &std::collections::HashMap<i64, i64>, ticket: i64, of_server: i64) -> i64 {
    if of_server != 0 { of_server } else { known.get(&ticket).copied().unwrap_or(0) }
}
