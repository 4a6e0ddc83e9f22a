//! Repeats calls that change something, as long as `aws::patience` allows.
//!
//! Called by `operation`. Reads repeat themselves (`aws::traffic`). Must never repeat a create call whose answer was
//! lost: `operation` looks first.

use super::{Event, Run, Trouble, event::seconds};
use crate::{
    address::Address,
    aws::{
        Fault,
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
        run.pause(pause).await?;
        // Time has passed since the record that allows this call; a laptop may even have slept.
        run.setting.writer.repeat(self.address).await.map_err(Into::into)
    }

    /// The fault, with how often the call was sent.
    pub(super) fn given_up(&self, fault: Fault) -> Trouble {
        let Tried { times, over } = self.undertaking.tried(self.run.setting.clock.elapsed());
        // A read inside the call may have been repeated by itself.
        let (tries, over) = (times.max(fault.tried.times), over.max(fault.tried.over));
        Trouble::Aws { fault, tries, seconds: seconds(over) }
    }
}

/// Sends `call` until it succeeds, fails for good, or patience runs out.
pub(super) async fn patiently<T, F>(
    run: &Run,
    address: &Address,
    calling: Calling,
    mut call: impl FnMut() -> F,
) -> Result<T, Trouble>
where
    F: Future<Output = Result<T, Fault>>,
{
    let mut attempts = Attempts::new(run, address);
    loop {
        match run.answer(call()).await? {
            Ok(value) => return Ok(value),
            Err(fault) => attempts.bear(fault, calling).await?,
        }
    }
}
