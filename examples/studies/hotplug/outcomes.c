/* SPDX-License-Identifier: MIT */
#include "outcomes.h"

#include "complain.h"
#include "picture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { LABEL = 120, LABEL_WIDTH = 46 };

static const char blue[] = "#1f5fa8", light_blue[] = "#8fbbe8", grey[] = "#555", light_grey[] = "#aaa";
static const char green[] = "#2a8a3a";

const struct variant variants[VARIANTS] = {
    {ORIGIN_OTHER, true, "moved", "from %s, frozen", light_blue},
    {ORIGIN_OTHER, false, "moved", "from %s, learning", blue},
    {ORIGIN_RANDOM, true, "random", "random, frozen", light_grey},
    {ORIGIN_RANDOM, false, "random", "random, learning: from scratch", grey},
    {ORIGIN_SHUFFLED, true, "shuffled", "from %s, shuffled, frozen", NULL},
    {ORIGIN_SHUFFLED, false, "shuffled", "from %s, shuffled, learning", NULL},
    {ORIGIN_HALF, true, "half", "from 0-4 of the same set, frozen", NULL},
    {ORIGIN_HALF, false, "half", "from 0-4 of the same set, learning", NULL},
    {ORIGIN_OWN, true, "own", "from all images of the same set, frozen", green},
};

bool outcomes_open(struct outcomes *outcomes, const struct run *run)
{
    *outcomes =
        (struct outcomes){.run = run, .sizes = run->settings.sizes.count + 1, .seeds = run->settings.seeds};
    outcomes->values = calloc(2 * VARIANTS * outcomes->sizes * MEASURES, outcomes->seeds * sizeof(double));
    outcomes->as_is = calloc(2, outcomes->seeds * sizeof(double));
    return (outcomes->values != NULL && outcomes->as_is != NULL) || complain("no memory for the outcomes");
}

void outcomes_free(struct outcomes *outcomes)
{
    free(outcomes->values);
    free(outcomes->as_is);
    *outcomes = (struct outcomes){0};
}

double *outcomes_of(const struct outcomes *outcomes, size_t target, size_t variant, size_t size,
                    enum measure measure)
{
    size_t place = ((target * VARIANTS + variant) * outcomes->sizes + size) * MEASURES + measure;
    return outcomes->values + place * outcomes->seeds;
}

size_t outcomes_size(const struct outcomes *outcomes, size_t target, size_t size)
{
    const struct size_list *sizes = &outcomes->run->settings.sizes;
    return size < sizes->count ? sizes->values[size] : outcomes->run->data.small[target].train.count;
}

/* Mean and sample deviation; of the differences to `base`, if there is one. */
struct spread {
    double mean, deviation;
};

static struct spread spread_of(const double *values, const double *base, size_t count)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i] - (base != NULL ? base[i] : 0);
    double mean = sum / (double)count;
    for (size_t i = 0; i < count; i++) {
        double off = values[i] - (base != NULL ? base[i] : 0) - mean;
        squares += off * off;
    }
    return (struct spread){mean, count > 1 ? sqrt(squares / (double)(count - 1)) : 0};
}

/* The same layer at random, as frozen or as free. */
static size_t control_of(size_t variant)
{
    for (size_t v = 0; v < VARIANTS; v++)
        if (variants[v].origin == ORIGIN_RANDOM && variants[v].frozen == variants[variant].frozen)
            return v;
    return variant;
}

static void name_of(const struct outcomes *outcomes, size_t target, size_t variant, char *text)
{
    const char *rule = variants[variant].label, *other = outcomes->run->data.small[1 - target].name;
    size_t used = 0;
    for (; *rule != '\0' && used < LABEL - 1; rule++) {
        if (rule[0] == '%' && rule[1] == 's') {
            used += (size_t)snprintf(text + used, LABEL - used, "%s", other);
            rule++;
        } else {
            text[used++] = *rule;
        }
    }
    text[used < LABEL ? used : LABEL - 1] = '\0';
}

static void print_head(const struct outcomes *outcomes, size_t target, const char *title)
{
    char text[40];
    printf("\n%s\n%-*s", title, LABEL_WIDTH, "the first layer is");
    for (size_t size = 0; size < outcomes->sizes; size++) {
        snprintf(text, sizeof text, "%zu", outcomes_size(outcomes, target, size));
        printf(" %14s", text);
    }
    printf("\n");
}

static void print_table(const struct outcomes *outcomes, size_t target, enum measure measure, bool gains)
{
    for (size_t v = 0; v < VARIANTS; v++) {
        char name[LABEL];
        size_t control = control_of(v);
        if (gains && control == v)
            continue;
        name_of(outcomes, target, v, name);
        printf("%-*s", LABEL_WIDTH, name);
        for (size_t size = 0; size < outcomes->sizes; size++) {
            const double *base = gains ? outcomes_of(outcomes, target, control, size, measure) : NULL;
            struct spread s =
                spread_of(outcomes_of(outcomes, target, v, size, measure), base, outcomes->seeds);
            printf(gains ? "  %+6.2f (%4.2f)" : "  %6.2f (%4.2f)", s.mean, s.deviation);
        }
        printf("\n");
    }
}

