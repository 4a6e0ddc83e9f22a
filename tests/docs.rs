//! The documentation says what the program does: generated files are current, commands parse, environments load,
//! links lead somewhere. `RSDS_BLESS=1 cargo test --locked docs` writes the generated files anew.

use rsds::{
    aws::{KINDS, cluster_power, data_api, network, owned, role_details, snapshots},
    kind::AnyKind,
    preflight,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

const GENERATED: &str = "<!-- Generated: RSDS_BLESS=1 cargo test --locked docs -->";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Says whether generated files are to be written anew.
#[expect(clippy::disallowed_methods, reason = "a test reads how it is to run")]
fn blessing() -> bool {
    std::env::var("RSDS_BLESS").is_ok_and(|value| value == "1")
}

/// Demands that a generated file says what the program says, or rewrites it.
#[track_caller]
fn current(path: &str, wanted: &str) {
    let file = root().join(path);
    if blessing() {
        fs::write(&file, wanted).unwrap();
    }
    let there = fs::read_to_string(&file).unwrap_or_default();
    let differing = there.lines().zip(wanted.lines()).position(|(a, b)| a != b);
    let line = differing.unwrap_or_else(|| there.lines().count().min(wanted.lines().count())) + 1;
    assert!(there == wanted, "{path} is not current from line {line} on; RSDS_BLESS=1 cargo test --locked docs");
}

#[test]
fn docs_schema_is_current() {
    let schema = serde_json::to_string_pretty(&rsds::config::json_schema()).unwrap();
    current("docs/environment.schema.json", &(schema + "\n"));
}

#[test]
fn docs_environment_reference_is_current() {
    let head = "\
# The environment file

Every key of `environments/<env>.toml`. Unknown keys, wrong types and broken rules are errors that name the file, the
line and the nearest valid key; all of them are shown at once. `NAME` stands for a name of yours, `[]` for each table of
a list.

- `extends = \"common.toml\"` reads that file first and lays this one over it: tables merge, everything else replaces.
- `--set KEY=VALUE` overrides one key from the command line, and may be repeated: `--set consumers.reporting.count=2`.
- A key that is *not supported yet* is checked, and then refused by the plan: it is never silently ignored.
- For completion in an editor: `rsds schema > environments/schema.json`, and `#:schema ./schema.json` in the first line
  of the file.
";
    current("docs/environment.md", &format!("{GENERATED}\n\n{head}\n{}", rsds::config::reference()));
}

#[test]
fn docs_weather_is_current() {
    let rough = fs::read_to_string(root().join("src/sandbox/weather/rough.toml")).unwrap();
    let text = format!(
        "\
{GENERATED}

# The weather of the sandbox

On AWS calls take their time, are refused when there are too many, break off, fail, and show late what has changed. The
sandbox does so on request:

```sh
rsds apply --sandbox --sandbox-weather examples/sandbox-weather.toml
rsds sandbox serve --sandbox-weather examples/sandbox-weather.toml
```

A weather is a TOML file; what is not in it is calm. Unknown keys, services and operations are errors that name the file,
the line and the column; all of them are shown at once. [An example](../examples/sandbox-weather.toml).

- `preset = \"rough\"` begins with a bad day of AWS (below) and lays the file over it: tables merge, everything else
  replaces.
- Durations are the sandbox's time, which runs 30 times faster than the wall unless `--sandbox-speed` says otherwise.
- A request reaches the world after half of its latency, and its answer comes after the rest. One whose client goes away
  before arrives all the same.
- Services are named by the scope of their signature: `ec2`, `iam`, `kms`, `redshift`, `redshift-serverless`,
  `elasticloadbalancing`, `s3`, `logs`, `tagging`, ...
- A read within the lag of its service may show the service as it was before its latest changes, and the next read may
  show them, or not again. A change that rests on something made moments ago may be refused as if it were not there yet.
  Who made the change and who looks must be the same process, or clients of the same `rsds sandbox serve`.
- All chances follow from `seed` and from how many calls of that operation the process has made: the same command on the
  same world meets the same weather.

{}
## `rough`

```toml
{rough}```
",
        rsds::sandbox::weather::reference()
    );
    current("docs/sandbox-weather.md", &text);
    let example = root().join("examples/sandbox-weather.toml");
    let weather = rsds::sandbox::Weather::open(&example).map_err(|problems| problems.render(false, 100));
    assert!(!weather.unwrap().is_calm());
}

#[test]
fn docs_errors_are_current() {
    let head = "\
# Errors of AWS

What rsds does about them, and what you can do when it has stopped. The command line says the same beside AWS's own words.
The codes are those on the wire; Redshift spells some with `Fault` at the end and some without, which makes no difference
here. Whatever stopped, all that was done is recorded: the same command goes on from there.
";
    current("docs/errors.md", &format!("{GENERATED}\n\n{head}\n{}", rsds::ui::error_reference()));
}

/// One command's help, then its subcommands'.
fn help(command: &clap::Command, name: &str, out: &mut String) {
    let inherited = |arg: clap::Arg| if arg.is_global_set() && name != "rsds" { arg.hide(true) } else { arg };
    let text = command.clone().mut_args(inherited).render_long_help().to_string();
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    writeln!(out, "\n## `{name}`\n\n```text\n{}\n```", lines.join("\n").trim_end()).unwrap();
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        help(sub, &format!("{name} {}", sub.get_name()), out);
    }
}

