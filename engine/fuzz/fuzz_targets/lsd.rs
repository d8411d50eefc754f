//! See `tests::hostile::readers::lsd`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tests::hostile::readers::lsd(data));
