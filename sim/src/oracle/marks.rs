//! Which branches of the engine a run took, as its reports and closes show.

use super::watch::Watch;
use seedbed_engine::session::{End, Violation};
use seedbed_engine::{BanReason, CloseReason, PeerClosed, Report, TorrentState};

/// The names of all marks of the engine.
pub const MARKS: &[&str] = &[
    "eng:added",
    "eng:ban:block-differs",
    "eng:ban:metadata",
    "eng:ban:sole-source",
    "eng:checked",
    "eng:unchoke:fast-uninterested",
    "eng:unchoke:optimistic",
    "eng:unchoke:optimistic-new",
    "eng:unchoke:rate",
    "eng:unchoke:turn",
    "eng:choke",
    "eng:choke:not-interested",
    "eng:choke:no-slot",
    "eng:choke:seed",
    "eng:choke:snubbed",
    "eng:choke:too-slow",
    "eng:choke:turn-over",
    "eng:completed",
    "eng:disk-failed",
    "eng:end:banned",
    "eng:end:both-seeds",
    "eng:end:by-them",
    "eng:end:connect-timeout",
    "eng:end:duplicate",
    "eng:end:full",
    "eng:end:handshake-timeout",
    "eng:end:network-changed",
    "eng:end:nothing-wanted",
    "eng:end:ourselves",
    "eng:end:plain-next",
    "eng:end:private",
    "eng:end:refuses-all",
    "eng:end:shutdown",
    "eng:end:silent",
    "eng:end:torrent-stopped",
    "eng:end:tracker-switched",
    "eng:end:useless",
    "eng:http-done",
    "eng:metadata",
    "eng:metadata-failed",
    "eng:peer-connected",
    "eng:piece-failed",
    "eng:piece-verified",
    "eng:rejected",
    "eng:shut-down",
    "eng:state:checking",
    "eng:state:choosing",
    "eng:state:disk-failed",
    "eng:state:downloading",
    "eng:state:failed",
    "eng:state:metadata",
    "eng:state:opening",
    "eng:state:paused",
    "eng:state:queued",
    "eng:state:seeding",
    "eng:state:stopping",
    "eng:tracker-failed",
    "eng:tracker-ok",
    "eng:tracker-warning",
    "eng:unowned",
    "eng:violation:bad-dont-have",
    "eng:violation:bad-extended-handshake",
    "eng:violation:bad-metadata-message",
    "eng:violation:bad-pex",
    "eng:violation:bitfield-length",
    "eng:violation:block-not-requested",
    "eng:violation:block-out-of-range",
    "eng:violation:encryption",
    "eng:violation:extended-not-negotiated",
    "eng:violation:fast-not-negotiated",
    "eng:violation:message-too-long",
    "eng:violation:metadata-length",
    "eng:violation:metadata-not-requested",
    "eng:violation:metadata-size",
    "eng:violation:metadata-too-long",
    "eng:violation:not-bittorrent",
    "eng:violation:not-encrypted",
    "eng:violation:piece-out-of-range",
    "eng:violation:request-flood",
    "eng:violation:too-frequent-pex",
    "eng:violation:too-many-bad-requests",
    "eng:violation:too-many-duplicates",
    "eng:violation:too-many-stray-rejects",
    "eng:violation:unknown-torrent",
    "eng:violation:wrong-length",
    "eng:violation:wrong-torrent",
];

