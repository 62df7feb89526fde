/* Every call that saving and loading make of the system fails once, and with all calls behind it: a status, a
 * message that names the file, one whole file, nothing left behind, and the same call succeeds afterwards.
 * SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* EDQUOT */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory.h"
#include "models.h"
#include "system_faults.h"

static char folder[] = "/tmp/monoforward-each-XXXXXX";
static char path[200], link_path[200];
static mf_network *network, *other;

/* Their files take several writes: they have long texts. */
static mf_network *trained(size_t steps)
{
    char text[20001];
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.01);
    mf_network *made = model_network(optimizer);

    mf_optimizer_free(optimizer);
    model_train(made, 0, steps);
    memset(text, 't', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    check_ok(mf_network_metadata_set(made, "text", text));
    return made;
}

static int open_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/model", folder);
    snprintf(link_path, sizeof link_path, "%s/link", folder);
    network = trained(2);
    other = trained(1);
    return symlink("model", link_path);
}

static int close_folder(void **state)
{
    (void)state;
    mf_network_free(network);
    mf_network_free(other);
    unlink(path);
    unlink(link_path);
    return rmdir(folder);
}

/* Deletes temporary files, and says how many there were. */
static int litter(void)
{
    DIR *list = opendir(folder);
    int count = 0;
    char name[600];

    assert_non_null(list);
    for (struct dirent *entry; (entry = readdir(list)) != NULL;) {
        if (strstr(entry->d_name, ".tmp") == NULL)
            continue;
        snprintf(name, sizeof name, "%s/%s", folder, entry->d_name);
        assert_int_equal(unlink(name), 0);
        count++;
    }
    closedir(list);
    return count;
}

/* ---- files as bytes ---- */

typedef struct content {
    unsigned char *bytes; /* NULL: there is no file */
    size_t count;
} content;

static content content_of_path(void)
{
    content c = {NULL, 0};

    c.bytes = read_file(path, &c.count);
    return c;
}

static int same_content(const content *one, const content *two)
{
    return (one->bytes == NULL) == (two->bytes == NULL) && one->count == two->count &&
           (one->bytes == NULL || memcmp(one->bytes, two->bytes, one->count) == 0);
}

/* Puts a file there that nobody has to write anew for each fault. */
static void restore(const content *before)
{
    content now = content_of_path();

    if (!same_content(before, &now)) {
        unlink(path);
        if (before->bytes != NULL) {
            FILE *file = fopen(path, "wb");

            assert_non_null(file);
            assert_int_equal(fwrite(before->bytes, 1, before->count, file), before->count);
            assert_int_equal(fclose(file), 0);
        }
    }
    free(now.bytes);
}

/* ---- the faults ---- */

/* Of all calls of a kind in turn: each ends the whole in failure, one at least does, any may, none does. */
typedef enum verdict { EACH, ONE, ANY, NONE } verdict;

typedef struct fault {
    int kind, error;
    verdict fatal;
} fault;

/* A folder that may not be read is opened to be searched alone. What cannot be known or kept of the old
 * file's owner is taken from its permissions. */
static const fault writing[] = {
    {CALL_OPEN, EMFILE, EACH},
    {CALL_OPEN, ENFILE, EACH},
    {CALL_OPEN, EACCES, ONE},
    {CALL_OPEN, EIO, EACH},
    {CALL_OPEN, ENOSPC, EACH},
    {CALL_OPEN, ENOMEM, EACH},
    {CALL_OPEN, EROFS, EACH},
    {CALL_CLOSE, EIO, ONE},
    {CALL_CLOSE, ENOSPC, ONE},
    {CALL_CLOSE, EDQUOT, ONE},
    {CALL_CLOSE, EINTR, NONE},
    {CALL_WRITE, ENOSPC, EACH},
    {CALL_WRITE, EIO, EACH},
    {CALL_WRITE, EDQUOT, EACH},
    {CALL_WRITE, EFBIG, EACH},
    {CALL_WRITE, FAULT_NOTHING, EACH},
    {CALL_WRITE, FAULT_SHORT, NONE},
    {CALL_SYNC, EIO, EACH},
    {CALL_SYNC, ENOSPC, EACH},
    {CALL_SYNC, EDQUOT, EACH},
    {CALL_RENAME, EIO, EACH},
    {CALL_RENAME, ENOSPC, EACH},
    {CALL_RENAME, EACCES, EACH},
    {CALL_RENAME, EXDEV, EACH},
    {CALL_STAT, EIO, EACH},
    {CALL_STAT, EACCES, EACH},
    {CALL_STAT, ENOMEM, EACH},
    {CALL_FSTAT, EIO, ANY},
    {CALL_FSTAT, ENOMEM, ANY},
    {CALL_LINK, EIO, EACH},
    {CALL_LINK, EACCES, EACH},
    {CALL_ACCESS, EIO, ANY},
    {CALL_ACCESS, EPERM, ANY},
    {CALL_ACCESS, ENOSPC, ANY},
    {CALL_ANY, EIO, ONE},
    {CALL_ANY, ENOMEM, ONE},
};

