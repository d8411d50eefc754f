//! What is read, what is refused, and that neither depth nor noise does harm (BEP 3).

use super::*;
use alloc::vec;
use quickcheck::{Gen, QuickCheck};
use serde::Deserialize;

fn scanned(text: &str) -> Result<Scan, BencodeError> {
    scan(text.as_bytes(), &Limits::MESSAGE)
}

#[test]
fn canonical_values_are_told_from_others() {
    let check = |text: &str, unsorted: bool, duplicate: bool, odd: bool| {
        let scan = scanned(text).unwrap();
        let notes = (scan.unsorted_keys, scan.duplicate_keys, scan.odd_numbers);
        assert_eq!(notes, (unsorted, duplicate, odd), "{text}");
        assert_eq!(scan.end, text.len());
        let strict = scan_strict(text.as_bytes(), &Limits::MESSAGE);
        let canonical = !unsorted && !duplicate && !odd;
        assert_eq!(scan.is_canonical(), canonical, "{text}");
        assert_eq!(strict.is_ok(), canonical, "{text}");
    };
    check("i-9223372036854775808e", false, false, false);
    check("d1:ai1e2:aa0:1:blee", false, false, false);
    check("d1:bi1e1:ai2ee", true, false, false);
    check("d1:ai1e1:ai2ee", false, true, false);
    check("d1:ai1e1:bi1e1:ai2ee", true, true, false);
    check("d1:ad1:zi0ee1:zi0ee", false, false, false);
    check("i-0e", false, false, true);
    check("i007e", false, false, true);
    check("01:a", false, false, true);
    // as many digits as are read at all
    check("i00000000000000000001e", false, false, true);
    check("00000000000000000001:a", false, false, true);
}

#[test]
fn strict_reading_counts_what_follows() {
    let strict = scan_strict(b"i1ejunk", &Limits::MESSAGE);
    assert_eq!(strict, Err(BencodeError::Trailing(4)));
}

#[test]
fn what_is_not_bencode_is_named() {
    let check = |text: &str, error: BencodeError| assert_eq!(scanned(text), Err(error), "{text}");
    check("", BencodeError::Truncated { at: 0 });
    check("l", BencodeError::Truncated { at: 1 });
    check("e", BencodeError::Unexpected { at: 0 });
    check("x", BencodeError::Unexpected { at: 0 });
    check("i+5e", BencodeError::Integer { at: 0 });
    check("i--5e", BencodeError::Integer { at: 0 });
    check("i-e", BencodeError::Integer { at: 0 });
    check("li12", BencodeError::Truncated { at: 1 });
    check("i9223372036854775808e", BencodeError::IntegerRange { at: 0 });
    check("i000000000000000000001e", BencodeError::IntegerRange { at: 0 });
    check("4:abc", BencodeError::StringTooLong { at: 0 });
    check("18446744073709551615:x", BencodeError::StringTooLong { at: 0 });
    check("99999999999999999999:x", BencodeError::StringTooLong { at: 0 });
    check("000000000000000000001:x", BencodeError::StringTooLong { at: 0 });
    check("3x:abc", BencodeError::StringLength { at: 0 });
    check("di1ei1ee", BencodeError::Key { at: 1 });
    check("dlei1ee", BencodeError::Key { at: 1 });
    check("d1:ae", BencodeError::MissingValue { at: 4 });
}

#[test]
fn limits_hold() {
    let limits = Limits {
        size: 100,
        depth: 3,
        tokens: 5,
    };
    assert!(scan(b"llleee", &limits).is_ok());
    assert_eq!(scan(b"lllleeee", &limits), Err(BencodeError::Depth { max: 3 }));
    assert!(scan(b"d1:a1:b1:ci1ee", &limits).is_ok());
    assert_eq!(
        scan(b"l1:a1:b1:ci1ei2ee", &limits),
        Err(BencodeError::Tokens { max: 5 })
    );
    let long = [b'l'; 101];
    let size = BencodeError::Size {
        length: 101,
        max: 100,
    };
    assert_eq!(scan(&long, &limits), Err(size));
    assert_eq!(scan(&long[..100], &limits), Err(BencodeError::Depth { max: 3 }));
    let nested = vec![b'l'; 1_000_000];
    assert_eq!(
        scan(&nested, &Limits::TORRENT),
        Err(BencodeError::Depth { max: 64 })
    );
}

