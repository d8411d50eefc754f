//! I43: what an engine counts for itself, held against the same counted again and against its boundary.
//!
//! The other oracles see what the engine does; a counter that went wrong is seen here, before it does anything.

use super::table::Oracle;
use super::watch::Watch;
use seedbed_engine::torrent::{Figures, PeerFigures};
use seedbed_engine::{Engine, TorrentView};

impl Watch {
    /// The parts of the engine agree with each other, and with what passed its boundary.
    pub(crate) fn books(&mut self, engine: &Engine, view: Option<TorrentView<'_>>) {
        let wrong = self.wrong_links(engine).or_else(|| {
            let view = view?;
            view.audit().err().or_else(|| {
                let figures = view.figures();
                self.miscounted(figures)
                    .or_else(|| self.overfull(engine, figures))
                    .or_else(|| figures.peers().find_map(|peer| self.misjudged(peer)))
            })
        });
        self.verdicts
            .check(Oracle::I43, wrong.is_none(), || wrong.unwrap_or_default());
    }

    fn wrong_links(&self, engine: &Engine) -> Option<String> {
        let (kept, seen) = (engine.connections(), self.conns.len());
        let within = engine.http_connections() + engine.unassigned() + engine.half_open();
        // whoever the engine speaks HTTP with is no peer
        let ids = || self.conns.keys();
        let http = ids().filter(|id| engine.is_http(**id)).count();
        let fetches = ids().filter(|id| engine.is_fetch(**id)).count();
        let (ops, jobs) = (engine.outstanding_ops(), self.ops.len());
        let half_open = engine.half_open() <= self.setup.config.half_open_max;
        let right = kept == seen && within <= kept && http == engine.http_connections() && fetches <= 1;
        let right = right && half_open && ops <= jobs && engine.is_settled();
        (!right).then(|| {
            format!(
                "{kept} connections of {seen}: {} half open, {} unassigned, {http} of HTTP, {fetches} to fetch; {ops} jobs of {jobs}",
                engine.half_open(),
                engine.unassigned(),
            )
        })
    }

    /// What has a bound, and what is a part of something else.
    fn overfull(&self, engine: &Engine, figures: Figures<'_>) -> Option<String> {
        let peers = figures.peers().count();
        let config = &self.setup.config;
        let (connected, connecting) = figures.links();
        let (received, sent, wasted) = figures.traffic();
        let optimistic = figures.optimistic();
        let open = |id| figures.peers().any(|peer| peer.conn() == id && peer.is_open());
        let parts = [
            (
                "pieces in work",
                figures.partials(),
                self.geometry.pieces() as usize,
            ),
            ("jobs", figures.jobs(), engine.outstanding_ops()),
            ("hashes", figures.hashing(), self.geometry.pieces() as usize),
            ("optimistic slots", optimistic.len(), peers),
            ("held back peers", figures.starved(), peers),
            ("known addresses", figures.known(), config.candidates.known_max),
            ("links", connected + connecting, engine.connections()),
            ("wasted bytes", wasted as usize, received as usize),
            // a block that the disk gave late is not sent
            ("sent bytes", sent as usize, self.traffic.sent as usize),
        ];
        let over = parts.iter().find(|(_, part, whole)| part > whole);
        let over = over.map(|(what, part, whole)| format!("{part} {what}, and {whole} at the most"));
        let strange = || figures.picker_peers().find(|id| !open(*id));
        let races = figures.fetches() && figures.is_endgame() && figures.wanted_left() > 0;
        let idle = races && figures.owed().next().is_none() && figures.partials() == 0;
        over.or_else(|| strange().map(|id| format!("{id} is a peer of the picker's and not open")))
            .or_else(|| idle.then(|| "end-game, and nothing is in work".into()))
            .or_else(|| (figures.dirty() > 0).then(|| "a session waits for its plan".into()))
    }

    /// A session, as the wire shows it.
    fn misjudged(&self, peer: PeerFigures<'_>) -> Option<String> {
        let conn = self.conns.get(&peer.conn())?;
        let config = &self.setup.config.session;
        let requests = peer.requests().count();
        let told = [
            ("its address", peer.addr().ip() == conn.addr.ip()),
            ("being dialled", !peer.is_connecting() || !conn.connected),
            (
                "its peer id",
                peer.peer_id().is_none() || peer.peer_id() == conn.peer_id,
            ),
            (
                "the Fast extension",
                !peer.is_open() || peer.fast() == conn.fast(),
            ),
            ("choking it", peer.am_choking() == conn.choked),
            ("being choked", peer.peer_choking() == conn.choking_us),
            ("its interest", peer.peer_interested() == conn.interested),
            ("its pieces", peer.pieces().is_none() || peer.is_open()),
            ("requests", requests == peer.outstanding()),
            ("what it owes", peer.requested().count() <= requests),
            ("how much it queues", peer.reqq() >= 1),
            ("its requests", peer.uploads_queued() <= config.reqq_ours as usize),
            ("words that were not said", peer.unflushed() == 0),
            (
                "what is free to ask",
                peer.allowed_fast()
                    .iter()
                    .all(|piece| conn.allowed_to_us.contains(piece)),
            ),
            (
                "its time",
                peer.deadlines().0.is_none() || peer.deadlines().1.is_some(),
            ),
            ("its silence", !peer.snubbed() || peer.is_open()),
            ("bytes on their way", peer.unsent() == conn.given - conn.taken),
            ("bytes of words", peer.stashed() as u64 <= conn.came),
            (
                "payload",
                peer.transferred().0 <= conn.came && peer.transferred().1 <= conn.given,
            ),
        ];
        let wrong = told.iter().find(|(_, right)| !right);
        wrong.map(|(what, _)| format!("{}: {what} is not what the wire shows", peer.conn()))
    }

    /// Two ways to count the same that do not agree.
    fn miscounted(&self, figures: Figures<'_>) -> Option<String> {
        let pairs = [
            ("verified", figures.verified()),
            ("waiting to be written", figures.writing()),
        ];
        let bytes = pairs.iter().find(|(_, (kept, counted))| kept != counted);
        let bytes =
            bytes.map(|(what, (kept, counted))| format!("{kept} bytes {what}, {counted} when counted again"));
        bytes
            .or_else(|| {
                self.geometry.piece_indices().find_map(|piece| {
                    let (kept, counted) = figures.availability(piece);
                    (kept != counted)
                        .then(|| format!("{piece} is at {kept} peers, {counted} when counted again"))
                })
            })
            .or_else(|| {
                figures.peers().find_map(|peer| {
                    let (_, kept, counted) = peer.interested();
                    (kept != counted)
                        .then(|| format!("{} is of use: {kept}, {counted} when looked up", peer.conn()))
                })
            })
            .or_else(|| {
                let of_peers: usize = figures.peers().map(|peer| peer.requested().count()).sum();
                let of_pieces = figures.owed().count();
                (of_peers != of_pieces)
                    .then(|| format!("peers owe {of_peers} blocks, pieces wait for {of_pieces}"))
            })
    }
}
