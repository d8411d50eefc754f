//! See `tests::hostile::readers::url`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tests::hostile::readers::url(data));
