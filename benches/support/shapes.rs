//! Captures over TCP, and hostile ones: what `gen.rs`, whose calls are UDP, does not write. Tests take this file in with `#[path]`.
//!
//! The same name, size and VLAN give the same bytes on any machine.

use std::collections::BTreeMap;
use std::io::{self, Write};

#[path = "drsip.rs"]
mod drsip;

#[path = "hostile.rs"]
mod hostile;

#[path = "teams.rs"]
mod teams;

#[path = "wire.rs"]
mod wire;

use hostile::Attack;

/// The attacks, by the names that benches use.
pub const ATTACKS: [(&str, Attack); 5] = [
    ("collide", Attack::Collide),
    ("one-off", Attack::OneOff),
    ("call-ids", Attack::CallIds),
    ("endless", Attack::Endless),
    ("syn", Attack::Syn),
];

/// New dialogs per second of *drsip* where nobody asks for others.
pub const DIALOGS_PER_SECOND: u64 = 2_000;

/// What was written.
pub struct Truth {
    /// Records in the file.
    pub packets: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// SIP messages by method of requests and by status of responses.
    pub messages: BTreeMap<String, u64>,
    /// Dialogs begun in breach of a rule.
    pub broken: u64,
}

/// Writes `drsip` with so many dialogs per second, or an attack, to `out` as a pcap (µs, little-endian, Ethernet) and stops once it
/// has `bytes`. Many small writes: hand it a buffered writer. Fails where `out` does, and for a name that is none.
pub fn write(name: &str, bytes: u64, per_second: u64, vlan: Option<u16>, out: &mut dyn Write) -> io::Result<Truth> {
    let mut capture = wire::Capture::begin(out, vlan)?;
    let (messages, broken) = match ATTACKS.iter().find(|(known, _)| *known == name) {
        Some((_, attack)) => (hostile::write(*attack, &mut capture, bytes)?, 0),
        None if name == "drsip" => {
            let written = drsip::write(&mut capture, bytes, per_second)?;
            (written.messages, written.broken)
        }
        None => return Err(io::Error::other(format!("no shape '{name}'"))),
    };
    Ok(Truth { packets: capture.packets, bytes: capture.bytes, messages, broken })
}
