//! Queries: what a user may read, own and shared, and the rows it answers.
//!
//! Called by [`super::perform`]. Source of who may read what is shared: aws-facts.md 10.1 and 10.5. Must never change
//! anything.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::catalogue::{Catalogue, Cell, Consumer, Object, Origin, Share, Table};
use super::parse::Path;
use super::parse_query::{Expr, Function, Order, Select, Test};
use super::{Scene, Sql, SqlError, view};

/// Columns with their types, and rows; a statement that answers none has no columns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Name and type of each column.
    pub columns: Vec<(String, String)>,
    /// Rows.
    pub rows: Vec<Vec<Cell>>,
}

impl Scene<'_> {
    /// The catalogue of the session.
    pub(super) fn own<'a>(&self, sql: &'a Sql) -> Result<&'a Catalogue, SqlError> {
        sql.catalogues.get(&self.session.namespace).ok_or_else(|| SqlError::new("connection refused"))
    }

    /// The catalogue of the session, to change.
    pub(super) fn own_mut<'a>(&self, sql: &'a mut Sql) -> Result<&'a mut Catalogue, SqlError> {
        sql.catalogues.get_mut(&self.session.namespace).ok_or_else(|| SqlError::new("connection refused"))
    }
}

/// A share that is not there, or not for this consumer: both look the same.
pub(super) fn no_share(origin: &Origin) -> SqlError {
    let Origin { share, producer, .. } = origin;
    SqlError::new(format!(
        "Datashare {share} of namespace {producer} does not exist or is not granted to this namespace"
    ))
}

/// The producer's catalogue and the share, if the session's namespace has it.
pub(super) fn granted<'a>(
    sql: &'a Sql,
    scene: &Scene<'_>,
    origin: &Origin,
) -> Result<(&'a Catalogue, &'a Share), SqlError> {
    if let Some(partner) = sql.abroad.of(&origin.producer) {
        let share = partner.catalogue.shares.get(&origin.share);
        let share = share.filter(|share| share.is_taken_up_by(scene.account, &scene.session.namespace));
        return share.map(|share| (&partner.catalogue, share)).ok_or_else(|| no_share(origin));
    }
    let alive = scene.warehouses.iter().any(|warehouse| warehouse.namespace == origin.producer);
    let producer = sql.catalogues.get(&origin.producer).filter(|_| alive).ok_or_else(|| no_share(origin))?;
    let share = producer.shares.get(&origin.share).ok_or_else(|| no_share(origin))?;
    let to_us = Consumer::Namespace(scene.session.namespace.clone());
    let granted = share.grants.iter().any(|grant| grant.consumer == to_us && grant.status == "ACTIVE");
    if granted { Ok((producer, share)) } else { Err(no_share(origin)) }
}

/// Refuses what one side encrypts and the other does not.
pub(super) fn check_encryption(scene: &Scene<'_>, origin: &Origin) -> Result<(), SqlError> {
    let encrypted = |namespace: &str| {
        scene.warehouses.iter().find(|warehouse| warehouse.namespace == namespace).map(|warehouse| warehouse.encrypted)
    };
    // What another account shares is encrypted, or it could not (aws-facts.md 10.1).
    if encrypted(&origin.producer).unwrap_or(true) == encrypted(&scene.session.namespace).unwrap_or(true) {
        return Ok(());
    }
    Err(SqlError::new("Producer and consumer of a datashare must both be encrypted or both be unencrypted"))
}

/// The share, if it can be read now.
fn readable<'a>(sql: &'a Sql, scene: &Scene<'_>, origin: &Origin) -> Result<(&'a Catalogue, &'a Share), SqlError> {
    let found = granted(sql, scene, origin)?;
    check_encryption(scene, origin)?;
    let side = |namespace: &str| scene.warehouses.iter().find(|warehouse| warehouse.namespace == namespace);
    if side(&scene.session.namespace).is_some_and(|consumer| consumer.public) && !found.1.public {
        return Err(SqlError::new("Publicly accessible consumer cannot access object in the database."));
    }
    match side(&origin.producer) {
        Some(producer) if !producer.readable => Err(SqlError::new(format!(
            "Cannot read datashare {}: the producer is not available (its status is {})",
            origin.share, producer.status
        ))),
        _ => Ok(found),
    }
}

