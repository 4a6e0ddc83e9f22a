//! The contract every kind of resource fulfils (design.md 7), and the facts it states about itself.
//!
//! Implemented by each file in `src/aws/` that names a kind; read by `plan`, driven by `apply`.
//! A kind must never wait, retry, print, read state, or make more than one mutating call per step.

use super::{
    blocker::Blocker,
    stage::{Known, OutputSet, Stage},
};
use crate::{
    address::Address,
    aws::{Aws, Fault, Look},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value as Json;
use std::{collections::BTreeMap, fmt::Debug, future::Future};

/// The id AWS knows a resource by. For children without an id of their own it is made of their natural key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id(pub String);

impl Id {
    /// Joins the parts of a natural key; `part` takes them apart again.
    pub fn of(parts: &[&str]) -> Self {
        Self(parts.join("|"))
    }

    /// Returns part `n` of a natural key, or an empty text.
    pub fn part(&self, n: usize) -> &str {
        self.0.split('|').nth(n).unwrap_or_default()
    }

    /// Returns the whole id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

/// Tags of a resource.
pub type Tags = BTreeMap<String, String>;

/// What a change of a field means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnChange {
    /// One or more update steps.
    Update,
    /// A new resource in the place of the old one.
    Replace,
}

/// Whether a change of a field from outside concerns protection: who may come in, who may do what, what keeps data safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guards {
    /// It does not.
    Nothing,
    /// Whatever changes of it.
    All,
    /// These keys of a map; one that ends in `*` stands for all that begin so.
    Keys(&'static [&'static str]),
}

impl Guards {
    /// Tells whether a change of the field, or of one key of it, concerns protection.
    pub fn concerns(self, key: Option<&str>) -> bool {
        let is = |guarded: &&str, key: &str| match guarded.strip_suffix('*') {
            Some(head) => key.starts_with(head),
            None => *guarded == key,
        };
        match self {
            Self::Nothing => false,
            Self::All => true,
            Self::Keys(keys) => key.is_none_or(|key| keys.iter().any(|guarded| is(guarded, key))),
        }
    }
}

/// What a change does to connections, the mildest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disruption {
    /// They notice nothing.
    #[default]
    None,
    /// They may drop, or do not see the change, and can be made again at once.
    Reconnect,
    /// What serves them restarts: for a moment nobody can connect.
    Restart,
    /// Nobody can connect for minutes or longer.
    Outage,
}

impl Disruption {
    /// Every grade, the mildest first.
    pub const ALL: [Self; 4] = [Self::None, Self::Reconnect, Self::Restart, Self::Outage];

    /// Returns its word, which JSON has too.
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Reconnect => "reconnect",
            Self::Restart => "restart",
            Self::Outage => "outage",
        }
    }
}

/// What the change of one field brings about besides its value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Impact {
    /// What it does to connections.
    pub disruption: Disruption,
    /// The same in words, or what else a person should know of it; empty: nothing.
    pub text: String,
    /// How long a step that settles it typically takes, in seconds; none: as long as any update of its kind.
    pub seconds: Option<u32>,
}

impl Impact {
    /// The same under another grade and in other words.
    pub fn graded(self, disruption: Disruption, text: impl Into<String>) -> Self {
        Self { disruption, text: text.into(), ..self }
    }
    /// The same with another typical duration, in seconds.
    pub fn taking(self, seconds: u32) -> Self {
        Self { seconds: Some(seconds), ..self }
    }
}

/// One field of a spec: how it compares and what its change brings about.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name in the spec.
    pub name: &'static str,
    /// What a change means.
    pub on_change: OnChange,
    /// AWS never returns it: it is compared with the state alone, and the plan says so.
    pub unreadable: bool,
    /// It counts only while the resource is made: what the TOML no longer says of it stays on record.
    pub once: bool,
    /// A map compared key by key: keys that neither the TOML nor the state names are AWS's own business.
    pub keyed: bool,
    /// When the resource this field refers to is replaced, this one is replaced with it: it lets go first.
    pub follows: bool,
    /// Outputs that a change makes unknown again.
    pub invalidates: &'static [&'static str],
    /// What a change does to connections.
    pub disruption: Disruption,
    /// The same in words, or what else a person should know of a change; empty: nothing.
    pub says: &'static str,
    /// How long a step that settles it typically takes, in seconds; none: as long as any update of its kind.
    pub typical: Option<u32>,
    /// Whether a change from outside concerns protection.
    pub guards: Guards,
}

