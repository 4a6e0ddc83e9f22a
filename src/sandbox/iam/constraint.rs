//! The limits that the API models of IAM and KMS put on single parameters, checked before an operation looks at the world.
//!
//! Called by the operations of `iam` and `kms`. Must never read or change the world: these are the checks that AWS
//! makes on the request alone (`ValidationError` in IAM, `ValidationException` in KMS).

use crate::sandbox::request::{AwsError, Request};
use std::ops::RangeInclusive;

/// Length in characters and alphabet of one text parameter.
pub struct TextRule {
    /// Fewest characters.
    pub min: usize,
    /// Most characters.
    pub max: usize,
    /// The pattern as the API model spells it, for the error message.
    pub pattern: &'static str,
    /// Whether the whole text is made as the pattern says.
    pub fits: fn(&str) -> bool,
}

impl TextRule {
    /// Reads a required parameter that obeys the rule.
    pub fn read(&self, req: &Request, name: &str) -> Result<String, AwsError> {
        self.check(req, name, req.text(name)?)
    }

    /// Reads an optional parameter that obeys the rule when it is there.
    pub fn read_opt(&self, req: &Request, name: &str) -> Result<Option<String>, AwsError> {
        req.opt_text(name)?.map(|value| self.check(req, name, value)).transpose()
    }

    /// Gives the value back when it obeys the rule.
    pub fn check(&self, req: &Request, name: &str, value: String) -> Result<String, AwsError> {
        let length = value.chars().count();
        let broken = if length < self.min {
            format!("have length greater than or equal to {}", self.min)
        } else if length > self.max {
            format!("have length less than or equal to {}", self.max)
        } else if (self.fits)(&value) {
            return Ok(value);
        } else {
            format!("satisfy regular expression pattern: {}", self.pattern)
        };
        Err(violation(req, name, &value, &broken))
    }
}

/// Reads an optional whole number that must lie in the range.
pub fn int_within(req: &Request, name: &str, range: RangeInclusive<i64>) -> Result<Option<i64>, AwsError> {
    let Some(value) = req.opt_int(name)? else {
        return Ok(None);
    };
    let broken = if value < *range.start() {
        format!("have value greater than or equal to {}", range.start())
    } else if value > *range.end() {
        format!("have value less than or equal to {}", range.end())
    } else {
        return Ok(Some(value));
    };
    Err(violation(req, name, &value.to_string(), &broken))
}

/// The error of a value outside an enumeration.
pub fn not_in_enum(req: &Request, name: &str, value: &str, allowed: &[&str]) -> AwsError {
    let allowed = allowed.join(", ");
    violation(req, name, value, &format!("satisfy enum value set: [{allowed}]"))
}

/// The error of one broken constraint, in the words AWS uses; `must` follows "Member must".
pub fn violation(req: &Request, name: &str, value: &str, must: &str) -> AwsError {
    let member = member(name);
    req.invalid(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must {must}"
    ))
}

// AWS spells the member of a validation error with a small first letter.
fn member(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}", first.to_ascii_lowercase(), letters.as_str()))
}

/// Whether every character is a word character of IAM names: `[\w+=,.@-]`.
pub fn is_name(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c))
}

/// Whether every character may stand in a tag key or value: letters, separators, numbers and `_.:/=+-@`.
pub fn is_tag_text(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || c == ' ' || c == '\u{a0}' || "_.:/=+-@".contains(c))
}

/// Whether every character may stand in a policy document: tab, line ends, U+0020 to U+00FF.
pub fn is_document_text(text: &str) -> bool {
    text.chars().all(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}'))
}

/// A policy document as a parameter.
pub const DOCUMENT: TextRule =
    TextRule { min: 1, max: 131_072, pattern: r"[\u0009\u000A\u000D\u0020-\u00FF]+", fits: is_document_text };
