//! What the consumers behind the load balancer have alike: a client may land on any of them, and must find the same.
//!
//! Users, roles and grants are the same everywhere by themselves; this compares what each group says for itself. Every group
//! behind the balancer is behind its first port, so the other ports bring nothing new.

use super::Rules;
use crate::config::shape::Fault;
use crate::config::tree::join;
use crate::config::typed::{Config, Consumer};

/// Redshift parameters by which one query has another answer, or none.
const ANSWERING: [&str; 3] = ["search_path", "datestyle", "enable_case_sensitive_identifier"];

pub(super) fn check(rules: &mut Rules<'_>) {
    let config = rules.config;
    let mut behind = config.consumers.iter().filter(|(_, group)| group.behind_nlb && group.count > 0);
    let Some((first, model)) = behind.next() else { return };
    for (name, group) in behind {
        let path = join("consumers", name);
        if group.database != model.database {
            let (here, there) = (format!("`{}`", group.database), format!("`{}`", model.database));
            let help = "give all groups behind the load balancer the same `database`";
            apart(rules, &format!("{path}.database"), (&here, first, &there), help);
        }
        for parameter in ANSWERING.into_iter().filter(|key| group.parameters.get(*key) != model.parameters.get(*key)) {
            let (here, there) = (set(group, parameter), set(model, parameter));
            let help = format!("give all groups behind the load balancer the same `{parameter}`");
            apart(rules, &format!("{path}.parameters.{parameter}"), (&here, first, &there), &help);
        }
        let (here, there) = (shares(config, name), shares(config, first));
        if here != there {
            let help = "share with all groups behind the load balancer, or with none";
            apart(rules, &path, (&here, first, &there), help);
        }
    }
}

fn set(group: &Consumer, parameter: &str) -> String {
    group.parameters.get(parameter).map_or_else(|| "Redshift's own value".to_owned(), |value| format!("`{value}`"))
}

fn shares(config: &Config, group: &str) -> String {
    let its = config.datashares.iter().filter(|(_, share)| config.share_groups(share).contains(&group));
    let names: Vec<String> = its.map(|(share, _)| format!("`{share}`")).collect();
    if names.is_empty() { "no share".to_owned() } else { format!("the shares {}", names.join(", ")) }
}

fn apart(rules: &mut Rules<'_>, path: &str, (here, first, there): (&str, &str, &str), help: &str) {
    let port = rules.config.nlb.port;
    let fault =
        format!("{here} here and {there} in `{first}`: a client of the load balancer's port {port} may land on either");
    rules.warning(path, Fault::new(fault).help(help));
}
