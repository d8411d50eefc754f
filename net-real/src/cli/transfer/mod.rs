//! Torrents in flight: what `download` and `seed` share. Adds them, follows their reports, decides when it is
//! over, and says how it ended.

mod events;
mod explain;
mod goal;
mod metadata;
mod outcome;
mod received;

use super::args::TransferArgs;
use super::client::{INTERRUPT, WRITE_RECORDING};
use super::console::{Console, shown};
use super::failure::Failure;
use super::progress::{Figures, Progress};
use super::select::SelectArgs;
use super::torrent_file::Sought;
use goal::Goal;
use outcome::Ending;
use seedbed::{Client, Input};
use seedbed_engine::disk::Root;
use seedbed_engine::id::TorrentId;
use seedbed_engine::time::{Duration, Instant};
use seedbed_engine::{AddTorrent, Cause, Command, Purpose, Report, Status, TorrentState};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// How often a line of progress is printed with `--json`.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

/// What is to be done with the torrents.
pub(crate) struct Plan<'a> {
    pub(crate) args: &'a TransferArgs,
    pub(crate) purpose: Purpose,
    /// With [`Purpose::Metadata`]: the file that is written.
    pub(crate) metadata_out: Option<&'a Path>,
    pub(crate) dir: &'a Path,
    pub(crate) overwrite: bool,
    pub(crate) super_seed: bool,
    pub(crate) select: &'a SelectArgs,
}

/// Torrents in flight.
pub(crate) struct Transfers<'a> {
    console: &'a Console,
    plan: Plan<'a>,
    goal: Goal,
    torrents: Vec<Transfer>,
    /// Why the end has begun, once it has.
    ending: Option<Ending>,
    /// What nothing moved for, when it was given up: once it stops, there is no cause any more.
    cause: Option<String>,
    /// When something last moved, and how much had moved by then.
    moved: (Instant, u64),
    /// When the next line of progress is due.
    line_due: Instant,
}

/// One torrent.
struct Transfer {
    torrent: Sought,
    /// Its number, once the engine has taken it.
    id: Option<TorrentId>,
    /// Its figures, as they were seen last.
    status: Option<Status>,
    /// When everything wanted was there for the first time.
    complete_at: Option<Instant>,
    /// With `--metadata-only`: the .torrent file that was written.
    written: Option<PathBuf>,
    /// Whether nothing is left to do for it.
    done: bool,
    /// What it did last, before it was told to stop.
    state: Option<TorrentState>,
    /// Why it cannot go on.
    failure: Option<Failure>,
    /// What `--why` told of it.
    explained: explain::Explained,
    /// Why it did not get on when the end began, unless it was done.
    last_causes: Vec<Cause>,
}

impl<'a> Transfers<'a> {
    pub(crate) fn new(console: &'a Console, plan: Plan<'a>, torrents: Vec<Sought>) -> Self {
        let goal = Goal::new(plan.args, plan.purpose);
        let transfer = |torrent| Transfer {
            torrent,
            id: None,
            status: None,
            complete_at: None,
            written: None,
            done: false,
            state: None,
            failure: None,
            explained: explain::Explained::default(),
            last_causes: Vec::new(),
        };
        Self {
            console,
            plan,
            goal,
            torrents: torrents.into_iter().map(transfer).collect(),
            ending: None,
            cause: None,
            moved: (Instant::START, 0),
            line_due: Instant::START,
        }
    }

    /// Runs until all is done, given up or interrupted. Returns the exit code; failures are printed here, before
    /// the last lines, which say how each torrent ended.
    pub(crate) fn run(mut self, client: &mut Client) -> Result<u8, Failure> {
        let began = client.now();
        self.moved.0 = began;
        let root = root(self.plan.dir)?;
        for transfer in &self.torrents {
            client.command(Command::Add(Box::new(self.request(&transfer.torrent, &root)?)));
        }
        let mut progress = Progress::start(self.console);
        let broken = client.run(|client, input| match self.step(client, input, &mut progress) {
            Ok(()) => ControlFlow::Continue(()),
            Err(failure) => ControlFlow::Break(failure),
        });
        drop(progress);
        match broken {
            Some(failure) => Err(failure),
            None => self.report_end(client.now().since(began)),
        }
    }

    fn request(&self, torrent: &Sought, root: &Root) -> Result<AddTorrent, Failure> {
        Ok(AddTorrent {
            peers: self.plan.args.peer.clone(),
            use_trackers: !self.plan.args.no_trackers,
            overwrite: self.plan.overwrite,
            super_seed: self.plan.super_seed,
            priorities: self.plan.select.priorities(torrent)?,
            waits_for_choice: self.plan.select.chooses() && torrent.metainfo.is_none(),
            sequential: self.plan.select.sequential,
            ..AddTorrent::new(torrent.source.clone(), root.clone(), self.plan.purpose)
        })
    }

