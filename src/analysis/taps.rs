//! `streams[].taps[]`: what each pass of a stream saw, where it lost what it misses, and how long packets took to it.

use crate::flow::{
    Pass,
    located::{Lost, locate, path_order},
};
use crate::path::Network;
use crate::report::{Decimal, StreamTapEntry};

/// Nanoseconds in a millisecond.
const MS: i128 = 1_000_000;

/// The taps of a stream in order of its passes. `before` and `behind` are the passes of the streams that it continues and that continue
/// it, in path order: what they saw tells where it was lost too.
pub fn entries(passes: &[Pass], before: &[&Pass], behind: &[&Pass], network: &Network<'_>) -> Vec<StreamTapEntry> {
    let order = path_order(passes);
    let own = order.iter().filter_map(|i| passes.get(*i));
    let path: Vec<&Pass> = before.iter().copied().chain(own).chain(behind.iter().copied()).collect();
    let lost = if passes.iter().any(|pass| pass.lost() > 0) { locate(&path) } else { Vec::new() };
    let first = order.first().and_then(|i| passes.get(*i));
    let entry = |(i, pass): (usize, &Pass)| {
        let place = order.iter().position(|at| *at == i).map(|at| before.len() + at);
        let delay = first.filter(|first| first.first().source == pass.first().source).and_then(|first| first.delay_to(pass));
        StreamTapEntry {
            tap: pass.tap().0,
            ttl: pass.ttl(),
            packets: pass.packets(),
            lost: pass.lost() as i64,
            located: place.and_then(|place| lost.get(place)).and_then(|lost| located(lost, &path)),
            tunnels: network.taps.tunnels(pass.first().tunnels).iter().map(ToString::to_string).collect(),
            delay_ms: delay.map(|delay| Decimal::ratio(i128::from(delay.0), MS)),
        }
    };
    passes.iter().enumerate().map(entry).collect()
}

/// `10 between tap 0 and tap 1; 2 before tap 0; 3 not captured at tap 0`; `None` where nothing was lost.
fn located(lost: &[(Lost, u64)], path: &[&Pass]) -> Option<String> {
    let name = |place: usize| named(path, place);
    let part = |(lost, count): &(Lost, u64)| match *lost {
        Lost::Between(a, b) => format!("{count} between {} and {}", name(a), name(b)),
        Lost::Before(first) => format!("{count} before {}", name(first)),
        Lost::NotCaptured(at) => format!("{count} not captured at {}", name(at)),
        Lost::Somewhere => format!("{count} not located"),
    };
    (!lost.is_empty()).then(|| lost.iter().map(part).collect::<Vec<_>>().join("; "))
}

/// `tap 1`, with its time to live where the path crosses that tap more than once.
fn named(path: &[&Pass], place: usize) -> String {
    let Some(pass) = path.get(place) else { return "?".to_owned() };
    let tap = pass.tap();
    match path.iter().filter(|other| other.tap() == tap).count() {
        0 | 1 => format!("tap {}", tap.0),
        _ => format!("tap {} (TTL {})", tap.0, pass.ttl()),
    }
}
