//! A snapshot is taken once, whatever befalls the call.

use crate::{harness::*, scene::*};
use rsds::{
    aws::{
        Class,
        snapshots::{Order, create, list},
    },
    kind::Tags,
    sandbox::{AwsError, Fault, How},
    stack::outputs::holders,
};
use std::time::Duration;

fn order<'a>(name: &'a str, tags: &'a Tags) -> Order<'a> {
    Order { name, days: None, tags, point: None }
}

#[tokio::test(start_paused = true)]
async fn a_lost_call_takes_no_second_snapshot() {
    for (toml, call, busy) in [
        (SMALL, "redshift-serverless:CreateSnapshot", "ConflictException"),
        (SMALL_CLUSTER, "redshift:CreateClusterSnapshot", "InvalidClusterState"),
    ] {
        let mut estate = Estate::bare(toml);
        estate.apply().await;
        let session = estate.open().await.unwrap();
        let (_, holder) = holders(&session.environment.config, &session.state).remove(0);
        let busy = AwsError::new(busy, "There is an operation running on it").status(400);
        let (tags, mut taken) = (Tags::new(), Vec::new());
        for (number, how) in [How::LoseAnswer, How::LoseRequest, How::Error(busy)].into_iter().enumerate() {
            estate.sandbox.inject(Fault::once(call, 1, how.clone()));
            taken.push(format!("backup-{number}"));
            let made = create(&session.aws, &holder, order(&taken[number], &tags)).await.unwrap();
            assert_eq!((made.name.as_str(), made.status.as_str()), (taken[number].as_str(), "available"), "{how:?}");
            assert_eq!(estate.sandbox.disarm(), Vec::<String>::new(), "{how:?}: not met");
            let there: Vec<String> = list(&session.aws, &holder)
                .await
                .unwrap()
                .into_iter()
                .filter(|one| !one.point)
                .map(|one| one.name)
                .collect();
            assert_eq!(there, taken, "{how:?}");
        }
        // A run that is cut off leaves one that is still being taken: the next goes on with it.
        let cut_off = create(&session.aws, &holder, order("cut-off", &tags));
        assert!(tokio::time::timeout(Duration::from_secs(15), cut_off).await.is_err());
        let made = create(&session.aws, &holder, order("cut-off", &tags)).await.unwrap();
        assert_eq!(made.status, "available");
        let again = create(&session.aws, &holder, order("cut-off", &tags)).await.unwrap_err();
        assert_eq!((again.class, again.code.as_str()), (Class::Exists, "SnapshotExists"));
        let denied = How::Error(AwsError::new("AccessDenied", "You are not authorized").status(403));
        estate.sandbox.inject(Fault::once(call, 1, denied));
        let fault = create(&session.aws, &holder, order("denied", &tags)).await.unwrap_err();
        assert_eq!((fault.class, fault.call.as_str()), (Class::Denied, call));
    }
}
