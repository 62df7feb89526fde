/* Owns: a step: a batch comes, the stage's layers learn from it, and it goes on. */
#include <math.h>
#include <string.h>

#include "batch.h"
#include "rows.h"

/* One step of this rank. */
typedef struct turn {
    mf_mpi_trainer *trainer;
    mf_batch batch; /* without rows if this replica has none */
    size_t learner; /* layers before it pass the batch on, */
    size_t end;     /* those before this one learn */
    size_t from, to;       /* in the whole network, layers from this one to before that one learn */
    bool goes_on;          /* to the next stage */
    unsigned char *buffer; /* of the message to it */
    size_t offset;         /* where its activations begin */
    mfm_outcome outcome;   /* of this rank so far */
    bool told;             /* the outcome came from the stage before */
    bool warned;           /* the next stage has got the failure instead of the batch */
} turn;

/* The first failure of a step counts. `fatal`: the trainer is over. */
static void set_failure(turn *step, mf_status status, size_t position, bool fatal)
{
    if (status == MF_STATUS_OK || step->outcome.status != MF_STATUS_OK)
        return;
    step->outcome = mfm_outcome_of(status);
    step->outcome.fatal = fatal;
    step->outcome.batch = step->trainer->steps;
    step->outcome.position = position;
}

static bool is_well(const turn *step)
{
    return step->outcome.status == MF_STATUS_OK;
}

/* Puts rank and batch in front of this thread's message. */
static mf_status name_batch(const turn *step, mf_status status)
{
    if (status == MF_STATUS_OK)
        return status;
    return mfm_fail(status, "rank %u, batch %llu: %s", (unsigned)step->trainer->place.rank,
                    (unsigned long long)step->trainer->steps, mf_mpi_last_message());
}

/* ---- a batch comes ---- */

/* The batch lies in the message: labels, weights, activations of the stage before. */
static void read_message(turn *step, const unsigned char *message)
{
    const mfm_format *format = &step->trainer->wire.from_previous;
    mfm_header header;
    memcpy(&header, message, sizeof header);
    if (header.status != MF_STATUS_OK) {
        step->outcome = (mfm_outcome){header.status, header.fatal, header.batch, header.position, {0}};
        memcpy(step->outcome.text, message + MFM_HEADER, MFM_TEXT);
        step->told = true;
        return;
    }
    size_t rows = (size_t)header.rows, labels = rows * format->labels * sizeof(int32_t);
    step->batch.rows = rows;
    step->batch.targets = message + MFM_HEADER;
    if (header.weighted)
        step->batch.sample_weights = (const float *)(const void *)(message + MFM_HEADER + labels);
    step->batch.inputs = message + mfm_wire_offset(format, rows, header.weighted != 0);
    step->batch.input_type = format->wire == MF_MPI_WIRE_BF16 ? MF_TYPE_BF16 : MF_TYPE_FLOAT32;
}

static mf_status progress_of(void *user)
{
    mf_mpi_trainer *trainer = user;
    return mfm_trainer_averages(trainer) && trainer->average.begun > trainer->average.added
               ? mfm_average_progress(&trainer->average)
               : MF_STATUS_OK;
}

/* What the next stage has told becomes the outcome; what is left is a failure of MPI. */
static mf_status take_notice(turn *step, mf_status status)
{
    const mfm_wire *wire = &step->trainer->wire;
    if (status == MF_STATUS_OK || !mfm_wire_is_noticed(wire))
        return status;
    if (is_well(step))
        step->outcome = wire->notice;
    return MF_STATUS_OK;
}

/* A batch that some layer cannot learn from has no rows for any. */
static mf_status read_batch(turn *step, const mf_batch *source)
{
    MFM_TRY(mfm_trainer_check_classes(step->trainer));
    MFM_TRY(mfm_batch_read(step->trainer, source, &step->batch));
    mf_status status = mfm_rows_check(step->trainer, step->batch.rows, step->from, step->to);
    if (status != MF_STATUS_OK)
        step->batch.rows = 0;
    return status;
}

