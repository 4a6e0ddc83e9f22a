//! Readers of single cluster settings, shared by create and modify.
//!
//! Called by the cluster operations. Source: aws-facts.md 4 and 5.3 and the API model. Must never change the world, nor
//! put a password into a message.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::super::{ec2, iam, kms, serverless};
use super::subnet_group::SubnetGroup;
use super::{AwsError, Request, World, combination, invalid, name};

/// Port when none is given.
pub(super) const DEFAULT_PORT: i64 = 5439;
/// Track when none is given.
pub(super) const DEFAULT_TRACK: &str = "current";
const TRACKS: [&str; 2] = ["current", "trailing"];
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// Shortest maintenance window, and a day, in minutes.
const SHORTEST_WINDOW: usize = 30;
const DAY: usize = 24 * 60;
/// Most roles of a cluster.
const MOST_ROLES: usize = 50;
/// Zones that a cluster in two of them needs its subnet group to have, and nodes in each.
const MULTI_AZ: (usize, i64) = (3, 2);

/// How the admin logs in.
pub(super) enum Admin {
    /// Nothing was said.
    Unsaid,
    /// A password of the caller's, checked and forgotten.
    Given,
    /// A secret that the service keeps.
    Managed,
}

/// Reads the admin members: a password or a managed one, not both.
pub(super) fn admin(req: &Request) -> Result<Admin, AwsError> {
    let managed = req.opt_bool("ManageMasterPassword")?;
    let password = req.opt_text("MasterUserPassword")?;
    if req.has("MasterPasswordSecretKmsKeyId") && managed != Some(true) {
        return Err(combination("MasterPasswordSecretKmsKeyId needs ManageMasterPassword to be true."));
    }
    match (managed, password) {
        (Some(true), Some(_)) => {
            Err(combination("You can't use MasterUserPassword if ManageMasterPassword is true. Set one of them."))
        }
        (Some(true), None) => Ok(Admin::Managed),
        (_, Some(password)) => {
            serverless::check_password(&password).map(|()| Admin::Given).map_err(|error| invalid(error.message))
        }
        (Some(false), None) => Err(combination("MasterUserPassword is required if ManageMasterPassword is false.")),
        (None, None) => Ok(Admin::Unsaid),
    }
}

/// ARN of a customer key that can be used now.
pub(super) fn key(world: &World, now: Timestamp, req: &Request, member: &str) -> Result<Option<String>, AwsError> {
    let Some(id) = req.opt_text(member)? else { return Ok(None) };
    kms::usable_key(world, now, &id).map(Some).map_err(|error| {
        invalid(format!("The KMS key '{id}' of {member} can't be used: {} ({})", error.message, error.code))
    })
}

/// The port of the call: 5431-5455 or 8191-8215.
pub(super) fn port(req: &Request) -> Result<Option<i64>, AwsError> {
    match req.opt_int("Port")? {
        Some(port) if !(5431..=5455).contains(&port) && !(8191..=8215).contains(&port) => {
            Err(invalid(format!("The port {port} is not within 5431-5455 or 8191-8215.")))
        }
        port => Ok(port),
    }
}

/// Days that automated snapshots are kept: 1 to 35, as they can't be disabled for these node types.
pub(super) fn automated_retention(req: &Request) -> Result<Option<i64>, AwsError> {
    match req.opt_int("AutomatedSnapshotRetentionPeriod")? {
        Some(days) if !(1..=35).contains(&days) => {
            Err(invalid(format!("The automated snapshot retention period {days} is not between 1 and 35 days.")))
        }
        days => Ok(days),
    }
}

/// Days that manual snapshots are kept: 1 to 3653; -1 is for ever, the inner none.
pub(super) fn manual_retention(req: &Request, member: &str) -> Result<Option<Option<i64>>, AwsError> {
    match req.opt_int(member)? {
        None => Ok(None),
        Some(-1) => Ok(Some(None)),
        Some(days) if (1..=3653).contains(&days) => Ok(Some(Some(days))),
        Some(days) => Err(AwsError::new(
            "InvalidRetentionPeriodFault",
            format!("The value {days} of {member} is neither -1 nor between 1 and 3653 days."),
        )),
    }
}

/// The maintenance track of the call.
pub(super) fn track(req: &Request) -> Result<Option<String>, AwsError> {
    match req.opt_text("MaintenanceTrackName")? {
        Some(track) if !TRACKS.contains(&track.as_str()) => {
            Err(AwsError::new("InvalidClusterTrack", format!("The maintenance track {track} is not valid.")))
        }
        track => Ok(track),
    }
}

/// The maintenance window of the call in lower case: `ddd:hh:mm-ddd:hh:mm`, from 30 minutes to a day.
pub(super) fn window(req: &Request) -> Result<Option<String>, AwsError> {
    let Some(text) = req.opt_text("PreferredMaintenanceWindow")? else { return Ok(None) };
    let window = text.to_ascii_lowercase();
    let ends = window.split_once('-').and_then(|(from, to)| minute(from).zip(minute(to)));
    let length = ends.map(|(from, to)| (to + 7 * DAY - from) % (7 * DAY));
    match length {
        Some(length) if (SHORTEST_WINDOW..=DAY).contains(&length) => Ok(Some(window)),
        Some(_) => Err(invalid(format!("The maintenance window {text} must last from 30 minutes to 24 hours."))),
        None => {
            Err(invalid(format!("The maintenance window {text} does not have the format ddd:hh24:mi-ddd:hh24:mi.")))
        }
    }
}

