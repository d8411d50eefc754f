//! Whole swarms under faults that are drawn from a seed: connections break, disks fill, programs are paused, rechecked,
//! killed and started again, datagrams get lost, a mute peer takes requests and answers none. After every step the
//! parts of every engine have to agree; once the faults end, every download has to.
//!
//! `SEEDBED_SEED=<seed>` runs one seed, `SEEDBED_CASES=<n>` so many.

use crate::swarm::{BLOCK, TORRENT, run_for, start, world_of};
use core::time::Duration;
use seedbed_engine::disk::DiskFault;
use seedbed_engine::id::{ConnId, PeerId};
use seedbed_engine::rng::Rng;
use seedbed_engine::wire::{Handshake, Message, Reserved};
use seedbed_engine::{Command, Config, Event, Limits, Purpose, Report};
use tests::world::{Pending, Sample, Timeline, World, small_config};

/// Swarms of one run of the tests.
const CASES: u64 = 20;

/// Time of the faults, in seconds.
const FAULTS: u64 = 60;

/// Time in which everything has to be complete after the faults, in seconds: announces (half an hour apart) may be
/// needed to hear of an address again.
const HEALING: u64 = 3 * 3_600;

const LEECHES: usize = 3;
const SEEDS: usize = 2;

struct Chaos {
    rng: Rng,
    sample: Sample,
    world: World,
    /// Connections of the mute peer.
    mute: Vec<(usize, ConnId)>,
    steps: u64,
    done: Vec<String>,
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn every_download_ends_once_the_faults_do() {
    let seeds = match number("SEEDBED_SEED") {
        Some(seed) => seed..seed + 1,
        None => 1..1 + number("SEEDBED_CASES").unwrap_or(CASES),
    };
    for seed in seeds {
        println!("SEEDBED_SEED={seed} gives this swarm again");
        Chaos::new(seed).run();
    }
}

fn config(rng: &mut Rng) -> Config {
    let mut config = small_config();
    config.trace = false;
    config.choker.slots = 1 + rng.below(4);
    // a few blocks, so that reading stops for the disk
    config.disk_bytes_in_flight_max = if rng.chance(1, 2) { 256 } else { 1 << 20 };
    config
}

impl Chaos {
    fn new(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let mut rng = Rng::from_seed(bytes);
        let length = 3_000 + rng.below(20_000) as usize;
        let piece_length = 64 * (1 + rng.below(12));
        let trackers = &["udp://127.0.0.9:6969/announce"];
        let sample = if rng.chance(1, 2) {
            Sample::single(length, piece_length, trackers)
        } else {
            Sample::multi(&[length / 3, 0, length / 2, 700], piece_length, trackers)
        };
        let mut world = world_of(&sample);
        for (n, name) in ["seed-1", "seed-2", "a", "b", "c"].into_iter().enumerate() {
            let config = config(&mut rng);
            let node = world.node(name, &format!("127.0.0.{}", 20 + n), config);
            let full = n < SEEDS;
            world.nodes[node].disk = if full {
                sample.full_disk(BLOCK)
            } else {
                sample.empty_disk(BLOCK)
            };
            start(&mut world, &sample, node, Purpose::Download);
        }
        Self {
            rng,
            sample,
            world,
            mute: Vec::new(),
            steps: 0,
            done: Vec::new(),
        }
    }

    fn run(mut self) {
        while self.world.now.as_micros() < FAULTS * 1_000_000 {
            // a whole download takes a second or two: most faults belong into it
            let longest = if self.rng.chance(3, 4) { 60 } else { 3_000 };
            let wait = Duration::from_millis(u64::from(1 + self.rng.below(longest)));
            self.go_on(wait, |_| false);
            self.fault();
        }
        for node in 0..SEEDS + LEECHES {
            self.world.nodes[node].disk.fault = None;
            self.world.command(node, Command::Resume(TORRENT));
        }
        let all = |world: &World| (0..SEEDS + LEECHES).all(|node| world.is_complete(node));
        let healed = self.go_on(Duration::from_secs(HEALING), all);
        assert!(healed, "not everybody is complete: {}", self.story());
        for node in 0..SEEDS + LEECHES {
            assert!(
                self.sample.is_on(&self.world.nodes[node].disk),
                "{}",
                self.story()
            );
            let banned = self
                .world
                .reported(node, |report| matches!(report, Report::Banned { .. }));
            assert!(!banned, "nobody lied: {}", self.story());
        }
        run_for(&mut self.world, 20);
        for node in 0..SEEDS + LEECHES {
            self.world.command(node, Command::Shutdown);
        }
        run_for(&mut self.world, 6);
        for node in 0..SEEDS + LEECHES {
            let ended = self.world.reported(node, |report| *report == Report::ShutDown);
            assert!(ended, "node {node} does not end: {}", self.story());
        }
    }

    /// Lets time pass, and checks after every step.
    fn go_on(&mut self, time: Duration, done: impl Fn(&World) -> bool) -> bool {
        let limit = self.world.now + time;
        loop {
            if done(&self.world) {
                return true;
            }
            let before = self.world.now;
            let stepped = self.world.step_before(limit);
            self.steps += 1;
            let node = &self.world.nodes[self.world.stepped];
            if let Some(torrent) = node.engine.torrent(TORRENT)
                && let Err(why) = torrent.audit()
            {
                panic!("{} at {before}: {why}\n{}", node.name, self.story());
            }
            if self.steps.is_multiple_of(500) {
                self.verified_is_on_disk();
            }
            if !stepped {
                return done(&self.world);
            }
        }
    }

