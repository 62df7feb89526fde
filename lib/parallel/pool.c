/* Owns: a pool of threads, and the jobs that they help with. */
#define _GNU_SOURCE
#include "parallel/pool.h"

#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/memory.h"
#include "base/relax.h"
#include "base/status.h"
#include "base/subnormal.h"

/* What a call shares, on the stack of the thread that makes it. */
typedef struct mfi_job {
    mfi_task task;
    void *context;
    size_t count;
    const void *owner;
    mfi_mode mode;       /* floating-point mode of the caller: helpers must compute as it does */
    atomic_size_t next;  /* index that nobody has taken yet */
    atomic_uint helpers; /* threads at it beside the caller; written with the lock */
    struct mfi_job *after;
} mfi_job;

/* Looks of some 20 to 50 nanoseconds. In the gap between two shared parts of a step one thread checks the
 * input or sums up the loss; to sleep through it and be woken would cost more than the gap. */
enum { SPINS = 4000 };

/* A thread uses some kilobytes, a BLAS library perhaps a hundred. The usual 8 MiB of address space would be
 * much for a host with a limit, and where the system gives huge pages unasked, the first byte takes 2 MiB. */
enum { STACK_BYTES = 1 << 20 };

/* ---- jobs ---- */

static void run_pieces(mfi_job *job, size_t slot)
{
    size_t index;
    while ((index = atomic_fetch_add_explicit(&job->next, 1, memory_order_relaxed)) < job->count)
        job->task(job->context, index, slot);
}

static bool has_pieces(const mfi_job *job)
{
    return atomic_load_explicit(&job->next, memory_order_relaxed) < job->count;
}

void mfi_pool_call(mf_pool *pool)
{
    atomic_fetch_add_explicit(&pool->news, 1, memory_order_release);
    /* All of them: a thread that belongs to one pipeline may not be able to do what this is about. */
    if (pool->asleep > 0)
        pthread_cond_broadcast(&pool->work);
}

static void publish(mf_pool *pool, mfi_job *job)
{
    mfi_job **end = &pool->jobs;
    pthread_mutex_lock(&pool->lock);
    while (*end)
        end = &(*end)->after;
    *end = job;
    mfi_pool_call(pool);
    pthread_mutex_unlock(&pool->lock);
}

static unsigned helpers_of(const mfi_job *job)
{
    return atomic_load_explicit(&job->helpers, memory_order_acquire);
}

/* Takes the job back, so that no thread joins it any more, and waits for those that have. */
static void withdraw(mf_pool *pool, mfi_job *job)
{
    mfi_job **link = &pool->jobs;
    pthread_mutex_lock(&pool->lock);
    while (*link != job)
        link = &(*link)->after;
    *link = job->after;
    pthread_mutex_unlock(&pool->lock);
    for (unsigned spin = 0; spin < pool->spins && helpers_of(job) > 0; spin++)
        mfi_relax();
    if (helpers_of(job) == 0)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->waiting++;
    while (helpers_of(job) > 0)
        pthread_cond_wait(&pool->left, &pool->lock);
    pool->waiting--;
    pthread_mutex_unlock(&pool->lock);
}

static void run_job(const mfi_team *team, size_t count, mfi_task task, void *context)
{
    mf_pool *pool = team->pool;
    mfi_job job = {.task = task, .context = context, .count = count, .owner = team->owner};
    job.mode = mfi_float_mode();
    /* A forked process has the caller only, and maybe a lock that somebody else has locked for ever. */
    if (pool->process != getpid()) {
        run_pieces(&job, team->slot);
        return;
    }
    int cancel = mfi_cancel_hold();
    publish(pool, &job);
    run_pieces(&job, team->slot);
    withdraw(pool, &job);
    mfi_cancel_restore(cancel);
}

/* ---- threads ---- */

/* All of these are called with the lock, and return with it. */

static bool help_job(mfi_hand *hand)
{
    mf_pool *pool = hand->pool;
    mfi_job *job = pool->jobs;
    while (job && (!has_pieces(job) || (hand->only && job->owner != hand->only)))
        job = job->after;
    if (!job)
        return false;
    atomic_fetch_add_explicit(&job->helpers, 1, memory_order_relaxed);
    pthread_mutex_unlock(&pool->lock);
    mfi_mode mode = mfi_float_mode();
    mfi_float_restore(&job->mode);
    run_pieces(job, hand->slot);
    mfi_float_restore(&mode);
    pthread_mutex_lock(&pool->lock);
    /* After this the job may be gone. */
    bool last = atomic_fetch_sub_explicit(&job->helpers, 1, memory_order_release) == 1;
    if (last && pool->waiting > 0)
        pthread_cond_broadcast(&pool->left);
    return true;
}

static bool do_item(mfi_hand *hand)
{
    if (hand->only)
        return hand->only->work(hand->only, hand->slot);
    for (mfi_source *source = hand->pool->sources; source; source = source->next)
        if (source->work(source, hand->slot))
            return true; /* the list may have changed meanwhile */
    return false;
}

static bool is_news(const mf_pool *pool, unsigned seen)
{
    return atomic_load_explicit(&pool->news, memory_order_acquire) != seen;
}

