//! Data shares on the consumer's side: AssociateDataShareConsumer, DisassociateDataShareConsumer,
//! DescribeDataSharesForConsumer.
//!
//! Called by the core. Source: aws-facts.md 10.4. What another account shares is in `sandbox::sql::Abroad`; whom it
//! associates reads it by SQL. Must never associate a warehouse before the producer's account has authorized this one.

use jiff::Timestamp;
use serde_json::json;

use super::super::sql::{Consumer, Grant, Share};
use super::{AwsError, Operation, Reply, Request, World, combination, datashare, not_found};
use crate::sandbox::request::page;
use crate::sandbox::sql::warehouses;

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "AssociateDataShareConsumer",
        mutating: true,
        params: &["DataShareArn", "AssociateEntireAccount", "ConsumerArn"],
        run: associate_data_share_consumer,
    },
    Operation {
        name: "DisassociateDataShareConsumer",
        mutating: true,
        params: &["DataShareArn", "DisassociateEntireAccount", "ConsumerArn"],
        run: disassociate_data_share_consumer,
    },
    Operation {
        name: "DescribeDataSharesForConsumer",
        mutating: false,
        params: &["ConsumerArn", "Status", "MaxRecords", "Marker"],
        run: describe_data_shares_for_consumer,
    },
];

/// Where a share of another account is: its producer's namespace, and its name.
struct Place {
    namespace: String,
    name: String,
}

/// The ARN of a share of another account.
pub(super) fn arn(world: &World, account: &str, namespace: &str, name: &str) -> String {
    format!("arn:aws:redshift:{}:{account}:datashare:{namespace}/{name}", world.region)
}

fn place(world: &World, wanted: &str) -> Option<Place> {
    let mut shares = world.sql.abroad.shares();
    let found = shares.find(|(namespace, partner, name, _)| arn(world, &partner.account, namespace, name) == wanted);
    found.map(|(namespace, _, name, _)| Place { namespace: namespace.clone(), name: name.clone() })
}

fn share<'a>(world: &'a mut World, place: &Place) -> Option<&'a mut Share> {
    world.sql.abroad.0.get_mut(&place.namespace)?.catalogue.shares.get_mut(&place.name)
}

fn unrelated(arn: &str) -> AwsError {
    let message = format!("The datashare {arn} either doesn't exist or isn't associated with this data consumer.");
    AwsError::new("InvalidDataShareFault", message)
}

/// Whom a call is about: a warehouse of this account, or the whole account.
fn consumer(world: &World, req: &Request, entire: &str, now: Timestamp) -> Result<Consumer, AwsError> {
    match (req.opt_bool(entire)?.unwrap_or_default(), req.opt_text("ConsumerArn")?) {
        (true, None) => Ok(Consumer::Account(world.account.clone())),
        (false, Some(arn)) => {
            let namespace = arn.rsplit(['/', ':']).next().unwrap_or_default();
            let forms = [("redshift-serverless", "namespace/"), ("redshift", "namespace:")];
            let is = |(service, form): (&str, &str)| world.arn(service, &format!("{form}{namespace}")) == arn;
            let there = warehouses(world, now).iter().any(|warehouse| warehouse.namespace == namespace);
            if there && forms.into_iter().any(is) {
                return Ok(Consumer::Namespace(namespace.to_owned()));
            }
            Err(not_found(
                "InvalidNamespaceFault",
                format!("The namespace {arn} isn't valid because it doesn't exist."),
            ))
        }
        _ => Err(combination(format!("Exactly one of {entire} and ConsumerArn is needed."))),
    }
}

fn associate_data_share_consumer(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let arn = req.text("DataShareArn")?;
    let consumer = consumer(world, req, "AssociateEntireAccount", now)?;
    let account = world.account.clone();
    let place = place(world, &arn).ok_or_else(|| datashare::no_arn(&arn))?;
    let share = share(world, &place).ok_or_else(|| datashare::no_arn(&arn))?;
    if !share.is_open_to(&account) {
        let message =
            format!("The datashare {arn} isn't authorized for the account {account} by its producer's account.");
        return Err(AwsError::new("InvalidDataShareFault", message));
    }
    match share.grants.iter_mut().find(|grant| grant.consumer == consumer) {
        Some(grant) => "ACTIVE".clone_into(&mut grant.status),
        None => share.grants.push(Grant { consumer, since: now, status: "ACTIVE".to_owned() }),
    }
    Ok(json!({ "DataShareArn": arn, "ProducerArn": producer(world, &place) }))
}

