//! A plan in a file: what was wished, what AWS showed, what would be done, and what all of it is bound to.
//!
//! Made and redeemed by `session`, written and read by `cli`. Pure: a text in, a text out. Must never hold a secret, and
//! must never be taken for what it is not: the checksum is over all of it, and another version's is refused.

use super::{Observed, Options, PlanError, Planned};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// The version of this format. Newer ones are refused.
pub const SAVED_FORMAT: u64 = 1;
/// What `format` says before the version.
const NAME: &str = "rsds.saved-plan/";

/// What a plan holds for: the same rsds, file, place and state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// The version of rsds.
    pub rsds: String,
    /// The TOML's `project`.
    pub project: String,
    /// The environment's name.
    pub environment: String,
    /// The account of the credentials.
    pub account: String,
    /// The region.
    pub region: String,
    /// The state's lineage.
    pub lineage: String,
    /// The state's serial; 0 before the first apply.
    pub serial: u64,
    /// The digest of the effective configuration, `--set` included.
    pub config_digest: String,
    /// The digest of each file it was read from.
    pub files: BTreeMap<String, String>,
}

/// A saved plan.
#[derive(Serialize, Deserialize)]
pub struct Saved {
    /// When it was made.
    pub created: Timestamp,
    /// What it holds for.
    #[serde(flatten)]
    pub binding: Binding,
    /// The `--set` arguments it was made with.
    pub sets: Vec<String>,
    /// The other wishes it was made with.
    pub options: Options,
    /// Whether AWS was read; with `--no-refresh` the state was believed.
    pub refreshed: bool,
    /// Where the keys it names stand in the TOML.
    pub origins: BTreeMap<String, String>,
    /// What was warned of.
    pub warnings: Vec<String>,
    /// The digest of what AWS showed.
    pub observed_digest: String,
    /// The plan, and what AWS showed.
    #[serde(flatten)]
    pub planned: Planned,
}

/// Says why a text is not a plan this rsds can use.
#[derive(Debug, thiserror::Error)]
pub enum BadPlanFile {
    /// It is something else.
    #[error("it is not a saved plan: {0}")]
    Other(String),
    /// A newer rsds wrote it.
    #[error("it was written by rsds {rsds} in format {found}; this rsds {} knows formats up to {SAVED_FORMAT}", env!("CARGO_PKG_VERSION"))]
    Newer {
        /// The version that wrote it.
        rsds: String,
        /// The format found.
        found: u64,
    },
    /// It is not what rsds wrote.
    #[error("its checksum does not match: it was edited after rsds wrote it")]
    Edited,
    /// Its parts do not fit this rsds.
    #[error("it was written by rsds {rsds} and does not fit this rsds {}: {why}", env!("CARGO_PKG_VERSION"))]
    Unreadable {
        /// The version that wrote it.
        rsds: String,
        /// What does not fit.
        why: String,
    },
}

impl Saved {
    /// Returns the digest of what AWS showed.
    pub fn digest_of(observed: &Observed) -> serde_json::Result<String> {
        Ok(digest(&serde_json::to_vec(observed)?))
    }

    /// Writes it as the text of a file, its checksum included.
    pub fn to_text(&self) -> serde_json::Result<String> {
        let mut json = serde_json::to_value(self)?;
        json["format"] = format!("{NAME}{SAVED_FORMAT}").into();
        json["checksum"] = digest(&serde_json::to_vec(&json)?).into();
        Ok(serde_json::to_string_pretty(&json)? + "\n")
    }

    /// Reads what `to_text` wrote.
    pub fn parse(text: &str) -> Result<Self, BadPlanFile> {
        let other = |why: String| BadPlanFile::Other(why);
        let mut json: Json = serde_json::from_str(text).map_err(|error| other(format!("it is no JSON: {error}")))?;
        let format = json["format"].as_str().unwrap_or_default();
        let version = format.strip_prefix(NAME).and_then(|version| version.parse::<u64>().ok());
        let rsds = json["rsds"].as_str().unwrap_or("of an unknown version").to_owned();
        match version {
            None if format.starts_with("rsds.plan/") => {
                return Err(other("it is what `rsds plan --json` prints, which holds no operations".into()));
            }
            None => return Err(other(format!("its `format` is not `{NAME}{SAVED_FORMAT}`"))),
            Some(found) if found > SAVED_FORMAT => return Err(BadPlanFile::Newer { rsds, found }),
            Some(_) => {}
        }
        let claimed = json.as_object_mut().and_then(|object| object.remove("checksum"));
        let found = serde_json::to_vec(&json).map(|bytes| digest(&bytes)).map_err(|error| other(error.to_string()))?;
        if claimed.as_ref().and_then(Json::as_str) != Some(&found) {
            return Err(BadPlanFile::Edited);
        }
        let unreadable = |why: String| BadPlanFile::Unreadable { rsds: rsds.clone(), why };
        let saved: Self = serde_json::from_value(json).map_err(|error| unreadable(error.to_string()))?;
        // Nothing was lost in the reading either.
        match Self::digest_of(&saved.planned.observed) {
            Ok(digest) if digest == saved.observed_digest => Ok(saved),
            Ok(_) | Err(_) => Err(unreadable("what AWS showed reads differently now".to_owned())),
        }
    }

