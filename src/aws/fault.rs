//! What AWS answers when it does not do what was asked: one classification by service code (`codes`), in this file alone.
//!
//! Called by every kind through `called`, by `traffic` and by `apply` to decide on retries. Must never decide on message
//! text, except for the few rows of `codes` where AWS tells two cases apart by nothing else.

mod cbor;
mod codes;

use super::{patience::Tried, traffic::Verdict};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_types::request_id::RequestId;
use std::{error::Error, fmt, future::Future};

/// What kind of trouble a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Too many requests: slow down and ask again.
    Throttled,
    /// Another operation or a dependant is in the way: ask again when it is gone.
    Busy,
    /// AWS has no capacity just now: ask again in minutes.
    Capacity,
    /// Something made moments ago is not visible everywhere yet: ask again in seconds.
    Propagating,
    /// The network or the service failed: whether the call was carried out is unknown.
    Transient,
    /// The thing does not exist.
    NotFound,
    /// The thing exists already.
    Exists,
    /// The caller may not do this.
    Denied,
    /// No, expired or wrong credentials.
    Credentials,
    /// An account limit is reached.
    Quota,
    /// AWS does not accept the request as it is.
    Invalid,
    /// A code this file does not know.
    Unrecognised,
    /// A defect of rsds itself.
    Internal,
}

impl Class {
    /// Tells whether the same call may succeed later.
    pub const fn passes(self) -> bool {
        matches!(self, Self::Throttled | Self::Busy | Self::Capacity | Self::Propagating | Self::Transient)
    }
}

/// One failed call.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Fault {
    /// What kind of trouble it is.
    pub class: Class,
    /// The call as an IAM action: `ec2:CreateVpc`; empty where no call was made.
    pub call: String,
    /// AWS's code, or what the client saw.
    pub code: String,
    /// AWS's message.
    pub message: String,
    /// AWS's request id, if there was an answer.
    pub request_id: Option<String>,
    /// The HTTP status that the class was taken from, where the code is not one that this file knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_status: Option<u16>,
    /// How often the call was sent.
    #[serde(skip)]
    pub tried: Box<Tried>,
}

impl Fault {
    /// A fault of this class, without an answer of AWS.
    pub fn of(class: Class, call: &str, code: &str, message: impl Into<String>) -> Self {
        let (call, code, message) = (call.to_owned(), code.to_owned(), message.into());
        Self { class, call, code, message, request_id: None, by_status: None, tried: Box::default() }
    }

    /// A defect of rsds itself.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::of(Class::Internal, "", "rsds", message)
    }

    /// A step that a kind is asked to run and does not know.
    pub fn unknown_step(kind: &str, step: &crate::kind::Step) -> Self {
        Self::internal(format!("{kind} has no step `{}`", step.name))
    }

    /// A fault that a kind finds in an answer (`Unsuccessful[]` inside a 200).
    pub fn answered(call: &str, code: &str, message: &str) -> Self {
        let (class, by_status) = classify(call, code, message, 400);
        Self { by_status, ..Self::of(class, call, code, message) }
    }

    /// An answer that lacks what the API promises.
    pub fn incomplete(call: &str, what: &str) -> Self {
        Self::of(Class::Transient, call, "IncompleteAnswer", format!("the answer has no {what}"))
    }

    /// Tells whether the call rested on something that is no longer so (`If-Match`, `If-None-Match`); a second writer at
    /// the same moment is the same thing seen earlier.
    pub fn is_overtaken(&self) -> bool {
        matches!(self.code.as_str(), "PreconditionFailed" | "ConditionalRequestConflict" | "Conflict")
    }

    /// Tells whether the thing asked about does not exist.
    pub fn is_not_found(&self) -> bool {
        self.class == Class::NotFound
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { call, code, message, .. } = self;
        match &self.request_id {
            Some(_) => write!(f, "{call} answered {code}")?,
            None if call.is_empty() => write!(f, "{code}")?,
            None => write!(f, "{call}: {code}")?,
        }
        if let Some(status) = self.by_status {
            write!(f, ", a code rsds does not know, with HTTP status {status}")?;
        }
        match &self.request_id {
            Some(id) => write!(f, ": {message} (request {id})"),
            None => write!(f, ": {message}"),
        }
    }
}

impl Error for Fault {}

