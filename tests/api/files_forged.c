/* Snapshots that are forged, with a checksum that fits: each rule of the reader broken once. A status, a
 * message that names what is wrong, and nothing has changed. SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "models.h"
#include "snapshots.h"

/* Where the counts of a layer are: its optimizer's kind + 1, batches, masks, draws of M, steps of parameters.
 */
enum { STATE, APPLIED, DROPPED, RENEWED, FIRST_STEPS };
enum { MOMENTUM = 0x100, RMSPROP = MF_OPTIMIZER_RMSPROP + 1 };

enum { INPUTS = 3, ROWS = 4, LAYERS = 2 };
static const size_t outputs[LAYERS] = {4, 2};
static const uint64_t largest = UINT64_MAX / 2 - 1;

/* The parameters of the first layer, and what the optimizer keeps for those that learn. */
enum { WEIGHT, BIAS, PROJECTION, SCALE, MEAN, VARIANCE, PARAMETERS };

typedef struct forgery {
    mf_network *network;
    size_t bytes, first_value;
    unsigned char *good, *forged;
    void *before; /* the network as a file */
    size_t before_bytes;
} forgery;

static mf_network *make_trained(int32_t kind, float momentum)
{
    mf_optimizer_spec how = optimizer_spec(kind, 0.1);
    mf_optimizer *optimizer = NULL;
    mf_network *network = make_network();
    mf_workspace *workspace;
    float x[ROWS * INPUTS];
    const int32_t y[ROWS] = {0, 1, 2, 1};

    how.momentum = momentum;
    check_ok(mf_optimizer_create(&how, &optimizer));
    for (size_t i = 0; i < LAYERS; i++) {
        mf_layer_spec spec = layer_spec(i > 0 ? outputs[i - 1] : INPUTS, outputs[i], 3);
        mf_layer *layer;

        spec.normalization = MF_NORMALIZATION_BATCH;
        spec.dropout = 0.25f;
        layer = make_layer(&spec);
        check_ok(mf_network_append(network, layer, NULL));
        mf_layer_free(layer);
    }
    check_ok(mf_network_set_optimizer(network, optimizer));
    mf_optimizer_free(optimizer);
    for (size_t i = 0; i < COUNT_OF(x); i++)
        x[i] = (float)((i * 5) % 7) - 3.0f;
    workspace = make_network_workspace(network, ROWS);
    for (int t = 0; t < 2; t++)
        check_ok(mf_network_step(network, workspace, ROWS, x, y));
    mf_workspace_free(workspace);
    return network;
}

static size_t counts_of_layer(const mf_network *network, size_t position)
{
    size_t count = 0;

    check_ok(mf_layer_parameter_count(layer_at(network, position), &count));
    return FIRST_STEPS + count;
}

static int set_up(void **state)
{
    forgery *f = get_zeroed(1, sizeof *f);

    f->network = make_trained(MF_OPTIMIZER_RMSPROP, 0.5f);
    f->good = take_snapshot(f->network, &f->bytes);
    f->forged = get_memory(f->bytes + 8);
    memset(f->forged, 0, f->bytes + 8);
    memcpy(f->forged, f->good, f->bytes);
    f->first_value = SNAPSHOT_COUNTS_AT;
    for (size_t i = 0; i < LAYERS; i++)
        f->first_value += 8 * counts_of_layer(f->network, i);
    f->before = model_save(f->network, MF_CONTENTS_TRAINING, &f->before_bytes);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    forgery *f = *state;

    mf_network_free(f->network);
    free(f->good);
    free(f->forged);
    free(f->before);
    free(f);
    return 0;
}

static unsigned char *count_at(const forgery *f, size_t position, size_t number)
{
    size_t at = SNAPSHOT_COUNTS_AT + 8 * number;

    for (size_t i = 0; i < position; i++)
        at += 8 * counts_of_layer(f->network, i);
    return f->forged + at;
}

/* What a load leaves behind. */
static void check_network(const forgery *f, mf_network *network)
{
    size_t bytes;
    void *now = model_save(network, MF_CONTENTS_TRAINING, &bytes);

    assert_int_equal(bytes, f->before_bytes);
    assert_memory_equal(now, f->before, bytes);
    free(now);
}

/* The first `bytes` of what is forged, as they are, in a block of exactly that size. Then it is as it was. */
static void check_bytes(forgery *f, size_t bytes, mf_status expected, const char *part)
{
    unsigned char *exact = get_memory(bytes);

    memcpy(exact, f->forged, bytes);
    check_status(expected, mf_network_snapshot_load(f->network, exact, bytes));
    check_message(part);
    check_network(f, f->network);
    free(exact);
    memcpy(f->forged, f->good, f->bytes);
}

