/*
 * monoforward.hpp: monoforward.h for C++17. Handles that free themselves, specs that begin with the
 * defaults, failures as exceptions, arrays whose sizes are looked at.
 *
 *     namespace mf = monoforward;
 *
 *     mf::network network;
 *     network.append(mf::layer_spec::dense(784, 1000, 10));
 *     network.append(mf::layer_spec::dense(1000, 1000, 10));
 *     network.set_optimizer(mf::optimizer());       // Adam with the defaults
 *     mf::workspace workspace(network, 128);
 *     network.step(workspace, x, y);                  // std::vector<float>, std::vector<int32_t>, ...
 *     std::vector<int32_t> labels = network.predict(workspace, x);
 *
 * Everything here is inline and calls monoforward.h, which says what each call does: `network.step(...)` is
 * mf_network_step(), and so on by name. The constants are those of C. There is nothing to link but the
 * library, and nothing of the C++ types is part of its ABI: hand C handles over the borders of shared
 * libraries.
 *
 * - Errors. Whatever fails throws monoforward::error, with the status and the message; what is part of a normal
 *   day (a full queue, no report yet) is a return value instead. A constructor that throws leaves nothing behind.
 *   There is no second set of calls that return results: the statuses of monoforward.h are that, and
 *   handle.get() leads there at any point of a program.
 * - Handles. layer, matrix, network, optimizer, workspace, pool, builder and pipeline own; they move, and do not
 *   copy. layer_ref, matrix_ref, network_ref, optimizer_ref, workspace_ref and pool_ref borrow, as a reference
 *   does: they copy, cannot be made to refer to something else, and free nothing. Owners are derived from them,
 *   so functions that take a _ref take both. As with a pointer, a copy of a constant _ref is not constant.
 * - Data. Arrays come as views: anything with data() and size(), an array, or pointer and size. The number of
 *   rows follows from the labels, where there are any, else from the size of x. Sizes that do not fit throw an
 *   error with MF_STATUS_SHAPE before anything has happened.
 * - Memory. As in C: what creates or returns a container allocates; training and prediction into arrays of the
 *   caller's do not.
 * - Threads. As in C; constant member functions read the handle.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef MONOFORWARD_HPP
#define MONOFORWARD_HPP

#include "monoforward.h"

#if (defined(_MSVC_LANG) ? _MSVC_LANG : __cplusplus) < 201703L
#error "monoforward.hpp needs C++17; monoforward.h does not"
#endif
#if !defined(__cpp_exceptions) && !defined(_CPPUNWIND)
#error "monoforward.hpp reports errors by exceptions, which are off; monoforward.h returns statuses"
#endif

#include <cstddef>
#include <cstdint>
#include <exception>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace monoforward
{
/* Programs whose parts were compiled with different versions of this file keep them apart by this name. It
 * changes when a class changes what it holds. */
