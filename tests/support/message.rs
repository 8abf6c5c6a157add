//! SIP messages of a ladder: a line says what matters, and everything else a valid message needs is filled in.
//!
//! Who the parties are is told in `party`, what they remember in `dialog`.

use super::dialog::{Call, Transaction, hash};
use super::ladder::{Ladder, Line, Sip, Transport, What};
use super::party::*;
use super::sdp::{Description, codec};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// Writes the messages of one ladder, line by line.
pub struct Writer<'l> {
    ladder: &'l Ladder,
    calls: BTreeMap<u32, Call>,
}

impl<'l> Writer<'l> {
    /// Before the first line.
    pub fn new(ladder: &'l Ladder) -> Self {
        Self { ladder, calls: BTreeMap::new() }
    }

    /// The message of line number `index` (from 0).
    pub fn write(&mut self, index: usize, sip: &Sip) -> Result<String, String> {
        let line = &self.ladder.lines[index];
        let mut call = self.calls.remove(&sip.call).unwrap_or_default();
        if call.caller.is_empty() {
            call.caller = line.from.name.clone();
            call.seed = format!("{} {}", self.ladder.start, sip.call);
            call.id = format!("{:016x}@{}", hash(&["call", &call.seed]), host(&line.from, &line.to));
        }
        let message = match sip.start.parse::<u16>() {
            Ok(status) => self.response(&mut call, index, sip, status),
            Err(_) => self.request(&mut call, index, sip),
        };
        self.calls.insert(sip.call, call);
        message
    }

    fn request(&self, call: &mut Call, index: usize, sip: &Sip) -> Result<String, String> {
        let line = &self.ladder.lines[index];
        let (me, you) = (&line.from.name, &line.to.name);
        let method = sip.start.as_str();
        let invite = if matches!(method, "ACK" | "CANCEL") { call.invite_of(me).cloned() } else { None };
        // ACK to a refusal and CANCEL belong to their INVITE's transaction; ACK to a 2xx does not (RFC 3261 17.1.1.3, 9.1).
        let same = invite.clone().filter(|t| method == "CANCEL" || t.status >= 300);
        let in_dialog = call.tags.contains_key(you);
        let uri = sip.uri.clone().or_else(|| same.as_ref().map(|t| t.uri.clone()));
        let uri = uri.or_else(|| call.contacts.get(you).filter(|_| in_dialog).cloned()).unwrap_or_else(|| request_uri(line, method));
        let branch = same.as_ref().map_or_else(|| call.branch(me), |t| t.branch.clone());
        let cseq = invite.as_ref().map_or_else(|| call.next_cseq(me), |t| t.cseq);
        let from = call.uris.entry(me.clone()).or_insert_with(|| from(line, method)).clone();
        let to = call.uris.entry(you.clone()).or_insert_with(|| format!("<{}>", bare(&uri))).clone();
        let to_tag = if in_dialog { format!(";tag={}", call.fork(you, &sip.tag)) } else { String::new() };
        let to = same.filter(|_| method == "ACK").map_or(format!("{to}{to_tag}"), |t| t.to);

        let mut headers: Headers =
            vec![field("via", format!("SIP/2.0/{} {};branch={branch}", transport_name(line), sent_by(line))), field("max-forwards", "70")];
        headers.extend(call.routes_of(me).into_iter().filter(|_| in_dialog && method != "CANCEL").map(|route| field("route", route)));
        headers.push(field("from", format!("{from};tag={}", call.tag(me))));
        headers.push(field("to", to));
        headers.push(field("call-id", call.id.clone()));
        headers.push(field("cseq", format!("{cseq} {method}")));
        if matches!(method, "INVITE" | "OPTIONS" | "REFER" | "SUBSCRIBE" | "NOTIFY" | "UPDATE" | "REGISTER") {
            headers.push(field("contact", contact(line, &call.seed)));
        }
        headers.extend(identity(line, method, true));
        let answering = method == "ACK" && invite.is_some_and(|t| !t.offered);
        let body = self.body(call, index, sip, method == "INVITE" || answering, answering)?;
        finish(&mut headers, sip, body.as_ref());
        let offered = body.is_some();
        let transaction = Transaction { branch, uri: uri.clone(), offered, ..Transaction::new(method, cseq, me) };
        remember(call, you, transaction, &headers);
        Ok(print(&format!("{method} {uri} SIP/2.0"), &headers, text(&body), capitals(line)))
    }

