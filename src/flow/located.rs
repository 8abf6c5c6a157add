//! Where packets of a stream were lost: what one pass misses is held against what passes before and behind it saw.

use super::{Pass, gaps::Gap};
use crate::time::Span;

/// Where packets that a pass misses went. Passes are told by their place in path order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lost {
    /// The first pass saw them, the second, which comes next of those that were looking, did not.
    Between(usize, usize),
    /// No pass saw them; this one is the first that was looking.
    Before(usize),
    /// A later pass saw them: they went by here and were not captured.
    NotCaptured(usize),
    /// More was lost than gaps are kept, or the passes' numbers cannot be compared.
    Somewhere,
}

/// Places of passes in path order: the first is where the stream was seen first on its way.
pub fn path_order(passes: &[Pass]) -> Vec<usize> {
    let mut left: Vec<(usize, &Pass)> = passes.iter().enumerate().collect();
    let mut order = Vec::with_capacity(left.len());
    while let Some(latest) = left.iter().copied().reduce(|best, next| if next.1.is_after(best.1) { next } else { best }) {
        left.retain(|(i, _)| *i != latest.0);
        order.push(latest.0);
    }
    order.reverse();
    order
}

/// Where each pass of `path`, which is in path order, lost what it misses: how many packets, by where, in order of [`Lost`].
pub fn locate(path: &[&Pass]) -> Vec<Vec<(Lost, u64)>> {
    let watchers: Vec<Watcher<'_>> =
        path.iter().map(|pass| Watcher { pass, shift: path.first().and_then(|first| shift(first, pass)) }).collect();
    (0..watchers.len()).map(|i| losses(&watchers, i)).collect()
}

/// A pass whose numbers can be compared with those of the others.
struct Watcher<'a> {
    pass: &'a Pass,
    /// What makes its extended numbers those of the first pass.
    shift: Option<i64>,
}

/// What a pass says of a number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sight {
    /// It was not looking yet, or no more.
    Away,
    Missed,
    Saw,
}

impl Watcher<'_> {
    /// What it says of the common number `n`, and up to which number, not included, it says the same.
    fn sight(&self, n: i64) -> (Sight, i64) {
        let Some(shift) = self.shift else { return (Sight::Away, i64::MAX) };
        let own = n - shift;
        let (first, last) = (self.pass.first_number() as i64, self.pass.numbers().highest() as i64);
        if own < first {
            return (Sight::Away, first + shift);
        }
        if own > last {
            return (Sight::Away, i64::MAX);
        }
        let gaps = self.pass.gaps();
        let next = gaps.partition_point(|gap| end(gap) <= own);
        match gaps.get(next) {
            Some(gap) if gap.first as i64 <= own => (Sight::Missed, end(gap) + shift),
            Some(gap) => (Sight::Saw, gap.first as i64 + shift),
            None => (Sight::Saw, last + 1 + shift),
        }
    }
}

fn end(gap: &Gap) -> i64 {
    gap.first.saturating_add(gap.count) as i64
}

