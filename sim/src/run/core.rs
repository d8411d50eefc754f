//! Who is left after the faults: whether the download can be finished at all, and in which time.

use crate::peer::{ModelPeer, capability};
use crate::sample::{Known, Sample};
use crate::scenario::{Addresses, Area, EngineSpec, PeerSpec, Scenario, TrackerSpec, Use, Value, text};
use crate::seed::Seed;
use crate::tracker::behaviour::{blocks_peers, misleads};
use crate::world::World;
use seedbed_engine::bitfield::Bitfield;
use seedbed_engine::time::Duration;

/// What every back-off of the engine can add up to: a UDP tracker that was silent through the whole schedule of BEP 15
/// (2 h 8 min), the longest back-off of announces (1 h) and of the interval in between (30 min), twice.
const BACK_OFFS: Duration = Duration::from_secs(8 * 3600);

/// Times that the content may have to pass the slowest link: end-game, pieces that failed, and other leeches.
const PASSES: u64 = 20;

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
    !capability(spec, 1, Seed(0)).honest
}

/// The actor of a model peer.
pub(super) fn add_peer(world: &mut World, spec: &PeerSpec, n: u32, sample: &Sample, known: &Known) {
    let peer = ModelPeer::new(spec, sample, world.seed, known);
    let ips = crate::sample::addresses(crate::sample::peer_ip(n), &spec.link);
    let id = world.add_at(&spec.name, &ips, Box::new(peer), spec.after);
    world.net.set_link(id, spec.link);
}

impl Core {
    /// What is left of a scenario when its faults are over.
    pub fn of(scenario: &Scenario) -> Self {
        let torrent = &scenario.torrent;
        let bytes = u64::from(torrent.pieces) * u64::from(torrent.blocks) * u64::from(torrent.block);
        let transfer = (PASSES * bytes).checked_div(slowest(scenario)).unwrap_or(0);
        Self {
            exists: found(scenario),
            within: BACK_OFFS + Duration::from_secs(transfer) + offers(scenario),
        }
    }
}

/// Whether those who serve honestly, and can be found or find the engines by themselves, hold everything.
fn found(scenario: &Scenario) -> bool {
    // only those of IPv4 are counted on, where all engines have it: others are not found by every way
    if !scenario
        .engines
        .iter()
        .all(|engine| engine.link.addresses.has_v4())
    {
        return false;
    }
    let healthy = |tracker: &TrackerSpec| {
        let mut behaviours = tracker.behaviours.iter();
        tracker.link.addresses.has_v4()
            && !behaviours.any(|used| blocks_peers(&used.name))
            && !is_patient(tracker)
    };
    // who answers well is not left for the next one, whatever its peers are good for (BEP 12)
    let mut links = scenario.peers.iter().map(|peer| &peer.link);
    let some_v6 = links.any(|link| link.addresses != Addresses::V4);
    let misleads = |tracker: &TrackerSpec| {
        let mut behaviours = tracker.behaviours.iter();
        is_patient(tracker) || behaviours.any(|used| misleads(&used.name, some_v6))
    };
    let mut trackers = scenario.trackers.iter();
    let by_tracker = scenario.trackers.is_empty()
        || match scenario.torrent.private {
            // BEP 27: it stays with one that answers, even if that one knows nobody
            true => trackers.all(healthy),
            false => trackers.any(healthy) && !scenario.trackers.iter().any(misleads),
        };
    if !knows_metadata(scenario, by_tracker) {
        return false;
    }
    let keeps_all = |engine: &EngineSpec| engine.seed && stays_whole(scenario, engine);
    if scenario.engines.iter().any(keeps_all) && by_tracker {
        return true;
    }
    let pieces = scenario.torrent.pieces;
    let mut held = Bitfield::new(pieces);
    // who has everything and has met another such one does not dial it again, even if that one loses something
    let returns = scenario
        .engines
        .iter()
        .all(|engine| stays_whole(scenario, engine));
    let comes = |spec: &&PeerSpec| spec.link.addresses.has_v4() && (by_tracker || spec.dials && returns);
    for spec in scenario.peers.iter().filter(comes) {
        for piece in capability(spec, pieces, Seed(scenario.seed)).serves.iter() {
            held.insert(piece);
        }
    }
    held.is_full()
}

/// Whether a tracker may garble its only answer for half a day: it wants to be left alone for so long, and does other
/// odd things.
fn is_patient(tracker: &TrackerSpec) -> bool {
    const HALF_A_DAY: i64 = 12 * 3600;
    let long = |used: &Use| used.name.ends_with("-interval") && used.int("value", 0) >= HALF_A_DAY;
    tracker.behaviours.len() > 1 && tracker.behaviours.iter().any(long)
}

/// Whether somebody who can be found gives the metadata, if it is needed: a peer that does nothing odd, or a seed.
fn knows_metadata(scenario: &Scenario, by_tracker: bool) -> bool {
    let Some(magnet) = scenario.torrent.magnet else {
        return true;
    };
    let seeds = by_tracker
        && scenario
            .engines
            .iter()
            .any(|engine| engine.seed && stays_whole(scenario, engine));
    let found = |peer: &PeerSpec| {
        peer.behaviours.is_empty() && peer.link.addresses.has_v4() && (by_tracker || peer.dials)
    };
    !magnet.broken && (seeds || scenario.peers.iter().any(found))
}

/// Whether nothing happens to an engine that may cost a seed a piece or the torrent.
fn stays_whole(scenario: &Scenario, engine: &EngineSpec) -> bool {
    let on_disk = |used: &Use| {
        let mut known = crate::host::BEHAVIOURS.iter();
        used.name == "remove" || known.any(|known| known.name == used.name && known.area == Area::Disk)
    };
    let faults = scenario
        .faults
        .iter()
        .filter(|fault| fault.targets.contains(&engine.name));
    !faults
        .map(|fault| &fault.what)
        .chain(&engine.behaviours)
        .any(on_disk)
}

/// How long a super-seed takes to show everything to a peer that it believes to share nothing.
fn offers(scenario: &Scenario) -> Duration {
    /// Longer than the engine's patience, with a round of choking on top.
    const EACH: Duration = Duration::from_secs(150);
    let mut engines = scenario.engines.iter();
    let any = engines.any(|engine| crate::host::super_seeds(&engine.config));
    EACH * if any { scenario.torrent.pieces } else { 0 }
}

/// Bytes a second of the slowest link; 0 when none is limited.
fn slowest(scenario: &Scenario) -> u64 {
    let engines = scenario.engines.iter().map(|engine| engine.link);
    let links = engines.chain(scenario.peers.iter().map(|peer| peer.link));
    let rates = links.flat_map(|link| [link.up, link.down]);
    let settings = scenario.engines.iter().flat_map(|engine| &engine.config);
    let limits = settings.filter(|(name, _)| matches!(name.as_str(), "rate-down" | "rate-up"));
    let limits = limits.filter_map(|(_, value)| match value {
        Value::Text(text) => text::rate(text),
        Value::Int(rate) => u64::try_from(*rate).ok(),
        Value::Bool(_) => None,
    });
    rates.chain(limits).filter(|rate| *rate > 0).min().unwrap_or(0)
}
