//! Which subnets of an existing VPC the estate lies in: those the TOML lists, or one per zone.
//!
//! Called by `existing`. It must never take a subnet away from what stands in it.

use super::{FoundSubnet, Survey};
use crate::{
    address::Address,
    aws::{Owner, ids::SubnetId},
    config::{
        addresses::{Want, wants, words},
        typed::Zones,
    },
    stack::recorded,
};
use serde_json::{Value as Json, json};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

/// The most subnets an error lists.
const LISTED: usize = 24;

/// Why a subnet cannot be used, and what to do about it.
struct Unfit {
    why: String,
    help: String,
}

fn unfit(why: impl Into<String>, help: impl Into<String>) -> Unfit {
    Unfit { why: why.into(), help: help.into() }
}

impl<'a> Survey<'a> {
    /// Chooses the subnets.
    pub(super) fn subnets(&mut self) -> BTreeSet<SubnetId> {
        self.way_in();
        if self.config.networking.subnet_ids.is_empty() { self.one_per_zone() } else { self.listed() }
    }

    /// What is to be reachable from outside needs the VPC's internet gateway.
    fn way_in(&mut self) {
        if self.found.internet_gateway.is_some() {
            return;
        }
        for key in self.config.public_keys() {
            let message =
                format!("reachable from outside needs an internet gateway, and {} has none", self.found.vpc.id);
            self.error(&key, &message, "rsds changes nothing of an existing VPC: have its owner attach one");
        }
    }

    /// Checks the subnets that the TOML lists.
    fn listed(&mut self) -> BTreeSet<SubnetId> {
        let (found, mut zones) = (self.found, BTreeMap::<&str, &SubnetId>::new());
        let mut chosen = BTreeSet::new();
        for (index, id) in self.config.networking.subnet_ids.iter().enumerate() {
            let path = format!("networking.subnet_ids[{index}]");
            let Some(subnet) = found.subnets.get(&SubnetId(id.clone())) else {
                self.missing(&path, id);
                continue;
            };
            for Unfit { why, help } in self.unfit(subnet) {
                self.error(&path, &format!("{id} {why}"), help);
            }
            if let Some(other) = zones.insert(&subnet.zone, &subnet.id) {
                let message = format!("{id} is in {}, where {other} is: each must be in another zone", subnet.zone);
                self.error(&path, &message, self.elsewhere(&subnet.zone));
            }
            chosen.insert(subnet.id.clone());
        }
        chosen
    }

    /// Says which zones other subnets of the VPC are in.
    fn elsewhere(&self, zone: &str) -> String {
        let other = self.found.subnets.values().filter(|subnet| subnet.zone != zone);
        let other: Vec<String> = other.take(LISTED).map(|subnet| format!("{} in {}", subnet.id, subnet.zone)).collect();
        match other.as_slice() {
            [] => format!("{} has subnets in {zone} alone", self.found.vpc.id),
            _ => format!("there is {}", other.join(", ")),
        }
    }

    fn missing(&mut self, path: &str, id: &str) {
        let (vpc, subnets) = (&self.found.vpc.id, &self.found.subnets);
        if let Some(stray) = self.found.strays.get(&SubnetId(id.to_owned())) {
            let message = format!("{id} is in {}, not in {vpc}", stray.vpc);
            self.error(path, &message, "list subnets of one VPC, the one that the TOML names");
            return;
        }
        let there: Vec<String> =
            subnets.values().take(LISTED).map(|subnet| format!("{} ({})", subnet.id, subnet.zone)).collect();
        let help = match there.as_slice() {
            [] => format!("{vpc} has no subnets"),
            _ => format!("{vpc} has {}", there.join(", ")),
        };
        let recorded = recorded::subnets(self.state, vpc.as_str());
        let message = match recorded.get(&SubnetId(id.to_owned())) {
            Some(who) => format!("{id} is gone, and {} stands in it", named(who)),
            None => format!("there is no subnet {id} in {}", self.config.region),
        };
        self.error(path, &message, help);
    }