impl Field {
    const fn new(name: &'static str, on_change: OnChange) -> Self {
        let (unreadable, once, keyed, follows, guards) = (false, false, false, false, Guards::Nothing);
        let (invalidates, disruption, says, typical) = (&[], Disruption::None, "", None);
        Self { name, on_change, unreadable, once, keyed, follows, invalidates, disruption, says, typical, guards }
    }
    /// A field that changes in place.
    pub const fn updates(name: &'static str) -> Self {
        Self::new(name, OnChange::Update)
    }
    /// A field whose change replaces the resource.
    pub const fn replaces(name: &'static str) -> Self {
        Self::new(name, OnChange::Replace)
    }
    /// Marks a field AWS never returns.
    pub const fn unreadable(mut self) -> Self {
        self.unreadable = true;
        self
    }
    /// Marks a field that says what the resource is made from, which AWS never returns.
    pub const fn once(mut self) -> Self {
        (self.unreadable, self.once) = (true, true);
        self
    }
    /// Marks a map that compares key by key.
    pub const fn keyed(mut self) -> Self {
        self.keyed = true;
        self
    }
    /// Marks a field that lets go before what it refers to is replaced.
    pub const fn follows(mut self) -> Self {
        self.follows = true;
        self
    }
    /// Names outputs that a change makes unknown again.
    pub const fn invalidates(mut self, outputs: &'static [&'static str]) -> Self {
        self.invalidates = outputs;
        self
    }
    /// Says how long its change typically takes, in seconds, where that differs from other updates of the kind.
    pub const fn takes(mut self, seconds: u32) -> Self {
        self.typical = Some(seconds);
        self
    }
    /// Marks a field whose change from outside opens access or weakens protection.
    pub const fn security(mut self) -> Self {
        self.guards = Guards::All;
        self
    }
    /// Marks the keys of a map whose change does.
    pub const fn security_of(mut self, keys: &'static [&'static str]) -> Self {
        self.guards = Guards::Keys(keys);
        self
    }
    /// Says what a person should know of a change that connections do not notice.
    pub const fn notes(mut self, says: &'static str) -> Self {
        self.says = says;
        self
    }
    /// Says that a change makes connections drop, or be made again.
    pub const fn reconnects(mut self, says: &'static str) -> Self {
        self.disruption = Disruption::Reconnect;
        self.says = says;
        self
    }
    /// Says that a change restarts what serves connections.
    pub const fn restarts(mut self, says: &'static str) -> Self {
        self.disruption = Disruption::Restart;
        self.says = says;
        self
    }
    /// Says that a change keeps everybody out for minutes or longer.
    pub const fn outage(mut self, says: &'static str) -> Self {
        self.disruption = Disruption::Outage;
        self.says = says;
        self
    }
    /// Returns what its table says of a change, whatever the values.
    pub fn impact(&self) -> Impact {
        Impact { disruption: self.disruption, text: self.says.to_owned(), seconds: self.typical }
    }
}

/// One mutating call besides create, named by what it does (`enable dns hostnames`): a durable record stands
/// before and after it. A step must be safe to repeat: after a crash it runs again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What `Kind::run` knows it by, and what the plan and the progress show.
    pub name: String,
    /// The fields it settles; empty for steps of creation and deletion.
    #[serde(default)]
    pub fields: Vec<String>,
    /// Whether the resource must have settled before this step may be sent (a workgroup takes one change at a time).
    #[serde(default)]
    pub settled: bool,
}

impl Step {
    /// A step that may be sent at any time.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), fields: Vec::new(), settled: false }
    }
    /// A step that settles one field and is named after it: `set <field>`.
    pub fn set(field: &str) -> Self {
        Self { name: format!("set {field}"), fields: vec![field.to_owned()], settled: false }
    }
    /// Demands that the resource has settled first.
    pub fn settled(mut self) -> Self {
        self.settled = true;
        self
    }
    /// Returns the field of a `set <field>` step.
    pub fn field(&self) -> Option<&str> {
        self.name.strip_prefix("set ")
    }
}

