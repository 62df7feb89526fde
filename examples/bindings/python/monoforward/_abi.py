"""The ABI of libmonoforward 0.2.0. Written by abi/generate.py: do not edit.

Pointers to values are c_void_p, so that an array's address can be passed as a plain number.
SPDX-License-Identifier: MIT
"""
import ctypes as c

VERSION = "0.2.0"
SONAME = "libmonoforward.so.0"

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
MF_OPTIMIZER_CHECKED = 8
MF_LAYER_DENSE = 0
MF_LAYER_CONV2D = 1
MF_LAYER_UNITS = 2
MF_POOL_NONE = 0
MF_POOL_AVERAGE = 1
MF_POOL_MAX = 2
MF_POOL_AVERAGE_INSIDE = 3
MF_NORMALIZATION_NONE = 0
MF_NORMALIZATION_BATCH = 1
MF_ACTIVATION_IDENTITY = 0
MF_ACTIVATION_RELU = 1
MF_ACTIVATION_LEAKY_RELU = 2
MF_ACTIVATION_TANH = 3
MF_ACTIVATION_GELU = 4
MF_ACTIVATION_SILU = 5
MF_INIT_KAIMING_UNIFORM = 0
MF_INIT_ZERO = 1
MF_INIT_ORTHOGONAL = 2
MF_INIT_NORMAL = 3
MF_PRECISION_FLOAT32 = 0
MF_PRECISION_BF16 = 1
MF_LAYER_DROPOUT = 0
MF_LAYER_LABEL_SMOOTHING = 1
MF_TYPE_FLOAT32 = 0
MF_TYPE_INT32 = 1
MF_TYPE_UINT8 = 2
MF_TYPE_BF16 = 3
MF_UNIT_DENSE = 0
MF_UNIT_CONV2D = 1
MF_UNIT_BATCH_NORM = 2
MF_UNIT_ACTIVATION = 3
MF_UNIT_POOL = 4
MF_UNIT_DROPOUT = 5
MF_UNIT_ADD = 6
MF_UNIT_LAYER_NORM = 7
MF_UNIT_GLOBAL_POOL = 8
MF_UNIT_CONCAT = 9
MF_UNIT_TRANSPOSE = 10
MF_UNIT_TOKENS = 11
MF_UNIT_POSITIONS = 12
MF_UNIT_ATTENTION = 13
MF_UNIT_EMBEDDING = 14
MF_UNIT_FLATTEN = 15
MF_BLOCK_RESIDUAL = 0
MF_BLOCK_BOTTLENECK = 1
MF_BLOCK_MIXER = 2
MF_BLOCK_TRANSFORMER = 3
MF_HEAD_LINEAR = 0
MF_HEAD_POSITIONS = 1
MF_SAMPLING_NONE = 0
MF_SAMPLING_UNIFORM = 1
MF_SAMPLING_LOG_UNIFORM = 2
MF_SAMPLING_COUNTS = 3
MF_PREDICT_LAST = 0
MF_PREDICT_SUM = 1
MF_METADATA_NAME_BYTES = 255
MF_METADATA_VALUE_BYTES = 1048576
MF_METADATA_BYTES = 8388608
MF_METADATA_ENTRIES = 1024
MF_WORKSPACE_TRAINING = 0
MF_WORKSPACE_INFERENCE = 1
MF_WORKSPACE_CONVERT = 2
MF_CONTENTS_MODEL = 0
MF_CONTENTS_TRAINING = 1
MF_SEED_AUTO = 0
MF_ACTIVATION_AUTO = -1
MF_NODE_PREVIOUS = -1
MF_LABEL_IGNORED = -100


class mf_optimizer(c.Structure):
    """Opaque."""


class mf_layer(c.Structure):
    """Opaque."""


class mf_workspace(c.Structure):
    """Opaque."""


class mf_matrix(c.Structure):
    """Opaque."""


class mf_builder(c.Structure):
    """Opaque."""


class mf_network(c.Structure):
    """Opaque."""


class mf_pool(c.Structure):
    """Opaque."""


class mf_pipeline(c.Structure):
    """Opaque."""


class Struct(c.Structure):
    """Prints its fields, without pointers to nothing."""

    def __repr__(self):
        shown = (name for name, *_ in self._fields_ if name != "struct_size" and not name.startswith("reserved"))
        values = ((name, getattr(self, name)) for name in shown)
        fields = (f"{name}={list(value) if isinstance(value, c.Array) else value!r}" for name, value in values
                  if value or not isinstance(value, c._Pointer))
        return f"{type(self).__name__}({', '.join(fields)})"


class mf_allocator(Struct):
    pass


