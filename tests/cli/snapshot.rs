//! Backups by hand.

use super::*;

/// The names of the snapshots of a warehouse.
fn names(folder: &Folder, of: &str) -> Vec<String> {
    let all = folder.rsds(&[&["snapshot", "list", "--json"], &FAST]).exits(0).document("rsds.snapshots/1");
    let its = all["snapshots"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["warehouse"] == of && one["recovery_point"] == false);
    its.map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_snapshot_is_taken_once_listed_and_left_by_a_destroy() {
    let folder = Folder::new(SMALL);
    folder.rsds(&[&["snapshot", "list"], &FAST]).exits(0).says("Nothing has been applied yet.");
    folder.rsds(&[&["snapshot", "create"], &FAST]).exits(1).says("there is no warehouse `producer`");
    folder.rsds(&[&["apply", "--auto-approve"], &FAST]).exits(0);
    let create = ["snapshot", "create", "--name", "before-the-load"];
    folder.rsds(&[&create, &FAST]).exits(0).prints("before-the-load").prints("available").prints("kept for ever");
    folder.rsds(&[&create, &FAST]).exits(1).says("there is a snapshot before-the-load already");
    // Names are unique in the account's region, whatever they are of.
    let of_other = ["snapshot", "create", "consumer-readers-1", "--name", "before-the-load"];
    folder.rsds(&[&of_other, &FAST]).exits(1).says("already exists");
    let of_reader = ["snapshot", "create", "consumer-readers-1", "--retention", "7", "--json"];
    let taken = folder.rsds(&[&of_reader, &FAST]).exits(0).document("rsds.snapshots/1")["snapshots"][0].clone();
    let name = taken["name"].as_str().unwrap();
    assert!(name.starts_with("demo-dev-readers-1-20"), "{taken}");
    assert_eq!((&taken["retention_days"], &taken["status"]), (&7.into(), &"available".into()), "{taken}");
    assert_eq!(
        (names(&folder, "producer"), names(&folder, "consumer-readers-1")),
        (vec!["before-the-load".to_owned()], vec![name.to_owned()])
    );
    let listed = folder.rsds(&[&["snapshot", "list"], &FAST]).exits(0);
    // AWS makes recovery points besides, by and by.
    let lines: Vec<&str> = listed.out.lines().filter(|line| !line.ends_with("recovery point, kept 1 day")).collect();
    let (of_producer, of_reader) = (lines[1].trim_start(), lines[3].trim_start());
    assert_eq!((lines.len(), lines[0], lines[2]), (4, "producer", "consumer-readers-1"), "{listed}");
    assert!(of_producer.starts_with("before-the-load ") && of_producer.ends_with("  kept for ever"), "{listed}");
    assert!(of_reader.starts_with(name) && of_reader.ends_with("  kept 7 days"), "{listed}");
    folder.rsds(&[&["plan", "--detailed-exitcode"], &FAST]).exits(0);
    for bad in ["X", "a--b", "ab-", "1ab"] {
        folder.rsds(&[&["snapshot", "create", "--name", bad], &FAST]).exits(1).says("a letter first");
    }
    folder.rsds(&[&["destroy", "--auto-approve"], &FAST]).exits(0);
    folder.rsds(&[&["apply", "--auto-approve"], &FAST]).exits(0);
    assert_eq!(names(&folder, "producer"), ["before-the-load"]);
}

#[test]
fn a_cluster_has_snapshots_too() {
    let toml = with_cluster();
    let folder = Folder::new(&toml);
    folder.rsds(&[&["apply", "--auto-approve"], &FAST]).exits(0);
    folder
        .rsds(&[&["snapshot", "create", "--name", "by-hand", "--retention", "1"], &FAST])
        .exits(0)
        .prints("kept 1 day");
    assert_eq!(names(&folder, "producer"), ["by-hand"]);
}
