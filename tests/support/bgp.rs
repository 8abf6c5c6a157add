//! BGP of a ladder (RFC 4271), on port 179 of a TCP connection.
//!
//! ```text
//! 0.000  ce 203.0.113.34:40000 > msee 203.0.113.33:179 tcp  bgp open as=65001
//! 0.100  msee > ce   bgp update 52.112.0.0/14 2603:1063::/38 path=12076,8075 withdraw=52.120.0.0/14
//! 0.200  ce > msee   bgp update 198.51.100.0/28 path=65001 octets=2
//! 0.300  msee > ce   bgp end                      nothing more to announce for now (RFC 4724)
//! 60.00  ce > msee   bgp keepalive
//! 70.00  ce > msee   bgp notification             an administrative shutdown
//! ```
//!
//! AS numbers take four octets, or two with `octets=2`. `local=100`: a preference, as within an autonomous system.

use super::facts::Facts;
use super::token::{number, pair};
use ipnet::IpNet;
use std::net::IpAddr;

/// What a line sends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bgp {
    kind: u8,
    announced: Vec<IpNet>,
    withdrawn: Vec<IpNet>,
    path: Vec<u32>,
    own: u32,
    of_two: bool,
    local: Option<u32>,
}

impl Bgp {
    /// Reads the words behind `bgp`; facts of the frame among them go to `facts`.
    pub fn read(words: &[String], facts: &mut Facts) -> Result<Bgp, String> {
        let (kind, rest) = words.split_first().ok_or("write: bgp open, update, end, keepalive or notification")?;
        let kind = match kind.as_str() {
            "open" => 1,
            "update" | "end" => 2,
            "notification" => 3,
            "keepalive" => 4,
            other => return Err(format!("'{other}' is no message of BGP")),
        };
        let mut bgp = Bgp { kind, own: 65001, ..Bgp::default() };
        let net = |text: &str| text.parse::<IpNet>().map_err(|_| format!("'{text}' is no prefix"));
        for word in rest {
            match pair(word) {
                None => bgp.announced.push(net(word)?),
                Some(("withdraw", value)) => bgp.withdrawn.push(net(value)?),
                Some(("path", value)) => bgp.path = value.split(',').map(|n| number("path", n)).collect::<Result<_, _>>()?,
                Some(("as", value)) => bgp.own = number("as", value)?,
                Some(("octets", value)) => bgp.of_two = value == "2",
                Some(("local", value)) => bgp.local = Some(number("local", value)?),
                Some((key, value)) if facts.take(key, value)? => {}
                Some(_) => return Err(format!("'{word}' is no fact of BGP or of a frame")),
            }
        }
        Ok(bgp)
    }

    /// The message of the router at `own`.
    pub fn write(&self, own: IpAddr) -> Vec<u8> {
        let body = match self.kind {
            1 => self.open(),
            2 => self.update(own),
            3 => vec![6, 2],
            _ => Vec::new(),
        };
        [&[0xff; 16][..], &len(19 + body.len()), &[self.kind], &body].concat()
    }

    /// Version 4, a hold time of 180 s, IPv6 and AS numbers of four octets.
    fn open(&self) -> Vec<u8> {
        let mut capabilities = vec![1, 4, 0, 1, 0, 1, 1, 4, 0, 2, 0, 1];
        if !self.of_two {
            capabilities.extend([65, 4]);
            capabilities.extend(self.own.to_be_bytes());
        }
        let short = u16::try_from(self.own).unwrap_or(23456);
        let optional = [&[2, capabilities.len() as u8], &capabilities[..]].concat();
        [&[4][..], &short.to_be_bytes(), &180_u16.to_be_bytes(), &[10, 0, 0, 1, optional.len() as u8], &optional].concat()
    }

    fn update(&self, own: IpAddr) -> Vec<u8> {
        let of = |nets: &[IpNet], v4: bool| -> Vec<u8> { nets.iter().filter(|net| net.addr().is_ipv4() == v4).flat_map(prefix).collect() };
        let (withdrawn, announced) = (of(&self.withdrawn, true), of(&self.announced, true));
        let (gone, reached) = (of(&self.withdrawn, false), of(&self.announced, false));
        let mut attributes = Vec::new();
        if !self.announced.is_empty() {
            attributes.extend(attribute(0x40, 1, &[0]));
            attributes.extend(attribute(0x40, 2, &self.sequence()));
        }
        if !announced.is_empty() {
            let next = if let IpAddr::V4(ip) = own { ip.octets() } else { [192, 0, 2, 1] };
            attributes.extend(attribute(0x40, 3, &next));
        }
        attributes.extend(self.local.iter().flat_map(|local| attribute(0x40, 5, &local.to_be_bytes())));
        if !reached.is_empty() {
            let next = [&[0, 2, 1, 16, 0x20, 1, 0xd, 0xb8][..], &[0; 11], &[0x33, 0]].concat();
            attributes.extend(attribute(0x90, 14, &[next, reached].concat()));
        }
        if !gone.is_empty() {
            attributes.extend(attribute(0x90, 15, &[vec![0, 2, 1], gone].concat()));
        }
        [&len(withdrawn.len())[..], &withdrawn, &len(attributes.len()), &attributes, &announced].concat()
    }

    fn sequence(&self) -> Vec<u8> {
        let numbers =
            self.path.iter().flat_map(|n| if self.of_two { (*n as u16).to_be_bytes().to_vec() } else { n.to_be_bytes().to_vec() });
        [2, self.path.len() as u8].into_iter().chain(numbers).collect()
    }
}

fn prefix(net: &IpNet) -> Vec<u8> {
    let octets = match net.network() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    [&[net.prefix_len()], &octets[..usize::from(net.prefix_len().div_ceil(8))]].concat()
}

fn attribute(flags: u8, kind: u8, value: &[u8]) -> Vec<u8> {
    let len = if flags & 0x10 != 0 { len(value.len()).to_vec() } else { vec![value.len() as u8] };
    [&[flags, kind], &len[..], value].concat()
}

fn len(of: usize) -> [u8; 2] {
    u16::try_from(of).expect("a message of BGP is short").to_be_bytes()
}

#[test]
fn a_message_is_written_as_the_words_say() {
    let (mut facts, own) = (Facts::default(), IpAddr::from([203, 0, 113, 34]));
    let mut read = |text: &str| Bgp::read(&text.split(' ').map(str::to_owned).collect::<Vec<_>>(), &mut facts);
    let update = read("update 198.51.100.0/28 path=65001 octets=2 withdraw=10.0.0.0/8 ttl=1").unwrap().write(own);
    let attributes = [0x40, 1, 1, 0, 0x40, 2, 4, 2, 1, 0xfd, 0xe9, 0x40, 3, 4, 203, 0, 113, 34];
    assert_eq!(update[16..], [&[0, 48, 2, 0, 2, 8, 10, 0, 18][..], &attributes, &[28, 198, 51, 100, 0]].concat());
    assert_eq!(read("keepalive").unwrap().write(own), [&[0xff; 16][..], &[0, 19, 4]].concat());
    assert_eq!(read("end").unwrap().write(own)[16..], [0, 23, 2, 0, 0, 0, 0]);
    assert!(read("refresh").is_err() && read("update ten").is_err() && read("update 10.0.0.0/8 way=1").is_err());
    assert_eq!(facts.ttl, Some(1));
}
