//! Golden plans: what people see for every action and every reason, made by the real session on the sandbox.
//!
//! `cargo test --test rsds golden` compares; `INSTA_UPDATE=always` before it takes what is there for golden: read the
//! difference before you commit it. A new action or reason does not compile before it has a scene, and a scene whose
//! plan lacks what it is there for fails.

use crate::harness::*;
use rsds::{
    config,
    kind::Order,
    plan::{Action, Options, Plan, Reason},
    sandbox::World,
    state::{State, Status, Store},
    ui::{ImportView, PlanView, View as _, markdown::Subject},
};
use std::mem::discriminant;

/// Columns of a golden page.
const WIDTH: usize = 100;

/// One small estate with everything a reason needs: a key that data needs, a reader, a balancer.
const GOLDEN: &str = r#"
project = "airline"
region = "us-west-2"
[networking]
vpc_cidr = "10.50.0.0/16"
allowed_cidrs = ["10.0.0.0/8"]
[producer]
base_capacity = 8
max_capacity = 16
database = "airline_dw"
final_snapshot = true
[consumers.reporting]
base_capacity = 8
max_capacity = 16
database = "reporting_db"
query_timeout = "10m"
[protect]
addresses = []
"#;

const WORKGROUP: &str = "consumer-reporting-1/workgroup";

/// Writes the scenes, and one test each.
macro_rules! scenes {
    ($($scene:ident => $name:ident),* $(,)?) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum Scene { $($scene),* }
        $(
            #[tokio::test(start_paused = true)]
            async fn $name() {
                golden(Scene::$scene, stringify!($name), stage::$name().await).await;
            }
        )*
    };
}

scenes! {
    Fresh => fresh,
    Changed => changed,
    Drifted => drifted,
    Immutable => immutable,
    Requested => requested,
    Removed => removed,
    Destroyed => destroyed,
    Gone => gone,
    CutOff => cut_off,
    Broken => broken,
    Unchanged => unchanged,
    Refreshed => refreshed,
    Imported => imported,
    Sequenced => sequenced,
    Foreign => foreign,
}

/// Writes which scene shows which variant, and the list of all variants: none can be in one and not in the other.
macro_rules! shown_by {
    ($name:ident, $all:ident, $type:ty, $($pattern:pat, $example:expr => $scene:ident;)*) => {
        fn $name(variant: &$type) -> Scene {
            match variant { $($pattern => Scene::$scene),* }
        }
        fn $all() -> Vec<$type> {
            vec![$($example),*]
        }
    };
}

shown_by! { scene_of_action, actions, Action,
    Action::Create, Action::Create => Fresh;
    Action::Update, Action::Update => Changed;
    Action::Replace(Order::DeleteFirst), Action::Replace(Order::DeleteFirst) => Immutable;
    Action::Replace(Order::CreateFirst), Action::Replace(Order::CreateFirst) => Requested;
    Action::Delete, Action::Delete => Removed;
    Action::Resume, Action::Resume => CutOff;
    Action::Keep, Action::Keep => Destroyed;
    Action::Forget, Action::Forget => Gone;
    Action::NoOp, Action::NoOp => Unchanged;
    Action::Refresh, Action::Refresh => Refreshed;
    Action::Import, Action::Import => Imported;
}

shown_by! { scene_of_reason, reasons_there_are, Reason,
    Reason::New, Reason::New => Fresh;
    Reason::Removed, Reason::Removed => Removed;
    Reason::Destroy, Reason::Destroy => Destroyed;
    Reason::Gone, Reason::Gone => Gone;
    Reason::Foreign(_), Reason::Foreign(String::new()) => Foreign;
    Reason::Changed, Reason::Changed => Changed;
    Reason::Drifted, Reason::Drifted => Drifted;
    Reason::Requested, Reason::Requested => Requested;
    Reason::Broken(_), Reason::Broken(String::new()) => Broken;
    Reason::Immutable(_), Reason::Immutable(String::new()) => Immutable;
    Reason::Follows(_), Reason::Follows("a/b".parse().unwrap()) => Immutable;
    Reason::CutOff(_), Reason::CutOff(String::new()) => CutOff;
    Reason::NeededByData, Reason::NeededByData => Destroyed;
    Reason::GoesWith(_), Reason::GoesWith("a/b".parse().unwrap()) => Destroyed;
}

