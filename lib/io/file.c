/* Owns: replacing a file. The new file is written in the same folder under a temporary name, and renamed when
 * it is complete and on the disk. */
#define _POSIX_C_SOURCE 200809L
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/xattr.h>
#endif

#include "base/cancel.h"
#include "base/status.h"
#include "base/utf8.h"
#include "io/target.h"

#ifndef O_CLOEXEC
#define O_CLOEXEC 0
#endif

enum { NAME_ROOM = 40 };

typedef struct draft {
    mfi_file_target target;
    char name[NAME_ROOM]; /* of the temporary file, in the target's folder */
    int file;
} draft;

/* The two that strerror_r() may be: the C library's own with _GNU_SOURCE, which returns the text, and that of POSIX,
 * which returns 0 and writes it; NULL: it does not know the error. A host that compiles this file chooses. */
static const char *text_told(const char *text, const char *written)
{
    (void)written;
    return text;
}

static const char *text_written(int failed, const char *written)
{
    return failed ? NULL : written;
}

/* clang-format off */
#define TEXT_OF(result, room) _Generic((result), int: text_written, default: text_told)((result), (room))
/* clang-format on */

mf_status mfi_file_refused(const char *what, const char *path, int error)
{
    char room[96] = "";
    const char *reason = TEXT_OF(strerror_r(error, room, sizeof room), room);
    if (!reason) {
        snprintf(room, sizeof room, "error %d", error);
        reason = room;
    }
    return mfi_fail(MF_STATUS_IO, "%s %s: %s", what, mfi_path_shown(path, MFI_EXCERPT).text, reason);
}

int mfi_file_open(int folder, const char *name, int flags, unsigned mode)
{
    int file;
    do
        file = openat(folder, name, flags, (mode_t)mode);
    while (file < 0 && errno == EINTR);
    return file;
}

/* Returns 0, or the value of errno. */
static int sync_file(int file)
{
    int result;
    do
        result = fsync(file);
    while (result != 0 && errno == EINTR);
    return result != 0 ? errno : 0;
}

/* ---- the temporary file ---- */

static uint64_t mix_bits(uint64_t bits, uint64_t more)
{
    bits = (bits ^ more) * UINT64_C(0x9E3779B97F4A7C15);
    return bits ^ bits >> 29;
}

/* The name is made of the time as well as of the process id: processes in different containers may have the
 * same id, and a process that was killed has left its file. The target's name is not part of it, since it may
 * have the greatest length that is allowed. */
static void choose_name(draft *d)
{
    static atomic_uint counter;
    struct timespec now = {0}, up = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    clock_gettime(CLOCK_MONOTONIC, &up);
    uint64_t bits =
        mix_bits((uint64_t)getpid(), atomic_fetch_add_explicit(&counter, 1, memory_order_relaxed));
    bits = mix_bits(mix_bits(bits, (uint64_t)now.tv_sec), (uint64_t)now.tv_nsec);
    bits = mix_bits(mix_bits(bits, (uint64_t)up.tv_nsec), (uint64_t)(uintptr_t)d);
    snprintf(d->name, sizeof d->name, "monoforward-%016llx.tmp", (unsigned long long)bits);
}

/* In the target's folder, since a file can only be renamed within a file system. Only the owner may open it
 * until it has the permissions of the old file. */
static mf_status open_draft(draft *d)
{
    enum { ATTEMPTS = 100 };
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        choose_name(d);
        d->file = mfi_file_open(d->target.folder, d->name, flags, d->target.there ? 0600 : 0666);
        if (d->file >= 0)
            return MF_STATUS_OK;
        if (errno != EEXIST)
            break;
    }
    return mfi_file_refused("cannot create a file beside", d->target.asked, errno);
}

/* False if this process may not give the file to the group of the old file. */
static bool keep_owner(const draft *d)
{
    const struct stat *old = &d->target.old;
    struct stat now;
    bool known = fstat(d->file, &now) == 0, same_group = known && now.st_gid == old->st_gid;
    if (same_group && now.st_uid == old->st_uid)
        return true;
    return fchown(d->file, old->st_uid, old->st_gid) == 0 || same_group ||
           fchown(d->file, (uid_t)-1, old->st_gid) == 0;
}

