//! `[resources."<address>"]`: names of an older estate, single fields, and what is left to others.

use crate::{harness::*, scene::*};
use rsds::{
    config,
    plan::{Action, Options, Plan, Reason},
    sandbox::World,
    stack,
    ui::PlanView,
};
use serde_json::{Value as Json, json};

/// Every name an estate of another tool may have brought with it.
const PINNED: &str = r#"
[resources."networking/vpc"]
name = "redshift-vpc"
[resources."networking/subnet-1"]
name = "redshift-subnet-a"
[resources."networking/producer-security-group"]
name = "Redshift producer"
[resources."producer/key-alias"]
name = "alias/airline_warehouse"
[resources."producer/role"]
name = "RedshiftServerlessRole"
path = "/"
[resources."producer/role-policy"]
name = "lake"
[resources."producer/namespace"]
name = "airline-dw"
[resources."producer/workgroup"]
name = "airline-dw-wg"
[resources."consumer-reporting-1/namespace"]
name = "airline-reporting"
[resources."consumer-reporting-1/workgroup"]
name = "airline-reporting-wg"
[resources."nlb/load-balancer"]
name = "Airline-NLB"
[resources."nlb/target-group-5439"]
name = "airline-tg"
[resources."nlb/listener-5439"]
name = "redshift"
"#;

const WORKGROUP: &str = "consumer-reporting-1/workgroup";

fn with(resources: &str) -> String {
    format!("{SMALL}{resources}")
}

fn of_workgroup(lines: &str) -> String {
    with(&format!("[resources.\"{WORKGROUP}\"]\n{lines}\n"))
}

fn parameters(world: &mut World) -> &mut std::collections::BTreeMap<String, String> {
    &mut world.serverless.workgroups.get_mut("airline-dev-reporting-1").unwrap().parameters
}

/// The plan as people see it with `-v`, as far as it is about one resource.
fn told(estate: &Estate, plan: &Plan, address: &str) -> String {
    let environment = config::load(estate.dir.path(), "dev", &estate.sets).unwrap();
    let origin = |key: &str| environment.origin(key).map(|origin| origin.short()).filter(|place| place != "default");
    let view = PlanView { plan, origin: &origin, destroy: false, limited: false, verbose: true, warnings: vec![] };
    let page = view.human(false, 160);
    let lines = page.lines().skip_while(|line| !line.contains(&format!(" {address} (")));
    let block: Vec<&str> =
        lines.enumerate().take_while(|(n, line)| *n == 0 || line.starts_with("      ")).map(|(_, line)| line).collect();
    block.join("\n")
}