/// Minute of the week of `ddd:hh:mm`.
fn minute(text: &str) -> Option<usize> {
    let mut parts = text.split(':');
    let day = parts.next()?;
    let day = DAYS.iter().position(|known| *known == day)?;
    let mut number = |most: usize| {
        let digits = parts.next().filter(|digits| digits.len() == 2)?;
        digits.parse::<usize>().ok().filter(|number| *number <= most)
    };
    let (hour, minute) = (number(23)?, number(59)?);
    parts.next().is_none().then_some(day * DAY + hour * 60 + minute)
}

/// A maintenance window of 30 minutes that follows from seeded hex digits, as AWS picks one at random.
pub(super) fn some_window(seed: &str) -> String {
    let number = usize::from_str_radix(seed, 16).unwrap_or_default();
    let day = DAYS.get(number % DAYS.len()).unwrap_or(&"sun");
    let hour = number / DAYS.len() % 23;
    format!("{day}:{hour:02}:30-{day}:{:02}:00", hour + 1)
}

/// Refuses every address type but `ipv4`: no subnet of the sandbox has an IPv6 block.
pub(super) fn address_type(req: &Request) -> Result<(), AwsError> {
    match req.opt_text("IpAddressType")?.as_deref() {
        None | Some("ipv4") => Ok(()),
        Some("dualstack") => {
            Err(AwsError::new("Ipv6CidrBlockNotFoundFault", "There are no subnets in your VPC with IPv6 CIDR blocks."))
        }
        Some(other) => Err(invalid(format!("The IP address type {other} must be ipv4 or dualstack."))),
    }
}

/// Security groups of the call, all of the VPC; its default group when none is given.
pub(super) fn groups(world: &World, vpc: &str, req: &Request) -> Result<Vec<String>, AwsError> {
    let ids = req.texts("VpcSecurityGroupIds")?;
    serverless::check_groups(world, vpc, &ids).map_err(|error| invalid(error.message))
}

/// Refuses new roles that do not exist (or that IAM has not told of yet) or come twice, and more roles in all than a cluster can have.
pub(super) fn check_roles(world: &World, now: Timestamp, new: &[String], all: usize) -> Result<(), AwsError> {
    if let Some(unknown) = new.iter().find(|arn| iam::usable_role(world, now, arn).is_none()) {
        return Err(invalid(format!("The IAM role {unknown} is not valid or does not exist.")));
    }
    if new.iter().collect::<BTreeSet<_>>().len() < new.len() {
        return Err(invalid("The list of IAM roles names a role twice."));
    }
    if all > MOST_ROLES {
        return Err(invalid(format!("A cluster can have at most {MOST_ROLES} IAM roles.")));
    }
    Ok(())
}

/// Refuses a default role that is not among the roles.
pub(super) fn check_default_role(default_role: Option<&str>, roles: &[String]) -> Result<(), AwsError> {
    match default_role {
        Some(role) if !roles.iter().any(|arn| arn == role) => {
            Err(invalid(format!("The default IAM role {role} must be one of the cluster's IAM roles.")))
        }
        _ => Ok(()),
    }
}

/// The refusal of a network that a cluster can't lie in.
pub(super) fn network(message: impl Into<String>) -> AwsError {
    AwsError::new("InvalidVPCNetworkStateFault", message)
}

/// Refuses public access to a VPC without an internet gateway.
pub(super) fn check_public(world: &World, vpc: &str) -> Result<(), AwsError> {
    if world.ec2.public_access.blocks() {
        return Err(network("VPC Block Public Access is on, so the cluster can't be publicly accessible."));
    }
    if ec2::has_internet_gateway(world, vpc) {
        return Ok(());
    }
    Err(network(format!("The VPC {vpc} has no internet gateway, so the cluster can't be publicly accessible.")))
}

/// Refuses two zones at once for a cluster that is too small, can move, or lies in too few zones.
pub(super) fn check_multi_az(group: &SubnetGroup, nodes: i64, relocation: bool) -> Result<(), AwsError> {
    if relocation {
        return Err(combination("A cluster can't have both Multi-AZ and Availability Zone relocation."));
    }
    if nodes < MULTI_AZ.1 {
        return Err(combination(format!("A Multi-AZ cluster needs at least {} nodes in each zone.", MULTI_AZ.1)));
    }
    if group.zones().len() < MULTI_AZ.0 {
        return Err(network(format!(
            "A Multi-AZ cluster needs a cluster subnet group with at least {} Availability Zones; {} has {}.",
            MULTI_AZ.0,
            group.name,
            group.zones().len()
        )));
    }
    Ok(())
}

/// The identifier of a new cluster in lower case.
pub(super) fn identifier(req: &Request) -> Result<String, AwsError> {
    let name = req.text("ClusterIdentifier")?;
    name::check_identifier("ClusterIdentifier", &name, 63)?;
    Ok(name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_minutes_of_the_week() {
        assert_eq!(minute("mon:00:00"), Some(0));
        assert_eq!(minute("sun:23:59"), Some(7 * DAY - 1));
        for bad in ["", "mon", "mon:24:00", "mon:1:00", "mon:01:60", "day:01:00", "mon:01:00:00"] {
            assert_eq!(minute(bad), None, "{bad}");
        }
        assert_eq!(some_window("00"), "mon:00:30-mon:01:00");
    }
}
