//! Bringing a viewer's state into the cache before its turn.
//!
//! A thousand viewers' states and keys do not fit the first caches. Visited one after the other
//! they would be waited for one after the other; asked for ahead, they come while others work.

/// Bytes of a cache line.
const LINE: usize = 64;

/// Ask for all of a value's own bytes (not those behind its pointers).
#[inline]
pub fn ahead<T>(value: *const T) {
    let start = value.cast::<u8>();
    for at in (0..size_of::<T>()).step_by(LINE) {
        line(start.wrapping_add(at));
    }
}

#[inline]
#[cfg(target_arch = "x86_64")]
fn line(address: *const u8) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: a hint; it reads nothing and faults for no address. SSE is part of x86-64.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
}

#[inline]
#[cfg(not(target_arch = "x86_64"))]
fn line(_: *const u8) {}
