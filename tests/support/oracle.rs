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
