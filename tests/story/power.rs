//! A cluster is paused and resumed whatever befalls the call.

use crate::{harness::*, scene::*};
use rsds::{
    aws::{
        Class,
        cluster_power::{Power, switch},
        ids::ClusterName,
    },
    sandbox::{AwsError, Fault, How},
};

#[tokio::test(start_paused = true)]
async fn a_switch_is_borne_through_lost_calls_and_refused_once() {
    let mut estate = Estate::bare(SMALL_CLUSTER);
    estate.apply().await;
    let state = estate.state();
    let id = state.entries[&"producer/cluster".parse().unwrap()].id.clone().unwrap();
    let (name, aws) = (ClusterName::from(id.as_str()), estate.open().await.unwrap().aws);
    let busy = AwsError::new("InvalidClusterState", "There is an operation running on the Cluster").status(400);
    let slow = AwsError::new("Throttling", "Rate exceeded").status(400);
    for how in [How::LoseAnswer, How::LoseRequest, How::Error(busy), How::Error(slow)] {
        for (power, operation) in [(Power::Paused, "PauseCluster"), (Power::Running, "ResumeCluster")] {
            estate.sandbox.inject(Fault::once(format!("redshift:{operation}"), 1, how.clone()));
            assert!(switch(&aws, &name, power).await.unwrap(), "{how:?}");
            assert!(!switch(&aws, &name, power).await.unwrap(), "{how:?}: it is so already");
            assert_eq!(estate.sandbox.disarm(), Vec::<String>::new(), "{how:?}: not met");
        }
    }
    let denied = How::Error(AwsError::new("AccessDenied", "You are not authorized").status(403));
    estate.sandbox.take_calls();
    estate.sandbox.inject(Fault::once("redshift:PauseCluster", 1, denied));
    let fault = switch(&aws, &name, Power::Paused).await.unwrap_err();
    assert_eq!((fault.class, fault.call.as_str()), (Class::Denied, "redshift:PauseCluster"));
    assert_eq!(estate.sandbox.take_calls().iter().filter(|call| call.mutating).count(), 1);
    let gone = switch(&aws, &ClusterName::from("nobody"), Power::Running).await.unwrap_err();
    assert_eq!((gone.class, gone.code.as_str()), (Class::NotFound, "ClusterNotFound"));
}
