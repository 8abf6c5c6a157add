//! Interfaces of a pcapng section: description and statistics blocks with their options, and the units of their timestamps
//! (draft-ietf-opsawg-pcapng sections 3.5, 4.2 and 4.6).

use super::bytes::Order;
use super::{InterfaceId, LinkType};
use crate::time::Timestamp;

const IF_NAME: u16 = 2;
const IF_DESCRIPTION: u16 = 3;
const IF_TSRESOL: u16 = 9;
const IF_TSOFFSET: u16 = 14;
const ISB_IFDROP: u16 = 5;
const ISB_OSDROP: u16 = 7;

/// An interface as the current section describes it.
#[derive(Debug, Clone)]
pub struct Described {
    /// Link type of its records.
    pub link: LinkType,
    /// Most bytes captured of a record; 0 means no limit.
    pub snaplen: u32,
    /// `if_name`.
    pub name: Option<String>,
    /// `if_description`.
    pub description: Option<String>,
    /// Units of its timestamps.
    pub clock: Clock,
    /// Set when the source is known.
    pub id: InterfaceId,
}

impl Described {
    /// Reads the body of an interface description block, after type and length; `None` when it is too short.
    pub fn read(order: Order, body: &[u8]) -> Option<Described> {
        let link = LinkType(order.u16_at(body, 0)?);
        let snaplen = order.u32_at(body, 4)?;
        let mut described = Described { link, snaplen, name: None, description: None, clock: Clock::default(), id: InterfaceId::default() };
        let (mut resolution, mut offset) = (6, 0);
        for (code, value) in (Options { order, rest: body.get(8..)? }) {
            match code {
                IF_NAME => described.name = text(value),
                IF_DESCRIPTION => described.description = text(value),
                IF_TSRESOL => resolution = value.first().copied().unwrap_or(resolution),
                IF_TSOFFSET => offset = value.first_chunk().map_or(offset, |v| order.u64(*v) as i64),
                _ => {}
            }
        }
        described.clock = Clock::new(resolution, offset);
        Some(described)
    }
}

/// Packets dropped by interface and operating system since the capture began, from the body of an interface statistics
/// block, with the interface it is about.
pub fn drops(order: Order, body: &[u8]) -> Option<(u32, u64)> {
    let interface = order.u32_at(body, 0)?;
    let counts = Options { order, rest: body.get(12..)? }.filter(|(code, _)| matches!(*code, ISB_IFDROP | ISB_OSDROP));
    // All ones mean "not known".
    let known = counts.filter_map(|(_, value)| value.first_chunk()).map(|v| order.u64(*v)).filter(|n| *n != u64::MAX);
    Some((interface, known.fold(0, u64::saturating_add)))
}

/// UTF-8 text of an option; some writers end it with a zero.
fn text(value: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(value);
    let text = text.trim_end_matches('\0');
    (!text.is_empty()).then(|| text.to_owned())
}

/// Options of a block as (code, value), up to the end-of-options option or the first that does not fit.
struct Options<'a> {
    order: Order,
    rest: &'a [u8],
}

impl<'a> Iterator for Options<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let code = self.order.u16_at(self.rest, 0).filter(|code| *code != 0)?;
        let len = usize::from(self.order.u16_at(self.rest, 2)?);
        let value = self.rest.get(4..4 + len)?;
        self.rest = self.rest.get(4 + len.next_multiple_of(4)..).unwrap_or_default();
        Some((code, value))
    }
}

/// Units of timestamps: `if_tsresol` and `if_tsoffset`.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    unit: Unit,
    /// Nanoseconds to add.
    offset: i64,
}

#[derive(Debug, Clone, Copy)]
enum Unit {
    /// Nanoseconds of one unit.
    Nanos(u64),
    /// Units of one nanosecond.
    PerNano(u64),
    /// One second is two to this power of units.
    Binary(u8),
}

impl Default for Clock {
    /// Microseconds since 1970.
    fn default() -> Self {
        Self::new(6, 0)
    }
}

impl Clock {
    /// `resolution` is the `if_tsresol` octet: a negative power of ten, or with the highest bit set of two. `seconds` is added.
    pub fn new(resolution: u8, seconds: i64) -> Clock {
        let power = u32::from(resolution & 0x7f);
        let unit = match (resolution & 0x80, power) {
            (0, ..=9) => Unit::Nanos(10_u64.pow(9 - power)),
            (0, _) => Unit::PerNano(10_u64.checked_pow(power - 9).unwrap_or(u64::MAX)),
            _ => Unit::Binary(resolution & 0x7f),
        };
        Clock { unit, offset: seconds.saturating_mul(1_000_000_000) }
    }

    /// The time of a 64-bit timestamp; beyond what nanoseconds can tell it is clamped.
    #[inline(always)]
    pub fn at(&self, ticks: u64) -> Timestamp {
        let nanos = match self.unit {
            Unit::Nanos(nanos) => ticks.saturating_mul(nanos),
            Unit::PerNano(units) => ticks / units,
            Unit::Binary(power) => u64::try_from((u128::from(ticks) * 1_000_000_000) >> power).unwrap_or(u64::MAX),
        };
        // i64::MIN is kept free as "before everything".
        Timestamp(i64::try_from(nanos).unwrap_or(i64::MAX).saturating_add(self.offset).max(i64::MIN + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolutions_are_powers_of_ten_and_of_two() {
        for (resolution, ticks, nanos) in [
            (0, 3, 3_000_000_000),
            (6, 1_000_001, 1_000_001_000),
            (9, 7, 7),
            (12, 1_999, 1),
            (127, u64::MAX, 1),
            (0x80 | 10, 1_536, 1_500_000_000),
            (0x80 | 32, 1 << 31, 500_000_000),
            (0x80 | 127, u64::MAX, 0),
            (0x80, u64::MAX, i64::MAX),
            (0, u64::MAX, i64::MAX),
        ] {
            assert_eq!(Clock::new(resolution, 0).at(ticks), Timestamp(nanos), "{resolution}");
        }
        assert_eq!(Clock::new(6, -2).at(1), Timestamp(-1_999_999_000));
        assert_eq!(Clock::new(6, i64::MIN).at(0), Timestamp(i64::MIN + 1));
        assert_eq!(Clock::new(6, i64::MAX).at(u64::MAX), Timestamp(i64::MAX));
    }

    #[test]
    fn options_need_no_end_and_broken_ones_end_them() {
        let body =
            [&[1, 0, 0, 0, 96, 0, 0, 0][..], &[2, 0, 5, 0], b"eth0\0\0\0\0", &[9, 0, 1, 0, 9, 0, 0, 0], &[3, 0, 200, 0, b'x']].concat();
        let described = Described::read(Order::Little, &body).unwrap();
        assert_eq!((described.name.as_deref(), described.description, described.snaplen), (Some("eth0"), None, 96));
        assert_eq!(described.clock.at(5), Timestamp(5));
    }

    #[test]
    fn drops_of_interface_and_system_add_up() {
        let body = [&[0, 0, 0, 3][..], &[0; 8], &[0, 5, 0, 8], &7_u64.to_be_bytes(), &[0, 7, 0, 8], &5_u64.to_be_bytes()].concat();
        assert_eq!(drops(Order::Big, &body), Some((3, 12)));
        let unknown = [&[0, 0, 0, 3][..], &[0; 8], &[0, 5, 0, 8], &[0xff; 8]].concat();
        assert_eq!(drops(Order::Big, &unknown), Some((3, 0)));
    }
}
