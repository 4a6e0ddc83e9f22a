//! Kind `ec2.route-table-association`: which route table a subnet of ours uses.
//!
//! Driven by `plan` and `apply` through the list of kinds. Must never touch a subnet's implicit use of the main table.

use super::{
    Aws, Fault, Look,
    fault::{Called, found},
    ids::{AssociationId, RouteTableId, SubnetId},
    lookup::{ec2_filters_by, place},
    named,
    route_table::{known, tables},
};
use crate::kind::{
    Actions, Created, Field, Id, Job, Kind, Known, Live, Named, Order, Readiness, Stage, Typical, Which,
};
use aws_sdk_ec2::types::{self, RouteTableAssociationStateCode as Code};
use serde::{Deserialize, Serialize};

/// The association of a subnet with a route table. AWS cannot tag it; a subnet has at most one.
pub struct RouteTableAssociation;

/// What an association is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct RouteTableAssociationSpec<S: Stage> {
    /// The table the subnet is to use.
    pub route_table: S::In<RouteTableId>,
    /// The subnet.
    pub subnet: S::In<SubnetId>,
}

crate::outputs!(RouteTableAssociation =>
    /// What an association offers.
    RouteTableAssociationOutputs {
        at_once {
            /// The association's id; AWS gives a new one with each change of the table.
            id: AssociationId,
        }
        ready {}
    }
);

impl RouteTableAssociation {
    fn live(association: types::RouteTableAssociation) -> Option<Live<Self>> {
        let id = association.route_table_association_id?;
        let (table, subnet) = (association.route_table_id?, association.subnet_id?);
        let state = association.association_state;
        let message = state.as_ref().and_then(|s| s.status_message.clone());
        let readiness = match state.and_then(|s| s.state) {
            Some(Code::Disassociated) => return None,
            Some(Code::Associated) | None => Readiness::Ready,
            Some(Code::Failed) => Readiness::Failed(message.unwrap_or_else(|| Code::Failed.as_str().to_owned())),
            Some(code @ Code::Disassociating) => Readiness::Deleting(code.as_str().to_owned()),
            Some(code) => Readiness::Pending(code.as_str().to_owned()),
        };
        let spec = RouteTableAssociationSpec { route_table: table.into(), subnet: subnet.into() };
        Some(Live { outputs: RouteTableAssociationOutputs { id: id.clone().into() }, id: Id(id), spec, readiness })
    }

    /// Finds the associations of some subnets. One that is going comes only where none has taken its place.
    async fn of<'a>(aws: &Aws, subnets: impl Iterator<Item = &'a SubnetId>) -> Result<Vec<Live<Self>>, Fault> {
        let filters = ec2_filters_by("association.subnet-id", subnets.map(SubnetId::as_str));
        Ok(Self::among(&tables(aws, filters).await?))
    }

    fn among(tables: &[types::RouteTable]) -> Vec<Live<Self>> {
        let associations = tables.iter().flat_map(types::RouteTable::associations).cloned();
        current(associations.filter_map(Self::live).collect())
    }

    /// Points the subnet to another table and returns the association's new id. A repetition finds by the subnet what
    /// a lost answer left behind: the id it started from is no more.
    async fn replace(aws: &Aws, job: &Job<'_, Self>) -> Result<Id, Fault> {
        let wanted = &job.spec.route_table;
        let mut now = Self::of(aws, std::iter::once(&job.spec.subnet)).await?;
        now.retain(|l| l.spec.subnet == job.spec.subnet && !matches!(l.readiness, Readiness::Deleting(_)));
        if let Some(done) = now.iter().find(|l| l.spec.route_table == *wanted) {
            return Ok(done.id.clone());
        }
        let id = now.first().map_or(job.id, |l| &l.id);
        let call = aws.ec2.replace_route_table_association().association_id(id.as_str());
        let answer = call.route_table_id(wanted.as_str()).send().called("ec2:ReplaceRouteTableAssociation").await?;
        let id = answer.new_association_id;
        id.map(Id).ok_or_else(|| Fault::incomplete("ec2:ReplaceRouteTableAssociation", "newAssociationId"))
    }
}

/// Leaves out what is going where something else of the same subnet is there.
fn current(mut all: Vec<Live<RouteTableAssociation>>) -> Vec<Live<RouteTableAssociation>> {
    let going = |l: &Live<RouteTableAssociation>| matches!(l.readiness, Readiness::Deleting(_));
    let staying: Vec<SubnetId> = all.iter().filter(|l| !going(l)).map(|l| l.spec.subnet.clone()).collect();
    all.retain(|l| !going(l) || !staying.contains(&l.spec.subnet));
    all
}

