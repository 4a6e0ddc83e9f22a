//! May the caller do what the plan does? IAM's own simulator says so, from the actions that the kinds declare
//! (aws-facts.md 12, rows 2, 26, 27).
//!
//! A policy that names resources allows nothing for `*`, so what is not allowed at first is asked once more with ARNs as
//! the resources will have them. Service control policies are out of the simulator's sight.

use super::{Case, Check};
use crate::{
    address::Address,
    kind::AnyKind,
    plan::Verb,
    preflight::{
        finding::Finding,
        outline::{Deed, Doing},
        survey::{Ask, Decision, Fact, Question},
    },
};
use std::collections::{BTreeMap, BTreeSet};

pub(super) static CHECK: Check =
    Check { name: "permissions", title: "the caller may make every call of the plan", asks, run };

/// Handing a role to a service.
const PASS: &str = "iam:PassRole";
/// Making a service's own role; `linked_roles` looks at that.
const LINK: &str = "iam:CreateServiceLinkedRole";

/// What is needed of an action: by which resources, in which operation.
#[derive(Clone, Debug, Default)]
pub(in crate::preflight) struct Need(pub(in crate::preflight) Vec<(Address, Verb)>);

/// Who calls, as the simulator wants it.
enum Source {
    /// A user, or a role with its path.
    Known(String),
    /// The session of a role, by the role's name.
    Role(String),
    /// The root user, who may do everything but what a service control policy denies.
    Root,
    /// Somebody whose policies cannot be simulated.
    Other,
}

fn source(caller: &str) -> Source {
    let (service, rest) = match caller.splitn(6, ':').collect::<Vec<_>>().as_slice() {
        [_, _, service, _, _, rest] => ((*service).to_owned(), (*rest).to_owned()),
        _ => return Source::Other,
    };
    match (service.as_str(), rest.split_once('/')) {
        ("iam", None) if rest == "root" => Source::Root,
        ("iam", Some(("user" | "role", _))) => Source::Known(caller.to_owned()),
        ("sts", Some(("assumed-role", session))) => {
            Source::Role(session.split('/').next().unwrap_or_default().to_owned())
        }
        _ => Source::Other,
    }
}

/// The ARN to simulate, once it is known.
pub(super) fn principal(case: &Case<'_>) -> Option<String> {
    match source(case.caller) {
        Source::Known(arn) => Some(arn),
        Source::Role(name) => match case.facts.get(&Ask::Role(name)) {
            Some(Fact::Word(arn)) => Some(arn.clone()),
            _ => None,
        },
        Source::Root | Source::Other => None,
    }
}

pub(super) fn is_root(case: &Case<'_>) -> bool {
    matches!(source(case.caller), Source::Root)
}

/// Whether this deed needs the action at all: what its spec leaves out, AWS does not ask for.
fn is_needed(deed: &Deed<'_>, action: &str) -> bool {
    if deed.doing == Doing::Delete {
        return true;
    }
    match action.split_once(':').map_or("", |(service, _)| service) {
        "secretsmanager" => deed.is_on("managed_password"),
        "kms" if !deed.kind.name().starts_with("kms.") => deed.has("kms_key"),
        _ if action == PASS => deed.has("roles"),
        _ if action == "redshift:RestoreFromClusterSnapshot" => deed.has("snapshot"),
        _ if action == "redshift:CreateCluster" => !deed.has("snapshot"),
        _ => true,
    }
}

fn verb(doing: Doing) -> Verb {
    match doing {
        Doing::Create => Verb::Create,
        Doing::Update => Verb::Update,
        Doing::Resume => Verb::Resume,
        Doing::Delete => Verb::Delete,
    }
}

fn declared(kind: &dyn AnyKind, doing: Doing) -> impl Iterator<Item = &'static str> {
    let actions = kind.actions();
    let doing: &[&[&str]] = match doing {
        Doing::Create => &[actions.create],
        Doing::Update => &[actions.update],
        Doing::Resume => &[actions.create, actions.update],
        Doing::Delete => &[actions.delete],
    };
    doing.iter().flat_map(|list| list.iter()).chain(actions.read).copied().collect::<Vec<_>>().into_iter()
}

