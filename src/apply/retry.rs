//! Repeats calls that are worth repeating, with a budget and a pace for each class of fault.
//!
//! Called by `operation`. The only place that retries: the SDK's own retries are off. Must never repeat a create
//! call whose answer was lost: `operation` looks first.

use super::{Event, Run, Trouble, event::seconds};
use crate::{
    address::Address,
    aws::{Class, Fault},
};
use rand::{RngExt as _, SeedableRng as _};
use sha2::{Digest as _, Sha256};
use std::{future::Future, time::Duration};

/// What kind of call is repeated: the same answer means different things to each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Calling {
    /// A create call: a missing parent is one made moments ago that is not visible yet.
    Create,
    /// A step on a resource made in this very operation: "not found" means "not yet".
    Fresh,
    /// A step on a resource that has been there.
    Step,
}

/// How long a class of fault is borne, and at what pace.
#[derive(Clone, Copy, Debug)]
struct Budget {
    patience: Duration,
    first: Duration,
    longest: Duration,
}

const fn budget(patience: u64, first_millis: u64, longest: u64) -> Budget {
    Budget {
        patience: Duration::from_secs(patience),
        first: Duration::from_millis(first_millis),
        longest: Duration::from_secs(longest),
    }
}

/// The budgets by class (aws-facts.md 1.2, 2, 6.2): 45 minutes cover the first recovery point of a namespace and
/// network interfaces that linger after their owner; 2 minutes are IAM's propagation.
fn budget_of(class: Class, calling: Calling) -> Option<Budget> {
    match (class, calling) {
        (Class::Throttled, _) => Some(budget(15 * 60, 500, 20)),
        (Class::Busy, _) => Some(budget(45 * 60, 2_000, 30)),
        (Class::Capacity, _) => Some(budget(30 * 60, 60_000, 300)),
        (Class::Propagating, _) | (Class::NotFound, Calling::Create | Calling::Fresh) => Some(budget(120, 1_000, 10)),
        (Class::Transient, Calling::Fresh | Calling::Step) => Some(budget(5 * 60, 500, 20)),
        // A lost create is looked for first; the rest will not change by asking again.
        (
            Class::Transient
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
    let start = run.setting.clock.elapsed();
    let mut tries = 0;
    loop {
        if tries > 0 {
            // Time has passed since the record that allows this call; a laptop may even have slept.
            run.setting.writer.fence().await?;
        }
        let fault = match run.answer(call()).await? {
            Ok(value) => return Ok(value),
            Err(fault) => fault,
        };
        tries += 1;
        let waited = run.setting.clock.elapsed().saturating_sub(start);
        let pause = budget_of(fault.class, calling)
            .filter(|budget| waited < budget.patience)
            .map(|budget| pace(budget, fault.class, address, tries, waited));
        let Some(pause) = pause else { return Err(Trouble::Aws { fault, tries, seconds: seconds(waited) }) };
        run.emit(Event::Retrying { address: address.clone(), fault, in_seconds: seconds(pause) });
        run.pause(pause).await?;
    }
}

/// How long to wait before try `tries + 1`. What is busy is asked at a twentieth of the time waited, so that the
/// wait is never much longer than the blocker; what is overloaded is asked with full jitter.
fn pace(budget: Budget, class: Class, address: &Address, tries: u32, waited: Duration) -> Duration {
    let doubled = budget.first.saturating_mul(1 << tries.saturating_sub(1).min(10)).min(budget.longest);
    match class {
        Class::Busy => (waited / 20).clamp(budget.first, budget.longest),
        Class::Throttled | Class::Transient => budget.first / 2 + doubled.mul_f64(jitter(address, tries)),
        _ => doubled,
    }
}

/// A fraction that differs between resources and tries, and is the same in every run: tests stay exact.
fn jitter(address: &Address, tries: u32) -> f64 {
    let seed = Sha256::digest(format!("{address} {tries}"));
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&seed[..8]);
    Fraction::seed_from_u64(u64::from_le_bytes(bytes)).random()
}

type Fraction = rand::rngs::Xoshiro256PlusPlus;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_is_asked_at_a_twentieth_of_the_time_waited() {
        let address = Address::new("networking", "vpc");
        let busy = budget_of(Class::Busy, Calling::Step).unwrap();
        let pause = |waited| pace(busy, Class::Busy, &address, 3, Duration::from_secs(waited)).as_secs();
        assert_eq!((pause(0), pause(200), pause(2000)), (2, 10, 30));
    }

    #[test]
    fn a_lost_create_is_never_repeated_blindly() {
        assert!(budget_of(Class::Transient, Calling::Create).is_none());
        assert!(budget_of(Class::Transient, Calling::Step).is_some());
    }

    #[test]
    fn jitter_is_a_fraction_that_differs_by_resource() {
        let of = |name: &str| jitter(&Address::new(name, "x"), 1);
        assert!((0.0..1.0).contains(&of("a")));
        assert!((of("a") - of("b")).abs() > f64::EPSILON);
    }
}
