//! What an engine may say: a strict reader of everything that it sends, the wire's best oracle.
//!
//! The reader sees the stream in order, so most rules are exact. Those that hang on how long a message of ours is on
//! its way have a grace, and are listed in [`NETWORK_DEPENDENT`]; those that a failing disk excuses in
//! [`DISK_DEPENDENT`].

use super::behave::lost::{OUR_DONT_HAVE, piece_of};
use super::behave::pex::OUR_PEX;
use super::conn::Conn;
use super::metadata::OUR_ID;
use seedbed_engine::bitfield::Bitfield;
use seedbed_engine::extension::handshake::ExtendedHandshake;
use seedbed_engine::geometry::{BlockRange, Geometry};
use seedbed_engine::id::PieceIndex;
use seedbed_engine::time::{Duration, Instant};
use seedbed_engine::wire::Message;

/// A choke of ours has arrived after this long, unless a fault holds the link.
const CHOKE_GRACE: Duration = Duration::from_secs(30);

/// Rules that a link which is held back for long breaks without anybody's fault.
pub const NETWORK_DEPENDENT: &[&str] = &[CHOKED, REPEATED, SILENT];

/// Rules that a disk which fails or rots under an engine breaks.
pub const DISK_DEPENDENT: &[&str] = &[REFUSED, CONTENT];

/// See [`NETWORK_DEPENDENT`].
pub const CHOKED: &str = "request while choked";
/// See [`NETWORK_DEPENDENT`].
pub const REPEATED: &str = "request repeated while it is outstanding";
/// See [`NETWORK_DEPENDENT`].
pub const SILENT: &str = "silent for more than two minutes";
/// See [`DISK_DEPENDENT`].
pub const REFUSED: &str = "refuses a block of a piece that it has told";
/// See [`DISK_DEPENDENT`].
pub const CONTENT: &str = "block of wrong content";

/// What is fixed for a reader.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Sizes of the torrent.
    pub geometry: Geometry,
    /// The time.
    pub now: Instant,
}

/// The rule that a message breaks, if any. Called before the message is acted upon.
pub fn broken(conn: &Conn, rules: Rules, message: &Message) -> Option<&'static str> {
    if let Some(broken) = first_message(conn, message) {
        return Some(broken);
    }
    match message {
        Message::KeepAlive | Message::Port(_) => None,
        Message::Choke if conn.they_choke => Some("choke twice"),
        Message::Unchoke if !conn.they_choke => Some("unchoke twice"),
        Message::Interested if conn.they_interested => Some("interested twice"),
        Message::NotInterested if !conn.they_interested => Some("not interested twice"),
        Message::Choke | Message::Unchoke | Message::Interested | Message::NotInterested => None,
        Message::Have(piece) if !rules.geometry.contains(*piece) => {
            Some("have of a piece that does not exist")
        }
        Message::Have(piece) if conn.theirs.contains(*piece) => Some("have of a piece that it has told"),
        Message::Have(_) => None,
        Message::Bitfield(bytes) => bitfield(bytes, rules.geometry.pieces()),
        Message::Request(range) => request(conn, rules, *range),
        Message::Piece { range, .. } => block(conn, *range),
        // one may cross the block on its way, so it needs no request here
        Message::Cancel(range) if !rules.geometry.is_within(*range) => Some("cancel out of range"),
        Message::Cancel(_) => None,
        Message::Suggest(_)
        | Message::HaveAll
        | Message::HaveNone
        | Message::Reject(_)
        | Message::AllowedFast(_)
            if !conn.fast =>
        {
            Some("message of the Fast extension, which was not agreed on")
        }
        Message::Suggest(piece) | Message::AllowedFast(piece) => {
            (!rules.geometry.contains(*piece)).then_some("hint at a piece that does not exist")
        }
        Message::HaveAll | Message::HaveNone => None,
        Message::Reject(range) => reject(conn, *range),
        Message::Extended { .. } if !conn.extended => Some("extended message, which was not agreed on"),
        Message::Extended { id: 0, payload } => ExtendedHandshake::decode(payload)
            .is_err()
            .then_some("extended handshake that cannot be read"),
        Message::Extended { id: OUR_ID, .. } if conn.metadata.offered => None,
        Message::Extended { id: OUR_PEX, .. } if conn.our_pex => None,
        Message::Extended {
            id: OUR_DONT_HAVE,
            payload,
        } if conn.our_dont_have => dont_have(conn, payload),
        Message::Extended { .. } => Some("extended message of an id that was not given out"),
        Message::Unknown { .. } => Some("message of an unknown kind"),
    }
}

