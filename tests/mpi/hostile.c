/* Every function of the header: NULL for each pointer in turn, live handles of each other kind for each
 * handle, every struct in every size at the end of a page. Each is given by all ranks, and by the last one
 * alone where they agree: it gets the status that the header names, on all ranks, and nobody waits for ever.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "page.h"
#include "ranks.h"
#include "units.h"

enum { MOST_PARAMETERS = 5, BEYOND = 64, NONE = -1 };

/* ---- what functions are given ---- */

enum {
    GRID,
    TRAINER,
    NETWORK,
    PART,   /* a network, too: this rank's layers of it */
    TARGET, /* and that of which the trainer has layers */
    OPTIMIZER,
    LAYER,
    MATRIX,
    BUILDER,
    POOL,
    WORKSPACE,
    PIPELINE,
    HANDLES,
    GRID_SPEC = HANDLES,
    PLACE,
    TRAINER_SPEC,
    TRAFFIC,
    BATCH,
    REPORT,
    STRUCTS_END,
    COSTS = STRUCTS_END,
    FIRST,
    NEW_GRID, /* from here on handles that a call makes */
    NEW_TRAINER,
    NEW_PART
};

static void *handles[HANDLES]; /* all live */
static training_fixture *data;
static int thread_level;

static int kind_of(int what)
{
    return what == PART || what == TARGET ? NETWORK : what;
}

static void set_up(void)
{
    const units_plan plan = plan_row(3, 2);
    mf_network *part;

    data = make_training_fixture(&rules[3]);
    handles[GRID] = make_grid(1);
    handles[NETWORK] = copy_of(data->network);
    handles[PART] = take_part(handles[GRID], handles[NETWORK]);
    handles[TARGET] = data->network;
    part = take_part(handles[GRID], data->network);
    mf_mpi_trainer_spec spec = trainer_spec(part);
    spec.local = 1;
    handles[TRAINER] = make_trainer(handles[GRID], &spec);
    mf_network_free(part);
    handles[OPTIMIZER] = data->optimizer;
    handles[LAYER] = layer_at(handles[NETWORK], 0);
    handles[MATRIX] = make_matrix(CLASSES, 6, 9);
    handles[BUILDER] = make_builder(&plan, NULL);
    handles[POOL] = make_pool(2);
    handles[WORKSPACE] = data->workspace;
    handles[PIPELINE] = make_network_pipeline(handles[NETWORK], ROWS, 0);
}

static void take_down(void)
{
    mf_mpi_trainer_free(handles[TRAINER]);
    mf_mpi_grid_free(handles[GRID]);
    mf_pipeline_free(handles[PIPELINE]);
    mf_pool_free(handles[POOL]);
    mf_builder_free(handles[BUILDER]);
    mf_matrix_free(handles[MATRIX]);
    mf_network_free(handles[PART]);
    mf_network_free(handles[NETWORK]);
    free_training_fixture(data);
}

typedef union any_struct {
    mf_mpi_grid_spec grid_spec;
    mf_mpi_place place;
    mf_mpi_trainer_spec trainer_spec;
    mf_mpi_traffic traffic;
    mf_batch batch;
    mf_report report;
} any_struct;

/* A struct that is all right, and its size. */
static size_t fill_struct(int what, any_struct *one)
{
    switch (what) {
    case GRID_SPEC:
        check_mpi_ok(mf_mpi_grid_spec_init(&one->grid_spec, sizeof one->grid_spec));
        return sizeof one->grid_spec;
    case PLACE:
        check_mpi_ok(mf_mpi_place_init(&one->place, sizeof one->place));
        return sizeof one->place;
    case TRAINER_SPEC:
        one->trainer_spec = trainer_spec(handles[PART]);
        return sizeof one->trainer_spec;
    case TRAFFIC:
        check_mpi_ok(mf_mpi_traffic_init(&one->traffic, sizeof one->traffic));
        return sizeof one->traffic;
    case BATCH:
        one->batch = batch_of(data, 0);
        return sizeof one->batch;
    default:
        check_ok(mf_report_init(&one->report, sizeof one->report));
        return sizeof one->report;
    }
}

