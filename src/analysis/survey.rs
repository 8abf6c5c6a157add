//! What calls and connections show of the network around them, for who drafts a topology from a capture.

use crate::call::{Call, Leg, Recognition};
use crate::decode::{Dir, MacPair};
use crate::flow::{Connection, Content};
use crate::proto::sip::{HeaderName, Host, NameAddr, lossy};
use crate::report::{HostRole, NameEntry, PeerEntry, RunEntry, Survey};
use crate::time::Timestamp;
use crate::topology::{Place, Topology};
use std::net::{IpAddr, SocketAddr};

/// The port on which Microsoft's SIP proxies listen.
const PROXY_PORT: u16 = 5061;

/// Names that are taken from one certificate.
const MOST_NAMES: usize = 8;

/// The direction of packets between a host and Microsoft.
struct Way {
    host: SocketAddr,
    microsoft: SocketAddr,
    outbound: bool,
}

impl Way {
    /// `None` unless just one end is Microsoft's.
    fn of(topology: &Topology, from: SocketAddr, to: SocketAddr, at: Timestamp) -> Option<Self> {
        let is_microsoft = |end: SocketAddr| topology.place_of(end.ip(), at) == Place::Microsoft;
        match (is_microsoft(from), is_microsoft(to)) {
            (false, true) => Some(Self { host: from, microsoft: to, outbound: true }),
            (true, false) => Some(Self { host: to, microsoft: from, outbound: false }),
            _ => None,
        }
    }

    fn run(&self, role: HostRole, tap: u32, macs: MacPair, packets: u64) -> RunEntry {
        let gateway = if self.outbound { macs.dst } else { macs.src };
        RunEntry { host: self.host.ip(), role, outbound: self.outbound, tap, gateway, packets }
    }
}

/// What a call shows: names and addresses of its SBC, who is on the other side, and the taps of its media.
pub fn call(call: &Call, recognitions: &[Recognition], topology: &Topology) -> Survey {
    let mut survey = Survey::default();
    let at = call.first.at;
    let mut sbc: Option<(usize, IpAddr)> = None;
    for (idx, (leg, recognition)) in call.legs.iter().zip(recognitions).enumerate() {
        let Some((a, b)) = leg.ends() else { continue };
        note_private(&[a, b], topology, at, &mut survey);
        if recognition.is_direct_routing() {
            let host = if recognition.is_microsoft(a, b) { b } else { a };
            sbc.get_or_insert((idx, host.ip()));
            contacts(leg, recognition, &mut survey);
        }
    }
    if let Some((place, sbc)) = sbc {
        let others = call.legs.iter().zip(recognitions).enumerate().filter(|(_, (_, recognition))| !recognition.is_direct_routing());
        survey.peers.extend(others.filter_map(|(idx, (leg, _))| peer(leg, sbc, idx > place)));
    }
    for stream in call.streams.iter().map(|bound| &bound.stream) {
        let (src, dst) = stream.flow.from_to(stream.dir);
        note_private(&[src, dst], topology, at, &mut survey);
        let Some(way) = Way::of(topology, src, dst, at) else { continue };
        let role = sbc.map_or(HostRole::Unknown, |(_, sbc)| HostRole::MediaOf(sbc));
        for pass in &stream.passes {
            survey.runs.extend(pass.macs().iter().map(|used| way.run(role, pass.tap().0, used.macs, used.packets)));
        }
    }
    survey
}

/// A leg behind the SBC. Where it has another address there than towards Microsoft, the order of legs tells which end it is: it sends
/// on what it was sent.
fn peer(leg: &Leg, sbc: IpAddr, later: bool) -> Option<PeerEntry> {
    let (a, b) = leg.ends()?;
    let sends = if a.ip() == sbc || b.ip() == sbc { a.ip() == sbc } else { later };
    let (inner, peer) = if sends { (a.ip(), b.ip()) } else { (b.ip(), a.ip()) };
    (inner != peer).then_some(PeerEntry { sbc, inner, peer })
}

