//! How long a fault is borne and when the call is sent again: one table of budgets, for reads and for mutations.
//!
//! `traffic` asks for reads, below every client of the SDK; `apply::retry` for mutations. Pure: times come in, pauses go
//! out. Must never be asked about a create whose answer was lost before `apply` has looked for what it made.
//!
//! | class | borne for | first pause | longest pause |
//! | --- | --- | --- | --- |
//! | throttled | 15 min in which the service answers nothing else, 60 min in all | up to 1 s | up to 20 s |
//! | transient | 5 min | up to 1 s | up to 20 s |
//! | busy | 45 min | 2 s | 30 s, a twentieth of the time waited |
//! | capacity | 30 min | 1 min | 5 min |
//! | propagating, and "not found" of what was just made | 2 min | 1 s | 10 s |
//!
//! Throttled and transient faults are trouble on the way: their time begins anew after any other answer, and their pauses
//! have full jitter. The others are states of the thing asked about: their time goes on from the first. 45 minutes
//! cover the first recovery point of a namespace and network interfaces that linger (aws-facts.md 1.2, 2, 6.2).

use super::Class;
use rand::{RngExt as _, SeedableRng as _};
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeMap, time::Duration};

/// What kind of call is repeated: the same answer means different things to each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calling {
    /// A call that changes nothing.
    Read,
    /// A create call: a missing parent is one made moments ago that is not visible yet.
    Create,
    /// A step on a resource made in this very operation: "not found" means "not yet".
    Fresh,
    /// A step on a resource that has been there.
    Step,
    /// The same, by somebody who looks at what is in the way: `apply::blocked`.
    Watched,
}

/// How long a class of fault is borne, and at what pace.
#[derive(Clone, Copy, Debug)]
struct Budget {
    patience: Duration,
    first: Duration,
    longest: Duration,
}

const fn budget(patience: u64, first: u64, longest: u64) -> Budget {
    Budget {
        patience: Duration::from_secs(patience),
        first: Duration::from_secs(first),
        longest: Duration::from_secs(longest),
    }
}

/// How long one call is borne that is throttled while others of its service are answered.
const THROTTLED_IN_ALL: Duration = Duration::from_secs(60 * 60);
/// How long a network without any answer yet is borne: whoever has just begun is there, and waits.
const FIRST_CONTACT: Budget = budget(5, 1, 2);
/// The shortest pause.
const SHORTEST: Duration = Duration::from_millis(50);

fn budget_of(class: Class, calling: Calling) -> Option<Budget> {
    match (class, calling) {
        (Class::Throttled, _) => Some(budget(15 * 60, 1, 20)),
        // A lost create is looked for before it is sent again; `apply::retry` asks for it as for a step.
        (Class::Transient, Calling::Read | Calling::Fresh | Calling::Step | Calling::Watched) => {
            Some(budget(5 * 60, 1, 20))
        }
        // Nothing is in the way of a read, and what it does not find is its answer.
        (Class::Busy, Calling::Create | Calling::Fresh | Calling::Step) => Some(budget(45 * 60, 2, 30)),
        (Class::Capacity, Calling::Create | Calling::Fresh | Calling::Step | Calling::Watched) => {
            Some(budget(30 * 60, 60, 300))
        }
        (Class::Propagating, Calling::Create | Calling::Fresh | Calling::Step | Calling::Watched)
        | (Class::NotFound, Calling::Create | Calling::Fresh) => Some(budget(2 * 60, 1, 10)),
        // The rest will not change by asking again.
        (
            Class::Transient
            | Class::Busy
            | Class::Capacity
            | Class::Propagating
            | Class::NotFound
            | Class::Exists
            | Class::Denied
            | Class::Credentials
            | Class::Quota
            | Class::Invalid
            | Class::Unrecognised
            | Class::Internal,
            _,
        ) => None,
    }
}

/// How often a call was sent, and over how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The number of calls.
    pub times: u32,
    /// From the first call to the last answer, in AWS time.
    pub over: Duration,
}

