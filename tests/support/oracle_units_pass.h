/* The part of oracle_units that goes through the units. SPDX-License-Identifier: MIT */
#ifndef TEST_ORACLE_UNITS_PASS_H
#define TEST_ORACLE_UNITS_PASS_H

#include "oracle_units.h"

/** Everything that one batch leaves on its way. */
typedef struct units_pass {
    size_t rows;
    int training;
    double *value[UNITS_MOST + 1], *gradient[UNITS_MOST + 1]; /* [rows, values] of each node */
    double *mean[UNITS_MOST + 1], *variance[UNITS_MOST + 1];  /* [channels] that a unit normalised by */
    double *features, *dfeatures;                             /* [rows, features] */
    double *goodness;                                         /* [rows, classes], later its gradient */
} units_pass;

units_pass units_start_pass(const units_oracle *oracle, size_t rows, const double *x, int training);
void units_end_pass(const units_oracle *oracle, units_pass *pass);

/** From node 0 to the goodness. */
void units_forward(units_oracle *oracle, units_pass *pass);

/** From the gradient of the goodness to those of all parameters and nodes. */
void units_backward(units_oracle *oracle, units_pass *pass);

/** The loss of the similarities of the last node, times lambda; with `back` its gradient into that node. 0 of
 * a head that does not compare. */
double units_similarity(units_oracle *oracle, units_pass *pass, const int32_t *y, const double *weights,
                        int back);

/** How many values a normalisation takes its mean over. */
double units_values_of(const units_oracle *oracle, const units_pass *pass, size_t node);

/** 1 if a unit normalises by the batch, and its running mean and variance follow. */
int units_uses_batch(const units_oracle *oracle, const units_pass *pass, size_t node);

#endif
