//! Every field of every kind is changed, one at a time, through plan and apply.

use super::{
    bench::{Bench, at, touched},
    table::{self, Row, Subject, To},
};
use crate::harness::destroying;
use rsds::{
    address::Address,
    aws::{KINDS, kind},
    kind::{AnyKind, Field, OnChange},
    plan::{Action, Change, Options, Plan, Reason},
};
use std::collections::BTreeSet;

/// The rows of a subject, those of its tags among them.
pub(crate) fn rows(subject: Subject) -> Vec<Row> {
    let tags = kind(subject.given.kind).unwrap().tagged().then(table::tag_rows);
    subject.rows.into_iter().chain(tags.into_iter().flatten()).collect()
}

/// The names of a kind's fields.
pub(crate) fn names(kind: &dyn AnyKind) -> BTreeSet<&'static str> {
    kind.fields().iter().map(|field| field.name).collect()
}

#[test]
fn every_field_of_every_kind_has_a_row() {
    let mut wrong = Vec::new();
    for kind in KINDS {
        let of_kind = table::subjects().into_iter().find(|subject| subject.given.kind == kind.name());
        let Some(subject) = of_kind else {
            wrong.push(format!("{} has no subject", kind.name()));
            continue;
        };
        let tried: BTreeSet<&str> = rows(subject).iter().map(|row| row.field).collect();
        let fields = names(*kind);
        wrong.extend(fields.difference(&tried).map(|field| format!("{}: no row for {field}", kind.name())));
        wrong.extend(tried.difference(&fields).map(|field| format!("{} has no field {field}", kind.name())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What one round demands of one subject.
struct Demand {
    address: Address,
    row: Row,
    field: Field,
}

impl Demand {
    fn of(subject: Subject, round: usize) -> Option<Self> {
        let (address, of) = (at(subject.given.address), kind(subject.given.kind)?);
        let row = rows(subject).into_iter().filter(|row| !matches!(row.to, To::Refused(_))).nth(round)?;
        let field = of.fields().into_iter().find(|field| field.name == row.field)?;
        Some(Self { address, row, field })
    }

    /// Says what is wrong with the planned change.
    fn check(&self, change: &Change) -> Result<(), String> {
        let changed: BTreeSet<&str> = change.fields.iter().map(|field| field.field.as_str()).collect();
        if !changed.contains(self.row.field) {
            return Err(format!("its change is not seen: {changed:?}"));
        }
        match self.field.on_change {
            OnChange::Update => self.check_update(change, &changed),
            OnChange::Replace => match change.action {
                Action::Replace(_) if change.reasons.contains(&Reason::Immutable(self.row.field.to_owned())) => Ok(()),
                action => Err(format!("is to replace, naming itself, and does {action:?} for {:?}", change.reasons)),
            },
        }
    }

    fn check_update(&self, change: &Change, changed: &BTreeSet<&str>) -> Result<(), String> {
        if change.action != Action::Update || change.reasons != [Reason::Changed] {
            return Err(format!("is to update, and does {:?} for {:?}", change.action, change.reasons));
        }
        let settled: BTreeSet<&str> =
            change.work.steps.iter().flat_map(|step| step.fields.iter().map(String::as_str)).collect();
        match self.row.silent {
            true if change.work.steps.is_empty() => Ok(()),
            false if settled == *changed => Ok(()),
            _ => Err(format!("changes {changed:?}, and the steps are {:?}", change.work.steps)),
        }
    }
}

/// What is touched must be a subject of this round or follow one.
fn strangers(plan: &Plan, demands: &[Demand]) -> Vec<String> {
    let followers: BTreeSet<Address> =
        demands.iter().flat_map(|demand| demand.row.followers.iter().map(|follower| at(follower))).collect();
    let meant: BTreeSet<Address> = demands.iter().map(|demand| demand.address.clone()).chain(followers).collect();
    let touched: BTreeSet<Address> = plan.touched().map(|change| change.address.clone()).collect();
    let stray = touched.difference(&meant).map(|address| format!("{address} is touched"));
    let idle = meant.difference(&touched).map(|address| format!("{address} is not touched"));
    stray.chain(idle).collect()
}

/// Demands that the plan refuses what a kind refuses, and names the resource.
async fn refusals(bench: &mut Bench) {
    for subject in table::subjects() {
        let address = at(subject.given.address);
        for row in rows(subject) {
            let To::Refused(json) = &row.to else { continue };
            bench.edits.push((address.clone(), row.field, To::Value(json.clone())));
            let (session, errors) = (bench.open().await, bench.refusal().await);
            bench.edits.pop();
            assert!(errors.iter().all(|error| error.address.as_ref() == Some(&address)), "{errors:#?}");
            let plan = bench.plan(&session, &Options::default()).await;
            assert!(plan.is_empty(), "{address} {}", row.field);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_field_updates_or_replaces_as_declared() {
    let mut bench = Bench::ready().await;
    refusals(&mut bench).await;
    let rounds = table::subjects().into_iter().map(|subject| rows(subject).len()).max().unwrap();
    for round in 0..rounds {
        let demands: Vec<Demand> =
            table::subjects().into_iter().filter_map(|subject| Demand::of(subject, round)).collect();
        let mut options = Options::default();
        for Demand { address, row, .. } in &demands {
            if let To::Replaced { address, .. } = &row.to {
                options.replace.push(address.parse().unwrap());
            }
            bench.edits.push((address.clone(), row.field, row.to.clone()));
            let with = row.with.iter().map(|(field, json)| (address.clone(), *field, To::Value(json.clone())));
            bench.edits.extend(with);
        }
        let session = bench.open().await;
        let plan = bench.plan(&session, &options).await;
        let mut wrong = strangers(&plan, &demands);
        wrong.extend(demands.iter().filter_map(|demand| {
            let Demand { address, row, .. } = demand;
            demand.check(&plan.changes[address]).err().map(|why| format!("{address} {}: {why}", row.field))
        }));
        assert!(wrong.is_empty(), "round {round}:\n{}\n{}", wrong.join("\n"), touched(&plan).join("\n"));
        bench.carry_out(session, plan).await;
        bench.settled(&format!("after round {round}")).await;
    }
    // Whatever was replaced is gone with the rest.
    bench.apply(&destroying(&[])).await;
    // Redshift itself made log groups for what the subject exported; the key abroad is somebody else's.
    assert_eq!(bench.leftovers(), ["us-east-1/kms", "us-west-2/logs"]);
}
