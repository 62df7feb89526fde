/* One batch through the units of a naive layer, and back. SPDX-License-Identifier: MIT */
#include "oracle_units_pass.h"

#include <math.h>

#include "oracle_pool.h"

units_pass units_start_pass(const units_oracle *o, size_t rows, const double *x, int training)
{
    units_pass p = {.rows = rows, .training = training};

    for (size_t n = 0; n <= o->count; n++) {
        p.value[n] = get_zeroed(rows * o->nodes[n].values, sizeof(double));
        p.gradient[n] = get_zeroed(rows * o->nodes[n].values, sizeof(double));
        p.mean[n] = get_zeroed(o->nodes[n].channels, sizeof(double));
        p.variance[n] = get_zeroed(o->nodes[n].channels, sizeof(double));
    }
    memcpy(p.value[0], x, rows * o->nodes[0].values * sizeof *x);
    p.features = get_zeroed(rows * o->scored * o->features, sizeof(double));
    p.dfeatures = get_zeroed(rows * o->scored * o->features, sizeof(double));
    p.goodness = get_zeroed(rows * units_scores(o), sizeof(double));
    return p;
}

void units_end_pass(const units_oracle *o, units_pass *p)
{
    for (size_t n = 0; n <= o->count; n++) {
        free(p->value[n]);
        free(p->gradient[n]);
        free(p->mean[n]);
        free(p->variance[n]);
    }
    free(p->features);
    free(p->dfeatures);
    free(p->goodness);
}

double units_values_of(const units_oracle *o, const units_pass *p, size_t n)
{
    return (double)(p->rows * o->nodes[n].places);
}

int units_uses_batch(const units_oracle *o, const units_pass *p, size_t n)
{
    return p->training && o->nodes[n].own[UNIT_MEAN].count > 0 && !o->nodes[n].own[UNIT_MEAN].frozen;
}

static void keep(const units_oracle *o, double *values, size_t count)
{
    for (size_t i = 0; o->single && i < count; i++)
        values[i] = (double)(float)values[i];
}

/* ---- dense: y[j] = sum over i of W[j,i] x[i] + b[j], for every row or every position of it ---- */

static void dense(units_oracle *o, units_pass *p, size_t n, int back)
{
    units_node *node = &o->nodes[n];
    size_t width = node->channels, pieces = node->values / width;
    size_t k = o->nodes[node->from[0]].values / pieces;
    oracle_parameter *weight = &node->own[UNIT_WEIGHT];

    for (size_t r = 0; r < p->rows * pieces; r++) {
        const double *x = p->value[node->from[0]] + r * k;
        double *dx = p->gradient[node->from[0]] + r * k;

        for (size_t j = 0; j < width; j++)
            for (size_t i = 0; i < k; i++) {
                double dy = p->gradient[n][r * width + j];

                if (!back) {
                    p->value[n][r * width + j] += weight->value[j * k + i] * x[i];
                    continue;
                }
                weight->gradient[j * k + i] += dy * x[i];
                dx[i] += dy * weight->value[j * k + i];
            }
    }
}

/* ---- convolution: y[f,top,left] = sum over c, i, j of W[f,c,i,j] x[c, top s + i - p, left s + j - p] ----
 */

/* One output place of filter f, row r. */
static void conv_place(units_oracle *o, units_pass *p, size_t n, size_t r, size_t at, int back)
{
    units_node *node = &o->nodes[n];
    const units_node *from = &o->nodes[node->from[0]];
    const mf_unit_spec *s = &node->spec;
    size_t f = at / node->places, top = at % node->places / node->map[1], left = at % node->map[1];
    size_t maps = from->channels / s->groups, first = f / (node->channels / s->groups) * maps;
    size_t w = f * maps * s->kernel[0] * s->kernel[1];
    const double *x = p->value[node->from[0]] + r * from->values;
    double *dx = p->gradient[node->from[0]] + r * from->values;
    double *y = p->value[n] + r * node->values + at, dy = p->gradient[n][r * node->values + at];

    for (size_t c = first; c < first + maps; c++)
        for (size_t i = 0; i < s->kernel[0]; i++)
            for (size_t j = 0; j < s->kernel[1]; j++, w++) {
                long row = (long)(top * s->stride[0] + i) - (long)s->padding[0];
                long column = (long)(left * s->stride[1] + j) - (long)s->padding[1];
                size_t source;

                if (row < 0 || row >= (long)from->map[0] || column < 0 || column >= (long)from->map[1])
                    continue;
                source = (c * from->map[0] + (size_t)row) * from->map[1] + (size_t)column;
                if (back) {
                    node->own[UNIT_WEIGHT].gradient[w] += dy * x[source];
                    dx[source] += dy * node->own[UNIT_WEIGHT].value[w];
                } else {
                    *y += node->own[UNIT_WEIGHT].value[w] * x[source];
                }
            }
}

