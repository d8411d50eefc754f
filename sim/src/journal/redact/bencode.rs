//! Bencode written again with other strings in it.

use super::pseudonyms::Pseudonyms;
use seedbed_engine::bencode::{Kind, Limits, Value};
use seedbed_engine::extension::pex::CONTACTS_READ_MAX;
use seedbed_engine::id::{InfoHash, PeerId};
use seedbed_engine::tracker::http::is_host_name;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Appends a byte string.
pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(format!("{}:", bytes.len()).as_bytes());
    out.extend_from_slice(bytes);
}

fn put_int(out: &mut Vec<u8>, number: i64) {
    out.extend_from_slice(format!("i{number}e").as_bytes());
}

/// As many bytes that say nothing.
fn blank(bytes: &[u8]) -> Vec<u8> {
    vec![b'x'; bytes.len()]
}

/// A value whose strings say nothing any more; its shape and its numbers stay.
fn put_blank(out: &mut Vec<u8>, value: Value<'_>) {
    match value.kind() {
        Kind::Int(number) => put_int(out, number),
        Kind::Bytes(bytes) => put_bytes(out, &blank(bytes)),
        Kind::List(list) => {
            out.push(b'l');
            list.for_each(|value| put_blank(out, value));
            out.push(b'e');
        }
        Kind::Dict(dict) => {
            out.push(b'd');
            for (key, value) in dict {
                put_bytes(out, key);
                put_blank(out, value);
            }
            out.push(b'e');
        }
    }
}

/// An info dictionary without names, and with other hashes. What a client need not know is left out. With `exact` it is
/// as long as before, as one must be that peers send in pieces; that is not always possible.
pub(super) fn info(names: &mut Pseudonyms, info: &[u8], exact: bool) -> Option<Vec<u8>> {
    let (value, _) = Value::parse(info, &Limits::TORRENT).ok()?;
    let mut out = vec![b'd'];
    for (key, value) in value.as_dict()? {
        match key {
            b"length" | b"piece length" | b"private" => {
                put_bytes(&mut out, key);
                put_int(&mut out, value.as_int()?);
            }
            b"name" => {
                put_bytes(&mut out, key);
                put_name(&mut out, names, value.as_bytes()?, exact)?;
            }
            b"pieces" => {
                put_bytes(&mut out, key);
                let (hashes, _) = value.as_bytes()?.as_chunks::<20>();
                let hashes: Vec<_> = hashes.iter().flat_map(|hash| names.digest(*hash)).collect();
                put_bytes(&mut out, &hashes);
            }
            b"files" => {
                put_bytes(&mut out, key);
                out.push(b'l');
                for file in value.as_list()? {
                    put_file(&mut out, names, file, exact)?;
                }
                out.push(b'e');
            }
            _ => {}
        }
    }
    let missing = info.len().checked_sub(out.len() + 1);
    if exact && missing != Some(0) {
        out.extend(filler(missing?)?);
    }
    out.push(b'e');
    Some(out)
}

/// An entry of a dictionary that says nothing, of this length; it stands behind those that a client knows.
fn filler(length: usize) -> Option<Vec<u8>> {
    let entry = |key: usize, value: usize| {
        let mut entry = Vec::new();
        put_bytes(&mut entry, &vec![b'x'; key]);
        put_bytes(&mut entry, &vec![b'x'; value]);
        entry
    };
    // a length that has one digit more is two bytes longer, then the key makes up for it
    let keys = 1..=3;
    keys.flat_map(|key| (length.saturating_sub(24)..length).map(move |value| (key, value)))
        .map(|(key, value)| entry(key, value))
        .find(|entry| entry.len() == length)
}

fn put_name(out: &mut Vec<u8>, names: &mut Pseudonyms, name: &[u8], exact: bool) -> Option<()> {
    names.secret(name);
    let text = String::from_utf8_lossy(name);
    let new = if exact {
        names.name_as_long(&text, name.len())?
    } else {
        names.name(&text)
    };
    put_bytes(out, new.as_bytes());
    Some(())
}

