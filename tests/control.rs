//! RTCP, STUN, TURN and ICE through the whole program: what is relayed is found, reports stand beside what was measured, checks beside
//! their call, and the bytes of real captures are read as tshark reads them.

mod support;

#[path = "support/relay.rs"]
mod relay;
#[path = "support/skipped.rs"]
mod skipped;

use callpath::decode::{self, Decoded, Outer};
use callpath::engine::par;
use callpath::input::discover;
use callpath::proto::{rtcp, stun};
use callpath::record::{Merge, Options};
use callpath::topology::Topology;
use relay::{Sent, at, channel, pcap, receiver_report, rtp, sender_report, words, xored};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use support::root;
use support::run::analyze;

const CLIENT: &str = "10.0.0.1:5000";
const SERVER: &str = "10.0.0.9:3478";
const PEER: &str = "192.0.2.7:4000";

/// The report of these packets.
fn report(sent: Vec<Sent>) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made.pcap");
    std::fs::write(&path, pcap(sent)).unwrap();
    analyze(&[path], None)
}

fn list<'v>(report: &'v Value, name: &str) -> &'v [Value] {
    report[name].as_array().unwrap()
}

fn kind(report: &Value, kind: &str) -> u64 {
    report["ledger"]["kinds"][kind].as_u64().unwrap()
}

/// Packets of a stream from `src` to `dst`, each wrapped by `wrap`.
fn stream(src: &str, dst: &str, ssrc: u32, from_ms: u64, n: u16, wrap: impl Fn(Vec<u8>) -> Vec<u8>) -> Vec<Sent> {
    (0..n).map(|i| (from_ms + 20 * u64::from(i), at(src), at(dst), wrap(rtp(ssrc, i)))).collect()
}

fn set_up() -> Vec<Sent> {
    let bind = [(0x000c, vec![0x40, 1, 0, 0]), (0x0012, xored(PEER))];
    vec![
        (0, at(CLIENT), at(SERVER), relay::stun(0x0003, 1, &[(0x0019, vec![17, 0, 0, 0])])),
        (10, at(SERVER), at(CLIENT), relay::stun(0x0103, 1, &[(0x0016, xored("203.0.113.5:49152")), (0x0020, xored(CLIENT))])),
        (20, at(CLIENT), at(SERVER), relay::stun(0x0009, 2, &bind)),
        (30, at(SERVER), at(CLIENT), relay::stun(0x0109, 2, &[])),
    ]
}

#[test]
fn what_a_relay_wraps_is_found_with_the_relay_named() {
    let mut sent = set_up();
    sent.extend(stream(CLIENT, SERVER, 1, 100, 30, |rtp| channel(0x4001, &rtp)));
    sent.extend(stream(SERVER, CLIENT, 2, 105, 20, |rtp| channel(0x4001, &rtp)));
    let indication = |rtp| relay::stun(0x0017, 9, &[(0x0012, xored("192.0.2.8:6000")), (0x0013, rtp)]);
    sent.extend(stream(SERVER, CLIENT, 3, 107, 10, indication));
    sent.push((400, at(CLIENT), at(SERVER), channel(0x4001, &sender_report(1, 7, 15))));
    sent.push((440, at(SERVER), at(CLIENT), channel(0x4001, &receiver_report(2, 1, [0x4000_0001, 40, 7, 655]))));
    sent.push((450, at(CLIENT), at(SERVER), channel(0x4001, &relay::stun(0x0001, 5, &[(0x0006, b"b:a".to_vec())]))));
    let report = report(sent);
    let found: Vec<(&Value, &Value, &Value, &Value)> =
        list(&report, "streams").iter().map(|s| (&s["src"], &s["ssrc"], &s["packets"], &s["relay"])).collect();
    let by = |peer: &str, channel: Value| json!({ "server": SERVER, "peer": peer, "channel": channel });
    assert_eq!(
        found,
        [
            (&json!(CLIENT), &json!("0x00000001"), &json!(30), &by(PEER, json!(0x4001))),
            (&json!(SERVER), &json!("0x00000002"), &json!(20), &by(PEER, json!(0x4001))),
            (&json!(SERVER), &json!("0x00000003"), &json!(10), &by("192.0.2.8:6000", Value::Null)),
        ]
    );
    let rtcp = &list(&report, "streams")[0]["rtcp"];
    assert_eq!(
        (&rtcp["reports"], &rtcp["lost"], &rtcp["fraction_max_percent"], &rtcp["sent"]),
        (&json!(1), &json!(1), &json!(25.0), &json!(15))
    );
    assert_eq!((&rtcp["jitter_ms"]["max"], &rtcp["rtt_ms"]["max"]), (&json!(5.0), &json!(30.005)));
    assert_eq!((kind(&report, "rtp"), kind(&report, "rtcp"), kind(&report, "stun"), kind(&report, "udp")), (60, 2, 5, 0));
}

