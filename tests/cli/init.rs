//! `rsds init` in an empty folder: what it writes is planned at once, and what is there is never touched.

use super::*;

fn empty() -> Folder {
    Folder { dir: tempfile::tempdir().unwrap(), variables: BTreeMap::new() }
}

#[test]
fn what_is_written_is_planned_at_once() {
    let folder = empty();
    let wrote = folder.rsds(&[&["init", "--project", "airline"]]).exits(0);
    wrote.prints("environments/dev.toml is written").prints("rsds plan --env dev --sandbox");
    assert_eq!(fs::read_to_string(folder.path(".gitignore")).unwrap(), ".rsds/\n");
    folder.rsds(&[&["validate"]]).exits(0).prints("a producer and 1 consumer in us-west-2");
    folder.rsds(&[&["plan"], &FAST]).exits(0).prints("create consumer-readers-1/workgroup");
    let flags = ["init", "prod", "--project", "airline", "--consumers", "b,a", "--region", "eu-west-1", "--json"];
    let json = folder.rsds(&[&flags]).exits(0).document("rsds.init/1");
    assert_eq!((&json["path"], &json["ignored"]), (&"environments/prod.toml".into(), &false.into()));
    folder.rsds(&[&["validate", "--env", "prod"]]).exits(0).prints("2 consumers in eu-west-1");
}

#[test]
fn nothing_is_overwritten_and_wrong_flags_write_nothing() {
    let folder = Folder::new(SMALL);
    folder.write(".gitignore", "/target\n/.rsds");
    let before = folder.files();
    folder.rsds(&[&["init"]]).exits(1).says("environments/dev.toml is there already").says("rsds validate --env dev");
    folder.rsds(&[&["init", "New"]]).exits(1).says("the environment: ");
    folder.rsds(&[&["init", "new", "--region", "oregon"]]).exits(1).says("Region: `oregon`");
    folder.rsds(&[&["init", "new", "--consumers", "eu-1"]]).exits(1).says("ends in a number");
    folder.rsds(&[&["init", "new", "--vpc-cidr", "10.0.0.0/8"]]).exits(1).says("Range of a new VPC");
    folder.rsds(&[&["init", "new", "--vpc-id", "vpc-1", "--vpc-name", "x"]]).exits(1).says("cannot be used with");
    assert_eq!(folder.files(), before);
    folder.rsds(&[&["init", "new"]]).exits(0);
    assert_eq!(fs::read_to_string(folder.path(".gitignore")).unwrap(), "/target\n/.rsds");
}
