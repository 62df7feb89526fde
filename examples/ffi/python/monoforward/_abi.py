"""The ABI of libmonoforward 0.1.0. Written by abi/generate.py: do not edit. SPDX-License-Identifier: MIT"""
from ctypes import (CFUNCTYPE, POINTER, Structure, c_char_p, c_double, c_float, c_int32, c_size_t,
                    c_uint32, c_uint64, c_void_p, sizeof)

VERSION = '0.1.0'
SONAME = 'libmonoforward.so.0'

MF_STATUS_OK = 0
MF_STATUS_ARGUMENT = 1
MF_STATUS_HANDLE = 2
MF_STATUS_SHAPE = 3
MF_STATUS_LABEL = 4
MF_STATUS_CAPACITY = 5
MF_STATUS_MEMORY = 6
MF_STATUS_OVERFLOW = 7
MF_STATUS_NUMERIC = 8
MF_STATUS_UNSUPPORTED = 9
MF_STATUS_STALE = 10
MF_STATUS_STATE = 11
MF_STATUS_NOT_FOUND = 12
MF_STATUS_BUSY = 13
MF_STATUS_IO = 14
MF_STATUS_FORMAT = 15
MF_STATUS_VERSION = 16
MF_OPTIMIZER_SGD = 0
MF_OPTIMIZER_ADAM = 1
MF_OPTIMIZER_ADAMW = 2
MF_OPTIMIZER_RMSPROP = 3
MF_OPTIMIZER_LEARNING_RATE = 0
MF_OPTIMIZER_MOMENTUM = 1
MF_OPTIMIZER_NESTEROV = 2
MF_OPTIMIZER_BETA1 = 3
MF_OPTIMIZER_BETA2 = 4
MF_OPTIMIZER_EPSILON = 5
MF_OPTIMIZER_WEIGHT_DECAY = 6
MF_OPTIMIZER_CLIP_NORM = 7
MF_LAYER_DENSE = 0
MF_LAYER_CONV2D = 1
MF_POOL_NONE = 0
MF_POOL_AVERAGE = 1
MF_POOL_MAX = 2
MF_NORMALIZATION_NONE = 0
MF_NORMALIZATION_BATCH = 1
MF_ACTIVATION_IDENTITY = 0
MF_ACTIVATION_RELU = 1
MF_ACTIVATION_LEAKY_RELU = 2
MF_ACTIVATION_TANH = 3
MF_ACTIVATION_GELU = 4
MF_INIT_KAIMING_UNIFORM = 0
MF_INIT_ZERO = 1
MF_INIT_ORTHOGONAL = 2
MF_INIT_NORMAL = 3
MF_LAYER_DROPOUT = 0
MF_LAYER_LABEL_SMOOTHING = 1
MF_TYPE_FLOAT32 = 0
MF_TYPE_INT32 = 1
MF_PREDICT_LAST = 0
MF_PREDICT_SUM = 1
MF_WORKSPACE_TRAINING = 0
MF_WORKSPACE_INFERENCE = 1
MF_CONTENTS_MODEL = 0
MF_CONTENTS_TRAINING = 1
MF_SEED_AUTO = 0


# Handles: opaque, and of a type each, so that one is not taken for another.
mf_optimizer = type('mf_optimizer', (Structure,), {})
mf_layer = type('mf_layer', (Structure,), {})
mf_workspace = type('mf_workspace', (Structure,), {})
mf_network = type('mf_network', (Structure,), {})
mf_pipeline = type('mf_pipeline', (Structure,), {})


