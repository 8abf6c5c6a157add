//! The ready-made fixtures of the catalogue: for each, which rules must find something and which must stay silent. A rule that is not
//! built yet is passed over, and asked for as soon as it is.

mod support;

use callpath::rules::RULES;
use std::collections::BTreeSet;
use support::capture::capture;
use support::ladder::{Ladder, What, parse};
use support::message::Writer;
use support::run::analyze_capture;

/// One row of the catalogue's table; rules by short id, `DR0` for every rule whose id begins so.
struct Row {
    name: &'static str,
    ladder: &'static str,
    topology: Option<&'static str>,
    fires: &'static [&'static str],
    silent: &'static [&'static str],
}

/// One SBC with this media bypass.
const WITHOUT_BYPASS: &str = "schema = 1
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
";

const ROWS: &[Row] = &[
    Row {
        name: "OPTIONS with an address in Contact",
        ladder: "
0.000  sbc 203.0.113.9:50000 > ms 52.114.75.24:5061  tls  OPTIONS sip:sip.pstnhub.microsoft.com contact=<sip:203.0.113.9:5061;transport=tls>
0.040  ms > sbc  403",
        topology: None,
        fires: &["DR001", "DR052"],
        silent: &["DR004", "DR012"],
    },
    Row {
        name: "OPTIONS with a name in Contact and an address in Via",
        ladder: "
0.000  sbc 203.0.113.9:50000 > ms 52.114.75.24:5061  tls  OPTIONS sip:sip.pstnhub.microsoft.com contact=<sip:sbc1.adatum.biz:5061;transport=tls> via=\"SIP/2.0/TLS 203.0.113.9:5061;branch=z9hG4bK7;alias\"
0.040  ms > sbc  200",
        topology: None,
        fires: &[],
        silent: &["DR001", "DR011", "DR021"],
    },
    Row {
        name: "INVITE for a number without '+'",
        ladder: "
0.000  sbc 198.51.100.4:50000 > ms 52.114.75.24:5061  tls  INVITE sip:18338006777@sip.pstnhub.microsoft.com;user=phone
0.030  ms > sbc  100
0.080  ms > sbc  404
0.100  sbc > ms  ACK",
        topology: None,
        fires: &["DR012"],
        silent: &["DR016"],
    },
    Row {
        name: "INVITE for a transfer target",
        ladder: "
0.000  sbc 198.51.100.4:50000 > ms 52.114.75.24:5061  tls  INVITE
0.030  ms > sbc  100
0.900  ms > sbc  200
0.950  sbc > ms  ACK
9.000  ms > sbc  REFER refer-to=<sip:sip.pstnhub.microsoft.com:5061;transport=tls;x-m=8:orgid:0c6bb53e-1d2f-4f4a-9d5e-7d2b8a4c1e01;x-t=7d2b8a4c-9d5e-4f4a-8d2f-0c6bb53e1e01>
9.040  sbc > ms  202
9.200  sbc > ms  INVITE sip:sip.pstnhub.microsoft.com:5061;transport=tls;x-m=8:orgid:0c6bb53e-1d2f-4f4a-9d5e-7d2b8a4c1e01;x-t=7d2b8a4c-9d5e-4f4a-8d2f-0c6bb53e1e01 call=2
9.230  ms > sbc  100 call=2
9.900  ms > sbc  200 call=2
9.950  sbc > ms  ACK call=2",
        topology: None,
        fires: &[],
        silent: &["DR011", "DR012", "DR016", "DR020"],
    },
    Row {
        name: "INVITE for a transfer target without x-m",
        ladder: "
0.000  sbc 198.51.100.4:50000 > ms 52.114.75.24:5061  tls  INVITE
0.030  ms > sbc  100
0.900  ms > sbc  200
0.950  sbc > ms  ACK
9.000  ms > sbc  REFER refer-to=<sip:sip.pstnhub.microsoft.com:5061;transport=tls;x-m=8:orgid:0c6bb53e-1d2f-4f4a-9d5e-7d2b8a4c1e01;x-t=7d2b8a4c-9d5e-4f4a-8d2f-0c6bb53e1e01>
9.040  sbc > ms  202
9.200  sbc > ms  INVITE sip:sip.pstnhub.microsoft.com:5061;transport=tls call=2
9.230  ms > sbc  400 call=2
9.250  sbc > ms  ACK call=2",
        topology: None,
        fires: &["DR105"],
        silent: &["DR012"],
    },
    Row {
        name: "a caller who withholds the number",
        ladder: "
0.000  sbc 198.51.100.4:50000 > ms 52.114.75.24:5061  tls  INVITE from=`\"Anonymous\" <sip:anonymous@anonymous.invalid>` p-asserted-identity=<sip:+14255550100@sbc1.contoso.com;user=phone> privacy=id
0.030  ms > sbc  100
0.900  ms > sbc  486
0.950  sbc > ms  ACK",
        topology: None,
        fires: &[],
        silent: &["DR013"],
    },
    Row {
        name: "Microsoft's INVITE for 112",
        ladder: "
0.000  ms 52.114.75.24:1500 > sbc 198.51.100.4:5061  tls  INVITE sip:112@sbc1.contoso.com:5061;user=phone;transport=tls
0.030  sbc > ms  100
0.900  sbc > ms  200
0.950  ms > sbc  ACK",
        topology: None,
        fires: &["DR210"],
        silent: &["DR012"],
    },
    Row {
        name: "a wildcard certificate and a name that it covers",
        ladder: "
keys
0.000  sbc 198.51.100.4:50000 > ms 52.114.75.24:5061  tls  hello sni=sip.pstnhub.microsoft.com
0.020  ms > sbc  tls  chosen
0.021  ms > sbc  tls  cert cn=sip.pstnhub.microsoft.com
0.022  ms > sbc  tls  request
0.040  sbc > ms  tls  cert cn=adatum.biz san=*.adatum.biz
0.041  sbc > ms  tls  ccs
0.060  ms > sbc  tls  ccs
0.100  sbc > ms  OPTIONS sip:sip.pstnhub.microsoft.com contact=<sip:sbc1.adatum.biz:5061;transport=tls>
0.140  ms > sbc  200",
        topology: None,
        fires: &[],
        silent: &["DR032", "DR033"],
    },
    Row {
        name: "a wildcard certificate and a name one label too deep",
        ladder: "
keys
0.000  sbc 198.51.100.4:50000 > ms 52.114.75.24:5061  tls  hello sni=sip.pstnhub.microsoft.com
0.020  ms > sbc  tls  chosen
0.021  ms > sbc  tls  cert cn=sip.pstnhub.microsoft.com
0.022  ms > sbc  tls  request
0.040  sbc > ms  tls  cert cn=adatum.biz san=*.adatum.biz
0.041  sbc > ms  tls  ccs
0.060  ms > sbc  tls  ccs
0.100  sbc > ms  OPTIONS sip:sip.pstnhub.microsoft.com contact=<sip:sbc1.eu.adatum.biz:5061;transport=tls>
0.140  ms > sbc  403",
        topology: None,
        fires: &["DR033"],
        silent: &[],
    },
    Row {
        name: "two Contact values",
        ladder: "
0.000  sbc 198.51.100.4:50000 > ms 52.114.75.24:5061  tls  INVITE contact=<sip:sbc1.adatum.biz>,<sip:10.0.0.1>
0.030  ms > sbc  100
0.900  ms > sbc  486
0.950  sbc > ms  ACK",
        topology: None,
        fires: &["DR006"],
        silent: &["DR001"],
    },
    Row {
        name: "Microsoft's INVITE with Replaces",
        ladder: "
0.000  ms 52.114.75.24:1500 > sbc 198.51.100.4:5061  tls  INVITE call-id=7c1f@sip.pstnhub.microsoft.com
0.900  sbc > ms  200
0.950  ms > sbc  ACK
9.000  ms > sbc  INVITE replaces=7c1f@sip.pstnhub.microsoft.com;to-tag=5a;from-tag=9e require=replaces call=2
9.040  sbc > ms  200 call=2
9.060  ms > sbc  ACK call=2",
        topology: None,
        fires: &[],
        silent: &["DR017", "DR109"],
    },
    Row {
        name: "the SBC's INVITE with Replaces",
        ladder: "
0.000  sbc 198.51.100.4:50000 > ms 52.114.75.24:5061  tls  INVITE replaces=7c1f@sbc1.contoso.com;to-tag=5a;from-tag=9e
0.030  ms > sbc  100
0.900  ms > sbc  400
0.950  sbc > ms  ACK",
        topology: None,
        fires: &["DR017"],
        silent: &["DR109"],
    },
    Row {
        name: "two endpoints ring, and one of them answers",
        ladder: "
0.000  sbc 198.51.100.4:50000 > ms 52.114.75.24:5061  tls  INVITE
0.030  ms > sbc  100
0.300  ms > sbc  180 tag=a
0.400  ms > sbc  180 tag=b
0.500  ms > sbc  183 tag=b
0.900  ms > sbc  200 tag=b
0.950  sbc > ms  ACK
9.000  sbc > ms  BYE
9.040  ms > sbc  200",
        topology: Some(WITHOUT_BYPASS),
        fires: &[],
        silent: &["DR071", "DR072"],
    },
    Row {
        name: "two endpoints send 183 without media bypass",
        ladder: "
0.000  sbc 198.51.100.4:50000 > ms 52.114.75.24:5061  tls  INVITE
0.030  ms > sbc  100
0.300  ms > sbc  183 tag=a media=52.114.80.1:50000
0.400  ms > sbc  183 tag=b media=52.114.80.2:50000
0.900  ms > sbc  200 tag=b media=52.114.80.2:50000
0.950  sbc > ms  ACK",
        topology: Some(WITHOUT_BYPASS),
        fires: &["DR071"],
        silent: &[],
    },
    Row {
        name: "INVITE of 1620 bytes over UDP to the carrier",
        ladder: "
0.000  sbc 198.51.100.4:5060 > carrier 192.0.2.10:5060  udp  INVITE x-fill=FILL
0.030  carrier > sbc  100
0.900  carrier > sbc  486
0.950  sbc > carrier  ACK",
        topology: None,
        fires: &["DR150"],
        silent: &[],
    },
    Row {
        name: "INVITE of 1620 bytes over TLS to Microsoft",
        ladder: "
0.000  sbc 198.51.100.4:50000 > ms 52.114.75.24:5061  tls  INVITE x-fill=FILL
0.030  ms > sbc  100
0.900  ms > sbc  486
0.950  sbc > ms  ACK",
        topology: None,
        fires: &[],
        silent: &["DR150"],
    },
    Row {
        name: "hold with a=sendonly from the SBC",
        ladder: "
0.000  sbc 198.51.100.4:50000 > ms 52.114.75.24:5061  tls  INVITE
0.900  ms > sbc  200
0.950  sbc > ms  ACK
5.000  sbc > ms  INVITE sdp=sendonly
5.040  ms > sbc  200 sdp=recvonly
5.060  sbc > ms  ACK",
        topology: None,
        fires: &["DR080"],
        silent: &[],
    },
    Row {
        name: "Local Media Optimization guesses inside, and corrects it",
        ladder: "
0.000  sbc 198.51.100.4:50000 > ms 52.114.75.24:5061  tls  INVITE media=192.168.3.5:6000 candidate=192.168.3.5:6000 ice=abcd
0.300  ms > sbc  180
0.900  ms > sbc  200 x-ms-userlocation=external
0.950  sbc > ms  ACK
1.200  sbc > ms  INVITE media=198.51.100.5:6000 candidate=198.51.100.5:6000 ice=efgh
1.400  ms > sbc  200 x-ms-userlocation=external
1.420  sbc > ms  ACK
9.000  sbc > ms  BYE
9.040  ms > sbc  200",
        topology: None,
        fires: &[],
        silent: &["DR134", "DR194"],
    },
    Row {
        name: "a carrier's leg that shows Microsoft's host in From",
        ladder: "
0.000  sbc 198.51.100.4:5060 > carrier 192.0.2.10:5060  udp  INVITE from=<sip:+14255550100@sip.pstnhub.microsoft.com>
0.050  carrier > sbc  100
0.400  carrier > sbc  200
0.430  sbc > carrier  ACK
9.000  carrier > sbc  BYE
9.040  sbc > carrier  200",
        topology: None,
        fires: &[],
        silent: &["DR0"],
    },
];

