//! The way of a SIP message from bytes to what a dialog is known by, step by step: messages per second and GB/s.

use callpath::proto::sip::{Framing, Sip, frame};
use divan::{Bencher, black_box, counter::BytesCount, counter::ItemsCount};

#[path = "support/messages.rs"]
mod messages;

use messages::{bytes, for_each, index, texts};

fn main() {
    messages::main();
}

/// The floor: nobody finds headers without finding line ends.
#[divan::bench]
fn line_ends(bencher: Bencher<'_, '_>) {
    let texts = texts();
    counted(bencher, &texts).bench_local(|| {
        texts.iter().map(|text| memchr::memchr_iter(b'\n', text).count()).sum::<usize>();
    });
}

/// Every header's place.
#[divan::bench]
fn index_headers(bencher: Bencher<'_, '_>) {
    let texts = texts();
    counted(bencher, &texts).bench_local(|| {
        texts.iter().for_each(|text| drop(black_box(index(text))));
    });
}

/// The same, and what transactions and dialogs are keyed by.
#[divan::bench]
fn index_and_keys(bencher: Bencher<'_, '_>) {
    let texts = texts();
    counted(bencher, &texts).bench_local(|| {
        for text in &texts {
            let index = index(text);
            keys(Sip { text, index: &index });
        }
    });
}

/// The keys of messages that are indexed already.
#[divan::bench]
fn keys_alone(bencher: Bencher<'_, '_>) {
    let texts = texts();
    let indices: Vec<_> = texts.iter().map(|text| index(text)).collect();
    counted(bencher, &texts).bench_local(|| for_each(&texts, &indices, keys));
}

/// Cutting a TCP stream into messages.
#[divan::bench]
fn frame_a_stream(bencher: Bencher<'_, '_>) {
    let texts = texts();
    let stream = texts.concat();
    counted(bencher, &texts).bench_local(|| {
        let (mut rest, mut scanned, mut n) = (stream.as_slice(), 0, 0);
        while !rest.is_empty() {
            let taken = match frame(rest, true, &mut scanned) {
                Framing::Message(length) => length,
                other => panic!("{other:?} where a message is"),
            };
            n += 1;
            rest = &rest[taken..];
        }
        assert_eq!(n, texts.len());
    });
}

fn keys(sip: Sip<'_>) {
    black_box((sip.call_id(), sip.cseq(), sip.from_tag(), sip.to_tag(), sip.branch(), sip.method(), sip.status()));
}

fn counted<'a, 'b>(bencher: Bencher<'a, 'b>, texts: &[Vec<u8>]) -> Bencher<'a, 'b> {
    bencher.counter(ItemsCount::new(texts.len())).counter(BytesCount::new(bytes(texts)))
}