/* The same with a size and a checksum that fit. */
static void check_sealed(forgery *f, size_t bytes, mf_status expected, const char *part)
{
    seal_snapshot(f->forged, bytes);
    check_bytes(f, bytes, expected, part);
}

static void check_count(forgery *f, size_t position, size_t number, uint64_t value, const char *part)
{
    set_snapshot_u64(count_at(f, position, number), value);
    check_sealed(f, f->bytes, MF_STATUS_FORMAT, part);
}

/* ---- what is good ---- */

/* Otherwise the other tests would show nothing. */
static void test_the_seal_fits(void **state)
{
    forgery *f = *state;

    seal_snapshot(f->forged, f->bytes);
    assert_memory_equal(f->forged, f->good, f->bytes);
    check_ok(mf_network_snapshot_load(f->network, f->forged, f->bytes));
    check_network(f, f->network);
    assert_int_equal(snapshot_u64(count_at(f, 0, STATE)), RMSPROP | MOMENTUM);
    for (size_t i = 0; i < LAYERS; i++) {
        assert_int_equal(snapshot_u64(count_at(f, i, APPLIED)), 2);
        assert_int_equal(snapshot_u64(count_at(f, i, DROPPED)), 2);
        assert_int_equal(snapshot_u64(count_at(f, i, RENEWED)), 1);
        for (size_t p = 0; p < PARAMETERS; p++)
            assert_int_equal(snapshot_u64(count_at(f, i, FIRST_STEPS + p)),
                             p == MEAN || p == VARIANCE ? 0 : 2);
    }
}

/* The largest counts are taken, go on, and end up in a file that is read. */
static void test_the_largest_counts(void **state)
{
    forgery *f = *state;
    mf_workspace *workspace = make_network_workspace(f->network, ROWS);
    const float x[ROWS * INPUTS] = {1, 2, 3, 4, 5, 6, 0, 1, 0, 2};
    const int32_t y[ROWS] = {2, 1, 0, 0};
    unsigned char *snapshot;
    mf_network *again;
    size_t bytes;
    void *file;

    for (size_t i = 0; i < LAYERS; i++)
        for (size_t number = APPLIED; number < FIRST_STEPS + PARAMETERS; number++)
            if (number != FIRST_STEPS + MEAN && number != FIRST_STEPS + VARIANCE)
                set_snapshot_u64(count_at(f, i, number), largest);
    seal_snapshot(f->forged, f->bytes);
    check_ok(mf_network_snapshot_load(f->network, f->forged, f->bytes));
    check_ok(mf_network_step(f->network, workspace, ROWS, x, y));
    assert_true(read_report(workspace, 1).applied == largest);
    snapshot = take_snapshot(f->network, &bytes);
    check_ok(mf_network_snapshot_load(f->network, snapshot, bytes));
    file = model_save(f->network, MF_CONTENTS_TRAINING, &bytes);
    again = model_load(MF_CONTENTS_TRAINING, file, bytes);
    check_same_model(f->network, again);
    mf_network_free(again);
    mf_workspace_free(workspace);
    free(snapshot);
    free(file);
}

/* ---- the header ---- */

static void test_header(void **state)
{
    forgery *f = *state;

    for (size_t bytes = 0; bytes < SNAPSHOT_COUNTS_AT; bytes++)
        check_bytes(f, bytes, MF_STATUS_FORMAT, "not a snapshot");
    for (size_t i = 0; i < SNAPSHOT_VERSION_AT; i++) {
        f->forged[i] ^= 0x20;
        check_sealed(f, f->bytes, MF_STATUS_FORMAT, "not a snapshot");
    }
    for (uint64_t version = 0; version < snapshot_u64(f->good + SNAPSHOT_VERSION_AT); version++) {
        set_snapshot_u64(f->forged + SNAPSHOT_VERSION_AT, version);
        check_sealed(f, f->bytes, MF_STATUS_FORMAT, "version");
    }
    set_snapshot_u64(f->forged + SNAPSHOT_VERSION_AT, snapshot_u64(f->good + SNAPSHOT_VERSION_AT) + 1);
    check_sealed(f, f->bytes, MF_STATUS_VERSION, "version");
    set_snapshot_u64(f->forged + SNAPSHOT_VERSION_AT, UINT64_MAX);
    check_sealed(f, f->bytes, MF_STATUS_VERSION, "18446744073709551615");
    set_snapshot_u64(f->forged + SNAPSHOT_SHAPES_AT, snapshot_u64(f->good + SNAPSHOT_SHAPES_AT) + 1);
    check_sealed(f, f->bytes, MF_STATUS_SHAPE, "other shapes");
    set_snapshot_u64(f->forged + SNAPSHOT_SUM_AT, snapshot_u64(f->good + SNAPSHOT_SUM_AT) + 1);
    check_bytes(f, f->bytes, MF_STATUS_FORMAT, "checksum");
}

