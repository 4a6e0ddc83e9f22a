//! `rsds import`: an old estate in the sandbox of a folder, taken over by the binary.

use super::*;
use crate::{
    harness::Estate,
    import::old::{COMMON, PASSWORD},
};

impl Folder {
    /// Puts the estate's AWS into this folder's sandbox.
    fn inherit(&self, estate: &Estate) {
        let things = estate.things();
        let sandbox = Sandbox::open(&self.path(".rsds/sandbox"), Clock::scaled(300.0)).unwrap();
        sandbox.edit(|world| *world = serde_json::from_value(things).unwrap()).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn an_old_estate_is_taken_over_by_one_command() {
    let estate = Estate::new("");
    let old = estate.old(COMMON).await.tfstate();
    let mut folder = Folder::new("");
    fs::remove_file(folder.path("environments/dev.toml")).unwrap();
    folder.inherit(&estate);
    folder.write("old.tfstate", &old);
    let import = ["import", "--from-tfstate", "old.tfstate"];

    let nobody = folder.rsds(&[&import, &["--write-env", "prod"], &FAST]).exits(1);
    nobody.says("no terminal to ask on").says("rsds import --from-tfstate FILE --write-env NAME --auto-approve");
    assert!(!folder.path("environments/prod.toml").exists());

    let done = folder.rsds(&[&import, &["--write-env", "prod", "--auto-approve"], &FAST]).exits(0);
    let done = done.prints("environments/prod.toml is written").prints("its plan is empty");
    let done = done.prints("producer/cluster").prints("<- module.producer.aws_redshift_cluster.producer");
    let done = done.prints("removed {\n  from = module.consumers.aws_redshiftserverless_workgroup.this\n");
    let done = done.prints("terraform state rm 'module.consumers[0].aws_redshiftserverless_workgroup.this'");
    let done = done.prints("10.80.100.9 is no address of a consumer here").prints("rsds state rm --env prod '*'");
    let done = done.prints("Import complete: 34 imported");
    folder.rsds(&[&["plan", "--env", "prod", "--detailed-exitcode"], &FAST]).exits(0).prints("No changes.");

    // The file is there: it is not written over, and there is nothing more to take.
    let again = folder.rsds(&[&import, &["--write-env", "prod", "--auto-approve"], &FAST]).exits(1);
    again.says("environments/prod.toml is there already").says("--env prod");
    folder.rsds(&[&import, &["--env", "prod", "--auto-approve"], &FAST]).exits(0).says("nothing to take over");

    // Undone and done again: the tags that stay are its own.
    folder
        .rsds(&[&["state", "rm", "--env", "prod", "*", "--auto-approve"], &FAST])
        .exits(0)
        .prints("Forgotten: 34 resources");
    let again = folder.rsds(&[&import, &["--env", "prod", "--auto-approve", "--json"], &FAST]).exits(0);
    let document = again.documents().remove(0);
    assert_eq!((&document["format"], &document["import"]["summary"]["import"]), (&"rsds.import/1".into(), &34.into()));
    let (terraform, then) = (&document["terraform"], &document["then"]);
    assert_eq!((terraform["taken"].as_array().unwrap().len(), terraform["left"].as_array().unwrap().len()), (34, 3));
    assert_eq!((&terraform["version"], &terraform["file"]), (&"1.11.4".into(), &Json::Null));
    assert!(then["changes"].as_array().unwrap().is_empty() && then["errors"].as_array().unwrap().is_empty());
    folder.rsds(&[&["plan", "--env", "prod", "--detailed-exitcode"], &FAST]).exits(0).prints("No changes.");

    // Nothing secret is anywhere but in the old state, and in AWS.
    let kept =
        folder.files().into_iter().filter(|(path, _)| !path.ends_with("old.tfstate") && !path.ends_with("world.json"));
    let kept: Vec<u8> = kept.flat_map(|(_, bytes)| bytes).collect();
    assert!(!format!("{done}{}", String::from_utf8_lossy(&kept)).contains(PASSWORD));

    // One by one, as a document.
    let state = ".rsds/sandbox/state/prod/state.json";
    folder.variables.insert("RSDS_ENV", "prod".to_owned());
    assert!(folder.path(state).exists());
    let refused =
        folder.rsds(&[&["import", "consumer-readers-1/workgroup", "nobody", "--auto-approve", "--json"], &FAST]);
    let why = refused.exits(1).document("rsds.errors/1")["errors"][0].clone();
    assert_eq!(why["address"], "consumer-readers-1/workgroup");
    let recorded = ["import", "consumer-readers-1/workgroup", "acme-consumer-0-wg", "--auto-approve"];
    folder.rsds(&[&recorded, &FAST]).exits(1).says("is recorded already");
}

#[test]
fn what_is_no_state_is_refused_by_what_it_is() {
    let folder = Folder::new(SMALL);
    let import = ["import", "--from-tfstate", "old", "--write-env", "prod", "--auto-approve"];
    let refused = |text: &str| {
        folder.write("old", text);
        folder.rsds(&[&import, &FAST]).exits(1)
    };
    refused("").says("cannot read old: it is empty").says("terraform state pull > FILE");
    refused(r#"{"version": 4, "resources": [{"#).says("it ends in the middle");
    refused(r#"{"version": 3}"#).says("it has format 3");
    refused(r#"{"serial": 1, "encrypted_data": "aaaa"}"#).says("OpenTofu has encrypted it").says("tofu state pull");
    let bucket = r#"{"version": 4, "resources": [{"mode": "managed", "type": "aws_s3_bucket", "name": "x", "instances": [{"attributes": {}}]}]}"#;
    refused(bucket).says("there is no warehouse in this state");
    folder.rsds(&[&["import"], &FAST]).exits(1).says("required");
    folder.rsds(&[&["import", "networking/vpc"], &FAST]).exits(1).says("<ID>");
    assert!(!folder.path("environments/prod.toml").exists());
}
