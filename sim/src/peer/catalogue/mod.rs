//! The catalogue of what peers do: rows PC, PH, PF, PS, PB, PR, PP, PE, PX and ME, each a name with its expected reaction.

mod connect;
mod encryption;
mod exchange;
mod local;
mod metadata;
mod pieces;
mod talk;

use crate::scenario::{Area, Behaviour};

/// What an engine makes of a behaviour that stands alone, beside an honest seed. In every case it completes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reaction {
    /// It ends the connection, and these words are in its reason.
    Closed(&'static str),
    /// It bans the address on proof.
    Banned,
    /// It does not end the connection for a violation, and does not ban.
    Kept,
    /// Whatever becomes of the connection, it completes (or serves on) and does not ban.
    Completes,
}

/// Which scene brings a behaviour out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scene {
    /// The engine fetches and dials the peer, which has everything.
    Serves,
    /// The same, but the peer dials.
    DialsAndServes,
    /// The engine has everything, the peer wants it and dials.
    Fetches,
    /// The engine begins with a magnet link and dials the peer, which has everything.
    Link,
}

/// What of the peer can still be relied on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Trust {
    /// It serves all it has, in the end.
    Serves,
    /// It is honest, but nobody can count on being served.
    Fails,
    /// It sends data that is provably bad.
    Lies,
}

/// One behaviour.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// As it is listed.
    pub behaviour: Behaviour,
    /// What carries it out.
    pub kind: Kind,
    /// What an engine makes of it.
    pub reaction: Reaction,
    /// Where it comes out.
    pub scene: Scene,
    /// What the peer is still good for.
    pub trust: Trust,
}

/// What carries a behaviour out. The rows say what each is.
#[allow(missing_docs)] // the names are the rows'
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    NoFast,
    Plain,
    SilentAccept,
    CloseOnAccept,
    ResetAt,
    SimultaneousConnect,
    ConnectFlood,
    FallsSilent,
    WrongProtocol,
    WrongInfoHash,
    OwnId,
    OtherId,
    SameIdTwice,
    HandshakeTrickle,
    HandshakeLump,
    HandshakeCut,
    HandshakeTwice,
    AllReserved,
    LatePeerId,
    OtherProtocol,
    HugeLength,
    KeepAlives,
    UnknownIds,
    WrongLength,
    CutMessage,
    Chunked,
    HalfHeader,
    Garbage,
    EmptyExtended,
    NeverUnchokes,
    FlapsChoke,
    ChokesMidFlight,
    RequestsChoked,
    RequestsUninterested,
    NeverRequests,
    NeverSpeaks,
    Snubs,
    Drips,
    NeverReads,
    UploadOnly,
    BitfieldLength,
    SpareBits,
    BitfieldTwice,
    BitfieldLate,
    HaveOutOfRange,
    HaveTwice,
    HaveAllNoFast,
    HaveAllPayload,
    HaveAllThenNone,
    ClaimsAll,
    HaveFlood,
    HintsOnly,
    NoBitfield,
    BadRequests,
    RequestsMissing,
    RequestFlood,
    SameRequest,
    CancelUnknown,
    RequestCancel,
    Unaligned,
    Corrupts,
    Colludes,
    BadBlock,
    BadLast,
    UnrequestedBlock,
    LateBlocks,
    Duplicates,
    ShortBlock,
    OverlongBlock,
    HugeBlock,
    EmptyBlock,
    OutOfRangeBlock,
    Shuffles,
    WrongOffset,
    HalfBlock,
    Reconnects,
    Bursts,
    StrayRejects,
    RejectsAll,
    RejectUnchoke,
    ChangedIds,
    ExtNotDict,
    ExtHuge,
    OddReqq,
    ExtLies,
    PlainOnly,
    EncryptedOnly,
    DialsEncrypted,
    DegenerateKey,
    LongPads,
    PadTooLong,
    WrongVc,
    BadSelect,
    FirstPayload,
    LateKey,
    CutEncryption,
    MetadataSize,
    MetadataWrong,
    MetadataRejects,
    MetadataSilent,
    MetadataUnrequested,
    MetadataTotal,
    MetadataShort,
    MetadataHuge,
    MetadataNonsense,
    MetadataUnknown,
    MetadataBadRequests,
    MetadataResized,
    MetadataFlood,
    FetchesMetadata,
    YourIp,
    DontHave,
    DontHaveOdd,
    TakesDontHave,
    Pex,
    PexNotDict,
    PexHuge,
    PexFlood,
    PexFlags,
    PexMany,
    PexAnyway,
    PexDrops,
    Lsd,
    LsdBad,
    LsdPort,
    LsdFlood,
    LsdMany,
    LsdSpoofed,
}

impl Kind {
    /// Whether it changes how a connection is begun.
    pub const fn is_of_handshake(self) -> bool {
        matches!(
            self,
            Self::NoFast
                | Self::Plain
                | Self::HaveAllNoFast
                | Self::SilentAccept
                | Self::WrongProtocol
                | Self::WrongInfoHash
                | Self::OwnId
                | Self::OtherId
                | Self::HandshakeTrickle
                | Self::HandshakeLump
                | Self::HandshakeCut
                | Self::AllReserved
                | Self::LatePeerId
                | Self::OtherProtocol
        )
    }

    /// Whether it changes how a connection is encrypted.
    pub const fn is_of_encryption(self) -> bool {
        matches!(
            self,
            Self::PlainOnly
                | Self::EncryptedOnly
                | Self::DialsEncrypted
                | Self::DegenerateKey
                | Self::LongPads
                | Self::PadTooLong
                | Self::WrongVc
                | Self::BadSelect
                | Self::FirstPayload
                | Self::LateKey
                | Self::CutEncryption
        )
    }

