/* Owns: a pool of threads, which take two kinds of work: items of pipelines, and pieces of a job, which is
 * what a call shares while it runs (see base/team.h).
 *
 * Every thread has a number, its slot. A call by the host has slot 0, the threads of the pool have those from
 * 1 on, and a pipeline has a thread of its own in the host's place. So whoever owns memory for calls has as
 * much private memory as there are slots, however many of its calls run. Thread 0 of a pipeline helps with
 * that pipeline's jobs only: in others slot 0 is taken.
 *
 * Nothing is assigned to a thread beforehand. Pieces are taken one by one from a counter, so a thread that
 * lost its core holds up the piece it is at and no more. */
#ifndef MFI_PARALLEL_POOL_H
#define MFI_PARALLEL_POOL_H

#include "base/handle.h"
#include "base/team.h"

#ifdef MF_NO_THREADS

/* Nobody can have made a pool. */
static inline mfi_team mfi_pool_team(mf_pool *pool, const void *owner, size_t slot)
{
    (void)pool;
    return (mfi_team){.owner = owner, .slot = slot, .threads = 1};
}

#else

#include <pthread.h>
#include <sys/types.h>

/* Something that has items for the pool's threads. The lock of the pool protects it. */
typedef struct mfi_source {
    /* Runs one item on the calling thread, which has that slot; false if none is ready. Called with the lock,
     * and returns with it, but runs the item without. */
    bool (*work)(struct mfi_source *source, size_t slot);
    struct mfi_source *next;
} mfi_source;

/* A thread. */
typedef struct mfi_hand {
    struct mf_pool *pool;
    size_t slot;
    mfi_source *only; /* whose items and jobs it takes; NULL: everyone's */
    bool ending;
    pthread_t thread;
} mfi_hand;

struct mf_pool {
    mfi_handle handle;
    size_t threads;  /* that may work on one call: the caller's, and those started */
    mfi_hand *hands; /* [threads - 1] */
    unsigned spins;  /* how often a thread looks for news before it sleeps */
    pid_t process;   /* in which the threads run; a forked process has none */

    pthread_mutex_t lock;   /* protects what follows, sources and jobs */
    pthread_cond_t work;    /* signals that there is something to do, or that threads must end */
    pthread_cond_t left;    /* signals that the last helper has left a job */
    atomic_uint news;       /* counts what `work` has signalled; written with the lock */
    size_t asleep, waiting; /* threads that wait for `work`, and for `left` */
    struct mfi_job *jobs;   /* in the order in which they began */
    mfi_source *sources;
    bool ending;
};

/* Creates a pool; it has fewer threads than wanted if the system starts no more. `spec->threads` is at
 * least 1.
 */
mf_status mfi_pool_create(const mf_pool_spec *spec, mf_pool **pool);
void mfi_pool_release(mf_pool *pool);

/* How many processors this process may use. */
uint32_t mfi_pool_processors(void);

/* The team of calls whose private memory belongs to `owner`, for the thread with that slot. `pool` may be
 * NULL. */
mfi_team mfi_pool_team(mf_pool *pool, const void *owner, size_t slot);

/* A source joins and leaves the pool. When it leaves, with the lock held, no thread is at its items. */
void mfi_pool_add(mf_pool *pool, mfi_source *source);
void mfi_pool_remove(mf_pool *pool, mfi_source *source);

/* Wakes threads for an item that has become ready. The caller holds the lock. */
void mfi_pool_call(mf_pool *pool);

/* Starts the own thread of a source, with slot 0; false if the system cannot start one. */
bool mfi_pool_start_hand(mf_pool *pool, mfi_source *only, mfi_hand *hand);

/* Ends it and waits for that. The caller does not hold the lock. */
void mfi_pool_end_hand(mfi_hand *hand);

#endif
#endif
