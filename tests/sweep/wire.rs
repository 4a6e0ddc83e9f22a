//! Wires between rsds and the sandbox: one that throttles by a bucket of tokens, one whose calls land late.

use crate::harness::*;
use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
    },
    orchestrator::HttpRequest,
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use rsds::{
    clock::Clock,
    sandbox::{Fault, Sandbox},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

/// How many calls of an operation are still to land late.
pub(super) type ToCome = Arc<Mutex<BTreeMap<String, usize>>>;

/// What goes wrong between rsds and the sandbox.
#[derive(Clone, Debug)]
enum Trouble {
    /// Each service answers so many calls a second, after a burst of as many.
    Bucket { per_second: f64, tokens: Arc<Mutex<BTreeMap<String, (f64, Duration)>>> },
    /// The first calls of these operations are not answered, and land a while later.
    Late { operations: ToCome, after: Duration },
}

#[derive(Clone)]
pub(super) struct Wire {
    sandbox: Sandbox,
    clock: Clock,
    trouble: Trouble,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.trouble.fmt(f)
    }
}

impl Estate {
    fn through(&mut self, trouble: Trouble) {
        let (sandbox, clock) = (self.sandbox.clone(), self.clock.clone());
        self.wire = Some(SharedHttpClient::new(Wire { sandbox, clock, trouble }));
    }

    /// From now on each service answers so many calls a second.
    pub(super) fn throttle(&mut self, per_second: f64) {
        self.through(Trouble::Bucket { per_second, tokens: Arc::default() });
    }

    /// From now on the first so many calls of these operations land late, and nobody hears of it. Returns how many are
    /// still to come.
    pub(super) fn delay(&mut self, operations: BTreeMap<String, usize>, after: Duration) -> ToCome {
        let operations = Arc::new(Mutex::new(operations));
        self.through(Trouble::Late { operations: Arc::clone(&operations), after });
        operations
    }
}

impl HttpClient for Wire {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// The service and the operation of a request.
fn named(request: &HttpRequest) -> (String, String) {
    let header = |name| request.headers().get(name).unwrap_or_default();
    let service = header("authorization").split('/').nth(3).unwrap().to_owned();
    let by_path = || request.uri().rsplit_once("/operation/");
    if let Some((_, operation)) = header("x-amz-target").rsplit_once('.').or_else(by_path) {
        return (service, operation.to_owned());
    }
    let body = std::str::from_utf8(request.body().bytes().unwrap()).unwrap();
    let action = body.split('&').find_map(|pair| pair.strip_prefix("Action=")).unwrap();
    (service, action.to_owned())
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (service, operation) = named(&request);
        let name = format!("{service}:{operation}");
        match &self.trouble {
            Trouble::Bucket { per_second, tokens } => {
                let now = self.clock.elapsed();
                let mut tokens = tokens.lock().unwrap();
                let (left, since) = tokens.entry(service).or_insert((*per_second, now));
                *left = (now - *since).as_secs_f64().mul_add(*per_second, *left).min(*per_second);
                *since = now;
                if *left < 1.0 {
                    // The sandbox knows how each protocol says so.
                    self.sandbox.inject(Fault::once(&name, 1, super::throttled(&name)));
                } else {
                    *left -= 1.0;
                }
            }
            Trouble::Late { operations, after } => {
                let mut operations = operations.lock().unwrap();
                if let Some(times) = operations.get_mut(&name).filter(|times| **times > 0) {
                    *times -= 1;
                    let (sandbox, clock, after) = (self.sandbox.clone(), self.clock.clone(), *after);
                    tokio::spawn(async move {
                        clock.sleep(after).await;
                        HttpConnector::call(&sandbox, request).await.ok();
                    });
                    let lost = ConnectorError::io("the connection broke".into());
                    return HttpConnectorFuture::new(std::future::ready(Err(lost)));
                }
            }
        }
        HttpConnector::call(&self.sandbox, request)
    }
}