/// The actions that the plan needs, but for those with conditions of their own.
fn needs(case: &Case<'_>) -> BTreeMap<&'static str, Need> {
    let mut needs = BTreeMap::<&str, Need>::new();
    for deed in &case.outline.deeds {
        for action in declared(deed.kind, deed.doing).filter(|action| ![PASS, LINK].contains(action)) {
            if is_needed(deed, action) {
                needs.entry(action).or_default().0.push((deed.address.clone(), verb(deed.doing)));
            }
        }
    }
    needs
}

/// The service that a kind hands roles to.
fn service(kind: &dyn AnyKind) -> &'static str {
    match kind.name().split('.').next() {
        Some("redshift-serverless") => "redshift-serverless.amazonaws.com",
        Some("elasticloadbalancing") => "elasticloadbalancing.amazonaws.com",
        _ => "redshift.amazonaws.com",
    }
}

/// The resources that hand roles over, by service.
fn passed(case: &Case<'_>) -> BTreeMap<&'static str, Need> {
    let mut passed = BTreeMap::<&str, Need>::new();
    for deed in &case.outline.deeds {
        let hands = declared(deed.kind, deed.doing).any(|action| action == PASS) && deed.doing != Doing::Delete;
        if hands && is_needed(deed, PASS) && deed.changes("roles") {
            passed.entry(service(deed.kind)).or_default().0.push((deed.address.clone(), verb(deed.doing)));
        }
    }
    passed
}

/// The resources whose creation makes a service's own role, by service.
pub(super) fn linking(case: &Case<'_>) -> BTreeMap<&'static str, Need> {
    let mut linking = BTreeMap::<&str, Need>::new();
    for deed in case.outline.deeds.iter().filter(|deed| deed.doing == Doing::Create) {
        if declared(deed.kind, deed.doing).any(|action| action == LINK) {
            let service = match service(deed.kind) {
                "redshift-serverless.amazonaws.com" => "redshift.amazonaws.com",
                other => other,
            };
            linking.entry(service).or_default().0.push((deed.address.clone(), Verb::Create));
        }
    }
    linking
}

/// The question about roles handed to a service, and, since one call can ask both, about a service's own role.
fn conditional(case: &Case<'_>, source: &str, passed: Option<&str>, linked: Option<&str>) -> Option<Question> {
    let (mut actions, mut context, mut resources) = (Vec::new(), Vec::new(), vec!["*".to_owned()]);
    if let Some(service) = passed {
        actions.push(PASS.to_owned());
        resources.push(role_arn(case));
        context.push(("iam:PassedToService".to_owned(), service.to_owned()));
    }
    if let Some(service) = linked {
        actions.push(LINK.to_owned());
        let (partition, account, name) = (partition(case), case.account, super::linked_roles::role(service));
        resources.push(format!("arn:{partition}:iam::{account}:role/aws-service-role/{service}/{name}"));
        context.push(("iam:AWSServiceName".to_owned(), service.to_owned()));
    }
    (!actions.is_empty()).then(|| Question { source: source.to_owned(), actions, resources, context })
}

/// Two questions at most: each asks about one service to hand roles to and one whose role is missing.
fn conditionals(case: &Case<'_>, source: &str) -> Vec<Question> {
    let (passed, missing) = (passed(case), super::linked_roles::missing(case));
    let (mut passed, mut missing) = (passed.keys().copied(), missing.keys().copied());
    let mut pairs = Vec::new();
    loop {
        match (passed.next(), missing.next()) {
            (None, None) => return pairs,
            (service, linked) => pairs.extend(conditional(case, source, service, linked)),
        }
    }
}

/// The answer to `iam:CreateServiceLinkedRole` for a service.
pub(super) fn may_link(case: &Case<'_>, service: &str) -> Option<Decision> {
    conditional_decision(case, LINK, "iam:AWSServiceName", service)
}

fn conditional_decision(case: &Case<'_>, action: &str, key: &str, service: &str) -> Option<Decision> {
    let source = principal(case)?;
    let questions = conditionals(case, &source);
    let of = questions.into_iter().find(|question| question.context.contains(&(key.to_owned(), service.to_owned())))?;
    decisions(case, of)?.get(action).copied()
}

fn decisions(case: &Case<'_>, question: Question) -> Option<BTreeMap<String, Decision>> {
    match case.facts.get(&Ask::Decisions(question)) {
        Some(Fact::Decisions(decisions)) => Some(decisions.clone()),
        _ => None,
    }
}

/// Conditions that policies of estates like this one hang on: the region, and the tags.
fn context(case: &Case<'_>) -> Vec<(String, String)> {
    let config = &case.environment.config;
    let owned = [("rsds:project", &config.project), ("rsds:environment", &config.env)];
    let tags = owned.into_iter().chain(config.tags.iter().map(|(key, value)| (key.as_str(), value)));
    let tags = tags.flat_map(|(key, value)| {
        ["aws:RequestTag", "aws:ResourceTag"].map(|of| (format!("{of}/{key}"), value.clone()))
    });
    std::iter::once(("aws:RequestedRegion".to_owned(), case.region.to_owned())).chain(tags).collect()
}

fn first(case: &Case<'_>, source: &str) -> Option<Question> {
    let actions: Vec<String> = needs(case).into_keys().map(str::to_owned).collect();
    let (source, resources, context) = (source.to_owned(), Vec::new(), context(case));
    (!actions.is_empty()).then_some(Question { source, actions, resources, context })
}

/// What was not allowed for everything, asked about the resources as they will be.
fn second(case: &Case<'_>, source: &str) -> Option<Question> {
    let answers = decisions(case, first(case, source)?)?;
    let open: Vec<String> = answers.into_iter().filter(|(_, d)| *d == Decision::NotAllowed).map(|(a, _)| a).collect();
    let (source, resources, context) = (source.to_owned(), arns(case, &open), context(case));
    (!open.is_empty()).then_some(Question { source, actions: open, resources, context })
}

/// `aws`, or that of China or of a government.
fn partition<'a>(case: &Case<'a>) -> &'a str {
    case.caller.split(':').nth(1).unwrap_or("aws")
}

