//! Cluster parameter groups: create, describe, modify, reset, delete, and their parameters.
//!
//! Called by the core and by the clusters that use them. Source: aws-facts.md 5.2. Must never change the groups that
//! AWS brings along.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::cluster::{Cluster, Stage};
use super::parameter::{FAMILIES, PARAMETERS, WLM};
use super::select::{TagChoice, listing};
use super::{
    APPLIES, AwsError, Operation, Reply, Request, World, combination, invalid, name, not_found, parameter, tag,
};

/// What the names of the groups AWS brings along begin with.
const DEFAULT: &str = "default.";
/// Most parameters of one call.
const MOST_PARAMETERS: usize = 20;

/// A cluster parameter group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParameterGroup {
    /// Name in lower case.
    pub name: String,
    /// `redshift-1.0` or `redshift-2.0`.
    pub family: String,
    /// Description.
    pub description: String,
    /// Parameters the user set, also those set to their default.
    pub user: BTreeMap<String, String>,
}

/// Parameter paths of a call that takes parameters, after its own.
macro_rules! parameters {
    ($($own:literal),* $(,)?) => {
        &[
            $($own,)*
            "Parameters.ParameterName",
            "Parameters.ParameterValue",
            "Parameters.ApplyType",
            "Parameters.Description",
            "Parameters.Source",
            "Parameters.DataType",
            "Parameters.AllowedValues",
            "Parameters.IsModifiable",
            "Parameters.MinimumEngineVersion",
        ]
    };
}

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "CreateClusterParameterGroup",
        mutating: true,
        params: &["ParameterGroupName", "ParameterGroupFamily", "Description", "Tags.Key", "Tags.Value"],
        run: create_cluster_parameter_group,
    },
    Operation {
        name: "DescribeClusterParameterGroups",
        mutating: false,
        params: &["ParameterGroupName", "MaxRecords", "Marker", "TagKeys", "TagValues"],
        run: describe_cluster_parameter_groups,
    },
    Operation {
        name: "DescribeClusterParameters",
        mutating: false,
        params: &["ParameterGroupName", "Source", "MaxRecords", "Marker"],
        run: describe_cluster_parameters,
    },
    Operation {
        name: "ModifyClusterParameterGroup",
        mutating: true,
        params: parameters!("ParameterGroupName"),
        run: modify_cluster_parameter_group,
    },
    Operation {
        name: "ResetClusterParameterGroup",
        mutating: true,
        params: parameters!("ParameterGroupName", "ResetAllParameters"),
        run: reset_cluster_parameter_group,
    },
    Operation {
        name: "DeleteClusterParameterGroup",
        mutating: true,
        params: &["ParameterGroupName"],
        run: delete_cluster_parameter_group,
    },
];

impl ParameterGroup {
    fn default_of(family: &str) -> Self {
        Self {
            name: format!("{DEFAULT}{family}"),
            family: family.to_owned(),
            description: format!("Default parameter group for {family}"),
            user: BTreeMap::new(),
        }
    }

    /// Whether AWS brought it along.
    pub fn is_default(&self) -> bool {
        self.name.starts_with(DEFAULT)
    }

    /// The value of every parameter.
    pub fn values(&self) -> BTreeMap<String, String> {
        let own = |name: &str| self.user.get(name).map(String::as_str);
        let value = |parameter: &parameter::Parameter| {
            own(parameter.name).unwrap_or_else(|| parameter.default_of(&self.family)).to_owned()
        };
        PARAMETERS.iter().map(|parameter| (parameter.name.to_owned(), value(parameter))).collect()
    }

    fn render(&self, world: &World) -> Reply {
        json!({
            "ParameterGroupName": self.name,
            "ParameterGroupFamily": self.family,
            "Description": self.description,
            "Tags": tag::render(&world.redshift, &arn(world, &self.name)),
        })
    }

    fn check_own(&self, verb: &str) -> Result<(), AwsError> {
        if self.is_default() {
            return Err(invalid(format!("The default parameter group {} can't be {verb}.", self.name)));
        }
        Ok(())
    }
}

fn arn(world: &World, name: &str) -> String {
    world.arn("redshift", &format!("parametergroup:{name}"))
}

/// The groups of AWS and of the user.
fn all(world: &World) -> impl Iterator<Item = ParameterGroup> {
    let own = world.redshift.parameter_groups.values().cloned();
    FAMILIES.iter().map(|family| ParameterGroup::default_of(family)).chain(own)
}