    fn response(&self, call: &mut Call, index: usize, sip: &Sip, status: u16) -> Result<String, String> {
        let line = &self.ladder.lines[index];
        let (me, you) = (&line.from.name, &line.to.name);
        let own_tag = call.fork(me, &sip.tag);
        if call.answered_by(you, sip.answers.as_deref()).is_none() {
            let unseen = unseen(call, line, sip);
            call.transactions.push(unseen);
        }
        let transaction = call.answered_by(you, sip.answers.as_deref()).ok_or("no request to answer")?;
        transaction.status = status;
        let method = transaction.method.clone();
        let offered = transaction.offered;
        let mut headers = transaction.copied.clone();
        if status > 100 {
            let to = headers.last_mut().ok_or("a request without To")?;
            if !to.1.contains(";tag=") {
                to.1 = format!("{};tag={own_tag}", to.1);
            }
            transaction.to = to.1.clone();
        }
        if !(101..=299).contains(&status) {
            headers.retain(|(name, _)| name != "record-route");
        } else if method == "INVITE" || (status >= 200 && !capitals(line) && matches!(method.as_str(), "OPTIONS" | "SUBSCRIBE")) {
            headers.push(field("contact", contact(line, &call.seed)));
        }
        if status > 100 {
            headers.extend(identity(line, &method, false));
        }
        let has_sdp = method == "INVITE" && (status == 183 || (200..300).contains(&status));
        let body = self.body(call, index, sip, has_sdp, offered)?;
        finish(&mut headers, sip, body.as_ref());
        let routes = values(&headers, "record-route");
        call.answered(&method, (you, me), &own_tag, status, routes);
        note_contact(call, me, &headers);
        let phrase = sip.phrase.as_deref().unwrap_or_else(|| phrase(status));
        Ok(print(&format!("SIP/2.0 {status} {phrase}"), &headers, text(&body), capitals(line)))
    }

    /// Content type and body, when there is one.
    fn body(&self, call: &mut Call, index: usize, sip: &Sip, by_default: bool, answer: bool) -> Result<Option<(String, String)>, String> {
        if let Some(body) = &sip.body {
            return Ok(Some(("text/plain".to_owned(), body.clone())));
        }
        let wanted = sip.sdp.as_deref().unwrap_or(if by_default { "yes" } else { "no" });
        if wanted == "no" {
            return Ok(None);
        }
        let text = self.description(call, index, sip, wanted, answer)?;
        let location = match wanted {
            "multipart" => "",
            "pidf" => "--part\r\nContent-Type: application/pidf+xml\r\n\r\n<presence/>\r\n",
            _ => return Ok(Some(("application/sdp".to_owned(), text))),
        };
        let parts = format!("--part\r\nContent-Type: application/sdp\r\n\r\n{text}\r\n{location}--part--\r\n");
        Ok(Some(("multipart/mixed;boundary=part".to_owned(), parts)))
    }

    fn description(&self, call: &mut Call, index: usize, sip: &Sip, wanted: &str, answer: bool) -> Result<String, String> {
        let line = &self.ladder.lines[index];
        let (found, codec_name) = self.media(index, &line.from.name);
        let port = if capitals(line) { 49_200 } else { 4_000 };
        let direction = if matches!(wanted, "yes" | "multipart" | "pidf") { "sendrecv" } else { wanted };
        let description = Description {
            session: hash(&["session", &call.seed, &line.from.name]) >> 32,
            media: sip.media.or(found).unwrap_or_else(|| SocketAddr::new(line.from.at.ip(), port)),
            codec: codec(&codec_name)?,
            answer,
            secured: line.transport == Transport::Tls,
            direction: direction.to_owned(),
            candidates: sip.candidates.clone(),
            ice: sip.ice.clone(),
        };
        let version = call.version(&line.from.name, description.text(0));
        Ok(description.text(version))
    }

    /// Where `party` takes media, by the next RTP line that names it, else the last before; and that line's codec.
    fn media(&self, index: usize, party: &str) -> (Option<SocketAddr>, String) {
        let end = |line: &Line| [&line.from, &line.to].into_iter().find(|end| end.name == party).map(|end| end.at);
        let (before, after) = self.ladder.lines.split_at(index);
        for line in after.iter().chain(before.iter().rev()) {
            if let (What::Rtp(rtp), Some(at)) = (&line.what, end(line)) {
                return (Some(at), rtp.codec.clone());
            }
        }
        (None, "PCMU".to_owned())
    }
}

