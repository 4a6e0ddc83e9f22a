//! Who calls the sandbox, what they may do, and the roles that services keep for themselves.
//!
//! Set by tests through `Sandbox::edit`; asked by STS, by the router before every call, and by the policy simulator.
//! The router knows no resources: there an action is allowed that any statement allows for anything, and denied by a
//! statement that denies it everywhere. Must never deny anything while no policy is set: then the caller may do all.

use super::decide::{Context, Decision, decide};
use super::{Role, date, encoded};
use crate::sandbox::credential::{USER_ARN, USER_ID};
use crate::sandbox::{AwsError, Protocol, Request, World};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Who is behind the sandbox's credentials.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Caller {
    /// The one user.
    #[default]
    User,
    /// The account's root user.
    Root,
    /// A role that somebody assumed (SSO, OIDC); STS tells its name, but not its path.
    Role {
        /// `/` or `/.../`.
        path: String,
        /// Its name.
        name: String,
        /// The session's name.
        session: String,
    },
}

impl Caller {
    /// The ARN and the unique id that STS answers.
    pub fn identity(&self, account: &str) -> (String, String) {
        match self {
            Self::User => (USER_ARN.to_owned(), USER_ID.to_owned()),
            Self::Root => (format!("arn:aws:iam::{account}:root"), account.to_owned()),
            Self::Role { name, session, .. } => (
                format!("arn:aws:sts::{account}:assumed-role/{name}/{session}"),
                format!("AROASANDBOX0000000000:{session}"),
            ),
        }
    }

    /// The ARN of what policies are attached to; the root user has none.
    pub fn principal(&self, account: &str) -> Option<String> {
        match self {
            Self::User => Some(USER_ARN.to_owned()),
            Self::Root => None,
            Self::Role { path, name, .. } => Some(format!("arn:aws:iam::{account}:role{path}{name}")),
        }
    }
}

/// Roles that services keep, by the service: name of the role.
const LINKED: [(&str, &str); 2] = [
    ("redshift.amazonaws.com", "AWSServiceRoleForRedshift"),
    ("elasticloadbalancing.amazonaws.com", "AWSServiceRoleForElasticLoadBalancing"),
];

/// The calls that make a role for their service if there is none.
const LINKING: [(&str, &str); 4] = [
    ("redshift:CreateCluster", "redshift.amazonaws.com"),
    ("redshift-serverless:CreateNamespace", "redshift.amazonaws.com"),
    ("redshift-serverless:CreateEndpointAccess", "redshift.amazonaws.com"),
    ("elasticloadbalancing:CreateLoadBalancer", "elasticloadbalancing.amazonaws.com"),
];

/// The calls with which a role is handed to a service: where their parameters name it.
const PASSING: [(&str, &str, &str); 4] = [
    ("redshift:CreateCluster", "IamRoles", "redshift.amazonaws.com"),
    ("redshift:ModifyClusterIamRoles", "AddIamRoles", "redshift.amazonaws.com"),
    ("redshift-serverless:CreateNamespace", "iamRoles", "redshift-serverless.amazonaws.com"),
    ("redshift-serverless:UpdateNamespace", "iamRoles", "redshift-serverless.amazonaws.com"),
];

/// The calls that make a secret in the caller's name: the parameter that asks for it (aws-facts.md 4).
const MANAGING: [(&str, &str); 2] = [
    ("redshift:CreateCluster", "ManageMasterPassword"),
    ("redshift-serverless:CreateNamespace", "manageAdminPassword"),
];
const SECRET: [&str; 4] = [
    "secretsmanager:CreateSecret",
    "secretsmanager:GetRandomPassword",
    "secretsmanager:RotateSecret",
    "secretsmanager:TagResource",
];