/// Schemas of a database with their tables: own ones, or those of the data share behind it.
pub(super) fn schemas(sql: &Sql, scene: &Scene<'_>, database: &str) -> Result<Vec<(String, Vec<String>)>, SqlError> {
    let own = scene.own(sql)?;
    let Some(found) = own.databases.get(database) else {
        return Err(SqlError::new(format!("database \"{database}\" does not exist")));
    };
    let Some(origin) = &found.origin else {
        let all = found.schemas.iter();
        return Ok(all.map(|(name, schema)| (name.clone(), schema.tables.keys().cloned().collect())).collect());
    };
    let (_, share) = granted(sql, scene, origin)?;
    let tables =
        |schema: &String| share.tables.iter().filter(|(is, _)| is == schema).map(|(_, it)| it.clone()).collect();
    Ok(share.schemas.keys().map(|schema| (schema.clone(), tables(schema))).collect())
}

fn no_relation(path: &Path) -> SqlError {
    SqlError::new(format!("relation \"{}\" does not exist", path.join(".")))
}

/// The rows behind a name.
fn relation(sql: &Sql, scene: &Scene<'_>, path: &Path) -> Result<Answer, SqlError> {
    let own = scene.own(sql)?;
    let session = scene.session;
    match path.as_slice() {
        [name] => {
            if let Some(view) = view::rows(name, sql, scene)? {
                return Ok(view);
            }
            let path = own.users.get(&session.user).and_then(|user| user.search_path.clone());
            let path = path.unwrap_or_else(|| "$user, public".to_owned());
            let database = own.databases.get(&session.database);
            let holds = |schema: &&str| {
                let found = database.and_then(|database| database.schemas.get(*schema));
                found.is_some_and(|schema| schema.external.is_some() || schema.tables.contains_key(name))
            };
            let schemas = path.split(", ").map(|schema| if schema == "$user" { session.user.as_str() } else { schema });
            let Some(schema) = schemas.into_iter().find(holds) else { return Err(no_relation(&vec![name.clone()])) };
            table(sql, scene, &session.database, schema, name)
        }
        [schema, name] if schema == "pg_catalog" => view::rows(name, sql, scene)?.ok_or_else(|| no_relation(path)),
        [schema, name] => table(sql, scene, &session.database, schema, name),
        [database, schema, name] => table(sql, scene, database, schema, name),
        _ => Err(no_relation(path)),
    }
}

fn table(sql: &Sql, scene: &Scene<'_>, database: &str, schema: &str, name: &str) -> Result<Answer, SqlError> {
    let (own, user) = (scene.own(sql)?, &scene.session.user);
    let missing = || no_relation(&vec![schema.to_owned(), name.to_owned()]);
    let Some(found) = own.databases.get(database) else {
        return Err(SqlError::new(format!("database \"{database}\" does not exist")));
    };
    let object = Object::Schema(database.to_owned(), schema.to_owned());
    let Some(origin) = &found.origin else {
        let Some(inside) = found.schemas.get(schema) else {
            return Err(SqlError::new(format!("schema \"{schema}\" does not exist")));
        };
        if schema != "public" && inside.owner != *user && !own.may(user, "USAGE", &object) {
            return Err(SqlError::denied("schema", schema));
        }
        if let Some((behind, remote)) = &inside.external {
            let Some(origin) = own.databases.get(behind).and_then(|database| database.origin.as_ref()) else {
                return table(sql, scene, behind, remote, name);
            };
            return shared(sql, scene, origin, (behind, remote, name));
        }
        let table = inside.tables.get(name).ok_or_else(missing)?;
        let object = Object::Table(database.to_owned(), schema.to_owned(), name.to_owned());
        if table.owner != *user && !own.may(user, "SELECT", &object) {
            return Err(SqlError::denied("relation", name));
        }
        return Ok(table.answer());
    };
    if found.owner != *user && !own.may(user, "USAGE", &Object::Database(database.to_owned())) {
        return Err(SqlError::denied("database", database));
    }
    if origin.with_permissions && found.owner != *user && !own.may(user, "USAGE", &object) {
        return Err(SqlError::denied("schema", schema));
    }
    shared(sql, scene, origin, (database, schema, name))
}

fn shared(
    sql: &Sql,
    scene: &Scene<'_>,
    origin: &Origin,
    (database, schema, name): (&str, &str, &str),
) -> Result<Answer, SqlError> {
    let (own, user) = (scene.own(sql)?, &scene.session.user);
    let (producer, share) = readable(sql, scene, origin)?;
    let key = (schema.to_owned(), name.to_owned());
    let inside = producer.databases.get(&share.database).and_then(|database| database.schemas.get(schema));
    let table = inside.and_then(|schema| schema.tables.get(name)).filter(|_| share.tables.contains(&key));
    let table = table.ok_or_else(|| no_relation(&vec![database.to_owned(), key.0.clone(), key.1.clone()]))?;
    let object = Object::Table(database.to_owned(), key.0, key.1);
    if origin.with_permissions && !own.may(user, "SELECT", &object) {
        return Err(SqlError::denied("relation", name));
    }
    Ok(table.answer())
}

