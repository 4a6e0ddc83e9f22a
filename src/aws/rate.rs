//! How fast one service is called: as fast as it likes until it throttles, then down by a factor and up by steps.
//!
//! Used by `traffic`, one a service. Must never sleep or read a clock: times come in, waits go out, so that virtual time
//! stays exact.

use std::{collections::VecDeque, time::Duration};

/// What a throttled service is called at afterwards, as a part of what it has just borne.
const CUT: f64 = 0.7;
/// The slowest pace, in calls a second.
const SLOWEST: f64 = 1.0;
/// How much faster it is called for every second without throttling, in calls a second.
const GROWTH: f64 = 0.5;
/// From here on, in calls a second, there is no limit but `--parallelism`.
const FREE: f64 = 50.0;
/// Over how long what a service bears is measured.
const WINDOW: Duration = Duration::from_secs(2);

/// The pace of one service.
#[derive(Debug, Default)]
pub(super) struct Rate {
    limit: Option<Limit>,
    /// When it answered something else than that it is throttling, within the window.
    borne: VecDeque<Duration>,
    /// When it last did.
    heard: Option<Duration>,
}

#[derive(Debug)]
struct Limit {
    /// Calls a second at the time of the cut.
    base: f64,
    cut: Duration,
    /// When the last call went.
    last: Option<Duration>,
}

impl Rate {
    /// Returns how long a call that comes now has to wait; none without a limit. Asked again after the wait: meanwhile the
    /// pace may have changed.
    pub(super) fn wait(&mut self, now: Duration) -> Option<Duration> {
        let rate = self.per_second(now);
        let (Some(limit), Some(rate)) = (&self.limit, rate) else {
            self.limit = None;
            return None;
        };
        let pause = Duration::from_secs_f64(1.0 / rate);
        Some(limit.last.map_or(Duration::ZERO, |last| (last + pause).saturating_sub(now)))
    }

    /// Takes note of a call that goes now.
    pub(super) fn sent(&mut self, now: Duration) {
        if let Some(limit) = &mut self.limit {
            limit.last = Some(now);
        }
    }

    /// Takes note of an answer that is not "throttled".
    pub(super) fn answered(&mut self, now: Duration) {
        self.heard = Some(now);
        self.borne.push_back(now);
        self.forget(now);
    }

    /// Takes note of an answer "throttled" to a call that was sent at `sent`. One cut for all the calls that
    /// were under way together: the service has said one thing to them all.
    pub(super) fn throttled(&mut self, sent: Duration, now: Duration) {
        if self.limit.as_ref().is_some_and(|limit| sent <= limit.cut) {
            return;
        }
        self.forget(now);
        let borne = self.borne.len() as f64 / WINDOW.as_secs_f64();
        let base = (self.per_second(now).map_or(borne, |rate| rate.min(borne.max(SLOWEST / CUT))) * CUT).max(SLOWEST);
        let last = self.limit.as_ref().map_or(Some(now), |limit| limit.last);
        self.limit = Some(Limit { base, cut: now, last });
    }

    /// Returns when the service last answered anything else than that it is throttling.
    pub(super) const fn heard(&self) -> Option<Duration> {
        self.heard
    }

    /// Calls a second as of now; none without a limit.
    pub(super) fn per_second(&self, now: Duration) -> Option<f64> {
        let limit = self.limit.as_ref()?;
        let rate = GROWTH.mul_add(now.saturating_sub(limit.cut).as_secs_f64(), limit.base);
        (rate < FREE).then_some(rate)
    }

    fn forget(&mut self, now: Duration) {
        while self.borne.front().is_some_and(|at| *at + WINDOW < now) {
            self.borne.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_service_that_does_not_throttle_is_never_waited_for() {
        let mut rate = Rate::default();
        for millis in 0..1000 {
            assert_eq!(rate.wait(at(millis)), None);
            rate.sent(at(millis));
            rate.answered(at(millis));
        }
        assert_eq!(rate.per_second(at(1000)), None);
    }

    #[test]
    fn throttling_cuts_the_rate_once_for_all_calls_under_way_and_time_raises_it_again() {
        let mut rate = Rate::default();
        (0..20).for_each(|_| rate.answered(at(1000)));
        rate.throttled(at(1000), at(1100));
        // Ten a second were borne over the window.
        assert_eq!(rate.per_second(at(1100)), Some(7.0));
        rate.throttled(at(1050), at(1100));
        assert_eq!(rate.per_second(at(1100)), Some(7.0));
        assert_eq!(rate.per_second(at(3100)), Some(8.0));
        assert_eq!(rate.per_second(at(1100 + 90_000)), None);
    }

    #[test]
    fn calls_are_spaced_by_the_rate_as_it_is_when_they_go() {
        let mut rate = Rate::default();
        rate.throttled(at(0), at(0));
        assert_eq!(rate.wait(at(0)), Some(at(1000)));
        assert_eq!(rate.wait(at(2000)), Some(Duration::ZERO), "two a second after two seconds");
        rate.sent(at(2000));
        assert_eq!(rate.wait(at(2000)), Some(at(500)));
        assert_eq!(rate.wait(at(9000)), Some(Duration::ZERO));
    }

    /// A service with a bucket of `burst` tokens that fills at `refill` a second, called as often as the rate allows.
    fn called(refill: f64, burst: f64, seconds: u64) -> (u32, u32) {
        let (mut rate, mut tokens, mut filled) = (Rate::default(), burst, Duration::ZERO);
        let (mut served, mut refused) = (0, 0);
        let mut now = Duration::ZERO;
        while now < Duration::from_secs(seconds) {
            while let Some(wait) = rate.wait(now).filter(|wait| !wait.is_zero()) {
                now += wait;
            }
            now += at(1);
            rate.sent(now);
            tokens = (now - filled).as_secs_f64().mul_add(refill, tokens).min(burst);
            filled = now;
            if tokens >= 1.0 {
                tokens -= 1.0;
                served += 1;
                rate.answered(now);
            } else {
                refused += 1;
                rate.throttled(now, now);
            }
        }
        (served, refused)
    }

    #[test]
    fn a_bucket_of_two_calls_a_second_is_used_well_and_hardly_overrun() {
        let (served, refused) = called(2.0, 2.0, 600);
        assert!(served > 2 * 600 * 3 / 4, "{served} of 1200 served");
        assert!(refused < served / 3, "{refused} refused, {served} served");
    }
}
