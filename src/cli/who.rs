//! Who this run is: what others read in the lock it holds, and in the states it writes.
//!
//! Called by `context` and `change`. Must never take more of the process's surroundings than it shows.

use super::{
    context::{Context, variable},
    typed::arguments,
};
use crate::state::Run;

/// Tells who runs this process, where, and what it does.
pub(super) fn this_run(context: &Context) -> Run {
    let first = |names: [&str; 2]| names.into_iter().find_map(variable);
    let unknown = || "unknown".to_owned();
    Run {
        who: first(["USER", "LOGNAME"]).unwrap_or_else(unknown),
        host: first(["HOSTNAME", "COMPUTERNAME"])
            .or_else(|| std::fs::read_to_string("/etc/hostname").ok().map(|name| name.trim().to_owned()))
            .unwrap_or_else(unknown),
        pid: std::process::id(),
        command: arguments().collect::<Vec<_>>().join(" "),
        since: context.clock.timestamp(),
        url: page(&variable),
    }
}

/// Finds the page of the CI run: each system says it in its own variables.
fn page(variable: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let github = || {
        let (server, repository) = (variable("GITHUB_SERVER_URL")?, variable("GITHUB_REPOSITORY")?);
        Some(format!("{server}/{repository}/actions/runs/{}", variable("GITHUB_RUN_ID")?))
    };
    let azure = || {
        let (server, project) = (variable("SYSTEM_TEAMFOUNDATIONCOLLECTIONURI")?, variable("SYSTEM_TEAMPROJECT")?);
        Some(format!("{server}{project}/_build/results?buildId={}", variable("BUILD_BUILDID")?))
    };
    // GitLab, CircleCI, Buildkite, Jenkins.
    let others = ["CI_JOB_URL", "CIRCLE_BUILD_URL", "BUILDKITE_BUILD_URL", "BUILD_URL"];
    github().or_else(azure).or_else(|| others.into_iter().find_map(variable))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(variables: &[(&str, &str)]) -> Option<String> {
        page(&|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_page_of_a_ci_run_is_found() {
        let github = [("GITHUB_SERVER_URL", "https://g"), ("GITHUB_REPOSITORY", "a/b"), ("GITHUB_RUN_ID", "7")];
        assert_eq!(found(&github).as_deref(), Some("https://g/a/b/actions/runs/7"));
        assert_eq!(found(&github[..2]), None);
        assert_eq!(found(&[("CI_JOB_URL", "https://gitlab/7")]).as_deref(), Some("https://gitlab/7"));
        assert_eq!(found(&[]), None);
    }
}
