//! What a failure probably means and what to do about it, by AWS's code (`catalogue`) or by the class of the fault.
//!
//! Called by `outcome`, by `failure` for faults outside an apply, and for `docs/errors.md`. Must never be needed to
//! understand the failure: AWS's own words stand beside it.

use super::catalogue::{CATALOGUE, Row};
use crate::{
    apply::Trouble,
    aws::{Class, Fault},
};
use serde::Serialize;
use std::{borrow::Cow, collections::BTreeMap, fmt::Write as _};

/// A likely cause and its cure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hint {
    /// What is probably behind it.
    pub cause: &'static str,
    /// What to do.
    pub cure: Cow<'static, str>,
}

/// What is said about a code that has no row of its own: cause, cure.
const fn by_class(class: Class) -> (&'static str, &'static str) {
    match class {
        Class::Denied => (
            "the caller's policies, a permission boundary or an organisation's control policy forbid the call",
            "have it allowed (docs/permissions.md), then run the same command again",
        ),
        Class::Credentials => (
            "there are no credentials, or they are wrong or expired",
            "log in again (`aws sso login`), or set AWS_PROFILE, then run the same command again",
        ),
        Class::Quota => (
            "a limit of the account is reached",
            "remove what is not needed, or ask for more in Service Quotas, then run the same command again",
        ),
        Class::Throttled => (
            "something else in the account calls AWS a lot: the service answered nothing else for a quarter of an hour",
            "run the same command again when that is over: it goes on from here",
        ),
        Class::Busy => {
            ("something else works on it or uses it", "wait for that to end, then run the same command again")
        }
        Class::Capacity => ("AWS has no capacity just now", "run the same command again later"),
        Class::Propagating => ("what it needs was not visible everywhere in time", "run the same command again"),
        Class::Transient => (
            "the network or the service failed; whether the call was carried out, the next run finds out",
            "run the same command again",
        ),
        Class::Exists => (
            "something of that name exists and is not owned by this environment",
            "take it over (rsds import ADDRESS ID), delete or rename it, or change `project`: names begin with <project>-<env>",
        ),
        Class::NotFound => (
            "something was deleted meanwhile by somebody else, or is not there yet",
            "run `rsds plan`: it shows what is gone",
        ),
        Class::Invalid => (
            "AWS does not accept the request as it is",
            "change the key of the TOML that the message is about, then run `rsds plan`",
        ),
        Class::Unrecognised => (
            "AWS answered with a code that rsds does not know, so it asked no more",
            "see what AWS's documentation says of the code; if asking again is right, run the same command again, and please report the code",
        ),
        Class::Internal => ("a defect of rsds", "please report it with this message"),
    }
}

/// Every class, in the order of the reference, with what rsds does about it.
const CLASSES: &[(Class, &str, &str)] = &[
    (
        Class::Throttled,
        "too many requests",
        "slows down to what the service bears and asks again, for 15 minutes in which it answers nothing else, an hour in all",
    ),
    (Class::Transient, "the network or the service failed", "looks what became of it and asks again, for 5 minutes"),
    (Class::Busy, "something is in the way", "asks again at a twentieth of the time waited, for 45 minutes"),
    (Class::Capacity, "AWS has no capacity just now", "asks again every 1 to 5 minutes, for 30 minutes"),
    (Class::Propagating, "not visible everywhere yet", "asks again, for 2 minutes"),
    (Class::NotFound, "it does not exist", "takes it as the answer; of what was just made asks again, for 2 minutes"),
    (Class::Exists, "it exists already", "looks whether it is its own, else stops"),
    (Class::Denied, "not allowed", "stops; never takes it for absence"),
    (Class::Credentials, "no, wrong or expired credentials", "stops"),
    (Class::Quota, "a limit of the account", "stops"),
    (Class::Invalid, "not accepted", "stops"),
    (Class::Unrecognised, "a code rsds does not know", "goes by the HTTP status; without one that says more, stops"),
];

fn fits(row: &Row, call: &str, code: &str, message: &str) -> bool {
    let bare = |code: &str| code.strip_suffix("Fault").unwrap_or(code).to_owned();
    call.starts_with(row.service) && bare(row.code) == bare(code) && message.contains(row.says)
}

/// Returns what a fault probably means, and what to do.
pub fn hint(fault: &Fault) -> Hint {
    let Fault { class, call, code, message, .. } = fault;
    if let Some(row) = CATALOGUE.iter().find(|row| fits(row, call, code, message)) {
        return Hint { cause: row.cause, cure: row.cure.into() };
    }
    let (cause, cure) = by_class(*class);
    let cure = match class {
        Class::Denied => format!("have {call} allowed (docs/permissions.md), then run the same command again").into(),
        _ => cure.into(),
    };
    Hint { cause, cure }
}

