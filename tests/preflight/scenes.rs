//! The scenes: one for each check at least.

use super::{Scene, speaks_up};
use crate::{harness::*, scene::*};
use rsds::sandbox::{
    Weather,
    acm::Certificate,
    ec2::{self, AclEntry, PublicAccess},
    iam::Caller,
};
use serde_json::json;

/// Writes one test a scene, and the list of the checks that have one.
macro_rules! scenes {
    ($($check:literal: $name:ident),* $(,)?) => {
        pub(crate) const CHECKS: &[&str] = &[$($check),*];
        $(
            #[tokio::test(start_paused = true)]
            async fn $name() {
                speaks_up($check, stringify!($name), stage::$name().await).await;
            }
        )*
    };
}

scenes! {
    "permissions": denied_outright,
    "permissions": an_assumed_role,
    "permissions": roles_to_one_service_only,
    "permissions": no_secrets,
    "service-linked-roles": no_role_of_the_service,
    "zones": a_zone_that_is_down,
    "node-type": a_node_type_that_is_not_offered,
    "network-quotas": too_many_vpcs,
    "network-quotas": too_many_of_a_network,
    "endpoint-quotas": too_many_endpoints,
    "rule-quotas": too_many_rules,
    "cluster-quotas": too_many_nodes_and_groups,
    "serverless-quotas": too_many_warehouses,
    "serverless-quotas": too_many_rpus,
    "serverless-quotas": too_many_rpus_by_growing,
    "load-balancer-quotas": too_many_balancers,
    "role-quota": too_many_roles,
    "cluster-names": cluster_names_taken,
    "serverless-names": serverless_names_taken,
    "load-balancer-names": balancer_names_taken,
    "role-names": role_names_taken,
    "alias-names": alias_names_taken,
    "addresses": too_few_addresses,
    "keys": a_key_that_is_disabled,
    "keys": a_key_that_is_not_there,
    "topic": a_topic_that_is_not_there,
    "topic": a_topic_that_alarms_cannot_use,
    "certificates": a_certificate_that_is_not_there,
    "certificates": a_certificate_that_is_not_issued,
    "certificates": a_certificate_for_other_names,
    "certificates": a_certificate_without_the_shared_name,
    "certificates": a_certificate_that_expires,
    "public-access": blocked_from_outside,
    "load-balancer": not_in_every_zone,
    "security-group-path": no_way_through_the_groups,
    "network-acls": no_way_through_the_acl,
    "s3-route": no_way_to_s3,
    "restore": a_snapshot_that_is_not_there,
    "schemas": a_schema_and_a_table_that_are_not_there,
    "offers": a_share_that_nobody_offers,
    "offers": a_share_of_ones_own_account,
    "offers": shares_that_are_not_authorized,
    "offers": a_share_that_public_consumers_may_not_read,
    "final-snapshots": no_room_for_the_final_snapshot,
    "clock": a_clock_that_is_wrong,
    "state-bucket": a_bucket_that_keeps_badly,
    "cost": nothing_limits_the_cost,
}

fn policy(statements: serde_json::Value) -> Vec<String> {
    vec![json!({ "Version": "2012-10-17", "Statement": statements }).to_string()]
}

/// All but this.
fn but(denied: &[&str]) -> Vec<String> {
    policy(json!([
        { "Effect": "Allow", "Action": "*", "Resource": "*" },
        { "Effect": "Deny", "Action": denied, "Resource": "*" },
    ]))
}

mod stage {
    use super::*;

    fn telling_a_topic() -> String {
        format!("{TINY}[monitoring]\ntopic_arn = \"arn:aws:sns:us-west-2:123456789012:oncall\"\n")
    }

    pub(super) async fn a_topic_that_is_not_there() -> Scene {
        Scene::of(&telling_a_topic()).await.works_badly()
    }

    pub(super) async fn a_topic_that_alarms_cannot_use() -> Scene {
        let key = Some("alias/aws/sns".to_owned());
        let topic = rsds::sandbox::sns::Topic { key, ..Default::default() };
        let scene = Scene::of(&telling_a_topic()).await.works_badly();
        scene.edit(|world| drop(world.sns.topics.insert("oncall".to_owned(), topic)))
    }

    /// An estate that takes up what another account shares; and what that says this one is to it.
    async fn offered(names: [&str; 2], sets: &[&str], status: &str) -> Scene {
        let namespace = "2f6c1b9e-5d3a-4c70-9b1e-210987654321";
        let share =
            |name: &str| format!("[datashares.{name}]\naccount = \"210987654321\"\nnamespace = \"{namespace}\"\n");
        let scene = Scene::of(&format!("{TINY}{}", names.map(share).concat())).await.with(sets);
        scene.edit(|world| {
            let shares = world.sql.abroad.0.get_mut(namespace).unwrap().catalogue.shares.values_mut();
            shares.for_each(|share| status.clone_into(&mut share.grants[0].status));
        })
    }

