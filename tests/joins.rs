//! Legs on both sides of an SBC are one call where something shows it, and two where nothing does.

mod support;

use serde_json::Value;
use support::capture::capture;
use support::ladder::parse;
use support::run::analyze_capture;

fn analyze(ladder: &str) -> Value {
    analyze_capture(&capture(&parse(ladder).unwrap()).unwrap(), None)
}

/// For each call the Call-IDs of its legs, and what joins the later ones.
fn calls(report: &Value) -> Vec<(usize, Vec<String>)> {
    let calls = report["calls"].as_array().unwrap().iter().filter(|call| call["kind"] == "call");
    calls
        .map(|call| {
            let legs = call["legs"].as_array().unwrap();
            (legs.len(), legs.iter().filter_map(|leg| leg["joined_by"].as_str().map(str::to_owned)).collect())
        })
        .collect()
}

/// A call from a carrier, UDP, to Teams, over TLS that its keys open, with the numbers rewritten.
const THROUGH: &str = "
keys
0.000  sbc 198.51.100.4:50000 > ms 52.114.75.24:5061  tls  hello sni=sip.pstnhub.microsoft.com
0.020  ms > sbc  tls  chosen
0.021  ms > sbc  tls  cert cn=sip.pstnhub.microsoft.com
0.022  ms > sbc  tls  request
0.040  sbc > ms  tls  cert cn=sbc1.contoso.com
0.041  sbc > ms  tls  ccs
0.060  ms > sbc  tls  ccs
1.000  carrier 192.0.2.10:5060 > sbc 198.51.100.4:5060  udp  INVITE sip:0201234567@198.51.100.4  from=<sip:0301112233@192.0.2.10>;tag=c1
1.010  sbc > carrier  100
1.030  sbc > ms  INVITE sip:+31201234567@sip.pstnhub.microsoft.com  call=2 from=<sip:+31301112233@sbc1.contoso.com>;tag=s1
1.060  ms > sbc  100  call=2
1.400  ms > sbc  180  call=2
1.410  sbc > carrier  180
3.000  ms > sbc  200  call=2
3.010  sbc > carrier  200
3.020  carrier > sbc  ACK
3.030  sbc > ms  ACK  call=2
9.000  carrier > sbc  BYE
9.010  sbc > ms  BYE  call=2
9.020  sbc > carrier  200
9.040  ms > sbc  200  call=2
";

#[test]
fn a_call_through_an_sbc_is_one_call_of_two_legs() {
    let report = analyze(THROUGH);
    let said = "the same calling and called numbers, sent by 198.51.100.4 30 ms after it received a leg; likely";
    assert_eq!(calls(&report), [(2, vec![said.to_owned()])]);
    let call = &report["calls"][0];
    let sides: Vec<&str> = call["legs"].as_array().unwrap().iter().map(|leg| leg["side"].as_str().unwrap()).collect();
    assert_eq!((&call["outcome"], sides), (&Value::from("answered"), vec!["unknown", "microsoft"]));
    assert_eq!((&report["totals"]["calls"], &report["totals"]["legs"]), (&Value::from(1), &Value::from(2)));
}

/// Five calls at once between the same two numbers.
fn five(more: impl Fn(usize) -> String) -> String {
    let mut lines = String::new();
    for n in 0..5 {
        let (a, b) = (n + 1, n + 11);
        let said = more(n);
        lines += &format!("{}.00{n}  carrier 192.0.2.10:5060 > sbc 198.51.100.4:5060  udp  INVITE sip:0201234567@x  call={a}{said}\n", 0);
        lines += &format!("{}.05{n}  sbc 198.51.100.4:5061 > ms 52.114.75.24:5061  tcp  INVITE sip:+31201234567@x  call={b}{said}\n", 0);
    }
    let mut sorted: Vec<&str> = lines.lines().collect();
    sorted.sort_by_key(|line| line.get(..5).map(str::to_owned));
    sorted.join("\n")
}

