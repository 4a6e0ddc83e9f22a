//! Saved plans: made, shown, done exactly once, and refused with the reason when anything is not as it was.

use super::*;
use rsds::plan::Saved;
use std::os::unix::fs::PermissionsExt as _;

const FILE: &str = "dev.plan.json";
/// One change to the estate, from the command line.
const BIGGER: [&str; 2] = ["--set", "consumers.readers.max_capacity=32"];

/// An estate that stands.
fn standing() -> Folder {
    let folder = Folder::new(SMALL);
    folder.rsds(&[&["apply", "--auto-approve"], &FAST]).exits(0);
    folder
}

impl Folder {
    fn plan_file(&self) -> String {
        fs::read_to_string(self.path(FILE)).unwrap()
    }

    /// Changes what a plan says of itself as only rsds could: with the right checksum.
    fn forge(&self, edit: impl FnOnce(&mut Saved)) {
        let mut saved = Saved::parse(&self.plan_file()).unwrap();
        edit(&mut saved);
        self.write(FILE, &saved.to_text().unwrap());
    }

    /// Demands that the plan is refused for this reason, and that nothing changes.
    #[track_caller]
    fn refuses(&self, arguments: &[&str], reasons: &[&str]) {
        let before = self.files();
        let ran = self.rsds(&[&["apply", FILE], arguments, &FAST]).exits(1);
        let ran = reasons.iter().fold(ran, |ran, reason| ran.says(reason));
        assert_eq!(ran.out, "", "{ran}");
        assert!(self.files() == before, "{ran}");
    }
}

fn readers(world: &mut rsds::sandbox::World) -> &mut rsds::sandbox::serverless::Workgroup {
    world.serverless.workgroups.get_mut("demo-dev-readers-1").unwrap()
}

#[test]
fn from_nothing_to_an_estate_and_back() {
    let folder = Folder::new(SMALL);
    let made = folder.rsds(&[&["plan", "--out", FILE, "--detailed-exitcode"], &FAST]).exits(2);
    made.says("The plan is in dev.plan.json. To do exactly this: rsds apply dev.plan.json --sandbox");
    assert_eq!(fs::metadata(folder.path(FILE)).unwrap().permissions().mode() & 0o777, 0o600);

    let shown = folder.rsds(&[&["show", FILE]]).exits(0);
    let shown = shown.prints("Saved plan for demo-dev\n").prints("account 123456789012, us-west-2");
    let planned = folder.rsds(&[&["plan"], &FAST]).exits(0);
    assert!(shown.out.ends_with(&planned.out), "{shown}");
    let mut document = folder.rsds(&[&["show", FILE, "--json"]]).exits(0).document("rsds.plan/1");
    let about = document.as_object_mut().unwrap().remove("saved").unwrap();
    // The lineage of a state that is not there yet is chosen anew by each plan, and is in every tag.
    let lineage = about["lineage"].as_str().unwrap();
    let live = folder.rsds(&[&["plan", "--json"], &FAST]).exits(0).document("rsds.plan/1");
    let other = live["changes"][0]["fields"].as_array().unwrap().iter().find(|field| field["field"] == "tags").unwrap();
    let other = other["after"]["rsds:lineage"].as_str().unwrap();
    assert_eq!(document.to_string().replace(lineage, ""), live.to_string().replace(other, ""));
    let file: Json = serde_json::from_str(&folder.plan_file()).unwrap();
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/json.md")).unwrap();
    let keys = about.as_object().unwrap().keys().chain(file.as_object().unwrap().keys());
    let unknown: Vec<&String> = keys.filter(|key| !page.contains(&format!("`{key}`"))).collect();
    assert!(unknown.is_empty(), "docs/json.md does not name {unknown:?}");

    // Nobody is there to ask, and nobody has to be.
    folder.rsds(&[&["apply", FILE], &FAST]).exits(0).prints("Apply complete");
    folder.rsds(&[&["plan", "--detailed-exitcode"], &FAST]).exits(0).prints("No changes.");
    folder.refuses(
        &[],
        &[
            "its serial was 0 when planned",
            "may have been applied already",
            "rsds plan --env dev --out dev.plan.json --sandbox",
        ],
    );

    folder.rsds(&[&["plan", "--out", FILE], &FAST]).exits(0);
    folder.rsds(&[&["apply", FILE], &FAST]).exits(0).prints("No changes.");
    folder.rsds(&[&["apply", FILE], &FAST]).exits(0).prints("No changes.");

    folder.rsds(&[&["plan", "--destroy", "--out", FILE], &FAST]).exits(0);
    folder.rsds(&[&["show", FILE]]).exits(0).prints("--destroy").prints("to delete");
    folder.rsds(&[&["apply", FILE], &FAST]).exits(0).prints("Destroy complete");
    assert_eq!(folder.sandbox().leftovers(), Vec::<String>::new());
    folder.refuses(&[], &["its serial was", "rsds plan --env dev --out dev.plan.json --destroy --sandbox"]);
}