static const fault reading[] = {
    {CALL_OPEN, EMFILE, EACH},        {CALL_OPEN, ENFILE, EACH},      {CALL_OPEN, EACCES, EACH},
    {CALL_OPEN, EIO, EACH},           {CALL_CLOSE, EIO, NONE},        {CALL_CLOSE, EINTR, NONE},
    {CALL_READ, EIO, EACH},           {CALL_READ, ENXIO, EACH},       {CALL_READ, ESTALE, EACH},
    {CALL_READ, FAULT_NOTHING, EACH}, {CALL_READ, FAULT_SHORT, NONE}, {CALL_FSTAT, EIO, EACH},
    {CALL_FSTAT, EOVERFLOW, EACH},    {CALL_ANY, EIO, ONE},
};

/* Interrupted calls are made again. Not with `lasting`: that would never end. */
static const fault interrupted[] = {
    {CALL_OPEN, EINTR, NONE}, {CALL_READ, EINTR, NONE}, {CALL_WRITE, EINTR, NONE}, {CALL_SYNC, EINTR, NONE}};

/* Does the verdict allow this status of a call in which the fault came? */
static int may_end_so(const fault *f, mf_status status)
{
    return status == MF_STATUS_OK ? f->fatal != EACH : f->fatal != NONE;
}

static void arm(const fault *f, size_t nth, int lasting)
{
    memset(&faults, 0, sizeof faults);
    faults.kind = f->kind;
    faults.error = f->error;
    faults.lasting = lasting;
    faults.nth = nth;
}

/* How many calls of each kind have failed, alone or as the first of all that did, since the test began. */
static size_t fired[CALL_KINDS];

static void print_fired(const char *what)
{
    size_t sum = 0;

    for (int kind = CALL_ANY; kind < CALL_KINDS; kind++)
        sum += fired[kind];
    print_message("%s: %zu faults\n", what, sum);
}

/* Ends the counting; 1 if the fault has come. */
static int disarm(void)
{
    faults.nth = 0;
    fired[faults.kind] += faults.fired > 0;
    return faults.fired > 0;
}

static void explain(const fault *f, size_t nth, int lasting)
{
    print_message("call %zu of kind %d, error %d, lasting %d: \"%s\"\n", nth, f->kind, f->error, lasting,
                  mf_last_message());
}

#define expect(condition)             \
    do {                              \
        if (!(condition)) {           \
            explain(f, nth, lasting); \
            assert_true(condition);   \
        }                             \
    } while (0)

/* ---- saving ---- */

typedef struct saving {
    mf_status (*call)(const char *target);
    content expected; /* the file that it writes */
    const char *target;
    content before;
} saving;

static mf_status save_model(const char *target)
{
    return mf_network_save(network, MF_CONTENTS_MODEL, target);
}

static mf_status save_training(const char *target)
{
    return mf_network_save(network, MF_CONTENTS_TRAINING, target);
}

static mf_status export_onnx(const char *target)
{
    return mf_network_export_onnx(network, target);
}

/* docs/files.md: after OK, and where only the folder was not synced, the new file is there; after any other
 * failure the old one is. Only where deleting failed as well is a temporary file left, and it does no harm.
 */
