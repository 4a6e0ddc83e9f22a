//! A file to start from: what a team answers, and beside it every key that works with its default and its words.
//!
//! Called by `rsds init`. Written from the one table of keys, so that it names nothing that does not exist and forgets
//! nothing that does.

use super::keys::{Absent, KEYS, Key, Since, children, find};
use std::fmt::Write as _;

/// The network of an estate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Network {
    /// A VPC of its own with this range.
    New(String),
    /// This VPC, which exists.
    Id(String),
    /// The VPC with this Name tag, which exists.
    Name(String),
}

/// What a file is written from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers {
    /// First part of every name.
    pub project: String,
    /// The region.
    pub region: String,
    /// The type of the producer, as the TOML has it.
    pub producer: String,
    /// The groups of consumers.
    pub consumers: Vec<String>,
    /// The network.
    pub network: Network,
}

/// Columns before the words of a key.
const COLUMN: usize = 44;

/// Lists the values of a key of choices that work in this version.
#[must_use]
pub fn choices(path: &str) -> Vec<&'static str> {
    let Some(key) = find(path) else { return Vec::new() };
    let all = key.ty.choices();
    all.iter().copied().filter(|_| key.since == Since::Now).collect()
}

/// Tells whether a key works in this version.
#[must_use]
pub fn works(path: &str) -> bool {
    find(path).is_some_and(|key| key.since != Since::NotYet)
}

/// Writes the file of the environment `env`.
#[must_use]
pub fn template(env: &str, answers: &Answers) -> String {
    let Answers { project, region, producer, consumers, network } = answers;
    let mut out = format!(
        "# The estate {project}-{env}. A line with `# key = value` shows a default: take the `#` away to change it.\n\
         # `rsds schema` has every key; `rsds plan --sandbox` tries this file on the AWS inside rsds.\n\n"
    );
    write_key(&mut out, "", "project", &quoted(project));
    write_key(&mut out, "", "region", &quoted(region));
    let (key, value) = match network {
        Network::New(cidr) => ("vpc_cidr", cidr),
        Network::Id(id) => ("vpc_id", id),
        Network::Name(name) => ("vpc_name", name),
    };
    // Its default is about new subnets: written out, it would be refused where they exist.
    let of_new: &[&str] = if matches!(network, Network::New(_)) { &[] } else { &["s3_endpoint"] };
    table(&mut out, "networking", "networking", &[(key, quoted(value))], of_new);
    // What only the other type of producer has would be refused.
    let other = if producer == "cluster" { "Serverless only" } else { "Cluster only" };
    table(&mut out, "producer", "producer", &[("type", quoted(producer))], &[other]);
    for group in consumers {
        table(&mut out, "consumers.*", &format!("consumers.{group}"), &[("count", "1".to_owned())], &[]);
    }
    for path in ["nlb", "protect"] {
        table(&mut out, path, path, &[], &[]);
    }
    let written = ["networking", "producer", "consumers", "nlb", "protect"];
    let rest = children("").filter(|key| key.since != Since::NotYet && key.ty.holds_keys());
    out.push_str("\n# There is more, each with its keys in `rsds schema`:\n");
    for key in rest.filter(|key| !written.contains(&key.path)) {
        let name =
            if find(&format!("{}.*", key.path)).is_some() { format!("{}.NAME", key.path) } else { key.path.to_owned() };
        line(&mut out, &format!("#   [{name}]"), key.doc);
    }
    out
}

/// Writes a table: the given keys, then all others that work and have a default, as comments; `without` leaves keys
/// out, by name or by the first words about them.
fn table(out: &mut String, pattern: &str, name: &str, given: &[(&str, String)], without: &[&str]) {
    out.push('\n');
    let words = find(pattern.trim_end_matches(".*")).map_or("", |key| key.doc);
    line(out, &format!("[{name}]"), words);
    given.iter().for_each(|(key, value)| write_key(out, pattern, key, value));
    for key in defaults(pattern) {
        let own = &key.path[pattern.len() + 1..];
        let left_out = without.iter().any(|what| own == *what || key.doc.starts_with(what));
        if left_out || given.iter().any(|(given, _)| *given == own) {
            continue;
        }
        if let Absent::Value(value) = key.absent {
            line(out, &format!("# {own} = {value}"), key.doc);
        }
    }
}

/// Lists the keys below a table that work, those of its tables too.
fn defaults(pattern: &str) -> impl Iterator<Item = &'static Key> {
    let inside = format!("{pattern}.");
    let plain = move |key: &&Key| key.path.starts_with(&inside) && !key.path[inside.len()..].contains(['*', '[']);
    KEYS.iter().filter(plain).filter(|key| key.since != Since::NotYet && optional(key))
}

/// Whether the tables around a key may be written for its sake: those with required keys of their own may not.
fn optional(key: &Key) -> bool {
    let (table, _) = key.split();
    table.is_empty() || table.ends_with('*') || children(table).all(|one| one.absent != Absent::Required)
}

fn write_key(out: &mut String, table: &str, name: &str, value: &str) {
    let path = if table.is_empty() { name.to_owned() } else { format!("{table}.{name}") };
    line(out, &format!("{name} = {value}"), find(&path).map_or("", |key| key.doc));
}

fn line(out: &mut String, text: &str, words: &str) {
    writeln!(out, "{text:<COLUMN$}# {words}").unwrap_or_default();
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load;

    fn every_answer() -> Vec<Answers> {
        let mut networks = vec![Network::New("10.40.0.0/16".to_owned())];
        if works("networking.vpc_id") {
            networks.extend([Network::Id("vpc-0123456789abcdef0".to_owned()), Network::Name("shared".to_owned())]);
        }
        let mut all = Vec::new();
        for producer in choices("producer.type") {
            for network in &networks {
                for consumers in [&[][..], &["readers"], &["analytics", "reporting"]] {
                    all.push(Answers {
                        project: "airline".to_owned(),
                        region: "eu-central-1".to_owned(),
                        producer: producer.to_owned(),
                        consumers: consumers.iter().map(|group| (*group).to_owned()).collect(),
                        network: network.clone(),
                    });
                }
            }
        }
        all
    }

    fn problems(text: &str) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("environments")).unwrap();
        std::fs::write(folder.path().join("environments/dev.toml"), text).unwrap();
        match load(folder.path(), "dev", &[]) {
            Ok(environment) => {
                let all = environment.unsupported.iter().chain(environment.warnings());
                let all: Vec<String> = all.map(ToString::to_string).collect();
                (!all.is_empty()).then(|| all.join("\n"))
            }
            Err(problems) => Some(problems.render(false, 100)),
        }
    }

    #[test]
    fn every_answer_makes_a_file_without_problems() {
        let all = every_answer();
        assert!(all.len() >= 3);
        for answers in all {
            let text = template("dev", &answers);
            assert_eq!(problems(&text), None, "{answers:?}\n{text}");
        }
    }

    #[test]
    fn every_default_may_be_taken_out_of_its_comment() {
        for answers in every_answer() {
            let text = template("dev", &answers);
            let bare: Vec<&str> = text
                .lines()
                .map(|line| line.strip_prefix("# ").filter(|rest| rest.contains(" = ")).unwrap_or(line))
                .filter(|line| !line.starts_with("A line with") && !line.starts_with("The estate"))
                .collect();
            assert!(bare.len() > 30);
            assert_eq!(problems(&bare.join("\n")), None, "{answers:?}\n{}", bare.join("\n"));
        }
    }
}
