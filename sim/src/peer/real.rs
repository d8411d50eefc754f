//! A model peer beside real clients: where it really is, and a line for each message.
//!
//! In a world everybody who has to know finds addresses in [`crate::sample`], and an engine tells what was said. A real
//! client tells nothing, so the model does.

use super::ModelPeer;
use crate::timeline::{Arrow, Line};
use seedbed_engine::id::{ConnId, PeerId};
use seedbed_engine::time::Instant;
use seedbed_engine::wire::Message;
use std::net::SocketAddr;

impl ModelPeer {
    /// Puts it behind this port, and these clients where it dials; whom it waits for is told as well.
    pub fn place(&mut self, port: u16, clients: Vec<SocketAddr>) {
        self.port = port;
        self.engines = clients;
    }

    /// From now on every message of both sides is a line. The other side is called by the connection's number.
    pub const fn tell_messages(&mut self) {
        self.tells_messages = true;
    }
}

fn line(who: &str, at: Instant, arrow: Arrow, id: ConnId, text: String) -> Line {
    Line {
        at,
        who: who.into(),
        arrow,
        other: id.to_string(),
        text,
        folds: true,
    }
}

/// The model says a message.
pub(super) fn said(who: &str, at: Instant, id: ConnId, message: &Message) -> Line {
    line(who, at, Arrow::Out, id, message.to_string())
}

/// The model says bytes that need not be a message.
pub(super) fn raw(who: &str, at: Instant, id: ConnId, bytes: usize) -> Line {
    line(who, at, Arrow::Out, id, format!("{bytes} bytes as they are"))
}

/// The other side says a message.
pub(super) fn heard(who: &str, at: Instant, id: ConnId, message: &Message) -> Line {
    line(who, at, Arrow::In, id, message.to_string())
}

/// The other side's handshake is whole.
pub(super) fn shaken(who: &str, at: Instant, id: ConnId, peer: PeerId) -> Line {
    line(who, at, Arrow::In, id, format!("handshake of {}", peer.client()))
}
