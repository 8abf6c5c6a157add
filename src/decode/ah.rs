//! The authentication header (RFC 4302): it signs and hides nothing, so what follows is read.

use super::layers::{Layers, cut_header};
use super::{Step, protocol};
use crate::error::Undecoded;
use etherparse::IpAuthHeaderSlice;
use etherparse::err::ip_auth::HeaderSliceError;

/// Steps over the header, in IPv4 and IPv6.
pub fn open<'a>(layers: &mut Layers<'a, '_>) -> Step<'a> {
    let header = IpAuthHeaderSlice::from_slice(layers.rest.bytes()).map_err(refuse)?;
    layers.rest.skip(header.slice().len());
    protocol(header.next_header().0, layers.ends.is_v6())
}

fn refuse(error: HeaderSliceError) -> Undecoded {
    match error {
        HeaderSliceError::Len(_) => cut_header("ah"),
        HeaderSliceError::Content(_) => Undecoded::new("ah", "length is zero"),
    }
}

#[cfg(test)]
mod tests {
    use crate::decode::Decoded;
    use crate::decode::testing::{hex, ipv4, ipv6, read, refusal, transport, udp};
    use crate::ledger::Kind;
    use crate::record::LinkType;

    /// UDP next, length 4 words after the first two, SPI 1, sequence 2, 96 bits of integrity check.
    const HEADER: &str = "1104 0000 00000001 00000002 aaaaaaaabbbbbbbbcccccccc";

    #[test]
    fn what_is_signed_is_read() {
        let mut payload = hex(HEADER);
        payload.extend(udp(b"x"));
        assert_eq!(transport(read(LinkType::IPV4, &ipv4(51, &payload)).0).payload, b"x");
        assert_eq!(transport(read(LinkType::IPV6, &ipv6(51, &payload)).0).payload, b"x");
        payload[0] = 89;
        assert!(matches!(read(LinkType::IPV4, &ipv4(51, &payload)).0, Decoded::Other(Kind::OtherIp)));
    }

    #[test]
    fn damaged_header_says_what_is_wrong() {
        let mut payload = hex(HEADER);
        assert_eq!(refusal(read(LinkType::IPV4, &ipv4(51, &payload[..23])).0), "ah: header is cut");
        payload[1] = 0;
        assert_eq!(refusal(read(LinkType::IPV4, &ipv4(51, &payload)).0), "ah: length is zero");
    }
}
