//! `seedbed replay`: feeds a recorded run to the engine, and holds every action against what was done.

mod explain;
mod file;
mod moment;
mod picture;
mod timeline;

pub(crate) use file::{Recording, guarded};
pub(crate) use picture::write_page;

use super::console::Console;
use super::failure::{DONE, Failure, MISMATCH};
use super::values;
use clap::Args;
use seedbed_engine::journal::{Journal, Mismatch};
use seedbed_engine::time::{Duration, Instant};
use seedbed_sim::journal::{Picture, Player, action_words, event_words};
use serde_json::{Value, json};
use std::path::PathBuf;
use timeline::Timeline;

const EXAMPLES: &str = "\
Examples:
  seedbed download album.torrent --record run.journal
  seedbed replay run.journal
  seedbed replay run.journal --timeline
  seedbed replay run.journal --at 1m30s --why
  seedbed replay run.journal --html run.html
  seedbed replay run.journal --explain peer:p3

Exits with 6 when the engine does something else than it did, with 3 when the
file is no journal or a damaged one.";

/// Arguments of `replay`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ReplayArgs {
    /// A file that --record wrote; - is standard input
    #[arg(value_name = "JOURNAL")]
    journal: PathBuf,
    /// Print everything that happened, a line an event; like lines are folded into one
    #[arg(long)]
    timeline: bool,
    /// Show the torrents, their peers and their trackers as they were at this time, such as 90s or 1m30s
    #[arg(long, value_name = "T", value_parser = values::duration)]
    at: Option<Duration>,
    /// With --at: tell why each torrent did not get on at that time, every cause with its next step
    #[arg(long, requires = "at")]
    why: bool,
    /// Write one page that shows the run: rates, trackers, a lane a peer, pieces. It opens in any browser, without network
    #[arg(long, value_name = "OUT", conflicts_with = "at")]
    html: Option<PathBuf>,
    /// Tell everything that was done about one piece or one peer, with the reasons: piece:12, peer:p3, peer:192.0.2.7:6881
    #[arg(long, value_name = "WHAT", value_parser = explain::subject, conflicts_with_all = ["at", "html", "timeline"])]
    explain: Option<explain::Subject>,
}

/// What a replay came to.
pub(super) struct Verdict {
    steps: u64,
    first: Option<Difference>,
    digest: u64,
}

/// The first step at which the engine does something else.
struct Difference {
    step: u64,
    at: Instant,
    event: String,
    mismatch: Mismatch,
    actions: Vec<String>,
}

pub(crate) fn run(args: &ReplayArgs, console: &Console) -> Result<u8, Failure> {
    let recording = Recording::read(&args.journal)?;
    let journal = recording.journal()?;
    if let Some(at) = args.at {
        return moment::show(&recording, &journal, Instant::START + at, args.why, console);
    }
    if let Some(subject) = &args.explain {
        return explain::show(&recording, &journal, subject, console);
    }
    let mut timeline = Timeline::new(args.timeline);
    let mut picture = args.html.as_ref().map(|_| Picture::new(&journal));
    let verdict = file::guarded(&recording, || play(&journal, &mut timeline, picture.as_mut()))?;
    if let (Some(out), Some(picture)) = (&args.html, picture) {
        write_page(out, &picture.into_page(), console)?;
    }
    if args.timeline {
        timeline.print(console)?;
    }
    console.value(&verdict.json(&journal))?;
    verdict.print(&recording, &journal, &timeline, console)?;
    let sound = verdict.first.is_none() && journal.is_whole();
    Ok(if sound { DONE } else { MISMATCH })
}

