/* Owns: what goes from one network to another: parameters, and copies of whole networks. */
#ifndef MFI_MODEL_TRANSFER_H
#define MFI_MODEL_TRANSFER_H

#include "model/network.h"

/* to = to + share (from - to) for every value of every parameter; share 1 copies the bits. SHAPE if the
 * layers or their parameters differ, NUMERIC if a value of `from` is not finite, or with a share below 1 one of
 * `to`, ARGUMENT if a layer of `from` is at another place of `to`, BUSY as mfi_network_claim(). After a failure
 * nothing has changed. */
mf_status mfi_transfer_parameters(mf_network *to, const mf_network *from, double share);

/* A network of its own with the same layers, ids and metadata; with `training` also with copies of the
 * optimizers and with the state of training. OVERFLOW or MEMORY. */
mf_status mfi_transfer_clone(const mf_network *network, bool training, const mf_allocator *allocator,
                             mf_network **clone);

#endif