static void check_saved(const saving *s, mf_status status, const fault *f, size_t nth, int lasting)
{
    content now = content_of_path();
    int saved = status == MF_STATUS_OK || strncmp(mf_last_message(), "saved, but", 10) == 0;
    int left = litter(), may_be_left = lasting && f->kind == CALL_ANY;

    expect(status == MF_STATUS_OK || status == MF_STATUS_IO);
    expect(status == MF_STATUS_OK || strstr(mf_last_message(), s->target) != NULL);
    expect(same_content(&now, saved ? &s->expected : &s->before));
    expect(left == 0 || (may_be_left && !saved && left == 1));
    free(now.bytes);
}

static void sweep_saving(const saving *s, const fault *f, int lasting)
{
    size_t refusals = 0;

    for (size_t nth = 1;; nth++) {
        int open_before, came;
        mf_status status;

        assert_in_range(nth, 1, 500);
        restore(&s->before);
        open_before = open_files();
        arm(f, nth, lasting);
        status = s->call(s->target);
        came = disarm();
        expect(open_files() == open_before);
        check_saved(s, status, f, nth, lasting);
        if (!came) {
            expect(status == MF_STATUS_OK);
            expect(f->fatal != ONE || refusals > 0);
            return;
        }
        expect(may_end_so(f, status));
        refusals += status != MF_STATUS_OK;
    }
}

static void sweep_savings(const saving *s)
{
    for (size_t i = 0; i < COUNT_OF(writing); i++) {
        sweep_saving(s, &writing[i], 0);
        sweep_saving(s, &writing[i], 1);
    }
    for (size_t i = 0; i < COUNT_OF(interrupted); i++)
        sweep_saving(s, &interrupted[i], 0);
}

/* Each kind of file, where there was none, over another, and through a link. */
static void test_a_save_that_fails_leaves_one_whole_file(void **state)
{
    static mf_status (*const calls[])(const char *) = {save_model, save_training, export_onnx};
    size_t bytes, after_bytes;
    void *before = model_save(network, MF_CONTENTS_TRAINING, &bytes), *after;
    content old;

    (void)state;
    check_ok(mf_network_save(other, MF_CONTENTS_TRAINING, path));
    old = content_of_path();
    for (size_t c = 0; c < COUNT_OF(calls); c++) {
        saving s = {.call = calls[c], .target = path};

        check_ok(s.call(path));
        s.expected = content_of_path();
        sweep_savings(&s);
        s.before = old;
        sweep_savings(&s);
        s.target = link_path;
        sweep_savings(&s);
        free(s.expected.bytes);
    }
    after = model_save(network, MF_CONTENTS_TRAINING, &after_bytes);
    assert_int_equal(bytes, after_bytes);
    assert_memory_equal(before, after, bytes);
    free(before);
    free(after);
    free(old.bytes);
    for (int kind = CALL_ANY; kind < CALL_KINDS; kind++)
        if (kind != CALL_READ &&
            kind != CALL_UNLINK) /* which comes behind a failure only, as one of CALL_ANY */
            assert_true(fired[kind] > 0);
    print_fired("saving");
}

/* ---- loading ---- */

static test_memory memory;
static mf_allocator allocator;

static mf_status load_contents(int32_t contents, mf_network **loaded)
{
    mf_load_spec spec;

    check_ok(mf_load_spec_init(&spec, sizeof spec));
    spec.allocator = &allocator;
    spec.contents = contents;
    return mf_network_load(&spec, path, loaded);
}

static mf_status load_model(mf_network **loaded)
{
    return load_contents(MF_CONTENTS_MODEL, loaded);
}

static mf_status load_training(mf_network **loaded)
{
    return load_contents(MF_CONTENTS_TRAINING, loaded);
}

static mf_onnx_spec onnx_of_path(void)
{
    mf_onnx_spec spec;

    check_ok(mf_onnx_spec_init(&spec, sizeof spec));
    spec.allocator = &allocator;
    spec.path = path;
    return spec;
}

static mf_status import_onnx(mf_network **loaded)
{
    const mf_onnx_spec spec = onnx_of_path();

    return mf_network_import_onnx(&spec, loaded);
}

static mf_status plan_onnx(mf_network **loaded)
{
    const mf_onnx_spec spec = onnx_of_path();
    static char text[100000];

    *loaded = NULL;
    return mf_onnx_plan(&spec, text, sizeof text, NULL);
}

