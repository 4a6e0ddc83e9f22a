//! The proof of the data sharing: every consumer is asked for what the producer shares, and the answers are compared.
//!
//! Where another account is the producer nobody here can ask it: then the consumers' answers stand alone, and the proof says
//! so. Called by `rsds datashare verify`. Asks through the Data API, each warehouse by itself and all at once; this wakes those
//! that are idle. Must never change anything, nor take a warehouse that does not answer for one that has nothing.

use crate::{
    aws::{Aws, Fault, data_api::Rows, sql::identifier},
    config::typed::{Config, Consumer, Datashare, Offerer, Principal, Reader},
    stack::datashares::grantees,
};
use futures_util::future::join_all;
use std::collections::BTreeMap;

const PRODUCER: &str = "producer";

/// What each warehouse is asked of its catalogue (aws-facts.md 10.4).
const SHARES: &str = "SELECT share_name FROM svv_datashares WHERE share_type = 'OUTBOUND'";
const OBJECTS: &str =
    "SELECT share_name, object_type, object_name FROM svv_datashare_objects WHERE share_type = 'OUTBOUND'";
const DATABASES: &str =
    "SELECT consumer_database, share_name, producer_namespace FROM svv_datashares WHERE share_type = 'INBOUND'";
/// The same of what the shares of other accounts hold.
const INBOUND: &str = "SELECT share_name, producer_namespace, object_type, object_name FROM svv_datashare_objects WHERE share_type = 'INBOUND'";
const PRIVILEGES: &str =
    "SELECT database_name, privilege_type, identity_name, identity_type FROM svv_database_privileges";

/// One thing that was to be proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The share it is about.
    pub share: String,
    /// The warehouse that was asked.
    pub warehouse: String,
    /// What was to be so.
    pub what: String,
    /// What came of it.
    pub proof: Proof,
}

/// What came of a check, with what was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It is so.
    Holds(String),
    /// There is nothing yet by which to tell.
    Open(String),
    /// It is not so, or the warehouse did not answer.
    Fails(String),
}

/// What a run of checks goes by.
struct Examiner<'a> {
    aws: &'a Aws,
    config: &'a Config,
    /// The GUIDs of the namespaces that stand, by warehouse.
    standing: &'a BTreeMap<String, String>,
    /// The ARNs of the secrets that stand, by user.
    secrets: &'a BTreeMap<String, String>,
    /// How many tables of each share are counted at most.
    sample: usize,
}

/// A table of a share: its schema and its name.
type Table = (String, String);

/// The tables of a share that are counted, with the producer's counts.
type Offered = BTreeMap<Table, String>;

/// Proves every share on every consumer that is to read it, and every login there. `standing` are the namespaces' GUIDs by
/// warehouse, `secrets` the ARNs of the secrets by user, `sample` is how many tables of each share are counted.
pub async fn verify(
    aws: &Aws,
    config: &Config,
    standing: &BTreeMap<String, String>,
    secrets: &BTreeMap<String, String>,
    sample: usize,
) -> Vec<Check> {
    let examiner = Examiner { aws, config, standing, secrets, sample };
    let (mut checks, offered) = examiner.producer().await;
    let readers = config.readers().map(|(reader, consumer)| examiner.reader(reader, consumer, &offered));
    checks.extend(join_all(readers).await.into_iter().flatten());
    checks.sort_by(|a, b| {
        (&a.share, a.warehouse != PRODUCER, &a.warehouse).cmp(&(&b.share, b.warehouse != PRODUCER, &b.warehouse))
    });
    checks
}

fn check(share: &str, warehouse: &str, what: impl Into<String>, proof: Proof) -> Check {
    Check { share: share.to_owned(), warehouse: warehouse.to_owned(), what: what.into(), proof }
}

fn count(database: Option<&str>, (schema, table): &Table) -> String {
    let parts = database.into_iter().chain([schema.as_str(), table.as_str()]).map(identifier);
    format!("SELECT count(*) FROM {}", parts.collect::<Vec<_>>().join("."))
}