fn losses(watchers: &[Watcher<'_>], own: usize) -> Vec<(Lost, u64)> {
    let Some(watcher) = watchers.get(own) else { return Vec::new() };
    let mut found: Vec<(Lost, u64)> = Vec::new();
    let mut add = |lost: Lost, count: u64| match found.iter_mut().find(|(known, _)| *known == lost) {
        Some((_, sum)) => *sum += count,
        None => found.push((lost, count)),
    };
    let mut placed = 0;
    for gap in watcher.pass.gaps() {
        placed += gap.count;
        let Some(shift) = watcher.shift else {
            add(Lost::Somewhere, gap.count);
            continue;
        };
        let (mut n, end) = (gap.first as i64 + shift, end(gap) + shift);
        // Each turn goes to where some pass changes its mind, so there are no more turns than gaps have ends.
        while n < end {
            let sights: Vec<(Sight, i64)> = watchers.iter().map(|watcher| watcher.sight(n)).collect();
            let until = sights.iter().map(|(_, until)| *until).min().unwrap_or(end).clamp(n + 1, end);
            add(judge(&sights, own), (until - n) as u64);
            n = until;
        }
    }
    let beyond = watcher.pass.lost().saturating_sub(placed);
    if beyond > 0 {
        add(Lost::Somewhere, beyond);
    }
    found.sort_unstable();
    found
}

/// Where a number was lost that the pass `own` misses.
fn judge(sights: &[(Sight, i64)], own: usize) -> Lost {
    let saw = |(sight, _): &(Sight, i64)| *sight == Sight::Saw;
    if sights.iter().skip(own + 1).any(saw) {
        return Lost::NotCaptured(own);
    }
    let upstream = sights.iter().take(own).rposition(saw);
    let from = upstream.map_or(0, |upstream| upstream + 1);
    let next = sights.iter().skip(from).position(|(sight, _)| *sight == Sight::Missed).map_or(own, |at| from + at);
    upstream.map_or(Lost::Before(next), |upstream| Lost::Between(upstream, next))
}

/// What has to be added to the extended numbers of `b` to make them those of `a`: a multiple of 65 536. It follows from where in the
/// course of `a` the first packet of `b` came; `None` where their clocks cannot be compared, and where the numbers began anew between.
fn shift(a: &Pass, b: &Pass) -> Option<i64> {
    let same_clock = a.first().source == b.first().source;
    let delay = a.delay_to(b).or(same_clock.then_some(Span(0)))?;
    let elapsed = i128::from(((b.first().at - delay) - a.first().at).0);
    let (first, last) = (i128::from(a.first_number()), i128::from(a.numbers().highest()));
    let length = i128::from((a.last().at - a.first().at).0.max(1));
    let restarted = a.numbers().has_restarted() || b.numbers().has_restarted();
    let into = match restarted {
        false => elapsed * (last - first) / length,
        true if elapsed.abs() < i128::from(Span::secs(1).0) => 0,
        true => return None,
    };
    let apart = first + into - i128::from(b.first_number());
    let cycles = (apart + 32_768).div_euclid(65_536);
    i64::try_from(cycles * 65_536).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::support::{Rtp, packet, run};

    /// The losses of each pass in path order, of packets seen at tap 0 (TTL 64), tap 1 (TTL 63), tap 2 (TTL 62) as `sees` says.
    fn located(count: u32, first: u16, sees: impl Fn(u32, u32) -> bool) -> Vec<Vec<(Lost, u64)>> {
        let seen = |n: u32| {
            let rtp = Rtp { at: i64::from(n) * 20_000_000, timestamp: n * 160, ..packet(first.wrapping_add(n as u16)) };
            (0..3u32).map(move |tap| (tap, rtp.clone().seen(tap, 64 - tap as u8, i64::from(tap) * 500)))
        };
        let (media, _) = run((0..count).flat_map(seen).filter_map(|(tap, rtp)| sees(tap, (rtp.timestamp) / 160).then_some(rtp)));
        let stream = media.streams().next().unwrap();
        let path: Vec<&Pass> = path_order(&stream.passes).into_iter().map(|i| &stream.passes[i]).collect();
        locate(&path)
    }

    #[test]
    fn loss_lies_behind_the_last_pass_that_saw_the_packet() {
        let got = located(500, 100, |tap, n| match n {
            50..60 => tap < 1,
            100 => false,
            200..203 => tap < 2,
            300..304 => tap > 0,
            _ => true,
        });
        let (before, between) = ((Lost::Before(0), 1), (Lost::Between(0, 1), 10));
        assert_eq!(got[0], [before, (Lost::NotCaptured(0), 4)]);
        assert_eq!(got[1], [between, before]);
        assert_eq!(got[2], [between, (Lost::Between(1, 2), 3), before]);
    }

    #[test]
    fn numbers_that_wrap_and_taps_that_come_late_are_compared_all_the_same() {
        // Tap 1 comes in after the numbers wrapped for the second time.
        let got = located(150_000, 65_000, |tap, n| match n {
            ..140_000 if tap == 1 => false,
            141_000..141_010 => tap == 0,
            90_000 => tap != 2,
            _ => true,
        });
        assert_eq!(got[0], []);
        assert_eq!(got[1], [(Lost::Between(0, 1), 10)]);
        assert_eq!(got[2], [(Lost::Between(0, 1), 10), (Lost::Between(0, 2), 1)]);
    }

    #[test]
    fn losses_beyond_the_gaps_that_are_kept_are_counted_not_placed() {
        let got = located(2_000, 0, |tap, n| tap != 1 || n % 5 != 3);
        assert_eq!(got[1], [(Lost::NotCaptured(1), 256), (Lost::Somewhere, 144)]);
        assert_eq!(got[2], []);
    }

    #[test]
    fn one_tap_can_only_say_that_it_was_lost_before() {
        let got = located(100, 7, |tap, n| tap == 0 && n != 50);
        assert_eq!(got, [vec![(Lost::Before(0), 1)]]);
    }
}
