//! Coverage marks: branches of which a test wants to know that they were taken.
//!
//! They are a set of bits within the machine that takes the branch, not a static: engines run beside each other, are
//! copied and compared, and none may see what another did. Setting one costs an OR; nothing decides by them.

use serde::{Deserialize, Serialize};

/// A branch that can be marked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
#[allow(missing_docs)] // the names stand in `NAMES`, the branches where they are hit
pub enum Mark {
    PickRandom,
    PickPartial,
    PickRarest,
    PickCommon,
    PickEndgame,
    PickAllowedFast,
    PickSuggested,
    PickExclusive,
    PickDeadline,
    PickPreferred,
    PickSequential,
    Snubbed,
    RequestExpired,
    RequestOwed,
    RefusalPause,
    CancelElsewhere,
    CancelSilent,
    DuplicateBlock,
    UploadCancelled,
    FastServed,
    PartedByWord,
    ReadingHeld,
    Overslept,
    NetworkChanged,
    ResumeTrusted,
    ResumeUnused,
    ForeignFile,
    FilesSkipped,
    PartsMoved,
    CheckWaits,
    PieceDoubtful,
    PieceLost,
    TrackerParallel,
    TrackerDry,
    TrackerHurried,
    TrackerSwitched,
    TrackerCycleAtOnce,
    UdpRetransmit,
    UdpIdExpired,
    UdpConnectShared,
    UdpNextAddress,
    CandidateGivenUp,
    CandidateOfHost,
    CandidateReplaced,
    EncryptionFallback,
    MetadataMixed,
    MetadataEvicted,
    MetadataKept,
    MetadataServed,
    HeldClaims,
    PexSent,
    PexHeard,
    GaveWay,
    SilentGaveWay,
    PeerLostPiece,
    PieceOffered,
    LsdSent,
    LsdHeard,
    LsdOwn,
    LsdFlood,
    LsdIgnored,
}

/// The names of all marks, in the order of [`Mark`].
pub const NAMES: &[&str] = &[
    "pick-random",
    "pick-partial",
    "pick-rarest",
    "pick-common",
    "pick-endgame",
    "pick-allowed-fast",
    "pick-suggested",
    "pick-exclusive",
    "pick-deadline",
    "pick-preferred",
    "pick-sequential",
    "snubbed",
    "request-expired",
    "request-owed",
    "refusal-pause",
    "cancel-elsewhere",
    "cancel-silent",
    "duplicate-block",
    "upload-cancelled",
    "fast-served",
    "parted-by-word",
    "reading-held",
    "overslept",
    "network-changed",
    "resume-trusted",
    "resume-unused",
    "foreign-file",
    "files-skipped",
    "parts-moved",
    "check-waits",
    "piece-doubtful",
    "piece-lost",
    "tracker-parallel",
    "tracker-dry",
    "tracker-hurried",
    "tracker-switched",
    "tracker-cycle-at-once",
    "udp-retransmit",
    "udp-id-expired",
    "udp-connect-shared",
    "udp-next-address",
    "candidate-given-up",
    "candidate-of-host",
    "candidate-replaced",
    "encryption-fallback",
    "metadata-mixed",
    "metadata-evicted",
    "metadata-kept",
    "metadata-served",
    "held-claims",
    "pex-sent",
    "pex-heard",
    "gave-way",
    "silent-gave-way",
    "peer-lost-piece",
    "piece-offered",
    "lsd-sent",
    "lsd-heard",
    "lsd-own",
    "lsd-flood",
    "lsd-ignored",
];

/// The marks that were hit.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Marks(u64);

impl Marks {
    /// None was hit.
    pub const NONE: Self = Self(0);

    /// The branch was taken.
    pub const fn hit(&mut self, mark: Mark) {
        self.0 |= 1 << mark as u8;
    }

    /// Adds those of another machine.
    pub const fn merge(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Whether it was hit.
    pub const fn contains(self, mark: Mark) -> bool {
        self.0 & (1 << mark as u8) != 0
    }

    /// The names of those that were hit.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let hit = move |(n, _): &(usize, &&str)| self.0 & (1 << n) != 0;
        NAMES.iter().enumerate().filter(hit).map(|(_, name)| *name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_hit_by_its_name() {
        assert_eq!(NAMES.len(), Mark::LsdIgnored as usize + 1);
        assert!(NAMES.len() <= 64, "one word");
        let mut marks = Marks::default();
        assert_eq!(marks.names().count(), 0);
        marks.hit(Mark::Snubbed);
        let mut others = Marks::default();
        others.hit(Mark::CandidateReplaced);
        marks.merge(others);
        assert!(marks.contains(Mark::Snubbed) && !marks.contains(Mark::PickRandom));
        assert!(marks.names().eq(["snubbed", "candidate-replaced"]));
    }
}