#[test]
fn channel_joined_in_the_middle_is_unwrapped_by_its_number() {
    let report = report(stream(CLIENT, SERVER, 1, 0, 12, |rtp| channel(0x4003, &rtp)));
    let relay = json!({ "server": SERVER, "peer": null, "channel": 0x4003 });
    assert_eq!((&list(&report, "streams")[0]["relay"], kind(&report, "rtp")), (&relay, 12));
    assert_eq!(report["ledger"]["records"], 12);
}

#[test]
fn other_udp_that_begins_like_channel_data_stays_udp() {
    let noise = |n: u16| (u64::from(n), at(CLIENT), at("10.0.0.8:9000"), channel(0x4000 + n * 7, &rtp(u32::from(n) * 77_777, n * 501)));
    let text = |n: u16| (u64::from(n), at(CLIENT), at("10.0.0.8:9001"), channel(0x4142, &[n as u8; 20]));
    let report = report((0..100).map(noise).chain((0..100).map(text)).collect());
    assert_eq!((list(&report, "streams").len(), kind(&report, "udp"), kind(&report, "stun")), (0, 200, 0));
}

#[test]
fn relayed_packets_that_are_no_media_count_as_stun() {
    let mut sent = set_up();
    sent.extend((0..10).map(|n| (100 + n, at(CLIENT), at(SERVER), channel(0x4001, &[22, 0xfe, 0xfd, n as u8]))));
    sent.extend(stream(CLIENT, SERVER, 8, 200, 1, |rtp| channel(0x4001, &rtp)));
    let report = report(sent);
    assert_eq!((kind(&report, "stun"), kind(&report, "udp"), kind(&report, "rtp")), (15, 0, 0));
}

#[test]
fn rtcp_of_the_next_port_settles_three_packets_and_stands_beside_them() {
    let (a, b) = ("10.0.0.1:5000", "10.0.0.2:6000");
    let (a1, b1) = ("10.0.0.1:5001", "10.0.0.2:6001");
    let three = stream(a, b, 1, 0, 3, |rtp| rtp);
    assert_eq!(list(&report(three.clone()), "streams").len(), 0);
    let mut sent = three;
    sent.push((70, at(a1), at(b1), sender_report(1, 9, 3)));
    sent.push((100, at(b1), at(a1), receiver_report(2, 1, [0xff_ffff, 8, 9, 0])));
    let report = report(sent);
    let [stream] = list(&report, "streams") else { panic!("one stream") };
    assert_eq!((&stream["packets"], &stream["rtcp"]["lost"], &stream["rtcp"]["rtt_ms"]["mean"]), (&json!(3), &json!(-1), &json!(30.0)));
    assert_eq!((kind(&report, "rtp"), kind(&report, "rtcp"), kind(&report, "udp")), (3, 2, 0));
}

