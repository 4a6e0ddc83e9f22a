//! The connection to AWS: one HTTP client for all services, which counts calls in flight and traces each of them.
//!
//! Called by `cli` once per run. Must never decide on a repetition: `traffic` does for reads, `apply::retry` for what
//! changes something. The SDK's own rules are off, because a blind repetition of a create without a token makes a second
//! resource (design.md 7).

use super::{
    Fault, Owner, Permit,
    data_api::Warehouses,
    fault::Called,
    gate::Gate,
    traffic::{AsTrafficSays, Call, Traffic},
};
use crate::clock::Clock;
use aws_config::{
    BehaviorVersion, Region, SdkConfig, identity::IdentityCache, retry::RetryConfig,
    stalled_stream_protection::StalledStreamProtectionConfig, timeout::TimeoutConfig,
};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::{Builder, tls};
use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
    },
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream, retry::RetrySpec};
use aws_types::service_config::ServiceConfigKey;
use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};
use tracing::Instrument as _;

/// A client that is built when it is first called: a command pays for the services it uses.
pub type Lazy<T> = Arc<LazyLock<T, Box<dyn FnOnce() -> T + Send>>>;

fn lazy<T: 'static>(config: &SdkConfig, new: fn(&SdkConfig) -> T) -> Lazy<T> {
    let config = config.clone();
    Arc::new(LazyLock::new(Box::new(move || new(&config))))
}

/// How to build a client whose reads have the patience of `traffic`: a plain `Client::new` has none.
macro_rules! patient {
    ($sdk:ident) => {
        |config: &SdkConfig| {
            let config = $sdk::config::Builder::from(config).retry_classifier(AsTrafficSays);
            let unlimited = $sdk::config::retry::TokenBucket::unlimited();
            let partition = $sdk::config::retry::RetryPartition::custom("rsds").token_bucket(unlimited).build();
            $sdk::Client::from_conf(config.retry_partition(partition).build())
        }
    };
}

/// The services that are asked in another region, too: copies of snapshots lie there.
#[derive(Clone, Debug)]
pub struct Elsewhere {
    /// KMS.
    pub kms: Lazy<aws_sdk_kms::Client>,
    /// Redshift: provisioned clusters.
    pub redshift: Lazy<aws_sdk_redshift::Client>,
    /// The Resource Groups Tagging API.
    pub tagging: Lazy<aws_sdk_resourcegroupstagging::Client>,
}

/// The other regions, each reached when it is first asked for.
#[derive(Debug)]
pub struct Regions {
    config: SdkConfig,
    reached: Mutex<BTreeMap<String, Elsewhere>>,
}

/// Every AWS service rsds talks to, as one account in one region.
#[derive(Clone, Debug)]
pub struct Aws {
    /// Certificate Manager: what certificates are for.
    pub acm: Lazy<aws_sdk_acm::Client>,
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
    /// The Redshift Data API: statements.
    pub data: Lazy<aws_sdk_redshiftdata::Client>,
    /// Redshift Serverless.
    pub serverless: Lazy<aws_sdk_redshiftserverless::Client>,
    /// Secrets Manager: the passwords of users.
    pub secrets: Lazy<aws_sdk_secretsmanager::Client>,
    /// CloudWatch: alarms.
    pub cloudwatch: Lazy<aws_sdk_cloudwatch::Client>,
    /// SNS: who is told.
    pub sns: Lazy<aws_sdk_sns::Client>,
    /// The Resource Groups Tagging API: what carries which tags, whatever its service.
    pub tagging: Lazy<aws_sdk_resourcegroupstagging::Client>,
    /// The Security Token Service: who is calling.
    pub sts: Lazy<aws_sdk_sts::Client>,
    /// The same account in other regions.
    pub regions: Arc<Regions>,
    /// The account the credentials belong to, twelve digits.
    pub account: String,
    /// The ARN of the caller.
    pub caller: String,
    /// The region.
    pub region: String,
    /// Whose resources these are.
    pub owner: Owner,
    /// What goes out and comes back.
    pub traffic: Arc<Traffic>,
    /// The warehouses that take statements.
    pub warehouses: Arc<Warehouses>,
    /// Whether what lives inside warehouses is always read from them (`--refresh-sql`); else only where something may have
    /// changed, because a question wakes an idle warehouse, and is billed.
    pub refresh_sql: bool,
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

