//! SQL as text: how names and values stand in a statement, and how a statement may be shown.
//!
//! Called by the kinds whose resources live inside a warehouse, by `stack::datashares` and `verify`. Pure. Must never let a
//! name or a value through that could end its quotes, and never show what stands for a password.

/// Quotes a name of the database (aws-facts.md 10.6).
pub(crate) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Quotes a schema's table.
pub(crate) fn table(schema: &str, table: &str) -> String {
    format!("{}.{}", identifier(schema), identifier(table))
}

/// Quotes whom something is granted to, `role:analyst` or `user:bi_reader`.
pub(super) fn grantee(text: &str) -> String {
    match text.split_once(':') {
        Some(("role", role)) => format!("ROLE {}", identifier(role)),
        Some((_, user)) => identifier(user),
        None => identifier(text),
    }
}

/// Quotes a namespace's GUID, only when it has the form of one.
pub(crate) fn guid(id: &str) -> Option<String> {
    let good = id.len() == 36 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'));
    good.then(|| format!("'{id}'"))
}

/// Quotes whom a data share is granted to, or whose it is: a namespace's GUID, or an account; only when it has the form of
/// one.
pub(crate) fn consumer(id: &str) -> Option<String> {
    let account = id.len() == 12 && id.bytes().all(|digit| digit.is_ascii_digit());
    account.then(|| format!("ACCOUNT '{id}'")).or_else(|| Some(format!("NAMESPACE {}", guid(id)?)))
}

/// How a user is made or left without a password.
pub(crate) const NO_PASSWORD: &str = "PASSWORD DISABLE";

/// How a user is given the password of this digest; `shown` leaves it out.
pub(super) fn hashed(digest: &str) -> String {
    format!("PASSWORD '{digest}'")
}

/// How SQL says yes and no.
pub(crate) const fn truth(yes: bool) -> &'static str {
    if yes { "TRUE" } else { "FALSE" }
}

/// The statement as a person may see it: what stands for a password is left out.
pub(super) fn shown(statement: &str) -> String {
    let Some((before, rest)) = statement.split_once(" PASSWORD '") else { return statement.to_owned() };
    let after = rest.split_once('\'').map_or("", |(_, after)| after);
    format!("{before} PASSWORD '***'{after}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_shown() {
        let statement = "CREATE USER \"bi\" PASSWORD 'sha256|abc|def' CONNECTION LIMIT 5";
        assert_eq!(shown(statement), "CREATE USER \"bi\" PASSWORD '***' CONNECTION LIMIT 5");
        assert_eq!(shown("CREATE USER \"bi\" PASSWORD DISABLE"), "CREATE USER \"bi\" PASSWORD DISABLE");
    }

    #[test]
    fn nothing_ends_its_quotes() {
        assert_eq!(identifier("a\"; DROP TABLE t; --"), "\"a\"\"; DROP TABLE t; --\"");
        assert_eq!(guid("x'; DROP TABLE t; --"), None);
        assert_eq!(guid("10000000-0000-4000-8000-000000000000").unwrap(), "'10000000-0000-4000-8000-000000000000'");
    }
}
