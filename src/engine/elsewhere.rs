//! What was not seen on its own way: PDUs that were exported from another capture, and SIP that agents sent on over connections of theirs.

use super::Shard;
use super::facts::Fact;
use super::shard::recognise;
use super::udp_flow::UdpFlow;
use crate::decode::{Home, Link, Packet, Pdu};
use crate::flow::{
    Connection, Seen,
    exported::{self, Took},
};
use crate::ledger::Kind;
use crate::record::Seq;

impl Shard {
    /// SIP that was exported; a PDU that holds what one before it held is a copy.
    pub(super) fn exported(&mut self, packet: &Packet<'_>, pdu: Pdu, out: &mut Vec<(Seq, Fact)>) -> Kind {
        let flow = self.udp.entry(packet.flow).or_insert_with(|| UdpFlow::open(packet));
        flow.touch(packet);
        flow.signalling.get_or_insert_with(|| Box::new(Connection::open(packet)));
        let exported = flow.exported.get_or_insert_default();
        let before = exported.evicted;
        let took = exported.take(packet, pdu);
        self.ledger.evicted += exported.evicted - before;
        let kind = match took {
            Took::Again => {
                self.ledger.duplicates += 1;
                Kind::Sip
            }
            Took::Read(messages) => {
                for whole in messages {
                    self.message(packet, exported::transport(packet), &whole.text, whole.cut, &whole.records, out);
                }
                Kind::Sip
            }
            Took::Other => recognise(packet),
        };
        self.ledger.count(kind, 1);
        kind
    }

    /// Applies what agents sent on over connections of their own, whose records are counted with those.
    pub(super) fn send_on(&mut self, seq: Seq, out: &mut Vec<(Seq, Fact)>) {
        let before = out.len();
        for sent in std::mem::take(&mut self.tcp.sent_on) {
            let Seen { id, seq, at, tap, source, tunnels, .. } = sent.seen;
            let packet = Packet {
                seq,
                id,
                at: sent.agent.at.unwrap_or(at),
                clock: sent.clock,
                tap,
                source,
                tunnels,
                link: Link::default(),
                flow: sent.flow,
                dir: sent.dir,
                tcp: None,
                payload: &sent.text,
                cut: 0,
                fragments: &sent.records,
                held: 0,
                agent: Some(&sent.agent),
                home: Home::default(),
            };
            self.message(&packet, exported::transport(&packet), &sent.text, false, &sent.records, out);
        }
        out.iter_mut().skip(before).for_each(|(place, _)| *place = seq);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ip, message, window, window_of};
    use super::super::{Decoded, Engine, Wanted};
    use super::*;
    use crate::flow::{Message, Origin, Transport};
    use crate::record::LinkType;

    fn chunk(kind: u8, value: &[u8]) -> Vec<u8> {
        let [l0, l1] = (6 + value.len() as u16).to_be_bytes();
        [&[0, 0, 0, kind, l0, l1], value].concat()
    }

    /// A HEP message of TCP from 10.0.0.1:5060 to 10.0.0.2:5061, sent on by an agent at second 7 of its clock.
    fn hep(payload: &[u8]) -> Vec<u8> {
        let ends = [chunk(1, &[2]), chunk(2, &[6]), chunk(3, &[10, 0, 0, 1]), chunk(4, &[10, 0, 0, 2])].concat();
        let ports = [chunk(7, &5060u16.to_be_bytes()), chunk(8, &5061u16.to_be_bytes()), chunk(9, &[0, 0, 0, 7])].concat();
        let body = [ends, ports, chunk(17, b"call-7"), chunk(15, payload)].concat();
        [&b"HEP3"[..], &(6 + body.len() as u16).to_be_bytes(), &body].concat()
    }

    /// A segment of the agent's connection to its collector, `at` bytes from its start.
    fn segment(at: usize, payload: &[u8]) -> Vec<u8> {
        let sequence = (1 + at as u32).to_be_bytes();
        ip(6, 0, 0, &[&[0x9c, 0x40, 0x23, 0x64][..], &sequence, &[0, 0, 0, 1, 0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0], payload].concat())
    }

    /// The stream in segments that end at these places.
    fn segments(stream: &[u8], ends: &[usize]) -> Vec<Vec<u8>> {
        let begins = std::iter::once(&0).chain(ends);
        begins.zip(ends).map(|(begin, end)| segment(*begin, &stream[*begin..*end])).collect()
    }

    /// Messages read of these packets, with all that is left at the end.
    fn read(packets: &[Vec<u8>], engine: &mut Engine) -> Vec<Message> {
        let mut facts = engine.apply(vec![Decoded::of(window(packets, 0), None)], &[]);
        facts.extend(engine.sweep(&Wanted { all: true, ..Wanted::default() }).0);
        assert_eq!(engine.ledger().sum(), packets.len() as u64, "every record once");
        facts.into_iter().filter_map(|(_, fact)| if let Fact::Message(message) = fact { Some(*message) } else { None }).collect()
    }

    fn call_id(message: &Message) -> String {
        String::from_utf8_lossy(message.sip().call_id().unwrap_or_default()).into_owned()
    }

