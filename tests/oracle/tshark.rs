//! What tshark says about the shared captures: packets, SIP messages, RTP streams, and the endpoints that SDP announces.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

/// Counts by method, status or anything else that has a name.
pub type Counts = BTreeMap<String, u64>;

/// Separates the values of a field that stands several times in one frame.
const AGAIN: char = '\u{1e}';

/// A capture of the manifest.
#[derive(Debug)]
pub struct Capture {
    /// Its id.
    pub id: String,
    /// What it holds: `sip-only`, `sip+rtp` …
    pub kind: String,
    /// The file.
    pub path: PathBuf,
    /// The folder with what tshark says.
    tables: PathBuf,
}

/// A row of the table of RTP streams.
#[derive(Debug, PartialEq)]
pub struct Stream {
    /// `src dst ssrc`, as [`key`] writes it.
    pub key: String,
    /// Payload types by tshark's names.
    pub payloads: Vec<String>,
    /// Packets.
    pub packets: i64,
    /// Expected less received; negative where packets were seen twice.
    pub lost: i64,
    /// Mean and maximum jitter in ms; `None` where tshark knows no clock rate.
    pub jitter: Option<[f64; 2]>,
}

/// A SIP message as tshark's row of its frame has it; what it lacks is empty.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sip {
    /// Method or status.
    pub start: String,
    /// Call-ID.
    pub call_id: String,
    /// Number and method.
    pub cseq: String,
    /// Tag of From.
    pub from_tag: String,
    /// Tag of To.
    pub to_tag: String,
}

/// An RTCP datagram.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rtcp {
    /// Its frame.
    pub frame: u64,
    /// Who sent the first packet of the compound.
    pub sender: u32,
    /// Report blocks: source, fraction, cumulative loss, highest sequence number, jitter, last SR, delay since then.
    pub blocks: Vec<Vec<i64>>,
}

/// A STUN message, or channel data.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stun {
    /// Its frame.
    pub frame: u64,
    /// Message type; `None` for a message without magic cookie, and for channel data.
    pub kind: Option<u16>,
    /// Transaction id in hex; empty where there is no type.
    pub id: String,
}

/// Every capture of the manifest in `folder`, in its order.
pub fn captures(folder: &Path) -> Vec<Capture> {
    let rows = rows(&folder.join("manifest.tsv"));
    let capture = |row: &BTreeMap<String, String>| Capture {
        id: row["id"].clone(),
        kind: row["kind"].clone(),
        path: folder.join(&row["file"]),
        tables: folder.join("oracle").join(&row["id"]),
    };
    rows.iter().map(capture).collect()
}

/// What a stream is known by.
pub fn key(src: &str, dst: &str, ssrc: &str) -> String {
    format!("{src} {dst} {ssrc}")
}

impl Capture {
    /// Packets, by capinfos.
    pub fn packets(&self) -> u64 {
        let text = fs::read_to_string(self.tables.join("capinfos.csv")).unwrap();
        let cells = |line: &str| line.trim_matches('"').split("\",\"").map(str::to_owned).collect::<Vec<_>>();
        let mut lines = text.lines().map(cells);
        let at = lines.next().unwrap().iter().position(|title| title == "Number of packets").unwrap();
        lines.next().unwrap()[at].parse().unwrap()
    }

    /// SIP messages by method and status, of every frame.
    pub fn messages(&self) -> Counts {
        let mut counts = Counts::new();
        for row in rows(&self.tables.join("sip.tsv")) {
            let values = ["sip.Method", "sip.Status-Code"].into_iter().flat_map(|name| row[name].split(AGAIN));
            values.filter(|value| !value.is_empty()).for_each(|value| *counts.entry(value.to_owned()).or_default() += 1);
        }
        counts
    }

    /// SIP messages one by one.
    pub fn sip(&self) -> Vec<Sip> {
        rows(&self.tables.join("sip.tsv")).iter().flat_map(messages).collect()
    }

    /// RTCP datagrams. Rows without a packet type are datagrams of something else on a port for RTCP, which tshark cannot read as such.
    pub fn rtcp(&self) -> Vec<Rtcp> {
        let rows = rows(&self.tables.join("rtcp.tsv"));
        rows.iter().filter(|row| !row["rtcp.pt"].is_empty()).map(compound).collect()
    }

