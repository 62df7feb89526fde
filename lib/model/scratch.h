/* Owns: the layout of the scratch memory of a call on one layer. */
#ifndef MFI_MODEL_SCRATCH_H
#define MFI_MODEL_SCRATCH_H

#include "model/plan.h"

/* A block of memory that is used from its beginning. Without a block, only the sizes are added. */
typedef struct mfi_room {
    char *block;
    size_t bytes; /* used so far */
    bool fits;    /* false if a size has overflowed */
} mfi_room;

/* count x size bytes, aligned; NULL for none, and while counting. */
void *mfi_room_take(mfi_room *room, size_t count, size_t size);

/* What a stage keeps from its forward pass to its backward pass, in floats. */
typedef struct mfi_kept_sizes {
    size_t product;       /* u: [B, n] of a dense stage that normalises; blocks of maps of a convolution */
    size_t preactivation; /* z: [B, n] of a dense stage whose activation's derivative needs it */
    size_t moments;       /* [4, channels]: see normalization.h */
} mfi_kept_sizes;

/* What stages use in turn, in floats. */
typedef struct mfi_shared_sizes {
    size_t dz;      /* [B, panel]; a block of maps of a convolution */
    size_t dw;      /* dW, of a dense stage in parts; see unit/dense_own.c and dense_blas.c */
    size_t panel;   /* what our own products of a dense stage need for one panel */
    size_t db;      /* [panel] or [channels] */
    size_t dscale;  /* [panel] or [channels] */
    size_t patches; /* what the products of a convolution need for a block of images */
    size_t map;     /* z and a of one map */
} mfi_shared_sizes;

typedef struct mfi_kept {
    float *output; /* [B, output_values]; NULL: it is the layer's */
    float
        *gradient; /* the loss's gradient by that; NULL where a head and a dense stage work panel by panel */
    float *product, *preactivation, *moments;
} mfi_kept;

typedef struct mfi_scratch {
    float *goodness;  /* [B, m] G, then dG */
    float *features;  /* [B, F] what M reads, where that is not the output itself */
    float *dfeatures; /* [B, F] the gradient by that */
    float *dm;        /* [m, F], or a panel of it */
    float *dz, *dw, *panel, *db, *dscale, *patches, *map;
    float *spare;   /* a gradient that is to be added to another */
    mfi_kept *kept; /* [stages] */
} mfi_scratch;

/* Takes the scratch of a call on batches of that many rows, for training or for inference, and sets the
 * pointers of `scratch`. Fewer rows never need more memory. */
void mfi_scratch_take(const mfi_plan *plan, size_t rows, bool training, mfi_room *room, mfi_scratch *scratch);

/* Bytes that suffice; false if they do not fit. */
bool mfi_scratch_bytes(const mfi_plan *plan, size_t rows, bool training, size_t *bytes);

#endif
