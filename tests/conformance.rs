//! Conformance (design.md 9.1): what every kind of resource must do, checked over the whole list of kinds.
//!
//! `table` says what only a person can know of each kind (a resource to try it on, another valid value for each of its
//! fields); everything else follows from `rsds::aws::KINDS`, and a kind or a field that the table lacks fails.

#![expect(clippy::panic, reason = "a test that cannot go on fails, and says of which kind")]

mod alone;
mod bench;
mod changes;
mod drift;
mod law;
mod options;
mod reading;
mod table;

use bench::Bench;
use rsds::kind::Tree;

/// What `[resources]` rests on: a draft is read back as the kind's own type, references included.
#[tokio::test(start_paused = true)]
async fn every_kind_reads_its_drafts_back() {
    let bench = Bench::new();
    let session = bench.open().await;
    for (address, wanted) in bench.stack(&session).await.wanted {
        let once =
            wanted.kind.redraft(&Tree::Map(wanted.spec.clone())).unwrap_or_else(|why| panic!("{address}: {why}"));
        let Tree::Map(fields) = &once else { panic!("{address}: a spec is a map") };
        for (field, value) in &wanted.spec {
            assert_eq!(references(&fields[field]), references(value), "{address} {field}");
        }
        assert_eq!(wanted.kind.redraft(&once).unwrap(), once, "{address}");
    }
}

fn references(tree: &Tree) -> std::collections::BTreeSet<rsds::kind::OutputRef> {
    let mut found = std::collections::BTreeSet::new();
    tree.references(&mut found);
    found
}
