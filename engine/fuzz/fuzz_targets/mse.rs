//! See `tests::hostile::readers::mse`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tests::hostile::readers::mse(data));
