//! Kind `redshift-serverless.workgroup`: the compute of a consumer, and the addresses clients reach it by.
//!
//! Driven by `plan` and `apply` through the list of kinds. Must never send a value AWS shows already: UpdateWorkgroup
//! takes one parameter per call and refuses a change that changes nothing (aws-facts.md 6.2).

use super::{
    Aws, Class, Fault, Look,
    fault::{Called, found},
    ids::{NamespaceName, SecurityGroupId, SubnetId, VpcId, WorkgroupArn, WorkgroupName},
    lookup::{asks, place},
    named, naming, number, parameters, redshift, serverless, tag_listing, tags, workgroup_blockers,
};
use crate::kind::{
    Actions, Blocker, Changes, Created, Disruption, Field, Id, Impact, Job, Kind, Known, Live, Named, Readiness, Stage,
    Step, Tags, Typical, Which,
};
use aws_sdk_redshiftserverless::types::{self, ConfigParameter, WorkgroupStatus};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

/// The most workgroups one page holds.
const PAGE: i32 = 100;

/// A workgroup. Its id is its ARN, which another workgroup of the same name does not share.
pub struct Workgroup;

/// What a workgroup is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct WorkgroupSpec<S: Stage> {
    /// Its name, unique in account and region.
    pub name: WorkgroupName,
    /// The namespace whose data it works on; a namespace has one workgroup at most.
    pub namespace: S::In<NamespaceName>,
    /// Base capacity in RPUs.
    pub base_capacity: u32,
    /// The most RPUs it may take; `None`: no limit.
    #[serde(default)]
    pub max_capacity: Option<u32>,
    /// Database parameters by key; a live workgroup shows AWS's defaults too.
    #[serde(default, deserialize_with = "parameters::canonical")]
    pub parameters: BTreeMap<String, String>,
    /// The VPC its addresses lie in: AWS moves a workgroup between subnets of one VPC alone.
    pub vpc: S::In<VpcId>,
    /// The subnets its addresses lie in.
    pub subnets: BTreeSet<S::In<SubnetId>>,
    /// The security groups of its addresses.
    pub security_groups: BTreeSet<S::In<SecurityGroupId>>,
    /// The port it listens on: 5431-5455 or 8191-8215.
    pub port: u16,
    /// Whether its traffic to other services stays in the VPC.
    pub enhanced_vpc_routing: bool,
    /// Whether it has public addresses too.
    pub publicly_accessible: bool,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
}

crate::outputs!(Workgroup =>
    /// What a workgroup offers.
    WorkgroupOutputs {
        at_once {
            /// The workgroup's name.
            name: WorkgroupName,
            /// The workgroup's ARN, which holds a UUID in place of the name.
            arn: WorkgroupArn,
        }
        ready {
            /// The host name clients dial.
            endpoint: String,
            /// The private addresses, one to three.
            addresses: BTreeSet<IpAddr>,
        }
    }
);

/// What AWS sets where nothing is declared (aws-facts.md 6.2); a key taken out of the TOML goes back to it. An update
/// keeps what its list leaves out, so a query limit that is no longer wanted is set to the greatest value it takes, at
/// which it limits nothing. A WLM configuration, which has no such value, stays as it is.
const DEFAULTS: &[(&str, &str)] = &[
    ("auto_mv", "true"),
    ("datestyle", "ISO, MDY"),
    ("enable_case_sensitive_identifier", "false"),
    ("enable_user_activity_logging", "true"),
    ("query_group", "default"),
    ("require_ssl", "true"),
    ("search_path", "$user, public"),
    ("use_fips_ssl", "false"),
];

/// Query limits, each with the greatest value it takes.
const LIMITS: &[(&str, &str)] = &[
    ("max_cpu_skew", "99"),
    ("max_io_skew", "99"),
    ("max_join_row_count", "999999999999999"),
    ("max_nested_loop_join_row_count", "999999999999999"),
    ("max_query_blocks_read", "1048575"),
    ("max_query_execution_time", "86399"),
    ("max_query_queue_time", "86399"),
    ("max_query_temp_blocks_to_disk", "319815679"),
    ("max_return_row_count", "999999999999999"),
    ("max_scan_row_count", "999999999999999"),
];

