//! What a host tells: how much, what happens to itself, and whom its engine's reports are about.

use super::EngineHost;
use crate::actor::Cx;
use crate::tell::Names;
use crate::timeline::{Arrow, Line};
use seedbed_engine::id::ConnId;
use std::net::{IpAddr, SocketAddr};

/// How much is told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Level {
    /// Nothing, for speed.
    #[default]
    Nothing,
    /// States, pieces, bans, announces, storage, connections.
    Brief,
    /// Every message.
    Full,
}

impl EngineHost {
    /// Tells something of the host itself.
    pub(super) fn say(&self, cx: &mut Cx<'_>, text: &str) {
        if self.level != Level::Nothing {
            cx.lines.push(Line {
                at: cx.now,
                who: self.name.clone(),
                arrow: Arrow::Within,
                other: String::new(),
                text: text.into(),
                folds: false,
            });
        }
    }
}

impl Names for EngineHost {
    fn peer(&self, conn: ConnId) -> String {
        let addr = self.streams.get(&conn);
        addr.map_or("?", |addr| self.name_of(*addr)).into()
    }

    fn address(&self, addr: SocketAddr) -> String {
        self.name_of(addr).to_owned()
    }

    fn ip(&self, ip: IpAddr) -> String {
        self.known.name_of(ip).unwrap_or("?").to_owned()
    }

    fn tracker(&self, url: &str) -> String {
        let found = self.known.trackers.iter().find(|(_, addr, full)| {
            let authority = full.split('/').nth(2);
            authority.is_some_and(|authority| url.contains(authority)) || url.contains(&addr.to_string())
        });
        found.map_or("?", |(name, ..)| name).into()
    }
}