/// Roles outside those that users make: service-linked ones, and the one the caller has assumed.
pub(super) fn given_roles(world: &World) -> Vec<Role> {
    let linked = LINKED.iter().filter(|(service, _)| world.iam.linked.contains(*service));
    let linked = linked.map(|(service, name)| (format!("/aws-service-role/{service}/"), (*name).to_owned(), *service));
    let assumed = match &world.iam.caller {
        Caller::Role { path, name, .. } => Some((path.clone(), name.clone(), "ec2.amazonaws.com")),
        Caller::User | Caller::Root => None,
    };
    let role = |(path, name, service): (String, String, &str)| Role {
        id: "AROASANDBOX0000000000".to_owned(),
        arn: format!("arn:aws:iam::{}:role{path}{name}", world.account),
        name,
        path,
        created: Timestamp::UNIX_EPOCH,
        trust: json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow",
            "Principal": { "Service": service }, "Action": "sts:AssumeRole" }] })
        .to_string(),
        description: None,
        max_session: super::DEFAULT_SESSION_SECONDS,
        boundary: None,
        tags: BTreeMap::new(),
        inline: BTreeMap::new(),
        attached: BTreeSet::new(),
        bared: None,
    };
    linked.chain(assumed).map(role).collect()
}

/// The role as GetRole shows it, if it is one of those.
pub(super) fn given_role(world: &World, name: &str) -> Option<Value> {
    let role = given_roles(world).into_iter().find(|role| role.name == name)?;
    Some(json!({
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.id,
        "Arn": role.arn,
        "CreateDate": date(role.created),
        "AssumeRolePolicyDocument": encoded(&role.trust),
        "MaxSessionDuration": role.max_session,
        "RoleLastUsed": {},
    }))
}

/// IAM's name of an operation; none for those that everybody may call, and for buckets, whose policies are their own.
fn action(service: &str, operation: &str) -> Option<String> {
    match service {
        "sts" | "s3" => None,
        "tagging" => Some(format!("tag:{operation}")),
        "monitoring" => Some(format!("cloudwatch:{operation}")),
        _ => Some(format!("{service}:{operation}")),
    }
}

/// Refuses a call that the caller may not make, with what else it would do in their name; makes the role of a service
/// that has none yet.
pub(in crate::sandbox) fn authorize(world: &World, req: &Request) -> Result<(), AwsError> {
    if world.iam.policies.is_empty() || world.iam.caller == Caller::Root {
        return Ok(());
    }
    let Some(action) = action(req.service, &req.operation) else { return Ok(()) };
    let none = Context::new();
    let mut wanted = vec![(action.clone(), none.clone())];
    for (call, service) in LINKING {
        if call == action && !world.iam.linked.contains(service) {
            let context = Context::from([("iam:AWSServiceName".to_owned(), vec![service.to_owned()])]);
            wanted.push(("iam:CreateServiceLinkedRole".to_owned(), context));
        }
    }
    for (call, parameter, service) in PASSING {
        if call == action && req.texts(parameter).is_ok_and(|roles| !roles.is_empty()) {
            let context = Context::from([("iam:PassedToService".to_owned(), vec![service.to_owned()])]);
            wanted.push(("iam:PassRole".to_owned(), context));
        }
    }
    for (call, parameter) in MANAGING {
        if call == action && req.opt_bool(parameter).is_ok_and(|managed| managed == Some(true)) {
            wanted.extend(SECRET.map(|action| (action.to_owned(), none.clone())));
        }
    }
    for (action, context) in wanted {
        if decide(&world.iam.policies, &action, None, Some(&context)) != Decision::Allowed {
            return Err(denial(world, req.protocol, &action));
        }
    }
    Ok(())
}

/// Makes the role of the service that a successful call belongs to.
pub(in crate::sandbox) fn link(world: &mut World, req: &Request) {
    let call = format!("{}:{}", req.service, req.operation);
    for (_, service) in LINKING.iter().filter(|(linking, _)| *linking == call) {
        world.iam.linked.insert((*service).to_owned());
    }
}

fn denial(world: &World, protocol: Protocol, action: &str) -> AwsError {
    let (who, _) = world.iam.caller.identity(&world.account);
    let message = format!(
        "User: {who} is not authorized to perform: {action} because no identity-based policy allows the {action} action"
    );
    match protocol {
        Protocol::Ec2 => AwsError::new("UnauthorizedOperation", message).status(403),
        Protocol::Query | Protocol::RestXml | Protocol::Cbor => AwsError::new("AccessDenied", message).status(403),
        Protocol::Json10 | Protocol::Json11 => AwsError::new("AccessDeniedException", message),
    }
}
