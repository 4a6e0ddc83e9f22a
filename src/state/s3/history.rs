//! Former states in S3: before-images of runs as objects beside the state, single writes as versions of its object.
//!
//! Called by `S3Store`. Must never delete a version: the bucket's lifecycle does.

use super::{
    super::{
        envelope,
        format::State,
        store::{COMMITS_KEPT, Image, Past, RUNS_KEPT, StoreError},
    },
    S3Store,
    objects::{If, PATIENCE, moment},
};
use crate::aws::{Fault, fault::Called as _};

const RUN: &str = "run-";
const VERSION: &str = "version-";

impl S3Store {
    fn history_prefix(&self) -> String {
        format!("{}.history/", self.objects.place.key)
    }

    /// Puts a state aside under the number of the write that comes next, and forgets the oldest of those.
    pub(super) async fn put_aside(&self, before: &State) -> Result<(), StoreError> {
        let bytes = envelope::seal(before).map_err(|error| self.io("keep", error.to_string()))?;
        let key = format!("{}{RUN}{:010}.json", self.history_prefix(), before.serial + 1);
        let put = async || self.objects.put(&key, &bytes, If::Nothing).await;
        let kept = async {
            self.objects.patiently(PATIENCE, put).await?;
            let mut old = self.images().await?;
            old.sort_by(|one, other| other.name.cmp(&one.name));
            for past in old.into_iter().skip(RUNS_KEPT) {
                let key = format!("{}{}", self.history_prefix(), past.name);
                let delete = self.objects.client().await?.delete_object().bucket(&self.objects.place.bucket).key(key);
                delete.send().called("s3:DeleteObject").await?;
            }
            Ok::<(), Fault>(())
        };
        kept.await.map_err(|fault| self.fault("keep", &fault))
    }

    /// Before-images of runs.
    async fn images(&self) -> Result<Vec<Past>, Fault> {
        const CALL: &str = "s3:ListObjectsV2";
        let prefix = self.history_prefix();
        // One page holds a thousand, and thirty are kept.
        let list = async || {
            let list = self.objects.client().await?.list_objects_v2().bucket(&self.objects.place.bucket);
            list.prefix(&prefix).send().called(CALL).await
        };
        let found = self.objects.patiently(PATIENCE, list).await?;
        let past = found.contents.unwrap_or_default().into_iter().filter_map(|object| {
            let name = object.key?.strip_prefix(&prefix)?.to_owned();
            Some(Past { name, of: Image::BeforeRun, at: moment(object.last_modified.as_ref()?)? })
        });
        Ok(past.filter(|past| past.name.starts_with(RUN)).collect())
    }

    /// The last versions of the state's object but the current one.
    async fn versions(&self) -> Result<Vec<Past>, Fault> {
        const CALL: &str = "s3:ListObjectVersions";
        let place = &self.objects.place;
        // Versions come by key, newest first, and no key with this prefix sorts before it.
        let most = i32::try_from(COMMITS_KEPT).unwrap_or(10) + 1;
        let list = async || {
            let list = self.objects.client().await?.list_object_versions().bucket(&place.bucket);
            list.prefix(&place.key).max_keys(most).send().called(CALL).await
        };
        let found = self.objects.patiently(PATIENCE, list).await?;
        let past = found.versions.unwrap_or_default().into_iter().filter_map(|version| {
            let former = version.key.as_deref() == Some(place.key.as_str()) && version.is_latest != Some(true);
            let name = version.version_id.filter(|_| former)?;
            let at = moment(version.last_modified.as_ref()?)?;
            Some(Past { name: format!("{VERSION}{name}"), of: Image::BeforeCommit, at })
        });
        Ok(past.collect())
    }

    /// Lists what can be gone back to, newest first.
    pub(super) async fn all_past(&self) -> Result<Vec<Past>, Fault> {
        let mut past = self.versions().await?;
        past.extend(self.images().await?);
        past.sort_by_key(|past| std::cmp::Reverse(past.at));
        Ok(past)
    }

    /// Reads a former state.
    pub(super) async fn one_past(&self, name: &str) -> Result<State, StoreError> {
        let (key, version) = match name.strip_prefix(VERSION) {
            Some(version) => (self.objects.place.key.clone(), Some(version)),
            None => (format!("{}{name}", self.history_prefix()), None),
        };
        let place = format!("s3://{}/{key}", self.objects.place.bucket);
        let absent =
            || StoreError::Io { verb: "read", place: place.clone(), why: "there is no such former state".to_owned() };
        if version.is_none() && !name.starts_with(RUN) {
            return Err(absent());
        }
        let get = async || self.objects.get(&key, version).await;
        let found = self.objects.patiently(PATIENCE, get).await.map_err(|fault| self.fault("read", &fault))?;
        envelope::open(&place, &found.ok_or_else(absent)?.bytes)
    }

    /// The newest former state that is whole.
    pub(super) async fn last_good(&self) -> Option<String> {
        for past in self.all_past().await.ok()? {
            if self.one_past(&past.name).await.is_ok() {
                return Some(past.name);
            }
        }
        None
    }
}
