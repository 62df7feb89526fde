/* Owns: cutting layers into contiguous groups of balanced cost. */
#ifndef MFI_PARALLEL_GROUPS_H
#define MFI_PARALLEL_GROUPS_H

#include "parallel/pipeline.h"

/* Cuts the layers of a network into `count` groups, 1 to the number of layers of them, none empty, such that
 * the most expensive one costs as little as possible. Sets the first and the end of each. */
void mfi_cut_groups(const mf_network *network, mfi_group *groups, size_t count);

#endif
