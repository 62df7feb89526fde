/* Ranks that have unmasked floating-point exceptions get statuses, not SIGFPE, whatever numbers one of them
 * passes, and find their mode as it was. SPDX-License-Identifier: MIT */
#include <float.h>
#include <stdio.h>

#include "host.h"
#include "ranks.h"

static const int32_t y[HOST_ROWS] = {0, 1, 2, 0};

/* Stages or replicas, what these average, and how activations travel. */
typedef struct shape_of_ranks {
    const mf_mpi_grid *grid;
    int32_t local, wire;
} shape_of_ranks;

typedef struct training {
    host *host;
    mf_network *part;
    mf_mpi_trainer *trainer;
    mf_mpi_place place;
    float x[HOST_ROWS * HOST_INPUTS], weights[HOST_ROWS];
    mf_batch batch; /**< Of x and y, without weights. */
} training;

static training *begin(const shape_of_ranks *how, const float *weight)
{
    training *t = get_zeroed(1, sizeof *t);
    mf_mpi_trainer_spec spec;
    void *state;

    set_up_host(&state);
    t->host = state;
    if (weight != NULL)
        for (size_t i = 0; i < 2; i++)
            check_ok(mf_layer_set_parameter(layer_at(t->host->network, i), "weight", weight,
                                            HOST_INPUTS * HOST_INPUTS));
    t->part = take_part(how->grid, t->host->network);
    t->place = place_in(how->grid);
    spec = trainer_spec(t->part);
    spec.max_batch = HOST_ROWS;
    spec.local = how->local;
    spec.wire = how->wire;
    t->trainer = make_trainer(how->grid, &spec);
    fill_hostile(t->x, COUNT_OF(t->x), 0);
    t->batch = make_batch(HOST_ROWS, t->x, y);
    check_mode();
    return t;
}

static void end(training *t)
{
    void *state = t->host;

    check_mode();
    mf_mpi_trainer_free(t->trainer);
    check_mode();
    mf_network_free(t->part);
    tear_down_host(&state);
    free(t);
}

/* Whether this rank passes what is hostile: the last replica of the first stage does. */
static int is_hostile(const training *t)
{
    return t->place.stage == 0 && t->place.replica + 1 == t->place.replicas;
}

static mf_status step(training *t)
{
    const mf_status status = mf_mpi_step(t->trainer, t->place.stage == 0 ? &t->batch : NULL);

    check_mode();
    return status;
}

/* Where replicas learn on their own, others do not hear of it. */
static void expect(const training *t, const shape_of_ranks *how, uint32_t bits, mf_status refused,
                   mf_status got)
{
    if (how->local && !is_hostile(t))
        check_mpi(MF_STATUS_OK, got);
    else if (bits == LARGEST_BITS)
        assert_true(got == MF_STATUS_OK || got == MF_STATUS_NUMERIC);
    else
        check_mpi(refused, got);
}

/* A batch with such weights is left out. */
static void test_weights(const shape_of_ranks *how)
{
    training *t = begin(how, NULL);

    for (size_t i = 0; i < COUNT_OF(hostile); i++) {
        fill_hostile(t->weights, HOST_ROWS, is_hostile(t) ? hostile[i] : 1);
        t->batch.sample_weights = t->weights;
        expect(t, how, hostile[i], MF_STATUS_ARGUMENT, step(t));
        t->batch.sample_weights = NULL;
        if (hostile[i] != LARGEST_BITS)
            check_mpi_ok(step(t));
    }
    end(t);
}

static void test_inputs(const shape_of_ranks *how)
{
    for (size_t i = 0; i < COUNT_OF(hostile); i++) {
        training *t = begin(how, NULL);

        fill_hostile(t->x, COUNT_OF(t->x), is_hostile(t) ? hostile[i] : 1);
        expect(t, how, hostile[i], MF_STATUS_NUMERIC, step(t));
        end(t);
    }
}

/* Weights of layers that overflow in products, or on the way to the next stage, or vanish. */
static void test_parameters(const shape_of_ranks *how)
{
    static const uint32_t bits[] = {LARGEST_BITS, LARGEST_BITS | 1u << 31, 0x7F7F8000, 1, 0x007FFFFF};
    float weight[HOST_INPUTS * HOST_INPUTS];

    for (size_t i = 0; i < COUNT_OF(bits); i++)
        for (int all = 0; all < 2; all++) {
            training *t;
            mf_status status;

            memset(weight, 0, sizeof weight);
            for (size_t k = 0; k < COUNT_OF(weight); k++)
                if (all || k % (HOST_INPUTS + 1) == 0)
                    memcpy(&weight[k], &bits[i], sizeof weight[k]);
            t = begin(how, weight);
            status = step(t);
            assert_true(status == MF_STATUS_OK || status == MF_STATUS_NUMERIC);
            end(t);
        }
}

/* A host's own step, whose update overflows, leaves parameters that have no average. */
static void test_averages_of_parameters(const shape_of_ranks *how)
{
    training *t = begin(how, NULL);
    mf_workspace *workspace = make_network_workspace(t->part, HOST_ROWS);
    mf_status status;

    check_mpi_ok(step(t));
    check_mpi_ok(mf_mpi_average(t->trainer));
    check_mode();
    check_mpi_ok(step(t));
    check_ok(mf_optimizer_set(t->host->optimizer, MF_OPTIMIZER_LEARNING_RATE, 3e38));
    for (int k = 0; is_hostile(t) && k < 3; k++)
        mf_network_step(t->part, workspace, HOST_ROWS, t->x, y);
    status = mf_mpi_average(t->trainer);
    check_mode();
    check_mpi(t->place.replicas > 1 ? MF_STATUS_NUMERIC : MF_STATUS_OK, status);
    mf_workspace_free(workspace);
    end(t);
}

static void test_costs(const mf_mpi_grid *grid)
{
    mf_network *part = NULL;
    void *state;
    host *h;
    size_t first = 9;

    set_up_host(&state);
    h = state;
    for (size_t i = 0; i < HOSTILE_NUMBERS; i++) {
        double costs[2] = {hostile_double(i), hostile_double(i)};

        check_mpi(i + 1 < HOSTILE_NUMBERS ? MF_STATUS_ARGUMENT : MF_STATUS_OK,
                  mf_mpi_split(grid, h->network, costs, &part, &first));
        check_mode();
    }
    assert_true(first == place_in(grid).stage);
    mf_network_free(part);
    tear_down_host(&state);
}

int main(int argc, char **argv)
{
    const int skipped = skip_without_host();
    mf_mpi_grid *stages, *replicas;

    if (skipped)
        return skipped;
    MPI_Init(&argc, &argv);
    stages = make_grid(mpi_ranks() > 2 ? (uint32_t)mpi_ranks() / 2 : 1);
    replicas = make_grid((uint32_t)mpi_ranks());
    const shape_of_ranks shapes[] = {{stages, 0, MF_MPI_WIRE_FLOAT32},
                                     {stages, 0, MF_MPI_WIRE_BF16},
                                     {replicas, 0, MF_MPI_WIRE_FLOAT32},
                                     {replicas, 1, MF_MPI_WIRE_FLOAT32}};
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        test_weights(&shapes[i]);
        test_inputs(&shapes[i]);
        test_parameters(&shapes[i]);
    }
    test_averages_of_parameters(&shapes[3]);
    test_costs(stages);
    mf_mpi_grid_free(stages);
    mf_mpi_grid_free(replicas);
    if (mpi_rank() == 0)
        printf("%d ranks: no trap\n", mpi_ranks());
    MPI_Finalize();
    return 0;
}
