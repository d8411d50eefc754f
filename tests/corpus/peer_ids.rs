//! Peer ids of many clients: whatever they hold, what is shown of them is fit for a terminal, and names the client.

use seedbed_engine::client_name::client_name;
use seedbed_engine::id::PeerId;
use tests::corpus::{check_topic, unhex};

#[test]
fn shown_clients() {
    check_topic("peer_id_clients", |case| {
        let id = PeerId(unhex(&case["hex"]).try_into().expect("20 bytes"));
        let shown = client_name(&id);
        if shown.is_empty() || shown.chars().any(char::is_control) {
            return Err(format!("shown as {shown:?}"));
        }
        let text = |name: &str| case[name].as_str().map(str::to_owned);
        let named = text("client").zip(text("version"));
        let named = named.map(|(client, version)| format!("{client} {version}"));
        match text("libtorrent_2_0_8").or(named) {
            Some(expected) if expected != shown => Err(format!("shown as {shown:?}, expected {expected:?}")),
            Some(_) | None => Ok(()),
        }
    });
}
