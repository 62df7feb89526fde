/* Owns: which work item is next, and which ones become ready when it is finished. */
#include "parallel/schedule.h"

static bool is_ready(const mf_pipeline *pipeline, const mfi_group *group)
{
    uint64_t arrived = group == pipeline->groups ? pipeline->submitted : group[-1].done;
    return !group->busy && group->done < arrived;
}

/* A later group has an older batch, so the last ready group has the oldest one. */
static mfi_group *find_ready(const mf_pipeline *pipeline)
{
    for (size_t g = pipeline->group_count; g-- > 0;)
        if (is_ready(pipeline, &pipeline->groups[g]))
            return &pipeline->groups[g];
    return NULL;
}

mfi_group *mfi_schedule_take(mf_pipeline *pipeline)
{
    mfi_group *group = pipeline->stopped ? NULL : find_ready(pipeline);
    if (!group)
        return NULL;
    group->busy = true;
    pipeline->running++;
    /* If another item is ready, another thread is called for it. */
    if (pipeline->threaded && find_ready(pipeline))
        mfi_pool_call(pipeline->pool);
    return group;
}

void mfi_schedule_disclaim(mf_pipeline *pipeline, const mfi_group *group)
{
    for (size_t i = group->first; group->done == pipeline->submitted && i < group->end; i++)
        mfi_layer_disclaim(pipeline->members[i].layer, pipeline);
}

void mfi_schedule_finish(mf_pipeline *pipeline, mfi_group *group)
{
    group->busy = false;
    group->done++;
    mfi_schedule_disclaim(pipeline, group);
    pipeline->running--;
    if (group == &pipeline->groups[pipeline->group_count - 1] || pipeline->stopped)
        pthread_cond_signal(&pipeline->rest);
    /* This thread looks again, but where the pool has several pipelines it may be given to another one. */
    if (pipeline->threaded && pipeline->pool->sources->next && find_ready(pipeline))
        mfi_pool_call(pipeline->pool);
}

uint64_t mfi_schedule_finished(const mf_pipeline *pipeline)
{
    return pipeline->groups[pipeline->group_count - 1].done;
}
