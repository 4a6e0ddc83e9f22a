//! RPUs, ports, parameters, clusters, durations.

use super::*;

/// `GOOD` with lines for the group of consumers, the first of which becomes line 8.
fn consumer(lines: &str) -> String {
    format!("{GOOD}{lines}\n")
}

/// `GOOD` with a cluster as producer: its lines start at 6.
fn cluster(lines: &str) -> String {
    with(6, &format!("type = \"cluster\"\n{lines}"))
}

#[test]
fn rpus() {
    refused(&consumer("base_capacity = 33"), &[(8, "nearest: 32 or 40")]);
    refused(&consumer("base_capacity = 520"), &[(8, "nearest: 512 or 544")]);
    refused(&consumer("max_capacity = 100"), &[(8, "nearest: 96 or 104")]);
    refused(&consumer("base_capacity = 0"), &[(8, "0 RPUs")]);
    refused(
        &consumer("base_capacity = 64\nmax_capacity = 32"),
        &[(9, "32 RPUs at most are fewer than the 64 it starts from")],
    );
    refused(&with(6, "max_capacity = 8"), &[(6, "8 RPUs at most are fewer than the 32 it starts from")]);
    let far = consumer("base_capacity = 4\nmax_capacity = 1024").replace("us-west-2", "ca-central-1");
    refused(
        &far,
        &[
            (8, "4 RPUs are not offered in ca-central-1 (the least there is 8)"),
            (9, "1024 RPUs are not offered in ca-central-1"),
        ],
    );
    good(&consumer("base_capacity = 4\nmax_capacity = 1024"));
}

#[test]
fn counts() {
    assert_eq!(good(&consumer("count = 0")).config.readers().count(), 0);
    refused(&consumer("count = -1"), &[(8, "-1 is out of bounds: from 0 to 1000")]);
    refused(&consumer("count = 99999999999999999999"), &[(8, "must be an integer, found a number")]);
    let many = good(&consumer("count = 25"));
    assert!(many.warnings()[0].message.contains("26 workgroups in all: an account has 25"), "{:?}", many.warnings());
    assert_eq!(many.warnings()[0].severity, crate::config::Severity::Warning);
}

#[test]
fn durations_have_bounds_and_units() {
    refused(&consumer("query_timeout = \"24h\""), &[(8, "`24h` is 86,400 s: the most is 86,399 s")]);
    refused(&consumer("query_timeout = \"an hour\""), &[(8, "`an hour` is not a duration")]);
    assert_eq!(
        good(&consumer("query_timeout = \"1h\"")).config.consumers["analytics"].config_parameters()["max_query_execution_time"],
        "3600"
    );
    let nlb = "[nlb]\nidle_timeout = \"30s\"\nderegistration_delay = \"2h\"\nhealth_check = { interval = \"1s\", healthy = 1, unhealthy = 11 }";
    refused(
        &consumer(nlb),
        &[
            (9, "`30s` is 30 s: the least is 60 s"),
            (10, "`2h` is 7,200 s: the most is 3,600 s"),
            (11, "`1s` is 1 s: the least is 5 s"),
            (11, "1 is out of bounds: from 2 to 10"),
            (11, "11 is out of bounds: from 2 to 10"),
        ],
    );
}

#[test]
fn ports_of_warehouses_and_of_the_balancer() {
    let text = format!("{}port = 70000\n[nlb]\nport = 5000\n", with(6, "port = 5000"));
    refused(
        &text,
        &[
            (6, "producer.port: a warehouse cannot listen on port 5000: only on 5431-5455 or 8191-8215"),
            (8, "port 70000"),
        ],
    );
    assert_eq!(good(&consumer("port = 8191\n[nlb]\nport = 5000")).config.nlb.port, 5000);
    refused(&consumer("[nlb]\nport = 0"), &[(9, "0 is out of bounds: from 1 to 65535")]);
}

#[test]
fn parameters_exist_and_do_not_contradict() {
    let text = "query_timeout = \"1h\"\n[consumers.analytics.parameters]\nrequire_ssl = true\nquery_grop = \"x\"\nmax_query_cpu_time = 3\nmax_query_execution_time = \"60\"\nauto_mv = \"yes\"\nmax_scan_row_count = \"lots\"\nsearch_path = [1]";
    refused(
        &consumer(text),
        &[
            (11, "not a parameter of Redshift Serverless (did you mean `query_group`?)"),
            (12, "AWS took this limit out of Redshift Serverless in May 2025"),
            (13, "`query_timeout` says the same"),
            (14, "`yes` is neither `true` nor `false`"),
            (15, "`lots` is not a whole number"),
            (16, "must be a string, an integer or a boolean, found an array"),
        ],
    );
    refused(&consumer("parameters = { max_query_execution_time = 86400 }"), &[(8, "86,400 s: the most is 86,399 s")]);
    let wlm = "query_timeout = \"1h\"\nparameters = { wlm_json_configuration = \"[]\", max_query_queue_time = 5 }";
    refused(
        &consumer(wlm),
        &[(9, "`query_timeout` is such a limit"), (9, "either query limits or `wlm_json_configuration`")],
    );
    refused(&consumer("parameters = { wlm_json_configuration = \"[\" }"), &[(8, "not JSON")]);
    good(&consumer("parameters = { require_ssl = \"true\", max_io_skew = \"1.5\" }"));
}