#[test]
fn reports_go_to_their_own_stream_where_two_calls_share_addresses() {
    let mut sent = Vec::new();
    for call in 0..4u16 {
        let (a, b) = (format!("10.0.0.1:{}", 5_000 + 4 * call), format!("10.0.0.2:{}", 6_000 + 4 * call));
        let (a1, b1) = (format!("10.0.0.1:{}", 5_001 + 4 * call), format!("10.0.0.2:{}", 6_001 + 4 * call));
        sent.extend(stream(&a, &b, 1, u64::from(call), 20, |rtp| rtp));
        sent.push((500, at(&b1), at(&a1), receiver_report(2, 1, [u32::from(call), 0, 0, 0])));
    }
    let report = report(sent);
    let lost: Vec<&Value> = list(&report, "streams").iter().map(|stream| &stream["rtcp"]["lost"]).collect();
    assert_eq!(lost, [0, 1, 2, 3]);
}

#[test]
fn adversarial_control_packets_are_counted_and_nothing_else() {
    let (a, b) = (at(CLIENT), at(SERVER));
    let xr = words(&[0x80cf_0041, 5]).into_iter().chain([4, 0, 0, 0].repeat(64)).collect();
    let nested = |n: usize| (0..n).fold(rtp(1, 1), |inner, _| relay::stun(0x0017, 3, &[(0x0012, xored(PEER)), (0x0013, inner)]));
    let mut lies = relay::stun(0x0001, 1, &[(0x0006, vec![b'x'; 8])]);
    lies[22..24].copy_from_slice(&[0xff, 0xf0]);
    let many: Vec<(u16, Vec<u8>)> = (0..300).map(|n| (n, Vec::new())).collect();
    let payloads: Vec<Vec<u8>> =
        vec![xr, [0x80, 202, 0, 0].repeat(2), words(&[0x80c9_0001, 5, 0xa0cb_0000]), lies, relay::stun(0x0001, 2, &many), nested(20)];
    let n = payloads.len();
    let report = report(payloads.into_iter().enumerate().map(|(ms, payload)| (ms as u64, a, b, payload)).collect());
    assert_eq!((kind(&report, "rtcp") + kind(&report, "stun") + kind(&report, "udp"), list(&report, "streams").len()), (n as u64, 0));
    assert_eq!(report["ledger"]["records"], n);
}

#[test]
fn checks_stand_with_the_call_whose_description_has_their_fragment() {
    let sdp = |ip: &str, port: u16, fragment: &str| {
        format!(
            "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\na=ice-ufrag:{fragment}\r\na=ice-pwd:secretsecretsecretsecret\r\n\
             m=audio {port} RTP/AVP 8\r\na=candidate:1 1 UDP 2130706431 {ip} {port} typ host\r\n"
        )
    };
    let sip = |start: &str, sdp: &str| {
        format!(
            "{start}\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>;tag=2\r\nCall-ID: c\r\n\
             CSeq: 1 INVITE\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
            sdp.len()
        )
        .into_bytes()
    };
    let (a, b) = (at("10.0.0.1:5060"), at("10.0.0.2:5060"));
    let mut sent = vec![
        (0, a, b, sip("INVITE sip:b@x SIP/2.0", &sdp("10.0.0.1", 5_000, "aaaa"))),
        (900, b, a, sip("SIP/2.0 200 OK", &sdp("10.0.0.2", 6_000, "bbbb"))),
    ];
    // From behind a gateway: no description has this address.
    let (from, to) = (at("192.0.2.33:1024"), at("10.0.0.2:6000"));
    let check = |nominates: bool| {
        let role = [(0x0024, vec![0, 0, 0, 1]), (0x802a, vec![0; 8]), (0x0006, b"bbbb:aaaa".to_vec())];
        role.into_iter().chain(nominates.then(|| (0x0025, Vec::new()))).collect::<Vec<_>>()
    };
    for (n, nominates) in [(1u8, false), (2, true)] {
        sent.push((900 + u64::from(n) * 100, from, to, relay::stun(0x0001, n, &check(nominates))));
        sent.push((912 + u64::from(n) * 100, to, from, relay::stun(0x0101, n, &[(0x0020, xored("192.0.2.33:1024"))])));
    }
    sent.push((1_300, from, to, relay::stun(0x0001, 7, &[(0x0006, b"zzzz:yyyy".to_vec())])));
    let report = report(sent);
    let rtt = json!({ "min": 12.0, "mean": 12.0, "max": 12.0 });
    let check = json!({
        "local": "192.0.2.33:1024", "remote": "10.0.0.2:6000", "nominated": true, "checks": 2, "successes": 2, "rtt_ms": rtt, "relay": null
    });
    assert_eq!(report["calls"][0]["ice"], json!([check]));
}

