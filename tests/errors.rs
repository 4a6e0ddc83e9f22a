//! The codes of AWS: every one that aws-facts.md names is classified, in each spelling, and has a cause and a cure.

use rsds::{
    aws::{Class, Fault},
    ui,
};

type Codes = &'static [(&'static str, Class)];

/// By service, as they are on the wire (aws-facts.md 0.1 to 11).
const CODES: &[(&str, Codes)] = &[
    (
        "ec2",
        &[
            ("InvalidVpcID.NotFound", Class::NotFound),
            ("InvalidVpc.Range", Class::Invalid),
            ("VpcLimitExceeded", Class::Quota),
            ("InvalidSubnetID.NotFound", Class::NotFound),
            ("InvalidSubnetId.NotFound", Class::NotFound),
            ("InvalidSubnet.Conflict", Class::Exists),
            ("InvalidSubnet.Range", Class::Invalid),
            ("SubnetLimitExceeded", Class::Quota),
            ("InvalidInternetGatewayID.NotFound", Class::NotFound),
            ("Gateway.NotAttached", Class::NotFound),
            ("InvalidRouteTableID.NotFound", Class::NotFound),
            ("InvalidRouteTableId.NotFound", Class::NotFound),
            ("InvalidRoute.NotFound", Class::NotFound),
            ("InvalidGatewayID.NotFound", Class::NotFound),
            ("InvalidTransitGatewayID.NotFound", Class::NotFound),
            ("InvalidParameterException", Class::Invalid),
            ("InvalidParameterValue", Class::Invalid),
            ("RouteAlreadyExists", Class::Exists),
            ("Resource.AlreadyAssociated", Class::Exists),
            ("InvalidAssociationID.NotFound", Class::NotFound),
            ("InvalidVpcEndpoint.NotFound", Class::NotFound),
            ("InvalidVpcEndpointId.NotFound", Class::NotFound),
            ("InvalidGroup.NotFound", Class::NotFound),
            ("InvalidSecurityGroupID.NotFound", Class::NotFound),
            ("InvalidGroup.Duplicate", Class::Exists),
            ("InvalidGroup.InUse", Class::Busy),
            ("InvalidPermission.Duplicate", Class::Exists),
            ("InvalidPermission.NotFound", Class::NotFound),
            ("InvalidSecurityGroupRuleId.NotFound", Class::NotFound),
            ("RulesPerSecurityGroupLimitExceeded", Class::Quota),
            ("DependencyViolation", Class::Busy),
            ("ConcurrentMutationLimitExceeded", Class::Busy),
            ("IncorrectState", Class::Busy),
            ("RequestLimitExceeded", Class::Throttled),
            ("UnauthorizedOperation", Class::Denied),
            ("DryRunOperation", Class::Invalid),
        ],
    ),
    (
        "iam",
        &[
            ("NoSuchEntity", Class::NotFound),
            ("EntityAlreadyExists", Class::Exists),
            ("DeleteConflict", Class::Busy),
            ("MalformedPolicyDocument", Class::Propagating),
            ("LimitExceeded", Class::Quota),
            ("ConcurrentModification", Class::Busy),
            ("UnmodifiableEntity", Class::Invalid),
            ("InvalidInput", Class::Invalid),
            ("ServiceFailure", Class::Transient),
            ("Throttling", Class::Throttled),
            ("AccessDenied", Class::Denied),
        ],
    ),
    (
        "kms",
        &[
            ("AlreadyExistsException", Class::Exists),
            ("NotFoundException", Class::NotFound),
            ("KMSInvalidStateException", Class::Invalid),
            ("MalformedPolicyDocumentException", Class::Propagating),
            ("LimitExceededException", Class::Quota),
            ("DependencyTimeoutException", Class::Transient),
            ("ThrottlingException", Class::Throttled),
            ("AccessDeniedException", Class::Denied),
        ],
    ),
    (
        "redshift",
        &[
            ("ClusterNotFound", Class::NotFound),
            ("ClusterAlreadyExists", Class::Exists),
            ("InvalidClusterState", Class::Busy),
            ("InsufficientClusterCapacity", Class::Capacity),
            ("ClusterQuotaExceeded", Class::Quota),
            ("NumberOfNodesQuotaExceeded", Class::Quota),
            ("NumberOfNodesPerClusterLimitExceeded", Class::Quota),
            ("ClusterParameterGroupNotFound", Class::NotFound),
            ("ClusterParameterGroupAlreadyExists", Class::Exists),
            ("InvalidClusterParameterGroupState", Class::Busy),
            ("ClusterSubnetGroupAlreadyExists", Class::Exists),
            ("ClusterSnapshotAlreadyExists", Class::Exists),
            ("SnapshotScheduleNotFound", Class::NotFound),
            ("SnapshotScheduleAlreadyExists", Class::Exists),
            ("InvalidClusterSnapshotScheduleState", Class::Busy),
            ("SnapshotScheduleUpdateInProgress", Class::Busy),
            ("UsageLimitNotFound", Class::NotFound),
            ("UsageLimitAlreadyExists", Class::Exists),
            ("ScheduledActionNotFound", Class::NotFound),
            ("ScheduledActionAlreadyExists", Class::Exists),
            ("UnsupportedOperation", Class::Invalid),
            ("InvalidSubnet", Class::Invalid),
            ("UnauthorizedOperation", Class::Denied),
            ("ClusterSubnetGroupNotFoundFault", Class::NotFound),
            ("InvalidClusterSubnetGroupStateFault", Class::Busy),
            ("InvalidVPCNetworkStateFault", Class::Invalid),
            ("SnapshotCopyAlreadyEnabledFault", Class::Exists),
            ("SnapshotCopyAlreadyDisabledFault", Class::NotFound),
            ("SnapshotCopyDisabledFault", Class::NotFound),
            ("SnapshotCopyGrantNotFoundFault", Class::NotFound),
            ("SnapshotCopyGrantAlreadyExistsFault", Class::Exists),
            ("SnapshotCopyGrantQuotaExceededFault", Class::Quota),
            ("InvalidSnapshotCopyGrantStateFault", Class::Busy),
            ("CopyToRegionDisabledFault", Class::Invalid),
            ("UnknownSnapshotCopyRegionFault", Class::Invalid),
            ("InvalidDataShareFault", Class::Invalid),
            ("InvalidNamespaceFault", Class::Invalid),
            ("ResourceNotFoundFault", Class::NotFound),
            ("TagLimitExceededFault", Class::Quota),
            ("InvalidTagFault", Class::Invalid),
            ("LimitExceededFault", Class::Quota),
            ("DependentServiceRequestThrottlingFault", Class::Throttled),
            ("DependentServiceUnavailableFault", Class::Transient),
            ("InvalidRetentionPeriodFault", Class::Invalid),
            ("Ipv6CidrBlockNotFoundFault", Class::Invalid),
            ("CustomCnameAssociationFault", Class::Invalid),
            ("UnsupportedOptionFault", Class::Invalid),
            ("SubnetAlreadyInUse", Class::Invalid),
            ("BucketNotFoundFault", Class::Invalid),
            ("InsufficientS3BucketPolicyFault", Class::Invalid),
            ("InvalidS3BucketNameFault", Class::Invalid),
            ("InvalidS3KeyPrefixFault", Class::Invalid),
            ("InvalidSchedule", Class::Invalid),
            ("InvalidUsageLimit", Class::Invalid),
            ("InvalidParameterValue", Class::Invalid),
            ("InvalidParameterCombination", Class::Invalid),
            ("Throttling", Class::Throttled),
        ],
    ),
    (
        "redshift-serverless",
        &[
            ("ResourceNotFoundException", Class::NotFound),
            ("ConflictException", Class::Busy),
            ("ValidationException", Class::Invalid),
            ("ServiceQuotaExceededException", Class::Quota),
            ("InsufficientCapacityException", Class::Capacity),
            ("InternalServerException", Class::Transient),
            ("ThrottlingException", Class::Throttled),
            ("AccessDeniedException", Class::Denied),
            ("TooManyTagsException", Class::Quota),
            ("Ipv6CidrBlockNotFoundException", Class::Invalid),
        ],
    ),
    (
        "elasticloadbalancing",
        &[
            ("LoadBalancerNotFound", Class::NotFound),
            ("TargetGroupNotFound", Class::NotFound),
            ("ListenerNotFound", Class::NotFound),
            ("DuplicateLoadBalancerName", Class::Exists),
            ("DuplicateTargetGroupName", Class::Exists),
            ("DuplicateListener", Class::Exists),
            ("ResourceInUse", Class::Busy),
            ("OperationNotPermitted", Class::Invalid),
            ("InvalidTarget", Class::Propagating),
            ("PriorityInUse", Class::Invalid),
            ("InvalidConfigurationRequest", Class::Invalid),
            ("PriorRequestNotComplete", Class::Throttled),
            ("HealthUnavailable", Class::Transient),
            ("TargetGroupAssociationLimit", Class::Quota),
            ("TooManyLoadBalancers", Class::Quota),
            ("TooManyTargetGroups", Class::Quota),
            ("TooManyListeners", Class::Quota),
            ("TooManyTargets", Class::Quota),
        ],
    ),
    ("cloudwatch", &[("LimitExceededFault", Class::Quota)]),
    ("sns", &[("InvalidParameter", Class::Invalid), ("NotFound", Class::NotFound)]),
    (
        "s3",
        &[
            ("PreconditionFailed", Class::Invalid),
            ("ConditionalRequestConflict", Class::Busy),
            ("Conflict", Class::Busy),
            ("OperationAborted", Class::Busy),
            ("BucketAlreadyOwnedByYou", Class::Exists),
            ("BucketAlreadyExists", Class::Exists),
            ("RequestTimeTooSkewed", Class::Credentials),
            ("SlowDown", Class::Throttled),
        ],
    ),
    (
        "redshift-data",
        &[
            ("ValidationException", Class::Invalid),
            ("SqlError", Class::Invalid),
            ("WarehouseNotFound", Class::NotFound),
            ("NoAdministrator", Class::Denied),
            ("ActiveStatementsExceededException", Class::Busy),
            ("ActiveSessionsExceededException", Class::Busy),
            ("ExecuteStatementException", Class::Transient),
            ("BatchExecuteStatementException", Class::Transient),
            ("ResourceNotFoundException", Class::NotFound),
            ("InternalServerException", Class::Transient),
            ("DatabaseConnectionException", Class::Transient),
            ("QueryTimeoutException", Class::Transient),
            ("ThrottlingException", Class::Throttled),
        ],
    ),
    // What aws-facts.md 0.1 always retries.
    (
        "any",
        &[
            ("Throttling", Class::Throttled),
            ("ThrottlingException", Class::Throttled),
            ("RequestLimitExceeded", Class::Throttled),
            ("TooManyRequestsException", Class::Throttled),
            ("PriorRequestNotComplete", Class::Throttled),
            ("DependentServiceRequestThrottlingFault", Class::Throttled),
            ("InternalServerException", Class::Transient),
            ("InternalFailure", Class::Transient),
            ("ServiceUnavailable", Class::Transient),
            ("ServiceFailure", Class::Transient),
            ("DependentServiceUnavailableFault", Class::Transient),
            ("DependencyTimeoutException", Class::Transient),
        ],
    ),
];

