//! The encrypted handshake of a model peer (MSE): whoever dials it may begin with one; it dials with one if it is told
//! to. What it can do wrong in it is a [`Manner`].

use super::behave::Trait;
use super::catalogue::Kind;
use super::conn::Conn;
use super::{Later, ModelPeer};
use crate::actor::{Cx, Output};
use crate::mse::{self, Cipher, KEY, Lane, PLAIN};
use seedbed_engine::id::ConnId;
use seedbed_engine::rng::Rng;
use seedbed_engine::time::{Duration, Instant};
use std::net::SocketAddr;

/// Most bytes of a padding, as the MSE text says.
const PAD_MAX: usize = 512;

/// Bytes of a first payload: a handshake.
const FIRST_MAX: usize = 68;

/// How a connection is hidden.
#[derive(Clone, Debug)]
pub enum Veil {
    /// Too little came to tell; what it was.
    Undecided(Vec<u8>),
    /// Not at all.
    Plain,
    /// The encrypted handshake is under way, or over.
    Drawn(Box<Drawn>),
}

/// One side of an encrypted handshake.
#[derive(Clone, Debug)]
pub struct Drawn {
    dialled: bool,
    manner: Manner,
    private: [u8; 20],
    secret: Option<[u8; KEY]>,
    theirs: Lane,
    ours: Option<Cipher>,
    /// What was selected, once it is said or heard.
    mode: Option<u32>,
    /// What is to be said behind the handshake.
    waiting: Vec<u8>,
}

/// How the handshake is carried out.
#[derive(Clone, Debug)]
struct Manner {
    /// Another public key than ours.
    key: Option<[u8; KEY]>,
    pad: usize,
    inner: u16,
    vc: [u8; 8],
    offers: u32,
    select: Option<u32>,
    first_max: usize,
    late: Duration,
    /// The connection ends behind the key.
    cut: bool,
}

/// What comes of bytes that came or of a moment.
#[derive(Debug, Default)]
struct Said {
    /// What stands in them in clear.
    clear: Vec<u8>,
    /// What goes out, and how late.
    out: Vec<(Duration, Vec<u8>)>,
    ends: bool,
    broken: Option<&'static str>,
}

impl Manner {
    fn new(traits: &mut [Trait], now: Instant, rng: &mut Rng, marks: &mut crate::marks::Marks) -> Self {
        let mut manner = Self {
            key: None,
            pad: rng.below(PAD_MAX as u32 + 1) as usize,
            inner: rng.below(PAD_MAX as u32 + 1) as u16,
            vc: [0; 8],
            offers: 3,
            select: None,
            first_max: FIRST_MAX,
            late: Duration::ZERO,
            cut: false,
        };
        for one in traits.iter_mut().filter(|one| one.entry.kind.is_of_encryption()) {
            if !one.fires(now, false, marks) {
                continue;
            }
            match one.entry.kind {
                Kind::EncryptedOnly => manner.offers = 2,
                Kind::DegenerateKey => manner.key = Some(degenerate(one.int("which", 1))),
                Kind::LongPads => (manner.pad, manner.inner) = (PAD_MAX, PAD_MAX as u16),
                Kind::PadTooLong => manner.inner = one.int("bytes", 513) as u16,
                Kind::WrongVc => manner.vc[7] = 1,
                Kind::BadSelect => {
                    manner.select = Some(one.int("select", 3));
                    manner.offers = 4;
                }
                Kind::FirstPayload => manner.first_max = one.int("bytes", 0) as usize,
                Kind::LateKey => manner.late = one.time("late", Duration::from_secs(3)),
                Kind::CutEncryption => manner.cut = true,
                _ => {}
            }
        }
        manner
    }
}

/// A key that makes no secret: 0, 1, p − 1, p or the largest number.
fn degenerate(which: u32) -> [u8; KEY] {
    let mut key = [0; KEY];
    match which {
        0 => {}
        1 => key[KEY - 1] = 1,
        2 => {
            key = mse::prime();
            key[KEY - 1] -= 1;
        }
        3 => key = mse::prime(),
        _ => key = [0xff; KEY],
    }
    key
}

impl Drawn {
    /// A handshake before its first byte, and what goes out at once.
    fn new(dialled: bool, manner: Manner, rng: &mut Rng) -> Self {
        let mut private = [0; 20];
        rng.fill(&mut private);
        Self {
            dialled,
            manner,
            private,
            secret: None,
            theirs: Lane::new(!dialled),
            ours: None,
            mode: None,
            waiting: Vec::new(),
        }
    }

