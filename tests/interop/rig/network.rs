//! Which addresses the clients have: loopback ones, or those of a network namespace that has no way out either.
//!
//! Some clients take no loopback address that others name to them. A test about that starts itself again in a namespace
//! of its own, whose loopback device has ordinary addresses too.

use std::net::Ipv4Addr;
use std::process::Command;

/// Set for a test that runs in its own network.
const PRIVATE: &str = "SEEDBED_INTEROP_PRIVATE_NETWORK";
/// The first three bytes of the addresses there.
const NETWORK: &str = "10.9.0";
/// Gives the loopback device the addresses of the clients, then becomes the test.
const PREPARE: &str =
    "ip link set lo up && for n in 2 3 4 5 6 7; do ip addr add $0.$n/32 dev lo || exit; done && exec \"$@\"";

/// A client's address, by its last byte.
pub(crate) fn address(last: u8) -> Ipv4Addr {
    if std::env::var_os(PRIVATE).is_some() {
        Ipv4Addr::new(10, 9, 0, last)
    } else {
        Ipv4Addr::new(127, 0, 0, last)
    }
}

/// Runs `test` in a network of its own: the test of that name again, which finds itself there. Where no namespace can be
/// made (that takes root), it says so and passes.
#[track_caller]
pub(crate) fn in_its_own(name: &str, test: impl FnOnce()) {
    if std::env::var_os(PRIVATE).is_some() {
        return test();
    }
    let prepared = |program: &std::path::Path| {
        let mut command = Command::new("unshare");
        command.args(["--net", "sh", "-c", PREPARE, NETWORK]).arg(program);
        command
    };
    let possible = prepared("true".as_ref()).output();
    if !possible.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: no network namespace can be made here");
        return;
    }
    let own = std::env::current_exe().expect("a running test has a file");
    let mut command = prepared(&own);
    command
        .args([name, "--exact", "--ignored", "--nocapture"])
        .env(PRIVATE, "1");
    let status = command.status().expect("the test itself");
    assert!(status.success(), "{name} in a network of its own");
}
