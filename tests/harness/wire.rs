//! A wire that takes its time, and on which the listing of tags may lag behind.

use super::Estate;
use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
    },
    orchestrator::HttpRequest,
    runtime_components::RuntimeComponents,
};
use rsds::sandbox::{Sandbox, World};
use std::time::Duration;

/// What one call takes.
pub(crate) const CALL: Duration = Duration::from_millis(30);

/// The wire between an estate and its sandbox.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    sandbox: Sandbox,
    /// Where tags are listed, if not in the world as it is now.
    stale: Option<Sandbox>,
}

impl Wire {
    /// Every call takes `CALL`.
    pub(crate) fn slow(estate: &Estate) -> SharedHttpClient {
        SharedHttpClient::new(Self { sandbox: estate.sandbox.clone(), stale: None })
    }

    /// The listing of tags is that of another world.
    pub(crate) fn lagging(estate: &Estate, world: World) -> SharedHttpClient {
        let stale = Sandbox::in_memory(estate.clock.clone());
        stale.edit(|now| *now = world).unwrap();
        SharedHttpClient::new(Self { sandbox: estate.sandbox.clone(), stale: Some(stale) })
    }
}

impl HttpClient for Wire {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Wire {
    #[expect(clippy::disallowed_methods, reason = "the wire itself takes time")]
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let wire = self.clone();
        HttpConnectorFuture::new(async move {
            tokio::time::sleep(CALL).await;
            let target = request.headers().get("x-amz-target").unwrap_or_default();
            let lists_tags = target.starts_with("ResourceGroupsTaggingAPI");
            let to = wire.stale.as_ref().filter(|_| lists_tags).unwrap_or(&wire.sandbox);
            HttpConnector::call(to, request).await
        })
    }
}
