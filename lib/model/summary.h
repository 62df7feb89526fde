/* Owns: a network as lines for people. */
#ifndef MFI_MODEL_SUMMARY_H
#define MFI_MODEL_SUMMARY_H

#include "model/network.h"

/* Writes as much as there is room for, and a final 0; *needed receives the bytes that suffice. CAPACITY if
 * there was too little room, OVERFLOW if a workspace for that batch would not fit. */
mf_status mfi_network_summary(const mf_network *network, size_t max_batch, char *text, size_t size,
                              size_t *needed);

#endif
