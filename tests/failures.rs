//! Why a call failed: the paragraph that a report has for it.

mod support;

use support::capture::capture;
use support::ladder::parse;
use support::run::analyze_capture;

/// What is said of a call to `uri` that ends with these lines.
fn why(uri: &str, rest: &str) -> Option<String> {
    let ladder = format!("0.000  sbc 198.51.100.4:50000 > ms 52.114.75.24:5061  tls  INVITE {uri}\n0.030  ms > sbc  100\n{rest}");
    let report = analyze_capture(&capture(&parse(&ladder).unwrap_or_else(|e| panic!("{e}\n{ladder}"))).unwrap(), None);
    report["calls"][0]["failure"].as_str().map(str::to_owned)
}

const E164: &str = "sip:+14255550123@sip.pstnhub.microsoft.com:5061;user=phone;transport=tls";

#[test]
fn a_finding_on_the_request_explains_the_refusal() {
    let uri = "sip:4255550123@sip.pstnhub.microsoft.com:5061;user=phone;transport=tls";
    let said = why(uri, "0.080  ms > sbc  404 reason=Q.850;cause=1\n0.100  sbc > ms  ACK\n").unwrap();
    assert!(said.starts_with("52.114.75.24 answers 404 Not Found (Q.850 cause 1, unallocated number"), "{said}");
    assert!(
        said.contains("Explained by DR012-ruri-no-plus: INVITE from 198.51.100.4 calls 4255550123 without '+' in Request-URI."),
        "{said}"
    );
    assert!(said.ends_with("Normalise called numbers to `+` and E.164 on the SBC's route to Teams, or add a translation rule for incoming numbers to the tenant."), "{said}");
}

#[test]
fn what_no_rule_explains_is_said_plainly() {
    let said = why(E164, "0.080  ms > sbc  500 warning=`399 sbc \"no memory\"`\n0.100  sbc > ms  ACK\n").unwrap();
    assert!(
        said.contains("answers 500 ") && said.contains("warning 399 \"no memory\"") && said.contains("Not explained by any rule. "),
        "{said}"
    );
}

#[test]
fn what_the_called_side_wants_is_no_fault() {
    let said = why(E164, "0.300  ms > sbc  180\n4.000  ms > sbc  486\n4.100  sbc > ms  ACK\n").unwrap();
    assert!(said.ends_with("The outcome of the called side, and no fault."), "{said}");
}

#[test]
fn a_call_that_was_answered_or_given_up_did_not_fail() {
    assert_eq!(why(E164, "0.900  ms > sbc  200\n0.950  sbc > ms  ACK\n9.000  sbc > ms  BYE\n9.050  ms > sbc  200\n"), None);
    assert_eq!(
        why(
            E164,
            "0.900  ms > sbc  180\n3.000  sbc > ms  CANCEL\n3.020  ms > sbc  200 for=CANCEL\n3.030  ms > sbc  487 for=INVITE\n3.050  sbc > ms  ACK\n"
        ),
        None
    );
}
