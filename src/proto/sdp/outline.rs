//! The outline of a session description: what has to be known while its call goes on, read without a copy of its text. Everything else
//! is read when the call is over, if it is asked for then.

use super::candidate;
use super::read::{MOST_MEDIA, is_savp, rtcp};
use memchr::memchr2;
use smallvec::SmallVec;
use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

/// What a session description announces.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outline {
    /// Endpoints that media lines name for RTP and RTCP, candidates included, each with whether its line is protected.
    pub endpoints: SmallVec<[(SocketAddr, bool); 2]>,
    /// Some line is protected.
    pub secured: bool,
    /// It names a user fragment of ICE.
    pub ice: bool,
    /// A media line has candidates, or a user fragment of ICE applies to it.
    pub ice_media: bool,
    /// It has a line of images: fax.
    pub images: bool,
    /// It has a line of audio that is not declined.
    pub audio: bool,
    /// The address of such a line is that of no host: 0.0.0.0, or ::.
    pub zero: bool,
    /// It says `sendonly` or `recvonly` somewhere.
    pub one_way: bool,
}

/// Reads the outline of what [`super::parse`] reads whole; `None` where that is `None`.
pub fn outline(body: &[u8]) -> Option<Outline> {
    let body = std::str::from_utf8(body).map_or_else(|_| String::from_utf8_lossy(body), Cow::Borrowed);
    let mut reader = Reader::default();
    let mut rest = &*body;
    while !rest.is_empty() {
        let end = memchr2(b'\r', b'\n', rest.as_bytes()).unwrap_or(rest.len());
        reader.line(rest.get(..end).unwrap_or_default());
        rest = rest.get(end + 1..).unwrap_or_default();
        rest = rest.strip_prefix('\n').unwrap_or(rest);
    }
    reader.close();
    reader.outline.ice_media |= reader.outline.ice && reader.n_media > 0;
    let any = reader.any || reader.session.connection.is_some() || reader.n_media > 0;
    any.then_some(reader.outline)
}

/// What the session says for all its media, or a media line for itself.
#[derive(Default)]
struct Section<'a> {
    port: u16,
    audio: bool,
    connection: Option<Option<IpAddr>>,
    rtcp: Option<(Option<IpAddr>, u16)>,
    candidates: SmallVec<[&'a str; 4]>,
    secured: bool,
}

#[derive(Default)]
struct Reader<'a> {
    outline: Outline,
    session: Section<'a>,
    current: Option<Section<'a>>,
    n_media: usize,
    surplus: bool,
    any: bool,
}

impl<'a> Reader<'a> {
    fn line(&mut self, line: &'a str) {
        let &[letter, b'=', ..] = line.as_bytes() else { return };
        let value = || line.get(2..).unwrap_or_default().trim();
        match letter {
            b'v' | b'o' => self.any = true,
            b'm' => self.media(value()),
            b'c' if !self.surplus => self.connection(value()),
            b'a' if !self.surplus => self.attribute(value()),
            _ => {}
        }
    }

    fn media(&mut self, value: &'a str) {
        self.close();
        self.surplus = self.n_media >= MOST_MEDIA;
        if self.surplus {
            return;
        }
        self.n_media += 1;
        let mut words = value.split_ascii_whitespace();
        let kind = words.next().unwrap_or_default();
        self.outline.images |= kind.eq_ignore_ascii_case("image");
        let ports = words.next().unwrap_or_default();
        let port = ports.split_once('/').map_or(ports, |(port, _)| port).parse().unwrap_or(0);
        let audio = port != 0 && kind.eq_ignore_ascii_case("audio");
        self.current = Some(Section { port, audio, secured: words.next().is_some_and(is_savp), ..Section::default() });
    }

