//! Hashes that are the same in every run and on every machine: one for ids that come from content, a quicker one for choosing shards
//! and telling texts apart. They do not resist somebody who wants collisions: nothing may break when two things share one.

/// The multiplier of FNV-1a in 64 bits.
const PRIME: u64 = 0x0100_0000_01B3;
/// What seven bytes of zero multiply by.
const SEVEN_ZEROS: u64 = PRIME.wrapping_pow(7);

/// FNV-1a over all parts, each closed by its length so that `ab, c` differs from `a, bc`, with a final mix of the bits.
pub fn stable(parts: &[&[u8]]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(PRIME);
    let whole = parts.iter().fold(0xCBF2_9CE4_8422_2325, |hash, part| {
        let (eights, rest) = part.as_chunks::<8>();
        let hash = eights.iter().fold(hash, |hash, eight| eight.iter().fold(hash, step));
        let hash = rest.iter().fold(hash, step);
        match (part.len() as u64).to_le_bytes() {
            // Bytes of zero change nothing before they are multiplied.
            [short, 0, 0, 0, 0, 0, 0, 0] => step(hash, &short).wrapping_mul(SEVEN_ZEROS),
            long => long.iter().fold(hash, step),
        }
    });
    let mixed = (whole ^ (whole >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// A hash of all parts that reads 16 bytes at a time, for what is looked up and never printed: it may change between versions.
pub fn quick(parts: &[&[u8]]) -> u64 {
    const KEYS: [u64; 2] = [0x9E37_79B9_7F4A_7C15, 0xE703_7ED1_A0B4_28DB];
    let fold = |a: u64, b: u64| {
        let wide = u128::from(a) * u128::from(b);
        (wide as u64) ^ (wide >> 64) as u64
    };
    let mut hash = KEYS[0];
    for part in parts {
        let (pairs, rest) = part.as_chunks::<16>();
        // Long ones in two lanes: each waits for its own last product alone.
        let (twos, pairs) = pairs.as_chunks::<2>();
        let mut other = KEYS[1];
        for [one, two] in twos {
            let (one, two) = (u128::from_le_bytes(*one), u128::from_le_bytes(*two));
            hash = fold(one as u64 ^ hash, (one >> 64) as u64 ^ KEYS[1]);
            other = fold(two as u64 ^ other, (two >> 64) as u64 ^ KEYS[0]);
        }
        if !twos.is_empty() {
            hash = fold(hash, other);
        }
        for pair in pairs {
            let pair = u128::from_le_bytes(*pair);
            hash = fold(pair as u64 ^ hash, (pair >> 64) as u64 ^ KEYS[1]);
        }
        let (low, high) = ends(rest);
        hash = fold(low ^ hash, high ^ KEYS[1] ^ part.len() as u64);
    }
    fold(hash, KEYS[0])
}

/// All of fewer than 16 bytes in two words, some of them twice; with their number they tell the bytes.
#[inline(always)]
fn ends(bytes: &[u8]) -> (u64, u64) {
    if let (Some(low), Some(high)) = (bytes.first_chunk(), bytes.last_chunk()) {
        return (u64::from_le_bytes(*low), u64::from_le_bytes(*high));
    }
    if let (Some(low), Some(high)) = (bytes.first_chunk(), bytes.last_chunk()) {
        return (u32::from_le_bytes(*low).into(), u32::from_le_bytes(*high).into());
    }
    (bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)), 0)
}

/// The first `digits` (at most 16) hex digits of [`stable`].
pub fn hex(parts: &[&[u8]], digits: usize) -> String {
    let hash = stable(parts);
    let text: [u8; 16] = std::array::from_fn(|i| digit((hash >> (60 - 4 * i) & 15) as u8));
    text.get(..digits).and_then(|text| str::from_utf8(text).ok()).unwrap_or_default().to_owned()
}

/// The hex digit of a number below 16.
pub fn digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_changes_between_versions() {
        assert_eq!(hex(&[b"call-id", b"1"], 12), hex(&[b"call-id", b"1"], 12));
        assert_eq!(stable(&[]), 17_665_956_581_633_026_203);
        assert_eq!(stable(&[&[7; 255], b"x"]), 1_277_497_368_747_859_669);
        assert_eq!(stable(&[&[7; 256], b"x"]), 15_587_705_193_201_271_878);
        assert_eq!(hex(&[b"a"], 12), format!("{:016x}", stable(&[b"a"]))[..12]);
    }

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(stable(&[b"ab", b"c"]), stable(&[b"a", b"bc"]));
        assert_ne!(quick(&[b"ab", b"c"]), quick(&[b"a", b"bc"]));
    }

    #[test]
    fn every_byte_counts() {
        let text: Vec<u8> = (0..100).collect();
        let mut hashes: Vec<u64> = (0..=100).map(|len| quick(&[&text[..len]])).collect();
        for at in 0..100 {
            let mut changed = text.clone();
            changed[at] ^= 0x80;
            hashes.push(quick(&[&changed]));
        }
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), 201);
    }
}
