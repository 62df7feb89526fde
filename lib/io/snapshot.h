/* Owns: snapshots: everything that training changes in a network, in a buffer of the caller's. */
#ifndef MFI_IO_SNAPSHOT_H
#define MFI_IO_SNAPSHOT_H

#include "model/network.h"

/* The size of a snapshot. OVERFLOW if it does not fit a size_t. */
mf_status mfi_snapshot_size(const mf_network *network, size_t *bytes);

/* Saves a snapshot. The caller has checked that the buffer is large enough. */
mf_status mfi_snapshot_save(const mf_network *network, void *buffer);

/* Loads a snapshot. If it fails, the network is unchanged. */
mf_status mfi_snapshot_load(mf_network *network, const void *buffer, size_t bytes);

#endif
