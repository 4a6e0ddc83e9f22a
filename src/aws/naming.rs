//! What AWS takes as physical names, as far as several kinds have one rule.
//!
//! Called by the kinds' `check_name`. Looks at one name alone: whether it is free only AWS knows.

/// Tells whether a name has this many characters, all of them ASCII letters, digits or among `also`.
pub(super) fn made_of(name: &str, shortest: usize, longest: usize, also: &str) -> bool {
    (shortest..=longest).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || also.contains(c))
}

/// Checks the name of a serverless namespace or workgroup (aws-facts.md 6.1, 6.2).
pub(super) fn serverless(name: &str) -> Result<(), &'static str> {
    let lower = !name.contains(|c: char| c.is_ascii_uppercase());
    let good = lower && made_of(name, 3, 64, "-");
    good.then_some(()).ok_or("3 to 64 lower-case letters, digits and dashes")
}

/// Checks the name of a cluster or its groups: up to `longest` characters (aws-facts.md 5.1 to 5.3).
pub(super) fn provisioned(name: &str, longest: usize) -> Result<(), &'static str> {
    let first = name.starts_with(|c: char| c.is_ascii_lowercase());
    let good =
        first && !name.ends_with('-') && !name.contains("--") && !name.contains(|c: char| c.is_ascii_uppercase());
    let good = good && made_of(name, 1, longest, "-");
    good.then_some(()).ok_or(match longest {
        63 => "up to 63 lower-case letters, digits and single dashes, a letter first",
        _ => "up to 255 lower-case letters, digits and single dashes, a letter first",
    })
}

/// Checks the name of a load balancer or a target group (aws-facts.md 7.1, 7.2).
pub(super) fn balancing(name: &str) -> Result<(), &'static str> {
    let edges = name.starts_with('-') || name.ends_with('-') || name.starts_with("internal-");
    let good = !edges && made_of(name, 1, 32, "-");
    good.then_some(())
        .ok_or("up to 32 letters, digits and dashes, no dash at either end, and does not start with `internal-`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_to_the_rules_of_their_service() {
        for (name, good) in
            [("wg-1", true), ("wg", false), ("Airline", false), ("a_b", false), (&"a".repeat(65), false)]
        {
            assert_eq!(serverless(name).is_ok(), good, "{name}");
        }
        for (name, good) in [("dw-1", true), ("1-dw", false), ("dw-", false), ("d--w", false), ("Dw", false)] {
            assert_eq!(provisioned(name, 63).is_ok(), good, "{name}");
        }
        assert!(provisioned(&"a".repeat(64), 63).is_err());
        for (name, good) in [("Old-NLB", true), ("-nlb", false), ("nlb-", false), ("internal-nlb", false), ("", false)]
        {
            assert_eq!(balancing(name).is_ok(), good, "{name}");
        }
        assert!(balancing(&"a".repeat(32)).is_ok() && balancing(&"a".repeat(33)).is_err());
    }
}