    const BOTH: [&str; 2] = ["partner_sales", "partner_stock"];

    pub(super) async fn a_share_that_nobody_offers() -> Scene {
        let nobody = "datashares.partner_stock.account=\"999999999999\"";
        offered(["partner_sale", "partner_stock"], &[nobody], "AUTHORIZED").await
    }

    pub(super) async fn a_share_of_ones_own_account() -> Scene {
        offered(BOTH, &["datashares.partner_sales.account=\"123456789012\""], "AUTHORIZED").await
    }

    pub(super) async fn shares_that_are_not_authorized() -> Scene {
        let scene = offered(BOTH, &["consumers.reporting.count=2"], "DEAUTHORIZED").await;
        scene.edit(|world| {
            let partner = world.sql.abroad.0.values_mut().find(|partner| partner.account == "210987654321").unwrap();
            let share = partner.catalogue.shares.get_mut("partner_stock").unwrap();
            "PENDING_AUTHORIZATION".clone_into(&mut share.grants[0].status);
        })
    }

    pub(super) async fn a_share_that_public_consumers_may_not_read() -> Scene {
        let sets = ["consumers.reporting.publicly_accessible=true", "networking.internet_gateway=true"];
        offered(BOTH, &sets, "AUTHORIZED").await.works_badly()
    }

    pub(super) async fn denied_outright() -> Scene {
        let denied = but(&["ec2:CreateSubnet", "ec2:CreateRouteTable", "redshift-serverless:CreateWorkgroup"]);
        Scene::of(TINY).await.edit(|world| world.iam.policies = denied)
    }

    pub(super) async fn an_assumed_role() -> Scene {
        let (path, name, session) = ("/sso/".to_owned(), "admin".to_owned(), "me@example.com".to_owned());
        let caller = Caller::Role { path, name, session };
        let allowed = policy(json!([{ "Effect": "Allow", "NotAction": ["kms:CreateAlias"], "Resource": "*" }]));
        Scene::of(TINY).await.edit(|world| (world.iam.caller, world.iam.policies) = (caller, allowed))
    }

    pub(super) async fn roles_to_one_service_only() -> Scene {
        let allowed = policy(json!([
            { "Effect": "Allow", "NotAction": ["iam:PassRole"], "Resource": "*" },
            { "Effect": "Allow", "Action": "iam:PassRole", "Resource": "*",
              "Condition": { "StringEquals": { "iam:PassedToService": "redshift-serverless.amazonaws.com" } } },
        ]));
        Scene::of(FULL).await.edit(|world| world.iam.policies = allowed)
    }

    pub(super) async fn no_secrets() -> Scene {
        let allowed = policy(json!([{ "Effect": "Allow", "NotAction": "secretsmanager:*", "Resource": "*" }]));
        Scene::of(TINY).await.edit(|world| world.iam.policies = allowed)
    }

    pub(super) async fn no_role_of_the_service() -> Scene {
        Scene::of(TINY).await.edit(|world| world.iam.policies = but(&["iam:CreateServiceLinkedRole"]))
    }

    pub(super) async fn a_zone_that_is_down() -> Scene {
        let zones = "networking.availability_zones=[\"us-west-2a\", \"us-west-2b\", \"us-west-2c\"]";
        let scene = Scene::of(TINY).await.with(&[zones]);
        scene.edit(|world| world.ec2.impaired_zones.extend(["us-west-2b".to_owned()]))
    }

    pub(super) async fn a_node_type_that_is_not_offered() -> Scene {
        let scene = Scene::of(SMALL_CLUSTER).await.with(&["producer.node_type=ra3.4xlarge", "producer.node_count=2"]);
        scene.edit(|world| world.redshift.not_offered.extend(["ra3.4xlarge".to_owned()]))
    }

    pub(super) async fn too_many_vpcs() -> Scene {
        let scene = Scene::of(SMALL).await.quota("vpc/L-F678F1CE", 1);
        scene.estate.land("other", &["a"]).await;
        scene
    }

    pub(super) async fn too_many_of_a_network() -> Scene {
        let scene = Scene::of(SMALL).await.quota("vpc/L-A4707A72", 0).quota("vpc/L-1B52E74A", 0);
        scene.quota("vpc/L-407747CB", 2)
    }

    pub(super) async fn too_many_endpoints() -> Scene {
        Scene::of(TWO).await.quota("vpc/L-29B6F2EB", 2)
    }

