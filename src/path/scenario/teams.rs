//! Calls of Direct Routing: which of rows TD1 to TD8 the media that an SBC is seen to send leaves over, and the legs by their names there.

use super::compare::{Observed, Setting};
use super::observed::{Scenario, observed, packets};
use crate::call::{Call, Leg, Recognition};
use crate::path::{Hop, HopKind};
use crate::time::Timestamp;
use crate::topology::{Place, Topology};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// What media of the SBC goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Far {
    /// A processor or relay of Microsoft's: addresses and ports do not tell which.
    Microsoft,
    /// A client on the Internet.
    RemoteClient,
    /// A client inside.
    InsideClient,
    /// Another SBC.
    Sbc,
}

/// What Microsoft's session descriptions say of bypass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Offer {
    /// None was seen.
    Unseen,
    /// They have no ICE: no client is reached directly or by a relay.
    Plain,
    /// They have ICE, with Microsoft's own candidates.
    Ice,
    /// They have candidates that are not Microsoft's: a client's.
    Clients,
}

/// What tells rows apart.
#[derive(Debug, Clone, Copy)]
struct Facts {
    /// Where most media goes; absent: none was seen.
    far: Option<Far>,
    /// `MediaBypass` of the SBC's gateways, where the topology names it and they agree.
    bypass: Option<bool>,
    offer: Offer,
    /// An SBC of another tenant takes part.
    other_tenant: bool,
}

/// The rows that these facts leave.
fn rows(facts: Facts) -> Vec<&'static str> {
    let by_media: &[&str] = match facts.far {
        Some(Far::Sbc) => return vec!["TD6"],
        Some(Far::InsideClient) => return vec!["TD3"],
        Some(Far::RemoteClient) => return vec!["TD5"],
        // Elsewhere a hairpin to another tenant looks like any call through a processor.
        Some(Far::Microsoft) if facts.other_tenant => return vec!["TD7"],
        Some(Far::Microsoft) => &["TD1", "TD2", "TD4", "TD8"],
        None => &["TD1", "TD2", "TD3", "TD4", "TD5", "TD8"],
    };
    let fits = |id: &&str| match (*id, facts.bypass, facts.offer) {
        ("TD1" | "TD2", bypass, offer) => bypass != Some(true) && offer != Offer::Clients,
        ("TD8", bypass, _) => bypass != Some(false),
        (_, bypass, offer) => bypass != Some(false) && offer != Offer::Plain,
    };
    let fitting: Vec<&'static str> = by_media.iter().copied().filter(fits).collect();
    // The topology says one thing and the call another: media decides.
    if fitting.is_empty() { by_media.to_vec() } else { fitting }
}

/// The scenario of a call that has a Direct Routing leg. One that was refused went no way that media could be compared with.
pub(super) fn scenario(call: &Call, recognitions: &[Recognition], hops: &[Hop], topology: &Topology) -> Option<Scenario> {
    let parties = Parties::of(call, recognitions, topology)?;
    let media = hops.iter().filter(|hop| hop.kind == HopKind::Media).filter_map(|hop| Some((parties.far(hop)?, hop)));
    let media: Vec<(Far, &Hop)> = media.collect();
    let far = media.iter().max_by_key(|(far, hop)| (packets(hop), *far)).map(|(far, _)| *far);
    if far.is_none() && !parties.answered {
        return None;
    }
    let facts = Facts { far, bypass: parties.bypass(), offer: parties.offer, other_tenant: parties.other_tenant() };
    let mut seen: Vec<Observed> = Vec::new();
    let mut named: Vec<(&'static str, String)> = Vec::new();
    for hop in hops.iter().filter(|hop| hop.kind == HopKind::Signalling && parties.is_with_microsoft(hop)) {
        let own = [hop.a.ip, hop.b.ip].into_iter().find_map(|ip| parties.sbcs.iter().position(|sbc| sbc.ips.contains(&ip)));
        let numbered = match own {
            Some(0) => Some("SBC1-proxy"),
            Some(1) => Some("SBC2-proxy"),
            _ => None,
        };
        for leg in Some("SBC-proxy").into_iter().chain(numbered) {
            seen.push(observed(leg, hop));
            named.push((leg, hop.id.clone()));
        }
    }
    for (of, hop) in media.iter().filter(|(of, _)| Some(*of) == far) {
        seen.extend(names(*of).iter().map(|leg| observed(leg, hop)));
        named.extend(names(*of).iter().map(|leg| (*leg, hop.id.clone())));
    }
    let between = media.iter().filter(|(of, _)| *of == Far::Sbc && far == Some(Far::Sbc)).flat_map(|(_, hop)| [hop.a.place, hop.b.place]);
    let setting = Setting { express_route: topology.tables.express_route, sbc_inside: parties.sbc_inside(between) };
    Some(Scenario { named, ..Scenario::new(&rows(facts), &seen, setting)? })
}

/// What rows call media of this kind.
fn names(far: Far) -> &'static [&'static str] {
    match far {
        Far::Microsoft => &["SBC-mp", "SBC1-mp", "relay-SBC"],
        Far::RemoteClient | Far::InsideClient => &["A-SBC"],
        Far::Sbc => &["SBC1-SBC2"],
    }
}

