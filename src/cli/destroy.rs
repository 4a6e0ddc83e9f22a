//! `rsds destroy`: takes away what was made, in reverse order.

use super::{
    change::{self, Ignoring, Wish},
    context::Context,
};
use crate::failure::{Exit, Failure};

pub(super) async fn run(context: &Context, args: change::Flags) -> Result<Exit, Failure> {
    change::run(context, args, Ignoring::default(), Wish::Destroy).await
}