    fn section(&mut self) -> &mut Section<'a> {
        self.current.as_mut().unwrap_or(&mut self.session)
    }

    fn connection(&mut self, value: &str) {
        let found = value.split_ascii_whitespace().nth(2).and_then(|word| word.split('/').next());
        if let Some(text) = found.filter(|text| !text.is_empty()) {
            self.section().connection.get_or_insert_with(|| text.parse().ok());
        }
    }

    fn attribute(&mut self, line: &'a str) {
        // What the attributes begin with that are asked for below: most are others.
        let begins = |name: &[u8; 3]| line.as_bytes().first_chunk::<3>().is_some_and(|letters| letters.eq_ignore_ascii_case(name));
        if ![b"ice", b"fin", b"rtc", b"cry", b"can", b"sen", b"rec"].into_iter().any(begins) {
            return;
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let (name, value) = (name.trim(), value.trim());
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        match name.len() {
            8 if is("sendonly") || is("recvonly") => self.outline.one_way = true,
            9 if is("ice-ufrag") => self.outline.ice = true,
            11 if is("fingerprint") => self.section().secured = true,
            _ => {}
        }
        let Some(media) = self.current.as_mut() else { return };
        match name.len() {
            4 if is("rtcp") => media.rtcp = rtcp(value).or(media.rtcp),
            6 if is("crypto") => media.secured = true,
            9 if is("candidate") => media.candidates.push(value),
            _ => {}
        }
    }

    /// Ends the open section: what it does not say itself, the session says for it.
    fn close(&mut self) {
        let Some(media) = self.current.take() else { return };
        let secured = media.secured || self.session.secured;
        let ip = media.connection.or(self.session.connection).flatten();
        self.outline.audio |= media.audio;
        self.outline.zero |= media.audio && ip.is_some_and(|ip| ip.is_unspecified());
        let ip = ip.filter(|ip| !ip.is_unspecified());
        let rtp = ip.filter(|_| media.port != 0).map(|ip| SocketAddr::new(ip, media.port));
        let rtcp = media.rtcp.and_then(|(ip, port)| Some(SocketAddr::new(ip.or(rtp.map(|rtp| rtp.ip()))?, port)));
        let candidates: SmallVec<[_; 1]> = media.candidates.iter().filter_map(|value| candidate::read(value)).collect();
        self.outline.ice_media |= !candidates.is_empty();
        let candidates = candidates.into_iter().filter_map(|candidate| Some(SocketAddr::new(candidate.address?, candidate.port)));
        self.outline.endpoints.extend(rtp.into_iter().chain(rtcp).chain(candidates).map(|end| (end, secured)));
        self.outline.secured |= secured;
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Direction, MediaDescription, parse};
    use super::*;
    use crate::call::media::endpoints;

    const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\na=ice-ufrag:u\r\n\
        m=audio 6000/2 RTP/AVP 0\r\na=rtcp:6001 IN IP4 192.0.2.2\r\na=recvonly\r\na=candidate:1 1 UDP 1 192.0.2.3 6002 typ host\r\n\
        a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:eA==\r\nm=image 7000 udptl t38\r\nc=IN IP6 2001:db8::1/64\r\nm=video 0 RTP/AVP 1\r\n";

    /// What the outline must say of a body.
    fn expected(body: &[u8]) -> Option<Outline> {
        let sdp = parse(body)?;
        let lines = || sdp.media.iter();
        let audio = || lines().filter(|line| line.kind.eq_ignore_ascii_case("audio") && line.port != 0);
        let is_one_way = |line: &MediaDescription| matches!(line.direction, Direction::SendOnly | Direction::RecvOnly);
        assert!(outline(body)?.one_way || !lines().any(is_one_way), "{}", String::from_utf8_lossy(body));
        Some(Outline {
            endpoints: lines().flat_map(|line| endpoints(line).map(|end| (end, line.secured))).collect(),
            secured: lines().any(|line| line.secured),
            ice: outline(body)?.ice,
            ice_media: lines().any(|line| line.ice_ufrag.is_some() || !line.candidates.is_empty()),
            images: lines().any(|line| line.kind.eq_ignore_ascii_case("image")),
            audio: audio().next().is_some(),
            zero: audio().any(|line| line.connection.is_some_and(|ip| ip.is_unspecified())),
            one_way: outline(body)?.one_way,
        })
    }

    #[test]
    fn an_outline_says_what_the_whole_says() {
        let outline = outline(OFFER.as_bytes()).unwrap();
        assert_eq!((outline.endpoints.len(), outline.secured, outline.ice, outline.images), (4, true, true, true));
        assert_eq!((outline.audio, outline.zero, outline.one_way), (true, false, true));
        assert_eq!(Some(outline), expected(OFFER.as_bytes()));
        assert_eq!(super::outline(b"Signal=5\r\n"), None);
    }

    #[test]
    fn it_does_so_for_damaged_bodies() {
        let mut seed = 11u64;
        for _ in 0..20_000 {
            let mut body = OFFER.as_bytes().to_vec();
            crate::proto::sip::mutate(&mut body, &mut seed);
            assert_eq!(outline(&body), expected(&body), "{}", String::from_utf8_lossy(&body));
        }
    }
}
