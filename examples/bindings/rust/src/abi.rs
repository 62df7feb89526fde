//! The ABI of libmonoforward 0.2.0. Written by abi/generate.py: do not edit.
//!
//! SPDX-License-Identifier: MIT
use std::os::raw::{c_char, c_void};

#[repr(C)]
pub struct mf_optimizer {
    _private: [u8; 0],
}

#[repr(C)]
pub struct mf_layer {
    _private: [u8; 0],
}

#[repr(C)]
pub struct mf_workspace {
    _private: [u8; 0],
}

#[repr(C)]
pub struct mf_matrix {
    _private: [u8; 0],
}

#[repr(C)]
pub struct mf_builder {
    _private: [u8; 0],
}

#[repr(C)]
pub struct mf_network {
    _private: [u8; 0],
}

#[repr(C)]
pub struct mf_pool {
    _private: [u8; 0],
}

#[repr(C)]
pub struct mf_pipeline {
    _private: [u8; 0],
}

pub const MF_STATUS_OK: i32 = 0;
pub const MF_STATUS_ARGUMENT: i32 = 1;
pub const MF_STATUS_HANDLE: i32 = 2;
pub const MF_STATUS_SHAPE: i32 = 3;
pub const MF_STATUS_LABEL: i32 = 4;
pub const MF_STATUS_CAPACITY: i32 = 5;
pub const MF_STATUS_MEMORY: i32 = 6;
pub const MF_STATUS_OVERFLOW: i32 = 7;
pub const MF_STATUS_NUMERIC: i32 = 8;
pub const MF_STATUS_UNSUPPORTED: i32 = 9;
pub const MF_STATUS_STALE: i32 = 10;
pub const MF_STATUS_STATE: i32 = 11;
pub const MF_STATUS_NOT_FOUND: i32 = 12;
pub const MF_STATUS_BUSY: i32 = 13;
pub const MF_STATUS_IO: i32 = 14;
pub const MF_STATUS_FORMAT: i32 = 15;
pub const MF_STATUS_VERSION: i32 = 16;
pub const MF_OPTIMIZER_SGD: i32 = 0;
pub const MF_OPTIMIZER_ADAM: i32 = 1;
pub const MF_OPTIMIZER_ADAMW: i32 = 2;
pub const MF_OPTIMIZER_RMSPROP: i32 = 3;
pub const MF_OPTIMIZER_LEARNING_RATE: i32 = 0;
pub const MF_OPTIMIZER_MOMENTUM: i32 = 1;
pub const MF_OPTIMIZER_NESTEROV: i32 = 2;
pub const MF_OPTIMIZER_BETA1: i32 = 3;
pub const MF_OPTIMIZER_BETA2: i32 = 4;
pub const MF_OPTIMIZER_EPSILON: i32 = 5;
pub const MF_OPTIMIZER_WEIGHT_DECAY: i32 = 6;
pub const MF_OPTIMIZER_CLIP_NORM: i32 = 7;
pub const MF_OPTIMIZER_CHECKED: i32 = 8;
pub const MF_LAYER_DENSE: i32 = 0;
pub const MF_LAYER_CONV2D: i32 = 1;
pub const MF_LAYER_UNITS: i32 = 2;
pub const MF_POOL_NONE: i32 = 0;
pub const MF_POOL_AVERAGE: i32 = 1;
pub const MF_POOL_MAX: i32 = 2;
pub const MF_POOL_AVERAGE_INSIDE: i32 = 3;
pub const MF_NORMALIZATION_NONE: i32 = 0;
pub const MF_NORMALIZATION_BATCH: i32 = 1;
pub const MF_ACTIVATION_IDENTITY: i32 = 0;
pub const MF_ACTIVATION_RELU: i32 = 1;
pub const MF_ACTIVATION_LEAKY_RELU: i32 = 2;
pub const MF_ACTIVATION_TANH: i32 = 3;
pub const MF_ACTIVATION_GELU: i32 = 4;
pub const MF_ACTIVATION_SILU: i32 = 5;
pub const MF_INIT_KAIMING_UNIFORM: i32 = 0;
pub const MF_INIT_ZERO: i32 = 1;
pub const MF_INIT_ORTHOGONAL: i32 = 2;
pub const MF_INIT_NORMAL: i32 = 3;
pub const MF_PRECISION_FLOAT32: i32 = 0;
pub const MF_PRECISION_BF16: i32 = 1;
pub const MF_LAYER_DROPOUT: i32 = 0;
pub const MF_LAYER_LABEL_SMOOTHING: i32 = 1;
pub const MF_TYPE_FLOAT32: i32 = 0;
pub const MF_TYPE_INT32: i32 = 1;
pub const MF_TYPE_UINT8: i32 = 2;
pub const MF_TYPE_BF16: i32 = 3;
pub const MF_UNIT_DENSE: i32 = 0;
pub const MF_UNIT_CONV2D: i32 = 1;
pub const MF_UNIT_BATCH_NORM: i32 = 2;
pub const MF_UNIT_ACTIVATION: i32 = 3;
pub const MF_UNIT_POOL: i32 = 4;
pub const MF_UNIT_DROPOUT: i32 = 5;
pub const MF_UNIT_ADD: i32 = 6;
pub const MF_UNIT_LAYER_NORM: i32 = 7;
pub const MF_UNIT_GLOBAL_POOL: i32 = 8;
pub const MF_UNIT_CONCAT: i32 = 9;
pub const MF_UNIT_TRANSPOSE: i32 = 10;
pub const MF_UNIT_TOKENS: i32 = 11;
pub const MF_UNIT_POSITIONS: i32 = 12;
pub const MF_UNIT_ATTENTION: i32 = 13;
pub const MF_UNIT_EMBEDDING: i32 = 14;
pub const MF_UNIT_FLATTEN: i32 = 15;
pub const MF_BLOCK_RESIDUAL: i32 = 0;
pub const MF_BLOCK_BOTTLENECK: i32 = 1;
pub const MF_BLOCK_MIXER: i32 = 2;
pub const MF_BLOCK_TRANSFORMER: i32 = 3;
pub const MF_HEAD_LINEAR: i32 = 0;
pub const MF_HEAD_POSITIONS: i32 = 1;
pub const MF_SAMPLING_NONE: i32 = 0;
pub const MF_SAMPLING_UNIFORM: i32 = 1;
pub const MF_SAMPLING_LOG_UNIFORM: i32 = 2;
pub const MF_SAMPLING_COUNTS: i32 = 3;
pub const MF_PREDICT_LAST: i32 = 0;
pub const MF_PREDICT_SUM: i32 = 1;
pub const MF_METADATA_NAME_BYTES: i32 = 255;
pub const MF_METADATA_VALUE_BYTES: i32 = 1048576;
pub const MF_METADATA_BYTES: i32 = 8388608;
pub const MF_METADATA_ENTRIES: i32 = 1024;
pub const MF_WORKSPACE_TRAINING: i32 = 0;
pub const MF_WORKSPACE_INFERENCE: i32 = 1;
pub const MF_WORKSPACE_CONVERT: i32 = 2;
pub const MF_CONTENTS_MODEL: i32 = 0;
pub const MF_CONTENTS_TRAINING: i32 = 1;
pub const MF_SEED_AUTO: u64 = 0;
pub const MF_ACTIVATION_AUTO: i32 = -1;
pub const MF_NODE_PREVIOUS: i32 = -1;
pub const MF_LABEL_IGNORED: i32 = -100;