impl Default for Tried {
    fn default() -> Self {
        Self { times: 1, over: Duration::ZERO }
    }
}

/// What is known of the way to a service.
#[derive(Clone, Copy, Debug, Default)]
pub struct Way {
    /// When the service last answered anything else than that it is throttling.
    pub heard: Option<Duration>,
    /// Whether any service has answered anything yet.
    pub reached: bool,
}

/// One call, however often it is sent.
#[derive(Debug)]
pub struct Undertaking {
    /// Whose it is: differs between calls, and is the same in every run.
    who: String,
    start: Duration,
    times: u32,
    /// When each class of fault began that is a state of the thing.
    since: BTreeMap<Class, Duration>,
    /// The trouble on the way that is met now, when it began, and how often it was met.
    streak: Option<(Class, Duration, u32)>,
}

impl Undertaking {
    /// Begins at `now`.
    pub const fn new(who: String, now: Duration) -> Self {
        Self { who, start: now, times: 0, since: BTreeMap::new(), streak: None }
    }

    /// Returns how often it was sent by `now`.
    pub fn tried(&self, now: Duration) -> Tried {
        Tried { times: self.times.max(1), over: now.saturating_sub(self.start) }
    }

    /// Takes note of a fault that came at `now`, and returns the pause before the call is sent again; none when patience
    /// is over, or the fault is final.
    pub fn again(&mut self, class: Class, calling: Calling, way: Way, now: Duration) -> Option<Duration> {
        self.times += 1;
        let on_the_way = matches!(class, Class::Throttled | Class::Transient);
        let (since, count) = match (on_the_way, self.streak) {
            (true, Some((same, since, count))) if same == class => (since, count + 1),
            (true, _) => (now, 1),
            (false, _) => (*self.since.entry(class).or_insert(now), self.times),
        };
        self.streak = on_the_way.then_some((class, since, count));
        let mut budget = budget_of(class, calling)?;
        if class == Class::Transient && !way.reached {
            budget = FIRST_CONTACT;
        }
        let waited = now.saturating_sub(since);
        let (counted, patience) = match class {
            Class::Throttled if waited >= THROTTLED_IN_ALL => return None,
            Class::Throttled => {
                (now.saturating_sub(way.heard.map_or(since, |heard| heard.max(since))), budget.patience)
            }
            _ => (waited, budget.patience),
        };
        (counted < patience).then(|| self.pause(class, budget, count, waited))
    }

    /// How long to wait. What is busy is asked at a twentieth of the time waited, so that the wait is never much longer
    /// than the blocker; what is overloaded is asked with full jitter.
    fn pause(&self, class: Class, budget: Budget, count: u32, waited: Duration) -> Duration {
        let doubled = budget.first.saturating_mul(1 << count.saturating_sub(1).min(10)).min(budget.longest);
        match class {
            Class::Busy => (waited / 20).clamp(budget.first, budget.longest),
            Class::Throttled | Class::Transient => doubled.mul_f64(jitter(&self.who, count)).max(SHORTEST),
            _ => doubled,
        }
    }
}

/// A fraction that differs between calls and tries, and is the same in every run: tests stay exact.
fn jitter(who: &str, count: u32) -> f64 {
    let seed = Sha256::digest(format!("{who} {count}"));
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&seed[..8]);
    Fraction::seed_from_u64(u64::from_le_bytes(bytes)).random()
}

type Fraction = rand::rngs::Xoshiro256PlusPlus;

#[cfg(test)]
mod tests {
    use super::*;

    const REACHED: Way = Way { heard: None, reached: true };

    /// How long a fault is borne that never ends, in seconds, and how often the call is sent.
    fn borne(class: Class, calling: Calling, way: impl Fn(Duration) -> Way) -> (u64, u32) {
        let (mut now, mut call) = (Duration::ZERO, Undertaking::new("x".into(), Duration::ZERO));
        while let Some(pause) = call.again(class, calling, way(now), now) {
            assert!(pause >= SHORTEST, "{class:?}");
            now += pause;
        }
        let Tried { times, over } = call.tried(now);
        (over.as_secs(), times)
    }

