//! See `tests::hostile::readers::bencode`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tests::hostile::readers::bencode(data));
