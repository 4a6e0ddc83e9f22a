//! The components `consumer-<group>-<n>`: one warehouse each, its usage limit, its domain, and its targets at the load
//! balancer.
//!
//! Called by `build`. What belongs to one consumer sits here, so that it comes and goes with it.

use super::{
    Component, Stack,
    monitoring::Watch,
    networking::Network,
    nlb::Port,
    sharing::Place,
    warehouse::{self, Budget, Described, Warehouse},
};
use crate::{
    aws::{
        Owner,
        custom_domain::{CustomDomain, CustomDomainSpec},
        endpoint_access::{EndpointAccess, EndpointAccessSpec},
        ids::CertificateArn,
        targets::{Targets, TargetsSpec},
        workgroup::Workgroup,
    },
    config::typed::{Config, NlbTargets, Reader},
    kind::{Handle, In},
};
use std::{collections::BTreeSet, net::IpAddr};

/// Describes every reader of every group. Answers where statements can be sent.
pub(super) fn describe<'a>(
    stack: &mut Stack,
    config: &'a Config,
    owner: &Owner,
    network: &Network,
    watch: &Watch<'_>,
    ports: &[Port],
) -> Vec<(Reader<'a>, Place<'a>)> {
    let mut places = Vec::new();
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
            log_retention: consumer.log_retention,
            final_snapshot: consumer.final_snapshot,
            restore: consumer.restore.as_ref(),
            parameters: consumer.config_parameters(),
            port: consumer.port,
            enhanced_vpc_routing: consumer.enhanced_vpc_routing,
            publicly_accessible: consumer.publicly_accessible,
            security_group: &network.consumer_group,
        };
        let Described { namespace, workgroup, runs: compute } =
            warehouse::describe(&mut part, config, owner, network, warehouse);
        let name = config.reader_name(reader);
        let (component, database) = (reader.component(), consumer.database.as_str());
        let (namespace, arn) = (namespace.id(), namespace.arn());
        places.push((reader, Place { component, namespace, arn, database, compute }));
        let timeout = format!("{origin}.query_timeout");
        part.comes_from(&workgroup, "parameters.max_query_execution_time", &timeout);
        if let Some(limit) = &consumer.usage_limit {
            let budget = Budget { period: limit.period, rpu_hours: limit.rpu_hours, action: limit.action };
            let (key, of) = (format!("{origin}.usage_limit"), (name.as_str(), "usage-limit"));
            warehouse::usage_limit(&mut part, watch, of, &workgroup, budget, (&key, "rpu_hours"));
        }
        watch.consumer(&mut part, &name, &workgroup, consumer.capacity);
        let ports: Vec<&Port> = ports.iter().filter(|port| port.sends_to(reader.group)).collect();
        if !consumer.behind_nlb || ports.is_empty() {
            continue;
        }
        custom_domain(&mut part, config, reader, &workgroup);
        let addresses = addresses(&mut part, config, reader, network, &workgroup);
        for port in ports {
            let spec = TargetsSpec {
                target_group: port.target_group.arn(),
                addresses: addresses.clone(),
                port: consumer.port,
            };
            let targets = part.add::<Targets>(&port.targets, spec);
            part.after(&targets, &port.listener, "targets are checked once a listener uses their group");
            for rule in &network.path_to_consumers {
                part.after(&targets, rule, "the load balancer reaches the consumers through this rule");
            }
        }
    }
    places
}

/// Describes the reader's own domain, whose certificate names what clients dial, too.
fn custom_domain(part: &mut Component<'_>, config: &Config, reader: Reader<'_>, workgroup: &Handle<Workgroup>) {
    let (Some(shared), Some(name)) = (&config.nlb.custom_domain, config.reader_domain(reader)) else { return };
    let certificate = CertificateArn(shared.certificate_arn.clone());
    let spec = CustomDomainSpec { name, workgroup: workgroup.name(), certificate };
    let domain = part.add::<CustomDomain>("custom-domain", spec);
    part.after(&domain, workgroup, "a workgroup takes a domain once it is available");
    for (field, key) in [("name", "name"), ("certificate", "certificate_arn")] {
        part.comes_from(&domain, field, &format!("nlb.custom_domain.{key}"));
    }
}

/// Returns the addresses the load balancer sends to: the workgroup's own, or those of a managed endpoint.
fn addresses(
    part: &mut Component<'_>,
    config: &Config,
    reader: Reader<'_>,
    network: &Network,
    workgroup: &Handle<Workgroup>,
) -> In<BTreeSet<IpAddr>> {
    match config.nlb.targets {
        NlbTargets::Workgroup => workgroup.addresses(),
        NlbTargets::Endpoint => {
            let spec = EndpointAccessSpec {
                name: config.reader_name(reader),
                workgroup: workgroup.name(),
                subnets: network.subnet_ids(),
                security_groups: BTreeSet::from([network.consumer_group.id()]),
            };
            let endpoint = part.add::<EndpointAccess>("endpoint", spec);
            part.after(&endpoint, workgroup, "AWS makes endpoints of available workgroups alone");
            endpoint.addresses()
        }
    }
}
