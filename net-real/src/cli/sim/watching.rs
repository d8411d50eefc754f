//! How closely a world is looked at: arguments that the commands have in common that run worlds.

use clap::Args;
use seedbed_sim::run::Options;

/// What is looked at, and what is planted.
#[derive(Args)]
pub(crate) struct Watching {
    /// Look into the books of each engine after every N-th of its events [default: 256]. With 1, a breach is told where it
    /// happens; worlds take several times as long
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    audit_every: Option<u64>,
    /// Plant a bug, to see that it is found
    #[arg(long, hide = true)]
    canary: bool,
}

impl Watching {
    pub(crate) fn options(&self) -> Options {
        Options {
            canary: self.canary,
            audited: self.audit_every,
            ..Options::default()
        }
    }
}

/// What has to stand behind `seedbed sim run` for these options, with a blank before it.
pub(crate) fn arguments(options: &Options) -> String {
    let canary = if options.canary { " --canary" } else { "" };
    let audited = options
        .audited
        .map_or_else(String::new, |every| format!(" --audit-every {every}"));
    format!("{canary}{audited}")
}
