//! The state commands where the state is kept in a bucket, and where it is lost.

use super::*;

const SHARED: &str = "[state]\nbackend = \"s3\"\nbucket = \"acme-rsds\"\nregion = \"eu-west-1\"\n";

#[test]
fn a_shared_state_is_mended_like_a_local_one() {
    let folder = Folder::new(&format!("{SMALL}{SHARED}"));
    folder.rsds(&[&["backend", "create"], &APPROVED, &FAST]).exits(0);
    folder.rsds(&[&["apply"], &APPROVED, &FAST]).exits(0);
    folder.state(&["pull", "--out", "first.json"]).exits(0);
    folder.state(&["rm", "consumer-readers", "--auto-approve"]).exits(0);
    let told = folder.state(&["history"]).exits(0).prints("deleted   consumer-readers-1/workgroup");
    let name = told.out.split("--restore ").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    folder.state(&["history", "--restore", &name, "--auto-approve"]).exits(0);
    folder.settled();
    folder.state(&["push", "first.json", "--auto-approve"]).exits(1).says("it is older");
    folder.state(&["push", "first.json", "--auto-approve", "--force"]).exits(0).prints("s3://acme-rsds/");
    folder.settled();
    folder.state(&["mv", "networking/vpc", "networking/net"]).exits(0);
    folder.state(&["mv", "networking/net", "networking/vpc"]).exits(0);
    folder.settled();

    let mut first = folder.start(&[&["apply", "--auto-approve", "--set", "consumers.readers.count=2"], &SLOW]);
    first.until("consumer-readers-2/role: created");
    folder.state(&["rm", "networking/vpc", "--auto-approve"]).exits(4).says("the state is locked by ann@");
    first.signal("KILL");
    first.end();
    // Nobody tells S3 that its holder is dead; people do.
    folder.state(&["unlock"]).exits(1).says("is held by ann@").says("there is no terminal to ask on");
    let free = folder.state(&["unlock", "--auto-approve", "--json"]).exits(0).document("rsds.state_lock/1");
    assert_eq!((&free["unlocked"], free["holder"]["who"].as_str()), (&true.into(), Some("ann")));
    folder.rsds(&[&["apply", "--set", "consumers.readers.count=2"], &APPROVED, &FAST]).exits(0);
}

#[test]
fn a_lost_state_is_made_anew_and_the_next_plan_is_empty() {
    let folder = applied();
    let before = folder.recorded();
    fs::remove_dir_all(folder.path(".rsds/sandbox/state")).unwrap();
    for command in [&["plan"] as &[&str], &["apply", "--auto-approve"], &["destroy", "--auto-approve"], &["status"]] {
        let refused = folder.rsds(&[command, &FAST]).exits(1).says("there is no state at").says(&before.lineage);
        refused.says("rsds state pull").says("rsds state rebuild");
    }
    folder.state(&["rebuild"]).exits(1).says("there is no terminal to ask on");
    let made = folder.state(&["rebuild", "--auto-approve", "--json"]).exits(0);
    let made = made.says("recorded  networking/vpc").document("rsds.state_written/1");
    assert_eq!(made["changed"].as_array().unwrap().len(), before.entries.len());
    assert_eq!((&made["undecided"], &made["absent"]), (&serde_json::json!([]), &serde_json::json!([])));
    assert_eq!(made["lineage"], before.lineage);
    assert_eq!(folder.recorded().entries, before.entries);
    folder.settled();

    // A file that only went away is offered first.
    fs::remove_file(folder.path(STATE)).unwrap();
    folder.rsds(&[&["apply", "--set", "tags.a=b"], &APPROVED, &FAST]).exits(1).says("rsds state rebuild");
    folder.state(&["rebuild", "--auto-approve"]).exits(0);
    folder.rsds(&[&["apply", "--set", "tags.a=b"], &APPROVED, &FAST]).exits(0);
    fs::remove_file(folder.path(STATE)).unwrap();
    folder.rsds(&[&["plan"], &FAST]).exits(1).says("the last state here was").says("rsds state history --restore");
    folder.state(&["rebuild", "--auto-approve", "--lineage", "x"]).exits(1).says("carries lineage x");
    let made = folder.state(&["rebuild", "--auto-approve"]).exits(0);
    made.says("Found by the tags of demo-dev, lineage");
    folder.rsds(&[&["plan", "--detailed-exitcode", "--set", "tags.a=b"], &FAST]).exits(0);
}
