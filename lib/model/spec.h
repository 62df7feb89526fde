/* Owns: the flat spec of a layer: its defaults and its limits. */
#ifndef MFI_MODEL_SPEC_H
#define MFI_MODEL_SPEC_H

#include <monoforward.h>

mf_layer_spec mfi_layer_defaults(void);
mf_unit_spec mfi_unit_defaults(void);
mf_head_spec mfi_head_defaults(void);

/* Checks everything, and sets the inputs and outputs of a convolution. */
mf_status mfi_spec_resolve(mf_layer_spec *spec);

/* The same for the spec of a layer that begins to learn, which a file's need not: ARGUMENT also where nothing
 * could, as of a host which has zeroed the spec instead of initialising it. */
mf_status mfi_spec_resolve_new(mf_layer_spec *spec);

/* Sets the input of `spec` to the output shape of a layer with the resolved spec `before`. */
void mfi_spec_follow(mf_layer_spec *spec, const mf_layer_spec *before);

#endif
