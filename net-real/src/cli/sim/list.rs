//! `seedbed sim list`: behaviours, oracles and marks by name.

use crate::cli::console::Console;
use crate::cli::failure::{DONE, Failure};
use clap::{Args, ValueEnum};
use seedbed_sim::catalogue;
use seedbed_sim::peer::{self, Reaction, Scene};
use serde::Serialize;

const EXAMPLES: &str = "\
Examples:
  seedbed sim list behaviours
  seedbed sim list oracles --json | jq -r '.[].id'";

/// Arguments of `sim list`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ListArgs {
    /// What to list
    what: What,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// What trackers, peers, disks and hosts can do, and what the engine has to do about it
    Behaviours,
    /// What a schedule can do to links, hosts and disks
    Faults,
    /// Moments of the protocol that a fault can wait for
    Moments,
    /// Rules that every run is held against
    Oracles,
    /// Branches and behaviours that a sweep counts
    Marks,
}

/// One entry. Its fields may be added to, never renamed.
#[derive(Serialize)]
struct Entry {
    id: &'static str,
    text: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    area: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reaction: Option<&'static str>,
    /// Of a peer: what an engine makes of it, where it stands alone beside an honest seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<&'static str>,
    /// Of a peer: where it comes out.
    #[serde(skip_serializing_if = "Option::is_none")]
    scene: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    params: Vec<&'static str>,
}

pub(crate) fn run(args: &ListArgs, console: &Console) -> Result<u8, Failure> {
    let entries = match args.what {
        What::Behaviours => behaviours(catalogue::behaviours()),
        What::Faults => behaviours(catalogue::faults()),
        What::Moments => plain(catalogue::moments()),
        What::Oracles => plain(catalogue::oracles()),
        What::Marks => plain(catalogue::marks()),
    };
    console.value(&entries)?;
    let width = entries.iter().map(|entry| entry.id.len()).max().unwrap_or(0);
    let blank = "";
    for entry in &entries {
        let row = entry.row.map_or(String::new(), |row| format!("{row:<5} "));
        console.line(format!("{:<width$}  {row}{}", entry.id, entry.text))?;
        if let Some(reaction) = entry.reaction {
            console.line(format!("{blank:<width$}  -> {reaction}"))?;
        }
        if !entry.params.is_empty() {
            console.line(format!("{blank:<width$}     {}", entry.params.join(" ")))?;
        }
    }
    Ok(DONE)
}

fn behaviours(all: impl Iterator<Item = &'static seedbed_sim::scenario::Behaviour>) -> Vec<Entry> {
    let entry = |known: &'static seedbed_sim::scenario::Behaviour| Entry {
        id: known.name,
        text: known.text,
        row: Some(known.row),
        area: Some(format!("{:?}", known.area)),
        reaction: Some(known.reaction),
        expected: peer::expected(known.name).map(expected),
        scene: peer::catalogue::find(known.name).map(|entry| scene(entry.scene)),
        params: seedbed_sim::scenario::params::of(known)
            .map(|param| param.name)
            .collect(),
    };
    all.map(entry).collect()
}

const fn expected(reaction: Reaction) -> &'static str {
    match reaction {
        Reaction::Closed(_) => "closed",
        Reaction::Banned => "banned",
        Reaction::Kept => "kept",
        Reaction::Completes => "completes",
    }
}

const fn scene(scene: Scene) -> &'static str {
    match scene {
        Scene::Serves => "serves",
        Scene::DialsAndServes => "dials-and-serves",
        Scene::Fetches => "fetches",
        Scene::Link => "link",
    }
}

fn plain(all: impl Iterator<Item = (&'static str, &'static str)>) -> Vec<Entry> {
    let entry = |(id, text)| Entry {
        id,
        text,
        row: None,
        area: None,
        reaction: None,
        expected: None,
        scene: None,
        params: Vec::new(),
    };
    all.map(entry).collect()
}
