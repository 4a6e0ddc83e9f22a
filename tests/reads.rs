//! How AWS is read: page by page, by listings where they serve, and by itself where a listing is denied, lags, or is longer
//! than what is asked for.

use crate::{
    harness::{wire::Wire, *},
    scene::*,
};
use rsds::{
    plan::{Options, Plan},
    sandbox::{AwsError, Fault, How, World},
};
use std::{collections::BTreeMap, time::Duration};

/// An estate of so many readers of `SMALL`.
async fn of_readers(readers: usize) -> Estate {
    let mut estate = Estate::new(SMALL);
    estate.set(&[&format!("consumers.reporting.count={readers}")]);
    estate.apply().await;
    estate.settled().await;
    estate.sandbox.take_calls();
    estate
}

fn counted(estate: &Estate) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for call in estate.sandbox.take_calls() {
        *counts.entry(call.operation).or_default() += 1;
    }
    counts
}

fn always_denied(estate: &Estate, operation: &str) {
    let error = AwsError::new("AccessDenied", "not authorized").status(403);
    estate.sandbox.inject(Fault { operation: operation.to_owned(), nth: 1, times: usize::MAX, how: How::Error(error) });
}

fn warnings(plan: &Plan) -> Vec<String> {
    plan.warnings.iter().map(ToString::to_string).collect()
}

/// Puts so many copies of what there is into a map, under names of somebody else.
fn crowd<T: Clone>(map: &mut BTreeMap<String, T>, times: usize, name: impl Fn(&mut T, &str)) {
    let Some(one) = map.values().next().cloned() else { panic!("nothing to copy") };
    for n in 0..times {
        let mut copy = one.clone();
        // Before and after the names of the estate.
        let other = format!("{}-other-{n:04}", if n % 2 == 0 { "aa" } else { "zz" });
        name(&mut copy, &other);
        map.insert(other, copy);
    }
}

/// An account in which others have more of everything than a page holds.
fn crowded(world: &mut World) {
    let serverless = &mut world.serverless;
    crowd(&mut serverless.namespaces, 250, |namespace, name| {
        namespace.name = name.to_owned();
        namespace.arn = format!("arn:aws:redshift-serverless:us-west-2:123456789012:namespace/{name}");
    });
    crowd(&mut serverless.workgroups, 250, |workgroup, name| {
        workgroup.name = name.to_owned();
        workgroup.arn = format!("arn:aws:redshift-serverless:us-west-2:123456789012:workgroup/{name}");
    });
    crowd(&mut serverless.endpoints, 250, |endpoint, name| {
        endpoint.name = name.to_owned();
        endpoint.arn = format!("arn:aws:redshift-serverless:us-west-2:123456789012:managedvpcendpoint/{name}");
    });
    crowd(&mut serverless.limits, 250, |limit, name| limit.id = name.to_owned());
    crowd(&mut world.logs.groups, 30, |_, _| ());
    crowd(&mut world.elb.balancers, 450, |balancer, name| {
        balancer.name = name.to_owned();
        balancer.arn = format!("arn:aws:elasticloadbalancing:us-west-2:123456789012:loadbalancer/net/{name}/1");
    });
    crowd(&mut world.elb.groups, 450, |group, name| {
        group.name = name.to_owned();
        group.arn = format!("arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/{name}/1");
    });
    others_have_roles(world, 1500);
}

fn others_have_roles(world: &mut World, times: usize) {
    crowd(&mut world.iam.roles, times, |role, name| {
        role.name = name.to_owned();
        role.path = "/".to_owned();
        role.arn = format!("arn:aws:iam::123456789012:role/{name}");
    });
}

