//! Old estates: what somebody else made with another tool, and the state that tool has of it.

use crate::{harness::*, land::Land};
use aws_sdk_ec2::types::{
    AttributeBooleanValue, IpPermission, IpRange, ResourceType, Tag, TagSpecification, UserIdGroupPair, VpcEndpointType,
};
use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, LoadBalancerSchemeEnum, LoadBalancerTypeEnum, ProtocolEnum, TargetDescription,
    TargetTypeEnum,
};
use rsds::aws::Aws;
use serde_json::{Value as Json, json};
use std::{collections::BTreeMap, time::Duration};

/// The password that must never be seen again.
pub(crate) const PASSWORD: &str = "Hunter2-Hunter2";

/// How an old estate was built.
#[derive(Clone, Copy)]
pub(crate) struct Style {
    /// Its producer is a cluster.
    pub cluster: bool,
    /// It lies in a VPC that a data source found.
    pub in_land: bool,
    /// Its load balancer has a security group.
    pub guarded: bool,
    /// Its targets are managed endpoints.
    pub endpoints: bool,
    /// One security group serves all, with rules as blocks inside it.
    pub one_group: bool,
    /// Producer and consumers share one role.
    pub one_role: bool,
    /// Its subnets were found by a data source, too.
    pub borrowed: bool,
    /// A second listener sends to the first consumer alone.
    pub second: bool,
    /// Nobody made a key.
    pub keyless: bool,
    /// Its code is of the time when policies were blocks of a role, and a balancer an `aws_alb`.
    pub dated: bool,
    /// Secrets Manager keeps the passwords.
    pub managed: bool,
    /// Where the code has its consumers: modules by count, modules by name, or the root.
    pub consumers: Where,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Where {
    Counted,
    Named,
    Flat,
}

/// The commonest of them.
pub(crate) const COMMON: Style = Style {
    cluster: true,
    in_land: false,
    guarded: false,
    endpoints: false,
    one_group: true,
    one_role: false,
    borrowed: false,
    second: false,
    keyless: false,
    dated: false,
    managed: false,
    consumers: Where::Counted,
};

/// An old estate.
pub(crate) struct Old {
    blocks: BTreeMap<(String, String, String), Vec<Json>>,
    data: Vec<(String, String, String)>,
    dated: bool,
}

impl Old {
    /// Adds a resource to the old state, among attributes that are none of rsds's business.
    fn add(&mut self, module: &str, ty: &str, name: &str, index: Json, mut attributes: Json) {
        attributes["tags_all"] = json!({ "team": "data" });
        attributes["timeouts"] = Json::Null;
        let mut instance = json!({ "schema_version": 0, "attributes": attributes, "private": PASSWORD });
        let secret =
            ["admin_user_password", "master_password"].into_iter().find(|key| !instance["attributes"][key].is_null());
        let marks: Vec<Json> = secret.into_iter().map(|key| json!([{ "type": "get_attr", "value": key }])).collect();
        instance["sensitive_attributes"] = json!(marks);
        if !index.is_null() {
            instance["index_key"] = index;
        }
        let ty = if self.dated { ty.replace("aws_lb", "aws_alb") } else { ty.to_owned() };
        let at = (module.to_owned(), ty, name.to_owned());
        self.blocks.entry(at).or_default().push(instance);
    }

