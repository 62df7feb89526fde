/* What the C++ tests share: tests in groups, counted checks, errors that are expected, an allocator that
 * counts. SPDX-License-Identifier: MIT */
#ifndef TEST_CPP_CHECK_HPP
#define TEST_CPP_CHECK_HPP

#include "monoforward.hpp"

#include <string>

namespace mf = monoforward;

/* TEST(group, name) { ... } is run by `test_cpp group`. */
#define TEST(group, name)                                                                \
    static void test_##group##_##name();                                                 \
    static const test registered_##group##_##name(#group, #name, test_##group##_##name); \
    static void test_##group##_##name()

#define CHECK(condition) check_that((condition), #condition, __FILE__, __LINE__)

/* The statement must throw monoforward::error with this status, and `part` in its message. */
#define CHECK_ERROR(expected, part, statement)                                       \
    do {                                                                             \
        try {                                                                        \
            statement;                                                               \
            check_that(false, #statement " throws nothing", __FILE__, __LINE__);     \
        } catch (const mf::error &thrown) {                                          \
            check_error(thrown, (expected), (part), #statement, __FILE__, __LINE__); \
        }                                                                            \
    } while (0)

class test
{
  public:
    test(const char *group, const char *name, void (*run)());
};

void check_that(bool condition, const char *what, const char *file, int line);
void check_error(const mf::error &problem, mf_status expected, const std::string &part, const char *what,
                 const char *file, int line);

/* Counts what is out, and fails at the call `fail_at`, counted from 1. */
struct counting_memory {
    std::size_t blocks = 0;
    std::size_t bytes = 0;
    std::size_t calls = 0;
    std::size_t fail_at = 0;

    mf_allocator allocator();
};

/* How often operator new has been called in this program. */
std::size_t news();

/* Four rows of two inputs, and their classes: XOR. */
extern const float xor_x[8];
extern const std::int32_t xor_y[4];

/* Layers of `width` neurons behind 2 inputs, for 2 classes, with seeds 1, 2, ... and Adam. */
mf::network small_network(std::size_t layers = 2, std::size_t width = 16,
                          const mf_allocator *allocator = nullptr);

#endif
