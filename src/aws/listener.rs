//! Kind `elasticloadbalancing.listener`: the TCP port clients dial on the load balancer.
//!
//! Driven by `plan` and `apply` through the list of kinds. Must never end TLS: Redshift clients ask for it inside the
//! connection, so that only a pass-through works (aws-facts.md 13).

use super::{
    Aws, Fault, Look,
    elb::{self, Attributes},
    fault::{Called, found},
    ids::{ListenerArn, LoadBalancerArn, TargetGroupArn},
    lookup::{asks, place, same_key},
    named, number,
};
use crate::kind::{
    Actions, Changes, Created, Field, Id, Job, Kind, Known, Live, Named, Other, Readiness, Stage, Step, Tags, Typical,
    Which,
};
use aws_sdk_elasticloadbalancingv2::types::{self, Action, ActionTypeEnum, ListenerAttribute, ProtocolEnum};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeSet;

/// A TCP listener. Its id is its ARN.
pub struct Listener;

/// What a listener is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct ListenerSpec<S: Stage> {
    /// The load balancer it belongs to.
    pub load_balancer: S::In<LoadBalancerArn>,
    /// The port clients dial.
    pub port: u16,
    /// The target group it forwards to.
    pub target_group: S::In<TargetGroupArn>,
    /// Seconds of silence after which a connection is cut, 60-6000.
    pub idle_timeout: u32,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
}

crate::outputs!(Listener =>
    /// What a listener offers.
    ListenerOutputs {
        at_once {
            /// The listener's ARN.
            arn: ListenerArn,
        }
        ready {}
    }
);

const IDLE_TIMEOUT: &str = "tcp.idle_timeout.seconds";

const SET_FORWARDING: &str = "set forwarding";
const SET_IDLE_TIMEOUT: &str = "set idle timeout";
const STEPS: &elb::StepTable = &[(SET_FORWARDING, &["port", "target_group"]), (SET_IDLE_TIMEOUT, &["idle_timeout"])];

fn forward(to: &TargetGroupArn) -> Action {
    Action::builder().r#type(ActionTypeEnum::Forward).target_group_arn(to.as_str()).build()
}

/// Returns where the listener forwards to; several groups read as a list, which equals no declared group.
fn target_group(shown: &types::Listener) -> TargetGroupArn {
    let all = shown.default_actions().iter().flat_map(|action| {
        let weighted = action.forward_config().map(types::ForwardActionConfig::target_groups).unwrap_or_default();
        action.target_group_arn().into_iter().chain(weighted.iter().filter_map(|group| group.target_group_arn()))
    });
    // AWS shows a single group both ways.
    all.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(",").into()
}

impl Listener {
    async fn of_load_balancer(aws: &Aws, arn: &LoadBalancerArn) -> Result<Vec<types::Listener>, Fault> {
        let pages = aws
            .elb
            .describe_listeners()
            .load_balancer_arn(arn.as_str())
            .page_size(elb::PAGE)
            .into_paginator()
            .items()
            .send();
        let all = pages.collect::<Result<Vec<_>, _>>().called("elasticloadbalancing:DescribeListeners").await;
        // A load balancer takes its listeners along.
        Ok(found(all)?.unwrap_or_default())
    }

    async fn attributes(aws: &Aws, arn: String) -> Result<Option<Attributes>, Fault> {
        let call = aws.elb.describe_listener_attributes().listener_arn(arn);
        let answer = found(call.send().called("elasticloadbalancing:DescribeListenerAttributes").await)?;
        let pairs = answer.map(|answer| answer.attributes.unwrap_or_default().into_iter());
        Ok(pairs.map(|pairs| Attributes::of(pairs.map(|a| (a.key, a.value)))))
    }

    fn live(arn: String, shown: types::Listener, attributes: &Attributes, tags: Tags) -> Live<Self> {
        let readiness = match &shown.protocol {
            Some(other) if *other != ProtocolEnum::Tcp => {
                Readiness::Failed(format!("its protocol is {}, not TCP", other.as_str()))
            }
            Some(_) | None => Readiness::Ready,
        };
        let spec = ListenerSpec {
            target_group: target_group(&shown),
            load_balancer: shown.load_balancer_arn.unwrap_or_default().into(),
            port: number::shown(shown.port),
            idle_timeout: attributes.number(IDLE_TIMEOUT),
            tags,
        };
        let outputs = ListenerOutputs { arn: arn.clone().into() };
        Live { id: Id(arn), spec, outputs, readiness }
    }
}