/// The tables and views among objects: what each is, and its path.
fn tables<'a>(objects: impl Iterator<Item = (&'a String, &'a String)>) -> Vec<Table> {
    let is_table = |of: &str| of.contains("table") || of.contains("view");
    let paths = objects.filter(|(of, _)| is_table(&of.to_lowercase())).filter_map(|(_, path)| path.split_once('.'));
    paths.map(|(schema, table)| (schema.to_owned(), table.to_owned())).collect()
}

/// The tables of another account's share, as a consumer shows them.
fn held(name: &str, from: &Offerer, inbound: &Rows) -> Vec<Table> {
    tables(inbound.iter().filter_map(|row| match row.as_slice() {
        [share, producer, of, path] if share == name && *producer == from.namespace => Some((of, path)),
        _ => None,
    }))
}

fn number(rows: &Rows) -> String {
    rows.first().and_then(|row| row.first()).cloned().unwrap_or_default()
}

/// The users who may read a share: those who are named, and those who have a role that is.
fn logins<'a>(config: &'a Config, name: &str, share: &Datashare) -> Vec<&'a str> {
    let granted = grantees(config, name, share);
    let reads = |user: &&String| {
        let itself = Principal::User((*user).clone());
        let has = |role: &String| config.roles.get(role).is_some_and(|role| role.members.contains(&itself));
        granted.iter().any(|who| match who {
            Principal::User(name) => name == *user,
            Principal::Role(role) => has(role),
        })
    };
    config.users.keys().filter(reads).map(String::as_str).collect()
}

fn principal(who: &Principal) -> (&'static str, &str) {
    match who {
        Principal::User(name) => ("user", name),
        Principal::Role(name) => ("role", name),
    }
}