    /// Returns the services of a region, which may be the own one.
    pub fn elsewhere(&self, region: &str) -> Elsewhere {
        let mut reached = self.regions.reached.lock().unwrap_or_else(PoisonError::into_inner);
        let reach = || {
            let config = self.regions.config.to_builder().region(Region::new(region.to_owned())).build();
            Elsewhere {
                kms: lazy(&config, patient!(aws_sdk_kms)),
                redshift: lazy(&config, patient!(aws_sdk_redshift)),
                tagging: lazy(&config, patient!(aws_sdk_resourcegroupstagging)),
            }
        };
        reached.entry(region.to_owned()).or_insert_with(reach).clone()
    }

    /// The same AWS, as this caller has it.
    #[must_use]
    pub fn called_by(self, caller: Caller) -> Self {
        Self { account: caller.account, caller: caller.arn, ..self }
    }
}

/// Longer than any pause of `traffic`: the SDK cuts pauses off there.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// How long a provider of credentials may take; without it the SDK adds up all the tries that are allowed.
const CREDENTIALS: Duration = Duration::from_secs(60);

/// How long one exchange may take, on the wall, from the first byte out to the last byte in.
const EXCHANGE: Duration = Duration::from_secs(60);

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
        let (region, traffic) = (self.region.clone(), Arc::new(Traffic::new(self.clock.clone())));
        // The pauses are `traffic`'s; all that is left to the SDK is to sign each try anew.
        let as_traffic_says = RetryConfig::standard()
            .with_retry_spec(RetrySpec::v2_0())
            .with_max_attempts(u32::MAX)
            .with_max_backoff(LONGEST_PAUSE);
        let config = self.load(as_traffic_says, Some(Arc::clone(&traffic))).await;
        Aws {
            acm: lazy(&config, patient!(aws_sdk_acm)),
            ec2: lazy(&config, patient!(aws_sdk_ec2)),
            elb: lazy(&config, patient!(aws_sdk_elasticloadbalancingv2)),
            iam: lazy(&config, patient!(aws_sdk_iam)),
            kms: lazy(&config, patient!(aws_sdk_kms)),
            logs: lazy(&config, patient!(aws_sdk_cloudwatchlogs)),
            quotas: lazy(&config, patient!(aws_sdk_servicequotas)),
            redshift: lazy(&config, patient!(aws_sdk_redshift)),
            data: lazy(&config, patient!(aws_sdk_redshiftdata)),
            serverless: lazy(&config, patient!(aws_sdk_redshiftserverless)),
            secrets: lazy(&config, patient!(aws_sdk_secretsmanager)),
            cloudwatch: lazy(&config, patient!(aws_sdk_cloudwatch)),
            sns: lazy(&config, patient!(aws_sdk_sns)),
            tagging: lazy(&config, patient!(aws_sdk_resourcegroupstagging)),
            sts: lazy(&config, patient!(aws_sdk_sts)),
            regions: Arc::new(Regions { config: config.clone(), reached: Mutex::default() }),
            account: String::new(),
            caller: String::new(),
            region,
            owner,
            traffic,
            warehouses: Arc::default(),
            refresh_sql: false,
        }
    }

    /// S3 alone, with the same credentials, for the bucket of a state, whose backend has a patience of its own: a lease runs
    /// out meanwhile. An endpoint that is not AWS's own is addressed by
    /// path: its name has no bucket's name before it.
    pub async fn s3(self) -> aws_sdk_s3::Client {
        let config = self.load(RetryConfig::disabled(), None).await;
        let key = ServiceConfigKey::builder().service_id("S3").env("AWS_ENDPOINT_URL").profile("endpoint_url");
        let own = key.build().ok().and_then(|key| config.service_config()?.load_config(key));
        let elsewhere = own.is_some() || config.endpoint_url().is_some();
        let s3 = aws_sdk_s3::config::Builder::from(&config).force_path_style(elsewhere);
        aws_sdk_s3::Client::from_conf(s3.build())
    }

    async fn load(self, retries: RetryConfig, traffic: Option<Arc<Traffic>>) -> SdkConfig {
        let inner = match self.http {
            Some(http) => http,
            None => {
                Builder::new().tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring)).build_https()
            }
        };
        let (gate, clock) = (Gate::new(self.parallelism), self.clock.clone());
        let http = SharedHttpClient::new(Gated { inner, gate, clock, traffic });
        // The gate times an exchange: waiting for a turn there is no fault of AWS.
        let timeouts = TimeoutConfig::builder().connect_timeout(Duration::from_secs(5));
        let loader = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(self.region))
            .retry_config(retries)
            .timeout_config(timeouts.build())
            // It takes a request that waits for its turn for one that stalls; `EXCHANGE` bounds bodies too.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .identity_cache(IdentityCache::lazy().load_timeout(CREDENTIALS).build())
            .http_client(http)
            .time_source(self.clock.clone())
            .sleep_impl(self.clock);
        match self.credentials {
            Some(credentials) => loader.credentials_provider(credentials).load().await,
            None => loader.load().await,
        }
    }
}

