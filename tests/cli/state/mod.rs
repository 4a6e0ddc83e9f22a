//! The state commands, as they are typed: looking, mending, going back.

mod damage;
mod elsewhere;

use super::*;
use rsds::state::{State, envelope};

const STATE: &str = ".rsds/sandbox/state/dev/state.json";
const APPROVED: [&str; 1] = ["--auto-approve"];

/// A folder whose estate stands.
fn applied() -> Folder {
    let folder = Folder::new(SMALL);
    folder.rsds(&[&["apply"], &APPROVED, &FAST]).exits(0);
    folder
}

impl Folder {
    /// Runs a state command that agrees with itself.
    fn state(&self, arguments: &[&str]) -> Ran {
        self.rsds(&[&["state"], arguments, &FAST])
    }

    fn recorded(&self) -> State {
        envelope::open("x", &fs::read(self.path(STATE)).unwrap()).unwrap()
    }

    fn keep(&self, state: &State, name: &str) {
        fs::write(self.path(name), envelope::seal(state).unwrap()).unwrap();
    }

    /// Demands that a plan has nothing to do.
    #[track_caller]
    fn settled(&self) {
        self.rsds(&[&["plan", "--detailed-exitcode"], &FAST]).exits(0);
    }
}

#[test]
fn looking() {
    let folder = applied();
    let all = folder.state(&["list"]).exits(0).out;
    let group = folder.state(&["list", "consumer-readers"]).exits(0).out;
    assert!(group.lines().count() > 4 && group.lines().all(|line| line.starts_with("consumer-readers-1/")), "{group}");
    let picked = folder.state(&["list", "*/workgroup", "networking/vpc", "--json"]).exits(0);
    let picked = picked.document("rsds.addresses/1");
    assert_eq!(picked["addresses"].as_array().unwrap().len(), 3, "{picked}");
    assert!(all.lines().count() > 25);
    folder
        .state(&["list", "consumer-reader"])
        .exits(1)
        .says("`consumer-reader` matches nothing")
        .says("consumer-readers");

    let shown = folder.state(&["show", "producer/workgroup"]).exits(0);
    let shown = shown.prints("redshift-serverless.workgroup").prints("base_capacity:").prints("rsds:lineage:");
    shown.prints("depends on").prints("    producer/namespace");
    let shown = folder.state(&["show", "networking/vpc", "--json"]).exits(0).document("rsds.resource/1");
    assert!(shown["needed_by"].as_array().unwrap().contains(&"networking/subnet-1".into()), "{shown}");
    folder.state(&["show", "networking/vp"]).exits(1).says("networking/vpc");
}

#[test]
fn a_group_gets_another_name_and_the_plan_writes_its_owner_tags() {
    let folder = applied();
    let renamed = SMALL.replace("consumers.readers", "consumers.analysts");
    folder.state(&["mv", "consumer-readers", "networking/x"]).exits(1).says("are not alike");
    folder.write("environments/dev.toml", &renamed);
    let moved = folder.state(&["mv", "consumer-readers", "consumer-analysts"]).exits(0);
    let moved = moved.prints("consumer-readers-1/workgroup → consumer-analysts-1/workgroup");
    let moved = moved.says("writes the owner tags of").says("[resources.\"consumer-analysts-1/workgroup\"]");
    // What it says to add is added, as it stands there.
    let pins = moved.err.split("add to the TOML:\n").nth(1).unwrap();
    folder.write("environments/dev.toml", &format!("{renamed}{pins}"));
    let plan = folder.rsds(&[&["plan", "--json", "--detailed-exitcode"], &FAST]).exits(2).document("rsds.plan/1");
    let changes = plan["changes"].as_array().unwrap();
    for change in changes {
        assert_eq!(change["action"], "update", "{change}");
        for field in change["fields"].as_array().unwrap() {
            // What a role is described as follows the reader's name too.
            let what = (field["field"].as_str().unwrap(), field["key"].as_str());
            let expected = [("tags", Some("rsds:address")), ("tags", Some("Name")), ("description", None)];
            assert!(expected.contains(&what), "{field}");
        }
    }
    let tagged: Vec<&str> = changes.iter().map(|change| change["address"].as_str().unwrap()).collect();
    assert!(tagged.iter().all(|address| address.starts_with("consumer-analysts-1/")), "{tagged:?}");
    assert!(tagged.contains(&"consumer-analysts-1/namespace") && !tagged.contains(&"consumer-analysts-1/targets"));
    let before = census(&folder.sandbox());
    folder.rsds(&[&["apply"], &APPROVED, &FAST]).exits(0);
    folder.settled();
    assert_eq!(census(&folder.sandbox()), before, "nothing was made anew");
}

