/* Descriptions of layers of several units. SPDX-License-Identifier: MIT */
#include "units.h"

mf_shape shape_row(size_t values)
{
    return (mf_shape){.struct_size = sizeof(mf_shape), .rank = 1, .dims = {values, 1, 1, 1}};
}

mf_shape shape_sequence(size_t positions, size_t values)
{
    return (mf_shape){.struct_size = sizeof(mf_shape), .rank = 2, .dims = {positions, values, 1, 1}};
}

mf_shape shape_maps(size_t maps, size_t height, size_t width)
{
    return (mf_shape){.struct_size = sizeof(mf_shape), .rank = 3, .dims = {maps, height, width, 1}};
}

void check_shape_at(const mf_shape *shape, int32_t rank, size_t a, size_t b, size_t c, const char *file,
                    int line)
{
    if (shape->rank == rank && shape->dims[0] == a && shape->dims[1] == b && shape->dims[2] == c &&
        shape->dims[3] == 1)
        return;
    print_error("the shape is %d: %zu x %zu x %zu x %zu, expected %d: %zu x %zu x %zu x 1\n",
                (int)shape->rank, shape->dims[0], shape->dims[1], shape->dims[2], shape->dims[3], (int)rank,
                a, b, c);
    _fail(file, line);
}

mf_builder_spec builder_spec(const mf_shape *input)
{
    mf_builder_spec spec;

    check_ok(mf_builder_spec_init(&spec, sizeof spec));
    spec.input = input;
    spec.seed = 3;
    return spec;
}

mf_head_spec head_spec(size_t classes)
{
    mf_head_spec head;

    check_ok(mf_head_spec_init(&head, sizeof head));
    head.classes = classes;
    return head;
}

static units_plan plan_of(mf_shape input, size_t classes)
{
    return (units_plan){.input = input, .seed = 7, .head = head_spec(classes)};
}

units_plan plan_row(size_t values, size_t classes)
{
    return plan_of(shape_row(values), classes);
}

units_plan plan_maps(size_t maps, size_t height, size_t width, size_t classes)
{
    return plan_of(shape_maps(maps, height, width), classes);
}

units_plan plan_sequence(size_t positions, size_t values, size_t classes)
{
    return plan_of(shape_sequence(positions, values), classes);
}

units_plan plan_behind(const mf_layer *layer, size_t classes)
{
    mf_shape output = {.struct_size = sizeof output};

    check_ok(mf_layer_shape(layer, NULL, &output));
    return plan_of(output, classes);
}

int32_t plan_add(units_plan *plan, mf_unit_spec unit)
{
    assert_in_range(plan->count, 0, UNITS_MOST - 1);
    plan->units[plan->count++] = unit;
    return (int32_t)plan->count;
}

mf_unit_spec unit_of(int32_t kind)
{
    mf_unit_spec unit;

    check_ok(mf_unit_spec_init(&unit, sizeof unit));
    unit.kind = kind;
    return unit;
}

mf_unit_spec unit_dense(size_t outputs)
{
    mf_unit_spec unit = unit_of(MF_UNIT_DENSE);

    unit.outputs = outputs;
    return unit;
}

mf_unit_spec unit_conv(size_t filters, size_t kernel, size_t padding)
{
    mf_unit_spec unit = unit_of(MF_UNIT_CONV2D);

    unit.outputs = filters;
    unit.kernel[0] = unit.kernel[1] = kernel;
    unit.padding[0] = unit.padding[1] = padding;
    return unit;
}

mf_unit_spec unit_norm(void)
{
    return unit_of(MF_UNIT_BATCH_NORM);
}

mf_unit_spec unit_activation(int32_t activation)
{
    mf_unit_spec unit = unit_of(MF_UNIT_ACTIVATION);

    unit.activation = activation;
    return unit;
}

mf_unit_spec unit_pool(int32_t pool, size_t kernel)
{
    mf_unit_spec unit = unit_of(MF_UNIT_POOL);

    unit.pool = pool;
    unit.kernel[0] = unit.kernel[1] = kernel;
    return unit;
}

