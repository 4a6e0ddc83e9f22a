//! Kind `elasticloadbalancing.targets`: the addresses of one consumer in a target group.
//!
//! Driven by `plan` and `apply` through the list of kinds. Must never touch addresses that it did not register itself:
//! a target group holds the targets of several consumers.

use super::{
    Aws, Fault, Look,
    fault::{Called, found},
    ids::TargetGroupArn,
    named,
};
use crate::kind::{
    Actions, After, Changes, Created, Field, Id, Job, Kind, Known, Live, Named, Order, Parts, Readiness, Stage, Step,
    Typical, Which,
};
use aws_sdk_elasticloadbalancingv2::types::{
    TargetDescription, TargetHealthDescription, TargetHealthReasonEnum, TargetHealthStateEnum,
};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

/// The registered addresses of one consumer.
///
/// Its id is `<target group>|<port>|<addresses>`: every address it ever registered and has not taken out again, so
/// that a run cut short between two steps leaves none behind.
pub struct Targets;

/// What is to be registered.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct TargetsSpec<S: Stage> {
    /// The target group.
    pub target_group: S::In<TargetGroupArn>,
    /// The addresses, as the workgroup or endpoint offers them.
    pub addresses: S::In<BTreeSet<IpAddr>>,
    /// The port of each.
    pub port: u16,
}

crate::outputs!(Targets =>
    /// Targets offer nothing to others.
    TargetsOutputs {
        at_once {}
        ready {}
    }
);

const REGISTER: &str = "register";
const DEREGISTER: &str = "deregister";

type Addresses = BTreeSet<IpAddr>;

/// The state of one target, as AWS shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Health {
    Healthy,
    Draining,
    /// Registered, but not healthy; the text is AWS's reason.
    Not(String),
}

/// The targets of one group by address and port; those that AWS shows as not registered are left out.
type Group = BTreeMap<(IpAddr, u16), Health>;

fn health(shown: &TargetHealthDescription) -> Option<((IpAddr, u16), Health)> {
    let (target, health) = (shown.target()?, shown.target_health()?);
    let at = (target.id()?.parse().ok()?, target.port()?.try_into().ok()?);
    let state = match (health.state()?, health.reason()) {
        (_, Some(TargetHealthReasonEnum::NotRegistered)) => return None,
        (TargetHealthStateEnum::Healthy, _) => Health::Healthy,
        (TargetHealthStateEnum::Draining, _) => Health::Draining,
        (state, reason) => Health::Not(reason.map_or(state.as_str(), TargetHealthReasonEnum::as_str).to_owned()),
    };
    Some((at, state))
}

fn id_of(group: &TargetGroupArn, port: u16, addresses: &Addresses) -> Id {
    let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    Id::of(&[group.as_str(), &port.to_string(), &addresses.join(",")])
}

/// Returns the addresses that may be registered in the name of this resource: those of its id, and those recorded.
fn ours(id: Option<&Id>, recorded: &Addresses) -> Addresses {
    let of_id = id.map(|id| id.part(2)).unwrap_or_default();
    of_id.split(',').filter_map(|text| text.parse().ok()).chain(recorded.iter().copied()).collect()
}

/// Says how far the wanted ones among the registered are; the rest is about to go, and its health is of no interest.
fn readiness(registered: &BTreeMap<IpAddr, &Health>, wanted: &Addresses) -> Readiness {
    let code = |health: &Health| match health {
        Health::Not(reason) => Some(reason.clone()),
        Health::Healthy | Health::Draining => None,
    };
    let wanted = registered.iter().filter(|(ip, _)| wanted.contains(ip));
    let parts: BTreeMap<String, Option<String>> = wanted.map(|(ip, health)| (ip.to_string(), code(health))).collect();
    match parts.values().all(Option::is_none) {
        true => Readiness::Ready,
        false => Readiness::Partly(Parts(parts)),
    }
}

fn live(which: &Which<Targets>, group: &Group) -> Option<Live<Targets>> {
    let spec = &which.spec;
    let ours = ours(which.id.as_ref(), &spec.addresses);
    let shown: Vec<(IpAddr, &Health)> =
        ours.into_iter().filter_map(|ip| Some((ip, group.get(&(ip, spec.port))?))).collect();
    let registered: BTreeMap<IpAddr, &Health> =
        shown.iter().copied().filter(|(_, health)| **health != Health::Draining).collect();
    let readiness = match (registered.is_empty(), shown.is_empty()) {
        (true, true) => return None,
        (true, false) => Readiness::Deleting("draining".to_owned()),
        _ => readiness(&registered, &spec.addresses),
    };
    let addresses: Addresses = registered.into_keys().collect();
    let id = which.id.clone().unwrap_or_else(|| id_of(&spec.target_group, spec.port, &addresses));
    let spec = TargetsSpec { addresses, ..spec.clone() };
    Some(Live { id, spec, outputs: TargetsOutputs {}, readiness })
}

