//! What can be wrong with a disk, by the names that scenarios use (rows DK1–DK13 of the catalogue).

use super::{DiskModel, Loss};
use crate::host::catalogue;
use crate::marks::Marks;
use crate::scenario::{Area, Use};
use seedbed_engine::bencode::{Limits, Value};
use seedbed_engine::disk::DiskFault;
use seedbed_engine::rng::Rng;
use seedbed_engine::time::{Duration, Instant};

/// One fault at work.
#[derive(Clone, Debug)]
struct Fault {
    name: &'static str,
    what: Use,
    /// Which jobs; empty for any.
    job: String,
    /// From which occasion on, from 1.
    at: u64,
    /// How often; 0 is always.
    times: u64,
    /// In thousandths, at each occasion.
    chance: u32,
    occasions: u64,
    fired: u64,
}

impl Fault {
    /// Whether it fires at this occasion.
    fn fires(&mut self, rng: &mut Rng, marks: &mut Marks) -> bool {
        self.occasions += 1;
        let due = self.occasions >= self.at && (self.times == 0 || self.fired < self.times);
        let fires = due && (self.chance >= 1000 || rng.chance(self.chance, 1000));
        if fires {
            self.fired += 1;
            marks.hit(self.name);
        }
        fires
    }
}

/// All faults at work.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults {
    list: Vec<Fault>,
    lied: bool,
}

impl Faults {
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) const fn has_lied(&self) -> bool {
        self.lied
    }

    pub(super) const fn lied(&mut self) {
        self.lied = true;
    }

    fn add(&mut self, name: &'static str, what: &Use) {
        self.list.push(Fault {
            name,
            what: what.clone(),
            job: what.text("job").unwrap_or_default().into(),
            at: what.count("at").unwrap_or(1),
            times: what.count("times").unwrap_or(0),
            chance: what
                .count("permille")
                .and_then(|n| u32::try_from(n).ok())
                .unwrap_or(1000),
            occasions: 0,
            fired: 0,
        });
    }

    fn remove(&mut self, what: &Use) {
        self.list.retain(|fault| fault.what != *what);
    }

    fn has(&self, name: &str) -> bool {
        self.list.iter().any(|fault| fault.name == name)
    }

    /// Whether a fault of this name fires now.
    pub(super) fn fires(&mut self, name: &str, rng: &mut Rng, marks: &mut Marks) -> bool {
        let mut fires = false;
        for fault in self.list.iter_mut().filter(|fault| fault.name == name) {
            fires |= fault.fires(rng, marks);
        }
        fires
    }

    /// What a job of this kind fails with, if it does.
    pub(super) fn fails(&mut self, kind: &str, rng: &mut Rng, marks: &mut Marks) -> Option<DiskFault> {
        if self.list.is_empty() {
            return None;
        }
        let changes = matches!(kind, "prepare" | "write" | "sync" | "save");
        for fault in &mut self.list {
            let with = match fault.name {
                "disk-error" if fault.job == kind || fault.job == "any" && kind != "close" => DiskFault::Io,
                // the usual place of an I/O error
                "disk-error" if fault.job.is_empty() && kind == "hash" => DiskFault::Io,
                "disk-denied" if changes => DiskFault::Denied,
                "path-in-the-way" if kind == "prepare" => DiskFault::InTheWay,
                _ => continue,
            };
            if fault.fires(rng, marks) {
                return Some(with);
            }
        }
        None
    }

    /// What handing bytes to the system fails with, if it does.
    pub(super) fn write_fails(&mut self, rng: &mut Rng, marks: &mut Marks) -> Option<DiskFault> {
        for fault in &mut self.list {
            let with = match fault.name {
                "disk-error" if fault.job == "out" => DiskFault::Io,
                "disk-full" if fault.what.count("bytes").is_none() => DiskFault::Full,
                _ => continue,
            };
            if fault.fires(rng, marks) {
                return Some(with);
            }
        }
        None
    }

    /// What is given back as the saved state.
    pub(super) fn resume(
        &mut self,
        saved: Option<Vec<u8>>,
        history: &[Vec<u8>],
        rng: &mut Rng,
        marks: &mut Marks,
    ) -> Option<Vec<u8>> {
        let mut bytes = saved?;
        if self.fires("resume-lost", rng, marks) {
            return None;
        }
        if let Some(stale) = history.first().filter(|stale| **stale != bytes)
            && self.fires("resume-stale", rng, marks)
        {
            bytes.clone_from(stale);
        }
        if self.fires("resume-torn", rng, marks) {
            bytes.truncate(rng.below(u32::try_from(bytes.len()).unwrap_or(1).max(1)) as usize);
        }
        if self.has("resume-flipped") && !bytes.is_empty() && self.fires("resume-flipped", rng, marks) {
            let at = rng.below(u32::try_from(bytes.len()).unwrap_or(1)) as usize;
            bytes[at] ^= 1 << rng.below(8);
        }
        if self.fires("resume-foreign", rng, marks) {
            change(&mut bytes, b"9:info hash20:", |hash| {
                hash.iter_mut().take(20).for_each(|byte| *byte ^= 0x55);
            });
        }
        if self.fires("resume-newer", rng, marks) {
            change(&mut bytes, b"7:versioni", |digits| {
                if let Some(digit) = digits.first_mut() {
                    *digit = b'9';
                }
            });
        }
        Some(bytes)
    }
}

