//! The points of observation, where there are several or where a mirror sent what was seen: what `tap 1` in other lines means.

use super::left_out;
use super::style::{self, Pen};
use crate::report::{Summary, TapEntry, escape::escape};
use std::io::{self, Write};

/// Taps shown without `-v`.
const MAX_TAPS: usize = 10;

/// Writes the taps; nothing for a capture with one tap that needs no word.
pub fn write(out: &mut dyn Write, pen: Pen, summary: &Summary, verbose: bool) -> io::Result<()> {
    let taps = &summary.taps;
    if taps.len() < 2 && taps.iter().all(|tap| tap.encapsulation.is_none()) {
        return Ok(());
    }
    pen.heading(out, "Taps", "")?;
    let most = if verbose { usize::MAX } else { MAX_TAPS };
    for tap in taps.iter().take(most) {
        let lead = pen.line().put(style::DIM, &format!("[{}] ", tap.id)).take();
        pen.paragraph(out, lead, style::PLAIN, &facts(tap, summary.inputs.len() > 1))?;
    }
    left_out(out, pen, "taps", taps.len(), most)
}

/// `interface er, vlan 400 1201, erspan II session 7, 192.0.2.1 and 192.0.2.2, input 0 1`
fn facts(tap: &TapEntry, several_inputs: bool) -> String {
    let list = |numbers: &mut dyn Iterator<Item = String>| numbers.collect::<Vec<_>>().join(" ");
    let mut parts = Vec::new();
    parts.extend(tap.interface.as_ref().map(|name| format!("interface {}", escape(name))));
    parts.push(match tap.vlan.as_slice() {
        [] => "untagged".to_owned(),
        stack => format!("vlan {}", list(&mut stack.iter().map(u16::to_string))),
    });
    parts.extend(tap.encapsulation.as_ref().map(|words| escape(words).into_owned()));
    if several_inputs {
        parts.push(format!("input {}", list(&mut tap.inputs.iter().map(u32::to_string))));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tap_says_what_it_is_known_by() {
        let tap = TapEntry {
            id: 3,
            inputs: vec![0, 2],
            interface: Some("eth2".to_owned()),
            vlan: vec![400, 1201],
            encapsulation: Some("erspan II session 7".to_owned()),
        };
        assert_eq!(facts(&tap, true), "interface eth2, vlan 400 1201, erspan II session 7, input 0 2");
        assert_eq!(facts(&TapEntry::default(), false), "untagged");
    }
}
