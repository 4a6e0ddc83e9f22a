//! A cluster that is put to sleep and woken by hand.

use super::*;

/// An estate whose producer is a cluster.
fn cluster() -> Folder {
    let toml = with_cluster();
    let shared = "[datashares.airline_share]\nschemas = [\"flights\"]\ndatabase = \"airline_shared\"\n";
    let folder = Folder::new(&(toml + shared));
    folder.rsds(&[&["apply", "--auto-approve"], &FAST]).exits(0);
    folder
}

#[test]
fn a_cluster_sleeps_and_wakes_and_the_plan_tells_that_it_sleeps() {
    let folder = cluster();
    folder.rsds(&[&["resume"], &FAST]).exits(0).prints("demo-dev-producer is running already.");
    folder.rsds(&[&["pause"], &FAST]).exits(1).says("--auto-approve");
    let paused = folder.rsds(&[&["pause", "--auto-approve", "--json"], &FAST]).exits(0).document("rsds.power/1");
    assert_eq!((&paused["status"], &paused["changed"]), (&"paused".into(), &true.into()), "{paused}");
    folder.rsds(&[&["pause", "--auto-approve"], &FAST]).exits(0).prints("is paused already.");
    folder.rsds(&[&["plan", "--detailed-exitcode"], &FAST]).exits(0).prints("producer/cluster: it is paused");
    let ran = folder.rsds(&[&["datashare", "verify"], &FAST]).exits(1);
    assert!(ran.out.contains("✗ producer"), "{ran}");
    folder.rsds(&[&["resume"], &FAST]).exits(0).prints("demo-dev-producer is running.");
    let plan = folder.rsds(&[&["plan", "--detailed-exitcode"], &FAST]).exits(0);
    assert!(!plan.out.contains("it is paused"), "{plan}");
}

#[test]
fn a_pause_that_was_cut_off_goes_on() {
    let folder = cluster();
    let mut running = folder.start(&[&["pause", "--auto-approve"], &SLOW]);
    running.until("pausing ");
    running.signal("KILL");
    running.end();
    folder.rsds(&[&["pause", "--auto-approve"], &FAST]).exits(0).prints("is paused");
    folder.rsds(&[&["resume"], &FAST]).exits(0);
}

#[test]
fn what_cannot_be_paused_is_refused() {
    let folder = Folder::new(SMALL);
    folder
        .rsds(&[&["pause", "--auto-approve"], &FAST])
        .exits(1)
        .says("the producer is serverless: it sleeps by itself");
    let toml = with_cluster();
    Folder::new(&toml).rsds(&[&["resume"], &FAST]).exits(1).says("does not stand").says("rsds apply");
}
