/* kill -9 at random moments of a program that trains and saves in a loop, goes on from its checkpoint, and
 * exports: after each kill the checkpoint is the one that was reported last or the next, with the bits of a
 * run that nobody killed, the ONNX model belongs to one of them, and a kill leaves one temporary file at
 * most. test_api_files_killed KILLS SEED. SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "models.h"

static size_t kills = 50;
static uint64_t bits = 20261129;
static char folder[] = "/tmp/monoforward-killed-XXXXXX";
static char checkpoint[200], exported[200];

static uint64_t next_random(void)
{
    bits ^= bits << 13;
    bits ^= bits >> 7;
    return bits ^= bits << 17;
}

static mf_network *beginning(void)
{
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.001);
    mf_network *network = model_network(optimizer);

    mf_optimizer_free(optimizer);
    return network;
}

/* ---- the program ---- */

/* The steps that a network has learned are in its metadata. */
static size_t steps_of(const mf_network *network)
{
    const char *text = "0";

    mf_network_metadata_get(network, "steps", &text);
    return (size_t)strtoul(text, NULL, 10);
}

static void one_step_more(mf_network *network)
{
    size_t steps = steps_of(network);
    char text[30];

    model_train(network, steps, steps + 1);
    snprintf(text, sizeof text, "%zu", steps + 1);
    check_ok(mf_network_metadata_set(network, "steps", text));
}

static mf_network *load_checkpoint(void)
{
    mf_load_spec spec;
    mf_network *network = NULL;

    check_ok(mf_load_spec_init(&spec, sizeof spec));
    spec.contents = MF_CONTENTS_TRAINING;
    check_ok(mf_network_load(&spec, checkpoint, &network));
    return network;
}

/* Until it is killed. Each checkpoint is reported once it is saved. */
static void be_the_program(int report)
{
    mf_network *network = access(checkpoint, F_OK) == 0 ? load_checkpoint() : beginning();

    for (;;) {
        size_t steps;

        one_step_more(network);
        check_ok(mf_network_save(network, MF_CONTENTS_TRAINING, checkpoint));
        steps = steps_of(network);
        if (write(report, &steps, sizeof steps) != sizeof steps)
            _exit(1);
        check_ok(mf_network_export_onnx(network, exported));
    }
}

/* Starts it, kills it soon after its first report, and returns the last one. */
static size_t run_and_kill(void)
{
    struct timespec until_then = {.tv_nsec = (long)(next_random() % 20000000)};
    size_t reported = 0, more;
    int ends[2], status = 0;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    if (child == 0) {
        close(ends[0]);
        be_the_program(ends[1]);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &reported, sizeof reported), sizeof reported);
    nanosleep(&until_then, NULL);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    while (read(ends[0], &more, sizeof more) == sizeof more)
        reported = more;
    close(ends[0]);
    return reported;
}

/* ---- what is there afterwards ---- */

static void check_file(const char *path, const void *expected, size_t count)
{
    size_t bytes;
    void *found = read_file(path, &bytes);

    assert_non_null(found);
    assert_int_equal(bytes, count);
    assert_memory_equal(found, expected, count);
    free(found);
}

static size_t exported_steps(void)
{
    mf_onnx_spec spec;
    mf_network *network = NULL;
    size_t steps;

    check_ok(mf_onnx_spec_init(&spec, sizeof spec));
    spec.path = exported;
    check_ok(mf_network_import_onnx(&spec, &network));
    steps = steps_of(network);
    mf_network_free(network);
    return steps;
}

/* Deletes what is left over, which nobody saves there now, and says how much it was. */
static size_t leftovers(void)
{
    DIR *list = opendir(folder);
    size_t count = 0;
    char name[600];

    assert_non_null(list);
    for (struct dirent *entry; (entry = readdir(list)) != NULL;) {
        snprintf(name, sizeof name, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] == '.' || strcmp(name, checkpoint) == 0 || strcmp(name, exported) == 0)
            continue;
        assert_int_equal(unlink(name), 0);
        count++;
    }
    closedir(list);
    return count;
}

/* The run that nobody kills, and the models that the program would have exported behind its last two steps.
 */
typedef struct reference {
    mf_network *network;
    void *model[2]; /* of `steps` and of the step before: at steps % 2 */
    size_t bytes[2];
} reference;

static void go_on(reference *r, size_t steps)
{
    for (size_t now = steps_of(r->network); now < steps; now++) {
        size_t at = (now + 1) % 2;

        one_step_more(r->network);
        check_ok(mf_network_export_onnx_size(r->network, &r->bytes[at]));
        free(r->model[at]);
        r->model[at] = get_memory(r->bytes[at]);
        check_ok(mf_network_export_onnx_buffer(r->network, r->model[at], r->bytes[at], NULL));
    }
}

/* The model belongs to the checkpoint or to the one before, but where the program was killed before its first
 * export: then an older one may be there, or none. */
static void check_exported(const reference *r, size_t steps)
{
    size_t exported_at;

    if (access(exported, F_OK) != 0)
        return;
    exported_at = exported_steps();
    assert_in_range(exported_at, 1, steps);
    if (exported_at + 1 >= steps)
        check_file(exported, r->model[exported_at % 2], r->bytes[exported_at % 2]);
}

static void test_what_kill_9_leaves_is_whole(void **state)
{
    reference r = {.network = beginning()};
    size_t steps = 0, left = 0;

    (void)state;
    for (size_t k = 0; k < kills; k++) {
        size_t reported = run_and_kill(), bytes, now;
        mf_network *loaded = load_checkpoint();
        void *expected;

        steps = steps_of(loaded);
        mf_network_free(loaded);
        assert_in_range(steps, reported, reported + 1);
        go_on(&r, steps);
        expected = model_save(r.network, MF_CONTENTS_TRAINING, &bytes);
        check_file(checkpoint, expected, bytes);
        free(expected);
        check_exported(&r, steps);
        now = leftovers();
        assert_in_range(now, 0, 1);
        left += now;
    }
    print_message("%zu kills, %zu steps, %zu temporary files left\n", kills, steps, left);
    assert_true(left > 0); /* some were killed while they saved */
    free(r.model[0]);
    free(r.model[1]);
    mf_network_free(r.network);
}

static int open_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(checkpoint, sizeof checkpoint, "%s/checkpoint", folder);
    snprintf(exported, sizeof exported, "%s/model.onnx", folder);
    return 0;
}

static int close_folder(void **state)
{
    (void)state;
    leftovers();
    unlink(checkpoint);
    unlink(exported);
    return rmdir(folder);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_kill_9_leaves_is_whole)};

    if (argc > 1)
        kills = strtoul(argv[1], NULL, 10);
    if (argc > 2)
        bits = strtoull(argv[2], NULL, 10);
    return cmocka_run_group_tests(tests, open_folder, close_folder);
}
