/* outcomes: accuracies of all runs of the part transfer, and what is printed and drawn of them.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HOTPLUG_OUTCOMES_H
#define HOTPLUG_OUTCOMES_H

#include "report.h"
#include "run.h"

/* Where a first layer comes from. */
enum origin {
    ORIGIN_OTHER,    /* trained on the other set */
    ORIGIN_RANDOM,   /* drawn */
    ORIGIN_SHUFFLED, /* that of the other set with its values mixed up */
    ORIGIN_HALF,     /* trained on the digits 0 to 4 of the same set */
    ORIGIN_OWN       /* trained on all images of the same set */
};

struct variant {
    enum origin origin;
    bool frozen; /* its W and b */
    const char *word;
    const char *label; /* where there is %s, the name of the other set comes */
    const char *colour;
};

enum { VARIANTS = 9 };
extern const struct variant variants[VARIANTS];

enum measure { MEASURE_LAYER1, MEASURE_LAST, MEASURE_SUM, MEASURES };

struct outcomes {
    const struct run *run;
    size_t sizes;
    size_t seeds;
    double *values; /* [2 targets, VARIANTS, sizes, MEASURES, seeds] */
    double *as_is;  /* [2 targets, seeds] LAST of the other set's network without any change */
};

bool outcomes_open(struct outcomes *outcomes, const struct run *run);
void outcomes_free(struct outcomes *outcomes);

/* The runs of all seeds, to be written or read. */
double *outcomes_of(const struct outcomes *outcomes, size_t target, size_t variant, size_t size,
                    enum measure measure);

/* Training images of the size at this place, for a target. */
size_t outcomes_size(const struct outcomes *outcomes, size_t target, size_t size);

/* All three: on failure they print one line and return false. */
void outcomes_print(const struct outcomes *outcomes);
bool outcomes_report(const struct outcomes *outcomes, struct report *report);
bool outcomes_draw(const struct outcomes *outcomes, const char *path);

#endif
