//! Transfers with a real client over IPv6. (Announces over IPv6 are tested with the model tracker: opentracker as Debian
//! builds it speaks IPv4 alone.)

use std::time::Duration;

use crate::download::folder;
use crate::rig::{Rig, Scheme, wait_until};

const LIMIT: Duration = Duration::from_secs(60);

fn flags(peer: &str) -> [&str; 5] {
    ["--bind", "::1", "--no-trackers", "--peer", peer]
}

#[test]
#[ignore = "interop: needs libtorrent and opentracker, and IPv6 on loopback"]
fn a_folder_from_libtorrent_over_ipv6() {
    let rig = Rig::new(folder(), Scheme::Http);
    let theirs = rig.folder("theirs");
    rig.content.write_to(&theirs);
    let (_peer, address) = rig.libtorrent_over_ipv6(&theirs);
    let data = rig.folder("ours");
    let mut ours = rig.ours("download", &data, &flags(&address));
    assert_eq!(ours.exit_code(LIMIT), 0);
    rig.assert_content(&data);
}

#[test]
#[ignore = "interop: needs libtorrent and opentracker, and IPv6 on loopback"]
fn a_folder_to_libtorrent_over_ipv6() {
    let rig = Rig::new(folder(), Scheme::Http);
    let theirs = rig.folder("theirs");
    let (_peer, address) = rig.libtorrent_over_ipv6(&theirs);
    let data = rig.folder("ours");
    rig.content.write_to(&data);
    let _ours = rig.ours("seed", &data, &flags(&address));
    wait_until("the content at libtorrent", LIMIT, || {
        rig.content.differences(&theirs).is_empty()
    });
}