/// Demands that the plan has what its scene is there for.
fn shows(scene: Scene, plan: &Plan) {
    for action in actions().into_iter().filter(|action| scene_of_action(action) == scene) {
        assert!(plan.changes.values().any(|change| change.action == action), "no {action:?} in {scene:?}");
    }
    for reason in reasons_there_are().into_iter().filter(|reason| scene_of_reason(reason) == scene) {
        let mut all = plan.changes.values().flat_map(|change| &change.reasons);
        assert!(all.any(|given| discriminant(given) == discriminant(&reason)), "no {reason:?} in {scene:?}");
    }
}

async fn golden(scene: Scene, name: &str, (estate, options): (Estate, Options)) {
    let (plan, then) = match (scene, estate.plan(&options).await) {
        (Scene::Imported, _) => {
            let adoption = estate.adoption(WORKGROUP, "airline-dev-reporting-1").await.unwrap();
            (adoption.plan, adoption.then.ok())
        }
        (_, Ok(plan)) => (plan, None),
        (_, Err(failure)) => panic!("{}", text(&failure)),
    };
    shows(scene, &plan);
    let environment = config::load(estate.dir.path(), "dev", &estate.sets).unwrap();
    let origin = |key: &str| environment.origin(key).map(|origin| origin.short()).filter(|place| place != "default");
    let (destroy, verbose) = (options.destroy, scene == Scene::Unchanged);
    let view = |plan| PlanView { plan, origin: &origin, destroy, limited: false, verbose, warnings: Vec::new() };
    let page = match &then {
        Some(then) => ImportView { import: view(&plan), then: Ok(view(then)) }.human(false, WIDTH),
        None => view(&plan).human(false, WIDTH),
    };
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("golden");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        insta::assert_snapshot!(name, page);
        if scene == Scene::Changed {
            let json = serde_json::to_string_pretty(&view(&plan).json()).unwrap();
            insta::assert_snapshot!(format!("{name}.json"), json);
        }
        if scene == Scene::Sequenced {
            let subject = Subject { command: "plan", environment: "dev", everything: "rsds plan" };
            insta::assert_snapshot!(format!("{name}.markdown"), view(&plan).markdown(subject));
        }
    });
}

/// The scenes: an estate as it is found, and what is asked of it.
mod stage {
    use super::*;

    /// The lineage is drawn by lot for everybody else.
    async fn empty() -> Estate {
        let estate = Estate::new(GOLDEN);
        let lineage = "00000000-0000-4000-8000-000000000000".to_owned();
        estate.store.save(&State::pristine("airline", "dev", lineage)).await.unwrap();
        estate
    }

    /// Changes that AWS takes one by one, on a cluster and on a reader.
    pub(super) async fn sequenced() -> (Estate, Options) {
        let mut estate = empty().await;
        let cluster = "[producer]\ntype = \"cluster\"\nmulti_az = true\n";
        let serverless = "[producer]\nbase_capacity = 8\nmax_capacity = 16\n";
        assert!(GOLDEN.contains(serverless));
        estate.write(&GOLDEN.replace(serverless, cluster));
        estate.apply().await;
        // The first recovery point, without which AWS changes no capacity.
        estate.clock.sleep(std::time::Duration::from_secs(3600)).await;
        estate.set(&[
            "producer.multi_az=false",
            "producer.node_count=4",
            "consumers.reporting.base_capacity=32",
            "consumers.reporting.max_capacity=64",
            "consumers.reporting.enhanced_vpc_routing=false",
            "consumers.reporting.parameters.require_ssl=\"false\"",
        ]);
        (estate, options())
    }

    async fn built() -> Estate {
        let mut estate = empty().await;
        estate.apply().await;
        estate
    }

    /// The estate after somebody else was at it.
    async fn edited(edit: impl FnOnce(&mut World, &State)) -> Estate {
        let estate = built().await;
        let state = estate.state();
        estate.sandbox.edit(|world| edit(world, &state)).unwrap();
        estate
    }

    /// The estate after a run that ended with these resources in these statuses.
    async fn left_as(statuses: Vec<(&str, Status)>) -> Estate {
        let estate = built().await;
        let mut state = estate.state();
        for (address, status) in statuses {
            state.entries.get_mut(&address.parse().unwrap()).unwrap().status = status;
        }
        estate.store.save(&state).await.unwrap();
        estate
    }

    fn id(state: &State, address: &str) -> String {
        state.entries[&address.parse().unwrap()].id.clone().unwrap().to_string()
    }

    fn options() -> Options {
        Options::default()
    }

    pub(super) async fn fresh() -> (Estate, Options) {
        (empty().await, options())
    }

