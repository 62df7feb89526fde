-- The ABI of libmonoforward 0.2.0. Written by abi/generate.py: do not edit.
-- SPDX-License-Identifier: MIT
local ffi = require("ffi")
ffi.cdef[[
typedef int32_t mf_status;
typedef struct mf_optimizer mf_optimizer;
typedef struct mf_layer mf_layer;
typedef struct mf_workspace mf_workspace;
typedef struct mf_builder mf_builder;
typedef struct mf_network mf_network;
typedef struct mf_pool mf_pool;
typedef struct mf_pipeline mf_pipeline;
typedef struct mf_allocator mf_allocator;
typedef struct mf_optimizer_spec mf_optimizer_spec;
typedef struct mf_layer_spec mf_layer_spec;
typedef struct mf_shape mf_shape;
typedef struct mf_parameter_info mf_parameter_info;
typedef struct mf_batch mf_batch;
typedef struct mf_unit_spec mf_unit_spec;
typedef struct mf_block_spec mf_block_spec;
typedef struct mf_head_spec mf_head_spec;
typedef struct mf_builder_spec mf_builder_spec;
typedef struct mf_network_spec mf_network_spec;
typedef struct mf_pool_spec mf_pool_spec;
typedef struct mf_workspace_spec mf_workspace_spec;
typedef struct mf_report mf_report;
typedef struct mf_memory mf_memory;
typedef struct mf_memory_spec mf_memory_spec;
typedef struct mf_pipeline_report mf_pipeline_report;
typedef struct mf_pipeline_progress_info mf_pipeline_progress_info;
typedef struct mf_pipeline_spec mf_pipeline_spec;
typedef struct mf_output mf_output;
typedef struct mf_load_spec mf_load_spec;
typedef void *(*mf_allocator_alloc)(void *user, size_t bytes, size_t alignment);
typedef void (*mf_allocator_free)(void *user, void *pointer, size_t bytes);
typedef int32_t (*mf_pipeline_spec_on_report)(void *user, const mf_pipeline_report *report);
typedef int32_t (*mf_output_write)(void *user, const void *bytes, size_t count);
struct mf_allocator {
    mf_allocator_alloc alloc;
    mf_allocator_free free;
    void *user;
};
struct mf_optimizer_spec {
    uint32_t struct_size;
    int32_t kind;
    int32_t nesterov;
    float learning_rate;
    float momentum;
    float beta1;
    float beta2;
    float epsilon;
    float weight_decay;
    float clip_norm;
    const mf_allocator *allocator;
};
struct mf_layer_spec {
    uint32_t struct_size;
    int32_t kind;
    size_t inputs;
    size_t outputs;
    size_t classes;
    int32_t activation;
    int32_t bias;
    int32_t weight_init;
    int32_t projection_init;
    float weight_gain;
    float projection_gain;
    float leak;
    float dropout;
    float label_smoothing;
    uint64_t seed;
    const mf_allocator *allocator;
    int32_t normalization;
    float normalization_rate;
    float normalization_epsilon;
    int32_t pool;
    size_t channels;
    size_t height;
    size_t width;
    size_t filters;
    size_t kernel[2];
    size_t stride[2];
    size_t padding[2];
    size_t pool_size[2];
    size_t pool_stride[2];
    size_t head_size;
    int32_t dropout_maps;
    int32_t precision;
};
struct mf_shape {
    uint32_t struct_size;
    int32_t rank;
    size_t dims[4];
};
struct mf_parameter_info {
    uint32_t struct_size;
    int32_t type;
    int32_t trainable;
    int32_t rank;
    size_t dims[4];
    size_t count;
    const char *name;
};
struct mf_batch {
    uint32_t struct_size;
    int32_t input_type;
    int32_t target_type;
    size_t rows;
    const void *inputs;
    size_t input_stride;
    const void *targets;
    const float *sample_weights;
    float input_scale;
    float input_shift;
};
struct mf_unit_spec {
    uint32_t struct_size;
    int32_t kind;
    int32_t inputs[2];
    size_t outputs;
    int32_t bias;
    int32_t weight_init;
    float weight_gain;
    int32_t activation;
    float leak;
    int32_t pool;
    size_t kernel[2];
    size_t stride[2];
    size_t padding[2];
    float dropout;
    int32_t dropout_maps;
    float normalization_rate;
    float normalization_epsilon;
    int32_t reserved2;
    int32_t reserved;
    size_t heads;
    int32_t causal;
    int32_t reserved3;
};
struct mf_block_spec {
    uint32_t struct_size;
    int32_t kind;
    int32_t input;
    int32_t activation;
    size_t outputs;
    size_t stride[2];
    size_t hidden;
    size_t token_hidden;
    size_t heads;
    int32_t causal;
    int32_t reserved;
};
struct mf_head_spec {
    uint32_t struct_size;
    int32_t kind;
    size_t classes;
    size_t pool_size;
    int32_t projection_init;
    float projection_gain;
    float label_smoothing;
    int32_t output_node;
};
struct mf_builder_spec {
    uint32_t struct_size;
    int32_t dropout_maps;
    const mf_shape *input;
    float dropout;
    int32_t precision;
    uint64_t seed;
    const mf_allocator *allocator;
};
struct mf_network_spec {
    uint32_t struct_size;
    const mf_allocator *allocator;
};
struct mf_pool_spec {
    uint32_t struct_size;
    uint32_t threads;
    const mf_allocator *allocator;
};
struct mf_workspace_spec {
    uint32_t struct_size;
    int32_t purpose;
    mf_network *network;
    mf_layer *layer;
    size_t max_batch;
    const mf_allocator *allocator;
    mf_pool *pool;
};
struct mf_report {
    uint32_t struct_size;
    uint32_t reserved;
    uint64_t rows;
    uint64_t correct;
    double loss;
    double gradient_norm;
    uint64_t applied;
};
struct mf_memory {
    uint32_t struct_size;
    uint32_t reserved;
    size_t layers;
    size_t state;
    size_t network;
    size_t optimizer;
    size_t workspace;
    size_t total;
    size_t arena;
};
struct mf_memory_spec {
    uint32_t struct_size;
    int32_t purpose;
    const mf_layer_spec *const *layers;
    mf_builder *const *builders;
    size_t count;
    const mf_optimizer_spec *optimizer;
    size_t max_batch;
    size_t threads;
};
struct mf_pipeline_report {
    uint32_t struct_size;
    int32_t status;
    uint64_t batch;
    uint64_t position;
    uint64_t rows;
    uint64_t correct;
    double loss;
    double gradient_norm;
    uint64_t applied;
};
struct mf_pipeline_progress_info {
    uint32_t struct_size;
    int32_t status;
    uint64_t submitted;
    uint64_t finished;
    uint64_t failed_batch;
    uint64_t failed_position;
    uint64_t missed;
    uint64_t groups;
    int32_t stopped;
    int32_t reserved;
};
struct mf_pipeline_spec {
    uint32_t struct_size;
    uint32_t workers;
    mf_network *network;
    size_t max_batch;
    size_t depth;
    mf_pipeline_spec_on_report on_report;
    void *user;
    const mf_allocator *allocator;
    mf_pool *pool;
};
struct mf_output {
    uint32_t struct_size;
    uint32_t reserved;
    mf_output_write write;
    void *user;
};
struct mf_load_spec {
    uint32_t struct_size;
    int32_t contents;
    uint64_t max_bytes;
    const mf_allocator *allocator;
};
enum { MF_STATUS_OK = 0 };
enum { MF_STATUS_ARGUMENT = 1 };
enum { MF_STATUS_HANDLE = 2 };
enum { MF_STATUS_SHAPE = 3 };
enum { MF_STATUS_LABEL = 4 };
enum { MF_STATUS_CAPACITY = 5 };
enum { MF_STATUS_MEMORY = 6 };
enum { MF_STATUS_OVERFLOW = 7 };
enum { MF_STATUS_NUMERIC = 8 };
enum { MF_STATUS_UNSUPPORTED = 9 };
enum { MF_STATUS_STALE = 10 };
enum { MF_STATUS_STATE = 11 };
enum { MF_STATUS_NOT_FOUND = 12 };
enum { MF_STATUS_BUSY = 13 };
enum { MF_STATUS_IO = 14 };
enum { MF_STATUS_FORMAT = 15 };
enum { MF_STATUS_VERSION = 16 };
enum { MF_OPTIMIZER_SGD = 0 };
enum { MF_OPTIMIZER_ADAM = 1 };
enum { MF_OPTIMIZER_ADAMW = 2 };
enum { MF_OPTIMIZER_RMSPROP = 3 };
enum { MF_OPTIMIZER_LEARNING_RATE = 0 };
enum { MF_OPTIMIZER_MOMENTUM = 1 };
enum { MF_OPTIMIZER_NESTEROV = 2 };
enum { MF_OPTIMIZER_BETA1 = 3 };
enum { MF_OPTIMIZER_BETA2 = 4 };
enum { MF_OPTIMIZER_EPSILON = 5 };
enum { MF_OPTIMIZER_WEIGHT_DECAY = 6 };
enum { MF_OPTIMIZER_CLIP_NORM = 7 };
enum { MF_OPTIMIZER_CHECKED = 8 };
enum { MF_LAYER_DENSE = 0 };
enum { MF_LAYER_CONV2D = 1 };
enum { MF_LAYER_UNITS = 2 };
enum { MF_POOL_NONE = 0 };
enum { MF_POOL_AVERAGE = 1 };
enum { MF_POOL_MAX = 2 };
enum { MF_NORMALIZATION_NONE = 0 };
enum { MF_NORMALIZATION_BATCH = 1 };
enum { MF_ACTIVATION_IDENTITY = 0 };
enum { MF_ACTIVATION_RELU = 1 };
enum { MF_ACTIVATION_LEAKY_RELU = 2 };
enum { MF_ACTIVATION_TANH = 3 };
enum { MF_ACTIVATION_GELU = 4 };
enum { MF_ACTIVATION_SILU = 5 };
enum { MF_INIT_KAIMING_UNIFORM = 0 };
enum { MF_INIT_ZERO = 1 };
enum { MF_INIT_ORTHOGONAL = 2 };
enum { MF_INIT_NORMAL = 3 };
enum { MF_PRECISION_FLOAT32 = 0 };
enum { MF_PRECISION_BF16 = 1 };
enum { MF_LAYER_DROPOUT = 0 };
enum { MF_LAYER_LABEL_SMOOTHING = 1 };
enum { MF_TYPE_FLOAT32 = 0 };
enum { MF_TYPE_INT32 = 1 };
enum { MF_TYPE_UINT8 = 2 };
enum { MF_TYPE_BF16 = 3 };
enum { MF_UNIT_DENSE = 0 };
enum { MF_UNIT_CONV2D = 1 };
enum { MF_UNIT_BATCH_NORM = 2 };
enum { MF_UNIT_ACTIVATION = 3 };
enum { MF_UNIT_POOL = 4 };
enum { MF_UNIT_DROPOUT = 5 };
enum { MF_UNIT_ADD = 6 };
enum { MF_UNIT_LAYER_NORM = 7 };
enum { MF_UNIT_GLOBAL_POOL = 8 };
enum { MF_UNIT_CONCAT = 9 };
enum { MF_UNIT_TRANSPOSE = 10 };
enum { MF_UNIT_TOKENS = 11 };
enum { MF_UNIT_POSITIONS = 12 };
enum { MF_UNIT_ATTENTION = 13 };
enum { MF_BLOCK_RESIDUAL = 0 };
enum { MF_BLOCK_BOTTLENECK = 1 };
enum { MF_BLOCK_MIXER = 2 };
enum { MF_BLOCK_TRANSFORMER = 3 };
enum { MF_HEAD_LINEAR = 0 };
enum { MF_HEAD_POSITIONS = 1 };
enum { MF_PREDICT_LAST = 0 };
enum { MF_PREDICT_SUM = 1 };
enum { MF_METADATA_NAME_BYTES = 255 };
enum { MF_METADATA_VALUE_BYTES = 1048576 };
enum { MF_METADATA_BYTES = 8388608 };
enum { MF_METADATA_ENTRIES = 1024 };
enum { MF_WORKSPACE_TRAINING = 0 };
enum { MF_WORKSPACE_INFERENCE = 1 };
enum { MF_WORKSPACE_CONVERT = 2 };
enum { MF_CONTENTS_MODEL = 0 };
enum { MF_CONTENTS_TRAINING = 1 };
enum { MF_ACTIVATION_AUTO = -1 };
enum { MF_NODE_PREVIOUS = -1 };
enum { MF_LABEL_IGNORED = -100 };
const char *mf_version(void);
const char *mf_status_name(mf_status status);
const char *mf_last_message(void);
mf_status mf_arena_init(void *buffer, size_t bytes, mf_allocator *allocator);
mf_status mf_optimizer_spec_init(mf_optimizer_spec *spec, size_t size);
mf_status mf_optimizer_create(const mf_optimizer_spec *spec, mf_optimizer **optimizer);
void mf_optimizer_free(mf_optimizer *optimizer);
mf_status mf_optimizer_set(mf_optimizer *optimizer, int32_t key, double value);
mf_status mf_optimizer_get(const mf_optimizer *optimizer, int32_t key, double *value);
mf_status mf_optimizer_range(int32_t key, double *lowest, double *highest);
double mf_schedule_cosine(uint64_t step, uint64_t total, double floor);
double mf_schedule_step(uint64_t step, uint64_t interval, double factor);
double mf_schedule_warmup(uint64_t step, uint64_t steps);
mf_status mf_layer_spec_init(mf_layer_spec *spec, size_t size);
mf_status mf_layer_spec_follow(mf_layer_spec *spec, const mf_layer_spec *before);
mf_status mf_batch_init(mf_batch *batch, size_t size);
mf_status mf_shape_init(mf_shape *shape, size_t size);
mf_status mf_parameter_info_init(mf_parameter_info *info, size_t size);
mf_status mf_layer_create(const mf_layer_spec *spec, mf_layer **layer);
void mf_layer_free(mf_layer *layer);
mf_status mf_layer_describe(const mf_layer *layer, mf_layer_spec *spec);
mf_status mf_layer_shape(const mf_layer *layer, mf_shape *input, mf_shape *output);
mf_status mf_layer_goodness_shape(const mf_layer *layer, mf_shape *shape);
mf_status mf_layer_set(mf_layer *layer, int32_t key, double value);
mf_status mf_layer_get(const mf_layer *layer, int32_t key, double *value);
mf_status mf_layer_set_classes(mf_layer *layer, size_t classes);
mf_status mf_layer_set_optimizer(mf_layer *layer, mf_optimizer *optimizer);
mf_status mf_layer_optimizer(const mf_layer *layer, mf_optimizer **optimizer);
mf_status mf_layer_parameter_count(const mf_layer *layer, size_t *count);
mf_status mf_layer_parameter_info(const mf_layer *layer, size_t index, mf_parameter_info *info);
mf_status mf_layer_get_parameter(const mf_layer *layer, const char *name, float *values, size_t count);
mf_status mf_layer_set_parameter(mf_layer *layer, const char *name, const float *values, size_t count);
mf_status mf_layer_set_trainable(mf_layer *layer, const char *name, int32_t trainable);
mf_status mf_layer_step(mf_layer *layer, mf_workspace *workspace, size_t rows, const float *x, const int32_t *y, float *a);
mf_status mf_layer_step_batch(mf_layer *layer, mf_workspace *workspace, const mf_batch *batch, float *a);
mf_status mf_layer_gradients(mf_layer *layer, mf_workspace *workspace, const mf_batch *batch, float *a, float *gradients, size_t count);
mf_status mf_layer_apply(mf_layer *layer, const float *gradients, size_t count);
mf_status mf_layer_forward(const mf_layer *layer, mf_workspace *workspace, size_t rows, const float *x, float *a);
mf_status mf_layer_forward_batch(const mf_layer *layer, mf_workspace *workspace, const mf_batch *batch, float *a);
mf_status mf_layer_pass_batch(mf_layer *layer, mf_workspace *workspace, const mf_batch *batch, float *a);
mf_status mf_layer_goodness(const mf_layer *layer, mf_workspace *workspace, size_t rows, const float *a, float *goodness);
mf_status mf_unit_spec_init(mf_unit_spec *spec, size_t size);
mf_status mf_block_spec_init(mf_block_spec *spec, size_t size);
mf_status mf_head_spec_init(mf_head_spec *spec, size_t size);
mf_status mf_builder_spec_init(mf_builder_spec *spec, size_t size);
mf_status mf_builder_create(const mf_builder_spec *spec, mf_builder **builder);
mf_status mf_builder_from_spec(const mf_layer_spec *spec, mf_builder **builder);
void mf_builder_free(mf_builder *builder);
mf_status mf_builder_unit(mf_builder *builder, const mf_unit_spec *unit, int32_t *node);
mf_status mf_builder_block(mf_builder *builder, const mf_block_spec *block, int32_t *node);
mf_status mf_builder_head(mf_builder *builder, const mf_head_spec *head);
mf_status mf_builder_shape(const mf_builder *builder, int32_t node, mf_shape *shape);
mf_status mf_layer_build(mf_builder *builder, mf_layer **layer);
mf_status mf_layer_unit_count(const mf_layer *layer, size_t *count);
mf_status mf_layer_unit(const mf_layer *layer, int32_t node, mf_unit_spec *unit, mf_shape *output);
mf_status mf_layer_head(const mf_layer *layer, mf_head_spec *head);
mf_status mf_network_spec_init(mf_network_spec *spec, size_t size);
mf_status mf_network_create(const mf_network_spec *spec, mf_network **network);
void mf_network_free(mf_network *network);
mf_status mf_network_size(const mf_network *network, size_t *size);
mf_status mf_network_append(mf_network *network, mf_layer *layer, uint64_t *id);
mf_status mf_network_insert(mf_network *network, size_t position, mf_layer *layer, uint64_t *id);
mf_status mf_network_remove(mf_network *network, uint64_t id);
mf_status mf_network_replace(mf_network *network, uint64_t id, mf_layer *layer);
mf_status mf_network_layer(const mf_network *network, size_t position, mf_layer **layer, uint64_t *id);
mf_status mf_network_position(const mf_network *network, uint64_t id, size_t *position);
mf_status mf_network_set_optimizer(mf_network *network, mf_optimizer *optimizer);
mf_status mf_network_set_classes(mf_network *network, size_t classes);
mf_status mf_network_step(mf_network *network, mf_workspace *workspace, size_t rows, const float *x, const int32_t *y);
mf_status mf_network_step_batch(mf_network *network, mf_workspace *workspace, const mf_batch *batch);
mf_status mf_network_step_layer(mf_network *network, mf_workspace *workspace, size_t position, size_t rows, const float *x, const int32_t *y);
mf_status mf_network_step_layer_batch(mf_network *network, mf_workspace *workspace, size_t position, const mf_batch *batch);
mf_status mf_network_evaluate(const mf_network *network, mf_workspace *workspace, size_t rows, const float *x, const int32_t *y);
mf_status mf_network_evaluate_batch(const mf_network *network, mf_workspace *workspace, const mf_batch *batch);
mf_status mf_network_predict(const mf_network *network, mf_workspace *workspace, int32_t mode, size_t rows, const float *x, int32_t *labels);
mf_status mf_network_goodness(const mf_network *network, mf_workspace *workspace, int32_t mode, size_t rows, const float *x, float *goodness);
mf_status mf_network_probabilities(const mf_network *network, mf_workspace *workspace, int32_t mode, size_t rows, const float *x, float *probabilities);
mf_status mf_network_infer(const mf_network *network, mf_workspace *workspace, int32_t mode, const mf_batch *batch, int32_t *labels, float *goodness, float *probabilities);
mf_status mf_pool_spec_init(mf_pool_spec *spec, size_t size);
mf_status mf_pool_create(const mf_pool_spec *spec, mf_pool **pool);
void mf_pool_free(mf_pool *pool);
mf_status mf_pool_threads(const mf_pool *pool, uint32_t *threads);
mf_status mf_network_metadata_set(mf_network *network, const char *name, const char *value);
mf_status mf_network_metadata_get(const mf_network *network, const char *name, const char **value);
mf_status mf_network_metadata_count(const mf_network *network, size_t *count);
mf_status mf_network_metadata_at(const mf_network *network, size_t index, const char **name, const char **value);
mf_status mf_network_metadata_remove(mf_network *network, const char *name);
mf_status mf_report_init(mf_report *report, size_t size);
mf_status mf_memory_init(mf_memory *memory, size_t size);
mf_status mf_network_memory(const mf_layer_spec *const *layers, size_t count, const mf_optimizer_spec *optimizer, int32_t purpose, size_t max_batch, mf_memory *memory);
mf_status mf_network_memory_built(mf_builder *const *builders, size_t count, const mf_optimizer_spec *optimizer, int32_t purpose, size_t max_batch, mf_memory *memory);
mf_status mf_memory_spec_init(mf_memory_spec *spec, size_t size);
mf_status mf_memory_query(const mf_memory_spec *spec, mf_memory *memory);
mf_status mf_network_summary(const mf_network *network, size_t max_batch, char *text, size_t size, size_t *needed);
mf_status mf_workspace_spec_init(mf_workspace_spec *spec, size_t size);
mf_status mf_workspace_create(const mf_workspace_spec *spec, mf_workspace **workspace);
void mf_workspace_free(mf_workspace *workspace);
mf_status mf_workspace_report(const mf_workspace *workspace, size_t position, mf_report *report);
mf_status mf_workspace_report_sum(const mf_workspace *workspace, mf_report *report);
mf_status mf_pipeline_spec_init(mf_pipeline_spec *spec, size_t size);
mf_status mf_pipeline_report_init(mf_pipeline_report *report, size_t size);
mf_status mf_pipeline_progress_info_init(mf_pipeline_progress_info *progress, size_t size);
mf_status mf_pipeline_create(const mf_pipeline_spec *spec, mf_pipeline **pipeline);
void mf_pipeline_free(mf_pipeline *pipeline);
mf_status mf_pipeline_submit(mf_pipeline *pipeline, size_t rows, const float *x, const int32_t *y);
mf_status mf_pipeline_submit_batch(mf_pipeline *pipeline, const mf_batch *batch);
mf_status mf_pipeline_try_submit(mf_pipeline *pipeline, size_t rows, const float *x, const int32_t *y);
mf_status mf_pipeline_try_submit_batch(mf_pipeline *pipeline, const mf_batch *batch);
mf_status mf_pipeline_flush(mf_pipeline *pipeline);
mf_status mf_pipeline_stop(mf_pipeline *pipeline);
mf_status mf_pipeline_poll(mf_pipeline *pipeline, mf_pipeline_report *report);
mf_status mf_pipeline_progress(mf_pipeline *pipeline, mf_pipeline_progress_info *progress);
mf_status mf_pipeline_evaluate(mf_pipeline *pipeline, mf_workspace *workspace, size_t rows, const float *x, const int32_t *y);
mf_status mf_pipeline_evaluate_batch(mf_pipeline *pipeline, mf_workspace *workspace, const mf_batch *batch);
mf_status mf_pipeline_predict(mf_pipeline *pipeline, mf_workspace *workspace, int32_t mode, size_t rows, const float *x, int32_t *labels);
mf_status mf_pipeline_infer(mf_pipeline *pipeline, mf_workspace *workspace, int32_t mode, const mf_batch *batch, int32_t *labels, float *goodness, float *probabilities);
mf_status mf_output_init(mf_output *output, size_t size);
mf_status mf_load_spec_init(mf_load_spec *spec, size_t size);
mf_status mf_network_save(const mf_network *network, int32_t contents, const char *path);
mf_status mf_network_save_size(const mf_network *network, int32_t contents, size_t *bytes);
mf_status mf_network_save_buffer(const mf_network *network, int32_t contents, void *buffer, size_t bytes, size_t *written);
mf_status mf_network_save_to(const mf_network *network, int32_t contents, const mf_output *output);
mf_status mf_network_load(const mf_load_spec *spec, const char *path, mf_network **network);
mf_status mf_network_load_buffer(const mf_load_spec *spec, const void *buffer, size_t bytes, mf_network **network);
mf_status mf_network_snapshot_size(const mf_network *network, size_t *bytes);
mf_status mf_network_snapshot_save(const mf_network *network, void *buffer, size_t bytes);
mf_status mf_network_snapshot_load(mf_network *network, const void *buffer, size_t bytes);
mf_status mf_network_clone(const mf_network *network, int32_t contents, const mf_allocator *allocator, mf_network **clone);
mf_status mf_network_copy_parameters(mf_network *to, const mf_network *from);
mf_status mf_network_blend_parameters(mf_network *to, const mf_network *from, double share);
const char *mf_products_name(void);
const char *mf_blas_name(void);
mf_status mf_blas_set_threads(int32_t threads);
mf_status mf_blas_get_threads(int32_t *threads);
mf_status mf_network_export_onnx(const mf_network *network, const char *path);
mf_status mf_network_export_onnx_size(const mf_network *network, size_t *bytes);
mf_status mf_network_export_onnx_buffer(const mf_network *network, void *buffer, size_t bytes, size_t *written);
mf_status mf_network_export_onnx_to(const mf_network *network, const mf_output *output);
]]

