//! Addresses as text, as `Display` writes them but several times as fast: reports hold a dozen of them a call.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};

/// `192.0.2.1` or `2001:db8::1`.
pub fn ip(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(v4) => Digits::ip(v4).as_str().to_owned(),
        IpAddr::V6(v6) => v6.to_string(),
    }
}

/// `192.0.2.1:5060` or `[2001:db8::1]:5060`.
pub fn endpoint(end: SocketAddr) -> String {
    match end {
        SocketAddr::V4(v4) => Digits::endpoint(v4).as_str().to_owned(),
        SocketAddr::V6(_) => end.to_string(),
    }
}

/// Text of digits and marks, with room for `255.255.255.255:65535`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Digits {
    bytes: [u8; 21],
    len: u8,
}

impl Digits {
    /// `192.0.2.1`.
    pub fn ip(ip: Ipv4Addr) -> Self {
        let mut text = Self::default();
        for (i, octet) in ip.octets().into_iter().enumerate() {
            if i > 0 {
                text.push(b'.');
            }
            text.number(octet.into());
        }
        text
    }

    /// `192.0.2.1:5060`.
    pub fn endpoint(end: SocketAddrV4) -> Self {
        let mut text = Self::ip(*end.ip());
        text.push(b':');
        text.number(end.port());
        text
    }

    /// The text, which is ASCII.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(usize::from(self.len)) {
            *place = byte;
            self.len += 1;
        }
    }

    fn number(&mut self, number: u16) {
        for unit in [10_000, 1_000, 100, 10] {
            if number >= unit {
                self.push(b'0' + (number / unit % 10) as u8);
            }
        }
        self.push(b'0' + (number % 10) as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_that_of_display() {
        for text in ["0.0.0.0:0", "10.100.9.255:9", "192.0.2.1:65535", "1.2.3.4:10", "[2001:db8::1]:5060", "[::ffff:1.2.3.4]:1"] {
            let end: SocketAddr = text.parse().unwrap();
            assert_eq!((endpoint(end), ip(end.ip())), (end.to_string(), end.ip().to_string()));
        }
    }
}
