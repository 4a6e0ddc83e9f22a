//! The graph in the language of Graphviz: a cluster for each component, every dependency an arrow of its own.
//!
//! Called through `Diagram::dot`. Arrows point from what is needed to what needs it, the way values flow.

use super::model::{Diagram, Edge, Node, Part};
use std::fmt::Write as _;

/// Writes the diagram.
pub(super) fn dot(diagram: &Diagram) -> String {
    let title = format!("{} {} ({})", diagram.project, diagram.environment, diagram.region);
    let mut out = format!(
        "digraph {} {{\n  graph [rankdir=LR, label={}, labelloc=t, fontname=\"Helvetica\", ranksep=0.7];\n  \
         node [shape=box, style=\"rounded,filled\", fillcolor=white, fontname=\"Helvetica\", fontsize=11];\n  \
         edge [color=\"#64748b\", fontname=\"Helvetica\", fontsize=9, arrowsize=0.7];\n",
        quoted(&format!("{}-{}", diagram.project, diagram.environment)),
        quoted(&title)
    );
    for (name, parts) in diagram.clusters() {
        match parts.as_slice() {
            [part] if part.name == name => cluster(part, "  ", &mut out),
            parts => {
                writeln!(out, "  subgraph {} {{", quoted(&format!("cluster_{name}"))).unwrap_or_default();
                writeln!(out, "    label={};", quoted(name)).unwrap_or_default();
                parts.iter().for_each(|part| cluster(part, "    ", &mut out));
                out.push_str("  }\n");
            }
        }
    }
    diagram.edges.iter().for_each(|edge| arrow(edge, &mut out));
    out.push_str("}\n");
    out
}

fn cluster(part: &Part, indent: &str, out: &mut String) {
    writeln!(out, "{indent}subgraph {} {{", quoted(&format!("cluster_{}", part.name))).unwrap_or_default();
    writeln!(out, "{indent}  label={}; style=rounded; color=\"#94a3b8\";", quoted(&part.name)).unwrap_or_default();
    for node in &part.nodes {
        writeln!(out, "{indent}  {} {};", quoted(&node.address.to_string()), attributes(node)).unwrap_or_default();
    }
    writeln!(out, "{indent}}}").unwrap_or_default();
}

fn attributes(node: &Node) -> String {
    let folded = node.folded_words().map(|words| format!("\n{words}")).unwrap_or_default();
    let label = format!("{}\n{}{folded}", node.address.resource(), node.kind);
    format!("[label={}, tooltip={}]", quoted(&label), quoted(&node.origin))
}

fn arrow(edge: &Edge, out: &mut String) {
    let (from, to) = (quoted(&edge.from.to_string()), quoted(&edge.to.to_string()));
    let style = if edge.order_only() { ", style=dashed" } else { "" };
    let words = quoted(&edge.words());
    writeln!(out, "  {from} -> {to} [tooltip={words}{style}];").unwrap_or_default();
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted() {
        assert_eq!(quoted("a \"b\"\\\nc"), r#""a \"b\"\\\nc""#);
    }
}
