//! Why a torrent does not get on, as values, and which of two causes weighs more.

use crate::candidates::Trouble;
use crate::disk::DiskFault;
use crate::id::PieceIndex;
use crate::throttle::Way;
use crate::time::Duration;
use alloc::string::String;
use alloc::vec::Vec;

/// How much a cause stops, the heaviest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Weight {
    /// Nothing moves as long as it holds.
    Stops,
    /// Some pieces cannot come as long as it holds.
    StopsPart,
    /// It comes more slowly than it could.
    Slows,
    /// It may be a reason of others, or become one.
    Hint,
    /// Nothing is wrong.
    Fine,
}

/// A tracker that does not answer, or refuses.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FailingTracker {
    /// The tracker without its secrets.
    pub url: String,
    /// What its last announce failed for, a sentence; none if it was never answered in any way.
    pub said: Option<String>,
    /// How long it has been asked by now, if an announce is on its way.
    pub asked_for: Option<Duration>,
    /// In which time it is asked again, if that is known.
    pub next_in: Option<Duration>,
}

/// Why a torrent does not get on. Times are counted from the moment of the look.
///
/// The variants stand in the order in which they are named among those of one [`Weight`]: what has to be solved before
/// the next one can matter comes first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Cause {
    /// It was told to end.
    ShuttingDown,
    /// It cannot go on without the user.
    NeedsUser {
        /// A sentence that says what to do.
        text: String,
    },
    /// The user paused it.
    Paused,
    /// The user has yet to say which files are wanted.
    FilesToChoose,
    /// Other downloads come first.
    Queued,
    /// Storage failed.
    Disk {
        /// What kind of failure.
        fault: DiskFault,
        /// The file and the system's words.
        text: String,
        /// In which time it is tried again; only when the user says so, if none.
        retry_in: Option<Duration>,
        /// Bytes that are still to be stored.
        missing: u64,
    },
    /// It learns what is on the disk, or makes its files.
    Opening,
    /// It hashes what is on the disk.
    Checking {
        /// Pieces hashed.
        done: u32,
        /// Pieces in all.
        pieces: u32,
    },
    /// The user limits the rate, and the limit is reached.
    RateLimit {
        /// What is limited.
        way: Way,
        /// Bytes a second, at the most.
        limit: u64,
        /// Whether the limit is this torrent's own, and not one over all torrents.
        own: bool,
        /// Peers that wait because of it.
        waiting: usize,
    },
    /// This machine cannot dial: no descriptor is left, or its interface is gone.
    Local {
        /// The system's words.
        text: String,
        /// Connections that stand.
        peers: usize,
    },
    /// Peers are banned.
    BannedPeers {
        /// Addresses that are banned.
        banned: usize,
        /// Those of them that alone sent a piece with wrong data.
        bad_piece: usize,
        /// When the first ban ends.
        ends_in: Duration,
        /// Other addresses that are known.
        others: usize,
    },
    /// There is no tracker to ask, and nobody is known.
    NoTrackers,
    /// No tracker that was asked answers well.
    TrackersFailing {
        /// Each of them, by tier.
        each: Vec<FailingTracker>,
        /// Trackers in all.
        trackers: usize,
        /// Addresses that are known all the same.
        known: usize,
    },
    /// Nobody is known, whoever was asked.
    NoPeersKnown {
        /// Trackers that answered.
        answered: usize,
        /// In which time one is asked again, if that is known.
        next_in: Option<Duration>,
    },
    /// Addresses are known, and none can be connected to now.
    NotReachable {
        /// Addresses that are known.
        known: usize,
        /// What became of the last attempts, and of how many of them.
        troubles: Vec<(Trouble, usize)>,
        /// Attempts under way.
        dialling: usize,
        /// In which time the next attempt may be made; none if all are given up or being dialled.
        retry_in: Option<Duration>,
    },
    /// The first attempts to connect are under way.
    Connecting {
        /// Attempts under way.
        dialling: usize,
        /// Addresses that are known.
        known: usize,
    },
    /// Peers are connected, and nobody of them has the metadata of the link.
    NobodyHasMetadata {
        /// Peers connected.
        peers: usize,
    },
    /// The metadata came wrong, and is fetched again.
    MetadataWrong {
        /// How often.
        failures: u32,
        /// Peers that say that they have it.
        sources: usize,
    },
    /// The metadata is being fetched.
    FetchingMetadata {
        /// Peers that say that they have it.
        sources: usize,
        /// Bytes that are here.
        bytes: u64,
        /// Bytes in all, as those peers say; 0 before anything was asked for.
        size: u32,
    },
    /// Nobody who is connected has these pieces.
    NobodyHasPieces {
        /// How many.
        pieces: u32,
        /// Some of them, the first ones.
        some: Vec<PieceIndex>,
        /// Wanted pieces that are missing in all.
        missing: u32,
        /// Peers connected.
        peers: usize,
    },
    /// Pieces arrive and fail their hash.
    HashFailures {
        /// Pieces that failed and have not passed since.
        pieces: u32,
        /// One that fails whoever sends it, else the one that failed most.
        piece: PieceIndex,
        /// How often that one has failed.
        failures: u32,
        /// Pieces that fail whoever sends them, and are left alone for a while.
        hopeless: u32,
        /// In which time the first of those is fetched again.
        retry_in: Option<Duration>,
        /// Wanted pieces that are missing in all.
        missing: u32,
    },
    /// The disk is behind.
    DiskSlow {
        /// Bytes on their way to the disk.
        writing: u64,
        /// Bytes that may be.
        writing_max: u64,
        /// Pieces whose hash is being taken.
        hashing: usize,
        /// Peers that are not read from meanwhile.
        held: usize,
    },
    /// Every peer that has something for us chokes us.
    AllChokeUs {
        /// Peers connected.
        peers: usize,
        /// Those that have a piece that is missing here.
        useful: usize,
        /// Those that choke us.
        choking: usize,
        /// How long the one that waits longest has been choking us.
        longest: Duration,
    },
    /// Peers that do not choke us refuse what they are asked for.
    Refusing {
        /// Those that refuse.
        refusing: usize,
        /// Peers that have something for us and do not choke us.
        serving: usize,
        /// In which time the first of them is asked again.
        retry_in: Duration,
    },
    /// Peers were asked for blocks and do not send them.
    Snubbed {
        /// Those that keep us waiting.
        silent: usize,
        /// Peers that have something for us and do not choke us.
        serving: usize,
        /// For how long the one that is silent longest has sent nothing.
        longest: Duration,
    },
    /// Blocks are asked for, and the answers are not late yet.
    Waiting {
        /// Peers that have something for us and do not choke us.
        serving: usize,
        /// Requests that are not answered.
        requests: usize,
    },
    /// Nobody who is connected wants what we have.
    NobodyInterested {
        /// Peers connected.
        peers: usize,
    },
    /// Peers can only be found through its trackers (BEP 27).
    Private,
    /// Nobody has ever connected to us, though we could to others.
    PortUnreachable {
        /// The port that peers are told.
        port: u16,
        /// How long it has been so.
        since: Duration,
        /// Peers that we connected to meanwhile.
        dialled: u32,
    },
    /// It comes as fast as peers send it.
    Downloading {
        /// Peers connected.
        peers: usize,
        /// Those that have something for us and do not choke us.
        serving: usize,
        /// Bytes a second.
        rate: u64,
    },
    /// Everything wanted is there, and is served.
    Seeding {
        /// Peers that want something of us.
        interested: usize,
        /// Those of them that we serve.
        served: usize,
        /// Bytes a second.
        rate: u64,
    },
}

