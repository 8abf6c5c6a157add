//! Checks of SBCs, gateways, sites, trunks and users: every name that is referred to exists, and once only.

use super::super::network::Tables;
use super::super::voice::{Gateway, Sbc, Tenant};
use super::super::words::{At, nearest};
use super::super::written::Source;
use super::unique;
use crate::error::Error;
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Fails on the first fault; adds doubts to `notes`.
pub(super) fn check(tables: &Tables, source: Source<'_>, notes: &mut Vec<String>) -> Result<(), Error> {
    sbcs(&tables.sbcs, source)?;
    unique(source, "gateway", tables.gateways.iter().map(|gateway| &gateway.fqdn))?;
    unique(source, "site", tables.sites.iter().map(|site| &site.id))?;
    unique(source, "trunk", tables.trunks.iter().map(|trunk| &trunk.name))?;
    unique(source, "user", tables.users.iter().map(|user| &user.number))?;
    unique(source, "subnet", tables.sites.iter().flat_map(|site| &site.subnets).collect::<Vec<&At<IpNet>>>())?;
    sites_by_case(tables, source, notes);
    for gateway in &tables.gateways {
        gateway_references(tables, gateway, source, notes)?;
    }
    let gateways = Names::new("gateway", tables.gateways.iter().map(|gateway| &gateway.fqdn));
    for user in &tables.users {
        number(&user.number, source)?;
        for name in &user.policy {
            gateways.require(name, source, notes)?;
        }
    }
    under_domain(tables, source, notes);
    Ok(())
}

fn sbcs(sbcs: &[Sbc], source: Source<'_>) -> Result<(), Error> {
    unique(source, "sbc", sbcs.iter().map(|sbc| &sbc.id))?;
    unique(source, "sbc fqdn", sbcs.iter().filter_map(|sbc| sbc.fqdn.as_ref()))?;
    let mut owner: BTreeMap<IpAddr, &Sbc> = BTreeMap::new();
    for sbc in sbcs {
        for ip in sbc.addresses() {
            let Some(other) = owner.insert(**ip, sbc) else { continue };
            if *other.id != *sbc.id {
                let text = format!("{ip} belongs to sbc {} too: write one [[sbc]], and a [[gateway]] for each of its names", other.id);
                return Err(source.fault(ip.offset, text));
            }
        }
    }
    Ok(())
}

fn number(number: &At<String>, source: Source<'_>) -> Result<(), Error> {
    let digits = number.strip_prefix('+').unwrap_or_default();
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(source.fault(number.offset, format!("'{number}' is not an E.164 number: write + and digits, as in \"+84455555555\"")));
    }
    Ok(())
}

/// Two site ids that differ by letter case only are two sites, but hardly meant so.
fn sites_by_case(tables: &Tables, source: Source<'_>, notes: &mut Vec<String>) {
    let mut seen: BTreeMap<String, &At<String>> = BTreeMap::new();
    for site in &tables.sites {
        if let Some(other) = seen.insert(site.id.to_lowercase(), &site.id) {
            notes
                .push(source.note(site.id.offset, &format!("site '{}' differs from '{other}' only by letter case, which counts", site.id)));
        }
    }
}

fn gateway_references(tables: &Tables, gateway: &Gateway, source: Source<'_>, notes: &mut Vec<String>) -> Result<(), Error> {
    if let Some(sbc) = &gateway.sbc {
        Names::new("sbc", tables.sbcs.iter().map(|sbc| &sbc.id)).require(sbc, source, notes)?;
    }
    if let Some(proxy) = &gateway.proxy {
        Names::new("gateway", tables.gateways.iter().map(|gateway| &gateway.fqdn)).require(proxy, source, notes)?;
    }
    let sites = Names::new("site", tables.sites.iter().map(|site| &site.id));
    for site in gateway.sites.iter().chain(&gateway.sites_lbr) {
        sites.require(site, source, notes)?;
    }
    let own: BTreeSet<&str> = gateway.sites.iter().map(|site| site.as_str()).collect();
    match gateway.sites_lbr.iter().find(|site| !own.contains(site.as_str())) {
        Some(site) => {
            let text = format!("site '{site}' is in sites_lbr and not in sites of {}: write it in both", gateway.fqdn);
            Err(source.fault(site.offset, text))
        }
        None => Ok(()),
    }
}

/// The names that things of one kind bear.
struct Names<'t> {
    what: &'static str,
    names: Vec<&'t str>,
}

impl<'t> Names<'t> {
    fn new(what: &'static str, names: impl Iterator<Item = &'t At<String>>) -> Self {
        Self { what, names: names.map(|name| name.as_str()).collect() }
    }

    /// Fails when nothing is called `name`; a name that differs by letter case only is noted.
    fn require(&self, name: &At<String>, source: Source<'_>, notes: &mut Vec<String>) -> Result<(), Error> {
        let what = self.what;
        if self.names.contains(&name.as_str()) {
            return Ok(());
        }
        if let Some(other) = self.names.iter().find(|other| other.eq_ignore_ascii_case(name)) {
            notes.push(source.note(name.offset, &format!("{what} '{name}' is written '{other}' elsewhere: letter case counts")));
            return Ok(());
        }
        let remedy = match nearest(name, &self.names) {
            Some(other) => format!("write '{other}'"),
            None if self.names.is_empty() => format!("write a [[{what}]] of that name"),
            None => format!("write one of {}, or add a [[{what}]] of that name", self.names.join(", ")),
        };
        Err(source.fault(name.offset, format!("no {what} is called '{name}': {remedy}")))
    }
}

/// SBC and gateway names ought to lie under a domain of the tenant, if the file names any.
fn under_domain(tables: &Tables, source: Source<'_>, notes: &mut Vec<String>) {
    let tenant = &tables.tenant;
    if tenant.domains.is_empty() {
        return;
    }
    let names = tables.sbcs.iter().filter_map(|sbc| sbc.fqdn.as_ref()).chain(tables.gateways.iter().map(|gateway| &gateway.fqdn));
    let mut noted = BTreeSet::new();
    for name in names.filter(|name| !tenant.covers(name)) {
        if noted.insert(name.as_str()) {
            let text = format!("'{name}' is under none of the tenant's domains ({})", tenant.domains.join(", "));
            notes.push(source.note(name.offset, &text));
        }
    }
}

impl Tenant {
    /// Whether a host name lies under one of the domains or fits one of the patterns of hosted SBCs, letter case ignored.
    pub fn covers(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        let under = |domain: &String| {
            let parent = name.strip_suffix(&domain.to_lowercase());
            parent.is_some_and(|host| host.is_empty() || host.ends_with('.'))
        };
        let options = glob::MatchOptions { case_sensitive: false, ..glob::MatchOptions::new() };
        self.domains.iter().any(under) || self.sbc_name_patterns.iter().any(|pattern| pattern.matches_with(&name, options))
    }
}
