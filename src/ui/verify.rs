//! What `datashare verify` has proven, warehouse by warehouse.
//!
//! Called by the CLI. Must never hide a check that fails, nor shorten why.

use super::{
    style::{Label, Styled},
    view::View,
    words::count,
};
use crate::verify::{Check, Proof};
use serde_json::{Value as Json, json};
use unicode_width::UnicodeWidthStr as _;

/// The checks of one run.
pub struct VerifyView<'a> {
    /// The checks, in the order they are shown in.
    pub checks: &'a [Check],
}

impl Proof {
    /// Its word in documents, how it is marked, and what was seen.
    fn parts(&self) -> (&'static str, &'static str, Label, &str) {
        match self {
            Self::Holds(seen) => ("holds", "✓", Label::Create, seen),
            Self::Open(seen) => ("open", "?", Label::Warning, seen),
            Self::Fails(seen) => ("fails", "✗", Label::Error, seen),
        }
    }
}

impl View for VerifyView<'_> {
    fn human(&self, color: bool, _: usize) -> String {
        let width =
            |of: fn(&Check) -> &str| self.checks.iter().map(|check| of(check).width()).max().unwrap_or_default();
        let (warehouses, whats) = (width(|check| &check.warehouse), width(|check| &check.what));
        let pad = |text: &str, width: usize| " ".repeat(width - text.width() + 2);
        let (mut out, mut share) = (String::new(), "");
        for check in self.checks {
            if check.share != share {
                share = &check.share;
                out.push_str(&(Styled::new().label(Label::Heading, share).render(color) + "\n"));
            }
            let (_, mark, label, seen) = check.proof.parts();
            let line = Styled::new().text("  ").label(label, mark).text(" ").label(Label::Address, &check.warehouse);
            let line = line.text(pad(&check.warehouse, warehouses)).text(&check.what).text(pad(&check.what, whats));
            out.push_str(&(line.text(seen).render(color) + "\n"));
        }
        let number = |word: &str| self.checks.iter().filter(|check| check.proof.parts().0 == word).count();
        let (holds, open, fails) = (number("holds"), number("open"), number("fails"));
        let verdict = if fails > 0 { "Not verified" } else { "Verified" };
        let open = if open > 0 { format!(", {open} cannot be told yet") } else { String::new() };
        let next = match fails {
            0 => "",
            _ => "What makes it so: rsds apply --refresh-sql\n",
        };
        out + &format!(
            "{verdict}: {} of {} {}{open}.\n{next}",
            holds,
            count(holds + fails, "check"),
            if holds == 1 { "holds" } else { "hold" }
        )
    }

    fn json(&self) -> Json {
        let one = |check: &Check| {
            let (word, _, _, seen) = check.proof.parts();
            let Check { share, warehouse, what, .. } = check;
            json!({ "share": share, "warehouse": warehouse, "check": what, "outcome": word, "seen": seen })
        };
        let verified = !self.checks.iter().any(|check| matches!(check.proof, Proof::Fails(_)));
        json!({ "format": "rsds.verify/1", "verified": verified, "checks": self.checks.iter().map(one).collect::<Vec<_>>() })
    }
}
