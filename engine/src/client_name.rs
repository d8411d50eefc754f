//! Which client a peer id names (BEP 20), for people: no decision depends on it, since anybody may say anything.
//!
//! BEP 20 has three styles with version digits (Azureus, Shadow, Mainline) and a list of clients that do as they like. An
//! unknown id is shown by its letters. What comes out never holds a control byte and has at most some dozen characters.

use crate::id::PeerId;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

/// Clients of the style `-AZ1230-`: those of BEP 20, and others that are seen today.
const AZUREUS: &[(&[u8; 2], &str)] = &[
    (b"AG", "Ares"),
    (b"A~", "Ares"),
    (b"AR", "Arctic"),
    (b"AV", "Avicora"),
    (b"AX", "BitPump"),
    (b"AZ", "Azureus"),
    (b"BB", "BitBuddy"),
    (b"BC", "BitComet"),
    (b"BF", "Bitflu"),
    (b"BG", "BTG"),
    (b"BR", "BitRocket"),
    (b"BS", "BTSlave"),
    (b"BX", "BittorrentX"),
    (b"CD", "Enhanced CTorrent"),
    (b"CT", "CTorrent"),
    (b"DE", "Deluge"),
    (b"DP", "Propagate Data Client"),
    (b"EB", "EBit"),
    (b"ES", "electric sheep"),
    (b"FG", "FlashGet"),
    (b"FT", "FoxTorrent"),
    (b"FW", "FrostWire"),
    (b"FX", "Freebox BitTorrent"),
    (b"GS", "GSTorrent"),
    (b"HL", "Halite"),
    (b"HN", "Hydranode"),
    (b"KG", "KGet"),
    (b"KT", "KTorrent"),
    (b"LH", "LH-ABC"),
    (b"LP", "Lphant"),
    (b"LT", "libtorrent"),
    (b"lt", "libTorrent"),
    (b"LW", "LimeWire"),
    (b"MO", "MonoTorrent"),
    (b"MP", "MooPolice"),
    (b"MR", "Miro"),
    (b"MT", "MoonlightTorrent"),
    (b"NX", "Net Transport"),
    (b"PD", "Pando"),
    (b"qB", "qBittorrent"),
    (b"QD", "QQDownload"),
    (b"QT", "Qt 4 Torrent example"),
    (b"RT", "Retriever"),
    (b"S~", "Shareaza"),
    (b"SB", "Swiftbit"),
    (b"SD", "Xunlei"),
    (b"sE", "seedbed"),
    (b"SS", "SwarmScope"),
    (b"ST", "SymTorrent"),
    (b"st", "sharktorrent"),
    (b"SZ", "Shareaza"),
    (b"TL", "Tribler"),
    (b"TN", "TorrentDotNET"),
    (b"TR", "Transmission"),
    (b"TS", "Torrentstorm"),
    (b"TT", "TuoTu"),
    (b"UL", "uLeecher!"),
    (b"UM", "uTorrent Mac"),
    (b"UT", "uTorrent"),
    (b"VG", "Vagaa"),
    (b"WD", "WebTorrent Desktop"),
    (b"WT", "BitLet"),
    (b"WW", "WebTorrent"),
    (b"WY", "FireTorrent"),
    (b"XL", "Xunlei"),
    (b"XT", "XanTorrent"),
    (b"XX", "Xtorrent"),
    (b"ZT", "ZipTorrent"),
];

/// Clients of the style `S58B-----`.
const SHADOW: &[(u8, &str)] = &[
    (b'A', "ABC"),
    (b'O', "Osprey Permaseed"),
    (b'Q', "BTQueue"),
    (b'R', "Tribler"),
    (b'S', "Shadow"),
    (b'T', "BitTornado"),
    (b'U', "UPnP NAT Bit Torrent"),
];

/// Those that follow no style, by how their ids begin.
const OTHERS: &[(&[u8], &str)] = &[
    (b"Mbrst", "Burst!"),
    (b"OP", "Opera"),
    (b"XBT", "XBT"),
    (b"-BOW", "Bits on Wheels"),
    (b"-G3", "G3 Torrent"),
    (b"AZ2500BT", "BitTyrant"),
    (b"346------", "TorrenTopia"),
    (b"\x00\x03BS", "BitSpirit 3"),
    (b"\x00\x02BS", "BitSpirit 2"),
    (b"\0\0\0\0\0\0\0\0\0\0\0\0", "Generic"),
];

