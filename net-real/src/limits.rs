//! How many descriptors this process may have open, and who gets how many.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Kept back for the state file, logs, folders being walked through, listeners and the reactor.
const RESERVE: u64 = 16;

/// More than any use of this program needs; some systems say "unlimited".
const DESCRIPTORS_MAX: u64 = 65_536;

/// The shares of the descriptors.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shares {
    /// What the process may have open.
    pub total: u64,
    /// Files of torrents at a time.
    pub files: usize,
    /// Connections to peers at a time.
    pub peers: usize,
    /// Sockets for datagrams at a time.
    pub datagrams: usize,
}

/// Raises the soft limit to the hard one where that is allowed, and tells the result.
pub(crate) fn raise() -> Shares {
    let mut limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.unwrap_or(DESCRIPTORS_MAX).min(DESCRIPTORS_MAX);
    if limit.current.is_some_and(|current| current < wanted) {
        let raised = Rlimit {
            current: Some(wanted),
            maximum: limit.maximum,
        };
        if setrlimit(Resource::Nofile, raised).is_ok() {
            limit = raised;
        }
    }
    shares(limit.current.unwrap_or(DESCRIPTORS_MAX).min(DESCRIPTORS_MAX))
}

/// Splits a limit so that nobody can use up what another needs: with 64 a download still ends and saves its state.
fn shares(total: u64) -> Shares {
    let free = total.saturating_sub(RESERVE).max(12);
    // An open file is a convenience from a few on, a connection is not; 256 files are as good as 5,000.
    let files = (free / 4).clamp(4, 256);
    let datagrams = (free / 16).clamp(2, 32);
    // Trackers and lookups have sockets of their own beside the peers.
    let trackers = (free / 8).clamp(2, 64);
    let peers = free.saturating_sub(files + datagrams + trackers).max(4);
    Shares {
        total,
        files: to_usize(files),
        peers: to_usize(peers),
        datagrams: to_usize(datagrams),
    }
}

fn to_usize(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_gets_everything() {
        for total in [64, 256, 1024, 65_536] {
            let shares = shares(total);
            let sum = (shares.files + shares.peers + shares.datagrams) as u64;
            assert!(sum + RESERVE <= total, "{shares:?}");
        }
        assert!(shares(64).peers >= 20, "{:?}", shares(64));
        assert!(shares(8).peers >= 4, "{:?}", shares(8));
    }
}
