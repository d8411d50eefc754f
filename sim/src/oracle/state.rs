//! The engine's view of its own state, held against what its streams showed.

use super::conn::{Asked, Conn};
use super::table::Oracle;
use super::watch::Watch;
use seedbed_engine::geometry::BlockRange;
use seedbed_engine::id::{ConnId, PieceIndex};
use seedbed_engine::time::{Duration, Instant};
use seedbed_engine::{Engine, TorrentState, TorrentView};

/// Every so many events the costly comparisons are made.
const EVERY: u64 = 32;

/// Every so many events the parts of the engine are held against each other, which walks all of them.
pub(super) const AUDITED: u64 = 256;

/// Slack of a time-out: the engine may be given its tick a little late by a busy host.
const SLACK: Duration = Duration::from_secs(1);

/// How long an idle peer may be left alone in end-game: what others owe may be as good as here.
const RACES_WITHIN: Duration = Duration::from_secs(15);

/// Choking rounds after which an interested peer must have had a turn, for each peer that waits. The optimistic slot
/// goes by lot, every third round: twelve draws that all miss one of two are no defect in a hundred thousand worlds.
const ROUNDS: u32 = 36;

/// Refusals in a row after which a peer may be left alone for a while.
const REFUSED_MAX: u32 = 16;

impl Watch {
    /// Looks at what changed.
    pub(crate) fn look(&mut self, engine: &Engine) {
        let view = engine.torrents().next().and_then(|id| engine.torrent(id));
        if let Some(view) = view {
            self.verified_set(view);
            self.metadata_bounds(view);
            self.ledger(view.figures().received());
            self.digest.word(u64::from(view.have().count()));
        }
        self.announces.check_left(&mut self.verdicts);
        if let Some(at) = self.wakes_at {
            self.digest.word(at.as_micros());
        }
        self.sole_senders();
        self.cancelled_elsewhere();
        if self.blocks.take_freed() {
            // somebody else may be idle
            let ids: Vec<ConnId> = self.conns.keys().copied().collect();
            ids.into_iter().for_each(|id| self.touch(id));
        }
        let downloading = view.is_some_and(|view| matches!(view.state(), TorrentState::Downloading));
        let dirty = std::mem::take(&mut self.dirty);
        for id in &dirty {
            if let Some(conn) = self.conns.get_mut(id) {
                conn.dirty = false;
                self.over_long(*id);
                if downloading {
                    self.interest(*id);
                    self.stall(*id);
                }
            }
        }
        self.dirty = dirty;
        self.dirty.clear();
        if self.ticked {
            self.overdue();
            if downloading {
                self.idle_in_endgame();
            }
            self.lasts_too_long();
        }
        if self.events.is_multiple_of(EVERY) {
            if let Some(view) = view {
                self.peers_as_seen(view);
            }
            self.tables();
            self.twins();
        }
        if self.events.is_multiple_of(self.audited) {
            view.into_iter().for_each(|view| self.parts_agree(view));
            self.books(engine, view);
        }
        if self.asks_now {
            self.asks_now = false;
            self.asks(view);
        }
        self.waiting_shutdown();
    }

    /// I3: what was verified stays verified. Tells the rest of the oracles what is had.
    fn verified_set(&mut self, view: TorrentView<'_>) {
        let have = view.have();
        if have.count() != self.have.count() || self.may_shrink {
            if !self.have.is_empty() {
                let gone = self.have.count_without(have);
                self.verdicts.check(Oracle::I3, gone == 0 || self.may_shrink, || {
                    format!("{gone} verified pieces are no longer counted")
                });
            }
            let unproven = have.count_without(&self.proven);
            self.verdicts.check(Oracle::I1, unproven == 0, || {
                format!("{unproven} pieces count whose hash was never right")
            });
            self.have.clone_from(have);
            self.story.have = have.count();
            if have.is_full() {
                self.summary.complete_at.get_or_insert(self.now);
            }
            let pieces = self
                .geometry
                .piece_indices()
                .filter(|piece| !have.contains(*piece));
            let left = pieces
                .map(|piece| u64::from(self.geometry.length_of(piece)))
                .sum();
            self.announces.left_is(left);
            let ids: Vec<ConnId> = self.conns.keys().copied().collect();
            for id in ids {
                self.touch(id);
            }
        }
        if matches!(view.state(), TorrentState::Downloading | TorrentState::Seeding) {
            self.resumed();
            self.may_shrink = false;
        }
    }

    /// L8: a pause costs nothing.
    fn resumed(&mut self) {
        if self.paused {
            return;
        }
        if let Some(before) = self.paused_have.take() {
            let gone = before.count_without(&self.have);
            let kept = gone == 0 || self.may_shrink;
            self.verdicts.check(Oracle::L8, kept, || {
                format!("{gone} pieces were verified before the pause and are not after it")
            });
        }
    }

