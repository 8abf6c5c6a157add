//! The rows of the call-flow matrix that Direct Routing has, each as a ladder that goes through the whole pipeline: which row is named,
//! and that nothing is said where the path is as it should be.

mod support;

use serde_json::Value;
use support::capture::capture;
use support::ladder::parse;
use support::run::{analyze_capture, analyze_skype};

/// Two SBCs of one tenant, an Internet link and an inner one.
fn topology(bypass: bool) -> String {
    format!(
        "schema = 1
[[prefix]]
cidr = '10.0.0.0/8'
place = 'your_network'
[[sbc]]
id = 'sbc1'
fqdn = 'sbc1.contoso.com'
place = 'your_network'
signalling = ['198.51.100.4']
media = ['198.51.100.5']
inner_media = ['10.1.5.10']
[[sbc]]
id = 'sbc2'
fqdn = 'sbc2.contoso.com'
place = 'your_network'
signalling = ['198.51.100.6']
media = ['198.51.100.7']
[[gateway]]
fqdn = 'sbc1.contoso.com'
sbc = 'sbc1'
media_bypass = {bypass}
[[gateway]]
fqdn = 'sbc2.contoso.com'
sbc = 'sbc2'
media_bypass = {bypass}
[[link]]
id = 'isp'
segment = 'internet'
interface = ['inet']
[[link]]
id = 'lan'
segment = 'your_network'
interface = ['lan']
"
    )
}

/// A call from Teams to the SBC, whose media `media` is; `offer` and `answer` are what the descriptions say beside the rest.
fn call(offer: &str, answer: &str, media: &str) -> String {
    format!(
        "ms > sbc  if=inet
sbc > ms  if=inet
0.000  ms 52.114.75.24:1500 > sbc 198.51.100.4:5061  tls  INVITE sip:+31201234567@sbc1.contoso.com:5061;user=phone  from=<sip:+31301112233@sip.pstnhub.microsoft.com>;tag=m1 {offer}
0.050  sbc > ms  100
0.400  sbc > ms  200 {answer}
0.450  ms > sbc  ACK
{media}
9.000  ms > sbc  BYE
9.050  sbc > ms  200
"
    )
}

/// The rows of the first call, and what rules of paths say.
fn told(ladder: &str, bypass: bool) -> (String, Vec<String>) {
    let made = capture(&parse(ladder).unwrap_or_else(|e| panic!("{e}\n{ladder}"))).unwrap_or_else(|e| panic!("{e}\n{ladder}"));
    let report = analyze_capture(&made, Some(&topology(bypass)));
    let findings = report["findings"].as_array().unwrap().iter().filter(|finding| finding["rule"].as_str().unwrap().starts_with("DR17"));
    let findings = findings.map(|finding| format!("{} {}", &finding["rule"].as_str().unwrap()[..5], finding["message"].as_str().unwrap()));
    (report["calls"][0]["scenario"].as_str().unwrap_or_default().to_owned(), findings.collect())
}

fn is(ladder: &str, bypass: bool, rows: &str) {
    assert_eq!(told(ladder, bypass), (rows.to_owned(), Vec::new()), "{ladder}");
}

fn media(from: &str, to: &str, link: &str) -> String {
    format!(
        "1.000  a {from} > b {to}  srtp PCMU x 100 every 20 ms if={link} ssrc=0x1\n1.005  b > a  srtp PCMU x 100 every 20 ms if={link} ssrc=0x2"
    )
}

#[test]
fn td1_and_td2_go_through_a_processor() {
    let processor = media("198.51.100.5:4000", "52.114.76.30:49200", "inet");
    is(&call("media=52.114.76.30:49200", "media=198.51.100.5:4000", &processor), false, "TD1/TD2");
}

#[test]
fn td3_is_direct_inside() {
    let direct = media("10.0.0.7:50010", "10.1.5.10:4000", "lan");
    is(&call("media=52.114.76.30:50100 candidate=10.0.0.7:50010", "media=10.1.5.10:4000", &direct), true, "TD3");
}

#[test]
fn td4_and_td8_cannot_be_told_apart_at_the_sbc() {
    let relayed = media("198.51.100.5:4000", "52.114.76.30:50100", "inet");
    let offer = "media=52.114.76.30:50100 candidate=192.168.7.7:50010";
    is(&call(offer, "media=198.51.100.5:4000", &relayed), true, "TD4/TD8");
}

#[test]
fn td5_is_direct_over_the_internet() {
    let direct = media("192.0.2.77:50010", "198.51.100.5:4000", "inet");
    is(&call("media=52.114.76.30:50100 candidate=192.0.2.77:50010", "media=198.51.100.5:4000", &direct), true, "TD5");
}

/// The SBC's call comes back from Microsoft to another SBC.
fn hairpin(back: &str, media: &str) -> String {
    format!(
        "0.000  sbc 198.51.100.4:50000 > ms 52.114.75.24:5061  tls  INVITE sip:+31201234567@sip.pstnhub.microsoft.com  call=1 from=<sip:+31301112233@sbc1.contoso.com>;tag=s1 media=198.51.100.5:4000 session-id=a1b2c3d4a1b2c3d4a1b2c3d4a1b2c3d4 if=inet
0.100  ms 52.114.75.24:1500 > {back}  call=2 from=<sip:+31301112233@sip.pstnhub.microsoft.com>;tag=m1 media=198.51.100.5:4000 session-id=a1b2c3d4a1b2c3d4a1b2c3d4a1b2c3d4 if=inet
0.400  far > ms  200 call=2 if=inet media=198.51.100.7:4000
0.500  ms 52.114.75.24:5061 > sbc 198.51.100.4:50000  tls  200 call=1 if=inet media=198.51.100.7:4000
0.550  sbc > ms  ACK call=1 if=inet
0.560  ms 52.114.75.24:1500 > {far}  ACK call=2 if=inet
{media}
9.000  far > ms  BYE call=2 if=inet
9.010  ms > far  200 call=2 if=inet
9.020  ms 52.114.75.24:5061 > sbc 198.51.100.4:50000  tls  BYE call=1 if=inet
9.040  sbc > ms  200 call=1 if=inet
",
        far = back.split("INVITE").next().unwrap().trim_end()
    )
}

