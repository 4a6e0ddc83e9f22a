//! The graph as a drawing: boxes for components and groups of readers, the resources inside, arrows the way values flow.
//!
//! Called through `Diagram::svg` and by `html`. Between boxes, dependencies are bundled into one arrow that names what
//! it stands for. Colours follow the reader's light or dark scheme; everything shown by colour is said in words too.

use super::{
    layout::{Font, Gaps, Laid, Layout, Line, Point, Size, layered, measure},
    model::{Diagram, Edge, Node, Part, ranges},
};
use crate::{
    address::Address,
    ui::{duration::about, words::count},
};
use std::{collections::BTreeSet, fmt::Write as _};

const STYLE: &str = include_str!("graph.css");

/// Around the drawing, and between a component's frame and its resources.
const MARGIN: f64 = 28.0;
const PADDING: f64 = 16.0;
/// The title of a frame, with the room below it.
const TITLE: f64 = 34.0;
/// The head of the page.
const HEAD: f64 = 64.0;
/// The legend.
const FOOT: f64 = 44.0;
const NODE_HEIGHT: f64 = 42.0;
const NAME_SIZE: f64 = 12.0;
const KIND_SIZE: f64 = 10.0;
const TITLE_SIZE: f64 = 13.0;
const LABEL_SIZE: f64 = 10.0;
const LABEL_LINE: f64 = 14.0;
/// The most lines a bundle's label has.
const LABEL_LINES: usize = 7;
const INSIDE: Gaps = Gaps { between_layers: 38.0, within_layer: 12.0 };
const OUTSIDE: Gaps = Gaps { between_layers: 30.0, within_layer: 34.0 };
/// Width to height of a group of readers.
const ASPECT: f64 = 1.5;

/// A component, laid out.
struct Frame<'a> {
    part: &'a Part,
    boxes: Vec<Size>,
    edges: Vec<&'a Edge>,
    layout: Layout,
    size: Size,
}

/// A group of readers, or one component alone.
struct Cluster<'a> {
    name: &'a str,
    /// The frames, with their places in the cluster.
    frames: Vec<(Frame<'a>, Point)>,
    /// Whether it has a title and a border of its own.
    framed: bool,
    size: Size,
}

/// Draws the diagram.
pub(super) fn svg(diagram: &Diagram) -> String {
    let grouped = diagram.clusters();
    let clusters: Vec<Cluster<'_>> = grouped.iter().map(|(name, parts)| Cluster::new(diagram, name, parts)).collect();
    let bundles: Vec<Bundle<'_>> =
        diagram.bundles(&grouped).into_iter().map(|((from, to), edges)| Bundle::new(from, to, edges)).collect();
    let boxes: Vec<Size> = clusters.iter().map(|cluster| cluster.size).collect();
    let lines: Vec<Line> =
        bundles.iter().map(|bundle| Line { from: bundle.from, to: bundle.to, label: bundle.size() }).collect();
    let layout = layered(&boxes, &lines, OUTSIDE);
    let mut canvas = Canvas { out: String::new(), longest: &diagram.longest.through };
    let head = head(diagram);
    let (head_width, legend_width) = (head_width(&head), legend_width());
    let width = (layout.size.w).max(head_width).max(legend_width) + 2.0 * MARGIN;
    let height = layout.size.h + HEAD + FOOT + 2.0 * MARGIN;
    canvas.open(diagram, Size { w: width, h: height });
    canvas.head(&head);
    let origin = Point { x: MARGIN, y: MARGIN + HEAD };
    for (bundle, laid) in bundles.iter().zip(&layout.lines) {
        canvas.bundle(bundle, laid, origin);
    }
    for (cluster, at) in clusters.iter().zip(&layout.boxes) {
        canvas.cluster(cluster, origin.plus(*at));
    }
    for (bundle, laid) in bundles.iter().zip(&layout.lines) {
        canvas.label(bundle, laid, origin);
    }
    canvas.legend(Point { x: MARGIN, y: height - MARGIN - FOOT + 24.0 });
    canvas.out.push_str("</svg>\n");
    canvas.out
}

fn node_size(node: &Node) -> Size {
    let name = measure(node.address.resource(), Font::Mono, NAME_SIZE);
    let kind = measure(&kind_words(node), Font::Sans, KIND_SIZE);
    Size { w: (name.max(kind) + 22.0).ceil(), h: NODE_HEIGHT }
}

/// What stands below a resource's name.
fn kind_words(node: &Node) -> String {
    match node.folded_words() {
        Some(words) => format!("{} · {words}", node.kind),
        None => node.kind.to_owned(),
    }
}