    #[test]
    fn hep_over_tcp_is_read_however_it_is_cut() {
        let one = hep(message("one").as_bytes());
        let stream = [one.clone(), hep(message("two").as_bytes()), hep(message("three").as_bytes())].concat();
        for cut in 1..stream.len() {
            let mut engine = Engine::default();
            let packets = segments(&stream, &[cut, stream.len()]);
            let messages = read(&packets, &mut engine);
            assert_eq!(messages.iter().map(call_id).collect::<Vec<_>>(), ["one", "two", "three"], "cut at {cut}");
            assert_eq!(engine.ledger().of(Kind::Sip), 2, "cut at {cut}");
            assert_eq!(messages[0].records().len(), if cut < one.len() { 2 } else { 1 }, "cut at {cut}");
        }
    }

    #[test]
    fn message_that_an_agent_sent_on_has_the_ends_and_time_of_there() {
        let mut engine = Engine::default();
        let messages = read(&[segment(0, &hep(message("one").as_bytes()))], &mut engine);
        let [message] = messages.as_slice() else { panic!("{messages:?}") };
        let course = message.course();
        assert_eq!((course.src.to_string().as_str(), course.dst.to_string().as_str()), ("10.0.0.1:5060", "10.0.0.2:5061"));
        assert_eq!((course.transport, course.origin, message.at().0), (Transport::Tcp, Origin::Exported, 7_000_000_000));
        assert_eq!(message.correlation().map(|text| text.bytes().to_vec()).as_deref(), Some(&b"call-7"[..]));
    }

    #[test]
    fn hep_over_tcp_goes_on_behind_a_gap_and_names_what_it_does_not_read() {
        let [one, two, three] = ["one", "two", "three"].map(|id| hep(message(id).as_bytes()));
        let lost = [one.clone(), two.clone(), three.clone(), hep(b"{\"type\":200}")].concat();
        let (a, b) = (one.len(), one.len() + two.len());
        let packets = [segment(0, &lost[..a]), segment(b, &lost[b..b + three.len()]), segment(b + three.len(), &lost[b + three.len()..])];
        let mut engine = Engine::default();
        assert_eq!(read(&packets, &mut engine).iter().map(call_id).collect::<Vec<_>>(), ["one", "three"]);
        let undecoded: Vec<String> = engine.ledger().undecoded_by_reason().keys().map(|key| key.to_string()).collect();
        assert_eq!((undecoded, engine.ledger().of(Kind::Sip)), (vec!["hep: no sip in a message over tcp".to_owned()], 2));
    }

    #[test]
    fn bytes_that_are_no_hep_are_stepped_over() {
        let junk = [&hep(message("one").as_bytes())[..], b"HEP3\0\x01", b"nothing"].concat();
        let next = hep(message("two").as_bytes());
        let mut engine = Engine::default();
        let messages = read(&[segment(0, &junk), segment(junk.len(), &next)], &mut engine);
        assert_eq!(messages.iter().map(call_id).collect::<Vec<_>>(), ["one", "two"]);
    }

    /// A PDU of SIP over TCP, of this frame.
    fn pdu(name: &[u8], frame: u8, payload: &str) -> Vec<u8> {
        let tag = |tag: u8, value: &[u8]| [&[0, tag, 0, value.len() as u8], value].concat();
        let ends = [tag(20, &[10, 0, 0, 1]), tag(21, &[10, 0, 0, 2]), tag(24, &[0, 0, 0, 2])].concat();
        let ports = [tag(25, &[0, 0, 0x13, 0xc4]), tag(26, &[0, 0, 0x13, 0xc5]), tag(30, &[0, 0, 0, frame])].concat();
        [tag(12, name), ends, ports, vec![0; 4], payload.as_bytes().to_vec()].concat()
    }

    #[test]
    fn exported_pdus_are_counted_once_each_and_read_once_together() {
        let (text, two) = (message("one"), message("two"));
        let packets = [
            pdu(b"sip.tcp", 1, &text),
            pdu(b"sip", 1, &text),
            pdu(b"sip.tcp", 2, &two[..20]),
            pdu(b"sip.tcp", 3, &two),
            pdu(b"sip", 3, &two),
            pdu(b"http", 4, "GET /"),
            pdu(b"sip", 5, "no sip\0"),
            pdu(b"sip.tcp", 6, &text[..text.len() - 4]),
        ];
        for size in [1, 3, 8] {
            let mut engine = Engine::default();
            let mut facts = Vec::new();
            for (n, some) in packets.chunks(size).enumerate() {
                facts.extend(engine.apply(vec![Decoded::of(window_of(LinkType::WIRESHARK_UPPER_PDU, some, n * size), None)], &[]));
            }
            facts.extend(engine.sweep(&Wanted { all: true, ..Wanted::default() }).0);
            let messages = facts.iter().filter_map(|(_, fact)| if let Fact::Message(message) = fact { Some(&**message) } else { None });
            let told = |m: &Message| (call_id(m), m.records().len(), m.cut, m.course().origin, m.course().transport);
            let want = [("one", 1, false), ("two", 2, false), ("one", 1, true)];
            let want = want.map(|(id, n, cut)| (id.to_owned(), n, cut, Origin::Exported, Transport::Tcp));
            assert_eq!(messages.map(told).collect::<Vec<_>>(), want, "windows of {size}");
            let ledger = engine.ledger();
            assert_eq!((ledger.sum(), ledger.of(Kind::Sip), ledger.of(Kind::Tcp), ledger.duplicates), (8, 6, 1, 2));
        }
    }
}