    pub(super) async fn changed() -> (Estate, Options) {
        let mut estate = built().await;
        estate.write(&format!(
            "{GOLDEN}[nlb]\nstickiness = true\n[resources.\"nlb/listener-5439\"]\nidle_timeout = 900\ntags = {{ team = \"bi\" }}\n"
        ));
        estate.set(&["producer.final_snapshot=false", "consumers.reporting.max_capacity=24"]);
        (estate, options())
    }

    pub(super) async fn drifted() -> (Estate, Options) {
        let edit = |world: &mut World, state: &State| {
            let workgroup = world.serverless.workgroups.get_mut("airline-dev-reporting-1").unwrap();
            workgroup.max = Some(64);
            workgroup.parameters.insert("max_query_execution_time".to_owned(), "0".to_owned());
            let vpc = id(state, "networking/vpc");
            world.ec2.tags.get_mut(&vpc).unwrap().insert("Name".to_owned(), "mine".to_owned());
        };
        (edited(edit).await, options())
    }

    pub(super) async fn refreshed() -> (Estate, Options) {
        let (estate, options) = drifted().await;
        (estate, Options { refresh_only: true, ..options })
    }

    pub(super) async fn imported() -> (Estate, Options) {
        let edit = |world: &mut World, _: &State| {
            let arn = world.serverless.workgroups["airline-dev-reporting-1"].arn.clone();
            world.serverless.tags.remove(&arn).unwrap();
        };
        let mut estate = edited(edit).await;
        estate.forget(WORKGROUP).await;
        estate.set(&["consumers.reporting.max_capacity=24"]);
        (estate, options())
    }

    pub(super) async fn immutable() -> (Estate, Options) {
        let mut estate = built().await;
        estate.set(&["consumers.reporting.database=bi_db"]);
        (estate, options())
    }

    pub(super) async fn requested() -> (Estate, Options) {
        (built().await, Options { replace: select(&["nlb/target-group-5439"]), ..options() })
    }

    pub(super) async fn removed() -> (Estate, Options) {
        let mut estate = built().await;
        estate.set(&["consumers.reporting.count=0", "networking.allowed_cidrs=[]"]);
        (estate, options())
    }

    pub(super) async fn destroyed() -> (Estate, Options) {
        let mut estate = empty().await;
        estate.write(&format!("{GOLDEN}[datashares.airline_share]\nschemas = [\"flights\"]\n"));
        estate.apply().await;
        (estate, destroying(&[]))
    }

    pub(super) async fn gone() -> (Estate, Options) {
        let edit = |world: &mut World, state: &State| {
            for rule in ["networking/producer-ingress-consumers", "networking/nlb-ingress-5439-10.0.0.0-8"] {
                world.ec2.rules.remove(&id(state, rule)).unwrap();
            }
        };
        let mut estate = edited(edit).await;
        estate.set(&["networking.allowed_cidrs=[]"]);
        (estate, options())
    }

    pub(super) async fn foreign() -> (Estate, Options) {
        let edit = |world: &mut World, _: &State| {
            let role = world.iam.roles.values_mut().find(|role| role.name.contains("producer")).unwrap();
            role.tags.clear();
        };
        (edited(edit).await, destroying(&["producer"]))
    }

    pub(super) async fn cut_off() -> (Estate, Options) {
        let (token, since) = ("t".to_owned(), "2026-11-22T11:00:00Z".parse().unwrap());
        let creating = Status::Creating { token, since, step: Some("set attributes".to_owned()) };
        let updating = Status::Updating { step: Some("set max_capacity".to_owned()), since };
        let mut estate = left_as(vec![("nlb/load-balancer", creating), (WORKGROUP, updating)]).await;
        estate.set(&["consumers.reporting.max_capacity=24"]);
        (estate, options())
    }

    pub(super) async fn broken() -> (Estate, Options) {
        let why = "CREATE_FAILED: a subnet has no free address".to_owned();
        (left_as(vec![(WORKGROUP, Status::Tainted { why })]).await, options())
    }

    pub(super) async fn unchanged() -> (Estate, Options) {
        let edit = |world: &mut World, _: &State| {
            world.serverless.workgroups.get_mut("airline-dev-reporting-1").unwrap().max = Some(64);
        };
        let estate = edited(edit).await;
        estate.write(&format!("{GOLDEN}[resources.\"{WORKGROUP}\"]\nignore_changes = [\"max_capacity\"]\n"));
        (estate, options())
    }
}
