//! What names, user names and passwords of Redshift Serverless may look like.
//!
//! Called by the creates and updates of this service. Must never put a password into a message.

use super::{AwsError, invalid};

/// Refuses a name of a namespace, workgroup or snapshot outside 3-64 of `[a-z0-9-]` (aws-facts.md 6.1, 6.2).
pub(super) fn check_name(member: &str, name: &str) -> Result<(), AwsError> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if (3..=64).contains(&name.len()) && name.chars().all(good) {
        return Ok(());
    }
    Err(invalid(format!(
        "1 validation error detected: Value '{name}' at '{member}' failed to satisfy constraint: Member must satisfy \
         regular expression pattern: ^[a-z0-9-]+$ and have a length between 3 and 64"
    )))
}

/// Refuses a snapshot name that is not 1-255 of `[a-z0-9-]`, a letter first, no `--`, no `-` at the end.
pub(super) fn check_snapshot_name(name: &str) -> Result<(), AwsError> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let first = name.starts_with(|c: char| c.is_ascii_lowercase());
    if first && name.len() <= 255 && name.chars().all(good) && !name.contains("--") && !name.ends_with('-') {
        return Ok(());
    }
    Err(invalid(format!("The snapshot name '{name}' is not valid")))
}

/// Refuses an endpoint name that is not 1-30 of `[A-Za-z0-9-]`, a letter first, no `--`, no `-` at the end (6.3).
pub(super) fn check_endpoint_name(name: &str) -> Result<(), AwsError> {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let first = name.starts_with(|c: char| c.is_ascii_alphabetic());
    if first && name.len() <= 30 && name.chars().all(good) && !name.contains("--") && !name.ends_with('-') {
        return Ok(());
    }
    Err(invalid(format!("The endpoint name '{name}' is not valid: 1 to 30 letters, digits and single hyphens")))
}

/// Refuses a database or user name outside `[a-zA-Z][a-zA-Z0-9_+.@-]*`, at most `longest`.
pub(super) fn check_identifier(member: &str, name: &str, longest: usize) -> Result<(), AwsError> {
    let good = |c: char| c.is_ascii_alphanumeric() || "_+.@-".contains(c);
    let first = name.starts_with(|c: char| c.is_ascii_alphabetic());
    if first && name.len() <= longest && name.chars().all(good) {
        return Ok(());
    }
    Err(invalid(format!("The value '{name}' of {member} is not a valid identifier of at most {longest} characters")))
}

/// Refuses a password that breaks the rules of aws-facts.md 4; the message never holds it.
pub(in crate::sandbox) fn check_password(password: &str) -> Result<(), AwsError> {
    let printable = |c: char| ('!'..='~').contains(&c) && !"'\"\\/@".contains(c);
    let has = |wanted: fn(&char) -> bool| password.chars().any(|c| wanted(&c));
    if (8..=64).contains(&password.len())
        && password.chars().all(printable)
        && has(char::is_ascii_uppercase)
        && has(char::is_ascii_lowercase)
        && has(char::is_ascii_digit)
    {
        return Ok(());
    }
    Err(invalid(
        "The admin user password must have 8 to 64 printable ASCII characters, with an upper-case letter, a lower-case \
         letter and a digit, and none of ' \" \\ / @",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_passwords_and_identifiers_keep_their_rules() {
        assert!(check_name("n", "abc-1").is_ok());
        for bad in ["ab", "Abc", "a_b", &"a".repeat(65)] {
            assert_eq!(check_name("n", bad).unwrap_err().code, "ValidationException");
        }
        assert!(check_password("Secret123").is_ok());
        for bad in ["Short1", "nouppercase1", "NOLOWERCASE1", "NoDigitsHere", "Has/slash1", "Has space1"] {
            let error = check_password(bad).unwrap_err();
            assert!(!error.message.contains(bad));
        }
        assert!(check_identifier("dbName", "analytics_db", 64).is_ok());
        assert!(check_identifier("dbName", "1db", 64).is_err());
        assert!(check_snapshot_name("a--b").is_err());
        assert!(check_endpoint_name("Reader-1").is_ok());
        for bad in ["", "1a", "a--b", "a-", "a_b", &"a".repeat(31)] {
            assert!(check_endpoint_name(bad).is_err(), "{bad}");
        }
    }
}
