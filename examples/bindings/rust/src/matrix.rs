use crate::abi;
use crate::error::{check, check_length, Result};
use std::mem::{size_of, MaybeUninit};
use std::ptr;

/// A matrix that heads read and no layer learns: see [`crate::Builder::head_shared`].
#[derive(Debug)]
pub struct Matrix {
    pub(crate) handle: *mut abi::mf_matrix,
}

// SAFETY: nothing changes a matrix, and its reference count is atomic.
unsafe impl Send for Matrix {}
// SAFETY: as for Send.
unsafe impl Sync for Matrix {}

impl Matrix {
    /// With a row for each class; the values are copied.
    pub fn new(rows: usize, columns: usize, values: &[f32]) -> Result<Self> {
        check_length("values", values.len(), rows, columns)?;
        let mut spec = MaybeUninit::uninit();
        let mut handle = ptr::null_mut();
        // SAFETY: init fills every field, or fails; the slice has as many values as the library copies.
        unsafe {
            check(abi::mf_matrix_spec_init(
                spec.as_mut_ptr(),
                size_of::<abi::mf_matrix_spec>(),
            ))?;
            let mut spec = spec.assume_init();
            spec.rows = rows;
            spec.columns = columns;
            spec.values = values.as_ptr();
            check(abi::mf_matrix_create(&spec, &mut handle))?;
        }
        Ok(Matrix { handle })
    }
}

impl Drop for Matrix {
    fn drop(&mut self) {
        // SAFETY: the one free of the one create; what reads the matrix has a reference of its own.
        unsafe { abi::mf_matrix_free(self.handle) }
    }
}
