//! `--format markdown` and `--format github`, and what every form keeps to: terminals of all sorts, streams that end.

use super::*;

/// A line of a diff: the reader's maximum rises.
const WIDER: [&str; 2] = ["--set", "consumers.readers.max_capacity=32"];

fn applied() -> Folder {
    let folder = Folder::new(SMALL);
    folder.rsds(&[&["apply", "--auto-approve"], &FAST]).exits(0);
    folder
}

#[test]
fn a_comment_names_environment_and_sums_first() {
    let folder = applied();
    let fresh = folder.rsds(&[&["plan", "--format", "markdown"], &FAST]).exits(0);
    let nothing = "### <code>dev</code> · No changes. 30 resources are as the TOML says.\n<!-- rsds:plan:dev -->\n";
    assert_eq!(fresh.out, nothing, "{fresh}");
    let wider = folder.rsds(&[&["plan", "--format", "markdown"], &WIDER, &FAST]).exits(0);
    assert!(
        wider.out.starts_with("### <code>dev</code> · Plan: 1 to update, 29 unchanged.\n<!-- rsds:plan:dev -->\n"),
        "{wider}"
    );
    wider.prints("<summary>consumer-readers-1: 1 update</summary>").prints("max_capacity: 16 -> 32 (--set consumers");
    let destroy = folder.rsds(&[&["plan", "--destroy", "--format", "markdown"], &FAST]).exits(0);
    destroy.prints("<details open><summary>Replaced or deleted: 30 resources</summary>");
    let done = folder.rsds(&[&["apply", "--auto-approve", "--format", "markdown"], &WIDER, &FAST]).exits(0);
    let done = done.says("update consumer-readers-1/workgroup").prints("<!-- rsds:apply:dev -->");
    assert_eq!(done.out.matches("###").count(), 1, "the plan went to the log: {done}");
    folder
        .rsds(&[&["show", "--format", "markdown"], &FAST])
        .exits(0)
        .prints("\n```\n")
        .prints("<!-- rsds:show:dev -->");
}

#[test]
fn a_comment_says_why_there_is_no_plan() {
    let folder = Folder::new(&SMALL.replace("vpc_cidr", "vpc_cdir"));
    let ran = folder.rsds(&[&["plan", "--format", "markdown"], &FAST]).exits(1).says("unknown key `vpc_cdir`");
    ran.prints("· The TOML is wrong: ").prints("<!-- rsds:plan:dev -->").prints("unknown key `vpc_cdir`");
}

#[test]
fn what_a_tag_holds_stays_text() {
    let tags = "[tags]\nnote = \"```</details>|@team::error::x\"\n[producer]";
    let folder = Folder::new(&SMALL.replace("[producer]", tags));
    let ran = folder.rsds(&[&["plan", "--format", "markdown"], &FAST]).exits(1).prints("|@team::error::x");
    let fences: Vec<&str> = ran.out.lines().filter(|line| line.starts_with("```")).collect();
    assert_eq!(fences, ["`````text", "`````"], "longer than any fence inside: {ran}");
}

#[test]
fn a_job_gets_annotations_a_fold_and_a_summary() {
    let mut folder = applied();
    folder.write(
        "infra/environments/dev.toml",
        &SMALL.replace("max_capacity = 16\n[protect]", "max_capacity = 32\n[protect]"),
    );
    fs::rename(folder.path(".rsds"), folder.path("infra/.rsds")).unwrap();
    let summary = folder.path("summary.md");
    folder.variables.insert("GITHUB_STEP_SUMMARY", summary.display().to_string());
    folder.variables.insert("GITHUB_WORKSPACE", folder.dir.path().display().to_string());
    let ran = folder.rsds(&[&["-C", "infra", "plan", "--format", "github"], &FAST]).exits(0);
    let lines: Vec<&str> = ran.out.lines().collect();
    let at = "::notice file=infra/environments/dev.toml,line=11,col=";
    assert!(lines[0].starts_with(at), "{ran}");
    assert!(
        lines[0].ends_with("title=update consumer-readers-1/workgroup::consumer-readers-1/workgroup: max_capacity"),
        "{ran}"
    );
    assert_eq!((lines[1], lines.last()), ("::group::rsds plan", Some(&"::endgroup::")), "{ran}");
    assert!(lines[2].starts_with("::stop-commands::"), "{ran}");
    ran.prints("max_capacity: 16 -> 32 (environments/dev.toml:11)");
    let replaced = ["-C", "infra", "plan", "--replace", "consumer-readers-1/workgroup", "--format", "github"];
    folder.rsds(&[&replaced, &FAST]).exits(0).prints("::warning file=infra/environments/dev.toml,line=");
    let written = fs::read_to_string(&summary).unwrap();
    assert_eq!(written.matches("<!-- rsds:plan:dev -->").count(), 2, "{written}");
    fs::write(&summary, vec![b'x'; 1024 * 1024]).unwrap();
    folder.rsds(&[&["-C", "infra", "plan", "--format", "github"], &FAST]).exits(0).says("summary is full");
    assert_eq!(fs::metadata(&summary).unwrap().len(), 1024 * 1024);
}

