//! Time-outs of a connection (protocol.md §6–8).

use super::{End, Output, Phase, Session};
use crate::time::Instant;
use crate::wire::Message;
use alloc::vec::Vec;

impl Session {
    /// When [`Session::handle_timeout`] is due.
    pub fn deadline(&self) -> Option<Instant> {
        let config = &self.rules.config;
        match self.phase {
            Phase::Connecting => Some(self.created + config.connect_timeout),
            Phase::Encrypting(_) | Phase::Handshaking(_) => Some(self.established + config.handshake_timeout),
            Phase::Over => None,
            Phase::Open(_) if self.held.is_some() => Some(self.last_sent + config.keepalive_after),
            Phase::Open(_) => {
                let idle = self.last_received + config.idle_timeout;
                let keepalive = self.last_sent + config.keepalive_after;
                let next = idle.min(keepalive);
                let next = self.useless_at().map_or(next, |at| at.min(next));
                let next = self.refusals.deadline().map_or(next, |at| at.min(next));
                Some(self.requests.deadline(config).map_or(next, |at| at.min(next)))
            }
        }
    }

    /// When the connection has been of no use for too long. Keep-alives do not put it off.
    fn useless_at(&self) -> Option<Instant> {
        let idle = !self.am_interested && !self.peer_interested;
        idle.then(|| self.last_wanted + self.rules.config.useless_timeout)
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant, outputs: &mut Vec<Output>) {
        let rules = self.rules.clone();
        let config = &rules.config;
        let end = match self.phase {
            Phase::Connecting if now >= self.created + config.connect_timeout => Some(End::ConnectTimeout),
            Phase::Encrypting(_) | Phase::Handshaking(_)
                if now >= self.established + config.handshake_timeout =>
            {
                Some(End::HandshakeTimeout)
            }
            Phase::Open(_) if self.held.is_some() => None,
            Phase::Open(_) if now >= self.last_received + config.idle_timeout => Some(End::Silent),
            Phase::Open(_) if self.useless_at().is_some_and(|at| now >= at) => Some(End::Useless),
            Phase::Open(_) => None,
            Phase::Connecting | Phase::Encrypting(_) | Phase::Handshaking(_) | Phase::Over => return,
        };
        if let Some(end) = end {
            self.end();
            outputs.push(Output::Ended(end));
            return;
        }
        self.refusals.handle_timeout(now);
        if self.held.is_none() && self.requests.becomes_snubbed(now, config) {
            outputs.push(Output::Snubbed {
                released: self.requests.release_all(),
            });
        }
        while self.held.is_none()
            && let Some(range) = self.requests.expired(now, config, self.reserved.fast())
        {
            self.send(now, &Message::Cancel(range));
            outputs.push(Output::Expired(range));
        }
        if now >= self.last_sent + config.keepalive_after {
            self.send(now, &Message::KeepAlive);
        }
    }
}
