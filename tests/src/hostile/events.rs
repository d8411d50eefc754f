//! The engine as a reader of events: any events in any order, most of them such as make sense.
//!
//! It never panics, its actions do not depend on when they are taken, a copy that is made half-way does the same, and a
//! deadline moves when its tick comes.

use crate::world::{Pending, Sample, World, small_config};
use core::net::SocketAddr;
use quickcheck::{Arbitrary, Gen};
use seedbed_engine::block::Block;
use seedbed_engine::disk::{DiskDone, DiskError, DiskFault, DiskJob, FileStamp};
use seedbed_engine::geometry::BlockRange;
use seedbed_engine::id::{ConnId, OpId, PeerId, PieceIndex, TorrentId};
use seedbed_engine::net::{CloseCause, DatagramFault, LookupError};
use seedbed_engine::time::Instant;
use seedbed_engine::wire::{Handshake, Message, Reserved};
use seedbed_engine::{Action, Command, Engine, Event, Limits, Purpose};

/// Most steps that are read of one input: the time of a run grows with their square, since all is compared at the end.
const STEPS_MAX: usize = 2_000;

/// What a step is about: a number to choose by, and bytes to fill in.
#[derive(Clone, Debug)]
pub struct Step {
    kind: u8,
    pick: u32,
    wait_ms: u32,
    bytes: Vec<u8>,
}

impl Step {
    /// The next step of an input: kind, pick (four bytes, little endian), wait (two), length, and so many bytes.
    fn read(input: &mut &[u8]) -> Option<Self> {
        let (head, rest) = input.split_first_chunk::<8>()?;
        let [kind, a, b, c, d, low, high, length] = *head;
        let (bytes, rest) = rest.split_at(rest.len().min(length.into()));
        *input = rest;
        let wait = u32::from(u16::from_le_bytes([low, high]));
        Some(Self {
            kind,
            pick: u32::from_le_bytes([a, b, c, d]),
            // a wait of up to nine minutes now and then, else of up to 0.3 s
            wait_ms: if wait.is_multiple_of(8) {
                wait * 8
            } else {
                wait % 300
            },
            bytes: bytes.to_vec(),
        })
    }
}

/// Reads steps, and runs them.
///
/// # Panics
/// When a promise is broken.
pub fn run(mut bytes: &[u8]) {
    let steps = core::iter::from_fn(|| Step::read(&mut bytes)).take(STEPS_MAX);
    play(&steps.collect::<Vec<_>>());
}

impl Arbitrary for Step {
    fn arbitrary(g: &mut Gen) -> Self {
        let long = u8::arbitrary(g).is_multiple_of(8);
        let wait = u32::arbitrary(g);
        Self {
            kind: u8::arbitrary(g),
            pick: u32::arbitrary(g),
            wait_ms: if long { wait % 200_000 } else { wait % 300 },
            bytes: Vec::arbitrary(g),
        }
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Self>> {
        Box::new(core::iter::empty())
    }
}

/// What is under way, as far as the engine has asked for it: so that many events make sense.
#[derive(Default)]
struct Known {
    conns: Vec<ConnId>,
    disk: Vec<(OpId, DiskJob)>,
    lookups: Vec<OpId>,
    accepted: u64,
}

impl Known {
    fn learn(&mut self, action: &Action) {
        match action {
            Action::Connect { conn, .. } => self.conns.push(*conn),
            Action::Disk { op, job, .. } => self.disk.push((*op, job.clone())),
            Action::Resolve { op, .. } => self.lookups.push(*op),
            Action::Close { conn, .. } => self.conns.retain(|known| known != conn),
            Action::Send { .. }
            | Action::Read { .. }
            | Action::Hold { .. }
            | Action::Datagram { .. }
            | Action::Multicast { .. }
            | Action::Report(_) => {}
        }
    }

    fn conn(&self, pick: u32) -> ConnId {
        let known = self.conns.get(pick as usize % self.conns.len().max(1)).copied();
        known
            .filter(|_| !pick.is_multiple_of(16))
            .unwrap_or(ConnId::dialled(u64::from(pick % 7)))
    }
}

fn address(pick: u32) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, (pick % 5) as u8], (pick >> 8) as u16))
}

