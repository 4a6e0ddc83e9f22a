//! Text to tokens, and statements without their passwords.
//!
//! Called by the parser, and by the Data API before it keeps a statement. Must never let a password literal through
//! [`redacted`].

use super::super::world::digest;
use super::SqlError;
use sha2::{Digest as _, Sha256};

/// A token with where it stands in the text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub what: What,
    pub from: usize,
    pub to: usize,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    /// A word without quotes, folded to lower case.
    Word(String),
    /// A name in double quotes, folded to lower case too.
    Quoted(String),
    /// A literal in single quotes.
    Text(String),
    /// A number.
    Number(String),
    /// Anything else: one sign, or two that belong together.
    Sign(&'static str),
}

/// Words that are no names without quotes.
pub(super) const RESERVED: [&str; 24] = [
    "all", "and", "as", "create", "default", "false", "from", "grant", "in", "is", "limit", "not", "null", "on", "or",
    "order", "select", "table", "to", "true", "union", "user", "where", "with",
];

const SIGNS: [&str; 14] = ["<>", "!=", "<=", ">=", "::", "(", ")", ",", ".", ";", "=", "*", "<", ">"];
/// What stands for a password in a kept statement.
const HIDDEN: &str = "***";
/// What stands for a password that Redshift would refuse.
const POOR: &str = "'-'";

/// The tokens of a text, comments left out.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, SqlError> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = text.get(at..).unwrap_or_default();
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        if rest.starts_with("--") {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        }
        if rest.starts_with("/*") {
            at += rest.find("*/").map(|end| end + 2).ok_or_else(|| SqlError::at("/*"))?;
            continue;
        }
        let (what, length) = token(rest, first)?;
        found.push(Token { what, from: at, to: at + length });
        at += length;
    }
    Ok(found)
}

fn token(rest: &str, first: char) -> Result<(What, usize), SqlError> {
    if first == '"' || first == '\'' {
        let (content, length) = quoted(rest, first)?;
        if first == '\'' {
            return Ok((What::Text(content), length));
        }
        if content.is_empty() || content.len() > 127 {
            return Err(SqlError::new("zero-length or too long delimited identifier"));
        }
        return Ok((What::Quoted(content.to_lowercase()), length));
    }
    let while_true = |good: fn(char) -> bool| rest.find(|c| !good(c)).unwrap_or(rest.len());
    if first.is_alphabetic() || first == '_' {
        let length = while_true(|c| c.is_alphanumeric() || c == '_' || c == '$');
        return Ok((What::Word(rest.get(..length).unwrap_or_default().to_lowercase()), length));
    }
    let signed = first == '-' && rest.chars().nth(1).is_some_and(|c| c.is_ascii_digit());
    if first.is_ascii_digit() || signed {
        let skip = usize::from(signed);
        let digits = rest.get(skip..).unwrap_or_default();
        let length = skip + digits.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(digits.len());
        return Ok((What::Number(rest.get(..length).unwrap_or_default().to_owned()), length));
    }
    let sign = SIGNS.into_iter().find(|sign| rest.starts_with(sign));
    sign.map(|sign| (What::Sign(sign), sign.len())).ok_or_else(|| SqlError::at(&first.to_string()))
}

/// The content of a quoted text and its length with quotes; a doubled quote is one.
fn quoted(rest: &str, quote: char) -> Result<(String, usize), SqlError> {
    let mut content = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != quote {
            content.push(c);
        } else if chars.next_if(|(_, next)| *next == quote).is_some() {
            content.push(quote);
        } else {
            return Ok((content, at + 1));
        }
    }
    let kind = if quote == '"' { "identifier" } else { "string" };
    Err(SqlError::new(format!("unterminated quoted {kind}")))
}

/// The text with every literal after PASSWORD replaced; a text that is no tokens is dropped wherever it names one.
pub(in crate::sandbox) fn redacted(text: &str) -> String {
    let Ok(tokens) = tokens(text) else {
        let names_one = text.to_lowercase().contains("password");
        return if names_one { "password '".to_owned() } else { text.to_owned() };
    };
    let mut kept = String::new();
    let mut from = 0;
    let mut after = false;
    for Token { what, from: start, to } in tokens {
        if let (true, What::Text(password)) = (after, &what) {
            kept.push_str(text.get(from..start).unwrap_or_default());
            if is_password(password) {
                let verifier = verifier_of(password);
                kept.extend(["'", HIDDEN, verifier.as_str(), "'"]);
            } else {
                kept.push_str(POOR);
            }
            from = to;
        }
        after = what == What::Word("password".to_owned());
    }
    kept.push_str(text.get(from..).unwrap_or_default());
    kept
}

