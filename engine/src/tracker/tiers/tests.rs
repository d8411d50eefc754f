//! The policy against scripted trackers, in virtual time.

use alloc::format;
use alloc::string::ToString as _;

use super::*;
use crate::id::{InfoHash, PeerId};
use crate::tracker::{PeerAddr, RetryIn, Stage};

mod bounds;
mod changes;
mod events;

const IDENTITY: AnnouncerIdentity = AnnouncerIdentity {
    info_hash: InfoHash([1; 20]),
    peer_id: PeerId([2; 20]),
    key: 3,
    port: 6881,
};

/// An announce that was started and is not answered yet.
#[derive(Clone, Debug)]
struct Open {
    id: RequestId,
    host: String,
    params: crate::tracker::AnnounceParams,
    options: RequestOptions,
}

use crate::tracker::RequestOptions;

struct World {
    now: Instant,
    announcer: Announcer,
    counters: Counters,
    open: Vec<Open>,
    /// Second, host and event of each announce.
    log: Vec<String>,
    others: Vec<TierOutput>,
    /// Whether requests get beyond the lookup and the connect.
    on_the_wire: bool,
}

impl World {
    fn with(tiers: &[&[&str]], private: bool, config: &TrackerConfig) -> Self {
        Self::built(tiers, private, config, true)
    }

    /// A world whose requests get no further than lookup and connect, unless they are on the wire.
    fn with_wire(tiers: &[&[&str]], on_the_wire: bool) -> Self {
        Self::built(tiers, false, &TrackerConfig::default(), on_the_wire)
    }

    fn built(tiers: &[&[&str]], private: bool, config: &TrackerConfig, on_the_wire: bool) -> Self {
        let tiers: Vec<Vec<String>> = tiers
            .iter()
            .map(|tier| {
                tier.iter()
                    .map(|host| format!("udp://{host}.example:1"))
                    .collect()
            })
            .collect();
        let options = AnnouncerOptions::default();
        let mut shuffle = Rng::from_seed([0; 32]);
        let jitter = Rng::from_seed([1; 32]);
        let ids = RequestIds::new(4);
        let announcer = Announcer::new(
            &tiers,
            private,
            IDENTITY,
            config,
            ids,
            &mut shuffle,
            jitter,
            options,
        );
        let mut world = Self {
            now: Instant::START,
            announcer,
            counters: Counters {
                uploaded: 0,
                downloaded: 0,
                left: 100,
            },
            open: Vec::new(),
            log: Vec::new(),
            others: Vec::new(),
            on_the_wire,
        };
        world.announcer.start(world.now);
        world.run_to(0);
        world
    }

    fn new(tiers: &[&[&str]]) -> Self {
        Self::with(tiers, false, &TrackerConfig::default())
    }

    fn drain(&mut self) {
        while let Some(output) = self.announcer.poll_output() {
            match output {
                TierOutput::Start {
                    request,
                    url,
                    params,
                    options,
                } => {
                    let host = url.host().split('.').next().unwrap_or("").to_string();
                    let second = self.now.as_micros() / 1_000_000;
                    self.log
                        .push(format!("{second} {host} {}", params.event.name().unwrap_or("-")));
                    if self.on_the_wire {
                        self.announcer
                            .handle_asked(request, Families { v4: true, v6: false });
                    }
                    self.open.push(Open {
                        id: request,
                        host,
                        params,
                        options,
                    });
                }
                TierOutput::Cancel { request } => self.open.retain(|open| open.id != request),
                output => self.others.push(output),
            }
        }
    }

    fn run_to(&mut self, second: u64) {
        let until = Instant::from_secs(second);
        self.drain();
        while let Some(due) = self.announcer.deadline().filter(|due| *due <= until) {
            self.now = due.max(self.now);
            self.announcer.handle_timeout(self.now, &self.counters);
            assert!(self.announcer.deadline().is_none_or(|next| next > self.now));
            self.drain();
        }
        self.now = until.max(self.now);
    }

