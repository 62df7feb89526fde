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

    /// What its units were made from.
    pub fn units(&self) -> Result<Vec<abi::mf_unit_spec>> {
        let mut count = 0;
        let mut units = Vec::new();
        // SAFETY: the handle lives, and init fills every field of a spec.
        unsafe {
            check(abi::mf_layer_unit_count(self.handle, &mut count))?;
            for node in 1..=count {
                let mut spec = MaybeUninit::uninit();
                let size = size_of::<abi::mf_unit_spec>();
                check(abi::mf_unit_spec_init(spec.as_mut_ptr(), size))?;
                let mut spec = spec.assume_init();
                check(abi::mf_layer_unit(
                    self.handle,
                    node as i32,
                    &mut spec,
                    ptr::null_mut(),
                ))?;
                units.push(spec);
            }
        }
        Ok(units)
    }

    /// The shape of a row of its activation, for the [`crate::Builder`] of the next layer.
    pub fn shape(&self) -> Result<Vec<usize>> {
        let mut shape = MaybeUninit::uninit();
        // SAFETY: the handle lives, and init fills every field.
        let shape = unsafe {
            check(abi::mf_shape_init(shape.as_mut_ptr(), size_of::<abi::mf_shape>()))?;
            let mut shape = shape.assume_init();
            check(abi::mf_layer_shape(self.handle, ptr::null_mut(), &mut shape))?;
            shape
        };
        Ok(shape.dims[..shape.rank as usize].to_vec())
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

// SAFETY: as for describe().
pub(crate) unsafe fn goodness_shape(layer: *const abi::mf_layer) -> Result<abi::mf_shape> {
    let mut shape: abi::mf_shape = MaybeUninit::zeroed().assume_init();
    shape.struct_size = size_of::<abi::mf_shape>() as u32;
    check(abi::mf_layer_goodness_shape(layer, &mut shape))?;
    Ok(shape)
}
