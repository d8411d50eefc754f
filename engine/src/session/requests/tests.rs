//! The pipeline, told of requests and answers.

use super::*;
use crate::id::PieceIndex;
use crate::time::Duration;

fn range(n: u32) -> BlockRange {
    BlockRange {
        piece: PieceIndex(n),
        begin: 0,
        length: 1000,
    }
}

fn block() -> Block {
    Block::from(alloc::vec![0; 1000])
}

#[test]
fn a_block_is_requested_late_or_unknown() {
    let mut requests = Requests::default();
    requests.sent(Instant::START, range(1));
    requests.sent(Instant::START, range(2));
    assert_eq!(
        requests.arrived(Instant::START, range(1), &block()),
        Arrival::Requested
    );
    assert_eq!(
        requests.arrived(Instant::START, range(1), &block()),
        Arrival::Repeated
    );
    assert_eq!(
        requests.arrived(Instant::START, range(3), &block()),
        Arrival::Unknown
    );
    requests.drop_all();
    assert_eq!(
        requests.arrived(Instant::START, range(2), &block()),
        Arrival::Late
    );
}

#[test]
fn too_many_repeated_blocks_are_told() {
    let mut requests = Requests::default();
    requests.sent(Instant::START, range(1));
    requests.arrived(Instant::START, range(1), &block());
    for _ in 0..DUPLICATES_MAX {
        assert_eq!(
            requests.arrived(Instant::START, range(1), &block()),
            Arrival::Repeated
        );
    }
    assert_eq!(
        requests.arrived(Instant::START, range(1), &block()),
        Arrival::TooManyRepeated
    );
}

#[test]
fn silence_snubs_once_and_a_block_ends_it() {
    let (mut requests, config) = (Requests::default(), SessionConfig::default());
    requests.sent(Instant::START, range(1));
    assert_eq!(
        requests.deadline(&config),
        Some(Instant::START + config.snub_timeout)
    );
    let late = Instant::START + config.snub_timeout;
    assert!(requests.becomes_snubbed(late, &config));
    assert!(!requests.becomes_snubbed(late, &config));
    assert_eq!(requests.depth(&config, 1000), 1);
    assert_eq!(requests.release_all(), [range(1)]);
    assert!(requests.release_all().is_empty());
    assert_eq!(requests.arrived(late, range(1), &block()), Arrival::Late);
    assert!(!requests.snubbed);
}

#[test]
fn a_request_expires_after_its_time() {
    let (mut requests, config) = (Requests::default(), SessionConfig::default());
    requests.sent(Instant::START, range(1));
    let due = Instant::START + config.request_timeout;
    assert_eq!(
        requests.expired(due - Duration::from_millis(1), &config, false),
        None
    );
    assert_eq!(requests.expired(due, &config, false), Some(range(1)));
    assert_eq!(requests.expired(due, &config, false), None);
}

#[test]
fn with_the_fast_extension_a_cancelled_request_stays_outstanding() {
    let mut requests = Requests::default();
    requests.sent(Instant::START, range(1));
    assert!(requests.cancelled(range(1), true));
    assert_eq!(requests.outstanding(), 1);
    assert_eq!(
        requests.rejected(range(1)),
        Rejected::Late,
        "the answer to the cancel"
    );
    assert_eq!(requests.rejected(range(1)), Rejected::Late);
    assert_eq!(requests.rejected(range(1)), Rejected::Unknown);
    requests.sent(Instant::START, range(2));
    assert!(requests.cancelled(range(2), false));
    assert_eq!(requests.outstanding(), 0);
}

#[test]
fn what_was_cancelled_is_not_cancelled_again() {
    let (mut requests, config) = (Requests::default(), SessionConfig::default());
    requests.sent(Instant::START, range(1));
    assert!(requests.cancelled(range(1), true));
    assert!(!requests.cancelled(range(1), true));
    let due = Instant::START + config.request_timeout;
    assert_eq!(requests.expired(due, &config, true), None);
    assert_eq!(
        requests.outstanding(),
        0,
        "the answer is not waited for any longer"
    );
}

#[test]
fn with_the_fast_extension_an_expired_request_is_not_repeated_before_its_answer() {
    let (mut requests, config) = (Requests::default(), SessionConfig::default());
    assert!(requests.asks(Instant::START, range(1)));
    let due = Instant::START + config.request_timeout;
    assert_eq!(requests.expired(due, &config, true), Some(range(1)));
    assert_eq!(requests.expired(due, &config, true), None);
    assert!(!requests.asks(due, range(1)), "its answer is still owed");
    assert_eq!(requests.unreleased().collect::<Vec<_>>(), [range(1)]);
    requests.rejected(range(1));
    assert!(requests.asks(due, range(1)));
}

#[test]
fn a_request_to_a_snubbed_peer_is_released_from_the_beginning() {
    let (mut requests, config) = (Requests::default(), SessionConfig::default());
    requests.sent(Instant::START, range(1));
    let late = Instant::START + config.snub_timeout;
    assert!(requests.becomes_snubbed(late, &config));
    requests.release_all();
    assert!(requests.asks(late, range(2)));
    assert_eq!(requests.unreleased().count(), 0);
    requests.arrived(late, range(1), &block());
    assert!(requests.asks(late, range(3)));
    assert_eq!(requests.unreleased().collect::<Vec<_>>(), [range(3)]);
}

#[test]
fn a_snubbed_request_is_taken_up_again_without_another_message() {
    let mut requests = Requests::default();
    assert!(requests.asks(Instant::START, range(1)));
    assert_eq!(requests.release_all(), [range(1)]);
    assert!(!requests.asks(Instant::from_secs(30), range(1)));
    assert_eq!(requests.outstanding(), 1);
}
