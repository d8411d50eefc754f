//! Each promise of storage, and each way to break one.

mod state;

use super::*;
use crate::scenario::{TorrentSpec, Use, Value};
use crate::seed::Seed;
use seedbed_engine::disk::{DiskFault, FileStamp, Root};
use seedbed_engine::geometry::BlockRange;
use seedbed_engine::id::Sha1Digest;
use sha1::{Digest, Sha1};

/// A disk, driven one job at a time.
struct Bench {
    sample: Sample,
    disk: DiskModel,
    marks: Marks,
    now: Instant,
    ops: u64,
}

type Outcome = Result<DiskDone, DiskFault>;

/// What `Open` told: the files, and the saved state.
type Found = (Vec<Option<FileStamp>>, Option<Vec<u8>>);

impl Bench {
    /// Three pieces of two blocks, over two files, opened and prepared.
    fn new() -> Self {
        let mut bench = Self::closed();
        bench.open().unwrap();
        bench.run(DiskJob::Prepare).unwrap();
        bench
    }

    fn closed() -> Self {
        let spec = TorrentSpec {
            pieces: 3,
            blocks: 2,
            block: 64,
            short: 10,
            files: 2,
            private: false,
            magnet: None,
        };
        Self {
            sample: Sample::new(&spec, &[], Seed(1)).unwrap(),
            disk: DiskModel::new(Seed(1).stream("disk")),
            marks: Marks::default(),
            now: Instant::START,
            ops: 0,
        }
    }

    fn submit(&mut self, job: DiskJob) -> OpId {
        self.ops += 1;
        self.disk.submit(self.now, OpId(self.ops), job);
        OpId(self.ops)
    }

    /// Lets time pass until every job is done.
    fn drain(&mut self) -> Vec<(OpId, Outcome)> {
        let mut done = Vec::new();
        while let Some(at) = self.disk.deadline() {
            self.now = self.now.max(at);
            while let Some((op, result)) = self.disk.poll(self.now, &mut self.marks) {
                done.push((op, result.map_err(|error| error.fault)));
            }
        }
        done
    }

    fn run(&mut self, job: DiskJob) -> Outcome {
        let op = self.submit(job);
        let done = self.drain();
        done.into_iter().find(|(other, _)| *other == op).unwrap().1
    }

    fn open(&mut self) -> Result<Found, DiskFault> {
        let metainfo = self.sample.metainfo.clone();
        let job = DiskJob::Open {
            root: Root(b"/download".as_slice().into()),
            layout: metainfo.layout.clone(),
            geometry: metainfo.geometry(64).unwrap(),
            info_hash: metainfo.info_hash,
        };
        match self.run(job)? {
            DiskDone::Opened { files, resume } => Ok((files, resume)),
            other => panic!("{other:?}"),
        }
    }

    fn range(&self, piece: u32, n: u32) -> BlockRange {
        let geometry = self.sample.metainfo.geometry(64).unwrap();
        geometry.block(PieceIndex(piece), n).unwrap()
    }

    fn write(&mut self, piece: u32, n: u32) -> Outcome {
        let range = self.range(piece, n);
        let data = self
            .sample
            .block_bytes(range.piece, range.begin, range.length)
            .unwrap();
        let data = Block::from(data.to_vec());
        self.run(DiskJob::Write { range, data })
    }

    fn write_piece(&mut self, piece: u32) {
        assert!((0..2).all(|n| self.write(piece, n).is_ok()));
    }

    fn hash(&mut self, piece: u32) -> Result<bool, DiskFault> {
        let wanted: Sha1Digest = Sha1::digest(self.sample.piece_bytes(PieceIndex(piece))).into();
        let piece = PieceIndex(piece);
        Ok(self.run(DiskJob::Hash { piece })? == DiskDone::Hash(wanted))
    }

    fn read(&mut self, piece: u32, n: u32) -> Result<bool, DiskFault> {
        let range = self.range(piece, n);
        let wanted = self
            .sample
            .block_bytes(range.piece, range.begin, range.length)
            .unwrap();
        let wanted = DiskDone::Read(Block::from(wanted.to_vec()));
        Ok(self.run(DiskJob::Read { range })? == wanted)
    }

    fn fault(&mut self, what: &Use, begins: bool) {
        assert!(
            self.disk.inflict(self.now, what, begins, &mut self.marks),
            "{what:?}"
        );
    }

