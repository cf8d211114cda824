//! The one handler of every call.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::Response;
use bus::{Answer, Ask, Body as Reply};
use calls::{FrontCall, Params, Scope, Spelled};
use error::{Code, Error, Outcome};
use runtime::TRACE_HEADER;
use tracing::Instrument;

use crate::accept::Accept;
use crate::auth::{Credential, Grant, Refused};
use crate::delivery::{self, Delivery, Taken};
use crate::front::{Front, FrontCaller};
use crate::opted::{self, DRY_RUN_REPLY};
use crate::pages;
use crate::replies;
use crate::reply::{self, AS_OF, ERROR_STATUS, NOTICE, REPLAYED, SYNC};
use crate::request::{self, Refusal};
use crate::routes::CallRoute;
use crate::shares::Share;

/// What an owner gets beyond the deadline, so that it is the one to say how a late call ended.
const GRACE: Duration = Duration::from_secs(2);

/// The longest time a client may ask for.
const CONNECT_SECONDS_MAX: u64 = 600;

/// Answers a call.
pub(crate) async fn answer(
    front: &Arc<Front>,
    route: &CallRoute,
    accept: Accept,
    request: Request,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let taken = parts.extensions.remove::<Taken>();
    if route.policy().dials && !front.settings.cross_site_dials {
        let base = front.settings.trusted_proxies.base_url(&parts);
        if pages::is_of_another_site(&parts.headers, &base, &front.settings.public_names) {
            return reply::refusal(StatusCode::FORBIDDEN, accept, &route.id.refused(pages::refused()));
        }
    }
    let unauthorized = |refused: Refused, params: &Params| {
        let wanted = request::error_status(params).unwrap_or_default();
        refused.response(accept, wanted, &route.id.refused(refused.error()))
    };
    // Before the body, so that nobody sends one for nothing.
    let early = match admit_early(front, route, &parts).await {
        Ok(grant) => grant,
        Err(refused) => return unauthorized(refused, &request::query_params(&parts.uri)),
    };
    let mut params = match params(front, route, &parts, body).await {
        Ok(params) => params,
        Err((status, error)) => return reply::refusal(status, accept, &route.id.refused(error)),
    };
    let grant = match admit(front, route, &parts, early, &mut params).await {
        Ok(grant) => grant,
        Err(refused) => return unauthorized(refused, &params),
    };
    let Spelled { params, ignored, fault } = route.spelled(params, accept.problems);
    // A strict client gets the status of the code, so it has nothing to choose.
    let wanted_status = match request::error_status(&params) {
        _ if accept.problems => None,
        Ok(status) => status,
        Err(error) => return reply::failure(ERROR_STATUS, accept, &route.id.refused(error)),
    };
    let is_dry_run = match fault.map_or_else(|| tried_only(route, &params), Err) {
        Ok(is_dry_run) => is_dry_run,
        Err(error) => {
            return reply::failure(wanted_status.unwrap_or(ERROR_STATUS), accept, &route.id.refused(error));
        }
    };
    let begun = Instant::now();
    let asked = ask(front, route, &grant, &parts, params).await;
    let (mut answer, delivery, dress) = asked.unwrap_or_else(|error| (Answer::from(error), None, None));
    let mut share = None;
    if route.policy().only_reads()
        && let Some(bytes) =
            answer.result.as_ref().ok().and_then(|body| replies::counted_bytes(body, dress.is_some()))
    {
        let client = front.settings.trusted_proxies.client(&parts.extensions, &parts.headers);
        match front.replies.room(client, bytes).await {
            Ok(room) => share = Some(room),
            Err(error) => answer = error.into(),
        }
    }
    if let Some(dress) = dress {
        answer = dressed(front, (route, is_dry_run), answer, dress);
    }
    let code = answer.result.as_ref().map_or_else(|error| error.code().as_str(), |_| "OK");
    tracing::debug!(call = route.id.name(), code, duration_ms = begun.elapsed().as_millis(), "answered");
    let response =
        reply::with_ignored(respond((route, is_dry_run), accept, wanted_status, answer, share), &ignored);
    match delivery {
        Some(delivery) => delivery::follow(response, delivery, taken),
        None => response,
    }
}

/// Whether a trade is to be tried only. What every trade takes must make sense before it is begun.
fn tried_only(route: &CallRoute, params: &Params) -> Result<bool, Error> {
    if !route.policy().trades() {
        // Whoever asks for nothing to be done must not have it done.
        if !route.policy().only_reads() && !route.takes_dry_run && calls::is_dry_run(params)? {
            return Err(Error::invalid_param(calls::DRY_RUN, "true", "left out: only trades can be tried"));
        }
        return Ok(false);
    }
    calls::reason(params)?;
    calls::is_dry_run(params)
}

