/* Owns: sharing the pieces of a call's work among threads, as the code that computes sees it. Who the threads
 * are is decided elsewhere: see parallel/pool.h. */
#ifndef MFI_BASE_TEAM_H
#define MFI_BASE_TEAM_H

#include <stddef.h>

enum { MFI_MOST_THREADS = 1024 };

/* A piece of work: number `index`, run by thread `slot` of the team. No other thread of the call has that
 * slot meanwhile, so the task may use private memory of that number. */
typedef void (*mfi_task)(void *context, size_t index, size_t slot);

struct mfi_team;

/* How the threads of a team are reached, and how what they belong to is kept. */
typedef struct mfi_crew {
    void (*run)(const struct mfi_team *team, size_t count, mfi_task task, void *context);
    void (*retain)(void *pool);
    void (*release)(void *pool);
} mfi_crew;

/* The threads that a call may use: the one that makes it, and others that help while they are free. */
typedef struct mfi_team {
    const mfi_crew *crew; /* NULL: only the calling thread */
    void *pool;           /* of the crew */
    const void *owner;    /* whose private memory the slots are */
    size_t slot;          /* of the calling thread */
    size_t threads;       /* slots are below this */
} mfi_team;

/* 1 without a team. */
size_t mfi_team_threads(const mfi_team *team);

/* Runs task(context, index, slot) once for each index below `count`, in any order, on the calling thread and
 * on those that are free, and returns when all have been run. Which thread runs what differs from call to
 * call: a task may depend on its index only, but for where its private memory lies. `team` may be NULL. A
 * task may run the same team again, with its own slot in place of the caller's. */
void mfi_team_run(const mfi_team *team, size_t count, mfi_task task, void *context);

void mfi_team_retain(const mfi_team *team);
void mfi_team_release(const mfi_team *team);

#endif
