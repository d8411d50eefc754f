//! Events as bytes: those that come with every block by hand, the rest in postcard's form.

use super::bytes::{Broken, Cursor, put, put_bytes, put_delta, put_value};
use super::kind;
use super::received::Heads;
use crate::block::{Block, Spans};
use crate::disk::{DiskDone, DiskError, FileStamp};
use crate::event::Event;
use crate::id::{ConnId, OpId, Sha1Digest};
use crate::time::{Duration, Instant};
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

/// The longest read of one range that an event stands for: storage answers with what one request asked for.
const READ_MAX: usize = 1 << 24;

/// What the writer and the reader know of the steps so far, alike.
#[derive(Clone, Debug, Default)]
pub(super) struct Codec {
    at: Instant,
    op: u64,
    heads: Heads,
}

/// Where the bytes of a read event are put together.
#[derive(Clone, Debug, Default)]
pub(super) struct Scratch {
    data: Vec<u8>,
    unread: Spans,
}

/// An event, read.
#[derive(Debug)]
pub(super) struct Told<'s> {
    pub(super) at: Instant,
    pub(super) event: Event<'s>,
    pub(super) unread: &'s [Range<usize>],
}

/// The answers of storage that come with no block.
#[derive(Serialize, Deserialize)]
enum Rare {
    Opened {
        files: Vec<Option<FileStamp>>,
        resume: Option<ByteBuf>,
    },
    Prepared,
    Digests(Vec<Sha1Digest>),
    Synced {
        files: Vec<Option<FileStamp>>,
    },
    Saved,
    Closed,
    Failed(DiskError),
    Metadata(Option<ByteBuf>),
    Arranged,
}

impl Codec {
    /// Time of the last step.
    pub(super) const fn at(&self) -> Instant {
        self.at
    }

    /// Appends an event. `unread` is what the engine did not look at, if it is `Received`.
    pub(super) fn put(
        &mut self,
        out: &mut Vec<u8>,
        now: Instant,
        event: &Event<'_>,
        unread: &[Range<usize>],
    ) {
        out.push(kind_of(event));
        let elapsed = now.as_micros().saturating_sub(self.at.as_micros());
        put(out, elapsed);
        self.at = self.at.max(now);
        match event {
            Event::Tick | Event::NetworkChanged => {}
            Event::Command(command) => put_value(out, command),
            Event::Accepted { conn, from } => {
                put_conn(out, *conn);
                put_value(out, from);
            }
            Event::Connected { conn } => put_conn(out, *conn),
            Event::Received { conn, data } => {
                put_conn(out, *conn);
                self.heads.put(out, *conn, data, unread);
            }
            Event::Sent { conn, bytes } => {
                put_conn(out, *conn);
                put(out, *bytes);
            }
            Event::Closed { conn, cause } => {
                self.heads.forget(*conn);
                put_conn(out, *conn);
                put_value(out, cause);
            }
            Event::Datagram { from, data } => {
                put_value(out, from);
                put_bytes(out, data);
            }
            Event::Multicast { group, from, data } => {
                put_value(out, group);
                put_value(out, from);
                put_bytes(out, data);
            }
            Event::DatagramError { to, fault } => {
                put_value(out, to);
                put_value(out, fault);
            }
            Event::Resolved { op, result } => {
                self.put_op(out, *op);
                put_value(out, result);
            }
            Event::DiskDone { op, result } => {
                self.put_op(out, *op);
                put_disk(out, result);
            }
        }
    }

    /// Reads what [`Codec::put`] wrote.
    pub(super) fn get<'s, 'j: 's>(
        &mut self,
        cursor: &mut Cursor<'j>,
        scratch: &'s mut Scratch,
    ) -> Result<Told<'s>, Broken> {
        let kind = cursor.byte()?;
        self.at += Duration::from_micros(cursor.number()?);
        let Scratch { data, unread } = scratch;
        unread.clear();
        let event = match kind {
            kind::TICK => Event::Tick,
            kind::NETWORK_CHANGED => Event::NetworkChanged,
            kind::COMMAND => Event::Command(cursor.value()?),
            kind::ACCEPTED => Event::Accepted {
                conn: conn(cursor)?,
                from: cursor.value()?,
            },
            kind::CONNECTED => Event::Connected { conn: conn(cursor)? },
            kind::RECEIVED => {
                let conn = conn(cursor)?;
                self.heads.get(cursor, conn, data, unread)?;
                Event::Received { conn, data }
            }
            kind::SENT => Event::Sent {
                conn: conn(cursor)?,
                bytes: cursor.number()?,
            },
            kind::CLOSED => {
                let conn = conn(cursor)?;
                self.heads.forget(conn);
                let cause = cursor.value()?;
                Event::Closed { conn, cause }
            }
            kind::DATAGRAM => Event::Datagram {
                from: cursor.value()?,
                data: cursor.sized()?,
            },
            kind::MULTICAST => Event::Multicast {
                group: cursor.value()?,
                from: cursor.value()?,
                data: cursor.sized()?,
            },
            kind::DATAGRAM_ERROR => Event::DatagramError {
                to: cursor.value()?,
                fault: cursor.value()?,
            },
            kind::RESOLVED => Event::Resolved {
                op: self.op(cursor)?,
                result: cursor.value()?,
            },
            kind => Event::DiskDone {
                op: self.op(cursor)?,
                result: disk(kind, cursor)?,
            },
        };
        Ok(Told {
            at: self.at,
            event,
            unread,
        })
    }

    fn put_op(&mut self, out: &mut Vec<u8>, op: OpId) {
        put_delta(out, self.op, op.0);
        self.op = op.0;
    }

    fn op(&mut self, cursor: &mut Cursor<'_>) -> Result<OpId, Broken> {
        self.op = cursor.delta(self.op)?;
        Ok(OpId(self.op))
    }
}

