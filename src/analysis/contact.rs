//! The port that an SBC's Contact names, where the cloud of Microsoft's that it talks to demands one.

use crate::call::{Leg, Recognition};
use crate::proto::sip::{HeaderName, NameAddr};
use crate::topology::Topology;
use crate::trunk::{Called, How, Trunks, history::CloudOf};

/// The port of SIP over TLS where a URI names none (RFC 3261 section 19.1.2).
const DEFAULT: u16 = 5061;

/// Notes the Contact of the first request on a leg that the SBC sends to Microsoft.
pub fn note(leg: &Leg, recognition: &Recognition, topology: &Topology, trunks: &mut Trunks) {
    let Some(microsoft) = recognition.microsoft.first() else { return };
    let Some(cloud) = CloudOf::of(topology, microsoft.ip(), leg.started()) else { return };
    let by_sbc = leg.messages.iter().filter(|m| m.start.is_request && recognition.is_microsoft(m.message.dst(), m.message.src()));
    for message in by_sbc {
        let sip = message.sip();
        let contacts = sip.values(HeaderName::Contact);
        let Some(first) = contacts.first() else { continue };
        let text = String::from_utf8_lossy(first);
        let port = NameAddr::parse(&text).uri().port.unwrap_or(DEFAULT);
        let (sbc, seen, excerpt) = (message.message.src().ip(), message.message.seen(), format!("Contact: {text}"));
        return trunks.called(sbc, Called { port, how: How::Contact, seen, excerpt, cloud });
    }
}
