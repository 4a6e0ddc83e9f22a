//! Where boxes and lines go: layers from left to right, few crossings, by the library `dagre`.
//!
//! Called by `svg`, once for each component and once for the boxes of all components. Texts are measured here: by the
//! widest of the fonts a reader may have, so that none leaves its box. Must be the same on every run.

use dagre::{
    EdgeLabel, LayoutOptions, NodeLabel, RankDir,
    graph::{Graph, GraphOptions},
    layout::types::LabelPos,
};

/// A width and a height, in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Size {
    pub(super) w: f64,
    pub(super) h: f64,
}

/// A place, in pixels from the upper left corner.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
}

impl Point {
    pub(super) fn plus(self, other: Self) -> Self {
        Self { x: self.x + other.x, y: self.y + other.y }
    }
}

/// A line to be laid, and the room its label wants.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) label: Size,
}

/// A laid line: its bends, and the middle of its label.
#[derive(Clone, Debug)]
pub(super) struct Laid {
    pub(super) points: Vec<Point>,
    pub(super) label: Point,
}

/// What came of it.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) size: Size,
    /// The upper left corner of each box.
    pub(super) boxes: Vec<Point>,
    /// One for each line.
    pub(super) lines: Vec<Laid>,
}

/// Distances, in pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gaps {
    pub(super) between_layers: f64,
    pub(super) within_layer: f64,
}

/// Lays boxes in layers from left to right, so that lines point to the right.
pub(super) fn layered(boxes: &[Size], lines: &[Line], gaps: Gaps) -> Layout {
    if boxes.is_empty() {
        return Layout { size: Size::default(), boxes: Vec::new(), lines: Vec::new() };
    }
    let mut graph: Graph<NodeLabel, EdgeLabel> =
        Graph::with_options(GraphOptions { directed: true, multigraph: false, compound: false });
    for (at, Size { w, h }) in boxes.iter().enumerate() {
        graph.set_node(name(at), Some(NodeLabel { width: *w, height: *h, ..NodeLabel::default() }));
    }
    for Line { from, to, label } in lines {
        let label = EdgeLabel { width: label.w, height: label.h, labelpos: LabelPos::Center, ..EdgeLabel::default() };
        graph.set_edge(name(*from), name(*to), Some(label), None);
    }
    let options = LayoutOptions {
        rankdir: RankDir::LR,
        nodesep: gaps.within_layer,
        edgesep: gaps.within_layer / 2.0,
        ranksep: gaps.between_layers,
        // What is equal stays in the order it came in.
        tie_keep_first: true,
        ..LayoutOptions::default()
    };
    dagre::layout(&mut graph, Some(options));
    read(&graph, boxes, lines)
}

/// A name that sorts as its number does.
fn name(at: usize) -> String {
    format!("{at:06}")
}

fn read(graph: &Graph<NodeLabel, EdgeLabel>, boxes: &[Size], lines: &[Line]) -> Layout {
    let corner = |(at, size): (usize, &Size)| {
        let label = graph.node(&name(at));
        let middle = |of: Option<Option<f64>>| of.flatten().unwrap_or_default();
        let (x, y) = (middle(label.map(|label| label.x)), middle(label.map(|label| label.y)));
        Point { x: x - size.w / 2.0, y: y - size.h / 2.0 }
    };
    let mut boxes_at: Vec<Point> = boxes.iter().enumerate().map(corner).collect();
    let laid = |line: &Line| {
        let label = graph.edge(&name(line.from), &name(line.to), None);
        let points = label.map(|label| label.points.iter().map(|p| Point { x: p.x, y: p.y }).collect());
        let middle = label.and_then(|label| Some(Point { x: label.x?, y: label.y? }));
        Laid { points: points.unwrap_or_default(), label: middle.unwrap_or_default() }
    };
    let mut lines_at: Vec<Laid> = lines.iter().map(laid).collect();
    dock(boxes, &boxes_at, lines, &mut lines_at);
    // The library lays some lines beyond its own corner.
    let bends = || lines_at.iter().flat_map(|line| line.points.iter().copied());
    let near = boxes_at
        .iter()
        .copied()
        .chain(bends())
        .fold(Point::default(), |near, point| Point { x: near.x.min(point.x), y: near.y.min(point.y) });
    let right = boxes_at.iter().zip(boxes).map(|(at, size)| Point { x: at.x + size.w, y: at.y + size.h });
    let far = right.chain(bends()).fold(Point::default(), |far, p| Point { x: far.x.max(p.x), y: far.y.max(p.y) });
    let shift = Point { x: -near.x, y: -near.y };
    boxes_at.iter_mut().for_each(|at| *at = at.plus(shift));
    for line in &mut lines_at {
        line.points.iter_mut().chain([&mut line.label]).for_each(|at| *at = at.plus(shift));
    }
    Layout { size: Size { w: far.x - near.x, h: far.y - near.y }, boxes: boxes_at, lines: lines_at }
}

