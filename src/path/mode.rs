//! Which way media of a trunk's calls is meant to go – straight to the client, through Microsoft's processors, or by Local Media
//! Optimization – as the topology says, else as the call shows (catalogue section 3).
//!
//! What a call shows is of that call alone: voice applications, conferences, federated users and web clients have their media at a
//! processor on any trunk.

use super::gateway::{Carriers, carriers};
use super::lmo::Told;
use crate::call::{Leg, LegMessage, Recognition, Transaction, media};
use crate::proto::{
    sdp::MediaDescription,
    sip::{HeaderName, Method},
};
use crate::time::Timestamp;
use crate::topology::{BypassMode, Gateway, Place, Topology};
use std::collections::BTreeSet;

/// The mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Local Media Optimization, which is media bypass by inner addresses.
    Lmo,
    /// Media bypass.
    Bypass,
    /// Media ends at a media processor.
    NonBypass,
}

impl Mode {
    /// Clients and SBC may speak straight to one another.
    pub fn is_bypass(self) -> bool {
        matches!(self, Mode::Lmo | Mode::Bypass)
    }
}

/// A mode and what it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The mode.
    pub mode: Mode,
    /// The topology says so; else it is inferred from the call.
    pub told: bool,
    /// In words: `the topology turns MediaBypass off for sbc1.contoso.com`.
    pub why: String,
}

/// The mode of a leg with Microsoft: what the topology says, else what the call shows. Fails with what is missing.
pub fn mode(leg: &Leg, recognition: &Recognition, topology: &Topology) -> Result<Known, String> {
    let carriers = carriers(leg, recognition, topology);
    if let Some(known) = told(&carriers).or_else(|| inferred(leg, recognition, topology)) {
        return Ok(known);
    }
    let lack = match carriers.gateways.is_empty() && topology.file.is_none() {
        true => "there is no topology".to_owned(),
        false if carriers.one().is_some() => "the topology does not say its MediaBypass".to_owned(),
        false => carriers.lack(),
    };
    Err(format!("nothing tells whether the trunk is in media bypass: {lack}, and the call does not show it"))
}

/// What the topology says of the gateways that may carry a leg, where they agree.
pub fn told(carriers: &Carriers<'_>) -> Option<Known> {
    let mut all = carriers.gateways.iter().map(|gateway| Some((mode_of(gateway)?, *gateway)));
    let (mode, gateway) = all.next()??;
    if !all.all(|other| other.is_some_and(|(other, _)| other == mode)) {
        return None;
    }
    let name = &gateway.fqdn;
    let why = match mode {
        Mode::Lmo => format!("the topology gives {name} a BypassMode"),
        Mode::Bypass => format!("the topology turns MediaBypass on for {name}"),
        Mode::NonBypass => format!("the topology turns MediaBypass off for {name}"),
    };
    Some(Known { mode, told: true, why })
}

fn mode_of(gateway: &Gateway) -> Option<Mode> {
    match (gateway.media_bypass, gateway.bypass_mode) {
        (Some(false), _) => Some(Mode::NonBypass),
        (_, Some(BypassMode::Always | BypassMode::OnlyForLocalUsers)) => Some(Mode::Lmo),
        (Some(true), _) => Some(Mode::Bypass),
        (None, _) => None,
    }
}

/// What the call itself shows. Signs of one endpoint's media come before the weakest sign, that several answered.
pub fn inferred(leg: &Leg, recognition: &Recognition, topology: &Topology) -> Option<Known> {
    let known = |mode, why: &str| Some(Known { mode, told: false, why: why.to_owned() });
    if locates(leg, recognition) {
        return known(Mode::Lmo, "Microsoft says where the user is, as Local Media Optimization does");
    }
    let clients = names_clients(leg, recognition, topology);
    if clients == Some(true) && leg.ice {
        return known(Mode::Bypass, "Microsoft's description has candidates of a client");
    }
    if clients == Some(false) && offers_timer(leg, recognition) {
        return known(Mode::NonBypass, "Microsoft offers Session-Expires and names none but its own addresses");
    }
    let several = leg.initial_invites().any(|invite| tags_of_183(leg, recognition, invite).len() > 1);
    several.then(|| known(Mode::Bypass, "Microsoft sends 183 with several To tags")).flatten()
}

/// Microsoft says where the user is, or which way media goes.
fn locates(leg: &Leg, recognition: &Recognition) -> bool {
    by_microsoft(leg, recognition).filter(|m| m.start.method == Method::Invite).any(|message| {
        let told = Told::of(&message.sip());
        told.location.is_some() || told.path.is_some()
    })
}

