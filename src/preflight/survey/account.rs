//! Questions about the account: quotas, the caller's permissions, roles, keys, topics.
//!
//! Called by `Ask::answer`. Must only ever read.

use super::{Decision, Fact, Thing, things};
use crate::aws::{Aws, Fault, Owner, fault::Called, fault::found, tags};
use aws_sdk_iam::types::{
    ContextEntry, ContextKeyTypeEnum, EvaluationResult, PolicyEvaluationDecisionType, SummaryKeyType,
};
use aws_sdk_kms::types::KeySpec;
use aws_sdk_resourcegroupstagging::types::TagFilter;
use aws_sdk_sns::operation::get_topic_attributes::GetTopicAttributesOutput;
use std::collections::BTreeMap;

/// What is asked of the policies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::preflight) struct Question {
    /// The ARN of the user or role.
    pub(in crate::preflight) source: String,
    pub(in crate::preflight) actions: Vec<String>,
    /// None: everything.
    pub(in crate::preflight) resources: Vec<String>,
    /// Condition keys and their values.
    pub(in crate::preflight) context: Vec<(String, String)>,
}

/// By code, and by name in lower case.
pub(super) async fn quotas(aws: &Aws, service: &str) -> Result<Fact, Fault> {
    let pages = aws.quotas.list_service_quotas().service_code(service).max_results(100).into_paginator().items().send();
    let all: Vec<_> = match pages.collect::<Result<_, _>>().called("servicequotas:ListServiceQuotas").await {
        // AWS keeps no quotas of that service there: the defaults are all there is to go by.
        Err(fault) if fault.code == "NoSuchResourceException" => Vec::new(),
        answer => answer?,
    };
    let mut limits = BTreeMap::new();
    for quota in all {
        // Far below 2^53, and whole.
        let Some(value) = quota.value.and_then(|value| format!("{value:.0}").parse::<u64>().ok()) else { continue };
        limits.extend(quota.quota_code.map(|code| (code, value)));
        limits.extend(quota.quota_name.map(|name| (name.to_ascii_lowercase(), value)));
    }
    Ok(Fact::Limits(limits))
}

/// Each with its path; `amount` is 1 for those that users make, which alone count against the quota.
pub(super) async fn roles(aws: &Aws) -> Result<Fact, Fault> {
    let pages = aws.iam.list_roles().max_items(1000).into_paginator().items().send();
    let all: Vec<_> = pages.collect::<Result<_, _>>().called("iam:ListRoles").await?;
    Ok(things(all.into_iter().map(|role| {
        let amount = u64::from(!role.path.starts_with("/aws-service-role/"));
        Some(Thing { name: role.role_name, of: role.path, amount })
    })))
}

pub(super) async fn role_quota(aws: &Aws) -> Result<Fact, Fault> {
    let answer = aws.iam.get_account_summary().send().called("iam:GetAccountSummary").await?;
    let quota = answer.summary_map.and_then(|map| map.get(&SummaryKeyType::from("RolesQuota")).copied());
    let quota = quota.and_then(|quota| u64::try_from(quota).ok());
    Ok(Fact::Limits(quota.map(|quota| ("roles".to_owned(), quota)).into_iter().collect()))
}

pub(super) async fn role(aws: &Aws, name: &str) -> Result<Fact, Fault> {
    let answer = aws.iam.get_role().role_name(name).send().called("iam:GetRole").await?;
    Ok(answer.role.map_or(Fact::Nothing, |role| Fact::Word(role.arn)))
}

