//! Statements: what they are, and how they are written.
//!
//! Called by [`super::parsed`]. The grammar is aws-facts.md 10.2 and the little that stands around it. Must never take
//! what [`super::perform`] does not act on.

use super::SqlError;
use super::catalogue::{Cell, Consumer, Grantee};
use super::parse_query::{self, Select};
use super::token::{RESERVED, Token, What, accepted, tokens};

/// A name with what stands before it: database, schema, table.
pub(super) type Path = Vec<String>;

/// What a right is on, as written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum On {
    Database(String),
    Schema(Path),
    Table(Path),
    TablesIn(Path),
    Share(String),
}

/// A change of a data share.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ShareChange {
    Schemas(Vec<String>, bool),
    Tables(Vec<Path>, bool),
    AllTables(Vec<String>, bool),
    Functions(Vec<Path>),
    AllFunctions(Vec<String>),
    Public(bool),
    IncludeNew(bool, String),
    Owner(String),
}

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Statement {
    CreateShare { name: String, public: bool },
    AlterShare { name: String, change: ShareChange },
    DropShare { name: String },
    GrantShare { name: String, to: Consumer, given: bool },
    CreateDatabase { name: String },
    CreateSharedDatabase { name: String, permissions: bool, share: String, account: Option<String>, namespace: String },
    DropDatabase { name: String },
    DatabaseOwner { name: String, owner: String },
    CreateSchema { name: String, lenient: bool },
    CreateExternalSchema { name: String, lenient: bool, database: String, schema: String },
    DropSchema { name: String, lenient: bool, cascade: bool },
    CreateTable { path: Path, lenient: bool, columns: Vec<(String, String)> },
    DropTable { path: Path, lenient: bool },
    Insert { path: Path, rows: Vec<Vec<Cell>> },
    User { name: String, password: Option<String> },
    AlterUser { name: String, password: Option<Option<String>>, search_path: Option<String> },
    DropUser { name: String, lenient: bool },
    Role { name: String, made: bool, forced: bool },
    GrantRole { roles: Vec<String>, to: Vec<Grantee>, given: bool },
    Grant { privilege: String, on: Vec<On>, to: Vec<Grantee>, given: bool },
    Select(Vec<Select>),
}

impl Statement {
    /// Whether it is refused inside a transaction (aws-facts.md 11).
    pub(super) fn stands_alone(&self, database: &str) -> bool {
        let elsewhere =
            |path: &Path, names: usize| path.len() == names && path.first().is_some_and(|it| it != database);
        match self {
            Self::CreateDatabase { .. }
            | Self::CreateSharedDatabase { .. }
            | Self::DropDatabase { .. }
            | Self::CreateExternalSchema { .. } => true,
            Self::Grant { on, .. } => on.iter().any(|on| match on {
                On::Table(path) => elsewhere(path, 3),
                On::TablesIn(path) | On::Schema(path) => elsewhere(path, 2),
                On::Database(_) | On::Share(_) => false,
            }),
            _ => false,
        }
    }

    /// Whether it only reads, or only adds rows: then it is in nobody's way.
    pub(super) fn changes_objects(&self) -> bool {
        !matches!(self, Self::Select(_) | Self::Insert { .. })
    }

    /// How messages call it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::CreateDatabase { .. } | Self::CreateSharedDatabase { .. } => "CREATE DATABASE",
            Self::DropDatabase { .. } => "DROP DATABASE",
            Self::CreateExternalSchema { .. } => "CREATE EXTERNAL SCHEMA",
            Self::Grant { given: true, .. } => "GRANT on an external resource",
            Self::Grant { .. } => "REVOKE on an external resource",
            _ => "this statement",
        }
    }
}

/// One statement, with or without `;` behind it.
pub(super) fn statement(text: &str) -> Result<Statement, SqlError> {
    let mut parser = Parser { text, tokens: tokens(text)?, at: 0 };
    let found = parser.statement()?;
    parser.sign(";");
    match parser.at < parser.tokens.len() {
        true => Err(parser.wrong()),
        false => Ok(found),
    }
}

/// Reads tokens from the left.
pub(super) struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
}

