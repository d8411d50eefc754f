//! `seedbed sim peer`: a model peer with everything that it can do wrong, on real sockets of this machine.

use super::material::{MaterialArgs, scenario};
use super::stage::{Doors, Stage, loopback, stop_at_signal};
use crate::cli::console::Console;
use crate::cli::failure::{DONE, Failure};
use crate::cli::values::duration_positive;
use clap::{Args, ValueEnum};
use seedbed_sim::peer::ModelPeer;
use seedbed_sim::peer::conn::Past;
use seedbed_sim::sample::Known;
use seedbed_sim::scenario::{LinkSpec, PeerSpec, Use};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  seedbed sim peer --write out --listen 127.0.0.1:7001
  seedbed sim peer --behaviour 'corrupts every=3' --dial 127.0.0.1:6881
  seedbed sim peer --behaviour 'snubs for=\"20s\"' --role partial --json

Prints the address when it listens, then what both sides say. `seedbed sim list
behaviours` has the names. Only clients of this machine can be reached.";

/// Its name: its random numbers follow from it.
const NAME: &str = "p";

/// Names addresses that belong to others, on the Internet; a client under test would dial them.
const NAMES_STRANGERS: &[&str] = &["pex-many"];

/// Arguments of `sim peer`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PeerArgs {
    #[command(flatten)]
    material: MaterialArgs,
    /// What it does beside being a good peer, with its parameters; may be given several times
    #[arg(short, long = "behaviour", value_name = "BEHAVIOUR")]
    behaviours: Vec<String>,
    /// What it has
    #[arg(long, value_enum, default_value_t = Role::Seed)]
    role: Role,
    /// Where it listens
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0", value_parser = loopback)]
    listen: SocketAddr,
    /// A client that it dials, instead of only waiting
    #[arg(long, value_name = "ADDR", value_parser = loopback)]
    dial: Vec<SocketAddr>,
    /// Another peer that it can name, in peer exchange
    #[arg(long, value_name = "ADDR", value_parser = loopback)]
    other: Vec<SocketAddr>,
    /// Announce URL in the torrent that --write makes
    #[arg(long, value_name = "URL")]
    tracker: Vec<String>,
    /// End after this time
    #[arg(long = "for", value_name = "TIME", default_value = "10m", value_parser = duration_positive)]
    lasts: Duration,
}

#[derive(Clone, Copy, ValueEnum)]
enum Role {
    /// Has everything
    Seed,
    /// Has nothing and fetches
    Leech,
    /// Has half of it and fetches the rest
    Partial,
}

pub(crate) fn run(args: &PeerArgs, console: &Console) -> Result<u8, Failure> {
    let spec = spec(args)?;
    let seed = args.material.seed();
    let sample = args.material.load(&args.tracker, console)?;
    let doors = Doors::open(args.listen, true)?;
    let addr = doors.addr();
    let mut known = Known::default();
    let others = args.other.iter().enumerate();
    known.actors = others.map(|(n, addr)| (format!("other-{n}"), *addr)).collect();
    let mut peer = ModelPeer::new(&spec, &sample, seed, &known);
    peer.place(addr.port(), args.dial.clone());
    peer.tell_messages();
    let stop = stop_at_signal()?;
    let hash = sample.info_hash().to_string();
    console.value(&json!({"listening": addr.to_string(), "info_hash": hash}))?;
    console.line(format!("listening at {addr}, torrent {hash}"))?;
    let mut stage = Stage::new(peer, NAME, doors, console);
    stage.play(args.lasts, &stop)?;
    let summary = summary(&stage);
    console.value(&json!({ "summary": summary }))?;
    let (served, received) = stage.actor.transferred();
    let (past, open) = (stage.actor.past.len(), stage.actor.conns.len());
    console.line(format!(
        "{past} connections ended, {open} are open; {served} bytes served, {received} received"
    ))?;
    Ok(DONE)
}

fn spec(args: &PeerArgs) -> Result<PeerSpec, Failure> {
    let behaviours = args.behaviours.iter().map(|text| behaviour(text));
    let (has, leech) = match args.role {
        Role::Seed => (100, false),
        Role::Leech => (0, true),
        Role::Partial => (50, true),
    };
    Ok(PeerSpec {
        name: NAME.into(),
        has,
        leech,
        after: Duration::ZERO,
        dials: !args.dial.is_empty(),
        link: LinkSpec::default(),
        behaviours: behaviours.collect::<Result<_, _>>()?,
    })
}

fn behaviour(text: &str) -> Result<Use, Failure> {
    let file = format!("engine \"eng\"\npeer \"{NAME}\" seed {{ {text}; }}");
    let mut peers = scenario(&file, "--behaviour", text)?.peers;
    let one = peers
        .pop()
        .filter(|_| peers.is_empty())
        .map(|peer| peer.behaviours);
    match one.as_deref() {
        Some([one]) if NAMES_STRANGERS.contains(&one.name.as_str()) => Err(Failure::usage(format_args!(
            "{} names addresses of strangers, which a real client would dial: it is for simulated worlds.",
            one.name
        ))),
        Some([one]) => Ok(one.clone()),
        _ => Err(Failure::usage(format_args!(
            "--behaviour {text:?} has to name one behaviour."
        ))),
    }
}

fn summary(stage: &Stage<'_, ModelPeer>) -> Value {
    let peer = &stage.actor;
    let (served, received) = peer.transferred();
    let live: Vec<Value> = peer
        .conns
        .iter()
        .map(|(id, conn)| json!({"stream": id.to_string(), "open": conn.is_open(), "served": conn.counters.served}))
        .collect();
    let violations: Vec<Value> = peer
        .violations
        .iter()
        .map(|(at, text)| json!({"at": at.as_micros() as f64 / 1e6, "text": text}))
        .collect();
    json!({
        "seconds": stage.now().as_micros() as f64 / 1e6,
        "served": served,
        "received": received,
        "complete": peer.is_seed(),
        "past": peer.past.iter().map(past).collect::<Vec<_>>(),
        "open": live,
        "violations": violations,
        "marks": stage.marks.iter().collect::<std::collections::BTreeMap<_, _>>(),
    })
}

fn past(past: &Past) -> Value {
    let counters = past.counters;
    json!({
        "other": past.other.to_string(),
        "at": past.at.as_micros() as f64 / 1e6,
        "cause": past.cause.as_ref().map(ToString::to_string),
        "was_open": past.was_open,
        "served": counters.served,
        "received": counters.received,
        "requests": counters.requests,
        "rejects": counters.rejects,
        "messages": counters.messages,
    })
}
