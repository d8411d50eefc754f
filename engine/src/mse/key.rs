//! Diffie–Hellman over the 768-bit prime of MSE, and the hashes that are made of its secret.

use super::{Ciphers, Fault, PAD_MAX, Rc4};
use crate::id::InfoHash;
use crate::rng::Rng;
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{Odd, U256, U768};
use serde::{Deserialize, Serialize};
use sha1::{Digest as _, Sha1};

/// Bytes of a public key and of the shared secret; leading zeros stand.
pub const KEY_LENGTH: usize = 96;

/// Bytes of a private key: more would be of no use against 768 bits (the MSE text recommends 160 bits).
const PRIVATE_LENGTH: usize = 20;

/// The prime of MSE.
const PRIME: Odd<U768> = Odd::<U768>::from_be_hex(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD\
     EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A63A36210000000000090563",
);

const FIELD: FixedMontyParams<{ U768::LIMBS }> = FixedMontyParams::new_vartime(PRIME);

/// What a side of one handshake draws at random.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secrets {
    private: [u8; PRIVATE_LENGTH],
    /// PadA or PadB: its length hides where the key ends, its bytes hide that it is padding.
    pub(super) pad: Vec<u8>,
    /// Length of PadC or PadD, whose bytes are encrypted zeros.
    pub(super) inner_pad: u16,
}

impl Secrets {
    /// The secrets of one handshake.
    pub fn draw(rng: &mut Rng) -> Self {
        let mut private = [0; PRIVATE_LENGTH];
        rng.fill(&mut private);
        // not above 512
        let length = |rng: &mut Rng| rng.below(u32::from(PAD_MAX) + 1) as u16;
        let mut pad = vec![0; usize::from(length(rng))];
        rng.fill(&mut pad);
        let inner_pad = length(rng);
        Self {
            private,
            pad,
            inner_pad,
        }
    }

    fn exponent(&self) -> U256 {
        let mut bytes = [0; 32];
        bytes[32 - PRIVATE_LENGTH..].copy_from_slice(&self.private);
        U256::from_be_slice(&bytes)
    }

    fn power(&self, base: &U768) -> [u8; KEY_LENGTH] {
        // 160 bits [PRIVATE_LENGTH]
        let power = FixedMontyForm::new(base, &FIELD).pow_bounded_exp(&self.exponent(), 160);
        let mut bytes = [0; KEY_LENGTH];
        bytes.copy_from_slice(power.retrieve().to_be_bytes().as_ref());
        bytes
    }

    /// The public key, 2 to the private one.
    pub(super) fn public(&self) -> [u8; KEY_LENGTH] {
        self.power(&U768::from_u8(2))
    }

    /// What only the two sides know.
    ///
    /// # Errors
    /// When the other's key is 0, 1, p − 1 or not below p: then anybody would know it.
    pub(super) fn shared(&self, theirs: &[u8; KEY_LENGTH]) -> Result<SharedSecret, Fault> {
        let theirs = U768::from_be_slice(theirs);
        let last = PRIME.as_ref().wrapping_sub(&U768::ONE);
        if theirs <= U768::ONE || theirs >= last {
            return Err(Fault::DegenerateKey);
        }
        Ok(SharedSecret(self.power(&theirs)))
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Secrets(pads of {} and {} bytes)",
            self.pad.len(),
            self.inner_pad
        )
    }
}

/// The secret S that the two keys make.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedSecret(#[serde(with = "serde_bytes")] [u8; KEY_LENGTH]);

impl SharedSecret {
    /// Its bytes, for a checker that reads along.
    pub const fn as_bytes(&self) -> &[u8; KEY_LENGTH] {
        &self.0
    }

    /// HASH('req1', S): where the responder finds the end of PadA.
    pub(super) fn req1(&self) -> [u8; 20] {
        hash(&[b"req1", &self.0])
    }

    /// HASH('req2', SKEY) ^ HASH('req3', S): which torrent, to who knows it already.
    pub(super) fn torrent(&self, info_hash: InfoHash) -> [u8; 20] {
        let mut masked = hash(&[b"req2", &info_hash.0]);
        let mask = hash(&[b"req3", &self.0]);
        masked.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
        masked
    }

    /// The two key streams: the initiator writes with `keyA`, the responder with `keyB`.
    pub(super) fn ciphers(&self, info_hash: InfoHash, initiates: bool) -> Box<Ciphers> {
        let stream = |label: &[u8]| Rc4::new(&hash(&[label, &self.0, &info_hash.0]));
        let (a, b) = (stream(b"keyA"), stream(b"keyB"));
        let (read, write) = if initiates { (b, a) } else { (a, b) };
        Box::new(Ciphers { read, write })
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret")
    }
}

fn hash(parts: &[&[u8]]) -> [u8; 20] {
    let mut sha1 = Sha1::new();
    parts.iter().for_each(|part| sha1.update(part));
    sha1.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(n: u8) -> Secrets {
        Secrets::draw(&mut Rng::from_seed([n; 32]))
    }

    #[test]
    fn both_sides_come_to_the_same_secret() {
        let (a, b) = (secrets(1), secrets(2));
        assert_ne!(a.public(), b.public());
        assert_eq!(a.shared(&b.public()), b.shared(&a.public()));
    }

    /// 2^3 = 8, left-padded.
    #[test]
    fn a_small_power_is_left_padded() {
        let mut three = secrets(1);
        three.private = [0; 20];
        three.private[19] = 3;
        let mut eight = [0; KEY_LENGTH];
        eight[95] = 8;
        assert_eq!(three.public(), eight);
        let mut theirs = [0; KEY_LENGTH];
        theirs[95] = 5;
        let shared = three.shared(&theirs).unwrap();
        assert_eq!((shared.0[94], shared.0[95]), (0, 125));
    }

    #[test]
    fn degenerate_keys_are_refused() {
        let prime: U768 = *PRIME.as_ref();
        let refused = [
            U768::ZERO,
            U768::ONE,
            prime.wrapping_sub(&U768::ONE),
            prime,
            prime.wrapping_add(&U768::ONE),
            U768::MAX,
        ];
        for key in refused {
            let mut bytes = [0; KEY_LENGTH];
            bytes.copy_from_slice(key.to_be_bytes().as_ref());
            assert_eq!(secrets(1).shared(&bytes), Err(Fault::DegenerateKey), "{key}");
        }
        for key in [U768::from_u8(2), prime.wrapping_sub(&U768::from_u8(2))] {
            let mut bytes = [0; KEY_LENGTH];
            bytes.copy_from_slice(key.to_be_bytes().as_ref());
            assert!(secrets(1).shared(&bytes).is_ok(), "{key}");
        }
    }
}
