//! L3, L6, L7, L9: engines that forget their trackers, their peers, their disk, and what they owe to a new network.

use super::*;
use seedbed_engine::disk::{DiskError, DiskFault};
use seedbed_engine::session::End;

/// The back-offs of an engine, its answers and its dials: nothing of that takes a day.
const DAY: u64 = 86_400;

fn around() -> Surroundings {
    Surroundings {
        trackers: vec![tracker().ip()],
        interval: Duration::from_secs(1800),
        ..Surroundings::default()
    }
}

fn disk_failed(retry_at: Option<Instant>) -> TorrentState {
    let error = DiskError {
        fault: DiskFault::Full,
        text: "no space".into(),
    };
    TorrentState::DiskFailed { error, retry_at }
}

impl Story {
    fn enters(&mut self, state: TorrentState) {
        self.report(Report::State {
            torrent: TORRENT,
            state,
        });
    }

    /// A torrent that downloads in a world without faults.
    fn heals(&mut self) {
        self.enters(TorrentState::Downloading);
        self.watch.healed(self.now, around());
    }

    fn loses(&mut self, conn: ConnId) {
        self.event(&Event::Closed {
            conn,
            cause: CloseCause::Reset,
        });
    }

    fn asks_tracker(&mut self) {
        self.action(Action::Datagram {
            to: tracker(),
            data: vec![0; 16],
        });
    }

    /// Something happens after so long.
    fn passes(&mut self, seconds: u64) {
        self.pass(seconds);
        self.event(&Event::Tick);
    }

    /// Nothing happens for so long.
    fn waits(&mut self, seconds: u64) {
        self.pass(seconds);
        self.watch.out_of_time(self.now);
    }

    fn fails_disk(&mut self) {
        let at = self.now + self.watch.setup.config.disk_retry;
        self.enters(disk_failed(Some(at)));
    }
}

/// Nothing is broken, and so many debts were paid.
#[track_caller]
fn keeps(oracle: Oracle, times: u64, tell: impl FnOnce(&mut Story)) {
    let mut story = Story::new();
    tell(&mut story);
    assert_eq!(story.watch.verdicts.breaches, []);
    assert_eq!(story.watch.verdicts.held(oracle), times);
}

#[test]
fn a_tracker_is_not_forgotten() {
    breaks(Oracle::L3, |story| {
        story.heals();
        story.waits(DAY);
    });
    breaks(Oracle::L3, |story| {
        story.heals();
        story.asks_tracker();
        story.waits(DAY);
    });
    breaks(Oracle::L3, |story| {
        story.heals();
        story.passes(DAY);
        story.asks_tracker();
    });
    // a paused torrent owes nothing, and nobody owes anything to a tracker that may be hidden
    keeps(Oracle::L3, 1, |story| {
        story.heals();
        story.passes(3600);
        story.asks_tracker();
        story.event(&Event::Command(Command::Pause(TORRENT)));
        story.waits(DAY);
    });
    keeps(Oracle::L3, 0, |story| {
        story.enters(TorrentState::Downloading);
        story.watch.healed(story.now, Surroundings::default());
        story.waits(DAY);
    });
}

#[test]
fn a_peer_is_dialled_again() {
    breaks(Oracle::L6, |story| {
        let conn = story.connect(1);
        story.heals();
        story.asks_tracker();
        story.loses(conn);
        story.waits(600);
    });
    breaks(Oracle::L6, |story| {
        story.event(&Event::Command(Command::AddPeer(TORRENT, peer(2))));
        story.heals();
        story.waits(600);
    });
    keeps(Oracle::L6, 1, |story| {
        let conn = story.connect(1);
        story.heals();
        story.loses(conn);
        story.passes(60);
        story.connect(2);
        story.waits(600);
    });
    // after three failures in a row an address is given up, until somebody names it again
    keeps(Oracle::L6, 2, |story| {
        story.heals();
        for n in 1..=3 {
            let conn = ConnId::dialled(n);
            story.action(Action::Connect {
                conn,
                to: peer(1),
                tls: None,
            });
            story.loses(conn);
        }
        story.waits(600);
    });
}

