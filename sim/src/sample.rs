//! The torrent that everybody in a world shares, with its content, and who is where.
//!
//! Content comes from a seeded stream and never repeats within a torrent, so a block at a wrong place is a wrong block.

use crate::scenario::{Addresses, LinkSpec, TorrentSpec};
use crate::seed::Seed;
use seedbed_engine::id::{InfoHash, PieceIndex, Sha1Digest};
use seedbed_engine::layout::LayoutFile;
use seedbed_engine::metainfo::{CreateError, Metainfo, NewContent, NewFile, NewTorrent};
use sha1::{Digest, Sha1};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::Range;
use std::sync::Arc;

/// The port that everybody listens at who can be dialled.
pub const PORT: u16 = 6881;

/// A torrent with everything that it is about. A clone shares it all.
#[derive(Clone, Debug)]
pub struct Sample {
    /// What it was made from.
    pub spec: TorrentSpec,
    /// The torrent.
    pub metainfo: Arc<Metainfo>,
    /// Its .torrent file.
    pub bytes: Arc<[u8]>,
    /// Its content, one file behind the other.
    pub content: Arc<[u8]>,
    /// What peers give as the info dictionary: the torrent's own, unless the link leads to a broken one.
    pub info: Arc<[u8]>,
}

impl Sample {
    /// The torrent of a description, with trackers by tier.
    ///
    /// # Errors
    /// When the sizes make no torrent: no piece, no byte, more files than bytes.
    pub fn new(spec: &TorrentSpec, trackers: &[Vec<String>], seed: Seed) -> Result<Self, CreateError> {
        let piece_length = u64::from(spec.blocks) * u64::from(spec.block);
        let total = (u64::from(spec.pieces) * piece_length).saturating_sub(u64::from(spec.short));
        let content = content(seed, total as usize);
        let hash = |piece: &[u8]| -> Sha1Digest { Sha1::digest(piece).into() };
        let pieces = content.chunks((piece_length as usize).max(1)).map(hash).collect();
        let torrent = NewTorrent {
            trackers: trackers.to_vec(),
            private: spec.private,
            ..NewTorrent::new("sample", files(spec.files, total), piece_length as u32, pieces)
        };
        let created = torrent.create()?;
        let broken = spec.magnet.is_some_and(|magnet| magnet.broken);
        let info = if broken {
            BROKEN.into()
        } else {
            created.metainfo.info_bytes.clone()
        };
        Ok(Self {
            spec: *spec,
            info,
            metainfo: Arc::new(created.metainfo),
            bytes: created.bytes.into(),
            content: content.into(),
        })
    }

    /// A torrent that was made elsewhere, with what `read` gives for each of its files.
    ///
    /// # Errors
    /// A sentence without its end: no torrent, pieces that are not cut into whole blocks, too much content, content
    /// that is not the torrent's.
    pub fn of(
        bytes: &[u8],
        mut read: impl FnMut(&LayoutFile) -> Result<Vec<u8>, String>,
    ) -> Result<Self, String> {
        let metainfo = Metainfo::parse(bytes).map_err(|error| error.to_string())?;
        let block = metainfo.piece_length.min(BLOCK);
        if !metainfo.piece_length.is_multiple_of(block) {
            return Err("its pieces are no whole number of blocks".into());
        }
        if metainfo.total_length > CONTENT_MAX {
            return Err("it has more than 64 MiB".into());
        }
        let mut content = Vec::new();
        for file in metainfo.layout.files() {
            let bytes = if file.pad {
                vec![0; file.length as usize]
            } else {
                read(file)?
            };
            if bytes.len() as u64 != file.length {
                return Err(format!("{} has another length", file.path));
            }
            content.extend(bytes);
        }
        let pieces = metainfo.pieces();
        let whole = u64::from(pieces) * u64::from(metainfo.piece_length);
        let sample = Self {
            spec: TorrentSpec {
                pieces,
                blocks: metainfo.piece_length / block,
                block,
                short: (whole - metainfo.total_length) as u32,
                files: metainfo.layout.files().len() as u32,
                private: metainfo.private,
                magnet: None,
            },
            info: metainfo.info_bytes.clone(),
            metainfo: Arc::new(metainfo),
            bytes: bytes.into(),
            content: content.into(),
        };
        let is_right = |piece| {
            let hash: Sha1Digest = Sha1::digest(sample.piece_bytes(piece)).into();
            sample.metainfo.piece_hash(piece) == Some(hash)
        };
        match (0..pieces).map(PieceIndex).find(|piece| !is_right(*piece)) {
            Some(piece) => Err(format!("piece {} is not the torrent's", piece.0)),
            None => Ok(sample),
        }
    }

