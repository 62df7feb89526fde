/* Files of megabytes that are made to take long, or much memory: time and memory grow with the file, whatever
 * is in it, and no network is saved that could not be loaded. SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "models.h"
#include "units.h"

/* Seconds of the processor for a file of up to 4 MB, on a slow machine or under sanitizers; it takes a tenth.
 */
enum { MOST_SECONDS = 10, MOST_UNITS = 65536 };

/* ---- headers ---- */

typedef struct text {
    char *bytes;
    size_t length, room;
} text;

static void put(text *to, const char *format, ...)
{
    va_list arguments;

    if (to->room - to->length < 1000) {
        to->room = 2 * to->room + 100000;
        to->bytes = realloc(to->bytes, to->room);
        assert_non_null(to->bytes);
    }
    va_start(arguments, format);
    to->length += (size_t)vsnprintf(to->bytes + to->length, 1000, format, arguments);
    va_end(arguments);
}

/* A unit as the files of the library have it would be longer: what may be left out is. */
#define READING "{\\\"kind\\\":\\\"activation\\\",\\\"input\\\":%zu}"
#define HEAD "\\\"head\\\":{\\\"kind\\\":\\\"linear\\\",\\\"classes\\\":2}"

static void begin_network(text *to)
{
    put(to, "{\"__metadata__\":{\"format\":\"monoforward\",\"format_version\":\"2\",\"network\":\"{\\\"next_"
            "id\\\":"
            "\\\"999999\\\",\\\"layers\\\":[");
}

static void begin_layer(text *to, size_t position)
{
    put(to,
        "%s{\\\"kind\\\":\\\"units\\\",\\\"id\\\":\\\"%zu\\\",\\\"seed\\\":\\\"1\\\",\\\"input\\\":[1],"
        "\\\"units\\\":[",
        position ? "," : "", position + 1);
}

static void end_network(text *to)
{
    put(to, "]}\"}");
}

/* The only tensor of a layer whose units have no parameters. */
static void put_head_tensor(text *to, size_t position, size_t offset)
{
    put(to, ",\"layers.%zu.head.projection\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[%zu,%zu]}",
        position, offset, offset + 8);
}

/* ---- loading them ---- */

typedef struct seen {
    size_t now, peak;
} seen;

static void *take(void *user, size_t bytes, size_t alignment)
{
    seen *s = user;

    s->now += bytes;
    s->peak = s->now > s->peak ? s->now : s->peak;
    return aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}

static void give_back(void *user, void *pointer, size_t bytes)
{
    ((seen *)user)->now -= bytes;
    free(pointer);
}

/* Seconds of the processor since `from`. */
static double since(clock_t from)
{
    return (double)(clock() - from) / CLOCKS_PER_SEC;
}

/* All that is linear in the file: memory of `times` its size, and the time. A network that loads is also
 * described, exported, saved, and steps. */
