//! What a saved plan says about itself, above the plan and beside it.
//!
//! Called by `show` of the CLI. Must leave out nothing that decides whether the plan still holds.

use crate::plan::{Options, Saved};
use serde_json::{Value as Json, json};

/// Writes it for people; ends in an empty line.
pub fn saved(saved: &Saved) -> String {
    let binding = &saved.binding;
    let mut lines = vec![
        format!("Saved plan for {}-{}", binding.project, binding.environment),
        format!("  made     {} by rsds {}", saved.created, binding.rsds),
        format!("  place    account {}, {}", binding.account, binding.region),
        format!("  state    {}, serial {}", binding.lineage, binding.serial),
    ];
    lines.extend(binding.files.keys().map(|name| format!("  file     {name}")));
    lines.extend(saved.sets.iter().map(|set| format!("  --set    {set}")));
    lines.extend(wishes(&saved.options).into_iter().map(|wish| format!("  {wish}")));
    if !saved.refreshed {
        lines.push("  --no-refresh: AWS was not read; apply reads it and compares".to_owned());
    }
    lines.join("\n") + "\n\n"
}

fn wishes(options: &Options) -> Vec<String> {
    let Options {
        targets,
        excludes,
        replace,
        destroy,
        refresh_only,
        ignore,
        refresh_sql,
        sql_only: _,
        rotate: _,
        protect: _,
    } = options;
    let all = [("--target ", targets), ("--exclude", excludes), ("--replace", replace)];
    let selectors = all.into_iter().flat_map(|(flag, picked)| picked.iter().map(move |of| format!("{flag} {of}")));
    let flags = [(*destroy, "--destroy"), (*refresh_only, "--refresh-only"), (*refresh_sql, "--refresh-sql")];
    let ignored = ignore.iter().map(|ignore| format!("--ignore  {ignore}"));
    selectors
        .chain(ignored)
        .chain(flags.into_iter().filter(|(given, _)| *given).map(|(_, flag)| flag.to_owned()))
        .collect()
}

/// The same for scripts: the key `saved` of `rsds.plan/1`.
pub fn saved_json(saved: &Saved) -> Json {
    json!({
        "created": saved.created,
        "rsds": saved.binding.rsds,
        "project": saved.binding.project,
        "environment": saved.binding.environment,
        "account": saved.binding.account,
        "region": saved.binding.region,
        "lineage": saved.binding.lineage,
        "serial": saved.binding.serial,
        "config_digest": saved.binding.config_digest,
        "files": saved.binding.files,
        "sets": saved.sets,
        "options": saved.options,
        "refreshed": saved.refreshed,
        "observed_digest": saved.observed_digest,
    })
}