    /// Whether it replaces blocks on their way out.
    pub const fn is_about_blocks(self) -> bool {
        matches!(
            self,
            Self::Corrupts
                | Self::Colludes
                | Self::BadBlock
                | Self::BadLast
                | Self::Reconnects
                | Self::UnrequestedBlock
                | Self::LateBlocks
                | Self::Duplicates
                | Self::ShortBlock
                | Self::OverlongBlock
                | Self::HugeBlock
                | Self::EmptyBlock
                | Self::OutOfRangeBlock
                | Self::Shuffles
                | Self::WrongOffset
                | Self::HalfBlock
                | Self::CutMessage
                | Self::Bursts
                | Self::RejectsAll
                | Self::RejectUnchoke
                | Self::ClaimsAll
                | Self::ChokesMidFlight
                | Self::Snubs
                | Self::FallsSilent
        )
    }

    /// Whether messages of the reference peer go through it.
    pub const fn looks_at_messages(self) -> bool {
        self.is_about_blocks()
            || matches!(
                self,
                Self::NeverUnchokes
                    | Self::NeverRequests
                    | Self::NeverSpeaks
                    | Self::NoBitfield
                    | Self::BitfieldLength
                    | Self::SpareBits
                    | Self::BitfieldLate
                    | Self::HintsOnly
                    | Self::UploadOnly
                    | Self::OddReqq
                    | Self::ExtLies
                    | Self::Unaligned
                    | Self::MetadataSize
                    | Self::MetadataWrong
                    | Self::MetadataRejects
                    | Self::MetadataSilent
                    | Self::MetadataTotal
                    | Self::MetadataShort
                    | Self::MetadataHuge
                    | Self::MetadataNonsense
            )
    }
}

const PARTS: [&[Entry]; 7] = [
    connect::ENTRIES,
    talk::ENTRIES,
    pieces::ENTRIES,
    exchange::ENTRIES,
    metadata::ENTRIES,
    encryption::ENTRIES,
    local::ENTRIES,
];

const COUNT: usize = {
    let (mut count, mut part) = (0, 0);
    while part < PARTS.len() {
        count += PARTS[part].len();
        part += 1;
    }
    count
};

/// Those of [`ENTRIES`] that need neither encryption nor a local network to show. They come first.
pub(super) const PLAIN_COUNT: usize = COUNT - encryption::ENTRIES.len() - local::ENTRIES.len();

/// Everything that peers do.
pub static ENTRIES: [Entry; COUNT] = {
    let mut all = [connect::ENTRIES[0]; COUNT];
    let (mut at, mut part) = (0, 0);
    while part < PARTS.len() {
        let mut n = 0;
        while n < PARTS[part].len() {
            all[at] = PARTS[part][n];
            at += 1;
            n += 1;
        }
        part += 1;
    }
    all
};

const LISTED: [Behaviour; COUNT] = {
    let mut listed = [connect::ENTRIES[0].behaviour; COUNT];
    let (mut at, mut part) = (0, 0);
    while part < PARTS.len() {
        let mut n = 0;
        while n < PARTS[part].len() {
            listed[at] = PARTS[part][n].behaviour;
            at += 1;
            n += 1;
        }
        part += 1;
    }
    listed
};

/// The behaviours of peers as `sim list behaviours` prints them.
pub const BEHAVIOURS: &[Behaviour] = &LISTED;

/// The behaviour of this name.
pub fn find(name: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.behaviour.name == name)
}

/// What an engine makes of the behaviour of this name, when it stands alone.
pub fn expected(name: &str) -> Option<Reaction> {
    find(name).map(|entry| entry.reaction)
}

/// Name, row, what it does, what the engine does about it.
type Words = (&'static str, &'static str, &'static str, &'static str);

const fn entry(
    area: Area,
    (name, row, text, answer): Words,
    kind: Kind,
    reaction: Reaction,
    scene: Scene,
    trust: Trust,
) -> Entry {
    Entry {
        behaviour: Behaviour {
            name,
            row,
            area,
            text,
            reaction: answer,
        },
        kind,
        reaction,
        scene,
        trust,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_row_has_a_name_of_its_own() {
        let names: BTreeSet<_> = ENTRIES.iter().map(|entry| entry.behaviour.name).collect();
        assert_eq!(names.len(), ENTRIES.len());
        assert_eq!(BEHAVIOURS.len(), ENTRIES.len());
        for name in names {
            assert!(
                name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'),
                "{name}"
            );
            assert!(expected(name).is_some());
        }
    }

    #[test]
    fn every_row_of_the_page_is_here() {
        let rows: BTreeSet<_> = ENTRIES.iter().map(|entry| entry.behaviour.row).collect();
        let of = |prefix: &str, numbers: &[u32]| -> Vec<String> {
            numbers.iter().map(|n| format!("{prefix}{n}")).collect()
        };
        let to = |n: u32| (1..=n).collect::<Vec<_>>();
        let wanted = [
            of("PC", &[2, 3, 4, 5, 6, 7]),
            of("PH", &to(11)),
            of("PF", &to(9)),
            of("PS", &to(11)),
            of("PB", &to(12)),
            of("PR", &to(7)),
            of("PP", &to(16)),
            of("PE", &to(5)),
            of("ME", &to(11)),
            of("PX", &to(6)),
            of("LS", &to(5)),
        ];
        for row in wanted.concat() {
            assert!(rows.contains(row.as_str()), "{row}");
        }
    }
}
