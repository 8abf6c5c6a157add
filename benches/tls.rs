//! Opening TLS records, a connection on one core: what a byte of encrypted signalling costs before SIP is read from it.

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use callpath::decode::{Dir, MacPair, TapId, TunnelsId};
use callpath::flow::tls::{Content, Session};
use callpath::flow::{Seen, keylog::KeyLog};
use callpath::proto::tls::{ContentType, Record};
use callpath::record::{RecordId, Seq, SourceId};
use callpath::time::Timestamp;
use divan::{Bencher, black_box, counter::BytesCount};
use hkdf::Hkdf;
use sha2::{Sha256, Sha384};

fn main() {
    // `cargo test --all-targets` starts it without `--bench` and wants it to do nothing.
    if std::env::args().any(|arg| arg == "--bench") {
        divan::main();
    }
}

/// Bytes of data in all: more than the nearest caches hold.
const BYTES: usize = 16 << 20;
/// The secret of the server's data.
const SECRET: [u8; 48] = [7; 48];
/// What the client calls itself.
const RANDOM: [u8; 32] = [9; 32];

/// Records of a message's size, and full ones.
const SIZES: [usize; 2] = [1_000, 16_384];

#[divan::bench(args = SIZES)]
fn aes_128_gcm(bencher: Bencher<'_, '_>, size: usize) {
    open(
        bencher,
        0x1301,
        size,
        |info, out| Hkdf::<Sha256>::from_prk(&SECRET[..32]).unwrap().expand(info, out).unwrap(),
        |key| {
            let aead = Aes128Gcm::new_from_slice(&key[..16]).unwrap();
            Box::new(move |nonce, aad, text| aead.encrypt_inout_detached(nonce.into(), aad, text.into()).unwrap().into())
        },
    );
}

#[divan::bench(args = SIZES)]
fn aes_256_gcm(bencher: Bencher<'_, '_>, size: usize) {
    open(
        bencher,
        0x1302,
        size,
        |info, out| Hkdf::<Sha384>::from_prk(&SECRET).unwrap().expand(info, out).unwrap(),
        |key| {
            let aead = Aes256Gcm::new_from_slice(key).unwrap();
            Box::new(move |nonce, aad, text| aead.encrypt_inout_detached(nonce.into(), aad, text.into()).unwrap().into())
        },
    );
}

/// Seals in place with a nonce and what is authenticated beside; gives the tag.
type Seal = Box<dyn Fn(&[u8; 12], &[u8], &mut [u8]) -> [u8; 16]>;

/// Opens what a server sent of TLS 1.3, records of `size` octets of data.
fn open(bencher: Bencher<'_, '_>, suite: u16, size: usize, expand: impl Fn(&[u8], &mut [u8]), seal: impl Fn(&[u8]) -> Seal) {
    let label = |name: &str, len: u8| [&[0, len, 6 + name.len() as u8][..], b"tls13 ", name.as_bytes(), &[0]].concat();
    let (mut key, mut iv) = ([0; 32], [0; 12]);
    let key_len = if suite == 0x1301 { 16 } else { 32 };
    expand(&label("key", key_len), &mut key[..usize::from(key_len)]);
    expand(&label("iv", 12), &mut iv);
    let seal = seal(&key);
    let records: Vec<Vec<u8>> = (0..(BYTES / size) as u64)
        .map(|number| {
            let mut nonce = iv;
            nonce.iter_mut().skip(4).zip(number.to_be_bytes()).for_each(|(octet, number)| *octet ^= number);
            let mut text = [&vec![b'a'; size][..], &[23]].concat();
            let [l0, l1] = (text.len() as u16 + 16).to_be_bytes();
            let tag = seal(&nonce, &[23, 3, 3, l0, l1], &mut text);
            [text, tag.to_vec()].concat()
        })
        .collect();
    let mut keys = KeyLog::default();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let secret = if suite == 0x1301 { &SECRET[..32] } else { &SECRET };
    keys.read(format!("SERVER_TRAFFIC_SECRET_0 {} {}", hex(&RANDOM), hex(secret)).as_bytes());
    let greeted = greeted(suite, &keys);
    bencher.counter(BytesCount::new(BYTES / size * size)).with_inputs(|| greeted.clone()).bench_local_values(|mut session| {
        for body in &records {
            let record = Record { kind: ContentType::Application, version: 0x0303, body };
            let Content::Data(data) = session.record(Dir::Down, &record, seen(), &keys) else { panic!("a record stays shut") };
            assert_eq!(data.len(), size);
            black_box(data);
        }
        session
    });
}

fn seen() -> Seen {
    Seen {
        id: RecordId { input: 0, number: 1 },
        seq: Seq(0),
        at: Timestamp(0),
        tap: TapId(0),
        source: SourceId(0),
        tunnels: TunnelsId(0),
        ttl: 64,
        dscp: 0,
        macs: MacPair::default(),
    }
}

/// A connection whose hellos were seen.
fn greeted(suite: u16, keys: &KeyLog) -> Session {
    let [s0, s1] = suite.to_be_bytes();
    let versions = |list: &[u8]| [&[0, 43, 0, list.len() as u8][..], list].concat();
    let hello = |kind: u8, suites: &[u8], extensions: &[u8]| {
        let body = [&[3, 3][..], &RANDOM, &[0], suites, &[0, extensions.len() as u8], extensions].concat();
        [&[kind, 0, 0, body.len() as u8][..], &body].concat()
    };
    let offered = hello(1, &[0, 2, s0, s1, 1, 0], &versions(&[2, 3, 4]));
    let chosen = hello(2, &[s0, s1, 0], &versions(&[3, 4]));
    let mut session = Session::default();
    for (dir, body) in [(Dir::Up, &offered), (Dir::Down, &chosen)] {
        session.record(dir, &Record { kind: ContentType::Handshake, version: 0x0303, body }, seen(), keys);
    }
    session
}
