//! How a running cluster changes: the order AWS wants, what goes into one call, and what cannot be changed at all
//! (aws-facts.md 4, 5.3).
//!
//! Called by the kind `redshift.cluster`. Must never send what AWS shows already: a step may run twice, a change not.

use super::{
    Aws, Fault,
    cluster::{self, Cluster, ClusterSpec},
    cluster_shown,
    fault::Called,
    ids::{ClusterParameterGroupName, RoleArn},
    number, redshift, tags,
};
use crate::kind::{Changes, Disruption, Field, Impact, Job, Known, Step, Tags};
use serde_json::Value as Json;

/// What one ModifyCluster call takes together; everything else goes alone.
const SETTINGS: &[&str] = &[
    "enhanced_vpc_routing",
    "maintenance_window",
    "parameter_group",
    "port",
    "publicly_accessible",
    "security_groups",
    "snapshot_retention",
];
const SET_SETTINGS: &str = "modify";
const SET_ROLES: &str = "set roles";
const SET_PASSWORD: &str = "set managed_password";
const SET_KEY: &str = "set kms_key";
const SET_RELOCATION: &str = "set availability_zone_relocation";
const SET_MULTI_AZ: &str = "set multi_az";
const RESIZE: &str = "resize";

/// By how much an elastic resize may multiply and divide the nodes (aws-facts.md 5.3); of a type that is not here, by
/// as much as of the most restricted.
const ELASTIC: &[(&str, u64, u64)] = &[("ra3.xlplus", 2, 4), ("ra3.4xlarge", 4, 4), ("ra3.16xlarge", 4, 4)];
const LEAST_ELASTIC: (u64, u64) = (2, 2);

/// Returns a step that settles those of `fields` that change, if any does.
fn step(changes: &Changes, name: &str, fields: &[&str]) -> Option<Step> {
    // What the TOML no longer says is AWS's again, and stays what it is.
    let given_up = |field: &str| {
        matches!(field, "availability_zone_relocation" | "maintenance_window")
            && changes.after(field).is_some_and(Json::is_null)
    };
    let changed = fields.iter().filter(|field| changes.has(field) && !given_up(field));
    let step = Step { fields: changed.map(|field| (*field).to_owned()).collect(), ..Step::new(name).settled() };
    Some(step).filter(|step| !step.fields.is_empty())
}

/// Returns the steps of a change. One modification runs at a time, so each waits for the one before. Two zones need two
/// nodes in each, and exclude relocation, which AWS switches on by itself when a cluster leaves its second zone.
pub(super) fn steps(changes: &Changes) -> Vec<Step> {
    let one = |name: &str, fields: &[&str]| step(changes, name, fields);
    let relocation = || one(SET_RELOCATION, &["availability_zone_relocation"]);
    let zones = one(SET_MULTI_AZ, &["multi_az"]);
    let resize = one(RESIZE, &["node_type", "node_count"]);
    let around_zones = || relocation().or_else(|| Some(Step::new(SET_RELOCATION).settled()));
    let sized = match changes.after("multi_az") {
        Some(Json::Bool(true)) => [around_zones(), resize, zones],
        Some(Json::Bool(false)) => [zones, around_zones(), resize],
        _ => [relocation(), resize, zones],
    };
    // A cluster that lacks its secret does not count as settled: this step cannot wait for that.
    let password = one(SET_PASSWORD, &["managed_password"]).map(|step| Step { settled: false, ..step });
    let first =
        [password, one(SET_ROLES, &["roles", "default_role"]), one(SET_SETTINGS, SETTINGS), one(SET_KEY, &["kms_key"])];
    first.into_iter().chain(sized).flatten().chain(tags::tag_steps(changes)).collect()
}

/// What a classic resize does, and how long it typically takes, in seconds.
pub(super) const CLASSIC: &str = "a classic resize: connections drop, consumers cannot read for a while, and the data \
                                  moves for hours";
pub(super) const CLASSIC_SECONDS: u32 = 7200;
/// How long an elastic resize typically takes, in seconds.
pub(super) const ELASTIC_SECONDS: u32 = 600;

/// Says what a change of these values brings about, where the values decide it.
pub(super) fn impact(field: &Field, before: &Json, after: &Json) -> Impact {
    let impact = field.impact();
    let turned_on = after[field.name] == Json::Bool(true);
    match field.name {
        "node_count" if !is_elastic(&Size::of(before), &Size::of(after)) => {
            impact.graded(Disruption::Outage, CLASSIC).taking(CLASSIC_SECONDS)
        }
        "multi_az" if turned_on => impact.graded(Disruption::Restart, "connections drop; in two zones it costs double"),
        "availability_zone_relocation" if turned_on => {
            impact.graded(Disruption::Restart, "switched on, the cluster restarts behind a proxy")
        }
        // What the TOML no longer says is AWS's again, and stays what it is.
        "availability_zone_relocation" | "maintenance_window" if after[field.name].is_null() => {
            impact.graded(Disruption::None, "AWS decides again; it stays as it is")
        }
        _ => impact,
    }
}

