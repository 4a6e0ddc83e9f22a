//! `rsds graph` as a user types it: without credentials, in every form, narrowed, and from what an apply recorded.

use super::*;

#[test]
fn every_form_works_without_credentials() {
    let folder = Folder::new(SMALL);
    let forms = [
        ("text", "networking, "),
        ("dot", "digraph \"demo-dev\""),
        ("mermaid", "flowchart LR"),
        ("svg", "<svg xmlns"),
        ("html", "<!DOCTYPE html>"),
    ];
    for (form, has) in forms {
        let drawn = folder.rsds(&[&["graph", "--format", form]]).exits(0).prints(has);
        assert_eq!(drawn.err, "", "{form}");
        assert_eq!(drawn.out, folder.rsds(&[&["graph", "--format", form]]).exits(0).out, "{form}: the same bytes");
    }
    assert!(!folder.path(".rsds").exists(), "looking writes nothing");
}

#[test]
fn its_format_is_its_own_and_json_means_what_it_means_everywhere() {
    let folder = Folder::new(SMALL);
    let same: Vec<Json> = [&["graph", "--json"][..], &["graph", "--format", "json"], &["--format", "json", "graph"]]
        .into_iter()
        .map(|typed| folder.rsds(&[typed]).exits(0).document("rsds.graph/1"))
        .collect();
    folder.rsds(&[&["--format", "markdown", "graph"]]).exits(0).prints("```mermaid\n---\ntitle:");
    assert!(same[0] == same[1] && same[1] == same[2]);
    let resources = same[0]["resources"].as_array().unwrap();
    assert!(resources.iter().any(|one| one["kind"] == "ec2.security-group-rule"), "programs get everything");
    assert!(resources.iter().all(|one| one["status"].is_null()));
    let targets = "consumer-readers-1/targets";
    let edges = same[0]["dependencies"].as_array().unwrap();
    let flows =
        edges.iter().find(|e| e["resource"] == targets && e["needs"] == "consumer-readers-1/workgroup").unwrap();
    assert_eq!((&flows["outputs"][0], &flows["order_only"]), (&"addresses".into(), &false.into()));
    folder.rsds(&[&["graph", "--format", "svgg"]]).exits(1).says("a similar value exists: 'svg'");
    folder.rsds(&[&["plan", "--format", "svg"]]).exits(1).says("invalid value 'svg' for '--format <FORMAT>'");
    let wrong = folder.rsds(&[&["graph", "--format", "json", "--target", "nlbb"]]).exits(1);
    assert_eq!(wrong.document("rsds.errors/1")["errors"][0]["message"], "`nlbb` matches no resource");
}

#[test]
fn targets_bring_what_they_need() {
    let folder = Folder::new(SMALL);
    let narrowed = folder.rsds(&[&["graph", "--target", "nlb"]]).exits(0);
    insta::assert_snapshot!(narrowed.out, @r"
    demo dev, us-west-2, 8 resources, 12 dependencies

    networking, 5 resources
      vpc
      |- nlb-security-group
      |- subnet-1
      |- subnet-2
      `- subnet-3

    nlb, 3 resources
      load-balancer      needs networking: nlb-security-group, subnet-1..3, vpc
      `- listener-5439   needs target-group-5439
      target-group-5439  needs networking: vpc

    Longest path, typically about 3m:
      networking/vpc -> networking/nlb-security-group -> nlb/load-balancer
    ");
    folder.rsds(&[&["graph", "--target", "nlbb"]]).exits(1).says("`nlbb` matches no resource").says("near: nlb");
}

#[test]
fn what_stands_is_told() {
    let mut folder = Folder::new(SMALL);
    folder.rsds(&[&["apply", "--auto-approve", "--target", "networking"], &FAST]).exits(0);
    let json = folder.rsds(&[&["graph", "--json"], &["--sandbox"]]).exits(0).document("rsds.graph/1");
    let status = |address: &str| {
        let resources = json["resources"].as_array().unwrap();
        resources.iter().find(|one| one["address"] == address).unwrap()["status"].clone()
    };
    assert_eq!((status("networking/vpc"), status("nlb/load-balancer")), ("ready".into(), Json::Null));
    folder.variables.insert("LANG", "C.UTF-8".to_owned());
    folder.rsds(&[&["graph"]]).exits(0).prints("  └─ subnet-3");
}
