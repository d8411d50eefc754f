//! The oracles by their ids: what is always true of a run (I), what comes true in the end (L), and what several runs
//! have in common (M).

/// Number of oracles.
pub const COUNT: usize = 63;

/// An oracle, for lists and reports.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OracleInfo {
    /// Its id, as failures name it.
    pub id: &'static str,
    /// What it demands, a sentence.
    pub text: &'static str,
    /// When it has anything to look at: its precondition, which has to hold somewhere in a sweep.
    pub when: &'static str,
}

/// An oracle.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
#[allow(missing_docs)] // the sentences stand in the table below
pub enum Oracle {
    I1,
    I2,
    I3,
    I4,
    I5,
    I6,
    I7,
    I8,
    I9,
    I10,
    I11,
    I12,
    I13,
    I14,
    I15,
    I16,
    I17,
    I18,
    I19,
    I20,
    I21,
    I22,
    I23,
    I24,
    I25,
    I26,
    I27,
    I28,
    I29,
    I30,
    I31,
    I32,
    I33,
    I34,
    I35,
    I36,
    I37,
    I38,
    I39,
    I40,
    I41,
    I42,
    I43,
    I44,
    I45,
    L1,
    L2,
    L3,
    L4,
    L5,
    L6,
    L7,
    L8,
    L9,
    L10,
    L11,
    M1,
    M2,
    M3,
    M4,
    M5,
    M6,
    M9,
}

