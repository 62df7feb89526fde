// The ABI of libmonoforward 0.2.0. Written by abi/generate.py: do not edit.
// SPDX-License-Identifier: MIT
'use strict';

const constants = Object.freeze({
    MF_STATUS_OK: 0,
    MF_STATUS_ARGUMENT: 1,
    MF_STATUS_HANDLE: 2,
    MF_STATUS_SHAPE: 3,
    MF_STATUS_LABEL: 4,
    MF_STATUS_CAPACITY: 5,
    MF_STATUS_MEMORY: 6,
    MF_STATUS_OVERFLOW: 7,
    MF_STATUS_NUMERIC: 8,
    MF_STATUS_UNSUPPORTED: 9,
    MF_STATUS_STALE: 10,
    MF_STATUS_STATE: 11,
    MF_STATUS_NOT_FOUND: 12,
    MF_STATUS_BUSY: 13,
    MF_STATUS_IO: 14,
    MF_STATUS_FORMAT: 15,
    MF_STATUS_VERSION: 16,
    MF_OPTIMIZER_SGD: 0,
    MF_OPTIMIZER_ADAM: 1,
    MF_OPTIMIZER_ADAMW: 2,
    MF_OPTIMIZER_RMSPROP: 3,
    MF_OPTIMIZER_LEARNING_RATE: 0,
    MF_OPTIMIZER_MOMENTUM: 1,
    MF_OPTIMIZER_NESTEROV: 2,
    MF_OPTIMIZER_BETA1: 3,
    MF_OPTIMIZER_BETA2: 4,
    MF_OPTIMIZER_EPSILON: 5,
    MF_OPTIMIZER_WEIGHT_DECAY: 6,
    MF_OPTIMIZER_CLIP_NORM: 7,
    MF_OPTIMIZER_CHECKED: 8,
    MF_LAYER_DENSE: 0,
    MF_LAYER_CONV2D: 1,
    MF_LAYER_UNITS: 2,
    MF_POOL_NONE: 0,
    MF_POOL_AVERAGE: 1,
    MF_POOL_MAX: 2,
    MF_POOL_AVERAGE_INSIDE: 3,
    MF_NORMALIZATION_NONE: 0,
    MF_NORMALIZATION_BATCH: 1,
    MF_ACTIVATION_IDENTITY: 0,
    MF_ACTIVATION_RELU: 1,
    MF_ACTIVATION_LEAKY_RELU: 2,
    MF_ACTIVATION_TANH: 3,
    MF_ACTIVATION_GELU: 4,
    MF_ACTIVATION_SILU: 5,
    MF_INIT_KAIMING_UNIFORM: 0,
    MF_INIT_ZERO: 1,
    MF_INIT_ORTHOGONAL: 2,
    MF_INIT_NORMAL: 3,
    MF_PRECISION_FLOAT32: 0,
    MF_PRECISION_BF16: 1,
    MF_LAYER_DROPOUT: 0,
    MF_LAYER_LABEL_SMOOTHING: 1,
    MF_TYPE_FLOAT32: 0,
    MF_TYPE_INT32: 1,
    MF_TYPE_UINT8: 2,
    MF_TYPE_BF16: 3,
    MF_UNIT_DENSE: 0,
    MF_UNIT_CONV2D: 1,
    MF_UNIT_BATCH_NORM: 2,
    MF_UNIT_ACTIVATION: 3,
    MF_UNIT_POOL: 4,
    MF_UNIT_DROPOUT: 5,
    MF_UNIT_ADD: 6,
    MF_UNIT_LAYER_NORM: 7,
    MF_UNIT_GLOBAL_POOL: 8,
    MF_UNIT_CONCAT: 9,
    MF_UNIT_TRANSPOSE: 10,
    MF_UNIT_TOKENS: 11,
    MF_UNIT_POSITIONS: 12,
    MF_UNIT_ATTENTION: 13,
    MF_UNIT_EMBEDDING: 14,
    MF_UNIT_FLATTEN: 15,
    MF_BLOCK_RESIDUAL: 0,
    MF_BLOCK_BOTTLENECK: 1,
    MF_BLOCK_MIXER: 2,
    MF_BLOCK_TRANSFORMER: 3,
    MF_HEAD_LINEAR: 0,
    MF_HEAD_POSITIONS: 1,
    MF_SAMPLING_NONE: 0,
    MF_SAMPLING_UNIFORM: 1,
    MF_SAMPLING_LOG_UNIFORM: 2,
    MF_SAMPLING_COUNTS: 3,
    MF_PREDICT_LAST: 0,
    MF_PREDICT_SUM: 1,
    MF_METADATA_NAME_BYTES: 255,
    MF_METADATA_VALUE_BYTES: 1048576,
    MF_METADATA_BYTES: 8388608,
    MF_METADATA_ENTRIES: 1024,
    MF_WORKSPACE_TRAINING: 0,
    MF_WORKSPACE_INFERENCE: 1,
    MF_WORKSPACE_CONVERT: 2,
    MF_CONTENTS_MODEL: 0,
    MF_CONTENTS_TRAINING: 1,
    MF_SEED_AUTO: 0,
    MF_ACTIVATION_AUTO: -1,
    MF_NODE_PREVIOUS: -1,
    MF_LABEL_IGNORED: -100,
});