    fn verified_is_on_disk(&self) {
        for node in &self.world.nodes {
            let Some(torrent) = node.engine.torrent(TORRENT) else {
                continue;
            };
            for piece in torrent.have().iter() {
                let length = self.sample.metainfo.piece_length as usize;
                let begin = piece.as_usize() * length;
                let end = (begin + length).min(self.sample.content.len());
                let found = node.disk.content(begin as u64..end as u64);
                let right = found.is_some_and(|bytes| bytes == self.sample.content[begin..end]);
                assert!(right, "{} has not {piece}: {}", node.name, self.story());
            }
        }
    }

    fn fault(&mut self) {
        let node = self.rng.below((SEEDS + LEECHES) as u32) as usize;
        let kind = self.rng.below(16);
        self.done.push(format!(
            "{} {kind} at {}",
            self.world.now, self.world.nodes[node].name
        ));
        match kind {
            0 | 1 => {
                let conns = self.world.connections(node);
                if !conns.is_empty() {
                    let conn = conns[self.rng.below(conns.len() as u32) as usize];
                    self.world.break_connection(node, conn);
                }
            }
            2 => {
                let faults = [DiskFault::Full, DiskFault::Io, DiskFault::Denied];
                self.world.nodes[node].disk.fault = Some(faults[self.rng.below(3) as usize]);
            }
            3 | 4 => {
                for node in &mut self.world.nodes {
                    node.disk.fault = None;
                }
            }
            5 => self.world.command(node, Command::Pause(TORRENT)),
            6 | 7 => self.world.command(node, Command::Resume(TORRENT)),
            8 => self.world.command(node, Command::Recheck(TORRENT)),
            9 | 10 => self.restart(node),
            11 => {
                let lost = self.rng.below(4) as usize;
                self.world.lose = vec![true; lost];
            }
            12 => self.world.feed(node, &Pending::Event(Event::NetworkChanged)),
            13 => self.world.command(
                node,
                Command::SetLimits(Limits {
                    slots: Some(1 + self.rng.below(4)),
                    connections: Some(3 + self.rng.below(20) as usize),
                    connections_per_torrent: Some(2 + self.rng.below(20) as usize),
                    ..Default::default()
                }),
            ),
            _ => self.mute_peer(node),
        }
    }

    fn restart(&mut self, node: usize) {
        if self.rng.chance(1, 2) {
            self.world.command(node, Command::Shutdown);
            self.go_on(Duration::from_secs(1), |_| false);
        }
        let mut seed = [0; 32];
        self.rng.fill(&mut seed);
        let config = config(&mut self.rng);
        self.world.restart(node, config, seed);
        // the first node always has everything, or nothing could be promised
        if node > 0 && self.rng.chance(2, 3) {
            self.world.nodes[node].disk = self.sample.empty_disk(BLOCK);
        }
        start(&mut self.world, &self.sample, node, Purpose::Download);
    }

    /// A peer that has everything, unchokes, and never sends a block. Or one that goes away again.
    fn mute_peer(&mut self, node: usize) {
        if self.rng.chance(1, 3)
            && let Some((node, conn)) = self.mute.pop()
        {
            self.world.break_connection(node, conn);
            return;
        }
        let last = self.rng.below(4);
        let conn = self.world.dial(node, &format!("198.51.100.{last}:4000"));
        let mut bytes = Handshake {
            reserved: if self.rng.chance(1, 2) {
                Reserved::NONE.with_fast()
            } else {
                Reserved::NONE
            },
            info_hash: self.sample.metainfo.info_hash,
            peer_id: PeerId([last as u8 + 1; 20]),
        }
        .encode()
        .to_vec();
        let pieces = self.sample.metainfo.pieces() as usize;
        let mut set = vec![0xff; pieces.div_ceil(8)];
        if !pieces.is_multiple_of(8)
            && let Some(byte) = set.last_mut()
        {
            *byte <<= 8 - pieces % 8;
        }
        Message::Bitfield(set).encode(&mut bytes);
        Message::Unchoke.encode(&mut bytes);
        if self.rng.chance(1, 2) {
            Message::Interested.encode(&mut bytes);
        }
        self.world.say(node, conn, &bytes);
        self.mute.push((node, conn));
    }

    fn story(&self) -> String {
        let mut story = format!("at {}\n{}\n", self.world.now, self.done.join("\n"));
        for (n, node) in self.world.nodes.iter().enumerate() {
            let timeline = Timeline::brief(&self.world, n);
            let lines: Vec<&str> = timeline.lines().collect();
            let from = lines.len().saturating_sub(25);
            story += &format!(
                "\n{}: {:?}\n{}\n",
                node.name,
                self.state(n),
                lines[from..].join("\n")
            );
        }
        story
    }

    fn state(&self, node: usize) -> Option<(seedbed_engine::TorrentState, Option<String>)> {
        let torrent = self.world.nodes[node].engine.torrent(TORRENT)?;
        Some((torrent.state(), torrent.status(self.world.now).stalled))
    }
}
