//! The ladder notation: a call flow as text, one line per message, read into a [`Ladder`].
//!
//! ```text
//! at 2026-01-15T09:00:00Z                              when 0.000 is; this, when not given
//! sbc > ms  if=er vlan=1201                            a line without a time: facts of every frame that way
//! also vlan=1202 ttl=63 after=0.3ms                    another copy of the line above it
//! also vlan=1203 missing=100-109                       a copy of a run of RTP that lacks some of its packets
//! ms > sbc  seen=no                                 the tap does not see that way; also on a line of its own
//! file b clock=+5s                                     the clock of file=b goes 5 s ahead
//! rotate call every=500ms                              files call-00, call-01 …
//! 0.000  sbc 198.51.100.4:50000 > ms 52.114.75.24:5061  tls  INVITE sip:+1@host contact=<sip:a@b> ttl=63
//! 0.100  ms > sbc  183 tag=b sdp=no                    a response to the newest open request of the other side
//! 0.500  sbc > ms  again                               the last message that way, byte for byte
//! 0.600  sbc > ms  [SYN]                               a bare TCP segment; the flow then gets no handshake of its own
//! 0.700  sbc > ms  tls hello sni=sip.pstnhub.microsoft.com    TLS, as `tls` tells
//! 0.800  sbc 198.51.100.5:4000 > ms 52.114.75.24:49200  stun check efgh:abcd    STUN, as `stun` tells
//! 0.900  sbc 198.51.100.4:4000 > ns 192.0.2.53:53 dns query sip.pstnhub.microsoft.com    DNS, as `dns` tells
//! 0.900  ce 203.0.113.34:40000 > msee 203.0.113.33:179 tcp bgp keepalive ttl=1    BGP, as `bgp` tells
//! 1.000  sbc > ms  srtp PCMU x 500 every 20 ms ssrc=0x1 lost=3,10-12
//! repeat 5 every=60s                                   the lines up to `end` five times, a minute apart
//! 2.000  sbc > ms  OPTIONS
//! end
//! ```
//!
//! Addresses and transport may be left out once a pair has them. Words `key=value` are facts of the frame ([`Facts`]), of the
//! message (`call= sdp= media= candidate= srflx= relay= ice= tag= for= phrase= body=`), and else header fields: `contact=-` removes
//! one, and `\n` in a value folds its line.

use super::facts::Facts;
use super::tls::Tls;
use super::token::{address, number, pair, time, words};
pub use super::what::{Rtp, Sip, What};
use super::what::{facts_only, what};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// A parsed ladder.
#[derive(Debug, Clone, PartialEq)]
pub struct Ladder {
    /// Nanoseconds since 1970 of the ladder's 0.000.
    pub start: i64,
    /// The lines with a time, in order; line numbers in expectations count these from 1.
    pub lines: Vec<Line>,
    /// Facts and copies of every frame from one name to another.
    pub ways: BTreeMap<(String, String), Sighting>,
    /// Nanoseconds that a file's clock is ahead.
    pub clocks: BTreeMap<String, i64>,
    /// Name and length (ns) of rotated files.
    pub rotate: Option<(String, i64)>,
    /// The capture brings the keys of its TLS.
    pub keys: bool,
}

/// How frames were seen: their facts, and further copies of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sighting {
    /// Of the first copy.
    pub facts: Facts,
    /// Of each further copy, over those of the first.
    pub copies: Vec<Facts>,
}

/// One line with a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Nanoseconds from the ladder's 0.000.
    pub at: i64,
    /// Sender.
    pub from: End,
    /// Receiver.
    pub to: End,
    /// How it travels.
    pub transport: Transport,
    /// What is sent.
    pub what: What,
    /// How it was seen.
    pub sighting: Sighting,
}

/// A party at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Its name in the ladder.
    pub name: String,
    /// Its address.
    pub at: SocketAddr,
}

/// How a line travels; `Tls` is clear SIP over TCP that says TLS in its Via, as an SBC's decrypted export does, until a handshake's
/// lines seal it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
    /// TCP, and `SIP/2.0/TLS`.
    Tls,
}

