//! Markdown as GitHub and GitLab take it: what a comment on a pull request or a job's summary is made of.
//!
//! Called by the views that have such a form, and for all others through `View::markdown`. A page never grows beyond
//! `LIMIT`; what it leaves out it says. Must never let a value of the TOML or of AWS become markup: values stand in
//! fences longer than any they hold, or are escaped.

use super::style::{head, visible};
use super::words;
use std::fmt::Write as _;

/// The most bytes of a page: GitHub takes comments of 65,536 characters.
pub const LIMIT: usize = 65_000;
/// What the sentence about the things left out may take.
const NOTE: usize = 1_000;
/// The most columns of a sentence that comes from elsewhere.
const SENTENCE: usize = 400;
/// The most items of a list outside the folded parts.
const ITEMS: usize = 20;

/// What a page is about.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The subcommand: `plan`. With the environment it makes the marker by which a comment is found again.
    pub command: &'a str,
    /// The environment.
    pub environment: &'a str,
    /// What to type to see everything.
    pub everything: &'a str,
}

impl Subject<'_> {
    /// Writes the first line, which says it all, and the marker.
    pub(super) fn head(&self, said: &str) -> String {
        let Self { command, environment, .. } = self;
        let name = if environment.is_empty() { code("rsds") } else { code(environment) };
        format!("### {name} · {}\n<!-- rsds:{command}:{environment} -->\n", text(said))
    }
}

/// Escapes a text so that it reads as it is: no markup, no HTML, no mention of a person, no link to an issue.
pub fn text(plain: &str) -> String {
    let mut out = String::with_capacity(plain.len());
    for c in visible(plain).chars() {
        match c {
            // Mentions and issue links are found after entities are resolved: only a character between stops them.
            '@' | '#' => out.extend([c, '\u{200b}']),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '|' | '`' | '*' | '_' | '[' | ']' | '~' | '\\' | '$' | '!' => {
                write!(out, "&#{};", u32::from(c)).unwrap_or_default();
            }
            c => out.push(c),
        }
    }
    out
}

/// Writes a text as code within a line; holds in tables too.
pub fn code(plain: &str) -> String {
    format!("<code>{}</code>", text(plain).replace('\u{200b}', ""))
}

/// Writes a sentence that comes from elsewhere, cut to a length that suits a list.
pub(super) fn sentence(plain: &str) -> String {
    let whole = visible(plain);
    let cut = head(&whole, SENTENCE);
    text(&if cut.len() < whole.len() { format!("{cut}…") } else { whole })
}

/// Writes a list; what is too much is counted.
pub(super) fn list(items: impl IntoIterator<Item = String>) -> String {
    let items: Vec<String> = items.into_iter().collect();
    let shown = if items.len() > ITEMS { ITEMS - 1 } else { items.len() };
    let mut out: String = items.iter().take(shown).map(|item| format!("- {item}\n")).collect();
    if items.len() > shown {
        writeln!(out, "- and {} more", items.len() - shown).unwrap_or_default();
    }
    out
}

/// Returns a fence that nothing in these texts can close.
fn fence<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let longest = |text: &str| text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(texts.map(longest).max().unwrap_or(0).max(2) + 1)
}

/// Writes a page that holds just these lines, as a block of code.
pub fn fenced(plain: &str, subject: Subject<'_>) -> String {
    let entries = plain.lines().map(|line| Entry { full: format!("{}\n", visible(line)), ..Entry::default() });
    let block = Block { entries: entries.collect(), noun: "line", ..Block::default() };
    let head = subject.head(&format!("rsds {}", subject.command)) + "\n";
    Page { head, blocks: vec![block], foot: String::new() }.fit(subject.everything)
}

/// One thing of a block: lines of code, each with its line end.
#[derive(Clone, Debug, Default)]
pub(super) struct Entry {
    /// All there is to say.
    pub(super) full: String,
    /// What is said where there is no room for all; empty: nothing.
    pub(super) brief: String,
    /// What stays longest: the heaviest.
    pub(super) weight: u8,
}

/// A part of a page: a fold with its title, or, without one, just the code.
#[derive(Clone, Debug, Default)]
pub(super) struct Block {
    /// The title of the fold.
    pub(super) title: String,
    /// Whether it is shown unfolded.
    pub(super) open: bool,
    /// The language by which the code is coloured.
    pub(super) language: &'static str,
    /// What an entry is called.
    pub(super) noun: &'static str,
    /// What is in it.
    pub(super) entries: Vec<Entry>,
}

/// How much is shown of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Full,
    Brief,
    Nothing,
}

impl Entry {
    fn text(&self, shown: Shown) -> &str {
        match shown {
            Shown::Full => &self.full,
            Shown::Brief => &self.brief,
            Shown::Nothing => "",
        }
    }
}

impl Block {
    fn write(&self, shown: &[Shown], out: &mut String) {
        if shown.iter().zip(&self.entries).all(|(shown, entry)| entry.text(*shown).is_empty()) {
            return;
        }
        if !self.title.is_empty() {
            let open = if self.open { " open" } else { "" };
            write!(out, "\n<details{open}><summary>{}</summary>\n\n", text(&self.title)).unwrap_or_default();
        }
        let fence = fence(self.entries.iter().map(|entry| entry.full.as_str()));
        writeln!(out, "{fence}{}", self.language).unwrap_or_default();
        for (entry, shown) in self.entries.iter().zip(shown) {
            out.push_str(entry.text(*shown));
        }
        writeln!(out, "{fence}").unwrap_or_default();
        if !self.title.is_empty() {
            out.push_str("\n</details>\n");
        }
    }
}