/// Turns "not found" into `None`: for reads of one thing and for deletes that may come twice.
pub fn found<T>(result: Result<T, Fault>) -> Result<Option<T>, Fault> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(fault) if fault.is_not_found() => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// Treats faults of one class as success: repeating a step that was done already.
pub fn done_if<T>(class: Class, result: Result<T, Fault>) -> Result<(), Fault> {
    match result {
        Ok(_) => Ok(()),
        Err(fault) if fault.class == class => Ok(()),
        Err(fault) => Err(fault),
    }
}

/// Names the call a future makes, so that its fault can.
pub trait Called<T> {
    /// Awaits the call; `action` is its IAM action, `service:Operation`.
    fn called(self, action: &'static str) -> impl Future<Output = Result<T, Fault>> + Send;
}

impl<F, T, E> Called<T> for F
where
    F: Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send,
    T: Send,
    E: aws_smithy_types::error::metadata::ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    async fn called(self, action: &'static str) -> Result<T, Fault> {
        self.await.map_err(|error| from_sdk(action, &error))
    }
}

fn from_sdk<E>(action: &str, error: &SdkError<E, HttpResponse>) -> Fault
where
    E: aws_smithy_types::error::metadata::ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let request_id = error.raw_response().and_then(|r| r.request_id().or_else(|| r.headers().get("x-amzn-requestid")));
    let request_id = request_id.map(str::to_owned).or_else(|| error.meta_id());
    let (class, by_status, code, message) = match error {
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            let code = answer.err().code().map_or_else(|| format!("HTTP {status}"), str::to_owned);
            // A success whose body is not what the API promises has no message of its own.
            let unreadable = answer.raw().status().is_success().then(|| chain(error));
            let message = answer.err().message().map(str::to_owned).or(unreadable).unwrap_or_default();
            let (class, by_status) = classify(action, &code, &message, status);
            (class, by_status, code, message)
        }
        SdkError::TimeoutError(_) => (Class::Transient, None, "Timeout".to_owned(), chain(error)),
        SdkError::DispatchFailure(failure) => match credentials_error(error).filter(|_| failure.is_other()) {
            Some(cause) => (Class::Credentials, None, "NoCredentials".to_owned(), chain(cause)),
            None if failure.is_timeout() => (Class::Transient, None, "Timeout".to_owned(), chain(error)),
            None => (Class::Transient, None, "ConnectionFailed".to_owned(), chain(error)),
        },
        SdkError::ResponseError(_) => (Class::Transient, None, "UnreadableAnswer".to_owned(), chain(error)),
        // A request the SDK refuses to build, and whatever variant it may grow: never sent.
        _ => (Class::Internal, None, "NotSent".to_owned(), chain(error)),
    };
    let verdict = error.raw_response().and_then(Verdict::of_answer).or_else(|| Verdict::of_error(error));
    let tried = verdict.map(|verdict| verdict.tried).unwrap_or_default().into();
    Fault { class, call: action.to_owned(), code, message, request_id, by_status, tried }
}

/// Classifies an answer as it comes from the wire; none for a success.
pub(super) fn of_response(answer: &HttpResponse) -> Option<Class> {
    let status = answer.status().as_u16();
    if answer.status().is_success() {
        return None;
    }
    let header = |name| answer.headers().get(name);
    // A service that once spoke the query protocol says its old codes there: `Code;Sender`.
    let kind = header("x-amzn-query-error").and_then(|text| text.split(';').next());
    let body = answer.body().bytes().unwrap_or_default();
    let (code, message) = wire(kind.or_else(|| header("x-amzn-errortype")), body);
    let code = if code.is_empty() { format!("HTTP {status}") } else { code };
    Some(classify("", &code, &message, status).0)
}

/// Takes code and message from the body of an error: XML of the query services, JSON of most others, CBOR.
fn wire(kind: Option<&str>, body: &[u8]) -> (String, String) {
    // `Code:http://...` in the header, `com.amazonaws.service#Code` in the body.
    let bare = |text: &str| {
        let text = text.split(':').next().unwrap_or_default();
        text.rsplit('#').next().unwrap_or_default().to_owned()
    };
    if let Ok(serde_json::Value::Object(fields)) = serde_json::from_slice(body) {
        let text = |names: [&str; 2]| names.iter().find_map(|name| fields.get(*name)?.as_str()).unwrap_or_default();
        return (bare(kind.unwrap_or_else(|| text(["__type", "code"]))), text(["message", "Message"]).to_owned());
    }
    let text = std::str::from_utf8(body).unwrap_or_default();
    let Ok(document) = roxmltree::Document::parse(text) else {
        let mut texts = cbor::texts(body);
        let code = texts.remove("__type").unwrap_or_default();
        return (bare(kind.unwrap_or(&code)), texts.remove("message").unwrap_or_default());
    };
    let text = |name: &str| {
        let found = document.descendants().find(|node| node.has_tag_name(name));
        found.and_then(|node| node.text()).unwrap_or_default().to_owned()
    };
    (text("Code"), text("Message"))
}

