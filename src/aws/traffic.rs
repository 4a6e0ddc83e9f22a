//! What goes out to AWS and comes back: paces each service that throttles, gives reads their patience, counts tries.
//!
//! One for all services of a connection, between the SDK and the network (`client` puts it there), so that no read in
//! any kind, lookup or check can be without it. Must never repeat a call that changes something: it only says how often
//! that was tried; `apply::retry` repeats it.

use super::{
    Class, fault,
    patience::{Calling, Tried, Undertaking, Way},
    rate::Rate,
};
use crate::clock::Clock;
use aws_smithy_runtime_api::client::{
    interceptors::context::InterceptorContext,
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    retries::classifiers::{ClassifyRetry, RetryAction, RetryClassifierPriority},
};
use aws_smithy_types::retry::ErrorKind;
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::BTreeMap,
    error::Error,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How long a signed request may wait for its turn, in AWS time: AWS takes signatures that are five minutes old. After
/// it the request goes back unsent, and is signed anew.
const SIGNED: Duration = Duration::from_secs(4 * 60);

/// The traffic of one connection.
#[derive(Debug)]
pub struct Traffic {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    lanes: BTreeMap<String, Lane>,
    /// Reads that were sent and not yet answered for good, by the SDK's id of the invocation.
    open: BTreeMap<String, Undertaking>,
    /// How many calls there were.
    number: u64,
    /// Whether any service has answered.
    reached: bool,
    /// How far AWS's clock was ahead of ours at the last answer that told the time.
    skew: Option<SignedDuration>,
}

#[derive(Debug, Default)]
struct Lane {
    rate: Rate,
    /// Who waits for a turn, first come first served.
    queue: Arc<tokio::sync::Mutex<()>>,
}

/// A request, as far as anything here looks at it.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// The service it is signed for.
    pub(super) service: String,
    /// The operation.
    pub(super) operation: String,
    /// The SDK's id of the invocation: the same for every try.
    invocation: String,
}

impl Call {
    /// Reads the service from the signature's scope, and the operation from the JSON protocols' target header, the path
    /// of RPC v2, or the query protocols' body.
    pub(super) fn of(request: &HttpRequest) -> Self {
        let header = |name| request.headers().get(name).unwrap_or_default();
        let service = header("authorization").split('/').nth(3).unwrap_or_default().to_owned();
        let by_path = || request.uri().rsplit_once("/operation/");
        let operation = match header("x-amz-target").rsplit_once('.').or_else(by_path) {
            Some((_, operation)) => operation.to_owned(),
            None => {
                let body = request.body().bytes().unwrap_or_default();
                let action = form_urlencoded::parse(body).find(|(key, _)| key == "Action");
                action.map(|(_, operation)| operation.into_owned()).unwrap_or_default()
            }
        };
        Self { service, operation, invocation: header("amz-sdk-invocation-id").to_owned() }
    }

    /// Whether it changes nothing. Batches of statements are questions alone (`data_api`).
    pub(super) fn reads(&self) -> bool {
        ["Describe", "List", "Get", "Simulate", "BatchExecute"].iter().any(|verb| self.operation.starts_with(verb))
    }
}

/// What is known of a call with its answer: goes up with it, to the SDK's retries and to `fault`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Verdict {
    /// When to send it again; not at all, if none.
    again: Option<Duration>,
    /// How often it was sent so far.
    pub(super) tried: Tried,
}

impl Verdict {
    /// Finds the verdict that came with an answer.
    pub(super) fn of_answer(answer: &HttpResponse) -> Option<&Self> {
        answer.extension::<Self>()
    }

    /// Finds the verdict that came instead of an answer.
    pub(super) fn of_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        std::iter::successors(Some(error), |inner: &&'a (dyn Error + 'static)| (*inner).source())
            .find_map(|inner| inner.downcast_ref::<Unanswered>())
            .map(|unanswered| &unanswered.verdict)
    }
}

/// A call that was not answered.
#[derive(Debug)]
struct Unanswered {
    verdict: Verdict,
    why: ConnectorError,
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.why.fmt(f)
    }
}

impl Error for Unanswered {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.why.source()
    }
}

impl Traffic {
    /// Traffic that goes by this clock.
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how far AWS's clock is ahead of ours; none while no answer has told the time.
    pub fn skew(&self) -> Option<SignedDuration> {
        self.state().skew
    }

    /// Returns what AWS's clock shows, as far as an answer has told.
    pub fn date(&self) -> Timestamp {
        self.clock.timestamp() + self.skew().unwrap_or_default()
    }

    /// The clock it goes by.
    pub(super) const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Returns what is known of the way to a service, by its name in IAM actions.
    pub fn way(&self, service: &str) -> Way {
        let state = self.state();
        Way { heard: state.lanes.get(service).and_then(|lane| lane.rate.heard()), reached: state.reached }
    }