/// The ARN of a role of the estate.
fn role_arn(case: &Case<'_>) -> String {
    let config = &case.environment.config;
    let (partition, account, name) = (partition(case), case.account, config.name("producer"));
    format!("arn:{partition}:iam::{account}:role/rsds/{}/{}/{name}", config.project, config.env)
}

/// ARNs of the resources to be, with made-up ids where AWS makes them: policies name those by `*`.
fn arns(case: &Case<'_>, actions: &[String]) -> Vec<String> {
    let (account, region, config) = (case.account, case.region, &case.environment.config);
    let partition = partition(case);
    let regional = |service: &str, rest: String| format!("arn:{partition}:{service}:{region}:{account}:{rest}");
    let services: BTreeSet<&str> = actions.iter().filter_map(|action| action.split(':').next()).collect();
    let name = |tail: &str| config.name(tail);
    let (id, uuid) = ("0123456789abcdef0", "01234567-89ab-4def-8123-456789abcdef");
    let mut arns = BTreeSet::new();
    for service in services {
        let rests: Vec<String> = match service {
            "ec2" => [
                "vpc/vpc",
                "subnet/subnet",
                "internet-gateway/igw",
                "route-table/rtb",
                "vpc-endpoint/vpce",
                "security-group/sg",
                "security-group-rule/sgr",
            ]
            .iter()
            .map(|of| format!("{of}-{id}"))
            .collect(),
            "redshift" => ["cluster", "subnetgroup", "parametergroup"]
                .iter()
                .map(|of| format!("{of}:{}", name("producer")))
                .chain([format!("usagelimit:{uuid}"), format!("snapshot:{0}/{0}-final", name("producer"))])
                .collect(),
            "redshift-serverless" => ["namespace", "workgroup", "endpointaccess", "snapshot"]
                .iter()
                .map(|of| format!("{of}/{uuid}"))
                .collect(),
            "elasticloadbalancing" => vec![
                format!("loadbalancer/net/{}/{id}", config.nlb_name()),
                format!("listener/net/{}/{id}/{id}", config.nlb_name()),
                format!("targetgroup/{}/{id}", config.target_group_name(config.nlb.port)),
            ],
            "acm" => vec![format!("certificate/{uuid}")],
            "kms" => vec![format!("key/{uuid}"), format!("alias/{}", name("producer"))],
            "cloudwatch" => vec![format!("alarm:{}", name("producer"))],
            "sns" => vec![name("alarms")],
            "logs" => vec![format!("log-group:/aws/redshift/{}", name("producer"))],
            "secretsmanager" => vec![format!("secret:redshift!{}-{}", name("producer"), "abcdef")],
            _ => Vec::new(),
        };
        arns.extend(rests.into_iter().map(|rest| regional(service, rest)));
        if service == "iam" {
            arns.insert(role_arn(case));
        }
        if let Some(there) = config.copies_to().filter(|_| service == "redshift") {
            arns.insert(format!("arn:{partition}:redshift:{there}:{account}:snapshotcopygrant:{}", name("producer")));
        }
    }
    arns.into_iter().collect()
}

