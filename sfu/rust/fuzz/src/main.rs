//! libFuzzer on the target that `FUZZ_TARGET` names.
#![no_main]

use std::sync::OnceLock;

use sluice_media_fuzz::{Target, named};

static TARGET: OnceLock<Target> = OnceLock::new();

libfuzzer_sys::fuzz_target!(
    init: {
        let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
        let Some(target) = named(&name) else {
            eprintln!("FUZZ_TARGET={name:?} is no target");
            std::process::exit(2);
        };
        TARGET.get_or_init(|| target);
    },
    |bytes: &[u8]| {
        if let Some(target) = TARGET.get() {
            (target.run)(bytes);
        }
    }
);
