//! See `tests::hostile::readers::magnet`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tests::hostile::readers::magnet(data));
