//! See `tests::hostile::readers::scenario`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tests::hostile::readers::scenario(data));
