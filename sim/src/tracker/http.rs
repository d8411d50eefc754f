//! Answers to HTTP requests (BEP 3, compact peers BEP 23, IPv6 BEP 7, scrape BEP 48).
//!
//! Whatever is wrong with a request is said in the bencoded `failure reason` of a 200 answer, as trackers do;
//! only what is no tracker request at all gets an HTTP error.

use super::bencode::Value;
use super::udp::push_compact;
use super::{Announce, AnnounceEvent, Answer, Peer, Tracker, Transport};
use seedbed_engine::time::Instant;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// Bytes of a request head at the most; tracker URLs are far shorter.
const HEAD_MAX: usize = 16 * 1024;

/// Length of the request head at the front of `data`, its empty line included; `None` while it is not all there.
///
/// A head that is too long counts as ended, so that [`Tracker::request`] can refuse it.
pub fn head_length(data: &[u8]) -> Option<usize> {
    let end = data.windows(4).position(|window| window == b"\r\n\r\n");
    end.map(|at| at + 4)
        .or((data.len() > HEAD_MAX).then_some(data.len()))
}

impl Tracker {
    /// Answers one HTTP request (its head; announces have no body). The connection is to be closed after it.
    pub fn request(&mut self, now: Instant, from: SocketAddr, request: &[u8]) -> Vec<u8> {
        match self.answer(now, from, request) {
            Ok(reply) => {
                let mut body = Vec::new();
                reply.write(&mut body);
                response("200 OK", &body)
            }
            Err((status, text)) => response(status, text.as_bytes()),
        }
    }

    /// What is said to a request, or the status and text for something that is none.
    pub(super) fn answer(
        &mut self,
        now: Instant,
        from: SocketAddr,
        request: &[u8],
    ) -> Result<Value, (&'static str, &'static str)> {
        let Some((path, query)) = target(request) else {
            return Err(("400 Bad Request", "not an HTTP GET request\n"));
        };
        let parameters = Parameters::parse(query);
        let last = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let outcome = if last.starts_with(b"announce") {
            parse_announce(now, from, &parameters).and_then(|announce| {
                self.announce(announce)
                    .map(|answer| self.http_reply(&parameters, &answer))
            })
        } else if last.starts_with(b"scrape") {
            self.scrape(&parameters)
        } else {
            return Err(("404 Not Found", "this tracker answers /announce and /scrape\n"));
        };
        Ok(outcome.unwrap_or_else(|text| Value::dict([("failure reason", Some(Value::text(&text)))])))
    }

    fn http_reply(&self, parameters: &Parameters, answer: &Answer) -> Value {
        let (peers, peers6) = if parameters.get("compact") == Some(b"0") {
            (Value::List(listed(parameters, &answer.peers)), None)
        } else {
            compact(&answer.peers)
        };
        Value::dict([
            ("complete", Some(Value::Integer(answer.seeders.into()))),
            ("incomplete", Some(Value::Integer(answer.leechers.into()))),
            ("interval", Some(Value::Integer(self.limits.interval.as_secs()))),
            (
                "min interval",
                self.limits.interval_min.map(|d| Value::Integer(d.as_secs())),
            ),
            ("peers", Some(peers)),
            ("peers6", peers6),
            ("warning message", self.warning.as_deref().map(Value::text)),
        ])
    }

    fn scrape(&self, parameters: &Parameters) -> Result<Value, String> {
        if let Some(text) = &self.failure {
            return Err(text.clone());
        }
        let mut files = BTreeMap::new();
        for hash in parameters.all("info_hash") {
            let hash: [u8; 20] = hash.try_into().map_err(|_| "info_hash is not 20 bytes")?;
            if let Some(swarm) = self.swarm(&hash) {
                let counts = Value::dict([
                    ("complete", Some(Value::Integer(swarm.seeders().into()))),
                    ("downloaded", Some(Value::Integer(swarm.completed().into()))),
                    ("incomplete", Some(Value::Integer(swarm.leechers().into()))),
                ]);
                files.insert(hash.to_vec(), counts);
            }
        }
        Ok(Value::dict([("files", Some(Value::Dict(files)))]))
    }
}

/// Path and query of a GET request; `None` if it is none or has no end.
fn target(request: &[u8]) -> Option<(&[u8], &[u8])> {
    if request.len() > HEAD_MAX || !request.windows(4).any(|window| window == b"\r\n\r\n") {
        return None;
    }
    let line = request.split(|byte| *byte == b'\r').next()?;
    let mut words = line.split(|byte| *byte == b' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    if method != b"GET" || !version.starts_with(b"HTTP/1.") {
        return None;
    }
    Some(match target.iter().position(|byte| *byte == b'?') {
        Some(at) => (&target[..at], &target[at + 1..]),
        None => (target, b""),
    })
}