impl Cause {
    /// The word that programs know it by. Words may be added, they are never renamed.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ShuttingDown => "shutting-down",
            Self::NeedsUser { .. } => "needs-user",
            Self::Paused => "paused",
            Self::FilesToChoose => "files-to-choose",
            Self::Queued => "queued",
            Self::Disk { fault, .. } => match fault {
                DiskFault::Full => "disk-full",
                DiskFault::Missing => "disk-missing",
                DiskFault::Denied => "disk-denied",
                DiskFault::InTheWay => "disk-blocked",
                DiskFault::Io => "disk-error",
            },
            Self::Opening => "opening",
            Self::Checking { .. } => "checking",
            Self::RateLimit { .. } => "rate-limit",
            Self::Local { .. } => "cannot-dial",
            Self::BannedPeers { .. } => "peers-banned",
            Self::NoTrackers => "no-trackers",
            Self::TrackersFailing { .. } => "trackers-failing",
            Self::NoPeersKnown { .. } => "no-peers-known",
            Self::NotReachable { .. } => "peers-unreachable",
            Self::Connecting { .. } => "connecting",
            Self::NobodyHasMetadata { .. } => "metadata-unavailable",
            Self::MetadataWrong { .. } => "metadata-wrong",
            Self::FetchingMetadata { .. } => "fetching-metadata",
            Self::NobodyHasPieces { .. } => "pieces-unavailable",
            Self::HashFailures { .. } => "hash-failures",
            Self::DiskSlow { .. } => "disk-slow",
            Self::AllChokeUs { .. } => "choked",
            Self::Refusing { .. } => "requests-refused",
            Self::Snubbed { .. } => "peers-silent",
            Self::Waiting { .. } => "waiting",
            Self::NobodyInterested { .. } => "nobody-interested",
            Self::Private => "private",
            Self::PortUnreachable { .. } => "port-unreachable",
            Self::Downloading { .. } => "downloading",
            Self::Seeding { .. } => "seeding",
        }
    }

    /// How much it stops, by its own numbers.
    pub fn weight(&self) -> Weight {
        match self {
            Self::ShuttingDown
            | Self::NeedsUser { .. }
            | Self::Paused
            | Self::FilesToChoose
            | Self::Queued
            | Self::Disk { .. }
            | Self::Opening
            | Self::Checking { .. }
            | Self::NoTrackers
            | Self::NoPeersKnown { .. }
            | Self::NotReachable { .. }
            | Self::Connecting { .. }
            | Self::NobodyHasMetadata { .. }
            | Self::AllChokeUs { .. } => Weight::Stops,
            Self::Local { peers, .. } => stops_if(*peers == 0, Weight::Slows),
            Self::BannedPeers { others, .. } => stops_if(*others == 0, Weight::Hint),
            Self::TrackersFailing { known, .. } => stops_if(*known == 0, Weight::Hint),
            Self::NobodyHasPieces { pieces, missing, .. } => stops_if(pieces >= missing, Weight::StopsPart),
            Self::HashFailures {
                hopeless, missing, ..
            } => match *hopeless {
                0 => Weight::Slows,
                hopeless => stops_if(hopeless >= *missing, Weight::StopsPart),
            },
            Self::Refusing {
                refusing: some,
                serving,
                ..
            }
            | Self::Snubbed {
                silent: some,
                serving,
                ..
            } => stops_if(some >= serving, Weight::Slows),
            Self::RateLimit { .. }
            | Self::DiskSlow { .. }
            | Self::Waiting { .. }
            | Self::MetadataWrong { .. }
            | Self::FetchingMetadata { .. } => Weight::Slows,
            Self::Private | Self::PortUnreachable { .. } => Weight::Hint,
            Self::NobodyInterested { .. } | Self::Downloading { .. } | Self::Seeding { .. } => Weight::Fine,
        }
    }
}

const fn stops_if(stops: bool, otherwise: Weight) -> Weight {
    if stops { Weight::Stops } else { otherwise }
}