/// One SBC by its addresses.
#[derive(Debug)]
struct Device {
    /// Its id in the topology.
    id: Option<String>,
    place: Place,
    ips: BTreeSet<IpAddr>,
}

/// Who takes part in a call.
struct Parties<'t> {
    topology: &'t Topology,
    at: Timestamp,
    /// In order of first message.
    sbcs: Vec<Device>,
    /// Addresses that Microsoft announced for media.
    announced: BTreeSet<IpAddr>,
    /// Addresses of Microsoft's signalling.
    microsoft: BTreeSet<IpAddr>,
    /// Addresses that take part in legs which are not Direct Routing.
    elsewhere: BTreeSet<IpAddr>,
    offer: Offer,
    answered: bool,
}

impl<'t> Parties<'t> {
    /// Nothing where no leg is Direct Routing.
    fn of(call: &Call, recognitions: &[Recognition], topology: &'t Topology) -> Option<Self> {
        let at = call.first.at;
        let mut parties = Self {
            topology,
            at,
            sbcs: Vec::new(),
            announced: BTreeSet::new(),
            microsoft: BTreeSet::new(),
            elsewhere: BTreeSet::new(),
            offer: Offer::Unseen,
            answered: false,
        };
        for (leg, recognition) in call.legs.iter().zip(recognitions) {
            if recognition.is_direct_routing() { parties.direct(leg, recognition) } else { parties.other(leg) }
        }
        (!parties.sbcs.is_empty()).then_some(parties)
    }

    /// Takes in a leg between an SBC and Microsoft.
    fn direct(&mut self, leg: &Leg, recognition: &Recognition) {
        self.answered |= leg.answered.is_some();
        self.microsoft.extend(recognition.microsoft.iter().map(|end| end.ip()));
        let Some((a, b)) = leg.ends() else { return };
        let own = if recognition.is_microsoft(a, b) { b.ip() } else { a.ip() };
        let id = self.topology.sbc(own).map(|sbc| sbc.id.to_string());
        let known = self.sbcs.iter().position(|sbc| sbc.ips.contains(&own) || (id.is_some() && sbc.id == id));
        let idx = known.unwrap_or(self.sbcs.len());
        if known.is_none() {
            self.sbcs.push(Device { id, place: self.topology.place_of(own, self.at), ips: BTreeSet::from([own]) });
        }
        for described in &leg.described {
            let Some(message) = leg.message(described.message).map(|m| &m.message) else { continue };
            let ips = described.ips.iter().copied();
            if !recognition.is_microsoft(message.src(), message.dst()) {
                if let Some(sbc) = self.sbcs.get_mut(idx) {
                    sbc.ips.extend(ips);
                }
                continue;
            }
            let is_microsoft = |ip: &IpAddr| self.topology.place_of(*ip, self.at) == Place::Microsoft;
            let said = match described.ice {
                false => Offer::Plain,
                true if described.ips.iter().all(is_microsoft) => Offer::Ice,
                true => Offer::Clients,
            };
            // The most that was ever offered counts: early media of a processor says nothing of the client that is rung.
            if self.offer == Offer::Unseen || said == Offer::Clients || (said == Offer::Ice && self.offer == Offer::Plain) {
                self.offer = said;
            }
            self.announced.extend(ips);
        }
    }

