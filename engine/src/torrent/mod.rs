//! One torrent: where picker, choker, candidates, announcer and sessions meet.
//!
//! The life of a torrent is a [`Phase`]: `Metadata` (only after a magnet link: what is it?) → `Opening` (what is on the disk, what was known of it) → `Checking` (hash
//! what is in doubt) → `Preparing` (make the files) → `Active`. A storage failure leads to `DiskFailed` and back, a
//! problem that only the user can solve to `Failed`, the end to `Stopping` and `Gone`.
//!
//! Invariants: a piece is had only after its hash matched; blocks are requested only while `Active`; every disk job
//! and every connection is in one table until it is answered or closed, and its late answer finds nothing.

mod add;
mod audit;
mod begin;
mod check;
mod checkpoint;
mod choke;
mod connect;
mod dial;
mod digest;
mod disk;
mod doubt;
mod figures;
mod ids;
mod limits;
mod lsd;
mod metadata;
mod open;
mod part;
mod peers;
mod pex;
mod plan;
mod receive;
mod resume;
mod select;
mod stop;
mod super_seed;
mod trackers;
mod traffic;
mod verify;
mod view;
pub mod why;

pub use add::{AddTorrent, Purpose, TorrentLimits, TorrentSource};
pub use connect::IncomingHead;
pub use digest::Digest;
pub use figures::{Figures, PeerFigures};
pub use ids::Ids;
pub use limits::Poured;
pub use view::{PeerView, Status, TrackerView};

use crate::bitfield::Bitfield;
use crate::blame::Blame;
use crate::block::Spans;
use crate::candidates::Candidates;
use crate::choker::Choker;
use crate::config::Config;
use crate::disk::{DiskError, DiskJob, FileStamp};
use crate::geometry::Geometry;
use crate::id::{ConnId, OpId, PeerId, TorrentId};
use crate::layout::Layout;
use crate::marks::Marks;
use crate::metainfo::Metainfo;
use crate::pex::Pex;
use crate::picker::Picker;
use crate::report::{Report, TorrentState};
use crate::rng::Rng;
use crate::session::{End, Outgoing, Rules, Session};
use crate::super_seed::SuperSeed;
use crate::throttle::Throttle;
use crate::time::{Duration, Instant};
use crate::tracker::tiers::{Announcer, TierOutput};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use check::Checking;
use core::net::SocketAddr;
use disk::DiskOp;
use serde::{Deserialize, Serialize};

/// What a torrent is lent for one call.
#[derive(Debug)]
pub struct Context<'a> {
    /// The time of the event.
    pub now: Instant,
    /// The engine's configuration.
    pub config: &'a Config,
    /// Where ids come from.
    pub ids: &'a mut Ids,
    /// Where outputs go to, in order.
    pub out: &'a mut Vec<Output>,
    /// Parts of the received bytes that no decision depends on.
    pub unread: &'a mut Spans,
    /// The rate limits over all torrents.
    pub throttle: &'a mut Throttle,
}

/// What a torrent wants.
#[derive(Clone, Debug)]
pub enum Output {
    /// Dial a peer.
    Connect {
        /// The number of the connection.
        conn: ConnId,
        /// Where to.
        to: SocketAddr,
    },
    /// Send messages and perhaps a block.
    Send {
        /// To where.
        conn: ConnId,
        /// What.
        what: Outgoing,
    },
    /// Read further bytes.
    Read {
        /// From where.
        conn: ConnId,
        /// Bytes.
        budget: u32,
    },
    /// Read no further until there is a new budget.
    Hold {
        /// From where.
        conn: ConnId,
    },
    /// A dial was in vain for want of a common way to speak: another one to the same peer follows.
    DialAgain,
    /// Close a connection.
    Close {
        /// Which one.
        conn: ConnId,
        /// Why.
        end: End,
    },
    /// A disk job.
    Disk {
        /// The number of the job.
        op: OpId,
        /// What to do.
        job: DiskJob,
    },
    /// Look up a peer that a tracker named by its host name.
    Resolve {
        /// The number of the lookup.
        op: OpId,
        /// The name.
        host: String,
    },
    /// Something of the announcer's: a request to start or to cancel.
    Tracker(TierOutput),
    /// Tell the user.
    Report(Report),
    /// Nothing is left of this torrent.
    Gone,
}

