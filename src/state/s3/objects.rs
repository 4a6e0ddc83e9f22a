//! Objects of one bucket: read, conditional write, conditional delete; patience with a store that is away for a while.
//!
//! Called by the other files of this backend. Must never repeat a call without its condition, nor take silence for an
//! answer: whether a write that was not answered took place is for the caller to find out.

use super::Place;
use crate::{
    aws::{Class, Connection, Fault, fault::Called as _},
    clock::Clock,
};
use aws_sdk_s3::{
    Client,
    config::{ConfigBag, Intercept, RuntimeComponents, interceptors::BeforeDeserializationInterceptorContextRef},
    error::BoxError,
    primitives::{ByteStream, DateTime},
    types::ServerSideEncryption,
};
use jiff::Timestamp;
use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::OnceCell;

/// How long one request may take; `aws::client` sets it.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a store that is away is waited for.
pub(super) const PATIENCE: Duration = Duration::from_mins(2);
/// The first pause; each is twice the one before, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How to reach S3; the sandbox may fail to open.
pub type Connect = Box<dyn Fn() -> Result<Connection, String> + Send + Sync>;

/// The objects of the backend's bucket.
pub(super) struct Objects {
    pub(super) place: Place,
    pub(super) clock: Clock,
    connect: Connect,
    client: OnceCell<Client>,
}

/// An object as it was read.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) bytes: Vec<u8>,
    pub(super) etag: String,
    /// When it was written, by S3's clock.
    pub(super) modified: Timestamp,
    /// When it was read, by S3's clock.
    pub(super) date: Timestamp,
}

/// What a write or delete rests on.
#[derive(Clone, Copy, Debug)]
pub(super) enum If<'a> {
    /// There is no such object.
    Absent,
    /// The object is still this one.
    Is(&'a str),
    /// Nothing: it is written whatever is there.
    Nothing,
}

/// What became of a conditional write.
#[derive(Debug)]
pub(super) enum Put {
    /// It took place; the new ETag.
    Done(String),
    /// What it rested on is no longer so, or somebody writes at this moment.
    Overtaken,
}

/// Header that tells where a bucket is.
pub(super) const REGION: &str = "x-amz-bucket-region";

/// Takes S3's time from an answer, and the region where the bucket really is: the SDK's outputs have neither.
#[derive(Clone, Debug, Default)]
struct Dated(Arc<Mutex<(Option<Timestamp>, Option<String>)>>);

impl Dated {
    fn seen(&self) -> Option<Timestamp> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    /// The same fault, saying where the bucket is when it is elsewhere.
    fn located(&self, mut fault: Fault) -> Fault {
        let region = self.0.lock().unwrap_or_else(PoisonError::into_inner).1.clone();
        if let Some(region) = region.filter(|_| fault.code == "PermanentRedirect") {
            fault.message = format!("the bucket is in {region}");
        }
        fault
    }
}

impl Intercept for Dated {
    fn name(&self) -> &'static str {
        "Dated"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.response().headers();
        let date = headers.get("date").and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
        let seen = (date.map(|date| date.timestamp()), headers.get(REGION).map(str::to_owned));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = seen;
        Ok(())
    }
}

impl Objects {
    pub(super) fn new(place: Place, clock: Clock, connect: Connect) -> Self {
        Self { place, clock, connect, client: OnceCell::new() }
    }

    /// The SDK's client, made at the first use: a command that asks nothing of S3 reads no credentials.
    pub(super) async fn client(&self) -> Result<&Client, Fault> {
        let open = async || {
            let connection = (self.connect)().map_err(Fault::internal)?;
            Ok(connection.s3().await)
        };
        self.client.get_or_try_init(open).await
    }

    /// Reads an object.
    pub(super) async fn get(&self, key: &str, version: Option<&str>) -> Result<Option<Object>, Fault> {
        const CALL: &str = "s3:GetObject";
        let dated = Dated::default();
        let get = self.client().await?.get_object().bucket(&self.place.bucket).key(key);
        let get = get.set_version_id(version.map(str::to_owned)).customize().interceptor(dated.clone());
        let found = match get.send().called(CALL).await {
            Ok(found) => found,
            Err(fault) if fault.is_not_found() && fault.code != "NoSuchBucket" => return Ok(None),
            Err(fault) => return Err(dated.located(fault)),
        };
        let (etag, modified) = (found.e_tag, found.last_modified.as_ref().and_then(moment));
        let (Some(etag), Some(modified), Some(date)) = (etag, modified, dated.seen()) else {
            return Err(Fault::incomplete(CALL, "ETag, Last-Modified or Date"));
        };
        let body = found.body.collect().await.map_err(|error| cut_off(CALL, &error.to_string()))?;
        Ok(Some(Object { bytes: body.to_vec(), etag, modified, date }))
    }

