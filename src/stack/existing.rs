//! An existing network: which VPC the TOML means, which of its subnets the estate lies in, and whether they are fit.
//!
//! Called by `session` with what AWS shows and what the state recorded. Pure. A choice once made stays: where resources
//! stand, neither a new subnet nor another order moves them. It must report every problem at once, each at its key.

mod subnets;

use super::recorded;
use crate::{
    address::Address,
    aws::{
        Owner,
        ids::{InternetGatewayId, SubnetId, VpcId},
        network::{FoundNetwork, FoundSubnet, FoundVpc},
    },
    config::{
        Diagnostic, Environment, Origin, Problems,
        diagnostic::{did_you_mean, sort},
        typed::{Config, Vpc},
    },
    state::State,
};
use ipnet::Ipv4Net;
use std::collections::BTreeSet;

/// The network that the estate lies in and that is not its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Existing {
    /// The VPC.
    pub vpc: VpcId,
    /// The subnets used; empty where the estate makes its own in the VPC.
    pub subnets: BTreeSet<SubnetId>,
    /// The VPC's own internet gateway; `None` where it has none, or the one rsds made for it.
    pub internet_gateway: Option<InternetGatewayId>,
}

/// What is asked about, and what has been found wrong with it.
struct Survey<'a> {
    environment: &'a Environment,
    config: &'a Config,
    state: &'a State,
    owner: &'a Owner,
    found: &'a FoundNetwork,
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
}

/// Makes a diagnostic at a key of the TOML.
fn at(environment: &Environment, path: &str, message: &str) -> Diagnostic {
    let origin = environment.origin(path).cloned().unwrap_or(Origin::Default);
    Diagnostic::error(format!("{path}: {message}"), &origin)
}

/// Finds the VPC that the TOML names.
///
/// Errors: there is none, there are several, or it is one that rsds made for this environment.
pub fn vpc(environment: &Environment, state: &State, owner: &Owner, all: &[FoundVpc]) -> Result<FoundVpc, Problems> {
    let config = &environment.config;
    let key = config.networking.vpc_key();
    let problem =
        |message: String, help: Option<String>| Err(Problems::one(at(environment, key, &message).maybe_help(help)));
    let matching: Vec<&FoundVpc> = match &config.networking.vpc {
        Vpc::New(_) => Vec::new(),
        Vpc::Id(id) => all.iter().filter(|vpc| vpc.id.as_str() == id).collect(),
        Vpc::Name(name) => all.iter().filter(|vpc| vpc.name() == Some(name)).collect(),
    };
    // Where the estate stands already, a namesake changes nothing.
    let stands = recorded::vpc(state).and_then(|id| matching.iter().find(|vpc| vpc.id.as_str() == id));
    let vpc = match (stands, matching.as_slice()) {
        (Some(vpc), _) | (None, [vpc]) => *vpc,
        (None, []) => {
            let message = match &config.networking.vpc {
                Vpc::Name(name) => format!("no VPC in {} has the Name tag `{name}`", config.region),
                _ => format!("there is no such VPC in {}", config.region),
            };
            return problem(message, nearby(config, all));
        }
        (None, several) => {
            let ids: Vec<&str> = several.iter().map(|vpc| vpc.id.as_str()).collect();
            let message = format!("{} VPCs have this Name tag: {}", ids.len(), ids.join(", "));
            return problem(message, Some(format!("say which: vpc_id = \"{}\"", ids[0])));
        }
    };
    if owner.made(&vpc.tags) {
        let message = format!("{} is the VPC that rsds made for this environment", vpc.id);
        return problem(message, Some("keep the `vpc_cidr` that it was made with".to_owned()));
    }
    Ok(vpc.clone())
}

/// Says which VPCs there are.
fn nearby(config: &Config, all: &[FoundVpc]) -> Option<String> {
    let names: BTreeSet<&str> = all.iter().filter_map(FoundVpc::name).collect();
    let listed = |vpc: &FoundVpc| vpc.name().map_or_else(|| vpc.id.to_string(), |name| format!("{} ({name})", vpc.id));
    match &config.networking.vpc {
        Vpc::Name(name) if !names.is_empty() => did_you_mean(name, names.iter().copied()),
        _ if all.is_empty() => Some("this account has no VPC there: check the region and the credentials".to_owned()),
        _ => Some(format!("there is {}", all.iter().take(20).map(listed).collect::<Vec<_>>().join(", "))),
    }
}

/// Chooses what the estate uses of the network; the second part is what is worth knowing.
///
/// Errors: every reason why the network does not fit.
pub fn choose(
    environment: &Environment,
    state: &State,
    owner: &Owner,
    found: &FoundNetwork,
) -> Result<(Existing, Vec<Diagnostic>), Problems> {
    let (errors, warnings) = (Vec::new(), Vec::new());
    let mut survey = Survey { environment, config: &environment.config, state, owner, found, errors, warnings };
    survey.vpc();
    let subnets = match survey.config.networking.uses_existing_subnets() {
        true => survey.subnets(),
        false => {
            survey.ranges();
            BTreeSet::new()
        }
    };
    survey.way_to_s3(&subnets);
    let internet_gateway = survey.gateway();
    let Survey { mut errors, mut warnings, .. } = survey;
    if !errors.is_empty() {
        sort(&mut errors);
        return Err(Problems(errors));
    }
    sort(&mut warnings);
    Ok((Existing { vpc: found.vpc.id.clone(), subnets, internet_gateway }, warnings))
}