/// BEP 3: a bitfield comes first or not at all. BEP 6: exactly one of three comes first.
fn first_message(conn: &Conn, message: &Message) -> Option<&'static str> {
    let set = matches!(
        message,
        Message::Bitfield(_) | Message::HaveAll | Message::HaveNone
    );
    match (conn.counters.messages == 0, set) {
        (false, true) => Some("bitfield, have all or have none that is not the first message"),
        (true, false) if conn.fast => Some("first message is not bitfield, have all or have none"),
        _ => None,
    }
}

/// BEP 54: a piece that was told.
fn dont_have(conn: &Conn, payload: &[u8]) -> Option<&'static str> {
    match piece_of(payload) {
        None => Some("lt_donthave that is no piece"),
        Some(piece) if !conn.theirs.contains(piece) => Some("lt_donthave of a piece that it has not told"),
        Some(_) => None,
    }
}

fn bitfield(bytes: &[u8], pieces: u32) -> Option<&'static str> {
    match Bitfield::from_wire(bytes, pieces) {
        Err(_) => Some("bitfield of wrong length"),
        Ok((_, true)) => Some("bitfield with spare bits"),
        Ok((_, false)) => None,
    }
}

fn request(conn: &Conn, rules: Rules, range: BlockRange) -> Option<&'static str> {
    if !rules.geometry.is_within(range) {
        return Some("request out of range");
    }
    if rules.geometry.block_number(range).is_none() {
        return Some("request that is not a block");
    }
    if !conn.claimed.contains(range.piece) {
        return Some("request for a piece that was never offered");
    }
    if conn.theirs.contains(range.piece) {
        return Some("request for a piece that it has told");
    }
    if !conn.they_interested {
        return Some("request without interest");
    }
    if conn.owed.len() >= conn.reqq {
        return Some("more requests outstanding than reqq");
    }
    // without the Fast extension a choke that is on its way drops requests on one side before the other
    let settled = conn.choked_at.is_none_or(|at| rules.now.since(at) > CHOKE_GRACE);
    if (conn.fast || settled) && conn.owed.contains(&range) {
        return Some(REPEATED);
    }
    let granted = conn.fast && conn.granted.contains(&range.piece);
    match conn.am_choking && !granted {
        true if !conn.ever_unchoked => Some("request before it was ever unchoked"),
        true if settled => Some(CHOKED),
        _ => None,
    }
}

fn block(conn: &Conn, range: BlockRange) -> Option<&'static str> {
    let asked = conn.asked.contains(&range);
    if !asked && !conn.taken_back.contains(&range) {
        return Some("block that was not requested");
    }
    let granted = conn.fast && conn.granted_to_us.contains(&range.piece);
    // its own stream says choke before block, whatever the network does
    (conn.they_choke && !granted && asked && !conn.fast).then_some("block behind a choke")
}

fn reject(conn: &Conn, range: BlockRange) -> Option<&'static str> {
    if conn.taken_back.contains(&range) {
        return None;
    }
    if !conn.asked.contains(&range) {
        return Some("reject of a request that is not outstanding");
    }
    let offered = !conn.they_choke && conn.theirs.contains(range.piece);
    offered.then_some(REFUSED)
}

/// The bytes of a set that has these pieces.
pub fn wire_bits(set: &Bitfield) -> Vec<u8> {
    set.as_wire().to_vec()
}

/// A range of one byte, for messages that have to be out of range.
pub const fn range(piece: u32, begin: u32, length: u32) -> BlockRange {
    BlockRange {
        piece: PieceIndex(piece),
        begin,
        length,
    }
}