static void check_file(const char *name, text *header, size_t data, mf_status expected, size_t times)
{
    size_t bytes = 8 + header->length + data, needed = 0;
    unsigned char *file = get_zeroed(bytes, 1);
    seen s = {0};
    mf_allocator allocator = {.alloc = take, .free = give_back, .user = &s};
    mf_load_spec spec;
    mf_network *network = NULL;
    clock_t start;

    for (int i = 0; i < 8; i++)
        file[i] = (unsigned char)((uint64_t)header->length >> 8 * i);
    memcpy(file + 8, header->bytes, header->length);
    check_ok(mf_load_spec_init(&spec, sizeof spec));
    spec.allocator = &allocator;
    start = clock();
    check_status(expected, mf_network_load_buffer(&spec, file, bytes, &network));
    print_message("%s: %zu bytes, %.2f s, memory of %.1f times the file\n", name, bytes, since(start),
                  (double)s.peak / (double)bytes);
    if (s.peak > times * bytes || since(start) > MOST_SECONDS)
        fail_msg("that is too much");
    if (network != NULL) {
        mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.1);
        mf_workspace *workspace = make_network_workspace(network, 1);
        const float x = 1.0f;
        const int32_t y = 1;
        int32_t label;

        start = clock();
        check_status(MF_STATUS_CAPACITY, mf_network_summary(network, 1, NULL, 0, &needed));
        check_ok(mf_network_export_onnx_size(network, &needed));
        check_ok(mf_network_save_size(network, MF_CONTENTS_TRAINING, &needed));
        check_ok(mf_network_set_optimizer(network, optimizer));
        check_ok(mf_network_step(network, workspace, 1, &x, &y));
        check_ok(mf_network_predict(network, workspace, MF_PREDICT_SUM, 1, &x, &label));
        if (since(start) > MOST_SECONDS)
            fail_msg("using it takes %.2f s", since(start));
        mf_workspace_free(workspace);
        mf_optimizer_free(optimizer);
    }
    mf_network_free(network);
    assert_int_equal(s.now, 0);
    free(file);
    free(header->bytes);
}

/* ---- what they hold ---- */

/* Half of the units read node 0, the others add them up: as many outputs are there at a time. */
static void test_fan(void **state)
{
    const size_t count = MOST_UNITS / 2;
    text t = {0};

    (void)state;
    begin_network(&t);
    begin_layer(&t, 0);
    for (size_t i = 0; i < count; i++)
        put(&t, "%s" READING, i ? "," : "", (size_t)0);
    for (size_t i = 1; i < count; i++)
        put(&t, ",{\\\"kind\\\":\\\"add\\\",\\\"input\\\":%zu,\\\"other\\\":%zu}", i > 1 ? count + i - 1 : 1,
            i + 1);
    put(&t, "]," HEAD "}");
    end_network(&t);
    put_head_tensor(&t, 0, 0);
    put(&t, "}");
    check_file("fan", &t, 8, MF_STATUS_OK, 30);
}

/* One unit behind the other; one more is refused; and a file in which nobody reads the first. */
static void check_chain(const char *name, size_t count, int all_read_the_input, mf_status expected,
                        size_t times)
{
    text t = {0};

    begin_network(&t);
    begin_layer(&t, 0);
    for (size_t i = 0; i < count; i++)
        put(&t, "%s" READING, i ? "," : "", all_read_the_input ? 0 : i);
    put(&t, "]," HEAD "}");
    end_network(&t);
    put_head_tensor(&t, 0, 0);
    put(&t, "}");
    check_file(name, &t, 8, expected, times);
}

static void test_chains(void **state)
{
    (void)state;
    check_chain("chain", MOST_UNITS, 0, MF_STATUS_OK, 31);
    check_chain("a unit too many", MOST_UNITS + 1, 0, MF_STATUS_FORMAT, 6);
    check_chain("unread units", MOST_UNITS, 1, MF_STATUS_FORMAT, 30);
}

/* The shortest unit there is: a sum with the input. Before it is known that its tensors are there, a file
 * takes at most about 50 times its bytes, and as much again for the network. */
static void test_short_units(void **state)
{
    (void)state;
    for (int good = 0; good <= 1; good++) {
        text t = {0};

        begin_network(&t);
        begin_layer(&t, 0);
        for (size_t i = 0; i < MOST_UNITS; i++)
            put(&t, "%s{\\\"kind\\\":\\\"add\\\"}", i ? "," : "");
        put(&t, "]," HEAD "}");
        end_network(&t);
        put_head_tensor(&t, good ? 0 : 1, 0);
        put(&t, "}");
        check_file(good ? "sums" : "sums without tensors", &t, 8, good ? MF_STATUS_OK : MF_STATUS_FORMAT,
                   good ? 70 : 51);
    }
}

