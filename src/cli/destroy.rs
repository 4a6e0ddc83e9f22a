//! `rsds destroy`: takes away what was made, in reverse order.

use super::{
    change::{self, Approval, Selection},
    context::Context,
};
use crate::failure::{Exit, Failure};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    approval: Approval,
}

pub(super) async fn run(context: &Context, args: Args) -> Result<Exit, Failure> {
    change::run(context, args.selection, args.approval, true).await
}
