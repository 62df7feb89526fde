use crate::abi;
use crate::error::{check, Error, Result};
use crate::{Layer, Matrix};
use std::mem::{size_of, MaybeUninit};
use std::ptr;

/// Makes layers of several units. Each call adds one and returns the builder, so that calls can be chained:
///
/// ```no_run
/// # fn main() -> monoforward::Result<()> {
/// let block = monoforward::Builder::new(&[16, 32, 32], 1)
///     .conv2d(16).batch_norm().relu().conv2d(16).batch_norm().add(0).relu().head(10).build()?;
/// # Ok(())
/// # }
/// ```
///
/// The first failure stays, and [`Builder::build`] returns it.
#[derive(Debug)]
pub struct Builder {
    handle: *mut abi::mf_builder,
    failure: Option<Error>,
    node: i32,
    next: i32,
}

// SAFETY: one owner, and the library may be called from any thread.
unsafe impl Send for Builder {}
// SAFETY: a shared reference offers nothing that changes it.
unsafe impl Sync for Builder {}

impl Builder {
    /// For layers whose rows have this shape, `[values]` or `[maps, height, width]`. Equal seeds give equal
    /// parameters; 0 stands for the next seed of the process.
    pub fn new(shape: &[usize], seed: u64) -> Self {
        Builder::with(shape, |spec| spec.seed = seed)
    }

    /// The same with all options: `configure` sees the fields of `mf_builder_spec` with their defaults.
    pub fn with(shape: &[usize], configure: impl FnOnce(&mut abi::mf_builder_spec)) -> Self {
        let mut builder = Builder {
            handle: ptr::null_mut(),
            failure: None,
            node: 0,
            next: abi::MF_NODE_PREVIOUS,
        };
        builder.failure = builder.create(shape, configure).err();
        builder
    }

    fn create(&mut self, sizes: &[usize], configure: impl FnOnce(&mut abi::mf_builder_spec)) -> Result<()> {
        let mut shape = MaybeUninit::uninit();
        let mut spec = MaybeUninit::uninit();
        // SAFETY: init fills every field, or fails; the shape outlives the call that copies it. An allocator
        // would be foreign code, so none gets through.
        unsafe {
            check(abi::mf_shape_init(shape.as_mut_ptr(), size_of::<abi::mf_shape>()))?;
            let mut shape = shape.assume_init();
            shape.rank = sizes.len() as i32;
            for (dim, size) in shape.dims.iter_mut().zip(sizes) {
                *dim = *size;
            }
            check(abi::mf_builder_spec_init(
                spec.as_mut_ptr(),
                size_of::<abi::mf_builder_spec>(),
            ))?;
            let mut spec = spec.assume_init();
            configure(&mut spec);
            spec.struct_size = size_of::<abi::mf_builder_spec>() as u32;
            spec.input = &shape;
            spec.allocator = ptr::null();
            check(abi::mf_builder_create(&spec, &mut self.handle))
        }
    }

    /// Adds any unit: `configure` sees the fields of `mf_unit_spec` with their defaults.
    pub fn unit(mut self, kind: i32, configure: impl FnOnce(&mut abi::mf_unit_spec)) -> Self {
        if self.failure.is_none() {
            self.failure = self.try_unit(kind, configure).err();
        }
        self
    }

    fn try_unit(&mut self, kind: i32, configure: impl FnOnce(&mut abi::mf_unit_spec)) -> Result<()> {
        let mut spec = MaybeUninit::uninit();
        // SAFETY: init fills every field, or fails; the spec is copied.
        unsafe {
            check(abi::mf_unit_spec_init(
                spec.as_mut_ptr(),
                size_of::<abi::mf_unit_spec>(),
            ))?;
            let mut spec = spec.assume_init();
            configure(&mut spec);
            spec.struct_size = size_of::<abi::mf_unit_spec>() as u32;
            spec.kind = kind;
            if self.next != abi::MF_NODE_PREVIOUS {
                spec.inputs[0] = self.next;
                self.next = abi::MF_NODE_PREVIOUS;
            }
            check(abi::mf_builder_unit(self.handle, &spec, &mut self.node))
        }
    }

    /// A fully connected unit.
    pub fn dense(self, outputs: usize) -> Self {
        self.unit(abi::MF_UNIT_DENSE, |spec| spec.outputs = outputs)
    }

    /// A convolution of 3 x 3 that keeps the size of the maps.
    pub fn conv2d(self, filters: usize) -> Self {
        self.conv2d_with(filters, 3, 1, 1)
    }

    /// A convolution with a square kernel.
    pub fn conv2d_with(self, filters: usize, kernel: usize, padding: usize, stride: usize) -> Self {
        self.unit(abi::MF_UNIT_CONV2D, |spec| {
            spec.outputs = filters;
            spec.kernel = [kernel; 2];
            spec.padding = [padding; 2];
            spec.stride = [stride; 2];
        })
    }