/// The request id an error carries in its metadata: where the query services put it, in the body.
trait MetaId {
    fn meta_id(&self) -> Option<String>;
}

impl<E: aws_smithy_types::error::metadata::ProvideErrorMetadata> MetaId for SdkError<E, HttpResponse> {
    fn meta_id(&self) -> Option<String> {
        let Self::ServiceError(answer) = self else { return None };
        answer.err().meta().request_id().map(str::to_owned)
    }
}

/// Finds the failure of a provider of credentials below `error`, if that is what went wrong.
fn credentials_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    std::iter::successors(error.source(), |inner: &&'a (dyn Error + 'static)| (*inner).source())
        .find(|inner| inner.is::<aws_credential_types::provider::error::CredentialsError>())
}

/// Writes an error and its sources on one line, none twice.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = inner.source();
    }
    text
}

/// Returns the class, and the HTTP status where that is all there is to go by.
fn classify(call: &str, code: &str, message: &str, status: u16) -> (Class, Option<u16>) {
    match codes::class_of(call, code, message) {
        Some(class) => (class, None),
        None => (by_status(code, status), (!code.starts_with("HTTP ")).then_some(status)),
    }
}

/// What a status says by itself. Never "not found": only a known code, or a HEAD, whose answer has none, says so.
fn by_status(code: &str, status: u16) -> Class {
    match (code, status) {
        (_, 429) => Class::Throttled,
        // 501 is not one of them: the service does not do this, however often it is asked.
        (_, 408 | 500 | 502..) => Class::Transient,
        (_, 401) => Class::Credentials,
        (_, 403) => Class::Denied,
        ("HTTP 404", _) => Class::NotFound,
        _ => Class::Unrecognised,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_code_goes_by_its_status_and_is_shown_as_such() {
        for (status, class) in [
            (400, Class::Unrecognised),
            (401, Class::Credentials),
            (403, Class::Denied),
            // An unknown word for "not found" is no proof of absence.
            (404, Class::Unrecognised),
            (409, Class::Unrecognised),
            (429, Class::Throttled),
            (500, Class::Transient),
            (501, Class::Unrecognised),
            (503, Class::Transient),
        ] {
            assert_eq!(classify("", "SomethingNew", "", status), (class, Some(status)));
        }
        assert_eq!(classify("", "HTTP 404", "", 404), (Class::NotFound, None));
        let fault = Fault::answered("ec2:CreateVpc", "SomethingNew", "no");
        assert_eq!(
            fault.to_string(),
            "ec2:CreateVpc: SomethingNew, a code rsds does not know, with HTTP status 400: no"
        );
    }

    #[test]
    fn codes_are_read_from_every_protocol() {
        let ec2 = "<Response><Errors><Error><Code>InvalidVpcID.NotFound</Code><Message>no</Message></Error></Errors>\
                   <RequestID>r</RequestID></Response>";
        let query = r#"<ErrorResponse xmlns="http://x/"><Error><Type>Sender</Type><Code>Throttling</Code>
                       <Message>Rate exceeded</Message></Error><RequestId>r</RequestId></ErrorResponse>"#;
        let json = r#"{"__type":"com.amazonaws.kms#NotFoundException","message":"no"}"#;
        let pair = |code: &str, message: &str| (code.to_owned(), message.to_owned());
        assert_eq!(wire(None, ec2.as_bytes()), pair("InvalidVpcID.NotFound", "no"));
        assert_eq!(wire(None, query.as_bytes()), pair("Throttling", "Rate exceeded"));
        assert_eq!(wire(None, json.as_bytes()), pair("NotFoundException", "no"));
        let header = Some("ThrottlingException:http://internal.amazon.com/coral/");
        assert_eq!(wire(header, br#"{"Message":"slow"}"#), pair("ThrottlingException", "slow"));
        assert_eq!(wire(None, b"<html>bad gateway"), pair("", ""));
    }
}
