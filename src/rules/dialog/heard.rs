//! Whether an answer would be in the capture if there was one.

use crate::call::LegMessage;
use crate::decode::Dir;
use crate::rules::Ctx;

/// What the receiver of a message sends back on its connection is in the capture, with nothing missing. Fails with what is missing.
pub fn is_heard(message: &LegMessage, ctx: &Ctx<'_>) -> Result<(), String> {
    let Some(connection) = ctx.connection(message) else { return Err("the message's connection is no longer known".to_owned()) };
    let dir = if connection.id.flow.endpoints().0 == message.message.src() { Dir::Up } else { Dir::Down };
    let back = connection.half(dir.reverse());
    if back.first.is_none() {
        return Err(format!("nothing that {} sends is in the capture", message.message.dst().ip()));
    }
    if back.lost > 0 {
        return Err(format!("bytes that {} sends are missing in the capture", message.message.dst().ip()));
    }
    Ok(())
}