static void convolution(units_oracle *o, units_pass *p, size_t n, int back)
{
    for (size_t r = 0; r < p->rows; r++)
        for (size_t at = 0; at < o->nodes[n].values; at++)
            conv_place(o, p, n, r, at, back);
}

/* The bias of a product, or of a normalisation. */
static void bias(units_oracle *o, units_pass *p, size_t n, int back)
{
    units_node *node = &o->nodes[n];

    for (size_t i = 0; node->own[UNIT_BIAS].count && i < p->rows * node->values; i++) {
        size_t c = node->rank == 2 ? i % node->channels : i % node->values / node->places;

        if (back)
            node->own[UNIT_BIAS].gradient[c] += p->gradient[n][i];
        else
            p->value[n][i] += node->own[UNIT_BIAS].value[c];
    }
}

/* ---- normalisation: y = scale (x - mean) / sqrt(variance + epsilon) + b, for each channel ---- */

/* Value i of channel c, of all rows and places. */
static size_t of_channel(const units_node *node, size_t c, size_t i)
{
    return i / node->places * node->values + c * node->places + i % node->places;
}

static void moments(units_oracle *o, units_pass *p, size_t n, size_t c)
{
    const units_node *node = &o->nodes[n];
    const double *x = p->value[node->from[0]];
    double count = units_values_of(o, p, n), mean = 0.0, variance = 0.0;

    if (!units_uses_batch(o, p, n)) {
        p->mean[n][c] = node->own[UNIT_MEAN].value[c];
        p->variance[n][c] = node->own[UNIT_VARIANCE].value[c];
        return;
    }
    for (size_t i = 0; i < p->rows * node->places; i++)
        mean += x[of_channel(node, c, i)];
    p->mean[n][c] = mean / count;
    for (size_t i = 0; i < p->rows * node->places; i++)
        variance += pow(x[of_channel(node, c, i)] - p->mean[n][c], 2.0);
    p->variance[n][c] = variance / count;
    o->least_variance = fmin(o->least_variance, variance / count);
}

static void normalize(units_oracle *o, units_pass *p, size_t n)
{
    const units_node *node = &o->nodes[n];
    const double *x = p->value[node->from[0]];

    for (size_t c = 0; c < node->channels; c++) {
        moments(o, p, n, c);
        keep(o, &p->mean[n][c], 1);
        keep(o, &p->variance[n][c], 1);
        for (size_t i = 0; i < p->rows * node->places; i++) {
            size_t at = of_channel(node, c, i);

            p->value[n][at] = node->own[UNIT_SCALE].value[c] * (x[at] - p->mean[n][c]) /
                              sqrt(p->variance[n][c] + (double)node->spec.normalization_epsilon);
        }
    }
}

