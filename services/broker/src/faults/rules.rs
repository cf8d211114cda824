//! The rules in force, shared by the hub and all outboxes.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::{ActiveRule, Fate, Fault, FaultError, Push, QuoteSide, RULES_MAX, Rule};
use crate::feed::uniform;

/// A rule with what it needs to go on.
#[derive(Debug)]
struct Active {
    id: u64,
    rule: Rule,
    /// Number of the symbol that the rule names.
    symbol: Option<u32>,
    left: Option<u32>,
    chance: ChaCha8Rng,
}

impl Active {
    fn meets(&self, login: u64) -> bool {
        self.rule.login.is_none_or(|own| own == login)
    }

    /// Whether it happens this time.
    fn strikes(&mut self) -> bool {
        if self.rule.probability < 1.0 && uniform(self.chance.next_u64()) >= self.rule.probability {
            return false;
        }
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(1);
        }
        true
    }
}

#[derive(Debug, Default)]
struct Rules {
    active: Vec<Active>,
    last_id: u64,
}

#[derive(Debug, Default)]
struct Shared {
    seed: u64,
    /// Whether there are rules at all: mostly there are none, and then nobody waits for the lock.
    any: AtomicBool,
    rules: Mutex<Rules>,
}

/// All rules. Clones are the same. A login of 0 is a connection before its login: only rules for all meet it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults(Arc<Shared>);

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Arc::new(Shared { seed, ..Shared::default() }))
    }

    /// Adds a rule behind the others; `symbol` is the number of the symbol that it names. Gives its number.
    pub(crate) fn add(&self, rule: Rule, symbol: Option<u32>) -> Result<u64, FaultError> {
        rule.check()?;
        let mut rules = self.locked();
        if rules.active.len() >= RULES_MAX {
            return Err(FaultError::TooMany);
        }
        rules.last_id += 1;
        let id = rules.last_id;
        let mut chance = ChaCha8Rng::seed_from_u64(self.0.seed);
        chance.set_stream(id);
        let left = rule.times;
        rules.active.push(Active { id, rule, symbol, left, chance });
        self.0.any.store(true, Ordering::Release);
        Ok(id)
    }

    /// Removes the rules that `is_unwanted` says; gives how many those were.
    pub(crate) fn remove(&self, is_unwanted: impl Fn(u64, &Rule) -> bool) -> usize {
        let mut rules = self.locked();
        let before = rules.active.len();
        rules.active.retain(|active| !is_unwanted(active.id, &active.rule));
        self.settle(&rules);
        before - rules.active.len()
    }

    pub(crate) fn list(&self) -> Vec<ActiveRule> {
        let rules = self.locked();
        let shown =
            |active: &Active| ActiveRule { id: active.id, rule: active.rule.clone(), left: active.left };
        rules.active.iter().map(shown).collect()
    }

    /// Whether nothing goes wrong.
    pub(crate) fn is_quiet(&self) -> bool {
        !self.0.any.load(Ordering::Acquire)
    }

    /// What happens to a trade request: of several rules the first one.
    pub(crate) fn of_trade(&self, login: u64, is_deal: bool) -> Option<Fault> {
        let wanted =
            |active: &Active| active.rule.fault.is_of_trade(is_deal).then(|| active.rule.fault.clone());
        self.first(login, wanted)
    }

    /// The result code that refuses a login.
    pub(crate) fn of_login(&self, login: u64) -> Option<u8> {
        self.first(login, |active| match active.rule.fault {
            Fault::RefuseLogin { code } => Some(code),
            _ => None,
        })
    }

    /// What happens to an answer.
    pub(crate) fn of_answer(&self, login: u64, number: u16) -> Fate {
        self.fate(login, |fault| match fault {
            Fault::Answers { command, mishap } if command.is_none_or(|own| own == number) => Some(*mishap),
            _ => None,
        })
    }

    /// What happens to a message that nobody asked for.
    pub(crate) fn of_push(&self, login: u64, kind: Push) -> Fate {
        self.fate(login, |fault| match fault {
            Fault::Pushes { push, mishap } if *push == kind => Some(*mishap),
            _ => None,
        })
    }

    /// Whether the prices of a symbol, by its number, do not go out.
    pub(crate) fn is_frozen(&self, login: u64, symbol: u32) -> bool {
        let frozen = |active: &Active| {
            let is_it = matches!(active.rule.fault, Fault::FreezeQuotes { .. });
            (is_it && active.symbol.is_none_or(|own| own == symbol)).then_some(())
        };
        self.first(login, frozen).is_some()
    }

    /// Whether a tick has one side only, and which; none in it: both, one after the other.
    pub(crate) fn of_sides(&self, login: u64) -> Option<Option<QuoteSide>> {
        self.first(login, |active| match active.rule.fault {
            Fault::PartialTicks { side } => Some(side),
            _ => None,
        })
    }

    /// How many bytes a second a connection carries; none: as many as it can.
    pub(crate) fn bytes_per_s(&self, login: u64) -> Option<u32> {
        self.first(login, |active| match active.rule.fault {
            Fault::Trickle { bytes_per_s } => Some(bytes_per_s),
            _ => None,
        })
    }

    fn fate(&self, login: u64, mishap: impl Fn(&Fault) -> Option<super::Mishap>) -> Fate {
        let mut fate = Fate::default();
        self.each(
            login,
            |active| mishap(&active.rule.fault),
            |mishap| {
                fate.suffer(mishap);
                ControlFlow::Continue(())
            },
        );
        fate
    }

    fn first<T>(&self, login: u64, wanted: impl Fn(&Active) -> Option<T>) -> Option<T> {
        let mut found = None;
        self.each(login, wanted, |it| {
            found = Some(it);
            ControlFlow::Break(())
        });
        found
    }

    /// Gives what strikes an account now, rule by rule, and forgets rules that are used up.
    fn each<T>(
        &self,
        login: u64,
        wanted: impl Fn(&Active) -> Option<T>,
        mut take: impl FnMut(T) -> ControlFlow<()>,
    ) {
        if self.is_quiet() {
            return;
        }
        let mut rules = self.locked();
        for active in rules.active.iter_mut().filter(|active| active.meets(login)) {
            let Some(it) = wanted(active) else { continue };
            if active.strikes() && take(it).is_break() {
                break;
            }
        }
        rules.active.retain(|active| active.left != Some(0));
        self.settle(&rules);
    }

    fn settle(&self, rules: &Rules) {
        self.0.any.store(!rules.active.is_empty(), Ordering::Release);
    }

    /// No code runs under the lock that could leave the rules half-changed.
    fn locked(&self) -> MutexGuard<'_, Rules> {
        self.0.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{Damage, Mishap};
    use super::*;

    fn faults(rules: &[Rule]) -> Faults {
        let faults = Faults::new(7);
        for rule in rules {
            faults.add(rule.clone(), None).unwrap();
        }
        faults
    }

    #[test]
    fn a_rule_meets_its_account_so_many_times() {
        let faults = faults(&[Rule::of(Fault::Requote).for_login(5).times(2), Rule::of(Fault::Silence)]);
        assert_eq!(faults.of_trade(6, true), Some(Fault::Silence));
        assert_eq!(faults.of_trade(5, false), Some(Fault::Silence), "nothing but deals is requoted");
        let met: Vec<_> = (0..3).filter_map(|_| faults.of_trade(5, true)).collect();
        assert_eq!(met, [Fault::Requote, Fault::Requote, Fault::Silence]);
        assert_eq!(faults.list().len(), 1, "what is used up is gone");
        assert_eq!(faults.remove(|id, _| id == 2), 1);
        assert!(faults.is_quiet());
    }

    #[test]
    fn chance_depends_on_seed_and_rule_alone() {
        let rule = Rule::of(Fault::LoseAnswer).likely(0.5);
        let draws = |seed, others: bool| {
            let faults = Faults::new(seed);
            faults.add(rule.clone(), None).unwrap();
            if others {
                faults.add(Rule::of(Fault::RefuseLogin { code: 3 }).likely(0.3), None).unwrap();
            }
            let draw = |_| {
                faults.of_login(1);
                faults.of_trade(1, true).is_some()
            };
            (0..64).map(draw).collect::<Vec<_>>()
        };
        let first = draws(1, false);
        assert_eq!(first, draws(1, true), "another rule changes nothing");
        assert_ne!(first, draws(2, false));
        let hits = first.iter().filter(|hit| **hit).count();
        assert!((16..48).contains(&hits), "{hits} of 64");
    }

    #[test]
    fn mishaps_add_up() {
        let delay = Fault::Answers { command: Some(4), mishap: Mishap::DelayMs(30) };
        let twice = Fault::Answers { command: None, mishap: Mishap::Duplicate };
        let spoilt = Fault::Pushes { push: Push::Books, mishap: Mishap::Truncate };
        let faults = faults(&[delay, twice.clone(), twice, spoilt].map(Rule::of));
        let doubled = Fate { copies: 2, ..Fate::default() };
        assert_eq!(faults.of_answer(1, 5), doubled);
        assert_eq!(faults.of_answer(1, 4), Fate { delay: Duration::from_millis(30), ..doubled });
        assert_eq!(faults.of_push(1, Push::Books).damage, Some(Damage::Truncated));
        assert_eq!(faults.of_push(1, Push::Ticks), Fate::default());
    }

    #[test]
    fn rules_without_sense_are_refused() {
        let refused = |rule: Rule| Faults::new(1).add(rule, None).unwrap_err();
        for (fault, error) in [
            (Fault::LateResult { ms: 0 }, FaultError::Delay),
            (Fault::Pushes { push: Push::Ticks, mishap: Mishap::DelayMs(600_001) }, FaultError::Delay),
            (Fault::PartialFill { share: 1.0 }, FaultError::Share),
            (Fault::PartialFill { share: f64::NAN }, FaultError::Share),
            (Fault::Reject { retcode: 10_009, at_once: false }, FaultError::Retcode),
            (Fault::Reject { retcode: 0, at_once: false }, FaultError::Retcode),
            (Fault::RefuseLogin { code: 0 }, FaultError::Code),
            (Fault::Trickle { bytes_per_s: 0 }, FaultError::Speed),
            (Fault::Answers { command: Some(51), mishap: Mishap::Drop }, FaultError::Command),
            (Fault::Answers { command: Some(10), mishap: Mishap::Drop }, FaultError::Command),
        ] {
            assert_eq!(refused(Rule::of(fault.clone())), error, "{fault:?}");
        }
        assert_eq!(refused(Rule::of(Fault::Requote).times(0)), FaultError::Times);
        assert_eq!(refused(Rule::of(Fault::Requote).likely(1.1)), FaultError::Probability);
        assert_eq!(refused(Rule::of(Fault::Trickle { bytes_per_s: 9 }).times(1)), FaultError::State);
        let many = faults(&vec![Rule::of(Fault::Requote); RULES_MAX]);
        assert_eq!(many.add(Rule::of(Fault::Requote), None), Err(FaultError::TooMany));
    }

    #[test]
    fn rules_are_written_as_json() {
        let read = |text: &str| serde_json::from_str::<Rule>(text);
        let rule =
            read(r#"{"fault": {"kind": "answers", "command": 4, "mishap": {"delay_ms": 5}}, "times": 2}"#);
        let fault = Fault::Answers { command: Some(4), mishap: Mishap::DelayMs(5) };
        assert_eq!(rule.unwrap(), Rule::of(fault).times(2));
        let rule =
            read(r#"{"fault": {"kind": "pushes", "push": "trade_results", "mishap": "drop"}}"#).unwrap();
        assert_eq!(rule.fault, Fault::Pushes { push: Push::TradeResults, mishap: Mishap::Drop });
        assert_eq!(read(r#"{"fault": {"kind": "lose_answer"}, "login": 5}"#).unwrap().login, Some(5));
        assert!(read(r#"{"fault": {"kind": "requote"}, "time": 2}"#).is_err());
        assert!(read(r#"{"fault": {"kind": "sleep"}}"#).is_err());
    }
}
