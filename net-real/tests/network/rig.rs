//! Clients on loopback whose every event and action is checked and kept.

use seedbed::engine::disk::DiskJob;
use seedbed::engine::id::ConnId;
use seedbed::engine::net::CloseCause;
use seedbed::engine::time::Instant;
use seedbed::engine::{Action, Command, Engine, Event, Report};
use seedbed::{Client, Input, Observer, Options};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::ops::ControlFlow;
use std::path::Path;
use std::rc::Rc;

/// What an observer saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) closed: Vec<CloseCause>,
    pub(crate) datagram_errors: Vec<seedbed::engine::net::DatagramFault>,
    pub(crate) received: u64,
    pub(crate) hash_jobs: u32,
    last: Instant,
    credit: BTreeMap<ConnId, u64>,
    over: BTreeMap<ConnId, &'static str>,
}

/// Checks what the adapter promises: time never goes back, no byte without credit, nothing after the end.
struct Checker(Rc<RefCell<Seen>>);

impl Observer for Checker {
    fn event(&mut self, now: Instant, event: &Event<'_>, _: &Engine) {
        let seen = &mut *self.0.borrow_mut();
        assert!(now >= seen.last, "time went back");
        seen.last = now;
        let conn = match event {
            Event::Accepted { conn, .. } | Event::Connected { conn } | Event::Sent { conn, .. } => {
                Some(*conn)
            }
            Event::Received { conn, data } => {
                let credit = seen.credit.entry(*conn).or_default();
                assert!(
                    data.len() as u64 <= *credit,
                    "{conn}: read {} with a credit of {credit}",
                    data.len()
                );
                *credit -= data.len() as u64;
                seen.received += data.len() as u64;
                Some(*conn)
            }
            Event::Closed { conn, cause } => {
                seen.closed.push(cause.clone());
                Some(*conn)
            }
            Event::DatagramError { fault, .. } => {
                seen.datagram_errors.push(*fault);
                None
            }
            _ => None,
        };
        if let Some(conn) = conn {
            let over = seen.over.get(&conn);
            assert!(over.is_none(), "{conn}: {event:?} after it was {over:?}");
        }
        if let Event::Closed { conn, .. } = event {
            seen.over.insert(*conn, "closed by itself");
        }
    }

    fn action(&mut self, _: Instant, action: &Action) {
        let seen = &mut *self.0.borrow_mut();
        match action {
            Action::Read { conn, budget } => *seen.credit.entry(*conn).or_default() += u64::from(*budget),
            Action::Hold { conn } => {
                seen.credit.insert(*conn, 0);
            }
            Action::Close { conn, .. } => {
                seen.over.insert(*conn, "closed by the engine");
            }
            Action::Disk {
                job: DiskJob::Hash { .. },
                ..
            } => seen.hash_jobs += 1,
            _ => {}
        }
    }
}

/// Options that touch nothing but loopback and a temporary folder.
pub(crate) fn options(state: &Path) -> Options {
    Options {
        bind: Some(Ipv4Addr::LOCALHOST.into()),
        state_dir: state.to_owned(),
        ..Options::default()
    }
}

/// A checked client.
pub(crate) fn client(options: Options) -> (Client, Rc<RefCell<Seen>>) {
    let mut client = Client::new(options).unwrap();
    let seen = Rc::new(RefCell::new(Seen::default()));
    client.observe(Box::new(Checker(Rc::clone(&seen))));
    (client, seen)
}

/// Runs a command until `pick` finds what it waits for in a report.
pub(crate) fn ask<T>(client: &mut Client, command: Command, mut pick: impl FnMut(&Report) -> Option<T>) -> T {
    client.command(command);
    let started = std::time::Instant::now();
    let picked = client.run(|_, input| {
        assert!(started.elapsed().as_secs() < 60, "no answer");
        match input {
            Input::Report(report) => pick(&report).map_or(ControlFlow::Continue(()), ControlFlow::Break),
            _ => ControlFlow::Continue(()),
        }
    });
    picked.expect("the engine shut down")
}