/// How large a cluster is.
struct Size<'a> {
    node_type: &'a str,
    nodes: u64,
}

impl<'a> Size<'a> {
    fn of(spec: &'a Json) -> Self {
        let node_type = spec["node_type"].as_str().unwrap_or_default();
        Self { node_type, nodes: spec["node_count"].as_u64().unwrap_or_default() }
    }
}

impl<'a> From<&'a ClusterSpec<Known>> for Size<'a> {
    fn from(spec: &'a ClusterSpec<Known>) -> Self {
        Self { node_type: &spec.node_type, nodes: spec.node_count.into() }
    }
}

/// Tells whether AWS can make so many nodes of so many by an elastic resize; otherwise it takes a classic one.
fn is_elastic(shown: &Size<'_>, wanted: &Size<'_>) -> bool {
    let (from, to) = (shown.nodes, wanted.nodes);
    if shown.node_type != wanted.node_type || from < 2 || to < 2 {
        return false;
    }
    let of_type = ELASTIC.iter().find(|row| row.0 == wanted.node_type).map(|row| (row.1, row.2));
    let (growth, shrink) = of_type.unwrap_or(LEAST_ELASTIC);
    to <= from.saturating_mul(growth) && to.saturating_mul(shrink) >= from
}

/// Sends the one call of a step, if AWS does not show what it would bring about.
pub(super) async fn run(aws: &Aws, job: &Job<'_, Cluster>) -> Result<(), Fault> {
    let (name, wanted) = (job.id.as_str(), job.spec);
    if matches!(job.step.name.as_str(), tags::SET_TAGS | tags::REMOVE_TAGS) {
        let arn = redshift::arn(aws, "cluster", name);
        // One that was made of a snapshot has none yet.
        let none = Tags::new();
        let before = if job.before.tags == wanted.tags { &none } else { &job.before.tags };
        return redshift::run_tags(aws, job.step, &arn, before, &wanted.tags).await;
    }
    let gone = || Fault::answered("redshift:DescribeClusters", "ClusterNotFound", "the cluster is gone");
    let shown = cluster::describe(aws, name).await?.ok_or_else(gone)?;
    let arn = redshift::arn(aws, "cluster", name);
    let shown = cluster_shown::spec(&shown, &arn, Some(wanted));
    match job.step.name.as_str() {
        SET_ROLES => set_roles(aws, name, &shown, wanted).await,
        RESIZE => resize(aws, name, &shown, wanted).await,
        _ => modify(aws, job, &shown).await,
    }
}

async fn set_roles(
    aws: &Aws,
    name: &str,
    shown: &ClusterSpec<Known>,
    wanted: &ClusterSpec<Known>,
) -> Result<(), Fault> {
    let texts = |roles: Vec<&RoleArn>| Some(roles.into_iter().map(ToString::to_string).collect::<Vec<_>>());
    let added: Vec<&RoleArn> = wanted.roles.difference(&shown.roles).collect();
    let removed: Vec<&RoleArn> = shown.roles.difference(&wanted.roles).collect();
    let default = (shown.default_role != wanted.default_role)
        .then(|| wanted.default_role.as_ref().map_or("", RoleArn::as_str).to_owned());
    if added.is_empty() && removed.is_empty() && default.is_none() {
        return Ok(());
    }
    let call = aws.redshift.modify_cluster_iam_roles().cluster_identifier(name).set_default_iam_role_arn(default);
    let call = call.set_add_iam_roles(texts(added).filter(|roles| !roles.is_empty()));
    let call = call.set_remove_iam_roles(texts(removed).filter(|roles| !roles.is_empty()));
    call.send().called("redshift:ModifyClusterIamRoles").await?;
    Ok(())
}

async fn resize(aws: &Aws, name: &str, shown: &ClusterSpec<Known>, wanted: &ClusterSpec<Known>) -> Result<(), Fault> {
    if (&shown.node_type, shown.node_count) == (&wanted.node_type, wanted.node_count) {
        return Ok(());
    }
    let (cluster_type, nodes) = cluster::size(wanted.node_count);
    let call = aws.redshift.resize_cluster().cluster_identifier(name).cluster_type(cluster_type);
    let call = call
        .node_type(&wanted.node_type)
        .set_number_of_nodes(nodes)
        .classic(!is_elastic(&shown.into(), &wanted.into()));
    call.send().called("redshift:ResizeCluster").await?;
    Ok(())
}

/// Returns the value if it is not what AWS shows.
fn other<T: PartialEq + Clone>(shown: &T, wanted: &T) -> Option<T> {
    (shown != wanted).then(|| wanted.clone())
}

