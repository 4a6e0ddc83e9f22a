//! What names of this service may look like.
//!
//! Called by the creates of this service. Source: aws-facts.md 5.1 to 5.3. Must never read the world.

use super::{AwsError, invalid};

/// Longest name of a subnet group, parameter group or snapshot.
const LONGEST: usize = 255;

/// Refuses an identifier that is not 1 to `longest` letters, digits and hyphens, a letter first, no `--`, no `-` last.
/// Capitals pass: the service lowers them.
pub(super) fn check_identifier(member: &str, name: &str, longest: usize) -> Result<(), AwsError> {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let first = name.starts_with(|c: char| c.is_ascii_alphabetic());
    if first && name.len() <= longest && name.chars().all(good) && !name.contains("--") && !name.ends_with('-') {
        return Ok(());
    }
    Err(invalid(format!(
        "The parameter {member} must contain from 1 to {longest} alphanumeric characters or hyphens. The first \
         character must be a letter. It can't end with a hyphen or contain two consecutive hyphens. Value: {name}"
    )))
}

/// Refuses the name of a parameter group outside the rules of 5.2, lower-cases it otherwise.
pub(super) fn parameter_group(name: &str) -> Result<String, AwsError> {
    check_identifier("ParameterGroupName", name, LONGEST)?;
    Ok(name.to_ascii_lowercase())
}

/// Refuses the name of a subnet group that is not 1-255 letters, digits and hyphens, or `default`; lower-cases it.
pub(super) fn subnet_group(name: &str) -> Result<String, AwsError> {
    let lower = name.to_ascii_lowercase();
    let good = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if (1..=LONGEST).contains(&lower.len()) && lower.chars().all(good) && lower != "default" {
        return Ok(lower);
    }
    Err(invalid(format!(
        "The parameter ClusterSubnetGroupName must contain from 1 to {LONGEST} alphanumeric characters or hyphens and \
         must not be Default. Value: {name}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_and_lowered() {
        assert_eq!(parameter_group("Prod-1").unwrap(), "prod-1");
        for bad in ["", "1a", "a--b", "a-", "a_b", &"a".repeat(256)] {
            assert_eq!(parameter_group(bad).unwrap_err().code, "InvalidParameterValue", "{bad}");
        }
        assert_eq!(subnet_group("1-Net").unwrap(), "1-net");
        for bad in ["", "Default", "a b", &"a".repeat(256)] {
            assert_eq!(subnet_group(bad).unwrap_err().code, "InvalidParameterValue", "{bad}");
        }
    }
}