fn disassociate_data_share_consumer(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let arn = req.text("DataShareArn")?;
    let place = place(world, &arn).ok_or_else(|| datashare::no_arn(&arn))?;
    let own = Consumer::Account(world.account.clone());
    let entire = req.opt_bool("DisassociateEntireAccount")?.unwrap_or_default();
    // A warehouse that is gone may have left its association behind.
    let whom = req.opt_text("ConsumerArn")?.and_then(|arn| arn.rsplit(['/', ':']).next().map(str::to_owned));
    let share = share(world, &place).ok_or_else(|| datashare::no_arn(&arn))?;
    let associated = match (entire, whom) {
        (true, None) => {
            let grant = share.grants.iter_mut().find(|grant| grant.consumer == own && grant.status == "ACTIVE");
            grant.map(|grant| "AUTHORIZED".clone_into(&mut grant.status)).is_some()
        }
        (false, Some(namespace)) => {
            let before = share.grants.len();
            share.grants.retain(|grant| grant.consumer != Consumer::Namespace(namespace.clone()));
            share.grants.len() < before
        }
        _ => return Err(combination("Exactly one of DisassociateEntireAccount and ConsumerArn is needed.")),
    };
    if !associated {
        return Err(unrelated(&arn));
    }
    Ok(json!({ "DataShareArn": arn, "ProducerArn": producer(world, &place) }))
}

fn producer(world: &World, place: &Place) -> String {
    let account = world.sql.abroad.of(&place.namespace).map_or("", |partner| partner.account.as_str());
    format!("arn:aws:redshift-serverless:{}:{account}:namespace/{}", world.region, place.namespace)
}

/// What the consumer's side sees of the shares of other accounts: what is authorized is available there.
pub(super) fn inbound(world: &World) -> Vec<Reply> {
    let mut all = Vec::new();
    for (namespace, partner, name, share) in world.sql.abroad.shares() {
        let Some(status) = share.status_of(&world.account) else { continue };
        let open = share.is_open_to(&world.account);
        let associations = share.grants.iter().filter_map(|grant| {
            let (identifier, status) = match &grant.consumer {
                Consumer::Account(account) if *account == world.account => {
                    (account.clone(), if status == "AUTHORIZED" { "AVAILABLE" } else { status })
                }
                Consumer::Namespace(of) => {
                    let arn = world.arn("redshift-serverless", &format!("namespace/{of}"));
                    (arn, if open { grant.status.as_str() } else { status })
                }
                // Other consumers are their producer's business.
                Consumer::Account(_) => return None,
            };
            Some(datashare::association(&identifier, status, grant.since))
        });
        let place = Place { namespace: namespace.clone(), name: name.clone() };
        let own = arn(world, &partner.account, namespace, name);
        all.push(datashare::rendered(&own, &producer(world, &place), share.public, associations.collect()));
    }
    all
}

fn describe_data_shares_for_consumer(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let (consumer, status) = (req.opt_text("ConsumerArn")?, req.opt_text("Status")?);
    let mut shares = inbound(world);
    // Those of this account are granted to its warehouses.
    shares.extend(datashare::outbound(world, now, |grant| matches!(grant.consumer, Consumer::Namespace(_))));
    shares.retain(|share| {
        let associations = share["DataShareAssociations"].as_array().into_iter().flatten();
        associations.into_iter().any(|one| {
            consumer.as_ref().is_none_or(|consumer| one["ConsumerIdentifier"] == **consumer)
                && status.as_ref().is_none_or(|status| one["Status"] == **status)
        })
    });
    let (shares, marker) = page(shares, req, "MaxRecords", "Marker", datashare::SHARES, 20..=datashare::SHARES)?;
    Ok(json!({ "DataShares": shares, "Marker": marker }))
}