/// A page.
#[derive(Clone, Debug, Default)]
pub(super) struct Page {
    /// What stands above the blocks; never cut, so it must be short.
    pub(super) head: String,
    /// The blocks.
    pub(super) blocks: Vec<Block>,
    /// What stands below; never cut.
    pub(super) foot: String,
}

impl Page {
    /// Writes the page within `LIMIT`: first details go, the lightest and last first, then whole entries.
    pub(super) fn fit(&self, everything: &str) -> String {
        let mut shown: Vec<Vec<Shown>> = self.blocks.iter().map(|b| vec![Shown::Full; b.entries.len()]).collect();
        let mut size = self.write(&shown).len();
        if size <= LIMIT {
            return self.write(&shown);
        }
        let mut order: Vec<(usize, usize)> =
            (0..shown.len()).flat_map(|b| (0..shown[b].len()).map(move |e| (b, e))).collect();
        order.sort_by_key(|&(b, e)| (self.blocks[b].entries[e].weight, std::cmp::Reverse((b, e))));
        for step in [Shown::Brief, Shown::Nothing] {
            for &(b, e) in &order {
                if size + NOTE <= LIMIT {
                    break;
                }
                let entry = &self.blocks[b].entries[e];
                size = size + entry.text(step).len() - entry.text(shown[b][e]).len();
                shown[b][e] = step;
            }
        }
        self.write(&shown) + &self.left_out(&shown, everything)
    }

    fn write(&self, shown: &[Vec<Shown>]) -> String {
        let mut out = self.head.clone();
        for (block, shown) in self.blocks.iter().zip(shown) {
            block.write(shown, &mut out);
        }
        out.push_str(&self.foot);
        out
    }

    /// Says what does not stand there, and how to see it.
    fn left_out(&self, shown: &[Vec<Shown>], everything: &str) -> String {
        let (mut details, mut gone, mut noun) = (0, 0, "line");
        for (block, shown) in self.blocks.iter().zip(shown) {
            for (entry, shown) in block.entries.iter().zip(shown) {
                match shown {
                    Shown::Full => continue,
                    Shown::Brief if !entry.brief.is_empty() => details += 1,
                    Shown::Brief | Shown::Nothing => gone += 1,
                }
                noun = block.noun;
            }
        }
        let parts = [(details, "the details of "), (gone, "")];
        let parts = parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{what}{}", words::count(*n, noun)));
        let command = code(head(everything, SENTENCE));
        format!("\n_Left out, to fit: {}. All of it: {command}_\n", parts.collect::<Vec<_>>().join(", and "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out() {
        let evil = "`</code></details>|*b* [x](http://e) @team #1 <img src=x>\n# h\u{202e}";
        let written = text(evil);
        assert!(!written.contains(['`', '<', '>', '|', '*', '[', '\n', '\u{202e}']), "{written}");
        assert!(written.contains("@\u{200b}team") && written.contains("#\u{200b}1"), "{written}");
        assert!(code("a`b").starts_with("<code>a&#96;b"));
        let subject = Subject { command: "show", environment: "dev", everything: "rsds show" };
        let block = fenced("```\n</details>\n`````", subject);
        assert!(block.contains("\n``````\n```\n") && block.ends_with("\n``````\n"), "{block}");
    }

    fn page(details: usize, entries: usize) -> Page {
        let entry = |n: usize| Entry {
            full: format!("+ create {n}\n    {}\n", "x".repeat(details)),
            brief: format!("+ create {n}\n"),
            weight: u8::from(n == 0),
        };
        let block = Block {
            title: "networking".into(),
            noun: "resource",
            entries: (0..entries).map(entry).collect(),
            ..Block::default()
        };
        Page { head: "### head\n".into(), blocks: vec![block], foot: String::new() }
    }

    #[test]
    fn details_go_first_and_the_heaviest_last() {
        let text = page(1_000, 100).fit("rsds plan");
        assert!(text.len() <= LIMIT, "{}", text.len());
        assert!(text.contains("+ create 0\n    xxx") && text.contains("+ create 99\n```"), "{text}");
        assert!(
            text.contains("_Left out, to fit: the details of ") && text.contains("<code>rsds plan</code>_"),
            "{text}"
        );
        assert!(!page(10, 100).fit("rsds plan").contains("Left out"));
    }

    #[test]
    fn then_whole_entries_go() {
        let text = page(1_000, 10_000).fit("rsds plan");
        assert!(text.len() <= LIMIT && text.len() > LIMIT - 3_000, "{}", text.len());
        assert!(text.contains("+ create 0\n") && !text.contains("+ create 9999\n"));
        assert!(text.contains(" resources, and "), "{}", &text[text.len() - 200..]);
    }

    #[test]
    fn a_value_of_any_size_fits() {
        let mut huge = page(200_000, 1);
        assert!(huge.fit("x").len() <= LIMIT);
        huge.head = list((0..100).map(|_| sentence(&"ä`".repeat(10_000))));
        assert!(huge.fit(&"y".repeat(100_000)).len() <= LIMIT);
    }
}