# Structs: their names first, as callbacks need them.
mf_allocator = type('mf_allocator', (Structure,), {})
mf_optimizer_spec = type('mf_optimizer_spec', (Structure,), {})
mf_layer_spec = type('mf_layer_spec', (Structure,), {})
mf_shape = type('mf_shape', (Structure,), {})
mf_parameter_info = type('mf_parameter_info', (Structure,), {})
mf_batch = type('mf_batch', (Structure,), {})
mf_network_spec = type('mf_network_spec', (Structure,), {})
mf_workspace_spec = type('mf_workspace_spec', (Structure,), {})
mf_report = type('mf_report', (Structure,), {})
mf_memory = type('mf_memory', (Structure,), {})
mf_pipeline_report = type('mf_pipeline_report', (Structure,), {})
mf_pipeline_progress_info = type('mf_pipeline_progress_info', (Structure,), {})
mf_pipeline_spec = type('mf_pipeline_spec', (Structure,), {})
mf_load_spec = type('mf_load_spec', (Structure,), {})

mf_allocator_alloc = CFUNCTYPE(c_void_p, c_void_p, c_size_t, c_size_t)
mf_allocator_free = CFUNCTYPE(None, c_void_p, c_void_p, c_size_t)
mf_pipeline_spec_on_report = CFUNCTYPE(c_int32, c_void_p, POINTER(mf_pipeline_report))

mf_allocator._fields_ = [
    ('alloc', mf_allocator_alloc),
    ('free', mf_allocator_free),
    ('user', c_void_p),
]
assert sizeof(c_void_p) != 8 or sizeof(mf_allocator) == 24

mf_optimizer_spec._fields_ = [
    ('struct_size', c_uint32),
    ('kind', c_int32),
    ('nesterov', c_int32),
    ('learning_rate', c_float),
    ('momentum', c_float),
    ('beta1', c_float),
    ('beta2', c_float),
    ('epsilon', c_float),
    ('weight_decay', c_float),
    ('clip_norm', c_float),
    ('allocator', POINTER(mf_allocator)),
]
assert sizeof(c_void_p) != 8 or sizeof(mf_optimizer_spec) == 48

mf_layer_spec._fields_ = [
    ('struct_size', c_uint32),
    ('kind', c_int32),
    ('inputs', c_size_t),
    ('outputs', c_size_t),
    ('classes', c_size_t),
    ('activation', c_int32),
    ('bias', c_int32),
    ('weight_init', c_int32),
    ('projection_init', c_int32),
    ('weight_gain', c_float),
    ('projection_gain', c_float),
    ('leak', c_float),
    ('dropout', c_float),
    ('label_smoothing', c_float),
    ('seed', c_uint64),
    ('allocator', POINTER(mf_allocator)),
    ('normalization', c_int32),
    ('normalization_rate', c_float),
    ('normalization_epsilon', c_float),
    ('pool', c_int32),
    ('channels', c_size_t),
    ('height', c_size_t),
    ('width', c_size_t),
    ('filters', c_size_t),
    ('kernel', c_size_t * 2),
    ('stride', c_size_t * 2),
    ('padding', c_size_t * 2),
    ('pool_size', c_size_t * 2),
    ('pool_stride', c_size_t * 2),
    ('head_size', c_size_t),
    ('dropout_maps', c_int32),
    ('reserved', c_int32),
]
assert sizeof(c_void_p) != 8 or sizeof(mf_layer_spec) == 232

mf_shape._fields_ = [
    ('struct_size', c_uint32),
    ('rank', c_int32),
    ('dims', c_size_t * 4),
]
assert sizeof(c_void_p) != 8 or sizeof(mf_shape) == 40

mf_parameter_info._fields_ = [
    ('struct_size', c_uint32),
    ('type', c_int32),
    ('trainable', c_int32),
    ('rank', c_int32),
    ('dims', c_size_t * 4),
    ('count', c_size_t),
    ('name', c_char_p),
]
assert sizeof(c_void_p) != 8 or sizeof(mf_parameter_info) == 64

mf_batch._fields_ = [
    ('struct_size', c_uint32),
    ('input_type', c_int32),
    ('target_type', c_int32),
    ('rows', c_size_t),
    ('inputs', c_void_p),
    ('input_stride', c_size_t),
    ('targets', c_void_p),
    ('sample_weights', c_void_p),
]
assert sizeof(c_void_p) != 8 or sizeof(mf_batch) == 56

