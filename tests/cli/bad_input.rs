//! Whatever is wrong with what the user gives, rsds says where and why, exits 1 and changes nothing.

use super::*;

/// One mistake: a piece of `SMALL` and what stands there instead, further arguments, and what is said about it.
struct Mistake {
    at: &'static str,
    instead: &'static str,
    arguments: &'static [&'static str],
    said: &'static [&'static str],
}

const fn file(at: &'static str, instead: &'static str, said: &'static [&'static str]) -> Mistake {
    Mistake { at, instead, arguments: &[], said }
}

const fn typed(arguments: &'static [&'static str], said: &'static [&'static str]) -> Mistake {
    Mistake { at: "", instead: "", arguments, said }
}

const CIDR: &str = "vpc_cidr = \"10.40.0.0/16\"";
const READERS: &str = "[consumers.readers]";
/// What makes the producer of `SMALL` a serverless one; its first line is line 6.
const SERVERLESS: &str = "base_capacity = 8\nmax_capacity = 16";

const MISTAKES: &[Mistake] = &[
    typed(&["--env", "prd"], &["there is no environment `prd`", "environments there: dev"]),
    file("[producer]", "[producer", &["not valid TOML", "environments/dev.toml:5"]),
    file(
        "[producer]",
        "[producer]\nprot = 5439\ndatabse = \"x\"\n[nbl]",
        &[
            "unknown key `prot`",
            "dev.toml:6:1",
            "did you mean `port`?",
            "unknown key `databse`",
            "dev.toml:7:1",
            "did you mean `database`?",
            "unknown key `nbl`",
            "dev.toml:8:2",
            "problems; nothing was changed",
        ],
    ),
    file(
        "[producer]",
        "[producer]\nport = \"5439\"",
        &["must be an integer, found a string", "write `5439`", "dev.toml:6:8"],
    ),
    file(CIDR, "vpc_cidr = \"10.40.0.0/16\"\navailability_zones = 2", &["needs at least 3", "dev.toml:5:22"]),
    file(
        CIDR,
        "vpc_cidr = \"10.40.0.0/16\"\nsubnet_cidrs = [\"10.40.0.0/22\", \"10.40.2.0/23\", \"10.41.0.0/23\"]",
        &["`10.40.2.0/23` overlaps `10.40.0.0/22`", "`10.41.0.0/23` is outside the VPC's range", "dev.toml:5:"],
    ),
    file(
        CIDR,
        "vpc_cidr = \"10.40.0.0/16\"\nsubnet_cidrs = [\"10.40.0.0/28\", \"10.40.2.0/23\", \"10.40.4.0/23\"]",
        &["`10.40.0.0/28` has 11 usable addresses", "dev.toml:5:17"],
    ),
    file(CIDR, "vpc_name = \"shared\"", &["no VPC in us-west-2 has the Name tag `shared`", "dev.toml:4:12"]),
    file(
        CIDR,
        "vpc_id = \"vpc-0123456789abcdef0\"\ninternet_gateway = true\ns3_endpoint = true",
        &[
            "subnets that exist keep the routes they have",
            "dev.toml:5:20",
            "would change the route tables",
            "dev.toml:6:",
        ],
    ),
    typed(&["--set", "consumers.readers.base_capacity=33"], &["nearest: 32 or 40", "--set 1"]),
    typed(&["--set", "consumers.readers.max_capacity=520"], &["nearest: 512 or 544"]),
    typed(&["--set", "consumers.readers.base_capacity=64"], &["16 RPUs at most are fewer than the 64", "dev.toml:11:"]),
    file(READERS, "[consumers.readers]\nquery_timeout = \"24h\"", &["the most is 86,399 s", "dev.toml:10:17"]),
    file(
        "project = \"demo\"",
        "project = \"demonstration-of-long-names\"",
        &["`demonstration-of-long-names-dev-nlb`: 35 characters", "AWS allows (32)", "dev.toml:1:1"],
    ),
    file(
        READERS,
        "[consumers.readers-of-all-that-the-airline-has-ever-learned-about-weather]",
        &["more than AWS allows (64)", "dev.toml:9:12"],
    ),
    file(
        READERS,
        "[nlb]\ntargets = \"endpoint\"\n[consumers.readers-of-the-weather-report]",
        &["more than AWS allows (30)", "dev.toml:11:12"],
    ),
    typed(
        &["--set", "producer.port=5000"],
        &["a warehouse cannot listen on port 5000: only on 5431-5455 or 8191-8215"],
    ),
    file(
        READERS,
        "[nlb]\nlisteners = [{ port = 5440, consumers = [\"raeders\"] }]\n[consumers.readers]",
        &["there is no consumer group `raeders`", "did you mean `readers`?", "dev.toml:10:"],
    ),
    file(
        READERS,
        "[nlb]\nlisteners = [{ port = 5439, consumers = [] }]\n[consumers.readers]",
        &["port 5439 has a listener already", "a listener sends to at least one consumer group", "dev.toml:10:"],
    ),
    file(
        READERS,
        "[nlb]\nlisteners = [{ port = 5440, consumers = [\"aside\"] }]\n[consumers.aside]\nbehind_nlb = false\n[consumers.readers]",
        &[
            "the group `aside` is not behind the load balancer",
            "`behind_nlb` is false in `[consumers.aside]`",
            "dev.toml:10:",
        ],
    ),
    file(
        READERS,
        "[nlb.custom_domain]\nname = \"*.example.com\"\ncertificate_arn = \"arn:aws:acm:us-east-1:123456789012:certificate/c-1\"\n[consumers.readers]",
        &[
            "`*.example.com` is not the name of a host: the label `*`",
            "dev.toml:10:8",
            "the certificate is in us-east-1, and the estate in us-west-2",
            "request or import it there",
            "dev.toml:11:19",
        ],
    ),
    file(
        READERS,
        "[consumers.readers]\nlog_exports = [\"userlog\"]\nlog_retention = \"10d\"",
        &["CloudWatch keeps logs for one of 1, 3, 5, 7, 14,", "the nearest is `7d`", "dev.toml:11:17"],
    ),
    file(
        READERS,
        "[consumers.readers]\nusage_limit = { period = \"dayly\", action = \"stop\" }",
        &["`dayly` is not one of `daily`", "`stop` is not one of", "has no key `rpu_hours`", "dev.toml:10:"],
    ),
    file(
        READERS,
        "[datashares.sales]\nschemas = [\"a\"]\nconsumers = [\"raeders\"]\n[consumers.readers]",
        &["there is no consumer group `raeders`", "did you mean `readers`?", "dev.toml:11:"],
    ),
    file(
        READERS,
        "[datashares.sales]\nschemas = ['a\"b; DROP']\n[consumers.readers]",
        &["`a\"b; DROP` is not a name rsds puts into SQL", "dev.toml:10:"],
    ),
    file(
        "[producer]",
        "[producer]\npublicly_accessible = true",
        &["reachable from outside needs an internet gateway", "internet_gateway = true", "dev.toml:6:"],
    ),
    typed(
        &["--set", "account=\"999999999999\""],
        &["the credentials belong to account 123456789012", "the TOML names account 999999999999"],
    ),
    typed(&["--target", "consumer-reader"], &["`consumer-reader` matches no resource", "near: consumer-readers,"]),
    typed(&["--exclude", "nbl"], &["`nbl` matches no resource", "near: nlb"]),
    typed(&["--replace", "producer/workgrup"], &["`producer/workgrup` matches no resource", "producer/workgroup"]),
    file(READERS, "[consumers.readers-1]", &["use `readers` with `count`", "dev.toml:9:12"]),
    file(
        SERVERLESS,
        "type = \"cluster\"\nnode_type = \"ra3.4xlarge\"\nnode_count = 1",
        &["ra3.4xlarge cannot be a single node: at least 2", "write `node_count = 2`", "dev.toml:8:"],
    ),
    file(
        SERVERLESS,
        "type = \"cluster\"\nnode_type = \"dc2.large\"",
        &["`dc2.large` cannot share data", "for example `ra3.xlplus`", "dev.toml:7:"],
    ),
    file(
        SERVERLESS,
        "type = \"cluster\"\nparameters = { require_sll = true }",
        &["not a parameter of a cluster", "did you mean `require_ssl`?", "dev.toml:7:"],
    ),
    file(
        SERVERLESS,
        "type = \"cluster\"\nadmin_password = \"external\"",
        &["producer/cluster: a warehouse cannot be created without an admin password", "(`producer.admin_password`)"],
    ),
    typed(
        &["--set", "producer.usage_limits=[{ feature = \"spectrum\", amount = 1 }]"],
        &["only a cluster has `spectrum`, and the producer is serverless", "--set 1"],
    ),
    file(
        "addresses = []",
        "addresses = []\n[monitoring]\ntopic_arn = \"arn:aws:sns:eu-west-1:123456789012:oncall\"",
        &["the topic oncall is in eu-west-1, and the estate in us-west-2", "dev.toml:15:"],
    ),
];