// The functions of a library that koffi has loaded. koffi knows types by name, for good: call it once.
function declare(koffi, library) {
    koffi.opaque('mf_optimizer');
    koffi.opaque('mf_layer');
    koffi.opaque('mf_workspace');
    koffi.opaque('mf_matrix');
    koffi.opaque('mf_builder');
    koffi.opaque('mf_network');
    koffi.opaque('mf_pool');
    koffi.opaque('mf_pipeline');
    koffi.proto('void *mf_allocator_alloc(void *user, size_t bytes, size_t alignment)');
    koffi.proto('void mf_allocator_free(void *user, void *pointer, size_t bytes)');
    koffi.proto('int32_t mf_output_write(void *user, void *bytes, size_t count)');
    koffi.struct('mf_shape', {
        struct_size: 'uint32_t',
        rank: 'int32_t',
        dims: koffi.array('size_t', 4, 'Array'),
    });
    if (koffi.sizeof('void *') === 8 && koffi.sizeof('mf_shape') !== 40)
        throw new Error('mf_shape has another size than in C');
    koffi.struct('mf_parameter_info', {
        struct_size: 'uint32_t',
        type: 'int32_t',
        trainable: 'int32_t',
        rank: 'int32_t',
        dims: koffi.array('size_t', 4, 'Array'),
        count: 'size_t',
        name: 'const char *',
    });
    if (koffi.sizeof('void *') === 8 && koffi.sizeof('mf_parameter_info') !== 64)
        throw new Error('mf_parameter_info has another size than in C');
    koffi.struct('mf_batch', {
        struct_size: 'uint32_t',
        input_type: 'int32_t',
        target_type: 'int32_t',
        rows: 'size_t',
        inputs: 'void *',
        input_stride: 'size_t',
        targets: 'void *',
        sample_weights: 'float *',
        input_scale: 'float',
        input_shift: 'float',
    });
    if (koffi.sizeof('void *') === 8 && koffi.sizeof('mf_batch') !== 64)
        throw new Error('mf_batch has another size than in C');
    koffi.struct('mf_unit_spec', {
        struct_size: 'uint32_t',
        kind: 'int32_t',
        inputs: koffi.array('int32_t', 2, 'Array'),
        outputs: 'size_t',
        bias: 'int32_t',
        weight_init: 'int32_t',
        weight_gain: 'float',
        activation: 'int32_t',
        leak: 'float',
        pool: 'int32_t',
        kernel: koffi.array('size_t', 2, 'Array'),
        stride: koffi.array('size_t', 2, 'Array'),
        padding: koffi.array('size_t', 2, 'Array'),
        dropout: 'float',
        dropout_maps: 'int32_t',
        normalization_rate: 'float',
        normalization_epsilon: 'float',
        reserved2: 'int32_t',
        reserved: 'int32_t',
        heads: 'size_t',
        causal: 'int32_t',
        reserved3: 'int32_t',
        vocabulary: 'size_t',
        groups: 'size_t',
        loss_weight: 'float',
        reserved4: 'int32_t',
    });
    if (koffi.sizeof('void *') === 8 && koffi.sizeof('mf_unit_spec') !== 160)
        throw new Error('mf_unit_spec has another size than in C');
    koffi.struct('mf_block_spec', {
        struct_size: 'uint32_t',
        kind: 'int32_t',
        input: 'int32_t',
        activation: 'int32_t',
        outputs: 'size_t',
        stride: koffi.array('size_t', 2, 'Array'),
        hidden: 'size_t',
        token_hidden: 'size_t',
        heads: 'size_t',
        causal: 'int32_t',
        reserved: 'int32_t',
    });
    if (koffi.sizeof('void *') === 8 && koffi.sizeof('mf_block_spec') !== 72)
        throw new Error('mf_block_spec has another size than in C');
    koffi.struct('mf_head_spec', {
        struct_size: 'uint32_t',
        kind: 'int32_t',
        classes: 'size_t',
        pool_size: 'size_t',
        projection_init: 'int32_t',
        projection_gain: 'float',
        label_smoothing: 'float',
        output_node: 'int32_t',
        sampling: 'int32_t',
        reserved: 'int32_t',
        candidates: 'size_t',
        similarity: 'float',
        reserved2: 'int32_t',
        shared: 'mf_matrix *',
        input_node: 'int32_t',
        reserved3: 'int32_t',
    });
    if (koffi.sizeof('void *') === 8 && koffi.sizeof('mf_head_spec') !== 80)
        throw new Error('mf_head_spec has another size than in C');
    koffi.struct('mf_report', {
        struct_size: 'uint32_t',
        reserved: 'uint32_t',
        rows: 'uint64_t',
        correct: 'uint64_t',
        loss: 'double',
        gradient_norm: 'double',
        applied: 'uint64_t',
    });
    if (koffi.sizeof('void *') === 8 && koffi.sizeof('mf_report') !== 48)
        throw new Error('mf_report has another size than in C');
    koffi.struct('mf_memory', {
        struct_size: 'uint32_t',
        reserved: 'uint32_t',
        layers: 'size_t',
        state: 'size_t',
        network: 'size_t',
        optimizer: 'size_t',
        workspace: 'size_t',
        total: 'size_t',
        arena: 'size_t',
        shared: 'size_t',
    });
    if (koffi.sizeof('void *') === 8 && koffi.sizeof('mf_memory') !== 72)
        throw new Error('mf_memory has another size than in C');
    koffi.struct('mf_pipeline_report', {
        struct_size: 'uint32_t',
        status: 'int32_t',
        batch: 'uint64_t',
        position: 'uint64_t',
        rows: 'uint64_t',
        correct: 'uint64_t',
        loss: 'double',
        gradient_norm: 'double',
        applied: 'uint64_t',
    });
    if (koffi.sizeof('void *') === 8 && koffi.sizeof('mf_pipeline_report') !== 64)
        throw new Error('mf_pipeline_report has another size than in C');
    koffi.struct('mf_pipeline_progress_info', {
        struct_size: 'uint32_t',
        status: 'int32_t',
        submitted: 'uint64_t',
        finished: 'uint64_t',
        failed_batch: 'uint64_t',
        failed_position: 'uint64_t',
        missed: 'uint64_t',
        groups: 'uint64_t',
        stopped: 'int32_t',
        reserved: 'int32_t',
    });
    if (koffi.sizeof('void *') === 8 && koffi.sizeof('mf_pipeline_progress_info') !== 64)
        throw new Error('mf_pipeline_progress_info has another size than in C');
    koffi.proto('int32_t mf_pipeline_spec_on_report(void *user, mf_pipeline_report *report)');
    koffi.struct('mf_allocator', {
        alloc: 'mf_allocator_alloc *',
        free: 'mf_allocator_free *',
        user: 'void *',
    });
    if (koffi.sizeof('void *') === 8 && koffi.sizeof('mf_allocator') !== 24)
        throw new Error('mf_allocator has another size than in C');
    koffi.struct('mf_output', {
        struct_size: 'uint32_t',
        reserved: 'uint32_t',
        write: 'mf_output_write *',
        user: 'void *',
    });
    if (koffi.sizeof('void *') === 8 && koffi.sizeof('mf_output') !== 24)
        throw new Error('mf_output has another size than in C');
    koffi.struct('mf_optimizer_spec', {
        struct_size: 'uint32_t',
        kind: 'int32_t',
        nesterov: 'int32_t',
        learning_rate: 'float',
        momentum: 'float',
        beta1: 'float',
        beta2: 'float',
        epsilon: 'float',
        weight_decay: 'float',
        clip_norm: 'float',
        allocator: 'mf_allocator *',
    });
    if (koffi.sizeof('void *') === 8 && koffi.sizeof('mf_optimizer_spec') !== 48)
        throw new Error('mf_optimizer_spec has another size than in C');
    koffi.struct('mf_layer_spec', {
        struct_size: 'uint32_t',
        kind: 'int32_t',
        inputs: 'size_t',
        outputs: 'size_t',
        classes: 'size_t',
        activation: 'int32_t',
        bias: 'int32_t',
        weight_init: 'int32_t',
        projection_init: 'int32_t',
        weight_gain: 'float',
        projection_gain: 'float',
        leak: 'float',
        dropout: 'float',
        label_smoothing: 'float',
        seed: 'uint64_t',
        allocator: 'mf_allocator *',
        normalization: 'int32_t',
        normalization_rate: 'float',
        normalization_epsilon: 'float',
        pool: 'int32_t',
        channels: 'size_t',
        height: 'size_t',
        width: 'size_t',
        filters: 'size_t',
        kernel: koffi.array('size_t', 2, 'Array'),
        stride: koffi.array('size_t', 2, 'Array'),
        padding: koffi.array('size_t', 2, 'Array'),
        pool_size: koffi.array('size_t', 2, 'Array'),
        pool_stride: koffi.array('size_t', 2, 'Array'),
        head_size: 'size_t',
        dropout_maps: 'int32_t',
        precision: 'int32_t',
    });
    if (koffi.sizeof('void *') === 8 && koffi.sizeof('mf_layer_spec') !== 232)
        throw new Error('mf_layer_spec has another size than in C');
    koffi.struct('mf_matrix_spec', {
        struct_size: 'uint32_t',
        rows: 'size_t',
        columns: 'size_t',
        values: 'float *',
        allocator: 'mf_allocator *',
    });
    if (koffi.sizeof('void *') === 8 && koffi.sizeof('mf_matrix_spec') !== 40)
        throw new Error('mf_matrix_spec has another size than in C');
    koffi.struct('mf_builder_spec', {
        struct_size: 'uint32_t',
        dropout_maps: 'int32_t',
        input: 'mf_shape *',
        dropout: 'float',
        precision: 'int32_t',
        seed: 'uint64_t',
        allocator: 'mf_allocator *',
    });
    if (koffi.sizeof('void *') === 8 && koffi.sizeof('mf_builder_spec') !== 40)
        throw new Error('mf_builder_spec has another size than in C');
    koffi.struct('mf_network_spec', {
        struct_size: 'uint32_t',
        allocator: 'mf_allocator *',
    });
    if (koffi.sizeof('void *') === 8 && koffi.sizeof('mf_network_spec') !== 16)
        throw new Error('mf_network_spec has another size than in C');
    koffi.struct('mf_pool_spec', {
        struct_size: 'uint32_t',
        threads: 'uint32_t',
        allocator: 'mf_allocator *',
    });
    if (koffi.sizeof('void *') === 8 && koffi.sizeof('mf_pool_spec') !== 16)
        throw new Error('mf_pool_spec has another size than in C');
    koffi.struct('mf_workspace_spec', {
        struct_size: 'uint32_t',
        purpose: 'int32_t',
        network: 'mf_network *',
        layer: 'mf_layer *',
        max_batch: 'size_t',
        allocator: 'mf_allocator *',
        pool: 'mf_pool *',
    });
    if (koffi.sizeof('void *') === 8 && koffi.sizeof('mf_workspace_spec') !== 48)
        throw new Error('mf_workspace_spec has another size than in C');
    koffi.struct('mf_pipeline_spec', {
        struct_size: 'uint32_t',
        workers: 'uint32_t',
        network: 'mf_network *',
        max_batch: 'size_t',
        depth: 'size_t',
        on_report: 'mf_pipeline_spec_on_report *',
        user: 'void *',
        allocator: 'mf_allocator *',
        pool: 'mf_pool *',
    });
    if (koffi.sizeof('void *') === 8 && koffi.sizeof('mf_pipeline_spec') !== 64)
        throw new Error('mf_pipeline_spec has another size than in C');
    koffi.struct('mf_load_spec', {
        struct_size: 'uint32_t',
        contents: 'int32_t',
        max_bytes: 'uint64_t',
        allocator: 'mf_allocator *',
    });
    if (koffi.sizeof('void *') === 8 && koffi.sizeof('mf_load_spec') !== 24)
        throw new Error('mf_load_spec has another size than in C');
    koffi.struct('mf_onnx_spec', {
        struct_size: 'uint32_t',
        features: 'int32_t',
        path: 'const char *',
        buffer: 'void *',
        bytes: 'size_t',
        cuts: 'const char **',
        cut_count: 'size_t',
        last: 'const char *',
        frozen: 'size_t',
        classes: 'size_t',
        pool_size: 'size_t',
        seed: 'uint64_t',
        max_bytes: 'uint64_t',
        allocator: 'mf_allocator *',
    });
    if (koffi.sizeof('void *') === 8 && koffi.sizeof('mf_onnx_spec') !== 104)
        throw new Error('mf_onnx_spec has another size than in C');
    koffi.struct('mf_memory_spec', {
        struct_size: 'uint32_t',
        purpose: 'int32_t',
        layers: 'mf_layer_spec **',
        builders: 'mf_builder **',
        count: 'size_t',
        optimizer: 'mf_optimizer_spec *',
        max_batch: 'size_t',
        threads: 'size_t',
    });
    if (koffi.sizeof('void *') === 8 && koffi.sizeof('mf_memory_spec') !== 56)
        throw new Error('mf_memory_spec has another size than in C');
    return {
        mf_version: library.func('const char *mf_version()'),
        mf_status_name: library.func('const char *mf_status_name(int32_t status)'),
        mf_last_message: library.func('const char *mf_last_message()'),
        mf_arena_init: library.func('int32_t mf_arena_init(void *buffer, size_t bytes, _Inout_ mf_allocator *allocator)'),
        mf_optimizer_spec_init: library.func('int32_t mf_optimizer_spec_init(_Inout_ mf_optimizer_spec *spec, size_t size)'),
        mf_optimizer_create: library.func('int32_t mf_optimizer_create(mf_optimizer_spec *spec, _Out_ mf_optimizer **optimizer)'),
        mf_optimizer_free: library.func('void mf_optimizer_free(mf_optimizer *optimizer)'),
        mf_optimizer_set: library.func('int32_t mf_optimizer_set(mf_optimizer *optimizer, int32_t key, double value)'),
        mf_optimizer_get: library.func('int32_t mf_optimizer_get(mf_optimizer *optimizer, int32_t key, _Out_ double *value)'),
        mf_optimizer_range: library.func('int32_t mf_optimizer_range(int32_t key, _Out_ double *lowest, _Out_ double *highest)'),
        mf_schedule_cosine: library.func('double mf_schedule_cosine(uint64_t step, uint64_t total, double floor)'),
        mf_schedule_step: library.func('double mf_schedule_step(uint64_t step, uint64_t interval, double factor)'),
        mf_schedule_warmup: library.func('double mf_schedule_warmup(uint64_t step, uint64_t steps)'),
        mf_layer_spec_init: library.func('int32_t mf_layer_spec_init(_Inout_ mf_layer_spec *spec, size_t size)'),
        mf_layer_spec_follow: library.func('int32_t mf_layer_spec_follow(_Inout_ mf_layer_spec *spec, mf_layer_spec *before)'),
        mf_batch_init: library.func('int32_t mf_batch_init(_Inout_ mf_batch *batch, size_t size)'),
        mf_shape_init: library.func('int32_t mf_shape_init(_Inout_ mf_shape *shape, size_t size)'),
        mf_parameter_info_init: library.func('int32_t mf_parameter_info_init(_Inout_ mf_parameter_info *info, size_t size)'),
        mf_layer_create: library.func('int32_t mf_layer_create(mf_layer_spec *spec, _Out_ mf_layer **layer)'),
        mf_layer_free: library.func('void mf_layer_free(mf_layer *layer)'),
        mf_layer_describe: library.func('int32_t mf_layer_describe(mf_layer *layer, _Inout_ mf_layer_spec *spec)'),
        mf_layer_shape: library.func('int32_t mf_layer_shape(mf_layer *layer, _Inout_ mf_shape *input, _Inout_ mf_shape *output)'),
        mf_layer_goodness_shape: library.func('int32_t mf_layer_goodness_shape(mf_layer *layer, _Inout_ mf_shape *shape)'),
        mf_layer_set: library.func('int32_t mf_layer_set(mf_layer *layer, int32_t key, double value)'),
        mf_layer_get: library.func('int32_t mf_layer_get(mf_layer *layer, int32_t key, _Out_ double *value)'),
        mf_layer_set_classes: library.func('int32_t mf_layer_set_classes(mf_layer *layer, size_t classes)'),
        mf_layer_set_optimizer: library.func('int32_t mf_layer_set_optimizer(mf_layer *layer, mf_optimizer *optimizer)'),
        mf_layer_optimizer: library.func('int32_t mf_layer_optimizer(mf_layer *layer, _Out_ mf_optimizer **optimizer)'),
        mf_layer_parameter_count: library.func('int32_t mf_layer_parameter_count(mf_layer *layer, _Out_ size_t *count)'),
        mf_layer_parameter_info: library.func('int32_t mf_layer_parameter_info(mf_layer *layer, size_t index, _Inout_ mf_parameter_info *info)'),
        mf_layer_get_parameter: library.func('int32_t mf_layer_get_parameter(mf_layer *layer, const char *name, float *values, size_t count)'),
        mf_layer_set_parameter: library.func('int32_t mf_layer_set_parameter(mf_layer *layer, const char *name, float *values, size_t count)'),
        mf_layer_set_trainable: library.func('int32_t mf_layer_set_trainable(mf_layer *layer, const char *name, int32_t trainable)'),
        mf_layer_step: library.func('int32_t mf_layer_step(mf_layer *layer, mf_workspace *workspace, size_t rows, float *x, int32_t *y, float *a)'),
        mf_layer_step_batch: library.func('int32_t mf_layer_step_batch(mf_layer *layer, mf_workspace *workspace, mf_batch *batch, float *a)'),
        mf_layer_gradients: library.func('int32_t mf_layer_gradients(mf_layer *layer, mf_workspace *workspace, mf_batch *batch, float *a, float *gradients, size_t count)'),
        mf_layer_apply: library.func('int32_t mf_layer_apply(mf_layer *layer, float *gradients, size_t count)'),
        mf_layer_forward: library.func('int32_t mf_layer_forward(mf_layer *layer, mf_workspace *workspace, size_t rows, float *x, float *a)'),
        mf_layer_forward_batch: library.func('int32_t mf_layer_forward_batch(mf_layer *layer, mf_workspace *workspace, mf_batch *batch, float *a)'),
        mf_layer_pass_batch: library.func('int32_t mf_layer_pass_batch(mf_layer *layer, mf_workspace *workspace, mf_batch *batch, float *a)'),
        mf_layer_goodness: library.func('int32_t mf_layer_goodness(mf_layer *layer, mf_workspace *workspace, size_t rows, float *a, float *goodness)'),
        mf_matrix_spec_init: library.func('int32_t mf_matrix_spec_init(_Inout_ mf_matrix_spec *spec, size_t size)'),
        mf_matrix_create: library.func('int32_t mf_matrix_create(mf_matrix_spec *spec, _Out_ mf_matrix **matrix)'),
        mf_matrix_from_parameter: library.func('int32_t mf_matrix_from_parameter(mf_layer *layer, const char *name, mf_allocator *allocator, _Out_ mf_matrix **matrix)'),
        mf_matrix_free: library.func('void mf_matrix_free(mf_matrix *matrix)'),
        mf_matrix_size: library.func('int32_t mf_matrix_size(mf_matrix *matrix, _Out_ size_t *rows, _Out_ size_t *columns)'),
        mf_matrix_values: library.func('int32_t mf_matrix_values(mf_matrix *matrix, float *values, size_t count)'),
        mf_unit_spec_init: library.func('int32_t mf_unit_spec_init(_Inout_ mf_unit_spec *spec, size_t size)'),
        mf_block_spec_init: library.func('int32_t mf_block_spec_init(_Inout_ mf_block_spec *spec, size_t size)'),
        mf_head_spec_init: library.func('int32_t mf_head_spec_init(_Inout_ mf_head_spec *spec, size_t size)'),
        mf_builder_spec_init: library.func('int32_t mf_builder_spec_init(_Inout_ mf_builder_spec *spec, size_t size)'),
        mf_builder_create: library.func('int32_t mf_builder_create(mf_builder_spec *spec, _Out_ mf_builder **builder)'),
        mf_builder_from_spec: library.func('int32_t mf_builder_from_spec(mf_layer_spec *spec, _Out_ mf_builder **builder)'),
        mf_builder_free: library.func('void mf_builder_free(mf_builder *builder)'),
        mf_builder_unit: library.func('int32_t mf_builder_unit(mf_builder *builder, mf_unit_spec *unit, _Out_ int32_t *node)'),
        mf_builder_block: library.func('int32_t mf_builder_block(mf_builder *builder, mf_block_spec *block, _Out_ int32_t *node)'),
        mf_builder_head: library.func('int32_t mf_builder_head(mf_builder *builder, mf_head_spec *head)'),
        mf_builder_shape: library.func('int32_t mf_builder_shape(mf_builder *builder, int32_t node, _Inout_ mf_shape *shape)'),
        mf_layer_build: library.func('int32_t mf_layer_build(mf_builder *builder, _Out_ mf_layer **layer)'),
        mf_layer_unit_count: library.func('int32_t mf_layer_unit_count(mf_layer *layer, _Out_ size_t *count)'),
        mf_layer_unit: library.func('int32_t mf_layer_unit(mf_layer *layer, int32_t node, _Inout_ mf_unit_spec *unit, _Inout_ mf_shape *output)'),
        mf_layer_head: library.func('int32_t mf_layer_head(mf_layer *layer, _Inout_ mf_head_spec *head)'),
        mf_network_spec_init: library.func('int32_t mf_network_spec_init(_Inout_ mf_network_spec *spec, size_t size)'),
        mf_network_create: library.func('int32_t mf_network_create(mf_network_spec *spec, _Out_ mf_network **network)'),
        mf_network_free: library.func('void mf_network_free(mf_network *network)'),
        mf_network_size: library.func('int32_t mf_network_size(mf_network *network, _Out_ size_t *size)'),
        mf_network_append: library.func('int32_t mf_network_append(mf_network *network, mf_layer *layer, _Out_ uint64_t *id)'),
        mf_network_insert: library.func('int32_t mf_network_insert(mf_network *network, size_t position, mf_layer *layer, _Out_ uint64_t *id)'),
        mf_network_remove: library.func('int32_t mf_network_remove(mf_network *network, uint64_t id)'),
        mf_network_replace: library.func('int32_t mf_network_replace(mf_network *network, uint64_t id, mf_layer *layer)'),
        mf_network_layer: library.func('int32_t mf_network_layer(mf_network *network, size_t position, _Out_ mf_layer **layer, _Out_ uint64_t *id)'),
        mf_network_position: library.func('int32_t mf_network_position(mf_network *network, uint64_t id, _Out_ size_t *position)'),
        mf_network_set_optimizer: library.func('int32_t mf_network_set_optimizer(mf_network *network, mf_optimizer *optimizer)'),
        mf_network_set_classes: library.func('int32_t mf_network_set_classes(mf_network *network, size_t classes)'),
        mf_network_set_input_scaling: library.func('int32_t mf_network_set_input_scaling(mf_network *network, float *shift, float *scale, size_t count)'),
        mf_network_input_scaling: library.func('int32_t mf_network_input_scaling(mf_network *network, float *shift, float *scale, size_t capacity, _Out_ size_t *count)'),
        mf_network_step: library.func('int32_t mf_network_step(mf_network *network, mf_workspace *workspace, size_t rows, float *x, int32_t *y)'),
        mf_network_step_batch: library.func('int32_t mf_network_step_batch(mf_network *network, mf_workspace *workspace, mf_batch *batch)'),
        mf_network_step_layer: library.func('int32_t mf_network_step_layer(mf_network *network, mf_workspace *workspace, size_t position, size_t rows, float *x, int32_t *y)'),
        mf_network_step_layer_batch: library.func('int32_t mf_network_step_layer_batch(mf_network *network, mf_workspace *workspace, size_t position, mf_batch *batch)'),
        mf_network_evaluate: library.func('int32_t mf_network_evaluate(mf_network *network, mf_workspace *workspace, size_t rows, float *x, int32_t *y)'),
        mf_network_evaluate_batch: library.func('int32_t mf_network_evaluate_batch(mf_network *network, mf_workspace *workspace, mf_batch *batch)'),
        mf_network_predict: library.func('int32_t mf_network_predict(mf_network *network, mf_workspace *workspace, int32_t mode, size_t rows, float *x, int32_t *labels)'),
        mf_network_goodness: library.func('int32_t mf_network_goodness(mf_network *network, mf_workspace *workspace, int32_t mode, size_t rows, float *x, float *goodness)'),
        mf_network_probabilities: library.func('int32_t mf_network_probabilities(mf_network *network, mf_workspace *workspace, int32_t mode, size_t rows, float *x, float *probabilities)'),
        mf_network_infer: library.func('int32_t mf_network_infer(mf_network *network, mf_workspace *workspace, int32_t mode, mf_batch *batch, int32_t *labels, float *goodness, float *probabilities)'),
        mf_network_top: library.func('int32_t mf_network_top(mf_network *network, mf_workspace *workspace, int32_t mode, mf_batch *batch, size_t count, int32_t *labels, float *goodness, float *probabilities)'),
        mf_pool_spec_init: library.func('int32_t mf_pool_spec_init(_Inout_ mf_pool_spec *spec, size_t size)'),
        mf_pool_create: library.func('int32_t mf_pool_create(mf_pool_spec *spec, _Out_ mf_pool **pool)'),
        mf_pool_free: library.func('void mf_pool_free(mf_pool *pool)'),
        mf_pool_threads: library.func('int32_t mf_pool_threads(mf_pool *pool, _Out_ uint32_t *threads)'),
        mf_network_metadata_set: library.func('int32_t mf_network_metadata_set(mf_network *network, const char *name, const char *value)'),
        mf_network_metadata_get: library.func('int32_t mf_network_metadata_get(mf_network *network, const char *name, _Out_ const char **value)'),
        mf_network_metadata_count: library.func('int32_t mf_network_metadata_count(mf_network *network, _Out_ size_t *count)'),
        mf_network_metadata_at: library.func('int32_t mf_network_metadata_at(mf_network *network, size_t index, _Out_ const char **name, _Out_ const char **value)'),
        mf_network_metadata_remove: library.func('int32_t mf_network_metadata_remove(mf_network *network, const char *name)'),
        mf_report_init: library.func('int32_t mf_report_init(_Inout_ mf_report *report, size_t size)'),
        mf_memory_init: library.func('int32_t mf_memory_init(_Inout_ mf_memory *memory, size_t size)'),
        mf_network_memory: library.func('int32_t mf_network_memory(mf_layer_spec **layers, size_t count, mf_optimizer_spec *optimizer, int32_t purpose, size_t max_batch, _Inout_ mf_memory *memory)'),
        mf_network_memory_built: library.func('int32_t mf_network_memory_built(mf_builder **builders, size_t count, mf_optimizer_spec *optimizer, int32_t purpose, size_t max_batch, _Inout_ mf_memory *memory)'),
        mf_memory_spec_init: library.func('int32_t mf_memory_spec_init(_Inout_ mf_memory_spec *spec, size_t size)'),
        mf_memory_query: library.func('int32_t mf_memory_query(mf_memory_spec *spec, _Inout_ mf_memory *memory)'),
        mf_network_summary: library.func('int32_t mf_network_summary(mf_network *network, size_t max_batch, void *text, size_t size, _Out_ size_t *needed)'),
        mf_workspace_spec_init: library.func('int32_t mf_workspace_spec_init(_Inout_ mf_workspace_spec *spec, size_t size)'),
        mf_workspace_create: library.func('int32_t mf_workspace_create(mf_workspace_spec *spec, _Out_ mf_workspace **workspace)'),
        mf_workspace_free: library.func('void mf_workspace_free(mf_workspace *workspace)'),
        mf_workspace_report: library.func('int32_t mf_workspace_report(mf_workspace *workspace, size_t position, _Inout_ mf_report *report)'),
        mf_workspace_report_sum: library.func('int32_t mf_workspace_report_sum(mf_workspace *workspace, _Inout_ mf_report *report)'),
        mf_pipeline_spec_init: library.func('int32_t mf_pipeline_spec_init(_Inout_ mf_pipeline_spec *spec, size_t size)'),
        mf_pipeline_report_init: library.func('int32_t mf_pipeline_report_init(_Inout_ mf_pipeline_report *report, size_t size)'),
        mf_pipeline_progress_info_init: library.func('int32_t mf_pipeline_progress_info_init(_Inout_ mf_pipeline_progress_info *progress, size_t size)'),
        mf_pipeline_create: library.func('int32_t mf_pipeline_create(mf_pipeline_spec *spec, _Out_ mf_pipeline **pipeline)'),
        mf_pipeline_free: library.func('void mf_pipeline_free(mf_pipeline *pipeline)'),
        mf_pipeline_submit: library.func('int32_t mf_pipeline_submit(mf_pipeline *pipeline, size_t rows, float *x, int32_t *y)'),
        mf_pipeline_submit_batch: library.func('int32_t mf_pipeline_submit_batch(mf_pipeline *pipeline, mf_batch *batch)'),
        mf_pipeline_try_submit: library.func('int32_t mf_pipeline_try_submit(mf_pipeline *pipeline, size_t rows, float *x, int32_t *y)'),
        mf_pipeline_try_submit_batch: library.func('int32_t mf_pipeline_try_submit_batch(mf_pipeline *pipeline, mf_batch *batch)'),
        mf_pipeline_flush: library.func('int32_t mf_pipeline_flush(mf_pipeline *pipeline)'),
        mf_pipeline_stop: library.func('int32_t mf_pipeline_stop(mf_pipeline *pipeline)'),
        mf_pipeline_poll: library.func('int32_t mf_pipeline_poll(mf_pipeline *pipeline, _Inout_ mf_pipeline_report *report)'),
        mf_pipeline_progress: library.func('int32_t mf_pipeline_progress(mf_pipeline *pipeline, _Inout_ mf_pipeline_progress_info *progress)'),
        mf_pipeline_evaluate: library.func('int32_t mf_pipeline_evaluate(mf_pipeline *pipeline, mf_workspace *workspace, size_t rows, float *x, int32_t *y)'),
        mf_pipeline_evaluate_batch: library.func('int32_t mf_pipeline_evaluate_batch(mf_pipeline *pipeline, mf_workspace *workspace, mf_batch *batch)'),
        mf_pipeline_predict: library.func('int32_t mf_pipeline_predict(mf_pipeline *pipeline, mf_workspace *workspace, int32_t mode, size_t rows, float *x, int32_t *labels)'),
        mf_pipeline_infer: library.func('int32_t mf_pipeline_infer(mf_pipeline *pipeline, mf_workspace *workspace, int32_t mode, mf_batch *batch, int32_t *labels, float *goodness, float *probabilities)'),
        mf_output_init: library.func('int32_t mf_output_init(_Inout_ mf_output *output, size_t size)'),
        mf_load_spec_init: library.func('int32_t mf_load_spec_init(_Inout_ mf_load_spec *spec, size_t size)'),
        mf_network_save: library.func('int32_t mf_network_save(mf_network *network, int32_t contents, const char *path)'),
        mf_network_save_size: library.func('int32_t mf_network_save_size(mf_network *network, int32_t contents, _Out_ size_t *bytes)'),
        mf_network_save_buffer: library.func('int32_t mf_network_save_buffer(mf_network *network, int32_t contents, void *buffer, size_t bytes, _Out_ size_t *written)'),
        mf_network_save_to: library.func('int32_t mf_network_save_to(mf_network *network, int32_t contents, mf_output *output)'),
        mf_network_load: library.func('int32_t mf_network_load(mf_load_spec *spec, const char *path, _Out_ mf_network **network)'),
        mf_network_load_buffer: library.func('int32_t mf_network_load_buffer(mf_load_spec *spec, void *buffer, size_t bytes, _Out_ mf_network **network)'),
        mf_network_snapshot_size: library.func('int32_t mf_network_snapshot_size(mf_network *network, _Out_ size_t *bytes)'),
        mf_network_snapshot_save: library.func('int32_t mf_network_snapshot_save(mf_network *network, void *buffer, size_t bytes)'),
        mf_network_snapshot_load: library.func('int32_t mf_network_snapshot_load(mf_network *network, void *buffer, size_t bytes)'),
        mf_network_clone: library.func('int32_t mf_network_clone(mf_network *network, int32_t contents, mf_allocator *allocator, _Out_ mf_network **clone)'),
        mf_network_copy_parameters: library.func('int32_t mf_network_copy_parameters(mf_network *to, mf_network *from)'),
        mf_network_blend_parameters: library.func('int32_t mf_network_blend_parameters(mf_network *to, mf_network *from, double share)'),
        mf_products_name: library.func('const char *mf_products_name()'),
        mf_blas_name: library.func('const char *mf_blas_name()'),
        mf_blas_set_threads: library.func('int32_t mf_blas_set_threads(int32_t threads)'),
        mf_blas_get_threads: library.func('int32_t mf_blas_get_threads(_Out_ int32_t *threads)'),
        mf_network_export_onnx: library.func('int32_t mf_network_export_onnx(mf_network *network, const char *path)'),
        mf_network_export_onnx_size: library.func('int32_t mf_network_export_onnx_size(mf_network *network, _Out_ size_t *bytes)'),
        mf_network_export_onnx_buffer: library.func('int32_t mf_network_export_onnx_buffer(mf_network *network, void *buffer, size_t bytes, _Out_ size_t *written)'),
        mf_network_export_onnx_to: library.func('int32_t mf_network_export_onnx_to(mf_network *network, mf_output *output)'),
        mf_onnx_spec_init: library.func('int32_t mf_onnx_spec_init(_Inout_ mf_onnx_spec *spec, size_t size)'),
        mf_onnx_plan: library.func('int32_t mf_onnx_plan(mf_onnx_spec *spec, void *text, size_t size, _Out_ size_t *needed)'),
        mf_network_import_onnx: library.func('int32_t mf_network_import_onnx(mf_onnx_spec *spec, _Out_ mf_network **network)'),
    };
}

module.exports = {constants, declare};
