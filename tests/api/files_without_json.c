/* A library built without a JSON library: it saves, it takes snapshots, and loading says why it cannot.
 * SPDX-License-Identifier: MIT */
#include "models.h"

static void test_loading_is_unsupported(void **state)
{
    mf_network *network = model_network(NULL), *loaded = (mf_network *)1;
    size_t bytes = 0;
    void *file = model_save(network, MF_CONTENTS_MODEL, &bytes), *snapshot;

    (void)state;
    check_status(MF_STATUS_UNSUPPORTED, mf_network_load_buffer(NULL, file, bytes, &loaded));
    check_message("JSON");
    assert_null(loaded);
    check_ok(mf_network_snapshot_size(network, &bytes));
    snapshot = get_memory(bytes);
    check_ok(mf_network_snapshot_save(network, snapshot, bytes));
    check_ok(mf_network_snapshot_load(network, snapshot, bytes));
    free(snapshot);
    free(file);
    mf_network_free(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_loading_is_unsupported)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
