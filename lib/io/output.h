/* Owns: a sink whose bytes go to a function of the caller's. */
#ifndef MFI_IO_OUTPUT_H
#define MFI_IO_OUTPUT_H

#include "io/sink.h"

/* Begins a sink for the output, which has been checked and must stay. What its function refuses is IO. */
void mfi_output_begin(mfi_sink *sink, const mf_output *output);

#endif
