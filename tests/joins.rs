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