#[test]
fn what_only_a_cluster_has() {
    let text = with(
        6,
        "node_type = \"ra3.xlplus\"\nmulti_az = false\nmaintenance_window = \"sun:08:00-sun:08:30\"\npause = { stop = \"cron(0 20 ? * * *)\", start = \"cron(0 7 ? * * *)\" }",
    );
    refused(
        &text,
        &[
            (6, "producer.node_type: only a cluster has this, and the producer is serverless"),
            (7, "producer.multi_az: only a cluster has this"),
            (8, "producer.maintenance_window: only a cluster has this"),
            (9, "producer.pause: only a cluster has this"),
        ],
    );
    refused(&cluster("base_capacity = 8"), &[(7, "only serverless has this, and the producer is a cluster")]);
    for copies in
        [cluster("snapshot_copy = { region = \"us-east-1\" }"), with(6, "snapshot_copy.region = \"us-east-1\"")]
    {
        let environment = good(&copies);
        assert!(environment.unsupported.is_empty() && environment.warnings().is_empty());
    }
}

#[test]
fn snapshots_are_scheduled_as_the_form_of_the_producer_has_it() {
    for schedule in ["rate(12 hours)", "cron(30 12 *)", "cron(0 3 MON-FRI)"] {
        good(&cluster(&format!("snapshot_schedule = \"{schedule}\"")));
    }
    for (schedule, why) in [
        ("cron(0 3 ? * SUN *)", "three fields"),
        ("at(2030-01-02T03:04:05)", "comes once"),
        ("cron(0,30 3 *)", "more than once an hour"),
        ("rate(12 minutes)", "a number of hours"),
    ] {
        refused(&cluster(&format!("snapshot_schedule = \"{schedule}\"")), &[(7, why)]);
    }
    good(&with(6, "snapshot_schedule = \"cron(0 3 ? * SUN *)\"\nsnapshot_retention = \"14d\""));
    for (line, why) in [
        ("snapshot_schedule = \"rate(12 hours)\"", "takes no `rate(...)`"),
        ("snapshot_schedule = \"cron(30 12 *)\"", "six fields"),
    ] {
        refused(&with(6, line), &[(6, why)]);
    }
    let idle = good(&with(6, "snapshot_retention = \"14d\""));
    assert!(idle.warnings()[0].message.contains("only by `snapshot_schedule`"));
}

#[test]
fn nodes_of_a_cluster() {
    let case = |lines: &str, expected: (usize, &str)| {
        let problems = dev(&cluster(lines)).map(drop).unwrap_err();
        let found =
            problems.0.iter().any(|problem| line_of(problem) == expected.0 && problem.to_string().contains(expected.1));
        assert!(found, "{}", problems.render(false, 120));
    };
    case("node_type = \"dc2.large\"", (7, "`dc2.large` cannot share data"));
    case("node_type = \"ra3.xplus\"", (7, "did you mean `ra3.xlplus`?"));
    case("node_type = \"ra3.4xlarge\"\nnode_count = 1", (8, "ra3.4xlarge cannot be a single node: at least 2"));
    case("node_count = 33", (7, "33 nodes of ra3.xlplus: at most 32"));
    let grown = good(&cluster("node_count = 17"));
    assert!(grown.warnings()[0].message.contains("17 nodes of ra3.xlplus: at most 16 at create"));
    case("node_count = 1\nmulti_az = true", (8, "at least 2 nodes in each"));
    case("multi_az = true\navailability_zone_relocation = true", (8, "cannot be relocated"));
    case("snapshot_retention = \"36d\"", (7, "the most is 3,024,000 s"));
    case("snapshot_copy = { region = \"us-west-2\" }", (7, "the estate's own region"));
    case("snapshot_copy = { region = \"us-east-1\", retention = \"36d\" }", (7, "the most is 3,024,000 s"));
    case("snapshot_copy = { region = \"us-east-1\", retention = \"12h\" }", (7, "the least is 86,400 s"));
    case("snapshot_copy = { retention = \"3d\" }", (7, "`region`"));
    for (arn, why) in [
        ("arn:aws:kms:us-west-2:123456789012:key/k-1", "the key is in us-west-2, and the copies go to us-east-1"),
        ("arn:aws:kms:us-east-1:123456789012:alias/a", "not the ARN of a key"),
    ] {
        let copy = format!("snapshot_copy.region = \"us-east-1\"\nsnapshot_copy.kms_key_arn = \"{arn}\"");
        case(&copy, (8, why));
    }
    case("pause = { stop = \"at night\", start = \"cron(0 7 ? * MON-FRI *)\" }", (7, "`at night` is not a schedule"));
    case("pause = { stop = \"rate(12 hours)\", start = \"cron(0 7 ? * MON *)\" }", (7, "`cron(...)` of six fields"));
    case("pause = { stop = \"cron(0,30 20 ? * * *)\", start = \"cron(0 7 ? * * *)\" }", (7, "more than once an hour"));
    case("pause = { stop = \"cron(0 20 31 6 ? *)\", start = \"cron(0 7 ? * * *)\" }", (7, "there is no such day"));
    case("pause = { stop = \"cron(0 20 ? * * *)\", start = \"cron(30 20 ? * FRI *)\" }", (7, "within an hour"));
    case("pause = { stop = \"cron(0 20 ? * * *)\" }", (7, "`start`"));
    good(&cluster("pause = { stop = \"cron(0 20 ? * MON-FRI *)\", start = \"cron(0 7 ? * MON-FRI *)\" }"));
    case("maintenance_window = \"sun:08:00-sun:08:10\"", (7, "between 30 minutes and 24 hours"));
}

