//! Entries on the TLS connections of a hop.

use crate::decode::Dir;
use crate::flow::{
    Connection,
    tls::{At, Chain, Handshake},
};
use crate::path::Hop;
use crate::proto::{
    tls::Suite,
    x509::{Certificate, Key, Usage},
};
use crate::report::{AlertEntry, CertificateEntry, Text, TlsEntry};
use crate::time::{self, Span};

/// Connections of a hop that are told; the first of them say most.
const MOST: usize = 8;

/// Those of `connections` that lie between the ends of a hop.
pub fn of_hop<'c>(hop: &Hop, connections: impl Iterator<Item = &'c Connection>) -> Vec<TlsEntry<'c>> {
    let between = |connection: &&Connection| {
        let (a, b) = connection.id.flow.endpoints();
        [(a.ip(), b.ip()), (b.ip(), a.ip())].contains(&(hop.a.ip, hop.b.ip))
    };
    connections.filter(between).filter_map(|connection| Some(entry(connection, connection.tls.as_deref()?))).take(MOST).collect()
}

fn entry<'c>(connection: &'c Connection, tls: &'c Handshake) -> TlsEntry<'c> {
    let from = |dir: Dir| Text::endpoint(connection.id.flow.from_to(dir).0);
    let chain = |dir: Option<Dir>| tls.chain(dir?).and_then(certificate);
    let (client, server) = (tls.client, tls.client.map(Dir::reverse));
    let opening = &connection.opening;
    TlsEntry {
        opened_by: opening.is_seen().then(|| from(connection.opener)),
        rtt_ms: opening.round_trip().map(Span::as_millis_f64),
        client: client.map(from),
        server: server.map(from),
        version: tls.version().map(|version| version.to_string().into()),
        suite: tls.chosen.as_ref().map(|chosen| Suite::name_of(chosen.what.suite).into()),
        server_name: tls.offered.as_ref().and_then(|offered| offered.what.server_name.as_deref()).map(Text::from),
        protocol: tls.protocol.as_deref().map(Text::from),
        resumed: tls.is_resumed(),
        certificate_requested: tls.requested.is_some(),
        client_certificate: chain(client),
        server_certificate: chain(server),
        alerts: tls
            .alerts
            .iter()
            .map(|(dir, alert)| AlertEntry {
                from: from(*dir),
                name: alert.what.name().into(),
                meaning: alert.what.meaning().into(),
                record: alert.seen.id,
            })
            .collect(),
        complete: tls.is_complete(),
        opened: tls.opened,
        unopened: tls.unopened,
        lost: tls.lost,
    }
}

fn certificate(chain: &At<Chain>) -> Option<CertificateEntry<'_>> {
    let own = chain.what.certificates.first()?;
    Some(CertificateEntry {
        subject: own.subject.as_str().into(),
        issuer: own.issuer.as_str().into(),
        names: own.names.iter().map(|name| name.as_str().into()).collect(),
        not_before: time::rfc3339_of(own.not_before).map(Text::from),
        not_after: time::rfc3339_of(own.not_after).map(Text::from),
        key: key(own).into(),
        usage: own.usage.map(usage),
        chain: chain.what.certificates.len() as u64 + u64::from(chain.what.unreadable),
    })
}

fn key(certificate: &Certificate) -> String {
    match certificate.key {
        Key::Rsa(bits) => format!("RSA {bits}"),
        Key::Ec(bits) => format!("EC {bits}"),
        Key::Other => "other".to_owned(),
    }
}

fn usage(usage: Usage) -> Vec<Text<'static>> {
    let Usage { server, client, any } = usage;
    [(server, "server"), (client, "client"), (any, "any")].into_iter().filter(|(is, _)| *is).map(|(_, word)| Text::from(word)).collect()
}
