//! Kind `redshift-serverless.namespace`: the databases, users and keys of a serverless warehouse.
//!
//! Driven by `plan` and `apply` through the list of kinds. Must never see the admin password (AWS keeps it in a secret
//! of its own), nor touch what lies inside the databases.

use super::{
    Aws, Class, Fault, Look,
    fault::{Called, found},
    ids::{KeyArn, NamespaceArn, NamespaceId, NamespaceName, RoleArn, SecretArn},
    named,
    namespace_role::{self, AttachedRole},
    naming, redshift, restore, serverless,
    tag_listing::{self, Confirmed},
    tags,
};
use crate::kind::{
    Actions, Blocker, Changes, Created, Field, Id, Job, Kind, Known, Live, Named, Readiness, Refusal, Stage, Step,
    Tags, Typical, Which,
};
use aws_sdk_redshiftserverless::types::{
    LogExport, Namespace as AwsNamespace, NamespaceStatus, Snapshot, SnapshotStatus, Workgroup, WorkgroupStatus,
};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::{collections::BTreeSet, sync::Arc};

/// The most namespaces one page holds.
const PAGE: i32 = 100;

/// A Redshift Serverless namespace whose admin password AWS manages.
pub struct Namespace;

/// What a namespace is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct NamespaceSpec<S: Stage> {
    /// Its name, unique per account and region.
    pub name: NamespaceName,
    /// The first database.
    pub database: String,
    /// The admin user.
    pub admin_username: String,
    /// Whether AWS makes and keeps the admin password; otherwise someone else does.
    #[serde(default = "managed")]
    pub managed_password: bool,
    /// The key its data is encrypted with; AWS's own when absent.
    pub kms_key: Option<S::In<KeyArn>>,
    /// The roles its statements may use; AWS does not let the set become empty again.
    pub roles: BTreeSet<S::In<RoleArn>>,
    /// The role that statements use which name none; one of `roles`.
    pub default_role: Option<S::In<RoleArn>>,
    /// The logs it exports: `connectionlog`, `useractivitylog`, `userlog`.
    pub log_exports: BTreeSet<String>,
    /// Whether its deletion leaves a snapshot, `<name>-final-<8 hex digits of its id>`, and `-2` and so on
    /// after it where that is taken. AWS knows nothing of it.
    pub final_snapshot: bool,
    /// The snapshot it is filled from once it has a workgroup, by name or ARN; none: it stays empty. Its first database and its
    /// admin are then the snapshot's.
    #[serde(default)]
    pub snapshot: Option<String>,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
}

crate::outputs!(Namespace =>
    /// What a namespace offers.
    NamespaceOutputs {
        at_once {
            /// The namespace's ARN; it holds the id, not the name.
            arn: NamespaceArn,
            /// The namespace's id, which data sharing goes by.
            id: NamespaceId,
        }
        ready {
            /// The namespace's name, which its workgroup goes by: AVAILABLE first (aws-facts.md 15).
            name: NamespaceName,
        }
        maybe {
            /// The secret AWS keeps the admin password in, if AWS keeps it.
            admin_secret: SecretArn,
        }
    }
);

/// What records say that are older than the field.
const fn managed() -> bool {
    true
}

/// Returns the id at the end of a namespace's ARN.
fn uuid(arn: &Id) -> &str {
    arn.as_str().rsplit('/').next().unwrap_or_default()
}

/// Names the snapshot that the deletion of a namespace leaves.
pub(crate) fn final_snapshot(name: &NamespaceName, arn: &Id) -> String {
    let hex: String = uuid(arn).chars().filter(char::is_ascii_hexdigit).take(8).collect();
    format!("{name}-final-{hex}")
}

/// Reads the snapshots of a namespace, which may be gone.
async fn snapshots(aws: &Aws, arn: &Id) -> Result<Vec<Snapshot>, Fault> {
    let pages = aws.serverless.list_snapshots().namespace_arn(arn.as_str()).into_paginator().page_size(PAGE).items();
    pages.send().collect::<Result<_, _>>().called("redshift-serverless:ListSnapshots").await
}

