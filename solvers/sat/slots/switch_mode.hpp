// switch_mode: is it time to change between focused and stable mode?
//
// Called once per conflict, and once before the first decision (view.conflicts == 0), so that a policy can be stable
// from the start. The search begins in focused mode.
//   Pre:  view.mode is the mode of the conflict
//   Post: true changes the mode

#pragma once
#include "slotforge/slot.hpp"

namespace slotforge::slots::switch_mode {

using Signature = bool(const View &);

// Focused for the first 1000 conflicts; the ticks that they took are the unit of all phases that follow: the n-th
// stable phase takes n * log^4 n units (Kissat: modeinit 1000; the logarithm is log10(n + 9)), and a focused phase the
// share `focused` of the stable one after it. Focused mode finds proofs, stable mode finds models (Oh 2015; Biere and
// Fleury 2020). Kissat gives both equal work (share 1); formulas of seconds were solved in less work with a third.
struct SwitchMode {
    SLOT_PARAM(first, 1000, 50, 20000);
    SLOT_PARAM(power, 4, 0, 5);
    SLOT_PARAM(focused, 0.33, 0.05, 1.0);

    bool operator()(const View &view) {
        if (view.mode_switches == 0) {
            if (static_cast<double>(view.conflicts) < first) return false;
            unit_ = static_cast<double>(view.ticks);
            limit_ = unit_;
            return true;
        }
        const double taken = static_cast<double>(view.ticks - view.ticks_at_mode_switch);
        if (taken < (view.stable() ? limit_ : focused * limit_)) return false;
        const double pair = static_cast<double>((view.mode_switches + 1) / 2 + 1);
        limit_ = unit_ * pair * std::pow(std::log10(pair + 9), power);
        return true;
    }

  private:
    double unit_ = 0;
    double limit_ = 0;
};

// As the default, but every pair of phases is twice as long as the one before (CaDiCaL 1: stabilizeinit 1000,
// stabilizefactor 2).
struct Cadical {
    SLOT_PARAM(first, 1000, 50, 20000);
    SLOT_PARAM(factor, 2.0, 1.0, 4.0);

    bool operator()(const View &view) {
        if (view.mode_switches == 0) {
            if (static_cast<double>(view.conflicts) < first) return false;
            limit_ = static_cast<double>(view.ticks);
            return true;
        }
        if (static_cast<double>(view.ticks - view.ticks_at_mode_switch) < limit_) return false;
        if (view.stable()) limit_ = std::min(1e15, limit_ * factor);
        return true;
    }

  private:
    double limit_ = 0;
};

// Stable from the first decision to the last (Kissat: stable=2): scores, rare restarts, target phases.
struct AlwaysStable {
    bool operator()(const View &view) { return !view.stable(); }
};

// Focused from the first decision to the last (Kissat: stable=0): queue, many restarts.
struct AlwaysFocused {
    bool operator()(const View &view) { return view.stable(); }
};

// Stable first; every phase takes a fixed share of conflicts, growing arithmetically.
struct StableFirst {
    SLOT_PARAM(unit, 1000, 50, 20000);

    bool operator()(const View &view) {
        if (view.conflicts == 0) return !view.stable();
        const double since = static_cast<double>(view.conflicts - view.at.mode_switch);
        return since >= unit * static_cast<double>(std::max<std::uint64_t>(1, view.mode_switches));
    }
};

// MapleCOMSPS: scores for one stretch, then the other mode once and for good (there after 2500 seconds, here after a
// number of conflicts).
struct Once {
    SLOT_PARAM(after, 20000, 500, 500000);

    bool operator()(const View &view) {
        return view.mode_switches == 0 && static_cast<double>(view.conflicts) >= after;
    }
};

inline constexpr auto builtins =
    variants<Signature, SwitchMode, Cadical, AlwaysStable, AlwaysFocused, StableFirst, Once>(
        "switch_mode", {"SwitchMode", "Cadical", "AlwaysStable", "AlwaysFocused", "StableFirst", "Once"});

} // namespace slotforge::slots::switch_mode
