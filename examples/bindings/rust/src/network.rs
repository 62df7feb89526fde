use crate::abi;
use crate::error::{check, check_length, Error, Result};
use crate::layer::{describe, goodness_shape};
use crate::{Layer, Optimizer, Pipeline, PipelineReport, Workspace};
use std::ffi::CString;
use std::mem::{size_of, MaybeUninit};
use std::path::Path;
use std::ptr;

/// Which goodness answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The last layer's.
    Last = abi::MF_PREDICT_LAST as isize,
    /// The sum of all layers'.
    Sum = abi::MF_PREDICT_SUM as isize,
}

/// The best classes of rows, one row after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Top {
    /// The classes.
    pub labels: Vec<i32>,
    /// Their scores.
    pub goodness: Vec<f32>,
    /// What the softmax over all classes gives them.
    pub probabilities: Vec<f32>,
}

/// An ordered list of layers, with the optimizer that trains them.
#[derive(Debug)]
pub struct Network {
    pub(crate) handle: *mut abi::mf_network,
    optimizer: Option<Optimizer>,
    inputs: usize,
    // Of a row: one for each of its positions, where goodness is at positions.
    pub(crate) labels: usize,
    classes: usize,
}

// SAFETY: layers and optimizer came by value, so nobody else can reach them; reference counts are atomic.
unsafe impl Send for Network {}
// SAFETY: what takes &self reads, and the library lets many threads read.
unsafe impl Sync for Network {}

impl Network {
    /// A network of these layers, first to last.
    pub fn new(layers: impl IntoIterator<Item = Layer>, optimizer: Optimizer) -> Result<Self> {
        let mut network = Network {
            handle: ptr::null_mut(),
            optimizer: None,
            inputs: 0,
            labels: 1,
            classes: 0,
        };
        // SAFETY: the handles live; should a call fail, the drop of `network` undoes what was done.
        unsafe {
            check(abi::mf_network_create(ptr::null(), &mut network.handle))?;
            for layer in layers {
                check(abi::mf_network_append(
                    network.handle,
                    layer.handle,
                    ptr::null_mut(),
                ))?;
            }
        }
        network.measure()?;
        network.set_optimizer(optimizer)?;
        Ok(network)
    }

    /// Reads a model file. The network can predict; to train it, set an optimizer.
    pub fn load(path: &Path) -> Result<Self> {
        let text = path_text(path)?;
        let mut network = Network {
            handle: ptr::null_mut(),
            optimizer: None,
            inputs: 0,
            labels: 1,
            classes: 0,
        };
        // SAFETY: the text ends with 0 and outlives the call.
        check(unsafe { abi::mf_network_load(ptr::null(), text.as_ptr(), &mut network.handle) })?;
        network.measure()?;
        Ok(network)
    }

    /// Writes the layers to a model file.
    pub fn save(&self, path: &Path) -> Result<()> {
        let text = path_text(path)?;
        // SAFETY: the text ends with 0 and outlives the call.
        check(unsafe { abi::mf_network_save(self.handle, abi::MF_CONTENTS_MODEL, text.as_ptr()) })
    }

    // Remembers what slices are checked against.
    fn measure(&mut self) -> Result<()> {
        let first = self.layer_at(0)?;
        // SAFETY: the layer lives.
        let goodness = unsafe { goodness_shape(first)? };
        self.labels = if goodness.rank == 2 { goodness.dims[0] } else { 1 };
        let spec = self.describe(0)?;
        self.inputs = spec.inputs;
        self.classes = spec.classes;
        Ok(())
    }

    // The layer at a position, which lives as long as the network.
    fn layer_at(&self, position: usize) -> Result<*mut abi::mf_layer> {
        let mut layer = ptr::null_mut();
        // SAFETY: the handle lives.
        check(unsafe { abi::mf_network_layer(self.handle, position, &mut layer, ptr::null_mut()) })?;
        Ok(layer)
    }

    /// What the layer at a position is: its `mf_layer_spec`.
    pub fn describe(&self, position: usize) -> Result<abi::mf_layer_spec> {
        let layer = self.layer_at(position)?;
        // SAFETY: the layer lives.
        unsafe { describe(layer) }
    }

    /// Trains with another optimizer from now on; what the layers remember of the old one is forgotten.
    pub fn set_optimizer(&mut self, optimizer: Optimizer) -> Result<()> {
        // SAFETY: both handles live.
        check(unsafe { abi::mf_network_set_optimizer(self.handle, optimizer.handle) })?;
        self.optimizer = Some(optimizer);
        Ok(())
    }

