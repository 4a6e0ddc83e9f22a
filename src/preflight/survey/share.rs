//! What other accounts offer this one to take up.
//!
//! Called by `survey`. Must never judge it.

use super::Fact;
use crate::aws::{Aws, Fault, catalogue};
use std::collections::BTreeMap;

/// A data share of another account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::preflight) struct Offer {
    /// What this account is to it: `AVAILABLE`, `DEAUTHORIZED` and so on; none where it only shows in a warehouse.
    pub(in crate::preflight) status: Option<String>,
    /// Whether public warehouses may read it.
    pub(in crate::preflight) public: bool,
}

pub(super) async fn offers(aws: &Aws) -> Result<Fact, Fault> {
    let listed = catalogue::offers(aws).await?;
    let offer = |of: catalogue::Listed| Offer { status: of.status(&aws.account).map(str::to_owned), public: of.public };
    Ok(Fact::Offers(listed.into_iter().map(|(arn, of)| (arn, offer(of))).collect::<BTreeMap<_, _>>()))
}
