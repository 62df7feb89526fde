/* Who owns what: moves, borrowed handles, release and adoption. SPDX-License-Identifier: MIT */
#include "check.hpp"

#include <type_traits>

template <class Owner, class Ref>
constexpr bool owns =
    std::is_nothrow_move_constructible_v<Owner> &&std::is_nothrow_move_assignable_v<Owner> &&
    !std::is_copy_constructible_v<Owner> && !std::is_copy_assignable_v<Owner> &&
    std::is_convertible_v<Owner &, Ref> && std::is_copy_constructible_v<Ref> &&
    !std::is_assignable_v<Ref &, Owner> && !std::is_assignable_v<Ref &, Ref> &&
    !std::is_convertible_v<Ref, Owner>;

static_assert(owns<mf::optimizer, mf::optimizer_ref>);
static_assert(owns<mf::layer, mf::layer_ref>);
static_assert(owns<mf::network, mf::network_ref>);
static_assert(owns<mf::workspace, mf::workspace_ref>);
static_assert(owns<mf::pool, mf::pool_ref>);
static_assert(std::is_nothrow_move_constructible_v<mf::pipeline> &&
              !std::is_copy_constructible_v<mf::pipeline>);
static_assert(std::is_nothrow_move_assignable_v<mf::pipeline> && !std::is_copy_assignable_v<mf::pipeline>);
/* Owners and borrowers are as large as a handle. */
static_assert(sizeof(mf::network) == sizeof(void *) && sizeof(mf::layer_ref) == sizeof(void *));

TEST(handles, a_move_takes_the_handle)
{
    mf::network first;
    mf_network *handle = first.get();
    mf::network second(std::move(first));
    CHECK(handle != nullptr && second.get() == handle);
    CHECK(!first && second);
    CHECK_ERROR(MF_STATUS_HANDLE, "", first.size());

    mf::network third;
    third = std::move(second);
    CHECK(third.get() == handle && !second);
    mf::network &itself = third;
    third = std::move(itself);
    CHECK(third.get() == handle && third.empty());
}

TEST(handles, an_assignment_frees_what_was_there)
{
    counting_memory memory;
    mf_allocator allocator = memory.allocator();
    mf::layer_spec spec = mf::layer_spec::dense(3, 4, 2);
    spec.allocator = &allocator;
    mf::layer one(spec);
    std::size_t blocks = memory.blocks;
    mf::layer other(spec);
    CHECK(blocks > 0 && memory.blocks == 2 * blocks);
    one = std::move(other);
    CHECK(memory.blocks == blocks);
    one.reset();
    CHECK(memory.blocks == 0 && !one);
}

TEST(handles, a_released_handle_is_the_callers)
{
    counting_memory memory;
    mf_allocator allocator = memory.allocator();
    mf::optimizer_spec spec;
    spec.allocator = &allocator;
    mf_optimizer *handle = nullptr;
    {
        mf::optimizer optimizer(spec);
        handle = optimizer.release();
        CHECK(!optimizer);
    }
    CHECK(memory.blocks == 1);
    {
        mf::optimizer again(handle);
        again.set(MF_OPTIMIZER_LEARNING_RATE, 0.5);
        CHECK(again.get(MF_OPTIMIZER_LEARNING_RATE) == 0.5);
    }
    CHECK(memory.blocks == 0);
}

TEST(handles, an_empty_owner_is_fine)
{
    mf::layer layer;
    mf::workspace workspace;
    mf::pipeline pipeline;
    CHECK(!layer && !workspace && !pipeline);
    CHECK_ERROR(MF_STATUS_HANDLE, "", layer.describe());
    CHECK_ERROR(MF_STATUS_HANDLE, "", workspace.report());
    CHECK_ERROR(MF_STATUS_HANDLE, "", pipeline.flush());
    layer = mf::layer(mf::layer_spec::dense(2, 3, 2));
    CHECK(layer.describe().outputs == 3);
}

TEST(handles, a_network_keeps_its_layers)
{
    counting_memory memory;
    mf_allocator allocator = memory.allocator();
    {
        mf::network network = small_network(2, 8, &allocator);
        CHECK(network.size() == 2 && network.at(1).describe().inputs == 8);
        {
            mf::layer_ref borrowed = network.at(0);
            mf::layer_ref copy = borrowed;
            CHECK(copy.get() == borrowed.get() && borrowed);
        }
        CHECK(network.at(0).parameter_count() == 3);
        mf::optimizer_ref rule = network.at(0).attached_optimizer();
        CHECK(rule && rule.get() == network.at(1).attached_optimizer().get());
        network.at(0).detach_optimizer();
        CHECK(!network.at(0).attached_optimizer() && network.at(1).attached_optimizer());
        network.at(0).set_optimizer(rule);
        network.detach_optimizer();
        CHECK(!network.at(1).attached_optimizer());
    }
    CHECK(memory.blocks == 0 && memory.bytes == 0);
}

TEST(handles, handles_of_c_can_be_borrowed)
{
    mf::network owner = small_network();
    mf_network *handle = owner.get(); /* as a C part of the program might have it */
    mf::network_ref network(handle);
    mf::workspace workspace(network, 4);
    network.step(workspace, xor_x, xor_y);
    CHECK(workspace.report(1).applied == 1);
}

TEST(handles, places_of_a_network)
{
    mf::network network = small_network(1, 8);
    std::uint64_t first = network.id_at(0);
    mf::layer wide(mf::layer_spec::dense(8, 5, 2));
    std::uint64_t last = network.append(wide);
    mf::layer between(mf::layer_spec::dense(8, 8, 2));
    std::uint64_t middle = network.insert(1, between);
    CHECK(network.size() == 3 && network.position_of(last) == 2 && network.position_of(middle) == 1);
    CHECK(network.at(1).get() == between.get() && network.id_at(2) == last);
    mf::layer other(mf::layer_spec::dense(8, 8, 2));
    network.replace(middle, other);
    CHECK(network.at(1).get() == other.get());
    network.remove(middle);
    CHECK(network.size() == 2 && network.position_of(first) == 0);
    CHECK_ERROR(MF_STATUS_NOT_FOUND, "", network.position_of(middle));
    network.set_classes(3);
    CHECK(wide.describe().classes == 3);
    wide.set_classes(2);
    CHECK(network.at(1).describe().classes == 2);
}