#[test]
fn every_code_is_classified_with_and_without_fault() {
    for (service, codes) in CODES {
        for (code, class) in *codes {
            let call = format!("{service}:Something");
            let bare = code.strip_suffix("Fault").unwrap_or(code);
            for spelling in [(*code).to_owned(), bare.to_owned(), format!("{bare}Fault")] {
                let fault = Fault::answered(&call, &spelling, "");
                assert_eq!((fault.class, fault.by_status), (*class, None), "{service} {spelling}");
            }
        }
    }
}

/// Whatever ends an apply says what to do; what is a service's own affair says so in words of its own.
#[test]
fn every_code_that_can_end_an_apply_has_a_cause_and_a_cure_of_its_own() {
    let reference = ui::error_reference();
    for (service, codes) in CODES {
        for (code, class) in *codes {
            let hint = ui::hint(&Fault::answered(&format!("{service}:Something"), code, ""));
            assert!(!hint.cause.is_empty() && !hint.cure.is_empty(), "{service} {code}");
            let own = matches!(
                class,
                Class::Quota | Class::Exists | Class::Busy | Class::Capacity | Class::Invalid | Class::Propagating
            );
            // A check that succeeded ends nothing.
            if own && *code != "DryRunOperation" {
                assert!(reference.contains(&format!("| `{code}`")), "{service} {code} has no row");
                let classes = ui::hint(&Fault::of(*class, "x:Y", "x", "")).cause;
                assert_ne!(hint.cause, classes, "{service} {code}");
            }
        }
    }
}

#[test]
fn a_code_nobody_knows_is_shown_as_such_and_goes_by_its_status() {
    let fault = Fault::answered("ec2:CreateVpc", "SomethingNew", "no");
    assert_eq!((fault.class, fault.by_status), (Class::Unrecognised, Some(400)));
    assert!(fault.to_string().contains("a code rsds does not know"), "{fault}");
    assert!(ui::hint(&fault).cause.contains("does not know"));
}
