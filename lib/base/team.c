/* Owns: sharing the pieces of a call's work among threads, as the code that computes sees it. */
#include "base/team.h"

static size_t own_slot(const mfi_team *team)
{
    return team ? team->slot : 0;
}

size_t mfi_team_threads(const mfi_team *team)
{
    return team && team->crew ? team->threads : 1;
}

void mfi_team_run(const mfi_team *team, size_t count, mfi_task task, void *context)
{
    if (count > 1 && mfi_team_threads(team) > 1) {
        team->crew->run(team, count, task, context);
        return;
    }
    for (size_t index = 0; index < count; index++)
        task(context, index, own_slot(team));
}

void mfi_team_retain(const mfi_team *team)
{
    if (team->crew)
        team->crew->retain(team->pool);
}

void mfi_team_release(const mfi_team *team)
{
    if (team->crew)
        team->crew->release(team->pool);
}
