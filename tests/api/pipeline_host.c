/* What a host may do to a pipeline besides training: fork, cancel a thread that waits in it, free it from its
 * callback, end it in the middle of its work, fill its queue, ask for more workers than there is work for.
 * What could wait for ever runs in a process of its own, which is given some time. ThreadSanitizer runs this.
 * SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "memory.h"
#include "training_fixture.h"

/* In a process of its own, where CMocka has no say. */
#define must(condition)                                                                      \
    do {                                                                                     \
        if (!(condition)) {                                                                  \
            fprintf(stderr, "%s:%d: %s; last message: %s\n", __func__, __LINE__, #condition, \
                    mf_last_message());                                                      \
            return 1;                                                                        \
        }                                                                                    \
    } while (0)

static void pause_for(long milliseconds)
{
    nanosleep(&(struct timespec){.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000},
              NULL);
}

/* The exit code of a child; -1 if it had to be killed, or was. */
static int wait_for(pid_t child)
{
    enum { SECONDS = 60 };
    int status = 0;

    for (int i = 0; i < SECONDS * 100; i++) {
        if (waitpid(child, &status, WNOHANG) == child)
            return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        pause_for(10);
    }
    kill(-child, SIGKILL); /* with its own children, if it leads a group */
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    return -1;
}

static void check_apart(int (*what)(void))
{
    pid_t child;

    fflush(NULL);
    child = fork();
    if (child == 0) {
        setpgid(0, 0);
        _exit(what());
    }
    assert_int_equal(wait_for(child), 0);
}

/* Layers whose steps take some milliseconds, whatever runs the test. */
enum { SLOW_LAYERS = 2, SLOW_ROWS = 128 };

static bool under_valgrind(void)
{
    const char *preloaded = getenv("LD_PRELOAD");

    return preloaded && strstr(preloaded, "vgpreload");
}

static size_t slow_width(void)
{
#if SANITIZED
    return 60;
#endif
    return under_valgrind() ? 40 : 320;
}

/* What pipelines and their networks have of memory. */
static test_memory counted;

typedef struct slow {
    mf_optimizer *optimizer;
    mf_network *network;
    mf_pipeline *pipeline;
    float *x;
    int32_t y[SLOW_ROWS];
} slow;

static slow make_slow(uint32_t workers, size_t depth)
{
    const size_t width = slow_width(), widths[] = {width, width, width};
    slow s = {.optimizer = make_optimizer(MF_OPTIMIZER_SGD, 0.01)};
    mf_network *made = make_stack(widths, SLOW_LAYERS, 3, 1, s.optimizer);
    mf_allocator allocator = memory_allocator(&counted);
    mf_pipeline_spec spec;

    check_ok(mf_network_clone(made, MF_CONTENTS_TRAINING, &allocator, &s.network));
    mf_network_free(made);
    s.x = get_zeroed(SLOW_ROWS * width, sizeof *s.x);
    spec = pipeline_spec(s.network, workers, depth);
    spec.max_batch = SLOW_ROWS;
    spec.allocator = &allocator;
    check_ok(mf_pipeline_create(&spec, &s.pipeline));
    return s;
}

static void drop_slow(slow *s)
{
    mf_pipeline_free(s->pipeline);
    mf_network_free(s->network);
    mf_optimizer_free(s->optimizer);
    free(s->x);
}

static mf_status submit_slow(slow *s)
{
    return mf_pipeline_submit(s->pipeline, SLOW_ROWS, s->x, s->y);
}

/* ---- fork ---- */