fn descriptions(addresses: &Addresses, port: u16) -> Vec<TargetDescription> {
    let one = |ip: &IpAddr| TargetDescription::builder().id(ip.to_string()).port(port.into()).build();
    addresses.iter().map(one).collect()
}

impl Targets {
    /// Asks for the health of a whole group: one call answers for all its targets. A group that is gone has none.
    async fn group(aws: &Aws, arn: TargetGroupArn) -> Result<(TargetGroupArn, Group), Fault> {
        let call = aws.elb.describe_target_health().target_group_arn(arn.as_str());
        let answer = found(call.send().called("elasticloadbalancing:DescribeTargetHealth").await)?;
        let shown = answer.and_then(|answer| answer.target_health_descriptions).unwrap_or_default();
        Ok((arn, shown.iter().filter_map(health).collect()))
    }

    /// Registers addresses. None to register is done already: AWS refuses an empty list.
    async fn register(aws: &Aws, spec: &TargetsSpec<Known>, addresses: &Addresses) -> Result<(), Fault> {
        if addresses.is_empty() {
            return Ok(());
        }
        let call = aws.elb.register_targets().target_group_arn(spec.target_group.as_str());
        let call = call.set_targets(Some(descriptions(addresses, spec.port))).send();
        call.called("elasticloadbalancing:RegisterTargets").await?;
        Ok(())
    }

    /// Takes addresses out, with the port they came in with. None to take out is done already.
    async fn deregister(aws: &Aws, spec: &TargetsSpec<Known>, addresses: &Addresses) -> Result<(), Fault> {
        if addresses.is_empty() {
            return Ok(());
        }
        let call = aws.elb.deregister_targets().target_group_arn(spec.target_group.as_str());
        let call = call.set_targets(Some(descriptions(addresses, spec.port))).send();
        found(call.called("elasticloadbalancing:DeregisterTargets").await)?;
        Ok(())
    }
}

