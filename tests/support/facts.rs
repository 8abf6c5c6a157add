//! What a frame carries beside its message: interface, VLANs, TTL, MACs, and how often it was seen.

use super::token::{number, numbers, time};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// An address to write in place of a frame's own: `203.0.113.4` keeps the port, `203.0.113.4:6000` does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rewrite {
    /// The address.
    pub ip: IpAddr,
    /// The port, when it changes too.
    pub port: Option<u16>,
}

impl Rewrite {
    /// `address` with this in its place.
    pub fn apply(self, address: SocketAddr) -> SocketAddr {
        SocketAddr::new(self.ip, self.port.unwrap_or(address.port()))
    }
}

/// Facts given on a line; what is `None` is taken from the direction's defaults, then from the writer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// `if=`: name of the pcapng interface.
    pub interface: Option<String>,
    /// `file=`: which of several files gets the frame.
    pub file: Option<String>,
    /// `vlan=10` or `vlan=10,20`, outer first.
    pub vlan: Option<Vec<u16>>,
    /// `ttl=`: TTL or hop limit, 64 when not given.
    pub ttl: Option<u8>,
    /// `dscp=`: 0 to 63, 0 when not given.
    pub dscp: Option<u8>,
    /// `smac=`: source MAC; made from the address when not given.
    pub smac: Option<[u8; 6]>,
    /// `dmac=`: destination MAC, likewise.
    pub dmac: Option<[u8; 6]>,
    /// `dup=2`: frames per packet, 0.2 ms apart.
    pub dup: Option<u8>,
    /// `cut=`: bytes of the frame kept by the snap length.
    pub cut: Option<usize>,
    /// `missing=100-109`: packets of a run of RTP, from 1, that this copy lacks, and no other.
    pub missing: Vec<u32>,
    /// `ack=no`: the other end acknowledges nothing, as a tap sees that hears one end only.
    pub ack: Option<bool>,
    /// `mss=`: most payload bytes of a TCP segment, 1460 when not given.
    pub mss: Option<usize>,
    /// `after=`: nanoseconds after the line's time.
    pub after: Option<i64>,
    /// `src=`: source address on the wire, as behind a NAT.
    pub src: Option<Rewrite>,
    /// `dst=`: destination address on the wire.
    pub dst: Option<Rewrite>,
    /// `seen=no`: no tap sees it; `yes` takes that back for a line.
    pub seen: Option<bool>,
    /// `gre=198.51.100.9,203.0.113.77`: the frame's packet within GRE, between these IPv4 addresses.
    pub gre: Option<[Ipv4Addr; 2]>,
}

impl Facts {
    /// Takes one `key=value`; `Ok(false)` when the key is none of its own.
    pub fn take(&mut self, key: &str, value: &str) -> Result<bool, String> {
        match key {
            "if" => self.interface = Some(value.to_owned()),
            "file" => self.file = Some(value.to_owned()),
            "vlan" => self.vlan = Some(value.split(',').map(|id| number("vlan", id)).collect::<Result<_, _>>()?),
            "ttl" => self.ttl = Some(number(key, value)?),
            "dscp" => self.dscp = Some(number(key, value)?),
            "smac" => self.smac = Some(mac(value)?),
            "dmac" => self.dmac = Some(mac(value)?),
            "dup" => self.dup = Some(number(key, value)?),
            "cut" => self.cut = Some(number(key, value)?),
            "missing" => self.missing = numbers(key, value)?,
            "ack" => self.ack = Some(value != "no"),
            "mss" => self.mss = Some(number(key, value)?),
            "after" => self.after = Some(time(value)?),
            "seen" => self.seen = Some(value != "no"),
            "gre" => self.gre = Some(ends(value)?),
            "src" => self.src = Some(rewrite(value)?),
            "dst" => self.dst = Some(rewrite(value)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// These facts where given, else those of `below`.
    pub fn over(&self, below: &Facts) -> Facts {
        Facts {
            interface: self.interface.clone().or_else(|| below.interface.clone()),
            file: self.file.clone().or_else(|| below.file.clone()),
            vlan: self.vlan.clone().or_else(|| below.vlan.clone()),
            ttl: self.ttl.or(below.ttl),
            dscp: self.dscp.or(below.dscp),
            smac: self.smac.or(below.smac),
            dmac: self.dmac.or(below.dmac),
            dup: self.dup.or(below.dup),
            cut: self.cut.or(below.cut),
            missing: self.missing.clone(),
            ack: self.ack.or(below.ack),
            mss: self.mss.or(below.mss),
            after: self.after.or(below.after),
            src: self.src.or(below.src),
            dst: self.dst.or(below.dst),
            gre: self.gre.or(below.gre),
            seen: self.seen.or(below.seen),
        }
    }
}

fn mac(text: &str) -> Result<[u8; 6], String> {
    let octets: Vec<u8> = text.split(':').filter_map(|octet| u8::from_str_radix(octet, 16).ok()).collect();
    octets.try_into().map_err(|_| format!("'{text}' is not a MAC address"))
}

fn ends(text: &str) -> Result<[Ipv4Addr; 2], String> {
    let ends: Vec<Ipv4Addr> = text.split(',').filter_map(|ip| ip.parse().ok()).collect();
    ends.try_into().map_err(|_| format!("'{text}' is not two IPv4 addresses"))
}

fn rewrite(text: &str) -> Result<Rewrite, String> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Ok(Rewrite { ip: address.ip(), port: Some(address.port()) });
    }
    let ip = text.parse().map_err(|_| format!("'{text}' is not an address"))?;
    Ok(Rewrite { ip, port: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lines_facts_win_over_its_directions() {
        let mut line = Facts::default();
        let mut below = Facts::default();
        for (key, value) in [("ttl", "63"), ("vlan", "10,20"), ("smac", "00:00:5e:00:01:0a")] {
            assert_eq!(line.take(key, value), Ok(true));
        }
        for (key, value) in [("ttl", "64"), ("if", "er"), ("src", "203.0.113.4")] {
            assert_eq!(below.take(key, value), Ok(true));
        }
        let both = line.over(&below);
        assert_eq!((both.ttl, both.vlan, both.interface.as_deref()), (Some(63), Some(vec![10, 20]), Some("er")));
        assert_eq!(both.src.unwrap().apply("10.1.5.10:4000".parse().unwrap()), "203.0.113.4:4000".parse().unwrap());
    }

    #[test]
    fn an_unknown_key_is_left_to_the_message() {
        assert_eq!(Facts::default().take("contact", "x"), Ok(false));
        assert!(Facts::default().take("smac", "00:00").is_err());
    }
}
