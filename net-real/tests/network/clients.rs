//! Whole clients: one seeds, one downloads, both end.

use crate::rig::{ask, client, options};
use seedbed::engine::disk::Root;
use seedbed::engine::metainfo::{Metainfo, NewContent, NewFile, NewTorrent};
use seedbed::engine::{AddTorrent, Command, Purpose, Report, TorrentState};
use seedbed::{Client, Input, Options};
use sha1::{Digest as _, Sha1};
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::Duration;

const PIECE: usize = 64 * 1024;
/// A folder of files that pieces cross, an empty one among them.
const FILES: &[(&str, usize)] = &[("a", 300_000), ("empty", 0), ("sub/b", 1), ("sub/c", 2_500_000)];

/// A torrent named `t`, and its content; the files are written below `folder`.
pub(crate) fn sample(folder: &Path) -> (Arc<Metainfo>, Vec<u8>) {
    let mut content = Vec::new();
    for (path, length) in FILES {
        let bytes: Vec<u8> = (0..*length).map(|n| (n * 31 + n / 255 + length) as u8).collect();
        let path = folder.join("t").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, &bytes).unwrap();
        content.extend(bytes);
    }
    let file = |(path, length): &(&str, usize)| NewFile {
        path: path.split('/').map(str::to_owned).collect(),
        length: *length as u64,
    };
    let pieces = content.chunks(PIECE).map(|piece| Sha1::digest(piece).into());
    let files = NewContent::Multi(FILES.iter().map(file).collect());
    let torrent = NewTorrent::new("t", files, PIECE as u32, pieces.collect());
    (Arc::new(torrent.create().unwrap().metainfo), content)
}

fn add(metainfo: &Arc<Metainfo>, root: &Path, purpose: Purpose, peers: Vec<SocketAddr>) -> Command {
    Command::Add(Box::new(AddTorrent {
        peers,
        use_trackers: false,
        ..AddTorrent::new(
            Arc::clone(metainfo),
            Root(root.as_os_str().as_bytes().into()),
            purpose,
        )
    }))
}

/// Runs a client until it has shut down.
fn shut_down(client: &mut Client) {
    client.command(Command::Shutdown);
    assert_eq!(client.run(|_, _| ControlFlow::<()>::Continue(())), None);
}

/// A seed on a thread of its own, which ends when the sender is dropped.
fn seed(
    options: Options,
    folder: &Path,
    metainfo: &Arc<Metainfo>,
) -> (SocketAddr, seedbed::Handle, std::thread::JoinHandle<()>) {
    let (folder, metainfo) = (folder.to_owned(), Arc::clone(metainfo));
    let (sender, receiver) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let (mut client, _) = client(options);
        ask(
            &mut client,
            add(&metainfo, &folder, Purpose::Seed, Vec::new()),
            |report| match report {
                Report::State {
                    state: TorrentState::Seeding,
                    ..
                } => Some(()),
                _ => None,
            },
        );
        sender.send((client.listen_addrs()[0], client.handle())).unwrap();
        assert_eq!(client.run(|_, _| ControlFlow::<()>::Continue(())), None);
    });
    let (addr, handle) = receiver.recv_timeout(Duration::from_secs(30)).unwrap();
    (addr, handle, thread)
}

