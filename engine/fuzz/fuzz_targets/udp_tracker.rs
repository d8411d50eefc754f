//! See `tests::hostile::readers::udp_tracker`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tests::hostile::readers::udp_tracker(data));
