//! See `tests::hostile::readers::http_tracker`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tests::hostile::readers::http_tracker(data));
