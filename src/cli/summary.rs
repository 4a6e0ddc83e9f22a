//! Where a job of GitHub Actions wants to be told: the file of its summary, and where in the repository the TOML is.
//!
//! Called by `context` for `--format github`. Without the job's variables there is just no summary.

use super::context::{Context, variable};
use std::{io::Write as _, path::Path};

/// The most bytes GitHub takes for the summary of a step.
const MOST: u64 = 1024 * 1024;

impl Context {
    /// Adds a page to the summary of the job.
    pub(super) fn summarise(&self, page: &str) {
        let Some(file) = variable("GITHUB_STEP_SUMMARY") else { return };
        let written = std::fs::metadata(&file).map_or(0, |there| there.len());
        if written + page.len() as u64 + 1 > MOST {
            self.printer.warning("the job's summary is full (1 MiB): nothing was added to it");
            return;
        }
        let opened = std::fs::OpenOptions::new().append(true).create(true).open(&file);
        let added = opened.and_then(|mut summary| summary.write_all(format!("{page}\n").as_bytes()));
        if let Err(error) = added {
            self.printer.warning(&format!("cannot write the job's summary {file}: {error}"));
        }
    }

    /// Returns what leads from the repository's root to the folder of `environments/`: empty, or ending in `/`.
    pub(super) fn folder_in_repository(&self) -> String {
        let given = || self.directory.clone();
        let inside = variable("GITHUB_WORKSPACE").and_then(|root| {
            let (root, here) = (Path::new(&root).canonicalize().ok()?, self.directory.canonicalize().ok()?);
            Some(here.strip_prefix(root).ok()?.to_owned())
        });
        let folder = inside.unwrap_or_else(given);
        let parts = folder.components().filter(|part| !matches!(part, std::path::Component::CurDir));
        parts.map(|part| format!("{}/", part.as_os_str().to_string_lossy())).collect()
    }
}
