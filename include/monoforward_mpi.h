/*
 * monoforward_mpi.h: train a network of libmonoforward on many processes, by MPI.
 *
 * Activations travel forward only in Mono-Forward, so a pipeline of processes never waits for anything to
 * come back: it has no bubble but the time that the first batch takes to the last process, and its parameters
 * have the bits that one process gives.
 *
 *   1. mf_mpi_grid_create(): the ranks of a communicator as stages x replicas. Stages are parts of the
 *      network one behind the other, replicas learn from different batches.
 *   2. mf_mpi_split(): the layers of this rank's stage, as a network of their own.
 *   3. mf_mpi_trainer_create(), and in a loop that has the same number of turns on all ranks
 *      mf_mpi_step(): ranks of the first stage give the batches, the others work on what comes to them.
 *   4. mf_mpi_gather(): all layers in one network again, to be saved, evaluated, or trained by one process.
 *
 * Conventions are those of monoforward.h, and:
 *
 * - MPI belongs to the host: it calls MPI_Init and MPI_Finalize, frees all handles before the latter, and
 *   hands over a communicator, which is duplicated. Nothing here aborts. Errors of MPI are MF_STATUS_IO, as far
 *   as the MPI library returns from them: most end all processes when one of them dies.
 * - A call that is collective is made by all ranks of the grid, in the same order. What fails on one of them
 *   fails on all with the same status, and the message names the rank.
 * - mf_mpi_last_message() has the message of a call that begins with mf_mpi_, not mf_last_message().
 * - All ranks are processes of one kind of machine: numbers travel as they lie in memory.
 * - MPI is called by the thread that makes the call: MPI_THREAD_SINGLE is enough, MPI_THREAD_FUNNELED with a
 *   pool.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef MONOFORWARD_MPI_H
#define MONOFORWARD_MPI_H

#include <monoforward.h>

#include <mpi.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------------------------------------- */
/** @defgroup mpi Many processes, by MPI
 *
 *  A grid has stages x replicas ranks. Rank r is replica r mod replicas of stage r / replicas. One replica is
 * a pipeline alone; as many replicas as ranks are data parallel training alone; in between both work
 * together.
 *
 *  **Pipeline.** Each stage learns from a batch and passes its activation, labels and weights on to the next
 *  one, while it goes on with the next batch. Every layer meets the same batches in the same order as in one
 *  process, so all parameters, optimizer states and reports have the same bits.
 *
 *  **Replicas.** The gradients of the replicas of a stage are averaged layer by layer, each by the sum of its
 *  weights (its rows), while the next layer computes. Sums are formed in the order of the replicas, in double
 *  precision, so equal settings repeat. Batch normalisation uses each replica's own batch; running mean and
 *  variance are averaged. With `local` replicas learn on their own, and mf_mpi_average() averages parameters.
 *  @{ */

/** Version of this library, "major.minor.patch"; that of monoforward it was built with. Static text. */
MF_API const char *mf_mpi_version(void);

/** What went wrong in the last call of this thread that begins with mf_mpi_ and failed, in words; "" if none
 *  has. Never NULL. */
MF_API const char *mf_mpi_last_message(void);

/** Opaque handle of a grid. */
typedef struct mf_mpi_grid mf_mpi_grid;

/** Opaque handle of a trainer: the messages on their way, and the workspace of this rank's layers. */
typedef struct mf_mpi_trainer mf_mpi_trainer;

/** What a grid is made from. */
typedef struct mf_mpi_grid_spec {
    uint32_t struct_size; /**< sizeof(mf_mpi_grid_spec). */
    uint32_t replicas;    /**< Ranks that share a stage; divides the number of ranks; default 1. 0: all ranks,
                               so that there is one stage. */
} mf_mpi_grid_spec;

