//! When announces go out, what they look like, and what is believed of those of others.

use super::*;
use crate::rng::Purpose;
use quickcheck::quickcheck;
use std::string::ToString;
use std::vec;

fn config() -> LsdConfig {
    LsdConfig {
        enabled: true,
        ..LsdConfig::default()
    }
}

fn lsd_with(config: LsdConfig) -> Lsd {
    let rng = Rng::derive(&[1; 32], Purpose::LocalDiscovery, 0);
    Lsd::new(config, [true, false], 6881, rng)
}

fn lsd() -> Lsd {
    lsd_with(config())
}

fn hash(n: u8) -> InfoHash {
    InfoHash([n; 20])
}

/// The n-th torrent is told.
fn tell(lsd: &mut Lsd, now: Instant, n: u8) {
    lsd.set(now, TorrentId(n.into()), Some(hash(n)));
}

fn at(secs: u64) -> Instant {
    Instant::from_secs(secs)
}

fn neighbour(last: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, last], 6771))
}

/// The times of the next announces until `end`, each with its torrents.
fn announces(lsd: &mut Lsd, end: Instant) -> Vec<(u64, Vec<u8>)> {
    let mut sent = Vec::new();
    while let Some(now) = lsd.deadline().filter(|at| *at <= end) {
        for announce in lsd.handle_timeout(now) {
            let packet = read(&announce.data).unwrap();
            let torrents = packet.hashes.iter().map(|hash| hash.0[0]).collect();
            sent.push((now.as_micros() / 1_000_000, torrents));
        }
        assert!(
            lsd.deadline().is_none_or(|next| next > now),
            "the deadline is later or gone"
        );
    }
    sent
}

#[test]
fn an_announce_has_the_form_of_bep_14() {
    let sent = write(Group::V4, 6881, &[hash(0xab), hash(1)], "c0ffee");
    let wanted = "BT-SEARCH * HTTP/1.1\r\n\
        Host: 239.192.152.143:6771\r\n\
        Port: 6881\r\n\
        Infohash: abababababababababababababababababababab\r\n\
        Infohash: 0101010101010101010101010101010101010101\r\n\
        cookie: c0ffee\r\n\r\n\r\n";
    assert_eq!(core::str::from_utf8(&sent).unwrap(), wanted);
    assert_eq!(Group::V6.to_string(), "[ff15::efc0:988f]:6771");
    let packet = read(&sent).unwrap();
    assert_eq!((packet.port, packet.hashes), (6881, vec![hash(0xab), hash(1)]));
    assert_eq!(packet.cookie, Some("c0ffee".as_bytes()));
}

#[test]
fn a_full_announce_is_within_1400_bytes_and_another_hash_would_not_be() {
    let hashes = [hash(1); HASHES_SENT_MAX];
    for group in Group::ALL {
        let length = write(group, 65535, &hashes, "0123456789abcdef").len();
        assert!(length <= SENT_MAX && length + 52 > SENT_MAX, "{length}");
    }
}

#[test]
fn headers_are_found_in_any_case_and_order_and_others_are_skipped() {
    let hex = hash(0xab).to_string();
    let upper = hex.to_uppercase();
    let data = format!(
        "BT-SEARCH * HTTP/1.1\r\nINFOHASH: {upper}\r\nX-Other: y\r\nInfohash: short\r\nport:  51413 \r\n\
         infoHash: {hex}\r\n\r\n"
    );
    let packet = read(data.as_bytes()).unwrap();
    assert_eq!((packet.port, packet.hashes), (51413, vec![hash(0xab)]));
}

