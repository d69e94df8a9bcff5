//! The clocks and limits of the operating system.

use std::io;

/// `CLOCK_MONOTONIC` in nanoseconds; the clock behind `Instant`.
pub(crate) fn monotonic_ns() -> u64 {
    clock_ns(libc::CLOCK_MONOTONIC)
}

/// What to take from a kernel timestamp (`CLOCK_REALTIME`) to get `CLOCK_MONOTONIC`, in ns.
pub(crate) fn realtime_offset_ns() -> u64 {
    clock_ns(libc::CLOCK_REALTIME).saturating_sub(monotonic_ns())
}

/// CPU seconds, user and system, that the calling thread has used.
pub(crate) fn thread_cpu_s() -> f64 {
    clock_ns(libc::CLOCK_THREAD_CPUTIME_ID) as f64 / 1e9
}

/// Let the process open `wanted` files; as many as allowed when that is more than the limit.
pub(crate) fn raise_file_limit(wanted: u64) -> io::Result<()> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is a valid rlimit for the kernel to write.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) } != 0 {
        return Err(io::Error::last_os_error());
    }
    if limit.rlim_cur >= wanted {
        return Ok(());
    }
    limit.rlim_cur = wanted.min(limit.rlim_max);
    // SAFETY: `limit` is a valid rlimit.
    match unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

fn clock_ns(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a valid timespec; these clocks exist on every Linux, so it cannot fail.
    unsafe { libc::clock_gettime(clock, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_monotonic_clock_is_the_real_one_less_the_offset() {
        let monotonic = monotonic_ns();
        let converted = clock_ns(libc::CLOCK_REALTIME) - realtime_offset_ns();
        assert!(converted.abs_diff(monotonic) < 1_000_000_000);
    }
}
