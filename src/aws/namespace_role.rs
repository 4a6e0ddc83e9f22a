//! The roles of a namespace, which AWS answers as texts: `IamRole(applyStatus=in-sync, iamRoleArn=arn:...)`.
//!
//! Called by the kind `redshift-serverless.namespace`. Must never show the service-linked role as one of the stack's.

use super::ids::RoleArn;

/// A role as a namespace shows it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct AttachedRole {
    /// The role.
    pub arn: RoleArn,
    /// AWS's status: `in-sync`, `adding` or `removing`.
    pub status: String,
}

impl AttachedRole {
    /// Tells whether the role is, or is about to be, one of the namespace's.
    pub(super) fn stays(&self) -> bool {
        self.status != "removing"
    }

    /// Says what is still happening to the role; `None` once it is settled.
    pub(super) fn under_way(&self) -> Option<String> {
        (self.status != "in-sync").then(|| format!("role {} {}", self.arn, self.status))
    }
}

/// Parses the roles of a namespace. The service-linked role, which AWS adds by itself, is left out.
pub(super) fn attached(texts: &[String]) -> Vec<AttachedRole> {
    texts.iter().map(|text| parse(text)).filter(|role| !role.arn.as_str().contains(":role/aws-service-role/")).collect()
}

/// The two parts come in either order; a bare ARN is a role in sync.
fn parse(text: &str) -> AttachedRole {
    const ARN: &str = "iamRoleArn=";
    const STATUS: &str = "applyStatus=";
    let inner = text.strip_prefix("IamRole(").and_then(|rest| rest.strip_suffix(')')).unwrap_or(text);
    // A role's name may hold `,` and `=`: only the name of the other part ends a part.
    let part = |name: &str, other: &str| {
        let start = inner.find(name)? + name.len();
        let rest = inner.get(start..)?;
        Some(rest.split(&format!(", {other}")).next().unwrap_or(rest).to_owned())
    };
    AttachedRole {
        arn: part(ARN, STATUS).unwrap_or_else(|| inner.to_owned()).into(),
        status: part(STATUS, ARN).unwrap_or_else(|| "in-sync".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(arn: &str, status: &str) -> AttachedRole {
        AttachedRole { arn: arn.into(), status: status.to_owned() }
    }

    #[test]
    fn roles_are_parsed_in_either_order() {
        let texts = [
            "IamRole(applyStatus=in-sync, iamRoleArn=arn:aws:iam::1:role/a)",
            "IamRole(iamRoleArn=arn:aws:iam::1:role/p/b,c=d, applyStatus=removing)",
            "arn:aws:iam::1:role/bare",
            "IamRole(applyStatus=in-sync, iamRoleArn=arn:aws:iam::1:role/aws-service-role/redshift.amazonaws.com/X)",
        ];
        let roles = attached(&texts.map(str::to_owned));
        let expected = [
            role("arn:aws:iam::1:role/a", "in-sync"),
            role("arn:aws:iam::1:role/p/b,c=d", "removing"),
            role("arn:aws:iam::1:role/bare", "in-sync"),
        ];
        assert_eq!(roles, expected);
        assert!(!roles[1].stays() && roles[0].under_way().is_none());
    }
}
