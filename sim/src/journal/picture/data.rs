//! What a page is drawn from, as it is written into it. Times are milliseconds since the run began.

use seedbed_engine::ledger::Ledger;
use serde::Serialize;

/// A stretch of time: from, to.
pub(super) type Span = (u64, u64);

/// Everything on a page.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Data {
    /// What was run, as the journal says it.
    pub what: String,
    /// Version of the engine, and its commit.
    pub version: String,
    /// Length of the run.
    pub duration: u64,
    pub steps: u64,
    /// Whether the end of the journal is there.
    pub whole: bool,
    pub totals: Totals,
    /// Width of a bucket of `down` and `up`.
    pub bucket: u64,
    /// Payload bytes received, a bucket each.
    pub down: Vec<u64>,
    /// Payload bytes sent, a bucket each.
    pub up: Vec<u64>,
    pub torrents: Vec<Torrent>,
    pub trackers: Vec<Tracker>,
    /// Width of a bucket of the lanes.
    pub lane_bucket: u64,
    pub peers: Vec<Peer>,
    /// Peers for which there was no room.
    pub peers_left_out: usize,
    /// Why connections ended; they name these by number.
    pub reasons: Vec<String>,
    /// By time: when, what kind, who (names, parted by spaces), what.
    pub events: Vec<(u64, &'static str, String, String)>,
    /// Events for which there was no room.
    pub events_left_out: u64,
}

/// Bytes of all torrents.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Totals {
    #[serde(flatten)]
    pub received: Ledger,
    pub uploaded: u64,
    pub length: u64,
    pub hash_failures: u64,
    pub bans: u64,
}

/// One torrent.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Torrent {
    pub name: String,
    pub pieces: u32,
    /// Pieces that are there in the end.
    pub have: u32,
    /// Pieces that were there at the beginning.
    pub had: u32,
    /// Pieces of one cell of the map.
    pub per_cell: u32,
    /// Of each cell when its last piece was verified; -1: none is there, -2: all that are there were at the beginning.
    pub cells: Vec<i64>,
    /// Of each cell how many pieces are there, if it holds more than one.
    pub filled: Vec<u32>,
    /// Pieces that failed their hash: which, when first, how often.
    pub failed: Vec<(u32, u64, u32)>,
}

/// One tracker.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Tracker {
    pub name: String,
    pub host: String,
    /// Announces sent, repeated ones too.
    pub sent: u32,
    /// Announces answered well.
    pub answered: u32,
    /// Announces that failed.
    pub failed: u32,
}

/// One peer: everything that went on with one address.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Peer {
    pub name: String,
    pub addr: String,
    pub client: String,
    /// Payload bytes received and sent.
    pub down: u64,
    pub up: u64,
    pub hash_failures: u32,
    pub banned: bool,
    /// Connections: from, handshake or -1, to, whether we dialled, number of the reason of the end or -1.
    pub conns: Vec<(u64, i64, u64, u8, i32)>,
    /// Connections for which there was no room.
    pub conns_left_out: u32,
    /// It lets us request.
    pub unchoked_us: Vec<Span>,
    /// We let it request.
    pub unchoked_it: Vec<Span>,
    /// We want something of it.
    pub want: Vec<Span>,
    /// It wants something of us.
    pub wanted: Vec<Span>,
    /// Blocks received: bucket, count, and so on.
    pub blocks_in: Vec<u32>,
    pub blocks_out: Vec<u32>,
    /// Requests sent.
    pub requests_out: Vec<u32>,
    pub requests_in: Vec<u32>,
}
