/* Runs the tests of one group, or all: test_cpp [GROUP]. SPDX-License-Identifier: MIT */
#include "check.hpp"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <new>

namespace
{
struct entry {
    const char *group;
    const char *name;
    void (*run)();
};

std::size_t checks = 0;
std::size_t failures = 0;
std::atomic<std::size_t> new_calls{0};

std::vector<entry> &entries()
{
    static std::vector<entry> all;
    return all;
}

void *counted_alloc(void *user, std::size_t bytes, std::size_t alignment)
{
    auto *memory = static_cast<counting_memory *>(user);
    if (++memory->calls == memory->fail_at)
        return nullptr;
    std::size_t unit = alignment < sizeof(void *) ? sizeof(void *) : alignment;
    void *block = std::aligned_alloc(unit, (bytes + unit - 1) / unit * unit);
    if (block != nullptr) {
        memory->blocks++;
        memory->bytes += bytes;
    }
    return block;
}

void counted_free(void *user, void *pointer, std::size_t bytes)
{
    auto *memory = static_cast<counting_memory *>(user);
    if (pointer == nullptr)
        return;
    memory->blocks--;
    memory->bytes -= bytes;
    std::free(pointer);
}

void run(const entry &one)
{
    std::size_t before = checks;
    std::size_t failed_before = failures;
    try {
        one.run();
        check_that(checks > before, "the test has checked nothing", one.name, 0);
    } catch (const std::exception &problem) {
        check_that(false, problem.what(), one.name, 0);
    } catch (...) {
        check_that(false, "the test has thrown something", one.name, 0);
    }
    std::printf("%s %s.%s: %zu checks\n", failures == failed_before ? "ok:" : "FAILED:", one.group, one.name,
                checks - before);
}
} // namespace

const float xor_x[8] = {0, 0, 0, 1, 1, 0, 1, 1};
const std::int32_t xor_y[4] = {0, 1, 1, 0};

test::test(const char *group, const char *name, void (*run)()) { entries().push_back({group, name, run}); }

void check_that(bool condition, const char *what, const char *file, int line)
{
    checks++;
    if (condition)
        return;
    failures++;
    std::printf("%s:%d: %s\n", file, line, what);
}

void check_error(const mf::error &problem, mf_status expected, const std::string &part, const char *what,
                 const char *file, int line)
{
    checks++;
    if (problem.status() == expected && std::string(problem.what()).find(part) != std::string::npos)
        return;
    failures++;
    std::printf("%s:%d: %s: %s, \"%s\"; expected status %d and \"%s\"\n", file, line, what, problem.name(),
                problem.what(), static_cast<int>(expected), part.c_str());
}

mf_allocator counting_memory::allocator() { return {counted_alloc, counted_free, this}; }

std::size_t news() { return new_calls; }

mf::network small_network(std::size_t layers, std::size_t width, const mf_allocator *allocator)
{
    mf::network_spec spec;
    spec.allocator = allocator;
    mf::network network(spec);
    mf::optimizer_spec how;
    how.learning_rate = 0.01f;
    how.allocator = allocator;
    for (std::size_t i = 0; i < layers; i++) {
        mf::layer_spec shape = mf::layer_spec::dense(i == 0 ? 2 : width, width, 2);
        shape.seed = i + 1;
        shape.allocator = allocator;
        network.append(shape);
    }
    network.set_optimizer(mf::optimizer(how));
    return network;
}

void *operator new(std::size_t bytes)
{
    new_calls++;
    if (void *block = std::malloc(bytes == 0 ? 1 : bytes))
        return block;
    throw std::bad_alloc();
}

void operator delete(void *block) noexcept { std::free(block); }
void operator delete(void *block, std::size_t) noexcept { std::free(block); }

int main(int argc, char **argv)
{
    std::string group = argc > 1 ? argv[1] : "";
    std::size_t count = 0;
    for (const entry &one : entries()) {
        if (!group.empty() && group != one.group)
            continue;
        run(one);
        count++;
    }
    std::printf("%zu tests, %zu checks, %zu failed\n", count, checks, failures);
    return count == 0 || failures > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
