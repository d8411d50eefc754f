//! Announces to the local network as the engine makes them (BEP 14), read anew: I40, and I24's part of it.

use super::table::Oracle;
use super::watch::Watch;
use seedbed_engine::lsd::Group;
use seedbed_engine::time::Instant;
use std::collections::BTreeMap;

/// Bytes of an announce (BEP 14).
const LENGTH_MAX: usize = 1_400;

/// Announces of one engine.
#[derive(Clone, Debug, Default)]
pub(crate) struct Local {
    /// When the last one went to each group.
    last: BTreeMap<Group, Instant>,
}

/// The values of a header, in their order.
fn values<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let lines = text.split("\r\n").skip(1);
    lines
        .filter_map(|line| line.split_once(": "))
        .filter(|(found, _)| *found == name)
        .map(|(_, value)| value)
        .collect()
}

impl Watch {
    /// Something is told to the local network.
    pub(crate) fn tells_locally(&mut self, group: Group, data: &[u8]) {
        let metainfo = &self.setup.metainfo;
        let hash = metainfo.info_hash.to_string();
        let text = String::from_utf8_lossy(data);
        let named = text.to_ascii_lowercase().contains(&hash);
        // a link might be one to a private torrent
        let secret = metainfo.private || self.is_link;
        self.verdicts.check(Oracle::I24, !(secret && named), || {
            "the local network is told of a torrent that is private, or may be".into()
        });
        let host = match group {
            Group::V4 => "239.192.152.143:6771",
            Group::V6 => "[ff15::efc0:988f]:6771",
        };
        let gap = self.setup.config.lsd.gap;
        let last = self.local.last.insert(group, self.now);
        let wrong = match () {
            () if data.len() > LENGTH_MAX => Some("it is too long"),
            () if !text.starts_with("BT-SEARCH * HTTP/1.1\r\n") => Some("its first line is another"),
            () if !text.ends_with("\r\n\r\n\r\n") => Some("it does not end as it should"),
            () if values(&text, "Host") != [host] => Some("it names another group"),
            () if values(&text, "Port") != [self.setup.config.listen_port.to_string()] => {
                Some("it names another port")
            }
            () if values(&text, "Infohash") != [hash] => Some("it names another torrent"),
            () if values(&text, "cookie").len() != 1 => Some("it has no cookie"),
            () if last.is_some_and(|last| self.now < last + gap) => Some("a second one within a minute"),
            () if self.paused && self.story.quiet => Some("the torrent is paused"),
            () => None,
        };
        self.verdicts.check(Oracle::I40, wrong.is_none(), || {
            format!("an announce to {group}: {}", wrong.unwrap_or_default())
        });
    }
}