impl Table {
    fn answer(&self) -> Answer {
        Answer { columns: self.columns.clone(), rows: self.rows.clone() }
    }
}

/// SELECT, with UNION ALL.
pub(super) fn select(sql: &Sql, scene: &Scene<'_>, parts: &[Select]) -> Result<Answer, SqlError> {
    let mut all: Option<Answer> = None;
    for part in parts {
        let one = one(sql, scene, part)?;
        match &mut all {
            None => all = Some(one),
            Some(all) if all.columns.len() == one.columns.len() => all.rows.extend(one.rows),
            Some(_) => return Err(SqlError::new("each UNION query must have the same number of columns")),
        }
    }
    Ok(all.unwrap_or_default())
}

fn one(sql: &Sql, scene: &Scene<'_>, select: &Select) -> Result<Answer, SqlError> {
    let source = match &select.from {
        Some(path) => relation(sql, scene, path)?,
        None if select.items.iter().any(Option::is_none) => {
            return Err(SqlError::new("SELECT * with no tables specified is not valid"));
        }
        None => Answer { columns: Vec::new(), rows: vec![Vec::new()] },
    };
    let columns = &source.columns;
    let mut rows = Vec::new();
    for row in &source.rows {
        let mut kept = true;
        for test in &select.tests {
            kept &= holds(test, columns, row, scene)?;
        }
        if kept {
            rows.push(row);
        }
    }
    let counts = select.items.iter().flatten().any(|(expr, _)| *expr == Expr::Count);
    if counts {
        if select.items.iter().any(|item| !matches!(item, Some((Expr::Count, _)))) {
            return Err(SqlError::new(
                "columns must appear in the GROUP BY clause or be used in an aggregate function",
            ));
        }
        let count = Cell::Long(i64::try_from(rows.len()).unwrap_or(i64::MAX));
        let name = |alias: &Option<String>| alias.clone().unwrap_or_else(|| "count".to_owned());
        let columns: Vec<_> =
            select.items.iter().flatten().map(|(_, alias)| (name(alias), "int8".to_owned())).collect();
        return Ok(Answer { rows: vec![vec![count; columns.len()]], columns });
    }
    let mut items: Vec<(Expr, String, String)> = Vec::new();
    for item in &select.items {
        match item {
            None => items
                .extend(columns.iter().map(|(name, kind)| (Expr::Column(name.clone()), name.clone(), kind.clone()))),
            Some((expr, alias)) => {
                let (name, kind) = described(expr, columns)?;
                items.push((expr.clone(), alias.clone().unwrap_or(name), kind));
            }
        }
    }
    let mut answered = Vec::new();
    for row in rows {
        let cells: Result<Vec<Cell>, _> = items.iter().map(|(expr, ..)| value(expr, columns, row, scene)).collect();
        let cells = cells?;
        let mut keys = Vec::new();
        for (by, _) in &select.order {
            keys.push(match by {
                Order::Nth(nth) => cells
                    .get(nth.wrapping_sub(1))
                    .cloned()
                    .ok_or_else(|| SqlError::new(format!("ORDER BY position {nth} is not in select list")))?,
                Order::By(Expr::Column(name)) => match items.iter().position(|(_, alias, _)| alias == name) {
                    Some(at) => cells.get(at).cloned().unwrap_or(Cell::Null),
                    None => value(&Expr::Column(name.clone()), columns, row, scene)?,
                },
                Order::By(expr) => value(expr, columns, row, scene)?,
            });
        }
        answered.push((keys, cells));
    }
    answered.sort_by(|(one, _), (other, _)| {
        let each = one.iter().zip(other).zip(&select.order);
        let mut each = each.map(|((one, other), (_, falling))| {
            let order = one.partial_cmp(other).unwrap_or(Ordering::Equal);
            if *falling { order.reverse() } else { order }
        });
        each.find(|order| *order != Ordering::Equal).unwrap_or(Ordering::Equal)
    });
    let rows = answered.into_iter().map(|(_, cells)| cells).take(select.limit.unwrap_or(usize::MAX)).collect();
    Ok(Answer { columns: items.into_iter().map(|(_, name, kind)| (name, kind)).collect(), rows })
}