/** Where a rank is in its grid. */
typedef struct mf_mpi_place {
    uint32_t struct_size; /**< sizeof(mf_mpi_place), set by the caller. */
    uint32_t rank;        /**< In the grid: stage x replicas + replica. */
    uint32_t ranks;       /**< stages x replicas. */
    uint32_t stages;      /**< Parts of the network, one behind the other. */
    uint32_t replicas;    /**< Ranks that share a stage. */
    uint32_t stage;       /**< Of this rank, 0 to below stages. */
    uint32_t replica;     /**< Of this rank, 0 to below replicas. */
    uint32_t reserved;    /**< 0. */
} mf_mpi_place;

/** Fills a spec with the defaults.
 *  @param spec  receives them
 *  @param size  sizeof *spec as the caller was compiled
 *  Errors: ARGUMENT. */
MF_API mf_status mf_mpi_grid_spec_init(mf_mpi_grid_spec *spec, size_t size);

/** Fills `place` with zeros and its struct_size.
 *  @param place  receives them
 *  @param size   sizeof *place as the caller was compiled
 *  Errors: ARGUMENT. */
MF_API mf_status mf_mpi_place_init(mf_mpi_place *place, size_t size);

/** Creates a grid from all ranks of a communicator. Collective over it. Free it with mf_mpi_grid_free().
 *  @param comm  an intracommunicator; duplicated
 *  @param spec  the same on all ranks; NULL for the defaults
 *  @param grid  receives the handle, or NULL on failure
 *  Errors: ARGUMENT (also a number of replicas that does not divide the number of ranks, and specs that
 *  differ), STATE (MPI is not initialised, or finalised already), VERSION (ranks with other versions of this
 *  library or of monoforward), MEMORY, IO. */
MF_API mf_status mf_mpi_grid_create(MPI_Comm comm, const mf_mpi_grid_spec *spec, mf_mpi_grid **grid);

/** Frees a grid, collective as MPI_Comm_free() is. Trainers keep what they need of it.
 *  @param grid  NULL is fine */
MF_API void mf_mpi_grid_free(mf_mpi_grid *grid);

/** Tells where this rank is.
 *  @param grid   to ask
 *  @param place  receives it; its struct_size is set by the caller
 *  Errors: HANDLE, ARGUMENT. */
MF_API mf_status mf_mpi_grid_place(const mf_mpi_grid *grid, mf_mpi_place *place);

/** Picks the layers of this rank's stage out of a network that all ranks have made alike. The stages are
 *  neighbours of about equal cost. Collective. A host whose network is too large for one rank makes the
 * layers of its stage alone, and does without this function.
 *  @param grid     whose stages share the layers
 *  @param network  the same in every bit on all ranks, with its optimizers; it may be freed afterwards, and
 * the layers of other stages with it
 *  @param costs    [layers of the network] what each layer costs, 0 or more, such as measured seconds, the
 * same on all ranks; NULL: computed from the shapes, as multiplications of a step
 *  @param part     receives a network with references to this stage's layers, or NULL on failure. Free it
 * with mf_network_free()
 *  @param first    receives the position in `network` of the first of them; may be NULL
 *  Errors: HANDLE, ARGUMENT (also costs that differ), SHAPE (fewer layers than stages; networks that differ
 * on two ranks), NUMERIC (a parameter is not finite), MEMORY, IO. */
MF_API mf_status mf_mpi_split(const mf_mpi_grid *grid, const mf_network *network, const double *costs,
                              mf_network **part, size_t *first);

/** How activations travel from stage to stage. */
enum {
    MF_MPI_WIRE_FLOAT32 = 0, /**< As they are: the bits are those of one process. */
    MF_MPI_WIRE_BF16 = 1     /**< Rounded to bfloat16, nearest even: half the bytes. The results are no longer
                                  those of one process, and depend on where the network is cut. */
};

