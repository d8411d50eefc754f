//! The journals of a host: one for each of its processes, as a driver of real sockets writes them.

use super::EngineHost;
use seedbed_engine::journal::{Header, Writer};
use seedbed_engine::rng::Seeds;
use seedbed_engine::time::Instant;
use seedbed_engine::{Action, Event};

/// Steps of a process after which one more journal begins, in the middle of the run.
const RESUMED_AT: [u64; 3] = [64, 512, 4096];

/// Journals of a host, while they are kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Journals {
    /// Those of processes that are gone: without an end, since nobody could write it.
    past: Vec<Vec<u8>>,
    /// That of the process which runs.
    writer: Option<Writer>,
    /// Those of it that began later, with the state of the engine.
    resumed: Vec<Writer>,
    /// The same of processes that are gone.
    past_resumed: Vec<Vec<u8>>,
}

impl Journals {
    fn writers(&mut self) -> impl Iterator<Item = &mut Writer> {
        self.writer.iter_mut().chain(&mut self.resumed)
    }
}

impl EngineHost {
    /// Keeps a journal of each process from now on. To be set before the world begins.
    pub fn keep_journals(&mut self) {
        self.journals = Some(Journals::default());
    }

    /// The journals so far, in the order of the processes.
    pub fn journals(&self) -> Vec<Vec<u8>> {
        let Some(journals) = &self.journals else {
            return Vec::new();
        };
        let running = journals.writer.iter();
        journals
            .past
            .iter()
            .cloned()
            .chain(self.finished(running))
            .collect()
    }

    /// The journals that began in the middle of a run.
    pub fn resumed_journals(&self) -> Vec<Vec<u8>> {
        let Some(journals) = &self.journals else {
            return Vec::new();
        };
        let running = journals.resumed.iter();
        let past = journals.past_resumed.iter().cloned();
        past.chain(self.finished(running)).collect()
    }

    fn finished<'a>(
        &'a self,
        running: impl Iterator<Item = &'a Writer> + 'a,
    ) -> impl Iterator<Item = Vec<u8>> + 'a {
        running
            .zip(std::iter::repeat(self.engine.as_ref()))
            .filter_map(|(writer, engine)| {
                let mut writer = writer.clone();
                writer.finish(engine?);
                Some(writer.ready().to_vec())
            })
    }

    /// A process begins.
    pub(super) fn begin_journal(&mut self, seed: [u8; 32]) {
        if let Some(journals) = &mut self.journals {
            let header = Header::new(self.config.clone(), &Seeds::Root(seed), "unknown", &self.name);
            journals.writer = Some(Writer::new(&header));
            journals.resumed.clear();
        }
    }

    /// The process is gone.
    pub(super) fn end_journal(&mut self) {
        if let Some(journals) = &mut self.journals
            && let Some(writer) = journals.writer.take()
        {
            journals.past.push(writer.ready().to_vec());
            let resumed = journals.resumed.drain(..);
            let resumed = resumed.map(|writer| writer.ready().to_vec());
            journals.past_resumed.extend(resumed);
        }
    }

    /// The engine has handled an event.
    pub(super) fn journal_event(&mut self, now: Instant, event: &Event<'_>) {
        if let (Some(journals), Some(engine)) = (&mut self.journals, &self.engine) {
            journals
                .writers()
                .for_each(|writer| writer.event(now, event, engine));
        }
    }

    /// The engine asked for something.
    pub(super) fn journal_action(&mut self, action: &Action) {
        if let Some(journals) = &mut self.journals {
            journals.writers().for_each(|writer| writer.action(action));
        }
    }

    /// All that the engine asked for was done: a journal that begins here may begin.
    pub(super) fn journal_between(&mut self) {
        let (Some(journals), Some(engine)) = (&mut self.journals, &self.engine) else {
            return;
        };
        let steps = journals.writer.as_ref().map(Writer::steps);
        if steps.is_some_and(|steps| RESUMED_AT.contains(&steps)) {
            let header = Header::new(self.config.clone(), engine.seeds(), "unknown", &self.name);
            journals.resumed.push(Writer::resumed(&header, engine));
        }
    }
}
