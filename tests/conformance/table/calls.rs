//! What reading costs: the calls that grow with the number of resources.

/// How often a read calls something beyond once.
pub(crate) enum Per {
    /// So often for each resource.
    Object(usize),
    /// Once for each parent, which this field names.
    Parent(&'static str),
    /// Once for one resource; of several none, for one listing tells it.
    Alone,
    /// So often for each parent, which this field names.
    Parents(usize, &'static str),
    /// As often as it takes until what was sent is over.
    Polled,
}

/// The calls of a kind's read that grow with the number of resources, and the fact that makes them.
pub(crate) fn per_object(kind: &str) -> &'static [(&'static str, Per, &'static str)] {
    const TAGS: &str = "aws-facts.md 0.3: one ListTagsForResource per object";
    match kind {
        "ec2.vpc" => &[("ec2:DescribeVpcAttribute", Per::Object(2), "1.1: one attribute of one VPC per call")],
        "iam.role" => &[("iam:GetRole", Per::Object(1), "2: one role per call; lists show no tags")],
        "iam.role-policy" => &[("iam:GetRolePolicy", Per::Object(1), "2: one policy per call")],
        "iam.role-policy-attachment" => {
            &[("iam:ListAttachedRolePolicies", Per::Parent("role"), "2: one role per call")]
        }
        "kms.key" => &[
            ("kms:DescribeKey", Per::Object(1), "3: one key per call"),
            ("kms:GetKeyRotationStatus", Per::Object(1), "3: one key per call"),
            ("kms:ListResourceTags", Per::Object(1), "0.3: one key per call"),
        ],
        "secretsmanager.secret" => {
            &[("secretsmanager:DescribeSecret", Per::Object(1), "one secret per call; lists lag by minutes")]
        }
        "cloudwatch.metric-alarm" => &[("cloudwatch:ListTagsForResource", Per::Alone, TAGS)],
        "sns.topic" => &[
            ("sns:GetTopicAttributes", Per::Object(1), "8: one topic per call"),
            ("sns:ListTagsForResource", Per::Alone, TAGS),
        ],
        "sns.subscription" => {
            &[("sns:ListSubscriptionsByTopic", Per::Parent("topic"), "8: the subscriptions of one topic per call")]
        }
        "logs.log-group" => &[("logs:ListTagsForResource", Per::Alone, "tags of one group per call")],
        "redshift-serverless.namespace" | "redshift-serverless.workgroup" => {
            &[("redshift-serverless:ListTagsForResource", Per::Alone, TAGS)]
        }
        "redshift-serverless.scheduled-action" => {
            &[("redshift-serverless:GetScheduledAction", Per::Object(1), "6.6: the list has names alone")]
        }
        "redshift.parameter-group" => {
            &[("redshift:DescribeClusterParameters", Per::Object(1), "5.2: the parameters of one group per call")]
        }
        "redshift.logging" => {
            &[("redshift:DescribeLoggingStatus", Per::Parent("cluster"), "5.4: the logging of one cluster per call")]
        }
        "redshift.snapshot-copy-grant" => &[(
            "redshift:DescribeSnapshotCopyGrants",
            Per::Parent("region"),
            "5.5: a grant lies in the region the copies go to, and is listed there",
        )],
        "elasticloadbalancing.load-balancer" => &[(
            "elasticloadbalancing:DescribeLoadBalancerAttributes",
            Per::Object(1),
            "7.1: one load balancer per call",
        )],
        "elasticloadbalancing.target-group" => &[(
            "elasticloadbalancing:DescribeTargetGroupAttributes",
            Per::Object(1),
            "7.2: attributes one group per call",
        )],
        "elasticloadbalancing.listener" => &[
            ("elasticloadbalancing:DescribeListeners", Per::Parent("load_balancer"), "7.3: per load balancer"),
            ("elasticloadbalancing:DescribeListenerAttributes", Per::Object(1), "7.3: one listener per call"),
        ],
        "elasticloadbalancing.targets" => {
            &[("elasticloadbalancing:DescribeTargetHealth", Per::Parent("target_group"), "7.4: one call per group")]
        }
        "redshift.datashare" => asked::<3>(),
        "redshift.datashare-grant" | "redshift.role-member" | "redshift.shared-database" => asked::<2>(),
        "redshift.database-role" | "redshift.database-user" | "redshift.database-usage" => asked::<1>(),
        _ => &[],
    }
}

/// Of what lives inside a warehouse: one batch of so many questions for each.
fn asked<const QUESTIONS: usize>() -> &'static [(&'static str, Per, &'static str)] {
    const WHY: &str = "10.3: each warehouse knows its own; 11: a batch is one call, its results are not";
    &const {
        [
            ("redshift-data:BatchExecuteStatement", Per::Parent("warehouse"), WHY),
            ("redshift-data:GetStatementResult", Per::Parents(QUESTIONS, "warehouse"), WHY),
            ("redshift-data:DescribeStatement", Per::Polled, WHY),
        ]
    }
}