/// A message that may well be legal.
fn message(step: &Step) -> Message {
    let piece = PieceIndex(step.pick % 9);
    let range = BlockRange {
        piece,
        begin: (step.pick >> 4) % 5 * 64,
        length: 64,
    };
    match step.bytes.first().copied().unwrap_or(0) % 16 {
        0 => Message::Choke,
        1 | 2 => Message::Unchoke,
        3 => Message::Interested,
        4 => Message::NotInterested,
        5 => Message::Have(piece),
        6 => Message::HaveAll,
        7 => Message::Bitfield(vec![0xff]),
        8 => Message::Request(range),
        9..=12 => Message::Piece {
            range,
            data: Block::from(vec![step.kind; 64]),
        },
        13 => Message::Cancel(range),
        14 => Message::Reject(range),
        _ => Message::AllowedFast(piece),
    }
}

fn encoded(message: &Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    bytes
}

/// An answer to a disk job, right or wrong.
fn answer(sample: &Sample, job: &DiskJob, step: &Step) -> Result<DiskDone, DiskError> {
    let fault = [
        DiskFault::Full,
        DiskFault::Missing,
        DiskFault::Denied,
        DiskFault::Io,
    ];
    if step.bytes.len() % 11 == 10 {
        let fault = fault[step.pick as usize % fault.len()];
        return Err(DiskError {
            fault,
            text: "planned".into(),
        });
    }
    let files = || {
        let stamp = FileStamp {
            length: u64::from(step.pick % 3_000),
            modified_ns: 1,
        };
        vec![step.pick.is_multiple_of(3).then_some(stamp)]
    };
    Ok(match job {
        DiskJob::Open { .. } => DiskDone::Opened {
            files: files(),
            resume: Some(step.bytes.clone()),
        },
        DiskJob::Arrange { .. } => DiskDone::Arranged,
        DiskJob::Prepare => DiskDone::Prepared,
        DiskJob::Write { .. } => DiskDone::Written,
        DiskJob::Read { range } => DiskDone::Read(Block::from(vec![0; range.length as usize])),
        DiskJob::Hash { piece } => {
            let right = sample.metainfo.piece_hash(*piece).expect("the piece exists");
            DiskDone::Hash(if step.pick.is_multiple_of(4) {
                [0; 20]
            } else {
                right
            })
        }
        DiskJob::Digests { .. } => DiskDone::Digests(vec![[step.kind; 20]; 4]),
        DiskJob::Sync => DiskDone::Synced { files: files() },
        DiskJob::SaveResume { .. } => DiskDone::Saved,
        DiskJob::LoadMetadata { .. } => {
            let info = sample.metainfo.info_bytes.to_vec();
            DiskDone::Metadata(step.pick.is_multiple_of(3).then_some(info))
        }
        DiskJob::SaveMetadata { .. } => DiskDone::Saved,
        DiskJob::Close => DiskDone::Closed,
    })
}

fn command(sample: &Sample, step: &Step) -> Command {
    let id = TorrentId(step.pick % 3);
    match step.pick % 12 {
        0 => Command::Remove(id),
        1 => Command::Pause(id),
        2 | 3 => Command::Resume(id),
        4 => Command::Recheck(id),
        5 => Command::Reannounce(id),
        6 => Command::SetLimits(Limits {
            slots: Some(step.pick >> 8),
            ..Limits::default()
        }),
        7 if step.kind.is_multiple_of(3) => Command::Shutdown,
        8 => Command::Fetch {
            url: "http://192.0.2.1/a.torrent".into(),
            body_max: 1_000,
        },
        9 => Command::Add(Box::new(World::add_torrent(&sample.metainfo, Purpose::Download))),
        _ => Command::AddPeer(TorrentId(1), address(step.pick)),
    }
}

fn pending(sample: &Sample, known: &mut Known, step: &Step) -> Pending {
    let event = match step.kind % 16 {
        0 => Event::Tick,
        1 => Event::Command(command(sample, step)),
        2 => {
            known.accepted += 1;
            let conn = ConnId::accepted(known.accepted);
            known.conns.push(conn);
            Event::Accepted {
                conn,
                from: address(step.pick),
            }
        }
        3 => Event::Connected {
            conn: known.conn(step.pick),
        },
        4 => {
            let cause = if step.pick.is_multiple_of(2) {
                CloseCause::Eof
            } else {
                CloseCause::Refused
            };
            Event::Closed {
                conn: known.conn(step.pick),
                cause,
            }
        }
        5 => Event::Sent {
            conn: known.conn(step.pick),
            bytes: step.pick.into(),
        },
        6 => return Pending::Datagram("127.0.0.9:6969".parse().expect("an address"), step.bytes.clone()),
        7 => Event::DatagramError {
            to: address(step.pick),
            fault: DatagramFault::Refused,
        },
        8 => {
            let op = known.lookups.pop().unwrap_or(OpId(step.pick.into()));
            Event::Resolved {
                op,
                result: Err(LookupError("planned".into())),
            }
        }
        9 => {
            let bytes = Handshake {
                reserved: Reserved::NONE.with_fast().with_extended(),
                info_hash: sample.metainfo.info_hash,
                peer_id: PeerId([(step.pick % 4) as u8; 20]),
            };
            return Pending::Received(known.conn(step.pick), bytes.encode().to_vec());
        }
        10 if step.pick.is_multiple_of(8) => Event::NetworkChanged,
        10 => return Pending::Received(known.conn(step.pick), step.bytes.clone()),
        11 | 12 => return Pending::Received(known.conn(step.pick), encoded(&message(step))),
        _ => match known.disk.pop() {
            Some((op, job)) => Event::DiskDone {
                op,
                result: answer(sample, &job, step),
            },
            None => Event::DiskDone {
                op: OpId(step.pick.into()),
                result: Ok(DiskDone::Written),
            },
        },
    };
    Pending::Event(event)
}

