//! Your own code in the simulated world: a toy client that announces over HTTP, against a tracker that resets the
//! first connections on a link with delay. No socket, no clock, the same every time.
//!
//! `cargo run -p seedbed-sim --example toy [SEED]`

use seedbed_engine::id::ConnId;
use seedbed_engine::time::{Duration, Instant};
use seedbed_sim::actor::{Actor, Cx, Input, Output};
use seedbed_sim::sample::{Known, Sample, peer_ip, tracker_ip};
use seedbed_sim::scenario::{LinkSpec, TorrentSpec, TrackerSpec, Use};
use seedbed_sim::seed::Seed;
use seedbed_sim::tracker::TrackerHost;
use seedbed_sim::world::{ActorId, World};
use std::any::Any;
use std::net::SocketAddr;

/// The toy: asks, reads what comes, and asks again five seconds after a failure.
#[derive(Clone, Debug)]
struct Toy {
    tracker: SocketAddr,
    request: String,
    attempts: u64,
    retry_at: Option<Instant>,
    answer: Vec<u8>,
}

impl Actor for Toy {
    fn handle(&mut self, cx: &mut Cx<'_>, input: Input<'_>) {
        match input {
            Input::Start | Input::Tick => {
                self.attempts += 1;
                self.retry_at = None;
                let stream = ConnId::dialled(self.attempts);
                cx.out.push(Output::Connect {
                    stream,
                    to: self.tracker,
                });
            }
            Input::Connected { stream } => {
                let data = self.request.clone().into_bytes();
                cx.out.push(Output::Send { stream, data });
                cx.out.push(Output::Read {
                    stream,
                    budget: 65_536,
                });
            }
            Input::Received { data, .. } => self.answer.extend_from_slice(data),
            Input::Closed { .. } if self.answer.is_empty() => {
                self.retry_at = Some(cx.now + Duration::from_secs(5));
            }
            _ => {}
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.retry_at
    }

    fn port(&self) -> Option<u16> {
        None
    }

    fn clone_box(&self) -> Box<dyn Actor> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

fn main() {
    let seed = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(1);
    let mut world = World::new(Seed(seed));

    // a torrent that the tracker knows
    let spec = TorrentSpec {
        pieces: 8,
        blocks: 4,
        block: 64,
        short: 0,
        files: 1,
        private: false,
        magnet: None,
    };
    let sample = Sample::new(&spec, &[], Seed(seed)).expect("eight pieces make a torrent");

    // a tracker with a behaviour of the catalogue, as data
    let address = SocketAddr::new(tracker_ip(0), 6969);
    let url = format!("http://{address}/announce");
    let known = Known {
        actors: Vec::new(),
        trackers: vec![("t0".into(), address, url)],
        ..Known::default()
    };
    let spec = TrackerSpec {
        name: "t0".into(),
        udp: false,
        tier: 0,
        link: LinkSpec {
            latency: Duration::from_millis(40),
            ..LinkSpec::default()
        },
        behaviours: vec![Use::new("http-reset").with("first", 2)],
    };
    let tracker = TrackerHost::new(&spec, &sample, Seed(seed), &known).expect("the behaviour is known");
    let id = world.add("t0", tracker_ip(0), Box::new(tracker), Duration::ZERO);
    world.net.set_link(id, spec.link);

    // the toy, and a run until it has its answer
    let hash: String = sample
        .info_hash()
        .0
        .iter()
        .map(|byte| format!("%{byte:02x}"))
        .collect();
    let toy = Toy {
        tracker: address,
        request: format!(
            "GET /announce?info_hash={hash}&peer_id=-TY0001-abcdefghijkl&port=6881&uploaded=0&downloaded=0&left=2048\
             &compact=1&event=started HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        ),
        attempts: 0,
        retry_at: None,
        answer: Vec::new(),
    };
    let toy = world.add("toy", peer_ip(0), Box::new(toy), Duration::ZERO);
    let answered = |world: &World| world.actor::<Toy>(toy).is_some_and(|toy| !toy.answer.is_empty());
    let done = world.run_until(Instant::from_secs(60), answered);

    tell(&world, toy, done);
}

fn tell(world: &World, toy: ActorId, done: bool) {
    let toy = world.actor::<Toy>(toy).expect("it is still there");
    println!(
        "answered: {done}, at {} s, after {} attempts",
        world.now, toy.attempts
    );
    println!(
        "{}",
        String::from_utf8_lossy(&toy.answer)
            .lines()
            .next()
            .unwrap_or_default()
    );
    println!(
        "the tracker reset {} connections",
        world.marks.count("http-reset")
    );
}
