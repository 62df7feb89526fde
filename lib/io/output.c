/* Owns: a sink whose bytes go to a function of the caller's. */
#include "io/output.h"

#include "base/status.h"

static mf_status take_to_output(mfi_sink *sink, const unsigned char *bytes, size_t count)
{
    const mf_output *output = sink->user;
    int32_t result = output->write(output->user, bytes, count);
    if (result == 0) {
        sink->taken += count;
        return MF_STATUS_OK;
    }
    return mfi_fail(MF_STATUS_IO, "the output returned %d behind %llu bytes", (int)result,
                    (unsigned long long)sink->taken);
}

void mfi_output_begin(mfi_sink *sink, const mf_output *output)
{
    mfi_sink_begin(sink, take_to_output, (void *)(uintptr_t)output);
}
