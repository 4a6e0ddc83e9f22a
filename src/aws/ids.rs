//! The identifiers AWS gives, each a type of its own.
//!
//! Used by specs and outputs of every kind. Must hold no logic.

crate::identifier!(
    /// `vpc-...`
    VpcId,
    /// `subnet-...`
    SubnetId,
    /// `igw-...`
    InternetGatewayId,
    /// `rtb-...`
    RouteTableId,
    /// `rtbassoc-...`
    AssociationId,
    /// `vpce-...`
    VpcEndpointId,
    /// `sg-...`
    SecurityGroupId,
    /// `sgr-...`
    SecurityGroupRuleId,
    /// The ARN of an IAM role.
    RoleArn,
    /// The name of an IAM role.
    RoleName,
    /// The ARN of an IAM policy.
    PolicyArn,
    /// The ARN of a KMS key.
    KeyArn,
    /// The ARN of a certificate of ACM.
    CertificateArn,
    /// The ARN of a Secrets Manager secret.
    SecretArn,
    /// Which of a secret's passwords: its ARN and the version, `<arn>#<version>`.
    PasswordVersion,
    /// The ARN of an SNS topic.
    TopicArn,
    /// The ARN of a CloudWatch log group, without `:*` at its end.
    LogGroupArn,
    /// The name of a Redshift Serverless namespace.
    NamespaceName,
    /// The ARN of a Redshift Serverless namespace.
    NamespaceArn,
    /// The GUID of a namespace, as data sharing knows it.
    NamespaceId,
    /// The ARN of a data share, which holds its producer's GUID and its name.
    DatashareArn,
    /// The name of a database in a warehouse.
    DatabaseName,
    /// Who may be granted something in a warehouse, as the TOML names them: `role:analyst`, `user:bi_reader`.
    Grantee,
    /// The name of a Redshift Serverless workgroup.
    WorkgroupName,
    /// The ARN of a Redshift Serverless workgroup.
    WorkgroupArn,
    /// The name of a cluster subnet group.
    ClusterSubnetGroupName,
    /// The ARN of a cluster subnet group.
    ClusterSubnetGroupArn,
    /// The name of a cluster parameter group.
    ClusterParameterGroupName,
    /// The ARN of a cluster parameter group.
    ClusterParameterGroupArn,
    /// The identifier of a provisioned cluster.
    ClusterName,
    /// The ARN of a provisioned cluster.
    ClusterArn,
    /// The name of a snapshot copy grant.
    SnapshotCopyGrantName,
    /// The name of a snapshot schedule.
    SnapshotScheduleName,
    /// The id of a provisioned cluster's usage limit.
    UsageLimitId,
    /// The ARN of a load balancer.
    LoadBalancerArn,
    /// The ARN of a target group.
    TargetGroupArn,
    /// The ARN of a listener.
    ListenerArn,
);