/// Name and type of a column of the answer.
fn described(expr: &Expr, columns: &[(String, String)]) -> Result<(String, String), SqlError> {
    let named = |name: &str, kind: &str| (name.to_owned(), kind.to_owned());
    Ok(match expr {
        Expr::Column(name) => columns.iter().find(|(is, _)| is == name).cloned().ok_or_else(|| no_column(name))?,
        Expr::Literal(Cell::Long(_)) => named("?column?", "int4"),
        Expr::Literal(Cell::Bool(_)) => named("?column?", "bool"),
        Expr::Literal(_) => named("?column?", "varchar"),
        Expr::CurrentUser => named("current_user", "name"),
        Expr::CurrentNamespace => named("current_namespace", "varchar"),
        Expr::CurrentDatabase => named("current_database", "name"),
        Expr::Count => named("count", "int8"),
        Expr::Call(function, of) => {
            let (name, _) = described(of, columns)?;
            match function {
                Function::Trim => named("btrim", "varchar"),
                Function::Lower => named("lower", "varchar"),
                Function::Upper => named("upper", "varchar"),
                Function::Text => named(&name, "varchar"),
            }
        }
    })
}

fn no_column(name: &str) -> SqlError {
    SqlError::new(format!("column \"{name}\" does not exist"))
}

fn value(expr: &Expr, columns: &[(String, String)], row: &[Cell], scene: &Scene<'_>) -> Result<Cell, SqlError> {
    Ok(match expr {
        Expr::Column(name) => {
            let at = columns.iter().position(|(is, _)| is == name).ok_or_else(|| no_column(name))?;
            row.get(at).cloned().unwrap_or(Cell::Null)
        }
        Expr::Literal(cell) => cell.clone(),
        Expr::CurrentUser => Cell::text(&scene.session.user),
        Expr::CurrentNamespace => Cell::text(&scene.session.namespace),
        Expr::CurrentDatabase => Cell::text(&scene.session.database),
        Expr::Count => return Err(SqlError::new("aggregates not allowed here")),
        Expr::Call(function, of) => match value(of, columns, row, scene)? {
            Cell::Null => Cell::Null,
            cell => {
                let text = cell.shown();
                Cell::Text(match function {
                    Function::Trim => text.trim_matches(' ').to_owned(),
                    Function::Lower => text.to_lowercase(),
                    Function::Upper => text.to_uppercase(),
                    Function::Text => text,
                })
            }
        },
    })
}

/// Whether a test holds; what is null never does.
fn holds(test: &Test, columns: &[(String, String)], row: &[Cell], scene: &Scene<'_>) -> Result<bool, SqlError> {
    Ok(match test {
        Test::IsNull(expr, wanted) => (value(expr, columns, row, scene)? == Cell::Null) == *wanted,
        Test::OneOf(expr, list, wanted) => {
            let cell = value(expr, columns, row, scene)?;
            cell != Cell::Null && list.iter().any(|literal| same(&cell, literal)) == *wanted
        }
        Test::Like(expr, pattern) => {
            let cell = value(expr, columns, row, scene)?;
            cell != Cell::Null && like(pattern, &cell.shown())
        }
    })
}

/// Equality as SQL has it: blanks at the end do not count, and literals take the type of the other side.
fn same(cell: &Cell, literal: &Cell) -> bool {
    match (cell, literal) {
        (Cell::Bool(is), Cell::Text(text)) => {
            matches!((is, text.as_str()), (true, "t" | "true") | (false, "f" | "false"))
        }
        _ => cell.shown().trim_end_matches(' ') == literal.shown().trim_end_matches(' '),
    }
}

/// `%` is anything, `_` one character, a backslash takes both their meaning.
fn like(pattern: &str, text: &str) -> bool {
    let mut chars = pattern.chars();
    let rest = |text: &str| text.chars().next().map(|c| text.get(c.len_utf8()..).unwrap_or_default().to_owned());
    match chars.next() {
        None => text.is_empty(),
        Some('%') => {
            let after = chars.as_str();
            (0..=text.len()).filter_map(|at| text.get(at..)).any(|tail| like(after, tail))
        }
        Some('_') => rest(text).is_some_and(|tail| like(chars.as_str(), &tail)),
        Some(c) => {
            let wanted = if c == '\\' { chars.next().unwrap_or(c) } else { c };
            text.starts_with(wanted) && rest(text).is_some_and(|tail| like(chars.as_str(), &tail))
        }
    }
}
