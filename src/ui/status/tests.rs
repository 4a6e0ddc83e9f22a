use super::*;
use crate::{
    kind::{After, AnyLive, Id, Parts, Readiness},
    plan::{Action, Drift, Fate, FieldChange, FieldDrift, Observed, Plan, Presence, Rating, Reason, Seen},
    state::State,
    ui::{
        View as _,
        markdown::Subject,
        sample::{address, change, known, plan},
    },
};
use std::collections::BTreeMap;

fn state() -> State {
    let entry = |kind: &str, status: &str| {
        let status = match status {
            "tainted" => json!({ "is": "tainted", "why": "no capacity" }),
            _ => json!({ "is": "ready" }),
        };
        json!({ "kind": kind, "status": status, "id": "id-1", "spec": {}, "outputs": {}, "depends_on": [] })
    };
    let state = json!({
        "format": 1, "lineage": "l", "serial": 7, "project": "airline", "environment": "dev",
        "account": "123456789012", "region": "us-west-2",
        "entries": {
            "networking/vpc": entry("ec2.vpc", "ready"),
            "networking/subnet-1": entry("ec2.subnet", "ready"),
            "consumer-a-1/workgroup": entry("redshift-serverless.workgroup", "ready"),
            "consumer-a-1/targets-5439": entry("elasticloadbalancing.targets", "ready"),
            "consumer-b-1/workgroup": entry("redshift-serverless.workgroup", "tainted"),
        },
    });
    serde_json::from_value(state).unwrap()
}

fn live(spec: Json, outputs: Json, readiness: Readiness) -> Seen {
    Seen::Live(AnyLive { id: Id("id-1".into()), spec, outputs, readiness, others: Vec::new() })
}

fn observed() -> Observed {
    let parts =
        BTreeMap::from([("10.40.0.7".to_owned(), Some("Target.Timeout".to_owned())), ("10.40.2.9".to_owned(), None)]);
    let workgroup = json!({ "port": 5439, "base_capacity": 8, "max_capacity": null });
    let endpoint = json!({ "endpoint": "wg.example.com" });
    let seen = [
        ("networking/vpc", live(json!({}), json!({}), Readiness::Ready)),
        ("networking/subnet-1", Seen::Absent),
        ("consumer-a-1/workgroup", live(workgroup.clone(), endpoint, Readiness::Ready)),
        ("consumer-a-1/targets-5439", live(json!({ "port": 5439 }), json!({}), Readiness::Partly(Parts(parts)))),
        ("consumer-b-1/workgroup", live(workgroup, json!({}), Readiness::Ready)),
    ];
    Observed(seen.into_iter().map(|(name, seen)| (address(name), seen)).collect())
}

fn drifted_plan() -> Plan {
    let field = FieldChange { drift: true, ..known("base_capacity", json!(8), json!(32)) };
    let changed = change("consumer-a-1/workgroup", Action::Update, &[Reason::Drifted], vec![field]);
    Plan { drift: drift(), ..plan(vec![changed], vec![]) }
}

fn drift() -> BTreeMap<Address, Drift> {
    let field = |field: &str, state: Json, live: Json, fate: Fate, rating: Rating| FieldDrift {
        field: field.to_owned(),
        key: None,
        config: Some(After::Known(state.clone())),
        state,
        live,
        impact: if fate == Fate::Reverted { "may cancel running queries".to_owned() } else { String::new() },
        fate,
        rating,
        origin: Some(format!("consumers.a.{field}")),
    };
    let drift = |presence: Presence, fate: Option<Fate>, fields: Vec<FieldDrift>| Drift {
        kind: "ec2.vpc".to_owned(),
        id: Some(Id("id-1".to_owned())),
        rating: if presence == Presence::Gone { Rating::Reverted } else { Rating::Harmless },
        needed_by: if presence == Presence::Gone { vec![address("consumer-a-1/workgroup")] } else { Vec::new() },
        presence,
        fate,
        fields,
    };
    let fields = vec![
        field("base_capacity", json!(32), json!(8), Fate::Reverted, Rating::Reverted),
        field("publicly_accessible", json!(false), json!(true), Fate::Kept, Rating::Security),
    ];
    BTreeMap::from([
        (address("consumer-a-1/workgroup"), drift(Presence::There, None, fields)),
        (address("networking/subnet-1"), drift(Presence::Gone, Some(Fate::Created), Vec::new())),
    ])
}

