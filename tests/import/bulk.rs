//! Whole old estates.

use super::old::{Old, PASSWORD, Style, Where};
use crate::{harness::*, scene::*};
use rsds::{
    config,
    import::{
        bulk::{Estate as OldEstate, Takeover, rules},
        file::File,
        survey::survey,
        tfstate,
    },
    plan::Options,
    session::Session,
    state::Store,
};
use std::sync::Arc;

const NAME: &str = "environments/dev.toml";

impl Estate {
    /// Plans to take an old estate over with a file of its own.
    async fn takeover(&self, old: &str, producer: Option<&str>) -> Result<(Session, Takeover), String> {
        let old = tfstate::parse(old).map_err(|(why, help)| format!("{why}\n{help}"))?;
        let laid_out =
            |rules: &[_]| survey(&old, rules, "dev", producer).map_err(|(why, help)| format!("{why}\n{help}"));
        let begun = File::of(&laid_out(&[])?).text("");
        let environment = config::load_text(NAME, &begun, "dev").map_err(|problems| problems.render(false, 100))?;
        let store = Arc::clone(&self.store) as Arc<dyn Store>;
        let text_of = |failure| text(&failure);
        let mut session = Session::open(environment, self.connection(), store).await.map_err(text_of)?;
        let layout = laid_out(&rules(&session, &old).await.map_err(text_of)?)?;
        let estate = OldEstate { old: &old, layout, name: NAME.to_owned(), heading: "an old estate".to_owned() };
        let takeover = estate.written(&mut session, self.clock.timestamp()).await.map_err(text_of)?;
        Ok((session, takeover))
    }
}

/// Takes an old estate over and demands what everybody is promised.
async fn taken_over(style: Style) -> (Estate, Takeover, String) {
    let mut estate = Estate::new("");
    let old: Old = estate.old(style).await;
    let tfstate = old.tfstate();
    let before = estate.things();
    let (session, mut takeover) = estate.takeover(&tfstate, None).await.unwrap_or_else(|why| panic!("{why}"));
    let (file, _) = takeover.file.clone().unwrap();
    estate.write(&file);
    let plan = std::mem::take(&mut takeover.adoption.plan);
    let outcome = estate.carry_out(session, plan).await;
    assert!(outcome.is_complete(), "{:#?}\n{file}", outcome.failed);
    estate.settled().await;
    assert_eq!(estate.things(), before, "nothing has changed but owner tags");
    let state = serde_json::to_string(&estate.state()).unwrap();
    assert!(!file.contains(PASSWORD) && !state.contains(PASSWORD), "{file}");
    (estate, takeover, file)
}

const COMMON: Style = Style {
    cluster: true,
    in_land: false,
    guarded: false,
    endpoints: false,
    one_group: true,
    one_role: false,
    consumers: Where::Counted,
};

#[tokio::test(start_paused = true)]
async fn a_cluster_and_counted_consumers_behind_a_balancer_without_a_group() {
    let (mut estate, takeover, file) = taken_over(COMMON).await;
    insta::assert_snapshot!("common.toml", file);
    insta::assert_debug_snapshot!("common.left", takeover.left);
    // The producer is protected, as everywhere.
    let protecting = Options { protect: select(&["producer"]), ..destroying(&[]) };
    let why = match estate.plan(&protecting).await {
        Err(failure) => text(&failure),
        Ok(plan) => panic!("{:?}", brief(&plan)),
    };
    assert!(why.contains("producer/cluster would be deleted") || why.contains("protected"), "{why}");
    // It can grow as any other.
    let (plain, rest) = file.split_once("# What the keys above").unwrap();
    estate.write(&format!("{}# What the keys above{rest}", plain.replace("base_capacity = 8", "base_capacity = 16")));
    let plan = estate.plan(&Options::default()).await.unwrap();
    assert_eq!(brief(&plan), ["update consumer-readers-1/workgroup", "update consumer-readers-2/workgroup"]);
    // A role goes once what was left of it is detached.
    let (iam, arn) = (estate.somebody().await.iam, "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess");
    iam.detach_role_policy().role_name("AcmeProducerRole").policy_arn(arn).send().await.unwrap();
    let outcome = estate.run(&destroying(&[])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
}

#[tokio::test(start_paused = true)]
async fn named_modules_with_groups_of_their_own_and_managed_endpoints_as_targets() {
    let style =
        Style { cluster: false, guarded: true, endpoints: true, one_group: false, consumers: Where::Named, ..COMMON };
    let (_, takeover, file) = taken_over(style).await;
    insta::assert_snapshot!("named.toml", file);
    insta::assert_debug_snapshot!("named.left", takeover.left);
}

#[tokio::test(start_paused = true)]
async fn a_flat_root_in_a_vpc_that_a_data_source_found_with_one_role_for_all() {
    let style =
        Style { cluster: false, in_land: true, one_role: true, one_group: false, consumers: Where::Flat, ..COMMON };
    let (_, takeover, file) = taken_over(style).await;
    insta::assert_snapshot!("flat.toml", file);
    insta::assert_debug_snapshot!("flat.left", takeover.left);
}
