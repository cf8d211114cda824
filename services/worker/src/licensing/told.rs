//! What the log is told: each thing once, when it changes.

use access::Standing;

use super::terms::Terms;

/// What was told last.
#[derive(Debug, Default)]
pub(super) struct Told {
    stage: Option<(Stage, Option<i64>)>,
    troubles: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Trial,
    Licensed,
    ReduceOnly,
    Ended,
}

impl Told {
    pub(super) fn tell(&mut self, terms: &Terms) {
        let was_told = std::mem::replace(&mut self.troubles, terms.troubles.clone());
        for trouble in terms.troubles.iter().filter(|trouble| !was_told.contains(trouble)) {
            tracing::error!(
                trouble,
                "what the trial or a licence says cannot be read; what was known counts on"
            );
        }
        let stage = match terms.standing {
            Standing::Trial { .. } => Stage::Trial,
            Standing::Licensed(_) => Stage::Licensed,
            Standing::Grace { .. } => Stage::ReduceOnly,
            Standing::Ended { .. } => Stage::Ended,
        };
        let now = (stage, terms.warning_days());
        if self.stage.replace(now) == Some(now) {
            return;
        }
        let notice = terms.notice();
        match (now, &terms.standing) {
            ((Stage::ReduceOnly | Stage::Ended, _), _) => {
                tracing::error!(notice, "no new sessions are made");
            }
            ((_, Some(_)), _) => tracing::warn!(notice, "an end is near"),
            (_, Standing::Licensed(license)) => {
                tracing::info!(
                    customer = license.customer,
                    plan = license.plan,
                    sessions = license.sessions,
                    "licensed"
                );
            }
            _ => tracing::info!("this is a trial: everything works for 14 days"),
        }
    }
}
