//! A copy of a journal that can be shared: addresses, names, hosts, passkeys, info-hashes, peer ids and the hashes of
//! the content are replaced, then the copy is played beside the original, step by step. Where the two engines decide
//! differently, there is no copy.
//!
//! What stays: lengths of pieces and files, times, ports, the clients' names, what was sent and received when.

mod answers;
mod bencode;
mod compare;
mod events;
mod magnets;
mod peers;
mod priorities;
mod pseudonyms;
mod search;
#[cfg(test)]
mod tests;
mod urls;
mod veil;

use crate::journal::words::{action_words, event_words};
use crate::journal::{Cast, Player};
use compare::same;
use events::Rewriter;
use seedbed_engine::Engine;
use seedbed_engine::journal::{Header, Journal, JournalError, Replay, Writer};
use seedbed_engine::rng::{Purpose, Seeds};
use sha1::{Digest as _, Sha1};
use std::collections::BTreeMap;
use std::fmt;

/// Other keys that are tried when the copy decides differently: which of two connections to one peer survives
/// depends on the peer ids.
const ATTEMPTS: u32 = 8;

/// Why there is no copy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RedactError {
    /// It is a redacted copy.
    Already,
    /// It begins in the middle of a run: what is private is all over the engine's state.
    Resumed,
    /// The original does not do what it did when it was recorded.
    Original {
        /// The step.
        step: u64,
    },
    /// The copy decides differently.
    Different {
        /// The step.
        step: u64,
        /// What happened then.
        event: String,
        /// What the copy does, and what the original did.
        what: String,
    },
    /// Something of the original is still there.
    Left {
        /// What kind of thing.
        what: &'static str,
        /// At which byte of the copy, or of what an encrypted connection says in it.
        at: usize,
    },
    /// The copy cannot be read again.
    Journal(JournalError),
    /// A torrent cannot be written again.
    Torrent,
}

impl fmt::Display for RedactError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Already => f.write_str("it was redacted already"),
            Self::Resumed => f.write_str(
                "it begins in the middle of its run, with the whole state of the engine, in which names and addresses \
                 cannot be replaced: record from the beginning (--record without --record-last)",
            ),
            Self::Original { step } => write!(
                f,
                "the journal itself does not replay, from step {step} on: only a journal that does can be redacted"
            ),
            Self::Different { step, event, what } => write!(
                f,
                "with other names the engine decides differently at step {step} ({event}): {what}. The copy would not \
                 show what happened"
            ),
            Self::Left { what, at } => {
                write!(f, "the copy still has the {what} of the original, at byte {at}")
            }
            Self::Journal(error) => write!(f, "the copy cannot be read: {error}"),
            Self::Torrent => f.write_str("a torrent of the journal cannot be written again"),
        }
    }
}

impl std::error::Error for RedactError {}

/// A copy without what is private. `key` decides the pseudonyms: random for everybody but tests.
///
/// # Errors
/// When the copy would not decide as the original does, or something private is left in it.
pub fn redact(journal: &Journal<'_>, key: [u8; 32]) -> Result<Vec<u8>, RedactError> {
    if journal.header().redacted {
        return Err(RedactError::Already);
    }
    if journal.is_resumed() {
        return Err(RedactError::Resumed);
    }
    let mut attempt = 0;
    loop {
        let key = Sha1::new()
            .chain_update(key)
            .chain_update([attempt as u8])
            .finalize();
        let mut whole = [0; 32];
        whole[..20].copy_from_slice(&key);
        match once(journal, whole) {
            Err(RedactError::Different { .. }) if attempt + 1 < ATTEMPTS => attempt += 1,
            result => return result,
        }
    }
}

