/* mpi_mnist: trains the networks of mnist on several ranks: `mpirun -n 2 mpi_mnist --data DIR --mode
 * pipeline`. A pipeline ends with the params_hash of mnist. See --help.
 *
 * SPDX-License-Identifier: MIT
 */
#include "mpi_settings.h"
#include "ranks.h"

#include "complain.h"
#include "keep.h"
#include "parameters.h"
#include "report.h"
#include "threads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All that a rank holds; zeroed, it can be freed at any point. */
struct run {
    struct settings settings;
    struct mpi_settings mpi;
    struct data data;
    struct model model; /* all layers: rank 0 evaluates and saves them */
    struct run_state state;
    struct checkpoint checkpoint;
    struct trainer trainer;
    struct ranks ranks;
    size_t steps; /* of this process: a run that goes on has made others before */
};

static size_t all_epochs(const struct run *run)
{
    return run->settings.epochs * (run->settings.greedy ? run->model.layer_count : 1);
}

/* The layer that learns, in a greedy run. */
static size_t learner(const struct run *run)
{
    return run->state.history.count / run->settings.epochs;
}

static bool speaks(const struct run *run)
{
    return run->ranks.place.rank == 0;
}

/* ---- an epoch ---- */

/* The rows of a batch that this replica learns from: as many as others have, or one more. */
static void take_share(const struct run *run, mf_batch *batch)
{
    size_t replicas = run->ranks.place.replicas, replica = run->ranks.place.replica;
    size_t first = batch->rows * replica / replicas, end = batch->rows * (replica + 1) / replicas;
    size_t value = batch->input_type == MF_TYPE_UINT8 ? sizeof(uint8_t) : sizeof(float);
    batch->inputs = (const char *)batch->inputs + first * run->data.inputs * value;
    batch->targets = (const int32_t *)batch->targets + first;
    batch->rows = end - first;
}

/* Every replica reads the whole batch, so that all draw the same numbers for the same images, as one process
 * does. */
static bool step(struct run *run, size_t first, size_t rows)
{
    bool reads = run->ranks.place.stage == 0;
    mf_batch batch = {.rows = 0};
    if (!trainer_next_batch(&run->trainer, first, rows, reads ? &batch : NULL))
        return false;
    if (reads)
        take_share(run, &batch);
    const mf_batch *given = batch.rows > 0 ? &batch : NULL;
    run->steps++;
    return ranks_ok(run->settings.greedy ? mf_mpi_step_layer(run->ranks.trainer, learner(run), given)
                                         : mf_mpi_step(run->ranks.trainer, given));
}

static bool learn_epoch(struct run *run)
{
    size_t batch = run->settings.batch, count = trainer_epoch_rows(&run->trainer), steps = 0;
    size_t every = run->mpi.average_every;
    trainer_shuffle(&run->trainer);
    for (size_t first = 0; first < count; first += batch) {
        if (!step(run, first, count - first < batch ? count - first : batch))
            return false;
        if (every > 0 && ++steps % every == 0 && !ranks_ok(mf_mpi_average(run->ranks.trainer)))
            return false;
    }
    return ranks_ok(every > 0 ? mf_mpi_average(run->ranks.trainer) : mf_mpi_flush(run->ranks.trainer));
}

/* Rank 0 has all layers then. */
static bool end_epoch(struct run *run, struct epoch *epoch)
{
    if (!ranks_ok(mf_mpi_gather(run->ranks.trainer, run->model.network)) ||
        !history_add(&run->state.history, epoch))
        return false;
    if (!speaks(run))
        return true;
    if (!trainer_evaluate(&run->trainer, &run->data.test,
                          &run->state.history.epochs[run->state.history.count - 1]))
        return false;
    *epoch = run->state.history.epochs[run->state.history.count - 1];
    printf("epoch %zu of %zu: last %.2f%%, sum %.2f%%, %.0f images/s\n", run->state.history.count,
           all_epochs(run), epoch->last, epoch->sum, epoch->samples_per_second);
    fflush(stdout);
    return checkpoint_write(&run->checkpoint, run->model.network, &run->state);
}

static bool train(struct run *run)
{
    while (run->state.history.count < all_epochs(run)) {
        struct epoch epoch = epoch_blank(run->model.layer_count);
        double started = MPI_Wtime();
        if (run->state.history.count % run->settings.epochs == 0)
            run->state.step = 0; /* the schedule of the learning rate begins anew */
        if (!learn_epoch(run))
            return false;
        epoch.seconds = MPI_Wtime() - started;
        epoch.samples_per_second = (double)trainer_epoch_rows(&run->trainer) / epoch.seconds;
        run->state.augmenting = run->trainer.augmenting.state;
        if (!end_epoch(run, &epoch))
            return false;
    }
    return true;
}

/* ---- before and after ---- */

static bool take_checkpoint(void *user, const mf_network *from, size_t depth)
{
    struct run *run = user;
    /* Checkpoints are written between epochs: none is behind a row of one. */
    const struct whole_run whole = {all_epochs(run), run->model.layer_count, 0, run->settings.batch};
    if (!checkpoint_is_sound(&run->checkpoint, &run->state, depth, &whole) ||
        !checkpoint_take(from, run->model.network))
        return false;
    trainer_catch_up(&run->trainer);
    return true;
}