impl Ladder {
    /// Facts and copies of every frame from `from` to `to`.
    pub fn way(&self, from: &str, to: &str) -> Sighting {
        self.ways.get(&(from.to_owned(), to.to_owned())).cloned().unwrap_or_default()
    }
}

/// Reads a ladder. Fails with the number of the text line, what is wrong there and, where it helps, what to write.
pub fn parse(text: &str) -> Result<Ladder, String> {
    let mut reader = Reader::default();
    let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    let said = |(_, line): &(usize, &str)| !line.is_empty() && !line.starts_with('#');
    while let Some((number, line)) = lines.by_ref().find(said) {
        let at = |e: String| format!("line {number}: {e}: {line}");
        let Some((times, every)) = repeated(line).map_err(at)? else {
            reader.read((number, line))?;
            continue;
        };
        let block: Vec<(usize, &str)> = lines.by_ref().take_while(|(_, line)| *line != "end").filter(said).collect();
        for n in 0..times {
            reader.later = n * every;
            block.iter().try_for_each(|line| reader.read(*line))?;
        }
        reader.later = 0;
    }
    if reader.lines.is_empty() { Err("no line has a time".to_owned()) } else { Ok(reader.finish()) }
}

/// How often and how far apart the lines after this one are sent.
fn repeated(line: &str) -> Result<Option<(i64, i64)>, String> {
    match line.split_whitespace().collect::<Vec<_>>().as_slice() {
        ["repeat", times, every] => {
            let every = pair(every).filter(|(key, _)| *key == "every").ok_or("write: repeat 5 every=60s")?;
            Ok(Some((number("repeat", times)?, time(every.1)?)))
        }
        _ => Ok(None),
    }
}

/// Which sighting an `also` line adds to.
enum Last {
    Line,
    Way((String, String)),
}

/// Addresses, lower name first, and transport of a pair of parties.
type Pair = (BTreeMap<String, SocketAddr>, Transport);

#[derive(Default)]
struct Reader {
    start: Option<i64>,
    lines: Vec<Line>,
    ways: BTreeMap<(String, String), Sighting>,
    clocks: BTreeMap<String, i64>,
    rotate: Option<(String, i64)>,
    keys: bool,
    /// Nanoseconds that lines are sent after the time they say.
    later: i64,
    pairs: BTreeMap<(bool, String, String), Pair>,
    names: BTreeMap<std::net::IpAddr, String>,
    last: Option<Last>,
}

impl Reader {
    fn finish(self) -> Ladder {
        // 2026-01-15T09:00:00Z: any working morning will do.
        let start = self.start.unwrap_or(1_768_467_600_000_000_000);
        Ladder { start, lines: self.lines, ways: self.ways, clocks: self.clocks, rotate: self.rotate, keys: self.keys }
    }

    fn read(&mut self, (number, line): (usize, &str)) -> Result<(), String> {
        words(line).and_then(|words| self.line(&words)).map_err(|e| format!("line {number}: {e}: {line}"))
    }

    fn line(&mut self, words: &[String]) -> Result<(), String> {
        let rest = &words[1..];
        match words[0].as_str() {
            "at" => self.start = Some(clock(rest.first().map_or("", String::as_str))?),
            "also" => self.also(rest)?,
            "keys" => self.keys = true,
            "file" => {
                let (name, ahead) = named(rest, "clock")?;
                self.clocks.insert(name, ahead);
            }
            "rotate" => self.rotate = Some(named(rest, "every")?),
            first if first.starts_with(|c: char| c.is_ascii_digit()) && address(first).is_none() => {
                self.timed(time(first)? + self.later, rest)?
            }
            _ => self.untimed(words)?,
        }
        Ok(())
    }

    fn also(&mut self, words: &[String]) -> Result<(), String> {
        let facts = facts_only(words)?;
        match &self.last {
            Some(Last::Line) => self.lines.last_mut().ok_or("nothing to copy")?.sighting.copies.push(facts),
            Some(Last::Way(way)) => self.ways.entry(way.clone()).or_default().copies.push(facts),
            None => return Err("'also' has no line above it".to_owned()),
        }
        Ok(())
    }