    fn done(&mut self, result: Result<TrackerReply, AnnounceError>) -> Open {
        let open = self.open.remove(0);
        self.announcer
            .handle_done(self.now, open.id, result, &self.counters);
        self.drain();
        let second = self.now.as_micros().div_ceil(1_000_000);
        if self.announcer.deadline().is_some_and(|due| due <= self.now) {
            self.run_to(second);
        }
        open
    }

    /// The oldest open announce is answered.
    fn ok(&mut self) -> Open {
        self.done(Ok(TrackerReply::Announce(answer(1800))))
    }

    /// The oldest open announce fails.
    fn fail(&mut self) -> Open {
        self.done(Err(timeout()))
    }

    fn take_log(&mut self) -> Vec<String> {
        core::mem::take(&mut self.log)
    }
}

/// An answer with a peer in it.
fn answer(interval: u64) -> crate::tracker::AnnounceReply {
    let peer = PeerAddr {
        addr: "198.51.100.9:9".parse().unwrap(),
        id: None,
    };
    crate::tracker::AnnounceReply {
        interval: Some(Duration::from_secs(interval)),
        peers: [peer].to_vec(),
        ..Default::default()
    }
}

fn timeout() -> AnnounceError {
    AnnounceError::Timeout {
        stage: Stage::Connect,
    }
}

fn refusal(text: &str, retry_in: Option<RetryIn>) -> AnnounceError {
    AnnounceError::Failure {
        text: text.into(),
        interval: None,
        min_interval: None,
        retry_in,
    }
}

#[test]
fn tiers_are_tried_in_order_and_the_next_cycle_begins_at_the_first() {
    let mut world = World::new(&[&["a"], &["b"], &["c"]]);
    world.fail();
    world.ok();
    assert_eq!(world.take_log(), ["0 a started", "0 b started"]);
    world.run_to(1800);
    assert_eq!(world.take_log(), ["1800 a started"]);
    world.ok();
    assert_eq!(world.take_log(), [""; 0], "c was never needed");
}

#[test]
fn all_of_a_tier_is_tried_before_the_next_tier() {
    let mut world = World::new(&[&["a", "b", "c"], &["d"]]);
    for _ in 0..3 {
        world.fail();
    }
    let log = world.take_log();
    let mut hosts: Vec<&str> = log.iter().map(|line| line.split(' ').nth(1).unwrap()).collect();
    assert_eq!(hosts.pop(), Some("d"));
    hosts.sort_unstable();
    assert_eq!(hosts, ["a", "b", "c"]);
}

#[test]
fn a_tracker_that_knows_nobody_is_not_the_last_one_to_be_asked() {
    let dry = |world: &mut World| {
        let mut reply = answer(1800);
        reply.peers.clear();
        world.done(Ok(TrackerReply::Announce(reply)));
    };
    let mut world = World::new(&[&["a"], &["b"], &["c"]]);
    dry(&mut world);
    dry(&mut world);
    world.ok();
    assert_eq!(world.take_log(), ["0 a started", "0 b started", "0 c started"]);
    world.run_to(1799);
    assert_eq!(world.take_log(), [""; 0], "each has its interval");
    // BEP 27: a private torrent stays with the tracker that answers
    let mut private = World::with(&[&["a"], &["b"]], true, &TrackerConfig::default());
    dry(&mut private);
    private.run_to(60);
    assert_eq!(private.take_log(), ["0 a started"]);
}

#[test]
fn a_tracker_that_knows_nobody_keeps_no_other_from_its_turn() {
    let mut world = World::new(&[&["a"], &["b"]]);
    let mut reply = answer(1800);
    reply.peers.clear();
    world.done(Ok(TrackerReply::Announce(reply)));
    world.fail();
    world.take_log();
    world.run_to(30);
    assert_eq!(world.take_log().len(), 1, "b's back-off is over");
    // complete meanwhile, while b is being asked: a knows us
    world.announcer.complete(world.now);
    world.run_to(30);
    assert_eq!(world.take_log(), ["30 a completed"]);
}

#[test]
fn the_one_that_answers_is_asked_first_from_then_on() {
    let mut world = World::new(&[&["a", "b", "c"]]);
    world.fail();
    let second = world.ok().host;
    world.take_log();
    world.run_to(1800);
    assert_eq!(world.take_log(), [format!("1800 {second} -")]);
    let first = world.announcer.status().next().unwrap();
    assert!(first.url.contains(&second));
}

