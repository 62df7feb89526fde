/* Owns: which layers a stage gets, and whether networks of ranks are the same. */
#ifndef MFM_SPLIT_H
#define MFM_SPLIT_H

#include "common.h"

/* Collective over `all`: SHAPE if the network differs from that of the first rank of `same`, which has this
 * number in `all`, in a bit of what a model file with the state of training holds; NUMERIC if a value is not
 * finite. */
mf_status mfm_check_same_network(MPI_Comm all, MPI_Comm same, uint32_t rank, const mf_network *network);

/* The part has the first layer, so it scales inputs as the network does. */
mf_status mfm_take_scaling(const mf_network *network, mf_network *part);

#endif