/// Bytes of the INVITE that a row fills up.
const SIZE: usize = 1_620;

/// The rule is there to be asked.
fn is_built(id: &str) -> bool {
    RULES.iter().any(|rule| rule.id.starts_with(id))
}

/// The ladder, with so many bytes in place of `FILL` that its first message has `SIZE`.
fn filled(text: &str) -> Result<Ladder, String> {
    let written = |fill: &str| parse(&text.replace("FILL", fill));
    let bare = written("x")?;
    match &bare.lines[0].what {
        What::Sip(invite) if text.contains("FILL") => {
            let length = Writer::new(&bare).write(0, invite)?.len();
            written(&"x".repeat(SIZE + 1 - length))
        }
        _ => Ok(bare),
    }
}

/// What is wrong with a row.
fn faults(row: &Row) -> Vec<String> {
    let made = filled(row.ladder).and_then(|ladder| capture(&ladder)).unwrap_or_else(|e| panic!("{}: {e}", row.name));
    let report = analyze_capture(&made, row.topology);
    assert!(report["totals"]["calls"].as_u64() > Some(0), "{}: no call was read", row.name);
    let found: BTreeSet<&str> = report["findings"].as_array().unwrap().iter().map(|finding| finding["rule"].as_str().unwrap()).collect();
    let has = |id: &&&str| found.iter().any(|rule| rule.starts_with(**id));
    let dumb = row.fires.iter().filter(|id| is_built(id) && !has(id)).map(|id| format!("{id} does not fire"));
    let loud = row.silent.iter().filter(has).map(|id| format!("{id} fires"));
    dumb.chain(loud).map(|fault| format!("{}: {fault}; found: {found:?}", row.name)).collect()
}

#[test]
fn the_ready_made_fixtures_say_what_they_must() {
    let faults: Vec<String> = ROWS.iter().flat_map(faults).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_row_is_filled_up_to_its_size() {
    for row in ROWS.iter().filter(|row| row.ladder.contains("FILL")) {
        let ladder = filled(row.ladder).unwrap();
        let What::Sip(invite) = &ladder.lines[0].what else { panic!("{}", row.name) };
        assert_eq!(Writer::new(&ladder).write(0, invite).unwrap().len(), SIZE, "{}", row.name);
    }
}

#[test]
fn each_rule_of_a_row_is_of_the_catalogue() {
    // A rule that is never built would never be asked for.
    let ids = ROWS.iter().flat_map(|row| row.fires.iter().chain(row.silent));
    let later = ["DR105", "DR109", "DR134"];
    let unknown: Vec<&&str> = ids.filter(|id| !is_built(id) && !later.contains(id)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}