async fn taken_names(aws: &Aws, arn: &Id) -> Result<BTreeSet<String>, Fault> {
    Ok(snapshots(aws, arn).await?.into_iter().filter_map(|snapshot| snapshot.snapshot_name).collect())
}

fn outputs(call: &str, namespace: &AwsNamespace) -> Result<NamespaceOutputs, Fault> {
    let text = |value: &Option<String>, what| value.clone().ok_or_else(|| Fault::incomplete(call, what));
    Ok(NamespaceOutputs {
        name: namespace.namespace_name.clone().map(NamespaceName),
        arn: text(&namespace.namespace_arn, "namespaceArn")?.into(),
        id: text(&namespace.namespace_id, "namespaceId")?.into(),
        admin_secret: namespace.admin_password_secret_arn.clone().map(SecretArn),
    })
}

fn readiness(namespace: &AwsNamespace, roles: &[AttachedRole], managed_password: bool) -> Readiness {
    match &namespace.status {
        Some(NamespaceStatus::Deleting) => Readiness::Deleting(NamespaceStatus::Deleting.as_str().to_owned()),
        Some(NamespaceStatus::Available) | None => {
            let under_way = roles.iter().find_map(AttachedRole::under_way);
            let missing = managed_password && namespace.admin_password_secret_arn.is_none();
            let no_secret = || missing.then(|| "no admin secret yet".to_owned());
            match under_way.or_else(no_secret) {
                Some(why) => Readiness::Pending(format!("AVAILABLE, {why}")),
                None => Readiness::Ready,
            }
        }
        Some(status) => Readiness::Pending(status.as_str().to_owned()),
    }
}

/// Lists every namespace there is, once a look.
pub(super) async fn all(look: &Look) -> Result<Arc<Vec<AwsNamespace>>, Fault> {
    look.once("namespaces", async {
        let pages = look.serverless.list_namespaces().into_paginator().page_size(PAGE).items().send();
        pages.collect::<Result<Vec<_>, _>>().called("redshift-serverless:ListNamespaces").await
    })
    .await
}

impl Namespace {
    async fn live(
        aws: &Aws,
        confirmed: &Confirmed,
        namespace: &AwsNamespace,
        which: &Which<Self>,
    ) -> Result<Option<Live<Self>>, Fault> {
        let recorded = &which.spec;
        let outputs = outputs("redshift-serverless:ListNamespaces", namespace)?;
        let asked = std::slice::from_ref(which);
        let Some(tags) = serverless::tags_for(aws, confirmed, asked, outputs.arn.as_str()).await? else {
            return Ok(None);
        };
        let roles = namespace_role::attached(namespace.iam_roles.as_deref().unwrap_or_default());
        let database = namespace.db_name.clone().filter(|name| !name.is_empty());
        let logs = namespace.log_exports.as_deref().unwrap_or_default();
        let spec = NamespaceSpec {
            name: namespace.namespace_name.clone().unwrap_or_default().into(),
            // Empty until the first workgroup exists (aws-facts.md 6.1).
            database: database.unwrap_or_else(|| recorded.database.clone()),
            admin_username: namespace.admin_username.clone().unwrap_or_default(),
            // No answer tells the switch itself (aws-facts.md 4).
            managed_password: namespace.admin_password_secret_arn.is_some(),
            kms_key: redshift::declared_key(namespace.kms_key_id.clone(), outputs.arn.as_str()),
            roles: roles.iter().filter(|role| role.stays()).map(|role| role.arn.clone()).collect(),
            default_role: namespace.default_iam_role_arn.clone().filter(|arn| !arn.is_empty()).map(RoleArn),
            log_exports: logs.iter().map(|log| log.as_str().to_owned()).collect(),
            final_snapshot: recorded.final_snapshot,
            snapshot: recorded.snapshot.clone(),
            tags,
        };
        let readiness = readiness(namespace, &roles, recorded.managed_password);
        Ok(Some(Live { id: Id(outputs.arn.0.clone()), spec, outputs, readiness }))
    }

