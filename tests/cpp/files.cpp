/* Models in files and buffers, snapshots, ONNX. SPDX-License-Identifier: MIT */
#include "check.hpp"

#include <cstdio>
#include <fstream>
#include <iterator>

namespace
{
/* A file of the test's, gone when the test ends. */
class temporary
{
  public:
    explicit temporary(const char *name) : path_(std::string("test_cpp_files_") + name)
    {
        std::remove(path_.c_str());
    }
    ~temporary() { std::remove(path_.c_str()); }
    temporary(const temporary &) = delete;
    temporary &operator=(const temporary &) = delete;

    const std::string &path() const { return path_; }

    std::string read() const
    {
        std::ifstream file(path_, std::ios::binary);
        return std::string(std::istreambuf_iterator<char>(file), {});
    }

  private:
    std::string path_;
};

bool same(const std::vector<std::byte> &buffer, const std::string &text)
{
    return buffer.size() == text.size() &&
           std::string(reinterpret_cast<const char *>(buffer.data()), text.size()) == text;
}

std::vector<float> trained(mf::network &network, mf::workspace &workspace, int steps)
{
    for (int step = 0; step < steps; step++)
        network.step(workspace, xor_x, xor_y);
    return network.goodness(workspace, xor_x);
}
} // namespace

TEST(files, a_buffer_holds_the_bytes_of_the_file)
{
    mf::network network = small_network();
    temporary file("model");
    network.save(file.path());
    std::vector<std::byte> buffer = network.save_buffer();
    CHECK(same(buffer, file.read()) && network.save_size() == buffer.size() && buffer.size() > 1000);
    std::vector<char> chars(buffer.size() + 5);
    CHECK(network.save_buffer(chars) == buffer.size());
    CHECK(network.save_size(MF_CONTENTS_TRAINING) > buffer.size());
    CHECK_ERROR(MF_STATUS_CAPACITY, "", network.save_buffer(mf::bytes(chars.data(), 10)));
    CHECK_ERROR(MF_STATUS_IO, "no/such", network.save("no/such/folder"));
}

TEST(files, training_goes_on_from_a_file)
{
    mf::network network = small_network();
    mf::workspace workspace(network, 4);
    trained(network, workspace, 10);
    temporary file("training");
    network.save(file.path(), MF_CONTENTS_TRAINING);
    mf::load_spec how;
    how.contents = MF_CONTENTS_TRAINING;
    mf::network copy = mf::network::load(file.path(), how);
    mf::workspace own(copy, 4);
    CHECK(trained(copy, own, 10) == trained(network, workspace, 10));
    CHECK(copy.at(0).attached_optimizer().get() == copy.at(1).attached_optimizer().get());
    CHECK(!mf::network::load(file.path()).at(0).attached_optimizer());
    how.max_bytes = 100;
    CHECK_ERROR(MF_STATUS_CAPACITY, "", mf::network::load(file.path(), how));
}

TEST(files, a_network_comes_back_from_a_buffer)
{
    mf::network network = small_network();
    mf::workspace workspace(network, 4);
    std::vector<std::byte> buffer = network.save_buffer(MF_CONTENTS_TRAINING);
    mf::network copy = mf::network::load_buffer(buffer);
    mf::workspace own(copy, 4);
    CHECK(copy.goodness(own, xor_x) == network.goodness(workspace, xor_x));
    buffer.resize(buffer.size() / 2);
    CHECK_ERROR(MF_STATUS_FORMAT, "", mf::network::load_buffer(buffer));
}

TEST(files, an_output_gets_the_bytes_of_the_file)
{
    mf::network network = small_network();
    std::vector<std::byte> got;
    auto collect = [&got](const std::byte *bytes, std::size_t count) {
        got.insert(got.end(), bytes, bytes + count);
    };
    network.save_to(collect, MF_CONTENTS_TRAINING);
    CHECK(got == network.save_buffer(MF_CONTENTS_TRAINING));
    got.clear();
    network.export_onnx_to(collect);
    CHECK(got == network.export_onnx_buffer());
    int calls = 0;
    try {
        network.save_to([&calls](const std::byte *, std::size_t) {
            calls++;
            throw std::string("full");
        });
        CHECK(false);
    } catch (const std::string &reason) {
        CHECK(reason == "full" && calls == 1);
    }
    CHECK_ERROR(MF_STATUS_STATE, "", mf::network().export_onnx_to(collect));
}

