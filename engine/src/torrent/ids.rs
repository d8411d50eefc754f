//! Numbers of connections and of requests to the driver.

use super::Digest;
use crate::id::{ConnId, OpId};
use serde::{Deserialize, Serialize};

/// Numbers that are given out once in the life of an engine.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Ids {
    conn: u64,
    op: u64,
}

impl Ids {
    /// The next connection that we dial.
    pub fn next_conn(&mut self) -> ConnId {
        self.conn += 1;
        ConnId::dialled(self.conn)
    }

    /// Takes what was given out so far into a digest.
    pub const fn digest(&self, digest: &mut Digest) {
        digest.word(self.conn);
        digest.word(self.op);
    }

    /// The next request to the driver.
    pub fn next_op(&mut self) -> OpId {
        self.op += 1;
        OpId(self.op)
    }
}
