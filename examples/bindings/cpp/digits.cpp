/* digits: learns to read hand-drawn digits, in C++ by way of monoforward.hpp; keeps the model and reads it
 * back.
 *
 * SPDX-License-Identifier: MIT
 */
#include "monoforward.hpp"

extern "C" {
#include "digits.h"
#include "options.h"
#include "random.h"
}

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <new>
#include <numeric>

namespace mf = monoforward;

namespace
{
constexpr std::size_t batch_rows = 50;
constexpr double wanted_accuracy = 97;

struct settings {
    std::size_t samples = 12000;
    std::size_t epochs = 6;
    std::uint64_t seed = 1;
    const char *model = nullptr;
};

/* Images as the library reads them: rows of values from 0 to 1. */
struct samples {
    std::size_t width = 0;
    std::vector<float> x;
    std::vector<std::int32_t> y;
};

samples draw(std::size_t count, std::uint64_t seed)
{
    image_set set = {};
    if (!digits_draw(&set, count, seed))
        throw std::bad_alloc();
    samples drawn;
    drawn.width = set.rows * set.columns;
    drawn.x.assign(set.pixels, set.pixels + count * drawn.width);
    for (float &value : drawn.x)
        value /= 255;
    drawn.y.assign(set.labels, set.labels + count);
    image_set_free(&set);
    return drawn;
}

mf::network make_network(std::size_t width, std::uint64_t seed)
{
    mf::network network;
    mf::layer_spec shape = mf::layer_spec::dense(width, 200, DIGIT_CLASSES);
    shape.dropout = 0.2f;
    shape.normalization = MF_NORMALIZATION_BATCH;
    for (std::uint64_t i = 1; i <= 2; i++) {
        shape.seed = random_derive(seed, i);
        network.append(shape);
        shape.inputs = shape.outputs;
    }
    return network;
}

/* Batches of neighbouring rows in the order of `order`. */
void train_epoch(mf::network &network, mf::workspace &workspace, const samples &data,
                 const std::vector<std::uint32_t> &order)
{
    std::vector<float> x(batch_rows * data.width);
    std::vector<std::int32_t> y(batch_rows);
    for (std::size_t first = 0; first + batch_rows <= order.size(); first += batch_rows) {
        for (std::size_t i = 0; i < batch_rows; i++) {
            const std::uint32_t row = order[first + i];
            std::copy_n(&data.x[row * data.width], data.width, &x[i * data.width]);
            y[i] = data.y[row];
        }
        network.step(workspace, x, y);
    }
}

/* Rows at a time that fit the workspace; the answers of the sum of all layers. */
std::vector<std::int32_t> read_digits(const mf::network &network, const samples &data)
{
    mf::workspace workspace(network, batch_rows, MF_WORKSPACE_INFERENCE);
    std::vector<std::int32_t> labels(data.y.size());
    for (std::size_t first = 0; first < labels.size(); first += batch_rows) {
        const std::size_t rows = std::min(batch_rows, labels.size() - first);
        network.predict(workspace, {&data.x[first * data.width], rows * data.width}, {&labels[first], rows},
                        MF_PREDICT_SUM);
    }
    return labels;
}

double percent_right(const std::vector<std::int32_t> &labels, const std::vector<std::int32_t> &y)
{
    std::size_t right = 0;
    for (std::size_t i = 0; i < y.size(); i++)
        right += labels[i] == y[i];
    return 100 * static_cast<double>(right) / static_cast<double>(y.size());
}

void train(mf::network &network, const settings &settings, const samples &data, const samples &test)
{
    mf::optimizer_spec how; /* Adam */
    how.learning_rate = 0.002f;
    mf::optimizer adam(how);
    network.set_optimizer(adam);
    mf::workspace workspace(network, batch_rows);
    std::vector<std::uint32_t> order(data.y.size());
    std::iota(order.begin(), order.end(), 0);
    random_stream stream = {random_derive(settings.seed, 100)};
    std::printf("epoch  learning rate  last loss  test accuracy\n");
    for (std::size_t epoch = 0; epoch < settings.epochs; epoch++) {
        double rate = how.learning_rate * mf::schedule::cosine(epoch, settings.epochs, 0.05);
        adam.set(MF_OPTIMIZER_LEARNING_RATE, rate);
        random_shuffle(&stream, order.data(), order.size());
        train_epoch(network, workspace, data, order);
        std::printf("%5zu  %13.5f  %9.4f  %13.2f\n", epoch + 1, rate, workspace.report(1).loss,
                    percent_right(read_digits(network, test), test.y));
    }
}

/* To the file and back or, without one, to a buffer and back. */
mf::network save_and_load(const mf::network &network, const char *path)
{
    if (path == nullptr)
        return mf::network::load_buffer(network.save_buffer());
    network.save(path);
    return mf::network::load(path);
}

/* "yes" if the model that comes back answers alike. */
const char *survives(const mf::network &network, const samples &test, const char *path)
{
    mf::network copy = save_and_load(network, path);
    return read_digits(copy, test) == read_digits(network, test) ? "yes" : "no";
}

/* What a mistake looks like: nothing has happened to the network, and the program goes on. */
void make_a_mistake(mf::network &network, const samples &data)
{
    try {
        mf::workspace workspace(network, batch_rows);
        network.step(workspace, {data.x.data(), 1000}, {data.y.data(), 10});
    } catch (const mf::error &problem) {
        std::printf("\na mistake, on purpose: %s (%s)\n", problem.what(), problem.name());
    }
}

/* Products this small gain nothing from threads. A BLAS library that has none leaves nothing to set. */
void use_one_thread()
{
    try {
        mf::blas::set_threads(1);
    } catch (const mf::error &problem) {
        if (problem.status() != MF_STATUS_UNSUPPORTED)
            throw;
    }
}

int run(const settings &settings)
{
    use_one_thread();
    const auto started = std::chrono::steady_clock::now();
    const samples data = draw(settings.samples, random_derive(settings.seed, 10));
    const samples test = draw(2000, random_derive(settings.seed, 11));
    mf::network network = make_network(data.width, settings.seed);
    train(network, settings, data, test);
    make_a_mistake(network, data);
    const char *saved = survives(network, test, settings.model);
    const double accuracy = percent_right(read_digits(network, test), test.y);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - started;
    std::printf(
        "result example=cpp_digits samples=%zu epochs=%zu seed=%llu accuracy=%.2f wanted=%.0f loaded=%s "
        "seconds=%.2f\n",
        settings.samples, settings.epochs, static_cast<unsigned long long>(settings.seed), accuracy,
        wanted_accuracy, saved, seconds.count());
    return accuracy >= wanted_accuracy ? EXIT_SUCCESS : EXIT_FAILURE;
}
} // namespace

int main(int argc, char **argv)
{
    settings settings;
    const option_rule rules[] = {
        option_count("samples", "drawings to learn from (12000)", &settings.samples, batch_rows, 1e6),
        option_count("epochs", "times to go through them (6)", &settings.epochs, 1, 1000),
        option_seed("seed", "equal seeds repeat a run (1)", &settings.seed),
        option_text("model", "FILE", "where to save the trained network", &settings.model),
    };
    const options_outcome outcome =
        options_read(argc, argv, "Learns to read drawn digits, in C++.", rules, std::size(rules));
    if (outcome != OPTIONS_READ)
        return outcome == OPTIONS_HELP ? EXIT_SUCCESS : EXIT_FAILURE;
    try {
        return run(settings);
    } catch (const std::exception &problem) {
        std::fprintf(stderr, "error: %s\n", problem.what());
        return EXIT_FAILURE;
    }
}