    /// Waits until the call's service may be called, and answers when that was.
    ///
    /// Errors: it took so long that the request has to be signed anew; it was not sent.
    pub(super) async fn turn(&self, call: &Call) -> Result<Duration, ConnectorError> {
        let start = self.clock.elapsed();
        let (queue, limited) = {
            let mut state = self.state();
            state.number += 1;
            let who = format!("{}:{} {}", call.service, call.operation, state.number);
            if call.reads() && !call.invocation.is_empty() {
                state.open.entry(call.invocation.clone()).or_insert_with(|| Undertaking::new(who, start));
            }
            let lane = state.lanes.entry(call.service.clone()).or_default();
            (Arc::clone(&lane.queue), lane.rate.per_second(start).is_some())
        };
        if !limited {
            return Ok(self.leave(call));
        }
        let in_turn = async {
            let _turn = queue.lock().await;
            loop {
                let now = self.clock.elapsed();
                let wait = self.state().lanes.get_mut(&call.service).and_then(|lane| lane.rate.wait(now));
                match wait.filter(|wait| !wait.is_zero()) {
                    Some(wait) => self.clock.sleep(wait).await,
                    None => return self.leave(call),
                }
            }
        };
        tokio::select! {
            biased;
            now = in_turn => Ok(now),
            () = self.clock.sleep(SIGNED) => {
                let tried = self.state().open.get(&call.invocation).map(|open| open.tried(self.clock.elapsed()));
                let verdict = Verdict { again: Some(Duration::ZERO), tried: tried.unwrap_or_default() };
                let why = ConnectorError::other("it waited for its turn until its signature was old".into(), None);
                Err(unanswered(verdict, why))
            }
        }
    }

    fn leave(&self, call: &Call) -> Duration {
        let now = self.clock.elapsed();
        if let Some(lane) = self.state().lanes.get_mut(&call.service) {
            lane.rate.sent(now);
        }
        now
    }

    /// Takes note of the answer to a call that was sent at `sent`, and sends it up with the verdict.
    pub(super) fn back(
        &self,
        call: &Call,
        sent: Duration,
        answer: Result<HttpResponse, ConnectorError>,
    ) -> Result<HttpResponse, ConnectorError> {
        let now = self.clock.elapsed();
        let class = match &answer {
            Ok(response) => fault::of_response(response),
            Err(error) if error.is_user() => Some(Class::Internal),
            Err(_) => Some(Class::Transient),
        };
        let state = &mut *self.state();
        state.reached |= answer.is_ok();
        let date = answer.as_ref().ok().and_then(|response| response.headers().get("date"));
        if let Some(date) = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok()) {
            state.skew = Some(date.timestamp().duration_since(self.clock.timestamp()));
        }
        let lane = state.lanes.entry(call.service.clone()).or_default();
        match (class, &answer) {
            (Some(Class::Throttled), _) => lane.rate.throttled(sent, now),
            (_, Ok(_)) => lane.rate.answered(now),
            (_, Err(_)) => {}
        }
        let way = Way { heard: lane.rate.heard(), reached: state.reached };
        let (mut again, mut tried) = (None, Tried::default());
        if let (Some(class), Some(open)) = (class, state.open.get_mut(&call.invocation)) {
            again = open.again(class, Calling::Read, way, now);
            tried = open.tried(now);
        }
        if let (Some(class), Some(pause)) = (class, again) {
            let rate = lane.rate.per_second(now);
            let Call { service, operation, .. } = call;
            let seconds = pause.as_secs_f64();
            tracing::info!(%service, %operation, ?class, tries = tried.times, seconds, rate, "read again");
        } else {
            state.open.remove(&call.invocation);
        }
        let verdict = Verdict { again: again.map(|pause| self.clock.real_time(pause)), tried };
        match answer {
            Ok(mut response) => {
                response.add_extension(verdict);
                Ok(response)
            }
            Err(why) => Err(unanswered(verdict, why)),
        }
    }
}

/// Puts a verdict into an error, which stays of its kind.
fn unanswered(verdict: Verdict, why: ConnectorError) -> ConnectorError {
    let (timeout, io, user, kind) = (why.is_timeout(), why.is_io(), why.is_user(), why.as_other());
    let error = Box::new(Unanswered { verdict, why });
    match (timeout, io, user) {
        (true, ..) => ConnectorError::timeout(error),
        (_, true, _) => ConnectorError::io(error),
        (_, _, true) => ConnectorError::user(error),
        _ => ConnectorError::other(error, kind),
    }
}

/// Tells the SDK what traffic has decided, and nothing of its own.
#[derive(Debug)]
pub(super) struct AsTrafficSays;

impl ClassifyRetry for AsTrafficSays {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let Some(Err(error)) = context.output_or_error() else { return RetryAction::NoActionIndicated };
        let unanswered = error.as_connector_error().and_then(|error| Verdict::of_error(error));
        let verdict = unanswered.or_else(|| context.response().and_then(Verdict::of_answer));
        match verdict.and_then(|verdict| verdict.again) {
            Some(pause) => RetryAction::retryable_error_with_explicit_delay(ErrorKind::TransientError, pause),
            None => RetryAction::RetryForbidden,
        }
    }

    fn name(&self) -> &'static str {
        "as traffic says"
    }

    /// Last: what the SDK's own classifiers say does not count.
    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }
}
