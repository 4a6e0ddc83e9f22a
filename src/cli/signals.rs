//! Ctrl-C and SIGTERM: the first stops starting work, the second ends the process.
//!
//! Watched by `change` from before the lock is taken until it is let go. Everything is recorded before and after each
//! call, so that ending at any moment loses nothing.

use crate::{
    apply,
    failure::{Exit, Failure},
    ui::Printer,
};
use std::{cell::Cell, future::Future, time::Duration};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
    task::JoinHandle,
};

/// How long calls in flight may take after Ctrl-C: CI systems send SIGTERM 7.5 s after it.
const AFTER_INTERRUPT: Duration = Duration::from_secs(5);
/// How long after SIGTERM: SIGKILL follows after 2.5 s.
const AFTER_TERMINATE: Duration = Duration::from_millis(1500);

/// Whether an interrupt has come; the watching ends with it.
pub(super) struct Interrupt {
    came: apply::Interrupt,
    /// Whether the interrupt is the apply's to deal with.
    handed_over: Cell<bool>,
    watcher: Option<JoinHandle<()>>,
}

impl Interrupt {
    /// Hands the interrupt over to an apply, which ends what it has begun.
    pub(super) fn hand_over(&self) -> apply::Interrupt {
        self.handed_over.set(true);
        self.came.clone()
    }

    pub(super) fn came(&self) -> bool {
        self.came.borrow().is_some()
    }

    /// Does work that an interrupt ends at once, until it is handed over.
    pub(super) async fn ends<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let mut came = self.came.clone();
        let ended = async {
            let watched = came.wait_for(Option::is_some).await.is_ok();
            if !watched || self.handed_over.get() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            result = work => result,
            () = ended => Err(Failure::Other {
                message: "interrupted; nothing was changed".to_owned(),
                help: None,
                exit: Exit::Interrupted,
            }),
        }
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        if let Some(watcher) = &self.watcher {
            watcher.abort();
        }
    }
}

/// Starts watching.
pub(super) fn watch(printer: &Printer) -> Interrupt {
    let (tell, came) = watch::channel(None);
    let handed_over = Cell::new(false);
    let signals = signal(SignalKind::interrupt()).and_then(|i| Ok((i, signal(SignalKind::terminate())?)));
    let (mut interrupt, mut terminate) = match signals {
        Ok(signals) => signals,
        Err(error) => {
            printer.warning(&format!("signals cannot be watched ({error}); Ctrl-C ends rsds at once"));
            return Interrupt { came, handed_over, watcher: None };
        }
    };
    let watcher = tokio::spawn(async move {
        loop {
            let grace = tokio::select! {
                _ = interrupt.recv() => AFTER_INTERRUPT,
                _ = terminate.recv() => AFTER_TERMINATE,
            };
            if tell.send_replace(Some(grace)).is_some() {
                end_at_once();
            }
        }
    });
    Interrupt { came, handed_over, watcher: Some(watcher) }
}

#[expect(clippy::exit, clippy::disallowed_methods, reason = "the second Ctrl-C must end the process wherever it is")]
fn end_at_once() -> ! {
    std::process::exit(Exit::Interrupted as i32)
}
