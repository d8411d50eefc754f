//! Trackers: packets of UDP ones, answers and framing of HTTP ones, and which URLs are contacted.
//!
//! A packet is given to the whole request machine, not to a decoder: "ignore" then means that nothing at all changes.

use std::net::{IpAddr, SocketAddr};
use tests::corpus as score;

use seedbed_engine::config::{HttpConfig, TrackerConfig};
use seedbed_engine::http::{
    Access, Families, HttpBody, HttpError, HttpExchange, HttpOutput, Url, Use, is_idna,
};
use seedbed_engine::id::{InfoHash, PeerId};
use seedbed_engine::net::CloseCause;
use seedbed_engine::rng::Rng;
use seedbed_engine::time::Instant;
use seedbed_engine::tracker::http::parse_announce;
use seedbed_engine::tracker::udp::{UdpExchanges, UdpKey, UdpOutput, encode_announce, encode_scrape};
use seedbed_engine::tracker::url::has_reserved_argument;
use seedbed_engine::tracker::{
    AnnounceError, AnnounceEvent, AnnounceParams, AnnounceReply, RequestId, RequestKind, RetryIn,
    TrackerReply, TrackerUrl,
};
use serde_json::Value;

fn text<'a>(case: &'a Value, key: &str) -> &'a str {
    case[key].as_str().unwrap_or_else(|| panic!("{key} of {case}"))
}

fn hex(digits: &str) -> Vec<u8> {
    let pairs = digits
        .as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).expect("ASCII"));
    pairs
        .map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal"))
        .collect()
}

fn hash(digits: &str) -> [u8; 20] {
    hex(digits).try_into().expect("20 bytes")
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("a number: {value}"))
}

fn params(fields: &Value) -> AnnounceParams {
    let name = |key: &str, default: &str| hash(fields[key].as_str().unwrap_or(default));
    AnnounceParams {
        info_hash: InfoHash(name("info_hash", "000102030405060708090a0b0c0d0e0f10111213")),
        peer_id: PeerId(name("peer_id", "2d5858303030312d6162636465666768696a6b6c")),
        port: u16::try_from(fields["port"].as_u64().unwrap_or(6881)).expect("a port"),
        uploaded: fields["uploaded"].as_u64().unwrap_or(0),
        downloaded: fields["downloaded"].as_u64().unwrap_or(0),
        left: fields["left"].as_u64().unwrap_or(0),
        event: match fields["event"].as_str() {
            Some("started") => AnnounceEvent::Started,
            Some("completed") => AnnounceEvent::Completed,
            Some("stopped") => AnnounceEvent::Stopped,
            Some("none") | None => AnnounceEvent::None,
            Some(other) => panic!("event {other}"),
        },
        key: u32::try_from(fields["key"].as_u64().unwrap_or(1)).expect("32 bits"),
        numwant: fields["num_want"]
            .as_u64()
            .map(|count| u32::try_from(count).expect("32 bits")),
        tracker_id: None,
        encryption: seedbed_engine::config::Encryption::Off,
    }
}

/// A request whose packet `action` is on its way, and the transaction id of that packet.
fn pending(action: &str, v6: bool, count: usize) -> (UdpExchanges, SocketAddr, u32) {
    let tracker: SocketAddr = if v6 {
        "[2001:db8::9]:6969"
    } else {
        "198.51.100.9:6969"
    }
    .parse()
    .expect("an address");
    let mut udp = UdpExchanges::new(TrackerConfig::default(), Rng::from_seed([1; 32]));
    let kind = match action {
        "scrape" => RequestKind::Scrape(
            (0..count)
                .map(|n| InfoHash([u8::try_from(n).unwrap_or(0); 20]))
                .collect(),
        ),
        _ => RequestKind::Announce(params(&Value::Null)),
    };
    let request = RequestId(1);
    udp.start(
        Instant::START,
        UdpKey { request, v6 },
        vec![tracker],
        kind,
        "",
        None,
    );
    let mut transaction = last_transaction(&mut udp);
    if action != "connect" {
        let answer = [&[0; 4], &transaction.to_be_bytes()[..], &[5; 8]].concat();
        assert!(udp.handle_datagram(Instant::START, tracker, &answer));
        transaction = last_transaction(&mut udp);
    }
    (udp, tracker, transaction)
}

