//! The domain of one's own: the length of the names under it, and a certificate that Redshift can take from there
//! (aws-facts.md 6.7, 13).

use super::Rules;
use crate::config::shape::Fault;
use crate::config::typed::CustomDomain;
use crate::dns;

pub(super) fn check(rules: &mut Rules<'_>) {
    let Some(domain) = &rules.config.nlb.custom_domain else { return };
    if !rules.config.has_nlb() {
        let fault = Fault::new("no group is behind the load balancer, so nobody answers to this name");
        rules.warning("nlb.custom_domain", fault.help("set `behind_nlb = true` in a group, or take it out"));
    }
    names(rules, domain);
    let elsewhere = "a certificate of ACM serves in its own region alone: request or import it there, too";
    let path = "nlb.custom_domain.certificate_arn";
    rules.of_this_estate(path, &domain.certificate_arn, "certificate", [elsewhere, ""]);
}

/// The consumers' own names must be names of hosts, too.
fn names(rules: &mut Rules<'_>, domain: &CustomDomain) {
    let (config, path) = (rules.config, "nlb.custom_domain.name");
    if !rules.sound(path) {
        return;
    }
    for (reader, _) in config.readers().filter(|(_, consumer)| consumer.behind_nlb) {
        let component = reader.component();
        let pinned = config.resources.get(&format!("{component}/custom-domain"));
        let Some(own) = config.reader_domain(reader).filter(|_| pinned.is_none_or(|of| of.name.is_none())) else {
            continue;
        };
        if let Some(why) = dns::fault(&own) {
            let fault = format!("the own name of {component} would be no name of a host: {why}");
            let help = format!("shorten `{}`, or the name of the group", domain.name);
            return rules.error(path, Fault::new(fault).help(help));
        }
    }
}
