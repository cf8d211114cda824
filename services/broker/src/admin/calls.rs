//! The calls, each with the method of [`Control`] that it stands for.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::{Refusal, Said, reply};
use crate::catalogue::Holiday;
use crate::faults::Rule;
use crate::server::{
    AccountEdit, Control, ControlError, DaylightOrder, DealOrder, DividendOrder, OperationOrder, SymbolEdit,
};
use crate::settings::AccountSettings;

type Answer = Result<Response, Refusal>;

/// Longest step of the clock, milliseconds: a leap year.
const ADVANCE_MAX_MS: u64 = 366 * 86_400_000;
/// What refused logins are told, unless something else is asked for: the trade server is not available.
const UNAVAILABLE: u8 = 2;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PriceOrder {
    bid: f64,
    ask: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JumpOrder {
    points: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LoginsOrder {
    accepted: bool,
    #[serde(default)]
    code: Option<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AdvanceOrder {
    ms: u64,
}

fn ok(said: &impl serde::Serialize) -> Answer {
    Ok(reply(StatusCode::OK, said))
}

fn number(text: &str, otherwise: ControlError) -> Result<u64, Refusal> {
    text.parse().map_err(|_| otherwise.into())
}

fn login(text: &str) -> Result<u64, Refusal> {
    number(text, ControlError::Account)
}

pub(super) async fn accounts(State(control): State<Control>) -> Answer {
    ok(&control.accounts().await?)
}

pub(super) async fn account(State(control): State<Control>, Path(text): Path<String>) -> Answer {
    ok(&control.account_view(login(&text)?).await?)
}

pub(super) async fn add_account(
    State(control): State<Control>,
    Said(account): Said<AccountSettings>,
) -> Answer {
    let login = account.login;
    control.add_account(account).await?;
    Ok(reply(StatusCode::CREATED, &control.account_view(login).await?))
}

pub(super) async fn edit_account(
    State(control): State<Control>,
    Path(text): Path<String>,
    Said(edit): Said<AccountEdit>,
) -> Answer {
    control.edit_account(login(&text)?, edit).await?;
    account(State(control), Path(text)).await
}

pub(super) async fn operate(
    State(control): State<Control>,
    Path(text): Path<String>,
    Said(order): Said<OperationOrder>,
) -> Answer {
    control.operate(login(&text)?, order).await?;
    account(State(control), Path(text)).await
}

pub(super) async fn deal(
    State(control): State<Control>,
    Path(text): Path<String>,
    Said(order): Said<DealOrder>,
) -> Answer {
    ok(&control.deal(login(&text)?, order).await?)
}

pub(super) async fn disconnect(State(control): State<Control>, Path(text): Path<String>) -> Answer {
    ok(&json!({ "disconnected": control.disconnect(login(&text)?).await? }))
}

pub(super) async fn mail(State(control): State<Control>, Path(text): Path<String>) -> Answer {
    control.account_view(login(&text)?).await?;
    let text = "mail cannot be sent: the Web Terminal protocol carries none to its clients";
    Err(Refusal::new(StatusCode::NOT_IMPLEMENTED, text))
}

pub(super) async fn symbols(State(control): State<Control>) -> Answer {
    ok(&control.symbols().await?)
}

pub(super) async fn symbol(State(control): State<Control>, Path(name): Path<String>) -> Answer {
    ok(&control.symbol(&name).await?)
}

pub(super) async fn edit_symbol(
    State(control): State<Control>,
    Path(name): Path<String>,
    Said(edit): Said<SymbolEdit>,
) -> Answer {
    control.edit_symbol(&name, edit).await?;
    symbol(State(control), Path(name)).await
}

pub(super) async fn set_price(
    State(control): State<Control>,
    Path(name): Path<String>,
    Said(order): Said<PriceOrder>,
) -> Answer {
    control.set_price(&name, order.bid, order.ask).await?;
    symbol(State(control), Path(name)).await
}

pub(super) async fn jump(
    State(control): State<Control>,
    Path(name): Path<String>,
    Said(order): Said<JumpOrder>,
) -> Answer {
    control.jump(&name, order.points).await?;
    symbol(State(control), Path(name)).await
}

pub(super) async fn dividend(
    State(control): State<Control>,
    Path(name): Path<String>,
    Said(order): Said<DividendOrder>,
) -> Answer {
    ok(&control.dividend(&name, order).await?)
}

pub(super) async fn open_market(State(control): State<Control>, Path(name): Path<String>) -> Answer {
    control.open_market(&name, true).await?;
    symbol(State(control), Path(name)).await
}

pub(super) async fn close_market(State(control): State<Control>, Path(name): Path<String>) -> Answer {
    control.open_market(&name, false).await?;
    symbol(State(control), Path(name)).await
}

pub(super) async fn logins(State(control): State<Control>, Said(order): Said<LoginsOrder>) -> Answer {
    if order.accepted && order.code.is_some() {
        return Err(
            ControlError::Invalid("\"code\" is for refused logins: leave it out to accept them").into()
        );
    }
    let code = (!order.accepted).then(|| order.code.unwrap_or(UNAVAILABLE));
    control.refuse_logins(code).await?;
    ok(&json!({ "accepted": order.accepted, "code": code }))
}

pub(super) async fn faults(State(control): State<Control>) -> Answer {
    ok(&control.faults().await?)
}

pub(super) async fn add_fault(State(control): State<Control>, Said(rule): Said<Rule>) -> Answer {
    let id = control.add_fault(rule).await?;
    Ok(reply(StatusCode::CREATED, &json!({ "id": id })))
}

pub(super) async fn remove_fault(State(control): State<Control>, Path(id): Path<String>) -> Answer {
    control.remove_fault(number(&id, ControlError::NoFault)?).await?;
    faults(State(control)).await
}

pub(super) async fn clear_faults(State(control): State<Control>) -> Answer {
    control.clear_faults().await?;
    faults(State(control)).await
}

pub(super) async fn holidays(State(control): State<Control>) -> Answer {
    ok(&control.holidays().await?)
}

pub(super) async fn add_holiday(State(control): State<Control>, Said(holiday): Said<Holiday>) -> Answer {
    let id = control.add_holiday(holiday).await?;
    Ok(reply(StatusCode::CREATED, &json!({ "id": id })))
}

pub(super) async fn remove_holiday(State(control): State<Control>, Path(id): Path<String>) -> Answer {
    control.remove_holiday(number(&id, ControlError::NoHoliday)?).await?;
    holidays(State(control)).await
}

pub(super) async fn connections(State(control): State<Control>) -> Answer {
    ok(&control.connection_list().await?)
}

pub(super) async fn disconnect_all(State(control): State<Control>) -> Answer {
    ok(&json!({ "disconnected": control.disconnect_all().await? }))
}

pub(super) async fn clock(State(control): State<Control>) -> Answer {
    ok(&control.clock().await?)
}

pub(super) async fn daylight(State(control): State<Control>, Said(order): Said<DaylightOrder>) -> Answer {
    control.set_daylight(order).await?;
    clock(State(control)).await
}

pub(super) async fn advance(State(control): State<Control>, Said(order): Said<AdvanceOrder>) -> Answer {
    if !(1..=ADVANCE_MAX_MS).contains(&order.ms) {
        return Err(ControlError::Invalid("\"ms\" are milliseconds above 0, a year at most").into());
    }
    control.advance(Duration::from_millis(order.ms)).await?;
    ok(&json!({ "advanced_ms": order.ms }))
}
