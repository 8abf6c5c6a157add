//! Messages made by hand, octet by octet, whole and cut at every place.

use super::*;

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let len = u16::try_from(HEADER + body.len()).unwrap();
    [&MARKER[..], &len.to_be_bytes(), &[kind], body].concat()
}

fn attribute_of(kind: u8, value: &[u8]) -> Vec<u8> {
    [&[0x40, kind, value.len() as u8], value].concat()
}

fn body(withdrawn: &[u8], attributes: &[Vec<u8>], announced: &[u8]) -> Vec<u8> {
    let attributes = attributes.concat();
    let len = |part: &[u8]| (part.len() as u16).to_be_bytes();
    [&len(withdrawn)[..], withdrawn, &len(&attributes), &attributes, announced].concat()
}

fn nets(texts: &[&str]) -> Vec<IpNet> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

const OF_TWO: [u8; 6] = [2, 2, 0x2f, 0x2c, 0x1f, 0x8b];
const OF_FOUR: [u8; 10] = [2, 2, 0, 0, 0x2f, 0x2c, 0, 0, 0x1f, 0x8b];
const NLRI: [u8; 10] = [14, 52, 112, 14, 52, 120, 18, 13, 107, 64];

#[test]
fn an_update_gives_prefixes_and_path_with_numbers_of_two_or_four_octets() {
    for path in [&OF_TWO[..], &OF_FOUR] {
        let attributes = [attribute_of(1, &[0]), attribute_of(AS_PATH, path), attribute_of(3, &[203, 0, 113, 33])];
        let update = Update::read(&body(&[24, 198, 51, 100], &attributes, &NLRI)).unwrap();
        assert_eq!(update.withdrawn, nets(&["198.51.100.0/24"]));
        assert_eq!(update.announced, nets(&["52.112.0.0/14", "52.120.0.0/14", "13.107.64.0/18"]));
        assert_eq!((update.path.numbers.as_slice(), update.path.neighbour), (&[12076, 8075][..], Some(12076)));
        assert!(!update.is_internal && !update.path.is_internal);
    }
}

#[test]
fn numbers_that_need_four_octets_sets_and_confederations_are_told_apart() {
    let path = |value: &[u8]| Path::read(value);
    assert_eq!(path(&[2, 1, 0, 3, 0x0d, 0x40]).unwrap().numbers, [200_000]);
    let set = path(&[1, 2, 0x2f, 0x2c, 0xfd, 0xe8]).unwrap();
    assert_eq!((set.numbers.as_slice(), set.neighbour), (&[12076, 65000][..], None));
    let mixed = path(&[2, 1, 0xfd, 0xe8, 1, 2, 0x2f, 0x2c, 0x1f, 0x8b]).unwrap();
    assert_eq!((mixed.numbers.as_slice(), mixed.neighbour), (&[65000, 12076, 8075][..], Some(65000)));
    assert!(path(&[3, 1, 0, 0, 0xfd, 0xe8, 2, 1, 0, 0, 0x2f, 0x2c]).unwrap().is_internal);
    assert_eq!(path(&[]).unwrap(), Path::default());
    for wrong in [&[2][..], &[2, 0], &[7, 1, 0, 1], &[2, 1, 0, 0], &[2, 3, 0, 1, 0, 2]] {
        assert_eq!(path(wrong), None, "{wrong:?}");
    }
}

#[test]
fn ipv6_comes_and_goes_in_attributes() {
    let next = [0x20; 32];
    let reach = [&[0, 2, 1, 32][..], &next, &[0, 38, 0x26, 0x03, 0x10, 0x63, 0], &[0][..0]].concat();
    let unreach = [0, 2, 1, 32, 0x20, 0x01, 0x0d, 0xb8];
    let attributes = [attribute_of(MP_REACH, &reach), attribute_of(MP_UNREACH, &unreach), attribute_of(LOCAL_PREF, &[0, 0, 0, 100])];
    let update = Update::read(&body(&[], &attributes, &[])).unwrap();
    assert_eq!((update.announced, update.withdrawn), (nets(&["2603:1063::/38"]), nets(&["2001:db8::/32"])));
    assert!(update.is_internal);
    let vpn = attribute_of(MP_REACH, &[0, 1, 128, 0, 0, 88, 1, 2, 3]);
    assert_eq!(Update::read(&body(&[], &[vpn], &[])).unwrap(), Update::default());
}

#[test]
fn an_attribute_may_have_a_long_length_and_prefixes_stray_bits() {
    let long = [&[0x50, AS_PATH, 0, 6][..], &OF_TWO].concat();
    let update = Update::read(&body(&[], &[long], &[14, 52, 115])).unwrap();
    assert_eq!((update.announced, update.path.neighbour), (nets(&["52.112.0.0/14"]), Some(12076)));
}

#[test]
fn what_is_damaged_is_none_and_never_panics() {
    let attributes = [attribute_of(AS_PATH, &OF_FOUR), attribute_of(MP_REACH, &[0, 2, 1, 0, 0, 16, 0x20, 0x01])];
    let whole = body(&[24, 198, 51, 100], &attributes, &NLRI);
    assert!(Update::read(&whole).is_some());
    // Between two prefixes of the list at the end a cut shows nothing: the header's length does.
    let between = [NLRI.len(), NLRI.len() - 3, NLRI.len() - 6].map(|left| whole.len() - left);
    for cut in 0..whole.len() {
        assert_eq!(Update::read(&whole[..cut]).is_some(), between.contains(&cut), "cut at {cut}");
    }
    for at in 0..whole.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut damaged = whole.clone();
            damaged[at] = value;
            let _ = Update::read(&damaged);
        }
    }
    assert_eq!(Update::read(&body(&[], &[], &[33, 1, 2, 3, 4, 5])), None, "33 bits of IPv4");
    assert_eq!(Update::read(&body(&[], &[], &[0, 0, 0, 1, 24, 52, 112, 0])), None, "path identifiers");
}

#[test]
fn headers_are_told_from_what_is_none() {
    let keepalive = message(4, &[]);
    assert_eq!(Header::read(&keepalive), Some(Header { kind: Kind::Keepalive, len: 19 }));
    assert_eq!(Header::read(&message(2, &[0; 4])), Some(Header { kind: Kind::Update, len: 23 }));
    for wrong in [message(4, &[0]), message(1, &[0; 9]), message(2, &[]), message(6, &[0; 9]), message(0, &[0; 9])] {
        assert_eq!(Header::read(&wrong), None);
    }
    assert!((0..keepalive.len()).all(|cut| Header::read(&keepalive[..cut]).is_none()));
    assert_eq!(find(&[&[1, 0xff, 0xff][..], &keepalive, &keepalive].concat()), Some(1 + 2));
    assert_eq!(find(&[0xff; 64]), None);
    assert_eq!(find(&[]), None);
}