    /// Changes a hyper-parameter of the optimizer, `key` being one of [`abi::MF_OPTIMIZER_LEARNING_RATE`] and
    /// its like. The optimizer itself is not lent out: it could be exchanged for that of a network in another
    /// thread.
    pub fn set(&mut self, key: i32, value: f64) -> Result<()> {
        let handle = self
            .optimizer
            .as_ref()
            .map_or(ptr::null_mut(), |optimizer| optimizer.handle);
        // SAFETY: the handle lives, or is NULL, which the library refuses.
        check(unsafe { abi::mf_optimizer_set(handle, key, value) })
    }

    /// Values in a row of input.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    // The rows of x, if that is what the labels say.
    pub(crate) fn labelled_rows(&self, x: &[f32], labels: &[i32]) -> Result<usize> {
        let rows = labels.len() / self.labels;
        check_length("labels", labels.len(), rows, self.labels)?;
        check_length("x", x.len(), rows, self.inputs)?;
        Ok(rows)
    }

    /// Trains every layer on one batch: `x` has a row of inputs for each label, or, for goodness at positions, for as
    /// many labels as a row has positions.
    pub fn step(&mut self, workspace: &mut Workspace, x: &[f32], labels: &[i32]) -> Result<()> {
        let rows = self.labelled_rows(x, labels)?;
        // SAFETY: as many values as the library reads.
        check(unsafe {
            abi::mf_network_step(
                self.handle,
                workspace.handle,
                rows,
                x.as_ptr(),
                labels.as_ptr(),
            )
        })
    }

    /// Fills the reports of the workspace for a labelled batch, without learning.
    pub fn evaluate(&self, workspace: &mut Workspace, x: &[f32], labels: &[i32]) -> Result<()> {
        let rows = self.labelled_rows(x, labels)?;
        // SAFETY: as many values as the library reads.
        check(unsafe {
            abi::mf_network_evaluate(
                self.handle,
                workspace.handle,
                rows,
                x.as_ptr(),
                labels.as_ptr(),
            )
        })
    }

    /// Writes the class of every row of `x` to `labels`.
    pub fn predict(
        &self,
        workspace: &mut Workspace,
        mode: Mode,
        x: &[f32],
        labels: &mut [i32],
    ) -> Result<()> {
        let rows = self.labelled_rows(x, labels)?;
        let mode = mode as i32;
        // SAFETY: as many values as the library reads and writes.
        check(unsafe {
            abi::mf_network_predict(
                self.handle,
                workspace.handle,
                mode,
                rows,
                x.as_ptr(),
                labels.as_mut_ptr(),
            )
        })
    }

    /// The probability of each class, for every row of `x`.
    pub fn probabilities(&self, workspace: &mut Workspace, mode: Mode, x: &[f32]) -> Result<Vec<f32>> {
        let rows = x.len() / self.inputs;
        check_length("x", x.len(), rows, self.inputs)?;
        let mut values = vec![0.0; rows * self.labels * self.classes];
        // SAFETY: as many values as the library reads and writes.
        check(unsafe {
            abi::mf_network_probabilities(
                self.handle,
                workspace.handle,
                mode as i32,
                rows,
                x.as_ptr(),
                values.as_mut_ptr(),
            )
        })?;
        Ok(values)
    }

    /// The `count` best classes of every row of `x`, best first.
    pub fn top(&self, workspace: &mut Workspace, mode: Mode, x: &[f32], count: usize) -> Result<Top> {
        let rows = x.len() / self.inputs;
        check_length("x", x.len(), rows, self.inputs)?;
        let room = rows * self.labels * count.min(self.classes); // more are refused
        let mut top = Top {
            labels: vec![0; room],
            goodness: vec![0.0; room],
            probabilities: vec![0.0; room],
        };
        let mut batch = MaybeUninit::uninit();
        // SAFETY: init fills every field; as many values as the library reads and writes.
        unsafe {
            check(abi::mf_batch_init(batch.as_mut_ptr(), size_of::<abi::mf_batch>()))?;
            let mut batch = batch.assume_init();
            batch.rows = rows;
            batch.inputs = x.as_ptr().cast();
            check(abi::mf_network_top(
                self.handle,
                workspace.handle,
                mode as i32,
                &batch,
                count,
                top.labels.as_mut_ptr(),
                top.goodness.as_mut_ptr(),
                top.probabilities.as_mut_ptr(),
            ))?;
        }
        Ok(top)
    }

