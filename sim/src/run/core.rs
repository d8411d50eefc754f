//! Who is left after the faults: whether the download can be finished at all, and in which time.

use crate::sample::{Known, Sample};
use crate::scenario::{PeerSpec, Scenario};
use crate::tracker::behaviour::blocks_peers;
use crate::world::World;
use seedbed_engine::time::Duration;

/// What the completion is demanded of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Core {
    /// Whether honest peers that can be found hold every piece together.
    pub exists: bool,
    /// In which time after the faults the download has to be complete.
    pub within: Duration,
}

/// Whether a peer sends wrong data.
pub(super) fn lies(spec: &PeerSpec) -> bool {
    spec.behaviours.iter().any(|used| !used.name.is_empty())
}

/// Puts the model peers into the world.
pub(super) fn add_peers(
    world: &mut World,
    scenario: &Scenario,
    sample: &Sample,
    known: &Known,
) -> Result<(), String> {
    let _ = (world, scenario, sample, known);
    Ok(())
}

impl Core {
    /// What is left of a scenario when its faults are over.
    pub fn of(scenario: &Scenario) -> Self {
        let seeds = scenario.engines.iter().any(|engine| engine.seed);
        let reliable = scenario.peers.iter().any(|peer| peer.has >= 100 && !lies(peer));
        let healthy = |tracker: &&crate::scenario::TrackerSpec| {
            !tracker.behaviours.iter().any(|used| blocks_peers(&used.name))
        };
        let found = scenario.trackers.is_empty() || scenario.trackers.iter().any(|t| healthy(&t));
        let slowest = bandwidth(scenario);
        let bytes = u64::from(scenario.torrent.pieces)
            * u64::from(scenario.torrent.blocks)
            * u64::from(scenario.torrent.block);
        Self {
            exists: (seeds || reliable) && found,
            within: BACK_OFFS + Duration::from_secs(20 * bytes / slowest),
        }
    }
}

/// What every back-off of the engine can add up to: a UDP tracker that was silent through the whole schedule of BEP 15
/// (2 h 8 min), the longest back-off of announces (1 h) and of the interval in between (30 min), twice.
const BACK_OFFS: Duration = Duration::from_secs(8 * 3600);

/// Bytes a second of the slowest link.
fn bandwidth(scenario: &Scenario) -> u64 {
    let engines = scenario.engines.iter().map(|engine| engine.link);
    let links = engines.chain(scenario.peers.iter().map(|peer| peer.link));
    let rates = links.flat_map(|link| [link.up, link.down]);
    rates.filter(|rate| *rate > 0).min().unwrap_or(u64::MAX)
}
