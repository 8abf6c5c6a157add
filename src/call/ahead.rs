//! What ended lies where nobody looked for long, and calls are made and judged one after the other: each is asked for some calls ahead of
//! its turn, step by step, as each step is found by what the one before it brought.

use super::join::Closed;
use crate::flow::Stream;
use crate::prefetch;

/// Messages of a leg that are asked for.
const MOST_MESSAGES: usize = 16;
/// Lines of the text of each.
const MOST_LINES: usize = 16;
/// Streams of a call that are asked for.
const MOST_STREAMS: usize = 16;

/// How many calls ahead the first step is taken.
pub const STEPS: usize = 4;

/// Asks for the next step of legs and their streams whose turn comes `ahead` calls later, at most [`STEPS`].
pub fn legs(closed: &[Closed], ahead: usize) {
    match ahead {
        4.. => closed.first().into_iter().for_each(|first| prefetch::lines(first, 1)),
        3 => {
            for (leg, own) in closed {
                prefetch::lines(&**leg, usize::MAX);
                own.ask(ahead);
            }
        }
        2 => {
            for (leg, own) in closed {
                leg.messages.iter().take(MOST_MESSAGES).for_each(|message| prefetch::lines(message, usize::MAX));
                prefetch::lines(leg.transactions.as_slice(), MOST_LINES);
                prefetch::lines(leg.described.as_slice(), MOST_LINES);
                own.ask(ahead);
            }
        }
        _ => {
            for (leg, own) in closed {
                leg.messages.iter().take(MOST_MESSAGES).for_each(|message| prefetch::lines(message.message.text.bytes(), MOST_LINES));
                own.ask(ahead);
            }
        }
    }
}

/// The same of streams.
pub fn streams(streams: &[Box<Stream>], ahead: usize) {
    let some = || streams.iter().take(MOST_STREAMS);
    match ahead {
        3.. => prefetch::lines(streams, 1),
        2 => some().for_each(|stream| prefetch::lines(&**stream, usize::MAX)),
        _ => {
            for pass in some().flat_map(|stream| &stream.passes) {
                prefetch::lines(pass.samples().list(), 2);
                pass.remarks().into_iter().for_each(|remarks| prefetch::lines(remarks, usize::MAX));
            }
        }
    }
}
