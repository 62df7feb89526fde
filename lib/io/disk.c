/* Owns: saving models to files and loading them. Only regular files are read. */
#define _POSIX_C_SOURCE 200809L
#ifdef MF_NO_FILES

#include "base/status.h"
#include "base/utf8.h"
#include "io/file.h"
#include "io/model_file.h"

static mf_status no_files(const char *path)
{
    return mfi_fail(MF_STATUS_UNSUPPORTED, "%s: this library was built without files",
                    mfi_path_shown(path, MFI_EXCERPT).text);
}

mf_status mfi_file_write(const char *path, mf_status (*write)(mfi_sink *sink, const void *what),
                         const void *what)
{
    (void)write, (void)what;
    return no_files(path);
}

mf_status mfi_disk_save(const mf_network *network, bool training, const char *path)
{
    (void)network, (void)training;
    return no_files(path);
}

mf_status mfi_disk_use(const char *path, mf_status (*use)(const mfi_model_source *source, void *user),
                       void *user)
{
    (void)use, (void)user;
    return no_files(path);
}

mf_status mfi_disk_load(const mf_load_spec *spec, const char *path, mf_network **network)
{
    (void)spec, (void)network;
    return no_files(path);
}

#else

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/status.h"
#include "base/utf8.h"
#include "io/file.h"
#include "io/model_file.h"

#ifndef O_CLOEXEC
#define O_CLOEXEC 0
#endif

/* ---- writing ---- */

typedef struct model {
    const mf_network *network;
    bool training;
} model;

static mf_status write_model(mfi_sink *sink, const void *what)
{
    const model *m = what;
    return mfi_model_write(m->network, m->training, sink);
}

mf_status mfi_disk_save(const mf_network *network, bool training, const char *path)
{
    const model what = {network, training};
    MFI_TRY(mfi_model_check(network, training));
    return mfi_file_write(path, write_model, &what);
}

/* ---- reading ---- */

/* Models may be larger than 2 GiB. The build sets _FILE_OFFSET_BITS where offsets have 32 bits by default. */
_Static_assert(sizeof(off_t) >= 8, "files end at 2 GiB: define _FILE_OFFSET_BITS as 64");

static mf_status read_file(const mfi_model_source *source, uint64_t offset, void *bytes, size_t count)
{
    char *to = bytes;
    while (count > 0) {
        ssize_t got = pread(source->file, to, count, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return mfi_file_refused("cannot read", source->path, errno);
        if (got == 0)
            return mfi_fail(MF_STATUS_FORMAT, "the file has become shorter while it was read");
        to += got;
        offset += (uint64_t)got;
        count -= (size_t)got;
    }
    return MF_STATUS_OK;
}

static mf_status check_file(mfi_model_source *source)
{
    struct stat info;
    if (fstat(source->file, &info) != 0)
        return mfi_file_refused("cannot read", source->path, errno);
    if (S_ISDIR(info.st_mode))
        return mfi_file_refused("cannot read", source->path, EISDIR);
    if (!S_ISREG(info.st_mode))
        return mfi_fail(MF_STATUS_IO, "cannot read %s: it is not a regular file",
                        mfi_path_shown(source->path, MFI_EXCERPT).text);
    if (info.st_size == 0)
        return mfi_fail(MF_STATUS_FORMAT, "%s is empty", mfi_path_shown(source->path, MFI_EXCERPT).text);
    source->bytes = (uint64_t)info.st_size;
    return MF_STATUS_OK;
}

static mf_status use_file(const char *path, mf_status (*use)(const mfi_model_source *source, void *user),
                          void *user)
{
    /* Without O_NONBLOCK, opening a pipe would wait until another process opens it for writing. */
    mfi_model_source source = {
        .read = read_file,
        .path = path,
        .file = mfi_file_open(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0),
    };
    if (source.file < 0)
        return mfi_file_refused("cannot open", path, errno);
    mf_status status = check_file(&source);
    if (status == MF_STATUS_OK) {
        status = use(&source, user);
        if (status == MF_STATUS_FORMAT || status == MF_STATUS_VERSION || status == MF_STATUS_UNSUPPORTED)
            status = mfi_fail_in(status, path); /* what is wrong is in the file */
    }
    close(source.file);
    return status;
}

mf_status mfi_disk_use(const char *path, mf_status (*use)(const mfi_model_source *source, void *user),
                       void *user)
{
    int cancel = mfi_cancel_hold();
    mf_status status = use_file(path, use, user);
    mfi_cancel_restore(cancel);
    return status;
}

typedef struct load_request {
    const mf_load_spec *spec;
    mf_network **network;
} load_request;

static mf_status load_source(const mfi_model_source *source, void *user)
{
    const load_request *request = user;
    return mfi_model_load(request->spec, source, request->network);
}

mf_status mfi_disk_load(const mf_load_spec *spec, const char *path, mf_network **network)
{
    load_request request = {spec, network};
    return mfi_disk_use(path, load_source, &request);
}

#endif
