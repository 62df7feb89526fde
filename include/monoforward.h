/*
 * monoforward.h: train neural networks inside your own program, without backpropagation.
 *
 * libmonoforward trains with the Mono-Forward algorithm (arXiv 2501.09238): every layer has its own
 * projection M that turns its activation into one score per class, its "goodness", and learns from
 * the cross-entropy of these scores alone. Nothing flows backward between layers.
 *
 * For a layer with k inputs, n neurons, m classes and a batch of B rows (row-major, one sample a row):
 *
 *     z = x W^T + b        x [B,k]   W [n,k]   b [n]
 *     a = phi(z)           a [B,n]   the input of the next layer
 *     G = a M^T            M [m,n]   the goodness
 *     L = mean over the batch of CE(softmax(G), y)
 *
 * and one call, mf_layer_step(), computes all of this, the gradients of L, and the update of W, b and M.
 * In a convolutional layer the product is a convolution, and phi may be followed by a pooling; batch
 * normalisation, in both kinds of layers, stands between the product and b: see mf_layer_spec. A layer may
 * also be a stretch of several units, such as a residual block, through which gradients flow: see mf_builder.
 *
 * Where to start, from the shortest way to the freest:
 *
 *   1. mf_layer_create(), mf_network_append(), mf_network_step(), mf_network_predict(): a network that learns.
 *   2. mf_builder_unit(), mf_layer_build(): layers of units of your choice; where gradients stop is yours, too.
 *   3. mf_pipeline_create(): layers that learn at the same time, on several threads, with the same bits;
 *      mf_pool_create(): threads that share the work of any call.
 *   4. mf_layer_step(), mf_layer_gradients(), mf_layer_apply(): your own loop, layer by layer.
 *
 * Conventions that hold for every function below:
 *
 * - Errors. Every call that can fail returns an mf_status; MF_STATUS_OK is 0. When a call fails, no layer has
 *   changed (there are two exceptions: of a joint step, layers before the one that fails have learned, and an
 *   update by which a parameter overflows has happened; the functions say so), and mf_last_message() explains
 *   the failure in words. Results come through out-pointers; a failed create leaves NULL there. The library
 *   never aborts, exits or prints.
 * - Handles. mf_layer, mf_matrix, mf_builder, mf_network, mf_optimizer, mf_workspace, mf_pool and mf_pipeline are
 *   opaque. Each create has exactly one free. Attaching one handle to another takes a reference, so any order
 *   of frees is safe and a layer may sit in several networks. A pointer returned by a getter is borrowed: do
 *   not free it.
 * - Data. Arrays are float32, row-major, dense unless an mf_batch says otherwise; labels are int32_t from 0
 *   to classes - 1. A row of maps is [channels, height, width], one of a sequence [positions, values]. The
 *   library reads the caller's arrays during the call only, and no other thread may change them meanwhile.
 *   Input and output arrays must not overlap. Inputs are finite; a NaN or an infinity is refused.
 * - Memory. Creating and attaching allocate. Training and prediction never do.
 * - Threads. Different handles may be used from different threads at the same time, but a network uses its
 *   layers and a layer its optimizer. One handle may be read (const functions) from many threads at once,
 *   each with a workspace of its own, but not while another thread changes it. The library starts no threads,
 *   but for those of an mf_pool and the workers of an mf_pipeline.
 * - Structs. Every struct that may grow begins with struct_size. Fill it with its _init function. Where the struct is
 *   a result, zeros and struct_size = sizeof the struct are enough; of a spec zeros are no defaults.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef MONOFORWARD_H
#define MONOFORWARD_H

#include <stddef.h>
#include <stdint.h>

/** Version of this header; mf_version() tells the version of the library that runs. */
#define MF_VERSION_MAJOR 0
#define MF_VERSION_MINOR 2
#define MF_VERSION_PATCH 0

#if defined(_WIN32) && defined(MF_SHARED)
#define MF_API __declspec(dllimport)
#elif defined(__GNUC__)
#define MF_API __attribute__((visibility("default")))
#else
#define MF_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------------------------------------- */
/** @defgroup status Status, messages, version
 *  @{ */

/** Outcome of a call: one of the MF_STATUS_ constants. Their values never change. */
typedef int32_t mf_status;

enum {
    MF_STATUS_OK = 0,       /**< Done. */
    MF_STATUS_ARGUMENT = 1, /**< An argument is NULL, out of its range, or not a known constant. */
    MF_STATUS_HANDLE = 2,   /**< A handle is NULL or of another kind. */
    MF_STATUS_SHAPE = 3,    /**< Sizes do not fit together, such as the inputs of neighbouring layers. */
    MF_STATUS_LABEL = 4, /**< A label is negative or not below the number of classes, or all are ignored. */
    MF_STATUS_CAPACITY = 5, /**< The batch has no rows, or more than the workspace was made for; a buffer is
                               too small, a file larger than wanted, or metadata beyond a
                               limit. */
    MF_STATUS_MEMORY = 6,   /**< The allocator returned NULL. */
    MF_STATUS_OVERFLOW = 7, /**< A size does not fit: the product of the dimensions is too large; no id is left. */
    MF_STATUS_NUMERIC = 8,  /**< A NaN or an infinity: in the input, as a loss, or after an update. */
    MF_STATUS_UNSUPPORTED = 9, /**< Valid, but not available in this version or with this BLAS library. */
    MF_STATUS_STALE = 10,      /**< The workspace belongs to something else, or the network has changed. */
    MF_STATUS_STATE = 11,      /**< Something must be done first, such as attaching an optimizer. */
    MF_STATUS_NOT_FOUND = 12,  /**< No such parameter, layer or position; nothing left to read. */
    MF_STATUS_BUSY = 13,       /**< Not now: the queue is full, or what was asked for is not finished. */
    MF_STATUS_IO = 14,         /**< The system refused to open, read, write or rename a file. */
    MF_STATUS_FORMAT = 15,     /**< The file or buffer does not hold what it should, or is damaged. */
    MF_STATUS_VERSION = 16     /**< Written in a newer format than this version knows. */
};

/** Version of the running library, "major.minor.patch". Static text; never NULL. */
MF_API const char *mf_version(void);

/** Name of a status, for example "MF_STATUS_SHAPE"; "unknown status" for other values. Static text. */
MF_API const char *mf_status_name(mf_status status);

/** What went wrong in the last failed call of this thread, in words; "" if none has failed.
 *  The text is replaced by this thread's next failure and ends with the thread; successful calls leave it
 *  alone. Never NULL. */
MF_API const char *mf_last_message(void);

/** @} */
/* ---------------------------------------------------------------------------------------------- */
/** @defgroup memory Allocator
 *  @{ */

/** Where a handle gets its memory. The struct is copied; `user` must outlive every handle made with it.
 *  A handle allocates when it is created or attached, never during training or prediction. Both functions run
 *  on the thread that creates, attaches or frees: they need locks only if several threads do so at once. */
typedef struct mf_allocator {
    /** Returns `bytes` bytes aligned to `alignment` (a power of two, at most 64), or NULL. */
    void *(*alloc)(void *user, size_t bytes, size_t alignment);
    /** Takes back what alloc returned, never NULL; `bytes` is the size that was asked for. */
    void (*free)(void *user, void *pointer, size_t bytes);
    /** Handed to both functions. */
    void *user;
} mf_allocator;

/** Turns a buffer of the caller's into an allocator, for programs without a heap: fills `allocator`, whose
 *  handles then live in the buffer. Blocks that handles give back are used again. The buffer's beginning
 *  holds the list of blocks, whatever its alignment; it must outlive the handles, and one thread at a time
 * may create, attach or free them. mf_network_memory() tells how large it must be. Errors: ARGUMENT (NULL),
 * CAPACITY (too small). */
MF_API mf_status mf_arena_init(void *buffer, size_t bytes, mf_allocator *allocator);

/** @} */
/* ---------------------------------------------------------------------------------------------- */
/** @defgroup optimizer Optimizers
 *
 *  An optimizer is a set of hyper-parameters that layers share. What it remembers between steps
 *  (momentum, second moments, step counts) lives in each layer, so layers stay independent.
 *
 *  Learning-rate schedules are functions of the step that return a factor for a base rate. Multiply them to
 *  combine them, and hand the product to mf_optimizer_set():
 *
 *      lr = base * mf_schedule_warmup(t, 500) * mf_schedule_cosine(t, total, 0.01)
 *
 *  @{ */

/** Opaque handle of an optimizer. */
typedef struct mf_optimizer mf_optimizer;

/** Update rules. g is the gradient of the loss, p the parameter. Weight decay acts on weights and
 *  projections, never on biases. */
enum {
    /** v = momentum v + g + decay p;  p -= lr v  (Nesterov: p -= lr (g + decay p + momentum v)). */
    MF_OPTIMIZER_SGD = 0,
    /** Adam with bias correction; the decay is added to the gradient. */
    MF_OPTIMIZER_ADAM = 1,
    /** Adam with decoupled decay: p -= lr decay p, then Adam's update. */
    MF_OPTIMIZER_ADAMW = 2,
    /** s = beta2 s + (1 - beta2) g^2;  p -= lr g / (sqrt(s) + epsilon); with momentum, v = momentum v + that
       quotient. */
    MF_OPTIMIZER_RMSPROP = 3
};

/** Keys of mf_optimizer_set(), mf_optimizer_get() and mf_optimizer_range(). */
enum {
    MF_OPTIMIZER_LEARNING_RATE = 0, /**< lr, 0 or more. */
    MF_OPTIMIZER_MOMENTUM = 1,      /**< 0 to below 1; SGD and RMSprop. */
    MF_OPTIMIZER_NESTEROV = 2,      /**< 0 or 1; SGD. */
    MF_OPTIMIZER_BETA1 = 3,         /**< 0 to below 1; Adam, AdamW. */
    MF_OPTIMIZER_BETA2 = 4,         /**< 0 to below 1; Adam, AdamW, RMSprop. */
    MF_OPTIMIZER_EPSILON = 5,       /**< Above 0, at most 1e6; Adam, AdamW, RMSprop. */
    MF_OPTIMIZER_WEIGHT_DECAY = 6,  /**< 0 or more. */
    /** Largest norm of a layer's gradient (W, b, M and scale together, without those that are frozen); 0 = no
        clipping. */
    MF_OPTIMIZER_CLIP_NORM = 7,
    /** 0 (at creation) or 1: an update is tried first, and not made if a parameter would not be finite then. A
        step goes back through its layer once more for that. Model files do not keep it: set it again after loading,
        since with a BLAS library's products SGD may round otherwise without it. */
    MF_OPTIMIZER_CHECKED = 8
};

/** What an optimizer is made from. */
typedef struct mf_optimizer_spec {
    uint32_t struct_size;          /**< sizeof(mf_optimizer_spec). */
    int32_t kind;                  /**< MF_OPTIMIZER_SGD, ...; the default is MF_OPTIMIZER_ADAM. */
    int32_t nesterov;              /**< 0 (default) or 1; SGD. */
    float learning_rate;           /**< Default 0.001. */
    float momentum;                /**< Default 0; SGD and RMSprop. */
    float beta1;                   /**< Default 0.9. */
    float beta2;                   /**< Default 0.999. */
    float epsilon;                 /**< Default 1e-8. */
    float weight_decay;            /**< Default 0. */
    float clip_norm;               /**< Default 0: no clipping. */
    const mf_allocator *allocator; /**< NULL: the C library's. */
} mf_optimizer_spec;

/** Fills `spec` with the defaults. `size` is sizeof *spec as the caller was compiled.
 *  Errors: ARGUMENT (NULL, or a size that is too small or absurd). */
MF_API mf_status mf_optimizer_spec_init(mf_optimizer_spec *spec, size_t size);

/** Creates an optimizer. Free it with mf_optimizer_free().
 *  Errors: ARGUMENT (a value out of range, or momentum of a kind that has none: the message names it), MEMORY. */
MF_API mf_status mf_optimizer_create(const mf_optimizer_spec *spec, mf_optimizer **optimizer);

/** Gives up the caller's reference; layers that use the optimizer keep theirs. NULL is fine. */
MF_API void mf_optimizer_free(mf_optimizer *optimizer);

/** Changes a hyper-parameter; it counts from the next step of every layer that uses the optimizer.
 *  Errors: HANDLE, ARGUMENT (unknown key, value out of range, so near to 0 that a float in a step is 0, or
 *  momentum of a kind that has none), STATE (momentum in an optimizer that was created with momentum 0: its
 *  layers hold no memory for it). */
MF_API mf_status mf_optimizer_set(mf_optimizer *optimizer, int32_t key, double value);

/** Reads a hyper-parameter. Errors: HANDLE, ARGUMENT. */
MF_API mf_status mf_optimizer_get(const mf_optimizer *optimizer, int32_t key, double *value);

/** The values a key takes, both ends included; of those between 0 and 1, MF_OPTIMIZER_NESTEROV and
 *  MF_OPTIMIZER_CHECKED take the ends alone. Errors: ARGUMENT (unknown key, NULL). */
MF_API mf_status mf_optimizer_range(int32_t key, double *lowest, double *highest);

/** Cosine schedule: falls from 1 at step 0 to `floor` at step `total` and stays there. */
MF_API double mf_schedule_cosine(uint64_t step, uint64_t total, double floor);

/** Step schedule: `factor` to the power of step / interval, rounded down; 1 if interval is 0. */
MF_API double mf_schedule_step(uint64_t step, uint64_t interval, double factor);

/** Linear warm-up: (step + 1) / steps, at most 1; 1 if steps is 0. */
MF_API double mf_schedule_warmup(uint64_t step, uint64_t steps);

/** @} */
/* ---------------------------------------------------------------------------------------------- */
/** @defgroup layer Layers
 *  @{ */

/** Opaque handle of a layer: its parameters, their optimizer state, its random stream. */
typedef struct mf_layer mf_layer;

/** Opaque handle of the scratch memory and the reports of training and prediction. */
typedef struct mf_workspace mf_workspace;

/** Kinds of layers. */
enum {
    MF_LAYER_DENSE = 0,  /**< Fully connected: z = x W^T + b. */
    MF_LAYER_CONV2D = 1, /**< Two-dimensional convolution of maps [channels, height, width], a
                            cross-correlation as in all frameworks, then b and phi, then pooling. */
    MF_LAYER_UNITS =
        2 /**< Made by a builder from units: mf_layer_unit() tells which. Not for mf_layer_create(). */
};

/** Pooling of the activated maps of a convolution, without padding: rows and columns that do not fill a
 *  window are left out. */
enum {
    MF_POOL_NONE = 0,    /**< The maps as they are. */
    MF_POOL_AVERAGE = 1, /**< The mean of each window, in which padding counts as zeros. */
    MF_POOL_MAX = 2, /**< The largest value of each window, which padding never is; its gradient goes to the first
                        such value. */
    MF_POOL_AVERAGE_INSIDE = 3 /**< Of units: the mean of the values of the map in each window, without
                                  padding. */
};

/** Normalisation between the product and the bias. */
enum {
    MF_NORMALIZATION_NONE = 0, /**< z = u + b, with u the product or convolution. */
    MF_NORMALIZATION_BATCH = 1 /**< z = scale (u - mean) / sqrt(variance + epsilon) + b, for each neuron or,
                                  in a convolution, each map. Training takes mean and variance from the batch
                                  (rows count alike, whatever their weights) and lets the layer's "mean" and
                                    "variance" follow; everything else, also the layers that
                                  mf_network_step_layer() does not train, uses those. */
};

/** Activations phi. */
enum {
    MF_ACTIVATION_IDENTITY = 0,   /**< z */
    MF_ACTIVATION_RELU = 1,       /**< max(z, 0) */
    MF_ACTIVATION_LEAKY_RELU = 2, /**< z if z > 0, else leak z */
    MF_ACTIVATION_TANH = 3,       /**< tanh(z) */
    MF_ACTIVATION_GELU = 4,       /**< z (1 + erf(z / sqrt 2)) / 2 */
    MF_ACTIVATION_SILU = 5        /**< z / (1 + exp(-z)) */
};

