//! From an address to its place, with the reason: one flattened table per period in which the Microsoft list does not change.

use super::microsoft::{Cloud, MicrosoftPrefix, Role, built_in};
use super::network::Tables;
use super::place::{Advertised, Place};
use super::prefix::PrefixMap;
use super::voice::Sbc;
use crate::time::Timestamp;
use ipnet::IpNet;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// 2018-01-01, before Direct Routing existed: a capture with an earlier clock had none, and the newest list serves it.
const CLOCK_IS_SET: Timestamp = Timestamp(1_514_764_800_000_000_000);

/// Space that is private by its number, with the name of the convention.
const PRIVATE: [(&str, &str); 9] = [
    ("10.0.0.0/8", "RFC 1918"),
    ("172.16.0.0/12", "RFC 1918"),
    ("192.168.0.0/16", "RFC 1918"),
    ("100.64.0.0/10", "RFC 6598"),
    ("169.254.0.0/16", "link-local, RFC 3927"),
    ("fe80::/10", "link-local, RFC 4291"),
    ("fc00::/7", "unique local, RFC 4193"),
    ("127.0.0.0/8", "loopback, RFC 1122"),
    ("::1/128", "loopback, RFC 4291"),
];

/// No private space holds the address.
pub(super) fn is_public(ip: IpAddr) -> bool {
    !PRIVATE.iter().filter_map(|(net, _)| net.parse::<IpNet>().ok()).any(|net| net.contains(&ip))
}

/// What an address is, and why.
#[derive(Debug, Clone)]
pub struct Placed<'t> {
    /// What it belongs to.
    pub place: Place,
    /// The longest known prefix that holds it; an SBC's or a static NAT's is the address itself.
    pub net: Option<IpNet>,
    /// What that rests on, for example `topology prefix 10.0.0.0/8 (corporate)`.
    pub why: String,
    /// The SBC whose address it is, its own or the outside of a static NAT.
    pub sbc: Option<&'t Sbc>,
    /// What it may be, when it is Microsoft's; of all valid prefixes that hold it.
    pub roles: &'t [Role],
    /// Whether a valid Microsoft prefix that holds it is marked ExpressRoute-capable.
    pub express_route: bool,
}

/// What a place rests on; numbers are positions in [`Tables`].
#[derive(Debug, Clone)]
enum Basis {
    Sbc(usize),
    StaticNat(usize),
    Prefix(usize),
    Nat,
    Site(usize),
    Trunk(usize),
    Trusted,
    Added,
    Listed,
    BuiltIn(Cloud),
    Private(&'static str),
}

#[derive(Debug, Clone)]
struct Entry {
    place: Place,
    basis: Basis,
    sbc: Option<usize>,
    roles: Vec<Role>,
    express_route: bool,
    cloud: Option<Cloud>,
}

impl Entry {
    fn new(place: Place, basis: Basis) -> Self {
        Self { place, basis, sbc: None, roles: Vec::new(), express_route: false, cloud: None }
    }
}

/// The search tables of one topology.
#[derive(Debug, Clone)]
pub(super) struct Lookup {
    /// By first moment; the first begins before all time.
    periods: Vec<(Timestamp, PrefixMap<Entry>)>,
    pools: PrefixMap<Vec<Advertised>>,
    newest: Timestamp,
}

impl Lookup {
    pub fn new(tables: &Tables) -> Self {
        let newest = built_in().as_of.start();
        let mut starts = BTreeSet::from([Timestamp(i64::MIN)]);
        for row in microsoft_rows(tables) {
            starts.extend(row.from.map(|day| day.start()));
            starts.extend(row.until.as_ref().map(|day| day.start()));
        }
        let periods = starts.into_iter().map(|start| (start, period(tables, start))).collect();
        Self { periods, pools: pools(tables), newest }
    }

    /// The first period begins before all time.
    pub fn period(&self, at: Timestamp) -> usize {
        let at = if at < CLOCK_IS_SET { self.newest } else { at };
        self.periods.partition_point(|(start, _)| *start <= at).saturating_sub(1)
    }

    fn entry(&self, ip: IpAddr, at: Timestamp) -> Option<&(IpNet, Entry)> {
        self.periods.get(self.period(at))?.1.get(ip)
    }

    pub fn place(&self, ip: IpAddr, at: Timestamp) -> Place {
        self.entry(ip, at).map_or(Place::Internet, |(_, entry)| entry.place)
    }

    pub fn roles(&self, ip: IpAddr, at: Timestamp) -> &[Role] {
        self.entry(ip, at).map_or(&[], |(_, entry)| &entry.roles)
    }

