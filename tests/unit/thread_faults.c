/* The k-th thread does not start, the k-th lock cannot be made: a pool works with the threads that it got,
 * all else is refused, and no thread, no memory and no claim on a layer is left. SPDX-License-Identifier: MIT
 */
#include "thread_faults.h"

#include <dirent.h>
#include <pthread.h>
#include <time.h>

#include "memory.h"
#include "models.h"
#include "training_fixture.h"

static test_memory memory;
static mf_allocator allocator;
static size_t injected;

static void *do_nothing(void *nothing)
{
    return nothing;
}

/* With the first thread a sanitizer may start one of its own, which stays. */
static int open_all(void **state)
{
    pthread_t first;

    (void)state;
    allocator = memory_allocator(&memory);
    return pthread_create(&first, NULL, do_nothing, NULL) || pthread_join(first, NULL);
}

static size_t entries(const char *folder)
{
    DIR *list = opendir(folder);
    size_t count = 0;

    if (list == NULL)
        return 0; /* the system has no such folder */
    while (readdir(list) != NULL)
        count++;
    closedir(list);
    return count;
}

/* A thread that has been joined may be listed for a moment. */
static void check_threads(size_t expected)
{
    for (int wait = 0; wait < 10000 && entries("/proc/self/task") != expected; wait++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    assert_int_equal(entries("/proc/self/task"), expected);
}

/* ---- pools ---- */

static mf_status create_pool(uint32_t threads, mf_pool **pool)
{
    mf_pool_spec spec;

    check_ok(mf_pool_spec_init(&spec, sizeof spec));
    spec.threads = threads;
    spec.allocator = &allocator;
    return mf_pool_create(&spec, pool);
}

/* The same bits as without a pool, whatever has started. */
static void check_pool_works(mf_pool *pool, uint32_t most)
{
    training_fixture *alone = make_training_fixture(&rules[0]), *helped = make_training_fixture(&rules[0]);
    mf_workspace_spec spec;
    mf_workspace *workspace = NULL;
    uint32_t threads = 0;

    check_ok(mf_pool_threads(pool, &threads));
    assert_in_range(threads, 1, most);
    check_ok(mf_workspace_spec_init(&spec, sizeof spec));
    spec.network = helped->network;
    spec.max_batch = ROWS;
    spec.pool = pool;
    check_ok(mf_workspace_create(&spec, &workspace));
    for (size_t t = 0; t < 3; t++) {
        const mf_batch batch = batch_of(alone, t), same = batch_of(helped, t);

        check_ok(mf_network_step_batch(alone->network, alone->workspace, &batch));
        check_ok(mf_network_step_batch(helped->network, workspace, &same));
    }
    check_same_model(alone->network, helped->network);
    mf_workspace_free(workspace);
    free_training_fixture(alone);
    free_training_fixture(helped);
}

static void sweep_pool(uint32_t threads, int kind, int lasting)
{
    size_t before = entries("/proc/self/task"), faults;

    for (size_t nth = 1;; nth++) {
        mf_pool *pool = (mf_pool *)1;
        mf_status status;

        thread_fail_at(kind, nth, lasting);
        status = create_pool(threads, &pool);
        faults = threads_failed();
        injected += faults > 0;
        thread_fail_at(kind, 0, 0);
        if (faults > 0 && (kind == THREAD_MUTEX || kind == THREAD_CONDITION)) {
            check_status(MF_STATUS_MEMORY, status);
            check_message("lock");
            assert_null(pool);
        } else {
            check_ok(status);
            check_pool_works(pool, faults > 0 ? (uint32_t)nth : threads);
        }
        mf_pool_free(pool);
        assert_int_equal(memory.blocks_out, 0);
        check_threads(before);
        if (faults == 0)
            return;
    }
}

static void test_a_pool_works_with_what_it_got_or_is_refused(void **state)
{
    static const uint32_t counts[] = {1, 2, 5};

    (void)state;
    for (size_t c = 0; c < COUNT_OF(counts); c++)
        for (int kind = 0; kind < THREAD_KINDS; kind++)
            for (int lasting = 0; lasting < 2; lasting++)
                sweep_pool(counts[c], kind, lasting);
}

/* ---- pipelines ---- */

static void sweep_pipeline(uint32_t workers, mf_pool *pool, int kind, int lasting)
{
    training_fixture *used = make_training_fixture(&rules[0]), *other = make_training_fixture(&rules[0]);
    mf_pipeline_spec spec = pipeline_spec(used->network, workers, 2);
    size_t before = entries("/proc/self/task"), blocks = memory.blocks_out, faults = 1, t = 0;

    spec.allocator = &allocator;
    spec.pool = pool;
    for (size_t nth = 1; faults > 0; nth++) {
        mf_pipeline *pipeline = (mf_pipeline *)1;
        const mf_batch batch = batch_of(used, t % BATCHES), same = batch_of(other, t % BATCHES);
        mf_status status;

        thread_fail_at(kind, nth, lasting);
        status = mf_pipeline_create(&spec, &pipeline);
        faults = threads_failed();
        injected += faults > 0;
        thread_fail_at(kind, 0, 0);
        if (faults > 0) {
            check_status(MF_STATUS_MEMORY, status);
            check_message(kind == THREAD_MUTEX || kind == THREAD_CONDITION ? "lock" : "thread");
            assert_null(pipeline);
            /* Nobody else has the layers. */
            check_ok(mf_network_step_batch(used->network, used->workspace, &batch));
        } else {
            check_ok(status);
            check_ok(mf_pipeline_submit_batch(pipeline, &batch));
            check_ok(mf_pipeline_flush(pipeline));
            mf_pipeline_free(pipeline);
        }
        check_ok(mf_network_step_batch(other->network, other->workspace, &same));
        t++;
        assert_int_equal(memory.blocks_out, blocks);
        check_threads(before);
    }
    check_same_model(used->network, other->network);
    free_training_fixture(used);
    free_training_fixture(other);
}

static void test_a_pipeline_is_refused_and_leaves_nothing(void **state)
{
    mf_pool *pool = NULL;

    (void)state;
    check_ok(create_pool(3, &pool));
    for (int kind = 0; kind < THREAD_KINDS; kind++)
        for (int lasting = 0; lasting < 2; lasting++) {
            for (uint32_t workers = 0; workers < 4; workers++)
                sweep_pipeline(workers, NULL, kind, lasting);
            sweep_pipeline(0, pool, kind, lasting);
        }
    check_pool_works(pool, 3);
    mf_pool_free(pool);
    assert_int_equal(memory.blocks_out, 0);
    print_message("%zu faults\n", injected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pool_works_with_what_it_got_or_is_refused),
        cmocka_unit_test(test_a_pipeline_is_refused_and_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, open_all, NULL);
}