/* What makes the run what it is; a pipeline may go on with other ranks. */
static void name_run(struct run *run)
{
    char *options = run->checkpoint.options;
    report_run(&run->settings, &run->data, options);
    size_t used = strlen(options);
    snprintf(options + used, OPTIONS_TEXT - used, " replicas=%s wire=%s average_every=%zu",
             run->mpi.mode == MODE_PIPELINE ? "one" : "many", wire_names[run->mpi.wire],
             run->mpi.average_every);
}

static bool prepare(struct run *run, int argc, char **argv)
{
    const struct settings *settings = &run->settings;
    run->checkpoint = (struct checkpoint){.path = settings->checkpoint, .resume = settings->resume};
    if (!threads_set(settings->threads) || !checkpoint_open(&run->checkpoint, argc, argv) ||
        !data_open(&run->data, settings->data, 0, settings->seed) ||
        !model_create(&run->model, settings, run->data.test_images.rows, run->data.test_images.columns) ||
        !trainer_open(&run->trainer, settings, &run->data, &run->model, &run->state, &run->checkpoint) ||
        !model_set_depth(&run->model, run->model.layer_count, settings->batch) ||
        !data_describe(run->model.network))
        return false;
    run->state.keep.scaling = data_scaling(&run->data);
    if (settings->checkpoint != NULL)
        name_run(run);
    if (!checkpoint_go_on(&run->checkpoint, &run->state, take_checkpoint, run) ||
        !ranks_open(&run->ranks, &run->mpi, &run->model, settings))
        return false;
    run->trainer.shares = run->ranks.place.replicas;
    return !speaks(run) || settings->save == NULL || keep_check_path(settings->save);
}

/* The last layer is on the last rank; each rank has the loss of its own rows. */
static bool last_loss(const struct run *run, double *loss)
{
    mf_report report = {.struct_size = sizeof report};
    size_t last = 0;
    while (mf_mpi_report(run->ranks.trainer, last + 1, &report) == MF_STATUS_OK)
        last++;
    if (!ranks_ok(mf_mpi_report(run->ranks.trainer, last, &report)))
        return false;
    *loss = report.loss;
    MPI_Bcast(loss, 1, MPI_DOUBLE, (int)run->ranks.place.ranks - 1, MPI_COMM_WORLD);
    return true;
}

/* Images in a second, over all epochs, also those of earlier processes: `seconds` receives how long they
 * took. */
static double pace(const struct run *run, double *seconds)
{
    const struct history *history = &run->state.history;
    *seconds = 0;
    for (size_t i = 0; i < history->count; i++)
        *seconds += history->epochs[i].seconds;
    return (double)history->count * (double)trainer_epoch_rows(&run->trainer) / *seconds;
}

static double for_each_step(const struct run *run, double bytes)
{
    return run->steps > 0 ? bytes / (double)run->steps : 0;
}

static bool report(struct run *run)
{
    struct epoch final = epoch_blank(run->model.layer_count);
    char options[OPTIONS_TEXT];
    uint64_t hash;
    struct traffic sum;
    double loss, seconds;
    if (!ranks_traffic(&run->ranks, &sum) || !last_loss(run, &loss))
        return false;
    if (!speaks(run))
        return true;
    if (!trainer_evaluate(&run->trainer, &run->data.test, &final) ||
        !parameters_hash(run->model.layers, run->model.layer_count, &hash) ||
        (run->settings.save != NULL &&
         !notes_save(run->model.network, &run->state.keep.scaling, MF_CONTENTS_TRAINING, run->settings.save)))
        return false;
    report_options(&run->settings, &run->data, options);
    printf("libmonoforward_mpi %s", mf_mpi_version());
    if (run->steps > 0)
        printf("; loss of the last layer in the last batch %.4f", loss);
    double images_per_second = pace(run, &seconds);
    printf("\n"
           "result example=mpi_mnist mode=%s ranks=%u stages=%u replicas=%u wire=%s average_every=%zu %s "
           "last=%.2f "
           "sum=%.2f seconds=%.2f samples_per_second=%.0f activation_bytes_per_batch=%.0f "
           "average_bytes_per_batch=%.0f params_hash=%016llx\n",
           mode_names[run->mpi.mode], (unsigned)run->ranks.place.ranks, (unsigned)run->ranks.place.stages,
           (unsigned)run->ranks.place.replicas, wire_names[run->mpi.wire], run->mpi.average_every, options,
           final.last, final.sum, seconds, images_per_second, for_each_step(run, sum.activation_bytes),
           for_each_step(run, sum.average_bytes), (unsigned long long)hash);
    return true;
}

static void let_go(struct run *run)
{
    ranks_close(&run->ranks);
    trainer_close(&run->trainer);
    model_free(&run->model);
    data_free(&run->data);
    history_free(&run->state.history);
}

int main(int argc, char **argv)
{
    static struct run run;
    int level;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level);
    enum options_outcome outcome = mpi_settings_read(&run.settings, &run.mpi, argc, argv);
    bool good = outcome == OPTIONS_HELP;
    if (outcome == OPTIONS_READ)
        good = prepare(&run, argc, argv) && train(&run) && report(&run) && output_arrived();
    /* A rank that has failed by itself, such as at a file, ends all: others would wait for it. */
    if (!good && outcome == OPTIONS_READ && !ranks_failed_together())
        MPI_Abort(MPI_COMM_WORLD, EXIT_FAILURE);
    let_go(&run);
    MPI_Finalize();
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