    /// The cloud of the longest Microsoft prefix that holds `ip`.
    pub fn cloud(&self, ip: IpAddr, at: Timestamp) -> Option<Cloud> {
        self.entry(ip, at).and_then(|(_, entry)| entry.cloud)
    }

    pub fn placed<'t>(&'t self, tables: &'t Tables, ip: IpAddr, at: Timestamp) -> Placed<'t> {
        let Some((net, entry)) = self.entry(ip, at) else {
            let why = "in no known prefix".to_owned();
            return Placed { place: Place::Internet, net: None, why, sbc: None, roles: &[], express_route: false };
        };
        Placed {
            place: entry.place,
            net: Some(*net),
            why: why(tables, *net, &entry.basis),
            sbc: entry.sbc.and_then(|idx| tables.sbcs.get(idx)),
            roles: &entry.roles,
            express_route: entry.express_route,
        }
    }

    pub fn sbc(&self, ip: IpAddr) -> Option<usize> {
        // SBC addresses are the same in every period.
        self.entry(ip, self.newest).and_then(|(_, entry)| entry.sbc)
    }

    pub fn trunk(&self, ip: IpAddr) -> Option<usize> {
        match self.entry(ip, self.newest)?.1.basis {
            Basis::Trunk(idx) => Some(idx),
            _ => None,
        }
    }

    pub fn pool(&self, ip: IpAddr) -> Option<&(IpNet, Vec<Advertised>)> {
        self.pools.get(ip)
    }