#[test]
fn a_job_gets_mistakes_at_their_lines() {
    let mut folder = Folder::new(&SMALL.replace("[producer]", "[producer]\nprot = 5439"));
    let ran = folder.rsds(&[&["validate", "--format", "github"]]).exits(1).says("unknown key `prot`");
    let expected = "::error file=environments/dev.toml,line=6,col=1,title=not a key rsds knows::unknown key `prot`";
    ran.prints(expected).prints("%0Ahelp: did you mean `port`?");
    folder.write("environments/dev.toml", SMALL);
    folder.variables.insert("GITHUB_STEP_SUMMARY", "/nowhere/summary.md".to_owned());
    folder.rsds(&[&["validate", "--format", "github"]]).exits(0).prints("::group::rsds validate").says("cannot write");
    let failed = ["plan", "--target", "nbl", "--format", "github"];
    folder.rsds(&[&failed, &FAST]).exits(1).prints("::error title=").prints("matches no resource");
}

#[test]
fn status_says_how_it_runs_and_what_drifts() {
    let folder = applied();
    let before = folder.files();
    let well = folder.rsds(&[&["status"], &FAST]).exits(0);
    assert!(folder.files() == before, "looking changes nothing");
    well.prints("producer ready · ")
        .prints("Nothing drifts: 30 resources as rsds left them.")
        .prints("No changes pending.");
    let json = folder.rsds(&[&["status", "--json"], &FAST]).exits(0).document("rsds.status/1");
    assert_eq!((&json["ready"], &json["drift"]["of"]), (&true.into(), &30.into()));
    let nlb = json["components"].as_array().unwrap().iter().find(|part| part["component"] == "nlb").unwrap().clone();
    assert!(nlb.to_string().contains("\"dns_name\":"), "{nlb}");
    let markdown = folder.rsds(&[&["status", "--format", "markdown"], &FAST]).exits(0);
    markdown.prints("### <code>dev</code> · all 30 resources ready, no drift known\n<!-- rsds:status:dev -->");
    folder.rsds(&[&["status", "--format", "github"], &FAST]).exits(0).prints("::group::rsds status");
    folder.rsds(&[&["status"], &WIDER, &FAST]).exits(0).prints("Changes pending: 1 to update; rsds plan shows them.");
    // What the TOML wants anew is no drift.
    folder.rsds(&[&["status", "--detailed-exitcode"], &WIDER, &FAST]).exits(0);
}

#[test]
fn status_before_anything_stands() {
    let folder = Folder::new(SMALL);
    folder.rsds(&[&["status"], &FAST]).exits(0).prints("· 0 resources").prints("Changes pending: 30 to create");
    assert!(!folder.path(".rsds/sandbox/state").exists());
}

#[test]
fn every_width_and_locale_is_fine() {
    let mut folder = applied();
    for columns in ["40", "1", "0", "-3", "abc", "100000"] {
        folder.variables.insert("COLUMNS", columns.to_owned());
        for command in ["plan", "status", "show", "output", "validate"] {
            let ran = folder.rsds(&[&[command], &WIDER, &FAST]).exits(0);
            assert!(!ran.err.contains("panicked"), "{ran}");
        }
    }
    folder.variables.insert("COLUMNS", "40".to_owned());
    let narrow = folder.rsds(&[&["plan"], &WIDER, &FAST]).exits(0);
    let spaced = |line: &str| line.trim().contains(' ') && line.chars().count() > 40;
    assert!(!narrow.out.lines().any(spaced), "{narrow}");
}

#[test]
fn streams_that_are_gone_or_full() {
    let folder = applied();
    let shell = |script: &str| {
        let mut command = folder.command("/bin/sh");
        command.env("RSDS", env!("CARGO_BIN_EXE_rsds")).args(["-c", script]).stderr(Stdio::piped());
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Ran { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    };
    let first = shell("$RSDS show --sandbox | head -n 1").exits(0);
    assert!(first.out.starts_with("demo dev") && first.err.lines().count() == 1, "{first}");
    for script in [
        "$RSDS plan --sandbox >&-",
        "$RSDS plan --sandbox 2>&-",
        "$RSDS plan --sandbox --format github >&- 2>&-",
        "($RSDS plan --sandbox -vvv 2>&1 >/dev/null; echo $? >&3) 3>&2 | head -c 1 >/dev/null",
    ] {
        let ran = shell(script).exits(0);
        assert!(!ran.to_string().contains("panicked"), "{script}: {ran}");
    }
    if Path::new("/dev/full").exists() {
        shell("$RSDS plan --sandbox >/dev/full").exits(1).says("standard output cannot be written");
    }
}