/// Returns what a failed operation probably means.
pub(super) fn of_trouble(trouble: &Trouble) -> Option<Hint> {
    let (cause, cure) = match trouble {
        Trouble::Aws { fault, .. } => return Some(hint(fault)),
        Trouble::Broken { .. } => {
            ("AWS accepted it and could not bring it up", "mend what it says; the next apply replaces it")
        }
        Trouble::Outdated { .. } => (
            "an earlier run was cut off while it asked for this, and the TOML has changed since",
            "run the command again: its plan shows the replacement",
        ),
        Trouble::NotSettled { .. } => {
            ("AWS takes longer than ever seen", "run the same command again: it goes on from here")
        }
        Trouble::Held { held_by, .. } if held_by.iter().all(|blocker| blocker.passing) => (
            "AWS takes the interfaces of its services away some minutes after their owner; these are still there",
            "delete their owner if it is still there, then run the command again: it goes on from here",
        ),
        Trouble::Held { .. } => (
            "something that this environment did not make uses it, and will not go by itself",
            "delete or detach what is named, then run the command again: it goes on from here",
        ),
        Trouble::Dormant { .. } => {
            ("someone put it to sleep", "wake it (`rsds plan` says how), then run the same command again")
        }
        Trouble::Foreign { .. } => (
            "another environment, another tool or a lost state made it",
            "take it over (rsds import), rename or delete it, or change `project`; rsds takes nothing over on a name alone",
        ),
        Trouble::State { .. } => (
            "the place of the state cannot be written",
            "free the disk or the permission there, then run the same command again: no call was made without a record",
        ),
        Trouble::Interrupted => return None,
    };
    Some(Hint { cause, cure: cure.into() })
}

/// Writes the reference of AWS's errors, as Markdown: `docs/errors.md`.
pub fn error_reference() -> String {
    let class_name = |class: Class| serde_json::to_value(class).ok().and_then(|name| name.as_str().map(str::to_owned));
    let mut text = String::from("## What rsds does by itself\n\n| class | meaning | rsds |\n| --- | --- | --- |\n");
    for (class, meaning, does) in CLASSES {
        // Writing to a string cannot fail.
        writeln!(text, "| `{}` | {meaning} | {does} |", class_name(*class).unwrap_or_default()).ok();
    }
    text += "\n## What to do when it has stopped\n\nFor a code that is not listed below, by its class:\n\n\
             | class | likely | help |\n| --- | --- | --- |\n";
    for (class, ..) in CLASSES {
        let (cause, cure) = by_class(*class);
        let (class, cure) = (class_name(*class).unwrap_or_default(), cure.replace('<', "\\<"));
        writeln!(text, "| `{class}` | {cause} | {cure} |").ok();
    }
    let mut services: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in CATALOGUE {
        services.entry(row.service.trim_end_matches(':')).or_default().push(row);
    }
    for (service, rows) in services {
        let title = if service.is_empty() { "any service" } else { service };
        writeln!(text, "\n### {title}\n\n| code | class | likely | help |\n| --- | --- | --- | --- |").ok();
        for Row { service, code, says, cause, cure } in rows {
            let class = class_name(Fault::answered(service, code, says).class).unwrap_or_default();
            let says = if says.is_empty() { String::new() } else { format!(", \u{201c}{says}\u{201d}") };
            let class = match *code {
                "NoCredentials" => "credentials".to_owned(),
                "ConnectionFailed" | "Timeout" => "transient".to_owned(),
                _ => class,
            };
            writeln!(text, "| `{code}`{says} | `{class}` | {cause} | {} |", cure.replace('<', "\\<")).ok();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_come_before_classes_and_messages_tell_codes_apart() {
        let of = |call: &str, code: &str, message: &str| hint(&Fault::answered(call, code, message)).cause;
        assert!(of("ec2:CreateVpc", "VpcLimitExceeded", "").contains("(5 by default)"));
        assert!(of("iam:CreateRole", "AccessDenied", "").contains("forbid the call"));
        assert!(of("ec2:DeleteSubnet", "DependencyViolation", "").contains("linger"));
        let call = "redshift-serverless:CreateWorkgroup";
        assert!(of(call, "ValidationException", "Your subnets lack free IPs").contains("three zones"));
        assert!(
            of(call, "ValidationException", "VPC Security group sg-1 does not exist in VPC x").contains("another VPC")
        );
        assert!(of(call, "ValidationException", "something else").contains("a value of the request"));
        let denied = hint(&Fault::answered("ec2:CreateVpc", "UnauthorizedOperation", "no"));
        assert!(denied.cure.contains("ec2:CreateVpc"), "{}", denied.cure);
    }

    #[test]
    fn every_row_can_be_reached() {
        for Row { service, code, says, cause, .. } in CATALOGUE {
            let fault = Fault::answered(&format!("{service}x"), code, says);
            assert_eq!(hint(&fault).cause, *cause, "{code} {says}");
        }
    }

    #[test]
    fn every_cure_says_what_to_type_or_change() {
        let doing = [
            "run ",
            "change ",
            "delete ",
            "set ",
            "take ",
            "use ",
            "choose ",
            "check ",
            "give ",
            "lower ",
            "remove ",
            "raise ",
            "merge ",
            "wait ",
            "enable ",
            "log in",
            "have ",
            "name ",
            "put ",
            "keep ",
            "cancel ",
            "switch ",
            "make ",
            "allow ",
            "decode ",
            "detach ",
            "look ",
            "disassociate ",
            "shorten ",
            "see ",
            "please report",
        ];
        let classes = CLASSES.iter().map(|(class, ..)| by_class(*class).1);
        for cure in CATALOGUE.iter().map(|row| row.cure).chain(classes) {
            assert!(doing.iter().any(|verb| cure.starts_with(verb)), "{cure}");
        }
    }
}