class mf_optimizer_spec(Struct):
    pass


class mf_layer_spec(Struct):
    pass


class mf_shape(Struct):
    pass


class mf_parameter_info(Struct):
    pass


class mf_batch(Struct):
    pass


class mf_matrix_spec(Struct):
    pass


class mf_unit_spec(Struct):
    pass


class mf_block_spec(Struct):
    pass


class mf_head_spec(Struct):
    pass


class mf_builder_spec(Struct):
    pass


class mf_network_spec(Struct):
    pass


class mf_pool_spec(Struct):
    pass


class mf_workspace_spec(Struct):
    pass


class mf_report(Struct):
    pass


class mf_memory(Struct):
    pass


class mf_memory_spec(Struct):
    pass


class mf_pipeline_report(Struct):
    pass


class mf_pipeline_progress_info(Struct):
    pass


class mf_pipeline_spec(Struct):
    pass


class mf_output(Struct):
    pass


class mf_load_spec(Struct):
    pass


class mf_onnx_spec(Struct):
    pass


mf_allocator_alloc = c.CFUNCTYPE(c.c_void_p, c.c_void_p, c.c_size_t, c.c_size_t)
mf_allocator_free = c.CFUNCTYPE(None, c.c_void_p, c.c_void_p, c.c_size_t)
mf_pipeline_spec_on_report = c.CFUNCTYPE(c.c_int32, c.c_void_p, c.POINTER(mf_pipeline_report))
mf_output_write = c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_void_p, c.c_size_t)

mf_allocator._fields_ = [
    ("alloc", mf_allocator_alloc),
    ("free", mf_allocator_free),
    ("user", c.c_void_p),
]

mf_optimizer_spec._fields_ = [
    ("struct_size", c.c_uint32),
    ("kind", c.c_int32),
    ("nesterov", c.c_int32),
    ("learning_rate", c.c_float),
    ("momentum", c.c_float),
    ("beta1", c.c_float),
    ("beta2", c.c_float),
    ("epsilon", c.c_float),
    ("weight_decay", c.c_float),
    ("clip_norm", c.c_float),
    ("allocator", c.POINTER(mf_allocator)),
]

mf_layer_spec._fields_ = [
    ("struct_size", c.c_uint32),
    ("kind", c.c_int32),
    ("inputs", c.c_size_t),
    ("outputs", c.c_size_t),
    ("classes", c.c_size_t),
    ("activation", c.c_int32),
    ("bias", c.c_int32),
    ("weight_init", c.c_int32),
    ("projection_init", c.c_int32),
    ("weight_gain", c.c_float),
    ("projection_gain", c.c_float),
    ("leak", c.c_float),
    ("dropout", c.c_float),
    ("label_smoothing", c.c_float),
    ("seed", c.c_uint64),
    ("allocator", c.POINTER(mf_allocator)),
    ("normalization", c.c_int32),
    ("normalization_rate", c.c_float),
    ("normalization_epsilon", c.c_float),
    ("pool", c.c_int32),
    ("channels", c.c_size_t),
    ("height", c.c_size_t),
    ("width", c.c_size_t),
    ("filters", c.c_size_t),
    ("kernel", c.c_size_t * 2),
    ("stride", c.c_size_t * 2),
    ("padding", c.c_size_t * 2),
    ("pool_size", c.c_size_t * 2),
    ("pool_stride", c.c_size_t * 2),
    ("head_size", c.c_size_t),
    ("dropout_maps", c.c_int32),
    ("precision", c.c_int32),
]

mf_shape._fields_ = [
    ("struct_size", c.c_uint32),
    ("rank", c.c_int32),
    ("dims", c.c_size_t * 4),
]

mf_parameter_info._fields_ = [
    ("struct_size", c.c_uint32),
    ("type", c.c_int32),
    ("trainable", c.c_int32),
    ("rank", c.c_int32),
    ("dims", c.c_size_t * 4),
    ("count", c.c_size_t),
    ("name", c.c_char_p),
]

mf_batch._fields_ = [
    ("struct_size", c.c_uint32),
    ("input_type", c.c_int32),
    ("target_type", c.c_int32),
    ("rows", c.c_size_t),
    ("inputs", c.c_void_p),
    ("input_stride", c.c_size_t),
    ("targets", c.c_void_p),
    ("sample_weights", c.c_void_p),
    ("input_scale", c.c_float),
    ("input_shift", c.c_float),
]

mf_matrix_spec._fields_ = [
    ("struct_size", c.c_uint32),
    ("rows", c.c_size_t),
    ("columns", c.c_size_t),
    ("values", c.c_void_p),
    ("allocator", c.POINTER(mf_allocator)),
]