    fn restart(&mut self, power: bool, lost: u32) {
        self.disk.die(self.now, &mut self.marks);
        if power {
            let loss = self.disk.loss(&Use::new("power-loss").with("lost", lost.into()));
            self.disk.lose_power(loss, &mut self.marks);
        }
    }
}

fn word(what: Use, name: &str, value: &str) -> Use {
    let mut what = what;
    what.params.push((name.into(), Value::Text(value.into())));
    what
}

#[test]
fn a_piece_that_is_hashed_is_with_the_operating_system_and_not_before() {
    let mut bench = Bench::new();
    bench.write_piece(0);
    assert!(!bench.disk.holds_piece(&bench.sample, PieceIndex(0)));
    assert_eq!(bench.hash(0), Ok(true));
    assert!(bench.disk.holds_piece(&bench.sample, PieceIndex(0)));
    assert_eq!(bench.read(0, 1), Ok(true));
    assert_eq!(bench.read(2, 1), Err(DiskFault::Missing));
    bench.restart(false, 0);
    assert!(
        bench.disk.holds_piece(&bench.sample, PieceIndex(0)),
        "a process dies, the cache stays"
    );
}

#[test]
fn all_pieces_make_the_files() {
    let mut bench = Bench::new();
    for piece in [2, 0, 1] {
        bench.write_piece(piece);
        assert_eq!(bench.hash(piece), Ok(true));
    }
    assert!(bench.disk.holds(&bench.sample));
    assert!(matches!(bench.run(DiskJob::Close), Ok(DiskDone::Closed)));
    assert_eq!(bench.disk.violations(), [] as [&str; 0]);
    let (files, _) = bench.open().unwrap();
    assert!(files.iter().all(Option::is_some));
}

#[test]
fn what_was_not_handed_over_dies_with_the_process() {
    let mut bench = Bench::new();
    bench.write_piece(0);
    bench.restart(false, 0);
    bench.open().unwrap();
    assert_eq!(bench.hash(0), Err(DiskFault::Missing));
}

#[test]
fn a_power_loss_takes_what_was_not_synced_and_nothing_else() {
    let mut bench = Bench::new();
    bench.write_piece(0);
    bench.hash(0).unwrap();
    bench.run(DiskJob::Sync).unwrap();
    bench.write_piece(1);
    bench.hash(1).unwrap();
    bench.restart(true, 1000);
    assert!(bench.disk.holds_piece(&bench.sample, PieceIndex(0)));
    assert!(!bench.disk.holds_piece(&bench.sample, PieceIndex(1)));
    assert!(!bench.disk.is_tampered(), "no promise was broken");
    assert_eq!(bench.marks.count("power-loss-loses"), 1);
}

#[test]
fn a_torn_write_leaves_a_part() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..20 {
        let mut bench = Bench::new();
        bench.disk.rng = Seed(seed).stream("disk");
        bench.fault(&Use::new("torn-write"), true);
        bench.run(DiskJob::Sync).unwrap();
        bench.write_piece(0);
        bench.hash(0).unwrap();
        bench.restart(true, 0);
        let right = bench.disk.holds_piece(&bench.sample, PieceIndex(0));
        let bytes: usize = bench.disk.files.iter().map(|(_, file)| file.bytes.len()).sum();
        seen.insert((right, bytes > 0));
        assert!(bench.marks.count("torn-write") > 0);
    }
    assert!(seen.contains(&(false, true)), "{seen:?}");
}

#[test]
fn a_sync_that_lies_keeps_nothing_and_is_known_to_have_lied() {
    let mut bench = Bench::new();
    bench.fault(&Use::new("lying-fsync"), true);
    bench.write_piece(0);
    bench.hash(0).unwrap();
    assert!(matches!(bench.run(DiskJob::Sync), Ok(DiskDone::Synced { .. })));
    bench.run(DiskJob::SaveResume { data: vec![7; 40] }).unwrap();
    assert!(!bench.disk.is_tampered());
    bench.restart(true, 1000);
    assert!(bench.disk.is_tampered());
    assert!(!bench.disk.holds_piece(&bench.sample, PieceIndex(0)));
    assert_ne!(bench.disk.resume(), Some([7; 40].as_slice()));
}