/// The configuration that query limits exclude.
const WLM: &str = "wlm_json_configuration";

/// Parameters whose change restarts the workgroup (aws-facts.md 6.2).
const RESTARTING: [&str; 2] = ["require_ssl", "use_fips_ssl"];

type Parameters = BTreeMap<String, String>;

/// Returns the list to send: everything declared, and what undoes what is declared no more.
fn wanted_parameters(before: &Parameters, after: &Parameters) -> Parameters {
    let limits = LIMITS.iter().filter(|_| !after.contains_key(WLM));
    let dropped = DEFAULTS.iter().chain(limits).filter(|(key, _)| before.contains_key(*key));
    let mut wanted: Parameters = dropped.map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    wanted.extend(after.clone());
    wanted
}

/// Tells whether the workgroup must be created with TLS on, to be turned off later: AWS refuses it at create.
fn ssl_is_off(parameters: &Parameters) -> bool {
    parameters.get("require_ssl").is_some_and(|value| value == "false")
}

fn parameter_list(parameters: &Parameters) -> Vec<ConfigParameter> {
    let parameter = |(key, value)| ConfigParameter::builder().parameter_key(key).parameter_value(value).build();
    parameters.iter().map(parameter).collect()
}

/// Tells whether AWS shows the wanted value already: of parameters, every key that would be sent.
fn is_done(field: &str, shown: &Json, wanted: &Json) -> bool {
    match (&shown[field], &wanted[field]) {
        (Json::Object(shown), Json::Object(wanted)) => wanted.iter().all(|(key, value)| shown.get(key) == Some(value)),
        (shown, wanted) => shown == wanted,
    }
}

/// Tells whether the new base capacity lies above the old maximum, so that the maximum must rise first.
fn max_comes_first(changes: &Changes) -> bool {
    let base = changes.after("base_capacity").and_then(Json::as_u64);
    let max = changes.before("max_capacity").and_then(Json::as_u64);
    matches!((base, max), (Some(base), Some(max)) if base > max)
}

/// Places a step in the order AWS wants: enhanced routing needs its subnets, more capacity needs more of them.
fn rank(changes: &Changes, step: &Step) -> u8 {
    match step.field() {
        Some("enhanced_vpc_routing") if changes.after("enhanced_vpc_routing") == Some(&false.into()) => 0,
        Some("subnets") => 1,
        Some("security_groups") => 2,
        Some("enhanced_vpc_routing") => 3,
        Some("publicly_accessible") => 4,
        Some("max_capacity") if max_comes_first(changes) => 5,
        Some("base_capacity") => 6,
        Some("max_capacity") => 7,
        Some("port") => 8,
        Some("parameters") => 9,
        _ => 10,
    }
}

fn addresses(endpoint: Option<&types::Endpoint>) -> BTreeSet<IpAddr> {
    let endpoints = endpoint.map(types::Endpoint::vpc_endpoints).unwrap_or_default();
    let interfaces = endpoints.iter().flat_map(types::VpcEndpoint::network_interfaces);
    interfaces.filter_map(|interface| interface.private_ip_address()?.parse().ok()).collect()
}

fn set<T: Ord + From<String>>(texts: Option<Vec<String>>) -> BTreeSet<T> {
    texts.unwrap_or_default().into_iter().map(T::from).collect()
}

