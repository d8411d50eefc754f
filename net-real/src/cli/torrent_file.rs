//! Torrents from files, standard input and addresses.

use super::client::INTERRUPT;
use super::console::{shown, shown_path};
use super::failure::{Failure, INTERRUPTED};
use seedbed::{Client, Input};
use seedbed_engine::id::InfoHash;
use seedbed_engine::magnet::Magnet;
use seedbed_engine::metainfo::Metainfo;
use seedbed_engine::{Command, Report, TorrentSource};
use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

/// Bytes of a .torrent file at the most: what the engine reads.
const LENGTH_MAX: usize = seedbed_engine::bencode::Limits::TORRENT.size;

/// A torrent that can be loaded.
#[derive(Clone, Debug)]
pub(crate) struct Torrent {
    pub(crate) metainfo: Arc<Metainfo>,
}

/// A torrent that is to be transferred: from a file, or by a link whose metadata peers have to give.
#[derive(Clone, Debug)]
pub(crate) struct Sought {
    pub(crate) source: TorrentSource,
    /// What it is, once that is known.
    pub(crate) metainfo: Option<Arc<Metainfo>>,
}

impl From<Torrent> for Sought {
    fn from(torrent: Torrent) -> Self {
        Self {
            source: torrent.metainfo.clone().into(),
            metainfo: Some(torrent.metainfo),
        }
    }
}

impl Sought {
    /// From a magnet link.
    pub(crate) fn link(link: &str) -> Result<Self, Failure> {
        let magnet = Magnet::parse(link).map_err(|error| {
            Failure::input(format_args!(
                "The magnet link cannot be used: {}.",
                sentence(&error.to_string())
            ))
        })?;
        Ok(Self {
            source: TorrentSource::Magnet(Box::new(magnet)),
            metainfo: None,
        })
    }

    /// Its name as far as it is known, as foreign text.
    pub(crate) fn raw_name(&self) -> String {
        match (&self.metainfo, &self.source) {
            (Some(metainfo), _) | (None, TorrentSource::Metainfo(metainfo)) => metainfo.name.clone(),
            (None, TorrentSource::Magnet(magnet)) => {
                let hash = || self.source.info_hash().to_string();
                magnet.name.clone().unwrap_or_else(hash)
            }
        }
    }

    /// Its name, fit for a terminal.
    pub(crate) fn name(&self) -> String {
        shown(self.raw_name())
    }

    /// What peers and trackers know it by.
    pub(crate) fn info_hash(&self) -> InfoHash {
        self.source.info_hash()
    }

    /// Bytes of its content; 0 before they are known.
    pub(crate) fn total_length(&self) -> u64 {
        self.metainfo.as_ref().map_or(0, |metainfo| metainfo.total_length)
    }
}

impl Torrent {
    /// Its name, fit for a terminal.
    pub(crate) fn name(&self) -> String {
        shown(&self.metainfo.name)
    }

    /// From a file, or from standard input if the path is `-`.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        if path.as_os_str() == "-" {
            let bytes = read_whole(&mut io::stdin().lock(), "Standard input")?;
            return Self::parse(&bytes, "Standard input");
        }
        let what = shown_path(path);
        let mut file = File::open(path)
            .map_err(|error| Failure::input(format_args!("{what} cannot be read: {error}.")))?;
        let bytes = read_whole(&mut file, &what)?;
        Self::parse(&bytes, &what)
    }

    /// From a web server, by the client's own connections.
    pub(crate) fn fetch(client: &mut Client, url: &str) -> Result<Self, Failure> {
        client.command(Command::Fetch {
            url: url.to_owned(),
            body_max: LENGTH_MAX,
        });
        let answer = client.run(|_, input| match input {
            Input::Report(Report::Fetched { result }) => ControlFlow::Break(result.map_err(|text| {
                Failure::network(format_args!(
                    "{} cannot be fetched: {}.",
                    address(url),
                    sentence(&text)
                ))
            })),
            Input::Report(Report::Rejected { why, .. }) => ControlFlow::Break(Err(Failure::usage(
                format_args!("{}: {}.", address(url), sentence(&why)),
            ))),
            Input::Notified(INTERRUPT) => ControlFlow::Break(Err(interrupted())),
            _ => ControlFlow::Continue(()),
        });
        let bytes = answer.unwrap_or_else(|| Err(interrupted()))?;
        Self::parse(&bytes, &address(url))
    }

    /// From bytes; `what` names their origin for the error.
    pub(crate) fn parse(bytes: &[u8], what: &str) -> Result<Self, Failure> {
        let metainfo = Metainfo::parse(bytes).map_err(|error| {
            Failure::input(format_args!(
                "{what} cannot be used: {}.",
                sentence(&error.to_string())
            ))
        })?;
        Ok(Self {
            metainfo: Arc::new(metainfo),
        })
    }
}

/// Stopped by the user before there was any state to save.
pub(crate) fn interrupted() -> Failure {
    Failure {
        exit: INTERRUPTED,
        text: "Interrupted.".into(),
    }
}

/// An address without what may be secret in it: credentials and query.
fn address(url: &str) -> String {
    let plain = url.split(['?', '#']).next().unwrap_or_default();
    let shown_url = match plain.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = host.rsplit('@').next().unwrap_or_default();
            format!("{scheme}://{host}{path}")
        }
        None => plain.to_owned(),
    };
    shown(shown_url)
}

/// A text of the engine within a sentence of ours: safe to show, and without a full stop of its own.
fn sentence(text: &str) -> String {
    shown(text.trim_end_matches('.'))
}

fn read_whole(input: &mut impl Read, what: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let limit = LENGTH_MAX as u64 + 1;
    input
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::input(format_args!("{what} cannot be read: {error}.")))?;
    if bytes.len() > LENGTH_MAX {
        return Err(Failure::input(format_args!(
            "{what} is longer than {LENGTH_MAX} bytes: it is no torrent file."
        )));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_shown_without_secrets() {
        let cases = [
            (
                "https://user:pass@t.example/a.torrent?passkey=1#x",
                "https://t.example/a.torrent",
            ),
            ("http://t.example", "http://t.example"),
            ("http://t.example/a@b", "http://t.example/a@b"),
            ("nonsense", "nonsense"),
        ];
        for (url, text) in cases {
            assert_eq!(address(url), text);
        }
    }
}
