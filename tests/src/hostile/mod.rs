//! Every reader of foreign bytes as a function of the bytes, and what to begin with: for tests that mutate by seed and
//! for the fuzzer (`engine/fuzz`).
//!
//! A reader panics when it should: when the code under it panics, or when a promise about what was read does not hold.

pub mod events;
pub mod mutate;
pub mod readers;
mod seeds;

/// One reader of foreign bytes.
pub struct Reader {
    /// Its name, also that of the fuzz target.
    pub name: &'static str,
    /// Reads the bytes.
    ///
    /// # Panics
    /// When a promise is broken.
    pub read: fn(&[u8]),
    /// Good inputs, which mutations start from.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// How many of the others' inputs one of its own takes in time: it gets that much fewer.
    pub weight: u32,
}

/// All of them.
pub const READERS: &[Reader] = &[
    reader("bencode", readers::bencode, seeds::bencode, 1),
    reader("metainfo", readers::metainfo, seeds::metainfo, 2),
    reader("magnet", readers::magnet, seeds::magnet, 1),
    reader("url", readers::url, seeds::url, 1),
    reader("wire", readers::wire, seeds::wire, 1),
    reader("handshake", readers::handshake, seeds::handshake, 1),
    reader("extended", readers::extended, seeds::extended, 1),
    reader("ut_metadata", readers::ut_metadata, seeds::ut_metadata, 1),
    reader("ut_pex", readers::ut_pex, seeds::ut_pex, 1),
    reader("mse", readers::mse, seeds::mse, 64),
    reader("udp_tracker", readers::udp_tracker, seeds::udp_tracker, 1),
    reader("http_tracker", readers::http_tracker, seeds::http_tracker, 1),
    reader("http", readers::http, seeds::http, 4),
    reader("lsd", readers::lsd, seeds::lsd, 1),
    reader("resume", readers::resume, seeds::resume, 1),
    reader("journal", readers::journal, seeds::journal, 64),
    reader("scenario", readers::scenario, seeds::scenario, 64),
    reader("engine", events::run, seeds::engine, 64),
];

const fn reader(name: &'static str, read: fn(&[u8]), seeds: fn() -> Vec<Vec<u8>>, weight: u32) -> Reader {
    Reader {
        name,
        read,
        seeds,
        weight,
    }
}

/// The reader of this name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Reader> {
    READERS.iter().find(|reader| reader.name == name)
}
