//! Moments of the protocol that a fault of the schedule can wait for.

use super::watch::Watch;
use std::net::IpAddr;

/// Something that happened to an engine, with the peer or tracker that it happened with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moment {
    /// Its name, one of [`MOMENTS`].
    pub name: &'static str,
    /// Whom it happened with.
    pub with: Option<IpAddr>,
    /// How often it happened with this one, from 1.
    pub count: u32,
}

/// The names that [`crate::scenario::When::On`] knows, with what they mean. `nth-unchoke:3` is the third of its kind; so
/// with the others.
pub const MOMENTS: &[(&str, &str)] = &[
    ("started", "the engine was told of the torrent"),
    ("announce", "an announce was sent to the tracker"),
    ("handshake", "the handshake with the peer is whole"),
    ("unchoke", "the peer unchoked the engine"),
    ("request", "the engine asked the peer for a block"),
    ("block", "a block of the peer arrived"),
    ("write", "a block was given to the disk and is not written yet"),
    ("hash", "a piece is being hashed"),
    ("hash-failed", "a piece failed its hash"),
    ("piece", "a piece was verified"),
    ("half-done", "half of the pieces are verified"),
    ("one-piece-left", "all pieces but one are verified"),
    ("save", "the state is being saved"),
    ("completed", "the torrent is complete"),
    ("upload", "a block was sent to the peer"),
    ("disk-failed", "the disk failed"),
    ("stopping", "the shutdown began"),
];

/// Splits `first-unchoke`, `nth-unchoke:3`, `unchoke` into the name and the count; none if there is no such moment.
pub fn parse(text: &str) -> Option<(&'static str, u32)> {
    let (name, count) = match text.split_once(':') {
        Some((name, count)) => (name, count.parse().ok()?),
        None => (text, 1),
    };
    let name = name
        .strip_prefix("first-")
        .or_else(|| name.strip_prefix("nth-"))
        .unwrap_or(name);
    let known = MOMENTS.iter().find(|(known, _)| *known == name)?;
    Some((known.0, count))
}

impl Watch {
    /// Something happened that a fault may wait for.
    pub(crate) fn moment(&mut self, name: &'static str, with: Option<IpAddr>) {
        let count = self.moment_counts.entry((name, with)).or_default();
        *count += 1;
        self.moments.push(Moment {
            name,
            with,
            count: *count,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_counted() {
        assert_eq!(parse("first-unchoke"), Some(("unchoke", 1)));
        assert_eq!(parse("nth-unchoke:3"), Some(("unchoke", 3)));
        assert_eq!(parse("one-piece-left"), Some(("one-piece-left", 1)));
        assert_eq!(parse("unchokes"), None);
        assert_eq!(parse("unchoke:x"), None);
    }
}