static void test_size_by_the_header(void **state)
{
    forgery *f = *state;
    const uint64_t sizes[] = {
        0,
        1,
        39,
        f->bytes + 1,
        UINT64_MAX,
        UINT64_MAX - 39,
        UINT64_C(1) << 63,
        (UINT64_C(1) << 32) + f->bytes,
    };

    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        set_snapshot_u64(f->forged + SNAPSHOT_SIZE_AT, sizes[i]);
        check_bytes(f, f->bytes, MF_STATUS_FORMAT, "by its header");
    }
}

/* Too short at every place, and too long. */
static void test_size_by_the_values(void **state)
{
    forgery *f = *state;

    for (size_t bytes = SNAPSHOT_COUNTS_AT; bytes < f->first_value; bytes++)
        check_sealed(f, bytes, MF_STATUS_FORMAT, "among its counts");
    for (size_t bytes = f->first_value; bytes < f->bytes; bytes++)
        check_sealed(f, bytes, MF_STATUS_FORMAT, "its values need");
    for (size_t more = 1; more <= 8; more++)
        check_sealed(f, f->bytes + more, MF_STATUS_FORMAT, "its values need");
}

/* ---- counts ---- */

static void test_counts(void **state)
{
    forgery *f = *state;
    const uint64_t values[] = {largest + 1, largest + 2, UINT64_MAX - 1, UINT64_MAX};

    for (size_t i = 0; i < LAYERS; i++) {
        char layer[20];

        snprintf(layer, sizeof layer, "layer %zu", i);
        for (size_t number = APPLIED; number < FIRST_STEPS + PARAMETERS; number++)
            for (size_t v = 0; v < COUNT_OF(values); v++)
                check_count(f, i, number, values[v], layer);
        /* M has been drawn, and what does not learn has no steps. A file with such counts is refused too. */
        check_count(f, i, RENEWED, 0, layer);
        check_count(f, i, FIRST_STEPS + MEAN, 1, layer);
        check_count(f, i, FIRST_STEPS + VARIANCE, 1, layer);
    }
}

static void test_optimizers(void **state)
{
    forgery *f = *state;
    const uint64_t unknown[] = {
        MOMENTUM,          RMSPROP + 1,       (RMSPROP + 1) | MOMENTUM,    0x200 | RMSPROP, 0xFF, 0x1FF,
        UINT64_C(1) << 32, UINT64_C(1) << 63, (UINT64_C(1) << 32) | 0x104, UINT64_MAX,
    };

    for (size_t i = 0; i < LAYERS; i++) {
        char layer[20];

        snprintf(layer, sizeof layer, "layer %zu", i);
        for (size_t v = 0; v < COUNT_OF(unknown); v++)
            check_count(f, i, STATE, unknown[v], layer);
        for (uint64_t kind = 1; kind <= RMSPROP; kind++)
            for (uint64_t momentum = 0; momentum <= MOMENTUM; momentum += MOMENTUM) {
                if ((kind | momentum) == (RMSPROP | MOMENTUM))
                    continue;
                set_snapshot_u64(count_at(f, i, STATE), kind | momentum);
                check_sealed(f, f->bytes, MF_STATUS_SHAPE, layer);
            }
        /* Without an optimizer there are no steps. */
        check_count(f, i, STATE, 0, layer);
        for (size_t p = 0; p < PARAMETERS; p++)
            set_snapshot_u64(count_at(f, i, FIRST_STEPS + p), 0);
        check_count(f, i, STATE, 0, "its values need");
    }
}

