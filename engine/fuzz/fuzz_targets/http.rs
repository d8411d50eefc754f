//! See `tests::hostile::readers::http`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tests::hostile::readers::http(data));
