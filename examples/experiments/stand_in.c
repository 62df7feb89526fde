#include "datasets.h"
#include "complain.h"
#include "digits.h"
#include "idx.h"
#include "../cifar10/records.h"
#include "../cifar10/shapes.h"
#include <math.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
static bool part_from(struct dataset_part *p, size_t count, size_t limit, size_t size, const uint8_t *px, size_t skip, const uint8_t *lab, size_t lskip)
{
    p->count = limit && limit < count ? limit : count;
    p->bytes = malloc(p->count * size); p->labels = malloc(p->count * 4);
    for (size_t i = 0; i < p->count; i++) { memcpy(p->bytes + i * size, px + i * skip, size); p->labels[i] = lab[i * lskip]; }
    return true;
}
static void standard(struct dataset *s)
{
    size_t plane = s->height * s->width;
    s->features = plane * s->channels;
    for (size_t c = 0; c < s->channels; c++) {
        double a = 0, b = 0, n = (double)s->train.count * plane;
        for (size_t i = 0; i < s->train.count; i++) for (size_t j = 0; j < plane; j++) { double v = s->train.bytes[i * s->features + c * plane + j]; a += v; b += v * v; }
        s->mean[c] = a / n; s->deviation[c] = sqrt(b / n - a * a / n / n);
        for (int v = 0; v < 256; v++) s->inputs[c][v] = (float)((v - s->mean[c]) / s->deviation[c]);
    }
}
bool dataset_load(const char *where, const struct dataset_options *o, struct dataset *s)
{
    const char *root = o->folder ? o->folder : getenv("MONOFORWARD_DATA") ? getenv("MONOFORWARD_DATA") : "../shared/data";
    memset(s, 0, sizeof *s);
    snprintf(s->name, sizeof s->name, "%s", where);
    s->classes = 10;
    if (!strcmp(where, "mnist") || !strcmp(where, "digits")) {
        struct image_set a = {0}, b = {0};
        if (!strcmp(where, "digits")) { digits_draw(&a, o->train_limit ? o->train_limit : 20000, 5); digits_draw(&b, o->test_limit ? o->test_limit : 4000, 6); }
        else { char f[200]; snprintf(f, 200, "%s/mnist", root); if (!idx_load(f, "train", &a) || !idx_load(f, "t10k", &b)) return false; }
        s->channels = 1; s->height = a.rows; s->width = a.columns;
        size_t n = a.rows * a.columns;
        part_from(&s->train, a.count, o->train_limit, n, a.pixels, n, a.labels, 1);
        part_from(&s->test, b.count, o->test_limit, n, b.pixels, n, b.labels, 1);
        image_set_free(&a); image_set_free(&b);
    } else if (!strcmp(where, "cifar10") || !strcmp(where, "shapes")) {
        struct records a = {0}, b = {0};
        if (!strcmp(where, "shapes")) { shapes_draw(&a, o->train_limit ? o->train_limit : 10000, 5); shapes_draw(&b, o->test_limit ? o->test_limit : 2000, 6); }
        else { char f[200]; snprintf(f, 200, "%s/cifar-10", root); if (!records_load_train(&a, f) || !records_load_test(&b, f)) return false; }
        s->channels = 3; s->height = s->width = 32;
        part_from(&s->train, a.count, o->train_limit, PIXELS, a.bytes + 1, RECORD, a.bytes, RECORD);
        part_from(&s->test, b.count, o->test_limit, PIXELS, b.bytes + 1, RECORD, b.bytes, RECORD);
        records_free(&a); records_free(&b);
    } else return complain("no data set %s", where);
    standard(s);
    return true;
}
static void pf(struct dataset_part *p) { free(p->bytes); free(p->labels); }
void dataset_free(struct dataset *s) { pf(&s->train); pf(&s->test); memset(s, 0, sizeof *s); }
bool dataset_split_open(struct dataset_split *p, const struct dataset *s, size_t v, uint64_t seed)
{
    size_t n = s->train.count; struct random_stream r = {random_derive(seed, 77)};
    p->order = malloc(4 * n); for (size_t i = 0; i < n; i++) p->order[i] = (uint32_t)i;
    if (v) random_shuffle(&r, p->order, n);
    p->train = p->order; p->train_count = n - v; p->validation = p->order + n - v; p->validation_count = v;
    return true;
}
void dataset_split_free(struct dataset_split *p) { free(p->order); memset(p, 0, sizeof *p); }
bool dataset_allows(const struct dataset *s, enum dataset_change c) { return s->channels || !c; }
void dataset_gather(const struct dataset *s, const struct dataset_part *p, const uint32_t *order, size_t first, size_t rows, enum dataset_change change, struct random_stream *st, float *x, int32_t *y)
{
    int h = (int)s->height, w = (int)s->width;
    for (size_t i = 0; i < rows; i++) {
        size_t k = order ? order[first + i] : first + i; const uint8_t *px = p->bytes + k * s->features; float *row = x + i * s->features;
        int dy = 0, dx = 0, m = 0;
        if (change == CHANGE_CROPS) { dy = (int)random_below(st, 9) - 4; dx = (int)random_below(st, 9) - 4; m = random_below(st, 2); }
        for (size_t c = 0; c < s->channels; c++) for (int a = 0; a < h; a++) for (int b = 0; b < w; b++) {
            int u = a + dy, v = (m ? w - 1 - b : b) + dx;
            row[(c * h + a) * w + b] = u >= 0 && u < h && v >= 0 && v < w ? s->inputs[c][px[(c * h + u) * w + v]] : 0;
        }
        if (y) y[i] = p->labels[k];
    }
}
static const char *const names[] = {"mnist", "cifar10", "adult", "letter", "wine-quality", "optdigits", "rt-polarity", "imdb", "digits", "shapes", NULL};
const char *dataset_name(size_t i) { return names[i]; }
bool dataset_found(const char *name, const struct dataset_options *o) { (void)o; return !strcmp(name, "mnist") || !strcmp(name, "cifar10") || !strcmp(name, "digits") || !strcmp(name, "shapes"); }