static union {
    mf_mpi_grid *grid;
    mf_mpi_trainer *trainer;
    mf_network *part;
} made;

static void *argument(int what)
{
    static any_struct one;
    static double costs[LAYERS] = {1, 1, 1, 1};
    static size_t first;

    if (what < HANDLES)
        return handles[what];
    if (what < STRUCTS_END)
        fill_struct(what, &one);
    else if (what == NEW_GRID)
        made.grid = handles[GRID];
    else if (what == NEW_TRAINER)
        made.trainer = handles[TRAINER];
    else
        made.part = handles[PART];
    return what < STRUCTS_END ? &one : what == COSTS ? costs : what == FIRST ? (void *)&first : &made;
}

/* ---- the functions ---- */

static mf_status version(void **at)
{
    (void)at;
    return mf_mpi_version() != NULL ? MF_STATUS_OK : MF_STATUS_ARGUMENT;
}

static mf_status last_message(void **at)
{
    (void)at;
    return mf_mpi_last_message() != NULL ? MF_STATUS_OK : MF_STATUS_ARGUMENT;
}

/* What a struct says itself. */
static size_t told_size(const void *one)
{
    uint32_t size = 64;

    if (one != NULL)
        memcpy(&size, one, sizeof size);
    return size;
}

static mf_status grid_spec_init(void **at)
{
    return mf_mpi_grid_spec_init(at[0], told_size(at[0]));
}

static mf_status place_init(void **at)
{
    return mf_mpi_place_init(at[0], told_size(at[0]));
}

static mf_status trainer_spec_init(void **at)
{
    return mf_mpi_trainer_spec_init(at[0], told_size(at[0]));
}

static mf_status traffic_init(void **at)
{
    return mf_mpi_traffic_init(at[0], told_size(at[0]));
}

static mf_status grid_create(void **at)
{
    return mf_mpi_grid_create(MPI_COMM_WORLD, at[0], at[1]);
}

static mf_status grid_free(void **at)
{
    mf_mpi_grid_free(at[0]);
    if (at[0] == handles[GRID])
        handles[GRID] = NULL;
    return MF_STATUS_OK;
}

static mf_status grid_place(void **at)
{
    return mf_mpi_grid_place(at[0], at[1]);
}

static mf_status split(void **at)
{
    return mf_mpi_split(at[0], at[1], at[2], at[3], at[4]);
}

static mf_status trainer_create(void **at)
{
    return mf_mpi_trainer_create(at[0], at[1], at[2]);
}

static mf_status trainer_free(void **at)
{
    mf_mpi_trainer_free(at[0]);
    if (at[0] == handles[TRAINER])
        handles[TRAINER] = NULL;
    return MF_STATUS_OK;
}

static mf_status step(void **at)
{
    return mf_mpi_step(at[0], at[1]);
}

static mf_status step_layer(void **at)
{
    return mf_mpi_step_layer(at[0], LAYERS - 1, at[1]);
}

static mf_status flush(void **at)
{
    return mf_mpi_flush(at[0]);
}

static mf_status average(void **at)
{
    return mf_mpi_average(at[0]);
}

static mf_status gather(void **at)
{
    return mf_mpi_gather(at[0], at[1]);
}

static mf_status report(void **at)
{
    return mf_mpi_report(at[0], 0, at[1]);
}

static mf_status sent(void **at)
{
    return mf_mpi_sent(at[0], at[1]);
}

enum {
    MAY_BE_NULL = 1,
    AGREED = 2, /* what is wrong on one rank is an error on all */
    FILLED = 4, /* a struct that receives something */
    FREED = 8   /* what is no such handle is left alone */
};

typedef struct function {
    const char *name;
    mf_status (*call)(void **at);
    struct {
        int what, flags;
    } parameters[MOST_PARAMETERS]; /* those that are pointers */
    size_t count;
} function;

