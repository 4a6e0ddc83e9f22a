//! A shared state through the binary: its bucket, a life of an estate with it, and moves there and back.

use super::*;

const SHARED: &str = "[state]\nbackend = \"s3\"\nbucket = \"acme-rsds\"\nregion = \"eu-west-1\"\n";
const PLACE: &str = "s3://acme-rsds/rsds/demo/dev/state.json";

fn shared() -> String {
    format!("{SMALL}{SHARED}")
}

/// Keys in the bucket.
fn keys(folder: &Folder) -> Vec<String> {
    let world = folder.sandbox().world_in("aws-global");
    let objects = &world.s3.buckets["acme-rsds"].objects;
    objects.iter().filter(|(_, versions)| !versions.last().unwrap().marker).map(|(key, _)| key.clone()).collect()
}

#[test]
fn an_estate_lives_with_a_shared_state() {
    let folder = Folder::new(&shared());
    let none = folder.rsds(&[&["apply", "--auto-approve"], &FAST]).exits(1).says("NoSuchBucket");
    none.says("rsds backend create");
    folder.rsds(&[&["backend", "create"], &FAST]).exits(1).says("--auto-approve").says("make the bucket");
    let made = folder.rsds(&[&["backend", "create", "--auto-approve", "--json"], &FAST]).exits(0);
    assert_eq!(made.document("rsds.backend/1")["changed"].as_array().unwrap().len(), 7, "{made}");
    folder.rsds(&[&["backend", "create"], &FAST]).exits(0).prints("Nothing to do");

    folder.rsds(&[&["apply", "--auto-approve"], &FAST]).exits(0).prints("Apply complete");
    assert!(!folder.path(".rsds/sandbox/state/dev/state.json").exists());
    assert_eq!(keys(&folder), ["rsds/demo/dev/state.json"], "the lock was let go");
    folder.rsds(&[&["plan", "--detailed-exitcode"], &FAST]).exits(0).prints("No changes.");
    folder.rsds(&[&["show"], &FAST]).exits(0).prints("networking");
    folder.rsds(&[&["output", "vpc_id"], &FAST]).exits(0);
    let saved = folder.rsds(&[&["plan", "--out", "p", "--set", "tags.a=b"], &FAST]);
    saved.exits(0);
    folder.rsds(&[&["apply", "p"], &FAST]).exits(0).prints("Apply complete");
    folder.rsds(&[&["destroy", "--auto-approve"], &FAST]).exits(0).prints("Destroy complete");
    assert_eq!(folder.sandbox().leftovers(), ["aws-global/s3"]);
}

#[test]
fn a_state_moves_there_and_back_and_is_never_begun_anew() {
    let folder = Folder::new(SMALL);
    folder.rsds(&[&["apply", "--auto-approve"], &FAST]).exits(0);
    folder.write("environments/dev.toml", &shared());
    folder.rsds(&[&["backend", "create", "--auto-approve"], &FAST]).exits(0);
    for command in [&["plan"][..], &["apply", "--auto-approve"], &["show"], &["status"]] {
        let refused = folder.rsds(&[command, &FAST]).exits(1).says(&format!("there is no state at {PLACE}"));
        refused.says("state.json").says("rsds backend move");
    }
    folder.rsds(&[&["backend", "move"], &FAST]).exits(1).says("rsds backend move --auto-approve");
    let moved = folder.rsds(&[&["backend", "move", "--auto-approve", "--json"], &FAST]).exits(0);
    let moved = moved.document("rsds.backend/1");
    assert_eq!((moved["to"].as_str(), &moved["moved"]), (Some(PLACE), &true.into()));
    assert!(folder.path(".rsds/sandbox/state/dev/state.json.moved-to-s3").exists());
    assert!(!folder.path(".rsds/sandbox/state/dev/state.json").exists());
    folder.rsds(&[&["plan", "--detailed-exitcode"], &FAST]).exits(0).prints("No changes.");
    folder.rsds(&[&["backend", "move"], &FAST]).exits(0).prints("Nothing to do");

    folder.write("environments/dev.toml", SMALL);
    folder.rsds(&[&["plan"], &FAST]).exits(1).says(PLACE).says("rsds backend move");
    folder.rsds(&[&["backend", "move", "--auto-approve"], &FAST]).exits(0).prints("was read back");
    folder.rsds(&[&["plan", "--detailed-exitcode"], &FAST]).exits(0).prints("No changes.");
    let left = keys(&folder);
    assert!(left.len() == 1 && left[0].starts_with("rsds/demo/dev/state.json.moved-"), "{left:?}");

    // A move that was cut off before its last step goes on; two states that differ are for people.
    let here = folder.path(".rsds/sandbox/state/dev/state.json");
    folder.write("environments/dev.toml", &shared());
    fs::copy(&here, folder.path("copy.json")).unwrap();
    folder.rsds(&[&["backend", "move", "--auto-approve"], &FAST]).exits(0);
    fs::copy(folder.path("copy.json"), &here).unwrap();
    folder.rsds(&[&["backend", "move"], &FAST]).exits(0);
    assert!(folder.path(".rsds/sandbox/state/dev/state.json.moved-to-s3-3").exists());
    folder.rsds(&[&["apply", "--auto-approve", "--set", "tags.a=b"], &FAST]).exits(0);
    fs::copy(folder.path("copy.json"), &here).unwrap();
    folder.rsds(&[&["backend", "move", "--auto-approve"], &FAST]).exits(1).says("of the same lineage");
    let unused = folder.rsds(&[&["plan", "--detailed-exitcode", "--set", "tags.a=b"], &FAST]).exits(0);
    unused.says("state.json is not used").says(PLACE);
}

