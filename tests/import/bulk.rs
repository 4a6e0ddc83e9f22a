//! Whole old estates.

use super::old::{COMMON, Old, PASSWORD, Style, Where};
use crate::{
    crash::{LATE, Tap},
    harness::*,
    scene::*,
};
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

#[tokio::test(start_paused = true)]
async fn borrowed_subnets_a_second_listener_and_passwords_that_aws_keeps() {
    let style = Style {
        cluster: false,
        in_land: true,
        borrowed: true,
        second: true,
        keyless: true,
        managed: true,
        guarded: true,
        ..COMMON
    };
    let (_, takeover, file) = taken_over(style).await;
    insta::assert_snapshot!("borrowed.toml", file);
    insta::assert_debug_snapshot!("borrowed.left", takeover.left);
}

#[tokio::test(start_paused = true)]
async fn policies_and_logs_as_blocks_and_resources_by_their_former_names() {
    let (_, takeover, file) = taken_over(Style { dated: true, ..COMMON }).await;
    assert!(
        file.contains("usage_limits = [{ action = \"deactivate\", amount = 60, feature = \"concurrency-scaling\""),
        "{file}"
    );
    assert!(file.contains("logging = [\"userlog\"]\n") && file.contains("log_retention = \"30d\"\n"), "{file}");
    let from = |address: &str| takeover.from[&address.parse().unwrap()].first().unwrap().clone();
    assert_eq!(from("producer/role-policy"), "module.producer.aws_iam_role.redshift");
    assert_eq!(from("producer/logging"), "module.producer.aws_redshift_cluster.producer");
    assert_eq!(from("producer/log-group-userlog"), "module.producer.aws_cloudwatch_log_group.userlog");
    assert_eq!(from("nlb/load-balancer"), "module.nlb.aws_alb.this");
}