    /// Tells whether a text claims to be a saved plan, of whatever version: such a file may be overwritten.
    pub fn is_one(text: &str) -> bool {
        serde_json::from_str::<Json>(text)
            .is_ok_and(|json| json["format"].as_str().is_some_and(|format| format.starts_with(NAME)))
    }
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

impl Binding {
    /// Names everything that is not what it was when the plan was made, `now` being what a plan would be bound to now.
    pub fn broken(&self, now: &Self) -> Vec<PlanError> {
        let texts = [
            ("rsds", &self.rsds, &now.rsds),
            ("project", &self.project, &now.project),
            ("environment", &self.environment, &now.environment),
            ("account", &self.account, &now.account),
            ("region", &self.region, &now.region),
        ];
        let differs = texts.into_iter().filter(|(_, then, now)| then != now);
        let mut said: Vec<String> = differs
            .map(|(what, then, now)| format!("the plan was made for {what} {then}, this is {what} {now}"))
            .collect();
        if self.config_digest != now.config_digest {
            said.push(format!("the configuration is not the one that was planned: {}", self.files_that_differ(now)));
        }
        if self.lineage != now.lineage {
            said.push(format!("the plan was made for the state {}, this is the state {}", self.lineage, now.lineage));
        } else if self.serial != now.serial {
            said.push(format!(
                "the state has been written since: its serial was {} when planned and is {} now (this plan may have been \
                 applied already)",
                self.serial, now.serial
            ));
        }
        said.into_iter().map(|message| PlanError { address: None, message, help: String::new() }).collect()
    }

    fn files_that_differ(&self, now: &Self) -> String {
        let mut names: Vec<&String> = self.files.keys().chain(now.files.keys()).collect();
        names.sort();
        names.dedup();
        let differing = names.into_iter().filter_map(|name| match (self.files.get(name), now.files.get(name)) {
            (Some(then), Some(now)) if then == now => None,
            (Some(_), Some(_)) => Some(format!("{name} has changed")),
            (Some(_), None) => Some(format!("{name} is no longer read")),
            (None, _) => Some(format!("{name} was not read then")),
        });
        let differing: Vec<String> = differing.collect();
        match differing.is_empty() {
            true => "the same files say something else".to_owned(),
            false => differing.join(", "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;

    fn binding() -> Binding {
        let [rsds, project, environment, account] = ["1.0.0", "airline", "dev", "123456789012"].map(str::to_owned);
        let [region, lineage, config_digest] = ["us-west-2", "l", "sha256:1"].map(str::to_owned);
        let files =
            BTreeMap::from([("dev.toml".to_owned(), "1".to_owned()), ("common.toml".to_owned(), "2".to_owned())]);
        Binding { rsds, project, environment, account, region, lineage, serial: 7, config_digest, files }
    }

    fn saved() -> Saved {
        let plan = Plan::default();
        Saved {
            created: Timestamp::UNIX_EPOCH,
            binding: binding(),
            sets: vec!["nlb.port=5440".into()],
            options: Options { targets: vec!["nlb".parse().unwrap()], ..Options::default() },
            refreshed: true,
            origins: BTreeMap::new(),
            warnings: vec![],
            observed_digest: Saved::digest_of(&Observed::default()).unwrap(),
            planned: Planned { plan, observed: Observed::default() },
        }
    }

    #[test]
    fn what_is_written_is_read_and_nothing_else_is() {
        let text = saved().to_text().unwrap();
        assert!(text.contains("\"format\": \"rsds.saved-plan/1\"") && Saved::is_one(&text), "{text}");
        let read = Saved::parse(&text).unwrap();
        assert_eq!((&read.binding, read.options), (&binding(), saved().options));
        let why = |text: &str| Saved::parse(text).err().unwrap().to_string();
        assert!(why(&text.replace("5440", "5441")).contains("edited after rsds wrote it"));
        assert!(why(&text.replace("checksum", "chksum")).contains("edited after rsds wrote it"));
        let newer = text.replace("saved-plan/1", "saved-plan/12").replace("1.0.0", "9.9.9");
        assert!(why(&newer).contains("written by rsds 9.9.9 in format 12"), "{}", why(&newer));
        assert!(why(&text[..60]).contains("it is no JSON"));
        assert!(why("{\"format\":\"rsds.plan/1\"}").contains("`rsds plan --json` prints"));
        assert!(why("[]").contains("its `format` is not"));
        assert!(!Saved::is_one("project = \"demo\""));
    }

    #[test]
    fn reformatting_is_no_edit() {
        let text = saved().to_text().unwrap();
        let compact = serde_json::from_str::<Json>(&text).unwrap().to_string();
        assert!(Saved::parse(&compact).is_ok());
    }

    #[test]
    fn whatever_moved_is_named() {
        let now = Binding {
            rsds: "2.0.0".into(),
            account: "999999999999".into(),
            serial: 9,
            config_digest: "sha256:9".into(),
            files: BTreeMap::from([("dev.toml".to_owned(), "9".to_owned()), ("base.toml".to_owned(), "2".to_owned())]),
            ..binding()
        };
        let said: Vec<String> = binding().broken(&now).into_iter().map(|error| error.message).collect();
        assert_eq!(said.len(), 4, "{said:#?}");
        assert!(said[0].contains("rsds 1.0.0, this is rsds 2.0.0"));
        assert!(said[1].contains("account 123456789012, this is account 999999999999"));
        assert!(said[2].ends_with("base.toml was not read then, common.toml is no longer read, dev.toml has changed"));
        assert!(said[3].contains("its serial was 7 when planned and is 9 now"));
        assert!(binding().broken(&binding()).is_empty());
    }
}
