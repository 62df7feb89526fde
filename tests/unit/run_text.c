/* The place of a run as a text: what was written is read to the bit, and any other text is refused.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>

#include "../support/check.h"
#include "run_text.h"

/* Numbers that need all their bits, and those that are none. */
static struct run_state make_state(void)
{
    struct run_state state = {.keep = {.best = 98.1 / 3, .best_epoch = 2, .save = "kept"},
                              .position = UINT64_MAX,
                              .step = 12345678901234567u,
                              .augmenting = UINT64_MAX - 1,
                              .seconds = 1.0 / 3,
                              .elapsed = 1e300,
                              .learning = -5e-324,
                              .judging = 0.1,
                              .share = 1,
                              .epochs = 2.5};
    for (size_t i = 0; i < SIZE_LIST_CAPACITY; i++)
        state.losses[i] = (double)i / 7;
    for (size_t i = 0; i < 3; i++) {
        struct epoch epoch = epoch_blank(i + 1);

        epoch.loss[0] = 0.1 * (double)i;
        epoch.seconds = 1.0 / 9;
        epoch.samples_per_second = INFINITY;
        epoch.last = i == 1 ? NAN : 99.9;
        assert_true(history_add(&state.history, &epoch));
    }
    return state;
}

static void check_number(double one, double other)
{
    assert_true(isnan(one) ? isnan(other) : memcmp(&one, &other, sizeof one) == 0);
}

static void test_what_is_written_is_read(void **state)
{
    struct run_state written = make_state(), read = {.keep = {.save = "mine"}};
    char *text = run_text_write(&written), *again;

    (void)state;
    assert_non_null(text);
    assert_true(run_text_read(text, &read));
    assert_int_equal(read.position, written.position);
    assert_int_equal(read.step, written.step);
    assert_int_equal(read.augmenting, written.augmenting);
    assert_int_equal(read.keep.best_epoch, 2);
    assert_string_equal(read.keep.save, "mine");
    check_number(read.keep.best, written.keep.best);
    check_number(read.learning, written.learning);
    check_number(read.epochs, written.epochs);
    for (size_t i = 0; i < SIZE_LIST_CAPACITY; i++)
        check_number(read.losses[i], written.losses[i]);
    assert_int_equal(read.history.count, 3);
    for (size_t i = 0; i < 3; i++) {
        const struct epoch *one = &read.history.epochs[i], *other = &written.history.epochs[i];

        assert_int_equal(one->depth, other->depth);
        check_number(one->last, other->last);
        check_number(one->samples_per_second, other->samples_per_second);
        for (size_t j = 0; j < SIZE_LIST_CAPACITY; j++) {
            check_number(one->loss[j], other->loss[j]);
            check_number(one->accuracy[j], other->accuracy[j]);
        }
    }
    again = run_text_write(&read);
    assert_string_equal(text, again);
    assert_true(strlen(text) <= RUN_TEXT_START + 3 * run_text_epoch(3));
    history_free(&read.history);
    history_free(&written.history);
    free(text);
    free(again);
}

static void check_refused(const char *text)
{
    struct run_state state = {.step = 7};

    assert_false(run_text_read(text, &state));
    assert_int_equal(state.step, 7);
    assert_int_equal(state.history.count, 0);
    assert_null(state.history.epochs);
}

static void test_other_texts_are_refused(void **state)
{
    struct run_state written = make_state();
    char *text = run_text_write(&written), *copy;
    size_t length;

    (void)state;
    assert_non_null(text);
    length = strlen(text);
    copy = malloc(length + 2);
    assert_non_null(copy);
    for (size_t i = 0; i < length; i++) {
        memcpy(copy, text, i);
        copy[i] = '\0';
        check_refused(copy); /* cut */
        memcpy(copy, text, length + 1);
        copy[i] = '~';
        check_refused(copy); /* one character wrong */
    }
    memcpy(copy, text, length);
    memcpy(copy + length, "\n", 2);
    check_refused(copy); /* goes on */
    check_refused("run 1\nposition 99999999999999999999 0 0\n");
    check_refused("run 1\nposition -1 0 0\n");
    history_free(&written.history);
    free(text);
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_read),
        cmocka_unit_test(test_other_texts_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
