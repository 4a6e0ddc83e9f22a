//! A weather from a TOML file: its table of keys, its presets, and what is wrong with it at which line and column.
//!
//! Called by the command line. Must never let a name pass that no service or operation of the sandbox has.

use super::lag::lags;
use super::{Bucket, Lag, Losses, PRESETS, Shortage, Weather};
use crate::address::wild;
use crate::config::diagnostic::nearest;
use crate::config::keys::{Absent, Key, Since, Type};
use crate::config::shape::Shape;
use crate::config::{Document, Problems, Spot};
use crate::sandbox::SERVICES;
use crate::sandbox::quota::{QUOTAS, Quota};
use std::collections::BTreeMap;
use std::path::Path;

// Of a single call: beyond this every client has given up.
const MINUTE: Type = Type::Text(Shape::Span(60));
const HOUR: Type = Type::Text(Shape::Span(3600));
const SHARE: Type = Type::Decimal(0, 1);
const RATE: Type = Type::Decimal(0, 1_000_000);

const fn key(path: &'static str, ty: Type, absent: Absent, doc: &'static str) -> Key {
    Key { path, ty, absent, since: Since::Now, doc }
}

use Absent::{Nothing, Required, Value};

/// All keys of a weather file.
#[rustfmt::skip]
const KEYS: &[Key] = &[
    key("preset", Type::Text(Shape::Choice(&["calm", "rough"])), Value("\"calm\""), "The weather this file is laid over."),
    key("seed", Type::Int(0, i64::MAX), Value("0"), "What all chances follow from: the same seed, the same weather."),
    key("latency", MINUTE, Nothing, "How long each call takes."),
    key("jitter", MINUTE, Nothing, "How much longer a call may take, by chance."),
    key("throttle", Type::Map(Shape::Any), Nothing, "Token buckets by service; `*` for each other service by itself."),
    key("throttle.*", Type::Table, Nothing, "One bucket: a call takes a token, and is refused where there is none."),
    key("throttle.*.rate", RATE, Required, "Tokens that come back in a second."),
    key("throttle.*.burst", RATE, Required, "Tokens the bucket holds, and begins with."),
    key("errors", Type::Map(Shape::Any), Nothing, "Shares of calls that fail with a 5xx, by `service:Operation` with `*`; the longest match counts."),
    key("errors.*", SHARE, Nothing, "The share."),
    key("lost", Type::Table, Nothing, "Shares of calls whose connection breaks."),
    key("lost.requests", SHARE, Nothing, "Before the request arrives."),
    key("lost.answers", SHARE, Nothing, "After the work is done."),
    key("lost.late", SHARE, Nothing, "Before the request arrives, which it does all the same, `late_by` later."),
    key("lost.late_by", HOUR, Nothing, "How much later that is."),
    key("capacity", Type::Table, Nothing, "Calls that need compute and find none."),
    key("capacity.rate", SHARE, Nothing, "Share of such calls."),
    key("capacity.short_for", HOUR, Nothing, "For so long after the first of them every one is."),
    key("lag", Type::Map(Shape::Any), Nothing, "How long a change may stay unseen, by service."),
    key("lag.*", HOUR, Nothing, "At most so long."),
    key("skew", HOUR, Nothing, "How far AWS's clock goes ahead."),
    key("quotas", Type::Map(Shape::Any), Nothing, "What the account may have, by `service/code`; it stays so until it is set again."),
    key("quotas.*", Type::Int(0, 1_000_000), Nothing, "So many."),
];

impl Weather {
    /// Reads a weather from a file.
    ///
    /// # Errors
    /// The file cannot be read; or everything that is wrong with it.
    pub fn open(path: &Path) -> Result<Self, Problems> {
        Self::checked(Document::open(path, KEYS)?)
    }

    /// The same of a text, shown as `name`.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(name: &str, text: &str) -> Result<Self, Problems> {
        Self::checked(Document::of(name, text, KEYS)?)
    }

    pub(super) fn preset(name: &str) -> Result<Self, Problems> {
        let preset = PRESETS.iter().find(|preset| preset.name == name);
        Self::parse(name, preset.map_or("", |preset| preset.text))
    }

    fn checked(mut document: Document) -> Result<Self, Problems> {
        check_names(&mut document);
        check_quotas(&mut document);
        let document = document.finish()?;
        let preset = PRESETS.iter().find(|preset| Some(preset.name) == document.text(&["preset"]));
        Ok(match preset {
            Some(preset) => read(&document.over(Document::of(preset.name, preset.text, KEYS)?)),
            None => read(&document),
        })
    }
}

