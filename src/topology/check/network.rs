//! Checks of prefixes, address translation, tunnels and the Microsoft table.

use super::super::network::{StaticNat, Tables};
use super::super::place::Advertised;
use super::super::words::At;
use super::super::written::Source;
use super::unique;
use crate::error::Error;
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};

/// Fails on the first fault; adds doubts to `notes`.
pub(super) fn check(tables: &Tables, source: Source<'_>, notes: &mut Vec<String>) -> Result<(), Error> {
    unique(source, "prefix", tables.prefixes.iter().map(|prefix| &prefix.cidr))?;
    advertisements(tables, source, notes)?;
    static_nat(&tables.static_nats, source)?;
    tunnels(tables, source)?;
    microsoft(tables, source)
}

/// The same pool with two different answers is refused; a pool advertised on both, or placed outside, is noted.
fn advertisements(tables: &Tables, source: Source<'_>, notes: &mut Vec<String>) -> Result<(), Error> {
    let pools = tables.nats.iter().map(|nat| (&nat.pool, &nat.advertised));
    let prefixes = tables.prefixes.iter().filter(|prefix| !prefix.advertised.is_empty()).map(|prefix| (&prefix.cidr, &prefix.advertised));
    let mut seen: BTreeMap<IpNet, (usize, BTreeSet<Advertised>)> = BTreeMap::new();
    for (net, advertised) in pools.chain(prefixes) {
        let advertised: BTreeSet<Advertised> = advertised.iter().copied().collect();
        let both = advertised.len() > 1;
        match seen.insert(**net, (net.offset, advertised.clone())) {
            Some((first, before)) if before != advertised => return Err(differs(source, net, first)),
            Some(_) => {}
            None if both => notes.push(source.note(net.offset, &advertised_on_both(net))),
            None => {}
        }
    }
    for (net, (offset, _)) in seen.iter().filter(|(net, (_, advertised))| is_private(net) && !advertised.is_empty()) {
        notes.push(source.note(*offset, &format!("{net} is private and cannot be advertised: write the public addresses behind it")));
    }
    for prefix in tables.prefixes.iter().filter(|prefix| !prefix.place.is_inside()) {
        if tables.nats.iter().any(|nat| *nat.pool == *prefix.cidr) {
            let text = format!("{} is a NAT pool and has place '{}': its flows do not count as yours", prefix.cidr, prefix.place);
            notes.push(source.note(prefix.cidr.offset, &text));
        }
    }
    Ok(())
}

/// RFC 1918 and unique local space: nobody outside has a route to it.
fn is_private(net: &IpNet) -> bool {
    match net {
        IpNet::V4(net) => net.network().is_private(),
        IpNet::V6(net) => net.network().is_unique_local(),
    }
}

fn differs(source: Source<'_>, net: &At<IpNet>, first: usize) -> Error {
    let line = source.line(first);
    source.fault(net.offset, format!("pool {net} is advertised otherwise in line {line}: write it once, with every segment in one list"))
}

fn advertised_on_both(net: &At<IpNet>) -> String {
    format!("{net} is advertised on internet and expressroute: replies may come back over either, so no return path is predicted for it")
}

fn static_nat(pairs: &[StaticNat], source: Source<'_>) -> Result<(), Error> {
    unique(source, "static_nat outside", pairs.iter().map(|pair| &pair.outside))?;
    match pairs.iter().find(|pair| *pair.inside == *pair.outside) {
        Some(pair) => {
            Err(source.fault(pair.outside.offset, format!("{} is translated to itself: write the address after translation", pair.outside)))
        }
        None => Ok(()),
    }
}

fn tunnels(tables: &Tables, source: Source<'_>) -> Result<(), Error> {
    for tunnel in &tables.tunnels {
        let right = matches!(tunnel.ends.as_slice(), [a, b] if **a != **b);
        if !right {
            let text = "a tunnel has two different ends: write ends = [\"198.51.100.9\", \"203.0.113.77\"]";
            return Err(source.fault(tunnel.ends.first().map_or(tunnel.segment.offset, |end| end.offset), text));
        }
    }
    Ok(())
}

fn microsoft(tables: &Tables, source: Source<'_>) -> Result<(), Error> {
    let microsoft = &tables.microsoft;
    let given = microsoft.list.as_ref().map(|list| list.offset).or(microsoft.add.first().map(|row| row.cidr.offset));
    if let (Some(offset), None) = (given, microsoft.as_of) {
        return Err(source.fault(offset, "[microsoft] has no date: write as_of = \"2026-06-06\", the day on which its prefixes were right"));
    }
    for row in &microsoft.add {
        let (Some(from), Some(until)) = (row.from, &row.until) else { continue };
        if from >= **until {
            let text = format!("{} ends on {until} before it begins on {from}: write until later than from", row.cidr);
            return Err(source.fault(until.offset, text));
        }
    }
    Ok(())
}