    /// Identity of the torrent.
    pub fn info_hash(&self) -> InfoHash {
        InfoHash(Sha1::digest(&self.info).into())
    }

    /// Number of pieces.
    pub const fn pieces(&self) -> u32 {
        self.spec.pieces
    }

    /// Bytes of every piece but the last.
    pub const fn piece_length(&self) -> u32 {
        self.spec.blocks * self.spec.block
    }

    /// Which bytes of the content a piece is; empty if there is no such piece.
    pub fn range_of(&self, piece: PieceIndex) -> Range<usize> {
        let length = self.piece_length() as usize;
        let total = self.content.len();
        let begin = piece.as_usize().saturating_mul(length).min(total);
        begin..(begin + length).min(total)
    }

    /// Content of a piece; empty if there is no such piece.
    pub fn piece_bytes(&self, piece: PieceIndex) -> &[u8] {
        &self.content[self.range_of(piece)]
    }

    /// A part of a piece, if it is within the piece.
    pub fn block_bytes(&self, piece: PieceIndex, begin: u32, length: u32) -> Option<&[u8]> {
        let begin = begin as usize;
        self.piece_bytes(piece)
            .get(begin..begin.checked_add(length as usize)?)
    }

    /// What is in a file of the layout; zeros for a pad file.
    pub fn file_bytes(&self, file: &LayoutFile) -> Vec<u8> {
        if file.pad {
            return vec![0; file.length as usize];
        }
        let begin = file.offset as usize;
        self.content[begin..begin + file.length as usize].to_vec()
    }
}

/// Bytes of a block as clients ask for it.
const BLOCK: u32 = 16 * 1024;

/// Most content of a torrent that was made elsewhere: it is all held in memory.
const CONTENT_MAX: u64 = 64 << 20;

/// A dictionary that says too little to be a torrent.
const BROKEN: &[u8] = b"d6:lengthi1024e4:name6:sample12:piece lengthi0e6:pieces0:e";

/// Bytes that do not repeat: the seed's stream.
fn content(seed: Seed, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    seed.stream("content").fill(&mut bytes);
    bytes
}

/// Files of unlike lengths, whose ends lie within pieces.
fn files(count: u32, total: u64) -> NewContent {
    if count <= 1 {
        return NewContent::Single { length: total };
    }
    let count = u64::from(count);
    let end = |n: u64| match n {
        n if n == count => total,
        n => n * total / count + (n % 2) * (total / count / 3),
    };
    let file = |n: u64| NewFile {
        path: vec![format!("file-{n}")],
        length: end(n + 1) - if n == 0 { 0 } else { end(n) },
    };
    NewContent::Multi((0..count).map(file).collect())
}

/// Who else is in the world, by name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Known {
    /// Engines and peers that can be dialled, and where.
    pub actors: Vec<(String, SocketAddr)>,
    /// Trackers: name, address, announce URL.
    pub trackers: Vec<(String, SocketAddr, String)>,
    /// Engines that take no plain connection.
    pub encrypted: Vec<String>,
}

impl Known {
    /// Where an engine or a peer is.
    pub fn actor(&self, name: &str) -> Option<SocketAddr> {
        let (_, addr) = self.actors.iter().find(|(known, _)| known == name)?;
        Some(*addr)
    }

    /// Whether whoever is there takes no plain connection.
    pub fn is_encrypted(&self, addr: SocketAddr) -> bool {
        let at = |name: &String| self.actors.iter().any(|(known, at)| known == name && *at == addr);
        self.encrypted.iter().any(at)
    }

    /// Who is at this address.
    pub fn name_of(&self, ip: IpAddr) -> Option<&str> {
        let actors = self.actors.iter().map(|(name, addr)| (name, addr));
        let trackers = self.trackers.iter().map(|(name, addr, _)| (name, addr));
        // of a tracker only the first address is listed
        let at = |addr: &SocketAddr| addr.ip() == ip || six(addr.ip()) == ip;
        let (name, _) = actors.chain(trackers).find(|(_, addr)| at(addr))?;
        Some(name)
    }
}

/// Address of the n-th engine.
pub fn engine_ip(n: u32) -> IpAddr {
    host([203, 0, 113], n)
}

/// Address of the n-th model peer. Each in a network of its own, as real peers mostly are.
pub fn peer_ip(n: u32) -> IpAddr {
    let [_, b, c, d] = (n + 1).to_be_bytes();
    IpAddr::V4(Ipv4Addr::from([45, c, d, 20 + b]))
}

