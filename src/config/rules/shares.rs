//! Data shares: what they hold, their databases, and public warehouses (aws-facts.md 10).

use super::Rules;
use crate::config::diagnostic::Diagnostic;
use crate::config::shape::Fault;
use crate::config::tree::{join, locate};
use crate::config::typed::{AdminPassword, Config, Datashare, ProducerKind};

pub(super) fn check(rules: &mut Rules<'_>) {
    let config = rules.config;
    for (name, share) in &config.datashares {
        let path = join("datashares", name);
        databases(rules, config, name, share, &path);
        if share.from.is_some() || !rules.sound(&format!("{path}.account")) {
            offered(rules, config, share, &path);
            continue;
        }
        if share.schemas.is_empty()
            && share.tables.is_empty()
            && rules.sound(&format!("{path}.schemas"))
            && rules.sound(&format!("{path}.tables"))
        {
            rules.error(&path, Fault::new("the share holds nothing").help("list `schemas`, or single `tables`"));
        }
        if rules.written(&format!("{path}.namespace")) {
            let fault = Fault::new("only a share of another account has this");
            rules.error_at_key(&format!("{path}.namespace"), fault.help("say whose it is: `account`"));
        }
        public(rules, config, share, &path);
        accounts(rules, config, share, &path);
    }
    without_way_in(rules);
}

fn databases(rules: &mut Rules<'_>, config: &Config, name: &str, share: &Datashare, path: &str) {
    let path = format!("{path}.database");
    let database = &share.database;
    for group in config.share_groups(share) {
        if config.consumers.get(group).is_some_and(|consumer| consumer.database == *database) {
            let fault =
                format!("`{database}` is the own database of the group `{group}`: the shared one needs another name");
            rules.error(&path, Fault::new(fault));
        }
        let clash = config.datashares.iter().take_while(|(other, _)| *other != name);
        let mut clash =
            clash.filter(|(_, other)| other.database == *database && config.share_groups(other).contains(&group));
        if let Some((other, _)) = clash.next() {
            let fault = format!("the share `{other}` makes a database `{database}` on the group `{group}` too");
            rules.error(&path, Fault::new(fault));
            return;
        }
    }
}

fn public(rules: &mut Rules<'_>, config: &Config, share: &Datashare, path: &str) {
    if share.publicly_accessible {
        return;
    }
    let groups = config.share_groups(share);
    let is_public = |group: &&&str| config.consumers.get(**group).is_some_and(|consumer| consumer.publicly_accessible);
    if let Some(group) = groups.iter().find(is_public) {
        let fault =
            Fault::new(format!("the group `{group}` is publicly accessible, and AWS denies it a share that is not"));
        rules.error(
            &format!("{path}.publicly_accessible"),
            fault.help("set `publicly_accessible = true` here, or take the group out of `consumers`"),
        );
    }
}

/// What only the side that makes a share can say.
const OF_ITS_PRODUCER: [&str; 6] =
    ["schemas", "tables", "include_new", "create_schemas", "accounts", "publicly_accessible"];

/// A share of another account: where it is, and nothing of what is in it.
fn offered(rules: &mut Rules<'_>, config: &Config, share: &Datashare, path: &str) {
    for key in OF_ITS_PRODUCER.map(|key| format!("{path}.{key}")) {
        if rules.written(&key) {
            let fault =
                Fault::new("the share is of another account (`account`), and what is in it is its producer's to say");
            rules.error_at_key(&key, fault.help("take it out here"));
        }
    }
    let (account, namespace) = (format!("{path}.account"), format!("{path}.namespace"));
    if !rules.written(&namespace) && rules.sound(&namespace) {
        let fault = Fault::new("whose share it is takes the id of its producer's namespace, too");
        rules.error(&account, fault.help("add `namespace`: `SELECT current_namespace` tells it there"));
    }
    if let Some(from) = share.from.as_ref().filter(|from| config.account.as_ref() == Some(&from.account)) {
        let fault = Fault::new(format!("{} is the estate's own account (`account`)", from.account));
        rules.error(&account, fault.help("leave `account` and `namespace` out: the estate's own producer shares"));
    }
}

/// AWS refuses a grant to the account that the share is of; its namespaces are `consumers`.
fn accounts(rules: &mut Rules<'_>, config: &Config, share: &Datashare, path: &str) {
    for (index, account) in share.accounts.iter().enumerate() {
        let path = format!("{path}.accounts[{index}]");
        if config.account.as_ref() == Some(account) {
            let fault = Fault::new(format!("{account} is the estate's own account (`account`)"));
            rules.error(&path, fault.help("its warehouses are `consumers`; here stand other accounts"));
        }
    }
}

/// A serverless producer whose password AWS does not keep (aws-facts.md 11).
fn without_way_in(rules: &mut Rules<'_>) {
    let (config, producer) = (rules.config, &rules.config.producer);
    let closed =
        matches!(producer.kind, ProducerKind::Serverless(_)) && producer.admin_password != AdminPassword::Managed;
    if closed && config.own_shares().next().is_some() {
        let message =
            "`[datashares]`: rsds has no way into a producer whose password AWS does not keep, and leaves them to you";
        let origin = locate(rules.tree, "producer.admin_password").0.key.clone();
        let warning = Diagnostic::warning(message, &origin);
        rules
            .warnings
            .push(warning.help("run what `rsds datashare sql` prints, or set `admin_password = \"managed\"`"));
    }
}