#[test]
fn checks_on_the_flow_of_media_that_nobody_signalled_stand_with_it() {
    let mut sent = stream(CLIENT, PEER, 1, 100, 20, |rtp| rtp);
    sent.push((0, at(PEER), at(CLIENT), relay::stun(0x0001, 1, &[(0x0006, b"b:a".to_vec()), (0x0025, Vec::new())])));
    sent.push((9, at(CLIENT), at(PEER), relay::stun(0x0111, 1, &[(0x0009, vec![0, 0, 4, 87])])));
    let report = report(sent);
    let ice = &report["calls"][0]["ice"];
    assert_eq!(
        (&ice[0]["local"], &ice[0]["nominated"], &ice[0]["checks"], &ice[0]["successes"]),
        (&json!(PEER), &json!(false), &json!(1), &json!(0))
    );
    assert_eq!(ice[0]["rtt_ms"]["max"], 9.0);
}

/// Gives the UDP payload of each record, and what snaplen took of it, to `take`.
fn datagrams(path: &Path, mut take: impl FnMut(u64, &[u8], u32)) {
    let topology = Topology::built_in();
    let found = discover(&[path.display().to_string()]).unwrap();
    let mut merge = Merge::open(found, par::spawn, Options::new(None, topology.same_link())).unwrap();
    let mut key = Outer::default();
    while let Some(window) = merge.next_window(8_192) {
        for record in (0..window.heads.len()).filter_map(|i| window.record(i)) {
            if let Decoded::Transport(transport) = decode::open(&record, &mut key)
                && transport.tcp.is_none()
            {
                take(record.id.number, transport.payload, transport.cut);
            }
        }
    }
}

/// Rows of tshark's table `name` by frame: the cells under `titles`, each with its values.
fn table(id: &str, name: &str, titles: &[&str]) -> BTreeMap<u64, Vec<Vec<String>>> {
    let text = std::fs::read(root().join("../shared/captures/oracle").join(id).join(name)).unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    let mut lines = text.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let head = lines.next().unwrap_or_default();
    let places: Vec<usize> = titles.iter().filter_map(|title| head.iter().position(|known| known == title)).collect();
    let values = |cell: &str| cell.split('\u{1e}').filter(|value| !value.is_empty()).map(str::to_owned).collect();
    lines.map(|row| (row[0].parse().unwrap(), places.iter().map(|at| values(row.get(*at).unwrap_or(&""))).collect())).collect()
}

/// The public captures by their id.
fn public(who: &str) -> Vec<(String, std::path::PathBuf)> {
    let Ok(entries) = std::fs::read_dir(root().join("../shared/captures/files")) else {
        skipped::skipped(who, "no ../shared/captures");
        return Vec::new();
    };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.file_name().unwrap().to_str().unwrap()[..9].to_owned(), path)).collect()
}

