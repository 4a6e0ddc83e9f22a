//! Names that must exist, names inside the database, shares, tags, state, protect, monitoring, resources.

use super::*;

fn and(lines: &str) -> String {
    format!("{GOOD}{lines}\n")
}

#[test]
fn listeners_name_groups_behind_the_balancer_on_ports_of_their_own() {
    let text = and(
        "[consumers.hidden]\nbehind_nlb = false\n[[nlb.listeners]]\nport = 5439\nconsumers = [\"hidden\"]\n[[nlb.listeners]]\nport = 5440\nconsumers = [\"analytcs\"]\n[[nlb.listeners]]\nport = 5440\nconsumers = []",
    );
    refused(
        &text,
        &[
            (11, "port 5439 has a listener already"),
            (12, "the group `hidden` is not behind the load balancer"),
            (15, "there is no consumer group `analytcs` (did you mean `analytics`?)"),
            (17, "port 5440 has a listener already"),
            (18, "at least one consumer group"),
        ],
    );
}

#[test]
fn groups_behind_one_port_have_one_database() {
    let said = |lines: &str| good(&and(lines)).warnings().iter().map(ToString::to_string).collect::<Vec<_>>();
    let other = "[consumers.reporting]\ndatabase = \"reports\"";
    let warned = said(other);
    assert_eq!(warned.len(), 1, "{warned:?}");
    assert!(warned[0].contains("`reports` here and `dev` in `analytics`: a client of the load balancer's port 5439"));
    assert_eq!(said(&format!("{other}\nbehind_nlb = false")), [""; 0]);
    assert_eq!(said(&format!("{other}\ncount = 0")), [""; 0]);
}

#[test]
fn too_many_listeners() {
    let list: Vec<String> =
        (0..50).map(|n| format!("{{ port = {}, consumers = [\"analytics\"] }}", 6000 + n)).collect();
    refused(
        &and(&format!("[nlb]\nlisteners = [{}]", list.join(", "))),
        &[(9, "51 listeners with the one on `nlb.port`")],
    );
}

#[test]
fn names_in_sql() {
    let text = and(
        "[datashares.sales]\nschemas = [\"a\\\"b; DROP\", \"select\"]\ntables = [\"dim_date\", \"public.Dim\"]\ndatabase = \"template0\"\n[users.\"Bob\"]\n[roles.\"x y\"]",
    );
    refused(
        &text,
        &[
            (9, "`a\"b; DROP` is not a name rsds puts into SQL"),
            (9, "`select` is a reserved word of Redshift"),
            (10, "`dim_date` names no schema (write `public.dim_date`"),
            (10, "`Dim` is not a name"),
            (11, "Redshift keeps the database `template0` for itself"),
            (12, "`Bob` is not a name rsds puts into SQL"),
            (13, "`x y` is not a name rsds puts into SQL"),
        ],
    );
    refused(
        &with(6, &format!("database = \"{}\"\nadmin_username = \"1st\"", "d".repeat(65))),
        &[(6, "has 65 characters: the most is 64"), (7, "`1st` is not a name")],
    );
}

#[test]
fn shares_users_and_roles_refer_to_what_is_there() {
    let text = and(
        "[datashares.sales]\nschemas = [\"sales\"]\nconsumers = [\"analitics\"]\ngrant_to = [\"role:analyst\", \"bob\"]\n[users.bob]\ngrants = [\"sale\"]\n[users.awsuser]\n[roles.bob]\nmembers = [\"user:bb\", \"role:bob\"]",
    );
    refused(
        &text,
        &[
            (10, "there is no consumer group `analitics` (did you mean `analytics`?)"),
            (11, "`bob` is neither `user:NAME` nor `role:NAME`"),
            (13, "there is no data share `sale` (did you mean `sales`?)"),
            (14, "the admin user of a warehouse"),
            (15, "there is a user of the same name"),
            (16, "there is no user `bb`"),
            (16, "a role cannot have itself"),
        ],
    );
    refused(
        &and("[datashares.sales]\nschemas = [\"sales\"]\ngrant_to = [\"role:analyst\"]"),
        &[(10, "there is no role `analyst` (declare it as `[roles.analyst]`)")],
    );
}

