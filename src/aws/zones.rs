//! The availability zones a new network can use.
//!
//! Called by `session` before the stack is built. Must never return local or wavelength zones.

use super::{Aws, Fault, fault::Called, lookup::filter};

/// Returns the names of the region's available zones, sorted.
pub async fn zones(aws: &Aws) -> Result<Vec<String>, Fault> {
    let filters = vec![filter("state", &["available"]), filter("zone-type", &["availability-zone"])];
    let call = aws.ec2.describe_availability_zones().set_filters(Some(filters));
    let answer = call.send().called("ec2:DescribeAvailabilityZones").await?;
    let mut names: Vec<String> =
        answer.availability_zones.unwrap_or_default().into_iter().filter_map(|zone| zone.zone_name).collect();
    names.sort();
    Ok(names)
}