#[test]
fn parameters_of_a_cluster_exist() {
    let lines = "logging = [\"useractivitylog\"]\n[producer.parameters]\nrequire_sll = true\nauto_analyze = \"yes\"\nmax_concurrency_scaling_clusters = 11\nstatement_timeout = \"soon\"\nuse_fips_ssl = true";
    refused(
        &cluster(lines),
        &[
            (9, "not a parameter of a cluster (did you mean `require_ssl`?)"),
            (10, "`yes` is neither `true` nor `false`"),
            (11, "11 is out of bounds: from 0 to 10"),
            (12, "`soon` is not a whole number"),
        ],
    );
    let silent = good(&cluster("logging = [\"useractivitylog\"]"));
    assert!(silent.warnings()[0].message.contains("`useractivitylog` stays empty"));
    let both = "logging = [\"useractivitylog\"]\nparameters = { enable_user_activity_logging = true }";
    assert!(good(&cluster(both)).warnings().is_empty());
}

#[test]
fn a_mistyped_key_is_one_mistake() {
    refused(&with(6, "base_capcity = 8\nmax_capacity = 16"), &[(6, "did you mean `base_capacity`?")]);
    let both = "base_capacity = 64\nbase_capcity = 8\nmax_capacity = 16";
    refused(&with(6, both), &[(7, "unknown key `base_capcity`"), (8, "16 RPUs at most are fewer than the 64")]);
}

#[test]
fn usage_limits_belong_to_a_form_of_the_producer() {
    let limits = "usage_limits = [{ feature = \"spectrum\", amount = 5 }, { feature = \"spectrum\", amount = 9, action = \"deactivate\" }, { feature = \"spectrum\", period = \"daily\", amount = 1 }]";
    refused(&cluster(limits), &[(7, "there is a monthly limit of `spectrum` already")]);
    refused(
        &with(6, "usage_limits = [{ feature = \"spectrum\", amount = 5 }]"),
        &[(6, "only a cluster has `spectrum`")],
    );
    let compute = "usage_limits = [{ feature = \"serverless-compute\", amount = 0, period = \"yearly\" }]";
    refused(
        &cluster(compute),
        &[(7, "only serverless has `serverless-compute`"), (7, "0 is out of bounds"), (7, "`yearly` is not one of")],
    );
    refused(
        &cluster("usage_limits = [{ feature = \"spectrun\" }]"),
        &[(7, "no key `amount`"), (7, "did you mean `spectrum`?")],
    );
    good(&cluster("usage_limits = [{ feature = \"concurrency-scaling\", amount = 60 }]"));
}

#[test]
fn logs_and_usage_limits_take_known_words() {
    refused(&consumer("log_exports = [\"userlog\", \"querylog\"]"), &[(8, "`querylog` is not one of")]);
    refused(
        &with(6, "logging = \"userlog\""),
        &[(6, "must be an array of strings, found a string (write `[\"userlog\"]`)")],
    );
    let limit = consumer("usage_limit = { period = \"yearly\", rpu_hours = 0, action = \"stop\" }");
    refused(&limit, &[(8, "`yearly` is not one of"), (8, "0 is out of bounds"), (8, "`stop` is not one of")]);
}

#[test]
fn keys_of_ones_own() {
    let arn = |rest: &str| with(6, &format!("kms_key_arn = \"arn:aws:kms:{rest}\""));
    refused(&arn("eu-west-1:123456789012:key/abc"), &[(6, "the key is in eu-west-1, and the estate in us-west-2")]);
    refused(&arn("us-west-2:123456789012:alias/abc"), &[(6, "an alias is not enough")]);
    refused(&arn("us-west-2:12:key/abc"), &[(6, "is not an ARN of kms")]);
    good(&arn("us-west-2:123456789012:key/abc"));
}