fn last_transaction(udp: &mut UdpExchanges) -> u32 {
    let mut last = None;
    while let Some(output) = udp.poll_output() {
        if let UdpOutput::Datagram { data, .. } = output {
            last = data
                .get(12..16)
                .map(|id| u32::from_be_bytes(id.try_into().expect("four bytes")));
        }
    }
    last.expect("a datagram")
}

fn outcome(udp: &mut UdpExchanges) -> Option<Result<TrackerReply, AnnounceError>> {
    let outputs = std::iter::from_fn(|| udp.poll_output());
    outputs.fold(None, |found, output| match output {
        UdpOutput::Done { result, .. } => Some(result),
        UdpOutput::Datagram { .. } | UdpOutput::Asked { .. } | UdpOutput::Trace { .. } => found,
    })
}

#[test]
fn udp_tracker() {
    score::check_asserting("udp_tracker", |case| match text(case, "kind") {
        "request" => check_udp_request(case),
        "response" => check_udp_response(case),
        other => panic!("kind {other}"),
    });
}

fn check_udp_request(case: &Value) {
    let wanted = hex(text(case, "hex"));
    let fields = &case["fields"];
    let word = |from: usize| u32::from_be_bytes(wanted[from..from + 4].try_into().expect("four bytes"));
    let connection = u64::from(word(0)) << 32 | u64::from(word(4));
    let got = match word(8) {
        0 => seedbed_engine::tracker::udp::encode_connect(word(12)),
        1 => {
            // the case leaves out what it does not pin: taken from its bytes
            let mut params = params(fields);
            if fields["event"].is_null() {
                params.left = 0x4000;
                params.event = AnnounceEvent::Started;
            }
            let url_data = if wanted.len() > 98 {
                &wanted[100..100 + usize::from(wanted[99])]
            } else {
                &[]
            };
            encode_announce(
                connection,
                word(12),
                &params,
                std::str::from_utf8(url_data).expect("ASCII"),
            )
        }
        2 => {
            let hashes = fields["info_hashes"].as_array().expect("hashes").iter();
            let hashes: Vec<InfoHash> = hashes.map(|h| InfoHash(hash(h.as_str().expect("hex")))).collect();
            encode_scrape(connection, word(12), &hashes)
        }
        other => panic!("action {other}"),
    };
    // the options' padding is free
    let pinned = if case["expect"] == "either" {
        98
    } else {
        wanted.len()
    };
    assert_eq!(got[..pinned], wanted[..pinned], "{}", case["id"]);
}

fn check_udp_response(case: &Value) {
    let id = &case["id"];
    let count = case["pending"]["count"].as_u64().unwrap_or(1);
    let action = text(&case["pending"], "action");
    let v6 = case["family"] == "v6";
    let (mut udp, tracker, transaction) = pending(action, v6, usize::try_from(count).expect("a few"));
    let before = format!("{udp:?}");
    // our transaction id in the place of the case's, a wrong one as wrong as it was
    let mut packet = hex(text(case, "hex"));
    if let Some(bytes) = packet.get_mut(4..8) {
        let theirs = u32::try_from(number(&case["pending"]["transaction_id"])).expect("32 bits");
        let sent = u32::from_be_bytes(bytes.try_into().expect("four bytes"));
        bytes.copy_from_slice(&(sent ^ theirs ^ transaction).to_be_bytes());
    }
    let ours = udp.handle_datagram(Instant::START, tracker, &packet);
    let changed = format!("{udp:?}") != before;
    let outcome = outcome(&mut udp);
    match (text(case, "expect"), outcome) {
        ("ignore", None) => assert!(!ours && !changed, "{id}"),
        ("accept", None) if action == "connect" => assert!(ours, "{id}"),
        ("accept" | "either", Some(Ok(TrackerReply::Announce(reply)))) => check_udp_reply(case, &reply),
        ("accept" | "either", Some(Ok(TrackerReply::Scrape(reply)))) => {
            let files = case["value"]["files"].as_array().expect("files");
            assert_eq!(reply.files.len(), files.len(), "{id}");
            for (entry, wanted) in reply.files.iter().zip(files) {
                let numbers = [entry.seeders, entry.completed, entry.leechers].map(u64::from);
                assert_eq!(
                    numbers,
                    ["seeders", "completed", "leechers"].map(|key| number(&wanted[key])),
                    "{id}"
                );
            }
        }
        ("error", Some(Err(AnnounceError::Failure { text: shown, .. }))) => {
            let message = hex(text(&case["value"], "message_hex"));
            let plain = String::from_utf8_lossy(&message);
            assert!(plain.starts_with(shown.trim_end_matches('…')), "{id}: {shown}");
        }
        ("either", None | Some(Err(_))) => {}
        (expect, outcome) => panic!("{id}: expected {expect}, got {outcome:?}"),
    }
}

