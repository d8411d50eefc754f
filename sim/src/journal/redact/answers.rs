//! What trackers and other servers answered: datagrams, and whole HTTP answers.

use super::bencode::{compact, tracker_answer};
use super::pseudonyms::Pseudonyms;
use super::urls::url;
use seedbed_engine::config::HttpConfig;
use seedbed_engine::http::Answer;
use seedbed_engine::lsd::{self, Group};
use std::collections::BTreeSet;
use std::net::SocketAddr;

/// Bytes of one HTTP connection that are kept: an answer has a limit far below.
const ANSWER_MAX: usize = 4 << 20;

/// A datagram of a UDP tracker (BEP 15), of the same length.
pub(super) fn datagram(names: &mut Pseudonyms, from: SocketAddr, data: &[u8]) -> Vec<u8> {
    let action = data.first_chunk::<4>().map(|action| u32::from_be_bytes(*action));
    let head = match action {
        // connect, scrape of one torrent, announce: numbers only. One that is longer may be another under a wrong name
        Some(0) => 16,
        Some(1 | 2) => 20,
        Some(3) => 8,
        _ => 8,
    };
    let (head, rest) = data.split_at(head.min(data.len()));
    let mut new = head.to_vec();
    match action {
        Some(1) => new.extend(compact(names, rest, from.is_ipv6())),
        Some(3) => {
            let mut text = names.text(&String::from_utf8_lossy(rest)).into_bytes();
            text.resize(rest.len(), b' ');
            new.extend(text);
        }
        _ => new.resize(data.len(), 0),
    }
    new
}

/// An announce in the local network (BEP 14), with the torrents' new hashes. What is none says nothing, and is none
/// again. `own` are the cookies of our own, which are random; those of others may say anything.
pub(super) fn local(names: &mut Pseudonyms, own: &BTreeSet<Vec<u8>>, group: Group, data: &[u8]) -> Vec<u8> {
    let Ok(packet) = lsd::read(data) else {
        return vec![b'x'; data.len()];
    };
    let cookie = packet.cookie.map(|cookie| {
        if own.contains(cookie) {
            String::from_utf8_lossy(cookie).into_owned()
        } else {
            "other".into()
        }
    });
    let hashes: Vec<_> = packet.hashes.iter().map(|hash| names.info_hash(*hash)).collect();
    lsd::write(group, packet.port, &hashes, &cookie.unwrap_or_default())
}

/// What came over one HTTP connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Exchange {
    bytes: Vec<u8>,
    /// Where each read ended.
    cuts: Vec<usize>,
    /// The other side closed it.
    ended: bool,
    /// The engine closed it with the last read.
    closed: bool,
    /// Whether it is a fetched file: its content is the user's.
    pub(super) fetch: bool,
    /// What each read brings instead.
    new: Vec<Vec<u8>>,
}

impl Exchange {
    pub(super) fn push(&mut self, data: &[u8]) {
        if !self.closed {
            let room = ANSWER_MAX.saturating_sub(self.bytes.len());
            self.bytes.extend_from_slice(&data[..data.len().min(room)]);
            self.cuts.push(self.bytes.len());
        }
    }

    /// The other side closed it.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// The engine closed it: what it has read is an answer, or is none.
    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    /// Finds what comes instead.
    pub(super) fn rewrite(&mut self, names: &mut Pseudonyms, limits: &HttpConfig) {
        self.new = match Answer::read(&self.bytes, self.ended, limits) {
            Some(answer) => self.share(&self.answer(names, answer)),
            None => self.no_answer(),
        };
    }

    /// An answer of the same meaning.
    fn answer(&self, names: &mut Pseudonyms, answer: Answer) -> Vec<u8> {
        let body = if self.fetch {
            vec![0; answer.body.len()]
        } else {
            tracker_answer(names, &answer.body)
        };
        let location = answer.location.map_or(String::new(), |to| {
            format!("Location: {}\r\n", location(names, &to))
        });
        let head = format!(
            "HTTP/1.1 {} -\r\nContent-Length: {}\r\n{location}\r\n",
            answer.status,
            body.len()
        );
        let mut new = head.into_bytes();
        new.extend(body);
        new
    }

    /// The new bytes, shared out over the reads. The last byte comes with the last read.
    fn share(&self, new: &[u8]) -> Vec<Vec<u8>> {
        let place = |cut: usize| {
            if cut == self.bytes.len() {
                new.len()
            } else {
                (cut * new.len() / self.bytes.len().max(1)).min(new.len() - 1)
            }
        };
        let begins = std::iter::once(&0).chain(&self.cuts);
        let parts = begins
            .zip(&self.cuts)
            .map(|(from, to)| (place(*from), place(*to)));
        parts.map(|(from, to)| new[from..to].to_vec()).collect()
    }

    /// What is not whole stays without an end, and what the engine refused is refused with the same read.
    fn no_answer(&self) -> Vec<Vec<u8>> {
        let mut unfinished = b"HTTP/1.1 200 -\r\nX: ".to_vec();
        unfinished.resize(self.bytes.len().max(unfinished.len()), b'x');
        let begins = std::iter::once(&0).chain(&self.cuts);
        let reads = begins
            .zip(&self.cuts)
            .map(|(from, to)| unfinished[*from..*to].to_vec());
        let mut reads: Vec<_> = reads.collect();
        if let Some(last) = reads.last_mut().filter(|_| self.closed) {
            // in the middle of a head or at its beginning: no client can go on behind this
            last.extend_from_slice(b"\r\nContent-Length: none\r\n\r\n");
        }
        reads
    }

    /// What the `n`-th read brings instead; behind the end nobody reads.
    pub(super) fn read(&self, n: usize, length: usize) -> Vec<u8> {
        self.new.get(n).cloned().unwrap_or_else(|| vec![0; length])
    }
}

/// Where a redirect leads: a URL, or a path on the same host.
fn location(names: &mut Pseudonyms, to: &str) -> String {
    if to.contains("://") {
        url(names, to)
    } else {
        super::urls::target(names, to)
    }
}
