//! What only happens on a terminal, by way of util-linux's `script`: colour, the question, its answers.
#![cfg(target_os = "linux")]

use super::*;
use std::io::Write as _;

/// Runs `rsds` on a terminal on which somebody types; both streams arrive as one.
fn on_a_terminal(folder: &Folder, arguments: &[&str], types: &str) -> Ran {
    let line = [&[env!("CARGO_BIN_EXE_rsds")], arguments, &FAST].concat().join(" ");
    let mut command = folder.command("/usr/bin/script");
    command.args(["-qec", &line, "/dev/null"]).env("TERM", "xterm").env("LANG", "C.UTF-8");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut keyboard = child.stdin.take().unwrap();
    keyboard.write_all(types.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    drop(keyboard);
    Ran { code: output.status.code(), out: String::from_utf8_lossy(&output.stdout).into_owned(), err: String::new() }
}

#[test]
fn a_terminal_without_utf_8_gets_ascii() {
    let mut folder = Folder::new(SMALL);
    folder.rsds(&[&["apply", "--auto-approve"], &FAST]).exits(0);
    on_a_terminal(&folder, &["show"], "").exits(0).prints(" · ");
    // It wins over LANG, which the helper sets.
    folder.variables.insert("LC_ALL", "C".to_owned());
    let plain = on_a_terminal(&folder, &["show", "--color", "never"], "").exits(0).prints("demo dev - account");
    assert!(plain.out.is_ascii(), "{plain}");
}

#[test]
fn a_dumb_terminal_gets_no_colour() {
    let folder = Folder::new(SMALL);
    let line = format!("TERM=dumb {} plan {}", env!("CARGO_BIN_EXE_rsds"), FAST.join(" "));
    let mut command = folder.command("/usr/bin/script");
    let output = command.args(["-qec", &line, "/dev/null"]).output().unwrap();
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && out.contains("create") && !out.contains(COLOR), "{out}");
}

const COLOR: &str = "\u{1b}[";

#[test]
fn colour_is_for_terminals_that_want_it() {
    let mut folder = Folder::new(SMALL);
    on_a_terminal(&folder, &["plan"], "").exits(0).prints(COLOR).prints("create");
    let plain = folder.rsds(&[&["plan"], &FAST]).exits(0);
    assert!(!plain.to_string().contains(COLOR), "{plain}");
    folder.rsds(&[&["plan", "--color", "always"], &FAST]).exits(0).prints(COLOR);
    folder.variables.insert("NO_COLOR", "1".to_owned());
    let plain = on_a_terminal(&folder, &["plan"], "").exits(0).prints("create");
    assert!(!plain.out.contains(COLOR), "{plain}");
}

#[test]
fn only_the_whole_word_is_a_yes() {
    let folder = Folder::new(SMALL);
    for no in ["y\n", "no\n", "\n"] {
        let ran = on_a_terminal(&folder, &["apply"], no).exits(1);
        ran.prints("This will apply demo-dev in account 123456789012, us-west-2").prints("Nothing was changed.");
    }
    assert!(!folder.path(".rsds/sandbox/world.json").exists());
    on_a_terminal(&folder, &["apply"], "yes\n").exits(0).prints("Apply complete");
    on_a_terminal(&folder, &["destroy"], "yes\n").exits(0).prints("Destroy complete");
    assert_eq!(folder.sandbox().leftovers(), Vec::<String>::new());
}

#[test]
fn what_is_done_to_a_state_is_asked_about() {
    let folder = Folder::new(SMALL);
    folder.rsds(&[&["apply", "--auto-approve"], &FAST]).exits(0);
    let path = folder.path(".rsds/sandbox/state/dev/state.json");
    let before = fs::read(&path).unwrap();
    folder.rsds(&[&["state", "pull", "--out", "copy.json"], &FAST]).exits(0);
    let asked = [
        (vec!["state", "rm", "networking/vpc"], "This will forget 1 resource at"),
        (vec!["state", "push", "copy.json"], "This will put copy.json in the place of the state at"),
        (vec!["state", "rebuild"], "This will write a state with"),
    ];
    for (command, question) in &asked {
        on_a_terminal(&folder, command, "no\n").exits(1).prints(question).prints("Nothing was changed.");
        assert_eq!(fs::read(&path).unwrap(), before);
    }
    on_a_terminal(&folder, &asked[0].0, "yes\n").exits(0).prints("rsds import networking/vpc vpc-");
    on_a_terminal(&folder, &["state", "rebuild", "--color", "never"], "yes\n")
        .exits(0)
        .prints("recorded  networking/vpc vpc-");
    folder.rsds(&[&["plan", "--detailed-exitcode"], &FAST]).exits(0);
}
