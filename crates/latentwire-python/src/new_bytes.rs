//! Bytes objects that are made while Python is held and filled while it is not.
//!
//! To copy a packet takes a few hundred nanoseconds, and for the first touch of new memory the kernel
//! takes a microsecond a page: as long as writing the packet. Threads do this side by side, and only
//! ask for the objects one after another.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// A bytes object that has its size and not yet its contents.
pub(crate) struct NewBytes {
    object: Py<PyBytes>,
    contents: *mut u8,
    len: usize,
}

impl NewBytes {
    /// A new object of `len` bytes.
    pub(crate) fn new(py: Python<'_>, len: usize) -> PyResult<Self> {
        let size = ffi::Py_ssize_t::try_from(len)?;
        // SAFETY: Python is held, and a null pointer asks for contents that are not initialized. What
        // comes back is null or a new reference to a bytes object, whose contents `AsString` gives.
        #[expect(unsafe_code, reason = "pyo3 fills bytes objects only while Python is held")]
        let (object, contents) = unsafe {
            let pointer = ffi::PyBytes_FromStringAndSize(std::ptr::null(), size);
            let object =
                Bound::from_owned_ptr_or_err(py, pointer)?.cast_into_unchecked::<PyBytes>();
            (object.unbind(), ffi::PyBytes_AsString(pointer).cast::<u8>())
        };
        Ok(Self { object, contents, len })
    }

    /// How many bytes it has.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The object with its contents, from any thread.
    ///
    /// # Panics
    ///
    /// If there are not as many as it has bytes.
    pub(crate) fn fill(self, contents: &[u8]) -> Py<PyBytes> {
        assert_eq!(contents.len(), self.len);
        // SAFETY: `self.contents` points to `self.len` bytes that live as long as `self.object`, are
        // not part of `contents`, and are neither read nor written by anybody else: this value has
        // had the only reference to the object since it was made, `fill` takes it, and the garbage
        // collector does not visit bytes.
        #[expect(unsafe_code, reason = "pyo3 fills bytes objects only while Python is held")]
        unsafe {
            self.contents.copy_from_nonoverlapping(contents.as_ptr(), self.len);
        }
        self.object
    }
}