impl Kind for RouteTableAssociation {
    const NAME: &'static str = "ec2.route-table-association";
    const FIELDS: &'static [Field] = &[
        Field::updates("route_table")
            .security()
            .invalidates(&["id"])
            .reconnects("the subnet's traffic takes other routes"),
        Field::replaces("subnet"),
    ];
    const ACTIONS: Actions = Actions {
        read: &["ec2:DescribeRouteTables"],
        create: &["ec2:AssociateRouteTable"],
        update: &["ec2:ReplaceRouteTableAssociation"],
        delete: &["ec2:DisassociateRouteTable"],
    };
    const TYPICAL: Typical = Typical { create: 2, update: 2, delete: 1 };
    const SETTLES: bool = false;
    const REPLACE: Order = Order::CreateFirst;
    const KEY: &'static [&'static str] = &["subnet"];
    const TAGGED: bool = false;
    const NAMED_BY: &'static str = "its subnet, `subnet-...` or `subnet-.../rtb-...`; or its id, `rtbassoc-...`";

    type Spec<S: Stage> = RouteTableAssociationSpec<S>;
    type Outputs = RouteTableAssociationOutputs;

    fn named(text: &str) -> Option<Named> {
        let subnet = text.split_once('/').map_or(text, |(subnet, _)| subnet);
        let by_subnet = subnet.starts_with("subnet-").then(|| named::field("subnet", subnet));
        // By its own id only where the TOML's subnet is known: AWS tells it of its subnet alone.
        by_subnet.or_else(|| named::ec2(text, "rtbassoc-"))
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        // By the subnet even where an id is recorded: whoever changes the table changes the id with it. Whose subnet is not
        // with the table that is recorded may be with another.
        let mut live = Self::among(&known(look).await?);
        let stays = |live: &Live<Self>| !matches!(live.readiness, Readiness::Deleting(_));
        live.retain(stays);
        let is_there = |w: &&Which<Self>| live.iter().any(|l| l.spec.subnet == w.spec.subnet);
        let strays: Vec<&SubnetId> = which.iter().filter(|w| !is_there(w)).map(|w| &w.spec.subnet).collect();
        live.extend(Self::of(look, strays.into_iter()).await?);
        Ok(place(which, live, |question, l| question.spec.subnet == l.spec.subnet))
    }

    async fn create(aws: &Aws, spec: &RouteTableAssociationSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        let call =
            aws.ec2.associate_route_table().route_table_id(spec.route_table.as_str()).subnet_id(spec.subnet.as_str());
        let id = call.send().called("ec2:AssociateRouteTable").await?.association_id;
        let id = id.ok_or_else(|| Fault::incomplete("ec2:AssociateRouteTable", "associationId"))?;
        Ok(Created { outputs: RouteTableAssociationOutputs { id: id.clone().into() }, id: Id(id) })
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        match job.step.name.as_str() {
            "set route_table" => Self::replace(aws, &job).await.map(Some),
            "delete" => {
                let call = aws.ec2.disassociate_route_table().association_id(job.id.as_str());
                found(call.send().called("ec2:DisassociateRouteTable").await)?;
                Ok(None)
            }
            other => Err(Fault::internal(format!("{} has no step `{other}`", Self::NAME))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_ec2::types::RouteTableAssociationState;

    fn live(id: &str, subnet: &str, code: Code) -> Option<Live<RouteTableAssociation>> {
        let state = RouteTableAssociationState::builder().state(code).build();
        let association = types::RouteTableAssociation::builder().route_table_association_id(id).subnet_id(subnet);
        RouteTableAssociation::live(association.route_table_id("rtb-1").association_state(state).build())
    }

    #[test]
    fn what_is_going_counts_only_where_nothing_took_its_place() {
        assert!(live("a", "s", Code::Disassociated).is_none());
        let all = [
            live("old", "s-1", Code::Disassociating),
            live("new", "s-1", Code::Associating),
            live("last", "s-2", Code::Disassociating),
        ];
        let left: Vec<_> = current(all.into_iter().flatten().collect()).into_iter().map(|l| l.id.0).collect();
        assert_eq!(left, ["new", "last"]);
    }
}