mf_unit_spec unit_dropout(float rate, int32_t maps)
{
    mf_unit_spec unit = unit_of(MF_UNIT_DROPOUT);

    unit.dropout = rate;
    unit.dropout_maps = maps;
    return unit;
}

mf_unit_spec unit_add(int32_t one, int32_t other)
{
    mf_unit_spec unit = unit_of(MF_UNIT_ADD);

    unit.inputs[0] = one;
    unit.inputs[1] = other;
    return unit;
}

mf_unit_spec unit_concat(int32_t one, int32_t other)
{
    mf_unit_spec unit = unit_add(one, other);

    unit.kind = MF_UNIT_CONCAT;
    return unit;
}

mf_unit_spec unit_attention(size_t heads, int32_t causal)
{
    mf_unit_spec unit = unit_of(MF_UNIT_ATTENTION);

    unit.heads = heads;
    unit.causal = causal;
    return unit;
}

mf_unit_spec unit_embedding(size_t vocabulary, size_t outputs)
{
    mf_unit_spec unit = unit_of(MF_UNIT_EMBEDDING);

    unit.vocabulary = vocabulary;
    unit.outputs = outputs;
    return unit;
}

int unit_reads_two(int32_t kind)
{
    return kind == MF_UNIT_ADD || kind == MF_UNIT_CONCAT;
}

mf_unit_spec unit_reading(mf_unit_spec unit, int32_t node)
{
    unit.inputs[0] = node;
    return unit;
}

