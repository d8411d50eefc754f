//! A connection's task over loopback. The engine knows nothing of these connections and ignores what it hears of
//! them; an observer sees it.

use super::*;
use crate::clock::Clock;
use crate::dns::Dns;
use crate::driver::{Alarm, Parts};
use crate::sockets::Sockets;
use crate::storage::{Storage, StorageOptions};
use crate::tls::Tls;
use crate::udp::Udp;
use crate::{Observer, Preallocate};
use seedbed_engine::block::Block;
use seedbed_engine::time::Instant;
use seedbed_engine::{Action, Config, Engine};
use smol::LocalExecutor;
use std::io::{Read as _, Write as _};
use std::net::Ipv4Addr;
use std::sync::Arc;

#[derive(Default, Debug)]
struct Seen {
    received: Vec<u8>,
    reads: usize,
    sent: u64,
    sents: usize,
    closed: Vec<CloseCause>,
}

struct Watch(Rc<RefCell<Seen>>);

impl Observer for Watch {
    fn event(&mut self, _: Instant, event: &Event<'_>, _: &Engine) {
        let seen = &mut *self.0.borrow_mut();
        match event {
            Event::Received { data, .. } => {
                seen.received.extend_from_slice(data);
                seen.reads += 1;
            }
            Event::Sent { bytes, .. } => {
                seen.sent += bytes;
                seen.sents += 1;
            }
            Event::Closed { cause, .. } => seen.closed.push(cause.clone()),
            _ => {}
        }
    }

    fn action(&mut self, _: Instant, _: &Action) {}
}

struct Rig {
    executor: Rc<LocalExecutor<'static>>,
    driver: Rc<Driver>,
    seen: Rc<RefCell<Seen>>,
}

impl Rig {
    fn new() -> Self {
        let executor = Rc::new(LocalExecutor::new());
        let options = StorageOptions {
            threads: 1,
            memory_ceiling: 1 << 20,
            read_cache: 1 << 20,
            preallocate: Preallocate::None,
            state_dir: "unused".into(),
            files_max: 1,
        };
        let parts = Parts {
            engine: Engine::new(Config::default(), [0; 32]),
            sockets: Sockets::new(Some(Ipv4Addr::LOCALHOST.into()), None),
            tls: Tls::new(&[]).unwrap(),
            storage: Storage::new(options, || {}).unwrap(),
            dns: Dns::new(|| {}),
            udp: Udp::new(1),
            clock: Clock::start(),
            alarm: Arc::new(Alarm::default()),
        };
        let driver = Driver::new(parts, &executor);
        let seen = Rc::new(RefCell::new(Seen::default()));
        driver.core.borrow_mut().observer = Some(Box::new(Watch(Rc::clone(&seen))));
        Self {
            executor,
            driver,
            seen,
        }
    }

    /// A served connection, the task that serves it, and its other end.
    fn connect(&self) -> (Rc<Conn>, smol::Task<()>, TcpStream) {
        let listener = self.driver.sockets.listen(0).unwrap().remove(0);
        let theirs = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        listener.set_nonblocking(false).unwrap();
        let ours = Async::new(listener.accept().unwrap().0).unwrap();
        let conn = Conn::new(ConnId::accepted(1));
        self.driver.adopt(&conn);
        let task = self.executor.spawn(serve(
            Rc::clone(&self.driver),
            Rc::clone(&conn),
            Stream::Plain(ours),
        ));
        (conn, task, theirs)
    }

    /// Runs until `done`, or 10 s have passed.
    fn run_until(&self, mut done: impl FnMut(&Seen) -> bool) {
        let started = std::time::Instant::now();
        async_io::block_on(self.executor.run(async {
            while !done(&self.seen.borrow()) {
                assert!(
                    started.elapsed().as_secs() < 10,
                    "{:?}",
                    self.seen.borrow().closed
                );
                Timer::after(Duration::from_millis(1)).await;
            }
        }));
    }

    fn run_for(&self, millis: u64) {
        async_io::block_on(self.executor.run(async {
            Timer::after(Duration::from_millis(millis)).await;
        }));
    }

    fn finish(&self, task: smol::Task<()>) {
        async_io::block_on(self.executor.run(task));
    }
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n * 13 + n / 256) as u8).collect()
}

#[test]
fn nothing_is_read_without_credit_and_never_more_than_it() {
    let rig = Rig::new();
    let (conn, _task, mut theirs) = rig.connect();
    let bytes = pattern(100_000);
    theirs.write_all(&bytes).unwrap();
    rig.run_for(30);
    assert!(rig.seen.borrow().received.is_empty());
    conn.allow(10);
    conn.allow(5);
    rig.run_until(|seen| !seen.received.is_empty());
    rig.run_for(30);
    assert_eq!(rig.seen.borrow().received, bytes[..15], "budgets add up");
    conn.allow(1_000_000);
    rig.run_until(|seen| seen.received.len() == bytes.len());
    assert!(rig.seen.borrow().received == bytes);
    theirs.write_all(b"more").unwrap();
    rig.run_until(|seen| seen.received.ends_with(b"more"));
}

