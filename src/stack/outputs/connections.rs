//! How clients connect: the strings for the usual drivers, and what TLS can check by which name (aws-facts.md 13).
//!
//! Called by `outputs`. Must never promise what is not confirmed: it then says how to find out.

use super::{Estate, Listener};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeSet;

/// The TLS mode that takes any name: in no certificate is the load balancer's own, nor that of an endpoint which
/// has a domain of its own.
const CHAIN: &str = "verify-ca";
/// The TLS mode that wants the dialled name in the certificate.
const NAME: &str = "verify-full";
/// Where clients find Amazon's certificate authorities.
const CA_BUNDLE: &str = "amazon-trust-ca-bundle.crt";
/// Below every idle timeout of the load balancer that can be set, and below AWS's own 350 s.
const KEEPALIVE_SECONDS: u32 = 200;

impl Estate<'_> {
    pub(super) fn connection_strings(&self) -> Json {
        let mut all = Map::new();
        if let Some(host) = self.nlb_name() {
            for listener in self.config_listeners() {
                through(&mut all, &listener, &listener.name, &host, CHAIN);
                if let Some(domain) = self.shared_domain(&listener) {
                    let name = listener.name.replacen("nlb", "custom-domain", 1);
                    through(&mut all, &listener, &name, domain, NAME);
                }
            }
        }
        let producer = &self.config.producer;
        let producer = ("producer".to_owned(), producer.port, producer.database.as_str());
        let readers = self.config.readers().map(|(r, c)| (r.component(), c.port, c.database.as_str()));
        for (name, port, database) in std::iter::once(producer).chain(readers) {
            if let Some(host) = self.host(&name) {
                let mode = if self.domain(&name).is_some() { CHAIN } else { NAME };
                all.insert(name, connection(&host, port, database, mode));
            }
        }
        Json::Object(all)
    }

    /// The domain of a consumer's own, once it has one.
    pub(super) fn domain(&self, component: &str) -> Option<String> {
        self.text(component, "custom-domain", "name")
    }

    /// The name that every consumer behind the listener has a certificate for.
    fn shared_domain(&self, listener: &Listener<'_>) -> Option<&str> {
        let shared = self.config.nlb.custom_domain.as_ref()?;
        let behind = self.config.readers().filter(|(reader, _)| listener.groups.keys().any(|of| *of == reader.group));
        let mut domains = behind.map(|(reader, _)| self.domain(&reader.component())).peekable();
        (domains.peek().is_some() && domains.all(|domain| domain.is_some())).then_some(shared.name.as_str())
    }

    /// What TLS checks through the load balancer, and why no more; null while there is none.
    pub(super) fn tls(&self) -> Json {
        let Some(host) = self.nlb_name() else { return Json::Null };
        let listeners = self.config_listeners();
        let Some(domain) = listeners.first().and_then(|listener| self.shared_domain(listener)) else {
            return json!({
                "sslmode": CHAIN,
                "why": format!(
                    "the certificate of a consumer names its own endpoint and not the load balancer, so that {NAME} fails \
                     on the name; nlb.custom_domain gives the consumers one that does"
                ),
            });
        };
        let port = self.config.nlb.port;
        json!({
            "sslmode": format!("{CHAIN} on {host}; {NAME} on {domain} once it is tested"),
            "why": format!(
                "every consumer has a domain of its own with a certificate that is to name {domain}, too; whether \
                 Redshift serves it to a client that asks for another name than the consumer's own is not confirmed"
            ),
            "dns": format!("{domain} CNAME {host}"),
            "test": format!(
                "openssl s_client -starttls postgres -connect {host}:{port} -servername {domain} \
                 -verify_hostname {domain} -verify_return_error -CAfile {CA_BUNDLE} </dev/null"
            ),
        })
    }
}

/// Adds the strings that lead through a listener: groups may name their databases differently, and a client behind the
/// balancer must use a common one.
fn through(all: &mut Map<String, Json>, listener: &Listener<'_>, name: &str, host: &str, mode: &str) {
    let databases: BTreeSet<&str> = listener.groups.values().map(|consumer| consumer.database.as_str()).collect();
    for database in &databases {
        let name = if databases.len() == 1 { name.to_owned() } else { format!("{name}/{database}") };
        all.insert(name, connection(host, listener.port, database, mode));
    }
}

/// The strings for the usual drivers. User and password are the reader's to add.
fn connection(host: &str, port: u16, database: &str, mode: &str) -> Json {
    json!({
        "jdbc": format!("jdbc:redshift://{host}:{port}/{database}?ssl=true&sslmode={mode}&tcpKeepAlive=true"),
        "odbc": format!(
            "Driver={{Amazon Redshift ODBC Driver (x64)}};Server={host};Port={port};Database={database};\
             SSLMode={mode};KeepAlive=1;KeepAliveTime={KEEPALIVE_SECONDS}"
        ),
        "psql": format!(
            "psql \"host={host} port={port} dbname={database} sslmode={mode} sslrootcert={CA_BUNDLE} \
             keepalives_idle={KEEPALIVE_SECONDS}\""
        ),
    })
}
