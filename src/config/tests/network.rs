//! Names, VPC, subnets, zones, and what is reachable from outside.

use super::*;

#[test]
fn names_too_long_once_prefixed() {
    let project = "airline-data-warehouse-emea";
    refused(
        &with(1, &format!("project = \"{project}\"")),
        &[
            (
                1,
                "the load balancer would be `airline-data-warehouse-emea-dev-nlb`: 35 characters, 3 more than AWS allows (32)",
            ),
            (
                1,
                "the target group would be `airline-data-warehouse-emea-dev-5439`: 36 characters, 4 more than AWS allows (32)",
            ),
        ],
    );
    let group = "a".repeat(51);
    let name = format!("airline-dev-{group}-1");
    let at = format!("would be `{name}`: 65 characters, 1 more than AWS allows (64)");
    refused(&with(7, &format!("[consumers.{group}]")), &[(7, at.as_str())]);
    refused(&with(7, &format!("[consumers.{}]\ncount = 10", &group[1..])), &[(7, "65 characters, 1 more")]);
    good(&with(7, &format!("[consumers.{}]", &group[1..])));
}

#[test]
fn managed_endpoints_have_shorter_names() {
    let text = with(7, "[nlb]\ntargets = \"endpoint\"\n[consumers.analytics-of-sales-emea]");
    refused(
        &text,
        &[(
            9,
            "managed endpoint would be `airline-dev-analytics-of-sales-emea-1`: 37 characters, 7 more than AWS allows (30)",
        )],
    );
}

#[test]
fn names_have_their_characters() {
    refused(&with(1, "project = \"Air_Line\""), &[(1, "for example `air-line`")]);
    refused(&with(1, "project = \"sg\""), &[(1, "names that start with `sg-` belong to AWS")]);
    refused(&with(7, "[consumers.analytics-1]"), &[(7, "use `analytics` with `count`, or `analytics1`")]);
    refused(&with(7, "[consumers.\"a b\"]"), &[(7, "`a b` cannot be part of AWS names")]);
}

#[test]
fn region_and_account() {
    let text = with(2, "region = \"us-west\"\naccount = \"12345\"");
    refused(&text, &[(2, "`us-west` is not an AWS region"), (3, "`12345` is not an account number: it has 12 digits")]);
}

#[test]
fn exactly_one_vpc() {
    refused(&with(4, ""), &[(3, "exactly one of `vpc_cidr`, `vpc_id` and `vpc_name` is needed")]);
    refused(
        &with(4, "vpc_cidr = \"10.40.0.0/16\"\nvpc_name = \"main\""),
        &[(5, "only one of `vpc_cidr`, `vpc_id` and `vpc_name`")],
    );
    refused("project = \"a\"\nregion = \"us-west-2\"\n", &[(1, "the file has no table `networking`")]);
    refused(&with(4, "vpc_id = \"vpc-0abc1234\"\nvpc_cidr = \"10.0.0.0/16\""), &[(4, "only one of")]);
    for way in ["vpc_id = \"vpc-0abc1234\"", "vpc_name = \"main\""] {
        let environment = good(&with(4, way));
        assert!(environment.unsupported.is_empty());
        let network = &environment.config.networking;
        assert!(network.uses_existing_subnets() && !network.s3_endpoint, "nothing of theirs is routed anew");
    }
}

/// A file whose network is `lines` from line 4 on.
fn existing(lines: &str) -> String {
    with(4, &format!("vpc_id = \"vpc-0abc1234\"\n{lines}"))
}

#[test]
fn subnets_that_exist() {
    let three = "subnet_ids = [\"subnet-0000000a\", \"subnet-0000000b\", \"subnet-0000000c\"]";
    good(&existing(three));
    refused(&existing(&three.replace("0c\"", "0b\"")), &[(5, "`subnet-0000000b` is listed twice")]);
    refused(&existing("subnet_ids = [\"subnet-0000000a\"]"), &[(5, "1 subnets: Redshift Serverless needs at least 3")]);
    let both = format!("{three}\nsubnet_cidrs = [\"10.0.0.0/24\", \"10.0.1.0/24\", \"10.0.2.0/24\"]");
    refused(&existing(&both), &[(5, "either existing subnets or new ones")]);
    let own = with(4, &format!("vpc_cidr = \"10.40.0.0/16\"\n{three}"));
    refused(&own, &[(5, "existing subnets are in an existing VPC")]);
    refused(&existing(&format!("{three}\navailability_zones = 4")), &[(6, "4 availability zones for 3 subnets")]);
}

#[test]
fn two_zones_are_enough_where_nothing_routes_through_the_vpc() {
    let two = "subnet_ids = [\"subnet-0000000a\", \"subnet-0000000b\"]";
    let plain = |network: &str| {
        let text = existing(network).replace("base_capacity = 8", "enhanced_vpc_routing = false");
        text.replace("analytics]", "analytics]\nenhanced_vpc_routing = false")
    };
    good(&plain(two));
    good(&plain("availability_zones = 2"));
    refused(&existing(two), &[(5, "needs at least 3")]);
    refused(&existing("availability_zones = 2"), &[(5, "needs at least 3")]);
}

