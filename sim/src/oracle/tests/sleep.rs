//! A stop that the engine notices begins the time of what peers owe again, a shorter one does not.

use super::*;

#[test]
fn only_a_stop_that_is_noticed_begins_the_time_of_requests_again() {
    let check = |slept: u64, deadline: Option<u64>, restarts: bool| {
        let mut story = Story::new();
        let conn = story.connect(1);
        story.say(conn, &Message::Request(block(0, 0)));
        story.watch.wakes_at = deadline.map(Instant::from_secs);
        story.pass(slept);
        story.watch.slept(story.now);
        let conn = &story.watch.conns[&conn];
        let began = if restarts { story.now } else { Instant::START };
        assert_eq!((conn.asked[0].at, conn.progress), (began, began), "{slept} s");
    };
    check(2, Some(1), false);
    check(5, Some(0), false);
    check(6, Some(0), true);
    // nothing was due, or not for long: the engine cannot know
    check(60, None, false);
    check(60, Some(56), false);
}
