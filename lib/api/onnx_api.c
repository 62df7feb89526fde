/* The exported functions of ONNX export and import. */
#include "api/check.h"
#include "api/structs.h"
#include "io/file.h"
#include "io/model_file.h"
#include "io/onnx.h"
#include "io/onnx_import.h"
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

/* ---- import ---- */

static mf_onnx_spec import_defaults(void)
{
    return (mf_onnx_spec){.struct_size = sizeof(mf_onnx_spec), .pool_size = 1};
}

mf_status mf_onnx_spec_init(mf_onnx_spec *spec, size_t size)
{
    mf_onnx_spec defaults = import_defaults();
    return MFI_INIT(mf_onnx_spec, spec, size, &defaults);
}

static mf_status check_import(const mf_onnx_spec *spec, mf_onnx_spec *known)
{
    *known = import_defaults();
    MFI_TRY(MFI_READ(mf_onnx_spec, known, spec));
    MFI_TRY(mfi_check_allocator(known->allocator));
    if (!known->path)
        MFI_TRY(mfi_check_pointer(known->buffer, "the buffer of a spec without a path"));
    if (known->features != 0 && known->features != 1)
        return mfi_fail(MF_STATUS_ARGUMENT, "features is %d, it must be 0 or 1", (int)known->features);
    if (known->cut_count > 0)
        MFI_TRY(mfi_check_pointer(known->cuts, "the cuts"));
    if (known->classes == 1)
        return mfi_fail(MF_STATUS_ARGUMENT, "classes is 1, it must be 0, or 2 or more");
    return MF_STATUS_OK;
}

mf_status mf_onnx_plan(const mf_onnx_spec *spec, char *text, size_t size, size_t *needed)
{
    MFI_CALM;
    mf_onnx_spec known;
    size_t sufficient;
    MFI_TRY(check_import(spec, &known));
    if (size > 0)
        MFI_TRY(mfi_check_pointer(text, "the text"));
    mf_status status = mfi_onnx_plan(&known, text, size, &sufficient);
    if (needed && (status == MF_STATUS_OK || status == MF_STATUS_CAPACITY))
        *needed = sufficient;
    return status;
}

mf_status mf_network_import_onnx(const mf_onnx_spec *spec, mf_network **network)
{
    MFI_CALM;
    mf_onnx_spec known;
    MFI_TRY(mfi_check_pointer(network, "the out-pointer of the network"));
    *network = NULL;
    MFI_TRY(check_import(spec, &known));
    return mfi_onnx_import(&known, network);
}