static const function functions[] = {
    {"mf_mpi_version", version, {{0}}, 0},
    {"mf_mpi_last_message", last_message, {{0}}, 0},
    {"mf_mpi_grid_spec_init", grid_spec_init, {{GRID_SPEC, FILLED}}, 1},
    {"mf_mpi_place_init", place_init, {{PLACE, FILLED}}, 1},
    {"mf_mpi_trainer_spec_init", trainer_spec_init, {{TRAINER_SPEC, FILLED}}, 1},
    {"mf_mpi_traffic_init", traffic_init, {{TRAFFIC, FILLED}}, 1},
    {"mf_mpi_grid_create", grid_create, {{GRID_SPEC, MAY_BE_NULL | AGREED}, {NEW_GRID, AGREED}}, 2},
    {"mf_mpi_grid_free", grid_free, {{GRID, FREED}}, 1},
    {"mf_mpi_grid_place", grid_place, {{GRID, 0}, {PLACE, FILLED}}, 2},
    {"mf_mpi_split",
     split,
     {{GRID, 0}, {NETWORK, AGREED}, {COSTS, MAY_BE_NULL}, {NEW_PART, AGREED}, {FIRST, MAY_BE_NULL}},
     5},
    {"mf_mpi_trainer_create", trainer_create, {{GRID, 0}, {TRAINER_SPEC, AGREED}, {NEW_TRAINER, AGREED}}, 3},
    {"mf_mpi_trainer_free", trainer_free, {{TRAINER, FREED}}, 1},
    {"mf_mpi_step", step, {{TRAINER, 0}, {BATCH, 0}}, 2},
    {"mf_mpi_step_layer", step_layer, {{TRAINER, 0}, {BATCH, 0}}, 2},
    {"mf_mpi_flush", flush, {{TRAINER, 0}}, 1},
    {"mf_mpi_average", average, {{TRAINER, 0}}, 1},
    {"mf_mpi_gather", gather, {{TRAINER, 0}, {TARGET, 0}}, 2},
    {"mf_mpi_report", report, {{TRAINER, 0}, {REPORT, FILLED}}, 2},
    {"mf_mpi_sent", sent, {{TRAINER, 0}, {TRAFFIC, FILLED}}, 2},
};

/* What a call that succeeds has made is freed; one that fails makes nothing. */
static void check_made(int what, mf_status status)
{
    if (what == NEW_GRID && status == MF_STATUS_OK)
        mf_mpi_grid_free(made.grid);
    else if (what == NEW_GRID)
        assert_null(made.grid);
    if (what == NEW_TRAINER && status == MF_STATUS_OK)
        mf_mpi_trainer_free(made.trainer);
    else if (what == NEW_TRAINER)
        assert_null(made.trainer);
    if (what == NEW_PART && status == MF_STATUS_OK)
        mf_network_free(made.part);
    else if (what == NEW_PART)
        assert_null(made.part);
}

/* The call with one argument that is something else, on this rank if it is `mine`. */
static void try_call(const function *one, int wrong, void *instead, int mine, mf_status expected,
                     const char *words)
{
    void *at[MOST_PARAMETERS];
    mf_status status;

    for (int i = 0; i < (int)one->count; i++)
        at[i] = mine && i == wrong ? instead : argument(one->parameters[i].what);
    status = one->call(at);
    if (status != expected)
        fail_msg("rank %d: %s, argument %d, %s: %s, expected %s: %s", mpi_rank(), one->name, wrong, words,
                 mf_status_name(status), mf_status_name(expected), mf_mpi_last_message());
    if (status != MF_STATUS_OK)
        check_mpi_message(words);
    for (size_t i = 0; i < one->count; i++)
        if (at[i] != NULL)
            check_made(one->parameters[i].what, status);
}

static void try_null(const function *one, int i, int mine)
{
    const int what = one->parameters[i].what, fine = one->parameters[i].flags & (MAY_BE_NULL | FREED);

    try_call(one, i, NULL, mine,
             fine             ? MF_STATUS_OK
             : what < HANDLES ? MF_STATUS_HANDLE
                              : MF_STATUS_ARGUMENT,
             "NULL");
}