#[test]
fn what_is_no_announce_is_told_apart() {
    let hash = hash(1);
    let check = |data: &str, why| assert_eq!(read(data.as_bytes()), Err(why), "{data}");
    let with = |rest: &str| format!("BT-SEARCH * HTTP/1.1\r\n{rest}\r\n\r\n");
    check("", Malformed::Form);
    check("garbage", Malformed::Form);
    check("BT-SEARCH * HTTP/1.1\r\nPort: 1\r\n", Malformed::Form);
    check("\u{0}\u{1}\u{2}\r\n\r\n", Malformed::Form);
    check("M-SEARCH * HTTP/1.1\r\nPort: 1\r\n\r\n", Malformed::Method);
    check(&with(&format!("Infohash: {hash}")), Malformed::Port);
    for port in ["0", "+1", "65536", "-1", "x", "", "99999999999999999999"] {
        check(
            &with(&format!("Port: {port}\r\nInfohash: {hash}")),
            Malformed::Port,
        );
    }
    check(
        &with(&format!("Port: 1\r\nPort: 2\r\nInfohash: {hash}")),
        Malformed::Port,
    );
    check(&with("Port: 1"), Malformed::NoHash);
    check(
        &with("Port: 1\r\nInfohash: zz01010101010101010101010101010101010101"),
        Malformed::NoHash,
    );
    check(
        &with(&format!("Port: 1\r\nA: {}", "a".repeat(1500))),
        Malformed::TooLong,
    );
    check(&with(&"a: b\r\n".repeat(70)), Malformed::TooManyHeaders);
}

quickcheck! {
    fn what_is_written_is_read_back(port: u16, hashes: Vec<u8>, cookie: u64) -> bool {
        let mut hashes: Vec<InfoHash> = hashes.into_iter().map(hash).collect();
        hashes.sort_unstable();
        hashes.dedup();
        let cookie = format!("{cookie:016x}");
        hashes.truncate(HASHES_SENT_MAX);
        let sent = write(Group::V6, port, &hashes, &cookie);
        match read(&sent) {
            Ok(packet) => (packet.port, packet.hashes, packet.cookie) == (port, hashes, Some(cookie.as_bytes())),
            Err(Malformed::Port) => port == 0,
            Err(Malformed::NoHash) => hashes.is_empty(),
            Err(_) => false,
        }
    }

    fn no_bytes_make_it_panic(data: Vec<u8>) -> bool {
        let mut whole = b"BT-SEARCH * HTTP/1.1\r\n".to_vec();
        whole.extend_from_slice(&data);
        let _ = (read(&data), read(&whole));
        true
    }
}

#[test]
fn a_torrent_is_told_soon_and_every_five_minutes() {
    let mut lsd = lsd();
    assert_eq!(lsd.deadline(), None);
    tell(&mut lsd, at(0), 1);
    tell(&mut lsd, at(0), 1);
    let wanted = [1, 301, 601].map(|at| (at, vec![1]));
    assert_eq!(announces(&mut lsd, at(700)), wanted);
    lsd.set(at(700), TorrentId(1), None);
    assert_eq!((lsd.deadline(), lsd.handle_timeout(at(2000))), (None, Vec::new()));
}

#[test]
fn no_more_than_one_announce_a_minute_goes_out() {
    let mut lsd = lsd();
    tell(&mut lsd, at(0), 1);
    assert_eq!(announces(&mut lsd, at(5)), [(1, vec![1])]);
    tell(&mut lsd, at(5), 2);
    // the first goes along: from then on they are told together
    let wanted = [(61, vec![2, 1]), (361, vec![1, 2])];
    assert_eq!(announces(&mut lsd, at(400)), wanted);
    // coming and going does not make it more
    for second in 400..420 {
        lsd.set(at(second), TorrentId(1), None);
        tell(&mut lsd, at(second), 1);
    }
    assert_eq!(announces(&mut lsd, at(425)), [(421, vec![1, 2])]);
    lsd.network_changed(at(430));
    assert_eq!(announces(&mut lsd, at(500)), [(481, vec![1, 2])]);
}

#[test]
fn more_torrents_than_fit_take_turns() {
    let mut lsd = lsd();
    (0..60).for_each(|n| tell(&mut lsd, at(0), n));
    let sent = announces(&mut lsd, at(301));
    let times: Vec<u64> = sent.iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [1, 61, 121, 301]);
    let sizes: Vec<usize> = sent.iter().map(|(_, torrents)| torrents.len()).collect();
    assert_eq!(sizes, [25; 4]);
    let mut told: Vec<u8> = sent
        .into_iter()
        .take(3)
        .flat_map(|(_, torrents)| torrents)
        .collect();
    told.sort_unstable();
    told.dedup();
    assert_eq!(told.len(), 60, "each within three minutes");
}

