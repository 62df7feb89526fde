/* Stands between the library and the C library's calls that concern files: looks at them, and makes the k-th
 * one fail. A test has system_faults.c among its own sources: in the library of all tests it would be in the
 * way of those that do not want it. Linux with 64 bits. SPDX-License-Identifier: MIT */
#ifndef TEST_SYSTEM_FAULTS_H
#define TEST_SYSTEM_FAULTS_H

#include <stddef.h>
#include <sys/stat.h>

/** Kinds of calls, one of which may fail. */
enum {
    CALL_ANY,
    CALL_OPEN,
    CALL_CLOSE,
    CALL_READ,
    CALL_WRITE,
    CALL_SYNC,
    CALL_RENAME,
    CALL_UNLINK,
    CALL_STAT,   /* by a name */
    CALL_FSTAT,  /* by a descriptor */
    CALL_LINK,   /* readlink */
    CALL_ACCESS, /* owner, permissions, access control list: setting them, and reading the list */
    CALL_KINDS
};

/** In the place of an error: a read or a write of one byte, and one of none. */
enum { FAULT_SHORT = -1, FAULT_NOTHING = -2 };

enum { FAULT_NAMES = 256 };

/** What the calls shall do, and what they have seen. Zero it to begin. */
typedef struct system_faults {
    int kind;     /**< CALL_...: whose calls are counted. */
    size_t nth;   /**< The call of that kind that fails, counted from 1; 0: none. */
    int error;    /**< With which errno, or FAULT_... */
    int lasting;  /**< All calls behind it fail as well. */
    size_t seen;  /**< Calls of that kind. */
    size_t fired; /**< Calls that have failed. */

    int interrupted;  /**< Every call is, the first time. */
    int folder_error; /**< Of the sync of a folder. */
    int no_lists;     /**< Of access control. */
    int cancelled;    /**< The thread, when it reads or writes. */
    int taken;        /**< So many new names are. */
    const char *link; /**< What every link is, also that of a name that is none; NULL: what it is. */
    int pid;          /**< The id that every process is told to have, as in containers; 0: its own. */
    size_t names;     /**< Asked for with O_EXCL, which is how a temporary file begins. */
    char name[FAULT_NAMES][512];
    mode_t created;      /**< All permissions that new files began with: who opens one then may read on. */
    struct stat written; /**< The file, when its first bytes came. */
    mode_t widest;       /**< All permissions it ever had, from the first byte on. */
    size_t writes, syncs, folder_syncs;
} system_faults;

extern system_faults faults;

/** How many descriptors the process has open. */
int open_files(void);

#endif
