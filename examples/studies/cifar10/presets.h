/* presets: architectures with the settings that they are meant to be trained with.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef CIFAR10_PRESETS_H
#define CIFAR10_PRESETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 3 x 3, stride 1 and padding 1, then batch normalisation, ReLU, and pooling by 2 x 2. */
struct convolution_plan {
    size_t filters; /* 0: there is none */
    int32_t pool;   /* MF_POOL_... */
};

enum { MOST_CONVOLUTIONS = 6 };

/* Convolutions between two cuts, and the head that they learn for. */
struct layer_plan {
    struct convolution_plan convolutions[MOST_CONVOLUTIONS];
    size_t head_size;    /* M reads maps averaged to head_size x head_size; 0: as they are */
    double dropout;      /* share of the layer's maps that the next layer does not see */
};

/* Its convolutions. */
size_t layer_depth(const struct layer_plan *plan);

enum { MOST_LAYERS = 16 };

enum schedule_choice { SCHEDULE_COSINE, SCHEDULE_STEPS, SCHEDULE_CONSTANT };

struct preset {
    size_t layer_count;
    struct layer_plan layers[MOST_LAYERS];
    size_t epochs;
    int32_t optimizer; /* enum update_rule */
    int32_t schedule;
    int32_t augment;         /* enum augment_kind */
    size_t border;           /* that crops go into */
    size_t cutout;           /* side of the square that is hidden; 0: none */
    int32_t init_projection; /* MF_INIT_... */
    double learning_rate;
    double warmup; /* share of the run */
    double label_smoothing;
    double weight_decay;
    bool whitened;      /* the first layer sees patches of 2 x 2 along their principal components (whiten.h) */
    bool dirac;          /* filter i of a convolution begins as one that lets map i through, while there are both */
};

enum { PRESET_PAPER, PRESET_STRONG, PRESET_LONG, PRESET_VGG8B };

extern const struct preset presets[];
extern const char *const preset_names[]; /* ends with NULL */

#endif
