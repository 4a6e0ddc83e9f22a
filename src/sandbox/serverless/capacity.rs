//! Which capacities a workgroup may have and how many free addresses they need.
//!
//! Called by the workgroup operations. Source: the RPU and subnet rules of aws-facts.md 6.2. Must never read the world.

use super::{AwsError, invalid};

/// Base capacity when none is given.
pub(super) const DEFAULT_BASE: i64 = 128;
/// `maxCapacity` that means: no maximum.
pub(super) const NO_MAXIMUM: i64 = -1;
/// Regions in which 4 RPUs exist.
const FOUR: [&str; 9] = [
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-northeast-1",
    "eu-west-1",
];
const FOUR_NORTH: &str = "eu-north-1";
/// Regions that certainly go up to 1024 RPUs (the fifth is not certain).
const LARGE: [&str; 4] = ["us-east-1", "us-east-2", "us-west-2", "eu-west-1"];
/// RPUs, free addresses per subnet at create, and when growing to them.
const FREE: [(i64, usize, usize); 9] = [
    (4, 9, 9),
    (8, 9, 10),
    (16, 13, 10),
    (32, 13, 13),
    (64, 21, 16),
    (128, 37, 28),
    (256, 69, 52),
    (512, 133, 100),
    (1024, 261, 197),
];

/// Refuses a capacity that the region does not offer: 4, 8 to 512 by 8, 512 to 1024 by 32.
pub(super) fn check(region: &str, member: &str, rpu: i64) -> Result<(), AwsError> {
    let largest = if LARGE.contains(&region) { 1024 } else { 512 };
    let step = if rpu > 512 { 32 } else { 8 };
    let four = rpu == 4 && (FOUR.contains(&region) || region == FOUR_NORTH);
    if four || ((8..=largest).contains(&rpu) && rpu % step == 0) {
        return Ok(());
    }
    Err(invalid(format!(
        "The value {rpu} of {member} is not valid in {region}: it must be 4 (in some regions), a multiple of 8 from 8 to \
         512, or above that a multiple of 32 up to {largest}"
    )))
}

/// Refuses a maximum below the base.
pub(super) fn check_pair(base: i64, max: Option<i64>) -> Result<(), AwsError> {
    match max {
        Some(max) if max < base => {
            Err(invalid(format!("The maximum capacity {max} must not be less than the base capacity {base}")))
        }
        _ => Ok(()),
    }
}

/// Free addresses every subnet needs for a new workgroup of that base with enhanced VPC routing.
pub(super) fn free_at_create(base: i64) -> usize {
    row(base).1
}

/// Free addresses every subnet needs when a workgroup with enhanced VPC routing grows to that base.
pub(super) fn free_to_grow(base: i64) -> usize {
    row(base).2
}

fn row(base: i64) -> (i64, usize, usize) {
    let [.., largest] = FREE;
    FREE.into_iter().find(|(rpu, ..)| base <= *rpu).unwrap_or(largest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capacities_follow_steps_and_regions() {
        for good in [4, 8, 24, 512, 544, 1024] {
            assert!(check("us-west-2", "baseCapacity", good).is_ok(), "{good}");
        }
        for bad in [0, 2, 5, 33, 520, 1056, -1] {
            assert!(check("us-west-2", "baseCapacity", bad).is_err(), "{bad}");
        }
        assert!(check("eu-central-1", "baseCapacity", 544).is_err());
        assert!(check("eu-central-1", "baseCapacity", 4).is_err());
        assert!(check("eu-north-1", "baseCapacity", 4).is_ok());
        assert!(check_pair(64, Some(32)).is_err());
    }

    #[test]
    fn a_base_between_two_rows_needs_the_larger() {
        assert_eq!((free_at_create(24), free_at_create(32), free_at_create(40)), (13, 13, 21));
        assert_eq!((free_to_grow(8), free_to_grow(1024)), (10, 197));
    }
}
