/* The layers of a network in groups of neighbours: the most expensive group costs as little as in the best of
 * all divisions. SPDX-License-Identifier: MIT */
#include "build.h"
#include "parallel/groups.h"
#include "random.h"

enum { MOST_LAYERS = 9 };

/* Of all divisions of the layers from `first` on into `count` groups, the least that the most expensive one
 * costs. */
static double best_limit(const double *costs, size_t layers, size_t first, size_t count)
{
    double best = -1.0, sum = 0.0;

    for (size_t end = first + 1; end + count - 1 <= layers; end++) {
        double rest;

        sum += costs[end - 1];
        if (count == 1 && end < layers)
            continue;
        rest = count == 1 ? 0.0 : best_limit(costs, layers, end, count - 1);
        rest = rest > sum ? rest : sum;
        best = best < 0.0 || rest < best ? rest : best;
    }
    return best;
}

static void check_groups(const mf_network *network, const double *costs, size_t layers, size_t count)
{
    mfi_group groups[MOST_LAYERS] = {{0}};
    double most = 0.0;
    size_t next = 0;

    mfi_cut_groups(network, groups, count);
    for (size_t g = 0; g < count; g++) {
        double sum = 0.0;

        assert_int_equal(groups[g].first, next);
        assert_in_range(groups[g].end, next + 1, layers);
        for (; next < groups[g].end; next++)
            sum += costs[next];
        most = sum > most ? sum : most;
    }
    assert_int_equal(next, layers);
    check_near(best_limit(costs, layers, 0, count), most, 1e-9 * most);
}

static void test_no_division_is_better(void **state)
{
    test_random random = {31};

    (void)state;
    for (int i = 0; i < 60; i++) {
        size_t widths[MOST_LAYERS + 1], layers = 1 + random_index(&random, MOST_LAYERS);
        double costs[MOST_LAYERS];
        mf_network *network;

        for (size_t k = 0; k <= layers; k++) /* also all alike */
            widths[k] = i % 4 == 0 ? 5 : 1 + random_index(&random, 40);
        network = make_stack(widths, layers, 3, 1, NULL);
        for (size_t k = 0; k < layers; k++)
            costs[k] = mfi_plan_work(&layer_at(network, k)->plan);
        for (size_t count = 1; count <= layers; count++)
            check_groups(network, costs, layers, count);
        mf_network_free(network);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_division_is_better),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
