/* Owns: what all files of libmonoforward_mpi share: statuses with messages, structs of the host's, agreement.
 */
#ifndef MFM_COMMON_H
#define MFM_COMMON_H

#include <monoforward_mpi.h>

#include <fenv.h>
#include <stdbool.h>

enum { MFM_TEXT = 224 }; /* bytes of a message that travels, with its final 0 */

/* Ends the calling function with the status of `call` unless it is OK. */
#define MFM_TRY(call)                   \
    do {                                \
        mf_status mfm_status = (call);  \
        if (mfm_status != MF_STATUS_OK) \
            return mfm_status;          \
    } while (0)

/* Sets this thread's message and returns the status. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
mf_status
mfm_fail(mf_status status, const char *format, ...);

/* A status of a call of monoforward.h: its message becomes that of this library. */
mf_status mfm_core(mf_status status);

/* A result of MPI's: IO with MPI's own words unless it is MPI_SUCCESS. */
mf_status mfm_mpi(int code);

/* Waits for a request that `code` tells the start of, and leaves the processor to others meanwhile: where
 * there are more ranks than processors, MPI's own waiting may keep them from what it waits for. */
mf_status mfm_wait(int code, MPI_Request *request);

/* Masks floating-point exceptions until mfm_uncalm(): a host may have unmasked them, so that its own mistakes
 * end it with SIGFPE, but what it passes, or other ranks send, must give a status. */
void mfm_calm(fenv_t *host);
void mfm_uncalm(const fenv_t *host);

/* What one rank tells others of its outcome: padding-free, so that it travels as bytes. */
typedef struct mfm_outcome {
    int32_t status;
    int32_t fatal;     /* 1: the trainer is over */
    uint64_t batch;    /* where it happened: number of the batch, */
    uint64_t position; /* and position of the layer in the whole network */
    char text[MFM_TEXT];
} mfm_outcome;

/* OK, or `status` with this thread's message. */
mfm_outcome mfm_outcome_of(mf_status status);

/* Sets this thread's message to that of the outcome. */
mf_status mfm_outcome_status(const mfm_outcome *outcome);

/* Collective: the outcome that comes first by batch, position and rank; `mine` of each rank goes in. */
mf_status mfm_agree_on(MPI_Comm comm, mfm_outcome *mine);

/* Collective: OK if all are, otherwise the status of the first rank that has failed, whose message names it.
 */
mf_status mfm_agree(MPI_Comm comm, mf_status status);

/* Collective: ARGUMENT where a value is not the same on all ranks. */
mf_status mfm_agree_value(MPI_Comm comm, uint64_t value, const char *name);

/* Reading and writing structs of the host's, which may be of an older or newer version. All begin with
 * struct_size; `known` is the size of this version, and so far of the first one. */
mf_status mfm_struct_read(void *defaults, size_t known, const void *source, const char *name);
mf_status mfm_struct_write(void *target, size_t size, const void *values, size_t known, const char *name);

/* The same for a result, whose struct_size the host has set. */
mf_status mfm_struct_fill(void *target, const void *values, size_t known, const char *name);

#endif