/* In the child there are no workers: nothing waits for them, and free lets everything go. */
static int be_the_child(slow *s)
{
    mf_pipeline_report report = {.struct_size = sizeof report};
    mf_pipeline_progress_info progress = {.struct_size = sizeof progress};
    mf_workspace *workspace = make_network_workspace(s->network, SLOW_ROWS);
    int32_t labels[SLOW_ROWS];

    must(mf_pipeline_flush(s->pipeline) == MF_STATUS_STATE);
    must(strstr(mf_last_message(), "process") != NULL);
    must(submit_slow(s) == MF_STATUS_STATE);
    must(mf_pipeline_try_submit(s->pipeline, SLOW_ROWS, s->x, s->y) == MF_STATUS_STATE);
    must(mf_pipeline_stop(s->pipeline) == MF_STATUS_STATE);
    must(mf_pipeline_poll(s->pipeline, &report) == MF_STATUS_STATE);
    must(mf_pipeline_progress(s->pipeline, &progress) == MF_STATUS_STATE);
    must(mf_pipeline_evaluate(s->pipeline, workspace, SLOW_ROWS, s->x, s->y) == MF_STATUS_STATE);
    must(mf_pipeline_predict(s->pipeline, workspace, MF_PREDICT_LAST, SLOW_ROWS, s->x, labels) ==
         MF_STATUS_STATE);
    mf_workspace_free(workspace);
    drop_slow(s);
    must(counted.blocks_out == 0 && counted.faults == 0);
    return 0;
}

static int fork_at_any_moment(void)
{
    slow s = make_slow(2, 4);

    for (int i = 0; i < 6; i++) {
        must(submit_slow(&s) == MF_STATUS_OK);
        must(submit_slow(&s) == MF_STATUS_OK);
        pause_for(i % 3);
        pid_t child = fork();
        if (child == 0)
            _exit(be_the_child(&s));
        must(wait_for(child) == 0);
        must(mf_pipeline_flush(s.pipeline) == MF_STATUS_OK);
    }
    drop_slow(&s);
    must(counted.blocks_out == 0 && counted.faults == 0);
    return 0;
}

static void test_a_forked_process_can_only_free_the_pipeline(void **state)
{
    (void)state;
    check_apart(fork_at_any_moment);
}

/* Without workers there is nothing to miss. */
static int fork_without_workers(void)
{
    slow s = make_slow(0, 0);

    must(submit_slow(&s) == MF_STATUS_OK);
    pid_t child = fork();
    must(submit_slow(&s) == MF_STATUS_OK && mf_pipeline_flush(s.pipeline) == MF_STATUS_OK);
    drop_slow(&s);
    if (child == 0)
        _exit(0);
    must(wait_for(child) == 0);
    return 0;
}

static void test_a_pipeline_without_workers_survives_a_fork(void **state)
{
    (void)state;
    check_apart(fork_without_workers);
}

static int32_t fork_inside(void *user, const mf_pipeline_report *report)
{
    pid_t *child = user;

    (void)report;
    if (*child < 0)
        *child = fork();
    return 0;
}

/* The child goes on where the callback was called. */
static int fork_in_the_callback(void)
{
    training_fixture *s = make_training_fixture(&rules[0]);
    mf_pipeline_spec spec = pipeline_spec(s->network, 2, 2);
    mf_pipeline *pipeline = NULL;
    mf_status status = MF_STATUS_OK;
    pid_t child = -1;

    spec.on_report = fork_inside;
    spec.user = &child;
    must(mf_pipeline_create(&spec, &pipeline) == MF_STATUS_OK);
    for (size_t t = 0; t < BATCHES && status == MF_STATUS_OK; t++)
        status = mf_pipeline_submit(pipeline, ROWS, s->x[t], s->y[t]);
    if (status == MF_STATUS_OK)
        status = mf_pipeline_flush(pipeline);
    mf_pipeline_free(pipeline);
    free_training_fixture(s);
    if (child == 0)
        _exit(status != MF_STATUS_STATE);
    must(status == MF_STATUS_OK);
    must(wait_for(child) == 0);
    return 0;
}

static void test_the_callback_can_fork(void **state)
{
    (void)state;
    check_apart(fork_in_the_callback);
}

