//! What planted bugs have shown to be missing: stories in which an engine does what a mutant of tests/mutants does.

use super::*;
use seedbed_engine::session::End;

/// A choking round and more, without a word.
fn wait(story: &mut Story, seconds: u64) {
    story.pass(seconds);
    story.event(&Event::Tick);
    story.watch.lasts_too_long();
}

/// A request for a connection id, transaction 5 (BEP 15).
fn connect(story: &mut Story) {
    let mut data = vec![0; 16];
    data[15] = 5;
    story.action(Action::Datagram { to: tracker(), data });
}

#[test]
fn the_last_block_is_asked_for_as_long_as_it_is() {
    let check = |length: u32, fits: bool| {
        let mut story = Story::new();
        story.watch.setup = Setup {
            content: story.sample.content[..500].into(),
            ..(*story.watch.setup).clone()
        }
        .into();
        let last = BlockRange {
            length,
            ..block(3, 1)
        };
        assert_eq!(story.watch.is_block(last), fits, "{length} bytes");
    };
    check(52, true);
    check(64, false);
    check(51, false);
}

#[test]
fn peers_hear_of_us_before_they_take_us_for_dead() {
    breaks(Oracle::I41, |story| {
        let conn = story.connect(1);
        wait(story, 99);
        story.say(conn, &Message::KeepAlive);
        wait(story, 101);
        assert_eq!(story.watch.verdicts.breaches, []);
        wait(story, 1);
    });
}

#[test]
fn the_optimistic_slot_goes_round_while_somebody_waits() {
    breaks(Oracle::I15, |story| {
        story.report(Report::State {
            torrent: TORRENT,
            state: TorrentState::Downloading,
        });
        let (served, waiting) = (story.connect(1), story.connect(2));
        for conn in [served, waiting] {
            story.tell(conn, &Message::HaveNone);
            story.tell(conn, &Message::Interested);
        }
        story.say(served, &Message::Unchoke);
        wait(story, 50);
        assert_eq!(story.watch.verdicts.breaches, []);
        story.say(served, &Message::KeepAlive);
        story.say(waiting, &Message::KeepAlive);
        wait(story, 12);
    });
}

#[test]
fn a_choke_refuses_what_it_drops() {
    let choked = |story: &mut Story| {
        let conn = story.connect(1);
        story.say(conn, &Message::Unchoke);
        story.hash(0, true);
        story.tell(conn, &Message::Request(block(0, 0)));
        story.say(conn, &Message::Choke);
        conn
    };
    breaks(Oracle::I42, |story| {
        choked(story);
    });
    let mut story = Story::new();
    let conn = choked(&mut story);
    story.say(conn, &Message::Reject(block(0, 0)));
    story.watch.judge_step();
    assert_eq!(story.watch.verdicts.breaches, []);
    assert_eq!(story.watch.verdicts.held(Oracle::I42), 1);
}

#[test]
fn a_sleep_lets_nobody_seem_dead() {
    breaks(Oracle::I25, |story| {
        let conn = story.connect(1);
        story.watch.wakes_at = Some(Instant::from_secs(100));
        story.pass(3600);
        story.watch.slept(story.now);
        story.event(&Event::Tick);
        story.action(Action::Close {
            conn,
            reason: CloseReason::Peer(End::Silent),
        });
    });
}

#[test]
fn a_tracker_answers_by_datagrams_of_its_own() {
    let ok = |story: &mut Story| {
        story.report(Report::TrackerOk {
            torrent: TORRENT,
            url: "udp://192.0.2.1:6969/announce".into(),
            seeders: None,
            leechers: None,
            peers: 0,
            next: Instant::START,
            warning: None,
        });
    };
    let answer = |story: &mut Story, transaction: u8| {
        let mut data = [0; 20];
        data[3] = 1;
        data[7] = transaction;
        let from = tracker();
        story.event(&Event::Datagram { from, data: &data });
    };
    // a connection id of zeros
    let begin = |story: &mut Story| {
        connect(story);
        let from = tracker();
        story.event(&Event::Datagram {
            from,
            data: &[0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0],
        });
    };
    breaks(Oracle::I21, |story| {
        begin(story);
        story.announce(2, 512);
        answer(story, 9);
        ok(story);
    });
    let mut story = Story::new();
    begin(&mut story);
    story.announce(2, 512);
    answer(&mut story, 0);
    ok(&mut story);
    assert_eq!(story.watch.verdicts.breaches, []);
}

#[test]
fn a_link_is_given_up_only_if_it_leads_to_no_torrent() {
    let story = |broken: bool| {
        let mut story = Story::new();
        story.watch.setup = Setup {
            broken,
            ..(*story.watch.setup).clone()
        }
        .into();
        for state in [
            TorrentState::Metadata,
            TorrentState::Failed { text: String::new() },
        ] {
            story.report(Report::State {
                torrent: TORRENT,
                state,
            });
        }
        story.watch.verdicts.breaches.first().map(|breach| breach.oracle)
    };
    assert_eq!((story(false), story(true)), (Some(Oracle::I38), None));
}

#[test]
fn waits_for_a_udp_tracker_grow() {
    breaks(Oracle::I22, |story| {
        for wait in [0, 15, 15] {
            story.pass(wait);
            connect(story);
        }
    });
}

#[test]
fn a_check_finds_what_is_there() {
    let found = |writing: bool| {
        let mut story = Story::new();
        if writing {
            story.write(block(0, 0));
        }
        story.report(Report::State {
            torrent: TORRENT,
            state: TorrentState::Checking,
        });
        story.report(Report::Checked {
            torrent: TORRENT,
            have: 2,
            bad: vec![PieceIndex(1)],
            missing: vec![PieceIndex(3)],
        });
        story.watch.not_found
    };
    assert_eq!(
        found(false),
        [PieceIndex(1), PieceIndex(3)],
        "the disk is looked at"
    );
    assert_eq!(found(true), [], "what is being written may come in between");
}

#[test]
fn metadata_is_asked_for_only_in_sizes_that_are_fetched() {
    let ask = |size: u32| {
        let mut story = Story::new();
        let conn = story.connect(1);
        let extended = |id: u8, text: String| Message::Extended {
            id,
            payload: text.into_bytes(),
        };
        story.tell(
            conn,
            &extended(0, format!("d1:md11:ut_metadatai3ee13:metadata_sizei{size}ee")),
        );
        story.say(conn, &extended(3, "d8:msg_typei0e5:piecei0ee".into()));
        story.watch.verdicts.breaches.first().map(|breach| breach.oracle)
    };
    let most = Config::default().metadata.size_max;
    assert_eq!([ask(most), ask(most + 1)], [None, Some(Oracle::I38)]);
}

#[test]
fn small_blocks_wait_for_room_as_large_ones_do() {
    breaks(Oracle::I18, |story| {
        story.watch.setup = Setup {
            config: Config {
                send_buffer_max: 1024,
                ..story.watch.setup.config.clone()
            },
            ..(*story.watch.setup).clone()
        }
        .into();
        let conn = story.connect(1);
        story.say(conn, &Message::Unchoke);
        story.hash(0, true);
        for _ in 0..200 {
            story.tell(conn, &Message::Request(block(0, 0)));
            story.serve(conn, block(0, 0));
        }
    });
}
