//! The exchange against scripted servers, in virtual time.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use quickcheck::{Gen, QuickCheck};

use super::inflate::tests::gzip;
use super::*;
use crate::config::HttpConfig;
use crate::time::Instant;

const ACCESS: Access = Access {
    purpose: Use::Tracker,
    allow_local: false,
    typed: false,
};
const BOTH: Families = Families { v4: true, v6: true };

fn exchange_with(url: &str, access: Access, config: &HttpConfig) -> HttpExchange {
    let url = Url::parse(url).unwrap();
    let user_query = url.query().is_some();
    HttpExchange::new(Instant::START, &url, access, user_query, BOTH, config, "test/1")
}

fn exchange(url: &str) -> HttpExchange {
    exchange_with(url, ACCESS, &HttpConfig::default())
}

fn outputs(exchange: &mut HttpExchange) -> Vec<HttpOutput> {
    let all = core::iter::from_fn(|| exchange.poll_output());
    all.filter(|output| !matches!(output, HttpOutput::Trace(_)))
        .collect()
}

fn addresses(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// Feeds `raw` to a connected exchange in pieces of `cut` bytes, then the end of the stream.
fn answer_cut(raw: &[u8], cut: usize) -> Result<HttpBody, HttpError> {
    let mut exchange = exchange("http://198.51.100.1/announce?x");
    exchange.handle_connected(Instant::START);
    for piece in raw.chunks(cut) {
        exchange.handle_received(Instant::START, piece);
    }
    exchange.handle_closed(Instant::START, CloseCause::Eof);
    let done = outputs(&mut exchange).pop();
    assert_eq!(exchange.deadline(), None);
    match done {
        Some(HttpOutput::Done(result)) => result,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn check(raw: &str, wanted: Result<&str, HttpError>) {
    let raw = raw.replace('\n', "\r\n");
    for cut in [1, 2, 7, raw.len().max(1)] {
        let got = answer_cut(raw.as_bytes(), cut).map(|body| String::from_utf8(body.body).unwrap());
        assert_eq!(
            got.as_deref(),
            wanted.as_ref().map(|text| *text),
            "cut at {cut}: {raw}"
        );
    }
}

#[test]
fn framings() {
    check(
        "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello trailing",
        Ok("hello"),
    );
    check("HTTP/1.1 200 OK\nContent-Length: 5, 5\n\nhello", Ok("hello"));
    check("HTTP/1.0 200 OK\n\nuntil the end", Ok("until the end"));
    check(
        "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n4;x=y\nwiki\nA\n0123456789\n0\nT: x\n\n",
        Ok("wiki0123456789"),
    );
    check(
        "HTTP/1.1 100 Continue\n\nHTTP/1.1 103 Hints\nA: b\n\nHTTP/1.1 200 OK\nContent-Length: 2\n\nok",
        Ok("ok"),
    );
    check("HTTP/1.1 200 OK\nContent-Length: 0\n\n", Ok(""));
    check("HTTP/1.1 204 No\n\n", Ok(""));
    // chunks win over a length (RFC 9112)
    check(
        "HTTP/1.1 200 OK\nContent-Length: 99\nTransfer-Encoding: chunked\n\n2\nok\n0\n\n",
        Ok("ok"),
    );
}

#[test]
fn faults() {
    let eof = || Err(HttpError::Closed(CloseCause::Eof));
    check("HTTP/1.1 200 OK\nContent-Length: 5\n\nhell", eof());
    check("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n4\nwiki\n", eof());
    check("HTTP/1.1 200 OK\nContent-", eof());
    check("", eof());
    let malformed = |what: &'static str| Err(HttpError::Malformed(what.into()));
    check("SSH-2.0-x\n", malformed("it does not begin with HTTP/1"));
    check("HdTP/1.1 200 OK\n\n", malformed("it does not begin with HTTP/1"));
    check(
        "HTTP/1.1 200 OK\nContent-Length: 5\nContent-Length: 6\n\nhello",
        malformed("it names two lengths"),
    );
    check(
        "HTTP/1.1 200 OK\nContent-Length: -5\n\nhello",
        malformed("its length is no number"),
    );
    check(
        "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n-4\nwiki",
        malformed("a chunk has no valid size"),
    );
    check(
        "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n\nx",
        malformed("a chunk has no valid size"),
    );
    check(
        "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\nwiki\n",
        malformed("a chunk is longer than its size"),
    );
    check("HTTP/1.1 101 Switching\n\n", malformed("it switches protocols"));
    check(
        "HTTP/1.1 206 Partial\nContent-Range: bytes 0-99999999999999999999999/3\n\nx",
        malformed("it is a range that was not asked for"),
    );
    check(
        "HTTP/1.1 200 OK\nTransfer-Encoding: gzip, chunked\n\n",
        Err(HttpError::Encoding("gzip, chunked".into())),
    );
    check(
        "HTTP/1.1 200 OK\nContent-Encoding: br\n\nx",
        Err(HttpError::Encoding("br".into())),
    );
    check(
        "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\nfffffffffffffffff\n",
        Err(HttpError::BodyTooLong),
    );
    check(
        "HTTP/1.1 200 OK\nContent-Length: 99999999999999999999999999\n\n",
        Err(HttpError::BodyTooLong),
    );
}

#[test]
fn limits_hold_before_the_memory_is_used() {
    let config = HttpConfig {
        head_max: 200,
        body_max: 10,
        ..HttpConfig::default()
    };
    let run = |raw: &[u8]| {
        let mut exchange = exchange_with("http://198.51.100.1/", ACCESS, &config);
        exchange.handle_connected(Instant::START);
        exchange.handle_received(Instant::START, raw);
        match outputs(&mut exchange).pop() {
            Some(HttpOutput::Done(result)) => result.map(|body| body.body.len()),
            other => panic!("{other:?}"),
        }
    };
    let endless_head = [b"HTTP/1.1 200 OK\r\n".to_vec(), b"A: b\r\n".repeat(100)].concat();
    assert_eq!(run(&endless_head), Err(HttpError::HeadTooLong));
    let interim = b"HTTP/1.1 100 Continue\r\n\r\n".repeat(50);
    assert_eq!(run(&interim), Err(HttpError::HeadTooLong));
    assert_eq!(
        run(b"HTTP/1.1 200 OK\r\n\r\n01234567890"),
        Err(HttpError::BodyTooLong)
    );
    // an announced length is refused before its first byte
    assert_eq!(
        run(b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n"),
        Err(HttpError::BodyTooLong)
    );
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    let trailers = [chunked.clone(), b"0\r\n".to_vec(), b"A: b\r\n".repeat(100)].concat();
    assert_eq!(run(&trailers), Err(HttpError::HeadTooLong));
    let extension = [chunked, b"1;".to_vec(), b"x".repeat(1000)].concat();
    assert_eq!(run(&extension), Err(HttpError::HeadTooLong));
}

#[test]
fn gzip_bodies_are_inflated_under_the_limit() {
    let body = gzip(b"d8:intervali1800ee");
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let raw = [head.into_bytes(), body].concat();
    assert_eq!(answer_cut(&raw, 3).unwrap().body, b"d8:intervali1800ee");
    let bomb = gzip(&std::vec![0; 4 << 20]);
    let raw = [
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n".to_vec(),
        bomb,
    ]
    .concat();
    assert_eq!(answer_cut(&raw, 4096).map(|_| ()), Err(HttpError::BodyTooLong));
}

#[test]
fn the_request_is_as_the_url_says() {
    let mut exchange = exchange("http://me:se%20cret@t.example:8080/a?pass=x'y");
    let resolve = HttpOutput::Resolve {
        host: "t.example".into(),
    };
    assert_eq!(outputs(&mut exchange), [resolve]);
    exchange.handle_resolved(Instant::START, Ok(addresses(&["198.51.100.1"])));
    let to: SocketAddr = "198.51.100.1:8080".parse().unwrap();
    assert_eq!(outputs(&mut exchange), [HttpOutput::Connect { to, tls: None }]);
    exchange.handle_connected(Instant::START);
    let Some(HttpOutput::Send(sent)) = outputs(&mut exchange).pop() else {
        panic!("nothing sent");
    };
    let lines = "GET /a?pass=x'y HTTP/1.1\r\nHost: t.example:8080\r\nUser-Agent: test/1\r\nAccept-Encoding: gzip\r\n\
                 Connection: close\r\nAuthorization: Basic bWU6c2UgY3JldA==\r\n\r\n";
    assert_eq!(String::from_utf8(sent).unwrap(), lines);
}

#[test]
fn tls_is_asked_for_with_the_name_of_the_url() {
    let mut exchange = exchange("https://t.example/");
    exchange.handle_resolved(Instant::START, Ok(addresses(&["198.51.100.1"])));
    let tls = Some(ServerName("t.example".into()));
    let to = "198.51.100.1:443".parse().unwrap();
    assert_eq!(
        outputs(&mut exchange).pop(),
        Some(HttpOutput::Connect { to, tls })
    );
}

#[test]
fn the_next_address_is_tried_when_one_fails_to_connect() {
    let mut exchange = exchange("http://t.example/");
    let three = addresses(&["198.51.100.1", "2001:db8::2", "198.51.100.3"]);
    exchange.handle_resolved(Instant::START, Ok(three));
    exchange.handle_closed(Instant::START, CloseCause::Refused);
    exchange.handle_timeout(Instant::from_secs(10));
    exchange.handle_closed(Instant::from_secs(11), CloseCause::Unreachable);
    let connects = |output| match output {
        HttpOutput::Connect { to, .. } => Some(to.ip().to_string()),
        HttpOutput::Done(result) => Some(format!("{:?}", result.unwrap_err())),
        HttpOutput::Close => Some(String::from("close")),
        _ => None,
    };
    let got: Vec<String> = outputs(&mut exchange).into_iter().filter_map(connects).collect();
    let wanted = [
        "198.51.100.1",
        "2001:db8::2",
        "close",
        "198.51.100.3",
        "Connect(Unreachable)",
    ];
    assert_eq!(got, wanted);
}

#[test]
fn only_families_that_we_have_are_used() {
    let url = Url::parse("http://t.example/").unwrap();
    let only_v6 = Families { v4: false, v6: true };
    let config = HttpConfig::default();
    let mut exchange = HttpExchange::new(Instant::START, &url, ACCESS, false, only_v6, &config, "t");
    exchange.handle_resolved(Instant::START, Ok(addresses(&["198.51.100.1"])));
    assert_eq!(
        outputs(&mut exchange).pop(),
        Some(HttpOutput::Done(Err(HttpError::NoAddress)))
    );
}

#[test]
fn a_trickling_server_is_cut_off() {
    // one byte a minute: the silence is too long
    let mut slow = exchange("http://198.51.100.1/");
    slow.handle_connected(Instant::START);
    slow.handle_received(Instant::START, b"H");
    assert_eq!(slow.deadline(), Some(Instant::from_secs(10)));
    slow.handle_timeout(Instant::from_secs(10));
    let timeout = || HttpOutput::Done(Err(HttpError::Timeout(Stage::Answer)));
    assert_eq!(outputs(&mut slow)[2..], [HttpOutput::Close, timeout()]);
    // one byte every nine seconds: the whole takes too long
    let mut slow = exchange("http://198.51.100.1/");
    slow.handle_connected(Instant::START);
    for second in [0, 9, 18, 27] {
        slow.handle_timeout(Instant::from_secs(second));
        slow.handle_received(
            Instant::from_secs(second),
            b"HTTP".get(second as usize / 9..=second as usize / 9).unwrap(),
        );
    }
    assert_eq!(slow.deadline(), Some(Instant::from_secs(30)));
    slow.handle_timeout(Instant::from_secs(30));
    assert_eq!(outputs(&mut slow).pop(), Some(timeout()));
}

#[test]
fn a_lookup_without_an_answer_ends_with_the_whole() {
    let mut exchange = exchange("http://t.example/");
    assert_eq!(exchange.deadline(), Some(Instant::from_secs(30)));
    exchange.handle_timeout(Instant::from_secs(30));
    let wanted = HttpOutput::Done(Err(HttpError::Timeout(Stage::Lookup)));
    assert_eq!(outputs(&mut exchange).pop(), Some(wanted));
    // what comes later changes nothing
    exchange.handle_resolved(Instant::from_secs(31), Ok(addresses(&["198.51.100.1"])));
    exchange.handle_connected(Instant::from_secs(31));
    exchange.handle_received(Instant::from_secs(31), b"x");
    exchange.handle_closed(Instant::from_secs(31), CloseCause::Eof);
    assert_eq!(outputs(&mut exchange), []);
}

/// Answers each request of `exchange` with the next location, resolving every name to `address`.
fn redirected(exchange: &mut HttpExchange, locations: &[&str], address: &str) -> Result<HttpBody, HttpError> {
    let mut locations = locations.iter();
    let mut all: alloc::collections::VecDeque<HttpOutput> = outputs(exchange).into();
    while let Some(output) = all.pop_front() {
        match output {
            HttpOutput::Resolve { .. } => exchange.handle_resolved(Instant::START, Ok(addresses(&[address]))),
            HttpOutput::Connect { .. } => exchange.handle_connected(Instant::START),
            HttpOutput::Send(_) => {
                let raw = match locations.next() {
                    Some(location) => {
                        format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")
                    }
                    None => String::from("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
                };
                exchange.handle_received(Instant::START, raw.as_bytes());
            }
            HttpOutput::Done(result) => return result,
            HttpOutput::Close | HttpOutput::Trace(_) => {}
        }
        all.extend(outputs(exchange));
    }
    panic!("it never ended");
}

#[test]
fn redirects() {
    let run = |url: &str, locations: &[&str]| redirected(&mut exchange(url), locations, "198.51.100.7");
    let five = ["/1", "http://u.example/2", "3", "https://u.example/4", "/5?x"];
    assert_eq!(
        run("http://t.example/0", &five).unwrap().final_url.to_string(),
        "https://u.example:443/5?x"
    );
    assert_eq!(
        run("http://t.example/0", &["/"; 6]),
        Err(HttpError::TooManyRedirects)
    );
    let refused = |why: &'static str| Err(HttpError::BadRedirect(why.into()));
    assert_eq!(
        run("https://t.example/", &["http://t.example/"]),
        refused("it leads from https to http")
    );
    assert_eq!(
        run("http://t.example/", &["ftp://t.example/"]),
        refused("its URL is not valid")
    );
    assert_eq!(
        run("http://t.example/", &["udp://t.example:1/"]),
        refused("it leads away from HTTP")
    );
    let idna = "it leads to an internationalised host name";
    assert_eq!(
        run("http://t.example/", &["http://xn--a.example/"]),
        refused(idna)
    );
    let local = Err(HttpError::Forbidden(
        "a global host may not redirect to a local one".into(),
    ));
    assert_eq!(
        run("http://t.example/", &["http://127.0.0.1:8080/announce"]),
        local
    );
    assert_eq!(run("http://t.example/", &["/a", "http://[::1]/announce"]), local);
    assert_eq!(run("http://t.example/", &["http://10.0.0.1/announce"]), local);
}

#[test]
fn a_typed_url_is_exempt_and_its_redirect_is_not() {
    let typed = Access {
        typed: true,
        ..ACCESS
    };
    let config = HttpConfig::default();
    let open = |url: &str| exchange_with(url, typed, &config);
    assert!(redirected(&mut open("http://127.0.0.1/x?y"), &[], "127.0.0.1").is_ok());
    let elsewhere = redirected(&mut open("http://127.0.0.1/x?y"), &["/shutdown"], "127.0.0.1");
    assert!(matches!(elsewhere, Err(HttpError::Forbidden(_))), "{elsewhere:?}");
    let lifted = Access {
        allow_local: true,
        ..ACCESS
    };
    let mut open = exchange_with("http://t.example/x", lifted, &config);
    assert!(redirected(&mut open, &["http://127.0.0.1/any?thing"], "198.51.100.7").is_ok());
}

#[test]
fn a_name_that_resolves_to_a_local_address_is_not_contacted() {
    let mut exchange = exchange("http://t.example/latest/meta-data/");
    exchange.handle_resolved(Instant::START, Ok(addresses(&["169.254.169.254", "127.0.0.1"])));
    let why = "a local tracker may only have the path /announce and no query";
    assert_eq!(
        outputs(&mut exchange).pop(),
        Some(HttpOutput::Done(Err(HttpError::Forbidden(why.into()))))
    );
}

#[test]
fn any_bytes_in_any_cut_do_no_harm() {
    fn property(head: u8, mut raw: Vec<u8>, cut: u8) -> bool {
        let heads: [&[u8]; 5] = [
            b"",
            b"HTTP/1.1 200 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x1f",
            b"HTTP/1.1 200 OK\r\nContent-Length: ",
        ];
        let mut whole = heads[usize::from(head) % heads.len()].to_vec();
        whole.append(&mut raw);
        let one = answer_cut(&whole, usize::from(cut).max(1));
        one == answer_cut(&whole, whole.len().max(1))
    }
    let mut check = QuickCheck::new().tests(2_000).rng(Gen::from_size_and_seed(60, 1));
    check.quickcheck(property as fn(u8, Vec<u8>, u8) -> bool);
}

#[test]
fn time_moves_on_after_every_timeout() {
    let config = HttpConfig {
        connect_timeout: Duration::from_secs(3),
        ..HttpConfig::default()
    };
    let mut exchange = exchange_with("http://t.example/", ACCESS, &config);
    let many: Vec<IpAddr> = (1..=200).map(|n| IpAddr::from([198, 51, 100, n])).collect();
    exchange.handle_resolved(Instant::START, Ok(many));
    let mut attempts = 0;
    while let Some(due) = exchange.deadline() {
        exchange.handle_timeout(due);
        assert!(exchange.deadline().is_none_or(|next| next > due));
        attempts += 1;
    }
    assert_eq!(attempts, 8, "no more addresses than the limit");
}