TEST(files, metadata_are_kept_with_a_network)
{
    mf::network network = small_network();
    const float shift[] = {-1.0f, 2.0f}, scale[] = {3.0f, 0.5f};
    network.set_input_scaling(shift, scale);
    CHECK(network.input_scaling().first == std::vector<float>({-1.0f, 2.0f}));
    std::vector<float> to(2), by(3);
    CHECK(network.input_scaling({}, {}) == 2 && network.input_scaling({}, by) == 2);
    CHECK(by == std::vector<float>({3.0f, 0.5f, 0}) && network.input_scaling(to, by) == 2);
    CHECK(to == std::vector<float>({-1.0f, 2.0f}));
    CHECK_ERROR(MF_STATUS_CAPACITY, "room for 1", network.input_scaling(to, {by.data(), 1}));
    CHECK_ERROR(MF_STATUS_CAPACITY, "room for 1", network.input_scaling({to.data(), 1}, by));
    CHECK(network.clone().input_scaling().second == std::vector<float>({3.0f, 0.5f}));
    CHECK_ERROR(MF_STATUS_SHAPE, "sizes", network.set_input_scaling(shift, {scale, 1}));
    network.set_input_scaling({}, {});
    CHECK(network.input_scaling().first.empty());
    network.metadata_set("class_names", "even\nodd");
    network.metadata_set("a", "first");
    network.metadata_set("a", "again");
    CHECK(network.metadata_get("class_names") == "even\nodd");
    CHECK((network.metadata() ==
           std::vector<std::pair<std::string, std::string>>{{"a", "again"}, {"class_names", "even\nodd"}}));
    CHECK(mf::network::load_buffer(network.save_buffer()).metadata() == network.metadata());
    network.metadata_remove("a");
    CHECK(network.metadata().size() == 1);
    CHECK_ERROR(MF_STATUS_NOT_FOUND, "\"a\"", network.metadata_remove("a"));
    CHECK_ERROR(MF_STATUS_NOT_FOUND, "\"a\"", network.metadata_get("a"));
    CHECK_ERROR(MF_STATUS_ARGUMENT, "format", network.metadata_set("format", "mine"));
    CHECK_ERROR(MF_STATUS_ARGUMENT, "character 0", network.metadata_set("a", std::string("b\0c", 3)));
    const std::string cut("model\0.tmp", 10);
    CHECK_ERROR(MF_STATUS_ARGUMENT, "character 0", network.save(cut));
    CHECK_ERROR(MF_STATUS_ARGUMENT, "character 0", network.export_onnx(cut));
    CHECK_ERROR(MF_STATUS_ARGUMENT, "character 0", mf::network::load(cut));
}

TEST(files, back_to_a_snapshot)
{
    mf::network network = small_network();
    mf::workspace workspace(network, 4);
    trained(network, workspace, 5);
    std::vector<std::byte> then = network.snapshot_save();
    CHECK(then.size() == network.snapshot_size());
    std::vector<float> once = trained(network, workspace, 5);
    network.snapshot_load(then);
    CHECK(trained(network, workspace, 5) == once);
    CHECK_ERROR(MF_STATUS_CAPACITY, "", network.snapshot_save(mf::bytes(then.data(), 8)));
    CHECK_ERROR(MF_STATUS_FORMAT, "", network.snapshot_load(std::string(then.size(), 'x')));
    CHECK_ERROR(MF_STATUS_SHAPE, "", small_network(2, 8).snapshot_load(then));
}

TEST(files, onnx)
{
    mf::network network = small_network();
    temporary file("onnx");
    network.export_onnx(file.path());
    std::vector<std::byte> buffer = network.export_onnx_buffer();
    CHECK(same(buffer, file.read()) && buffer.size() == network.export_onnx_size());
    std::vector<unsigned char> mine(buffer.size());
    CHECK(network.export_onnx_buffer(mine) == buffer.size() &&
          mine[0] == std::to_integer<unsigned char>(buffer[0]));
    CHECK_ERROR(MF_STATUS_CAPACITY, "", network.export_onnx_buffer(mf::bytes(mine.data(), 9)));
    CHECK_ERROR(MF_STATUS_STATE, "", mf::network().export_onnx(file.path()));
}

TEST(files, an_onnx_model_comes_back)
{
    mf::network network = small_network();
    mf::workspace workspace(network, 4);
    std::vector<std::byte> buffer = network.export_onnx_buffer();
    mf::onnx_spec spec;
    spec.buffer = buffer.data();
    spec.bytes = buffer.size();
    CHECK(mf::onnx_plan(spec).find("gradients stop here") != std::string::npos);
    mf::network copy = mf::network::import_onnx(spec);
    mf::workspace own(copy, 4);
    CHECK(copy.goodness(own, xor_x) == network.goodness(workspace, xor_x));
    spec.bytes /= 2;
    CHECK_ERROR(MF_STATUS_FORMAT, "", mf::network::import_onnx(spec));
    CHECK_ERROR(MF_STATUS_FORMAT, "", mf::onnx_plan(spec));
}