    /// STUN messages and channel data.
    pub fn stun(&self) -> Vec<Stun> {
        let several = |row: &BTreeMap<String, String>| {
            let frame = row["frame.number"].parse().unwrap();
            let values = row["stun.type"].split(AGAIN).zip(row["stun.id"].split(AGAIN));
            let message = |(kind, id): (&str, &str)| Stun { frame, kind: number(kind).map(|kind| kind as u16), id: id.to_owned() };
            values.map(message).collect::<Vec<_>>()
        };
        rows(&self.tables.join("stun.tsv")).iter().flat_map(several).collect()
    }

    /// SIP messages by method and status, of `-z sip,stat`.
    pub fn statistics(&self) -> Counts {
        let text = text(&self.tables.join("sip_stat.txt"));
        let counted = text.lines().filter_map(|line| line.trim().strip_suffix(" Packets")?.rsplit_once(':'));
        let mut counts = Counts::new();
        for (name, n) in counted {
            let mut words = name.split_whitespace();
            let word = words.next().and_then(|word| if word == "SIP" { words.next() } else { Some(word) }).unwrap();
            *counts.entry(word.to_owned()).or_default() += n.trim().parse::<u64>().unwrap();
        }
        counts
    }

    /// The streams that tshark finds with the help of signalling, and those that only its heuristic finds.
    pub fn streams(&self) -> Vec<Stream> {
        let mut streams: Vec<Stream> = Vec::new();
        for name in ["rtp_streams.txt", "rtp_streams_heur.txt"] {
            let found: Vec<Stream> = text(&self.tables.join(name)).lines().filter_map(stream).collect();
            let known: BTreeSet<String> = streams.iter().map(|stream| stream.key.clone()).collect();
            streams.extend(found.into_iter().filter(|stream| !known.contains(&stream.key)));
        }
        streams
    }

    /// Call-IDs whose session descriptions name an endpoint for media.
    pub fn announced(&self) -> BTreeMap<SocketAddr, BTreeSet<String>> {
        let mut announced: BTreeMap<SocketAddr, BTreeSet<String>> = BTreeMap::new();
        for row in rows(&self.tables.join("sdp.tsv")) {
            let ips = row["sdp.connection_info.address"].split(AGAIN).filter_map(|ip| ip.parse::<IpAddr>().ok());
            for ip in ips {
                for port in row["sdp.media.port"].split(AGAIN).filter_map(|port| port.parse().ok()) {
                    announced.entry(SocketAddr::new(ip, port)).or_default().insert(row["sip.Call-ID"].clone());
                }
            }
        }
        announced
    }
}