/* The chain rule through mean and variance, which are functions of all values of the channel. */
static void normalize_back(units_oracle *o, units_pass *p, size_t n, size_t c)
{
    units_node *node = &o->nodes[n];
    const double *x = p->value[node->from[0]], *dy = p->gradient[n];
    double *dx = p->gradient[node->from[0]], count = units_values_of(o, p, n);
    double scale = node->own[UNIT_SCALE].value[c], mean = p->mean[n][c];
    double spread = p->variance[n][c] + (double)node->spec.normalization_epsilon;
    double dmean = 0.0, dvariance = 0.0;

    for (size_t i = 0; i < p->rows * node->places; i++) {
        size_t at = of_channel(node, c, i);

        node->own[UNIT_SCALE].gradient[c] += dy[at] * (x[at] - mean) / sqrt(spread);
        dmean += dy[at] * scale * -1.0 / sqrt(spread);
        dvariance += dy[at] * scale * (x[at] - mean) * -0.5 * pow(spread, -1.5);
    }
    for (size_t i = 0; i < p->rows * node->places; i++) {
        size_t at = of_channel(node, c, i);

        dx[at] += dy[at] * scale / sqrt(spread);
        if (units_uses_batch(o, p, n))
            dx[at] += dmean / count + dvariance * 2.0 * (x[at] - mean) / count;
    }
}

/* ---- layer normalisation: y = scale (x - mean) / sqrt(variance + epsilon) + b, of the values of a row, or
 * of a position ---- */

static void layer_norm_piece(units_oracle *o, units_node *node, const double *x, double *y, const double *dy,
                             double *dx, int back)
{
    size_t n = node->channels;
    double mean = 0.0, spread = 0.0, root, dmean = 0.0, dspread = 0.0;
    oracle_parameter *scale = &node->own[UNIT_SCALE];

    for (size_t j = 0; j < n; j++)
        mean += x[j] / (double)n;
    for (size_t j = 0; j < n; j++)
        spread += (x[j] - mean) * (x[j] - mean) / (double)n;
    spread += (double)node->spec.normalization_epsilon;
    root = sqrt(spread);
    if (n > 1)
        o->least_variance = fmin(o->least_variance, spread);
    for (size_t j = 0; j < n; j++) {
        if (!back) {
            y[j] = scale->value[j] * (x[j] - mean) / root;
            continue;
        }
        scale->gradient[j] += dy[j] * (x[j] - mean) / root;
        dmean -= dy[j] * scale->value[j] / root;
        dspread -= 0.5 * dy[j] * scale->value[j] * (x[j] - mean) / (spread * root);
    }
    for (size_t j = 0; back && j < n; j++)
        dx[j] +=
            dy[j] * scale->value[j] / root + dmean / (double)n + dspread * 2.0 * (x[j] - mean) / (double)n;
}

static void layer_norm(units_oracle *o, units_pass *p, size_t n, int back)
{
    units_node *node = &o->nodes[n];

    for (size_t i = 0; i < p->rows * node->values; i += node->channels)
        layer_norm_piece(o, node, p->value[node->from[0]] + i, p->value[n] + i, p->gradient[n] + i,
                         p->gradient[node->from[0]] + i, back);
}

/* ---- the mean of all places of a channel; two nodes behind each other ---- */

/* Where channel c of a place lies in a row. */
static size_t of_place(const units_node *node, size_t c, size_t place)
{
    return node->rank == 2 ? place * node->channels + c : c * node->places + place;
}

static void global_pool(units_oracle *o, units_pass *p, size_t n, int back)
{
    const units_node *node = &o->nodes[n], *from = &o->nodes[node->from[0]];

    for (size_t r = 0; r < p->rows; r++)
        for (size_t c = 0; c < node->channels; c++)
            for (size_t i = 0; i < from->places; i++) {
                size_t to = r * node->values + c, at = r * from->values + of_place(from, c, i);

                if (back)
                    p->gradient[node->from[0]][at] += p->gradient[n][to] / (double)from->places;
                else
                    p->value[n][to] += p->value[node->from[0]][at] / (double)from->places;
            }
}

static void concat(units_oracle *o, units_pass *p, size_t n, int back)
{
    const units_node *node = &o->nodes[n], *first = &o->nodes[node->from[0]];

    for (size_t r = 0; r < p->rows; r++)
        for (size_t c = 0; c < node->channels; c++)
            for (size_t i = 0; i < node->places; i++) {
                int side = c >= first->channels;
                const units_node *from = &o->nodes[node->from[side]];
                size_t to = r * node->values + of_place(node, c, i);
                size_t at = r * from->values + of_place(from, side ? c - first->channels : c, i);

                if (back)
                    p->gradient[node->from[side]][at] += p->gradient[n][to];
                else
                    p->value[n][to] = p->value[node->from[side]][at];
            }
}