/// Marks that ten thousand drawn worlds need not hit, with the reason of each.
pub const RARE_MARKS: &[&str] = &[
    // no drawn peer leaves out the bit and then speaks BEP 10
    "eng:violation:extended-not-negotiated",
    // needs more than a thousand duplicates
    "eng:violation:too-many-duplicates",
    // who suggests in a drawn world has nothing
    "pick-suggested",
    // a few in ten thousand worlds
    "eng:state:failed",
    "eng:end:tracker-switched",
    "tracker-switched",
    "tracker-cycle-at-once",
    "foreign-file",
    "piece-doubtful",
    "pick-common",
    // it takes full slots, idle peers in them, and two who say what our address is
    "gave-way",
    // it takes more silent connections than half of all places, and one who dials
    "silent-gave-way",
    // a disk that cannot be read while the files of an earlier start are hashed
    "check-waits",
    // more datagrams have to come to a stopped process than a socket holds
    "freeze-drops-datagram",
    // half a number is written, not drawn
    "eng:violation:bad-dont-have",
    // dictionaries of drawn worlds are short, so that hardly two peers share one, and few sizes are claimed
    "metadata-mixed",
    "metadata-evicted",
    // a choke for a reason that has no mark of its own
    "eng:choke",
    // a link of which the user chooses files is added with a choice in worlds, and a queue takes two torrents
    "eng:state:choosing",
    "eng:state:queued",
    // one world in ten thousand, and one in a million
    "connect-timed-out",
    "eng:end:private",
];

impl Watch {
    pub(crate) fn mark_close(&mut self, reason: &CloseReason) {
        self.marks.hit(match reason {
            CloseReason::Peer(end) => of_end(*end),
            CloseReason::HttpDone => "eng:http-done",
            CloseReason::Unowned => "eng:unowned",
        });
    }

    pub(crate) fn mark_report(&mut self, report: &Report) {
        let mark = match report {
            Report::Added { .. } => "eng:added",
            Report::Rejected { .. } => "eng:rejected",
            Report::State { torrent: _, state } => of_state(state),
            Report::TrackerOk { warning, .. } => {
                if warning.is_some() {
                    self.marks.hit("eng:tracker-warning");
                }
                "eng:tracker-ok"
            }
            Report::TrackerFailed { .. } => "eng:tracker-failed",
            Report::PeerConnected { .. } => "eng:peer-connected",
            Report::PeerClosed { why, .. } => match why {
                // its close is an action, and marked there
                PeerClosed::ByUs(_) => return,
                PeerClosed::ByThem(_) => "eng:end:by-them",
                PeerClosed::PlainNext => "eng:end:plain-next",
            },
            Report::PieceVerified { .. } => "eng:piece-verified",
            Report::PieceFailed { .. } => "eng:piece-failed",
            Report::Banned { why, .. } => match why {
                BanReason::SoleSource { .. } => "eng:ban:sole-source",
                BanReason::BlockDiffers { .. } => "eng:ban:block-differs",
                BanReason::Metadata => "eng:ban:metadata",
            },
            Report::Metadata { .. } => "eng:metadata",
            Report::MetadataFailed { .. } => "eng:metadata-failed",
            Report::Checked { .. } => "eng:checked",
            Report::Completed { .. } => "eng:completed",
            Report::DiskFailed { .. } => "eng:disk-failed",
            Report::Choke { why, unchoked, .. } => of_choice(*unchoked, why),
            Report::ShutDown => "eng:shut-down",
            Report::Note { .. }
            | Report::Lint { .. }
            | Report::Wire { .. }
            | Report::Tracker { .. }
            | Report::Lsd { .. }
            | Report::Fetched { .. }
            | Report::TrackerProbed { .. }
            | Report::Removed { .. } => return,
        };
        self.marks.hit(mark);
    }
}

const fn of_state(state: &TorrentState) -> &'static str {
    match state {
        TorrentState::Metadata => "eng:state:metadata",
        TorrentState::Choosing => "eng:state:choosing",
        TorrentState::Queued => "eng:state:queued",
        TorrentState::Opening => "eng:state:opening",
        TorrentState::Checking => "eng:state:checking",
        TorrentState::Downloading => "eng:state:downloading",
        TorrentState::Seeding => "eng:state:seeding",
        TorrentState::Paused => "eng:state:paused",
        TorrentState::DiskFailed { .. } => "eng:state:disk-failed",
        TorrentState::Failed { .. } => "eng:state:failed",
        TorrentState::Stopping => "eng:state:stopping",
    }
}

