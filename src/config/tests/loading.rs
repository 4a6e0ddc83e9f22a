//! Files, syntax, keys, types, `extends`, `--set`, origins and the digest.

use super::*;
use crate::config::environments;

#[test]
fn the_least_that_works() {
    let environment = good(GOOD);
    let config = &environment.config;
    assert_eq!((config.project.as_str(), config.env.as_str()), ("airline", "dev"));
    let subnets: Vec<String> = config.networking.subnet_cidrs.iter().map(ToString::to_string).collect();
    assert_eq!(subnets, ["10.40.0.0/23", "10.40.2.0/23", "10.40.4.0/23"]);
    assert_eq!(config.protect.addresses, ["producer"]);
    assert_eq!(config.nlb.idle_timeout.as_secs(), 6000);
    assert_eq!(config.consumers["analytics"].capacity.base, 32);
    assert!(config.producer.final_snapshot && !config.consumers["analytics"].final_snapshot);
    assert!(environment.warnings().is_empty() && environment.unsupported.is_empty());
    assert!(config.monitoring.is_none() && config.has_nlb());
}

#[test]
fn several_unknown_keys_and_wrong_types_at_once() {
    let text = "\
project = \"airline\"
regoin = \"us-west-2\"
account = 123456789012
vpc_id = \"vpc-1\"
[networking]
vpc_cidr = \"10.40.0.0/16\"
s3_endpoint = \"true\"
max_capacity = 3
[consumers.analytics]
count = \"2\"
query_timeout = 3600
[consumers.analytics.usage_limit]
period = \"dayly\"
[wat]
";
    let expected = [
        (1, "the file has no key `region`"),
        (2, "did you mean `region`?"),
        (3, "`account` must be a string, found an integer (write `\"123456789012\"`)"),
        (4, "unknown key `vpc_id` (there is a key `vpc_id` in `[networking]`)"),
        (7, "`networking.s3_endpoint` must be a boolean, found a string (write `true`)"),
        (8, "unknown key `max_capacity` in `networking` (there is a key `max_capacity` in `[producer]`)"),
        (10, "`consumers.analytics.count` must be an integer, found a string (write `2`)"),
        (11, "must be a duration in quotes, found an integer (write `\"3600s\"`)"),
        (12, "`consumers.analytics.usage_limit` has no key `rpu_hours`"),
        (13, "`dayly` is not one of `daily`, `weekly`, `monthly` (did you mean `daily`?)"),
        (14, "unknown key `wat`"),
    ];
    refused(text, &expected);
}

#[test]
fn an_unknown_key_looks_like_this() {
    let problems = dev(&with(6, "base_capacty = 8")).map(|environment| environment.config).unwrap_err();
    let expected = "\
error: unknown key `base_capacty` in `producer`
 --> environments/dev.toml:6:1
  |
6 | base_capacty = 8
  | ^^^^^^^^^^^^ not a key rsds knows
  |
  = help: did you mean `base_capacity`?";
    assert_eq!(problems.render(false, 100), expected);
    let json = serde_json::to_value(&problems).unwrap();
    assert_eq!((&json[0]["file"], &json[0]["line"]), (&"environments/dev.toml".into(), &6.into()));
}

#[test]
fn syntax_errors_come_together_and_alone() {
    let problems = dev("project = \nregion = \"x\ncount == 3\n").map(|environment| environment.config).unwrap_err();
    assert!(problems.0.len() >= 2, "{problems}");
    assert!(problems.0.iter().all(|problem| problem.message.starts_with("not valid TOML")), "{problems}");
    assert_eq!(line_of(&problems.0[0]), 1);
}

#[test]
fn a_key_twice_is_a_syntax_error() {
    refused(&with(6, "port = 5439\nport = 5439"), &[(7, "duplicate key")]);
}

#[test]
fn unknown_environments_list_those_there() {
    let folder = Folder::new(&[("dev.toml", GOOD), ("prod.toml", "extends = \"./common.toml\""), ("common.toml", "")]);
    assert_eq!(environments(folder.0.path()), ["dev", "prod"], "a file that others extend is no environment");
    let chain = Folder::new(&[("dev.toml", GOOD), ("staging.toml", "extends = \"dev.toml\"")]);
    assert_eq!(environments(chain.0.path()), ["dev", "staging"], "one environment may extend another");
    assert_eq!(chain.load("staging", &[]).unwrap().config.env, "staging");
    let text = folder.load("prd", &[]).map(drop).unwrap_err().to_string();
    assert!(text.contains("did you mean `prod`? environments there: dev, prod"), "{text}");
    let text = folder.load("../dev", &[]).map(drop).unwrap_err().to_string();
    assert!(text.contains("no environment `../dev`"), "{text}");
    let empty = tempfile::tempdir().unwrap();
    let text = load(empty.path(), "dev", &[]).map(drop).unwrap_err().to_string();
    assert!(text.contains("no environment is in"), "{text}");
}

#[test]
fn environments_have_names_that_fit_into_aws() {
    let folder = Folder::new(&[("Dev_1.toml", GOOD)]);
    let text = folder.load("Dev_1", &[]).map(drop).unwrap_err().to_string();
    assert!(text.contains("`Dev_1` cannot be part of AWS names") && text.contains("`dev-1`"), "{text}");
}

#[test]
fn files_that_are_not_text_are_an_error() {
    let folder = Folder::new(&[("dev.toml", "")]);
    std::fs::write(folder.0.path().join("environments/dev.toml"), b"project = \"\xff\"").unwrap();
    let text = folder.load("dev", &[]).map(drop).unwrap_err().to_string();
    assert!(text.contains("environments/dev.toml is not UTF-8 text (byte 11)"), "{text}");
}

