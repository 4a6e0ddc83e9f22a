//! Finds, reads and merges the files of an environment, lays `--set` over them, and turns the result into a checked
//! configuration. Called by every command that needs one. It touches no AWS, and reports all problems at once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::check::check;
use super::convert::convert;
use super::diagnostic::{Diagnostic, Problems, did_you_mean, sort};
use super::keys::children;
use super::rules;
use super::set;
use super::shape::Shape;
use super::source::{Origin, Source};
use super::tree::{Node, Value, locate, parse};
use super::typed::Config;

/// The folder of the environment files.
const FOLDER: &str = "environments";

/// A checked configuration, and where each of its values came from.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The typed configuration.
    pub config: Config,
    /// What is written there and right, but not built by this version; plan and apply refuse it, validate shows it.
    pub unsupported: Vec<Diagnostic>,
    tree: Node,
    warnings: Vec<Diagnostic>,
    sources: Vec<Arc<Source>>,
    sets: Vec<String>,
}

/// Which side of the `=` an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spot {
    /// The key.
    Key,
    /// The value.
    Value,
}

impl Environment {
    /// Returns where the value at `key_path` came from: its own place, or, when it is a default, the nearest key around
    /// it that is written. `Origin::Default` when there is none; `None` when there is no such key.
    #[must_use]
    pub fn origin(&self, key_path: &str) -> Option<&Origin> {
        let (node, exact) = locate(&self.tree, key_path);
        if exact || !matches!(node.origin, Origin::Default) && node.key != self.tree.key {
            return Some(&node.origin);
        }
        let first = key_path.split(['.', '[']).next().unwrap_or_default();
        children("").any(|key| key.path == first).then_some(&Origin::Default)
    }

    /// Makes an error about the key at `key_path`, or about its value; at the nearest place around it that is written.
    #[must_use]
    pub fn error(&self, key_path: &str, spot: Spot, message: impl Into<String>) -> Diagnostic {
        let node = locate(&self.tree, key_path).0;
        let origin = match spot {
            Spot::Key => &node.key,
            Spot::Value => &node.origin,
        };
        Diagnostic::error(message, origin)
    }

    /// Returns where the value at `key_path` is written, for people: `environments/dev.toml:12`; `None` for defaults.
    #[must_use]
    pub fn place(&self, key_path: &str) -> Option<String> {
        self.origin(key_path).filter(|origin| **origin != Origin::Default).map(Origin::short)
    }

    /// Returns the SHA-256, in hex, of each file that was read, by its shown name.
    #[must_use]
    pub fn files(&self) -> BTreeMap<String, String> {
        let digest = |source: &Arc<Source>| hex::encode(Sha256::digest(source.text.as_bytes()));
        self.sources.iter().map(|source| (source.name.clone(), digest(source))).collect()
    }

    /// Returns the `--set` arguments, as they were given.
    #[must_use]
    pub fn sets(&self) -> &[String] {
        &self.sets
    }

    /// Returns the SHA-256 of the effective values, in hex: the same whatever file, `--set` or default they come from.
    #[must_use]
    pub fn digest(&self) -> String {
        let values = serde_json::to_vec(&self.config).unwrap_or_default();
        hex::encode(Sha256::digest(values))
    }

    /// Returns what is worth knowing and stops nothing.
    #[must_use]
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }
}

/// Loads the environment `env` of the working directory `dir`, with `sets` (each `KEY=VALUE`) laid over it.
///
/// # Errors
/// Returns every problem: files, syntax, keys, types, rules. What is merely not supported yet is an error only beside
/// others; alone it is in [`Environment::unsupported`].
pub fn load(dir: &Path, env: &str, sets: &[String]) -> Result<Environment, Problems> {
    let path = find(dir, env)?;
    checked(files(dir, &path)?, env, sets)
}

/// Loads the environment `env` from a text that is to become the file `name`; it extends nothing.
///
/// # Errors
/// As of [`load`].
pub fn load_text(name: &str, text: &str, env: &str) -> Result<Environment, Problems> {
    let source = Source::file(name, text);
    let tree = parse(&source).map_err(Problems)?;
    checked(Files { tree, sources: vec![source] }, env, &[])
}

fn checked(Files { mut tree, sources }: Files, env: &str, sets: &[String]) -> Result<Environment, Problems> {
    let (overrides, mut errors) = set::parse_all(sets, &tree);
    for node in overrides {
        tree.merge(node);
    }
    let checked = check(tree);
    errors.extend(checked.errors);
    let config = convert(&checked.tree, env);
    let found = rules::run(&config, &checked.tree, &checked.broken);
    let (rule_errors, mut warnings) = (found.errors, found.warnings);
    errors.extend(rule_errors);
    let mut unsupported = checked.unsupported;
    sort(&mut unsupported);
    sort(&mut warnings);
    if errors.is_empty() {
        return Ok(Environment { config, unsupported, tree: checked.tree, warnings, sources, sets: sets.to_vec() });
    }
    // What is wrong at a place matters more than that it would not work yet anyway.
    unsupported.retain(|later| errors.iter().all(|error| error.origin != later.origin));
    errors.extend(unsupported);
    sort(&mut errors);
    errors.dedup();
    Err(Problems(errors))
}