/** What a trainer is made from. */
typedef struct mf_mpi_trainer_spec {
    uint32_t struct_size; /**< sizeof(mf_mpi_trainer_spec). */
    int32_t wire;         /**< MF_MPI_WIRE_...; default MF_MPI_WIRE_FLOAT32. */
    mf_network *network;  /**< The layers of this rank's stage, with their optimizers; no default. */
    size_t max_batch;     /**< Most rows of a batch; no default. */
    size_t depth;    /**< Messages that may be under way to each rank, and as many from it, up to 1024;
                          0 (default): 2. */
    int32_t local;   /**< 1: replicas do not average gradients: mf_mpi_average() averages parameters; 0
                          (default). */
    int32_t convert; /**< 1: batches may have inputs other than float32; 0 (default). Read on the first
                          stage. */
    mf_pool *pool;   /**< Whose threads share the work of this rank; NULL (default): none. */
} mf_mpi_trainer_spec;

/** What a rank has sent since its trainer was created. */
typedef struct mf_mpi_traffic {
    uint32_t struct_size;      /**< sizeof(mf_mpi_traffic), set by the caller. */
    uint32_t reserved;         /**< 0. */
    uint64_t messages;         /**< To the next stage, */
    uint64_t activation_bytes; /**< and their bytes: headers, labels, weights and activations. */
    uint64_t average_bytes;    /**< To the other replicas: gradients, or parameters. */
} mf_mpi_traffic;

/** Fills a spec with the defaults.
 *  @param spec  receives them
 *  @param size  sizeof *spec as the caller was compiled
 *  Errors: ARGUMENT. */
MF_API mf_status mf_mpi_trainer_spec_init(mf_mpi_trainer_spec *spec, size_t size);

/** Fills `traffic` with zeros and its struct_size.
 *  @param traffic  receives them
 *  @param size     sizeof *traffic as the caller was compiled
 *  Errors: ARGUMENT. */
MF_API mf_status mf_mpi_traffic_init(mf_mpi_traffic *traffic, size_t size);

/** Creates a trainer with all its memory. Collective. It takes references to the network's layers and copies
 * the scaling of its inputs: layers that come or go in the network, and a scaling that is set, are nothing to
 * the trainer afterwards. The layers belong to the trainer until it is freed, but between mf_mpi_flush() and
 * the next step they may be read, evaluated and changed, on all replicas alike; when they change their number
 * of classes, the trainer is STALE and another one is needed. Free it with mf_mpi_trainer_free().
 *  @param grid     in which the ranks train
 *  @param spec     what to make it from: wire, max_batch, depth and local are the same on all ranks
 *  @param trainer  receives the handle, or NULL on failure
 *  Errors: ARGUMENT (also what should be the same on all ranks and is not), HANDLE, SHAPE (stages that do not
 *  fit behind each other; replicas of a stage whose networks differ in a bit), STATE (an empty network; a
 * layer without optimizer; a pool where MPI_Init_thread() gave less than MPI_THREAD_FUNNELED), OVERFLOW (a
 * message of 2 GiB), NUMERIC (a parameter is not finite), MEMORY, IO. */
MF_API mf_status mf_mpi_trainer_create(const mf_mpi_grid *grid, const mf_mpi_trainer_spec *spec,
                                       mf_mpi_trainer **trainer);

/** Frees a trainer, collective. What is under way is dropped: call mf_mpi_flush() first to have it learned.
 *  @param trainer  NULL is fine */
MF_API void mf_mpi_trainer_free(mf_mpi_trainer *trainer);

/** One joint step: every layer of every stage learns from the batch. All ranks make the same number of calls;
 *  each returns when its own layers have learned. Ranks of the first stage may be ahead of the others, so a
 *  learning rate is set on each rank before the call whose batch it is for. Nothing is allocated here.
 *  @param trainer  to train with
 *  @param batch    on ranks of the first stage: this replica's batch, read during the call; with several
 *                  replicas NULL or one without rows where this one has none, while another has, or with
 *                  `local`; rows whose weights are all 0 are none. Other ranks: not read, may be NULL
 *  Errors: as mf_network_step_batch(), on all ranks at the same step and before anything has changed, for
 * what is wrong with a batch (a single row for a batch normalisation, too, where running means that are
 * frozen or thawed count from the next mf_mpi_flush() on); CAPACITY also if no replica has rows. With
 * `local` each replica is by itself: what is wrong with its batch is an error on its own ranks alone, and a
 * step without rows is OK. NUMERIC: an input, a loss, an average of gradients, or a parameter after the
 * update was not finite: the message names the batch, and the layer unless it is an average. That layer and
 * those behind it have not learned from the batch, those in front of it have, but for an update as in
 * mf_layer_step(); stages before may have gone on, and get NUMERIC in a later call. With averaging a stage
 * learns when all its layers have been through the batch. So of an input or a loss that is not finite on one
 * replica no layer of the stage has learned on any replica, nor have those behind; of an average that is
 * not, no layer of the stage; but stages behind learn from a batch whose average or update fails, since they
 * have received it already. STATE: the trainer is over; the stage before rests, as it has made fewer steps;
 * or inputs are not float32 without `convert`, for which that batch alone is refused. After NUMERIC, IO, a
 * stage that rests, and whatever layers behind the first one refuse, the trainer is over: call
 * mf_mpi_flush() and free it. */
