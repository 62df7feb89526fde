/* Pipelines: the bits of a sequential run, reports by function objects, and what they throw.
 * SPDX-License-Identifier: MIT */
#include "check.hpp"

#include <algorithm>
#include <memory>
#include <sched.h>

namespace
{
/* Processors that this process may use. */
std::uint32_t processors()
{
#if defined(__linux__)
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0)
        return static_cast<std::uint32_t>(CPU_COUNT(&allowed));
#endif
    return mf::pool().threads();
}

mf::pipeline_spec spec_for(const mf::network &network, std::uint32_t workers = 2)
{
    mf::pipeline_spec spec;
    spec.network = network.get();
    spec.max_batch = 4;
    spec.workers = workers;
    return spec;
}

struct refusal {
    std::uint64_t batch;
};
} // namespace

TEST(pipeline, the_bits_of_a_sequential_run)
{
    mf::network one = small_network(3), other = small_network(3);
    mf::workspace workspace(one, 4), other_workspace(other, 4);
    mf::pipeline pipeline(other, 4);
    for (int step = 0; step < 50; step++) {
        one.step(workspace, xor_x, xor_y);
        pipeline.submit(xor_x, xor_y);
    }
    pipeline.submit(mf::batch(xor_x, xor_y));
    one.step(workspace, mf::batch(xor_x, xor_y));
    std::vector<std::int32_t> labels(4);
    std::vector<float> scores(8);
    pipeline.predict(other_workspace, xor_x, labels, MF_PREDICT_SUM);
    CHECK(labels == one.predict(workspace, xor_x, MF_PREDICT_SUM));
    CHECK(pipeline.predict(other_workspace, xor_x) == one.predict(workspace, xor_x));
    pipeline.infer(other_workspace, mf::batch(xor_x, 4), {labels, scores, {}});
    CHECK(scores == one.goodness(workspace, xor_x));
    std::fill(scores.begin(), scores.end(), 0.0F);
    pipeline.infer(other_workspace, xor_x, {labels, scores, {}});
    CHECK(scores == one.goodness(workspace, xor_x));
    for (const mf::owned_answers &found :
         {pipeline.infer(other_workspace, mf::batch(xor_x, 4), MF_PREDICT_SUM),
          pipeline.infer(other_workspace, xor_x, MF_PREDICT_SUM)}) {
        CHECK(found.labels == one.predict(workspace, xor_x, MF_PREDICT_SUM));
        CHECK(found.goodness == one.goodness(workspace, xor_x, MF_PREDICT_SUM));
        CHECK(found.probabilities == one.probabilities(workspace, xor_x, MF_PREDICT_SUM));
    }
    one.evaluate(workspace, xor_x, xor_y);
    pipeline.evaluate(other_workspace, xor_x, xor_y);
    CHECK(other_workspace.report_sum().loss == workspace.report_sum().loss);
    pipeline.evaluate(other_workspace, mf::batch(xor_x, xor_y));
    CHECK(other_workspace.report(2).loss == workspace.report(2).loss);
    mf_pipeline_progress_info progress = pipeline.progress();
    CHECK(progress.submitted == 51 && progress.finished == 51 && progress.stopped == 0);
}

TEST(pipeline, a_pool_gives_the_bits_of_one_thread)
{
    mf::network one = small_network(2, 600), other = small_network(2, 600), third = small_network(2, 600);
    mf::workspace alone(one, 4), shared(third, 4);
    {
        mf::pool pool(3);
        CHECK(pool.threads() == 3);
        shared = mf::workspace(third, 4, pool);
        mf::pipeline pipeline(other, 4, pool);
        for (int step = 0; step < 10; step++) {
            one.step(alone, xor_x, xor_y);
            third.step(shared, xor_x, xor_y);
            pipeline.submit(xor_x, xor_y);
        }
        pipeline.flush();
    }
    one.evaluate(alone, xor_x, xor_y);
    third.evaluate(shared, xor_x, xor_y); /* the workspace keeps the pool */
    mf::workspace third_room(other, 4);
    other.evaluate(third_room, xor_x, xor_y);
    CHECK(alone.report_sum().loss == shared.report_sum().loss);
    CHECK(alone.report_sum().loss == third_room.report_sum().loss);
    CHECK(mf::pool().threads() == processors());
}

