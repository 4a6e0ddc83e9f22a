//! The lease: who holds it keeps it while they live, and whoever was overtaken touches nothing any more.

use super::*;
use rsds::{
    failure::{Exit, Failure},
    plan::Options,
    sandbox::{Fault, How},
    session::Session,
};
use tokio::sync::{mpsc, watch};

const NOW: Duration = Duration::ZERO;
const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn the_second_writer_is_refused_for_as_long_as_the_first_one_lives() {
    let shared = Shared::new().await;
    let (ann, bob) = (shared.person("ann"), shared.person("bob"));
    assert_eq!(ann.store.holder().await.unwrap(), None);
    let lock = ann.lock(NOW).await.unwrap();
    assert!(lock.taken_over.is_none());
    for _ in 0..10 {
        ann.clock.sleep(MINUTE).await;
        let refused = Failure::from(bob.lock(NOW).await.unwrap_err());
        assert_eq!(refused.exit(), Exit::Locked);
        let text = crate::harness::text(&refused);
        assert!(text.starts_with("the state is locked by ann@laptop (pid 7)"), "{text}");
    }
    let start = bob.clock.elapsed();
    assert!(matches!(bob.lock(MINUTE).await, Err(LockError::Held(Some(_)))));
    assert_eq!((bob.clock.elapsed() - start).as_secs(), 60, "--lock-timeout");
    assert_eq!(bob.store.holder().await.unwrap(), Some(Some(ann.run.clone())));
    ann.store.fence().await.unwrap();
    let (waiting, ()) = tokio::join!(bob.lock(MINUTE), async {
        ann.clock.sleep(MINUTE / 2).await;
        lock.release().await;
    });
    let lock = waiting.unwrap();
    assert!(lock.taken_over.is_none(), "it was let go, not taken");
    lock.release().await;
    assert_eq!((bob.store.holder().await.unwrap(), shared.keys()), (None, Vec::new()));
}

/// When a lease may be taken over is a matter of S3's clock: ours may be an hour off either way.
#[tokio::test(start_paused = true)]
async fn a_dead_lease_is_taken_over_two_minutes_later_by_the_clock_of_s3() {
    for epoch in ["2026-11-22T09:00:00Z", "2026-11-22T10:00:00Z", "2026-11-22T11:00:00Z"] {
        let shared = Shared::new().await;
        let ann = shared.person("ann");
        let bob = shared.person_with("bob", Clock::paused(epoch.parse().unwrap()), None);
        let lock = ann.lock(NOW).await.unwrap();
        // Killed: neither renewed nor let go.
        ann.sleep(true);
        drop(lock);
        let start = bob.clock.elapsed();
        let lock = bob.lock(MINUTE * 10).await.unwrap();
        let waited = (bob.clock.elapsed() - start).as_secs();
        assert!((120..=124).contains(&waited), "{epoch}: {waited}");
        assert_eq!(lock.taken_over.as_ref().map(|run| run.who.as_str()), Some("ann"));
        lock.release().await;
    }
}

/// A laptop sleeps with a plan in hand; somebody takes over. Waking up, it must not touch AWS, and say who won: at its
/// first intent though the other has written nothing yet, and so at every repeated call.
#[tokio::test(start_paused = true)]
async fn whoever_slept_too_long_stops_before_it_touches_aws() {
    for other_writes in [false, true] {
        let shared = Shared::new().await;
        let (ann, bob) = (shared.person("ann"), shared.person("bob"));
        let lock = ann.lock(NOW).await.unwrap();
        let store = Arc::clone(&ann.store) as Arc<dyn rsds::state::Store>;
        let environment = rsds::config::load(shared.estate.dir.path(), "dev", &[]).unwrap();
        let mut session = Session::open(environment, shared.estate.connection(), store).await.unwrap();
        session.run = Some(ann.run.clone());
        let plan = Arc::new(session.plan(&Options::default(), true).await.unwrap());

        ann.sleep(true);
        let taken = bob.lock(MINUTE * 5).await.unwrap();
        assert_eq!(taken.taken_over.as_ref().map(|run| run.who.as_str()), Some("ann"));
        assert_eq!(bob.store.load().await.unwrap(), None);
        if other_writes {
            bob.save(1).await.unwrap();
        }
        ann.sleep(false);

        shared.sandbox().take_calls();
        let (events, _inbox) = mpsc::unbounded_channel();
        let (_keep, interrupt) = watch::channel(None);
        let outcome = session.apply(plan, events, interrupt).await;
        assert!(outcome.done.is_empty());
        let touched: Vec<_> =
            shared.sandbox().take_calls().into_iter().filter(|call| call.mutating && call.service != "s3").collect();
        assert_eq!(touched, [], "AWS was touched");
        let Some(StoreError::Lost { by: Some(by), .. }) = &session.unsaved else { panic!("{:?}", session.unsaved) };
        assert_eq!(by.who, "bob");
        assert_eq!(winner(ann.store.fence().await), "bob");
        assert_eq!(winner(ann.store.keep(&ann.state(1)).await), "bob");
        lock.release().await;
        assert_eq!(bob.store.holder().await.unwrap(), Some(Some(bob.run.clone())), "nobody lets go of another's");
        bob.store.fence().await.unwrap();
        assert_eq!(bob.store.load().await.unwrap(), other_writes.then(|| bob.state(1)));
        taken.release().await;
    }
}

