//! The path of an announcement: the autonomous systems that it came through (RFC 4271 section 4.3, RFC 6793, RFC 5065).

/// Segments of a path: a set, a sequence, and both within a confederation.
const SET: u8 = 1;
const SEQUENCE: u8 = 2;
const CONFEDERATION: [u8; 2] = [3, 4];

/// A path, the nearest autonomous system first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Path {
    /// The numbers, those of sets among them.
    pub numbers: Vec<u32>,
    /// The sender's own number, as speakers outside its autonomous system are told it: the first, if a sequence begins with it.
    pub neighbour: Option<u32>,
    /// The sender and the receiver belong to one confederation.
    pub is_internal: bool,
}

impl Path {
    /// Reads the value of AS_PATH. It does not say how long its numbers are: four octets, if that is what parses, else two. A number 0,
    /// which nobody has (RFC 7607), parses as neither.
    pub(super) fn read(value: &[u8]) -> Option<Self> {
        let of_four = || segments(value, |n: [u8; 4]| u32::from_be_bytes(n));
        let of_two = || segments(value, |n: [u8; 2]| u32::from(u16::from_be_bytes(n)));
        of_four().or_else(of_two)
    }
}

fn segments<const N: usize>(mut value: &[u8], number: impl Fn([u8; N]) -> u32) -> Option<Path> {
    let mut path = Path::default();
    while let [kind, count, rest @ ..] = value {
        let (numbers, behind) = rest.split_at_checked(usize::from(*count) * N)?;
        let numbers = numbers.chunks_exact(N).filter_map(|octets| <[u8; N]>::try_from(octets).ok()).map(&number);
        let before = path.numbers.len();
        path.numbers.extend(numbers);
        let new = path.numbers.get(before..).unwrap_or_default();
        match *kind {
            _ if new.is_empty() || new.contains(&0) => return None,
            SEQUENCE if before == 0 => path.neighbour = new.first().copied(),
            SET | SEQUENCE => {}
            kind if CONFEDERATION.contains(&kind) => path.is_internal = true,
            _ => return None,
        }
        value = behind;
    }
    value.is_empty().then_some(path)
}