fn once(journal: &Journal<'_>, key: [u8; 32]) -> Result<Vec<u8>, RedactError> {
    let seeds = other_seeds(journal.seeds(), key);
    let mut rewriter = Rewriter::new(key);
    let engine = Engine::with_seeds(journal.header().config.clone(), seeds.clone());
    rewriter.gather(journal, engine.peer_id())?;
    let header = header(journal.header(), &seeds, &mut rewriter);
    let mut copy = Engine::with_seeds(header.config.clone(), seeds);
    let mut writer = Writer::new(&header);
    let mut original = Player::new(journal);
    while let Some(seen) = original.step() {
        let played = &seen.played;
        let step = played.step.number;
        if played.mismatch.is_some() {
            return Err(RedactError::Original { step });
        }
        let at = played.step.at;
        let event = rewriter.event(&copy, at, &played.step.event);
        let event = event.ok_or(RedactError::Torrent)?;
        copy.handle(at, event.lent());
        rewriter.taken(&event.lent(), &copy);
        writer.event(at, &event.lent(), &copy);
        let mut old = played.actions.iter().filter(|action| !action.is_trace());
        let mut differs = None;
        while let Some(new) = copy.poll_action() {
            writer.action(&new);
            if new.is_trace() {
                continue;
            }
            let old = old.next();
            if !old.is_some_and(|old| same(&mut rewriter, old, &new)) {
                let words = |action| action_words(&Cast::default(), action);
                let old = old.map_or_else(|| "nothing".into(), words);
                differs.get_or_insert_with(|| format!("{} instead of {old}", words(&new)));
            }
        }
        if let Some(old) = old.next() {
            differs.get_or_insert_with(|| format!("not {}", action_words(&Cast::default(), old)));
        }
        if copy.digest() != played.engine.digest() {
            differs.get_or_insert_with(|| "the engine is another one".into());
        }
        if let Some(what) = differs {
            let event = event_words(&Cast::default(), &played.step.event);
            return Err(RedactError::Different { step, event, what });
        }
    }
    writer.finish(&copy);
    let bytes = writer.ready().to_vec();
    check(&bytes, &rewriter)?;
    Ok(bytes)
}

/// The streams that identify somebody begin elsewhere: the peer id, and the key that trackers know us by.
fn other_seeds(seeds: &Seeds, key: [u8; 32]) -> Seeds {
    let Seeds::Streams(streams) = seeds else {
        return seeds.clone();
    };
    let other = Seeds::Root(key);
    let identifies = [Purpose::PeerId as u64, Purpose::TrackerKey as u64];
    let new = streams.iter().map(|((purpose, instance), seed)| {
        let new = match *purpose {
            _ if !identifies.contains(purpose) => *seed,
            purpose if purpose == Purpose::PeerId as u64 => other.seed(Purpose::PeerId, *instance),
            _ => other.seed(Purpose::TrackerKey, *instance),
        };
        ((*purpose, *instance), new)
    });
    Seeds::Streams(new.collect::<BTreeMap<_, _>>())
}

fn header(old: &Header, seeds: &Seeds, rewriter: &mut Rewriter) -> Header {
    let mut config = old.config.clone();
    config.peer_id = config
        .peer_id
        .map(|id| rewriter.names.peer_id(seedbed_engine::id::PeerId(id)).0);
    config.candidates.priorities_given = rewriter.priorities.given(&mut rewriter.names);
    config.session.allowed_fast_given = rewriter.allowed_fast(config.session.allowed_fast_count);
    let mut new = Header::new(config, seeds, &old.commit, &old.what);
    new.engine.clone_from(&old.engine);
    new.redacted = true;
    new
}

/// Reads the copy again, plays it, and looks for what must not be in it.
fn check(bytes: &[u8], rewriter: &Rewriter) -> Result<(), RedactError> {
    let copy = Journal::read(bytes).map_err(RedactError::Journal)?;
    Replay::new(&copy, false)
        .run()
        .map_err(|(step, mismatch)| RedactError::Different {
            step,
            event: "the copy is played again".into(),
            what: format!("{mismatch:?}"),
        })?;
    let secrets = rewriter.names.secrets();
    // what is encrypted does not show in the bytes
    let texts = rewriter.veils.values().map(veil::Veil::text);
    for text in std::iter::once(bytes).chain(texts) {
        if let Some((n, at)) = search::find(text, &secrets) {
            let what = secrets[n].0;
            return Err(RedactError::Left { what, at });
        }
    }
    Ok(())
}
