/* Owns: switching thread cancellation off during a call. pthread_cancel() would otherwise end the thread
 * inside the call, which would then never unlock its locks, free its memory or close its files. A thread that
 * is cancelled meanwhile ends at its first cancellation point after the call. */
#ifndef MFI_BASE_CANCEL_H
#define MFI_BASE_CANCEL_H

#ifdef MF_NO_THREADS

static inline int mfi_cancel_hold(void)
{
    return 0;
}

static inline void mfi_cancel_restore(int before)
{
    (void)before;
}

#else

#include <pthread.h>

/* Returns the former state, for mfi_cancel_restore(). */
static inline int mfi_cancel_hold(void)
{
    int before = 0;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    return before;
}

static inline void mfi_cancel_restore(int before)
{
    int unused;
    pthread_setcancelstate(before, &unused);
}

#endif

#endif
