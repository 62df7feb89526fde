/* SPDX-License-Identifier: MIT */
#include "dataset.h"

#include "augment.h"
#include "complain.h"
#include "crops.h"
#include "readers.h"

#include <stdlib.h>
#include <string.h>

static void part_free(struct dataset_part *part)
{
    free(part->bytes);
    free(part->values);
    free(part->sparse.starts);
    free(part->sparse.columns);
    free(part->sparse.values);
    free(part->labels);
}

void dataset_free(struct dataset *set)
{
    part_free(&set->train);
    part_free(&set->test);
    *set = (struct dataset){0};
}

/* ---- a validation split ---- */

bool dataset_split_open(struct dataset_split *split, const struct dataset *set, size_t validation,
                        uint64_t seed)
{
    size_t count = set->train.count;
    *split = (struct dataset_split){0};
    if (validation >= count)
        return complain("a validation part of %zu rows leaves nothing of %zu to learn from", validation,
                        count);
    split->order = malloc(count * sizeof *split->order);
    if (split->order == NULL)
        return complain("no memory for the order of %zu rows", count);
    for (size_t i = 0; i < count; i++)
        split->order[i] = (uint32_t)i;
    struct random_stream stream = {random_derive(seed, PURPOSE_HOLD_OUT)};
    if (validation > 0)
        random_shuffle(&stream, split->order, count);
    split->train = split->order;
    split->train_count = count - validation;
    split->validation = split->order + split->train_count;
    split->validation_count = validation;
    return true;
}

void dataset_split_free(struct dataset_split *split)
{
    free(split->order);
    *split = (struct dataset_split){0};
}

/* ---- batches ---- */

bool dataset_allows(const struct dataset *set, enum dataset_change change)
{
    bool one_channel = change == CHANGE_JITTER || change == CHANGE_AFFINE || change == CHANGE_ELASTIC;
    return change == CHANGE_NONE || set->channels == 1 || (set->channels > 0 && !one_channel);
}

static void gather_seen(const struct dataset *set, const uint8_t *pixels, const struct crop *crop, float *row)
{
    size_t plane = set->height * set->width;
    for (size_t channel = 0; channel < set->channels; channel++)
        crop_plane(crop, pixels + channel * plane, set->height, set->width, set->inputs[channel],
                   row + channel * plane);
}

static void gather_augmented(const struct dataset *set, const uint8_t *pixels, enum augment_kind kind,
                             struct random_stream *stream, float *row)
{
    float mean = (float)set->mean[0], scale = (float)(1 / set->deviation[0]);
    augment_image(kind, stream, pixels, set->height, set->width, row);
    for (size_t i = 0; i < set->features; i++)
        row[i] = (row[i] - mean) * scale;
}

static void gather_image(const struct dataset *set, const uint8_t *pixels, enum dataset_change change,
                         struct random_stream *stream, float *row)
{
    struct crop crop = {.mirrored = change == CHANGE_MIRROR};
    switch (change) {
    case CHANGE_JITTER:
        gather_augmented(set, pixels, AUGMENT_JITTER, stream, row);
        return;
    case CHANGE_AFFINE:
        gather_augmented(set, pixels, AUGMENT_AFFINE, stream, row);
        return;
    case CHANGE_ELASTIC:
        gather_augmented(set, pixels, AUGMENT_ELASTIC, stream, row);
        return;
    case CHANGE_CROPS:
        crop = crop_draw(stream, CROP_BORDER);
        break;
    default:
        break;
    }
    gather_seen(set, pixels, &crop, row);
}

static void gather_sparse(const struct sparse_rows *rows, size_t index, size_t features, float *row)
{
    memset(row, 0, features * sizeof *row);
    for (size_t at = rows->starts[index]; at < rows->starts[index + 1]; at++)
        row[rows->columns[at]] = rows->values[at];
}

void dataset_gather(const struct dataset *set, const struct dataset_part *part, const uint32_t *order,
                    size_t first, size_t rows, enum dataset_change change, struct random_stream *stream,
                    float *inputs, int32_t *labels)
{
    for (size_t i = 0; i < rows; i++) {
        size_t index = order != NULL ? order[first + i] : first + i;
        float *row = inputs + i * set->features;
        if (part->bytes != NULL)
            gather_image(set, part->bytes + index * set->features, change, stream, row);
        else if (part->values != NULL)
            memcpy(row, part->values + index * set->features, set->features * sizeof *row);
        else
            gather_sparse(&part->sparse, index, set->features, row);
        if (labels != NULL)
            labels[i] = part->labels[index];
    }
}
