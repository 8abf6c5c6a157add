//! What the ladder writer writes, a decoder that is not ours reads back.

mod support;

use std::io::Write;
use std::process::{Command, Stdio};
use support::capture::capture;
use support::ladder::parse;

const CALL: &str = "\
sbc > ms  if=er vlan=1201
ms > sbc  if=inet
0.000  sbc 198.51.100.4:50000 > ms 52.114.75.24:5061  tls  INVITE sip:+14255550123@sip.pstnhub.microsoft.com:5061;transport=tls mss=400
0.050  ms > sbc                                              100
0.100  ms > sbc                                              183
0.900  ms > sbc                                              200
0.950  sbc > ms                                              ACK
1.000  sbc 198.51.100.5:4000 > ms 52.114.75.24:49200         rtp PCMU x 20 every 20 ms ssrc=0x1234 lost=3
1.000  ms > sbc                                              rtp PCMU x 20 every 20 ms ssrc=0x5678
2.000  ms > sbc                                              BYE
2.050  sbc > ms                                              200
3.000  [2001:db8::1]:5060 > [2001:db8::2]:5060               udp OPTIONS
3.050  [2001:db8::2]:5060 > [2001:db8::1]:5060               udp 200
";

/// tshark's fields of each packet that `filter` lets through; `None`, and a line in `target/skipped`, without tshark.
fn tshark(bytes: &[u8], filter: &str, fields: &[&str]) -> Option<Vec<String>> {
    let mut command = Command::new("tshark");
    command.args(["-r", "-", "-Y", filter, "-T", "fields", "-E", "separator=|"]);
    for field in fields {
        command.args(["-e", field]);
    }
    command.args(["-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE"]);
    command.args(["-d", "tcp.port==5061,sip", "-o", "rtp.heuristic_rtp:TRUE"]);
    let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let Ok(mut child) = started else {
        skipped("tests/ladder.rs: tshark is not installed");
        return None;
    };
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    Some(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect())
}

fn skipped(what: &str) {
    let target = support::root().join("target");
    std::fs::create_dir_all(&target).unwrap();
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(target.join("skipped")).unwrap();
    writeln!(file, "{what}").unwrap();
}

#[test]
fn tshark_finds_nothing_malformed_and_every_checksum_good() {
    let made = capture(&parse(CALL).unwrap()).unwrap();
    let Some(all) = tshark(&made.bytes, "frame", &["frame.number"]) else { return };
    assert_eq!(all.len(), made.line_of_record.len());
    let bad = "_ws.malformed || ip.checksum.status == 0 || udp.checksum.status == 0 || tcp.checksum.status == 0 || tcp.analysis.flags";
    assert_eq!(tshark(&made.bytes, bad, &["frame.number", "_ws.col.Info"]), Some(Vec::new()));
}

#[test]
fn tshark_reads_the_messages_that_the_lines_say() {
    let made = capture(&parse(CALL).unwrap()).unwrap();
    let fields = ["sip.Method", "sip.Status-Code", "sip.CSeq", "sip.Call-ID", "sdp.media", "frame.interface_name"];
    let Some(rows) = tshark(&made.bytes, "sip", &fields) else { return };
    let rows: Vec<Vec<&str>> = rows.iter().map(|row| row.split('|').collect()).collect();
    let said: Vec<String> = rows.iter().map(|r| format!("{}{} {}", r[0], r[1], r[2])).collect();
    assert_eq!(
        said,
        [
            "INVITE 1 INVITE",
            "100 1 INVITE",
            "183 1 INVITE",
            "200 1 INVITE",
            "ACK 1 ACK",
            "BYE 1 BYE",
            "200 1 BYE",
            "OPTIONS 1 OPTIONS",
            "200 1 OPTIONS"
        ]
    );
    assert!(rows[..7].iter().all(|row| row[3] == rows[0][3]), "one Call-ID");
    assert_eq!((rows[0][4], rows[2][4]), ("audio 4000 RTP/SAVP 0 8 101", "audio 49200 RTP/SAVP 0 101"));
    assert_eq!((rows[0][5], rows[1][5]), ("er", "inet"));
}

#[test]
fn tshark_counts_the_rtp_packets_that_were_not_lost() {
    let made = capture(&parse(CALL).unwrap()).unwrap();
    let Some(rows) = tshark(&made.bytes, "rtp", &["rtp.ssrc", "rtp.seq", "vlan.id"]) else { return };
    let sent: Vec<&String> = rows.iter().filter(|row| row.starts_with("0x00001234|")).collect();
    assert_eq!((sent.len(), rows.len()), (19, 39));
    assert_eq!((sent[1].as_str(), sent[2].as_str()), ("0x00001234|1001|1201", "0x00001234|1003|1201"));
}