fn check_udp_reply(case: &Value, reply: &AnnounceReply) {
    let (id, value) = (&case["id"], &case["value"]);
    let peers: Vec<String> = reply.peers.iter().map(|peer| peer.addr.to_string()).collect();
    let strings = |key: &str| -> Vec<&str> {
        value[key]
            .as_array()
            .map(|list| list.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default()
    };
    if value["peers"].is_array() {
        assert_eq!(peers, strings("peers"), "{id}");
    }
    assert!(
        strings("must_not_dial")
            .iter()
            .all(|banned| !peers.iter().any(|peer| peer == banned)),
        "{id}"
    );
    assert!(
        strings("may_dial")
            .iter()
            .all(|wanted| peers.iter().any(|peer| peer == wanted)),
        "{id}"
    );
    let numbers = [
        ("interval", reply.interval.map(|interval| interval.as_secs())),
        ("interval_raw", reply.interval.map(|interval| interval.as_secs())),
        ("seeders", reply.seeders.map(u64::from)),
        ("leechers", reply.leechers.map(u64::from)),
    ];
    for (key, got) in numbers {
        assert!(
            value[key].is_null() || value[key].as_u64() == got,
            "{id}: {key} is {got:?}"
        );
    }
}

#[test]
fn http_tracker() {
    score::check_asserting("http_tracker", |case| {
        let id = &case["id"];
        let value = &case["value"];
        let result = parse_announce(&hex(text(case, "body_hex")), 1000);
        match (text(case, "expect"), result) {
            ("accept" | "either", Ok(reply)) => check_http_reply(case, &reply),
            ("either", Err(_)) => {}
            (
                "failure",
                Err(AnnounceError::Failure {
                    text: shown,
                    retry_in,
                    ..
                }),
            ) => {
                assert_eq!(Some(shown.as_str()), value["failure"].as_str(), "{id}");
                let never = value["retry"] == "never";
                assert_eq!(retry_in == Some(RetryIn::Never), never, "{id}");
                if let Some(minutes) = value["retry"].as_u64() {
                    let wait = std::time::Duration::from_secs(minutes * 60);
                    assert_eq!(retry_in, Some(RetryIn::After(wait)), "{id}");
                }
            }
            // a scrape's answer is no announce's, but no fault either
            ("scrape", _) => check_scrape(case),
            ("invalid", Err(AnnounceError::Malformed(_))) => {}
            (expect, result) => panic!("{id}: expected {expect}, got {result:?}"),
        }
    });
}

fn check_http_reply(case: &Value, reply: &AnnounceReply) {
    let (id, value) = (&case["id"], &case["value"]);
    for key in ["peers", "distinct_peers"] {
        let Some(wanted) = value[key].as_array() else {
            continue;
        };
        let wanted: Vec<String> = wanted
            .iter()
            .map(|peer| format!("{} {}", text_of(&peer[0]), peer[1]))
            .collect();
        let addresses = reply
            .peers
            .iter()
            .map(|peer| format!("{} {}", peer.addr.ip(), peer.addr.port()));
        let hosts = reply.hosts.iter().map(|(host, port)| format!("{host} {port}"));
        let got: Vec<String> = addresses.chain(hosts).collect();
        assert_eq!(got, wanted, "{id}");
    }
    if let Some(interval) = value["interval"].as_u64() {
        assert_eq!(reply.interval.map(|got| got.as_secs()), Some(interval), "{id}");
    }
    if value["interval_raw"].as_i64().is_some_and(|raw| raw <= 0) {
        assert_eq!(reply.interval, None, "{id}");
    }
    if let Some(address) = value["external_ip"].as_str() {
        assert_eq!(
            reply.external_ip.map(|ip| ip.to_string()).as_deref(),
            Some(address),
            "{id}"
        );
    }
    assert_eq!(reply.warning.as_deref(), value["warning"].as_str(), "{id}");
}

fn check_scrape(case: &Value) {
    let body = hex(text(case, "body_hex"));
    let wanted = case["value"]["files"].as_object();
    for (name, numbers) in wanted.into_iter().flatten() {
        let info_hash = InfoHash(hash(name));
        let reply = seedbed_engine::tracker::http::parse_scrape(&body, &[info_hash]);
        let entry = reply.expect("a scrape").files.first().copied().expect("an entry");
        for (key, got) in [
            ("complete", entry.seeders),
            ("incomplete", entry.leechers),
            ("downloaded", entry.completed),
        ] {
            assert!(
                numbers[key].is_null() || numbers[key].as_u64() == Some(got.into()),
                "{}",
                case["id"]
            );
        }
    }
}

fn text_of(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// Runs a GET of `url`; every name resolves to `address`, and each of `locations` is redirected to in turn.
fn get(
    url: &str,
    purpose: Use,
    address: IpAddr,
    locations: &[&str],
    raw: &[u8],
) -> Result<HttpBody, HttpError> {
    let url = Url::parse(url).expect("a URL");
    let access = Access {
        purpose,
        allow_local: false,
        typed: false,
    };
    let families = Families { v4: true, v6: true };
    let user_query = url.query().is_some();
    let config = HttpConfig::default();
    let mut exchange = HttpExchange::new(
        Instant::START,
        &url,
        access,
        user_query,
        families,
        &config,
        "corpus",
    );
    let mut locations = locations.iter();
    loop {
        match exchange.poll_output() {
            Some(HttpOutput::Resolve { .. }) => exchange.handle_resolved(Instant::START, Ok(vec![address])),
            Some(HttpOutput::Connect { .. }) => exchange.handle_connected(Instant::START),
            Some(HttpOutput::Send(_)) => match locations.next() {
                Some(location) => {
                    let redirect =
                        format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
                    exchange.handle_received(Instant::START, redirect.as_bytes());
                }
                None => {
                    exchange.handle_received(Instant::START, raw);
                    exchange.handle_closed(Instant::START, CloseCause::Eof);
                }
            },
            Some(HttpOutput::Done(result)) => return result,
            Some(HttpOutput::Close | HttpOutput::Trace(_)) => {}
            None => panic!("the exchange never ended"),
        }
    }
}

const GLOBAL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 5));
const EMPTY: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