static mf_status take_batch(turn *step, const mf_batch *source)
{
    mf_mpi_trainer *trainer = step->trainer;
    const unsigned char *message;
    MFM_TRY(mfm_core(mf_batch_init(&step->batch, sizeof step->batch)));
    MFM_TRY(take_notice(step, mfm_wire_look(&trainer->wire)));
    if (!mfm_wire_has_previous(&trainer->wire)) {
        set_failure(step, name_batch(step, read_batch(step, source)), 0, false);
        return MF_STATUS_OK;
    }
    MFM_TRY(mfm_wire_receive(&trainer->wire, progress_of, trainer, &message));
    if (is_well(step))
        read_message(step, message);
    return MF_STATUS_OK;
}

/* ---- it goes on ---- */

static mf_status take_buffer(turn *step)
{
    mfm_wire *wire = &step->trainer->wire;
    mf_status status = mfm_wire_buffer(wire, progress_of, step->trainer, &step->buffer);
    step->offset = mfm_wire_offset(&wire->to_next, step->batch.rows, step->batch.sample_weights != NULL);
    return take_notice(step, status);
}

/* Where the last layer writes what goes on: right into the message, if that has floats. */
static float *output_of(const turn *step, size_t layer)
{
    const mf_mpi_trainer *trainer = step->trainer;
    if (layer + 1 == trainer->layers && step->goes_on && step->buffer &&
        trainer->spec.wire == MF_MPI_WIRE_FLOAT32)
        return (float *)(void *)(step->buffer + step->offset);
    return trainer->activations[layer % 2];
}

