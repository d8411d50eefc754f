//! See `tests::hostile::readers::handshake`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tests::hostile::readers::handshake(data));