mf_unit_spec._fields_ = [
    ("struct_size", c.c_uint32),
    ("kind", c.c_int32),
    ("inputs", c.c_int32 * 2),
    ("outputs", c.c_size_t),
    ("bias", c.c_int32),
    ("weight_init", c.c_int32),
    ("weight_gain", c.c_float),
    ("activation", c.c_int32),
    ("leak", c.c_float),
    ("pool", c.c_int32),
    ("kernel", c.c_size_t * 2),
    ("stride", c.c_size_t * 2),
    ("padding", c.c_size_t * 2),
    ("dropout", c.c_float),
    ("dropout_maps", c.c_int32),
    ("normalization_rate", c.c_float),
    ("normalization_epsilon", c.c_float),
    ("reserved2", c.c_int32),
    ("reserved", c.c_int32),
    ("heads", c.c_size_t),
    ("causal", c.c_int32),
    ("reserved3", c.c_int32),
    ("vocabulary", c.c_size_t),
    ("groups", c.c_size_t),
    ("loss_weight", c.c_float),
    ("reserved4", c.c_int32),
]

mf_block_spec._fields_ = [
    ("struct_size", c.c_uint32),
    ("kind", c.c_int32),
    ("input", c.c_int32),
    ("activation", c.c_int32),
    ("outputs", c.c_size_t),
    ("stride", c.c_size_t * 2),
    ("hidden", c.c_size_t),
    ("token_hidden", c.c_size_t),
    ("heads", c.c_size_t),
    ("causal", c.c_int32),
    ("reserved", c.c_int32),
]

mf_head_spec._fields_ = [
    ("struct_size", c.c_uint32),
    ("kind", c.c_int32),
    ("classes", c.c_size_t),
    ("pool_size", c.c_size_t),
    ("projection_init", c.c_int32),
    ("projection_gain", c.c_float),
    ("label_smoothing", c.c_float),
    ("output_node", c.c_int32),
    ("sampling", c.c_int32),
    ("reserved", c.c_int32),
    ("candidates", c.c_size_t),
    ("similarity", c.c_float),
    ("reserved2", c.c_int32),
    ("shared", c.POINTER(mf_matrix)),
    ("input_node", c.c_int32),
    ("reserved3", c.c_int32),
]

mf_builder_spec._fields_ = [
    ("struct_size", c.c_uint32),
    ("dropout_maps", c.c_int32),
    ("input", c.POINTER(mf_shape)),
    ("dropout", c.c_float),
    ("precision", c.c_int32),
    ("seed", c.c_uint64),
    ("allocator", c.POINTER(mf_allocator)),
]

mf_network_spec._fields_ = [
    ("struct_size", c.c_uint32),
    ("allocator", c.POINTER(mf_allocator)),
]

mf_pool_spec._fields_ = [
    ("struct_size", c.c_uint32),
    ("threads", c.c_uint32),
    ("allocator", c.POINTER(mf_allocator)),
]

mf_workspace_spec._fields_ = [
    ("struct_size", c.c_uint32),
    ("purpose", c.c_int32),
    ("network", c.POINTER(mf_network)),
    ("layer", c.POINTER(mf_layer)),
    ("max_batch", c.c_size_t),
    ("allocator", c.POINTER(mf_allocator)),
    ("pool", c.POINTER(mf_pool)),
]

mf_report._fields_ = [
    ("struct_size", c.c_uint32),
    ("reserved", c.c_uint32),
    ("rows", c.c_uint64),
    ("correct", c.c_uint64),
    ("loss", c.c_double),
    ("gradient_norm", c.c_double),
    ("applied", c.c_uint64),
]

mf_memory._fields_ = [
    ("struct_size", c.c_uint32),
    ("reserved", c.c_uint32),
    ("layers", c.c_size_t),
    ("state", c.c_size_t),
    ("network", c.c_size_t),
    ("optimizer", c.c_size_t),
    ("workspace", c.c_size_t),
    ("total", c.c_size_t),
    ("arena", c.c_size_t),
    ("shared", c.c_size_t),
]

mf_memory_spec._fields_ = [
    ("struct_size", c.c_uint32),
    ("purpose", c.c_int32),
    ("layers", c.POINTER(c.POINTER(mf_layer_spec))),
    ("builders", c.POINTER(c.POINTER(mf_builder))),
    ("count", c.c_size_t),
    ("optimizer", c.POINTER(mf_optimizer_spec)),
    ("max_batch", c.c_size_t),
    ("threads", c.c_size_t),
]

