/* Owns: what stages must know of each other, and whether one fits behind another. */
#ifndef MFM_INTERFACE_H
#define MFM_INTERFACE_H

#include "common.h"

/* Padding-free, so that it travels as bytes. */
typedef struct mfm_interface {
    uint64_t layers;
    uint64_t tokens; /* 1: the first layer embeds its inputs */
    mf_shape input, output, goodness;
} mfm_interface;

size_t mfm_shape_values(const mf_shape *shape);

/* Of a stage of so many layers. */
mf_status mfm_interface_read(const mf_layer *first, const mf_layer *last, size_t layers, mfm_interface *own);

/* SHAPE unless the stage fits behind the one before, by the rules of layers in one network. */
mf_status mfm_interface_check(const mfm_interface *before, const mfm_interface *own, uint32_t stage);

#endif
