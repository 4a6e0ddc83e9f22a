//! Kind `ec2.route`: one destination in a route table of ours, and the gateway that serves it.
//!
//! Driven by `plan` and `apply` through the list of kinds. Must never take the local route, or the prefix-list route
//! that a gateway endpoint puts into a table, for one of its own.

use super::{
    Aws, Fault, Look,
    fault::{Called, found},
    ids::{InternetGatewayId, RouteTableId},
    lookup::{ec2_filters_by, place_within},
    named,
    route_table::{known, tables},
};
use crate::kind::{
    Actions, Created, Field, Id, Job, Kind, Known, Live, Named, Order, Readiness, Stage, Typical, Which,
};
use aws_sdk_ec2::types;
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

/// A route. AWS gives it no id and no tags: it is known by its table and destination.
pub struct Route;

/// What a route is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct RouteSpec<S: Stage> {
    /// The table it stands in.
    pub route_table: S::In<RouteTableId>,
    /// The range it serves, canonical: `0.0.0.0/0`.
    pub destination: Ipv4Net,
    /// The gateway it leads to. Read back, it is whatever target AWS shows, a NAT gateway's id too.
    pub gateway: S::In<InternetGatewayId>,
}

crate::outputs!(Route =>
    /// A route offers nothing to others.
    RouteOutputs {
        at_once {}
        ready {}
    }
);

impl Route {
    fn id(table: &RouteTableId, destination: Ipv4Net) -> Id {
        Id::of(&[table.as_str(), &destination.to_string()])
    }

    fn asked(which: &Which<Self>) -> Id {
        which.id.clone().unwrap_or_else(|| Self::id(&which.spec.route_table, which.spec.destination))
    }

    /// Reads one route of a table; `None` for those whose destination is no IPv4 range.
    fn live(table: &str, route: types::Route) -> Option<Live<Self>> {
        let destination: Ipv4Net = route.destination_cidr_block.as_deref()?.parse().ok()?;
        let target = [
            route.gateway_id,
            route.nat_gateway_id,
            route.transit_gateway_id,
            route.vpc_peering_connection_id,
            route.network_interface_id,
            route.local_gateway_id,
            route.carrier_gateway_id,
            route.core_network_arn,
        ];
        let gateway = target.into_iter().flatten().next().unwrap_or_default().into();
        let spec = RouteSpec { route_table: table.into(), destination: destination.trunc(), gateway };
        let id = Self::id(&spec.route_table, spec.destination);
        Some(Live { id, spec, outputs: RouteOutputs {}, readiness: Readiness::Ready })
    }
}

impl Kind for Route {
    const NAME: &'static str = "ec2.route";
    const FIELDS: &'static [Field] = &[
        Field::replaces("route_table"),
        Field::replaces("destination"),
        Field::updates("gateway").security().reconnects("connections through the old gateway drop"),
    ];
    const ACTIONS: Actions = Actions {
        read: &["ec2:DescribeRouteTables"],
        create: &["ec2:CreateRoute"],
        update: &["ec2:ReplaceRoute"],
        delete: &["ec2:DeleteRoute"],
    };
    const TYPICAL: Typical = Typical { create: 1, update: 1, delete: 1 };
    const SETTLES: bool = false;
    const REPLACE: Order = Order::CreateFirst;
    const KEY: &'static [&'static str] = &["route_table", "destination"];
    const TAGGED: bool = false;
    const NAMED_BY: &'static str = "its table and destination, `rtb-..._0.0.0.0/0`";

    type Spec<S: Stage> = RouteSpec<S>;
    type Outputs = RouteOutputs;

    fn named(text: &str) -> Option<Named> {
        let (table, destination) = named::pair(text, "_")?;
        let destination: Ipv4Net = destination.parse().ok()?;
        table.starts_with("rtb-").then(|| Named { id: Some(Self::id(&table.into(), destination)), ..Named::default() })
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let known = known(look).await?;
        // One that is named for an import may be of a table that nobody knows.
        let is_known = |id: &Id| known.iter().any(|table| table.route_table_id() == Some(id.part(0)));
        let named = |question: &&Which<Self>| question.spec.route_table.as_str() == Self::asked(question).part(0);
        let strays: Vec<Id> =
            which.iter().filter(|question| !named(question)).map(Self::asked).filter(|id| !is_known(id)).collect();
        let strays = tables(look, ec2_filters_by("route-table-id", strays.iter().map(|id| id.part(0)))).await?;
        let mut live = Vec::new();
        for table in known.iter().chain(&strays) {
            let Some(id) = table.route_table_id() else { continue };
            live.extend(table.routes().iter().filter_map(|route| Self::live(id, route.clone())));
        }
        // AWS's own: the way within the VPC, which goes with the table.
        live.retain(|route| route.spec.gateway.as_str() != "local");
        let fits = |question: &Which<Self>, l: &Live<Self>| Self::asked(question) == l.id;
        Ok(place_within(look, which, live, fits, |spec| spec.route_table.as_str()))
    }

    async fn create(aws: &Aws, spec: &RouteSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        let call = aws
            .ec2
            .create_route()
            .route_table_id(spec.route_table.as_str())
            .destination_cidr_block(spec.destination.to_string())
            .gateway_id(spec.gateway.as_str());
        call.send().called("ec2:CreateRoute").await?;
        Ok(Created { outputs: RouteOutputs {}, id: Self::id(&spec.route_table, spec.destination) })
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        let (table, destination) = (job.id.part(0), job.id.part(1));
        match job.step.name.as_str() {
            "set gateway" => {
                let call = aws.ec2.replace_route().route_table_id(table).destination_cidr_block(destination);
                call.gateway_id(job.spec.gateway.as_str()).send().called("ec2:ReplaceRoute").await?;
            }
            "delete" => {
                let call = aws.ec2.delete_route().route_table_id(table).destination_cidr_block(destination);
                found(call.send().called("ec2:DeleteRoute").await)?;
            }
            other => return Err(Fault::internal(format!("{} has no step `{other}`", Self::NAME))),
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_known_by_table_and_destination() {
        let route = types::Route::builder().destination_cidr_block("0.0.0.0/0");
        let ours = Route::live("rtb-1", route.clone().gateway_id("igw-1").build()).unwrap();
        assert_eq!((ours.id.as_str(), ours.spec.gateway.as_str()), ("rtb-1|0.0.0.0/0", "igw-1"));
        let nat = Route::live("rtb-1", route.clone().nat_gateway_id("nat-1").build()).unwrap();
        assert_eq!(nat.spec.gateway.as_str(), "nat-1", "another target is drift, not absence");
        let lost = Route::live("rtb-1", route.build()).unwrap();
        assert_eq!(lost.spec.gateway.as_str(), "");
        let endpoint = types::Route::builder().destination_prefix_list_id("pl-1").gateway_id("vpce-1").build();
        assert!(Route::live("rtb-1", endpoint).is_none());
    }
}