static void try_other_kinds(const function *one, int i, int mine)
{
    const int what = one->parameters[i].what;

    for (int other = 0; what < HANDLES && other < HANDLES; other++)
        if (kind_of(other) != kind_of(what))
            try_call(one, i, handles[other], mine,
                     one->parameters[i].flags & FREED ? MF_STATUS_OK : MF_STATUS_HANDLE,
                     kind_of(what) == NETWORK ? "expected a network" : "the handle is no ");
}

/* What is written is of its size and ends with zeros; of a struct that is refused nothing is. */
static void try_size(const function *one, int i, int mine, size_t size)
{
    const int filled = one->parameters[i].flags & FILLED;
    any_struct good;
    const size_t known = fill_struct(one->parameters[i].what, &good);
    void *at = filled ? place_struct(size) : place_spec(size, &good, known);

    try_call(one, i, at, mine, size < known ? MF_STATUS_ARGUMENT : MF_STATUS_OK, "struct_size must be");
    check_before(size);
    if (filled && size < known)
        check_untouched(size);
    for (size_t k = known; filled && k < size; k++)
        assert_int_equal(page_end[-(ptrdiff_t)(size - k)], 0);
    assert_int_equal(told_size(at), size);
    if (!filled && size > known) {
        page_end[-1] = 1; /* a wish that nobody knows */
        try_call(one, i, at, mine, MF_STATUS_ARGUMENT, "is set, but this version knows");
    }
}

static void try_sizes(const function *one, int i, int mine, size_t stride)
{
    const uint32_t absurd[] = {0, 1, 3, LARGEST_STRUCT + 1, UINT32_MAX};
    const int what = one->parameters[i].what;
    any_struct good;

    if (what < HANDLES || what >= STRUCTS_END)
        return;
    for (size_t size = 4; size <= fill_struct(what, &good) + BEYOND; size += stride)
        try_size(one, i, mine, size);
    for (size_t k = 0; k < COUNT_OF(absurd); k++) {
        void *at = place_struct(4);

        memcpy(at, &absurd[k], sizeof absurd[k]);
        try_call(one, i, at, mine, MF_STATUS_ARGUMENT, "struct_size must be");
    }
}

/* At last a call with nothing wrong: all handles have stayed what they were. */
static void test_every_pointer(const function *one)
{
    const int last = mpi_rank() + 1 == mpi_ranks();

    set_up();
    for (int i = 0; i < (int)one->count; i++)
        for (int alone = 0; alone < 2; alone++) {
            const int mine = last || !alone, flags = one->parameters[i].flags;

            if (alone && (mpi_ranks() == 1 || !(flags & AGREED)))
                continue;
            try_null(one, i, mine);
            try_other_kinds(one, i, mine);
            try_sizes(one, i, mine, mpi_ranks() == 1 ? 1 : alone ? 12 : 4); /* several ranks take longer */
        }
    try_call(one, NONE, NULL, 1, MF_STATUS_OK, "nothing wrong");
    take_down();
}

/* ---- pointers in structs ---- */

static void refuse_spec(const mf_mpi_trainer_spec *spec, mf_status expected)
{
    mf_mpi_trainer *trainer = handles[TRAINER];

    check_mpi(expected, mf_mpi_trainer_create(handles[GRID], spec, &trainer));
    assert_null(trainer);
}

static void test_pointers_in_specs(void)
{
    const int last = mpi_rank() + 1 == mpi_ranks();
    const mf_status of_pools = thread_level < MPI_THREAD_FUNNELED ? MF_STATUS_STATE : MF_STATUS_HANDLE;

    set_up();
    for (int alone = 0; alone < 2; alone++)
        for (int other = 0; other < HANDLES; other++) {
            const mf_mpi_trainer_spec good = trainer_spec(handles[PART]);
            mf_mpi_trainer_spec network = good, pool = good;

            if (last || !alone) {
                network.network = kind_of(other) == NETWORK ? NULL : handles[other];
                pool.pool = handles[other];
            }
            refuse_spec(&network, MF_STATUS_HANDLE);
            if (other != POOL)
                refuse_spec(&pool, of_pools);
        }
    take_down();
}

