//! Scenario files: [KDL](https://kdl.dev), one fact a node.
//!
//! A file is foreign input: every number has a bound, a name that nobody knows is a [`Mistake`] that points at it,
//! and nothing in a file can make a run panic. docs/simulation.md has the grammar by example.

use super::fields::Fields;
use super::mistake::{Mistake, nearest};
use super::params;
use super::print::VERSION;
use super::text;
use super::{
    Addresses, Area, EngineSpec, FaultSpec, LinkSpec, MagnetSpec, PeerSpec, Scenario, TorrentSpec,
    TrackerSpec, Use, Value, When,
};
use crate::catalogue;
use crate::oracle::parse_moment;
use kdl::{KdlDocument, KdlNode};
use seedbed_engine::time::Duration;

/// Longest file: far above any scenario, far below what would take long to parse.
const FILE_MAX: usize = 1 << 20;
/// Braces and comments within each other at the most: a scenario needs two, and the parser recurses at each of them.
const DEPTH_MAX: u32 = 32;
/// Actors of a world at the most.
const ACTORS_MAX: usize = 200;
/// Bytes of a torrent at the most; all of it lies in memory, several times.
const CONTENT_MAX: u64 = 64 << 20;

/// Node names at the top of a file.
const NODES: [&str; 8] = [
    "scenario", "torrent", "magnet", "engine", "tracker", "peer", "fault", "expect",
];

/// Where more is opened within each other than a scenario can need, or more closed that nobody opened; in texts and comments
/// too.
fn too_deep(file: &str) -> Option<usize> {
    let (mut open, mut surplus) = (0u32, 0u32);
    file.bytes()
        .zip(file.bytes().skip(1).chain([0]))
        .position(|pair| {
            match pair {
                (b'{' | b'(', _) | (b'/', b'*') => open += 1,
                (b'}' | b')', _) | (b'*', b'/') if open > 0 => open -= 1,
                (b'}' | b')', _) | (b'*', b'/') => surplus += 1,
                _ => {}
            }
            open.max(surplus) > DEPTH_MAX
        })
}

/// Reads a scenario file.
///
/// # Errors
/// The first mistake in it.
pub fn parse(file: &str) -> Result<Scenario, Mistake> {
    if file.len() > FILE_MAX {
        return Err(Mistake::at(file, 0, "The file is longer than 1 MiB."));
    }
    if let Some(offset) = too_deep(file) {
        return Err(Mistake::at(file, offset, "The braces are nested too deeply."));
    }
    let document = KdlDocument::parse(file).map_err(|error| syntax(file, &error))?;
    let mut scenario = empty();
    let mut seen: Vec<&str> = Vec::new();
    for node in document.nodes() {
        let mut fields = Fields::new(file, node)?;
        let name = node.name().value();
        if seen.contains(&name) && matches!(name, "scenario" | "torrent" | "magnet") {
            return Err(fields.mistake(format!("There is a {name} line already.")));
        }
        seen.push(name);
        match name {
            "scenario" => head(&mut fields, &mut scenario)?,
            "torrent" => {
                let magnet = scenario.torrent.magnet;
                scenario.torrent = torrent(&mut fields)?;
                scenario.torrent.magnet = magnet;
            }
            "magnet" => scenario.torrent.magnet = Some(magnet(&mut fields)?),
            "engine" => scenario.engines.push(engine(&mut fields)?),
            "tracker" => scenario
                .trackers
                .push(tracker(&mut fields, scenario.trackers.len())?),
            "peer" => scenario.peers.push(peer(&mut fields)?),
            "fault" => scenario.faults.push(fault(&mut fields)?),
            "expect" => scenario.expect.extend(expectations(&mut fields)?),
            other => {
                let hint = nearest(other, NODES);
                return Err(fields.mistake(format!("There is no node {other}: {hint}")));
            }
        }
        fields.end()?;
    }
    check(file, &document, &scenario)?;
    Ok(scenario)
}

fn empty() -> Scenario {
    Scenario {
        name: "unnamed".into(),
        seed: 0,
        shuffle_ties: false,
        torrent: TorrentSpec {
            pieces: 16,
            blocks: 4,
            block: 64,
            short: 0,
            files: 1,
            private: false,
            magnet: None,
        },
        engines: Vec::new(),
        trackers: Vec::new(),
        peers: Vec::new(),
        faults: Vec::new(),
        expect: Vec::new(),
    }
}

