//! Calls that need no session.

use calls::Handle;
use calls::reply::{AccountAnswer, LicenseStatus as License};
use calls::service::{GetDemo, LicenseStatus};
use error::{Code, Error};
use tokio::time::timeout_at;
use wire::records::Applicant;

use crate::backend::{About, Caller};

/// What the official client asks for when the visitor does not say.
const DEFAULT_DEPOSIT: f64 = 100_000.0;
const DEFAULT_LEVERAGE: u32 = 100;
/// Bit of `agreements` that the official client sets.
const AGREED: u32 = 1;

impl Handle<GetDemo> for Caller<'_> {
    async fn handle(&self, call: GetDemo, _: About<GetDemo>) -> Result<AccountAnswer, Error> {
        let endpoint = self.endpoint_at(&call.host, call.port)?;
        self.admit_endpoint(&endpoint)?;
        let applicant = applicant(call);
        let shared = &self.worker.shared;
        let opening = async {
            let link = shared.dialer.dial(&endpoint, None, [0; 64]).await?;
            let mut visit = link.visit(shared.client_id).await?;
            visit.open_demo(&applicant).await
        };
        let late = |_| Error::timeout("Opening a demo account");
        let opened = timeout_at(self.deadline, opening).await.map_err(late)??;
        match opened.code {
            0 => Ok(AccountAnswer {
                login: u64::try_from(opened.login).unwrap_or(0),
                password: opened.password.reveal().to_owned(),
                investor: opened.investor_password.reveal().to_owned(),
            }),
            wire::code::DEMO_DISABLED => {
                Err(Error::new(Code::DemoDisabled, "This broker does not open demo accounts over the web."))
            }
            wire::code::INVALID_CONFIRMATION => {
                let told = "This broker confirms e-mail or phone before it opens an account. Open it in its terminal.";
                Err(Error::new(Code::AdvancedAuthorization, told))
            }
            other => {
                Err(Error::new(Code::CommonError, format!("The broker opened no account: error {other}.")))
            }
        }
    }
}

impl Handle<LicenseStatus> for Caller<'_> {
    async fn handle(&self, _: LicenseStatus, _: About<LicenseStatus>) -> Result<License, Error> {
        Ok(self.worker.shared.licensing.terms().await.status())
    }
}

fn applicant(call: GetDemo) -> Applicant {
    let full_name = call.user_name.unwrap_or_else(|| "Demo Trader".into());
    let (first_name, second_name) = full_name.split_once(' ').unwrap_or((full_name.as_str(), ""));
    Applicant {
        first_name: first_name.to_owned(),
        second_name: second_name.to_owned(),
        group: call.acc_type.unwrap_or_default(),
        country: call.country.unwrap_or_default(),
        city: call.city.unwrap_or_default(),
        state: call.state.unwrap_or_default(),
        zipcode: call.zip_code.unwrap_or_default(),
        address: call.address.unwrap_or_default(),
        phone: call.phone.unwrap_or_default(),
        email: call.email.unwrap_or_default(),
        deposit: call.deposit.unwrap_or(DEFAULT_DEPOSIT),
        leverage: call.leverage.unwrap_or(DEFAULT_LEVERAGE),
        const_1: 1,
        agreements: AGREED,
        full_name: full_name.clone(),
        ..Applicant::default()
    }
}
