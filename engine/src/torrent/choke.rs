//! Choking rounds: gathers what the choker has to know, carries out what it decides.

use super::{Context, Torrent};
use crate::choker::PeerState;
use crate::report::Report;
use crate::time::Instant;
use alloc::string::ToString;
use alloc::vec::Vec;

impl Torrent {
    pub(super) fn choke_deadline(&self) -> Option<Instant> {
        if self.sessions.is_empty() || !self.takes_peers() {
            None
        } else {
            self.choker.deadline()
        }
    }

    pub(super) fn choke_timeout(&mut self, cx: &mut Context<'_>) {
        // also without peers, or the round of the first one would be long overdue when it comes
        if self.choker.deadline().is_none_or(|at| cx.now < at) {
            return;
        }
        self.offers_in_round();
        let seeding = self.is_complete();
        let peers: Vec<PeerState> = self
            .sessions
            .iter()
            .filter(|(_, peer)| peer.session.is_open())
            .map(|(conn, peer)| {
                let session = &peer.session;
                let (rate_from, rate_to) = session.rates(cx.now);
                let (unchoked_since, uploaded_this_unchoke) = session.this_unchoke();
                PeerState {
                    key: *conn,
                    interested: session.peer_interested(),
                    unchoked: !session.am_choking(),
                    rate_from,
                    rate_to,
                    snubbed: session.snubbed(),
                    connected_at: session.established(),
                    last_block_from: session.last_block(),
                    uploaded_this_unchoke,
                    unchoked_since,
                    last_change: session.last_choke_change(),
                    is_seed: self.picker.peer_is_seed(*conn),
                }
            })
            .collect();
        for decision in self.choker.handle_timeout(cx.now, seeding, &peers) {
            let Some(peer) = self.sessions.get_mut(&decision.peer) else {
                continue;
            };
            if peer.session.am_choking() != decision.unchoke {
                continue;
            }
            peer.session.set_choking(cx.now, !decision.unchoke);
            self.dirty.insert(decision.peer);
            let (conn, unchoked, why) = (decision.peer, decision.unchoke, decision.reason.to_string());
            self.report(
                cx,
                Report::Choke {
                    torrent: self.id,
                    conn,
                    unchoked,
                    why,
                },
            );
        }
    }

    /// Changes the number of unchoke slots: what each torrent may have, unless this one has a limit of its own, and no
    /// more than its part of all.
    pub fn set_slots(&mut self, each: u32, part: u32) {
        self.choker
            .set_slots(self.add.limits.slots.unwrap_or(each).min(part));
    }
}
