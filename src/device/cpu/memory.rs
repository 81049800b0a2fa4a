//! The machine's memory.

/// Bytes that are installed, where that is known.
pub fn installed() -> Option<u64> {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: two questions, which touch no memory of ours.
        let [pages, size] =
            [libc::_SC_PHYS_PAGES, libc::_SC_PAGESIZE].map(|name| unsafe { libc::sysconf(name) });
        Some(u64::try_from(pages).ok()? * u64::try_from(size).ok()?)
    }
    #[cfg(not(target_os = "linux"))]
    None
}
