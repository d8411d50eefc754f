//! Behaviour of whole engines in virtual time, one behaviour a test, with its timeline as a snapshot.

mod download;
