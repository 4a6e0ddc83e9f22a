//! The way between a client and the world: how long a call takes, and what becomes of one whose client goes away.
//!
//! Called by the two doors. The only place of the sandbox that waits, and only by the clock. Must not cost anything where
//! calls take no time.

use super::{Lost, Sandbox};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;

/// A request on its way to the world. Dropped before it has arrived, it arrives all the same: nobody can call it back.
struct Sent<'a> {
    sandbox: &'a Sandbox,
    number: u64,
}

impl Sandbox {
    /// Answers one HTTP request when that takes the time the weather says: half of it there, half of it back.
    pub(super) async fn carry(&self, http: http::Request<Bytes>) -> Result<http::Response<Bytes>, Lost> {
        let delay = self.state().sky.as_mut().and_then(|sky| sky.delay());
        let Some(delay) = delay else { return self.exchange(&http) };
        let (clock, http) = (&self.0.clock, Arc::new(http));
        let (begun, there) = (clock.elapsed(), delay / 2);
        let sent = Sent::now(self, &http, there);
        clock.sleep(there).await;
        sent.has_arrived();
        let answer = self.exchange(&http);
        clock.sleep((begun + delay).saturating_sub(clock.elapsed())).await;
        answer
    }
}

impl<'a> Sent<'a> {
    fn now(sandbox: &'a Sandbox, http: &Arc<http::Request<Bytes>>, there: Duration) -> Self {
        let arrives = sandbox.0.clock.elapsed() + there;
        let under_way = &mut sandbox.state().under_way;
        let number = under_way.last_key_value().map_or(0, |(last, _)| last + 1);
        under_way.insert(number, (arrives, Arc::clone(http)));
        Self { sandbox, number }
    }

    fn has_arrived(self) {
        self.sandbox.state().under_way.remove(&self.number);
    }
}

impl Drop for Sent<'_> {
    fn drop(&mut self) {
        let left = self.sandbox.state().under_way.remove(&self.number);
        if let Some((arrives, http)) = left {
            let after = arrives.saturating_sub(self.sandbox.0.clock.elapsed());
            self.sandbox.abandoned(&http, after);
        }
    }
}
