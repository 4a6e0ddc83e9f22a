//! The life of a cluster: create, read, modify, delete.

use serde_json::{Value, json};

use super::super::ec2;
use super::super::serverless::bench::Bench;
use super::tests::{parameter_group, parameters, subnets};

impl Bench {
    /// A cluster of two nodes with a managed password, with more members over it.
    pub(super) fn cluster_params(&self, more: Value) -> Value {
        let mut params = json!({ "ClusterIdentifier": "producer", "NodeType": "ra3.xlplus", "ClusterType": "multi-node",
            "NumberOfNodes": "2", "MasterUsername": "admin", "ManageMasterPassword": "true",
            "ClusterSubnetGroupName": "warehouse", "VpcSecurityGroupIds": [self.warehouse_group] });
        for (name, value) in more.as_object().unwrap() {
            params[name] = value.clone();
        }
        params.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        params
    }

    /// Makes the subnet group and the cluster and waits until it is there.
    pub(super) fn producer(more: Value) -> Self {
        let mut bench = Self::new();
        let group = subnets(&bench, "warehouse");
        bench.redshift("CreateClusterSubnetGroup", group);
        let params = bench.cluster_params(more);
        bench.redshift("CreateCluster", params);
        bench.pass(360);
        bench
    }

    pub(super) fn cluster(&mut self) -> Value {
        let reply = self.redshift("DescribeClusters", json!({ "ClusterIdentifier": "producer" }));
        reply["Clusters"][0].clone()
    }

    pub(super) fn state(&mut self) -> String {
        self.cluster()["ClusterStatus"].as_str().unwrap().to_owned()
    }

    pub(super) fn modify(&mut self, more: Value) {
        let mut params = more;
        params["ClusterIdentifier"] = json!("producer");
        self.redshift("ModifyCluster", params);
    }

    /// Code of a refused ModifyCluster.
    pub(super) fn unmodified(&mut self, more: Value) -> String {
        let mut params = more;
        params["ClusterIdentifier"] = json!("producer");
        self.denied("ModifyCluster", params)
    }

    fn address(&mut self) -> String {
        let endpoint = self.cluster()["Endpoint"].clone();
        endpoint["VpcEndpoints"][0]["NetworkInterfaces"][0]["PrivateIpAddress"].as_str().unwrap().to_owned()
    }
}

