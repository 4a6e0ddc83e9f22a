//! `rsds import`: takes existing resources over.

use super::{
    change::{self, carry_out, check_that_someone_agrees, parse_duration, protected},
    confirm::confirm,
    context::Context,
    locked::locked,
    takeover,
    typed::{again, arguments},
};
use crate::{
    address::Address,
    aws::KINDS,
    failure::{Exit, Failure},
    import,
    plan::{Options, Plan, PlanError, Planned, Since, moved},
    session::Session,
    ui::ImportView,
};
use jiff::Timestamp;
use std::time::Duration;

/// How long an answer may take before what was shown is looked at once more.
const FRESH: Duration = Duration::from_mins(5);
/// Calls in flight at once.
pub(super) const PARALLELISM: usize = 16;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What it is to be: an address that the TOML asks for (`rsds plan` lists them)
    #[arg(value_name = "ADDRESS", requires = "id", required_unless_present = "from_tfstate")]
    address: Option<Address>,
    /// What exists: its id, name or ARN, as AWS shows it or `terraform import` takes it
    #[arg(value_name = "ID")]
    id: Option<String>,
    #[command(flatten)]
    bulk: takeover::Flags,
    /// Do not ask
    #[arg(long)]
    auto_approve: bool,
    /// How long to wait for a state that someone else has locked
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = parse_duration)]
    lock_timeout: Duration,
}

/// Says what each kind is named by.
pub(super) fn names() -> String {
    let wide = KINDS.iter().map(|kind| kind.name().len()).max().unwrap_or_default();
    let lines = KINDS.iter().map(|kind| format!("\n  {:<wide$}  {}", kind.name(), kind.named_by()));
    format!("What names a resource, by its kind:{}", lines.collect::<String>())
}

pub(super) async fn run(context: &Context, args: Args) -> Result<Exit, Failure> {
    let Args { address, id, bulk, auto_approve, lock_timeout } = args;
    match (bulk.from_tfstate.clone(), address, id) {
        (Some(file), _, _) => takeover::run(context, &file, bulk, auto_approve, lock_timeout).await,
        (None, Some(address), Some(id)) => one(context, &address, &id, auto_approve, lock_timeout).await,
        (None, _, _) => Err(Failure::new("what is to be taken over?", "rsds import ADDRESS ID; rsds import --help")),
    }
}

async fn one(
    context: &Context,
    address: &Address,
    id: &str,
    auto_approve: bool,
    lock_timeout: Duration,
) -> Result<Exit, Failure> {
    check_that_someone_agrees(context, auto_approve, "import ADDRESS ID")?;
    let environment = context.load()?;
    context.warn(environment.warnings());
    let options = Options { protect: protected(&environment)?, ..Options::default() };
    let store_of = environment.clone();
    locked(context, &store_of, lock_timeout, async |held| {
        let mut session = context.open_in(held, environment, PARALLELISM, None).await?;
        // Nothing is recorded yet of what is to be taken over: its warehouse is asked.
        session.aws.refresh_sql = true;
        let look = async |session: &Session| {
            let now = context.clock.timestamp();
            let (adoption, observed) = import::one(session, address, id, &options, now).await?;
            Ok::<_, Failure>((Planned { plan: adoption.plan, observed }, adoption.then))
        };
        let (shown, then) = look(&session).await?;
        let origin = |key: &str| session.environment.place(key);
        context.view(&view(context, &shown.plan, &then, &origin))?;
        let again = again(arguments().skip(1), &session.environment.config.env);
        let asked = context.clock.timestamp();
        if !auto_approve && !confirm(context, "take over a resource for", &session).await? {
            context.printer.note("Nothing was changed.");
            return Ok(Exit::Failed);
        }
        let plan = match is_fresh(context, asked) {
            true => shown.plan,
            false => unmoved(&session, &shown, look(&session).await?.0, &again)?,
        };
        carry_out(context, held, &mut session, plan, &again).await
    })
    .await
}

/// Tells whether what was shown can still be believed.
pub(super) fn is_fresh(context: &Context, asked: Timestamp) -> bool {
    Duration::try_from(context.clock.timestamp().duration_since(asked)).is_ok_and(|took| took <= FRESH)
}

/// The plan to carry out after an answer that took long: what was shown, if it still holds.
pub(super) fn unmoved(session: &Session, then: &Planned, now: Planned, again: &str) -> Result<Plan, Failure> {
    let Since { against, .. } = moved(then, &now, &session.state);
    match against.first() {
        None => Ok(now.plan),
        Some(moved) => Err(Failure::new(format!("{moved}; nothing was changed"), format!("look again: {again}"))),
    }
}

/// What an import does and what it leaves to do.
pub(super) fn view<'a>(
    context: &Context,
    plan: &'a Plan,
    then: &'a Result<Plan, Vec<PlanError>>,
    origin: &'a dyn Fn(&str) -> Option<String>,
) -> ImportView<'a> {
    let view = |plan| change::view(context, plan, origin, &Options::default(), Vec::new());
    ImportView { import: view(plan), then: then.as_ref().map(view).map_err(Vec::as_slice) }
}
