//! See `tests::hostile::readers::ut_pex`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tests::hostile::readers::ut_pex(data));