/* ---- sequences: transposes, tokens, positions ---- */

/* The channels of a sequence become its places; those of maps the values of its positions. */
static void transpose(units_oracle *o, units_pass *p, size_t n, int back)
{
    const units_node *node = &o->nodes[n], *from = &o->nodes[node->from[0]];
    int tokens = node->spec.kind == MF_UNIT_TOKENS;

    for (size_t r = 0; r < p->rows; r++)
        for (size_t c = 0; c < from->channels; c++)
            for (size_t i = 0; i < from->places; i++) {
                size_t at = r * from->values + of_place(from, c, i);
                size_t to = r * node->values + of_place(node, tokens ? c : i, tokens ? i : c);

                if (back)
                    p->gradient[node->from[0]][at] += p->gradient[n][to];
                else
                    p->value[n][to] = p->value[node->from[0]][at];
            }
}

/* Of maps the rows of map 0, then those of map 1; of a sequence the values of position 0, then those of
 * position 1. */
static void flatten(units_oracle *o, units_pass *p, size_t n, int back)
{
    const units_node *node = &o->nodes[n], *from = &o->nodes[node->from[0]];

    for (size_t i = 0; i < p->rows * node->values; i++) {
        size_t r = i / node->values, v = i % node->values;
        size_t c = from->rank == 2 ? v % from->channels : v / from->places;
        size_t place = from->rank == 2 ? v / from->channels : v % from->places;
        size_t at = r * from->values + of_place(from, c, place);

        if (back)
            p->gradient[node->from[0]][at] += p->gradient[n][i];
        else
            p->value[n][i] = p->value[node->from[0]][at];
    }
}

static void positions(units_oracle *o, units_pass *p, size_t n, int back)
{
    units_node *node = &o->nodes[n];

    for (size_t i = 0; i < p->rows * node->values; i++) {
        size_t w = i % node->values;

        if (back) {
            node->own[UNIT_WEIGHT].gradient[w] += p->gradient[n][i];
            p->gradient[node->from[0]][i] += p->gradient[n][i];
        } else {
            p->value[n][i] = p->value[node->from[0]][i] + node->own[UNIT_WEIGHT].value[w];
        }
    }
}

/* ---- embedding: y_t = the row of W that x_t says ---- */

static void embedding(units_oracle *o, units_pass *p, size_t n, int back)
{
    units_node *node = &o->nodes[n];
    oracle_parameter *weight = &node->own[UNIT_WEIGHT];

    for (size_t i = 0; i < p->rows * node->values; i++) {
        size_t token = (size_t)p->value[node->from[0]][i / node->channels];
        size_t w = token * node->channels + i % node->channels;

        if (back)
            weight->gradient[w] += p->gradient[n][i];
        else
            p->value[n][i] = weight->value[w];
    }
}

/* ---- attention: y_t = sum over s of share(t, s) v_s, with share the softmax of q_t k_s / sqrt(width) ----
 */

/* Queries, keys and values of a head, with their gradients: part 0, 1, 2. */
typedef struct head_of {
    size_t positions, width, stride, part;
    const double *x;
    double *dx;
} head_of;

static const double *at_position(const head_of *h, int part, size_t t)
{
    return h->x + t * h->stride + (size_t)part * h->part;
}

static double *gradient_at(const head_of *h, int part, size_t t)
{
    return h->dx + t * h->stride + (size_t)part * h->part;
}

static double dot_of(const double *one, const double *other, size_t count)
{
    double sum = 0.0;

    for (size_t i = 0; i < count; i++)
        sum += one[i] * other[i];
    return sum;
}

