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
            match step.action.perform(&control, &catalogue).await {
                Ok(()) => {
                    tracing::info!(name = scenario.name, at_s = step.at.as_secs_f64(), action = ?step.action, "scenario")
                }
                Err(error) => {
                    let at_s = step.at.as_secs_f64();
                    tracing::warn!(name = scenario.name, at_s, action = ?step.action, %error, "a step of a scenario failed");
                }
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
