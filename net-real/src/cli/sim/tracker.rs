//! `seedbed sim tracker`: a model tracker with everything that it can do wrong, on real sockets of this machine.

use super::material::{MaterialArgs, scenario};
use super::stage::{Doors, Stage, loopback, stop_at_signal};
use crate::cli::console::Console;
use crate::cli::failure::{DONE, Failure};
use crate::cli::values::duration_positive;
use clap::{Args, ValueEnum};
use seedbed_sim::sample::Known;
use seedbed_sim::scenario::{LinkSpec, TrackerSpec, Use};
use seedbed_sim::tracker::TrackerHost;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  seedbed sim tracker --write out --peer 127.0.0.1:7001
  seedbed sim tracker --protocol http --behaviour 'http-trickle first=1' --json

Prints the announce URL when it listens, then who asks. `seedbed sim list
behaviours` has the names. Only clients of this machine can be reached.";

/// Its name: its random numbers follow from it.
const NAME: &str = "t";

/// Arguments of `sim tracker`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TrackerArgs {
    #[command(flatten)]
    material: MaterialArgs,
    /// How it is asked
    #[arg(long, value_enum, default_value_t = Protocol::Udp)]
    protocol: Protocol,
    /// What it does beside answering, with its parameters; may be given several times
    #[arg(short, long = "behaviour", value_name = "BEHAVIOUR")]
    behaviours: Vec<String>,
    /// A peer that it knows from the beginning
    #[arg(long, value_name = "ADDR", value_parser = loopback)]
    peer: Vec<SocketAddr>,
    /// Where it listens
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0", value_parser = loopback)]
    listen: SocketAddr,
    /// End after this time
    #[arg(long = "for", value_name = "TIME", default_value = "10m", value_parser = duration_positive)]
    lasts: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Protocol {
    /// BEP 15
    Udp,
    /// BEP 3
    Http,
}

impl Protocol {
    const fn word(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Http => "http",
        }
    }
}

pub(crate) fn run(args: &TrackerArgs, console: &Console) -> Result<u8, Failure> {
    let spec = spec(args)?;
    let doors = Doors::open(args.listen, spec.udp)?;
    let addr = doors.addr();
    let url = format!("{}://{addr}/announce", args.protocol.word());
    let sample = args.material.load(std::slice::from_ref(&url), console)?;
    let peers = args.peer.iter().enumerate();
    let known = Known {
        actors: peers.map(|(n, addr)| (format!("p{n}"), *addr)).collect(),
        trackers: vec![(NAME.into(), addr, url.clone())],
        ..Known::default()
    };
    let tracker = TrackerHost::new(&spec, &sample, args.material.seed(), &known).map_err(Failure::usage)?;
    let stop = stop_at_signal()?;
    let hash = sample.info_hash().to_string();
    console.value(&json!({"listening": addr.to_string(), "announce": url, "info_hash": hash}))?;
    console.line(format!("listening at {url}, torrent {hash}"))?;
    let mut stage = Stage::new(tracker, NAME, doors, console);
    stage.play(args.lasts, &stop)?;
    let violations: Vec<Value> = stage
        .actor
        .violations()
        .into_iter()
        .map(|(at, text)| json!({"at": at.as_micros() as f64 / 1e6, "text": text}))
        .collect();
    let announces = stage.actor.tracker().announces().len();
    console.value(&json!({"summary": {
        "seconds": stage.now().as_micros() as f64 / 1e6,
        "announces": announces,
        "requests": stage.actor.requests(),
        "violations": violations,
        "marks": stage.marks.iter().collect::<std::collections::BTreeMap<_, _>>(),
    }}))?;
    console.line(format!("{announces} announces"))?;
    Ok(DONE)
}

fn spec(args: &TrackerArgs) -> Result<TrackerSpec, Failure> {
    let behaviours = args.behaviours.iter().map(|text| behaviour(args.protocol, text));
    Ok(TrackerSpec {
        name: NAME.into(),
        udp: args.protocol == Protocol::Udp,
        tier: 0,
        link: LinkSpec::default(),
        behaviours: behaviours.collect::<Result<_, _>>()?,
    })
}

fn behaviour(protocol: Protocol, text: &str) -> Result<Use, Failure> {
    let word = protocol.word();
    let file = format!("engine \"eng\"\ntracker \"{NAME}\" {word} {{ {text}; }}");
    let mut trackers = scenario(&file, "--behaviour", text)?.trackers;
    let one = trackers.pop().filter(|_| trackers.is_empty());
    match one.map(|tracker| tracker.behaviours).as_deref() {
        Some([one]) if one.name.starts_with("dns-") => Err(Failure::usage(format_args!(
            "{} is about names, which the system looks up: it is for simulated worlds.",
            one.name
        ))),
        Some([one]) => Ok(one.clone()),
        _ => Err(Failure::usage(format_args!(
            "--behaviour {text:?} has to name one behaviour."
        ))),
    }
}