    /// What the network is, as lines for people, with the memory that training on such batches takes.
    pub fn summary(&self, max_batch: usize) -> Result<String> {
        let mut needed = 0;
        // SAFETY: no room is needed to be told how much is.
        let status =
            unsafe { abi::mf_network_summary(self.handle, max_batch, ptr::null_mut(), 0, &mut needed) };
        if status != abi::MF_STATUS_CAPACITY {
            check(status)?;
        }
        let mut text = vec![0u8; needed];
        // SAFETY: as much room as is said.
        check(unsafe {
            let room = text.as_mut_ptr().cast();
            abi::mf_network_summary(self.handle, max_batch, room, text.len(), ptr::null_mut())
        })?;
        text.pop(); // the final 0
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// The names of a layer's parameters, in their order.
    pub fn parameter_names(&self, position: usize) -> Result<Vec<String>> {
        let layer = self.layer_at(position)?;
        let mut count = 0;
        let mut names = Vec::new();
        // SAFETY: the layer lives, and names as long as it.
        unsafe {
            check(abi::mf_layer_parameter_count(layer, &mut count))?;
            for i in 0..count {
                let mut info: abi::mf_parameter_info = MaybeUninit::zeroed().assume_init();
                info.struct_size = size_of::<abi::mf_parameter_info>() as u32;
                check(abi::mf_layer_parameter_info(layer, i, &mut info))?;
                let name = std::ffi::CStr::from_ptr(info.name);
                names.push(name.to_string_lossy().into_owned());
            }
        }
        Ok(names)
    }

    /// The values of a layer's "weight", "bias" or "projection".
    pub fn parameter(&self, position: usize, name: &str) -> Result<Vec<f32>> {
        let text = c_text(name)?;
        let layer = self.layer_at(position)?;
        let mut values = Vec::new();
        // SAFETY: the layer lives, and the vector has the count that is said.
        unsafe {
            values.resize(parameter_count(layer, name)?, 0.0);
            check(abi::mf_layer_get_parameter(
                layer,
                text.as_ptr(),
                values.as_mut_ptr(),
                values.len(),
            ))?;
        }
        Ok(values)
    }

    /// Replaces the values of a layer's parameter, such as the "head.counts" that candidates are drawn by.
    pub fn set_parameter(&mut self, position: usize, name: &str, values: &[f32]) -> Result<()> {
        let text = c_text(name)?;
        let layer = self.layer_at(position)?;
        // SAFETY: the layer lives, and the slice has the count that is said.
        check(unsafe {
            abi::mf_layer_set_parameter(layer, text.as_ptr(), values.as_ptr(), values.len())
        })
    }

    /// Trains the layers at the same time, on `workers` threads, while `work` submits batches of up to
    /// `max_batch` rows. `on_report` hears what every layer did with every batch, on this thread; true stops
    /// the pipeline. When `work` returns, what it has not flushed is dropped, and the layers are at rest.
    pub fn pipeline<T>(
        &mut self,
        workers: u32,
        max_batch: usize,
        mut on_report: impl FnMut(&PipelineReport) -> bool,
        work: impl FnOnce(&Pipeline<'_>) -> Result<T>,
    ) -> Result<T> {
        let pipeline = Pipeline::new(self, workers, max_batch, &mut on_report)?;
        work(&pipeline)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // SAFETY: the one free of the one create, or NULL.
        unsafe { abi::mf_network_free(self.handle) }
    }
}

// The number of values of a parameter; 0 for a name that is not there, which the library will say.
unsafe fn parameter_count(layer: *const abi::mf_layer, name: &str) -> Result<usize> {
    let mut parameters = 0;
    check(abi::mf_layer_parameter_count(layer, &mut parameters))?;
    for i in 0..parameters {
        let mut info: abi::mf_parameter_info = MaybeUninit::zeroed().assume_init();
        info.struct_size = size_of::<abi::mf_parameter_info>() as u32;
        check(abi::mf_layer_parameter_info(layer, i, &mut info))?;
        if std::ffi::CStr::from_ptr(info.name).to_bytes() == name.as_bytes() {
            return Ok(info.count);
        }
    }
    Ok(0)
}

fn c_text(text: impl Into<Vec<u8>>) -> Result<CString> {
    CString::new(text)
        .map_err(|_| Error::new(abi::MF_STATUS_ARGUMENT, "a character 0 within a text".to_string()))
}

fn path_text(path: &Path) -> Result<CString> {
    use std::os::unix::ffi::OsStrExt;
    c_text(path.as_os_str().as_bytes())
}
