//! What AWS answers when it does not do what was asked: one classification by service code, in this file alone.
//!
//! Called by every kind through `called`, and by `apply` to decide on retries. Must never decide on message text,
//! except for the few rows of `BY_TEXT`, where AWS tells two cases apart by nothing else.

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
}

impl Fault {
    /// A defect of rsds itself.
    pub fn internal(message: impl Into<String>) -> Self {
        let (class, code) = (Class::Internal, "rsds".to_owned());
        Self { class, call: String::new(), code, message: message.into(), request_id: None }
    }

    /// A step that a kind is asked to run and does not know.
    pub fn unknown_step(kind: &str, step: &crate::kind::Step) -> Self {
        Self::internal(format!("{kind} has no step `{}`", step.name))
    }

    /// A fault that a kind finds in an answer (`Unsuccessful[]` inside a 200).
    pub fn answered(call: &str, code: &str, message: &str) -> Self {
        let class = classify(code, message, 400);
        Self { class, call: call.to_owned(), code: code.to_owned(), message: message.to_owned(), request_id: None }
    }

    /// An answer that lacks what the API promises.
    pub fn incomplete(call: &str, what: &str) -> Self {
        let message = format!("the answer has no {what}");
        Self { class: Class::Transient, call: call.into(), code: "IncompleteAnswer".into(), message, request_id: None }
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
            Some(id) => write!(f, "{call} answered {code}: {message} (request {id})"),
            None if call.is_empty() => write!(f, "{code}: {message}"),
            None => write!(f, "{call}: {code}: {message}"),
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
    let (class, code, message) = match error {
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            let code = answer.err().code().map_or_else(|| format!("HTTP {status}"), str::to_owned);
            // A success whose body is not what the API promises has no message of its own.
            let unreadable = answer.raw().status().is_success().then(|| chain(error));
            let message = answer.err().message().map(str::to_owned).or(unreadable).unwrap_or_default();
            (classify(&code, &message, status), code, message)
        }
        SdkError::TimeoutError(_) => (Class::Transient, "Timeout".to_owned(), chain(error)),
        SdkError::DispatchFailure(failure) => match credentials_error(error).filter(|_| failure.is_other()) {
            Some(cause) => (Class::Credentials, "NoCredentials".to_owned(), chain(cause)),
            None => (Class::Transient, "ConnectionFailed".to_owned(), chain(error)),
        },
        SdkError::ResponseError(_) => (Class::Transient, "UnreadableAnswer".to_owned(), chain(error)),
        // A request the SDK refuses to build, and whatever variant it may grow: never sent.
        _ => (Class::Internal, "NotSent".to_owned(), chain(error)),
    };
    Fault { class, call: action.to_owned(), code, message, request_id }
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

/// Codes AWS uses for two things at once: told apart by a fragment of the message (aws-facts.md 2, 3, 6.1, 6.2).
const BY_TEXT: &[(&str, &str, Class)] = &[
    ("ValidationException", "at least one snapshot exists", Class::Busy),
    ("ValidationException", "operation running", Class::Busy),
    ("ValidationException", "not authorized to assume", Class::Propagating),
    // A key on its way out counts as gone (aws-facts.md 3).
    ("KMSInvalidStateException", "pending deletion", Class::NotFound),
    ("InvalidParameterValue", "remote-ipv6-range", Class::NotFound),
    ("InvalidParameterValue", "must delegate access", Class::Propagating),
    // A role made moments ago (aws-facts.md 2).
    ("InvalidParameterValue", "IAM role", Class::Propagating),
];

const BY_CODE: &[(Class, &[&str])] = &[
    (
        Class::Throttled,
        &[
            "Throttling",
            "ThrottlingException",
            "ThrottledException",
            "RequestLimitExceeded",
            "RequestThrottled",
            "RequestThrottledException",
            "TooManyRequestsException",
            "PriorRequestNotComplete",
            "SlowDown",
            "EC2ThrottledException",
            "DependentServiceRequestThrottlingFault",
            "LimitExceededException.Throttle",
        ],
    ),
    (
        Class::Transient,
        &[
            "InternalServerException",
            "InternalFailure",
            "InternalError",
            "ServiceUnavailable",
            "ServiceUnavailableException",
            "ServiceFailure",
            "Unavailable",
            "RequestTimeout",
            "RequestTimeoutException",
            "KMSInternalException",
            "DependencyTimeoutException",
            "DependentServiceUnavailableFault",
        ],
    ),
    (
        Class::Busy,
        &[
            "DependencyViolation",
            "ConflictException",
            "IncorrectState",
            "ConcurrentMutationLimitExceeded",
            "ConcurrentModification",
            "ConcurrentModificationException",
            "InvalidClusterState",
            "InvalidClusterParameterGroupState",
            "InvalidClusterSubnetGroupStateFault",
            "InvalidClusterSubnetStateFault",
            "InvalidClusterSnapshotState",
            "SnapshotScheduleUpdateInProgress",
            "ResourceInUse",
            "InvalidGroup.InUse",
            "DeleteConflict",
            "OperationAborted",
            "OperationAbortedException",
            "ConditionalRequestConflict",
        ],
    ),
    (Class::Capacity, &["InsufficientCapacityException", "InsufficientClusterCapacity"]),
    (Class::Propagating, &["MalformedPolicyDocument", "MalformedPolicyDocumentException", "InvalidTarget"]),
    (
        Class::NotFound,
        &[
            "NoSuchEntity",
            "ResourceNotFoundException",
            "NotFoundException",
            "LoadBalancerNotFound",
            "TargetGroupNotFound",
            "ListenerNotFound",
            "Gateway.NotAttached",
            "ResourceNotFoundFault",
            "NoSuchBucket",
            "NoSuchBucketPolicy",
            "NoSuchKey",
            "NoSuchLifecycleConfiguration",
            "NoSuchPublicAccessBlockConfiguration",
            "NoSuchVersion",
            "OwnershipControlsNotFoundError",
            "ServerSideEncryptionConfigurationNotFoundError",
        ],
    ),
    (
        Class::Exists,
        &[
            "EntityAlreadyExists",
            "AlreadyExistsException",
            "ResourceAlreadyExistsException",
            "RouteAlreadyExists",
            "InvalidPermission.Duplicate",
            "InvalidGroup.Duplicate",
            "DuplicateLoadBalancerName",
            "DuplicateTargetGroupName",
            "DuplicateListener",
            "Resource.AlreadyAssociated",
            "Resource.AlreadyAttached",
            "BucketAlreadyOwnedByYou",
        ],
    ),
    (
        Class::Denied,
        &[
            "AccessDenied",
            "AccessDeniedException",
            "UnauthorizedOperation",
            "UnauthorizedException",
            "NotAuthorized",
            "DependentServiceAccessDenied",
        ],
    ),
    (
        Class::Credentials,
        &[
            "ExpiredToken",
            "ExpiredTokenException",
            "InvalidAccessKeyId",
            "InvalidClientTokenId",
            "UnrecognizedClientException",
            "AuthFailure",
            "SignatureDoesNotMatch",
            "InvalidSignatureException",
            "IncompleteSignature",
            "MissingAuthenticationToken",
            "MissingAuthenticationTokenException",
            "RequestExpired",
            "OptInRequired",
        ],
    ),
    (
        Class::Quota,
        &[
            "LimitExceeded",
            "LimitExceededException",
            "ServiceQuotaExceededException",
            "TooManyLoadBalancers",
            "TooManyTargetGroups",
            "TooManyTargets",
            "TooManyListeners",
            "TooManyTags",
            "TooManyTagsException",
            "TargetGroupAssociationLimit",
        ],
    ),
    (
        Class::Invalid,
        &[
            "ValidationException",
            "ValidationError",
            "InvalidParameterValue",
            "InvalidParameterCombination",
            "MissingParameter",
            "InvalidInput",
            "InvalidConfigurationRequest",
            "OperationNotPermitted",
            "KMSInvalidStateException",
            "UnmodifiableEntity",
            "UnknownParameter",
            "InvalidParameter",
            "UnsupportedOperation",
            "UnsupportedOptionFault",
            "IncompatibleOrderableOptions",
            "SubnetAlreadyInUse",
        ],
    ),
];

fn classify(code: &str, message: &str, status: u16) -> Class {
    let by_text = BY_TEXT.iter().find(|(c, fragment, _)| *c == code && message.contains(fragment));
    if let Some((_, _, class)) = by_text {
        return *class;
    }
    if let Some((class, _)) = BY_CODE.iter().find(|(_, codes)| codes.contains(&code)) {
        return *class;
    }
    // Redshift spells some of its codes with `Fault` and some without (aws-facts.md 0.1).
    match code.strip_suffix("Fault").unwrap_or(code) {
        code if code.ends_with("NotFound") => Class::NotFound,
        code if code.ends_with("LimitExceeded") || code.ends_with("QuotaExceeded") => Class::Quota,
        code if code.ends_with("AlreadyExists") => Class::Exists,
        code if code.starts_with("Invalid") => Class::Invalid,
        _ if status >= 500 => Class::Transient,
        // The answer to a HEAD has no body, and so no code.
        "HTTP 404" => Class::NotFound,
        "HTTP 403" => Class::Denied,
        _ => Class::Unrecognised,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_fall_into_their_classes() {
        for (code, class) in [
            ("InvalidVpcID.NotFound", Class::NotFound),
            ("InvalidSecurityGroupID.NotFound", Class::NotFound),
            ("VpcLimitExceeded", Class::Quota),
            ("DependencyViolation", Class::Busy),
            ("RequestLimitExceeded", Class::Throttled),
            ("InvalidVpc.Range", Class::Invalid),
            ("ClusterNotFound", Class::NotFound),
            ("ClusterParameterGroupNotFound", Class::NotFound),
            ("ClusterSubnetGroupNotFoundFault", Class::NotFound),
            ("ClusterAlreadyExists", Class::Exists),
            ("ClusterSubnetGroupAlreadyExists", Class::Exists),
            ("UsageLimitAlreadyExists", Class::Exists),
            ("InvalidClusterState", Class::Busy),
            ("InvalidClusterSubnetGroupStateFault", Class::Busy),
            ("InvalidClusterParameterGroupState", Class::Busy),
            ("InsufficientClusterCapacity", Class::Capacity),
            ("NumberOfNodesPerClusterLimitExceeded", Class::Quota),
            ("ClusterSubnetQuotaExceededFault", Class::Quota),
            ("TagLimitExceededFault", Class::Quota),
            ("InvalidVPCNetworkStateFault", Class::Invalid),
            ("InvalidRetentionPeriodFault", Class::Invalid),
            ("UnsupportedOperation", Class::Invalid),
            ("SubnetAlreadyInUse", Class::Invalid),
            ("SomethingNew", Class::Unrecognised),
        ] {
            assert_eq!(classify(code, "", 400), class, "{code}");
        }
        assert_eq!(classify("SomethingNew", "", 503), Class::Transient);
        let wait = "Failed to update the RPU capacity. Wait until at least one snapshot exists and retry.";
        assert_eq!(classify("ValidationException", wait, 400), Class::Busy);
        let key = "arn:aws:kms:eu-west-1:111122223333:key/k-1 is pending deletion.";
        assert_eq!(classify("KMSInvalidStateException", key, 400), Class::NotFound);
        assert_eq!(classify("KMSInvalidStateException", "the key is Creating", 400), Class::Invalid);
    }

    #[test]
    fn no_code_stands_in_two_classes() {
        let all: Vec<&str> = BY_CODE.iter().flat_map(|(_, codes)| codes.iter().copied()).collect();
        let once: std::collections::BTreeSet<&str> = all.iter().copied().collect();
        assert_eq!(all.len(), once.len());
    }
}
