//! The handshake dictionary of BEP 10, and the message of BEP 11.

use seedbed_engine::extension::handshake::ExtendedHandshake;
use seedbed_engine::extension::pex::{Flags, PexMessage};
use std::collections::BTreeMap;

#[track_caller]
fn check(handshake: &ExtendedHandshake, bytes: &[u8]) {
    assert_eq!(
        handshake.encode().escape_ascii().to_string(),
        bytes.escape_ascii().to_string()
    );
    assert_eq!(ExtendedHandshake::decode(bytes).as_ref(), Ok(handshake));
}

/// BEP 10, "An example of what the payload of a handshake message could look like": the table's dictionary.
#[test]
fn bep_10_example() {
    let handshake = ExtendedHandshake {
        m: BTreeMap::from([("LT_metadata".into(), 1), ("ut_pex".into(), 2)]),
        listen_port: Some(6881),
        client: Some("µTorrent 1.2".into()),
        ..ExtendedHandshake::default()
    };
    check(
        &handshake,
        b"d1:md11:LT_metadatai1e6:ut_pexi2ee1:pi6881e1:v13:\xc2\xb5Torrent 1.2e",
    );
}

/// The encoded form that BEP 10 prints below its table calls the second extension `µT_PEX`, in six bytes. Such a
/// name is not UTF-8; it is left out and the rest is read.
#[test]
fn bep_10_example_as_printed() {
    let bytes = b"d1:md11:LT_metadatai1e6:\xb5T_PEXi2ee1:pi6881e1:v13:\xc2\xb5Torrent 1.2e";
    let handshake = ExtendedHandshake::decode(bytes).expect("a dictionary");
    assert_eq!(handshake.m, BTreeMap::from([("LT_metadata".into(), 1)]));
    assert_eq!(handshake.listen_port, Some(6881));
    assert_eq!(handshake.client.as_deref(), Some("µTorrent 1.2"));
}

/// BEP 10: "the value 0 is used to turn off an extension".
#[test]
fn bep_10_turning_an_extension_off() {
    let off = ExtendedHandshake {
        m: BTreeMap::from([("LT_metadata".into(), 0)]),
        ..ExtendedHandshake::default()
    };
    check(&off, b"d1:md11:LT_metadatai0eee");
}

/// Every item of BEP 10, with `metadata_size` of BEP 9 and `upload_only` of BEP 21, in the order of the keys' bytes.
#[test]
fn all_items() {
    let handshake = ExtendedHandshake {
        m: BTreeMap::from([("ut_metadata".into(), 3), ("ut_pex".into(), 255)]),
        client: Some("seedbed/0.1".into()),
        listen_port: Some(51_413),
        your_ip: Some([203, 0, 113, 9].into()),
        ipv4: Some([192, 0, 2, 1].into()),
        ipv6: Some([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x0a].into()),
        reqq: Some(2000),
        upload_only: Some(true),
        metadata_size: Some(31_235),
    };
    check(
        &handshake,
        b"d4:ipv44:\xc0\x00\x02\x014:ipv616:\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x0a\
          1:md11:ut_metadatai3e6:ut_pexi255ee13:metadata_sizei31235e1:pi51413e4:reqqi2000e\
          11:upload_onlyi1e1:v11:seedbed/0.16:yourip4:\xcb\x00\x71\x09e",
    );
    let over_ipv6 = ExtendedHandshake {
        your_ip: Some([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x0b].into()),
        ..ExtendedHandshake::default()
    };
    check(
        &over_ipv6,
        b"d1:mde6:yourip16:\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x0be",
    );
}

#[test]
fn nothing_to_say() {
    check(&ExtendedHandshake::default(), b"d1:mdee");
}

/// BEP 11: each family has lists of its own; an address of IPv6 takes 16 bytes and its port two, and has a byte of flags.
#[test]
fn contacts_of_both_families() {
    let addr = |text: &str| text.parse().expect("an address");
    let message = PexMessage {
        added: vec![
            (addr("192.0.2.1:6881"), Flags::REACHABLE),
            (addr("[2001:db8::7]:6882"), Flags::SEED.with(Flags::REACHABLE)),
            (addr("[2001:db8::8]:1"), Flags::default()),
        ],
        dropped: vec![addr("192.0.2.2:2"), addr("[2001:db8::9]:3")],
    };
    let bytes = b"d5:added6:\xc0\0\x02\x01\x1a\xe17:added.f1:\x10\
        6:added636:\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07\x1a\xe2\
        \x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x08\0\x018:added6.f2:\x12\0\
        7:dropped6:\xc0\0\x02\x02\0\x028:dropped618:\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x09\0\x03e";
    assert_eq!(
        message.encode().escape_ascii().to_string(),
        bytes.escape_ascii().to_string()
    );
    assert_eq!(PexMessage::decode(bytes), Ok(message));
}