#[test]
fn a_cluster_comes_with_its_endpoint_and_goes_with_its_secret() {
    let mut bench = Bench::new();
    let group = subnets(&bench, "warehouse");
    bench.redshift("CreateClusterSubnetGroup", group);
    let params = bench.cluster_params(json!({ "KmsKeyId": bench.key, "IamRoles": [bench.role],
        "DefaultIamRoleArn": bench.role, "DBName": "sales", "Tags": [{ "Key": "team", "Value": "data" }] }));
    let made = bench.redshift("CreateCluster", params.clone())["Cluster"].clone();
    assert_eq!((&made["ClusterStatus"], &made["ClusterAvailabilityStatus"]), (&json!("creating"), &json!("Modifying")));
    assert_eq!(made["Endpoint"], Value::Null);
    assert_eq!(made["IamRoles"], json!([{ "IamRoleArn": bench.role, "ApplyStatus": "adding" }]));
    assert_eq!(bench.denied("CreateCluster", params), "ClusterAlreadyExists");
    bench.pass(359);
    assert_eq!(bench.state(), "creating");
    bench.pass(1);
    let cluster = bench.cluster();
    assert_eq!(
        (&cluster["ClusterStatus"], &cluster["ClusterAvailabilityStatus"], &cluster["MultiAZ"]),
        (&json!("available"), &json!("Available"), &json!("Disabled"))
    );
    assert_eq!(cluster["IamRoles"][0]["ApplyStatus"], "in-sync");
    assert_eq!((&cluster["DBName"], &cluster["KmsKeyId"]), (&json!("sales"), &json!(bench.key)));
    assert_eq!(cluster["AvailabilityZoneRelocationStatus"], "enabled");
    assert_eq!(cluster["ClusterParameterGroups"][0]["ParameterGroupName"], "default.redshift-2.0");
    assert_eq!(cluster["ClusterParameterGroups"][0]["ParameterApplyStatus"], "in-sync");
    assert_eq!(cluster["Tags"], json!([{ "Key": "team", "Value": "data" }]));
    assert_eq!(cluster["ElasticResizeNumberOfNodeOptions"], "[3,4]");
    let namespace = cluster["ClusterNamespaceArn"].as_str().unwrap();
    assert!(namespace.starts_with("arn:aws:redshift:us-west-2:123456789012:namespace:"));
    let host = cluster["Endpoint"]["Address"].as_str().unwrap();
    assert!(host.starts_with("producer.c") && host.ends_with(".us-west-2.redshift.amazonaws.com"), "{host}");
    let roles: Vec<&str> =
        cluster["ClusterNodes"].as_array().unwrap().iter().map(|node| node["NodeRole"].as_str().unwrap()).collect();
    assert_eq!(roles, ["LEADER", "COMPUTE-0", "COMPUTE-1"]);
    let address = bench.address();
    assert_eq!(cluster["ClusterNodes"][0]["PrivateIPAddress"], address.as_str());
    let secret = cluster["MasterPasswordSecretArn"].as_str().unwrap().to_owned();
    assert!(bench.world.secrets.managed.contains_key(&secret));
    assert!(secret.contains("redshift!producer-admin"), "{secret}");

    assert_eq!(
        bench.denied("DeleteClusterSubnetGroup", json!({ "ClusterSubnetGroupName": "warehouse" })),
        "InvalidClusterSubnetGroupStateFault"
    );
    let subnet = bench.subnets[0].clone();
    let without = json!({ "ClusterSubnetGroupName": "warehouse", "SubnetIds": [bench.subnets[1], bench.subnets[2]] });
    assert_eq!(bench.denied("ModifyClusterSubnetGroup", without), "SubnetAlreadyInUse");

    let skip = json!({ "ClusterIdentifier": "producer", "SkipFinalClusterSnapshot": "true" });
    assert_eq!(bench.redshift("DeleteCluster", skip.clone())["Cluster"]["ClusterStatus"], "deleting");
    assert!(bench.world.secrets.is_empty());
    assert_eq!(bench.denied("DeleteCluster", skip), "InvalidClusterState");
    bench.pass(180);
    assert_eq!(bench.denied("DescribeClusters", json!({ "ClusterIdentifier": "producer" })), "ClusterNotFound");
    bench.redshift("DeleteClusterSubnetGroup", json!({ "ClusterSubnetGroupName": "warehouse" }));
    assert!(bench.world.redshift.is_empty());
    let delete = json!({ "SubnetId": subnet });
    assert_eq!(bench.call(&ec2::SERVICE, "DeleteSubnet", delete.clone()).unwrap_err().code, "DependencyViolation");
    bench.pass(120);
    bench.ok(&ec2::SERVICE, "DeleteSubnet", delete);
}

