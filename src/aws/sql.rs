//! SQL as text: how names and values stand in a statement.
//!
//! Called by `stack::datashares` and `verify`. Pure. Must never let a name or a value through that could end its quotes.

/// Quotes a name of the database (aws-facts.md 10.6).
pub(crate) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Quotes a namespace's GUID, only when it has the form of one.
pub(crate) fn guid(id: &str) -> Option<String> {
    let good = id.len() == 36 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'));
    good.then(|| format!("'{id}'"))
}

/// How SQL says yes and no.
pub(crate) const fn truth(yes: bool) -> &'static str {
    if yes { "TRUE" } else { "FALSE" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_its_quotes() {
        assert_eq!(identifier("a\"; DROP TABLE t; --"), "\"a\"\"; DROP TABLE t; --\"");
        assert_eq!(guid("x'; DROP TABLE t; --"), None);
        assert_eq!(guid("10000000-0000-4000-8000-000000000000").unwrap(), "'10000000-0000-4000-8000-000000000000'");
    }
}