    /// Some of Microsoft's prefixes shares addresses with `net` at `at`.
    pub fn is_of_microsoft(&self, tables: &Tables, net: &IpNet, at: Timestamp) -> bool {
        let at = if at < CLOCK_IS_SET { self.newest } else { at };
        let shares = |row: &MicrosoftPrefix| row.cidr.contains(net) || net.contains(&*row.cidr);
        microsoft_rows(tables).any(|row| shares(row) && row.is_valid(at))
    }
}

fn microsoft_rows(tables: &Tables) -> impl Iterator<Item = &MicrosoftPrefix> {
    tables.microsoft.add.iter().chain(&tables.microsoft.listed).chain(&built_in().prefixes)
}

fn pools(tables: &Tables) -> PrefixMap<Vec<Advertised>> {
    let nats = tables.nats.iter().map(|nat| (*nat.pool, &nat.advertised));
    let prefixes = tables.prefixes.iter().filter(|prefix| !prefix.advertised.is_empty()).map(|prefix| (*prefix.cidr, &prefix.advertised));
    let sorted = |advertised: &Vec<Advertised>| BTreeSet::from_iter(advertised.iter().copied()).into_iter().collect();
    PrefixMap::new(nats.chain(prefixes).map(|(net, advertised)| (net, sorted(advertised))))
}

/// The table of the period that begins at `at`. Of equal prefixes the earlier in this list decides: hosts, the user's
/// own tables, Microsoft's, private space.
fn period(tables: &Tables, at: Timestamp) -> PrefixMap<Entry> {
    let mut entries = sbc_addresses(tables);
    let n_sbc = entries.len();
    entries.extend(user_prefixes(tables));
    entries.extend(microsoft(tables, at));
    entries
        .extend(PRIVATE.iter().filter_map(|(net, name)| Some((net.parse().ok()?, Entry::new(Place::YourNetwork, Basis::Private(name))))));
    if tables.static_nats.is_empty() {
        return PrefixMap::new(entries);
    }
    // The outside of a static NAT takes the place that its inside has without any static NAT.
    let without = PrefixMap::new(entries.clone());
    let outsides = tables.static_nats.iter().enumerate().map(|(idx, pair)| {
        let inside = without.get(*pair.inside).map(|(_, entry)| entry);
        let entry = Entry::new(inside.map_or(Place::YourNetwork, |entry| entry.place), Basis::StaticNat(idx));
        (IpNet::from(*pair.outside), Entry { sbc: inside.and_then(|entry| entry.sbc), ..entry })
    });
    let prefixes = entries.split_off(n_sbc);
    PrefixMap::new(entries.into_iter().chain(outsides).chain(prefixes))
}

fn sbc_addresses(tables: &Tables) -> Vec<(IpNet, Entry)> {
    let of = |(idx, sbc): (usize, &Sbc)| -> Vec<(IpNet, Entry)> {
        let entry = Entry { sbc: Some(idx), ..Entry::new(sbc.place, Basis::Sbc(idx)) };
        sbc.addresses().map(|ip| (IpNet::from(**ip), entry.clone())).collect()
    };
    tables.sbcs.iter().enumerate().flat_map(of).collect()
}

fn user_prefixes(tables: &Tables) -> Vec<(IpNet, Entry)> {
    let mut entries = Vec::new();
    entries.extend(tables.prefixes.iter().enumerate().map(|(idx, prefix)| (*prefix.cidr, Entry::new(prefix.place, Basis::Prefix(idx)))));
    entries.extend(tables.nats.iter().map(|nat| (*nat.pool, Entry::new(Place::YourNetwork, Basis::Nat))));
    for (idx, site) in tables.sites.iter().enumerate() {
        entries.extend(site.subnets.iter().map(|net| (**net, Entry::new(Place::YourNetwork, Basis::Site(idx)))));
    }
    for (idx, trunk) in tables.trunks.iter().enumerate() {
        entries.extend(trunk.peers.iter().map(|net| (**net, Entry::new(Place::Carrier, Basis::Trunk(idx)))));
    }
    entries.extend(tables.tenant.trusted_ips.iter().map(|net| (*net, Entry::new(Place::YourNetwork, Basis::Trusted))));
    entries
}

/// The rows valid at `at`. Rows of several documents overlap; an address may be whatever any of them says.
fn microsoft(tables: &Tables, at: Timestamp) -> Vec<(IpNet, Entry)> {
    let n_added = tables.microsoft.add.len();
    let n_listed = n_added + tables.microsoft.listed.len();
    let valid: Vec<(usize, &MicrosoftPrefix)> = microsoft_rows(tables).enumerate().filter(|(_, row)| row.is_valid(at)).collect();
    let entry = |(idx, row): &(usize, &MicrosoftPrefix)| {
        let around = || valid.iter().map(|(_, other)| *other).filter(|other| other.cidr.contains(&*row.cidr));
        let roles: BTreeSet<Role> = around().flat_map(|other| other.roles.iter().copied()).collect();
        let basis = match *idx {
            idx if idx < n_added => Basis::Added,
            idx if idx < n_listed => Basis::Listed,
            _ => Basis::BuiltIn(row.cloud),
        };
        let express_route = around().any(|other| other.er);
        (
            *row.cidr,
            Entry { roles: roles.into_iter().collect(), express_route, cloud: Some(row.cloud), ..Entry::new(Place::Microsoft, basis) },
        )
    };
    valid.iter().map(entry).collect()
}

fn why(tables: &Tables, net: IpNet, basis: &Basis) -> String {
    match basis {
        Basis::Sbc(idx) => tables.sbcs.get(*idx).map_or_else(String::new, |sbc| format!("address of sbc {}", sbc.id)),
        Basis::StaticNat(idx) => {
            let inside = tables.static_nats.get(*idx).map(|pair| pair.inside.to_string()).unwrap_or_default();
            format!("static NAT of {inside}")
        }
        Basis::Prefix(idx) => {
            let label = tables.prefixes.get(*idx).and_then(|prefix| prefix.label.as_deref());
            format!("topology prefix {net}{}", label.map(|label| format!(" ({label})")).unwrap_or_default())
        }
        Basis::Nat => format!("NAT pool {net}"),
        Basis::Site(idx) => format!("subnet {net} of site {}", tables.sites.get(*idx).map_or("", |site| site.id.as_str())),
        Basis::Trunk(idx) => format!("peer {net} of trunk {}", tables.trunks.get(*idx).map_or("", |trunk| trunk.name.as_str())),
        Basis::Trusted => format!("trusted address {net} of the tenant"),
        Basis::Added => format!("[microsoft] add {net}{}", as_of(tables)),
        Basis::Listed => {
            let list = tables.microsoft.list.as_ref().map_or("", |list| list.as_str());
            format!("list '{list}' {net}{}", as_of(tables))
        }
        Basis::BuiltIn(Cloud::Worldwide) => format!("built-in Microsoft list {net} as of {}", built_in().as_of),
        Basis::BuiltIn(cloud) => format!("built-in Microsoft list {net} ({cloud}) as of {}", built_in().as_of),
        Basis::Private(name) if tables.prefixes.is_empty() => format!("private address ({name}), a guess without a topology"),
        Basis::Private(name) => format!("private address ({name}), a guess: in no prefix of the topology"),
    }
}

fn as_of(tables: &Tables) -> String {
    tables.microsoft.as_of.map(|day| format!(" as of {day}")).unwrap_or_default()
}