#[test]
fn a_folder_is_downloaded_saved_and_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let (metainfo, content) = sample(&folder.path().join("seed"));
    let seeding = folder.path().join("seed");
    let (addr, handle, thread) = seed(options(&seeding.join("state")), &seeding, &metainfo);
    let out = folder.path().join("out");
    let (mut leecher, seen) = client(options(&folder.path().join("state")));
    ask(
        &mut leecher,
        add(&metainfo, &out, Purpose::Download, vec![addr]),
        |report| match report {
            Report::Completed { .. } => Some(()),
            _ => None,
        },
    );
    shut_down(&mut leecher);
    drop(leecher);
    handle.command(Command::Shutdown);
    thread.join().unwrap();
    let mut there = Vec::new();
    for (path, _) in FILES {
        there.extend(std::fs::read(out.join("t").join(path)).unwrap());
    }
    assert!(there == content);
    assert!(seen.borrow().received >= content.len() as u64);
    let open = std::fs::read_dir("/proc/self/fd").unwrap().filter_map(Result::ok);
    let below = |link: std::path::PathBuf| link.starts_with(folder.path());
    let open = open
        .filter(|fd| std::fs::read_link(fd.path()).is_ok_and(below))
        .count();
    assert_eq!(open, 0, "files stay open");

    // What was saved spares the hashing: it is a seed at once, with nobody around.
    let (mut again, seen) = client(options(&folder.path().join("state")));
    ask(
        &mut again,
        add(&metainfo, &out, Purpose::Download, Vec::new()),
        |report| match report {
            Report::State {
                state: TorrentState::Seeding,
                ..
            } => Some(()),
            _ => None,
        },
    );
    assert_eq!(seen.borrow().hash_jobs, 0);
    shut_down(&mut again);
}

/// Local service discovery by real multicast on the loopback interface: nobody names the seed.
#[test]
fn two_clients_of_one_machine_find_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let seeding = folder.path().join("seed");
    let (metainfo, content) = sample(&seeding);
    let nearby = |state: &Path| {
        let mut options = options(state);
        options.config.lsd.enabled = true;
        options
    };
    let (_, handle, thread) = seed(nearby(&seeding.join("state")), &seeding, &metainfo);
    let (mut leecher, seen) = client(nearby(&folder.path().join("state")));
    ask(
        &mut leecher,
        add(
            &metainfo,
            &folder.path().join("out"),
            Purpose::Download,
            Vec::new(),
        ),
        |report| matches!(report, Report::Completed { .. }).then_some(()),
    );
    shut_down(&mut leecher);
    assert!(seen.borrow().received >= content.len() as u64);
    handle.command(Command::Shutdown);
    thread.join().unwrap();
}

#[test]
fn a_handle_reaches_a_client_that_waits() {
    let folder = tempfile::tempdir().unwrap();
    let mut client = Client::new(options(folder.path())).unwrap();
    let handle = client.handle();
    let thread = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        handle.notify(7);
        handle.command(Command::Shutdown);
    });
    let mut notified = Vec::new();
    let ended = client.run(|_, input| {
        if let Input::Notified(number) = input {
            notified.push(number);
        }
        ControlFlow::<()>::Continue(())
    });
    assert_eq!((ended, notified), (None, vec![7]));
    thread.join().unwrap();
}

#[test]
fn wake_ups_come_at_their_interval_and_a_run_can_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(folder.path());
    options.wake_interval = Duration::from_millis(20);
    let mut client = Client::new(options).unwrap();
    for _ in 0..2 {
        let started = std::time::Instant::now();
        let mut wakes = 0;
        let result = client.run(|_, input| match input {
            Input::Wake if wakes == 4 => ControlFlow::Break("five"),
            Input::Wake => {
                wakes += 1;
                ControlFlow::Continue(())
            }
            _ => ControlFlow::Continue(()),
        });
        assert_eq!(result, Some("five"));
        assert!(
            started.elapsed() >= Duration::from_millis(90),
            "{:?}",
            started.elapsed()
        );
    }
}

#[test]
fn the_port_in_use_is_the_one_that_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let client = Client::new(options(folder.path())).unwrap();
    let addrs = client.listen_addrs();
    assert_eq!(addrs.len(), 1, "only the bound address");
    assert_eq!(client.config().listen_port, addrs[0].port());
    assert!(!client.config().ipv6);
    let mut taken = options(folder.path());
    taken.listen = Some(addrs[0].port());
    assert!(matches!(
        Client::new(taken),
        Err(seedbed::StartError::Bind { .. })
    ));
}
