//! The one place that tells the time and sleeps.
//!
//! Called by everything that waits or dates something: apply, state, the sandbox, and the AWS SDK (as its
//! time source and sleeper). Must never be bypassed: a second source of time would not hold still in tests.

use aws_smithy_async::rt::sleep::{AsyncSleep, Sleep};
use aws_smithy_async::time::TimeSource;
use jiff::Timestamp;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// A clock whose AWS time may run faster than the wall (sandbox for people) or only when awaited (tests).
#[derive(Clone, Debug)]
pub struct Clock {
    born: Instant,
    epoch: Option<Timestamp>,
    rate: f64,
}

impl Clock {
    /// The wall clock at its own pace.
    pub fn system() -> Self {
        Self::scaled(1.0)
    }

    /// AWS time runs `rate` times faster than the wall; a rate that is not positive and finite counts as 1.
    pub fn scaled(rate: f64) -> Self {
        let rate = if rate.is_finite() && rate > 0.0 { rate } else { 1.0 };
        Self { born: Instant::now(), epoch: None, rate }
    }

    /// Virtual time from `epoch` on, as tokio's paused clock counts it; made inside a paused runtime.
    pub fn paused(epoch: Timestamp) -> Self {
        Self { born: Instant::now(), epoch: Some(epoch), rate: 1.0 }
    }

    /// Wall time, never scaled; of a paused clock its epoch plus the virtual time since.
    pub fn timestamp(&self) -> Timestamp {
        match self.epoch {
            Some(epoch) => epoch.checked_add(self.born.elapsed()).unwrap_or(Timestamp::MAX),
            None => wall(),
        }
    }

    /// AWS time since this clock was made, monotonic (real time times the rate).
    pub fn elapsed(&self) -> Duration {
        self.aws_time(self.born.elapsed())
    }

    /// Sleeps that much AWS time, which is that much divided by the rate on the wall.
    pub async fn sleep(&self, aws_time: Duration) {
        really_sleep(self.real_time(aws_time)).await;
    }

    /// Seconds of AWS time per second of wall time; 1 unless scaled.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// AWS time that passes while `real` passes on the wall.
    pub fn aws_time(&self, real: Duration) -> Duration {
        scale(real, self.rate)
    }

    /// Wall time in which that much AWS time passes.
    pub fn real_time(&self, aws: Duration) -> Duration {
        scale(aws, 1.0 / self.rate)
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the place that sleeps")]
fn really_sleep(duration: Duration) -> tokio::time::Sleep {
    tokio::time::sleep(duration)
}

#[expect(clippy::disallowed_methods, reason = "this is the place that tells the time")]
fn wall() -> Timestamp {
    Timestamp::now()
}

// Exact at rate 1, so that virtual time in tests has no rounding; saturates instead of overflowing.
fn scale(duration: Duration, factor: f64) -> Duration {
    if factor.to_bits() == 1.0_f64.to_bits() {
        return duration;
    }
    Duration::try_from_secs_f64(duration.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}

impl TimeSource for Clock {
    fn now(&self) -> SystemTime {
        self.timestamp().into()
    }
}

impl AsyncSleep for Clock {
    // Real durations: what the SDK waits for (its own back-off, timeouts) is not AWS's work.
    fn sleep(&self, duration: Duration) -> Sleep {
        Sleep::new(really_sleep(duration))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn paused_time_moves_only_by_sleeping() {
        let epoch: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let clock = Clock::paused(epoch);
        assert_eq!(clock.timestamp(), epoch);
        clock.sleep(Duration::from_secs(300)).await;
        let later = clock.timestamp();
        assert_eq!(later.duration_since(epoch).as_secs(), 300);
        assert_eq!(SystemTime::from(later), TimeSource::now(&clock));
    }

    #[tokio::test(start_paused = true)]
    async fn scaled_time_sleeps_less_than_it_counts() {
        let clock = Clock::scaled(60.0);
        let start = Instant::now();
        clock.sleep(Duration::from_secs(120)).await;
        assert_eq!(start.elapsed().as_secs(), 2);
        assert_eq!(clock.elapsed().as_secs(), 120);
        assert!(Clock::scaled(-3.0).rate() > 0.0);
    }
}