/* How much of each position's value goes to position t. */
static void find_shares(const head_of *h, size_t t, int causal, double *shares)
{
    size_t seen = causal ? t + 1 : h->positions;
    double sum = 0.0, largest = -INFINITY;

    for (size_t s = 0; s < h->positions; s++) {
        shares[s] = dot_of(at_position(h, 0, t), at_position(h, 1, s), h->width) / sqrt((double)h->width);
        if (s < seen)
            largest = fmax(largest, shares[s]);
    }
    for (size_t s = 0; s < h->positions; s++) {
        shares[s] = s < seen ? exp(shares[s] - largest) : 0.0;
        sum += shares[s];
    }
    for (size_t s = 0; s < h->positions; s++)
        shares[s] /= sum;
}

static void attend_back(const head_of *h, size_t t, const double *shares, const double *dy)
{
    double mean = 0.0, root = sqrt((double)h->width);

    for (size_t s = 0; s < h->positions; s++)
        mean += shares[s] * dot_of(dy, at_position(h, 2, s), h->width);
    for (size_t s = 0; s < h->positions; s++) {
        double dscore = shares[s] * (dot_of(dy, at_position(h, 2, s), h->width) - mean) / root;

        for (size_t i = 0; i < h->width; i++) {
            gradient_at(h, 2, s)[i] += shares[s] * dy[i];
            gradient_at(h, 0, t)[i] += dscore * at_position(h, 1, s)[i];
            gradient_at(h, 1, s)[i] += dscore * at_position(h, 0, t)[i];
        }
    }
}

static void attention(units_oracle *o, units_pass *p, size_t n, int back)
{
    const units_node *node = &o->nodes[n], *from = &o->nodes[node->from[0]];
    size_t heads = node->spec.heads, width = node->channels / heads;
    double *shares = get_memory(node->places * sizeof *shares);

    for (size_t i = 0; i < p->rows * heads * node->places; i++) {
        size_t r = i / (heads * node->places), head = i / node->places % heads, t = i % node->places;
        size_t first = r * from->values + head * width,
               to = r * node->values + t * node->channels + head * width;
        head_of h = {node->places,
                     width,
                     from->channels,
                     node->channels,
                     p->value[node->from[0]] + first,
                     p->gradient[node->from[0]] + first};

        find_shares(&h, t, node->spec.causal, shares);
        if (back)
            attend_back(&h, t, shares, p->gradient[n] + to);
        for (size_t s = 0; !back && s < node->places; s++)
            for (size_t j = 0; j < width; j++)
                p->value[n][to + j] += shares[s] * at_position(&h, 2, s)[j];
    }
    free(shares);
}

/* ---- activation and sum ---- */

static void note_kink(units_oracle *o, int activation, double z)
{
    if ((activation == MF_ACTIVATION_RELU || activation == MF_ACTIVATION_LEAKY_RELU) && z != 0.0)
        o->kink_margin = fmin(o->kink_margin, fabs(z));
}

static void activate(units_oracle *o, units_pass *p, size_t n, int back)
{
    const units_node *node = &o->nodes[n];
    const double *x = p->value[node->from[0]], leak = (double)node->spec.leak;
    int activation = node->spec.activation;

    for (size_t i = 0; i < p->rows * node->values; i++) {
        note_kink(o, activation, x[i]);
        if (back)
            p->gradient[node->from[0]][i] += p->gradient[n][i] * oracle_slope(activation, leak, x[i]);
        else
            p->value[n][i] = oracle_phi(activation, leak, x[i]);
    }
}

/* y = x + x', or y = x. */
static void sum(units_oracle *o, units_pass *p, size_t n, int back)
{
    const units_node *node = &o->nodes[n];

    for (int side = 0; side < (node->spec.kind == MF_UNIT_ADD ? 2 : 1); side++)
        for (size_t i = 0; i < p->rows * node->values; i++) {
            if (back)
                p->gradient[node->from[side]][i] += p->gradient[n][i];
            else
                p->value[n][i] += p->value[node->from[side]][i];
        }
}

/* ---- pooling, by the windows of oracle_pool.h ---- */

