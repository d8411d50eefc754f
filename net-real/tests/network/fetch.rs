//! One HTTP exchange over a real socket, and what the world can do to it.

use crate::rig::{Seen, ask, client, options};
use seedbed::engine::net::{CloseCause, DatagramFault};
use seedbed::engine::{Command, Report};
use std::cell::RefCell;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::rc::Rc;

/// Fetches from a server whose answer is `serve`'s.
fn fetch(serve: impl FnOnce(TcpStream) + Send + 'static) -> (Result<Vec<u8>, String>, Rc<RefCell<Seen>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = [0; 4096];
        let length = stream.read(&mut head).unwrap();
        assert!(
            head[..length].starts_with(b"GET /x "),
            "{:?}",
            String::from_utf8_lossy(&head)
        );
        serve(stream);
    });
    let folder = tempfile::tempdir().unwrap();
    let (mut client, seen) = client(options(folder.path()));
    let result = fetch_url(&mut client, &format!("http://127.0.0.1:{port}/x"));
    server.join().unwrap();
    (result, seen)
}

pub(crate) fn fetch_url(client: &mut seedbed::Client, url: &str) -> Result<Vec<u8>, String> {
    let command = Command::Fetch {
        url: url.into(),
        body_max: 8 << 20,
    };
    ask(client, command, |report| match report {
        Report::Fetched { result } => Some(result.clone()),
        _ => None,
    })
}

#[test]
fn a_long_body_arrives_whole_and_within_the_budgets() {
    let body: Vec<u8> = (0..6 << 20).map(|n: u32| (n % 251) as u8).collect();
    let sent = body.clone();
    let (result, seen) = fetch(move |mut stream| {
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
            sent.len()
        )
        .unwrap();
        stream.write_all(&sent).unwrap();
        // The engine closes the connection when it has everything.
        let _ = stream.read(&mut [0]);
    });
    assert!(result.unwrap() == body);
    assert!(seen.borrow().received > 6 << 20);
}

#[test]
fn everything_before_the_end_of_a_stream_is_read() {
    let (result, seen) = fetch(|mut stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nto the end").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
    });
    assert_eq!(result.unwrap(), b"to the end");
    assert_eq!(seen.borrow().closed, [CloseCause::Eof]);
}

#[test]
fn nobody_listening_is_told() {
    let port = {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.local_addr().unwrap().port()
    };
    let folder = tempfile::tempdir().unwrap();
    let (mut client, seen) = client(options(folder.path()));
    let error = fetch_url(&mut client, &format!("http://127.0.0.1:{port}/x")).unwrap_err();
    assert_eq!(seen.borrow().closed, [CloseCause::Refused], "{error}");
}

#[test]
fn a_datagram_to_nobody_is_told_at_once() {
    let port = {
        let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.local_addr().unwrap().port()
    };
    let folder = tempfile::tempdir().unwrap();
    let (mut client, seen) = client(options(folder.path()));
    let probe = seedbed::engine::ProbeTracker {
        url: format!("udp://127.0.0.1:{port}/announce"),
        metainfo: crate::clients::sample(folder.path()).0,
        scrape: false,
        timeout: std::time::Duration::from_secs(2),
    };
    let started = std::time::Instant::now();
    let result = ask(
        &mut client,
        Command::ProbeTracker(Box::new(probe)),
        |report| match report {
            Report::TrackerProbed { result } => Some(result.clone()),
            _ => None,
        },
    );
    assert!(!result.ok);
    assert!(
        seen.borrow().datagram_errors.contains(&DatagramFault::Refused),
        "{result:?}"
    );
    assert!(started.elapsed().as_secs() < 5);
}