/// Runs every mistake in a folder, and demands that it looks the same afterwards.
fn sweep(folder: &Folder) {
    let mut wrong = Vec::new();
    for Mistake { at, instead, arguments, said } in MISTAKES {
        assert!(SMALL.contains(at), "{at}");
        folder.write("environments/dev.toml", &SMALL.replacen(at, instead, 1));
        let before = folder.files();
        let ran = folder.rsds(&[&["apply", "--auto-approve"], &FAST, arguments]);
        let unsaid = said.iter().filter(|text| !ran.err.contains(**text)).map(|text| format!("did not say {text:?}"));
        let changed = (folder.files() != before).then(|| "changed something".to_owned());
        let ended = (ran.code != Some(1) || !ran.out.is_empty()).then(|| "did not just fail".to_owned());
        let complaints: Vec<String> = unsaid.chain(changed).chain(ended).collect();
        if !complaints.is_empty() {
            wrong.push(format!("{}:\n{ran}", complaints.join("; ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_is_made_of_a_mistake() {
    let folder = Folder::new(SMALL);
    sweep(&folder);
    assert!(!folder.path(".rsds/sandbox/world.json").exists());
    folder.write("environments/dev.toml", SMALL);
    folder.rsds(&[&["validate", "--set", "nlb.port=5000"]]).exits(0);
}

#[test]
fn nothing_that_stands_is_touched_by_a_mistake() {
    let folder = Folder::new(SMALL);
    folder.rsds(&[&["apply", "--auto-approve"], &FAST]).exits(0);
    sweep(&folder);
    folder.write("environments/dev.toml", SMALL);
    folder.rsds(&[&["plan", "--detailed-exitcode"], &FAST]).exits(0).prints("No changes.");
}

#[test]
fn no_file_no_folder_and_several_environments() {
    let empty = Folder { dir: tempfile::tempdir().unwrap(), variables: BTreeMap::new() };
    for command in ["validate", "plan", "show", "output"] {
        empty.rsds(&[&[command]]).exits(1).says("there is no environment in ./environments").says("-C DIR");
    }
    empty.rsds(&[&["plan", "--env", "dev"]]).exits(1).says("no environments/dev.toml").says("examples/minimal");
    empty.rsds(&[&["plan", "-C", "nowhere"]]).exits(1).says("nowhere/environments");
    assert!(empty.files().is_empty());

    let several = Folder::new(SMALL);
    several.write("environments/prod.toml", SMALL);
    let before = several.files();
    for command in ["apply", "destroy"] {
        let ran = several.rsds(&[&[command, "--auto-approve"], &FAST]);
        ran.exits(1).says("there are several environments (dev, prod), and no terminal to ask on").says("--env dev");
    }
    several.rsds(&[&["plan", "--env", "staging"], &FAST]).exits(1).says("environments there: dev, prod");
    assert!(several.files() == before);
    fs::remove_file(several.path("environments/dev.toml")).unwrap();
    several.write("environments/staging.toml", SMALL);
    several.rsds(&[&["plan"], &FAST]).exits(1).says("which environment?").says("prod, staging");
}

#[test]
fn nobody_is_there_to_agree() {
    let folder = Folder::new(SMALL);
    let before = folder.files();
    let ran = folder.rsds(&[&["apply"], &FAST]);
    insta::assert_snapshot!(ran, @r"
    exit 1
    --- stdout
    --- stderr
    sandbox: this is the AWS inside rsds, kept in .rsds/sandbox; its time runs 300 times faster
    error: there is no terminal to ask on, so `apply` will not start
      help: read the plan first (rsds plan), then: rsds apply --auto-approve
    ");
    folder
        .rsds(&[&["destroy"], &FAST])
        .exits(1)
        .says("so `destroy` will not start")
        .says("rsds destroy --auto-approve");
    assert!(folder.files() == before);
}

#[test]
fn usage_errors_are_failures_like_any_other() {
    let folder = Folder::new(SMALL);
    let wrong: &[(&[&str], &str)] = &[
        (&[], "Usage: rsds"),
        (&["aply"], "a similar subcommand exists: 'apply'"),
        (&["plan", "--nope"], "unexpected argument '--nope'"),
        (&["apply", "--parallelism", "0"], "0 is not in 1..=256"),
        (&["apply", "--lock-timeout", "soon"], "expected a duration such as 30s or 10m"),
        (&["plan", "--target", "a/b/c"], "`a/b/c` is not an address"),
        (&["plan", "--format", "yaml"], "possible values: human, json"),
        (&["plan", "--sandbox", "--sandbox-speed", "0"], "expected a number between"),
        (&["output", "--raw"], "required arguments were not provided"),
        (&["validate", "--set", "count"], "not of the form KEY=VALUE"),
        (&["output", "vpc"], "there is no output `vpc`"),
    ];
    for (arguments, said) in wrong {
        let ran = folder.rsds(&[arguments]).exits(1).says(said);
        assert_eq!(ran.out, "", "{ran}");
    }
}

#[test]
fn an_error_looks_like_this() {
    let folder = Folder::new(
        &SMALL.replace("base_capacity = 8\nmax_capacity = 16\nfinal", "base_capacty = 33\nport = \"5439\"\nfinal"),
    );
    insta::assert_snapshot!(folder.rsds(&[&["plan"], &FAST]), @r#"
    exit 1
    --- stdout
    --- stderr
    sandbox: this is the AWS inside rsds, kept in .rsds/sandbox; its time runs 300 times faster
    error: unknown key `base_capacty` in `producer`
     --> environments/dev.toml:6:1
      |
    6 | base_capacty = 33
      | ^^^^^^^^^^^^ not a key rsds knows
      |
      = help: did you mean `base_capacity`?

    error: `producer.port` must be an integer, found a string
     --> environments/dev.toml:7:8
      |
    7 | port = "5439"
      |        ^^^^^^ expected an integer
      |
      = help: write `5439`
    2 problems; nothing was changed
    "#);
    let errors = folder.rsds(&[&["plan", "--json"], &FAST]).exits(1).document("rsds.errors/1");
    assert_eq!(
        (&errors["errors"][1]["file"], &errors["errors"][1]["line"]),
        (&"environments/dev.toml".into(), &7.into())
    );
}

#[test]
fn a_weather_is_for_the_sandbox_and_its_mistakes_have_places() {
    let folder = Folder::new(SMALL);
    folder.write("bad.toml", "latency = 30\n[errors]\n\"ec2:CreateVcp\" = 2\n");
    let before = folder.files();
    insta::assert_snapshot!(folder.rsds(&[&["plan", "--sandbox-weather", "bad.toml"], &FAST]), @r#"
    exit 1
    --- stdout
    --- stderr
    error: `latency` must be a duration in quotes, found an integer
     --> bad.toml:1:11
      |
    1 | latency = 30
      |           ^^ expected a duration in quotes
      |
      = help: write `"30s"`

    error: errors."ec2:CreateVcp": 2 is out of bounds: from 0 to 1
     --> bad.toml:3:19
      |
    3 | "ec2:CreateVcp" = 2
      |                   ^
    2 problems; nothing was changed
    "#);
    folder
        .rsds(&[&["sandbox", "serve", "--port", "0", "--sandbox-weather", "bad.toml"]])
        .exits(1)
        .says("bad.toml:1:11");
    folder.rsds(&[&["plan", "--sandbox-weather", "none.toml"], &FAST]).exits(1).says("cannot read none.toml");
    folder.write("good.toml", "latency = \"30ms\"\n");
    for command in ["plan", "validate"] {
        let ran = folder.rsds(&[&[command, "--sandbox-weather", "good.toml"]]).exits(1);
        ran.says("--sandbox-weather is about the sandbox").says("add --sandbox");
    }
    fs::remove_file(folder.path("good.toml")).unwrap();
    assert!(folder.files() == before);
    folder.write("good.toml", "latency = \"30ms\"\n");
    let ran = folder.rsds(&[&["plan", "--sandbox-weather", "good.toml"], &FAST]).exits(0);
    ran.says("its time runs 300 times faster; its weather is that of good.toml");
}

#[test]
fn a_state_that_cannot_be_used_stops_everything() {
    let folder = Folder::new(SMALL);
    folder.rsds(&[&["apply", "--auto-approve"], &FAST]).exits(0);
    let state = folder.path(".rsds/sandbox/state/dev/state.json");
    let text = fs::read_to_string(&state).unwrap();
    fs::write(&state, text.replace("\"max_capacity\": 16", "\"max_capacity\": 24")).unwrap();
    let before = folder.files();
    for command in [&["plan"][..], &["apply", "--auto-approve"], &["destroy", "--auto-approve"], &["show"]] {
        folder.rsds(&[command, &FAST]).exits(1).says("state.json").says("its checksum does not match");
    }
    assert!(folder.files() == before);

    let blocked = Folder::new(SMALL);
    blocked.write(".rsds/sandbox/state", "not a folder");
    let ran = blocked.rsds(&[&["apply", "--auto-approve"], &FAST]);
    ran.exits(1).says("cannot lock").says("check that the folder is there");
}
