//! Writes what one Direct Routing trunk pair carries: SIP in clear text over TCP 5061 between SBCs and Microsoft, one dialog of twenty
//! in breach of a rule.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::io;

use super::teams::{Dialog, N_CONNECTIONS, connection};
use super::wire::{Capture, Connection, EPOCH};

/// What was written.
#[derive(Default)]
pub struct Written {
    /// SIP messages by method of requests and by status of responses.
    pub messages: BTreeMap<String, u64>,
    /// Dialogs begun in breach of a rule.
    pub broken: u64,
}

/// Writes so many new dialogs per second until the capture has `bytes`, whatever is going on then.
pub fn write(capture: &mut Capture<'_>, bytes: u64, per_second: u64) -> io::Result<Written> {
    let mut truth = Written::default();
    let mut connections: Vec<Connection> = (0..N_CONNECTIONS)
        .map(|number| {
            let (opener, other) = connection(number);
            Connection::new(opener, other, number.wrapping_mul(0x9e37_79b9))
        })
        .collect();
    for (i, connection) in connections.iter_mut().enumerate() {
        connection.open(capture, EPOCH + 10_000 * i as u64)?;
    }
    let begin = EPOCH + 2_000_000;
    let mut queue = BinaryHeap::from([Reverse((begin, 0, Dialog::new(0), 0))]);
    let mut begun = 0;
    while let Some(Reverse((at, order, dialog, step))) = queue.pop() {
        if capture.bytes >= bytes {
            break;
        }
        let script = dialog.script();
        let now = &script[step];
        if step == 0 {
            begun += 1;
            let next = begin + begun * 1_000_000 / per_second.max(1);
            queue.push(Reverse((next, begun, Dialog::new(begun as u32), 0)));
            truth.broken += u64::from(dialog.fault().is_some());
        }
        let key = if now.is_request() { now.method } else { &now.status[..3] };
        *truth.messages.entry(key.to_owned()).or_default() += 1;
        let from = if now.opener { 0 } else { 1 };
        connections[dialog.connection() as usize].say(capture, at, from, dialog.text(now).as_bytes())?;
        if let Some(next) = script.get(step + 1) {
            queue.push(Reverse((at + next.after, order, dialog, step + 1)));
        }
    }
    Ok(truth)
}
