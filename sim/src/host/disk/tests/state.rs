//! The saved state, and what storage notes of its user.

use super::*;

#[test]
fn a_saved_state_comes_back_in_every_wrong_way() {
    use seedbed_engine::bitfield::Bitfield;
    use seedbed_engine::resume::{Resume, ResumeError};
    let given = |name: Option<&str>| {
        let mut bench = Bench::new();
        let (info_hash, pieces) = (bench.sample.info_hash(), bench.sample.pieces());
        for have in [Bitfield::new(pieces), Bitfield::full(pieces)] {
            let state = Resume {
                info_hash,
                have,
                files: vec![None; 2],
                clean: true,
                uploaded: 0,
                downloaded: 0,
            };
            bench.run(DiskJob::SaveResume { data: state.encode() }).unwrap();
        }
        bench.run(DiskJob::Close).unwrap();
        if let Some(name) = name {
            bench.fault(&Use::new(name), true);
        }
        let (_, resume) = bench.open().unwrap();
        assert_eq!(
            bench.marks.count(name.unwrap_or("none")),
            u64::from(name.is_some())
        );
        resume.map(|bytes| Resume::decode(&bytes, info_hash, pieces))
    };
    assert!(given(None).unwrap().unwrap().have.is_full());
    assert!(given(Some("resume-stale")).unwrap().unwrap().have.is_empty());
    assert!(given(Some("resume-lost")).is_none());
    assert!(
        ["resume-torn", "resume-flipped"]
            .into_iter()
            .all(|name| given(Some(name)).unwrap().is_err())
    );
    assert!(matches!(
        given(Some("resume-foreign")),
        Some(Err(ResumeError::InfoHash(_)))
    ));
    assert!(matches!(
        given(Some("resume-newer")),
        Some(Err(ResumeError::Version(9)))
    ));
}

#[test]
fn what_no_engine_may_do_is_noted() {
    let mut bench = Bench::closed();
    assert!(bench.write(0, 0).is_err());
    bench.open().unwrap();
    let range = BlockRange {
        piece: PieceIndex(0),
        begin: 32,
        length: 64,
    };
    let data = Block::from(vec![0; 64]);
    assert!(bench.run(DiskJob::Write { range, data }).is_err());
    assert!(bench.open().is_ok(), "the second one is noted");
    bench.disk.submit(bench.now, OpId(99), DiskJob::Sync);
    bench.disk.submit(bench.now, OpId(99), DiskJob::Sync);
    assert_eq!(bench.disk.violations().len(), 4, "{:?}", bench.disk.violations());
}