#[tokio::test(start_paused = true)]
async fn an_estate_keeps_the_names_it_was_born_with() {
    let mut estate = Estate::new(&with(PINNED));
    estate.converge(&Options::default()).await;
    let world = estate.sandbox.world();
    let tagged = |id: &str| world.ec2.tags[id]["Name"].clone();
    let id = |address: &str| estate.state().entries[&address.parse().unwrap()].id.clone().unwrap().to_string();
    assert_eq!(tagged(&id("networking/vpc")), "redshift-vpc");
    assert_eq!(tagged(&id("networking/subnet-1")), "redshift-subnet-a");
    assert_eq!(tagged(&id("networking/subnet-2")), "airline-dev-subnet-2", "the others keep theirs");
    assert!(world.ec2.groups.values().any(|group| group.name == "Redshift producer"));
    assert!(world.kms.aliases.contains_key("alias/airline_warehouse"));
    let role = world.iam.roles.values().find(|role| role.name == "RedshiftServerlessRole").unwrap();
    assert_eq!((role.path.as_str(), role.inline.keys().map(String::as_str).collect()), ("/", vec!["lake"]));
    let names: Vec<&String> = world.serverless.namespaces.keys().collect();
    assert_eq!(names, ["airline-dw", "airline-reporting"]);
    let names: Vec<(&String, &String)> = world.serverless.workgroups.iter().map(|(n, w)| (n, &w.namespace)).collect();
    let expected = [("airline-dw-wg", "airline-dw"), ("airline-reporting-wg", "airline-reporting")];
    assert!(names.iter().map(|(n, of)| (n.as_str(), of.as_str())).eq(expected), "{names:?}");
    assert!(world.elb.balancers.values().any(|balancer| balancer.name == "Airline-NLB"));
    assert!(world.elb.groups.values().any(|group| group.name == "airline-tg"));
    let listener = &estate.state().entries[&"nlb/listener-5439".parse().unwrap()].spec["tags"]["Name"];
    assert_eq!(*listener, json!("redshift"));

    let outcome = estate.run(&destroying(&[])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    assert_eq!(estate.sandbox.leftovers(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_field_of_one_resource_is_its_own_and_the_plan_says_where_it_comes_from() {
    let mut estate = Estate::new(SMALL);
    estate.set(&["consumers.reporting.query_timeout=10m"]);
    estate.converge(&Options::default()).await;
    estate.write(&of_workgroup(
        "max_capacity = 24\nparameters = { search_path = \"reporting\" }\ntags = { owner = \"bi\" }",
    ));
    let plan = estate.plan(&Options::default()).await.unwrap();
    assert_eq!(brief(&plan), [format!("update {WORKGROUP}")]);
    insta::assert_snapshot!(told(&estate, &plan, WORKGROUP), @r##"
    ~ update consumer-reporting-1/workgroup (redshift-serverless.workgroup)
        arn:aws:redshift-serverless:us-west-2:123456789012:workgroup/ac33a711-9798-4ddd-813e-88de158d0b3f · typical 4m
        max_capacity:           16              -> 24 (environments/dev.toml:28)
        parameters.search_path: "$user, public" -> reporting (environments/dev.toml:29)
        tags.owner:             unset           -> bi (environments/dev.toml:30)
        steps, in this order:
          1. set max_capacity · 2m
          2. set parameters · 2m ! reconnect: sessions that are open keep the old value
          3. set tags · 1s
    "##);
    estate.converge(&Options::default()).await;
    let shown = parameters(&mut estate.sandbox.world()).clone();
    assert_eq!(shown["search_path"], "reporting");
    assert_eq!(shown["max_query_execution_time"], "600", "maps merge key by key");

    // Taken away again, it is as the rest of the file says.
    estate.write(SMALL);
    assert_eq!(estate.brief(&Options::default()).await, [format!("update {WORKGROUP}")]);
    estate.converge(&Options::default()).await;
}

#[tokio::test(start_paused = true)]
async fn a_reference_can_be_a_value_of_ones_own() {
    let mut estate = Estate::new(SMALL);
    estate.converge(&Options::default()).await;
    let state = estate.state();
    let group = |whose: &str| {
        state.output(&format!("networking/{whose}-security-group").parse().unwrap(), "id").unwrap().clone()
    };
    let mut both = [group("consumer"), group("producer")];
    estate.write(&of_workgroup(&format!("security_groups = [{}, {}]", both[0], both[1])));
    estate.converge(&Options::default()).await;
    both.sort_by_key(Json::to_string);
    let spec = &estate.state().entries[&WORKGROUP.parse().unwrap()].spec;
    assert_eq!(spec["security_groups"], json!(both));
}

#[tokio::test(start_paused = true)]
async fn what_is_ignored_is_set_once_and_then_left_to_others() {
    let lines = "parameters = { search_path = \"ours\", query_group = \"bi\" }\nignore_changes = [\"parameters.search_path\", \"tags.owner\"]\ntags = { owner = \"bi\" }";
    let mut estate = Estate::new(&of_workgroup(lines));
    estate.converge(&Options::default()).await;
    assert_eq!(parameters(&mut estate.sandbox.world())["search_path"], "ours", "set at creation");

    let drift = |world: &mut World| {
        parameters(world).insert("search_path".to_owned(), "theirs".to_owned());
        let arn = world.serverless.workgroups["airline-dev-reporting-1"].arn.clone();
        world.serverless.tags.get_mut(&arn).unwrap().insert("owner".to_owned(), "etl".to_owned());
    };
    estate.sandbox.edit(drift).unwrap();
    let plan = estate.plan(&Options::default()).await.unwrap();
    assert!(plan.is_empty(), "{:?}", brief(&plan));
    insta::assert_snapshot!(told(&estate, &plan, WORKGROUP), @r##"
    unchanged consumer-reporting-1/workgroup (redshift-serverless.workgroup)
      arn:aws:redshift-serverless:us-west-2:123456789012:workgroup/ac33a711-9798-4ddd-813e-88de158d0b3f
      ignored drift: parameters.search_path is theirs, the TOML says ours; tags.owner is etl, the TOML says bi
    "##);

    // Another key of the same map is mended, and the ignored one goes with it as it is.
    let group = |world: &mut World| drop(parameters(world).insert("query_group".to_owned(), "etl".to_owned()));
    estate.sandbox.edit(group).unwrap();
    let plan = estate.plan(&Options::default()).await.unwrap();
    assert_eq!(reasons(&plan, WORKGROUP), [Reason::Drifted]);
    let changed: Vec<Option<&str>> =
        plan.changes[&WORKGROUP.parse().unwrap()].fields.iter().map(|field| field.key.as_deref()).collect();
    assert_eq!(changed, [Some("query_group")]);
    estate.converge(&Options::default()).await;
    let shown = parameters(&mut estate.sandbox.world()).clone();
    assert_eq!((shown["query_group"].as_str(), shown["search_path"].as_str()), ("bi", "theirs"));
    let spec = estate.state().entries[&WORKGROUP.parse().unwrap()].spec.clone();
    assert_eq!((&spec["parameters"]["search_path"], &spec["tags"]["owner"]), (&json!("theirs"), &json!("etl")));

    // A new one is made as the TOML says, and the plan says that.
    let replace = Options { replace: select(&[WORKGROUP]), ..Options::default() };
    let plan = estate.plan(&replace).await.unwrap();
    let change = &plan.changes[&WORKGROUP.parse().unwrap()];
    let path = change.fields.iter().find(|field| field.key.as_deref() == Some("search_path")).unwrap();
    assert_eq!((&path.before, change.ignored.len()), (&json!("theirs"), 0));
    estate.converge(&replace).await;
    assert_eq!(parameters(&mut estate.sandbox.world())["search_path"], "ours");

    // Nobody ignores it any more.
    estate.sandbox.edit(drift).unwrap();
    estate.write(&of_workgroup(lines.lines().next().unwrap()));
    assert_eq!(estate.brief(&Options::default()).await, [format!("update {WORKGROUP}")]);
    estate.converge(&Options::default()).await;
    assert_eq!(parameters(&mut estate.sandbox.world())["search_path"], "ours");
}

#[tokio::test(start_paused = true)]
async fn an_ignored_field_never_replaces_and_ownership_is_never_ignored() {
    let mut estate = Estate::new(SMALL);
    estate.converge(&Options::default()).await;
    let lines = "[resources.\"consumer-reporting-1/namespace\"]\nadmin_username = \"someone\"\n";
    estate.write(&with(lines));
    let plan = estate.plan(&Options::default()).await.unwrap();
    let address = "consumer-reporting-1/namespace";
    assert!(matches!(plan.changes[&address.parse().unwrap()].action, Action::Replace(_)), "{:?}", brief(&plan));
    estate.write(&with(&format!("{lines}ignore_changes = [\"admin_username\", \"tags\"]")));
    estate.settled().await;

    let arn = estate.sandbox.world().serverless.namespaces["airline-dev-reporting-1"].arn.clone();
    let strip = |world: &mut World| {
        let tags = world.serverless.tags.get_mut(&arn).unwrap();
        tags.remove("rsds:address").unwrap();
        tags.insert("Name".to_owned(), "mine".to_owned());
    };
    estate.sandbox.edit(strip).unwrap();
    let plan = estate.plan(&Options::default()).await.unwrap();
    let change = &plan.changes[&address.parse().unwrap()];
    let keys: Vec<Option<&str>> = change.fields.iter().map(|field| field.key.as_deref()).collect();
    assert_eq!((change.action, keys), (Action::Update, vec![Some("rsds:address")]));
    estate.converge(&Options::default()).await;
}

/// What `rsds validate` says of this file, without any AWS.
fn refused(resources: &str) -> String {
    let estate_dir = tempfile::tempdir().unwrap();
    let folder = estate_dir.path().join("environments");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("dev.toml"), with(resources)).unwrap();
    let environment = config::load(estate_dir.path(), "dev", &[]).unwrap_or_else(|problems| panic!("{problems}"));
    match stack::check(&environment) {
        Err(stack::StackError::Config(problems)) => problems.render(false, 120),
        Err(stack::StackError::Defect(defect)) => panic!("{defect}"),
        Ok(()) => panic!("nothing is wrong with {resources}"),
    }
}

#[test]
fn everything_that_does_not_fit_is_said_at_once_and_at_its_place() {
    insta::assert_snapshot!(refused(r#"
[resources."consumer-reporting-1/workgroup"]
max_capcity = 24
port = "5440"
base_capacity = { from = 8 }
parameters = { search_path = 3 }
tags = { "rsds:project" = "mine", owner = "a;b" }
ignore_changes = ["paramters", "port.x", "tags.rsds:address", "*"]
[resources."consumer-reporting-2/workgroup"]
name = "second"
[resources."moon/crater"]
[resources."nlb/load-balancer"]
name = "a-load-balancer-whose-name-is-too-long-for-aws"
[resources."networking/public-route"]
name = "out"
[resources."networking/vpc"]
name = "vpc"
tags = { Name = "vpc" }
cidr = "10.60.0.0"
[resources."networking/nlb-egress-5439-consumers"]
protocol = "udp"
"#), @r##"
error: redshift-serverless.workgroup has no field `max_capcity`
  --> environments/dev.toml:29:1
   |
29 | max_capcity = 24
   | ^^^^^^^^^^^
   |
   = help: did you mean `max_capacity`?

error: `port` of consumer-reporting-1/workgroup (redshift-serverless.workgroup): expected a whole number from 0 to 65535, found the string "5440"
  --> environments/dev.toml:30:8
   |
30 | port = "5440"
   |        ^^^^^^

error: `base_capacity` of consumer-reporting-1/workgroup (redshift-serverless.workgroup): expected a whole number that is not negative, found a table
  --> environments/dev.toml:31:1
   |
31 | base_capacity = { from = 8 }
   | ^^^^^^^^^^^^^

error: `parameters` of consumer-reporting-1/workgroup (redshift-serverless.workgroup): expected a string, found the number 3
  --> environments/dev.toml:32:30
   |
32 | parameters = { search_path = 3 }
   |                              ^

error: the tag key `rsds:project` starts with `rsds:`, which belongs to rsds
  --> environments/dev.toml:33:10
   |
33 | tags = { "rsds:project" = "mine", owner = "a;b" }
   |          ^^^^^^^^^^^^^^

error: `a;b` has a character AWS does not take in tags: `;`
  --> environments/dev.toml:33:43
   |
33 | tags = { "rsds:project" = "mine", owner = "a;b" }
   |                                           ^^^^^

error: redshift-serverless.workgroup has no field `paramters`
  --> environments/dev.toml:34:19
   |
34 | ignore_changes = ["paramters", "port.x", "tags.rsds:address", "*"]
   |                   ^^^^^^^^^^^
   |
   = help: did you mean `parameters`?

error: `port` of redshift-serverless.workgroup has no keys that are compared one by one
  --> environments/dev.toml:34:32
   |
34 | ignore_changes = ["paramters", "port.x", "tags.rsds:address", "*"]
   |                                ^^^^^^^^
   |
   = help: write `port` to ignore all of it

error: the tag `rsds:address` says whose the resource is: rsds always keeps it
  --> environments/dev.toml:34:42
   |
34 | ignore_changes = ["paramters", "port.x", "tags.rsds:address", "*"]
   |                                          ^^^^^^^^^^^^^^^^^^^

error: redshift-serverless.workgroup has no field `*`
  --> environments/dev.toml:34:63
   |
34 | ignore_changes = ["paramters", "port.x", "tags.rsds:address", "*"]
   |                                                               ^^^
   |
   = help: there is `name`, `namespace`, `base_capacity`, `max_capacity`, `parameters`, `vpc`, `subnets`, `security_groups`, `port`, `enhanced_vpc_routing`, `publicly_accessible`, `tags`

error: there is no resource `consumer-reporting-2/workgroup`
  --> environments/dev.toml:35:12
   |
35 | [resources."consumer-reporting-2/workgroup"]
   |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
   |
   = help: did you mean `consumer-reporting-1/workgroup`?

error: there is no resource `moon/crater`
  --> environments/dev.toml:37:12
   |
37 | [resources."moon/crater"]
   |            ^^^^^^^^^^^^^
   |
   = help: the components are consumer-reporting-1, networking, nlb, producer

error: `a-load-balancer-whose-name-is-too-long-for-aws` is no name for elasticloadbalancing.load-balancer: a name is up to 32 letters, digits and dashes, no dash at either end, and does not start with `internal-`
  --> environments/dev.toml:39:8
   |
39 | name = "a-load-balancer-whose-name-is-too-long-for-aws"
   |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

error: ec2.route has neither a name nor tags
  --> environments/dev.toml:41:1
   |
41 | name = "out"
   | ^^^^

error: ec2.vpc is named by its tag `Name`, which `tags` says too
  --> environments/dev.toml:43:1
   |
43 | name = "vpc"
   | ^^^^
   |
   = help: take one of them away

error: `cidr` of networking/vpc (ec2.vpc): invalid IP address syntax
  --> environments/dev.toml:45:8
   |
45 | cidr = "10.60.0.0"
   |        ^^^^^^^^^^^

error: `protocol` of networking/nlb-egress-5439-consumers (ec2.security-group-rule): expected `tcp` or `all` or `other`, found the string "udp"
  --> environments/dev.toml:47:12
   |
47 | protocol = "udp"
   |            ^^^^^
"##);
}

#[test]
fn two_cannot_have_one_name() {
    insta::assert_snapshot!(refused(r#"
[resources."consumer-reporting-1/workgroup"]
name = "airline-dev-producer"
[resources."networking/subnet-2"]
cidr = "10.50.0.0/23"
"#), @r##"
error: consumer-reporting-1/workgroup and producer/workgroup would have the same name, and AWS takes only one of them
  --> environments/dev.toml:29:8
   |
29 | name = "airline-dev-producer"
   |        ^^^^^^^^^^^^^^^^^^^^^^

error: networking/subnet-2 and networking/subnet-1 would have the same vpc and cidr, and AWS takes only one of them
  --> environments/dev.toml:30:12
   |
30 | [resources."networking/subnet-2"]
   |            ^^^^^^^^^^^^^^^^^^^^^
"##);
}

#[tokio::test(start_paused = true)]
async fn plan_refuses_what_validate_refuses() {
    let estate = Estate::new(&with("[resources.\"producer/workgrup\"]\nname = \"x\"\n"));
    let why = estate.refusal(&Options::default()).await;
    assert!(why.contains("there is no resource `producer/workgrup`"), "{why}");
    assert!(why.contains("did you mean `producer/workgroup`?") && why.contains("environments/dev.toml:27:"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn the_example_comes_up_with_the_old_names_and_stays_as_it_is() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/migration/environments/prod.toml");
    let mut estate = Estate::new(&std::fs::read_to_string(file).unwrap());
    estate.converge(&Options::default()).await;
    let world = estate.sandbox.world();
    let names: Vec<&String> = world.serverless.workgroups.keys().collect();
    assert_eq!(names, ["airline-consumer-1-wg", "airline-consumer-2-wg", "airline-producer-wg"]);
    assert!(world.iam.roles.values().all(|role| role.arn.contains(":role/Airline")));
}

#[tokio::test(start_paused = true)]
async fn an_estate_does_without_what_it_is_told_to_do_without() {
    let without = |addresses: &[&str]| {
        with(&addresses.iter().map(|of| format!("[resources.\"{of}\"]\nexists = false\n")).collect::<String>())
    };
    let mut estate = Estate::new(&without(&["producer/key", "producer/key-alias", "consumer-reporting-1/usage-limit"]));
    estate.converge(&Options::default()).await;
    let world = estate.sandbox.world();
    assert!(world.kms.keys.is_empty() && world.serverless.limits.is_empty());
    assert_eq!(estate.state().entries[&"producer/namespace".parse().unwrap()].spec["kms_key"], Json::Null);
    // It can come, and go again.
    estate.write(&without(&["producer/key", "producer/key-alias"]));
    estate.converge(&Options::default()).await;
    assert_eq!(estate.sandbox.world().serverless.limits.len(), 1);
    estate.write(&without(&["producer/key", "producer/key-alias", "consumer-reporting-1/usage-limit"]));
    assert_eq!(estate.brief(&Options::default()).await, ["delete consumer-reporting-1/usage-limit"]);
    // A balancer is never made without its group.
    let nlb =
        ["nlb-security-group", "nlb-ingress-5439-10.0.0.0-8", "nlb-egress-5439-consumers", "consumer-ingress-5439-nlb"];
    let nlb = nlb.map(|of| format!("networking/{of}"));
    let bare = Estate::new(&without(&nlb.iter().map(String::as_str).collect::<Vec<_>>()));
    let why = bare.refusal(&Options::default()).await;
    assert!(why.contains("nlb/load-balancer: a load balancer that is made without a security group"), "{why}");
}

#[test]
fn what_is_needed_cannot_be_left_out_and_the_error_says_by_whom() {
    insta::assert_snapshot!(refused(r#"
[resources."consumer-reporting-1/namespace"]
exists = false
[resources."producer/role"]
exists = false
"#), @r##"
error: `namespace` of consumer-reporting-1/workgroup (redshift-serverless.workgroup) comes from consumer-reporting-1/namespace, and is needed
  --> environments/dev.toml:29:10
   |
29 | exists = false
   |          ^^^^^
   |
   = help: give it under [resources."consumer-reporting-1/workgroup"], or leave that out, too: exists = false

error: `role` of producer/role-policy (iam.role-policy) comes from producer/role, and is needed
  --> environments/dev.toml:31:10
   |
31 | exists = false
   |          ^^^^^
   |
   = help: give it under [resources."producer/role-policy"], or leave that out, too: exists = false
"##);
}
