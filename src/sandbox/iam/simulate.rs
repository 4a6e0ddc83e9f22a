//! SimulatePrincipalPolicy: what the caller's policies say of actions that nobody has called yet.
//!
//! Called through `SERVICE`. Only the caller's own policies are kept here, so only the caller is simulated. Must never
//! take the ARN of a session for that of its role.

use super::caller::Caller;
use super::cut;
use super::decide::{Context, Decision, decide, missing};
use crate::sandbox::Operation;
use crate::sandbox::request::{AwsError, Reply, Request};
use crate::sandbox::world::World;
use jiff::Timestamp;
use serde_json::json;

pub(super) static OPERATIONS: &[Operation] = &[Operation {
    name: "SimulatePrincipalPolicy",
    mutating: false,
    params: &[
        "PolicySourceArn",
        "ActionNames",
        "ResourceArns",
        "ContextEntries.ContextKeyName",
        "ContextEntries.ContextKeyValues",
        "ContextEntries.ContextKeyType",
        "MaxItems",
        "Marker",
    ],
    run: simulate_principal_policy,
}];

fn simulate_principal_policy(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let source = req.text("PolicySourceArn")?;
    let actions = req.texts("ActionNames")?;
    if actions.is_empty() {
        return Err(req.missing("ActionNames"));
    }
    if let Some(odd) = actions.iter().find(|action| !(3..=128).contains(&action.len()) || !action.contains(':')) {
        return Err(invalid(format!("Invalid action name: {odd}")));
    }
    check_source(world, &source)?;
    let mut resources = req.texts("ResourceArns")?;
    if resources.is_empty() {
        resources.push("*".to_owned());
    }
    let mut context = Context::new();
    for entry in req.list("ContextEntries") {
        entry.text("ContextKeyType")?;
        context.insert(entry.text("ContextKeyName")?, entry.texts("ContextKeyValues")?);
    }
    let policies = &world.iam.policies;
    let result = |action: &String, resource: &String| {
        let decision = match policies.is_empty() {
            true => Decision::Allowed,
            false => decide(policies, action, Some(resource), Some(&context)),
        };
        json!({
            "EvalActionName": action,
            "EvalResourceName": resource,
            "EvalDecision": match decision {
                Decision::Allowed => "allowed",
                Decision::Explicit => "explicitDeny",
                Decision::Implicit => "implicitDeny",
            },
            "MatchedStatements": [],
            "MissingContextValues": missing(policies, action, &context),
        })
    };
    let pairs = actions.iter().flat_map(|action| resources.iter().map(move |resource| (action, resource)));
    let (results, marker) = cut(pairs.map(|(action, resource)| result(action, resource)).collect(), req)?;
    Ok(json!({ "EvaluationResults": results, "IsTruncated": marker.is_some(), "Marker": marker }))
}

fn check_source(world: &World, source: &str) -> Result<(), AwsError> {
    if world.iam.caller == Caller::Root || !source.contains(":role/") && !source.contains(":user/") {
        return Err(invalid(format!("Invalid Entity Arn: {source} does not clearly define entity type and name.")));
    }
    match world.iam.caller.principal(&world.account).as_deref() == Some(source) {
        true => Ok(()),
        false => Err(super::no_such(format!("{source} cannot be found."))),
    }
}

fn invalid(message: String) -> AwsError {
    AwsError::new("InvalidInput", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::iam::testing::Bench;

    #[test]
    fn the_path_of_an_assumed_role_is_needed() {
        let mut bench = Bench::new();
        bench.world.iam.caller = Caller::Role { path: "/sso/".into(), name: "admin".into(), session: "me".into() };
        bench.world.iam.policies = vec![
            json!({ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": "ec2:*", "Resource": "*" } })
                .to_string(),
        ];
        let ask = |arn: &str| json!({ "PolicySourceArn": arn, "ActionNames": ["ec2:CreateVpc", "kms:CreateKey"] });
        let code = |bench: &mut Bench, arn| bench.code("SimulatePrincipalPolicy", ask(arn)).0;
        assert_eq!(code(&mut bench, "arn:aws:sts::123456789012:assumed-role/admin/me"), "InvalidInput");
        assert_eq!(code(&mut bench, "arn:aws:iam::123456789012:role/admin"), "NoSuchEntity");
        let arn = bench.call("GetRole", json!({ "RoleName": "admin" })).unwrap()["Role"]["Arn"].clone();
        let answer = bench.call("SimulatePrincipalPolicy", ask(arn.as_str().unwrap())).unwrap();
        let decisions: Vec<_> =
            answer["EvaluationResults"].as_array().unwrap().iter().map(|r| &r["EvalDecision"]).collect();
        assert_eq!(decisions, ["allowed", "implicitDeny"]);
    }
}