    /// Our key and the padding behind it.
    fn key(&self, rng: &mut Rng, said: &mut Said) {
        let mut out = self
            .manner
            .key
            .unwrap_or_else(|| mse::public(&self.private))
            .to_vec();
        let mut pad = vec![0; self.manner.pad];
        rng.fill(&mut pad);
        out.extend(pad);
        said.out.push((self.manner.late, out));
        said.ends |= self.manner.cut;
    }

    /// VC, modes, padding, and the first payload if we dialled.
    fn head(&mut self, modes: u32, secret: &[u8; KEY], torrent: &[u8; 20]) -> Vec<u8> {
        let (a, b) = mse::ciphers(secret, torrent);
        let mut head = self.manner.vc.to_vec();
        head.extend(modes.to_be_bytes());
        head.extend(self.manner.inner.to_be_bytes());
        head.resize(head.len() + usize::from(self.manner.inner), 0);
        let mut out = Vec::new();
        let mut cipher = b;
        if self.dialled {
            let first = self.manner.first_max.min(self.waiting.len()).min(FIRST_MAX);
            head.extend((first as u16).to_be_bytes());
            head.extend(self.waiting.drain(..first));
            out.extend(mse::req1(secret));
            out.extend(mse::req23(secret, torrent));
            cipher = a;
        }
        out.extend(cipher.pass(&head));
        self.ours = Some(cipher);
        out
    }

    /// Bytes came.
    fn hear(&mut self, data: &[u8], torrent: &[u8; 20], rng: &mut Rng) -> Said {
        let mut said = Said::default();
        self.theirs.keep(data);
        if self.secret.is_none() {
            let Some(theirs) = self.theirs.key() else {
                return said;
            };
            let secret = mse::secret(&self.private, theirs);
            self.secret = Some(secret);
            if self.dialled {
                let head = self.head(self.manner.offers, &secret, torrent);
                said.out.push((Duration::ZERO, head));
            } else {
                self.key(rng, &mut said);
            }
        }
        let Some(secret) = self.secret else { return said };
        said.clear = self.theirs.read(&secret, torrent, self.mode);
        if self.theirs.noise() > PAD_MAX + 40 {
            said.broken = Some("padding of more than 512 bytes");
        } else if self.theirs.is_broken() {
            said.broken = Some("wrong verification constant");
        } else if self
            .theirs
            .lengths
            .first()
            .is_some_and(|pad| usize::from(*pad) > PAD_MAX)
        {
            said.broken = Some("padding of more than 512 bytes");
        } else if self
            .theirs
            .lengths
            .get(1)
            .is_some_and(|first| usize::from(*first) > FIRST_MAX)
        {
            said.broken = Some("first payload longer than a handshake");
        }
        if self.mode.is_none()
            && said.broken.is_none()
            && self.theirs.is_over()
            && let Some(modes) = self.theirs.modes
        {
            if self.dialled {
                if !matches!(modes & self.manner.offers, 1 | 2) || modes.count_ones() != 1 {
                    said.broken = Some("selects what was not offered");
                }
                self.mode = Some(modes);
            } else {
                let best = if modes & 2 != 0 { 2 } else { modes & 1 };
                if best == 0 || modes & !3 != 0 {
                    said.broken = Some("offers nothing that is known");
                }
                self.mode = Some(best);
                let head = self.head(self.manner.select.unwrap_or(best), &secret, torrent);
                said.out.push((Duration::ZERO, head));
            }
            let rest = std::mem::take(&mut self.waiting);
            let rest = self.say(rest);
            said.out.push((Duration::ZERO, rest));
            said.clear.extend(self.theirs.read(&secret, torrent, self.mode));
        }
        said
    }

    /// What goes out of something that is said behind the handshake.
    fn say(&mut self, data: Vec<u8>) -> Vec<u8> {
        match (self.mode, &mut self.ours) {
            (Some(2), Some(cipher)) => cipher.pass(&data),
            (Some(_), _) => data,
            (None, _) => {
                self.waiting.extend(data);
                Vec::new()
            }
        }
    }
}

impl ModelPeer {
    /// Whether it dials with an encrypted handshake.
    fn dials_encrypted(&self, to: SocketAddr) -> bool {
        let dials = |one: &Trait| one.entry.kind.is_of_encryption() && one.entry.kind != Kind::PlainOnly;
        self.encrypted_next.contains(&to) || self.traits.iter().any(dials)
    }

