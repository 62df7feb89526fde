/* The exported functions of ONNX export. */
#include "api/check.h"
#include "io/file.h"
#include "io/model_file.h"
#include "io/onnx.h"
#include "io/output.h"

static mf_status write_network(mfi_sink *sink, const void *network)
{
    return mfi_onnx_write(network, sink);
}

mf_status mf_network_export_onnx(const mf_network *network, const char *path)
{
    MFI_CALM;
    size_t size = 0;
    MFI_TRY(mfi_handle_check(network, MFI_KIND_NETWORK));
    MFI_TRY(mfi_check_pointer(path, "the path"));
    MFI_TRY(mfi_onnx_size(network, &size));
    MFI_TRY(mfi_model_check(network, false));
    return mfi_file_write(path, write_network, network);
}

mf_status mf_network_export_onnx_size(const mf_network *network, size_t *bytes)
{
    MFI_CALM;
    MFI_TRY(mfi_handle_check(network, MFI_KIND_NETWORK));
    MFI_TRY(mfi_check_pointer(bytes, "the out-pointer of the bytes"));
    return mfi_onnx_size(network, bytes);
}

mf_status mf_network_export_onnx_buffer(const mf_network *network, void *buffer, size_t bytes,
                                        size_t *written)
{
    MFI_CALM;
    mfi_sink sink;
    size_t size = 0;
    MFI_TRY(mfi_handle_check(network, MFI_KIND_NETWORK));
    MFI_TRY(mfi_check_pointer(buffer, "the buffer"));
    MFI_TRY(mfi_onnx_size(network, &size));
    if (bytes < size)
        return mfi_fail(MF_STATUS_CAPACITY, "the ONNX model needs %zu bytes, the buffer has %zu", size,
                        bytes);
    MFI_TRY(mfi_model_check(network, false));
    mfi_sink_begin(&sink, mfi_take_to_memory, buffer);
    MFI_TRY(mfi_onnx_write(network, &sink));
    if (written)
        *written = size;
    return MF_STATUS_OK;
}

mf_status mf_network_export_onnx_to(const mf_network *network, const mf_output *output)
{
    MFI_CALM;
    mfi_sink sink;
    mf_output known = {0};
    size_t size = 0;
    MFI_TRY(mfi_handle_check(network, MFI_KIND_NETWORK));
    MFI_TRY(mfi_check_output(output, &known));
    MFI_TRY(mfi_onnx_size(network, &size));
    MFI_TRY(mfi_model_check(network, false));
    mfi_output_begin(&sink, &known);
    return mfi_onnx_write(network, &sink);
}
