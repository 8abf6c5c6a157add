//! Listening quality by the E-model (ITU-T G.107), from what the packets show: loss, how it bunches, and the codec.
//!
//! R = 93.2 − Idd − Ie,eff: G.107 section 7 with the default values of its table 2 (Ro − Is = 93.2, A = 0). Echo is not seen and
//! taken to be controlled. Delay on the way is not measured; what is known of it are the packet's own length and the least buffer
//! that takes up the jitter, and both together pass 100 ms, below which Idd is zero, only where jitter is bad.

use serde::{Deserialize, Serialize};

/// Ro − Is with all default values (G.107 section 7.1, table 2).
const BEST_R: f64 = 93.2;
/// Packets expected below which a figure would say nothing.
const FEWEST: u64 = 20;
/// A de-jitter buffer is at least so long, in ms.
const LEAST_BUFFER: f64 = 40.0;

/// Equipment impairment of a codec (ITU-T G.113 Appendix I).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Codec {
    /// What the values are of.
    pub name: &'static str,
    /// Ie: impairment without loss (table I.1).
    pub ie: f64,
    /// Bpl: robustness against loss (table I.4); `None` where none is published.
    pub bpl: Option<f64>,
}

/// The published values of an encoding as SDP or RFC 3551 names it, any letter case; `None` for one without. Wideband codecs (G722,
/// AMR-WB, SILK, opus) have values on the wideband scale (G.113 Appendix IV) or none, and neither compares with these.
pub fn codec(encoding: &str) -> Option<Codec> {
    const CODECS: [(&str, Codec); 12] = [
        ("PCMU", Codec { name: "G.711 with PLC", ie: 0.0, bpl: Some(25.1) }),
        ("PCMA", Codec { name: "G.711 with PLC", ie: 0.0, bpl: Some(25.1) }),
        ("G729", Codec { name: "G.729A", ie: 11.0, bpl: Some(19.0) }),
        ("G723", Codec { name: "G.723.1 at 6.3 kbit/s", ie: 15.0, bpl: Some(16.1) }),
        ("GSM-EFR", Codec { name: "GSM EFR", ie: 5.0, bpl: Some(10.0) }),
        ("GSM", Codec { name: "GSM FR", ie: 20.0, bpl: None }),
        ("GSM-HR-08", Codec { name: "GSM HR", ie: 23.0, bpl: None }),
        ("G728", Codec { name: "G.728", ie: 7.0, bpl: None }),
        ("G726-40", Codec { name: "G.726 at 40 kbit/s", ie: 2.0, bpl: None }),
        ("G726-32", Codec { name: "G.726 at 32 kbit/s", ie: 7.0, bpl: None }),
        ("G726-24", Codec { name: "G.726 at 24 kbit/s", ie: 25.0, bpl: None }),
        ("G726-16", Codec { name: "G.726 at 16 kbit/s", ie: 50.0, bpl: None }),
    ];
    CODECS.iter().find(|(name, _)| name.eq_ignore_ascii_case(encoding)).map(|(_, codec)| *codec)
}

/// What quality is judged from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Received {
    /// Packets expected.
    pub expected: u64,
    /// Packets received; more than expected where late ones came in.
    pub received: u64,
    /// Runs of lost packets.
    pub bursts: u64,
    /// Largest jitter in ms.
    pub jitter_ms: f64,
    /// Sound in a packet, in ms.
    pub packet_ms: f64,
}

/// A mean opinion score and what it rests on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Mos {
    /// 1.00 to 4.50, in hundredths; without any impairment but the codec 4.41.
    pub hundredths: i64,
    /// BurstR: how much longer runs of losses are than chance would make them, at least 1.
    pub burst_ratio: f64,
    /// Packetisation and buffer, in ms.
    pub delay_ms: f64,
}

/// The score; `None` for few packets, and for loss with a codec whose Bpl is not published.
pub fn mos(codec: &Codec, received: &Received) -> Option<Mos> {
    if received.expected < FEWEST {
        return None;
    }
    let lost = received.expected.saturating_sub(received.received);
    let ratio = lost as f64 / received.expected as f64;
    // Chance alone makes runs of 1 / (1 - loss) (G.107 section 7.5).
    let burst_ratio = if received.bursts == 0 { 1.0 } else { (lost as f64 / received.bursts as f64 * (1.0 - ratio)).max(1.0) };
    let ie_eff = match codec.bpl {
        _ if lost == 0 => codec.ie,
        Some(bpl) => {
            let percent = ratio * 100.0;
            codec.ie + (95.0 - codec.ie) * percent / (percent / burst_ratio + bpl)
        }
        None => return None,
    };
    let delay_ms = received.packet_ms + (2.0 * received.jitter_ms).max(LEAST_BUFFER);
    let score = score(BEST_R - delay_impairment(delay_ms) - ie_eff);
    Some(Mos { hundredths: (score * 100.0).round() as i64, burst_ratio, delay_ms })
}

