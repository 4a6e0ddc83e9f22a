//! "Apply, then the plan is empty", for every key of the TOML: set at creation, set later, changed, taken out again; one
//! by one and in random company. What is taken out leaves nothing behind.
//!
//! `RSDS_OPTIONS_CASES` says how many random companies there are (6 of each form in the gate), `RSDS_OPTIONS_SEED` where
//! they begin, and `RSDS_OPTIONS_EACH=1` makes an estate anew for each key alone.

use super::{
    bench::touched,
    options::{CLUSTER, FORMS, Form, NAMED, PLACED, SERVERLESS, UNSEEN},
    reading::reads_back,
    table::ABROAD,
};
use crate::{
    harness::{Estate, destroying},
    land::Land,
};
use rsds::{
    address::Address,
    failure::Failure,
    kind::Id,
    plan::{self, Options, Plan},
    session::Session,
};
use serde_json::Value as Json;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// What exists in the account, made by somebody else, and by what names rows and files speak of it.
struct Foreign {
    keys: Vec<(String, String)>,
    names: Vec<(&'static str, String)>,
}

impl Foreign {
    /// Makes two keys out of band, two in the region that copies go to, and two VPCs if they are wanted.
    async fn beside(estate: &Estate, lands: bool) -> Self {
        let (mut keys, mut names) = (Vec::new(), Vec::new());
        let own = estate.somebody().await;
        for name in ["{key}", "{other-key}"] {
            let key = own.kms.create_key().send().await.unwrap().key_metadata.unwrap();
            names.push((name, key.arn.unwrap()));
            keys.push((own.region.clone(), key.key_id));
        }
        for name in ["{key-abroad}", "{other-key-abroad}"] {
            let abroad = own.elsewhere(ABROAD).kms;
            let key = abroad.create_key().send().await.unwrap().key_metadata.unwrap();
            names.push((name, key.arn.unwrap()));
            keys.push((ABROAD.to_owned(), key.key_id));
        }
        if lands {
            let three = ["a", "b", "c"];
            let first = estate.land("first", &["a", "a2", "b", "b2", "c"]).await;
            let second = estate.land("second", &three).await;
            let list = |land: &Land, names: &[&str]| format!("{:?}", land.ids(names));
            names.push(("{first-subnets}", list(&first, &["a2", "b2", "c"])));
            names.push(("{other-subnets}", list(&first, &["a", "b2", "c"])));
            names.push(("{second-subnets}", list(&second, &three)));
            names.extend([("{first}", first.vpc), ("{second}", second.vpc)]);
        }
        Self { keys, names }
    }

    /// The text with what is really there in the place of its name.
    fn named(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (name, real)| text.replace(name, real))
    }

    async fn gone(&self, estate: &Estate) {
        let aws = estate.open().await.unwrap().aws;
        for (region, key) in &self.keys {
            let kms = aws.elsewhere(region).kms;
            kms.schedule_key_deletion().key_id(key).send().await.unwrap();
        }
    }
}

/// Where `--set` texts are one, the later wins; so each key once.
fn merged(sets: &[Vec<String>]) -> Vec<String> {
    let sets = sets.iter().flatten().filter_map(|set| set.split_once('='));
    let sets: BTreeMap<&str, &str> = sets.collect();
    sets.into_iter().map(|(key, value)| format!("{key}={value}")).collect()
}

/// Everything AWS shows of the estate, asked for or not.
type Shown = BTreeMap<Address, (Id, Json)>;

/// An estate under the law.
struct Trial<'a> {
    form: &'a Form,
    estate: Estate,
    foreign: Foreign,
    /// Which keys touched which kinds.
    pairs: BTreeSet<(&'static str, String)>,
    applies: usize,
}

impl<'a> Trial<'a> {
    /// The file in an account where somebody else was before, on an AWS that keeps only what it promises.
    async fn of(form: &'a Form) -> Self {
        let estate = Estate::unkind("");
        let foreign = Foreign::beside(&estate, form.lands).await;
        estate.write(&foreign.named(form.toml));
        Self { form, estate, foreign, pairs: BTreeSet::new(), applies: 0 }
    }

