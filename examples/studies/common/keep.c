/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "keep.h"

#include "complain.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LONGEST_PATH = 4096 };

/* "folder/model.safetensors" is followed by "folder/model-last.safetensors". */
static bool name_last(const char *path, char last[LONGEST_PATH])
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash != NULL ? slash : path, '.');
    int stem = (int)(dot != NULL && dot > path ? (size_t)(dot - path) : strlen(path));
    int length = snprintf(last, LONGEST_PATH, "%.*s-last%s", stem, path, path + stem);
    return (length > 0 && length < LONGEST_PATH) || complain("the name %s is too long", path);
}

/* The library replaces files in one piece, which takes a folder that can be written. */
bool keep_check_path(const char *path)
{
    char folder[LONGEST_PATH] = ".";
    const char *slash = strrchr(path, '/');
    struct stat info;
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode))
        return complain("cannot write %s: it is there, and is no regular file", path);
    if (slash != NULL)
        snprintf(folder, sizeof folder, "%.*s", (int)(slash == path ? 1 : slash - path), path);
    return access(folder, W_OK | X_OK) == 0 || complain("cannot write %s: %s", path, strerror(errno));
}

bool keep_check(const struct keep *keep)
{
    return (keep->save == NULL || keep_check_path(keep->save)) &&
           (keep->onnx == NULL || keep_check_path(keep->onnx));
}

static bool is_there(const char *path, size_t epoch)
{
    return path == NULL || access(path, F_OK) == 0 ||
           complain("%s is not there: the best network so far, of epoch %zu, was not saved to it", path,
                    epoch);
}

bool keep_goes_on(const struct keep *keep)
{
    return keep->best_epoch == 0 ||
           (is_there(keep->save, keep->best_epoch) && is_there(keep->onnx, keep->best_epoch));
}

static bool write_both(const struct keep *keep, const mf_network *network)
{
    return (keep->save == NULL || notes_save(network, &keep->scaling, MF_CONTENTS_MODEL, keep->save)) &&
           (keep->onnx == NULL || notes_export(network, &keep->scaling, keep->onnx));
}

bool keep_epoch(struct keep *keep, const mf_network *network, double accuracy, size_t epoch)
{
    if (!keep->by_validation || (keep->best_epoch > 0 && !(accuracy > keep->best)))
        return true;
    keep->best = accuracy;
    keep->best_epoch = epoch;
    return write_both(keep, network);
}

bool keep_end(const struct keep *keep, const mf_network *network)
{
    char last[LONGEST_PATH];
    if (!keep->by_validation)
        return write_both(keep, network);
    return keep->save == NULL ||
           (name_last(keep->save, last) && notes_save(network, &keep->scaling, MF_CONTENTS_MODEL, last));
}