#[test]
fn an_error_costs_no_block_that_was_taken() {
    let mut bench = Bench::new();
    bench.write_piece(0);
    bench.fault(&Use::new("disk-error").with("times", 1), true);
    assert_eq!(bench.hash(0), Err(DiskFault::Io));
    assert_eq!(
        bench.hash(0),
        Ok(true),
        "the same blocks, without writing them again"
    );
    assert_eq!(bench.marks.count("disk-error"), 1);
    let always = word(Use::new("disk-error").with("at", 2), "job", "write");
    bench.fault(&always, true);
    assert_eq!(bench.write(1, 0), Ok(DiskDone::Written));
    assert_eq!(bench.write(1, 1), Err(DiskFault::Io));
    assert_eq!(bench.write(1, 1), Err(DiskFault::Io));
    bench.fault(&always, false);
    assert_eq!(bench.write(1, 1), Ok(DiskDone::Written));
    assert_eq!(bench.hash(1), Ok(true));
}

#[test]
fn each_kind_of_job_can_fail_alone() {
    for kind in ["read", "sync", "save", "digests", "prepare", "open", "out"] {
        let mut bench = Bench::new();
        bench.write_piece(0);
        bench.hash(0).unwrap();
        bench.write_piece(1);
        bench.fault(&word(Use::new("disk-error"), "job", kind), true);
        let piece = PieceIndex(0);
        let outcomes = [
            ("read", bench.read(0, 0).err()),
            ("digests", bench.run(DiskJob::Digests { piece }).err()),
            ("prepare", bench.run(DiskJob::Prepare).err()),
            ("out", bench.hash(1).err()),
            ("save", bench.run(DiskJob::SaveResume { data: Vec::new() }).err()),
        ];
        for (job, failed) in outcomes {
            assert_eq!(failed.is_some(), job == kind, "{job} under {kind}");
        }
        let sync = bench.run(DiskJob::Sync).err();
        assert_eq!(
            sync.is_some(),
            kind == "sync" || kind == "out",
            "sync under {kind}"
        );
        bench.restart(false, 0);
        assert_eq!(bench.open().is_err(), kind == "open");
    }
}

#[test]
fn a_full_disk_takes_so_many_bytes_and_more_when_space_returns() {
    let mut bench = Bench::new();
    let full = Use::new("disk-full").with("bytes", 130);
    bench.fault(&full, true);
    bench.write_piece(0);
    assert_eq!(bench.hash(0), Ok(true));
    bench.write_piece(1);
    assert_eq!(bench.hash(1), Err(DiskFault::Full));
    assert!(bench.disk.files.used() <= 130 + 64);
    bench.fault(&full, false);
    assert_eq!(bench.hash(1), Ok(true), "nothing was lost");
    let by_count = Use::new("disk-full").with("at", 2).with("times", 1);
    bench.fault(&by_count, true);
    bench.write_piece(2);
    assert_eq!(bench.hash(2), Err(DiskFault::Full));
    assert_eq!(bench.hash(2), Ok(true));
    assert!(bench.disk.holds(&bench.sample));
}

#[test]
fn short_writes_are_made_whole_and_short_reads_are_seen() {
    let mut bench = Bench::new();
    bench.fault(&Use::new("short-write"), true);
    bench.write_piece(0);
    assert_eq!(bench.hash(0), Ok(true));
    assert!(bench.marks.count("short-write") > 0);
    bench.fault(&Use::new("short-read"), true);
    let range = bench.range(0, 0);
    let Ok(DiskDone::Read(data)) = bench.run(DiskJob::Read { range }) else {
        panic!("not read");
    };
    assert_eq!(data.len(), 32);
}

#[test]
fn a_slow_disk_does_one_thing_after_the_other() {
    let mut bench = Bench::new();
    let slow = word(Use::new("slow-disk"), "each", "1s");
    bench.fault(&slow, true);
    let begin = bench.now;
    for n in 0..2 {
        let range = bench.range(0, n);
        let data = Block::from(vec![0; 64]);
        bench.submit(DiskJob::Write { range, data });
    }
    bench.submit(DiskJob::Hash { piece: PieceIndex(1) });
    bench.drain();
    assert_eq!(bench.now.since(begin), Duration::from_secs(3));
    bench.fault(&slow, false);
    let begin = bench.now;
    bench.write(0, 0).unwrap();
    assert_eq!(bench.now, begin);
}

