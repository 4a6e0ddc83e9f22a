//! The components `consumer-<group>-<n>`: one warehouse each, and its targets at the load balancer.
//!
//! Called by `build`. What belongs to one consumer sits here, so that it comes and goes with it.

use super::{
    Stack,
    networking::Network,
    nlb::Balancer,
    warehouse::{self, Warehouse},
};
use crate::{
    aws::{
        Owner,
        targets::{Targets, TargetsSpec},
    },
    config::typed::Config,
};

/// Describes every reader of every group.
pub(super) fn describe(
    stack: &mut Stack,
    config: &Config,
    owner: &Owner,
    network: &Network,
    balancer: Option<&Balancer>,
) {
    for (reader, consumer) in config.readers() {
        let origin = format!("consumers.{}", reader.group);
        let mut part = stack.component(&reader.component(), &origin);
        let warehouse = Warehouse {
            name: config.reader_name(reader),
            capacity: consumer.capacity,
            database: &consumer.database,
            admin_username: &consumer.admin_username,
            managed_password: true,
            kms_key: None,
            s3_buckets: &consumer.s3_buckets,
            writes_to_s3: false,
            all_commands: true,
            log_exports: &consumer.log_exports,
            final_snapshot: consumer.final_snapshot,
            parameters: consumer.config_parameters(),
            port: consumer.port,
            enhanced_vpc_routing: consumer.enhanced_vpc_routing,
            publicly_accessible: consumer.publicly_accessible,
            security_group: &network.consumer_group,
        };
        let (_, workgroup) = warehouse::describe(&mut part, config, owner, network, warehouse);
        let timeout = format!("{origin}.query_timeout");
        part.comes_from(&workgroup, "parameters.max_query_execution_time", &timeout);
        let Some(balancer) = balancer.filter(|_| consumer.behind_nlb) else { continue };
        let spec = TargetsSpec {
            target_group: balancer.target_group.arn(),
            addresses: workgroup.addresses(),
            port: consumer.port,
        };
        let targets = part.add::<Targets>("targets", spec);
        part.after(&targets, &balancer.listener, "targets are checked once a listener uses their group");
        for rule in &network.path_to_consumers {
            part.after(&targets, rule, "the load balancer reaches the consumers through this rule");
        }
    }
}
