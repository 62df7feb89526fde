/* Owns: the inputs of stages in the forward pass, and the use of gradients in the backward pass. */
#include "model/run.h"

#include <string.h>

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
    if (run->use == MFI_UPDATE) {
        mfi_role role = run->layer->plan.parameters[parameter].role;
        uint64_t step = ++run->learner->parameters[parameter].steps;
        target.rule = mfi_optimizer_rule(&run->settings->optimizer, run->settings->has_momentum, step,
                                         mfi_role_decays(role));
    }
    return target;
}

static void update_slice(mfi_run *run, const mfi_target *target, size_t first, size_t rows, size_t columns,
                         size_t stride, const float *gradient)
{
    mfi_storage *storage = &run->learner->parameters[target->number].now;
    float *s0 = storage->state[0] ? storage->state[0] + first : NULL;
    float *s1 = storage->state[1] ? storage->state[1] + first : NULL;
    run->layer->kernels->update(&target->rule, rows, columns, storage->values + first, stride, gradient,
                                columns, s0, s1);
}

void mfi_run_take(mfi_run *run, const mfi_target *target, size_t first, size_t rows, size_t columns,
                  size_t stride, const float *gradient)
{
    if (!target->wanted)
        return;
    if (run->use == MFI_UPDATE) {
        update_slice(run, target, first, rows, columns, stride, gradient);
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

bool mfi_run_uses_batch(const mfi_run *run, size_t stage)
{
    const mfi_stage *s = &run->layer->plan.stages[stage];
    return s->normalizes && run->settings && run->settings->trains[s->parameters[MFI_MEAN]];
}
