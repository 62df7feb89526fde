/* An outside program in C++17, by monoforward.hpp: learns which of three corners a point is near.
 * SPDX-License-Identifier: MIT */
#include <monoforward.hpp>

#include <cstdio>

int main()
{
    const std::vector<float> x = {0, 0, 1, 0, 0, 1, 0.1f, 0.1f, 0.9f, 0.1f, 0.1f, 0.9f};
    const std::vector<std::int32_t> y = {0, 1, 2, 0, 1, 2};
    try {
        monoforward::network network;
        network.append(monoforward::layer_spec::dense(2, 16, 3));
        network.append(monoforward::layer_spec::dense(16, 8, 3));
        monoforward::optimizer_spec how;
        how.learning_rate = 0.05f;
        network.set_optimizer(monoforward::optimizer(how));
        monoforward::pipeline pipeline(network, 6);
        for (int step = 0; step < 200; step++)
            pipeline.submit(x, y);
        monoforward::workspace workspace(network, 6);
        if (pipeline.predict(workspace, x) != y) {
            std::fprintf(stderr, "C++17: learned nothing\n");
            return 1;
        }
        std::printf("C++17: learned, with monoforward %s\n", monoforward::version());
        network.at(2);
    } catch (const monoforward::error &problem) {
        return problem.status() == MF_STATUS_NOT_FOUND ? 0 : 1;
    }
    return 1;
}