#[test]
fn five_calls_at_once_between_two_numbers_are_never_joined_wrongly() {
    let report = analyze(&five(|_| String::new()));
    assert_eq!(calls(&report), vec![(1, Vec::new()); 10]);
    let notes: Vec<&str> = report["notes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    assert!(notes.iter().any(|note| note.starts_with("5 legs fit several legs")), "{notes:?}");
    let told = analyze(&five(|n| format!(" session-id=a1b2c3d4a1b2c3d4a1b2c3d4a1b2c3d{n}")));
    assert_eq!(calls(&told).iter().map(|(legs, _)| *legs).collect::<Vec<_>>(), [2; 5]);
    for (n, (_, joined)) in calls(&told).iter().enumerate() {
        assert!(joined[0].starts_with("the same Session-ID, sent by 198.51.100.4 50 ms after"), "{n}: {joined:?}");
    }
}

/// A call to Teams that its user hands on by REFER: the SBC calls where it points.
const TRANSFERRED: &str = "
0.000  carrier 192.0.2.10:5060 > sbc 198.51.100.4:5060  udp  INVITE sip:0201234567@198.51.100.4  from=<sip:0301112233@192.0.2.10>;tag=c1
0.030  sbc 198.51.100.4:50000 > ms 52.114.75.24:5061  tls  INVITE sip:+31201234567@sip.pstnhub.microsoft.com  call=2 from=<sip:+31301112233@sbc1.contoso.com>;tag=s1
0.400  ms > sbc  200  call=2
0.410  sbc 198.51.100.4:5060 > carrier 192.0.2.10:5060  udp  200
0.420  carrier > sbc  ACK
0.430  sbc 198.51.100.4:50000 > ms 52.114.75.24:5061  tls  ACK  call=2
30.00  ms > sbc  REFER call=2 refer-to=<sip:sip.pstnhub.microsoft.com:5061;transport=tls;x-m=8:orgid:7;x-t=9> referred-by=<sip:sip.pstnhub.microsoft.com>
30.01  sbc > ms  202  call=2
30.20  sbc > ms  INVITE sip:sip.pstnhub.microsoft.com:5061;transport=tls;x-m=8:orgid:7;x-t=9  call=3 from=<sip:+31301112233@sbc1.contoso.com>;tag=s2
30.50  ms > sbc  200  call=3
30.51  sbc > ms  ACK  call=3
31.00  ms > sbc  BYE  call=2
31.01  sbc > ms  200  call=2
60.00  ms > sbc  BYE  call=3
60.01  sbc > ms  200  call=3
60.02  sbc 198.51.100.4:5060 > carrier 192.0.2.10:5060  udp  BYE
60.03  carrier > sbc  200
";

#[test]
fn a_call_that_is_referred_on_is_one_call() {
    let joined = calls(&analyze(TRANSFERRED));
    let numbers = "the same calling and called numbers, sent by 198.51.100.4 30 ms after it received a leg; likely";
    let referred = "a REFER that 198.51.100.4 received 200 ms before points to where it calls; very likely";
    assert_eq!(joined, [(3, vec![numbers.to_owned(), referred.to_owned()])]);
    // An SBC that altered the target was told to call all the same.
    let altered = TRANSFERRED.replace("x-t=9  call=3", "x-t=8  call=3");
    let likely = "a REFER that 198.51.100.4 received 200 ms before has what its INVITE has, or should have; likely";
    assert_eq!(calls(&analyze(&altered)), [(3, vec![numbers.to_owned(), likely.to_owned()])]);
    let uri = "INVITE sip:sip.pstnhub.microsoft.com:5061;transport=tls;x-m=8:orgid:7;x-t=9";
    let elsewhere = TRANSFERRED.replace(uri, "INVITE sip:+31209999999@sip.pstnhub.microsoft.com");
    assert_eq!(calls(&analyze(&elsewhere)), [(2, vec![numbers.to_owned()]), (1, vec![])]);
    let late =
        TRANSFERRED.replace("30.00  ms > sbc  REFER", "15.00  ms > sbc  REFER").replace("30.01  sbc > ms  202", "15.01  sbc > ms  202");
    assert_eq!(calls(&analyze(&late)).len(), 2, "fifteen seconds later it may be any call");
}

/// A consultation call that takes the place of the first one.
const REPLACED: &str = "
0.000  sbc 198.51.100.4:50000 > ms 52.114.75.24:5061  tls  INVITE sip:+31201234567@sip.pstnhub.microsoft.com  call=1 from=<sip:+31301112233@sbc1.contoso.com>;tag=s1
0.400  ms > sbc  200  call=1
0.430  sbc > ms  ACK  call=1
90.00  ms 52.114.75.24:1500 > sbc 198.51.100.4:5061  tls  INVITE sip:+31201230000@sbc1.contoso.com:5061  call=9 replaces=CALLID;to-tag=a;from-tag=s1
90.10  sbc > ms  200  call=9
90.12  ms > sbc  ACK  call=9
90.20  sbc 198.51.100.4:50000 > ms 52.114.75.24:5061  tls  BYE  call=1
90.25  ms > sbc  200  call=1
99.00  sbc 198.51.100.4:5061 > ms 52.114.75.24:1500  tls  BYE  call=9
99.05  ms > sbc  200  call=9
";

#[test]
fn what_replaces_a_dialog_is_of_its_call() {
    let first = REPLACED.lines().filter(|line| !line.contains("call=9")).collect::<Vec<_>>().join("\n");
    let call_id = analyze(&first)["calls"][0]["legs"][0]["call_id"].as_str().unwrap().to_owned();
    let report = analyze(&REPLACED.replace("CALLID", &call_id));
    assert_eq!(calls(&report), [(2, vec!["Replaces names the dialog of a leg of this call; certain".to_owned()])]);
    assert_eq!(calls(&analyze(REPLACED)).len(), 2, "a dialog that was not seen");
}

/// A call that comes back to the SBC, forwarded to the telephone network.
const FORWARDED: &str = "
0.000  sbc 198.51.100.4:50000 > ms1 52.114.75.24:5061  tls  INVITE sip:+31201234567@sip.pstnhub.microsoft.com  call=1 from=<sip:+31301112233@sbc1.contoso.com>;tag=s1
0.100  ms1 > sbc  100  call=1
1.000  ms2 52.114.7.24:1500 > sbc 198.51.100.4:5061  tls  INVITE sip:+31611111111@sbc1.contoso.com  call=2 from=<sip:+31301112233@sip.pstnhub.microsoft.com>;tag=m1 history-info=<sip:+31201234567@contoso.com>;index=1,<sip:+31611111111@contoso.com>;index=1.1
1.900  sbc > ms2  200  call=2
2.000  ms1 > sbc  200  call=1
2.010  sbc > ms1  ACK  call=1
2.020  ms2 > sbc  ACK  call=2
9.000  sbc > ms1  BYE  call=1
9.010  ms2 > sbc  BYE  call=2
9.100  ms1 > sbc  200  call=1
9.110  sbc > ms2  200  call=2
";

#[test]
fn a_call_that_is_forwarded_back_is_one_call() {
    let said =
        "the same calling number, forwarded from the number that was called, sent by 52.114.7.24 1000 ms after it received a leg; likely";
    assert_eq!(calls(&analyze(FORWARDED)), [(2, vec![said.to_owned()])]);
    let other = FORWARDED.replace("<sip:+31201234567@contoso.com>;index=1,", "<sip:+31209999999@contoso.com>;index=1,");
    assert_eq!(calls(&analyze(&other)).len(), 2);
}