#[test]
fn what_the_toml_does_not_ask_for_would_go() {
    let folder = applied();
    let moved = folder.state(&["mv", "networking/vpc", "networking/net", "--json"]).exits(0);
    let moved = moved.says("the TOML does not ask for networking/net: the next apply would delete it");
    let document = moved.document("rsds.state_written/1");
    assert_eq!(document["moved"][0]["to"], "networking/net");
    assert_eq!((&document["command"], &document["retagged"][0]), (&"mv".into(), &"networking/net".into()));
    let state = folder.recorded();
    let subnet = &state.entries[&"networking/subnet-1".parse().unwrap()];
    assert!(subnet.depends_on.iter().any(|edge| edge.on.to_string() == "networking/net"), "{subnet:?}");
    folder
        .state(&["mv", "networking/net", "networking/subnet-1"])
        .exits(1)
        .says("networking/subnet-1 is taken already");
    let kind = folder.state(&["rm", "networking/subnet-1", "--auto-approve"]).exits(0);
    kind.says("depends on networking/subnet-1");
    folder.state(&["mv", "networking/net", "networking/subnet-1"]).exits(1).says("the TOML asks for a ec2.subnet at");
}

#[test]
fn what_was_forgotten_is_taken_back_by_the_commands_it_prints() {
    let folder = applied();
    let before = census(&folder.sandbox());
    let refused = folder.state(&["rm", "producer/role"]).exits(1);
    refused.says("there is no terminal to ask on").says("--auto-approve");
    folder.state(&["rm", "producer/rol", "--auto-approve"]).exits(1).says("near: ");
    let gone = folder
        .state(&["rm", "consumer-readers-1/role", "consumer-readers-1/role-policy-attachment", "--auto-approve"])
        .exits(0);
    let gone =
        gone.says("in AWS they stay, with their owner tags").says("consumer-readers-1/namespace stays and depends on");
    let commands: Vec<Vec<String>> = gone
        .out
        .lines()
        .filter_map(|line| line.trim().strip_prefix("rsds "))
        .map(|line| line.split(' ').map(|word| word.trim_matches('\'').to_owned()).collect())
        .collect();
    assert_eq!(commands.len(), 2, "{gone}");
    assert_eq!(census(&folder.sandbox()), before);
    for command in &commands {
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        folder.rsds(&[&command, &APPROVED, &FAST]).exits(0);
    }
    folder.settled();
    assert_eq!(census(&folder.sandbox()), before);
}

#[test]
fn a_state_goes_out_and_comes_back() {
    let folder = applied();
    let pulled = folder.state(&["pull"]).exits(0);
    let first = envelope::open("x", pulled.out.as_bytes()).unwrap();
    assert_eq!(first, folder.recorded());
    folder.state(&["pull", "--out", "first.json"]).exits(0).prints("is in first.json");
    folder.state(&["pull", "--out", "environments/dev.toml"]).exits(1).says("it is there and is no state of rsds");
    folder.rsds(&[&["apply", "--set", "tags.who=me"], &APPROVED, &FAST]).exits(0);

    let older = folder.state(&["push", "first.json", "--auto-approve"]).exits(1);
    older.says("it is older").says("rsds state push first.json --force");
    let wrong = State {
        account: Some("210987654321".into()),
        region: Some("eu-central-1".into()),
        serial: 99,
        ..State::pristine("freight", "prod", "another".into())
    };
    folder.keep(&wrong, "wrong.json");
    let refused = folder.state(&["push", "wrong.json", "--auto-approve"]).exits(1).says("it is of project freight");
    let refused = refused.says("it is of environment prod").says("it is of region eu-central-1");
    refused.says("it is of lineage another").says("it is of account 210987654321");

    let serial = folder.recorded().serial;
    let pushed = folder.state(&["push", "first.json", "--force", "--auto-approve", "--json"]).exits(0);
    let document = pushed.document("rsds.state_written/1");
    assert_eq!(document["serial"], serial + 1, "it goes on from the higher one");
    assert_eq!(document["objections"].as_array().unwrap().len(), 1);
    let back = folder.recorded();
    assert_eq!(back.entries, first.entries);
    assert_eq!(back.run.unwrap().command.split(' ').nth(1), Some("state"));
    // The same state with a higher serial, as a rescue file is, needs no force.
    folder.keep(&State { serial: serial + 5, ..first }, "rescue.json");
    folder.state(&["push", "rescue.json", "--auto-approve"]).exits(0).prints(&format!("as serial {}", serial + 6));
}

