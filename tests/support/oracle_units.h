/*
 * A naive layer of several units in double precision: any units in any order, several readers of a node,
 * sums, one linear head, which may have units of its own and compare similarities, and auxiliary heads.
 * Written from the definitions in the public header: one loop for each index, the value and the gradient of
 * every node kept. Activations, loss and updates are those of oracle.h, windows of a pooling and of the head
 * those of oracle_pool.h. Dropout is not here: units of that kind pass their input on.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef TEST_ORACLE_UNITS_H
#define TEST_ORACLE_UNITS_H

#include "oracle_maps.h"
#include "random.h"
#include "units.h"

/** What a unit may own, in the library's order. */
enum { UNIT_WEIGHT, UNIT_BIAS, UNIT_SCALE, UNIT_MEAN, UNIT_VARIANCE, UNIT_OWN };

typedef struct units_node {
    mf_unit_spec spec; /* with nothing left to defaults; that of node 0 says nothing */
    size_t from[2];    /* the nodes it reads */
    int rank;
    size_t channels, map[2];        /* a row of values: as many channels of 1 x 1; of a sequence [T, d], where
                                       channels lie side by side: d channels of T x 1 */
    size_t places, values;          /* of a map, of a row */
    oracle_parameter own[UNIT_OWN]; /* count 0: it has none */
} units_node;

/** A parameter by the name that the library gives it. */
typedef struct units_parameter {
    char name[32];
    oracle_parameter *parameter;
    int learns; /* 0: a running mean or variance */
} units_parameter;

typedef struct units_oracle {
    units_plan plan;
    size_t count;  /* of units */
    size_t output; /* node of the layer's output */
    size_t read;   /* node that the head reads: its input_node, or the last, or the one before a map for
                      similarities */
    units_node nodes[UNITS_MOST + 1];
    oracle_parameter projection; /* [classes, features] */
    size_t features, head[2];    /* what M reads: values of a row, or of a position; of a channel */
    size_t scored;               /* goodness of a row: for each of its positions, or 1 */
    size_t listed;
    units_parameter list[UNITS_MOST * 3 + 1]; /* all parameters in the library's order */
    int single; /* 1: every value kept is rounded to float32, as an exact float32 layer would */

    /* The smallest that any pass has met since they were last set: |z| at a kink, the distance of the largest
     * value of a window to the next one, the variance of a channel that is normalised by its batch. */
    double kink_margin, tie_margin, least_variance;
} units_oracle;

/** A layer whose parameters are all 0. */
units_oracle *units_create(const units_plan *plan);
void units_free(units_oracle *oracle);

/** Takes over the parameters of a layer of the same plan, whose names must be those of the list; or of one
 * that was made from an mf_layer_spec, where the names are the last words of those. Forgets the optimizer's
 * memory. */
void units_read(units_oracle *oracle, const mf_layer *from);

/** Draws all parameters, as floats hold them; none is what a layer starts with. */
void units_draw(units_oracle *oracle, test_random *random);

/** Gives a layer the oracle's parameters. */
void units_write(const units_oracle *oracle, mf_layer *to);

/** The parameters of another oracle of the same plan, and which of them are frozen. */
void units_copy(units_oracle *oracle, const units_oracle *from);

/** The name that `layer` has for parameter i of the list. */
const char *units_name(const units_oracle *oracle, const mf_layer *layer, size_t i);

/** Freezes parameter i; a mean with its variance, and the other way round. */
void units_freeze(units_oracle *oracle, size_t i);

/** The smallest vocabulary of its embeddings; 0 if it has none. */
size_t units_vocabulary(const units_oracle *oracle);

/** The least rows of a batch by which all its normalisations have `values` values each. */
size_t units_least_rows(const units_oracle *oracle, size_t values);

/** Values in a row of output. */
size_t units_outputs(const units_oracle *oracle);

void units_forget_margins(units_oracle *oracle);

/** What inference gives, from the running mean and variance. a [rows, outputs], goodness [rows, scored,
 * classes] or NULL. Labels, below, are [rows, scored], and may be MF_LABEL_IGNORED where a row has several.
 */
void units_infer(units_oracle *oracle, size_t rows, const double *x, double *a, double *goodness);

/** Values in a row of goodness. */
size_t units_scores(const units_oracle *oracle);

/** Loss of a step, with the batch's mean and variance unless they are frozen. Changes nothing. */
oracle_result units_loss(units_oracle *oracle, size_t rows, const double *x, const int32_t *y,
                         const double *weights);

/** Loss and all gradients; means and variances follow. a [rows, outputs] or NULL. */
oracle_result units_gradients(units_oracle *oracle, size_t rows, const double *x, const int32_t *y,
                              const double *weights, double *a);

/** units_gradients(), clipping, and the update; of an embedding, of the rows of the batch's tokens alone. */
oracle_result units_step(units_oracle *oracle, const oracle_optimizer *optimizer, size_t rows,
                         const double *x, const int32_t *y, const double *weights, double *a);

#endif
