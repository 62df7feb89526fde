/* Owns: statuses with messages, structs of the host's, agreement between ranks. */
#include "common.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char mfm_message[MFM_TEXT + 64];

mf_status mfm_fail(mf_status status, const char *format, ...)
{
    char text[sizeof mfm_message]; /* an argument may be the message that is there */
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    memcpy(mfm_message, text, sizeof text);
    return status;
}

const char *mf_mpi_last_message(void)
{
    return mfm_message;
}

const char *mf_mpi_version(void)
{
#define MFM_TEXT_OF(number) #number
#define MFM_VERSION(major, minor, patch) MFM_TEXT_OF(major) "." MFM_TEXT_OF(minor) "." MFM_TEXT_OF(patch)
    return MFM_VERSION(MF_VERSION_MAJOR, MF_VERSION_MINOR, MF_VERSION_PATCH);
}

mf_status mfm_core(mf_status status)
{
    return status == MF_STATUS_OK ? status : mfm_fail(status, "%s", mf_last_message());
}

mf_status mfm_mpi(int code)
{
    char text[MPI_MAX_ERROR_STRING] = "";
    int length = 0;
    if (code == MPI_SUCCESS)
        return MF_STATUS_OK;
    MPI_Error_string(code, text, &length);
    return mfm_fail(MF_STATUS_IO, "MPI: %.200s", text);
}

mf_status mfm_wait(int code, MPI_Request *request)
{
    int done = 0;
    MFM_TRY(mfm_mpi(code));
    for (;;) {
        MFM_TRY(mfm_mpi(MPI_Test(request, &done, MPI_STATUS_IGNORE)));
        if (done)
            return MF_STATUS_OK;
        sched_yield();
    }
}

void mfm_calm(fenv_t *host)
{
    feholdexcept(host);
}

void mfm_uncalm(const fenv_t *host)
{
    fesetenv(host);
}

/* ---- agreement ---- */

mfm_outcome mfm_outcome_of(mf_status status)
{
    mfm_outcome outcome = {.status = status};
    if (status != MF_STATUS_OK)
        snprintf(outcome.text, sizeof outcome.text, "%.*s", MFM_TEXT - 1, mfm_message);
    return outcome;
}

mf_status mfm_outcome_status(const mfm_outcome *outcome)
{
    return outcome->status == MF_STATUS_OK ? MF_STATUS_OK : mfm_fail(outcome->status, "%s", outcome->text);
}

static bool outcome_is_before(const mfm_outcome *one, const mfm_outcome *other)
{
    return one->batch != other->batch ? one->batch < other->batch : one->position < other->position;
}

mf_status mfm_agree_on(MPI_Comm comm, mfm_outcome *mine)
{
    int ranks;
    mfm_outcome first = {0}, next;
    MFM_TRY(mfm_mpi(MPI_Comm_size(comm, &ranks)));
    MPI_Request request;
    int failed = mine->status != MF_STATUS_OK;
    MFM_TRY(mfm_wait(MPI_Iallreduce(MPI_IN_PLACE, &failed, 1, MPI_INT, MPI_MAX, comm, &request), &request));
    for (int rank = 0; failed && rank < ranks; rank++) {
        next = *mine;
        MFM_TRY(mfm_wait(MPI_Ibcast(&next, sizeof next, MPI_BYTE, rank, comm, &request), &request));
        if (next.status != MF_STATUS_OK && (first.status == MF_STATUS_OK || outcome_is_before(&next, &first)))
            first = next;
    }
    *mine = first;
    return mfm_outcome_status(&first);
}

mf_status mfm_agree(MPI_Comm comm, mf_status status)
{
    int rank;
    MFM_TRY(mfm_mpi(MPI_Comm_rank(comm, &rank)));
    if (status != MF_STATUS_OK)
        mfm_fail(status, "rank %d: %s", rank, mfm_message);
    mfm_outcome outcome = mfm_outcome_of(status);
    return mfm_agree_on(comm, &outcome);
}

mf_status mfm_agree_value(MPI_Comm comm, uint64_t value, const char *name)
{
    uint64_t first = value;
    MPI_Request request;
    MFM_TRY(mfm_wait(MPI_Ibcast(&first, 1, MPI_UINT64_T, 0, comm, &request), &request));
    return mfm_agree(comm, first == value
                               ? MF_STATUS_OK
                               : mfm_fail(MF_STATUS_ARGUMENT, "%s is %llu here and %llu on rank 0", name,
                                          (unsigned long long)value, (unsigned long long)first));
}

/* ---- structs ---- */

enum { LARGEST_STRUCT = 4096 };

static mf_status check_struct(const void *object, size_t size, size_t known, const char *name)
{
    if (!object)
        return mfm_fail(MF_STATUS_ARGUMENT, "%s must not be NULL", name);
    if (size < known || size > LARGEST_STRUCT)
        return mfm_fail(MF_STATUS_ARGUMENT, "%s: struct_size must be from %zu to %d, got %zu", name, known,
                        (int)LARGEST_STRUCT, size);
    return MF_STATUS_OK;
}

static size_t stated_size(const void *object)
{
    uint32_t size = 0;
    if (object)
        memcpy(&size, object, sizeof size);
    return size;
}

mf_status mfm_struct_read(void *defaults, size_t known, const void *source, const char *name)
{
    size_t size = stated_size(source);
    MFM_TRY(check_struct(source, size, known, name));
    for (size_t i = known; i < size; i++)
        if (((const unsigned char *)source)[i] != 0)
            return mfm_fail(MF_STATUS_ARGUMENT, "%s: byte %zu is set, but this version knows %zu bytes only",
                            name, i, known);
    memcpy(defaults, source, known);
    return MF_STATUS_OK;
}

mf_status mfm_struct_write(void *target, size_t size, const void *values, size_t known, const char *name)
{
    MFM_TRY(check_struct(target, size, known, name));
    uint32_t stored = (uint32_t)size;
    memset(target, 0, size);
    memcpy(target, values, known);
    memcpy(target, &stored, sizeof stored);
    return MF_STATUS_OK;
}

mf_status mfm_struct_fill(void *target, const void *values, size_t known, const char *name)
{
    return mfm_struct_write(target, stated_size(target), values, known, name);
}
