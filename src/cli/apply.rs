//! `rsds apply`: plans, asks, and makes it so.

use super::{change, context::Context};
use crate::failure::{Exit, Failure};

pub(super) async fn run(context: &Context, args: change::Args) -> Result<Exit, Failure> {
    change::run(context, args, false).await
}