    /// Takes one input. Fails only when standard output does.
    fn step(&mut self, client: &Client, input: Input, progress: &mut Progress<'_>) -> Result<(), Failure> {
        match input {
            Input::Report(report) => self.report(client, report)?,
            Input::Wake => {
                self.refresh(client);
                let figures = self.figures();
                progress.update(&figures);
                self.progress_line(client.now(), &figures)?;
                self.explain(client)?;
            }
            Input::Notified(INTERRUPT) => {
                self.console.note("Stopping; once more ends it at once.");
                self.end(client, Ending::Interrupted);
            }
            Input::Notified(WRITE_RECORDING) => self.plan.args.recording.write(client, self.console),
            Input::Notified(_) => {}
        }
        self.judge(client);
        Ok(())
    }

    fn report(&mut self, client: &Client, report: Report) -> Result<(), Failure> {
        if let Report::Metadata {
            torrent, metainfo, ..
        } = &report
            && self.plan.purpose == Purpose::Metadata
        {
            let written = metadata::write(metainfo, self.plan.metadata_out, self.plan.dir)?;
            if let Some(transfer) = self.find(*torrent) {
                transfer.written = Some(written);
            }
        }
        self.note_report(&report);
        self.show(client.now(), &report)?;
        if let Report::Metadata { torrent, .. } = report {
            self.choose(client, torrent);
        }
        if matches!(
            report,
            Report::Completed { .. } | Report::State { .. } | Report::Removed { .. }
        ) {
            self.refresh(client);
        }
        Ok(())
    }

    /// The files of a link are known: says which of them are wanted, if that was said of them before.
    fn choose(&mut self, client: &Client, id: TorrentId) {
        let select = self.plan.select;
        let Some(transfer) = self.find(id).filter(|_| select.chooses()) else {
            return;
        };
        match select.priorities(&transfer.torrent) {
            Ok(priorities) => client.command(Command::SetPriorities(id, priorities)),
            Err(failure) => {
                transfer.failure = Some(failure);
                client.command(Command::Remove(id));
            }
        }
    }

    /// Keeps what a report means for the end.
    fn note_report(&mut self, report: &Report) {
        match report {
            Report::Added {
                torrent, info_hash, ..
            } => {
                let waiting = self
                    .torrents
                    .iter_mut()
                    .find(|transfer| transfer.id.is_none() && transfer.torrent.info_hash() == *info_hash);
                if let Some(transfer) = waiting {
                    transfer.id = Some(*torrent);
                }
            }
            Report::Metadata {
                torrent, metainfo, ..
            } => {
                let only = self.plan.purpose == Purpose::Metadata;
                if let Some(transfer) = self.find(*torrent) {
                    transfer.torrent.metainfo = Some(metainfo.clone());
                    transfer.done |= only;
                }
            }
            Report::Rejected { command, why } if *command == "add" => {
                // commands are answered in their order
                let waiting = self.torrents.iter_mut().find(|transfer| transfer.is_waiting());
                if let Some(transfer) = waiting {
                    transfer.failure = Some(Failure::other(shown(why)));
                }
            }
            Report::Checked {
                torrent, have, bad, ..
            } => {
                let nothing_to_serve = *have == 0 && self.plan.purpose == Purpose::Seed;
                if let Some(transfer) = self.find(*torrent).filter(|_| nothing_to_serve) {
                    transfer.failure = Some(transfer.nothing_to_serve(bad.is_empty()));
                }
            }
            Report::State { torrent, state } => {
                if let Some(transfer) = self.find(*torrent) {
                    transfer.note_state(state);
                }
            }
            // what was verified may not last, or the state of a run that goes on later is not saved
            Report::DiskFailed { torrent, error, .. } if self.ending.is_some() => {
                if let Some(transfer) = self.find(*torrent) {
                    transfer.failure.get_or_insert_with(|| {
                        Failure::storage(format_args!("Storage failed at the end: {error}."))
                    });
                }
            }
            _ => {}
        }
    }

    /// Reads the figures of all torrents.
    fn refresh(&mut self, client: &Client) {
        let (engine, now) = (client.engine(), client.now());
        for transfer in &mut self.torrents {
            let Some(view) = transfer.id.and_then(|id| engine.torrent(id)) else {
                continue;
            };
            let status = view.status(now);
            let complete = status.verified >= status.wanted;
            let counts = complete && status.state == TorrentState::Seeding;
            if (counts || self.plan.purpose == Purpose::Seed && status.state == TorrentState::Seeding)
                && transfer.complete_at.is_none()
            {
                transfer.complete_at = Some(now);
            }
            transfer.status = Some(status);
        }
    }

