//! See `tests::hostile::readers::metainfo`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tests::hostile::readers::metainfo(data));
