//! Is there what another account is to share, and may this one take it up? (aws-facts.md 10.4: AWS associates what the
//! producer's account has authorized.)

use super::{Case, Check};
use crate::{
    aws::datashare_association::{authorize, is_open, owner},
    config::diagnostic::nearest,
    preflight::{
        finding::Finding,
        outline::Deed,
        survey::{Ask, Fact, Offer},
    },
    stack::section,
};
use std::collections::{BTreeMap, BTreeSet};

pub(super) static CHECK: Check =
    Check { name: "offers", title: "what other accounts share is there, and authorized for this one", asks, run };

/// The associations that are made, by the share.
fn taken_up<'a>(case: &'a Case<'_>) -> BTreeMap<String, Vec<&'a Deed<'a>>> {
    let mut shares = BTreeMap::<String, Vec<&Deed<'_>>>::new();
    for deed in case.outline.creations("redshift.datashare-association") {
        if let Some(share) = deed.text("share") {
            shares.entry(share).or_default().push(deed);
        }
    }
    shares
}

fn asks(case: &Case<'_>) -> Option<BTreeSet<Ask>> {
    (!taken_up(case).is_empty()).then(|| BTreeSet::from([Ask::Offers]))
}

fn run(case: &Case<'_>) -> Vec<Finding> {
    let Some(Fact::Offers(there)) = case.facts.get(&Ask::Offers) else { return Vec::new() };
    taken_up(case).into_iter().filter_map(|(arn, deeds)| wrong(case, there, &arn, &deeds)).collect()
}

fn wrong(case: &Case<'_>, there: &BTreeMap<String, Offer>, arn: &str, deeds: &[&Deed<'_>]) -> Option<Finding> {
    let error = |problem: String, key: String| {
        let addresses = deeds.iter().map(|deed| deed.address.clone()).collect();
        Finding::error(addresses, problem).call("redshift:AssociateDataShareConsumer").key(key)
    };
    let table = section(deeds.first()?.address);
    let (theirs, name) = (owner(arn)?, arn.rsplit('/').next()?);
    let (ours, authorize) = (case.account, authorize(arn, case.account));
    let rsds = format!("with rsds: datashares.{name}.accounts = [\"{ours}\"]");
    if theirs == case.account {
        let help = "leave `account` and `namespace` out: the estate's own producer shares";
        let finding = error(format!("{theirs} is this account, not another one"), format!("{table}.account"));
        return Some(finding.values(arn, "a share of another account").help(help));
    }
    match there.get(arn).map(|offer| (offer, offer.status.as_deref())) {
        None => {
            let of_theirs = there.keys().filter(|other| owner(other) == Some(theirs));
            let found = match of_theirs.clone().map(|arn| tail(arn)).collect::<Vec<_>>() {
                none if none.is_empty() => format!("{theirs} offers this account nothing"),
                some => format!("{theirs} offers {}", some.join(", ")),
            };
            let near = nearest(tail(arn), of_theirs.map(|arn| tail(arn)));
            let near = near.map_or_else(String::new, |near| format!("if `{near}` is meant, say so; or "));
            let help = format!(
                "{near}somebody there grants it (GRANT USAGE ON DATASHARE {name} TO ACCOUNT '{ours}') and runs \
                 `{authorize}`; {rsds}"
            );
            let finding = error("there is no such share, or it is not granted to this account".to_owned(), table);
            Some(finding.values(found, tail(arn)).help(help))
        }
        Some((_, Some(status))) if !is_open(status) => {
            let finding = error("the share is not authorized for this account".to_owned(), format!("{table}.account"));
            Some(
                finding
                    .values(format!("{name} is {status}"), "AVAILABLE")
                    .help(format!("somebody there runs `{authorize}`; {rsds}")),
            )
        }
        Some((offer, _)) => (!offer.public).then(|| unreachable(case, deeds))?,
    }
}

/// The end of a share's ARN: its producer's namespace, and its name.
fn tail(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or_default()
}

/// A share that public warehouses may not read, and consumers that are public: it is associated, and nobody reads it.
fn unreachable(case: &Case<'_>, deeds: &[&Deed<'_>]) -> Option<Finding> {
    let config = &case.environment.config;
    let is_public = |deed: &&&Deed<'_>| {
        let reader = deed.refers_to("consumer").into_iter().next();
        let group = reader.and_then(|address| address.group().map(str::to_owned));
        let group = group.as_deref().and_then(|group| group.strip_prefix("consumer-"));
        group.and_then(|group| config.consumers.get(group)).is_some_and(|group| group.publicly_accessible)
    };
    let public: Vec<&&Deed<'_>> = deeds.iter().filter(is_public).collect();
    let addresses: Vec<_> = public.iter().map(|deed| deed.address.clone()).collect();
    let table = section(addresses.first()?);
    let problem = "the consumer is publicly accessible, and AWS denies it a share that is not: nobody could read it";
    let help =
        "its producer says `ALTER DATASHARE ... SET PUBLICACCESSIBLE TRUE`; or take the group out of `consumers`";
    Some(Finding::error(addresses, problem).sure(false).key(table).help(help))
}
