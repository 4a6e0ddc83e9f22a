//! The connection to AWS: one HTTP client for all services, which counts calls in flight and traces each of them.
//!
//! Called by `cli` once per run. Must never retry: the SDK's own retries are off, because a blind repetition of a
//! create without a token makes a second resource (design.md 7); `apply::retry` looks before it repeats.

use super::{Fault, Owner, fault::Called, gate::Gate};
use crate::clock::Clock;
use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::{Builder, tls};
use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
    },
    orchestrator::HttpRequest,
    runtime_components::RuntimeComponents,
};
use aws_types::service_config::ServiceConfigKey;
use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};
use tracing::Instrument as _;

/// A client that is built when it is first called: a command pays for the services it uses.
pub type Lazy<T> = Arc<LazyLock<T, Box<dyn FnOnce() -> T + Send>>>;

fn lazy<T: 'static>(config: &SdkConfig, new: fn(&SdkConfig) -> T) -> Lazy<T> {
    let config = config.clone();
    Arc::new(LazyLock::new(Box::new(move || new(&config))))
}

/// Every AWS service rsds talks to, as one account in one region.
#[derive(Clone, Debug)]
pub struct Aws {
    /// EC2: networks.
    pub ec2: Lazy<aws_sdk_ec2::Client>,
    /// Elastic Load Balancing v2.
    pub elb: Lazy<aws_sdk_elasticloadbalancingv2::Client>,
    /// IAM.
    pub iam: Lazy<aws_sdk_iam::Client>,
    /// KMS.
    pub kms: Lazy<aws_sdk_kms::Client>,
    /// CloudWatch Logs.
    pub logs: Lazy<aws_sdk_cloudwatchlogs::Client>,
    /// Service Quotas: what the account may have.
    pub quotas: Lazy<aws_sdk_servicequotas::Client>,
    /// Redshift: provisioned clusters.
    pub redshift: Lazy<aws_sdk_redshift::Client>,
    /// Redshift Serverless.
    pub serverless: Lazy<aws_sdk_redshiftserverless::Client>,
    /// The Resource Groups Tagging API: what carries which tags, whatever its service.
    pub tagging: Lazy<aws_sdk_resourcegroupstagging::Client>,
    /// The Security Token Service: who is calling.
    pub sts: Lazy<aws_sdk_sts::Client>,
    /// The account the credentials belong to, twelve digits.
    pub account: String,
    /// The ARN of the caller.
    pub caller: String,
    /// The region.
    pub region: String,
    /// Whose resources these are.
    pub owner: Owner,
}

/// Who is calling.
#[derive(Clone, Debug)]
pub struct Caller {
    account: String,
    arn: String,
}

impl Aws {
    /// Asks AWS who is calling.
    ///
    /// Errors: `Class::Credentials` for no, expired or wrong credentials.
    pub async fn caller(&self) -> Result<Caller, Fault> {
        let me = self.sts.get_caller_identity().send().called("sts:GetCallerIdentity").await?;
        match (me.account, me.arn) {
            (Some(account), Some(arn)) => Ok(Caller { account, arn }),
            _ => Err(Fault::incomplete("sts:GetCallerIdentity", "account")),
        }
    }

    /// The same AWS, as this caller has it.
    #[must_use]
    pub fn called_by(self, caller: Caller) -> Self {
        Self { account: caller.account, caller: caller.arn, ..self }
    }
}

/// How to reach AWS.
pub struct Connection {
    /// The environment's region.
    pub region: String,
    /// The HTTP client to use instead of the real one: the sandbox.
    pub http: Option<SharedHttpClient>,
    /// Credentials to use instead of the SDK's own chain: the sandbox's.
    pub credentials: Option<SharedCredentialsProvider>,
    /// The most calls in flight at once.
    pub parallelism: usize,
    /// The clock the SDK goes by.
    pub clock: Clock,
}

impl Connection {
    /// Reaches AWS, and asks who is calling.
    ///
    /// Errors: `Class::Credentials` for no, expired or wrong credentials.
    pub async fn open(self, owner: Owner) -> Result<Aws, Fault> {
        let aws = self.reach(owner).await;
        let caller = aws.caller().await?;
        Ok(aws.called_by(caller))
    }