async fn modify(aws: &Aws, job: &Job<'_, Cluster>, shown: &ClusterSpec<Known>) -> Result<(), Fault> {
    let wanted = job.spec;
    let unchanged = aws.redshift.modify_cluster().cluster_identifier(job.id.as_str());
    let call = unchanged.clone();
    let call = match job.step.name.as_str() {
        SET_SETTINGS => {
            let groups = other(&shown.security_groups, &wanted.security_groups);
            let groups = groups.map(|groups| groups.into_iter().map(String::from).collect());
            let parameters = other(&shown.parameter_group, &wanted.parameter_group);
            let window = other(&shown.maintenance_window, &wanted.maintenance_window).flatten();
            let retention = other(&shown.snapshot_retention, &wanted.snapshot_retention);
            call.set_vpc_security_group_ids(groups)
                .set_cluster_parameter_group_name(parameters.map(ClusterParameterGroupName::into))
                .set_port(other(&shown.port, &wanted.port).map(i32::from))
                .set_publicly_accessible(other(&shown.publicly_accessible, &wanted.publicly_accessible))
                .set_enhanced_vpc_routing(other(&shown.enhanced_vpc_routing, &wanted.enhanced_vpc_routing))
                .set_preferred_maintenance_window(window)
                .set_automated_snapshot_retention_period(retention.map(number::sent))
        }
        SET_PASSWORD => call.set_manage_master_password(other(&shown.managed_password, &wanted.managed_password)),
        SET_KEY => match other(&shown.kms_key, &wanted.kms_key) {
            // Encrypted without a key: with the one AWS owns.
            Some(key) => call.encrypted(true).set_kms_key_id(key.map(String::from)),
            None => call,
        },
        SET_MULTI_AZ => call.set_multi_az(other(&shown.multi_az, &wanted.multi_az)),
        SET_RELOCATION => {
            // Two zones at once exclude it, whatever AWS chose before.
            let relocation = if wanted.multi_az { Some(false) } else { wanted.availability_zone_relocation };
            let shown = shown.availability_zone_relocation.unwrap_or_default();
            call.set_availability_zone_relocation(relocation.filter(|wanted| *wanted != shown))
        }
        _ => return Err(Fault::unknown_step("redshift.cluster", job.step)),
    };
    // Nothing is left of the step: it has run before.
    if call.as_input() == unchanged.as_input() {
        return Ok(());
    }
    call.send().called("redshift:ModifyCluster").await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::{After, Kind as _};
    use serde_json::json;

    fn changes(of: &[(&str, Json, Json)]) -> Changes {
        let change = |(field, before, after): &(&str, Json, Json)| {
            ((*field).to_owned(), (before.clone(), After::Known(after.clone())))
        };
        Changes(of.iter().map(change).collect())
    }

    fn names(of: &[(&str, Json, Json)]) -> Vec<String> {
        let steps = steps(&changes(of));
        assert!(steps.iter().all(|step| step.settled), "one modification at a time");
        steps.into_iter().map(|step| step.name).collect()
    }

    #[test]
    fn zones_relocation_and_size_go_in_the_order_aws_wants() {
        let nodes = ("node_count", json!(1), json!(2));
        let on = names(&[("multi_az", json!(false), json!(true)), nodes]);
        assert_eq!(on, [SET_RELOCATION, RESIZE, SET_MULTI_AZ]);
        let off = names(&[("multi_az", json!(true), json!(false)), ("node_count", json!(2), json!(1))]);
        assert_eq!(off, [SET_MULTI_AZ, SET_RELOCATION, RESIZE]);
        let relocation = ("availability_zone_relocation", json!(false), json!(true));
        assert_eq!(
            names(&[relocation.clone(), ("multi_az", json!(true), json!(false))]),
            [SET_MULTI_AZ, SET_RELOCATION]
        );
        assert_eq!(names(&[relocation]), [SET_RELOCATION]);
        assert!(names(&[("availability_zone_relocation", json!(true), json!(null))]).is_empty());
    }

    #[test]
    fn what_may_go_together_is_one_call() {
        let of = ["port", "parameter_group", "snapshot_retention", "default_role", "kms_key", "node_type"];
        let of: Vec<_> = of.into_iter().map(|field| (field, json!(1), json!(2))).collect();
        assert_eq!(names(&of), [SET_ROLES, SET_SETTINGS, SET_KEY, RESIZE]);
        let settings = steps(&changes(&of)).into_iter().find(|step| step.name == SET_SETTINGS).unwrap();
        assert_eq!(settings.fields, ["parameter_group", "port", "snapshot_retention"]);
    }

    #[test]
    fn every_field_that_updates_has_a_step() {
        for field in Cluster::FIELDS.iter().filter(|field| field.on_change == crate::kind::OnChange::Update) {
            let steps = steps(&changes(&[(field.name, json!(null), json!("x"))]));
            assert_eq!(steps.is_empty(), field.unreadable, "{}", field.name);
        }
    }
}