/** How parameters start. `fan` is the number of inputs of one output: k for W (in a convolution, channels x
 *  kernel), the values that M reads for M. The bias is drawn like W if that is Kaiming uniform, and starts at
 *  0 otherwise or behind a normalisation. */
enum {
    MF_INIT_KAIMING_UNIFORM = 0, /**< Uniform within gain / sqrt(fan): what torch.nn.Linear starts with. */
    MF_INIT_ZERO = 1,            /**< All zero. */
    MF_INIT_ORTHOGONAL = 2,      /**< Rows (or columns, whichever are fewer) orthogonal, of length gain. */
    MF_INIT_NORMAL = 3           /**< Normal, deviation gain / sqrt(fan). */
};

/** What the operands of a layer's products with W are rounded to. Parameters, their optimizer's state, sums,
 *  activations and the head's M are float32 with either; dense units and convolutions behind the layer's output,
 *  of the head or of auxiliary ones, are rounded as those before it. */
enum {
    MF_PRECISION_FLOAT32 = 0, /**< They are not rounded. */
    MF_PRECISION_BF16 = 1     /**< To bfloat16, nearest even: float32's range with 8 bits of precision; the
                                   relative error of an operand is at most 2^-8. Meant for dense
                                   layers on processors with AVX512-BF16; on others the same bits take about
                                   twice the time of float32, in convolutions more. The layer keeps a rounded
                                   copy of W, 2 bytes a value. Convolutions are computed straight, without
                                   Winograd's method, and so may be slower than in float32 anywhere. */
};

/** Seed of a layer that takes the next one of the process: no two such layers start alike. */
#define MF_SEED_AUTO UINT64_C(0)

/** What a layer is made from. The fields from `pool` on, but for `precision`, are those of MF_LAYER_CONV2D. A
 *  row of its input is [channels, height, width], a row of its activation [filters, pooled height, pooled
 *  width], where
 *
 *      map    = (size + 2 padding - kernel) / stride + 1, rounded down,
 *      pooled = (map - pool_size) / pool_stride + 1, rounded down.
 *
 *  Pairs are vertical, horizontal. */
typedef struct mf_layer_spec {
    uint32_t struct_size; /**< sizeof(mf_layer_spec). */
    int32_t kind;         /**< MF_LAYER_DENSE (default) or MF_LAYER_CONV2D. */
    size_t inputs;        /**< k, values in a row of input; no default. In a convolution channels x height x
                               width: leave it 0. */
    size_t outputs;       /**< n, neurons; no default. In a convolution the values in a row of pooled maps,
                               which follow from the fields below: leave it 0. */
    size_t classes;       /**< m, 2 or more; no default. */
    int32_t activation;   /**< MF_ACTIVATION_...; default MF_ACTIVATION_RELU. */
    int32_t bias;         /**< 1 (default): the layer has a bias b; 0: it has none. */
    int32_t weight_init;  /**< MF_INIT_... of W; default MF_INIT_KAIMING_UNIFORM. */
    int32_t projection_init; /**< MF_INIT_... of M; default MF_INIT_KAIMING_UNIFORM. */
    float weight_gain;       /**< Scale of W's initialisation, 0 to 1e30; default 1. */
    float projection_gain;   /**< Scale of M's initialisation, 0 to 1e30; default 1. Both gains 0 are refused:
                                  MF_INIT_ZERO says so. */
    float leak;              /**< Factor of leaky ReLU below 0, 0 to 1; default 0.01. */
    float dropout;           /**< Dropout rate of the activation on its way to the next layer during
                                  training, 0 to below 1 (the rest is scaled up); the layer's own
                                  goodness reads the activation before dropout. Default 0. */
    float label_smoothing;   /**< Part of the target that is spread evenly over all classes, 0 to below 1;
                                  default 0. */
    uint64_t seed;           /**< Equal seeds, shapes and starts give equal parameters; default
                                  MF_SEED_AUTO. */
    const mf_allocator *allocator; /**< NULL: the C library's. */

    int32_t normalization;       /**< MF_NORMALIZATION_...; default MF_NORMALIZATION_NONE. */
    float normalization_rate;    /**< How far the running mean and variance move to those of a batch, 0 to 1;
                                      default 0.1. */
    float normalization_epsilon; /**< A normal number above 0; default 1e-5. */

    /* MF_LAYER_CONV2D alone; other kinds read none of this but precision. */
    int32_t pool;          /**< MF_POOL_...; default MF_POOL_NONE. */
    size_t channels;       /**< Maps of the input; no default. */
    size_t height;         /**< Rows of an input map; no default. */
    size_t width;          /**< Columns of an input map; no default. */
    size_t filters;        /**< Maps of the output; no default. */
    size_t kernel[2];      /**< Default 3, 3. */
    size_t stride[2];      /**< Default 1, 1. */
    size_t padding[2];     /**< Zeros on each side of a map; below the kernel's size; default 0, 0. */
    size_t pool_size[2];   /**< Default 2, 2. */
    size_t pool_stride[2]; /**< 0 (default): pool_size. */
    size_t head_size; /**< 0 (default): M reads the pooled maps as they are, [m, outputs]. s: M reads their
                           adaptive average pooling to s x s, [m, filters s s]. */
    int32_t dropout_maps; /**< 1: dropout takes whole maps; 0 (default): single values. */
    int32_t precision;    /**< MF_PRECISION_...; default MF_PRECISION_FLOAT32. */
} mf_layer_spec;

/** The shape of a row of a layer's input or activation. */
typedef struct mf_shape {
    uint32_t struct_size; /**< sizeof(mf_shape), set by the caller. */
    int32_t rank;         /**< How many of the dims count: 1 in a dense layer, 2 of a sequence, 3 of maps. */
    size_t dims[4];       /**< [values], [positions, values], or [maps, height, width]; 1 beyond the rank. */
} mf_shape;

/** Keys of mf_layer_set() and mf_layer_get(). */
enum {
    MF_LAYER_DROPOUT = 0,        /**< 0 to below 1. */
    MF_LAYER_LABEL_SMOOTHING = 1 /**< 0 to below 1. */
};

/** One parameter of a layer. A dense layer has "weight" [n,k], "bias" [n] (unless it was made without one)
 *  and "projection" [m,n]; a convolution "weight" [filters, channels, kernel rows, kernel columns], "bias"
 *  [filters] and "projection" [m, what M reads]. Batch normalisation adds "scale", and "mean" and
 *  "variance", which are no parameters of the loss: steps let them follow the batches. All three are [n] or
 *  [filters]. */
typedef struct mf_parameter_info {
    uint32_t struct_size; /**< sizeof(mf_parameter_info), set by the caller. */
    int32_t type;         /**< MF_TYPE_FLOAT32. */
    int32_t trainable;    /**< 1, or 0 when frozen. */
    int32_t rank;         /**< How many of the dims count. */
    size_t dims[4];       /**< Sizes, slowest first; 1 beyond the rank. */
    size_t count;         /**< Values in all: the product of the dims. */
    const char *name;     /**< Belongs to the layer: a copy is needed where the layer may be freed. */
} mf_parameter_info;

/** Types of values. */
enum {
    MF_TYPE_FLOAT32 = 0, /**< float */
    MF_TYPE_INT32 = 1,   /**< int32_t */
    MF_TYPE_UINT8 = 2,   /**< uint8_t */
    MF_TYPE_BF16 = 3     /**< uint16_t: the upper half of a float32 */
};

/** A batch with everything that can be said about it. mf_batch_init() sets float32 inputs, int32 labels.
 *
 *  Inputs may also be bytes, as images are in files, bf16, or int32, as tokens are. The results have the bits
 *  that the same values have as float32, to which an int32 above 2^24 is rounded. A pipeline takes such
 *  batches without further ado, since it copies every batch; a workspace has to be made for them: see
 *  MF_WORKSPACE_CONVERT. */
typedef struct mf_batch {
    uint32_t struct_size;        /**< sizeof(mf_batch). */
    int32_t input_type;          /**< MF_TYPE_FLOAT32 (default), MF_TYPE_INT32, MF_TYPE_UINT8 or MF_TYPE_BF16;
                                      others are UNSUPPORTED so far. */
    int32_t target_type;         /**< MF_TYPE_INT32 (class labels); others are UNSUPPORTED so far. */
    size_t rows;                 /**< B, 1 to the workspace's max_batch. */
    const void *inputs;          /**< [rows, k] of the input type, aligned as that is */
    size_t input_stride;         /**< Values from one row to the next, k or more; 0 means k. */
    const void *targets;         /**< [rows], or [rows, T] for goodness at T positions; NULL
                                      where no labels are needed. */
    const float *sample_weights; /**< [rows] or NULL for equal weights. 0 or more, not all 0; the loss is
                                      sum(w L) / sum(w), and rows of weight 0 are not counted as correct. Below
                                      1.2e-38, where floats are subnormal, a weight counts as 0. */
    float input_scale; /**< A byte is the input (byte + input_shift) * input_scale, rounded to float32 after
                            the sum and after the product. 0 (default): (byte + input_shift) / 255. Only for
                            MF_TYPE_UINT8, 0 otherwise. */
    float input_shift; /**< Default 0; -mean for standardised inputs. Only for MF_TYPE_UINT8, 0 otherwise. */
} mf_batch;

/** Fills `spec` with the defaults. `size` is sizeof *spec as the caller was compiled.
 *  Errors: ARGUMENT (NULL, or a size that is too small or absurd). */
MF_API mf_status mf_layer_spec_init(mf_layer_spec *spec, size_t size);

/** Sets the input of `spec` to the output of a layer made from `before`: channels, height and width, or, of
 *  a dense layer, inputs. A convolution behind a dense layer sees `outputs` maps of one value.
 *  What follows from it, such as the outputs of a convolution, becomes 0.
 *  Errors: ARGUMENT, SHAPE, OVERFLOW (whatever is wrong with `before`, as mf_layer_create() tells). */
MF_API mf_status mf_layer_spec_follow(mf_layer_spec *spec, const mf_layer_spec *before);

/** Fills `batch` with the defaults: no rows, float32 inputs, int32 labels. `size` is sizeof *batch as the
 *  caller was compiled. Errors: ARGUMENT (NULL, or a size that is too small or absurd). */
MF_API mf_status mf_batch_init(mf_batch *batch, size_t size);

/** Fills `shape` with the defaults: one value. `size` is sizeof *shape as the caller was compiled.
 *  Errors: ARGUMENT. */
MF_API mf_status mf_shape_init(mf_shape *shape, size_t size);

/** Fills `info` with zeros and its struct_size. `size` is sizeof *info as the caller was compiled.
 *  Errors: ARGUMENT. */
MF_API mf_status mf_parameter_info_init(mf_parameter_info *info, size_t size);

/** Creates a layer and draws its parameters. Free it with mf_layer_free().
 *  Errors: ARGUMENT (a value out of range, an unknown constant, a tail that this version does not
 *  know), SHAPE (a kernel, a pool or a head that is larger than its map: the message names both; inputs or
 *  outputs that are not what follows from the maps), OVERFLOW, MEMORY. */
MF_API mf_status mf_layer_create(const mf_layer_spec *spec, mf_layer **layer);

/** Gives up the caller's reference; networks that hold the layer keep theirs. NULL is fine. */
MF_API void mf_layer_free(mf_layer *layer);

/** Writes what the layer is now into `spec`, whose struct_size the caller has set: shape, options, and the
 *  seed it was drawn with, also where that was MF_SEED_AUTO; the allocator comes back as NULL. Of a layer
 * that a builder made, `kind` is MF_LAYER_UNITS, and only inputs, outputs, classes, dropout, dropout_maps,
 *  label_smoothing, precision, seed and what belongs to the projection say something. Errors: HANDLE, ARGUMENT. */
MF_API mf_status mf_layer_describe(const mf_layer *layer, mf_layer_spec *spec);

/** The shapes of a row of input and of activation; either may be NULL, their struct_size is set by the
 *  caller. Errors: HANDLE, ARGUMENT. */
MF_API mf_status mf_layer_shape(const mf_layer *layer, mf_shape *input, mf_shape *output);

/** The shape of a row of goodness: [m], or [T, m] if the head is MF_HEAD_POSITIONS, where a row has T labels.
 *  @param layer  to look at
 *  @param shape  receives it; its struct_size is set by the caller
 *  Errors: HANDLE, ARGUMENT. */
MF_API mf_status mf_layer_goodness_shape(const mf_layer *layer, mf_shape *shape);

/** Changes an option from the next step on. Errors: HANDLE, ARGUMENT. */
MF_API mf_status mf_layer_set(mf_layer *layer, int32_t key, double value);

/** Reads an option. Errors: HANDLE, ARGUMENT. */
MF_API mf_status mf_layer_get(const mf_layer *layer, int32_t key, double *value);

/** Changes the number of classes: M and its optimizer state start anew, and so do the counts of a head that
 *  draws its candidates by counts ("head.counts", 1 for every class); W and b stay. Workspaces made
 *  before are STALE, and a network refuses layers whose classes differ: see mf_network_set_classes().
 *  Errors: HANDLE, ARGUMENT (also fewer classes than the head draws candidates), STATE (the head reads a shared
 *  matrix, or there are auxiliary heads), OVERFLOW, MEMORY, BUSY as in mf_layer_step(). */
MF_API mf_status mf_layer_set_classes(mf_layer *layer, size_t classes);

/** Attaches an optimizer (the layer takes a reference) and allocates its state, which starts anew
 *  unless the same optimizer is attached already; NULL detaches. Errors: HANDLE, OVERFLOW, MEMORY, BUSY as in
 *  mf_layer_step(). */
MF_API mf_status mf_layer_set_optimizer(mf_layer *layer, mf_optimizer *optimizer);

/** The optimizer that is attached, borrowed, or NULL if there is none: how a host reaches the optimizers of a
 *  network that was loaded.
 *  @param layer      to look at
 *  @param optimizer  receives it
 *  Errors: HANDLE, ARGUMENT. */
MF_API mf_status mf_layer_optimizer(const mf_layer *layer, mf_optimizer **optimizer);

/** How many parameters the layer has. Errors: HANDLE, ARGUMENT. */
MF_API mf_status mf_layer_parameter_count(const mf_layer *layer, size_t *count);

/** Describes parameter `index`, 0 to the count - 1. Errors: HANDLE, ARGUMENT, NOT_FOUND. */
MF_API mf_status mf_layer_parameter_info(const mf_layer *layer, size_t index, mf_parameter_info *info);

/** Copies a parameter's values out; `count` must be its number of values.
 *  Errors: HANDLE, ARGUMENT, NOT_FOUND (no such name), SHAPE (another count). */
MF_API mf_status mf_layer_get_parameter(const mf_layer *layer, const char *name, float *values, size_t count);

/** Copies a parameter's values in; its optimizer state stays as it is.
 *  Errors: as mf_layer_get_parameter(), and NUMERIC (a value is not finite, a variance or a count of
 *  "head.counts" is below 0, or all counts are 0 or subnormal), BUSY as in mf_layer_step(). */
MF_API mf_status mf_layer_set_parameter(mf_layer *layer, const char *name, const float *values, size_t count);

/** Freezes a parameter (0) or lets it learn (1). A step leaves a frozen parameter and its optimizer state
 *  as they are, and a frozen W of a dense layer saves its product. "mean" and "variance" freeze together:
 *  then steps, too, normalise by them. Errors: HANDLE, ARGUMENT, NOT_FOUND. */
MF_API mf_status mf_layer_set_trainable(mf_layer *layer, const char *name, int32_t trainable);