    pub(super) async fn too_many_rules() -> Scene {
        let scene = Scene::of(TINY).await.quota("vpc/L-0EA8095F", 2);
        scene.with(&["networking.allowed_cidrs=[\"10.0.0.0/8\", \"192.0.2.0/24\", \"198.51.100.0/24\"]"])
    }

    pub(super) async fn too_many_nodes_and_groups() -> Scene {
        let scene = Scene::of(SMALL_CLUSTER).await.quota("redshift/nodes", 1).quota("redshift/parameter-groups", 0);
        scene.quota("redshift/subnet-groups", 0).with(&["producer.node_count=2"])
    }

    pub(super) async fn too_many_warehouses() -> Scene {
        Scene::of(TWO).await.quota("redshift-serverless/workgroups", 2).quota("redshift-serverless/namespaces", 3)
    }

    pub(super) async fn too_many_rpus() -> Scene {
        Scene::of(TWO).await.quota("redshift-serverless/base-rpus", 24)
    }

    pub(super) async fn too_many_rpus_by_growing() -> Scene {
        let scene = Scene::built(TINY).await.quota("redshift-serverless/base-rpus", 24);
        scene.with(&["consumers.reporting.base_capacity=24", "consumers.reporting.max_capacity=64"])
    }

    pub(super) async fn too_many_balancers() -> Scene {
        let scene = Scene::of(TINY).await.quota("elasticloadbalancing/L-69A177A2", 0);
        scene.quota("elasticloadbalancing/L-B22855CB", 0).quota("elasticloadbalancing/L-57A373D6", 0)
    }

    pub(super) async fn too_many_roles() -> Scene {
        // The estate's own are made last: 999 of others leave room for one.
        let scene = Scene::built(TINY).await;
        scene.forget().await;
        scene.edit(|world| {
            let (_, role) = world.iam.roles.pop_first().unwrap();
            world.iam.roles.clear();
            for number in 0..999 {
                let name = format!("other-{number}");
                world.iam.roles.insert(name.clone(), rsds::sandbox::iam::Role { name, ..role.clone() });
            }
        })
    }

    /// The estate as it stands, and a state that knows nothing of it: as if somebody else had used its names.
    async fn unknown(toml: &str) -> Scene {
        let scene = Scene::built(toml).await;
        scene.forget().await;
        scene
    }

    pub(super) async fn cluster_names_taken() -> Scene {
        unknown(SMALL_CLUSTER).await
    }

    pub(super) async fn serverless_names_taken() -> Scene {
        unknown(SMALL).await.edit(|world| world.iam.roles.clear())
    }

    pub(super) async fn balancer_names_taken() -> Scene {
        unknown(TINY).await
    }

    pub(super) async fn role_names_taken() -> Scene {
        unknown(TINY).await
    }

    pub(super) async fn alias_names_taken() -> Scene {
        unknown(TINY).await
    }

    pub(super) async fn too_few_addresses() -> Scene {
        let networks = "networking.subnet_cidrs=[\"10.50.0.0/24\", \"10.50.1.0/24\", \"10.50.2.0/24\"]";
        let mut scene = Scene::of(TINY).await.with(&[networks]);
        scene.estate.apply().await;
        let subnet = scene.estate.state().entries[&"networking/subnet-2".parse().unwrap()].id.clone().unwrap();
        let now = scene.estate.sandbox.now();
        let scene = scene.edit(|world| {
            for n in 1..ec2::free_addresses(world, subnet.as_str(), now) {
                ec2::place_interface(world, now, subnet.as_str(), &[], &format!("host-{n}"), "a host").unwrap();
            }
        });
        scene.with(&["consumers.reporting.count=2"])
    }

    pub(super) async fn a_key_that_is_disabled() -> Scene {
        let scene = Scene::of(TINY).await;
        let aws = scene.estate.open().await.unwrap().aws;
        let made = aws.kms.create_key().send().await.unwrap().key_metadata.unwrap();
        aws.kms.disable_key().key_id(&made.key_id).send().await.unwrap();
        scene.with(&[&format!("producer.kms_key_arn={:?}", made.arn.unwrap())])
    }

    pub(super) async fn a_key_that_is_not_there() -> Scene {
        let key = "arn:aws:kms:us-west-2:123456789012:key/01234567-89ab-4def-8123-456789abcdef";
        Scene::of(TINY).await.with(&[&format!("producer.kms_key_arn={key:?}")])
    }

    /// An estate with a domain of its own, whose certificate is as somebody has made it.
    async fn certified(edit: impl FnOnce(&mut Certificate)) -> Scene {
        let scene = Scene::of(&format!("{TINY}{OWN_DOMAIN}")).await;
        scene.edit(|world| edit(world.acm.certificates.get_mut("sandbox-1").unwrap()))
    }

