//! One announce an address family (BEP 7).

use super::*;

#[test]
fn one_family_is_enough() {
    // the other one is refused
    let mut world = World::new();
    world.start("http://t.example/announce");
    let connects = world.resolve(&["198.51.100.1", "2001:db8::1"]);
    world
        .client
        .handle_closed(world.now, stream(&connects[1]), CloseCause::Unreachable);
    assert_eq!(
        reply(&world.answer_http(stream(&connects[0]), "d8:intervali9ee")).interval,
        Some(Duration::from_secs(9))
    );
    // the other one is silent: it is waited for a short while
    let mut world = World::new();
    world.start("http://t.example/announce");
    let connects = world.resolve(&["198.51.100.1", "2001:db8::1"]);
    world.answer_http(stream(&connects[0]), "d8:intervali9ee");
    let end = world.run_to(3_000);
    assert_eq!(
        end[0],
        ClientOutput::Close {
            stream: stream(&connects[1])
        }
    );
    reply(&end);
    assert_eq!(world.client.requests.len(), 0);
}

/// What the announces of both families say to have happened, when the tracker has acknowledged `started` over `heard`.
fn events_over(event: AnnounceEvent, heard: Families) -> Vec<(bool, String)> {
    let mut world = World::new();
    let kind = RequestKind::Announce(AnnounceParams { event, ..params() });
    let options = RequestOptions {
        heard_start: heard,
        ..RequestOptions::default()
    };
    world.start_with("http://t.example/announce", kind, options);
    let connects = world.resolve(&["198.51.100.1", "2001:db8::1"]);
    let mut said = Vec::new();
    for connect in &connects {
        let ClientOutput::Connect { stream, to, .. } = connect else {
            panic!("{connect:?}");
        };
        world.client.handle_connected(world.now, *stream);
        for output in world.outputs() {
            if let ClientOutput::Send { data, .. } = output {
                let text = String::from_utf8_lossy(&data).into_owned();
                let event = text.split("event=").nth(1).map_or("", |rest| &rest[..4]);
                said.push((to.is_ipv6(), event.to_owned()));
            }
        }
    }
    said
}

#[test]
fn each_family_hears_of_the_start_first() {
    let (v4, both) = (Families { v4: true, v6: false }, Families { v4: true, v6: true });
    let say = |four: &str, six: &str| vec![(false, four.to_owned()), (true, six.to_owned())];
    assert_eq!(events_over(AnnounceEvent::Completed, v4), say("comp", "star"));
    assert_eq!(events_over(AnnounceEvent::None, v4), say("", "star"));
    assert_eq!(events_over(AnnounceEvent::Completed, both), say("comp", "comp"));
    assert_eq!(
        events_over(AnnounceEvent::Stopped, v4),
        [(false, "stop".to_owned())]
    );
    assert_eq!(
        events_over(AnnounceEvent::Stopped, Families::default()),
        say("stop", "stop"),
        "nobody is known to have heard"
    );
}

#[test]
fn when_both_fail_the_trackers_own_words_win() {
    let mut world = World::new();
    world.start("http://t.example/announce");
    let connects = world.resolve(&["198.51.100.1", "2001:db8::1"]);
    world
        .client
        .handle_closed(world.now, stream(&connects[0]), CloseCause::Refused);
    let end = world.answer_http(stream(&connects[1]), "d14:failure reason4:goneee");
    assert!(failure(&end).to_string().contains("gone"));
}
