//! Kind `ec2.route-table`: where a subnet's packets go; its routes and associations are kinds of their own.
//!
//! Driven by `plan` and `apply` through the list of kinds; `tables` and `known` serve `route` and `route_table_association`.
//! Must never touch the main route table that comes with every VPC.

use super::{
    Aws, Fault, Look,
    fault::{Called, found},
    ids::{RouteTableId, VpcId},
    lookup::{ec2_filters_by, ec2_owned, is_asked, place},
    named,
    route::Route,
    route_table_association::RouteTableAssociation,
    tags,
};
use crate::kind::{
    Actions, Blocker, Changes, Created, Field, Id, Job, Kind, Known, Live, Named, Order, Readiness, Stage, Step, Tags,
    Typical, Which,
};
use aws_sdk_ec2::types::{self, Filter, ResourceType};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A route table.
pub struct RouteTable;

/// What a route table is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct RouteTableSpec<S: Stage> {
    /// The VPC it belongs to.
    pub vpc: S::In<VpcId>,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
}

crate::outputs!(RouteTable =>
    /// What a route table offers.
    RouteTableOutputs {
        at_once {
            /// The route table's id.
            id: RouteTableId,
        }
        ready {}
    }
);

/// Describes route tables, one call per element of `calls`, all at once; routes and associations come inline.
pub(super) async fn tables(aws: &Aws, calls: Vec<Vec<Filter>>) -> Result<Vec<types::RouteTable>, Fault> {
    let tables = try_join_all(calls.into_iter().map(|filters| async {
        let pages = aws.ec2.describe_route_tables().set_filters(Some(filters)).into_paginator().items().send();
        pages.collect::<Result<Vec<_>, _>>().called("ec2:DescribeRouteTables").await
    }));
    Ok(tables.await?.into_iter().flatten().collect())
}

/// Describes, once, every table that the look's questions about tables, routes and associations name.
pub(super) async fn known(look: &Look) -> Result<Arc<Vec<types::RouteTable>>, Fault> {
    look.once("route tables", async {
        let own = look.asked(RouteTable::NAME).iter().filter_map(|which| which.id.as_ref()).map(Id::as_str);
        let children = look.asked(Route::NAME).iter().chain(look.asked(RouteTableAssociation::NAME));
        let theirs = children.filter_map(|which| which.spec["route_table"].as_str());
        let ids = own.chain(theirs).filter(|id| !id.is_empty());
        tables(look, ec2_filters_by("route-table-id", ids)).await
    })
    .await
}

impl RouteTable {
    fn live(table: &types::RouteTable) -> Option<Live<Self>> {
        let (id, vpc) = (table.route_table_id.clone()?, table.vpc_id.clone()?);
        let spec = RouteTableSpec { vpc: vpc.into(), tags: tags::from_ec2(table.tags.as_deref()) };
        let outputs = RouteTableOutputs { id: id.clone().into() };
        Some(Live { outputs, id: Id(id), spec, readiness: Readiness::Ready })
    }
}

impl Kind for RouteTable {
    const NAME: &'static str = "ec2.route-table";
    const FIELDS: &'static [Field] = &[Field::replaces("vpc")];
    const ACTIONS: Actions = Actions {
        read: &["ec2:DescribeRouteTables"],
        create: &["ec2:CreateRouteTable", "ec2:CreateTags"],
        update: &["ec2:CreateTags", "ec2:DeleteTags"],
        delete: &["ec2:DeleteRouteTable"],
    };
    const TYPICAL: Typical = Typical { create: 1, update: 1, delete: 1 };
    const SETTLES: bool = false;
    const REPLACE: Order = Order::CreateFirst;
    const NAMED_BY: &'static str = "its id, `rtb-...`";

    type Spec<S: Stage> = RouteTableSpec<S>;
    type Outputs = RouteTableOutputs;

    fn named(text: &str) -> Option<Named> {
        named::ec2(text, "rtb-")
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let unnamed = which.iter().any(|question| question.id.is_none()).then(|| ec2_owned(look));
        let (known, owned) = tokio::try_join!(known(look), tables(look, unnamed.into_iter().collect()))?;
        let live = known.iter().chain(&owned).filter_map(Self::live);
        Ok(place(which, live, |question, l| is_asked(look, question, l, &l.spec.tags)))
    }

    async fn create(aws: &Aws, spec: &RouteTableSpec<Known>, token: &str) -> Result<Created<Self>, Fault> {
        let tags = tags::ec2_specification(ResourceType::RouteTable, &spec.tags);
        let call = aws.ec2.create_route_table().vpc_id(spec.vpc.as_str()).client_token(token).tag_specifications(tags);
        let answer = call.send().called("ec2:CreateRouteTable").await?;
        let id = answer.route_table.and_then(|table| table.route_table_id);
        let id = id.ok_or_else(|| Fault::incomplete("ec2:CreateRouteTable", "routeTableId"))?;
        Ok(Created { outputs: RouteTableOutputs { id: id.clone().into() }, id: Id(id) })
    }

    fn update(changes: &Changes) -> Vec<Step> {
        tags::steps_with_tags(changes)
    }

    /// The subnets that use the table by an association of their own.
    async fn blockers(aws: &Aws, which: &[Which<Self>]) -> Result<Vec<Vec<Blocker>>, Fault> {
        let tables = tables(aws, ec2_filters_by("route-table-id", which.iter().map(Which::id))).await?;
        let held = |question: &Which<Self>| {
            let own = tables.iter().filter(|table| table.route_table_id() == Some(question.id()));
            let associations = own.flat_map(types::RouteTable::associations);
            let subnets = associations.filter_map(|a| Some((a.route_table_association_id()?, a.subnet_id()?)));
            subnets.map(|(id, subnet)| Blocker::new(id, format!("the association of {subnet}"))).collect()
        };
        Ok(which.iter().map(held).collect())
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        if job.step.name == "delete" {
            let call = aws.ec2.delete_route_table().route_table_id(job.id.as_str());
            found(call.send().called("ec2:DeleteRouteTable").await)?;
        } else {
            tags::run_ec2(aws, job.step, job.id, &job.before.tags, &job.spec.tags).await?;
        }
        Ok(None)
    }
}
