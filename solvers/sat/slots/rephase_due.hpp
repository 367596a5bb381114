// rephase_due: is it time to change the saved phases of the variables?
//
// Called once per conflict.
//   Pre:  view.conflicts >= 1
//   Post: true makes the engine ask rephase_action, and go on from level 0

#pragma once
#include "slotforge/slot.hpp"

namespace slotforge::slots::rephase_due {

using Signature = bool(const View &);

// Arithmetic: the n-th interval is n * 1000 conflicts (CaDiCaL: rephaseint 1000).
struct RephaseDue {
    SLOT_PARAM(interval, 1000, 100, 20000);

    bool operator()(const View &view) {
        const double since = static_cast<double>(view.conflicts - view.at.rephase);
        return since >= interval * static_cast<double>(view.rephases + 1);
    }
};

// The n-th interval is 1000 * n * log^3 n conflicts (Kissat: rephaseint 1000; the logarithm is log10(n + 9)).
struct Kissat {
    SLOT_PARAM(interval, 1000, 100, 20000);
    SLOT_PARAM(power, 3, 0, 4);

    bool operator()(const View &view) {
        if (view.rephases != counted_ || gap_ <= 0) {
            const double n = static_cast<double>(view.rephases + 1);
            counted_ = view.rephases;
            gap_ = interval * n * std::pow(std::log10(n + 9), power);
        }
        return static_cast<double>(view.conflicts - view.at.rephase) >= gap_;
    }

  private:
    std::uint64_t counted_ = 0;
    double gap_ = 0;
};

// EasySAT: first after 1024 conflicts, then every 8192.
struct EasySat {
    SLOT_PARAM(first, 1024, 64, 16384);
    SLOT_PARAM(interval, 8192, 256, 65536);

    bool operator()(const View &view) {
        const double since = static_cast<double>(view.conflicts - view.at.rephase);
        return since >= (view.rephases == 0 ? first : interval);
    }
};

// Every interval is longer than the one before by a factor.
struct Geometric {
    SLOT_PARAM(first, 1000, 64, 16384);
    SLOT_PARAM(factor, 1.3, 1.01, 3.0);

    bool operator()(const View &view) {
        if (static_cast<double>(view.conflicts - view.at.rephase) < first * growth_) return false;
        growth_ = std::min(1e12, growth_ * factor);
        return true;
    }

  private:
    double growth_ = 1;
};

// When the search stands still: the trail at conflicts has not grown beyond its long average for a while, so the phases
// at hand lead no further.
struct Stagnation {
    SLOT_PARAM(patience, 4000, 256, 65536);
    SLOT_PARAM(margin, 1.05, 1.0, 1.5);

    bool operator()(const View &view) {
        if (view.trail.fast > margin * view.trail.slow) progress_ = view.conflicts;
        const std::uint64_t since = view.conflicts - std::max(progress_, view.at.rephase);
        return static_cast<double>(since) >= patience;
    }

  private:
    std::uint64_t progress_ = 0;
};

// Phase saving alone (Pipatsrisawat and Darwiche, SAT 2007), as MiniSat. A control.
struct Never {
    bool operator()(const View &) { return false; }
};

inline constexpr auto builtins = variants<Signature, RephaseDue, Kissat, EasySat, Geometric, Stagnation, Never>(
    "rephase_due", {"RephaseDue", "Kissat", "EasySat", "Geometric", "Stagnation", "Never"});

} // namespace slotforge::slots::rephase_due
