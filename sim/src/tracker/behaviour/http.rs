//! What an HTTP tracker does wrong: with its bencoding, its head, its bytes, its connection.

use super::{Outcome, made_up};
use crate::scenario::Use;
use crate::tracker::bencode::Value;
use seedbed_engine::rng::Rng;
use seedbed_engine::time::Duration;
use std::collections::{BTreeMap, VecDeque};

mod bomb;

/// Bytes that something endless sends at the most: far beyond every limit of a client.
const ENDLESS_MAX: usize = 8 * 1024 * 1024;
/// What something endless sends at a time.
const ENDLESS_CHUNK: usize = 16 * 1024;

/// See the catalogue.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // each is a row of the catalogue, which says what it does
pub enum HttpKind {
    Refuse,
    Reset,
    Stall,
    Trickle,
    Status(u16),
    RedirectLoop,
    RedirectAway(i64),
    EndlessHead,
    EndlessLine,
    EndlessBody,
    BadChunk,
    BadLength,
    EarlyEof,
    GzipBomb,
    NotBencode,
    List,
    NoPeersKey,
    Failure(Option<i64>),
    Unregistered,
    Warning,
    RaggedPeers,
    DictPeers,
    Interval(Option<i64>),
    TrackerId,
    ScrapeOther,
    WrongTypes,
    KeepOpen,
    CutStopped,
}

/// What happens behind the last byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::tracker) enum End {
    Close,
    Stay,
}

/// An answer on its way out.
#[derive(Clone, Debug)]
pub(in crate::tracker) struct Answer {
    pub(in crate::tracker) status: String,
    /// Header lines beside those for length and connection.
    pub(in crate::tracker) headers: String,
    /// The length that is said; none says nothing.
    pub(in crate::tracker) length: Option<String>,
    pub(in crate::tracker) body: Vec<u8>,
    /// Bytes of the whole that are sent.
    pub(in crate::tracker) cut: Option<usize>,
    /// So many bytes at a time.
    pub(in crate::tracker) pace: Option<(usize, Duration)>,
    /// Repeated behind the rest, without end.
    pub(in crate::tracker) endless: Option<u8>,
    /// Whether the head ends.
    pub(in crate::tracker) head_ends: bool,
    pub(in crate::tracker) end: End,
}

impl Answer {
    pub(in crate::tracker) fn new(status: &str, body: Vec<u8>) -> Self {
        Self {
            status: status.into(),
            headers: String::new(),
            length: Some(body.len().to_string()),
            body,
            cut: None,
            pace: None,
            endless: None,
            head_ends: true,
            end: End::Close,
        }
    }

    /// The bytes, in the pieces in which they are sent, and the time between those.
    pub(in crate::tracker) fn pieces(self) -> (VecDeque<Vec<u8>>, Duration) {
        let mut whole = format!("HTTP/1.1 {}\r\n{}", self.status, self.headers).into_bytes();
        if self.head_ends {
            if let Some(length) = &self.length {
                whole.extend(format!("Content-Length: {length}\r\n").into_bytes());
            }
            let connection = if self.end == End::Stay {
                "keep-alive"
            } else {
                "close"
            };
            whole.extend(format!("Connection: {connection}\r\n\r\n").into_bytes());
            whole.extend_from_slice(&self.body);
        }
        if let Some(cut) = self.cut {
            whole.truncate(whole.len().saturating_sub(cut));
        }
        let mut pieces = VecDeque::new();
        let (size, gap) = self.pace.unwrap_or((usize::MAX, Duration::from_millis(10)));
        match size {
            usize::MAX => pieces.push_back(whole),
            size => pieces.extend(whole.chunks(size.max(1)).map(<[u8]>::to_vec)),
        }
        if let Some(byte) = self.endless {
            let mut chunk = vec![byte; ENDLESS_CHUNK];
            if byte == b':' {
                chunk = b"X-Filler: words, words, words\r\n".repeat(ENDLESS_CHUNK / 31);
            }
            pieces.extend(std::iter::repeat_n(chunk, ENDLESS_MAX / ENDLESS_CHUNK));
        }
        (pieces, gap)
    }
}

