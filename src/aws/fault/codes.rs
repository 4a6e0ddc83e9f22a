//! The table of codes: which class of fault AWS's words belong to.
//!
//! Read by `fault` alone. A code that stands for two things is told apart by the call, or by a fragment of the message
//! where AWS tells by nothing else. The rows come from aws-facts.md 0.1 and each service's section. Must never hold a
//! code that AWS uses for "try again" and for "no" without a row that tells them apart.

use super::Class;

/// Codes AWS uses for two things at once: the call's beginning (empty = any), the code, a fragment of the message (empty =
/// any), and the class (aws-facts.md 1.2, 2, 3, 6.1, 6.2, 10.4). They come before `BY_CODE`.
const SPECIAL: &[(&str, &str, &str, Class)] = &[
    ("", "ValidationException", "at least one snapshot exists", Class::Busy),
    ("", "ValidationException", "operation running", Class::Busy),
    ("", "ValidationException", "not authorized to assume", Class::Propagating),
    // A key on its way out counts as gone (aws-facts.md 3).
    ("", "KMSInvalidStateException", "pending deletion", Class::NotFound),
    ("", "InvalidParameterValue", "remote-ipv6-range", Class::NotFound),
    ("", "InvalidParameterValue", "must delegate access", Class::Propagating),
    // A role made moments ago (aws-facts.md 2).
    ("", "InvalidParameterValue", "IAM role", Class::Propagating),
    ("ec2:CreateRoute", "InvalidParameterException", "", Class::Propagating),
    // A secret keeps its name until it is gone, and can be had back until then.
    ("secretsmanager:CreateSecret", "InvalidRequestException", "scheduled for deletion", Class::Exists),
    // A topic of that name that is not as asked for (aws-facts.md 0.2).
    ("sns:CreateTopic", "InvalidParameter", "already exists", Class::Exists),
    // SQL has texts alone (aws-facts.md 10.5, 11).
    ("redshift-data:", "SqlError", "conflict with concurrent transaction", Class::Busy),
    ("redshift-data:", "SqlError", "being accessed by", Class::Busy),
    ("redshift-data:", "SqlError", "already exists", Class::Exists),
    ("redshift-data:", "SqlError", "duplicate", Class::Exists),
    ("redshift-data:", "SqlError", "does not exist", Class::NotFound),
    ("redshift-data:", "SqlError", "permission denied", Class::Denied),
    ("redshift-data:", "SqlError", "connect", Class::Transient),
    ("redshift-data:", "ValidationException", "connect", Class::Transient),
    // It is resized or patched; one that is paused stays so until somebody wakes it.
    ("redshift-data:", "ValidationException", "paus", Class::Invalid),
    ("redshift-data:", "ValidationException", "not available", Class::Busy),
    ("redshift-data:", "ValidationException", "endpoint doesn't exist", Class::Propagating),
    ("", "InvalidDataShareFault", "the ARN doesn't exist", Class::NotFound),
    ("", "InvalidDataShareFault", "already removed authorization", Class::NotFound),
    ("", "InvalidDataShareFault", "isn't associated with this data consumer", Class::NotFound),
];