    async fn answer(
        aws: &Aws,
        confirmed: &Confirmed,
        which: &Which<Self>,
        all: &[AwsNamespace],
    ) -> Result<Option<Live<Self>>, Fault> {
        let asked = |namespace: &&AwsNamespace| match &which.id {
            Some(id) => namespace.namespace_arn() == Some(id.as_str()),
            None => namespace.namespace_name() == Some(which.spec.name.as_str()),
        };
        match all.iter().find(asked) {
            Some(namespace) => Self::live(aws, confirmed, namespace, which).await,
            None if which.settling && which.spec.final_snapshot => Self::last_snapshot(aws, which).await,
            None => Ok(None),
        }
    }

    /// A namespace that left a snapshot is gone when that is whole.
    async fn last_snapshot(aws: &Aws, which: &Which<Self>) -> Result<Option<Live<Self>>, Fault> {
        let Some(id) = &which.id else { return Ok(None) };
        let prefix = final_snapshot(&which.spec.name, id);
        let last = snapshots(aws, id).await?.into_iter().find(|snapshot| {
            let named = snapshot.snapshot_name().is_some_and(|name| name.starts_with(&prefix));
            named && snapshot.status() != Some(&SnapshotStatus::Available)
        });
        Ok(last.map(|snapshot| {
            let status = snapshot.status().map_or("", SnapshotStatus::as_str);
            let name = snapshot.snapshot_name().unwrap_or_default();
            let outputs = NamespaceOutputs {
                name: None,
                arn: id.as_str().to_owned().into(),
                id: uuid(id).to_owned().into(),
                admin_secret: None,
            };
            let readiness = Readiness::Deleting(format!("final snapshot {name} {status}"));
            Live { id: id.clone(), spec: which.spec.clone(), outputs, readiness }
        }))
    }
}

fn log_exports(spec: &NamespaceSpec<Known>) -> Vec<LogExport> {
    spec.log_exports.iter().map(|log| LogExport::from(log.as_str())).collect()
}

fn role_arns(spec: &NamespaceSpec<Known>) -> Vec<String> {
    spec.roles.iter().map(ToString::to_string).collect()
}

