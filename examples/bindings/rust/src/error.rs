use crate::abi;
use std::ffi::CStr;
use std::fmt;

/// What every call that can fail gives.
pub type Result<T> = std::result::Result<T, Error>;

/// A failed call: a status of the library, and what went wrong in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    status: i32,
    message: String,
}

impl Error {
    pub(crate) fn new(status: i32, message: String) -> Self {
        Error { status, message }
    }

    /// One of the MF_STATUS_ constants in [`abi`].
    pub fn status(&self) -> i32 {
        self.status
    }

    /// The name of the status, such as "MF_STATUS_SHAPE".
    pub fn name(&self) -> &'static str {
        // SAFETY: every number has a name, and names are static.
        unsafe { CStr::from_ptr(abi::mf_status_name(self.status)) }
            .to_str()
            .unwrap_or("?")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name(), self.message)
    }
}

impl std::error::Error for Error {}

/// Turns a status into a result. The message belongs to this thread and is copied before the next call
/// replaces it.
pub(crate) fn check(status: i32) -> Result<()> {
    if status == abi::MF_STATUS_OK {
        return Ok(());
    }
    // SAFETY: never NULL, and valid until this thread's next failure.
    let message = unsafe { CStr::from_ptr(abi::mf_last_message()) };
    Err(Error::new(status, message.to_string_lossy().into_owned()))
}

/// Finds slices that the library would read beyond. What else can be wrong with a batch, it finds itself.
pub(crate) fn check_length(what: &str, length: usize, rows: usize, columns: usize) -> Result<()> {
    if Some(length) == rows.checked_mul(columns) {
        return Ok(());
    }
    let message = format!(
        "{} has {} values, expected {} rows of {}",
        what, length, rows, columns
    );
    Err(Error::new(abi::MF_STATUS_SHAPE, message))
}
