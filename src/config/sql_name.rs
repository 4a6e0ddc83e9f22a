//! Names that end up in SQL: identifiers, databases, `schema.table`, `user:NAME`. Called by `shape.rs` and
//! `convert.rs`. A name that passes here can be quoted and needs no escaping; what does not pass is never written into SQL.

use super::shape::Fault;

/// Words that Redshift reserves and people are likely to try as a name.
const RESERVED: &str = "\
    all analyse analyze and any array as asc authorization between both case cast check collate column \
    constraint create cross current_date current_time current_timestamp current_user default deferrable \
    delta desc disable distinct do else enable encode encrypt end except explicit false for foreign \
    freeze from full grant group having identity ignore ilike in initially inner intersect into is \
    isnull join leading left like limit localtime localtimestamp minus natural new not notnull null off \
    offline offset old on only open or order outer overlaps parallel partition percent permissions pivot \
    placing primary raw recover references resort restore right select session_user similar snapshot \
    some sysdate system table tag tdes then timestamp to top trailing true truncatecolumns union unique \
    unpivot user using verbose wallet when where with without";

/// Databases that Redshift keeps for itself.
const RESERVED_DATABASES: &[&str] = &["awsdatacatalog", "padb_harvest", "template0", "template1"];

/// Checks a name inside the database (aws-facts.md 10.6).
///
/// # Errors
/// Says that it is none, or reserved.
pub fn identifier(text: &str) -> Result<(), Fault> {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'$';
    let first = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if !first || !text.bytes().all(good) || text.len() > 127 {
        let fault = Fault::new(format!("`{text}` is not a name rsds puts into SQL"));
        return Err(fault.help("1 to 127 lower-case letters, digits, `_` or `$`, not starting with a digit or `$`"));
    }
    if RESERVED.split_ascii_whitespace().any(|word| word == text) {
        return Err(Fault::new(format!("`{text}` is a reserved word of Redshift")));
    }
    Ok(())
}

/// Checks the name of a database: at most 64 characters, not one Redshift keeps.
///
/// # Errors
/// Says which of it is wrong.
pub fn database(text: &str) -> Result<(), Fault> {
    identifier(text)?;
    if text.len() > 64 {
        return Err(Fault::new(format!("the database name `{text}` has {} characters: the most is 64", text.len())));
    }
    if RESERVED_DATABASES.contains(&text) {
        return Err(Fault::new(format!("Redshift keeps the database `{text}` for itself")));
    }
    Ok(())
}

/// Splits `schema.table` into its two names.
///
/// # Errors
/// Says which half is not a name.
pub fn table(text: &str) -> Result<(String, String), Fault> {
    let Some((schema, table)) = text.split_once('.') else {
        return Err(Fault::new(format!("`{text}` names no schema"))
            .help(format!("write `public.{text}`, or the schema it is in")));
    };
    identifier(schema)?;
    identifier(table)?;
    Ok((schema.to_owned(), table.to_owned()))
}

/// Splits `user:NAME` or `role:NAME`; the first half of the answer says whether it is a role.
///
/// # Errors
/// Says what is wrong with it.
pub fn principal(text: &str) -> Result<(bool, String), Fault> {
    let (role, name) = match text.split_once(':') {
        Some(("user", name)) => (false, name),
        Some(("role", name)) => (true, name),
        _ => {
            let fault = Fault::new(format!("`{text}` is neither `user:NAME` nor `role:NAME`"));
            return Err(fault.help(format!("write `user:{text}` or `role:{text}`")));
        }
    };
    identifier(name)?;
    Ok((role, name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_sql_cannot_break_out() {
        for bad in ["a\"b; DROP", "A", "1a", "a b", "", "select", "a'b", "a\\b", "ä"] {
            assert!(identifier(bad).is_err(), "{bad}");
        }
        assert_eq!(identifier("_sales$2026"), Ok(()));
        assert!(database(&"d".repeat(65)).is_err());
    }
}
