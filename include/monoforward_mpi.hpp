/*
 * monoforward_mpi.hpp: monoforward_mpi.h for C++17, as monoforward.hpp is for monoforward.h.
 *
 *     namespace mf = monoforward;
 *
 *     mf::mpi::grid grid(MPI_COMM_WORLD);             // a pipeline of all ranks
 *     mf::mpi::trainer trainer(grid, grid.split(network), 128);
 *     for (...)
 *         trainer.step(batch);                        // ranks behind the first stage: trainer.step()
 *     trainer.gather(network);                        // on rank 0 all of it is there
 *
 * Everything here is inline and calls monoforward_mpi.h, which says what each call does. Failures are
 * monoforward::error; those of collective calls are thrown on all ranks. Handles are freed by their
 * destructors, which are collective as the functions are: let them end in the same order on all ranks, before
 * MPI_Finalize().
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef MONOFORWARD_MPI_HPP
#define MONOFORWARD_MPI_HPP

#include "monoforward.hpp"

/* The classes that mpi.h had once need a library of their own to be linked. */
#ifndef OMPI_SKIP_MPICXX
#define OMPI_SKIP_MPICXX 1
#endif
#ifndef MPICH_SKIP_MPICXX
#define MPICH_SKIP_MPICXX 1
#endif
#include "monoforward_mpi.h"

