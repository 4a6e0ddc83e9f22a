//! `rsds destroy`: takes away what was made, in reverse order.

use super::{
    change::{self, Wish},
    context::Context,
};
use crate::failure::{Exit, Failure};

pub(super) async fn run(context: &Context, args: change::Flags) -> Result<Exit, Failure> {
    change::run(context, args, Wish::Destroy).await
}
