//! See `tests::hostile::events::run`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tests::hostile::events::run(data));
