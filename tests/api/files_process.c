/* A model in a fresh process: the same predictions and the same training, bit for bit. The test runs itself
 * again. SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "models.h"

enum { STOP = 4, END = 9 };

static const char *self;
static char folder[] = "/tmp/monoforward-process-XXXXXX";

static const char *path_of(const char *name)
{
    static char path[2][200];
    static int turn;

    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

static void write_scores(mf_network *network, const char *path)
{
    mf_workspace *workspace = make_workspace(network, NULL, MF_WORKSPACE_INFERENCE, MODEL_ROWS);
    static float x[MODEL_ROWS * MODEL_INPUTS], scores[2 * MODEL_ROWS * MODEL_CLASSES];
    int32_t y[MODEL_ROWS];
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    model_batch(50, x, y);
    check_ok(mf_network_goodness(network, workspace, MF_PREDICT_LAST, MODEL_ROWS, x, scores));
    check_ok(mf_network_goodness(network, workspace, MF_PREDICT_SUM, MODEL_ROWS, x,
                                 scores + COUNT_OF(scores) / 2));
    assert_int_equal(fwrite(scores, sizeof *scores, COUNT_OF(scores), file), COUNT_OF(scores));
    fclose(file);
    mf_workspace_free(workspace);
}

/* The other process: loads, writes its scores, trains to the end, and saves. Outside of CMocka, so a failure
 * is an exit code. */
static int be_the_other(const char *model, const char *scores, const char *trained)
{
    mf_load_spec spec;
    mf_network *network = NULL;

    if (mf_load_spec_init(&spec, sizeof spec) != MF_STATUS_OK)
        return 1;
    spec.contents = MF_CONTENTS_TRAINING;
    if (mf_network_load(&spec, model, &network) != MF_STATUS_OK) {
        fprintf(stderr, "%s\n", mf_last_message());
        return 2;
    }
    write_scores(network, scores);
    model_train(network, STOP, END);
    if (mf_network_save(network, MF_CONTENTS_TRAINING, trained) != MF_STATUS_OK)
        return 3;
    mf_network_free(network);
    return 0;
}

static void check_same_file(const char *one, const char *other)
{
    FILE *first = fopen(one, "rb"), *second = fopen(other, "rb");
    int a, b;
    long count = 0;

    assert_true(first != NULL && second != NULL);
    do {
        a = fgetc(first);
        b = fgetc(second);
        assert_int_equal(a, b);
        count++;
    } while (a != EOF);
    assert_true(count > 100);
    fclose(first);
    fclose(second);
}

static void test_another_process_continues_with_the_same_bits(void **state)
{
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);
    mf_network *network = model_network(optimizer);
    char model[200], scores[200], trained[200];
    int status = 0;
    pid_t child;

    (void)state;
    assert_non_null(mkdtemp(folder));
    strcpy(model, path_of("model"));
    strcpy(scores, path_of("scores"));
    strcpy(trained, path_of("trained"));
    model_train(network, 0, STOP);
    check_ok(mf_network_save(network, MF_CONTENTS_TRAINING, model));
    write_scores(network, path_of("own-scores"));
    child = fork();
    if (child == 0) {
        /* A program for another machine starts as this one was started. */
        execl("/bin/sh", "sh", "-c", "exec $TEST_EMULATOR \"$0\" \"$@\"", self, model, scores, trained,
              (char *)NULL);
        _exit(9);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    check_same_file(scores, path_of("own-scores"));
    model_train(network, STOP, END);
    check_ok(mf_network_save(network, MF_CONTENTS_TRAINING, path_of("own-trained")));
    check_same_file(trained, path_of("own-trained"));
    unlink(model);
    unlink(scores);
    unlink(trained);
    unlink(path_of("own-scores"));
    unlink(path_of("own-trained"));
    rmdir(folder);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_another_process_continues_with_the_same_bits)};

    self = argv[0];
    if (argc == 4)
        return be_the_other(argv[1], argv[2], argv[3]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