/// Takes the state's word: for a destroy, which asks nothing of the network.
#[must_use]
pub fn believed(state: &State) -> Existing {
    let vpc = recorded::vpc(state).unwrap_or_default();
    let subnets = recorded::subnets(state, vpc).into_keys().collect();
    Existing { vpc: vpc.into(), subnets, internet_gateway: None }
}

impl Survey<'_> {
    fn error(&mut self, path: &str, message: &str, help: impl Into<String>) {
        self.errors.push(at(self.environment, path, message).help(help));
    }

    fn warning(&mut self, path: &str, message: &str, help: &str) {
        let diagnostic = at(self.environment, path, message);
        self.warnings.push(Diagnostic::warning(diagnostic.message, &diagnostic.origin).help(help));
    }

    fn vpc_key(&self) -> &'static str {
        self.config.networking.vpc_key()
    }

    fn vpc(&mut self) {
        let (key, vpc) = (self.vpc_key(), &self.found.vpc);
        if !vpc.available {
            self.error(key, &format!("{} is not available yet", vpc.id), "run it again in a minute");
        }
        let off: Vec<&str> =
            [(self.found.dns_support, "enableDnsSupport"), (self.found.dns_hostnames, "enableDnsHostnames")]
                .into_iter()
                .filter_map(|(on, name)| (!on).then_some(name))
                .collect();
        if !off.is_empty() {
            let message = format!(
                "{} has {} off: names of warehouses and of the load balancer may not resolve inside it",
                vpc.id,
                off.join(" and ")
            );
            self.warning(key, &message, "rsds changes nothing of an existing VPC: have its owner switch it on");
        }
    }

    /// Whether a subnet is one that rsds made for this environment: it may be about to go.
    fn is_own(&self, subnet: &FoundSubnet) -> bool {
        self.owner.made(&subnet.tags) || recorded::is_own_subnet(self.state, &subnet.id)
    }

    /// The ranges of new subnets lie in the VPC and beside what is there.
    fn ranges(&mut self) {
        let taken: Vec<(Ipv4Net, &FoundSubnet)> = self
            .found
            .subnets
            .values()
            .filter(|subnet| !self.is_own(subnet))
            .filter_map(|subnet| Some((subnet.cidr?, subnet)))
            .collect();
        let found = self.found;
        let listed = found.vpc.cidrs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        for (index, range) in self.config.networking.subnet_cidrs.iter().enumerate() {
            let path = format!("networking.subnet_cidrs[{index}]");
            if !found.vpc.cidrs.iter().any(|cidr| cidr.contains(range)) {
                let message = format!("`{range}` is outside the ranges of {}: {listed}", found.vpc.id);
                self.error(&path, &message, self.room(&taken, *range));
            } else if let Some((cidr, subnet)) = taken.iter().find(|(cidr, _)| overlap(*cidr, *range)) {
                let message = format!("`{range}` overlaps {} ({cidr}), which {} has already", subnet.id, found.vpc.id);
                self.error(&path, &message, self.room(&taken, *range));
            }
        }
    }

    /// Says where the VPC has room for a range as large as this.
    fn room(&self, taken: &[(Ipv4Net, &FoundSubnet)], like: Ipv4Net) -> String {
        let planned = &self.config.networking.subnet_cidrs;
        let is_free = |range: &Ipv4Net| {
            taken.iter().all(|(cidr, _)| !overlap(*cidr, *range)) && planned.iter().all(|cidr| !overlap(*cidr, *range))
        };
        let ranges = self.found.vpc.cidrs.iter().filter_map(|cidr| cidr.subnets(like.prefix_len()).ok()).flatten();
        match ranges.into_iter().find(is_free) {
            Some(range) => format!("`{range}` is free"),
            None => format!("it has no free /{} left: use smaller ranges, or its subnets", like.prefix_len()),
        }
    }

    /// With enhanced VPC routing, COPY and UNLOAD hang where no route leads to S3 (aws-facts.md 12, 21).
    fn way_to_s3(&mut self, subnets: &BTreeSet<SubnetId>) {
        let config = self.config;
        let routed = config.producer.enhanced_vpc_routing
            || config.consumers.values().any(|consumer| consumer.enhanced_vpc_routing);
        let chosen = subnets.iter().filter_map(|id| self.found.subnets.get(id));
        let without = chosen.filter(|subnet| !subnet.routes.s3 && !subnet.routes.outside);
        let without: Vec<&str> = without.map(|subnet| subnet.id.as_str()).collect();
        if routed && !without.is_empty() {
            let message = format!("no route leads from {} to S3: COPY and UNLOAD will hang", without.join(", "));
            let help = "have an S3 gateway endpoint put into their route tables; rsds changes no routes that exist";
            self.warning(self.vpc_key(), &message, help);
        }
    }

    /// Returns the VPC's own internet gateway, unless it is one that rsds made for it.
    fn gateway(&self) -> Option<InternetGatewayId> {
        let own = self.state.entries.get(&Address::new("networking", "internet-gateway"));
        let own = own.and_then(|entry| entry.id.as_ref());
        let found = self.found.internet_gateway.as_ref();
        found.filter(|id| own.is_none_or(|own| own.as_str() != id.as_str())).cloned()
    }
}

fn overlap(one: Ipv4Net, other: Ipv4Net) -> bool {
    one.contains(&other) || other.contains(&one)
}