#[test]
fn docs_command_line_reference_is_current() {
    let mut command = rsds::cli::command().term_width(100);
    command.build();
    let mut text = format!(
        "{GENERATED}\n\n# Commands\n\nThe flags listed under `rsds` itself go with every command, before or after its \
         name.\n"
    );
    help(&command, "rsds", &mut text);
    current("docs/cli.md", &text);
}

#[test]
fn docs_manual_is_current() {
    let pages = rsds::cli::manual().unwrap();
    for (name, roff) in &pages {
        current(&format!("docs/man/{name}"), roff);
    }
    for file in fs::read_dir(root().join("docs/man")).unwrap().map(|entry| entry.unwrap().path()) {
        let name = file.file_name().unwrap().to_str().unwrap();
        if blessing() && !pages.contains_key(name) {
            fs::remove_file(&file).unwrap();
        } else {
            assert!(pages.contains_key(name), "docs/man/{name} is about no command");
        }
    }
}

/// What rsds asks AWS about outside any kind: who is calling, and which zones the region has.
const COMMON: [&str; 2] = ["sts:GetCallerIdentity", "ec2:DescribeAvailabilityZones"];

fn actions(kind: &dyn AnyKind) -> [(&'static str, &'static [&'static str]); 4] {
    let actions = kind.actions();
    [("read", actions.read), ("create", actions.create), ("update", actions.update), ("delete", actions.delete)]
}

fn every_action() -> BTreeSet<&'static str> {
    let of_kinds = KINDS.iter().flat_map(|kind| actions(*kind)).flat_map(|(_, names)| names.iter().copied());
    of_kinds
        .chain(COMMON)
        .chain(network::ACTIONS.iter().copied())
        .chain(owned::ACTIONS)
        .chain(by_hand())
        .chain(preflight::ACTIONS)
        .chain(role_details::ACTIONS)
        .collect()
}

/// What is done and asked by hand, beside plan, apply and destroy.
fn by_hand() -> impl Iterator<Item = &'static str> {
    data_api::TO_QUERY.iter().copied().chain(cluster_power::ACTIONS).chain(snapshots::ACTIONS)
}

/// The condition under which an action that reaches beyond the estate is enough.
fn condition(action: &str) -> Option<serde_json::Value> {
    let (key, services): (&str, &[&str]) = match action {
        "iam:PassRole" => ("iam:PassedToService", &["redshift.amazonaws.com", "redshift-serverless.amazonaws.com"]),
        "iam:CreateServiceLinkedRole" => {
            ("iam:AWSServiceName", &["redshift.amazonaws.com", "elasticloadbalancing.amazonaws.com"])
        }
        _ => return None,
    };
    Some(serde_json::json!({"StringEquals": {key: services}}))
}

/// What the second policy is for; the rest is in the first.
const WAREHOUSES: [&str; 4] = ["redshift", "redshift-data", "redshift-serverless", "secretsmanager"];

/// Two policies: IAM takes no managed one that holds all.
fn policies() -> [String; 2] {
    let of_warehouses = |action: &&str| WAREHOUSES.contains(&action.split(':').next().unwrap());
    let (second, first): (Vec<&str>, Vec<&str>) = every_action().into_iter().partition(of_warehouses);
    [policy(first), policy(second)]
}

fn policy(actions: Vec<&str>) -> String {
    let (narrowed, plain): (Vec<&str>, Vec<&str>) = actions.into_iter().partition(|action| condition(action).is_some());
    let statement = |actions: &[&str], condition: Option<serde_json::Value>| {
        let mut statement = serde_json::json!({"Effect": "Allow", "Action": actions, "Resource": "*"});
        if let Some(condition) = condition {
            statement["Condition"] = condition;
        }
        statement
    };
    let plain = told(&plain);
    let mut statements = vec![statement(&plain.iter().map(String::as_str).collect::<Vec<_>>(), None)];
    statements.extend(narrowed.iter().map(|action| statement(&[action], condition(action))));
    serde_json::to_string_pretty(&serde_json::json!({"Version": "2012-10-17", "Statement": statements})).unwrap()
}

