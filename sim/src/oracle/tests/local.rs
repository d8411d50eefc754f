//! Announces to the local network that are made wrongly.

use super::*;
use seedbed_engine::lsd::Group;

/// An announce of the torrent as it should be, changed.
fn tells(story: &mut Story, change: impl FnOnce(String) -> String) {
    let hash = story.sample.metainfo.info_hash;
    let port = story.watch.setup.config.listen_port;
    let text = format!(
        "BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\nPort: {port}\r\nInfohash: {hash}\r\ncookie: c\r\n\r\n\r\n"
    );
    story.action(Action::Multicast {
        group: Group::V4,
        data: change(text).into_bytes(),
    });
}

#[test]
fn announces_once_a_minute_break_nothing() {
    let mut story = Story::new();
    tells(&mut story, |text| text);
    story.pass(60);
    story.event(&Event::Tick);
    tells(&mut story, |text| text);
    assert_eq!(story.watch.verdicts.breaches, []);
    assert_eq!(story.watch.verdicts.held(Oracle::I40), 2);
}

#[test]
fn announces_have_their_form_and_their_time() {
    let wrong = |from: &'static str, to: &'static str| {
        breaks(Oracle::I40, |story| tells(story, |text| text.replace(from, to)));
    };
    wrong("cookie: c\r\n", "");
    wrong("Port: ", "Port: 1");
    wrong("239.192.152.143", "239.192.152.144");
    wrong("BT-SEARCH", "M-SEARCH");
    wrong("Infohash: ", "Infohash: 0");
    breaks(Oracle::I40, |story| {
        tells(story, |text| text);
        story.pass(59);
        story.event(&Event::Tick);
        tells(story, |text| text);
    });
}

#[test]
fn nothing_private_is_told() {
    breaks(Oracle::I24, |story| tells(story, |text| text));
}
