/* Owns: a network as the bytes of a model file: a safetensors file whose metadata holds the architecture. */
#ifndef MFI_IO_MODEL_FILE_H
#define MFI_IO_MODEL_FILE_H

#include "io/sink.h"
#include "model/network.h"

/* Versions of the format. This library reads all of them, and writes the oldest that can describe the
 * network. A file that an older library would misunderstand, or could not use, has a higher version. */
enum {
    MFI_FORMAT_FLAT = 1,   /* only layers that have a spec */
    MFI_FORMAT_UNITS = 2,  /* also layers of units */
    MFI_FORMAT_KINDS = 3,  /* also sequences, SiLU, and units behind MF_UNIT_ADD in the list of their kinds */
    MFI_FORMAT_SCALED = 4, /* also scaled inputs */
    MFI_FORMAT_SHARED = 5, /* also matrices that heads share */
    MFI_FORMAT_VERSION = 6 /* also heads that do not read the last unit, and auxiliary heads behind them */
};

/* The tensor [2, count] of the numbers that scale inputs, shifts first; behind those of the layers. */
#define MFI_TENSOR_SCALING "input.scaling"

/* Limits: of the format for the header, and of this library for layers and for units in all of them together,
 * so that a file cannot demand unlimited work. */
enum { MFI_MOST_HEADER_BYTES = 100000000, MFI_MOST_LAYERS = 16384, MFI_MOST_UNITS = 65536 };

/* Keys of the metadata. */
#define MFI_KEY_FORMAT "format"
#define MFI_KEY_VERSION "format_version"
#define MFI_KEY_LIBRARY "library_version"
#define MFI_KEY_NETWORK "network"
#define MFI_KEY_TRAINING "training"
#define MFI_FORMAT_NAME "monoforward"

/* The size of the whole file. OVERFLOW if it is too large. */
mf_status mfi_model_size(const mf_network *network, bool training, uint64_t *bytes);

/* NUMERIC if a value is not finite and so cannot be in a file. */
mf_status mfi_model_check(const mf_network *network, bool training);

/* Writes the whole file and ends the sink. The network has been checked. */
mf_status mfi_model_write(const mf_network *network, bool training, mfi_sink *sink);

/* Where the bytes of a file come from. */
typedef struct mfi_model_source {
    /* Reads exactly `count` bytes from `offset`; the caller has checked that the file has them. */
    mf_status (*read)(const struct mfi_model_source *source, uint64_t offset, void *bytes, size_t count);
    uint64_t bytes;
    const unsigned char *memory; /* of a buffer */
    int file;                    /* of a file: its descriptor */
    const char *path;
} mfi_model_source;

mfi_model_source mfi_source_of_memory(const void *buffer, size_t bytes);

/* Loads a model as `spec` says, which has been checked. */
mf_status mfi_model_load(const mf_load_spec *spec, const mfi_model_source *source, mf_network **network);

/* Writes the complete file, or changes nothing. */
mf_status mfi_disk_save(const mf_network *network, bool training, const char *path);

/* Opens a regular file and calls `use` with it. IO, FORMAT (empty), or what `use` returns. */
mf_status mfi_disk_use(const char *path, mf_status (*use)(const mfi_model_source *source, void *user),
                       void *user);

mf_status mfi_disk_load(const mf_load_spec *spec, const char *path, mf_network **network);

#endif