/* Into a network without optimizers, which takes the parameters of any snapshot, the same must not come. */
static void test_without_optimizers(void **state)
{
    forgery *f = *state;
    mf_network *serving = NULL;
    size_t bytes;
    unsigned char *snapshot, *before;

    check_ok(mf_network_clone(f->network, MF_CONTENTS_MODEL, NULL, &serving));
    before = take_snapshot(serving, &bytes);
    snapshot = get_memory(f->bytes);
    for (size_t p = 0; p < PARAMETERS; p++) {
        memcpy(snapshot, before, bytes);
        set_snapshot_u64(snapshot + SNAPSHOT_COUNTS_AT + 8 * (FIRST_STEPS + p), 1);
        seal_snapshot(snapshot, bytes);
        check_status(MF_STATUS_FORMAT, mf_network_snapshot_load(serving, snapshot, bytes));
        check_message("layer 0");
    }
    memcpy(snapshot, f->good, f->bytes);
    set_snapshot_u64(snapshot + SNAPSHOT_COUNTS_AT, MOMENTUM);
    seal_snapshot(snapshot, f->bytes);
    check_status(MF_STATUS_FORMAT, mf_network_snapshot_load(serving, snapshot, f->bytes));
    memcpy(snapshot, f->good, f->bytes);
    set_snapshot_bits(snapshot + f->bytes - 4, 0x7FC00000); /* of a state that it would not take */
    seal_snapshot(snapshot, f->bytes);
    check_status(MF_STATUS_FORMAT, mf_network_snapshot_load(serving, snapshot, f->bytes));
    check_message("is nan, it must be finite");
    free(snapshot);
    snapshot = take_snapshot(serving, &bytes);
    assert_memory_equal(snapshot, before, bytes);
    mf_network_free(serving);
    free(snapshot);
    free(before);
}

/* ---- values ---- */

/* The bytes of the values of a parameter of a layer. */
static size_t value_bytes(const forgery *f, size_t position, size_t parameter)
{
    mf_parameter_info info = {.struct_size = sizeof info};

    check_ok(mf_layer_parameter_info(layer_at(f->network, position), parameter, &info));
    return 4 * info.count;
}

/* One value at a time, the first and the last one of a tensor. */
static void check_tensor(forgery *f, size_t at, size_t bytes, int no_negative, const char *part)
{
    static const uint32_t unsound[] = {0x7FC00000, 0x7F800001, 0xFFFFFFFF,
                                       0x7F800000, 0xFF800000, 0xBF800000};
    const size_t places[] = {at, at + bytes - 4};

    for (size_t i = 0; i < COUNT_OF(unsound); i++)
        for (size_t p = 0; p < COUNT_OF(places); p++) {
            if (unsound[i] == 0xBF800000 && !no_negative)
                continue;
            set_snapshot_bits(f->forged + places[p], unsound[i]);
            check_sealed(f, f->bytes, MF_STATUS_FORMAT, part);
        }
}

/* Behind the parameters of a layer comes what RMSprop keeps for those that learn: mean squares, then
 * momentum. */
static void test_values(void **state)
{
    static const char *const names[] = {"weight", "bias", "projection", "scale", "mean", "variance"};
    static const char *const kept[] = {"second_moment", "momentum"};
    forgery *f = *state;
    size_t at = f->first_value;

    for (size_t i = 0; i < LAYERS; i++)
        for (size_t tensor = 0; tensor < 3 * PARAMETERS; tensor++) {
            const size_t p = tensor % PARAMETERS, slot = tensor / PARAMETERS;
            char part[80];

            if (slot > 0 && (p == MEAN || p == VARIANCE))
                continue;
            if (slot == 0)
                snprintf(part, sizeof part, "layers.%zu.%s", i, names[p]);
            else
                snprintf(part, sizeof part, "training.layers.%zu.%s.%s", i, names[p], kept[slot - 1]);
            check_tensor(f, at, value_bytes(f, i, p), slot == 0 ? p == VARIANCE : slot == 1, part);
            at += value_bytes(f, i, p);
        }
    assert_int_equal(at, f->bytes);
}

/* Every 32 bits that are there, turned over: it is refused and nothing has changed, or it is taken, and what
 * is then in the network can be saved and read. */
static void test_every_word(void **state)
{
    forgery *f = *state;

    for (size_t at = SNAPSHOT_COUNTS_AT; at < f->bytes; at += 4) {
        for (size_t b = 0; b < 4; b++)
            f->forged[at + b] ^= 0xFF;
        seal_snapshot(f->forged, f->bytes);
        if (mf_network_snapshot_load(f->network, f->forged, f->bytes) == MF_STATUS_OK) {
            size_t bytes;
            void *file = model_save(f->network, MF_CONTENTS_TRAINING, &bytes);

            mf_network_free(model_load(MF_CONTENTS_TRAINING, file, bytes));
            free(file);
            check_ok(mf_network_snapshot_load(f->network, f->good, f->bytes));
        }
        check_network(f, f->network);
        memcpy(f->forged, f->good, f->bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_seal_fits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_largest_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_header, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_size_by_the_header, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_size_by_the_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_optimizers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_without_optimizers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_word, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
