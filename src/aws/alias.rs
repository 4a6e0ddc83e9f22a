//! Kind `kms.alias`: the name of a key.
//!
//! Driven by `plan` and `apply` through the list of kinds. Must never take over an alias that is not recorded as ours
//! and points at another key: an alias carries no tags that could tell whose it is.

use super::{
    Aws, Fault, Look,
    fault::{Called, found},
    ids::KeyArn,
    lookup::place,
    named, naming,
};
use crate::kind::{Actions, Created, Field, Id, Job, Kind, Known, Live, Named, Readiness, Stage, Typical, Which};
use aws_sdk_kms::types::AliasListEntry;
use serde::{Deserialize, Serialize};

/// An alias of a KMS key.
pub struct Alias;

/// What an alias is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
// Records of earlier versions hold a field that is no more: unknown ones are let pass.
#[serde(bound = "")]
pub struct AliasSpec<S: Stage> {
    /// Its name with the prefix `alias/`, unique per account and region.
    pub name: String,
    /// The key it points at.
    pub key: S::In<KeyArn>,
}

crate::outputs!(Alias =>
    /// An alias offers nothing.
    AliasOutputs {
        at_once {}
        ready {}
    }
);

/// Returns the ARN of the key an alias points at: AWS answers the key's id alone, but both live side by side.
fn target(alias_arn: &str, key_id: &str) -> Option<KeyArn> {
    let (place, _) = alias_arn.split_once(":alias/")?;
    Some(format!("{place}:key/{key_id}").into())
}

fn live(entry: AliasListEntry) -> Option<Live<Alias>> {
    let name = entry.alias_name?;
    // Without a key it points at none, which differs from any.
    let key = entry.target_key_id.map_or(Some(KeyArn(String::new())), |id| target(&entry.alias_arn?, &id))?;
    let spec = AliasSpec { name: name.clone(), key };
    Some(Live { id: Id(name), spec, outputs: AliasOutputs {}, readiness: Readiness::Ready })
}

/// Tells whether `live` is the alias asked for: by name, and, while none is recorded, only if it points at our key.
fn fits(which: &Which<Alias>, live: &Live<Alias>) -> bool {
    match &which.id {
        Some(id) => *id == live.id,
        None => which.spec.name == live.spec.name && which.spec.key == live.spec.key,
    }
}

impl Kind for Alias {
    const NAME: &'static str = "kms.alias";
    const FIELDS: &'static [Field] = &[Field::replaces("name"), Field::updates("key").security()];
    const ACTIONS: Actions = Actions {
        read: &["kms:ListAliases"],
        create: &["kms:CreateAlias"],
        update: &["kms:UpdateAlias"],
        delete: &["kms:DeleteAlias"],
    };
    const TYPICAL: Typical = Typical { create: 1, update: 1, delete: 1 };
    const SETTLES: bool = false;
    const KEY: &'static [&'static str] = &["name"];
    const TAGGED: bool = false;
    const NAMED_BY: &'static str = "its name, `alias/...`";

    type Spec<S: Stage> = AliasSpec<S>;
    type Outputs = AliasOutputs;

    fn check_name(name: &str) -> Result<(), &'static str> {
        let good = name.strip_prefix("alias/").is_some_and(|rest| naming::made_of(rest, 1, 250, ":/_-"));
        let good = good && !name.starts_with("alias/aws/");
        good.then_some(()).ok_or(
            "`alias/` and up to 250 letters, digits, `:`, `/`, `_` and `-`, and does not start with `alias/aws/`",
        )
    }

    fn named(text: &str) -> Option<Named> {
        let name = text.find(":alias/").map_or(text, |at| &text[at + 1..]);
        name.starts_with("alias/").then(|| named::id(name))
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let pages = look.kms.list_aliases().into_paginator().items().send();
        let entries: Vec<_> = pages.collect::<Result<_, _>>().called("kms:ListAliases").await?;
        Ok(place(which, entries.into_iter().filter_map(live), fits))
    }

    async fn create(aws: &Aws, spec: &AliasSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        let call = aws.kms.create_alias().alias_name(&spec.name).target_key_id(spec.key.as_str());
        call.send().called("kms:CreateAlias").await?;
        Ok(Created { id: Id(spec.name.clone()), outputs: AliasOutputs {} })
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        let name = job.id.as_str();
        match job.step.name.as_str() {
            "set key" => {
                let call = aws.kms.update_alias().alias_name(name).target_key_id(job.spec.key.as_str());
                call.send().called("kms:UpdateAlias").await?;
            }
            "delete" => {
                found(aws.kms.delete_alias().alias_name(name).send().called("kms:DeleteAlias").await)?;
            }
            _ => return Err(Fault::unknown_step(Self::NAME, job.step)),
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;

    fn entry(name: &str, key: Option<&str>) -> Live<Alias> {
        let arn = format!("arn:aws-cn:kms:cn-north-1:111122223333:{name}");
        let entry = AliasListEntry::builder().alias_name(name).alias_arn(arn).set_target_key_id(key.map(str::to_owned));
        live(entry.build()).unwrap()
    }

    #[test]
    fn the_key_is_told_by_its_arn() {
        assert_eq!(entry("alias/a", Some("k-1")).spec.key.as_str(), "arn:aws-cn:kms:cn-north-1:111122223333:key/k-1");
        assert_eq!(entry("alias/a", None).spec.key.as_str(), "");
    }

    #[test]
    fn an_unrecorded_alias_is_ours_only_if_it_points_at_our_key() {
        let ours = entry("alias/a", Some("k-1"));
        let address = Address::new("security", "alias");
        let mut which = Which::<Alias> { address, id: None, spec: ours.spec.clone(), settling: false };
        assert!(fits(&which, &ours));
        let moved = entry("alias/a", Some("k-2"));
        assert!(!fits(&which, &moved));
        which.id = Some(Id("alias/a".to_owned()));
        assert!(fits(&which, &moved), "a recorded alias that was moved is drift, not gone");
    }
}
