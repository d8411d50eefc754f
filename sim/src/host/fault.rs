//! What a host does and what its user asks for, when a scenario says so.

use super::life::Job;
use super::{EngineHost, TORRENT, catalogue};
use crate::actor::{Cx, Input, Output};
use crate::scenario::{Area, Use};
use crate::world::{ActorId, World};
use seedbed_engine::id::PieceIndex;
use seedbed_engine::net::CloseCause;
use seedbed_engine::priority::Priority;
use seedbed_engine::throttle::RateLimit;
use seedbed_engine::time::Duration;
use seedbed_engine::{Command, Event, Limits, ProbeTracker, TorrentLimits};
use std::net::SocketAddr;

/// Bytes of a .torrent file that is fetched, at the most.
const FETCHED_MAX: usize = 1 << 20;

/// How long a scrape may take in all.
const SCRAPE_TIMEOUT: Duration = Duration::from_secs(60);

/// Whether it happens to a process, and not to what is below it.
pub(super) fn needs_process(what: &Use) -> bool {
    match what.name.as_str() {
        "crash" | "power-loss" => dies_at(what).is_none(),
        "few-handles" => false,
        name => catalogue::find(name).is_some_and(|known| known.area == Area::Host),
    }
}

/// Before which action or event a process dies, if that is counted.
fn dies_at(what: &Use) -> Option<u64> {
    what.count("action").or_else(|| what.count("event"))
}

/// Whether the user says so only when the files are known, and the torrent waits for that.
pub(super) fn chooses_later(what: &Use) -> bool {
    what.name == "select" && what.flag("waits")
}

/// How long a user waits who is not answered.
const ASKED_AGAIN: Duration = Duration::from_secs(10);

/// Does something to a host, or ends it.
///
/// # Errors
/// When the actor is no engine's host, or there is no such fault of hosts.
pub fn inflict(world: &mut World, id: ActorId, what: &Use, begins: bool) -> Result<(), String> {
    let now = world.now;
    let host = world
        .actor_mut::<EngineHost>(id)
        .ok_or_else(|| format!("{} happens to engines only", what.name))?;
    if catalogue::find(&what.name).is_none() {
        return Err(format!("no fault of a host is called {:?}", what.name));
    }
    host.plan(now, Job::Fault(what.clone(), begins));
    world.give(id, Input::Tick);
    Ok(())
}

impl EngineHost {
    /// A fault begins or ends now.
    pub(super) fn fault(&mut self, cx: &mut Cx<'_>, what: &Use, begins: bool) {
        if self.level != super::Level::Nothing {
            let text = format!("{} {}", what.name, if begins { "begins" } else { "ends" });
            self.say(cx, &text);
        }
        if self.disk.inflict(cx.now, what, begins, cx.marks) {
            return;
        }
        let by_user = matches!(
            what.name.as_str(),
            "pause" | "limit" | "select" | "prefer" | "sequential"
        );
        if by_user && !begins && self.held.is_some() {
            // whoever wants it back says so again once the program answers
            return self.plan(cx.now + ASKED_AGAIN, Job::Fault(what.clone(), false));
        }
        match what.name.as_str() {
            "crash" | "power-loss" if begins => match dies_at(what) {
                Some(at) => self.crash_at = Some((at, what.clone())),
                None => {
                    self.crash(cx, what);
                    self.plan_restart(cx.now, what);
                }
            },
            "suspend" if begins => {
                let lasts = what.duration("lasts").unwrap_or(Duration::from_secs(8 * 3600));
                self.suspend(cx, lasts, true);
            }
            "freeze" if begins => {
                let lasts = what.duration("lasts").unwrap_or(Duration::from_secs(30));
                self.suspend(cx, lasts, false);
            }
            "clock-jump" if begins => {
                cx.marks.hit("clock-jump");
                let by = what.int("seconds", 3600).saturating_mul(1_000_000_000);
                self.disk.files.clock_offset_ns = self.disk.files.clock_offset_ns.saturating_add(by);
            }
            "network-change" if begins => {
                cx.marks.hit("network-change");
                self.user(cx, Event::NetworkChanged);
            }
            "interface-gone" if begins => self.interface_gone(cx),
            "few-handles" => {
                self.handles = begins.then(|| what.count("max").unwrap_or(4) as usize);
            }
            "pause" => {
                cx.marks.hit("pause");
                let command = if begins {
                    Command::Pause(TORRENT)
                } else {
                    Command::Resume(TORRENT)
                };
                self.user(cx, Event::Command(command));
            }
            "limit" => self.limit(cx, what, begins),
            "select" | "prefer" => self.select(cx, what, begins),
            "sequential" => {
                cx.marks.hit("sequential");
                self.user(cx, Event::Command(Command::SetSequential(TORRENT, begins)));
            }
            _ if begins => self.command(cx, what),
            // a single blow has no end
            _ => {}
        }
    }

