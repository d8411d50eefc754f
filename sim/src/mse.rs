//! Message stream encryption, written anew for the model peers and for the checkers that read along: nothing here is
//! the engine's, so that a wrong engine does not agree with itself.

use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{Odd, U768};
use sha1::{Digest as _, Sha1};

/// Bytes of a key.
pub const KEY: usize = 96;

/// The prime, in its parts as the MSE text has them.
const P: &str = concat!(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD1",
    "29024E088A67CC74020BBEA63B139B22514A08798E3404DD",
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245",
    "E485B576625E7EC6F44C42E9A63A36210000000000090563",
);

const FIELD: FixedMontyParams<{ U768::LIMBS }> = FixedMontyParams::new_vartime(Odd::<U768>::from_be_hex(P));

/// What begins a connection that is not encrypted (BEP 3).
pub const PLAIN: &[u8; 20] = b"\x13BitTorrent protocol";

/// The prime, as bytes.
pub fn prime() -> [u8; KEY] {
    let mut out = [0; KEY];
    out.copy_from_slice(U768::from_be_hex(P).to_be_bytes().as_ref());
    out
}

fn power(base: &U768, private: &[u8; 20]) -> [u8; KEY] {
    let mut exponent = [0; KEY];
    exponent[KEY - 20..].copy_from_slice(private);
    let power = FixedMontyForm::new(base, &FIELD).pow_vartime(&U768::from_be_slice(&exponent));
    let mut out = [0; KEY];
    out.copy_from_slice(power.retrieve().to_be_bytes().as_ref());
    out
}

/// The public key of a private one.
pub fn public(private: &[u8; 20]) -> [u8; KEY] {
    power(&U768::from_u8(2), private)
}

/// The secret S of a private key and the other's public one.
pub fn secret(private: &[u8; 20], theirs: &[u8; KEY]) -> [u8; KEY] {
    power(&U768::from_be_slice(theirs), private)
}

fn sha1(parts: &[&[u8]]) -> [u8; 20] {
    Sha1::digest(parts.concat()).into()
}

/// HASH('req1', S).
pub fn req1(secret: &[u8; KEY]) -> [u8; 20] {
    sha1(&[b"req1", secret])
}

/// HASH('req2', SKEY) xor HASH('req3', S).
pub fn req23(secret: &[u8; KEY], torrent: &[u8; 20]) -> [u8; 20] {
    let (a, b) = (sha1(&[b"req2", torrent]), sha1(&[b"req3", secret]));
    std::array::from_fn(|n| a[n] ^ b[n])
}

/// What the one who dialled writes with (`keyA`), and the other (`keyB`).
pub fn ciphers(secret: &[u8; KEY], torrent: &[u8; 20]) -> (Cipher, Cipher) {
    let of = |name: &[u8]| Cipher::new(sha1(&[name, secret, torrent]));
    (of(b"keyA"), of(b"keyB"))
}

/// RC4 behind its first 1024 bytes.
#[derive(Clone, Debug)]
pub struct Cipher {
    table: [u8; 256],
    x: u8,
    y: u8,
}

impl Cipher {
    fn new(key: [u8; 20]) -> Self {
        let mut table = std::array::from_fn(|n| n as u8);
        let mut y = 0u8;
        for x in 0..table.len() {
            y = y.wrapping_add(table[x]).wrapping_add(key[x % key.len()]);
            table.swap(x, y.into());
        }
        let mut cipher = Self { table, x: 0, y: 0 };
        for _ in 0..1024 {
            cipher.step();
        }
        cipher
    }

    /// The next byte of the key stream.
    fn step(&mut self) -> u8 {
        self.x = self.x.wrapping_add(1);
        let a = self.table[usize::from(self.x)];
        self.y = self.y.wrapping_add(a);
        let b = self.table[usize::from(self.y)];
        self.table[usize::from(self.x)] = b;
        self.table[usize::from(self.y)] = a;
        self.table[usize::from(a.wrapping_add(b))]
    }

    /// The bytes on the other side of the cipher.
    pub fn pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        bytes.iter().map(|byte| byte ^ self.step()).collect()
    }
}

/// One direction of an encrypted connection, read by somebody who knows the secret.
#[derive(Clone, Debug)]
pub struct Lane {
    /// Whether it is the direction of the one who dialled.
    opens: bool,
    bytes: Vec<u8>,
    place: Place,
    /// What the padding ends with; none until the secret is known.
    mark: Vec<u8>,
    cipher: Option<Cipher>,
    /// What was offered or selected.
    pub modes: Option<u32>,
    /// Bytes of the three paddings' and payloads' lengths that were announced, for those who hold them to the rules.
    pub lengths: Vec<u16>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    /// Key and padding.
    Noise,
    /// VC, modes, length of the padding.
    Head,
    Pad(usize),
    /// Length of the first payload.
    Length,
    First(usize),
    Stream,
    /// The verification constant is wrong.
    Broken,
}