/* ---- pthread_cancel ---- */

typedef struct waiter {
    slow *s;
    mf_status (*call)(slow *s);
    atomic_int began;
    mf_status status; /* 99: the call has not come back */
} waiter;

static void *wait_in_call(void *argument)
{
    waiter *w = argument;

    w->status = (mf_status)99;
    atomic_store(&w->began, 1);
    w->status = w->call(w->s);
    pause_for(60000); /* where it ends, if it has not ended before */
    return NULL;
}

static mf_status flush_slow(slow *s)
{
    return mf_pipeline_flush(s->pipeline);
}

static mf_status stop_slow(slow *s)
{
    return mf_pipeline_stop(s->pipeline);
}

static mf_status free_slow(slow *s)
{
    mf_pipeline *pipeline = s->pipeline;

    s->pipeline = NULL;
    mf_pipeline_free(pipeline);
    return MF_STATUS_OK;
}

static int cancel_call(mf_status (*call)(slow *))
{
    for (int i = 0; i < 3; i++) {
        slow s = make_slow(1, call == submit_slow ? 1 : 4);
        waiter w = {.s = &s, .call = call};
        pthread_t thread;
        void *result = NULL;

        must(submit_slow(&s) == MF_STATUS_OK);
        for (int k = 0; k < 2 && call != submit_slow; k++)
            must(submit_slow(&s) == MF_STATUS_OK);
        must(pthread_create(&thread, NULL, wait_in_call, &w) == 0);
        while (!atomic_load(&w.began))
            pause_for(0);
        pause_for(i % 3);
        must(pthread_cancel(thread) == 0);
        must(pthread_join(thread, &result) == 0);
        must(result == PTHREAD_CANCELED);
        must(w.status == MF_STATUS_OK);
        if (s.pipeline)
            must(mf_pipeline_flush(s.pipeline) == MF_STATUS_OK);
        drop_slow(&s);
    }
    return 0;
}

static int cancel_submit(void)
{
    return cancel_call(submit_slow);
}

static int cancel_flush(void)
{
    return cancel_call(flush_slow);
}

static int cancel_stop(void)
{
    return cancel_call(stop_slow);
}

static int cancel_free(void)
{
    return cancel_call(free_slow);
}

static void test_a_cancelled_thread_leaves_the_pipeline_usable(void **state)
{
    (void)state;
    check_apart(cancel_submit);
    check_apart(cancel_flush);
    check_apart(cancel_stop);
    check_apart(cancel_free);
}

/* Cancels the thread that has been told to it, in the middle of its call. */
static int32_t be_cancelled(void *user, const mf_pipeline_report *report)
{
    const pthread_t *victim = user;

    (void)report;
    if (pthread_equal(*victim, pthread_self())) {
        pthread_cancel(pthread_self());
        pthread_testcancel();
    }
    return 0;
}

typedef struct trainer {
    training_fixture *s;
    mf_pipeline *pipeline;
    pthread_t thread;
    mf_status status;
} trainer;

static void *train_and_flush(void *argument)
{
    trainer *t = argument;

    t->thread = pthread_self();
    t->status = mf_pipeline_submit(t->pipeline, ROWS, t->s->x[0], t->s->y[0]);
    if (t->status == MF_STATUS_OK)
        t->status = mf_pipeline_flush(t->pipeline);
    pthread_testcancel();
    return NULL;
}

static int cancel_in_the_callback(void)
{
    trainer t = {.s = make_training_fixture(&rules[0]), .thread = pthread_self(), .status = (mf_status)99};
    mf_pipeline_spec spec = pipeline_spec(t.s->network, 2, 0);
    pthread_t thread;
    void *result = NULL;

    spec.on_report = be_cancelled;
    spec.user = &t.thread;
    must(mf_pipeline_create(&spec, &t.pipeline) == MF_STATUS_OK);
    must(pthread_create(&thread, NULL, train_and_flush, &t) == 0);
    must(pthread_join(thread, &result) == 0);
    must(result == PTHREAD_CANCELED);
    must(t.status == MF_STATUS_OK);
    must(mf_pipeline_flush(t.pipeline) == MF_STATUS_OK);
    must(mf_pipeline_submit(t.pipeline, ROWS, t.s->x[1], t.s->y[1]) == MF_STATUS_OK);
    mf_pipeline_free(t.pipeline);
    free_training_fixture(t.s);
    return 0;
}