/* Nearest, to even. */
static uint16_t to_bf16(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if (isnan(value))
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static void round_activations(const turn *step)
{
    const float *from = output_of(step, step->trainer->layers - 1);
    uint16_t *to = (uint16_t *)(void *)(step->buffer + step->offset);
    size_t count = step->batch.rows * step->trainer->wire.to_next.outputs;
    for (size_t i = 0; i < count; i++)
        to[i] = to_bf16(from[i]);
}

static void write_labels(const turn *step)
{
    size_t labels = step->batch.rows * step->trainer->labels * sizeof(int32_t);
    if (labels == 0)
        return;
    memcpy(step->buffer + MFM_HEADER, step->batch.targets, labels);
    if (step->batch.sample_weights)
        memcpy(step->buffer + MFM_HEADER + labels, step->batch.sample_weights,
               step->batch.rows * sizeof(float));
}

static mf_status pass_on(turn *step)
{
    mfm_wire *wire = &step->trainer->wire;
    mfm_header header = {.batch = step->trainer->steps, .rows = step->batch.rows};
    step->warned = !is_well(step);
    if (!step->buffer) /* the next stage has failed: it takes nothing more */
        return MF_STATUS_OK;
    header.weighted = step->batch.sample_weights != NULL;
    if (is_well(step)) {
        write_labels(step);
        if (wire->to_next.wire == MF_MPI_WIRE_BF16)
            round_activations(step);
    } else {
        header.batch = step->outcome.batch;
        header.position = step->outcome.position;
        header.status = step->outcome.status;
        header.fatal = step->outcome.fatal;
        memcpy(step->buffer + MFM_HEADER, step->outcome.text, MFM_TEXT);
    }
    memcpy(step->buffer, &header, sizeof header);
    return mfm_wire_send(wire, is_well(step)
                                   ? mfm_wire_bytes(&wire->to_next, step->batch.rows, header.weighted)
                                   : MFM_HEADER + MFM_TEXT);
}

/* ---- layers ---- */

static mf_status name_failure(const turn *step, size_t layer, mf_status status)
{
    if (status != MF_STATUS_OK)
        mfm_fail(status, "layer %zu of the network: %s", step->trainer->first + layer, mf_last_message());
    return name_batch(step, status);
}

/* The vector that is averaged: gradients, and where those of a running mean or variance are 0, itself. */
static mf_status find_gradients(turn *step, size_t layer, const mf_batch *batch, float *a)
{
    mf_mpi_trainer *trainer = step->trainer;
    const mfm_member *member = &trainer->members[layer];
    float *values = trainer->average.vectors[layer].values;
    MFM_TRY(mf_layer_gradients(member->layer, trainer->workspace, batch, a, values, member->values));
    for (size_t s = 0; s < member->statistics; s++)
        MFM_TRY(mf_layer_get_parameter(member->layer, member->statistic[s].name,
                                       values + member->statistic[s].offset, member->statistic[s].count));
    return MF_STATUS_OK;
}

static mf_status run_layer(turn *step, size_t layer, const mf_batch *batch, float *a)
{
    mf_mpi_trainer *trainer = step->trainer;
    mf_layer *one = trainer->members[layer].layer;
    if (layer < step->learner)
        return mf_layer_pass_batch(one, trainer->workspace, batch, a);
    if (mfm_trainer_averages(trainer))
        return find_gradients(step, layer, batch, a);
    return mf_layer_step_batch(one, trainer->workspace, batch, a);
}

/* A layer of the stage reads what the one before has written. */
static mf_batch batch_of(const turn *step, size_t layer)
{
    mf_batch batch = step->batch;
    if (layer > 0) {
        batch.input_type = MF_TYPE_FLOAT32;
        batch.inputs = output_of(step, layer - 1);
        batch.input_stride = 0;
        batch.input_scale = batch.input_shift = 0;
    }
    return batch;
}

/* A replica that leaves a batch out takes the mask that others take, with a row of no meaning, so that
 * replicas stay equal. */
static mf_status pass_nothing(const turn *step, size_t layer)
{
    mf_mpi_trainer *trainer = step->trainer;
    mf_batch nothing;
    MFM_TRY(mf_batch_init(&nothing, sizeof nothing));
    nothing.rows = 1;
    nothing.inputs = trainer->blank;
    return mf_layer_pass_batch(trainer->members[layer].layer, trainer->workspace, &nothing,
                               output_of(step, layer));
}

static mf_status take_layer(turn *step, size_t layer)
{
    bool averages = mfm_trainer_averages(step->trainer);
    if (!is_well(step) || step->batch.rows == 0)
        return averages ? pass_nothing(step, layer) : MF_STATUS_OK;
    mf_batch batch = batch_of(step, layer);
    mf_status status = run_layer(step, layer, &batch, output_of(step, layer));
    if (status != MF_STATUS_OK && averages)
        pass_nothing(step, layer); /* the batch is left out from here on; the failure keeps its message */
    return status;
}

/* With averaging, every replica sends what it has for every layer, also one that has failed: all take part.
 */
static mf_status run_layers(turn *step)
{
    mf_mpi_trainer *trainer = step->trainer;
    for (size_t layer = 0; layer < step->end; layer++) {
        if (layer + 1 == trainer->layers && step->goes_on)
            MFM_TRY(take_buffer(step));
        mf_status status = name_failure(step, layer, take_layer(step, layer));
        set_failure(step, status, trainer->first + layer,
                    status == MF_STATUS_NUMERIC || trainer->first + layer > 0);
        if (mfm_trainer_averages(trainer) && layer >= step->learner) {
            MFM_TRY(mfm_average_send(&trainer->average, layer));
            MFM_TRY(mfm_average_progress(&trainer->average));
        }
    }
    return MF_STATUS_OK;
}

/* ---- with other replicas ---- */

/* Keeps the running means and variances that a step would change from that layer on, or goes back to them.
 * Neither can fail: they are read as they are, and were finite. */
static void keep_statistics(const turn *step, size_t first, bool back)
{
    for (size_t layer = first; layer < step->end; layer++) {
        const mfm_member *member = &step->trainer->members[layer];
        for (size_t s = 0; s < member->statistics; s++) {
            const mfm_statistic *one = &member->statistic[s];
            if (back)
                mf_layer_set_parameter(member->layer, one->name, one->before, one->count);
            else
                mf_layer_get_parameter(member->layer, one->name, one->before, one->count);
        }
    }
}

static mf_status apply_average(const turn *step, size_t layer)
{
    const mfm_member *member = &step->trainer->members[layer];
    float *values = step->trainer->average.vectors[layer].values;
    for (size_t s = 0; s < member->statistics; s++) {
        const mfm_statistic *one = &member->statistic[s];
        MFM_TRY(name_failure(
            step, layer, mf_layer_set_parameter(member->layer, one->name, values + one->offset, one->count)));
        memset(values + one->offset, 0, one->count * sizeof *values);
    }
    return name_failure(step, layer, mf_layer_apply(member->layer, values, member->values));
}

/* All replicas of the stage learn, or none does. What has stopped one of them comes before what others make
 * of it. An update that fails does so on all: its layer and those behind it have not learned. */
static mf_status learn_together(turn *step)
{
    mfm_average *average = &step->trainer->average;
    size_t behind = step->trainer->first + step->end, layer = step->learner;
    MFM_TRY(mfm_average_add_all(average));
    if (average->weight <= 0)
        set_failure(step, mfm_fail(MF_STATUS_CAPACITY, "no replica has rows"), behind, false);
    else if (!average->finite)
        set_failure(step,
                    mfm_fail(MF_STATUS_NUMERIC, "batch %llu: an average of gradients is not finite",
                             (unsigned long long)step->trainer->steps),
                    behind, true);
    set_failure(step, mfm_agree_on(average->peers, &step->outcome), behind, true);
    MFM_TRY(mfm_average_end(average));
    for (; is_well(step) && layer < step->end; layer += is_well(step))
        set_failure(step, apply_average(step, layer), step->trainer->first + layer, true);
    if (!is_well(step))
        keep_statistics(step, layer, true);
    return MF_STATUS_OK;
}

/* ---- a step ---- */

/* Only failures of MPI itself are returned. */
static mf_status take_turn(turn *step, const mf_batch *source)
{
    mf_mpi_trainer *trainer = step->trainer;
    bool averages = mfm_trainer_averages(trainer);
    MFM_TRY(take_batch(step, source));
    double weight = is_well(step) ? mfm_batch_weight(&step->batch, trainer->labels) : 0;
    if (averages) {
        keep_statistics(step, step->learner, false);
        MFM_TRY(mfm_average_begin(&trainer->average, weight, step->learner));
    }
    MFM_TRY(run_layers(step));
    if (step->goes_on)
        MFM_TRY(pass_on(step));
    if (averages)
        MFM_TRY(learn_together(step));
    if (mfm_wire_has_previous(&trainer->wire))
        MFM_TRY(mfm_wire_release(&trainer->wire));
    if (is_well(step))
        trainer->learned += weight;
    return MF_STATUS_OK;
}

/* The stage before is told of a failure that ends the trainer, and so is the next one unless it has got it
 * with the batch. */
static mf_status tell_neighbours(turn *step)
{
    mfm_wire *wire = &step->trainer->wire;
    if (!step->told)
        MFM_TRY(mfm_wire_notify(wire, &step->outcome));
    if (step->warned || !mfm_wire_has_next(wire))
        return MF_STATUS_OK;
    MFM_TRY(take_buffer(step));
    return pass_on(step);
}

static mf_status end_turn(turn *step, mf_status mpi)
{
    mf_mpi_trainer *trainer = step->trainer;
    set_failure(step, mpi, trainer->first, true);
    trainer->steps++;
    if (!is_well(step) && step->outcome.fatal) {
        trainer->over = true;
        trainer->failure = step->outcome;
        if (mpi == MF_STATUS_OK)
            MFM_TRY(tell_neighbours(step));
    }
    return mfm_outcome_status(&step->outcome);
}

/* This stage's part of a step of the layers from `learner` to before `end` of the whole network. */
static mf_status step_layers(mf_mpi_trainer *trainer, size_t learner, size_t end, const mf_batch *source)
{
    turn step = {.trainer = trainer, .from = learner, .to = end};
    fenv_t host;
    if (trainer->over)
        return mfm_fail(MF_STATUS_STATE, "the trainer is over: %s", trainer->failure.text);
    if (end <= trainer->first) {
        trainer->steps++;
        return MF_STATUS_OK;
    }
    size_t behind = trainer->first + trainer->layers;
    step.learner = learner <= trainer->first ? 0 : learner - trainer->first;
    step.learner = step.learner > trainer->layers ? trainer->layers : step.learner;
    step.end = (end < behind ? end : behind) - trainer->first;
    step.goes_on = end > behind;
    mfm_calm(&host);
    mf_status status = end_turn(&step, take_turn(&step, source));
    mfm_uncalm(&host);
    return status;
}

mf_status mf_mpi_step(mf_mpi_trainer *trainer, const mf_batch *batch)
{
    MFM_TRY(mfm_trainer_check(trainer));
    return step_layers(trainer, 0, trainer->whole, batch);
}

mf_status mf_mpi_step_layer(mf_mpi_trainer *trainer, size_t position, const mf_batch *batch)
{
    MFM_TRY(mfm_trainer_check(trainer));
    if (position >= trainer->whole)
        return mfm_fail(MF_STATUS_NOT_FOUND, "there is no layer %zu in a network of %zu layers", position,
                        trainer->whole);
    return step_layers(trainer, position, position + 1, batch);
}
