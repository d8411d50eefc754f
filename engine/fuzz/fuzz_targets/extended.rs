//! See `tests::hostile::readers::extended`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tests::hostile::readers::extended(data));