/* Returns soon after there is something to do. */
static void rest_hand(mfi_hand *hand)
{
    mf_pool *pool = hand->pool;
    unsigned seen = atomic_load_explicit(&pool->news, memory_order_relaxed);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned spin = 0; spin < pool->spins && !is_news(pool, seen); spin++)
        mfi_relax();
    pthread_mutex_lock(&pool->lock);
    pool->asleep++;
    while (!is_news(pool, seen))
        pthread_cond_wait(&pool->work, &pool->lock);
    pool->asleep--;
}

static void *serve_pool(void *argument)
{
    mfi_hand *hand = argument;
    mf_pool *pool = hand->pool;
    pthread_mutex_lock(&pool->lock);
    while (!hand->ending && !pool->ending)
        if (!do_item(hand) && !help_job(hand))
            rest_hand(hand);
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static bool start_hand(mf_pool *pool, mfi_source *only, size_t slot, mfi_hand *hand)
{
    pthread_attr_t attributes;
    *hand = (mfi_hand){.pool = pool, .slot = slot, .only = only};
    if (pthread_attr_init(&attributes) != 0)
        return false;
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    /* All signals are blocked, so that the host's signal handlers run on the host's threads. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&hand->thread, &attributes, serve_pool, hand) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return started;
}

bool mfi_pool_start_hand(mf_pool *pool, mfi_source *only, mfi_hand *hand)
{
    return start_hand(pool, only, 0, hand);
}

void mfi_pool_end_hand(mfi_hand *hand)
{
    pthread_mutex_lock(&hand->pool->lock);
    hand->ending = true;
    mfi_pool_call(hand->pool);
    pthread_mutex_unlock(&hand->pool->lock);
    pthread_join(hand->thread, NULL);
}

/* ---- sources ---- */

void mfi_pool_add(mf_pool *pool, mfi_source *source)
{
    pthread_mutex_lock(&pool->lock);
    source->next = pool->sources;
    pool->sources = source;
    pthread_mutex_unlock(&pool->lock);
}

void mfi_pool_remove(mf_pool *pool, mfi_source *source)
{
    mfi_source **link = &pool->sources;
    while (*link != source)
        link = &(*link)->next;
    *link = source->next;
}

/* ---- create and free ---- */

uint32_t mfi_pool_processors(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
#if defined(__linux__)
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0)
        count = CPU_COUNT(&allowed);
#endif
    return count < 1 ? 1 : (uint32_t)count;
}

static bool open_pool(mf_pool *pool)
{
    if (pthread_mutex_init(&pool->lock, NULL) != 0)
        return false;
    if (pthread_cond_init(&pool->work, NULL) == 0) {
        if (pthread_cond_init(&pool->left, NULL) == 0)
            return true;
        pthread_cond_destroy(&pool->work);
    }
    pthread_mutex_destroy(&pool->lock);
    return false;
}

static void close_pool(mf_pool *pool)
{
    pthread_cond_destroy(&pool->left);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
}

mf_status mfi_pool_create(const mf_pool_spec *spec, mf_pool **pool)
{
    size_t bytes = 0, head, hands;
    if (!mfi_reserve(&bytes, 1, sizeof(mf_pool), &head) ||
        !mfi_reserve(&bytes, spec->threads - 1, sizeof(mfi_hand), &hands))
        return mfi_fail(MF_STATUS_OVERFLOW, "a pool of %u threads does not fit in memory",
                        (unsigned)spec->threads);
    mf_pool *created = mfi_handle_create(MFI_KIND_POOL, spec->allocator, bytes);
    if (!created)
        return MF_STATUS_MEMORY;
    if (!open_pool(created)) {
        mfi_handle_destroy(&created->handle);
        return mfi_fail(MF_STATUS_MEMORY, "the system could not create a lock for the pool");
    }
    created->hands = (mfi_hand *)((char *)created + hands);
    created->process = getpid();
    created->spins = spec->threads <= mfi_pool_processors() ? SPINS : 0;
    atomic_init(&created->news, 0);
    created->threads = 1;
    while (created->threads < spec->threads &&
           start_hand(created, NULL, created->threads, &created->hands[created->threads - 1]))
        created->threads++;
    *pool = created;
    return MF_STATUS_OK;
}

void mfi_pool_release(mf_pool *pool)
{
    if (!pool || !mfi_handle_drop(&pool->handle))
        return;
    /* In a forked process nothing is destroyed: even destroying a condition waits for the threads that wait
     * for it. */
    if (pool->process == getpid()) {
        pthread_mutex_lock(&pool->lock);
        pool->ending = true;
        mfi_pool_call(pool);
        pthread_mutex_unlock(&pool->lock);
        for (size_t i = 0; i + 1 < pool->threads; i++)
            pthread_join(pool->hands[i].thread, NULL);
        close_pool(pool);
    }
    mfi_handle_destroy(&pool->handle);
}

/* ---- teams ---- */

static void retain_pool(void *pool)
{
    mfi_handle_retain(&((mf_pool *)pool)->handle);
}

static void release_pool(void *pool)
{
    mfi_pool_release(pool);
}

mfi_team mfi_pool_team(mf_pool *pool, const void *owner, size_t slot)
{
    static const mfi_crew crew = {.run = run_job, .retain = retain_pool, .release = release_pool};
    if (!pool)
        return (mfi_team){.slot = slot, .threads = 1};
    return (mfi_team){.crew = &crew, .pool = pool, .owner = owner, .slot = slot, .threads = pool->threads};
}