    /// I8: what has come is cancelled where else it was asked for.
    fn cancelled_elsewhere(&mut self) {
        while let Some(range) = self.written.pop() {
            let other = self.conns.iter().find(|(_, conn)| conn.holds(range));
            let other = other.map(|(id, _)| *id);
            self.verdicts.check(Oracle::I8, other.is_none(), || {
                format!("{range} has come and is not cancelled at {other:?}")
            });
        }
    }

    /// I19: a message that nobody reads ends its connection.
    fn over_long(&mut self, id: ConnId) {
        if self.conns.get(&id).is_some_and(|conn| conn.over_long) {
            self.verdicts.check(Oracle::I19, false, || {
                format!("{id} announced an over-long message and is still connected")
            });
        }
    }

    /// I16: interest follows need.
    fn interest(&mut self, id: ConnId) {
        let Some(conn) = self.conns.get(&id).filter(|conn| conn.is_open()) else {
            return;
        };
        let lacks = |piece: &PieceIndex| self.wanted.contains(*piece) && !self.have.contains(*piece);
        let needs = conn.has.iter().any(|piece| lacks(&piece));
        let tells = conn.interesting;
        // what is not wanted any more and came as a whole may still turn out to be right
        let may_come = |piece: &PieceIndex| {
            !self.have.contains(*piece) && (self.disk_errors || self.blocks.senders(*piece).is_some())
        };
        let follows = needs == tells || tells && conn.has.iter().any(|piece| may_come(&piece));
        self.verdicts.check(Oracle::I16, follows, || {
            format!("{id} has something for us: {needs}, is told so: {tells}")
        });
    }

