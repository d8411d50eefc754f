//! A torrent that begins with a magnet link: its info dictionary is loaded or fetched from peers (BEP 9), believed by its
//! hash, and then the torrent goes on with the connections that it has.
//!
//! Until then the torrent has no piece ([`Geometry::unknown`](crate::geometry::Geometry::unknown)): nothing can be
//! requested, had or served, and what peers say of pieces waits in their sessions.

use super::disk::DiskOp;
use super::{Context, Phase, Purpose, Torrent, TorrentSource, add, begin, pex, select};
use crate::candidates::Source;
use crate::disk::{DiskError, DiskJob};
use crate::id::ConnId;
use crate::magnet::Magnet;
use crate::marks::Mark;
use crate::metadata::{Fetch, Received};
use crate::metainfo::Metainfo;
use crate::net::printable;
use crate::pex::Pex;
use crate::report::{BanReason, Report};
use crate::rng::Rng;
use crate::session::End;
use crate::time::Instant;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// The metadata on its way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Fetching {
    fetch: Fetch,
    /// Whether it was fetched by an earlier run is not answered yet.
    loading: bool,
    /// Kept for the picker that comes to be when the pieces are known.
    rng: Rng,
}

impl Fetching {
    pub(super) const fn is_loading(&self) -> bool {
        self.loading
    }

    pub(super) const fn fetch(&self) -> &Fetch {
        &self.fetch
    }
}

impl Torrent {
    /// Looks whether an earlier run has fetched the dictionary.
    pub(super) fn begin_metadata(&mut self, cx: &mut Context<'_>, magnet: &Magnet, rng: Rng) {
        let fetching = Fetching {
            fetch: Fetch::new(add::identity(magnet), cx.config.metadata.clone()),
            loading: true,
            rng,
        };
        let info_hash = self.info_hash();
        self.disk(cx, DiskOp::LoadMetadata, DiskJob::LoadMetadata { info_hash });
        self.enter(cx, Phase::Metadata(fetching.into()));
    }

    /// Storage told what an earlier run has kept. It is believed by its hash, as what peers send.
    pub(super) fn metadata_loaded(&mut self, cx: &mut Context<'_>, saved: Option<Vec<u8>>) {
        let Phase::Metadata(fetching) = &mut self.phase else {
            return;
        };
        fetching.loading = false;
        let identity = fetching.fetch.identity();
        match saved {
            Some(bytes) if identity.fits(&bytes) => {
                self.marks.hit(Mark::MetadataKept);
                self.learned(cx, &bytes, true);
            }
            Some(_) => {
                self.note(
                    cx,
                    "the metadata that was kept is damaged; it is fetched again".into(),
                );
                self.metadata_begins(cx);
            }
            None => self.metadata_begins(cx),
        }
    }

    /// What was kept cannot be read: then it is fetched.
    pub(super) fn metadata_not_loaded(&mut self, cx: &mut Context<'_>, error: &DiskError) {
        self.note(
            cx,
            format!("the metadata that was kept cannot be read, so it is fetched: {error}"),
        );
        self.metadata_loaded(cx, None);
    }

    fn metadata_begins(&mut self, cx: &mut Context<'_>) {
        self.noted.active_since.get_or_insert(cx.now);
        if !self.paused {
            self.announce_start(cx);
        }
    }

    /// A peer's extended handshake came, or another one: what it says of the metadata.
    pub(super) fn metadata_claimed(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        let (Phase::Metadata(fetching), Some(peer)) = (&mut self.phase, self.sessions.get(&conn)) else {
            return;
        };
        let (ip, size) = (peer.session.addr().ip(), peer.session.metadata_size());
        if !fetching.fetch.claims(cx.now, conn, ip, size) {
            self.lint(cx, conn, "metadata of a size that is not fetched");
        }
    }

    /// Asks a peer for what it may be asked for now, and gives it what it waits for.
    pub(super) fn exchange_metadata(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        let Some(peer) = self.sessions.get_mut(&conn).filter(|peer| peer.session.is_open()) else {
            return;
        };
        if let Phase::Metadata(fetching) = &mut self.phase
            && !self.paused
        {
            for piece in fetching.fetch.ask(cx.now, conn) {
                peer.session.request_metadata(cx.now, piece);
            }
        }
        peer.session.serve_metadata(cx.now, cx.config.send_buffer_max);
    }

