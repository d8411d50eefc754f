//! What the engine alone costs a block of a download, by how many pieces the torrent has and how many seeds serve it; and,
//! with leechers that have nothing, what it costs to tell each of every piece.
//!
//! `cargo bench -p seedbed-engine --bench download` prints a line for each size. With `-- PIECES SEEDS LEECHES BLOCKS` it
//! runs one download of so many blocks and prints nothing else: `.ci/instructions` counts the instructions of two such runs,
//! and the difference is what the blocks cost, without the start.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // a clock is what a benchmark needs

mod swarm;

use swarm::Download;

/// Time a block, of the best of some rounds.
fn measure(pieces: usize, peers: usize, leeches: usize, blocks: usize) {
    let round = || {
        let mut download = Download::new(pieces, peers, leeches);
        let started = std::time::Instant::now();
        download.fetch(blocks);
        started.elapsed().as_nanos() as u64 / blocks as u64
    };
    let best = (0..3).map(|_| round()).min().unwrap_or(0);
    println!(
        "{pieces:>9} pieces {peers:>5} seeds {leeches:>5} leeches {blocks:>7} blocks: {best:>6} ns a block"
    );
}

fn main() {
    let numbers: Vec<usize> = std::env::args().filter_map(|arg| arg.parse().ok()).collect();
    if let [pieces, seeds, leeches, blocks] = numbers[..] {
        return Download::new(pieces, seeds, leeches).fetch(blocks);
    }
    // of 100 pieces there are 1,600 blocks, and the last ones are raced for
    for (pieces, blocks) in [(100, 1_000), (10_000, 20_000), (1_000_000, 20_000)] {
        measure(pieces, 10, 0, blocks);
    }
    for peers in [100, 1_000] {
        measure(10_000, peers, 0, 20_000);
        measure(10_000, 10, peers - 10, 20_000);
    }
}