/* From maps `full` to pooled maps `a` and to what a head reads of them, or back. */
static void pool_rows(units_oracle *o, maps_oracle *windows, size_t rows, const double *activation,
                      double *full, double *features, int back)
{
    size_t values = windows->channels * windows->map[0] * windows->map[1];
    double *a = get_memory(windows->outputs * sizeof *a), *part = get_memory(values * sizeof *part);

    windows->spec.kind = MF_LAYER_CONV2D;
    windows->doubtful = get_zeroed(windows->channels, 1);
    windows->tie_margin = o->tie_margin;
    for (size_t r = 0; r < rows; r++) {
        memset(a, 0, windows->outputs * sizeof *a);
        memset(part, 0, values * sizeof *part);
        if (!back)
            memcpy(part, activation + r * values, values * sizeof *part);
        maps_pool_row(windows, activation + r * values, part, a, features + r * windows->features, back);
        for (size_t i = 0; back && i < values; i++)
            full[r * values + i] += part[i];
    }
    o->tie_margin = windows->tie_margin;
    free(windows->doubtful);
    free(part);
    free(a);
}

static void pool(units_oracle *o, units_pass *p, size_t n, int back)
{
    const units_node *node = &o->nodes[n], *from = &o->nodes[node->from[0]];
    maps_oracle windows = {.channels = node->channels, .outputs = node->values, .features = node->values};

    windows.spec.pool = node->spec.pool;
    for (int d = 0; d < 2; d++) {
        windows.spec.pool_size[d] = node->spec.kernel[d];
        windows.spec.pool_stride[d] = node->spec.stride[d];
        windows.pool_padding[d] = node->spec.padding[d];
        windows.map[d] = from->map[d];
        windows.pooled[d] = windows.head[d] = node->map[d];
    }
    pool_rows(o, &windows, p->rows, p->value[node->from[0]], p->gradient[node->from[0]],
              back ? p->gradient[n] : p->value[n], back);
}

/* ---- the head: F the output, or its adaptive pooling; G[c] = sum over i of M[c,i] F[i] ---- */

static void head_pool(units_oracle *o, units_pass *p, int back)
{
    const units_node *output = &o->nodes[o->read];
    maps_oracle windows = {
        .channels = output->channels, .outputs = output->values, .features = o->scored * o->features};

    for (int d = 0; d < 2; d++) {
        windows.map[d] = windows.pooled[d] = output->map[d];
        windows.head[d] = o->head[d];
    }
    pool_rows(o, &windows, p->rows, p->value[o->read], p->gradient[o->read],
              back ? p->dfeatures : p->features, back);
}

static void head(units_oracle *o, units_pass *p, int back)
{
    size_t classes = o->plan.head.classes;

    for (size_t r = 0; r < p->rows * o->scored; r++)
        for (size_t c = 0; c < classes; c++)
            for (size_t i = 0; i < o->features; i++) {
                double *goodness = &p->goodness[r * classes + c],
                       *feature = &p->features[r * o->features + i];
                size_t m = c * o->features + i;

                if (back) {
                    o->projection.gradient[m] += *goodness * *feature;
                    p->dfeatures[r * o->features + i] += *goodness * o->projection.value[m];
                } else {
                    *goodness += o->projection.value[m] * *feature;
                }
            }
}

/* ---- similarity matching ---- */

/* What stands for row r, and where its parts are in the row's values: values, or deviations of maps. */
static void statistics(const units_node *map, const double *values, double *s)
{
    for (size_t c = 0; c < map->channels; c++) {
        double mean = 0.0, squares = 0.0;

        for (size_t i = 0; i < map->places; i++)
            mean += values[c * map->places + i] / (double)map->places;
        for (size_t i = 0; i < map->places; i++)
            squares += pow(values[c * map->places + i] - mean, 2.0) / (double)map->places;
        s[c] = map->places > 1 ? sqrt(squares) : values[c];
    }
}

/* ds by each value: the derivative of a deviation by one of its values is (x - mean) / (places deviation). */
static void statistics_back(const units_node *map, const double *values, const double *s, const double *ds,
                            double *dvalues)
{
    for (size_t c = 0; c < map->channels; c++) {
        double mean = 0.0;

        for (size_t i = 0; i < map->places; i++)
            mean += values[c * map->places + i] / (double)map->places;
        for (size_t i = 0; i < map->places; i++)
            if (map->places == 1)
                dvalues[c] += ds[c];
            else if (s[c] > 0.0)
                dvalues[c * map->places + i] +=
                    ds[c] * (values[c * map->places + i] - mean) / ((double)map->places * s[c]);
    }
}

