//! The command line: one file a subcommand, each with its arguments and its `run`.
//!
//! Results go to standard output, everything else to standard error. A subcommand returns its exit code, or a
//! [`Failure`] that says what to do; nothing below this file prints an error or ends the process.

mod args;
mod client;
mod console;
mod failure;
mod logging;
mod progress;
mod recording;
mod temp;
mod torrent_file;
mod transfer;
mod units;
mod values;

mod completions;
mod create;
mod demo;
mod download;
mod info;
mod journal;
mod magnet;
mod man;
mod probe;
mod replay;
mod seed;
mod select;
mod sim;
mod verify;
mod why;

use args::{Cli, Command};
use clap::{CommandFactory as _, Parser as _};
use console::Console;
use failure::Failure;
use std::process::ExitCode;

/// Parses the arguments, runs the subcommand, reports its failure.
pub(crate) fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refused(&error),
    };
    let console = Console::new(&cli.global);
    logging::start(cli.global.verbose, &console);
    match dispatch(cli.command, &console) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            console.failure(&failure);
            ExitCode::from(failure.exit)
        }
    }
}

fn dispatch(command: Command, console: &Console) -> Result<u8, Failure> {
    match command {
        Command::Download(args) => download::run(&args, console),
        Command::Seed(args) => seed::run(&args, console),
        Command::Create(args) => create::run(&args, console),
        Command::Info(args) => info::run(&args, console),
        Command::Verify(args) => verify::run(&args, console),
        Command::Magnet(args) => magnet::run(&args, console),
        Command::Probe(command) => probe::run(&command, console),
        Command::Demo(args) => demo::run(&args, console),
        Command::Replay(args) => replay::run(&args, console),
        Command::Journal(command) => journal::run(&command, console),
        Command::Sim(command) => sim::run(&command, console),
        Command::Completions(args) => completions::run(&args, console),
        Command::Man(args) => man::run(&args, console),
    }
}

/// Help and version are results; anything else that clap has to say is a usage error, in JSON if that was asked
/// for anywhere on the line.
fn refused(error: &clap::Error) -> ExitCode {
    let json = std::env::args_os()
        .take_while(|arg| arg != "--")
        .any(|arg| arg == "--json");
    if error.use_stderr() && json {
        let text = error.render().to_string();
        let text = text.trim_start_matches("error: ").trim_end();
        Console::json().failure(&Failure::usage(text));
    } else {
        // a closed pipe is nothing that could be told to anybody
        let _ = error.print();
    }
    ExitCode::from(if error.use_stderr() {
        failure::USAGE
    } else {
        failure::DONE
    })
}

/// The whole command line as clap knows it, for completions and manual pages.
fn command() -> clap::Command {
    Cli::command()
}

/// Refuses a folder of data that is not there: a mistake in its name should not look like lost data.
fn require_dir(dir: &std::path::Path) -> Result<(), Failure> {
    if dir.is_dir() {
        return Ok(());
    }
    Err(Failure::storage(format_args!(
        "The folder {} is not there: name the one that holds the data with -d.",
        console::shown_path(dir)
    )))
}
