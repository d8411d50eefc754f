//! rqbit, the other client in Rust, both ways, by torrent file and by link. No distribution packages it, so a machine
//! without it passes these tests and says so: `cargo install rqbit --version 9.1.0 --locked` makes one.

use std::ffi::{OsStr, OsString};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::rig::{Content, Process, Rig, Scheme, free_port, wait_until};

/// Where it listens; no other client has the address.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 7);
const LIMIT: Duration = Duration::from_secs(90);

fn content() -> Content {
    Content::file("payload.bin", 5_000_001, 65536)
}

/// A rig, unless there is no rqbit.
fn rig() -> Option<Rig> {
    let mut command = Command::new("rqbit");
    let there = command.arg("--version").stdout(Stdio::null()).status().is_ok();
    if !there {
        eprintln!("skipped: rqbit is not on PATH");
        return None;
    }
    Some(Rig::new(content(), Scheme::Http))
}

/// Starts it with what is in `data`, quiet in every way but its own peers' port, and waits until it listens.
#[track_caller]
fn start(rig: &Rig, source: &OsStr, data: &Path) -> (Process, String) {
    let address = SocketAddrV4::new(ADDRESS, free_port(ADDRESS));
    let mut command = Command::new("rqbit");
    command.args([
        "--disable-dht",
        "--disable-upnp-port-forward",
        "--disable-lsd",
        "--ipv4-only",
    ]);
    command.args(["--listen-ip", &ADDRESS.to_string()]);
    command.args(["--listen-port", &address.port().to_string()]);
    command.args(["download", "--disable-http-api", "--overwrite", "-o"]);
    command
        .arg(data)
        .arg(source)
        .env("HOME", rig.folder("rqbit-home"));
    let process = Process::start("rqbit", command, rig.folder("rqbit-logs").join("log"));
    wait_until("rqbit's listening", LIMIT, || TcpStream::connect(address).is_ok());
    (process, address.to_string())
}

/// It has everything; we know its address and this source alone.
fn from_it(source: impl FnOnce(&Rig) -> OsString) {
    let Some(rig) = rig() else { return };
    let theirs = rig.folder("theirs");
    rig.content.write_to(&theirs);
    let (peer, address) = start(&rig, rig.torrent.as_os_str(), &theirs);
    // while it checks its files it hangs up
    wait_until("rqbit's check", LIMIT, || peer.out().contains("100.00%"));
    let data = rig.folder("ours");
    let flags = ["--no-trackers", "--peer", &address, "--stop-timeout", "60"];
    let mut ours = rig.ours_from("download", &source(&rig), &data, &flags);
    assert_eq!(ours.exit_code(LIMIT), 0);
    rig.assert_content(&data);
}

#[track_caller]
fn wait_for_content(rig: &Rig, theirs: &Path) {
    wait_until("the content at rqbit", LIMIT, || {
        rig.content.differences(theirs).is_empty()
    });
}

fn file(rig: &Rig) -> OsString {
    rig.torrent.clone().into_os_string()
}

fn link(rig: &Rig) -> OsString {
    rig.link(&[]).into()
}

#[test]
#[ignore = "interop: needs opentracker, and rqbit if it is to say anything"]
fn a_file_from_rqbit() {
    from_it(file);
}

#[test]
#[ignore = "interop: needs opentracker, and rqbit if it is to say anything"]
fn by_link_from_rqbit() {
    from_it(link);
}

#[test]
#[ignore = "interop: needs opentracker, and rqbit if it is to say anything"]
fn a_file_to_rqbit() {
    let Some(rig) = rig() else { return };
    let theirs = rig.folder("theirs");
    let (_peer, address) = start(&rig, &file(&rig), &theirs);
    let data = rig.folder("ours");
    rig.content.write_to(&data);
    let _ours = rig.ours("seed", &data, &["--no-trackers", "--peer", &address]);
    wait_for_content(&rig, &theirs);
}

#[test]
#[ignore = "interop: needs opentracker, and rqbit if it is to say anything"]
fn by_link_to_rqbit() {
    let Some(rig) = rig() else { return };
    let data = rig.folder("ours");
    rig.content.write_to(&data);
    // it takes no connection before it has the metadata: it has to find us
    let _ours = rig.ours("seed", &data, &[]);
    rig.tracker.wait_for(1, 0, LIMIT);
    let theirs = rig.folder("theirs");
    let _peer = start(&rig, &link(&rig), &theirs);
    wait_for_content(&rig, &theirs);
}
