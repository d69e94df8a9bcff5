//! Media threads go before the threads that answer requests: a late answer is late, a late packet
//! is lost.

/// As `nice` counts: some ten times the share of an ordinary thread, where cores are scarce.
const NICE: libc::c_int = -10;

/// Raise the calling thread. Where this is not allowed (it takes root, CAP_SYS_NICE or a limit such
/// as LimitNICE= of systemd) it stays as it is: that is no error.
pub fn raise() {
    // SAFETY: takes no pointers. Linux understands 0 as the calling thread, not its process.
    let _ = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICE) };
}