#[test]
fn http_framing() {
    score::check_asserting("http_framing", |case| {
        let id = &case["id"];
        let raw = hex(text(case, "raw_hex"));
        let result = get("http://tracker.example/announce", Use::Tracker, GLOBAL, &[], &raw);
        match text(case, "expect") {
            "error" | "error_or_wait" => assert!(result.is_err(), "{id}: {result:?}"),
            "no_crash" => {}
            // cases of this kind name the body
            "accept" | "ok" => {
                let body = result.unwrap_or_else(|error| panic!("{id}: {error}")).body;
                let wanted = case["body_hex"].as_str().map(hex);
                assert!(wanted.is_none_or(|wanted| wanted == body), "{id}");
            }
            other => panic!("{id}: expect {other}"),
        }
    });
}

#[test]
fn url_rules() {
    score::check_asserting("url_rules", |case| {
        let input = &case["input"];
        let got = match text(case, "kind") {
            "tracker_query_has_reserved_argument" => has_reserved_argument(text_of(input)),
            "is_idna_host" => is_idna(text_of(input)),
            "tracker_url_allowed" => TrackerUrl::parse(text_of(input)).is_ok(),
            "ssrf" => {
                let loopback = IpAddr::from([127, 0, 0, 1]);
                let name = text_of(input).contains("localhost");
                get(
                    text_of(input),
                    purpose(case),
                    if name { loopback } else { GLOBAL },
                    &[],
                    EMPTY,
                )
                .is_ok()
            }
            "ssrf_redirect" => {
                let hops: Vec<&str> = input.as_array().expect("hops").iter().map(text_of).collect();
                let (first, rest) = hops.split_first().expect("a URL");
                get(first, purpose(case), GLOBAL, rest, EMPTY).is_ok()
            }
            other => panic!("kind {other}"),
        };
        assert_eq!(Some(got), case["expect"].as_bool(), "{}", case["id"]);
    });
}

fn purpose(case: &Value) -> Use {
    match text(case, "use") {
        "tracker" => Use::Tracker,
        _ => Use::Fetch,
    }
}