/** One training step of one layer: the paper's equations 5 to 8.
 *
 *      a = phi(x W^T + b),  G = a M^T,  dG = (softmax(G) - onehot(y)) / rows,
 *      dM = dG^T a,  dz = (dG M) * phi'(z),  dW = dz^T x,  db = colsum(dz),
 *
 *  then W, b and M are updated by the layer's optimizer. With batch normalisation so is the scale, and dz
 *  becomes du, the gradient of the product, before dW is formed.
 *  @param layer      has an optimizer attached
 *  @param workspace  made for training, for this layer or for a network that holds it; its report
 *                    for the layer tells the loss and the number of correct rows
 *  @param rows       B, 1 to the workspace's max_batch; may change from call to call
 *  @param x          [rows, k], all finite
 *  @param y          [rows] labels, 0 to m - 1
 *  @param a          [rows, n] or NULL: receives the activation of this pass (before the update, after
 *                    dropout, which may make it infinite), the input of the next layer
 *  Errors: HANDLE, ARGUMENT, CAPACITY (also a single value to normalise by), LABEL, NUMERIC (input, loss,
 *  or with clipping a gradient's norm that is not finite or some 1e25 times clip_norm; or a parameter after
 *  the update), STALE, STATE (no optimizer, or a workspace for inference). On any error no parameter has
 *  changed; `a` is then undefined. The one exception is an update by which a parameter has overflowed, as the
 *  message says: then the layer must be restored from a snapshot, a file or a copy, unless
 *  MF_OPTIMIZER_CHECKED is set, with which nothing has changed. After a copy of parameters alone, such as that
 *  of mf_network_copy_parameters(), the optimizer's state must start anew, too, since it has overflowed with
 *  them: mf_layer_set_optimizer() of NULL, then of the optimizer. BUSY if the layer is being trained by a
 *  pipeline or in another thread. */
MF_API mf_status mf_layer_step(mf_layer *layer, mf_workspace *workspace, size_t rows, const float *x,
                               const int32_t *y, float *a);

/** The same for a batch with strides, sample weights or inputs of another type. Errors: as mf_layer_step(),
 *  ARGUMENT also for a stride below k, weights that are negative, not finite or all 0, a scale or shift that
 *  is not finite, makes inputs that are not, or is set for inputs that are no bytes; UNSUPPORTED (another
 *  type), OVERFLOW (a stride above INT32_MAX), STATE also for inputs other than float32 with a workspace that
 *  was made without MF_WORKSPACE_CONVERT. */
MF_API mf_status mf_layer_step_batch(mf_layer *layer, mf_workspace *workspace, const mf_batch *batch,
                                     float *a);

/** The first half of a step, for hosts that average gradients over machines or bring their own optimizer:
 *  the gradients of the loss, without an update; a running mean and variance do follow the batch, and dropout
 *  draws another mask each time, but a head that samples no other candidates (MF_SAMPLING_...).
 *  @param layer      needs no optimizer
 *  @param workspace  as in mf_layer_step()
 *  @param batch      as in mf_layer_step_batch()
 *  @param a          as in mf_layer_step()
 *  @param gradients  [count] receives dW, db and dM one after the other, shaped and ordered like the layer's
 *                    parameters; those of frozen parameters, of mean and variance are 0
 *  @param count      the number of values of all its parameters together
 *  Errors: as mf_layer_step_batch(), but NUMERIC also for a gradient that is not finite, STATE for a workspace
 *  for inference only, and SHAPE (another count).
 */
MF_API mf_status mf_layer_gradients(mf_layer *layer, mf_workspace *workspace, const mf_batch *batch, float *a,
                                    float *gradients, size_t count);

/** The second half: one update by the layer's optimizer, with its clipping, from gradients laid out as
 *  mf_layer_gradients() writes them. mf_layer_gradients() and this are together an mf_layer_step(), up to
 *  rounding: a step adds in another order where it never forms the gradient as a whole. But this updates all rows
 *  of M and of embeddings, of which a step with sampled classes, or with tokens, moves only those of the batch.
 *  Errors: HANDLE, ARGUMENT, SHAPE (another count), NUMERIC (a gradient that is not finite, with clipping a
 *  norm some 1e25 times clip_norm, or a parameter that is not finite after the update, as in mf_layer_step()),
 *  STATE (no optimizer), BUSY as in mf_layer_step(). */
MF_API mf_status mf_layer_apply(mf_layer *layer, const float *gradients, size_t count);

/** The activation a = phi(x W^T + b), pooled in a convolution, normalised by the running mean and variance if
 *  the layer normalises, without dropout. x [rows, k], a [rows, n].
 *  Errors: HANDLE, ARGUMENT, CAPACITY, NUMERIC (the input; the result is not looked at), STALE. */
MF_API mf_status mf_layer_forward(const mf_layer *layer, mf_workspace *workspace, size_t rows, const float *x,
                                  float *a);

/** The same for a batch with strides or inputs of another type; its targets and sample weights are not read.
 *  Errors: as mf_layer_forward(), and those of inputs and strides as in mf_layer_step_batch(). */
MF_API mf_status mf_layer_forward_batch(const mf_layer *layer, mf_workspace *workspace, const mf_batch *batch,
                                        float *a);

/** What a layer passes on in training without learning itself: the activation as by mf_layer_forward_batch(),
 *  then with dropout, which takes the next mask of the layer's random stream. mf_network_step_layer() does this
 *  with the layers before the one that steps.
 *  @param layer      passes the batch on
 *  @param workspace  as in mf_layer_forward()
 *  @param batch      as in mf_layer_forward_batch()
 *  @param a          [rows, n] receives the activation, which is not looked at: the next layer's call does that
 *  Errors: as mf_layer_forward_batch(); BUSY: the layer is being trained elsewhere. */
MF_API mf_status mf_layer_pass_batch(mf_layer *layer, mf_workspace *workspace, const mf_batch *batch,
                                     float *a);

/** The goodness G = a M^T, from an activation that mf_layer_forward() gave. a [rows, n], goodness [rows, m].
 *  Errors: HANDLE, ARGUMENT, CAPACITY, NUMERIC (the activation; the result is not looked at), STALE. */
MF_API mf_status mf_layer_goodness(const mf_layer *layer, mf_workspace *workspace, size_t rows,
                                   const float *a, float *goodness);

/** @} */
/* ---------------------------------------------------------------------------------------------- */
/** @defgroup matrix Matrices that heads share
 *
 *  With many classes M is most of a network, and every layer has one. A matrix E [m, d] of the host's, such as
 *  the vectors of words, can be the first d columns of the M of as many layers as read it (`shared` in
 *  mf_head_spec). No layer learns it: there is no state of an optimizer for it, and it is once in memory and
 *  once in a model file.
 *
 *  A handle is counted. Builders and layers hold references, and so do clones of a network, so the host may free
 *  its own as soon as it has made its layers; what its memory came from must last as long as any of them. No
 *  call changes a matrix, so any number of threads may read it.
 *  @{ */

/** Opaque handle of a matrix. */
typedef struct mf_matrix mf_matrix;

/** What a matrix is made from. */
typedef struct mf_matrix_spec {
    uint32_t struct_size;          /**< sizeof(mf_matrix_spec). */
    size_t rows;                   /**< m, one for each class; 1 or more, no default. */
    size_t columns;                /**< d, 1 or more; no default. */
    const float *values;           /**< [rows, columns], all finite; copied. */
    const mf_allocator *allocator; /**< NULL: the C library's. */
} mf_matrix_spec;

/** Fills a spec with the defaults.
 *  @param spec  receives them
 *  @param size  sizeof *spec as the caller was compiled
 *  Errors: ARGUMENT. */
MF_API mf_status mf_matrix_spec_init(mf_matrix_spec *spec, size_t size);

/** Creates a matrix. Free it with mf_matrix_free().
 *  @param spec    what to make it from
 *  @param matrix  receives the handle, or NULL on failure
 *  Errors: ARGUMENT, NUMERIC (a value is not finite), OVERFLOW, MEMORY. */
MF_API mf_status mf_matrix_create(const mf_matrix_spec *spec, mf_matrix **matrix);

/** Creates a matrix with the values that a parameter of a layer has at the time: those of an embedding, or the
 *  projection of another network ("head.projection"; "projection" of a layer that mf_layer_create() has made).
 *  What the layer learns later leaves the matrix as it is.
 *  @param layer      whose parameter it is
 *  @param name       of a parameter of rank 2
 *  @param allocator  of the matrix; NULL: the C library's
 *  @param matrix     receives the handle, or NULL on failure
 *  Errors: HANDLE, ARGUMENT, NOT_FOUND (no such name), SHAPE (another rank), NUMERIC (a value is not finite),
 *  MEMORY. */
MF_API mf_status mf_matrix_from_parameter(const mf_layer *layer, const char *name,
                                          const mf_allocator *allocator, mf_matrix **matrix);

/** Gives up the caller's reference; builders and layers keep theirs.
 *  @param matrix  NULL is fine */
MF_API void mf_matrix_free(mf_matrix *matrix);

/** How many rows and columns a matrix has.
 *  @param matrix   to look at
 *  @param rows     receives the number; may be NULL
 *  @param columns  receives the number; may be NULL
 *  Errors: HANDLE. */
MF_API mf_status mf_matrix_size(const mf_matrix *matrix, size_t *rows, size_t *columns);

/** Copies the values of a matrix out.
 *  @param matrix  to look at
 *  @param values  [rows, columns] receives them
 *  @param count   rows x columns
 *  Errors: HANDLE, ARGUMENT, SHAPE (another count). */
MF_API mf_status mf_matrix_values(const mf_matrix *matrix, float *values, size_t count);

/** @} */
/* ---------------------------------------------------------------------------------------------- */
/** @defgroup builder Layers of several units
 *
 *  A layer is a stretch of units between two points where gradients stop. Gradients flow through the units of
 *  one layer, and never through its input to the layer before. A layer of one unit is Mono-Forward as in the
 *  paper; a residual block as one layer learns as a block; a whole network as one layer is backpropagation.
 *  Where to cut is the host's choice, and all other functions take every kind of layer.
 *
 *  A builder collects the units, one call for each, and the head, which turns the output of the last unit
 * into one score per class. mf_layer_build() then makes the layer. A residual block of two convolutions:
 *
 *      mf_builder_unit(builder, &conv, NULL);   node 1 = convolution of node 0, the layer's input
 *      mf_builder_unit(builder, &norm, NULL);   node 2
 *      mf_builder_unit(builder, &relu, NULL);   node 3
 *      mf_builder_unit(builder, &conv, NULL);   node 4
 *      mf_builder_unit(builder, &norm, NULL);   node 5
 *      mf_builder_unit(builder, &add, NULL);    node 6 = node 5 + node 0
 *      mf_builder_unit(builder, &relu, NULL);   node 7, the layer's output
 *      mf_builder_head(builder, &head);
 *      mf_layer_build(builder, &layer);
 *
 *  Nodes are numbered: 0 is the layer's input, 1 the output of the first unit, and so on. A unit reads nodes
 *  of lower numbers. A builder remembers the first unit, block or head that was refused: later calls return
 *  that again, so that a host may look at the status of mf_layer_build() alone.
 *
 *  mf_builder_block() adds all units of a ready-made block in one call.
 *
 *  A dense or convolution unit with a batch normalisation, an activation and, behind a convolution, a pooling
 *  directly behind it, each read by the next one alone, is computed with them in one pass, with less memory.
 *  @{ */

/** Opaque handle of a builder: a list of units, and a head. */
typedef struct mf_builder mf_builder;

/** Kinds of units. */
enum {
    MF_UNIT_DENSE = 0,      /**< y = x W^T + b. Maps are read as a row of values; of a sequence [T, k], every
                               position is, so that [T, outputs] comes of it. */
    MF_UNIT_CONV2D = 1,     /**< Convolution of maps; a row of n values is read as n maps of one value. With
                               groups, group i of the filters reads group i of the maps alone, in float32. */
    MF_UNIT_BATCH_NORM = 2, /**< y = scale (x - mean) / sqrt(variance + epsilon) + b, for each value of a row
                               or each map, as MF_NORMALIZATION_BATCH says. Not of sequences. */
    MF_UNIT_ACTIVATION = 3, /**< y = phi(x). */
    MF_UNIT_POOL = 4,       /**< Pooling of maps. */
    MF_UNIT_DROPOUT =
        5, /**< In steps of its layer sets values or maps to 0 at random and scales up the others. */
    MF_UNIT_ADD = 6,         /**< y = x + x', the sum of two nodes of the same shape. */
    MF_UNIT_LAYER_NORM = 7,  /**< y = scale (x - mean) / sqrt(variance + epsilon) + b, with mean and variance
                                of all values of a row, or of a sequence of all values of each position, in
                                training and inference alike. Not of maps. */
    MF_UNIT_GLOBAL_POOL = 8, /**< The mean of each map, [maps], or of a sequence [T, d] the mean of its
                                positions, [d]. */
    MF_UNIT_CONCAT = 9, /**< The values of two nodes behind each other: of rows [a] and [b] it makes [a + b],
                           of sequences [T, a] and [T, b] it makes [T, a + b], of maps [a, height, width] and
                           [b, height, width] it makes [a + b, height, width]. */
    MF_UNIT_TRANSPOSE = 10, /**< Of a sequence [T, d] it makes the sequence [d, T], so that what follows works
                               along the positions. */
    MF_UNIT_TOKENS = 11, /**< Of maps [d, height, width] it makes a sequence [height width, d]: the values of
                            all maps at a place are a position. Behind a convolution whose stride is its
                            kernel, these are the embeddings of patches. */
    MF_UNIT_POSITIONS = 12, /**< y = x + W for a sequence: learned positions, "weight" [T, d]. */
    MF_UNIT_ATTENTION =
        13, /**< Multi-head attention. Of a sequence [T, 3 d], at each position a query, a key and a value of d
              values behind each other, it makes [T, d]: of each head, d / heads values wide, y_t = sum over s
              of softmax_s(q_t k_s / sqrt(d / heads)) v_s. It has no parameters: a dense unit with 3 d outputs
              in front of it, and one with d outputs behind it, are its projections. */
    MF_UNIT_EMBEDDING =
        14, /**< Of a row of T tokens, which are whole numbers from 0 to vocabulary - 1, the sequence
              [T, outputs] of their rows of W, "weight" [vocabulary, outputs]. It reads node 0, and its layer
              is the first of its network. A step updates the rows of the tokens that its batch has and no
              others, as that of a sampled head does: the others keep the optimizer's state of then, and
              weight decay does not reach them. W stays float32 with MF_PRECISION_BF16. A batch with a value
              that is no token is refused with ARGUMENT; so it is if it became one by the scale of bytes, 1 / 255 by
              default, or by the network's input scaling. */
    MF_UNIT_FLATTEN = 15 /**< A sequence [T, d] or maps [c, height, width] as a row of all their values, [T d] or
                            [c height width]: a dense unit behind it reads all positions at once, and the layer
                            has one label for a row. It takes neither time nor memory. A layer whose output
                            is its input is refused. */
};

/** As the number of a node: the node of the unit that was added last, or 0 if there is none. */
#define MF_NODE_PREVIOUS (-1)

/** What a unit is made from. Each kind reads its own fields and `inputs`, and no others. Pairs are vertical,
 *  horizontal. */