#[test]
fn a_plan_holds_no_secret() {
    let served = life::serve();
    let mut folder = Folder::new(SMALL);
    folder.variables.insert("AWS_ENDPOINT_URL", served.url.clone());
    folder.variables.insert("AWS_ACCESS_KEY_ID", rsds::sandbox::ACCESS_KEY_ID.to_owned());
    folder.variables.insert("AWS_SECRET_ACCESS_KEY", "kept-to-myself".to_owned());
    folder.rsds(&[&["plan", "--out", FILE]]).exits(0);
    folder.rsds(&[&["apply", FILE]]).exits(0);
    assert!(!served.folder.sandbox().world().secrets.is_empty());
    folder.rsds(&[&["plan", "--out", "next.json"], &BIGGER]).exits(0);
    for name in [FILE, "next.json"] {
        let text = fs::read_to_string(folder.path(name)).unwrap();
        // Every password the sandbox makes begins with these letters.
        for secret in ["kept-to-myself", "Rs1"] {
            assert!(!text.contains(secret), "{name} holds {secret}");
        }
    }
}

#[test]
fn what_is_not_as_it_was_is_named() {
    let mut folder = standing();
    folder.rsds(&[&["plan", "--out", FILE], &BIGGER, &FAST]).exits(0).prints("16 -> 32");
    let whole = folder.plan_file();
    let again = "rsds plan --env dev --set consumers.readers.max_capacity=32 --out dev.plan.json --sandbox";

    // Somebody changes a field, back, and then a tag that nobody here set.
    folder.sandbox().edit(|world| readers(world).max = Some(24)).unwrap();
    let field = "error: consumer-readers-1/workgroup: max_capacity was 16 when planned and is 24 now";
    folder.refuses(&[], &[field, "the plan no longer holds; nothing was changed", again]);
    let ran = folder.rsds(&[&["apply", FILE, "--json"], &FAST]).exits(1).document("rsds.errors/1");
    assert_eq!(ran["errors"][0]["address"], "consumer-readers-1/workgroup");
    folder.sandbox().edit(|world| readers(world).max = Some(16)).unwrap();
    folder
        .sandbox()
        .edit(|world| world.ec2.tags.values_mut().for_each(|tags| drop(tags.insert("theirs".into(), "x".into()))))
        .unwrap();

    // The file is not the one that was planned, and then not even valid.
    folder.write("environments/dev.toml", &SMALL.replace("base_capacity = 8", "base_capacity = 16"));
    folder
        .refuses(&[], &["the configuration is not the one that was planned: environments/dev.toml has changed", again]);
    folder.write("environments/dev.toml", &format!("# Only words.\n{SMALL}"));

    // Another environment, another version, another hand.
    let other = "dev.plan.json is a plan for the environment dev, and prod is asked for";
    folder.refuses(&["--env", "prod"], &[other, "for dev: rsds apply dev.plan.json --env dev --sandbox"]);
    folder.variables.insert("RSDS_ENV", "prod".to_owned());
    folder.refuses(&[], &[other]);
    folder.variables.clear();
    folder.forge(|saved| saved.binding.rsds = "0.0.9".to_owned());
    folder.refuses(&[], &["the plan was made for rsds 0.0.9, this is rsds "]);
    folder
        .write(FILE, &whole.replace("rsds.saved-plan/1", "rsds.saved-plan/7").replace("\"rsds\": \"", "\"rsds\": \"9"));
    folder
        .refuses(&[], &["cannot use dev.plan.json: it was written by rsds 9", "in format 7", "knows formats up to 1"]);
    folder.write(FILE, &whole.replace("\"known\": 32", "\"known\": 64"));
    folder.refuses(&[], &["its checksum does not match", "make it anew: rsds plan --out dev.plan.json"]);
    folder.write(FILE, &whole[..whole.len() / 2]);
    folder.refuses(&[], &["it is not a saved plan: it is no JSON"]);
    folder.rsds(&[&["show", FILE]]).exits(1).says("it is not a saved plan");
    fs::remove_file(folder.path(FILE)).unwrap();
    folder.refuses(&[], &["cannot use dev.plan.json: No such file"]);
    folder.write(FILE, &whole);
    folder.forge(|saved| saved.binding.account = "999999999999".to_owned());
    folder.refuses(&[], &["made for account 999999999999, this is account 123456789012"]);
    folder.forge(|saved| saved.binding.lineage = "other".to_owned());
    folder.refuses(&[], &["the plan was made for the state other, this is the state "]);
    // The words of a plan do not make it do something else.
    folder.write(FILE, &whole);
    folder.forge(|saved| saved.planned.plan.ops.clear());
    folder.refuses(&[], &["consumer-readers-1/workgroup: plan.operations was [] when planned and is ["]);

    // What is as it was is done, comments and other people's tags or not.
    folder.write(FILE, &whole);
    folder.rsds(&[&["apply", FILE], &FAST]).exits(0).prints("16 -> 32").prints("Apply complete: 1 updated");
    folder.refuses(&[], &["its serial was"]);
}

