//! Power cuts at every place of small downloads: before any action that the engine wants, before any event that it is
//! given.
//!
//! A seed draws a world and the places. One run without a cut says how many there are; each further run is the same
//! world with the power gone at one of them, of what was not synced any part lost, and the machine started again, at
//! times twice. What is believed after each start is read back from the disk, and compared with the torrent itself.

use super::{Driver, Failure, Options, build};
use crate::host::{self, Cut, EngineHost, Losses, TORRENT};
use crate::sample::Sample;
use crate::scenario::{EngineSpec, LinkSpec, PeerSpec, Scenario, TorrentSpec, TrackerSpec, Use, Value};
use crate::seed::Seed;
use crate::world::ActorId;
use seedbed_engine::TorrentState;
use seedbed_engine::bitfield::Bitfield;
use seedbed_engine::id::PieceIndex;
use seedbed_engine::rng::Rng;
use seedbed_engine::time::{Duration, Instant};

/// Places that are tried of one world: building and counting it costs one run more.
pub const PLACES: u64 = 20;

/// A world without a cut is over by then.
const LIMIT: Duration = Duration::from_secs(600);

/// How long a world goes on behind its completion: its state is saved then, and the power may go meanwhile.
const BEHIND: Duration = Duration::from_secs(2);

/// What is planted, to see that the checks find it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Planted {
    /// Nothing.
    #[default]
    Nothing,
    /// The saved state says what was never made durable, and is believed.
    NothingIsSynced,
    /// Every hash is told to be right, so whatever lies on the disk is believed.
    EveryHashIsRight,
}

/// What the engine was doing when the power went.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Phase {
    /// Looking at what is there, and making its files.
    Checking,
    /// Fetching.
    Downloading,
    /// Making durable what it has, and saving that it has it.
    Saving,
    /// It has everything.
    Complete,
    /// Storage had failed, or nothing had begun.
    Other,
}

/// What came of some cuts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Cuts by what the engine was doing.
    pub phases: std::collections::BTreeMap<Phase, u64>,
    /// What they took from the disk.
    pub losses: Losses,
    /// Pieces that were believed and were not there.
    pub wrong: u64,
    /// Payload that came in addition to what comes without a cut, in bytes.
    pub again: i64,
    /// The same that the pieces in work, and those not synced, explain.
    pub explained: u64,
    /// Runs.
    pub runs: u64,
    /// Rules that did not hold, with how to see them again.
    pub failures: Vec<String>,
}

impl Tally {
    /// All cuts.
    pub fn cuts(&self) -> u64 {
        self.phases.values().sum()
    }

    /// Adds what came of others.
    pub fn add(&mut self, other: Self) {
        for (phase, count) in other.phases {
            *self.phases.entry(phase).or_default() += count;
        }
        self.losses.add(other.losses);
        self.wrong += other.wrong;
        self.again += other.again;
        self.explained += other.explained;
        self.runs += other.runs;
        self.failures.extend(other.failures);
    }
}

/// Cuts the power at some places of the world of a seed.
pub fn cut(seed: u64, places: u64, planted: Planted) -> Tally {
    let (scenario, filled) = draw(seed);
    let whole = Run::new(&scenario, filled, planted).ended(seed, None);
    let mut tally = Tally::default();
    if planted == Planted::Nothing {
        // what is wrong without a cut is no matter of cuts
        tally.failures.extend(whole.failures.clone());
    }
    let mut rng = Seed(seed).stream("places");
    for _ in 0..places {
        let place = Place::draw(&mut rng, &whole);
        let mut world = scenario.clone();
        world.engines[0].behaviours.push(place.first.clone());
        let ended = Run::new(&world, filled, planted).ended(seed, Some(&place));
        tally.runs += 1;
        for cut in &ended.cuts {
            *tally.phases.entry(phase(cut)).or_default() += 1;
        }
        tally.losses.add(ended.losses);
        tally.wrong += ended.wrong;
        tally.again += ended.received.cast_signed() - whole.received.cast_signed();
        tally.explained += ended.explained;
        tally.failures.extend(ended.failures);
    }
    tally
}

