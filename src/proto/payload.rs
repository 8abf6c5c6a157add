//! The static RTP payload types (RFC 3551 section 6, tables 4 and 5).

/// The encoding name and clock rate in Hz of a static payload type; `None` for one that is dynamic, reserved or unassigned.
/// G722 has 8000 although it samples at 16 000 Hz (section 4.5.2).
pub fn static_payload(pt: u8) -> Option<(&'static str, u32)> {
    Some(match pt {
        0 => ("PCMU", 8_000),
        3 => ("GSM", 8_000),
        4 => ("G723", 8_000),
        5 => ("DVI4", 8_000),
        6 => ("DVI4", 16_000),
        7 => ("LPC", 8_000),
        8 => ("PCMA", 8_000),
        9 => ("G722", 8_000),
        10 | 11 => ("L16", 44_100),
        12 => ("QCELP", 8_000),
        13 => ("CN", 8_000),
        14 => ("MPA", 90_000),
        15 => ("G728", 8_000),
        16 => ("DVI4", 11_025),
        17 => ("DVI4", 22_050),
        18 => ("G729", 8_000),
        25 => ("CelB", 90_000),
        26 => ("JPEG", 90_000),
        28 => ("nv", 90_000),
        31 => ("H261", 90_000),
        32 => ("MPV", 90_000),
        33 => ("MP2T", 90_000),
        34 => ("H263", 90_000),
        _ => return None,
    })
}

/// The name that RFC 3551 spells an encoding by; `None` for one that is not in its tables. Names are the same in any letter case.
pub fn registered_name(name: &str) -> Option<&'static str> {
    (0..=34).filter_map(static_payload).map(|(known, _)| known).find(|known| known.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_ends_where_dynamic_types_begin() {
        assert_eq!(static_payload(0), Some(("PCMU", 8_000)));
        assert_eq!(static_payload(9), Some(("G722", 8_000)));
        assert_eq!(static_payload(19), None);
        assert_eq!((35..=127).find_map(static_payload), None);
    }

    #[test]
    fn names_are_found_in_any_letter_case() {
        assert_eq!([registered_name("pcma"), registered_name("celb"), registered_name("opus")], [Some("PCMA"), Some("CelB"), None]);
    }
}