fn put_file(out: &mut Vec<u8>, names: &mut Pseudonyms, file: Value<'_>, exact: bool) -> Option<()> {
    out.push(b'd');
    for (key, value) in file.as_dict()? {
        match key {
            b"length" => {
                put_bytes(out, key);
                put_int(out, value.as_int()?);
            }
            // pad files (BEP 47)
            b"attr" => {
                put_bytes(out, key);
                put_bytes(out, value.as_bytes()?);
            }
            b"path" => {
                put_bytes(out, key);
                out.push(b'l');
                for element in value.as_list()? {
                    put_name(out, names, element.as_bytes()?, exact)?;
                }
                out.push(b'e');
            }
            _ => {}
        }
    }
    out.push(b'e');
    Some(())
}

/// Compact addresses (BEP 23, BEP 7); an entry that is cut off becomes zeros.
pub(super) fn compact(names: &mut Pseudonyms, bytes: &[u8], v6: bool) -> Vec<u8> {
    let (entry, ip_length) = if v6 { (18, 16) } else { (6, 4) };
    let mut out = Vec::with_capacity(bytes.len());
    for peer in bytes.chunks(entry) {
        match octets(peer.get(..ip_length).unwrap_or_default()) {
            Some(ip) if peer.len() == entry => {
                let new = names.ip(ip);
                // an address of nobody stays
                if peer[ip_length..] != [0, 0] && new != ip {
                    names.secret(peer);
                }
                put_octets(&mut out, new);
                out.extend_from_slice(&peer[ip_length..]);
            }
            _ => out.extend(std::iter::repeat_n(0, peer.len())),
        }
    }
    out
}

/// An address of 4 or 16 bytes.
pub(super) fn octets(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Some(Ipv4Addr::from(v4).into());
    }
    <[u8; 16]>::try_from(bytes)
        .ok()
        .map(|v6| Ipv6Addr::from(v6).into())
}

fn put_octets(out: &mut Vec<u8>, ip: IpAddr) {
    match ip {
        IpAddr::V4(ip) => out.extend_from_slice(&ip.octets()),
        IpAddr::V6(ip) => out.extend_from_slice(&ip.octets()),
    }
}

/// The same number of bytes for an address of 4 or 16; nothing to read in any other.
fn address(names: &mut Pseudonyms, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match octets(bytes) {
        Some(IpAddr::V6(ip)) => match ip.to_ipv4_mapped() {
            // an IPv4 address in the longer form stays in it
            Some(v4) => match names.ip(v4.into()) {
                IpAddr::V4(new) => put_octets(&mut out, new.to_ipv6_mapped().into()),
                new @ IpAddr::V6(_) => put_octets(&mut out, new),
            },
            None => put_octets(&mut out, names.ip(ip.into())),
        },
        Some(ip) => put_octets(&mut out, names.ip(ip)),
        None => out = blank(bytes),
    }
    out
}

/// The payload of an extended handshake (BEP 10), of the same length.
pub(super) fn extended_handshake(names: &mut Pseudonyms, payload: &[u8]) -> Vec<u8> {
    let Ok((value, scan)) = Value::parse(payload, &Limits::MESSAGE) else {
        // nobody can read it, so only its first byte says something
        let mut out = blank(payload);
        out.iter_mut()
            .zip(payload)
            .take(1)
            .for_each(|(new, old)| *new = *old);
        return out;
    };
    let mut out = Vec::with_capacity(payload.len());
    let Some(dict) = value.as_dict() else {
        put_blank(&mut out, value);
        out.resize(payload.len(), 0);
        return out;
    };
    out.push(b'd');
    for (key, value) in dict {
        put_bytes(&mut out, key);
        match (key, value.as_bytes()) {
            (b"yourip" | b"ipv4" | b"ipv6", Some(bytes)) => put_bytes(&mut out, &address(names, bytes)),
            (b"v", Some(client)) => put_bytes(&mut out, client),
            (b"m" | b"p" | b"reqq" | b"upload_only" | b"metadata_size", _) => {
                out.extend_from_slice(value.raw());
            }
            _ => put_blank(&mut out, value),
        }
    }
    out.push(b'e');
    // odd numbers are written in their shortest form, and bytes may follow the dictionary
    if out.len() != scan.end {
        out = b"de".to_vec();
    }
    out.resize(payload.len(), 0);
    out
}