#[test]
fn much_is_read_with_few_calls() {
    let rig = Rig::new();
    let (conn, _task, mut theirs) = rig.connect();
    let bytes = pattern(8 << 20);
    let copy = bytes.clone();
    let writer = std::thread::spawn(move || {
        theirs.write_all(&copy).unwrap();
        theirs
    });
    conn.allow(u32::MAX);
    rig.run_until(|seen| seen.received.len() == bytes.len());
    assert!(rig.seen.borrow().received == bytes);
    let reads = rig.seen.borrow().reads;
    assert!(reads < 600, "{reads} reads for 512 blocks");
    drop(writer.join());
}

#[test]
fn many_sends_become_few_writes_in_their_order() {
    let rig = Rig::new();
    let (conn, _task, mut theirs) = rig.connect();
    let bytes = pattern(6 << 20);
    let mut expected = Vec::new();
    for (n, block) in bytes.chunks(16 * 1024).enumerate() {
        let head = vec![n as u8; 13];
        expected.extend_from_slice(&head);
        expected.extend_from_slice(block);
        conn.send(head, Some(Block::from(block.to_vec())));
    }
    let length = expected.len();
    let reader = std::thread::spawn(move || {
        let mut got = vec![0; length];
        theirs.read_exact(&mut got).unwrap();
        (got, theirs)
    });
    rig.run_until(|seen| seen.sent == length as u64);
    let (got, _theirs) = reader.join().unwrap();
    assert!(got == expected);
    assert!(
        rig.seen.borrow().sents < 200,
        "{} events for 384 blocks",
        rig.seen.borrow().sents
    );
}

#[test]
fn a_close_sends_what_was_queued_and_says_nothing_more() {
    let rig = Rig::new();
    let (conn, task, mut theirs) = rig.connect();
    // More than the socket's buffers take at once.
    let bytes = pattern(16 << 20);
    conn.send(Vec::new(), Some(Block::from(bytes.clone())));
    conn.close();
    let reader = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        let mut got = Vec::new();
        theirs.read_to_end(&mut got).unwrap();
        got
    });
    rig.finish(task);
    assert!(reader.join().unwrap() == bytes);
    assert!(rig.seen.borrow().closed.is_empty());
    assert_eq!(rig.seen.borrow().sent, 0);
}

#[test]
fn a_close_does_not_wait_for_ever() {
    let rig = Rig::new();
    let (conn, task, theirs) = rig.connect();
    conn.send(Vec::new(), Some(Block::from(pattern(16 << 20))));
    conn.close();
    let started = std::time::Instant::now();
    rig.finish(task);
    let took = started.elapsed();
    assert!(took >= LINGER && took < LINGER * 2, "{took:?}");
    drop(theirs);
}

#[test]
fn what_was_taken_back_keeps_no_closed_connection() {
    let rig = Rig::new();
    let (conn, task, theirs) = rig.connect();
    conn.send(Vec::new(), Some(Block::from(pattern(16 << 20))));
    conn.forget_unsent();
    conn.close();
    let started = std::time::Instant::now();
    rig.finish(task);
    let took = started.elapsed();
    assert!(took < LINGER / 2, "{took:?}");
    drop(theirs);
}

#[test]
fn after_the_other_side_ended_its_stream_the_rest_is_still_sent() {
    let rig = Rig::new();
    let (conn, task, mut theirs) = rig.connect();
    theirs.write_all(b"bye").unwrap();
    theirs.shutdown(std::net::Shutdown::Write).unwrap();
    let bytes = pattern(16 << 20);
    conn.send(Vec::new(), Some(Block::from(bytes.clone())));
    conn.allow(100);
    let reader = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        let mut got = Vec::new();
        theirs.read_to_end(&mut got).unwrap();
        got
    });
    rig.finish(task);
    assert_eq!(rig.seen.borrow().received, b"bye");
    assert_eq!(rig.seen.borrow().closed, [CloseCause::Eof]);
    assert!(reader.join().unwrap() == bytes);
}

#[test]
fn what_arrived_before_a_reset_is_read() {
    let rig = Rig::new();
    let (conn, task, mut theirs) = rig.connect();
    // Unread bytes at the other end make its close a reset.
    conn.send(b"unread".to_vec(), None);
    rig.run_until(|seen| seen.sent == 6);
    theirs.write_all(b"last words").unwrap();
    drop(theirs);
    rig.run_for(20);
    conn.send(b"into the void".to_vec(), None);
    conn.allow(100);
    rig.finish(task);
    let seen = rig.seen.borrow();
    assert_eq!(seen.closed, [CloseCause::Reset]);
    assert!(
        seen.received == b"last words" || seen.received.is_empty(),
        "{:?}",
        seen.received
    );
}

#[test]
fn a_broken_connection_is_noticed_by_sending() {
    let rig = Rig::new();
    let (conn, task, theirs) = rig.connect();
    conn.send(b"unread".to_vec(), None);
    rig.run_until(|seen| seen.sent == 6);
    drop(theirs);
    rig.run_for(20);
    conn.send(b"x".to_vec(), None);
    rig.finish(task);
    assert_eq!(rig.seen.borrow().closed, [CloseCause::Reset]);
}