impl<'a> Frame<'a> {
    fn new(diagram: &'a Diagram, part: &'a Part) -> Self {
        let boxes: Vec<Size> = part.nodes.iter().map(node_size).collect();
        let place = |address: &Address| part.nodes.iter().position(|node| node.address == *address);
        let (mut edges, mut lines) = (Vec::new(), Vec::new());
        for edge in diagram.inner(part) {
            if let (Some(from), Some(to)) = (place(&edge.from), place(&edge.to)) {
                edges.push(edge);
                lines.push(Line { from, to, label: Size::default() });
            }
        }
        let layout = layered(&boxes, &lines, INSIDE);
        let title = measure(&frame_title(part), Font::Sans, TITLE_SIZE);
        let size = Size { w: layout.size.w.max(title).ceil() + 2.0 * PADDING, h: layout.size.h + TITLE + PADDING };
        Self { part, boxes, edges, layout, size }
    }
}

fn frame_title(part: &Part) -> String {
    format!("{} · {}", part.name, count(part.size(), "resource"))
}

impl<'a> Cluster<'a> {
    fn new(diagram: &'a Diagram, name: &'a str, parts: &[&'a Part]) -> Self {
        let frames: Vec<Frame<'_>> = parts.iter().map(|part| Frame::new(diagram, part)).collect();
        let framed = frames.len() > 1;
        let cell = frames
            .iter()
            .fold(Size::default(), |most, frame| Size { w: most.w.max(frame.size.w), h: most.h.max(frame.size.h) });
        let columns = columns(frames.len(), cell);
        let inset = if framed { Point { x: PADDING, y: TITLE } } else { Point::default() };
        let step = Size { w: cell.w + PADDING, h: cell.h + PADDING };
        let place = |at: usize| {
            let (column, row) = (at % columns, at / columns);
            inset.plus(Point { x: column as f64 * step.w, y: row as f64 * step.h })
        };
        let rows = frames.len().div_ceil(columns);
        let border = if framed { Size { w: PADDING, h: TITLE } } else { Size { w: -PADDING, h: -PADDING } };
        let size = Size { w: columns as f64 * step.w + border.w, h: rows as f64 * step.h + border.h };
        let frames = frames.into_iter().enumerate().map(|(at, frame)| (frame, place(at))).collect();
        Self { name, frames, framed, size }
    }
}

/// Chooses the columns whose grid comes closest to the aspect wanted.
fn columns(frames: usize, cell: Size) -> usize {
    let off = |columns: usize| {
        let rows = frames.div_ceil(columns) as f64;
        (columns as f64 * cell.w / (rows * cell.h) / ASPECT).ln().abs()
    };
    (1..=frames).min_by(|a, b| off(*a).total_cmp(&off(*b))).unwrap_or(1)
}

/// The dependencies between two boxes.
struct Bundle<'a> {
    from: usize,
    to: usize,
    edges: Vec<&'a Edge>,
    /// What is needed, in short; true where only the order matters.
    label: Vec<(String, bool)>,
}

impl<'a> Bundle<'a> {
    fn new(from: usize, to: usize, edges: Vec<&'a Edge>) -> Self {
        let values: BTreeSet<&Address> = edges.iter().filter(|e| !e.order_only()).map(|e| &e.from).collect();
        let orders = edges.iter().map(|e| &e.from).filter(|from| !values.contains(from));
        let orders: BTreeSet<&Address> = orders.collect();
        let short = |of: BTreeSet<&'a Address>, order| {
            let names = ranges(of.into_iter().map(Address::resource));
            names.into_iter().map(move |name| (name, order))
        };
        let mut label: Vec<(String, bool)> = short(values, false).chain(short(orders, true)).collect();
        if label.len() > LABEL_LINES {
            let more = label.len() - (LABEL_LINES - 1);
            label.truncate(LABEL_LINES - 1);
            label.push((format!("and {more} more"), true));
        }
        Self { from, to, edges, label }
    }

    fn size(&self) -> Size {
        let widest = self.label.iter().map(|(line, _)| measure(line, Font::Mono, LABEL_SIZE)).fold(0.0, f64::max);
        Size { w: widest.ceil() + 16.0, h: self.label.len() as f64 * LABEL_LINE + 8.0 }
    }

    fn order_only(&self) -> bool {
        self.edges.iter().all(|edge| edge.order_only())
    }

    fn words(&self) -> String {
        let told = self.edges.iter().map(|edge| {
            let how = if edge.order_only() { "after" } else { "needs" };
            format!("{} {how} {}: {}", edge.to, edge.from, edge.words())
        });
        told.collect::<Vec<_>>().join("\n")
    }
}