static void test_a_thread_cancelled_in_the_callback_leaves_the_pipeline_usable(void **state)
{
    (void)state;
    check_apart(cancel_in_the_callback);
}

/* ---- free in the callback ---- */

typedef struct suicide {
    mf_pipeline *pipeline;
    test_memory memory;
    size_t calls, after; /* calls; and of them those after the free */
    mf_status inside;
    size_t blocks; /* still out when free has returned */
} suicide;

static int32_t free_inside(void *user, const mf_pipeline_report *report)
{
    suicide *s = user;

    s->after += s->calls > 0;
    if (++s->calls > 1)
        return 0;
    mf_pipeline_free(s->pipeline);
    mf_pipeline_free(s->pipeline); /* once more is no harm: it is not gone yet */
    s->blocks = s->memory.blocks_out;
    s->inside = mf_pipeline_flush(s->pipeline);
    /* What was handed over is there until the callback returns. */
    return report->struct_size == sizeof *report ? 0 : 7;
}

static int free_in_the_callback(void)
{
    for (uint32_t workers = 0; workers <= 3; workers++)
        for (int way = 0; way < 6; way++) {
            training_fixture *s = make_training_fixture(&rules[0]);
            suicide w = {.memory = {.quarantine = 1}};
            mf_allocator allocator = memory_allocator(&w.memory);
            mf_pipeline_spec spec = pipeline_spec(s->network, workers, 4);
            mf_pipeline_report report = {.struct_size = sizeof report};
            mf_status status = MF_STATUS_OK;

            spec.on_report = free_inside;
            spec.user = &w;
            spec.allocator = &allocator;
            must(mf_pipeline_create(&spec, &w.pipeline) == MF_STATUS_OK);
            for (size_t t = 0; status == MF_STATUS_OK && t < (way == 0 ? BATCHES : 2); t++)
                status = mf_pipeline_submit(w.pipeline, ROWS, s->x[t], s->y[t]);
            if (status == MF_STATUS_OK && way == 1)
                status = mf_pipeline_flush(w.pipeline);
            if (status == MF_STATUS_OK && way == 2)
                status = mf_pipeline_stop(w.pipeline);
            if (status == MF_STATUS_OK && way == 3)
                while ((status = mf_pipeline_poll(w.pipeline, &report)) == MF_STATUS_BUSY)
                    pause_for(0);
            if (status == MF_STATUS_OK && way == 4)
                status = mf_pipeline_evaluate(w.pipeline, s->workspace, ROWS, s->x[0], s->y[0]);
            if (status == MF_STATUS_OK && way == 5)
                while ((status = mf_pipeline_try_submit(w.pipeline, ROWS, s->x[0], s->y[0])) ==
                           MF_STATUS_BUSY ||
                       status == MF_STATUS_OK)
                    pause_for(0);
            must(status == MF_STATUS_STATE);
            must(strstr(mf_last_message(), "callback") != NULL);
            must(w.calls == 1 && w.after == 0);
            must(w.inside == MF_STATUS_STATE);
            must(w.blocks > 0);
            must(w.memory.blocks_out == 0 && w.memory.faults == 0);
            memory_release(&w.memory);
            /* The layers are the network's again. */
            must(mf_network_step(s->network, s->workspace, ROWS, s->x[0], s->y[0]) == MF_STATUS_OK);
            free_training_fixture(s);
        }
    return 0;
}

