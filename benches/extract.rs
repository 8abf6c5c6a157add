//! What rules ask of a message beyond its keys: addresses, Via and CSeq as typed values, and the session description.

use callpath::proto::sdp;
use callpath::proto::sip::{HeaderIndex, HeaderName, NameAddr, Sip, typed};
use divan::{Bencher, black_box, counter::ItemsCount};

#[path = "support/messages.rs"]
mod messages;

use messages::{bytes, for_each, index, texts};

fn main() {
    messages::main();
}

/// Headers that hold an address and that most rules read.
const ADDRESSES: [HeaderName; 4] = [HeaderName::From, HeaderName::To, HeaderName::Contact, HeaderName::RecordRoute];

/// From, To, Contact and Record-Route by the tolerant reader alone.
#[divan::bench]
fn addresses(bencher: Bencher<'_, '_>) {
    each_message(bencher, |sip| {
        for value in ADDRESSES.iter().flat_map(|name| sip.values(*name)) {
            let text = String::from_utf8_lossy(&value);
            black_box(NameAddr::parse(&text).uri().host);
        }
    });
}

/// The same with rsip as the second opinion.
#[divan::bench]
fn typed_addresses(bencher: Bencher<'_, '_>) {
    each_message(bencher, |sip| {
        for name in ADDRESSES {
            for value in sip.values(name) {
                black_box(typed::address(&String::from_utf8_lossy(&value), name));
            }
        }
    });
}

/// Every Via and the CSeq, typed.
#[divan::bench]
fn typed_via_and_cseq(bencher: Bencher<'_, '_>) {
    each_message(bencher, |sip| {
        for value in sip.values(HeaderName::Via) {
            black_box(typed::via(&String::from_utf8_lossy(&value)));
        }
        let cseq = sip.first(HeaderName::CSeq).unwrap_or_default();
        black_box(typed::cseq(&String::from_utf8_lossy(&cseq)));
    });
}

/// The session description with the full model; items are bodies.
#[divan::bench]
fn session_description(bencher: Bencher<'_, '_>) {
    let bodies: Vec<Vec<u8>> = texts().iter().filter_map(|text| Some(Sip { text, index: &index(text) }.sdp()?.into_owned())).collect();
    assert!(bytes(&bodies) > 100_000);
    bencher.counter(ItemsCount::new(bodies.len())).bench_local(|| {
        bodies.iter().for_each(|body| drop(black_box(sdp::parse(body))));
    });
}

fn each_message(bencher: Bencher<'_, '_>, mut each: impl FnMut(Sip<'_>)) {
    let texts = texts();
    let indices: Vec<HeaderIndex> = texts.iter().map(|text| index(text)).collect();
    bencher.counter(ItemsCount::new(texts.len())).bench_local(|| for_each(&texts, &indices, &mut each));
}