#[test]
fn each_run_says_what_it_changed_and_can_be_undone_in_the_state() {
    let folder = applied();
    let vpc = folder.recorded().entries[&"networking/vpc".parse().unwrap()].id.clone().unwrap();
    folder.rsds(&[&["apply", "--set", "consumers.readers.max_capacity=32"], &APPROVED, &FAST]).exits(0);
    let told = folder.state(&["history"]).exits(0).prints("ann@").prints(&format!("created   networking/vpc {vpc}"));
    let told = told.prints("updated   consumer-readers-1/workgroup (max_capacity)").prints("rsds apply --set");
    let name = told.out.split("--restore ").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    let document = folder.state(&["history", "--json"]).exits(0).document("rsds.state_history/1");
    assert_eq!(document["runs"].as_array().unwrap().len(), 2, "{document}");
    assert_eq!((&document["runs"][0]["restore"], &document["runs"][1]["restore"]), (&name.clone().into(), &Json::Null));

    folder.rsds(&[&["destroy", "--target", "consumer-readers"], &APPROVED, &FAST]).exits(0);
    folder.state(&["history", "--restore", "nothing"]).exits(1).says("there is no terminal");
    folder.state(&["history", "--restore", "nothing", "--auto-approve"]).exits(1).says("has no `nothing`");
    let serial = folder.recorded().serial;
    let back = folder.state(&["history", "--restore", &name, "--auto-approve"]).exits(0);
    back.prints(&format!("as serial {}", serial + 1)).says("recorded  consumer-readers-1/workgroup");
    // The record is back, the resources are not: the plan says so.
    folder.rsds(&[&["plan", "--detailed-exitcode"], &FAST]).exits(1).says("held data and is gone from AWS");
    folder.state(&["history"]).exits(0).prints("rsds state history --restore");
}

#[test]
fn a_lock_is_taken_from_nobody_who_lives() {
    let folder = Folder::new(SMALL);
    folder.state(&["unlock"]).exits(0).prints("Nobody holds the lock");
    let mut first = folder.start(&[&["apply", "--auto-approve"], &SLOW]);
    first.until("networking/vpc: created");
    let pid = first.child.id();
    folder.state(&["unlock"]).exits(1).says(&format!("(pid {pid})")).says("there is no terminal to ask on");
    let alive = folder.state(&["unlock", "--auto-approve"]).exits(4).says("is alive");
    alive.says(&format!("kill {pid}"));
    folder.state(&["rm", "networking/vpc", "--auto-approve"]).exits(4).says("the state is locked by ann@");
    first.signal("KILL");
    first.end();
    let free = folder.state(&["unlock", "--json"]).exits(0).document("rsds.state_lock/1");
    assert_eq!((&free["holder"], &free["unlocked"]), (&Json::Null, &false.into()));
}

#[test]
fn without_a_state_there_is_nothing_to_mend() {
    let folder = Folder::new(SMALL);
    folder.state(&["list"]).exits(0);
    folder.state(&["pull"]).exits(1).says("there is no state at .rsds/sandbox/state/dev/state.json");
    folder.state(&["mv", "networking/vpc", "networking/net"]).exits(1).says("there is no state at");
    folder.state(&["rm", "networking/vpc", "--auto-approve"]).exits(1).says("rsds state push FILE");
    folder.state(&["history"]).exits(0).prints("Nothing has been written");
}
