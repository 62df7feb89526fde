/* Descriptions of layers of several units, for the library's builder and for the oracle alike.
 * SPDX-License-Identifier: MIT */
#ifndef TEST_UNITS_H
#define TEST_UNITS_H

#include "build.h"
#include "random.h"

enum { UNITS_MOST = 24 };

/** A layer: the shape of its input, its units, its head. Node i is the output of units[i - 1]. */
typedef struct units_plan {
    mf_shape input;
    size_t count;
    mf_unit_spec units[UNITS_MOST];
    mf_head_spec head;
    float dropout;
    int32_t dropout_maps, precision;
    uint64_t seed;
} units_plan;

/** A plan without units, seed 7: of a row of values, or of maps. */
units_plan plan_row(size_t values, size_t classes);
units_plan plan_maps(size_t maps, size_t height, size_t width, size_t classes);
units_plan plan_sequence(size_t positions, size_t values, size_t classes);

/** The same for the shape that a layer gives. */
units_plan plan_behind(const mf_layer *layer, size_t classes);

/** Adds a unit; the number of its node. */
int32_t plan_add(units_plan *plan, mf_unit_spec unit);

/* Units in one line each; what they read is the node before. */

mf_unit_spec unit_of(int32_t kind);
mf_unit_spec unit_dense(size_t outputs);
/** Square kernel, and as much padding on each side. */
mf_unit_spec unit_conv(size_t filters, size_t kernel, size_t padding);
mf_unit_spec unit_norm(void);
mf_unit_spec unit_activation(int32_t activation);
/** Square windows, side by side. */
mf_unit_spec unit_pool(int32_t pool, size_t kernel);
mf_unit_spec unit_dropout(float rate, int32_t maps);
mf_unit_spec unit_add(int32_t one, int32_t other);
mf_unit_spec unit_concat(int32_t one, int32_t other);
/** `outputs` values for each of `vocabulary` tokens. */
mf_unit_spec unit_embedding(size_t vocabulary, size_t outputs);

mf_unit_spec unit_attention(size_t heads, int32_t causal);
/** The smallest vocabulary of a layer's embeddings; 0 if it has none. */
size_t layer_vocabulary(const mf_layer *layer);

/** Draws inputs: tokens of a vocabulary, or, without one, normal values of deviation 1. */
void draw_inputs(size_t vocabulary, test_random *random, float *x, size_t count);

/** 1 if units of that kind read two nodes. */
int unit_reads_two(int32_t kind);
/** The unit, reading another node. */
mf_unit_spec unit_reading(mf_unit_spec unit, int32_t node);

mf_shape shape_row(size_t values);
mf_shape shape_sequence(size_t positions, size_t values);
mf_shape shape_maps(size_t maps, size_t height, size_t width);
/** Fails the test unless the shape has this rank and these sizes. */
#define check_shape(shape, rank, a, b, c) check_shape_at((shape), (rank), (a), (b), (c), __FILE__, __LINE__)
void check_shape_at(const mf_shape *shape, int32_t rank, size_t a, size_t b, size_t c, const char *file,
                    int line);

/** Specs with the defaults, seed 3. */
mf_builder_spec builder_spec(const mf_shape *input);
mf_head_spec head_spec(size_t classes);

/** Both say the same, field by field: structs have padding, which says nothing. */
void check_same_unit(const mf_unit_spec *one, const mf_unit_spec *other);
void check_same_matrix(const mf_matrix *one, const mf_matrix *other);
void check_same_head(const mf_head_spec *one, const mf_head_spec *other);
void check_same_spec(const mf_layer_spec *one, const mf_layer_spec *other);

/** A builder as the plan says, with its head but without units; `allocator` may be NULL. */
mf_builder *start_builder(const units_plan *plan, const mf_allocator *allocator);
/** With all its units. */
mf_builder *make_builder(const units_plan *plan, const mf_allocator *allocator);
mf_layer *make_units(const units_plan *plan);
/** The same in the memory of an allocator. */
mf_layer *make_units_by(const units_plan *plan, const mf_allocator *allocator);

/** The builder has failed: it gives that status and message again, whatever comes. */
void check_sticks(mf_builder *builder, mf_status expected, const char *part);
/** That unit is refused, and the builder fails; frees the builder. */
void check_unit_refused(mf_builder *builder, mf_status expected, const mf_unit_spec *unit, const char *part);
/** The units are good, but no layer comes of them with the plan's head. */
void check_head_refused(const units_plan *plan, mf_status expected, const char *part);

/** A network of layers from these plans; `optimizer` may be NULL. */
mf_network *make_units_network(const units_plan *plans, size_t count, mf_optimizer *optimizer);

/** A matrix of random values. */
mf_matrix *make_matrix(size_t rows, size_t columns, uint64_t seed);

/** Another number of classes, also of auxiliary heads. */
void plan_classes(units_plan *plan, size_t classes);

/** The units that there are become the body; a dense unit without bias behind it is the head's, and M reads
 * the columns of `matrix`, which may be NULL, and `learned` of its own. */
void plan_shared(units_plan *plan, const mf_matrix *matrix, size_t learned);

/** The matrix that a layer's head reads, borrowed; NULL if there is none. */
const mf_matrix *shared_at(const mf_network *network, size_t position);

/** Number of values of all parameters together: what mf_layer_gradients() writes. */
size_t count_gradients(const mf_layer *layer);

/* Layers that many tests use. */

/** Two convolutions with batch normalisations, the input added, an activation: 7 units; the maps keep their
 * shape. */
units_plan plan_residual(size_t maps, size_t height, size_t width, size_t classes);

#endif
