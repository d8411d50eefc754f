//! Fetching: whole pieces, rarest first, eight requests at a time.

use super::ModelPeer;
use super::check::CONTENT;
use crate::actor::Cx;
use seedbed_engine::block::Block;
use seedbed_engine::geometry::BlockRange;
use seedbed_engine::id::{ConnId, PieceIndex};
use seedbed_engine::time::Duration;
use seedbed_engine::wire::Message;

/// Requests outstanding on one connection.
const PIPELINE: usize = 8;

/// Requests that are not answered for so long are taken back.
const PATIENCE: Duration = Duration::from_secs(60);

impl ModelPeer {
    /// Says whether something is wanted of the other, when that changed.
    pub(super) fn follow_interest(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        let wanted = self.spec.leech && !self.have.is_full() && conn.theirs.count_without(&self.have) > 0;
        if wanted != conn.am_interested {
            conn.am_interested = wanted;
            let message = if wanted {
                Message::Interested
            } else {
                Message::NotInterested
            };
            self.say(cx, id, message);
        }
    }

    /// Asks for blocks while the pipeline has room.
    pub(super) fn fill(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        while let Some(conn) = self.conns.get_mut(&id) {
            if !conn.is_open() || !conn.am_interested || conn.asked.len() >= PIPELINE {
                return;
            }
            let granted = conn.fast && !conn.granted_to_us.is_empty();
            if conn.they_choke && !granted {
                return;
            }
            let next = conn.wanted.front().copied();
            let Some(range) = next else {
                if !self.choose(id) {
                    return;
                }
                continue;
            };
            if conn.they_choke && !conn.granted_to_us.contains(&range.piece) {
                return;
            }
            conn.wanted.pop_front();
            conn.asked.push(range);
            conn.asking = Some(range);
            self.say(cx, id, Message::Request(range));
        }
    }

    /// Takes up the rarest piece that nobody fetches. False when there is none.
    fn choose(&mut self, id: ConnId) -> bool {
        let Some(conn) = self.conns.get(&id) else {
            return false;
        };
        let pieces = self.geometry.pieces();
        let rarity = |piece: PieceIndex| {
            let others = self.conns.values().filter(|conn| conn.theirs.contains(piece));
            others.count()
        };
        let piece = (0..pieces)
            .map(|n| PieceIndex((n + self.first_piece) % pieces))
            .filter(|piece| !self.have.contains(*piece) && conn.theirs.contains(*piece))
            .filter(|piece| !self.active.contains_key(piece))
            .filter(|piece| !conn.they_choke || conn.granted_to_us.contains(piece))
            .min_by_key(|piece| rarity(*piece));
        let Some(piece) = piece else { return false };
        self.active.insert(piece, id);
        let here = self.blocks.entry(piece).or_default();
        let missing: Vec<BlockRange> = (0..self.geometry.blocks_in(piece))
            .filter(|n| !here.contains(n))
            .filter_map(|n| self.geometry.block(piece, n))
            .collect();
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.wanted.extend(missing);
        }
        true
    }

    /// They choke: without the Fast extension nothing of what was asked will come.
    pub(super) fn choked(&mut self, id: ConnId) {
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.they_choke = true;
            if !conn.fast {
                for range in std::mem::take(&mut conn.asked).into_iter().rev() {
                    conn.wanted.push_front(range);
                }
            }
        }
    }

    pub(super) fn rejected(&mut self, id: ConnId, range: BlockRange) {
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        conn.counters.rejects += 1;
        if let Some(at) = conn.asked.iter().position(|asked| *asked == range) {
            conn.asked.remove(at);
            // it is asked for again when something else happens here
            conn.wanted.push_back(range);
        } else {
            conn.forget(range);
        }
    }

    /// Takes requests back that nobody answers.
    pub(super) fn give_up_requests(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        if conn.asked.is_empty() || conn.they_choke || cx.now.since(conn.last_block) < PATIENCE {
            return;
        }
        conn.last_block = cx.now;
        for range in std::mem::take(&mut conn.asked) {
            if let Some(conn) = self.conns.get_mut(&id) {
                conn.taken_back.push(range);
                conn.wanted.push_back(range);
            }
            self.say(cx, id, Message::Cancel(range));
        }
    }

    pub(super) fn block(&mut self, cx: &mut Cx<'_>, id: ConnId, range: BlockRange, data: &Block) {
        let right = self
            .torrent
            .block_bytes(range.piece, range.begin, range.length)
            .is_some_and(|bytes| bytes == data.as_bytes());
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        conn.last_block = cx.now;
        conn.counters.received += data.len() as u64;
        match conn.asked.iter().position(|asked| *asked == range) {
            Some(at) => {
                conn.asked.remove(at);
            }
            None => conn.forget(range),
        }
        if !right {
            conn.counters.blocks_wrong += 1;
            self.violation(cx.now, CONTENT);
            return;
        }
        conn.counters.blocks_right += 1;
        let Some(number) = self.geometry.block_number(range) else {
            return;
        };
        if self.have.contains(range.piece) {
            return;
        }
        let here = self.blocks.entry(range.piece).or_default();
        here.insert(number);
        if here.len() as u32 == self.geometry.blocks_in(range.piece) {
            self.blocks.remove(&range.piece);
            self.active.remove(&range.piece);
            self.have.insert(range.piece);
            self.announce(cx, range.piece);
        }
    }
}
