//! Tests of reading and writing torrents.