fn handle(engine: &mut Engine, now: Instant, pending: &Pending) {
    match pending {
        Pending::Event(event) => engine.handle(now, event.clone()),
        Pending::Received(conn, data) => engine.handle(now, Event::Received { conn: *conn, data }),
        Pending::Datagram(from, data) => engine.handle(now, Event::Datagram { from: *from, data }),
    }
}

fn drain(engine: &mut Engine) -> Vec<Action> {
    core::iter::from_fn(|| engine.poll_action()).collect()
}

/// The parts of each torrent agree, and it can say why it does not get on.
fn sound(engine: &Engine, now: Instant) -> Result<(), String> {
    for view in engine.torrents().filter_map(|id| engine.torrent(id)) {
        view.audit()?;
        if view.why(now).is_empty() {
            return Err("there is no cause at all".into());
        }
    }
    Ok(())
}

/// Runs the steps with three engines: one whose actions are taken at once, one whose actions are taken at the end, and a
/// copy that is made half-way.
///
/// # Panics
/// When they differ, or a deadline stands still.
pub fn play(steps: &[Step]) {
    let sample = Sample::single(
        2_000,
        256,
        &["udp://127.0.0.9:6969/announce", "http://tracker.test/announce"],
    );
    // taken after each event, taken at the end, and a copy that is made half-way
    let mut prompt = Engine::new(small_config(), [7; 32]);
    let mut lazy = prompt.clone();
    let mut copy = None;
    let mut known = Known::default();
    let mut now = Instant::START;
    let mut taken = Vec::new();
    let add = Event::Command(Command::Add(Box::new(World::add_torrent(
        &sample.metainfo,
        Purpose::Download,
    ))));
    let mut todo = vec![Pending::Event(add)];
    for (n, step) in steps.iter().enumerate() {
        now += core::time::Duration::from_millis(step.wait_ms.into());
        todo.push(pending(&sample, &mut known, step));
        for pending in todo.drain(..) {
            handle(&mut prompt, now, &pending);
            handle(&mut lazy, now, &pending);
            if let Some((copy, actions)) = &mut copy {
                handle(copy, now, &pending);
                let _: &mut Vec<Action> = actions;
                actions.extend(drain(copy));
            }
            let actions = drain(&mut prompt);
            actions.iter().for_each(|action| known.learn(action));
            taken.extend(actions);
        }
        assert_eq!(sound(&prompt, now), Ok(()));
        if n == steps.len() / 2 {
            copy = Some((prompt.clone(), taken.clone()));
        }
        assert_eq!(prompt.deadline(), lazy.deadline());
        if let Some((at, _)) = prompt.deadline()
            && at <= now
        {
            todo.push(Pending::Event(Event::Tick));
            for pending in todo.drain(..) {
                handle(&mut prompt, now, &pending);
                handle(&mut lazy, now, &pending);
                if let Some((copy, _)) = &mut copy {
                    handle(copy, now, &pending);
                }
            }
            assert!(
                prompt.deadline().is_none_or(|(at, _)| at > now),
                "{:?}",
                prompt.deadline()
            );
            let actions = drain(&mut prompt);
            if let Some((copy, actions)) = &mut copy {
                actions.extend(drain(copy));
            }
            actions.iter().for_each(|action| known.learn(action));
            taken.extend(actions);
        }
    }
    assert_eq!(taken, drain(&mut lazy), "when they are taken makes no difference");
    if let Some((_, actions)) = copy {
        assert_eq!(taken, actions, "a copy does the same");
    }
}
