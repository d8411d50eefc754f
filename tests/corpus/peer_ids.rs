//! Peer ids of many clients: whatever they hold, what is shown of them is fit for a terminal. Which client an id names
//! is not compared: we show the two letters and the digits of BEP 20 as they stand.

use crate::score::{check_topic, unhex};
use seedbed_engine::id::PeerId;

#[test]
fn shown_clients() {
    check_topic("peer_id_clients", |case| {
        let id = PeerId(unhex(&case["hex"]).try_into().expect("20 bytes"));
        let shown = id.client();
        if shown.is_empty() || shown.chars().any(char::is_control) {
            return Err(format!("shown as {shown:?}"));
        }
        Ok(())
    });
}