/// All of them, in the order of [`Oracle`].
pub const ORACLES: &[OracleInfo] = &[
    info(
        "I1",
        "a piece is announced (have, bitfield) only after its hash matched",
        "a piece was announced",
    ),
    info(
        "I2",
        "the bytes on the disk of a verified piece are those of the torrent",
        "a verified piece was compared",
    ),
    info(
        "I3",
        "the verified set shrinks only by a recheck or a disk error",
        "pieces were verified before",
    ),
    info(
        "I4",
        "nothing is written outside of a block of the torrent, nor to a path outside of its folder",
        "a block was written or files were named",
    ),
    info(
        "I5",
        "no block of a verified piece is written again",
        "a block was written while pieces were verified",
    ),
    info(
        "I6",
        "requests go only to peers that have the piece and let us ask for it",
        "a request was sent",
    ),
    info(
        "I7",
        "each request is one whole block of the torrent",
        "a request was sent",
    ),
    info(
        "I8",
        "nothing is requested twice but in end-game, and what has come is cancelled elsewhere",
        "a block was requested while blocks were outstanding",
    ),
    info(
        "I9",
        "no more requests are outstanding at a peer than it and our limits allow",
        "a request was sent",
    ),
    info(
        "I10",
        "what the engine counts as outstanding is what was asked on the wire",
        "a peer with requests was compared",
    ),
    info(
        "I11",
        "what the engine believes that peers have is what they said",
        "a peer's pieces were compared",
    ),
    info(
        "I12",
        "no honest peer is banned",
        "an honest peer and a failed piece were there",
    ),
    info(
        "I13",
        "who provably sent bad data is banned",
        "a piece failed whose blocks all came from one address",
    ),
    info(
        "I14",
        "only verified, requested, uncancelled data is sent, to peers that may have it",
        "a block was sent to a peer",
    ),
    info(
        "I15",
        "no more interested peers are unchoked than there are slots, and the optimistic one goes round",
        "a peer was unchoked",
    ),
    info(
        "I16",
        "we are interested in a peer exactly when it has something that we want",
        "a peer's interest was compared",
    ),
    info(
        "I17",
        "handshake first, bitfield only behind it, nothing after the end",
        "a message was sent to a peer",
    ),
    info(
        "I18",
        "buffers and queues keep to their bounds",
        "bytes or jobs waited",
    ),
    info(
        "I19",
        "no input makes the engine panic, and an over-long message ends its connection",
        "bytes of a peer were read",
    ),
    info(
        "I20",
        "connections and dials keep to their limits, and no peer is connected twice",
        "a connection was there",
    ),
    info(
        "I21",
        "announces come in the right order, never too close, with true counters",
        "an announce was sent",
    ),
    info(
        "I22",
        "a UDP tracker is asked again after 15 s times a power of two",
        "a packet was sent to a tracker that did not answer the last",
    ),
    info(
        "I23",
        "no connection id is used that is too old or of another tracker",
        "a connection id was used",
    ),
    info(
        "I24",
        "a private torrent offers no peer exchange and no DHT, does none, and dials only whom its trackers name",
        "a handshake of a private torrent was sent",
    ),
    info(
        "I25",
        "the deadline is later after its tick, nothing loops, and a sleep lets nobody seem dead",
        "a tick came",
    ),
    info(
        "I26",
        "a copy of a world goes on as the original does",
        "a world was copied",
    ),
    info(
        "I27",
        "no number of a job, a lookup or a connection is used twice",
        "a job was given",
    ),
    info(
        "I28",
        "rate limits hold over any second and any ten seconds, within a block or 5 %",
        "bytes passed under a limit",
    ),
    info(
        "I29",
        "no action is addressed to a connection that is not there",
        "an action named a connection",
    ),
    info(
        "I30",
        "a saved state names no piece that was not verified and synced before",
        "a state was saved",
    ),
    info(
        "I31",
        "no more is fetched twice than faults and end-game explain",
        "a download ended",
    ),
    info(
        "I32",
        "what is kept is linear in peers and pieces",
        "tables were counted",
    ),
    info(
        "I33",
        "a paused torrent dials nobody and sends nothing to peers",
        "an action came while paused",
    ),
    info(
        "I34",
        "a shutdown ends in time with every connection closed",
        "a shutdown was commanded",
    ),
    info("I35", "reports come in order", "a report came"),
    info(
        "I36",
        "every byte that came from peers is in exactly one class of the ledger, blocks in the right one",
        "bytes of a peer were read",
    ),
    info(
        "I37",
        "where encryption is required, nothing is said to a peer in plain",
        "something was said to a peer",
    ),
    info(
        "I38",
        "metadata is believed only when it is the torrent's, and before it is here nothing is had and little kept",
        "a torrent was without metadata, or some was believed",
    ),
    info(
        "I39",
        "peers are exchanged once a minute, with those who take it, and only peers that are or were connected",
        "peers were exchanged",
    ),
    info(
        "I40",
        "the local network is told of running torrents, once a minute, in the form of BEP 14",
        "the local network was told of a torrent",
    ),
    info(
        "I41",
        "no peer is left without a word for longer than the time of the keep-alives",
        "a tick came while a peer was connected",
    ),
    info(
        "I42",
        "a peer with the Fast extension that is choked gets what it asked for, or is refused it at once",
        "a peer with the Fast extension was choked",
    ),
    info(
        "I43",
        "what an engine counts is what comes of counting again, and what passed its boundary",
        "an engine's figures were counted again",
    ),
    info(
        "I44",
        "what an engine says of itself to its user is true, and fit for a terminal",
        "an engine was asked",
    ),
    info(
        "I45",
        "a damaged .torrent file is refused, or read as what it is with safe paths",
        "a damaged file was read",
    ),
    info(
        "L1",
        "a download that can be completed is completed in bounded time",
        "a core was there after the faults",
    ),
    info(
        "L2",
        "a request that is not answered is given up in time",
        "a request was outstanding for long",
    ),
    info(
        "L3",
        "a tracker is contacted within its back-off",
        "a tracker was healthy after the faults",
    ),
    info(
        "L4",
        "an interested peer is unchoked within some rounds",
        "a peer was interested for many rounds",
    ),
    info(
        "L5",
        "a needed block that an idle peer would give is asked for at once",
        "a peer that unchoked us was idle",
    ),
    info(
        "L6",
        "a known peer is dialled again when its back-off is over",
        "a peer was alone after the faults",
    ),
    info(
        "L7",
        "the download goes on when the disk works again",
        "the disk had failed",
    ),
    info(
        "L8",
        "what was verified before a pause is verified after it",
        "a torrent was resumed",
    ),
    info(
        "L9",
        "after a change of the network connections are made again",
        "the network had changed",
    ),
    info("L10", "a shutdown ends", "a shutdown was commanded"),
    info("L11", "engines among themselves finish", "only engines took part"),
    info(
        "M1",
        "reads that are cut otherwise lead to the same end",
        "a run was repeated with cut reads",
    ),
    info(
        "M2",
        "a run that begins later goes the same way",
        "a recorded engine was replayed later",
    ),
    info(
        "M3",
        "other addresses lead to the same end",
        "a run was repeated at other addresses",
    ),
    info(
        "M4",
        "a crash at any step leads to the same files",
        "a run was repeated with a crash",
    ),
    info(
        "M5",
        "an idle peer more prevents nothing",
        "a run was repeated with idle peers",
    ),
    info(
        "M6",
        "a scaled-down torrent leads to the same decisions as one of real sizes",
        "a run without limits of bytes was repeated with larger blocks",
    ),
    info(
        "M9",
        "a recorded engine goes the same way again",
        "a recorded engine was replayed",
    ),
];

const fn info(id: &'static str, text: &'static str, when: &'static str) -> OracleInfo {
    OracleInfo { id, text, when }
}

impl Oracle {
    /// Its entry in [`ORACLES`].
    pub const fn info(self) -> &'static OracleInfo {
        &ORACLES[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_ids() {
        assert_eq!(ORACLES.len(), COUNT);
        assert_eq!(Oracle::M9 as usize, COUNT - 1);
        for (n, oracle) in [
            (0, Oracle::I1),
            (27, Oracle::I28),
            (36, Oracle::I37),
            (44, Oracle::I45),
            (45, Oracle::L1),
        ] {
            assert_eq!(
                (oracle as usize, oracle.info().id),
                (n, format!("{oracle:?}").as_str())
            );
        }
        for pair in ORACLES.windows(2) {
            assert_ne!(pair[0].id, pair[1].id);
        }
    }
}