impl Parser<'_> {
    pub(super) fn wrong(&self) -> SqlError {
        match self.tokens.get(self.at) {
            Some(token) => SqlError::at(self.text.get(token.from..token.to).unwrap_or_default()),
            None => SqlError::new("syntax error at end of input"),
        }
    }

    pub(super) fn peek(&self) -> Option<&What> {
        self.tokens.get(self.at).map(|token| &token.what)
    }

    /// Takes these words if they are next.
    pub(super) fn words(&mut self, words: &str) -> bool {
        let wanted: Vec<&str> = words.split(' ').collect();
        let next = self.tokens.get(self.at..self.at + wanted.len()).unwrap_or_default();
        let same = |(token, word): (&Token, &&str)| matches!(&token.what, What::Word(is) if is == word);
        let found = next.len() == wanted.len() && next.iter().zip(&wanted).all(same);
        self.at += if found { wanted.len() } else { 0 };
        found
    }

    pub(super) fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(What::Sign(is)) if *is == sign);
        self.at += usize::from(found);
        found
    }

    pub(super) fn must(&mut self, words: &str) -> Result<(), SqlError> {
        words.split(' ').try_for_each(|word| if self.words(word) { Ok(()) } else { Err(self.wrong()) })
    }

    pub(super) fn must_sign(&mut self, sign: &str) -> Result<(), SqlError> {
        if self.sign(sign) { Ok(()) } else { Err(self.wrong()) }
    }

    pub(super) fn name(&mut self) -> Result<String, SqlError> {
        let name = match self.peek() {
            Some(What::Word(name)) if RESERVED.contains(&name.as_str()) => None,
            Some(What::Word(name) | What::Quoted(name)) => Some(name.clone()),
            _ => None,
        };
        self.at += usize::from(name.is_some());
        name.ok_or_else(|| self.wrong())
    }

    pub(super) fn text(&mut self) -> Result<String, SqlError> {
        let Some(What::Text(text)) = self.peek().cloned() else { return Err(self.wrong()) };
        self.at += 1;
        Ok(text)
    }

    pub(super) fn path(&mut self) -> Result<Path, SqlError> {
        let mut path = vec![self.name()?];
        while path.len() < 3 && self.sign(".") {
            path.push(self.name()?);
        }
        Ok(path)
    }

    pub(super) fn list<T>(&mut self, one: fn(&mut Self) -> Result<T, SqlError>) -> Result<Vec<T>, SqlError> {
        let mut all = vec![one(self)?];
        while self.sign(",") {
            all.push(one(self)?);
        }
        Ok(all)
    }

    pub(super) fn literal(&mut self) -> Result<Cell, SqlError> {
        let cell = match self.peek() {
            Some(What::Text(text)) => Cell::Text(text.clone()),
            Some(What::Number(number)) => match (number.parse(), number.parse()) {
                (Ok(whole), _) => Cell::Long(whole),
                (Err(_), Ok(broken)) => Cell::Double(broken),
                (Err(_), Err(_)) => return Err(self.wrong()),
            },
            Some(What::Word(word)) => match word.as_str() {
                "true" => Cell::Bool(true),
                "false" => Cell::Bool(false),
                "null" => Cell::Null,
                _ => return Err(self.wrong()),
            },
            _ => return Err(self.wrong()),
        };
        self.at += 1;
        Ok(cell)
    }

    pub(super) fn truth(&mut self) -> Result<bool, SqlError> {
        match (self.words("true"), self.words("false")) {
            (true, _) => Ok(true),
            (false, true) => Ok(false),
            (false, false) => Err(self.wrong()),
        }
    }

    fn statement(&mut self) -> Result<Statement, SqlError> {
        use Statement as S;
        if self.words("create") {
            return self.create();
        }
        if self.words("alter") {
            return self.alter();
        }
        if self.words("drop") {
            return self.drop();
        }
        if self.words("grant") {
            return self.grant(true);
        }
        if self.words("revoke") {
            return self.grant(false);
        }
        if self.words("insert into") {
            let path = self.path()?;
            self.must("values")?;
            let rows = self.list(|parser| {
                parser.must_sign("(")?;
                let row = parser.list(Self::literal)?;
                parser.must_sign(")").map(|()| row)
            })?;
            return Ok(S::Insert { path, rows });
        }
        parse_query::selects(self).map(S::Select)
    }

    fn create(&mut self) -> Result<Statement, SqlError> {
        use Statement as S;
        if self.words("datashare") {
            let name = self.name()?;
            let set = self.words("set");
            let public = if self.words("publicaccessible") {
                self.sign("=");
                self.truth()?
            } else if set {
                return Err(self.wrong());
            } else {
                false
            };
            return Ok(S::CreateShare { name, public });
        }
        if self.words("database") {
            let name = self.name()?;
            let permissions = self.words("with permissions");
            if !permissions && !self.words("from") {
                return Ok(S::CreateDatabase { name });
            }
            if permissions {
                self.must("from")?;
            }
            self.must("datashare")?;
            let share = self.name()?;
            self.must("of")?;
            let account = if self.words("account") { Some(self.text()?) } else { None };
            self.must("namespace")?;
            let namespace = self.text()?;
            return Ok(S::CreateSharedDatabase { name, permissions, share, account, namespace });
        }
        if self.words("external schema") {
            let lenient = self.words("if not exists");
            let name = self.name()?;
            self.must("from redshift database")?;
            let database = self.text()?;
            let schema = if self.words("schema") { self.text()? } else { "public".to_owned() };
            return Ok(S::CreateExternalSchema { name, lenient, database, schema });
        }
        if self.words("schema") {
            let lenient = self.words("if not exists");
            return Ok(S::CreateSchema { name: self.name()?, lenient });
        }
        if self.words("table") {
            let lenient = self.words("if not exists");
            let path = self.path()?;
            self.must_sign("(")?;
            let columns = self.list(|parser| Ok((parser.name()?, parser.kind()?)))?;
            self.must_sign(")")?;
            return Ok(S::CreateTable { path, lenient, columns });
        }
        if self.words("user") {
            let name = self.name()?;
            self.words("with");
            self.must("password")?;
            return Ok(S::User { name, password: self.password()? });
        }
        if self.words("role") {
            return Ok(S::Role { name: self.name()?, made: true, forced: false });
        }
        Err(self.wrong())
    }

    /// A type of a column as the views name it.
    fn kind(&mut self) -> Result<String, SqlError> {
        let kinds = [
            ("character varying", "varchar"),
            ("double precision", "float8"),
            ("integer", "int4"),
            ("int", "int4"),
            ("bigint", "int8"),
            ("smallint", "int2"),
            ("boolean", "bool"),
            ("numeric", "numeric"),
            ("decimal", "numeric"),
        ];
        let plain = ["varchar", "char", "text", "int2", "int4", "int8", "bool", "float8", "date", "timestamp"];
        let found = kinds.into_iter().chain(plain.map(|kind| (kind, kind))).find(|(words, _)| self.words(words));
        let Some((_, kind)) = found else { return Err(self.wrong()) };
        if self.sign("(") {
            self.list(Self::literal)?;
            self.must_sign(")")?;
        }
        Ok(kind.to_owned())
    }

    /// What tells the password, if there is one: the text of it is a placeholder.
    fn password(&mut self) -> Result<Option<String>, SqlError> {
        if self.words("disable") {
            return Ok(None);
        }
        if let Some(verifier) = accepted(&self.text()?) {
            return Ok(Some(verifier));
        }
        Err(SqlError::new("password must be 8 to 64 characters with upper case, lower case and a digit, or a hash"))
    }

    fn alter(&mut self) -> Result<Statement, SqlError> {
        use Statement as S;
        if self.words("datashare") {
            let name = self.name()?;
            return Ok(S::AlterShare { name, change: self.share_change()? });
        }
        if self.words("database") {
            let name = self.name()?;
            self.must("owner to")?;
            return Ok(S::DatabaseOwner { name, owner: self.name()? });
        }
        self.must("user")?;
        let name = self.name()?;
        if self.words("set search_path") {
            if !self.words("to") {
                self.must_sign("=")?;
            }
            let path = self.list(Self::schema)?;
            return Ok(S::AlterUser { name, password: None, search_path: Some(path.join(", ")) });
        }
        self.words("with");
        self.must("password")?;
        Ok(S::AlterUser { name, password: Some(self.password()?), search_path: None })
    }

    fn schema(&mut self) -> Result<String, SqlError> {
        if matches!(self.peek(), Some(What::Text(_))) { self.text() } else { self.name() }
    }

    fn share_change(&mut self) -> Result<ShareChange, SqlError> {
        use ShareChange as C;
        if self.words("owner to") {
            return self.name().map(C::Owner);
        }
        if self.words("set") {
            if self.words("publicaccessible") {
                self.sign("=");
                return self.truth().map(C::Public);
            }
            self.must("includenew")?;
            self.sign("=");
            let on = self.truth()?;
            self.must("for schema")?;
            return Ok(C::IncludeNew(on, self.name()?));
        }
        let add = self.words("add");
        if !add {
            self.must("remove")?;
        }
        if self.words("all tables in schema") {
            return Ok(C::AllTables(self.list(Self::name)?, add));
        }
        if self.words("all functions in schema") {
            return self.list(Self::name).map(C::AllFunctions);
        }
        if self.words("schema") {
            return Ok(C::Schemas(self.list(Self::name)?, add));
        }
        if self.words("table") {
            return Ok(C::Tables(self.list(Self::path)?, add));
        }
        self.must("function")?;
        let functions = self.list(|parser| {
            let path = parser.path()?;
            parser.must_sign("(")?;
            if !parser.sign(")") {
                parser.list(Self::kind)?;
                parser.must_sign(")")?;
            }
            Ok(path)
        })?;
        Ok(C::Functions(functions))
    }

    fn drop(&mut self) -> Result<Statement, SqlError> {
        use Statement as S;
        if self.words("datashare") {
            return Ok(S::DropShare { name: self.name()? });
        }
        if self.words("database") {
            return Ok(S::DropDatabase { name: self.name()? });
        }
        if self.words("schema") {
            let lenient = self.words("if exists");
            let name = self.name()?;
            let cascade = self.words("cascade");
            if !cascade {
                self.words("restrict");
            }
            return Ok(S::DropSchema { name, lenient, cascade });
        }
        if self.words("table") {
            let lenient = self.words("if exists");
            return Ok(S::DropTable { path: self.path()?, lenient });
        }
        if self.words("user") {
            let lenient = self.words("if exists");
            return Ok(S::DropUser { name: self.name()?, lenient });
        }
        self.must("role")?;
        let name = self.name()?;
        let forced = self.words("force");
        Ok(S::Role { name, made: false, forced })
    }

    fn grant(&mut self, given: bool) -> Result<Statement, SqlError> {
        use Statement as S;
        let link = if given { "to" } else { "from" };
        if self.words("role") {
            let roles = self.list(Self::name)?;
            self.must(link)?;
            return Ok(S::GrantRole { roles, to: self.list(Self::grantee)?, given });
        }
        let known = ["usage", "select", "alter", "share"];
        let Some(privilege) = known.into_iter().find(|word| self.words(word)) else { return Err(self.wrong()) };
        self.must("on")?;
        let on = match privilege {
            "usage" if self.words("database") => self.list(Self::name)?.into_iter().map(On::Database).collect(),
            "usage" if self.words("schema") => self.list(Self::path)?.into_iter().map(On::Schema).collect(),
            "select" if self.words("all tables in schema") => {
                self.list(Self::path)?.into_iter().map(On::TablesIn).collect()
            }
            "select" => {
                self.words("table");
                self.list(Self::path)?.into_iter().map(On::Table).collect()
            }
            _ => {
                self.must("datashare")?;
                vec![On::Share(self.name()?)]
            }
        };
        self.must(link)?;
        if let ("usage", [On::Share(name)]) = (privilege, on.as_slice()) {
            return Ok(S::GrantShare { name: name.clone(), to: self.consumer()?, given });
        }
        Ok(S::Grant { privilege: privilege.to_uppercase(), on, to: self.list(Self::grantee)?, given })
    }

    fn consumer(&mut self) -> Result<Consumer, SqlError> {
        if self.words("namespace") {
            return self.text().map(Consumer::Namespace);
        }
        self.must("account")?;
        self.text().map(Consumer::Account)
    }

    fn grantee(&mut self) -> Result<Grantee, SqlError> {
        if self.words("public") {
            return Ok(Grantee::Public);
        }
        if self.words("role") {
            return self.name().map(Grantee::Role);
        }
        if self.words("group") {
            return Err(SqlError::new(format!("group \"{}\" does not exist", self.name()?)));
        }
        self.name().map(Grantee::User)
    }
}