#[test]
fn what_redshift_refuses_to_create_is_refused() {
    let mut bench = Bench::new();
    let group = subnets(&bench, "warehouse");
    bench.redshift("CreateClusterSubnetGroup", group);
    let two = json!({ "ClusterSubnetGroupName": "two", "Description": "d", "SubnetIds": bench.subnets[..2] });
    bench.redshift("CreateClusterSubnetGroup", two);
    let key = bench.key.clone();
    bench.ok(&super::super::kms::SERVICE, "DisableKey", json!({ "KeyId": key }));
    let secret =
        json!({ "ManageMasterPassword": null, "MasterUserPassword": "Secret123", "MasterPasswordSecretKmsKeyId": "x" });
    let cases = [
        (json!({ "ClusterIdentifier": "1abc" }), "InvalidParameterValue"),
        (json!({ "NodeType": "dc2.large" }), "InvalidParameterValue"),
        (
            json!({ "NodeType": "ra3.4xlarge", "ClusterType": "single-node", "NumberOfNodes": null }),
            "InvalidParameterValue",
        ),
        (json!({ "ClusterType": "single-node" }), "InvalidParameterCombination"),
        (json!({ "NumberOfNodes": null }), "InvalidParameterCombination"),
        (json!({ "NumberOfNodes": "1" }), "InvalidParameterCombination"),
        (json!({ "NumberOfNodes": "17" }), "NumberOfNodesPerClusterLimitExceeded"),
        (json!({ "Encrypted": "false" }), "InvalidParameterValue"),
        (json!({ "Port": "5430" }), "InvalidParameterValue"),
        (json!({ "ClusterSubnetGroupName": "none" }), "ClusterSubnetGroupNotFoundFault"),
        (json!({ "ClusterSubnetGroupName": null }), "ClusterSubnetGroupNotFoundFault"),
        (json!({ "ClusterParameterGroupName": "none" }), "ClusterParameterGroupNotFound"),
        (json!({ "MultiAZ": "true", "ClusterSubnetGroupName": "two" }), "InvalidVPCNetworkStateFault"),
        (json!({ "MultiAZ": "true", "AvailabilityZoneRelocation": "true" }), "InvalidParameterCombination"),
        (
            json!({ "MultiAZ": "true", "ClusterType": "single-node", "NumberOfNodes": null }),
            "InvalidParameterCombination",
        ),
        (json!({ "AvailabilityZone": "us-west-2d" }), "InvalidVPCNetworkStateFault"),
        (json!({ "VpcSecurityGroupIds": ["sg-0"] }), "InvalidParameterValue"),
        (json!({ "MasterUserPassword": "Secret123" }), "InvalidParameterCombination"),
        (json!({ "ManageMasterPassword": null }), "InvalidParameterCombination"),
        (json!({ "ManageMasterPassword": null, "MasterUserPassword": "weak" }), "InvalidParameterValue"),
        (secret, "InvalidParameterCombination"),
        (json!({ "MasterUsername": "public" }), "InvalidParameterValue"),
        (json!({ "DBName": "Sales" }), "InvalidParameterValue"),
        (json!({ "IamRoles": ["arn:aws:iam::123456789012:role/none"] }), "InvalidParameterValue"),
        (json!({ "DefaultIamRoleArn": "arn:aws:iam::123456789012:role/none" }), "InvalidParameterValue"),
        (json!({ "KmsKeyId": key }), "InvalidParameterValue"),
        (json!({ "AutomatedSnapshotRetentionPeriod": "0" }), "InvalidParameterValue"),
        (json!({ "ManualSnapshotRetentionPeriod": "0" }), "InvalidRetentionPeriodFault"),
        (json!({ "PreferredMaintenanceWindow": "sun:03:00-sun:03:29" }), "InvalidParameterValue"),
        (json!({ "PreferredMaintenanceWindow": "whenever" }), "InvalidParameterValue"),
        (json!({ "MaintenanceTrackName": "fast" }), "InvalidClusterTrack"),
        (json!({ "PubliclyAccessible": "true" }), "InvalidVPCNetworkStateFault"),
        (json!({ "IpAddressType": "dualstack" }), "Ipv6CidrBlockNotFoundFault"),
    ];
    for (more, code) in cases {
        let params = bench.cluster_params(more.clone());
        assert_eq!(bench.denied("CreateCluster", params), code, "{more}");
    }
    let single = bench.cluster_params(json!({ "ClusterType": "single-node", "NumberOfNodes": null }));
    assert_eq!(bench.redshift("CreateCluster", single)["Cluster"]["NumberOfNodes"], 1);
}

#[test]
fn the_nodes_of_a_region_have_a_quota() {
    let mut bench = Bench::producer(json!({ "NodeType": "ra3.16xlarge", "NumberOfNodes": "99", "MultiAZ": "true" }));
    let small = |nodes: &str| json!({ "ClusterIdentifier": "second", "NumberOfNodes": nodes });
    let params = bench.cluster_params(small("3"));
    assert_eq!(bench.denied("CreateCluster", params), "NumberOfNodesQuotaExceeded");
    let params = bench.cluster_params(small("2"));
    bench.redshift("CreateCluster", params);
}