/// Compact addresses of peer exchange: those that are never read become zeros.
fn contacts(names: &mut Pseudonyms, peers: &[u8], v6: bool) -> Vec<u8> {
    let read = CONTACTS_READ_MAX * if v6 { 18 } else { 6 };
    let mut out = compact(names, &peers[..read.min(peers.len())], v6);
    out.resize(peers.len(), 0);
    out
}

/// The payload of a message of peer exchange (BEP 11), of the same length.
pub(super) fn peer_exchange(names: &mut Pseudonyms, payload: &[u8]) -> Vec<u8> {
    let parsed = Value::parse(payload, &Limits::MESSAGE).ok();
    let Some((dict, end)) = parsed.and_then(|(value, scan)| Some((value.as_dict()?, scan.end))) else {
        // what is no dictionary stays none
        return vec![0; payload.len()];
    };
    let mut out = vec![b'd'];
    for (key, value) in dict {
        put_bytes(&mut out, key);
        match (key, value.as_bytes()) {
            (b"added" | b"dropped", Some(peers)) => put_bytes(&mut out, &contacts(names, peers, false)),
            (b"added6" | b"dropped6", Some(peers)) => put_bytes(&mut out, &contacts(names, peers, true)),
            (b"added.f" | b"added6.f", Some(flags)) => put_bytes(&mut out, flags),
            _ => put_blank(&mut out, value),
        }
    }
    out.push(b'e');
    // odd numbers are written in their shortest form, and bytes may follow the dictionary
    if out.len() != end {
        out = b"de".to_vec();
    }
    out.resize(payload.len(), 0);
    out
}

/// The payload of a message of `ut_metadata` (BEP 9), of the same length, about this torrent.
pub(super) fn metadata(names: &Pseudonyms, torrent: InfoHash, payload: &[u8]) -> Vec<u8> {
    let parsed = Value::parse(payload, &Limits::MESSAGE).ok();
    let Some((dict, end)) = parsed.and_then(|(value, scan)| Some((value.as_dict()?, scan.end))) else {
        // what is no dictionary stays none
        return vec![0; payload.len()];
    };
    let (mut kind, mut piece) = (None, None);
    let mut out = vec![b'd'];
    for (key, value) in dict {
        put_bytes(&mut out, key);
        put_blank(&mut out, value);
        match key {
            b"msg_type" => kind = kind.or(value.as_int()),
            b"piece" => piece = piece.or(value.as_int()),
            _ => {}
        }
    }
    out.push(b'e');
    // odd numbers are written in their shortest form
    if out.len() != end {
        out = b"de".to_vec();
    }
    let piece = piece.and_then(|piece| u32::try_from(piece).ok());
    if let (Some(1), Some(piece)) = (kind, piece) {
        out.resize(end, 0);
        out.extend(names.metadata_piece(torrent, piece, &payload[end..]));
    }
    out.resize(payload.len(), 0);
    out
}

