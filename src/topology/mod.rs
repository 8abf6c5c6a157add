//! The user's network, read from TOML text: what an address belongs to, which link a tap looks at, where replies to a pool
//! come back. Without a file only what addresses alone can tell is known.

mod check;
mod endpoints;
mod link;
mod load;
mod lookup;
mod microsoft;
mod names;
mod network;
mod numbers;
mod place;
mod prefix;
mod switches;
mod tunnel;
mod voice;
mod words;
pub mod written;

pub use link::{Baseline, Heading, Link, LinkMatch, LinkSide, MacPair, TapFacts};
pub use lookup::Placed;
pub use microsoft::{Cloud, Date, Microsoft, MicrosoftPrefix, Role};
pub use network::{Nat, Prefix, PrefixRole, StaticNat, Tables};
pub use place::{Advertised, Place, Segment};
pub use switches::{Switch, open_questions, switches};
pub use tunnel::{Tunnel, TunnelKind};
pub use voice::{BypassMode, Edition, Gateway, Home, IpVersion, Numbers, Sbc, Site, Tenant, Trunk, TrunkTransport, User};
pub use words::{At, Mac, Word, mac_text};

use crate::error::Error;
use crate::record::SameLink;
use crate::time::Timestamp;
use ipnet::IpNet;
use std::net::IpAddr;

/// The user's network.
#[derive(Debug, Clone)]
pub struct Topology {
    /// The file as the user named it; none for what is known without one.
    pub file: Option<String>,
    /// Everything the file says.
    pub tables: Tables,
    /// What is doubtful in the file, `file:line: text`, in the order of the checks.
    pub notes: Vec<String>,
    lookup: lookup::Lookup,
    private: numbers::PrivateNumbers,
}

impl Topology {
    /// Reads a topology file's `text`; `file` names it in messages. Fails with [`Error::File`] on the first fault.
    /// A file that names a list of Microsoft's prefixes is read with [`Topology::parse_with`].
    pub fn parse(text: &str, file: &str) -> Result<Self, Error> {
        Self::parse_with(text, file, |_| Err("nothing reads files here".to_owned()))
    }

    /// The same for a file that may name a list of Microsoft's prefixes: `read` gives the text of the list at the path as it is written
    /// in the file, or says why it cannot.
    pub fn parse_with(text: &str, file: &str, read: impl FnOnce(&str) -> Result<String, String>) -> Result<Self, Error> {
        let source = written::Source { text, file };
        let mut tables = load::read(source)?;
        let notes = check::check(&tables, source)?;
        tables.microsoft.listed = load::listed(&tables, source, read)?;
        let private = numbers::PrivateNumbers::new(&tables.numbers.private_ranges, source)?;
        Ok(Self { file: Some(file.to_owned()), lookup: lookup::Lookup::new(&tables), tables, notes, private })
    }

    /// What is known without a file: private space is your_network (a guess), the built-in list is microsoft, all else internet.
    pub fn built_in() -> Self {
        let tables = Tables::default();
        Self { file: None, lookup: lookup::Lookup::new(&tables), tables, notes: Vec::new(), private: numbers::PrivateNumbers::default() }
    }