typedef struct mf_unit_spec {
    uint32_t struct_size; /**< sizeof(mf_unit_spec). */
    int32_t kind;         /**< MF_UNIT_...; default MF_UNIT_DENSE. */
    int32_t inputs[2];    /**< The nodes it reads; MF_UNIT_ADD and MF_UNIT_CONCAT read both, the others the
                             first. Default MF_NODE_PREVIOUS and 0. */
    size_t outputs;       /**< Dense: neurons; convolution: filters, the maps of its output; embedding: values
                             of a token; no default. */
    int32_t bias; /**< Dense, convolution, normalisations: 1 (default) with a bias b, or 0. In front of a
                     batch normalisation a bias has no effect. */
    int32_t weight_init; /**< Dense, convolution, positions, embedding: MF_INIT_... of W, where `fan` is d for
                            positions and the outputs of an embedding; default MF_INIT_KAIMING_UNIFORM. */
    float weight_gain;   /**< Dense, convolution, positions, embedding: scale of W's initialisation; default
                            1. */
    int32_t activation;  /**< Activation: MF_ACTIVATION_...; default MF_ACTIVATION_RELU. */
    float leak;          /**< Activation: factor of leaky ReLU below 0, 0 to 1; default 0.01. */
    int32_t pool;        /**< Pool: MF_POOL_AVERAGE (default), MF_POOL_MAX or MF_POOL_AVERAGE_INSIDE. */
    size_t kernel[2];    /**< Convolution, pool: size of the window; 0 (default): 3 and 2. */
    size_t stride[2];    /**< Convolution, pool: 0 (default): 1, and the pool's kernel. */
    size_t padding[2];   /**< Convolution, pool: places on each side of a map, below the kernel's size; zeros of a
                            convolution, and what MF_POOL_... says; default 0. */
    float dropout;       /**< Dropout: rate, 0 to below 1; no default but 0. */
    int32_t dropout_maps; /**< Dropout: 1: whole maps, or whole positions of a sequence; 0 (default): single
                             values. */
    float normalization_rate; /**< Batch normalisation: how far the running mean and variance move to those of
                                   a batch, 0 to 1; default 0.1. */
    float normalization_epsilon; /**< Batch and layer normalisation: a normal number above 0; default 1e-5. */
    int32_t reserved2;           /**< 0. */
    int32_t reserved;            /**< 0. */
    size_t heads;   /**< Attention: heads, of which each has the same part of the d values; 0 (default): 1. */
    int32_t causal; /**< Attention: 1: a position attends to itself and those before it alone; 0 (default). */
    int32_t reserved3; /**< 0. */
    size_t vocabulary; /**< Embedding: how many tokens there are, 1 to 2^24; no default. */
    size_t groups;     /**< Convolution: a divisor of the input's maps and of the filters; as many as the input has
                          maps make it depthwise. "weight" is [filters, maps / groups, kernel rows, kernel
                          columns]. 0 (default) and 1: no groups, and what the library tells is 0. */
    float loss_weight; /**< Dense: 0 (default): a unit like others. Above 0, up to 1e30: an auxiliary head. Its
                          outputs are scores, one for each of the layer's classes, or of MF_HEAD_POSITIONS for each
                          class at each position. The loss of a step is that of the layer's head + loss_weight
                          times the mean cross-entropy of softmax(scores), with the layer's label_smoothing.
                          No unit reads it, and it is behind the head's input_node. A layer may have
                          several. */
    int32_t reserved4; /**< 0. */
} mf_unit_spec;

/** Kinds of ready-made blocks, each a sum of its input x and units of x. Every convolution in a block is
 *  without a bias and has a batch normalisation behind it; phi is the block's activation. */
enum {
    MF_BLOCK_RESIDUAL = 0, /**< phi(conv3x3(phi(conv3x3(x))) + x), of maps. The first convolution has the
                              block's stride. Where it or `outputs` change the shape, a 1 x 1 convolution with
                              this stride, and its normalisation, takes the place of x in the sum. */
    MF_BLOCK_BOTTLENECK = 1, /**< phi(conv1x1(phi(conv3x3(phi(conv1x1(x))))) + x), of maps. The 3 x 3
                                convolution reads and makes `hidden` maps, and has the stride. x as above. */
    MF_BLOCK_MIXER = 2, /**< Of a sequence [T, d]: z = x + p(norm(x)) with p along the positions, and then
                           z + q(norm(z)) with q along the values. Both are dense, phi, dense, p with
                           `token_hidden` neurons in between and q with `hidden`; norm is a layer
                           normalisation. The shape stays. */
    MF_BLOCK_TRANSFORMER = 3 /**< Of a sequence [T, d]: z = x + dense(attention(dense(norm(x)))), and then
                                z + dense(phi(dense(norm(z)))) with `hidden` neurons in between; norm is a
                                layer normalisation (pre-norm). The shape stays. */
};

/** As the activation of a block: MF_ACTIVATION_RELU in residual blocks and bottlenecks, MF_ACTIVATION_GELU in
 *  the others. */
#define MF_ACTIVATION_AUTO (-1)

/** What a block is made from. Each kind reads its own fields, `input` and `activation`, and no others. Pairs
 *  are vertical, horizontal. */
typedef struct mf_block_spec {
    uint32_t struct_size; /**< sizeof(mf_block_spec). */
    int32_t kind;         /**< MF_BLOCK_...; default MF_BLOCK_RESIDUAL. */
    int32_t input;        /**< The node that is x; default MF_NODE_PREVIOUS. */
    int32_t activation;   /**< MF_ACTIVATION_..., where leaky ReLU has the factor 0.01; default
                             MF_ACTIVATION_AUTO. */
    size_t outputs;       /**< Residual, bottleneck: maps of the output; 0 (default): those of x. */
    size_t stride[2];     /**< Residual, bottleneck: 0 (default): 1. */
    size_t hidden; /**< Bottleneck: maps, 0 (default): outputs / 4, at least 1. Mixer, transformer: neurons, 0
                      (default): 4 d. */
    size_t token_hidden; /**< Mixer: neurons of the product along the positions, 0 (default): d / 2, at least
                            1. */
    size_t heads;        /**< Transformer: heads of the attention, a divisor of d; 0 (default): 1. */
    int32_t causal;   /**< Transformer: 1: a position sees itself and those before it alone; 0 (default). */
    int32_t reserved; /**< 0. */
} mf_block_spec;

/** Kinds of heads. */
enum {
    MF_HEAD_LINEAR = 0, /**< G = F M^T with F the layer's output, or its pooling: a goodness for each row. */
    MF_HEAD_POSITIONS =
        1 /**< G_t = a_t M^T: a goodness for each position of a sequence, with M [m, d]. Then labels, scores,
             probabilities and predictions are [rows, T], a label may be MF_LABEL_IGNORED, and
             the loss is the mean over all positions that have a label. */
};

/** The label of a position without one, for layers whose head is MF_HEAD_POSITIONS: it counts for nothing. (A step
 *  is refused where the activation there overflows, as its gradient would be 0 times infinity: NUMERIC.) */
#define MF_LABEL_IGNORED (-100)

/** Which classes a training step scores: all, or those of the batch's labels and candidates that are drawn for
 *  the batch. Evaluation and predictions score all.
 *
 *  S candidates are drawn by a law, one from each S-th part of its distribution, so that S p_c of class c are
 * expected. Labels are scored as they are; log(k / (S p_c)) is added to the score of another class that is
 * drawn k times, and a draw that is one of the labels adds nothing. So the sum of exponentials is that over all
 * classes on average, as long as the law gives a chance to all. Loss and correct rows in reports of steps are
 * those among these classes, of which labels come first: with equal scores a label counts as the highest.
 *
 *  A step updates the rows of M that it scores and no others: the others keep the optimizer's state of then,
 * their momentum moves nothing, and weight decay does not reach them (Adam's bias corrections count all steps).
 *  mf_layer_gradients() writes 0 for the others, and mf_layer_apply() updates them as all parameters.
 *
 *  Candidates come from the layer's seed and the number of batches it has learned from: the same for any number
 *  of threads, in a pipeline, and after loading. So mf_layer_gradients() draws the same ones again until
 *  mf_layer_apply(): a host that updates M by itself learns against these alone, and should score all classes. */
enum {
    MF_SAMPLING_NONE = 0,        /**< All classes are scored. */
    MF_SAMPLING_UNIFORM = 1,     /**< Every class has the same chance. */
    MF_SAMPLING_LOG_UNIFORM = 2, /**< Class c, counted from 0, has one in proportion to log((c + 2) / (c + 1)):
                                    for classes in the order of their frequency, the most frequent first. */
    MF_SAMPLING_COUNTS = 3       /**< In proportion to the layer's parameter "head.counts", [m], which does not
                                    learn: all are 1 until mf_layer_set_parameter() sets them, as to how often
                                    each class occurs. Classes with count 0 are scored as labels only. If an
                                    average or a file leaves none that is not, a step is NUMERIC. */
};

/** What a head is made from. Its objective is the cross-entropy of softmax(G), and with `similarity` also how
 *  alike rows of a batch are.
 *
 *  A head may have units of its own: those behind `output_node`. They read the layer's output and each other, M
 * reads the last of them, and nothing of them reaches the next layer: they are computed where there is goodness
 * to compute, and learn as the layer's other units do. So a convolution, a normalisation and an activation
 * there are a convolutional head, and a dense unit of r outputs without bias is a head of rank r.
 *
 *  Auxiliary heads only shape what the layer learns: dense units with a loss_weight (mf_unit_spec), behind units
 * of their own if they have any, and all of these behind `input_node`. They are computed in training steps and
 * nowhere else: goodness, predictions, evaluation and what a report says of rows and correct rows are those of
 * the layer's head. The classes of a layer with auxiliary heads cannot change. */
typedef struct mf_head_spec {
    uint32_t struct_size; /**< sizeof(mf_head_spec). */
    int32_t kind;         /**< MF_HEAD_LINEAR (default) or MF_HEAD_POSITIONS. */
    size_t classes;       /**< m, 2 or more; no default. */
    size_t pool_size; /**< 0 (default): M reads the output as it is. s: M reads its adaptive average pooling
                           to s x s, [m, maps s s]; the output must be maps. Of MF_HEAD_POSITIONS 0. */
    int32_t projection_init; /**< MF_INIT_... of M; default MF_INIT_KAIMING_UNIFORM. */
    float projection_gain;   /**< Scale of M's initialisation; default 1. */
    float label_smoothing;   /**< Part of the target that is spread evenly over all classes, 0 to below 1;
                                  default 0. */
    int32_t output_node;     /**< Node of the layer's output; units behind it are the head's own.
                                  Default MF_NODE_PREVIOUS: the last unit, so that the head has none. */
    int32_t sampling;        /**< MF_SAMPLING_...; default MF_SAMPLING_NONE. With sampling, label_smoothing is
                                  0. */
    int32_t reserved;        /**< 0. */
    size_t candidates;       /**< S, how many are drawn for a batch: with sampling 1 to m, and to 2^24, must be
                                  given, without it 0 (default). */
    float similarity;        /**< Similarity matching: lambda, 0 (default: none) to below 1. The last unit of the
                                  layer, which must be dense or a convolution, is then a map for this alone: the
                                  step's loss is (1 - lambda) times the cross-entropy + lambda times the mean over
                                  all pairs of rows of (r - t)^2. r is the cosine of what the map makes of both
                                  rows, each less its mean; of maps of several places, the standard deviation of
                                  each stands for its values. Either are 3 or more.
                                  t is 1 for equal labels and -1 / (m - 1) for others. Sample weights weigh
                                  pairs by their products. Without an input_node M reads the unit before the
                                  map, and MF_NODE_PREVIOUS as output_node is that unit. The map reads the
                                  output, or a unit behind it, and costs nothing in inference; units that it
                                  alone needs are behind `input_node`. Not of MF_HEAD_POSITIONS. Evaluation
                                  reports the cross-entropy. */
    int32_t reserved2;       /**< 0. */
    const mf_matrix *shared; /**< E [m, d], of which M has its first d columns: M = [E, V], so that G = F_E E^T +
                                  F_V V^T for F = [F_E, F_V], what M reads. V is the layer's "head.projection", and
                                  if M reads d values there is none. Behind a dense unit of d + r outputs without
                                  bias, whose W is [U; Z], that is G = a (E U + V Z)^T: U takes the output a into
                                  the space of E, and V Z is a part of rank r of the layer's own, which begins
                                  at 0 with MF_INIT_ZERO. The number of classes cannot change. NULL (default): M is
                                  the layer's. mf_layer_head() lends the handle; it is valid as long as the layer. */
    int32_t input_node;      /**< Node that M reads, the layer's output or behind it; units behind it are for
                                  auxiliary heads, or the map for similarities, and not computed in inference;
                                  M needs all units before it. Default MF_NODE_PREVIOUS: the last unit, or with
                                  `similarity` the one before it.
                                  With auxiliary heads it must be given; MF_NODE_PREVIOUS as output_node is then
                                  this node. */
    int32_t reserved3;       /**< 0. */
} mf_head_spec;

/** What a builder is made from. */
typedef struct mf_builder_spec {
    uint32_t struct_size;  /**< sizeof(mf_builder_spec). */
    int32_t dropout_maps;  /**< 1: `dropout` takes whole maps; 0 (default): single values. */
    const mf_shape *input; /**< Shape of a row of the layer's input, of rank 1 to 3; copied; no default.
                                mf_layer_shape() tells that of another layer's output. */
    float dropout;         /**< Dropout rate of the layer's output on its way to the next layer, as in
                                mf_layer_spec; default 0. */
    int32_t precision;     /**< MF_PRECISION_...; default MF_PRECISION_FLOAT32. */
    uint64_t seed; /**< Equal seeds give layers with equal parameters; default MF_SEED_AUTO: each layer
                        takes another one. */
    const mf_allocator *allocator; /**< Of the builder and of its layers; NULL: the C library's. */
} mf_builder_spec;

/** Fills a spec with the defaults.
 *  @param spec  receives them
 *  @param size  sizeof *spec as the caller was compiled
 *  Errors: ARGUMENT. */
MF_API mf_status mf_unit_spec_init(mf_unit_spec *spec, size_t size);

/** Fills a spec with the defaults.
 *  @param spec  receives them
 *  @param size  sizeof *spec as the caller was compiled
 *  Errors: ARGUMENT. */
MF_API mf_status mf_block_spec_init(mf_block_spec *spec, size_t size);

/** Fills a spec with the defaults.
 *  @param spec  receives them
 *  @param size  sizeof *spec as the caller was compiled
 *  Errors: ARGUMENT. */
MF_API mf_status mf_head_spec_init(mf_head_spec *spec, size_t size);

/** Fills a spec with the defaults.
 *  @param spec  receives them
 *  @param size  sizeof *spec as the caller was compiled
 *  Errors: ARGUMENT. */
MF_API mf_status mf_builder_spec_init(mf_builder_spec *spec, size_t size);

/** Creates a builder without units. Free it with mf_builder_free().
 *  @param spec     what to make it from
 *  @param builder  receives the handle, or NULL on failure
 *  Errors: ARGUMENT, OVERFLOW, MEMORY. */
MF_API mf_status mf_builder_create(const mf_builder_spec *spec, mf_builder **builder);

/** Creates a complete builder from the spec of a layer: mf_layer_build() then makes what mf_layer_create()
 * makes, and the builder can stand for the spec in mf_network_memory_built(). Units and heads cannot be
 * added.
 *  @param spec     of the layer
 *  @param builder  receives the handle, or NULL on failure
 *  Errors: as mf_layer_create(). */
MF_API mf_status mf_builder_from_spec(const mf_layer_spec *spec, mf_builder **builder);

/** Frees a builder; its layers stay.
 *  @param builder  NULL is fine */
MF_API void mf_builder_free(mf_builder *builder);

/** Adds a unit behind those that are there. The output of the last unit is that of the layer, unless the
 *  output_node of its head is another.
 *  @param builder  to add to
 *  @param unit     copied, so that one spec can be used for several units
 *  @param node     receives the number of the unit's node, 1 for the first; may be NULL
 *  Errors: HANDLE, ARGUMENT, SHAPE (shapes that do not fit together), OVERFLOW, MEMORY, STATE (a builder made
 *  by mf_builder_from_spec()), and the first failure of this builder, if there was one. */
MF_API mf_status mf_builder_unit(mf_builder *builder, const mf_unit_spec *unit, int32_t *node);

