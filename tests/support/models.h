/* What the tests of model files share: a network with everything that a file must hold, its batches, and
 * files in memory. SPDX-License-Identifier: MIT */
#ifndef TEST_MODELS_H
#define TEST_MODELS_H

#include "build.h"

enum { MODEL_LAYERS = 4, MODEL_INPUTS = 2 * 6 * 6, MODEL_CLASSES = 5, MODEL_ROWS = 7 };

/** Two convolutions and two dense layers with batch normalisation, pooling, a pooled head, dropout of values
 * and of maps, label smoothing, leaky ReLU and GELU, a layer without bias, and a place that was removed.
 * `optimizer` may be NULL. */
mf_network *model_network(mf_optimizer *optimizer);

/** Batch t: the same values for the same t. x [MODEL_ROWS, MODEL_INPUTS]. */
void model_batch(size_t t, float *x, int32_t *y);

/** Steps from batch `first` to before batch `end`, in a workspace of its own. */
void model_train(mf_network *network, size_t first, size_t end);

/** The network as a file in memory; free() it. */
void *model_save(const mf_network *network, int32_t contents, size_t *bytes);
mf_network *model_load(int32_t contents, const void *file, size_t bytes);

/** The status of loading it; nothing may be left behind. */
mf_status model_refuse(int32_t contents, const void *file, size_t bytes);

/** Writes a value as files have it, the lowest byte first. */
void model_put_value(unsigned char *at, float value);

/** Fails the test unless both networks are the same in every bit that a file with training holds. */
#define check_same_model(one, other) check_same_model_at((one), (other), __FILE__, __LINE__)
void check_same_model_at(const mf_network *one, const mf_network *other, const char *file, int line);

/** A file with another header: the length is set, the data stays; free() it. */
void *model_with_header(const void *file, size_t bytes, const char *header, size_t *now);

/** The file with the header `changed` gives that status, whatever is wanted from it, and, if `part` is not
 * NULL, a message with `part` in it. */
void check_model_header(mf_status expected, const void *file, size_t bytes, const char *changed,
                        const char *part);

/** The header of a file as a string, without the spaces at its end; free() it. */
char *model_header(const void *file, size_t bytes);

/** A copy of `text` with `from`, which must be in it, replaced by `to`; free() it. */
char *replaced(const char *text, const char *from, const char *to);

#endif