pub type mf_allocator_alloc = unsafe extern "C" fn(user: *mut c_void, bytes: usize, alignment: usize) -> *mut c_void;
pub type mf_allocator_free = unsafe extern "C" fn(user: *mut c_void, pointer: *mut c_void, bytes: usize);
pub type mf_pipeline_spec_on_report = unsafe extern "C" fn(user: *mut c_void, report: *const mf_pipeline_report) -> i32;
pub type mf_output_write = unsafe extern "C" fn(user: *mut c_void, bytes: *const c_void, count: usize) -> i32;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_allocator {
    pub alloc: Option<mf_allocator_alloc>,
    pub free: Option<mf_allocator_free>,
    pub user: *mut c_void,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_optimizer_spec {
    pub struct_size: u32,
    pub kind: i32,
    pub nesterov: i32,
    pub learning_rate: f32,
    pub momentum: f32,
    pub beta1: f32,
    pub beta2: f32,
    pub epsilon: f32,
    pub weight_decay: f32,
    pub clip_norm: f32,
    pub allocator: *const mf_allocator,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_layer_spec {
    pub struct_size: u32,
    pub kind: i32,
    pub inputs: usize,
    pub outputs: usize,
    pub classes: usize,
    pub activation: i32,
    pub bias: i32,
    pub weight_init: i32,
    pub projection_init: i32,
    pub weight_gain: f32,
    pub projection_gain: f32,
    pub leak: f32,
    pub dropout: f32,
    pub label_smoothing: f32,
    pub seed: u64,
    pub allocator: *const mf_allocator,
    pub normalization: i32,
    pub normalization_rate: f32,
    pub normalization_epsilon: f32,
    pub pool: i32,
    pub channels: usize,
    pub height: usize,
    pub width: usize,
    pub filters: usize,
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub padding: [usize; 2],
    pub pool_size: [usize; 2],
    pub pool_stride: [usize; 2],
    pub head_size: usize,
    pub dropout_maps: i32,
    pub precision: i32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_shape {
    pub struct_size: u32,
    pub rank: i32,
    pub dims: [usize; 4],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_parameter_info {
    pub struct_size: u32,
    pub r#type: i32,
    pub trainable: i32,
    pub rank: i32,
    pub dims: [usize; 4],
    pub count: usize,
    pub name: *const c_char,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_batch {
    pub struct_size: u32,
    pub input_type: i32,
    pub target_type: i32,
    pub rows: usize,
    pub inputs: *const c_void,
    pub input_stride: usize,
    pub targets: *const c_void,
    pub sample_weights: *const f32,
    pub input_scale: f32,
    pub input_shift: f32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_matrix_spec {
    pub struct_size: u32,
    pub rows: usize,
    pub columns: usize,
    pub values: *const f32,
    pub allocator: *const mf_allocator,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_unit_spec {
    pub struct_size: u32,
    pub kind: i32,
    pub inputs: [i32; 2],
    pub outputs: usize,
    pub bias: i32,
    pub weight_init: i32,
    pub weight_gain: f32,
    pub activation: i32,
    pub leak: f32,
    pub pool: i32,
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub padding: [usize; 2],
    pub dropout: f32,
    pub dropout_maps: i32,
    pub normalization_rate: f32,
    pub normalization_epsilon: f32,
    pub reserved2: i32,
    pub reserved: i32,
    pub heads: usize,
    pub causal: i32,
    pub reserved3: i32,
    pub vocabulary: usize,
    pub groups: usize,
    pub loss_weight: f32,
    pub reserved4: i32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_block_spec {
    pub struct_size: u32,
    pub kind: i32,
    pub input: i32,
    pub activation: i32,
    pub outputs: usize,
    pub stride: [usize; 2],
    pub hidden: usize,
    pub token_hidden: usize,
    pub heads: usize,
    pub causal: i32,
    pub reserved: i32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_head_spec {
    pub struct_size: u32,
    pub kind: i32,
    pub classes: usize,
    pub pool_size: usize,
    pub projection_init: i32,
    pub projection_gain: f32,
    pub label_smoothing: f32,
    pub output_node: i32,
    pub sampling: i32,
    pub reserved: i32,
    pub candidates: usize,
    pub similarity: f32,
    pub reserved2: i32,
    pub shared: *const mf_matrix,
    pub input_node: i32,
    pub reserved3: i32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_builder_spec {
    pub struct_size: u32,
    pub dropout_maps: i32,
    pub input: *const mf_shape,
    pub dropout: f32,
    pub precision: i32,
    pub seed: u64,
    pub allocator: *const mf_allocator,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_network_spec {
    pub struct_size: u32,
    pub allocator: *const mf_allocator,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_pool_spec {
    pub struct_size: u32,
    pub threads: u32,
    pub allocator: *const mf_allocator,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_workspace_spec {
    pub struct_size: u32,
    pub purpose: i32,
    pub network: *mut mf_network,
    pub layer: *mut mf_layer,
    pub max_batch: usize,
    pub allocator: *const mf_allocator,
    pub pool: *mut mf_pool,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_report {
    pub struct_size: u32,
    pub reserved: u32,
    pub rows: u64,
    pub correct: u64,
    pub loss: f64,
    pub gradient_norm: f64,
    pub applied: u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_memory {
    pub struct_size: u32,
    pub reserved: u32,
    pub layers: usize,
    pub state: usize,
    pub network: usize,
    pub optimizer: usize,
    pub workspace: usize,
    pub total: usize,
    pub arena: usize,
    pub shared: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_memory_spec {
    pub struct_size: u32,
    pub purpose: i32,
    pub layers: *const *const mf_layer_spec,
    pub builders: *const *mut mf_builder,
    pub count: usize,
    pub optimizer: *const mf_optimizer_spec,
    pub max_batch: usize,
    pub threads: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_pipeline_report {
    pub struct_size: u32,
    pub status: i32,
    pub batch: u64,
    pub position: u64,
    pub rows: u64,
    pub correct: u64,
    pub loss: f64,
    pub gradient_norm: f64,
    pub applied: u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_pipeline_progress_info {
    pub struct_size: u32,
    pub status: i32,
    pub submitted: u64,
    pub finished: u64,
    pub failed_batch: u64,
    pub failed_position: u64,
    pub missed: u64,
    pub groups: u64,
    pub stopped: i32,
    pub reserved: i32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_pipeline_spec {
    pub struct_size: u32,
    pub workers: u32,
    pub network: *mut mf_network,
    pub max_batch: usize,
    pub depth: usize,
    pub on_report: Option<mf_pipeline_spec_on_report>,
    pub user: *mut c_void,
    pub allocator: *const mf_allocator,
    pub pool: *mut mf_pool,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_output {
    pub struct_size: u32,
    pub reserved: u32,
    pub write: Option<mf_output_write>,
    pub user: *mut c_void,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_load_spec {
    pub struct_size: u32,
    pub contents: i32,
    pub max_bytes: u64,
    pub allocator: *const mf_allocator,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct mf_onnx_spec {
    pub struct_size: u32,
    pub features: i32,
    pub path: *const c_char,
    pub buffer: *const c_void,
    pub bytes: usize,
    pub cuts: *const *const c_char,
    pub cut_count: usize,
    pub last: *const c_char,
    pub frozen: usize,
    pub classes: usize,
    pub pool_size: usize,
    pub seed: u64,
    pub max_bytes: u64,
    pub allocator: *const mf_allocator,
}

extern "C" {
    pub fn mf_version() -> *const c_char;
    pub fn mf_status_name(status: i32) -> *const c_char;
    pub fn mf_last_message() -> *const c_char;
    pub fn mf_arena_init(buffer: *mut c_void, bytes: usize, allocator: *mut mf_allocator) -> i32;
    pub fn mf_optimizer_spec_init(spec: *mut mf_optimizer_spec, size: usize) -> i32;
    pub fn mf_optimizer_create(spec: *const mf_optimizer_spec, optimizer: *mut *mut mf_optimizer) -> i32;
    pub fn mf_optimizer_free(optimizer: *mut mf_optimizer);
    pub fn mf_optimizer_set(optimizer: *mut mf_optimizer, key: i32, value: f64) -> i32;
    pub fn mf_optimizer_get(optimizer: *const mf_optimizer, key: i32, value: *mut f64) -> i32;
    pub fn mf_optimizer_range(key: i32, lowest: *mut f64, highest: *mut f64) -> i32;
    pub fn mf_schedule_cosine(step: u64, total: u64, floor: f64) -> f64;
    pub fn mf_schedule_step(step: u64, interval: u64, factor: f64) -> f64;
    pub fn mf_schedule_warmup(step: u64, steps: u64) -> f64;
    pub fn mf_layer_spec_init(spec: *mut mf_layer_spec, size: usize) -> i32;
    pub fn mf_layer_spec_follow(spec: *mut mf_layer_spec, before: *const mf_layer_spec) -> i32;
    pub fn mf_batch_init(batch: *mut mf_batch, size: usize) -> i32;
    pub fn mf_shape_init(shape: *mut mf_shape, size: usize) -> i32;
    pub fn mf_parameter_info_init(info: *mut mf_parameter_info, size: usize) -> i32;
    pub fn mf_layer_create(spec: *const mf_layer_spec, layer: *mut *mut mf_layer) -> i32;
    pub fn mf_layer_free(layer: *mut mf_layer);
    pub fn mf_layer_describe(layer: *const mf_layer, spec: *mut mf_layer_spec) -> i32;
    pub fn mf_layer_shape(layer: *const mf_layer, input: *mut mf_shape, output: *mut mf_shape) -> i32;
    pub fn mf_layer_goodness_shape(layer: *const mf_layer, shape: *mut mf_shape) -> i32;
    pub fn mf_layer_set(layer: *mut mf_layer, key: i32, value: f64) -> i32;
    pub fn mf_layer_get(layer: *const mf_layer, key: i32, value: *mut f64) -> i32;
    pub fn mf_layer_set_classes(layer: *mut mf_layer, classes: usize) -> i32;
    pub fn mf_layer_set_optimizer(layer: *mut mf_layer, optimizer: *mut mf_optimizer) -> i32;
    pub fn mf_layer_optimizer(layer: *const mf_layer, optimizer: *mut *mut mf_optimizer) -> i32;
    pub fn mf_layer_parameter_count(layer: *const mf_layer, count: *mut usize) -> i32;
    pub fn mf_layer_parameter_info(layer: *const mf_layer, index: usize, info: *mut mf_parameter_info) -> i32;
    pub fn mf_layer_get_parameter(layer: *const mf_layer, name: *const c_char, values: *mut f32, count: usize) -> i32;
    pub fn mf_layer_set_parameter(layer: *mut mf_layer, name: *const c_char, values: *const f32, count: usize) -> i32;
    pub fn mf_layer_set_trainable(layer: *mut mf_layer, name: *const c_char, trainable: i32) -> i32;
    pub fn mf_layer_step(layer: *mut mf_layer, workspace: *mut mf_workspace, rows: usize, x: *const f32, y: *const i32, a: *mut f32) -> i32;
    pub fn mf_layer_step_batch(layer: *mut mf_layer, workspace: *mut mf_workspace, batch: *const mf_batch, a: *mut f32) -> i32;
    pub fn mf_layer_gradients(layer: *mut mf_layer, workspace: *mut mf_workspace, batch: *const mf_batch, a: *mut f32, gradients: *mut f32, count: usize) -> i32;
    pub fn mf_layer_apply(layer: *mut mf_layer, gradients: *const f32, count: usize) -> i32;
    pub fn mf_layer_forward(layer: *const mf_layer, workspace: *mut mf_workspace, rows: usize, x: *const f32, a: *mut f32) -> i32;
    pub fn mf_layer_forward_batch(layer: *const mf_layer, workspace: *mut mf_workspace, batch: *const mf_batch, a: *mut f32) -> i32;
    pub fn mf_layer_pass_batch(layer: *mut mf_layer, workspace: *mut mf_workspace, batch: *const mf_batch, a: *mut f32) -> i32;
    pub fn mf_layer_goodness(layer: *const mf_layer, workspace: *mut mf_workspace, rows: usize, a: *const f32, goodness: *mut f32) -> i32;
    pub fn mf_matrix_spec_init(spec: *mut mf_matrix_spec, size: usize) -> i32;
    pub fn mf_matrix_create(spec: *const mf_matrix_spec, matrix: *mut *mut mf_matrix) -> i32;
    pub fn mf_matrix_from_parameter(layer: *const mf_layer, name: *const c_char, allocator: *const mf_allocator, matrix: *mut *mut mf_matrix) -> i32;
    pub fn mf_matrix_free(matrix: *mut mf_matrix);
    pub fn mf_matrix_size(matrix: *const mf_matrix, rows: *mut usize, columns: *mut usize) -> i32;
    pub fn mf_matrix_values(matrix: *const mf_matrix, values: *mut f32, count: usize) -> i32;
    pub fn mf_unit_spec_init(spec: *mut mf_unit_spec, size: usize) -> i32;
    pub fn mf_block_spec_init(spec: *mut mf_block_spec, size: usize) -> i32;
    pub fn mf_head_spec_init(spec: *mut mf_head_spec, size: usize) -> i32;
    pub fn mf_builder_spec_init(spec: *mut mf_builder_spec, size: usize) -> i32;
    pub fn mf_builder_create(spec: *const mf_builder_spec, builder: *mut *mut mf_builder) -> i32;
    pub fn mf_builder_from_spec(spec: *const mf_layer_spec, builder: *mut *mut mf_builder) -> i32;
    pub fn mf_builder_free(builder: *mut mf_builder);
    pub fn mf_builder_unit(builder: *mut mf_builder, unit: *const mf_unit_spec, node: *mut i32) -> i32;
    pub fn mf_builder_block(builder: *mut mf_builder, block: *const mf_block_spec, node: *mut i32) -> i32;
    pub fn mf_builder_head(builder: *mut mf_builder, head: *const mf_head_spec) -> i32;
    pub fn mf_builder_shape(builder: *const mf_builder, node: i32, shape: *mut mf_shape) -> i32;
    pub fn mf_layer_build(builder: *mut mf_builder, layer: *mut *mut mf_layer) -> i32;
    pub fn mf_layer_unit_count(layer: *const mf_layer, count: *mut usize) -> i32;
    pub fn mf_layer_unit(layer: *const mf_layer, node: i32, unit: *mut mf_unit_spec, output: *mut mf_shape) -> i32;
    pub fn mf_layer_head(layer: *const mf_layer, head: *mut mf_head_spec) -> i32;
    pub fn mf_network_spec_init(spec: *mut mf_network_spec, size: usize) -> i32;
    pub fn mf_network_create(spec: *const mf_network_spec, network: *mut *mut mf_network) -> i32;
    pub fn mf_network_free(network: *mut mf_network);
    pub fn mf_network_size(network: *const mf_network, size: *mut usize) -> i32;
    pub fn mf_network_append(network: *mut mf_network, layer: *mut mf_layer, id: *mut u64) -> i32;
    pub fn mf_network_insert(network: *mut mf_network, position: usize, layer: *mut mf_layer, id: *mut u64) -> i32;
    pub fn mf_network_remove(network: *mut mf_network, id: u64) -> i32;
    pub fn mf_network_replace(network: *mut mf_network, id: u64, layer: *mut mf_layer) -> i32;
    pub fn mf_network_layer(network: *const mf_network, position: usize, layer: *mut *mut mf_layer, id: *mut u64) -> i32;
    pub fn mf_network_position(network: *const mf_network, id: u64, position: *mut usize) -> i32;
    pub fn mf_network_set_optimizer(network: *mut mf_network, optimizer: *mut mf_optimizer) -> i32;
    pub fn mf_network_set_classes(network: *mut mf_network, classes: usize) -> i32;
    pub fn mf_network_set_input_scaling(network: *mut mf_network, shift: *const f32, scale: *const f32, count: usize) -> i32;
    pub fn mf_network_input_scaling(network: *const mf_network, shift: *mut f32, scale: *mut f32, capacity: usize, count: *mut usize) -> i32;
    pub fn mf_network_step(network: *mut mf_network, workspace: *mut mf_workspace, rows: usize, x: *const f32, y: *const i32) -> i32;
    pub fn mf_network_step_batch(network: *mut mf_network, workspace: *mut mf_workspace, batch: *const mf_batch) -> i32;
    pub fn mf_network_step_layer(network: *mut mf_network, workspace: *mut mf_workspace, position: usize, rows: usize, x: *const f32, y: *const i32) -> i32;
    pub fn mf_network_step_layer_batch(network: *mut mf_network, workspace: *mut mf_workspace, position: usize, batch: *const mf_batch) -> i32;
    pub fn mf_network_evaluate(network: *const mf_network, workspace: *mut mf_workspace, rows: usize, x: *const f32, y: *const i32) -> i32;
    pub fn mf_network_evaluate_batch(network: *const mf_network, workspace: *mut mf_workspace, batch: *const mf_batch) -> i32;
    pub fn mf_network_predict(network: *const mf_network, workspace: *mut mf_workspace, mode: i32, rows: usize, x: *const f32, labels: *mut i32) -> i32;
    pub fn mf_network_goodness(network: *const mf_network, workspace: *mut mf_workspace, mode: i32, rows: usize, x: *const f32, goodness: *mut f32) -> i32;
    pub fn mf_network_probabilities(network: *const mf_network, workspace: *mut mf_workspace, mode: i32, rows: usize, x: *const f32, probabilities: *mut f32) -> i32;
    pub fn mf_network_infer(network: *const mf_network, workspace: *mut mf_workspace, mode: i32, batch: *const mf_batch, labels: *mut i32, goodness: *mut f32, probabilities: *mut f32) -> i32;
    pub fn mf_network_top(network: *const mf_network, workspace: *mut mf_workspace, mode: i32, batch: *const mf_batch, count: usize, labels: *mut i32, goodness: *mut f32, probabilities: *mut f32) -> i32;
    pub fn mf_pool_spec_init(spec: *mut mf_pool_spec, size: usize) -> i32;
    pub fn mf_pool_create(spec: *const mf_pool_spec, pool: *mut *mut mf_pool) -> i32;
    pub fn mf_pool_free(pool: *mut mf_pool);
    pub fn mf_pool_threads(pool: *const mf_pool, threads: *mut u32) -> i32;
    pub fn mf_network_metadata_set(network: *mut mf_network, name: *const c_char, value: *const c_char) -> i32;
    pub fn mf_network_metadata_get(network: *const mf_network, name: *const c_char, value: *mut *const c_char) -> i32;
    pub fn mf_network_metadata_count(network: *const mf_network, count: *mut usize) -> i32;
    pub fn mf_network_metadata_at(network: *const mf_network, index: usize, name: *mut *const c_char, value: *mut *const c_char) -> i32;
    pub fn mf_network_metadata_remove(network: *mut mf_network, name: *const c_char) -> i32;
    pub fn mf_report_init(report: *mut mf_report, size: usize) -> i32;
    pub fn mf_memory_init(memory: *mut mf_memory, size: usize) -> i32;
    pub fn mf_network_memory(layers: *const *const mf_layer_spec, count: usize, optimizer: *const mf_optimizer_spec, purpose: i32, max_batch: usize, memory: *mut mf_memory) -> i32;
    pub fn mf_network_memory_built(builders: *const *mut mf_builder, count: usize, optimizer: *const mf_optimizer_spec, purpose: i32, max_batch: usize, memory: *mut mf_memory) -> i32;
    pub fn mf_memory_spec_init(spec: *mut mf_memory_spec, size: usize) -> i32;
    pub fn mf_memory_query(spec: *const mf_memory_spec, memory: *mut mf_memory) -> i32;
    pub fn mf_network_summary(network: *const mf_network, max_batch: usize, text: *mut c_char, size: usize, needed: *mut usize) -> i32;
    pub fn mf_workspace_spec_init(spec: *mut mf_workspace_spec, size: usize) -> i32;
    pub fn mf_workspace_create(spec: *const mf_workspace_spec, workspace: *mut *mut mf_workspace) -> i32;
    pub fn mf_workspace_free(workspace: *mut mf_workspace);
    pub fn mf_workspace_report(workspace: *const mf_workspace, position: usize, report: *mut mf_report) -> i32;
    pub fn mf_workspace_report_sum(workspace: *const mf_workspace, report: *mut mf_report) -> i32;
    pub fn mf_pipeline_spec_init(spec: *mut mf_pipeline_spec, size: usize) -> i32;
    pub fn mf_pipeline_report_init(report: *mut mf_pipeline_report, size: usize) -> i32;
    pub fn mf_pipeline_progress_info_init(progress: *mut mf_pipeline_progress_info, size: usize) -> i32;
    pub fn mf_pipeline_create(spec: *const mf_pipeline_spec, pipeline: *mut *mut mf_pipeline) -> i32;
    pub fn mf_pipeline_free(pipeline: *mut mf_pipeline);
    pub fn mf_pipeline_submit(pipeline: *mut mf_pipeline, rows: usize, x: *const f32, y: *const i32) -> i32;
    pub fn mf_pipeline_submit_batch(pipeline: *mut mf_pipeline, batch: *const mf_batch) -> i32;
    pub fn mf_pipeline_try_submit(pipeline: *mut mf_pipeline, rows: usize, x: *const f32, y: *const i32) -> i32;
    pub fn mf_pipeline_try_submit_batch(pipeline: *mut mf_pipeline, batch: *const mf_batch) -> i32;
    pub fn mf_pipeline_flush(pipeline: *mut mf_pipeline) -> i32;
    pub fn mf_pipeline_stop(pipeline: *mut mf_pipeline) -> i32;
    pub fn mf_pipeline_poll(pipeline: *mut mf_pipeline, report: *mut mf_pipeline_report) -> i32;
    pub fn mf_pipeline_progress(pipeline: *mut mf_pipeline, progress: *mut mf_pipeline_progress_info) -> i32;
    pub fn mf_pipeline_evaluate(pipeline: *mut mf_pipeline, workspace: *mut mf_workspace, rows: usize, x: *const f32, y: *const i32) -> i32;
    pub fn mf_pipeline_evaluate_batch(pipeline: *mut mf_pipeline, workspace: *mut mf_workspace, batch: *const mf_batch) -> i32;
    pub fn mf_pipeline_predict(pipeline: *mut mf_pipeline, workspace: *mut mf_workspace, mode: i32, rows: usize, x: *const f32, labels: *mut i32) -> i32;
    pub fn mf_pipeline_infer(pipeline: *mut mf_pipeline, workspace: *mut mf_workspace, mode: i32, batch: *const mf_batch, labels: *mut i32, goodness: *mut f32, probabilities: *mut f32) -> i32;
    pub fn mf_output_init(output: *mut mf_output, size: usize) -> i32;
    pub fn mf_load_spec_init(spec: *mut mf_load_spec, size: usize) -> i32;
    pub fn mf_network_save(network: *const mf_network, contents: i32, path: *const c_char) -> i32;
    pub fn mf_network_save_size(network: *const mf_network, contents: i32, bytes: *mut usize) -> i32;
    pub fn mf_network_save_buffer(network: *const mf_network, contents: i32, buffer: *mut c_void, bytes: usize, written: *mut usize) -> i32;
    pub fn mf_network_save_to(network: *const mf_network, contents: i32, output: *const mf_output) -> i32;
    pub fn mf_network_load(spec: *const mf_load_spec, path: *const c_char, network: *mut *mut mf_network) -> i32;
    pub fn mf_network_load_buffer(spec: *const mf_load_spec, buffer: *const c_void, bytes: usize, network: *mut *mut mf_network) -> i32;
    pub fn mf_network_snapshot_size(network: *const mf_network, bytes: *mut usize) -> i32;
    pub fn mf_network_snapshot_save(network: *const mf_network, buffer: *mut c_void, bytes: usize) -> i32;
    pub fn mf_network_snapshot_load(network: *mut mf_network, buffer: *const c_void, bytes: usize) -> i32;
    pub fn mf_network_clone(network: *const mf_network, contents: i32, allocator: *const mf_allocator, clone: *mut *mut mf_network) -> i32;
    pub fn mf_network_copy_parameters(to: *mut mf_network, from: *const mf_network) -> i32;
    pub fn mf_network_blend_parameters(to: *mut mf_network, from: *const mf_network, share: f64) -> i32;
    pub fn mf_products_name() -> *const c_char;
    pub fn mf_blas_name() -> *const c_char;
    pub fn mf_blas_set_threads(threads: i32) -> i32;
    pub fn mf_blas_get_threads(threads: *mut i32) -> i32;
    pub fn mf_network_export_onnx(network: *const mf_network, path: *const c_char) -> i32;
    pub fn mf_network_export_onnx_size(network: *const mf_network, bytes: *mut usize) -> i32;
    pub fn mf_network_export_onnx_buffer(network: *const mf_network, buffer: *mut c_void, bytes: usize, written: *mut usize) -> i32;
    pub fn mf_network_export_onnx_to(network: *const mf_network, output: *const mf_output) -> i32;
    pub fn mf_onnx_spec_init(spec: *mut mf_onnx_spec, size: usize) -> i32;
    pub fn mf_onnx_plan(spec: *const mf_onnx_spec, text: *mut c_char, size: usize, needed: *mut usize) -> i32;
    pub fn mf_network_import_onnx(spec: *const mf_onnx_spec, network: *mut *mut mf_network) -> i32;
}

// What the compiler of C made of the structs is what Rust makes of them; else this does not build.
#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(std::mem::size_of::<mf_allocator>() == 24);
    assert!(std::mem::size_of::<mf_optimizer_spec>() == 48);
    assert!(std::mem::size_of::<mf_layer_spec>() == 232);
    assert!(std::mem::size_of::<mf_shape>() == 40);
    assert!(std::mem::size_of::<mf_parameter_info>() == 64);
    assert!(std::mem::size_of::<mf_batch>() == 64);
    assert!(std::mem::size_of::<mf_matrix_spec>() == 40);
    assert!(std::mem::size_of::<mf_unit_spec>() == 160);
    assert!(std::mem::size_of::<mf_block_spec>() == 72);
    assert!(std::mem::size_of::<mf_head_spec>() == 80);
    assert!(std::mem::size_of::<mf_builder_spec>() == 40);
    assert!(std::mem::size_of::<mf_network_spec>() == 16);
    assert!(std::mem::size_of::<mf_pool_spec>() == 16);
    assert!(std::mem::size_of::<mf_workspace_spec>() == 48);
    assert!(std::mem::size_of::<mf_report>() == 48);
    assert!(std::mem::size_of::<mf_memory>() == 72);
    assert!(std::mem::size_of::<mf_memory_spec>() == 56);
    assert!(std::mem::size_of::<mf_pipeline_report>() == 64);
    assert!(std::mem::size_of::<mf_pipeline_progress_info>() == 64);
    assert!(std::mem::size_of::<mf_pipeline_spec>() == 64);
    assert!(std::mem::size_of::<mf_output>() == 24);
    assert!(std::mem::size_of::<mf_load_spec>() == 24);
    assert!(std::mem::size_of::<mf_onnx_spec>() == 104);
};