fn phase(cut: &Cut) -> Phase {
    if cut.saving {
        return Phase::Saving;
    }
    match &cut.state {
        Some(TorrentState::Opening | TorrentState::Checking) => Phase::Checking,
        Some(TorrentState::Downloading) => Phase::Downloading,
        Some(TorrentState::Seeding) => Phase::Complete,
        Some(_) | None => Phase::Other,
    }
}

/// Where the power goes, once or twice.
#[derive(Clone, Debug)]
struct Place {
    first: Use,
    /// So many actions or events of the next life further on.
    second: Option<Use>,
}

impl Place {
    fn draw(rng: &mut Rng, whole: &Ended) -> Self {
        let within = |rng: &mut Rng, count: u64| i64::from(rng.below(u32::try_from(count + 1).unwrap_or(1)));
        let blow = |rng: &mut Rng| {
            let lost = [0, 300, 500, 800, 1000][rng.below(5) as usize];
            let what = Use::new("power-loss").with("lost", lost);
            what.with("torn", i64::from(rng.chance(2, 3)))
        };
        let by_action = rng.chance(1, 2);
        let (name, count) = if by_action {
            ("action", whole.actions)
        } else {
            ("event", whole.events)
        };
        let first = blow(rng).with(name, within(rng, count));
        // most of these hit the check of what is there
        let second = rng.chance(1, 3).then(|| {
            let count = if rng.chance(2, 3) { 16 } else { count };
            blow(rng).with(name, within(rng, count))
        });
        Self { first, second }
    }
}

/// What one run came to.
#[derive(Clone, Debug, Default)]
struct Ended {
    actions: u64,
    events: u64,
    received: u64,
    cuts: Vec<Cut>,
    losses: Losses,
    wrong: u64,
    explained: u64,
    failures: Vec<String>,
}

/// One run under way.
struct Run {
    driver: Driver,
    host: ActorId,
    /// Lives whose beliefs were looked at.
    looked: u32,
    wrong: u64,
    failures: Vec<String>,
}

impl Run {
    fn new(scenario: &Scenario, filled: bool, planted: Planted) -> Self {
        let mut world = build(scenario).expect("a drawn world is one");
        let id = world.find("eng").expect("it has an engine");
        if let Some(host) = world.actor_mut::<EngineHost>(id) {
            match planted {
                Planted::Nothing => {}
                Planted::NothingIsSynced => host.disk_mut().plant_forgotten_sync(),
                Planted::EveryHashIsRight => host.plant_blind_hash(),
            }
            if filled {
                fill(host, scenario.seed);
            }
        }
        Self {
            driver: Driver::new(scenario, world, &Options::default()),
            host: id,
            looked: 0,
            wrong: 0,
            failures: Vec::new(),
        }
    }

    fn host(&self) -> &EngineHost {
        self.driver.world.actor(self.host).expect("it stays")
    }