/// Lets lines begin on the right side of a box and end on the left of another, spread evenly, without crossings there.
fn dock(boxes: &[Size], boxes_at: &[Point], lines: &[Line], laid: &mut [Laid]) {
    for (number, (size, at)) in boxes.iter().zip(boxes_at).enumerate() {
        for leaving in [true, false] {
            let here = |line: &Line| if leaving { line.from } else { line.to };
            let mut docked: Vec<usize> = (0..lines.len()).filter(|of| here(&lines[*of]) == number).collect();
            let bend = |of: &usize| {
                let points = &laid[*of].points;
                points.get(if leaving { 1 } else { points.len().saturating_sub(2) }).map_or(0.0, |point| point.y)
            };
            docked.sort_by(|a, b| bend(a).total_cmp(&bend(b)));
            let step = size.h / (docked.len() + 1) as f64;
            for (place, of) in docked.iter().enumerate() {
                let x = if leaving { at.x + size.w } else { at.x };
                let end = if leaving { laid[*of].points.first_mut() } else { laid[*of].points.last_mut() };
                if let Some(end) = end {
                    *end = Point { x, y: at.y + step * (place + 1) as f64 };
                }
            }
        }
    }
}

/// The fonts of the drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Font {
    /// Fixed width, for names.
    Mono,
    /// Proportional, for the rest.
    Sans,
}

/// Returns how wide a text may get, in pixels, whichever font of the family the reader has.
pub(super) fn measure(text: &str, font: Font, size: f64) -> f64 {
    let em: f64 = text.chars().map(|c| if font == Font::Mono { 0.62 } else { sans(c) }).sum();
    em * size
}

/// The width of a letter in Verdana bold, the widest of the usual ones, in em.
fn sans(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | ' ' | '!' => 0.4,
        'f' | 'r' | 't' | '-' | '/' | '(' | ')' | 'I' => 0.55,
        'm' | 'w' | 'M' | 'W' | '%' | '@' => 1.13,
        'A'..='Z' | '→' | '·' | '…' => 0.88,
        c if c.is_ascii() => 0.72,
        _ => 1.1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_stand_in_layers_and_do_not_overlap() {
        let boxes = [Size { w: 100.0, h: 30.0 }; 6];
        let line = |from, to| Line { from, to, label: Size::default() };
        let lines = [line(0, 1), line(0, 2), line(0, 3), line(1, 4), line(0, 4), line(4, 5)];
        let laid = layered(&boxes, &lines, Gaps { between_layers: 40.0, within_layer: 10.0 });
        for line in lines {
            assert!(laid.boxes[line.from].x + 100.0 < laid.boxes[line.to].x, "{line:?} points to the right: {laid:?}");
        }
        for (at, a) in laid.boxes.iter().enumerate() {
            for b in &laid.boxes[..at] {
                assert!((a.x - b.x).abs() >= 100.0 || (a.y - b.y).abs() >= 30.0, "{a:?} {b:?}");
            }
        }
        let inside = |at: &Point| at.x >= 0.0 && at.y >= 0.0 && at.x + 100.0 <= laid.size.w + 0.01;
        assert!(laid.boxes.iter().all(inside));
        assert!(layered(&[], &[], Gaps { between_layers: 1.0, within_layer: 1.0 }).boxes.is_empty());
    }
}