mf_network_spec._fields_ = [
    ('struct_size', c_uint32),
    ('allocator', POINTER(mf_allocator)),
]
assert sizeof(c_void_p) != 8 or sizeof(mf_network_spec) == 16

mf_workspace_spec._fields_ = [
    ('struct_size', c_uint32),
    ('purpose', c_int32),
    ('network', POINTER(mf_network)),
    ('layer', POINTER(mf_layer)),
    ('max_batch', c_size_t),
    ('allocator', POINTER(mf_allocator)),
]
assert sizeof(c_void_p) != 8 or sizeof(mf_workspace_spec) == 40

mf_report._fields_ = [
    ('struct_size', c_uint32),
    ('reserved', c_uint32),
    ('rows', c_uint64),
    ('correct', c_uint64),
    ('loss', c_double),
    ('gradient_norm', c_double),
    ('applied', c_uint64),
]
assert sizeof(c_void_p) != 8 or sizeof(mf_report) == 48

mf_memory._fields_ = [
    ('struct_size', c_uint32),
    ('reserved', c_uint32),
    ('layers', c_size_t),
    ('state', c_size_t),
    ('network', c_size_t),
    ('optimizer', c_size_t),
    ('workspace', c_size_t),
    ('total', c_size_t),
    ('arena', c_size_t),
]
assert sizeof(c_void_p) != 8 or sizeof(mf_memory) == 64

mf_pipeline_report._fields_ = [
    ('struct_size', c_uint32),
    ('status', c_int32),
    ('batch', c_uint64),
    ('position', c_uint64),
    ('rows', c_uint64),
    ('correct', c_uint64),
    ('loss', c_double),
    ('gradient_norm', c_double),
    ('applied', c_uint64),
]
assert sizeof(c_void_p) != 8 or sizeof(mf_pipeline_report) == 64

mf_pipeline_progress_info._fields_ = [
    ('struct_size', c_uint32),
    ('status', c_int32),
    ('submitted', c_uint64),
    ('finished', c_uint64),
    ('failed_batch', c_uint64),
    ('failed_position', c_uint64),
    ('missed', c_uint64),
    ('groups', c_uint64),
    ('stopped', c_int32),
    ('reserved', c_int32),
]
assert sizeof(c_void_p) != 8 or sizeof(mf_pipeline_progress_info) == 64

mf_pipeline_spec._fields_ = [
    ('struct_size', c_uint32),
    ('workers', c_uint32),
    ('network', POINTER(mf_network)),
    ('max_batch', c_size_t),
    ('depth', c_size_t),
    ('on_report', mf_pipeline_spec_on_report),
    ('user', c_void_p),
    ('allocator', POINTER(mf_allocator)),
]
assert sizeof(c_void_p) != 8 or sizeof(mf_pipeline_spec) == 56

mf_load_spec._fields_ = [
    ('struct_size', c_uint32),
    ('contents', c_int32),
    ('max_bytes', c_uint64),
    ('allocator', POINTER(mf_allocator)),
]
assert sizeof(c_void_p) != 8 or sizeof(mf_load_spec) == 24


