//! The program over real sockets of IPv6 on loopback, alone and beside IPv4.

mod support;

use seedbed_sim::tracker::AnnounceEvent;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};
use std::process::Command;
use support::Sandbox;
use support::running::{Running, album, free_port, wait_until};
use support::tracker::LocalTracker;

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// Whether this machine has IPv6 on loopback; says so if not.
fn has_ipv6() -> bool {
    let has = TcpListener::bind((V6, 0)).is_ok();
    if !has {
        eprintln!("skipped: this machine has no IPv6 on loopback");
    }
    has
}

/// A seed with these flags that serves.
fn seed(sandbox: &Sandbox, flags: &str) -> Running {
    let mut seed = Running::start(sandbox, &format!("seed album.torrent -d have --json {flags}"));
    seed.wait_for(r#""state":"seeding""#);
    seed
}

/// Downloads with these flags into a folder, and compares.
fn download(sandbox: &Sandbox, dir: &str, flags: &str) {
    download_by(sandbox, "album.torrent", dir, flags);
}

/// The same by another .torrent file.
fn download_by(sandbox: &Sandbox, torrent: &str, dir: &str, flags: &str) {
    sandbox.expect(
        0,
        &format!("download {torrent} -d {dir} --stop-timeout 20 --port 0 {flags}"),
    );
    let file = |dir: &str| std::fs::read(sandbox.path().join(dir).join("album/a.bin")).expect("a file");
    assert!(file("have") == file(dir));
}

#[test]
fn a_download_over_ipv6() {
    if !has_ipv6() {
        return;
    }
    let sandbox = album("http://127.0.0.1:9/announce");
    let port = free_port();
    let local = "--bind ::1 --no-trackers";
    let _seed = seed(&sandbox, &format!("{local} --port {port}"));
    download(&sandbox, "got", &format!("{local} --peer [::1]:{port}"));
}

/// Seed and download know each other from a tracker of IPv6 alone.
#[track_caller]
fn check_tracker(url: impl Fn(&LocalTracker) -> String) {
    let tracker = LocalTracker::start_on(&[V6]);
    let sandbox = album(&url(&tracker));
    let port = free_port();
    let seed = seed(&sandbox, &format!("--bind ::1 --port {port}"));
    wait_until(|| !tracker.announces().is_empty());
    download(&sandbox, "got", "--bind ::1");
    seed.signal("-INT");
    assert_eq!(seed.end().code, Some(130));
    assert_eq!(
        tracker.events_of(port),
        [AnnounceEvent::Started, AnnounceEvent::Stopped]
    );
    assert!(
        tracker
            .announces()
            .iter()
            .all(|announce| announce.from.ip() == V6)
    );
}

/// BEP 7: peers come as `peers6`.
#[test]
fn a_tracker_over_http_and_ipv6() {
    if has_ipv6() {
        check_tracker(|tracker| tracker.http_url("/announce"));
    }
}

/// BEP 15: peers come as 18 bytes each.
#[test]
fn a_tracker_over_udp_and_ipv6() {
    if has_ipv6() {
        check_tracker(LocalTracker::udp_url);
    }
}

/// Both families, and nobody beyond this machine.
const BOTH: &str = "--interface lo";

#[test]
fn a_seed_is_reached_over_both_families_at_one_port() {
    if !has_ipv6() {
        return;
    }
    let sandbox = album("http://127.0.0.1:9/announce");
    let port = free_port();
    let _seed = seed(&sandbox, &format!("{BOTH} --no-trackers --port {port}"));
    let from = |peer: &str| format!("--bind {peer} --no-trackers");
    download(
        &sandbox,
        "v4",
        &format!("{} --peer 127.0.0.1:{port}", from("127.0.0.1")),
    );
    download(&sandbox, "v6", &format!("{} --peer [::1]:{port}", from("::1")));
}

/// A seed for which the name `localhost` has an address of each family; the machine's own table need not say so. Nothing
/// where such a table cannot be put in front of one program.
fn seed_with_names(sandbox: &Sandbox, flags: &str) -> Option<Running> {
    const IN_FRONT: &str = "mount --bind \"$0\" /etc/hosts && exec \"$@\"";
    let hosts = sandbox.bytes("hosts", b"127.0.0.1 localhost\n::1 localhost\n");
    let unshared = |program: &str| {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-c", IN_FRONT]);
        command.arg(&hosts).arg(program);
        command
    };
    if !unshared("true").status().is_ok_and(|status| status.success()) {
        eprintln!("skipped: no program can be given a table of names of its own here");
        return None;
    }
    let plain = sandbox.command(&format!("seed album.torrent -d have --json {flags}"));
    let mut command = unshared(env!("CARGO_BIN_EXE_seedbed"));
    command.args(plain.get_args()).current_dir(sandbox.path());
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let mut seed = Running::of(command);
    seed.wait_for(r#""state":"seeding""#);
    Some(seed)
}

/// BEP 7: one announce a family, so that peers of either find it, and one good-bye.
#[test]
fn a_tracker_of_both_families_is_announced_to_over_each() {
    if !has_ipv6() {
        return;
    }
    let tracker = LocalTracker::start_on(&[V4, V6]);
    let sandbox = album(&format!("http://localhost:{}/announce", tracker.http_port()));
    let port = free_port();
    let Some(seed) = seed_with_names(&sandbox, &format!("{BOTH} --port {port}")) else {
        return;
    };
    let told = |event: AnnounceEvent| {
        let announces = tracker.announces();
        let its = announces
            .iter()
            .filter(|announce| announce.port == port && announce.event == event);
        let mut families: Vec<IpAddr> = its.map(|announce| announce.from.ip()).collect();
        families.sort();
        families
    };
    wait_until(|| told(AnnounceEvent::Started).len() == 2);
    assert_eq!(told(AnnounceEvent::Started), [V4, V6]);
    // each peer asks over the one family that it has
    for (dir, bind, host) in [("v4", "127.0.0.1", "127.0.0.1"), ("v6", "::1", "[::1]")] {
        let url = format!("http://{host}:{}/announce", tracker.http_port());
        sandbox.expect(
            0,
            &format!("create have/album --piece-length 32KiB -a {url} -o {dir}.torrent"),
        );
        download_by(
            &sandbox,
            &format!("{dir}.torrent"),
            dir,
            &format!("--bind {bind}"),
        );
    }
    seed.signal("-INT");
    seed.end();
    assert_eq!(told(AnnounceEvent::Stopped), [V4, V6]);
}