#[test]
fn several_settings_change_in_one_call_and_show_when_it_is_over() {
    let mut bench = Bench::producer(json!({}));
    let group = bench.group("other");
    let change = json!({ "VpcSecurityGroupIds": [group], "Port": "5440", "EnhancedVpcRouting": "true",
        "AutomatedSnapshotRetentionPeriod": "7", "PreferredMaintenanceWindow": "Sun:03:00-Sun:03:30" });
    bench.modify(change);
    let cluster = bench.cluster();
    assert_eq!(
        (&cluster["ClusterStatus"], &cluster["ClusterAvailabilityStatus"]),
        (&json!("modifying"), &json!("Modifying"))
    );
    assert_eq!(cluster["PendingModifiedValues"]["EnhancedVpcRouting"], true);
    assert_eq!(cluster["PendingModifiedValues"]["AutomatedSnapshotRetentionPeriod"], 7);
    let warehouse = bench.warehouse_group.clone();
    assert_eq!(
        cluster["VpcSecurityGroups"],
        json!([{ "VpcSecurityGroupId": warehouse, "Status": "removing" },
            { "VpcSecurityGroupId": group, "Status": "adding" }])
    );
    for operation in ["RebootCluster", "PauseCluster", "ResumeCluster"] {
        assert_eq!(bench.denied(operation, json!({ "ClusterIdentifier": "producer" })), "InvalidClusterState");
    }
    assert_eq!(bench.unmodified(json!({ "Port": "5441" })), "InvalidClusterState");
    bench.pass(90);
    let cluster = bench.cluster();
    assert_eq!((&cluster["ClusterStatus"], &cluster["Endpoint"]["Port"]), (&json!("available"), &json!(5440)));
    assert_eq!(cluster["VpcSecurityGroups"], json!([{ "VpcSecurityGroupId": group, "Status": "active" }]));
    assert_eq!(
        (&cluster["EnhancedVpcRouting"], &cluster["AutomatedSnapshotRetentionPeriod"]),
        (&json!(true), &json!(7))
    );
    assert_eq!(cluster["PreferredMaintenanceWindow"], "sun:03:00-sun:03:30");

    for (more, code) in [
        (json!({}), "InvalidParameterCombination"),
        (json!({ "NumberOfNodes": "4" }), "InvalidParameterCombination"),
        (json!({ "MultiAZ": "true", "Port": "5439" }), "InvalidParameterCombination"),
        (json!({ "AvailabilityZone": "us-west-2b", "MultiAZ": "false" }), "InvalidParameterCombination"),
        (json!({ "MasterUserPassword": "Secret123" }), "InvalidParameterCombination"),
        (json!({ "MultiAZ": "true" }), "InvalidParameterCombination"),
    ] {
        assert_eq!(bench.unmodified(more.clone()), code, "{more}");
    }
}

#[test]
fn a_cluster_moves_spreads_and_is_left_movable() {
    let mut bench = Bench::producer(json!({ "AvailabilityZone": "us-west-2a" }));
    let before = bench.address();
    bench.modify(json!({ "AvailabilityZone": "us-west-2b" }));
    bench.pass(240);
    assert_eq!(bench.cluster()["AvailabilityZone"], "us-west-2b");
    assert_ne!(bench.address(), before);
    bench.modify(json!({ "AvailabilityZoneRelocation": "false" }));
    assert_eq!(bench.cluster()["AvailabilityZoneRelocationStatus"], "pending_disabling");
    bench.pass(90);
    assert_eq!(bench.unmodified(json!({ "AvailabilityZone": "us-west-2a" })), "UnsupportedOperation");

    bench.modify(json!({ "MultiAZ": "true" }));
    bench.pass(240);
    let cluster = bench.cluster();
    assert_eq!(
        (&cluster["MultiAZ"], &cluster["AvailabilityZoneRelocationStatus"]),
        (&json!("Enabled"), &json!("disabled"))
    );
    assert_eq!(cluster["MultiAZSecondary"]["ClusterNodes"].as_array().unwrap().len(), 3);
    let interfaces = &cluster["Endpoint"]["VpcEndpoints"][0]["NetworkInterfaces"];
    assert_eq!(interfaces.as_array().unwrap().len(), 2);
    assert_eq!(bench.unmodified(json!({ "AvailabilityZoneRelocation": "true" })), "InvalidParameterCombination");
    bench.modify(json!({ "MultiAZ": "false" }));
    bench.pass(240);
    let cluster = bench.cluster();
    assert_eq!(
        (&cluster["MultiAZ"], &cluster["AvailabilityZoneRelocationStatus"]),
        (&json!("Disabled"), &json!("enabled"))
    );
    assert_eq!(cluster["MultiAZSecondary"], Value::Null);
}

#[test]
fn the_admin_password_is_managed_or_not() {
    let mut bench = Bench::producer(json!({ "ManageMasterPassword": null, "MasterUserPassword": "Secret123" }));
    assert_eq!(bench.cluster()["MasterPasswordSecretArn"], Value::Null);
    let key = bench.key.clone();
    bench.modify(json!({ "ManageMasterPassword": "true", "MasterPasswordSecretKmsKeyId": key }));
    bench.pass(90);
    assert_eq!(bench.cluster()["MasterPasswordSecretKmsKeyId"], key);
    bench.modify(json!({ "ManageMasterPassword": "false", "MasterUserPassword": "Secret456" }));
    assert_eq!(bench.cluster()["PendingModifiedValues"]["MasterUserPassword"], "****");
    assert!(bench.world.secrets.is_empty());
    let kept = serde_json::to_string(&bench.world).unwrap();
    assert!(!kept.contains("Secret123") && !kept.contains("Secret456"));
}