#[test]
fn a_tier_is_shuffled_once_by_its_seed() {
    let hosts: Vec<String> = (0..10).map(|n| format!("t{n}")).collect();
    let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
    let order =
        |world: &World| -> Vec<String> { world.announcer.status().map(|status| status.url).collect() };
    let (one, two) = (World::new(&[&hosts]), World::new(&[&hosts]));
    assert_eq!(order(&one), order(&two));
    let mut sorted = order(&one);
    sorted.sort();
    assert_ne!(order(&one), sorted);
}

#[test]
fn a_url_counts_once_and_an_unusable_one_is_shown() {
    let mut world = World::new(&[&["a"], &["a", "b"]]);
    assert_eq!(world.announcer.status().count(), 2);
    assert!(
        world
            .announcer
            .add_tracker(world.now, "udp://A.example:1")
            .is_ok()
    );
    assert_eq!(world.announcer.status().count(), 2);
    assert!(world.announcer.add_tracker(world.now, "ftp://x").is_err());
    let tiers = [["wss://x/SECRET".to_string()].to_vec()];
    let mut rng = Rng::from_seed([0; 32]);
    let config = TrackerConfig::default();
    let announcer = Announcer::new(
        &tiers,
        false,
        IDENTITY,
        &config,
        RequestIds::new(1),
        &mut rng,
        Rng::from_seed([1; 32]),
        AnnouncerOptions::default(),
    );
    let status: Vec<TrackerStatus> = announcer.status().collect();
    assert!(matches!(&status[0].state, TrackerState::Disabled { .. }));
    assert!(!status[0].url.contains("SECRET"));
}

#[test]
fn when_all_fail_the_first_to_be_ready_begins_a_new_cycle() {
    let mut world = World::new(&[&["a"], &["b"]]);
    world.fail();
    world.fail();
    assert_eq!(world.take_log().len(), 2);
    world.run_to(16);
    assert_eq!(world.take_log().len(), 0);
    world.run_to(20);
    assert_eq!(world.open.len(), 1, "after 17.5 s and some jitter");
}

#[test]
fn the_next_tracker_is_tried_in_parallel_after_the_first_timeout() {
    let mut world = World::new(&[&["a"], &["b"], &["c"]]);
    let first = world.open[0].clone();
    world.now = Instant::from_secs(15);
    world.announcer.handle_first_timeout(world.now, first.id);
    world.run_to(15);
    assert_eq!(world.take_log(), ["0 a started", "15 b started"]);
    // b answers; a goes on with its schedule and its late answer counts
    let slow = world.open.remove(0);
    world.ok();
    world.run_to(45);
    world.open.push(slow);
    let mut late = answer(1800);
    late.peers.push(PeerAddr {
        addr: "198.51.100.1:1".parse().unwrap(),
        id: None,
    });
    world.done(Ok(TrackerReply::Announce(late)));
    assert!(
        world
            .others
            .iter()
            .any(|output| matches!(output, TierOutput::Peers { peers, .. } if peers.len() == 2))
    );
    // from then on the first tier's tracker is used alone, at its own interval
    world.run_to(1844);
    assert_eq!(world.take_log(), [""; 0]);
    world.run_to(1845);
    assert_eq!(world.take_log(), ["1845 a -"]);
}

#[test]
fn a_private_torrent_uses_one_tracker_until_it_fails() {
    let mut world = World::with(&[&["a"], &["b"]], true, &TrackerConfig::default());
    world.now = Instant::from_secs(15);
    world.announcer.handle_first_timeout(world.now, world.open[0].id);
    world.run_to(15);
    assert_eq!(world.open.len(), 1, "never in parallel");
    world.fail();
    world.ok();
    assert!(
        !world.others.contains(&TierOutput::SwitchedPrivateTracker),
        "the first one is no switch"
    );
    world.take_log();
    // it stays with b although a is in an earlier tier
    world.run_to(1815);
    assert_eq!(world.take_log(), ["1815 b -"]);
    world.fail();
    assert_eq!(world.take_log(), ["1815 a started"]);
    let mut with_peers = answer(1800);
    with_peers.peers.push(PeerAddr {
        addr: "198.51.100.1:1".parse().unwrap(),
        id: None,
    });
    world.others.clear();
    world.done(Ok(TrackerReply::Announce(with_peers)));
    assert_eq!(
        world.others[0],
        TierOutput::SwitchedPrivateTracker,
        "before the new peers"
    );
    assert!(matches!(world.others[1], TierOutput::Peers { .. }));
    world.announcer.stop(world.now);
    world.run_to(1816);
    assert_eq!(
        world.take_log(),
        ["1815 a stopped"],
        "one tracker at a time to the end"
    );
}