    /// Brings the estate to these values, and demands that it is as given. Returns what was touched.
    ///
    /// Errors: the file or the plan refuses them.
    async fn becomes(&mut self, sets: &[Vec<String>], what: &str) -> Result<BTreeSet<&'static str>, Failure> {
        let before =
            std::mem::replace(&mut self.estate.sets, merged(sets).iter().map(|set| self.foreign.named(set)).collect());
        let (session, plan) = match self.planned().await {
            Ok(planned) => planned,
            Err(failure) => {
                self.estate.sets = before;
                return Err(failure);
            }
        };
        let kinds = plan.touched().map(|change| change.kind.name()).collect();
        let outcome = self.estate.carry_out(session, plan).await;
        self.applies += 1;
        assert!(outcome.is_complete(), "{what}: {:#?}", outcome.failed);
        // Where only the balancer is another, its health checks begin anew.
        self.estate.clock.sleep(Duration::from_secs(300)).await;
        let (session, plan) = self.planned().await?;
        assert!(plan.is_empty(), "{what}: {}", touched(&plan).join("\n"));
        // What a change of one resource makes AWS show of another comes with the next look.
        self.estate.carry_out(session, plan).await;
        Ok(kinds)
    }

    async fn planned(&self) -> Result<(Session, Plan), Failure> {
        let session = self.estate.open().await?;
        let plan = session.plan(&Options::default(), true).await?;
        Ok((session, plan))
    }

    async fn shown(&self) -> Shown {
        let session = self.estate.open().await.unwrap();
        let (observed, _) = plan::observe(&session.aws, &session.state).await.unwrap();
        let live = session.state.entries.keys().filter_map(|address| Some((address.clone(), observed.live(address)?)));
        live.map(|(address, live)| (address, (live.id.clone(), live.spec.clone()))).collect()
    }

    /// Sets a key to each of its values in turn and takes it out again.
    async fn walks(&mut self, at: usize, base: &mut Shown) {
        let path = self.form.other[at].0;
        let mut kinds = BTreeSet::new();
        for value in self.form.values(at) {
            let what = format!("{}: {path} = {value:?}", self.form.name);
            kinds.extend(self.becomes(&[value], &what).await.unwrap_or_else(|f| panic!("{what}: {}", f.text())));
        }
        let what = format!("{}: {path} taken out", self.form.name);
        kinds.extend(self.becomes(&[], &what).await.unwrap_or_else(|f| panic!("{what}: {}", f.text())));
        assert_eq!(kinds.is_empty(), UNSEEN.contains(&path), "{what}: it touches {kinds:?}");
        self.pairs.extend(kinds.into_iter().map(|kind| (path, kind.to_owned())));
        let now = self.shown().await;
        assert_eq!(left_behind(base, &now), [""; 0], "{what}");
        *base = now;
    }

    /// What a destroy leaves: final snapshots, and the key that the producer's is encrypted with.
    fn left_on_purpose(&self) -> BTreeSet<&'static str> {
        let set = |text: &str| self.estate.sets.iter().any(|set| set.starts_with(text));
        let producers = !set("producer.final_snapshot=false");
        let kms = producers && !set("producer.kms_key_arn");
        let readers = set("consumers.readers.final_snapshot=true");
        let snapshots = self.form.snapshots;
        let all = [(self.form.lands, "ec2"), (kms, "kms"), (producers, snapshots), (readers, "redshift-serverless")];
        all.into_iter().filter(|(is, _)| *is).map(|(_, what)| what).collect()
    }

    /// Takes the estate away; what then is left is what is meant to stay, or, after a long life, of its sort.
    async fn ends(mut self, what: &str, fresh: bool) {
        let purpose = self.left_on_purpose();
        let outcome = self.estate.run(&destroying(&[])).await;
        assert!(outcome.is_complete(), "destroy {what}: {:#?}", outcome.failed);
        assert!(self.estate.state().entries.is_empty(), "{what}: {:?}", self.estate.state().entries.keys());
        self.foreign.gone(&self.estate).await;
        let left = self.estate.sandbox.leftovers();
        let left: BTreeSet<&str> = left.iter().filter_map(|place| place.split('/').nth(1)).collect();
        let sort = BTreeSet::from(["kms", self.form.snapshots, "redshift-serverless"]);
        let stray: Vec<&&str> = left.difference(&purpose).filter(|name| fresh || !sort.contains(**name)).collect();
        let missing: Vec<&&str> = purpose.difference(&left).collect();
        assert!(stray.is_empty() && missing.is_empty(), "{what}: left {stray:?}, not left {missing:?}");
    }
}