/* The limit is that of all layers together. */
static void test_units_of_two_layers(void **state)
{
    text t = {0};

    (void)state;
    begin_network(&t);
    for (size_t position = 0; position < 2; position++) {
        begin_layer(&t, position);
        for (size_t i = 0; i < MOST_UNITS / 2 + 1; i++)
            put(&t, "%s" READING, i ? "," : "", i);
        put(&t, "]," HEAD "}");
    }
    end_network(&t);
    put_head_tensor(&t, 0, 0);
    put_head_tensor(&t, 1, 8);
    put(&t, "}");
    check_file("two long layers", &t, 16, MF_STATUS_FORMAT, 30);
    check_message("65536");
}

/* Many parameters, all frozen. */
static void test_parameters(void **state)
{
    const size_t count = 12000;
    text t = {0};

    (void)state;
    begin_network(&t);
    begin_layer(&t, 0);
    for (size_t i = 0; i < count; i++)
        put(&t, "%s{\\\"kind\\\":\\\"dense\\\",\\\"outputs\\\":1,\\\"bias\\\":false}", i ? "," : "");
    put(&t, "]," HEAD ",\\\"frozen\\\":[");
    for (size_t i = 1; i <= count; i++)
        put(&t, "%s\\\"units.%zu.weight\\\"", i > 1 ? "," : "", i);
    put(&t, "]}");
    end_network(&t);
    for (size_t i = 0; i < count; i++)
        put(&t,
            ",\"layers.0.units.%zu.weight\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[%zu,%zu]}",
            i + 1, 4 * i, 4 * i + 4);
    put_head_tensor(&t, 0, 4 * count);
    put(&t, "}");
    check_file("frozen parameters", &t, 4 * count + 8, MF_STATUS_OK, 30);
}

/* Names that no parameter has. */
static void test_frozen_names(void **state)
{
    text t = {0};

    (void)state;
    begin_network(&t);
    begin_layer(&t, 0);
    put(&t, READING "]," HEAD ",\\\"frozen\\\":[\\\"head.projection\\\"", (size_t)0);
    for (size_t i = 1; i <= 100000; i++)
        put(&t, ",\\\"units.%zu.weight\\\"", i);
    put(&t, "]}");
    end_network(&t);
    put_head_tensor(&t, 0, 0);
    put(&t, "}");
    check_file("frozen names", &t, 8, MF_STATUS_FORMAT, 5);
}

/* Many small layers: those that load, and those whose tensors are of other names. */
static void test_layers(void **state)
{
    const size_t count = 12000;

    (void)state;
    for (int good = 0; good <= 1; good++) {
        text t = {0};

        begin_network(&t);
        for (size_t i = 0; i < count; i++) {
            begin_layer(&t, i);
            put(&t, READING "]," HEAD "}", (size_t)0);
        }
        end_network(&t);
        for (size_t i = 0; i < count; i++)
            put_head_tensor(&t, good ? i : i + 1, 8 * i);
        put(&t, "}");
        check_file(good ? "layers" : "layers without tensors", &t, 8 * count,
                   good ? MF_STATUS_OK : MF_STATUS_FORMAT, 20);
    }
}

/* Which earlier layer's optimizer a layer gets: none, that of one far before, or its own. */
static size_t partner_of(size_t position, size_t none)
{
    return position % 7 == 3 ? none : position % 5 == 4 ? position / 2 : position;
}

static mf_optimizer *optimizer_of(const mf_network *network, size_t position)
{
    mf_optimizer *optimizer = NULL;

    check_ok(mf_layer_optimizer(layer_at(network, position), &optimizer));
    return optimizer;
}

/* Thousands of layers, most of them with an optimizer of their own, others with one that a layer far before
 * them has. */
