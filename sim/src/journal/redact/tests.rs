//! Journals of generated worlds, redacted.

use super::redact;
use crate::run::{Options, run};
use crate::scenario::expand::expand;
use crate::scenario::kdl::parse;
use seedbed_engine::config::Encryption;
use seedbed_engine::journal::{Journal, Replay};
use seedbed_engine::{Command, Event};
use std::collections::BTreeMap;
use std::path::Path;

const KEY: [u8; 32] = [42; 32];

/// Scenarios whose runs cannot be redacted, and say so: an answer that is cut at every byte, or endless, is cut elsewhere when it is written again; a dictionary with the
/// right hash is no torrent; and of 2,000 invented addresses one gets the pseudonym that another one is.
const REFUSED: [&str; 5] = [
    "http-tracker/http-trickle.kdl",
    "http-tracker/http-endless-body.kdl",
    "network/one-byte-reads.kdl",
    "magnet/broken.kdl",
    "udp-tracker/udp-many-peers.kdl",
];

/// The journals of the world of a seed.
fn journals(seed: u64) -> Vec<Vec<u8>> {
    let options = Options {
        journals: true,
        ..Options::default()
    };
    let outcome = run(&expand(seed), &options);
    outcome.journals.into_iter().map(|(_, journal)| journal).collect()
}

fn has_magnet(journal: &Journal<'_>) -> bool {
    let mut steps = journal.steps();
    while let Some(step) = steps.next() {
        if let Event::Command(Command::Add(add)) = &step.event
            && add.source.metainfo().is_none()
        {
            return true;
        }
    }
    false
}

#[test]
fn generated_worlds_are_redacted_and_decide_the_same() {
    let (mut done, mut encrypted, mut magnets) = (0, 0, 0);
    let mut refused = BTreeMap::<String, Vec<u64>>::new();
    for seed in 0..120 {
        for bytes in journals(seed) {
            let journal = Journal::read(&bytes).expect("a journal");
            match redact(&journal, KEY) {
                Ok(copy) => {
                    let copy = Journal::read(&copy).expect("a journal");
                    assert!(copy.header().redacted);
                    assert_eq!(copy.steps_count(), journal.steps_count(), "seed {seed}");
                    assert_eq!(Replay::new(&copy, false).run(), Ok(()), "seed {seed}");
                    done += 1;
                    magnets += u32::from(has_magnet(&journal));
                    encrypted += u32::from(journal.header().config.encryption != Encryption::Off);
                }
                Err(error) => refused.entry(error.to_string()).or_default().push(seed),
            }
        }
    }
    assert!(refused.is_empty(), "{done} done; {refused:#?}");
    assert!(
        encrypted > 20 && magnets > 5 && done > encrypted,
        "{done} done, {encrypted} that take encryption, {magnets} with a link"
    );
}

/// The journal of a scenario's engine.
fn journal_of(text: &str) -> Vec<u8> {
    let options = Options {
        journals: true,
        ..Options::default()
    };
    let mut outcome = run(&parse(text).expect("a scenario"), &options);
    outcome.journals.remove(0).1
}

/// Payload is left out of a recording under RC4 too, and a replay, which fills in zeros, decides the same; so does a
/// copy that was encrypted anew.
#[test]
fn an_encrypted_journal_is_redacted_without_its_payload() {
    let bytes = journal_of(
        "scenario \"encrypted\" version=1 seed=1\n\
         torrent pieces=8 blocks=4 block=4096\n\
         engine \"eng\" encryption=\"require\"\n\
         tracker \"t0\" http\n\
         peer \"p0\" seed { encrypted-only; }\n",
    );
    assert!(bytes.len() < 16 * 1024, "{} bytes for 128 KiB", bytes.len());
    let journal = Journal::read(&bytes).expect("a journal");
    assert_eq!(Replay::new(&journal, false).run(), Ok(()));
    let copy = redact(&journal, KEY).unwrap_or_else(|error| panic!("{error}"));
    assert!(copy.len() < 16 * 1024, "{} bytes for 128 KiB", copy.len());
    let copy = Journal::read(&copy).expect("a journal");
    assert_eq!(Replay::new(&copy, false).run(), Ok(()));
}

/// The journals of every scenario, each with its file's folder and name.
fn journals_of_scenarios() -> Vec<(String, Vec<u8>)> {
    let options = Options {
        journals: true,
        ..Options::default()
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let names = |folder: &Path| {
        let entries = std::fs::read_dir(folder).expect("scenarios");
        entries
            .map(|entry| entry.expect("an entry").path())
            .collect::<Vec<_>>()
    };
    let mut found = Vec::new();
    for path in names(&root).iter().flat_map(|folder| names(folder)) {
        let text = std::fs::read_to_string(&path).expect("a scenario");
        let name = path.strip_prefix(&root).expect("below it").to_string_lossy();
        let outcome = run(&parse(&text).expect("a scenario"), &options);
        found.extend(
            outcome
                .journals
                .into_iter()
                .map(|(_, journal)| (name.to_string(), journal)),
        );
    }
    found
}

/// All that scenarios show is redacted too: paddings of every length, encrypted reads that are cut anywhere, both sides
/// of a connection, lies about an info dictionary, one that was kept.
#[test]
fn scenarios_are_redacted() {
    let (mut done, mut refused) = (0, Vec::new());
    for (name, bytes) in journals_of_scenarios() {
        let journal = Journal::read(&bytes).expect("a journal");
        match redact(&journal, KEY) {
            Ok(copy) => {
                let copy = Journal::read(&copy).expect("a journal");
                assert_eq!(copy.steps_count(), journal.steps_count(), "{name}");
                done += 1;
            }
            Err(_) if REFUSED.contains(&&*name) => {}
            Err(error) => refused.push(format!("{name}: {error}")),
        }
    }
    assert!(refused.is_empty() && done > 200, "{done} done; {refused:#?}");
}
