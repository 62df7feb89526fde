/* Owns: messages from a stage to the next one. */
#include "wire.h"

#include <limits.h>
#include <sched.h>
#include <stdlib.h>

_Static_assert(sizeof(mfm_header) == MFM_HEADER, "messages begin with a header of 64 bytes");

enum { TAG_MESSAGE = 1, TAG_NOTICE = 2, TAG_COUNT = 3, LINE_OF_CACHE = 64 };

size_t mfm_wire_offset(const mfm_format *format, size_t rows, bool weighted)
{
    return MFM_HEADER + rows * (sizeof(int32_t) * format->labels + (weighted ? sizeof(float) : 0));
}

size_t mfm_wire_bytes(const mfm_format *format, size_t rows, bool weighted)
{
    size_t value = format->wire == MF_MPI_WIRE_BF16 ? sizeof(uint16_t) : sizeof(float);
    return mfm_wire_offset(format, rows, weighted) + rows * format->outputs * value;
}

bool mfm_wire_has_next(const mfm_wire *wire)
{
    return wire->stage + 1 < wire->stages;
}

bool mfm_wire_has_previous(const mfm_wire *wire)
{
    return wire->stage > 0;
}

/* ---- coming and going ---- */

/* A message also has room for the text of a failure. */
static mf_status size_buffer(const mfm_format *format, size_t *bytes)
{
    double whole = MFM_HEADER + (double)format->max_rows *
                                    (4.0 * (double)format->labels + 4.0 + 4.0 * (double)format->outputs);
    if (whole > INT_MAX - MFM_TEXT - LINE_OF_CACHE)
        return mfm_fail(MF_STATUS_OVERFLOW,
                        "a message of %zu rows with %zu values each does not fit in 2 GiB", format->max_rows,
                        format->outputs);
    *bytes = mfm_wire_bytes(format, format->max_rows, true);
    if (*bytes < MFM_HEADER + MFM_TEXT)
        *bytes = MFM_HEADER + MFM_TEXT;
    *bytes = (*bytes + LINE_OF_CACHE - 1) / LINE_OF_CACHE * LINE_OF_CACHE;
    return MF_STATUS_OK;
}

static mf_status make_buffers(const mfm_format *format, size_t depth, size_t *bytes, unsigned char **buffers,
                              MPI_Request **requests)
{
    MFM_TRY(size_buffer(format, bytes));
    if (depth > SIZE_MAX / *bytes)
        return mfm_fail(MF_STATUS_OVERFLOW, "%zu messages of %zu bytes do not fit in memory", depth, *bytes);
    *buffers = aligned_alloc(LINE_OF_CACHE, depth * *bytes);
    *requests = malloc(depth * sizeof **requests);
    for (size_t i = 0; *requests && i < depth; i++)
        (*requests)[i] = MPI_REQUEST_NULL;
    if (!*buffers || !*requests)
        return mfm_fail(MF_STATUS_MEMORY, "no memory for %zu messages of %zu bytes", depth, *bytes);
    return MF_STATUS_OK;
}

static mf_status expect_message(mfm_wire *wire, size_t slot)
{
    return mfm_mpi(MPI_Irecv(wire->in + slot * wire->in_bytes, (int)wire->in_bytes, MPI_BYTE, wire->stage - 1,
                             TAG_MESSAGE, wire->line, &wire->receiving[slot]));
}

static mf_status expect_count(mfm_wire *wire)
{
    return mfm_mpi(
        MPI_Irecv(&wire->promised, 1, MPI_UINT64_T, wire->stage - 1, TAG_COUNT, wire->line, &wire->hearing));
}

mf_status mfm_wire_open(mfm_wire *wire)
{
    wire->notified = wire->notifying = wire->hearing = MPI_REQUEST_NULL;
    if (mfm_wire_has_next(wire)) {
        MFM_TRY(make_buffers(&wire->to_next, wire->depth, &wire->out_bytes, &wire->out, &wire->sending));
        MFM_TRY(mfm_mpi(MPI_Irecv(&wire->notice, sizeof wire->notice, MPI_BYTE, wire->stage + 1, TAG_NOTICE,
                                  wire->line, &wire->notified)));
    }
    if (mfm_wire_has_previous(wire)) {
        MFM_TRY(
            make_buffers(&wire->from_previous, wire->depth, &wire->in_bytes, &wire->in, &wire->receiving));
        for (size_t slot = 0; slot < wire->depth; slot++)
            MFM_TRY(expect_message(wire, slot));
        MFM_TRY(expect_count(wire));
    }
    return MF_STATUS_OK;
}

static void stop_expecting(MPI_Request *request)
{
    if (*request == MPI_REQUEST_NULL)
        return;
    MPI_Cancel(request);
    MPI_Wait(request, MPI_STATUS_IGNORE);
}

void mfm_wire_close(mfm_wire *wire)
{
    stop_expecting(&wire->notified);
    stop_expecting(&wire->hearing);
    for (size_t slot = 0; wire->receiving && slot < wire->depth; slot++)
        stop_expecting(&wire->receiving[slot]);
    free(wire->out);
    free(wire->in);
    free(wire->sending);
    free(wire->receiving);
    *wire = (mfm_wire){.line = MPI_COMM_NULL};
}

