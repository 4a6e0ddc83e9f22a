//! How much CPU the planner takes for ten thousand resources: `cargo bench --bench planner`.
//!
//! Nothing is asked of AWS: the graph is built, diffed against what is recorded and ordered, which is all that a plan does
//! besides reading. Prints seconds of CPU for three plans: all is new, nothing has changed, every resource's tags have.
//! Without `cargo bench`'s release profile the figures say how it grows, no more.

#![expect(
    clippy::print_stdout,
    clippy::panic,
    clippy::format_push_string,
    reason = "a bench prints its figures, and stops where it cannot go on"
)]

use rsds::{
    address::Address,
    aws::Owner,
    config,
    kind::{Id, OutputRef},
    plan::{self, Observed, Options, Plan},
    stack::{self, Site, Stack},
    state::{Entry, State, Status},
};
use serde_json::{Map, Value as Json, json};
use std::{collections::BTreeMap, time::Duration};

/// What one consumer is made of, by default: role, attachment, namespace, workgroup, targets.
const EACH: u32 = 5;

/// The most consumers a group may have.
const GROUP: u32 = 1_000;

fn environment(resources: u32, team: &str) -> config::Environment {
    let mut text = format!(
        "project = \"p\"\nregion = \"us-west-2\"\n[tags]\nteam = \"{team}\"\n[networking]\n\
         vpc_cidr = \"10.40.0.0/16\"\nsubnet_cidrs = [\"10.40.0.0/18\", \"10.40.64.0/18\", \"10.40.128.0/18\"]\n[producer]\n"
    );
    let mut left = resources.div_ceil(EACH);
    for group in 1.. {
        let count = left.min(GROUP);
        text += &format!("[consumers.c{group}]\ncount = {count}\nenhanced_vpc_routing = false\n");
        left -= count;
        if left == 0 {
            break;
        }
    }
    config::load_text("bench.toml", &text, "dev").unwrap_or_else(|problems| panic!("{problems}"))
}

fn graph(environment: &config::Environment, state: &State) -> Stack {
    let owner = Owner::of(&environment.config, &state.lineage);
    let site = Site::recorded(&environment.config, state);
    stack::build(environment, &owner, &site).unwrap_or_else(|error| panic!("{error}"))
}

/// A value that an output may have: addresses are a set, all else is a text.
fn output(of: &OutputRef) -> Option<Json> {
    Some(match of.output.as_str() {
        "addresses" => json!(["10.40.0.9"]),
        name => json!(format!("{}-{name}", of.address)),
    })
}

/// The state after an apply of all that is wanted.
fn recorded(stack: &Stack, pristine: &State) -> State {
    let mut outputs: BTreeMap<Address, Map<String, Json>> = BTreeMap::new();
    for of in stack.wanted.values().flat_map(|wanted| wanted.references()) {
        let value = output(&of).unwrap_or_default();
        outputs.entry(of.address).or_default().insert(of.output, value);
    }
    let entry = |(address, wanted): (&Address, &stack::Wanted)| {
        let value = |tree: &rsds::kind::Tree| tree.resolve(&output).unwrap_or_else(|missing| panic!("{missing:?}"));
        let spec: Map<String, Json> = wanted.spec.iter().map(|(field, tree)| (field.clone(), value(tree))).collect();
        let spec = wanted.kind.normalise(Json::Object(spec)).unwrap_or_else(|fault| panic!("{address}: {fault}"));
        let entry = Entry {
            kind: wanted.kind.name().to_owned(),
            status: Status::Ready,
            id: Some(Id(address.to_string())),
            spec: spec.into(),
            outputs: outputs.get(address).cloned().unwrap_or_default(),
            depends_on: wanted.depends_on(),
            generation: 0,
            deposed: Vec::new(),
        };
        (address.clone(), entry)
    };
    State { entries: stack.wanted.iter().map(entry).collect(), ..pristine.clone() }
}

/// The CPU time of this process so far.
fn cpu() -> Duration {
    const TICKS_A_SECOND: u32 = 100;
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = text.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|word| word.parse::<u32>().ok());
    Duration::from_secs(1) * ticks.sum() / TICKS_A_SECOND
}

fn measured(what: &str, environment: &config::Environment, state: &State) -> Plan {
    let begun = cpu();
    let stack = graph(environment, state);
    let built = cpu();
    let plan = plan::plan(&stack, state, &Observed::assumed(state), &Options::default());
    let plan = plan.unwrap_or_else(|errors| panic!("{errors:#?}"));
    let (build, plan_only) = (built - begun, cpu() - built);
    println!(
        "{what}: {} resources, {} operations: {:.2} s of CPU to diff and order, {:.2} s to build the graph",
        stack.wanted.len(),
        plan.ops.len(),
        plan_only.as_secs_f64(),
        build.as_secs_f64()
    );
    plan
}

fn main() {
    for resources in [1_000, 10_000] {
        let (before, after) = (environment(resources, "one"), environment(resources, "two"));
        let nothing = State::pristine("p", "dev", "lineage".to_owned());
        let state = recorded(&graph(&before, &nothing), &nothing);
        assert_eq!(measured("all new", &before, &nothing).ops.len(), state.entries.len());
        assert!(measured("nothing changed", &before, &state).ops.is_empty());
        assert!(measured("all tags changed", &after, &state).ops.len() > state.entries.len() / 2);
    }
}
