//! A passkey, a user's name and a password in an announce URL: the tracker gets them, and nobody else reads them, in
//! whatever the program prints with every log open, nor in a recording that was redacted.
//!
//! The trackers here answer in every way that makes the program talk about them.

mod support;

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use support::Sandbox;
use support::running::{album, free_port};

const PATH_KEY: &str = "a1b2c3d4e5f60718293a4b5c6d7e8f90";
const QUERY_KEY: &str = "QUERYSECRET77";
const USER: &str = "somebody77";
const PASSWORD: &str = "PASSWORDSECRET77";
/// `somebody77:PASSWORDSECRET77`, as a request's head has it.
const BASIC: &str = "c29tZWJvZHk3NzpQQVNTV09SRFNFQ1JFVDc3";
const SECRETS: [&str; 5] = [PATH_KEY, QUERY_KEY, USER, PASSWORD, BASIC];

fn url(scheme: &str, port: u16) -> String {
    format!("{scheme}://{USER}:{PASSWORD}@127.0.0.1:{port}/{PATH_KEY}/announce?passkey={QUERY_KEY}")
}

/// A tracker that gives everybody the same answer, and keeps what it was asked.
fn tracker_with(answer: &str) -> (u16, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let port = listener.local_addr().expect("one").port();
    let asked = Arc::new(Mutex::new(String::new()));
    let (answer, kept) = (answer.to_owned(), asked.clone());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut head = [0; 4096];
            // one read is enough for a head of a few hundred bytes on loopback
            let read = stream.read(&mut head).unwrap_or(0);
            let head = String::from_utf8_lossy(&head[..read]).into_owned();
            kept.lock().expect("a tracker").push_str(&head);
            // a client that has gone is no concern of this one
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (port, asked)
}

fn with_body(status: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}

/// Whoever looks for secrets looks for their bytes, also in what is no text.
fn leaked(bytes: &[u8]) -> Vec<&'static str> {
    let is_in = |secret: &str| {
        bytes
            .windows(secret.len())
            .any(|window| window == secret.as_bytes())
    };
    SECRETS.into_iter().filter(|secret| is_in(secret)).collect()
}

/// Runs a download that ends without a peer, and looks at everything that can be read of it.
#[track_caller]
fn check(what: &str, announce: &str) {
    let sandbox: Sandbox = album(announce);
    let flags = "--bind 127.0.0.1 --port 0 --allow-local-services --stop-timeout 300ms --no-pex";
    let mut report = String::new();
    for (n, format) in ["--json", ""].into_iter().enumerate() {
        let line =
            format!("download album.torrent -d got{n} {flags} {format} -vvv --why --record run{n}.journal");
        let mut command = sandbox.command(&line);
        command.env("SEEDBED_LOG", "trace");
        let ran = command.output().expect("the program");
        assert_eq!(
            ran.status.code(),
            Some(5),
            "{what}: {}",
            String::from_utf8_lossy(&ran.stderr)
        );
        for (stream, bytes) in [("output", ran.stdout), ("errors", ran.stderr)] {
            for secret in leaked(&bytes) {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let line = text
                    .lines()
                    .find(|line| line.contains(secret))
                    .unwrap_or_default();
                let _ = writeln!(report, "{what}: {stream} {format}: {secret} in {line}");
            }
        }
        let journal = std::fs::read(sandbox.path().join(format!("run{n}.journal"))).expect("a journal");
        // the recording itself has what was sent, which is why it is redacted before it is shown
        assert!(
            leaked(&journal).contains(&PATH_KEY),
            "{what}: the recording is not of this run"
        );
        sandbox.expect(0, &format!("journal redact run{n}.journal shared{n}.journal"));
        let shared = std::fs::read(sandbox.path().join(format!("shared{n}.journal"))).expect("a journal");
        for secret in leaked(&shared) {
            let _ = writeln!(report, "{what}: {secret} in the redacted recording");
        }
        for journal in [format!("run{n}.journal"), format!("shared{n}.journal")] {
            let page = format!("{journal}.html");
            for show in [
                "--timeline",
                "--at 100ms --why",
                "--json",
                &format!("--html {page}"),
            ] {
                let ran = sandbox.expect(0, &format!("replay {journal} {show}"));
                for secret in leaked((ran.out + &ran.err).as_bytes()) {
                    let _ = writeln!(report, "{what}: {secret} in replay {journal} {show}");
                }
            }
            for secret in leaked(&std::fs::read(sandbox.path().join(&page)).expect("a page")) {
                let _ = writeln!(report, "{what}: {secret} in the page of {journal}");
            }
        }
    }
    assert!(report.is_empty(), "{report}");
}

/// The same for a tracker over HTTP, which has to have got the secrets.
#[track_caller]
fn check_answer(what: &str, answer: &str) {
    let (port, asked) = tracker_with(answer);
    check(what, &url("http", port));
    let asked = asked.lock().expect("a tracker");
    assert!(
        asked.contains(PATH_KEY) && asked.contains(QUERY_KEY),
        "{what}: {asked}"
    );
}

#[test]
fn a_tracker_that_answers() {
    check_answer("no peers", &with_body("200 OK", "d8:intervali1800e5:peers0:e"));
    let warning = "d8:intervali1800e5:peers0:15:warning message4:slowe";
    check_answer("a warning", &with_body("200 OK", warning));
}

#[test]
fn a_tracker_that_refuses() {
    check_answer(
        "a failure",
        &with_body("200 OK", "d14:failure reason12:unregisterede"),
    );
    let text = format!("passkey {QUERY_KEY} of {PATH_KEY} is unknown");
    let echo = format!("d14:failure reason{}:{text}e", text.len());
    check_answer("a failure that repeats them", &with_body("200 OK", &echo));
    check_answer("not found", &with_body("404 Not Found", "<html>nothing</html>"));
    check_answer("who are you", &with_body("401 Unauthorized", ""));
}

#[test]
fn a_tracker_that_talks_nonsense() {
    check_answer("no bencode", &with_body("200 OK", "<html>login first</html>"));
    check_answer("no HTTP", "SSH-2.0-OpenSSH_9.2\r\n");
    check_answer("nothing", "");
}

#[test]
fn a_tracker_that_sends_elsewhere() {
    let closed = free_port();
    for to in [
        url("http", closed),
        format!("/{PATH_KEY}?passkey={QUERY_KEY}"),
        url("ftp", closed),
    ] {
        let answer =
            format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        check_answer(&format!("a redirect to {to}"), &answer);
    }
}

#[test]
fn a_tracker_that_is_not_there() {
    for scheme in ["http", "https", "udp"] {
        check(scheme, &url(scheme, free_port()));
    }
}