/// Whether some of Microsoft's descriptions has a candidate that is no address of its own; none where it describes no media.
pub fn names_clients(leg: &Leg, recognition: &Recognition, topology: &Topology) -> Option<bool> {
    let mut seen = None;
    for described in &leg.described {
        let Some(message) = leg.message(described.message).filter(|m| is_microsofts(m, recognition)) else { continue };
        let at = message.message.at();
        // Where all addresses are Microsoft's, none is a client's, and the lines are not read.
        let all_its_own = || described.ips.iter().all(|ip| topology.place_of(*ip, at) == Place::Microsoft);
        if described.audio && all_its_own() {
            seen = Some(seen == Some(true));
        } else if described.sdp(leg).audio().is_some() {
            seen = Some(seen == Some(true) || has_client(described.lines(leg), topology, at));
        }
    }
    seen
}

/// Some candidate of these lines is no address of Microsoft's: that of a client, in a home or a company.
pub fn has_client(lines: &[MediaDescription], topology: &Topology, at: Timestamp) -> bool {
    let is_microsoft = |ip| topology.place_of(ip, at) == Place::Microsoft;
    let candidate = |line: &MediaDescription| line.candidates.iter().any(|one| one.address.is_some_and(|ip| !is_microsoft(ip)));
    let announced = |line: &MediaDescription| media::endpoint(line).is_some_and(|end| !is_microsoft(end.ip()));
    lines.iter().any(|line| candidate(line) || (line.ice_ufrag.is_some() && announced(line)))
}

/// Microsoft brings the session timer in: in a request, or in a 2xx to a request without one.
fn offers_timer(leg: &Leg, recognition: &Recognition) -> bool {
    by_microsoft(leg, recognition).any(|message| {
        let start = message.start;
        let carries = matches!(start.method, Method::Invite | Method::Update) && message.sip().has(HeaderName::SessionExpires);
        let asked = || leg.transaction_of(message).and_then(|t| leg.message(t.request?)).map(|r| r.sip().has(HeaderName::SessionExpires));
        carries && (start.is_request || asked() == Some(false))
    })
}

/// The To tags of Microsoft's 183 responses to an INVITE.
fn tags_of_183<'l>(leg: &'l Leg, recognition: &Recognition, invite: &Transaction) -> BTreeSet<&'l [u8]> {
    let progress = invite.provisional.iter().filter_map(|idx| leg.message(*idx));
    let progress = progress.filter(|m| m.start.status == Some(183) && is_microsofts(m, recognition));
    progress.filter_map(|message| message.sip().to_tag()).collect()
}

fn by_microsoft<'l>(leg: &'l Leg, recognition: &Recognition) -> impl Iterator<Item = &'l LegMessage> {
    leg.messages.iter().filter(|message| is_microsofts(message, recognition))
}

fn is_microsofts(message: &LegMessage, recognition: &Recognition) -> bool {
    recognition.is_microsoft(message.message.src(), message.message.dst())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::{recognise, support};

    const SBC: &str = "[[sbc]]\nid = 's'\nfqdn = 'a.example'\nplace = 'your_network'\nsignalling = ['198.51.100.4']\n";

    /// The mode of Microsoft's INVITE with these header fields, where the topology has this gateway.
    fn of(gateway: &str, fields: &str) -> Result<(Mode, bool), String> {
        let topology = Topology::parse(&format!("{SBC}{gateway}"), "t.toml").unwrap();
        let ends = ("52.114.75.24:5061", "198.51.100.4:5061");
        let leg = support::leg(vec![support::message(0, ends, "INVITE sip:+1@a.example SIP/2.0", "INVITE", fields)]);
        mode(&leg, &recognise::recognise(&leg, &topology), &topology).map(|known| (known.mode, known.told))
    }

    #[test]
    fn the_topology_decides_before_the_call() {
        let gateway = |more: &str| of(&format!("[[gateway]]\nfqdn = 'a.example'\n{more}"), "X-MS-UserLocation: internal\r\n");
        assert_eq!(gateway("media_bypass = true\n"), Ok((Mode::Bypass, true)));
        assert_eq!(gateway("media_bypass = false\nbypass_mode = 'Always'\n"), Ok((Mode::NonBypass, true)));
        assert_eq!(gateway("media_bypass = true\nbypass_mode = 'Always'\n"), Ok((Mode::Lmo, true)));
        assert_eq!(gateway("media_bypass = true\nbypass_mode = 'None'\n"), Ok((Mode::Bypass, true)));
        assert_eq!(gateway(""), Ok((Mode::Lmo, false)));
    }

    #[test]
    fn what_nothing_shows_is_not_known() {
        let unknown =
            "nothing tells whether the trunk is in media bypass: the topology has no gateway a.example, and the call does not show it";
        assert_eq!(of("", "Session-Expires: 1800\r\n"), Err(unknown.to_owned()));
    }
}
