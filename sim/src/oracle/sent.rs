//! What the engine says to peers.

use super::conn::{Asked, Conn, Kind};
use super::decisions;
use super::received::take;
use super::stream::Said;
use super::table::Oracle;
use super::watch::Watch;
use seedbed_engine::config::Encryption;
use seedbed_engine::geometry::BlockRange;
use seedbed_engine::id::{ConnId, PieceIndex};

impl Watch {
    pub(crate) fn sent(&mut self, id: ConnId, head: &[u8], body: &[u8]) {
        self.named(id, "Send");
        let bound = self.setup.config.send_buffer_max;
        let block = u64::from(self.geometry.block_length()).max(body.len() as u64);
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        if conn.kind == Kind::Unknown {
            conn.kind = if head.starts_with(b"GET ") {
                Kind::Http
            } else {
                Kind::Peer
            };
        }
        let waiting = conn.given.saturating_sub(conn.taken);
        conn.given += (head.len() + body.len()) as u64;
        conn.said_at = self.now;
        if waiting == 0 {
            conn.control = 0;
        }
        conn.control += head.len() as u64;
        // what is sent before the last look at the buffer may be one block too many
        let kept = body.is_empty() || waiting <= bound + block + conn.control;
        self.verdicts.check(Oracle::I18, kept, || {
            format!("{id} has {waiting} bytes waiting to be sent")
        });
        if conn.kind == Kind::Http {
            let to = conn.addr;
            self.http_request(to, head);
            return;
        }
        if self.paused && self.story.quiet {
            self.verdicts
                .check(Oracle::I33, false, || format!("sent to {id} while paused"));
        }
        let (dialled, torrent) = (conn.dialled, self.setup.metainfo.info_hash.0);
        let clear = [head, body].map(|part| conn.tap.sent(part, dialled, &torrent));
        let (shown, required) = (
            conn.tap.is_open() || conn.tap.offers_plain(),
            self.setup.config.encryption == Encryption::Require,
        );
        self.verdicts.check(Oracle::I37, !(required && shown), || {
            format!("{id} is spoken to in plain, or offered to be, and encryption is required")
        });
        if dialled || clear.iter().any(|part| !part.is_empty()) {
            self.heard_before(id);
        }
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        let mut stream = std::mem::take(&mut conn.sent);
        if !body.is_empty() {
            self.goes(body.len() as u64);
        }
        for part in clear {
            stream.feed(&part, |said| self.said(id, said));
        }
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.sent = stream;
        }
        self.touch(id);
    }

    fn said(&mut self, id: ConnId, said: Said<'_>) {
        let now = self.now;
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        if let Some(decision) = decisions::shown(&said, &self.geometry) {
            self.decisions.add(now, conn.addr.ip(), decision);
        }
        let first = conn.messages == 0;
        let shaken = conn.ours.is_some();
        match said {
            Said::Handshake(bytes) => {
                conn.ours = bytes[20..28].first_chunk().copied();
                self.shakes(bytes);
                return;
            }
            _ => conn.messages += 1,
        }
        self.verdicts.check(Oracle::I17, shaken, || {
            format!("{id}: {said:?} before the handshake")
        });
        match said {
            Said::Choke => {
                conn.choked = true;
                conn.interested_late = None;
                self.choking.push(id);
            }
            Said::Unchoke => {
                conn.choked = false;
                conn.waits_since = None;
                self.unchoking = Some(id);
                self.turn_begins();
            }
            Said::Interested => conn.interesting = true,
            Said::NotInterested => conn.interesting = false,
            Said::Have(piece) => self.announced(id, piece),
            Said::Bitfield(_) | Said::HaveAll | Said::HaveNone => {
                self.verdicts.check(Oracle::I17, first, || {
                    format!("{id}: a bitfield that is not first")
                });
                self.announced_all(id, said);
            }
            Said::Request(range) => self.requested(id, range),
            Said::Cancel(range) => self.cancelled(id, range),
            Said::Piece(piece, begin, data) => self.served(id, piece, begin, data),
            Said::Reject(range) => {
                // what the peer took back is refused first
                let _ = take(&mut conn.unwanted, range) || take(&mut conn.wanted, range);
            }
            Said::AllowedFast(piece) => conn.allowed_to_peer.push(piece),
            Said::Extended(body) => self.extended(id, body),
            Said::KeepAlive | Said::Suggest(_) | Said::Other(_) | Said::Handshake(_) | Said::TooLong(_) => {}
        }
        if let Some(conn) = self.conns.get_mut(&id)
            && !conn.choked
            && conn.interested
        {
            conn.waits_since = None;
        } else if let Some(conn) = self.conns.get_mut(&id)
            && conn.choked
            && conn.interested
        {
            conn.waits_since = conn.waits_since.or(Some(now));
        }
    }

    /// I24: nothing of a private torrent may find peers but its trackers (BEP 27).
    fn shakes(&mut self, bytes: &[u8]) {
        if self.setup.metainfo.private {
            let dht = bytes.get(27).is_some_and(|bits| bits & 1 != 0);
            self.verdicts
                .check(Oracle::I24, !dht, || "the handshake offers DHT".into());
        }
    }

    fn extended(&mut self, id: ConnId, body: &[u8]) {
        if body.first() != Some(&0) {
            self.asks_for_metadata(id, body);
            self.exchanges(id, body);
            return;
        }
        if self.setup.metainfo.private {
            let pex = body.windows(6).any(|window| window == b"ut_pex");
            self.verdicts.check(Oracle::I24, !pex, || {
                "the extended handshake offers ut_pex".into()
            });
        }
    }

    /// I1: what we say that we have.
    fn announced(&mut self, id: ConnId, piece: PieceIndex) {
        let proven = self.is_proven(piece);
        self.verdicts.check(Oracle::I1, proven, || {
            format!("{id} is told of {piece}, whose hash was never right")
        });
    }

    fn announced_all(&mut self, id: ConnId, said: Said<'_>) {
        match said {
            Said::Bitfield(bytes) => {
                for piece in self.geometry.piece_indices() {
                    let byte = bytes.get(piece.as_usize() / 8).copied().unwrap_or(0);
                    if byte & (0x80 >> (piece.0 % 8)) != 0 {
                        self.announced(id, piece);
                    }
                }
            }
            Said::HaveAll => {
                let full = self.proven.is_full();
                self.verdicts.check(Oracle::I1, full, || {
                    format!("{id} is told that we have everything")
                });
            }
            _ => {}
        }
    }

    /// I6 to I9, I5's half of asking: a request of ours.
    fn requested(&mut self, id: ConnId, range: BlockRange) {
        let (now, config) = (self.now, &self.setup.config.session);
        let (reqq_default, pipeline_max) = (config.reqq_default, config.pipeline_max);
        let whole = self.is_block(range);
        let again = self.conns.get(&id).is_some_and(|conn| conn.holds(range));
        let askers = self.blocks.askers(range);
        let come = !self.disk_errors && (self.blocks.has_come(range) || self.have.contains(range.piece));
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        let with = Some(conn.addr.ip());
        let may = !conn.choking_us || conn.fast() && conn.allowed_to_us.contains(&range.piece);
        let has = conn.has.contains(range.piece);
        let (most, now_out) = (
            conn.requests_max(reqq_default, pipeline_max),
            conn.asked.len() + 1,
        );
        let others = conn.asked.len();
        if others == 0 {
            conn.progress = now;
        }
        conn.asked.push(Asked {
            range,
            at: now,
            cancelled: false,
            released: conn.snubbed,
        });
        // what a silent peer is asked for is free for others from the beginning
        let counts = !conn.snubbed;
        let verdicts = &mut self.verdicts;
        verdicts.check(Oracle::I6, may && has, || {
            format!("{range} is asked of {id}, which has it: {has}, lets us: {may}")
        });
        verdicts.check(Oracle::I7, whole, || {
            format!("{range} is no block of the torrent")
        });
        verdicts.check(Oracle::I9, now_out <= most, || {
            format!("{now_out} requests are outstanding at {id}, which takes {most}")
        });
        verdicts.check(Oracle::I8, !again && !come, || {
            format!("{range} is asked of {id}, outstanding there: {again}, come already: {come}")
        });
        if askers > 0 && counts {
            self.racing.push((id, range));
        }
        if counts {
            self.blocks.asked(range, self.now);
        }
        // an answer may come from each
        self.traffic.raced += u64::from(askers > 0 || !counts);
        self.moment("request", with);
    }

    /// I8: what was asked of several. Who was asked before may have been told not to send it in the same step.
    pub(crate) fn races(&mut self) {
        while let Some((id, range)) = self.racing.pop() {
            let others = self.blocks.askers(range).saturating_sub(1);
            if others == 0 {
                continue;
            }
            let free = if self.disk_errors { None } else { self.free_for(id) };
            let few = u32::from(others) < self.setup.config.picker.endgame_duplicates_max;
            self.verdicts.check(Oracle::I8, free.is_none() && few, || {
                format!("{range} is asked of {others} others although {free:?} is free")
            });
        }
    }

    /// A block that this peer has and nobody is asked for. Who was asked and then told not to send it still owes an
    /// answer (BEP 6): the engine may count on that one again without another word.
    pub(crate) fn free_for(&self, id: ConnId) -> Option<BlockRange> {
        let conn = self.conns.get(&id)?;
        let lacks = |piece: &PieceIndex| self.wanted.contains(*piece) && !self.have.contains(*piece);
        let needed = conn.has.iter().filter(lacks);
        let blocks = needed.flat_map(|piece| self.blocks.free(piece).map(move |n| (piece, n)));
        let mut ranges = blocks.filter_map(|(piece, n)| self.geometry.block(piece, n));
        let owes = |conn: &Conn, range| conn.asked.iter().any(|asked| asked.range == range);
        ranges.find(|range| !self.conns.values().any(|conn| owes(conn, *range)))
    }

    fn cancelled(&mut self, id: ConnId, range: BlockRange) {
        let timeout = self.setup.config.session.request_timeout;
        let now = self.now;
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        if conn.holds(range) {
            self.blocks.unasked(range);
        }
        let fast = conn.fast();
        // an older request of the same block may wait for the answer to its cancel
        let open = |asked: &Asked| asked.range == range && !asked.cancelled;
        let any = |asked: &Asked| asked.range == range;
        let at = conn
            .asked
            .iter()
            .position(open)
            .or_else(|| conn.asked.iter().position(any));
        let Some(at) = at else { return };
        if fast {
            // who was asked for long enough has as long again for the answer to the cancel
            let asked = &mut conn.asked[at];
            if now >= asked.at + timeout {
                asked.at = now;
            }
            asked.cancelled = true;
        } else {
            conn.asked.remove(at);
        }
        self.traffic.lost += 1;
    }

    /// I14: a block of ours.
    fn served(&mut self, id: ConnId, piece: PieceIndex, begin: u32, data: &[u8]) {
        let range = BlockRange {
            piece,
            begin,
            length: data.len() as u32,
        };
        let proven = self.is_proven(piece);
        let right = self.sound_disk.then(|| {
            let from = piece.as_usize() * self.geometry.piece_length() as usize + begin as usize;
            self.setup.content.get(from..from + data.len()) == Some(data)
        });
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        let with = Some(conn.addr.ip());
        let wanted = take(&mut conn.wanted, range) || take(&mut conn.unwanted, range);
        let may = !conn.choked || conn.allowed_to_peer.contains(&piece);
        self.traffic.sent += data.len() as u64;
        self.verdicts.check(Oracle::I14, proven && may && wanted && right != Some(false), || {
            format!(
                "{range} is sent to {id}: verified {proven}, unchoked {may}, wanted {wanted}, right {right:?}"
            )
        });
        self.moment("upload", with);
    }

    /// I15: somebody was unchoked; who had the slot before may be choked in the same round.
    pub(crate) fn slots(&mut self) {
        let Some(id) = self.unchoking.take() else {
            return;
        };
        let (now, round) = (self.now, self.setup.config.choker.round);
        let unasked = |conn: &Conn| conn.interested_late.is_some_and(|at| now < at + round);
        let served = |conn: &&Conn| !conn.choked && conn.interested && !unasked(conn);
        let served = self.conns.values().filter(served).count();
        let slots = self.slots as usize;
        self.verdicts.check(Oracle::I15, served <= slots, || {
            format!("{served} interested peers are unchoked after {id}, there are {slots} slots")
        });
    }
}