/// The names and ports in Contact of what the SBC sends to Microsoft.
fn contacts(leg: &Leg, recognition: &Recognition, survey: &mut Survey) {
    for message in leg.messages.iter().filter(|m| !m.retransmission && recognition.is_microsoft(m.message.dst(), m.message.src())) {
        let host = message.message.src().ip();
        let sip = message.sip();
        for contact in sip.values(HeaderName::Contact) {
            let text = lossy(&contact);
            let uri = NameAddr::parse(&text).uri();
            let Host::Name(name) = uri.host else { continue };
            if note_name(host, name, "Contact", survey) {
                survey.ports.extend(uri.port.map(|port| (host, port)));
            }
        }
    }
}

/// What a connection shows: who speaks with a SIP proxy, under which name, at which taps.
pub fn connection(connection: &Connection, topology: &Topology) -> Survey {
    let mut survey = Survey::default();
    let (a, b) = connection.id.flow.endpoints();
    let at = connection.first.at;
    note_private(&[a, b], topology, at, &mut survey);
    for dir in [Dir::Up, Dir::Down] {
        let (from, to) = connection.id.flow.from_to(dir);
        let Some(way) = Way::of(topology, from, to, at) else { return survey };
        let role = if is_signalling(connection, &way, topology) { HostRole::Signalling } else { HostRole::Unknown };
        let runs = &connection.half(dir).sightings.0;
        survey.runs.extend(runs.iter().map(|run| way.run(role, run.tap.0, run.macs, run.packets)));
        if way.outbound && role == HostRole::Signalling {
            survey.clouds.push(topology.cloud(way.microsoft.ip(), at).to_string());
            certificate(connection, dir, way.host.ip(), &mut survey);
            if opened_by(connection, dir.reverse()) {
                survey.ports.push((way.host.ip(), way.host.port()));
            }
        }
    }
    survey
}

/// Clients share Microsoft's prefixes with SIP proxies, but nobody there calls a client, and on this port only proxies listen.
fn is_signalling(connection: &Connection, way: &Way, topology: &Topology) -> bool {
    let from_microsoft = if connection.id.flow.from_to(Dir::Up).0 == way.microsoft { Dir::Up } else { Dir::Down };
    let is_proxy = || way.microsoft.port() == PROXY_PORT || opened_by(connection, from_microsoft);
    match connection.content {
        Content::Sip => true,
        Content::Tls => topology.is_microsoft_signalling(way.microsoft.ip(), connection.first.at) && is_proxy(),
        _ => false,
    }
}

fn opened_by(connection: &Connection, dir: Dir) -> bool {
    connection.opening.is_seen() && connection.opener == dir
}

/// The names that the host's certificate holds, and the one that Microsoft asks it for.
fn certificate(connection: &Connection, dir: Dir, host: IpAddr, survey: &mut Survey) {
    let Some(tls) = connection.tls.as_deref() else { return };
    if tls.client == Some(dir.reverse())
        && let Some(name) = tls.offered.as_ref().and_then(|offered| offered.what.server_name.as_deref())
    {
        note_name(host, name, "the name that Microsoft asks for", survey);
    }
    let own = tls.chain(dir).and_then(|chain| chain.what.certificates.first());
    for name in own.iter().flat_map(|own| &own.names).take(MOST_NAMES) {
        note_name(host, name, "its certificate", survey);
    }
}

/// Takes in a well-formed name, `*.contoso.com` included, once; false for what is none.
fn note_name(host: IpAddr, name: &str, by: &str, survey: &mut Survey) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let label = |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    let rest = name.strip_prefix("*.").unwrap_or(&name);
    if !(rest.contains('.') && rest.len() < 254 && rest.split('.').all(label)) {
        return false;
    }
    if !survey.names.iter().any(|known| known.host == host && known.name == name) {
        survey.names.push(NameEntry { host, name, by: by.to_owned() });
    }
    true
}

/// Takes in the ends that are your network's as far as anybody can guess.
fn note_private(ends: &[SocketAddr], topology: &Topology, at: Timestamp, survey: &mut Survey) {
    let private = ends.iter().map(SocketAddr::ip).filter(|ip| topology.place_of(*ip, at) == Place::YourNetwork);
    for ip in private {
        if !survey.private.contains(&ip) {
            survey.private.push(ip);
        }
    }
}