/// Limits the calls in flight (`--parallelism`), lets `traffic` see them, and puts a span around each.
#[derive(Debug)]
struct Gated {
    inner: SharedHttpClient,
    gate: Gate,
    clock: Clock,
    traffic: Option<Arc<Traffic>>,
}

impl HttpClient for Gated {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        let (gate, clock, traffic) = (self.gate.clone(), self.clock.clone(), self.traffic.clone());
        SharedHttpConnector::new(GatedConnector { inner, gate, clock, traffic })
    }
}

#[derive(Clone, Debug)]
struct GatedConnector {
    inner: SharedHttpConnector,
    gate: Gate,
    clock: Clock,
    traffic: Option<Arc<Traffic>>,
}

impl GatedConnector {
    async fn pass(self, call: Call, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        match &self.traffic {
            None => self.exchange(request, false).await,
            Some(traffic) => {
                let sent = traffic.turn(&call).await?;
                traffic.back(&call, sent, self.exchange(request, !call.reads()).await)
            }
        }
    }

    /// Sends a request and reads the whole answer: until then the call is in flight.
    ///
    /// Errors: no answer; or what changes something did not leave, because its record could not be renewed.
    async fn exchange(&self, request: HttpRequest, changes: bool) -> Result<HttpResponse, ConnectorError> {
        let _passage = self.gate.pass().await;
        if changes && !Permit::is_fresh(|| self.clock.elapsed()).await {
            return Err(ConnectorError::user("it was not sent: its record could not be renewed".into()));
        }
        let whole = async {
            let mut answer = self.inner.call(request).await?;
            let body = ByteStream::new(answer.take_body()).collect().await;
            let body = body.map_err(|error| ConnectorError::io(error.into()))?;
            *answer.body_mut() = SdkBody::from(body.into_bytes());
            Ok(answer)
        };
        let answer = tokio::select! {
            biased;
            answer = whole => answer,
            () = self.clock.sleep(self.clock.aws_time(EXCHANGE)) => {
                Err(ConnectorError::timeout(format!("no answer within {} s", EXCHANGE.as_secs()).into()))
            }
        };
        match &answer {
            Ok(response) => {
                let request_id = response.headers().get("x-amzn-requestid").unwrap_or_default();
                tracing::debug!(status = response.status().as_u16(), request_id, "answered");
            }
            Err(error) => tracing::debug!(%error, "no answer"),
        }
        answer
    }
}

impl HttpConnector for GatedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let call = Call::of(&request);
        let span = tracing::debug_span!("call", service = call.service, operation = call.operation);
        HttpConnectorFuture::new(self.clone().pass(call, request).instrument(span))
    }
}