    /// Takes one subnet per zone: the one that resources stand in, else the one with the most free addresses.
    fn one_per_zone(&mut self) -> BTreeSet<SubnetId> {
        let recorded = self.recorded();
        let (mut best, mut notes) = (BTreeMap::<&str, &FoundSubnet>::new(), BTreeMap::<&str, Vec<String>>::new());
        let stands = |subnet: &FoundSubnet| recorded.contains_key(&subnet.id);
        let rank = |subnet: &FoundSubnet| {
            let kept = stands(subnet);
            (kept, if kept { 0 } else { subnet.free }, Reverse(subnet.id.clone()))
        };
        for subnet in self.found.subnets.values() {
            let mut why: Vec<String> = self.unfit(subnet).into_iter().map(|unfit| unfit.why).collect();
            // It may go with them; who names it knows better.
            let other = Owner::maker(&subnet.tags).filter(|_| !self.is_own(subnet));
            why.extend(other.map(|maker| format!("belongs to {maker}, which rsds made too")));
            let fits = why.is_empty();
            let said = if fits { "can be used".to_owned() } else { why.join("; ") };
            notes.entry(&subnet.zone).or_default().push(format!("{}: {} {said}", subnet.zone, subnet.id));
            if (fits || stands(subnet)) && best.get(subnet.zone.as_str()).is_none_or(|b| rank(b) < rank(subnet)) {
                best.insert(&subnet.zone, subnet);
            }
        }
        let chosen = match &self.config.networking.zones {
            Zones::Names(names) => self.in_zones(names, &best, &notes),
            Zones::Count(count) => self.in_some_zones(*count as usize, &best, &notes, &stands),
        };
        // Where something stands already, what does not fit is an error and no reason to go elsewhere.
        let key = self.vpc_key();
        for subnet in chosen.iter().filter(|subnet| stands(subnet)) {
            for Unfit { why, help } in self.unfit(subnet) {
                self.error(key, &format!("{} {why}", subnet.id), help);
            }
        }
        chosen.into_iter().map(|subnet| subnet.id.clone()).collect()
    }