/* NaN aside, which no spec holds. */
#define same_field(field)                            \
    do {                                             \
        if (one->field != other->field)              \
            fail_msg("the specs differ in " #field); \
    } while (0)

void check_same_unit(const mf_unit_spec *one, const mf_unit_spec *other)
{
    same_field(struct_size);
    same_field(kind);
    same_field(inputs[0]);
    same_field(inputs[1]);
    same_field(outputs);
    same_field(bias);
    same_field(weight_init);
    same_field(weight_gain);
    same_field(activation);
    same_field(leak);
    same_field(pool);
    same_field(kernel[0]);
    same_field(kernel[1]);
    same_field(stride[0]);
    same_field(stride[1]);
    same_field(padding[0]);
    same_field(padding[1]);
    same_field(dropout);
    same_field(dropout_maps);
    same_field(normalization_rate);
    same_field(normalization_epsilon);
    same_field(reserved2);
    same_field(reserved);
    same_field(heads);
    same_field(causal);
    same_field(reserved3);
    same_field(vocabulary);
    same_field(groups);
    same_field(loss_weight);
    same_field(reserved4);
}

void check_same_matrix(const mf_matrix *one, const mf_matrix *other)
{
    size_t rows[2] = {0, 0}, columns[2] = {0, 0};
    float *values[2];

    if (one == other)
        return;
    check_ok(mf_matrix_size(one, &rows[0], &columns[0]));
    check_ok(mf_matrix_size(other, &rows[1], &columns[1]));
    assert_int_equal(rows[0], rows[1]);
    assert_int_equal(columns[0], columns[1]);
    for (int i = 0; i < 2; i++) {
        values[i] = get_memory(rows[0] * columns[0] * sizeof(float));
        check_ok(mf_matrix_values(i ? other : one, values[i], rows[0] * columns[0]));
    }
    assert_memory_equal(values[0], values[1], rows[0] * columns[0] * sizeof(float));
    free(values[0]);
    free(values[1]);
}

void check_same_head(const mf_head_spec *one, const mf_head_spec *other)
{
    same_field(struct_size);
    same_field(kind);
    same_field(classes);
    same_field(pool_size);
    same_field(projection_init);
    same_field(projection_gain);
    same_field(label_smoothing);
    same_field(output_node);
    same_field(sampling);
    same_field(candidates);
    same_field(similarity);
    same_field(reserved2);
    same_field(input_node);
    same_field(reserved3);
    check_same_matrix(one->shared, other->shared);
}

void check_same_spec(const mf_layer_spec *one, const mf_layer_spec *other)
{
    same_field(struct_size);
    same_field(kind);
    same_field(inputs);
    same_field(outputs);
    same_field(classes);
    same_field(activation);
    same_field(bias);
    same_field(weight_init);
    same_field(projection_init);
    same_field(weight_gain);
    same_field(projection_gain);
    same_field(leak);
    same_field(dropout);
    same_field(label_smoothing);
    same_field(seed);
    same_field(allocator);
    same_field(normalization);
    same_field(normalization_rate);
    same_field(normalization_epsilon);
    same_field(pool);
    same_field(channels);
    same_field(height);
    same_field(width);
    same_field(filters);
    same_field(kernel[0]);
    same_field(kernel[1]);
    same_field(stride[0]);
    same_field(stride[1]);
    same_field(padding[0]);
    same_field(padding[1]);
    same_field(pool_size[0]);
    same_field(pool_size[1]);
    same_field(pool_stride[0]);
    same_field(pool_stride[1]);
    same_field(head_size);
    same_field(dropout_maps);
    same_field(precision);
}

#undef same_field

mf_builder *start_builder(const units_plan *plan, const mf_allocator *allocator)
{
    mf_builder_spec spec = builder_spec(&plan->input);
    mf_builder *builder = NULL;

    spec.dropout = plan->dropout;
    spec.dropout_maps = plan->dropout_maps;
    spec.precision = plan->precision;
    spec.seed = plan->seed;
    spec.allocator = allocator;
    check_ok(mf_builder_create(&spec, &builder));
    assert_non_null(builder);
    check_ok(mf_builder_head(builder, &plan->head));
    return builder;
}

mf_builder *make_builder(const units_plan *plan, const mf_allocator *allocator)
{
    mf_builder *builder = start_builder(plan, allocator);

    for (size_t i = 0; i < plan->count; i++) {
        int32_t node = -7;

        check_ok(mf_builder_unit(builder, &plan->units[i], &node));
        assert_int_equal(node, i + 1);
    }
    return builder;
}

mf_layer *make_units(const units_plan *plan)
{
    return make_units_by(plan, NULL);
}

mf_layer *make_units_by(const units_plan *plan, const mf_allocator *allocator)
{
    mf_builder *builder = make_builder(plan, allocator);
    mf_layer *layer = NULL;

    check_ok(mf_layer_build(builder, &layer));
    assert_non_null(layer);
    mf_builder_free(builder);
    return layer;
}

void check_sticks(mf_builder *builder, mf_status expected, const char *part)
{
    const mf_unit_spec good = unit_dense(3);
    const mf_head_spec head = head_spec(4);
    mf_layer *layer = (mf_layer *)1;

    check_status(expected, mf_builder_unit(builder, &good, NULL));
    check_message(part);
    check_status(expected, mf_builder_head(builder, &head));
    check_message(part);
    check_status(expected, mf_layer_build(builder, &layer));
    check_message(part);
    assert_null(layer);
}

void check_unit_refused(mf_builder *builder, mf_status expected, const mf_unit_spec *unit, const char *part)
{
    check_status(expected, mf_builder_unit(builder, unit, NULL));
    check_message(part);
    check_sticks(builder, expected, part);
    mf_builder_free(builder);
}

void check_head_refused(const units_plan *plan, mf_status expected, const char *part)
{
    mf_builder_spec spec = builder_spec(&plan->input);
    mf_builder *builder = NULL;
    mf_layer *layer = (mf_layer *)1;

    check_ok(mf_builder_create(&spec, &builder));
    for (size_t i = 0; i < plan->count; i++)
        check_ok(mf_builder_unit(builder, &plan->units[i], NULL));
    (void)mf_builder_head(builder, &plan->head); /* what fails here fails again */
    check_status(expected, mf_layer_build(builder, &layer));
    check_message(part);
    assert_null(layer);
    mf_builder_free(builder);
}

mf_network *make_units_network(const units_plan *plans, size_t count, mf_optimizer *optimizer)
{
    mf_network *network = make_network();

    for (size_t i = 0; i < count; i++) {
        mf_layer *layer = make_units(&plans[i]);

        check_ok(mf_network_append(network, layer, NULL));
        mf_layer_free(layer);
    }
    if (optimizer != NULL)
        check_ok(mf_network_set_optimizer(network, optimizer));
    return network;
}

size_t layer_vocabulary(const mf_layer *layer)
{
    size_t units = 0, least = 0;

    check_ok(mf_layer_unit_count(layer, &units));
    for (size_t n = 1; n <= units; n++) {
        mf_unit_spec unit = {.struct_size = sizeof unit};

        check_ok(mf_layer_unit(layer, (int32_t)n, &unit, NULL));
        if (unit.kind == MF_UNIT_EMBEDDING && (least == 0 || unit.vocabulary < least))
            least = unit.vocabulary;
    }
    return least;
}

void draw_inputs(size_t vocabulary, test_random *random, float *x, size_t count)
{
    if (vocabulary == 0)
        random_values(random, x, count, 1.0);
    for (size_t i = 0; vocabulary > 0 && i < count; i++)
        x[i] = (float)random_index(random, vocabulary);
}

size_t count_gradients(const mf_layer *layer)
{
    size_t parameters = 0, values = 0;

    check_ok(mf_layer_parameter_count(layer, &parameters));
    for (size_t i = 0; i < parameters; i++) {
        mf_parameter_info info = {.struct_size = sizeof info};

        check_ok(mf_layer_parameter_info(layer, i, &info));
        values += info.count;
    }
    return values;
}

units_plan plan_residual(size_t maps, size_t height, size_t width, size_t classes)
{
    units_plan plan = plan_maps(maps, height, width, classes);
    mf_unit_spec conv = unit_conv(maps, 3, 1);

    conv.bias = 0;
    plan_add(&plan, conv);
    plan_add(&plan, unit_norm());
    plan_add(&plan, unit_activation(MF_ACTIVATION_RELU));
    plan_add(&plan, conv);
    plan_add(&plan, unit_norm());
    plan_add(&plan, unit_add(MF_NODE_PREVIOUS, 0));
    plan_add(&plan, unit_activation(MF_ACTIVATION_RELU));
    return plan;
}

mf_matrix *make_matrix(size_t rows, size_t columns, uint64_t seed)
{
    float *values = get_memory(rows * columns * sizeof *values);
    test_random random = {.state = seed};
    mf_matrix_spec spec;
    mf_matrix *matrix = NULL;

    random_values(&random, values, rows * columns, 1.0);
    check_ok(mf_matrix_spec_init(&spec, sizeof spec));
    spec.rows = rows;
    spec.columns = columns;
    spec.values = values;
    check_ok(mf_matrix_create(&spec, &matrix));
    free(values);
    return matrix;
}

void plan_classes(units_plan *plan, size_t classes)
{
    plan->head.classes = classes;
    for (size_t u = 0; u < plan->count; u++)
        if (plan->units[u].kind == MF_UNIT_DENSE && plan->units[u].loss_weight > 0.0f)
            plan->units[u].outputs = classes;
}

void plan_shared(units_plan *plan, const mf_matrix *matrix, size_t learned)
{
    mf_unit_spec map;
    size_t columns = 0;

    if (matrix != NULL)
        check_ok(mf_matrix_size(matrix, NULL, &columns));
    map = unit_dense(columns + learned);
    map.bias = 0;
    plan->head.output_node = (int32_t)plan->count;
    plan->head.shared = matrix;
    plan_add(plan, map);
}

const mf_matrix *shared_at(const mf_network *network, size_t position)
{
    mf_head_spec head = {.struct_size = sizeof head};

    check_ok(mf_layer_head(layer_at(network, position), &head));
    return head.shared;
}