const BY_CODE: &[(Class, &[&str])] = &[
    (
        Class::Throttled,
        &[
            "Throttling",
            "ThrottlingException",
            "ThrottledException",
            "Throttled",
            "RequestLimitExceeded",
            "RequestThrottled",
            "RequestThrottledException",
            "TooManyRequestsException",
            "PriorRequestNotComplete",
            "SlowDown",
            "EC2ThrottledException",
            "DependentServiceRequestThrottlingFault",
            "LimitExceededException.Throttle",
        ],
    ),
    (
        Class::Transient,
        &[
            "InternalServerException",
            "InternalServiceException",
            "InternalServiceError",
            "InternalFailure",
            "InternalError",
            "ServiceUnavailable",
            "ServiceUnavailableException",
            "ServiceFailure",
            "ServiceException",
            "Unavailable",
            "RequestTimeout",
            "RequestTimeoutException",
            "KMSInternalException",
            "DependencyTimeoutException",
            "DependentServiceUnavailableFault",
            "HealthUnavailable",
            "ExecuteStatementException",
            "BatchExecuteStatementException",
            "DatabaseConnectionException",
            "QueryTimeoutException",
        ],
    ),
    (
        Class::Busy,
        &[
            "DependencyViolation",
            "ConflictException",
            "Conflict",
            "IncorrectState",
            "ConcurrentMutationLimitExceeded",
            "ConcurrentModification",
            "ConcurrentModificationException",
            "ConcurrentAccess",
            "ResourceConflict",
            "StaleTag",
            "InvalidClusterState",
            "InvalidClusterParameterGroupState",
            "InvalidClusterSubnetGroupStateFault",
            "InvalidClusterSubnetStateFault",
            "InvalidClusterSnapshotState",
            "InvalidClusterSnapshotScheduleState",
            "SnapshotScheduleUpdateInProgress",
            "InvalidSnapshotCopyGrantStateFault",
            "ResourceInUse",
            "InvalidGroup.InUse",
            "DeleteConflict",
            "OperationAborted",
            "OperationAbortedException",
            "ConditionalRequestConflict",
            "ActiveStatementsExceededException",
            "ActiveSessionsExceededException",
        ],
    ),
    (Class::Capacity, &["InsufficientCapacityException", "InsufficientClusterCapacity"]),
    (Class::Propagating, &["MalformedPolicyDocument", "MalformedPolicyDocumentException", "InvalidTarget"]),
    (
        Class::NotFound,
        &[
            "WarehouseNotFound",
            "NoSuchEntity",
            "ResourceNotFoundException",
            "NotFoundException",
            "LoadBalancerNotFound",
            "TargetGroupNotFound",
            "ListenerNotFound",
            "Gateway.NotAttached",
            "ResourceNotFoundFault",
            "SnapshotCopyAlreadyDisabledFault",
            "SnapshotCopyDisabledFault",
            "NoSuchResourceException",
            "NoSuchBucket",
            "NoSuchBucketPolicy",
            "NoSuchKey",
            "NoSuchLifecycleConfiguration",
            "NoSuchPublicAccessBlockConfiguration",
            "NoSuchVersion",
            "OwnershipControlsNotFoundError",
            "ServerSideEncryptionConfigurationNotFoundError",
        ],
    ),
    (
        Class::Exists,
        &[
            "EntityAlreadyExists",
            "AlreadyExistsException",
            "ResourceAlreadyExistsException",
            "ResourceExistsException",
            "RouteAlreadyExists",
            "InvalidPermission.Duplicate",
            "InvalidGroup.Duplicate",
            "InvalidSubnet.Conflict",
            "DuplicateLoadBalancerName",
            "DuplicateTargetGroupName",
            "DuplicateListener",
            "Resource.AlreadyAssociated",
            "Resource.AlreadyAttached",
            "SnapshotCopyAlreadyEnabledFault",
            "BucketAlreadyOwnedByYou",
            "BucketAlreadyExists",
        ],
    ),
    (
        Class::Denied,
        &[
            "NoAdministrator",
            "AccessDenied",
            "AccessDeniedException",
            "UnauthorizedOperation",
            "UnauthorizedException",
            "NotAuthorized",
            "AuthorizationError",
            "DependentServiceAccessDenied",
        ],
    ),
    (
        Class::Credentials,
        &[
            "ExpiredToken",
            "ExpiredTokenException",
            "InvalidAccessKeyId",
            "InvalidClientTokenId",
            "UnrecognizedClientException",
            "AuthFailure",
            "SignatureDoesNotMatch",
            "InvalidSignatureException",
            "IncompleteSignature",
            "MissingAuthenticationToken",
            "MissingAuthenticationTokenException",
            "RequestExpired",
            "RequestTimeTooSkewed",
            "OptInRequired",
            "RegionDisabledException",
        ],
    ),
    (
        Class::Quota,
        &[
            "LimitExceeded",
            "LimitExceededException",
            "ServiceQuotaExceededException",
            "TooManyLoadBalancers",
            "TooManyTargetGroups",
            "TooManyTargets",
            "TooManyListeners",
            "TooManyTags",
            "TooManyTagsException",
            "TargetGroupAssociationLimit",
        ],
    ),
    (
        Class::Invalid,
        &[
            "SqlError",
            "ValidationException",
            "ValidationError",
            "InvalidParameterValue",
            "InvalidParameterCombination",
            "MissingParameter",
            "InvalidInput",
            "InvalidConfigurationRequest",
            "OperationNotPermitted",
            "PriorityInUse",
            "KMSInvalidStateException",
            "UnmodifiableEntity",
            "UnknownParameter",
            "InvalidParameter",
            "UnsupportedOperation",
            "UnsupportedOptionFault",
            "IncompatibleOrderableOptions",
            "SubnetAlreadyInUse",
            // They say "not found" of what the request names, not of what it is about.
            "BucketNotFoundFault",
            "Ipv6CidrBlockNotFoundFault",
            "Ipv6CidrBlockNotFoundException",
            "InsufficientS3BucketPolicyFault",
            "CopyToRegionDisabledFault",
            "UnknownSnapshotCopyRegionFault",
            "CustomCnameAssociationFault",
            // What a dry run answers when the call would have been allowed: nothing was done.
            "DryRunOperation",
            "PreconditionFailed",
        ],
    ),
];