    /// A piece of metadata came that was asked for.
    pub(super) fn metadata_piece(
        &mut self,
        cx: &mut Context<'_>,
        conn: ConnId,
        size: u32,
        piece: u32,
        bytes: &[u8],
    ) {
        let Phase::Metadata(fetching) = &mut self.phase else {
            return;
        };
        match fetching.fetch.received(cx.now, conn, size, piece, bytes) {
            Received::Kept | Received::Unneeded => {}
            Received::Whole(info) => self.learned(cx, &info, false),
            Received::Wrong { contributors } => {
                let failures = fetching.fetch.failures();
                self.report(
                    cx,
                    Report::MetadataFailed {
                        torrent: self.id,
                        contributors: contributors.clone(),
                        failures,
                    },
                );
                if let [liar] = contributors.as_slice() {
                    self.ban(cx, *liar, BanReason::Metadata);
                }
                self.dirty.extend(self.sessions.keys().copied());
            }
        }
    }

    /// A peer does not give a piece of metadata.
    pub(super) fn metadata_rejected(&mut self, cx: &mut Context<'_>, conn: ConnId, piece: u32) {
        if let Phase::Metadata(fetching) = &mut self.phase {
            fetching.fetch.rejected(cx.now, conn, piece);
            self.dirty.extend(self.sessions.keys().copied());
        }
    }

    /// A peer is gone; what it was asked for may be asked of the others now.
    pub(super) fn metadata_peer_left(&mut self, conn: ConnId) {
        if let Phase::Metadata(fetching) = &mut self.phase {
            fetching.fetch.left(conn);
            self.dirty.extend(self.sessions.keys().copied());
        }
    }

    /// What is fetched of the metadata, as long as it is not here.
    pub(super) fn fetch(&self) -> Option<&Fetch> {
        match &self.phase {
            Phase::Metadata(fetching) => Some(&fetching.fetch),
            Phase::Choosing
            | Phase::Queued(_)
            | Phase::Opening
            | Phase::Checking(_)
            | Phase::Preparing
            | Phase::Active
            | Phase::DiskFailed { .. }
            | Phase::Failed { .. }
            | Phase::Stopping
            | Phase::Gone => None,
        }
    }

    pub(super) fn metadata_deadline(&self) -> Option<Instant> {
        self.fetch().and_then(Fetch::deadline)
    }

    pub(super) fn metadata_timeout(&mut self, now: Instant) {
        if self.metadata_deadline().is_none_or(|at| now < at) {
            return;
        }
        if let Phase::Metadata(fetching) = &mut self.phase {
            fetching.fetch.handle_timeout(now);
            self.dirty.extend(self.sessions.keys().copied());
        }
    }

    /// The dictionary is here and its hash is right. If it can be read, the torrent comes to be; else no peer can ever
    /// give another one, and it ends here.
    fn learned(&mut self, cx: &mut Context<'_>, info: &[u8], kept: bool) {
        let read = Metainfo::from_info(info, self.metainfo.trackers.clone());
        let read = read.map_err(|error| error.to_string()).and_then(|metainfo| {
            let geometry = metainfo.geometry(cx.config.block_length);
            let geometry = geometry.map_err(|error| error.to_string())?;
            Ok((metainfo, geometry))
        });
        let (mut metainfo, geometry) = match read {
            Ok(read) => read,
            Err(error) => return self.metadata_useless(cx, &error),
        };
        let Phase::Metadata(fetching) = core::mem::replace(&mut self.phase, Phase::Opening) else {
            return;
        };
        self.marks.merge(fetching.fetch.marks);
        metainfo.web_seeds.clone_from(&self.metainfo.web_seeds);
        self.metainfo = Arc::new(metainfo);
        self.geometry = geometry;
        let peer_id = self.rules.peer_id;
        self.rules = Arc::new(begin::rules(
            cx.config,
            peer_id,
            &self.add,
            &self.metainfo,
            geometry,
        ));
        if let TorrentSource::Magnet(magnet) = &self.add.source
            && self.add.priorities.is_empty()
        {
            self.add.priorities = select::named_by_link(magnet, &self.metainfo.layout);
        }
        self.picker = select::picker(cx.config, &self.add, &self.metainfo, &geometry, fetching.rng);
        self.choker.set_piece_length(geometry.piece_length());
        self.pex = pex::allowed(cx.config, &self.metainfo).then(|| Pex::new(cx.config.pex.clone()));
        self.traffic.pieces_known(geometry.pieces());
        if !kept {
            let (info_hash, data) = (self.info_hash(), self.metainfo.info_bytes.clone());
            self.disk(
                cx,
                DiskOp::SaveMetadata,
                DiskJob::SaveMetadata { info_hash, data },
            );
        }
        self.report(
            cx,
            Report::Metadata {
                torrent: self.id,
                name: printable(&self.metainfo.name, super::NAME_SHOWN_MAX),
                total_length: geometry.total(),
                pieces: geometry.pieces(),
                private: self.metainfo.private,
                metainfo: self.metainfo.clone(),
            },
        );
        if self.add.purpose == Purpose::Metadata {
            return self.stop(cx, true);
        }
        self.obey_private(cx);
        self.just_learned = true;
        self.teach_sessions(cx);
        if self.add.waits_for_choice {
            self.enter(cx, Phase::Choosing);
        } else {
            self.open(cx);
        }
    }