/// The value a field will have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum After {
    /// Known now.
    Known(Json),
    /// Known when these outputs exist.
    From(Vec<super::stage::OutputRef>),
}

/// The changes of one resource, by field: before and after.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes(pub BTreeMap<String, (Json, After)>);

impl Changes {
    /// Tells whether the field changes.
    pub fn has(&self, field: &str) -> bool {
        self.0.contains_key(field)
    }
    /// Returns the changed fields' names in order.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
    /// Returns the value a field had.
    pub fn before(&self, field: &str) -> Option<&Json> {
        self.0.get(field).map(|(before, _)| before)
    }
    /// Returns the value a field will have, if it is known already.
    pub fn after(&self, field: &str) -> Option<&Json> {
        match self.0.get(field) {
            Some((_, After::Known(json))) => Some(json),
            Some((_, After::From(_))) | None => None,
        }
    }
    /// Returns one `set <field>` step per changed field, in the table's order.
    pub fn one_step_each(&self) -> Vec<Step> {
        self.fields().map(Step::set).collect()
    }
}

/// Why a change cannot be made, known before anything is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The field whose wanted value is the reason.
    pub field: &'static str,
    /// What is in the way, as a sentence without its full stop.
    pub why: String,
    /// What to type or change instead; `ADDRESS` stands for the resource's.
    pub help: String,
}

/// Whether a live resource has settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Readiness {
    /// It does its work, and every output exists.
    Ready,
    /// Someone has put it to sleep: all is well, and changes wait until it is woken. The text is AWS's own status.
    Dormant(String),
    /// It is on its way; the text is AWS's own status.
    Pending(String),
    /// It is made of parts, and not all of them are up.
    Partly(Parts),
    /// It will never get there; the text says why.
    Failed(String),
    /// It is going; the text is AWS's own status.
    Deleting(String),
}

impl Readiness {
    /// Tells whether it is going.
    pub const fn is_going(&self) -> bool {
        matches!(self, Self::Deleting(_))
    }
}

/// The parts of a resource by name; those that are not up with AWS's own code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts(pub BTreeMap<String, Option<String>>);

impl std::fmt::Display for Parts {
    /// One line: `1 of 2 healthy: Elb.InitialHealthChecking`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let down: Vec<&str> = self.0.values().flatten().map(String::as_str).collect();
        write!(f, "{} of {} healthy", self.0.len() - down.len(), self.0.len())?;
        down.first().map_or(Ok(()), |code| write!(f, ": {code}"))
    }
}

/// A resource as AWS shows it.
pub struct Live<K: Kind> {
    /// Its id.
    pub id: Id,
    /// Everything AWS shows of it, in the form the stack declares it in, normalised.
    pub spec: K::Spec<Known>,
    /// Its outputs, as far as they exist.
    pub outputs: K::Outputs,
    /// Whether it has settled.
    pub readiness: Readiness,
}

/// One resource to read: by id, or, while none is recorded, by natural key or ownership tags.
pub struct Which<K: Kind> {
    /// Its address, which its ownership tag carries.
    pub address: Address,
    /// Its id, once AWS has answered the create call.
    pub id: Option<Id>,
    /// What the state recorded of it: for children that AWS knows only through their parents.
    pub spec: K::Spec<Known>,
    /// Only readiness and outputs are asked, again and again: the spec of the answer may lack what costs calls of its
    /// own (tags, attributes).
    pub settling: bool,
}

impl<K: Kind> Which<K> {
    /// Returns the id, or an empty text when none is recorded yet.
    pub fn id(&self) -> &str {
        self.id.as_ref().map_or("", Id::as_str)
    }
}

/// The answer to a create call.
pub struct Created<K: Kind> {
    /// The id, known the moment AWS answers.
    pub id: Id,
    /// The outputs that exist at once; those under `ready` stay `None`.
    pub outputs: K::Outputs,
}

