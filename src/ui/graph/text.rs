//! The graph as text: a tree for each component, each resource under the last thing it waits for there.
//!
//! Called through `Diagram::text`. A tree cannot show a graph whole: what else a resource needs stands beside it.

use super::model::{Diagram, Edge, Node, Part, depths, ranges};
use crate::{
    address::Address,
    ui::{
        duration::about,
        style::{Label, Styled},
        words::count,
    },
};
use std::collections::{BTreeMap, BTreeSet};

/// The strokes of a tree.
struct Strokes {
    branch: &'static str,
    last: &'static str,
    down: &'static str,
    arrow: &'static str,
    dot: &'static str,
}

const DRAWN: Strokes = Strokes { branch: "├─ ", last: "└─ ", down: "│  ", arrow: " → ", dot: " · " };
const ASCII: Strokes = Strokes { branch: "|- ", last: "`- ", down: "|  ", arrow: " -> ", dot: ", " };

/// Columns between a name and what it needs.
const GAP: usize = 2;
/// The narrowest that lists of needs get.
const NARROWEST: usize = 36;

/// Writes the diagram as text.
pub(super) fn text(diagram: &Diagram, color: bool, width: usize, unicode: bool) -> String {
    let strokes = if unicode { &DRAWN } else { &ASCII };
    let mut page = Page { diagram, strokes, width: width.max(40), lines: Vec::new(), depths: depths(&diagram.edges) };
    page.title();
    page.parts();
    page.foot();
    let mut out = String::new();
    for line in page.lines {
        out.push_str(line.render(color).trim_end());
        out.push('\n');
    }
    out
}

struct Page<'a> {
    diagram: &'a Diagram,
    strokes: &'static Strokes,
    width: usize,
    lines: Vec<Styled>,
    depths: BTreeMap<&'a Address, usize>,
}

/// A resource at its place in the tree.
struct Row<'a> {
    node: &'a Node,
    /// What stands before the name.
    guide: String,
    /// What stands before the lines that go on with it.
    rest: String,
}

impl<'a> Page<'a> {
    fn push(&mut self, line: Styled, hang: usize) {
        self.lines.extend(line.wrap(self.width, hang));
    }

    fn title(&mut self) {
        let Diagram { project, environment, region, .. } = self.diagram;
        let size = count(self.diagram.size(), "resource");
        let facts = [region.clone(), size, count(self.diagram.edges.len(), "dependency").replace("ys", "ies")];
        let line = Styled::new().label(Label::Heading, format!("{project} {environment}"));
        let line = facts.iter().fold(line, |line, fact| line.text(self.strokes.dot).text(fact));
        self.push(line, 2);
    }

    /// Readers that are like the first of their group are named only.
    fn parts(&mut self) {
        for (_, parts) in self.diagram.clusters() {
            let mut like: BTreeMap<String, Vec<&Part>> = BTreeMap::new();
            for part in &parts {
                like.entry(self.signature(part)).or_default().push(part);
            }
            for part in &parts {
                let alike = like.get(&self.signature(part)).map(Vec::as_slice).unwrap_or_default();
                if alike.first().is_some_and(|first| first.name == part.name) {
                    self.lines.push(Styled::new());
                    self.part(part);
                    self.alike(part, &alike[1..]);
                }
            }
        }
    }

    fn alike(&mut self, part: &Part, others: &[&Part]) {
        if !others.is_empty() {
            let names: Vec<&str> = others.iter().map(|other| other.name.as_str()).collect();
            let line = Styled::new().label(Label::Heading, names.join(", "));
            self.push(line.label(Label::Dim, format!("{}the same as {}", self.strokes.dot, part.name)), 2);
        }
    }

    /// What a component is made of, without its own name.
    fn signature(&self, part: &Part) -> String {
        let name = |address: &Address| address.to_string().replacen(&format!("{}/", part.name), "/", 1);
        let nodes = part.nodes.iter().map(|node| format!("{} {};", name(&node.address), node.kind));
        let edges = self.diagram.edges.iter().filter(|edge| edge.to.component() == part.name);
        let edges = edges.map(|edge| format!("{}>{}:{};", name(&edge.from), name(&edge.to), edge.words()));
        nodes.chain(edges).collect()
    }

    fn part(&mut self, part: &'a Part) {
        let size = format!("{}{}", self.strokes.dot, count(part.size(), "resource"));
        self.push(Styled::new().label(Label::Heading, &part.name).label(Label::Dim, size), 2);
        let mut rows = Vec::new();
        let children = self.children(part);
        let roots = children.get(&None).cloned().unwrap_or_default();
        for root in roots {
            self.rows(&children, root, "  ".to_owned(), "  ".to_owned(), &mut rows);
        }
        let widest = rows.iter().map(|row| headline(row).width()).max().unwrap_or(0);
        let column = (widest + GAP).min(self.width.saturating_sub(NARROWEST));
        for row in rows {
            self.row(part, &row, column);
        }
    }