/// Address of the n-th tracker: a public one, so that no rule about local services applies to it.
pub fn tracker_ip(n: u32) -> IpAddr {
    host([192, 0, 2], n)
}

/// The addresses that a link gives to whom has this one of IPv4. Those of IPv6 hold it, so that each is in a network of
/// its own if the others are.
pub fn addresses(ip: IpAddr, link: &LinkSpec) -> Vec<IpAddr> {
    match link.addresses {
        Addresses::V4 => vec![ip],
        Addresses::V6 => vec![six(ip)],
        Addresses::Both => vec![ip, six(ip)],
    }
}

/// The address of IPv6 beside one of IPv4: of RFC 3849's block, which engines take for any other.
pub(crate) fn six(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            Ipv6Addr::new(0x2001, 0xdb8, high, low, 0, 0, 0, 1).into()
        }
        IpAddr::V6(_) => ip,
    }
}

fn host([a, b, c]: [u8; 3], n: u32) -> IpAddr {
    // a world is far smaller than 250 hosts of a kind; more share the last address and are found by their tests
    IpAddr::V4(Ipv4Addr::new(a, b, c, u8::try_from(n + 1).unwrap_or(u8::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: TorrentSpec = TorrentSpec {
        pieces: 5,
        blocks: 4,
        block: 64,
        short: 100,
        files: 3,
        private: false,
        magnet: None,
    };

    #[test]
    fn a_sample_is_what_its_spec_says() {
        let tiers = vec![
            vec!["udp://192.0.2.1:6969".into()],
            vec!["http://192.0.2.2/announce".into()],
        ];
        let sample = Sample::new(&SPEC, &tiers, Seed(3)).unwrap();
        assert_eq!(sample.content.len(), 5 * 256 - 100);
        assert_eq!(sample.metainfo.pieces(), 5);
        assert_eq!(sample.metainfo.layout.files().len(), 3);
        assert_eq!(sample.piece_bytes(PieceIndex(4)).len(), 156);
        assert!(sample.piece_bytes(PieceIndex(5)).is_empty());
        assert_eq!(sample.block_bytes(PieceIndex(4), 128, 28).unwrap().len(), 28);
        assert_eq!(sample.block_bytes(PieceIndex(4), 128, 29), None);
        assert_eq!(sample.block_bytes(PieceIndex(0), u32::MAX, u32::MAX), None);
        let files = sample.metainfo.layout.files();
        let joined: Vec<u8> = files.iter().flat_map(|file| sample.file_bytes(file)).collect();
        assert_eq!(joined, *sample.content);
        assert!(files.iter().all(|file| file.length > 0 && file.length % 64 != 0));
        let again = Sample::new(&SPEC, &tiers, Seed(3)).unwrap();
        assert_eq!(again.bytes, sample.bytes);
        assert_ne!(
            Sample::new(&SPEC, &tiers, Seed(4)).unwrap().info_hash(),
            sample.info_hash()
        );
    }

    #[test]
    fn a_torrent_of_others_is_read_with_its_content() {
        let made = Sample::new(&SPEC, &[], Seed(3)).unwrap();
        let read = Sample::of(&made.bytes, |file| Ok(made.file_bytes(file))).unwrap();
        assert_eq!(read.info_hash(), made.info_hash());
        assert_eq!((&read.content, read.spec.short), (&made.content, 100));
        let zeros = Sample::of(&made.bytes, |file| Ok(vec![0; file.length as usize]));
        assert_eq!(zeros.unwrap_err(), "piece 0 is not the torrent's");
        let short = Sample::of(&made.bytes, |_| Ok(vec![1]));
        assert!(short.unwrap_err().contains("another length"));
        let gone = Sample::of(&made.bytes, |_| Err("it is gone".into()));
        assert_eq!(gone.unwrap_err(), "it is gone");
        assert!(Sample::of(b"d4:infode", |_| Ok(Vec::new())).is_err());
    }

    #[test]
    fn sizes_that_make_no_torrent_are_an_error() {
        let none = TorrentSpec { pieces: 0, ..SPEC };
        assert!(Sample::new(&none, &[], Seed(1)).is_err());
        let flat = TorrentSpec { block: 0, ..SPEC };
        assert!(Sample::new(&flat, &[], Seed(1)).is_err());
    }

    #[test]
    fn everybody_has_an_address_of_its_own() {
        let ips: std::collections::BTreeSet<_> = (0..200)
            .flat_map(|n| [engine_ip(n), peer_ip(n), tracker_ip(n)])
            .collect();
        assert_eq!(ips.len(), 600);
    }
}