    /// The other ended a connection. As clients do, an honest peer tries the other handshake next where nobody answered;
    /// only where it can help, as most worlds have nothing encrypted.
    pub(super) fn veil_closed(&mut self, conn: &Conn) {
        let answered = conn.is_open() || conn.their_id.is_some();
        let helps = self.honest && self.encrypted.contains(&conn.other);
        if !conn.dialled || !conn.handshaken || answered || !helps {
            return;
        }
        if matches!(conn.veil, Veil::Plain) && !self.has_kind(Kind::PlainOnly) {
            self.encrypted_next.insert(conn.other);
        } else {
            self.encrypted_next.remove(&conn.other);
        }
    }

    fn draw(&mut self, cx: &mut Cx<'_>, dialled: bool) -> Box<Drawn> {
        let manner = Manner::new(&mut self.traits, cx.now, &mut self.rng, cx.marks);
        Box::new(Drawn::new(dialled, manner, &mut self.rng))
    }

    /// A connection that it dialled is there.
    pub(super) fn veil_dialled(&mut self, cx: &mut Cx<'_>, id: ConnId) {
        let mut veil = Veil::Plain;
        let other = self.conns.get(&id).map(|conn| conn.other);
        if other.is_some_and(|other| self.dials_encrypted(other)) {
            let drawn = self.draw(cx, true);
            let mut said = Said::default();
            drawn.key(&mut self.rng, &mut said);
            veil = Veil::Drawn(drawn);
            self.veil_says(cx, id, said);
        }
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.veil = veil;
        }
    }

    /// Bytes came. What stands in them in clear; none when the connection is over.
    pub(super) fn unveil(&mut self, cx: &mut Cx<'_>, id: ConnId, data: &[u8]) -> Option<Vec<u8>> {
        let conn = self.conns.get_mut(&id)?;
        if let Veil::Undecided(first) = &mut conn.veil {
            first.extend_from_slice(data);
            let plain = PLAIN.starts_with(first) || first.starts_with(PLAIN);
            if plain && first.len() < PLAIN.len() {
                return Some(Vec::new());
            }
            let first = std::mem::take(first);
            let kind = if plain {
                Kind::EncryptedOnly
            } else {
                Kind::PlainOnly
            };
            if let Some(one) = self.trait_of(kind)
                && one.fires(cx.now, false, cx.marks)
            {
                self.end(cx, id, false);
                return None;
            }
            let veil = if plain {
                Veil::Plain
            } else {
                Veil::Drawn(self.draw(cx, false))
            };
            self.conns.get_mut(&id)?.veil = veil;
            return self.unveil(cx, id, &first);
        }
        let torrent = self.torrent.info_hash().0;
        let said = match &mut conn.veil {
            Veil::Undecided(_) | Veil::Plain => return Some(data.to_vec()),
            Veil::Drawn(drawn) => drawn.hear(data, &torrent, &mut self.rng),
        };
        if let Some(text) = said.broken {
            self.violation(cx.now, text);
            self.end(cx, id, false);
            return None;
        }
        self.veil_says(cx, id, said)
    }

    /// What a handshake says goes out. The clear bytes come back, unless the connection is over.
    fn veil_says(&mut self, cx: &mut Cx<'_>, id: ConnId, said: Said) -> Option<Vec<u8>> {
        for (late, bytes) in said.out {
            if late.is_zero() {
                self.put(cx, id, bytes);
            } else {
                self.at(cx.now, late, Later::Put(id, bytes));
            }
        }
        if said.ends {
            self.end(cx, id, false);
            return None;
        }
        Some(said.clear)
    }

    /// Bytes go out as they are.
    pub(super) fn put(&mut self, cx: &mut Cx<'_>, id: ConnId, data: Vec<u8>) {
        if let Some(conn) = self.conns.get_mut(&id)
            && !data.is_empty()
        {
            conn.unsent += data.len() as u64;
            conn.sent += data.len() as u64;
            conn.last_sent = cx.now;
            cx.out.push(Output::Send { stream: id, data });
        }
    }

    /// Something that is said in clear goes out, as hidden as it has to be.
    pub(super) fn hand_over(&mut self, cx: &mut Cx<'_>, id: ConnId, data: Vec<u8>) {
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        let data = match &mut conn.veil {
            Veil::Undecided(_) | Veil::Plain => data,
            Veil::Drawn(drawn) => drawn.say(data),
        };
        self.put(cx, id, data);
    }
}
