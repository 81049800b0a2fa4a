//! An error of Mesa's that is none.

/// To be called first. Without a desktop session, Mesa's device-select layer prints an error at every start;
/// what it would do, ordering adapters, is done by their kind here.
pub fn hush() {
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        #[allow(unsafe_code, reason = "no safe function sets a variable")]
        // SAFETY: no other thread runs yet.
        unsafe {
            std::env::set_var("NODEVICE_SELECT", "1");
        }
    }
}
