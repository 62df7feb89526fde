/* Owns: model files on the disk: written beside the old one and put in its place, read from regular files
 * only. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/status.h"
#include "io/model_file.h"

#ifndef PATH_MAX
#define PATH_MAX 4096
#endif
#ifndef O_CLOEXEC
#define O_CLOEXEC 0
#endif

static mf_status refused(const char *what, const char *path, int error)
{
    char reason[96] = "unknown error";
    if (strerror_r(error, reason, sizeof reason) != 0)
        snprintf(reason, sizeof reason, "error %d", error);
    return mfi_fail(MF_STATUS_IO, "%s %.130s: %s", what, path, reason);
}

/* ---- writing ---- */

typedef struct target {
    const char *path;
    char temporary[PATH_MAX];
    int file;
} target;

static mf_status take_to_file(mfi_sink *sink, const unsigned char *bytes, size_t count)
{
    const target *t = sink->user;
    while (count > 0) {
        ssize_t written = write(t->file, bytes, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return refused("cannot write", t->path, written < 0 ? errno : ENOSPC);
        bytes += written;
        count -= (size_t)written;
    }
    return MF_STATUS_OK;
}

/* A rename would put a file in the place of a device or a pipe. */
static mf_status check_target(const char *path, mode_t *mode)
{
    struct stat info;
    *mode = 0;
    if (lstat(path, &info) != 0)
        return errno == ENOENT ? MF_STATUS_OK : refused("cannot save to", path, errno);
    if (S_ISDIR(info.st_mode))
        return refused("cannot save to", path, EISDIR);
    if (!S_ISREG(info.st_mode) && !S_ISLNK(info.st_mode))
        return mfi_fail(MF_STATUS_IO, "cannot save to %.150s: it is not a regular file", path);
    if (S_ISREG(info.st_mode))
        *mode = info.st_mode & 0777;
    return MF_STATUS_OK;
}

/* Beside the target, since a rename works within a file system only; a new name, whoever else is saving
 * there. */
static mf_status open_temporary(target *t)
{
    static atomic_uint counter;
    for (int attempt = 0; attempt < 100; attempt++) {
        unsigned number = atomic_fetch_add_explicit(&counter, 1, memory_order_relaxed);
        int length =
            snprintf(t->temporary, sizeof t->temporary, "%s.%ld-%u.tmp", t->path, (long)getpid(), number);
        if (length < 0 || (size_t)length >= sizeof t->temporary)
            return refused("cannot save to", t->path, ENAMETOOLONG);
        t->file = open(t->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (t->file >= 0)
            return MF_STATUS_OK;
        if (errno != EEXIST)
            break;
    }
    return refused("cannot create", t->temporary, errno);
}

static mf_status write_temporary(target *t, const mf_network *network, bool training, mode_t mode)
{
    mfi_sink sink;
    mfi_sink_begin(&sink, take_to_file, t);
    mf_status status = mfi_model_write(network, training, &sink);
    if (status == MF_STATUS_OK && mode && fchmod(t->file, mode) != 0)
        status = refused("cannot set the permissions of", t->temporary, errno);
    if (status == MF_STATUS_OK && fsync(t->file) != 0)
        status = refused("cannot write", t->path, errno);
    /* Some file systems report only here that they had no room. */
    if (close(t->file) != 0 && status == MF_STATUS_OK && errno != EINTR)
        status = refused("cannot write", t->path, errno);
    return status;
}

/* Makes the new name last. Some file systems cannot sync a folder, and do not need it. */
static mf_status sync_folder(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t length = slash == path ? 1 : slash ? (size_t)(slash - path) : 0;
    memcpy(folder, slash ? path : ".", length);
    if (!slash)
        folder[length++] = '.';
    folder[length] = '\0';
    int file = open(folder, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return MF_STATUS_OK; /* a folder that may be written but not read */
    int error = fsync(file) != 0 ? errno : 0;
    close(file);
    return error == EIO ? refused("saved, but a crash may undo it:", path, error) : MF_STATUS_OK;
}

mf_status mfi_disk_save(const mf_network *network, bool training, const char *path)
{
    target t = {.path = path};
    mode_t mode;
    MFI_TRY(mfi_model_check(network, training));
    MFI_TRY(check_target(path, &mode));
    MFI_TRY(open_temporary(&t));
    mf_status status = write_temporary(&t, network, training, mode);
    if (status == MF_STATUS_OK && rename(t.temporary, path) != 0)
        status = refused("cannot save to", path, errno);
    if (status != MF_STATUS_OK) {
        unlink(t.temporary);
        return status;
    }
    return sync_folder(path);
}

/* ---- reading ---- */

static mf_status read_file(const mfi_source *source, uint64_t offset, void *bytes, size_t count)
{
    char *to = bytes;
    while (count > 0) {
        ssize_t got = pread(source->file, to, count, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return refused("cannot read", source->path, errno);
        if (got == 0)
            return mfi_fail(MF_STATUS_FORMAT, "%.150s has become shorter while it was read", source->path);
        to += got;
        offset += (uint64_t)got;
        count -= (size_t)got;
    }
    return MF_STATUS_OK;
}

static mf_status check_file(mfi_source *source)
{
    struct stat info;
    if (fstat(source->file, &info) != 0)
        return refused("cannot read", source->path, errno);
    if (S_ISDIR(info.st_mode))
        return refused("cannot read", source->path, EISDIR);
    if (!S_ISREG(info.st_mode))
        return mfi_fail(MF_STATUS_IO, "cannot read %.150s: it is not a regular file", source->path);
    if (info.st_size == 0)
        return mfi_fail(MF_STATUS_FORMAT, "%.150s is empty", source->path);
    source->bytes = (uint64_t)info.st_size;
    return MF_STATUS_OK;
}

mf_status mfi_disk_load(const mf_load_spec *spec, const char *path, mf_network **network)
{
    /* Without O_NONBLOCK, a pipe would wait for someone to write to it. */
    mfi_source source = {
        .read = read_file,
        .path = path,
        .file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK),
    };
    if (source.file < 0)
        return refused("cannot open", path, errno);
    mf_status status = check_file(&source);
    if (status == MF_STATUS_OK)
        status = mfi_model_load(spec, &source, network);
    close(source.file);
    return status;
}
