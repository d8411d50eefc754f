//! Every operation of a disk fails: a run counts them, and then each fails once, or it and what follows for a minute.
//!
//! The worlds fetch 40 pieces: onto an empty disk, onto one with half of them and no saved state, and from a link with one
//! of three files wanted first. One peer fetches from us, and one sends a wrong block. Nobody restarts the engine, and no
//! user says anything: what is demanded is that it goes on by itself, soon after the cause is gone.

use super::{Driver, Failure, Options, build};
use crate::host::{EngineHost, Point, PointFault, TORRENT};
use crate::scenario::kdl;
use crate::world::ActorId;
use seedbed_engine::id::PieceIndex;
use seedbed_engine::time::{Duration, Instant};

/// Pieces of each world.
pub const PIECES: u32 = 40;

/// What is not over by then does not end.
const LIMIT: Duration = Duration::from_secs(900);

/// A world whose disk fails.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Disk {
    /// Nothing is there.
    Empty,
    /// Half of the pieces are there, and no saved state.
    Half,
    /// Nothing is there, it begins with a link, and one file is wanted first.
    Link,
}

impl Disk {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Empty, Self::Half, Self::Link];

    fn text(self) -> String {
        let own = match self {
            Self::Empty | Self::Half => PLAIN,
            Self::Link => LINK,
        };
        own.to_owned() + OTHERS
    }
}

/// Who else is in each of them.
const OTHERS: &str = r#"tracker "t0" udp
peer "p0" seed up="2kB/s"
peer "p1" seed up="2kB/s"
peer "p2" leech
peer "bad" seed up="2kB/s" {
    corrupts-one-block block=0 times=1
}
"#;

const PLAIN: &str = r#"scenario "disk points" version=1 seed=7
torrent pieces=40 blocks=4 block=64 short=30 files=3
engine "eng" resume-interval="1s" pipeline-max=4
"#;

const LINK: &str = r#"scenario "disk points of a link" version=1 seed=7
torrent pieces=40 blocks=4 block=64 short=30 files=3
magnet piece=256
engine "eng" resume-interval="1s" pipeline-max=4 {
    select waits=#true file=1 for="1500ms"
}
"#;

/// What a run came to.
#[derive(Clone, Debug, Default)]
pub struct Ended {
    /// Kinds of the operations, if they were kept.
    pub operations: Vec<&'static str>,
    /// How many of the points began.
    pub fired: usize,
    /// When it was complete.
    pub complete_at: Option<Instant>,
    /// When the last cause was gone.
    pub gone_at: Option<Instant>,
    /// Payload that came, in bytes.
    pub received: u64,
    /// What did not hold.
    pub failure: Option<String>,
}

/// A run whose disk fails at these points, and whether its operations are kept.
pub fn run(disk: Disk, points: &[Point], keep: bool) -> Ended {
    let scenario = kdl::parse(&disk.text()).expect("it is written here");
    let mut world = build(&scenario).expect("it is a world");
    let id = world.find("eng").expect("it is written here");
    if let Some(host) = world.actor_mut::<EngineHost>(id) {
        if disk == Disk::Half {
            fill_half(host);
        }
        for point in points {
            host.disk_mut().plan_point(*point);
        }
        if keep {
            host.disk_mut().keep_operations();
        }
    }
    let mut driver = Driver::new(&scenario, world, &Options::default());
    driver.rely();
    let limit = Instant::START + LIMIT;
    while driver.failure.is_none() && driver.world.now < limit && !done(&driver, id) {
        driver.steps(1);
    }
    let mut ended = Ended {
        complete_at: done(&driver, id).then_some(driver.world.now),
        ..Ended::default()
    };
    if ended.complete_at.is_none() {
        ended.failure = Some(stuck(&driver, id));
    }
    driver.shut_down();
    driver.at_the_end();
    if let Some(Failure { oracle, text, at, .. }) = &driver.failure {
        ended.failure = Some(format!("{oracle} at {at}: {text}"));
    }
    let Some(host) = driver.world.actor::<EngineHost>(id) else {
        return ended;
    };
    let over = host.disk().points_over(driver.world.now);
    ended.gone_at = over.0;
    ended.fired = host.disk().points_begun();
    ended.operations = host.disk().operations().to_vec();
    ended.received = host.payload().0;
    let before = over
        .0
        .is_none_or(|gone| ended.complete_at.is_some_and(|at| gone <= at));
    if ended.failure.is_none() && before && !host.disk().holds_durably(host.sample()) {
        ended.failure = Some("what was shut down in peace is not durable".into());
    }
    ended
}

/// Everybody is complete, with all of it at the system.
fn done(driver: &Driver, id: ActorId) -> bool {
    let host = driver.world.actor::<EngineHost>(id);
    host.is_some_and(EngineHost::is_complete) && driver.all_complete()
}

fn stuck(driver: &Driver, id: ActorId) -> String {
    let host = driver.world.actor::<EngineHost>(id);
    let torrent = host
        .and_then(EngineHost::engine)
        .and_then(|engine| engine.torrent(TORRENT));
    let status = torrent.map(|torrent| torrent.status(driver.world.now));
    status.map_or_else(
        || "it is gone".into(),
        |status| {
            format!(
                "not complete: {} pieces, {:?}, {} peers",
                status.pieces_have, status.state, status.peers
            )
        },
    )
}

/// Every second piece is right, the others are zeros.
fn fill_half(host: &mut EngineHost) {
    let sample = host.sample().clone();
    let mut content = sample.content.to_vec();
    for piece in (0..sample.pieces()).step_by(2).map(PieceIndex) {
        content[sample.range_of(piece)].fill(0);
    }
    for file in sample.metainfo.layout.files().iter().filter(|file| !file.pad) {
        let bytes = file.offset as usize..(file.offset + file.length) as usize;
        host.disk_mut().files.put(&file.path, content[bytes].to_vec());
    }
}

/// Every point of a world: an operation and what it can fail with.
pub fn points(operations: &[&'static str]) -> Vec<(u64, PointFault)> {
    let all = (0..).zip(operations);
    let of = |(n, kind): (u64, &&'static str)| {
        let kind = *kind;
        PointFault::ALL
            .into_iter()
            .filter(move |fault| fault.fits(kind))
            .map(move |fault| (n, fault))
    };
    all.flat_map(of).collect()
}