    /// Each resource under the last it waits for within the component.
    fn children(&self, part: &'a Part) -> BTreeMap<Option<&'a Address>, Vec<&'a Node>> {
        let mut children: BTreeMap<Option<&Address>, Vec<&Node>> = BTreeMap::new();
        for node in &part.nodes {
            children.entry(self.parent(&node.address)).or_default().push(node);
        }
        children
    }

    fn needs(&self, of: &Address) -> impl Iterator<Item = &'a Edge> {
        let diagram: &'a Diagram = self.diagram;
        diagram.edges.iter().filter(move |edge| edge.to == *of)
    }

    fn parent(&self, of: &Address) -> Option<&'a Address> {
        let inside = self.needs(of).map(|edge| &edge.from).filter(|from| from.component() == of.component());
        inside.max_by_key(|from| (self.depths.get(from).copied().unwrap_or_default(), std::cmp::Reverse(*from)))
    }

    fn rows(
        &self,
        children: &BTreeMap<Option<&'a Address>, Vec<&'a Node>>,
        node: &'a Node,
        guide: String,
        down: String,
        rows: &mut Vec<Row<'a>>,
    ) {
        let below = children.get(&Some(&node.address)).cloned().unwrap_or_default();
        let rest = format!("{down}{}", if below.is_empty() { "" } else { self.strokes.down });
        rows.push(Row { node, guide, rest });
        for (at, child) in below.iter().enumerate() {
            let last = at + 1 == below.len();
            let guide = format!("{down}{}", if last { self.strokes.last } else { self.strokes.branch });
            let down = format!("{down}{}", if last { "   " } else { self.strokes.down });
            self.rows(children, child, guide, down, rows);
        }
    }

    fn row(&mut self, part: &Part, row: &Row<'_>, column: usize) {
        let head = headline(row);
        let needs = self.needed(part, row.node);
        let room = self.width.saturating_sub(column);
        let pad = |width: usize| " ".repeat(column.saturating_sub(width).max(GAP));
        let mut told = needs.map(|needs| Styled::new().label(Label::Dim, needs).wrap(room, 2)).unwrap_or_default();
        // A name that reaches into the column has a line of its own.
        let beside = if head.width() + GAP > column { 0 } else { told.len().min(1) };
        let indent = pad(head.width());
        let first: Styled = told.drain(..beside).next().unwrap_or_default();
        self.lines.push(head.text(indent).append(first));
        let rest = Styled::new().label(Label::Dim, &row.rest);
        for line in told {
            self.lines.push(rest.clone().text(pad(rest.width())).append(line));
        }
    }

    /// What a resource needs besides what stands above it: `needs key; networking: vpc, subnet-1..3; after nlb: ...`.
    fn needed(&self, part: &Part, node: &Node) -> Option<String> {
        let above = self.above(&node.address);
        let told = |order_only: bool| {
            let edges = self.needs(&node.address);
            let edges = edges.filter(|edge| edge.order_only() == order_only && !above.contains(&edge.from));
            let mut by: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
            for edge in edges {
                by.entry(edge.from.component()).or_default().push(edge.from.resource());
            }
            let of = |(component, names): (&str, Vec<&str>)| {
                let names = ranges(names).join(", ");
                if component == part.name { names } else { format!("{component}: {names}") }
            };
            by.into_iter().map(of).collect::<Vec<_>>().join("; ")
        };
        let sentences = [("needs", told(false)), ("after", told(true))];
        let sentences = sentences.iter().filter(|(_, told)| !told.is_empty());
        let sentences: Vec<String> = sentences.map(|(word, told)| format!("{word} {told}")).collect();
        (!sentences.is_empty()).then(|| sentences.join("; "))
    }

    fn above(&self, of: &Address) -> BTreeSet<Address> {
        let mut above = BTreeSet::new();
        let mut at = self.parent(of);
        while let Some(parent) = at.filter(|parent| above.insert((*parent).clone())) {
            at = self.parent(parent);
        }
        above
    }

    fn foot(&mut self) {
        let longest = &self.diagram.longest;
        if longest.through.is_empty() {
            return;
        }
        self.lines.push(Styled::new());
        let title = format!("Longest path, typically about {}:", about(longest.seconds));
        self.push(Styled::new().label(Label::Heading, title), 2);
        let through = longest.through.iter().enumerate().fold(Styled::new().text("  "), |line, (at, address)| {
            let arrow = if at == 0 { "" } else { self.strokes.arrow };
            line.text(arrow).text(address.to_string())
        });
        self.push(through, 2);
    }
}

fn headline(row: &Row<'_>) -> Styled {
    let line = Styled::new().label(Label::Dim, &row.guide).label(Label::Address, row.node.address.resource());
    match row.node.folded_words() {
        Some(words) => line.label(Label::Dim, format!(" +{words}")),
        None => line,
    }
}
