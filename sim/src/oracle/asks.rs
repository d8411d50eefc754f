//! I44: what an engine answers when its user asks how it goes, held against what passed its boundary.
//!
//! Answers are values and sentences. A sentence that cannot be printed, a cause that does not hold and a figure that is
//! no part of what it is a part of are found here; nothing of it decides anything in the engine.

use super::table::Oracle;
use super::watch::Watch;
use seedbed_engine::candidates::{CandidateView, Source};
use seedbed_engine::id::PieceIndex;
use seedbed_engine::metainfo::Metainfo;
use seedbed_engine::time::Duration;
use seedbed_engine::torrent::why::headline;
use seedbed_engine::{Cause, TorrentState, TorrentView};
use std::fmt::Display;

/// Every so many events a user asks, and whenever the state changed.
pub(crate) const EVERY: u64 = 256;

/// Characters of one sentence, at the most: some screens of a terminal.
const SENTENCE_MAX: usize = 4_000;

/// How long a fetch may take in all, and some more.
const FETCH_MAX: Duration = Duration::from_secs(120 + 5);

/// Who can name an address.
const SOURCES: [Source; 7] = [
    Source::User,
    Source::Magnet,
    Source::Tracker,
    Source::Incoming,
    Source::Resume,
    Source::Lsd,
    Source::Pex,
];

impl Watch {
    /// A user asks for everything.
    pub(crate) fn asks(&mut self, view: Option<TorrentView<'_>>) {
        let Some(view) = view else { return };
        let causes = view.why(self.now);
        let wrong = unsaid(&causes)
            .or_else(|| causes.iter().find_map(|cause| self.untrue(view, cause)))
            .or_else(|| self.missing_cause(view, &causes))
            .or_else(|| self.wrong_figures(view))
            .or_else(|| self.wrong_addresses(view))
            .or_else(|| self.unprintable(view));
        self.verdicts
            .check(Oracle::I44, wrong.is_none(), || wrong.unwrap_or_default());
    }

    /// A user wants a file; who waits for one already is told so.
    pub(crate) fn fetches(&mut self) {
        self.fetching.get_or_insert(self.now);
    }

    /// A file is here, or is not to be had.
    pub(crate) fn fetched(&mut self, result: Result<&[u8], &String>) {
        let waited = self.fetching.take().is_some();
        let right = match result {
            Ok(bytes) => Metainfo::parse(bytes).is_ok_and(|read| read == *self.setup.metainfo),
            Err(why) => is_sentence(why),
        };
        self.verdicts.check(Oracle::I44, waited && right, || {
            format!("asked for: {waited}, and fetched: {result:?}")
        });
    }

    /// L2: what cannot be fetched is given up.
    pub(crate) fn fetch_overdue(&mut self) {
        if let Some(since) = self.fetching {
            let late = self.now > since + FETCH_MAX && self.story.shutdown_at.is_none();
            self.verdicts
                .check(Oracle::L2, !late, || format!("the fetch of {since} is not over"));
        }
    }

    /// Whether none of these pieces is here or with anybody.
    fn nobody_has(&self, pieces: &[PieceIndex]) -> bool {
        let has = |piece: PieceIndex| {
            self.conns
                .values()
                .any(|conn| conn.is_open() && conn.has.contains(piece))
        };
        pieces
            .iter()
            .all(|piece| !self.have.contains(*piece) && !has(*piece))
    }

    /// A cause that does not hold.
    pub(super) fn untrue(&self, view: TorrentView<'_>, cause: &Cause) -> Option<String> {
        let state = view.state();
        let open = || self.conns.values().filter(|conn| conn.is_open());
        let holds = match cause {
            Cause::Paused => matches!(state, TorrentState::Paused) || self.paused,
            Cause::Queued => matches!(state, TorrentState::Queued),
            // who is paused meanwhile waits for it all the same
            Cause::FilesToChoose => matches!(state, TorrentState::Choosing | TorrentState::Paused),
            Cause::NeedsUser { .. } => matches!(state, TorrentState::Failed { .. }),
            Cause::Disk { .. } => matches!(state, TorrentState::DiskFailed { .. }),
            // what was kept of metadata is looked for in the same way, and who is paused meanwhile waits for it
            Cause::Opening => matches!(
                state,
                TorrentState::Opening | TorrentState::Metadata | TorrentState::Paused
            ),
            Cause::Checking { done, pieces } => matches!(state, TorrentState::Checking) && done <= pieces,
            Cause::Private => self.setup.metainfo.private,
            Cause::Seeding {
                interested, served, ..
            } => served <= interested && open().filter(|conn| conn.interested).count() == *interested,
            Cause::NobodyInterested { peers } => *peers > 0 && open().all(|conn| !conn.interested),
            Cause::NobodyHasPieces {
                pieces,
                some,
                missing,
                ..
            } => pieces <= missing && self.nobody_has(some),
            Cause::AllChokeUs { useful, choking, .. } => {
                *useful > 0 && open().filter(|conn| conn.choking_us).count() >= *choking
            }
            Cause::FetchingMetadata { .. }
            | Cause::NobodyHasMetadata { .. }
            | Cause::MetadataWrong { .. } => self.is_link && view.have().is_empty(),
            Cause::NoTrackers => self.setup.trackers.is_empty() || view.trackers().is_empty(),
            Cause::TrackersFailing { each, trackers, .. } => !each.is_empty() && each.len() <= *trackers,
            Cause::NotReachable { known, troubles, .. } => {
                let tried: usize = troubles.iter().map(|(_, count)| count).sum();
                *known > 0 && tried <= *known
            }
            Cause::Connecting { dialling, known } => *known > 0 && dialling <= known,
            Cause::HashFailures { pieces, hopeless, .. } => {
                hopeless <= pieces && self.traffic.hash_failures > 0
            }
            Cause::BannedPeers {
                banned, bad_piece, ..
            } => bad_piece <= banned && view.candidates().banned_count() >= *banned,
            Cause::Refusing {
                refusing: some,
                serving,
                ..
            }
            | Cause::Snubbed {
                silent: some,
                serving,
                ..
            } => some <= serving && *some > 0,
            Cause::RateLimit { limit, .. } => *limit > 0,
            Cause::ShuttingDown
            | Cause::Local { .. }
            | Cause::NoPeersKnown { .. }
            | Cause::DiskSlow { .. }
            | Cause::Waiting { .. }
            | Cause::PortUnreachable { .. }
            | Cause::Downloading { .. } => true,
        };
        (!holds).then(|| format!("told in {state:?}, and it does not hold: {cause:?}"))
    }

