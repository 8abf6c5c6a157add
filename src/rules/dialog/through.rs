//! Calls to Teams that an SBC passes on from its trunk: both legs, and the media that goes to the trunk.

use crate::call::{BoundStream, Call, Leg, LegMessage, Recognition, Transaction, media};
use crate::path::gateway::first_invite;
use crate::record::SourceId;
use crate::rules::Ctx;
use crate::time::Timestamp;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// A call to Teams.
pub(super) struct Through<'c> {
    /// The leg to Microsoft.
    pub teams: &'c Leg,
    /// What it is.
    pub recognition: &'c Recognition,
    /// The SBC's address on it.
    pub sbc: IpAddr,
    /// The leg that it came in by, where it was captured, and its INVITE.
    pub trunk: Option<(&'c Leg, &'c LegMessage)>,
}

/// The legs of a call that an SBC sent to Microsoft, each with the one before it.
pub(super) fn through<'c>(call: &'c Call, ctx: &Ctx<'c>) -> Vec<Through<'c>> {
    let direct = call.legs.iter().zip(ctx.recognitions).filter(|(_, recognition)| recognition.is_direct_routing());
    let to_teams = direct.filter_map(|(teams, recognition)| {
        let invite = first_invite(teams)?;
        let (src, dst) = (invite.message.src(), invite.message.dst());
        if recognition.is_microsoft(src, dst) {
            return None;
        }
        let is_before = |(leg, on_trunk): &(&'c Leg, &'c LegMessage)| {
            leg.id != teams.id && on_trunk.message.seq() < invite.message.seq() && is_one(on_trunk.message.dst().ip(), src.ip(), ctx)
        };
        let others = call.legs.iter().zip(ctx.recognitions).filter(|(_, recognition)| !recognition.is_direct_routing());
        let trunk = others.filter_map(|(leg, _)| Some((leg, first_invite(leg)?))).filter(is_before).last();
        Some(Through { teams, recognition, sbc: src.ip(), trunk })
    });
    to_teams.collect()
}

/// Two addresses are those of one SBC.
fn is_one(a: IpAddr, b: IpAddr, ctx: &Ctx<'_>) -> bool {
    let id = |ip| ctx.topology.sbc(ip).map(|sbc| sbc.id.as_str());
    a == b || (id(a).is_some() && id(a) == id(b))
}

/// The first INVITE of a leg as a transaction.
pub(super) fn invite_of(leg: &Leg) -> Option<&Transaction> {
    leg.initial_invites().find(|transaction| transaction.request.is_some())
}

/// When an INVITE was over: its final response, or the end of the leg.
pub(super) fn over(leg: &Leg, invite: &Transaction) -> Option<Timestamp> {
    let last = invite.last.and_then(|idx| leg.message(idx)).map(|message| message.message.at());
    [last, leg.ended].into_iter().flatten().min()
}

/// Streams that go to whom the trunk's leg came from, as its descriptions name it and `source` saw them; other ports are taken in.
pub(super) fn media_to<'c>(call: &'c Call, (trunk, invite): (&'c Leg, &LegMessage), source: SourceId) -> Vec<&'c BoundStream> {
    let peer = invite.message.src().ip();
    let own = trunk.described.iter().filter(|one| trunk.message(one.message).is_some_and(|m| m.message.src().ip() == peer));
    let ips: BTreeSet<IpAddr> = own.flat_map(|one| one.lines(trunk)).flat_map(media::endpoints).map(|end| end.ip()).collect();
    let is_seen = |bound: &BoundStream| bound.stream.passes.iter().any(|pass| pass.first().source == source);
    call.streams.iter().filter(|bound| ips.contains(&bound.stream.flow.from_to(bound.stream.dir).1.ip()) && is_seen(bound)).collect()
}

/// The source that saw all of these messages, if it was one: times of two sources do not compare.
pub(super) fn one_clock(messages: &[&LegMessage]) -> Option<SourceId> {
    let first = messages.first()?.message.course().source;
    messages.iter().all(|message| message.message.course().source == first).then_some(first)
}
