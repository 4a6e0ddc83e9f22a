//! The smaller tables: tags, state, monitoring, protect, and keys in KMS.

use super::Rules;
use crate::config::diagnostic::nearest;
use crate::config::shape::Fault;
use crate::config::typed::StateBackend;

/// Tags of one's own; AWS allows 50 on a resource, and rsds has its share.
const OWN_TAGS: usize = 40;

pub(super) fn check(rules: &mut Rules<'_>) {
    tags(rules);
    state(rules);
    monitoring(rules);
    protect(rules);
    key(rules);
}

fn tags(rules: &mut Rules<'_>) {
    let count = rules.config.tags.len();
    if count > OWN_TAGS {
        rules.error(
            "tags",
            Fault::new(format!("{count} tags: at most {OWN_TAGS}, since AWS allows 50 and rsds has some of its own")),
        );
    }
}

fn state(rules: &mut Rules<'_>) {
    if !rules.sound("state.backend") {
        return;
    }
    if matches!(rules.config.state, StateBackend::S3 { .. }) {
        if !rules.written("state.bucket") && rules.sound("state.bucket") {
            rules.error("state.backend", Fault::new("the `s3` backend needs a `bucket`"));
        }
        return;
    }
    for name in ["bucket", "key", "region", "kms_key_id"] {
        let path = format!("state.{name}");
        if rules.written(&path) {
            let fault = Fault::new("only the `s3` backend has this, and the state is local");
            rules.error_at_key(&path, fault.help("set `backend = \"s3\"`"));
        }
    }
}

fn monitoring(rules: &mut Rules<'_>) {
    let Some(monitoring) = &rules.config.monitoring else { return };
    if monitoring.topic_arn.is_some() && !monitoring.notify.is_empty() {
        let fault = Fault::new("either mail addresses (`notify`) or a topic that exists, not both");
        rules.error_at_key("monitoring.topic_arn", fault);
    }
    if let Some(arn) = &monitoring.topic_arn {
        topic(rules, arn);
    } else if monitoring.alarms && monitoring.notify.is_empty() && rules.sound("monitoring.notify") {
        let fault = Fault::new("the alarms tell nobody: they are seen in the console alone");
        rules.warning("monitoring", fault.help("name mail addresses (`notify`) or a topic (`topic_arn`)"));
    }
}

/// CloudWatch tells topics of its own region alone.
fn topic(rules: &mut Rules<'_>, arn: &str) {
    let path = "monitoring.topic_arn";
    let parts: Vec<&str> = arn.split(':').collect();
    let [_, _, _, region, _, name] = parts.as_slice() else {
        let fault = Fault::new("not the ARN of a topic").help("`arn:aws:sns:<region>:<account>:<name>`");
        return rules.error(path, fault);
    };
    if rules.sound("region") && *region != rules.config.region {
        let message = format!("the topic {name} is in {region}, and the estate in {}", rules.config.region);
        rules.error(path, Fault::new(message).help("CloudWatch tells topics of its own region alone"));
    }
}

fn protect(rules: &mut Rules<'_>) {
    let config = rules.config;
    let mut known: Vec<String> = ["networking", "producer", "nlb", "monitoring"].map(str::to_owned).into();
    known.extend(config.consumers.keys().map(|group| format!("consumer-{group}")));
    known.extend(config.readers().map(|(reader, _)| reader.component()));
    known.extend(config.datashares.keys().map(|share| format!("datashare-{share}")));
    known.extend(config.users.keys().map(|user| format!("user-{user}")));
    for (index, address) in config.protect.addresses.iter().enumerate() {
        let component = address.split('/').next().unwrap_or_default();
        if component.contains('*') || known.iter().any(|name| name == component) {
            continue;
        }
        // Only a warning: what is protected may have just been taken out of the file, and is then protected from that.
        let near = nearest(component, known.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
        let fault = Fault { message: format!("nothing in this file is called `{component}`"), help: near };
        rules.warning(&format!("protect.addresses[{index}]"), fault);
    }
}

fn key(rules: &mut Rules<'_>) {
    if let Some(arn) = &rules.config.producer.kms_key_arn {
        let besides = ["a key of KMS serves in its own region alone", "; an alias is not enough"];
        rules.of_this_estate("producer.kms_key_arn", arn, "key", besides);
    }
}