    /// A link does not say that a torrent is private. Now that it shows, peers that nobody but the link or the
    /// local network named are left (BEP 27).
    fn obey_private(&mut self, cx: &mut Context<'_>) {
        if !self.metainfo.private {
            return;
        }
        if let Some(announcer) = &mut self.announcer {
            announcer.set_private();
        }
        let strange = [Source::Magnet, Source::Lsd];
        let named = |addr| {
            let source = self.candidates.source_of(addr);
            source.is_some_and(|source| strange.contains(&source))
        };
        let strangers = self
            .sessions
            .iter()
            .filter(|(_, peer)| named(peer.session.addr()));
        let strangers: Vec<ConnId> = strangers.map(|(conn, _)| *conn).collect();
        for conn in strangers {
            self.end_session(cx, conn, End::Private);
        }
        for source in strange {
            self.candidates.forget_sources(source);
        }
    }

    /// The connections go on under the rules of the torrent that is known now.
    fn teach_sessions(&mut self, cx: &mut Context<'_>) {
        let conns: Vec<ConnId> = self.sessions.keys().copied().collect();
        for conn in conns {
            let Some(peer) = self.sessions.get_mut(&conn) else {
                continue;
            };
            let open = peer.session.is_open();
            let said = peer.session.learn(cx.now, self.rules.clone());
            if open {
                peer.uninformed = true;
                peer.session.send_metadata_offer(cx.now);
                self.picker.peer_joined(conn);
                self.introduced(cx, conn);
            }
            match said {
                Ok(said) => {
                    for said in said {
                        self.said(cx, conn, said);
                    }
                }
                Err(violation) => self.end_session(cx, conn, End::Violation(violation)),
            }
            self.dirty.insert(conn);
        }
    }

    /// Peers that were greeted before we knew what we have hear of it now.
    pub(super) fn inform_sessions(&mut self, cx: &mut Context<'_>) {
        let uninformed = self.sessions.iter().filter(|(_, peer)| peer.uninformed);
        let uninformed: Vec<ConnId> = uninformed.map(|(conn, _)| *conn).collect();
        for conn in uninformed {
            let upload_only = self.is_complete();
            let Some(peer) = self.sessions.get_mut(&conn) else {
                continue;
            };
            peer.uninformed = false;
            for piece in self.picker.have().iter() {
                peer.session.send_have(cx.now, piece);
            }
            if upload_only {
                peer.session.send_upload_only(cx.now, true);
            }
            self.end_if_both_seeds(cx, conn);
        }
    }

    /// The hash is right, so this is what was asked for, and nobody can give anything better.
    fn metadata_useless(&mut self, cx: &mut Context<'_>, error: &str) {
        let text: String = format!(
            "the metadata of this magnet link has the right hash and cannot be used: {error}. No peer can give \
             another one; look for another link"
        );
        self.withdraw(cx, text);
    }

    /// Ends what is under way because only the user can go on.
    pub(super) fn withdraw(&mut self, cx: &mut Context<'_>, text: String) {
        self.end_all(cx, End::TorrentStopped);
        self.announce_stop(cx);
        self.enter(cx, Phase::Failed { text });
    }

    /// The dictionary could not be kept; the next run fetches it again.
    pub(super) fn metadata_not_saved(&mut self, cx: &mut Context<'_>, error: &DiskError) {
        self.note(
            cx,
            format!("the metadata could not be kept, so the next start fetches it again: {error}"),
        );
    }
}