/* ---- waiting ---- */

mf_status mfm_wire_look(mfm_wire *wire)
{
    int there = 0;
    if (wire->notified != MPI_REQUEST_NULL) /* until then the notice may be there in part */
        MFM_TRY(mfm_mpi(MPI_Test(&wire->notified, &there, MPI_STATUS_IGNORE)));
    return mfm_wire_is_noticed(wire) ? mfm_outcome_status(&wire->notice) : MF_STATUS_OK;
}

bool mfm_wire_is_noticed(const mfm_wire *wire)
{
    return wire->notified == MPI_REQUEST_NULL && wire->notice.status != MF_STATUS_OK;
}

/* Does the previous stage rest, with nothing of its own under way? */
static mf_status look_for_end(mfm_wire *wire)
{
    int rests = 0;
    MFM_TRY(mfm_mpi(MPI_Test(&wire->hearing, &rests, MPI_STATUS_IGNORE)));
    if (!rests || wire->received < wire->promised)
        return MF_STATUS_OK;
    return mfm_fail(MF_STATUS_STATE,
                    "stage %d waits for a batch, but the one before rests: it has made fewer steps",
                    wire->stage);
}

/* Waits for a request, lets others run meanwhile, and looks after what else is under way. What `look` finds
 * wrong ends it. */
static mf_status wait_for(mfm_wire *wire, MPI_Request *request, mf_status (*look)(mfm_wire *wire),
                          mfm_progress progress, void *user)
{
    for (;;) {
        int done = 0;
        MFM_TRY(mfm_mpi(MPI_Test(request, &done, MPI_STATUS_IGNORE)));
        if (done)
            return MF_STATUS_OK;
        MFM_TRY(look(wire));
        if (progress)
            MFM_TRY(progress(user));
        sched_yield();
    }
}

/* ---- messages ---- */

mf_status mfm_wire_buffer(mfm_wire *wire, mfm_progress progress, void *user, unsigned char **buffer)
{
    size_t slot = (size_t)(wire->sent % wire->depth);
    *buffer = NULL;
    MFM_TRY(wait_for(wire, &wire->sending[slot], mfm_wire_look, progress, user));
    *buffer = wire->out + slot * wire->out_bytes;
    return MF_STATUS_OK;
}

mf_status mfm_wire_send(mfm_wire *wire, size_t bytes)
{
    size_t slot = (size_t)(wire->sent % wire->depth);
    MFM_TRY(mfm_mpi(MPI_Issend(wire->out + slot * wire->out_bytes, (int)bytes, MPI_BYTE, wire->stage + 1,
                               TAG_MESSAGE, wire->line, &wire->sending[slot])));
    wire->sent++;
    wire->bytes += bytes;
    return MF_STATUS_OK;
}

mf_status mfm_wire_receive(mfm_wire *wire, mfm_progress progress, void *user, const unsigned char **message)
{
    size_t slot = (size_t)(wire->received % wire->depth);
    MFM_TRY(wait_for(wire, &wire->receiving[slot], look_for_end, progress, user));
    *message = wire->in + slot * wire->in_bytes;
    return MF_STATUS_OK;
}

mf_status mfm_wire_release(mfm_wire *wire)
{
    size_t slot = (size_t)(wire->received % wire->depth);
    wire->received++;
    return expect_message(wire, slot);
}

mf_status mfm_wire_notify(mfm_wire *wire, const mfm_outcome *outcome)
{
    if (!mfm_wire_has_previous(wire) || wire->passed_on.status != MF_STATUS_OK)
        return MF_STATUS_OK;
    wire->passed_on = *outcome;
    return mfm_mpi(MPI_Isend(&wire->passed_on, sizeof wire->passed_on, MPI_BYTE, wire->stage - 1, TAG_NOTICE,
                             wire->line, &wire->notifying));
}

mf_status mfm_wire_drain(mfm_wire *wire)
{
    const unsigned char *unread;
    int next = mfm_wire_has_next(wire) ? wire->stage + 1 : MPI_PROC_NULL;
    MPI_Request telling;
    MFM_TRY(mfm_mpi(MPI_Isend(&wire->sent, 1, MPI_UINT64_T, next, TAG_COUNT, wire->line, &telling)));
    MFM_TRY(mfm_wait(MPI_SUCCESS, &wire->hearing));
    MFM_TRY(mfm_wait(MPI_SUCCESS, &telling));
    while (mfm_wire_has_previous(wire) && wire->received < wire->promised) {
        MFM_TRY(mfm_wire_receive(wire, NULL, NULL, &unread));
        MFM_TRY(mfm_wire_release(wire));
    }
    for (size_t slot = 0; mfm_wire_has_next(wire) && slot < wire->depth; slot++)
        MFM_TRY(mfm_wait(MPI_SUCCESS, &wire->sending[slot]));
    MFM_TRY(mfm_wait(MPI_SUCCESS, &wire->notifying));
    return mfm_wire_has_previous(wire) ? expect_count(wire) : MF_STATUS_OK;
}
