//! Canonical peer priority (BEP 40): a number that both ends of a connection arrive at, so that everybody prefers other
//! peers and nobody's connections are all taken by those who came first or dial the most.

use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

/// The priority of a connection between these two, each as the other sees it; the greater one is preferred. Of two
/// families, which never meet, the first counts as the smaller.
pub fn priority(one: SocketAddr, other: SocketAddr) -> u32 {
    let (one_ip, other_ip) = (octets(one.ip()), octets(other.ip()));
    let (mut first, mut second) = if one_ip == other_ip {
        // several clients behind one address
        let ports = |addr: SocketAddr| addr.port().to_be_bytes().to_vec();
        (ports(one), ports(other))
    } else {
        let common = one_ip.iter().zip(&other_ip).take_while(|(a, b)| a == b).count();
        (masked(one_ip, common), masked(other_ip, common))
    };
    if second < first {
        core::mem::swap(&mut first, &mut second);
    }
    first.extend_from_slice(&second);
    crc32c(&first)
}

fn octets(ip: IpAddr) -> Vec<u8> {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}

/// FF.FF.55.55 or FFFF:FFFF:FFFF:5555:…, and a whole byte more for each byte behind these that both have in common,
/// beginning with the last of them: in one network the host decides.
fn masked(mut ip: Vec<u8>, common: usize) -> Vec<u8> {
    let network = if ip.len() == 4 { 2 } else { 6 };
    let whole = if common < network { network } else { common + 1 };
    ip.iter_mut().skip(whole).for_each(|byte| *byte &= 0x55);
    ip
}

/// CRC-32C (Castagnoli), bit by bit: at most 32 bytes an address.
fn crc32c(bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (POLYNOMIAL & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(one: &str, other: &str, expected: u32) {
        let (one, other) = (one.parse().unwrap(), other.parse().unwrap());
        assert_eq!(priority(one, other), expected);
        assert_eq!(priority(other, one), expected, "both ends arrive at the same");
    }

    /// BEP 40, "Examples".
    #[test]
    fn the_examples_of_the_standard() {
        check("123.213.32.10:1", "98.76.54.32:2", 0xec2d_7224);
        check("123.213.32.10:1", "123.213.32.234:2", 0x9956_8189);
    }

    #[test]
    fn the_ports_decide_between_clients_of_one_address() {
        check("[ffff::1]:1234", "[ffff::1]:300", 0xae8b_7034);
    }

    #[test]
    fn the_check_value_of_the_crc() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn masks_grow_with_the_common_network() {
        let ip = [0xff; 16].to_vec();
        for (common, whole) in [(0, 6), (5, 6), (6, 7), (7, 8), (15, 16)] {
            let bytes = masked(ip.clone(), common)
                .iter()
                .filter(|byte| **byte == 0xff)
                .count();
            assert_eq!(bytes, whole, "{common} in common");
        }
    }
}
