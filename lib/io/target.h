/* Owns: finding the file that a save must replace: its folder and its name, with all links followed. */
#ifndef MFI_IO_TARGET_H
#define MFI_IO_TARGET_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <monoforward.h>

#ifndef PATH_MAX
#define PATH_MAX 4096
#endif

typedef struct mfi_file_target {
    const char *asked; /* the path that the caller gave, for messages */
    char path[PATH_MAX];
    const char *name; /* the part of `path` after the folder */
    int folder;       /* descriptor of the folder */
    bool lists;       /* the folder may be read, so it can be synced */
    bool there;       /* a regular file of that name exists; `old` describes it */
    struct stat old;
} mfi_file_target;

/* Follows links and opens the folder; close it with mfi_target_close(). IO if the path leads to something
 * other than a regular file, or if a folder does not exist; then nothing is left open. */
mf_status mfi_target_open(const char *path, mfi_file_target *target);
void mfi_target_close(mfi_file_target *target);

#endif
