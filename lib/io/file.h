/* Owns: replacing a file. The new file is written in the same folder under a temporary name, and renamed when
 * it is complete and on the disk, so that a reader finds either the old file or the new one. */
#ifndef MFI_IO_FILE_H
#define MFI_IO_FILE_H

#include "io/sink.h"

/* Replaces the file at `path`: `write` writes `what` to the sink and ends it. Fails with IO, with the path
 * and the system's reason, or with what `write` returned. Then the old file is unchanged and no temporary
 * file is left, with one exception: if the folder could not be synced, the new file is there, and the message
 * says so. Links are followed; what is not a regular file is refused. The file gets the owner, the group and
 * the permissions of the old one. */
mf_status mfi_file_write(const char *path, mf_status (*write)(mfi_sink *sink, const void *what),
                         const void *what);

/* openat(), repeated if a signal interrupts it. */
int mfi_file_open(int folder, const char *name, int flags, unsigned mode);

/* IO, with the message "WHAT PATH: " and the system's text for `error`. */
mf_status mfi_file_refused(const char *what, const char *path, int error);

#endif