/// Lists the names of the environments in `dir`, sorted. A file that another one extends is one only when it could stand
/// alone (`staging` may extend `dev`; `common` without a VPC is no environment).
#[must_use]
pub fn environments(dir: &Path) -> Vec<String> {
    let files = toml_files(dir);
    let extended: BTreeSet<PathBuf> = files.iter().filter_map(|file| extended_by(file)).collect();
    let own = files.iter().filter(|file| !extended.contains(&tidy(file)) || stands_alone(file));
    own.filter_map(|file| stem(file)).map(str::to_owned).collect()
}

fn stem(file: &Path) -> Option<&str> {
    file.file_stem()?.to_str()
}

fn stands_alone(file: &Path) -> bool {
    let Some(tree) = tree_of(file) else { return true };
    let vpc = ["vpc_cidr", "vpc_id", "vpc_name"];
    let network = tree.get("networking").is_some_and(|network| vpc.iter().any(|name| network.get(name).is_some()));
    tree.get("extends").is_some() || network && tree.get("project").is_some() && tree.get("region").is_some()
}

fn tree_of(file: &Path) -> Option<Node> {
    parse(&Source::file("", std::fs::read_to_string(file).ok()?)).ok()
}

fn toml_files(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir.join(FOLDER)).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml") && path.is_file());
    files.sort();
    files
}

fn extended_by(file: &Path) -> Option<PathBuf> {
    Some(tidy(&file.parent()?.join(tree_of(file)?.get("extends")?.text()?)))
}

fn find(dir: &Path, env: &str) -> Result<PathBuf, Problems> {
    let problem =
        |message: String, help: String| Err(Problems::one(Diagnostic::error(message, &Origin::Default).help(help)));
    let there = environments(dir);
    let all: Vec<&str> = there.iter().map(String::as_str).collect();
    // Also keeps the name from leaving the folder.
    if !toml_files(dir).iter().any(|file| stem(file) == Some(env)) {
        let place = dir.join(FOLDER);
        let name = env.escape_debug();
        let message = format!("there is no environment `{name}`: no {FOLDER}/{name}.toml");
        if all.is_empty() {
            let help = format!("no environment is in {}: examples/minimal has the least that works", place.display());
            return problem(message, help);
        }
        let near = did_you_mean(env, all.iter().copied()).filter(|help| help.starts_with("did"));
        let list = format!("environments there: {}", all.join(", "));
        return problem(message, near.map_or_else(|| list.clone(), |near| format!("{near} {list}")));
    }
    if let Err(fault) = Shape::Name.check(env) {
        return problem(
            format!("name of the environment: {}", fault.message),
            fault.help.unwrap_or_else(|| "rename the file".to_owned()),
        );
    }
    Ok(dir.join(FOLDER).join(format!("{env}.toml")))
}

/// What the files of an environment say together, and the files.
struct Files {
    tree: Node,
    sources: Vec<Arc<Source>>,
}

/// Reads the file and what it extends, and merges them, the furthest first.
fn files(dir: &Path, first: &Path) -> Result<Files, Problems> {
    let mut sources = Vec::new();
    let mut chain: Vec<Node> = Vec::new();
    let mut seen: Vec<PathBuf> = Vec::new();
    let mut errors = Vec::new();
    let mut next = Some((first.to_owned(), Origin::Default));
    while let Some((path, asked)) = next.take() {
        let path = tidy(&path);
        if seen.contains(&path) {
            errors.push(cycle(dir, &seen, &path, &asked));
            break;
        }
        let name = shown(dir, &path);
        let source = match read(&path, &name) {
            Ok(source) => source,
            Err(message) => {
                errors.push(Diagnostic::error(message, &asked));
                break;
            }
        };
        seen.push(path.clone());
        sources.push(Arc::clone(&source));
        match parse(&source) {
            Ok(tree) => {
                next = extended(&path, &tree);
                chain.push(tree);
            }
            Err(syntax) => errors.extend(syntax),
        }
    }
    // Without one of the files, every key it has would be reported as missing.
    if !errors.is_empty() {
        sort(&mut errors);
        return Err(Problems(errors));
    }
    let mut merged = chain.pop().unwrap_or_else(Node::root);
    while let Some(over) = chain.pop() {
        merged.merge(over);
    }
    Ok(Files { tree: merged, sources })
}

fn extended(path: &Path, tree: &Node) -> Option<(PathBuf, Origin)> {
    let node = tree.get("extends")?;
    let Value::Text(name) = &node.value else { return None };
    Some((path.parent()?.join(name), node.origin.clone()))
}

fn cycle(dir: &Path, seen: &[PathBuf], path: &Path, asked: &Origin) -> Diagnostic {
    let ring: Vec<String> = seen.iter().chain([&path.to_owned()]).map(|path| shown(dir, path)).collect();
    Diagnostic::error("extends: the files extend one another in a ring", asked).note(ring.join(" extends "))
}

/// Reads a file under the name it is shown by.
///
/// # Errors
/// Says why it cannot be read.
pub(super) fn read(path: &Path, name: &str) -> Result<Arc<Source>, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("cannot read {name}: {error}"))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        format!("{name} is not UTF-8 text (byte {at})")
    })?;
    Ok(Source::file(name, text))
}

/// Takes `.` and `..` out of a path, as far as the text alone allows.
fn tidy(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => {
                let _ = out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

fn shown(dir: &Path, path: &Path) -> String {
    let dir = tidy(dir);
    path.strip_prefix(&dir).unwrap_or(path).display().to_string().replace('\\', "/")
}