MF_API mf_status mf_mpi_step(mf_mpi_trainer *trainer, const mf_batch *batch);

/** One greedy step: the layers before `position` pass the batch on, with their dropout, but without learning;
 *  the one at `position` learns; those behind do nothing. All ranks call it.
 *  @param trainer   to train with
 *  @param position  in the whole network: 0 for the first layer of the first stage
 *  @param batch     as in mf_mpi_step()
 *  Errors: as mf_mpi_step(), and NOT_FOUND. */
MF_API mf_status mf_mpi_step_layer(mf_mpi_trainer *trainer, size_t position, const mf_batch *batch);

/** Waits until every batch has been through all stages. Collective. Then the layers are at rest.
 *  @param trainer  to wait for
 *  Errors: HANDLE, NUMERIC (a step has failed: the message names the first batch and layer), STATE (the ranks
 *  have not made the same number of steps), IO. */
MF_API mf_status mf_mpi_flush(mf_mpi_trainer *trainer);

/** Averages all parameters over the replicas of each stage, also running mean and variance, each by the rows
 *  (or the sum of their weights) that it has learned from since the last time. The optimizers' state stays
 * each replica's own. Collective. Flushes first.
 *  @param trainer  with `local` set
 *  Errors: as mf_mpi_flush(), STATE (without `local`), STALE (layers have other classes than the trainer was
 *  made for), NUMERIC (a parameter is not finite). On any of these nothing has changed. */
MF_API mf_status mf_mpi_average(mf_mpi_trainer *trainer);

/** Brings all that training has changed into one network on rank 0: parameters, optimizer state, counts and
 *  places in random streams, of replica 0. It can then be saved, and trained on by one process or by any
 * number of ranks. Collective. Flushes first.
 *  @param trainer  whose layers are wanted
 *  @param network  on rank 0: a network like the one that was split, with its optimizers; usually that one.
 *                  Other ranks: not read, may be NULL
 *  Errors: as mf_mpi_flush(), HANDLE, SHAPE (layers that differ), NUMERIC (a value is not finite), MEMORY. */
MF_API mf_status mf_mpi_gather(mf_mpi_trainer *trainer, mf_network *network);

/** Report on the last step of a layer of this rank, on the rows of this replica. Where gradients are averaged
 * it is that of mf_layer_gradients(): `applied` does not count this step yet, and `gradient_norm` is -1.
 *  @param trainer   to ask
 *  @param position  in this rank's network, 0 for its first layer
 *  @param report    receives it; its struct_size is set by the caller
 *  Errors: HANDLE, ARGUMENT, NOT_FOUND. */
MF_API mf_status mf_mpi_report(const mf_mpi_trainer *trainer, size_t position, mf_report *report);

/** Tells what this rank has sent.
 *  @param trainer  to ask
 *  @param traffic  receives it; its struct_size is set by the caller
 *  Errors: HANDLE, ARGUMENT. */
MF_API mf_status mf_mpi_sent(const mf_mpi_trainer *trainer, mf_mpi_traffic *traffic);

/** @} */

#ifdef __cplusplus
}
#endif

#endif /* MONOFORWARD_MPI_H */
