//! The draft's text but for its links: header, tenant, SBCs, trunks, prefixes and pools.

use super::gather::{Gathered, Seen};
use super::link;
use crate::report::{Summary, escape::escape};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::net::IpAddr;

/// Inputs named in the header.
const MOST_INPUTS: usize = 8;

/// One SBC: hosts that go by one name, or one host.
#[derive(Debug, Default)]
struct SbcBox<'g> {
    name: Option<(&'g str, &'g str)>,
    signalling: Vec<IpAddr>,
    media: BTreeSet<IpAddr>,
    inner: BTreeSet<IpAddr>,
    ports: BTreeSet<u16>,
}

/// Writes the whole file.
pub(super) fn write(gathered: &Gathered, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    let boxes = boxes(gathered);
    header(summary, out)?;
    cloud(gathered, out)?;
    tenant(gathered, out)?;
    boxes.iter().try_for_each(|sbc| write_sbc(sbc, out))?;
    if boxes.is_empty() {
        writeln!(out, "\n# No SIP or TLS with Microsoft's SIP proxies was seen: write your [[sbc]] by hand.")?;
    }
    let own: BTreeSet<IpAddr> = boxes.iter().flat_map(SbcBox::addresses).collect();
    trunks(gathered, &own, out)?;
    prefixes(gathered, out)?;
    unknown_media(gathered, &own, out)?;
    pools(gathered, &boxes, out)?;
    link::write(gathered, summary, out)
}

impl SbcBox<'_> {
    fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.signalling.iter().chain(&self.media).chain(&self.inner).copied()
    }
}

fn header(summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "# Draft of a topology, from what these captures show:")?;
    for input in summary.inputs.iter().take(MOST_INPUTS) {
        let day = |at: &Option<String>| at.as_deref().and_then(|at| at.get(..19)).unwrap_or("?").to_owned();
        writeln!(out, "#   {}, {} to {} UTC", escape(&input.path), day(&input.first), day(&input.last))?;
    }
    if let more @ 1.. = summary.inputs.len().saturating_sub(MOST_INPUTS) {
        writeln!(out, "#   and {more} more")?;
    }
    out.write_all(
        b"# What stands there was seen; what is behind '#' is a guess or a question. To do:\n\
          #   1. voice: check [tenant], [[sbc]] and [[trunk]], and take the '#' off what is right;\n\
          #   2. network team: write the segment of each [[link]] in place of \"?\", and where each [[nat]] pool is advertised;\n\
          #   3. callpath topology check FILE, then callpath analyze -t FILE CAPTURE.\n\
          schema = 1\n",
    )
}

fn cloud(gathered: &Gathered, out: &mut dyn Write) -> io::Result<()> {
    let known: Vec<&String> = gathered.clouds.iter().filter(|cloud| ["worldwide", "gcc-high", "dod"].contains(&cloud.as_str())).collect();
    match known.as_slice() {
        [one] => writeln!(out, "cloud = {}", quoted(one))?,
        [] => writeln!(out, "# cloud = \"worldwide\"          # or gcc-high, dod, china")?,
        several => writeln!(out, "# cloud = \"worldwide\"          # SIP proxies of {several:?} were seen")?,
    }
    writeln!(out, "# express_route = true          # whether ExpressRoute with Microsoft peering exists")
}

/// Domains are guessed: a name without its first label.
fn tenant(gathered: &Gathered, out: &mut dyn Write) -> io::Result<()> {
    let names = gathered.hosts.values().filter(|seen| seen.signalling).flat_map(|seen| seen.names.keys());
    let domains: BTreeSet<&str> = names.filter_map(|name| Some(name.split_once('.')?.1)).filter(|rest| rest.contains('.')).collect();
    let domains: Vec<String> =
        if domains.is_empty() { vec!["contoso.com".to_owned()] } else { domains.into_iter().map(str::to_owned).collect() };
    writeln!(out, "\n[tenant]\n# domains = {}   # guessed from names of SBCs", list(&domains))
}

fn boxes(gathered: &Gathered) -> Vec<SbcBox<'_>> {
    let mut boxes: BTreeMap<String, SbcBox<'_>> = BTreeMap::new();
    let sbcs = gathered.hosts.iter().filter(|(_, seen)| seen.signalling);
    for (ip, seen) in sbcs {
        let name = best_name(seen);
        let sbc = boxes.entry(name.map_or_else(|| ip.to_string(), |(name, _)| name.to_owned())).or_default();
        sbc.name = sbc.name.or(name);
        sbc.signalling.push(*ip);
        sbc.ports.extend(&seen.ports);
    }
    // An address belongs to one SBC only, and what carries signalling is that already.
    let mut taken: BTreeSet<IpAddr> = boxes.values().flat_map(|sbc| sbc.signalling.iter().copied()).collect();
    for sbc in boxes.values_mut() {
        let own = |ip: &IpAddr| sbc.signalling.contains(ip);
        let media = gathered.hosts.iter().filter(|(ip, seen)| seen.media_of.iter().any(own) && (own(ip) || !taken.contains(*ip)));
        let media: BTreeSet<IpAddr> = media.map(|(ip, _)| *ip).collect();
        let inner = gathered.inner.iter().filter(|(ip, _)| own(ip)).flat_map(|(_, inner)| inner);
        let inner = inner.filter(|ip| !own(ip) && !media.contains(ip) && !taken.contains(*ip)).copied().collect();
        (sbc.media, sbc.inner) = (media, inner);
        taken.extend(sbc.addresses());
    }
    boxes.into_values().collect()
}