#[test]
fn a_value_knows_its_exact_bytes() {
    let bytes = b"d1:ai7e4:infod3:fooli01ei-2eee1:z2:\xff\xfe4:info0:etrailing";
    let (value, scan) = Value::parse(bytes, &Limits::TORRENT).unwrap();
    assert_eq!(&bytes[scan.end..], b"trailing");
    let info = value.dict_get(b"info").unwrap();
    assert_eq!(info.raw(), b"d3:fooli01ei-2eee");
    let numbers = info.dict_get(b"foo").and_then(Value::as_list).unwrap();
    assert_eq!(numbers.filter_map(Value::as_int).collect::<Vec<_>>(), [1, -2]);
    assert_eq!(
        value.dict_get(b"z").and_then(Value::as_bytes),
        Some(&b"\xff\xfe"[..])
    );
    assert_eq!(value.dict_get(b"z").and_then(Value::as_str), None);
    assert_eq!(value.dict_get(b"y"), None);
    assert_eq!(
        value.dict_get(b"a").and_then(Value::as_list).map(Iterator::count),
        None
    );
    assert_eq!(value.as_dict().unwrap().count(), 4);
    assert_eq!(prefix_len(bytes, &Limits::TORRENT), Ok(bytes.len() - 8));
}

#[derive(Deserialize, Serialize, PartialEq, Debug)]
struct Typed {
    a: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    b: Option<serde_bytes::ByteBuf>,
}

#[test]
fn typed_values_are_scanned_first() {
    let read = |bytes: &[u8]| from_bytes::<Typed>(bytes, &Limits::MESSAGE);
    let value = Typed {
        a: 1,
        b: Some(serde_bytes::ByteBuf::from(vec![0xff])),
    };
    assert_eq!(to_bytes(&value).unwrap(), b"d1:ai1e1:b1:\xffe");
    assert_eq!(read(b"d1:b1:\xff1:ai1eetrailing").unwrap(), value);
    assert_eq!(read(b"d1:ai1ee").unwrap(), Typed { a: 1, b: None });
    assert!(matches!(read(b"d1:b1:xe"), Err(BencodeError::Shape(_))));
    // each would abort the process, were serde_bencode to see it
    let mut deep = b"d1:ai1e1:z".to_vec();
    deep.extend(vec![b'l'; 100_000]);
    assert_eq!(read(&deep), Err(BencodeError::Depth { max: 64 }));
    assert_eq!(read(b"d1:ai+1ee"), Err(BencodeError::Integer { at: 4 }));
}

/// Bytes that are likely to be nearly bencode.
fn nearly_bencode(noise: &[u8]) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ildlde0123-:eeea";
    noise
        .iter()
        .map(|byte| ALPHABET[usize::from(*byte) % ALPHABET.len()])
        .collect()
}

/// Visits every value without recursion; the number of integers and strings among them.
fn walk(value: Value<'_>) -> usize {
    let mut open = vec![value];
    let mut leaves = 0;
    while let Some(value) = open.pop() {
        match value.kind() {
            Kind::Int(_) | Kind::Bytes(_) => leaves += 1,
            Kind::List(items) => open.extend(items),
            Kind::Dict(entries) => open.extend(entries.map(|(_, value)| value)),
        }
    }
    leaves
}

#[test]
fn no_bytes_make_it_panic_and_a_prefix_is_never_a_value() {
    fn property(noise: Vec<u8>) -> bool {
        let bytes = nearly_bencode(&noise);
        let _ = scan(&noise, &Limits::MESSAGE);
        let _ = from_bytes::<Typed>(&bytes, &Limits::MESSAGE);
        let Ok((value, found)) = Value::parse(&bytes, &Limits::MESSAGE) else {
            return true;
        };
        let cut = |end: usize| scan(&bytes[..end], &Limits::MESSAGE);
        walk(value) <= found.tokens
            && value.raw().len() == found.end
            && (0..found.end).all(|end| cut(end).is_err())
    }
    QuickCheck::new()
        .rng(Gen::from_size_and_seed(60, 3))
        .tests(20_000)
        .quickcheck(property as fn(Vec<u8>) -> bool);
}
