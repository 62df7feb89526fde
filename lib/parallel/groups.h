/* Owns: splitting the layers of a network into groups of neighbours of about equal cost. */
#ifndef MFI_PARALLEL_GROUPS_H
#define MFI_PARALLEL_GROUPS_H

#include "parallel/pipeline.h"

/* Splits the layers of a network into `count` groups, none of them empty, so that the most expensive group
 * costs as little as possible. `count` is 1 to the number of layers. Sets `first` and `end` of each group. */
void mfi_cut_groups(const mf_network *network, mfi_group *groups, size_t count);

#endif
