// restart_action: how much of the trail does a restart keep?
//
// Called at every restart.
//   Pre:  reusable <= view.level; the decisions up to level `reusable` would be taken again in the same order
//   Post: the engine goes back to the result, clamped to [0, view.level]

#pragma once
#include "slotforge/slot.hpp"

namespace slotforge::slots::restart_action {

using Signature = std::uint32_t(const View &, std::uint32_t reusable);

// Reuse of the trail: keep the levels that would be decided again anyway (van der Tak, Ramos and Heule, JSAT 2011).
struct RestartAction {
    std::uint32_t operator()(const View &, std::uint32_t reusable) { return reusable; }
};

// From the top, as MiniSat and Glucose.
struct Full {
    std::uint32_t operator()(const View &, std::uint32_t) { return 0; }
};

// A share of the levels, and at least those that would be decided again (partial restarts, Ramos, van der Tak and
// Heule, SAT 2011).
struct Partial {
    SLOT_PARAM(share, 0.5, 0.0, 0.95);

    std::uint32_t operator()(const View &view, std::uint32_t reusable) {
        return std::max(reusable, static_cast<std::uint32_t>(share * static_cast<double>(view.level)));
    }
};

// Reuse, but every `period`-th restart from the top, so that early decisions are met again with new phases.
struct ReuseMostly {
    SLOT_PARAM(period, 16, 2, 256);

    std::uint32_t operator()(const View &, std::uint32_t reusable) {
        if (++kept_ < period) return reusable;
        kept_ = 0;
        return 0;
    }

  private:
    double kept_ = 0;
};

// Reuse in focused mode, where restarts are many, and from the top in stable mode, where they are rare.
struct ReuseFocused {
    std::uint32_t operator()(const View &view, std::uint32_t reusable) { return view.stable() ? 0 : reusable; }
};

inline constexpr auto builtins = variants<Signature, RestartAction, Full, Partial, ReuseMostly, ReuseFocused>(
    "restart_action", {"RestartAction", "Full", "Partial", "ReuseMostly", "ReuseFocused"});

} // namespace slotforge::slots::restart_action
