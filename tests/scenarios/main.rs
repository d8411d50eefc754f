//! Behaviour of whole engines in virtual time, one behaviour a test, its timeline as a snapshot where it is worth
//! reading.

mod announce;
mod chaos;
mod check;
mod choking;
mod claim;
mod connections;
mod corruption;
mod download;
mod ledger;
mod probe;
mod queue;
mod recheck;
mod resume;
mod storage;
mod super_seeding;
mod swarm;
mod two_torrents;
