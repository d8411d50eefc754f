//! Shrink-stable randomness: one stream of numbers an entity, keyed by the entity's name.
//!
//! A draw depends on the root seed, the name and how often this entity drew before, never on what others did. So a
//! scenario from which peer 7 was removed makes peer 3 do exactly what it did, and failures can be shrunk.

use seedbed_engine::rng::Rng;

/// The root of all randomness of a world.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seed(pub u64);

/// FNV-1a, 64 bits: names are short and chosen by us, so its spread is enough.
fn hash(salt: u64, name: &str) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325 ^ salt.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    name.bytes().fold(start, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

impl Seed {
    /// The stream of an entity. Names are paths: `p3`, `p3/link`, `eng/disk`.
    pub fn stream(self, name: &str) -> Rng {
        Rng::from_seed(self.bytes(name))
    }

    /// 32 bytes for something that makes streams of its own, such as an engine.
    pub fn bytes(self, name: &str) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (n, part) in bytes.chunks_exact_mut(8).enumerate() {
            part.copy_from_slice(&(self.0.rotate_left(n as u32 * 13) ^ hash(n as u64, name)).to_le_bytes());
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_depends_on_its_name_alone() {
        let seed = Seed(7);
        let alone = seed.stream("p3").next_u64();
        seed.stream("p7").next_u64();
        assert_eq!(seed.stream("p3").next_u64(), alone);
        assert_ne!(seed.stream("p4").next_u64(), alone);
        assert_ne!(Seed(8).stream("p3").next_u64(), alone);
    }
}
