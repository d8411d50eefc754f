//! See `tests::hostile::readers::journal`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tests::hostile::readers::journal(data));
