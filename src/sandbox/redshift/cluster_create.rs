//! CreateCluster.
//!
//! Called by the core. Source: aws-facts.md 5.3 and 5.10. Must never keep a password, and never make a cluster that is
//! not encrypted.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::super::secrets;
use super::cluster::{Applied, Cluster, Settings, Stage};
use super::cluster_spec::{self, Admin, DEFAULT_PORT, DEFAULT_TRACK};
use super::subnet_group::SubnetGroup;
use super::{
    AwsError, CREATES, Operation, Reply, Request, VERSION, World, cluster, combination, invalid, node, parameter_group,
    placement, resize, subnet_group, tag,
};

/// Database when none is given.
const DEFAULT_DATABASE: &str = "dev";
/// Parameter group when none is given.
const DEFAULT_PARAMETERS: &str = "default.redshift-2.0";

pub(super) static OPERATIONS: &[Operation] = &[Operation {
    name: "CreateCluster",
    mutating: true,
    params: &[
        "AllowVersionUpgrade",
        "AutomatedSnapshotRetentionPeriod",
        "AvailabilityZone",
        "AvailabilityZoneRelocation",
        "ClusterIdentifier",
        "ClusterParameterGroupName",
        "ClusterSubnetGroupName",
        "ClusterType",
        "ClusterVersion",
        "DBName",
        "DefaultIamRoleArn",
        "Encrypted",
        "EnhancedVpcRouting",
        "ExtraComputeForAutomaticOptimization",
        "IamRoles",
        "IpAddressType",
        "KmsKeyId",
        "MaintenanceTrackName",
        "ManageMasterPassword",
        "ManualSnapshotRetentionPeriod",
        "MasterPasswordSecretKmsKeyId",
        "MasterUserPassword",
        "MasterUsername",
        "MultiAZ",
        "NodeType",
        "NumberOfNodes",
        "Port",
        "PreferredMaintenanceWindow",
        "PubliclyAccessible",
        "Tags.Key",
        "Tags.Value",
        "VpcSecurityGroupIds",
    ],
    run: create_cluster,
}];

fn create_cluster(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let name = cluster_spec::identifier(req)?;
    if world.redshift.cluster(&name, now).is_some() {
        return Err(AwsError::new("ClusterAlreadyExists", format!("Cluster {name} already exists.")));
    }
    let database = database(req)?;
    let admin = admin_name(req)?;
    let login = cluster_spec::admin(req)?;
    if matches!(login, Admin::Unsaid) {
        return Err(combination("Either MasterUserPassword or ManageMasterPassword is required."));
    }
    let secret_key = cluster_spec::key(world, now, req, "MasterPasswordSecretKmsKeyId")?;
    let tags = tag::read(req)?;
    check_fixed(req)?;
    let group = match req.opt_text("ClusterSubnetGroupName")? {
        Some(group) => subnet_group::find(world, &group)?.clone(),
        None => return Err(subnet_group::no_default()),
    };
    let settings = read_settings(world, req, now, &group, None)?;
    let birth = Birth { name, database, admin, login, secret_key, tags, length: CREATES };
    let cluster = make(world, req, now, (group, settings), birth)?;
    Ok(cluster::keep(world, cluster, now))
}

/// What a new cluster is besides its settings.
pub(super) struct Birth {
    /// Its identifier, which is free.
    pub(super) name: String,
    /// First database.
    pub(super) database: String,
    /// Admin user.
    pub(super) admin: String,
    /// How the admin logs in.
    pub(super) login: Admin,
    /// ARN of the customer key of a managed password's secret.
    pub(super) secret_key: Option<String>,
    /// Tags.
    pub(super) tags: BTreeMap<String, String>,
    /// AWS time it is `creating`.
    pub(super) length: SignedDuration,
}

/// Makes a cluster, which the caller keeps; everything but its place has been checked.
pub(super) fn make(
    world: &mut World,
    req: &Request,
    now: Timestamp,
    (group, mut settings): (SubnetGroup, Settings),
    birth: Birth,
) -> Result<Cluster, AwsError> {
    let Birth { name, database, admin, login, secret_key, tags, length } = birth;
    let first = placement::subnet(world, now, &group, req.opt_text("AvailabilityZone")?.as_deref(), &[])?;
    let mut places = vec![first];
    if settings.multi_az {
        let taken: Vec<String> = places.iter().map(|place| place.zone.clone()).collect();
        places.push(placement::subnet(world, now, &group, None, &taken)?);
    }

    world.redshift.check_capacity(now)?;
    world.redshift.sweep(now);
    if settings.window.is_empty() {
        settings.window = cluster_spec::some_window(&world.hex(6));
    }
    let arn = world.arn("redshift", &format!("cluster:{name}"));
    let secret = matches!(login, Admin::Managed)
        .then(|| secrets::create_managed(world, now, &arn, &name, &admin, secret_key.as_deref()));
    let mut cluster = Cluster {
        namespace: world.uuid(),
        label: format!("c{}", world.hex(11)),
        endpoint_id: format!("vpce-{}", world.hex(17)),
        name,
        arn,
        created: now,
        database,
        admin,
        secret,
        secret_key,
        subnet_group: group.name,
        vpc: group.vpc,
        logging: None,
        // Until it is there it has none of its roles.
        settings: Settings { roles: Vec::new(), ..settings.clone() },
        task: None,
        removal: None,
    };
    for place in places {
        let placed = placement::place(world, now + length, &cluster, &settings.groups, place)?;
        settings.interfaces.push(placed);
    }
    if settings.public {
        placement::publish(world, &cluster, &settings.zones(), true);
    }
    cluster.settings.interfaces.clone_from(&settings.interfaces);
    cluster.start(now, Stage::Creating, length, settings);
    tag::put(world, &cluster.arn, tags);
    Ok(cluster)
}

