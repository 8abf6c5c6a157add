//! STUN and TURN of a ladder: the messages that its lines name, and channel data around RTP.
//!
//! ```text
//! 0.000  pc 10.1.5.20:50010 > sbc 198.51.100.5:4000      stun check efgh:abcd nominate
//! 0.020  sbc > pc                                        stun ok
//! 0.100  pc 10.1.5.20:50012 > turn 203.0.113.9:3478      stun allocate
//! 0.120  turn > pc                                       stun ok relayed=203.0.113.9:55000
//! 0.140  pc > turn                                       stun bind channel=0x4000 peer=198.51.100.5:4000
//! 0.160  turn > pc                                       stun ok
//! 1.000  pc > turn                                       srtp PCMU x 50 every 20 ms channel=0x4000
//! ```
//!
//! `ok` answers the last request of the other end.

use super::dialog::hash;
use super::facts::Facts;
use super::token::{address, number, pair};
use std::net::SocketAddr;

const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const SUCCESS: u16 = 0x0100;

/// What a line sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stun {
    /// A connectivity check: Binding with a user name.
    Check {
        /// `<fragment of who is asked>:<fragment of who asks>`
        username: String,
        /// `nominate`
        nominates: bool,
    },
    /// Allocate.
    Allocate,
    /// ChannelBind.
    Bind {
        /// `channel=`
        channel: u16,
        /// `peer=`
        peer: SocketAddr,
    },
    /// Success.
    Ok {
        /// `relayed=`
        relayed: Option<SocketAddr>,
    },
}

/// A request that can be answered: its method and transaction.
pub type Asked = (u16, [u8; 12]);

impl Stun {
    /// Reads the words behind `stun`; facts of the frame among them go to `facts`.
    pub fn read(words: &[String], facts: &mut Facts) -> Result<Stun, String> {
        let (first, rest) = words.split_first().ok_or("check, allocate, bind or ok is missing")?;
        let (mut plain, mut channel, mut peer, mut relayed) = (Vec::new(), None, None, None);
        for word in rest {
            let end = |value: &str| address(value).ok_or_else(|| format!("'{value}' is not ip:port"));
            match pair(word) {
                None => plain.push(word.as_str()),
                Some(("channel", value)) => channel = Some(number("channel", value)?),
                Some(("peer", value)) => peer = Some(end(value)?),
                Some(("relayed", value)) => relayed = Some(end(value)?),
                Some((key, value)) if facts.take(key, value)? => {}
                Some(_) => return Err(format!("'{word}' is no fact of STUN or of a frame")),
            }
        }
        match (first.as_str(), plain.as_slice(), channel.zip(peer)) {
            ("check", [username, nominate @ ..], None) if matches!(nominate, [] | ["nominate"]) => {
                Ok(Stun::Check { username: (*username).to_owned(), nominates: !nominate.is_empty() })
            }
            ("allocate", [], None) => Ok(Stun::Allocate),
            ("bind", [], Some((channel, peer))) => Ok(Stun::Bind { channel, peer }),
            ("ok", [], None) => Ok(Stun::Ok { relayed }),
            _ => Err("write: stun check a:b [nominate], allocate, bind channel= peer=, or ok [relayed=]".to_owned()),
        }
    }

    /// The message, and of a request what answers it. `seed` makes its transaction, `asked` is what a success answers.
    pub fn write(&self, seed: &str, asked: Option<Asked>) -> Result<(Vec<u8>, Option<Asked>), String> {
        let id = |method: u16| {
            let half = |part: &str| hash(&["stun", part, seed]).to_be_bytes();
            let mut id = [0; 12];
            id.iter_mut().zip(half("a").into_iter().chain(half("b"))).for_each(|(to, from)| *to = from);
            (method, id)
        };
        let (asks, attributes) = match self {
            Stun::Check { username, nominates } => {
                let mut attributes = vec![(0x0006, username.clone().into_bytes()), (0x0024, vec![0x6e, 0, 1, 0xff])];
                attributes.extend(nominates.then(|| (0x0025, Vec::new())));
                (Some(id(0x0001)), attributes)
            }
            Stun::Allocate => (Some(id(0x0003)), vec![(0x0019, vec![17, 0, 0, 0])]),
            Stun::Bind { channel, peer } => {
                let number = [&channel.to_be_bytes()[..], &[0, 0]].concat();
                (Some(id(0x0009)), vec![(0x000c, number), (0x0012, xored(*peer)?)])
            }
            Stun::Ok { relayed } => (None, relayed.map(|end| Ok::<_, String>((0x0016, xored(end)?))).transpose()?.into_iter().collect()),
        };
        let (kind, transaction) = match (asks, asked) {
            (Some((method, id)), _) => (method, id),
            (None, Some((method, id))) => (method | SUCCESS, id),
            (None, None) => return Err("no request to answer".to_owned()),
        };
        let mut body = Vec::new();
        for (kind, value) in attributes {
            body.extend(u16::to_be_bytes(kind));
            body.extend((value.len() as u16).to_be_bytes());
            body.extend(value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        Ok(([&kind.to_be_bytes()[..], &(body.len() as u16).to_be_bytes(), &COOKIE, &transaction, &body].concat(), asks))
    }
}

/// The value of XOR-PEER-ADDRESS and its like.
fn xored(end: SocketAddr) -> Result<Vec<u8>, String> {
    let SocketAddr::V4(end) = end else { return Err(format!("{end} is not IPv4")) };
    let plain = [&end.port().to_be_bytes()[..], &end.ip().octets()].concat();
    let key = [&COOKIE[..2], &COOKIE].concat();
    Ok([&[0, 1][..], &plain.iter().zip(key).map(|(byte, key)| byte ^ key).collect::<Vec<u8>>()].concat())
}

/// ChannelData around a packet.
pub fn channel_data(channel: u16, data: &[u8]) -> Vec<u8> {
    [&channel.to_be_bytes()[..], &(data.len() as u16).to_be_bytes(), data].concat()
}

#[test]
fn an_answer_has_the_transaction_of_its_request() {
    let mut facts = Facts::default();
    let mut read = |text: &str| Stun::read(&text.split(' ').map(str::to_owned).collect::<Vec<_>>(), &mut facts);
    let (request, asked) = read("bind channel=0x4000 peer=198.51.100.5:4000 if=er").unwrap().write("1", None).unwrap();
    let ok = read("ok relayed=203.0.113.9:55000").unwrap();
    let (answer, none) = ok.write("2", asked).unwrap();
    assert_eq!((&request[..2], &answer[..2], none), (&[0, 9][..], &[1, 9][..], None));
    assert_eq!(request[4..20], answer[4..20]);
    assert!(ok.write("2", None).is_err() && read("check").is_err() && read("bind channel=7").is_err());
    assert!(read("check a:b nominate").is_ok() && read("allocate").is_ok());
    assert_eq!(facts.interface.as_deref(), Some("er"));
    assert_eq!(channel_data(0x4000, &[7]), [0x40, 0, 0, 1, 7]);
}
