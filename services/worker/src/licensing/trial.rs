//! When the trial began, and what time it is: by all places that keep it, and all clocks there are.

use std::sync::Arc;

use access::{Clocks, TrialMark};
use registry::TrialStore;
use tokio::time::{Instant, timeout};

use super::ANSWER_LIMIT;

/// The mark is raised in steps of so many seconds: what turning a clock back could gain at most, each time.
const MARK_EVERY_S: i64 = 300;

/// What is known of the trial. See the module.
#[derive(Debug, Default)]
pub(super) struct Trial {
    known: Option<TrialMark>,
    /// The mark as it was seen, and when: since then the time has gone on by the monotonic clock.
    lived_from: Option<(i64, Instant)>,
    /// The registry's clock as it was told last, and when.
    registry: Option<(i64, Instant)>,
}

fn on_from((then_s, at): (i64, Instant)) -> i64 {
    then_s.saturating_add(i64::try_from(at.elapsed().as_secs()).unwrap_or(i64::MAX))
}

impl Trial {
    /// Asks all places, and tells those that lack something. The answers are the time that counts, and when the trial began;
    /// `None`: nobody could be asked yet. Times are seconds since 1970 UTC.
    pub(super) async fn look(
        &mut self,
        places: &[Arc<dyn TrialStore>],
        clock_s: i64,
        registry_s: Option<i64>,
        troubles: &mut Vec<String>,
    ) -> (i64, Option<i64>) {
        let mut answers = Vec::new();
        for place in places {
            match timeout(ANSWER_LIMIT, place.trial()).await {
                Ok(Ok(kept)) => answers.push((place, kept)),
                Ok(Err(failure)) => troubles.push(format!("the trial cannot be read: {failure}")),
                Err(_) => troubles.push("the trial cannot be read: no answer in time".to_owned()),
            }
        }
        for kept in answers.iter().filter_map(|(_, kept)| *kept) {
            self.learn(kept);
        }
        if let Some(told_s) = registry_s {
            self.registry = Some((told_s, Instant::now()));
        }
        let registry_s = self.registry.map(on_from);
        let clocks = Clocks { clock_s, registry_s, lived_s: self.lived_from.map(on_from) };
        let now_s = clocks.time_s();
        self.raise(&clocks, !answers.is_empty());
        for (place, kept) in answers {
            let Some(known) = self.known.filter(|known| kept != Some(*known)) else { continue };
            match timeout(ANSWER_LIMIT, place.keep_trial(known)).await {
                Ok(Ok(kept)) => self.learn(kept),
                Ok(Err(failure)) => troubles.push(format!("the trial cannot be kept: {failure}")),
                Err(_) => troubles.push("the trial cannot be kept: no answer in time".to_owned()),
            }
        }
        (now_s, self.known.map(|known| known.began_s))
    }

    fn learn(&mut self, kept: TrialMark) {
        let known = self.known.map_or(kept, |known| known.and(kept));
        self.known = Some(known);
        if self.lived_from.is_none_or(|lived| on_from(lived) < known.mark_s) {
            self.lived_from = Some((known.mark_s, Instant::now()));
        }
    }

