//! Messages from the test vectors of RFC 5769, from [MS-TURN], and with attributes that lie.

use super::super::{MICROSOFT, probe};
use super::*;

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).map(|c| (c as char).to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// RFC 5769 section 2.1.
const REQUEST: &str = "000100582112a442b7e7a701bc34d686fa87dfae
    802200105354554e207465737420636c69656e74 002400046e0001ff 80290008932ff9b151263b36
    000600096576746a3a68367659202020 000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2 80280004e57a3bcf";
/// RFC 5769 section 2.2.
const RESPONSE_V4: &str = "0101003c2112a442b7e7a701bc34d686fa87dfae
    8022000b7465737420766563746f7220 002000080001a147e112a643 000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7 80280004c07d4c96";
/// RFC 5769 section 2.3.
const RESPONSE_V6: &str = "010100482112a442b7e7a701bc34d686fa87dfae
    8022000b7465737420766563746f7220 002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9
    00080014a382954e4be67bf11784c97c8292c275bfe3ed41 80280004c8fb0b4c";

#[test]
fn request_of_rfc_5769_is_read() {
    let bytes = bytes(REQUEST);
    let message = Message::read(&bytes).unwrap();
    assert!(probe(&bytes) && message.fingerprint() && !message.use_candidate() && !message.microsoft);
    assert_eq!((message.class, message.method, message.fault()), (Class::Request, method::BINDING, None));
    assert_eq!((message.username().as_deref(), message.software().as_deref()), (Some("evtj:h6vY"), Some("STUN test client")));
    assert_eq!((message.priority(), message.controlling()), (Some(0x6e00_01ff), Some(false)));
}

#[test]
fn responses_of_rfc_5769_give_their_mapped_address() {
    for (hex, mapped) in [(RESPONSE_V4, "192.0.2.1:32853"), (RESPONSE_V6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853")] {
        let bytes = bytes(hex);
        let message = Message::read(&bytes).unwrap();
        assert_eq!((message.class, message.mapped(), message.fault()), (Class::Success, Some(mapped.parse().unwrap()), None));
        assert_eq!(message.software().as_deref(), Some("test vector"));
    }
}

/// A message of type `kind` with these attributes, cookie and id of RFC 5769.
fn message(kind: u16, attributes: &[(u16, &[u8])]) -> Vec<u8> {
    let body: Vec<u8> = attributes
        .iter()
        .flat_map(|(kind, value)| {
            let padding = value.len().next_multiple_of(4) - value.len();
            [&kind.to_be_bytes()[..], &(value.len() as u16).to_be_bytes(), value, &vec![0; padding]].concat()
        })
        .collect();
    [&kind.to_be_bytes()[..], &(body.len() as u16).to_be_bytes(), &bytes("2112a442b7e7a701bc34d686fa87dfae"), &body].concat()
}

#[test]
fn turn_messages_give_peer_channel_data_and_errors() {
    let bind = message(0x0009, &[(attribute::CHANNEL_NUMBER, &[0x40, 0, 0, 0]), (attribute::XOR_PEER_ADDRESS, &bytes("0001a147e112a643"))]);
    let bind = Message::read(&bind).unwrap();
    assert_eq!((bind.class, bind.method, bind.channel()), (Class::Request, method::CHANNEL_BIND, Some(0x4000)));
    assert_eq!(bind.peer(), "192.0.2.1:32853".parse().ok());
    let data = message(0x0017, &[(attribute::DATA, b"rtp")]);
    let data = Message::read(&data).unwrap();
    assert_eq!((data.class, data.method, data.data(), data.peer()), (Class::Indication, method::DATA, Some(&b"rtp"[..]), None));
    let refused = message(0x0113, &[(attribute::ERROR_CODE, b"\0\0\x04\x01Unauthorized"), (attribute::LIFETIME, &[0, 0, 2, 88])]);
    let refused = Message::read(&refused).unwrap();
    assert_eq!((refused.class, refused.method, refused.lifetime()), (Class::Error, method::ALLOCATE, Some(600)));
    assert_eq!(refused.error(), Some((401, "Unauthorized".to_owned())));
}

#[test]
fn microsofts_dialect_has_plain_addresses_and_a_data_message_of_its_own() {
    let of = |kind: u16, more: &str| {
        let body = [&MICROSOFT[..], &bytes(more)].concat();
        [&kind.to_be_bytes()[..], &(body.len() as u16).to_be_bytes(), &[9; 16], &body].concat()
    };
    let data = of(0x0115, "0009000500000401 78 0012000800010fa0c0000201 001300020102");
    let data = Message::read(&data).unwrap();
    assert_eq!((data.class, data.method, data.microsoft), (Class::Indication, method::MICROSOFT_DATA, true));
    assert_eq!((data.fault(), data.error()), (None, Some((401, "x".to_owned()))), "values are not filled up to whole words");
    assert_eq!((data.peer(), data.data()), ("192.0.2.1:4000".parse().ok(), Some(&[1u8, 2][..])));
    let allocated = of(0x0103, "0001000800010fa0c0000201 8020000800010909c9090b0a");
    let allocated = Message::read(&allocated).unwrap();
    assert_eq!((allocated.relayed(), allocated.mapped()), ("192.0.2.1:4000".parse().ok(), "192.0.2.3:0".parse().ok()));
}

#[test]
fn attributes_that_go_on_past_the_end_are_named_and_end_the_reading() {
    let mut lies = message(0x0001, &[(attribute::PRIORITY, &[0, 0, 0, 1]), (attribute::USERNAME, b"abcd")]);
    lies[30..32].copy_from_slice(&[0xff, 0xff]);
    let read = Message::read(&lies).unwrap();
    assert_eq!((read.priority(), read.username(), read.attributes().count()), (Some(1), None, 1));
    assert!(read.fault().is_some());
    let empty = message(0x0001, &[(attribute::USE_CANDIDATE, &[][..]); 200]);
    assert_eq!(Message::read(&empty).unwrap().attributes().count(), 200);
    let short = message(0x0101, &[(attribute::XOR_MAPPED_ADDRESS, &[0, 2, 1, 1, 1, 1, 1, 1]), (attribute::ERROR_CODE, &[0, 0, 4])]);
    let short = Message::read(&short).unwrap();
    assert_eq!((short.mapped(), short.error()), (None, None));
}
