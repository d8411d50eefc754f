//! What actors on real sockets share with the clients beside them: a torrent with its content, and behaviours by name.

use crate::cli::console::{Console, shown_path};
use crate::cli::failure::Failure;
use clap::Args;
use seedbed_sim::sample::Sample;
use seedbed_sim::scenario::kdl::parse;
use seedbed_sim::scenario::{MagnetSpec, Scenario, TorrentSpec};
use seedbed_sim::seed::Seed;
use std::fs;
use std::path::{Path, PathBuf};

/// Largest .torrent file that is read.
const TORRENT_MAX: u64 = 8 << 20;

/// Most content that is read: what a scenario can have, too.
const CONTENT_MAX: u64 = 64 << 20;

/// Models give metadata to whoever begins with a link, in pieces as BEP 9 has them.
const METADATA: MagnetSpec = MagnetSpec {
    piece: 16_384,
    broken: false,
};

/// The torrent.
#[derive(Args)]
pub(super) struct MaterialArgs {
    /// Make a torrent of these sizes, as in a scenario file; its content follows from --seed
    #[arg(long, value_name = "SIZES", default_value = "pieces=8 blocks=4 block=16384")]
    sample: String,
    /// Take this torrent instead, with its data below --dir
    #[arg(long, value_name = "FILE", conflicts_with_all = ["sample", "write"])]
    torrent: Option<PathBuf>,
    /// The folder that holds the data of --torrent
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Write the torrent (sample.torrent) and its content below this folder
    #[arg(long, value_name = "DIR")]
    write: Option<PathBuf>,
    /// The root of all randomness: the same seed makes the same torrent
    #[arg(long, value_name = "SEED", default_value = "1", value_parser = super::expand::seed)]
    seed: u64,
}

impl MaterialArgs {
    pub(super) const fn seed(&self) -> Seed {
        Seed(self.seed)
    }

    /// The torrent, written to the disk if that was asked for. Trackers are those of a made one.
    pub(super) fn load(&self, trackers: &[String], console: &Console) -> Result<Sample, Failure> {
        if let Some(path) = &self.torrent {
            return read(path, &self.dir);
        }
        let spec = TorrentSpec {
            magnet: Some(METADATA),
            ..self.spec()?
        };
        let tiers: Vec<Vec<String>> = trackers.iter().map(|url| vec![url.clone()]).collect();
        let sample = Sample::new(&spec, &tiers, self.seed())
            .map_err(|error| Failure::usage(format_args!("--sample makes no torrent: {error}.")))?;
        if let Some(dir) = &self.write {
            write(&sample, dir)?;
            console.note(format!("{} is written.", shown_path(&dir.join("sample.torrent"))));
        }
        Ok(sample)
    }

    fn spec(&self) -> Result<TorrentSpec, Failure> {
        let file = format!("torrent {}\nengine \"eng\"", self.sample);
        let scenario = scenario(&file, "--sample", &self.sample)?;
        if scenario.engines.len() != 1 || !scenario.peers.is_empty() {
            return Err(Failure::usage(
                "--sample takes sizes, such as \"pieces=8 blocks=4 block=16384\".",
            ));
        }
        Ok(scenario.torrent)
    }
}

/// Reads what stands in a flag as a part of a scenario file.
pub(super) fn scenario(file: &str, flag: &str, value: &str) -> Result<Scenario, Failure> {
    parse(file).map_err(|mistake| {
        let text = mistake.text.trim_end_matches('.');
        Failure::usage(format_args!("{flag} {value:?}: {text}."))
    })
}

/// A torrent of others with its content.
fn read(path: &Path, dir: &Path) -> Result<Sample, Failure> {
    let name = shown_path(path);
    let bytes = whole(path, TORRENT_MAX)?;
    let read = Sample::of(&bytes, |file| {
        whole(&dir.join(&file.path), CONTENT_MAX).map_err(|failure| failure.text)
    });
    let mut sample = read.map_err(|text| Failure::input(format_args!("{name} cannot be used: {text}.")))?;
    sample.spec.magnet = Some(METADATA);
    Ok(sample)
}

fn whole(path: &Path, max: u64) -> Result<Vec<u8>, Failure> {
    let read = fs::metadata(path).and_then(|found| match found.len() {
        length if length > max => Err(std::io::ErrorKind::FileTooLarge.into()),
        _ => fs::read(path),
    });
    read.map_err(|error| Failure::input(format_args!("{} cannot be read: {error}", shown_path(path))))
}

/// The .torrent file and the content.
fn write(sample: &Sample, dir: &Path) -> Result<(), Failure> {
    let put = |path: &Path, bytes: &[u8]| {
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        made.and_then(|()| fs::write(path, bytes)).map_err(|error| {
            Failure::storage(format_args!("{} cannot be written: {error}.", shown_path(path)))
        })
    };
    put(&dir.join("sample.torrent"), &sample.bytes)?;
    let files = sample.metainfo.layout.files().iter().filter(|file| !file.pad);
    files
        .into_iter()
        .try_for_each(|file| put(&dir.join(&file.path), &sample.file_bytes(file)))
}
