//! Entries on RTCP, SRTP, STUN and TURN.

use crate::call::{Proof, Reported};
use crate::flow::{Figures, Relay, StunExchange};
use crate::proto::rtcp::VoipMetrics;
use crate::report::{Decimal, IceEntry, MeanMax, MinMeanMax, RelayEntry, RtcpEntry, SrtpEntry, VoipEntry};

/// Nanoseconds in a millisecond.
const MS: i128 = 1_000_000;

/// The entry of what RTCP says about a stream whose clock has this rate in Hz.
pub fn rtcp(reported: &Reported, clock_rate: Option<u32>) -> RtcpEntry {
    let reception = &reported.reception;
    let any = reception.reports > 0;
    let jitter = clock_rate.map(|rate| scaled(&reception.jitter, 1_000, i128::from(rate))).unwrap_or_default();
    RtcpEntry {
        reports: reception.reports,
        lost: any.then_some(i64::from(reception.lost)),
        fraction_max_percent: any.then(|| percent(reception.fraction_max)),
        jitter_ms: MeanMax { mean: jitter.mean, max: jitter.max },
        rtt_ms: ms(&reception.rtt),
        sent: reported.sent,
        cname: reported.name.clone(),
        unread: reported.unread,
        voip: reception.voip.as_ref().map(voip),
    }
}

/// The entry of what packets say of their key.
pub fn srtp(proof: &Proof) -> SrtpEntry {
    let suite = proof.suite.map(|suite| suite.name().to_owned());
    SrtpEntry { suite, verified: proof.verified, failed: proof.failed, rekeyed: proof.rekeyed }
}

fn voip(metrics: &VoipMetrics) -> VoipEntry {
    let measured = |ms: u16| (ms > 0).then_some(ms);
    let score = |tenths: u8| Decimal::ratio(i128::from(tenths), 10);
    VoipEntry {
        loss_percent: percent(metrics.loss),
        discard_percent: percent(metrics.discard),
        round_trip_ms: measured(metrics.round_trip_ms),
        end_system_ms: measured(metrics.end_system_ms),
        r_factor: metrics.r_factor,
        mos_lq: metrics.mos_lq.map(score),
        mos_cq: metrics.mos_cq.map(score),
    }
}

/// The entry of a relay.
pub fn relay(relay: &Relay) -> RelayEntry {
    RelayEntry { server: relay.server.map(|end| end.to_string()), peer: relay.peer.map(|end| end.to_string()), channel: relay.channel }
}

/// The entry of connectivity checks.
pub fn ice(check: &StunExchange) -> IceEntry {
    let (local, remote) = check.flow.from_to(check.dir);
    IceEntry {
        local: local.to_string(),
        remote: remote.to_string(),
        nominated: check.nominations > 0,
        checks: check.requests,
        successes: check.successes,
        rtt_ms: ms(&check.rtt),
        relay: check.relay.as_ref().map(relay),
    }
}

/// 256ths as percent.
fn percent(part: u8) -> Decimal<2> {
    Decimal::ratio(i128::from(part) * 100, 256)
}

/// Nanoseconds as milliseconds.
pub(super) fn ms(figures: &Figures) -> MinMeanMax {
    scaled(figures, 1, MS)
}

fn scaled(figures: &Figures, times: i128, by: i128) -> MinMeanMax {
    let one = |value: i64| Decimal::ratio(i128::from(value) * times, by);
    MinMeanMax {
        min: figures.min().map(one),
        mean: figures.mean().map(|(sum, n)| Decimal::ratio(i128::from(sum) * times, by * i128::from(n))),
        max: figures.max().map(one),
    }
}
