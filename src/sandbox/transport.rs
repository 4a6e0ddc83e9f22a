//! The door for the SDK inside this process: an `HttpClient` that asks the router instead of a socket.
//!
//! Handed to the SDK's configuration by the command line (`--sandbox`) and by tests. Must never open a connection.

use super::{Lost, Sandbox};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use std::io;

impl Sandbox {
    /// The sandbox as the SDK's HTTP client.
    pub fn http_client(&self) -> SharedHttpClient {
        SharedHttpClient::new(self.clone())
    }

    async fn converse(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
        let (head, body) = request.into_parts();
        let Some(body) = body.bytes().map(Bytes::copy_from_slice) else {
            return Err(ConnectorError::user("the rsds sandbox does not implement streamed request bodies".into()));
        };
        let response = self
            .carry(http::Request::from_parts(head, body))
            .await
            .map_err(|lost: Lost| ConnectorError::io(io::Error::new(io::ErrorKind::ConnectionReset, lost).into()))?;
        let response = response.map(SdkBody::from);
        HttpResponse::try_from(response).map_err(|error| ConnectorError::other(error.into(), None))
    }
}

impl HttpConnector for Sandbox {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        // Not before the first poll: a request that is never awaited was never sent.
        let sandbox = self.clone();
        HttpConnectorFuture::new(async move { sandbox.converse(request).await })
    }
}

impl HttpClient for Sandbox {
    fn http_connector(&self, _settings: &HttpConnectorSettings, _parts: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::sandbox::{Fault, How};

    fn request(body: SdkBody) -> HttpRequest {
        let mut request = HttpRequest::new(body);
        request.set_method("POST").unwrap();
        request.set_uri("https://sts.us-west-2.amazonaws.com/").unwrap();
        let scope = "AKIASANDBOX000000000/20260101/us-west-2/sts/aws4_request";
        request.headers_mut().insert("authorization", format!("AWS4-HMAC-SHA256 Credential={scope}, Signature=0"));
        request
    }

    #[tokio::test]
    async fn the_sdk_gets_answers_and_broken_connections() {
        let sandbox = Sandbox::in_memory(Clock::system());
        let body = || SdkBody::from("Action=GetCallerIdentity&Version=2011-06-15");
        let unsent = sandbox.call(request(body()));
        drop(unsent);
        assert!(sandbox.calls().is_empty());
        let answer = sandbox.call(request(body())).await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        assert!(answer.body().bytes().is_some_and(|bytes| !bytes.is_empty()));
        sandbox.inject(Fault::once("sts:GetCallerIdentity", 1, How::LoseAnswer));
        assert!(sandbox.call(request(body())).await.unwrap_err().is_io());
    }
}