/// A query limit that is taken out is at the greatest value it takes, at which it limits nothing.
const NO_LIMIT: [&str; 2] = ["86399", "999999999999999"];

/// Fields that AWS does not take back what it has been told of (aws-facts.md 5.3): it decides again, and need not decide
/// as it did before.
const AWS_DECIDES: [&str; 2] = ["availability_zone_relocation", "maintenance_window"];

/// Says what a key that was taken out again has left in resources that are still the same.
fn left_behind(before: &Shown, after: &Shown) -> Vec<String> {
    let ids = |shown: &Shown| shown.iter().map(|(address, (id, _))| (address.clone(), id.clone())).collect::<Vec<_>>();
    // Where something was replaced, others name its successor.
    if ids(before) != ids(after) {
        return Vec::new();
    }
    let mut left = Vec::new();
    for (address, (_, was)) in before {
        let is = &after[address].1;
        for (field, was) in was.as_object().unwrap() {
            if AWS_DECIDES.contains(&field.as_str()) || was == &is[field] {
                continue;
            }
            match (was, &is[field]) {
                (Json::Object(was), Json::Object(is)) => {
                    let keys = is.iter().filter(|(key, value)| was.get(*key) != Some(*value));
                    let keys = keys.filter(|(_, value)| !NO_LIMIT.iter().any(|none| *value == none));
                    left.extend(keys.map(|(key, value)| format!("{address} {field}.{key}: {value}")));
                    let lost = was.keys().filter(|key| !is.contains_key(*key));
                    left.extend(lost.map(|key| format!("{address} {field}.{key}: gone")));
                }
                (was, is) => left.push(format!("{address} {field}: {was}, now {is}")),
            }
        }
    }
    left
}

/// Says what was tried, for `--nocapture`.
#[expect(clippy::print_stdout, reason = "figures, which only --nocapture shows")]
fn tell(figures: &str) {
    println!("{figures}");
}

/// Shares the keys of a form out, so that they are walked side by side.
async fn walk(form: &Form, part: usize, parts: usize) {
    let mut trial = Trial::of(form).await;
    trial.becomes(&[], "the first apply").await.unwrap_or_else(|f| panic!("{}", f.text()));
    let mut base = trial.shown().await;
    for at in form.all().into_iter().filter(|at| at % parts == part) {
        trial.walks(at, &mut base).await;
    }
    reads_back(&trial.estate).await;
    let (keys, pairs) = (form.all().len().div_ceil(parts), trial.pairs.len());
    let applies = trial.applies;
    tell(&format!("{} {part}/{parts}: {keys} keys, {pairs} (key, kind) pairs, {applies} applies", form.name));
    trial.ends("after the walk", false).await;
}

#[tokio::test(start_paused = true)]
async fn each_key_of_a_serverless_estate_comes_changes_and_goes() {
    walk(&SERVERLESS, 0, 2).await;
}

#[tokio::test(start_paused = true)]
async fn each_other_key_of_a_serverless_estate_comes_changes_and_goes() {
    walk(&SERVERLESS, 1, 2).await;
}

