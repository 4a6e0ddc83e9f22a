//! Readers of single workgroup settings, shared by create and update.
//!
//! Called by the workgroup operations. Source: the attribute table of aws-facts.md 6.2. Must never change the world.

use super::{AwsError, PriceTarget, Request, World, capacity, invalid};

/// Port when none is given.
pub(super) const DEFAULT_PORT: i64 = 5439;
/// Level of an enabled price-performance target when none is given: BALANCED.
pub(super) const BALANCED: i64 = 50;
const LEVELS: [i64; 5] = [1, 25, 50, 75, 100];
const TRACKS: [&str; 2] = ["current", "trailing"];
/// Track when none is given.
pub(super) const DEFAULT_TRACK: &str = "current";

/// The base capacity of the call.
pub(super) fn base(world: &World, req: &Request) -> Result<Option<i64>, AwsError> {
    let base = req.opt_int("baseCapacity")?;
    base.map_or(Ok(()), |rpu| capacity::check(&world.region, "baseCapacity", rpu))?;
    Ok(base)
}

/// The maximum capacity of the call; `NO_MAXIMUM` passes.
pub(super) fn max(world: &World, req: &Request) -> Result<Option<i64>, AwsError> {
    let max = req.opt_int("maxCapacity")?;
    match max {
        Some(rpu) if rpu != capacity::NO_MAXIMUM => capacity::check(&world.region, "maxCapacity", rpu)?,
        _ => {}
    }
    Ok(max)
}

/// The port of the call: 5431-5455 or 8191-8215.
pub(super) fn port(req: &Request) -> Result<Option<i64>, AwsError> {
    match req.opt_int("port")? {
        Some(port) if !(5431..=5455).contains(&port) && !(8191..=8215).contains(&port) => {
            Err(invalid(format!("The port {port} is not valid: it must be within 5431-5455 or 8191-8215")))
        }
        port => Ok(port),
    }
}

/// The track of the call.
pub(super) fn track(req: &Request) -> Result<Option<String>, AwsError> {
    match req.opt_text("trackName")? {
        Some(track) if !TRACKS.contains(&track.as_str()) => {
            Err(invalid(format!("The track '{track}' does not exist; there are {}", TRACKS.join(" and "))))
        }
        track => Ok(track),
    }
}

/// Refuses every address type but `ipv4`: no subnet of the sandbox has an IPv6 block.
pub(super) fn address_type(req: &Request) -> Result<(), AwsError> {
    match req.opt_text("ipAddressType")?.as_deref() {
        None | Some("ipv4") => Ok(()),
        Some("dualstack") => {
            Err(AwsError::new("Ipv6CidrBlockNotFoundException", "The subnets have no associated IPv6 CIDR block."))
        }
        Some(other) => Err(invalid(format!("The IP address type '{other}' must be ipv4 or dualstack"))),
    }
}

/// The price-performance target of the call.
pub(super) fn price_target(req: &Request) -> Result<Option<PriceTarget>, AwsError> {
    let Some(target) = req.structure("pricePerformanceTarget") else { return Ok(None) };
    let enabled = match target.opt_text("status")?.as_deref() {
        Some("ENABLED") => true,
        Some("DISABLED") => false,
        other => {
            return Err(invalid(format!("The price-performance target status {other:?} must be ENABLED or DISABLED")));
        }
    };
    let level = target.opt_int("level")?;
    match level {
        Some(level) if !LEVELS.contains(&level) => {
            Err(invalid(format!("The price-performance target level {level} must be one of 1, 25, 50, 75, 100")))
        }
        Some(_) if !enabled => Err(invalid("A price-performance target that is DISABLED takes no level")),
        _ => Ok(Some(PriceTarget { enabled, level: enabled.then(|| level.unwrap_or(BALANCED)) })),
    }
}
