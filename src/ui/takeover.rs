//! A whole old estate that is taken over: what becomes what, what stays as it is and why, what to do to the old code, and
//! how to go back.
//!
//! Called by `import` of the CLI. Must never let anybody destroy with the old tool what is the new one's.

use super::{
    plan::ImportView,
    style::{Label, Styled, lines},
    view::View,
    words::count,
};
use crate::import::{bulk::Takeover, tfstate::TfState};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

/// A takeover with what its report needs besides.
pub struct TakeoverView<'a> {
    /// What is taken over.
    pub takeover: &'a Takeover,
    /// The state it comes from.
    pub old: &'a TfState,
    /// The name of that file.
    pub source: String,
    /// The environment file.
    pub file: String,
    /// The environment.
    pub env: String,
    /// What is recorded and tagged, and what the next apply would change.
    pub import: ImportView<'a>,
}

impl TakeoverView<'_> {
    /// The old addresses that are taken over.
    fn taken(&self) -> BTreeSet<&str> {
        self.takeover.from.values().flatten().map(String::as_str).collect()
    }

    /// The blocks that let go of what is taken over, for the old code.
    fn removed(&self) -> Vec<String> {
        let taken = self.taken();
        let mut blocks: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for of in &self.old.resources {
            let shared = blocks.entry(&of.block).or_default();
            if !taken.contains(of.address.as_str()) {
                shared.push(&of.address);
            }
        }
        let whole: BTreeSet<&str> = self
            .old
            .resources
            .iter()
            .filter(|of| taken.contains(of.address.as_str()))
            .map(|of| of.block.as_str())
            .collect();
        let written = blocks.into_iter().filter(|(block, _)| whole.contains(block)).map(|(block, besides)| {
            let besides =
                besides.iter().map(|address| format!("# lets go of {address}, too: rsds leaves that as it is\n"));
            let besides: String = besides.collect();
            format!("{besides}removed {{\n  from = {block}\n  lifecycle {{\n    destroy = false\n  }}\n}}")
        });
        written.collect()
    }

    /// The commands that do the same where the old tool has no such blocks.
    fn forgets(&self) -> Vec<String> {
        self.taken()
            .into_iter()
            .map(|address| format!("terraform state rm '{}'", address.replace('\'', r"'\''")))
            .collect()
    }

    fn untouched_json(&self) -> Json {
        let taken = self.taken();
        let all = self.old.resources.iter().filter(|of| taken.contains(of.address.as_str()));
        let all = all.map(|of| (of.address.as_str(), of.untouched())).filter(|(_, settings)| !settings.is_empty());
        all.map(|(address, settings)| json!({ "address": address, "settings": settings })).collect()
    }

    fn undo(&self) -> Vec<String> {
        let (env, file) = (&self.env, &self.takeover.file);
        // Where the file is its own, so is everything in the state.
        let addresses = match file {
            Some(_) => "'*'".to_owned(),
            None => self.takeover.from.keys().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        };
        let forget = format!("rsds state rm --env {env} {addresses}");
        std::iter::once(forget).chain(file.is_some().then(|| format!("rm {}", self.file))).collect()
    }

    fn say(&self, page: &mut Vec<(Styled, usize)>) {
        let mut heading = |text: String| page.push((Styled::new().label(Label::Heading, text), 0));
        let Takeover { from, left, file, .. } = self.takeover;
        heading(format!("{}: {}", self.source, count(self.old.resources.len(), "resource")));
        let mut line = |text: String, hang: usize| page.push((Styled::new().text(text), hang));
        let wide = from.keys().map(|address| address.to_string().len()).max().unwrap_or(0);
        for (address, of) in from {
            let of: Vec<&str> = of.iter().map(String::as_str).collect();
            line(format!("  {:<wide$} <- {}", address.to_string(), of.join(", ")), wide + 6);
        }
        if !left.is_empty() {
            line(String::new(), 0);
            line(format!("Left as it is ({}):", left.len()), 0);
            for (address, why) in left {
                line(format!("  {address}: {why}"), 4);
            }
            line(
                "The old code destroys what is left if its own code goes: keep that, or let go of it in the same way."
                    .to_owned(),
                0,
            );
        }
        let taken = self.taken();
        let stay =
            self.old.resources.iter().filter(|of| taken.contains(of.address.as_str()) && !of.untouched().is_empty());
        let stay: Vec<String> = stay.map(|of| format!("  {}: {}", of.address, of.untouched().join(", "))).collect();
        if !stay.is_empty() {
            line("Taken over, with settings that rsds neither makes nor looks at; they stay:".to_owned(), 0);
            stay.into_iter().for_each(|text| line(text, 4));
        }
        if !self.old.data.is_empty() {
            line(format!("Looked up by the old code, and nobody's: {}", self.old.data.join(", ")), 2);
        }
        if !self.old.deposed.is_empty() {
            let text = "Left behind by a replacement in the old code, which should remove it first (terraform apply)";
            line(format!("{text}: {}", self.old.deposed.join(", ")), 2);
        }
        if let Some((_, file)) = file {
            let (plain, single) = file.counts();
            line(String::new(), 0);
            line(
                format!(
                    "{} is written: {plain} plain keys, and more about {}. Once this is taken over its plan is empty: \
                     that was tried against AWS just now.",
                    self.file,
                    count(single, "resource")
                ),
                0,
            );
        }
        line(String::new(), 0);
        line(
            "Then let the old code go of it: put these blocks in the place of the resources' own, and apply it (Terraform 1.7 \
             and later; OpenTofu, of which a version that knows no `lifecycle` there never destroys)."
                .to_owned(),
            0,
        );
        line(String::new(), 0);
        self.removed().iter().flat_map(|block| block.lines()).for_each(|text| line(text.to_owned(), 0));
        line(String::new(), 0);
        line("Before Terraform 1.7 the same by command, then delete the code:".to_owned(), 0);
        self.forgets().into_iter().for_each(|text| line(format!("  {text}"), 4));
        line(String::new(), 0);
        line("To go back (nothing but the tags `rsds:...` will have changed in AWS):".to_owned(), 0);
        self.undo().into_iter().for_each(|text| line(format!("  {text}"), 4));
        line(String::new(), 0);
    }
}

impl View for TakeoverView<'_> {
    fn human(&self, color: bool, width: usize) -> String {
        let mut page = Vec::new();
        self.say(&mut page);
        // Commands and blocks are copied: they are never broken.
        let report = lines(page, color, usize::MAX);
        match self.takeover.file {
            // Every resource gets the same four tags, and nothing is left to do.
            Some(_) => report + &self.import.sums(color, width),
            None => report + &self.import.human(color, width),
        }
    }

    fn json(&self) -> Json {
        let left = self.takeover.left.iter().map(|(address, why)| json!({ "address": address, "why": why }));
        let taken = self.takeover.from.iter().map(|(address, from)| json!({ "address": address, "from": from }));
        let mut json = self.import.json();
        json["terraform"] = json!({
            "version": self.old.version,
            "taken": taken.collect::<Vec<_>>(),
            "left": left.collect::<Vec<_>>(),
            "untouched": self.untouched_json(),
            "data": self.old.data,
            "deposed": self.old.deposed,
            "removed": self.removed(),
            "state_rm": self.forgets(),
            "undo": self.undo(),
            "file": self.takeover.file.as_ref().map(|_| &self.file),
        });
        json
    }
}