#[test]
fn shared_databases_do_not_collide() {
    let text = and(
        "database = \"sales\"\n[datashares.sales]\nschemas = [\"sales\"]\n[datashares.one]\nschemas = [\"a\"]\ndatabase = \"db\"\n[datashares.two]\ntables = [\"a.b\"]\ndatabase = \"db\"\n[datashares.none]",
    );
    refused(
        &text,
        &[
            (9, "`sales` is the own database of the group `analytics`"),
            (16, "the share `one` makes a database `db` on the group `analytics` too"),
            (17, "the share holds nothing"),
        ],
    );
}

#[test]
fn what_is_in_another_accounts_share_is_not_said_here() {
    const GUID: &str = "2f6c1b9e-5d3a-4c70-9b1e-210987654321";
    let lines = format!(
        "[datashares.sales]\naccount = \"210987654321\"\nnamespace = \"{}\"\nschemas = [\"a\"]\npublicly_accessible = true\n\
         [datashares.short]\naccount = \"12\"\n\
         [datashares.third]\nnamespace = \"{GUID}\"\nschemas = [\"a\"]\n\
         [datashares.mine]\naccount = \"123456789012\"\nnamespace = \"{GUID}\"\n\
         [datashares.half]\naccount = \"210987654321\"\nconsumers = [\"analitics\"]\ndatabase = \"dev\"\n\
         [datashares.word]\naccount = \"210987654321\"\nnamespace = \"the-guid\"\naccounts = [\"210987654321\"]",
        GUID.to_uppercase()
    );
    refused(
        &format!("account = \"123456789012\"\n{}", and(&lines)),
        &[
            (11, "is not the id of a namespace (in small letters: `2f6c1b9e-5d3a-4c70-9b1e-210987654321`)"),
            (12, "schemas: the share is of another account (`account`), and what is in it is its producer's to say"),
            (13, "publicly_accessible: the share is of another account"),
            (15, "`12` is not an account number"),
            (17, "only a share of another account has this (say whose it is: `account`)"),
            (20, "123456789012 is the estate's own account (`account`)"),
            (23, "whose share it is takes the id of its producer's namespace, too"),
            (24, "there is no consumer group `analitics` (did you mean `analytics`?)"),
            (28, "`the-guid` is not the id of a namespace (its producer tells it: `SELECT current_namespace`"),
            (29, "accounts: the share is of another account"),
        ],
    );
    let sound = format!("[datashares.sales]\naccount = \"210987654321\"\nnamespace = \"{GUID}\"");
    let closed = GOOD.replace("[producer]", "[producer]\nadmin_password = \"external\"");
    assert_eq!(good(&and(&sound)).warnings().len() + good(&format!("{closed}{sound}\n")).warnings().len(), 0);
    // The own database of a group is nobody's share, whosever it is.
    refused(
        &and(&format!("{sound}\ndatabase = \"dev\"")),
        &[(11, "`dev` is the own database of the group `analytics`")],
    );
}

#[test]
fn public_consumers_need_public_shares() {
    let text = and("publicly_accessible = true\n[datashares.sales]\nschemas = [\"sales\"]")
        .replace("[networking]", "[networking]\ninternet_gateway = true");
    refused(&text, &[(10, "the group `analytics` is publicly accessible, and AWS denies it a share that is not")]);
    good(&format!("{text}publicly_accessible = true\n"));
}

#[test]
fn what_rsds_leaves_to_people_is_warned_of() {
    let said = |lines: &str| good(&and(lines)).warnings().iter().map(ToString::to_string).collect::<Vec<_>>();
    let shared = "[datashares.s]\nschemas = [\"a\"]\n[roles.r]";
    assert_eq!(said(shared), [""; 0]);
    assert_eq!(said(&format!("{shared}\n[users.u]")), [""; 0]);
    let closed = GOOD.replace("[producer]", "[producer]\nadmin_password = \"external\"");
    let warned: Vec<String> = good(&format!("{closed}{shared}\n")).warnings().iter().map(ToString::to_string).collect();
    assert!(warned.len() == 1 && warned[0].contains("rsds has no way into a producer"), "{warned:?}");
}

