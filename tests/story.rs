//! Whole stories: an estate is built, changed, cut down and taken away.

use crate::harness::*;

mod accounts;
mod blocked;
mod change;
mod copies;
mod domain;
mod drift;
mod endpoints;
mod existing;
mod groups;
mod inbound;
mod limits;
mod listeners;
mod logins;
mod logs;
mod monitoring;
mod overrides;
mod power;
mod producer;
mod recovery;
mod refuse;
mod replace;
mod restore;
mod saved;
mod schedules;
mod sharing;
mod snapshots;

#[tokio::test(start_paused = true)]
async fn dev_comes_up_stays_as_it_is_and_goes() {
    let mut estate = Estate::shipped("dev");
    estate.apply().await;
    estate.settled().await;
    let outcome = estate.run(&destroying(&[])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    assert_eq!(estate.sandbox.leftovers(), Vec::<String>::new());
    assert!(estate.state().entries.is_empty());
}
