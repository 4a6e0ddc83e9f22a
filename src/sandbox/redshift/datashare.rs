//! Data shares as the management API shows them: DescribeDataShares.
//!
//! Called by the core. Source: aws-facts.md 10.4: it tells of shares of clusters and of serverless namespaces alike, wakes
//! nothing and costs nothing. What makes them is SQL (`sandbox::sql`). Must never show what is inside a share.

use jiff::Timestamp;
use serde_json::json;

use super::super::sql::{Consumer, Share};
use super::{AwsError, Operation, Reply, Request, World};
use crate::sandbox::request::page;
use crate::sandbox::sql::warehouses;

/// Shares on one page, default and most.
const SHARES: usize = 100;

pub(super) static OPERATIONS: &[Operation] = &[Operation {
    name: "DescribeDataShares",
    mutating: false,
    params: &["DataShareArn", "MaxRecords", "Marker"],
    run: describe_data_shares,
}];

fn describe_data_shares(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let wanted = req.opt_text("DataShareArn")?;
    let mut shares = Vec::new();
    for warehouse in warehouses(world, now) {
        let Some(catalogue) = world.sql.catalogues.get(&warehouse.namespace) else { continue };
        let arn = |what: &str| format!("arn:aws:redshift:{}:{}:{what}", world.region, world.account);
        for (name, share) in &catalogue.shares {
            let own = arn(&format!("datashare:{}/{name}", warehouse.namespace));
            if wanted.as_ref().is_none_or(|wanted| *wanted == own) {
                let producer = arn(&format!("namespace:{}", warehouse.namespace));
                shares.push(render(share, &own, &producer, &arn));
            }
        }
    }
    if let Some(wanted) = wanted.filter(|_| shares.is_empty()) {
        let message = format!("The datashare {wanted} can't be found because the ARN doesn't exist.");
        return Err(AwsError::new("InvalidDataShareFault", message));
    }
    let (shares, marker) = page(shares, req, "MaxRecords", "Marker", SHARES, 20..=SHARES)?;
    Ok(json!({ "DataShares": shares, "Marker": marker }))
}

fn render(share: &Share, own: &str, producer: &str, arn: &dyn Fn(&str) -> String) -> Reply {
    let associations = share.grants.iter().map(|grant| {
        let consumer = match &grant.consumer {
            Consumer::Namespace(namespace) => arn(&format!("namespace:{namespace}")),
            Consumer::Account(account) => account.clone(),
        };
        json!({
            "ConsumerIdentifier": consumer,
            "Status": grant.status,
            "CreatedDate": grant.since.to_string(),
            "StatusChangeDate": grant.since.to_string(),
            "ProducerAllowedWrites": false,
        })
    });
    json!({
        "DataShareArn": own,
        "ProducerArn": producer,
        "AllowPubliclyAccessibleConsumers": share.public,
        "DataShareAssociations": associations.collect::<Vec<_>>(),
        "DataShareType": "INTERNAL",
    })
}