/// Where a torrent stands in its life.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Phase {
    /// What the torrent is, is not known yet.
    Metadata(Box<metadata::Fetching>),
    /// It is known what the torrent is, and the user has yet to say which of its files are wanted.
    Choosing,
    /// Nothing was begun: others come first. With the numbers that the picker of a link begins with.
    Queued(Box<Rng>),
    Opening,
    Checking(Checking),
    Preparing,
    Active,
    DiskFailed {
        error: DiskError,
        retry_at: Option<Instant>,
    },
    Failed {
        text: String,
    },
    Stopping,
    Gone,
}

/// One torrent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Torrent {
    id: TorrentId,
    #[serde(with = "crate::metainfo::stored::or_placeholder")]
    metainfo: Arc<Metainfo>,
    geometry: Geometry,
    /// Where storage keeps the content.
    layout: Arc<Layout>,
    /// Storage may keep it elsewhere, since the last change failed.
    misplaced: bool,
    /// Files that are there and that the saved state does not vouch for, where there is one, or parts of one.
    made_by_others: BTreeSet<usize>,
    add: AddTorrent,
    /// They follow from the configuration and the metainfo, so they are no part of a checkpoint.
    #[serde(skip, default = "Rules::of_nothing")]
    rules: Arc<Rules>,

    phase: Phase,
    paused: bool,
    /// The state that was reported last.
    told: Option<TorrentState>,

    picker: Picker,
    choker: Choker,
    candidates: Candidates,
    /// Keys and paddings of encrypted handshakes.
    secrets: Rng,
    blame: Blame,
    announcer: Option<Announcer>,
    /// None when peers are not exchanged.
    pex: Option<Pex>,
    /// None when peers are shown all that we have.
    super_seed: Option<SuperSeed>,
    /// The metadata has just come from peers, and the first look at the files is not over.
    just_learned: bool,

    sessions: BTreeMap<ConnId, Peer>,
    /// Registered deadlines of sessions. One may be earlier than the session's own, never later.
    timers: BTreeSet<(Instant, ConnId)>,
    /// Sessions that something happened to: refilled, flushed and registered again by the plan step.
    dirty: BTreeSet<ConnId>,
    /// Sessions that were not given their read budget because the disk is behind.
    starved: BTreeSet<ConnId>,
    /// Snubbed sessions. What they owe is free for others, and cancelled when it comes from one of them.
    silent: BTreeSet<ConnId>,

    limits: limits::Limits,
    ops: BTreeMap<OpId, DiskOp>,
    /// Peers whose host names are being looked up.
    lookups: BTreeMap<OpId, trackers::Lookup>,
    /// Bytes of `Write` jobs that are not answered.
    writing: u64,
    /// How often what was verified is saved.
    resume_interval: Duration,
    verifying: verify::Verifying,

    stamps: Vec<Option<FileStamp>>,
    resume: resume::Saving,

    verified: u64,
    traffic: traffic::Traffic,
    peers_seen: BTreeSet<PeerId>,
    completed: Completed,
    /// The files were made, or vouched for, by a run of ours, so they may be written to.
    ours: bool,
    stop: stop::Stop,
    marks: Marks,
    noted: why::Noted,
}

/// Who knows that everything is there.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Completed {
    /// The user.
    told: bool,
    /// The trackers: it was so when it began, or `completed` was announced. That is done once.
    counted: bool,
}

/// A session and what the torrent keeps beside it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Peer {
    session: Session,
    /// The deadline under which it is in `Torrent::timers`.
    timer: Option<Instant>,
    /// Bytes of the usual window that it may not send now: those that were read and whose budget was not given back
    /// yet, and those that a rate limit holds back.
    read_owed: u32,
    /// It was greeted before we knew what is on the disk, so it has yet to hear of our pieces.
    uninformed: bool,
    /// Bytes that it may still send.
    budget: u32,
}

/// Distinct peers that are counted for the summary; beyond it the count stands still.
const PEERS_SEEN_MAX: usize = 10_000;

impl Torrent {
    /// Whether peers may connect.
    pub fn takes_peers(&self) -> bool {
        let open = match &self.phase {
            Phase::Active | Phase::DiskFailed { .. } => true,
            Phase::Metadata(fetching) => !fetching.is_loading(),
            Phase::Choosing
            | Phase::Queued(_)
            | Phase::Opening
            | Phase::Checking(_)
            | Phase::Preparing
            | Phase::Failed { .. }
            | Phase::Stopping
            | Phase::Gone => false,
        };
        open && !self.paused && !matches!(self.add.purpose, Purpose::Check)
    }

    fn report(&self, cx: &mut Context<'_>, report: Report) {
        cx.out.push(Output::Report(report));
    }

