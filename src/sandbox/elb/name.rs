//! Names and ARNs of load balancers, target groups and listeners.
//!
//! Called by the creates and the lookups of this service. Source: aws-facts.md 7.1. Must never read the world.

use super::{AwsError, invalid};

/// Longest name of a load balancer or target group.
const LONGEST: usize = 32;

/// Refuses a name that is not 1-32 alphanumerics and `-`, with `-` neither first nor last.
pub(super) fn check(what: &str, name: &str) -> Result<(), AwsError> {
    let problem = if name.is_empty() {
        "must not be empty".to_owned()
    } else if name.len() > LONGEST {
        format!("cannot be longer than '{LONGEST}' characters")
    } else if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        "can only contain characters that are alphanumeric characters and hyphens(-)".to_owned()
    } else if name.starts_with('-') || name.ends_with('-') {
        "cannot begin or end with '-'".to_owned()
    } else {
        return Ok(());
    };
    Err(invalid(format!("The {what} name '{name}' {problem}")))
}

/// Refuses a load balancer name that starts like AWS's own.
pub(super) fn check_balancer(name: &str) -> Result<(), AwsError> {
    check("load balancer", name)?;
    if name.starts_with("internal-") {
        return Err(invalid(format!("The load balancer name '{name}' cannot begin with 'internal-'")));
    }
    Ok(())
}

/// Kinds of ARN this service has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `loadbalancer/net/<name>/<id>`
    Balancer,
    /// `targetgroup/<name>/<id>`
    Group,
    /// `listener/net/<name>/<id>/<id>`
    Listener,
}

impl Kind {
    /// The kind of an ARN, by its resource part.
    pub(super) fn of(arn: &str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':');
        let service = parts.nth(2)?;
        let resource = parts.nth(2)?;
        match resource.split('/').next()? {
            _ if service != "elasticloadbalancing" => None,
            "loadbalancer" => Some(Self::Balancer),
            "targetgroup" => Some(Self::Group),
            "listener" => Some(Self::Listener),
            _ => None,
        }
    }

    /// Refuses text that is not an ARN of this kind.
    pub(super) fn check(self, arn: &str) -> Result<(), AwsError> {
        if Self::of(arn) == Some(self) {
            return Ok(());
        }
        let what = match self {
            Self::Balancer => "load balancer",
            Self::Group => "target group",
            Self::Listener => "listener",
        };
        Err(invalid(format!("'{arn}' is not a valid {what} ARN")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_arns_keep_their_rules() {
        assert!(check_balancer("rsds-nlb").is_ok());
        for bad in ["", "-a", "a-", "a_b", "internal-a", &"a".repeat(33)] {
            assert!(check_balancer(bad).is_err(), "{bad}");
        }
        let arn = "arn:aws:elasticloadbalancing:us-west-2:123456789012:listener/net/a/1/2";
        assert_eq!(Kind::of(arn), Some(Kind::Listener));
        assert!(Kind::Group.check(arn).is_err());
        assert!(Kind::Balancer.check("nonsense").is_err());
    }
}