#[test]
fn routes_of_subnets_that_exist_stay_as_they_are() {
    refused(
        &existing("internet_gateway = true\ns3_endpoint = true"),
        &[(5, "subnets that exist keep the routes they have"), (6, "would change the route tables")],
    );
    let new = "subnet_cidrs = [\"10.0.0.0/24\", \"10.0.1.0/24\", \"10.0.2.0/24\"]\ninternet_gateway = true";
    assert!(good(&existing(&format!("{new}\ns3_endpoint = true"))).config.networking.s3_endpoint);
    // Whether what is to be public can be is seen in AWS.
    good(&existing("").replace("base_capacity = 8", "publicly_accessible = true"));
    let closed = new.replace("internet_gateway = true", "");
    refused(
        &existing(&closed).replace("base_capacity = 8", "publicly_accessible = true"),
        &[(8, "reachable from outside needs an internet gateway")],
    );
}

#[test]
fn ranges() {
    refused(&with(4, "vpc_cidr = \"10.0.0.0/8\""), &[(4, "is a /8: it must be between /16 and /28")]);
    refused(&with(4, "vpc_cidr = \"10.40.1.0/16\""), &[(4, "write `10.40.0.0/16`")]);
    refused(&with(4, "vpc_cidr = \"ten\""), &[(4, "`ten` is not an IPv4 range")]);
    refused(
        &with(4, "vpc_cidr = \"10.40.0.0/16\"\nallowed_cidrs = [\"10.0.0.1/8\", \"1.2.3.4\"]"),
        &[(5, "write `10.0.0.0/8`"), (5, "`1.2.3.4` is not")],
    );
}

#[test]
fn subnets_overlap_or_lie_outside() {
    let subnets =
        "vpc_cidr = \"10.40.0.0/16\"\nsubnet_cidrs = [\n\"10.40.0.0/22\",\n\"10.40.2.0/23\",\n\"10.41.0.0/23\"]";
    refused(
        &with(4, subnets),
        &[
            (7, "the subnet `10.40.2.0/23` overlaps `10.40.0.0/22`"),
            (8, "`10.41.0.0/23` is outside the VPC's range `10.40.0.0/16`"),
        ],
    );
}

#[test]
fn zones() {
    refused(
        &with(4, "vpc_cidr = \"10.40.0.0/16\"\navailability_zones = 2"),
        &[(5, "2 availability zones: Redshift Serverless needs at least 3")],
    );
    let named = "vpc_cidr = \"10.40.0.0/16\"\navailability_zones = [\"us-west-2a\", \"us-west-2b\", \"us-east-1c\"]";
    refused(&with(4, named), &[(5, "`us-east-1c` is not an availability zone of us-west-2")]);
    let twice = "vpc_cidr = \"10.40.0.0/16\"\navailability_zones = [\"us-west-2a\", \"us-west-2b\", \"us-west-2a\"]";
    refused(&with(4, twice), &[(5, "`us-west-2a` is listed twice")]);
    let counts = "vpc_cidr = \"10.40.0.0/16\"\nsubnet_cidrs = [\"10.40.0.0/23\", \"10.40.2.0/23\"]";
    refused(&with(4, counts), &[(5, "2 subnets for 3 availability zones: there must be one per zone")]);
    good(&with(4, &named.replace("us-east-1c", "us-west-2c")));
}

#[test]
fn subnets_too_small_for_what_runs_in_them() {
    // 8 for the load balancer, 9 for the producer (8 RPU), 13 for the reader (32 RPU).
    refused(
        &with(4, "vpc_cidr = \"10.40.0.0/16\"\nsubnet_cidrs = [\"10.40.0.0/27\", \"10.40.2.0/26\", \"10.40.4.0/28\"]"),
        &[
            (
                5,
                "`10.40.0.0/27` has 27 usable addresses, and this estate needs 30 free in every subnet (8 for the load balancer, 9 for the producer, 13 for consumer-analytics-1; a /26 has enough)",
            ),
            (5, "`10.40.4.0/28` has 11 usable"),
        ],
    );
    refused(&with(4, "vpc_cidr = \"10.40.0.0/25\""), &[(4, "`10.40.0.0/27` has 27 usable addresses")]);
    refused(&with(4, "vpc_cidr = \"10.40.0.0/28\""), &[(4, "has no room for 3 subnets of /28")]);
    // Without enhanced VPC routing 3 per workgroup are enough.
    let plain = with(4, "vpc_cidr = \"10.40.0.0/25\"");
    good(
        &plain
            .replace("base_capacity = 8", "enhanced_vpc_routing = false")
            .replace("analytics]", "analytics]\nenhanced_vpc_routing = false"),
    );
    let many = with(7, "[consumers.analytics]\ncount = 40");
    refused(
        &many.replace("10.40.0.0/16\"", "10.40.0.0/22\""),
        &[(4, "40 x 13 for consumer-analytics; a /22 has enough")],
    );
}

#[test]
fn public_needs_a_gateway() {
    let text = with(6, "publicly_accessible = true\n[nlb]\ninternal = false") + "publicly_accessible = true\n";
    refused(
        &text,
        &[
            (
                6,
                "producer.publicly_accessible: reachable from outside needs an internet gateway (set `internet_gateway = true` in `[networking]`)",
            ),
            (8, "nlb.internal"),
            (10, "consumers.analytics.publicly_accessible"),
        ],
    );
    good(&text.replace("[networking]", "[networking]\ninternet_gateway = true"));
}