/// What the KDL parser has to say, at its first place.
fn syntax(file: &str, error: &kdl::KdlError) -> Mistake {
    let Some(first) = error.diagnostics.first() else {
        return Mistake::at(file, 0, "This is not KDL.");
    };
    let mut text = first.message.clone().unwrap_or_else(|| "This is not KDL".into());
    if let Some(help) = &first.help {
        text = format!("{}: {help}", text.trim_end_matches('.'));
    }
    let whole = first.span.offset() == 0 && first.span.len() >= file.trim_end().len();
    let offset = if whole {
        broken_line(file, error)
    } else {
        first.span.offset()
    };
    Mistake::at(file, offset, text)
}

/// Some mistakes come from the parser with the whole file as their place. The line is the first one with which the
/// file has the same mistake when it ends behind it.
fn broken_line(file: &str, error: &kdl::KdlError) -> usize {
    /// Lines that are tried at the most: each costs a parse of all before it.
    const LINES_MAX: usize = 500;
    let message = |error: &kdl::KdlError| error.diagnostics.first().and_then(|first| first.message.clone());
    let mut end = 0;
    for line in file.split_inclusive('\n').take(LINES_MAX) {
        let begin = end;
        end += line.len();
        let found = KdlDocument::parse(&file[..end]).err();
        if found.is_some_and(|found| message(&found) == message(error)) {
            return begin + line.len() - line.trim_start().len();
        }
    }
    0
}

fn head(fields: &mut Fields<'_>, scenario: &mut Scenario) -> Result<(), Mistake> {
    scenario.name = fields.text_argument("the scenario's name in quotes")?;
    let version = fields.number("version", 0..=i64::MAX)?.unwrap_or(VERSION);
    if version != VERSION {
        return Err(fields.mistake(format!(
            "The file has version {version}; this program reads version {VERSION}."
        )));
    }
    scenario.seed = fields.seed("seed")?.unwrap_or(0);
    scenario.shuffle_ties = fields.flag("shuffle-ties")?;
    Ok(())
}

fn torrent(fields: &mut Fields<'_>) -> Result<TorrentSpec, Mistake> {
    let usual = empty().torrent;
    let spec = TorrentSpec {
        pieces: fields.count("pieces", 1..=65_536)?.unwrap_or(usual.pieces),
        blocks: fields.count("blocks", 1..=1_024)?.unwrap_or(usual.blocks),
        block: fields.count("block", 1..=16_384)?.unwrap_or(usual.block),
        short: fields.count("short", 0..=16 << 20)?.unwrap_or(0),
        files: fields.count("files", 1..=1_000)?.unwrap_or(1),
        private: fields.flag("private")?,
        magnet: None,
    };
    let piece = u64::from(spec.blocks) * u64::from(spec.block);
    let total = u64::from(spec.pieces) * piece;
    if total > CONTENT_MAX {
        return Err(fields.mistake(format!("The torrent has {total} bytes; 64 MiB are the most.")));
    }
    if u64::from(spec.short) >= piece {
        return Err(fields.mistake(format!("A piece has {piece} bytes: short has to be less.")));
    }
    // every file has to have bytes of its own
    if u64::from(spec.files) * 4 > total {
        return Err(fields.mistake("There are more files than bytes for them."));
    }
    Ok(spec)
}

/// How the torrent is found by its hash alone.
fn magnet(fields: &mut Fields<'_>) -> Result<MagnetSpec, Mistake> {
    Ok(MagnetSpec {
        piece: fields.count("piece", 1..=16_384)?.unwrap_or(16_384),
        broken: fields.flag("broken")?,
    })
}

fn engine(fields: &mut Fields<'_>) -> Result<EngineSpec, Mistake> {
    let name = fields.name_or("eng")?;
    let seed = fields.next_word(&["seed"])?.is_some();
    Ok(EngineSpec {
        name,
        seed,
        after: fields.duration("after")?.unwrap_or_default(),
        link: link(fields)?,
        behaviours: behaviours(fields, catalogue::ENGINE, "an engine")?,
        config: fields.settings()?,
    })
}

