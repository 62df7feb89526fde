/* Owns: how the units of an ONNX graph are cut into layers, as a spec says, and the head of each. */
#ifndef MFI_IO_ONNX_LAYERS_H
#define MFI_IO_ONNX_LAYERS_H

#include "io/onnx_units.h"

/* Whether gradients may stop behind a unit: all that follows reads its output and nothing from before it; and
 * whether they do. */
enum { MFI_ONNX_MAY_CUT = 1, MFI_ONNX_CUT = 2 };

/* Where a head's M comes from. */
typedef enum mfi_onnx_projection { MFI_DRAWN, MFI_IDENTITY, MFI_FROM_FILE } mfi_onnx_projection;

typedef struct mfi_onnx_layer {
    int32_t first, last; /* nodes */
    int32_t input;       /* node that it reads: that before the first, or the output of a layer whose head has
                            units of its own */
    bool frozen;
    mf_head_spec head;
    mfi_onnx_projection projection;
    const mfi_onnx_constant *values; /* of M, from the file */
} mfi_onnx_layer;

/* Set it to zero first; then it can be freed at any time. */
typedef struct mfi_onnx_layers {
    mfi_onnx_layer *list;
    size_t count;
    size_t room;
    unsigned char *cuts; /* [units] MFI_ONNX_... */
} mfi_onnx_layers;

/* Leaves out the units that nothing reads, as of a branch that ends elsewhere; all others have other numbers
 * then. ARGUMENT (a name that the graph does not have, or a cut where it cannot be cut), FORMAT, UNSUPPORTED,
 * MEMORY. */
mf_status mfi_onnx_cut(const mf_onnx_spec *spec, mfi_onnx_units *units, mfi_onnx_layers *layers);
void mfi_onnx_layers_free(const mfi_onnx_units *units, mfi_onnx_layers *layers);

bool mfi_onnx_may_cut(const mfi_onnx_layers *layers, int32_t node);

#endif