/// The two lines at the top.
fn head(diagram: &Diagram) -> [String; 2] {
    let title = format!("{} {}", diagram.project, diagram.environment);
    let mut facts = format!("{} · {}", diagram.region, count(diagram.size(), "resource"));
    if !diagram.longest.through.is_empty() {
        let longest = about(diagram.longest.seconds);
        write!(facts, " · the longest path typically takes about {longest} to create").unwrap_or_default();
    }
    [title, facts]
}

fn head_width(head: &[String; 2]) -> f64 {
    measure(&head[0], Font::Sans, 20.0).max(measure(&head[1], Font::Sans, 12.0))
}

const LEGEND: [(&str, &str); 4] = [
    ("edge value", "a value flows (hover: which)"),
    ("edge order", "comes after (hover: why)"),
    ("bundle", "all dependencies between two boxes"),
    ("node longest", "on the longest path"),
];
/// The sample before an entry of the legend, and the gap after the entry.
const SAMPLE: f64 = 34.0;
const AFTER: f64 = 26.0;

fn entry_width(text: &str) -> f64 {
    SAMPLE + 10.0 + measure(text, Font::Sans, 11.0) + AFTER
}

fn legend_width() -> f64 {
    LEGEND.iter().map(|(_, text)| entry_width(text)).sum()
}

struct Canvas<'a> {
    out: String,
    longest: &'a [Address],
}