TEST(pipeline, a_full_queue_is_no_error)
{
    mf::network network = small_network(2, 400);
    mf::pipeline_spec spec = spec_for(network, 1);
    spec.depth = 1;
    mf::pipeline pipeline(spec);
    int taken = 0, busy = 0;
    while (taken < 200)
        (pipeline.try_submit(xor_x, xor_y) ? taken : busy)++;
    while (!pipeline.try_submit(mf::batch(xor_x, xor_y)))
        busy++;
    CHECK(taken == 200 && busy > 0);
    pipeline.flush();
    CHECK(pipeline.progress().finished == 201);
    const std::int32_t wrong[] = {0, 1, 2, 0};
    CHECK_ERROR(MF_STATUS_LABEL, "", (void)pipeline.try_submit(xor_x, wrong));
}

TEST(pipeline, reports_by_polling)
{
    mf::network network = small_network(3);
    mf::pipeline pipeline(network, 4);
    CHECK(!pipeline.poll());
    pipeline.submit(xor_x, xor_y);
    pipeline.flush();
    std::uint64_t position = 0;
    while (std::optional<mf_pipeline_report> report = pipeline.poll()) {
        CHECK(report->batch == 0 && report->position == position && report->rows == 4);
        position++;
    }
    CHECK(position == 3);
}

TEST(pipeline, sizes_are_looked_at)
{
    mf::network network = small_network();
    mf::workspace workspace(network, 4);
    mf::pipeline pipeline(network, 4);
    std::vector<float> x(7);
    std::vector<std::int32_t> labels(3);
    CHECK_ERROR(MF_STATUS_SHAPE, "x: 7 values are not 4 rows of 2, as many as the labels are for",
                pipeline.submit(x, xor_y));
    CHECK_ERROR(MF_STATUS_SHAPE, "x: 7", (void)pipeline.try_submit(x, xor_y));
    CHECK_ERROR(MF_STATUS_SHAPE, "x: 7", pipeline.submit(mf::batch(x, xor_y)));
    CHECK_ERROR(MF_STATUS_SHAPE, "x: 7", (void)pipeline.try_submit(mf::batch(x, xor_y)));
    CHECK_ERROR(MF_STATUS_SHAPE, "x: 7", pipeline.evaluate(workspace, x, xor_y));
    CHECK_ERROR(MF_STATUS_SHAPE, "x: 7", pipeline.infer(workspace, x));
    CHECK_ERROR(MF_STATUS_SHAPE, "x: 7", pipeline.infer(workspace, x, {labels, {}, {}}));
    CHECK_ERROR(MF_STATUS_SHAPE, "x: 7", pipeline.infer(workspace, mf::batch(x, 4)));
    CHECK_ERROR(MF_STATUS_SHAPE, "x: 7", pipeline.evaluate(workspace, mf::batch(x, xor_y)));
    CHECK_ERROR(MF_STATUS_SHAPE, "3 rows", pipeline.predict(workspace, xor_x, labels));
    CHECK_ERROR(MF_STATUS_SHAPE, "x: 7", pipeline.predict(workspace, x));
    CHECK_ERROR(MF_STATUS_SHAPE, "labels: 3",
                pipeline.infer(workspace, mf::batch(xor_x, 4), {labels, {}, {}}));
    CHECK(pipeline.progress().submitted == 0);
}

TEST(pipeline, a_lambda_hears_every_report)
{
    mf::network network = small_network(3);
    std::vector<std::uint64_t> positions;
    mf::pipeline pipeline(spec_for(network),
                          [&](const mf_pipeline_report &report) { positions.push_back(report.position); });
    for (int i = 0; i < 10; i++)
        pipeline.submit(xor_x, xor_y);
    mf::pipeline moved = std::move(pipeline); /* the function comes along */
    CHECK(!pipeline && moved);
    moved.flush();
    CHECK(positions.size() == 30 && positions[4] == 1 && !moved.poll());
}

