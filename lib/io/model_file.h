/* Owns: a network as the bytes of a model file: a safetensors file whose metadata holds the architecture. */
#ifndef MFI_IO_MODEL_FILE_H
#define MFI_IO_MODEL_FILE_H

#include "io/sink.h"
#include "model/network.h"

/* The newest format this version reads, and the one it writes. A file whose content an older version would
 * misunderstand, or could not use, has a higher number. */
enum {
    MFI_FORMAT_FLAT = 1,   /* layers that have a spec */
    MFI_FORMAT_VERSION = 2 /* also layers of units */
};

/* What the format allows, and what a network may have, so that no loader has to fear its number of layers,
 * or of units in all of them. */
enum { MFI_MOST_HEADER_BYTES = 100000000, MFI_MOST_LAYERS = 16384, MFI_MOST_UNITS = 65536 };

/* Keys of the metadata. */
#define MFI_KEY_FORMAT "format"
#define MFI_KEY_VERSION "format_version"
#define MFI_KEY_LIBRARY "library_version"
#define MFI_KEY_NETWORK "network"
#define MFI_KEY_TRAINING "training"
#define MFI_FORMAT_NAME "monoforward"

/* Bytes of the whole file. OVERFLOW if it has too many. */
mf_status mfi_model_size(const mf_network *network, bool training, uint64_t *bytes);

/* Whether all values can be in a file: NUMERIC if not. */
mf_status mfi_model_check(const mf_network *network, bool training);

/* Puts all of it; the network has been checked. Ends the sink. */
mf_status mfi_model_write(const mf_network *network, bool training, mfi_sink *sink);

/* Where the bytes of a file come from. */
typedef struct mfi_source {
    /* Exactly `count` bytes from `offset`, which are there. */
    mf_status (*read)(const struct mfi_source *source, uint64_t offset, void *bytes, size_t count);
    uint64_t bytes;
    const unsigned char *memory; /* of a buffer */
    int file;                    /* of a file: its descriptor */
    const char *path;
} mfi_source;

mfi_source mfi_source_of_memory(const void *buffer, size_t bytes);

/* Loads as `spec` says, which has been checked. */
mf_status mfi_model_load(const mf_load_spec *spec, const mfi_source *source, mf_network **network);

/* Writes the file in one piece or leaves everything as it is. */
mf_status mfi_disk_save(const mf_network *network, bool training, const char *path);

mf_status mfi_disk_load(const mf_load_spec *spec, const char *path, mf_network **network);

#endif
