/* monoforward_mpi.hpp: every function of monoforward_mpi.h is reached through it. SPDX-License-Identifier:
 * MIT */
#include "monoforward_mpi.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace mf = monoforward;

namespace
{

void require(bool condition, const char *what)
{
    if (condition)
        return;
    std::fprintf(stderr, "failed: %s\n", what);
    std::exit(1);
}

mf::network make_network(const mf::optimizer &optimizer)
{
    mf::network network;
    for (std::size_t i = 0; i < 4; i++) {
        mf::layer_spec spec = mf::layer_spec::dense(i == 0 ? 3 : 8, 8, 3);
        spec.seed = i + 1;
        network.append(mf::layer(spec));
    }
    network.set_optimizer(optimizer);
    return network;
}

std::vector<float> parameters(const mf::network &network)
{
    std::vector<float> all;
    for (std::size_t i = 0; i < network.size(); i++)
        for (const char *name : {"weight", "bias", "projection"})
            for (float value : network.at(i).get_parameter(name))
                all.push_back(value);
    return all;
}

void test_joint_and_greedy_steps()
{
    mf::optimizer optimizer;
    mf::network whole = make_network(optimizer), alone = make_network(optimizer);
    mf::workspace workspace(alone, 4);
    const std::vector<float> x = {1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1};
    const std::vector<std::int32_t> y = {0, 1, 2, 1};
    mf::mpi::grid grid(MPI_COMM_WORLD);
    std::size_t first = 9;
    mf::network part = grid.split(whole, {}, &first);
    mf::mpi::trainer trainer(grid, part, 4);
    const mf_mpi_place place = grid.place();
    require((place.stage == 0) == (first == 0), "the first stage begins with layer 0");
    for (int i = 0; i < 5; i++) {
        mf::batch batch(x, y);
        if (place.stage == 0) {
            trainer.step(batch);
            trainer.step_layer(2, batch);
        } else {
            trainer.step();
            trainer.step_layer(2);
        }
        alone.step(workspace, batch);
        alone.step_layer(workspace, 2, batch);
    }
    trainer.flush();
    trainer.gather(whole);
    require(place.rank != 0 || parameters(whole) == parameters(alone), "the bits of one process");
    require(trainer.report(0).rows == 4, "a report");
    require(place.stage + 1 == place.stages || trainer.sent().messages > 0, "messages");
}

void test_replicas_and_errors()
{
    mf::optimizer optimizer;
    mf::network network = make_network(optimizer);
    mf::mpi::grid_spec spec;
    spec.replicas = 0;
    mf::mpi::grid grid(MPI_COMM_WORLD, spec);
    mf::mpi::trainer_spec trainer_spec;
    trainer_spec.network = network.get();
    trainer_spec.max_batch = 4;
    trainer_spec.local = 1;
    mf::mpi::trainer trainer(grid, trainer_spec);
    const std::vector<float> x = {1, 0, 0};
    trainer.step(mf::batch(x, std::vector<std::int32_t>{1}));
    trainer.average();
    try {
        trainer.step(mf::batch(x, std::vector<std::int32_t>{7}));
        require(false, "a label of 7 is refused");
    } catch (const mf::error &problem) {
        require(problem.status() == MF_STATUS_LABEL, "the status of a wrong label");
        require(std::strstr(problem.what(), "label") != nullptr, "the message names the label");
    }
    require(std::strlen(mf::mpi::version()) > 0, "a version");
}

/* Arrays that do not fit are refused before they are read, and no rank waits for the one that has them: the
 * trainer goes on. */
void test_sizes()
{
    mf::optimizer optimizer;
    mf::network network = make_network(optimizer);
    mf::mpi::grid grid(MPI_COMM_WORLD);
    mf::mpi::trainer trainer(grid, grid.split(network), 4);
    const bool first = grid.place().stage == 0;
    const std::vector<float> x = {1, 0, 0, 0, 1, 0};
    const std::vector<std::int32_t> y = {0, 1}, many = {0, 1, 2};
    const std::vector<std::uint8_t> bytes = {1, 0, 0};
    auto refused = [first](auto step) {
        try {
            step();
            return false;
        } catch (const mf::error &problem) {
            return problem.status() == (first ? MF_STATUS_SHAPE : MF_STATUS_ARGUMENT);
        }
    };
    const mf::batch good(x, y), short_rows(x, many), bytes_missing = mf::batch::bytes(bytes, y),
                                                     labels_missing = mf::batch::of_positions(x, y, 0);
    for (const mf::batch *batch : {&short_rows, &bytes_missing, &labels_missing}) {
        require(refused([&] { first ? trainer.step(*batch) : trainer.step(); }),
                "a step with arrays that do not fit");
        require(refused([&] { first ? trainer.step_layer(3, *batch) : trainer.step_layer(3); }),
                "a greedy step, of the last layer, with arrays that do not fit");
    }
    mf::mpi::trainer moved = std::move(trainer);
    require(refused([&] { first ? moved.step(short_rows) : moved.step(); }),
            "a trainer that was moved knows its rows");
    first ? moved.step(good) : moved.step();
    moved.flush();
    require(moved.report(0).rows == 2, "the trainer goes on");
}

/* Costs of one rank that are too few are an error on all, and nobody waits. */
void test_costs()
{
    mf::optimizer optimizer;
    mf::network network = make_network(optimizer);
    mf::mpi::grid grid(MPI_COMM_WORLD);
    const mf_mpi_place place = grid.place();
    const bool last = place.rank + 1 == place.ranks;
    std::vector<double> costs(last ? 3 : 4, 1.0);
    mf_status status = MF_STATUS_OK;
    try {
        grid.split(network, costs);
    } catch (const mf::error &problem) {
        status = problem.status();
    }
    require(status == (last ? MF_STATUS_SHAPE : MF_STATUS_ARGUMENT), "a split by too few costs");
    costs.resize(4, 1.0);
    require(grid.split(network, costs).size() == 4 / place.stages, "a split by costs");
}

} // namespace

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    test_joint_and_greedy_steps();
    test_replicas_and_errors();
    test_sizes();
    test_costs();
    MPI_Finalize();
    return 0;
}
