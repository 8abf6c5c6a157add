//! Fifty calls of one SBC, each broken in one way: one finding for each, of the rule that is meant, and none beside.

mod support;

use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write;
use support::capture::capture;
use support::ladder::{What, parse};
use support::run::analyze_capture;

/// The SBC speaks for two trunks, and for a third SBC that stands behind it.
const TOPOLOGY: &str = "schema = 1
[[sbc]]
id = 'sbc1'
fqdn = 'sbc1.contoso.com'
place = 'your_network'
signalling = ['198.51.100.4']
media = ['198.51.100.5']
[[gateway]]
fqdn = 'sbc1.contoso.com'
sbc = 'sbc1'
media_bypass = false
[[gateway]]
fqdn = 'sbc2.contoso.com'
sbc = 'sbc1'
media_bypass = false
[[gateway]]
fqdn = 'sbc3.contoso.com'
proxy = 'sbc1.contoso.com'
bypass_mode = 'Always'
";

/// Families of which every finding counts.
const FAMILIES: [&str; 3] = ["identity", "options", "dialog"];

/// Seconds from call to call.
const APART: usize = 60;

/// How a call goes.
#[derive(Clone, Copy)]
enum Call {
    /// The SBC calls, and the user is busy: words of the INVITE.
    Busy(&'static str),
    /// The user answers and the SBC hangs up: words of the INVITE.
    Taken(&'static str),
    /// The user answers, and before the SBC hangs up these lines come.
    Within(&'static str),
    /// Microsoft calls, and the SBC answers: words of its 200.
    Answered(&'static str),
    /// Lines of its own.
    Lines(&'static str),
}
use Call::{Answered, Busy, Lines, Taken, Within};

const ERROR: &str = "error";
const WARNING: &str = "warning";
const INFO: &str = "info";

const CASES: [(&str, &str, Call); 50] = [
    ("DR001", ERROR, Busy("contact=<sip:198.51.100.4:5061;transport=tls>")),
    ("DR001", ERROR, Busy("contact=<sip:203.0.113.9:5061;transport=tls>")),
    ("DR001", ERROR, Busy("contact=<sip:[2001:db8::4]:5061;transport=tls>")),
    ("DR001", WARNING, Answered("contact=<sip:198.51.100.4:5061;transport=tls>")),
    ("DR002", WARNING, Busy("record-route=<sip:sbc1.contoso.com:5061;transport=tls;lr> record-route=<sip:10.1.5.10;lr>")),
    ("DR003", ERROR, Busy("contact=-")),
    ("DR003", ERROR, Answered("contact=-")),
    ("DR006", WARNING, Busy("contact=<sip:sbc1.contoso.com:5061;transport=tls>,<sip:10.0.0.1>")),
    (
        "DR007",
        WARNING,
        Busy("record-route=<sip:sbc2.contoso.com:5061;transport=tls;lr> record-route=<sip:sbc1.contoso.com:5061;transport=tls;lr>"),
    ),
    ("DR008", INFO, Busy("contact=<sip:sbc2.contoso.com:5061;transport=tls> record-route=<sip:sbc2.contoso.com:5061;transport=tls;lr>")),
    ("DR009", WARNING, Busy("contact=<sip:sbc1.contoso.com:5061>")),
    ("DR009", WARNING, Busy("contact=<sip:sbc1.contoso.com:5061;transport=tcp>")),
    ("DR009", WARNING, Answered("contact=<sip:sbc1.contoso.com:5061;transport=udp>")),
    ("DR010", ERROR, Busy("contact=<sips:sbc1.contoso.com:5061>")),
    ("DR010", INFO, Taken("history-info=<sips:+14255550177@carrier.example>;index=1")),
    ("DR011", ERROR, Busy("from=<sip:@sbc1.contoso.com>")),
    ("DR011", ERROR, Busy("diversion=<sip:@carrier.example>")),
    ("DR012", ERROR, Busy("sip:18338006777@sip.pstnhub.microsoft.com:5061;user=phone;transport=tls")),
    ("DR012", ERROR, Busy("sip:reception@sip.pstnhub.microsoft.com:5061;user=phone;transport=tls")),
    ("DR012", WARNING, Taken("sip:4255550123@sip.pstnhub.microsoft.com:5061;user=phone;transport=tls")),
    ("DR013", WARNING, Busy("from=<sip:4255550100@sbc1.contoso.com;user=phone>")),
    ("DR013", INFO, Busy("from=<sip:2041@sbc1.contoso.com>")),
    ("DR014", INFO, Busy("to=<sip:4255550123@sip.pstnhub.microsoft.com>")),
    ("DR015", INFO, Busy("to=<sip:+142555501233@sip.pstnhub.microsoft.com>")),
    ("DR016", INFO, Busy("sip:+14255550123@sip.pstnhub.microsoft.com:5061;transport=tls")),
    ("DR017", ERROR, Busy("replaces=7c1f@sbc1.contoso.com;to-tag=5a;from-tag=9e")),
    (
        "DR017",
        ERROR,
        Busy("contact=<sip:sbc1.contoso.com:5061;transport=tls?Replaces=7c1f%40sbc1.contoso.com%3Bto-tag%3D5a%3Bfrom-tag%3D9e>"),
    ),
    ("DR018", WARNING, Lines("0.000  sbc > ms  OPTIONS sip:sip.pstnhub.microsoft.com cseq=`1 INVITE`\n0.040  ms > sbc  200")),
    ("DR019", WARNING, Busy("max-forwards=5")),
    ("DR020", WARNING, Busy("sip:+14255550123@sbc1.contoso.com:5061;user=phone;transport=tls")),
    ("DR020", WARNING, Busy("sip:+14255550123@198.51.100.4:5061;user=phone;transport=tls")),
    ("DR021", WARNING, Lines(OLD_BRANCH)),
    ("DR024", ERROR, Busy("from=<sip:+14255550100@sbc1.contoso.com;tag=a1")),
    ("DR024", WARNING, Busy("from=`Smith, John <sip:+14255550100@sbc1.contoso.com>;tag=a1`")),
    ("DR024", WARNING, Busy("history-info=`<sip:+14255550100@sbc1.contoso.com?Reason=SIP;cause=302;text=\"Moved\">;index=1`")),
    (
        "DR024",
        WARNING,
        Busy("`sip: +14255550123@sip.pstnhub.microsoft.com:5061;user=phone` to=<sip:+14255550123@sip.pstnhub.microsoft.com>"),
    ),
    ("DR028", INFO, Lines(NAMELESS)),
    ("DR063", INFO, Busy("sip:+14255550123@52.114.75.24:5061;user=phone")),
    (
        "DR066",
        WARNING,
        Lines(
            "0.000  msi > sbc  INVITE session-expires=1800;refresher=uac supported=timer\n0.020  sbc > msi  100\n10.01  msi > sbc  CANCEL\n10.02  sbc > msi  200 for=CANCEL\n\
             10.03  sbc > msi  487\n10.06  msi > sbc  ACK",
        ),
    ),
    ("DR070", ERROR, Busy("sdp=no")),
    ("DR070", WARNING, Within("5.000  sbc > ms  INVITE sdp=no\n5.040  ms > sbc  200\n5.060  sbc > ms  ACK")),
    ("DR076", WARNING, Lines(TO_THE_SERVICE)),
    ("DR080", WARNING, Within("5.000  sbc > ms  INVITE sdp=sendonly\n5.040  ms > sbc  200 sdp=recvonly\n5.060  sbc > ms  ACK")),
    ("DR080", INFO, Busy("sdp=recvonly")),
    ("DR081", ERROR, Busy("media=0.0.0.0:4000")),
    ("DR081", ERROR, Answered("media=0.0.0.0:4000")),
    ("DR085", WARNING, Within("5.000  sbc > ms  INFO\n5.030  ms > sbc  405")),
    ("DR087", WARNING, Lines(OTHER_ACK)),
    ("DR088", ERROR, Busy("from=- f=<sip:+14255550100@sbc1.contoso.com>")),
    ("DR089", WARNING, Lines(OLD_NUMBER)),
];

/// Without media bypass a media processor keeps a timer.
const TIMER: &str = "session-expires=1800;refresher=uac";

const OLD_BRANCH: &str = "0.000  sbc > ms  INVITE via=`SIP/2.0/TLS sbc1.contoso.com:5061;branch=7.1`
0.030  ms > sbc  100
0.900  ms > sbc  486
0.950  sbc > ms  ACK via=`SIP/2.0/TLS sbc1.contoso.com:5061;branch=7.1`";

const NAMELESS: &str = "0.000  sbc > ms  INVITE user-agent=-
0.030  ms > sbc  100
0.900  ms > sbc  486
0.950  sbc > ms  ACK user-agent=-";

const TO_THE_SERVICE: &str = "0.000  sbc > ms  INVITE
0.030  ms > sbc  100
0.900  ms > sbc  200
0.950  sbc > ms  ACK
9.000  sbc > ms  BYE sip:sip.pstnhub.microsoft.com:5061;transport=tls
9.040  ms > sbc  200";

const OTHER_ACK: &str = "0.000  sbc > ms  INVITE
0.030  ms > sbc  100
0.900  ms > sbc  200
0.950  sbc > ms  ACK cseq=`2 ACK`
9.000  sbc > ms  BYE cseq=`3 BYE`
9.040  ms > sbc  200";

const OLD_NUMBER: &str = "0.000  sbc > ms  INVITE
0.030  ms > sbc  100
0.900  ms > sbc  200
0.950  sbc > ms  ACK
5.000  sbc > ms  INVITE
5.030  ms > sbc  200
5.060  sbc > ms  ACK
9.000  sbc > ms  BYE cseq=`2 BYE`
9.030  ms > sbc  200";

impl Call {
    /// Its lines, from 0.000 on.
    fn lines(self) -> String {
        match self {
            Busy(words) => format!("0.000  sbc > ms  INVITE {words}\n0.030  ms > sbc  100\n0.900  ms > sbc  486\n0.950  sbc > ms  ACK"),
            Taken(words) => taken(words, ""),
            Within(lines) => taken("", lines),
            Answered(words) => format!(
                "0.000  msi > sbc  INVITE {TIMER} supported=timer\n0.030  sbc > msi  100\n0.400  sbc > msi  180\n0.900  sbc > msi  200 {words} {TIMER} require=timer\n\
                 0.950  msi > sbc  ACK\n9.000  sbc > msi  BYE\n9.040  msi > sbc  200"
            ),
            Lines(lines) => lines.to_owned(),
        }
    }
}

fn taken(words: &str, within: &str) -> String {
    format!(
        "0.000  sbc > ms  INVITE {words}\n0.030  ms > sbc  100\n0.400  ms > sbc  180\n0.900  ms > sbc  200\n0.950  sbc > ms  ACK\n\
         {within}\n9.000  sbc > ms  BYE\n9.040  ms > sbc  200"
    )
}

/// Lines with their time in milliseconds, moved to `at` and to the call of that number.
fn moved(lines: &str, at: usize, call: usize) -> Vec<(usize, String)> {
    let lines = lines.lines().filter_map(|line| line.split_once(' '));
    let ms = |time: &str| (time.parse::<f64>().unwrap() * 1_000.0).round() as usize;
    lines.map(|(time, rest)| (at * 1_000 + ms(time), format!("{rest} call={call}"))).collect()
}

/// What keeps the trunk alive, each minute: OPTIONS to each of Microsoft's three names, and one of Microsoft's.
const KEPT_ALIVE: &str = "0.000  sbc > ms  OPTIONS sip:sip.pstnhub.microsoft.com:5061
0.040  ms > sbc  200
0.100  sbc > msb  OPTIONS sip:sip2.pstnhub.microsoft.com:5061
0.140  msb > sbc  200
0.200  sbc > msc  OPTIONS sip:sip3.pstnhub.microsoft.com:5061
0.240  msc > sbc  200
0.300  msi > sbc  OPTIONS
0.340  sbc > msi  200";

/// The ladder of these calls, numbered from 1.
fn ladder(calls: &[Call]) -> String {
    let mut lines = Vec::new();
    for (index, call) in calls.iter().enumerate() {
        lines.extend(moved(&call.lines(), index * APART + 20, index + 1));
    }
    for minute in 0..=calls.len() {
        for (n, pair) in KEPT_ALIVE.lines().collect::<Vec<_>>().chunks(2).enumerate() {
            lines.extend(moved(&pair.join("\n"), minute * 60, 1_000 + minute * 10 + n));
        }
    }
    lines.sort_by_key(|(at, _)| *at);
    let mut text = String::from(
        "sbc 198.51.100.4:50000 > ms 52.114.75.24:5061  tls\nsbc 198.51.100.4:50001 > msb 52.114.7.24:5061  tls\n\
         sbc 198.51.100.4:50002 > msc 52.114.14.70:5061  tls\nmsi 52.114.75.24:1500 > sbc 198.51.100.4:5061  tls\n",
    );
    for (at, line) in lines {
        writeln!(text, "{}.{:03} {line}", at / 1_000, at % 1_000).unwrap();
    }
    text
}

/// Findings of the families that count: rule, severity, and the calls whose records they show.
fn told(calls: &[Call]) -> Vec<(String, String, Vec<u32>)> {
    let ladder = parse(&ladder(calls)).unwrap();
    let made = capture(&ladder).unwrap();
    let report = analyze_capture(&made, Some(TOPOLOGY));
    let call_of = |record: &Value| {
        let line = made.line_of_record[record["number"].as_u64().unwrap() as usize - 1];
        match &ladder.lines[line - 1].what {
            What::Sip(sip) => sip.call,
            _ => 0,
        }
    };
    let findings = report["findings"].as_array().unwrap().iter().filter(|finding| FAMILIES.contains(&family(finding)));
    let one = |finding: &Value| {
        let calls: BTreeSet<u32> = finding["records"].as_array().unwrap().iter().map(call_of).collect();
        (text(finding, "rule")[..5].to_owned(), text(finding, "severity").to_owned(), calls.into_iter().collect())
    };
    findings.map(one).collect()
}

fn text<'f>(finding: &'f Value, member: &str) -> &'f str {
    finding[member].as_str().unwrap()
}

fn family(finding: &Value) -> &'static str {
    callpath::rules::find(text(finding, "rule")).unwrap().family()
}

#[test]
fn fifty_faults_are_fifty_findings() {
    let calls = CASES.map(|(_, _, call)| call);
    let mut told = told(&calls);
    told.sort_by_key(|(rule, _, calls)| (calls.clone(), rule.clone()));
    let meant: Vec<(String, String, Vec<u32>)> =
        (1..).zip(CASES).map(|(call, (rule, severity, _))| (rule.to_owned(), severity.to_owned(), vec![call])).collect();
    let more: Vec<_> = told.iter().filter(|one| !meant.contains(one)).collect();
    let missing: Vec<_> = meant.iter().filter(|one| !told.contains(one)).collect();
    assert!(more.is_empty() && missing.is_empty(), "more: {more:#?}\nmissing: {missing:#?}");
    assert_eq!(told, meant);
}

#[test]
fn the_same_calls_without_faults_have_no_finding() {
    assert_eq!(told(&[Busy(""), Taken(""), Within(""), Answered("")]), []);
    // Nor have as many of them.
    assert_eq!(told(&[Busy(""); 50]), []);
}