fn tracker(fields: &mut Fields<'_>, place: usize) -> Result<TrackerSpec, Mistake> {
    let name = fields.text_argument("the tracker's name")?;
    let udp = match fields.next_word(&["udp", "http"])? {
        Some(protocol) => protocol == "udp",
        None => return Err(fields.mistake("A tracker is udp or http: say which behind its name.")),
    };
    let areas = if udp {
        catalogue::UDP_TRACKER
    } else {
        catalogue::HTTP_TRACKER
    };
    let what = if udp { "a UDP tracker" } else { "an HTTP tracker" };
    Ok(TrackerSpec {
        name,
        udp,
        tier: fields.count("tier", 0..=99)?.unwrap_or(place as u32),
        link: link(fields)?,
        behaviours: behaviours(fields, areas, what)?,
    })
}

fn peer(fields: &mut Fields<'_>) -> Result<PeerSpec, Mistake> {
    let name = fields.text_argument("the peer's name")?;
    let base = fields.next_word(&["seed", "leech", "partial"])?;
    let has = fields.count("has", 0..=100)?;
    let (leech, has) = match (base.as_deref(), has) {
        (Some("leech"), has) => (true, has.unwrap_or(0)),
        (Some("partial"), has) => (false, has.unwrap_or(50)),
        (_, has) => (false, has.unwrap_or(100)),
    };
    Ok(PeerSpec {
        name,
        has,
        leech,
        after: fields.duration("after")?.unwrap_or_default(),
        dials: fields.flag("dials")?,
        link: link(fields)?,
        behaviours: behaviours(fields, catalogue::PEER, "a peer")?,
    })
}

fn link(fields: &mut Fields<'_>) -> Result<LinkSpec, Mistake> {
    let usual = LinkSpec::default();
    let (latency, jitter) = fields
        .quantity("latency", "a time or a range such as \"20..60ms\"", text::range)?
        .unwrap_or((usual.latency, usual.jitter));
    let family = |text: &str| {
        let found = Addresses::ALL.iter().find(|(word, _)| *word == text);
        found.map(|(_, addresses)| *addresses)
    };
    let addresses = fields.quantity("addresses", "\"v4\", \"v6\" or \"both\"", family)?;
    let mut rate = |name| fields.quantity(name, "a rate such as \"1MB/s\"", text::rate);
    let (up, down) = (rate("up")?.unwrap_or(0), rate("down")?.unwrap_or(0));
    let receive = fields.count("receive", 1..=1 << 30)?;
    let mut share = |name| fields.quantity(name, "a share such as \"3%\"", text::share);
    Ok(LinkSpec {
        addresses: addresses.unwrap_or_default(),
        up,
        down,
        receive: receive.unwrap_or(usual.receive),
        latency,
        jitter,
        loss: share("loss")?.unwrap_or(0),
        duplicate: share("duplicate")?.unwrap_or(0),
        reorder: share("reorder")?.unwrap_or(0),
        corrupt: share("corrupt")?.unwrap_or(0),
    })
}

fn behaviours(fields: &Fields<'_>, areas: &'static [Area], who: &str) -> Result<Vec<Use>, Mistake> {
    fields
        .children()
        .map(|node| behaviour(fields, node, areas, who))
        .collect()
}

fn behaviour(of: &Fields<'_>, node: &KdlNode, areas: &'static [Area], who: &str) -> Result<Use, Mistake> {
    let mut fields = of.child(node)?;
    let name = node.name().value();
    if !catalogue::of(areas).any(|known| known.name == name) {
        let text = match catalogue::behaviours().find(|known| known.name == name) {
            Some(known) => format!(
                "{name} is nothing that {who} does: it belongs to {:?}.",
                known.area
            ),
            None => {
                let hint = nearest(name, catalogue::of(areas).map(|known| known.name));
                format!("There is no behaviour {name} of {who}: {hint}")
            }
        };
        return Err(fields.mistake(text));
    }
    fields.known(
        catalogue::of(areas)
            .filter(|known| known.name == name)
            .flat_map(params::of),
    )?;
    let one = Use {
        name: name.into(),
        params: fields.rest()?,
    };
    fields.no_children()?;
    fields.end()?;
    Ok(one)
}

