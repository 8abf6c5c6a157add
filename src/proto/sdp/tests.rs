//! Facts about session descriptions, whole and damaged.

use super::*;

const BYPASS: &str = "v=0\r\no=- 1001 7 IN IP4 203.0.113.9\r\ns=SBC\r\nc=IN IP4 203.0.113.9\r\nt=0 0\r\na=ice-lite\r\n\
    m=audio 6000/2 RTP/SAVP 0 8 101\r\nb=AS:80\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000/1\r\n\
    a=fmtp:101 0-16\r\na=rtcp:6001 IN IP4 203.0.113.10\r\na=ptime:20\r\na=sendonly\r\na=ice-ufrag:uf\r\na=ice-pwd:pass\r\n\
    a=candidate:1 1 UDP 2130706431 203.0.113.9 6000 typ host\r\n\
    a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0|2^31\r\n\
    m=image 0 udptl t38\r\nc=IN IP6 2001:db8::1\r\n";

#[test]
fn the_facts_of_a_bypass_offer_are_read() {
    let sdp = parse(BYPASS.as_bytes()).unwrap();
    let audio = sdp.audio().unwrap();
    assert_eq!((sdp.refused.as_deref(), sdp.session_name.as_deref(), sdp.ice_lite), (None, Some("SBC"), true));
    assert_eq!(sdp.origin.as_ref().map(|origin| (origin.session_id.as_str(), origin.version)), Some(("1001", Some(7))));
    assert_eq!((audio.port, audio.port_count, audio.proto.as_str(), audio.ptime), (6000, 2, "RTP/SAVP", Some(20)));
    assert_eq!((audio.connection, audio.connection_text.as_str()), (Some([203, 0, 113, 9].into()), "203.0.113.9"));
    assert_eq!((audio.direction, audio.rtcp_port(), audio.secured), (Direction::SendOnly, 6001, true));
    assert_eq!(audio.payload_types().collect::<Vec<_>>(), [0, 8, 101]);
    assert_eq!((audio.codec(8), audio.codec(101)), (Some(("PCMA", 8000)), Some(("telephone-event", 8000))));
    assert_eq!((audio.candidates.len(), audio.bandwidth.as_slice()), (1, &[("AS".to_owned(), 80)][..]));
    assert_eq!(sdp.media[1].connection, Some("2001:db8::1".parse().unwrap()));
    assert_eq!(sdp.faults, Faults::default());
}

#[test]
fn no_secret_is_kept() {
    let text = format!("{:?}", parse(BYPASS.as_bytes()));
    assert!(!text.contains("c2Vj") && !text.contains("\"pass\""), "{text}");
}

#[test]
fn a_body_that_the_strict_parser_refuses_still_gives_its_media() {
    let sdp = parse(b"v=0\no=x\ns=-\nc=IN IP4 10.0.0.1\nm=audio 4000 RTP/AVP\nrubbish\nm=video 70000 RTP/AVP 31\n").unwrap();
    assert!(sdp.refused.is_some());
    let media: Vec<_> = sdp.media.iter().map(|media| (media.kind.as_str(), media.port, media.connection)).collect();
    let address = Some([10, 0, 0, 1].into());
    assert_eq!(media, [("audio", 4000, address), ("video", 0, address)]);
    assert_eq!((sdp.faults.malformed, sdp.faults.no_time), (3, true));
}

#[test]
fn a_declined_or_held_stream_is_told() {
    let sdp = parse(b"v=0\r\na=inactive\r\nm=audio 0 RTP/AVP 0\r\nm=audio 4 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\na=sendrecv").unwrap();
    let told: Vec<_> = sdp.media.iter().map(|media| (media.port, media.direction, media.connection_text.as_str())).collect();
    assert_eq!(told, [(0, Direction::Inactive, ""), (4, Direction::SendRecv, "0.0.0.0")]);
}

#[test]
fn session_level_ice_and_fingerprint_apply_to_every_medium() {
    let sdp = parse(b"v=0\na=ice-ufrag:a\na=fingerprint:sha-256 00\na=rtpmap:0 PCMU/8000\nm=audio 9 UDP/TLS/RTP/SAVPF 0\na=ice-ufrag:b\nm=audio 9 RTP/AVP 0\n").unwrap();
    let told: Vec<_> = sdp.media.iter().map(|media| (media.ice_ufrag.as_deref(), media.secured)).collect();
    assert_eq!(told, [(Some("b"), true), (Some("a"), true)]);
    assert_eq!(sdp.faults.misplaced, 1);
}

#[test]
fn a_multicast_ttl_is_no_part_of_the_address() {
    let sdp = parse(b"v=0\nc=IN IP4 224.2.36.42/127/3\nm=audio 4 RTP/AVP 0\nc=IN IP4 media.example.com\n").unwrap();
    assert_eq!(sdp.connection, Some([224, 2, 36, 42].into()));
    assert_eq!((sdp.media[0].connection, sdp.media[0].connection_text.as_str()), (None, "media.example.com"));
}

#[test]
fn other_text_is_no_session_description() {
    assert_eq!(parse(b""), None);
    assert_eq!(parse(b"Signal=5\r\nDuration=160\r\n"), None);
    assert_eq!(parse(b"<xml/>"), None);
}

#[test]
fn the_number_of_media_is_bounded() {
    let body = format!("v=0\n{}", "m=audio 4 RTP/AVP 0\na=x\n".repeat(1000));
    let sdp = parse(body.as_bytes()).unwrap();
    assert_eq!((sdp.media.len(), sdp.faults.malformed, sdp.refused.is_some()), (256, 744, true));
}

#[test]
fn no_mutation_of_a_body_panics() {
    let mut seed = 7u64;
    for _ in 0..20_000 {
        let mut body = BYPASS.as_bytes().to_vec();
        crate::proto::sip::mutate(&mut body, &mut seed);
        if let Some(sdp) = parse(&body) {
            assert!(sdp.media.len() <= 256);
        }
    }
}