TEST(pipeline, a_function_object_may_be_moved_only_and_may_stop)
{
    struct counter {
        std::unique_ptr<std::size_t> calls;
        std::int32_t operator()(const mf_pipeline_report &report)
        {
            ++*calls;
            return report.batch == 2 ? 7 : 0;
        }
    };
    mf::network network = small_network(1);
    mf::pipeline pipeline(spec_for(network, 0), counter{std::make_unique<std::size_t>(0)});
    pipeline.submit(xor_x, xor_y);
    pipeline.submit(xor_x, xor_y);
    CHECK_ERROR(MF_STATUS_STATE, "7", (pipeline.submit(xor_x, xor_y), pipeline.flush()));
    CHECK(pipeline.progress().stopped == 1);
    CHECK_ERROR(MF_STATUS_STATE, "", pipeline.submit(xor_x, xor_y));
}

TEST(pipeline, an_exception_leaves_the_call_that_was_on_its_way)
{
    mf::network network = small_network(2);
    int heard = 0;
    mf::pipeline pipeline(spec_for(network), [&heard](const mf_pipeline_report &report) {
        if (++heard == 7)
            throw refusal{report.batch};
    });
    bool caught = false;
    try {
        for (int i = 0; i < 8; i++)
            pipeline.submit(xor_x, xor_y);
        pipeline.flush();
    } catch (const refusal &problem) {
        caught = problem.batch == 3;
    }
    CHECK(caught && heard == 7);
    CHECK(pipeline.progress().stopped == 1);
    CHECK_ERROR(MF_STATUS_STATE, "", pipeline.submit(xor_x, xor_y)); /* once thrown, not again */
    mf::workspace workspace(network, 4);
    CHECK(network.predict(workspace, xor_x).size() == 4); /* the layers are at rest */
}

namespace
{
/* A stop whose callback throws, if it is called at all: the workers may have been done before, or not begun.
 * Returns how often it was called. */
int stop_angrily(mf::network &network)
{
    bool angry = false, caught = false;
    int thrown = 0;
    mf::pipeline pipeline(spec_for(network), [&](const mf_pipeline_report &report) {
        if (angry) {
            thrown++;
            throw refusal{report.batch};
        }
    });
    pipeline.submit(xor_x, xor_y);
    angry = true;
    try {
        pipeline.stop();
        pipeline.stop();
    } catch (const refusal &) {
        caught = true;
    }
    CHECK(caught == (thrown > 0) && pipeline.progress().stopped == 1);
    return thrown;
}
} // namespace

/* mf_pipeline_stop() is content whatever a callback answers; an exception must not be lost there. */
TEST(pipeline, an_exception_during_stop_is_not_lost)
{
    mf::network network = small_network(1);
    int thrown = 0;
    for (int attempt = 0; attempt < 500 && thrown == 0; attempt++)
        thrown = stop_angrily(network);
    CHECK(thrown == 1);
}

TEST(pipeline, a_function_must_not_call_its_pipeline)
{
    mf::network network = small_network(1);
    mf::pipeline *self = nullptr;
    mf::pipeline pipeline(spec_for(network, 0), [&self](const mf_pipeline_report &) { self->flush(); });
    self = &pipeline;
    CHECK_ERROR(MF_STATUS_STATE, "callback", (pipeline.submit(xor_x, xor_y), pipeline.flush()));
}

TEST(pipeline, a_function_of_c_works_as_in_c)
{
    mf::network network = small_network(2);
    mf::pipeline_spec spec = spec_for(network);
    std::size_t heard = 0;
    spec.user = &heard;
    spec.on_report = [](void *user, const mf_pipeline_report *) -> std::int32_t {
        ++*static_cast<std::size_t *>(user);
        return 0;
    };
    mf::pipeline pipeline(spec);
    pipeline.submit(xor_x, xor_y);
    pipeline.flush();
    CHECK(heard == 2);
    pipeline = mf::pipeline(network, 4, 1); /* ends the first one */
    pipeline.submit(xor_x, xor_y);
    pipeline.flush();
    CHECK(heard == 2 && pipeline.progress().finished == 1);
}
