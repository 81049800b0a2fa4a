#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| cipherbatch_fuzz::npy(data));