/// Lets a request in by what its headers or its query show, if they show anything.
async fn admit_early(front: &Front, route: &CallRoute, parts: &Parts) -> Result<Option<Grant>, Refused> {
    if !front.gate.is_guarded() {
        return Ok(None);
    }
    let of_query = || Credential::take(&mut request::query_params(&parts.uri), route.takes_api_key);
    let Some(shown) = Credential::of_headers(&parts.headers, front.gate.takes_tokens()).or_else(of_query)
    else {
        return Ok(None);
    };
    if route.policy().scope == Scope::Anyone {
        return Ok(None);
    }
    let from = front.settings.trusted_proxies.address(&parts.extensions, &parts.headers);
    front.gate.admit(shown, from).await.map(Some)
}

/// Lets a request in by all that it shows, takes the key out of its parameters, and counts it.
async fn admit(
    front: &Front,
    route: &CallRoute,
    parts: &Parts,
    early: Option<Grant>,
    params: &mut Params,
) -> Result<Grant, Refused> {
    let of_body = Credential::take(params, route.takes_api_key);
    let scope = route.policy().scope;
    let grant = match (early, of_body) {
        (Some(grant), _) => grant,
        (None, Some(shown)) if scope != Scope::Anyone => {
            let from = front.settings.trusted_proxies.address(&parts.extensions, &parts.headers);
            front.gate.admit(shown, from).await?
        }
        _ => {
            let names_admin_key =
                route.admin_key.is_some_and(|name| params.get(name).is_some_and(|key| !key.is_empty()));
            front.gate.admit_nobody(scope, names_admin_key)?
        }
    };
    if let Some(rates) = &front.rates {
        let taken = rates.take_call(&grant.caller, route.policy(), &parts.headers, params).await;
        taken.map_err(Refused::TooOften)?;
    }
    Ok(grant)
}

/// The parameters of a request.
async fn params(front: &Front, route: &CallRoute, parts: &Parts, body: Body) -> Result<Params, Refusal> {
    let mut params = Params::new();
    if parts.method == Method::POST {
        let settings = &front.settings;
        let (bytes_max, place) = if route.policy().posted {
            let place = front.uploads.try_acquire().map_err(|_| {
                let error = Error::busy("Many files are sent to this service right now. Come back later.");
                (StatusCode::SERVICE_UNAVAILABLE, error)
            })?;
            (settings.upload_bytes_max, Some(place))
        } else {
            (settings.body_bytes_max, None)
        };
        let reading = request::body_params(&parts.headers, body, bytes_max, &route.files);
        params = match tokio::time::timeout(settings.body_timeout, reading).await {
            Ok(read) => read?,
            Err(_) => return Err((StatusCode::REQUEST_TIMEOUT, Error::timeout("Sending the body"))),
        };
        drop(place);
    }
    // The body comes first, so that it wins over the query.
    params.extend(request::query_params(&parts.uri).pairs());
    if route.policy().needs_session() {
        request::add_bearer(&parts.headers, &mut params, &["id"], &front.gate);
    }
    Ok(params)
}

/// The answer to a call that the front answers by itself; the version comes with what is to be known of the licence.
async fn own_answer(front: &Arc<Front>, grant: &Grant, call: FrontCall) -> Answer<Reply> {
    let notice = match call {
        FrontCall::Version(_) => front.notices.get(front.backend.as_ref()).await,
        _ => None,
    };
    let answered = call.dispatch(&FrontCaller { front, grant }).await;
    Answer::of(answered.map(Reply::Whole)).notice(notice)
}