static void sweep_loading(mf_status (*call)(mf_network **), const fault *f, int lasting)
{
    for (size_t nth = 1;; nth++) {
        mf_network *loaded = (mf_network *)1;
        int open_before = open_files(), came;
        mf_status status;

        assert_in_range(nth, 1, 2000);
        arm(f, nth, lasting);
        status = call(&loaded);
        came = disarm();
        expect(open_files() == open_before);
        expect(came ? may_end_so(f, status) : status == MF_STATUS_OK);
        if (status != MF_STATUS_OK) {
            expect(status == (f->error == FAULT_NOTHING ? MF_STATUS_FORMAT : MF_STATUS_IO));
            expect(strstr(mf_last_message(), path) != NULL);
            expect(strstr(strstr(mf_last_message(), path) + 1, path) == NULL);
            expect(loaded == NULL);
        }
        mf_network_free(loaded);
        expect(memory.blocks_out == 0 && memory.faults == 0);
        if (!came)
            return;
    }
}

static void sweep_loadings(mf_status (*call)(mf_network **))
{
    for (size_t i = 0; i < COUNT_OF(reading); i++) {
        sweep_loading(call, &reading[i], 0);
        sweep_loading(call, &reading[i], 1);
    }
    for (size_t i = 0; i < COUNT_OF(interrupted); i++)
        sweep_loading(call, &interrupted[i], 0);
}

static void test_a_load_that_fails_leaves_nothing(void **state)
{
    mf_network *loaded = NULL;

    (void)state;
    memset(fired, 0, sizeof fired);
    allocator = memory_allocator(&memory);
    check_ok(mf_network_save(network, MF_CONTENTS_TRAINING, path));
    sweep_loadings(load_model);
    sweep_loadings(load_training);
    check_ok(load_training(&loaded));
    check_same_model(network, loaded);
    mf_network_free(loaded);
    check_ok(mf_network_export_onnx(network, path));
    sweep_loadings(import_onnx);
    sweep_loadings(plan_onnx);
    assert_true(fired[CALL_OPEN] > 0 && fired[CALL_READ] > 0 && fired[CALL_FSTAT] > 0 &&
                fired[CALL_CLOSE] > 0);
    print_fired("loading");
}

/* ---- a limit on the size of files ---- */

static void note(int signal)
{
    (void)signal;
}

/* In a process of its own with `room` for a file: what becomes of it. */
static int save_with_room(size_t room, void (*on_signal)(int))
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        const struct rlimit limit = {room, room}, no_core = {0, 0};
        mf_status saved;

        signal(SIGXFSZ, on_signal);
        if (setrlimit(RLIMIT_CORE, &no_core) != 0 || setrlimit(RLIMIT_FSIZE, &limit) != 0)
            _exit(100);
        saved = mf_network_save(network, MF_CONTENTS_TRAINING, path);
        _exit(saved == MF_STATUS_IO && strstr(mf_last_message(), path) != NULL ? 1
                                                                               : (saved != MF_STATUS_OK) + 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/* A host that does not ignore SIGXFSZ is ended by it, as by kill -9: the old file is there. */
static void test_a_limit_on_file_size_keeps_the_old_file(void **state)
{
    content before, after;

    (void)state;
    memset(&faults, 0, sizeof faults);
    check_ok(mf_network_save(other, MF_CONTENTS_TRAINING, path));
    before = content_of_path();
    for (size_t room = 0; room < before.count; room += before.count / 4) {
        int status = save_with_room(room, note);

        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 1);
        assert_int_equal(litter(), 0);
        status = save_with_room(room, SIG_DFL);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGXFSZ);
        after = content_of_path();
        assert_true(same_content(&before, &after));
        free(after.bytes);
        check_ok(mf_network_save(other, MF_CONTENTS_TRAINING, path));
        assert_int_equal(litter(), 1); /* of the process that was ended */
    }
    free(before.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_save_that_fails_leaves_one_whole_file),
        cmocka_unit_test(test_a_load_that_fails_leaves_nothing),
        cmocka_unit_test(test_a_limit_on_file_size_keeps_the_old_file),
    };

    return cmocka_run_group_tests(tests, open_folder, close_folder);
}
