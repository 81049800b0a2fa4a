//! Whether the tile registers of AMX may be used.

/// Whether the processor has tiles of bytes, and the operating system lets this process use them.
///
/// Linux keeps the tiles' 8 KB away from a process until it asks ("Using XSTATE features in user space
/// applications", Documentation/arch/x86/xstate.rst); what is granted holds for all its threads.
pub fn is_lent() -> bool {
    has_tiles_of_bytes() && ask()
}

/// CPUID leaf 7: AMX-TILE and AMX-INT8; XCR0: the system saves configuration and data of tiles.
fn has_tiles_of_bytes() -> bool {
    use std::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};
    const OSXSAVE: u32 = 1 << 27;
    const TILES_OF_BYTES: u32 = 1 << 24 | 1 << 25;
    const SAVED: u64 = 1 << 17 | 1 << 18;
    #[target_feature(enable = "xsave")]
    fn saved() -> u64 {
        // SAFETY: register 0 is there wherever the instruction is.
        unsafe { _xgetbv(0) }
    }
    // SAFETY of the block: the instruction is there where OSXSAVE says so.
    #[allow(unused_unsafe, reason = "safe in some versions of the standard library")]
    unsafe {
        __cpuid(0).eax >= 7
            && __cpuid(1).ecx & OSXSAVE != 0
            && __cpuid_count(7, 0).edx & TILES_OF_BYTES == TILES_OF_BYTES
            && saved() & SAVED == SAVED
    }
}

#[cfg(target_os = "linux")]
fn ask() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
    const XFEATURE_XTILEDATA: libc::c_long = 18;
    // SAFETY: the call reads no memory of ours.
    unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0 }
}

/// Elsewhere it is not known how to ask.
#[cfg(not(target_os = "linux"))]
fn ask() -> bool {
    false
}