    /// Returns the subnets that resources stand in and that are not rsds's own; those that are gone are errors.
    fn recorded(&mut self) -> BTreeMap<SubnetId, Vec<&'a Address>> {
        let mut recorded = recorded::subnets(self.state, self.found.vpc.id.as_str());
        recorded.retain(|id, _| !recorded::is_own_subnet(self.state, id));
        let gone: Vec<(&SubnetId, &Vec<&Address>)> =
            recorded.iter().filter(|(id, _)| !self.found.subnets.contains_key(*id)).collect();
        for (id, who) in gone {
            let message = format!("{id} is gone from {}, and {} stands in it", self.found.vpc.id, named(who));
            let help = "to move to other subnets of the VPC, list them: subnet_ids = [...]";
            self.error(self.vpc_key(), &message, help);
        }
        recorded
    }

    fn in_zones(
        &mut self,
        names: &[String],
        best: &BTreeMap<&str, &'a FoundSubnet>,
        notes: &BTreeMap<&str, Vec<String>>,
    ) -> Vec<&'a FoundSubnet> {
        for (index, name) in names.iter().enumerate().filter(|(_, name)| !best.contains_key(name.as_str())) {
            let path = format!("networking.availability_zones[{index}]");
            let message = format!("{} has no subnet in {name} that this estate can use", self.found.vpc.id);
            let mut problem = super::at(self.environment, &path, &message);
            problem.notes = notes.get(name.as_str()).cloned().unwrap_or_default();
            self.errors.push(problem.help("name another zone, or make room there"));
        }
        names.iter().filter_map(|name| best.get(name.as_str()).copied()).collect()
    }

    fn in_some_zones(
        &mut self,
        count: usize,
        best: &BTreeMap<&str, &'a FoundSubnet>,
        notes: &BTreeMap<&str, Vec<String>>,
        stands: &dyn Fn(&FoundSubnet) -> bool,
    ) -> Vec<&'a FoundSubnet> {
        if best.len() < count {
            let vpc = &self.found.vpc.id;
            let zones: Vec<&str> = best.keys().copied().collect();
            let there = if zones.is_empty() { String::new() } else { format!(" ({})", zones.join(", ")) };
            let message = format!(
                "{vpc} has subnets that this estate can use in {} availability zones{there}, and {count} are needed",
                zones.len()
            );
            let mut problem = super::at(self.environment, self.vpc_key(), &message);
            problem.notes = notes.values().flatten().take(LISTED).cloned().collect();
            let help = "list the subnets to use (subnet_ids), or have new ones made in the VPC (subnet_cidrs)";
            self.errors.push(problem.help(help));
        }
        let mut zones: Vec<&'a FoundSubnet> = best.values().copied().collect();
        zones.sort_by_key(|subnet| (!stands(subnet), subnet.zone.clone()));
        zones.truncate(count);
        zones
    }

    /// Says why a subnet cannot be used; nothing when it can.
    fn unfit(&self, subnet: &FoundSubnet) -> Vec<Unfit> {
        let mut all = Vec::new();
        if self.is_own(subnet) {
            let help = "keep `subnet_cidrs`, or use a subnet that rsds did not make";
            all.push(unfit("was made by rsds for this environment", help));
        }
        if !subnet.available {
            all.push(unfit("is not available", "run it again when it is"));
        }
        if subnet.outpost || !is_ordinary(&subnet.zone, &self.config.region) {
            let why = format!("is in {}, where Redshift Serverless is not offered", subnet.zone);
            all.push(unfit(why, "use a subnet in an availability zone of the region"));
        }
        match &self.config.networking.zones {
            Zones::Names(names) if !names.contains(&subnet.zone) => {
                let why = format!("is in {}, which `availability_zones` does not name", subnet.zone);
                all.push(unfit(why, "name its zone, or use a subnet in one that is named"));
            }
            Zones::Names(_) | Zones::Count(_) => {}
        }
        if subnet.cidr.is_none() {
            all.push(unfit("has no IPv4 addresses", "use a subnet that has"));
        }
        let (needed, words) = self.needed(&subnet.id);
        if subnet.cidr.is_some() && subnet.free < needed {
            let why = format!("has {} free addresses, and this estate needs {needed} there ({words})", subnet.free);
            all.push(unfit(why, "free some, or use a larger subnet"));
        }
        if self.found.internet_gateway.is_some() && !self.config.public_keys().is_empty() && !subnet.routes.internet {
            let why = "has no route to the internet gateway, and this estate is to be reachable from outside";
            all.push(unfit(why, "use public subnets; rsds changes no routes that exist"));
        }
        all
    }

    /// Returns the free addresses that the estate still needs in a subnet, and what for.
    fn needed(&self, subnet: &SubnetId) -> (u64, String) {
        let all = wants(self.config);
        let open: Vec<(&Want, u64)> = all.iter().map(|want| (want, self.open(want, subnet))).collect();
        let open = || open.iter().copied().filter(|(_, addresses)| *addresses > 0);
        (open().map(|(_, addresses)| addresses).sum(), words(open()))
    }

    /// Returns the addresses that one part still needs: none where it stands as it is to be.
    fn open(&self, want: &Want, subnet: &SubnetId) -> u64 {
        let entry = self.state.entries.get(&Address::new(&want.component, want.resource)).filter(|entry| {
            // A cluster's subnets are those of its group.
            let within = |ids: &Vec<Json>| ids.iter().any(|id| id.as_str() == Some(subnet.as_str()));
            entry.id.is_some() && entry.spec["subnets"].as_array().is_none_or(within)
        });
        let Some(entry) = entry else { return want.create };
        let Some((capacity, routed)) = want.workgroup else { return 0 };
        let is = |field: &str, value| entry.spec[field] == value;
        if routed && !is("enhanced_vpc_routing", json!(true)) {
            want.create
        } else if is("base_capacity", json!(capacity.base)) && is("max_capacity", json!(capacity.max)) {
            0
        } else {
            want.grow
        }
    }
}

/// Tells an availability zone of the region (`us-west-2a`) from local and wavelength zones (`us-west-2-lax-1a`).
fn is_ordinary(zone: &str, region: &str) -> bool {
    zone.strip_prefix(region).is_some_and(|letter| letter.len() == 1)
}

fn named(who: &[&Address]) -> String {
    who.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