impl Workgroup {
    fn live(shown: types::Workgroup, tags: Tags) -> Result<Live<Self>, Fault> {
        let missing = |what| Fault::incomplete("redshift-serverless:ListWorkgroups", what);
        let arn = shown.workgroup_arn.ok_or_else(|| missing("workgroupArn"))?;
        let name = WorkgroupName(shown.workgroup_name.ok_or_else(|| missing("workgroupName"))?);
        let pair = |p: ConfigParameter| p.parameter_key.map(|key| (key, p.parameter_value.unwrap_or_default()));
        let port = shown.port.or_else(|| shown.endpoint.as_ref().and_then(types::Endpoint::port));
        // While it changes, the addresses shown may be those it is about to lose.
        let settled = matches!(shown.status, Some(WorkgroupStatus::Available) | None);
        let endpoint = shown.endpoint.as_ref().filter(|_| settled);
        // Empty until the endpoint exists; `read` then believes the record.
        let vpc = shown.endpoint.as_ref().and_then(|e| e.vpc_endpoints().iter().find_map(types::VpcEndpoint::vpc_id));
        let vpc = vpc.unwrap_or_default().to_owned();
        let (host, addresses) = (endpoint.and_then(types::Endpoint::address), addresses(endpoint));
        let readiness = match shown.status {
            Some(WorkgroupStatus::Deleting) => Readiness::Deleting("DELETING".to_owned()),
            Some(ref status) if !settled => Readiness::Pending(status.as_str().to_owned()),
            _ if host.is_none() || addresses.is_empty() => Readiness::Pending("AVAILABLE, no addresses yet".to_owned()),
            _ => Readiness::Ready,
        };
        let outputs = WorkgroupOutputs {
            name: name.clone(),
            arn: arn.clone().into(),
            endpoint: host.map(str::to_owned),
            addresses: (!addresses.is_empty()).then_some(addresses),
        };
        let spec = WorkgroupSpec {
            name,
            namespace: shown.namespace_name.unwrap_or_default().into(),
            base_capacity: number::shown(shown.base_capacity),
            max_capacity: shown.max_capacity.and_then(|rpus| rpus.try_into().ok()),
            parameters: parameters::folded(shown.config_parameters.unwrap_or_default().into_iter().filter_map(pair)),
            vpc: vpc.into(),
            subnets: set(shown.subnet_ids),
            security_groups: set(shown.security_group_ids),
            port: number::shown(port),
            enhanced_vpc_routing: shown.enhanced_vpc_routing.unwrap_or_default(),
            publicly_accessible: shown.publicly_accessible.unwrap_or_default(),
            tags,
        };
        Ok(Live { id: Id(arn), spec, outputs, readiness })
    }

    async fn get(aws: &Aws, name: &WorkgroupName) -> Result<types::Workgroup, Fault> {
        let get = aws.serverless.get_workgroup().workgroup_name(name.as_str());
        let answer = get.send().called("redshift-serverless:GetWorkgroup").await?;
        answer.workgroup.ok_or_else(|| Fault::incomplete("redshift-serverless:GetWorkgroup", "workgroup"))
    }

    /// Tells "the name is taken" from "the namespace is busy": AWS answers both with one code (aws-facts.md 0.2).
    async fn refused(aws: &Aws, name: &WorkgroupName, fault: Fault) -> Fault {
        if fault.code != "ConflictException" {
            return fault;
        }
        match Self::get(aws, name).await {
            Ok(taken) if taken.status != Some(WorkgroupStatus::Deleting) => Fault { class: Class::Exists, ..fault },
            _ => fault,
        }
    }

    /// Sends one field, unless AWS shows the wanted value already: a step may run twice, a change may not.
    async fn change(aws: &Aws, field: &str, before: &Parameters, spec: &WorkgroupSpec<Known>) -> Result<(), Fault> {
        let shown = Self::get(aws, &spec.name).await?;
        let parameters = wanted_parameters(before, &spec.parameters);
        let wanted = WorkgroupSpec { parameters, ..spec.clone() };
        let json = |spec| serde_json::to_value(spec).map_err(|e| Fault::internal(e.to_string()));
        if is_done(field, &json(&Self::live(shown, Tags::new())?.spec)?, &json(&wanted)?) {
            return Ok(());
        }
        let call = aws.serverless.update_workgroup().workgroup_name(wanted.name.as_str());
        let call = match field {
            "base_capacity" => call.base_capacity(number::sent(wanted.base_capacity)),
            "max_capacity" => call.max_capacity(wanted.max_capacity.map_or(-1, number::sent)),
            "parameters" => call.set_config_parameters(Some(parameter_list(&wanted.parameters))),
            "subnets" => call.set_subnet_ids(Some(wanted.subnets.into_iter().map(String::from).collect())),
            "security_groups" => {
                call.set_security_group_ids(Some(wanted.security_groups.into_iter().map(String::from).collect()))
            }
            "port" => call.port(wanted.port.into()),
            "enhanced_vpc_routing" => call.enhanced_vpc_routing(wanted.enhanced_vpc_routing),
            "publicly_accessible" => call.publicly_accessible(wanted.publicly_accessible),
            _ => return Err(Fault::internal(format!("a workgroup has no field {field} to set"))),
        };
        call.send().called("redshift-serverless:UpdateWorkgroup").await?;
        Ok(())
    }
}