impl Kind for Namespace {
    const NAME: &'static str = "redshift-serverless.namespace";
    const FIELDS: &'static [Field] = &[
        Field::replaces("name"),
        Field::replaces("database"),
        Field::replaces("admin_username"),
        Field::updates("managed_password").security().reconnects("the admin password changes"),
        Field::updates("kms_key").security().takes(1200).notes("the data is encrypted anew in the background"),
        Field::updates("roles").security(),
        Field::updates("default_role").security(),
        Field::updates("log_exports").security(),
        Field::updates("final_snapshot").unreadable(),
        Field::updates("snapshot").once(),
    ];
    const ACTIONS: Actions = Actions {
        read: &["redshift-serverless:ListNamespaces", "redshift-serverless:ListTagsForResource"],
        create: &[
            "redshift-serverless:CreateNamespace",
            "redshift-serverless:TagResource",
            "iam:CreateServiceLinkedRole",
            "iam:PassRole",
            "kms:CreateGrant",
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:Encrypt",
            "kms:GenerateDataKey",
            "secretsmanager:CreateSecret",
            "secretsmanager:DescribeSecret",
            "secretsmanager:GetRandomPassword",
            "secretsmanager:RotateSecret",
            "secretsmanager:TagResource",
            "secretsmanager:UpdateSecret",
        ],
        update: &[
            "redshift-serverless:UpdateNamespace",
            "redshift-serverless:TagResource",
            "redshift-serverless:UntagResource",
            "iam:PassRole",
            "kms:CreateGrant",
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:Encrypt",
            "kms:GenerateDataKey",
            "secretsmanager:CreateSecret",
            "secretsmanager:GetRandomPassword",
            "secretsmanager:TagResource",
        ],
        delete: &[
            "redshift-serverless:DeleteNamespace",
            "redshift-serverless:ListSnapshots",
            "redshift-serverless:ListWorkgroups",
            "secretsmanager:DeleteSecret",
            "kms:RetireGrant",
        ],
    };
    const TYPICAL: Typical = Typical { create: 10, update: 30, delete: 120 };
    const STABLE_READS: u32 = 2;
    const KEY: &'static [&'static str] = &["name"];
    const HOLDS_DATA: bool = true;
    const RECOVERY: &'static [&'static str] = &[
        "to see whether there are snapshots: aws redshift-serverless list-snapshots --namespace-name NAME",
        "to have it made from one: name it in the TOML (`restore = { snapshot = \"...\" }` of the producer, or of the consumers), \
         and rsds apply --replace ADDRESS",
    ];
    const NAMED_BY: &'static str = "its name or ARN";

    type Spec<S: Stage> = NamespaceSpec<S>;
    type Outputs = NamespaceOutputs;

    fn check_name(name: &str) -> Result<(), &'static str> {
        naming::serverless(name)
    }

    fn named(text: &str) -> Option<Named> {
        named::arn_or_name(text, "redshift-serverless", "namespace/")
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let (all, confirmed) = tokio::try_join!(all(look), tag_listing::confirmed(look))?;
        try_join_all(which.iter().map(|question| Self::answer(look, &confirmed, question, &all))).await
    }

    async fn create(aws: &Aws, spec: &NamespaceSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        const CALL: &str = "redshift-serverless:CreateNamespace";
        let call = aws.serverless.create_namespace().namespace_name(spec.name.as_str()).db_name(&spec.database);
        let call = call.admin_username(&spec.admin_username).manage_admin_password(spec.managed_password);
        let call = call
            .set_kms_key_id(spec.kms_key.clone().map(String::from))
            .set_iam_roles(Some(role_arns(spec)).filter(|roles| !roles.is_empty()))
            .set_default_iam_role_arn(spec.default_role.clone().map(String::from))
            .set_log_exports(Some(log_exports(spec)).filter(|logs| !logs.is_empty()))
            .set_tags(Some(serverless::tag_list(spec.tags.iter().chain(&restore::pledge(spec.snapshot.as_ref())))?));
        let answer = call.send().called(CALL).await.map_err(taken)?;
        let namespace = answer.namespace.ok_or_else(|| Fault::incomplete(CALL, "namespace"))?;
        // The name counts once the namespace is AVAILABLE, whatever this answer shows.
        let outputs = NamespaceOutputs { name: None, ..outputs(CALL, &namespace)? };
        Ok(Created { id: Id(outputs.arn.0.clone()), outputs })
    }

    fn refuse(changes: &Changes) -> Option<Refusal> {
        let command = "aws redshift-serverless update-namespace --no-manage-admin-password --admin-username ... \
                       --admin-user-password ... --namespace-name NAME";
        redshift::refuse_password(changes, command)
            .or_else(|| redshift::refuse_restore(changes, "namespace"))
            .or_else(|| one_way(changes))
    }

    /// One group of settings per call, each from a settled namespace (aws-facts.md 6.1).
    fn update(changes: &Changes) -> Vec<Step> {
        let of_roles = ["roles", "default_role"].into_iter().filter(|field| changes.has(field));
        let roles = Step { fields: of_roles.map(str::to_owned).collect(), ..Step::set("roles") };
        let alone = ["kms_key", "log_exports"].into_iter().filter(|field| changes.has(field)).map(Step::set);
        let roles = Some(roles).filter(|step| !step.fields.is_empty());
        let settled = roles.into_iter().chain(alone).chain(tags::tag_steps(changes)).map(Step::settled);
        // A namespace that lacks its secret does not count as settled: this step cannot wait for that.
        let password = changes.has("managed_password").then(|| Step::set("managed_password"));
        password.into_iter().chain(settled).collect()
    }

    /// The workgroup that is associated with it.
    async fn blockers(aws: &Aws, which: &[Which<Self>]) -> Result<Vec<Vec<Blocker>>, Fault> {
        let pages = aws.serverless.list_workgroups().into_paginator().page_size(PAGE).items().send();
        let all: Vec<_> = pages.collect::<Result<_, _>>().called("redshift-serverless:ListWorkgroups").await?;
        let held = |question: &Which<Self>| {
            let own = all.iter().filter(|w| w.namespace_name() == Some(question.spec.name.as_str()));
            let blocker = |workgroup: &Workgroup| {
                let status = workgroup.status().map_or("", WorkgroupStatus::as_str);
                Blocker::new(workgroup.workgroup_name().unwrap_or_default(), format!("its workgroup, {status}"))
                    .marked(workgroup.workgroup_arn().map(str::to_owned))
                    .passing(workgroup.status() == Some(&WorkgroupStatus::Deleting))
            };
            own.map(blocker).collect()
        };
        Ok(which.iter().map(held).collect())
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        const UPDATE: &str = "redshift-serverless:UpdateNamespace";
        let spec = job.spec;
        let update = aws.serverless.update_namespace().namespace_name(spec.name.as_str());
        match job.step.name.as_str() {
            "set roles" => {
                // AWS wants both together, and an empty text to clear the default.
                let default = spec.default_role.as_ref().map_or("", RoleArn::as_str);
                let call = update.set_iam_roles(Some(role_arns(spec))).default_iam_role_arn(default);
                call.send().called(UPDATE).await?;
            }
            "set managed_password" => {
                update.manage_admin_password(spec.managed_password).send().called(UPDATE).await?;
            }
            "set kms_key" => {
                // AWS decides whether a namespace may go back to its key: a refusal is shown, data is never at stake.
                let key = spec.kms_key.as_ref().map_or(redshift::AWS_OWNED_KEY, KeyArn::as_str);
                update.kms_key_id(key).send().called(UPDATE).await?;
            }
            "set log_exports" => {
                update.set_log_exports(Some(log_exports(spec))).send().called(UPDATE).await?;
            }
            tags::SET_TAGS | tags::REMOVE_TAGS => {
                serverless::run_tags(aws, job.step, job.id.as_str(), &job.before.tags, &spec.tags).await?;
            }
            "delete" => {
                let snapshot = match spec.final_snapshot {
                    true => {
                        Some(redshift::unused(final_snapshot(&spec.name, job.id), &taken_names(aws, job.id).await?))
                    }
                    false => None,
                };
                let call = aws.serverless.delete_namespace().namespace_name(spec.name.as_str());
                let call = call.set_final_snapshot_name(snapshot);
                found(call.send().called("redshift-serverless:DeleteNamespace").await)?;
            }
            _ => return Err(Fault::unknown_step(Self::NAME, job.step)),
        }
        Ok(None)
    }
}

