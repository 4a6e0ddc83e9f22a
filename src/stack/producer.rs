//! The component `producer`: the warehouse that takes the writes, its key and its role.
//!
//! Called by `build`. Serverless only so far; the RA3 cluster is refused before the stack is built.

use super::{
    Stack,
    networking::Network,
    warehouse::{self, Warehouse},
};
use crate::{
    aws::{
        Owner,
        alias::{Alias, AliasSpec},
        ids::KeyArn,
        key::{Key, KeySpec},
        namespace::Namespace,
    },
    config::typed::{Config, ProducerKind},
    kind::{Handle, In, Tags},
};

/// Describes the producer.
pub(super) fn describe(stack: &mut Stack, config: &Config, owner: &Owner, network: &Network) {
    let ProducerKind::Serverless(capacity) = &config.producer.kind else { return };
    let producer = &config.producer;
    let mut part = stack.component("producer", "producer");
    let key: In<KeyArn> = match &producer.kms_key_arn {
        Some(arn) => In::Literal(arn.as_str().into()),
        None => {
            // The final snapshot is encrypted with the key: where one will be taken, the key outlives the estate.
            let retain = producer.final_snapshot;
            let description = format!("rsds: data of {}", config.producer_name());
            let spec = KeySpec { description, rotation: true, enabled: true, retain, tags: Tags::new() };
            let key = part.add::<Key>("key", spec);
            part.comes_from(&key, "retain", "producer.final_snapshot");
            let alias = AliasSpec { name: format!("alias/{}", config.producer_name()), key: key.arn(), retain };
            let alias = part.add::<Alias>("key-alias", alias);
            part.comes_from(&alias, "retain", "producer.final_snapshot");
            key.arn()
        }
    };
    let warehouse = Warehouse {
        name: config.producer_name(),
        capacity: *capacity,
        database: &producer.database,
        admin_username: &producer.admin_username,
        kms_key: Some(key),
        s3_buckets: &producer.s3_buckets,
        writes_to_s3: true,
        all_commands: false,
        log_exports: &producer.logging,
        final_snapshot: producer.final_snapshot,
        parameters: producer.parameters.clone(),
        port: producer.port,
        enhanced_vpc_routing: producer.enhanced_vpc_routing,
        publicly_accessible: producer.publicly_accessible,
        security_group: &network.producer_group,
    };
    let (namespace, _) = warehouse::describe(&mut part, config, owner, network, warehouse);
    name_keys(&mut part, &namespace);
}

fn name_keys(part: &mut super::Component<'_>, namespace: &Handle<Namespace>) {
    part.comes_from(namespace, "kms_key", "producer.kms_key_arn");
    part.comes_from(namespace, "log_exports", "producer.logging");
}