/// Returns the class of a code; none of one that is not known.
pub(super) fn class_of(call: &str, code: &str, message: &str) -> Option<Class> {
    let special = SPECIAL
        .iter()
        .find(|(begins, c, fragment, _)| call.starts_with(begins) && *c == code && message.contains(fragment));
    if let Some((.., class)) = special {
        return Some(*class);
    }
    // Redshift spells some of its codes with `Fault` and some without (aws-facts.md 0.1).
    let bare = code.strip_suffix("Fault").unwrap_or(code);
    let is = |listed: &&str| *listed == code || listed.strip_suffix("Fault").unwrap_or(listed) == bare;
    if let Some((class, _)) = BY_CODE.iter().find(|(_, codes)| codes.iter().any(is)) {
        return Some(*class);
    }
    match bare {
        code if code.ends_with("NotFound") => Some(Class::NotFound),
        code if code.ends_with("LimitExceeded") || code.ends_with("QuotaExceeded") => Some(Class::Quota),
        code if code.ends_with("AlreadyExists") => Some(Class::Exists),
        code if code.starts_with("Invalid") => Some(Class::Invalid),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_stands_in_two_classes() {
        let bare = |code: &'static str| code.strip_suffix("Fault").unwrap_or(code);
        let all: Vec<&str> = BY_CODE.iter().flat_map(|(_, codes)| codes.iter().copied().map(bare)).collect();
        let once: std::collections::BTreeSet<&str> = all.iter().copied().collect();
        assert_eq!(all.len(), once.len());
    }

    #[test]
    fn a_message_tells_apart_what_a_code_does_not() {
        let wait = "Failed to update the RPU capacity. Wait until at least one snapshot exists and retry.";
        assert_eq!(class_of("", "ValidationException", wait), Some(Class::Busy));
        let key = "arn:aws:kms:eu-west-1:111122223333:key/k-1 is pending deletion.";
        assert_eq!(class_of("", "KMSInvalidStateException", key), Some(Class::NotFound));
        assert_eq!(class_of("", "KMSInvalidStateException", "the key is Creating"), Some(Class::Invalid));
        assert_eq!(class_of("ec2:CreateRoute", "InvalidParameterException", ""), Some(Class::Propagating));
        assert_eq!(class_of("logs:CreateLogGroup", "InvalidParameterException", ""), Some(Class::Invalid));
    }
}