    fn note(&self, cx: &mut Context<'_>, text: String) {
        self.report(
            cx,
            Report::Note {
                torrent: self.id,
                text,
            },
        );
    }

    /// Branches that were taken, by the torrent and all of its parts.
    pub fn marks(&self) -> Marks {
        let mut marks = self.marks;
        marks.merge(self.candidates.marks);
        marks.merge(
            self.announcer
                .as_ref()
                .map_or_else(Marks::default, |announcer| announcer.marks),
        );
        self.sessions
            .values()
            .for_each(|peer| marks.merge(peer.session.marks()));
        marks
    }

    /// Whether it is known what the torrent is.
    const fn knows_metadata(&self) -> bool {
        self.geometry.is_known()
    }

    /// Whether everything wanted is verified.
    fn is_complete(&self) -> bool {
        self.knows_metadata() && self.picker.is_complete()
    }

    /// What the torrent does, for the user.
    pub fn state(&self) -> TorrentState {
        match &self.phase {
            Phase::Metadata(_) | Phase::Choosing if self.paused => TorrentState::Paused,
            Phase::Metadata(_) => TorrentState::Metadata,
            Phase::Choosing => TorrentState::Choosing,
            Phase::Queued(_) => TorrentState::Queued,
            Phase::Opening | Phase::Preparing => TorrentState::Opening,
            Phase::Checking(checking) => match checking.waits_for() {
                None => TorrentState::Checking,
                Some((error, retry_at)) => TorrentState::DiskFailed {
                    error: error.clone(),
                    retry_at: Some(retry_at),
                },
            },
            Phase::Active if self.paused => TorrentState::Paused,
            Phase::Active if self.is_complete() => TorrentState::Seeding,
            Phase::Active => TorrentState::Downloading,
            Phase::DiskFailed { error, retry_at } => TorrentState::DiskFailed {
                error: error.clone(),
                retry_at: *retry_at,
            },
            Phase::Failed { text } => TorrentState::Failed { text: text.clone() },
            Phase::Stopping | Phase::Gone => TorrentState::Stopping,
        }
    }

    /// Enters a phase.
    fn enter(&mut self, cx: &mut Context<'_>, phase: Phase) {
        self.phase = phase;
        self.tell_state(cx);
    }

    /// Reports the state when it is another than the last one reported.
    fn tell_state(&mut self, cx: &mut Context<'_>) {
        let state = self.state();
        if self.told.as_ref() != Some(&state) {
            self.told = Some(state.clone());
            self.report(
                cx,
                Report::State {
                    torrent: self.id,
                    state,
                },
            );
        }
    }

    /// The verified pieces.
    pub fn have(&self) -> &Bitfield {
        self.picker.have()
    }

    /// The earliest thing that is due.
    pub fn deadline(&self) -> Option<(Instant, Due)> {
        let due = [
            (self.timers.first().map(|(at, _)| *at), Due::Peer),
            (self.hopeless_deadline(), Due::Peer),
            (self.metadata_deadline(), Due::Peer),
            (self.choke_deadline(), Due::Choker),
            (self.dial_deadline(), Due::Candidates),
            (
                self.announcer.as_ref().and_then(Announcer::deadline),
                Due::Tracker,
            ),
            (self.pex_deadline(), Due::Pex),
            (self.resume_deadline(), Due::Resume),
            (self.disk_deadline(), Due::Disk),
            (self.limits.deadline(), Due::Rate),
        ];
        due.into_iter()
            .filter_map(|(at, due)| at.map(|at| (at, due)))
            .min()
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, cx: &mut Context<'_>) {
        self.session_timeouts(cx);
        self.hopeless_timeout(cx);
        self.metadata_timeout(cx.now);
        self.choke_timeout(cx);
        self.candidates.handle_timeout(cx.now);
        self.announce_timeout(cx);
        self.pex_timeout(cx);
        self.resume_timeout(cx);
        self.disk_timeout(cx);
        self.limits_timeout(cx);
    }
}

/// What a torrent's deadline is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Due {
    /// A connection or a request.
    Peer,
    /// A choking round.
    Choker,
    /// A candidate may be dialled.
    Candidates,
    /// An announce.
    Tracker,
    /// Peer exchange.
    Pex,
    /// The resume state.
    Resume,
    /// Another try of the disk.
    Disk,
    /// A rate limit lets more through.
    Rate,
}

/// Characters of a name that are shown; a torrent's name is foreign text.
const NAME_SHOWN_MAX: usize = 200;