#[test]
fn what_consumers_behind_one_port_do_not_have_alike_is_warned_of() {
    let other = "[consumers.other]\ndatabase = \"elsewhere\"\nparameters = { search_path = \"a\" }\n";
    let only = "[datashares.s]\nschemas = [\"a\"]\nconsumers = [\"other\"]\n";
    let said = |lines: &str| good(&and(lines)).warnings().iter().map(ToString::to_string).collect::<Vec<_>>();
    let told = said(&format!("{other}{only}"));
    let lands = ": a client of the load balancer's port 5439 may land on either";
    let differences = [
        "`elsewhere` here and `dev` in `analytics`",
        "`a` here and Redshift's own value in `analytics`",
        "the shares `s` here and no share in `analytics`",
    ];
    assert_eq!(told.len(), differences.len(), "{told:?}");
    for difference in differences {
        assert!(told.iter().any(|told| told.contains(&format!("{difference}{lands}"))), "{told:?}");
    }
    assert_eq!(said(&format!("{other}behind_nlb = false\n{only}")), [""; 0]);
}

#[test]
fn tags() {
    let long = "v".repeat(257);
    let text =
        and(&format!("[tags]\n\"aws:x\" = \"1\"\n\"rsds:y\" = \"2\"\nteam = 3\nnote = \"{long}\"\nbad = \"a;b\""));
    refused(
        &text,
        &[
            (9, "starts with `aws:`, which belongs to AWS"),
            (10, "starts with `rsds:`, which belongs to rsds"),
            (11, "`tags.team` must be a string, found an integer (write `\"3\"`)"),
            (12, "has 257 characters: between 0 and 256"),
            (13, "a character AWS does not take in tags: `;`"),
        ],
    );
    let many: String = (0..41).map(|n| format!("t{n} = \"x\"\n")).collect();
    refused(&and(&format!("[tags]\n{many}")), &[(8, "41 tags: at most 40")]);
}

#[test]
fn state() {
    refused(&and("[state]\nbackend = \"s3\""), &[(9, "the `s3` backend needs a `bucket`")]);
    refused(&and("[state]\nbucket = \"b-1\""), &[(9, "only the `s3` backend has this")]);
    refused(&and("[state]\nbackend = \"s4\""), &[(9, "`s4` is not one of `local`, `s3`")]);
    refused(&and("[state]\nbackend = \"s3\"\nbucket = \"b-*\""), &[(10, "`b-*` is not a bucket name")]);
    let environment = good(&and("[state]\nbackend = \"s3\"\nbucket = \"b-1\""));
    assert_eq!(serde_json::to_value(&environment.config.state).unwrap()["key"], "rsds/airline/dev/state.json");
    assert_eq!(environment.unsupported.len(), 0);
}

#[test]
fn protect() {
    refused(
        &and("[protect]\naddresses = [\"a/b/c\", \"Producer\"]"),
        &[(9, "`a/b/c` is not an address"), (9, "`Producer` is not an address")],
    );
    let environment =
        good(&and("[protect]\naddresses = [\"prodcer\", \"consumer-*\", \"consumer-analytics-1/workgroup\"]"));
    assert_eq!(environment.warnings().len(), 1);
    assert!(environment.warnings()[0].to_string().contains("did you mean `producer`?"));
}

