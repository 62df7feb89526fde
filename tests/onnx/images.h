/* Images to try exported networks with: real ones where their files are, drawn ones elsewhere.
 * SPDX-License-Identifier: MIT */
#ifndef TEST_ONNX_IMAGES_H
#define TEST_ONNX_IMAGES_H

#include <stddef.h>
#include <stdint.h>

enum { IMAGE_CLASSES = 10, IMAGES_TO_LEARN = 1024, IMAGES_TO_TEST = 256 };

typedef struct images {
    const char *name;
    size_t channels, height, width, values; /* values: of one image */
    int real;
    float *learn, *test; /* [IMAGES_TO_LEARN, values], [IMAGES_TO_TEST, values], 0 to 1 */
    int32_t *labels;     /* of those to learn from */
} images;

/** MNIST from <folder>/train.images, train.labels and test.images, which are its files without gzip; CIFAR-10
 *  from train.records and test.records, which are its binary batches. Files may end early. `folder` may be
 *  NULL. */
images mnist_images(const char *folder);
images cifar_images(const char *folder);
void drop_images(images *set);

#endif
