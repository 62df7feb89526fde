/* Owns: finding the file that a save must replace. A rename replaces whatever has the name, even a link, a
 * device or a pipe. So the path is resolved first, and the file that it leads to is checked. */
#define _GNU_SOURCE /* O_PATH */
#include "io/target.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/status.h"
#include "base/utf8.h"
#include "io/file.h"

#ifndef O_CLOEXEC
#define O_CLOEXEC 0
#endif

/* Opens a folder to reach the files in it; works even if the folder may not be read. */
#if defined(O_PATH)
enum { SEARCH_ONLY = O_PATH };
#elif defined(O_SEARCH)
enum { SEARCH_ONLY = O_SEARCH };
#else
enum { SEARCH_ONLY = O_RDONLY };
#endif

static mf_status refused(const mfi_file_target *t, int error)
{
    return mfi_file_refused("cannot save to", t->asked, error);
}

static mf_status not_regular(const mfi_file_target *t, const struct stat *info)
{
    if (S_ISDIR(info->st_mode))
        return refused(t, EISDIR);
    return mfi_fail(MF_STATUS_IO, "cannot save to %s: it is not a regular file",
                    mfi_path_shown(t->asked, MFI_EXCERPT).text);
}

static char *last_part(char *path)
{
    char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* While the last part of the path is a link, replaces it by the link's target. The system follows links in
 * the earlier parts. */
static mf_status follow(mfi_file_target *t, int *links)
{
    enum { MOST_LINKS = 40 };
    char link[PATH_MAX];
    for (*links = 0; *links < MOST_LINKS; ++*links) {
        ssize_t length = readlink(t->path, link, sizeof link);
        if (length < 0)
            return errno == EINVAL || errno == ENOENT ? MF_STATUS_OK : refused(t, errno);
        size_t kept = length > 0 && link[0] == '/' ? 0 : (size_t)(last_part(t->path) - t->path);
        if (kept + (size_t)length >= sizeof t->path)
            return refused(t, ENAMETOOLONG);
        memcpy(t->path + kept, link, (size_t)length);
        t->path[kept + (size_t)length] = '\0';
    }
    return refused(t, ELOOP);
}

static mf_status open_folder(mfi_file_target *t)
{
    const int flags = O_DIRECTORY | O_CLOEXEC;
    char *name = last_part(t->path), *end = name > t->path + 1 ? name - 1 : name;
    char folder[PATH_MAX] = ".";
    if (!*name)
        return refused(t, *t->asked ? EISDIR : ENOENT);
    if (end > t->path) {
        memcpy(folder, t->path, (size_t)(end - t->path));
        folder[end - t->path] = '\0';
    }
    t->name = name;
    t->folder = mfi_file_open(AT_FDCWD, folder, O_RDONLY | flags, 0);
    t->lists = t->folder >= 0;
    if (t->folder < 0 && errno == EACCES)
        t->folder = mfi_file_open(AT_FDCWD, folder, SEARCH_ONLY | flags, 0);
    return t->folder < 0 ? refused(t, errno) : MF_STATUS_OK;
}

static mf_status look(mfi_file_target *t)
{
    t->there = fstatat(t->folder, t->name, &t->old, AT_SYMLINK_NOFOLLOW) == 0;
    if (!t->there && errno != ENOENT)
        return refused(t, errno);
    return t->there && !S_ISREG(t->old.st_mode) ? not_regular(t, &t->old) : MF_STATUS_OK;
}

/* *sure becomes false if following the links led to another file than the one that the system finds. */
static mf_status resolve(mfi_file_target *t, bool *sure)
{
    struct stat reached;
    int links;
    memcpy(t->path, t->asked, strlen(t->asked) + 1);
    bool exists = stat(t->asked, &reached) == 0;
    if (!exists && errno != ENOENT)
        return refused(t, errno);
    if (exists && !S_ISREG(reached.st_mode))
        return not_regular(t, &reached);
    MFI_TRY(follow(t, &links));
    MFI_TRY(open_folder(t));
    mf_status status = look(t);
    *sure = links == 0 || !exists ||
            (t->there && t->old.st_ino == reached.st_ino && t->old.st_dev == reached.st_dev);
    if (status != MF_STATUS_OK || !*sure)
        mfi_target_close(t);
    return status;
}

mf_status mfi_target_open(const char *path, mfi_file_target *target)
{
    /* Another process may replace the file meanwhile, so this is repeated. Some links, as those of /proc to
     * deleted files, have no path as their target; they never become sure. */
    enum { ATTEMPTS = 50 };
    target->asked = path;
    if (strlen(path) >= sizeof target->path)
        return refused(target, ENAMETOOLONG);
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        bool sure = false;
        MFI_TRY(resolve(target, &sure));
        if (sure)
            return MF_STATUS_OK;
    }
    return mfi_fail(MF_STATUS_IO, "cannot save to %s: the link leads to a file without a name",
                    mfi_path_shown(path, MFI_EXCERPT).text);
}

void mfi_target_close(mfi_file_target *target)
{
    close(target->folder);
}
