//! The priority of a connection (BEP 40).

use seedbed_engine::candidates::priority;
use std::net::SocketAddr;
use tests::corpus::{check_topic, same};

#[test]
fn priorities() {
    check_topic("bep40_priority", |case| {
        let addr = |name: &str| -> SocketAddr {
            let text = case[name].as_str().expect("an address");
            text.parse().expect("an address and a port")
        };
        let ours = format!("{:08x}", priority(addr("a"), addr("b")));
        same(
            "priority",
            ours.as_str(),
            case["priority"].as_str().expect("a number"),
        )?;
        let swapped = format!("{:08x}", priority(addr("b"), addr("a")));
        same("the other way round", swapped, ours)
    });
}