/** Adds all units of a ready-made block, as mf_builder_unit() would add them one by one: nothing but these
 *  units is left of the block, and mf_layer_unit() tells them.
 *  @param builder  to add to
 *  @param block    copied
 *  @param node     receives the number of the block's output, the node of its last unit; may be NULL
 *  Errors: as mf_builder_unit(). After a failure the builder has none of the block's units. */
MF_API mf_status mf_builder_block(mf_builder *builder, const mf_block_spec *block, int32_t *node);

/** Sets the head of the layer.
 *  @param builder  whose layer it is for
 *  @param head     copied; the builder takes a reference to its shared matrix
 *  Errors: HANDLE, ARGUMENT, SHAPE (a shared matrix with another number of rows than there are classes),
 *  OVERFLOW, STATE (there is a head already, or the builder was made by mf_builder_from_spec()), and the first
 *  failure of this builder. What the head reads is checked by mf_layer_build(). */
MF_API mf_status mf_builder_head(mf_builder *builder, const mf_head_spec *head);

/** The shape of a row of a node.
 *  @param builder  to look at
 *  @param node     0 for the layer's input, or a number that mf_builder_unit() gave, or MF_NODE_PREVIOUS
 *  @param shape    receives it; its struct_size is set by the caller
 *  Errors: HANDLE, ARGUMENT, NOT_FOUND (no such node). */
MF_API mf_status mf_builder_shape(const mf_builder *builder, int32_t node, mf_shape *shape);

/** Makes a layer and draws its parameters. A builder can make many layers. Free each with mf_layer_free().
 *  @param builder  that has units and a head
 *  @param layer    receives the handle, or NULL on failure
 *  Errors: HANDLE, ARGUMENT (a unit that nothing reads, auxiliary heads in the wrong place, or a layer without
 * anything to learn), SHAPE (heads that do not fit, or a shared matrix with more columns than M reads),
 * STATE (no unit, or no head), OVERFLOW, MEMORY, and the first failure of this builder. */
MF_API mf_status mf_layer_build(mf_builder *builder, mf_layer **layer);

/** How many units a layer has; also one that was made from a spec consists of units.
 *  @param layer  to look at
 *  @param count  receives the number
 *  Errors: HANDLE, ARGUMENT. */
MF_API mf_status mf_layer_unit_count(const mf_layer *layer, size_t *count);

/** Describes a unit.
 *  @param layer   to look at
 *  @param node    of the unit, 1 to the count
 *  @param unit    receives what the unit was made from, with the defaults filled in; its struct_size is set
 *                 by the caller; may be NULL
 *  @param output  receives the shape of a row of its output; its struct_size is set by the caller; may be
 *                 NULL
 *  Errors: HANDLE, ARGUMENT, NOT_FOUND (no such node). */
MF_API mf_status mf_layer_unit(const mf_layer *layer, int32_t node, mf_unit_spec *unit, mf_shape *output);

/** Describes the head of a layer.
 *  @param layer  to look at
 *  @param head   receives what the head is now; its struct_size is set by the caller
 *  Errors: HANDLE, ARGUMENT. */
MF_API mf_status mf_layer_head(const mf_layer *layer, mf_head_spec *head);

/** @} */
/* ---------------------------------------------------------------------------------------------- */
/** @defgroup network Networks
 *
 *  A network is an ordered list of references to layers. A layer can be in several networks, once in
 *  each. A layer is found by its position, 0 for the first, which changes when others come and go, or by
 *  its id in the network, which does not; ids are 1 or more, and none is used twice in a network.
 *  @{ */

/** Opaque handle of a network. */
typedef struct mf_network mf_network;

/** How a network answers. */
enum {
    MF_PREDICT_LAST = 0, /**< From the goodness of the last layer (the paper's "BP prediction"). */
    MF_PREDICT_SUM = 1   /**< From the sum of all layers' goodness (the paper's "FF prediction"). */
};

/** What a network is made from. */
typedef struct mf_network_spec {
    uint32_t struct_size;          /**< sizeof(mf_network_spec). */
    const mf_allocator *allocator; /**< NULL: the C library's. */
} mf_network_spec;

/** Fills `spec` with the defaults. `size` is sizeof *spec as the caller was compiled. Errors: ARGUMENT. */
MF_API mf_status mf_network_spec_init(mf_network_spec *spec, size_t size);

/** Creates an empty network. `spec` may be NULL for the defaults. Free it with mf_network_free().
 *  Errors: ARGUMENT, MEMORY. */
MF_API mf_status mf_network_create(const mf_network_spec *spec, mf_network **network);

/** Gives up the caller's reference; workspaces made for the network keep theirs. NULL is fine. */
MF_API void mf_network_free(mf_network *network);

/** Number of layers. Errors: HANDLE, ARGUMENT. */
MF_API mf_status mf_network_size(const mf_network *network, size_t *size);

/** Puts a layer behind the last one; the network takes a reference. `id`, if not NULL, receives
 *  its id. A dense layer reads maps and sequences as a row of values, a layer that expects maps or a sequence
 * reads a row of values as such; two shapes that are no rows must be the same. Errors: HANDLE, SHAPE (its
 * inputs or classes do not fit: the message names both), ARGUMENT (it is in this network already), OVERFLOW (no
 * id is left, which takes a file that says so), MEMORY. */
MF_API mf_status mf_network_append(mf_network *network, mf_layer *layer, uint64_t *id);

/** mf_network_append() to a position, 0 to the size: layers from there on move up by one.
 *  Errors: as mf_network_append(), and NOT_FOUND (a position beyond the size). */
MF_API mf_status mf_network_insert(mf_network *network, size_t position, mf_layer *layer, uint64_t *id);

/** Takes out the layer of that id and gives up its reference.
 *  Errors: HANDLE, NOT_FOUND, SHAPE (its neighbours would not fit). */
MF_API mf_status mf_network_remove(mf_network *network, uint64_t id);

/** Puts another layer in the position of the layer of that id, gives it the id, and gives up the reference to
 * the old one. Errors: HANDLE, NOT_FOUND, SHAPE (it does not fit its neighbours), ARGUMENT (it is in this
 * network already). */
MF_API mf_status mf_network_replace(mf_network *network, uint64_t id, mf_layer *layer);

/** The layer at a position, borrowed, and its id; either out-pointer may be NULL.
 *  Errors: HANDLE, NOT_FOUND. */
MF_API mf_status mf_network_layer(const mf_network *network, size_t position, mf_layer **layer, uint64_t *id);

/** The position of the layer of that id. Errors: HANDLE, ARGUMENT, NOT_FOUND. */
MF_API mf_status mf_network_position(const mf_network *network, uint64_t id, size_t *position);

/** mf_layer_set_optimizer() for every layer: all of them or, on failure, none. NULL takes their optimizers away.
 *  Errors: HANDLE, OVERFLOW, MEMORY, BUSY as in mf_layer_step(). */
MF_API mf_status mf_network_set_optimizer(mf_network *network, mf_optimizer *optimizer);

/** mf_layer_set_classes() for every layer: all of them or, on failure, none.
 *  Errors: HANDLE, ARGUMENT, STATE (a head reads a shared matrix, or a layer has auxiliary heads), OVERFLOW, MEMORY,
 *  BUSY as in mf_layer_step(). */
MF_API mf_status mf_network_set_classes(mf_network *network, size_t classes);

/** Makes a scaling of the inputs a part of the network: the first layer reads (x + shift) * scale, rounded to
 *  float32 after the sum and after the product, in every call with a workspace or pipeline of this network, of
 *  floats, bf16, and what an mf_batch makes of bytes. It is fixed, since no layer learns it; it is saved,
 *  exported, cloned and copied with the network. Workspaces and pipelines made before are STALE; workspaces made
 *  from then on have room as with MF_WORKSPACE_CONVERT, a flag that mf_memory_query() and its like count this
 *  room by. Bytes are first made numbers, divided by 255 if the batch's input_scale is 0, and then scaled. A
 *  workspace for a single layer knows no network, and scales nothing.
 *  @param network  to change; takes 8 bytes for each number from its allocator
 *  @param shift    [count], added first; -mean for standardised inputs
 *  @param scale    [count]; 1 / deviation for standardised inputs; both may be NULL if count is 0
 *  @param count    1 for all inputs, or one for each map, or for each value of a position; of a row of k values,
 *                  any number that divides k: runs of k / count values share one. 0: no scaling. A network
 *                  without layers takes any
 *  Errors: HANDLE, ARGUMENT (NULL), NUMERIC (a number is not finite), OVERFLOW, SHAPE (so many do not fit the
 *  first layer; one that comes later is refused by mf_network_insert() and its like), MEMORY. */
MF_API mf_status mf_network_set_input_scaling(mf_network *network, const float *shift, const float *scale,
                                              size_t count);

/** How the network scales its inputs: see mf_network_set_input_scaling().
 *  @param network   to ask
 *  @param shift     receives [count]; may be NULL
 *  @param scale     receives [count]; may be NULL
 *  @param capacity  numbers that each of the two has room for
 *  @param count     receives how many there are, 0 if inputs are read as they are
 *  Errors: HANDLE, ARGUMENT, CAPACITY (count is set all the same). */
MF_API mf_status mf_network_input_scaling(const mf_network *network, float *shift, float *scale,
                                          size_t capacity, size_t *count);

/** One joint training step: every layer steps on the batch, first to last, each on the activation of
 *  the one before. x [rows, k of the first layer], y [rows].
 *  Errors: HANDLE, ARGUMENT, CAPACITY (also a single value to normalise by), LABEL, NUMERIC, STALE, STATE
 *  (an empty network, a layer without optimizer, a workspace for inference). Everything but a loss, an update
 *  or, with clipping, a gradient's norm that is not finite is found before any layer changes; then the layers
 *  before have stepped, those behind have not, and this one has not either, but for an update as in
 *  mf_layer_step(): each layer's report counts the batches it has applied. BUSY as in mf_layer_step(). */
MF_API mf_status mf_network_step(mf_network *network, mf_workspace *workspace, size_t rows, const float *x,
                                 const int32_t *y);

/** The same for a batch with strides, sample weights or inputs of another type. Errors: as
 *  mf_network_step(), and those of a batch as in mf_layer_step_batch(). */
MF_API mf_status mf_network_step_batch(mf_network *network, mf_workspace *workspace, const mf_batch *batch);

/** One greedy training step: the layers before `position` pass the batch on (with their dropout, but
 *  without learning), the layer at `position` steps, those behind do nothing. Errors: as
 *  mf_network_step(), and NOT_FOUND. */
MF_API mf_status mf_network_step_layer(mf_network *network, mf_workspace *workspace, size_t position,
                                       size_t rows, const float *x, const int32_t *y);

/** The same for a batch with strides, sample weights or inputs of another type. Errors: as
 *  mf_network_step_layer(), and those of a batch as in mf_layer_step_batch(). */
MF_API mf_status mf_network_step_layer_batch(mf_network *network, mf_workspace *workspace, size_t position,
                                             const mf_batch *batch);

/** Loss and correct rows of every layer (the last one's are those of MF_PREDICT_LAST) and of MF_PREDICT_SUM
 *  on a labelled batch, without learning: see mf_workspace_report() and mf_workspace_report_sum(). If it
 *  fails at a layer, the reports of those before are new already. Errors: HANDLE, ARGUMENT, CAPACITY,
 *  LABEL, NUMERIC (the input, or a loss), STALE, STATE (an empty network). */
MF_API mf_status mf_network_evaluate(const mf_network *network, mf_workspace *workspace, size_t rows,
                                     const float *x, const int32_t *y);

/** The same for a batch with strides, sample weights or inputs of another type. Errors: as
 *  mf_network_evaluate(), and those of a batch as in mf_layer_step_batch(). */
MF_API mf_status mf_network_evaluate_batch(const mf_network *network, mf_workspace *workspace,
                                           const mf_batch *batch);

/** The class of every row: the one of the highest score, the lowest number if several are highest.
 *  `mode` is MF_PREDICT_LAST or MF_PREDICT_SUM; labels [rows].
 *  Errors: HANDLE, ARGUMENT, CAPACITY, NUMERIC (the input, or the scores), STALE, STATE (an empty network).
 */
MF_API mf_status mf_network_predict(const mf_network *network, mf_workspace *workspace, int32_t mode,
                                    size_t rows, const float *x, int32_t *labels);

/** The scores of every row: the goodness of the last layer, or the sum over all layers. goodness [rows, m].
 *  Errors: as mf_network_predict(). */
MF_API mf_status mf_network_goodness(const mf_network *network, mf_workspace *workspace, int32_t mode,
                                     size_t rows, const float *x, float *goodness);

/** The softmax of the scores. probabilities [rows, m]. Errors: as mf_network_predict(). */
MF_API mf_status mf_network_probabilities(const mf_network *network, mf_workspace *workspace, int32_t mode,
                                          size_t rows, const float *x, float *probabilities);

/** Labels, scores and probabilities from one pass over a batch with strides or inputs of another type;
 *  outputs that are NULL are left out. The batch's targets and sample weights are not read. Errors: as
 *  mf_network_predict(), and those of a batch as in mf_layer_forward_batch(). */
MF_API mf_status mf_network_infer(const mf_network *network, mf_workspace *workspace, int32_t mode,
                                  const mf_batch *batch, int32_t *labels, float *goodness,
                                  float *probabilities);

/** The best classes of every row, best first; of equal scores the lowest class comes first. At positions
 *  those of every position: [rows, T, k].
 *
 *  Of more than 4096 classes, the scores of a batch are never in memory at the same time, neither here nor in
 *  mf_network_evaluate() and the other predictions: these go over blocks of classes, and give what all
 *  scores at once would. After NUMERIC, what the arrays hold is of no use.
 *  @param network        to ask
 *  @param workspace      made for it
 *  @param mode           MF_PREDICT_LAST or MF_PREDICT_SUM
 *  @param batch          as in mf_network_infer()
 *  @param count          k, how many classes of each row, 1 to m; a class may take k comparisons
 *  @param labels         [rows, k] receives the classes
 *  @param goodness       [rows, k] receives their scores; not NULL, unlike in mf_network_infer()
 *  @param probabilities  [rows, k] receives what the softmax over all classes gives them; may be NULL
 *  Errors: as mf_network_infer(); ARGUMENT also for a count that is out of range. */
MF_API mf_status mf_network_top(const mf_network *network, mf_workspace *workspace, int32_t mode,
                                const mf_batch *batch, size_t count, int32_t *labels, float *goodness,
                                float *probabilities);

/** @} */
/* ---------------------------------------------------------------------------------------------- */
/** @defgroup pool Pools: threads that share the work of a call
 *
 *  A pool has threads that sleep until a call has work for them. A workspace that is made with a pool uses it
 * in every call that computes with the workspace: training steps, gradients, evaluation, prediction. A
 * pipeline that is made with a pool runs its layers on the pool's threads, and threads that find no layer to
 * work on help with the layers that others are at. The results have the same bits for any number of threads,
 * and as without a pool.
 *
 *  Any number of workspaces and pipelines may use one pool, from several threads at the same time: a thread
 * that is free helps any of them. Threads of the pool look for work for a tenth of a millisecond or two before
 * they sleep, so a pool that nobody uses takes no processor time. All signals are blocked in them, as in the
 * workers of a pipeline.
 *
 *  fork() leaves the threads behind: in the child, calls with the pool are made by the calling thread alone,
 *  with the same results, and a pipeline can use a pool of the parent's no more. A thread that
 * pthread_cancel() meets in a call with a pool ends behind it.
 *
 *  Set the BLAS library to one thread (mf_blas_set_threads()) where a pool is used.
 *  @{ */

/** Opaque handle of a pool. */
typedef struct mf_pool mf_pool;

/** What a pool is made from. */
typedef struct mf_pool_spec {
    uint32_t struct_size; /**< sizeof(mf_pool_spec). */
    uint32_t threads; /**< Threads that work on a call, at most 1024: the one that makes it and those of the
                           pool, which are one less. 0 (default): as many as the processors that this
                           process may use. */
    const mf_allocator *allocator; /**< NULL: the C library's. */
} mf_pool_spec;

