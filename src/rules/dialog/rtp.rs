//! What streams show of a moment in a call: packets after it, and packets while it lasts.

use crate::call::{BoundStream, Call};
use crate::flow::Pass;
use crate::record::SourceId;
use crate::time::Timestamp;
use std::net::SocketAddr;

/// Streams of the call to `end`.
pub(super) fn to(call: &Call, end: SocketAddr) -> impl Iterator<Item = &BoundStream> {
    call.streams.iter().filter(move |bound| bound.stream.flow.from_to(bound.stream.dir).1 == end)
}

/// Streams of the call from `end`.
pub(super) fn from(call: &Call, end: SocketAddr) -> impl Iterator<Item = &BoundStream> {
    call.streams.iter().filter(move |bound| bound.stream.flow.from_to(bound.stream.dir).0 == end)
}

/// Packets that were sent after `at`, a time of `source`: counted by sequence number, evenly between two samples. Nothing where that
/// source saw none of the stream: clocks of two sources do not compare.
pub(super) fn packets_after(bound: &BoundStream, at: Timestamp, source: SourceId) -> Option<u64> {
    bound.stream.passes.iter().filter(|pass| pass.first().source == source).map(|pass| after(pass, at)).max()
}

fn after(pass: &Pass, at: Timestamp) -> u64 {
    let last = pass.last();
    if last.at <= at {
        return 0;
    }
    if pass.first().at > at {
        return pass.packets();
    }
    // The last packet ends the list of samples.
    let end = (last.at, pass.numbers().highest() as u16);
    let points = pass.samples().list().iter().map(|sample| (sample.at, sample.sequence)).chain([end]);
    let (mut known, mut sum) = (None, 0);
    for (when, sequence) in points {
        let Some((before, first)) = known.replace((when, sequence)) else { continue };
        // What came out of order counts back.
        let steps = u64::from(sequence.wrapping_sub(first)).min(1 << 15);
        sum += match () {
            () if when <= at || when <= before => 0,
            () if before >= at => steps,
            () => (i128::from(steps) * i128::from((when - at).0) / i128::from((when - before).0)) as u64,
        };
    }
    sum
}

/// A packet of the stream may have been seen between these times of `source`.
pub(super) fn flows_within(bound: &BoundStream, from: Timestamp, until: Timestamp, source: SourceId) -> bool {
    bound.stream.passes.iter().any(|pass| pass.first().source == source && pass.first().at <= until && pass.last().at >= from)
}
