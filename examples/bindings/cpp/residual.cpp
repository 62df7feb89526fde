/* residual: examples/11_residual.c in C++: residual blocks, each one layer of two convolutions and a skip,
 * learn CIFAR-10, or shapes that are drawn where there is none.
 *
 * SPDX-License-Identifier: MIT
 */
#include "monoforward.hpp"

extern "C" {
#include "data.h"
#include "options.h"
#include "random.h"
}

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <stdexcept>

namespace mf = monoforward;

namespace
{
constexpr std::size_t batch_rows = 64;

struct settings {
    const char *folder = nullptr;
    std::size_t epochs = 1;
    std::size_t images = 0;
    bool summary = false;
};

/* relu(convolutions of the input + the input). Where the block changes the shape, a 1 x 1 convolution takes
 * the input along. The projection reads 4 x 4 means of each map. */
mf::layer make_block(const mf_shape &input, std::size_t filters, std::size_t stride, std::uint64_t seed)
{
    return mf::builder(input, seed).residual(filters, stride).head(CLASSES, 4).build();
}

mf::network make_network()
{
    mf::network network;
    mf::builder stem({CHANNELS, SIDE, SIDE}, 1);
    mf::unit_spec conv = mf::unit_spec::conv2d(16);
    conv.bias = 0; /* that of the normalisation behind it is enough */
    network.append(stem.unit(conv).batch_norm().relu().max_pool().head(CLASSES, 4).build());
    network.append(make_block(network.at(0).output_shape(), 16, 1, 2));
    network.append(make_block(network.at(1).output_shape(), 32, 2, 3));
    network.append(make_block(network.at(2).output_shape(), 32, 1, 4));
    return network;
}

/* The pictures, which somebody has to free. */
class pictures : public data
{
  public:
    explicit pictures(const settings &settings) : data()
    {
        if (!data_open(this, SET_CIFAR10, data_find(SET_CIFAR10, settings.folder), settings.images, 1)) {
            data_free(this);
            throw std::runtime_error("no pictures");
        }
    }
    ~pictures()
    {
        data_free(this);
    }
    pictures(const pictures &) = delete;
    pictures &operator=(const pictures &) = delete;
};

void train(mf::network &network, mf::workspace &workspace, pictures &pictures, std::size_t epochs)
{
    std::vector<float> x(batch_rows * PIXELS);
    std::vector<std::int32_t> y(batch_rows);
    random_stream stream = {1};
    for (std::size_t epoch = 0; epoch < epochs; epoch++) {
        random_shuffle(&stream, pictures.order, pictures.train.count);
        for (std::size_t first = 0; first < pictures.train.count; first += batch_rows) {
            const std::size_t rows = std::min(batch_rows, pictures.train.count - first);
            data_train_batch(&pictures, first, rows, nullptr, x.data(), y.data());
            network.step(workspace, {x.data(), rows * PIXELS}, {y.data(), rows});
        }
    }
}

/* Percent right and loss of the last layer. */
std::pair<double, double> evaluate(const mf::network &network, mf::workspace &workspace,
                                   const pictures &pictures)
{
    std::vector<float> x(batch_rows * PIXELS);
    std::vector<std::int32_t> y(batch_rows);
    double right = 0, loss = 0;
    const std::size_t count = pictures.test.count;
    for (std::size_t first = 0; first < count; first += batch_rows) {
        const std::size_t rows = std::min(batch_rows, count - first);
        data_test_batch(&pictures, first, rows, false, x.data(), y.data());
        network.evaluate(workspace, {x.data(), rows * PIXELS}, {y.data(), rows});
        const mf_report report = workspace.report(network.size() - 1);
        right += 100 * static_cast<double>(report.correct) / static_cast<double>(count);
        loss += report.loss * static_cast<double>(rows) / static_cast<double>(count);
    }
    return {right, loss};
}

int run(const settings &settings)
{
    pictures pictures(settings);
    if (pictures.folder == nullptr)
        std::puts("no CIFAR-10 was found: SHAPES ARE DRAWN instead");
    mf::network network = make_network();
    if (settings.summary)
        std::fputs(network.summary(batch_rows).c_str(), stdout);
    mf::optimizer_spec how; /* Adam */
    how.learning_rate = 0.002f;
    network.set_optimizer(mf::optimizer(how));
    mf::workspace workspace(network, batch_rows);
    train(network, workspace, pictures, settings.epochs);
    const auto [right, loss] = evaluate(network, workspace, pictures);
    std::printf("result example=cpp_residual data=%s images=%zu epochs=%zu accuracy=%.2f loss=%.4f\n",
                pictures.folder == nullptr ? "drawn" : "cifar10", pictures.train.count, settings.epochs,
                right, loss);
    return EXIT_SUCCESS;
}
} // namespace

int main(int argc, char **argv)
{
    settings settings;
    const option_rule rules[] = {
        option_text("data", "DIR", "folder of CIFAR-10's binary files", &settings.folder),
        option_count("epochs", "times to go through the pictures (1)", &settings.epochs, 1, 1000),
        option_count("images", "pictures to learn from; 0: all (0)", &settings.images, 0, 1e6),
        option_flag("summary", "print the units of the network", &settings.summary),
    };
    const options_outcome outcome =
        options_read(argc, argv, "Residual blocks, each one layer, in C++.", rules, std::size(rules));
    if (outcome != OPTIONS_READ)
        return outcome == OPTIONS_HELP ? EXIT_SUCCESS : EXIT_FAILURE;
    try {
        return run(settings);
    } catch (const mf::error &problem) {
        std::fprintf(stderr, "error: %s\n", problem.what());
    } catch (const std::exception &) { /* of the pictures, which have complained */
    }
    return EXIT_FAILURE;
}
