//! DNS (RFC 1035), multicast DNS (RFC 6762) and LLMNR (RFC 4795): recognition by port and header, and reading of names and addresses.

mod message;

pub use message::Dns;

/// The port of name servers.
pub const PORT: u16 = 53;

/// Least bytes of a question: root name, type, class.
const LEAST_QUESTION: usize = 5;
/// Least bytes of a resource record: root name, type, class, time to live, length.
const LEAST_RECORD: usize = 11;

/// Whether a UDP payload of a flow with `port` at either end is a DNS message: port 53, 5353 or 5355, an opcode in use and entries
/// that the datagram has room for.
#[inline]
pub fn probe(payload: &[u8], port: u16) -> bool {
    if !matches!(port, 53 | 5353 | 5355) {
        return false;
    }
    let Some((&[_, _, flags, _, q0, q1, a0, a1, n0, n1, x0, x1], rest)) = payload.split_first_chunk::<12>() else { return false };
    let count = |high, low| usize::from(u16::from_be_bytes([high, low]));
    let (questions, records) = (count(q0, q1), count(a0, a1) + count(n0, n1) + count(x0, x1));
    let opcode = flags >> 3 & 0x0f;
    // Errors may come back with a bare header.
    let answered = flags & 0x80 != 0;
    opcode <= 6 && (answered || questions + records > 0) && questions * LEAST_QUESTION + records * LEAST_RECORD <= rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_on_its_port_is_dns() {
        let query = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, b'a', 0, 0, 1, 0, 1];
        assert!(probe(&query, 53) && probe(&query, 5353));
        assert!(!probe(&query, 5060) && !probe(&query[..15], 53) && !probe(&query[..11], 53));
    }

    #[test]
    fn counts_beyond_the_datagram_are_not_dns() {
        assert!(!probe(&[0x80, 0x88, 0x12, 0x34, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 53));
        assert!(!probe(&[0; 40], 53), "a query asks something");
        assert!(probe(&[0, 1, 0x81, 0x82, 0, 0, 0, 0, 0, 0, 0, 0], 53), "a refusal may be a bare header");
    }
}
