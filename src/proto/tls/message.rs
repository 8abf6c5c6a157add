//! Handshake messages in the bytes of handshake records, which may be cut anywhere (RFC 8446 section 4).

/// Most octets of a message that is put together: a chain of certificates of a megabyte still is read, what is longer is passed over.
pub const MAX_MESSAGE: usize = 1 << 20;

/// Kinds of handshake messages that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandshakeType {
    /// `client_hello`
    ClientHello,
    /// `server_hello`, and in TLS 1.3 also what asks for another ClientHello.
    ServerHello,
    /// `new_session_ticket`
    NewSessionTicket,
    /// `encrypted_extensions`
    EncryptedExtensions,
    /// `certificate`
    Certificate,
    /// `certificate_request`
    CertificateRequest,
    /// `finished`
    Finished,
    /// `key_update`
    KeyUpdate,
    /// Any other.
    Other(u8),
}

impl HandshakeType {
    fn of(number: u8) -> HandshakeType {
        match number {
            1 => HandshakeType::ClientHello,
            2 => HandshakeType::ServerHello,
            4 => HandshakeType::NewSessionTicket,
            8 => HandshakeType::EncryptedExtensions,
            11 => HandshakeType::Certificate,
            13 => HandshakeType::CertificateRequest,
            20 => HandshakeType::Finished,
            24 => HandshakeType::KeyUpdate,
            other => HandshakeType::Other(other),
        }
    }
}

/// Octets of a message's header.
const HEADER: usize = 4;

/// The handshake messages of one direction, put together from records.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Messages {
    bytes: Vec<u8>,
    /// Octets of a message too long that are still to come.
    skipped: usize,
    /// Messages passed over because they were too long.
    pub too_long: u64,
}

impl Messages {
    /// Takes in the body of a handshake record.
    pub fn push(&mut self, body: &[u8]) {
        let passed = self.skipped.min(body.len());
        self.skipped -= passed;
        self.bytes.extend_from_slice(body.get(passed..).unwrap_or_default());
    }

    /// The next whole message with its body.
    pub fn take(&mut self) -> Option<(HandshakeType, Vec<u8>)> {
        loop {
            let &[kind, l0, l1, l2] = self.bytes.first_chunk::<HEADER>()?;
            let end = HEADER + u32::from_be_bytes([0, l0, l1, l2]) as usize;
            if end > MAX_MESSAGE {
                self.too_long += 1;
                self.skipped = end.saturating_sub(self.bytes.len());
                self.bytes.drain(..end.min(self.bytes.len()));
                continue;
            }
            let body = self.bytes.get(HEADER..end)?.to_vec();
            self.bytes.drain(..end);
            return Some((HandshakeType::of(kind), body));
        }
    }

    /// Memory held, in bytes.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Bytes were lost, or what follows is encrypted: what was begun will not end.
    pub fn lose(&mut self) {
        self.bytes = Vec::new();
        self.skipped = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_put_together_wherever_records_cut_them() {
        let bytes = [20, 0, 0, 2, 7, 8, 11, 0, 0, 0, 14, 0, 0, 1, 5];
        for cut in 0..bytes.len() {
            let mut messages = Messages::default();
            let mut found = Vec::new();
            for part in [&bytes[..cut], &bytes[cut..]] {
                messages.push(part);
                found.extend(std::iter::from_fn(|| messages.take()));
            }
            let wanted =
                [(HandshakeType::Finished, vec![7, 8]), (HandshakeType::Certificate, Vec::new()), (HandshakeType::Other(14), vec![5])];
            assert_eq!(found, wanted, "cut at {cut}");
            assert_eq!(messages.size(), 0);
        }
    }

    #[test]
    fn an_endless_message_is_passed_over_and_holds_nothing() {
        let mut messages = Messages::default();
        messages.push(&[11, 0x7f, 0xff, 0xff]);
        assert_eq!(messages.take(), None);
        for _ in 0..(0x7f_ffff / 16_384) {
            messages.push(&[0; 16_384]);
            assert_eq!((messages.take(), messages.size()), (None, 0));
        }
        messages.push(&vec![0; 0x7f_ffff % 16_384]);
        messages.push(&[20, 0, 0, 0]);
        assert_eq!((messages.take(), messages.too_long), (Some((HandshakeType::Finished, Vec::new())), 1));
    }
}
