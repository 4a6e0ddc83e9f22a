//! How a command fails: what people read, and what scripts get as the exit code.
//!
//! Built at the edges (`session`, `cli`) from the errors of the layers below. Must never swallow a cause.

use crate::{
    aws::{Class, Fault, patience::Tried},
    config::Problems,
    plan::{ObserveError, PlanError},
    preflight::Report,
    stack::StackError,
    state::{LockError, StoreError, mend::Refused},
};

/// The exit codes of design.md 4. Scripts rely on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, or nothing to do.
    Done = 0,
    /// Failed; usage and configuration too.
    Failed = 1,
    /// Changes are pending (`--detailed-exitcode` alone).
    Pending = 2,
    /// Partly applied.
    Partly = 3,
    /// The state is locked by someone else.
    Locked = 4,
    /// Interrupted.
    Interrupted = 130,
}

/// Why a command failed.
#[derive(Debug)]
pub enum Failure {
    /// The TOML is wrong: every problem, with its place.
    Config(Problems),
    /// No plan can be made: every reason.
    Plan(Vec<PlanError>),
    /// AWS would not let the plan happen: every check, with what came of it.
    Preflight(Box<Report>),
    /// Something else, with what to do about it.
    Other {
        /// What happened.
        message: String,
        /// What to type or change next.
        help: Option<String>,
        /// The exit code.
        exit: Exit,
    },
}

impl Failure {
    /// A failure with a message and a hint.
    pub fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Other { message: message.into(), help: Some(help.into()), exit: Exit::Failed }
    }

    /// Returns the exit code.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Config(_) | Self::Plan(_) | Self::Preflight(_) => Exit::Failed,
            Self::Other { exit, .. } => *exit,
        }
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::Config(problems)
    }
}

impl From<Vec<PlanError>> for Failure {
    fn from(errors: Vec<PlanError>) -> Self {
        Self::Plan(errors)
    }
}

/// What to do about a call that AWS refused before anything was changed.
fn hint(fault: &Fault) -> String {
    match (fault.class, fault.code.as_str()) {
        (Class::Credentials, "NoCredentials") => {
            "give credentials the usual AWS way (AWS_PROFILE, `aws sso login`, environment variables, a role), \
             or try the built-in AWS: --sandbox"
                .into()
        }
        (Class::Credentials, "ExpiredToken" | "ExpiredTokenException") => {
            "the credentials have expired: sign in again (`aws sso login`) or renew them".into()
        }
        (Class::Credentials, "InvalidClientTokenId" | "InvalidAccessKeyId" | "UnrecognizedClientException") => {
            "AWS does not accept these credentials: check AWS_PROFILE, AWS_ACCESS_KEY_ID and the region".into()
        }
        (Class::Denied, _) => format!("the caller needs the action {} (docs/permissions.md)", fault.call),
        (Class::Transient, "ConnectionFailed" | "Timeout") => {
            "check the network, AWS_ENDPOINT_URL and the region, then run it again".into()
        }
        _ => {
            let hint = crate::ui::hint(fault);
            format!("{}: {}", hint.cause, hint.cure)
        }
    }
}

/// How often a call was sent, if that was more than once, and that it was a read: nothing was changed.
fn tried(fault: &Fault) -> String {
    match *fault.tried {
        Tried { times: 0 | 1, .. } => String::new(),
        Tried { times, over } => {
            let over = crate::ui::seconds(over.as_secs_f64());
            format!("\n  tried {times} times over {over}; nothing was changed")
        }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        let message = format!("{fault}{}", tried(&fault));
        Self::Other { help: Some(hint(&fault)), message, exit: Exit::Failed }
    }
}

impl From<ObserveError> for Failure {
    fn from(error: ObserveError) -> Self {
        let help = match &error {
            ObserveError::Read { fault, .. } => Some(hint(fault)),
            ObserveError::UnknownKind { .. } => None,
            ObserveError::Foreign { .. } => Some(
                "an interrupted run wanted to make it, and something else of that name is there: rename one of them"
                    .to_owned(),
            ),
        };
        let tried = match &error {
            ObserveError::Read { fault, .. } => tried(fault),
            ObserveError::UnknownKind { .. } | ObserveError::Foreign { .. } => String::new(),
        };
        Self::Other { message: format!("{error}{tried}"), help, exit: Exit::Failed }
    }
}

/// What to do when a state in S3 cannot be used.
const S3_HELP: &str = "check the credentials, and [state]: bucket, region, kms_key_id; a bucket that is not there yet \
                       is made by: rsds backend create";

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let help = match &error {
            StoreError::Io { place, .. } if place.starts_with("s3://") => Some(S3_HELP.to_owned()),
            StoreError::Io { .. } => Some("check that the folder is there, is yours, and has space".to_owned()),
            StoreError::Damaged { last_good: Some(name), .. } => Some(format!(
                "nothing was changed in AWS; the last state that is whole is {name}: rsds state history --restore {name}"
            )),
            StoreError::Damaged { last_good: None, .. } => Some(
                "nothing was changed in AWS; put the state back from a backup (rsds state push FILE), or make it anew \
                 from the ownership tags: rsds state rebuild"
                    .to_owned(),
            ),
            StoreError::Lost { .. } => Some("let the other run end, then plan again".to_owned()),
            StoreError::Newer { .. } | StoreError::Stopped => None,
        };
        let exit = if matches!(error, StoreError::Lost { .. }) { Exit::Locked } else { Exit::Failed };
        Self::Other { message: error.to_string(), help, exit }
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self::new(refused.message, refused.help)
    }
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Self {
        let (exit, help) = match &error {
            LockError::Held(_) => {
                (Exit::Locked, "wait for the other run to end, or give this one patience: --lock-timeout 10m")
            }
            LockError::Io { place, .. } if place.starts_with("s3://") => (Exit::Failed, S3_HELP),
            LockError::Io { .. } => (Exit::Failed, "check that the folder is there, is yours, and has space"),
        };
        Self::Other { message: error.to_string(), help: Some(help.to_owned()), exit }
    }
}

impl From<StackError> for Failure {
    fn from(error: StackError) -> Self {
        match error {
            StackError::Config(problems) => Self::Config(problems),
            StackError::Defect(_) => Self::new(error.to_string(), "this is a defect of rsds; please report it"),
        }
    }
}
