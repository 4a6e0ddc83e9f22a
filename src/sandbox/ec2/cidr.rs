//! CIDR blocks: the canonical form AWS keeps, and the ranges a network may have.
//!
//! Called by vpc.rs, subnet.rs, route.rs, permission.rs. Host bits are cleared, as AWS does (aws-facts.md 1.2).

use ipnet::{Ipv4Net, Ipv6Net};

use super::{AwsError, invalid};

/// The shortest prefix (largest network) of a VPC or subnet (aws-facts.md 1.2).
const SHORTEST: u8 = 16;
/// The longest prefix (smallest network) of a VPC or subnet (aws-facts.md 1.2).
const LONGEST: u8 = 28;
/// Ranges no VPC may lie in.
const RESTRICTED: [&str; 4] = ["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4"];

/// Reads an IPv4 CIDR block in canonical form; `parameter` names it in the error.
pub(super) fn v4(text: &str, parameter: &str) -> Result<Ipv4Net, AwsError> {
    text.parse::<Ipv4Net>().map(|net| net.trunc()).map_err(|_| malformed(text, parameter))
}

/// Reads an IPv6 CIDR block in canonical form; `parameter` names it in the error.
pub(super) fn v6(text: &str, parameter: &str) -> Result<Ipv6Net, AwsError> {
    text.parse::<Ipv6Net>().map(|net| net.trunc()).map_err(|_| malformed(text, parameter))
}

fn malformed(text: &str, parameter: &str) -> AwsError {
    invalid(format!("Value ({text}) for parameter {parameter} is invalid. This is not a valid CIDR block."))
}

/// Checks the size of a network of a VPC or subnet; `code` is the error of the kind.
pub(super) fn demand_size(net: Ipv4Net, code: &str) -> Result<(), AwsError> {
    if (SHORTEST..=LONGEST).contains(&net.prefix_len()) { Ok(()) } else { Err(out_of_range(net, code)) }
}

/// Checks that a VPC does not lie in a range AWS keeps back.
pub(super) fn demand_unrestricted(net: Ipv4Net, code: &str) -> Result<(), AwsError> {
    let restricted =
        RESTRICTED.iter().filter_map(|range| range.parse::<Ipv4Net>().ok()).any(|range| range.contains(&net));
    if restricted { Err(out_of_range(net, code)) } else { Ok(()) }
}

/// The error of a CIDR block that a network may not have.
pub(super) fn out_of_range(net: Ipv4Net, code: &str) -> AwsError {
    AwsError::new(code, format!("The CIDR '{net}' is invalid."))
}

/// Tells whether two blocks share an address.
pub(super) fn overlap(a: Ipv4Net, b: Ipv4Net) -> bool {
    a.contains(&b.network()) || b.contains(&a.network())
}
