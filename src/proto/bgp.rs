//! BGP-4 messages as far as call flows need them (RFC 4271): which prefixes are announced or withdrawn, over which path of autonomous
//! systems; of IPv6 as RFC 4760 carries it, with AS numbers of two or four octets (RFC 6793).

mod path;

pub use path::Path;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{Ipv4Addr, Ipv6Addr};

/// Port of BGP (RFC 4271 section 8.2.1).
pub const PORT: u16 = 179;
/// Octets of a header: marker, length, type.
pub const HEADER: usize = 19;
/// Longest message, but of those whose ends agreed on more (RFC 8654).
pub const LONGEST: usize = 4096;

/// What every message begins with.
const MARKER: [u8; 16] = [0xff; 16];

/// Path attributes that are read (RFC 4271 section 5, RFC 4760).
const AS_PATH: u8 = 2;
const LOCAL_PREF: u8 = 5;
const MP_REACH: u8 = 14;
const MP_UNREACH: u8 = 15;
/// An attribute with this flag has a length of two octets.
const EXTENDED: u8 = 0x10;

/// What a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A session opens.
    Open,
    /// Routes come or go.
    Update,
    /// The session ends for a fault.
    Notification,
    /// Nothing is new.
    Keepalive,
    /// All routes are asked for again (RFC 2918).
    RouteRefresh,
}

/// Begin of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// What it is for.
    pub kind: Kind,
    /// Octets of the whole message.
    pub len: usize,
}

impl Header {
    /// Reads it, if the octets begin with one and the message can have that length.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let &[l0, l1, kind, ..] = bytes.strip_prefix(&MARKER)? else { return None };
        let len = usize::from(u16::from_be_bytes([l0, l1]));
        let (kind, least) = match kind {
            1 => (Kind::Open, 29),
            2 => (Kind::Update, 23),
            3 => (Kind::Notification, 21),
            4 => (Kind::Keepalive, HEADER),
            5 => (Kind::RouteRefresh, 23),
            _ => return None,
        };
        let fits = len >= least && (kind != Kind::Keepalive || len == HEADER);
        fits.then_some(Self { kind, len })
    }
}

/// Where the first message begins, if one does.
pub fn find(bytes: &[u8]) -> Option<usize> {
    (0..bytes.len().saturating_sub(HEADER - 1)).find(|at| bytes.get(*at..).and_then(Header::read).is_some())
}

/// Routes that come and go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Update {
    /// Prefixes that are not reached any more by the sender.
    pub withdrawn: Vec<IpNet>,
    /// Prefixes that are reached by it.
    pub announced: Vec<IpNet>,
    /// The path to the announced ones.
    pub path: Path,
    /// It has a preference that only speakers of one autonomous system tell each other (RFC 4271 section 5.1.5).
    pub is_internal: bool,
}

impl Update {
    /// Reads the part of an UPDATE behind its header. Prefixes of other families than IPv4 and IPv6 unicast are left out.
    pub fn read(body: &[u8]) -> Option<Self> {
        let (withdrawn, rest) = sized(body)?;
        let (mut attributes, announced) = sized(rest)?;
        let mut update = Self { withdrawn: v4(withdrawn)?, announced: v4(announced)?, ..Self::default() };
        while let Some((kind, value, rest)) = attribute(attributes)? {
            attributes = rest;
            match kind {
                AS_PATH => update.path = Path::read(value)?,
                LOCAL_PREF => update.is_internal = true,
                MP_REACH => update.announced.extend(reached(value)?),
                MP_UNREACH => update.withdrawn.extend(family(value)?),
                _ => {}
            }
        }
        Some(update)
    }
}

/// What a length of two octets counts, and what follows.
fn sized(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*len)))
}

/// Type and value of an attribute, and what follows; `Some(None)` at the end.
#[expect(clippy::type_complexity, reason = "three parts, taken apart at once")]
fn attribute(bytes: &[u8]) -> Option<Option<(u8, &[u8], &[u8])>> {
    let (flags, kind, rest) = match *bytes {
        [] => return Some(None),
        [flags, kind, ref rest @ ..] => (flags, kind, rest),
        _ => return None,
    };
    let (value, rest) = if flags & EXTENDED != 0 {
        sized(rest)?
    } else {
        let (len, rest) = rest.split_first()?;
        rest.split_at_checked(usize::from(*len))?
    };
    Some(Some((kind, value, rest)))
}

/// Prefixes behind family, next hop and a reserved octet (RFC 4760 section 3).
fn reached(value: &[u8]) -> Option<Vec<IpNet>> {
    let (head, rest) = value.split_first_chunk::<4>()?;
    let prefixes = rest.get(usize::from(head[3]) + 1..)?;
    unicast([head[0], head[1], head[2]], prefixes)
}

/// Prefixes behind their family (RFC 4760 section 4).
fn family(value: &[u8]) -> Option<Vec<IpNet>> {
    let (family, prefixes) = value.split_first_chunk::<3>()?;
    unicast(*family, prefixes)
}

fn unicast(family: [u8; 3], prefixes: &[u8]) -> Option<Vec<IpNet>> {
    match family {
        [0, 1, 1] => v4(prefixes),
        [0, 2, 1] => v6(prefixes),
        _ => Some(Vec::new()),
    }
}

fn v4(bytes: &[u8]) -> Option<Vec<IpNet>> {
    prefixes(bytes, |octets: [u8; 4], len| Ipv4Net::new(Ipv4Addr::from(octets), len).ok().map(|net| IpNet::V4(net.trunc())))
}

fn v6(bytes: &[u8]) -> Option<Vec<IpNet>> {
    prefixes(bytes, |octets: [u8; 16], len| Ipv6Net::new(Ipv6Addr::from(octets), len).ok().map(|net| IpNet::V6(net.trunc())))
}

/// Prefixes, each a length in bits and as many octets as these need.
fn prefixes<const N: usize>(mut bytes: &[u8], net: impl Fn([u8; N], u8) -> Option<IpNet>) -> Option<Vec<IpNet>> {
    let (mut found, mut defaults) = (Vec::new(), 0);
    while let Some((len, rest)) = bytes.split_first() {
        let (given, rest) = rest.split_at_checked(usize::from(len.div_ceil(8)))?;
        let mut octets = [0; N];
        octets.get_mut(..given.len())?.copy_from_slice(given);
        found.push(net(octets, *len)?);
        defaults += usize::from(*len == 0);
        bytes = rest;
    }
    // Nobody lists the default route twice: it is the zeros of path identifiers (RFC 7911), which both ends agreed on unseen.
    (defaults < 2).then_some(found)
}

#[cfg(test)]
mod tests;
