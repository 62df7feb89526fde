/* Owns: the inputs of stages in the forward pass, and the use of gradients in the backward pass. */
#include "model/run.h"

#include <string.h>

#include "base/counts.h"
#include "base/memory.h"
#include "base/status.h"
#include "base/subnormal.h"

mfi_input mfi_run_input(const mfi_run *run, size_t stage, int which)
{
    int32_t node = run->layer->plan.stages[stage].inputs[which];
    if (node == 0)
        return (mfi_input){run->rows->x, run->rows->stride};
    return (mfi_input){mfi_run_output(run, (size_t)node - 1),
                       run->layer->plan.stages[node - 1].output_values};
}

float *mfi_run_output(const mfi_run *run, size_t stage)
{
    float *output = run->scratch->kept[stage].output;
    return output ? output : run->a;
}

float *mfi_run_copy_input(const mfi_run *run, size_t stage)
{
    mfi_input input = mfi_run_input(run, stage, 0);
    float *output = mfi_run_output(run, stage);
    size_t n = run->layer->plan.stages[stage].output_values;
    for (size_t b = 0; b < run->rows->count; b++)
        memcpy(output + b * n, input.x + b * input.stride, n * sizeof *output);
    return output;
}

const float *mfi_run_values(const mfi_run *run, size_t stage, mfi_role role)
{
    int32_t number = run->layer->plan.stages[stage].parameters[role];
    return number < 0 ? NULL : run->layer->parameters[number].now.values;
}

mfi_target mfi_run_target(mfi_run *run, int32_t parameter)
{
    mfi_target target = {.wanted = parameter >= 0 && run->settings->trains[parameter]};
    if (!target.wanted)
        return target;
    target.number = (size_t)parameter;
    if (run->use == MFI_UPDATE || run->use == MFI_TRIAL) {
        mfi_role role = run->layer->plan.parameters[parameter].role;
        uint64_t step = mfi_count_on(run->learner->parameters[parameter].steps);
        if (run->use == MFI_UPDATE)
            run->learner->parameters[parameter].steps = step;
        target.rule = mfi_optimizer_rule(&run->settings->optimizer, run->settings->has_momentum, step,
                                         mfi_role_decays(role), &run->correction);
    }
    return target;
}

static void set_flag(atomic_bool *flag)
{
    atomic_store_explicit(flag, true, memory_order_relaxed);
}

static bool take_flag(atomic_bool *flag)
{
    bool was = atomic_load_explicit(flag, memory_order_relaxed);
    atomic_store_explicit(flag, false, memory_order_relaxed);
    return was;
}

void mfi_run_updated(const mfi_run *run, bool finite)
{
    if (!finite)
        set_flag(&run->learner->doubtful);
}

mf_status mfi_run_end_trial(const mfi_run *run)
{
    if (take_flag(&run->learner->spoiled))
        return mfi_fail(MF_STATUS_NUMERIC,
                        "the update would leave a parameter that is not finite: nothing has "
                        "changed");
    return MF_STATUS_OK;
}

/* Memory may have more values, which fill up panels and may be anything. */
static bool parameter_is_finite(const mf_layer *layer, size_t p)
{
    enum { PIECE = 512 };
    float values[PIECE];
    const mfi_storage *storage = &layer->parameters[p].now;
    size_t all = layer->plan.parameters[p].count;
    bool finite = layer->kernels->all_finite(storage->count, storage->values);
    for (size_t first = 0; !finite && first < all; first += PIECE) {
        size_t count = all - first < PIECE ? all - first : PIECE;
        mfi_layer_get_values(layer, p, -1, first, count, values);
        if (!layer->kernels->all_finite(count, values))
            return false;
    }
    return true;
}

mf_status mfi_run_end_update(const mfi_run *run)
{
    const mfi_plan *plan = &run->layer->plan;
    bool doubtful = take_flag(&run->learner->doubtful);
    for (size_t p = 0; doubtful && p < plan->parameter_count; p++) {
        if (!mfi_role_learns(plan->parameters[p].role) || parameter_is_finite(run->layer, p))
            continue;
        set_flag(&run->learner->doubtful); /* until it is restored */
        return mfi_fail(MF_STATUS_NUMERIC,
                        "the update has left values of %s that are not finite: the layer "
                        "must be restored",
                        plan->parameters[p].name);
    }
    return MF_STATUS_OK;
}

static void update_slice(mfi_run *run, const mfi_target *target, size_t first, size_t rows, size_t columns,
                         size_t stride, const float *gradient)
{
    mfi_storage *storage = &run->learner->parameters[target->number].now;
    float *s0 = storage->state[0] ? storage->state[0] + first : NULL;
    float *s1 = storage->state[1] ? storage->state[1] + first : NULL;
    mfi_run_updated(run, run->layer->kernels->update(&target->rule, rows, columns, storage->values + first,
                                                     stride, gradient, columns, s0, s1));
}

/* The update of a copy. */
static void try_slice(mfi_run *run, const mfi_target *target, size_t first, size_t columns,
                      const float *gradient)
{
    enum { PIECE = 512 };
    float values[PIECE], state[MFI_STATE_SLOTS][PIECE];
    const mfi_storage *storage = &run->learner->parameters[target->number].now;
    for (size_t at = 0; at < columns; at += PIECE) {
        size_t count = columns - at < PIECE ? columns - at : PIECE;
        memcpy(values, storage->values + first + at, count * sizeof *values);
        for (int slot = 0; slot < MFI_STATE_SLOTS && storage->state[slot]; slot++)
            memcpy(state[slot], storage->state[slot] + first + at, count * sizeof *values);
        if (!run->layer->kernels->update(&target->rule, 1, count, values, count, gradient + at, count,
                                         state[0], state[1]))
            set_flag(&run->learner->spoiled);
    }
}

