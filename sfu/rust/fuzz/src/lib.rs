//! Everything of the media plane that reads a stranger's bytes, as functions of bytes.
//!
//! A target must never panic, whatever it gets, and checks what its reader promises. `make fuzz`
//! gives it inputs that libFuzzer makes from the files in `seeds/<target>`; the tests give it
//! those files as they are.

mod demux;
mod depacketize;
mod framing;
mod header;
mod rtcp;
mod svc;

/// One function of bytes and the name of its folder of seeds.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    pub name: &'static str,
    pub run: fn(&[u8]),
}

pub const TARGETS: &[Target] = &[
    Target {
        name: "demux",
        run: demux::run,
    },
    Target {
        name: "rtcp",
        run: rtcp::run,
    },
    Target {
        name: "depacketize",
        run: depacketize::run,
    },
    Target {
        name: "framing",
        run: framing::run,
    },
    Target {
        name: "header",
        run: header::run,
    },
    Target {
        name: "svc",
        run: svc::run,
    },
];

pub fn named(name: &str) -> Option<Target> {
    TARGETS.iter().find(|target| target.name == name).copied()
}