#[test]
fn who_takes_no_connections_or_does_not_want_it_tells_nothing() {
    let rng = || Rng::derive(&[1; 32], Purpose::LocalDiscovery, 0);
    let mut deaf = Lsd::new(config(), [true, true], 0, rng());
    tell(&mut deaf, at(0), 1);
    let mut off = lsd_with(LsdConfig::default());
    tell(&mut off, at(0), 1);
    assert_eq!((deaf.deadline(), off.deadline()), (None, None));
    let heard = off.heard(at(0), neighbour(2), &write(Group::V4, 1, &[hash(1)], ""));
    assert_eq!(heard, Err(Ignored::Off));
    let mut both = Lsd::new(config(), [true, true], 1, rng());
    tell(&mut both, at(0), 1);
    let groups = both
        .handle_timeout(at(1))
        .into_iter()
        .map(|announce| announce.group);
    assert_eq!(groups.collect::<Vec<_>>(), Group::ALL);
}

#[test]
fn the_source_address_counts_and_the_port_of_the_header() {
    let data = write(Group::V4, 51413, &[hash(1)], "other");
    let wanted = Neighbour {
        addr: SocketAddr::from(([10, 0, 0, 2], 51413)),
        hashes: vec![hash(1)],
    };
    assert_eq!(lsd().heard(at(0), neighbour(2), &data), Ok(wanted));
}

#[test]
fn our_own_announces_are_known_by_their_cookie() {
    let mut lsd = lsd();
    tell(&mut lsd, at(0), 1);
    let [own] = &lsd.handle_timeout(at(1))[..] else {
        panic!()
    };
    assert_eq!(lsd.heard(at(1), neighbour(1), &own.data), Err(Ignored::Own));
    assert!(lsd.marks.contains(Mark::LsdOwn));
}

#[test]
fn only_addresses_of_local_networks_are_neighbours() {
    let data = write(Group::V4, 1, &[hash(1)], "other");
    let near = |from: &str, own: &[&str]| {
        let mut lsd = lsd();
        let echo = write(Group::V4, 1, &[hash(1)], &lsd.cookie.clone());
        for own in own {
            assert_eq!(lsd.heard(at(0), own.parse().unwrap(), &echo), Err(Ignored::Own));
        }
        match lsd.heard(at(0), from.parse().unwrap(), &data) {
            Ok(_) => true,
            Err(why) => {
                assert_eq!(why, Ignored::Afar);
                false
            }
        }
    };
    for from in [
        "10.0.0.2:9",
        "192.168.1.1:9",
        "169.254.3.3:9",
        "[fd00::2]:9",
        "[2001:db8::2]:9",
    ] {
        assert!(near(from, &[]), "{from}");
    }
    for from in [
        "8.8.8.8:9",
        "224.0.0.1:9",
        "0.0.0.0:9",
        "127.0.0.1:9",
        "[::1]:9",
        "[fe80::1]:9",
    ] {
        assert!(!near(from, &["10.0.0.1:9"]), "{from}");
    }
    // what our own announces come back from is the kind of address that neighbours have
    assert!(near("127.0.0.1:9", &["127.0.0.2:9"]) && near("8.8.8.8:9", &["9.9.9.9:9"]));
    assert!(!near("127.0.0.1:9", &["[::1]:9"]) && !near("8.8.8.8:9", &["[2001:db8::1]:9"]));
    assert!(!near("224.0.0.1:9", &["224.0.0.1:9"]));
}

#[test]
fn a_flood_is_not_looked_at_and_takes_no_place_of_others() {
    let mut lsd = lsd();
    let data = write(Group::V4, 1, &[hash(1)], "other");
    let mut results = |now, from, count: usize| -> Vec<Option<Ignored>> {
        (0..count).map(|_| lsd.heard(now, from, &data).err()).collect()
    };
    let of_one = results(at(0), neighbour(2), 31);
    assert_eq!((of_one[29], of_one[30]), (None, Some(Ignored::HostFlood)));
    assert_eq!(results(at(0), neighbour(3), 1), [None]);
    for host in 4..=13 {
        results(at(1), neighbour(host), 30);
    }
    assert_eq!(results(at(2), neighbour(99), 1), [Some(Ignored::Flood)]);
    assert_eq!(results(at(60), neighbour(99), 1), [None], "a minute later");
    assert!(lsd.heard.hosts.len() <= 300);
}
