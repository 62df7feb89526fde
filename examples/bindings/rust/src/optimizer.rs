use crate::abi;
use crate::error::{check, Result};
use std::mem::{size_of, MaybeUninit};
use std::ptr;

/// Hyper-parameters, on their way into a network.
#[derive(Debug)]
pub struct Optimizer {
    pub(crate) handle: *mut abi::mf_optimizer,
}

// SAFETY: one owner, and the library may be called from any thread.
unsafe impl Send for Optimizer {}
// SAFETY: a shared reference offers nothing that changes it.
unsafe impl Sync for Optimizer {}

impl Optimizer {
    /// Adam, unless `configure` says otherwise: it sees the fields of `mf_optimizer_spec` with their
    /// defaults.
    pub fn new(configure: impl FnOnce(&mut abi::mf_optimizer_spec)) -> Result<Self> {
        let mut spec = MaybeUninit::uninit();
        let mut handle = ptr::null_mut();
        // SAFETY: init fills every field, or fails. An allocator would be foreign code, so none gets through.
        unsafe {
            check(abi::mf_optimizer_spec_init(
                spec.as_mut_ptr(),
                size_of::<abi::mf_optimizer_spec>(),
            ))?;
            let mut spec = spec.assume_init();
            configure(&mut spec);
            spec.struct_size = size_of::<abi::mf_optimizer_spec>() as u32;
            spec.allocator = ptr::null();
            check(abi::mf_optimizer_create(&spec, &mut handle))?;
        }
        Ok(Optimizer { handle })
    }
}

impl Drop for Optimizer {
    fn drop(&mut self) {
        // SAFETY: the one free of the one create.
        unsafe { abi::mf_optimizer_free(self.handle) }
    }
}
