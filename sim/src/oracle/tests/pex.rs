//! Peers that are exchanged wrongly.

use super::*;

/// Two peers, of whom the first takes peer exchange under id 5.
fn two(story: &mut Story) -> ConnId {
    let conn = story.connect(1);
    let payload = b"d1:md6:ut_pexi5eee".to_vec();
    story.tell(conn, &Message::Extended { id: 0, payload });
    story.connect(2);
    conn
}

/// A message of one list with these peers.
fn exchange(story: &mut Story, conn: ConnId, list: &str, peers: &[u8]) {
    let mut payload = format!("d{}:{list}{}:", list.len(), peers.len() * 6).into_bytes();
    peers
        .iter()
        .for_each(|peer| payload.extend([45, 0, 0, *peer, 0x1a, 0xe1]));
    payload.push(b'e');
    story.say(conn, &Message::Extended { id: 5, payload });
}

fn later(story: &mut Story, seconds: u64) {
    story.pass(seconds);
    story.event(&Event::Tick);
}

#[test]
fn peers_that_are_exchanged_rightly_break_nothing() {
    let mut story = Story::new();
    let conn = two(&mut story);
    exchange(&mut story, conn, "added", &[2]);
    later(&mut story, 60);
    exchange(&mut story, conn, "dropped", &[2]);
    assert_eq!(story.watch.verdicts.breaches, []);
    assert_eq!(story.watch.verdicts.held(Oracle::I39), 2);
}

#[test]
fn peers_are_exchanged_by_the_rules() {
    breaks(Oracle::I39, |story| {
        let conn = two(story);
        exchange(story, conn, "added", &[2]);
        later(story, 59);
        exchange(story, conn, "dropped", &[2]);
    });
    for (list, peers) in [
        ("added", &[3][..]),
        ("added", &[1]),
        ("added", &[]),
        ("dropped", &[2]),
    ] {
        breaks(Oracle::I39, |story| {
            let conn = two(story);
            exchange(story, conn, list, peers);
        });
    }
    breaks(Oracle::I39, |story| {
        let conn = two(story);
        exchange(story, conn, "added", &[2]);
        later(story, 60);
        exchange(story, conn, "added", &[2]);
    });
    breaks(Oracle::I39, |story| {
        let conn = two(story);
        exchange(story, conn, "added", &[2; 201]);
    });
}