    /// A batch normalisation.
    pub fn batch_norm(self) -> Self {
        self.unit(abi::MF_UNIT_BATCH_NORM, |_| ())
    }

    /// The kind is one of [`abi::MF_ACTIVATION_RELU`] and its like.
    pub fn activation(self, kind: i32) -> Self {
        self.unit(abi::MF_UNIT_ACTIVATION, |spec| spec.activation = kind)
    }

    pub fn relu(self) -> Self {
        self.activation(abi::MF_ACTIVATION_RELU)
    }

    pub fn leaky_relu(self, leak: f32) -> Self {
        self.unit(abi::MF_UNIT_ACTIVATION, |spec| {
            spec.activation = abi::MF_ACTIVATION_LEAKY_RELU;
            spec.leak = leak;
        })
    }

    pub fn tanh(self) -> Self {
        self.activation(abi::MF_ACTIVATION_TANH)
    }

    pub fn gelu(self) -> Self {
        self.activation(abi::MF_ACTIVATION_GELU)
    }

    pub fn silu(self) -> Self {
        self.activation(abi::MF_ACTIVATION_SILU)
    }

    /// The largest value of each window; windows are `stride` apart, and 0 is their size.
    pub fn max_pool(self, size: usize, stride: usize) -> Self {
        self.pool(abi::MF_POOL_MAX, size, stride)
    }

    /// The mean of each window.
    pub fn average_pool(self, size: usize, stride: usize) -> Self {
        self.pool(abi::MF_POOL_AVERAGE, size, stride)
    }

    fn pool(self, kind: i32, size: usize, stride: usize) -> Self {
        self.unit(abi::MF_UNIT_POOL, |spec| {
            spec.pool = kind;
            spec.kernel = [size; 2];
            spec.stride = [stride; 2];
        })
    }

    /// Sets values to 0 at random in steps; with `maps`, whole maps.
    pub fn dropout(self, rate: f32, maps: bool) -> Self {
        self.unit(abi::MF_UNIT_DROPOUT, |spec| {
            spec.dropout = rate;
            spec.dropout_maps = i32::from(maps);
        })
    }

    /// Layer normalisation: of the values of a row, or of each position of a sequence.
    pub fn layer_norm(self) -> Self {
        self.unit(abi::MF_UNIT_LAYER_NORM, |_| ())
    }

    /// The mean of each map, or of the positions of a sequence.
    pub fn global_pool(self) -> Self {
        self.unit(abi::MF_UNIT_GLOBAL_POOL, |_| ())
    }

    /// A sequence [T, d] turned into [d, T], so that what follows works along the positions.
    pub fn transpose(self) -> Self {
        self.unit(abi::MF_UNIT_TRANSPOSE, |_| ())
    }

    /// Maps [d, height, width] as a sequence [height width, d].
    pub fn tokens(self) -> Self {
        self.unit(abi::MF_UNIT_TOKENS, |_| ())
    }

    /// A sequence or maps as a row of all their values, which takes no time.
    pub fn flatten(self) -> Self {
        self.unit(abi::MF_UNIT_FLATTEN, |_| ())
    }

    /// Adds learned positions to a sequence.
    pub fn positions(self) -> Self {
        self.unit(abi::MF_UNIT_POSITIONS, |_| ())
    }

    /// `outputs` learned values for each token: of a row of T tokens, the layer's input, the sequence [T, outputs].
    pub fn embedding(self, vocabulary: usize, outputs: usize) -> Self {
        self.unit(abi::MF_UNIT_EMBEDDING, |spec| {
            spec.inputs = [0, 0];
            spec.vocabulary = vocabulary;
            spec.outputs = outputs;
        })
    }

    /// Multi-head attention: of [T, 3 d], queries, keys and values behind each other, it makes [T, d].
    pub fn attention(self, heads: usize, causal: bool) -> Self {
        self.unit(abi::MF_UNIT_ATTENTION, |spec| {
            spec.heads = heads;
            spec.causal = i32::from(causal);
        })
    }

    /// Adds a node to the one before; 0 is the layer's input.
    pub fn add(self, node: i32) -> Self {
        self.unit(abi::MF_UNIT_ADD, |spec| {
            spec.inputs = [abi::MF_NODE_PREVIOUS, node]
        })
    }

    /// Puts the values of a node behind those of the one before.
    pub fn concat(self, node: i32) -> Self {
        self.unit(abi::MF_UNIT_CONCAT, |spec| {
            spec.inputs = [abi::MF_NODE_PREVIOUS, node]
        })
    }

