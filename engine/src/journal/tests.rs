//! Journals of small runs: written, read, replayed, damaged.

use super::{Header, Journal, JournalError, Mismatch, Replay, Writer};
use crate::action::Action;
use crate::config::Config;
use crate::disk::{DiskDone, DiskError, DiskFault};
use crate::engine::Engine;
use crate::event::{Command, Event, ProbeTracker};
use crate::id::{ConnId, OpId};
use crate::net::{CloseCause, DatagramFault, LookupError, TlsFault};
use crate::rng::Seeds;
use crate::time::{Duration, Instant};
use crate::torrent::{AddTorrent, Purpose};
use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::net::SocketAddr;

const SEED: [u8; 32] = [9; 32];

fn metainfo() -> Arc<crate::metainfo::Metainfo> {
    let info = b"d6:lengthi40000e4:name5:thing12:piece lengthi32768e6:pieces40:0123456789012345678901234567890123456789e";
    let trackers = vec![vec!["udp://192.0.2.1:80/announce".into()]];
    Arc::new(crate::metainfo::Metainfo::from_info(info, trackers).expect("a torrent"))
}

fn peer() -> SocketAddr {
    "198.51.100.7:6881".parse().expect("an address")
}

fn torrent() -> AddTorrent {
    AddTorrent {
        peers: vec![peer()],
        extra_trackers: vec![vec!["http://tracker.example/announce".into()]],
        ..AddTorrent::new(
            metainfo(),
            crate::disk::Root(b"/tmp/x".as_slice().into()),
            Purpose::Download,
        )
    }
}

/// One event of every kind, and of every answer.
fn events() -> Vec<Event<'static>> {
    let (c1, a1) = (ConnId::dialled(1), ConnId::accepted(1));
    let done = |op, result| Event::DiskDone { op: OpId(op), result };
    let fail = DiskError {
        fault: DiskFault::Full,
        text: "no space".into(),
    };
    let closed = |cause| Event::Closed { conn: c1, cause };
    vec![
        Event::Command(Command::Add(Box::new(torrent()))),
        done(
            1,
            Ok(DiskDone::Opened {
                files: vec![None],
                resume: Some(vec![1, 2, 3]),
            }),
        ),
        done(2, Ok(DiskDone::Saved)),
        done(3, Ok(DiskDone::Prepared)),
        done(3, Ok(DiskDone::Digests(vec![[3; 20]]))),
        done(4, Ok(DiskDone::Synced { files: vec![None] })),
        done(6, Ok(DiskDone::Closed)),
        done(9, Ok(DiskDone::Written)),
        done(7, Ok(DiskDone::Read(vec![0; 5].into()))),
        done(8, Ok(DiskDone::Hash([8; 20]))),
        done(1, Err(fail)),
        Event::Tick,
        Event::Accepted {
            conn: a1,
            from: peer(),
        },
        Event::Connected { conn: c1 },
        Event::Received {
            conn: a1,
            data: b"\x13BitTorrent protocol",
        },
        Event::Sent { conn: c1, bytes: 68 },
        Event::Datagram {
            from: peer(),
            data: b"1234",
        },
        Event::Multicast {
            group: crate::lsd::Group::V6,
            from: peer(),
            data: b"BT-SEARCH",
        },
        Event::DatagramError {
            to: peer(),
            fault: DatagramFault::Refused,
        },
        Event::Resolved {
            op: OpId(4),
            result: Ok(vec![peer().ip()]),
        },
        Event::Resolved {
            op: OpId(5),
            result: Err(LookupError("no such name".into())),
        },
        closed(CloseCause::Tls(TlsFault::Expired)),
        closed(CloseCause::Other("odd".into())),
        Event::NetworkChanged,
        Event::Command(Command::ProbeTracker(Box::new(ProbeTracker {
            url: "udp://192.0.2.1:80".into(),
            metainfo: metainfo(),
            scrape: true,
            timeout: Duration::from_secs(3),
        }))),
        Event::Command(Command::Shutdown),
    ]
}