#[test]
fn td6_goes_from_sbc_to_sbc() {
    let between = media("198.51.100.5:4000", "198.51.100.7:4000", "lan");
    let (rows, findings) = told(&hairpin("far 198.51.100.6:5061  tls  INVITE sip:+31611111111@sbc2.contoso.com", &between), true);
    assert_eq!(rows, "TD6");
    // Where its media runs is told (DR178), and is no fault.
    assert!(findings.iter().all(|finding| finding.starts_with("DR178")), "{findings:?}");
}

#[test]
fn another_path_than_the_row_has_is_told() {
    let outside = media("10.0.0.7:50010", "10.1.5.10:4000", "inet");
    let (rows, findings) = told(&call("media=52.114.76.30:50100 candidate=10.0.0.7:50010", "media=10.1.5.10:4000", &outside), true);
    assert_eq!(rows, "TD3");
    assert!(findings.iter().any(|finding| finding.starts_with("DR173")), "{findings:?}");
}

#[test]
fn a_carriers_call_has_no_row() {
    let ladder = "0.000  pbx 10.1.5.20:5060 > carrier 192.0.2.10:5060  udp  INVITE if=lan\n0.400  carrier > pbx  200 if=lan\n0.450  pbx > carrier  ACK if=lan\n";
    let made = capture(&parse(ladder).unwrap()).unwrap();
    assert_eq!(analyze_capture(&made, Some(&topology(true)))["calls"][0]["scenario"], Value::Null);
}

/// The rows of media that nobody signalled, with clients of Skype for Business.
fn skype(ladder: &str) -> (String, bool) {
    let express = "[[link]]\nid = 'er'\nsegment = 'expressroute'\ninterface = ['er']\n[[prefix]]\ncidr = '203.0.113.0/24'\nplace = 'third_party'\n[[prefix]]\ncidr = '198.51.100.40/32'\nplace = 'dmz'\nrole = 'edge'\n";
    let topology = format!("express_route = true\n{}{express}", topology(false).replace("schema = 1\n", ""));
    let made = capture(&parse(ladder).unwrap()).unwrap();
    let teams = analyze_capture(&made, Some(&topology));
    assert_eq!(teams["calls"][0]["scenario"], Value::Null, "clients of Teams have no row without an SBC");
    let report = analyze_skype(&made, &topology);
    (report["calls"][0]["scenario"].as_str().unwrap().to_owned(), report["checks"]["DR173-path-mismatch"]["violated"] == 1)
}

#[test]
fn media_of_skype_for_business_is_of_the_rows_of_its_places() {
    // Diagram D1, and ON1, HY1, HY2: direct between two that are inside.
    assert_eq!(skype(&media("10.0.0.7:50010", "10.0.0.8:50012", "lan")), ("ON1/HY1/HY2".to_owned(), false));
    // D2 and D3: the one who is inside, with an edge or conference in the cloud.
    assert_eq!(skype(&media("10.0.0.7:50010", "52.114.76.30:50100", "er")), ("ON2/ON4/ON7".to_owned(), false));
    // D2: the one who is outside.
    assert_eq!(skype(&media("192.0.2.77:50010", "52.114.76.30:50100", "inet")), ("ON2/ON5/ON8".to_owned(), false));
    // D4: from outside to an edge of your own, and from there on into the cloud.
    assert_eq!(skype(&media("192.0.2.77:50010", "198.51.100.40:50100", "inet")), ("HY3/CC2".to_owned(), false));
    assert_eq!(skype(&media("198.51.100.40:50102", "52.114.76.30:50100", "er")), ("HY3".to_owned(), false));
    // D5: to the gateway of Cloud Connector, inside.
    assert_eq!(skype(&media("10.0.0.7:50010", "10.1.5.10:4000", "lan")), ("HY5/CC1".to_owned(), false));
    // A conference that somebody else hosts never takes ExpressRoute (ON6).
    assert_eq!(skype(&media("10.0.0.7:50010", "203.0.113.9:50100", "inet")), ("ON6/HY3".to_owned(), false));
}

/// What is said of the stream of a broadcast that comes over `link`: diagram D6. Its presenter is the inside user of D2.
fn broadcast(link: &str) -> u64 {
    let express = "[[link]]\nid = 'er'\nsegment = 'expressroute'\ninterface = ['er']\n";
    let topology = format!("express_route = true\n{}{express}", topology(false).replace("schema = 1\n", ""));
    let ladder = format!(
        "pc > cdn  if={link}\ncdn > pc  if={link}
0.000  pc 10.1.5.20:40000 > cdn 13.107.9.156:443  tls  hello sni=x.streaming.mediaservices.windows.net
0.020  cdn > pc  tls  chosen\n0.021  cdn > pc  tls  cert cn=x.streaming.mediaservices.windows.net\n"
    );
    let report = analyze_skype(&capture(&parse(&ladder).unwrap()).unwrap(), &topology);
    let check = &report["checks"]["DR172-internet-only-on-er"];
    assert_eq!(check["clean"].as_u64().unwrap() + check["violated"].as_u64().unwrap(), 1);
    check["violated"].as_u64().unwrap()
}

#[test]
fn the_stream_of_a_broadcast_comes_over_the_internet_only() {
    assert_eq!((broadcast("inet"), broadcast("er")), (0, 1));
}