    fn untimed(&mut self, words: &[String]) -> Result<(), String> {
        let (from, to, rest) = self.ends(words)?;
        let (transport, rest) = transport(rest);
        let way = (from.0.clone(), to.0.clone());
        if from.1.is_some() || to.1.is_some() {
            self.addresses(false, from, to, transport)?;
        }
        self.ways.insert(way.clone(), Sighting { facts: facts_only(rest)?, copies: Vec::new() });
        self.last = Some(Last::Way(way));
        Ok(())
    }

    fn timed(&mut self, at: i64, words: &[String]) -> Result<(), String> {
        if self.lines.last().is_some_and(|line| line.at > at) {
            return Err("time goes back".to_owned());
        }
        let (from, to, rest) = self.ends(words)?;
        let (given, rest) = transport(rest);
        let mut facts = Facts::default();
        let tls = if given == Some(Transport::Tls) { Tls::read(rest)? } else { None };
        let what = tls.map_or_else(|| what(rest, &mut facts), |tls| Ok(What::Tls(tls)))?;
        let (from, to, transport) = self.addresses(matches!(what, What::Rtp(_) | What::Stun(_) | What::Dns(_)), from, to, given)?;
        self.lines.push(Line { at, from, to, transport, what, sighting: Sighting { facts, copies: Vec::new() } });
        self.last = Some(Last::Line);
        Ok(())
    }

    /// `name [ip:port] > name [ip:port]`, or bare addresses, and the words after.
    fn ends<'w>(&self, words: &'w [String]) -> Result<(Named, Named, &'w [String]), String> {
        let (from, rest) = self.end(words)?;
        let rest = rest.strip_prefix(&[">".to_owned()]).ok_or("'>' expected after the sender")?;
        let (to, rest) = self.end(rest)?;
        Ok((from, to, rest))
    }

    fn end<'w>(&self, words: &'w [String]) -> Result<(Named, &'w [String]), String> {
        let (first, rest) = words.split_first().ok_or("a name or an address is missing")?;
        if let Some(at) = address(first) {
            let name = self.names.get(&at.ip()).cloned().unwrap_or_else(|| at.ip().to_string());
            return Ok(((name, Some(at)), rest));
        }
        match rest.split_first() {
            Some((second, after)) if address(second).is_some() => Ok(((first.clone(), address(second)), after)),
            _ => Ok(((first.clone(), None), rest)),
        }
    }

    /// Fills in what this pair said before. Media of a pair has addresses of its own.
    fn addresses(&mut self, media: bool, from: Named, to: Named, given: Option<Transport>) -> Result<(End, End, Transport), String> {
        let mut key = (media, from.0.clone(), to.0.clone());
        if key.1 > key.2 {
            std::mem::swap(&mut key.1, &mut key.2);
        }
        let known = self.pairs.entry(key).or_insert_with(|| (BTreeMap::new(), Transport::Udp));
        let mut resolve = |(name, at): Named| match at.or_else(|| known.0.get(&name).copied()) {
            Some(at) => {
                known.0.insert(name.clone(), at);
                self.names.entry(at.ip()).or_insert_with(|| name.clone());
                Ok(End { name, at })
            }
            None => Err(format!("{name} has no address yet: write {name} ip:port")),
        };
        let (from, to) = (resolve(from)?, resolve(to)?);
        known.1 = given.unwrap_or(known.1);
        if from.at.is_ipv4() != to.at.is_ipv4() { Err("IPv4 to IPv6".to_owned()) } else { Ok((from, to, known.1)) }
    }
}

type Named = (String, Option<SocketAddr>);

fn clock(text: &str) -> Result<i64, String> {
    let at: jiff::Timestamp = text.parse().map_err(|_| format!("'{text}' is not an RFC 3339 time"))?;
    i64::try_from(at.as_nanosecond()).map_err(|_| format!("'{text}' is out of range"))
}

fn named(words: &[String], key: &str) -> Result<(String, i64), String> {
    match words {
        [name, value] => match pair(value) {
            Some((k, value)) if k == key => Ok((name.clone(), time(value)?)),
            _ => Err(format!("{key}= expected after '{name}'")),
        },
        _ => Err(format!("a name and {key}= expected")),
    }
}