/// Runs an engine over events a second apart, with a journal.
fn record(events: &[Event<'static>]) -> Vec<u8> {
    let mut engine = Engine::new(Config::default(), SEED);
    let header = Header::new(Config::default(), &Seeds::Root(SEED), "abc", "test");
    let mut writer = Writer::new(&header);
    let mut bytes = Vec::new();
    for (n, event) in events.iter().enumerate() {
        let now = Instant::from_secs(n as u64 + 1);
        writer.step(&mut engine, now, event.clone());
        // where it is carried away must not matter
        if n % 3 == 0 {
            bytes.extend_from_slice(writer.ready());
            writer.carried();
        }
    }
    writer.finish(&engine);
    bytes.extend_from_slice(writer.ready());
    bytes
}

fn replay(journal: &Journal<'_>) -> Result<(), (u64, Mismatch)> {
    Replay::new(journal, false).run()
}

#[test]
fn every_event_comes_back_and_does_the_same() {
    let events = events();
    let bytes = record(&events);
    let journal = Journal::read(&bytes).expect("a journal");
    assert!(journal.is_whole());
    assert_eq!(
        (journal.header().what.as_str(), journal.header().commit.as_str()),
        ("test", "abc")
    );
    assert_eq!(journal.duration(), Instant::from_secs(events.len() as u64));
    let mut steps = journal.steps();
    for event in &events {
        let step = steps.next().expect("a step");
        if let (Event::Command(Command::Add(one)), Event::Command(Command::Add(other))) = (event, &step.event)
        {
            assert_eq!(one.source.info_hash(), other.source.info_hash());
            assert_eq!((&one.peers, &one.root), (&other.peers, &other.root));
        } else if !matches!(event, Event::Command(Command::ProbeTracker(_))) {
            assert_eq!(&step.event, event);
        }
    }
    assert_eq!(journal.steps_count(), events.len() as u64);
    assert_eq!(replay(&journal), Ok(()));
}

#[test]
fn an_engine_that_acts_otherwise_is_found_at_its_step() {
    let mut engine = Engine::new(Config::default(), SEED);
    let header = Header::new(Config::default(), &Seeds::Root(SEED), "abc", "test");
    let mut writer = Writer::new(&header);
    for (n, event) in events().iter().enumerate() {
        let now = Instant::from_secs(n as u64 + 1);
        engine.handle(now, event.clone());
        writer.event(now, event, &engine);
        while let Some(action) = engine.poll_action() {
            // this engine connects to nobody
            if !matches!(action, Action::Connect { .. }) {
                writer.action(&action);
            }
        }
    }
    writer.finish(&engine);
    let journal = Journal::read(writer.ready()).expect("a journal");
    let step = replay(&journal).err().map(|(step, _)| step);
    assert_eq!(step, Some(4), "the files are there, so the peer is dialled");
}

#[test]
fn what_was_cut_off_is_said_and_the_rest_replays() {
    let bytes = record(&events());
    let whole = Journal::read(&bytes).expect("a journal").steps_count();
    for length in 0..bytes.len() {
        match Journal::read(&bytes[..length]) {
            Ok(journal) => {
                assert!(!journal.is_whole() && journal.steps_count() <= whole, "{length}");
                assert_eq!(replay(&journal), Ok(()), "{length}");
            }
            Err(error) => assert!(
                matches!(error, JournalError::NotAJournal | JournalError::NoHeader),
                "{length}: {error}"
            ),
        }
    }
}

#[test]
fn every_changed_byte_is_seen() {
    let bytes = record(&events());
    for at in 0..bytes.len() {
        for flip in [1, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[at] ^= flip;
            match Journal::read(&changed) {
                Err(error) => assert!(!error.to_string().is_empty()),
                // a length that reaches behind the end looks like a cut
                Ok(journal) => assert!(!journal.is_whole(), "byte {at}"),
            }
        }
    }
}

#[test]
fn another_format_is_refused_with_its_number() {
    let mut bytes = record(&[Event::Tick]);
    bytes[8] = 77;
    assert_eq!(Journal::read(&bytes).map(|_| ()), Err(JournalError::Version(77)));
    assert_eq!(
        Journal::read(b"d8:announce").map(|_| ()),
        Err(JournalError::NotAJournal)
    );
    let mut bytes = record(&[Event::Tick]);
    bytes.push(0);
    assert_eq!(Journal::read(&bytes).map(|_| ()), Err(JournalError::Trailing(1)));
}