    /// A state whose cause is not told.
    pub(super) fn missing_cause(&self, view: TorrentView<'_>, causes: &[Cause]) -> Option<String> {
        let state = view.state();
        let told = |is: fn(&Cause) -> bool| causes.iter().any(is);
        let said = match &state {
            TorrentState::Paused => told(|cause| matches!(cause, Cause::Paused)),
            TorrentState::Queued => told(|cause| matches!(cause, Cause::Queued)),
            TorrentState::Choosing => told(|cause| matches!(cause, Cause::FilesToChoose)),
            TorrentState::Failed { .. } => told(|cause| matches!(cause, Cause::NeedsUser { .. })),
            TorrentState::DiskFailed { .. } => told(|cause| matches!(cause, Cause::Disk { .. })),
            TorrentState::Checking => told(|cause| matches!(cause, Cause::Checking { .. })),
            TorrentState::Stopping => told(|cause| matches!(cause, Cause::ShuttingDown)),
            TorrentState::Metadata
            | TorrentState::Opening
            | TorrentState::Downloading
            | TorrentState::Seeding => true,
        };
        (!said).then(|| format!("{state} is not among the causes {causes:?}"))
    }

    fn wrong_figures(&self, view: TorrentView<'_>) -> Option<String> {
        let status = view.status(self.now);
        let of_content = view.metainfo().is_none()
            || status.total_length == self.geometry.total() && status.pieces == self.geometry.pieces();
        let parts = status.verified <= status.wanted
            && status.wanted <= status.total_length
            && status.pieces_have == view.have().count()
            && status.pieces_checked <= status.pieces
            && status.wasted <= status.downloaded
            && status.seeds <= status.peers
            && status.peers == self.conns.values().filter(|conn| conn.is_open()).count();
        (!of_content || !parts).then(|| format!("{status:?}"))
    }

    /// Known addresses: every one is from one source and stands somewhere.
    fn wrong_addresses(&self, view: TorrentView<'_>) -> Option<String> {
        let candidates = view.candidates();
        let known = candidates.view();
        let by_source: usize = SOURCES.iter().map(|source| candidates.named_by(*source)).sum();
        let bans = candidates.bans().count();
        let lost = |one: &&CandidateView| candidates.source_of(one.addr) != Some(one.source);
        let stray = known.iter().find(lost);
        let alike = candidates.addresses().eq(known.iter().map(|one| one.addr));
        let right = known.len() == candidates.known() && by_source == known.len() && alike;
        let right = right && stray.is_none() && bans == candidates.banned_count();
        (!right).then(|| format!("{by_source} addresses of all sources, {stray:?}, {bans} bans: {known:?}"))
    }

    /// Everything else that is words.
    fn unprintable(&self, view: TorrentView<'_>) -> Option<String> {
        let candidates = view.candidates();
        let bans = candidates.bans().map(|(_, _, reason)| reason.to_string());
        let known = candidates.view().into_iter().flat_map(|one| {
            let trouble = one.trouble.map(|trouble| trouble.to_string());
            [one.source.to_string(), one.standing.to_string()]
                .into_iter()
                .chain(trouble)
        });
        let trackers = view.trackers().into_iter().flat_map(|one| [one.url, one.state]);
        let clients = view.peers(self.now).into_iter().map(|peer| peer.client);
        let mut said = bans.chain(known).chain(trackers);
        let state = Some(view.state().to_string());
        let name = [view.name()];
        let blank = said
            .find(|text| !is_sentence(text))
            .or(state.filter(|text| !is_sentence(text)));
        blank
            .or_else(|| {
                clients
                    .chain(name)
                    .find(|text| !text.is_empty() && !is_sentence(text))
            })
            .map(|text| format!("told to a user: {text:?}"))
    }
}

/// Causes that cannot be told, or are in no order.
fn unsaid(causes: &[Cause]) -> Option<String> {
    if headline(causes).is_none_or(|text| !is_sentence(&text)) {
        return Some("no cause is told".into());
    }
    let sorted = causes.is_sorted_by_key(Cause::weight);
    let mut codes: Vec<_> = causes.iter().map(Cause::code).collect();
    codes.sort_unstable();
    codes.dedup();
    let said = |cause: &Cause| {
        let words: [&dyn Display; 2] = [cause, &cause.next_step()];
        let code = cause
            .code()
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        code && words.iter().all(|words| is_sentence(&words.to_string()))
    };
    let right = sorted && codes.len() == causes.len() && causes.iter().all(said);
    (!right).then(|| format!("told in no order, twice or in no words: {causes:?}"))
}

/// Whether it is something, in one line, and for people.
fn is_sentence(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= SENTENCE_MAX && !text.chars().any(char::is_control)
}
