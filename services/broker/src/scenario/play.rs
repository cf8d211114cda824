//! Playing a scenario.

use std::sync::Arc;

use runtime::CancellationToken;
use tokio::time::Instant;

use super::Scenario;
use crate::catalogue::Catalogue;
use crate::server::Control;

/// Does all steps at their times, again and again if the scenario repeats, until told to stop. A step that fails is
/// told and left out.
pub(crate) async fn play(
    scenario: Scenario,
    control: Control,
    catalogue: Arc<Catalogue>,
    stop: CancellationToken,
) {
    tracing::info!(name = scenario.name, about = scenario.about, "a scenario begins");
    let mut begun = Instant::now();
    loop {
        for step in &scenario.steps {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = tokio::time::sleep_until(begun + step.at) => {}
            }
            let (name, at_s) = (&scenario.name, step.at.as_secs_f64());
            let done = step.action.perform(&control, &catalogue).await;
            match done.err() {
                None => tracing::info!(name, at_s, action = ?step.action, "a step of a scenario"),
                Some(error) => tracing::warn!(name, at_s, action = ?step.action, %error, "a step failed"),
            }
        }
        let Some(repeat) = scenario.repeat else { break };
        begun += repeat;
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep_until(begun) => {}
        }
    }
    tracing::info!(name = scenario.name, "a scenario is over");
}