    /// The user limits rates, or lifts the limits.
    fn limit(&mut self, cx: &mut Cx<'_>, what: &Use, begins: bool) {
        cx.marks.hit("limit");
        let rate = |way| {
            let rate = what.count(way).filter(|_| begins);
            what.count(way).map(|_| RateLimit::bytes(rate.unwrap_or(0)))
        };
        let (rate_down, rate_up) = (rate("down"), rate("up"));
        let command = if what.flag("torrent") {
            Command::SetTorrentLimits(
                TORRENT,
                TorrentLimits {
                    rate_down,
                    rate_up,
                    slots: what
                        .count("slots")
                        .filter(|_| begins)
                        .and_then(|n| u32::try_from(n).ok()),
                    ..TorrentLimits::default()
                },
            )
        } else {
            Command::SetLimits(Limits {
                rate_down,
                rate_up,
                ..Limits::default()
            })
        };
        self.user(cx, Event::Command(command));
    }

    /// The user wants one file, or all of them.
    fn select(&mut self, cx: &mut Cx<'_>, what: &Use, begins: bool) {
        let alone = what.name == "select";
        cx.marks.hit(if alone { "select" } else { "prefer" });
        let files = self.sample.metainfo.layout.files().len();
        let one = what.count("file").unwrap_or(0) as usize % files;
        let priority = |file: usize| match (begins, file == one) {
            (false, _) => Priority::Normal,
            (true, true) if alone => Priority::Normal,
            (true, true) => Priority::High,
            (true, false) if alone => Priority::Skip,
            (true, false) if file + 1 == files => Priority::Low,
            (true, false) => Priority::Normal,
        };
        let command = Command::SetPriorities(TORRENT, (0..files).map(priority).collect());
        self.user(cx, Event::Command(command));
    }

    fn command(&mut self, cx: &mut Cx<'_>, what: &Use) {
        let (mark, command) = match what.name.as_str() {
            "resume" => ("resume", Command::Resume(TORRENT)),
            "recheck" => ("recheck", Command::Recheck(TORRENT)),
            "reannounce" => ("reannounce", Command::Reannounce(TORRENT)),
            "remove" => ("remove", Command::Remove(TORRENT)),
            "shutdown" => ("shutdown", Command::Shutdown),
            "scrape" => match self.known.trackers.first() {
                Some((_, _, url)) => (
                    "scrape",
                    Command::ProbeTracker(Box::new(ProbeTracker {
                        url: url.clone(),
                        metainfo: self.sample.metainfo.clone(),
                        scrape: true,
                        timeout: SCRAPE_TIMEOUT,
                    })),
                ),
                None => return,
            },
            "deadlines" => {
                let first = what.count("piece").unwrap_or(0) as u32;
                let needed = |n| {
                    let piece = PieceIndex((first + n) % self.sample.metainfo.pieces());
                    (piece, Some(Duration::from_secs(5 * u64::from(n + 1))))
                };
                let deadlines = (0..4).map(needed).collect();
                ("deadlines", Command::SetDeadlines(TORRENT, deadlines))
            }
            "fetch" => match self.url_to_fetch(what.text("what").unwrap_or("there")) {
                Some(url) => {
                    let body_max = if what.text("what") == Some("large") {
                        64
                    } else {
                        FETCHED_MAX
                    };
                    ("fetch", Command::Fetch { url, body_max })
                }
                None => return,
            },
            "add-peer" => match what.text("who").and_then(|who| self.known.actor(who)) {
                Some(addr) => ("add-peer", Command::AddPeer(TORRENT, addr)),
                None => return,
            },
            _ => return,
        };
        cx.marks.hit(mark);
        self.user(cx, Event::Command(command));
    }

    /// Where the first tracker that has a site has this.
    fn url_to_fetch(&self, what: &str) -> Option<String> {
        let sites = self.known.trackers.iter().map(|(_, _, url)| url);
        let site = sites.filter_map(|url| url.strip_prefix("http://")).next()?;
        let (host, _) = site.split_once('/')?;
        Some(match what {
            "no-url" => "gopher://torrents.test".into(),
            "nowhere" => format!("http://{}:1/sample.torrent", host.rsplit_once(':')?.0),
            "missing" => format!("http://{host}/missing.torrent"),
            "moved" => format!("http://user:p%40ss@{host}/moved.torrent"),
            _ => format!("http://{host}/sample.torrent"),
        })
    }

    /// An event from within the host; nothing while the process does not run.
    fn user(&mut self, cx: &mut Cx<'_>, event: Event<'_>) {
        if self.is_running() && !self.shut_down {
            self.feed(cx, event);
        }
    }

    fn interface_gone(&mut self, cx: &mut Cx<'_>) {
        cx.marks.hit("interface-gone");
        let streams: Vec<_> = core::mem::take(&mut self.streams).into_keys().collect();
        for conn in streams {
            let stream = self.outside(conn);
            cx.out.push(Output::Reset { stream });
            let cause = CloseCause::Local("the interface is gone".into());
            self.user(cx, Event::Closed { conn, cause });
        }
        self.user(cx, Event::NetworkChanged);
    }

    /// Who is at an address, for timelines.
    pub(super) fn name_of(&self, addr: SocketAddr) -> &str {
        self.known.name_of(addr.ip()).unwrap_or("?")
    }
}
