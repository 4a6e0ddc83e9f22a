//! The drawing on a page of its own: pan, zoom, and a click that shows what a resource needs and what needs it.
//!
//! Called through `Diagram::html`. The page asks the network for nothing.

use super::{
    model::Diagram,
    svg::{escape, svg},
};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Writes the page.
pub(super) fn html(diagram: &Diagram) -> String {
    let title = escape(&format!("{} {}: dependency graph", diagram.project, diagram.environment));
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n{}\
         <p id=\"hint\">Drag to move, scroll to zoom, double-click to see it whole. Click a resource to follow what it \
         needs and what needs it.</p>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n",
        svg(diagram)
    )
}