/** Fills a spec with the defaults.
 *  @param spec  receives them
 *  @param size  sizeof *spec as the caller was compiled
 *  Errors: ARGUMENT. */
MF_API mf_status mf_pool_spec_init(mf_pool_spec *spec, size_t size);

/** Creates a pool and starts its threads. If the system starts fewer than were asked for, the pool works with
 *  those: mf_pool_threads() tells.
 *  @param spec  what it is made from; NULL for the defaults
 *  @param pool  receives the handle, or NULL on failure; free it with mf_pool_free()
 *  Errors: ARGUMENT, MEMORY. */
MF_API mf_status mf_pool_create(const mf_pool_spec *spec, mf_pool **pool);

/** Gives up the caller's reference; workspaces and pipelines that use the pool keep theirs. The last one ends
 *  the threads.
 *  @param pool  to free; NULL is fine */
MF_API void mf_pool_free(mf_pool *pool);

/** How many threads work on a call: those that have been started, and the caller's.
 *  @param pool     to ask
 *  @param threads  receives the number, 1 or more
 *  Errors: HANDLE, ARGUMENT. */
MF_API mf_status mf_pool_threads(const mf_pool *pool, uint32_t *threads);

/** @} */
/* ---------------------------------------------------------------------------------------------- */
/** @defgroup metadata Metadata
 *
 *  Texts with names that the host keeps with a network: names of the classes, a date.
 *  The library gives them no meaning. They are saved in model files and loaded from them, and exported to
 * ONNX models. docs/files.md proposes names for what many programs need.
 *
 *  Names and values are UTF-8 and end with a 0. A name has no control characters, and is not one that the
 *  library uses in model files: "format", "format_version", "library_version", "network", "training", or
 *  whatever begins with "monoforward.". The limits below hold for a network, and so for a file.
 *  @{ */

/** Limits of the metadata of a network, in bytes without the final 0. */
enum {
    MF_METADATA_NAME_BYTES = 255,      /**< A name has 1 to so many bytes, */
    MF_METADATA_VALUE_BYTES = 1048576, /**< a value 0 to so many, */
    MF_METADATA_BYTES = 8388608,       /**< all names and values together at most so many. */
    MF_METADATA_ENTRIES = 1024         /**< The most entries. */
};

/** Adds an entry to the metadata of a network, or replaces the one of that name. Memory comes from the
 *  network's allocator, now and not later; workspaces stay valid.
 *  @param network  to change
 *  @param name     of the entry, copied
 *  @param value    copied
 *  Errors: HANDLE, ARGUMENT (NULL, no valid UTF-8, an empty name, one with control characters, or one of the
 *  library's own), CAPACITY (beyond a limit: the message names it), MEMORY. */
MF_API mf_status mf_network_metadata_set(mf_network *network, const char *name, const char *value);

/** The value of an entry.
 *  @param network  to ask
 *  @param name     of the entry
 *  @param value    receives the text, borrowed: valid until the entry is set or removed, or the network freed
 *  Errors: HANDLE, ARGUMENT (NULL, or what can be no name), CAPACITY (a name beyond the limit), NOT_FOUND (also
 *  one of the library's own names). */
MF_API mf_status mf_network_metadata_get(const mf_network *network, const char *name, const char **value);

/** How many entries there are.
 *  @param network  to ask
 *  @param count    receives the number
 *  Errors: HANDLE, ARGUMENT. */
MF_API mf_status mf_network_metadata_count(const mf_network *network, size_t *count);

/** An entry by its place, in the order of the bytes of the names. Setting and removing change places.
 *  @param network  to ask
 *  @param index    0 to below mf_network_metadata_count()
 *  @param name     receives the name, borrowed as in mf_network_metadata_get(); may be NULL
 *  @param value    receives the value, borrowed; may be NULL
 *  Errors: HANDLE, NOT_FOUND. */
MF_API mf_status mf_network_metadata_at(const mf_network *network, size_t index, const char **name,
                                        const char **value);

/** Removes an entry.
 *  @param network  to change
 *  @param name     of the entry
 *  Errors: as mf_network_metadata_get(). */
MF_API mf_status mf_network_metadata_remove(mf_network *network, const char *name);

/** @} */
/* ---------------------------------------------------------------------------------------------- */
/** @defgroup workspace Workspaces and reports
 *
 *  A workspace holds the scratch memory for one network or one layer, for batches up to a size, and the
 *  reports of the last call that used it. Use it from one thread at a time.
 *  @{ */

/** What a workspace is for. */
enum {
    MF_WORKSPACE_TRAINING = 0,  /**< Everything. */
    MF_WORKSPACE_INFERENCE = 1, /**< Prediction and evaluation only; smaller. */
    MF_WORKSPACE_CONVERT = 2 /**< Added to one of the two: batches may have inputs other than float32. Their
                                  floats lie where the second layer writes later, so this takes memory only
                                  if no second, fourth, ... layer has as many outputs as the first one has
                                  inputs: max_batch rows of the difference. */
};

/** What a workspace is made from. */
typedef struct mf_workspace_spec {
    uint32_t struct_size;          /**< sizeof(mf_workspace_spec). */
    int32_t purpose;               /**< MF_WORKSPACE_TRAINING (default) or MF_WORKSPACE_INFERENCE, either
                                        of them + MF_WORKSPACE_CONVERT. */
    mf_network *network;           /**< The network it is for, */
    mf_layer *layer;               /**< or the single layer: one of the two, the other NULL. */
    size_t max_batch;              /**< Most rows of a batch; no default. */
    const mf_allocator *allocator; /**< NULL: the C library's. */
    mf_pool *pool; /**< Whose threads share the work of calls; NULL (default): the calling thread
                        works alone. */
} mf_workspace_spec;

/** What a layer did in the last call. Loss and correct rows are those before the update of a step. */
typedef struct mf_report {
    uint32_t struct_size; /**< sizeof(mf_report), set by the caller. */
    uint32_t reserved;    /**< 0. */
    uint64_t rows;    /**< Rows of the batch, also those of weight 0; for goodness at positions, the positions
                         that have a label; 0 if the layer has done nothing in this workspace. */
    uint64_t correct; /**< Rows, or positions, whose highest goodness is that of their label. */
    double loss;      /**< Mean cross-entropy in nats; of steps with label smoothing and what else heads add. */
    double gradient_norm; /**< Euclidean norm of the layer's gradient before clipping; -1 when clipping is off,
                               after an evaluation and after mf_layer_gradients(). */
    uint64_t applied;     /**< Batches the layer has learned from since it was created; after
                               mf_layer_gradients() without the one that mf_layer_apply() is to follow for. */
} mf_report;

/** Bytes that handles take, as their allocators see them. */
typedef struct mf_memory {
    uint32_t struct_size; /**< sizeof(mf_memory), set by the caller. */
    uint32_t reserved;    /**< 0. */
    size_t layers;        /**< All layers with their parameters. */
    size_t state;         /**< What the optimizer keeps in the layers between steps. */
    size_t network;       /**< The network. */
    size_t optimizer;     /**< The optimizer. */
    size_t workspace;     /**< The workspace. */
    size_t total;         /**< The sum of the above and of `shared`. */
    size_t arena;         /**< What suffices as a buffer for mf_arena_init() to hold all of them, matrices too,
                               with what creating them takes in passing. */
    size_t shared;        /**< The matrices that heads share, each of them once. Part of the total. */
} mf_memory;

/** Fills `report` with zeros and its struct_size. `size` is sizeof *report as the caller was compiled.
 *  Errors: ARGUMENT. */
MF_API mf_status mf_report_init(mf_report *report, size_t size);

/** Fills `memory` with zeros and its struct_size. `size` is sizeof *memory as the caller was compiled.
 *  Errors: ARGUMENT. */
MF_API mf_status mf_memory_init(mf_memory *memory, size_t size);

/** What a network will take, to the byte, before anything is created. That is so on this processor: another
 *  one's vectors, and so its scratch and what weights are filled up to, may be longer or shorter.
 *  @param layers     [count] the specs of its layers, first to last, appended in this order
 *  @param count      how many there are, 1 or more
 *  @param optimizer  attached to the network when all layers are in it; NULL for none
 *  @param purpose    of the one workspace, as in its spec
 *  @param max_batch  of that workspace
 *  @param memory     receives the bytes; its struct_size is set by the caller
 *  Errors: ARGUMENT, OVERFLOW, SHAPE, STATE (no layers): as creating all this would give, but for the
 *  shapes of neighbours. */
MF_API mf_status mf_network_memory(const mf_layer_spec *const *layers, size_t count,
                                   const mf_optimizer_spec *optimizer, int32_t purpose, size_t max_batch,
                                   mf_memory *memory);

/** mf_network_memory() for layers of several units.
 *  @param builders   [count] the builders of its layers, first to last, each complete; mf_builder_from_spec()
 * makes one for a layer that has a spec
 *  @param count      how many there are, 1 or more
 *  @param optimizer  as in mf_network_memory()
 *  @param purpose    as in mf_network_memory()
 *  @param max_batch  as in mf_network_memory()
 *  @param memory     as in mf_network_memory(); the builders themselves are not counted
 *  Errors: HANDLE, those of mf_layer_build() and of mf_network_memory(). */
MF_API mf_status mf_network_memory_built(mf_builder *const *builders, size_t count,
                                         const mf_optimizer_spec *optimizer, int32_t purpose,
                                         size_t max_batch, mf_memory *memory);

/** What mf_memory_query() shall count. */
typedef struct mf_memory_spec {
    uint32_t struct_size;               /**< sizeof(mf_memory_spec). */
    int32_t purpose;                    /**< Of the workspace, as in its spec. */
    const mf_layer_spec *const *layers; /**< [count] as in mf_network_memory(), */
    mf_builder *const *builders; /**< [count] or as in mf_network_memory_built(): one of the two, the other
                                      NULL. */
    size_t count;                /**< How many layers there are; no default. */
    const mf_optimizer_spec *optimizer; /**< NULL (default): none. */
    size_t max_batch;                   /**< Of the one workspace; no default. */
    size_t
        threads; /**< What mf_pool_threads() says of the workspace's pool; 1 (default) or 0: it has none. */
} mf_memory_spec;

/** Fills a spec with the defaults.
 *  @param spec  receives them
 *  @param size  sizeof *spec as the caller was compiled
 *  Errors: ARGUMENT. */
MF_API mf_status mf_memory_spec_init(mf_memory_spec *spec, size_t size);

/** What a network will take, to the byte, with a workspace that may use a pool; the pool itself is not
 * counted.
 *  @param spec    what is to be counted
 *  @param memory  receives the bytes; its struct_size is set by the caller
 *  Errors: as mf_network_memory() and mf_network_memory_built(); ARGUMENT also for more than 1024 threads. */
MF_API mf_status mf_memory_query(const mf_memory_spec *spec, mf_memory *memory);

/** Writes what the network is into `text`, as lines for people: the units of each layer with their shapes and
 *  parameters, where gradients stop, and the memory that training on batches of `max_batch` rows takes. What
 * it says may change from version to version; programs should ask mf_layer_unit() instead.
 *  @param network    to describe
 *  @param max_batch  1 or more
 *  @param text       [size] receives the lines and a final 0, cut if there is too little room; errors but
 *                    CAPACITY leave it as it was; may be NULL if size is 0
 *  @param size       of `text`
 *  @param needed     receives the size that suffices, with the final 0; may be NULL
 *  Errors: HANDLE, ARGUMENT, OVERFLOW (a workspace of that size), SHAPE (layers whose classes differ),
 * CAPACITY (too small: what fits is there). */
MF_API mf_status mf_network_summary(const mf_network *network, size_t max_batch, char *text, size_t size,
                                    size_t *needed);

/** Fills `spec` with the defaults. `size` is sizeof *spec as the caller was compiled. Errors: ARGUMENT. */
MF_API mf_status mf_workspace_spec_init(mf_workspace_spec *spec, size_t size);

/** Creates a workspace; it takes references to the network or layer and to the pool. When layers come, go or
 * change their number of classes, it is STALE and another one is needed. Free it with mf_workspace_free().
 *  Errors: ARGUMENT, HANDLE, STATE (an empty network), SHAPE (layers whose classes differ), OVERFLOW,
 *  MEMORY. */
MF_API mf_status mf_workspace_create(const mf_workspace_spec *spec, mf_workspace **workspace);

/** Frees a workspace. NULL is fine. */
MF_API void mf_workspace_free(mf_workspace *workspace);

/** Report of one layer on the last step, gradients or evaluation that completed for it; predictions leave
 *  reports alone. `position` is 0 in a workspace for a single layer, and `report->struct_size` is set by
 *  the caller. Errors: HANDLE, ARGUMENT, NOT_FOUND. */
MF_API mf_status mf_workspace_report(const mf_workspace *workspace, size_t position, mf_report *report);

/** Report of MF_PREDICT_SUM on the last mf_network_evaluate(); its `applied` is 0. Errors: HANDLE, ARGUMENT.
 */
MF_API mf_status mf_workspace_report_sum(const mf_workspace *workspace, mf_report *report);

/** @} */
/* ---------------------------------------------------------------------------------------------- */
/** @defgroup pipeline Pipelines: layers that train at the same time
 *
 *  Nothing flows backward, so while one layer learns from a batch the layer before it can learn from the next
 *  batch. A pipeline is a joint training loop whose layers run on several threads that way. Each layer meets
 *  the same batches in the same order as under mf_network_step(), so all parameters, optimizer states and
 *  reports have the same bits, for any number of workers.
 *
 *  While a pipeline has unfinished batches, the layers belong to it. Allowed at any time:
 *  mf_optimizer_set(), mf_layer_set() and mf_layer_set_trainable(), which concern the batches submitted
 *  afterwards, the getters of these, and whatever does not touch the layers. After mf_pipeline_flush() and
 *  until the next submit the layers are at rest: they may be read, evaluated, changed and trained by every
 *  other function as well; but when layers come or go or change their number of classes, the pipeline is
 *  STALE and another one is needed. One pipeline at a time may train a layer. Use a pipeline
 *  from one thread at a time. What breaks these two rules gets BUSY: steps, passes, gradients and updates of a
 *  layer, changes of its parameters, optimizer or classes, and submits of another pipeline with it, while a
 *  batch is on its way; calls while another thread is in one (STATE while it is in the callback).
 *
 *  fork() leaves the workers behind: in the child, functions of a pipeline that has any give STATE, and
 *  mf_pipeline_free() lets go what it holds without waiting for anyone. A thread that pthread_cancel() meets
 *  in a function of a pipeline ends behind it. All signals are blocked in workers: when main() has ended by
 *  pthread_exit() and only workers are left, nobody takes any, and SIGKILL alone ends the process.
 *
 *  Set the BLAS library to one thread (mf_blas_set_threads()) when there is more than one worker.
 *  @{ */

/** Opaque handle of a pipeline: its threads, its queue, its reports. */
typedef struct mf_pipeline mf_pipeline;

/** What one layer did with one batch. */
typedef struct mf_pipeline_report {
    uint32_t struct_size; /**< sizeof(mf_pipeline_report), set by the caller. */
    int32_t status;       /**< MF_STATUS_OK: the layer has learned from the batch. MF_STATUS_NUMERIC: its
                               loss, with clipping its gradient, or its update was not finite, as in
                               mf_layer_step(). MF_STATUS_STATE: it left the batch out, after such a
                               failure or a stop. */
    uint64_t batch;       /**< Number of the batch: 0 for the first that the pipeline took. */
    uint64_t position;    /**< Position of the layer. */
    uint64_t rows;        /**< As in mf_report; 0 unless the status is OK. */
    uint64_t correct;     /**< As in mf_report. */
    double loss;          /**< As in mf_report. */
    double gradient_norm; /**< As in mf_report. */
    uint64_t applied;     /**< Batches the layer has learned from, as in mf_report. */
} mf_pipeline_report;