static void test_optimizers(void **state)
{
    enum { COUNT = 8192 };
    mf_network *network = make_network(), *loaded;
    size_t bytes;
    clock_t start;
    void *file;

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        mf_layer *layer = make_plain_layer(1, 1, 2, i + 1);
        size_t partner = partner_of(i, COUNT);
        mf_optimizer *own = make_optimizer(MF_OPTIMIZER_SGD, 0.5 + (double)i / COUNT);

        if (partner == i)
            check_ok(mf_layer_set_optimizer(layer, own));
        else if (partner < i)
            check_ok(mf_layer_set_optimizer(layer, optimizer_of(network, partner)));
        check_ok(mf_network_append(network, layer, NULL));
        mf_optimizer_free(own);
        mf_layer_free(layer);
    }
    start = clock();
    file = model_save(network, MF_CONTENTS_TRAINING, &bytes);
    loaded = model_load(MF_CONTENTS_TRAINING, file, bytes);
    print_message("optimizers: %zu bytes, %.2f s\n", bytes, since(start));
    if (since(start) > MOST_SECONDS)
        fail_msg("that is too much");
    for (size_t i = 0; i < COUNT; i++) {
        mf_optimizer *was = optimizer_of(network, i), *is = optimizer_of(loaded, i);
        size_t partner = partner_of(i, COUNT);
        double before = 0.0, after = 0.0;

        assert_int_equal(was == NULL, is == NULL);
        if (was == NULL)
            continue;
        if (partner < i && optimizer_of(network, partner) != NULL)
            assert_ptr_equal(is, optimizer_of(loaded, partner));
        check_ok(mf_optimizer_get(was, MF_OPTIMIZER_LEARNING_RATE, &before));
        check_ok(mf_optimizer_get(is, MF_OPTIMIZER_LEARNING_RATE, &after));
        assert_true(before == after);
    }
    mf_network_free(network);
    mf_network_free(loaded);
    free(file);
}

/* What cannot be loaded is not saved. */
static void test_no_more_is_saved(void **state)
{
    mf_shape input = shape_row(1);
    mf_builder_spec spec = builder_spec(&input);
    mf_head_spec head = head_spec(2);
    mf_unit_spec unit = unit_activation(MF_ACTIVATION_RELU);
    mf_builder *builder = NULL;

    (void)state;
    check_ok(mf_builder_create(&spec, &builder));
    check_ok(mf_builder_head(builder, &head));
    for (size_t i = 0; i < MOST_UNITS; i++)
        check_ok(mf_builder_unit(builder, &unit, NULL));
    for (int more = 0; more <= 1; more++) {
        mf_network *network = make_network();
        mf_layer *layer = NULL;
        size_t bytes = 77;
        char buffer[8];

        check_ok(mf_layer_build(builder, &layer));
        check_ok(mf_network_append(network, layer, NULL));
        if (more) {
            check_status(MF_STATUS_OVERFLOW, mf_network_save_size(network, MF_CONTENTS_MODEL, &bytes));
            check_message("65537");
            assert_int_equal(bytes, 77);
            check_status(MF_STATUS_OVERFLOW,
                         mf_network_save_buffer(network, MF_CONTENTS_MODEL, buffer, sizeof buffer, NULL));
            check_status(MF_STATUS_OVERFLOW,
                         mf_network_save(network, MF_CONTENTS_TRAINING, "/tmp/monoforward-never-written"));
        } else {
            void *file = model_save(network, MF_CONTENTS_MODEL, &bytes);

            mf_network_free(model_load(MF_CONTENTS_MODEL, file, bytes));
            free(file);
        }
        mf_layer_free(layer);
        mf_network_free(network);
        check_ok(mf_builder_unit(builder, &unit, NULL));
    }
    mf_builder_free(builder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fan),          cmocka_unit_test(test_chains),
        cmocka_unit_test(test_short_units),  cmocka_unit_test(test_units_of_two_layers),
        cmocka_unit_test(test_parameters),   cmocka_unit_test(test_layers),
        cmocka_unit_test(test_optimizers),   cmocka_unit_test(test_no_more_is_saved),
        cmocka_unit_test(test_frozen_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
