/* The exported functions of a network's metadata. */
#include "api/check.h"
#include "io/host_metadata.h"

mf_status mf_network_metadata_set(mf_network *network, const char *name, const char *value)
{
    MFI_TRY(mfi_handle_check(network, MFI_KIND_NETWORK));
    MFI_TRY(mfi_check_pointer(name, "the name"));
    MFI_TRY(mfi_check_pointer(value, "the value"));
    MFI_TRY(mfi_host_metadata_check(name));
    return mfi_metadata_set(&network->metadata, &network->handle.allocator, name, value);
}

mf_status mf_network_metadata_get(const mf_network *network, const char *name, const char **value)
{
    size_t index = 0;
    MFI_TRY(mfi_handle_check(network, MFI_KIND_NETWORK));
    MFI_TRY(mfi_check_pointer(name, "the name"));
    MFI_TRY(mfi_check_pointer(value, "the out-pointer of the value"));
    MFI_TRY(mfi_metadata_find(&network->metadata, name, &index));
    *value = network->metadata.entries[index].value;
    return MF_STATUS_OK;
}

mf_status mf_network_metadata_count(const mf_network *network, size_t *count)
{
    MFI_TRY(mfi_handle_check(network, MFI_KIND_NETWORK));
    MFI_TRY(mfi_check_pointer(count, "the out-pointer of the count"));
    *count = network->metadata.count;
    return MF_STATUS_OK;
}

mf_status mf_network_metadata_at(const mf_network *network, size_t index, const char **name,
                                 const char **value)
{
    MFI_TRY(mfi_handle_check(network, MFI_KIND_NETWORK));
    if (index >= network->metadata.count)
        return mfi_fail(MF_STATUS_NOT_FOUND, "entry %zu of metadata that has %zu", index,
                        network->metadata.count);
    if (name)
        *name = network->metadata.entries[index].name;
    if (value)
        *value = network->metadata.entries[index].value;
    return MF_STATUS_OK;
}

mf_status mf_network_metadata_remove(mf_network *network, const char *name)
{
    MFI_TRY(mfi_handle_check(network, MFI_KIND_NETWORK));
    MFI_TRY(mfi_check_pointer(name, "the name"));
    return mfi_metadata_remove(&network->metadata, &network->handle.allocator, name);
}
