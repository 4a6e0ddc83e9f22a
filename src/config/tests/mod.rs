//! Tests of the whole way from files to a configuration, each through `load` on a folder of its own.

mod loading;
mod network;
mod real;
mod references;
mod robust;
mod warehouses;

use super::{Diagnostic, Environment, Origin, Problems, load};

/// A file with nothing wrong, 7 lines long.
const GOOD: &str = "\
project = \"airline\"
region = \"us-west-2\"
[networking]
vpc_cidr = \"10.40.0.0/16\"
[producer]
base_capacity = 8
[consumers.analytics]
";

/// A folder with files in it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("environments")).unwrap();
        for (name, text) in files {
            std::fs::write(dir.path().join("environments").join(name), text).unwrap();
        }
        Self(dir)
    }

    fn load(&self, env: &str, sets: &[&str]) -> Result<Environment, Problems> {
        let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
        load(self.0.path(), env, &sets)
    }
}

fn dev(text: &str) -> Result<Environment, Problems> {
    Folder::new(&[("dev.toml", text)]).load("dev", &[])
}

fn good(text: &str) -> Environment {
    dev(text).unwrap_or_else(|problems| panic!("{}", problems.render(false, 120)))
}

/// `GOOD` with its line `number` (from 1) replaced by `line`, which may be several.
fn with(number: usize, line: &str) -> String {
    let mut lines: Vec<&str> = GOOD.lines().collect();
    lines[number - 1] = line;
    lines.join("\n") + "\n"
}

fn line_of(problem: &Diagnostic) -> usize {
    match &problem.origin {
        Origin::File { line, .. } => *line,
        _ => 0,
    }
}

/// Asserts that the file has exactly these errors: line, and a part of message or help.
fn refused(text: &str, expected: &[(usize, &str)]) {
    let problems = dev(text).map(|environment| environment.config).unwrap_err();
    matches(&problems, expected);
}

fn matches(problems: &Problems, expected: &[(usize, &str)]) {
    let shown = problems.render(false, 140);
    assert_eq!(problems.0.len(), expected.len(), "{shown}");
    for (problem, (line, part)) in problems.0.iter().zip(expected) {
        let text = format!("{problem}");
        assert!(line_of(problem) == *line && text.contains(part), "expected line {line}, {part:?}:\n{shown}");
    }
}