/// Idd of a delay in ms (G.107 section 7.4, with the default sensitivity).
fn delay_impairment(delay_ms: f64) -> f64 {
    if delay_ms <= 100.0 {
        return 0.0;
    }
    let x = (delay_ms / 100.0).log2();
    let sixth_root = |y: f64| y.sqrt().cbrt();
    25.0 * (sixth_root(1.0 + x.powi(6)) - 3.0 * sixth_root(1.0 + (x / 3.0).powi(6)) + 2.0)
}

/// The score of a rating (G.107 Annex B). Below about 6.5 the polynomial falls under its least value, which stands in for it.
fn score(r: f64) -> f64 {
    if r <= 0.0 {
        return 1.0;
    }
    if r >= 100.0 {
        return 4.5;
    }
    (1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6).max(1.0)
}

/// `G.107: Ie 0, Bpl 25.1 (G.711 with PLC), BurstR 1.3; delay not measured, 60 ms of packet and buffer assumed`.
pub fn basis(codec: &Codec, mos: &Mos) -> String {
    let bpl = codec.bpl.map(|bpl| format!(", Bpl {bpl}")).unwrap_or_default();
    let burst = if mos.burst_ratio > 1.05 { format!(", BurstR {:.1}", mos.burst_ratio) } else { String::new() };
    let delay = mos.delay_ms.round();
    format!("G.107: Ie {}{bpl} ({}){burst}; delay on the way not measured, {delay} ms of packet and buffer assumed", codec.ie, codec.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(encoding: &str, expected: u64, lost: u64, bursts: u64, jitter_ms: f64) -> Option<i64> {
        let received = Received { expected, received: expected - lost, bursts, jitter_ms, packet_ms: 20.0 };
        mos(&codec(encoding).unwrap(), &received).map(|mos| mos.hundredths)
    }

    #[test]
    fn codecs_without_loss_score_what_the_model_says() {
        // R 93.2, 82.2, 78.2: G.107 Annex B.
        assert_eq!(
            [of("PCMA", 1_000, 0, 0, 1.0), of("g729", 1_000, 0, 0, 1.0), of("G723", 1_000, 0, 0, 1.0)],
            [Some(441), Some(410), Some(395)]
        );
        assert_eq!([codec("opus"), codec("G722"), codec("SILK")], [None; 3]);
    }

    #[test]
    fn loss_costs_what_g_113_lets_expect() {
        // Ie,eff of 10 % loss by chance: 95 * 10 / (10 + 25.1) = 27.07 for G.711, 11 + 84 * 10 / (10 + 19) = 39.97 for G.729A.
        assert_eq!([of("PCMU", 1_000, 100, 90, 1.0), of("G729", 1_000, 100, 90, 1.0)], [Some(341), Some(275)]);
        assert!(of("PCMU", 1_000, 20, 2, 1.0) < of("PCMU", 1_000, 20, 20, 1.0), "losses in a row weigh more");
        assert_eq!(of("PCMU", 100, 100, 1, 1.0), Some(118));
    }

    #[test]
    fn no_score_where_nothing_is_published_or_little_was_sent() {
        assert_eq!([of("GSM", 1_000, 0, 0, 1.0), of("GSM", 1_000, 1, 1, 1.0), of("PCMA", 19, 0, 0, 1.0)], [Some(374), None, None]);
    }

    #[test]
    fn buffer_for_bad_jitter_costs() {
        assert!(of("PCMA", 1_000, 0, 0, 90.0) < of("PCMA", 1_000, 0, 0, 40.0));
        assert_eq!(of("PCMA", 1_000, 0, 0, 40.0), Some(441));
        assert_eq!([100.0, 200.0, 400.0].map(|ms| delay_impairment(ms).round()), [0.0, 3.0, 24.0]);
    }

    #[test]
    fn basis_says_what_was_assumed() {
        let received = Received { expected: 1_000, received: 990, bursts: 2, jitter_ms: 3.0, packet_ms: 20.0 };
        let codec = codec("PCMA").unwrap();
        let expected =
            "G.107: Ie 0, Bpl 25.1 (G.711 with PLC), BurstR 5.0; delay on the way not measured, 60 ms of packet and buffer assumed";
        assert_eq!(basis(&codec, &mos(&codec, &received).unwrap()), expected);
    }
}
