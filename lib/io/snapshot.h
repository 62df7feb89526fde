/* Owns: snapshots: what training changes in a network, in a buffer of the caller's. */
#ifndef MFI_IO_SNAPSHOT_H
#define MFI_IO_SNAPSHOT_H

#include "model/network.h"

/* OVERFLOW if that does not fit. */
mf_status mfi_snapshot_size(const mf_network *network, size_t *bytes);

/* The buffer is large enough. */
mf_status mfi_snapshot_save(const mf_network *network, void *buffer);

/* All or nothing. */
mf_status mfi_snapshot_load(mf_network *network, const void *buffer, size_t bytes);

#endif
