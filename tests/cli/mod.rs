//! The real binary, as a shell runs it: in a folder of its own, with a clean environment and no terminal.
//!
//! Only here do processes, signals, sockets and exit codes meet; what the library can prove in virtual time is
//! proven elsewhere. Nothing sleeps: a test waits for a line that the process writes, or for its end.

mod backend;
mod bad_input;
mod credentials;
mod cut_off;
mod forms;
mod graph;
mod import;
mod init;
mod interrupts;
mod life;
mod manual;
mod partly;
mod power;
mod saved;
mod snapshot;
mod sql;
mod state;
mod terminal;
mod views;

use rsds::{clock::Clock, sandbox::Sandbox};
use serde_json::Value as Json;
use std::{
    collections::BTreeMap,
    fmt,
    fs::{self, File},
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Stdio},
};

/// The smallest estate: one consumer, nothing protected. Tests know its lines.
const SMALL: &str = "\
project = \"demo\"
region = \"us-west-2\"
[networking]
vpc_cidr = \"10.40.0.0/16\"
[producer]
base_capacity = 8
max_capacity = 16
final_snapshot = false
[consumers.readers]
base_capacity = 8
max_capacity = 16
[protect]
addresses = []
";

/// `SMALL` with a cluster as its producer.
fn with_cluster() -> String {
    SMALL.replace("base_capacity = 8\nmax_capacity = 16\nfinal", "type = \"cluster\"\nfinal")
}

/// The sandbox, as fast as it makes sense.
const FAST: [&str; 3] = ["--sandbox", "--sandbox-speed", "300"];
/// The sandbox, slow enough to be met in the middle of its work.
const SLOW: [&str; 3] = ["--sandbox", "--sandbox-speed", "60"];

/// A folder with `environments/`, in which the binary runs.
struct Folder {
    dir: tempfile::TempDir,
    variables: BTreeMap<&'static str, String>,
}

/// What a process left behind when it ended.
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code.map_or_else(|| "by a signal".to_owned(), |code| code.to_string());
        write!(f, "exit {code}\n--- stdout\n{}--- stderr\n{}", self.out, self.err)
    }
}

impl Ran {
    /// Demands this exit code.
    #[track_caller]
    fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// Demands that standard error has this in it.
    #[track_caller]
    fn says(self, text: &str) -> Self {
        assert!(self.err.contains(text), "no {text:?} in\n{self}");
        self
    }

    /// Demands that standard output has this in it.
    #[track_caller]
    fn prints(self, text: &str) -> Self {
        assert!(self.out.contains(text), "no {text:?} in\n{self}");
        self
    }

    /// Every line of standard output as a document, each of which must name its format.
    #[track_caller]
    fn documents(&self) -> Vec<Json> {
        let documents: Result<Vec<Json>, _> = self.out.lines().map(serde_json::from_str).collect();
        assert!(documents.is_ok(), "{documents:?}: {self}");
        let documents = documents.unwrap();
        assert!(!documents.is_empty() && documents.iter().all(|json| json["format"].is_string()), "{self}");
        documents
    }

    /// The only document on standard output, which must be of this format.
    #[track_caller]
    fn document(&self, format: &str) -> Json {
        let mut documents = self.documents();
        assert_eq!((documents.len(), documents[0]["format"].as_str()), (1, Some(format)), "{self}");
        documents.remove(0)
    }
}

impl Folder {
    fn new(toml: &str) -> Self {
        let folder = Self { dir: tempfile::tempdir().unwrap(), variables: BTreeMap::new() };
        folder.write("environments/dev.toml", toml);
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.dir.path()).env_clear().envs(&self.variables).stdin(Stdio::null());
        command.envs([("PATH", "/usr/bin:/bin"), ("AWS_EC2_METADATA_DISABLED", "true"), ("USER", "ann")]);
        command.env("HOME", self.dir.path());
        command
    }

    fn binary(&self, arguments: &[&[&str]]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_rsds"));
        command.args(arguments.concat());
        command
    }

    /// Runs `rsds` to its end.
    fn rsds(&self, arguments: &[&[&str]]) -> Ran {
        let output = self.binary(arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Starts `rsds`.
    fn start(&self, arguments: &[&[&str]]) -> Running {
        let out = tempfile::NamedTempFile::new().unwrap();
        let mut command = self.binary(arguments);
        let mut child = command.stdout(File::create(out.path()).unwrap()).stderr(Stdio::piped()).spawn().unwrap();
        let err = BufReader::new(child.stderr.take().unwrap());
        Running { child, out, err, seen: String::new() }
    }

    /// The built-in AWS kept in this folder.
    fn sandbox(&self) -> Sandbox {
        Sandbox::open(&self.path(".rsds/sandbox"), Clock::system()).unwrap()
    }

    /// Every file, with what is in it; locks are no change.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(self.dir.path(), &mut files);
        files.retain(|path, _| !path.ends_with("lock") && !path.ends_with("world.lock"));
        files
    }
}

fn collect(dir: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => collect(&path, files),
            false => drop(files.insert(path.clone(), fs::read(path).unwrap())),
        }
    }
}

/// A process at work; ended with the test, however that ends.
struct Running {
    child: Child,
    out: tempfile::NamedTempFile,
    err: BufReader<ChildStderr>,
    seen: String,
}

impl Running {
    /// Waits for a line on standard error with this text in it, and returns it.
    fn until(&mut self, text: &str) -> String {
        loop {
            let mut line = String::new();
            let read = self.err.read_line(&mut line).unwrap();
            self.seen += &line;
            assert!(read > 0, "ended without saying {text:?}:\n{}", self.seen);
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Sends a signal: `INT`, `TERM`, `KILL`.
    fn signal(&self, name: &str) {
        let status =
            Command::new("/bin/kill").args([format!("-{name}"), self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for the end.
    fn end(mut self) -> Ran {
        let mut err = std::mem::take(&mut self.seen);
        self.err.read_to_string(&mut err).unwrap();
        let code = self.child.wait().unwrap().code();
        Ran { code, out: fs::read_to_string(self.out.path()).unwrap(), err }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Most have ended by themselves.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// How many things of each sort a world holds, whatever their names; what only remembers requests is left out.
fn census(sandbox: &Sandbox) -> BTreeMap<String, usize> {
    let world = serde_json::to_value(sandbox.world()).unwrap();
    let mut counts = BTreeMap::new();
    for (service, holds) in world.as_object().unwrap() {
        for (sort, things) in holds.as_object().into_iter().flatten() {
            if let Some(number) = things.as_object().map(serde_json::Map::len).or(things.as_array().map(Vec::len)) {
                counts.insert(format!("{service}.{sort}"), number);
            }
        }
    }
    counts.retain(|sort, _| !sort.ends_with(".tokens"));
    counts
}