/* s less its mean, with length 1, or 0 if its numbers are the same; the length before. */
static double direct(size_t count, double *s)
{
    double mean = 0.0, squares = 0.0;

    for (size_t i = 0; i < count; i++)
        mean += s[i] / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += pow(s[i] - mean, 2.0);
    for (size_t i = 0; i < count; i++)
        s[i] = sqrt(squares) <= 1e-8 ? 0.0 : (s[i] - mean) / sqrt(squares);
    return sqrt(squares);
}

/* From the gradient by such a direction to that by s. */
static void direct_back(size_t count, const double *v, double length, double *dv)
{
    double along = dot_of(v, dv, count), mean = 0.0;

    for (size_t i = 0; i < count; i++) {
        dv[i] = length <= 1e-8 ? 0.0 : (dv[i] - along * v[i]) / length;
        mean += dv[i] / (double)count;
    }
    for (size_t i = 0; i < count; i++)
        dv[i] -= mean;
}

/* Of all pairs of rows; dv, which are 0, become the gradients. */
static double compare_pairs(const units_oracle *o, size_t rows, size_t count, const double *v,
                            const int32_t *y, const double *weights, double *dv)
{
    double loss = 0.0, total = 0.0;

    for (size_t r = 0; r < rows; r++)
        total += weights[r];
    for (size_t r = 0; r < rows; r++)
        for (size_t q = 0; q < rows; q++) {
            double target = y[r] == y[q] ? 1.0 : -1.0 / (double)(o->plan.head.classes - 1);
            double weight = (double)o->plan.head.similarity * weights[r] * weights[q] / (total * total);
            double off = dot_of(v + r * count, v + q * count, count);

            keep(o, &off, 1);
            off -= target;
            loss += weight * off * off;
            for (size_t i = 0; i < count; i++) {
                dv[r * count + i] += 2.0 * weight * off * v[q * count + i];
                dv[q * count + i] += 2.0 * weight * off * v[r * count + i];
            }
        }
    return loss;
}

double units_similarity(units_oracle *o, units_pass *p, const int32_t *y, const double *weights, int back)
{
    const units_node *map = &o->nodes[o->count];
    size_t count = map->channels, all = p->rows * count;
    double *s = get_zeroed(all, sizeof *s), *v = get_zeroed(all, sizeof *v),
           *dv = get_zeroed(all, sizeof *dv), *lengths = get_zeroed(p->rows, sizeof *lengths), loss = 0.0,
           longest = 0.0;

    for (size_t r = 0; o->plan.head.similarity > 0.0f && r < p->rows; r++) {
        statistics(map, p->value[o->count] + r * map->values, s + r * count);
        keep(o, s + r * count, count);
        memcpy(v + r * count, s + r * count, count * sizeof *v);
        lengths[r] = direct(count, v + r * count);
        longest = fmax(longest, lengths[r]);
    }
    /* A row much shorter than another one is what has canceled out of such numbers, so mostly rounding, and
     * has the largest gradient. */
    for (size_t r = 0; o->plan.head.similarity > 0.0f && r < p->rows; r++)
        o->least_variance = fmin(o->least_variance, pow(lengths[r] / longest, 2.0));
    keep(o, v, all);
    if (o->plan.head.similarity > 0.0f)
        loss = compare_pairs(o, p->rows, count, v, y, weights, dv);
    keep(o, dv, all);
    for (size_t r = 0; back && o->plan.head.similarity > 0.0f && r < p->rows; r++) {
        direct_back(count, v + r * count, lengths[r], dv + r * count);
        statistics_back(map, p->value[o->count] + r * map->values, s + r * count, dv + r * count,
                        p->gradient[o->count] + r * map->values);
    }
    free(s);
    free(v);
    free(dv);
    free(lengths);
    return loss;
}

