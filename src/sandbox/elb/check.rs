//! Health checks of target groups: settings, defaults, rules.
//!
//! Called by CreateTargetGroup and ModifyTargetGroup. Source: aws-facts.md 7.2. Must never turn a check off: targets that
//! are addresses are always checked.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{AwsError, Reply, Request, configuration, invalid};

/// The port that means: the target's own.
const TRAFFIC_PORT: &str = "traffic-port";
const PROTOCOLS: [&str; 3] = ["TCP", "HTTP", "HTTPS"];

/// Parameters of both operations.
macro_rules! check_params {
    ($($own:literal),* $(,)?) => {
        &[
            $($own,)*
            "HealthCheckEnabled",
            "HealthCheckProtocol",
            "HealthCheckPort",
            "HealthCheckPath",
            "HealthCheckIntervalSeconds",
            "HealthCheckTimeoutSeconds",
            "HealthyThresholdCount",
            "UnhealthyThresholdCount",
            "Matcher.HttpCode",
        ]
    };
}
pub(super) use check_params;

/// How the targets of a group are checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HealthCheck {
    /// `TCP`, `HTTP` or `HTTPS`.
    pub protocol: String,
    /// `traffic-port` or a port number.
    pub port: String,
    /// Path of an HTTP check.
    pub path: Option<String>,
    /// Codes that an HTTP check takes for success.
    pub codes: Option<String>,
    /// Seconds between two checks.
    pub interval: i64,
    /// Seconds until a check has failed.
    pub timeout: i64,
    /// Successes that make a target healthy.
    pub healthy: i64,
    /// Failures that make a target unhealthy.
    pub unhealthy: i64,
}

impl Default for HealthCheck {
    fn default() -> Self {
        Self {
            protocol: "TCP".to_owned(),
            port: TRAFFIC_PORT.to_owned(),
            path: None,
            codes: None,
            interval: 30,
            timeout: 10,
            healthy: 5,
            unhealthy: 2,
        }
    }
}

impl HealthCheck {
    /// These settings with those of the call over them, checked.
    pub(super) fn with(mut self, req: &Request) -> Result<Self, AwsError> {
        if req.opt_bool("HealthCheckEnabled")? == Some(false) {
            return Err(configuration("Health check enabled must be true for target groups with target type 'ip'"));
        }
        if let Some(protocol) = req.opt_text("HealthCheckProtocol")? {
            self.set_protocol(protocol)?;
        }
        if let Some(port) = req.opt_text("HealthCheckPort")? {
            if port != TRAFFIC_PORT && !port.parse::<u16>().is_ok_and(|port| port > 0) {
                return Err(invalid(format!("Health check port '{port}' must be 'traffic-port' or from 1 to 65535")));
            }
            self.port = port;
        }
        self.read_http(req)?;
        let range = |name: &str, least: i64, most: i64, now: i64| match req.opt_int(name)? {
            Some(value) if !(least..=most).contains(&value) => {
                Err(invalid(format!("The value {value} of {name} must be between {least} and {most}")))
            }
            value => Ok(value.unwrap_or(now)),
        };
        self.interval = range("HealthCheckIntervalSeconds", 5, 300, self.interval)?;
        self.timeout = range("HealthCheckTimeoutSeconds", 2, 120, self.timeout)?;
        self.healthy = range("HealthyThresholdCount", 2, 10, self.healthy)?;
        self.unhealthy = range("UnhealthyThresholdCount", 2, 10, self.unhealthy)?;
        // A timeout nobody asked for gives way to a shorter interval.
        if !req.has("HealthCheckTimeoutSeconds") {
            self.timeout = self.timeout.min(self.interval);
        }
        if self.timeout > self.interval {
            return Err(configuration("Health check interval must not be less than the timeout"));
        }
        Ok(self)
    }

    fn set_protocol(&mut self, protocol: String) -> Result<(), AwsError> {
        if !PROTOCOLS.contains(&protocol.as_str()) {
            return Err(invalid(format!("Health check protocol '{protocol}' must be one of {}", PROTOCOLS.join(", "))));
        }
        let http = protocol != "TCP";
        self.path = http.then(|| self.path.take().unwrap_or_else(|| "/".to_owned()));
        self.codes = http.then(|| self.codes.take().unwrap_or_else(|| "200-399".to_owned()));
        self.protocol = protocol;
        Ok(())
    }

    fn read_http(&mut self, req: &Request) -> Result<(), AwsError> {
        let path = req.opt_text("HealthCheckPath")?;
        let codes = req.structure("Matcher").map(|matcher| matcher.opt_text("HttpCode")).transpose()?.flatten();
        if self.protocol == "TCP" && (path.is_some() || codes.is_some()) {
            return Err(configuration("Health check path and matcher cannot be set for the health check protocol TCP"));
        }
        if let Some(path) = path {
            self.path = Some(path);
        }
        if let Some(codes) = codes {
            self.codes = Some(codes);
        }
        Ok(())
    }

    /// The port that is checked on a target of that port.
    pub(super) fn port_of(&self, target: u16) -> u16 {
        self.port.parse().unwrap_or(target)
    }

    /// Writes the settings into a rendered target group.
    pub(super) fn render_into(&self, group: &mut Reply) {
        let Value::Object(members) = group else { return };
        let matcher = self.codes.as_ref().map(|codes| json!({ "HttpCode": codes }));
        let own = [
            ("HealthCheckEnabled", json!(true)),
            ("HealthCheckProtocol", json!(self.protocol)),
            ("HealthCheckPort", json!(self.port)),
            ("HealthCheckPath", json!(self.path)),
            ("HealthCheckIntervalSeconds", json!(self.interval)),
            ("HealthCheckTimeoutSeconds", json!(self.timeout)),
            ("HealthyThresholdCount", json!(self.healthy)),
            ("UnhealthyThresholdCount", json!(self.unhealthy)),
            ("Matcher", json!(matcher)),
        ];
        members.extend(own.map(|(name, value)| (name.to_owned(), value)));
    }
}
