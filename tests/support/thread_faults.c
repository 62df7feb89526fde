/* SPDX-License-Identifier: MIT */
#include "thread_faults.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

static atomic_int failing_kind, failing_lasts;
static atomic_size_t failing, seen, failed;

void thread_fail_at(int kind, size_t nth, int lasting)
{
    failing_kind = kind;
    failing_lasts = lasting;
    seen = 0;
    failed = 0;
    failing = nth;
}

size_t threads_failed(void)
{
    return failed;
}

static int thread_fails(int kind)
{
    size_t call;

    if (failing == 0 || failing_kind != kind)
        return 0;
    call = ++seen;
    if (call != failing && !(failing_lasts && call > failing))
        return 0;
    failed++;
    return 1;
}

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*run)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*run)(void *), void *argument);
int __real_pthread_attr_init(pthread_attr_t *attributes);
int __wrap_pthread_attr_init(pthread_attr_t *attributes);
int __real_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *how);
int __wrap_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *how);
int __real_pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *how);
int __wrap_pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *how);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*run)(void *), void *argument)
{
    return thread_fails(THREAD_CREATE) ? EAGAIN : __real_pthread_create(thread, how, run, argument);
}

int __wrap_pthread_attr_init(pthread_attr_t *attributes)
{
    return thread_fails(THREAD_ATTRIBUTES) ? ENOMEM : __real_pthread_attr_init(attributes);
}

int __wrap_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *how)
{
    return thread_fails(THREAD_MUTEX) ? EAGAIN : __real_pthread_mutex_init(mutex, how);
}

int __wrap_pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *how)
{
    return thread_fails(THREAD_CONDITION) ? EAGAIN : __real_pthread_cond_init(condition, how);
}
