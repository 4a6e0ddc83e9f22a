//! Whole runs on a shared state: with answers that get lost, and handed from one run to the next in the middle.

use super::*;
use crate::harness::destroying;
use rsds::{
    apply::Outcome,
    plan::Options,
    sandbox::{Fault, How},
    session::Session,
};
use tokio::sync::{mpsc, watch};

impl Shared {
    async fn session(&self, person: &Person) -> Session {
        self.session_over(person, self.sandbox().http_client()).await
    }

    async fn session_over(&self, person: &Person, http: SharedHttpClient) -> Session {
        let environment = rsds::config::load(self.estate.dir.path(), "dev", &[]).unwrap();
        let store = Arc::clone(&person.store) as Arc<dyn rsds::state::Store>;
        let connection = rsds::aws::Connection { http: Some(http), ..self.estate.connection() };
        let mut session = Session::open(environment, connection, store).await.unwrap();
        session.run = Some(person.run.clone());
        session
    }

    /// Plans and applies as one run of the command line does, but for the lock.
    async fn apply(&self, person: &Person, options: &Options) -> (Session, Outcome) {
        let mut session = self.session(person).await;
        let plan = Arc::new(session.plan(options, true).await.unwrap());
        let (events, _inbox) = mpsc::unbounded_channel();
        let (_keep, interrupt) = watch::channel(None);
        let outcome = session.apply(plan, events, interrupt).await;
        (session, outcome)
    }

    async fn demand_settled(&self, person: &Person) {
        let plan = self.session(person).await.plan(&Options::default(), true).await.unwrap();
        assert!(plan.is_empty(), "{:?}", crate::scene::brief(&plan));
    }

    fn mutations(&self) -> usize {
        let calls = self.sandbox().calls();
        calls.iter().filter(|call| call.mutating && call.service != "s3" && call.error.is_none()).count()
    }
}

#[tokio::test(start_paused = true)]
async fn an_estate_is_made_and_goes_though_every_third_answer_of_s3_gets_lost() {
    let shared = Shared::new().await;
    let ann = shared.person("ann");
    for nth in (3..2000).step_by(3) {
        shared.sandbox().inject(Fault::once("s3:PutObject", nth, How::LoseAnswer));
    }
    for options in [Options::default(), destroying(&[])] {
        let lock = ann.lock(Duration::ZERO).await.unwrap();
        let (session, outcome) = shared.apply(&ann, &options).await;
        assert!(outcome.is_complete(), "{:#?}", outcome.failed);
        assert!(session.unsaved.is_none());
        lock.release().await;
        assert_eq!(shared.person("bob").store.load().await.unwrap().as_ref(), Some(&session.state));
    }
    shared.sandbox().disarm();
    assert_eq!(shared.sandbox().leftovers(), ["aws-global/s3"]);
}

/// The network to S3 goes in the middle of an apply, and comes back when somebody else has taken over: the first run
/// stops there, and the second one makes of it what one run would have made.
#[tokio::test(start_paused = true)]
async fn a_run_that_was_overtaken_in_the_middle_is_carried_on_by_the_other() {
    let undisturbed = {
        let shared = Shared::new().await;
        let (_, outcome) = shared.apply(&shared.person("ann"), &Options::default()).await;
        assert!(outcome.is_complete());
        (crate::scene::inventory(&shared.sandbox().world()), shared.mutations())
    };
    for made in [5, 20, undisturbed.1 - 2] {
        let shared = Shared::new().await;
        let (ann, bob) = (shared.person("ann"), shared.person("bob"));
        let lock = ann.lock(Duration::ZERO).await.unwrap();
        let overtaken = async {
            while shared.mutations() < made {
                ann.clock.sleep(Duration::from_millis(100)).await;
            }
            ann.sleep(true);
            let taken = bob.lock(Duration::from_secs(600)).await.unwrap();
            let then = shared.mutations();
            ann.sleep(false);
            (taken, then)
        };
        let all = Options::default();
        let ((session, outcome), (taken, then)) = tokio::join!(shared.apply(&ann, &all), overtaken);
        assert!(!outcome.is_complete(), "overtaken after {made}");
        assert_eq!(shared.mutations(), then, "AWS was touched after {made}");
        assert!(session.unsaved.is_some());
        lock.release().await;

        let (_, outcome) = shared.apply(&bob, &Options::default()).await;
        assert!(outcome.is_complete(), "after {made}: {:#?}", outcome.failed);
        shared.demand_settled(&bob).await;
        taken.release().await;
        assert_eq!(crate::scene::inventory(&shared.sandbox().world()), undisturbed.0, "after {made}");
        assert_eq!(shared.keys()[0], "state.json");
    }
}

/// Killed at a write to S3, before it arrives or after, the next run takes over when the lease is dead, and makes of it
/// what one run would have made. Every eleventh write here (all of them, once, by hand: 118 deaths, 6 minutes); `crash` strikes every write of any store.
#[tokio::test(start_paused = true)]
async fn a_run_that_was_killed_at_a_write_is_carried_on_by_the_next() {
    let undisturbed = {
        let shared = Shared::new().await;
        let (_, outcome) = shared.apply(&shared.person("ann"), &Options::default()).await;
        assert!(outcome.is_complete());
        crate::scene::inventory(&shared.sandbox().world())
    };
    let mut killed = 0;
    'writes: for write in (1..).step_by(11) {
        for arrives in [false, true] {
            let shared = Shared::new().await;
            let person = shared.person("ann");
            let cable = Cable { writes_left: Arc::new(AtomicUsize::new(write)), arrives, ..person.cable };
            let ann = shared.person_at("ann", person.clock, place(None), cable);
            let lock = ann.lock(Duration::ZERO).await.unwrap();
            let mut session = shared.session_over(&ann, SharedHttpClient::new(ann.cable.clone())).await;
            let plan = Arc::new(session.plan(&Options::default(), true).await.unwrap());
            let (events, _inbox) = mpsc::unbounded_channel();
            let (_keep, interrupt) = watch::channel(None);
            let death = async {
                while !ann.cable.cut.load(Ordering::Relaxed) {
                    ann.clock.sleep(Duration::from_millis(10)).await;
                }
            };
            tokio::select! {
                biased;
                () = death => {}
                outcome = session.apply(plan, events, interrupt) => {
                    assert!(outcome.is_complete());
                    break 'writes;
                }
            }
            drop((lock, session));
            killed += 1;

            let bob = shared.person("bob");
            let lock = bob.lock(Duration::from_secs(600)).await.unwrap();
            assert_eq!(lock.taken_over.as_ref().map(|run| run.who.as_str()), Some("ann"));
            let (_, outcome) = shared.apply(&bob, &Options::default()).await;
            assert!(outcome.is_complete(), "killed at write {write} ({arrives}): {:#?}", outcome.failed);
            shared.demand_settled(&bob).await;
            lock.release().await;
            assert_eq!(crate::scene::inventory(&shared.sandbox().world()), undisturbed, "write {write} ({arrives})");
        }
    }
    assert!(killed > 8, "{killed}");
}