impl Kind for Listener {
    const NAME: &'static str = "elasticloadbalancing.listener";
    const FIELDS: &'static [Field] = &[
        Field::replaces("load_balancer").follows(),
        Field::updates("port").reconnects("clients must dial the new port"),
        Field::updates("target_group").security().notes("new connections go to the new group"),
        Field::updates("idle_timeout"),
    ];
    const ACTIONS: Actions = Actions {
        read: &[
            "elasticloadbalancing:DescribeListeners",
            "elasticloadbalancing:DescribeListenerAttributes",
            "elasticloadbalancing:DescribeTags",
        ],
        create: &[
            "elasticloadbalancing:CreateListener",
            "elasticloadbalancing:AddTags",
            "elasticloadbalancing:ModifyListenerAttributes",
        ],
        update: &[
            "elasticloadbalancing:ModifyListener",
            "elasticloadbalancing:ModifyListenerAttributes",
            "elasticloadbalancing:AddTags",
            "elasticloadbalancing:RemoveTags",
        ],
        delete: &["elasticloadbalancing:DeleteListener"],
    };
    const TYPICAL: Typical = Typical { create: 2, update: 1, delete: 2 };
    const SETTLES: bool = false;
    const CARRIES: bool = true;
    const KEY: &'static [&'static str] = &["load_balancer", "port"];
    const SHOWS: &'static [&'static str] = &["port", "idle_timeout"];
    const NAMED_BY: &'static str = "its ARN";

    type Spec<S: Stage> = ListenerSpec<S>;
    type Outputs = ListenerOutputs;

    fn named(text: &str) -> Option<Named> {
        let named = named::arn(text, "elasticloadbalancing", "listener/net/")?;
        // .../listener/net/<name>/<id of the balancer>/<id of the listener>
        let (balancer, _) = text.rsplit_once('/')?;
        let balancer = balancer.replacen(":listener/", ":loadbalancer/", 1);
        Some(Named { fields: [("load_balancer", balancer.into())].into(), ..named })
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        // By load balancer, which a listener never leaves: asking by ARN fails as a whole if one is gone.
        let balancers: BTreeSet<_> = which.iter().map(|question| &question.spec.load_balancer).collect();
        let all = try_join_all(balancers.into_iter().map(|arn| Self::of_load_balancer(look, arn))).await?;
        // Those without a recorded id are told by their tags, and tags come for 20 at once.
        let asked = |shown: &types::Listener| {
            shown.listener_arn.as_deref().is_some_and(|arn| which.iter().any(|question| asks(question, arn, true)))
        };
        let (ours, others): (Vec<_>, Vec<_>) = all.into_iter().flatten().partition(|shown| asked(shown));
        for shown in others {
            let (within, id) = (shown.load_balancer_arn.unwrap_or_default(), shown.listener_arn.unwrap_or_default());
            let shown = json!({ "port": shown.port });
            look.saw(Other { kind: Self::NAME, within, id: Id(id), shown });
        }
        let asked = ours.into_iter().filter_map(|shown| Some((shown.listener_arn.clone()?, shown))).collect();
        let live = elb::complete(look, which, asked, |arn| Self::attributes(look, arn), Self::live).await?;
        Ok(place(which, live, |question, l| asks(question, l.id.as_str(), same_key::<Self>(&question.spec, &l.spec))))
    }

    async fn create(aws: &Aws, spec: &ListenerSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        let call = aws
            .elb
            .create_listener()
            .load_balancer_arn(spec.load_balancer.as_str())
            .protocol(ProtocolEnum::Tcp)
            .port(spec.port.into())
            .default_actions(forward(&spec.target_group))
            .set_tags(Some(elb::tag_list(&spec.tags)));
        let answer = call.send().called("elasticloadbalancing:CreateListener").await?;
        let arn = answer.listeners.unwrap_or_default().into_iter().find_map(|listener| listener.listener_arn);
        let arn = arn.ok_or_else(|| Fault::incomplete("elasticloadbalancing:CreateListener", "ListenerArn"))?;
        Ok(Created { outputs: ListenerOutputs { arn: arn.clone().into() }, id: Id(arn) })
    }

    fn finish(_: &ListenerSpec<Known>) -> Vec<Step> {
        vec![elb::step_of(SET_IDLE_TIMEOUT, &["idle_timeout"])]
    }

    fn update(changes: &Changes) -> Vec<Step> {
        elb::update_steps(changes, STEPS)
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        let (arn, spec) = (job.id.as_str(), job.spec);
        match job.step.name.as_str() {
            SET_FORWARDING => {
                let call = aws.elb.modify_listener().listener_arn(arn).port(spec.port.into());
                let call = call.default_actions(forward(&spec.target_group)).send();
                call.called("elasticloadbalancing:ModifyListener").await?;
            }
            SET_IDLE_TIMEOUT => {
                let timeout = ListenerAttribute::builder().key(IDLE_TIMEOUT).value(spec.idle_timeout.to_string());
                let call = aws.elb.modify_listener_attributes().listener_arn(arn).attributes(timeout.build());
                call.send().called("elasticloadbalancing:ModifyListenerAttributes").await?;
            }
            "delete" => {
                let call = aws.elb.delete_listener().listener_arn(arn);
                found(call.send().called("elasticloadbalancing:DeleteListener").await)?;
            }
            _ => elb::run_tags(aws, job.step, arn, &job.before.tags, &spec.tags).await?,
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_group_reads_the_same_in_both_forms() {
        let group = |arn: &str| types::TargetGroupTuple::builder().target_group_arn(arn).build();
        let weighted = |arns: &[&str]| {
            arns.iter().fold(types::ForwardActionConfig::builder(), |f, arn| f.target_groups(group(arn))).build()
        };
        let shown = |action| target_group(&types::Listener::builder().default_actions(action).build());
        let plain = Action::builder().r#type(ActionTypeEnum::Forward).target_group_arn("arn:a");
        assert_eq!(shown(plain.clone().build()).as_str(), "arn:a");
        assert_eq!(shown(plain.forward_config(weighted(&["arn:a"])).build()).as_str(), "arn:a");
        let two = Action::builder().r#type(ActionTypeEnum::Forward).forward_config(weighted(&["arn:a", "arn:b"]));
        assert_eq!(shown(two.build()).as_str(), "arn:a,arn:b");
    }
}