/// The settings of a new cluster; what is not said is as `like` says, where it is made of a snapshot.
pub(super) fn read_settings(
    world: &World,
    req: &Request,
    now: Timestamp,
    group: &SubnetGroup,
    like: Option<&Settings>,
) -> Result<Settings, AwsError> {
    let node = match like {
        Some(like) => node::find(&req.opt_text("NodeType")?.unwrap_or_else(|| like.node_type.clone()))?,
        None => node::find(&req.text("NodeType")?)?,
    };
    let nodes = resize::read_nodes(req, like)?;
    if world.redshift.not_offered.contains(node.name) {
        return Err(combination(format!("The node type {} is not available in {}.", node.name, world.region)));
    }
    node.check(nodes)?;
    let multi_az = req.opt_bool("MultiAZ")?.unwrap_or(false);
    // A cluster that could move is made so unless told otherwise.
    let relocation = req.opt_bool("AvailabilityZoneRelocation")?.unwrap_or(group.zones().len() > 1 && !multi_az);
    if multi_az {
        cluster_spec::check_multi_az(group, nodes, relocation)?;
    }
    let public = req.opt_bool("PubliclyAccessible")?.unwrap_or(false);
    if public {
        cluster_spec::check_public(world, &group.vpc)?;
    }
    let roles = req.texts("IamRoles")?;
    cluster_spec::check_roles(world, now, &roles, roles.len())?;
    let default_role = req.opt_text("DefaultIamRoleArn")?.filter(|role| !role.is_empty());
    cluster_spec::check_default_role(default_role.as_deref(), &roles)?;
    let parameters = req.opt_text("ClusterParameterGroupName")?.unwrap_or_else(|| DEFAULT_PARAMETERS.to_owned());
    let parameters = parameter_group::find(world, &parameters)?.name;
    Ok(Settings {
        node_type: node.name.to_owned(),
        nodes,
        groups: cluster_spec::groups(world, &group.vpc, req)?,
        applied: Applied::of(world, &parameters)?,
        parameter_group: parameters,
        automated_retention: cluster_spec::automated_retention(req)?
            .unwrap_or(like.map_or(1, |like| like.automated_retention)),
        manual_retention: cluster_spec::manual_retention(req, "ManualSnapshotRetentionPeriod")?.flatten(),
        window: cluster_spec::window(req)?.or_else(|| Some(like?.window.clone())).unwrap_or_default(),
        track: cluster_spec::track(req)?.unwrap_or_else(|| DEFAULT_TRACK.to_owned()),
        upgrade: req.opt_bool("AllowVersionUpgrade")?.unwrap_or(true),
        public,
        routing: req.opt_bool("EnhancedVpcRouting")?.unwrap_or(false),
        encrypted: like.is_none_or(|like| like.encrypted) || req.opt_bool("Encrypted")? == Some(true),
        key: cluster_spec::key(world, now, req, "KmsKeyId")?.or_else(|| like?.key.clone()),
        port: cluster_spec::port(req)?.unwrap_or(like.map_or(DEFAULT_PORT, |like| like.port)),
        relocation,
        multi_az,
        extra_compute: req.opt_bool("ExtraComputeForAutomaticOptimization")?.unwrap_or(false),
        roles,
        default_role,
        paused: false,
        interfaces: Vec::new(),
    })
}

/// Refuses what can be said but not otherwise.
fn check_fixed(req: &Request) -> Result<(), AwsError> {
    if req.opt_bool("Encrypted")? == Some(false) {
        return Err(invalid("A cluster can't be created without encryption: Encrypted must not be false."));
    }
    if let Some(version) = req.opt_text("ClusterVersion")?.filter(|version| version != VERSION) {
        return Err(invalid(format!("The cluster version {version} does not exist; there is {VERSION}.")));
    }
    cluster_spec::address_type(req)
}

/// 1-64 lower-case letters, digits, `_`, `$`, `@`, `#`, a letter or `_` first.
fn database(req: &Request) -> Result<String, AwsError> {
    let Some(name) = req.opt_text("DBName")? else { return Ok(DEFAULT_DATABASE.to_owned()) };
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_$@#".contains(c);
    let first = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    if first && name.len() <= 64 && name.chars().all(good) {
        return Ok(name);
    }
    Err(invalid(format!("The database name {name} is not 1 to 64 lower-case letters and digits, a letter first.")))
}

/// 1-128 lower-case letters, digits and `_+.@-`, a letter first, not `public`.
fn admin_name(req: &Request) -> Result<String, AwsError> {
    let name = req.text("MasterUsername")?;
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_+.@-".contains(c);
    let first = name.starts_with(|c: char| c.is_ascii_lowercase());
    if first && name.len() <= 128 && name.chars().all(good) && name != "public" {
        return Ok(name);
    }
    Err(invalid(format!(
        "The master user name {name} is PUBLIC, or not 1 to 128 lower-case letters, digits and _ + . @ -, a letter first."
    )))
}