    #[test]
    fn every_class_is_borne_as_long_as_its_budget_and_not_much_longer() {
        for (class, calling, least, longest_pause) in [
            (Class::Throttled, Calling::Read, 15 * 60, 20),
            (Class::Throttled, Calling::Create, 15 * 60, 20),
            (Class::Transient, Calling::Read, 5 * 60, 20),
            (Class::Transient, Calling::Step, 5 * 60, 20),
            (Class::Busy, Calling::Step, 45 * 60, 30),
            (Class::Capacity, Calling::Create, 30 * 60, 300),
            (Class::Propagating, Calling::Create, 120, 10),
            (Class::NotFound, Calling::Fresh, 120, 10),
        ] {
            let (seconds, times) = borne(class, calling, |_| REACHED);
            assert!((least..=least + longest_pause).contains(&seconds), "{class:?}: {seconds}");
            assert!(times > 5, "{class:?}: {times}");
        }
    }

    #[test]
    fn what_does_not_change_by_asking_is_asked_once() {
        for class in [
            Class::Exists,
            Class::Denied,
            Class::Credentials,
            Class::Quota,
            Class::Invalid,
            Class::Unrecognised,
            Class::Internal,
        ] {
            for calling in [Calling::Read, Calling::Create, Calling::Fresh, Calling::Step] {
                assert_eq!(borne(class, calling, |_| REACHED), (0, 1), "{class:?} {calling:?}");
            }
        }
        assert_eq!(borne(Class::Transient, Calling::Create, |_| REACHED), (0, 1), "a lost create is looked for first");
        assert_eq!(borne(Class::NotFound, Calling::Read, |_| REACHED), (0, 1), "absence is an answer");
    }

    #[test]
    fn throttling_is_borne_for_an_hour_while_the_service_answers_others() {
        let (seconds, _) = borne(Class::Throttled, Calling::Step, |now| Way { heard: Some(now), reached: true });
        assert!((3600..3620).contains(&seconds), "{seconds}");
    }

    #[test]
    fn a_network_that_never_answered_is_not_waited_for_long() {
        let (seconds, _) = borne(Class::Transient, Calling::Read, |_| Way::default());
        assert!((5..=7).contains(&seconds), "{seconds}");
    }

    #[test]
    fn trouble_on_the_way_begins_anew_after_another_answer_and_a_state_of_the_thing_does_not() {
        let mut call = Undertaking::new("x".into(), Duration::ZERO);
        let mut again = |class, minutes: u64| {
            call.again(class, Calling::Step, REACHED, Duration::from_secs(minutes * 60)).is_some()
        };
        assert!(again(Class::Busy, 0));
        assert!(again(Class::Busy, 40));
        assert!(again(Class::Transient, 41), "the network was fine until now");
        assert!(again(Class::Busy, 44));
        assert!(again(Class::Transient, 50), "it answered in between");
        assert!(!again(Class::Transient, 56));
        assert!(!again(Class::Busy, 56));
    }

    #[test]
    fn busy_is_asked_at_a_twentieth_of_the_time_waited() {
        let mut call = Undertaking::new("x".into(), Duration::ZERO);
        let mut pause =
            |seconds| call.again(Class::Busy, Calling::Step, REACHED, Duration::from_secs(seconds)).unwrap().as_secs();
        assert_eq!((pause(0), pause(200), pause(2000)), (2, 10, 30));
    }

    #[test]
    fn jitter_is_a_fraction_that_differs_between_calls() {
        let of = |name: &str| jitter(name, 1);
        assert!((0.0..1.0).contains(&of("a")));
        assert!((of("a") - of("b")).abs() > f64::EPSILON);
    }
}
