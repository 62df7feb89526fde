/* idx: reads images and labels in the format of MNIST (IDX), gzipped or not, and trusts nothing in them.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STUDIES_IDX_H
#define STUDIES_IDX_H

#include "images.h"

#include <stdbool.h>

/* Reads <folder>/<part>-images-idx3-ubyte and <folder>/<part>-labels-idx1-ubyte, or the same names with .gz;
 * labels are below `classes`, at most 256. On failure prints one line, leaves `set` empty and returns false.
 */
bool idx_load(const char *folder, const char *part, int classes, struct image_set *set);

/* The same from files of any name: images without labels, and labels for the images of a set. */
bool idx_load_images(const char *path, struct image_set *set);
bool idx_load_labels(const char *path, int classes, struct image_set *set);

#endif
