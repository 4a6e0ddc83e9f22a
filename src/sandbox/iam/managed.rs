//! Managed policies that can be attached: those of AWS known to the sandbox, and those a test put into the world.
//!
//! Called by the role operations. Must never invent a policy: an ARN that is not known does not exist.

use super::no_such;
use crate::sandbox::request::AwsError;
use crate::sandbox::world::World;

const AWS_PREFIX: &str = "arn:aws:iam::aws:policy/";
/// AWS managed policies by path and name after `policy/`.
const AWS_POLICIES: [&str; 39] = [
    "AdministratorAccess",
    "AmazonAthenaFullAccess",
    "AmazonDMSRedshiftS3Role",
    "AmazonDynamoDBReadOnlyAccess",
    "AmazonEC2ReadOnlyAccess",
    "AmazonKinesisReadOnlyAccess",
    "AmazonMSKReadOnlyAccess",
    "AmazonRedshiftAllCommandsFullAccess",
    "AmazonRedshiftDataFullAccess",
    "AmazonRedshiftFederatedAuthorization",
    "AmazonRedshiftFullAccess",
    "AmazonRedshiftQueryEditor",
    "AmazonRedshiftQueryEditorV2FullAccess",
    "AmazonRedshiftQueryEditorV2NoSharing",
    "AmazonRedshiftQueryEditorV2ReadSharing",
    "AmazonRedshiftQueryEditorV2ReadWriteSharing",
    "AmazonRedshiftReadOnlyAccess",
    "AmazonS3FullAccess",
    "AmazonS3ReadOnlyAccess",
    "AmazonSNSFullAccess",
    "AmazonSSMManagedInstanceCore",
    "AmazonSageMakerFullAccess",
    "AmazonVPCFullAccess",
    "AWSGlueConsoleFullAccess",
    "AWSLakeFormationDataAdmin",
    "CloudWatchFullAccess",
    "CloudWatchLogsFullAccess",
    "CloudWatchReadOnlyAccess",
    "IAMReadOnlyAccess",
    "job-function/DataScientist",
    "job-function/ViewOnlyAccess",
    "PowerUserAccess",
    "ReadOnlyAccess",
    "SecretsManagerReadWrite",
    "SecurityAudit",
    "service-role/AmazonDMSCloudWatchLogsRole",
    "service-role/AWSGlueServiceRole",
    "service-role/AWSLambdaBasicExecutionRole",
    "service-role/AWSLambdaVPCAccessExecutionRole",
];
const SHORTEST_ARN: usize = 20;
const LONGEST_ARN: usize = 2048;

/// Whether that managed policy is there.
pub(super) fn exists(world: &World, arn: &str) -> bool {
    arn.strip_prefix(AWS_PREFIX).is_some_and(|name| AWS_POLICIES.contains(&name))
        || world.iam.managed_policies.contains(arn)
}

/// Refuses what is not the ARN of any managed policy (`InvalidInput`).
pub(super) fn check_arn(arn: &str) -> Result<(), AwsError> {
    let length = (SHORTEST_ARN..=LONGEST_ARN).contains(&arn.len());
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", "aws", "iam", "", account, rest] if length && !account.is_empty() && rest.starts_with("policy/") => {
            Ok(())
        }
        _ => Err(AwsError::new("InvalidInput", format!("ARN {arn} is not valid."))),
    }
}

/// A permissions boundary that can be set: none, or an existing managed policy.
pub(super) fn boundary(world: &World, arn: Option<String>) -> Result<Option<String>, AwsError> {
    let Some(arn) = arn else { return Ok(None) };
    check_arn(&arn)?;
    if exists(world, &arn) {
        return Ok(Some(arn));
    }
    Err(no_such(format!("Scope ARN: {arn} does not exist or is not attachable.")))
}

/// Path of a managed policy, e.g. `/service-role/`.
pub(super) fn path(arn: &str) -> &str {
    let rest = arn.split_once(":policy").map_or("/", |(_, rest)| rest);
    rest.rfind('/').and_then(|at| rest.get(..=at)).unwrap_or("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_is_between_policy_and_name() {
        assert_eq!(path("arn:aws:iam::aws:policy/service-role/AWSGlueServiceRole"), "/service-role/");
        assert_eq!(path("arn:aws:iam::aws:policy/ReadOnlyAccess"), "/");
        assert!(!exists(&World::default(), "arn:aws:iam::aws:policy/AWSGlueServiceRole"));
    }
}
