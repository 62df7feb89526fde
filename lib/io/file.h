/* Owns: files that are written beside the old one and put in its place when they are complete and on the
 * disk, so that whoever reads meets the old file or the new one. */
#ifndef MFI_IO_FILE_H
#define MFI_IO_FILE_H

#include "io/sink.h"

/* Writes the file at `path` with what `write` puts of `what`, and ends the sink. IO with the path and the
 * system's reason, or what `write` returned: then the old file is there as it was, and nothing beside it;
 * only when the folder could not be synced the new one is there, and the message says so. Links are followed;
 * what is not a regular file is refused; the file has the owner, the group and the permissions of the one it
 * replaces. */
mf_status mfi_file_write(const char *path, mf_status (*write)(mfi_sink *sink, const void *what),
                         const void *what);

/* openat(), again when a signal interrupts it. */
int mfi_file_open(int folder, const char *name, int flags, unsigned mode);

/* IO, with what could not be done to which path, and the system's word for `error`. */
mf_status mfi_file_refused(const char *what, const char *path, int error);

#endif
