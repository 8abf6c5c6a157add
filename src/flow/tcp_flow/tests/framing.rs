//! Content-Length that does not tell where a message ends.

use super::*;
use crate::flow::FramingFault;

/// What is wrong with the messages in these segments, each of which follows the one before.
fn faults(segments: &[&[u8]]) -> Vec<(u64, FramingFault)> {
    let mut run = Run::default();
    run.give(&syn(ISN));
    let mut offset = 0;
    for bytes in segments {
        run.give(&segment(offset, bytes));
        offset += bytes.len();
    }
    let flow = run.flow.unwrap();
    flow.connection.half(Dir::Up).misframed.iter().map(|misframed| (misframed.seen.id.number, misframed.fault)).collect()
}

const SHORT: &[u8] = b"INVITE sip:a@b SIP/2.0\r\nCall-ID: 1\r\nContent-Length: 5\r\n\r\nv=0\r\ns=-\r\n";
const LONG: &[u8] = b"INVITE sip:a@b SIP/2.0\r\nCall-ID: 1\r\nContent-Length: 14\r\n\r\n0123456789";
const NONE: &[u8] = b"OPTIONS sip:a@b SIP/2.0\r\nCall-ID: 1\r\n\r\n";
const BODY: &[u8] = b"INVITE sip:a@b SIP/2.0\r\nCall-ID: 1\r\nContent-Type: a/b\r\n\r\n0123456789\r\n";

#[test]
fn right_lengths_and_keepalives_are_no_fault() {
    assert_eq!(faults(&[INVITE, BYE, b"\r\n\r\n", INVITE]), []);
    assert_eq!(faults(&[NONE]), []);
}

#[test]
fn wrong_lengths_show_where_no_message_begins() {
    assert_eq!(faults(&[SHORT, BYE]), [(2, FramingFault::Wrong(5))]);
    // It swallows the beginning of the next.
    assert_eq!(faults(&[LONG, BYE, BYE]), [(3, FramingFault::Wrong(14))]);
}

#[test]
fn none_is_a_fault_once_something_follows() {
    assert_eq!(faults(&[NONE, BYE]), [(2, FramingFault::Missing)]);
    assert_eq!(faults(&[NONE, b"\r\n\r\n", BYE]), [(2, FramingFault::Missing)]);
    assert_eq!(faults(&[BODY, BYE]).first().map(|(_, fault)| *fault), Some(FramingFault::Missing));
}

#[test]
fn behind_a_gap_nothing_is_said() {
    let mut run = Run::default();
    run.give(&syn(ISN));
    run.give(&segment(0, INVITE));
    run.give(&segment(INVITE.len() + 9, b"junk\r\njunk\r\n").at(10_000));
    run.give(&segment(INVITE.len() + 30, BYE).at(60_000));
    assert_eq!(run.flow.unwrap().connection.half(Dir::Up).misframed, []);
}