    /// L5: no stall while something could be asked for.
    fn stall(&mut self, id: ConnId) {
        let asks = |conn: &Conn| conn.is_open() && conn.interesting && !conn.choking_us;
        // who refuses is asked less and less often
        let idle = |conn: &&Conn| asks(conn) && conn.asked.is_empty() && conn.refused < REFUSED_MAX;
        if self.conns.get(&id).filter(idle).is_none() || self.traffic.hash_failures > 0 || self.disk_errors {
            if let Some(conn) = self.conns.get_mut(&id) {
                conn.could_race = None;
            }
            return;
        }
        let free = self.free_for(id);
        self.verdicts.check(Oracle::L5, free.is_none(), || {
            format!("{id} is idle, and {free:?} is asked of nobody")
        });
        let races = free.is_none() && self.owed_by_few(id).is_some();
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.could_race = conn.could_race.or(Some(self.now)).filter(|_| races);
        }
    }

    /// L5: who has nothing to do in end-game is asked for what others owe.
    fn idle_in_endgame(&mut self) {
        let long = |conn: &Conn| {
            conn.could_race
                .is_some_and(|since| self.now >= since + RACES_WITHIN)
        };
        let idle = |conn: &Conn| conn.is_open() && conn.asked.is_empty() && !conn.choking_us;
        let ids = self.conns.iter().filter(|(_, conn)| long(conn) && idle(conn));
        let ids: Vec<ConnId> = ids.map(|(id, _)| *id).collect();
        for id in ids {
            let owed = self.owed_by_few(id);
            self.verdicts.check(Oracle::L5, owed.is_none(), || {
                format!("{id} is idle in end-game, and {owed:?} is owed by others alone")
            });
        }
    }

    /// In end-game, which begins when no block is free that anybody could be asked for: a block that this idle peer
    /// could race for.
    fn owed_by_few(&self, id: ConnId) -> Option<BlockRange> {
        let conn = self.conns.get(&id)?;
        let others = self.conns.values().filter(|conn| conn.is_open()).count();
        // whom we know to answer: it did a short while ago
        let answers = conn.refused == 0 && self.now < conn.progress + self.setup.config.session.snub_timeout;
        if self.down.is_limited() || conn.let_go > 0 || conn.snubbed || others < 2 || !answers {
            return None;
        }
        let most = self.setup.config.picker.endgame_duplicates_max;
        let lacks = |piece: &PieceIndex| self.wanted.contains(*piece) && !self.have.contains(*piece);
        let missing: Vec<PieceIndex> = self.geometry.piece_indices().filter(lacks).collect();
        if missing
            .iter()
            .any(|piece| self.blocks.free(*piece).next().is_some() || self.blocks.is_doubtful(*piece))
        {
            return None;
        }
        let here = missing.into_iter().filter(|piece| conn.has.contains(*piece));
        let blocks = here.flat_map(|piece| self.blocks.owed(piece).map(move |found| (piece, found)));
        let mut ranges =
            blocks.filter_map(|(piece, (n, askers))| Some((self.geometry.block(piece, n)?, askers)));
        // who was asked before and has not answered yet may be counted on again, without a word on the wire
        let late = |range: BlockRange| {
            let still = |asked: &Asked| asked.range == range && (asked.cancelled || asked.released);
            let late = |conn: &&Conn| conn.let_go > 0 || conn.asked.iter().any(still);
            self.conns.values().filter(late).count() as u32
        };
        let few = ranges.find(|(range, askers)| u32::from(*askers) + late(*range) < most);
        few.map(|(range, _)| range)
    }

    /// I10, I11: what the engine's parts count is the same in all of them.
    fn parts_agree(&mut self, view: TorrentView<'_>) {
        let wrong = view.audit_availability().err();
        self.verdicts
            .check(Oracle::I11, wrong.is_none(), || wrong.unwrap_or_default());
        let wrong = view.audit_requests().err();
        self.verdicts
            .check(Oracle::I10, wrong.is_none(), || wrong.unwrap_or_default());
    }

    /// I10, I11: the engine counts what the wire shows.
    fn peers_as_seen(&mut self, view: TorrentView<'_>) {
        for peer in view.peers(self.now) {
            let Some(conn) = self.conns.get(&peer.conn) else {
                self.verdicts.check(Oracle::I10, false, || {
                    format!("{} is a peer without a connection", peer.conn)
                });
                continue;
            };
            // what was cancelled is owed an answer, for a while
            let open = conn.asked.iter().filter(|asked| !asked.cancelled).count();
            let (asked, has) = (open..=conn.asked.len() + conn.let_go, conn.has.count());
            let flags = (conn.choking_us, conn.choked, conn.interested);
            let theirs = (peer.choking_us, peer.choked_by_us, peer.interested);
            let verdicts = &mut self.verdicts;
            let kept = asked.contains(&peer.requests) && flags == theirs;
            verdicts.check(Oracle::I10, kept, || {
                format!(
                    "{} has {} requests and {theirs:?}, the wire says {asked:?} and {flags:?}",
                    peer.conn, peer.requests
                )
            });
            // what is said before the metadata is here, waits for it
            let kept = has == peer.pieces || view.metainfo().is_none();
            verdicts.check(Oracle::I11, kept, || {
                format!("{} has {} pieces, the wire says {has}", peer.conn, peer.pieces)
            });
        }
        let known = view.status(self.now).known;
        let bound = self.setup.config.candidates.known_max;
        self.verdicts.check(Oracle::I18, known <= bound, || {
            format!("{known} addresses are kept")
        });
    }

    /// L2 and L4: nobody waits for ever.
    fn overdue(&mut self) {
        self.fetch_overdue();
        let now = self.now;
        let timeout = self.setup.config.session.request_timeout + SLACK;
        let (round, slots) = (self.setup.config.choker.round, self.slots.max(1));
        let serving = matches!(
            self.state,
            Some(TorrentState::Seeding | TorrentState::Downloading)
        );
        let wait = |conn: &Conn| conn.waits_since.filter(|_| conn.is_open());
        let waiting = self.conns.values().filter(|conn| wait(conn).is_some()).count() as u32;
        let patience = round * ROUNDS * (1 + waiting / slots);
        for (id, conn) in &self.conns {
            let held = self.down.is_limited() && conn.budget == 0;
            if let Some(oldest) = conn.asked.iter().find(|asked| !asked.cancelled && !held) {
                let since = oldest.at.max(self.backlog_at);
                self.verdicts.check(Oracle::L2, now < since + timeout, || {
                    format!("{} is outstanding at {id} since {}", oldest.range, oldest.at)
                });
            }
            let is_seed = conn.has.is_full();
            if let Some(since) = wait(conn).filter(|since| serving && !is_seed && now > *since + round * 2) {
                self.verdicts.check(Oracle::L4, now < since + patience, || {
                    format!("{id} is interested since {since} and was never unchoked")
                });
            }
        }
    }

    /// I32: what is kept of what others send.
    fn tables(&mut self) {
        let kept = self.ops.len();
        // jobs for a peer that has left go on
        let peers = self.conns_most;
        let bound = 64 + peers * self.setup.config.session.reqq_ours as usize;
        self.verdicts.check(Oracle::I32, kept <= bound, || {
            format!("{kept} jobs are under way for {peers} peers at the most")
        });
    }

    /// I20: nobody is connected twice.
    fn twins(&mut self) {
        let mut ids: Vec<_> = self.conns.values().filter(|conn| conn.is_open()).collect();
        if ids.len() < 2 {
            return;
        }
        ids.sort_unstable_by_key(|conn| conn.peer_id.map(|id| id.0));
        let twin = ids.windows(2).any(|pair| pair[0].peer_id == pair[1].peer_id);
        self.verdicts.check(Oracle::I20, !twin, || {
            "two connections lead to one peer id".into()
        });
    }

    /// L10: a shutdown ends.
    fn waiting_shutdown(&mut self) {
        let Some(at) = self.story.shutdown_at.filter(|_| !self.story.shut_down) else {
            return;
        };
        let late = late(self.now, at, self.setup.config.shutdown_timeout);
        self.verdicts
            .check(Oracle::L10, !late, || format!("the shutdown of {at} is not over"));
    }
}

fn late(now: Instant, since: Instant, limit: Duration) -> bool {
    now > since + limit + SLACK
}