impl Examiner<'_> {
    /// Asks in one batch.
    ///
    /// Errors: why there is no answer, for people.
    async fn ask(&self, warehouse: &str, database: &str, questions: &[String]) -> Result<Vec<Rows>, String> {
        self.ask_as(None, warehouse, database, questions).await
    }

    /// The same as whoever a secret logs in.
    async fn ask_as(
        &self,
        secret: Option<&str>,
        warehouse: &str,
        database: &str,
        questions: &[String],
    ) -> Result<Vec<Rows>, String> {
        let Some(namespace) = self.standing.get(warehouse) else {
            return Err("it does not stand: rsds apply".to_owned());
        };
        let answers = self.aws.query_as(secret, namespace, database, questions).await;
        answers.map_err(|fault: Fault| fault.to_string())
    }

    async fn counts(
        &self,
        warehouse: &str,
        database: &str,
        of: Option<&str>,
        tables: &[Table],
    ) -> Result<Vec<String>, String> {
        if tables.is_empty() {
            return Ok(Vec::new());
        }
        let questions: Vec<String> = tables.iter().map(|table| count(of, table)).collect();
        Ok(self.ask(warehouse, database, &questions).await?.iter().map(number).collect())
    }

    /// Asks the producer what it shares. A share that is not there is not in the second part.
    async fn producer(&self) -> (Vec<Check>, BTreeMap<String, Offered>) {
        let (mut checks, mut offered) = (Vec::new(), BTreeMap::new());
        let shares: BTreeMap<_, _> = self.config.own_shares().collect();
        if shares.is_empty() {
            return (checks, offered);
        }
        let database = &self.config.producer.database;
        let (there, objects) = match self.ask(PRODUCER, database, &[SHARES.to_owned(), OBJECTS.to_owned()]).await {
            Ok(answers) => {
                let mut answers = answers.into_iter();
                (answers.next().unwrap_or_default(), answers.next().unwrap_or_default())
            }
            Err(why) => {
                checks.extend(shares.keys().map(|name| check(name, PRODUCER, "answers", Proof::Fails(why.clone()))));
                return (checks, offered);
            }
        };
        for name in shares.keys() {
            if !there.iter().any(|row| row.first() == Some(*name)) {
                checks.push(check(name, PRODUCER, "share", Proof::Fails("there is no such share".to_owned())));
                continue;
            }
            let tables = tables(objects.iter().filter_map(|row| match row.as_slice() {
                [share, of, path] if share == *name => Some((of, path)),
                _ => None,
            }));
            let sampled: Vec<Table> = tables.iter().take(self.sample).cloned().collect();
            let proof = match self.counts(PRODUCER, database, None, &sampled).await {
                Err(why) => Proof::Fails(why),
                Ok(counts) => {
                    offered.insert((*name).clone(), sampled.into_iter().zip(counts).collect());
                    match tables.len() {
                        0 => Proof::Open("it holds no table yet".to_owned()),
                        all => Proof::Holds(format!("holds {}", crate::ui::count(all, "table"))),
                    }
                }
            };
            checks.push(check(name, PRODUCER, "share", proof));
        }
        (checks, offered)
    }

    async fn reader(&self, reader: Reader<'_>, consumer: &Consumer, offered: &BTreeMap<String, Offered>) -> Vec<Check> {
        let name = reader.component();
        let its = self.config.datashares.iter();
        let its: Vec<_> = its.filter(|(_, share)| self.config.share_groups(share).contains(&reader.group)).collect();
        if its.is_empty() {
            return Vec::new();
        }
        let mut questions = vec![DATABASES.to_owned(), PRIVILEGES.to_owned()];
        if its.iter().any(|(_, share)| share.from.is_some()) {
            questions.push(INBOUND.to_owned());
        }
        let (databases, privileges, inbound) = match self.ask(&name, &consumer.database, &questions).await {
            Ok(answers) => {
                let mut answers = answers.into_iter();
                let mut next = || answers.next().unwrap_or_default();
                (next(), next(), next())
            }
            Err(why) => {
                return its
                    .iter()
                    .map(|(share, _)| check(share, &name, "answers", Proof::Fails(why.clone())))
                    .collect();
            }
        };
        let mut checks = Vec::new();
        for (share_name, share) in its {
            let (what, database) =
                (format!("database {}", share.database), self.database(share_name, share, &databases));
            let stands = matches!(database, Proof::Holds(_));
            checks.push(check(share_name, &name, what, database));
            let held = share.from.as_ref().map(|from| held(share_name, from, &inbound));
            let rows = match (&held, offered.get(share_name)) {
                _ if !stands => Vec::new(),
                (Some(held), _) => self.answers(&name, consumer, share, held).await,
                (None, Some(offered)) => self.rows(&name, consumer, share, offered).await,
                (None, None) => Vec::new(),
            };
            checks.extend(rows.into_iter().map(|(what, proof)| check(share_name, &name, what, proof)));
            for who in grantees(self.config, share_name, share) {
                let (kind, who) = principal(&who);
                let granted = privileges.iter().any(|row| match row.as_slice() {
                    [database, privilege, identity, of] => {
                        *database == share.database
                            && privilege.eq_ignore_ascii_case("usage")
                            && identity == who
                            && of.eq_ignore_ascii_case(kind)
                    }
                    _ => false,
                });
                let proof = match granted {
                    true => Proof::Holds("granted".to_owned()),
                    false => Proof::Fails(format!("USAGE on the database is not granted to the {kind} {who}")),
                };
                checks.push(check(share_name, &name, format!("usage of {kind} {who}"), proof));
            }
            for user in logins(self.config, share_name, share).into_iter().filter(|_| stands) {
                let offered = || offered.get(share_name).and_then(|offered| offered.keys().next());
                let table = held.as_ref().map_or_else(offered, |held| held.first());
                let proof = self.login(&name, consumer, share, (user, table)).await;
                checks.push(check(share_name, &name, format!("login of {user}"), proof));
            }
        }
        checks
    }

    /// Whether a user gets in with the password of its secret, and reads what is shared.
    async fn login(
        &self,
        name: &str,
        consumer: &Consumer,
        share: &Datashare,
        (user, table): (&str, Option<&Table>),
    ) -> Proof {
        let Some(secret) = self.secrets.get(user) else {
            return Proof::Fails("its secret does not stand: rsds apply".to_owned());
        };
        let question = table.map_or("SELECT 1".to_owned(), |table| count(Some(&share.database), table));
        match self.ask_as(Some(secret), name, &consumer.database, &[question]).await {
            Ok(_) => Proof::Holds(match table {
                Some((schema, table)) => format!("reads {schema}.{table} with the password of its secret"),
                None => "its secret has the password".to_owned(),
            }),
            Err(why) => Proof::Fails(why),
        }
    }

    /// Whether the database is there, and is made from this share of our producer, or of the other account's.
    fn database(&self, name: &str, share: &Datashare, databases: &Rows) -> Proof {
        let row = databases.iter().find(|row| row.first() == Some(&share.database));
        let whose = share.from.as_ref().map(|from| &from.namespace).or_else(|| self.standing.get(PRODUCER));
        match (row.map(Vec::as_slice), &share.from) {
            (None, None) => Proof::Fails("there is no such database made from a share".to_owned()),
            (None, Some(from)) => Proof::Fails(format!(
                "there is no such database made from a share that can be read: whether the account {} took it back is \
                 told by rsds plan",
                from.account
            )),
            (Some([_, of, producer]), from) if of == name && whose == Some(producer) => {
                let of = from.as_ref().map_or_else(String::new, |from| format!(" of the account {}", from.account));
                Proof::Holds(format!("made from the share {name}{of}"))
            }
            (Some(row), _) => Proof::Fails(format!("it is made from another share: {}", row[1..].join(" of "))),
        }
    }

    /// Counts the sample of another account's share: it answers, and there is nothing to compare it with.
    async fn answers(
        &self,
        name: &str,
        consumer: &Consumer,
        share: &Datashare,
        held: &[Table],
    ) -> Vec<(String, Proof)> {
        if held.is_empty() {
            return vec![("tables".to_owned(), Proof::Open("its producer shares no table yet".to_owned()))];
        }
        let mut proofs = Vec::new();
        for table in held.iter().take(self.sample) {
            let counts =
                self.counts(name, &consumer.database, Some(&share.database), std::slice::from_ref(table)).await;
            let proof = match counts {
                Ok(count) => {
                    Proof::Holds(format!("{} rows; not compared: its producer is not ours to ask", count.concat()))
                }
                Err(why) => Proof::Fails(why),
            };
            proofs.push((format!("rows of {}.{}", table.0, table.1), proof));
        }
        proofs
    }

    /// Counts the sample and compares. What differs is counted once more on both sides: the producer may be loading.
    async fn rows(
        &self,
        name: &str,
        consumer: &Consumer,
        share: &Datashare,
        offered: &Offered,
    ) -> Vec<(String, Proof)> {
        let mut proofs = Vec::new();
        let same = |count: &str| Proof::Holds(format!("{count} rows, as on the producer"));
        for (table, wanted) in offered {
            let one = std::slice::from_ref(table);
            let here = || self.counts(name, &consumer.database, Some(&share.database), one);
            let proof = match here().await.as_deref() {
                Ok([count]) if count == wanted => same(count),
                Ok(_) => {
                    let (there, here) =
                        tokio::join!(self.counts(PRODUCER, &self.config.producer.database, None, one), here());
                    match (there, here) {
                        (Ok(there), Ok(here)) if there == here => same(&here.concat()),
                        (Ok(there), Ok(here)) => {
                            Proof::Fails(format!("{} rows, and {} on the producer", here.concat(), there.concat()))
                        }
                        (Err(why), _) | (_, Err(why)) => Proof::Fails(why),
                    }
                }
                Err(why) => Proof::Fails(why.clone()),
            };
            proofs.push((format!("rows of {}.{}", table.0, table.1), proof));
        }
        proofs
    }
}