#[test]
fn extends_merges_tables_and_replaces_the_rest() {
    let common = "project = \"airline\"\nregion = \"us-west-2\"\n[networking]\nvpc_cidr = \"10.0.0.0/16\"\nallowed_cidrs = [\"10.1.0.0/16\", \"10.2.0.0/16\"]\n[consumers.analytics]\ncount = 3\n";
    let middle = "extends = \"common.toml\"\n[consumers.analytics]\nport = 5440\n";
    let dev = "extends = \"middle.toml\"\n[networking]\nallowed_cidrs = [\"10.3.0.0/16\"]\n";
    let folder = Folder::new(&[("common.toml", common), ("middle.toml", middle), ("dev.toml", dev)]);
    let environment = folder.load("dev", &[]).unwrap();
    assert_eq!(environment.config.networking.allowed_cidrs.len(), 1);
    let analytics = &environment.config.consumers["analytics"];
    assert_eq!((analytics.count, analytics.port), (3, 5440));
    let origin = |path: &str| environment.origin(path).map(Origin::short);
    assert_eq!(origin("consumers.analytics.count").unwrap(), "environments/common.toml:7");
    assert_eq!(origin("consumers.analytics.port").unwrap(), "environments/middle.toml:3");
    assert_eq!(origin("networking.allowed_cidrs[0]").unwrap(), "environments/dev.toml:3");
    assert_eq!(
        origin("consumers.analytics.database").unwrap(),
        "environments/middle.toml:2",
        "nearest around a default"
    );
    assert_eq!(origin("nlb.port").unwrap(), "default");
    assert_eq!(origin("nonsense.port"), None);
}

#[test]
fn extends_in_a_ring_or_nowhere() {
    let ring = Folder::new(&[
        ("a.toml", "extends = \"b.toml\"\n"),
        ("b.toml", "\nextends = \"a.toml\"\n"),
        ("dev.toml", "extends = \"a.toml\"\n"),
    ]);
    let problems = ring.load("dev", &[]).map(drop).unwrap_err();
    assert!(
        problems.to_string().starts_with("environments/b.toml:2: extends: the files extend one another"),
        "{problems}"
    );
    assert!(problems.0[0].notes[0].contains("a.toml extends environments/b.toml extends"), "{:?}", problems.0[0].notes);
    refused("extends = \"./dev.toml\"\n", &[(1, "extend one another in a ring")]);
    refused("\nextends = \"gone.toml\"\n", &[(2, "cannot read environments/gone.toml")]);
}

#[test]
fn set_overrides_one_value() {
    let folder = Folder::new(&[("dev.toml", GOOD)]);
    let sets = [
        "consumers.analytics.count=2",
        "protect.addresses=[]",
        "producer.database=airline_dw",
        "tags.\"a.b\" = \"c=d\"",
    ];
    let environment = folder.load("dev", &sets).unwrap();
    let config = &environment.config;
    assert_eq!(config.consumers["analytics"].count, 2);
    assert!(config.protect.addresses.is_empty());
    assert_eq!(config.producer.database, "airline_dw");
    assert_eq!(config.tags["a.b"], "c=d");
    let origin = |path: &str| environment.origin(path).unwrap().short();
    assert_eq!(origin("consumers.analytics.count"), "--set consumers.analytics.count=2");
    assert_eq!(origin("consumers.analytics.port"), "environments/dev.toml:7", "the table is still the file's");
    assert_eq!(origin("tags.\"a.b\""), "--set tags.\"a.b\" = \"c=d\"");
}

#[test]
fn set_has_the_same_errors_pointing_at_it() {
    let folder = Folder::new(&[("dev.toml", GOOD)]);
    let error = |set: &str| {
        let problems = folder.load("dev", &["producer.port=5440", set]).map(drop).unwrap_err();
        assert_eq!(problems.0.len(), 1, "{problems}");
        assert!(matches!(problems.0[0].origin, Origin::Set { n: 2, .. }), "{problems}");
        problems.0[0].to_string()
    };
    assert!(error("producer.base_capacity=33").contains("nearest: 32 or 40"));
    assert!(error("producer.bse_capacity=32").contains("did you mean `base_capacity`?"));
    assert!(error("producer.port=many").contains("must be an integer, found a string"));
    assert!(error("consumers.analytic.count=2").contains("did you mean `analytics`?"));
    assert!(error("extends=other.toml").contains("only be written in a file"));
    assert!(error("count").contains("not of the form KEY=VALUE"));
    assert!(error("a b=1").contains("is not a key"));
    assert!(error("nlb\nport=1").contains("is not a key"));
    assert!(error("producer=3").contains("`producer` must be a table, found an integer"));
    let problems = folder.load("dev", &["producer.port=5000"]).map(drop).unwrap_err();
    let shown = problems.render(false, 100);
    assert!(shown.contains("--set 1:1:15") && shown.contains("^^^^"), "{shown}");
}

#[test]
fn the_digest_is_of_the_values_alone() {
    let plain = good(GOOD).digest();
    assert_eq!(plain.len(), 64);
    assert_eq!(
        good(&format!("# hello\n{}", with(7, "[consumers.analytics]\ncount = 1"))).digest(),
        plain,
        "a default written out"
    );
    let folder = Folder::new(&[("dev.toml", GOOD)]);
    assert_ne!(folder.load("dev", &["consumers.analytics.count=2"]).unwrap().digest(), plain);
    assert_eq!(folder.load("dev", &["producer.base_capacity=8"]).unwrap().digest(), plain);
}