fn fault(fields: &mut Fields<'_>) -> Result<FaultSpec, Mistake> {
    let at = fields.duration("at")?;
    let on = fields.quantity(
        "on",
        "a moment and an actor such as \"first-unchoke p1\"",
        |text| {
            let (moment, whom) = text.split_once(' ')?;
            (!moment.is_empty() && !whom.is_empty()).then(|| (moment.to_owned(), whom.to_owned()))
        },
    )?;
    let when = match (at, on) {
        (Some(at), None) => When::At(at),
        (None, Some((moment, whom))) if parse_moment(&moment).is_some() => When::On(moment, whom),
        (None, Some((moment, _))) => {
            let hint = nearest(&moment, catalogue::moments().map(|(name, _)| name));
            return Err(fields.mistake(format!("There is no moment {moment}: {hint}")));
        }
        _ => return Err(fields.mistake("A fault needs either at=\"12s\" or on=\"first-unchoke p1\".")),
    };
    let children: Vec<&KdlNode> = fields.children().collect();
    let [node] = children.as_slice() else {
        return Err(fields.mistake("A fault says in braces what happens, one thing: { clog \"p0\"; }"));
    };
    let mut inner = fields.child(node)?;
    let mut targets = Vec::new();
    while let Some(target) = inner.next_argument()? {
        targets.push(target);
    }
    let lasts = inner.duration("for")?;
    let name = node.name().value();
    if !catalogue::faults().any(|known| known.name == name) {
        let hint = nearest(name, catalogue::faults().map(|known| known.name));
        return Err(inner.mistake(format!("There is no fault {name}: {hint}")));
    }
    inner.known(
        catalogue::faults()
            .filter(|known| known.name == name)
            .flat_map(params::of),
    )?;
    let what = Use {
        name: name.into(),
        params: inner.rest()?,
    };
    inner.no_children()?;
    inner.end()?;
    Ok(FaultSpec {
        when,
        lasts,
        targets,
        what,
    })
}

fn expectations(fields: &mut Fields<'_>) -> Result<Vec<Use>, Mistake> {
    let name = fields.next_argument()?;
    let params = fields.rest()?;
    fields.no_children()?;
    if let Some(name) = name {
        return Ok(vec![Use { name, params }]);
    }
    let one = |(name, value): (String, Value)| Use {
        name,
        params: vec![("value".into(), value)],
    };
    Ok(params.into_iter().map(one).collect())
}

/// What only the whole file can show.
fn check(file: &str, document: &KdlDocument, scenario: &Scenario) -> Result<(), Mistake> {
    if scenario.engines.is_empty() {
        return Err(Mistake::at(
            file,
            file.len(),
            "There is no engine in this world: add a line engine \"eng\".",
        ));
    }
    let mut names: Vec<&str> = Vec::new();
    let engines = scenario.engines.iter().map(|spec| spec.name.as_str());
    let trackers = scenario.trackers.iter().map(|spec| spec.name.as_str());
    let peers = scenario.peers.iter().map(|spec| spec.name.as_str());
    for name in engines.chain(trackers).chain(peers) {
        if names.contains(&name) {
            let text = format!("There are two actors called {name}.");
            return Err(Mistake::at(file, place(document, name), text));
        }
        names.push(name);
    }
    if names.len() > ACTORS_MAX {
        return Err(Mistake::at(
            file,
            0,
            format!("A world has {ACTORS_MAX} actors at the most."),
        ));
    }
    let ends = scenario.faults.iter().flat_map(|fault| {
        let whom = match &fault.when {
            When::On(_, whom) => Some(whom),
            When::At(_) => None,
        };
        fault.targets.iter().chain(whom)
    });
    for target in ends {
        if !names.contains(&target.as_str()) {
            let text = format!(
                "There is no actor {target}: {}",
                nearest(target, names.iter().copied())
            );
            return Err(Mistake::at(file, place(document, target), text));
        }
    }
    Ok(())
}

/// The last place in the file where a name stands as a value.
fn place(document: &KdlDocument, name: &str) -> usize {
    let entries = |node: &KdlNode| {
        let found = node.entries().iter().rev().find(|entry| {
            let text = entry.value().as_string();
            text.is_some_and(|text| text.split(' ').any(|word| word == name))
        });
        found.map(|entry| entry.span().offset())
    };
    let within = |node: &KdlNode| {
        let mut inner = node.children().into_iter().flat_map(KdlDocument::nodes);
        inner.find_map(entries).or_else(|| entries(node))
    };
    document.nodes().iter().rev().find_map(within).unwrap_or(0)
}

/// Durations that a file can name go up to a year.
pub(super) const DURATION_MAX: Duration = Duration::from_secs(366 * 86_400);
