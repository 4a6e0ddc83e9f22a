//! Repeats calls that change something, as long as `aws::patience` allows.
//!
//! Called by `operation`. Reads repeat themselves (`aws::traffic`). Must never repeat a create call whose answer was
//! lost: `operation` looks first.

use super::{Event, Leave, Run, Trouble, event::seconds};
use crate::{
    address::Address,
    aws::{
        Class, Fault,
        patience::{Calling, Tried, Undertaking},
    },
};
use std::future::Future;

/// One call at work: how often it was sent, and what is known of its faults.
pub(super) struct Attempts<'a> {
    run: &'a Run,
    address: &'a Address,
    undertaking: Undertaking,
}

impl<'a> Attempts<'a> {
    pub(super) fn new(run: &'a Run, address: &'a Address) -> Self {
        let undertaking = Undertaking::new(address.to_string(), run.setting.clock.elapsed());
        Self { run, address, undertaking }
    }

    /// Waits until the call may be sent again.
    ///
    /// Errors: the fault, when it is final or patience is over.
    pub(super) async fn bear(&mut self, fault: Fault, calling: Calling) -> Result<(), Trouble> {
        let (run, now) = (self.run, self.run.setting.clock.elapsed());
        let service = fault.call.split(':').next().unwrap_or_default();
        let again = self.undertaking.again(fault.class, calling, run.setting.aws.traffic.way(service), now);
        let Some(pause) = again else { return Err(self.given_up(fault)) };
        let (address, in_seconds) = (self.address.clone(), seconds(pause));
        run.emit(Event::Retrying { address, fault, in_seconds });
        run.pause(pause).await
    }

    /// The fault, with how often the call was sent.
    pub(super) fn given_up(&self, fault: Fault) -> Trouble {
        let Tried { times, over } = self.undertaking.tried(self.run.setting.clock.elapsed());
        // A read inside the call may have been repeated by itself.
        let (tries, over) = (times.max(fault.tried.times), over.max(fault.tried.over));
        Trouble::Aws { fault, tries, seconds: seconds(over) }
    }
}

/// Sends `call` until it succeeds, fails for good, or patience runs out. `landed` looks whether a call whose answer was lost
/// has done its work: AWS refuses a change that changes nothing.
pub(super) async fn patiently<T, F, L>(
    run: &Run,
    address: &Address,
    leave: &Leave,
    calling: Calling,
    mut call: impl FnMut() -> F,
    mut landed: impl FnMut() -> L,
) -> Result<T, Trouble>
where
    F: Future<Output = Result<T, Fault>>,
    L: Future<Output = Result<Option<T>, Trouble>>,
{
    let mut attempts = Attempts::new(run, address);
    loop {
        match run.send(leave, call()).await? {
            Ok(value) => return Ok(value),
            Err(fault) => {
                let lost = fault.class == Class::Transient;
                attempts.bear(fault, calling).await?;
                if lost && let Some(value) = landed().await? {
                    return Ok(value);
                }
            }
        }
    }
}
