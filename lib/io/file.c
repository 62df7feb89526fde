/* Owns: files that are written beside the old one and put in its place when they are complete and on the
 * disk.
 */
#define _POSIX_C_SOURCE 200809L
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/status.h"

#ifndef PATH_MAX
#define PATH_MAX 4096
#endif
#ifndef O_CLOEXEC
#define O_CLOEXEC 0
#endif

typedef struct target {
    const char *path;
    char temporary[PATH_MAX];
    mode_t mode; /* of the file that is there; 0 if there is none */
    int file;
} target;

mf_status mfi_file_refused(const char *what, const char *path, int error)
{
    char reason[96] = "unknown error";
    if (strerror_r(error, reason, sizeof reason) != 0)
        snprintf(reason, sizeof reason, "error %d", error);
    return mfi_fail(MF_STATUS_IO, "%s %.130s: %s", what, path, reason);
}

/* A rename would put a file in the place of a device or a pipe. */
static mf_status look_at(target *t)
{
    struct stat info;
    if (lstat(t->path, &info) != 0)
        return errno == ENOENT ? MF_STATUS_OK : mfi_file_refused("cannot save to", t->path, errno);
    if (S_ISDIR(info.st_mode))
        return mfi_file_refused("cannot save to", t->path, EISDIR);
    if (!S_ISREG(info.st_mode) && !S_ISLNK(info.st_mode))
        return mfi_fail(MF_STATUS_IO, "cannot save to %.150s: it is not a regular file", t->path);
    if (S_ISREG(info.st_mode))
        t->mode = info.st_mode & 0777;
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
            return mfi_file_refused("cannot save to", t->path, ENAMETOOLONG);
        t->file = open(t->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (t->file >= 0)
            return MF_STATUS_OK;
        if (errno != EEXIST)
            break;
    }
    return mfi_file_refused("cannot create", t->temporary, errno);
}

static mf_status take_to_file(mfi_sink *sink, const unsigned char *bytes, size_t count)
{
    const target *t = sink->user;
    while (count > 0) {
        ssize_t written = write(t->file, bytes, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return mfi_file_refused("cannot write", t->path, written < 0 ? errno : ENOSPC);
        bytes += written;
        count -= (size_t)written;
    }
    return MF_STATUS_OK;
}

static mf_status write_temporary(target *t, mf_status (*put)(mfi_sink *, const void *), const void *what)
{
    mfi_sink sink;
    mfi_sink_begin(&sink, take_to_file, t);
    mf_status status = put(&sink, what);
    if (status == MF_STATUS_OK && t->mode && fchmod(t->file, t->mode) != 0)
        status = mfi_file_refused("cannot set the permissions of", t->temporary, errno);
    if (status == MF_STATUS_OK && fsync(t->file) != 0)
        status = mfi_file_refused("cannot write", t->path, errno);
    /* Some file systems report only here that they had no room. */
    if (close(t->file) != 0 && status == MF_STATUS_OK && errno != EINTR)
        status = mfi_file_refused("cannot write", t->path, errno);
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
    return error == EIO ? mfi_file_refused("saved, but a crash may undo it:", path, error) : MF_STATUS_OK;
}

mf_status mfi_file_write(const char *path, mf_status (*write)(mfi_sink *sink, const void *what),
                         const void *what)
{
    target t = {.path = path};
    MFI_TRY(look_at(&t));
    MFI_TRY(open_temporary(&t));
    mf_status status = write_temporary(&t, write, what);
    if (status == MF_STATUS_OK && rename(t.temporary, path) != 0)
        status = mfi_file_refused("cannot save to", path, errno);
    if (status != MF_STATUS_OK) {
        unlink(t.temporary);
        return status;
    }
    return sync_folder(path);
}