/// The first run is stopped as a laptop that sleeps is, while the AWS it works on goes on; when it wakes, another run has
/// made all there was to make.
#[test]
fn a_process_that_slept_stops_and_says_who_has_taken_over() {
    let served = super::life::serve();
    let mut folder = Folder::new(&shared());
    folder.variables.insert("AWS_ENDPOINT_URL", served.url.clone());
    folder.variables.insert("AWS_ACCESS_KEY_ID", rsds::sandbox::ACCESS_KEY_ID.to_owned());
    folder.variables.insert("AWS_SECRET_ACCESS_KEY", rsds::sandbox::SECRET_ACCESS_KEY.to_owned());
    folder.rsds(&[&["backend", "create", "--auto-approve"]]).exits(0);
    let mut first = folder.start(&[&["apply", "--auto-approve"]]);
    first.until("/workgroup: creating");
    first.signal("STOP");
    // The clock of this S3 runs 2000 times faster: a lease is dead in no time.
    let second = folder.rsds(&[&["apply", "--auto-approve", "--lock-timeout", "1m"]]).exits(0);
    second.says("The lock of a run that died is taken over: ann@");
    let census_then = census(&served.folder.sandbox());
    first.signal("CONT");
    first.end().exits(4).says("was taken over by ann@").says("let the other run end");
    assert_eq!(census(&served.folder.sandbox()), census_then);
    folder.rsds(&[&["plan", "--detailed-exitcode"]]).exits(0).prints("No changes.");
}

#[test]
fn two_at_once_are_kept_apart_and_ctrl_c_lets_go() {
    let folder = Folder::new(&shared());
    folder.rsds(&[&["backend", "create", "--auto-approve"], &FAST]).exits(0);
    let mut first = folder.start(&[&["apply", "--auto-approve"], &SLOW]);
    first.until("networking/vpc: created");
    let pid = first.child.id();
    let second = folder.rsds(&[&["apply", "--auto-approve"], &SLOW]).exits(4).says("the state is locked by ann@");
    second.says(&format!("(pid {pid})")).says("--lock-timeout");
    first.signal("INT");
    first.end().exits(130).prints("Apply incomplete");
    assert_eq!(keys(&folder)[0], "rsds/demo/dev/state.json");
    assert!(!keys(&folder).contains(&"rsds/demo/dev/state.json.lock".to_owned()));
    folder.rsds(&[&["destroy", "--auto-approve"], &FAST]).exits(0);
    assert_eq!(folder.sandbox().leftovers(), ["aws-global/s3"]);
}

