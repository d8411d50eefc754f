//! With 64 descriptors and very many peers on offer, a download ends and saves its state.
//!
//! Most of the peers refuse; some take the connection and say nothing, which holds a descriptor for as long as we are
//! patient. One is real.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::process::Command;
use std::thread;
use std::time::Duration;

use super::number;
use crate::rig::{Client, Content, Options, Rig, Scheme, finished};

const LIMIT_OF_DESCRIPTORS: usize = 64;
/// Kept back at every moment, for a log and for the state.
const RESERVE: usize = 8;
/// Peers that refuse, where nobody asks for another number.
const OFFERED: u64 = 150;
/// One in so many says nothing.
const SILENT_OF: u16 = 10;
const SILENT_MAX: u8 = 100;
const LIMIT: Duration = Duration::from_secs(200);

/// A tracker that offers these peers to whoever asks. It lives as long as the test program.
fn tracker_of(peers: &[SocketAddrV4]) -> String {
    let mut compact = Vec::new();
    for peer in peers {
        compact.extend(peer.ip().octets());
        compact.extend(peer.port().to_be_bytes());
    }
    let mut body = format!("d8:intervali1800e5:peers{}:", compact.len()).into_bytes();
    body.extend(compact);
    body.push(b'e');
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port");
    let url = format!(
        "http://{}/announce",
        listener.local_addr().expect("a bound socket")
    );
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            // one read is enough for a request of a few hundred bytes on loopback
            let _ = stream.read(&mut [0; 4096]);
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream
                .write_all(head.as_bytes())
                .and_then(|()| stream.write_all(&body));
        }
    });
    url
}

#[test]
#[ignore = "interop: needs libtorrent and opentracker"]
fn sixty_four_are_enough_whoever_is_on_offer() {
    let rig = Rig::new(Content::file("payload.bin", 8_000_001, 65536), Scheme::Http);
    let seeder = rig.seeder(Client::Libtorrent, Options::default());
    let offered = u16::try_from(number("SEEDBED_OFFERED", OFFERED)).expect("a number of peers");
    let silent = u8::try_from(offered / SILENT_OF)
        .unwrap_or(SILENT_MAX)
        .min(SILENT_MAX);
    let silent: Vec<TcpListener> = (1..=silent)
        .map(|n| TcpListener::bind((Ipv4Addr::new(127, 2, 0, n), 0)).expect("a loopback port"))
        .collect();
    let mut peers: Vec<SocketAddrV4> = (0..offered)
        .map(|n| {
            let [high, low] = n.to_be_bytes();
            // nobody listens there
            SocketAddrV4::new(Ipv4Addr::new(127, 3, high, low), 9)
        })
        .collect();
    // a thousand are kept of one answer, and dialled in an order of their own
    for (n, listener) in silent.iter().enumerate() {
        let address = listener.local_addr().expect("a bound socket");
        peers.insert(9 * n, address.to_string().parse().expect("of IPv4"));
    }
    peers.insert(
        peers.len().min(900) / 2,
        SocketAddrV4::new(seeder.address, seeder.port),
    );
    let torrent = rig.folder("torrents").join("many.torrent");
    std::fs::write(&torrent, rig.content.torrent(&tracker_of(&peers))).expect("a file");

    let data = rig.folder("ours");
    let limited = |command: Command| {
        let mut limited = Command::new("sh");
        limited.args([
            "-c",
            &format!("ulimit -n {LIMIT_OF_DESCRIPTORS} && exec \"$0\" \"$@\""),
        ]);
        limited.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            limited.env(name, value.unwrap_or(OsStr::new("")));
        }
        limited
    };
    let mut ours = rig.ours_by(torrent.as_os_str(), &data, &["--stop-timeout", "150"], limited);
    let mut most = 0;
    let start = std::time::Instant::now();
    while ours.ended().is_none() {
        assert!(start.elapsed() < LIMIT, "the download does not end");
        most = most.max(ours.descriptors());
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(ours.exit_code(LIMIT), 0);
    rig.assert_content(&data);
    let seen = finished(&ours)["peers_seen"].as_u64();
    println!(
        "{LIMIT_OF_DESCRIPTORS} descriptors, {} peers on offer: at most {most} open, complete after {} s",
        peers.len(),
        start.elapsed().as_secs()
    );
    assert!(
        (16..=LIMIT_OF_DESCRIPTORS - RESERVE).contains(&most),
        "{most} were open, {seen:?}"
    );

    // the state was saved: nothing is fetched, nor hashed
    let before = seeder.uploaded_in_the_end();
    let mut ours = rig.ours_by(torrent.as_os_str(), &data, &["--stop-timeout", "150"], limited);
    assert_eq!(ours.exit_code(LIMIT), 0);
    assert_eq!(seeder.uploaded_in_the_end(), before);
}
