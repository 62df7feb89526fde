/* Owns: the layout of the scratch memory of a call on one layer. Threads that share the call's work see the
 * same areas, but for some that each of them has for itself. */
#ifndef MFI_MODEL_SCRATCH_H
#define MFI_MODEL_SCRATCH_H

#include "base/team.h"
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
    size_t moments; /* [4, channels]: see normalization.h. Of a layer normalisation 2 numbers for each piece,
                       of an attention 2 for each head and position */
} mfi_kept_sizes;

/* What stages use in turn, in floats. Each thread that works on a call has these for itself, */
typedef struct mfi_shared_sizes {
    size_t dz;      /* [B, panel]; a block of maps of a convolution */
    size_t dw;      /* dW of a panel, with the products of the BLAS library */
    size_t panel;   /* what our own products of a dense stage need for one panel */
    size_t db;      /* [panel] or [channels] */
    size_t dscale;  /* [panel] or [channels] */
    size_t patches; /* what the products of a convolution need for a block of images */
    size_t map;     /* z and a of one map */
    size_t dm;      /* [m, panel] */
    size_t scores;  /* of an attention: softmax and its gradient, of a block of positions; of a head that
                       compares: a block of rows with all rows */

    /* and there is one of these, which all threads of the call use. */
    size_t input; /* of a dense stage: sequences of the host without gaps */
    size_t whole; /* of a dense stage, never at the same time: x packed for the product with the update behind
                     it, and the two Gram matrices of a norm */
    size_t sums;  /* over the batch, several times: run.h */
    size_t pieces; /* that threads share: the squares of each are added up in their order, as doubles */
} mfi_shared_sizes;

typedef struct mfi_kept {
    float *output;   /* [B, output_values]; NULL: it is the layer's */
    float *gradient; /* the loss's gradient by that; NULL where a head and a dense stage work panel by panel,
                        and nothing before them is learned. Of an auxiliary head in the place of the output */
    float *product, *preactivation, *moments;
} mfi_kept;

/* Columns of a sampled head, which stand for classes: those of the labels, and then those that were drawn. */
typedef struct mfi_candidates {
    int32_t *column;   /* [m] of each class; -1: it has none */
    int32_t *classes;  /* [columns] */
    int32_t *labels;   /* [B] columns of the labels, or MF_LABEL_IGNORED */
    float *offsets;    /* [columns] what is added to the goodness */
    float *projection; /* [columns, F] their rows of M */
} mfi_candidates;

/* What a head that compares keeps of rows, D numbers of each. */
typedef struct mfi_similarity {
    float *directions; /* [B, D] centred and of length 1; 0 where all numbers are the same */
    float *lengths;    /* [B] before that */
    float *sizes;      /* [B] of maps, how large their values are */
    float *gradient;   /* [B, D] by the numbers */
} mfi_similarity;

/* The areas as one thread of the call sees them. */
typedef struct mfi_scratch {
    /* Of the call. */
    float *goodness; /* [B, m], or [B, T, m] at positions: G, then dG; of a sampled head [B, columns] */
    mfi_candidates candidates;
    mfi_similarity similarity;
    float *features;  /* [B, F] what M reads, where that is not the output itself */
    float *dfeatures; /* [B, F] the gradient by that */
    float *input, *whole, *sums;
    double *squares; /* [pieces] */
    float *spare;    /* gradients that are to be added to others, by the inputs of one stage */
    mfi_kept *kept;  /* [stages] */

    /* Of the thread. */
    float *dz, *dw, *panel, *db, *dscale, *patches, *map, *dm, *scores;
    size_t slot, own_bytes; /* of the thread; from one thread's areas to those of the next */
} mfi_scratch;

/* Bytes of the areas of a call, and of those of each of its threads. */
typedef struct mfi_scratch_size {
    size_t common, own;
} mfi_scratch_size;

/* Where a call works: memory for its scratch, and the threads that help. */
typedef struct mfi_workplace {
    void *common;
    void *own; /* [threads of the team] areas of own_bytes */
    size_t own_bytes;
    const mfi_team *team; /* NULL: the calling thread only */
} mfi_workplace;

/* The scratch of a call on batches of that many rows, for training or for inference, as the calling thread
 * sees it. The workplace has room for it. */
mfi_scratch mfi_scratch_at(const mfi_plan *plan, size_t rows, bool training, const mfi_workplace *place);

/* The same scratch as the thread with that slot sees it. */
mfi_scratch mfi_scratch_of(const mfi_scratch *other, size_t slot);

/* Bytes that suffice for that many rows, and for fewer; false if they do not fit. */
bool mfi_scratch_bytes(const mfi_plan *plan, size_t rows, bool training, mfi_scratch_size *size);

#endif