fn show<T>(plan: Result<Plan, Failure>, of: impl FnOnce(&StatusView<'_>) -> T) -> T {
    let (state, observed) = (state(), observed());
    let report = Report::of(&state, &observed, &plan);
    of(&StatusView { report: &report, verbose: false, spot_of: &|_| None, place: &|_| None })
}

#[test]
fn what_is_not_well_is_explained() {
    insta::assert_snapshot!(show(Ok(drifted_plan()), |view| view.human(false, 100)), @r"
    airline dev · account 123456789012 · us-west-2 · 5 resources

    networking 1 of 2 resources ready
      networking/subnet-1 gone · AWS does not have it

    consumer-a-1 1 of 2 resources ready
      consumer-a-1/targets-5439 pending · 1 of 2 healthy: Target.Timeout
          10.40.0.7: Target.Timeout: nothing answered the health check in time; look at the security
              groups between balancer and warehouse, at its port, and whether it is available
          10.40.2.9: healthy
          port: 5439
      consumer-a-1/workgroup ready
          endpoint: wg.example.com port: 5439 base_capacity: 8

    consumer-b-1 0 of 1 resource ready
      consumer-b-1/workgroup failed · no capacity
          port: 5439 base_capacity: 8

    2 of 5 resources drift:
      consumer-a-1/workgroup
          base_capacity: would be reverted
              rsds set 32, AWS has 8, the TOML says 32: the next apply sets it back
              ! may cancel running queries
          publicly_accessible: security
              rsds set false, AWS has true, the TOML says false: left alone: ignore_changes
      networking/subnet-1
          gone from AWS: would be reverted
              the next apply makes it anew
              it is needed by consumer-a-1/workgroup
    Changes pending: 1 to update; rsds plan shows them.
    ");
}

#[test]
fn without_a_plan_nothing_is_said_of_fields() {
    let text = show(Err(Failure::new("no credentials", "")), |view| view.human(false, 200));
    assert!(text.contains("  networking/subnet-1\n      gone from AWS: would be reverted\n"), "{text}");
    assert!(!text.contains("base_capacity: would"), "{text}");
    assert!(text.contains("nobody knows what the next apply does"), "{text}");
    assert!(text.ends_with("There is no plan: no credentials\n"), "{text}");
}

#[test]
fn scripts_get_codes_facts_and_differences() {
    let json = show(Ok(drifted_plan()), |view| view.json());
    assert_eq!((&json["format"], &json["ready"]), (&json!("rsds.status/1"), &json!(false)));
    let targets = &json["components"][1]["resources"][0];
    assert_eq!(
        (&targets["address"], &targets["parts"][0]["code"]),
        (&json!("consumer-a-1/targets-5439"), &json!("Target.Timeout"))
    );
    assert_eq!(json["components"][1]["resources"][1]["facts"]["endpoint"], "wg.example.com");
    assert_eq!((&json["drift"]["drifting"], &json["drift"]["of"]), (&json!(2), &json!(5)));
    let field = &json["drift"]["resources"][0]["fields"][0];
    assert_eq!((&field["is"], &field["set"], &field["wanted"]), (&json!(8), &json!(32), &json!(32)));
    assert_eq!((&field["fate"], &field["rating"]), (&json!("reverted"), &json!("reverted")));
    let page = include_str!("../../../docs/json.md");
    for key in [
        "components",
        "condition",
        "said",
        "notice",
        "parts",
        "facts",
        "drifting",
        "pending",
        "no_plan",
        "cause",
        "cure",
        "gone",
        "fate",
        "rating",
        "counts",
        "needed_by",
        "is",
        "set",
        "wanted",
    ] {
        assert!(page.contains(&format!("`{key}`")), "{key} is not documented");
    }
}

#[test]
fn a_comment_has_what_is_not_well_open() {
    let subject = Subject { command: "status", environment: "dev", everything: "rsds status --env dev" };
    let text = show(Ok(drifted_plan()), |view| view.markdown(subject));
    assert!(
        text.starts_with("### <code>dev</code> · 2 of 5 resources ready, 2 drift\n<!-- rsds:status:dev -->\n"),
        "{text}"
    );
    assert!(text.contains("<details open><summary>consumer-a-1 1 of 2 resources ready"), "{text}");
    assert!(text.contains("10.40.0.7: Target.Timeout: nothing answered"), "{text}");
    let told = show(Ok(drifted_plan()), |view| view.annotations());
    let titles: Vec<&str> = told.iter().map(|a| a.title.as_str()).collect();
    assert!(
        titles.contains(&"networking/subnet-1 is gone")
            && titles.contains(&"consumer-a-1/workgroup drifts (would be reverted)"),
        "{titles:?}"
    );
}

#[test]
fn who_may_call_aws_is_told_how_to_reach_one_consumer() {
    let told = |state: &State| {
        let plan = Ok(plan(vec![], vec![]));
        let report = Report::of(state, &Observed::default(), &plan);
        StatusView { report: &report, verbose: false, spot_of: &|_| None, place: &|_| None }.human(false, 100)
    };
    let mut state = state();
    assert!(!told(&state).contains("get-credentials"), "without a name there is no command");
    for (component, name) in [("producer", "airline-dev-producer"), ("consumer-a-1", "airline-dev-a-1")] {
        let mut entry = state.entries[&address("consumer-a-1/workgroup")].clone();
        entry.spec = json!({ "name": name }).into();
        state.entries.insert(Address::new(component, "workgroup"), entry);
    }
    let told = told(&state);
    assert!(told.contains("\n  aws redshift-serverless get-credentials --workgroup-name airline-dev-a-1\n"), "{told}");
}
