/* Owns: splitting the layers of a network into groups of neighbours of about equal cost. */
#include "parallel/groups.h"

static double cost_of(const mf_network *network, size_t position)
{
    return mfi_plan_work(&network->entries[position].layer->plan);
}

/* Fills one group after the other until its cost would exceed `limit`. Every group gets at least one layer,
 * and the last one all that are left; false if the last one exceeds the limit. */
static bool fill_groups(const mf_network *network, mfi_group *groups, size_t count, double limit)
{
    size_t position = 0;
    double sum = 0.0;
    for (size_t g = 0; g < count; g++) {
        size_t behind = count - g - 1;
        groups[g].first = position;
        sum = cost_of(network, position++);
        while (position < network->count - behind &&
               (behind == 0 || sum + cost_of(network, position) <= limit))
            sum += cost_of(network, position++);
        groups[g].end = position;
    }
    return sum <= limit;
}

void mfi_cut_groups(const mf_network *network, mfi_group *groups, size_t count)
{
    enum { HALVINGS = 50 };
    double low = 0.0, high = 0.0; /* `low` may be too low a limit, `high` is not */
    for (size_t i = 0; i < network->count; i++) {
        low = cost_of(network, i) > low ? cost_of(network, i) : low;
        high += cost_of(network, i);
    }
    for (int i = 0; i < HALVINGS; i++) {
        double middle = 0.5 * (low + high);
        if (fill_groups(network, groups, count, middle))
            high = middle;
        else
            low = middle;
    }
    fill_groups(network, groups, count, high);
}
