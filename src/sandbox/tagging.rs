//! The Resource Groups Tagging API: everything in a region that carries tags, whatever its service. One operation.
//!
//! Called by the router. Lists what each service says it has tagged; what has no region (IAM roles) or lives outside
//! the region's world (buckets) is not listed. Source: aws-facts.md 0.3 and the API model 2017-01-26. Must never list
//! what the service itself would no longer show.

use super::request::page;
use super::{
    AwsError, Operation, Protocol, Reply, Request, Service, World, cloudwatch, ec2, elb, kms, logs, redshift, secrets,
    serverless, sns,
};
use jiff::Timestamp;
use serde_json::json;
use std::collections::BTreeMap;

/// Most tag filters of one call, and most values of one filter.
const MOST_FILTERS: usize = 50;
const MOST_VALUES: usize = 20;

/// ARN and tags of one resource.
pub(super) type Tagged = (String, BTreeMap<String, String>);

/// The service as the router knows it.
pub(super) static SERVICE: Service = Service {
    scope: "tagging",
    protocol: Protocol::Json11,
    version: "ResourceGroupsTaggingAPI_20170126",
    lists: &[],
    operations: &[&[Operation {
        name: "GetResources",
        mutating: false,
        params: &["TagFilters.Key", "TagFilters.Values", "ResourceTypeFilters", "ResourcesPerPage", "PaginationToken"],
        run: get_resources,
    }]],
};

fn get_resources(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let filters = checked(tag_filters(req))?;
    let kinds = checked(req.texts("ResourceTypeFilters"))?;
    let mut found: Vec<Tagged> = [
        ec2::all_tagged(world, now),
        elb::tagged(world),
        kms::tagged(world, now),
        logs::tagged(world),
        cloudwatch::tagged(world),
        sns::tagged(world),
        redshift::tagged(world, now),
        serverless::tagged(world, now),
        secrets::tagged(world, now),
    ]
    .concat();
    found.retain(|(arn, tags)| {
        !tags.is_empty()
            && (kinds.is_empty() || kinds.iter().any(|kind| is_of(arn, kind)))
            && filters
                .iter()
                .all(|(key, values)| tags.get(key).is_some_and(|value| values.is_empty() || values.contains(value)))
    });
    found.sort();
    let shown = found.into_iter().map(|(arn, tags)| {
        let tags: Vec<Reply> = tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
        json!({ "ResourceARN": arn, "Tags": tags })
    });
    // An empty token is how this service says that there is none, in both directions.
    let mut req = req.clone();
    if let Some(params) = req.params.as_object_mut() {
        params.retain(|name, value| name != "PaginationToken" || value != "");
    }
    let (page, next) = checked(page(shown.collect(), &req, "ResourcesPerPage", "PaginationToken", 50, 1..=100))?;
    Ok(json!({ "ResourceTagMappingList": page, "PaginationToken": next.unwrap_or_default() }))
}

/// The wanted values of each key; none means any.
fn tag_filters(req: &Request) -> Result<Vec<(String, Vec<String>)>, AwsError> {
    let filters = req.list("TagFilters");
    if filters.len() > MOST_FILTERS {
        return Err(req.invalid(format!("There are more than {MOST_FILTERS} tag filters")));
    }
    let mut read = Vec::new();
    for filter in filters {
        let values = filter.texts("Values")?;
        if values.len() > MOST_VALUES {
            return Err(req.invalid(format!("A tag filter has more than {MOST_VALUES} values")));
        }
        read.push((filter.text("Key")?, values));
    }
    Ok(read)
}

/// Whether an ARN is of a type such as `ec2:vpc` or `logs`.
fn is_of(arn: &str, kind: &str) -> bool {
    let mut parts = arn.splitn(6, ':').skip(2);
    let (service, rest) = (parts.next().unwrap_or_default(), parts.nth(2).unwrap_or_default());
    match kind.split_once(':') {
        None => service == kind,
        Some((of, what)) => service == of && rest.strip_prefix(what).is_some_and(|after| after.starts_with(['/', ':'])),
    }
}

/// The errors that the request alone makes, under the code this service has for them.
fn checked<T>(result: Result<T, AwsError>) -> Result<T, AwsError> {
    result.map_err(|error| match error.code.as_str() {
        "ValidationException" => AwsError { code: "InvalidParameterException".to_owned(), ..error },
        _ => error,
    })
}

