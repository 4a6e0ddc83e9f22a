//! Ctrl-C and SIGTERM: the first stops starting work, the second ends the process.
//!
//! Called by `change` while an apply runs. Everything is recorded before and after each call, so that ending at any
//! moment loses nothing.

use crate::{failure::Exit, ui::Printer};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
    task::JoinHandle,
};

/// Whether an interrupt has come; the watching ends with it.
pub(super) struct Interrupt {
    came: watch::Receiver<bool>,
    watcher: Option<JoinHandle<()>>,
}

impl Interrupt {
    pub(super) fn receiver(&self) -> watch::Receiver<bool> {
        self.came.clone()
    }

    pub(super) fn came(&self) -> bool {
        *self.came.borrow()
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
    let (tell, came) = watch::channel(false);
    let signals = signal(SignalKind::interrupt()).and_then(|i| Ok((i, signal(SignalKind::terminate())?)));
    let (mut interrupt, mut terminate) = match signals {
        Ok(signals) => signals,
        Err(error) => {
            printer.warning(&format!("signals cannot be watched ({error}); Ctrl-C ends rsds at once"));
            return Interrupt { came, watcher: None };
        }
    };
    let watcher = tokio::spawn(async move {
        let mut count = 0;
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            count += 1;
            if count > 1 {
                end_at_once();
            }
            tell.send(true).ok();
        }
    });
    Interrupt { came, watcher: Some(watcher) }
}

#[expect(clippy::exit, clippy::disallowed_methods, reason = "the second Ctrl-C must end the process wherever it is")]
fn end_at_once() -> ! {
    std::process::exit(Exit::Interrupted as i32)
}