    /// Adds the units of a ready-made block: `configure` sees the fields of `mf_block_spec` with their defaults.
    pub fn block(mut self, kind: i32, configure: impl FnOnce(&mut abi::mf_block_spec)) -> Self {
        if self.failure.is_none() {
            self.failure = self.try_block(kind, configure).err();
        }
        self
    }

    fn try_block(&mut self, kind: i32, configure: impl FnOnce(&mut abi::mf_block_spec)) -> Result<()> {
        let mut spec = MaybeUninit::uninit();
        // SAFETY: init fills every field, or fails; the spec is copied.
        unsafe {
            check(abi::mf_block_spec_init(
                spec.as_mut_ptr(),
                size_of::<abi::mf_block_spec>(),
            ))?;
            let mut spec = spec.assume_init();
            configure(&mut spec);
            spec.struct_size = size_of::<abi::mf_block_spec>() as u32;
            spec.kind = kind;
            if self.next != abi::MF_NODE_PREVIOUS {
                spec.input = self.next;
                self.next = abi::MF_NODE_PREVIOUS;
            }
            check(abi::mf_builder_block(self.handle, &spec, &mut self.node))
        }
    }

    /// Two convolutions and a skip; 0 outputs: as many maps as its input has.
    pub fn residual(self, outputs: usize, stride: usize) -> Self {
        self.block(abi::MF_BLOCK_RESIDUAL, |spec| {
            spec.outputs = outputs;
            spec.stride = [stride; 2];
        })
    }

    /// A convolution of a quarter of the maps between two of 1 x 1, and a skip.
    pub fn bottleneck(self, outputs: usize, stride: usize) -> Self {
        self.block(abi::MF_BLOCK_BOTTLENECK, |spec| {
            spec.outputs = outputs;
            spec.stride = [stride; 2];
        })
    }

    /// Products along the positions and along the values of a sequence.
    pub fn mixer(self) -> Self {
        self.block(abi::MF_BLOCK_MIXER, |_| ())
    }

    /// Attention and two products behind it.
    pub fn transformer(self, heads: usize, causal: bool) -> Self {
        self.block(abi::MF_BLOCK_TRANSFORMER, |spec| {
            spec.heads = heads;
            spec.causal = i32::from(causal);
        })
    }

    /// The next unit or block reads this node instead of the one before.
    pub fn branch(mut self, node: i32) -> Self {
        self.next = node;
        self
    }

    /// A projection to the classes.
    pub fn head(self, classes: usize) -> Self {
        self.head_with(|spec| spec.classes = classes)
    }

    /// The head: `configure` sees the fields of `mf_head_spec` with their defaults. Its field `shared` is ignored: what
    /// is there need not live, so it is for [`Builder::head_shared`].
    pub fn head_with(self, configure: impl FnOnce(&mut abi::mf_head_spec)) -> Self {
        self.add_head(ptr::null(), configure)
    }

    /// A head that reads this matrix, for as many layers as read it; they keep it.
    pub fn head_shared(self, matrix: &Matrix, configure: impl FnOnce(&mut abi::mf_head_spec)) -> Self {
        self.add_head(matrix.handle, configure)
    }

    fn add_head(
        mut self,
        shared: *const abi::mf_matrix,
        configure: impl FnOnce(&mut abi::mf_head_spec),
    ) -> Self {
        if self.failure.is_none() {
            self.failure = self.try_head(shared, configure).err();
        }
        self
    }

    fn try_head(
        &mut self,
        shared: *const abi::mf_matrix,
        configure: impl FnOnce(&mut abi::mf_head_spec),
    ) -> Result<()> {
        let mut spec = MaybeUninit::uninit();
        // SAFETY: init fills every field, or fails; the spec is copied. The matrix is NULL or lives, whatever
        // `configure` has made of it.
        unsafe {
            check(abi::mf_head_spec_init(
                spec.as_mut_ptr(),
                size_of::<abi::mf_head_spec>(),
            ))?;
            let mut spec = spec.assume_init();
            configure(&mut spec);
            spec.struct_size = size_of::<abi::mf_head_spec>() as u32;
            spec.shared = shared;
            check(abi::mf_builder_head(self.handle, &spec))
        }
    }

    /// The number of the node that was added last; 0 if there is none.
    pub fn node(&self) -> i32 {
        self.node
    }

    /// Makes a layer, and another one each time.
    pub fn build(&mut self) -> Result<Layer> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let mut handle = ptr::null_mut();
        // SAFETY: the handle lives.
        check(unsafe { abi::mf_layer_build(self.handle, &mut handle) })?;
        Ok(Layer { handle })
    }
}

impl Drop for Builder {
    fn drop(&mut self) {
        // SAFETY: the one free of the one create, or NULL.
        unsafe { abi::mf_builder_free(self.handle) }
    }
}
