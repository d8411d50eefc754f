//! `kill -9` at random instants: what was verified stays, little is fetched again, the file is right at the end.
//!
//! Two sides bear witness. The test reads the files of the killed program and the log in which it had told of verified
//! pieces; libtorrent counts what it sent. A piece that was right at a kill and is told of as verified once more was
//! fetched once more.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use seedbed_engine::rng::Rng;

use super::number;
use crate::rig::{Client, Content, Options, Process, Rig, Scheme, events};

const LENGTH: usize = 96 << 20;
const PIECE: usize = 256 << 10;
/// Twelve seconds for everything.
const RATE_MAX: u32 = 8 << 20;
/// How long a program lives at the most, from its start: all instants below are as likely.
const LIFE_MAX: Duration = Duration::from_secs(4);
/// Fetched again a kill, on the mean.
const AGAIN_MAX: u64 = 1 << 20;
/// From the last kill to the end of that download.
const LIMIT: Duration = Duration::from_secs(90);
/// Kills where nobody asks for another number.
const KILLS: u32 = 6;

/// What all kills together did.
#[derive(Default)]
struct Tally {
    kills: u32,
    downloads: u32,
    /// Bytes of pieces that were right at a kill, or told of as verified, and were not believed or not there later.
    lost: usize,
    /// Downloads that ended with other bytes than the original's.
    wrong: u32,
}

#[test]
#[ignore = "interop: needs libtorrent and opentracker"]
fn at_random_instants() {
    let kills = u32::try_from(number("SEEDBED_KILLS", KILLS.into())).expect("a number of kills");
    let seed = number("SEEDBED_KILLS_SEED", u64::from(std::process::id()));
    println!("SEEDBED_KILLS_SEED={seed}");
    let mut rng = super::rng(seed);
    let rig = Rig::new(Content::file("payload.bin", LENGTH, PIECE), Scheme::Udp);
    let seeder = rig.seeder(
        Client::Libtorrent,
        Options {
            upload_rate_max: Some(RATE_MAX),
            ..Options::default()
        },
    );
    let mut tally = Tally::default();
    while tally.kills < kills {
        tally.download(&rig, kills, &mut rng);
    }
    let sent = seeder.uploaded_in_the_end();
    let payload = LENGTH as u64 * u64::from(tally.downloads);
    assert!(sent >= payload, "libtorrent sent {sent} bytes, {payload} arrived");
    let again = (sent - payload) / u64::from(tally.kills);
    println!(
        "{} kills in {} downloads: {} verified bytes lost, {} KiB fetched again a kill on the mean, {} wrong hashes",
        tally.kills,
        tally.downloads,
        tally.lost,
        again >> 10,
        tally.wrong
    );
    assert_eq!((tally.lost, tally.wrong), (0, 0));
    assert!(again <= AGAIN_MAX, "{again} bytes were fetched again a kill");
}

impl Tally {
    /// One download from nothing to its end, killed until there were `kills` in all.
    fn download(&mut self, rig: &Rig, kills: u32, rng: &mut Rng) {
        self.downloads += 1;
        let data = rig.folder(&format!("ours-{}", self.downloads));
        let mut right = BTreeSet::new();
        loop {
            let mut ours = rig.ours("download", &data, &["--stop-timeout", "30", "-vv"]);
            if self.kills == kills {
                assert_eq!(ours.exit_code(LIMIT), 0);
                self.judge(rig, &ours, &data, &mut right);
                break;
            }
            let life = rng.jitter(LIFE_MAX);
            if !outlives(&mut ours, life) {
                ours.kill();
                self.kills += 1;
            }
            self.judge(rig, &ours, &data, &mut right);
            if let Some(status) = ours.ended().filter(|status| status.code().is_some()) {
                assert!(status.success(), "{status}");
                break;
            }
        }
        let differences = rig.content.differences(&data);
        if !differences.is_empty() {
            println!("download {}: {differences:?}", self.downloads);
            self.wrong += 1;
        }
        std::fs::remove_dir_all(&data).expect("our own folder");
    }

    /// Compares what one life found and told of with what was `right` before, and sees what is now.
    fn judge(&mut self, rig: &Rig, ours: &Process, data: &Path, right: &mut BTreeSet<usize>) {
        let events = events(ours);
        if let Some(checked) = events.iter().find(|event| event["event"] == "checked") {
            let believed = checked["pieces_ok"].as_u64().expect("a count") as usize;
            let lost = right.len().saturating_sub(believed);
            self.lose(lost, "were right at the kill and not found at the start");
        }
        let told = told(&ours.err());
        let now = rig.content.right_pieces(data);
        self.lose(right.intersection(&told).count(), "were fetched again");
        self.lose(
            right.difference(&now).count(),
            "were right at the kill before and are not now",
        );
        self.lose(
            told.difference(&now).count(),
            "were told of as verified and are not right",
        );
        *right = now;
    }

    fn lose(&mut self, pieces: usize, how: &str) {
        if pieces > 0 {
            println!("kill {}: {pieces} pieces {how}", self.kills);
            self.lost += pieces * PIECE;
        }
    }
}

/// Whether the program ends by itself within that time.
fn outlives(ours: &mut Process, life: Duration) -> bool {
    let start = Instant::now();
    while start.elapsed() < life {
        if ours.ended().is_some() {
            return true;
        }
        let left = life.saturating_sub(start.elapsed());
        std::thread::sleep(left.min(Duration::from_millis(20)));
    }
    ours.ended().is_some()
}

/// The pieces that the log tells of as verified, of lines that are whole.
fn told(log: &str) -> BTreeSet<usize> {
    let whole = &log[..log.rfind('\n').unwrap_or(0)];
    let piece = |line: &str| {
        let (_, rest) = line.split_once("piece ")?;
        let (number, rest) = rest.split_once(' ')?;
        rest.starts_with("is right").then(|| number.parse().ok())?
    };
    whole.lines().filter_map(piece).collect()
}
