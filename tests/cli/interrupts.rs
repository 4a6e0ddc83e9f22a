//! Two runs at once, Ctrl-C, SIGTERM and kill -9: nothing is lost, nothing is doubled.

use super::*;

/// What an estate consists of when nothing disturbed its making.
pub(super) fn undisturbed() -> BTreeMap<String, usize> {
    let folder = Folder::new(SMALL);
    folder.rsds(&[&["apply", "--auto-approve"], &FAST]).exits(0);
    let census = census(&folder.sandbox());
    assert_eq!((census["ec2.vpcs"], census["serverless.workgroups"]), (1, 2), "{census:?}");
    census
}

#[test]
fn two_at_once_then_ctrl_c_then_on() {
    let folder = Folder::new(SMALL);
    let mut first = folder.start(&[&["apply", "--auto-approve", "--set", "tags.who=me"], &SLOW]);
    first.until("networking/vpc: created");
    let pid = first.child.id();
    let second =
        folder.rsds(&[&["apply", "--auto-approve"], &FAST]).exits(4).says("error: the state is locked by ann@");
    second.says(&format!("(pid {pid})")).says("apply --auto-approve --set tags.who=me").says("--lock-timeout");
    // Looking is free.
    folder.rsds(&[&["plan", "--detailed-exitcode"], &FAST]).exits(2);

    first.signal("INT");
    let interrupted = first.end().exits(130).prints("Apply incomplete").prints("Interrupted; the next run goes on");
    let again = "  rsds apply --auto-approve --set tags.who=me --sandbox --sandbox-speed 60 --env dev\n";
    assert!(interrupted.out.ends_with(again), "{interrupted}");

    folder.rsds(&[&["apply", "--auto-approve", "--set", "tags.who=me"], &FAST]).exits(0).prints("Apply complete");
    folder.rsds(&[&["plan", "--detailed-exitcode", "--set", "tags.who=me"], &FAST]).exits(0);
    assert_eq!(census(&folder.sandbox()), undisturbed());
}

#[test]
fn a_destroy_told_to_stop_goes_on_the_next_time() {
    let folder = Folder::new(SMALL);
    folder.rsds(&[&["apply", "--auto-approve"], &FAST]).exits(0);
    let mut destroy = folder.start(&[&["destroy", "--auto-approve"], &SLOW]);
    destroy.until("/targets: deleted");
    destroy.signal("TERM");
    destroy.end().exits(130).prints("Destroy incomplete").prints("  rsds destroy --auto-approve --sandbox");
    assert!(!folder.sandbox().leftovers().is_empty());
    folder.rsds(&[&["destroy", "--auto-approve"], &FAST]).exits(0).prints("Destroy complete");
    assert_eq!(folder.sandbox().leftovers(), Vec::<String>::new());
}

#[test]
fn killed_again_and_again() {
    let folder = Folder::new(SMALL);
    // Just begun; the network half there; the warehouses coming up; the last step.
    for at in ["-1/role: ", "networking/vpc: ", "/workgroup: creating", "/workgroup: created"] {
        let mut apply = folder.start(&[&["apply", "--auto-approve"], &SLOW]);
        apply.until(at);
        apply.signal("KILL");
        let killed = apply.end();
        assert_eq!(killed.code, None, "{killed}");
    }
    folder.rsds(&[&["apply", "--auto-approve"], &FAST]).exits(0).prints("Apply complete");
    folder.rsds(&[&["plan", "--detailed-exitcode"], &FAST]).exits(0).prints("No changes.");
    assert_eq!(census(&folder.sandbox()), undisturbed());

    for at in ["/targets: deleting", "/workgroup: deleted"] {
        let mut destroy = folder.start(&[&["destroy", "--auto-approve"], &SLOW]);
        destroy.until(at);
        destroy.signal("KILL");
        destroy.end();
    }
    folder.rsds(&[&["destroy", "--auto-approve"], &FAST]).exits(0);
    assert_eq!(folder.sandbox().leftovers(), Vec::<String>::new());
}
