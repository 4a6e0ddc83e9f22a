//! What lives inside a warehouse and only is there or not: how it is read, made and dropped, by one statement each.
//!
//! Called by the kinds that are so: roles, users, members, grants. Must never take an answer that was not given for an
//! absence.

use super::{
    Aws, Class, Fault, Look,
    catalogue::{self, Catalogue},
    data_api,
    fault::found,
    ids::NamespaceId,
};
use crate::kind::{Actions, Created, Id, Job, Kind, Known, Live, Readiness, Typical, Which};

/// The IAM actions of such a kind.
pub(super) const ACTIONS: Actions =
    Actions { read: data_api::TO_READ, create: data_api::TO_EXECUTE, update: &[], delete: data_api::TO_EXECUTE };

/// How long its statements typically take.
pub(super) const TYPICAL: Typical = Typical { create: 2, update: 1, delete: 2 };

/// A kind of what lives inside a warehouse.
pub(super) trait Inside: Kind {
    /// Whether making it again is no error.
    const REPEATS: bool;

    /// Returns its warehouse, and the database to connect to.
    fn place(spec: &Self::Spec<Known>) -> (&NamespaceId, &str);

    /// Returns its id and its outputs.
    fn made(spec: &Self::Spec<Known>) -> (Id, Self::Outputs);

    /// Tells whether its warehouse shows it.
    fn is_in(spec: &Self::Spec<Known>, catalogue: &Catalogue) -> bool;

    /// Returns the statement that makes it, and the one that drops it.
    ///
    /// Errors: what is recorded has not its form.
    fn statements(spec: &Self::Spec<Known>) -> Result<(String, String), Fault>;
}

/// Reads many at once.
pub(super) async fn read<K: Inside>(look: &Look, which: &[Which<K>]) -> Result<Vec<Option<Live<K>>>, Fault>
where
    K::Spec<Known>: Clone,
{
    let catalogues = catalogue::catalogues(look).await?;
    let live = |question: &Which<K>| {
        let spec = &question.spec;
        let (warehouse, _) = K::place(spec);
        // Where nobody was asked, what is recorded holds.
        let there = catalogues.of(warehouse).map_or(question.id.is_some(), |catalogue| K::is_in(spec, catalogue));
        let (id, outputs) = K::made(spec);
        there.then(|| Live { id, spec: spec.clone(), outputs, readiness: Readiness::Ready })
    };
    Ok(which.iter().map(live).collect())
}

/// Makes one.
pub(super) async fn create<K: Inside>(aws: &Aws, spec: &K::Spec<Known>) -> Result<Created<K>, Fault> {
    let (statement, _) = K::statements(spec)?;
    let (warehouse, database) = K::place(spec);
    match aws.execute(warehouse.as_str(), database, &statement).await {
        Err(fault) if !(K::REPEATS && fault.class == Class::Exists) => Err(fault),
        _ => {
            let (id, outputs) = K::made(spec);
            Ok(Created { id, outputs })
        }
    }
}

/// Drops one: its only step.
pub(super) async fn delete<K: Inside>(aws: &Aws, job: Job<'_, K>) -> Result<Option<Id>, Fault> {
    if job.step.name != "delete" {
        return Err(Fault::unknown_step(K::NAME, job.step));
    }
    let (_, statement) = K::statements(job.spec)?;
    let (warehouse, database) = K::place(job.spec);
    found(aws.execute(warehouse.as_str(), database, &statement).await)?;
    Ok(None)
}
