//! How a good input becomes a bad one: a few changes, each of a kind that has broken readers before.

/// A generator that is kept apart from the engine's own: SplitMix64 (Steele, Lea, Flood 2014).
#[derive(Clone, Debug)]
pub struct Dice(pub u64);

impl Dice {
    /// The next number.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// A number below `bound`; 0 if that is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        self.roll().checked_rem(bound as u64).unwrap_or(0) as usize
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

/// Most changes of one input.
const CHANGES_MAX: usize = 6;

/// Longest input that is made; a reader's own limit on what it takes is tested by tests of its own.
const LENGTH_MAX: usize = 1 << 17;

/// Numbers in digits that overflow, are negative, or are not written as they should be.
const NUMBERS: &[&str] = &[
    "0",
    "-1",
    "-0",
    "00",
    "01",
    "1",
    "255",
    "65536",
    "2147483647",
    "2147483648",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999999999",
    "",
];

/// Four bytes of a length or index.
const WORDS: &[u32] = &[
    0,
    1,
    2,
    9,
    0x3fff,
    0x4000,
    0x4001,
    0x0010_0000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_fff0,
    u32::MAX,
];

/// Bytes that mean something to one reader or another.
const BYTES: &[u8] = b"\0\x01\x05\x07\x14\x7f\x80\xff dileu0:-/\\.%&?=\r\n\"{};";

/// One of `seeds`, with some changes; now and then noise, or nothing of it.
pub fn mutate(dice: &mut Dice, seeds: &[Vec<u8>]) -> Vec<u8> {
    if seeds.is_empty() || dice.below(32) == 0 {
        let length = dice.below(80);
        return (0..length).map(|_| dice.roll() as u8).collect();
    }
    let mut bytes = seeds[dice.below(seeds.len())].clone();
    for _ in 0..dice.below(CHANGES_MAX + 1) {
        let other = &seeds[dice.below(seeds.len())];
        change(dice, &mut bytes, other);
    }
    bytes.truncate(LENGTH_MAX);
    bytes
}

fn change(dice: &mut Dice, bytes: &mut Vec<u8>, other: &[u8]) {
    let at = dice.below(bytes.len());
    match dice.below(11) {
        0 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << dice.below(8);
            }
        }
        1 | 2 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = dice.of(BYTES);
            }
        }
        3 => bytes.insert(at, dice.of(BYTES)),
        4 => {
            // a run
            let run = vec![dice.of(BYTES); dice.of(&[2, 8, 100, 300, 5000])];
            bytes.splice(at..at, run);
        }
        5 => {
            let end = at + dice.below(bytes.len() - at + 1);
            bytes.drain(at..end);
        }
        6 => {
            let end = at + dice.below((bytes.len() - at + 1).min(200));
            let copy = bytes[at..end].to_vec();
            let times = dice.of(&[1, 1, 2, 30]);
            for _ in 0..times {
                bytes.splice(at..at, copy.iter().copied());
            }
        }
        7 => bytes.truncate(at),
        8 => {
            let from = dice.below(other.len());
            let to = from + dice.below(other.len() - from + 1);
            bytes.splice(at..at, other[from..to].iter().copied());
        }
        9 => {
            // digits from here on, or what stands here, become another number
            let start = (at..bytes.len())
                .find(|at| bytes[*at].is_ascii_digit())
                .unwrap_or(at);
            let digits = bytes[start..]
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            let number = dice.of(NUMBERS);
            bytes.splice(start..start + digits, number.bytes());
        }
        _ => {
            let word = dice.of(WORDS).to_be_bytes();
            for (slot, byte) in bytes.iter_mut().skip(at).zip(word) {
                *slot = byte;
            }
        }
    }
}
