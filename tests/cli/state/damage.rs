//! States that are not what rsds wrote, or not this environment's: told precisely, and the last good one is offered.

use super::*;
use rsds::state::FORMAT;
use sha2::{Digest as _, Sha256};

/// The command that an error says to type, without `rsds`.
fn offered(ran: &Ran) -> Vec<String> {
    let at = ran.err.find("rsds state history --restore ").unwrap_or_else(|| panic!("nothing offered: {ran}"));
    ran.err[at..].lines().next().unwrap().split_whitespace().skip(1).map(str::to_owned).collect()
}

/// A state in an envelope of its own, whatever it says.
fn sealed(state: &Json) -> String {
    let checksum = hex::encode(Sha256::digest(serde_json::to_vec(state).unwrap()));
    serde_json::to_string(&serde_json::json!({ "checksum": format!("sha256:{checksum}"), "state": state })).unwrap()
}

#[test]
fn every_damage_is_told_and_the_last_good_state_is_one_command_away() {
    let folder = applied();
    let whole = fs::read_to_string(folder.path(STATE)).unwrap();
    let census_before = census(&folder.sandbox());
    let edited = whole.replacen("\"airline", "\"", 1).replacen("10.40.0.0/16", "10.41.0.0/16", 1);
    let checksum = whole.replacen("sha256:", "sha256:0", 1);
    for (text, why) in [
        (&whole[..whole.len() / 2], "it was cut short at"),
        (&whole[..1], "it was cut short at"),
        ("", "it is empty"),
        ("{}", "it is no state of rsds"),
        (&edited, "its checksum does not match"),
        (&checksum, "its checksum does not match"),
    ] {
        fs::write(folder.path(STATE), text).unwrap();
        for command in [&["plan"] as &[&str], &["apply", "--auto-approve"], &["state", "list"], &["status"]] {
            folder.rsds(&[command, &FAST]).exits(1).says(why).says("nothing was changed in AWS");
        }
        let refused = folder.rsds(&[&["apply"], &APPROVED, &FAST]).exits(1);
        let typed = offered(&refused);
        let typed: Vec<&str> = typed.iter().map(String::as_str).collect();
        folder.rsds(&[&typed, &APPROVED, &FAST]).exits(0).says("cannot be compared");
        // The last good one is a write older: the next apply writes that write again.
        folder.rsds(&[&["apply"], &APPROVED, &FAST]).exits(0);
        folder.settled();
        assert_eq!(census(&folder.sandbox()), census_before);
    }
    let history = folder.state(&["history", "--json"]).exits(0).document("rsds.state_history/1");
    assert!(!history["damaged"].as_array().unwrap().is_empty(), "the damaged bytes stay: {history}");
}

#[test]
fn a_newer_format_is_refused_by_name_and_left_alone() {
    let folder = applied();
    let mut state = serde_json::to_value(folder.recorded()).unwrap();
    state["format"] = 99.into();
    fs::write(folder.path(STATE), sealed(&state)).unwrap();
    let there = fs::read(folder.path(STATE)).unwrap();
    for command in
        [&["plan"] as &[&str], &["apply", "--auto-approve"], &["state", "mv", "networking/vpc", "networking/x"]]
    {
        folder
            .rsds(&[command, &FAST])
            .exits(1)
            .says(&format!("has format 99, this rsds reads up to {FORMAT}: use a newer rsds"));
    }
    assert_eq!(fs::read(folder.path(STATE)).unwrap(), there);
}

#[test]
fn a_state_of_another_place_is_told_and_its_own_offered() {
    let folder = applied();
    // Another write of its own, so that the history has a run.
    folder.rsds(&[&["apply", "--set", "tags.who=me"], &APPROVED, &FAST]).exits(0);
    folder.rsds(&[&["apply"], &APPROVED, &FAST]).exits(0);
    let own = folder.recorded();
    let other = |state: State, says: &str| {
        folder.keep(&state, STATE);
        let refused = folder.rsds(&[&["apply"], &APPROVED, &FAST]).exits(1).says(says);
        let typed = offered(&refused);
        let typed: Vec<&str> = typed.iter().map(String::as_str).collect();
        folder.rsds(&[&typed, &APPROVED, &FAST]).exits(0);
        folder.rsds(&[&["apply"], &APPROVED, &FAST]).exits(0);
        folder.settled();
    };
    other(State { environment: "prod".into(), ..own.clone() }, "belongs to demo-prod");
    other(State { project: "freight".into(), ..own.clone() }, "belongs to freight-dev");
    other(State { account: Some("210987654321".into()), ..own.clone() }, "holds resources in account 210987654321");
    other(State { region: Some("eu-central-1".into()), ..own.clone() }, "holds resources in region eu-central-1");
    other(State { lineage: "another".into(), ..own }, "lineage another");
}

#[test]
fn a_state_of_format_1_is_read_and_written_as_the_newest() {
    let folder = applied();
    let mut old = serde_json::to_value(folder.recorded()).unwrap();
    old["format"] = 1.into();
    for later in ["run", "written"] {
        old.as_object_mut().unwrap().remove(later);
    }
    fs::write(folder.path(STATE), sealed(&old)).unwrap();
    fs::remove_dir_all(folder.path(".rsds/sandbox/state/dev/history")).unwrap();
    folder.settled();
    let text = fs::read_to_string(folder.path(STATE)).unwrap();
    assert!(text.contains("\"format\":1"), "looking writes nothing");

    folder.rsds(&[&["apply", "--set", "tags.who=me"], &APPROVED, &FAST]).exits(0);
    let new = folder.recorded();
    assert!(fs::read_to_string(folder.path(STATE)).unwrap().contains(&format!("\"format\": {FORMAT}")));
    assert_eq!(new.lineage, old["lineage"].as_str().unwrap());
    assert!(new.run.unwrap().command.contains("tags.who=me"));
    let told = folder.state(&["history"]).exits(0);
    let name = told.out.split("--restore ").nth(1).unwrap().split_whitespace().next().unwrap();
    let kept = fs::read_to_string(folder.path(&format!(".rsds/sandbox/state/dev/history/{name}"))).unwrap();
    assert!(kept.contains("\"format\":1"), "the old one is kept as it was");
    folder.state(&["history", "--restore", name, "--auto-approve"]).exits(0);
}