#[cfg(test)]
mod tests {
    use super::super::iam;
    use super::super::serverless::bench::Bench;
    use super::*;

    fn arns(bench: &mut Bench, params: Reply) -> Vec<String> {
        let reply = bench.ok(&SERVICE, "GetResources", params);
        let list = reply["ResourceTagMappingList"].as_array().unwrap();
        list.iter().map(|each| each["ResourceARN"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn every_tagged_resource_is_found_by_all_its_filters_and_a_role_is_not() {
        let mut bench = Bench::new();
        let (upper, lower) = (json!([{ "Key": "app", "Value": "x" }]), json!([{ "key": "app", "value": "x" }]));
        let keyed = json!([{ "TagKey": "app", "TagValue": "x" }]);
        let tags = json!([{ "Key": "app", "Value": "x" }, { "Key": "part", "Value": "net" }]);
        let ids = [bench.vpc.clone(), bench.subnets[0].clone(), bench.warehouse_group.clone()];
        bench.ok(&ec2::SERVICE, "CreateTags", json!({ "ResourceId": ids, "Tag": tags }));
        bench.serverless("CreateNamespace", json!({ "namespaceName": "reader", "tags": lower }));
        bench.ok(&logs::SERVICE, "CreateLogGroup", json!({ "logGroupName": "/a", "tags": { "app": "x" } }));
        let key = bench.key.clone();
        bench.ok(&kms::SERVICE, "TagResource", json!({ "KeyId": key, "Tags": keyed }));
        bench.ok(&iam::SERVICE, "TagRole", json!({ "RoleName": "loader", "Tags": upper }));
        let group = json!({ "ParameterGroupName": "p", "ParameterGroupFamily": "redshift-2.0", "Description": "d",
            "Tags": upper });
        bench.ok(&redshift::SERVICE, "CreateClusterParameterGroup", group);
        let mine = json!([{ "Key": "app", "Values": ["x", "y"] }]);
        let all = arns(&mut bench, json!({ "TagFilters": mine }));
        assert_eq!(all.len(), 7, "{all:?}");
        assert!(all.iter().all(|arn| arn.starts_with("arn:aws:") && !arn.contains(":iam:")), "{all:?}");
        let vpc = format!("arn:aws:ec2:us-west-2:123456789012:vpc/{}", bench.vpc);
        assert!(all.contains(&vpc) && all.contains(&key), "{all:?}");
        let network = json!([{ "Key": "app", "Values": [] }, { "Key": "part", "Values": ["net"] }]);
        assert_eq!(arns(&mut bench, json!({ "TagFilters": network })).len(), 3);
        let vpcs = json!({ "TagFilters": mine, "ResourceTypeFilters": ["ec2:vpc", "logs"] });
        assert_eq!(arns(&mut bench, vpcs).len(), 2);
        assert!(arns(&mut bench, json!({ "TagFilters": [{ "Key": "app", "Values": ["z"] }] })).is_empty());
        bench.pass(60);
        bench.serverless("DeleteNamespace", json!({ "namespaceName": "reader" }));
        bench.pass(3600);
        assert_eq!(arns(&mut bench, json!({ "TagFilters": mine })).len(), 6, "what is gone is not listed");
    }

    #[test]
    fn pages_end_with_an_empty_token() {
        let mut bench = Bench::new();
        for n in 0..5 {
            let params = json!({ "logGroupName": format!("/g{n}"), "tags": { "app": "x" } });
            bench.ok(&logs::SERVICE, "CreateLogGroup", params);
        }
        let (mut seen, mut token, mut pages) = (0, String::new(), 0);
        loop {
            let params = json!({ "ResourcesPerPage": 2, "PaginationToken": token });
            let reply = bench.ok(&SERVICE, "GetResources", params);
            seen += reply["ResourceTagMappingList"].as_array().unwrap().len();
            token = reply["PaginationToken"].as_str().unwrap().to_owned();
            pages += 1;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!((seen, pages), (5, 3));
        let refused = bench.call(&SERVICE, "GetResources", json!({ "ResourcesPerPage": 101 })).unwrap_err();
        assert_eq!(refused.code, "InvalidParameterException");
    }
}