    /// What `ip` belongs to at the capture's time `at`, and why.
    pub fn place(&self, ip: IpAddr, at: Timestamp) -> Placed<'_> {
        self.lookup.placed(&self.tables, ip, at)
    }

    /// The same without the reason: two binary searches.
    pub fn place_of(&self, ip: IpAddr, at: Timestamp) -> Place {
        self.lookup.place(ip, at)
    }

    /// Number of the period that `at` is in: within one, every address keeps its place.
    pub fn period(&self, at: Timestamp) -> usize {
        self.lookup.period(at)
    }

    /// What `ip` may be when it is Microsoft's, else nothing.
    pub fn roles(&self, ip: IpAddr, at: Timestamp) -> &[Role] {
        self.lookup.roles(ip, at)
    }

    /// Whether `ip` may be a SIP proxy of Direct Routing.
    pub fn is_microsoft_signalling(&self, ip: IpAddr, at: Timestamp) -> bool {
        self.roles(ip, at).contains(&Role::Signalling)
    }

    /// The cloud that is behind Microsoft's address `ip`: the one that the file names, else that of the address's prefix.
    pub fn cloud(&self, ip: IpAddr, at: Timestamp) -> Cloud {
        match self.tables.cloud {
            Cloud::Worldwide => self.lookup.cloud(ip, at).unwrap_or_default(),
            named => named,
        }
    }

    /// The SBC whose address `ip` is, its own or the outside of a static NAT.
    pub fn sbc(&self, ip: IpAddr) -> Option<&Sbc> {
        self.tables.sbcs.get(self.lookup.sbc(ip)?)
    }

    /// `ip` is of no private space (RFC 1918, RFC 6598, RFC 4193, link-local): the Internet can reach it.
    pub fn is_public(&self, ip: IpAddr) -> bool {
        lookup::is_public(ip)
    }

    /// The trunk whose peer `ip` is.
    pub fn trunk(&self, ip: IpAddr) -> Option<&Trunk> {
        self.tables.trunks.get(self.lookup.trunk(ip)?)
    }

    /// The longest NAT pool or advertised prefix that holds `ip`, and where it is advertised, each once; nowhere means not known.
    pub fn pool(&self, ip: IpAddr) -> Option<(IpNet, &[Advertised])> {
        self.lookup.pool(ip).map(|(net, advertised)| (*net, advertised.as_slice()))
    }

    /// `net` shares addresses with one of Microsoft's prefixes that are valid at `at`.
    pub fn is_of_microsoft(&self, net: &IpNet, at: Timestamp) -> bool {
        self.lookup.is_of_microsoft(&self.tables, net, at)
    }

    /// What the file says stands at `ip`: the role of the longest prefix that holds it.
    pub fn role(&self, ip: IpAddr) -> Option<PrefixRole> {
        let holding = self.tables.prefixes.iter().filter(|prefix| prefix.cidr.contains(&ip));
        holding.max_by_key(|prefix| prefix.cidr.prefix_len())?.role
    }

    /// A table of the file names `ip`, or a prefix that holds it; else its place is a guess, or Microsoft's list has it.
    pub fn names(&self, ip: IpAddr) -> bool {
        let tables = &self.tables;
        tables.prefixes.iter().any(|prefix| prefix.cidr.contains(&ip))
            || tables.nats.iter().any(|nat| nat.pool.contains(&ip))
            || tables.static_nats.iter().any(|pair| [*pair.inside, *pair.outside].contains(&ip))
            || tables.sites.iter().flat_map(|site| &site.subnets).any(|net| net.contains(&ip))
            || tables.tenant.trusted_ips.iter().any(|net| net.contains(&ip))
            || self.sbc(ip).is_some()
            || self.trunk(ip).is_some()
    }

    /// The site whose subnet holds `ip`, by the longest one.
    pub fn site(&self, ip: IpAddr) -> Option<&Site> {
        let subnets = self.tables.sites.iter().flat_map(|site| site.subnets.iter().map(move |net| (net, site)));
        subnets.filter(|(net, _)| net.contains(&ip)).max_by_key(|(net, _)| net.prefix_len()).map(|(_, site)| site)
    }

    /// Whether Microsoft would find the tenant by this name of an SBC; none where the file names neither SBCs nor domains.
    pub fn is_sbc_name(&self, name: &str) -> Option<bool> {
        names::is_sbc_name(&self.tables, name)
    }

    /// Some gateway is reached through the proxy SBC of this name.
    pub fn is_proxy_sbc(&self, name: &str) -> bool {
        self.tables.gateways.iter().filter_map(|gateway| gateway.proxy.as_ref()).any(|proxy| proxy.eq_ignore_ascii_case(name))
    }

    /// The number is in the private numbering plan.
    pub fn is_private_number(&self, number: &str) -> bool {
        self.private.hold(number)
    }

    /// The number calls for help: one of the topology's emergency numbers, or of the built-in ones where it names none.
    pub fn is_emergency(&self, number: &str) -> bool {
        match &self.tables.numbers.emergency {
            Some(own) => own.iter().any(|known| known == number),
            None => numbers::EMERGENCY.contains(&number),
        }
    }

    /// The links on which a tap sees frames with these MACs; all selectors of a link must match.
    pub fn links(&self, tap: &TapFacts<'_>, macs: MacPair, heading: Heading) -> Vec<LinkMatch<'_>> {
        link::links(&self.tables, tap, macs, heading)
    }

    /// The links whose selectors fit none of these taps, MACs left out of account.
    pub fn links_of_no_tap(&self, taps: &[TapFacts<'_>]) -> Vec<&Link> {
        link::of_no_tap(&self.tables, taps)
    }

    /// The links that a tap is on by itself, whatever MACs are seen there.
    pub fn links_at(&self, tap: &TapFacts<'_>) -> Vec<&Link> {
        link::links_at(&self.tables, tap)
    }

    /// The file has links or tunnels, which show what packets crossed.
    pub fn has_links(&self) -> bool {
        !self.tables.links.is_empty() || !self.tables.tunnels.is_empty()
    }

    /// The tunnel of the file that packets at a tap came through, the innermost if several.
    pub fn tunnel(&self, tap: &TapFacts<'_>) -> Option<&Tunnel> {
        tunnel::tunnel(&self.tables.tunnels, tap)
    }

    /// Whether the `file` patterns of `[[link]]` leave two paths on one link.
    pub fn same_link(&self) -> SameLink {
        link::same_link(&self.tables)
    }

    /// The day of the built-in Microsoft list, for printing beside whatever rests on it.
    pub fn microsoft_as_of() -> Date {
        microsoft::built_in().as_of
    }

    /// The lists that Microsoft's prefixes are taken from, with their days.
    pub fn microsoft_lists(&self) -> String {
        let built_in = format!("built-in list as of {}", Self::microsoft_as_of());
        match (&self.tables.microsoft.list, self.tables.microsoft.as_of) {
            (Some(list), Some(day)) => format!("list '{list}' as of {day}, {built_in}"),
            _ => built_in,
        }
    }
}

#[cfg(test)]
mod faults;
#[cfg(test)]
mod tests;
