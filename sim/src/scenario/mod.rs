//! A world as data: what a scenario file says and what a seed expands to.
//!
//! Everything a run depends on is in here, so a scenario can be printed, edited, shrunk line by line and run again
//! with the same digest.

pub mod expand;
mod fields;
pub mod kdl;
pub mod mistake;
pub mod params;
pub mod print;
pub mod text;

use seedbed_engine::time::Duration;

/// One world, before it begins.
#[derive(Clone, PartialEq, Debug)]
pub struct Scenario {
    /// What it shows, in a few words.
    pub name: String,
    /// The root of all randomness.
    pub seed: u64,
    /// Whether simultaneous events are reordered.
    pub shuffle_ties: bool,
    /// The torrent that everybody shares.
    pub torrent: TorrentSpec,
    /// The engines under test, at least one.
    pub engines: Vec<EngineSpec>,
    /// Trackers; the n-th is the torrent's n-th tier unless it says otherwise.
    pub trackers: Vec<TrackerSpec>,
    /// Model peers.
    pub peers: Vec<PeerSpec>,
    /// What goes wrong, and when.
    pub faults: Vec<FaultSpec>,
    /// What must come of it, beside what the oracles always demand.
    pub expect: Vec<Use>,
}

/// The torrent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TorrentSpec {
    /// Number of pieces.
    pub pieces: u32,
    /// Blocks a piece.
    pub blocks: u32,
    /// Bytes a block.
    pub block: u32,
    /// Bytes that the last piece is shorter than the others.
    pub short: u32,
    /// Number of files; 1 is a single-file torrent.
    pub files: u32,
    /// Private (BEP 27).
    pub private: bool,
    /// Engines that do not seed begin with a magnet link.
    pub magnet: Option<MagnetSpec>,
}

/// How the torrent is found by its hash alone (BEP 9).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MagnetSpec {
    /// Bytes of a piece of metadata: 16 KiB in life, less where several pieces are to be seen.
    pub piece: u32,
    /// The dictionary of that hash is none that a torrent can be made of.
    pub broken: bool,
}

/// An engine on its host.
#[derive(Clone, PartialEq, Debug)]
pub struct EngineSpec {
    /// Its name.
    pub name: String,
    /// Whether it has the data and only serves.
    pub seed: bool,
    /// When it starts.
    pub after: Duration,
    /// Fields of the engine's configuration that differ from the small world's: name and value.
    pub config: Vec<(String, Value)>,
    /// Its link.
    pub link: LinkSpec,
    /// What its disk and host do.
    pub behaviours: Vec<Use>,
}

/// A tracker.
#[derive(Clone, PartialEq, Debug)]
pub struct TrackerSpec {
    /// Its name.
    pub name: String,
    /// UDP, else HTTP.
    pub udp: bool,
    /// Its tier.
    pub tier: u32,
    /// Its link.
    pub link: LinkSpec,
    /// What it does beside answering.
    pub behaviours: Vec<Use>,
}

/// A model peer.
#[derive(Clone, PartialEq, Debug)]
pub struct PeerSpec {
    /// Its name.
    pub name: String,
    /// What it has at the beginning: pieces in percent; 100 is a seed.
    pub has: u32,
    /// Whether it wants the rest.
    pub leech: bool,
    /// When it starts.
    pub after: Duration,
    /// Whether it dials the engines that it knows, instead of waiting to be dialled.
    pub dials: bool,
    /// Its link.
    pub link: LinkSpec,
    /// What it does beside being a good peer.
    pub behaviours: Vec<Use>,
}

/// The addresses that a link gives to its host.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Addresses {
    /// One of IPv4.
    #[default]
    V4,
    /// One of IPv6.
    V6,
    /// One of each: dual stack.
    Both,
}

impl Addresses {
    /// All of them with their words in files.
    pub const ALL: [(&str, Self); 3] = [("v4", Self::V4), ("v6", Self::V6), ("both", Self::Both)];

    /// Whether one of IPv4 is among them.
    pub const fn has_v4(self) -> bool {
        matches!(self, Self::V4 | Self::Both)
    }
}

