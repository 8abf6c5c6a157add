//! LINKTYPE_RAW: an IP packet without a link layer; its version nibble says which.

use super::layers::{Layers, cut_header};
use super::{Next, Step};
use crate::error::Undecoded;

/// Chooses by version.
pub fn open<'a>(layers: &mut Layers<'a, '_>) -> Step<'a> {
    match layers.rest.bytes().first().map(|byte| byte >> 4) {
        Some(4) => Ok(Next::Ipv4),
        Some(6) => Ok(Next::Ipv6),
        Some(_) => Err(Undecoded::new("raw", "version is neither 4 nor 6").into()),
        None => Err(cut_header("raw").into()),
    }
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::{ipv4, ipv6, read, refusal, transport, udp};
    use crate::record::LinkType;

    #[test]
    fn version_decides() {
        for link in [LinkType::RAW, LinkType(12), LinkType(14)] {
            for packet in [ipv4(17, &udp(b"x")), ipv6(17, &udp(b"x"))] {
                assert_eq!(transport(read(link, &packet).0).payload, b"x");
            }
        }
        assert_eq!(refusal(read(LinkType::RAW, &[0x50; 40]).0), "raw: version is neither 4 nor 6");
        assert_eq!(refusal(read(LinkType::RAW, &[]).0), "raw: header is cut");
    }

    #[test]
    fn link_types_of_one_version_hold_to_it() {
        let (v4, v6) = (ipv4(17, &udp(&[b'x'; 20])), ipv6(17, &udp(b"x")));
        assert_eq!(transport(read(LinkType::IPV4, &v4).0).payload, [b'x'; 20]);
        assert_eq!(transport(read(LinkType::IPV6, &v6).0).payload, b"x");
        assert_eq!(refusal(read(LinkType::IPV4, &v6).0), "ipv4: version is not 4");
        assert_eq!(refusal(read(LinkType::IPV6, &v4).0), "ipv6: version is not 6");
    }
}
