//! A part fails: the rest is done, exit 3, and the next apply does what remains.

use super::*;
use rsds::sandbox::iam::Role;

#[test]
fn somebody_elses_role_is_named_and_left_alone() {
    let folder = Folder::new(SMALL);
    let key = "demo-dev-producer".to_owned();
    let role = Role {
        id: "AROA0SOMEBODYELSE000".to_owned(),
        name: key.clone(),
        path: "/".to_owned(),
        arn: format!("arn:aws:iam::123456789012:role/{key}"),
        created: "2026-01-01T00:00:00Z".parse().unwrap(),
        trust: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"redshift.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#.to_owned(),
        description: None,
        max_session: 3600,
        boundary: None,
        tags: BTreeMap::from([("team".to_owned(), "finance".to_owned())]),
        inline: BTreeMap::new(),
        attached: Default::default(),
        bared: None,
    };
    folder.sandbox().edit(|world| world.iam.roles.insert(key.clone(), role.clone())).unwrap();

    // It is known beforehand; an apply that does not ask meets it.
    folder.rsds(&[&["plan"], &FAST]).exits(1).says("producer/role: its name is taken");
    let partly = folder.rsds(&[&["apply", "--auto-approve", "--no-preflight"], &FAST]).exits(3);
    let partly = partly.prints("producer/role: create").prints("demo-dev-producer exists already and is not owned by");
    partly.prints("finance").prints("because producer/role is not done").prints("    producer/workgroup\n");
    let world = folder.sandbox().world();
    assert_eq!(world.iam.roles.get(&key), Some(&role), "left as it was");
    assert_eq!(world.serverless.workgroups.len(), 1, "the consumer does not wait for the producer");

    folder.sandbox().edit(|world| world.iam.roles.remove(&key)).unwrap();
    folder.rsds(&[&["apply", "--auto-approve"], &FAST]).exits(0).prints("Apply complete");
    folder.rsds(&[&["plan", "--detailed-exitcode"], &FAST]).exits(0);
}
