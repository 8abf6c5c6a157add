//! The tables a network team fills: prefixes, address translation, tunnels, and the root that holds every table.

use super::link::Link;
use super::microsoft::{Cloud, Microsoft};
use super::place::{Advertised, Place};
use super::tunnel::Tunnel;
use super::voice::{Edition, Gateway, Numbers, Sbc, Site, Tenant, Trunk, User};
use super::words::{At, Word, list, one_of, optional, word};
use ipnet::IpNet;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use std::net::IpAddr;

/// Everything a topology file says, table by table, as written. Tables that no rule reads yet are validated like the others.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tables {
    /// Edition of the file's format; 1.
    #[serde(default, deserialize_with = "schema")]
    pub schema: u32,
    /// What the file describes, for headings.
    #[serde(default, deserialize_with = "optional")]
    pub name: Option<String>,
    /// The Microsoft 365 cloud in use.
    #[serde(default, deserialize_with = "word")]
    pub cloud: Cloud,
    /// Whether ExpressRoute with Microsoft peering exists; absent: not known.
    pub express_route: Option<bool>,
    /// Wording of the Location-Based Routing rules.
    #[serde(default, deserialize_with = "word")]
    pub lbr_edition: Edition,
    /// `[tenant]`
    #[serde(default)]
    pub tenant: Tenant,
    /// `[[prefix]]`
    #[serde(default, rename = "prefix")]
    pub prefixes: Vec<Prefix>,
    /// `[[nat]]`
    #[serde(default, rename = "nat")]
    pub nats: Vec<Nat>,
    /// `[[static_nat]]`
    #[serde(default, rename = "static_nat")]
    pub static_nats: Vec<StaticNat>,
    /// `[[link]]`
    #[serde(default, rename = "link")]
    pub links: Vec<Link>,
    /// `[[tunnel]]`
    #[serde(default, rename = "tunnel")]
    pub tunnels: Vec<Tunnel>,
    /// `[[site]]`
    #[serde(default, rename = "site")]
    pub sites: Vec<Site>,
    /// `[[sbc]]`
    #[serde(default, rename = "sbc")]
    pub sbcs: Vec<Sbc>,
    /// `[[gateway]]`
    #[serde(default, rename = "gateway")]
    pub gateways: Vec<Gateway>,
    /// `[[trunk]]`
    #[serde(default, rename = "trunk")]
    pub trunks: Vec<Trunk>,
    /// `[[user]]`
    #[serde(default, rename = "user")]
    pub users: Vec<User>,
    /// `[numbers]`
    #[serde(default)]
    pub numbers: Numbers,
    /// `[microsoft]`
    #[serde(default)]
    pub microsoft: Microsoft,
}

fn schema<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        1 => Ok(1),
        other => Err(D::Error::custom(format!("schema {other} is not known: write schema = 1"))),
    }
}

/// `[[prefix]]`: what a prefix belongs to.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prefix {
    /// The prefix; a bare address is a prefix of one.
    pub cidr: At<IpNet>,
    /// What it belongs to.
    #[serde(deserialize_with = "word")]
    pub place: Place,
    /// The user's own name for it.
    #[serde(default, deserialize_with = "optional")]
    pub label: Option<String>,
    /// For public space: where replies to it come back; empty: not known.
    #[serde(default, deserialize_with = "list")]
    pub advertised: Vec<Advertised>,
    /// What stands there, where that ends a path.
    #[serde(default, deserialize_with = "optional")]
    pub role: Option<PrefixRole>,
}

/// What `prefix.role` can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrefixRole {
    /// A web proxy: what lies behind it cannot be seen.
    WebProxy,
    /// Edge servers of Skype for Business, which relay media.
    Edge,
}

impl Word for PrefixRole {
    const WHAT: &'static str = "a role";
    fn word(text: &str) -> Result<Self, String> {
        one_of("role", text, &[("web_proxy", Self::WebProxy), ("edge", Self::Edge)])
    }
}

/// `[[nat]]`: a pool of public addresses that inside hosts are translated to. Its addresses are your_network.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nat {
    /// The addresses after translation.
    pub pool: At<IpNet>,
    /// Where replies to the pool come back; empty: not known.
    #[serde(default, deserialize_with = "list")]
    pub advertised: Vec<Advertised>,
}

/// `[[static_nat]]`: one inside host that is always translated to the same address.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StaticNat {
    /// The host's own address.
    pub inside: At<IpAddr>,
    /// Its address after translation, which takes the host's place.
    pub outside: At<IpAddr>,
}
