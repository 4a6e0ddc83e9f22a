//! Kind `redshift.usage-limit`: how much of a paid feature a provisioned cluster may use in a period.
//!
//! Driven by `plan` and `apply` through the list of kinds. Must never take a limit for ours that does not carry our
//! tags: a cluster may have others of the same feature.

use super::{
    Aws, Fault, Look,
    fault::{Called, found},
    ids::{ClusterName, UsageLimitId},
    lookup::{is_asked, place},
    named, redshift, tags,
};
use crate::kind::{
    Actions, Changes, Created, Field, Id, Job, Kind, Known, Live, Named, Readiness, Stage, Step, Tags, Typical, Which,
};
use aws_sdk_redshift::types::{
    self, UsageLimitBreachAction, UsageLimitFeatureType, UsageLimitLimitType, UsageLimitPeriod,
};
use serde::{Deserialize, Serialize};

/// The step that sets the amount and the action, which one call takes together.
const SET_AMOUNT: &str = "set amount";

/// A usage limit of a provisioned cluster.
pub struct ClusterUsageLimit;

/// What a usage limit is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct ClusterUsageLimitSpec<S: Stage> {
    /// The cluster.
    pub cluster: S::In<ClusterName>,
    /// What is limited: `concurrency-scaling`, `spectrum`, `cross-region-datasharing`.
    pub feature: String,
    /// What is counted: `time` for concurrency scaling, `data-scanned` for the others.
    pub limit_type: String,
    /// Over what time it counts: `daily`, `weekly`, `monthly`.
    pub period: String,
    /// The limit: minutes of `time`, terabytes of `data-scanned`.
    pub amount: u32,
    /// What happens when it is reached: `log`, `emit-metric`, `disable`.
    pub breach_action: String,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
}

crate::outputs!(ClusterUsageLimit =>
    /// What a usage limit offers.
    ClusterUsageLimitOutputs {
        at_once {
            /// The limit's id.
            id: UsageLimitId,
        }
        ready {}
    }
);

impl ClusterUsageLimit {
    fn live(limit: types::UsageLimit) -> Live<Self> {
        let id = limit.usage_limit_id.unwrap_or_default();
        let spec = ClusterUsageLimitSpec {
            cluster: limit.cluster_identifier.unwrap_or_default().into(),
            feature: limit.feature_type.map(|is| is.as_str().to_owned()).unwrap_or_default(),
            limit_type: limit.limit_type.map(|is| is.as_str().to_owned()).unwrap_or_default(),
            period: limit.period.map(|is| is.as_str().to_owned()).unwrap_or_default(),
            amount: limit.amount.and_then(|amount| amount.try_into().ok()).unwrap_or_default(),
            breach_action: limit.breach_action.map(|is| is.as_str().to_owned()).unwrap_or_default(),
            tags: redshift::tags_of(limit.tags),
        };
        let outputs = ClusterUsageLimitOutputs { id: id.as_str().into() };
        Live { id: Id(id), spec, outputs, readiness: Readiness::Ready }
    }
}

impl Kind for ClusterUsageLimit {
    const NAME: &'static str = "redshift.usage-limit";
    const FIELDS: &'static [Field] = &[
        Field::replaces("cluster").follows(),
        Field::replaces("feature"),
        Field::replaces("limit_type"),
        Field::replaces("period"),
        Field::updates("amount"),
        Field::updates("breach_action").notes("`disable` stops the feature when the limit is reached"),
    ];
    const ACTIONS: Actions = Actions {
        read: &["redshift:DescribeUsageLimits"],
        create: &["redshift:CreateUsageLimit", "redshift:CreateTags"],
        update: &["redshift:ModifyUsageLimit", "redshift:CreateTags", "redshift:DeleteTags"],
        delete: &["redshift:DeleteUsageLimit"],
    };
    const TYPICAL: Typical = Typical { create: 2, update: 1, delete: 1 };
    const SETTLES: bool = false;
    const KEY: &'static [&'static str] = &["cluster", "feature", "limit_type", "period"];
    const NAMED_BY: &'static str = "its id, a UUID";

    type Spec<S: Stage> = ClusterUsageLimitSpec<S>;
    type Outputs = ClusterUsageLimitOutputs;

    fn named(text: &str) -> Option<Named> {
        named::name(text, "redshift", "usagelimit:")
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let pages = look.redshift.describe_usage_limits().max_records(redshift::PAGE).into_paginator().items().send();
        let all = pages.collect::<Result<Vec<_>, _>>().called("redshift:DescribeUsageLimits").await?;
        let live = all.into_iter().map(Self::live);
        Ok(place(which, live, |question, l| is_asked(look, question, l, &l.spec.tags)))
    }

    async fn create(aws: &Aws, spec: &ClusterUsageLimitSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        let call = aws
            .redshift
            .create_usage_limit()
            .cluster_identifier(spec.cluster.as_str())
            .feature_type(UsageLimitFeatureType::from(spec.feature.as_str()))
            .limit_type(UsageLimitLimitType::from(spec.limit_type.as_str()))
            .period(UsageLimitPeriod::from(spec.period.as_str()))
            .amount(spec.amount.into())
            .breach_action(UsageLimitBreachAction::from(spec.breach_action.as_str()))
            .set_tags(Some(redshift::tag_list(&spec.tags)));
        let answer = call.send().called("redshift:CreateUsageLimit").await?;
        let missing = || Fault::incomplete("redshift:CreateUsageLimit", "UsageLimitId");
        let id = answer.usage_limit_id.ok_or_else(missing)?;
        Ok(Created { outputs: ClusterUsageLimitOutputs { id: id.as_str().into() }, id: Id(id) })
    }

    fn update(changes: &Changes) -> Vec<Step> {
        let together = ["amount", "breach_action"].into_iter().filter(|field| changes.has(field));
        let together = Step { fields: together.map(str::to_owned).collect(), ..Step::new(SET_AMOUNT) };
        Some(together).filter(|step| !step.fields.is_empty()).into_iter().chain(tags::tag_steps(changes)).collect()
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        let (id, spec) = (job.id.as_str(), job.spec);
        match job.step.name.as_str() {
            SET_AMOUNT => {
                let call = aws.redshift.modify_usage_limit().usage_limit_id(id).amount(spec.amount.into());
                let call = call.breach_action(UsageLimitBreachAction::from(spec.breach_action.as_str()));
                call.send().called("redshift:ModifyUsageLimit").await?;
            }
            "delete" => {
                let call = aws.redshift.delete_usage_limit().usage_limit_id(id);
                found(call.send().called("redshift:DeleteUsageLimit").await)?;
            }
            _ => {
                let arn = redshift::arn(aws, "usagelimit", id);
                redshift::run_tags(aws, job.step, &arn, &job.before.tags, &spec.tags).await?;
            }
        }
        Ok(None)
    }
}