/// Has the call answered, here or by the owner of the session, which may want to hear whether the answer arrives.
async fn ask(
    front: &Arc<Front>,
    route: &CallRoute,
    grant: &Grant,
    parts: &Parts,
    params: Params,
) -> Result<(Answer<Reply>, Option<Delivery>, Option<opted::Dress>), Error> {
    let headers = &parts.headers;
    if let Some(call) = FrontCall::decode(route.id, &params) {
        return Ok((own_answer(front, grant, call?).await, None, None));
    }
    let caller = Arc::clone(&grant.caller);
    let id = params.get("id").map(str::to_owned);
    if route.policy().needs_session() && id.is_none() {
        return Err(Error::missing_param("id", "the token that Connect answered"));
    }
    let dress = match (opted::Wish::read(&params)?, &id) {
        (Some(wish), Some(id)) if route.policy().needs_session() => {
            Some(wish.dress(front, id, &caller).await?)
        }
        _ => None,
    };
    let params = match dress {
        Some(dress) => front.shapes.on_server_clock(route.id.name(), params, dress)?,
        None => params,
    };
    let timeout = timeout(front, route, &params);
    let deadline = Instant::now() + timeout;
    let idempotency_key = request::idempotency_key(headers, &params)?;
    let source = front.settings.trusted_proxies.client(&parts.extensions, headers);
    let ask = Ask { call: route.id, params, id, caller, deadline, idempotency_key, source };
    let (only_reads, is_dry_run) = (ask.only_reads(), ask.is_dry_run());
    let untold = |error| match is_dry_run {
        true => route.id.refused(error),
        false => route.id.of_unknown_fate(error),
    };

    let place = front.admission.place(route.policy()).await?;

    // When the client hangs up, this future is dropped, but an order must not be.
    let own = Arc::clone(front);
    let answering = async move {
        let _place = place;
        let token = ask.token().map(Cow::into_owned);
        let mut answer = match dress {
            None => own.backend.ask_streamed(ask).await,
            // What is rewritten is wanted as a whole.
            Some(_) => own.backend.ask(ask).await.map(Reply::Whole),
        };
        let delivery = token.zip(answer.receipt.take());
        (answer, delivery.map(|(token, receipt)| Delivery::new(&own, token, receipt)))
    };
    let trace = headers.get(TRACE_HEADER).and_then(|trace| trace.to_str().ok());
    let span = runtime::call_span(trace, route.id.name(), only_reads);
    let work = front.tasks.drive(answering.instrument(span), only_reads);
    match tokio::time::timeout(timeout + GRACE, work).await {
        Ok(Ok((answer, delivery))) => Ok((answer, delivery, dress)),
        Ok(Err(fault)) => Err(untold(Error::internal(format!("answering {}: {fault}", route.id.name())))),
        Err(_) => {
            let name = route.id.name();
            let told = format!(
                "{name} was not answered in time. Whether it was done is unknown: look before you repeat it."
            );
            Err(untold(Error::new(Code::Timeout, told)))
        }
    }
}

/// An answer as its client asks for it. What was done stays done if that fails.
fn dressed(
    front: &Front,
    (route, is_dry_run): (&CallRoute, bool),
    answer: Answer<Reply>,
    dress: opted::Dress,
) -> Answer<Reply> {
    let name = if is_dry_run { DRY_RUN_REPLY } else { route.id.name() };
    let done = |error: Error| match route.policy().trades() && !is_dry_run {
        true => error.with_outcome(Outcome::Applied),
        false => error,
    };
    let dress = |reply| match reply {
        Reply::Whole(payload) => front.shapes.reply(name, payload, dress).map(Reply::Whole).map_err(done),
        streamed => Ok(streamed),
    };
    Answer { result: answer.result.and_then(dress), ..answer }
}

/// How long the call may take; connect calls may say so themselves.
fn timeout(front: &Front, route: &CallRoute, params: &Params) -> Duration {
    if !route.policy().connects() {
        return front.settings.call_timeout;
    }
    let asked = params.get("connectTimeoutSeconds").and_then(|seconds| seconds.trim().parse().ok());
    // Zero is how clients leave it to the service.
    asked.filter(|seconds| *seconds > 0).map_or(front.settings.connect_timeout, |seconds: u64| {
        Duration::from_secs(seconds.min(CONNECT_SECONDS_MAX))
    })
}

fn respond(
    (route, is_dry_run): (&CallRoute, bool),
    accept: Accept,
    wanted_status: Option<StatusCode>,
    answer: Answer<Reply>,
    share: Option<Share>,
) -> Response {
    let mut response = match answer.result {
        Ok(body) => {
            let response = reply::success(accept, body, share);
            let outcome = if is_dry_run { Outcome::NotSent } else { Outcome::Applied };
            reply::with_outcome(response, route.policy().trades().then_some(outcome))
        }
        Err(error) => {
            if let Some(cause) = error.cause() {
                tracing::info!(code = %error.code(), cause, "a call failed");
            }
            // An owner tells the outcome of what it began; without a word of it, nothing was begun.
            let error = if error.outcome().is_none() { route.id.refused(error) } else { error };
            let remembered = answer.error_status.and_then(|status| StatusCode::from_u16(status).ok());
            reply::failure(wanted_status.or(remembered).unwrap_or(ERROR_STATUS), accept, &error)
        }
    };
    if let Some(as_of_ms) = answer.as_of_ms {
        response.headers_mut().insert(AS_OF, HeaderValue::from(as_of_ms));
    }
    if let Some(sync) = answer.sync.and_then(|sync| HeaderValue::from_str(&sync).ok()) {
        response.headers_mut().insert(SYNC, sync);
    }
    if answer.is_replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    if let Some(notice) = answer.notice.and_then(|notice| HeaderValue::try_from(notice).ok()) {
        response.headers_mut().insert(NOTICE, notice);
    }
    response
}
