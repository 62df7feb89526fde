/* SPDX-License-Identifier: MIT */
#include "source.h"

#include "bytes.h"
#include "complain.h"
#include "lines.h"
#include "datasets.h"

#include <stdio.h>
#include <stdlib.h>

enum { DRAWN_BYTES = 100000, DRAWN_JUDGED_BYTES = 20000 };

/* ---- images ---- */

static bool open_images(struct source *source, const struct settings *settings)
{
    const struct dataset_options options = {.seed = settings->seed,
                                            .train_limit = settings->limit,
                                            .test_limit = settings->test_limit,
                                            .stand_in = true};
    struct dataset *set = &source->set;
    if (!dataset_load(settings->data != NULL ? settings->data : "cifar10", &options, set))
        return false;
    if (set->channels != 3)
        return complain("%s: images of three colours are needed, as those of CIFAR-10", set->name);
    if (!dataset_split_open(&source->split, set, settings->validation, settings->seed))
        return false;
    snprintf(source->name, sizeof source->name, "%s", set->drawn ? "drawn" : set->name);
    source->order = source->split.train;
    source->rows[PART_TRAIN] = source->split.train_count;
    source->rows[PART_VALIDATION] = source->split.validation_count;
    source->rows[PART_TEST] = set->test.count;
    source->features = set->features;
    source->positions = 1;
    source->classes = set->classes;
    source->shape.rank = 3;
    source->shape.dims[0] = set->channels;
    source->shape.dims[1] = set->height;
    source->shape.dims[2] = set->width;
    return true;
}

static void image_batch(const struct source *source, enum source_part part, size_t first, size_t rows,
                        struct random_stream *stream, float *inputs, int32_t *labels)
{
    const struct dataset *set = &source->set;
    const uint32_t *orders[PARTS] = {source->split.train, source->split.validation, NULL};
    dataset_gather(set, part == PART_TEST ? &set->test : &set->train, orders[part], first, rows,
                   stream != NULL ? CHANGE_CROPS : CHANGE_NONE, stream, inputs, labels);
}

/* ---- texts ---- */

static bool read_or_draw(struct source *source, const struct settings *settings)
{
    static const char *const names[PARTS] = {"wiki.train.tokens", "wiki.valid.tokens", "wiki.test.tokens"};
    const char *folder = lines_find_wikitext(settings->data);
    snprintf(source->name, sizeof source->name, "%s", folder != NULL ? "wikitext-2" : "drawn");
    for (int part = 0; part < PARTS; part++)
        if (folder != NULL
                ? !corpus_read(&source->corpus[part], folder, names[part])
                : !corpus_draw(&source->corpus[part], part == PART_TRAIN ? DRAWN_BYTES : DRAWN_JUDGED_BYTES,
                               settings->seed, (uint64_t)part))
            return false;
    return true;
}

/* Rows are pieces of the text that follow one another; the last byte is a label only. */
static bool open_text(struct source *source, const struct settings *settings)
{
    const size_t limits[PARTS] = {settings->limit, settings->test_limit, settings->test_limit};
    if (!read_or_draw(source, settings))
        return false;
    for (int part = 0; part < PARTS; part++) {
        size_t bytes = source->corpus[part].count;
        size_t rows = bytes > 0 ? (bytes - 1) / settings->length : 0;
        source->rows[part] = limits[part] > 0 && limits[part] < rows ? limits[part] : rows;
        if (rows == 0)
            return complain("a text of %zu bytes has no piece of %zu", bytes, settings->length);
    }
    source->positions = settings->length;
    source->classes = BYTE_VALUES;
    source->features = settings->length;
    source->shape.rank = 1;
    source->shape.dims[0] = settings->length;
    source->order = calloc(source->rows[PART_TRAIN], sizeof *source->order);
    if (source->order == NULL)
        return complain("no memory for the order of %zu rows", source->rows[PART_TRAIN]);
    for (size_t i = 0; i < source->rows[PART_TRAIN]; i++)
        source->order[i] = (uint32_t)i;
    return true;
}

static void text_batch(const struct source *source, enum source_part part, size_t first, size_t rows,
                       float *inputs, int32_t *labels)
{
    const size_t length = source->positions;
    for (size_t i = 0; i < rows; i++) {
        size_t row = part == PART_TRAIN ? source->order[first + i] : first + i;
        const uint8_t *bytes = source->corpus[part].bytes + row * length;
        for (size_t t = 0; t < length; t++) {
            inputs[i * length + t] = bytes[t];
            labels[i * length + t] = bytes[t + 1];
        }
    }
}

/* ---- either ---- */

bool source_open(struct source *source, const struct study *study, const struct settings *settings)
{
    *source = (struct source){.text = study->text};
    return library_ok(mf_shape_init(&source->shape, sizeof source->shape)) &&
           (study->text ? open_text(source, settings) : open_images(source, settings));
}

void source_free(struct source *source)
{
    if (source->text)
        free(source->order);
    dataset_split_free(&source->split);
    dataset_free(&source->set);
    for (int part = 0; part < PARTS; part++)
        corpus_free(&source->corpus[part]);
    *source = (struct source){0};
}

void source_batch(const struct source *source, enum source_part part, size_t first, size_t rows,
                  struct random_stream *stream, float *inputs, int32_t *labels)
{
    if (source->text)
        text_batch(source, part, first, rows, inputs, labels);
    else
        image_batch(source, part, first, rows, stream, inputs, labels);
}

uint64_t source_hash(const struct source *source)
{
    const struct corpus *text = &source->corpus[PART_TRAIN];
    const struct dataset_part *images = &source->set.train;
    return source->text ? bytes_hash(HASH_START, text->bytes, text->count)
                        : bytes_hash(HASH_START, images->bytes, images->count * source->features);
}
