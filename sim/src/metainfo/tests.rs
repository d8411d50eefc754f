//! Each mutation of one-file and many-file torrents, read by the engine.

use super::{BEHAVIOURS, check, mutate, sample};
use crate::marks::Marks;
use crate::sample::Sample;
use crate::scenario::{TorrentSpec, Use};
use crate::seed::Seed;

fn good(files: u32) -> Sample {
    let spec = TorrentSpec {
        pieces: 4,
        blocks: 4,
        block: 64,
        short: 10,
        files,
        private: false,
        magnet: None,
    };
    let tiers = vec![vec!["udp://192.0.2.1:6969".into()]];
    Sample::new(&spec, &tiers, Seed(1)).expect("the sizes make a torrent")
}

#[test]
fn each_bad_file_is_treated_as_the_catalogue_says() {
    let mut marks = Marks::default();
    let mut wrong = Vec::new();
    for files in [1, 3] {
        let good = good(files);
        for known in BEHAVIOURS {
            if let Err(why) = check(&Use::new(known.name), &good.bytes, &mut marks) {
                wrong.push(format!("{} {} ({files} files): {why}", known.row, known.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(BEHAVIOURS.iter().all(|known| marks.count(known.name) == 2));
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let good = good(3);
    for kept in 0..good.bytes.len() {
        assert!(seedbed_engine::metainfo::Metainfo::parse(&good.bytes[..kept]).is_err());
    }
}

#[test]
fn what_a_seed_invents_is_in_the_catalogue() {
    let good = good(3);
    let mut rng = Seed(5).stream("mutations");
    for _ in 0..300 {
        let used = sample(&mut rng);
        if used.name != "torrent-tokens" {
            check(&used, &good.bytes, &mut Marks::default()).expect("as the catalogue says");
        }
    }
}

#[test]
fn an_unknown_name_changes_nothing_and_is_reported() {
    let good = good(1);
    let used = Use::new("torrent-unheard-of");
    assert_eq!(mutate(&used, &good.bytes), *good.bytes);
    assert!(check(&used, &good.bytes, &mut Marks::default()).is_err());
}
