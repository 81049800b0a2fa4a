//! Large pages for large tiles: a slice touches every row, each on a page of its own otherwise.

/// Asks the operating system for large pages under memory that is not touched yet. A wish: where it
/// is not granted, or not on Linux, nothing changes but the speed.
pub fn advise(data: &mut [u32]) {
    #[cfg(target_os = "linux")]
    {
        /// The size of a large page on x86-64, and usual elsewhere.
        const LARGE: usize = 2 << 20;
        let range = data.as_mut_ptr_range();
        let start = (range.start as usize).next_multiple_of(LARGE);
        let end = range.end as usize / LARGE * LARGE;
        if start < end {
            // SAFETY: the range lies within `data`, and this advice changes no content.
            unsafe { libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_HUGEPAGE) };
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = data;
}
