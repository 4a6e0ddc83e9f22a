//! Questions to a warehouse about what lies inside it.
//!
//! Called by `Ask::answer`. A question wakes an idle warehouse: must never be asked where nothing inside it changes.

use super::Fact;
use crate::aws::{Aws, Fault, catalogue, data_api::is_closed};

/// Of a warehouse that takes no statements now nobody can tell; the apply waits for it, or says so.
pub(super) async fn schemas(aws: &Aws, warehouse: &str, database: &str) -> Result<Fact, Fault> {
    match catalogue::contents(aws, warehouse, database).await {
        Ok(contents) => Ok(contents.map_or(Fact::Nothing, Fact::Schemas)),
        Err(fault) if is_closed(&fault) => Ok(Fact::Nothing),
        Err(fault) => Err(fault),
    }
}