static void test_the_callback_can_free_the_pipeline(void **state)
{
    (void)state;
    check_apart(free_in_the_callback);
}

/* ---- stop and free in the middle of the work ---- */

enum { IN_WORKS = 8, TRIES = 20 };

static slow make_slow_in_works(uint32_t workers)
{
    slow s = make_slow(workers, IN_WORKS);

    for (size_t t = 0; t < IN_WORKS; t++)
        check_ok(submit_slow(&s));
    return s;
}

/* Batches that a layer has learned from. */
static uint64_t learned(const slow *s, size_t position)
{
    mf_workspace *workspace = make_network_workspace(s->network, SLOW_ROWS);
    uint64_t applied;

    check_ok(mf_network_evaluate(s->network, workspace, SLOW_ROWS, s->x, s->y));
    applied = read_report(workspace, position).applied;
    mf_workspace_free(workspace);
    return applied;
}

/* Every report is there; gives how many tell of a batch that a layer has left out. */
static size_t check_reports_of_a_stop(const slow *s)
{
    mf_pipeline_report report = {.struct_size = sizeof report};
    size_t seen = 0, learning[SLOW_LAYERS] = {0};

    for (; mf_pipeline_poll(s->pipeline, &report) == MF_STATUS_OK; seen++) {
        if (report.status != MF_STATUS_OK)
            assert_int_equal(report.status, MF_STATUS_STATE);
        learning[report.position] += report.status == MF_STATUS_OK;
    }
    assert_int_equal(seen, IN_WORKS * SLOW_LAYERS);
    for (size_t i = 0; i < SLOW_LAYERS; i++)
        assert_int_equal(learning[i], learned(s, i));
    return IN_WORKS - learning[SLOW_LAYERS - 1];
}

/* A worker that is faster than the host leaves nothing to drop, so there are some tries. */
static void test_a_stop_drops_what_is_queued(void **state)
{
    size_t dropped = 0;

    (void)state;
    for (int i = 0; i < TRIES && dropped == 0; i++) {
        slow s = make_slow_in_works(1);

        check_ok(mf_pipeline_stop(s.pipeline));
        dropped = check_reports_of_a_stop(&s);
        drop_slow(&s);
    }
    assert_true(dropped > 0);
}

static void test_a_free_drops_what_is_queued(void **state)
{
    size_t dropped = 0;

    (void)state;
    for (int i = 0; i < TRIES && dropped == 0; i++) {
        slow s = make_slow_in_works(1);

        mf_pipeline_free(s.pipeline);
        s.pipeline = NULL;
        dropped = IN_WORKS - learned(&s, SLOW_LAYERS - 1);
        drop_slow(&s);
    }
    assert_true(dropped > 0);
}

/* ---- how many batches wait ---- */

/* Gives the slots that the message of a full queue tells of. */
static size_t slots_of(slow *s)
{
    size_t slots = 0;
    mf_status status;

    do
        status = mf_pipeline_try_submit(s->pipeline, SLOW_ROWS, s->x, s->y);
    while (status == MF_STATUS_OK);
    check_status(MF_STATUS_BUSY, status);
    assert_int_equal(sscanf(mf_last_message(), "the queue is full: all %zu slots", &slots), 1);
    return slots;
}

/* The smaller number of layers and threads, and 2. */
static void test_the_depth_follows_from_layers_and_workers(void **state)
{
    static const size_t expected[] = {1 + 2, SLOW_LAYERS + 2, SLOW_LAYERS + 2};

    (void)state;
    for (uint32_t workers = 1; workers <= COUNT_OF(expected); workers++) {
        slow s = make_slow(workers, 0);

        assert_int_equal(slots_of(&s), expected[workers - 1]);
        drop_slow(&s);
    }
}

/* ---- workers that could never work ---- */