    /// Takes the world to its end, with a cut or without.
    fn ended(mut self, seed: u64, place: Option<&Place>) -> Ended {
        let mut second = place.and_then(|place| place.second.clone());
        let mut complete_at = None;
        while self.driver.failure.is_none() && self.driver.world.now < Instant::START + LIMIT {
            self.driver.steps(1);
            let now = self.driver.world.now;
            if self.host().engine().is_none()
                && let Some(what) = second.take()
            {
                self.plan(&what);
            }
            self.look();
            if self.driver.all_complete() {
                let at = *complete_at.get_or_insert(now);
                if now >= at + BEHIND && second.is_none() {
                    break;
                }
            } else {
                complete_at = None;
            }
        }
        let (actions, events) = (self.host().actions(), self.host().events());
        self.driver.run();
        self.at_the_end();
        let host = self.host();
        let (received, written) = host.payload();
        let mut ended = Ended {
            actions,
            events,
            received,
            cuts: host.cuts().to_vec(),
            losses: host.disk().losses(),
            wrong: self.wrong,
            explained: 0,
            failures: Vec::new(),
        };
        if let Some(cut) = host.cuts().last() {
            ended.explained = missing(host.sample(), cut);
            if written - cut.written > ended.explained {
                self.failures.push(format!(
                    "{} bytes are written after the cut, {} are explained",
                    written - cut.written,
                    ended.explained
                ));
            }
        }
        if let Some(Failure { oracle, text, .. }) = &self.driver.failure {
            self.failures.push(format!("{oracle} {text}"));
        }
        let tell = |text: String| format!("cuts of seed {seed}, {place:?}: {text}");
        ended.failures = self.failures.into_iter().map(tell).collect();
        ended
    }

    /// A further cut, in the life that has not begun yet.
    fn plan(&mut self, what: &Use) {
        let host = self.host();
        let from = [("action", host.actions()), ("event", host.events())];
        let mut what = what.clone();
        for (name, value) in &mut what.params {
            if let Some((_, so_far)) = from.iter().find(|(known, _)| known == name)
                && let Value::Int(further) = value
            {
                *further += so_far.cast_signed();
            }
        }
        // it is an engine's host, and there is such a fault
        let _ = host::inflict(&mut self.driver.world, self.host, &what, true);
    }

    /// What is believed at the first sight of a life that has looked at its disk.
    fn look(&mut self) {
        let host = self.host();
        let (life, Some(torrent)) = (
            host.life(),
            host.engine().and_then(|engine| engine.torrent(TORRENT)),
        ) else {
            return;
        };
        let looks = matches!(
            torrent.state(),
            TorrentState::Opening | TorrentState::Checking | TorrentState::Queued
        );
        if looks || life == self.looked {
            return;
        }
        let wrong = believed_wrongly(host, torrent.have());
        let gone = host
            .cuts()
            .last()
            .and_then(|cut| cut.synced.as_ref())
            .map(|synced| synced.count_without(torrent.have()));
        self.looked = life;
        self.wrong += wrong;
        if wrong > 0 {
            self.failures.push(format!("{wrong} wrong pieces are believed"));
        }
        if gone.is_some_and(|gone| gone > 0) {
            self.failures
                .push(format!("{gone:?} pieces that were durable are not believed"));
        }
    }

    /// The download is right, and durable.
    fn at_the_end(&mut self) {
        let id = self.host;
        let Some(host) = self.driver.world.actor_mut::<EngineHost>(id) else {
            return;
        };
        let have = host.watch().is_some_and(crate::oracle::Watch::is_complete);
        let right = host.disk().holds_durably(host.sample());
        if !have || !right {
            self.failures.push(format!(
                "the download does not end right: complete {have}, durable {right}"
            ));
        }
    }
}

/// How many of these pieces are not on the disk.
fn believed_wrongly(host: &EngineHost, have: &Bitfield) -> u64 {
    let right = |piece: &PieceIndex| host.disk().holds_piece(host.sample(), *piece);
    have.iter().filter(|piece| !right(piece)).count() as u64
}

/// Bytes of the pieces that were not durable at a cut.
fn missing(sample: &Sample, cut: &Cut) -> u64 {
    let durable = |piece: PieceIndex| cut.synced.as_ref().is_some_and(|synced| synced.contains(piece));
    let pieces = (0..sample.pieces()).map(PieceIndex);
    pieces
        .filter(|piece| !durable(*piece))
        .map(|piece| sample.range_of(piece).len() as u64)
        .sum()
}

