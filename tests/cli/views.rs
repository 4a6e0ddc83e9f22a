//! What is printed where: places in the TOML, documents, help, closed pipes.

use super::*;

#[test]
fn a_plan_points_at_its_lines() {
    let folder = Folder::new(SMALL);
    folder
        .rsds(&[&["plan"], &FAST])
        .exits(0)
        .prints("create consumer-readers-1/namespace")
        .prints("(environments/dev.toml:9)");
    folder.rsds(&[&["apply", "--auto-approve"], &FAST]).exits(0);
    folder
        .write("environments/dev.toml", &SMALL.replace("max_capacity = 16\n[protect]", "max_capacity = 32\n[protect]"));
    let changed = folder.rsds(&[&["plan", "--detailed-exitcode"], &FAST]).exits(2);
    insta::assert_snapshot!(changed, @r"
    exit 2
    --- stdout
    consumer-readers-1
      ~ update consumer-readers-1/workgroup (redshift-serverless.workgroup) · typical 2m
          max_capacity: 16 -> 32 (environments/dev.toml:11)

    Plan: 1 to update, 29 unchanged.
    Typically about 2m; longest: consumer-readers-1/workgroup
    Connections notice nothing.
    --- stderr
    sandbox: this is the AWS inside rsds, kept in .rsds/sandbox; its time runs 300 times faster
    ");
    let json = folder.rsds(&[&["plan", "--format", "json"], &FAST]).exits(0).document("rsds.plan/1");
    assert_eq!(json["changes"][0]["fields"][0]["origin"]["at"], "environments/dev.toml:11");
    assert_eq!((&json["summary"]["update"], &json["empty"]), (&1.into(), &false.into()));
    let set = ["plan", "--set", "consumers.readers.max_capacity=64"];
    folder.rsds(&[&set, &FAST]).exits(0).prints("16 -> 64 (--set consumers.readers.max_capacity=64)");
    folder.rsds(&[&["apply", "--auto-approve"], &FAST]).exits(0).prints("Apply complete: 1 updated");
    folder.rsds(&[&["plan", "--detailed-exitcode"], &FAST]).exits(0);
}

#[test]
fn a_reader_who_left_has_what_he_wanted() {
    let folder = Folder::new(SMALL);
    for command in [&["plan"][..], &["schema"], &["plan", "--json"], &["validate"], &["output"], &["man"], &["graph"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut rsds = folder.binary(&[command, &FAST]);
        let output = rsds.stdout(writer).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !err.contains("panicked"), "{command:?}: {} {err}", output.status);
    }
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut apply = folder.binary(&[&["apply", "--auto-approve"], &FAST]);
    let ended = apply.stdout(writer).stderr(Stdio::null()).status().unwrap();
    assert!(ended.success(), "{ended}");
    folder.rsds(&[&["plan", "--detailed-exitcode"], &FAST]).exits(0);
}

/// The commands that `--help` lists.
fn commands(folder: &Folder) -> Vec<String> {
    let help = folder.rsds(&[&["-h"]]).exits(0).out;
    let list = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    list.lines()
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn help_lists_what_there_is_and_nothing_names_what_there_is_not() {
    let folder = Folder::new(SMALL);
    let commands = commands(&folder);
    for expected in ["validate", "plan", "apply", "destroy", "show", "output", "state", "sandbox"] {
        assert!(commands.iter().any(|name| name == expected), "{commands:?}");
    }
    for name in commands.iter().filter(|name| *name != "help") {
        folder.rsds(&[&[name, "--help"]]).exits(0).prints(&format!("Usage: rsds {name}"));
    }
    folder.rsds(&[&["--help"]]).exits(0).prints("Exit codes: 0 done");
    let version = folder.rsds(&[&["--version"]]).exits(0);
    assert_eq!(version.out, format!("rsds {}\n", env!("CARGO_PKG_VERSION")));

    let mut files = BTreeMap::new();
    for place in ["src", "environments", "examples"] {
        collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join(place), &mut files);
    }
    for (path, bytes) in files {
        let text = String::from_utf8(bytes).unwrap();
        let told = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .flat_map(|line| line.split("`rsds ").skip(1));
        for rest in told {
            let name: String = rest.chars().take_while(char::is_ascii_lowercase).collect();
            assert!(name.is_empty() || commands.contains(&name), "{} names `rsds {name}`", path.display());
        }
    }
}

#[test]
fn quiet_and_json_keep_to_themselves() {
    let folder = Folder::new(SMALL);
    let quiet = folder.rsds(&[&["apply", "--auto-approve", "-q"], &FAST]).exits(0);
    assert_eq!(quiet.err.lines().count(), 1, "the sandbox says that it is one, whatever the verbosity: {quiet}");
    let json = folder.rsds(&[&["destroy", "--auto-approve", "--json"], &FAST]).exits(0);
    assert!(json.documents().len() > 30);
    let error = folder.rsds(&[&["output", "nope", "--json"], &FAST]).exits(1).document("rsds.errors/1");
    assert_eq!(error["errors"][0]["help"], "nothing has been applied yet: rsds apply");
    folder.rsds(&[&["validate", "--json"]]).exits(0).document("rsds.validate/1");
    folder.rsds(&[&["sandbox", "reset"]]).exits(0);
    assert!(!folder.path(".rsds/sandbox/world.json").exists());
}