/// Changes what stands behind a marker, and makes the checksum at the end fit again.
fn change(bytes: &mut Vec<u8>, marker: &[u8], with: impl FnOnce(&mut [u8])) {
    use sha1::{Digest, Sha1};
    let Some(at) = bytes.windows(marker.len()).position(|window| window == marker) else {
        return;
    };
    with(&mut bytes[at + marker.len()..]);
    if let Ok((_, scan)) = Value::parse(bytes, &Limits::TORRENT) {
        let digest = Sha1::digest(&bytes[..scan.end]);
        bytes.truncate(scan.end);
        bytes.extend_from_slice(&digest);
    }
}

impl DiskModel {
    /// A fault begins or ends. False when it is none of a disk's.
    pub fn inflict(&mut self, now: Instant, what: &Use, begins: bool, marks: &mut Marks) -> bool {
        let Some(known) = catalogue::find(&what.name).filter(|known| known.area == Area::Disk) else {
            return false;
        };
        match known.name {
            "slow-disk" => {
                let usual = super::Speed::default();
                let (rate, each) = (what.count("rate"), what.duration("each"));
                // a disk of a certain speed is slow in nothing else
                let each = each.or_else(|| rate.is_none().then_some(Duration::from_secs(1)));
                self.speed.serial = begins;
                self.speed.rate = rate.filter(|_| begins);
                self.speed.job = each.filter(|_| begins).unwrap_or(usual.job);
                self.speed.write = each.filter(|_| begins).unwrap_or(usual.write);
            }
            "unordered-disk" => {
                let by = what.duration("by").unwrap_or(Duration::from_millis(50));
                self.speed.jitter = if begins { by } else { Duration::ZERO };
            }
            "slow-hash" => {
                let by = what.duration("by").unwrap_or(Duration::from_secs(5));
                self.speed.hash = if begins { by } else { Duration::ZERO };
            }
            "disk-full" if what.count("bytes").is_some() => {
                let more = what.count("bytes").filter(|_| begins);
                self.files.capacity = more.map(|more| self.files.used() + more);
            }
            name if name.starts_with("file-") => {
                if begins {
                    self.meddle(now, name, what, marks);
                }
                return true;
            }
            name if begins => self.faults.add(name, what),
            _ => self.faults.remove(what),
        }
        if begins && matches!(known.name, "slow-disk" | "slow-hash" | "unordered-disk") {
            marks.hit(known.name);
        }
        true
    }

    /// How a power loss goes on this disk.
    pub fn loss(&self, what: &Use) -> Loss {
        Loss {
            lost: what
                .count("lost")
                .and_then(|n| u32::try_from(n).ok())
                .unwrap_or(500),
            torn: self.faults.has("torn-write") || what.flag("torn"),
        }
    }

    /// Somebody else changes a file.
    fn meddle(&mut self, now: Instant, name: &'static str, what: &Use, marks: &mut Marks) {
        let n = what.count("file").unwrap_or(0) as usize;
        let Some((path, mut bytes)) = self
            .files
            .iter()
            .nth(n)
            .map(|(path, file)| (path.to_owned(), file.bytes.clone()))
        else {
            return;
        };
        let bytes = match name {
            "file-deleted" => None,
            "file-truncated" => {
                bytes.truncate(what.count("to").unwrap_or(0) as usize);
                Some(bytes)
            }
            "file-grown" => {
                bytes.resize(bytes.len() + what.count("by").unwrap_or(1) as usize, 0);
                Some(bytes)
            }
            _ => {
                self.rng.fill(&mut bytes);
                Some(bytes)
            }
        };
        self.tampered = true;
        marks.hit(name);
        self.files
            .meddle(&path, bytes, what.flag("quiet"), now.as_micros());
    }
}
