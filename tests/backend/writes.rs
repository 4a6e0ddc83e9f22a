//! Writes: each names the version it replaces, and an answer that got lost is found.

use super::*;
use rsds::{
    sandbox::{Fault, How},
    state::Image,
};

#[tokio::test(start_paused = true)]
async fn what_somebody_else_wrote_is_never_written_over() {
    let shared = Shared::new().await;
    let (ann, bob) = (shared.person("ann"), shared.person("bob"));
    assert_eq!(ann.store.load().await.unwrap(), None);
    assert_eq!(bob.store.load().await.unwrap(), None);
    ann.save(1).await.unwrap();
    let lost = bob.save(1).await;
    let text = lost.clone().unwrap_err().to_string();
    assert!(text.starts_with(&format!("the state at s3://{BUCKET}/{KEY} was taken over by ann@laptop")), "{text}");
    assert_eq!(winner(lost), "ann", "both began anew: the second is refused");
    assert_eq!(winner(bob.save(2).await), "ann", "and stays refused");
    assert_eq!(bob.store.load().await.unwrap(), Some(ann.state(1)));
    bob.save(2).await.unwrap();
    assert_eq!(winner(ann.save(2).await), "bob");
    assert_eq!(ann.store.load().await.unwrap(), Some(bob.state(2)));
    let s3 = shared.s3().await;
    s3.delete_object().bucket(BUCKET).key(KEY).send().await.unwrap();
    let gone = ann.save(3).await.unwrap_err().to_string();
    assert!(gone.contains("somebody has deleted it since it was read"), "{gone}");
    assert_eq!(shared.keys(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_answer_got_lost_is_found_and_not_made_twice() {
    let shared = Shared::new().await;
    let ann = shared.person("ann");
    for serial in 1..=3 {
        shared.sandbox().inject(Fault::once("s3:PutObject", 1, How::LoseAnswer));
        ann.save(serial).await.unwrap();
        assert_eq!(shared.versions() as u64, serial);
    }
    let codes: Vec<_> = shared.sandbox().take_calls().into_iter().filter_map(|call| call.error).collect();
    assert!(codes.contains(&"PreconditionFailed".to_owned()), "a success seen as 412: {codes:?}");
    // In its first moment, too: the write lands, its answer and all that follows get lost, and the next one finds it.
    shared.sandbox().inject(Fault::once("s3:PutObject", 1, How::LoseAnswer));
    shared.sandbox().inject(Fault {
        operation: "s3:PutObject".to_owned(),
        nth: 2,
        times: usize::MAX,
        how: How::LoseRequest,
    });
    let start = ann.clock.elapsed();
    assert!(matches!(ann.save(4).await, Err(StoreError::Io { verb: "write", .. })));
    let waited = (ann.clock.elapsed() - start).as_secs();
    assert!((120..=130).contains(&waited), "patience, but not for ever: {waited}");
    shared.sandbox().disarm();
    ann.save(5).await.unwrap();
    assert_eq!(ann.store.load().await.unwrap(), Some(ann.state(5)));
    assert_eq!(shared.versions(), 5);
}

#[tokio::test(start_paused = true)]
async fn runs_and_writes_can_be_gone_back_to() {
    let shared = Shared::new().await;
    let ann = shared.person("ann");
    for serial in 1..=40 {
        if serial > 1 {
            ann.store.keep(&ann.state(serial - 1)).await.unwrap();
        }
        ann.save(serial).await.unwrap();
        ann.clock.sleep(Duration::from_secs(60)).await;
    }
    let past = ann.store.history().await.unwrap();
    let names = |of| past.iter().filter(|past| past.of == of).map(|past| past.name.clone()).collect::<Vec<_>>();
    let (runs, commits) = (names(Image::BeforeRun), names(Image::BeforeCommit));
    assert_eq!((runs.len(), runs[0].as_str(), runs[29].as_str()), (30, "run-0000000040.json", "run-0000000011.json"));
    assert_eq!(commits.len(), 10);
    assert!(past.is_sorted_by_key(|past| std::cmp::Reverse(past.at)));
    assert_eq!(ann.store.past(&runs[0]).await.unwrap(), ann.state(39), "what stood before write 40");
    assert_eq!(ann.store.past(&commits[0]).await.unwrap(), ann.state(39));
    assert_eq!(ann.store.past(&commits[9]).await.unwrap(), ann.state(30));
    for name in ["run-0000000001.json", "version-nonsense", "../state.json", ""] {
        let refused = ann.store.past(name).await.unwrap_err().to_string();
        assert!(refused.contains("no such former state"), "{name}: {refused}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_damaged_state_is_told_with_the_last_good_one() {
    let shared = Shared::new().await;
    let ann = shared.person("ann");
    ann.save(1).await.unwrap();
    let torn = aws_sdk_s3::primitives::ByteStream::from_static(b"{ \"checksum\": ");
    shared.s3().await.put_object().bucket(BUCKET).key(KEY).body(torn).send().await.unwrap();
    let Err(StoreError::Damaged { why, last_good: Some(name), .. }) = ann.store.load().await else { panic!() };
    assert!(why.contains("cut short"), "{why}");
    assert_eq!(ann.store.past(&name).await.unwrap(), ann.state(1));
    // Who has seen it may put a good one in its place.
    ann.save(2).await.unwrap();
    assert_eq!(ann.store.load().await.unwrap(), Some(ann.state(2)));
}

#[tokio::test(start_paused = true)]
async fn the_key_of_the_toml_encrypts_everything() {
    let shared = Shared::new().await;
    let ann = shared.person_with("ann", shared.estate.clock.clone(), Some(KMS));
    let lock = ann.lock(Duration::ZERO).await.unwrap();
    ann.save(1).await.unwrap();
    ann.store.keep(&ann.state(1)).await.unwrap();
    let world = shared.sandbox().world_in("aws-global");
    let objects = &world.s3.buckets[BUCKET].objects;
    assert_eq!(objects.len(), 3);
    for (key, versions) in objects {
        let encryption = &versions[0].encryption;
        assert_eq!((encryption.key.as_deref(), encryption.bucket_key), (Some(KMS), true), "{key}");
    }
    lock.release().await;
}