void mfi_run_take(mfi_run *run, const mfi_target *target, size_t first, size_t rows, size_t columns,
                  size_t stride, const float *gradient)
{
    if (!target->wanted)
        return;
    if (run->use == MFI_UPDATE) {
        update_slice(run, target, first, rows, columns, stride, gradient);
    } else if (run->use == MFI_TRIAL) {
        for (size_t i = 0; i < rows; i++)
            try_slice(run, target, first + i * stride, columns, gradient + i * columns);
    } else if (run->use == MFI_MEASURE) {
        run->squares += run->layer->kernels->sum_of_squares(rows * columns, gradient);
    } else {
        float *to = run->out + run->layer->plan.parameters[target->number].offset + first;
        for (size_t i = 0; i < rows; i++)
            memcpy(to + i * stride, gradient + i * columns, columns * sizeof *to);
    }
}

/* What the threads that share work have in common. */
typedef struct shared_work {
    const mfi_run *run;
    mfi_piece piece;
    void *context;
    bool measures;
} shared_work;

static void do_piece(void *context, size_t index, size_t slot)
{
    const shared_work *work = context;
    mfi_scratch scratch = mfi_scratch_of(work->run->scratch, slot);
    mfi_run mine = *work->run;
    mine.scratch = &scratch;
    mine.squares = 0.0;
    work->piece(&mine, work->context, index);
    if (work->measures)
        scratch.squares[index] = mine.squares;
}

static void share_work(const mfi_run *run, size_t count, mfi_piece piece, void *context, bool measures)
{
    shared_work work = {run, piece, context, measures};
    mfi_team_run(run->team, count, do_piece, &work);
}

void mfi_run_share(const mfi_run *run, size_t count, mfi_piece piece, void *context)
{
    share_work(run, count, piece, context, false);
}

void mfi_run_share_gradients(mfi_run *run, size_t count, mfi_piece piece, void *context)
{
    share_work(run, count, piece, context, run->use == MFI_MEASURE);
    for (size_t index = 0; run->use == MFI_MEASURE && index < count; index++)
        run->squares += run->scratch->squares[index];
}

/* ---- items of a batch ---- */

typedef struct shared_items {
    mfi_items items;
    void *context;
    size_t count, piece; /* of all items, and of those of a piece but for the last */
} shared_items;

static void do_items(mfi_run *mine, void *context, size_t index)
{
    const shared_items *all = context;
    size_t first = index * all->piece, left = all->count - first;
    all->items(mine, all->context, first, first + (left < all->piece ? left : all->piece));
}

void mfi_run_share_items(const mfi_run *run, size_t count, size_t values, mfi_items items, void *context)
{
    enum { PIECE_VALUES = 16384 }; /* worth waking a thread for */
    size_t piece = values < PIECE_VALUES ? PIECE_VALUES / values : 1;
    shared_items all = {items, context, count, piece};
    mfi_run_share(run, (count + piece - 1) / piece, do_items, &all);
}

/* ---- sums over a batch ---- */

typedef struct shared_sums {
    mfi_summands summands;
    void *context;
    size_t count, runs;    /* of items, and of runs of them that have sums of their own */
    size_t values, stride; /* stride: from the sums of a run to those of the next */
} shared_sums;

/* The bits depend on the number of runs, so it does not depend on that of threads. Many even out the work of
 * threads, but each of them takes memory. */
static shared_sums divide_sums(size_t count, size_t values)
{
    enum { MOST = 8, LEAST = 2, MOST_VALUES = 1 << 23, LINE = 16 };
    size_t runs = MOST;
    while (runs > LEAST && values > MOST_VALUES / runs)
        runs /= 2;
    return (shared_sums){.count = count,
                         .runs = runs < count ? runs : count,
                         .values = values,
                         .stride = (values + LINE - 1) / LINE * LINE};
}

bool mfi_sums_room(size_t count, size_t values, size_t *floats)
{
    shared_sums all = divide_sums(count, values);
    return all.stride >= values && mfi_multiply(all.runs, all.stride, floats);
}

static void sum_run(mfi_run *mine, void *context, size_t index)
{
    const shared_sums *all = context;
    float *sums = mine->scratch->sums + index * all->stride;
    memset(sums, 0, all->values * sizeof *sums);
    all->summands(mine, all->context, index * all->count / all->runs, (index + 1) * all->count / all->runs,
                  sums);
}

static void add_runs(mfi_run *mine, void *context, size_t first, size_t end)
{
    const shared_sums *all = context;
    float *sums = mine->scratch->sums + first;
    for (size_t run = 1; run < all->runs; run++)
        mine->layer->kernels->scale_add(end - first, 1.0f, sums, 1.0f, sums + run * all->stride);
}

void mfi_run_share_sums(const mfi_run *run, size_t count, size_t values, mfi_summands summands, void *context)
{
    shared_sums all = divide_sums(count, values);
    all.summands = summands;
    all.context = context;
    mfi_run_share(run, all.runs, sum_run, &all);
    mfi_run_share_items(run, values, all.runs, add_runs, &all);
}

bool mfi_run_uses_batch(const mfi_run *run, size_t stage)
{
    const mfi_stage *s = &run->layer->plan.stages[stage];
    return s->normalizes && run->settings && run->settings->trains[s->parameters[MFI_MEAN]];
}
