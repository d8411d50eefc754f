//! A scenario as a file: one fact a node, one node a line, so that a diff reads well and shrinking deletes lines.
//!
//! What [`parse`](super::kdl::parse) makes of it equals the scenario, for every scenario that it accepts.

use super::text::{print_duration, print_range, print_rate, print_share};
use super::{
    Addresses, EngineSpec, FaultSpec, LinkSpec, MagnetSpec, PeerSpec, Scenario, TrackerSpec, Use, Value, When,
};
use seedbed_engine::time::Duration;
use std::fmt::Write as _;

/// The version of the file format, written into every file.
pub const VERSION: i64 = 1;

/// The text of a scenario file.
pub fn print(scenario: &Scenario) -> String {
    let mut lines = vec![head(scenario), torrent(scenario)];
    lines.extend(scenario.torrent.magnet.as_ref().map(magnet));
    lines.extend(scenario.engines.iter().map(engine));
    let trackers = scenario.trackers.iter().enumerate();
    lines.extend(trackers.map(|(n, spec)| tracker(n, spec)));
    lines.extend(scenario.peers.iter().map(peer));
    lines.extend(scenario.faults.iter().map(fault));
    lines.extend(scenario.expect.iter().map(expectation));
    lines.join("\n") + "\n"
}

fn head(scenario: &Scenario) -> String {
    let mut line = format!(
        "scenario {} version={VERSION} seed={}",
        quoted(&scenario.name),
        scenario.seed
    );
    flag(&mut line, "shuffle-ties", scenario.shuffle_ties);
    line
}

fn torrent(scenario: &Scenario) -> String {
    let spec = &scenario.torrent;
    let mut line = format!(
        "torrent pieces={} blocks={} block={}",
        spec.pieces, spec.blocks, spec.block
    );
    if spec.short != 0 {
        put(&mut line, "short", spec.short);
    }
    if spec.files != 1 {
        put(&mut line, "files", spec.files);
    }
    flag(&mut line, "private", spec.private);
    line
}

fn magnet(spec: &MagnetSpec) -> String {
    let mut line = "magnet".to_owned();
    if spec.piece != 16_384 {
        put(&mut line, "piece", spec.piece);
    }
    flag(&mut line, "broken", spec.broken);
    line
}

fn engine(spec: &EngineSpec) -> String {
    let mut line = format!("engine {}", quoted(&spec.name));
    if spec.seed {
        line.push_str(" seed");
    }
    start(&mut line, spec.after);
    link(&mut line, &spec.link);
    for (name, value) in &spec.config {
        put(&mut line, &word(name), shown(value));
    }
    children(&mut line, &spec.behaviours);
    line
}

fn tracker(n: usize, spec: &TrackerSpec) -> String {
    let protocol = if spec.udp { "udp" } else { "http" };
    let mut line = format!("tracker {} {protocol}", quoted(&spec.name));
    if spec.tier as usize != n {
        put(&mut line, "tier", spec.tier);
    }
    link(&mut line, &spec.link);
    children(&mut line, &spec.behaviours);
    line
}

fn peer(spec: &PeerSpec) -> String {
    let (base, usual) = match (spec.leech, spec.has) {
        (true, _) => ("leech", 0),
        (false, 100) => ("seed", 100),
        // every partial peer says how much it has
        (false, _) => ("partial", u32::MAX),
    };
    let mut line = format!("peer {} {base}", quoted(&spec.name));
    if spec.has != usual {
        put(&mut line, "has", spec.has);
    }
    start(&mut line, spec.after);
    flag(&mut line, "dials", spec.dials);
    link(&mut line, &spec.link);
    children(&mut line, &spec.behaviours);
    line
}

fn fault(spec: &FaultSpec) -> String {
    let mut line = "fault".to_owned();
    match &spec.when {
        When::At(at) => put(&mut line, "at", quoted(&print_duration(*at))),
        When::On(moment, whom) => put(&mut line, "on", quoted(&format!("{moment} {whom}"))),
    }
    line.push_str(" { ");
    line.push_str(&word(&spec.what.name));
    for target in &spec.targets {
        line.push(' ');
        line.push_str(&quoted(target));
    }
    if let Some(lasts) = spec.lasts {
        put(&mut line, "for", quoted(&print_duration(lasts)));
    }
    params(&mut line, &spec.what);
    line.push_str("; }");
    line
}

/// `expect done-before="180s"`: an expectation whose one parameter is called `value` is a property; others are
/// written like behaviours.
fn expectation(expected: &Use) -> String {
    let mut line = "expect".to_owned();
    match expected.params.as_slice() {
        [(name, value)] if name == "value" => put(&mut line, &word(&expected.name), shown(value)),
        _ => {
            line.push(' ');
            line.push_str(&quoted(&expected.name));
            params(&mut line, expected);
        }
    }
    line
}

fn start(line: &mut String, after: Duration) {
    if !after.is_zero() {
        put(line, "after", quoted(&print_duration(after)));
    }
}

fn link(line: &mut String, link: &LinkSpec) {
    let usual = LinkSpec::default();
    let mut words = Addresses::ALL.iter();
    if let Some((word, _)) = words.find(|(_, addresses)| *addresses == link.addresses)
        && link.addresses != usual.addresses
    {
        put(line, "addresses", quoted(word));
    }
    for (name, rate) in [("up", link.up), ("down", link.down)] {
        if rate != 0 {
            put(line, name, quoted(&print_rate(rate)));
        }
    }
    if link.receive != usual.receive {
        put(line, "receive", link.receive.to_string());
    }
    if (link.latency, link.jitter) != (usual.latency, usual.jitter) {
        put(line, "latency", quoted(&print_range(link.latency, link.jitter)));
    }
    let shares = [
        ("loss", link.loss),
        ("duplicate", link.duplicate),
        ("reorder", link.reorder),
        ("corrupt", link.corrupt),
    ];
    for (name, share) in shares {
        if share != 0 {
            put(line, name, quoted(&print_share(share)));
        }
    }
}

fn children(line: &mut String, uses: &[Use]) {
    if uses.is_empty() {
        return;
    }
    line.push_str(" {");
    for one in uses {
        line.push_str("\n    ");
        line.push_str(&word(&one.name));
        params(line, one);
    }
    line.push_str("\n}");
}

fn params(line: &mut String, one: &Use) {
    for (name, value) in &one.params {
        put(line, &word(name), shown(value));
    }
}

fn put(line: &mut String, name: &str, value: impl std::fmt::Display) {
    // writing to a string does not fail
    let _ = write!(line, " {name}={value}");
}

fn flag(line: &mut String, name: &str, on: bool) {
    if on {
        put(line, name, "#true");
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Int(number) => number.to_string(),
        Value::Text(text) => quoted(text),
        Value::Bool(on) => format!("#{on}"),
    }
}

/// A name that needs no quotes, or the same in quotes.
fn word(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !matches!(name, "true" | "false" | "null" | "inf" | "nan");
    if plain { name.into() } else { quoted(name) }
}

/// A KDL string. Characters that KDL does not let stand are escaped.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(c);
            }
            '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => {
                let _ = write!(quoted, "\\u{{{:x}}}", c as u32);
            }
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{{{:x}}}", c as u32);
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
