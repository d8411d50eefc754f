//! Transmission's remote control, as much of it as a magnet link needs.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use super::process::wait_until;

/// Where it listens, at the port at which the client takes peers: an address that no client has.
pub(crate) const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 6);
/// From the client's start to the link being taken.
const LIMIT: Duration = Duration::from_secs(20);
/// For one small answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// The field of an answer's head that the next request repeats: requests without it are refused, and given it.
const SESSION: &str = "X-Transmission-Session-Id: ";

/// Adds a torrent by its link.
#[track_caller]
pub(crate) fn add(port: u16, link: &str) {
    let mut session = String::new();
    wait_until("the link's being taken", LIMIT, || {
        let Some(answer) = ask(port, link, &session) else {
            return false;
        };
        if let Some((_, rest)) = answer.split_once(SESSION) {
            session = rest.lines().next().unwrap_or_default().to_owned();
        }
        answer.contains("\"result\":\"success\"")
    });
}

fn ask(port: u16, link: &str, session: &str) -> Option<String> {
    let body = serde_json::json!({ "method": "torrent-add", "arguments": { "filename": link } }).to_string();
    let mut stream = TcpStream::connect((ADDRESS, port)).ok()?;
    stream.set_read_timeout(Some(ANSWER_LIMIT)).ok()?;
    let length = body.len();
    write!(
        stream,
        "POST /transmission/rpc HTTP/1.1\r\nHost: {ADDRESS}:{port}\r\n{SESSION}{session}\r\n\
         Connection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    Some(String::from_utf8_lossy(&answer).into_owned())
}