/// Plays a journal up to the first difference, or to its end.
fn play(journal: &Journal<'_>, timeline: &mut Timeline, mut picture: Option<&mut Picture>) -> Verdict {
    let mut player = Player::new(journal);
    let mut verdict = Verdict {
        steps: 0,
        first: None,
        digest: 0,
    };
    while let Some(seen) = player.step() {
        verdict.steps += 1;
        timeline.add(seen.lines());
        if let Some(picture) = &mut picture {
            picture.step(&seen);
        }
        let played = &seen.played;
        if let Some(mismatch) = played.mismatch {
            verdict.first = Some(Difference {
                step: played.step.number,
                at: played.step.at,
                event: event_words(seen.cast, &played.step.event),
                mismatch,
                actions: played
                    .actions
                    .iter()
                    .map(|action| action_words(seen.cast, action))
                    .collect(),
            });
            break;
        }
    }
    if verdict.first.is_none()
        && let Some(mismatch) = player.mismatch_at_end()
    {
        verdict.first = Some(Difference {
            step: verdict.steps,
            at: journal.duration(),
            event: "the end".into(),
            mismatch,
            actions: Vec::new(),
        });
    }
    verdict.digest = player.engine().digest();
    timeline.end(player.cast().legend());
    verdict
}

impl Verdict {
    fn json(&self, journal: &Journal<'_>) -> Value {
        json!({
            "steps": journal.steps_count(),
            "matched": self.first.as_ref().map_or(self.steps, |first| first.step - 1),
            "first_mismatch": self.first.as_ref().map(Difference::json),
            "whole": journal.is_whole(),
            "seconds": journal.duration().as_micros() as f64 / 1e6,
            "engine": journal.header().engine,
            "commit": journal.header().commit,
            "digest": format!("{:016x}", self.digest),
        })
    }

    fn print(
        &self,
        recording: &Recording,
        journal: &Journal<'_>,
        timeline: &Timeline,
        console: &Console,
    ) -> Result<(), Failure> {
        let name = recording.name();
        if let Some(first) = &self.first {
            for line in first.lines(journal, timeline) {
                console.line(line)?;
            }
            return console.line(format!(
                "{name}: {} of {} steps matched",
                first.step - 1,
                journal.steps_count()
            ));
        }
        if !journal.is_whole() {
            return console.line(format!(
                "{name}: the end is missing: the run was killed, or the file was cut. All {} steps that are there match, \
                 the last at {} s",
                self.steps,
                journal.duration()
            ));
        }
        console.line(format!(
            "{name}: all {} steps match, {} s, digest {:016x}",
            self.steps,
            journal.duration(),
            self.digest
        ))
    }
}

/// Actions of the step at fault that are shown.
const ACTIONS_SHOWN: usize = 30;

impl Difference {
    fn json(&self) -> Value {
        let (what, recorded, now) = match self.mismatch {
            Mismatch::Actions { recorded, now } => {
                ("actions", format!("{recorded:08x}"), format!("{now:08x}"))
            }
            Mismatch::Engine { recorded, now } => {
                ("engine", format!("{recorded:016x}"), format!("{now:016x}"))
            }
        };
        json!({
            "step": self.step, "seconds": self.at.as_micros() as f64 / 1e6, "event": self.event,
            "what": what, "recorded": recorded, "now": now, "actions": self.actions,
        })
    }

    /// A block that tells where it is, what led there, and what the engine does now.
    fn lines(&self, journal: &Journal<'_>, timeline: &Timeline) -> Vec<String> {
        let mut lines = timeline.last();
        lines.push(format!("step {} at {} s: {}", self.step, self.at, self.event));
        lines.push(match self.mismatch {
            Mismatch::Actions { recorded, now } => {
                format!("the engine does something else: actions {now:08x}, recorded {recorded:08x}. Now it does:")
            }
            Mismatch::Engine { recorded, now } => {
                format!("the actions are the same, the engine is another one: {now:016x}, recorded {recorded:016x}")
            }
        });
        lines.extend(
            self.actions
                .iter()
                .take(ACTIONS_SHOWN)
                .map(|action| format!("  {action}")),
        );
        if self.actions.len() > ACTIONS_SHOWN {
            lines.push(format!("  and {} more", self.actions.len() - ACTIONS_SHOWN));
        }
        let (engine, commit) = (&journal.header().engine, &journal.header().commit);
        lines.push(format!(
            "It was recorded by seedbed {engine}, commit {commit}; this is {}, commit {}.",
            env!("CARGO_PKG_VERSION"),
            seedbed::COMMIT
        ));
        lines
    }
}