/// A file's text, whatever its bytes; empty when it is not there, which says that there is nothing of its kind.
fn text(path: &Path) -> String {
    fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// The rows of a table with a line of titles; cells that a row lacks at its end are empty.
fn rows(path: &Path) -> Vec<BTreeMap<String, String>> {
    let text = text(path);
    let mut lines = text.lines().map(|line| line.split('\t').chain(std::iter::repeat("")));
    let titles: Vec<&str> = lines.next().into_iter().flatten().take_while(|title| !title.is_empty()).collect();
    lines.map(|cells| titles.iter().zip(cells).map(|(title, cell)| ((*title).to_owned(), cell.to_owned())).collect()).collect()
}

/// The messages of a frame with SIP. Where a field has not as many values as there are messages, each has all that there is.
fn messages(row: &BTreeMap<String, String>) -> Vec<Sip> {
    let starts = ["sip.Method", "sip.Status-Code"].into_iter().flat_map(|name| row[name].split(AGAIN)).filter(|start| !start.is_empty());
    let starts: Vec<&str> = starts.collect();
    let message = |at: usize| {
        let value = |name: &str| {
            let values: Vec<&str> = row[name].split(AGAIN).collect();
            if values.len() == starts.len() { values[at].to_owned() } else { row[name].clone() }
        };
        Sip {
            start: starts[at].to_owned(),
            call_id: value("sip.Call-ID"),
            cseq: value("sip.CSeq").split_whitespace().collect::<Vec<_>>().join(" "),
            from_tag: value("sip.from.tag"),
            to_tag: value("sip.to.tag"),
        }
    };
    (0..starts.len()).map(message).collect()
}

/// A row of RTCP. Report blocks come before descriptions and goodbyes in a compound packet, so their sources are named first.
fn compound(row: &BTreeMap<String, String>) -> Rtcp {
    let values = |name: &str| row[name].split(AGAIN).filter_map(number).collect::<Vec<i64>>();
    let fields = ["identifier", "fraction", "cum_nr", "ext_high", "jitter", "lsr", "dlsr"].map(|name| values(&format!("rtcp.ssrc.{name}")));
    let blocks = (0..fields[1].len()).map(|at| fields.iter().map(|field| field[at]).collect());
    // A goodbye alone has no sender by that name: its first source is.
    let sender = values("rtcp.senderssrc").first().or(fields[0].get(fields[1].len())).map_or(0, |sender| *sender as u32);
    Rtcp { frame: row["frame.number"].parse().unwrap(), sender, blocks: blocks.collect() }
}

/// A number, decimal or with `0x`.
fn number(text: &str) -> Option<i64> {
    match text.strip_prefix("0x") {
        Some(hex) => i64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

/// One row of `-z rtp,streams`; `None` for its frame and titles.
fn stream(line: &str) -> Option<Stream> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let percent = words.iter().position(|word| word.starts_with('(') && word.ends_with("%)"))?;
    let address = |at: usize| Some(SocketAddr::new(words[at].parse().ok()?, words[at + 1].parse().ok()?).to_string());
    let figure = |at: usize| words[percent + at].parse::<f64>().unwrap();
    Some(Stream {
        key: key(&address(2)?, &address(4)?, &words[6].to_ascii_lowercase()),
        payloads: words[7..percent - 2].join(" ").split(", ").map(str::to_owned).collect(),
        packets: words[percent - 2].parse().ok()?,
        lost: words[percent - 1].parse().ok()?,
        jitter: Some([figure(5), figure(6)]).filter(|[_, most]| *most > 0.0),
    })
}

#[test]
fn a_row_of_streams_is_read_whatever_its_payload_is_called() {
    let row = "1.0 2.0 10.0.0.51 4000 10.0.0.45 10866 0x34D01D16 g711U, rtpevent 974 -3 (-0.3%) 6.1 20.0 32.6 0.1 6.475 23.397 X";
    let expected = Stream {
        key: "10.0.0.51:4000 10.0.0.45:10866 0x34d01d16".to_owned(),
        payloads: vec!["g711U".to_owned(), "rtpevent".to_owned()],
        packets: 974,
        lost: -3,
        jitter: Some([6.475, 23.397]),
    };
    assert_eq!(stream(row), Some(expected));
    assert_eq!(stream("   Start time      End time     Src IP addr  Port"), None);
}

#[test]
fn values_of_several_messages_in_one_frame_are_parted() {
    let cells = [
        ("sip.Method", "ACK"),
        ("sip.Status-Code", "200\u{1e}180"),
        ("sip.Call-ID", "a\u{1e}b\u{1e}c"),
        ("sip.CSeq", "1  ACK\u{1e}2 BYE\u{1e}1 INVITE"),
        ("sip.from.tag", "x"),
        ("sip.to.tag", "p\u{1e}q"),
    ];
    let row = cells.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let read: Vec<String> =
        messages(&row).iter().map(|sip| format!("{} {} {} {}", sip.start, sip.call_id, sip.cseq, sip.from_tag)).collect();
    assert_eq!(read, ["ACK a 1 ACK x", "200 b 2 BYE x", "180 c 1 INVITE x"]);
}

#[test]
fn report_blocks_of_a_compound_are_told_from_its_descriptions() {
    let names = ["identifier", "fraction", "cum_nr", "ext_high", "jitter", "lsr", "dlsr"].map(|name| format!("rtcp.ssrc.{name}"));
    let values = ["0x0000000a\u{1e}0x0000000b\u{1e}0x00000009", "1\u{1e}2", "-3\u{1e}4", "5\u{1e}6", "7\u{1e}8", "0\u{1e}0", "0\u{1e}0"];
    let mut row: BTreeMap<String, String> = names.into_iter().zip(values.map(str::to_owned)).collect();
    row.extend([("frame.number", "4"), ("rtcp.senderssrc", "0x00000009")].map(|(name, value)| (name.to_owned(), value.to_owned())));
    let blocks = vec![vec![10, 1, -3, 5, 7, 0, 0], vec![11, 2, 4, 6, 8, 0, 0]];
    assert_eq!(compound(&row), Rtcp { frame: 4, sender: 9, blocks });
}