/// The group of that name in any case, or its not-found error.
pub(super) fn find(world: &World, name: &str) -> Result<ParameterGroup, AwsError> {
    let found = all(world).find(|group| group.name == name.to_ascii_lowercase());
    found.ok_or_else(|| {
        not_found("ClusterParameterGroupNotFound", format!("Cluster parameter group {name} does not exist."))
    })
}

fn create_cluster_parameter_group(world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    let name = name::parameter_group(&req.text("ParameterGroupName")?)?;
    let family = req.text("ParameterGroupFamily")?;
    if !FAMILIES.contains(&family.as_str()) {
        return Err(invalid(format!("The parameter group family {family} is not one of {}.", FAMILIES.join(", "))));
    }
    let description = req.text("Description")?;
    let tags = tag::read(req)?;
    let groups = &world.redshift.parameter_groups;
    if groups.contains_key(&name) {
        let message = format!("Cluster parameter group {name} already exists.");
        return Err(AwsError::new("ClusterParameterGroupAlreadyExists", message));
    }
    let group = ParameterGroup { name: name.clone(), family, description, user: BTreeMap::new() };
    let arn = arn(world, &name);
    tag::put(world, &arn, tags);
    let reply = group.render(world);
    world.redshift.parameter_groups.insert(name, group);
    Ok(json!({ "ClusterParameterGroup": reply }))
}

fn describe_cluster_parameter_groups(world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    let choice = TagChoice::read(req)?;
    let found = match req.opt_text("ParameterGroupName")? {
        Some(name) => vec![find(world, &name)?],
        None => all(world).collect(),
    };
    let fits = |group: &ParameterGroup| choice.admits_any(world.redshift.tags.get(&arn(world, &group.name)));
    let found = found.into_iter().filter(fits).map(|group| group.render(world)).collect();
    listing("ParameterGroups", found, req)
}

fn describe_cluster_parameters(world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    let group = find(world, &req.text("ParameterGroupName")?)?;
    let wanted = req.opt_text("Source")?;
    if let Some(unknown) = wanted.as_deref().filter(|source| !["user", "engine-default"].contains(source)) {
        return Err(invalid(format!("The parameter source {unknown} must be user or engine-default.")));
    }
    let render = |parameter: &parameter::Parameter| {
        let own = group.user.get(parameter.name);
        let source = if own.is_some() { "user" } else { "engine-default" };
        let (kind, allowed) = parameter.values.spelled();
        json!({
            "ParameterName": parameter.name,
            "ParameterValue": own.map_or_else(|| parameter.default_of(&group.family), String::as_str),
            "Description": parameter.description,
            "Source": source,
            "DataType": kind,
            "AllowedValues": allowed,
            "ApplyType": "static",
            "IsModifiable": true,
        })
    };
    let all = PARAMETERS.iter().map(render);
    let fits = |parameter: &Reply| {
        let source = parameter.get("Source").and_then(Reply::as_str);
        wanted.is_none() || wanted.as_deref() == source
    };
    listing("Parameters", all.filter(fits).collect(), req)
}

/// The parameters of a call by name, 1 to 20, none twice.
fn read_names(req: &Request) -> Result<Vec<(String, Request)>, AwsError> {
    let asked = req.list("Parameters");
    if asked.is_empty() {
        return Err(req.missing("Parameters"));
    }
    if asked.len() > MOST_PARAMETERS {
        return Err(invalid(format!("A maximum of {MOST_PARAMETERS} parameters can be given in one call.")));
    }
    let mut named: Vec<(String, Request)> = Vec::new();
    for parameter in asked {
        let name = parameter.text("ParameterName")?;
        parameter::find(&name)?;
        if named.iter().any(|(known, _)| *known == name) {
            return Err(invalid(format!("The parameter {name} is given more than once.")));
        }
        named.push((name, parameter));
    }
    Ok(named)
}

