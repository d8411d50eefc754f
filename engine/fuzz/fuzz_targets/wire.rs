//! See `tests::hostile::readers::wire`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tests::hostile::readers::wire(data));
