/* Owns: where a saved file goes: the folder and the name that a path means, and the file that is there. */
#ifndef MFI_IO_TARGET_H
#define MFI_IO_TARGET_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <monoforward.h>

#ifndef PATH_MAX
#define PATH_MAX 4096
#endif

typedef struct mfi_target {
    const char *asked; /* the caller's path, for messages */
    char path[PATH_MAX];
    const char *name; /* the part of `path` behind the folder */
    int folder;       /* its descriptor */
    bool lists;       /* the folder may be read, which syncing it needs */
    bool there;       /* a regular file of that name, which is `old` */
    struct stat old;
} mfi_target;

/* Follows links and opens the folder; close it with mfi_target_close(). IO if the path leads to what is no
 * regular file, or nowhere; nothing is then left open. */
mf_status mfi_target_open(const char *path, mfi_target *target);
void mfi_target_close(mfi_target *target);

#endif
