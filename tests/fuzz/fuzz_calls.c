/* The machine under libFuzzer. SPDX-License-Identifier: MIT */
#include "machine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    machine_run(data, size);
    return 0;
}
