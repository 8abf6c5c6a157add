//! Which end of a leg that is not Microsoft's is the SBC.

use crate::call::Call;
use crate::rules::Ctx;
use std::net::{IpAddr, SocketAddr};

/// The SBC of a leg that is not Microsoft's, and its peer; nothing where no leg of the call is Direct Routing, and where none or both
/// ends are an SBC.
pub(super) fn parties(call: &Call, (a, b): (SocketAddr, SocketAddr), ctx: &Ctx<'_>) -> Option<(IpAddr, IpAddr)> {
    let mut direct = call.legs.iter().zip(ctx.recognitions).filter(|(_, recognition)| recognition.is_direct_routing()).peekable();
    direct.peek()?;
    let own: Vec<IpAddr> = direct
        .filter_map(|(leg, recognition)| {
            let (a, b) = leg.ends()?;
            Some(if recognition.is_microsoft(a, b) { b.ip() } else { a.ip() })
        })
        .collect();
    let is_sbc = |end: SocketAddr| own.contains(&end.ip()) || ctx.topology.sbc(end.ip()).is_some();
    match (is_sbc(a), is_sbc(b)) {
        (true, false) => Some((a.ip(), b.ip())),
        (false, true) => Some((b.ip(), a.ip())),
        _ => None,
    }
}
