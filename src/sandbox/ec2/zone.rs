//! Availability zones and regions: `DescribeAvailabilityZones`, `DescribeRegions`, and the zones of the region.
//!
//! Called by the core, by subnet.rs, and by services that spread over zones. Every region of the sandbox has four
//! zones, all available unless a test says otherwise. Must never be changed by a call.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::filter::{self, Known};
use super::{AwsError, Operation, Reply, Request, World, invalid};

/// The letters of the zones of every region.
const LETTERS: [char; 4] = ['a', 'b', 'c', 'd'];
/// Regions every account may use without opting in.
const OPEN_REGIONS: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];
/// Regions an account must opt in to; the sandbox account has not.
const OPT_IN_REGIONS: [&str; 4] = ["af-south-1", "ap-east-1", "eu-south-1", "me-south-1"];

const ZONE_FILTERS: &[Known] = &[
    ("group-long-name", "groupLongName"),
    ("group-name", "groupName"),
    ("message", "messageSet.message"),
    ("opt-in-status", "optInStatus"),
    ("parent-zone-id", ""),
    ("parent-zone-name", ""),
    ("region-name", "regionName"),
    ("state", "zoneState"),
    ("zone-id", "zoneId"),
    ("zone-name", "zoneName"),
    ("zone-type", "zoneType"),
];

const REGION_FILTERS: &[Known] =
    &[("endpoint", "regionEndpoint"), ("opt-in-status", "optInStatus"), ("region-name", "regionName")];

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "DescribeAvailabilityZones",
        mutating: false,
        params: &["ZoneName", "ZoneId", "AllAvailabilityZones", "Filter.Name", "Filter.Value"],
        run: describe_availability_zones,
    },
    Operation {
        name: "DescribeRegions",
        mutating: false,
        params: &["RegionName", "AllRegions", "Filter.Name", "Filter.Value"],
        run: describe_regions,
    },
];

/// Whether there is such a region, and the account may use it.
pub fn region(name: &str) -> Option<bool> {
    OPEN_REGIONS.contains(&name).then_some(true).or_else(|| OPT_IN_REGIONS.contains(&name).then_some(false))
}

/// The names of the zones of `region`, in order: `us-west-2a` to `us-west-2d`.
pub fn zone_names(region: &str) -> Vec<String> {
    LETTERS.iter().map(|letter| format!("{region}{letter}")).collect()
}

/// The zone id of a zone name (`us-west-2a` is `usw2-az1`); nothing for a zone the region does not have.
pub fn zone_id(region: &str, zone: &str) -> Option<String> {
    let letter = zone.strip_prefix(region)?;
    let number = LETTERS.iter().position(|l| letter == l.to_string())? + 1;
    Some(format!("{}-az{number}", short_region(region)))
}

/// AWS's short form of a region name: `us-west-2` is `usw2`, `ap-southeast-1` is `apse1`.
fn short_region(region: &str) -> String {
    let mut parts = region.split('-');
    let area = parts.next().unwrap_or_default().to_owned();
    parts.fold(area, |short, part| {
        short
            + match part {
                "north" => "n",
                "south" => "s",
                "east" => "e",
                "west" => "w",
                "central" => "c",
                "northeast" => "ne",
                "northwest" => "nw",
                "southeast" => "se",
                "southwest" => "sw",
                other => other,
            }
    })
}

fn describe_availability_zones(world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    let region = &world.region;
    let zones = zone_names(region)
        .into_iter()
        .map(|name| {
            let id = zone_id(region, &name);
            json!({
                "zoneName": name,
                "zoneId": id,
                "zoneState": if world.ec2.impaired_zones.contains(&name) { "impaired" } else { "available" },
                "regionName": region,
                "groupName": region,
                "networkBorderGroup": region,
                "zoneType": "availability-zone",
                "optInStatus": "opt-in-not-required",
                "messageSet": [],
            })
        })
        .collect();
    req.opt_bool("AllAvailabilityZones")?;
    let zones = named(req, "ZoneName", "zoneName", zones, "availability zone")?;
    let zones = named(req, "ZoneId", "zoneId", zones, "availability zone-id")?;
    Ok(json!({ "availabilityZoneInfo": filtered(req, ZONE_FILTERS, zones)? }))
}

fn describe_regions(_world: &mut World, req: &Request, _now: Timestamp) -> Result<Reply, AwsError> {
    let region = |name: &&str, status: &str| {
        json!({
            "regionName": name,
            "regionEndpoint": format!("ec2.{name}.amazonaws.com"),
            "optInStatus": status,
        })
    };
    let mut regions: Vec<Reply> = OPEN_REGIONS.iter().map(|name| region(name, "opt-in-not-required")).collect();
    // A region named outright is shown even when the account has not opted in.
    if req.opt_bool("AllRegions")?.unwrap_or(false) || req.has("RegionName") {
        regions.extend(OPT_IN_REGIONS.iter().map(|name| region(name, "not-opted-in")));
    }
    let regions = named(req, "RegionName", "regionName", regions, "region name")?;
    Ok(json!({ "regionInfo": filtered(req, REGION_FILTERS, regions)? }))
}

/// Keeps the objects named by the list parameter; a name that is not there fails the call.
fn named(
    req: &Request,
    parameter: &str,
    member: &str,
    objects: Vec<Reply>,
    noun: &str,
) -> Result<Vec<Reply>, AwsError> {
    let names = req.texts(parameter)?;
    if names.is_empty() {
        return Ok(objects);
    }
    let name_of = |object: &Reply| object.get(member).and_then(Value::as_str).map(str::to_owned).unwrap_or_default();
    for name in &names {
        if !objects.iter().any(|object| name_of(object) == *name) {
            return Err(invalid(format!("Invalid {noun}: [{name}]")));
        }
    }
    Ok(objects.into_iter().filter(|object| names.contains(&name_of(object))).collect())
}

fn filtered(req: &Request, known: &[Known], objects: Vec<Reply>) -> Result<Vec<Reply>, AwsError> {
    let filters = filter::parse(req, known)?;
    Ok(objects.into_iter().filter(|object| filters.iter().all(|filter| filter.admits(object))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zone_ids_follow_the_region() {
        assert_eq!(zone_id("us-west-2", "us-west-2a").as_deref(), Some("usw2-az1"));
        assert_eq!(zone_id("ap-southeast-1", "ap-southeast-1d").as_deref(), Some("apse1-az4"));
        assert_eq!(zone_id("us-west-2", "us-west-2e"), None);
        assert_eq!(zone_id("us-west-2", "eu-west-1a"), None);
    }
}