/// The client that a peer id names, with its version where the id tells it.
pub fn client_name(id: &PeerId) -> String {
    let known = bitcomet(&id.0)
        .or_else(|| aria(&id.0))
        .or_else(|| other(&id.0))
        .or_else(|| azureus(&id.0))
        .or_else(|| donkey(&id.0))
        .or_else(|| mainline(&id.0))
        .or_else(|| shadow(&id.0));
    known.unwrap_or_else(|| id.client())
}

/// `-`, two letters, four digits of the version, `-`. Digits go on with letters; the last may be a letter for a beta, or
/// nothing.
fn azureus(id: &[u8; 20]) -> Option<String> {
    let [b'-', a, b, v0, v1, v2, v3, end, ..] = *id else {
        return None;
    };
    // FlashGet leaves the last dash out
    if end != b'-' && [a, b] != *b"FG" || !a.is_ascii_graphic() || !b.is_ascii_graphic() {
        return None;
    }
    let (major, minor, tiny) = (digit(v0)?, digit(v1)?, digit(v2)?);
    let last = digit(v3).unwrap_or(0);
    let version = match &[a, b] {
        b"BC" => format!("{}.{tiny}{last}", 10 * major + minor),
        b"WD" | b"WW" => format!("{}.{tiny}.{last}", 10 * major + minor),
        // a letter that says how stable it is
        b"DE" => format!("{major}.{minor}.{tiny}"),
        b"TR" if (major, minor, tiny) == (0, 0, 0) => format!("0.{last}"),
        b"TR" if (major, minor) == (0, 0) => format!("0.{tiny}{last}"),
        _ if last == 0 => format!("{major}.{minor}.{tiny}"),
        _ => format!("{major}.{minor}.{tiny}.{last}"),
    };
    let known = AZUREUS.iter().find(|(code, _)| **code == [a, b]);
    Some(match known {
        Some((_, name)) => format!("{name} {version}"),
        None => format!("{}{} {version}", char::from(a), char::from(b)),
    })
}

/// A letter and up to five digits of the version, filled up with dashes; or a letter and bytes of the version.
fn shadow(id: &[u8; 20]) -> Option<String> {
    let (_, name) = SHADOW.iter().find(|(letter, _)| *letter == id[0])?;
    let bytes = |bytes: &[u8]| joined(bytes.iter().map(|byte| u32::from(*byte)));
    let dashes = id[4..6] == *b"--" || id[6..9] == *b"---";
    if dashes {
        let used = id[1..6].iter().take_while(|byte| **byte != b'-');
        let digits: Option<Vec<u32>> = used.map(|byte| digit(*byte)).collect();
        let digits = digits.filter(|digits| !digits.is_empty())?;
        return Some(format!("{name} {}", joined(digits.into_iter())));
    }
    let old = id[8] == 0 && id[1..4].iter().all(|byte| *byte < 100);
    old.then(|| format!("{name} {}", bytes(&id[1..4])))
}

/// A letter and three numbers with a dash behind each: `M4-20-8-`.
fn mainline(id: &[u8; 20]) -> Option<String> {
    let name = match id[0] {
        b'M' => "Mainline",
        b'Q' => "Queen Bee",
        _ => return None,
    };
    Some(format!("{name} {}", numbers(&id[1..])?))
}

/// aria2 has Mainline's style behind two letters: `A2-1-18-8-`.
fn aria(id: &[u8; 20]) -> Option<String> {
    let version = numbers(id.strip_prefix(b"A2-")?)?;
    Some(format!("aria2 {version}"))
}

/// Three numbers of up to three digits with a dash behind each.
fn numbers(bytes: &[u8]) -> Option<String> {
    let mut groups = bytes.split(|byte| *byte == b'-');
    let mut found = Vec::new();
    for _ in 0..3 {
        let group = groups.next().filter(|group| (1..=3).contains(&group.len()))?;
        let value = group.iter().try_fold(0u32, |value, byte| {
            byte.is_ascii_digit().then(|| 10 * value + u32::from(byte - b'0'))
        });
        found.push(value?);
    }
    // there was a dash behind the last one
    groups.next()?;
    Some(joined(found.into_iter()))
}

/// `exbc` or `FUTB`, and two bytes of the version; BitLord says `LORD` behind them.
fn bitcomet(id: &[u8; 20]) -> Option<String> {
    let rest = id.strip_prefix(b"exbc").or_else(|| id.strip_prefix(b"FUTB"))?;
    let [major, minor, lord @ ..] = rest else {
        return None;
    };
    let name = if lord.starts_with(b"LORD") {
        "BitLord"
    } else {
        "BitComet"
    };
    Some(format!("{name} {major}.{minor:02}"))
}