/// An access link. Zero bandwidth means unlimited.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LinkSpec {
    /// The addresses of whom it connects.
    pub addresses: Addresses,
    /// Bytes a second that can leave.
    pub up: u64,
    /// Bytes a second that can arrive.
    pub down: u64,
    /// Bytes that wait unread at this end of a stream, at the most: the window of its peer. A system of today lets it grow
    /// to some mebibytes, which a long way needs; the default is what an old one has, so that windows close in small worlds.
    pub receive: u32,
    /// One-way delay at the least.
    pub latency: Duration,
    /// Further delay, drawn anew for each delivery, at the most.
    pub jitter: Duration,
    /// Datagrams lost, in thousandths; streams stall instead.
    pub loss: u32,
    /// Datagrams delivered twice, in thousandths.
    pub duplicate: u32,
    /// Datagrams overtaken by later ones, in thousandths.
    pub reorder: u32,
    /// Datagrams with a flipped bit, in thousandths.
    pub corrupt: u32,
}

/// Bytes that wait unread at an end of a stream, at the most; Linux begins with 128 KiB and grows.
pub const RECEIVE: u32 = 256 << 10;

impl Default for LinkSpec {
    fn default() -> Self {
        Self {
            addresses: Addresses::V4,
            up: 0,
            down: 0,
            receive: RECEIVE,
            latency: Duration::from_millis(10),
            jitter: Duration::ZERO,
            loss: 0,
            duplicate: 0,
            reorder: 0,
            corrupt: 0,
        }
    }
}

/// A fault of the schedule.
#[derive(Clone, PartialEq, Debug)]
pub struct FaultSpec {
    /// When it begins.
    pub when: When,
    /// How long it lasts; none is a single blow.
    pub lasts: Option<Duration>,
    /// Whom it hits: the name of an actor, or two for what is between them.
    pub targets: Vec<String>,
    /// What happens.
    pub what: Use,
}

/// A moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum When {
    /// So long after the beginning.
    At(Duration),
    /// When something of the protocol happens: a name out of `sim list`, such as `first-unchoke` or `one-piece-left`,
    /// and the actor that it happens to.
    On(String, String),
}

/// A behaviour, a fault or an expectation by its name, with its parameters.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Use {
    /// Its name, as `sim list behaviours` has it.
    pub name: String,
    /// Parameters by name, in the order in which they were written.
    pub params: Vec<(String, Value)>,
}

/// The value of a parameter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// A number.
    Int(i64),
    /// A word or a duration such as `20s`, `150ms`.
    Text(String),
    /// True or false.
    Bool(bool),
}

impl Use {
    /// A use without parameters.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            params: Vec::new(),
        }
    }

    /// The same with one parameter more.
    #[must_use]
    pub fn with(mut self, name: &str, value: i64) -> Self {
        self.params.push((name.into(), Value::Int(value)));
        self
    }

    /// A numeric parameter, or its default.
    pub fn int(&self, name: &str, default: i64) -> i64 {
        let found = self.params.iter().find(|(known, _)| known == name);
        match found {
            Some((_, Value::Int(value))) => *value,
            _ => default,
        }
    }
}

/// One entry of the catalogue: `sim list behaviours` prints it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Behaviour {
    /// Its name in scenario files: lower-case words with hyphens.
    pub name: &'static str,
    /// The row of the catalogue in docs/simulation.md (`PP1`, `TU3`, …).
    pub row: &'static str,
    /// Who can do it.
    pub area: Area,
    /// What it does, a sentence.
    pub text: &'static str,
    /// What the engine has to do about it, a sentence.
    pub reaction: &'static str,
}

/// Who does it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Area {
    /// The .torrent file.
    Metainfo,
    /// A UDP tracker.
    UdpTracker,
    /// An HTTP tracker.
    HttpTracker,
    /// All trackers together, and names.
    TrackerPolicy,
    /// A peer, by connecting or shaking hands.
    Connect,
    /// A peer, by the bytes of its messages.
    Framing,
    /// A peer, by choke, interest and time.
    State,
    /// A peer, by what it says that it has.
    Bitfield,
    /// A peer, by its requests.
    Requests,
    /// A peer, by its blocks.
    Pieces,
    /// A peer, by its extensions.
    Extensions,
    /// A peer, by how it encrypts.
    Encryption,
    /// A peer, by what it says to the local network.
    Local,
    /// The disk of an engine.
    Disk,
    /// The host of an engine, or the network.
    Host,
}

#[cfg(test)]
mod tests;