impl HttpKind {
    pub(super) fn of(name: &str, used: &Use) -> Option<Self> {
        let given = |name: &str| used.params.iter().any(|(known, _)| known == name);
        let optional = |name: &str| given(name).then(|| used.int(name, 0));
        Some(match name {
            "http-refuse" => Self::Refuse,
            "http-reset" => Self::Reset,
            "http-stall" => Self::Stall,
            "http-trickle" => Self::Trickle,
            "http-status" => Self::Status(u16::try_from(used.int("code", 503)).unwrap_or(503)),
            "http-redirect-loop" => Self::RedirectLoop,
            "http-redirect-away" => Self::RedirectAway(used.int("to", 2)),
            "http-endless-head" => Self::EndlessHead,
            "http-endless-line" => Self::EndlessLine,
            "http-endless-body" => Self::EndlessBody,
            "http-bad-chunk" => Self::BadChunk,
            "http-bad-length" => Self::BadLength,
            "http-early-eof" => Self::EarlyEof,
            "http-gzip-bomb" => Self::GzipBomb,
            "http-not-bencode" => Self::NotBencode,
            "http-list" => Self::List,
            "http-no-peers-key" => Self::NoPeersKey,
            "http-failure" => Self::Failure(optional("retry-in")),
            "http-unregistered" => Self::Unregistered,
            "http-warning" => Self::Warning,
            "http-ragged-peers" => Self::RaggedPeers,
            "http-dict-peers" => Self::DictPeers,
            "http-interval" => Self::Interval(optional("value")),
            "http-tracker-id" => Self::TrackerId,
            "http-scrape-other" => Self::ScrapeOther,
            "http-wrong-types" => Self::WrongTypes,
            "http-keep-open" => Self::KeepOpen,
            "http-cut-stopped" => Self::CutStopped,
            _ => return None,
        })
    }

    /// Whether a request is an occasion for it: an announce, one of `stopped`, or a scrape.
    pub(in crate::tracker) const fn concerns(&self, announce: bool, stopped: bool) -> bool {
        match self {
            Self::CutStopped => stopped,
            Self::ScrapeOther => !announce,
            // these happen to connections, before any request
            Self::Refuse | Self::Reset => false,
            _ => announce,
        }
    }

    /// What the asker can make of the answer.
    pub(in crate::tracker) const fn outcome(&self) -> Outcome {
        match self {
            Self::NoPeersKey
            | Self::Warning
            | Self::RaggedPeers
            | Self::DictPeers
            | Self::Interval(_)
            | Self::TrackerId
            | Self::WrongTypes
            | Self::KeepOpen
            | Self::ScrapeOther => Outcome::Good,
            _ => Outcome::Failed,
        }
    }

    /// Changes what is said. True if it was about that.
    pub(in crate::tracker) fn edit(&self, answer: &mut Value, rng: &mut Rng) -> bool {
        match self {
            Self::NotBencode => {
                let page = b"<!DOCTYPE html><title>Parked</title><p>This domain is for sale.";
                *answer = Value::Raw(page.to_vec());
            }
            Self::List => *answer = Value::List(vec![Value::text("peers"), Value::List(Vec::new())]),
            Self::Failure(retry) => *answer = refusal("come back later", *retry),
            Self::Unregistered => *answer = refusal("unregistered torrent", None),
            Self::ScrapeOther => {
                let counts = Value::dict([("complete", Some(Value::Integer(9)))]);
                let files = BTreeMap::from([(vec![0xee; 20], counts)]);
                *answer = Value::dict([("files", Some(Value::Dict(files)))]);
            }
            Self::NoPeersKey
            | Self::Warning
            | Self::RaggedPeers
            | Self::DictPeers
            | Self::Interval(_)
            | Self::TrackerId
            | Self::WrongTypes => {
                let Value::Dict(entries) = answer else {
                    return false;
                };
                self.edit_entries(entries, rng);
            }
            _ => return false,
        }
        true
    }

    fn edit_entries(&self, entries: &mut BTreeMap<Vec<u8>, Value>, rng: &mut Rng) {
        let mut set = |name: &str, value: Value| entries.insert(name.as_bytes().to_vec(), value);
        match self {
            Self::Warning => {
                set(
                    "warning message",
                    Value::text("this tracker moves house on Monday"),
                );
            }
            Self::Interval(Some(value)) => {
                set("interval", Value::Raw(format!("i{value}e").into_bytes()));
            }
            Self::TrackerId => {
                set("tracker id", Value::text(&format!("id {}", rng.below(1_000_000))));
            }
            Self::WrongTypes => {
                set("interval", Value::text("1800"));
                set("min interval", Value::List(Vec::new()));
                set("complete", Value::text("many"));
                set("incomplete", Value::Dict(BTreeMap::new()));
                set("tracker id", Value::Integer(7));
                set("warning message", Value::Integer(7));
                set("external ip", Value::Integer(7));
            }
            Self::Interval(None) => {
                entries.remove(b"interval".as_slice());
            }
            Self::NoPeersKey => entries.retain(|key, _| !key.starts_with(b"peers")),
            Self::RaggedPeers => {
                if let Some(Value::Bytes(peers)) = entries.get_mut(b"peers".as_slice()) {
                    peers.extend((0..=rng.below(5)).map(|_| 0xff));
                }
            }
            Self::DictPeers => {
                if let Some(peers) = entries.get_mut(b"peers".as_slice()) {
                    *peers = Value::List(dict_peers(peers, rng));
                }
            }
            _ => {}
        }
    }