/// Reads one change; tells whether it may be applied without a reboot.
fn read_change(group: &ParameterGroup, name: &str, change: &Request) -> Result<(String, bool), AwsError> {
    let value = change.text("ParameterValue")?;
    parameter::find(name)?.check(&value)?;
    let dynamic = match change.opt_text("ApplyType")?.as_deref() {
        None | Some("static") => false,
        Some("dynamic") if name == WLM => {
            group.values().get(name).is_some_and(|old| parameter::is_dynamic_change(old, &value))
        }
        Some("dynamic") => return Err(invalid(format!("The parameter {name} can't be applied dynamically."))),
        Some(other) => return Err(invalid(format!("The apply type {other} must be static or dynamic."))),
    };
    Ok((value, dynamic))
}

fn changed(name: &str) -> Reply {
    json!({
        "ParameterGroupName": name,
        "ParameterGroupStatus": "Your parameter group has been updated. If you changed only dynamic parameters, \
            associated clusters are being modified now. If you changed static parameters, all updates, including \
            dynamic parameters, will be applied when you reboot the associated clusters.",
    })
}

fn in_use(message: String) -> AwsError {
    AwsError::new("InvalidClusterParameterGroupState", message)
}

/// Refuses a change while a cluster that uses the group starts or takes parameters over.
fn check_settled(world: &World, now: Timestamp, group: &str) -> Result<(), AwsError> {
    let takes = |cluster: &&Cluster| {
        let starts = |stage| matches!(stage, Stage::Creating | Stage::Rebooting | Stage::Resuming);
        let running = cluster.running(now);
        cluster.coming().parameter_group == group
            && running.is_some_and(|task| starts(task.stage) || task.after.applied != cluster.settings.applied)
    };
    match world.redshift.clusters_at(now).find(takes) {
        Some(cluster) => {
            Err(in_use(format!("The parameter group {group} is being applied to the cluster {}.", cluster.name)))
        }
        None => Ok(()),
    }
}

fn modify_cluster_parameter_group(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let mut group = find(world, &req.text("ParameterGroupName")?)?;
    group.check_own("modified")?;
    let (mut user, mut all_dynamic) = (group.user.clone(), true);
    for (name, change) in read_names(req)? {
        let (value, dynamic) = read_change(&group, &name, &change)?;
        all_dynamic &= dynamic;
        user.insert(name, value);
    }
    check_settled(world, now, &group.name)?;
    group.user = user;
    if all_dynamic {
        apply(world, now, &group);
    }
    let reply = changed(&group.name);
    world.redshift.parameter_groups.insert(group.name.clone(), group);
    Ok(reply)
}

/// Brings the WLM configuration of a group into effect on every cluster that is running with the group.
fn apply(world: &mut World, now: Timestamp, group: &ParameterGroup) {
    let values = group.values();
    let Some(queues) = values.get(WLM) else { return };
    for cluster in world.redshift.clusters.values_mut() {
        let uses = cluster.status(now) == "available" && cluster.current(now).applied.group == group.name;
        if uses && cluster.current(now).parameter_group == group.name {
            let mut after = cluster.current(now).clone();
            after.applied.values.insert(WLM.to_owned(), queues.clone());
            cluster.start(now, Stage::Modifying, APPLIES, after);
        }
    }
}

fn reset_cluster_parameter_group(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let mut group = find(world, &req.text("ParameterGroupName")?)?;
    group.check_own("reset")?;
    match (req.opt_bool("ResetAllParameters")?.unwrap_or(false), req.has("Parameters")) {
        (true, true) => return Err(combination("Parameters can't be given when ResetAllParameters is true.")),
        (true, false) => group.user.clear(),
        (false, _) => {
            let names = read_names(req)?;
            group.user.retain(|name, _| !names.iter().any(|(reset, _)| reset == name));
        }
    }
    check_settled(world, now, &group.name)?;
    let reply = changed(&group.name);
    world.redshift.parameter_groups.insert(group.name.clone(), group);
    Ok(reply)
}

fn delete_cluster_parameter_group(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let group = find(world, &req.text("ParameterGroupName")?)?;
    group.check_own("deleted")?;
    let uses = |cluster: &&Cluster| {
        [cluster.current(now), cluster.coming()].iter().any(|settings| settings.parameter_group == group.name)
    };
    if let Some(cluster) = world.redshift.clusters_at(now).find(uses) {
        let message =
            format!("The parameter group {} can't be deleted: the cluster {} uses it.", group.name, cluster.name);
        return Err(in_use(message));
    }
    let arn = arn(world, &group.name);
    world.redshift.parameter_groups.remove(&group.name);
    world.redshift.tags.remove(&arn);
    Ok(json!({}))
}