#[test]
fn a_ban_ends() {
    let banned = |story: &mut Story, seconds: u64| {
        story.report(Report::Banned {
            torrent: TORRENT,
            ip: peer(2).ip(),
            why: BanReason::SoleSource { piece: PieceIndex(0) },
        });
        story.passes(seconds);
        let conn = ConnId::accepted(1);
        let from = peer(2);
        story.event(&Event::Accepted { conn, from });
        story.action(Action::Close {
            conn,
            reason: CloseReason::Peer(End::Banned),
        });
    };
    breaks(Oracle::L6, |story| banned(story, DAY));
    breaks(Oracle::L6, |story| {
        let conn = story.connect(3);
        let reason = CloseReason::Peer(End::Banned);
        story.action(Action::Close { conn, reason });
    });
    let mut story = Story::new();
    banned(&mut story, DAY - 1);
    story.watch.judge_step();
    assert_eq!(story.watch.verdicts.breaches, []);
}

#[test]
fn a_disk_that_works_again_is_used() {
    breaks(Oracle::L7, |story| {
        story.fails_disk();
        story.waits(200);
    });
    breaks(Oracle::L7, |story| {
        story.watch.disk_is(story.now, false);
        story.fails_disk();
        story.waits(1000);
        story.watch.disk_is(story.now, true);
        story.waits(200);
    });
    breaks(Oracle::L7, |story| {
        story.enters(disk_failed(None));
        story.waits(1000);
        story.event(&Event::Command(Command::Resume(TORRENT)));
        story.waits(200);
    });
    keeps(Oracle::L7, 1, |story| {
        story.watch.disk_is(story.now, false);
        story.fails_disk();
        story.waits(1000);
        story.watch.disk_is(story.now, true);
        story.passes(30);
        story.enters(TorrentState::Opening);
        // who waits for the user does so for as long as the user likes
        story.enters(disk_failed(None));
        story.waits(1000);
    });
}

#[test]
fn a_new_network_is_used() {
    breaks(Oracle::L9, |story| {
        let conn = story.connect(1);
        story.enters(TorrentState::Downloading);
        story.event(&Event::NetworkChanged);
        story.action(Action::Close {
            conn,
            reason: CloseReason::Peer(End::NetworkChanged),
        });
        story.waits(60);
    });
    keeps(Oracle::L9, 1, |story| {
        story.connect(1);
        story.enters(TorrentState::Downloading);
        story.event(&Event::NetworkChanged);
        story.connect(2);
        story.waits(60);
    });
    // nobody is known
    keeps(Oracle::L9, 0, |story| {
        story.enters(TorrentState::Downloading);
        story.event(&Event::NetworkChanged);
        story.waits(60);
    });
}

#[test]
fn decisions_are_told_apart_by_number_and_not_by_size() {
    let after = |tell: &dyn Fn(&mut Story, ConnId)| {
        let mut story = Story::new();
        let conn = story.connect(1);
        tell(&mut story, conn);
        story.watch.decisions()
    };
    let asks =
        |piece, n| after(&move |story: &mut Story, conn| story.say(conn, &Message::Request(block(piece, n))));
    assert_eq!(asks(0, 1), asks(0, 1));
    assert_ne!(asks(0, 1), asks(0, 0));
    assert_ne!(asks(0, 1), asks(1, 1));
    let choked = after(&|story, conn| story.say(conn, &Message::Choke));
    let unchoked = after(&|story, conn| story.say(conn, &Message::Unchoke));
    assert_ne!(choked, unchoked);
    let told = |left| after(&move |story: &mut Story, _| story.announce(2, left));
    assert_eq!(told(512), told(256));
}