    /// Takes in another leg: what takes part in it is no client of Teams.
    fn other(&mut self, leg: &Leg) {
        self.elsewhere.extend(leg.endpoints.iter().map(|end| end.ip()));
        self.elsewhere.extend(leg.ends().into_iter().flat_map(|(a, b)| [a.ip(), b.ip()]));
    }

    /// Whether signalling has Microsoft at an end.
    fn is_with_microsoft(&self, hop: &Hop) -> bool {
        [hop.a, hop.b].iter().any(|end| self.microsoft.contains(&end.ip))
    }

    /// The SBC of this address, by its place in the list; those that only the topology knows come after.
    fn sbc(&self, ip: IpAddr) -> Option<String> {
        let named = self.topology.sbc(ip).map(|sbc| sbc.id.to_string());
        let seen = || self.sbcs.iter().position(|sbc| sbc.ips.contains(&ip));
        named.or_else(|| seen().map(|idx| self.sbcs.get(idx).and_then(|sbc| sbc.id.clone()).unwrap_or_else(|| idx.to_string())))
    }

    /// What media goes to, seen from the SBC; nothing where it is not the SBC's, or goes to a carrier.
    fn far(&self, hop: &Hop) -> Option<Far> {
        let (a, b) = (hop.a, hop.b);
        match [a, b].map(|end| end.place == Place::Microsoft) {
            [true, true] => return None,
            [true, _] | [_, true] => return Some(Far::Microsoft),
            _ => {}
        }
        let far = match [a, b].map(|end| self.sbc(end.ip)) {
            // On a trunk between two SBCs media is none that Microsoft told of.
            [Some(_), Some(_)] if [a, b].iter().all(|end| self.is_elsewhere(end.ip)) => return None,
            [Some(one), Some(other)] => return (one != other).then_some(Far::Sbc),
            [Some(_), None] => b,
            [None, Some(_)] => a,
            // An SBC behind NAT sends from an address that it did not announce, to one that Microsoft did.
            [None, None] => *[a, b].iter().find(|end| self.announced.contains(&end.ip))?,
        };
        if self.is_elsewhere(far.ip) {
            return None;
        }
        match far.place {
            Place::Carrier => None,
            place if place.is_inside() => Some(Far::InsideClient),
            _ => Some(Far::RemoteClient),
        }
    }

    /// It takes part in another leg, and Microsoft did not tell of it.
    fn is_elsewhere(&self, ip: IpAddr) -> bool {
        self.elsewhere.contains(&ip) && !self.announced.contains(&ip)
    }

    /// `MediaBypass`, where all gateways of these SBCs say the same.
    fn bypass(&self) -> Option<bool> {
        let ids: Vec<&str> = self.sbcs.iter().filter_map(|sbc| sbc.id.as_deref()).collect();
        let own =
            self.topology.tables.gateways.iter().filter(|gateway| gateway.sbc.as_ref().is_some_and(|sbc| ids.contains(&sbc.as_str())));
        let mut said = own.map(|gateway| gateway.media_bypass);
        let first = said.next()??;
        said.all(|other| other == Some(first)).then_some(first)
    }

    fn other_tenant(&self) -> bool {
        self.sbcs.iter().any(|sbc| sbc.place == Place::OtherTenant)
    }

    /// Whether the SBCs, and those in places `others`, are in your network; nothing where an address alone does not tell.
    fn sbc_inside(&self, others: impl Iterator<Item = Place>) -> Option<bool> {
        match self.sbcs.iter().map(|sbc| sbc.place).chain(others).find(|place| !place.is_inside()) {
            None => Some(true),
            Some(place) => matches!(place, Place::Carrier | Place::ThirdParty).then_some(false),
        }
    }
}

#[cfg(test)]
mod tests;