#[test]
fn all_tiers_at_a_time_only_when_asked_for_and_never_for_private_torrents() {
    let config = TrackerConfig {
        announce_to_all_tiers: true,
        ..TrackerConfig::default()
    };
    assert_eq!(World::with(&[&["a"], &["b"]], false, &config).open.len(), 2);
    assert_eq!(World::with(&[&["a"], &["b"]], true, &config).open.len(), 1);
    assert_eq!(World::new(&[&["a"], &["b"]]).open.len(), 1);
}

#[test]
fn a_tracker_that_says_never_is_left_alone_until_the_user_asks() {
    for error in [
        refusal("not a tracker", Some(RetryIn::Never)),
        AnnounceError::Status(410),
    ] {
        let mut world = World::new(&[&["a"]]);
        world.done(Err(error));
        assert!(matches!(
            world.others[..],
            [TierOutput::Failed { retry_at: None, .. }]
        ));
        assert!(matches!(
            world.announcer.status().next().unwrap().state,
            TrackerState::Disabled { .. }
        ));
        world.run_to(100_000_000);
        world.announcer.network_changed(world.now);
        world.run_to(100_000_010);
        assert_eq!(world.take_log(), ["0 a started"]);
        world.announcer.reannounce(world.now);
        world.run_to(100_000_020);
        assert_eq!(world.take_log().len(), 1);
    }
}

#[test]
fn waits_after_refusals() {
    let wait = |error: AnnounceError| {
        let mut world = World::new(&[&["a"]]);
        world.done(Err(error));
        world.run_to(1_000_000);
        let second = world.log[1].split(' ').next().unwrap();
        second.parse::<u64>().unwrap()
    };
    // up to an eighth of jitter
    let minutes = |n: u64| RetryIn::After(Duration::from_secs(n * 60));
    assert!((17..20).contains(&wait(refusal("x", None))));
    assert!((300..338).contains(&wait(refusal("x", Some(minutes(5))))));
    assert!(
        (86_400..97_201).contains(&wait(refusal("x", Some(minutes(u64::MAX / 60))))),
        "no longer than a day"
    );
    assert!((3600..4051).contains(&wait(refusal("Unregistered torrent", None))));
    let with_interval = AnnounceError::Failure {
        text: "full".into(),
        interval: Some(Duration::from_secs(900)),
        min_interval: None,
        retry_in: None,
    };
    assert!((900..1013).contains(&wait(with_interval)));
}

#[test]
fn the_answer_is_reported_without_secrets() {
    let mut world = World::new(&[&["a"]]);
    world
        .announcer
        .add_tracker(world.now, "http://b.example/SECRET/announce")
        .unwrap();
    world.fail();
    let mut reply = answer(1800);
    reply.warning = Some("careful".into());
    reply.external_ip = Some([198, 51, 100, 7].into());
    world.done(Ok(TrackerReply::Announce(reply)));
    assert!(
        world
            .others
            .contains(&TierOutput::ExternalIp([198, 51, 100, 7].into()))
    );
    assert!(format!("{:?}", world.others).contains("careful"));
    assert!(!format!("{:?} {:?}", world.others, world.announcer).contains("\"http://b.example/SECRET"));
    let ok = world
        .others
        .iter()
        .find(|output| matches!(output, TierOutput::Ok { .. }));
    let Some(TierOutput::Ok { url, next, .. }) = ok else {
        panic!("{:?}", world.others)
    };
    assert_eq!(url, "http://b.example:80/…/announce");
    assert_eq!(*next, Instant::from_secs(1800));
}