impl Kind for Workgroup {
    const NAME: &'static str = "redshift-serverless.workgroup";
    const FIELDS: &'static [Field] = &[
        Field::replaces("name"),
        Field::replaces("namespace").follows(),
        Field::updates("base_capacity").reconnects("may cancel running queries"),
        Field::updates("max_capacity"),
        Field::updates("parameters")
            .keyed()
            .security_of(redshift::PROTECTING)
            .reconnects("sessions that are open keep the old value"),
        Field::replaces("vpc"),
        Field::updates("subnets").follows().invalidates(&["addresses"]).reconnects("its addresses may change"),
        Field::updates("security_groups").security().reconnects("clients the new groups do not admit lose access"),
        Field::updates("port").restarts("clients must dial the new port"),
        Field::updates("enhanced_vpc_routing").security().reconnects("COPY and UNLOAD take another way"),
        Field::updates("publicly_accessible").security().reconnects("its public address comes or goes"),
    ];
    const ACTIONS: Actions = Actions {
        read: &["redshift-serverless:ListWorkgroups", "redshift-serverless:ListTagsForResource"],
        create: &[
            "redshift-serverless:CreateWorkgroup",
            "redshift-serverless:TagResource",
            "redshift-serverless:GetWorkgroup",
            "redshift-serverless:UpdateWorkgroup",
            "ec2:DescribeVpcs",
            "ec2:DescribeVpcAttribute",
            "ec2:DescribeSubnets",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeAvailabilityZones",
            "ec2:DescribeAccountAttributes",
            "ec2:DescribeAddresses",
            "ec2:DescribeInternetGateways",
        ],
        update: &[
            "redshift-serverless:GetWorkgroup",
            "redshift-serverless:UpdateWorkgroup",
            "redshift-serverless:TagResource",
            "redshift-serverless:UntagResource",
        ],
        delete: &[
            "redshift-serverless:DeleteWorkgroup",
            "redshift-serverless:ListEndpointAccess",
            "redshift-serverless:ListCustomDomainAssociations",
        ],
    };
    const TYPICAL: Typical = Typical { create: 360, update: 120, delete: 240 };
    const STABLE_READS: u32 = 2;
    const CARRIES: bool = true;
    const KEY: &'static [&'static str] = &["name"];
    const SHOWS: &'static [&'static str] = &["endpoint", "port", "base_capacity", "max_capacity"];
    const NAMED_BY: &'static str = "its name or ARN";

    type Spec<S: Stage> = WorkgroupSpec<S>;
    type Outputs = WorkgroupOutputs;

    fn check_name(name: &str) -> Result<(), &'static str> {
        naming::serverless(name)
    }

    fn named(text: &str) -> Option<Named> {
        named::arn_or_name(text, "redshift-serverless", "workgroup/")
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let pages = look.serverless.list_workgroups().into_paginator().page_size(PAGE).items().send();
        let all = pages.collect::<Result<Vec<_>, _>>().called("redshift-serverless:ListWorkgroups");
        let (all, confirmed) = tokio::try_join!(all, tag_listing::confirmed(look))?;
        let asked = |shown: &types::Workgroup| {
            let (arn, name) = (shown.workgroup_arn().unwrap_or_default(), shown.workgroup_name().unwrap_or_default());
            which.iter().any(|question| asks(question, arn, question.spec.name.as_str() == name))
        };
        let asked: Vec<_> = all.into_iter().filter(asked).collect();
        let arns = asked.iter().map(|shown| shown.workgroup_arn().unwrap_or_default());
        let tags = try_join_all(arns.map(|arn| serverless::tags_for(look, &confirmed, which, arn))).await?;
        // No tags: gone between the two calls.
        let there = asked.into_iter().zip(tags).filter_map(|(shown, tags)| Some((shown, tags?)));
        let live = there.map(|(shown, tags)| Self::live(shown, tags)).collect::<Result<Vec<_>, _>>()?;
        let mut placed =
            place(which, live, |question, l| asks(question, l.id.as_str(), question.spec.name == l.spec.name));
        for (question, live) in which.iter().zip(&mut placed) {
            let unknown = live.as_mut().filter(|live| live.spec.vpc.as_str().is_empty());
            unknown.into_iter().for_each(|live| live.spec.vpc.clone_from(&question.spec.vpc));
        }
        Ok(placed)
    }

    async fn create(aws: &Aws, spec: &WorkgroupSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        let mut parameters = spec.parameters.clone();
        if ssl_is_off(&parameters) {
            parameters.remove("require_ssl");
        }
        let call = aws
            .serverless
            .create_workgroup()
            .workgroup_name(spec.name.as_str())
            .namespace_name(spec.namespace.as_str())
            .base_capacity(number::sent(spec.base_capacity))
            .set_max_capacity(spec.max_capacity.map(number::sent))
            .set_config_parameters((!parameters.is_empty()).then(|| parameter_list(&parameters)))
            .set_subnet_ids(Some(spec.subnets.iter().cloned().map(String::from).collect()))
            .set_security_group_ids(Some(spec.security_groups.iter().cloned().map(String::from).collect()))
            .port(spec.port.into())
            .enhanced_vpc_routing(spec.enhanced_vpc_routing)
            .publicly_accessible(spec.publicly_accessible)
            .set_tags(Some(serverless::tag_list(&spec.tags)?));
        let answer = match call.send().called("redshift-serverless:CreateWorkgroup").await {
            Ok(answer) => answer,
            Err(fault) => return Err(Self::refused(aws, &spec.name, fault).await),
        };
        let arn = answer.workgroup.and_then(|workgroup| workgroup.workgroup_arn);
        let arn = arn.ok_or_else(|| Fault::incomplete("redshift-serverless:CreateWorkgroup", "workgroupArn"))?;
        let (name, id) = (spec.name.clone(), Id(arn.clone()));
        Ok(Created { id, outputs: WorkgroupOutputs { name, arn: arn.into(), endpoint: None, addresses: None } })
    }

    fn impact(field: &Field, key: Option<&str>, _: &Json, _: &Json) -> Impact {
        match key.filter(|key| field.name == "parameters" && RESTARTING.contains(key)) {
            Some(key) => field.impact().graded(Disruption::Restart, format!("{key} takes a restart of the workgroup")),
            None => field.impact(),
        }
    }

    fn finish(spec: &WorkgroupSpec<Known>) -> Vec<Step> {
        if ssl_is_off(&spec.parameters) { vec![Step::set("parameters").settled()] } else { Vec::new() }
    }

    fn update(changes: &Changes) -> Vec<Step> {
        let fields = changes.fields().filter(|field| *field != "tags");
        let mut steps: Vec<Step> = fields.map(|field| Step::set(field).settled()).collect();
        steps.sort_by_key(|step| rank(changes, step));
        steps.extend(tags::tag_steps(changes));
        steps
    }

    async fn blockers(aws: &Aws, which: &[Which<Self>]) -> Result<Vec<Vec<Blocker>>, Fault> {
        workgroup_blockers::of(aws, which.iter().map(|question| question.spec.name.as_str())).await
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        match job.step.field() {
            _ if job.step.name == "delete" => {
                let call = aws.serverless.delete_workgroup().workgroup_name(job.spec.name.as_str());
                found(call.send().called("redshift-serverless:DeleteWorkgroup").await)?;
            }
            Some(field) if field != "tags" => Self::change(aws, field, &job.before.parameters, job.spec).await?,
            _ => serverless::run_tags(aws, job.step, job.id.as_str(), &job.before.tags, &job.spec.tags).await?,
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::After;
    use serde_json::json;

    fn changes(all: &[(&str, Json, Json)]) -> Changes {
        let change = |(f, b, a): &(&str, Json, Json)| ((*f).to_owned(), (b.clone(), After::Known(a.clone())));
        Changes(all.iter().map(change).collect())
    }

    fn names(changes: &Changes) -> Vec<String> {
        Workgroup::update(changes).into_iter().map(|step| step.name).collect()
    }

    #[test]
    fn capacity_never_passes_through_a_base_above_its_maximum() {
        let both = |base: [u32; 2], max: [Json; 2]| {
            let [from, to] = max;
            names(&changes(&[("base_capacity", json!(base[0]), json!(base[1])), ("max_capacity", from, to)]))
        };
        let (base, max) = ("set base_capacity", "set max_capacity");
        assert_eq!(both([8, 64], [json!(32), json!(128)]), [max, base]);
        assert_eq!(both([8, 64], [json!(32), Json::Null]), [max, base]);
        assert_eq!(both([64, 8], [json!(128), json!(32)]), [base, max]);
        assert_eq!(both([8, 64], [Json::Null, json!(64)]), [base, max]);
        assert_eq!(both([8, 32], [json!(32), json!(64)]), [base, max]);
    }

    #[test]
    fn enhanced_routing_comes_after_its_subnets_and_goes_before_them() {
        let evr = |from: bool| {
            let subnets = ("subnets", json!(["subnet-1"]), json!(["subnet-2"]));
            names(&changes(&[("enhanced_vpc_routing", json!(from), json!(!from)), subnets]))
        };
        assert_eq!(evr(false), ["set subnets", "set enhanced_vpc_routing"]);
        assert_eq!(evr(true), ["set enhanced_vpc_routing", "set subnets"]);
    }

    #[test]
    fn only_update_calls_wait_for_the_workgroup_to_settle() {
        let all = changes(&[("port", json!(5439), json!(5440)), ("tags", json!({"a": "1"}), json!({"b": "2"}))]);
        let steps = Workgroup::update(&all);
        let settled: Vec<_> = steps.iter().map(|step| (step.name.as_str(), step.settled)).collect();
        assert_eq!(settled, [("set port", true), ("set tags", false), ("remove tags", false)]);
    }

    #[test]
    fn a_parameter_no_longer_declared_goes_back_to_its_default() {
        let map = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let before = map(&[("require_ssl", "false"), ("max_query_queue_time", "9"), ("auto_mv", "false")]);
        let wanted = wanted_parameters(&before, &map(&[("auto_mv", "false"), ("query_group", "etl")]));
        let queue = ("max_query_queue_time", "86399");
        assert_eq!(wanted, map(&[("auto_mv", "false"), queue, ("query_group", "etl"), ("require_ssl", "true")]));
        // Limits and a configuration exclude each other.
        assert_eq!(wanted_parameters(&map(&[queue]), &map(&[(WLM, "[]")])), map(&[(WLM, "[]")]));
    }

    #[test]
    fn what_aws_shows_already_is_not_sent_again() {
        let shown = json!({"max_capacity": null, "parameters": {"auto_mv": "true", "datestyle": "ISO, MDY"}});
        assert!(is_done("max_capacity", &shown, &json!({"max_capacity": null})));
        assert!(is_done("parameters", &shown, &json!({"parameters": {"auto_mv": "true"}})));
        assert!(!is_done("parameters", &shown, &json!({"parameters": {"require_ssl": "true"}})));
    }

    #[test]
    fn addresses_are_outputs_only_once_it_is_available() {
        let interface = types::NetworkInterface::builder().private_ip_address("10.0.1.7").build();
        let vpc = types::VpcEndpoint::builder().network_interfaces(interface).build();
        let endpoint = types::Endpoint::builder().address("wg.example").port(5440).vpc_endpoints(vpc).build();
        let shown = types::Workgroup::builder().workgroup_arn("arn").workgroup_name("wg").endpoint(endpoint);
        let live = |status| Workgroup::live(shown.clone().status(status).build(), Tags::new()).unwrap();
        let available = live(WorkgroupStatus::Available);
        assert_eq!(available.readiness, Readiness::Ready);
        assert_eq!(available.outputs.addresses, Some(["10.0.1.7".parse().unwrap()].into()));
        assert_eq!(available.spec.port, 5440);
        let changing = live(WorkgroupStatus::Modifying);
        assert_eq!((changing.readiness, changing.outputs.addresses), (Readiness::Pending("MODIFYING".into()), None));
        let bare = types::Workgroup::builder().workgroup_arn("arn").workgroup_name("wg");
        let bare = Workgroup::live(bare.status(WorkgroupStatus::Available).build(), Tags::new()).unwrap();
        assert_eq!(bare.readiness, Readiness::Pending("AVAILABLE, no addresses yet".into()));
    }
}