/// What only tells of settings, where a service has several of the sort: IAM's policies are short.
fn told(actions: &[&str]) -> Vec<String> {
    let sort = |action: &str| {
        let (service, name) = action.split_once(':').unwrap();
        let verb = ["Describe", "List"].into_iter().find(|verb| name.starts_with(verb))?;
        Some(format!("{service}:{verb}*"))
    };
    let several = |sort_of: &String| actions.iter().filter(|other| sort(other).as_ref() == Some(sort_of)).count() > 1;
    let all = actions.iter().map(|action| sort(action).filter(several).unwrap_or_else(|| (*action).to_owned()));
    all.collect::<BTreeSet<_>>().into_iter().collect()
}

fn listed(actions: &[&str]) -> String {
    actions.iter().map(|action| format!("`{action}`")).collect::<Vec<_>>().join(", ")
}

#[test]
fn docs_permissions_are_current() {
    let mut text = format!(
        "{GENERATED}\n\n# What rsds needs from AWS\n\n\
         The IAM actions of the caller, as the kinds of resources in `src/aws/` declare them.\n\
         `plan` needs the *read* column alone. The actions of `kms` and `secretsmanager` with a namespace or \
         a cluster, and that of `acm`, are Redshift's in the caller's name. The conformance tests fail on a call that is not declared.\n\n\
         Always: {}. In a network that exists also, to look it up: {}. Without a \
         state, to see whether AWS has what carries the environment's tags, and for `rsds state rebuild`: {}.\n\n\
         Before changes, to see whether AWS would let them happen (preflight): {}. What of these is missing is told, and \
         the checks that rest on it are left out.\n\n\
         To read many at once, and no more than that: {}. Where they are denied, tags and roles are read one by one: a plan \
         of many readers then takes many more calls, and says so.\n\n\
         With the state in S3, on its bucket and objects: {}. For `rsds backend create`: {}.\n\n\
         By hand: for `rsds datashare verify` {}; for `rsds pause` and `rsds resume` {}; for `rsds snapshot` {}.\n\n| kind | read | create | update | delete |\n| --- | --- | --- | --- | --- |\n",
        listed(&COMMON),
        listed(network::ACTIONS),
        listed(&owned::ACTIONS),
        listed(&preflight::ACTIONS),
        listed(&["tag:GetResources", role_details::ACTIONS[0], role_details::ACTIONS[1]]),
        listed(&rsds::state::s3::ACTIONS),
        listed(&rsds::state::s3::bucket::ACTIONS),
        listed(data_api::TO_QUERY),
        listed(&cluster_power::ACTIONS),
        listed(&snapshots::ACTIONS),
    );
    for kind in KINDS {
        let cells = actions(*kind).map(|(_, names)| {
            let sorted: BTreeSet<String> = names.iter().map(|name| format!("`{name}`")).collect();
            sorted.into_iter().collect::<Vec<_>>().join("<br>")
        });
        writeln!(text, "| `{}` | {} |", kind.name(), cells.join(" | ")).unwrap();
    }
    let [first, second] = policies();
    write!(
        text,
        "\n## As policies\n\nAll of it, for plan, apply and destroy, and by hand, in two managed policies for one role: a single one \
         would be longer than IAM takes. `Resource` is `*` here: narrow it to your \
         account, region and prefix (`<project>-<env>-*`; IAM roles are under the path \
         `/rsds/<project>/<env>/`).\n\nNetwork, identity, keys and the rest:\n\n```json\n{first}\n```\n\nWarehouses, and \
         what is inside them:\n\n```json\n{second}\n```\n",
    )
    .unwrap();
    current("docs/permissions.md", &text);
}

#[test]
fn docs_policies_fit_into_managed_policies() {
    for policy in policies() {
        let policy: serde_json::Value = serde_json::from_str(&policy).unwrap();
        // IAM counts the characters of a managed policy without white space: 6,144 (its quota "managed policy size").
        assert!(policy.to_string().len() <= 6144, "{} characters", policy.to_string().len());
    }
    for action in every_action() {
        let (service, name) = action.split_once(':').unwrap();
        assert!(!service.is_empty() && name.starts_with(|c: char| c.is_ascii_uppercase()), "{action}");
    }
}

/// Every document written for people, by its path.
fn documents() -> BTreeMap<PathBuf, String> {
    let fixed = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(PathBuf::from);
    let listed = |folder: &str| {
        let entries = fs::read_dir(root().join(folder)).unwrap();
        entries.map(|entry| entry.unwrap().path().strip_prefix(root()).unwrap().to_owned()).collect::<Vec<_>>()
    };
    let docs = listed("docs").into_iter().filter(|path| path.extension().is_some_and(|e| e == "md"));
    let examples = listed("examples").into_iter().map(|folder| folder.join("README.md"));
    let all = fixed.into_iter().chain(docs).chain(examples).filter(|path| root().join(path).is_file());
    all.map(|path| (path.clone(), fs::read_to_string(root().join(path)).unwrap())).collect()
}

