//! Estates that the tests of the graph draw.

use super::Diagram;
use crate::{
    config,
    plan::{self, Observed, Options},
    session::outline,
    state::State,
};

/// The diagram of an estate with this many analytics readers and one for reporting.
pub(super) fn diagram(readers: usize, details: bool) -> Diagram {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("environments")).unwrap();
    let toml = format!(
        "project = \"airline\"\nregion = \"us-west-2\"\n[networking]\nvpc_cidr = \"10.40.0.0/16\"\n\
         subnet_cidrs = [\"10.40.0.0/20\", \"10.40.16.0/20\", \"10.40.32.0/20\"]\n\
         allowed_cidrs = [\"10.0.0.0/8\"]\n[producer]\ns3_buckets = [\"lake\"]\n\
         [consumers.analytics]\ncount = {readers}\n[consumers.reporting]\n"
    );
    std::fs::write(folder.path().join("environments/dev.toml"), toml).unwrap();
    let environment = config::load(folder.path(), "dev", &[]).unwrap();
    let state = State::pristine("airline", "dev", "lineage".to_owned());
    let stack = outline(&environment, &state).unwrap();
    let creation = plan::plan(&stack, &state, &Observed::assumed(&state), &Options::default()).unwrap();
    Diagram::of(&environment.config, &stack, &creation, &state, details)
}