/// Notes what later messages copy from this request.
fn remember(call: &mut Call, server: &str, mut transaction: Transaction, headers: &Headers) {
    for (party, name) in [(transaction.client.as_str(), "from"), (server, "to")] {
        if let Some(value) = values(headers, name).first() {
            call.uris.insert(party.to_owned(), without_tag(value).to_owned());
        }
    }
    note_contact(call, &transaction.client, headers);
    call.id = values(headers, "call-id").pop().unwrap_or_default();
    transaction.copied = headers.iter().filter(|(name, _)| COPIED.contains(&name.as_str())).cloned().collect();
    transaction.to = values(headers, "to").pop().unwrap_or_default();
    transaction.copied.push(field("to", transaction.to.clone()));
    if transaction.method != "ACK" {
        call.transactions.push(transaction);
    }
}

/// What a response copies besides To.
const COPIED: [&str; 5] = ["via", "from", "call-id", "cseq", "record-route"];

/// The request of a response whose request is not in the ladder.
fn unseen(call: &mut Call, line: &Line, sip: &Sip) -> Transaction {
    let method = sip.answers.clone().unwrap_or_else(|| "INVITE".to_owned());
    call.caller = line.to.name.clone();
    let asked = Line { from: line.to.clone(), to: line.from.clone(), ..line.clone() };
    let uri = request_uri(&asked, &method);
    let branch = call.branch(&asked.from.name);
    let tag = call.tag(&asked.from.name);
    let to = format!("<{}>", bare(&uri));
    let copied = vec![
        field("via", format!("SIP/2.0/{} {};branch={branch}", transport_name(&asked), sent_by(&asked))),
        field("from", format!("{};tag={tag}", from(&asked, &method))),
        field("call-id", call.id.clone()),
        field("cseq", format!("1 {method}")),
        field("to", to.clone()),
    ];
    Transaction { branch, uri, copied, to, offered: true, ..Transaction::new(&method, 1, &asked.from.name) }
}

fn text(body: &Option<(String, String)>) -> &str {
    body.as_ref().map_or("", |(_, text)| text)
}

fn values(headers: &Headers, name: &str) -> Vec<String> {
    headers.iter().filter(|(n, _)| n == name).map(|(_, value)| value.clone()).collect()
}

fn without_tag(value: &str) -> &str {
    value.split(";tag=").next().unwrap_or(value)
}

fn note_contact(call: &mut Call, party: &str, headers: &Headers) {
    if let Some(contact) = [values(headers, "contact"), values(headers, "m")].concat().first() {
        let inner = contact.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or(contact.as_str(), |(uri, _)| uri);
        call.contacts.insert(party.to_owned(), inner.to_owned());
    }
}

/// Puts the line's own header fields in place and adds those of the body.
fn finish(headers: &mut Headers, sip: &Sip, body: Option<&(String, String)>) {
    if let Some((kind, _)) = body {
        headers.push(field("content-type", kind.clone()));
    }
    headers.push(field("content-length", body.map_or(0, |(_, text)| text.len()).to_string()));
    let mut done: Vec<&str> = Vec::new();
    for (name, _) in &sip.headers {
        if done.contains(&name.as_str()) {
            continue;
        }
        done.push(name);
        let default = headers.iter().position(|(n, _)| n == name);
        let tag = default.and_then(|at| headers[at].1.find(";tag=").map(|tag| headers[at].1[tag..].to_owned()));
        headers.retain(|(n, _)| n != name);
        let at = default.unwrap_or_else(|| headers.iter().position(|(n, _)| n.starts_with("content-")).unwrap_or(headers.len()));
        let given = sip.headers.iter().filter(|(n, value)| n == name && value != "-").map(|(_, value)| match &tag {
            Some(tag) if !value.contains(";tag=") => field(name, format!("{value}{tag}")),
            _ => field(name, value.clone()),
        });
        headers.splice(at..at, given.collect::<Vec<_>>());
    }
}

fn print(start: &str, headers: &Headers, body: &str, capitals: bool) -> String {
    let lines: String = headers.iter().map(|(name, value)| format!("{}: {value}\r\n", header_name(name, capitals))).collect();
    format!("{start}\r\n{lines}\r\n{body}")
}

