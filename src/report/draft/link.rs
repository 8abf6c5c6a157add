//! The stubs for the network team: one `[[link]]` for each tap at which packets to or from Microsoft were seen.

use super::gather::{Gathered, TapSeen};
use super::text::{list, quoted};
use crate::report::{Summary, TapEntry, escape::escape};
use crate::topology::mac_text;
use std::collections::BTreeSet;
use std::io::{self, Write};

/// Taps without a packet of Microsoft's that are named.
const MOST_OTHERS: usize = 8;

/// Writes the stubs.
pub(super) fn write(gathered: &Gathered, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    let seen: Vec<(&TapEntry, &TapSeen)> =
        summary.taps.iter().filter_map(|tap| Some((tap, gathered.taps.get(&tap.id)?))).filter(|(_, seen)| seen.packets != [0, 0]).collect();
    writeln!(out, "\n# --- For the network team: what each of these links is --------------------------------------------")?;
    writeln!(out, "# segment: expressroute (Microsoft peering), internet, or local for a link inside the network; \"?\" is not known.")?;
    if seen.is_empty() {
        writeln!(out, "# No packet to or from Microsoft was seen at any tap.")?;
    }
    let mut ids = BTreeSet::new();
    for (tap, seen) in &seen {
        link(tap, seen, summary, &mut ids, out)?;
    }
    let others: Vec<&TapEntry> = summary.taps.iter().filter(|tap| !seen.iter().any(|(known, _)| known.id == tap.id)).collect();
    if !others.is_empty() {
        writeln!(out, "\n# Taps without a packet to or from Microsoft, which need no link:")?;
        for tap in others.iter().take(MOST_OTHERS) {
            writeln!(out, "# {}", describe(tap, summary))?;
        }
        match others.len().saturating_sub(MOST_OTHERS) {
            0 => {}
            more => writeln!(out, "# and {more} more")?,
        }
    }
    Ok(())
}

fn link(tap: &TapEntry, seen: &TapSeen, summary: &Summary, ids: &mut BTreeSet<String>, out: &mut dyn Write) -> io::Result<()> {
    let [there, back] = seen.packets;
    writeln!(out, "\n# {}: {there} packets to Microsoft, {back} from it", describe(tap, summary))?;
    for (mac, [there, back]) in &seen.gateways {
        writeln!(out, "#   gateway {}: {there} to Microsoft, {back} from it", mac_text(*mac))?;
    }
    let selectors = selectors(tap, seen, summary);
    if selectors.is_empty() {
        return writeln!(out, "# Nothing tells this tap: capture to a file of its own, or on an interface with a name.");
    }
    writeln!(out, "[[link]]")?;
    writeln!(out, "id = {}", quoted(&id(tap, ids)))?;
    writeln!(out, "segment = \"?\"")?;
    selectors.iter().try_for_each(|selector| writeln!(out, "{selector}"))?;
    let macs: Vec<String> = seen.gateways.keys().map(|mac| mac_text(*mac)).collect();
    if !macs.is_empty() && !selectors.iter().any(|selector| selector.starts_with("mac")) {
        let why = if macs.len() > 1 {
            "where gateways lead to different segments, a [[link]] for each"
        } else {
            "if another gateway may appear here"
        };
        writeln!(out, "# mac = {}   # {why}", list(&macs))?;
    }
    writeln!(out, "# nat_side = \"outside\"         # or \"inside\"")?;
    writeln!(out, "# firewall_side = \"outside\"    # or \"inside\"")
}

/// As few as tell this tap from the others.
fn selectors(tap: &TapEntry, seen: &TapSeen, summary: &Summary) -> Vec<String> {
    let mut selectors = Vec::new();
    let named = tap.interface.as_ref().filter(|name| is_word(name));
    selectors.extend(named.map(|name| format!("interface = {}", list(std::slice::from_ref(name)))));
    let others = || summary.taps.iter().filter(|other| other.id != tap.id && other.interface == tap.interface);
    if !tap.vlan.is_empty() || others().any(|other| other.vlan != tap.vlan) {
        selectors.push(format!("vlan = [{:?}]", tap.vlan));
    }
    if named.is_none() || others().any(|other| other.vlan == tap.vlan) {
        let files: Vec<String> = files(tap, summary).map(glob_of).filter(|name| is_word(name) && name != "-").collect();
        selectors.extend((!files.is_empty()).then(|| format!("file = {}", list(&files))));
    }
    if selectors.is_empty() && !seen.gateways.is_empty() {
        let macs: Vec<String> = seen.gateways.keys().map(|mac| mac_text(*mac)).collect();
        selectors.push(format!("mac = {}", list(&macs)));
    }
    selectors
}

/// The topology reads no word with blanks around it.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.trim() == text
}

fn glob_of(name: &str) -> String {
    name.chars().map(|c| if matches!(c, '?' | '*' | '[' | ']') { format!("[{c}]") } else { c.to_string() }).collect()
}

fn files<'s>(tap: &TapEntry, summary: &'s Summary) -> impl Iterator<Item = &'s str> {
    let paths = tap.inputs.iter().filter_map(|input| summary.inputs.get(*input as usize));
    let names: BTreeSet<&str> = paths.map(|input| input.path.rsplit(['/', '\\']).next().unwrap_or(&input.path)).collect();
    names.into_iter()
}

fn id(tap: &TapEntry, ids: &mut BTreeSet<String>) -> String {
    let mut id = tap.interface.clone().filter(|name| is_word(name)).unwrap_or_else(|| format!("tap-{}", tap.id));
    tap.vlan.iter().for_each(|vlan| id.push_str(&format!(".{vlan}")));
    if !ids.insert(id.clone()) {
        id = format!("{id} (tap {})", tap.id);
        ids.insert(id.clone());
    }
    id
}

fn describe(tap: &TapEntry, summary: &Summary) -> String {
    let interface = tap.interface.as_ref().map_or("an interface without a name".to_owned(), |name| format!("interface {name}"));
    let vlan = if tap.vlan.is_empty() { "untagged".to_owned() } else { format!("vlan {:?}", tap.vlan) };
    let mirror = tap.encapsulation.as_ref().map(|mirror| format!(", {mirror}")).unwrap_or_default();
    let files: Vec<&str> = files(tap, summary).take(3).collect();
    escape(&format!("{interface}, {vlan}{mirror}, in {}", files.join(", "))).into_owned()
}