fn asks(case: &Case<'_>) -> Option<BTreeSet<Ask>> {
    if case.outline.deeds.is_empty() {
        return None;
    }
    let mut asks = BTreeSet::new();
    if let Source::Role(name) = source(case.caller) {
        asks.insert(Ask::Role(name));
    }
    // Until the roles are listed it is not known whether a service has its own.
    let roles = linking(case).is_empty() || case.facts.has(&Ask::Roles);
    if let Some(source) = principal(case).filter(|_| roles) {
        let questions =
            first(case, &source).into_iter().chain(conditionals(case, &source)).chain(second(case, &source));
        asks.extend(questions.map(Ask::Decisions));
    }
    Some(asks)
}

/// A group of actions of one service that are refused in the same way.
fn finding(service: &str, actions: &[(&str, Decision, &Need)]) -> Finding {
    let mut who: Vec<(Address, Verb)> = Vec::new();
    for (_, _, need) in actions {
        who.extend(need.0.iter().filter(|one| !who.contains(one)).cloned().collect::<Vec<_>>());
    }
    let names: Vec<&str> = actions.iter().map(|(action, _, _)| *action).collect();
    let worst = actions.iter().map(|(_, decision, _)| *decision);
    let sure = worst.clone().any(|decision| decision != Decision::Unclear);
    let why = match worst.clone().next() {
        Some(Decision::Denied) if worst.clone().all(|d| d == Decision::Denied) => "a policy denies it",
        _ if sure => "no policy allows it",
        _ => "it hangs on a condition that cannot be told beforehand",
    };
    let verb = who.first().map_or(Verb::Create, |(_, verb)| *verb);
    let addresses = who.into_iter().map(|(address, _)| address).collect();
    let what = if names.len() == 1 { "an action" } else { "actions" };
    Finding::error(addresses, format!("the caller may not use {what} of {service} that the plan needs: {why}"))
        .sure(sure)
        .values("", names.join(", "))
        .call(names.first().copied().unwrap_or_default())
        .by(verb)
        .help("add them to the caller's policy; docs/permissions.md has it whole")
}

fn run(case: &Case<'_>) -> Vec<Finding> {
    if is_root(case) {
        return Vec::new();
    }
    let Some(source) = principal(case) else {
        let found = format!("{} ({})", case.caller, "its policies cannot be simulated");
        return vec![
            Finding::error(Vec::new(), "whether the caller may do all of this is not known")
                .sure(false)
                .values(found, "")
                .help("call as a user or a role to have it checked"),
        ];
    };
    let (needs, passed) = (needs(case), passed(case));
    let mut answers = first(case, &source).and_then(|question| decisions(case, question)).unwrap_or_default();
    let again = second(case, &source).and_then(|question| decisions(case, question)).unwrap_or_default();
    answers.extend(again);
    let mut refused: Vec<(&str, Decision, &Need)> = Vec::new();
    for (action, need) in &needs {
        let decision = answers.get(*action).copied().unwrap_or(Decision::Allowed);
        refused.extend((decision != Decision::Allowed).then_some((*action, decision, need)));
    }
    for (service, need) in &passed {
        let decision = conditional_decision(case, PASS, "iam:PassedToService", service).unwrap_or(Decision::Allowed);
        refused.extend((decision != Decision::Allowed).then_some((PASS, decision, need)));
    }
    let mut by_service = BTreeMap::<&str, Vec<(&str, Decision, &Need)>>::new();
    for one in refused {
        by_service.entry(one.0.split(':').next().unwrap_or_default()).or_default().push(one);
    }
    by_service.iter().map(|(service, actions)| finding(service, actions)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_are_told_apart() {
        assert!(matches!(source("arn:aws:iam::123456789012:root"), Source::Root));
        assert!(matches!(source("arn:aws:iam::123456789012:user/team/me"), Source::Known(_)));
        let Source::Role(name) = source("arn:aws:sts::123456789012:assumed-role/admin/me@example.com") else {
            panic!("a session of a role");
        };
        assert_eq!(name, "admin");
        assert!(matches!(source("arn:aws:sts::123456789012:federated-user/me"), Source::Other));
    }
}
