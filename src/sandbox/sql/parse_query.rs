//! Queries: how they are written.
//!
//! Called by the parser. Must never take a clause that [`super::query`] does not act on.

use super::SqlError;
use super::catalogue::Cell;
use super::parse::{Parser, Path};
use super::token::What;

/// A value of a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    Column(String),
    Literal(Cell),
    CurrentUser,
    CurrentNamespace,
    CurrentDatabase,
    Count,
    Call(Function, Box<Self>),
}

/// A function of one text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Trim,
    Lower,
    Upper,
    Text,
}

/// What is asked of a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Test {
    OneOf(Expr, Vec<Cell>, bool),
    IsNull(Expr, bool),
    Like(Expr, String),
}

/// A query.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Select {
    /// What is answered: an expression with its name; none is every column.
    pub items: Vec<Option<(Expr, Option<String>)>>,
    pub from: Option<Path>,
    pub tests: Vec<Test>,
    pub order: Vec<(Order, bool)>,
    pub limit: Option<usize>,
}

/// What rows are ordered by.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Order {
    Nth(usize),
    By(Expr),
}

/// Queries with UNION ALL between them.
pub(super) fn selects(parser: &mut Parser<'_>) -> Result<Vec<Select>, SqlError> {
    let mut all = vec![select(parser)?];
    while parser.words("union all") {
        all.push(select(parser)?);
    }
    Ok(all)
}

fn select(parser: &mut Parser<'_>) -> Result<Select, SqlError> {
    parser.must("select")?;
    let items = parser.list(|parser| {
        if parser.sign("*") {
            return Ok(None);
        }
        let expr = expression(parser)?;
        let alias = if parser.words("as") { Some(parser.name()?) } else { None };
        Ok(Some((expr, alias)))
    })?;
    let from = if parser.words("from") { Some(parser.path()?) } else { None };
    let mut tests = Vec::new();
    if parser.words("where") {
        tests.push(test(parser)?);
        while parser.words("and") {
            tests.push(test(parser)?);
        }
    }
    let order = if parser.words("order by") { parser.list(order)? } else { Vec::new() };
    let limit = if parser.words("limit") {
        let limit = match parser.literal()? {
            Cell::Long(rows) => usize::try_from(rows).ok(),
            _ => None,
        };
        Some(limit.ok_or_else(|| SqlError::new("LIMIT must not be negative"))?)
    } else {
        None
    };
    Ok(Select { items, from, tests, order, limit })
}

fn order(parser: &mut Parser<'_>) -> Result<(Order, bool), SqlError> {
    let by = match expression(parser)? {
        Expr::Literal(Cell::Long(nth)) => Order::Nth(usize::try_from(nth).unwrap_or_default()),
        other => Order::By(other),
    };
    let falling = parser.words("desc");
    if !falling {
        parser.words("asc");
    }
    Ok((by, falling))
}

fn test(parser: &mut Parser<'_>) -> Result<Test, SqlError> {
    let left = expression(parser)?;
    if parser.words("is") {
        let not = parser.words("not");
        return parser.must("null").map(|()| Test::IsNull(left, !not));
    }
    let not = parser.words("not");
    if parser.words("in") {
        parser.must_sign("(")?;
        let list = parser.list(Parser::literal)?;
        return parser.must_sign(")").map(|()| Test::OneOf(left, list, !not));
    }
    if !not && parser.words("like") {
        return parser.text().map(|pattern| Test::Like(left, pattern));
    }
    if not {
        return Err(parser.wrong());
    }
    if parser.sign("=") {
        return Ok(Test::OneOf(left, vec![parser.literal()?], true));
    }
    if parser.sign("<>") || parser.sign("!=") {
        return Ok(Test::OneOf(left, vec![parser.literal()?], false));
    }
    Ok(Test::OneOf(left, vec![Cell::Bool(true)], true))
}

fn expression(parser: &mut Parser<'_>) -> Result<Expr, SqlError> {
    let mut found = simple(parser)?;
    while parser.sign("::") {
        if !["text", "varchar", "char"].iter().any(|kind| parser.words(kind)) {
            return Err(parser.wrong());
        }
        if parser.sign("(") {
            parser.literal()?;
            parser.must_sign(")")?;
        }
        found = Expr::Call(Function::Text, Box::new(found));
    }
    Ok(found)
}

fn simple(parser: &mut Parser<'_>) -> Result<Expr, SqlError> {
    if let Ok(literal) = parser.literal() {
        return Ok(Expr::Literal(literal));
    }
    let bare = matches!(parser.peek(), Some(What::Word(_)));
    let name = parser.name()?;
    if bare && parser.sign("(") {
        let functions = [
            ("trim", Function::Trim),
            ("btrim", Function::Trim),
            ("lower", Function::Lower),
            ("upper", Function::Upper),
        ];
        let found = if name == "count" {
            parser.must_sign("*")?;
            Expr::Count
        } else if name == "current_database" {
            Expr::CurrentDatabase
        } else if let Some((_, function)) = functions.into_iter().find(|(is, _)| *is == name) {
            Expr::Call(function, Box::new(expression(parser)?))
        } else {
            return Err(SqlError::new(format!("function {name}() does not exist")));
        };
        return parser.must_sign(")").map(|()| found);
    }
    Ok(match name.as_str() {
        "current_user" if bare => Expr::CurrentUser,
        "current_namespace" if bare => Expr::CurrentNamespace,
        _ if parser.sign(".") => Expr::Column(parser.name()?),
        _ => Expr::Column(name),
    })
}