/// The parameters of an announce; a sentence if one is missing or wrong.
fn parse_announce(now: Instant, from: SocketAddr, parameters: &Parameters) -> Result<Announce, String> {
    let event = match parameters.get("event") {
        None | Some(b"" | b"empty") => AnnounceEvent::None,
        Some(b"paused") => AnnounceEvent::Paused,
        Some(b"completed") => AnnounceEvent::Completed,
        Some(b"started") => AnnounceEvent::Started,
        Some(b"stopped") => AnnounceEvent::Stopped,
        Some(_) => return Err("event is unknown".into()),
    };
    let port = u16::try_from(parameters.number("port")?).map_err(|_| "port is no port")?;
    Ok(Announce {
        at: now,
        from,
        transport: Transport::Http,
        info_hash: parameters.array("info_hash")?,
        peer_id: parameters.array("peer_id")?,
        port,
        uploaded: parameters.number("uploaded")?,
        downloaded: parameters.number("downloaded")?,
        left: parameters.number("left")?,
        event,
        num_want: match parameters.get("numwant") {
            None => None,
            Some(_) => u32::try_from(parameters.number("numwant")?).ok(),
        },
        key: parameters
            .get("key")
            .and_then(|key| u32::from_str_radix(std::str::from_utf8(key).ok()?, 16).ok()),
        tracker_id: parameters.get("trackerid").map(<[u8]>::to_vec),
        accepted: false,
    })
}

/// IPv4 peers as one byte string, IPv6 peers, if there are any, as another.
fn compact(peers: &[Peer]) -> (Value, Option<Value>) {
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    for peer in peers {
        push_compact(if peer.addr.is_ipv4() { &mut v4 } else { &mut v6 }, peer.addr);
    }
    (Value::Bytes(v4), (!v6.is_empty()).then_some(Value::Bytes(v6)))
}

/// Peers as a list of dictionaries, without their ids if `no_peer_id` says so.
fn listed(parameters: &Parameters, peers: &[Peer]) -> Vec<Value> {
    let without_id = parameters.get("no_peer_id") == Some(b"1");
    peers
        .iter()
        .map(|peer| {
            Value::dict([
                ("ip", Some(Value::text(&peer.addr.ip().to_string()))),
                (
                    "peer id",
                    (!without_id).then(|| Value::Bytes(peer.peer_id.to_vec())),
                ),
                ("port", Some(Value::Integer(peer.addr.port().into()))),
            ])
        })
        .collect()
}

fn response(status: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    let mut out = head.into_bytes();
    out.extend_from_slice(body);
    out
}

/// The parameters of a query, decoded, in their order.
struct Parameters(Vec<(Vec<u8>, Vec<u8>)>);

impl Parameters {
    fn parse(query: &[u8]) -> Self {
        let pairs = query.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| {
                    let mut halves = pair.splitn(2, |byte| *byte == b'=');
                    let name = decode(halves.next().unwrap_or_default());
                    (name, decode(halves.next().unwrap_or_default()))
                })
                .collect(),
        )
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let pairs = self.0.iter().filter(move |(key, _)| key == name.as_bytes());
        pairs.map(|(_, value)| value.as_slice())
    }

    fn get(&self, name: &str) -> Option<&[u8]> {
        let (_, value) = self.0.iter().find(|(key, _)| key == name.as_bytes())?;
        Some(value)
    }

    fn number(&self, name: &str) -> Result<u64, String> {
        let value = self.get(name).ok_or_else(|| format!("{name} is missing"))?;
        let text = std::str::from_utf8(value).unwrap_or_default();
        text.parse().map_err(|_| format!("{name} is not a number"))
    }

    fn array<const N: usize>(&self, name: &str) -> Result<[u8; N], String> {
        let value = self.get(name).ok_or_else(|| format!("{name} is missing"))?;
        value.try_into().map_err(|_| format!("{name} is not {N} bytes"))
    }
}

/// Percent-decoding; a `%` without two hexadecimal digits stands for itself, `+` is a plus.
fn decode(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        let escaped = (*first == b'%').then(|| tail.split_first_chunk::<2>()).flatten();
        let byte = escaped.and_then(|([high, low], after)| {
            let digit = |c: u8| char::from(c).to_digit(16);
            Some((u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()?, after))
        });
        match byte {
            Some((byte, after)) => {
                out.push(byte);
                rest = after;
            }
            None => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    out
}
