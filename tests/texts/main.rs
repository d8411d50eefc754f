//! Every sentence that a defect, a failure or a broken rule is told with, one line each, so that a change of words is
//! seen and every one reads well beside the others.

mod lints;

use core::fmt::Display;
use seedbed_engine::bencode::BencodeError as B;
use seedbed_engine::geometry::{BlockRange, GeometryError as G};
use seedbed_engine::http::{HttpError as H, Stage, UrlError as U};
use seedbed_engine::id::{InfoHash, PieceIndex};
use seedbed_engine::layout::LayoutError;
use seedbed_engine::magnet::MagnetError as Mg;
use seedbed_engine::metainfo::MetainfoError as M;
use seedbed_engine::net::{CloseCause as C, DatagramFault as D, LookupError, TlsFault};
use seedbed_engine::resume::ResumeError as R;
use seedbed_engine::session::{End as E, Violation as V};
use seedbed_engine::tracker::AnnounceError as A;

fn check(name: &str, texts: &[&dyn Display]) {
    let lines: Vec<String> = texts.iter().map(ToString::to_string).collect();
    for line in &lines {
        assert!(!line.is_empty() && !line.contains('\n'), "one line: {line:?}");
    }
    tests::snapshot_settings("texts").bind(|| insta::assert_snapshot!(name, lines.join("\n")));
}

#[test]
fn what_is_wrong_with_a_torrent() {
    check(
        "metainfo-errors",
        &[
            &M::Bencode(B::Truncated { at: 7 }),
            &M::NotADictionary,
            &M::Trailing(3),
            &M::MissingInfo,
            &M::InfoNotADictionary,
            &M::DuplicateKey("pieces"),
            &M::MissingPieceLength,
            &M::Geometry(G::PieceLength(0)),
            &M::Geometry(G::PieceCount(9_999_999)),
            &M::Geometry(G::Empty),
            &M::MissingPieces,
            &M::PiecesLength(21),
            &M::PieceCount { got: 3, expected: 4 },
            &M::MissingLength,
            &M::Length,
            &M::FilesNotAList,
            &M::NoFiles,
            &M::FileNotADictionary(2),
            &M::FileLength(2),
            &M::FilePath(2),
            &M::FilePathElement(2),
            &M::Layout(LayoutError::TotalLength),
            &M::V2Only {
                info_hash_v2: [0; 32],
            },
            &M::MetaVersion(3),
            &M::MissingMetaVersion,
            &M::V2PieceLength(10_000),
            &M::V2Tree("a node is not a dictionary"),
            &M::V2Layers("a layer is missing"),
            &M::V2Mismatch("a path"),
        ],
    );
}

#[test]
fn what_is_wrong_with_bencode() {
    check(
        "bencode-errors",
        &[
            &B::Size { length: 70, max: 64 },
            &B::Truncated { at: 7 },
            &B::Unexpected { at: 7 },
            &B::Integer { at: 7 },
            &B::IntegerRange { at: 7 },
            &B::StringLength { at: 7 },
            &B::StringTooLong { at: 7 },
            &B::Key { at: 7 },
            &B::MissingValue { at: 7 },
            &B::Depth { max: 64 },
            &B::Tokens { max: 10_000 },
            &B::NotCanonical,
            &B::Trailing(3),
            &B::Shape("a string was expected".into()),
        ],
    );
}

#[test]
fn what_is_wrong_with_a_magnet_link_or_a_saved_state() {
    check(
        "other-input-errors",
        &[
            &Mg::Scheme,
            &Mg::Length(100_000),
            &Mg::MissingInfoHash,
            &Mg::InfoHash("xyz".into()),
            &R::Damaged(B::NotCanonical),
            &R::Checksum,
            &R::Version(9),
            &R::InfoHash(InfoHash([0xab; 20])),
            &R::Pieces { got: 3, expected: 4 },
            &R::Value("uploaded"),
        ],
    );
}

#[test]
fn why_a_tracker_failed() {
    check(
        "tracker-errors",
        &[
            &A::Failure {
                text: "not registered".into(),
                interval: None,
                min_interval: None,
                retry_in: None,
            },
            &A::Timeout { stage: Stage::Lookup },
            &A::Timeout {
                stage: Stage::Connect,
            },
            &A::Timeout { stage: Stage::Answer },
            &A::Lookup(LookupError("no such host".into())),
            &A::Closed(C::Eof),
            &A::Datagram(D::Refused),
            &A::Datagram(D::Unreachable),
            &A::Datagram(D::TooLong),
            &A::Datagram(D::Other),
            &A::Status(503),
            &A::Malformed("peers".into()),
            &A::Forbidden("a local address".into()),
            &A::NoScrape,
            &A::Http(H::NoAddress),
            &H::Lookup(LookupError("no such host".into())),
            &H::Connect(C::Refused),
            &H::Connect(C::TimedOut),
            &H::Connect(C::Unreachable),
            &H::Connect(C::Tls(TlsFault::UnknownIssuer)),
            &H::Connect(C::Tls(TlsFault::Expired)),
            &H::Connect(C::Tls(TlsFault::WrongName)),
            &H::Closed(C::Reset),
            &H::Timeout(Stage::Answer),
            &H::Malformed("chunk length".into()),
            &H::HeadTooLong,
            &H::BodyTooLong,
            &H::Encoding("br".into()),
            &H::TooManyRedirects,
            &H::BadRedirect("from https to http".into()),
            &H::Forbidden("a local address".into()),
            &U::TooLong,
            &U::Scheme,
            &U::Host,
            &U::Idna,
            &U::Port,
        ],
    );
}

#[test]
fn why_a_peer_is_sent_away() {
    let (piece, id) = (PieceIndex(20), 4);
    let range = BlockRange {
        piece: PieceIndex(3),
        begin: 16_384,
        length: 16_384,
    };
    check(
        "peer-ends",
        &[
            &E::ConnectTimeout,
            &E::HandshakeTimeout,
            &E::Silent,
            &E::Useless,
            &E::RefusesAll,
            &E::BothSeeds,
            &E::Ourselves,
            &E::Duplicate,
            &E::Banned,
            &E::Full,
            &E::TorrentStopped,
            &E::TrackerSwitched,
            &E::NetworkChanged,
            &E::Shutdown,
            &V::NotBitTorrent,
            &V::WrongTorrent,
            &V::UnknownTorrent,
            &V::MessageTooLong {
                length: 1 << 30,
                limit: 1 << 18,
            },
            &V::WrongLength { id, length: 9 },
            &V::BitfieldLength { got: 2, expected: 3 },
            &V::PieceOutOfRange { id, piece },
            &V::FastNotNegotiated { id: 14 },
            &V::ExtendedNotNegotiated,
            &V::BadExtendedHandshake,
            &V::BlockNotRequested { range },
            &V::BlockOutOfRange { range },
            &V::TooManyDuplicates,
            &V::TooManyBadRequests,
            &V::TooManyStrayRejects,
            &V::RequestFlood,
        ],
    );
}