/* ---- all of them ---- */

static void unit_forward(units_oracle *o, units_pass *p, size_t n)
{
    switch (o->nodes[n].spec.kind) {
    case MF_UNIT_DENSE:
        dense(o, p, n, 0);
        break;
    case MF_UNIT_CONV2D:
        convolution(o, p, n, 0);
        break;
    case MF_UNIT_BATCH_NORM:
        normalize(o, p, n);
        break;
    case MF_UNIT_ACTIVATION:
        activate(o, p, n, 0);
        break;
    case MF_UNIT_POOL:
        pool(o, p, n, 0);
        break;
    case MF_UNIT_LAYER_NORM:
        layer_norm(o, p, n, 0);
        break;
    case MF_UNIT_GLOBAL_POOL:
        global_pool(o, p, n, 0);
        break;
    case MF_UNIT_CONCAT:
        concat(o, p, n, 0);
        break;
    case MF_UNIT_TRANSPOSE:
    case MF_UNIT_TOKENS:
        transpose(o, p, n, 0);
        break;
    case MF_UNIT_POSITIONS:
        positions(o, p, n, 0);
        break;
    case MF_UNIT_ATTENTION:
        attention(o, p, n, 0);
        break;
    case MF_UNIT_EMBEDDING:
        embedding(o, p, n, 0);
        break;
    case MF_UNIT_FLATTEN:
        flatten(o, p, n, 0);
        break;
    default:
        sum(o, p, n, 0);
    }
    bias(o, p, n, 0);
    keep(o, p->value[n], p->rows * o->nodes[n].values);
}

static void unit_backward(units_oracle *o, units_pass *p, size_t n)
{
    keep(o, p->gradient[n], p->rows * o->nodes[n].values);
    bias(o, p, n, 1);
    switch (o->nodes[n].spec.kind) {
    case MF_UNIT_DENSE:
        dense(o, p, n, 1);
        break;
    case MF_UNIT_CONV2D:
        convolution(o, p, n, 1);
        break;
    case MF_UNIT_BATCH_NORM:
        for (size_t c = 0; c < o->nodes[n].channels; c++)
            normalize_back(o, p, n, c);
        break;
    case MF_UNIT_ACTIVATION:
        activate(o, p, n, 1);
        break;
    case MF_UNIT_POOL:
        pool(o, p, n, 1);
        break;
    case MF_UNIT_LAYER_NORM:
        layer_norm(o, p, n, 1);
        break;
    case MF_UNIT_GLOBAL_POOL:
        global_pool(o, p, n, 1);
        break;
    case MF_UNIT_CONCAT:
        concat(o, p, n, 1);
        break;
    case MF_UNIT_TRANSPOSE:
    case MF_UNIT_TOKENS:
        transpose(o, p, n, 1);
        break;
    case MF_UNIT_POSITIONS:
        positions(o, p, n, 1);
        break;
    case MF_UNIT_ATTENTION:
        attention(o, p, n, 1);
        break;
    case MF_UNIT_EMBEDDING:
        embedding(o, p, n, 1);
        break;
    case MF_UNIT_FLATTEN:
        flatten(o, p, n, 1);
        break;
    default:
        sum(o, p, n, 1);
    }
}

void units_forward(units_oracle *o, units_pass *p)
{
    for (size_t n = 1; n <= o->count; n++)
        unit_forward(o, p, n);
    head_pool(o, p, 0);
    keep(o, p->features, p->rows * o->scored * o->features);
    head(o, p, 0);
    keep(o, p->goodness, p->rows * units_scores(o));
}

void units_backward(units_oracle *o, units_pass *p)
{
    keep(o, p->goodness, p->rows * units_scores(o));
    head(o, p, 1);
    keep(o, p->dfeatures, p->rows * o->scored * o->features);
    head_pool(o, p, 1);
    for (size_t n = o->count; n >= 1; n--)
        unit_backward(o, p, n);
    for (size_t i = 0; i < o->listed; i++)
        keep(o, o->list[i].parameter->gradient, o->list[i].parameter->count);
}