/// `-ML`, a version with dots, `-`.
fn donkey(id: &[u8; 20]) -> Option<String> {
    let rest = id.strip_prefix(b"-ML")?;
    let end = rest.iter().position(|byte| *byte == b'-')?;
    let version = rest.get(..end)?;
    let dotted = version.contains(&b'.') && version.iter().all(|b| b.is_ascii_digit() || *b == b'.');
    dotted.then(|| format!("MLdonkey {}", String::from_utf8_lossy(version)))
}

fn other(id: &[u8; 20]) -> Option<String> {
    if id[2..4] == *b"RS" && id[..2].iter().all(|byte| *byte < 32) {
        return Some(format!("Rufus {}.{}", id[0], id[1]));
    }
    let (_, name) = OTHERS.iter().find(|(begin, _)| id.starts_with(begin))?;
    // two letters may begin any random id: Opera has its build behind them
    let opera = !id.starts_with(b"OP") || id[2..6].iter().all(u8::is_ascii_digit);
    opera.then(|| (*name).into())
}

/// 0 to 9, then A for 10 to Z for 35, then a for 36 to z for 61.
fn digit(byte: u8) -> Option<u32> {
    let value = match byte {
        b'0'..=b'9' => byte - b'0',
        b'A'..=b'Z' => byte - b'A' + 10,
        b'a'..=b'z' => byte - b'a' + 36,
        _ => return None,
    };
    Some(value.into())
}

fn joined(numbers: impl Iterator<Item = u32>) -> String {
    let texts: Vec<String> = numbers.map(|number| number.to_string()).collect();
    texts.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(id: &[u8; 20], expected: &str) {
        assert_eq!(client_name(&PeerId(*id)), expected);
    }

    #[test]
    fn the_examples_of_bep_20() {
        check(b"-AZ2060-............", "Azureus 2.0.6");
        check(b"M4-3-6--............", "Mainline 4.3.6");
        check(b"M4-20-8-............", "Mainline 4.20.8");
        check(b"S58B-----...........", "Shadow 5.8.11");
        check(b"XBT054d-............", "XBT");
        check(b"-ML2.7.2-kgjjfkd....", "MLdonkey 2.7.2");
        check(b"-BOWA0C-YYYYYYYYYYYY", "Bits on Wheels");
        check(b"Q1-10-0-............", "Queen Bee 1.10.0");
        check(b"AZ2500BT............", "BitTyrant");
        check(b"-FG0180.............", "FlashGet 0.1.8");
        check(b"exbc\x00\x3b..............", "BitComet 0.59");
        check(b"FUTB\x00\x38LORD..........", "BitLord 0.56");
        check(b"\x00\x03BS............UDP0", "BitSpirit 3");
        check(b"\x00\x06RSnick............", "Rufus 0.6");
        check(b"OP1234aaaaaaaaaaaaaa", "Opera");
    }

    #[test]
    fn clients_of_today() {
        check(b"-sE0100-............", "seedbed 0.1.0");
        check(b"-DE211s-............", "Deluge 2.1.1");
        check(b"-TR4050-............", "Transmission 4.0.5");
        check(b"A2-1-37-0-..........", "aria2 1.37.0");
        check(b"-WW0007-............", "WebTorrent 0.0.7");
        check(b"-xx1234-............", "xx 1.2.3.4");
    }

    #[test]
    fn what_looks_like_a_style_and_is_none_is_shown_as_it_stands() {
        check(b"-TR30*0-............", "TR30*0");
        check(b"M4-3-...............", "M4-3-...............");
        check(b"OPera...............", "OPera...............");
        check(b"\x1b[2Jxxxxxxxxxxxxxxxx", "unknown");
        check(b"S-------............", "S-------............");
    }

    #[test]
    fn no_bytes_make_it_panic_or_show_a_control_byte() {
        let mut rng = crate::rng::Rng::from_seed([7; 32]);
        let begins: [&[u8]; 9] = [b"-AZ", b"S", b"M", b"A2-", b"exbc", b"-ML", b"-FG", b"OP", b""];
        for round in 0..20_000 {
            let mut id = [0; 20];
            rng.fill(&mut id);
            // few values, so that dashes, digits and zeros are common
            if round % 2 == 0 {
                for byte in &mut id {
                    *byte = b"-09Az.\0\x1b"[usize::from(*byte) % 8];
                }
            }
            let begin = begins[round % begins.len()];
            id[..begin.len()].copy_from_slice(begin);
            let shown = client_name(&PeerId(id));
            assert!(!shown.is_empty() && shown.len() < 40, "{id:?}: {shown:?}");
            assert!(!shown.chars().any(char::is_control), "{id:?}: {shown:?}");
        }
    }
}
