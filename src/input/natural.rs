//! The order people number files in: `cap2` before `cap10`; and what two names of one rotated set have in common.

use std::cmp::Ordering;
use std::path::Path;

/// Compares paths component by component in natural order.
pub fn by_path(a: &Path, b: &Path) -> Ordering {
    let mut theirs = b.components();
    for mine in a.components() {
        let Some(other) = theirs.next() else { return Ordering::Greater };
        let order = by_name(&mine.as_os_str().to_string_lossy(), &other.as_os_str().to_string_lossy());
        if order != Ordering::Equal {
            return order;
        }
    }
    if theirs.next().is_some() { Ordering::Less } else { Ordering::Equal }
}

/// Compares names with runs of digits as numbers of any length; names that differ in leading zeros alone compare as bytes.
pub fn by_name(a: &str, b: &str) -> Ordering {
    let (mut mine, mut theirs) = (a.as_bytes(), b.as_bytes());
    loop {
        let order = match (number(mine), number(theirs)) {
            (Some((x, after_x)), Some((y, after_y))) => {
                (mine, theirs) = (after_x, after_y);
                x.len().cmp(&y.len()).then_with(|| x.cmp(y))
            }
            _ => match (mine.split_first(), theirs.split_first()) {
                (Some((x, after_x)), Some((y, after_y))) => {
                    (mine, theirs) = (after_x, after_y);
                    x.cmp(y)
                }
                (None, None) => return a.cmp(b),
                (x, y) => return x.is_some().cmp(&y.is_some()),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// The digits at the front without leading zeros, and what follows them.
fn number(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let len = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let (digits, rest) = text.split_at_checked(len).filter(|_| len > 0)?;
    let zeros = digits.iter().take_while(|b| **b == b'0').count();
    Some((digits.get(zeros..)?, rest))
}

/// A path with every run of digits in its file name as `#`: equal for the files of one rotated set.
pub fn skeleton(path: &str) -> String {
    let name_at = path.rfind('/').map_or(0, |slash| slash + 1);
    let (folder, name) = path.split_at_checked(name_at).unwrap_or(("", path));
    let mut out = folder.to_owned();
    let mut in_number = false;
    for c in name.chars() {
        let digit = c.is_ascii_digit();
        if !digit || !in_number {
            out.push(if digit { '#' } else { c });
        }
        in_number = digit;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cap2_comes_before_cap10() {
        let mut names = ["cap10", "cap2", "cap1a", "cap02", "cap", "b", "cap10x2", "cap10x11"];
        names.sort_by(|a, b| by_name(a, b));
        assert_eq!(names, ["b", "cap", "cap1a", "cap02", "cap2", "cap10", "cap10x2", "cap10x11"]);
    }

    #[test]
    fn folders_order_before_what_is_in_them() {
        let mut paths = ["d10/a", "d2/z", "d2", "d2/b/c"].map(Path::new);
        paths.sort_by(|a, b| by_path(a, b));
        assert_eq!(paths, ["d2", "d2/b/c", "d2/z", "d10/a"].map(Path::new));
    }

    #[test]
    fn a_rotated_set_has_one_skeleton() {
        assert_eq!(skeleton("day7/tap_00001_20260101.pcap"), skeleton("day7/tap_00012_20260102.pcap"));
        assert_ne!(skeleton("day7/tap_1.pcap"), skeleton("day8/tap_1.pcap"));
    }
}
