//! Session descriptions of a ladder's messages, and the codecs that they and RTP lines name.

use std::net::SocketAddr;

/// What an encoding name means on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Codec {
    /// Payload type: static, or the one our descriptions bind.
    pub payload_type: u8,
    /// `name/clock` of `a=rtpmap`.
    pub map: &'static str,
    /// RTP timestamp units per millisecond.
    pub clock_khz: u32,
    /// Payload bytes per millisecond, times 10.
    pub tenth_bytes: usize,
}

/// The codec of an encoding name, any letter case.
pub fn codec(name: &str) -> Result<Codec, String> {
    let (payload_type, map, clock_khz, tenth_bytes) = match name.to_ascii_uppercase().as_str() {
        "PCMU" => (0, "PCMU/8000", 8, 80),
        "PCMA" => (8, "PCMA/8000", 8, 80),
        "G722" => (9, "G722/8000", 8, 80),
        "G729" => (18, "G729/8000", 8, 10),
        "SILK" => (104, "SILK/16000", 16, 25),
        "OPUS" => (111, "opus/48000/2", 48, 40),
        _ => return Err(format!("'{name}' is no codec of the ladders: PCMU, PCMA, G722, G729, SILK or opus")),
    };
    Ok(Codec { payload_type, map, clock_khz, tenth_bytes })
}

/// One audio description (RFC 8866) without its `o=` version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// `sess-id` of `o=`.
    pub session: u64,
    /// Where media is wanted.
    pub media: SocketAddr,
    /// Its first codec; PCMA is offered as a second one.
    pub codec: Codec,
    /// An answer names one codec only.
    pub answer: bool,
    /// SRTP with a key (RFC 4568).
    pub secured: bool,
    /// `sendrecv`, `sendonly`, `recvonly`, `inactive`.
    pub direction: String,
    /// ICE candidates (RFC 8445): type and address.
    pub candidates: Vec<(&'static str, SocketAddr)>,
    /// User fragment of ICE.
    pub ice: Option<String>,
}

impl Description {
    /// The text, with `version` in its `o=`.
    pub fn text(&self, version: u32) -> String {
        let at = format!("IN {} {}", if self.media.is_ipv4() { "IP4" } else { "IP6" }, self.media.ip());
        let mut codecs = vec![self.codec];
        if !self.answer && self.codec.payload_type != 8 {
            codecs.extend(codec("PCMA"));
        }
        let types: String = codecs.iter().map(|c| format!(" {}", c.payload_type)).collect();
        let profile = if self.secured { "RTP/SAVP" } else { "RTP/AVP" };
        let mut lines = vec![
            "v=0".to_owned(),
            format!("o=- {} {version} {at}", self.session),
            "s=-".to_owned(),
            format!("c={at}"),
            "t=0 0".to_owned(),
            format!("m=audio {} {profile}{types} 101", self.media.port()),
        ];
        lines.extend(codecs.iter().map(|c| format!("a=rtpmap:{} {}", c.payload_type, c.map)));
        lines.extend(["a=rtpmap:101 telephone-event/8000".to_owned(), "a=fmtp:101 0-16".to_owned(), "a=ptime:20".to_owned()]);
        lines.push(format!("a={}", self.direction));
        if self.secured {
            // A key that guards nothing: 30 octets of zero.
            lines.push(format!("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{}", "A".repeat(40)));
        }
        if let Some(fragment) = &self.ice {
            lines.extend([format!("a=ice-ufrag:{fragment}"), format!("a=ice-pwd:{fragment:0<22}")]);
        }
        for (n, (kind, at)) in (1..).zip(&self.candidates) {
            lines.push(format!("a=candidate:{n} 1 UDP {} {} {} typ {kind}", 2_130_706_432_u32 - n, at.ip(), at.port()));
        }
        lines.join("\r\n") + "\r\n"
    }
}

#[test]
fn an_offer_names_two_codecs_and_an_answer_one() {
    let mut description = Description {
        session: 7,
        media: "198.51.100.5:4000".parse().unwrap(),
        codec: codec("pcmu").unwrap(),
        answer: false,
        secured: true,
        direction: "sendrecv".to_owned(),
        candidates: Vec::new(),
        ice: None,
    };
    assert!(description.text(1).contains("\r\nm=audio 4000 RTP/SAVP 0 8 101\r\n"));
    description.answer = true;
    description.secured = false;
    assert!(description.text(1).contains("\r\nm=audio 4000 RTP/AVP 0 101\r\n"));
    assert!(codec("sbc").is_err());
}