impl Canvas<'_> {
    fn put(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn open(&mut self, diagram: &Diagram, Size { w, h }: Size) {
        let title = escape(&format!("{} {}: dependency graph", diagram.project, diagram.environment));
        let (w, h) = (w.ceil(), h.ceil());
        self.put(&format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" id=\"rsds-graph\" width=\"{w}\" height=\"{h}\" \
             viewBox=\"0 0 {w} {h}\" role=\"img\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n<defs>\n{}{}{}</defs>\n\
             <rect class=\"page\" width=\"{w}\" height=\"{h}\"/>",
            marker("value", 7),
            marker("order", 7),
            marker("bundle", 4),
        ));
    }

    fn text(&mut self, class: &str, at: Point, text: &str) {
        self.put(&format!("<text class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\">{}</text>", at.x, at.y, escape(text)));
    }

    fn rect(&mut self, class: &str, at: Point, size: Size, round: u8) {
        self.put(&format!(
            "<rect class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"{round}\"/>",
            at.x, at.y, size.w, size.h
        ));
    }

    fn head(&mut self, head: &[String; 2]) {
        self.text("title", Point { x: MARGIN, y: MARGIN + 16.0 }, &head[0]);
        self.text("facts", Point { x: MARGIN, y: MARGIN + 38.0 }, &head[1]);
    }

    fn cluster(&mut self, cluster: &Cluster<'_>, at: Point) {
        let role = role(cluster.name);
        self.put(&format!("<g class=\"cluster {role}\" id=\"{}\">", id(cluster.name)));
        if cluster.framed {
            self.rect("group", at, cluster.size, 14);
            let title = format!("{} · {}", cluster.name, count(cluster.frames.len(), "reader"));
            self.text("heading", at.plus(Point { x: PADDING, y: 22.0 }), &title);
        }
        for (frame, place) in &cluster.frames {
            self.frame(frame, at.plus(*place), cluster.framed);
        }
        self.put("</g>");
    }

    fn frame(&mut self, frame: &Frame<'_>, at: Point, nested: bool) {
        // A component alone has the name of its cluster, whose id is enough.
        match nested {
            true => self.put(&format!("<g class=\"component\" id=\"{}\">", id(&frame.part.name))),
            false => self.put("<g class=\"component\">"),
        }
        self.rect("frame", at, frame.size, 10);
        self.text("heading", at.plus(Point { x: PADDING, y: 22.0 }), &frame_title(frame.part));
        let inside = at.plus(Point { x: PADDING, y: TITLE });
        for (edge, laid) in frame.edges.iter().zip(&frame.layout.lines) {
            self.edge(edge, laid, inside);
        }
        for ((node, size), place) in frame.part.nodes.iter().zip(&frame.boxes).zip(&frame.layout.boxes) {
            self.node(node, *size, inside.plus(*place));
        }
        self.put("</g>");
    }

    fn node(&mut self, node: &Node, size: Size, at: Point) {
        let longest = if self.longest.contains(&node.address) { " longest" } else { "" };
        let address = node.address.to_string();
        self.put(&format!("<g class=\"node{longest}\" id=\"{}\" data-address=\"{address}\">", id(&address)));
        self.put(&format!("<title>{}</title>", escape(&node_words(node))));
        self.rect("", at, size, 6);
        self.text("name", at.plus(Point { x: 11.0, y: 18.0 }), node.address.resource());
        self.text("kind", at.plus(Point { x: 11.0, y: 33.0 }), &kind_words(node));
        self.put("</g>");
    }

    fn edge(&mut self, edge: &Edge, laid: &Laid, origin: Point) {
        let kind = if edge.order_only() { "order" } else { "value" };
        let on_it = self.longest.windows(2).any(|step| step[0] == edge.from && step[1] == edge.to);
        let longest = if on_it { " longest" } else { "" };
        let class = format!("edge {kind}{longest}");
        let how = if edge.order_only() { "after" } else { "needs" };
        let words = format!("{} {how} {}: {}", edge.to, edge.from, edge.words());
        let ends = format!("data-from=\"{}\" data-to=\"{}\"", edge.from, edge.to);
        self.line(&class, &ends, &words, kind, &path(&laid.points, origin));
    }

    fn bundle(&mut self, bundle: &Bundle<'_>, laid: &Laid, origin: Point) {
        let class = if bundle.order_only() { "bundle order" } else { "bundle" };
        let pairs = bundle.edges.iter().map(|edge| format!("{}>{}", edge.from, edge.to));
        let pairs = format!("data-pairs=\"{}\"", pairs.collect::<Vec<_>>().join(" ").replace('>', "&gt;"));
        self.line(class, &pairs, &bundle.words(), "bundle", &path(&laid.points, origin));
    }

    fn line(&mut self, class: &str, data: &str, words: &str, marker: &str, path: &str) {
        let words = escape(words);
        self.put(&format!(
            "<g class=\"{class}\" {data}><title>{words}</title><path class=\"hit\" d=\"{path}\"/>\
             <path class=\"line\" d=\"{path}\" marker-end=\"url(#arrow-{marker})\"/></g>"
        ));
    }

    fn label(&mut self, bundle: &Bundle<'_>, laid: &Laid, origin: Point) {
        let size = bundle.size();
        let at = origin.plus(laid.label).plus(Point { x: -size.w / 2.0, y: -size.h / 2.0 });
        self.put(&format!("<g class=\"label\"><title>{}</title>", escape(&bundle.words())));
        self.rect("", at, size, 6);
        for (number, (line, order)) in bundle.label.iter().enumerate() {
            let class = if *order { "source after" } else { "source" };
            self.text(class, at.plus(Point { x: 8.0, y: 14.0 + number as f64 * LABEL_LINE }), line);
        }
        self.put("</g>");
    }

    fn legend(&mut self, at: Point) {
        self.put("<g class=\"legend\">");
        let mut x = at.x;
        for (class, text) in LEGEND {
            if class.starts_with("node") {
                self.put(&format!("<g class=\"{class}\">"));
                self.rect("", Point { x, y: at.y - 10.0 }, Size { w: SAMPLE, h: 14.0 }, 4);
                self.put("</g>");
            } else {
                let marker = class.rsplit(' ').next().unwrap_or(class);
                let path = format!("M{x:.1} {:.1}h{:.1}", at.y - 4.0, SAMPLE - 4.0);
                self.put(&format!(
                    "<g class=\"{class}\"><path class=\"line\" d=\"{path}\" marker-end=\"url(#arrow-{marker})\"/></g>"
                ));
            }
            self.text("entry", Point { x: x + SAMPLE + 10.0, y: at.y }, text);
            x += entry_width(text);
        }
        self.put("</g>");
    }
}

/// What a resource says when the pointer rests on it.
fn node_words(node: &Node) -> String {
    let status = node.status.as_deref().unwrap_or("not created yet");
    let mut words = format!("{}\n{} · {status}\nfrom [{}]", node.address, node.kind, node.origin);
    if node.typical > 0 {
        write!(words, "\ntypically {} to create", about(node.typical)).unwrap_or_default();
    }
    node.folded.iter().for_each(|folded| write!(words, "\n+ {folded}").unwrap_or_default());
    words
}

fn marker(name: &str, size: u8) -> String {
    format!(
        "<marker id=\"arrow-{name}\" class=\"{name}\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"{size}\" \
         markerHeight=\"{size}\" orient=\"auto\"><path d=\"M0 1L10 5L0 9z\"/></marker>\n"
    )
}

/// The colour of a component, by what it is for.
fn role(name: &str) -> &'static str {
    match name {
        "networking" => "networking",
        "producer" => "producer",
        "nlb" => "nlb",
        _ if name.starts_with("consumer-") => "consumer",
        _ => "other",
    }
}

/// A name that XML takes for an id.
fn id(name: &str) -> String {
    name.replace('/', "--")
}