/// A resource that exists, as a person names it: by its id, or by fields of its spec that AWS finds it by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// Its id; none where `read` finds it by the fields alone.
    pub id: Option<Id>,
    /// Fields of the question's spec: its name, or a parent that its id tells.
    pub fields: BTreeMap<&'static str, Json>,
}

/// One mutating step to run.
pub struct Job<'a, K: Kind> {
    /// Which step.
    pub step: &'a Step,
    /// The resource's id.
    pub id: &'a Id,
    /// The spec before: live values, reduced to what rsds manages. Equals `spec` in steps of creation and deletion.
    pub before: &'a K::Spec<Known>,
    /// The spec wanted; in deletion the recorded one.
    pub spec: &'a K::Spec<Known>,
}

/// Which half of a replacement comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The old one goes first (its name or address range is taken, or it can exist only once).
    DeleteFirst,
    /// The new one comes first; the old one is kept as deposed until nothing uses it.
    CreateFirst,
}

/// IAM actions, by what needs them (aws-facts.md 14).
#[derive(Clone, Copy, Debug)]
pub struct Actions {
    /// Needed to read.
    pub read: &'static [&'static str],
    /// Needed to create, steps of creation included.
    pub create: &'static [&'static str],
    /// Needed to update.
    pub update: &'static [&'static str],
    /// Needed to delete.
    pub delete: &'static [&'static str],
}

/// Typical durations in seconds (aws-facts.md 15): for the plan's estimate and the progress display, never a limit.
#[derive(Clone, Copy, Debug)]
pub struct Typical {
    /// From the create call to settled.
    pub create: u32,
    /// Of one update step.
    pub update: u32,
    /// From the delete call to gone.
    pub delete: u32,
}