impl Kind for Targets {
    const NAME: &'static str = "elasticloadbalancing.targets";
    const FIELDS: &'static [Field] = &[
        Field::replaces("target_group").follows(),
        Field::updates("addresses").follows().reconnects("connections to removed addresses drain"),
        Field::replaces("port"),
    ];
    const ACTIONS: Actions = Actions {
        read: &["elasticloadbalancing:DescribeTargetHealth"],
        create: &["elasticloadbalancing:RegisterTargets"],
        update: &["elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets"],
        delete: &["elasticloadbalancing:DeregisterTargets"],
    };
    const TYPICAL: Typical = Typical { create: 30, update: 60, delete: 120 };
    // The longest deregistration delay is an hour (aws-facts.md 7.2).
    const LONGEST: u32 = 65 * 60;
    const LONGEST_NEW: u32 = 60 * 60;
    const REPLACE: Order = Order::CreateFirst;
    const KEY: &'static [&'static str] = &["target_group", "port", "addresses"];
    const TAGGED: bool = false;
    const SHOWS: &'static [&'static str] = &["addresses", "port"];
    const NAMED_BY: &'static str = "their target group's ARN; or `ARN|PORT|ADDRESS,ADDRESS`";

    type Spec<S: Stage> = TargetsSpec<S>;
    type Outputs = TargetsOutputs;

    fn named(text: &str) -> Option<Named> {
        let mut parts = text.split('|');
        let group = parts.next().filter(|group| named::arn(group, "elasticloadbalancing", "targetgroup/").is_some())?;
        let mut named = named::field("target_group", group);
        if let Some(port) = parts.next() {
            let port: u16 = port.parse().ok()?;
            let addresses = parts.next()?.split(',').map(str::parse).collect::<Result<Addresses, _>>().ok()?;
            named.id = Some(id_of(&group.into(), port, &addresses));
            named.fields.extend([("port", port.into()), ("addresses", serde_json::json!(addresses))]);
        }
        Some(named)
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let arns: BTreeSet<TargetGroupArn> = which.iter().map(|question| question.spec.target_group.clone()).collect();
        let groups = try_join_all(arns.into_iter().map(|arn| Self::group(look, arn))).await?;
        let groups: BTreeMap<TargetGroupArn, Group> = groups.into_iter().collect();
        Ok(which.iter().map(|question| live(question, groups.get(&question.spec.target_group)?)).collect())
    }

    async fn create(aws: &Aws, spec: &TargetsSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        Self::register(aws, spec, &spec.addresses).await?;
        Ok(Created { id: id_of(&spec.target_group, spec.port, &spec.addresses), outputs: TargetsOutputs {} })
    }

    fn update(changes: &Changes) -> Vec<Step> {
        let set = |json: &serde_json::Value| serde_json::from_value::<Addresses>(json.clone()).unwrap_or_default();
        let step = |name: &str| Step { fields: vec!["addresses".to_owned()], ..Step::new(name) };
        match changes.0.get("addresses") {
            None => Vec::new(),
            // The old ones serve until the new ones are healthy (aws-facts.md 7.4).
            Some((_, After::From(_))) => vec![step(REGISTER), step(DEREGISTER).settled()],
            Some((before, After::Known(after))) => {
                let (before, after) = (set(before), set(after));
                let (new, old) = (!after.is_subset(&before), !before.is_subset(&after));
                let deregister = Step { settled: new, ..step(DEREGISTER) };
                new.then(|| step(REGISTER)).into_iter().chain(old.then_some(deregister)).collect()
            }
        }
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        let (before, spec) = (job.before, job.spec);
        let ours = ours(Some(job.id), &before.addresses);
        match job.step.name.as_str() {
            REGISTER => {
                let new = spec.addresses.difference(&before.addresses).copied().collect();
                Self::register(aws, spec, &new).await?;
                let all = ours.union(&spec.addresses).copied().collect();
                Ok(Some(id_of(&spec.target_group, spec.port, &all)))
            }
            DEREGISTER => {
                let old = ours.difference(&spec.addresses).copied().collect();
                Self::deregister(aws, spec, &old).await?;
                Ok(Some(id_of(&spec.target_group, spec.port, &spec.addresses)))
            }
            "delete" => {
                Self::deregister(aws, spec, &ours).await?;
                Ok(None)
            }
            name => Err(Fault::internal(format!("targets have no step {name}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const A: &str = "10.0.0.1";
    const B: &str = "10.0.0.2";
    const C: &str = "10.0.0.3";

    fn set(texts: &[&str]) -> Addresses {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn which(id: Option<&[&str]>, recorded: &[&str]) -> Which<Targets> {
        let spec = TargetsSpec { target_group: "arn:tg".into(), addresses: set(recorded), port: 5439 };
        let address = "consumer-a/targets".parse().unwrap();
        Which { address, id: id.map(|ips| id_of(&spec.target_group, 5439, &set(ips))), spec, settling: false }
    }

    fn shown(
        ip: &str,
        state: TargetHealthStateEnum,
        reason: Option<TargetHealthReasonEnum>,
    ) -> TargetHealthDescription {
        let target = TargetDescription::builder().id(ip).port(5439).build();
        let health =
            aws_sdk_elasticloadbalancingv2::types::TargetHealth::builder().state(state).set_reason(reason).build();
        TargetHealthDescription::builder().target(target).target_health(health).build()
    }

    #[test]
    fn only_our_own_registered_addresses_are_live() {
        use TargetHealthStateEnum::{Draining, Healthy, Initial};
        let checking = Some(TargetHealthReasonEnum::InitialHealthChecking);
        let all = [shown(A, Healthy, None), shown(B, Initial, checking), shown(C, Healthy, None)];
        let group: Group = all.iter().filter_map(health).collect();
        let two = live(&which(None, &[A, B]), &group).unwrap();
        assert_eq!(two.spec.addresses, set(&[A, B]));
        let Readiness::Partly(parts) = &two.readiness else { panic!("{:?}", two.readiness) };
        assert_eq!(parts.to_string(), "1 of 2 healthy: Elb.InitialHealthChecking");
        assert_eq!(parts.0[B].as_deref(), Some("Elb.InitialHealthChecking"));
        let draining: Group = [shown(A, Draining, None)].iter().filter_map(health).collect();
        let gone = live(&which(None, &[A]), &draining).unwrap();
        assert_eq!((gone.spec.addresses, gone.readiness), (set(&[]), Readiness::Deleting("draining".into())));
        assert!(live(&which(Some(&[A]), &[A]), &Group::new()).is_none());
    }

    #[test]
    fn addresses_of_an_interrupted_update_stay_ours() {
        use TargetHealthStateEnum::{Healthy, Unhealthy, Unused};
        let timeout = Some(TargetHealthReasonEnum::Timeout);
        let absent = Some(TargetHealthReasonEnum::NotRegistered);
        let all = [shown(A, Unhealthy, timeout), shown(B, Healthy, None), shown(C, Unused, absent)];
        let group: Group = all.iter().filter_map(health).collect();
        let cut_short = live(&which(Some(&[A, B, C]), &[B]), &group).unwrap();
        assert_eq!(cut_short.spec.addresses, set(&[A, B]));
        assert_eq!(cut_short.readiness, Readiness::Ready);
    }

    #[test]
    fn new_addresses_come_before_old_ones_go() {
        let steps = |after: After| {
            let changes = Changes([("addresses".to_owned(), (json!([A, B]), after))].into());
            Targets::update(&changes).into_iter().map(|step| (step.name, step.settled)).collect::<Vec<_>>()
        };
        let (register, deregister) = ((REGISTER.to_owned(), false), |settled| (DEREGISTER.to_owned(), settled));
        assert_eq!(steps(After::Known(json!([B, C]))), [register.clone(), deregister(true)]);
        assert_eq!(steps(After::From(Vec::new())), [register.clone(), deregister(true)]);
        assert_eq!(steps(After::Known(json!([A]))), [deregister(false)]);
        assert_eq!(steps(After::Known(json!([A, B, C]))), [register]);
    }
}