    /// Decides whether a torrent is done, whether all are, and whether to give up.
    fn judge(&mut self, client: &Client) {
        let now = client.now();
        for transfer in &mut self.torrents {
            transfer.done |= transfer.failure.is_some() || self.goal.reached(transfer, now);
        }
        if self.torrents.iter().all(|transfer| transfer.done) {
            return self.end(client, Ending::Done);
        }
        let moved = self
            .torrents
            .iter()
            .map(|transfer| self.goal.moved(transfer))
            .sum();
        if moved != self.moved.1 {
            self.moved = (now, moved);
        } else if self
            .plan
            .args
            .stop_timeout
            .is_some_and(|limit| now.since(self.moved.0) >= limit)
        {
            self.end(client, Ending::GaveUp);
        }
    }

    fn end(&mut self, client: &Client, ending: Ending) {
        if self.ending.is_none() {
            self.ending = Some(ending);
            self.keep_causes(client);
            client.command(Command::Shutdown);
        }
    }

    fn find(&mut self, id: TorrentId) -> Option<&mut Transfer> {
        self.torrents.iter_mut().find(|transfer| transfer.id == Some(id))
    }

    /// The figures of all torrents together.
    fn figures(&self) -> Figures {
        let statuses = || {
            self.torrents
                .iter()
                .filter_map(|transfer| transfer.status.as_ref())
        };
        let active = self.torrents.iter().filter(|transfer| !transfer.done).count();
        let first = self.torrents.iter().find(|transfer| !transfer.done);
        let what = match first.and_then(|transfer| transfer.status.as_ref()) {
            Some(status) if active == 1 => events::state_word(&status.state).to_owned(),
            _ => format!("{} torrents", self.torrents.len()),
        };
        let uploaded = || statuses().map(|status| status.uploaded).sum();
        let serving = statuses().all(|status| status.state == TorrentState::Seeding);
        Figures {
            what,
            sent: serving.then(uploaded),
            done: statuses().map(done).sum(),
            total: statuses().map(|status| status.wanted).sum(),
            rate: statuses().map(|status| status.rate_down).sum(),
            rate_up: Some(statuses().map(|status| status.rate_up).sum()),
            peers: Some(statuses().map(|status| status.peers).sum()),
            stalled: statuses().find_map(|status| status.stalled.as_deref()).map(shown),
        }
    }
}

/// Bytes done: hashed ones while checking, else verified ones.
fn done(status: &Status) -> u64 {
    if status.state == TorrentState::Checking && status.pieces > 0 {
        let part = u128::from(status.wanted) * u128::from(status.pieces_checked) / u128::from(status.pieces);
        return u64::try_from(part).unwrap_or(u64::MAX);
    }
    status.verified
}

impl Transfer {
    /// Whether the engine has neither taken nor refused it yet.
    fn is_waiting(&self) -> bool {
        self.id.is_none() && self.failure.is_none()
    }

    /// A state that only the user can end is a failure.
    fn note_state(&mut self, state: &TorrentState) {
        if *state != TorrentState::Stopping {
            self.state = Some(state.clone());
        }
        match state {
            // no link leads out of that
            TorrentState::Failed { text } if self.torrent.metainfo.is_none() => {
                self.failure = Some(Failure::input(format_args!(
                    "{}: {}.",
                    self.torrent.name(),
                    shown(text)
                )));
            }
            TorrentState::Failed { text } => self.failure = Some(Failure::storage(shown(text))),
            TorrentState::DiskFailed {
                error,
                retry_at: None,
            } => {
                self.failure = Some(Failure::storage(format_args!("Storage failed: {error}.")));
            }
            _ => {}
        }
    }

    fn nothing_to_serve(&self, missing: bool) -> Failure {
        let name = self.torrent.name();
        if missing {
            return Failure::storage(format_args!(
                "Nothing of {name} is there to serve: name the folder that holds it with -d."
            ));
        }
        Failure {
            exit: super::failure::MISMATCH,
            text: format!("What is there of {name} matches in no piece: it is other data, or damaged."),
        }
    }
}

/// A folder of this machine in the engine's form: absolute, so that a later change of the working folder, or a
/// resume state read elsewhere, means the same place.
pub(crate) fn root(dir: &Path) -> Result<Root, Failure> {
    let absolute = std::path::absolute(dir).map_err(|error| {
        Failure::storage(format_args!(
            "{} is no usable folder: {error}.",
            super::console::shown_path(dir)
        ))
    })?;
    Ok(Root(absolute.as_os_str().as_encoded_bytes().into()))
}
