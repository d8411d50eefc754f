//! The engine under arbitrary events (what holds: [`tests::hostile::events`]).

use tests::hostile::events::{Step, play};

#[test]
fn any_events_in_any_order_are_legal_and_give_the_same_actions_whenever_they_are_taken() {
    fn property(steps: Vec<Step>) {
        play(&steps);
    }
    crate::check(property as fn(Vec<Step>));
}