static void refuse_batch(const mf_batch *batch)
{
    check_mpi(MF_STATUS_ARGUMENT, mf_mpi_step(handles[TRAINER], batch));
    check_mpi_message("NULL");
    check_mpi(MF_STATUS_ARGUMENT, mf_mpi_step_layer(handles[TRAINER], LAYERS - 1, batch));
    check_mpi_message("NULL");
}

/* Also in a greedy step of the last layer, whose stage has the labels of the first one. */
static void test_pointers_in_batches(void)
{
    set_up();
    const mf_batch good = batch_of(data, 1);
    mf_batch inputs = good, targets = good, weights = good;

    inputs.inputs = NULL;
    targets.targets = NULL;
    weights.sample_weights = NULL;
    refuse_batch(&inputs);
    refuse_batch(&targets);
    check_mpi_ok(mf_mpi_step(handles[TRAINER], &weights));
    check_mpi_ok(mf_mpi_step_layer(handles[TRAINER], LAYERS - 1, &weights));
    check_mpi_ok(mf_mpi_flush(handles[TRAINER]));
    take_down();
}

/* ---- functions that come later ---- */

static char *read_text(const char *path)
{
    size_t count = 0;
    char *bytes = read_file(path, &count), *text = get_zeroed(count + 1, 1);

    if (bytes == NULL)
        fail_msg("%s cannot be read", path);
    memcpy(text, bytes, count);
    free(bytes);
    return text;
}

/* How many parameters of a function are pointers. */
static size_t count_pointers(const char *header, const char *name)
{
    const size_t length = strlen(name);
    size_t count = 0;

    for (const char *at = strstr(header, "MF_API "); at != NULL; at = strstr(at + 1, "MF_API ")) {
        const char *open = strchr(at, '('), *before = open - length - 1;

        if (strncmp(before + 1, name, length) != 0 || (*before != ' ' && *before != '*'))
            continue;
        for (int seen = 0; *open != ')'; open++) {
            count += *open == '*' && !seen;
            seen = *open != ',' && (seen || *open == '*');
        }
        return count;
    }
    fail_msg("the header has no %s", name);
    return 0;
}

/* Each exported name is in the list above, with all its pointers. */
static void test_the_list_is_complete(void)
{
    char *map = read_text(SOURCES "/cmake/monoforward_mpi.map"),
         *header = read_text(SOURCES "/include/monoforward_mpi.h");
    size_t found = 0;

    for (char *word = strtok(map, " \n"); word != NULL; word = strtok(NULL, " \n")) {
        char *end = strchr(word, ';');
        size_t i = 0;

        if (strncmp(word, "mf_", 3) != 0 || end == NULL)
            continue;
        *end = '\0';
        while (i < COUNT_OF(functions) && strcmp(functions[i].name, word) != 0)
            i++;
        if (i == COUNT_OF(functions))
            fail_msg("%s is exported, and this test does not know it", word);
        if (functions[i].count != count_pointers(header, word))
            fail_msg("%s has %zu pointers, and this test knows of %zu", word, count_pointers(header, word),
                     functions[i].count);
        found++;
    }
    assert_int_equal(found, COUNT_OF(functions));
    free(header);
    free(map);
}

int main(int argc, char **argv)
{
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &thread_level);
    assert_int_equal(open_page(NULL), 0);
    test_the_list_is_complete();
    for (size_t i = 0; i < COUNT_OF(functions); i++)
        test_every_pointer(&functions[i]);
    test_pointers_in_specs();
    test_pointers_in_batches();
    assert_int_equal(close_page(NULL), 0);
    if (mpi_rank() == 0)
        printf("%d ranks: %zu functions refuse what is no argument\n", mpi_ranks(), COUNT_OF(functions));
    MPI_Finalize();
    return 0;
}
