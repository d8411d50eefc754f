//! The recorded sessions of `tests/data/journals`, each with real clients: they replay strictly, their redacted copies
//! decide the same and hold nothing of the originals, and what is damaged is refused in a sentence.
//!
//! `just journals` records them anew, for the day on which a decision changes on purpose.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::PathBuf;

use quickcheck::{Gen, QuickCheck};
use seedbed_engine::journal::{Journal, JournalError, Mismatch, Replay};
use seedbed_engine::{Command, Event};
use seedbed_sim::journal::redact;

/// Sessions that are kept at the least.
const SESSIONS_MIN: usize = 20;

/// Bytes of all of them at the most.
const BYTES_MAX: usize = 400 * 1024;

/// Any key will do for a test.
const KEY: [u8; 32] = [5; 32];

/// Every journal with its name.
fn journals() -> Vec<(String, Vec<u8>)> {
    let folder = tests::project_root().join("tests/data/journals");
    let entries = std::fs::read_dir(folder).expect("the folder of the journals");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "journal"));
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        (name, std::fs::read(&path).expect("a journal"))
    };
    paths.into_iter().map(read).collect()
}

/// Whether it replays to its end; if not, the first difference.
fn replay(journal: &Journal<'_>) -> Result<(), (u64, Mismatch)> {
    Replay::new(journal, false).run()
}

#[test]
fn every_session_replays_to_the_last_step() {
    let journals = journals();
    assert!(journals.len() >= SESSIONS_MIN, "{}", journals.len());
    let bytes: usize = journals.iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(bytes <= BYTES_MAX, "{bytes}");
    for (name, bytes) in &journals {
        let journal = Journal::read(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(journal.is_whole(), "{name}");
        assert_eq!(replay(&journal), Ok(()), "{name}");
    }
}

/// `journal to-test` puts the timeline beside a journal: it must not change by accident.
#[test]
fn timelines_beside_sessions_are_as_they_were() {
    let folder = tests::project_root().join("tests/data/journals");
    let mut compared = 0;
    for (name, bytes) in journals() {
        let Ok(expected) = std::fs::read_to_string(folder.join(&name).with_extension("timeline")) else {
            continue;
        };
        let journal = Journal::read(&bytes).expect("a journal");
        let timeline = seedbed_sim::journal::timeline(&journal);
        assert_eq!(timeline, expected, "{name}");
        compared += 1;
    }
    assert!(compared > 0);
}

/// An address as text, and as an event holds it: the number of its family, then its bytes.
fn forms(ip: IpAddr) -> Vec<Vec<u8>> {
    let held = match ip {
        IpAddr::V4(ip) => [&[0], &ip.octets()[..]].concat(),
        IpAddr::V6(ip) => [&[1], &ip.octets()[..]].concat(),
    };
    vec![ip.to_string().into_bytes(), held]
}

/// What says who or what it was, as a person would look for it: gathered here from the events alone, and not by the
/// code that replaces it.
fn originals(journal: &Journal<'_>) -> BTreeSet<Vec<u8>> {
    let mut found = BTreeSet::new();
    let mut steps = journal.steps();
    while let Some(step) = steps.next() {
        match &step.event {
            Event::Command(Command::Add(add)) => {
                let metainfo = add.source.metainfo().expect("a torrent file");
                found.insert(metainfo.info_hash.0.to_vec());
                found.insert(metainfo.info_hash.to_string().into_bytes());
                found.insert(metainfo.name.clone().into_bytes());
                let paths = metainfo
                    .layout
                    .files()
                    .iter()
                    .flat_map(|file| file.path.split('/'));
                found.extend(paths.map(|element| element.as_bytes().to_vec()));
                found.insert(add.root.0.to_vec());
                let urls = metainfo.trackers.iter().flatten();
                found
                    .extend(urls.filter_map(|url| url.split("://").nth(1)?.split('/').next().map(Vec::from)));
                found.extend((0..metainfo.pieces()).filter_map(|n| {
                    let piece = seedbed_engine::id::PieceIndex(n);
                    metainfo.piece_hash(piece).map(|hash| hash.to_vec())
                }));
                found.extend(add.peers.iter().flat_map(|addr| forms(addr.ip())));
            }
            Event::Command(Command::ProbeTracker(probe)) => {
                found.insert(probe.metainfo.info_hash.0.to_vec());
                found.insert(probe.metainfo.name.clone().into_bytes());
            }
            Event::Accepted { from, .. } | Event::Datagram { from, .. } | Event::Multicast { from, .. } => {
                found.extend(forms(from.ip()));
            }
            _ => {}
        }
    }
    found.retain(|text| text.len() >= 5);
    found
}

#[test]
fn redacted_sessions_decide_the_same_and_hold_nothing_of_the_originals() {
    let (mut looked_for, mut were_there) = (0, 0);
    for (name, bytes) in journals() {
        let journal = Journal::read(&bytes).expect("a journal");
        if journal.header().redacted {
            continue;
        }
        let copy = redact(&journal, KEY).unwrap_or_else(|error| panic!("{name}: {error}"));
        let redacted = Journal::read(&copy).expect("a journal");
        assert!(redacted.header().redacted);
        assert_eq!(redacted.steps_count(), journal.steps_count(), "{name}");
        assert_eq!(replay(&redacted), Ok(()), "{name}");
        for original in originals(&journal) {
            let is_there = |bytes: &[u8]| bytes.windows(original.len()).any(|part| part == original);
            let shown = String::from_utf8_lossy(&original);
            assert!(!is_there(&copy), "{name} still has {shown:?}");
            looked_for += 1;
            were_there += usize::from(is_there(&bytes));
        }
    }
    // what is looked for in the copies is in the originals, or it would be no wonder that it is not found
    assert!(
        looked_for > 500 && were_there > looked_for * 3 / 4,
        "{were_there} of {looked_for}"
    );
}

#[test]
fn a_damaged_session_is_refused_in_a_sentence_or_ends_early() {
    let journals = journals();
    let (_, bytes) = journals
        .iter()
        .find(|(name, _)| name == "nobody-there")
        .expect("it");
    fn check(bytes: Vec<u8>, whole: &[u8]) -> bool {
        match Journal::read(&bytes) {
            Err(error) => !error.to_string().is_empty(),
            Ok(journal) => {
                // whatever it says by now: an engine takes it, and the end is known to be missing
                let _ = replay(&journal);
                bytes == whole || !journal.is_whole()
            }
        }
    }
    let whole = bytes.clone();
    let original = bytes.clone();
    let changes = move |at: usize, byte: u8| {
        let mut bytes = original.clone();
        let at = at % bytes.len();
        bytes[at] = byte;
        check(bytes, &whole)
    };
    fn property(changes: impl Fn(usize, u8) -> bool, generator: &mut Gen, count: usize) -> bool {
        use quickcheck::Arbitrary as _;
        (0..count).all(|_| changes(usize::arbitrary(generator), u8::arbitrary(generator)))
    }
    assert!(property(changes, &mut Gen::new(100), 3_000));
    for length in 0..bytes.len() {
        assert!(check(bytes[..length].to_vec(), bytes), "cut at {length}");
    }
}

#[test]
fn any_bytes_are_no_journal() {
    fn refused(bytes: Vec<u8>) -> bool {
        Journal::read(&bytes).map(|_| ()) == Err(JournalError::NotAJournal)
    }
    QuickCheck::new().quickcheck(refused as fn(Vec<u8>) -> bool);
}
