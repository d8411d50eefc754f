//! See `tests::hostile::readers::resume`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tests::hostile::readers::resume(data));
