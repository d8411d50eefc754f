//! Plain values: parameters that are left out or rounded, default links, a small torrent, peers that have everything.

use super::Search;
use crate::scenario::text::{self, print_duration};
use crate::scenario::{LinkSpec, MagnetSpec, PeerSpec, Scenario, Use, Value, When};
use seedbed_engine::time::Duration;

pub(super) fn all(search: &mut Search<'_>) {
    search.change(|scenario| scenario.name = "shrunk".into());
    search.change(|scenario| scenario.shuffle_ties = false);
    torrent(search);
    actors(search);
    for n in 0..search.best.faults.len() {
        moment(search, n);
        uses(search, |scenario| {
            std::slice::from_mut(&mut scenario.faults[n].what)
        });
    }
    for n in 0..search.best.peers.len() {
        uses(search, |scenario| &mut scenario.peers[n].behaviours);
    }
    for n in 0..search.best.trackers.len() {
        uses(search, |scenario| &mut scenario.trackers[n].behaviours);
    }
    for n in 0..search.best.engines.len() {
        uses(search, |scenario| &mut scenario.engines[n].behaviours);
        for at in 0..search.best.engines[n].config.len() {
            values(search, |scenario| &mut scenario.engines[n].config[at].1);
        }
    }
    // last, since it draws everything anew
    for seed in 0..SEEDS {
        search.change(|scenario| scenario.seed = seed);
    }
}

/// Seeds that are tried in the place of a long one.
const SEEDS: u64 = 10;

fn torrent(search: &mut Search<'_>) {
    search.change(|scenario| scenario.torrent.magnet = None);
    search.change(|scenario| {
        let usual = MagnetSpec {
            piece: 16_384,
            broken: false,
        };
        scenario.torrent.magnet = scenario.torrent.magnet.map(|_| usual);
    });
    search.change(|scenario| scenario.torrent.private = false);
    search.change(|scenario| scenario.torrent.short = 0);
    search.change(|scenario| scenario.torrent.files = 1);
    number(search, |scenario| &mut scenario.torrent.files);
    number(search, |scenario| &mut scenario.torrent.pieces);
    number(search, |scenario| &mut scenario.torrent.blocks);
    search.change(|scenario| scenario.torrent.block = 64);
}

/// A number: one, a half, one less.
fn number(search: &mut Search<'_>, of: impl Fn(&mut Scenario) -> &mut u32) {
    for smaller in [|_| 1, |n| n / 2, |n| n - 1] as [fn(u32) -> u32; 3] {
        while search.change(|scenario| {
            let number = of(scenario);
            *number = if *number > 1 { smaller(*number) } else { *number };
        }) {}
    }
}

fn actors(search: &mut Search<'_>) {
    for n in 0..search.best.engines.len() {
        search.change(|scenario| scenario.engines[n].after = Duration::ZERO);
        link(search, |scenario| &mut scenario.engines[n].link);
    }
    for n in 0..search.best.trackers.len() {
        search.change(|scenario| scenario.trackers[n].tier = n as u32);
        link(search, |scenario| &mut scenario.trackers[n].link);
    }
    for n in 0..search.best.peers.len() {
        search.change(|scenario| scenario.peers[n].after = Duration::ZERO);
        search.change(|scenario| scenario.peers[n].dials = false);
        search.change(|scenario| has(&mut scenario.peers[n], 100, false));
        search.change(|scenario| has(&mut scenario.peers[n], 0, true));
        search.change(|scenario| has(&mut scenario.peers[n], 50, false));
        link(search, |scenario| &mut scenario.peers[n].link);
    }
}

const fn has(peer: &mut PeerSpec, percent: u32, leech: bool) {
    (peer.has, peer.leech) = (percent, leech);
}

fn link(search: &mut Search<'_>, of: impl Fn(&mut Scenario) -> &mut LinkSpec) {
    let usual = LinkSpec::default();
    search.change(|scenario| *of(scenario) = usual);
    search.change(|scenario| of(scenario).addresses = usual.addresses);
    search.change(|scenario| {
        let link = of(scenario);
        (link.latency, link.jitter) = (usual.latency, usual.jitter);
    });
    search.change(|scenario| of(scenario).jitter = Duration::ZERO);
    search.change(|scenario| of(scenario).receive = usual.receive);
    search.change(|scenario| of(scenario).up = 0);
    search.change(|scenario| of(scenario).down = 0);
    for share in [
        (|link| &mut link.loss) as fn(&mut LinkSpec) -> &mut u32,
        |link| &mut link.duplicate,
        |link| &mut link.reorder,
        |link| &mut link.corrupt,
    ] {
        search.change(|scenario| *share(of(scenario)) = 0);
    }
}

/// When a fault comes, and how long it lasts.
fn moment(search: &mut Search<'_>, n: usize) {
    search.change(|scenario| scenario.faults[n].lasts = None);
    search.change(|scenario| scenario.faults[n].when = When::At(Duration::ZERO));
    for plain in TIMES {
        while search.change(|scenario| {
            if let When::At(at) = &mut scenario.faults[n].when {
                *at = plain(*at);
            }
        }) {}
        while search.change(|scenario| {
            let lasts = &mut scenario.faults[n].lasts;
            *lasts = lasts.map(plain);
        }) {}
    }
}

/// Whole seconds, tenths, and half as much.
const TIMES: [fn(Duration) -> Duration; 3] = [
    |time| Duration::from_secs(time.as_secs() + 1),
    |time| Duration::from_millis((time.as_millis() as u64).div_ceil(100) * 100),
    |time| time / 2,
];

/// Parameters of behaviours.
fn uses(search: &mut Search<'_>, of: impl Fn(&mut Scenario) -> &mut [Use]) {
    for n in 0..of(&mut search.best).len() {
        let mut at = 0;
        while at < of(&mut search.best)[n].params.len() {
            let gone = search.change(|scenario| {
                of(scenario)[n].params.remove(at);
            });
            if !gone {
                values(search, |scenario| &mut of(scenario)[n].params[at].1);
                at += 1;
            }
        }
    }
}

/// A value: always instead of sometimes, once, half as much, whole seconds.
fn values(search: &mut Search<'_>, of: impl Fn(&mut Scenario) -> &mut Value) {
    let numbers: [fn(i64) -> i64; 5] = [|_| 0, |_| 1, |_| 1000, |n| n / 2, |n| n - 1];
    for plain in numbers {
        while search.change(|scenario| {
            if let Value::Int(number) = of(scenario) {
                *number = plain(*number);
            }
        }) {}
    }
    for plain in TIMES {
        while search.change(|scenario| {
            if let Value::Text(word) = of(scenario)
                && let Some(time) = text::duration(word)
            {
                *word = print_duration(plain(time));
            }
        }) {}
    }
}