inline namespace v0
{

/* ---- errors and version ---- */

/** The only exception of this file (but for std::bad_alloc of containers). what() is the message. */
class error : public std::runtime_error
{
  public:
    error(mf_status status, const std::string &message) : std::runtime_error(message), status_(status) {}

    /** MF_STATUS_SHAPE, ... */
    mf_status status() const noexcept { return status_; }

    /** "MF_STATUS_SHAPE", ... */
    const char *name() const noexcept { return mf_status_name(status_); }

  private:
    mf_status status_;
};

/** Throws unless the status is MF_STATUS_OK: for calls of monoforward.h by hand, right behind them. */
inline void check(mf_status status)
{
    if (status != MF_STATUS_OK)
        throw error(status, mf_last_message());
}

/** Version of the library that runs. */
inline const char *version() noexcept { return mf_version(); }

/* ---- views of arrays ---- */

/** An array of the caller's: a pointer and a size. An empty one is null, wherever it points: the library would
 *  write through a pointer, as of a vector that was cleared. */
template <class T> class view
{
  public:
    constexpr view() noexcept = default;

    constexpr view(T *data, std::size_t size) noexcept : data_(size == 0 ? nullptr : data), size_(size) {}

    /** Of a container, array or span whose elements are T but for const. */
    template <class Container,
              class Element = std::remove_pointer_t<
                  decltype(std::data(std::declval<std::remove_reference_t<Container> &>()))>,
              class = std::enable_if_t<std::is_convertible_v<Element (*)[], T (*)[]>>>
    constexpr view(Container &&container) : view(std::data(container), std::size(container))
    {
    }

    constexpr T *data() const noexcept { return data_; }

    constexpr std::size_t size() const noexcept { return size_; }

    constexpr bool empty() const noexcept { return size_ == 0; }

    constexpr T *begin() const noexcept { return data_; }

    constexpr T *end() const noexcept { return data_ + size_; }

  private:
    T *data_ = nullptr;
    std::size_t size_ = 0;
};

/** Memory of the caller's, whatever its bytes are called: std::byte, char, uint8_t. Void is void or const
 *  void: bytes and const_bytes. */
template <class Void> class memory_view
{
  public:
    constexpr memory_view(Void *data, std::size_t size) noexcept : data_(data), size_(size) {}

    template <class Container,
              class Pointer = decltype(std::data(std::declval<std::remove_reference_t<Container> &>())),
              class = std::enable_if_t<std::is_convertible_v<Pointer, Void *>>>
    constexpr memory_view(Container &&container) : data_(std::data(container)), size_(std::size(container))
    {
        using element = std::remove_pointer_t<Pointer>;
        static_assert(std::is_void_v<element> ||
                          sizeof(std::conditional_t<std::is_void_v<element>, char, element>) == 1,
                      "elements of one byte");
    }

    constexpr Void *data() const noexcept { return data_; }

    constexpr std::size_t size() const noexcept { return size_; }

  private:
    Void *data_;
    std::size_t size_;
};

using bytes = memory_view<void>;
using const_bytes = memory_view<const void>;

namespace detail
{

/* A struct that a call fills in. */
inline mf_status init(mf_layer_spec *spec) { return mf_layer_spec_init(spec, sizeof *spec); }
inline mf_status init(mf_unit_spec *spec) { return mf_unit_spec_init(spec, sizeof *spec); }
inline mf_status init(mf_head_spec *spec) { return mf_head_spec_init(spec, sizeof *spec); }
inline mf_status init(mf_shape *shape) { return mf_shape_init(shape, sizeof *shape); }
inline mf_status init(mf_parameter_info *info) { return mf_parameter_info_init(info, sizeof *info); }
inline mf_status init(mf_report *report) { return mf_report_init(report, sizeof *report); }
inline mf_status init(mf_memory *memory) { return mf_memory_init(memory, sizeof *memory); }
inline mf_status init(mf_pipeline_report *report) { return mf_pipeline_report_init(report, sizeof *report); }
inline mf_status init(mf_pipeline_progress_info *progress)
{
    return mf_pipeline_progress_info_init(progress, sizeof *progress);
}

template <class Result> Result result()
{
    Result empty;
    check(init(&empty));
    return empty;
}

[[noreturn]] inline void misfit(const char *what, std::size_t size, const std::string &need)
{
    throw error(MF_STATUS_SHAPE, std::string(what) + ": " + std::to_string(size) + " values are " + need);
}

/* The text for the library, which would end it at its first 0. */
inline const char *whole(const std::string &text)
{
    if (text.find('\0') != std::string::npos)
        throw error(MF_STATUS_ARGUMENT, "a text has the character 0");
    return text.c_str();
}

inline std::string rows_in_words(std::size_t rows, std::size_t width)
{
    return std::to_string(rows) + " rows of " + std::to_string(width);
}

/* Throws unless `size` is rows x width. A width of 0 is not known: the library will say what is wrong. */
inline void require(const char *what, std::size_t size, std::size_t rows, std::size_t width,
                    const char *why = "")
{
    if (width != 0 && (size % width != 0 || size / width != rows))
        misfit(what, size, "not " + rows_in_words(rows, width) + why);
}

/* How many rows there are in x, or in whatever it is. */
inline std::size_t rows_of(view<const float> x, std::size_t width, const char *what = "x")
{
    if (width == 0)
        return 0;
    if (x.size() % width != 0)
        misfit(what, x.size(), "not whole rows of " + std::to_string(width));
    return x.size() / width;
}

/* Values in a row of a layer's input or activation; 0 if there is no such layer. */
inline std::size_t values(const mf_shape &shape)
{
    return shape.dims[0] * shape.dims[1] * shape.dims[2] * shape.dims[3];
}

inline std::size_t inputs(const mf_layer *layer)
{
    auto shape = result<mf_shape>();
    return mf_layer_shape(layer, &shape, nullptr) == MF_STATUS_OK ? values(shape) : 0;
}

inline std::size_t outputs(const mf_layer *layer)
{
    auto shape = result<mf_shape>();
    return mf_layer_shape(layer, nullptr, &shape) == MF_STATUS_OK ? values(shape) : 0;
}

/* Scores of a row, and its labels: one, or one for each position. */
inline std::size_t scores(const mf_layer *layer)
{
    auto shape = result<mf_shape>();
    return mf_layer_goodness_shape(layer, &shape) == MF_STATUS_OK ? values(shape) : 0;
}

inline std::size_t labels(const mf_layer *layer)
{
    auto shape = result<mf_shape>();
    return mf_layer_goodness_shape(layer, &shape) == MF_STATUS_OK && shape.rank == 2 ? shape.dims[0] : 1;
}

/* Of a network the first layer counts. */
inline const mf_layer *first(const mf_network *network)
{
    mf_layer *layer = nullptr;
    return mf_network_layer(network, 0, &layer, nullptr) == MF_STATUS_OK ? layer : nullptr;
}

inline std::size_t inputs(const mf_network *network) { return inputs(first(network)); }

inline std::size_t scores(const mf_network *network) { return scores(first(network)); }

inline std::size_t labels(const mf_network *network) { return labels(first(network)); }

/* The rows of x for `count` labels, of which each row has as many. */
inline std::size_t labelled_rows(view<const float> x, std::size_t count, std::size_t inputs,
                                 std::size_t labels)
{
    if (count % labels != 0)
        misfit("the labels", count, "not whole rows of " + std::to_string(labels));
    require("x", x.size(), count / labels, inputs, ", as many as the labels are for");
    return count / labels;
}

/* A borrowed handle. It copies, but cannot be assigned: through an owner's base that would take the handle
 * from under it. */
template <class Handle, void (*Free)(Handle *)> class borrowed
{
  public:
    using handle_type = Handle;

    borrowed() noexcept = default;

    explicit borrowed(Handle *handle) noexcept : handle_(handle) {}

    borrowed(const borrowed &) noexcept = default;
    borrowed &operator=(const borrowed &) = delete;

    /** For the functions of monoforward.h; whoever owned the handle still does. */
    Handle *get() const noexcept { return handle_; }

    /** Is there a handle? Not in a _ref of nothing, and not in what was moved from. */
    explicit operator bool() const noexcept { return handle_ != nullptr; }

  protected:
    static void destroy(Handle *handle) noexcept { Free(handle); }

    Handle *handle_ = nullptr;
};

/* What owns the handle of a Ref. */
template <class Ref> class owned : public Ref
{
  public:
    using handle_type = typename Ref::handle_type;

    owned() noexcept = default;

    /** Takes over a handle that a _create of monoforward.h or release() gave. */
    explicit owned(handle_type *handle) noexcept : Ref(handle) {}

    owned(owned &&other) noexcept : Ref(other.release()) {}

    owned &operator=(owned &&other) noexcept
    {
        reset(other.release());
        return *this;
    }

    ~owned() { Ref::destroy(this->handle_); }

    /** Gives the handle away, to be freed by the caller. */
    [[nodiscard]] handle_type *release() noexcept { return std::exchange(this->handle_, nullptr); }

    /** Frees the handle and takes over another one. */
    void reset(handle_type *handle = nullptr) noexcept { Ref::destroy(std::exchange(this->handle_, handle)); }
};

/* The handle, for calls to which NULL is no mistake: it would mean no optimizer, no pool, no matrix. */
template <class Ref> typename Ref::handle_type *held(const char *what, const Ref &ref)
{
    if (!ref)
        throw error(MF_STATUS_HANDLE,
                    std::string("the ") + what + " is empty: it was moved from, or there never was one");
    return ref.get();
}

} // namespace detail

/* ---- memory ---- */

/** An allocator inside a buffer of the caller's, for spec.allocator: mf_arena_init(). */
struct arena : mf_allocator {
    explicit arena(bytes buffer) : mf_allocator()
    {
        check(mf_arena_init(buffer.data(), buffer.size(), this));
    }
};

/* ---- optimizers ---- */

/** What an optimizer is made from, with the defaults. */
struct optimizer_spec : mf_optimizer_spec {
    optimizer_spec() : mf_optimizer_spec() { check(mf_optimizer_spec_init(this, sizeof(mf_optimizer_spec))); }
};

/** An optimizer that someone else owns. */
class optimizer_ref : public detail::borrowed<mf_optimizer, mf_optimizer_free>
{
  public:
    using borrowed::borrowed;

    /** The key is MF_OPTIMIZER_LEARNING_RATE, ... */
    void set(std::int32_t key, double value) { check(mf_optimizer_set(handle_, key, value)); }

    double get(std::int32_t key) const
    {
        double value = 0;
        check(mf_optimizer_get(handle_, key, &value));
        return value;
    }

    using borrowed::get;

    /** The lowest and the highest value that a key takes. */
    static std::pair<double, double> range(std::int32_t key)
    {
        std::pair<double, double> ends;
        check(mf_optimizer_range(key, &ends.first, &ends.second));
        return ends;
    }
};

/** An optimizer. Layers that it is attached to keep it alive. */
class optimizer : public detail::owned<optimizer_ref>
{
  public:
    using owned::owned;

    /** Adam with the defaults. */
    optimizer() : optimizer(optimizer_spec()) {}

    explicit optimizer(const mf_optimizer_spec &spec) { check(mf_optimizer_create(&spec, &handle_)); }
};

/** Factors for a learning rate. */
namespace schedule
{
inline double cosine(std::uint64_t step, std::uint64_t total, double floor = 0) noexcept
{
    return mf_schedule_cosine(step, total, floor);
}

inline double step(std::uint64_t step, std::uint64_t interval, double factor) noexcept
{
    return mf_schedule_step(step, interval, factor);
}

inline double warmup(std::uint64_t step, std::uint64_t steps) noexcept
{
    return mf_schedule_warmup(step, steps);
}
} // namespace schedule

/* ---- batches ---- */

/** A batch with everything that can be said about it. What the constructors were given must fit: that is
 *  looked at when the batch is used, as far as the fields still point there. */
class batch : public mf_batch
{
  public:
    batch() : mf_batch() { check(mf_batch_init(this, sizeof(mf_batch))); }

    /** With labels, one for each row. `stride`: values from one row to the next; 0: the rows are dense. */
    batch(view<const float> x, view<const std::int32_t> y, view<const float> weights = {},
          std::size_t stride = 0)
        : batch(x, y.size(), stride)
    {
        set_labels(y);
        set_weights(weights);
    }

    /** Without labels, for prediction. How many rows there are has to be said, since a batch knows no network
     *  whose inputs would tell; infer() and top() take x by itself, too, and find out. */
    batch(view<const float> x, std::size_t count, std::size_t stride = 0)
        : batch(MF_TYPE_FLOAT32, x.data(), x.size(), count)
    {
        input_stride = stride;
    }

    /** Inputs as bytes, such as pixels: (byte + shift) * scale, with a scale of 0 (byte + shift) / 255, and
     *  labels of `positions` positions of each row, or one label. Needs a workspace with
     *  MF_WORKSPACE_CONVERT, or a pipeline. Weights and a stride can be set behind. */
    static batch bytes(view<const std::uint8_t> x, view<const std::int32_t> y, float scale = 0,
                       float shift = 0, std::size_t positions = 1)
    {
        batch made = bytes(x, rows_of(y, positions), scale, shift);
        made.set_labels(y);
        return made;
    }

    /** The same without labels. */
    static batch bytes(view<const std::uint8_t> x, std::size_t count, float scale = 0, float shift = 0)
    {
        batch made(MF_TYPE_UINT8, x.data(), x.size(), count);
        made.input_scale = scale;
        made.input_shift = shift;
        return made;
    }

    /** Inputs as bf16: the upper halves of floats, with labels as above. Needs the same workspace. */
    static batch bf16(view<const std::uint16_t> x, view<const std::int32_t> y, std::size_t positions = 1)
    {
        batch made = bf16(x, rows_of(y, positions));
        made.set_labels(y);
        return made;
    }

    /** The same without labels. */
    static batch bf16(view<const std::uint16_t> x, std::size_t count)
    {
        return batch(MF_TYPE_BF16, x.data(), x.size(), count);
    }

    /** Inputs as int32, such as tokens, with labels as above. Needs the same workspace. */
    static batch integers(view<const std::int32_t> x, view<const std::int32_t> y, std::size_t positions = 1)
    {
        batch made = integers(x, rows_of(y, positions));
        made.set_labels(y);
        return made;
    }

    /** The same without labels. */
    static batch integers(view<const std::int32_t> x, std::size_t count)
    {
        return batch(MF_TYPE_INT32, x.data(), x.size(), count);
    }

    /** With labels of `positions` positions of each row. */
    static batch of_positions(view<const float> x, view<const std::int32_t> y, std::size_t positions,
                              view<const float> weights = {}, std::size_t stride = 0)
    {
        batch made(x, rows_of(y, positions), stride);
        made.set_labels(y);
        made.set_weights(weights);
        return made;
    }

    /** Throws unless there are as many values as rows of `width` need, and as many labels. */
    void require_sizes(std::size_t width, std::size_t labels) const
    {
        if (targets != nullptr && targets == y_.data())
            detail::require("the labels", y_.size(), rows, labels);
        if (inputs != x_ || width == 0 || rows == 0)
            return;
        if (input_stride == 0)
            detail::require("x", size_, rows, width);
        else if (size_ < width || (size_ - width) / input_stride < rows - 1)
            detail::misfit("x", size_,
                           "too few for " + detail::rows_in_words(rows, width) + " with a stride of " +
                               std::to_string(input_stride));
    }

  private:
    batch(std::int32_t type, const void *x, std::size_t size, std::size_t count) : batch()
    {
        input_type = type;
        rows = count;
        inputs = x_ = x;
        size_ = size;
    }

    /* How many rows labels are for; what is left over does not fit when the batch is used. */
    static std::size_t rows_of(view<const std::int32_t> y, std::size_t positions) noexcept
    {
        return positions == 0 ? 0 : y.size() / positions;
    }

    void set_labels(view<const std::int32_t> y) noexcept
    {
        targets = y.data();
        y_ = y;
    }

    void set_weights(view<const float> weights)
    {
        sample_weights = weights.data();
        if (sample_weights != nullptr)
            detail::require("sample weights", weights.size(), rows, 1);
    }

    const void *x_ = nullptr;
    std::size_t size_ = 0; /* values there */
    view<const std::int32_t> y_;
};

/** Where infer() puts its answers; what is left empty is left out. */
struct answers {
    view<std::int32_t> labels = {}; /**< [rows], or [rows, T] for goodness at positions */
    view<float> goodness = {};      /**< [rows, m], or [rows, T, m] */
    view<float> probabilities = {}; /**< [rows, m], or [rows, T, m] */
};

/** Where top() puts the best classes of every row. Their scores have to have a place, since they are what the
 *  next class is compared with; only the probabilities may be left empty. */
struct top_answers {
    view<std::int32_t> labels;      /**< [rows, count], or [rows, T, count] for goodness at positions */
    view<float> goodness;           /**< as labels */
    view<float> probabilities = {}; /**< as labels, or empty */
};

/** What infer() and top() return: arrays with the shapes of `answers`, or of `top_answers`. */
struct owned_answers {
    std::vector<std::int32_t> labels;
    std::vector<float> goodness;
    std::vector<float> probabilities;
};

namespace detail
{
inline void require_answers(const answers &out, std::size_t rows, std::size_t scores, std::size_t labels)
{
    if (!out.labels.empty())
        require("labels", out.labels.size(), rows, labels);
    if (!out.goodness.empty())
        require("goodness", out.goodness.size(), rows, scores);
    if (!out.probabilities.empty())
        require("probabilities", out.probabilities.size(), rows, scores);
}

inline void require_answers(const top_answers &out, std::size_t rows, std::size_t each)
{
    require("labels", out.labels.size(), rows, each);
    require("goodness", out.goodness.size(), rows, each);
    if (!out.probabilities.empty())
        require("probabilities", out.probabilities.size(), rows, each);
}

/* How many values an array has that is returned. A batch without rows, or a network without layers, needs
 * none; it gets one, so that the library says what is wrong and not that an array is missing. */
inline std::size_t returned(std::size_t rows, std::size_t width)
{
    if (width != 0 && rows > static_cast<std::size_t>(PTRDIFF_MAX) / sizeof(float) / width)
        throw error(MF_STATUS_OVERFLOW, rows_in_words(rows, width) + " do not fit into memory");
    return rows * width == 0 ? 1 : rows * width;
}

/* Of so many labels and scores a row. */
inline owned_answers make_answers(std::size_t rows, std::size_t labels, std::size_t scores)
{
    const std::size_t more = returned(rows, scores), fewer = returned(rows, labels);
    return {std::vector<std::int32_t>(fewer), std::vector<float>(more), std::vector<float>(more)};
}
} // namespace detail

/* ---- pools ---- */

/** What a pool is made from, with the defaults. */
struct pool_spec : mf_pool_spec {
    pool_spec() : mf_pool_spec() { check(mf_pool_spec_init(this, sizeof(mf_pool_spec))); }
};

/** A pool that someone else owns. */
class pool_ref : public detail::borrowed<mf_pool, mf_pool_free>
{
  public:
    using borrowed::borrowed;

    /** How many threads work on a call: the caller's, and those that have started. */
    std::uint32_t threads() const
    {
        std::uint32_t threads = 0;
        check(mf_pool_threads(handle_, &threads));
        return threads;
    }
};

/** Threads that share the work of calls. Workspaces and pipelines that use it keep it alive. */
class pool : public detail::owned<pool_ref>
{
  public:
    using owned::owned;

    /** As many threads as there are processors. */
    pool() : pool(pool_spec()) {}

    explicit pool(std::uint32_t threads)
    {
        pool_spec spec;
        spec.threads = threads;
        check(mf_pool_create(&spec, &handle_));
    }

    explicit pool(const mf_pool_spec &spec) { check(mf_pool_create(&spec, &handle_)); }
};

/* ---- workspaces ---- */

class layer_ref;
class network_ref;

/** What a workspace is made from, with the defaults. */
struct workspace_spec : mf_workspace_spec {
    workspace_spec() : mf_workspace_spec() { check(mf_workspace_spec_init(this, sizeof(mf_workspace_spec))); }
};

/** A workspace that someone else owns. */
class workspace_ref : public detail::borrowed<mf_workspace, mf_workspace_free>
{
  public:
    using borrowed::borrowed;

    /** What the layer at `position` did in the last call; 0 in a workspace for a single layer. */
    mf_report report(std::size_t position = 0) const
    {
        auto report = detail::result<mf_report>();
        check(mf_workspace_report(handle_, position, &report));
        return report;
    }

    /** What the sum of all layers did in the last evaluation. */
    mf_report report_sum() const
    {
        auto report = detail::result<mf_report>();
        check(mf_workspace_report_sum(handle_, &report));
        return report;
    }
};

/** The scratch memory and the reports of training and prediction. */
class workspace : public detail::owned<workspace_ref>
{
  public:
    using owned::owned;
    workspace() noexcept = default;

    explicit workspace(const mf_workspace_spec &spec) { check(mf_workspace_create(&spec, &handle_)); }

    /** For a network; `purpose` is MF_WORKSPACE_TRAINING or MF_WORKSPACE_INFERENCE, either of them +
     *  MF_WORKSPACE_CONVERT. */
    workspace(const network_ref &network, std::size_t max_batch,
              std::int32_t purpose = MF_WORKSPACE_TRAINING);

    /** For a single layer. */
    workspace(const layer_ref &layer, std::size_t max_batch, std::int32_t purpose = MF_WORKSPACE_TRAINING);

    /** For a network, with threads that share the work of calls. */
    workspace(const network_ref &network, std::size_t max_batch, const pool_ref &pool,
              std::int32_t purpose = MF_WORKSPACE_TRAINING);
};

/* ---- layers ---- */

/** What a layer is made from, with the defaults. */
struct layer_spec : mf_layer_spec {
    layer_spec() : mf_layer_spec() { check(mf_layer_spec_init(this, sizeof(mf_layer_spec))); }

    static layer_spec dense(std::size_t inputs, std::size_t outputs, std::size_t classes)
    {
        layer_spec spec;
        spec.inputs = inputs;
        spec.outputs = outputs;
        spec.classes = classes;
        return spec;
    }

    static layer_spec conv2d(std::size_t channels, std::size_t height, std::size_t width, std::size_t filters,
                             std::size_t classes)
    {
        layer_spec spec;
        spec.kind = MF_LAYER_CONV2D;
        spec.channels = channels;
        spec.height = height;
        spec.width = width;
        spec.filters = filters;
        spec.classes = classes;
        return spec;
    }

    /** Makes the input what a layer of `before` passes on. */
    void follow(const mf_layer_spec &before) { check(mf_layer_spec_follow(this, &before)); }
};

/** What a unit is made from, with the defaults; and functions that make one of each kind. Two of them have
 * the names of fields, which are mf_unit_spec::activation and mf_unit_spec::dropout. */
struct unit_spec : mf_unit_spec {
    unit_spec() : mf_unit_spec() { check(mf_unit_spec_init(this, sizeof(mf_unit_spec))); }

    static unit_spec dense(std::size_t outputs, bool bias = true)
    {
        unit_spec spec = of_kind(MF_UNIT_DENSE);
        spec.outputs = outputs;
        spec.bias = bias ? 1 : 0;
        return spec;
    }

    /** An auxiliary head: scores of the classes, whose loss joins that of the layer with this weight. */
    static unit_spec auxiliary(std::size_t classes, float weight = 1.0f)
    {
        unit_spec spec = dense(classes);
        spec.loss_weight = weight;
        return spec;
    }

    /** Square. Without a padding it is kernel / 2: an odd kernel then keeps the size of the maps. */
    static unit_spec conv2d(std::size_t filters, std::size_t kernel = 3)
    {
        return conv2d(filters, kernel, kernel / 2);
    }

    /** With `groups`, group i of the filters reads group i of the maps alone. */
    static unit_spec conv2d(std::size_t filters, std::size_t kernel, std::size_t padding,
                            std::size_t stride = 1, std::size_t groups = 0)
    {
        unit_spec spec = of_kind(MF_UNIT_CONV2D);
        spec.outputs = filters;
        spec.kernel[0] = spec.kernel[1] = kernel;
        spec.padding[0] = spec.padding[1] = padding;
        spec.stride[0] = spec.stride[1] = stride;
        spec.mf_unit_spec::groups = groups;
        return spec;
    }

    static unit_spec batch_norm() { return of_kind(MF_UNIT_BATCH_NORM); }

    /** The kind is MF_ACTIVATION_RELU, ... */
    static unit_spec activation(std::int32_t kind)
    {
        unit_spec spec = of_kind(MF_UNIT_ACTIVATION);
        spec.mf_unit_spec::activation = kind;
        return spec;
    }

    static unit_spec relu() { return activation(MF_ACTIVATION_RELU); }

    static unit_spec leaky_relu(float leak = 0.01f)
    {
        unit_spec spec = activation(MF_ACTIVATION_LEAKY_RELU);
        spec.leak = leak;
        return spec;
    }

    static unit_spec tanh() { return activation(MF_ACTIVATION_TANH); }

    static unit_spec gelu() { return activation(MF_ACTIVATION_GELU); }

    static unit_spec silu() { return activation(MF_ACTIVATION_SILU); }

    /** Square windows; a stride of 0 is their size. */
    static unit_spec max_pool(std::size_t size = 2, std::size_t stride = 0, std::size_t padding = 0)
    {
        return pool_of(MF_POOL_MAX, size, stride, padding);
    }

    /** Padding counts as zeros. */
    static unit_spec average_pool(std::size_t size = 2, std::size_t stride = 0, std::size_t padding = 0)
    {
        return pool_of(MF_POOL_AVERAGE, size, stride, padding);
    }

    /** Of single values, or of whole maps. */
    static unit_spec dropout(float rate, bool maps = false)
    {
        unit_spec spec = of_kind(MF_UNIT_DROPOUT);
        spec.mf_unit_spec::dropout = rate;
        spec.dropout_maps = maps ? 1 : 0;
        return spec;
    }

    /** Layer normalisation: of the values of a row, or of each position of a sequence. */
    static unit_spec layer_norm() { return of_kind(MF_UNIT_LAYER_NORM); }

    /** The mean of each map, or of the positions of a sequence. */
    static unit_spec global_pool() { return of_kind(MF_UNIT_GLOBAL_POOL); }

    /** A sequence [T, d] turned into [d, T], so that what follows works along the positions. */
    static unit_spec transpose() { return of_kind(MF_UNIT_TRANSPOSE); }

    /** Maps [d, height, width] as a sequence [height width, d]. */
    static unit_spec tokens() { return of_kind(MF_UNIT_TOKENS); }

    /** A sequence or maps as a row of all their values, which takes no time. */
    static unit_spec flatten() { return of_kind(MF_UNIT_FLATTEN); }

    /** Adds learned positions to a sequence. */
    static unit_spec positions() { return of_kind(MF_UNIT_POSITIONS); }

    /** `outputs` learned values for each token: of a row of T tokens, the layer's input, the sequence [T,
     * outputs]. */
    static unit_spec embedding(std::size_t vocabulary, std::size_t outputs)
    {
        unit_spec spec = of_kind(MF_UNIT_EMBEDDING);
        spec.inputs[0] = 0;
        spec.mf_unit_spec::vocabulary = vocabulary;
        spec.mf_unit_spec::outputs = outputs;
        return spec;
    }

    /** Of [T, 3 d], queries, keys and values behind each other, it makes [T, d]. */
    static unit_spec attention(std::size_t heads, bool causal = false)
    {
        unit_spec spec = of_kind(MF_UNIT_ATTENTION);
        spec.heads = heads;
        spec.causal = causal ? 1 : 0;
        return spec;
    }

    /** The sum of a node and the one before, or of two nodes. */
    static unit_spec add(std::int32_t with, std::int32_t node = MF_NODE_PREVIOUS)
    {
        unit_spec spec = of_kind(MF_UNIT_ADD);
        spec.inputs[0] = node;
        spec.inputs[1] = with;
        return spec;
    }

    /** The values of a node behind those of the one before, or of two nodes. */
    static unit_spec concat(std::int32_t with, std::int32_t node = MF_NODE_PREVIOUS)
    {
        unit_spec spec = add(with, node);
        spec.kind = MF_UNIT_CONCAT;
        return spec;
    }

  private:
    static unit_spec of_kind(std::int32_t kind)
    {
        unit_spec spec;
        spec.kind = kind;
        return spec;
    }

    static unit_spec pool_of(std::int32_t kind, std::size_t size, std::size_t stride, std::size_t padding)
    {
        unit_spec spec = of_kind(MF_UNIT_POOL);
        spec.pool = kind;
        spec.kernel[0] = spec.kernel[1] = size;
        spec.stride[0] = spec.stride[1] = stride;
        spec.padding[0] = spec.padding[1] = padding;
        return spec;
    }
};

/** What a ready-made block is made from, with the defaults. */
struct block_spec : mf_block_spec {
    block_spec() : mf_block_spec() { check(mf_block_spec_init(this, sizeof(mf_block_spec))); }

    /** `outputs` 0: as many maps as the input has. */
    static block_spec residual(std::size_t outputs = 0, std::size_t stride = 1)
    {
        return of_maps(MF_BLOCK_RESIDUAL, outputs, stride);
    }

    /** Its 3 x 3 convolution has `hidden` maps, 0: a quarter of its outputs. */
    static block_spec bottleneck(std::size_t outputs = 0, std::size_t stride = 1, std::size_t hidden = 0)
    {
        block_spec spec = of_maps(MF_BLOCK_BOTTLENECK, outputs, stride);
        spec.hidden = hidden;
        return spec;
    }

    /** Neurons along the positions, 0: half the width of the sequence; and along the values, 0: four times.
     */
    static block_spec mixer(std::size_t token_hidden = 0, std::size_t hidden = 0)
    {
        block_spec spec;
        spec.kind = MF_BLOCK_MIXER;
        spec.token_hidden = token_hidden;
        spec.hidden = hidden;
        return spec;
    }

    /** `hidden` 0: four times the width of the sequence. */
    static block_spec transformer(std::size_t heads, bool causal = false, std::size_t hidden = 0)
    {
        block_spec spec;
        spec.kind = MF_BLOCK_TRANSFORMER;
        spec.heads = heads;
        spec.causal = causal ? 1 : 0;
        spec.hidden = hidden;
        return spec;
    }

  private:
    static block_spec of_maps(std::int32_t kind, std::size_t outputs, std::size_t stride)
    {
        block_spec spec;
        spec.kind = kind;
        spec.outputs = outputs;
        spec.stride[0] = spec.stride[1] = stride;
        return spec;
    }
};

/** What a matrix is made from, with the defaults. */
struct matrix_spec : mf_matrix_spec {
    matrix_spec() : mf_matrix_spec() { check(mf_matrix_spec_init(this, sizeof(mf_matrix_spec))); }
};

/** A matrix that someone else owns, such as a layer whose head reads it. */
class matrix_ref : public detail::borrowed<mf_matrix, mf_matrix_free>
{
  public:
    using borrowed::borrowed;

    std::size_t rows() const { return size().first; }

    std::size_t columns() const { return size().second; }

    /** All of them, row by row. */
    void values(view<float> values) const { check(mf_matrix_values(handle_, values.data(), values.size())); }

    std::vector<float> values() const
    {
        std::vector<float> all(rows() * columns());
        values(all);
        return all;
    }

  private:
    std::pair<std::size_t, std::size_t> size() const
    {
        std::size_t rows = 0, columns = 0;
        check(mf_matrix_size(handle_, &rows, &columns));
        return {rows, columns};
    }
};

/** A matrix that heads read and none learns. Layers whose heads read it keep it alive. */
class matrix : public detail::owned<matrix_ref>
{
  public:
    using owned::owned;

    /** Row by row; they are copied. */
    matrix(std::size_t rows, view<const float> values)
    {
        matrix_spec spec;
        spec.rows = rows;
        spec.columns = rows == 0 ? 0 : values.size() / rows;
        spec.values = values.data();
        detail::require("the matrix", values.size(), rows, spec.columns);
        check(mf_matrix_create(&spec, &handle_));
    }

    explicit matrix(const mf_matrix_spec &spec) { check(mf_matrix_create(&spec, &handle_)); }
};

/** What a head is made from, with the defaults. */
struct head_spec : mf_head_spec {
    head_spec() : mf_head_spec() { check(mf_head_spec_init(this, sizeof(mf_head_spec))); }

    /** `pool_size` 0: M reads the output as it is; s: its adaptive average pooling to s x s. */
    static head_spec linear(std::size_t classes, std::size_t pool_size = 0)
    {
        head_spec spec;
        spec.classes = classes;
        spec.pool_size = pool_size;
        return spec;
    }

    /** This head, whose steps score so many classes that are drawn by a law, MF_SAMPLING_..., and the labels.
     */
    head_spec sampled(std::int32_t law, std::size_t count) const
    {
        head_spec spec = *this;
        spec.sampling = law;
        spec.candidates = count;
        return spec;
    }

    /** This head with units of its own: those behind that node, which is the layer's output. */
    head_spec behind(std::int32_t node) const
    {
        head_spec spec = *this;
        spec.output_node = node;
        return spec;
    }

    /** This head, whose M begins with the columns of a matrix, which has to be there until a builder has taken
     * the head. */
    head_spec reading(const matrix_ref &matrix) const
    {
        head_spec spec = *this;
        spec.shared = detail::held("matrix", matrix);
        return spec;
    }

    /** This head, whose layer's last unit is a map that learns how alike rows are, with that share of the
     * loss. */
    head_spec matching(float lambda) const
    {
        head_spec spec = *this;
        spec.similarity = lambda;
        return spec;
    }

    /** This head, whose M reads that node: with auxiliary heads, which are behind it. Without behind() it is the
     * layer's output, too. */
    head_spec at(std::int32_t node) const
    {
        head_spec spec = *this;
        spec.input_node = node;
        return spec;
    }

    /** A goodness for each position of a sequence. */
    static head_spec positions(std::size_t classes)
    {
        head_spec spec = linear(classes);
        spec.kind = MF_HEAD_POSITIONS;
        return spec;
    }
};

/** A layer that someone else owns, such as a network. */
class layer_ref : public detail::borrowed<mf_layer, mf_layer_free>
{
  public:
    using borrowed::borrowed;
    using borrowed::get;

    layer_spec describe() const
    {
        layer_spec spec;
        check(mf_layer_describe(handle_, &spec));
        return spec;
    }

    mf_shape input_shape() const
    {
        auto shape = detail::result<mf_shape>();
        check(mf_layer_shape(handle_, &shape, nullptr));
        return shape;
    }

    mf_shape output_shape() const
    {
        auto shape = detail::result<mf_shape>();
        check(mf_layer_shape(handle_, nullptr, &shape));
        return shape;
    }

    /** Of how many units the layer consists; their nodes are 1 to this. */
    std::size_t unit_count() const
    {
        std::size_t count = 0;
        check(mf_layer_unit_count(handle_, &count));
        return count;
    }

    /** What the unit of a node was made from. */
    mf_unit_spec unit(std::int32_t node) const
    {
        auto spec = detail::result<mf_unit_spec>();
        check(mf_layer_unit(handle_, node, &spec, nullptr));
        return spec;
    }

    /** The shape of a row of goodness: [m], or [T, m] for goodness at positions. */
    mf_shape goodness_shape() const
    {
        auto shape = detail::result<mf_shape>();
        check(mf_layer_goodness_shape(handle_, &shape));
        return shape;
    }

    /** The shape of a row of its output. */
    mf_shape unit_shape(std::int32_t node) const
    {
        auto shape = detail::result<mf_shape>();
        check(mf_layer_unit(handle_, node, nullptr, &shape));
        return shape;
    }

    /** All of them, in their order. */
    std::vector<mf_unit_spec> units() const
    {
        std::vector<mf_unit_spec> specs(unit_count());
        for (std::size_t i = 0; i < specs.size(); i++)
            specs[i] = unit(static_cast<std::int32_t>(i + 1));
        return specs;
    }

    mf_head_spec head() const
    {
        auto spec = detail::result<mf_head_spec>();
        check(mf_layer_head(handle_, &spec));
        return spec;
    }

    /** The matrix that the head reads; a _ref of nothing if there is none. */
    matrix_ref shared() const { return matrix_ref(const_cast<mf_matrix *>(head().shared)); }

    /** A matrix with the values that a parameter of rank 2 has at the time. */
    matrix matrix_of(const std::string &name, const mf_allocator *allocator = nullptr) const
    {
        mf_matrix *made = nullptr;
        check(mf_matrix_from_parameter(handle_, detail::whole(name), allocator, &made));
        return matrix(made);
    }

    /** The key is MF_LAYER_DROPOUT or MF_LAYER_LABEL_SMOOTHING. */
    void set(std::int32_t key, double value) { check(mf_layer_set(handle_, key, value)); }

    double get(std::int32_t key) const
    {
        double value = 0;
        check(mf_layer_get(handle_, key, &value));
        return value;
    }

    void set_classes(std::size_t classes) { check(mf_layer_set_classes(handle_, classes)); }

    void set_optimizer(const optimizer_ref &optimizer)
    {
        check(mf_layer_set_optimizer(handle_, detail::held("optimizer", optimizer)));
    }

    void detach_optimizer() { check(mf_layer_set_optimizer(handle_, nullptr)); }

    /** The optimizer that is attached; false if there is none. */
    optimizer_ref attached_optimizer() const
    {
        mf_optimizer *attached = nullptr;
        check(mf_layer_optimizer(handle_, &attached));
        return optimizer_ref(attached);
    }

    std::size_t parameter_count() const
    {
        std::size_t count = 0;
        check(mf_layer_parameter_count(handle_, &count));
        return count;
    }

    mf_parameter_info parameter_info(std::size_t index) const
    {
        auto info = detail::result<mf_parameter_info>();
        check(mf_layer_parameter_info(handle_, index, &info));
        return info;
    }

    /** All of them, in their order. Their names belong to the layer. */
    std::vector<mf_parameter_info> parameters() const
    {
        std::vector<mf_parameter_info> infos(parameter_count());
        for (std::size_t i = 0; i < infos.size(); i++)
            infos[i] = parameter_info(i);
        return infos;
    }

    /** The values of all parameters together: what gradients() writes. */
    std::size_t value_count() const
    {
        std::size_t count = 0;
        for (std::size_t i = 0, parameters = parameter_count(); i < parameters; i++)
            count += parameter_info(i).count;
        return count;
    }

    void get_parameter(const std::string &name, view<float> values) const
    {
        check(mf_layer_get_parameter(handle_, detail::whole(name), values.data(), values.size()));
    }

    std::vector<float> get_parameter(const std::string &name) const
    {
        std::vector<float> values(1); /* of a name that does not exist, so that the library says so */
        for (std::size_t i = 0, parameters = parameter_count(); i < parameters; i++) {
            mf_parameter_info info = parameter_info(i);
            if (name == info.name)
                values.resize(info.count);
        }
        get_parameter(name, values);
        return values;
    }

    void set_parameter(const std::string &name, view<const float> values)
    {
        check(mf_layer_set_parameter(handle_, detail::whole(name), values.data(), values.size()));
    }

    void set_trainable(const std::string &name, bool trainable)
    {
        check(mf_layer_set_trainable(handle_, detail::whole(name), trainable ? 1 : 0));
    }

    /** One training step; `a` [rows, n] or empty receives the activation. */
    void step(workspace_ref &workspace, view<const float> x, view<const std::int32_t> y, view<float> a = {})
    {
        std::size_t rows =
            detail::labelled_rows(x, y.size(), detail::inputs(handle_), detail::labels(handle_));
        require_activation(a, rows);
        check(mf_layer_step(handle_, workspace.get(), rows, x.data(), y.data(), a.data()));
    }

    void step(workspace_ref &workspace, const batch &batch, view<float> a = {})
    {
        batch.require_sizes(detail::inputs(handle_), detail::labels(handle_));
        require_activation(a, batch.rows);
        check(mf_layer_step_batch(handle_, workspace.get(), &batch, a.data()));
    }

    /** The gradients of all parameters, value_count() in all, without an update. */
    void gradients(workspace_ref &workspace, const batch &batch, view<float> gradients, view<float> a = {})
    {
        batch.require_sizes(detail::inputs(handle_), detail::labels(handle_));
        require_activation(a, batch.rows);
        check(mf_layer_gradients(handle_, workspace.get(), &batch, a.data(), gradients.data(),
                                 gradients.size()));
    }

    std::vector<float> gradients(workspace_ref &workspace, const batch &batch)
    {
        std::vector<float> all(value_count());
        gradients(workspace, batch, all);
        return all;
    }

    /** One update from such gradients. */
    void apply(view<const float> gradients)
    {
        check(mf_layer_apply(handle_, gradients.data(), gradients.size()));
    }

    void forward(workspace_ref &workspace, view<const float> x, view<float> a) const
    {
        std::size_t rows = detail::rows_of(x, detail::inputs(handle_));
        detail::require("the activation", a.size(), rows, detail::outputs(handle_));
        check(mf_layer_forward(handle_, workspace.get(), rows, x.data(), a.data()));
    }

    void forward(workspace_ref &workspace, const batch &batch, view<float> a) const
    {
        batch.require_sizes(detail::inputs(handle_), detail::labels(handle_));
        detail::require("the activation", a.size(), batch.rows, detail::outputs(handle_));
        check(mf_layer_forward_batch(handle_, workspace.get(), &batch, a.data()));
    }

    /** What the layer passes on in training without learning, with dropout. */
    void pass(workspace_ref &workspace, const batch &batch, view<float> a)
    {
        batch.require_sizes(detail::inputs(handle_), detail::labels(handle_));
        detail::require("the activation", a.size(), batch.rows, detail::outputs(handle_));
        check(mf_layer_pass_batch(handle_, workspace.get(), &batch, a.data()));
    }

    std::vector<float> pass(workspace_ref &workspace, const batch &batch)
    {
        batch.require_sizes(detail::inputs(handle_), detail::labels(handle_));
        std::vector<float> a(detail::returned(batch.rows, detail::outputs(handle_)));
        check(mf_layer_pass_batch(handle_, workspace.get(), &batch, a.data()));
        return a;
    }

    std::vector<float> forward(workspace_ref &workspace, view<const float> x) const
    {
        std::vector<float> a(detail::rows_of(x, detail::inputs(handle_)) * detail::outputs(handle_));
        forward(workspace, x, a);
        return a;
    }

    std::vector<float> forward(workspace_ref &workspace, const batch &batch) const
    {
        batch.require_sizes(detail::inputs(handle_), detail::labels(handle_));
        std::vector<float> a(detail::returned(batch.rows, detail::outputs(handle_)));
        check(mf_layer_forward_batch(handle_, workspace.get(), &batch, a.data()));
        return a;
    }

    /** The scores that follow from an activation. */
    void goodness(workspace_ref &workspace, view<const float> a, view<float> goodness) const
    {
        std::size_t rows = detail::rows_of(a, detail::outputs(handle_), "the activation");
        detail::require("goodness", goodness.size(), rows, detail::scores(handle_));
        check(mf_layer_goodness(handle_, workspace.get(), rows, a.data(), goodness.data()));
    }

    std::vector<float> goodness(workspace_ref &workspace, view<const float> a) const
    {
        std::vector<float> scores(detail::rows_of(a, detail::outputs(handle_), "the activation") *
                                  detail::scores(handle_));
        goodness(workspace, a, scores);
        return scores;
    }

  private:
    void require_activation(view<float> a, std::size_t rows) const
    {
        if (!a.empty())
            detail::require("the activation", a.size(), rows, detail::outputs(handle_));
    }
};

/** A layer. Networks that hold it keep it alive. */
class layer : public detail::owned<layer_ref>
{
  public:
    using owned::owned;
    layer() noexcept = default;

    explicit layer(const mf_layer_spec &spec) { check(mf_layer_create(&spec, &handle_)); }
};

/* ---- layers of several units ---- */

/** The shape of a row: {values}, or {maps, height, width}. */
struct shape : mf_shape {
    shape() : mf_shape() { check(mf_shape_init(this, sizeof(mf_shape))); }

    shape(std::initializer_list<std::size_t> sizes) : shape()
    {
        rank = static_cast<std::int32_t>(sizes.size());
        std::size_t i = 0;
        for (std::size_t size : sizes)
            if (i < std::size(dims))
                dims[i++] = size;
    }
};

/** What a builder is made from, with the defaults. `input` points to a shape of the caller's. */
struct builder_spec : mf_builder_spec {
    builder_spec() : mf_builder_spec() { check(mf_builder_spec_init(this, sizeof(mf_builder_spec))); }
};

/** Makes layers of several units. Each call adds one and returns the builder, so that calls can be chained:
 *
 *      auto block = monoforward::builder({16, 32, 32}).conv2d(16).batch_norm().relu()
 *                       .conv2d(16).batch_norm().add(0).relu().head(10).build();
 *
 *  What is wrong throws at once, from the call that it is wrong in. */
class builder : public detail::owned<detail::borrowed<mf_builder, mf_builder_free>>
{
  public:
    using owned::owned;
    builder() noexcept = default;

    explicit builder(const mf_builder_spec &spec) { check(mf_builder_create(&spec, &handle_)); }

    /** For layers whose rows have this shape. Equal seeds give equal parameters; the precision is
     *  MF_PRECISION_... */
    explicit builder(std::initializer_list<std::size_t> input, std::uint64_t seed = MF_SEED_AUTO,
                     std::int32_t precision = MF_PRECISION_FLOAT32)
        : builder(monoforward::shape(input), seed, precision)
    {
    }

    /** The same with a shape that another layer has told. */
    explicit builder(const mf_shape &input, std::uint64_t seed = MF_SEED_AUTO,
                     std::int32_t precision = MF_PRECISION_FLOAT32)
    {
        builder_spec spec;
        spec.input = &input;
        spec.seed = seed;
        spec.precision = precision;
        check(mf_builder_create(&spec, &handle_));
    }

    /** A complete one, whose layers are those of the spec: for network_memory_built(). */
    static builder from_spec(const mf_layer_spec &spec)
    {
        mf_builder *handle = nullptr;
        check(mf_builder_from_spec(&spec, &handle));
        return builder(handle);
    }

    /** Adds any unit; behind branch() its first input is the node that was named there. */
    builder &unit(mf_unit_spec spec)
    {
        if (next_ != MF_NODE_PREVIOUS)
            spec.inputs[0] = std::exchange(next_, MF_NODE_PREVIOUS);
        check(mf_builder_unit(handle_, &spec, &node_));
        return *this;
    }

    builder &dense(std::size_t outputs, bool bias = true) { return unit(unit_spec::dense(outputs, bias)); }

    builder &auxiliary(std::size_t classes, float weight = 1.0f)
    {
        return unit(unit_spec::auxiliary(classes, weight));
    }

    builder &conv2d(std::size_t filters, std::size_t kernel = 3)
    {
        return unit(unit_spec::conv2d(filters, kernel));
    }

    builder &conv2d(std::size_t filters, std::size_t kernel, std::size_t padding, std::size_t stride = 1,
                    std::size_t groups = 0)
    {
        return unit(unit_spec::conv2d(filters, kernel, padding, stride, groups));
    }

    builder &batch_norm() { return unit(unit_spec::batch_norm()); }

    builder &activation(std::int32_t kind) { return unit(unit_spec::activation(kind)); }

    builder &relu() { return unit(unit_spec::relu()); }

    builder &leaky_relu(float leak = 0.01f) { return unit(unit_spec::leaky_relu(leak)); }

    builder &tanh() { return unit(unit_spec::tanh()); }

    builder &gelu() { return unit(unit_spec::gelu()); }

    builder &silu() { return unit(unit_spec::silu()); }

    builder &max_pool(std::size_t size = 2, std::size_t stride = 0, std::size_t padding = 0)
    {
        return unit(unit_spec::max_pool(size, stride, padding));
    }

    builder &average_pool(std::size_t size = 2, std::size_t stride = 0, std::size_t padding = 0)
    {
        return unit(unit_spec::average_pool(size, stride, padding));
    }

    builder &dropout(float rate, bool maps = false) { return unit(unit_spec::dropout(rate, maps)); }

    builder &layer_norm() { return unit(unit_spec::layer_norm()); }

    builder &global_pool() { return unit(unit_spec::global_pool()); }

    builder &transpose() { return unit(unit_spec::transpose()); }

    builder &flatten() { return unit(unit_spec::flatten()); }

    builder &tokens() { return unit(unit_spec::tokens()); }

    builder &positions() { return unit(unit_spec::positions()); }

    builder &embedding(std::size_t vocabulary, std::size_t outputs)
    {
        return unit(unit_spec::embedding(vocabulary, outputs));
    }

    builder &attention(std::size_t heads, bool causal = false)
    {
        return unit(unit_spec::attention(heads, causal));
    }

    /** Adds a node to the one before. */
    builder &add(std::int32_t with) { return unit(unit_spec::add(with)); }

    /** Puts the values of a node behind those of the one before. */
    builder &concat(std::int32_t with) { return unit(unit_spec::concat(with)); }

    /** Adds the units of a ready-made block; behind branch() its input is the node that was named there. */
    builder &block(mf_block_spec spec)
    {
        if (next_ != MF_NODE_PREVIOUS)
            spec.input = std::exchange(next_, MF_NODE_PREVIOUS);
        check(mf_builder_block(handle_, &spec, &node_));
        return *this;
    }

    builder &residual(std::size_t outputs = 0, std::size_t stride = 1)
    {
        return block(block_spec::residual(outputs, stride));
    }

    builder &bottleneck(std::size_t outputs = 0, std::size_t stride = 1, std::size_t hidden = 0)
    {
        return block(block_spec::bottleneck(outputs, stride, hidden));
    }

    builder &mixer(std::size_t token_hidden = 0, std::size_t hidden = 0)
    {
        return block(block_spec::mixer(token_hidden, hidden));
    }

    builder &transformer(std::size_t heads, bool causal = false, std::size_t hidden = 0)
    {
        return block(block_spec::transformer(heads, causal, hidden));
    }

    /** The next unit or block reads this node instead of the one before; 0 is the layer's input. */
    builder &branch(std::int32_t node) noexcept
    {
        next_ = node;
        return *this;
    }

    builder &head(const mf_head_spec &spec)
    {
        check(mf_builder_head(handle_, &spec));
        return *this;
    }

    builder &head(std::size_t classes, std::size_t pool_size = 0)
    {
        return head(head_spec::linear(classes, pool_size));
    }

    /** The number of the node that was added last; 0 if there is none. */
    std::int32_t node() const noexcept { return node_; }

    /** The shape of a row of a node. */
    mf_shape shape(std::int32_t node = MF_NODE_PREVIOUS) const
    {
        auto shape = detail::result<mf_shape>();
        check(mf_builder_shape(handle_, node, &shape));
        return shape;
    }

    /** Makes a layer, and another one each time. */
    layer build()
    {
        mf_layer *handle = nullptr;
        check(mf_layer_build(handle_, &handle));
        return layer(handle);
    }

  private:
    std::int32_t node_ = 0;
    std::int32_t next_ = MF_NODE_PREVIOUS;
};

/* ---- networks ---- */

/** What a network is made from, with the defaults. */
struct network_spec : mf_network_spec {
    network_spec() : mf_network_spec() { check(mf_network_spec_init(this, sizeof(mf_network_spec))); }
};

/** How to load a network, with the defaults. */
struct load_spec : mf_load_spec {
    load_spec() : mf_load_spec() { check(mf_load_spec_init(this, sizeof(mf_load_spec))); }
};

/** Which ONNX model to import, and what to make of it, with the defaults. */
struct onnx_spec : mf_onnx_spec {
    onnx_spec() : mf_onnx_spec() { check(mf_onnx_spec_init(this, sizeof(mf_onnx_spec))); }
};

/** What would become of a model, as lines for people. */
inline std::string onnx_plan(const mf_onnx_spec &spec)
{
    std::size_t needed = 0;
    mf_status status = mf_onnx_plan(&spec, nullptr, 0, &needed);
    if (status != MF_STATUS_CAPACITY)
        check(status);
    std::string text(needed, '\0');
    check(mf_onnx_plan(&spec, text.data(), text.size(), nullptr));
    text.resize(needed - 1);
    return text;
}

namespace detail
{

/* An mf_output whose bytes go to a function of the caller's. What it throws waits until the library has
 * returned: an exception must not pass through C. */
template <class Write> class output_to : public mf_output
{
  public:
    explicit output_to(Write &function) : mf_output(), write_(function)
    {
        check(mf_output_init(this, sizeof(mf_output)));
        mf_output::write = take;
        user = this;
    }

    void finish(mf_status status)
    {
        if (thrown_)
            std::rethrow_exception(thrown_);
        check(status);
    }

  private:
    static std::int32_t take(void *user, const void *bytes, std::size_t count) noexcept
    {
        auto *self = static_cast<output_to *>(user);
        try {
            self->write_(static_cast<const std::byte *>(bytes), count);
            return 0;
        } catch (...) {
            self->thrown_ = std::current_exception();
            return 1;
        }
    }

    Write &write_;
    std::exception_ptr thrown_;
};

} // namespace detail

class network;

/** A network that someone else owns. Modes are MF_PREDICT_LAST and MF_PREDICT_SUM; contents of files
 *  MF_CONTENTS_MODEL and MF_CONTENTS_TRAINING. */
class network_ref : public detail::borrowed<mf_network, mf_network_free>
{
  public:
    using borrowed::borrowed;

    std::size_t size() const
    {
        std::size_t size = 0;
        check(mf_network_size(handle_, &size));
        return size;
    }

    bool empty() const { return size() == 0; }

    /** The layer at a position. */
    layer_ref at(std::size_t position) const
    {
        mf_layer *layer = nullptr;
        check(mf_network_layer(handle_, position, &layer, nullptr));
        return layer_ref(layer);
    }

    std::uint64_t id_at(std::size_t position) const
    {
        std::uint64_t id = 0;
        check(mf_network_layer(handle_, position, nullptr, &id));
        return id;
    }

    std::size_t position_of(std::uint64_t id) const
    {
        std::size_t position = 0;
        check(mf_network_position(handle_, id, &position));
        return position;
    }

    /** Puts a layer behind the last one and returns the id of its place. The network keeps a reference. */
    std::uint64_t append(const layer_ref &layer)
    {
        std::uint64_t id = 0;
        check(mf_network_append(handle_, layer.get(), &id));
        return id;
    }

    /** The same with a new layer. */
    std::uint64_t append(const mf_layer_spec &spec) { return append(layer(spec)); }

    std::uint64_t insert(std::size_t position, const layer_ref &layer)
    {
        std::uint64_t id = 0;
        check(mf_network_insert(handle_, position, layer.get(), &id));
        return id;
    }

    void remove(std::uint64_t id) { check(mf_network_remove(handle_, id)); }

    void replace(std::uint64_t id, const layer_ref &layer)
    {
        check(mf_network_replace(handle_, id, layer.get()));
    }

    void set_optimizer(const optimizer_ref &optimizer)
    {
        check(mf_network_set_optimizer(handle_, detail::held("optimizer", optimizer)));
    }

    void detach_optimizer() { check(mf_network_set_optimizer(handle_, nullptr)); }

    void set_classes(std::size_t classes) { check(mf_network_set_classes(handle_, classes)); }

    /** The first layer reads (x + shift) * scale from then on; empty views: x as it is. */
    void set_input_scaling(view<const float> shift, view<const float> scale)
    {
        if (shift.size() != scale.size())
            throw error(MF_STATUS_SHAPE, "shift and scale have different sizes");
        check(mf_network_set_input_scaling(handle_, shift.data(), scale.data(), shift.size()));
    }

    /** Returns of how many numbers shift and scale consist; a view that is empty is left out. */
    std::size_t input_scaling(view<float> shift, view<float> scale) const
    {
        std::size_t count = 0, room = shift.empty() ? scale.size() : shift.size();
        if (!scale.empty() && scale.size() < room)
            room = scale.size();
        check(mf_network_input_scaling(handle_, shift.data(), scale.data(), room, &count));
        return count;
    }

    /** Shift and scale. */
    std::pair<std::vector<float>, std::vector<float>> input_scaling() const
    {
        std::size_t count = input_scaling({}, {});
        std::pair<std::vector<float>, std::vector<float>> found{std::vector<float>(count),
                                                                std::vector<float>(count)};
        input_scaling(found.first, found.second);
        return found;
    }

    /** One joint training step. */
    void step(workspace_ref &workspace, view<const float> x, view<const std::int32_t> y)
    {
        std::size_t rows =
            detail::labelled_rows(x, y.size(), detail::inputs(handle_), detail::labels(handle_));
        check(mf_network_step(handle_, workspace.get(), rows, x.data(), y.data()));
    }

    void step(workspace_ref &workspace, const batch &batch)
    {
        batch.require_sizes(detail::inputs(handle_), detail::labels(handle_));
        check(mf_network_step_batch(handle_, workspace.get(), &batch));
    }

    /** One greedy training step: the layer at `position` learns. */
    void step_layer(workspace_ref &workspace, std::size_t position, view<const float> x,
                    view<const std::int32_t> y)
    {
        std::size_t rows =
            detail::labelled_rows(x, y.size(), detail::inputs(handle_), detail::labels(handle_));
        check(mf_network_step_layer(handle_, workspace.get(), position, rows, x.data(), y.data()));
    }

    void step_layer(workspace_ref &workspace, std::size_t position, const batch &batch)
    {
        batch.require_sizes(detail::inputs(handle_), detail::labels(handle_));
        check(mf_network_step_layer_batch(handle_, workspace.get(), position, &batch));
    }

    /** Loss and correct rows, for workspace.report() and report_sum(). */
    void evaluate(workspace_ref &workspace, view<const float> x, view<const std::int32_t> y) const
    {
        std::size_t rows =
            detail::labelled_rows(x, y.size(), detail::inputs(handle_), detail::labels(handle_));
        check(mf_network_evaluate(handle_, workspace.get(), rows, x.data(), y.data()));
    }

    void evaluate(workspace_ref &workspace, const batch &batch) const
    {
        batch.require_sizes(detail::inputs(handle_), detail::labels(handle_));
        check(mf_network_evaluate_batch(handle_, workspace.get(), &batch));
    }

    /** The class of every row. */
    void predict(workspace_ref &workspace, view<const float> x, view<std::int32_t> labels,
                 std::int32_t mode = MF_PREDICT_LAST) const
    {
        std::size_t rows =
            detail::labelled_rows(x, labels.size(), detail::inputs(handle_), detail::labels(handle_));
        check(mf_network_predict(handle_, workspace.get(), mode, rows, x.data(), labels.data()));
    }

    std::vector<std::int32_t> predict(workspace_ref &workspace, view<const float> x,
                                      std::int32_t mode = MF_PREDICT_LAST) const
    {
        std::size_t rows = detail::rows_of(x, detail::inputs(handle_));
        std::vector<std::int32_t> labels(detail::returned(rows, detail::labels(handle_)));
        check(mf_network_predict(handle_, workspace.get(), mode, rows, x.data(), labels.data()));
        return labels;
    }

    /** The scores of every row, [rows, m]. */
    void goodness(workspace_ref &workspace, view<const float> x, view<float> goodness,
                  std::int32_t mode = MF_PREDICT_LAST) const
    {
        std::size_t rows = detail::rows_of(x, detail::inputs(handle_));
        detail::require("goodness", goodness.size(), rows, detail::scores(handle_));
        check(mf_network_goodness(handle_, workspace.get(), mode, rows, x.data(), goodness.data()));
    }

    std::vector<float> goodness(workspace_ref &workspace, view<const float> x,
                                std::int32_t mode = MF_PREDICT_LAST) const
    {
        std::size_t rows = detail::rows_of(x, detail::inputs(handle_));
        std::vector<float> scores(detail::returned(rows, detail::scores(handle_)));
        check(mf_network_goodness(handle_, workspace.get(), mode, rows, x.data(), scores.data()));
        return scores;
    }

    /** The softmax of the scores, [rows, m]. */
    void probabilities(workspace_ref &workspace, view<const float> x, view<float> probabilities,
                       std::int32_t mode = MF_PREDICT_LAST) const
    {
        std::size_t rows = detail::rows_of(x, detail::inputs(handle_));
        detail::require("probabilities", probabilities.size(), rows, detail::scores(handle_));
        check(mf_network_probabilities(handle_, workspace.get(), mode, rows, x.data(), probabilities.data()));
    }

    std::vector<float> probabilities(workspace_ref &workspace, view<const float> x,
                                     std::int32_t mode = MF_PREDICT_LAST) const
    {
        std::size_t rows = detail::rows_of(x, detail::inputs(handle_));
        std::vector<float> shares(detail::returned(rows, detail::scores(handle_)));
        check(mf_network_probabilities(handle_, workspace.get(), mode, rows, x.data(), shares.data()));
        return shares;
    }

    /** All three from one pass. */
    void infer(workspace_ref &workspace, const batch &batch, const answers &out,
               std::int32_t mode = MF_PREDICT_LAST) const
    {
        batch.require_sizes(detail::inputs(handle_), detail::labels(handle_));
        detail::require_answers(out, batch.rows, detail::scores(handle_), detail::labels(handle_));
        check(mf_network_infer(handle_, workspace.get(), mode, &batch, out.labels.data(), out.goodness.data(),
                               out.probabilities.data()));
    }

    void infer(workspace_ref &workspace, view<const float> x, const answers &out,
               std::int32_t mode = MF_PREDICT_LAST) const
    {
        infer(workspace, rows_in(x), out, mode);
    }

    owned_answers infer(workspace_ref &workspace, const batch &batch,
                        std::int32_t mode = MF_PREDICT_LAST) const
    {
        batch.require_sizes(detail::inputs(handle_), detail::labels(handle_));
        owned_answers out =
            detail::make_answers(batch.rows, detail::labels(handle_), detail::scores(handle_));
        check(mf_network_infer(handle_, workspace.get(), mode, &batch, out.labels.data(), out.goodness.data(),
                               out.probabilities.data()));
        return out;
    }

    owned_answers infer(workspace_ref &workspace, view<const float> x,
                        std::int32_t mode = MF_PREDICT_LAST) const
    {
        return infer(workspace, rows_in(x), mode);
    }

    /** The `count` best classes of every row, best first. */
    void top(workspace_ref &workspace, const batch &batch, std::size_t count, const top_answers &out,
             std::int32_t mode = MF_PREDICT_LAST) const
    {
        batch.require_sizes(detail::inputs(handle_), detail::labels(handle_));
        detail::require_answers(out, batch.rows, detail::labels(handle_) * count);
        check(mf_network_top(handle_, workspace.get(), mode, &batch, count, out.labels.data(),
                             out.goodness.data(), out.probabilities.data()));
    }

    void top(workspace_ref &workspace, view<const float> x, std::size_t count, const top_answers &out,
             std::int32_t mode = MF_PREDICT_LAST) const
    {
        top(workspace, rows_in(x), count, out, mode);
    }

    owned_answers top(workspace_ref &workspace, const batch &batch, std::size_t count,
                      std::int32_t mode = MF_PREDICT_LAST) const
    {
        batch.require_sizes(detail::inputs(handle_), detail::labels(handle_));
        std::size_t labels = detail::labels(handle_), most = detail::scores(handle_) / labels;
        /* Of more classes than there are, the library refuses to tell. */
        std::size_t each = labels * (count < most ? count : most);
        owned_answers out = detail::make_answers(batch.rows, each, each);
        check(mf_network_top(handle_, workspace.get(), mode, &batch, count, out.labels.data(),
                             out.goodness.data(), out.probabilities.data()));
        return out;
    }

    owned_answers top(workspace_ref &workspace, view<const float> x, std::size_t count,
                      std::int32_t mode = MF_PREDICT_LAST) const
    {
        return top(workspace, rows_in(x), count, mode);
    }

    /** What the network is, as lines for people: units, shapes, parameters, where gradients stop, and the
     * memory that training on batches of `max_batch` rows takes. */
    std::string summary(std::size_t max_batch) const
    {
        std::size_t needed = 0;
        mf_status status = mf_network_summary(handle_, max_batch, nullptr, 0, &needed);
        if (status != MF_STATUS_CAPACITY)
            check(status);
        std::string text(needed, '\0');
        check(mf_network_summary(handle_, max_batch, text.data(), text.size(), nullptr));
        text.resize(needed - 1);
        return text;
    }

    /* Copies and averages. */

    /** A network of its own with the same layers; with MF_CONTENTS_TRAINING it goes on learning like this
     * one. */
    network clone(std::int32_t contents = MF_CONTENTS_MODEL, const mf_allocator *allocator = nullptr) const;

    void copy_parameters(const network_ref &from) { check(mf_network_copy_parameters(handle_, from.get())); }

    /** Parameters += share (those of `from` - parameters). */
    void blend_parameters(const network_ref &from, double share)
    {
        check(mf_network_blend_parameters(handle_, from.get(), share));
    }

    /* Texts that go with the network into its files. */

    void metadata_set(const std::string &name, const std::string &value)
    {
        check(mf_network_metadata_set(handle_, detail::whole(name), detail::whole(value)));
    }

    /** A copy of the value; throws MF_STATUS_NOT_FOUND if there is none. */
    std::string metadata_get(const std::string &name) const
    {
        const char *value = nullptr;
        check(mf_network_metadata_get(handle_, detail::whole(name), &value));
        return value;
    }

    /** All names and values, in the order of the names' bytes. */
    std::vector<std::pair<std::string, std::string>> metadata() const
    {
        std::size_t count = 0;
        check(mf_network_metadata_count(handle_, &count));
        std::vector<std::pair<std::string, std::string>> all;
        all.reserve(count);
        for (std::size_t i = 0; i < count; i++) {
            const char *name = nullptr, *value = nullptr;
            check(mf_network_metadata_at(handle_, i, &name, &value));
            all.emplace_back(name, value);
        }
        return all;
    }

    void metadata_remove(const std::string &name)
    {
        check(mf_network_metadata_remove(handle_, detail::whole(name)));
    }

    /* Files, buffers and snapshots; network::load() is the way back. */

    void save(const std::string &path, std::int32_t contents = MF_CONTENTS_MODEL) const
    {
        check(mf_network_save(handle_, contents, detail::whole(path)));
    }

    std::size_t save_size(std::int32_t contents = MF_CONTENTS_MODEL) const
    {
        std::size_t size = 0;
        check(mf_network_save_size(handle_, contents, &size));
        return size;
    }

    /** Returns how many bytes were written. */
    std::size_t save_buffer(bytes buffer, std::int32_t contents = MF_CONTENTS_MODEL) const
    {
        std::size_t written = 0;
        check(mf_network_save_buffer(handle_, contents, buffer.data(), buffer.size(), &written));
        return written;
    }

    std::vector<std::byte> save_buffer(std::int32_t contents = MF_CONTENTS_MODEL) const
    {
        std::vector<std::byte> buffer(save_size(contents));
        save_buffer(bytes(buffer), contents);
        return buffer;
    }

    /** The same bytes to a function, write(const std::byte *, std::size_t), piece by piece; what it throws
     * ends the saving and leaves this call. */
    template <class Write> void save_to(Write &&write, std::int32_t contents = MF_CONTENTS_MODEL) const
    {
        detail::output_to<Write> output(write);
        output.finish(mf_network_save_to(handle_, contents, &output));
    }

    std::size_t snapshot_size() const
    {
        std::size_t size = 0;
        check(mf_network_snapshot_size(handle_, &size));
        return size;
    }

    /** A snapshot of what training changes. */
    void snapshot_save(bytes buffer) const
    {
        check(mf_network_snapshot_save(handle_, buffer.data(), buffer.size()));
    }

    std::vector<std::byte> snapshot_save() const
    {
        std::vector<std::byte> buffer(snapshot_size());
        snapshot_save(buffer);
        return buffer;
    }

    void snapshot_load(const_bytes buffer)
    {
        check(mf_network_snapshot_load(handle_, buffer.data(), buffer.size()));
    }

    void export_onnx(const std::string &path) const
    {
        check(mf_network_export_onnx(handle_, detail::whole(path)));
    }

    std::size_t export_onnx_size() const
    {
        std::size_t size = 0;
        check(mf_network_export_onnx_size(handle_, &size));
        return size;
    }

    /** Returns how many bytes were written. */
    std::size_t export_onnx_buffer(bytes buffer) const
    {
        std::size_t written = 0;
        check(mf_network_export_onnx_buffer(handle_, buffer.data(), buffer.size(), &written));
        return written;
    }

    /** As save_to(). */
    template <class Write> void export_onnx_to(Write &&write) const
    {
        detail::output_to<Write> output(write);
        output.finish(mf_network_export_onnx_to(handle_, &output));
    }

    std::vector<std::byte> export_onnx_buffer() const
    {
        std::vector<std::byte> buffer(export_onnx_size());
        export_onnx_buffer(buffer);
        return buffer;
    }

  private:
    /* As many rows as there are in x. */
    batch rows_in(view<const float> x) const { return batch(x, detail::rows_of(x, detail::inputs(handle_))); }
};

/** A network. */
class network : public detail::owned<network_ref>
{
  public:
    using owned::owned;

    /** Without layers. */
    network() { check(mf_network_create(nullptr, &handle_)); }

    explicit network(const mf_network_spec &spec) { check(mf_network_create(&spec, &handle_)); }

    static network load(const std::string &path, const mf_load_spec &spec = load_spec())
    {
        mf_network *handle = nullptr;
        check(mf_network_load(&spec, detail::whole(path), &handle));
        return network(handle);
    }

    /** From an ONNX model. */
    static network import_onnx(const mf_onnx_spec &spec)
    {
        mf_network *handle = nullptr;
        check(mf_network_import_onnx(&spec, &handle));
        return network(handle);
    }

    static network load_buffer(const_bytes buffer, const mf_load_spec &spec = load_spec())
    {
        mf_network *handle = nullptr;
        check(mf_network_load_buffer(&spec, buffer.data(), buffer.size(), &handle));
        return network(handle);
    }
};

inline network network_ref::clone(std::int32_t contents, const mf_allocator *allocator) const
{
    mf_network *handle = nullptr;
    check(mf_network_clone(handle_, contents, allocator, &handle));
    return network(handle);
}

inline workspace::workspace(const network_ref &network, std::size_t max_batch, std::int32_t purpose)
{
    workspace_spec spec;
    spec.network = detail::held("network", network);
    spec.max_batch = max_batch;
    spec.purpose = purpose;
    check(mf_workspace_create(&spec, &handle_));
}

inline workspace::workspace(const layer_ref &layer, std::size_t max_batch, std::int32_t purpose)
{
    workspace_spec spec;
    spec.layer = detail::held("layer", layer);
    spec.max_batch = max_batch;
    spec.purpose = purpose;
    check(mf_workspace_create(&spec, &handle_));
}

inline workspace::workspace(const network_ref &network, std::size_t max_batch, const pool_ref &pool,
                            std::int32_t purpose)
{
    workspace_spec spec;
    spec.network = detail::held("network", network);
    spec.max_batch = max_batch;
    spec.purpose = purpose;
    spec.pool = detail::held("pool", pool);
    check(mf_workspace_create(&spec, &handle_));
}

/** What memory_query() shall count, with the defaults. */
struct memory_spec : mf_memory_spec {
    memory_spec() : mf_memory_spec() { check(mf_memory_spec_init(this, sizeof(mf_memory_spec))); }
};

/** What a network will take, with a workspace that may use a pool. */
inline mf_memory memory_query(const mf_memory_spec &spec)
{
    auto memory = detail::result<mf_memory>();
    check(mf_memory_query(&spec, &memory));
    return memory;
}

/** What a network will take, before anything is created: mf_network_memory(). */
inline mf_memory network_memory(view<const layer_spec> layers, std::size_t max_batch,
                                const mf_optimizer_spec *optimizer = nullptr,
                                std::int32_t purpose = MF_WORKSPACE_TRAINING)
{
    auto memory = detail::result<mf_memory>();
    std::vector<const mf_layer_spec *> pointers;
    pointers.reserve(layers.size() + 1); /* so that data() is not NULL when there are none */
    for (const layer_spec &spec : layers)
        pointers.push_back(&spec);
    check(mf_network_memory(pointers.data(), pointers.size(), optimizer, purpose, max_batch, &memory));
    return memory;
}

/** The same for layers that have builders: mf_network_memory_built(). */
inline mf_memory network_memory_built(view<const builder> builders, std::size_t max_batch,
                                      const mf_optimizer_spec *optimizer = nullptr,
                                      std::int32_t purpose = MF_WORKSPACE_TRAINING)
{
    auto memory = detail::result<mf_memory>();
    std::vector<mf_builder *> handles;
    handles.reserve(builders.size() + 1);
    for (const builder &each : builders)
        handles.push_back(each.get());
    check(mf_network_memory_built(handles.data(), builders.size(), optimizer, purpose, max_batch, &memory));
    return memory;
}

/* ---- pipelines ---- */

/** What a pipeline is made from, with the defaults. */
struct pipeline_spec : mf_pipeline_spec {
    pipeline_spec() : mf_pipeline_spec() { check(mf_pipeline_spec_init(this, sizeof(mf_pipeline_spec))); }
};

namespace detail
{

/* The caller's function behind on_report. What it throws waits here until the library has returned: an
 * exception must not pass through C. */
class listener
{
  public:
    virtual ~listener() = default;

    static std::int32_t hear(void *user, const mf_pipeline_report *report) noexcept
    {
        auto *self = static_cast<listener *>(user);
        try {
            return self->answer(*report);
        } catch (...) {
            self->thrown_ = std::current_exception();
            return 1;
        }
    }

    void rethrow()
    {
        if (thrown_)
            std::rethrow_exception(std::exchange(thrown_, nullptr));
    }

  private:
    virtual std::int32_t answer(const mf_pipeline_report &report) = 0;

    std::exception_ptr thrown_;
};

template <class Function> class listener_with final : public listener
{
  public:
    template <class Given> explicit listener_with(Given &&function) : function_(std::forward<Given>(function))
    {
    }

  private:
    std::int32_t answer(const mf_pipeline_report &report) override
    {
        using answer_type = std::invoke_result_t<Function &, const mf_pipeline_report &>;
        static_assert(std::is_void_v<answer_type> || std::is_same_v<answer_type, std::int32_t>,
                      "on_report returns nothing, or an int32_t: other than 0 stops the pipeline");
        if constexpr (std::is_void_v<answer_type>) {
            function_(report);
            return 0;
        } else {
            return function_(report);
        }
    }

    Function function_;
};

struct pipeline_deleter {
    void operator()(mf_pipeline *pipeline) const noexcept { mf_pipeline_free(pipeline); }
};

} // namespace detail

/** Trains the layers of a network at the same time on several threads. */
class pipeline
{
  public:
    pipeline() noexcept = default;

    explicit pipeline(const mf_pipeline_spec &spec) { create(spec); }

    pipeline(const network_ref &network, std::size_t max_batch, std::uint32_t workers = 2)
    {
        create(spec_of(network, max_batch, workers));
    }

    /** Its workers are the threads of a pool. */
    pipeline(const network_ref &network, std::size_t max_batch, const pool_ref &pool)
    {
        pipeline_spec spec = spec_of(network, max_batch, 0);
        spec.pool = detail::held("pool", pool);
        create(spec);
    }

    /** With a function that gets every report: on_report(const mf_pipeline_report &). It returns nothing, or
     *  an int32_t that stops the pipeline when it is not 0. So does an exception, which then leaves the call
     *  that was on its way: submit, flush, stop, poll, evaluate, predict or infer. The function must not
     *  destroy the pipeline, nor move or assign anything to it: it would end with it. */
    template <class Function>
    pipeline(mf_pipeline_spec spec, Function &&on_report)
        : listener_(std::make_unique<detail::listener_with<std::decay_t<Function>>>(
              std::forward<Function>(on_report)))
    {
        spec.on_report = detail::listener::hear;
        spec.user = listener_.get();
        create(spec);
    }

    /** For the functions of monoforward.h. The pipeline stays the owner: its function lives as long. */
    mf_pipeline *get() const noexcept { return handle_.get(); }

    explicit operator bool() const noexcept { return handle_ != nullptr; }

    /** Gives the next batch to the workers; waits while the queue is full. */
    void submit(view<const float> x, view<const std::int32_t> y)
    {
        std::size_t rows = detail::labelled_rows(x, y.size(), inputs_, labels_);
        finish(mf_pipeline_submit(get(), rows, x.data(), y.data()));
    }

    void submit(const batch &batch)
    {
        batch.require_sizes(inputs_, labels_);
        finish(mf_pipeline_submit_batch(get(), &batch));
    }

    /** The same without waiting: false if the queue is full, or a layer is being trained elsewhere, or another
     *  thread is in a call. */
    [[nodiscard]] bool try_submit(view<const float> x, view<const std::int32_t> y)
    {
        std::size_t rows = detail::labelled_rows(x, y.size(), inputs_, labels_);
        return finish_unless_busy(mf_pipeline_try_submit(get(), rows, x.data(), y.data()));
    }

    [[nodiscard]] bool try_submit(const batch &batch)
    {
        batch.require_sizes(inputs_, labels_);
        return finish_unless_busy(mf_pipeline_try_submit_batch(get(), &batch));
    }

    /** Waits until every batch has been learned; then the layers are at rest. */
    void flush() { finish(mf_pipeline_flush(get())); }

    void stop() { finish(mf_pipeline_stop(get())); }

    /** The next report; none if it is not there yet, or if all have been read: see progress(); or if another
     *  thread is in a call. With an on_report, that gets all there are. */
    std::optional<mf_pipeline_report> poll()
    {
        auto report = detail::result<mf_pipeline_report>();
        mf_status status = mf_pipeline_poll(get(), &report);
        if (status == MF_STATUS_NOT_FOUND || !finish_unless_busy(status))
            return std::nullopt;
        return report;
    }

    mf_pipeline_progress_info progress() const
    {
        auto progress = detail::result<mf_pipeline_progress_info>();
        check(mf_pipeline_progress(get(), &progress));
        return progress;
    }

    /** flush(), then the function of network of the same name. */
    void evaluate(workspace_ref &workspace, view<const float> x, view<const std::int32_t> y)
    {
        std::size_t rows = detail::labelled_rows(x, y.size(), inputs_, labels_);
        finish(mf_pipeline_evaluate(get(), workspace.get(), rows, x.data(), y.data()));
    }

    void evaluate(workspace_ref &workspace, const batch &batch)
    {
        batch.require_sizes(inputs_, labels_);
        finish(mf_pipeline_evaluate_batch(get(), workspace.get(), &batch));
    }

    void predict(workspace_ref &workspace, view<const float> x, view<std::int32_t> labels,
                 std::int32_t mode = MF_PREDICT_LAST)
    {
        std::size_t rows = detail::labelled_rows(x, labels.size(), inputs_, labels_);
        finish(mf_pipeline_predict(get(), workspace.get(), mode, rows, x.data(), labels.data()));
    }

    std::vector<std::int32_t> predict(workspace_ref &workspace, view<const float> x,
                                      std::int32_t mode = MF_PREDICT_LAST)
    {
        std::size_t rows = detail::rows_of(x, inputs_);
        std::vector<std::int32_t> labels(detail::returned(rows, labels_));
        finish(mf_pipeline_predict(get(), workspace.get(), mode, rows, x.data(), labels.data()));
        return labels;
    }

    void infer(workspace_ref &workspace, const batch &batch, const answers &out,
               std::int32_t mode = MF_PREDICT_LAST)
    {
        batch.require_sizes(inputs_, labels_);
        detail::require_answers(out, batch.rows, scores_, labels_);
        finish(mf_pipeline_infer(get(), workspace.get(), mode, &batch, out.labels.data(), out.goodness.data(),
                                 out.probabilities.data()));
    }

    void infer(workspace_ref &workspace, view<const float> x, const answers &out,
               std::int32_t mode = MF_PREDICT_LAST)
    {
        infer(workspace, batch(x, detail::rows_of(x, inputs_)), out, mode);
    }

    owned_answers infer(workspace_ref &workspace, const batch &batch, std::int32_t mode = MF_PREDICT_LAST)
    {
        batch.require_sizes(inputs_, labels_);
        owned_answers out = detail::make_answers(batch.rows, labels_, scores_);
        finish(mf_pipeline_infer(get(), workspace.get(), mode, &batch, out.labels.data(), out.goodness.data(),
                                 out.probabilities.data()));
        return out;
    }

    owned_answers infer(workspace_ref &workspace, view<const float> x, std::int32_t mode = MF_PREDICT_LAST)
    {
        return infer(workspace, batch(x, detail::rows_of(x, inputs_)), mode);
    }

  private:
    static pipeline_spec spec_of(const network_ref &network, std::size_t max_batch, std::uint32_t workers)
    {
        pipeline_spec spec;
        spec.network = detail::held("network", network);
        spec.max_batch = max_batch;
        spec.workers = workers;
        return spec;
    }

    /* The sizes are asked for here, once: later the layers may be in the works. */
    void create(const mf_pipeline_spec &spec)
    {
        mf_pipeline *created = nullptr;
        check(mf_pipeline_create(&spec, &created));
        handle_.reset(created);
        inputs_ = detail::inputs(spec.network);
        scores_ = detail::scores(spec.network);
        labels_ = detail::labels(spec.network);
    }

    /* What on_report has thrown is the reason for whatever status the library returned. */
    void finish(mf_status status)
    {
        if (listener_)
            listener_->rethrow();
        check(status);
    }

    bool finish_unless_busy(mf_status status)
    {
        finish(status == MF_STATUS_BUSY ? MF_STATUS_OK : status);
        return status != MF_STATUS_BUSY;
    }

    std::unique_ptr<detail::listener> listener_;
    std::unique_ptr<mf_pipeline, detail::pipeline_deleter> handle_;
    std::size_t inputs_ = 0;
    std::size_t scores_ = 0;
    std::size_t labels_ = 1;
};

/* ---- products and the BLAS library ---- */

/** The products of a layer that is created now: "avx512", "blas", ... */
inline const char *products_name() noexcept { return mf_products_name(); }

namespace blas
{
inline const char *name() noexcept { return mf_blas_name(); }

/** For the whole process. */
inline void set_threads(std::int32_t threads) { check(mf_blas_set_threads(threads)); }

inline std::int32_t threads()
{
    std::int32_t threads = 0;
    check(mf_blas_get_threads(&threads));
    return threads;
}
} // namespace blas

} // namespace v0
} // namespace monoforward

#endif /* MONOFORWARD_HPP */
