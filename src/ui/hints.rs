//! What a failure probably means and what to do about it, by AWS's code or by the class of the fault.
//!
//! Called by `outcome`, and by `cli` for faults outside an apply. The rows come from aws-facts.md 1.2-1.3, 2, 3, 6,
//! 7, 12. Must never be needed to understand the failure: AWS's own words stand beside it.

use crate::{
    apply::Trouble,
    aws::{Class, Fault},
};
use serde::Serialize;

/// A likely cause and its cure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Hint {
    /// What is probably behind it.
    pub cause: &'static str,
    /// What to do.
    pub cure: &'static str,
}

/// A row: the call's beginning (empty = any), the code, a fragment of the message (empty = any), cause and cure.
type Row = (&'static str, &'static str, &'static str, &'static str, &'static str);

/// The first row that fits counts: special ones stand before general ones.
const BY_CODE: &[Row] = &[
    (
        "",
        "VpcLimitExceeded",
        "",
        "the region has as many VPCs as the account may have (5 by default)",
        "delete one, raise quota L-F678F1CE in Service Quotas, or use an existing one: [networking] vpc_id",
    ),
    (
        "",
        "InvalidVpc.Range",
        "",
        "the address range is not one a VPC can have",
        "use a private range between /16 and /28 as [networking] vpc_cidr",
    ),
    (
        "",
        "InvalidSubnet.Conflict",
        "",
        "the range overlaps another subnet of the VPC, perhaps one that rsds does not know",
        "choose other [networking] subnet_cidrs, or look for a subnet left by something else",
    ),
    (
        "",
        "RulesPerSecurityGroupLimitExceeded",
        "",
        "a security group may hold 60 rules in each direction",
        "merge [networking] allowed_cidrs into wider ranges, or raise quota L-0EA8095F",
    ),
    (
        "ec2:",
        "DependencyViolation",
        "",
        "network interfaces of a workgroup or balancer linger some minutes after it, or something else uses it",
        "run the same command again in five minutes; if it stays, look for foreign interfaces in the VPC",
    ),
    (
        "",
        "DuplicateLoadBalancerName",
        "",
        "a load balancer of that name is there and is not owned by this environment",
        "delete or rename it, or change `project`: names begin with <project>-<env>",
    ),
    (
        "",
        "TooManyLoadBalancers",
        "",
        "the region has as many network load balancers as the account may have (50 by default)",
        "delete one, or raise the quota for Network Load Balancers in Service Quotas",
    ),
    (
        "",
        "TooManyTargets",
        "",
        "with cross-zone balancing 500 targets fit behind one load balancer",
        "put fewer consumers behind it: behind_nlb = false, or fewer of a group's `count`",
    ),
    (
        "",
        "TargetGroupAssociationLimit",
        "",
        "the target group is bound to another load balancer",
        "remove it there; rsds gives every listener a target group of its own",
    ),
    (
        "elasticloadbalancing:",
        "OperationNotPermitted",
        "",
        "deletion protection is on",
        "set [nlb] deletion_protection = false and apply, then try again",
    ),
    (
        "elasticloadbalancing:",
        "InvalidConfigurationRequest",
        "",
        "the load balancer does not have that setting, or was made without a security group and can never have one",
        "have it made again: --replace nlb/load-balancer",
    ),
    (
        "",
        "InsufficientCapacityException",
        "",
        "AWS has no capacity for these RPUs in these zones just now; rsds kept asking for half an hour",
        "run the command again later, or lower base_capacity",
    ),
    (
        "redshift-serverless:",
        "ServiceQuotaExceededException",
        "",
        "the account's limit of workgroups or namespaces (25 each) or of base RPUs is reached",
        "remove consumers, lower base_capacity, or raise the quota of Redshift Serverless in Service Quotas",
    ),
    (
        "redshift-serverless:",
        "ValidationException",
        "at least one snapshot exists",
        "a new workgroup takes other RPUs only after its first recovery point, which can take half an hour",
        "run the command again later",
    ),
    (
        "redshift-serverless:",
        "ValidationException",
        "does not exist in VPC",
        "a security group belongs to another VPC than the subnets",
        "check [networking]: the VPC and the groups given must belong together",
    ),
    (
        "redshift-serverless:",
        "ValidationException",
        "ubnet",
        "the subnets do not suit: three zones are needed, with free addresses by RPU (13 at 32, 37 at 128, 133 at 512)",
        "give wider subnet_cidrs or other availability_zones, or lower base_capacity",
    ),
    (
        "redshift-serverless:",
        "ConflictException",
        "",
        "another operation runs on the workgroup or its namespace, or something of that name exists",
        "wait for it to end (AWS's console shows it) and run the command again",
    ),
    (
        "kms:",
        "AlreadyExistsException",
        "",
        "the alias is bound to a key, perhaps to one that waits for its deletion",
        "delete the alias, or cancel that key's deletion and import it",
    ),
    (
        "kms:",
        "KMSInvalidStateException",
        "",
        "the key is disabled or waits for its deletion",
        "cancel its deletion and enable it: what it encrypted cannot be read without it",
    ),
    (
        "",
        "MalformedPolicyDocumentException",
        "",
        "the policy names a principal that does not exist, or would lock you out of the key",
        "run the command again; if it stays, check that you may administer keys",
    ),
    (
        "",
        "OptInRequired",
        "",
        "the service or region is not enabled for this account",
        "enable it in the account's settings, or choose another `region`",
    ),
    ("", "RequestExpired", "", "this machine's clock is wrong by more than five minutes", "set the clock"),
];

const fn by_class(class: Class) -> Option<Hint> {
    let (cause, cure) = match class {
        Class::Denied => (
            "the caller's policies, a permission boundary or an organisation's control policy forbid the call",
            "have it allowed, then run the command again",
        ),
        Class::Credentials => (
            "there are no credentials, or they are wrong or expired",
            "log in again (`aws sso login`), or set AWS_PROFILE",
        ),
        Class::Quota => {
            ("a limit of the account is reached", "remove what is not needed, or ask for more in Service Quotas")
        }
        Class::Throttled => (
            "something else in the account calls AWS a lot; rsds kept asking for a quarter of an hour",
            "run the command again, perhaps with a lower --parallelism",
        ),
        Class::Busy => ("something else works on it or uses it", "wait for that to end and run the command again"),
        Class::Capacity => ("AWS has no capacity just now", "run the command again later"),
        Class::Propagating => ("what it needs was not visible everywhere in time", "run the command again"),
        Class::Transient => (
            "the network or the service failed; whether the call was carried out, the next run finds out",
            "run the command again",
        ),
        Class::Exists => (
            "something of that name exists and is not owned by this environment",
            "take it over (rsds import ADDRESS ID), delete or rename it, or change `project`: names begin with <project>-<env>",
        ),
        Class::NotFound => {
            ("something was deleted meanwhile by somebody else", "run the command again: the plan will see it")
        }
        Class::Internal => ("a defect of rsds", "please report it with this message"),
        Class::Invalid | Class::Unrecognised => return None,
    };
    Some(Hint { cause, cure })
}

/// Returns what a fault probably means; none where AWS's own words are all there is.
pub fn hint(fault: &Fault) -> Option<Hint> {
    let row = BY_CODE.iter().find(|(call, code, fragment, ..)| {
        fault.call.starts_with(call) && fault.code == *code && fault.message.contains(fragment)
    });
    row.map(|(.., cause, cure)| Hint { cause, cure }).or_else(|| by_class(fault.class))
}

/// Returns what a failed operation probably means.
pub(super) fn of_trouble(trouble: &Trouble) -> Option<Hint> {
    let (cause, cure) = match trouble {
        Trouble::Aws { fault, .. } => return hint(fault),
        Trouble::Broken { .. } => {
            ("AWS accepted it and could not bring it up", "mend what it says; the next apply replaces it")
        }
        Trouble::Outdated { .. } => (
            "an earlier run was cut off while it asked for this, and the TOML has changed since",
            "run the command again: its plan shows the replacement",
        ),
        Trouble::NotSettled { .. } => {
            ("AWS takes longer than ever seen", "run the command again: it goes on from here")
        }
        Trouble::Dormant { .. } => {
            ("someone put it to sleep", "wake it (`rsds plan` says how), then run the command again")
        }
        Trouble::Foreign { .. } => (
            "another environment, another tool or a lost state made it",
            "take it over (rsds import), rename or delete it, or change `project`; rsds takes nothing over on a name alone",
        ),
        Trouble::State { .. } => (
            "the place of the state cannot be written",
            "free the disk or the permission there, then run the command again: no call was made without a record",
        ),
        Trouble::Interrupted => return None,
    };
    Some(Hint { cause, cure })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_come_before_classes_and_messages_tell_codes_apart() {
        let cause =
            |call: &str, code: &str, message: &str| hint(&Fault::answered(call, code, message)).map(|h| h.cause);
        let of = |call, code, message| cause(call, code, message).unwrap();
        assert!(of("ec2:CreateVpc", "VpcLimitExceeded", "").contains("(5 by default)"));
        assert!(of("iam:CreateRole", "AccessDenied", "").contains("forbid the call"));
        assert!(of("ec2:DeleteSubnet", "DependencyViolation", "").contains("linger"));
        let call = "redshift-serverless:CreateWorkgroup";
        assert!(of(call, "ValidationException", "Your subnets lack free IPs").contains("three zones"));
        assert!(
            of(call, "ValidationException", "VPC Security group sg-1 does not exist in VPC x").contains("another VPC")
        );
        assert_eq!(cause(call, "ValidationException", "something else"), None);
    }

    #[test]
    fn every_row_can_be_reached() {
        for (call, code, fragment, cause, _) in BY_CODE {
            let fault = Fault::answered(&format!("{call}x"), code, fragment);
            assert_eq!(hint(&fault).map(|hint| hint.cause), Some(*cause), "{code} {fragment}");
        }
    }
}