/// The other one may have come, worked and gone.
#[tokio::test(start_paused = true)]
async fn the_winner_is_known_when_they_have_let_go_already() {
    let shared = Shared::new().await;
    let (ann, bob) = (shared.person("ann"), shared.person("bob"));
    let lock = ann.lock(NOW).await.unwrap();
    ann.save(1).await.unwrap();
    ann.sleep(true);
    let taken = bob.lock(MINUTE * 5).await.unwrap();
    assert_eq!(bob.store.load().await.unwrap(), Some(ann.state(1)));
    bob.save(2).await.unwrap();
    taken.release().await;
    ann.sleep(false);
    assert_eq!(winner(ann.store.fence().await), "bob");
    assert_eq!(winner(ann.save(2).await), "bob");
    lock.release().await;
    // Taken away by people, and nobody has written since: there is no winner to name.
    let lock = ann.lock(NOW).await.unwrap();
    bob.store.unlock().await.unwrap();
    ann.store.load().await.unwrap();
    ann.save(3).await.unwrap();
    ann.clock.sleep(MINUTE).await;
    assert!(matches!(ann.save(4).await, Err(StoreError::Lost { by: None, .. })));
    lock.release().await;
}

/// A short sleep costs one renewal, and a network that is away for less than the lease costs nothing.
#[tokio::test(start_paused = true)]
async fn whoever_slept_a_little_goes_on() {
    let shared = Shared::new().await;
    let ann = shared.person("ann");
    let lock = ann.lock(NOW).await.unwrap();
    ann.sleep(true);
    ann.clock.sleep(Duration::from_secs(50)).await;
    ann.store.fence().await.unwrap();
    ann.clock.sleep(Duration::from_secs(40)).await;
    ann.sleep(false);
    let before = shared.sandbox().calls().len();
    ann.store.fence().await.unwrap();
    assert!(shared.sandbox().calls().len() > before, "not certain any more: S3 was asked");
    ann.save(1).await.unwrap();
    ann.sleep(true);
    ann.clock.sleep(Duration::from_secs(70)).await;
    let away = ann.store.fence().await.unwrap_err().to_string();
    assert!(away.starts_with("cannot confirm the lock of the state at s3://"), "{away}");
    ann.sleep(false);
    lock.release().await;
    assert_eq!(shared.keys(), ["state.json"]);
}

#[tokio::test(start_paused = true)]
async fn answers_that_get_lost_change_nothing() {
    let shared = Shared::new().await;
    let (ann, bob) = (shared.person("ann"), shared.person("bob"));
    shared.sandbox().inject(Fault::once("s3:PutObject", 1, How::LoseAnswer));
    let lock = ann.lock(NOW).await.unwrap();
    assert_eq!(lock.taken_over, None, "not from oneself");
    // The answer to a renewal.
    shared.sandbox().inject(Fault::once("s3:PutObject", 1, How::LoseAnswer));
    ann.clock.sleep(Duration::from_secs(21)).await;
    assert!(matches!(bob.lock(NOW).await, Err(LockError::Held(_))));
    ann.clock.sleep(MINUTE * 2).await;
    ann.store.fence().await.unwrap();
    // The answer to the last renewal before it is let go.
    shared.sandbox().inject(Fault::once("s3:PutObject", 1, How::LoseAnswer));
    ann.clock.sleep(Duration::from_secs(20)).await;
    shared.sandbox().inject(Fault::once("s3:DeleteObject", 1, How::LoseAnswer));
    lock.release().await;
    assert_eq!(shared.keys(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn people_can_take_a_lock_away() {
    let shared = Shared::new().await;
    let (ann, bob) = (shared.person("ann"), shared.person("bob"));
    bob.store.unlock().await.unwrap();
    let lock = ann.lock(NOW).await.unwrap();
    bob.store.unlock().await.unwrap();
    let taken = bob.lock(NOW).await.unwrap();
    ann.clock.sleep(MINUTE).await;
    assert_eq!(winner(ann.store.fence().await), "bob");
    lock.release().await;
    taken.release().await;
    assert_eq!(shared.keys(), Vec::<String>::new());
}