/// The choker's reason is told as a sentence; its first words say which it is.
fn of_choice(unchoked: bool, why: &str) -> &'static str {
    let of = |begin: &str| why.starts_with(begin);
    match unchoked {
        true if of("number ") => "eng:unchoke:rate",
        true if of("optimistic, new") => "eng:unchoke:optimistic-new",
        true if of("optimistic") => "eng:unchoke:optimistic",
        true if of("its turn") => "eng:unchoke:turn",
        true => "eng:unchoke:fast-uninterested",
        false if of("not interested") => "eng:choke:not-interested",
        false if of("is a seed") => "eng:choke:seed",
        false if of("sends nothing") => "eng:choke:snubbed",
        false if of("its turn is over") => "eng:choke:turn-over",
        false if of("no free slot") => "eng:choke:no-slot",
        false if why.contains("the slowest slot") => "eng:choke:too-slow",
        false => "eng:choke",
    }
}

const fn of_end(end: End) -> &'static str {
    match end {
        End::Violation(violation) => of_violation(violation),
        End::ConnectTimeout => "eng:end:connect-timeout",
        End::HandshakeTimeout => "eng:end:handshake-timeout",
        End::Silent => "eng:end:silent",
        End::Useless => "eng:end:useless",
        End::RefusesAll => "eng:end:refuses-all",
        End::BothSeeds => "eng:end:both-seeds",
        End::NothingWanted => "eng:end:nothing-wanted",
        End::Ourselves => "eng:end:ourselves",
        End::Duplicate => "eng:end:duplicate",
        End::Banned => "eng:end:banned",
        End::Full => "eng:end:full",
        End::TorrentStopped => "eng:end:torrent-stopped",
        End::Private => "eng:end:private",
        End::TrackerSwitched => "eng:end:tracker-switched",
        End::NetworkChanged => "eng:end:network-changed",
        End::Shutdown => "eng:end:shutdown",
    }
}

const fn of_violation(violation: Violation) -> &'static str {
    match violation {
        Violation::NotBitTorrent => "eng:violation:not-bittorrent",
        Violation::Encryption(_) => "eng:violation:encryption",
        Violation::NotEncrypted => "eng:violation:not-encrypted",
        Violation::WrongTorrent => "eng:violation:wrong-torrent",
        Violation::UnknownTorrent => "eng:violation:unknown-torrent",
        Violation::MessageTooLong { .. } => "eng:violation:message-too-long",
        Violation::WrongLength { .. } => "eng:violation:wrong-length",
        Violation::BitfieldLength { .. } => "eng:violation:bitfield-length",
        Violation::PieceOutOfRange { .. } => "eng:violation:piece-out-of-range",
        Violation::FastNotNegotiated { .. } => "eng:violation:fast-not-negotiated",
        Violation::ExtendedNotNegotiated => "eng:violation:extended-not-negotiated",
        Violation::BadExtendedHandshake => "eng:violation:bad-extended-handshake",
        Violation::MetadataTooLong { .. } => "eng:violation:metadata-too-long",
        Violation::BadMetadataMessage => "eng:violation:bad-metadata-message",
        Violation::MetadataNotRequested { .. } => "eng:violation:metadata-not-requested",
        Violation::MetadataSize { .. } => "eng:violation:metadata-size",
        Violation::MetadataLength { .. } => "eng:violation:metadata-length",
        Violation::BadDontHave { .. } => "eng:violation:bad-dont-have",
        Violation::BadPex => "eng:violation:bad-pex",
        Violation::TooFrequentPex => "eng:violation:too-frequent-pex",
        Violation::BlockNotRequested { .. } => "eng:violation:block-not-requested",
        Violation::BlockOutOfRange { .. } => "eng:violation:block-out-of-range",
        Violation::TooManyDuplicates => "eng:violation:too-many-duplicates",
        Violation::TooManyBadRequests => "eng:violation:too-many-bad-requests",
        Violation::TooManyStrayRejects => "eng:violation:too-many-stray-rejects",
        Violation::RequestFlood => "eng:violation:request-flood",
    }
}