#[test]
fn report_blocks_are_those_that_tshark_reads() {
    const TITLES: [&str; 6] =
        ["rtcp.ssrc.fraction", "rtcp.ssrc.cum_nr", "rtcp.ssrc.ext_high", "rtcp.ssrc.jitter", "rtcp.ssrc.lsr", "rtcp.ssrc.dlsr"];
    let (captures, mut compared) = (public("control: report blocks"), 0);
    for (id, path) in &captures {
        let mut theirs = table(id, "rtcp.tsv", &TITLES);
        theirs.retain(|_, row| row.iter().any(|cell| !cell.is_empty()));
        if theirs.is_empty() {
            continue;
        }
        datagrams(path, |number, payload, cut| {
            // What is encrypted tshark reads as if it were not.
            let Some(compound) = rtcp::read_cut(payload, cut).filter(|compound| compound.clear || theirs.remove(&number).is_none()) else {
                return;
            };
            let of =
                |value: fn(&rtcp::ReportBlock) -> i64| compound.blocks.iter().map(|block| value(block).to_string()).collect::<Vec<_>>();
            let ours = [
                of(|b| b.fraction.into()),
                of(|b| b.lost.into()),
                of(|b| b.highest.into()),
                of(|b| b.jitter.into()),
                of(|b| b.last_sr.into()),
                of(|b| b.delay_since_last_sr.into()),
            ];
            if let Some(row) = theirs.remove(&number) {
                assert_eq!(ours.as_slice(), row, "{id} record {number}");
                compared += ours[0].len();
            }
        });
        assert!(theirs.is_empty(), "{id}: not read: {:?}", theirs.keys());
    }
    assert!(captures.is_empty() || compared >= 250, "only {compared} blocks compared");
}

#[test]
fn stun_messages_and_attributes_are_those_that_tshark_reads() {
    let captures = public("control: STUN");
    let tables: Vec<_> = captures.iter().map(|(id, _)| table(id, "stun.tsv", &["stun.id", "stun.att.type"])).collect();
    // Attributes that tshark has no name for it leaves out.
    let named: BTreeSet<&String> = tables.iter().flat_map(|table| table.values()).filter_map(|row| row.get(1)).flatten().collect();
    let (mut compared, mut apart, mut faulty) = (0, Vec::new(), Vec::new());
    for ((id, path), theirs) in captures.iter().zip(&tables).filter(|(_, table)| !table.is_empty()) {
        datagrams(path, |number, payload, cut| {
            let Some([ids, kinds]) = theirs.get(&number).map(Vec::as_slice) else { return };
            if ids.len() != 1 || !stun::probe_cut(payload, cut) {
                return;
            }
            let message = stun::Message::read(payload).unwrap();
            if message.fault().is_some() {
                faulty.push(id.clone()); // made to have lengths that lie
                return;
            }
            let transaction: String = message.transaction.iter().map(|byte| format!("{byte:02x}")).collect();
            let mut kind: Vec<String> = message.attributes().map(|attribute| format!("0x{:04x}", attribute.kind)).collect();
            kind.retain(|kind| named.contains(kind));
            // tshark takes Microsoft's values to be filled up to whole words, and so loses the rest.
            let same = if message.microsoft { kind.starts_with(kinds) } else { &kind == kinds };
            if !transaction.ends_with(&ids[0]) || !same {
                apart.push(format!("{id} record {number}: {transaction} {kind:?} instead of {ids:?} {kinds:?}"));
            }
            compared += 1;
        });
    }
    assert!(apart.is_empty(), "{}", apart.join("\n"));
    assert!(captures.is_empty() || faulty == ["cc5f73977", "ce73eca61"], "{faulty:?}");
    assert!(captures.is_empty() || compared >= 500, "only {compared} messages compared");
}

#[test]
fn stun_over_tcp_is_counted_as_stun() {
    for (id, path) in public("control: STUN over TCP").iter().filter(|(id, _)| ["cc07bb45c", "c0a84e5fe"].contains(&id.as_str())) {
        let report = analyze(std::slice::from_ref(path), None);
        assert!(kind(&report, "stun") >= 4 && kind(&report, "stun") + kind(&report, "tcp") == report["ledger"]["records"], "{id}");
    }
}