#[tokio::test(start_paused = true)]
async fn every_page_is_read() {
    let estate = of_readers(10).await;
    estate.sandbox.edit(crowded).unwrap();
    assert!(estate.plan(&Options::default()).await.unwrap().is_empty());
    let counts = counted(&estate);
    let pages = |operation: &str| counts.get(operation).copied().unwrap_or_default();
    assert_eq!((pages("ListNamespaces"), pages("ListWorkgroups")), (3, 3), "{counts:?}");
    assert_eq!((pages("ListEndpointAccess"), pages("ListUsageLimits")), (3, 3), "{counts:?}");
    assert_eq!((pages("DescribeLoadBalancers"), pages("DescribeTargetGroups")), (2, 2), "{counts:?}");
    // The estate's own roles are on the first page: the other one is not fetched.
    assert_eq!((pages("GetAccountAuthorizationDetails"), pages("GetRole")), (1, 0), "{counts:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refresh_asks_nothing_twice() {
    let estate = of_readers(10).await;
    assert!(estate.plan(&Options::default()).await.unwrap().is_empty());
    let counts = counted(&estate);
    let own = ["DescribeVpcAttribute"];
    let twice: Vec<_> = counts.iter().filter(|(call, times)| **times > 1 && !own.contains(&call.as_str())).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

#[tokio::test(start_paused = true)]
async fn a_denied_listing_of_roles_is_no_absence() {
    for operation in ["iam:GetAccountAuthorizationDetails", "iam:ListRoles"] {
        let estate = of_readers(10).await;
        always_denied(&estate, operation);
        let plan = estate.plan(&Options::default()).await.unwrap();
        assert!(plan.is_empty(), "{:?}", brief(&plan));
        let counts = counted(&estate);
        assert_eq!((counts["GetRole"], counts["ListAttachedRolePolicies"]), (12, 10), "{counts:?}");
        let warnings = warnings(&plan);
        assert!(matches!(&warnings[..], [one] if one.contains(operation) && one.contains("roles")), "{warnings:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn few_roles_are_read_by_themselves_and_nothing_is_said() {
    let estate = of_readers(1).await;
    always_denied(&estate, "iam:GetAccountAuthorizationDetails");
    let plan = estate.plan(&Options::default()).await.unwrap();
    assert!(plan.is_empty() && warnings(&plan).is_empty(), "{:?}", warnings(&plan));
    assert!(!counted(&estate).contains_key("GetAccountAuthorizationDetails"));
}

/// Twelve thousand roles of others come first: the listing is left when it costs what the roles themselves do.
#[tokio::test(start_paused = true)]
async fn a_large_account_is_not_listed_to_its_end() {
    let estate = of_readers(4).await;
    estate.sandbox.edit(|world| others_have_roles(world, 24_000)).unwrap();
    let plan = estate.plan(&Options::default()).await.unwrap();
    assert!(plan.is_empty() && warnings(&plan).is_empty(), "{:?} {:?}", brief(&plan), warnings(&plan));
    let counts = counted(&estate);
    // Six roles, two with a policy of their own, four with an attached one: twelve calls.
    assert_eq!((counts["GetAccountAuthorizationDetails"], counts["GetRole"]), (12, 6), "{counts:?}");
}

#[tokio::test(start_paused = true)]
async fn a_role_that_is_gone_is_missed_and_one_outside_the_path_is_found() {
    let estate = of_readers(10).await;
    estate.sandbox.edit(|world| drop(world.iam.roles.remove("airline-dev-reporting-3"))).unwrap();
    let planned = estate.brief(&Options::default()).await;
    let gone = ["create consumer-reporting-3/role", "create consumer-reporting-3/role-policy-attachment"];
    assert!(gone.iter().all(|line| planned.iter().any(|planned| planned == line)), "{planned:?}");
    let estate = of_readers(10).await;
    estate
        .sandbox
        .edit(|world| {
            let role = world.iam.roles.get_mut("airline-dev-reporting-3").unwrap();
            role.path = "/".to_owned();
        })
        .unwrap();
    // What was written moments ago is looked at again and again, for it may show late.
    estate.clock.sleep(Duration::from_secs(60)).await;
    estate.sandbox.take_calls();
    let mut session = estate.open().await.unwrap();
    // Preflight asks about roles by itself.
    session.preflight = false;
    let planned = brief(&session.plan(&Options::default(), true).await.unwrap());
    assert!(planned.iter().any(|line| line.ends_with("consumer-reporting-3/role")), "{planned:?}");
    assert_eq!(counted(&estate)["GetRole"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_denied_listing_of_tags_is_no_absence() {
    let estate = of_readers(10).await;
    always_denied(&estate, "tagging:GetResources");
    let plan = estate.plan(&Options::default()).await.unwrap();
    assert!(plan.is_empty(), "{:?}", brief(&plan));
    let counts = counted(&estate);
    // Eleven namespaces and workgroups, one log group.
    assert_eq!((counts["ListTagsForResource"], counts["DescribeTags"]), (23, 3), "{counts:?}");
    let warnings = warnings(&plan);
    assert!(matches!(&warnings[..], [one] if one.contains("tag:GetResources")), "{warnings:?}");
}

/// What the listing does not have yet, and what it has as it was, is asked for: it is neither untagged nor different.
#[tokio::test(start_paused = true)]
async fn a_listing_that_lags_is_not_believed() {
    let mut estate = of_readers(10).await;
    let before = estate.sandbox.world();
    estate.set(&["consumers.reporting.count=10", "tags.cost_center=data"]);
    estate.apply().await;
    estate.sandbox.take_calls();
    for world in [World::default(), before] {
        estate.wire = Some(Wire::lagging(&estate, world));
        assert!(estate.plan(&Options::default()).await.unwrap().is_empty());
        let counts = counted(&estate);
        assert_eq!((counts["ListTagsForResource"], counts["DescribeTags"]), (23, 3), "{counts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn tags_that_others_took_away_are_missed() {
    let estate = of_readers(10).await;
    estate
        .sandbox
        .edit(|world| world.serverless.tags.values_mut().for_each(|tags| drop(tags.remove("rsds:address"))))
        .unwrap();
    let planned = estate.brief(&Options::default()).await;
    assert_eq!(planned.iter().filter(|line| line.starts_with("update")).count(), 22, "{planned:?}");
}

/// Log groups of somebody else between the estate's own do not make it more than twice as dear.
#[tokio::test(start_paused = true)]
async fn log_groups_among_thousands_of_others_are_asked_for_by_name() {
    let mut estate = Estate::new(SMALL);
    estate.set(&["consumers.reporting.log_exports=[\"userlog\"]"]);
    estate.apply().await;
    estate
        .sandbox
        .edit(|world| {
            let Some(one) = world.logs.groups.values().next().cloned() else { panic!("no log group") };
            for n in 0..1000 {
                world.logs.groups.insert(format!("/aws/redshift/airline-dev-a{n:04}"), one.clone());
            }
        })
        .unwrap();
    estate.settled().await;
    estate.sandbox.take_calls();
    assert!(estate.plan(&Options::default()).await.unwrap().is_empty());
    let counts = counted(&estate);
    assert_eq!(counts["DescribeLogGroups"], 5, "{counts:?}");
}
