//! Kind `redshift-serverless.usage-limit`: a budget of a workgroup, and what happens when it is used up.
//!
//! Driven by `plan` and `apply` through the list of kinds. It carries no tags: it is ours if the state holds the intent
//! and its workgroup is ours. Must never touch another limit of that workgroup.

use super::{
    Aws, Class, Fault, Look,
    fault::{Called, found},
    ids::WorkgroupArn,
    lookup::{place, same_key},
    named,
};
use crate::kind::{
    Actions, Changes, Created, Field, Id, Job, Kind, Known, Live, Named, Order, Readiness, Stage, Step, Typical, Which,
};
use aws_sdk_redshiftserverless::types::{
    UsageLimit as AwsLimit, UsageLimitBreachAction, UsageLimitPeriod, UsageLimitUsageType,
};
use serde::{Deserialize, Serialize};

/// The most limits one page holds.
const PAGE: i32 = 100;
/// The one step of an update: AWS takes both fields in one call.
const SET_LIMIT: &str = "set limit";

/// A usage limit. Its id is the one AWS gives it.
pub struct UsageLimit;

/// What a usage limit is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct UsageLimitSpec<S: Stage> {
    /// The workgroup it limits.
    pub workgroup: S::In<WorkgroupArn>,
    /// What it counts: `serverless-compute` (RPU-hours) or `cross-region-datasharing` (terabytes).
    pub usage_type: String,
    /// Over what time: `daily`, `weekly` (from Sunday) or `monthly`.
    pub period: String,
    /// How much, in the unit of `usage_type`.
    pub amount: i64,
    /// What happens when it is used up: `log`, `emit-metric` or `deactivate`.
    pub breach_action: String,
}

crate::outputs!(UsageLimit =>
    /// What a usage limit offers.
    UsageLimitOutputs {
        at_once {
            /// The limit's id, which its metrics go by.
            id: String,
        }
        ready {}
    }
);

fn live(shown: AwsLimit) -> Option<Live<UsageLimit>> {
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let spec = UsageLimitSpec {
        workgroup: shown.resource_arn.unwrap_or_default().into(),
        usage_type: text(shown.usage_type.as_ref().map(UsageLimitUsageType::as_str)),
        period: text(shown.period.as_ref().map(UsageLimitPeriod::as_str)),
        amount: shown.amount.unwrap_or_default(),
        breach_action: text(shown.breach_action.as_ref().map(UsageLimitBreachAction::as_str)),
    };
    let id = shown.usage_limit_id?;
    let outputs = UsageLimitOutputs { id: id.clone() };
    Some(Live { id: Id(id), spec, outputs, readiness: Readiness::Ready })
}

/// Tells whether `live` is the limit asked for: by id, and, while none is recorded, by what makes a limit unique.
fn fits(which: &Which<UsageLimit>, live: &Live<UsageLimit>) -> bool {
    match &which.id {
        Some(id) => *id == live.id,
        None => same_key::<UsageLimit>(&which.spec, &live.spec),
    }
}

impl UsageLimit {
    async fn all(aws: &Aws) -> Result<Vec<Live<Self>>, Fault> {
        let pages = aws.serverless.list_usage_limits().into_paginator().page_size(PAGE).items().send();
        let all: Vec<_> = pages.collect::<Result<_, _>>().called("redshift-serverless:ListUsageLimits").await?;
        Ok(all.into_iter().filter_map(live).collect())
    }

    /// Tells "there is such a limit" from "the workgroup is busy": AWS answers both with one code (aws-facts.md 0.2).
    async fn refused(aws: &Aws, spec: &UsageLimitSpec<Known>, fault: Fault) -> Fault {
        if fault.code != "ConflictException" {
            return fault;
        }
        match Self::all(aws).await {
            Ok(all) if all.iter().any(|live| same_key::<Self>(spec, &live.spec)) => {
                Fault { class: Class::Exists, ..fault }
            }
            _ => fault,
        }
    }
}

impl Kind for UsageLimit {
    const NAME: &'static str = "redshift-serverless.usage-limit";
    const FIELDS: &'static [Field] = &[
        Field::replaces("workgroup").follows(),
        Field::replaces("usage_type"),
        Field::replaces("period"),
        Field::updates("amount"),
        Field::updates("breach_action").notes("`deactivate` stops user queries once the amount is used up"),
    ];
    const ACTIONS: Actions = Actions {
        read: &["redshift-serverless:ListUsageLimits"],
        create: &["redshift-serverless:CreateUsageLimit", "redshift-serverless:ListUsageLimits"],
        update: &["redshift-serverless:UpdateUsageLimit"],
        delete: &["redshift-serverless:DeleteUsageLimit"],
    };
    const TYPICAL: Typical = Typical { create: 1, update: 1, delete: 1 };
    const SETTLES: bool = false;
    const REPLACE: Order = Order::CreateFirst;
    const KEY: &'static [&'static str] = &["workgroup", "usage_type", "period", "amount"];
    const TAGGED: bool = false;
    const NAMED_BY: &'static str = "its id, a UUID";

    type Spec<S: Stage> = UsageLimitSpec<S>;
    type Outputs = UsageLimitOutputs;

    fn named(text: &str) -> Option<Named> {
        named::name(text, "redshift-serverless", "usagelimit/")
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        Ok(place(which, Self::all(look).await?, fits))
    }

    async fn create(aws: &Aws, spec: &UsageLimitSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        const CALL: &str = "redshift-serverless:CreateUsageLimit";
        let call = aws
            .serverless
            .create_usage_limit()
            .resource_arn(spec.workgroup.as_str())
            .usage_type(spec.usage_type.as_str().into())
            .period(spec.period.as_str().into())
            .amount(spec.amount)
            .breach_action(spec.breach_action.as_str().into());
        let answer = match call.send().called(CALL).await {
            Ok(answer) => answer,
            Err(fault) => return Err(Self::refused(aws, spec, fault).await),
        };
        let id = answer.usage_limit.and_then(|limit| limit.usage_limit_id);
        let id = id.ok_or_else(|| Fault::incomplete(CALL, "usageLimitId"))?;
        Ok(Created { id: Id(id.clone()), outputs: UsageLimitOutputs { id } })
    }

    fn update(changes: &Changes) -> Vec<Step> {
        let fields: Vec<String> = changes.fields().map(str::to_owned).collect();
        Some(Step { fields, ..Step::new(SET_LIMIT) }).filter(|step| !step.fields.is_empty()).into_iter().collect()
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        let (id, spec) = (job.id.as_str(), job.spec);
        match job.step.name.as_str() {
            SET_LIMIT => {
                let call = aws.serverless.update_usage_limit().usage_limit_id(id).amount(spec.amount);
                let call = call.breach_action(spec.breach_action.as_str().into());
                call.send().called("redshift-serverless:UpdateUsageLimit").await?;
            }
            "delete" => {
                let call = aws.serverless.delete_usage_limit().usage_limit_id(id);
                found(call.send().called("redshift-serverless:DeleteUsageLimit").await)?;
            }
            _ => return Err(Fault::unknown_step(Self::NAME, job.step)),
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::After;
    use serde_json::json;

    #[test]
    fn an_update_is_one_call() {
        let change = |field: &str| (field.to_owned(), (json!(1), After::Known(json!(2))));
        let steps = UsageLimit::update(&Changes(["amount", "breach_action"].map(change).into()));
        let [step] = steps.as_slice() else { panic!("{steps:?}") };
        assert_eq!(step.fields, ["amount", "breach_action"]);
        assert!(UsageLimit::update(&Changes::default()).is_empty());
    }
}