    pub(super) async fn a_certificate_that_is_not_there() -> Scene {
        let scene = certified(|_| ()).await;
        scene.edit(|world| world.acm.certificates.clear())
    }

    pub(super) async fn a_certificate_that_is_not_issued() -> Scene {
        certified(|certificate| "PENDING_VALIDATION".clone_into(&mut certificate.status)).await
    }

    pub(super) async fn a_certificate_for_other_names() -> Scene {
        certified(|certificate| certificate.names = vec!["dwh.example.com".to_owned()]).await
    }

    pub(super) async fn a_certificate_without_the_shared_name() -> Scene {
        certified(|certificate| certificate.names = vec!["*.dwh.example.com".to_owned()]).await.works_badly()
    }

    pub(super) async fn a_certificate_that_expires() -> Scene {
        let end = "2026-12-02T12:00:00Z".parse().unwrap();
        certified(|certificate| certificate.expires = Some(end)).await.works_badly()
    }

    pub(super) async fn blocked_from_outside() -> Scene {
        let scene = Scene::of(SMALL).await.with(&["consumers.reporting.publicly_accessible=true"]);
        scene.edit(|world| world.ec2.public_access = PublicAccess::BlockBidirectional)
    }

    pub(super) async fn not_in_every_zone() -> Scene {
        let scene = Scene::of(TINY).await;
        let toml = format!("{TINY}[resources.\"nlb/load-balancer\"]\nsubnets = [\"subnet-0123456789abcdef0\"]\n");
        scene.estate.write(&toml);
        scene.works_badly()
    }

    pub(super) async fn no_way_through_the_groups() -> Scene {
        let scene = Scene::of(TINY).await;
        let toml = format!("{TINY}[resources.\"networking/consumer-ingress-5439-nlb\"]\nexists = false\n");
        scene.estate.write(&toml);
        scene.works_badly()
    }

    pub(super) async fn no_way_through_the_acl() -> Scene {
        let scene = Scene::of(TINY).await;
        let land = scene.estate.land("analytics", &["a", "b", "c"]).await;
        let network = format!("vpc_id = \"{}\"\n", land.vpc);
        scene.estate.write(&TINY.replace("vpc_cidr = \"10.50.0.0/16\"\n", &network));
        let (cidr, ports) = ("0.0.0.0/0".parse().unwrap(), (5439, 5439));
        let entry = AclEntry { number: 50, egress: false, allow: false, cidr, ports };
        scene.edit(|world| world.ec2.acl_entries.extend([(land.vpc.clone(), vec![entry])])).works_badly()
    }

    pub(super) async fn no_way_to_s3() -> Scene {
        Scene::of(TINY).await.with(&["networking.s3_endpoint=false"]).works_badly()
    }

    pub(super) async fn a_clock_that_is_wrong() -> Scene {
        let scene = Scene::of(TINY).await;
        let skew = std::time::Duration::from_secs(420);
        scene.estate.sandbox.weather(Weather { skew, ..Weather::default() }).unwrap();
        scene.works_badly()
    }

    pub(super) async fn a_bucket_that_keeps_badly() -> Scene {
        let scene = Scene::of(TINY).await;
        scene.estate.store.lacking(&["it keeps no old versions", "what is in it can become public"]);
        scene.works_badly()
    }

    pub(super) async fn nothing_limits_the_cost() -> Scene {
        let scene = Scene::of(TINY).await;
        let toml = TINY.replace("base_capacity = 8\nmax_capacity = 16\n[nlb]", "base_capacity = 32\n[nlb]");
        scene.estate.write(&toml);
        scene.works_badly()
    }

    pub(super) async fn a_snapshot_that_is_not_there() -> Scene {
        let mut scene = Scene::built(SMALL_CLUSTER).await;
        scene.estate.leave_behind("backup").await;
        scene.with(&["producer.restore.snapshot=back-up"])
    }

    pub(super) async fn a_schema_and_a_table_that_are_not_there() -> Scene {
        let sharing = |schemas: &str, tables: &str| {
            format!("{TINY}[datashares.airline_share]\nschemas = [{schemas}]\ntables = [{tables}]\n")
        };
        let scene = Scene::built(&sharing("\"flights\"", "\"public.dim_date\"")).await;
        scene.estate.write(&sharing("\"flights\", \"fligths\"", "\"public.dim_dates\""));
        scene
    }

    pub(super) async fn no_room_for_the_final_snapshot() -> Scene {
        let scene = Scene::built(SMALL_CLUSTER).await.with(&["producer.final_snapshot=true"]);
        let mut scene = scene.quota("redshift/snapshots", 0);
        scene.estate.apply().await;
        scene.options = destroying(&[]);
        scene
    }
}