/// What tells the password that a statement was kept without, if it was one that Redshift takes.
pub(super) fn accepted(kept: &str) -> Option<String> {
    (kept != POOR.trim_matches('\'')).then(|| kept.trim_start_matches(HIDDEN).to_owned())
}

/// What tells whether a password is the one of a literal, and does not tell the password: a digest of its digest, and the
/// salt of that. Nothing, where the sandbox cannot tell (MD5).
fn verifier_of(literal: &str) -> String {
    if literal.starts_with("md5") {
        return String::new();
    }
    let text = literal.strip_prefix("sha256|").unwrap_or(literal);
    match text.split_once('|') {
        Some((digest, salt)) => verifier(digest, salt),
        None => verifier(&salted(text, &[]), ""),
    }
}

fn verifier(digested: &str, salt: &str) -> String {
    let mut text = digest(&digested.to_ascii_lowercase());
    text.truncate(16);
    format!("{text}|{salt}")
}

fn salted(password: &str, salt: &[u8]) -> String {
    hex::encode(Sha256::new().chain_update(password.as_bytes()).chain_update(salt).finalize())
}

/// Whether this is the password that a verifier was made of. Redshift hashes it with the bytes of a salt written in hex.
pub(in crate::sandbox) fn is_verified(password: &str, by: &str) -> bool {
    let Some((_, salt)) = by.split_once('|') else { return false };
    let Ok(bytes) = hex::decode(salt) else { return false };
    verifier(&salted(password, &bytes), salt) == by
}

/// Hashes as Redshift takes them, or a clear text of its rules (aws-facts.md 4).
fn is_password(text: &str) -> bool {
    let hex = |text: &str| text.chars().all(|c| c.is_ascii_hexdigit());
    if text.strip_prefix("md5").is_some_and(|digest| digest.len() == 32 && hex(digest)) {
        return true;
    }
    if let Some(rest) = text.strip_prefix("sha256|") {
        return !rest.is_empty();
    }
    let has = |kind: fn(&char) -> bool| text.chars().any(|c| kind(&c));
    let allowed = text.chars().all(|c| c.is_ascii_graphic() && !"'\"\\/@".contains(c));
    (8..=64).contains(&text.len())
        && allowed
        && has(char::is_ascii_uppercase)
        && has(char::is_ascii_lowercase)
        && has(char::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_never_stay() {
        let hash = format!("sha256|{}|bb", salted("Secret123", &[0xbb]));
        let text = format!("CREATE USER a PASSWORD 'Secret123'; ALTER USER b password\n'{hash}'");
        let kept = redacted(&text);
        assert!(!kept.contains("Secret123") && !kept.contains(&hash[..20]), "{kept}");
        let literals: Vec<&str> = kept.split('\'').skip(1).step_by(2).collect();
        for kept in literals {
            let verifier = accepted(kept).unwrap();
            assert!(is_verified("Secret123", &verifier) && !is_verified("Secret124", &verifier), "{kept}");
        }
        assert_eq!(redacted("CREATE USER a PASSWORD 'weak'"), "CREATE USER a PASSWORD '-'");
        assert_eq!(redacted("CREATE USER a PASSWORD 'open"), "password '");
        assert_eq!(redacted("SELECT 1"), "SELECT 1");
    }

    #[test]
    fn quotes_double_and_names_fold() {
        let all: Vec<What> = tokens("\"A\"\"b\".C 'it''s' -- x\n<> 12").unwrap().into_iter().map(|t| t.what).collect();
        let word = What::Word("c".to_owned());
        let expected =
            [What::Quoted("a\"b".to_owned()), What::Sign("."), word, What::Text("it's".to_owned()), What::Sign("<>")];
        assert_eq!(all.get(..5).unwrap(), expected);
        assert!(tokens("'open").is_err() && tokens("a # b").is_err());
    }
}
