//! What a journal says before its first step.

use crate::config::Config;
use crate::rng::{Purpose, Seeds};
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// What a run was, apart from its events.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Header {
    /// Version of the engine that ran.
    pub engine: String,
    /// Commit that it was built of, `unknown` if nobody could say.
    pub commit: String,
    /// What was run, in a word or two: `download`, `probe peer`, a scenario.
    pub what: String,
    /// Whether what is private was replaced.
    pub redacted: bool,
    /// The engine's configuration.
    pub config: Config,
    /// Where the streams begin that belong to no torrent.
    pub seeds: Vec<StreamSeed>,
}

/// Where a random stream begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StreamSeed {
    /// Number of its [`Purpose`].
    pub purpose: u64,
    /// Number of its torrent, 0 if it belongs to none.
    pub instance: u64,
    /// The seed.
    pub seed: [u8; 32],
}

impl Header {
    /// The header of a run that begins with this configuration and these seeds.
    pub fn new(config: Config, seeds: &Seeds, commit: &str, what: &str) -> Self {
        Self {
            engine: env!("CARGO_PKG_VERSION").into(),
            commit: commit.into(),
            what: what.into(),
            redacted: false,
            config,
            seeds: streams(seeds, 0),
        }
    }
}

/// The streams of one torrent, or those that belong to none.
pub(super) fn streams(seeds: &Seeds, instance: u64) -> Vec<StreamSeed> {
    let used = Purpose::ALL.into_iter().filter(|purpose| {
        let global = matches!(
            purpose,
            Purpose::PeerId | Purpose::Transaction | Purpose::LocalDiscovery
        );
        // the key of a probe belongs to no torrent, nor does who dials us before it says which
        let both = matches!(purpose, Purpose::TrackerKey | Purpose::Encryption);
        (instance == 0) == global || both
    });
    used.map(|purpose| StreamSeed {
        purpose: purpose as u64,
        instance,
        seed: seeds.seed(purpose, instance),
    })
    .collect()
}