    /// Raises the mark, or begins the trial where every place that answers knows of none.
    fn raise(&mut self, clocks: &Clocks, is_answered: bool) {
        match self.known {
            Some(known) => {
                let mark_s = clocks.mark_s().unwrap_or(known.mark_s);
                if mark_s.saturating_sub(known.mark_s) >= MARK_EVERY_S {
                    self.learn(TrialMark { mark_s, ..known });
                }
            }
            None if is_answered => {
                let began_s = clocks.time_s();
                self.learn(TrialMark { began_s, mark_s: began_s });
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use async_trait::async_trait;
    use registry::{MemoryRegistry, RegistryError};
    use tokio::time::advance;

    use super::*;

    const HOUR: i64 = 3600;
    const DAY: i64 = 24 * HOUR;
    /// 2026-11-28T00:00:00Z.
    const BEGAN: i64 = 1_795_824_000;

    /// A place that can be emptied, or does not answer.
    #[derive(Default)]
    struct Place(Mutex<(Option<TrialMark>, bool)>);

    impl Place {
        fn empty(&self) {
            self.0.lock().unwrap().0 = None;
        }

        fn kept(&self) -> Option<TrialMark> {
            self.0.lock().unwrap().0
        }

        fn set_broken(&self, is_broken: bool) {
            self.0.lock().unwrap().1 = is_broken;
        }

        fn answers(&self) -> Result<(), RegistryError> {
            if self.0.lock().unwrap().1 { Err(RegistryError("broken".into())) } else { Ok(()) }
        }
    }

    #[async_trait]
    impl TrialStore for Place {
        async fn trial(&self) -> Result<Option<TrialMark>, RegistryError> {
            self.answers().map(|()| self.kept())
        }

        async fn keep_trial(&self, mark: TrialMark) -> Result<TrialMark, RegistryError> {
            self.answers()?;
            let kept = self.kept().map_or(mark, |kept| kept.and(mark));
            self.0.lock().unwrap().0 = Some(kept);
            Ok(kept)
        }
    }

    fn two() -> ([Arc<Place>; 2], Vec<Arc<dyn TrialStore>>) {
        let places = [Arc::new(Place::default()), Arc::new(Place::default())];
        let stores = places.iter().map(|place| Arc::<Place>::clone(place) as Arc<dyn TrialStore>).collect();
        (places, stores)
    }

    /// Looks without trouble: the time after the beginning, and the beginning after [`BEGAN`].
    async fn look(trial: &mut Trial, places: &[Arc<dyn TrialStore>], clock_s: i64) -> (i64, Option<i64>) {
        let mut troubles = Vec::new();
        let (now_s, began_s) = trial.look(places, clock_s, None, &mut troubles).await;
        assert_eq!(troubles, [""; 0]);
        (now_s - BEGAN, began_s.map(|began| began - BEGAN))
    }

    #[tokio::test(start_paused = true)]
    async fn neither_a_restart_nor_an_emptied_place_begins_it_anew() {
        let (places, stores) = two();
        assert_eq!(look(&mut Trial::default(), &stores, BEGAN).await, (0, Some(0)));
        for (day, place) in [(3, 0), (6, 1), (9, 0)] {
            places[place].empty();
            let looked = look(&mut Trial::default(), &stores, BEGAN + day * DAY).await;
            assert_eq!(looked, (day * DAY, Some(0)), "day {day}");
            // It was told again at once, so that the other one may go next.
            let kept = TrialMark { began_s: BEGAN, mark_s: BEGAN + day * DAY };
            assert_eq!(places.each_ref().map(|place| place.kept()), [Some(kept); 2], "day {day}");
        }
        let mut running = Trial::default();
        look(&mut running, &stores, BEGAN + 10 * DAY).await;
        places.iter().for_each(|place| place.empty());
        assert_eq!(look(&mut running, &stores, BEGAN + 10 * DAY).await.1, Some(0), "somebody remembers");
        places.iter().for_each(|place| place.empty());
        let anew = look(&mut Trial::default(), &stores, BEGAN + 11 * DAY).await;
        assert_eq!(anew, (11 * DAY, Some(11 * DAY)), "who deletes everything begins anew");
    }

    #[tokio::test(start_paused = true)]
    async fn turning_the_clock_back_does_not_stop_the_time() {
        let (_, stores) = two();
        look(&mut Trial::default(), &stores, BEGAN).await;
        look(&mut Trial::default(), &stores, BEGAN + 13 * DAY).await;
        let mut trial = Trial::default();
        assert_eq!(look(&mut trial, &stores, BEGAN + DAY).await, (13 * DAY, Some(0)));
        for hour in 1..=24 {
            advance(Duration::from_secs(3600)).await;
            let clock_s = BEGAN + DAY - hour * HOUR;
            assert_eq!(look(&mut trial, &stores, clock_s).await, (13 * DAY + hour * HOUR, Some(0)));
        }
        // What was lived is kept.
        assert_eq!(look(&mut Trial::default(), &stores, BEGAN).await, (14 * DAY, Some(0)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wrong_clock_ends_nothing_for_good() {
        let (places, stores) = two();
        let mut troubles = Vec::new();
        let year = 365 * DAY;
        let mut trial = Trial::default();
        trial.look(&stores, BEGAN, Some(BEGAN), &mut troubles).await;
        let ahead = trial.look(&stores, BEGAN + year, Some(BEGAN + 60), &mut troubles).await;
        assert_eq!(ahead, (BEGAN + 60 + HOUR, Some(BEGAN)), "an hour of it counts");
        let there = trial.look(&stores, BEGAN + 120, Some(BEGAN + year), &mut troubles).await;
        assert_eq!(there.0, BEGAN + year, "the clock that all share counts while it is so");
        assert_eq!(trial.look(&stores, BEGAN + 180, Some(BEGAN + 180), &mut troubles).await.0, BEGAN + 180);
        assert_eq!(places[0].kept(), Some(TrialMark { began_s: BEGAN, mark_s: BEGAN }));
        // While the registry is away its clock is known still.
        advance(Duration::from_secs(60)).await;
        let away = trial.look(&stores, BEGAN + year, None, &mut troubles).await;
        assert_eq!((away.0, troubles.len()), (BEGAN + 240 + HOUR, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_read_is_told_and_stops_nobody() {
        let (places, stores) = two();
        places.iter().for_each(|place| place.set_broken(true));
        let mut trial = Trial::default();
        let mut troubles = Vec::new();
        let looked = trial.look(&stores, BEGAN, None, &mut troubles).await;
        assert_eq!((looked, troubles.len()), ((BEGAN, None), 2), "nothing is known");
        // One is back: the trial begins as far as that one knows, until the other says better.
        places[0].set_broken(false);
        troubles.clear();
        let looked = trial.look(&stores, BEGAN + DAY, None, &mut troubles).await;
        assert_eq!((looked, troubles.len()), ((BEGAN + DAY, Some(BEGAN + DAY)), 1));
        places[1].set_broken(false);
        let earlier = TrialMark { began_s: BEGAN - 5 * DAY, mark_s: BEGAN };
        places[1].keep_trial(earlier).await.unwrap();
        assert_eq!(look(&mut trial, &stores, BEGAN + DAY).await, (DAY, Some(-5 * DAY)));
        assert_eq!(places[0].kept(), places[1].kept());
        // What is known stays known.
        places.iter().for_each(|place| place.set_broken(true));
        troubles.clear();
        let looked = trial.look(&stores, BEGAN + 2 * DAY, None, &mut troubles).await;
        assert_eq!((looked, troubles.len()), ((BEGAN + 2 * DAY, Some(BEGAN - 5 * DAY)), 2));
    }

    #[tokio::test(start_paused = true)]
    async fn two_workers_have_one_trial() {
        let registry: Arc<dyn TrialStore> = Arc::new(MemoryRegistry::new());
        let stores = [registry];
        let (mut one, mut other) = (Trial::default(), Trial::default());
        assert_eq!(look(&mut one, &stores, BEGAN).await, (0, Some(0)));
        assert_eq!(look(&mut other, &stores, BEGAN + 2 * DAY).await, (2 * DAY, Some(0)));
        assert_eq!(
            look(&mut one, &stores, BEGAN).await,
            (2 * DAY, Some(0)),
            "the later time counts for both"
        );
    }
}