    /// Writes an object if what it rests on is so; once.
    pub(super) async fn put(&self, key: &str, bytes: &[u8], condition: If<'_>) -> Result<Put, Fault> {
        const CALL: &str = "s3:PutObject";
        let place = &self.place;
        let body = ByteStream::from(bytes.to_vec());
        let mut put = self.client().await?.put_object().bucket(&place.bucket).key(key).body(body);
        put = put.content_type("application/json");
        if let Some(key) = &place.kms_key_id {
            put = put.server_side_encryption(ServerSideEncryption::AwsKms).ssekms_key_id(key).bucket_key_enabled(true);
        }
        put = match condition {
            If::Absent => put.if_none_match("*"),
            If::Is(etag) => put.if_match(etag),
            If::Nothing => put,
        };
        match put.send().called(CALL).await {
            Ok(done) => done.e_tag.map(Put::Done).ok_or_else(|| Fault::incomplete(CALL, "ETag")),
            // Without a condition it is only somebody else's write that is in the way.
            Err(fault) if matches!(condition, If::Nothing) => Err(fault),
            Err(fault) if fault.is_overtaken() || fault.code == "NoSuchKey" => Ok(Put::Overtaken),
            Err(fault) => Err(fault),
        }
    }

    /// Deletes an object if it is still this one; once. False: it is another one, or gone.
    pub(super) async fn delete(&self, key: &str, etag: &str) -> Result<bool, Fault> {
        let delete = self.client().await?.delete_object().bucket(&self.place.bucket).key(key).if_match(etag);
        match delete.send().called("s3:DeleteObject").await {
            Ok(_) => Ok(true),
            Err(fault) if fault.is_overtaken() || fault.is_not_found() => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    /// Reads with patience.
    pub(super) async fn get_patiently(&self, key: &str) -> Result<Option<Object>, Fault> {
        self.patiently(PATIENCE, async || self.get(key, None).await).await
    }

    /// Tries again what may be tried again, for a while.
    pub(super) async fn patiently<T, F: Future<Output = Result<T, Fault>>>(
        &self,
        patience: Duration,
        call: impl Fn() -> F,
    ) -> Result<T, Fault> {
        let mut pace = self.pace(patience);
        loop {
            match call().await {
                Err(fault) if is_passing(&fault) && pace.another().await => {}
                result => return result,
            }
        }
    }

    /// The pauses of one undertaking.
    pub(super) fn pace(&self, patience: Duration) -> Pace<'_> {
        Pace { clock: &self.clock, start: self.clock.timestamp(), patience, pause: FIRST_PAUSE }
    }
}

/// Pauses that grow, until patience is over. Both are of the wall: they are about this connection, not AWS's work.
pub(super) struct Pace<'a> {
    clock: &'a Clock,
    start: Timestamp,
    patience: Duration,
    pause: Duration,
}

impl Pace<'_> {
    /// Pauses; false once patience is over.
    pub(super) async fn another(&mut self) -> bool {
        let since = self.clock.timestamp().duration_since(self.start);
        if Duration::try_from(since).is_ok_and(|since| since >= self.patience) {
            return false;
        }
        self.clock.sleep(self.clock.aws_time(self.pause)).await;
        self.pause = LONGEST_PAUSE.min(self.pause * 2);
        true
    }
}

/// Whether a fault may be gone at the next try.
pub(super) fn is_passing(fault: &Fault) -> bool {
    matches!(fault.class, Class::Transient | Class::Throttled | Class::Busy)
}

pub(super) fn moment(time: &DateTime) -> Option<Timestamp> {
    Timestamp::new(time.secs(), 0).ok()
}

fn cut_off(call: &str, message: &str) -> Fault {
    Fault::of(Class::Transient, call, "BodyCutOff", message)
}
