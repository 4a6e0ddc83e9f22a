//! Data shares in the management API: DescribeDataShares, AuthorizeDataShare, DeauthorizeDataShare.
//!
//! Called by the core. Source: aws-facts.md 10.4: it tells of shares of clusters and of serverless namespaces alike, wakes
//! nothing and costs nothing. What makes them is SQL (`sandbox::sql`). Must never show what is inside a share.

use jiff::Timestamp;
use serde_json::json;

use super::super::sql::{Consumer, Grant};
use super::{AwsError, Operation, Reply, Request, World, datashare_consumer};
use crate::sandbox::request::page;
use crate::sandbox::sql::warehouses;

/// Shares on one page, default and most.
pub(super) const SHARES: usize = 100;

/// What an account is that may take a share up, and one that may not any more.
const AUTHORIZED: &str = "AUTHORIZED";
const DEAUTHORIZED: &str = "DEAUTHORIZED";

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "DescribeDataShares",
        mutating: false,
        params: &["DataShareArn", "MaxRecords", "Marker"],
        run: describe_data_shares,
    },
    Operation {
        name: "AuthorizeDataShare",
        mutating: true,
        params: &["DataShareArn", "ConsumerIdentifier"],
        run: authorize_data_share,
    },
    Operation {
        name: "DeauthorizeDataShare",
        mutating: true,
        params: &["DataShareArn", "ConsumerIdentifier"],
        run: deauthorize_data_share,
    },
];

/// The refusal of an ARN that is no share's.
pub(super) fn no_arn(arn: &str) -> AwsError {
    let message = format!("The datashare {arn} can't be found because the ARN doesn't exist.");
    AwsError::new("InvalidDataShareFault", message)
}

/// The share of an ARN, with what it grants an account.
fn granted<'a>(world: &'a mut World, arn: &str, account: &str) -> Result<Option<&'a mut Grant>, AwsError> {
    let invalid = || no_arn(arn);
    let own = format!("arn:aws:redshift:{}:{}:datashare:", world.region, world.account);
    let (namespace, name) = arn.strip_prefix(&own).and_then(|rest| rest.split_once('/')).ok_or_else(invalid)?;
    let share = world.sql.catalogues.get_mut(namespace).and_then(|catalogue| catalogue.shares.get_mut(name));
    let grants = share.ok_or_else(invalid)?.grants.iter_mut();
    let to = Consumer::Account(account.to_owned());
    Ok(grants.into_iter().find(|grant| grant.consumer == to))
}

fn authorize_data_share(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let (arn, account) = (req.text("DataShareArn")?, req.text("ConsumerIdentifier")?);
    match granted(world, &arn, &account)? {
        Some(grant) if [AUTHORIZED, "ACTIVE"].contains(&grant.status.as_str()) => {}
        Some(grant) => grant.status = AUTHORIZED.to_owned(),
        None => {
            let message = format!("The datashare {arn} is not granted to the account {account}.");
            return Err(AwsError::new("InvalidDataShareFault", message));
        }
    }
    Ok(json!({ "DataShareArn": arn }))
}

fn deauthorize_data_share(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let (arn, account) = (req.text("DataShareArn")?, req.text("ConsumerIdentifier")?);
    match granted(world, &arn, &account)? {
        Some(grant) if grant.status != DEAUTHORIZED => grant.status = DEAUTHORIZED.to_owned(),
        _ => {
            let message = "You can't remove it because you have already removed authorization from the data share.";
            return Err(AwsError::new("InvalidDataShareFault", message));
        }
    }
    Ok(json!({ "DataShareArn": arn }))
}

fn describe_data_shares(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let wanted = req.opt_text("DataShareArn")?;
    let mut shares = outbound(world, now, |_| true);
    shares.extend(datashare_consumer::inbound(world));
    if let Some(wanted) = wanted {
        shares.retain(|share| share["DataShareArn"] == *wanted);
        if shares.is_empty() {
            return Err(no_arn(&wanted));
        }
    }
    let (shares, marker) = page(shares, req, "MaxRecords", "Marker", SHARES, 20..=SHARES)?;
    Ok(json!({ "DataShares": shares, "Marker": marker }))
}

/// The shares of this account, each with those of its grants that `shown` lets through.
pub(super) fn outbound(world: &World, now: Timestamp, shown: impl Fn(&Grant) -> bool) -> Vec<Reply> {
    let mut shares = Vec::new();
    let arn = |what: &str| format!("arn:aws:redshift:{}:{}:{what}", world.region, world.account);
    for warehouse in warehouses(world, now) {
        let Some(catalogue) = world.sql.catalogues.get(&warehouse.namespace) else { continue };
        for (name, share) in &catalogue.shares {
            let own = arn(&format!("datashare:{}/{name}", warehouse.namespace));
            let associations = share.grants.iter().filter(|grant| shown(grant)).map(|grant| {
                let consumer = match &grant.consumer {
                    Consumer::Namespace(namespace) => arn(&format!("namespace:{namespace}")),
                    Consumer::Account(account) => account.clone(),
                };
                association(&consumer, &grant.status, grant.since)
            });
            let producer = arn(&format!("namespace:{}", warehouse.namespace));
            shares.push(rendered(&own, &producer, share.public, associations.collect()));
        }
    }
    shares
}

/// One consumer of a share as the API shows it.
pub(super) fn association(consumer: &str, status: &str, since: Timestamp) -> Reply {
    json!({
        "ConsumerIdentifier": consumer,
        "Status": status,
        "CreatedDate": since.to_string(),
        "StatusChangeDate": since.to_string(),
        "ProducerAllowedWrites": false,
    })
}

/// A share as the API shows it.
pub(super) fn rendered(own: &str, producer: &str, public: bool, associations: Vec<Reply>) -> Reply {
    json!({
        "DataShareArn": own,
        "ProducerArn": producer,
        "AllowPubliclyAccessibleConsumers": public,
        "DataShareAssociations": associations,
        "DataShareType": "INTERNAL",
    })
}
