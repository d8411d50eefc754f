//! Downloads that wait for their turn.

use seedbed_engine::disk::{DiskDone, DiskJob};
use seedbed_engine::id::TorrentId;
use seedbed_engine::time::Instant;
use seedbed_engine::{Action, Command, Config, Engine, Event, Limits, Purpose, TorrentState};
use tests::world::{Sample, World};

/// Adds torrents to an engine that works on one at a time, and answers what it asks of storage.
struct Line {
    engine: Engine,
    now: Instant,
}

impl Line {
    fn new(torrents: usize) -> Self {
        let config = Config {
            active_max: Some(1),
            ..Config::default()
        };
        let mut line = Self {
            engine: Engine::new(config, [5; 32]),
            now: Instant::START,
        };
        for n in 0..torrents {
            let sample = Sample::single(10_000 + n, 16_384, &[]);
            let add = World::add_torrent(&sample.metainfo, Purpose::Download);
            line.command(Command::Add(Box::new(add)));
        }
        line
    }

    fn command(&mut self, command: Command) {
        self.engine.handle(self.now, Event::Command(command));
        self.answer();
    }

    fn answer(&mut self) {
        while let Some(action) = self.engine.poll_action() {
            let Action::Disk { op, job, .. } = action else {
                continue;
            };
            let done = match job {
                DiskJob::Open { layout, .. } => DiskDone::Opened {
                    files: vec![None; layout.files().len()],
                    resume: None,
                },
                DiskJob::Arrange { .. } => DiskDone::Arranged,
                DiskJob::Prepare => DiskDone::Prepared,
                DiskJob::Sync => DiskDone::Synced { files: vec![None] },
                DiskJob::SaveResume { .. } => DiskDone::Saved,
                DiskJob::Close => DiskDone::Closed,
                other => panic!("nothing was fetched: {other:?}"),
            };
            self.engine
                .handle(self.now, Event::DiskDone { op, result: Ok(done) });
        }
    }

    /// A letter a torrent: downloading, queued, paused, gone.
    fn states(&self, torrents: u32) -> String {
        let letter = |id| match self.engine.torrent(TorrentId(id)).map(|view| view.state()) {
            Some(TorrentState::Downloading) => 'd',
            Some(TorrentState::Queued) => 'q',
            Some(TorrentState::Paused) => 'p',
            Some(other) => panic!("{other}"),
            None => '-',
        };
        (1..=torrents).map(letter).collect()
    }
}

#[test]
fn downloads_begin_in_their_order_when_a_place_is_free() {
    let mut line = Line::new(4);
    assert_eq!(line.states(4), "dqqq");
    line.command(Command::Pause(TorrentId(1)));
    assert_eq!(line.states(4), "pdqq");
    line.command(Command::Remove(TorrentId(2)));
    assert_eq!(line.states(4), "p-dq");
    // who was paused goes on beside the others
    line.command(Command::Resume(TorrentId(1)));
    assert_eq!(line.states(4), "d-dq");
    line.command(Command::SetLimits(Limits {
        active: Some(3),
        ..Limits::default()
    }));
    assert_eq!(line.states(4), "d-dd");
}

#[test]
fn what_is_queued_can_be_removed_and_ends_with_the_rest() {
    let mut line = Line::new(3);
    line.command(Command::Remove(TorrentId(2)));
    assert_eq!(line.states(3), "d-q");
    line.command(Command::Shutdown);
    assert_eq!(line.states(3), "---");
}