    /// Changes how it is said. True if it was about that.
    pub(in crate::tracker) fn frame(&self, here: &str, answer: &mut Answer) -> bool {
        let mut head = |length: Option<&str>, header: &str| {
            answer.headers.push_str(header);
            answer.length = length.map(Into::into);
        };
        match self {
            Self::Trickle => answer.pace = Some((1, Duration::from_secs(1))),
            Self::Status(code) => {
                *answer = Answer::new(&format!("{code} No"), b"no such thing here\n".to_vec());
            }
            Self::RedirectLoop => {
                *answer = Answer::new("301 Moved", Vec::new());
                answer.headers = format!("Location: http://{here}/announce\r\n");
            }
            Self::RedirectAway(to) => {
                *answer = Answer::new("302 Found", Vec::new());
                let place = match to {
                    0 => "http://198.18.0.1:81/announce",
                    1 => "udp://198.18.0.1:81/announce",
                    _ => "http://127.0.0.1:9091/transmission/rpc?method=torrent-add",
                };
                answer.headers = format!("Location: {place}\r\n");
            }
            Self::EndlessHead => (answer.head_ends, answer.endless) = (false, Some(b':')),
            Self::EndlessLine => {
                head(None, "X-Filler: ");
                (answer.head_ends, answer.endless) = (false, Some(b'a'));
            }
            Self::EndlessBody => {
                head(None, "");
                answer.endless = Some(b'a');
            }
            Self::BadChunk => {
                head(None, "Transfer-Encoding: chunked\r\n");
                answer.body.splice(0..0, *b"five\r\n");
            }
            Self::BadLength => head(Some("as long as it takes"), ""),
            Self::EarlyEof => answer.cut = Some(answer.body.len() / 2 + 1),
            Self::GzipBomb => {
                answer.body = bomb::gzip();
                answer.headers.push_str("Content-Encoding: gzip\r\n");
                answer.length = Some(answer.body.len().to_string());
            }
            Self::KeepOpen => answer.end = End::Stay,
            Self::CutStopped => answer.cut = Some(answer.body.len() / 2 + 1),
            _ => return false,
        }
        true
    }
}

fn refusal(text: &str, retry: Option<i64>) -> Value {
    let retry = retry.map(|minutes| match u64::try_from(minutes) {
        Ok(minutes) => Value::Integer(minutes),
        Err(_) => Value::text("never"),
    });
    Value::dict([("failure reason", Some(Value::text(text))), ("retry in", retry)])
}

/// The compact peers as dictionaries, with entries between them that are wrong in one way each.
fn dict_peers(compact: &Value, rng: &mut Rng) -> Vec<Value> {
    let ip = || Some(Value::text("198.18.0.9"));
    let port = || Some(Value::Integer(6881));
    let mut list = vec![
        Value::dict([("ip", ip()), ("port", Some(Value::Integer(0)))]),
        Value::dict([("ip", ip()), ("port", Some(Value::Integer(70_000)))]),
        Value::dict([("ip", ip()), ("port", Some(Value::Raw(b"i-1e".to_vec())))]),
        Value::dict([("ip", ip()), ("port", Some(Value::text("6881")))]),
        Value::dict([("port", port())]),
        Value::dict([("ip", Some(Value::text("not an address!"))), ("port", port())]),
        Value::dict([("ip", Some(Value::Integer(7))), ("port", port())]),
        Value::Integer(7),
    ];
    let Value::Bytes(compact) = compact else {
        return list;
    };
    let (entries, _) = compact.as_chunks::<6>();
    for [a, b, c, d, high, low] in entries {
        let id = rng.chance(1, 2).then(|| Value::text("too short"));
        list.push(Value::dict([
            ("ip", Some(Value::text(&format!("{a}.{b}.{c}.{d}")))),
            ("peer id", id),
            (
                "port",
                Some(Value::Integer(u16::from_be_bytes([*high, *low]).into())),
            ),
        ]));
    }
    let absent = made_up(rng, false);
    list.push(Value::dict([
        ("ip", Some(Value::text("absent.invalid"))),
        ("port", Some(Value::Integer(absent.port().into()))),
    ]));
    list
}