    /// The state as `terraform state pull` prints it.
    pub(crate) fn tfstate(&self) -> String {
        let provider = "provider[\"registry.terraform.io/hashicorp/aws\"]";
        let block = |mode: &str, (module, ty, name): &(String, String, String), instances: &Json| {
            let mut block =
                json!({ "mode": mode, "type": ty, "name": name, "provider": provider, "instances": instances });
            if !module.is_empty() {
                block["module"] = json!(module);
            }
            block
        };
        let managed = self.blocks.iter().map(|(at, instances)| block("managed", at, &json!(instances)));
        let data = self.data.iter().map(|at| block("data", at, &json!([{ "attributes": { "id": "x" } }])));
        let resources: Vec<Json> = managed.chain(data).collect();
        let lineage = "3f2a9f9c-1111-2222-3333-444455556666";
        let outputs = json!({ "password": { "value": PASSWORD, "type": "string", "sensitive": true } });
        let state = json!({ "version": 4, "terraform_version": "1.11.4", "serial": 41, "lineage": lineage,
            "outputs": outputs, "resources": resources, "check_results": null });
        serde_json::to_string_pretty(&state).unwrap()
    }
}

fn tags(of: ResourceType, name: &str) -> TagSpecification {
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
    TagSpecification::builder().resource_type(of).tags(tag("Name", name)).tags(tag("team", "data")).build()
}

fn anywhere() -> IpRange {
    IpRange::builder().cidr_ip("0.0.0.0/0").build()
}

fn tcp(port: i32) -> aws_sdk_ec2::types::builders::IpPermissionBuilder {
    IpPermission::builder().ip_protocol("tcp").from_port(port).to_port(port)
}

struct Builder<'e> {
    estate: &'e Estate,
    aws: Aws,
    style: Style,
    old: Old,
    vpc: String,
    subnets: Vec<String>,
    groups: BTreeMap<&'static str, String>,
    role: Option<String>,
}

impl Estate {
    /// Makes an old estate and the state that goes with it.
    pub(crate) async fn old(&self, style: Style) -> Old {
        let (aws, old) = (self.somebody().await, Old { blocks: BTreeMap::new(), data: Vec::new(), dated: style.dated });
        let (vpc, subnets, groups) = (String::new(), Vec::new(), BTreeMap::new());
        let mut builder = Builder { estate: self, aws, style, old, vpc, subnets, groups, role: None };
        builder.network().await;
        builder.groups().await;
        builder.producer().await;
        let mut addresses = Vec::new();
        for n in 0..2 {
            addresses.push(builder.consumer(n).await);
        }
        builder.balancer(&addresses).await;
        self.clock.sleep(Duration::from_secs(1800)).await;
        builder.old
    }
}