/// Says what AWS never takes back from a namespace: its last role, and a key of one's own (aws-facts.md 6.1). A new
/// namespace for either would lose data over a detail, so that is for a person to ask for.
fn one_way(changes: &Changes) -> Option<Refusal> {
    let none = Json::Array(Vec::new());
    let there = |field: &str| changes.before(field).is_some_and(|before| !before.is_null() && *before != none);
    let anew = "have a new namespace made, without what this one holds: rsds apply --replace ADDRESS";
    if there("roles") && changes.after("roles") == Some(&none) {
        let why = "AWS does not let a namespace give up its last role".to_owned();
        let help = format!("leave it a role (no `exists = false` for the role, no `roles = []`), or {anew}");
        return Some(Refusal { field: "roles", why, help });
    }
    if there("kms_key") && changes.after("kms_key") == Some(&Json::Null) {
        let why = "AWS does not let a namespace go back from a key of its own to one that AWS owns".to_owned();
        return Some(Refusal { field: "kms_key", why, help: format!("name a key, or {anew}") });
    }
    None
}

/// At creation the code for "busy" says that the name is taken (aws-facts.md 0.2).
fn taken(fault: Fault) -> Fault {
    let class = if fault.code == "ConflictException" { Class::Exists } else { fault.class };
    Fault { class, ..fault }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::After;
    use serde_json::json;

    const ARN: &str =
        "arn:aws:redshift-serverless:eu-west-1:111122223333:namespace/edab7045-d239-4f5f-ad98-706114608952";

    #[test]
    fn changes_of_roles_are_one_call_and_every_call_waits() {
        let change = |field: &str| (field.to_owned(), (json!(null), After::Known(json!("x"))));
        let fields = ["default_role", "final_snapshot", "kms_key", "log_exports", "roles"];
        let steps = Namespace::update(&Changes(fields.into_iter().map(change).collect()));
        let names: Vec<&str> = steps.iter().map(|step| step.name.as_str()).collect();
        assert_eq!(names, ["set roles", "set kms_key", "set log_exports"]);
        assert_eq!(steps[0].fields, ["roles", "default_role"]);
        assert!(steps.iter().all(|step| step.settled));
        assert!(Namespace::update(&Changes([change("final_snapshot")].into())).is_empty());
    }

    #[test]
    fn what_aws_never_takes_back_is_refused() {
        let refused = |field: &str, before: Json, after: Json| {
            let changes = Changes([(field.to_owned(), (before, After::Known(after)))].into());
            Namespace::refuse(&changes).map(|refusal| refusal.field)
        };
        assert_eq!(refused("roles", json!(["arn:role"]), json!([])), Some("roles"));
        assert_eq!(refused("kms_key", json!("arn:key"), json!(null)), Some("kms_key"));
        // At creation, and from none to some.
        assert_eq!(refused("roles", json!(null), json!([])), None);
        assert_eq!(refused("roles", json!([]), json!(["arn:role"])), None);
        assert_eq!(refused("kms_key", json!(null), json!("arn:key")), None);
        assert_eq!(refused("kms_key", json!("arn:key"), json!("arn:other")), None);
    }

    #[test]
    fn the_final_snapshot_is_told_apart_by_the_id() {
        assert_eq!(final_snapshot(&"reader".into(), &Id(ARN.to_owned())), "reader-final-edab7045");
    }

    #[test]
    fn a_namespace_is_ready_when_roles_and_secret_are() {
        let namespace = |status, secret: Option<&str>| {
            let builder = AwsNamespace::builder().status(status);
            builder.set_admin_password_secret_arn(secret.map(str::to_owned)).build()
        };
        let role = |status: &str| {
            namespace_role::attached(&[format!("IamRole(applyStatus={status}, iamRoleArn=arn:aws:iam::1:role/r)")])
        };
        let available = namespace(NamespaceStatus::Available, Some("arn:secret"));
        assert_eq!(readiness(&available, &role("in-sync"), true), Readiness::Ready);
        let adding = Readiness::Pending("AVAILABLE, role arn:aws:iam::1:role/r adding".to_owned());
        assert_eq!(readiness(&available, &role("adding"), true), adding);
        let bare = namespace(NamespaceStatus::Available, None);
        assert_eq!(readiness(&bare, &[], true), Readiness::Pending("AVAILABLE, no admin secret yet".to_owned()));
        assert_eq!(readiness(&bare, &[], false), Readiness::Ready);
        let going = namespace(NamespaceStatus::Deleting, None);
        assert_eq!(readiness(&going, &[], true), Readiness::Deleting("DELETING".to_owned()));
    }
}
