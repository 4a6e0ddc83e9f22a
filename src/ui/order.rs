//! The order in which views list resources: the way data flows, readers by number, parents before children.
//!
//! Called by the plan and state views. Must never differ between two runs over the same data.

use crate::{address::Address, plan::Plan};
use std::collections::BTreeMap;

/// Sorts components: networking, producer, consumers by group and number, nlb, then the rest.
pub(super) fn component(name: &str) -> (u8, Vec<Piece>) {
    let rank = match name {
        "networking" => 0,
        "producer" => 1,
        _ if name.starts_with("consumer-") => 2,
        "nlb" => 3,
        _ => 4,
    };
    (rank, pieces(name))
}

/// A run of digits or of anything else: `subnet-10` comes after `subnet-2`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Piece {
    Number(u64),
    Text(String),
}

/// Takes a name apart for natural order.
pub(super) fn pieces(name: &str) -> Vec<Piece> {
    let mut runs: Vec<String> = Vec::new();
    for c in name.chars() {
        match runs.last_mut() {
            Some(run) if run.ends_with(|last: char| last.is_ascii_digit() == c.is_ascii_digit()) => run.push(c),
            _ => runs.push(c.to_string()),
        }
    }
    runs.into_iter().map(|run| run.parse().map_or(Piece::Text(run), Piece::Number)).collect()
}

/// Groups what has an address by component, in the order of `component`.
pub(super) fn by_component<'a, T>(
    items: impl Iterator<Item = (&'a Address, T)>,
) -> Vec<(&'a str, Vec<(&'a Address, T)>)> {
    let mut groups: BTreeMap<_, Vec<(&Address, T)>> = BTreeMap::new();
    for (address, item) in items {
        groups.entry(component(address.component())).or_default().push((address, item));
    }
    groups.into_values().filter_map(|group| Some((group.first()?.0.component(), group))).collect()
}

/// How deep each resource lies in the graph of operations: one that waits for another lies deeper.
pub(super) fn depths(plan: &Plan) -> BTreeMap<&Address, usize> {
    let mut depth = vec![0; plan.ops.len()];
    // A chain is no longer than there are operations, so that many rounds settle everything.
    for _ in 0..plan.ops.len() {
        let mut moved = false;
        for (at, op) in plan.ops.iter().enumerate() {
            let deepest = op.needs.iter().filter_map(|need| depth.get(need.op)).max().map_or(0, |d| d + 1);
            moved |= std::mem::replace(&mut depth[at], deepest) != deepest;
        }
        if !moved {
            break;
        }
    }
    let mut of = BTreeMap::new();
    for (op, depth) in plan.ops.iter().zip(depth) {
        let shallowest: &mut usize = of.entry(&op.address).or_insert(depth);
        *shallowest = depth.min(*shallowest);
    }
    of
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        plan::Verb,
        ui::sample::{address, op, plan},
    };

    #[test]
    fn what_waits_for_another_lies_deeper() {
        let ops = vec![
            op("a/last", Verb::Create, 1, &[1]),
            op("a/middle", Verb::Create, 1, &[2]),
            op("a/first", Verb::Create, 1, &[]),
        ];
        let plan = plan(vec![], ops);
        let depths = depths(&plan);
        assert_eq!(["first", "middle", "last"].map(|name| depths[&address(&format!("a/{name}"))]), [0, 1, 2]);
    }

    #[test]
    fn components_come_as_data_flows_and_numbers_as_numbers() {
        let mut names =
            ["nlb", "consumer-b-1", "producer", "consumer-a-10", "consumer-a-2", "datashare-x", "networking"];
        names.sort_by_key(|name| component(name));
        assert_eq!(
            names,
            ["networking", "producer", "consumer-a-2", "consumer-a-10", "consumer-b-1", "nlb", "datashare-x"]
        );
    }
}
