//! `seedbed info`: everything in a .torrent file, and what is odd about it.

use super::console::{Console, shown};
use super::failure::{DONE, Failure};
use super::torrent_file::Torrent;
use super::units;
use clap::Args;
use seedbed_engine::metainfo::Metainfo;
use serde::Serialize;
use std::fmt::Display;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  seedbed info album.torrent
  seedbed info --json *.torrent | jq -r .name";

/// Arguments of `info`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct InfoArgs {
    /// The .torrent files; - is standard input
    #[arg(required = true, value_name = "TORRENT")]
    torrents: Vec<PathBuf>,
}

/// The result with `--json`. Its fields may be added to, never renamed.
#[derive(Serialize)]
struct Info<'a> {
    info_hash_v1: Option<String>,
    info_hash_v2: Option<String>,
    name: &'a str,
    piece_length: u32,
    piece_count: u32,
    total_length: u64,
    private: bool,
    files: Vec<File<'a>>,
    trackers: &'a [Vec<String>],
    /// Of either kind: `url-list` (BEP 19), then `httpseeds` (BEP 17).
    web_seeds: Vec<&'a str>,
    nodes: Vec<String>,
    comment: Option<&'a str>,
    created_by: Option<&'a str>,
    creation_date: Option<i64>,
    lints: Vec<Lint<'a>>,
    source: Option<&'a str>,
    http_seeds: &'a [String],
}

#[derive(Serialize)]
struct File<'a> {
    path: &'a str,
    length: u64,
    pad: bool,
}

#[derive(Serialize)]
struct Lint<'a> {
    code: &'static str,
    text: &'a str,
}

pub(crate) fn run(args: &InfoArgs, console: &Console) -> Result<u8, Failure> {
    for (n, path) in args.torrents.iter().enumerate() {
        let torrent = Torrent::read(path)?;
        if n > 0 {
            console.line("")?;
        }
        console.value(&info(&torrent.metainfo))?;
        for line in lines(&torrent.metainfo) {
            console.line(line)?;
        }
    }
    Ok(DONE)
}

fn info(metainfo: &Metainfo) -> Info<'_> {
    Info {
        info_hash_v1: Some(metainfo.info_hash.to_string()),
        info_hash_v2: metainfo.info_hash_v2.as_ref().map(hex),
        name: &metainfo.name,
        piece_length: metainfo.piece_length,
        piece_count: metainfo.pieces(),
        total_length: metainfo.total_length,
        private: metainfo.private,
        files: metainfo
            .layout
            .files()
            .iter()
            .map(|file| File {
                path: &file.path,
                length: file.length,
                pad: file.pad,
            })
            .collect(),
        trackers: &metainfo.trackers,
        web_seeds: [&metainfo.web_seeds, &metainfo.http_seeds]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect(),
        nodes: nodes(metainfo),
        comment: metainfo.comment.as_deref(),
        created_by: metainfo.created_by.as_deref(),
        creation_date: metainfo.creation_date,
        lints: metainfo
            .lints
            .iter()
            .map(|lint| Lint {
                code: lint.code,
                text: &lint.text,
            })
            .collect(),
        source: metainfo.source.as_deref(),
        http_seeds: &metainfo.http_seeds,
    }
}

/// DHT nodes as `host:port`, an IPv6 address in brackets.
fn nodes(metainfo: &Metainfo) -> Vec<String> {
    let node = |(host, port): &(String, u16)| match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    };
    metainfo.nodes.iter().map(node).collect()
}

fn hex(bytes: &[u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The same for people.
fn lines(metainfo: &Metainfo) -> Vec<String> {
    let mut lines = Vec::new();
    let mut field = |name: &str, value: &dyn Display| lines.push(format!("{name:<14}{value}"));
    field("Name", &shown(&metainfo.name));
    field("Info hash v1", &metainfo.info_hash);
    if let Some(hash) = &metainfo.info_hash_v2 {
        field("Info hash v2", &hex(hash));
    }
    let total = metainfo.total_length;
    field("Size", &format_args!("{} ({total} bytes)", units::bytes(total)));
    let piece_length = units::bytes(metainfo.piece_length.into());
    field("Pieces", &format_args!("{} of {piece_length}", metainfo.pieces()));
    field("Private", if metainfo.private { &"yes" } else { &"no" });
    let texts = [
        ("Comment", &metainfo.comment),
        ("Created by", &metainfo.created_by),
        ("Source", &metainfo.source),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            field(name, &shown(text));
        }
    }
    if let Some(date) = metainfo.creation_date {
        field("Created", &units::date(date));
    }
    for (n, tier) in metainfo.trackers.iter().enumerate() {
        lines.push(format!("Trackers, tier {}", n + 1));
        lines.extend(tier.iter().map(|url| format!("  {}", shown(url))));
    }
    let lists = [
        ("Web seeds", &metainfo.web_seeds),
        ("HTTP seeds (BEP 17)", &metainfo.http_seeds),
        ("DHT nodes", &nodes(metainfo)),
    ];
    for (name, items) in lists {
        if !items.is_empty() {
            lines.push(name.to_owned());
            lines.extend(items.iter().map(|item| format!("  {}", shown(item))));
        }
    }
    let files = metainfo.layout.files();
    lines.push(format!("Files ({})", files.len()));
    // the numbers are those of `download --select`
    let mut number = 0;
    for file in files {
        number += usize::from(!file.pad);
        let (number, pad) = if file.pad {
            (String::new(), "  (padding, not written)")
        } else {
            (number.to_string(), "")
        };
        lines.push(format!(
            "{number:>6}  {:>10}  {}{pad}",
            units::bytes(file.length),
            shown(&file.path)
        ));
    }
    if !metainfo.lints.is_empty() {
        lines.push("Oddities".to_owned());
        let lint = |lint: &seedbed_engine::metainfo::Lint| format!("  {}: {}", lint.code, shown(&lint.text));
        lines.extend(metainfo.lints.iter().map(lint));
    }
    lines
}
