//! A call that AWS refuses because something is in the way: waits until that is gone, then sends the call once more,
//! instead of sending it again and again.
//!
//! Called by `operation` for every step on what exists; `lookout` looks at what is in the way. Must never take anything
//! out of the way: what blocks belongs to somebody.

use super::{Event, Leave, Run, Trouble, event::seconds, operation::AT_ONCE, retry::patiently, settle::Goal};
use crate::{
    aws::{Class, Fault, Look, patience::Calling},
    kind::{AnyKind, AnyWhich, Readiness},
};
use std::{future::Future, time::Duration};

/// How long a call is tried in all: 45 minutes cover the first recovery point of a namespace (aws-facts.md 6.2).
const LONGEST_OF_ALL: Duration = Duration::from_secs(45 * 60);
/// The shortest and the longest pause before a call is sent again while nothing shows that is in the way.
const SHORTEST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(30);

/// Sends a step's call until it succeeds or fails for good, as `patiently` does. `removing` says that the step is one of
/// a deletion.
pub(super) async fn past_blockers<T, F, L>(
    run: &Run,
    kind: &'static dyn AnyKind,
    which: &AnyWhich,
    leave: &Leave,
    removing: bool,
    mut call: impl FnMut() -> F,
    mut landed: impl FnMut() -> L,
) -> Result<T, Trouble>
where
    F: Future<Output = Result<T, Fault>>,
    L: Future<Output = Result<Option<T>, Trouble>>,
{
    let start = run.setting.clock.elapsed();
    let mut tries = 0;
    loop {
        let fault = match patiently(run, &which.address, leave, Calling::Watched, &mut call, &mut landed).await {
            Err(Trouble::Aws { fault, .. }) if fault.class == Class::Busy => fault,
            other => return other,
        };
        tries += 1;
        let waited = run.setting.clock.elapsed().saturating_sub(start);
        if waited >= LONGEST_OF_ALL {
            return Err(Trouble::Aws { fault, tries, seconds: seconds(waited) });
        }
        if removing && run.lookout.freed(kind, which.clone(), fault.clone()).await? {
            continue;
        }
        if rested(run, kind, which).await? {
            continue;
        }
        // Nothing shows (yet): the call itself is the only way to find out.
        let pause = (waited / 20).clamp(SHORTEST, LONGEST);
        run.emit(Event::Retrying { address: which.address.clone(), fault, in_seconds: seconds(pause) });
        run.pause(pause).await?;
    }
}

/// Waits while the resource itself is busy; answers whether it was.
async fn rested(run: &Run, kind: &'static dyn AnyKind, which: &AnyWhich) -> Result<bool, Trouble> {
    // What changes at once has nothing to rest from: a gateway that was detached to be deleted stays so.
    if !kind.settles() || kind.typical().update <= AT_ONCE {
        return Ok(false);
    }
    let look = Look::at(&run.setting.aws, kind, vec![which.clone()]);
    let shown = run.answer(look.answer(kind)).await??;
    let goal = match shown.into_iter().flatten().next().map(|live| live.readiness) {
        Some(Readiness::Pending(_)) => Goal::Settled,
        Some(Readiness::Deleting(_)) => Goal::Gone,
        // Parts that are not up are no operation that runs: those of what goes will never be.
        Some(Readiness::Ready | Readiness::Partly(_) | Readiness::Dormant(_) | Readiness::Failed(_)) | None => {
            return Ok(false);
        }
    };
    match run.settler.settle(kind, which.clone(), goal, true).await {
        // One that comes up broken, or goes, is at rest, too.
        Ok(_) | Err(Trouble::Broken { .. }) => Ok(true),
        Err(trouble) => Err(trouble),
    }
}