#[test]
fn a_file_and_further_wishes_do_not_go_together() {
    let folder = Folder::new(SMALL);
    for wish in [&BIGGER[..], &["--target", "nlb"], &["--exclude", "nlb"], &["--replace", "nlb"], &["--refresh-only"]] {
        folder.rsds(&[&["apply", FILE], wish, &FAST]).exits(1).says("cannot be used with").says("PLANFILE");
    }
    folder.rsds(&[&["plan", "--refresh-only", "--destroy"], &FAST]).exits(1).says("cannot be used with");
    let before = folder.files();
    let ran = folder.rsds(&[&["plan", "--out", "environments/dev.toml"], &FAST]).exits(1);
    ran.says("environments/dev.toml is there and is no saved plan").says("give --out another name");
    folder.rsds(&[&["plan", "--out", "no/such/folder.json"], &FAST]).exits(1).says("cannot write no/such/folder.json");
    assert!(folder.files() == before);
}

#[test]
fn the_state_alone_follows_aws() {
    let folder = standing();
    folder.rsds(&[&["plan", "--refresh-only", "--detailed-exitcode"], &FAST]).exits(0).prints("Nothing has drifted");
    folder.sandbox().edit(|world| readers(world).max = Some(24)).unwrap();
    let drift = folder.rsds(&[&["plan", "--refresh-only", "--detailed-exitcode"], &FAST]).exits(2);
    insta::assert_snapshot!(drift.out, @r"
    consumer-readers-1
      o refresh consumer-readers-1/workgroup (redshift-serverless.workgroup) · drifted: AWS shows other
          values than rsds set
          max_capacity: would be reverted
              rsds set 16, AWS has 24, the TOML says 16 (environments/dev.toml:11): the next apply sets
                it back

    Drift by resource: 1 would be reverted.
    Plan: 1 to refresh, 29 unchanged.
    1 record of the state will be brought up to date; nothing changes in AWS by that.
    ");
    folder.rsds(&[&["status", "--detailed-exitcode"], &FAST]).exits(2).prints("rsds set 16, AWS has 24");
    let left = ["--ignore", "consumer-readers.max_capacity", "--detailed-exitcode"];
    folder.rsds(&[&["plan", "--refresh-only"], &left[..], &FAST]).exits(0).prints("1 left alone.");
    folder.rsds(&[&["status"], &left[..], &FAST]).exits(0).prints("What drifts of 1 resource is left alone:");
    folder.rsds(&[&["plan"], &left[..], &FAST]).exits(0).prints("No changes.");
    let mistyped = folder.rsds(&[&["plan", "--ignore", "consumer-readers.max_capasity"], &FAST]).exits(1);
    mistyped.says("did you mean `max_capacity`?");
    folder.rsds(&[&["plan", "--ignore", "nonsense"], &FAST]).exits(1).says("names no field");
    let json = folder.rsds(&[&["plan", "--refresh-only", "--json"], &FAST]).exits(0).document("rsds.plan/1");
    let field = &json["drift"][0]["fields"][0];
    let sides = (field["set"].as_u64(), field["is"].as_u64(), field["wanted"].as_u64());
    assert_eq!((sides, field["fate"].as_str()), ((Some(16), Some(24), Some(16)), Some("reverted")));
    let github = folder.rsds(&[&["plan", "--refresh-only", "--format", "github"], &FAST]).exits(0);
    github.prints("::warning file=environments/dev.toml,line=11").prints("drifts (would be reverted)");
    let comment = folder.rsds(&[&["plan", "--refresh-only", "--format", "markdown"], &FAST]).exits(0);
    comment.prints("max_capacity: would be reverted");
    let world = folder.sandbox().world();
    folder.rsds(&[&["apply", "--refresh-only"], &FAST]).exits(1).says("rsds apply --auto-approve");
    folder.rsds(&[&["apply", "--refresh-only", "--auto-approve"], &FAST]).exits(0).prints("1 to refresh");
    assert_eq!(folder.sandbox().world(), world, "AWS was touched");
    folder.rsds(&[&["plan", "--refresh-only", "--detailed-exitcode"], &FAST]).exits(0).prints("Nothing has drifted");
    let back = folder.rsds(&[&["plan", "--detailed-exitcode"], &FAST]).exits(2).prints("24 -> 16");
    assert!(!back.out.contains("drift"), "{back}");

    // The same by way of a file.
    folder.sandbox().edit(|world| readers(world).max = Some(32)).unwrap();
    folder.rsds(&[&["plan", "--refresh-only", "--out", FILE], &FAST]).exits(0).prints("rsds set 24, AWS has 32");
    folder.sandbox().edit(|world| readers(world).max = Some(40)).unwrap();
    folder.refuses(&[], &["max_capacity was 32 when planned and is 40 now", "--refresh-only"]);
    folder.sandbox().edit(|world| readers(world).max = Some(32)).unwrap();
    folder.rsds(&[&["apply", FILE], &FAST]).exits(0);
    folder.rsds(&[&["plan"], &FAST]).exits(0).prints("32 -> 16");
}
