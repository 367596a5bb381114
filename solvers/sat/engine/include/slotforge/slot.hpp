// Slot: the seam between the engine's mechanism and a policy.
//
// A policy is a default-constructible struct with a call operator of its slot's Signature. It may keep state, and
// declares its tunable numbers with SLOT_PARAM. This header is all that a policy sees.

#pragma once
#include "slotforge/param.hpp"
#include "slotforge/random.hpp"
#include "slotforge/sequences.hpp"
#include "slotforge/view.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>

namespace slotforge {

inline constexpr std::uint32_t plugin_abi = 1;

// A policy behind plain pointers: what a shared object exports as `slotforge_plugin`, and what the engine calls.
template <class Signature> struct Plugin;

template <class Result, class... Arguments> struct Plugin<Result(Arguments...)> {
    std::uint32_t abi;
    const char *slot;
    const char *name;
    std::size_t size;
    std::size_t alignment;
    Param *(*construct)(void *storage); // makes the policy in place; returns its parameters, newest first
    Result (*call)(void *policy, Arguments... arguments);
};

template <class Policy, class Signature> struct Bind;

template <class Policy, class Result, class... Arguments> struct Bind<Policy, Result(Arguments...)> {
    static Param *construct(void *storage) {
        Param::take_declared();
        ::new (storage) Policy{};
        return Param::take_declared();
    }
    static Result call(void *policy, Arguments... arguments) { return (*static_cast<Policy *>(policy))(arguments...); }
};

template <class Policy, class Signature> constexpr Plugin<Signature> plugin(const char *slot, const char *name) {
    using Bound = Bind<Policy, Signature>;
    return {plugin_abi, slot, name, sizeof(Policy), alignof(Policy), &Bound::construct, &Bound::call};
}

// The policies that ship with a slot, the default first.
template <class Signature, class... Policies> constexpr std::array<Plugin<Signature>, sizeof...(Policies)>
variants(const char *slot, const char *const (&names)[sizeof...(Policies)]) {
    std::size_t i = 0;
    return {plugin<Policies, Signature>(slot, names[i++])...};
}

} // namespace slotforge