const fn kind_of(event: &Event<'_>) -> u8 {
    match event {
        Event::Tick => kind::TICK,
        Event::Command(_) => kind::COMMAND,
        Event::Accepted { .. } => kind::ACCEPTED,
        Event::Connected { .. } => kind::CONNECTED,
        Event::Received { .. } => kind::RECEIVED,
        Event::Sent { .. } => kind::SENT,
        Event::Closed { .. } => kind::CLOSED,
        Event::Datagram { .. } => kind::DATAGRAM,
        Event::Multicast { .. } => kind::MULTICAST,
        Event::DatagramError { .. } => kind::DATAGRAM_ERROR,
        Event::Resolved { .. } => kind::RESOLVED,
        Event::DiskDone { result, .. } => match result {
            Ok(DiskDone::Written) => kind::WRITTEN,
            Ok(DiskDone::Read(_)) => kind::READ,
            Ok(DiskDone::Hash(_)) => kind::HASH,
            Ok(_) | Err(_) => kind::DISK,
        },
        Event::NetworkChanged => kind::NETWORK_CHANGED,
    }
}

/// Which side numbered a connection goes into the lowest bit, so that the numbers stay small.
fn put_conn(out: &mut Vec<u8>, conn: ConnId) {
    put(out, conn.as_u64().rotate_left(1));
}

fn conn(cursor: &mut Cursor<'_>) -> Result<ConnId, Broken> {
    let number = cursor.number()?;
    Ok(if number & 1 == 1 {
        ConnId::accepted(number >> 1)
    } else {
        ConnId::dialled(number >> 1)
    })
}

fn put_disk(out: &mut Vec<u8>, result: &Result<DiskDone, DiskError>) {
    let rare = match result {
        Ok(DiskDone::Written) => return,
        Ok(DiskDone::Read(block)) => return put(out, block.len() as u64),
        Ok(DiskDone::Hash(digest)) => return out.extend_from_slice(digest),
        Ok(DiskDone::Opened { files, resume }) => Rare::Opened {
            files: files.clone(),
            resume: resume.clone().map(ByteBuf::from),
        },
        Ok(DiskDone::Arranged) => Rare::Arranged,
        Ok(DiskDone::Prepared) => Rare::Prepared,
        Ok(DiskDone::Digests(digests)) => Rare::Digests(digests.clone()),
        Ok(DiskDone::Synced { files }) => Rare::Synced { files: files.clone() },
        Ok(DiskDone::Saved) => Rare::Saved,
        Ok(DiskDone::Closed) => Rare::Closed,
        Ok(DiskDone::Metadata(saved)) => Rare::Metadata(saved.clone().map(ByteBuf::from)),
        Err(error) => Rare::Failed(error.clone()),
    };
    put_value(out, &rare);
}

fn disk(kind: u8, cursor: &mut Cursor<'_>) -> Result<Result<DiskDone, DiskError>, Broken> {
    Ok(Ok(match kind {
        kind::WRITTEN => DiskDone::Written,
        kind::READ => {
            let length = cursor.length()?;
            if length > READ_MAX {
                return Err(Broken::Nonsense);
            }
            DiskDone::Read(Block::from(vec![0; length]))
        }
        kind::HASH => DiskDone::Hash(cursor.array()?),
        kind::DISK => match cursor.value()? {
            Rare::Opened { files, resume } => DiskDone::Opened {
                files,
                resume: resume.map(ByteBuf::into_vec),
            },
            Rare::Arranged => DiskDone::Arranged,
            Rare::Prepared => DiskDone::Prepared,
            Rare::Digests(digests) => DiskDone::Digests(digests),
            Rare::Synced { files } => DiskDone::Synced { files },
            Rare::Saved => DiskDone::Saved,
            Rare::Closed => DiskDone::Closed,
            Rare::Metadata(saved) => DiskDone::Metadata(saved.map(ByteBuf::into_vec)),
            Rare::Failed(error) => return Ok(Err(error)),
        },
        _ => return Err(Broken::Nonsense),
    }))
}