/** Where a pipeline stands. */
typedef struct mf_pipeline_progress_info {
    uint32_t struct_size;     /**< sizeof(mf_pipeline_progress_info), set by the caller. */
    int32_t status;           /**< MF_STATUS_OK, or MF_STATUS_NUMERIC once a layer has failed. */
    uint64_t submitted;       /**< Batches taken. */
    uint64_t finished;        /**< Batches that have left the last layer. */
    uint64_t failed_batch;    /**< The first failure in the order of a sequential run: its batch, */
    uint64_t failed_position; /**< and its layer. Both 0 while there is none. */
    uint64_t missed;          /**< Reports that were overwritten before anyone read them. */
    uint64_t groups;          /**< Groups that the layers are cut into: what a worker takes at a time. */
    int32_t stopped;          /**< 1 after a stop. */
    int32_t reserved;         /**< 0. */
} mf_pipeline_progress_info;

/** What a pipeline is made from. */
typedef struct mf_pipeline_spec {
    uint32_t struct_size; /**< sizeof(mf_pipeline_spec). */
    uint32_t workers;     /**< Threads to start, at most 1024; default 2. Those that find no layer to work on,
                               as when there are more of them than layers, help with the layers that others
                               are at, and take the memory that mf_memory_query() counts for one more
                               thread. 0: none, submit does all the work itself. Not read if there is a
                               pool. */
    mf_network *network;  /**< Whose layers train; no default. */
    size_t max_batch;     /**< Most rows of a batch; no default. */
    size_t depth;         /**< Batches that may be unfinished at a time; 0 (default): the number of layers
                               or of threads, whichever is smaller, + 2. */
    /** Receives every report in order, on the caller's thread, during submit, flush, stop and poll; NULL
     *  (default): read them with mf_pipeline_poll(). Functions of this pipeline give STATE in it, but for
     *  mf_pipeline_progress(); mf_pipeline_free() takes effect when it has returned. A return value other
     *  than 0 stops the pipeline as mf_pipeline_stop() does. The report is valid during the call. Submit
     *  takes and checks its batch after the reports that wait, so what this writes to its arrays counts. */
    int32_t (*on_report)(void *user, const mf_pipeline_report *report);
    void *user;                    /**< Handed to on_report. */
    const mf_allocator *allocator; /**< NULL: the C library's. Used by the caller's thread only. */
    mf_pool *pool; /**< Whose threads are the workers; NULL (default): the pipeline starts its own. As
                        many of them work as mf_pool_threads() says: the pool's, and one that the
                        pipeline starts, since the host's thread has other things to do. */
} mf_pipeline_spec;

/** Fills a spec with the defaults.
 *  @param spec  receives them
 *  @param size  sizeof *spec as the caller was compiled
 *  Errors: ARGUMENT. */
MF_API mf_status mf_pipeline_spec_init(mf_pipeline_spec *spec, size_t size);

/** Fills `report` with zeros and its struct_size.
 *  @param report  receives them
 *  @param size    sizeof *report as the caller was compiled
 *  Errors: ARGUMENT. */
MF_API mf_status mf_pipeline_report_init(mf_pipeline_report *report, size_t size);

/** Fills `progress` with zeros and its struct_size.
 *  @param progress  receives them
 *  @param size      sizeof *progress as the caller was compiled
 *  Errors: ARGUMENT. */
MF_API mf_status mf_pipeline_progress_info_init(mf_pipeline_progress_info *progress, size_t size);

/** Creates a pipeline with all its memory and starts its workers. It takes references to the network and its
 *  layers. Free it with mf_pipeline_free().
 *  @param spec      what to make it from
 *  @param pipeline  receives the handle, or NULL on failure
 *  Errors: ARGUMENT, HANDLE, STATE (an empty network; a pool of the process that this one was forked from),
 *  SHAPE (layers whose classes differ), OVERFLOW, MEMORY (also when the system gives no thread). */
MF_API mf_status mf_pipeline_create(const mf_pipeline_spec *spec, mf_pipeline **pipeline);

/** Ends a pipeline at any moment: what a worker has begun is finished, so that every layer is whole; what is
 *  queued is dropped. Call mf_pipeline_flush() first to have it learned. In the pipeline's own callback it
 *  takes effect when the callback has returned: the call that it was called by lets the pipeline go and gives
 *  STATE, the callback is called no more, and the handle must not be used again.
 *  @param pipeline  NULL is fine */
MF_API void mf_pipeline_free(mf_pipeline *pipeline);

/** Gives the next batch to the workers: everything is checked as by mf_network_step(), the rows are copied,
 *  and the optimizers' hyper-parameters and the layers' options of this moment are those the batch is learned
 *  with. Waits while the queue is full.
 *  @param pipeline  takes the batch
 *  @param rows      B, 1 to max_batch
 *  @param x         [rows, k of the first layer], all finite
 *  @param y         [rows] labels, 0 to m - 1
 *  Errors: as mf_network_step(), before anything is taken, and STATE (the pipeline was stopped, a callback
 *  has just stopped or freed it, or this is a forked process). NUMERIC also when a layer has failed in an
 *  earlier batch: the message names both, the batch is not taken, and no later one will be. */
MF_API mf_status mf_pipeline_submit(mf_pipeline *pipeline, size_t rows, const float *x, const int32_t *y);

/** The same for a batch with strides, sample weights or inputs of another type.
 *  @param pipeline  takes the batch
 *  @param batch     copied
 *  Errors: as mf_pipeline_submit(), and those of a batch as in mf_layer_step_batch(). */
MF_API mf_status mf_pipeline_submit_batch(mf_pipeline *pipeline, const mf_batch *batch);

/** mf_pipeline_submit() that never waits.
 *  @param pipeline  takes the batch
 *  @param rows      as in mf_pipeline_submit()
 *  @param x         as in mf_pipeline_submit()
 *  @param y         as in mf_pipeline_submit()
 *  Errors: as mf_pipeline_submit(), and BUSY (the queue is full; the batch was not taken). */
MF_API mf_status mf_pipeline_try_submit(mf_pipeline *pipeline, size_t rows, const float *x, const int32_t *y);

/** The same for a batch with strides, sample weights or inputs of another type.
 *  @param pipeline  takes the batch
 *  @param batch     copied
 *  Errors: as mf_pipeline_try_submit(), and those of a batch as in mf_layer_step_batch(). */
MF_API mf_status mf_pipeline_try_submit_batch(mf_pipeline *pipeline, const mf_batch *batch);

/** Waits until every batch taken has been through all layers. Then the layers are at rest.
 *  @param pipeline  to wait for
 *  Errors: HANDLE, STATE (called by its callback, stopped or freed by it, or in a forked process), NUMERIC (a
 *  layer has failed: the message names batch and layer. That layer and those behind it have learned from the
 *  batches before this one only; those before it may have gone on. The layers are at rest all the same). */
MF_API mf_status mf_pipeline_flush(mf_pipeline *pipeline);

/** Drops what is queued, waits for what has been begun, and leaves the layers at rest: each has learned from
 *  the batches that its `applied` counts, and those in front from more than those behind. No batch is taken
 *  any more; reports can still be read.
 *  @param pipeline  to stop
 *  Errors: HANDLE, STATE (called by its callback, freed by it, or in a forked process). */
MF_API mf_status mf_pipeline_stop(mf_pipeline *pipeline);

/** Reads the next report: batch after batch, in each the layers first to last. Reports of the last 2 depth
 *  batches are kept, so nothing is missed by a loop that polls after each submit until there is no more.
 *  @param pipeline  to read from
 *  @param report    receives it; its struct_size is set by the caller; may be NULL with a callback, which
 *                   gets all there are
 *  Errors: HANDLE, ARGUMENT, BUSY (not there yet), NOT_FOUND (all have been read), STATE (called by its
 *  callback, stopped or freed by it, or in a forked process). */
MF_API mf_status mf_pipeline_poll(mf_pipeline *pipeline, mf_pipeline_report *report);

/** Tells where the pipeline stands.
 *  @param pipeline  to look at
 *  @param progress  receives it; its struct_size is set by the caller
 *  Errors: HANDLE, ARGUMENT, STATE (in a forked process). */
MF_API mf_status mf_pipeline_progress(mf_pipeline *pipeline, mf_pipeline_progress_info *progress);

/** mf_pipeline_flush(), then mf_network_evaluate() on its network.
 *  @param pipeline   whose network is asked
 *  @param workspace  made for the network; receives the reports
 *  @param rows       as in mf_network_evaluate()
 *  @param x          as in mf_network_evaluate()
 *  @param y          as in mf_network_evaluate()
 *  Errors: as mf_pipeline_flush() and mf_network_evaluate(); STALE also if the pipeline is. */
MF_API mf_status mf_pipeline_evaluate(mf_pipeline *pipeline, mf_workspace *workspace, size_t rows,
                                      const float *x, const int32_t *y);

/** The same for a batch with strides, sample weights or inputs of another type.
 *  @param pipeline   whose network is asked
 *  @param workspace  made for the network; receives the reports
 *  @param batch      as in mf_network_evaluate_batch()
 *  Errors: as mf_pipeline_evaluate(), and those of a batch as in mf_layer_step_batch(). */
MF_API mf_status mf_pipeline_evaluate_batch(mf_pipeline *pipeline, mf_workspace *workspace,
                                            const mf_batch *batch);

/** mf_pipeline_flush(), then mf_network_predict() on its network.
 *  @param pipeline   whose network is asked
 *  @param workspace  made for the network
 *  @param mode       MF_PREDICT_LAST or MF_PREDICT_SUM
 *  @param rows       as in mf_network_predict()
 *  @param x          as in mf_network_predict()
 *  @param labels     [rows] receives the classes
 *  Errors: as mf_pipeline_flush() and mf_network_predict(); STALE also if the pipeline is. */
MF_API mf_status mf_pipeline_predict(mf_pipeline *pipeline, mf_workspace *workspace, int32_t mode,
                                     size_t rows, const float *x, int32_t *labels);

/** mf_pipeline_flush(), then mf_network_infer() on its network.
 *  @param pipeline       whose network is asked
 *  @param workspace      made for the network
 *  @param mode           MF_PREDICT_LAST or MF_PREDICT_SUM
 *  @param batch          as in mf_network_infer()
 *  @param labels         [rows] or NULL
 *  @param goodness       [rows, m] or NULL
 *  @param probabilities  [rows, m] or NULL
 *  Errors: as mf_pipeline_flush() and mf_network_infer(); STALE also if the pipeline is. */
MF_API mf_status mf_pipeline_infer(mf_pipeline *pipeline, mf_workspace *workspace, int32_t mode,
                                   const mf_batch *batch, int32_t *labels, float *goodness,
                                   float *probabilities);

/** @} */
/* ---------------------------------------------------------------------------------------------- */
/** @defgroup files Model files and snapshots
 *
 *  A model file is a safetensors file: tensors with names such as "layers.0.weight" that other programs
 *  read as well, and the network's architecture in its metadata. docs/files.md describes it. A file is the
 *  same on every machine, and every later version loads it. With MF_CONTENTS_TRAINING it also holds what
 *  training remembers between steps; training then goes on from the file bit for bit as if it had not been
 *  interrupted, on the same machine with the same build.
 *
 *  A snapshot holds what training changes, in a buffer of the caller's, for a way back without a file
 *  system or a heap. It fits networks of the same shapes.
 *
 *  Saving reads the network, and loading a snapshot changes its layers: the rules for threads are those of
 *  all functions, and while a pipeline has unfinished batches neither is allowed.
 *  @{ */

/** What a model file holds. */
enum {
    MF_CONTENTS_MODEL = 0,   /**< The layers: options, parameters, running mean and variance. */
    MF_CONTENTS_TRAINING = 1 /**< Also their optimizers with their state, the counts of updates, and where in
                                its random stream each layer is. */
};

/** Where the bytes of a model go that is no file: a pipe, a socket, an encrypted store. */
typedef struct mf_output {
    uint32_t struct_size; /**< sizeof(mf_output). */
    uint32_t reserved;    /**< 0. */
    /** Takes all of the next `count` bytes, which are there during the call only. Runs on the caller's
     * thread; any result but 0 ends the saving. It must not change the network. */
    int32_t (*write)(void *user, const void *bytes, size_t count);
    void *user; /**< Handed to write. */
} mf_output;

/** Fills `output` with zeros and its struct_size.
 *  @param output  receives them
 *  @param size    sizeof *output as the caller was compiled
 *  Errors: ARGUMENT. */
MF_API mf_status mf_output_init(mf_output *output, size_t size);

/** How to load a network. */
typedef struct mf_load_spec {
    uint32_t struct_size; /**< sizeof(mf_load_spec). */
    int32_t contents;     /**< MF_CONTENTS_MODEL (default): no optimizer is attached, whatever the file holds.
                               MF_CONTENTS_TRAINING: the file must hold the state of training, and layers share
                               their optimizers as they did. */
    uint64_t max_bytes;   /**< Files and buffers larger than this are refused; 0 (default): no limit. */
    const mf_allocator *allocator; /**< Of the network, its layers and their optimizers, and of the memory
                                      that loading takes in passing; NULL: the C library's. */
} mf_load_spec;

/** Fills a spec with the defaults.
 *  @param spec  receives them
 *  @param size  sizeof *spec as the caller was compiled
 *  Errors: ARGUMENT. */
MF_API mf_status mf_load_spec_init(mf_load_spec *spec, size_t size);

/** Saves a network, also one without layers, to a file. The file is written beside `path` under another
 *  name, and takes its place when it is complete and on the disk; until then a file that is there stays as it
 *  is. It has the owner and permissions of the file it replaces from before its first byte; a new file follows
 *  the umask. Symbolic links are followed: the link stays, and the file that it leads to is replaced. What is
 *  not a regular file is never replaced. Nothing is allocated.
 *  @param network   to save
 *  @param contents  MF_CONTENTS_MODEL or MF_CONTENTS_TRAINING
 *  @param path      of the file; the folder must exist
 *  Errors: HANDLE, ARGUMENT, SHAPE (layers whose classes differ), NUMERIC (a value is not finite: the message
 *  names it), OVERFLOW (more layers or units, or a longer header, than the format allows), IO (the message
 *  names the path and the system's reason; after a failure nothing is left behind, and the old file is there
 *  as it was; only when the folder could not be synced, which the message says, the new one is there, but a
 *  crash may undo it). */
MF_API mf_status mf_network_save(const mf_network *network, int32_t contents, const char *path);

/** How many bytes a network takes in a file or buffer.
 *  @param network   to save
 *  @param contents  MF_CONTENTS_MODEL or MF_CONTENTS_TRAINING
 *  @param bytes     receives the size, which holds until anything is changed that a file has: layers,
 *                   parameters that are frozen, options, metadata, and with MF_CONTENTS_TRAINING settings of
 *                   optimizers and counts, which every step changes
 *  Errors: HANDLE, ARGUMENT, OVERFLOW. */
MF_API mf_status mf_network_save_size(const mf_network *network, int32_t contents, size_t *bytes);

/** Saves a network to a buffer: the same bytes as in a file.
 *  @param network   to save
 *  @param contents  MF_CONTENTS_MODEL or MF_CONTENTS_TRAINING
 *  @param buffer    [bytes], of any alignment
 *  @param bytes     its size, mf_network_save_size() or more
 *  @param written   receives the number of bytes that were written; may be NULL
 *  Errors: HANDLE, ARGUMENT, SHAPE, OVERFLOW, NUMERIC, CAPACITY (too small; nothing is written). After NUMERIC
 *  what the buffer holds is of no use. */
MF_API mf_status mf_network_save_buffer(const mf_network *network, int32_t contents, void *buffer,
                                        size_t bytes, size_t *written);