    /// Loads the SDK's configuration (profiles, SSO, roles, OIDC, `AWS_ENDPOINT_URL`). Asks AWS nothing: account and
    /// caller are empty until `called_by`.
    pub async fn reach(self, owner: Owner) -> Aws {
        let region = self.region.clone();
        let config = self.load().await;
        Aws {
            ec2: lazy(&config, aws_sdk_ec2::Client::new),
            elb: lazy(&config, aws_sdk_elasticloadbalancingv2::Client::new),
            iam: lazy(&config, aws_sdk_iam::Client::new),
            kms: lazy(&config, aws_sdk_kms::Client::new),
            logs: lazy(&config, aws_sdk_cloudwatchlogs::Client::new),
            quotas: lazy(&config, aws_sdk_servicequotas::Client::new),
            redshift: lazy(&config, aws_sdk_redshift::Client::new),
            serverless: lazy(&config, aws_sdk_redshiftserverless::Client::new),
            tagging: lazy(&config, aws_sdk_resourcegroupstagging::Client::new),
            sts: lazy(&config, aws_sdk_sts::Client::new),
            account: String::new(),
            caller: String::new(),
            region,
            owner,
        }
    }

    /// S3 alone, with the same credentials, for the bucket of a state. An endpoint that is not AWS's own is addressed by
    /// path: its name has no bucket's name before it.
    pub async fn s3(self) -> aws_sdk_s3::Client {
        let config = self.load().await;
        let key = ServiceConfigKey::builder().service_id("S3").env("AWS_ENDPOINT_URL").profile("endpoint_url");
        let own = key.build().ok().and_then(|key| config.service_config()?.load_config(key));
        let elsewhere = own.is_some() || config.endpoint_url().is_some();
        let s3 = aws_sdk_s3::config::Builder::from(&config).force_path_style(elsewhere);
        aws_sdk_s3::Client::from_conf(s3.build())
    }

    async fn load(self) -> SdkConfig {
        let inner = match self.http {
            Some(http) => http,
            None => {
                Builder::new().tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring)).build_https()
            }
        };
        let http = SharedHttpClient::new(Gated { inner, gate: Gate::new(self.parallelism) });
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(5))
            .operation_attempt_timeout(Duration::from_secs(60));
        let loader = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(self.region))
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts.build())
            .http_client(http)
            .time_source(self.clock.clone())
            .sleep_impl(self.clock);
        match self.credentials {
            Some(credentials) => loader.credentials_provider(credentials).load().await,
            None => loader.load().await,
        }
    }
}

/// Limits the calls in flight (`--parallelism`) and puts a span around each.
#[derive(Debug)]
struct Gated {
    inner: SharedHttpClient,
    gate: Gate,
}

impl HttpClient for Gated {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(GatedConnector { inner, gate: self.gate.clone() })
    }
}

#[derive(Debug)]
struct GatedConnector {
    inner: SharedHttpConnector,
    gate: Gate,
}

impl HttpConnector for GatedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (inner, gate) = (self.inner.clone(), self.gate.clone());
        let (service, operation) = named(&request);
        let span = tracing::debug_span!("call", service, operation);
        let exchange = async move {
            let _passage = gate.pass().await;
            let answer = inner.call(request).await;
            match &answer {
                Ok(response) => {
                    let request_id = response.headers().get("x-amzn-requestid").unwrap_or_default();
                    tracing::debug!(status = response.status().as_u16(), request_id, "answered");
                }
                Err(error) => tracing::debug!(%error, "no answer"),
            }
            answer
        };
        HttpConnectorFuture::new(exchange.instrument(span))
    }
}

/// Returns the service a request is signed for and the operation it asks for: from the signature's scope, the JSON
/// protocols' target header, or the query protocols' body. Nothing else of the request is looked at.
fn named(request: &HttpRequest) -> (String, String) {
    let header = |name| request.headers().get(name).unwrap_or_default();
    let service = header("authorization").split('/').nth(3).unwrap_or_default().to_owned();
    if let Some((_, operation)) = header("x-amz-target").rsplit_once('.') {
        return (service, operation.to_owned());
    }
    let body = request.body().bytes().unwrap_or_default();
    let action = form_urlencoded::parse(body).find(|(key, _)| key == "Action");
    (service, action.map(|(_, operation)| operation.into_owned()).unwrap_or_default())
}
