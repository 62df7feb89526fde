/* Owns: the numbers that the optimizers of a network have in a model file: 0 for the first layer's, and so on
 * in the order of the first layer that each one trains. */
#ifndef MFI_IO_NUMBERING_H
#define MFI_IO_NUMBERING_H

#include "io/model_file.h"

enum { MFI_NUMBERING_CHAINS = 2048, MFI_NUMBERING_WORDS = MFI_MOST_LAYERS / 32 };

/* A hash table without allocated memory, as saving must not need any: the most layers that a file can hold
 * are few enough for the stack. Positions are counted from 1 here, 0 is the end of a chain. */
typedef struct mfi_numbering {
    const mf_network *network;
    uint16_t heads[MFI_NUMBERING_CHAINS]; /* by the hash of the optimizer */
    uint16_t chained[MFI_MOST_LAYERS];    /* for the first layer of an optimizer: that of another one */
    uint32_t firsts[MFI_NUMBERING_WORDS]; /* a bit for each position: whether it is a first layer */
    uint16_t before[MFI_NUMBERING_WORDS]; /* bits in the words before */
} mfi_numbering;

/* Of a network of at most MFI_MOST_LAYERS layers. */
void mfi_numbering_begin(mfi_numbering *numbering, const mf_network *network);

/* Whether the layer has an optimizer that no layer before it has. */
bool mfi_numbering_is_first(const mfi_numbering *numbering, size_t position);

/* The number of the layer's optimizer; -1 if it has none. */
int32_t mfi_numbering_of(const mfi_numbering *numbering, size_t position);

#endif