/** Saves a network to wherever the caller's function puts the bytes: the same as in a file, first to last.
 * That they arrive whole is up to the caller. Nothing is allocated.
 *  @param network   to save
 *  @param contents  MF_CONTENTS_MODEL or MF_CONTENTS_TRAINING
 *  @param output    takes the bytes
 *  Errors: HANDLE, ARGUMENT, SHAPE, OVERFLOW, NUMERIC (before the first byte), IO (the output's function did not
 * return 0: the message tells what it returned, and behind how many bytes). */
MF_API mf_status mf_network_save_to(const mf_network *network, int32_t contents, const mf_output *output);

/** Loads a network. Nothing in the file is believed: whatever is wrong with it is a status, and memory is
 *  taken only when the file is as large as its architecture demands, but for a shared matrix, for which it is taken
 *  when the file is as large as the matrix.
 *  @param spec     what is wanted; NULL for the defaults
 *  @param path     of a regular file
 *  @param network  receives the handle, or NULL on failure; layers have the ids they had. Free it with
 *                  mf_network_free(): the layers and optimizers are its own
 *  Errors: ARGUMENT, IO (the message names the path and the system's reason), FORMAT (the message says what
 *  is wrong), VERSION, STATE (the state of training is wanted, but is not there), CAPACITY (larger than
 *  max_bytes), MEMORY. */
MF_API mf_status mf_network_load(const mf_load_spec *spec, const char *path, mf_network **network);

/** Loads a network from a buffer, which is read during the call only.
 *  @param spec     what is wanted; NULL for the defaults
 *  @param buffer   [bytes] all of what a file would hold, of any alignment
 *  @param bytes    its size
 *  @param network  as in mf_network_load()
 *  Errors: as mf_network_load(), but for IO. */
MF_API mf_status mf_network_load_buffer(const mf_load_spec *spec, const void *buffer, size_t bytes,
                                        mf_network **network);

/** How many bytes a snapshot of the network takes: the same as long as its layers, their number of classes
 *  and their optimizers stay.
 *  @param network  to take a snapshot of
 *  @param bytes    receives the size
 *  Errors: HANDLE, ARGUMENT, OVERFLOW. */
MF_API mf_status mf_network_snapshot_size(const mf_network *network, size_t *bytes);

/** Takes a snapshot of what training changes: all parameters, running mean and variance, optimizer state,
 *  counts of updates and batches, and positions in the random streams. What the host sets is not in it:
 *  hyper-parameters of optimizers, dropout, label smoothing, the scaling of inputs, and which parameters are
 *  frozen. Nothing is allocated.
 *  @param network  to take a snapshot of
 *  @param buffer   [bytes], of any alignment
 *  @param bytes    its size, mf_network_snapshot_size() or more
 *  Errors: HANDLE, ARGUMENT, OVERFLOW, CAPACITY (too small), NUMERIC (a value is not finite). After NUMERIC
 *  what the buffer holds is of no use. */
MF_API mf_status mf_network_snapshot_save(const mf_network *network, void *buffer, size_t bytes);

/** Goes back to a snapshot: steps that follow have the bits they would have had then, if the host's
 *  settings are those of then. Workspaces stay valid. Nothing is allocated, and nothing changes unless the
 *  whole snapshot is good.
 *
 *  Where a layer has an optimizer and that of the snapshot had none, or the other way round, the layer takes its
 *  parameters and running mean and variance only, and keeps its own state and counts, as by
 *  mf_network_copy_parameters(). So a network that serves takes snapshots of one that learns.
 *  @param network  of the same shapes as the one the snapshot was taken of, and with inputs that are scaled by
 *                  the same numbers, if they are; optimizers, where both have one, are of the same kind, with
 *                  momentum or without as then
 *  @param buffer   [bytes] the snapshot, of any alignment
 *  @param bytes    its size or more
 *  Errors: HANDLE, ARGUMENT, FORMAT (no snapshot, or a damaged one), VERSION, SHAPE (of a network of another
 *  shape or scaling, or with the state of another kind of optimizer), OVERFLOW, BUSY as in mf_layer_step(). */
MF_API mf_status mf_network_snapshot_load(mf_network *network, const void *buffer, size_t bytes);

/** @} */
/* ---------------------------------------------------------------------------------------------- */
/** @defgroup copies Copies and averages
 *
 *  A network of one's own that is like another one, and parameters that go from one to the other: to predict
 *  from one thread while another one learns, to average over a training, to average networks. docs/threads.md
 *  has the recipe for serving beside training.
 *
 *  The network that is read and the one that changes follow the rules for threads of all functions.
 *  @{ */

/** Makes a network of its own with copies of all layers: options, parameters, what is frozen, ids, and the
 *  metadata. What one of the two learns from then on is nothing to the other.
 *  @param network    to copy
 *  @param contents   MF_CONTENTS_MODEL: no optimizer is attached, as after loading a model;
 *                    MF_CONTENTS_TRAINING: also copies of the optimizers, which layers share as the originals
 *                    do, their state, the counts and the places in the random streams, so that training goes
 *                    on bit for bit
 *  @param allocator  of the clone, its layers and their optimizers; NULL: the C library's
 *  @param clone      receives the handle, or NULL on failure. Free it with mf_network_free(): the layers and
 *                    optimizers are its own
 *  Errors: ARGUMENT, HANDLE, SHAPE (layers whose classes differ), NUMERIC (a value is not finite), OVERFLOW,
 *  MEMORY. */
MF_API mf_status mf_network_clone(const mf_network *network, int32_t contents, const mf_allocator *allocator,
                                  mf_network **clone);

/** Copies all parameters, also running mean and variance, and the numbers that scale inputs from one network to
 *  another, which must have as many of these. Optimizers and their
 *  state, counts, options and frozen parameters stay as they are; neither network needs an optimizer, and
 *  frozen parameters are copied as well. Workspaces stay valid. Nothing is allocated.
 *  @param to    receives the parameters; its layers have parameters of the same names and shapes
 *  @param from  of which they are read
 *  Errors: HANDLE, SHAPE (the message names the layer and what differs), NUMERIC (a value is not finite: a
 *  network that has diverged does not spoil another one), ARGUMENT (a layer of both is not at the same place),
 *  BUSY (layers of `to`) as in mf_layer_step(). Nothing changes unless all is well. */
MF_API mf_status mf_network_copy_parameters(mf_network *to, const mf_network *from);

/** Moves all parameters, also running mean and variance, towards those of another network. Numbers that scale
 *  inputs are copied if the share is 1, and stay as they are else.
 *
 *      to += share (from - to)
 *
 *  With share 1 - d after every step it is an exponential moving average of the training with decay d; with
 *  share 1/2 once, the average of two networks; with share 1/n for the n-th one, that of many. Everything
 *  else is as in mf_network_copy_parameters(), but with a share below 1 what changes must be finite, too.
 *  @param to     changes
 *  @param from   is read
 *  @param share  0 to 1; with 1 the bits are copied
 *  Errors: as mf_network_copy_parameters(), ARGUMENT also for a share that is out of range. */
MF_API mf_status mf_network_blend_parameters(mf_network *to, const mf_network *from, double share);

/** @} */
/* ---------------------------------------------------------------------------------------------- */
/** @defgroup blas Products and the BLAS library
 *  @{ */

/** Which products a layer that is created now uses for its weights, as long as it lives: "avx512", "avx2" or
 *  "generic", the library's own for that instruction set; or "blas", those of the BLAS library, which are
 *  the choice where the library has none for the processor. The environment variable MF_PRODUCTS, with one
 *  of these names, chooses others, for comparisons; a name that this processor cannot run is left out of
 *  account. Results of different products agree up to rounding. Convolutions with 3 x 3 kernels use
 *  Winograd's method where it is faster, unless the environment variable MF_WINOGRAD is 0. Static text. */
MF_API const char *mf_products_name(void);

/** Name of the BLAS library, which computes all matrix products if mf_products_name() is "blas", and else
 *  those of orthogonal initial values: "openblas", "blis", "mkl", "other" (such as the reference BLAS) or
 *  "builtin". Static text. */
MF_API const char *mf_blas_name(void);

/** Sets how many threads the BLAS library uses. This changes it for the whole process, so the library
 *  never does it by itself. Errors: ARGUMENT (below 1), UNSUPPORTED (the BLAS library has no threads or
 *  no known way to set them). */
MF_API mf_status mf_blas_set_threads(int32_t threads);

/** How many threads the BLAS library uses. Errors: ARGUMENT (NULL), UNSUPPORTED. */
MF_API mf_status mf_blas_get_threads(int32_t *threads);

/** @} */
/* ---------------------------------------------------------------------------------------------- */
/** @defgroup onnx ONNX export
 *
 *  Writes a network as an ONNX model (opset 13, IR version 7), from which runtimes of that format predict as
 *  the library does. The input is "input": [N, channels, height, width] if the first layer reads maps,
 *  [N, positions, k] if it reads a sequence, [N, k] otherwise, with any N. The outputs are "goodness_last",
 * "probabilities_last", "label_last" and "goodness_sum", "probabilities_sum", "label_sum": [N, m], [N, m] and
 * int64 [N] for each mode of prediction. docs/onnx.md tells the rest.
 *
 *  Exporting reads the network and allocates nothing. The same network gives the same bytes.
 *  @{ */

/** Exports a network to a file, which is written and put in its place as by mf_network_save().
 *  @param network  to export
 *  @param path     of the file; the folder must exist
 *  Errors: HANDLE, ARGUMENT, STATE (an empty network), SHAPE (layers whose classes differ), OVERFLOW (more
 *  than 2 GiB, where the format ends), NUMERIC (a value is not finite: the message names it), IO (the message
 *  names the path and the system's reason; after a failure nothing is left behind). */
MF_API mf_status mf_network_export_onnx(const mf_network *network, const char *path);

/** How many bytes a network takes as an ONNX model.
 *  @param network  to export
 *  @param bytes    receives the size, which holds until layers come, go or change their number of classes, and
 *                  until metadata or the scaling of inputs are set
 *  Errors: HANDLE, ARGUMENT, and STATE, SHAPE, OVERFLOW as in mf_network_export_onnx(). */
MF_API mf_status mf_network_export_onnx_size(const mf_network *network, size_t *bytes);

/** Exports a network to a buffer: the same bytes as in a file.
 *  @param network  to export
 *  @param buffer   [bytes], of any alignment
 *  @param bytes    its size, mf_network_export_onnx_size() or more
 *  @param written  receives the number of bytes that were written; may be NULL
 *  Errors: HANDLE, ARGUMENT, STATE, SHAPE, OVERFLOW, NUMERIC as in mf_network_export_onnx(), and CAPACITY
 *  (too small). After an error nothing has been written. */
MF_API mf_status mf_network_export_onnx_buffer(const mf_network *network, void *buffer, size_t bytes,
                                               size_t *written);

/** Exports a network to wherever the caller's function puts the bytes: the same as in a file, first to last.
 *  @param network  to export
 *  @param output   takes the bytes
 *  Errors: HANDLE, ARGUMENT, and STATE, SHAPE, OVERFLOW, NUMERIC as in mf_network_export_onnx(), before the
 * first byte; IO as in mf_network_save_to(). */
MF_API mf_status mf_network_export_onnx_to(const mf_network *network, const mf_output *output);

/** @} */
/* ---------------------------------------------------------------------------------------------- */
/** @defgroup onnx_import ONNX import
 *
 *  Makes a network of an ONNX model (opset 7 to 21), as PyTorch or this library writes it, that
 *  predicts as the model does and can be trained on: multi-layer perceptrons, convolutional and residual
 *  networks, transformer blocks. docs/onnx.md lists the operators. Nothing in the file is believed, and no
 *  other file is read.
 *
 *  The nodes of the model become units, and the units layers: one, or several that end where `cuts` says.
 *  Each layer has a head of its own, as every layer. mf_onnx_plan() tells what would become of a model, with
 *  the names that cuts may have.
 *  @{ */

/** Which model to import, and what to make of it. */
typedef struct mf_onnx_spec {
    uint32_t struct_size; /**< sizeof(mf_onnx_spec). */
    int32_t features;     /**< 1: the classifier, which is the last dense unit and all behind it, is left
                             out; 0 (default): all is taken. */
    const char *path;     /**< Of a regular file; NULL (default): the model is in `buffer`. */
    const void *buffer;   /**< [bytes] the model, of any alignment; read during the call only. */
    size_t bytes;         /**< Size of the buffer. */
    const char *const
        *cuts;        /**< [cut_count] names of nodes, or of values: behind each of them a layer ends,
                         and gradients stop. Default: none. A model of this library is cut as it was. */
    size_t cut_count; /**< Number of cuts. */
    const char *last; /**< Name of the last node, or value, that is taken; NULL (default): all are. Units are
                         taken whole: of a product the bias behind it, too, and of a part or a multiple of a
                         unit's output the output. */
    size_t frozen;    /**< The first so many layers are frozen, but for their heads and the units that these
                         have of their own: SIZE_MAX for all; default 0. */
    size_t classes;   /**< Of the heads, which are drawn then, and read the positions of a sequence as one row:
                         MF_HEAD_LINEAR. 0 (default): those of the model. The last head
                         hands on its output as the goodness (M is the identity), for each position if that is a
                         sequence, or, of a model of this library, all heads are those that were exported, and
                         drawn for its classes behind a unit that ended no exported layer. */
    size_t pool_size; /**< Of the heads of layers whose output is maps, as in mf_head_spec; default 1. */
    uint64_t seed;    /**< Equal seeds draw equal heads; default MF_SEED_AUTO. */
    uint64_t max_bytes;            /**< Larger models are refused; 0 (default): those above 2 GiB. */
    const mf_allocator *allocator; /**< Of the network, its layers, and of the memory that the import takes in
                                      passing; NULL: the C library's. */
} mf_onnx_spec;

/** Fills a spec with the defaults.
 *  @param spec  receives them
 *  @param size  sizeof *spec as the caller was compiled
 *  Errors: ARGUMENT. */
MF_API mf_status mf_onnx_spec_init(mf_onnx_spec *spec, size_t size);

/** Writes what would become of a model into `text`, as lines for people: its layers with their units, shapes
 *  and the names of nodes, where gradients stop, and behind which units they may stop. No network is made.
 * What it says may change from version to version.
 *  @param spec    which model, and what to make of it
 *  @param text    [size] receives the lines, cut if there is too little room, and always a final 0; may be
 *                 NULL if size is 0
 *  @param size    of `text`
 *  @param needed  receives the size that suffices, with the final 0; may be NULL
 *  Errors: as mf_network_import_onnx(), but for values of parameters and of metadata, which are not read, and
 *  for a network's memory; CAPACITY also for too little room: what fits is there. */
MF_API mf_status mf_onnx_plan(const mf_onnx_spec *spec, char *text, size_t size, size_t *needed);

/** Imports a model. The model's metadata become those of the network, but for the library's own names and
 *  entries beyond the limits of mf_network_metadata_set(), which are left out.
 *  @param spec     which model, and what to make of it
 *  @param network  receives the handle, or NULL on failure. Free it with mf_network_free(): the layers are
 *                  its own
 *  Errors: ARGUMENT (also a name that the model does not have, and a cut behind which values from before it
 *  are read), IO (the message names the path and the system's reason), FORMAT (the message says what is
 *  damaged), UNSUPPORTED (the message names the node, its operator, and what is not known of it), SHAPE (a
 *  head that does not fit its layer, layers that do not fit each other, or a scaling that does not fit the
 *  first), CAPACITY (larger than max_bytes, or heads and other parameters that are not in the file of more
 *  than 64 MiB, as they lie in memory), OVERFLOW, MEMORY. */
MF_API mf_status mf_network_import_onnx(const mf_onnx_spec *spec, mf_network **network);

/** @} */

#ifdef __cplusplus
}
#endif

#endif /* MONOFORWARD_H */
