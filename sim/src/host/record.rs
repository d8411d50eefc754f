//! The journals of a host: one for each of its processes, as a driver of real sockets writes them.

use super::EngineHost;
use seedbed_engine::Engine;
use seedbed_engine::journal::{Header, Writer};
use seedbed_engine::rng::Seeds;

/// Journals of a host, while they are kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Journals {
    /// Those of processes that are gone: without an end, since nobody could write it.
    past: Vec<Vec<u8>>,
    /// That of the process which runs.
    pub(super) writer: Option<Writer>,
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
        let mut all = journals.past.clone();
        if let (Some(writer), Some(engine)) = (&journals.writer, &self.engine) {
            let mut writer = writer.clone();
            writer.finish(engine);
            all.push(writer.ready().to_vec());
        }
        all
    }

    /// A process begins.
    pub(super) fn begin_journal(&mut self, seed: [u8; 32]) {
        if let Some(journals) = &mut self.journals {
            let header = Header::new(self.config.clone(), &Seeds::Root(seed), "unknown", &self.name);
            journals.writer = Some(Writer::new(&header));
        }
    }

    /// The process is gone.
    pub(super) fn end_journal(&mut self) {
        if let Some(journals) = &mut self.journals
            && let Some(writer) = journals.writer.take()
        {
            journals.past.push(writer.ready().to_vec());
        }
    }

    /// The writer of the process that runs, and its engine.
    pub(super) fn journal(&mut self) -> Option<(&mut Writer, &Engine)> {
        let writer = self.journals.as_mut()?.writer.as_mut()?;
        Some((writer, self.engine.as_ref()?))
    }
}
