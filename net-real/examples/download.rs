//! Downloads a torrent: `cargo run --release --example download -- FILE.torrent FOLDER`.
use seedbed::engine::disk::Root;
use seedbed::engine::metainfo::Metainfo;
use seedbed::engine::{AddTorrent, Command, Purpose, Report};
use seedbed::{Client, Input, Options};
use std::{error::Error, ops::ControlFlow, sync::Arc};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (file, folder) = args
        .next()
        .zip(args.next())
        .ok_or("usage: download FILE.torrent FOLDER")?;
    let mut client = Client::new(Options::default())?;
    client.command(Command::Add(Box::new(AddTorrent::new(
        Arc::new(Metainfo::parse(&std::fs::read(file)?)?),
        Root(folder.into_bytes().into()),
        Purpose::Download,
    ))));
    let failure = client.run(|client, input| {
        match input {
            Input::Report(Report::PieceVerified { have, pieces, .. }) => eprintln!("{have} of {pieces}"),
            Input::Report(Report::Completed { .. }) => client.command(Command::Shutdown),
            Input::Report(Report::DiskFailed { error, .. }) => return ControlFlow::Break(error),
            _ => {}
        }
        ControlFlow::Continue(())
    });
    failure.map_or(Ok(()), |error| Err(error.text.into()))
}