impl Builder<'_> {
    async fn wait(&self, minutes: u64) {
        self.estate.clock.sleep(Duration::from_secs(60 * minutes)).await;
    }

    async fn network(&mut self) {
        let module = if self.style.consumers == Where::Flat { "" } else { "module.networking" };
        if self.style.in_land {
            let land: Land = self.estate.land("shared", &[]).await;
            self.vpc = land.vpc;
            self.old.data.push((module.to_owned(), "aws_vpc".to_owned(), "existing".to_owned()));
        } else {
            let call = self.aws.ec2.create_vpc().cidr_block("10.80.0.0/16");
            let call = call.tag_specifications(tags(ResourceType::Vpc, "redshift-vpc"));
            self.vpc = call.send().await.unwrap().vpc.unwrap().vpc_id.unwrap();
            let on = || AttributeBooleanValue::builder().value(true).build();
            self.aws.ec2.modify_vpc_attribute().vpc_id(&self.vpc).enable_dns_hostnames(on()).send().await.unwrap();
            let vpc = json!({ "id": self.vpc, "cidr_block": "10.80.0.0/16", "enable_dns_hostnames": true });
            self.old.add(module, "aws_vpc", "this", Json::Null, vpc);
        }
        for (n, zone) in ["a", "b", "c"].iter().enumerate() {
            let (cidr, zone) = (format!("10.80.{}.0/24", 100 + n), format!("us-west-2{zone}"));
            let call = self.aws.ec2.create_subnet().vpc_id(&self.vpc).cidr_block(&cidr).availability_zone(&zone);
            let call = call.tag_specifications(tags(ResourceType::Subnet, &format!("redshift-subnet-{n}")));
            let id = call.send().await.unwrap().subnet.unwrap().subnet_id.unwrap();
            let public = AttributeBooleanValue::builder().value(true).build();
            let call = self.aws.ec2.modify_subnet_attribute().subnet_id(&id).map_public_ip_on_launch(public);
            // Not every AWS inside a process knows it.
            let known = call.send().await.is_ok();
            let subnet = json!({ "id": id, "vpc_id": self.vpc, "cidr_block": cidr, "availability_zone": zone,
                "map_public_ip_on_launch": known });
            if !self.style.borrowed {
                self.old.add(module, "aws_subnet", "this", json!(n), subnet);
            }
            self.subnets.push(id);
        }
        if self.style.in_land {
            return;
        }
        let gateway = self.aws.ec2.create_internet_gateway().send().await.unwrap().internet_gateway.unwrap();
        let gateway = gateway.internet_gateway_id.unwrap();
        self.aws.ec2.attach_internet_gateway().internet_gateway_id(&gateway).vpc_id(&self.vpc).send().await.unwrap();
        let igw = json!({ "id": gateway, "vpc_id": self.vpc });
        self.old.add(module, "aws_internet_gateway", "this", Json::Null, igw);
        let table = self.aws.ec2.create_route_table().vpc_id(&self.vpc).send().await.unwrap().route_table.unwrap();
        let table = table.route_table_id.unwrap();
        let route = self.aws.ec2.create_route().route_table_id(&table).gateway_id(&gateway);
        route.destination_cidr_block("0.0.0.0/0").send().await.unwrap();
        let route = json!({ "cidr_block": "0.0.0.0/0", "gateway_id": gateway, "nat_gateway_id": "" });
        let inline = if self.style.consumers == Where::Named { json!([]) } else { json!([route]) };
        if self.style.consumers == Where::Named {
            let own = json!({ "id": "r-rtb-1080289494", "route_table_id": table, "destination_cidr_block": "0.0.0.0/0",
                "gateway_id": gateway });
            self.old.add(module, "aws_route", "out", Json::Null, own);
        }
        let rtb = json!({ "id": table, "vpc_id": self.vpc, "route": inline });
        self.old.add(module, "aws_route_table", "public", Json::Null, rtb);
        for (n, subnet) in self.subnets.clone().iter().enumerate() {
            let call = self.aws.ec2.associate_route_table().route_table_id(&table).subnet_id(subnet);
            let id = call.send().await.unwrap().association_id.unwrap();
            let association = json!({ "id": id, "subnet_id": subnet, "route_table_id": table });
            self.old.add(module, "aws_route_table_association", "public", json!(n), association);
        }
        if self.style.consumers == Where::Named {
            let call = self.aws.ec2.create_vpc_endpoint().vpc_id(&self.vpc).service_name("com.amazonaws.us-west-2.s3");
            let call = call.vpc_endpoint_type(VpcEndpointType::Gateway).route_table_ids(&table);
            let id = call.send().await.unwrap().vpc_endpoint.unwrap().vpc_endpoint_id.unwrap();
            let endpoint = json!({ "id": id, "vpc_id": self.vpc, "service_name": "com.amazonaws.us-west-2.s3",
                "vpc_endpoint_type": "Gateway", "route_table_ids": [table] });
            self.old.add(module, "aws_vpc_endpoint", "s3", Json::Null, endpoint);
        }
    }

    async fn group(&mut self, whose: &'static str, module: &str) -> String {
        let (name, description) = (format!("acme-{whose}-sg"), "Managed by Terraform");
        let call = self.aws.ec2.create_security_group().vpc_id(&self.vpc).group_name(&name).description(description);
        let id = call.send().await.unwrap().group_id.unwrap();
        let block = |ports: (i32, i32, &str), cidr: &str| {
            json!({ "from_port": ports.0, "to_port": ports.1, "protocol": ports.2, "cidr_blocks": [cidr],
                "security_groups": [], "self": false, "description": "" })
        };
        let mut attributes = json!({ "id": id, "vpc_id": self.vpc, "name": name, "description": description });
        if self.style.one_group {
            attributes["ingress"] =
                json!([block((5439, 5439, "tcp"), "10.80.0.0/16"), block((443, 443, "tcp"), "10.9.0.0/16")]);
            attributes["egress"] = json!([block((0, 0, "-1"), "0.0.0.0/0")]);
        }
        self.old.add(module, "aws_security_group", whose, Json::Null, attributes);
        self.groups.insert(whose, id.clone());
        id
    }

    async fn allow(&self, group: &str, permission: IpPermission) -> String {
        let call = self.aws.ec2.authorize_security_group_ingress().group_id(group).ip_permissions(permission);
        let rules = call.send().await.unwrap().security_group_rules.unwrap();
        rules.into_iter().next().unwrap().security_group_rule_id.unwrap()
    }

    async fn groups(&mut self) {
        let module = if self.style.consumers == Where::Flat { "" } else { "module.networking" };
        let vpc = || IpRange::builder().cidr_ip("10.80.0.0/16").build();
        if self.style.one_group {
            let id = self.group("redshift", module).await;
            self.allow(&id, tcp(5439).ip_ranges(vpc()).build()).await;
            self.allow(&id, tcp(443).ip_ranges(IpRange::builder().cidr_ip("10.9.0.0/16").build()).build()).await;
            for whose in ["producer", "consumer"] {
                self.groups.insert(whose, id.clone());
            }
        } else {
            let (producer, consumer) = (self.group("producer", module).await, self.group("consumer", module).await);
            // One resource of the old tool, two rules of AWS.
            let office = || IpRange::builder().cidr_ip("203.0.113.0/24").description("office").build();
            self.allow(&producer, tcp(5439).ip_ranges(vpc()).build()).await;
            self.allow(&producer, tcp(5439).ip_ranges(office()).build()).await;
            let rule = json!({ "id": "sgrule-1", "security_group_id": producer, "type": "ingress", "from_port": 5439,
                "to_port": 5439, "protocol": "tcp", "cidr_blocks": ["10.80.0.0/16", "203.0.113.0/24"], "self": false });
            self.old.add(module, "aws_security_group_rule", "producer_in", Json::Null, rule);
            let pair = UserIdGroupPair::builder().group_id(&consumer).build();
            let id = self.allow(&producer, tcp(5439).user_id_group_pairs(pair).build()).await;
            let rule =
                json!({ "id": id, "security_group_rule_id": id, "security_group_id": producer, "from_port": 5439 });
            self.old.add(module, "aws_vpc_security_group_ingress_rule", "consumers", Json::Null, rule);
            let id = self.allow(&consumer, tcp(5439).ip_ranges(vpc()).build()).await;
            let rule =
                json!({ "id": id, "security_group_rule_id": id, "security_group_id": consumer, "from_port": 5439 });
            self.old.add(module, "aws_vpc_security_group_ingress_rule", "vpc", Json::Null, rule);
        }
        if self.style.guarded {
            let nlb = self.group("nlb", "module.nlb").await;
            let id = self.allow(&nlb, tcp(5439).ip_ranges(anywhere()).build()).await;
            let rule = json!({ "id": "sgrule-2", "security_group_rule_id": id, "security_group_id": nlb, "type": "ingress",
                "from_port": 5439, "to_port": 5439, "protocol": "tcp", "cidr_blocks": ["0.0.0.0/0"] });
            self.old.add("module.nlb", "aws_security_group_rule", "in", Json::Null, rule);
        }
    }

    /// The role of a warehouse; one for all where they share it.
    async fn role(&mut self, module: &str, whose: &str) -> String {
        if let Some(arn) = self.role.clone().filter(|_| self.style.one_role) {
            return arn;
        }
        let name = format!("Acme{whose}Role");
        let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"redshift.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
        let call = self.aws.iam.create_role().role_name(&name).assume_role_policy_document(trust);
        let role = call.send().await.unwrap().role.unwrap();
        let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:ListBucket"],"Resource":["arn:aws:s3:::acme-lake","arn:aws:s3:::acme-lake/*"]}]}"#;
        let call = self.aws.iam.put_role_policy().role_name(&name).policy_name("lake").policy_document(policy);
        call.send().await.unwrap();
        let arn = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
        self.aws.iam.attach_role_policy().role_name(&name).policy_arn(arn).send().await.unwrap();
        let mut attributes = json!({ "id": name, "name": name, "arn": role.arn, "assume_role_policy": trust,
            "inline_policy": [{ "name": "lake", "policy": policy }], "managed_policy_arns": [arn] });
        if !self.style.dated {
            attributes["path"] = json!("/");
            let own = json!({ "id": format!("{name}:lake"), "role": name, "name": "lake", "policy": policy });
            self.old.add(module, "aws_iam_role_policy", "lake", Json::Null, own);
            let own = json!({ "id": format!("{name}-2026"), "role": name, "policy_arn": arn });
            self.old.add(module, "aws_iam_role_policy_attachment", "s3", Json::Null, own);
        }
        self.old.add(module, "aws_iam_role", "redshift", Json::Null, attributes);
        self.role = Some(role.arn.clone());
        role.arn
    }

    async fn producer(&mut self) {
        let module = if self.style.consumers == Where::Flat { "" } else { "module.producer" };
        let role = self.role(module, "Producer").await;
        let mut key = None;
        if !self.style.keyless {
            let made = self.aws.kms.create_key().description("Redshift").send().await.unwrap().key_metadata.unwrap();
            let (id, arn) = (made.key_id, made.arn.unwrap());
            let attributes = json!({ "id": id, "key_id": id, "arn": arn, "enable_key_rotation": false });
            self.old.add(module, "aws_kms_key", "redshift", Json::Null, attributes);
            key = Some((id, arn));
        }
        let group = self.groups["producer"].clone();
        let arn = key.as_ref().map(|(_, arn)| arn.clone());
        if self.style.cluster {
            self.cluster(module, &role, arn, &group).await;
            return;
        }
        if let Some((id, _)) = &key {
            self.alias(module, id).await;
        }
        let names = ("acme-producer-ns", "acme-producer-wg");
        self.serverless(module, "producer", Json::Null, names, &role, &group, arn.as_deref()).await;
    }

    async fn alias(&mut self, module: &str, id: &str) {
        self.aws.kms.create_alias().alias_name("alias/acme-redshift").target_key_id(id).send().await.unwrap();
        let alias = json!({ "id": "alias/acme-redshift", "name": "alias/acme-redshift", "target_key_id": id });
        self.old.add(module, "aws_kms_alias", "redshift", Json::Null, alias);
    }

    async fn cluster(&mut self, module: &str, role: &str, key: Option<String>, group: &str) {
        let redshift = &self.aws.redshift;
        let call = redshift.create_cluster_subnet_group().cluster_subnet_group_name("acme-subnets").description("old");
        call.set_subnet_ids(Some(self.subnets.clone())).send().await.unwrap();
        let call =
            redshift.create_cluster().cluster_identifier("acme-producer").node_type("ra3.large").number_of_nodes(2);
        let call = call.cluster_type("multi-node").db_name("acme").master_username("boss");
        let call = call.cluster_subnet_group_name("acme-subnets").vpc_security_group_ids(group).iam_roles(role);
        let call = call
            .encrypted(true)
            .set_kms_key_id(key.clone())
            .publicly_accessible(false)
            .automated_snapshot_retention_period(3);
        let managed = self.style.managed;
        let call = if managed { call.manage_master_password(true) } else { call.master_user_password(PASSWORD) };
        call.preferred_maintenance_window("sun:05:00-sun:05:30").send().await.unwrap();
        self.wait(20).await;
        let arn = "arn:aws:redshift:us-west-2:123456789012:cluster:acme-producer";
        let logging = json!([{ "enable": true, "log_destination_type": "cloudwatch", "log_exports": ["userlog"] }]);
        let logging = if self.style.dated { logging } else { json!([]) };
        let cluster = json!({ "id": "acme-producer", "logging": logging, "cluster_identifier": "acme-producer", "arn": arn,
            "database_name": "acme", "master_username": "boss", "master_password": if managed { Json::Null } else { json!(PASSWORD) }, "manage_master_password": managed, "node_type": "ra3.large",
            "number_of_nodes": 2, "port": 5439, "kms_key_id": key.unwrap_or_default(), "cluster_subnet_group_name": "acme-subnets",
            "cluster_parameter_group_name": "default.redshift-1.0", "vpc_security_group_ids": [group],
            "iam_roles": [role], "enhanced_vpc_routing": false, "publicly_accessible": false, "multi_az": false,
            "preferred_maintenance_window": "sun:05:00-sun:05:30", "automated_snapshot_retention_period": 3,
            "skip_final_snapshot": true });
        self.old.add(module, "aws_redshift_cluster", "producer", Json::Null, cluster);
        if self.style.dated {
            let logs = self.aws.redshift.enable_logging().cluster_identifier("acme-producer").log_exports("userlog");
            logs.log_destination_type("cloudwatch".into()).send().await.unwrap();
            let limit = self.aws.redshift.create_usage_limit().cluster_identifier("acme-producer").amount(60);
            let limit =
                limit.feature_type("concurrency-scaling".into()).limit_type("time".into()).period("daily".into());
            let limit = limit.breach_action("disable".into()).send().await.unwrap().usage_limit_id.unwrap();
            let limit = json!({ "id": limit, "cluster_identifier": "acme-producer", "feature_type": "concurrency-scaling",
                "limit_type": "time", "period": "daily", "amount": 60, "breach_action": "disable" });
            self.old.add(module, "aws_redshift_usage_limit", "day", Json::Null, limit);
            let group = "/aws/redshift/cluster/acme-producer/userlog";
            self.aws.logs.create_log_group().log_group_name(group).send().await.ok();
            self.aws.logs.put_retention_policy().log_group_name(group).retention_in_days(30).send().await.unwrap();
            let group = json!({ "id": group, "name": group, "retention_in_days": 30 });
            self.old.add(module, "aws_cloudwatch_log_group", "userlog", Json::Null, group);
        }
        let subnets = json!({ "id": "acme-subnets", "name": "acme-subnets", "subnet_ids": self.subnets });
        self.old.add(module, "aws_redshift_subnet_group", "producer", Json::Null, subnets);
    }

    #[expect(clippy::too_many_arguments, reason = "as many as a workgroup has neighbours")]
    async fn serverless(
        &mut self,
        module: &str,
        name: &str,
        index: Json,
        (namespace, workgroup): (&str, &str),
        role: &str,
        group: &str,
        key: Option<&str>,
    ) -> Vec<String> {
        let serverless = &self.aws.serverless;
        let call = serverless.create_namespace().namespace_name(namespace).db_name("acme").admin_username("boss");
        let call = call.iam_roles(role).set_kms_key_id(key.map(str::to_owned));
        let call = call.log_exports(aws_sdk_redshiftserverless::types::LogExport::UserLog);
        let managed = self.style.managed;
        let call = if managed { call.manage_admin_password(true) } else { call.admin_user_password(PASSWORD) };
        let made = call.send().await.unwrap().namespace.unwrap();
        self.wait(2).await;
        let call = serverless.create_workgroup().workgroup_name(workgroup).namespace_name(namespace).base_capacity(8);
        let call = call.set_subnet_ids(Some(self.subnets.clone())).security_group_ids(group).publicly_accessible(false);
        let tag = aws_sdk_redshiftserverless::types::Tag::builder().key("team").value("data").build().unwrap();
        call.enhanced_vpc_routing(false).tags(tag).send().await.unwrap();
        self.wait(15).await;
        let shown = serverless.get_workgroup().workgroup_name(workgroup).send().await.unwrap().workgroup.unwrap();
        let interfaces: Vec<String> = shown
            .endpoint()
            .unwrap()
            .vpc_endpoints()
            .iter()
            .flat_map(|endpoint| endpoint.network_interfaces())
            .map(|interface| interface.private_ip_address().unwrap().to_owned())
            .collect();
        let parameter = |p: &aws_sdk_redshiftserverless::types::ConfigParameter| json!({ "parameter_key": p.parameter_key(), "parameter_value": p.parameter_value() });
        let parameters: Vec<Json> = shown.config_parameters().iter().map(parameter).collect();
        let endpoint = json!([{ "address": "x", "port": 5439, "vpc_endpoint": [{ "vpc_id": self.vpc,
            "network_interface": interfaces.iter().map(|ip| json!({ "private_ip_address": ip })).collect::<Vec<_>>() }] }]);
        let kms = key.unwrap_or("AWS_OWNED_KMS_KEY");
        let attributes = json!({ "id": namespace, "namespace_name": namespace, "arn": made.namespace_arn, "db_name": "acme",
            "admin_username": "boss", "admin_user_password": if managed { Json::Null } else { json!(PASSWORD) }, "manage_admin_password": managed.then_some(true), "kms_key_id": kms,
            "iam_roles": [role], "default_iam_role_arn": "", "log_exports": ["userlog"] });
        self.old.add(module, "aws_redshiftserverless_namespace", name, index.clone(), attributes);
        let attributes = json!({ "id": workgroup, "workgroup_name": workgroup, "arn": shown.workgroup_arn,
            "namespace_name": namespace, "base_capacity": 8, "max_capacity": 0, "config_parameter": parameters,
            "subnet_ids": self.subnets, "security_group_ids": [group], "port": 5439, "enhanced_vpc_routing": false,
            "publicly_accessible": false, "endpoint": endpoint });
        self.old.add(module, "aws_redshiftserverless_workgroup", name, index, attributes);
        interfaces
    }

    async fn consumer(&mut self, n: usize) -> String {
        let names = ["reporting", "bi"];
        let (module, resource, index) = match self.style.consumers {
            Where::Counted => (format!("module.consumers[{n}]"), "this".to_owned(), Json::Null),
            Where::Named => (format!("module.consumer_{}", names[n]), "this".to_owned(), Json::Null),
            Where::Flat => (String::new(), "consumer".to_owned(), json!(names[n])),
        };
        let group = self.groups["consumer"].clone();
        let role = match self.style.consumers {
            // The code has one for each module alone.
            Where::Flat => self.role.clone().unwrap(),
            _ => self.role(&module, &format!("Consumer{n}")).await,
        };
        let (namespace, workgroup) = (format!("acme-consumer-{n}-ns"), format!("acme-consumer-{n}-wg"));
        let own =
            self.serverless(&module, &resource, index.clone(), (&namespace, &workgroup), &role, &group, None).await;
        let arn = self.aws.serverless.get_workgroup().workgroup_name(&workgroup).send().await.unwrap().workgroup;
        let arn = arn.unwrap().workgroup_arn.unwrap();
        if n == 0 {
            let call = self.aws.serverless.create_usage_limit().resource_arn(&arn).amount(60);
            let limit = call.usage_type("serverless-compute".into()).period("daily".into()).send().await.unwrap();
            let limit = limit.usage_limit.unwrap().usage_limit_id.unwrap();
            let attributes = json!({ "id": limit, "resource_arn": arn, "usage_type": "serverless-compute",
                "period": "daily", "amount": 60, "breach_action": "log" });
            self.old.add(&module, "aws_redshiftserverless_usage_limit", "day", index.clone(), attributes);
        }
        if !self.style.endpoints {
            // As is usual: the first of its addresses.
            return own[0].clone();
        }
        let name = format!("acme-endpoint-{n}");
        let call = self.aws.serverless.create_endpoint_access().endpoint_name(&name).workgroup_name(&workgroup);
        let call = call.set_subnet_ids(Some(self.subnets.clone())).vpc_security_group_ids(&group);
        call.send().await.unwrap();
        self.wait(10).await;
        let shown =
            self.aws.serverless.get_endpoint_access().endpoint_name(&name).send().await.unwrap().endpoint.unwrap();
        let ip = shown.vpc_endpoint().unwrap().network_interfaces()[0].private_ip_address().unwrap().to_owned();
        let attributes = json!({ "id": name, "endpoint_name": name, "arn": shown.endpoint_arn, "workgroup_name": workgroup,
            "vpc_endpoint": [{ "network_interface": [{ "private_ip_address": ip }], "vpc_id": self.vpc }] });
        self.old.add(&module, "aws_redshiftserverless_endpoint_access", &resource, index, attributes);
        ip
    }

    async fn balancer(&mut self, addresses: &[String]) {
        let (elb, module) = (self.aws.elb.clone(), if self.style.consumers == Where::Flat { "" } else { "module.nlb" });
        let guards = self.groups.get("nlb").cloned().into_iter().collect::<Vec<_>>();
        let call = elb.create_load_balancer().name("Acme-NLB").r#type(LoadBalancerTypeEnum::Network);
        let call = call.scheme(LoadBalancerSchemeEnum::Internal).set_subnets(Some(self.subnets.clone()));
        let call = call.set_security_groups(Some(guards.clone()).filter(|guards| !guards.is_empty()));
        let made = call.send().await.unwrap().load_balancers.unwrap().remove(0);
        let arn = made.load_balancer_arn.unwrap();
        let attributes = json!({ "id": arn, "arn": arn, "name": "Acme-NLB", "load_balancer_type": "network",
            "internal": true, "subnets": self.subnets, "security_groups": guards,
            "enable_cross_zone_load_balancing": false, "enable_deletion_protection": false });
        self.old.add(module, "aws_lb", "this", Json::Null, attributes);
        let call = elb.create_target_group().name("acme-tg").protocol(ProtocolEnum::Tcp).port(5439).vpc_id(&self.vpc);
        let call = call.target_type(TargetTypeEnum::Ip).health_check_interval_seconds(30).healthy_threshold_count(3);
        let group = call.unhealthy_threshold_count(3).send().await.unwrap().target_groups.unwrap().remove(0);
        let group = group.target_group_arn.unwrap();
        let check = json!([{ "interval": 30, "healthy_threshold": 3, "unhealthy_threshold": 3, "protocol": "TCP" }]);
        let attributes = json!({ "id": group, "arn": group, "name": "acme-tg", "protocol": "TCP", "port": 5439,
            "target_type": "ip", "deregistration_delay": "300", "health_check": check,
            "stickiness": [{ "enabled": false, "type": "source_ip" }], "preserve_client_ip": "false" });
        self.old.add(module, "aws_lb_target_group", "this", Json::Null, attributes);
        let action = Action::builder().r#type(ActionTypeEnum::Forward).target_group_arn(&group).build();
        let call = elb.create_listener().load_balancer_arn(&arn).protocol(ProtocolEnum::Tcp).port(5439);
        let listener = call.default_actions(action).send().await.unwrap().listeners.unwrap().remove(0);
        let attributes = json!({ "id": listener.listener_arn, "arn": listener.listener_arn, "load_balancer_arn": arn,
            "port": 5439, "protocol": "TCP", "default_action": [{ "type": "forward", "target_group_arn": group }] });
        self.old.add(module, "aws_lb_listener", "this", Json::Null, attributes);
        let stale = (!self.style.endpoints).then(|| "10.80.100.9".to_owned());
        for (n, ip) in addresses.iter().chain(&stale).enumerate() {
            let target = TargetDescription::builder().id(ip).port(5439).build();
            elb.register_targets().target_group_arn(&group).targets(target).send().await.unwrap();
            let attributes =
                json!({ "id": format!("{group}-{n}"), "target_group_arn": group, "target_id": ip, "port": 5439 });
            self.old.add(module, "aws_lb_target_group_attachment", "this", json!(n), attributes);
        }
        if self.style.second {
            self.second(module, &arn, &addresses[0]).await;
        }
        self.wait(5).await;
    }

    async fn second(&mut self, module: &str, balancer: &str, ip: &str) {
        let elb = self.aws.elb.clone();
        let call = elb.create_target_group().name("acme-one").protocol(ProtocolEnum::Tcp).port(5439).vpc_id(&self.vpc);
        let call = call.target_type(TargetTypeEnum::Ip);
        let group = call.send().await.unwrap().target_groups.unwrap().remove(0).target_group_arn.unwrap();
        let check = json!([{ "interval": 30, "healthy_threshold": 5, "unhealthy_threshold": 2 }]);
        let attributes = json!({ "id": group, "arn": group, "name": "acme-one", "protocol": "TCP", "target_type": "ip",
            "deregistration_delay": "300", "health_check": check });
        self.old.add(module, "aws_lb_target_group", "one", Json::Null, attributes);
        let action = Action::builder().r#type(ActionTypeEnum::Forward).target_group_arn(&group).build();
        let call = elb.create_listener().load_balancer_arn(balancer).protocol(ProtocolEnum::Tcp).port(5440);
        let listener = call.default_actions(action).send().await.unwrap().listeners.unwrap().remove(0);
        let forward = json!([{ "type": "forward", "forward": [{ "target_group": [{ "arn": group, "weight": 1 }] }] }]);
        let attributes = json!({ "id": listener.listener_arn, "arn": listener.listener_arn, "port": 5440, "protocol": "TCP",
            "load_balancer_arn": balancer, "default_action": forward });
        self.old.add(module, "aws_lb_listener", "one", Json::Null, attributes);
        let target = TargetDescription::builder().id(ip).port(5439).build();
        elb.register_targets().target_group_arn(&group).targets(target).send().await.unwrap();
        let attributes = json!({ "id": "one", "target_group_arn": group, "target_id": ip, "port": 5439 });
        self.old.add(module, "aws_lb_target_group_attachment", "one", Json::Null, attributes);
    }
}
