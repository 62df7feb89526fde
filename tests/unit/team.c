/* Teams and the pool behind them: every piece once, on whichever thread, in private slots; nested and
 * concurrent jobs; a thread that is held up; forks; threads that do not start. ThreadSanitizer runs this.
 * SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/subnormal.h"
#include "build.h"
#include "parallel/pool.h"
#include "thread_faults.h"

enum { MOST_SLOTS = 8, MOST_PIECES = 1000 };

/* It may have fewer threads, where the system gives no more. */
static mf_pool *start_pool(uint32_t threads)
{
    mf_pool_spec spec = {.struct_size = sizeof spec, .threads = threads};
    mf_pool *pool = NULL;

    check_ok(mfi_pool_create(&spec, &pool));
    return pool;
}

/* What a job has seen. */
typedef struct record {
    size_t threads;
    atomic_int runs[MOST_PIECES], taken[MOST_SLOTS], faults;
    atomic_size_t done;
} record;

static void note_piece(void *context, size_t index, size_t slot)
{
    record *r = context;

    if (slot >= r->threads || atomic_exchange(&r->taken[slot], 1) != 0)
        atomic_fetch_add(&r->faults, 1);
    atomic_fetch_add(&r->runs[index], 1);
    atomic_store(&r->taken[slot], 0);
    atomic_fetch_add(&r->done, 1);
}

/* 1 if each of the pieces was run once, and no slot was used twice at a time. */
static int complete(const record *r, size_t count)
{
    int good = r->faults == 0 && r->done == count;

    for (size_t i = 0; i < MOST_PIECES; i++)
        good = good && r->runs[i] == (i < count);
    return good;
}

static void test_every_piece_is_run_once(void **state)
{
    static const uint32_t threads[] = {1, 2, 3, 7};
    static const size_t counts[] = {0, 1, 2, 3, 8, 100, MOST_PIECES};

    (void)state;
    for (size_t t = 0; t < COUNT_OF(threads); t++) {
        mf_pool *pool = start_pool(threads[t]);
        mfi_team team = mfi_pool_team(pool, pool, 0);

        assert_int_equal(mfi_team_threads(&team), threads[t]);
        for (int round = 0; round < 200; round++) {
            record r = {.threads = threads[t]};
            size_t count = counts[(size_t)round % COUNT_OF(counts)];

            mfi_team_run(&team, count, note_piece, &r);
            assert_true(complete(&r, count));
        }
        mfi_pool_release(pool);
    }
}

static void test_without_a_team_the_caller_works_alone(void **state)
{
    record r = {.threads = 1}, other = {.threads = 4};
    mfi_team alone = mfi_pool_team(NULL, NULL, 3);

    (void)state;
    assert_int_equal(mfi_team_threads(NULL), 1);
    mfi_team_run(NULL, 10, note_piece, &r);
    assert_true(complete(&r, 10));
    assert_int_equal(mfi_team_threads(&alone), 1);
    mfi_team_run(&alone, 10, note_piece, &other);
    assert_true(complete(&other, 10));
}

/* Piece 0 waits for all others: with the work split beforehand, that would never end. */
static void wait_for_the_others(void *context, size_t index, size_t slot)
{
    record *r = context;

    if (index > 0)
        note_piece(context, index, slot);
    else
        while (atomic_load(&r->done) < 99)
            nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
}

static void test_a_thread_that_is_held_up_holds_up_its_piece_only(void **state)
{
    mf_pool *pool = start_pool(2);
    mfi_team team = mfi_pool_team(pool, pool, 0);

    (void)state;
    for (int round = 0; round < 20; round++) {
        record r = {.threads = 2};

        mfi_team_run(&team, 100, wait_for_the_others, &r);
        assert_int_equal(r.done, 99);
        assert_int_equal(r.faults, 0);
    }
    mfi_pool_release(pool);
}

/* ---- nested and concurrent jobs ---- */

enum { INNER = 20, OUTER = 6 };

typedef struct nest {
    const mfi_team *team;
    record inner[OUTER];
} nest;

static void run_inner(void *context, size_t index, size_t slot)
{
    nest *n = context;
    mfi_team mine = *n->team;

    mine.slot = slot;
    mfi_team_run(&mine, INNER, note_piece, &n->inner[index]);
}

static void test_a_piece_may_be_shared_again(void **state)
{
    mf_pool *pool = start_pool(4);
    mfi_team team = mfi_pool_team(pool, pool, 0);

    (void)state;
    for (int round = 0; round < 100; round++) {
        nest n = {.team = &team};

        for (int i = 0; i < OUTER; i++)
            n.inner[i].threads = 4;
        mfi_team_run(&team, OUTER, run_inner, &n);
        for (int i = 0; i < OUTER; i++)
            assert_true(complete(&n.inner[i], INNER));
    }
    mfi_pool_release(pool);
}

typedef struct caller {
    mf_pool *pool;
    pthread_t thread;
    int good;
} caller;

static void *call_often(void *argument)
{
    caller *c = argument;
    mfi_team team = mfi_pool_team(c->pool, c, 0);

    c->good = 1;
    for (int round = 0; round < 200; round++) {
        record r = {.threads = team.threads};

        mfi_team_run(&team, 1 + (size_t)round % 30, note_piece, &r);
        c->good = c->good && complete(&r, 1 + (size_t)round % 30);
    }
    return NULL;
}

static void test_several_threads_may_share_their_work_at_once(void **state)
{
    caller callers[4];
    mf_pool *pool = start_pool(3);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(callers); i++) {
        callers[i] = (caller){.pool = pool};
        assert_int_equal(pthread_create(&callers[i].thread, NULL, call_often, &callers[i]), 0);
    }
    for (size_t i = 0; i < COUNT_OF(callers); i++) {
        pthread_join(callers[i].thread, NULL);
        assert_int_equal(callers[i].good, 1);
    }
    mfi_pool_release(pool);
}