#[tokio::test(start_paused = true)]
async fn each_key_of_a_cluster_comes_changes_and_goes() {
    walk(&CLUSTER, 0, 1).await;
}

#[tokio::test(start_paused = true)]
async fn each_key_of_a_network_that_exists_comes_changes_and_goes() {
    for form in [NAMED, PLACED] {
        walk(&form, 0, 1).await;
    }
}

/// Makes an estate with these keys at the value of this number (the last, where there are fewer), and takes it away.
async fn created(form: &Form, keys: &[usize], value: usize) {
    let of_key = |at: &usize| {
        let mut values = form.values(*at);
        values.swap_remove(value.min(values.len() - 1))
    };
    let sets: Vec<Vec<String>> = keys.iter().map(of_key).collect();
    let what = format!("{}: {:?} at creation", form.name, form.named(keys));
    let mut trial = Trial::of(form).await;
    trial.becomes(&sets, &what).await.unwrap_or_else(|failure| panic!("{what}: {}", failure.text()));
    reads_back(&trial.estate).await;
    trial.ends(&what, true).await;
}

#[tokio::test(start_paused = true)]
async fn none_and_all_keys_at_creation() {
    for form in &FORMS {
        created(form, &[], 0).await;
        created(form, &form.all(), 0).await;
    }
}

/// By the digits of its number each key is created in as many companies, and of any two keys each is once without the
/// other; or, if that is asked for, each alone.
#[tokio::test(start_paused = true)]
async fn each_key_at_creation() {
    let alone = knob("RSDS_OPTIONS_EACH", 0) != 0;
    for form in &FORMS {
        let keys = form.all();
        if alone {
            for at in keys {
                for value in 0..form.values(at).len() {
                    created(form, &[at], value).await;
                }
            }
            continue;
        }
        let digits = usize::BITS - keys.len().leading_zeros();
        for digit in 0..digits {
            let company: Vec<usize> = keys.iter().copied().filter(|at| at >> digit & 1 == 1).collect();
            created(form, &company, 0).await;
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a knob of the test, not of rsds")]
fn knob(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// A small generator of our own: the same companies in every run.
struct Lot(u64);

impl Lot {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

/// Goes from one company of values to the next, without anything in between.
async fn companies(form: &Form) {
    let (seed, cases) = (knob("RSDS_OPTIONS_SEED", 20_261_126), knob("RSDS_OPTIONS_CASES", 6));
    let mut lot = Lot(seed);
    let mut trial = Trial::of(form).await;
    let mut refused = 0;
    for case in 0..cases {
        let mut sets = Vec::new();
        for at in form.all() {
            if lot.below(3) == 0 {
                let mut values = form.values(at);
                sets.push(values.swap_remove(lot.below(values.len())));
            }
        }
        let what = format!("{}, RSDS_OPTIONS_SEED={seed}, company {case}: {:?}", form.name, merged(&sets));
        // A file that no rule allows is no case.
        match trial.becomes(&sets, &what).await {
            Ok(_) => reads_back(&trial.estate).await,
            Err(Failure::Config(_)) => refused += 1,
            Err(failure) => panic!("{what}: {}", failure.text()),
        }
    }
    tell(&format!("{}: {cases} companies, {refused} that no rule allows", form.name));
    assert!(refused * 2 <= cases, "{refused} of {cases} are refused");
    trial.becomes(&[], "back again").await.unwrap_or_else(|f| panic!("{}", f.text()));
    trial.ends("after the companies", false).await;
}

#[tokio::test(start_paused = true)]
async fn keys_of_a_serverless_estate_in_random_company() {
    companies(&SERVERLESS).await;
}

#[tokio::test(start_paused = true)]
async fn keys_of_a_cluster_in_random_company() {
    companies(&CLUSTER).await;
}

/// A failure as text.
trait Text {
    fn text(&self) -> String;
}

impl Text for Failure {
    fn text(&self) -> String {
        crate::harness::text(self)
    }
}
