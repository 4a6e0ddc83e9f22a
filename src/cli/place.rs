//! The ways out: to AWS or to the sandbox, and to the bucket of a state.
//!
//! Used by `context` and the commands of `backend`. Must never open a way before it is needed.

use super::context::Context;
use crate::{
    aws::Connection,
    clock::Clock,
    config::typed::StateBackend,
    failure::Failure,
    sandbox::{ACCESS_KEY_ID, SECRET_ACCESS_KEY, Sandbox, Weather},
    state::{S3Store, s3::Place},
};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use std::path::{Path, PathBuf};

/// Calls in flight at once to the bucket of a state.
const PARALLELISM: usize = 16;

/// The way to AWS, or to the sandbox in a folder.
#[derive(Clone)]
pub(super) struct Way {
    sandbox: Option<PathBuf>,
    speed: f64,
    weather: Weather,
    clock: Clock,
}

impl Way {
    pub(super) fn connection(&self, region: String, parallelism: usize) -> Result<Connection, Failure> {
        let (mut http, mut credentials) = (None, None);
        if let Some(dir) = &self.sandbox {
            let key = Credentials::new(ACCESS_KEY_ID, SECRET_ACCESS_KEY, None, None, "sandbox");
            http = Some(open_sandbox(dir, self.speed, &self.weather)?.http_client());
            credentials = Some(SharedCredentialsProvider::new(key));
        }
        Ok(Connection { region, http, credentials, parallelism, clock: self.clock.clone() })
    }
}

/// Opens the built-in AWS kept in a folder, in this weather.
pub(super) fn open_sandbox(dir: &Path, speed: f64, weather: &Weather) -> Result<Sandbox, Failure> {
    let open = || -> std::io::Result<Sandbox> {
        let sandbox = Sandbox::open(dir, Clock::scaled(speed))?;
        sandbox.weather(weather.clone())?;
        Ok(sandbox)
    };
    open().map_err(|error| {
        Failure::new(
            format!("cannot open the sandbox in {}: {error}", dir.display()),
            "to begin with an empty one: rsds sandbox reset",
        )
    })
}

impl Context {
    pub(super) fn way(&self) -> Way {
        let sandbox = self.sandbox.then(|| self.sandbox_dir());
        Way { sandbox, speed: self.speed, weather: self.weather.clone(), clock: self.clock.clone() }
    }

    /// Returns the store of a state that is kept in a bucket; none for a local one.
    pub(super) fn bucket_store(&self, backend: &StateBackend) -> Option<S3Store> {
        let StateBackend::S3 { bucket, key, region, kms_key_id } = backend.clone() else { return None };
        let (way, there) = (self.way(), region.clone());
        let connect = move || {
            let open = way.connection(there.clone(), PARALLELISM);
            open.map_err(|failure| match failure {
                Failure::Other { message, .. } => message,
                Failure::Config(_) | Failure::Plan(_) | Failure::Preflight(_) => "AWS cannot be reached".to_owned(),
            })
        };
        let place = Place { bucket, key, region, kms_key_id };
        Some(S3Store::new(place, self.clock.clone(), Box::new(connect)))
    }
}