/// What its Contact says comes first; a wildcard is no name of a host.
fn best_name(seen: &Seen) -> Option<(&str, &str)> {
    let names = seen.names.iter().filter(|(name, _)| !name.starts_with('*')).map(|(name, by)| (name.as_str(), by.as_str()));
    names.min_by_key(|(_, by)| (*by != "Contact", *by == "its certificate"))
}

fn write_sbc(sbc: &SbcBox<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n[[sbc]]")?;
    match (sbc.name, sbc.signalling.first()) {
        (Some((name, by)), _) => writeln!(out, "id = {0}\nfqdn = {0}   # by {by}", quoted(name))?,
        (None, Some(ip)) => writeln!(out, "id = \"sbc-{ip}\"\n# fqdn = \"sbc.contoso.com\"      # its name was not seen")?,
        (None, None) => {}
    }
    writeln!(out, "place = \"your_network\"        # or dmz; carrier or third_party where it is hosted")?;
    writeln!(out, "signalling = {}", list(&sbc.signalling))?;
    match sbc.media.is_empty() {
        true => writeln!(out, "# media = {}   # its media with Microsoft was not seen", list(&sbc.signalling))?,
        false => writeln!(out, "media = {}", list(&sbc.media))?,
    }
    if !sbc.inner.is_empty() {
        writeln!(out, "# inner_media = {}   # its addresses on legs to the other side", list(&sbc.inner))?;
    }
    match sbc.ports.iter().collect::<Vec<_>>().as_slice() {
        [] => Ok(()),
        [port] => writeln!(out, "sip_port = {port}"),
        ports => writeln!(out, "# sip_port = 5061             # seen: {ports:?}"),
    }
}

fn trunks(gathered: &Gathered, own: &BTreeSet<IpAddr>, out: &mut dyn Write) -> io::Result<()> {
    let peers = || gathered.peers.keys().filter(|ip| !own.contains(ip));
    let public: Vec<&IpAddr> = peers().filter(|ip| !Gathered::is_private(**ip)).collect();
    let private: Vec<&IpAddr> = peers().filter(|ip| Gathered::is_private(**ip)).collect();
    if !public.is_empty() {
        writeln!(out, "\n[[trunk]]                      # who the SBC speaks with on the other side; one [[trunk]] for each carrier")?;
        writeln!(
            out,
            "name = \"carrier\"\npeers = {}\n# private_link = true           # where the line is not the Internet",
            list(&public)
        )?;
    }
    if !private.is_empty() {
        writeln!(out, "\n# On the other side, with private addresses: phones, a PBX, or a carrier on a private line.")?;
        writeln!(out, "# [[trunk]]\n# name = \"private\"\n# peers = {}\n# private_link = true", list(&private))?;
    }
    Ok(())
}

fn prefixes(gathered: &Gathered, out: &mut dyn Write) -> io::Result<()> {
    for (block, seen) in &gathered.blocks {
        let some: Vec<String> = seen.iter().take(3).map(ToString::to_string).collect();
        writeln!(out, "\n[[prefix]]                     # seen: {}{}", some.join(", "), if seen.len() > 3 { " …" } else { "" })?;
        writeln!(
            out,
            "cidr = \"{block}\"\nplace = \"your_network\"        # narrower prefixes of other places win: dmz, vpn_pool, carrier"
        )?;
    }
    Ok(())
}

/// Media with Microsoft that no signalling explains may be an SBC's or a client's.
fn unknown_media(gathered: &Gathered, own: &BTreeSet<IpAddr>, out: &mut dyn Write) -> io::Result<()> {
    let strangers = gathered.hosts.iter().filter(|(ip, seen)| !own.contains(*ip) && !seen.signalling);
    let strangers: Vec<&IpAddr> = strangers.map(|(ip, _)| ip).take(16).collect();
    if strangers.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n# These speak with Microsoft too: clients, or SBCs whose signalling cannot be read (see --keylog). Media addresses")?;
    writeln!(out, "# of an SBC belong into its 'media': {}", list(&strangers))
}

/// Public addresses that Microsoft sees are of pools, and only the network team knows where these are advertised.
fn pools(gathered: &Gathered, boxes: &[SbcBox<'_>], out: &mut dyn Write) -> io::Result<()> {
    for sbc in boxes {
        let (inside, outside): (Vec<IpAddr>, Vec<IpAddr>) = sbc.signalling.iter().partition(|ip| Gathered::is_private(**ip));
        if let ([inside], [outside]) = (inside.as_slice(), outside.as_slice()) {
            writeln!(out, "\n# Both go by one name, so one may be the other after translation.")?;
            writeln!(out, "# [[static_nat]]\n# inside = \"{inside}\"\n# outside = \"{outside}\"")?;
        }
    }
    let public = gathered.hosts.iter().filter(|(ip, seen)| !Gathered::is_private(**ip) && seen.packets != [0, 0]);
    for (idx, (ip, seen)) in public.enumerate() {
        if idx == 0 {
            writeln!(
                out,
                "\n# Public addresses that Microsoft sees. For the network team: which pool is each of, and where is it advertised?"
            )?;
        }
        let [there, back] = seen.packets;
        writeln!(out, "# [[nat]]")?;
        writeln!(out, "# pool = \"{ip}\"   # write the whole pool; {there} packets to Microsoft, {back} from it")?;
        writeln!(out, "# advertised = [\"internet\"]    # or [\"expressroute\"]; where both are written, no way back is predicted")?;
    }
    Ok(())
}

/// A TOML string.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A TOML list of strings.
pub(super) fn list<'t, T: ToString + 't>(items: impl IntoIterator<Item = &'t T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| quoted(&item.to_string())).collect();
    format!("[{}]", items.join(", "))
}