/// A smooth line through bends, level at each of them.
fn path(points: &[Point], origin: Point) -> String {
    let mut points = points.iter().map(|point| origin.plus(*point));
    let Some(mut at) = points.next() else { return String::new() };
    let mut path = format!("M{:.1} {:.1}", at.x, at.y);
    for next in points {
        let middle = f64::midpoint(at.x, next.x);
        write!(path, "C{middle:.1} {:.1} {middle:.1} {:.1} {:.1} {:.1}", at.y, next.y, next.x, next.y)
            .unwrap_or_default();
        at = next;
    }
    path
}

/// Writes a text so that XML takes it as one.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::graph::sample::diagram;
    use roxmltree::{Document, Node as Element};

    fn number(element: Element<'_, '_>, name: &str) -> f64 {
        element.attribute(name).and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{name} of {element:?}"))
    }

    /// How wide the usual fonts draw a text: not the bound the layout takes, but what it is a bound for.
    fn drawn(text: Element<'_, '_>) -> f64 {
        let size = match text.attribute("class").unwrap() {
            "name" => NAME_SIZE,
            "heading" => TITLE_SIZE,
            _ => KIND_SIZE,
        };
        text.text().unwrap().chars().count() as f64 * size * 0.602
    }

    #[test]
    fn no_text_leaves_its_box() {
        let svg = diagram(3, true).svg();
        let document = Document::parse(&svg).unwrap();
        let groups = document.descendants().filter(|element| element.has_tag_name("g"));
        let mut texts = 0;
        for group in groups {
            let Some(rect) = group.children().find(|child| child.has_tag_name("rect")) else { continue };
            if group.attribute("class").is_some_and(|class| class.starts_with("cluster") || class == "legend") {
                continue;
            }
            for text in group.children().filter(|child| child.has_tag_name("text")) {
                texts += 1;
                let (left, right) = (number(rect, "x"), number(rect, "x") + number(rect, "width"));
                let x = number(text, "x");
                assert!(x >= left && x + drawn(text) <= right, "{:?} in {left}..{right}", text.text());
                let (y, top) = (number(text, "y"), number(rect, "y"));
                assert!(y > top && y < top + number(rect, "height"), "{:?}", text.text());
            }
        }
        assert!(texts > 100, "{texts}");
    }

    #[test]
    fn every_reader_and_resource_is_there_once_and_everything_is_inside() {
        let diagram = diagram(10, false);
        let svg = diagram.svg();
        assert_eq!(svg, diagram.svg(), "the same bytes again");
        let document = Document::parse(&svg).unwrap();
        let ids: Vec<&str> = document.descendants().filter_map(|element| element.attribute("id")).collect();
        let once: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), once.len());
        for node in diagram.nodes() {
            assert!(once.contains(id(&node.address.to_string()).as_str()), "{}", node.address);
        }
        assert!(once.contains("consumer-analytics-10") && once.contains("consumer-reporting-1--workgroup"));
        let (width, height) = (number(document.root_element(), "width"), number(document.root_element(), "height"));
        for rect in document.descendants().filter(|element| element.has_tag_name("rect") && element.has_attribute("x"))
        {
            let inside = number(rect, "x") >= 0.0 && number(rect, "x") + number(rect, "width") <= width;
            assert!(inside && number(rect, "y") + number(rect, "height") <= height, "{rect:?}");
        }
        let titles = document.descendants().filter(|element| element.has_tag_name("title"));
        let reason = "consumer-reporting-1/targets after nlb/listener-5439: targets are checked once";
        assert!(titles.filter_map(|title| title.text()).any(|text| text.contains(reason)));
    }

    #[test]
    fn lines_point_from_left_to_right_and_start_at_their_boxes() {
        let diagram = diagram(2, false);
        for part in &diagram.parts {
            let frame = Frame::new(&diagram, part);
            for laid in &frame.layout.lines {
                let (first, last) = (laid.points[0], laid.points[laid.points.len() - 1]);
                let on_a_side = |at: Point, side: &dyn Fn(&Point, &Size) -> f64| {
                    frame.layout.boxes.iter().zip(&frame.boxes).any(|(corner, size)| {
                        (side(corner, size) - at.x).abs() < 0.01 && at.y > corner.y && at.y < corner.y + size.h
                    })
                };
                assert!(on_a_side(first, &|corner, size| corner.x + size.w), "{first:?}");
                assert!(on_a_side(last, &|corner, _| corner.x) && first.x < last.x, "{last:?}");
                assert!(laid.points.iter().all(|point| point.y >= 0.0), "nothing runs into the title");
            }
        }
    }
}