#[test]
fn only_what_may_overtake_overtakes() {
    let mut overtaken = 0;
    for seed in 0..20 {
        let mut bench = Bench::new();
        bench.disk.rng = Seed(seed).stream("disk");
        bench.fault(&Use::new("unordered-disk"), true);
        let mut order = Vec::new();
        for piece in 0..3 {
            for n in 0..2 {
                let range = bench.range(piece, n);
                let data = bench
                    .sample
                    .block_bytes(range.piece, range.begin, range.length)
                    .unwrap();
                let data = Block::from(data.to_vec());
                order.push((bench.submit(DiskJob::Write { range, data }), piece, "write"));
            }
            let piece_index = PieceIndex(piece);
            order.push((bench.submit(DiskJob::Hash { piece: piece_index }), piece, "hash"));
        }
        let sync = bench.submit(DiskJob::Sync);
        let done: Vec<_> = bench
            .drain()
            .into_iter()
            .map(|(op, result)| (op, result.unwrap()))
            .collect();
        let place = |op: OpId| done.iter().position(|(other, _)| *other == op).unwrap();
        for (op, piece, kind) in &order {
            assert!(place(*op) < place(sync), "a sync waits for all before it");
            if *kind == "hash" {
                let writes = order
                    .iter()
                    .filter(|(_, other, kind)| other == piece && *kind == "write");
                assert!(writes.into_iter().all(|(write, ..)| place(*write) < place(*op)));
            }
        }
        overtaken += u32::from(!done.is_sorted_by_key(|(op, _)| *op));
        assert!(bench.disk.holds(&bench.sample));
        assert_eq!(
            bench.marks.count("disk-overtakes") > 0,
            !done.is_sorted_by_key(|(op, _)| *op)
        );
    }
    assert!(overtaken > 10);
}

#[test]
fn files_change_under_us() {
    let check = |name: &str, what: Use| {
        let mut bench = Bench::closed();
        bench.disk.fill(&bench.sample);
        let (before, _) = bench.open().unwrap();
        bench.now = Instant::from_secs(5);
        bench.fault(&what, true);
        assert!(bench.disk.is_tampered() && bench.marks.count(name) == 1, "{name}");
        let read = bench.read(0, 0);
        bench.restart(false, 0);
        let (after, _) = bench.open().unwrap();
        (read, before[0].unwrap(), after[0])
    };
    let (read, _, after) = check("file-deleted", Use::new("file-deleted"));
    assert_eq!((read, after), (Err(DiskFault::Missing), None));
    let (read, before, after) = check("file-truncated", Use::new("file-truncated").with("to", 10));
    assert_eq!((read, after.unwrap().length), (Err(DiskFault::Missing), 10));
    assert_ne!(before.modified_ns, after.unwrap().modified_ns);
    let (read, before, after) = check("file-replaced", Use::new("file-replaced").with("quiet", 1));
    assert_eq!((read, after), (Ok(false), Some(before)));
    let (read, before, after) = check("file-grown", Use::new("file-grown").with("by", 7));
    assert_eq!((read, after.unwrap().length), (Ok(true), before.length + 7));
}

#[test]
fn bits_rot_and_writes_go_astray() {
    let mut bench = Bench::closed();
    bench.disk.fill(&bench.sample);
    bench.open().unwrap();
    bench.fault(&Use::new("bit-rot").with("times", 1), true);
    assert_eq!(bench.read(0, 0), Ok(false));
    assert_eq!(bench.hash(0), Ok(false), "the medium has it too");
    assert!(bench.disk.is_tampered());
    let mut bench = Bench::new();
    bench.write_piece(0);
    bench.hash(0).unwrap();
    bench.fault(&Use::new("misdirected-write").with("times", 1), true);
    bench.write_piece(1);
    assert_eq!(bench.hash(1), Ok(true), "the blocks in memory are right");
    assert_eq!(bench.hash(0), Ok(false), "its neighbour was overwritten");
    assert_ne!(bench.hash(1), Ok(true), "and on the medium they are not");
}

#[test]
fn a_denied_or_blocked_disk_says_so() {
    let mut bench = Bench::new();
    bench.fault(&Use::new("disk-denied"), true);
    assert_eq!(bench.run(DiskJob::Prepare), Err(DiskFault::Denied));
    assert_eq!(bench.write(0, 0), Err(DiskFault::Denied));
    let mut bench = Bench::new();
    bench.fault(&Use::new("path-in-the-way"), true);
    assert_eq!(bench.run(DiskJob::Prepare), Err(DiskFault::InTheWay));
}
