//! Kind `redshift.database-user`: a database user of a warehouse.
//!
//! Driven by `plan` and `apply` through the list of kinds. It carries no tags: it is ours if the state holds the intent and
//! its warehouse is ours. Must never let a password out but as a salted digest.

use super::{
    Aws, Fault, Look,
    catalogue::Catalogue,
    data_api,
    ids::{Grantee, NamespaceId, PasswordVersion},
    inside::{self, Inside},
    named, secret,
    sql::{self, identifier},
};
use crate::kind::{Actions, Created, Field, Id, Job, Kind, Known, Live, Named, Stage, Step, Typical, Which};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A database user. Its id is made of its warehouse's namespace and its name.
pub struct DatabaseUser;

/// What a user is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct DatabaseUserSpec<S: Stage> {
    /// Its name, unique in its warehouse.
    pub name: String,
    /// The namespace of the warehouse.
    pub warehouse: S::In<NamespaceId>,
    /// A database of it to connect to.
    pub connect: String,
    /// The password it logs in with; without one, only IAM lets it in.
    #[serde(default)]
    pub password: Option<S::In<PasswordVersion>>,
}

crate::outputs!(DatabaseUser =>
    /// What a user offers.
    DatabaseUserOutputs {
        at_once {
            /// Itself, as one who is granted something.
            grantee: Grantee,
        }
        ready {}
    }
);

impl Kind for DatabaseUser {
    const NAME: &'static str = "redshift.database-user";
    const FIELDS: &'static [Field] = &[
        Field::replaces("name"),
        Field::replaces("warehouse").follows(),
        Field::replaces("connect"),
        Field::updates("password").unreadable().reconnects("the next login needs the password that the secret has now"),
    ];
    const ACTIONS: Actions = Actions { update: data_api::TO_EXECUTE, ..inside::ACTIONS };
    const TYPICAL: Typical = inside::TYPICAL;
    const INSIDE: bool = true;
    const SETTLES: bool = false;
    const KEY: &'static [&'static str] = &["warehouse", "name"];
    const TAGGED: bool = false;
    const NAMED_BY: &'static str = "the warehouse's namespace id and its name, `<namespace>|<name>`";

    type Spec<S: Stage> = DatabaseUserSpec<S>;
    type Outputs = DatabaseUserOutputs;

    fn named(text: &str) -> Option<Named> {
        named::inside(text)
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        inside::read(look, which).await
    }

    async fn create(aws: &Aws, spec: &DatabaseUserSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        inside::create(aws, spec).await
    }

    fn finish(spec: &DatabaseUserSpec<Known>) -> Vec<Step> {
        // A step of its own: one that was there already, whatever made it, has another.
        spec.password.as_ref().map(|_| Step::set("password")).into_iter().collect()
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        if job.step.field() != Some("password") {
            return inside::delete(aws, job).await;
        }
        let spec = job.spec;
        let password = match &spec.password {
            Some(version) => sql::hashed(&digest(secret::password(aws, version).await?.as_bytes(), version)),
            None => sql::NO_PASSWORD.to_owned(),
        };
        let statement = format!("ALTER USER {} {password}", identifier(&spec.name));
        aws.execute(spec.warehouse.as_str(), &spec.connect, &statement).await?;
        Ok(None)
    }
}

impl Inside for DatabaseUser {
    const REPEATS: bool = false;

    fn place(spec: &DatabaseUserSpec<Known>) -> (&NamespaceId, &str) {
        (&spec.warehouse, &spec.connect)
    }

    fn made(spec: &DatabaseUserSpec<Known>) -> (Id, DatabaseUserOutputs) {
        let grantee = format!("user:{}", spec.name).into();
        (Id::of(&[spec.warehouse.as_str(), &spec.name]), DatabaseUserOutputs { grantee })
    }

    fn is_in(spec: &DatabaseUserSpec<Known>, catalogue: &Catalogue) -> bool {
        catalogue.user(&spec.name)
    }

    fn statements(spec: &DatabaseUserSpec<Known>) -> Result<(String, String), Fault> {
        let name = identifier(&spec.name);
        Ok((format!("CREATE USER {name} {}", sql::NO_PASSWORD), format!("DROP USER {name}")))
    }
}

/// Hashes a password as Redshift does: SHA-256 of it and the salt's bytes, `sha256|<digest>|<salt>`. The salt is made of
/// the version, so that every warehouse has the same.
fn digest(password: &[u8], version: &PasswordVersion) -> String {
    let salt = &Sha256::digest(version.as_str().as_bytes())[..16];
    let digest = Sha256::new().chain_update(password).chain_update(salt).finalize();
    format!("sha256|{}|{}", hex::encode(digest), hex::encode(salt))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_hashed_with_the_bytes_of_its_salt() {
        let version = PasswordVersion::from("arn#1");
        let hashed = digest(b"Secret1", &version);
        let [kind, digested, salt] = hashed.split('|').collect::<Vec<_>>()[..] else { panic!("{hashed}") };
        assert_eq!((kind, salt.len()), ("sha256", 32));
        let whole = [b"Secret1".as_slice(), &hex::decode(salt).unwrap()].concat();
        assert_eq!(digested, hex::encode(Sha256::digest(&whole)));
        assert_ne!(hashed, digest(b"Secret1", &"arn#2".into()), "each version has a salt of its own");
    }
}
