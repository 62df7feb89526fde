/* Owns: the host's metadata in files. */
#include "io/host_metadata.h"

#include <stdbool.h>
#include <string.h>

#include "base/status.h"
#include "io/model_file.h"
#include "io/protobuf.h"

/* Later versions of the library may need more names than there are now. */
static const char later[] = "monoforward.";

static bool is_own(const char *name)
{
    static const char *const own[] = {MFI_KEY_FORMAT, MFI_KEY_VERSION, MFI_KEY_LIBRARY, MFI_KEY_NETWORK,
                                      MFI_KEY_TRAINING};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strcmp(name, own[i]) == 0)
            return true;
    return false;
}

static bool is_for_later(const char *name)
{
    return strncmp(name, later, strlen(later)) == 0;
}

bool mfi_host_metadata_is_own(const char *name)
{
    return is_own(name) || is_for_later(name);
}

mf_status mfi_host_metadata_check(const char *name)
{
    if (is_own(name))
        return mfi_fail(MF_STATUS_ARGUMENT, "the name \"%s\" of the metadata is the library's own", name);
    if (is_for_later(name))
        return mfi_fail(MF_STATUS_ARGUMENT,
                        "names of the metadata that begin with \"%s\" are kept for the library", later);
    return MF_STATUS_OK;
}

void mfi_host_metadata_put(const mf_network *network, mfi_text *text)
{
    for (size_t i = 0; i < network->metadata.count; i++) {
        mfi_text_key(text, network->metadata.entries[i].name);
        mfi_text_string(text, network->metadata.entries[i].value);
    }
}

mf_status mfi_host_metadata_take(const mfi_tensors *tensors, mf_network *network)
{
    for (const mfi_json *item = mfi_json_first(tensors->metadata); item; item = mfi_json_next(item)) {
        if (mfi_host_metadata_is_own(mfi_json_key(item)))
            continue;
        mf_status status = mfi_metadata_set(&network->metadata, &network->handle.allocator,
                                            mfi_json_key(item), mfi_json_text(item));
        if (status != MF_STATUS_OK) /* its message stays */
            return status == MF_STATUS_MEMORY ? status : MF_STATUS_FORMAT;
    }
    return MF_STATUS_OK;
}

static void put_pair(mfi_sink *sink, const void *what)
{
    enum { KEY = 1, VALUE = 2 };
    const mfi_metadata_entry *entry = what;
    mfi_pb_text(sink, KEY, entry->name);
    mfi_pb_text(sink, VALUE, entry->value);
}

void mfi_host_metadata_put_onnx(const mf_network *network, mfi_sink *sink, unsigned field)
{
    for (size_t i = 0; i < network->metadata.count; i++)
        mfi_pb_message(sink, field, put_pair, &network->metadata.entries[i]);
}
