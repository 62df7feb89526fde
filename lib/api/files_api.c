/* The exported functions of model files and snapshots. */
#include "api/check.h"
#include "api/structs.h"
#include "io/model_file.h"
#include "io/output.h"
#include "io/snapshot.h"

static mf_load_spec load_defaults(void)
{
    return (mf_load_spec){.struct_size = sizeof(mf_load_spec), .contents = MF_CONTENTS_MODEL};
}

mf_status mf_load_spec_init(mf_load_spec *spec, size_t size)
{
    mf_load_spec values = load_defaults();
    return MFI_INIT(mf_load_spec, spec, size, &values);
}

static mf_status check_contents(int32_t contents)
{
    if (contents != MF_CONTENTS_MODEL && contents != MF_CONTENTS_TRAINING)
        return mfi_fail(MF_STATUS_ARGUMENT, "unknown contents %d", (int)contents);
    return MF_STATUS_OK;
}

/* ---- saving ---- */

static mf_status check_save(const mf_network *network, int32_t contents)
{
    MFI_TRY(mfi_handle_check(network, MFI_KIND_NETWORK));
    return check_contents(contents);
}

static mf_status model_size(const mf_network *network, int32_t contents, size_t *bytes)
{
    uint64_t size = 0;
    MFI_TRY(mfi_model_size(network, contents == MF_CONTENTS_TRAINING, &size));
    if (size > SIZE_MAX)
        return mfi_fail(MF_STATUS_OVERFLOW, "a model of %llu bytes does not fit in memory",
                        (unsigned long long)size);
    *bytes = (size_t)size;
    return MF_STATUS_OK;
}

mf_status mf_network_save(const mf_network *network, int32_t contents, const char *path)
{
    MFI_CALM;
    MFI_TRY(check_save(network, contents));
    MFI_TRY(mfi_check_pointer(path, "the path"));
    return mfi_disk_save(network, contents == MF_CONTENTS_TRAINING, path);
}

mf_status mf_network_save_size(const mf_network *network, int32_t contents, size_t *bytes)
{
    MFI_CALM;
    MFI_TRY(check_save(network, contents));
    MFI_TRY(mfi_check_pointer(bytes, "the out-pointer of the bytes"));
    return model_size(network, contents, bytes);
}

mf_status mf_network_save_buffer(const mf_network *network, int32_t contents, void *buffer, size_t bytes,
                                 size_t *written)
{
    MFI_CALM;
    mfi_sink sink;
    size_t size = 0;
    bool training = contents == MF_CONTENTS_TRAINING;
    MFI_TRY(check_save(network, contents));
    MFI_TRY(mfi_check_pointer(buffer, "the buffer"));
    MFI_TRY(model_size(network, contents, &size));
    if (bytes < size)
        return mfi_fail(MF_STATUS_CAPACITY, "the model needs %zu bytes, the buffer has %zu", size, bytes);
    MFI_TRY(mfi_model_check(network, training));
    mfi_sink_begin(&sink, mfi_take_to_memory, buffer);
    MFI_TRY(mfi_model_write(network, training, &sink));
    if (written)
        *written = size;
    return MF_STATUS_OK;
}

/* ---- outputs of the caller's ---- */

mf_status mf_output_init(mf_output *output, size_t size)
{
    mf_output empty = {.struct_size = sizeof empty};
    return MFI_INIT(mf_output, output, size, &empty);
}

mf_status mf_network_save_to(const mf_network *network, int32_t contents, const mf_output *output)
{
    MFI_CALM;
    mfi_sink sink;
    mf_output known = {0};
    uint64_t size = 0;
    bool training = contents == MF_CONTENTS_TRAINING;
    MFI_TRY(check_save(network, contents));
    MFI_TRY(mfi_check_output(output, &known));
    MFI_TRY(mfi_model_size(network, training, &size)); /* fails if it is too large, before the first byte */
    MFI_TRY(mfi_model_check(network, training));
    mfi_output_begin(&sink, &known);
    return mfi_model_write(network, training, &sink);
}

/* ---- loading ---- */

static mf_status check_load(const mf_load_spec *spec, mf_network **network, mf_load_spec *known)
{
    MFI_TRY(mfi_check_pointer(network, "the out-pointer of the network"));
    *network = NULL;
    *known = load_defaults();
    if (spec)
        MFI_TRY(MFI_READ(mf_load_spec, known, spec));
    MFI_TRY(mfi_check_allocator(known->allocator));
    return check_contents(known->contents);
}

mf_status mf_network_load(const mf_load_spec *spec, const char *path, mf_network **network)
{
    MFI_CALM;
    mf_load_spec known;
    MFI_TRY(check_load(spec, network, &known));
    MFI_TRY(mfi_check_pointer(path, "the path"));
    return mfi_disk_load(&known, path, network);
}

mf_status mf_network_load_buffer(const mf_load_spec *spec, const void *buffer, size_t bytes,
                                 mf_network **network)
{
    MFI_CALM;
    mf_load_spec known;
    MFI_TRY(check_load(spec, network, &known));
    MFI_TRY(mfi_check_pointer(buffer, "the buffer"));
    mfi_model_source source = mfi_source_of_memory(buffer, bytes);
    return mfi_model_load(&known, &source, network);
}

/* ---- snapshots ---- */

mf_status mf_network_snapshot_size(const mf_network *network, size_t *bytes)
{
    MFI_TRY(mfi_handle_check(network, MFI_KIND_NETWORK));
    MFI_TRY(mfi_check_pointer(bytes, "the out-pointer of the bytes"));
    return mfi_snapshot_size(network, bytes);
}

mf_status mf_network_snapshot_save(const mf_network *network, void *buffer, size_t bytes)
{
    MFI_CALM;
    size_t size = 0;
    MFI_TRY(mfi_handle_check(network, MFI_KIND_NETWORK));
    MFI_TRY(mfi_check_pointer(buffer, "the buffer"));
    MFI_TRY(mfi_snapshot_size(network, &size));
    if (bytes < size)
        return mfi_fail(MF_STATUS_CAPACITY, "the snapshot needs %zu bytes, the buffer has %zu", size, bytes);
    return mfi_snapshot_save(network, buffer);
}

mf_status mf_network_snapshot_load(mf_network *network, const void *buffer, size_t bytes)
{
    MFI_CALM;
    MFI_TRY(mfi_handle_check(network, MFI_KIND_NETWORK));
    MFI_TRY(mfi_check_pointer(buffer, "the buffer"));
    mf_status status = MF_STATUS_OK;
    MFI_TRY(mfi_network_claim(network, &status));
    status = mfi_snapshot_load(network, buffer, bytes);
    mfi_network_disclaim(network, &status);
    return status;
}