def declare(library):
    """Tells a library that ctypes has loaded what its functions take."""
    library.mf_version.restype = c_char_p
    library.mf_version.argtypes = []
    library.mf_status_name.restype = c_char_p
    library.mf_status_name.argtypes = [c_int32]
    library.mf_last_message.restype = c_char_p
    library.mf_last_message.argtypes = []
    library.mf_arena_init.restype = c_int32
    library.mf_arena_init.argtypes = [c_void_p, c_size_t, POINTER(mf_allocator)]
    library.mf_optimizer_spec_init.restype = c_int32
    library.mf_optimizer_spec_init.argtypes = [POINTER(mf_optimizer_spec), c_size_t]
    library.mf_optimizer_create.restype = c_int32
    library.mf_optimizer_create.argtypes = [POINTER(mf_optimizer_spec), POINTER(POINTER(mf_optimizer))]
    library.mf_optimizer_free.restype = None
    library.mf_optimizer_free.argtypes = [POINTER(mf_optimizer)]
    library.mf_optimizer_set.restype = c_int32
    library.mf_optimizer_set.argtypes = [POINTER(mf_optimizer), c_int32, c_double]
    library.mf_optimizer_get.restype = c_int32
    library.mf_optimizer_get.argtypes = [POINTER(mf_optimizer), c_int32, POINTER(c_double)]
    library.mf_optimizer_range.restype = c_int32
    library.mf_optimizer_range.argtypes = [c_int32, POINTER(c_double), POINTER(c_double)]
    library.mf_schedule_cosine.restype = c_double
    library.mf_schedule_cosine.argtypes = [c_uint64, c_uint64, c_double]
    library.mf_schedule_step.restype = c_double
    library.mf_schedule_step.argtypes = [c_uint64, c_uint64, c_double]
    library.mf_schedule_warmup.restype = c_double
    library.mf_schedule_warmup.argtypes = [c_uint64, c_uint64]
    library.mf_layer_spec_init.restype = c_int32
    library.mf_layer_spec_init.argtypes = [POINTER(mf_layer_spec), c_size_t]
    library.mf_layer_spec_follow.restype = c_int32
    library.mf_layer_spec_follow.argtypes = [POINTER(mf_layer_spec), POINTER(mf_layer_spec)]
    library.mf_batch_init.restype = c_int32
    library.mf_batch_init.argtypes = [POINTER(mf_batch), c_size_t]
    library.mf_layer_create.restype = c_int32
    library.mf_layer_create.argtypes = [POINTER(mf_layer_spec), POINTER(POINTER(mf_layer))]
    library.mf_layer_free.restype = None
    library.mf_layer_free.argtypes = [POINTER(mf_layer)]
    library.mf_layer_describe.restype = c_int32
    library.mf_layer_describe.argtypes = [POINTER(mf_layer), POINTER(mf_layer_spec)]
    library.mf_layer_shape.restype = c_int32
    library.mf_layer_shape.argtypes = [POINTER(mf_layer), POINTER(mf_shape), POINTER(mf_shape)]
    library.mf_layer_set.restype = c_int32
    library.mf_layer_set.argtypes = [POINTER(mf_layer), c_int32, c_double]
    library.mf_layer_get.restype = c_int32
    library.mf_layer_get.argtypes = [POINTER(mf_layer), c_int32, POINTER(c_double)]
    library.mf_layer_set_classes.restype = c_int32
    library.mf_layer_set_classes.argtypes = [POINTER(mf_layer), c_size_t]
    library.mf_layer_set_optimizer.restype = c_int32
    library.mf_layer_set_optimizer.argtypes = [POINTER(mf_layer), POINTER(mf_optimizer)]
    library.mf_layer_optimizer.restype = c_int32
    library.mf_layer_optimizer.argtypes = [POINTER(mf_layer), POINTER(POINTER(mf_optimizer))]
    library.mf_layer_parameter_count.restype = c_int32
    library.mf_layer_parameter_count.argtypes = [POINTER(mf_layer), POINTER(c_size_t)]
    library.mf_layer_parameter_info.restype = c_int32
    library.mf_layer_parameter_info.argtypes = [POINTER(mf_layer), c_size_t, POINTER(mf_parameter_info)]
    library.mf_layer_get_parameter.restype = c_int32
    library.mf_layer_get_parameter.argtypes = [POINTER(mf_layer), c_char_p, c_void_p, c_size_t]
    library.mf_layer_set_parameter.restype = c_int32
    library.mf_layer_set_parameter.argtypes = [POINTER(mf_layer), c_char_p, c_void_p, c_size_t]
    library.mf_layer_set_trainable.restype = c_int32
    library.mf_layer_set_trainable.argtypes = [POINTER(mf_layer), c_char_p, c_int32]
    library.mf_layer_step.restype = c_int32
    library.mf_layer_step.argtypes = [POINTER(mf_layer), POINTER(mf_workspace), c_size_t, c_void_p, c_void_p, c_void_p]
    library.mf_layer_step_batch.restype = c_int32
    library.mf_layer_step_batch.argtypes = [POINTER(mf_layer), POINTER(mf_workspace), POINTER(mf_batch), c_void_p]
    library.mf_layer_gradients.restype = c_int32
    library.mf_layer_gradients.argtypes = [POINTER(mf_layer), POINTER(mf_workspace), POINTER(mf_batch), c_void_p, c_void_p, c_size_t]
    library.mf_layer_apply.restype = c_int32
    library.mf_layer_apply.argtypes = [POINTER(mf_layer), c_void_p, c_size_t]
    library.mf_layer_forward.restype = c_int32
    library.mf_layer_forward.argtypes = [POINTER(mf_layer), POINTER(mf_workspace), c_size_t, c_void_p, c_void_p]
    library.mf_layer_forward_batch.restype = c_int32
    library.mf_layer_forward_batch.argtypes = [POINTER(mf_layer), POINTER(mf_workspace), POINTER(mf_batch), c_void_p]
    library.mf_layer_goodness.restype = c_int32
    library.mf_layer_goodness.argtypes = [POINTER(mf_layer), POINTER(mf_workspace), c_size_t, c_void_p, c_void_p]
    library.mf_network_spec_init.restype = c_int32
    library.mf_network_spec_init.argtypes = [POINTER(mf_network_spec), c_size_t]
    library.mf_network_create.restype = c_int32
    library.mf_network_create.argtypes = [POINTER(mf_network_spec), POINTER(POINTER(mf_network))]
    library.mf_network_free.restype = None
    library.mf_network_free.argtypes = [POINTER(mf_network)]
    library.mf_network_size.restype = c_int32
    library.mf_network_size.argtypes = [POINTER(mf_network), POINTER(c_size_t)]
    library.mf_network_append.restype = c_int32
    library.mf_network_append.argtypes = [POINTER(mf_network), POINTER(mf_layer), POINTER(c_uint64)]
    library.mf_network_insert.restype = c_int32
    library.mf_network_insert.argtypes = [POINTER(mf_network), c_size_t, POINTER(mf_layer), POINTER(c_uint64)]
    library.mf_network_remove.restype = c_int32
    library.mf_network_remove.argtypes = [POINTER(mf_network), c_uint64]
    library.mf_network_replace.restype = c_int32
    library.mf_network_replace.argtypes = [POINTER(mf_network), c_uint64, POINTER(mf_layer)]
    library.mf_network_layer.restype = c_int32
    library.mf_network_layer.argtypes = [POINTER(mf_network), c_size_t, POINTER(POINTER(mf_layer)), POINTER(c_uint64)]
    library.mf_network_position.restype = c_int32
    library.mf_network_position.argtypes = [POINTER(mf_network), c_uint64, POINTER(c_size_t)]
    library.mf_network_set_optimizer.restype = c_int32
    library.mf_network_set_optimizer.argtypes = [POINTER(mf_network), POINTER(mf_optimizer)]
    library.mf_network_set_classes.restype = c_int32
    library.mf_network_set_classes.argtypes = [POINTER(mf_network), c_size_t]
    library.mf_network_step.restype = c_int32
    library.mf_network_step.argtypes = [POINTER(mf_network), POINTER(mf_workspace), c_size_t, c_void_p, c_void_p]
    library.mf_network_step_batch.restype = c_int32
    library.mf_network_step_batch.argtypes = [POINTER(mf_network), POINTER(mf_workspace), POINTER(mf_batch)]
    library.mf_network_step_layer.restype = c_int32
    library.mf_network_step_layer.argtypes = [POINTER(mf_network), POINTER(mf_workspace), c_size_t, c_size_t, c_void_p, c_void_p]
    library.mf_network_step_layer_batch.restype = c_int32
    library.mf_network_step_layer_batch.argtypes = [POINTER(mf_network), POINTER(mf_workspace), c_size_t, POINTER(mf_batch)]
    library.mf_network_evaluate.restype = c_int32
    library.mf_network_evaluate.argtypes = [POINTER(mf_network), POINTER(mf_workspace), c_size_t, c_void_p, c_void_p]
    library.mf_network_evaluate_batch.restype = c_int32
    library.mf_network_evaluate_batch.argtypes = [POINTER(mf_network), POINTER(mf_workspace), POINTER(mf_batch)]
    library.mf_network_predict.restype = c_int32
    library.mf_network_predict.argtypes = [POINTER(mf_network), POINTER(mf_workspace), c_int32, c_size_t, c_void_p, c_void_p]
    library.mf_network_goodness.restype = c_int32
    library.mf_network_goodness.argtypes = [POINTER(mf_network), POINTER(mf_workspace), c_int32, c_size_t, c_void_p, c_void_p]
    library.mf_network_probabilities.restype = c_int32
    library.mf_network_probabilities.argtypes = [POINTER(mf_network), POINTER(mf_workspace), c_int32, c_size_t, c_void_p, c_void_p]
    library.mf_network_infer.restype = c_int32
    library.mf_network_infer.argtypes = [POINTER(mf_network), POINTER(mf_workspace), c_int32, POINTER(mf_batch), c_void_p, c_void_p, c_void_p]
    library.mf_network_memory.restype = c_int32
    library.mf_network_memory.argtypes = [POINTER(POINTER(mf_layer_spec)), c_size_t, POINTER(mf_optimizer_spec), c_int32, c_size_t, POINTER(mf_memory)]
    library.mf_workspace_spec_init.restype = c_int32
    library.mf_workspace_spec_init.argtypes = [POINTER(mf_workspace_spec), c_size_t]
    library.mf_workspace_create.restype = c_int32
    library.mf_workspace_create.argtypes = [POINTER(mf_workspace_spec), POINTER(POINTER(mf_workspace))]
    library.mf_workspace_free.restype = None
    library.mf_workspace_free.argtypes = [POINTER(mf_workspace)]
    library.mf_workspace_report.restype = c_int32
    library.mf_workspace_report.argtypes = [POINTER(mf_workspace), c_size_t, POINTER(mf_report)]
    library.mf_workspace_report_sum.restype = c_int32
    library.mf_workspace_report_sum.argtypes = [POINTER(mf_workspace), POINTER(mf_report)]
    library.mf_pipeline_spec_init.restype = c_int32
    library.mf_pipeline_spec_init.argtypes = [POINTER(mf_pipeline_spec), c_size_t]
    library.mf_pipeline_create.restype = c_int32
    library.mf_pipeline_create.argtypes = [POINTER(mf_pipeline_spec), POINTER(POINTER(mf_pipeline))]
    library.mf_pipeline_free.restype = None
    library.mf_pipeline_free.argtypes = [POINTER(mf_pipeline)]
    library.mf_pipeline_submit.restype = c_int32
    library.mf_pipeline_submit.argtypes = [POINTER(mf_pipeline), c_size_t, c_void_p, c_void_p]
    library.mf_pipeline_submit_batch.restype = c_int32
    library.mf_pipeline_submit_batch.argtypes = [POINTER(mf_pipeline), POINTER(mf_batch)]
    library.mf_pipeline_try_submit.restype = c_int32
    library.mf_pipeline_try_submit.argtypes = [POINTER(mf_pipeline), c_size_t, c_void_p, c_void_p]
    library.mf_pipeline_try_submit_batch.restype = c_int32
    library.mf_pipeline_try_submit_batch.argtypes = [POINTER(mf_pipeline), POINTER(mf_batch)]
    library.mf_pipeline_flush.restype = c_int32
    library.mf_pipeline_flush.argtypes = [POINTER(mf_pipeline)]
    library.mf_pipeline_stop.restype = c_int32
    library.mf_pipeline_stop.argtypes = [POINTER(mf_pipeline)]
    library.mf_pipeline_poll.restype = c_int32
    library.mf_pipeline_poll.argtypes = [POINTER(mf_pipeline), POINTER(mf_pipeline_report)]
    library.mf_pipeline_progress.restype = c_int32
    library.mf_pipeline_progress.argtypes = [POINTER(mf_pipeline), POINTER(mf_pipeline_progress_info)]
    library.mf_pipeline_evaluate.restype = c_int32
    library.mf_pipeline_evaluate.argtypes = [POINTER(mf_pipeline), POINTER(mf_workspace), c_size_t, c_void_p, c_void_p]
    library.mf_pipeline_evaluate_batch.restype = c_int32
    library.mf_pipeline_evaluate_batch.argtypes = [POINTER(mf_pipeline), POINTER(mf_workspace), POINTER(mf_batch)]
    library.mf_pipeline_predict.restype = c_int32
    library.mf_pipeline_predict.argtypes = [POINTER(mf_pipeline), POINTER(mf_workspace), c_int32, c_size_t, c_void_p, c_void_p]
    library.mf_pipeline_infer.restype = c_int32
    library.mf_pipeline_infer.argtypes = [POINTER(mf_pipeline), POINTER(mf_workspace), c_int32, POINTER(mf_batch), c_void_p, c_void_p, c_void_p]
    library.mf_load_spec_init.restype = c_int32
    library.mf_load_spec_init.argtypes = [POINTER(mf_load_spec), c_size_t]
    library.mf_network_save.restype = c_int32
    library.mf_network_save.argtypes = [POINTER(mf_network), c_int32, c_char_p]
    library.mf_network_save_size.restype = c_int32
    library.mf_network_save_size.argtypes = [POINTER(mf_network), c_int32, POINTER(c_size_t)]
    library.mf_network_save_buffer.restype = c_int32
    library.mf_network_save_buffer.argtypes = [POINTER(mf_network), c_int32, c_void_p, c_size_t, POINTER(c_size_t)]
    library.mf_network_load.restype = c_int32
    library.mf_network_load.argtypes = [POINTER(mf_load_spec), c_char_p, POINTER(POINTER(mf_network))]
    library.mf_network_load_buffer.restype = c_int32
    library.mf_network_load_buffer.argtypes = [POINTER(mf_load_spec), c_void_p, c_size_t, POINTER(POINTER(mf_network))]
    library.mf_network_state_size.restype = c_int32
    library.mf_network_state_size.argtypes = [POINTER(mf_network), POINTER(c_size_t)]
    library.mf_network_state_save.restype = c_int32
    library.mf_network_state_save.argtypes = [POINTER(mf_network), c_void_p, c_size_t]
    library.mf_network_state_load.restype = c_int32
    library.mf_network_state_load.argtypes = [POINTER(mf_network), c_void_p, c_size_t]
    library.mf_blas_name.restype = c_char_p
    library.mf_blas_name.argtypes = []
    library.mf_blas_set_threads.restype = c_int32
    library.mf_blas_set_threads.argtypes = [c_int32]
    library.mf_blas_get_threads.restype = c_int32
    library.mf_blas_get_threads.argtypes = [POINTER(c_int32)]
    library.mf_network_export_onnx.restype = c_int32
    library.mf_network_export_onnx.argtypes = [POINTER(mf_network), c_char_p]
    library.mf_network_export_onnx_size.restype = c_int32
    library.mf_network_export_onnx_size.argtypes = [POINTER(mf_network), POINTER(c_size_t)]
    library.mf_network_export_onnx_buffer.restype = c_int32
    library.mf_network_export_onnx_buffer.argtypes = [POINTER(mf_network), c_void_p, c_size_t, POINTER(c_size_t)]