impl Lane {
    /// A direction before its first byte.
    pub const fn new(opens: bool) -> Self {
        Self {
            opens,
            bytes: Vec::new(),
            place: Place::Noise,
            mark: Vec::new(),
            cipher: None,
            modes: None,
            lengths: Vec::new(),
        }
    }

    /// Keeps bytes until they can be read.
    pub fn keep(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The key, once it is there.
    pub fn key(&self) -> Option<&[u8; KEY]> {
        self.bytes.first_chunk().filter(|_| self.place == Place::Noise)
    }

    /// Whether the handshake of this direction is over.
    pub fn is_over(&self) -> bool {
        self.place == Place::Stream
    }

    /// Whether it cannot be read.
    pub fn is_broken(&self) -> bool {
        self.place == Place::Broken
    }

    /// Bytes behind the key that are no known beginning of anything yet.
    pub fn noise(&self) -> usize {
        match self.place {
            Place::Noise => self.bytes.len().saturating_sub(KEY),
            _ => 0,
        }
    }

    /// What stands there in clear, as far as it came. `mode` is what was selected for the stream, once it is known.
    pub fn read(&mut self, secret: &[u8; KEY], torrent: &[u8; 20], mode: Option<u32>) -> Vec<u8> {
        let mut clear = Vec::new();
        while self.step(secret, torrent, mode, &mut clear) {}
        clear
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        let bytes: Vec<u8> = self.bytes.drain(..count).collect();
        match &mut self.cipher {
            Some(cipher) => cipher.pass(&bytes),
            None => bytes,
        }
    }

    /// What ends the padding, and the cipher that begins behind it.
    fn prepare(&mut self, secret: &[u8; KEY], torrent: &[u8; 20]) {
        let name = if self.opens { b"keyA" } else { b"keyB" };
        let cipher = Cipher::new(sha1(&[name, secret, torrent]));
        self.mark = match self.opens {
            true => [req1(secret), req23(secret, torrent)].concat(),
            false => cipher.clone().pass(&[0; 8]),
        };
        self.cipher = Some(cipher);
    }

    /// True when it may go on.
    fn step(
        &mut self,
        secret: &[u8; KEY],
        torrent: &[u8; 20],
        mode: Option<u32>,
        clear: &mut Vec<u8>,
    ) -> bool {
        let there = self.bytes.len();
        match self.place {
            Place::Noise => {
                if self.mark.is_empty() {
                    self.prepare(secret, torrent);
                }
                let behind = self.bytes.get(KEY..).unwrap_or_default();
                let mut windows = behind.windows(self.mark.len());
                let Some(at) = windows.position(|window| window == self.mark) else {
                    return false;
                };
                // the constant is read once more, with the modes behind it
                let hashes = if self.opens { self.mark.len() } else { 0 };
                self.bytes.drain(..KEY + at + hashes);
                self.place = Place::Head;
            }
            Place::Head if there >= 14 => {
                let head = self.take(14);
                let short = u16::from_be_bytes([head[12], head[13]]);
                self.modes = Some(u32::from_be_bytes([head[8], head[9], head[10], head[11]]));
                self.lengths.push(short);
                self.place = if head[..8] == [0; 8] {
                    Place::Pad(short.into())
                } else {
                    Place::Broken
                };
            }
            Place::Pad(left) if there >= left => {
                self.take(left);
                self.place = if self.opens { Place::Length } else { Place::Stream };
            }
            Place::Length if there >= 2 => {
                let length = self.take(2);
                let short = u16::from_be_bytes([length[0], length[1]]);
                self.lengths.push(short);
                self.place = Place::First(short.into());
            }
            Place::First(left) if there >= left => {
                clear.extend(self.take(left));
                self.place = Place::Stream;
            }
            Place::Stream if there > 0 => {
                match mode {
                    Some(2) => clear.extend(self.take(there)),
                    Some(_) => clear.append(&mut self.bytes),
                    None => {}
                }
                return false;
            }
            Place::Head | Place::Pad(_) | Place::Length | Place::First(_) | Place::Stream | Place::Broken => {
                return false;
            }
        }
        true
    }

    /// The cipher where it stands: for whoever goes on in the same direction.
    pub fn cipher(&self) -> Option<&Cipher> {
        self.cipher.as_ref().filter(|_| self.place != Place::Noise)
    }
}
