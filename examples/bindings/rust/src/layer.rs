use crate::abi;
use crate::error::{check, Result};
use std::mem::{size_of, MaybeUninit};
use std::ptr;

/// A layer, on its way into a network.
#[derive(Debug)]
pub struct Layer {
    pub(crate) handle: *mut abi::mf_layer,
}

// SAFETY: one owner, and the library may be called from any thread.
unsafe impl Send for Layer {}
// SAFETY: a shared reference offers nothing.
unsafe impl Sync for Layer {}

impl Layer {
    /// A dense layer with ReLU, unless `configure` says otherwise: it sees the fields of `mf_layer_spec` with
    /// their defaults.
    pub fn new(configure: impl FnOnce(&mut abi::mf_layer_spec)) -> Result<Self> {
        let mut spec = MaybeUninit::uninit();
        let mut handle = ptr::null_mut();
        // SAFETY: init fills every field, or fails. An allocator would be foreign code, so none gets through.
        unsafe {
            check(abi::mf_layer_spec_init(
                spec.as_mut_ptr(),
                size_of::<abi::mf_layer_spec>(),
            ))?;
            let mut spec = spec.assume_init();
            configure(&mut spec);
            spec.struct_size = size_of::<abi::mf_layer_spec>() as u32;
            spec.allocator = ptr::null();
            check(abi::mf_layer_create(&spec, &mut handle))?;
        }
        Ok(Layer { handle })
    }

    /// A dense layer of this shape.
    pub fn dense(inputs: usize, outputs: usize, classes: usize, seed: u64) -> Result<Self> {
        Layer::new(|spec| {
            spec.inputs = inputs;
            spec.outputs = outputs;
            spec.classes = classes;
            spec.seed = seed;
        })
    }
}

impl Drop for Layer {
    fn drop(&mut self) {
        // SAFETY: the one free of the one create; a network that took the layer has a reference of its own.
        unsafe { abi::mf_layer_free(self.handle) }
    }
}

/// What a layer is, by a handle that the caller knows to be alive.
pub(crate) unsafe fn describe(layer: *const abi::mf_layer) -> Result<abi::mf_layer_spec> {
    let mut spec: abi::mf_layer_spec = MaybeUninit::zeroed().assume_init();
    spec.struct_size = size_of::<abi::mf_layer_spec>() as u32;
    check(abi::mf_layer_describe(layer, &mut spec))?;
    Ok(spec)
}