fn transport(words: &[String]) -> (Option<Transport>, &[String]) {
    let transport = match words.first().map(String::as_str) {
        Some("udp") => Transport::Udp,
        Some("tcp") => Transport::Tcp,
        Some("tls") => Transport::Tls,
        _ => return (None, words),
    };
    (Some(transport), &words[1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: &str = "\
sbc > ms  if=er
also if=er2 after=0.3ms
0.000  sbc 198.51.100.4:50000 > ms 52.114.75.24:5061  tls  INVITE sip:+1@x;transport=tls  contact=<sip:a@b;c=d> call=2 ttl=63
0.040  ms > sbc                                              403
1.400  198.51.100.4:4000 > 52.114.75.24:49200               rtp PCMU x 500 every 20 ms lost=3,10-12
";

    #[test]
    fn names_carry_addresses_and_transport_to_later_lines() {
        let ladder = parse(CALL).unwrap();
        let reply = &ladder.lines[1];
        assert_eq!((reply.from.at.port(), reply.to.at.port(), reply.transport), (5061, 50000, Transport::Tls));
        assert_eq!(ladder.lines[2].from.name, "sbc");
        assert_eq!(ladder.way("sbc", "ms").copies[0].after, Some(300_000));
        assert_eq!(ladder.way("ms", "sbc"), Sighting::default());
    }

    #[test]
    fn words_are_sorted_into_message_and_frame() {
        let ladder = parse(CALL).unwrap();
        let What::Sip(invite) = &ladder.lines[0].what else { panic!() };
        assert_eq!((invite.uri.as_deref(), invite.call), (Some("sip:+1@x;transport=tls"), 2));
        assert_eq!(invite.headers, [("contact".to_owned(), "<sip:a@b;c=d>".to_owned())]);
        assert_eq!(ladder.lines[0].sighting.facts.ttl, Some(63));
        let What::Rtp(rtp) = &ladder.lines[2].what else { panic!() };
        assert_eq!((rtp.count, rtp.every, rtp.lost.as_slice()), (500, 20_000_000, [3, 10, 11, 12].as_slice()));
    }

    #[test]
    fn directives_set_clock_and_files() {
        let text = "at 2026-03-01T00:00:00Z\nfile b clock=+5s\nrotate call every=500ms\n0 a 10.0.0.1:1 > b 10.0.0.2:2 tcp [SYN,ACK]\n";
        let ladder = parse(text).unwrap();
        assert_eq!(ladder.start, 1_772_323_200_000_000_000);
        assert_eq!(ladder.clocks["b"], 5_000_000_000);
        assert_eq!(ladder.rotate, Some(("call".to_owned(), 500_000_000)));
        assert_eq!(ladder.lines[0].what, What::Segment(0x12));
    }

    #[test]
    fn a_block_is_sent_so_often() {
        let ladder = parse("repeat 3 every=60s\n0 a 10.0.0.1:1 > b 10.0.0.2:2 OPTIONS\n0.5 b > a 200\nend\n200 a > b OPTIONS\n").unwrap();
        let seconds: Vec<f64> = ladder.lines.iter().map(|line| line.at as f64 / 1e9).collect();
        assert_eq!(seconds, [0.0, 0.5, 60.0, 60.5, 120.0, 120.5, 200.0]);
        assert!(parse("repeat 3 60s\n0 a 10.0.0.1:1 > b 10.0.0.2:2 OPTIONS\nend\n").unwrap_err().starts_with("line 1: write: repeat"));
    }

    #[test]
    fn mistakes_name_their_line() {
        let no_address = parse("0 sbc > ms INVITE").unwrap_err();
        assert_eq!(no_address, "line 1: sbc has no address yet: write sbc ip:port: 0 sbc > ms INVITE");
        assert!(parse("1 a 1.1.1.1:1 > b 1.1.1.2:2 200\n0 a > b 200").unwrap_err().starts_with("line 2: time goes back"));
        assert!(parse("0 a 1.1.1.1:1 > b 1.1.1.2:2 hello").is_err());
        assert!(parse("# nothing").is_err());
    }
}