/// A kind of resource. See the module header for what it must never do.
pub trait Kind: Sized + Send + Sync + 'static {
    /// Its name, `<service>.<resource>`: `ec2.vpc`.
    const NAME: &'static str;
    /// Every field of the spec but `tags`, with the rules of its change.
    const FIELDS: &'static [Field];
    /// The IAM actions its calls need.
    const ACTIONS: Actions;
    /// How long its operations typically take.
    const TYPICAL: Typical;
    /// Which half of a replacement comes first where both are possible.
    const REPLACE: Order = Order::DeleteFirst;
    /// The fields that make up its natural key: while none of them changes, two cannot exist side by side.
    const KEY: &'static [&'static str] = &[];
    /// The key field that may carry a suffix, and its longest length: lets a replacement exist beside the old one.
    const SUFFIXED: Option<(&'static str, usize)> = None;
    /// Whether AWS can tag it; then the spec has a field `tags: Tags`, which the stack fills.
    const TAGGED: bool = true;
    /// Whether it holds data: if it is gone, re-creating it silently would hide a loss.
    const HOLDS_DATA: bool = false;
    /// Whether data elsewhere is unreadable without it (a key).
    const KEEPS_DATA_READABLE: bool = false;
    /// Whether AWS itself makes one of its name where there is none: without tags, and yet nobody else's.
    const MADE_BY_AWS: bool = false;
    /// Whether its absence weakens protection (audit logs).
    const GUARDS: bool = false;
    /// What can be done when it is gone and held data, or made data readable: commands in which `NAME` stands for its
    /// name, or its id where it has none, and `ADDRESS` for its address.
    const RECOVERY: &'static [&'static str] = &[];
    /// Whether it takes time to settle after a call. Kinds that are done when AWS answers are not polled.
    const SETTLES: bool = true;
    /// Whether it lives inside a warehouse: SQL makes it.
    const INSIDE: bool = false;
    /// The longest one that stands is waited for while it changes or goes, in seconds, where that is more than ten times
    /// the typical time: a cluster may move its data for a day (aws-facts.md 5.3).
    const LONGEST: u32 = 0;
    /// The same of one that is new: a health check may need ten answers, five minutes apart (aws-facts.md 7.2).
    const LONGEST_NEW: u32 = 0;
    /// How many reads in a row must show it ready before it counts as settled: a workgroup is AVAILABLE for a
    /// moment and then MODIFYING again (aws-facts.md 6.2).
    const STABLE_READS: u32 = 1;
    /// Whether connections go through it: while it is not there, nobody connects.
    const CARRIES: bool = false;
    /// The fields and outputs that say how it runs: endpoints, ports, capacity. For `rsds status` alone.
    const SHOWS: &'static [&'static str] = &[];

    /// What a person may name one by, for the help of `rsds import`: `its id, vpc-...`.
    const NAMED_BY: &'static str;

    /// What the stack wants of it, at either stage.
    type Spec<S: Stage>: Serialize + DeserializeOwned + Clone + Debug + Send + Sync;
    /// What it offers to others.
    type Outputs: OutputSet;

    /// Says whether AWS takes this as the physical name, which is always the field `name`.
    ///
    /// Errors: AWS's rule in words, to follow "a name is ".
    fn check_name(name: &str) -> Result<(), &'static str> {
        let _ = name;
        Ok(())
    }

    /// Turns what a person names one by (as AWS shows it, as `terraform import` takes it, as rsds records it) into what
    /// `read` goes by; none where it is no name of this kind.
    fn named(text: &str) -> Option<Named>;

    /// Reads many at once with the widest calls there are; the answer has one place per question, `None` = gone.
    /// `which` are the look's questions about this kind. Where a listing serves several kinds, or lags, what it lacks or
    /// contradicts is asked for directly: only that is an absence, or a difference. A resource found by natural key or tags carries its live tags in its spec, so that ownership can be checked.
    fn read(look: &Look, which: &[Which<Self>]) -> impl Future<Output = Result<Vec<Option<Live<Self>>>, Fault>> + Send;

    /// Sends the one call that creates it. `token` makes a repetition harmless where AWS takes one.
    fn create(
        aws: &Aws,
        spec: &Self::Spec<Known>,
        token: &str,
    ) -> impl Future<Output = Result<Created<Self>, Fault>> + Send;

    /// Tells whether what is `shown`, which carries nobody's mark, is what the creation of `asked` leaves behind: by a call
    /// that cannot tag, in a place that is the estate's own.
    fn unmarked(asked: &Self::Spec<Known>, shown: &Self::Spec<Known>) -> bool {
        let _ = (asked, shown);
        false
    }

    /// Says why AWS, or rsds itself, would not make these changes: what can be known to fail fails in the plan. In a
    /// creation every field changes from null; a map holds all its keys.
    fn refuse(changes: &Changes) -> Option<Refusal> {
        let _ = changes;
        None
    }

    /// Says what a person should know of it though nothing is to be done: a reboot that is waited for, a pause.
    fn notice(outputs: &Self::Outputs, readiness: &Readiness) -> Option<String> {
        let _ = (outputs, readiness);
        None
    }

    /// Says what the change of a field brings about, where that depends on the values: `before` and `after` are whole
    /// specs, and `key` is the one of a map that compares key by key.
    fn impact(field: &Field, key: Option<&str>, before: &Json, after: &Json) -> Impact {
        let _ = (key, before, after);
        field.impact()
    }

    /// Names the steps that complete a creation.
    fn finish(spec: &Self::Spec<Known>) -> Vec<Step> {
        let _ = spec;
        Vec::new()
    }

    /// Names the steps of an update in the order AWS wants, one call each. Only fields that change in place come here.
    fn update(changes: &Changes) -> Vec<Step> {
        changes.one_step_each()
    }

    /// Names the steps of a deletion; the last one deletes.
    fn remove(spec: &Self::Spec<Known>) -> Vec<Step> {
        let _ = spec;
        vec![Step::new("delete")]
    }

    /// Reads what keeps these from being deleted, with as few calls as `read`; one list a question. Asked only after AWS
    /// has refused a deletion; an empty list says that nothing shows (any more).
    fn blockers(aws: &Aws, which: &[Which<Self>]) -> impl Future<Output = Result<Vec<Vec<Blocker>>, Fault>> + Send {
        let _ = aws;
        let none = which.iter().map(|_| Vec::new()).collect();
        async { Ok(none) }
    }

    /// Sends the one call of a step. Returns the new id where AWS gives one with the change.
    fn run(aws: &Aws, job: Job<'_, Self>) -> impl Future<Output = Result<Option<Id>, Fault>> + Send;
}