namespace monoforward
{
inline namespace v0
{
namespace mpi
{

/** Version of the library that runs. */
inline const char *version() noexcept { return mf_mpi_version(); }

/** Throws unless the status is MF_STATUS_OK: for calls of monoforward_mpi.h by hand, right behind them. */
inline void check(mf_status status)
{
    if (status != MF_STATUS_OK)
        throw error(status, mf_mpi_last_message());
}

/** What a grid is made from, with the defaults. */
struct grid_spec : mf_mpi_grid_spec {
    grid_spec() : mf_mpi_grid_spec() { check(mf_mpi_grid_spec_init(this, sizeof(mf_mpi_grid_spec))); }
};

/** A trainer's spec, with the defaults. */
struct trainer_spec : mf_mpi_trainer_spec {
    trainer_spec() : mf_mpi_trainer_spec()
    {
        check(mf_mpi_trainer_spec_init(this, sizeof(mf_mpi_trainer_spec)));
    }
};

/** The ranks of a communicator as stages x replicas. */
class grid : public detail::owned<detail::borrowed<mf_mpi_grid, mf_mpi_grid_free>>
{
  public:
    using owned::owned;

    explicit grid(MPI_Comm comm, const mf_mpi_grid_spec &spec = grid_spec())
    {
        check(mf_mpi_grid_create(comm, &spec, &handle_));
    }

    /** Where this rank is. */
    mf_mpi_place place() const
    {
        mf_mpi_place place;
        check(mf_mpi_place_init(&place, sizeof place));
        check(mf_mpi_grid_place(get(), &place));
        return place;
    }

    /** The layers of this rank's stage. `costs`, if there are any, of all layers; `first` receives the
     * position of the first of them. Too few or too many costs are MF_STATUS_SHAPE here, and
     * MF_STATUS_ARGUMENT on the other ranks. */
    network split(const network_ref &whole, view<const double> costs = {}, std::size_t *first = nullptr) const
    {
        mf_network *part = nullptr;
        require_costs(whole, costs);
        check(mf_mpi_split(get(), whole.get(), costs.data(), &part, first));
        return network(part);
    }

  private:
    /* The other ranks are in the same call and would wait: they get one that the library refuses. */
    void require_costs(const network_ref &whole, view<const double> costs) const
    {
        std::size_t layers = 0;
        if (costs.empty())
            return;
        try {
            monoforward::check(mf_network_size(whole.get(), &layers));
            detail::require("the costs", costs.size(), layers, 1);
        } catch (const error &) {
            static_cast<void>(mf_mpi_split(get(), whole.get(), nullptr, nullptr, nullptr));
            throw;
        }
    }
};

/** Trains the layers of a stage. It keeps references to them. */
class trainer : public detail::owned<detail::borrowed<mf_mpi_trainer, mf_mpi_trainer_free>>
{
  public:
    using owned::owned;

    trainer(const grid &grid, const mf_mpi_trainer_spec &spec) { create(grid, spec); }

    trainer(const grid &grid, const network_ref &part, std::size_t max_batch)
    {
        trainer_spec spec;
        spec.network = part.get();
        spec.max_batch = max_batch;
        create(grid, spec);
    }

    /** Frees the trainer and takes over another one, whose rows are not known here. */
    void reset(mf_mpi_trainer *handle = nullptr) noexcept
    {
        inputs_ = labels_ = 0;
        owned::reset(handle);
    }

    /** One joint step, on ranks of the first stage. A batch whose arrays do not fit is MF_STATUS_SHAPE here,
     * and on the other ranks MF_STATUS_ARGUMENT, since its labels do not come. */
    void step(const batch &batch)
    {
        require_sizes(batch, [this](const mf_batch &one) { return mf_mpi_step(get(), &one); });
        check(mf_mpi_step(get(), &batch));
    }

    /** The same with nothing known of its arrays. */
    void step(const mf_batch &batch) { check(mf_mpi_step(get(), &batch)); }

    /** On other ranks, and where this replica has no batch. */
    void step() { check(mf_mpi_step(get(), nullptr)); }

    /** One greedy step, with batches as above. */
    void step_layer(std::size_t position, const batch &batch)
    {
        require_sizes(batch, [this, position](const mf_batch &one) {
            return mf_mpi_step_layer(get(), position, &one);
        });
        check(mf_mpi_step_layer(get(), position, &batch));
    }

    void step_layer(std::size_t position, const mf_batch &batch)
    {
        check(mf_mpi_step_layer(get(), position, &batch));
    }

    void step_layer(std::size_t position) { check(mf_mpi_step_layer(get(), position, nullptr)); }

    /** Waits until every batch has been through all stages. */
    void flush() { check(mf_mpi_flush(get())); }

    /** Averages the parameters of replicas that learn on their own. */
    void average() { check(mf_mpi_average(get())); }

    /** All layers into the network of rank 0. Ranks but the first may give none. */
    void gather(const network_ref &whole = network_ref()) { check(mf_mpi_gather(get(), whole.get())); }

    /** Of a layer of this rank, on its last step. */
    mf_report report(std::size_t position) const
    {
        auto report = detail::result<mf_report>();
        check(mf_mpi_report(get(), position, &report));
        return report;
    }

    /** What this rank has sent. */
    mf_mpi_traffic sent() const
    {
        mf_mpi_traffic traffic;
        check(mf_mpi_traffic_init(&traffic, sizeof traffic));
        check(mf_mpi_sent(get(), &traffic));
        return traffic;
    }

  private:
    void create(const grid &grid, const mf_mpi_trainer_spec &spec)
    {
        check(mf_mpi_trainer_create(grid.get(), &spec, &handle_));
        if (grid.place().stage != 0) /* it reads no batches */
            return;
        inputs_ = detail::inputs(spec.network);
        labels_ = detail::labels(spec.network);
    }

    /* The other ranks are in the same step and would wait: they get a batch that the library refuses. */
    template <class Step> void require_sizes(const batch &batch, Step step)
    {
        try {
            batch.require_sizes(inputs_, labels_);
        } catch (const error &) {
            mf_batch refused = batch;
            refused.rows = batch.rows == 0 ? 1 : batch.rows;
            refused.targets = nullptr;
            static_cast<void>(step(refused));
            throw;
        }
    }

    std::size_t inputs_ = 0; /* in a row of a batch; 0: not known, or on no rank of the first stage */
    std::size_t labels_ = 0;
};

} // namespace mpi
} // namespace v0
} // namespace monoforward

#endif /* MONOFORWARD_MPI_HPP */