/// An earlier download that nobody knows of any more: some files with some pieces.
fn fill(host: &mut EngineHost, seed: u64) {
    let mut rng = Seed(seed).stream("filled");
    let sample = host.sample().clone();
    let mut content = sample.content.to_vec();
    let mut right = Vec::new();
    for piece in (0..sample.pieces()).map(PieceIndex) {
        if rng.chance(2, 3) {
            right.push(sample.range_of(piece));
        } else {
            content[sample.range_of(piece)].fill(0);
        }
    }
    for file in sample.metainfo.layout.files().iter().filter(|file| !file.pad) {
        let bytes = file.offset as usize..(file.offset + file.length) as usize;
        // one in which nothing matches would be left alone
        if right
            .iter()
            .any(|piece| bytes.start <= piece.start && piece.end <= bytes.end)
        {
            host.disk_mut().files.put(&file.path, content[bytes].to_vec());
        }
    }
}

/// The world of a seed, and whether its disk has something on it.
fn draw(seed: u64) -> (Scenario, bool) {
    let mut rng = Seed(seed).stream("cuts");
    let mut among = |all: &[&str]| Value::Text(all[rng.below(all.len() as u32) as usize].to_owned());
    let config = vec![(
        "resume-interval".to_owned(),
        among(&["100ms", "300ms", "1s", "5s"]),
    )];
    let slow = among(&["1ms", "5ms", "20ms"]);
    let unordered = among(&["5ms", "20ms", "80ms"]);
    let mut behaviours = Vec::new();
    let mut disk = |rng: &mut Rng, name: &str, param: &str, value: Value| {
        if rng.chance(1, 4) {
            let mut what = Use::new(name);
            what.params.push((param.into(), value));
            behaviours.push(what);
        }
    };
    disk(&mut rng, "slow-disk", "each", slow);
    disk(&mut rng, "unordered-disk", "by", unordered);
    let block = 64 + 32 * rng.below(3);
    let torrent = TorrentSpec {
        pieces: 3 + rng.below(14),
        blocks: 1 + rng.below(4),
        block,
        short: rng.below(block),
        files: 1 + rng.below(4),
        private: false,
        magnet: None,
    };
    let filled = rng.chance(1, 4);
    // a selection over files that others made is left out: what of it is durable is not told apart here
    if torrent.files > 1 && !filled && rng.chance(1, 5) {
        let mut select = Use::new("select").with("file", i64::from(rng.below(torrent.files)));
        let lasts = format!("{}ms", 100 + rng.below(1500));
        select.params.push(("for".into(), Value::Text(lasts)));
        behaviours.push(select);
    }
    let link = LinkSpec::default();
    let scenario = Scenario {
        name: "power cuts".into(),
        seed,
        shuffle_ties: rng.chance(1, 4),
        torrent,
        engines: vec![EngineSpec {
            name: "eng".into(),
            seed: false,
            after: Duration::ZERO,
            config,
            link,
            behaviours,
        }],
        trackers: vec![TrackerSpec {
            name: "t0".into(),
            udp: true,
            tier: 0,
            link,
            behaviours: Vec::new(),
        }],
        peers: draw_peers(&mut rng),
        faults: Vec::new(),
        expect: Vec::new(),
    };
    (scenario, filled)
}

/// One or two who have everything, and perhaps one who fetches from us.
fn draw_peers(rng: &mut Rng) -> Vec<PeerSpec> {
    let link = LinkSpec::default();
    let peer = |name: &str, has: u32, up: u64| PeerSpec {
        name: name.into(),
        has,
        leech: has < 100,
        after: Duration::ZERO,
        dials: false,
        link: LinkSpec { up, ..link },
        behaviours: Vec::new(),
    };
    let mut peers = vec![peer("p0", 100, 1000 + u64::from(rng.below(8000)))];
    if rng.chance(1, 2) {
        peers.push(peer("p1", 100, 1000 + u64::from(rng.below(8000))));
    }
    if rng.chance(1, 2) {
        peers.push(peer("p2", 0, 0));
    }
    peers
}
