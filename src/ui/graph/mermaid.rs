//! The graph in the language of Mermaid, which GitHub and GitLab draw.
//!
//! Called through `Diagram::mermaid`. Mermaid refuses more than 500 arrows and cannot read many: between components
//! there is one thick arrow, labelled with how many dependencies it stands for.

use super::model::{Diagram, Edge, Part};
use crate::address::Address;
use std::{collections::BTreeMap, fmt::Write as _};

/// Writes the diagram.
pub(super) fn mermaid(diagram: &Diagram) -> String {
    let clusters = diagram.clusters();
    let ids = ids(diagram, &clusters);
    let id = |name: &str| ids.get(name).map_or("", String::as_str);
    let mut out = format!(
        "---\ntitle: \"{} {} ({})\"\n---\nflowchart LR\n",
        diagram.project, diagram.environment, diagram.region
    );
    for (name, parts) in &clusters {
        match parts.as_slice() {
            [part] if part.name == *name => subgraph(diagram, part, "  ", &id, &mut out),
            parts => {
                writeln!(out, "  subgraph {}[\"{name}\"]", id(name)).unwrap_or_default();
                parts.iter().for_each(|part| subgraph(diagram, part, "    ", &id, &mut out));
                out.push_str("  end\n");
            }
        }
    }
    for ((from, to), edges) in diagram.bundles(&clusters) {
        let (from, to) = (id(clusters[from].0), id(clusters[to].0));
        writeln!(out, "  {from} ==>|{}| {to}", edges.len()).unwrap_or_default();
    }
    out
}

fn subgraph<'a>(diagram: &Diagram, part: &Part, indent: &str, id: &impl Fn(&str) -> &'a str, out: &mut String) {
    writeln!(out, "{indent}subgraph {}[\"{}\"]", id(&part.name), part.name).unwrap_or_default();
    let of = |address: &Address| id(&address.to_string());
    for node in &part.nodes {
        let folded = node.folded_words().map(|words| format!("<br/>{words}")).unwrap_or_default();
        let label = format!("{}{folded}", node.address.resource());
        writeln!(out, "{indent}  {}[\"{label}\"]", of(&node.address)).unwrap_or_default();
    }
    for edge in diagram.inner(part) {
        let Edge { from, to, .. } = edge;
        let arrow = if edge.order_only() { "-.->".to_owned() } else { format!("-->|{}|", edge.words()) };
        writeln!(out, "{indent}  {} {arrow} {}", of(from), of(to)).unwrap_or_default();
    }
    writeln!(out, "{indent}end").unwrap_or_default();
}

/// Gives everything a name that Mermaid takes: letters, digits and `_`, each once.
fn ids(diagram: &Diagram, clusters: &[(&str, Vec<&Part>)]) -> BTreeMap<String, String> {
    let groups = clusters.iter().map(|(name, _)| (*name).to_owned());
    let parts = diagram.parts.iter().map(|part| part.name.clone());
    let nodes = diagram.nodes().map(|node| node.address.to_string());
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    let mut ids = BTreeMap::new();
    for name in groups.chain(parts).chain(nodes) {
        if ids.contains_key(&name) {
            continue;
        }
        let id: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let number = taken.entry(id.clone()).or_default();
        *number += 1;
        ids.insert(name, if *number == 1 { id } else { format!("{id}__{number}") });
    }
    ids
}
