//! IP in IP: IPv4 (RFC 2003), IPv6 in IPv4 (RFC 4213), and either in IPv6 (RFC 2473).

use super::layers::Layers;
use super::outer::TunnelKind;
use super::{Next, Step};

/// IPv4 inside.
pub fn open_v4<'a>(layers: &mut Layers<'a, '_>) -> Step<'a> {
    layers.tunnel(TunnelKind::Ip, None);
    Ok(Next::Ipv4)
}

/// IPv6 inside.
pub fn open_v6<'a>(layers: &mut Layers<'a, '_>) -> Step<'a> {
    layers.tunnel(TunnelKind::Ip, None);
    Ok(Next::Ipv6)
}

#[cfg(test)]
mod tests {
    use crate::decode::TunnelKind;
    use crate::decode::testing::{ipv4, ipv6, read_all, transport, udp, way};
    use crate::record::LinkType;

    #[test]
    fn any_version_is_read_in_any() {
        let (four, six) = ("192.0.2.1:5060 > 192.0.2.2:5062", "[2001:db8::1]:5060 > [2001:db8::2]:5062");
        let (v4, v6) = (ipv4(17, &udp(b"x")), ipv6(17, &udp(b"x")));
        for (packet, inner) in [(ipv4(4, &v4), four), (ipv4(41, &v6), six), (ipv6(4, &v4), four), (ipv6(41, &v6), six)] {
            let (decoded, outer) = read_all(LinkType::RAW, &packet, 0);
            assert_eq!((way(&transport(decoded)).as_str(), outer.tunnels[0].kind), (inner, TunnelKind::Ip));
        }
    }
}