/// Holds the names of services and operations against what the sandbox has.
fn check_names(document: &mut Document) {
    for table in ["throttle", "lag"] {
        for name in document.names(&[table]) {
            let any = table == "throttle" && name == "*";
            let known = SERVICES.iter().any(|service| service.scope == name);
            if !any && !known {
                let message = format!("{table}: the sandbox has no service `{}`", name.escape_debug());
                document.wrong(&[table, &name], Spot::Key, message, Some(services(&name)));
            } else if table == "lag" && !lags(&name) {
                let message = format!("lag: `{name}` holds nothing that could change");
                document.wrong(&[table, &name], Spot::Key, message, None);
            }
        }
    }
    for name in document.names(&["errors"]) {
        if calls().any(|call| wild(&name, &call)) {
            continue;
        }
        let message = format!("errors: no call of the sandbox matches `{}`", name.escape_debug());
        let known: Vec<String> = calls().collect();
        let help = nearest(&name, known.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
        let help = help.unwrap_or_else(|| services(name.split(':').next().unwrap_or_default()));
        document.wrong(&["errors", &name], Spot::Key, message, Some(help));
    }
}

fn check_quotas(document: &mut Document) {
    for name in document.names(&["quotas"]) {
        let known: Vec<String> = QUOTAS.iter().map(Quota::key).collect();
        if !known.contains(&name) {
            let message = format!("quotas: the sandbox has no quota `{}`", name.escape_debug());
            let near = nearest(&name, known.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
            let help = near.unwrap_or_else(|| format!("quotas: {}", known.join(", ")));
            document.wrong(&["quotas", &name], Spot::Key, message, Some(help));
        }
    }
}

fn services(given: &str) -> String {
    let known: Vec<&str> = SERVICES.iter().map(|service| service.scope).collect();
    match nearest(given, known.iter().copied()) {
        Some(near) if near != given => format!("did you mean `{near}`?"),
        _ => format!("services: {}", known.join(", ")),
    }
}

/// Every call the sandbox knows, as `service:Operation`.
fn calls() -> impl Iterator<Item = String> {
    let operations = |scope: &'static str, list: &'static [crate::sandbox::Operation]| {
        list.iter().map(move |operation| format!("{scope}:{}", operation.name))
    };
    SERVICES
        .iter()
        .flat_map(move |service| service.operations.iter().flat_map(move |list| operations(service.scope, list)))
}

fn read(document: &Document) -> Weather {
    let number = |path: &[&str]| document.number(path).unwrap_or_default();
    let time = |path: &[&str]| document.duration(path).unwrap_or_default();
    let named = |table: &str| document.names(&[table]).into_iter();
    let bucket =
        |name: &str| Bucket { rate: number(&["throttle", name, "rate"]), burst: number(&["throttle", name, "burst"]) };
    Weather {
        seed: document.whole(&["seed"]).unwrap_or_default(),
        latency: time(&["latency"]),
        jitter: time(&["jitter"]),
        skew: time(&["skew"]),
        throttle: named("throttle").map(|name| (name.clone(), bucket(&name))).collect(),
        errors: named("errors").map(|name| (name.clone(), number(&["errors", &name]))).collect(),
        lost: Losses {
            requests: number(&["lost", "requests"]),
            answers: number(&["lost", "answers"]),
            late: number(&["lost", "late"]),
            late_by: time(&["lost", "late_by"]),
        },
        capacity: Shortage { rate: number(&["capacity", "rate"]), short_for: time(&["capacity", "short_for"]) },
        quotas: named("quotas").filter_map(|name| Some((name.clone(), document.whole(&["quotas", &name])?))).collect(),
        lag: named("lag").map(|name| (name.clone(), Lag(time(&["lag", &name])))).collect::<BTreeMap<_, Lag>>(),
    }
}

/// The keys of a weather file as a Markdown table.
pub fn reference() -> String {
    crate::config::reference_of(KEYS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn problems(text: &str) -> Vec<String> {
        let problems = Weather::parse("weather.toml", text).unwrap_err();
        problems.0.iter().map(|problem| problem.render(false, 200)).collect()
    }

    #[test]
    fn presets_are_right_and_differ() {
        for preset in PRESETS {
            let weather = Weather::preset(preset.name).unwrap_or_else(|problems| panic!("{problems}"));
            assert_eq!(weather.is_calm(), preset.name == "calm");
        }
        let Type::Text(Shape::Choice(names)) = KEYS[0].ty else { panic!("{:?}", KEYS[0]) };
        assert!(PRESETS.iter().map(|preset| preset.name).eq(names.iter().copied()));
        assert_eq!(Weather::parse("weather.toml", "").unwrap(), Weather::default());
        assert_eq!(Weather::rough(7).seed, 7);
    }

    #[test]
    fn every_key_is_read() {
        let text = r#"
            seed = 3
            latency = "30ms"
            jitter = "10ms"
            throttle = { ec2 = { rate = 0.5, burst = 4 } }
            errors = { "*" = 0.25, "ec2:Describe*" = 1 }
            lost = { requests = 0.1, answers = 0.2, late = 0.3, late_by = "20s" }
            capacity = { rate = 0.4, short_for = "10m" }
            lag = { iam = "1m 30s" }
            skew = "6m"
            quotas = { "redshift-serverless/workgroups" = 200 }
        "#;
        let weather = Weather::parse("weather.toml", text).unwrap();
        let wanted = Weather {
            seed: 3,
            latency: Duration::from_millis(30),
            jitter: Duration::from_millis(10),
            throttle: BTreeMap::from([("ec2".into(), Bucket { rate: 0.5, burst: 4.0 })]),
            errors: BTreeMap::from([("*".into(), 0.25), ("ec2:Describe*".into(), 1.0)]),
            lost: Losses { requests: 0.1, answers: 0.2, late: 0.3, late_by: Duration::from_secs(20) },
            capacity: Shortage { rate: 0.4, short_for: Duration::from_secs(600) },
            lag: BTreeMap::from([("iam".into(), Lag(Duration::from_secs(90)))]),
            skew: Duration::from_secs(360),
            quotas: BTreeMap::from([("redshift-serverless/workgroups".into(), 200)]),
        };
        assert_eq!(weather, wanted);
        // The same names and forms in every other form of it.
        let json = serde_json::to_string(&wanted).unwrap();
        assert_eq!(serde_json::from_str::<Weather>(&json).unwrap(), wanted);
        let toml = toml::to_string(&wanted).unwrap();
        assert_eq!(Weather::parse("again.toml", &toml).unwrap(), wanted, "{toml}");
    }

    #[test]
    fn a_file_is_laid_over_its_preset() {
        let over = "preset = \"rough\"\nlatency = \"0s\"\n[errors]\n\"*\" = 0\n[lag]\nelasticloadbalancing = \"3s\"\n";
        let (rough, weather) = (Weather::rough(0), Weather::parse("weather.toml", over).unwrap());
        assert_eq!(weather.latency, Duration::ZERO);
        assert_eq!(weather.errors["*"].to_bits(), 0.0_f64.to_bits());
        assert_eq!(weather.lag["elasticloadbalancing"], Lag(Duration::from_secs(3)));
        assert_eq!((weather.jitter, &weather.lag["iam"], weather.lost), (rough.jitter, &rough.lag["iam"], rough.lost));
    }

    #[test]
    fn every_mistake_comes_at_once_with_its_place() {
        let text = "\
preset = \"stormy\"
latncy = \"30ms\"
jitter = \"2m\"
seed = -1
[throttle]
ec2 = { rate = \"20\", burst = 5 }
rds = { rate = 1, burst = 1 }
kms = { burst = 1 }
[errors]
\"ec2:CreateVcp\" = 0.1
\"*\" = 1.5
[lost]
requests = true
[lag]
redshift-serverles = \"5s\"
iam = 5
[quotas]
\"redshift-serverless/workgroup\" = 30
";
        let found = problems(text);
        let at = |place: &str, words: &[&str]| {
            let fits = |problem: &&String| {
                problem.contains(&format!("weather.toml:{place}\n")) && words.iter().all(|word| problem.contains(word))
            };
            assert_eq!(found.iter().filter(fits).count(), 1, "{place} {words:?}\n{}", found.join("\n\n"));
        };
        at("1:10", &["`stormy` is not one of `calm`, `rough`"]);
        at("2:1", &["unknown key `latncy`", "did you mean `latency`?"]);
        at("3:10", &["`2m` is too long: the most is 60 s"]);
        at("4:8", &["-1 is out of bounds"]);
        at("6:16", &["`throttle.ec2.rate` must be a number, found a string", "write `20`"]);
        at("7:1", &["the sandbox has no service `rds`", "did you mean `redshift`?"]);
        at("8:1", &["`throttle.kms` has no key `rate`"]);
        at("10:1", &["no call of the sandbox matches `ec2:CreateVcp`", "did you mean `ec2:CreateVpc`?"]);
        at("11:7", &["1.5 is out of bounds: from 0 to 1"]);
        at("13:12", &["`lost.requests` must be a number, found a boolean"]);
        at("15:1", &["no service `redshift-serverles`", "did you mean `redshift-serverless`?"]);
        at("16:7", &["`lag.iam` must be a duration in quotes, found an integer", "write `\"5s\"`"]);
        at("18:1", &["no quota `redshift-serverless/workgroup`", "did you mean `redshift-serverless/workgroups`?"]);
        assert_eq!(found.len(), 13, "{}", found.join("\n\n"));
    }

    #[test]
    fn what_is_no_toml_or_no_file_is_told() {
        assert!(problems("latency = \n")[0].contains("weather.toml:1:"));
        let missing = Weather::open(Path::new("/nowhere/weather.toml")).unwrap_err();
        assert!(missing.to_string().contains("cannot read /nowhere/weather.toml"), "{missing}");
    }
}