fn header_name(name: &str, capitals: bool) -> String {
    if name.len() == 1 {
        return name.to_owned();
    }
    if capitals {
        return name.to_ascii_uppercase();
    }
    let part = |part: &str| match part {
        "id" | "ms" | "sbc" | "mime" => part.to_ascii_uppercase(),
        "cseq" => "CSeq".to_owned(),
        "rack" => "RAck".to_owned(),
        "rseq" => "RSeq".to_owned(),
        _ => part.chars().enumerate().map(|(i, c)| if i == 0 { c.to_ascii_uppercase() } else { c }).collect(),
    };
    name.split('-').map(part).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::ladder::parse;

    fn messages(text: &str) -> Vec<String> {
        let ladder = parse(text).unwrap();
        let mut writer = Writer::new(&ladder);
        let sip = |(index, line): (usize, &Line)| match &line.what {
            What::Sip(sip) => writer.write(index, sip).unwrap(),
            _ => String::new(),
        };
        ladder.lines.iter().enumerate().map(sip).collect()
    }

    fn header<'m>(message: &'m str, name: &str) -> &'m str {
        let line = message.lines().find_map(|line| line.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name)));
        line.unwrap_or_else(|| panic!("no {name} in {message}")).1
    }

    const CALL: &str = "\
0.0 sbc 198.51.100.4:50000 > ms 52.114.75.24:5061 tls INVITE record-route=<sip:sbc1.contoso.com;lr>
0.1 ms > sbc 183
0.2 ms > sbc 200
0.3 sbc > ms ACK
9.0 ms > sbc BYE
9.1 sbc > ms 200
";

    #[test]
    fn a_dialog_keeps_its_tags_and_ends_the_other_way_round() {
        let m = messages(CALL);
        assert_eq!(header(&m[1], "via"), header(&m[0], "via"));
        assert_eq!(header(&m[1], "to"), header(&m[2], "to"));
        assert_eq!(header(&m[3], "to"), header(&m[2], "to"));
        assert_ne!(header(&m[3], "via"), header(&m[0], "via"));
        assert_eq!(header(&m[3], "cseq"), "1 ACK");
        assert_eq!((header(&m[4], "from"), header(&m[4], "to")), (header(&m[2], "to"), header(&m[0], "from")));
        assert!(m[4].starts_with("BYE sip:sbc1.contoso.com:5061;transport=tls SIP/2.0\r\n"));
        assert_eq!(header(&m[4], "route"), "<sip:sbc1.contoso.com;lr>");
        assert!(m.iter().all(|one| header(one, "call-id") == header(&m[0], "call-id")));
    }

    #[test]
    fn ack_to_a_refusal_and_cancel_stay_in_the_transaction() {
        let m = messages(
            "0 sbc 198.51.100.4:50000 > ms 52.114.75.24:5061 tls INVITE\n1 sbc > ms CANCEL\n2 ms > sbc 200\n3 ms > sbc 487\n4 sbc > ms ACK\n",
        );
        assert_eq!((header(&m[2], "cseq"), header(&m[3], "cseq")), ("1 CANCEL", "1 INVITE"));
        for later in [&m[1], &m[4]] {
            assert_eq!(header(later, "via"), header(&m[0], "via"));
        }
        assert_eq!(header(&m[4], "to"), header(&m[3], "to"));
    }

    #[test]
    fn own_fields_replace_remove_and_add() {
        let m = messages(
            "0 a 10.0.0.1:5060 > b 10.0.0.2:5060 udp INVITE contact=- m=<sip:x@y> from=<sip:z@y> privacy=id sdp=no\n1 b > a 200\n2 a > b ACK\n",
        );
        assert!(!m[0].contains("Contact:") && m[0].contains("\r\nm: <sip:x@y>\r\n"));
        assert!(header(&m[0], "from").starts_with("<sip:z@y>;tag="));
        assert_eq!((header(&m[0], "privacy"), header(&m[0], "content-length")), ("id", "0"));
        assert!(m[1].contains("m=audio") && m[2].contains("m=audio"), "the offer moves to the 200");
    }

    #[test]
    fn a_response_alone_gets_the_fields_of_a_request_unseen() {
        let m = messages("0 sbc 198.51.100.4:5061 > ms 52.114.75.24:1500 tls 200 for=BYE\n");
        assert_eq!(header(&m[0], "cseq"), "1 BYE");
        assert!(header(&m[0], "from").contains("pstnhub"));
    }
}
