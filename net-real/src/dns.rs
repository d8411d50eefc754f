//! Name lookups by the operating system's resolver, on threads of their own: it blocks for seconds.
//!
//! The resolver is the system's: it may send its questions over another interface than the one that sockets are bound
//! to. Whoever needs that closed has to bind the resolver as well.

use crate::pool::Pool;
use seedbed_engine::id::OpId;
use seedbed_engine::net::LookupError;
use std::io;
use std::mem;
use std::net::{IpAddr, ToSocketAddrs as _};
use std::sync::{Arc, Mutex, PoisonError};

/// Lookups at a time. A dead name server holds a thread for up to half a minute.
const THREADS: usize = 4;

/// Lookups that may be waiting; a torrent has a handful of trackers.
const WAITING_MAX: usize = 256;

/// Addresses of a name that are passed on; more are of no use.
const ADDRESSES_MAX: usize = 32;

/// The end of a lookup.
pub(crate) type Resolved = (OpId, Result<Vec<IpAddr>, LookupError>);

/// The resolver.
pub(crate) struct Dns {
    /// Started with the first lookup.
    pool: Option<Pool>,
    done: Arc<Mutex<Vec<Resolved>>>,
    notify: Arc<dyn Fn() + Send + Sync>,
    waiting: usize,
}

impl Dns {
    /// `notify` is called from other threads when [`collect`](Self::collect) has something to do.
    pub(crate) fn new(notify: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            pool: None,
            done: Arc::default(),
            notify: Arc::new(notify),
            waiting: 0,
        }
    }

    /// Begins a lookup.
    pub(crate) fn resolve(&mut self, op: OpId, host: String) {
        self.waiting += 1;
        if let Err(error) = self.try_resolve(op, host) {
            lock(&self.done).push((op, Err(LookupError(error.to_string()))));
            (self.notify)();
        }
    }

    fn try_resolve(&mut self, op: OpId, host: String) -> io::Result<()> {
        if self.waiting > WAITING_MAX {
            return Err(io::Error::other("too many name lookups at a time"));
        }
        let pool = match &mut self.pool {
            Some(pool) => pool,
            none => none.insert(Pool::new("dns", THREADS)?),
        };
        let (done, notify) = (Arc::clone(&self.done), Arc::clone(&self.notify));
        pool.run(move || {
            let result = look_up(&host);
            lock(&done).push((op, result));
            notify();
        });
        Ok(())
    }

    /// Takes the lookups that have ended.
    pub(crate) fn collect(&mut self) -> Vec<Resolved> {
        if self.waiting == 0 {
            return Vec::new();
        }
        let done = mem::take(&mut *lock(&self.done));
        self.waiting = self.waiting.saturating_sub(done.len());
        done
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        // Nobody waits for a dead name server at the end of a program.
        if let Some(pool) = self.pool.take() {
            pool.abandon();
        }
    }
}

fn lock(done: &Mutex<Vec<Resolved>>) -> std::sync::MutexGuard<'_, Vec<Resolved>> {
    done.lock().unwrap_or_else(PoisonError::into_inner)
}

fn look_up(host: &str) -> Result<Vec<IpAddr>, LookupError> {
    let addresses = (host, 0).to_socket_addrs().map_err(|error| {
        let text = error.to_string();
        let text = text
            .strip_prefix("failed to lookup address information: ")
            .unwrap_or(&text);
        LookupError(text.to_owned())
    })?;
    let mut all: Vec<IpAddr> = Vec::new();
    for ip in addresses.map(|addr| addr.ip().to_canonical()).take(ADDRESSES_MAX) {
        if !all.contains(&ip) {
            all.push(ip);
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn a_name_of_this_machine_is_found() {
        let (sender, receiver) = mpsc::channel();
        let mut dns = Dns::new(move || {
            let _ = sender.send(());
        });
        dns.resolve(OpId(7), "localhost".into());
        receiver.recv().unwrap();
        let done = dns.collect();
        assert_eq!(done[0].0, OpId(7));
        assert!(
            done[0].1.as_ref().unwrap().iter().all(IpAddr::is_loopback),
            "{done:?}"
        );
    }

    #[test]
    fn a_flood_of_names_is_refused() {
        let mut dns = Dns::new(|| {});
        for n in 0..2 * WAITING_MAX as u64 {
            dns.resolve(OpId(n), "localhost".into());
        }
        let refused = dns.collect().iter().filter(|(_, result)| result.is_err()).count();
        assert!(refused >= WAITING_MAX / 2, "{refused}");
    }
}