/// The body of a tracker's answer (BEP 3, BEP 7, BEP 23, BEP 24, BEP 48).
pub(super) fn tracker_answer(names: &mut Pseudonyms, body: &[u8]) -> Vec<u8> {
    let parsed = Value::parse(body, &Limits::REPLY);
    let Some((dict, trailing)) = parsed
        .ok()
        .and_then(|(value, scan)| Some((value.as_dict()?, body.len() - scan.end)))
    else {
        // no tracker's answer stays none
        return b"(left out)".to_vec();
    };
    let mut out = vec![b'd'];
    for (key, value) in dict {
        put_bytes(&mut out, key);
        match (key, value.kind()) {
            (_, Kind::Int(number)) => put_int(&mut out, number),
            (b"peers", Kind::Bytes(peers)) => put_bytes(&mut out, &compact(names, peers, false)),
            (b"peers6", Kind::Bytes(peers)) => put_bytes(&mut out, &compact(names, peers, true)),
            (b"peers", Kind::List(peers)) => {
                out.push(b'l');
                peers.for_each(|peer| put_peer(&mut out, names, peer));
                out.push(b'e');
            }
            (b"external ip", Kind::Bytes(ip)) => put_bytes(&mut out, &address(names, ip)),
            (b"failure reason" | b"warning message", Kind::Bytes(text)) => {
                let text = names.text(&String::from_utf8_lossy(text));
                put_bytes(&mut out, text.as_bytes());
            }
            // `retry in` may be a word or digits (BEP 31), intervals may be digits too
            (b"retry in" | b"interval" | b"min interval", Kind::Bytes(text)) => put_bytes(&mut out, text),
            (b"files", Kind::Dict(files)) => put_scrape(&mut out, names, files),
            (b"tracker id", Kind::Bytes(id)) => {
                names.secret(id);
                put_bytes(&mut out, &blank(id));
            }
            _ => put_blank(&mut out, value),
        }
    }
    out.push(b'e');
    out.extend(std::iter::repeat_n(b'x', trailing));
    out
}

fn put_scrape<'a>(
    out: &mut Vec<u8>,
    names: &mut Pseudonyms,
    files: impl Iterator<Item = (&'a [u8], Value<'a>)>,
) {
    let mut entries = Vec::new();
    for (key, value) in files {
        let key = match <[u8; 20]>::try_from(key) {
            Ok(hash) => names.info_hash(InfoHash(hash)).0.to_vec(),
            Err(_) => blank(key),
        };
        entries.push((key, value));
    }
    entries.sort_by(|(one, _), (other, _)| one.cmp(other));
    out.push(b'd');
    for (key, value) in entries {
        put_bytes(out, &key);
        put_blank(out, value);
    }
    out.push(b'e');
}

/// A peer in the list form.
fn put_peer(out: &mut Vec<u8>, names: &mut Pseudonyms, peer: Value<'_>) {
    let Some(dict) = peer.as_dict() else {
        return put_blank(out, peer);
    };
    out.push(b'd');
    for (key, value) in dict {
        put_bytes(out, key);
        match (key, value.as_bytes()) {
            (b"ip", Some(host)) => {
                let host = String::from_utf8_lossy(host);
                let host = host.trim();
                let new = if host.parse::<IpAddr>().is_ok() || is_host_name(host) {
                    names.host(host)
                } else {
                    "(no host)".into()
                };
                put_bytes(out, new.as_bytes());
            }
            (b"peer id", Some(id)) => match <[u8; 20]>::try_from(id) {
                Ok(id) => put_bytes(out, &names.peer_id(PeerId(id)).0),
                Err(_) => put_bytes(out, &blank(id)),
            },
            _ => put_blank(out, value),
        }
    }
    out.push(b'e');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_of_any_length_can_be_added() {
        for length in (5..1200).chain(9_900..10_100).chain(99_990..100_020) {
            let entry = filler(length).unwrap_or_else(|| panic!("none of {length} bytes"));
            assert_eq!(entry.len(), length);
            let dict = [b"d", &entry[..], b"e"].concat();
            assert!(Value::parse(&dict, &Limits::TORRENT).is_ok(), "{length}");
        }
        assert_eq!(filler(4), None);
    }

    #[test]
    fn a_dictionary_stays_as_long_and_says_no_names() {
        let old = b"d6:lengthi9e4:name9:a holiday12:piece lengthi16384e6:pieces20:01234567890123456789\
            6:source7:a placee";
        let mut names = Pseudonyms::new([1; 32]);
        let new = info(&mut names, old, true).expect("another one");
        assert_eq!(new.len(), old.len());
        assert!(
            !new.windows(7)
                .any(|part| part == b"holiday" || part == b"a place")
        );
    }
}