#[tokio::test(start_paused = true)]
async fn two_zones_and_second_ranges_are_used_as_they_are() {
    let estate = Estate::new("");
    let old = estate.old(Style { cluster: false, ..COMMON }).await.tfstate();
    // The VPC has got its range after the subnets theirs.
    let second = old.replace("\"cidr_block\": \"10.80.0.0/16\"", "\"cidr_block\": \"10.90.0.0/16\"");
    let (_, takeover) = estate.takeover(&second, None).await.unwrap_or_else(|why| panic!("{why}"));
    assert!(takeover.file.unwrap().0.contains("subnet_ids = [\"subnet-"));
    let left = &takeover.left["module.networking.aws_subnet.this[0]"];
    assert!(left.contains("a second range of the VPC"), "{left}");
    assert!(takeover.left["module.networking.aws_vpc.this"].contains("used as it is"));
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_moment_of_a_takeover_is_made_good_by_the_same_command() {
    let mut estate = Estate::new("");
    let old = estate.old(COMMON).await.tfstate();
    let before = estate.things();
    let (_, takeover) = estate.takeover(&old, None).await.unwrap_or_else(|why| panic!("{why}"));
    let (file, _) = takeover.file.unwrap();
    estate.write(&file);
    let tap = Tap::recording(&estate);
    let environment = config::load(estate.dir.path(), "dev", &[]).unwrap();
    let session = Session::open(environment, estate.connection(), Arc::new(tap.clone())).await.unwrap();
    let plan = estate.onto_its_file(&session, &old).await.plan;
    let outcome = estate.carry_out(session, plan).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    let record = tap.take();
    assert!(record.moments.len() > 40, "{}", record.moments.len());
    for moment in record.moments.iter().step_by(2) {
        let mut found = moment.found(&file, &[], LATE).await;
        found.clock.sleep(2 * LATE).await;
        let session = found.open().await.unwrap();
        let plan = found.onto_its_file(&session, &old).await.plan;
        let outcome = found.carry_out(session, plan).await;
        assert!(outcome.is_complete(), "{}: {:#?}", moment.before, outcome.failed);
        found.settled().await;
        assert_eq!(found.things(), before, "{}", moment.before);
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_the_style_it_is_taken_over_whole() {
    // All 192 do; these have every switch in either position.
    for n in (0..192_usize).step_by(13) {
        let bit = |at: usize| n >> at & 1 == 1;
        let consumers = [Where::Counted, Where::Named, Where::Flat][n / 64];
        let (cluster, in_land, guarded) = (bit(0), bit(1), bit(2));
        let (endpoints, one_group, one_role) = (bit(3), bit(4), bit(5));
        let (borrowed, second, dated) = (in_land && bit(3), bit(1) != bit(4), bit(2) != bit(5));
        let (keyless, managed) = (bit(2) != bit(0), bit(5) != bit(3));
        let of_land = Style { cluster, in_land, guarded, endpoints, one_group, one_role, ..COMMON };
        taken_over(Style { borrowed, second, dated, keyless, managed, consumers, ..of_land }).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_takeover_that_is_cut_off_goes_on_with_the_file_it_wrote() {
    let mut estate = Estate::new("");
    let old = estate.old(COMMON).await.tfstate();
    let before = estate.things();
    let (session, mut takeover) = estate.takeover(&old, None).await.unwrap_or_else(|why| panic!("{why}"));
    estate.write(&takeover.file.clone().unwrap().0);
    for operation in ["CreateTags", "TagResource", "AddTags"] {
        estate.sandbox.inject(denied(operation));
    }
    let plan = std::mem::take(&mut takeover.adoption.plan);
    let outcome = estate.carry_out(session, plan).await;
    assert!(!outcome.failed.is_empty() && !outcome.done.is_empty());
    // Everything is recorded; what lacks its tags is known to.
    let cut: Vec<String> = brief(&estate.plan(&Options::default()).await.unwrap());
    assert!(!cut.is_empty() && cut.iter().all(|line| line.starts_with("resume ")), "{cut:?}");
    let again = estate.onto_its_file(&estate.open().await.unwrap(), &old).await;
    assert_eq!(again.plan.changes.len(), outcome.failed.len(), "the rest is recorded already");
    let session = estate.open().await.unwrap();
    let outcome = estate.carry_out(session, again.plan).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    estate.settled().await;
    assert_eq!(estate.things(), before);
}

impl Estate {
    /// Plans to take an old estate over into the file that is there.
    async fn onto_its_file(&self, session: &Session, old: &str) -> rsds::plan::Adoption {
        let old = tfstate::parse(old).unwrap();
        let layout = survey(&old, &rules(session, &old).await.unwrap(), "dev", None).unwrap();
        let estate = OldEstate { old: &old, layout, name: NAME.to_owned(), heading: String::new() };
        estate.recorded(session, &Options::default(), self.clock.timestamp()).await.unwrap().adoption
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_guesses_which_warehouse_takes_the_writes() {
    let estate = Estate::new("");
    let old = estate.old(Style { cluster: false, ..COMMON }).await.tfstate();
    // Modules and names that say nothing: those behind the balancer read.
    let plain = old.replace("module.producer", "module.dwh").replace("acme-producer", "acme-dwh");
    let plain = plain.replace("\"name\": \"producer\"", "\"name\": \"dwh\"");
    let state = tfstate::parse(&plain).unwrap();
    let layout = survey(&state, &[], "dev", None).unwrap();
    let from = &layout.assigned[&"producer/workgroup".parse().unwrap()].from;
    assert!(from.contains("module.dwh.aws_redshiftserverless_workgroup.dwh"), "{from:?}");
    // Without a balancer nobody knows.
    let mut bare: serde_json::Value = serde_json::from_str(&plain).unwrap();
    bare["resources"].as_array_mut().unwrap().retain(|block| !block["type"].as_str().unwrap().starts_with("aws_lb"));
    let state = tfstate::parse(&bare.to_string()).unwrap();
    let (why, help) = survey(&state, &[], "dev", None).unwrap_err();
    assert!(why.starts_with("which of these takes the writes: ") && why.contains("acme-dwh-wg"), "{why}");
    assert_eq!(help, "say it: --producer NAME");
    assert!(survey(&state, &[], "dev", Some("acme-dwh-wg")).is_ok());
    let (why, help) = survey(&state, &[], "dev", Some("acme-nobody")).unwrap_err();
    assert!(why.contains("no warehouse of this state is called acme-nobody") && help.contains("acme-dwh-wg"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_from_aws_or_belongs_to_another_is_told() {
    let estate = Estate::new("");
    let old = estate.old(COMMON).await.tfstate();
    let iam = estate.somebody().await.iam;
    iam.delete_role_policy().role_name("AcmeConsumer0Role").policy_name("lake").send().await.unwrap();
    let (_, takeover) = estate.takeover(&old, None).await.unwrap_or_else(|why| panic!("{why}"));
    let why = &takeover.left["module.consumers[0].aws_iam_role_policy.lake"];
    assert!(why.contains("AWS has it no more") || why.contains("the file asks for no"), "{why}");
    assert!(takeover.adoption.then.is_ok_and(|plan| plan.is_empty()), "the file does without it");
    let owned = |world: &mut rsds::sandbox::World| {
        let arn = world.serverless.workgroups["acme-consumer-0-wg"].arn.clone();
        let owner = [("rsds:project", "freight"), ("rsds:environment", "prod"), ("rsds:address", "producer/workgroup")];
        world.serverless.tags.entry(arn).or_default().extend(owner.map(|(k, v)| (k.to_owned(), v.to_owned())));
    };
    estate.sandbox.edit(owned).unwrap();
    let why = estate.takeover(&old, None).await.err().unwrap();
    assert!(why.contains("belongs to producer/workgroup of freight-prod"), "{why}");
}