/* Gives the file the access control list that the old file has, or none: one that the folder gives to new files would
 * let in others. False if that fails. If there is a list, the group bits of the mode are not the permissions of the
 * group: they limit those of everyone in the list. */
static bool keep_list(const draft *d)
{
#ifdef __linux__
    static const char name[] = "system.posix_acl_access";
    unsigned char list[2048];
    ssize_t bytes = lgetxattr(d->target.path, name, list, sizeof list);
    if (bytes > 0)
        return fsetxattr(d->file, name, list, (size_t)bytes, 0) == 0;
    if (bytes < 0 && errno == ENOTSUP)
        return true;
    return (bytes == 0 || errno == ENODATA) &&
           (fremovexattr(d->file, name) == 0 || errno == ENODATA || errno == ENOTSUP);
#else
    (void)d;
    return true;
#endif
}

/* Copies owner, group and permissions of the old file, as far as the system allows. If the file cannot be
 * given to the old group, its own group gets no more permissions than everybody has: they were meant for the
 * old group. */
static mf_status copy_access(const draft *d)
{
    mode_t mode = d->target.old.st_mode & 0777;
    struct stat now;
    bool kept = keep_owner(d);
    kept = keep_list(d) && kept;
    if (!kept)
        mode &= 0707 | (mode & 07) << 3;
    /* Some file systems have the same permissions for all files, which cannot be changed. */
    bool same_mode = fstat(d->file, &now) == 0 && (now.st_mode & 0777) == mode;
    if (!same_mode && fchmod(d->file, mode) != 0)
        return mfi_file_refused("cannot keep the permissions of", d->target.asked, errno);
    return MF_STATUS_OK;
}

static mf_status take_to_file(mfi_sink *sink, const unsigned char *bytes, size_t count)
{
    const draft *d = sink->user;
    while (count > 0) {
        ssize_t written = write(d->file, bytes, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return mfi_file_refused("cannot write", d->target.asked, written < 0 ? errno : ENOSPC);
        bytes += written;
        count -= (size_t)written;
    }
    return MF_STATUS_OK;
}

static mf_status fill_draft(draft *d, mf_status (*put)(mfi_sink *, const void *), const void *what)
{
    mfi_sink sink;
    mfi_sink_begin(&sink, take_to_file, d);
    mf_status status = d->target.there ? copy_access(d) : MF_STATUS_OK;
    if (status == MF_STATUS_OK)
        status = put(&sink, what);
    int error = status == MF_STATUS_OK ? sync_file(d->file) : 0;
    /* Some file systems report only at this point that the disk is full. */
    if (close(d->file) != 0 && error == 0 && errno != EINTR)
        error = errno;
    return status == MF_STATUS_OK && error ? mfi_file_refused("cannot write", d->target.asked, error)
                                           : status;
}

/* ---- the rename ---- */

/* Syncs the folder, so that the new name survives a power failure. Some file systems cannot sync a folder,
 * and need not. */
static mf_status sync_folder(const mfi_file_target *t)
{
    int error = t->lists ? sync_file(t->folder) : 0;
    if (error == 0 || error == EINVAL || error == ENOTSUP || error == EROFS || error == EBADF)
        return MF_STATUS_OK;
    return mfi_file_refused("saved, but a crash may undo it:", t->asked, error);
}

static mf_status write_beside(draft *d, mf_status (*put)(mfi_sink *, const void *), const void *what)
{
    const mfi_file_target *t = &d->target;
    MFI_TRY(open_draft(d));
    mf_status status = fill_draft(d, put, what);
    if (status == MF_STATUS_OK && renameat(t->folder, d->name, t->folder, t->name) != 0)
        status = mfi_file_refused("cannot save to", t->asked, errno);
    if (status != MF_STATUS_OK) {
        unlinkat(t->folder, d->name, 0);
        return status;
    }
    return sync_folder(t);
}

mf_status mfi_file_write(const char *path, mf_status (*write)(mfi_sink *sink, const void *what),
                         const void *what)
{
    draft d;
    int cancel = mfi_cancel_hold();
    mf_status status = mfi_target_open(path, &d.target);
    if (status == MF_STATUS_OK) {
        status = write_beside(&d, write, what);
        mfi_target_close(&d.target);
    }
    mfi_cancel_restore(cancel);
    return status;
}
