//! Every call to S3 times every fault: survived when it passes, a precise refusal when it stays.

use super::*;
use rsds::sandbox::{AwsError, Fault, How};

const CALLS: [&str; 5] = ["PutObject", "GetObject", "DeleteObject", "ListObjectsV2", "ListObjectVersions"];

fn error(code: &str, status: u16) -> How {
    How::Error(AwsError::new(code, "ordered by a test").status(status))
}

/// A run as the writer makes it: lock, look, put aside, write twice, look back, let go.
async fn run(person: &Person, serial: u64) -> Result<(), String> {
    let lock = person.lock(Duration::ZERO).await.map_err(|error| error.to_string())?;
    let work = async {
        let before = person.store.load().await?;
        if let Some(before) = &before {
            person.store.keep(before).await?;
        }
        person.save(serial).await?;
        person.clock.sleep(Duration::from_secs(30)).await;
        person.store.fence().await?;
        person.save(serial + 1).await?;
        for past in person.store.history().await? {
            person.store.past(&past.name).await?;
        }
        Ok::<(), StoreError>(())
    };
    let result = work.await.map_err(|error| error.to_string());
    lock.release().await;
    result
}

#[tokio::test(start_paused = true)]
async fn a_passing_fault_at_any_call_is_survived() {
    let mut hit = 0;
    for call in CALLS {
        let conflict = error(if call == "DeleteObject" { "Conflict" } else { "ConditionalRequestConflict" }, 409);
        let mut faults = vec![error("SlowDown", 503), error("InternalError", 500), How::LoseRequest, How::LoseAnswer];
        faults.extend(["PutObject", "DeleteObject"].contains(&call).then_some(conflict));
        for how in faults {
            for nth in 1.. {
                let shared = Shared::new().await;
                let ann = shared.person("ann");
                ann.save(1).await.unwrap();
                shared.sandbox().take_calls();
                shared.sandbox().inject(Fault::once(format!("s3:{call}"), nth, how.clone()));
                let what = format!("{call} number {nth}: {how:?}");
                run(&ann, 2).await.unwrap_or_else(|why| panic!("{what}: {why}"));
                let calls = shared.sandbox().take_calls();
                assert_eq!(shared.person("bob").store.load().await.unwrap(), Some(ann.state(3)), "{what}");
                // Letting go is tried for a while and then left to the lease's end.
                assert_eq!(shared.keys(), ["state.json", "state.json.history/run-0000000002.json"], "{what}");
                if calls.iter().filter(|seen| seen.operation == call).count() < nth {
                    break;
                }
                hit += 1;
            }
        }
    }
    assert!(hit > 50, "{hit}");
}

#[tokio::test(start_paused = true)]
async fn a_lasting_fault_is_a_precise_refusal_and_changes_nothing() {
    for (call, said) in [("PutObject", "cannot lock"), ("GetObject", "cannot read the state at")] {
        for (how, code) in [
            (error("AccessDenied", 403), "AccessDenied"),
            (error("ExpiredToken", 400), "ExpiredToken"),
            (error("SlowDown", 503), "SlowDown"),
            (How::LoseRequest, "ConnectionFailed"),
        ] {
            let shared = Shared::new().await;
            let ann = shared.person("ann");
            ann.save(1).await.unwrap();
            let fault = Fault { operation: format!("s3:{call}"), nth: 1, times: usize::MAX, how: how.clone() };
            shared.sandbox().inject(fault);
            let start = ann.clock.elapsed();
            let why = run(&ann, 2).await.unwrap_err();
            let patient = (ann.clock.elapsed() - start).as_secs() >= 120;
            assert_eq!(patient, !["AccessDenied", "ExpiredToken"].contains(&code), "{call} {how:?}: {why}");
            assert!(why.starts_with(said) && why.contains(&format!("s3:{call}")) && why.contains(code), "{why}");
            shared.sandbox().disarm();
            assert_eq!(shared.person("bob").store.load().await.unwrap(), Some(ann.state(1)), "{call} {how:?}");
        }
    }
}
