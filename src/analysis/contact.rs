//! The name and port that an SBC's Contact gives; the port also for the clouds of Microsoft's that demand one.

use crate::call::{Leg, LegMessage, Recognition};
use crate::proto::sip::{HeaderName, Host, NameAddr, lossy};
use crate::topology::Topology;
use crate::trunk::{Called, How, Named, Trunks, history::CloudOf};

/// The port of SIP over TLS where a URI names none (RFC 3261 section 19.1.2).
const DEFAULT: u16 = 5061;

/// Longer values are not kept.
const LONGEST: usize = 512;

/// Notes the Contact of the first request on a leg that the SBC sends to Microsoft.
pub fn note(leg: &Leg, recognition: &Recognition, topology: &Topology, trunks: &mut Trunks) {
    let Some((message, text)) = first_contact(leg, recognition) else { return };
    let (sbc, seen, excerpt) = (message.message.src().ip(), message.message.seen(), format!("Contact: {text}"));
    let uri = NameAddr::parse(&text).uri();
    let port = uri.port.unwrap_or(DEFAULT);
    // Nobody has a name so long, and what is kept is bounded. With Record-Route another host is the next hop; an address in place of the name is DR001's matter.
    if let Host::Name(host) = uri.host
        && text.len() <= LONGEST
        && !message.sip().has(HeaderName::RecordRoute)
    {
        trunks.named(sbc, Named { host: host.trim_end_matches('.').to_ascii_lowercase(), port, seen, excerpt: excerpt.clone() });
    }
    let microsoft = recognition.microsoft.first();
    if let Some(cloud) = microsoft.and_then(|microsoft| CloudOf::of(topology, microsoft.ip(), leg.started())) {
        trunks.called(sbc, Called { port, how: How::Contact, seen, excerpt, cloud });
    }
}

fn first_contact<'l>(leg: &'l Leg, recognition: &Recognition) -> Option<(&'l LegMessage, String)> {
    let mut by_sbc = leg.messages.iter().filter(|m| m.start.is_request && recognition.is_microsoft(m.message.dst(), m.message.src()));
    by_sbc.find_map(|message| {
        let sip = message.sip();
        let contacts = sip.values(HeaderName::Contact);
        let first = contacts.first().filter(|_| !sip.is_half(HeaderName::Contact))?;
        Some((message, lossy(first).into_owned()))
    })
}
