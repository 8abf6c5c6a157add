//! What the rules on calls that an SBC took from Microsoft share: the INVITE with the SBC's final response, and the legs on the other side.

use crate::call::{Call, Leg, LegKind, LegMessage, Transaction};
use crate::decode::Dir;
use crate::proto::sip::Method;
use crate::rules::Ctx;
use crate::topology::Gateway;
use std::net::IpAddr;

/// Why nothing is said of a message that is not whole.
pub const CUT: &str = "message is cut by the snap length";

/// An INVITE outside a dialog that Microsoft sent.
#[derive(Debug, Clone, Copy)]
pub struct Taken<'a> {
    /// Its leg.
    pub leg: &'a Leg,
    /// Its transaction.
    pub transaction: &'a Transaction,
    /// The INVITE.
    pub invite: &'a LegMessage,
}

/// Those of the leg that is looked at, if it is Direct Routing.
pub fn taken<'a>(leg: &'a Leg, ctx: &Ctx<'_>) -> Vec<Taken<'a>> {
    if !ctx.leg.is_some_and(|(_, recognition)| recognition.is_direct_routing()) {
        return Vec::new();
    }
    let invites = leg.initial_invites().filter_map(|transaction| Some((transaction, leg.message(transaction.request?)?)));
    invites.filter(|(_, invite)| ctx.from_microsoft(invite)).map(|(transaction, invite)| Taken { leg, transaction, invite }).collect()
}

impl<'a> Taken<'a> {
    /// The SBC.
    pub fn sbc(&self) -> IpAddr {
        self.invite.message.dst().ip()
    }

    /// The final response.
    pub fn last(&self) -> Option<&'a LegMessage> {
        self.leg.message(self.transaction.last?)
    }

    /// The first provisional response other than 100.
    pub fn progress(&self) -> Option<&'a LegMessage> {
        let all = self.transaction.provisional.iter().filter_map(|idx| self.leg.message(*idx));
        all.filter(|message| message.start.status.is_some_and(|status| status > 100)).min_by_key(|message| message.message.seq())
    }

    /// Microsoft's CANCEL of it.
    pub fn cancel(&self) -> Option<&'a LegMessage> {
        let same = |t: &&Transaction| t.method == Method::Cancel && t.number == self.transaction.number;
        self.leg.transactions.iter().filter(same).find_map(|t| self.leg.message(t.request?))
    }

    /// What the SBC sends is in the capture: a message of the leg, or a packet on its connection.
    pub fn hears_sbc(&self, ctx: &Ctx<'_>) -> bool {
        let by_sbc = |message: &LegMessage| message.message.src() == self.invite.message.dst();
        self.leg.messages.iter().any(by_sbc) || heard(ctx, self.invite)
    }

    /// The legs that the SBC sent because of it, first INVITE first.
    pub fn sent_on(&self, call: &'a Call, ctx: &Ctx<'a>) -> Vec<SentOn<'a>> {
        let others = call.legs.iter().zip(ctx.recognitions).filter(|(leg, r)| leg.kind == LegKind::Call && !r.is_direct_routing());
        let later = others.filter(|(leg, _)| leg.id > self.leg.id);
        let sbc = self.sbc();
        let by_sbc = later.filter(|(leg, _)| leg.ends().is_some_and(|(from, _)| is_host(ctx, from.ip(), sbc)));
        let with_invite = by_sbc.filter_map(|(leg, _)| {
            let transaction = leg.initial_invites().last()?;
            Some(SentOn { leg, transaction, invite: leg.message(transaction.request?)? })
        });
        with_invite.collect()
    }

    /// The gateways of the topology that may carry it.
    pub fn gateways(&self, ctx: &Ctx<'a>) -> Vec<&'a Gateway> {
        ctx.carriers().map(|carriers| carriers.gateways).unwrap_or_default()
    }
}

/// A leg on the other side of the SBC.
#[derive(Debug, Clone, Copy)]
pub struct SentOn<'a> {
    /// The leg.
    pub leg: &'a Leg,
    /// Its last INVITE outside a dialog.
    pub transaction: &'a Transaction,
    /// That INVITE.
    pub invite: &'a LegMessage,
}

impl<'a> SentOn<'a> {
    /// The final response.
    pub fn last(&self) -> Option<&'a LegMessage> {
        self.leg.message(self.transaction.last?)
    }

    /// The first response that says that the call gets on: 18x or 2xx.
    pub fn progress(&self) -> Option<&'a LegMessage> {
        let all = self.transaction.provisional.iter().chain(&self.transaction.last).filter_map(|idx| self.leg.message(*idx));
        let gets_on = |message: &&LegMessage| message.start.status.is_some_and(|status| (101..300).contains(&status));
        all.filter(gets_on).min_by_key(|message| message.message.seq())
    }

    /// What the far side sends is in the capture.
    pub fn hears_far(&self, ctx: &Ctx<'_>) -> bool {
        let far = self.invite.message.dst();
        self.leg.messages.iter().any(|message| message.message.src().ip() == far.ip()) || heard(ctx, self.invite)
    }
}

/// A packet of the receiver of this message is on its connection.
fn heard(ctx: &Ctx<'_>, message: &LegMessage) -> bool {
    let Some(connection) = ctx.connection(message) else { return false };
    let from_receiver = |dir: &Dir| connection.id.flow.from_to(*dir).0 == message.message.dst();
    [Dir::Up, Dir::Down].into_iter().find(from_receiver).is_some_and(|dir| connection.half(dir).first.is_some())
}

/// Both addresses are of one SBC.
fn is_host(ctx: &Ctx<'_>, one: IpAddr, other: IpAddr) -> bool {
    let id = |ip| ctx.topology.sbc(ip).map(|sbc| sbc.id.as_str());
    one == other || id(one).is_some_and(|known| Some(known) == id(other))
}