-- What the compiler of C made of the structs is what the FFI makes of them.
if ffi.abi("64bit") then
    assert(ffi.sizeof("mf_allocator") == 24)
    assert(ffi.sizeof("mf_optimizer_spec") == 48)
    assert(ffi.sizeof("mf_layer_spec") == 232)
    assert(ffi.sizeof("mf_shape") == 40)
    assert(ffi.sizeof("mf_parameter_info") == 64)
    assert(ffi.sizeof("mf_batch") == 64)
    assert(ffi.sizeof("mf_unit_spec") == 136)
    assert(ffi.sizeof("mf_block_spec") == 72)
    assert(ffi.sizeof("mf_head_spec") == 40)
    assert(ffi.sizeof("mf_builder_spec") == 40)
    assert(ffi.sizeof("mf_network_spec") == 16)
    assert(ffi.sizeof("mf_pool_spec") == 16)
    assert(ffi.sizeof("mf_workspace_spec") == 48)
    assert(ffi.sizeof("mf_report") == 48)
    assert(ffi.sizeof("mf_memory") == 64)
    assert(ffi.sizeof("mf_memory_spec") == 56)
    assert(ffi.sizeof("mf_pipeline_report") == 64)
    assert(ffi.sizeof("mf_pipeline_progress_info") == 64)
    assert(ffi.sizeof("mf_pipeline_spec") == 64)
    assert(ffi.sizeof("mf_output") == 24)
    assert(ffi.sizeof("mf_load_spec") == 24)
end