/// The fenced blocks of one language.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    text.split(fence.as_str()).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

/// A command line's words; quotes around a word are taken off, comments dropped.
fn words(line: &str) -> Vec<String> {
    let line = line.split(" #").next().unwrap_or(line);
    // Within double quotes a blank is part of a word.
    let mut quoted = false;
    let end = |c: char| {
        quoted ^= c == '"';
        c.is_whitespace() && !quoted
    };
    line.split(end).filter(|word| !word.is_empty()).map(|word| word.trim_matches(['\'', '"']).to_owned()).collect()
}

/// The arguments of rsds on a line of a shell block, if it runs rsds.
fn arguments(line: &str) -> Option<Vec<String>> {
    let line = line.trim().trim_start_matches("$ ").replacen("cargo run -- ", "rsds ", 1);
    let words = words(line.split(" | ").next()?);
    (words.first().map(String::as_str) == Some("rsds")).then_some(words)
}

#[test]
fn docs_commands_exist() {
    let mut seen = 0;
    for (path, text) in documents() {
        for line in blocks(&text, "sh").into_iter().flat_map(str::lines) {
            let Some(arguments) = arguments(line) else { continue };
            seen += 1;
            let parsed = rsds::cli::command().try_get_matches_from(&arguments);
            // Asking for help or the version is an error to clap, and fine here.
            let refused = parsed.err().filter(clap::Error::use_stderr);
            assert!(refused.is_none(), "{}: {line}\n{}", path.display(), refused.unwrap());
        }
    }
    assert!(seen >= 10, "only {seen} commands found in the documents");
}

#[test]
fn docs_pipelines_run_what_there_is() {
    let pipelines = ["examples/github-actions/.github/workflows/rsds.yml", "examples/gitlab/.gitlab-ci.yml"];
    for path in pipelines {
        let text = fs::read_to_string(root().join(path)).unwrap();
        let lines = text.lines().map(|line| line.trim().trim_start_matches("- ").trim_start_matches("run: "));
        let commands: Vec<Vec<String>> = lines
            .filter(|line| line.starts_with("rsds "))
            .map(|line| words(line.split(['>', '|']).next().unwrap()))
            .collect();
        assert!(commands.len() >= 4, "{path}: {commands:?}");
        for command in commands {
            let parsed = rsds::cli::command().try_get_matches_from(&command);
            assert!(parsed.is_ok(), "{path}: {command:?}\n{}", parsed.unwrap_err());
        }
    }
}

#[test]
fn docs_set_up_commands_are_two() {
    let documents = documents();
    let readme = &documents[Path::new("README.md")];
    let first = blocks(readme, "sh")[0].lines().map(|line| line.split(" #").next().unwrap().trim());
    let wanted = ["cargo run -- apply --env dev --sandbox --auto-approve", "cargo test --locked"];
    assert_eq!(first.collect::<Vec<_>>(), wanted);
}

#[test]
fn docs_environments_load() {
    let documents = documents();
    let readme = &documents[Path::new("README.md")];
    let whole = blocks(readme, "toml").into_iter().filter(|block| block.contains("project ="));
    let mut seen = 0;
    for block in whole {
        seen += 1;
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("environments")).unwrap();
        fs::write(folder.path().join("environments/dev.toml"), block).unwrap();
        let loaded = rsds::config::load(folder.path(), "dev", &[]);
        assert!(loaded.is_ok(), "{}", loaded.err().map(|problems| problems.render(false, 100)).unwrap());
    }
    assert!(seen > 0, "the README shows no environment");
    for example in fs::read_dir(root().join("examples")).unwrap().map(|entry| entry.unwrap().path()) {
        if !example.is_dir() {
            continue;
        }
        let names = rsds::config::environments(&example);
        assert!(!names.is_empty(), "{} has no environment", example.display());
        for name in names {
            let loaded = rsds::config::load(&example, &name, &[]);
            assert!(loaded.is_ok(), "{}", loaded.err().map(|problems| problems.render(false, 100)).unwrap());
        }
    }
}

#[test]
fn docs_links_lead_somewhere() {
    for (path, text) in documents() {
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.contains("://") && !target.starts_with('#')) {
            let file = root().join(&path).parent().unwrap().join(target.split('#').next().unwrap());
            assert!(file.exists(), "{}: {target} is not there", path.display());
        }
    }
}