#[test]
fn another_key_takes_its_time() {
    let mut bench = Bench::producer(json!({}));
    assert_eq!((&bench.cluster()["Encrypted"], &bench.cluster()["KmsKeyId"]), (&json!(true), &Value::Null));
    let key = bench.key.clone();
    bench.modify(json!({ "Encrypted": "true", "KmsKeyId": key }));
    bench.pass(1199);
    assert_eq!(bench.state(), "modifying");
    bench.pass(1);
    assert_eq!(bench.cluster()["KmsKeyId"], key);
    bench.modify(json!({ "Encrypted": "false" }));
    assert_eq!(bench.cluster()["PendingModifiedValues"]["EncryptionType"], "None");
    bench.pass(1200);
    assert_eq!((&bench.cluster()["Encrypted"], &bench.cluster()["KmsKeyId"]), (&json!(false), &Value::Null));
}

#[test]
fn static_parameters_wait_for_a_reboot_and_dynamic_ones_do_not() {
    let mut bench = Bench::producer(json!({}));
    bench.redshift("CreateClusterParameterGroup", parameter_group("prod"));
    let status = |bench: &mut Bench| {
        bench.cluster()["ClusterParameterGroups"][0]["ParameterApplyStatus"].as_str().unwrap().to_owned()
    };
    let reboot = json!({ "ClusterIdentifier": "producer" });
    bench.modify(json!({ "ClusterParameterGroupName": "prod" }));
    bench.pass(90);
    assert_eq!(status(&mut bench), "pending-reboot");
    bench.redshift("RebootCluster", reboot.clone());
    assert_eq!(bench.state(), "rebooting");
    let set = parameters("prod", &[("statement_timeout", "60000")]);
    assert_eq!(bench.denied("ModifyClusterParameterGroup", set.clone()), "InvalidClusterParameterGroupState");
    bench.pass(120);
    assert_eq!(status(&mut bench), "in-sync");

    bench.redshift("ModifyClusterParameterGroup", set);
    let groups = bench.cluster()["ClusterParameterGroups"].clone();
    let pending: Vec<&Value> = groups[0]["ClusterParameterStatusList"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|parameter| parameter["ParameterApplyStatus"] == "pending-reboot")
        .map(|parameter| &parameter["ParameterName"])
        .collect();
    assert_eq!(pending, ["statement_timeout"]);
    bench.redshift("RebootCluster", reboot);
    bench.pass(120);
    assert_eq!(status(&mut bench), "in-sync");

    let mut queues = parameters("prod", &[("wlm_json_configuration", r#"[{"auto_wlm":true,"priority":"high"}]"#)]);
    queues["Parameters"][0]["ApplyType"] = json!("dynamic");
    bench.redshift("ModifyClusterParameterGroup", queues);
    assert_eq!((status(&mut bench).as_str(), bench.state().as_str()), ("applying", "modifying"));
    bench.pass(30);
    assert_eq!(status(&mut bench), "in-sync");
    let delete = json!({ "ParameterGroupName": "prod" });
    assert_eq!(bench.denied("DeleteClusterParameterGroup", delete), "InvalidClusterParameterGroupState");
}

#[test]
fn roles_come_and_go_one_list_at_a_time() {
    let mut bench = Bench::producer(json!({}));
    let role = bench.role.clone();
    let change = |more: Value| {
        let mut params = more;
        params["ClusterIdentifier"] = json!("producer");
        params
    };
    let add = change(json!({ "AddIamRoles": [role], "DefaultIamRoleArn": role }));
    bench.redshift("ModifyClusterIamRoles", add.clone());
    assert_eq!(bench.cluster()["IamRoles"], json!([{ "IamRoleArn": role, "ApplyStatus": "adding" }]));
    assert_eq!(bench.denied("ModifyClusterIamRoles", add), "InvalidClusterState");
    bench.pass(30);
    assert_eq!(bench.cluster()["IamRoles"][0]["ApplyStatus"], "in-sync");
    assert_eq!(bench.cluster()["DefaultIamRoleArn"], role);
    bench.redshift("ModifyClusterIamRoles", change(json!({ "RemoveIamRoles": [role] })));
    assert_eq!(bench.cluster()["IamRoles"][0]["ApplyStatus"], "removing");
    bench.pass(30);
    let cluster = bench.cluster();
    assert_eq!((&cluster["IamRoles"], &cluster["DefaultIamRoleArn"]), (&json!([]), &Value::Null));
    let unknown = change(json!({ "RemoveIamRoles": [role] }));
    assert_eq!(bench.denied("ModifyClusterIamRoles", unknown), "InvalidParameterValue");
}