void outcomes_print(const struct outcomes *outcomes)
{
    for (size_t target = 0; target < 2; target++) {
        const char *to = outcomes->run->data.small[target].name,
                   *from = outcomes->run->data.small[1 - target].name;
        char title[3 * LABEL];
        struct spread s = spread_of(outcomes->as_is + target * outcomes->seeds, NULL, outcomes->seeds);
        printf("\nThe network of %s on %s without any change: %.2f (%.2f)\n", from, to, s.mean, s.deviation);
        snprintf(title, sizeof title,
                 "To %s by training images: LAST, percent, mean (deviation) of %zu seeds", to,
                 outcomes->seeds);
        print_head(outcomes, target, title);
        print_table(outcomes, target, MEASURE_LAST, false);
        snprintf(title, sizeof title, "To %s: the first layer's own answer", to);
        print_head(outcomes, target, title);
        print_table(outcomes, target, MEASURE_LAYER1, false);
        snprintf(title, sizeof title, "To %s: LAST, points more than with the random layer of the same seed",
                 to);
        print_head(outcomes, target, title);
        print_table(outcomes, target, MEASURE_LAST, true);
    }
}

static bool report_one(const struct outcomes *outcomes, struct report *report, size_t target, size_t v,
                       size_t size)
{
    const struct domain *small = outcomes->run->data.small;
    enum origin origin = variants[v].origin;
    const char *from = origin == ORIGIN_RANDOM                         ? "none"
                       : origin == ORIGIN_HALF || origin == ORIGIN_OWN ? small[target].name
                                                                       : small[1 - target].name;
    struct spread s[MEASURES];
    for (int m = 0; m < MEASURES; m++)
        s[m] = spread_of(outcomes_of(outcomes, target, v, size, (enum measure)m), NULL, outcomes->seeds);
    return report_result(report,
                         "part=transfer from=%s to=%s layer=%s frozen=%d samples=%zu seeds=%zu layer1=%.2f "
                         "layer1_deviation=%.2f last=%.2f last_deviation=%.2f sum=%.2f sum_deviation=%.2f",
                         from, small[target].name, variants[v].word, variants[v].frozen,
                         outcomes_size(outcomes, target, size), outcomes->seeds, s[MEASURE_LAYER1].mean,
                         s[MEASURE_LAYER1].deviation, s[MEASURE_LAST].mean, s[MEASURE_LAST].deviation,
                         s[MEASURE_SUM].mean, s[MEASURE_SUM].deviation);
}

bool outcomes_report(const struct outcomes *outcomes, struct report *report)
{
    const struct domain *small = outcomes->run->data.small;
    for (size_t target = 0; target < 2; target++) {
        struct spread s = spread_of(outcomes->as_is + target * outcomes->seeds, NULL, outcomes->seeds);
        if (!report_result(report,
                           "part=transfer from=%s to=%s layer=all frozen=1 samples=0 seeds=%zu last=%.2f "
                           "last_deviation=%.2f",
                           small[1 - target].name, small[target].name, outcomes->seeds, s.mean, s.deviation))
            return false;
        for (size_t v = 0; v < VARIANTS; v++)
            for (size_t size = 0; size < outcomes->sizes; size++)
                if (!report_one(outcomes, report, target, v, size))
                    return false;
    }
    return true;
}

/* ---- the picture ---- */

struct drawing {
    struct picture_curve curves[2][VARIANTS];
    size_t curve_count[2];
    char names[2][SIZE_LIST_CAPACITY + 1][24];
    const char *points[2][SIZE_LIST_CAPACITY + 1];
    char titles[2][LABEL];
};

static void fill_drawing(const struct outcomes *outcomes, struct drawing *drawing, double *means)
{
    for (size_t target = 0; target < 2; target++) {
        snprintf(drawing->titles[target], LABEL, "to %s: test accuracy of LAST, percent",
                 outcomes->run->data.small[target].name);
        for (size_t size = 0; size < outcomes->sizes; size++) {
            snprintf(drawing->names[target][size], sizeof drawing->names[0][0], "%zu",
                     outcomes_size(outcomes, target, size));
            drawing->points[target][size] = drawing->names[target][size];
        }
        for (size_t v = 0; v < VARIANTS; v++) {
            if (variants[v].colour == NULL)
                continue;
            struct picture_curve *curve = &drawing->curves[target][drawing->curve_count[target]++];
            snprintf(curve->name, sizeof curve->name, "%s, %s", variants[v].word,
                     variants[v].frozen ? "frozen" : "learning");
            curve->colour = variants[v].colour;
            curve->values = means;
            for (size_t size = 0; size < outcomes->sizes; size++)
                *means++ =
                    spread_of(outcomes_of(outcomes, target, v, size, MEASURE_LAST), NULL, outcomes->seeds)
                        .mean;
        }
    }
}

bool outcomes_draw(const struct outcomes *outcomes, const char *path)
{
    static struct drawing drawing; /* too large for a stack that may be small */
    double *means = calloc(2 * VARIANTS, outcomes->sizes * sizeof *means);
    struct picture_panel panels[2];
    if (means == NULL)
        return complain("no memory for the picture");
    drawing = (struct drawing){0};
    fill_drawing(outcomes, &drawing, means);
    for (size_t target = 0; target < 2; target++)
        panels[target] = (struct picture_panel){.title = drawing.titles[target],
                                                .curves = drawing.curves[target],
                                                .curve_count = drawing.curve_count[target],
                                                .axis = "training images",
                                                .points = drawing.points[target]};
    bool good = picture_write(path, "a first layer from another set, by the training images of the new one",
                              panels, 2, outcomes->sizes);
    free(means);
    return good;
}
