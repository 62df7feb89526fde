/* SPDX-License-Identifier: MIT */
#undef _FILE_OFFSET_BITS /* the calls bear their own names here; machines of 64 bits alone have this file */
#define _GNU_SOURCE /* O_TMPFILE, open64 */
#include "system_faults.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

system_faults faults;

/* Counts the call, and says whether it is one that fails. */
static int is_hit(int kind)
{
    if (faults.nth == 0 || (faults.kind != CALL_ANY && faults.kind != kind))
        return 0;
    faults.seen++;
    if (faults.seen != faults.nth && !(faults.lasting && faults.seen > faults.nth))
        return 0;
    faults.fired++;
    return 1;
}

static int fails(int kind)
{
    if (!is_hit(kind))
        return 0;
    errno = faults.error;
    return 1;
}

/* Of a read or write of `count` bytes: how many it may do, or -1. */
static ssize_t allowed(int kind, size_t count)
{
    if (!is_hit(kind))
        return (ssize_t)count;
    if (faults.error == FAULT_SHORT)
        return (ssize_t)(count + 1) / 2;
    if (faults.error == FAULT_NOTHING)
        return 0;
    errno = faults.error;
    return -1;
}

static int interrupt(void)
{
    static int turn;

    if (!faults.interrupted || (turn = !turn) == 0)
        return 0;
    errno = EINTR;
    return 1;
}

/* The thread is cancelled while it reads or writes, which the C library's calls look at. */
static void cancel(void)
{
    if (!faults.cancelled)
        return;
    pthread_cancel(pthread_self());
    pthread_testcancel();
}

/* ---- opening and closing ---- */

static int open_at(int at, const char *name, int flags, mode_t mode)
{
    struct stat info;
    int file;

    if (interrupt() || fails(CALL_OPEN))
        return -1;
    if ((flags & O_CREAT) && (flags & O_EXCL)) {
        const char *slash = strrchr(name, '/');

        snprintf(faults.name[faults.names % FAULT_NAMES], sizeof faults.name[0], "%s",
                 slash ? slash + 1 : name);
        faults.names++;
        if (faults.taken > 0) {
            faults.taken--;
            errno = EEXIST;
            return -1;
        }
    }
    file = (int)syscall(SYS_openat, at, name, flags, mode);
    if (file >= 0 && (flags & O_CREAT) && (flags & O_EXCL) &&
        syscall(SYS_newfstatat, file, "", &info, AT_EMPTY_PATH) == 0)
        faults.created |= info.st_mode & 07777;
    return file;
}

#define STAND_IN_OPEN(function)                                        \
    int function(const char *name, int flags, ...)                     \
    {                                                                  \
        va_list arguments;                                             \
        va_start(arguments, flags);                                    \
        mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0; \
        va_end(arguments);                                             \
        return open_at(AT_FDCWD, name, flags, mode);                   \
    }
#define STAND_IN_OPENAT(function)                                      \
    int function(int at, const char *name, int flags, ...)             \
    {                                                                  \
        va_list arguments;                                             \
        va_start(arguments, flags);                                    \
        mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0; \
        va_end(arguments);                                             \
        return open_at(at, name, flags, mode);                         \
    }

STAND_IN_OPEN(open)
STAND_IN_OPENAT(openat)
#ifdef __GLIBC__
STAND_IN_OPEN(open64)
STAND_IN_OPENAT(openat64)
#endif

/* A descriptor is gone even if closing it fails. */
int close(int file)
{
    int result = (int)syscall(SYS_close, file);

    return fails(CALL_CLOSE) ? -1 : result;
}

/* ---- bytes ---- */

ssize_t write(int file, const void *bytes, size_t count)
{
    struct stat info;
    ssize_t most;

    cancel();
    if (interrupt())
        return -1;
    most = allowed(CALL_WRITE, count);
    if (most <= 0)
        return most;
    if (syscall(SYS_newfstatat, file, "", &info, AT_EMPTY_PATH) == 0 && S_ISREG(info.st_mode)) {
        if (faults.writes++ == 0)
            faults.written = info;
        faults.widest |= info.st_mode & 07777;
    }
    return syscall(SYS_write, file, bytes, most);
}

static ssize_t read_at(int file, void *bytes, size_t count, off_t offset)
{
    ssize_t most;

    cancel();
    most = allowed(CALL_READ, count);
    return most <= 0 ? most : syscall(SYS_pread64, file, bytes, most, offset);
}

