//! The dependency graph as text, DOT, Mermaid, SVG, a page of HTML, or JSON.
//!
//! Called by `rsds graph`. `model` makes one diagram of the desired graph; the views draw it and decide nothing: what
//! is folded is folded in the model. Must give the same bytes for the same estate.

mod dot;
mod html;
mod layout;
mod mermaid;
mod model;
#[cfg(test)]
mod sample;
mod svg;
mod text;

pub use model::{Diagram, Edge, Node, Part};

use serde_json::{Value as Json, json};

/// In which form the graph comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Picture {
    /// A tree for each component
    #[value(alias = "human")]
    Text,
    /// Graphviz
    Dot,
    /// Mermaid, which GitHub and GitLab draw in Markdown
    Mermaid,
    /// A drawing; hover over it for outputs and reasons
    Svg,
    /// The same drawing on a page of its own, with pan, zoom and highlighting
    Html,
    /// Nodes and edges
    Json,
}

impl Diagram {
    /// Writes it as text, `width` columns wide, with box-drawing characters or in ASCII.
    pub fn text(&self, color: bool, width: usize, unicode: bool) -> String {
        text::text(self, color, width, unicode)
    }

    /// Writes it in the language of Graphviz.
    pub fn dot(&self) -> String {
        dot::dot(self)
    }

    /// Writes it in the language of Mermaid.
    pub fn mermaid(&self) -> String {
        mermaid::mermaid(self)
    }

    /// Draws it as an SVG that follows the reader's light or dark scheme.
    pub fn svg(&self) -> String {
        svg::svg(self)
    }

    /// Puts the drawing on a page that needs nothing else.
    pub fn html(&self) -> String {
        html::html(self)
    }

    /// Returns it as a document of format `rsds.graph/1`.
    pub fn json(&self) -> Json {
        let node = |part: &Part, node: &Node| {
            json!({
                "address": node.address,
                "component": part.name,
                "group": part.group,
                "kind": node.kind,
                "origin": node.origin,
                "status": node.status,
                "typical_seconds": node.typical,
            })
        };
        let nodes = self.parts.iter().flat_map(|part| part.nodes.iter().map(move |one| node(part, one)));
        let edge = |edge: &Edge| {
            json!({
                "resource": edge.to,
                "needs": edge.from,
                "outputs": edge.outputs,
                "order_only": edge.order_only(),
                "reasons": edge.reasons,
            })
        };
        json!({
            "format": "rsds.graph/1",
            "project": self.project,
            "environment": self.environment,
            "region": self.region,
            "longest_path": self.longest,
            "resources": nodes.collect::<Vec<_>>(),
            "dependencies": self.edges.iter().map(edge).collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::sample::diagram;

    #[test]
    fn as_text() {
        insta::assert_snapshot!(diagram(2, false).text(false, 80, true));
    }

    #[test]
    fn text_keeps_to_its_width_and_to_ascii_where_it_must() {
        let text = diagram(2, true).text(false, 60, false);
        assert!(text.is_ascii() && text.lines().all(|line| line.len() <= 60), "{text}");
    }

    #[test]
    fn as_dot() {
        insta::assert_snapshot!(diagram(1, false).dot());
    }

    #[test]
    fn as_mermaid() {
        insta::assert_snapshot!(diagram(2, false).mermaid());
        let arrows = diagram(50, false).mermaid().matches("-->|").count();
        assert!(arrows < 500, "Mermaid draws at most 500: {arrows}");
    }

    #[test]
    fn the_page_asks_the_network_for_nothing() {
        let page = diagram(1, false).html();
        for asking in ["src=", "href=", "@import", "fetch(", "url(http"] {
            assert!(!page.contains(asking), "{asking}");
        }
        assert_eq!(page.matches("<svg ").count(), 1);
    }
}