#[test]
fn monitoring_and_resources() {
    let text = and(
        "[monitoring]\nnotify = [\"nobody\"]\ntopic_arn = \"arn:aws:sns:us-west-2:123456789012:t\"\nthresholds = { cluster_disk_percnt = 80, cluster_cpu_percent = 101 }",
    );
    refused(
        &text,
        &[
            (9, "`nobody` is not a mail address"),
            (11, "did you mean `cluster_disk_percent`?"),
            (11, "101 is out of bounds"),
        ],
    );
    let both = and("[monitoring]\nnotify = [\"a@example.com\"]\ntopic_arn = \"arn:aws:sns:us-west-2:123456789012:t\"");
    refused(&both, &[(10, "either mail addresses (`notify`) or a topic")]);
    refused(
        &and("[monitoring]\ntopic_arn = \"arn:aws:sns:eu-west-1:123456789012:oncall\""),
        &[(9, "the topic oncall is in eu-west-1, and the estate in us-west-2")],
    );
    let subscription = "arn:aws:sns:us-west-2:123456789012:oncall:0f7c5d2e";
    refused(&and(&format!("[monitoring]\ntopic_arn = \"{subscription}\"")), &[(9, "not the ARN of a topic")]);
    let silent = good(&and("[monitoring]\nalarms = true"));
    assert!(silent.warnings()[0].to_string().contains("the alarms tell nobody"));
    for heard in
        ["notify = [\"a@example.com\"]", "topic_arn = \"arn:aws:sns:us-west-2:123456789012:t\"", "alarms = false"]
    {
        assert!(good(&and(&format!("[monitoring]\n{heard}"))).warnings().is_empty(), "{heard}");
    }
    refused(
        &and("[resources.\"consumer-*\"]\nname = 3"),
        &[(8, "is not the address of one resource"), (9, "must be a string")],
    );
    let environment =
        good(&and("[resources.\"producer/workgroup\"]\nname = \"wg\"\nignore_changes = [\"parameters\"]\nport = 5440"));
    let resource = &environment.config.resources["producer/workgroup"];
    assert_eq!((resource.name.as_deref(), &resource.fields["port"]), (Some("wg"), &5440.into()));
}

#[test]
fn a_domain_is_the_name_of_a_host_with_a_certificate_from_here() {
    let domain =
        |name: &str, arn: &str| and(&format!("[nlb.custom_domain]\nname = \"{name}\"\ncertificate_arn = \"{arn}\""));
    let arn = "arn:aws:acm:us-west-2:123456789012:certificate/c-1";
    let environment = good(&domain("dwh.example.com", arn));
    assert!(environment.unsupported.is_empty() && environment.warnings().is_empty());
    for (name, why) in [
        ("https://dwh.example.com", "the label `https://dwh` is not made of letters and digits"),
        ("dwh", "it has no dot"),
        ("*.example.com", "the label `*`"),
        ("DWH.example.com", "lower case"),
        (&format!("{}.example.com", "d".repeat(64)), "has 64 characters"),
    ] {
        refused(&domain(name, arn), &[(9, why)]);
    }
    // Alone it is not too long, under it a consumer's is.
    let long = format!("{}.example.com", ["d".repeat(57), "e".repeat(60), "f".repeat(60), "g".repeat(60)].join("."));
    assert_eq!(long.len(), 252);
    refused(&domain(&long, arn), &[(9, "the own name of consumer-analytics-1 would be no name of a host")]);
    good(&format!(
        "{}[resources.\"consumer-analytics-1/custom-domain\"]\nname = \"a.example.com\"\n",
        domain(&long, arn)
    ));
    refused(
        &domain("dwh.example.com", &arn.replace("us-west-2", "us-east-1")),
        &[(10, "the certificate is in us-east-1")],
    );
    refused(&domain("dwh.example.com", &arn.replace(":acm:", ":iam:")), &[(10, "is not an ARN of acm")]);
    refused(&domain("dwh.example.com", &arn.replace("certificate/", "key/")), &[(10, "not the ARN of a certificate")]);
    let other = format!("account = \"210987654321\"\n{}", domain("dwh.example.com", arn));
    refused(&other, &[(11, "the certificate is in the account 123456789012")]);
    refused(&and("[nlb.custom_domain]\nname = \"dwh.example.com\""), &[(8, "certificate_arn")]);
    let nobody =
        domain("dwh.example.com", arn).replace("[consumers.analytics]", "[consumers.analytics]\nbehind_nlb = false");
    let said: Vec<String> = good(&nobody).warnings().iter().map(ToString::to_string).collect();
    assert!(matches!(said.as_slice(), [one] if one.contains("no group is behind the load balancer")), "{said:?}");
}
