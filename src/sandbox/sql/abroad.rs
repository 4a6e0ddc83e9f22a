//! What other accounts share with this one: their producers, each with its databases and its data shares.
//!
//! Data only. Nobody builds another account here: a region begins with the producers of two others, whose shares are authorized
//! for this account, and tests change them by `Sandbox::edit`. Read by queries, and by the data shares of the `redshift`
//! service, which associates warehouses with them. Must never be reached by a statement that changes something.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::catalogue::{Catalogue, Consumer, Grant, Share};
use crate::sandbox::world::ACCOUNT;

/// The producers of other accounts, by the UUID of their namespace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Abroad(pub BTreeMap<String, Partner>);

/// A producer of another account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Partner {
    /// Its account.
    pub account: String,
    /// Its databases, and what it shares.
    pub catalogue: Catalogue,
}

/// When the shares that a region begins with were made.
const MADE: Timestamp = Timestamp::constant(1_767_603_600, 0);

/// The producers that a region begins with: account, namespace, and the shares with their tables.
type Beginning = (&'static str, &'static str, &'static [(&'static str, &'static [&'static str])]);
const BEGINNING: [Beginning; 3] = [
    (
        "210987654321",
        "2f6c1b9e-5d3a-4c70-9b1e-210987654321",
        &[("partner_sales", &["bookings", "schedule"]), ("partner_stock", &["schedule"])],
    ),
    ("210987654321", "5b8e2d40-7c11-4e0a-a3f5-210987654321", &[("partner_stock", &["bookings"])]),
    (
        "321098765432",
        "84d0a7c3-1e52-4f9b-8a66-321098765432",
        &[("harbour_traffic", &["bookings"]), ("partner_sales", &["schedule"])],
    ),
];

impl Default for Abroad {
    fn default() -> Self {
        let partner = |(account, namespace, shares): Beginning| {
            let mut catalogue = Catalogue::new("dev", "awsuser");
            for (name, tables) in shares {
                let share = offered(catalogue.next_id(), tables);
                catalogue.shares.insert((*name).to_owned(), share);
            }
            (namespace.to_owned(), Partner { account: account.to_owned(), catalogue })
        };
        Self(BEGINNING.map(partner).into())
    }
}

/// A share that this account may take up.
fn offered(id: i64, tables: &[&str]) -> Share {
    let table = |name: &&str| ("flights".to_owned(), (*name).to_owned());
    let consumer = Consumer::Account(ACCOUNT.to_owned());
    Share {
        id,
        database: "dev".to_owned(),
        owner: "awsuser".to_owned(),
        created: MADE,
        public: false,
        schemas: BTreeMap::from([("flights".to_owned(), true)]),
        tables: tables.iter().map(table).collect::<BTreeSet<_>>(),
        grants: vec![Grant { consumer, since: MADE, status: "AUTHORIZED".to_owned() }],
    }
}

impl Abroad {
    /// The producer of that namespace.
    pub(in crate::sandbox) fn of(&self, namespace: &str) -> Option<&Partner> {
        self.0.get(namespace)
    }

    /// Every share, with its producer's namespace and account, and its name.
    pub(in crate::sandbox) fn shares(&self) -> impl Iterator<Item = (&String, &Partner, &String, &Share)> {
        self.0.iter().flat_map(|(namespace, partner)| {
            partner.catalogue.shares.iter().map(move |(name, share)| (namespace, partner, name, share))
        })
    }

    /// Whether a warehouse of this account is associated with any of them.
    pub(in crate::sandbox) fn is_taken_up(&self) -> bool {
        let to_warehouse = |grant: &Grant| matches!(grant.consumer, Consumer::Namespace(_));
        self.shares().any(|(.., share)| share.grants.iter().any(to_warehouse))
    }
}

impl Share {
    /// What an account is to a share of another one, as far as it came.
    pub(in crate::sandbox) fn status_of(&self, account: &str) -> Option<&str> {
        let is = |grant: &&Grant| grant.consumer == Consumer::Account(account.to_owned());
        self.grants.iter().find(is).map(|grant| grant.status.as_str())
    }

    /// Whether an account may take up what another one shares.
    pub(in crate::sandbox) fn is_open_to(&self, account: &str) -> bool {
        self.status_of(account).is_some_and(|status| ["AUTHORIZED", "ACTIVE"].contains(&status))
    }

    /// Whether a warehouse of an account may read what another one shares: it is associated, or its whole account is.
    pub(in crate::sandbox) fn is_taken_up_by(&self, account: &str, namespace: &str) -> bool {
        let own = Consumer::Namespace(namespace.to_owned());
        let associated = self.grants.iter().any(|grant| grant.consumer == own && grant.status == "ACTIVE");
        self.is_open_to(account) && (associated || self.status_of(account) == Some("ACTIVE"))
    }
}
