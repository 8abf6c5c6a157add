//! One hash that is the same in every run and on every machine, for ids that come from content and for choosing shards.
//! It does not resist somebody who wants collisions: nothing may break when two things share one.

/// FNV-1a over all parts, each closed by its length so that `ab, c` differs from `a, bc`, with a final mix of the bits.
pub fn stable(parts: &[&[u8]]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
    let whole = parts.iter().fold(0xCBF2_9CE4_8422_2325, |hash, part| {
        let hash = part.iter().fold(hash, step);
        (part.len() as u64).to_le_bytes().iter().fold(hash, step)
    });
    let mixed = (whole ^ (whole >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// The first `digits` (at most 16) hex digits of [`stable`].
pub fn hex(parts: &[&[u8]], digits: usize) -> String {
    let mut text = format!("{:016x}", stable(parts));
    text.truncate(digits);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_changes_between_versions() {
        assert_eq!(hex(&[b"call-id", b"1"], 12), hex(&[b"call-id", b"1"], 12));
        assert_eq!(stable(&[]), 17_665_956_581_633_026_203);
        assert_eq!(hex(&[b"a"], 12).len(), 12);
    }

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(stable(&[b"ab", b"c"]), stable(&[b"a", b"bc"]));
    }
}