static size_t threads_here(void)
{
    DIR *list = opendir("/proc/self/task");
    size_t count = 0;

    if (list == NULL)
        return 0;
    for (struct dirent *entry; (entry = readdir(list)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(list);
    return count;
}

/* Threads of this process once no more than `most` are left: the system may still list a thread for a moment
 * after it has been joined. Gives up after five seconds. */
static size_t threads_at_rest(size_t most)
{
    const struct timespec moment = {0, 1000000};

    for (int i = 0; threads_here() > most && i < 5000; i++)
        nanosleep(&moment, NULL);
    return threads_here();
}

/* Bytes and threads that a pipeline takes. */
static void take_stock(uint32_t workers, size_t depth, size_t at_rest, size_t *bytes, size_t *threads)
{
    training_fixture *s = make_training_fixture(&rules[0]);
    test_memory memory = {0};
    mf_allocator allocator = memory_allocator(&memory);
    mf_pipeline_spec spec = pipeline_spec(s->network, workers, depth);
    mf_pipeline *pipeline = NULL;
    size_t before = threads_at_rest(at_rest);

    spec.allocator = &allocator;
    check_ok(mf_pipeline_create(&spec, &pipeline));
    *bytes = memory.bytes_out;
    *threads = threads_here() - before;
    for (size_t t = 0; t < BATCHES; t++)
        check_ok(mf_pipeline_submit(pipeline, ROWS, s->x[t], s->y[t]));
    check_ok(mf_pipeline_flush(pipeline));
    mf_pipeline_free(pipeline);
    memory_release(&memory);
    free_training_fixture(s);
}

/* What mf_memory_query() counts for one more thread. */
static size_t cost_of_a_thread(void)
{
    training_fixture *s = make_training_fixture(&rules[0]);
    mf_layer_spec specs[LAYERS];
    const mf_layer_spec *layers[LAYERS];
    size_t bytes[2];
    mf_memory_spec spec;

    check_ok(mf_memory_spec_init(&spec, sizeof spec));
    for (size_t i = 0; i < LAYERS; i++) {
        check_ok(mf_layer_spec_init(&specs[i], sizeof specs[i]));
        check_ok(mf_layer_describe(layer_at(s->network, i), &specs[i]));
        layers[i] = &specs[i];
    }
    spec.layers = layers;
    spec.count = LAYERS;
    spec.max_batch = ROWS;
    for (size_t i = 0; i < 2; i++) {
        mf_memory memory = {.struct_size = sizeof memory};

        spec.threads = i + 1;
        check_ok(mf_memory_query(&spec, &memory));
        bytes[i] = memory.workspace;
    }
    free_training_fixture(s);
    return bytes[1] - bytes[0];
}

/* Workers that have no layer of their own need no more than the memory of a thread: at a time no more layers
 * are worked on than there are, and no more than there are batches in the works. */
static void test_a_surplus_worker_costs_a_thread_only(void **state)
{
    static const struct {
        uint32_t workers, useful;
        size_t depth;
    } cases[] = {{LAYERS + 1, LAYERS, 0}, {64, LAYERS, 0}, {64, LAYERS, 40}, {64, 2, 2}, {2, 1, 1}};
    size_t bytes[3], threads, at_rest = threads_at_rest(1), one = cost_of_a_thread();

    (void)state;
    /* ThreadSanitizer has a thread of its own from the first one on: what is here with one worker, without
     * that. */
    take_stock(1, 0, at_rest, &bytes[0], &threads);
    at_rest += threads > 0 ? threads - 1 : 0;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t surplus = cases[i].workers - cases[i].useful;

        take_stock(cases[i].useful, cases[i].depth, at_rest, &bytes[0], &threads);
        take_stock(cases[i].useful + 1, cases[i].depth, at_rest, &bytes[1], &threads);
        take_stock(cases[i].workers, cases[i].depth, at_rest, &bytes[2], &threads);
        assert_true(bytes[1] > bytes[0]);
        assert_in_range(bytes[2] - bytes[0], surplus * one, surplus * (one + 128));
        if (threads_here() > 0)
            assert_int_equal(threads, cases[i].workers);
    }
}

/* ---- what threads are to the host ---- */

/* 8 MiB of address space for each would be half a gigabyte, in huge pages 2 MiB of memory for each. */
static int start_many_threads(void)
{
    enum { THREADS = 64, MOST = 3 << 19 };
    mf_pool_spec spec;
    mf_pool *pool = NULL;
    unsigned long pages[2] = {0};

    must(mf_pool_spec_init(&spec, sizeof spec) == MF_STATUS_OK);
    spec.threads = THREADS;
    for (int i = 0; i < 2; i++) {
        FILE *file = fopen("/proc/self/statm", "r");

        must(file != NULL && fscanf(file, "%lu", &pages[i]) == 1);
        fclose(file);
        if (i == 0)
            must(mf_pool_create(&spec, &pool) == MF_STATUS_OK);
    }
    must((pages[1] - pages[0]) * (unsigned long)sysconf(_SC_PAGESIZE) <= (unsigned long)MOST * (THREADS - 1));
    mf_pool_free(pool);
    return 0;
}

static void test_threads_have_small_stacks(void **state)
{
    (void)state;
#if SANITIZED
    skip_because("stacks have company under sanitizers");
#endif
    if (under_valgrind() || access("/proc/self/statm", R_OK) != 0)
        skip_because("memory is not the process's own under valgrind, or not told by /proc");
    check_apart(start_many_threads);
}

static void leave_workers_behind(void)
{
    make_slow(2, 4);
    pthread_exit(NULL);
}

/* Waits until the process has no main thread any more. */
static int main_has_ended(pid_t process)
{
    char path[64], state = 0;

    snprintf(path, sizeof path, "/proc/%ld/stat", (long)process);
    for (int i = 0; i < 6000 && state != 'Z'; i++) {
        FILE *file = fopen(path, "r");
        if (file == NULL || fscanf(file, "%*d %*s %c", &state) != 1)
            state = 0;
        if (file != NULL)
            fclose(file);
        pause_for(10);
    }
    return state == 'Z';
}

/* The host's handlers run on the host's threads. So a process that consists of workers takes no signal. */
static void test_workers_block_signals(void **state)
{
    pid_t child;
    int status = 0;

    (void)state;
    if (under_valgrind() || access("/proc/self/stat", R_OK) != 0)
        skip_because("under valgrind, or without /proc, it is not seen when the main thread has ended");
    fflush(NULL);
    child = fork();
    if (child == 0)
        leave_workers_behind();
    assert_true(main_has_ended(child));
    assert_int_equal(kill(child, SIGTERM), 0);
    pause_for(100);
    assert_int_equal(waitpid(child, &status, WNOHANG), 0);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_forked_process_can_only_free_the_pipeline),
        cmocka_unit_test(test_a_pipeline_without_workers_survives_a_fork),
        cmocka_unit_test(test_the_callback_can_fork),
        cmocka_unit_test(test_a_cancelled_thread_leaves_the_pipeline_usable),
        cmocka_unit_test(test_a_thread_cancelled_in_the_callback_leaves_the_pipeline_usable),
        cmocka_unit_test(test_the_callback_can_free_the_pipeline),
        cmocka_unit_test(test_a_stop_drops_what_is_queued),
        cmocka_unit_test(test_a_free_drops_what_is_queued),
        cmocka_unit_test(test_the_depth_follows_from_layers_and_workers),
        cmocka_unit_test(test_a_surplus_worker_costs_a_thread_only),
        cmocka_unit_test(test_threads_have_small_stacks),
        cmocka_unit_test(test_workers_block_signals),
    };

    /* OpenBLAS ends its threads in a fork, and a product that they had a part in never returns. */
    mf_blas_set_threads(1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
