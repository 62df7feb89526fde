/* Owns: calls that pthread_cancel() does not tear in two: what they hold would stay held. A thread that is
 * cancelled meanwhile ends at its next cancellation point behind the call. */
#ifndef MFI_BASE_CANCEL_H
#define MFI_BASE_CANCEL_H

#include <pthread.h>

/* Returns the state of before, for mfi_cancel_restore(). */
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