/// A killed run leaves its lease behind: it is named, and people need not wait for its end.
#[test]
fn the_state_commands_work_on_a_shared_state() {
    let folder = Folder::new(&shared());
    folder.rsds(&[&["backend", "create", "--auto-approve"], &FAST]).exits(0);
    let mut first = folder.start(&[&["apply", "--auto-approve"], &SLOW]);
    first.until("networking/vpc: created");
    let pid = first.child.id();
    first.signal("KILL");
    first.end();
    folder.rsds(&[&["apply", "--auto-approve"], &FAST]).exits(4).says(&format!("(pid {pid})"));
    folder
        .rsds(&[&["state", "unlock", "--auto-approve"], &FAST])
        .exits(0)
        .says(&format!("(pid {pid})"))
        .prints("is free");
    folder.rsds(&[&["apply", "--auto-approve"], &FAST]).exits(0).prints("Apply complete");
    folder.rsds(&[&["apply", "--auto-approve", "--set", "tags.a=b"], &FAST]).exits(0);

    let pulled = folder.rsds(&[&["state", "pull"], &FAST]).exits(0).out;
    folder.write("pulled.json", &pulled);
    folder.rsds(&[&["state", "list"], &FAST]).exits(0).prints("networking/vpc");
    let history = folder.rsds(&[&["state", "history", "--json"], &FAST]).exits(0).out;
    assert!(history.contains("run-") && history.contains("version-"), "{history}");
    folder.rsds(&[&["state", "rm", "nlb/target-group-5439", "--auto-approve"], &FAST]).exits(0);
    folder.rsds(&[&["state", "push", "pulled.json", "--auto-approve"], &FAST]).exits(1).says("serial");
    folder.rsds(&[&["state", "push", "pulled.json", "--auto-approve", "--force"], &FAST]).exits(0);
    folder.rsds(&[&["plan", "--detailed-exitcode", "--set", "tags.a=b"], &FAST]).exits(0).prints("No changes.");
    assert!(!keys(&folder).contains(&"rsds/demo/dev/state.json.lock".to_owned()));
}

#[test]
fn a_bucket_of_somebody_else_and_a_local_state_have_answers() {
    let folder = Folder::new(&shared().replace("acme-rsds", "terraform-state"));
    folder.rsds(&[&["backend", "create", "--auto-approve"], &FAST]).exits(1).says("belongs to somebody else");
    let local = Folder::new(SMALL);
    local.rsds(&[&["backend", "create"], &FAST]).exits(1).says("the state of this environment is local");
    local.rsds(&[&["backend", "move"], &FAST]).exits(0).prints("Nothing to do");
}

#[test]
fn over_a_socket_the_bucket_is_in_the_path() {
    let served = super::life::serve();
    let mut folder = Folder::new(&shared());
    folder.variables.insert("AWS_ENDPOINT_URL", served.url.clone());
    folder.variables.insert("AWS_ACCESS_KEY_ID", rsds::sandbox::ACCESS_KEY_ID.to_owned());
    folder.variables.insert("AWS_SECRET_ACCESS_KEY", rsds::sandbox::SECRET_ACCESS_KEY.to_owned());
    folder.rsds(&[&["backend", "create", "--auto-approve"]]).exits(0);
    let only = ["apply", "--auto-approve", "--target", "networking/vpc"];
    folder.rsds(&[&only]).exits(0).prints("Apply complete");
    folder.rsds(&[&["show"]]).exits(0).prints("vpc");
    assert_eq!(keys(&served.folder), ["rsds/demo/dev/state.json"]);
    // The estate's own endpoint may be another one than that of S3.
    folder.variables.insert("AWS_ENDPOINT_URL_S3", served.url.clone());
    folder.variables.insert("AWS_ENDPOINT_URL", "http://127.0.0.1:1".to_owned());
    folder.rsds(&[&["show"]]).exits(0).prints("vpc");
}

#[test]
fn a_local_state_in_a_pipeline_is_warned_of() {
    let served = super::life::serve();
    let mut folder = Folder::new(SMALL);
    folder.variables.insert("AWS_ENDPOINT_URL", served.url.clone());
    folder.variables.insert("AWS_ACCESS_KEY_ID", rsds::sandbox::ACCESS_KEY_ID.to_owned());
    folder.variables.insert("AWS_SECRET_ACCESS_KEY", rsds::sandbox::SECRET_ACCESS_KEY.to_owned());
    folder.variables.insert("CI", "true".to_owned());
    let only = ["apply", "--auto-approve", "--target", "networking/vpc"];
    folder.rsds(&[&only]).exits(0).says("most pipelines throw away");
}