mf_pipeline_report._fields_ = [
    ("struct_size", c.c_uint32),
    ("status", c.c_int32),
    ("batch", c.c_uint64),
    ("position", c.c_uint64),
    ("rows", c.c_uint64),
    ("correct", c.c_uint64),
    ("loss", c.c_double),
    ("gradient_norm", c.c_double),
    ("applied", c.c_uint64),
]

mf_pipeline_progress_info._fields_ = [
    ("struct_size", c.c_uint32),
    ("status", c.c_int32),
    ("submitted", c.c_uint64),
    ("finished", c.c_uint64),
    ("failed_batch", c.c_uint64),
    ("failed_position", c.c_uint64),
    ("missed", c.c_uint64),
    ("groups", c.c_uint64),
    ("stopped", c.c_int32),
    ("reserved", c.c_int32),
]

mf_pipeline_spec._fields_ = [
    ("struct_size", c.c_uint32),
    ("workers", c.c_uint32),
    ("network", c.POINTER(mf_network)),
    ("max_batch", c.c_size_t),
    ("depth", c.c_size_t),
    ("on_report", mf_pipeline_spec_on_report),
    ("user", c.c_void_p),
    ("allocator", c.POINTER(mf_allocator)),
    ("pool", c.POINTER(mf_pool)),
]

mf_output._fields_ = [
    ("struct_size", c.c_uint32),
    ("reserved", c.c_uint32),
    ("write", mf_output_write),
    ("user", c.c_void_p),
]

mf_load_spec._fields_ = [
    ("struct_size", c.c_uint32),
    ("contents", c.c_int32),
    ("max_bytes", c.c_uint64),
    ("allocator", c.POINTER(mf_allocator)),
]

mf_onnx_spec._fields_ = [
    ("struct_size", c.c_uint32),
    ("features", c.c_int32),
    ("path", c.c_char_p),
    ("buffer", c.c_void_p),
    ("bytes", c.c_size_t),
    ("cuts", c.POINTER(c.c_char_p)),
    ("cut_count", c.c_size_t),
    ("last", c.c_char_p),
    ("frozen", c.c_size_t),
    ("classes", c.c_size_t),
    ("pool_size", c.c_size_t),
    ("seed", c.c_uint64),
    ("max_bytes", c.c_uint64),
    ("allocator", c.POINTER(mf_allocator)),
]

