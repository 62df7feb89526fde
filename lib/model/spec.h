/* Owns: what a layer's spec means: its defaults, its limits, and the sizes that follow from it. */
#ifndef MFI_MODEL_SPEC_H
#define MFI_MODEL_SPEC_H

#include <stdbool.h>
#include <monoforward.h>

#include "math/maps.h"

/* Order of a layer's parameters; one that a layer does not have has count 0. Those from MFI_LEARNED on follow
 * the batches and have no gradient. */
enum {
    MFI_WEIGHT = 0,
    MFI_BIAS = 1,
    MFI_PROJECTION = 2,
    MFI_SCALE = 3,
    MFI_LEARNED = 4,
    MFI_MEAN = 4,
    MFI_VARIANCE = 5,
    MFI_PARAMETERS = 6
};

mf_layer_spec mfi_layer_defaults(void);

/* Checks everything, and sets the inputs and outputs of a convolution. */
mf_status mfi_spec_resolve(mf_layer_spec *spec);
mf_status mfi_check_classes(size_t classes);
mf_status mfi_check_constant(const char *name, int32_t value, int32_t last);

/* From 0 to below 1. */
mf_status mfi_check_share(const char *name, double value);

/* What follows takes a resolved spec. */

/* Of a convolution. */
mfi_geometry mfi_spec_geometry(const mf_layer_spec *spec);

/* Neurons or filters: what has a bias and a normalisation of its own. */
size_t mfi_spec_channels(const mf_layer_spec *spec);

/* Values of a channel in one row, before pooling. */
size_t mfi_spec_places(const mf_layer_spec *spec);

/* Values that M reads. */
size_t mfi_spec_features(const mf_layer_spec *spec);

/* Whether M reads a pooling of the activation. */
bool mfi_spec_pools_head(const mf_layer_spec *spec);

/* Rank of a parameter and its dims; 0 if the layer does not have it. */
int32_t mfi_spec_parameter(const mf_layer_spec *spec, size_t parameter, size_t dims[4]);

/* Values of a parameter, 0 if the layer does not have it; false if they do not fit. */
bool mfi_spec_count(const mf_layer_spec *spec, size_t parameter, size_t *count);

mf_shape mfi_spec_input(const mf_layer_spec *spec);
mf_shape mfi_spec_output(const mf_layer_spec *spec);

/* Floating-point operations of a step for one row. */
double mfi_spec_work(const mf_layer_spec *spec);

#endif