/* ---- what a helping thread is like ---- */

/* Pieces 0 and 1 wait for each other, so two threads have them. */
typedef struct pair {
    atomic_int arrived;
    mfi_mode modes[2];
    int blocked[2]; /* whether the thread has SIGTERM blocked */
} pair;

static void meet(void *context, size_t index, size_t slot)
{
    pair *p = context;
    sigset_t now;

    (void)slot;
    p->modes[index] = mfi_float_mode();
    pthread_sigmask(SIG_BLOCK, NULL, &now);
    p->blocked[index] = sigismember(&now, SIGTERM);
    atomic_fetch_add(&p->arrived, 1);
    while (atomic_load(&p->arrived) < 2)
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
}

static void test_helpers_compute_as_the_caller_and_take_no_signals(void **state)
{
    mf_pool *pool = start_pool(2);
    mfi_team team = mfi_pool_team(pool, pool, 0);
    pair with = {0}, without = {0};
    mfi_mode mode = mfi_subnormals_to_zero(), expected = mfi_float_mode();

    (void)state;
    mfi_team_run(&team, 2, meet, &with);
    mfi_float_restore(&mode);
    assert_memory_equal(&with.modes[0], &expected, sizeof expected);
    assert_memory_equal(&with.modes[1], &expected, sizeof expected);
    assert_int_equal(with.blocked[0] + with.blocked[1], 1);
    mfi_team_run(&team, 2, meet, &without);
    assert_memory_equal(&without.modes[0], &mode, sizeof mode);
    assert_memory_equal(&without.modes[1], &mode, sizeof mode);
    mfi_pool_release(pool);
}

static double processor_time(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void test_a_pool_without_work_sleeps(void **state)
{
    mf_pool *pool = start_pool(2);
    mfi_team team = mfi_pool_team(pool, pool, 0);
    pair p = {0};
    double before;

    (void)state;
    mfi_team_run(&team, 2, meet, &p);
    before = processor_time();
    nanosleep(&(struct timespec){.tv_nsec = 500000000}, NULL);
    assert_true(processor_time() - before < 0.1);
    mfi_pool_release(pool);
}

/* ---- forks, and threads that do not start ---- */

static int be_a_child(mf_pool *pool)
{
    mfi_team team = mfi_pool_team(pool, pool, 0);
    record r = {.threads = 3};

    mfi_team_run(&team, 50, note_piece, &r);
    mfi_pool_release(pool);
    return complete(&r, 50) ? 0 : 1;
}

static void test_a_forked_process_works_alone(void **state)
{
    mf_pool *pool = start_pool(3);
    caller busy = {.pool = pool};

    (void)state;
    for (int round = 0; round < 10; round++) {
        int status = -1;
        pid_t child;

        /* The pool's lock is often locked at the fork. */
        assert_int_equal(pthread_create(&busy.thread, NULL, call_often, &busy), 0);
        child = fork();
        if (child == 0) {
            alarm(60);
            _exit(be_a_child(pool));
        }
        pthread_join(busy.thread, NULL);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    mfi_pool_release(pool);
}

static void test_a_pool_has_the_threads_that_started(void **state)
{
    (void)state;
    for (int started = 0; started <= 4; started++) {
        record r = {0};
        mf_pool *pool;
        mfi_team team;

        thread_fail_at(THREAD_CREATE, (size_t)started + 1, 1);
        pool = start_pool(4);
        thread_fail_at(THREAD_CREATE, 0, 0);
        team = mfi_pool_team(pool, pool, 0);
        r.threads = started < 3 ? (size_t)started + 1 : 4;
        assert_int_equal(mfi_team_threads(&team), r.threads);
        mfi_team_run(&team, 100, note_piece, &r);
        assert_true(complete(&r, 100));
        mfi_pool_release(pool);
    }
}

/* The host asked for so many workers, so fewer are a failure, and nothing is left behind. */
static void test_a_pipeline_needs_all_its_workers(void **state)
{
    const size_t widths[] = {4, 5};
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.1);
    mf_network *network = make_stack(widths, 1, 3, 1, optimizer);
    mf_pipeline_spec spec = {.struct_size = sizeof spec, .workers = 3, .network = network, .max_batch = 2};

    (void)state;
    for (int started = 0; started <= 3; started++) {
        mf_pipeline *pipeline = (mf_pipeline *)&spec;

        thread_fail_at(THREAD_CREATE, (size_t)started + 1, 1);
        check_status(started < 3 ? MF_STATUS_MEMORY : MF_STATUS_OK, mf_pipeline_create(&spec, &pipeline));
        thread_fail_at(THREAD_CREATE, 0, 0);
        if (started < 3) {
            assert_null(pipeline);
            check_message("could not start a thread");
        }
        mf_pipeline_free(pipeline);
    }
    mf_network_free(network);
    mf_optimizer_free(optimizer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_piece_is_run_once),
        cmocka_unit_test(test_without_a_team_the_caller_works_alone),
        cmocka_unit_test(test_a_thread_that_is_held_up_holds_up_its_piece_only),
        cmocka_unit_test(test_a_piece_may_be_shared_again),
        cmocka_unit_test(test_several_threads_may_share_their_work_at_once),
        cmocka_unit_test(test_helpers_compute_as_the_caller_and_take_no_signals),
        cmocka_unit_test(test_a_pool_without_work_sleeps),
        cmocka_unit_test(test_a_forked_process_works_alone),
        cmocka_unit_test(test_a_pool_has_the_threads_that_started),
        cmocka_unit_test(test_a_pipeline_needs_all_its_workers),
    };

    mf_blas_set_threads(1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