pub(super) async fn decisions(aws: &Aws, question: &Question) -> Result<Fact, Fault> {
    let Question { source, actions, resources, context } = question;
    let entry = |(key, value): &(String, String)| {
        let entry = ContextEntry::builder().context_key_name(key).context_key_values(value);
        entry.context_key_type(ContextKeyTypeEnum::String).build()
    };
    let call = aws
        .iam
        .simulate_principal_policy()
        .policy_source_arn(source)
        .set_action_names(Some(actions.clone()))
        .set_resource_arns((!resources.is_empty()).then(|| resources.clone()))
        .set_context_entries((!context.is_empty()).then(|| context.iter().map(entry).collect()))
        .max_items(1000);
    let pages = call.into_paginator().items().send();
    let all: Vec<EvaluationResult> = pages.collect::<Result<_, _>>().called("iam:SimulatePrincipalPolicy").await?;
    let mut decisions = BTreeMap::new();
    for result in all {
        let decision = decision(&result);
        // Of several resources, one that is allowed will do: the others are of other kinds.
        let known = decisions.entry(result.eval_action_name).or_insert(decision);
        if decision == Decision::Allowed || *known == Decision::NotAllowed {
            *known = decision;
        }
    }
    Ok(Fact::Decisions(decisions))
}

fn decision(result: &EvaluationResult) -> Decision {
    match result.eval_decision {
        PolicyEvaluationDecisionType::Allowed => Decision::Allowed,
        _ if !result.missing_context_values().is_empty() => Decision::Unclear,
        PolicyEvaluationDecisionType::ExplicitDeny => Decision::Denied,
        _ => Decision::NotAllowed,
    }
}

/// Each by the address in its tags, with its ARN: what this state's own lineage has made.
pub(super) async fn owned(aws: &Aws) -> Result<Fact, Fault> {
    let filter = |(key, value): &(&str, &str)| TagFilter::builder().key(*key).values(*value).build();
    let filters = aws.owner.filters().iter().map(filter).collect();
    let pages = aws.tagging.get_resources().set_tag_filters(Some(filters)).resources_per_page(100).into_paginator();
    let all: Vec<_> = pages.items().send().collect::<Result<_, _>>().called("tag:GetResources").await?;
    Ok(things(all.into_iter().map(|found| {
        let own = tags::own(found.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)));
        Some(Thing { name: Owner::address(&own)?.to_owned(), of: found.resource_arn?, amount: 0 })
    })))
}

/// Each with the id of its key.
pub(super) async fn aliases(aws: &Aws) -> Result<Fact, Fault> {
    let pages = aws.kms.list_aliases().limit(100).into_paginator().items().send();
    let all: Vec<_> = pages.collect::<Result<_, _>>().called("kms:ListAliases").await?;
    Ok(things(
        all.into_iter().map(|alias| {
            Some(Thing { name: alias.alias_name?, of: alias.target_key_id.unwrap_or_default(), amount: 0 })
        }),
    ))
}

/// Asked in its own region, where its ARN tells one.
pub(super) async fn key(aws: &Aws, id: &str) -> Result<Fact, Fault> {
    let there = id.split(':').nth(3).filter(|region| !region.is_empty()).unwrap_or(&aws.region);
    let kms = aws.elsewhere(there).kms;
    let answer = found(kms.describe_key().key_id(id).send().called("kms:DescribeKey").await)?;
    Ok(answer.and_then(|answer| answer.key_metadata).map_or(Fact::Nothing, |key| Fact::Key {
        state: key.key_state.map(|state| state.as_str().to_owned()).unwrap_or_default(),
        symmetric: key.key_spec.is_none_or(|spec| spec == KeySpec::SymmetricDefault),
        arn: key.arn.unwrap_or_default(),
    }))
}

/// The word is its key, empty where it has none.
pub(super) async fn topic(aws: &Aws, arn: &str) -> Result<Fact, Fault> {
    let answer = found(aws.sns.get_topic_attributes().topic_arn(arn).send().called("sns:GetTopicAttributes").await)?;
    let key = |answer: GetTopicAttributesOutput| {
        let key = answer.attributes.unwrap_or_default().remove("KmsMasterKeyId");
        Fact::Word(key.unwrap_or_default())
    };
    Ok(answer.map_or(Fact::Nothing, key))
}