ssize_t pread(int file, void *bytes, size_t count, off_t offset)
{
    return read_at(file, bytes, count, offset);
}

#ifdef __GLIBC__
ssize_t pread64(int file, void *bytes, size_t count, off64_t offset)
{
    return read_at(file, bytes, count, offset);
}
#endif

int fsync(int file)
{
    struct stat info;

    if (interrupt() || fails(CALL_SYNC))
        return -1;
    if (syscall(SYS_newfstatat, file, "", &info, AT_EMPTY_PATH) == 0 && S_ISDIR(info.st_mode)) {
        faults.folder_syncs++;
        if (faults.folder_error) {
            errno = faults.folder_error;
            return -1;
        }
    } else {
        faults.syncs++;
    }
    /* Thousands of saves need not wait for the disk. */
    return faults.nth > 0 ? 0 : (int)syscall(SYS_fsync, file);
}

/* ---- names ---- */

int renameat(int from, const char *name, int to, const char *now)
{
    return fails(CALL_RENAME) ? -1 : (int)syscall(SYS_renameat2, from, name, to, now, 0);
}

int unlinkat(int at, const char *name, int flags)
{
    return fails(CALL_UNLINK) ? -1 : (int)syscall(SYS_unlinkat, at, name, flags);
}

ssize_t readlink(const char *name, char *target, size_t size)
{
    if (fails(CALL_LINK))
        return -1;
    if (faults.link == NULL)
        return syscall(SYS_readlinkat, AT_FDCWD, name, target, size);
    size_t length = strlen(faults.link);
    memcpy(target, faults.link, length < size ? length : size);
    return (ssize_t)(length < size ? length : size);
}

/* ---- what a file is, and whose ---- */

static int stat_at(int at, const char *name, struct stat *info, int flags)
{
    return fails(flags & AT_EMPTY_PATH ? CALL_FSTAT : CALL_STAT)
               ? -1
               : (int)syscall(SYS_newfstatat, at, name, info, flags);
}

int stat(const char *name, struct stat *info)
{
    return stat_at(AT_FDCWD, name, info, 0);
}

int fstat(int file, struct stat *info)
{
    return stat_at(file, "", info, AT_EMPTY_PATH);
}

int fstatat(int at, const char *name, struct stat *info, int flags)
{
    return stat_at(at, name, info, flags);
}

#ifdef __GLIBC__ /* the same structure, where a machine has 64 bits */
int stat64(const char *name, struct stat64 *info)
{
    return stat_at(AT_FDCWD, name, (struct stat *)info, 0);
}

int fstat64(int file, struct stat64 *info)
{
    return stat_at(file, "", (struct stat *)info, AT_EMPTY_PATH);
}

int fstatat64(int at, const char *name, struct stat64 *info, int flags)
{
    return stat_at(at, name, (struct stat *)info, flags);
}
#endif

int fchmod(int file, mode_t mode)
{
    return fails(CALL_ACCESS) ? -1 : (int)syscall(SYS_fchmod, file, mode);
}

int fchown(int file, uid_t owner, gid_t group)
{
    return fails(CALL_ACCESS) ? -1 : (int)syscall(SYS_fchown, file, owner, group);
}

ssize_t lgetxattr(const char *path, const char *name, void *value, size_t size)
{
    return fails(CALL_ACCESS) ? -1 : syscall(SYS_lgetxattr, path, name, value, size);
}

int fsetxattr(int file, const char *name, const void *value, size_t bytes, int flags)
{
    if (fails(CALL_ACCESS))
        return -1;
    if (faults.no_lists) {
        errno = ENOTSUP;
        return -1;
    }
    return (int)syscall(SYS_fsetxattr, file, name, value, bytes, flags);
}

int fremovexattr(int file, const char *name)
{
    return fails(CALL_ACCESS) ? -1 : (int)syscall(SYS_fremovexattr, file, name);
}

pid_t getpid(void)
{
    return faults.pid ? faults.pid : (pid_t)syscall(SYS_getpid);
}

int open_files(void)
{
    DIR *list = opendir("/proc/self/fd");
    int count = 0;

    if (list == NULL)
        return 0;
    while (readdir(list) != NULL)
        count++;
    closedir(list);
    return count;
}
