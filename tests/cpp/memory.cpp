/* Nothing leaks, whichever allocation fails; arenas; what training does not allocate.
 * SPDX-License-Identifier: MIT */
#include "check.hpp"

namespace
{
/* Everything that has a constructor, with this allocator. */
void build_all(const mf_allocator *allocator)
{
    mf::network network = small_network(2, 8, allocator);
    mf::pool_spec threads;
    threads.threads = 2;
    threads.allocator = allocator;
    mf::pool pool(threads);
    mf::workspace_spec room;
    room.network = network.get();
    room.max_batch = 4;
    room.allocator = allocator;
    room.pool = pool.get();
    mf::workspace workspace(room);
    network.step(workspace, xor_x, xor_y);
    mf::pipeline_spec parallel;
    parallel.network = network.get();
    parallel.max_batch = 4;
    parallel.workers = 0;
    parallel.allocator = allocator;
    std::size_t heard = 0;
    mf::pipeline pipeline(parallel, [&heard](const mf_pipeline_report &) { heard++; });
    pipeline.submit(xor_x, xor_y);
    pipeline.flush();
    mf::load_spec how;
    how.allocator = allocator;
    mf::network copy = mf::network::load_buffer(network.save_buffer(), how);
    CHECK(heard == 2 && copy.size() == 2);
}
} // namespace

TEST(memory, whichever_allocation_fails_nothing_leaks)
{
    counting_memory memory;
    mf_allocator allocator = memory.allocator();
    build_all(&allocator);
    std::size_t calls = memory.calls;
    CHECK(memory.blocks == 0 && memory.bytes == 0 && calls > 20);
    for (std::size_t k = 1; k <= calls; k++) {
        memory = counting_memory();
        memory.fail_at = k;
        CHECK_ERROR(MF_STATUS_MEMORY, "", build_all(&allocator));
        CHECK(memory.blocks == 0 && memory.bytes == 0);
    }
}

TEST(memory, steps_and_predictions_into_arrays_allocate_nothing)
{
    mf::network network = small_network();
    mf::workspace workspace(network, 4);
    std::vector<std::int32_t> labels(4), best(8);
    std::vector<float> scores(8), chances(8), shift(2), scale(2);
    std::size_t before = news();
    for (int i = 0; i < 10; i++) {
        network.step(workspace, xor_x, xor_y);
        network.step(workspace, mf::batch(xor_x, xor_y));
        network.predict(workspace, xor_x, labels);
        network.infer(workspace, mf::batch(xor_x, 4), {labels, scores, {}});
        network.infer(workspace, xor_x, {labels, scores, {}});
        network.top(workspace, mf::batch(xor_x, 4), 2, {best, scores, chances});
        network.top(workspace, xor_x, 2, {best, scores, chances});
        network.input_scaling(shift, scale);
        workspace.report(1);
    }
    CHECK(news() == before);
    network.predict(workspace, xor_x);
    CHECK(news() > before); /* so that it is known to count */
}

TEST(memory, an_arena_as_large_as_said_suffices)
{
    std::vector<mf::layer_spec> shapes = {mf::layer_spec::dense(2, 16, 2), mf::layer_spec::dense(16, 16, 2)};
    mf::optimizer_spec how;
    mf_memory needs = mf::network_memory(shapes, 4, &how);
    CHECK(needs.total > 0 && needs.arena >= needs.total);
    CHECK(mf::network_memory(shapes, 4, &how, MF_WORKSPACE_INFERENCE).workspace < needs.workspace);
    CHECK(mf::network_memory(shapes, 4).state == 0);
    const mf_layer_spec *list[] = {&shapes[0], &shapes[1]};
    mf::memory_spec query;
    query.layers = list;
    query.count = 2;
    query.max_batch = 4;
    CHECK(mf::memory_query(query).workspace == needs.workspace);
    query.threads = 3;
    CHECK(mf::memory_query(query).workspace > needs.workspace);
    CHECK_ERROR(MF_STATUS_STATE, "", mf::network_memory({}, 4));

    std::vector<std::byte> buffer(needs.arena);
    mf::arena arena(buffer);
    mf::network network = small_network(2, 16, &arena);
    mf::workspace_spec room;
    room.network = network.get();
    room.max_batch = 4;
    room.allocator = &arena;
    mf::workspace workspace(room);
    network.step(workspace, xor_x, xor_y);
    CHECK(workspace.report(1).rows == 4);
    CHECK_ERROR(MF_STATUS_MEMORY, "", small_network(2, 16, &arena));
}
