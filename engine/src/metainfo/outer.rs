//! What stands beside `info`: trackers (BEP 3, BEP 12), web seeds (BEP 17, BEP 19), nodes (BEP 5).
//!
//! Nothing here makes a torrent unusable: what cannot be read is left out and told as a lint.

use super::fields::{Encoding, Fields, decode};
use super::lint::Lints;
use crate::bencode::Value;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

/// More URLs of a kind than this are left out: lists of public trackers have some hundreds.
pub const URLS_MAX: usize = 1_000;

/// A longer URL is left out: longer than any passkey, short enough for a request line.
pub const URL_LENGTH_MAX: usize = 4_096;

/// More DHT nodes than this are left out; a handful is enough to join.
pub const NODES_MAX: usize = 100;

/// What stands beside `info`.
#[derive(Default)]
pub(super) struct Outer<'a> {
    pub(super) trackers: Vec<Vec<String>>,
    pub(super) web_seeds: Vec<String>,
    pub(super) http_seeds: Vec<String>,
    pub(super) nodes: Vec<(String, u16)>,
    pub(super) comment: Option<String>,
    pub(super) created_by: Option<String>,
    pub(super) creation_date: Option<i64>,
    pub(super) piece_layers: Option<Value<'a>>,
}

impl<'a> Outer<'a> {
    pub(super) fn read(fields: &Fields<'a>, encoding: Encoding, lints: &mut Lints) -> Self {
        Self {
            trackers: trackers(fields, lints),
            web_seeds: urls(fields, "url-list", lints),
            http_seeds: urls(fields, "httpseeds", lints),
            nodes: nodes(fields, lints),
            comment: fields.text("comment", encoding, lints),
            created_by: fields.text("created by", encoding, lints),
            creation_date: creation_date(fields),
            piece_layers: fields.get("piece layers"),
        }
    }
}

/// Seconds since 1970; a date before that is a mistake and none.
fn creation_date(fields: &Fields<'_>) -> Option<i64> {
    let seconds = fields.get("creation date").and_then(Value::as_int);
    seconds.filter(|seconds| *seconds >= 0)
}

/// A URL as libtorrent reads one: leading white space dropped.
fn url(value: Value<'_>) -> Option<String> {
    let bytes = value.as_bytes()?;
    if bytes.len() > URL_LENGTH_MAX {
        return None;
    }
    let (text, _) = decode(bytes, Encoding::Utf8);
    let url = text.trim_start();
    (!url.is_empty()).then(|| url.into())
}

fn trackers(fields: &Fields<'_>, lints: &mut Lints) -> Vec<Vec<String>> {
    let announce = fields.get("announce").and_then(url);
    let mut tiers: Vec<Vec<String>> = Vec::new();
    let mut count = 0;
    let mut left_out = 0;
    for tier in fields
        .get("announce-list")
        .and_then(Value::as_list)
        .into_iter()
        .flatten()
    {
        let mut urls = Vec::new();
        // some torrents list the URLs themselves: each is a tier of its own
        let flat = tier.as_bytes().map(|_| tier);
        for entry in tier.as_list().into_iter().flatten().chain(flat) {
            match url(entry) {
                Some(url) if count < URLS_MAX => {
                    count += 1;
                    urls.push(url);
                }
                Some(_) => left_out += 1,
                // empty strings are common and mean nothing
                None => left_out += usize::from(entry.as_bytes() != Some(b"")),
            }
        }
        if !urls.is_empty() {
            tiers.push(urls);
        }
    }
    if left_out > 0 {
        lints.add(
            "announce-list",
            format!("{left_out} entries of `announce-list` are left out"),
        );
    }
    match announce {
        Some(announce) if tiers.is_empty() => tiers.push(vec![announce]),
        Some(announce) if !tiers.iter().flatten().any(|url| *url == announce) => {
            let text = format!("`announce` is {announce}, which is not in `announce-list`; the list counts");
            lints.add("announce-not-listed", text);
        }
        _ => {}
    }
    tiers
}

/// A URL, or a list of them, each once. Spaces and other bytes that no request line may hold are percent-encoded.
fn urls(fields: &Fields<'_>, key: &str, lints: &mut Lints) -> Vec<String> {
    let Some(value) = fields.get(key) else {
        return Vec::new();
    };
    let single = value.as_bytes().map(|_| value);
    let mut urls: Vec<String> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut left_out = 0;
    for entry in value.as_list().into_iter().flatten().chain(single) {
        match url(entry).map(|url| escape(&url)) {
            Some(url) if urls.len() < URLS_MAX => {
                if seen.insert(url.clone()) {
                    urls.push(url);
                }
            }
            // an empty string is how some programs write "none"
            None if entry.as_bytes() == Some(b"") => {}
            _ => left_out += 1,
        }
    }
    if left_out > 0 {
        lints.add("web-seeds", format!("{left_out} entries of `{key}` are left out"));
    }
    urls
}

fn escape(url: &str) -> String {
    let mut escaped = String::with_capacity(url.len());
    for byte in url.bytes() {
        if byte.is_ascii_graphic() {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

fn nodes(fields: &Fields<'_>, lints: &mut Lints) -> Vec<(String, u16)> {
    let node = |entry: Value<'_>| {
        let mut pair = entry.as_list()?;
        let host = pair
            .next()?
            .as_str()
            .filter(|host| (1..=255).contains(&host.len()))?;
        let port = pair.next()?.as_int()?;
        let port = u16::try_from(port).ok().filter(|port| *port != 0)?;
        Some((String::from(host), port))
    };
    let entries = || fields.get("nodes").and_then(Value::as_list).into_iter().flatten();
    let nodes: Vec<_> = entries().filter_map(node).take(NODES_MAX).collect();
    let left_out = entries().count() - nodes.len();
    if left_out > 0 {
        lints.add("nodes", format!("{left_out} entries of `nodes` are left out"));
    }
    nodes
}
