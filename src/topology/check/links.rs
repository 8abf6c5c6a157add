//! Checks of links: what two of them on different segments leave undecided.

use super::super::link::Link;
use super::super::network::Tables;
use super::super::words::mac_text;
use super::super::written::Source;
use super::unique;
use crate::error::Error;
use std::collections::BTreeSet;

/// Fails on the first fault; adds doubts to `notes`.
pub(super) fn check(tables: &Tables, source: Source<'_>, notes: &mut Vec<String>) -> Result<(), Error> {
    let links = &tables.links;
    unique(source, "link", links.iter().map(|link| &link.id))?;
    if let Some(link) = links.iter().find(|link| !link.has_selector()) {
        return Err(
            source.fault(link.id.offset, format!("link {} selects nothing: write at least one of interface, vlan, mac, file", link.id))
        );
    }
    // One note for what is shared, however many links share it.
    let mut noted = BTreeSet::new();
    for (idx, link) in links.iter().enumerate().filter(|(_, link)| link.segment.is_edge()) {
        for other in links.iter().take(idx).filter(|other| other.segment.is_edge() && *other.segment != *link.segment) {
            let Some(shared) = shared(link, other).filter(|shared| noted.insert(shared.clone())) else { continue };
            let text = format!(
                "{shared} is on two segments, {} (link {}) and {} (link {}): packets seen there prove neither",
                *other.segment, other.id, *link.segment, link.id
            );
            notes.push(source.note(link.id.offset, &text));
        }
    }
    Ok(())
}

/// What two links share, the narrowest word for it, when a packet may be seen on both: when no selector that both give parts them.
fn shared(a: &Link, b: &Link) -> Option<String> {
    let vlan = common(&a.vlan, &b.vlan)?;
    let mac = common(&a.mac, &b.mac)?;
    let interface = common(&a.interface, &b.interface)?;
    let file = common(&a.file, &b.file)?;
    let words = [
        mac.map(|mac| format!("mac {}", mac_text(*mac))),
        vlan.map(|stack| if stack.is_empty() { "an untagged frame".to_owned() } else { format!("vlan {stack:?}") }),
        interface.map(|name| format!("interface '{name}'")),
        file.map(|pattern| format!("file '{pattern}'")),
    ];
    let both = || format!("a packet that links {} and {} both select", b.id, a.id);
    Some(words.into_iter().flatten().next().unwrap_or_else(both))
}

/// `None` where the two lists part the links; else what stands in both, if both are given.
fn common<'l, T: PartialEq>(a: &'l [T], b: &[T]) -> Option<Option<&'l T>> {
    if a.is_empty() || b.is_empty() {
        return Some(None);
    }
    a.iter().find(|value| b.contains(value)).map(Some)
}

#[cfg(test)]
mod tests {
    use crate::topology::Topology;

    fn notes(first: &str, second: &str) -> Vec<String> {
        let text = format!("[[link]]\nid = 'er'\n{first}\n[[link]]\nid = 'isp'\n{second}\n");
        Topology::parse(&text, "t.toml").unwrap().notes
    }

    #[test]
    fn what_is_on_two_segments_is_noted() {
        for (first, second, shared) in [
            ("segment = 'expressroute'\nvlan = [[100], [7]]", "segment = 'internet'\nvlan = [[7]]\ninterface = ['e']", "vlan [7]"),
            ("segment = 'expressroute'\nvlan = [[]]", "segment = 'internet'\nvlan = [[]]", "an untagged frame"),
            ("segment = 'internet'\ninterface = ['e']", "segment = 'expressroute'\ninterface = ['e', 'f']\nvlan = [[7]]", "interface 'e'"),
            (
                "segment = 'expressroute'\nmac = ['0000.5e00.010a']",
                "segment = 'internet'\nmac = ['0000.5e00.010a']",
                "mac 00:00:5e:00:01:0a",
            ),
            (
                "segment = 'expressroute'\nvlan = [[7]]",
                "segment = 'internet'\ninterface = ['e']",
                "a packet that links er and isp both select",
            ),
        ] {
            let notes = notes(first, second);
            assert_eq!(notes.len(), 1, "{first}\n{second}");
            assert!(notes[0].contains(&format!(": {shared} is on two segments, ")), "{}", notes[0]);
        }
    }

    #[test]
    fn links_that_a_selector_parts_are_no_doubt() {
        for (first, second) in [
            ("segment = 'expressroute'\nvlan = [[7]]\ninterface = ['e']", "segment = 'internet'\nvlan = [[7]]\ninterface = ['f']"),
            ("segment = 'expressroute'\nvlan = [[7]]", "segment = 'internet'\nvlan = [[7, 8]]"),
            ("segment = 'expressroute'\nvlan = [[7]]", "segment = 'expressroute'\nvlan = [[7]]"),
            ("segment = '?'\nvlan = [[7]]", "segment = 'internet'\nvlan = [[7]]"),
            ("segment = 'local'\nvlan = [[7]]", "segment = 'internet'\nvlan = [[7]]"),
        ] {
            assert_eq!(notes(first, second), Vec::<String>::new(), "{first}\n{second}");
        }
    }
}
