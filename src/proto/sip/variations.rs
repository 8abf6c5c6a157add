//! The 54 variations of one good message that a reader must take, and what no damage may do.

use super::*;

const INVITE: &str = "INVITE sip:bob@biloxi.com SIP/2.0\r\nVia: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bK776asdhds\r\n\
    Max-Forwards: 70\r\nTo: Bob <sip:bob@biloxi.com>;tag=a6c85cf\r\nFrom: Alice <sip:alice@atlanta.com>;tag=1928301774\r\n\
    Call-ID: a84b4c76e66710@pc33.atlanta.com\r\nCSeq: 314159 INVITE\r\nContact: <sip:alice@pc33.atlanta.com>\r\n\
    X-Extra: 1\r\nContent-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n";

/// One feature changed; `expect` are CSeq number and method, From tag.
struct Case {
    name: &'static str,
    text: Vec<u8>,
    cseq: (u32, &'static str),
    from_tag: &'static str,
}

/// `INVITE` with the first `from` replaced.
fn change(name: &'static str, from: &str, to: impl AsRef<[u8]>) -> Case {
    let at = INVITE.find(from).unwrap_or_else(|| panic!("{name}: {from:?} is not in the message"));
    let (head, tail) = (&INVITE.as_bytes()[..at], &INVITE.as_bytes()[at + from.len()..]);
    Case { name, text: [head, to.as_ref(), tail].concat(), cseq: (314159, "INVITE"), from_tag: "1928301774" }
}

fn method(name: &'static str, method: &'static str) -> Case {
    let text = INVITE.replace("INVITE", method).into_bytes();
    Case { text, cseq: (314159, method), ..change(name, "", "") }
}

fn ruri(name: &'static str, uri: &str) -> Case {
    change(name, "sip:bob@biloxi.com", uri)
}

fn from(name: &'static str, value: impl AsRef<[u8]>) -> Case {
    change(name, "Alice <sip:alice@atlanta.com>;tag=1928301774", value)
}

fn via(name: &'static str, value: &str) -> Case {
    change(name, "SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bK776asdhds", value)
}

fn extra(name: &'static str, header: &str) -> Case {
    change(name, "X-Extra: 1", header)
}

fn response(name: &'static str, line: &str) -> Case {
    change(name, "INVITE sip:bob@biloxi.com SIP/2.0", line)
}

fn text(name: &'static str, text: String) -> Case {
    Case { text: text.into_bytes(), ..change(name, "", "") }
}

fn compact() -> String {
    [("Via:", "v:"), ("To:", "t:"), ("From:", "f:"), ("Call-ID:", "i:"), ("Contact:", "m:"), ("Content-Length:", "l:")]
        .iter()
        .fold(INVITE.to_owned(), |text, (long, short)| text.replace(long, short))
}

fn upper_case() -> String {
    let lines = INVITE.split("\r\n").map(|line| match line.split_once(": ") {
        Some((name, value)) => format!("{}: {value}", name.to_uppercase()),
        None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\r\n")
}

fn cases() -> Vec<Case> {
    let tag = |tag: &'static str, case: Case| Case { from_tag: tag, ..case };
    let up_to = |end: &str| INVITE[..INVITE.find(end).unwrap()].to_owned();
    vec![
        change("baseline", "", ""),
        method("extension method FOO", "FOO"),
        method("PRACK/UPDATE/REFER/PUBLISH method", "PUBLISH"),
        text("LF-only line ends", INVITE.replace("\r\n", "\n").replace("Length: 5", "Length: 4")),
        from("folded From header", "Alice\r\n <sip:alice@atlanta.com>\r\n\t;tag=1928301774"),
        extra("folded unknown header", "X-Extra: one\r\n two\r\n\tthree"),
        ruri("IPv6 in R-URI", "sip:bob@[2001:db8::1]:5060"),
        via("IPv6 in Via", "SIP/2.0/UDP [2001:db8::9]:5060;branch=z9hG4bK776asdhds"),
        from("IPv6 in From", "<sip:alice@[2001:db8::1]>;tag=1928301774"),
        ruri("'&' in R-URI param", "sip:bob@biloxi.com;pn-prid=a&b"),
        ruri("':' in R-URI param", "sip:bob@biloxi.com;pn-prid=a:voip"),
        tag("a~b", from("'~' in From tag", "<sip:alice@atlanta.com>;tag=a~b")),
        text("compact names v/f/t/i/m/l", compact()),
        text("upper-case header names", upper_case()),
        text("truncated (no blank line)", up_to("\r\n\r\n")),
        text("truncated mid-header", up_to("ication/sdp")),
        ruri("sips: R-URI", "sips:bob@biloxi.com"),
        ruri("tel: R-URI", "tel:+15551234567"),
        ruri("urn:service:sos R-URI", "urn:service:sos"),
        from("tel: From", "<tel:+15551234567>;tag=1928301774"),
        extra("empty header value", "X-Extra:"),
        text("no space after colon", INVITE.replace(": ", ":")),
        text("space before colon", INVITE.replace(": ", " : ")),
        from("UTF-8 display name", "Zoë Ünal <sip:alice@atlanta.com>;tag=1928301774"),
        from("non-UTF-8 byte in display name", b"\"Zo\xeb\" <sip:alice@atlanta.com>;tag=1928301774"),
        via("two Vias in one header", "SIP/2.0/UDP a;branch=z9hG4bK776asdhds, SIP/2.0/UDP b;branch=z9hG4bKother"),
        from("quoted display name with >, ;tag=x and \\\"", r#""A > B;tag=x \"q\"" <sip:alice@atlanta.com>;tag=1928301774"#),
        from("From addr-spec w/o <>", "sip:alice@atlanta.com;tag=1928301774"),
        from("anonymous From", "\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=1928301774"),
        from("From tag uppercase TAG=", "<sip:alice@atlanta.com>;TAG=1928301774"),
        from("space around = in tag", "<sip:alice@atlanta.com> ; tag = 1928301774"),
        ruri("user with ;npdi;rn=", "sip:+15551234567;npdi;rn=+15550000000@biloxi.com;user=phone"),
        ruri("user *99# escaped %23", "sip:*99%23@biloxi.com"),
        ruri("user with raw #", "sip:*99#@biloxi.com"),
        ruri("R-URI no user", "sip:biloxi.com"),
        ruri("user:password", "sip:bob:secret@biloxi.com"),
        ruri("URI headers ?Replaces=", "sip:bob@biloxi.com?Replaces=a%40b%3Bto-tag%3D1"),
        via("Via transport WSS", "SIP/2.0/WSS pc33.atlanta.com;branch=z9hG4bK776asdhds"),
        via("Via 'SIP / 2.0 / UDP'", "SIP / 2.0 / UDP pc33.atlanta.com ; branch = z9hG4bK776asdhds"),
        via("Via rport=5060;received=", "SIP/2.0/UDP a;rport=5060;received=192.0.2.1;branch=z9hG4bK776asdhds"),
        change("leading CRLF", "INVITE sip", "\r\n\r\nINVITE sip"),
        change("CSeq tabs/spaces", "314159 INVITE", "  314159 \t INVITE  "),
        Case { cseq: (u32::MAX, "INVITE"), ..change("CSeq 4294967295", "314159", "4294967295") },
        change("Content-Length > body", "Content-Length: 5", "Content-Length: 500"),
        extra("line without colon", "this line has no colon"),
        extra("header name with odd char", "X-(odd)@name: 1"),
        response("response 200 OK", "SIP/2.0 200 OK"),
        response("response 299 unknown code", "SIP/2.0 299 Whatever"),
        response("response empty reason 'SIP/2.0 200 '", "SIP/2.0 200 "),
        response("response no reason 'SIP/2.0 200'", "SIP/2.0 200"),
        response("response UTF-8 reason", "SIP/2.0 200 Schön"),
        extra("P-Asserted-Identity two values", "P-Asserted-Identity: \"A\" <sip:a@b>, <tel:+1555>"),
        extra("Reason header", "Reason: Q.850;cause=16;text=\"Terminated\""),
        extra("4 KB header", &format!("X-Extra: {}", "x".repeat(4096))),
    ]
}

#[test]
fn all_54_variations_are_read() {
    let cases = cases();
    assert_eq!(cases.len(), 54);
    for Case { name, text, cseq, from_tag } in cases {
        assert!(probe(&text), "{name}");
        let index = scan(&text, false).unwrap_or_else(|| panic!("{name}: not indexed"));
        let sip = Sip { text: &text, index: &index };
        assert_eq!(sip.call_id(), Some(&b"a84b4c76e66710@pc33.atlanta.com"[..]), "{name}");
        assert_eq!(sip.cseq(), Some((cseq.0, cseq.1.as_bytes())), "{name}");
        assert_eq!(sip.from_tag(), Some(from_tag.as_bytes()), "{name}");
        assert_eq!(sip.to_tag(), Some(&b"a6c85cf"[..]), "{name}");
        assert_eq!(sip.branch(), Some(&b"z9hG4bK776asdhds"[..]), "{name}");
        assert_eq!(sip.method_text(), cseq.1.as_bytes(), "{name}");
        assert_eq!(sip.status().is_some(), !sip.is_request(), "{name}");
        assert_eq!(sip.request_uri().is_some(), sip.is_request(), "{name}");
        assert_eq!(sip.body_cut(), ["Content-Length > body", "truncated (no blank line)"].contains(&name), "{name}");
        assert_eq!(index.junk, u16::from(name == "line without colon"), "{name}");
        assert_eq!(sip.sdp().is_some(), !name.starts_with("truncated"), "{name}");
        let mut scanned = 0;
        let body = text.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        assert_eq!(frame(&text[body..], true, &mut scanned), Framing::Message(text.len() - body), "{name}");
    }
}

/// A few random changes: bytes replaced, doubled, dropped, the end cut. Deterministic by `seed`.
pub(crate) fn mutate(bytes: &mut Vec<u8>, seed: &mut u64) {
    let mut next = |below: usize| {
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        usize::try_from(*seed % below.max(1) as u64).unwrap()
    };
    const HARD: &[u8] = b"\"<>;:@=,\\ \t\r\n[]%?/\0\x80\xc5\xbf\xe2\x84\xaa0/&.-~";
    for _ in 0..=next(6) {
        let at = next(bytes.len());
        match next(5) {
            0 if !bytes.is_empty() => bytes[at] = HARD[next(HARD.len())],
            1 => bytes.insert(at, HARD[next(HARD.len())]),
            2 => bytes.truncate(at),
            3 if !bytes.is_empty() => drop(bytes.drain(at..(at + next(9)).min(bytes.len()))),
            _ => {
                let copy = bytes[at..(at + next(30)).min(bytes.len())].to_vec();
                let to = next(bytes.len());
                bytes.splice(to..to, copy);
            }
        }
    }
}

/// Asks every question of one message.
fn ask(text: &[u8], cut: bool) {
    let Some(index) = scan(text, cut) else { return };
    let sip = Sip { text, index: &index };
    let _ = (sip.method(), sip.status(), sip.reason(), sip.call_id(), sip.cseq(), sip.from_tag(), sip.to_tag());
    let _ = (sip.branch(), sip.via_transport(), sip.content_type(), sip.sdp(), sip.named("X-Extra"), sip.start_line());
    let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    for header in &index.headers {
        let value = lossy(&unfold(header.value.of(text)));
        let _ = (typed::from(&value), typed::to(&value), typed::contact(&value), typed::via(&value));
        let _ = (typed::uri(&value), typed::cseq(&value), sip.values(header.name));
    }
    let _ = sip.request_uri().map(|uri| typed::uri(&lossy(uri)));
}

#[test]
fn no_mutation_of_a_message_panics() {
    let (all, mut seed) = (cases(), 1u64);
    for turn in 0..20_000 {
        let mut text = all[turn % all.len()].text.clone();
        mutate(&mut text, &mut seed);
        ask(&text, turn % 2 == 0);
        let mut scanned = 0;
        match frame(&text, turn % 3 == 0, &mut scanned) {
            Framing::Message(n) | Framing::NotSip(n) | Framing::Keepalive(n) => assert!(n > 0 && n <= text.len()),
            Framing::More => {}
        }
    }
}

#[test]
fn no_mutation_of_a_value_panics_in_rsip() {
    let seeds = [
        "sip:alice:pw@atlanta.com:5060;transport=tcp;user=phone;lr?a=b",
        "\"A\" <sip:alice@atlanta.com>;tag=1;expires=5;q=0.7",
        "SIP/2.0/TLS a.b:5061;branch=z9hG4bK;received=1.2.3.4;ttl=1;maddr=x",
        "1 INVITE",
        "sips:s@i",
    ];
    let mut seed = 99u64;
    for turn in 0..60_000 {
        let mut bytes = seeds[turn % seeds.len()].as_bytes().to_vec();
        mutate(&mut bytes, &mut seed);
        let value = String::from_utf8_lossy(&bytes);
        let _ =
            (typed::from(&value), typed::to(&value), typed::contact(&value), typed::via(&value), typed::uri(&value), typed::cseq(&value));
    }
}

#[test]
fn what_is_read_at_one_go_is_what_framer_and_scanner_say() {
    let (all, mut seed, mut plain) = (cases(), 7u64, 0);
    for turn in 0..20_000 {
        let mut text = [&all[turn % all.len()].text[..], &all[turn / 7 % all.len()].text[..]].concat();
        if turn >= all.len() {
            mutate(&mut text, &mut seed);
        }
        let Some(index) = whole(&text) else { continue };
        plain += 1;
        let mut scanned = 0;
        assert_eq!(frame(&text, turn % 2 == 0, &mut scanned), Framing::Message(index.end()));
        assert_eq!(scan(&text[..index.end()], false), Some(index));
    }
    assert!(plain > 5_000, "{plain}");
}
