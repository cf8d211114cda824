//! Logins, as the whole cluster may make them: paced per broker and account, and never again with a password that was
//! refused too often.

use std::time::Duration;

use link::{Credentials, LinkError};
use registry::{LoginPass, RegistryError, Slot};
use tokio::time::sleep;
use wire::code;

use crate::session::AccountKey;
use crate::worker::Shared;

/// A login that would have to wait for longer is refused instead.
const WAIT_MAX: Duration = Duration::from_secs(20);
/// Logins that wait for the same moment come apart by so much at most.
const JITTER: Duration = Duration::from_millis(50);

/// One login of an account.
pub(crate) struct Login<'a> {
    shared: &'a Shared,
    pass: LoginPass,
}

impl<'a> Login<'a> {
    /// Waits until the login may be made.
    ///
    /// # Errors
    /// [`LinkError::Barred`] if the password was refused too often, [`LinkError::HeldBack`] if the wait would be long.
    pub(crate) async fn admitted(
        shared: &'a Shared,
        account: &AccountKey,
        credentials: &Credentials,
    ) -> Result<Self, LinkError> {
        let secret = format!("{}\n{}\n{}", account.server, account.login, credentials.password);
        let pass = LoginPass {
            broker: account.server.clone(),
            account: account.name(),
            password: shared.ring.digest(secret.as_bytes()),
        };
        let mut waited = Duration::ZERO;
        loop {
            match shared.registry.login(&pass, &shared.login_limits).await.map_err(|cause| unknown(&cause))? {
                Slot::Go => return Ok(Self { shared, pass }),
                Slot::Barred(refusals) => return Err(LinkError::Barred { refusals }),
                Slot::Wait(wait) if waited + wait > WAIT_MAX => {
                    let told =
                        format!("too many logins of late; the next one in {} milliseconds", wait.as_millis());
                    return Err(LinkError::HeldBack { cause: told });
                }
                Slot::Wait(wait) => {
                    waited += wait;
                    sleep(wait + JITTER.mul_f64(rand::random_range(0.0..=1.0))).await;
                }
            }
        }
    }

    /// Tells what came of it. Neither telling may change the outcome, so failures are only logged.
    pub(crate) async fn ended<T>(self, outcome: &Result<T, LinkError>) {
        let told = match outcome {
            Ok(_) => self.shared.registry.accepted(&self.pass).await,
            Err(LinkError::Refused { code: code::INVALID_ACCOUNT, .. }) => {
                self.shared.registry.refused(&self.pass, &self.shared.login_limits).await.map(drop)
            }
            Err(_) => Ok(()),
        };
        if let Err(failure) = told {
            tracing::warn!(%failure, "the login governor was not told of a login");
        }
    }
}

fn unknown(cause: &RegistryError) -> LinkError {
    tracing::warn!(%cause, "the login governor cannot be asked");
    LinkError::HeldBack { cause: "the service cannot reach its registry".to_owned() }
}
