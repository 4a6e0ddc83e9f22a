//! The account as a whole: every role with all its parts in one call, the calling user, instance profiles (none).
//!
//! Called through `SERVICE`. Must never give an empty list for something the sandbox does not model and AWS would have.

use super::constraint::{TextRule, is_name, not_in_enum};
use super::{Role, SANDBOX_USER, attached_reply, boundary_reply, cut, date, encoded, listed, no_such, role_of, tags};
use crate::sandbox::request::{AwsError, Reply, Request};
use crate::sandbox::world::World;
use crate::sandbox::{Operation, USER_ID, quota};
use jiff::Timestamp;
use serde_json::{Value, json};

const FILTERS: [&str; 5] = ["User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"];
const USER_NAME: TextRule = TextRule { min: 1, max: 128, pattern: r"[\w+=,.@-]+", fits: is_name };

/// Operations on the account.
pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "GetAccountAuthorizationDetails",
        mutating: false,
        params: &["Filter", "MaxItems", "Marker"],
        run: get_account_authorization_details,
    },
    Operation { name: "GetAccountSummary", mutating: false, params: &[], run: get_account_summary },
    Operation { name: "GetUser", mutating: false, params: &["UserName"], run: get_user },
    Operation {
        name: "ListInstanceProfilesForRole",
        mutating: false,
        params: &["RoleName", "Marker", "MaxItems"],
        run: list_instance_profiles_for_role,
    },
];

fn get_account_summary(world: &mut World, _: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let (roles, most) = (world.iam.roles.len(), quota::limit(world, "iam", "L-FE177D64"));
    let entry = |key: &str, value: u64| json!({"key": key, "value": value});
    Ok(json!({"SummaryMap": [entry("Roles", roles as u64), entry("RolesQuota", most)]}))
}

fn get_account_authorization_details(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let filters = req.texts("Filter")?;
    if let Some(unknown) = filters.iter().find(|f| !FILTERS.contains(&f.as_str())) {
        return Err(not_in_enum(req, "Filter", unknown, &FILTERS));
    }
    let policies = ["LocalManagedPolicy", "AWSManagedPolicy"];
    if filters.is_empty() || filters.iter().any(|f| policies.contains(&f.as_str())) {
        return Err(AwsError::new(
            "NotImplemented",
            "the rsds sandbox does not implement GetAccountAuthorizationDetails for managed policies: filter by User, Group, Role",
        )
        .status(501));
    }
    let wants = |filter: &str| filters.iter().any(|f| f == filter);
    let users = wants("User").then(|| user_details(world)).into_iter();
    let roles = world.iam.roles.values().filter(|_| wants("Role"));
    let (page, marker) = cut(users.chain(roles.map(role_details)).collect(), req)?;
    let (users, roles): (Vec<Value>, Vec<Value>) = page.into_iter().partition(|item| item.get("UserName").is_some());
    Ok(json!({
        "UserDetailList": users,
        "GroupDetailList": [],
        "RoleDetailList": roles,
        "Policies": [],
        "IsTruncated": marker.is_some(),
        "Marker": marker,
    }))
}

// The model of RoleDetail has neither description nor session length.
fn role_details(role: &Role) -> Value {
    let inline = role.inline.iter();
    let inline: Vec<Value> =
        inline.map(|(name, text)| json!({"PolicyName": name, "PolicyDocument": encoded(text)})).collect();
    let attached: Vec<Value> = role.attached.iter().map(|arn| attached_reply(arn)).collect();
    json!({
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.id,
        "Arn": role.arn,
        "CreateDate": date(role.created),
        "AssumeRolePolicyDocument": encoded(&role.trust),
        "InstanceProfileList": [],
        "RolePolicyList": inline,
        "AttachedManagedPolicies": attached,
        "PermissionsBoundary": boundary_reply(role),
        "Tags": tags::reply(&role.tags),
        "RoleLastUsed": {},
    })
}

fn user(world: &World) -> Value {
    json!({
        "Path": "/",
        "UserName": SANDBOX_USER,
        "UserId": USER_ID,
        "Arn": format!("arn:aws:iam::{}:user/{SANDBOX_USER}", world.account),
        "CreateDate": date(Timestamp::UNIX_EPOCH),
    })
}

fn user_details(world: &World) -> Value {
    let mut details = user(world);
    for list in ["UserPolicyList", "GroupList", "AttachedManagedPolicies", "Tags"] {
        details[list] = json!([]);
    }
    details
}

fn get_user(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    match USER_NAME.read_opt(req, "UserName")? {
        Some(name) if name != SANDBOX_USER => Err(no_such(format!("The user with name {name} cannot be found."))),
        _ => Ok(json!({"User": user(world)})),
    }
}

fn list_instance_profiles_for_role(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    role_of(world, req)?;
    listed("InstanceProfiles", Vec::new(), req)
}

#[cfg(test)]
mod tests {
    use crate::sandbox::iam::testing::{Bench, decoded};
    use serde_json::json;

    #[test]
    fn details_hold_every_part_of_every_role() {
        let mut bench = Bench::new();
        for name in ["a", "b", "c"] {
            bench.role(name);
        }
        let document = json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}});
        let put = json!({"RoleName": "b", "PolicyName": "p", "PolicyDocument": document.to_string()});
        bench.call("PutRolePolicy", put).unwrap();
        bench.call("TagRole", json!({"RoleName": "b", "Tags": [{"Key": "k", "Value": "v"}]})).unwrap();
        let ask = json!({"Filter": ["Role"], "MaxItems": "2"});
        let first = bench.call("GetAccountAuthorizationDetails", ask).unwrap();
        let b = &first["RoleDetailList"][1];
        assert_eq!(b["Tags"], json!([{"Key": "k", "Value": "v"}]));
        assert_eq!(decoded(&b["RolePolicyList"][0]["PolicyDocument"]), document);
        assert!(b.get("Description").is_none() && b.get("MaxSessionDuration").is_none());
        let ask = json!({"Filter": ["Role"], "MaxItems": "2", "Marker": first["Marker"]});
        let rest = bench.call("GetAccountAuthorizationDetails", ask).unwrap();
        assert_eq!(rest["RoleDetailList"].as_array().unwrap().len(), 1);
        assert_eq!(rest["IsTruncated"], false);
        let unknown = bench.code("GetAccountAuthorizationDetails", json!({"Filter": ["Roles"]}));
        assert_eq!(unknown.0, "ValidationError");
        assert_eq!(bench.code("GetAccountAuthorizationDetails", json!({})).1, 501);
    }

    #[test]
    fn the_only_user_is_the_caller() {
        let mut bench = Bench::new();
        let me = bench.call("GetUser", json!({})).unwrap();
        assert_eq!(me["User"]["Arn"], "arn:aws:iam::123456789012:user/sandbox");
        assert_eq!(bench.code("GetUser", json!({"UserName": "root"})).0, "NoSuchEntity");
        assert_eq!(bench.code("ListInstanceProfilesForRole", json!({"RoleName": "x"})).0, "NoSuchEntity");
    }
}