# name: (result, arguments)
FUNCTIONS = {
    "mf_version": (c.c_char_p, []),
    "mf_status_name": (c.c_char_p, [c.c_int32]),
    "mf_last_message": (c.c_char_p, []),
    "mf_arena_init": (c.c_int32, [c.c_void_p, c.c_size_t, c.POINTER(mf_allocator)]),
    "mf_optimizer_spec_init": (c.c_int32, [c.POINTER(mf_optimizer_spec), c.c_size_t]),
    "mf_optimizer_create": (c.c_int32, [c.POINTER(mf_optimizer_spec), c.POINTER(c.POINTER(mf_optimizer))]),
    "mf_optimizer_free": (None, [c.POINTER(mf_optimizer)]),
    "mf_optimizer_set": (c.c_int32, [c.POINTER(mf_optimizer), c.c_int32, c.c_double]),
    "mf_optimizer_get": (c.c_int32, [c.POINTER(mf_optimizer), c.c_int32, c.c_void_p]),
    "mf_optimizer_range": (c.c_int32, [c.c_int32, c.c_void_p, c.c_void_p]),
    "mf_schedule_cosine": (c.c_double, [c.c_uint64, c.c_uint64, c.c_double]),
    "mf_schedule_step": (c.c_double, [c.c_uint64, c.c_uint64, c.c_double]),
    "mf_schedule_warmup": (c.c_double, [c.c_uint64, c.c_uint64]),
    "mf_layer_spec_init": (c.c_int32, [c.POINTER(mf_layer_spec), c.c_size_t]),
    "mf_layer_spec_follow": (c.c_int32, [c.POINTER(mf_layer_spec), c.POINTER(mf_layer_spec)]),
    "mf_batch_init": (c.c_int32, [c.POINTER(mf_batch), c.c_size_t]),
    "mf_shape_init": (c.c_int32, [c.POINTER(mf_shape), c.c_size_t]),
    "mf_parameter_info_init": (c.c_int32, [c.POINTER(mf_parameter_info), c.c_size_t]),
    "mf_layer_create": (c.c_int32, [c.POINTER(mf_layer_spec), c.POINTER(c.POINTER(mf_layer))]),
    "mf_layer_free": (None, [c.POINTER(mf_layer)]),
    "mf_layer_describe": (c.c_int32, [c.POINTER(mf_layer), c.POINTER(mf_layer_spec)]),
    "mf_layer_shape": (c.c_int32, [c.POINTER(mf_layer), c.POINTER(mf_shape), c.POINTER(mf_shape)]),
    "mf_layer_goodness_shape": (c.c_int32, [c.POINTER(mf_layer), c.POINTER(mf_shape)]),
    "mf_layer_set": (c.c_int32, [c.POINTER(mf_layer), c.c_int32, c.c_double]),
    "mf_layer_get": (c.c_int32, [c.POINTER(mf_layer), c.c_int32, c.c_void_p]),
    "mf_layer_set_classes": (c.c_int32, [c.POINTER(mf_layer), c.c_size_t]),
    "mf_layer_set_optimizer": (c.c_int32, [c.POINTER(mf_layer), c.POINTER(mf_optimizer)]),
    "mf_layer_optimizer": (c.c_int32, [c.POINTER(mf_layer), c.POINTER(c.POINTER(mf_optimizer))]),
    "mf_layer_parameter_count": (c.c_int32, [c.POINTER(mf_layer), c.c_void_p]),
    "mf_layer_parameter_info": (c.c_int32, [c.POINTER(mf_layer), c.c_size_t, c.POINTER(mf_parameter_info)]),
    "mf_layer_get_parameter": (c.c_int32, [c.POINTER(mf_layer), c.c_char_p, c.c_void_p, c.c_size_t]),
    "mf_layer_set_parameter": (c.c_int32, [c.POINTER(mf_layer), c.c_char_p, c.c_void_p, c.c_size_t]),
    "mf_layer_set_trainable": (c.c_int32, [c.POINTER(mf_layer), c.c_char_p, c.c_int32]),
    "mf_layer_step": (c.c_int32, [c.POINTER(mf_layer), c.POINTER(mf_workspace), c.c_size_t, c.c_void_p,
        c.c_void_p, c.c_void_p]),
    "mf_layer_step_batch": (c.c_int32, [c.POINTER(mf_layer), c.POINTER(mf_workspace), c.POINTER(mf_batch),
        c.c_void_p]),
    "mf_layer_gradients": (c.c_int32, [c.POINTER(mf_layer), c.POINTER(mf_workspace), c.POINTER(mf_batch),
        c.c_void_p, c.c_void_p, c.c_size_t]),
    "mf_layer_apply": (c.c_int32, [c.POINTER(mf_layer), c.c_void_p, c.c_size_t]),
    "mf_layer_forward": (c.c_int32, [c.POINTER(mf_layer), c.POINTER(mf_workspace), c.c_size_t, c.c_void_p,
        c.c_void_p]),
    "mf_layer_forward_batch": (c.c_int32, [c.POINTER(mf_layer), c.POINTER(mf_workspace), c.POINTER(mf_batch),
        c.c_void_p]),
    "mf_layer_pass_batch": (c.c_int32, [c.POINTER(mf_layer), c.POINTER(mf_workspace), c.POINTER(mf_batch),
        c.c_void_p]),
    "mf_layer_goodness": (c.c_int32, [c.POINTER(mf_layer), c.POINTER(mf_workspace), c.c_size_t, c.c_void_p,
        c.c_void_p]),
    "mf_matrix_spec_init": (c.c_int32, [c.POINTER(mf_matrix_spec), c.c_size_t]),
    "mf_matrix_create": (c.c_int32, [c.POINTER(mf_matrix_spec), c.POINTER(c.POINTER(mf_matrix))]),
    "mf_matrix_from_parameter": (c.c_int32, [c.POINTER(mf_layer), c.c_char_p, c.POINTER(mf_allocator),
        c.POINTER(c.POINTER(mf_matrix))]),
    "mf_matrix_free": (None, [c.POINTER(mf_matrix)]),
    "mf_matrix_size": (c.c_int32, [c.POINTER(mf_matrix), c.c_void_p, c.c_void_p]),
    "mf_matrix_values": (c.c_int32, [c.POINTER(mf_matrix), c.c_void_p, c.c_size_t]),
    "mf_unit_spec_init": (c.c_int32, [c.POINTER(mf_unit_spec), c.c_size_t]),
    "mf_block_spec_init": (c.c_int32, [c.POINTER(mf_block_spec), c.c_size_t]),
    "mf_head_spec_init": (c.c_int32, [c.POINTER(mf_head_spec), c.c_size_t]),
    "mf_builder_spec_init": (c.c_int32, [c.POINTER(mf_builder_spec), c.c_size_t]),
    "mf_builder_create": (c.c_int32, [c.POINTER(mf_builder_spec), c.POINTER(c.POINTER(mf_builder))]),
    "mf_builder_from_spec": (c.c_int32, [c.POINTER(mf_layer_spec), c.POINTER(c.POINTER(mf_builder))]),
    "mf_builder_free": (None, [c.POINTER(mf_builder)]),
    "mf_builder_unit": (c.c_int32, [c.POINTER(mf_builder), c.POINTER(mf_unit_spec), c.c_void_p]),
    "mf_builder_block": (c.c_int32, [c.POINTER(mf_builder), c.POINTER(mf_block_spec), c.c_void_p]),
    "mf_builder_head": (c.c_int32, [c.POINTER(mf_builder), c.POINTER(mf_head_spec)]),
    "mf_builder_shape": (c.c_int32, [c.POINTER(mf_builder), c.c_int32, c.POINTER(mf_shape)]),
    "mf_layer_build": (c.c_int32, [c.POINTER(mf_builder), c.POINTER(c.POINTER(mf_layer))]),
    "mf_layer_unit_count": (c.c_int32, [c.POINTER(mf_layer), c.c_void_p]),
    "mf_layer_unit": (c.c_int32, [c.POINTER(mf_layer), c.c_int32, c.POINTER(mf_unit_spec),
        c.POINTER(mf_shape)]),
    "mf_layer_head": (c.c_int32, [c.POINTER(mf_layer), c.POINTER(mf_head_spec)]),
    "mf_network_spec_init": (c.c_int32, [c.POINTER(mf_network_spec), c.c_size_t]),
    "mf_network_create": (c.c_int32, [c.POINTER(mf_network_spec), c.POINTER(c.POINTER(mf_network))]),
    "mf_network_free": (None, [c.POINTER(mf_network)]),
    "mf_network_size": (c.c_int32, [c.POINTER(mf_network), c.c_void_p]),
    "mf_network_append": (c.c_int32, [c.POINTER(mf_network), c.POINTER(mf_layer), c.c_void_p]),
    "mf_network_insert": (c.c_int32, [c.POINTER(mf_network), c.c_size_t, c.POINTER(mf_layer), c.c_void_p]),
    "mf_network_remove": (c.c_int32, [c.POINTER(mf_network), c.c_uint64]),
    "mf_network_replace": (c.c_int32, [c.POINTER(mf_network), c.c_uint64, c.POINTER(mf_layer)]),
    "mf_network_layer": (c.c_int32, [c.POINTER(mf_network), c.c_size_t, c.POINTER(c.POINTER(mf_layer)),
        c.c_void_p]),
    "mf_network_position": (c.c_int32, [c.POINTER(mf_network), c.c_uint64, c.c_void_p]),
    "mf_network_set_optimizer": (c.c_int32, [c.POINTER(mf_network), c.POINTER(mf_optimizer)]),
    "mf_network_set_classes": (c.c_int32, [c.POINTER(mf_network), c.c_size_t]),
    "mf_network_set_input_scaling": (c.c_int32, [c.POINTER(mf_network), c.c_void_p, c.c_void_p, c.c_size_t]),
    "mf_network_input_scaling": (c.c_int32, [c.POINTER(mf_network), c.c_void_p, c.c_void_p, c.c_size_t,
        c.c_void_p]),
    "mf_network_step": (c.c_int32, [c.POINTER(mf_network), c.POINTER(mf_workspace), c.c_size_t, c.c_void_p,
        c.c_void_p]),
    "mf_network_step_batch": (c.c_int32, [c.POINTER(mf_network), c.POINTER(mf_workspace),
        c.POINTER(mf_batch)]),
    "mf_network_step_layer": (c.c_int32, [c.POINTER(mf_network), c.POINTER(mf_workspace), c.c_size_t,
        c.c_size_t, c.c_void_p, c.c_void_p]),
    "mf_network_step_layer_batch": (c.c_int32, [c.POINTER(mf_network), c.POINTER(mf_workspace), c.c_size_t,
        c.POINTER(mf_batch)]),
    "mf_network_evaluate": (c.c_int32, [c.POINTER(mf_network), c.POINTER(mf_workspace), c.c_size_t,
        c.c_void_p, c.c_void_p]),
    "mf_network_evaluate_batch": (c.c_int32, [c.POINTER(mf_network), c.POINTER(mf_workspace),
        c.POINTER(mf_batch)]),
    "mf_network_predict": (c.c_int32, [c.POINTER(mf_network), c.POINTER(mf_workspace), c.c_int32, c.c_size_t,
        c.c_void_p, c.c_void_p]),
    "mf_network_goodness": (c.c_int32, [c.POINTER(mf_network), c.POINTER(mf_workspace), c.c_int32, c.c_size_t,
        c.c_void_p, c.c_void_p]),
    "mf_network_probabilities": (c.c_int32, [c.POINTER(mf_network), c.POINTER(mf_workspace), c.c_int32,
        c.c_size_t, c.c_void_p, c.c_void_p]),
    "mf_network_infer": (c.c_int32, [c.POINTER(mf_network), c.POINTER(mf_workspace), c.c_int32,
        c.POINTER(mf_batch), c.c_void_p, c.c_void_p, c.c_void_p]),
    "mf_network_top": (c.c_int32, [c.POINTER(mf_network), c.POINTER(mf_workspace), c.c_int32,
        c.POINTER(mf_batch), c.c_size_t, c.c_void_p, c.c_void_p, c.c_void_p]),
    "mf_pool_spec_init": (c.c_int32, [c.POINTER(mf_pool_spec), c.c_size_t]),
    "mf_pool_create": (c.c_int32, [c.POINTER(mf_pool_spec), c.POINTER(c.POINTER(mf_pool))]),
    "mf_pool_free": (None, [c.POINTER(mf_pool)]),
    "mf_pool_threads": (c.c_int32, [c.POINTER(mf_pool), c.c_void_p]),
    "mf_network_metadata_set": (c.c_int32, [c.POINTER(mf_network), c.c_char_p, c.c_char_p]),
    "mf_network_metadata_get": (c.c_int32, [c.POINTER(mf_network), c.c_char_p, c.POINTER(c.c_char_p)]),
    "mf_network_metadata_count": (c.c_int32, [c.POINTER(mf_network), c.c_void_p]),
    "mf_network_metadata_at": (c.c_int32, [c.POINTER(mf_network), c.c_size_t, c.POINTER(c.c_char_p),
        c.POINTER(c.c_char_p)]),
    "mf_network_metadata_remove": (c.c_int32, [c.POINTER(mf_network), c.c_char_p]),
    "mf_report_init": (c.c_int32, [c.POINTER(mf_report), c.c_size_t]),
    "mf_memory_init": (c.c_int32, [c.POINTER(mf_memory), c.c_size_t]),
    "mf_network_memory": (c.c_int32, [c.POINTER(c.POINTER(mf_layer_spec)), c.c_size_t,
        c.POINTER(mf_optimizer_spec), c.c_int32, c.c_size_t, c.POINTER(mf_memory)]),
    "mf_network_memory_built": (c.c_int32, [c.POINTER(c.POINTER(mf_builder)), c.c_size_t,
        c.POINTER(mf_optimizer_spec), c.c_int32, c.c_size_t, c.POINTER(mf_memory)]),
    "mf_memory_spec_init": (c.c_int32, [c.POINTER(mf_memory_spec), c.c_size_t]),
    "mf_memory_query": (c.c_int32, [c.POINTER(mf_memory_spec), c.POINTER(mf_memory)]),
    "mf_network_summary": (c.c_int32, [c.POINTER(mf_network), c.c_size_t, c.c_void_p, c.c_size_t,
        c.c_void_p]),
    "mf_workspace_spec_init": (c.c_int32, [c.POINTER(mf_workspace_spec), c.c_size_t]),
    "mf_workspace_create": (c.c_int32, [c.POINTER(mf_workspace_spec), c.POINTER(c.POINTER(mf_workspace))]),
    "mf_workspace_free": (None, [c.POINTER(mf_workspace)]),
    "mf_workspace_report": (c.c_int32, [c.POINTER(mf_workspace), c.c_size_t, c.POINTER(mf_report)]),
    "mf_workspace_report_sum": (c.c_int32, [c.POINTER(mf_workspace), c.POINTER(mf_report)]),
    "mf_pipeline_spec_init": (c.c_int32, [c.POINTER(mf_pipeline_spec), c.c_size_t]),
    "mf_pipeline_report_init": (c.c_int32, [c.POINTER(mf_pipeline_report), c.c_size_t]),
    "mf_pipeline_progress_info_init": (c.c_int32, [c.POINTER(mf_pipeline_progress_info), c.c_size_t]),
    "mf_pipeline_create": (c.c_int32, [c.POINTER(mf_pipeline_spec), c.POINTER(c.POINTER(mf_pipeline))]),
    "mf_pipeline_free": (None, [c.POINTER(mf_pipeline)]),
    "mf_pipeline_submit": (c.c_int32, [c.POINTER(mf_pipeline), c.c_size_t, c.c_void_p, c.c_void_p]),
    "mf_pipeline_submit_batch": (c.c_int32, [c.POINTER(mf_pipeline), c.POINTER(mf_batch)]),
    "mf_pipeline_try_submit": (c.c_int32, [c.POINTER(mf_pipeline), c.c_size_t, c.c_void_p, c.c_void_p]),
    "mf_pipeline_try_submit_batch": (c.c_int32, [c.POINTER(mf_pipeline), c.POINTER(mf_batch)]),
    "mf_pipeline_flush": (c.c_int32, [c.POINTER(mf_pipeline)]),
    "mf_pipeline_stop": (c.c_int32, [c.POINTER(mf_pipeline)]),
    "mf_pipeline_poll": (c.c_int32, [c.POINTER(mf_pipeline), c.POINTER(mf_pipeline_report)]),
    "mf_pipeline_progress": (c.c_int32, [c.POINTER(mf_pipeline), c.POINTER(mf_pipeline_progress_info)]),
    "mf_pipeline_evaluate": (c.c_int32, [c.POINTER(mf_pipeline), c.POINTER(mf_workspace), c.c_size_t,
        c.c_void_p, c.c_void_p]),
    "mf_pipeline_evaluate_batch": (c.c_int32, [c.POINTER(mf_pipeline), c.POINTER(mf_workspace),
        c.POINTER(mf_batch)]),
    "mf_pipeline_predict": (c.c_int32, [c.POINTER(mf_pipeline), c.POINTER(mf_workspace), c.c_int32,
        c.c_size_t, c.c_void_p, c.c_void_p]),
    "mf_pipeline_infer": (c.c_int32, [c.POINTER(mf_pipeline), c.POINTER(mf_workspace), c.c_int32,
        c.POINTER(mf_batch), c.c_void_p, c.c_void_p, c.c_void_p]),
    "mf_output_init": (c.c_int32, [c.POINTER(mf_output), c.c_size_t]),
    "mf_load_spec_init": (c.c_int32, [c.POINTER(mf_load_spec), c.c_size_t]),
    "mf_network_save": (c.c_int32, [c.POINTER(mf_network), c.c_int32, c.c_char_p]),
    "mf_network_save_size": (c.c_int32, [c.POINTER(mf_network), c.c_int32, c.c_void_p]),
    "mf_network_save_buffer": (c.c_int32, [c.POINTER(mf_network), c.c_int32, c.c_void_p, c.c_size_t,
        c.c_void_p]),
    "mf_network_save_to": (c.c_int32, [c.POINTER(mf_network), c.c_int32, c.POINTER(mf_output)]),
    "mf_network_load": (c.c_int32, [c.POINTER(mf_load_spec), c.c_char_p, c.POINTER(c.POINTER(mf_network))]),
    "mf_network_load_buffer": (c.c_int32, [c.POINTER(mf_load_spec), c.c_void_p, c.c_size_t,
        c.POINTER(c.POINTER(mf_network))]),
    "mf_network_snapshot_size": (c.c_int32, [c.POINTER(mf_network), c.c_void_p]),
    "mf_network_snapshot_save": (c.c_int32, [c.POINTER(mf_network), c.c_void_p, c.c_size_t]),
    "mf_network_snapshot_load": (c.c_int32, [c.POINTER(mf_network), c.c_void_p, c.c_size_t]),
    "mf_network_clone": (c.c_int32, [c.POINTER(mf_network), c.c_int32, c.POINTER(mf_allocator),
        c.POINTER(c.POINTER(mf_network))]),
    "mf_network_copy_parameters": (c.c_int32, [c.POINTER(mf_network), c.POINTER(mf_network)]),
    "mf_network_blend_parameters": (c.c_int32, [c.POINTER(mf_network), c.POINTER(mf_network), c.c_double]),
    "mf_products_name": (c.c_char_p, []),
    "mf_blas_name": (c.c_char_p, []),
    "mf_blas_set_threads": (c.c_int32, [c.c_int32]),
    "mf_blas_get_threads": (c.c_int32, [c.c_void_p]),
    "mf_network_export_onnx": (c.c_int32, [c.POINTER(mf_network), c.c_char_p]),
    "mf_network_export_onnx_size": (c.c_int32, [c.POINTER(mf_network), c.c_void_p]),
    "mf_network_export_onnx_buffer": (c.c_int32, [c.POINTER(mf_network), c.c_void_p, c.c_size_t, c.c_void_p]),
    "mf_network_export_onnx_to": (c.c_int32, [c.POINTER(mf_network), c.POINTER(mf_output)]),
    "mf_onnx_spec_init": (c.c_int32, [c.POINTER(mf_onnx_spec), c.c_size_t]),
    "mf_onnx_plan": (c.c_int32, [c.POINTER(mf_onnx_spec), c.c_void_p, c.c_size_t, c.c_void_p]),
    "mf_network_import_onnx": (c.c_int32, [c.POINTER(mf_onnx_spec), c.POINTER(c.POINTER(mf_network))]),
}
