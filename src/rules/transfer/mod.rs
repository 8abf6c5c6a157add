//! Transfer, forwarding and History-Info (section E of the catalogue), and what its rules share: a REFER of Microsoft's, and the INVITEs
//! that the SBC sends because of it.

use crate::call::{LegMessage, Recognition, transfer};
use crate::proto::sip::{HeaderName, Method, Uri, lossy, typed};
use crate::rules::{
    Ctx, Heeds,
    identity::written::{single, values},
};
use std::net::IpAddr;

pub mod dr102_refer_rejected;
pub mod dr104_refer_invite_missing;
pub mod dr105_refer_target_altered;
pub mod dr106_referred_by_lost;

/// A REFER of Microsoft's, which the rules on transfers begin with.
pub const REFER: Heeds = Heeds::FROM_MICROSOFT.requests(&[Method::Refer]);
/// Why nothing is said of a leg with more messages than are kept.
const LET_GO: &str = "the leg has more messages than are kept";

/// An INVITE outside a dialog that the SBC sent soon after a REFER, and what its leg is.
#[derive(Clone, Copy)]
pub struct Follower<'a> {
    /// The INVITE.
    pub invite: &'a LegMessage,
    recognition: &'a Recognition,
    ctx: Ctx<'a>,
}

impl<'a> Follower<'a> {
    /// It goes to Microsoft.
    pub fn is_to_microsoft(&self) -> bool {
        let (src, dst) = (self.invite.message.src(), self.invite.message.dst());
        self.recognition.is_direct_routing() && self.recognition.is_microsoft(dst, src)
    }

    /// Its final response, else the last provisional one.
    pub fn answer(&self) -> Option<&'a LegMessage> {
        self.ctx.answer(self.invite)
    }
}

/// A REFER of Microsoft's.
pub fn is_refer(message: &LegMessage, ctx: &Ctx<'_>) -> bool {
    message.start.is_request && message.start.method == Method::Refer && ctx.from_microsoft(message)
}

/// Status of the final response to a request.
pub fn status(message: &LegMessage, ctx: &Ctx<'_>) -> Option<u16> {
    ctx.transaction(message)?.status(ctx.leg?.0)
}

/// INVITEs outside a dialog that the SBC sent within the time of a transfer after the REFER, in other legs of the call.
pub fn followers<'a>(refer: &LegMessage, ctx: &Ctx<'a>) -> Vec<Follower<'a>> {
    let (Some(call), Some((own, _)), sbc) = (ctx.call, ctx.leg, refer.message.dst().ip()) else { return Vec::new() };
    let legs = call.legs.iter().zip(ctx.recognitions).filter(|(leg, _)| leg.id != own.id);
    let first = legs.filter_map(|(leg, recognition)| {
        let invite = leg.initial_invites().find_map(|transaction| leg.message(transaction.request?))?;
        Some(Follower { invite, recognition, ctx: ctx.of_leg(leg, recognition) })
    });
    let is_soon =
        |invite: &LegMessage| invite.message.seq() > refer.message.seq() && invite.message.at() - refer.message.at() <= transfer::WITHIN;
    first.filter(|one| is_soon(one.invite) && is_one(one.invite.message.src().ip(), sbc, ctx)).collect()
}

/// INVITEs to Microsoft that are meant to follow the REFER, by what they have in common with it; those are left out that do what another
/// REFER of the call asked for.
pub fn meant<'a>(refer: &LegMessage, ctx: &Ctx<'a>) -> Vec<Follower<'a>> {
    let Some(target) = single(refer, HeaderName::ReferTo) else { return Vec::new() };
    let (marks, by) = (transfer::marks(&refer.sip(), &target), values(refer, HeaderName::ReferredBy));
    let is_meant = |one: &Follower<'a>| {
        let sip = one.invite.sip();
        let Some(uri) = sip.request_uri().map(lossy) else { return false };
        let theirs = sip.first(HeaderName::ReferredBy);
        let begins = theirs.as_deref().map(lossy).is_some_and(|theirs| by.first().is_some_and(|by| by.starts_with(theirs.trim())));
        begins || Uri::user_of(&uri).is_none() || transfer::marks(&sip, &uri).iter().any(|mark| marks.contains(mark))
    };
    let others = others(refer, ctx);
    let is_others = |one: &Follower<'a>| others.iter().any(|other| lost(other, one.invite).is_empty());
    followers(refer, ctx).into_iter().filter(|one| one.is_to_microsoft() && is_meant(one) && !is_others(one)).collect()
}

/// Other REFERs of the call that name somebody by Microsoft's own parameters.
fn others<'a>(refer: &LegMessage, ctx: &Ctx<'a>) -> Vec<&'a LegMessage> {
    let Some(call) = ctx.call else { return Vec::new() };
    let all = call.legs.iter().flat_map(|leg| &leg.messages).filter(|m| m.start.is_request && m.start.method == Method::Refer);
    let others = all.filter(|m| !m.retransmission && m.message.seq() != refer.message.seq());
    others.filter(|m| single(m, HeaderName::ReferTo).is_some_and(|value| !transfer::extensions(&value).is_empty())).collect()
}

/// What of the target that a REFER points to is lost or changed in an INVITE: names of Microsoft's own parameters, and the host.
pub fn lost(refer: &LegMessage, invite: &LegMessage) -> Vec<String> {
    let Some(target) = single(refer, HeaderName::ReferTo) else { return Vec::new() };
    let uri = invite.sip().request_uri().map(lossy).unwrap_or_default();
    let theirs = transfer::extensions(&uri);
    let own = transfer::extensions(&target).into_iter().filter(|one| !theirs.contains(one)).map(|(name, _)| name);
    let hosts = [typed::host(&target), typed::uri_host(&uri)];
    own.chain((hosts[0] != hosts[1]).then(|| "host".to_owned())).collect()
}

/// Two addresses are those of one SBC.
fn is_one(a: IpAddr, b: IpAddr, ctx: &Ctx<'_>) -> bool {
    let id = |ip| ctx.topology.sbc(ip).map(|sbc| sbc.id.as_str());
    a == b || (id(a).is_some() && id(a) == id(b))
}
