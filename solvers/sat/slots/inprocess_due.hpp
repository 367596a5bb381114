// inprocess_due: is it time to simplify the formula?
//
// Called once per conflict.
//   Pre:  view.conflicts >= 1
//   Post: true makes the engine go back to level 0 and simplify: with variables fixed since the last time
//         (view.fixed > view.fixed_at_inprocessing) it removes satisfied clauses and false literals

#pragma once
#include "slotforge/slot.hpp"

namespace slotforge::slots::inprocess_due {

using Signature = bool(const View &);

// When variables were fixed since the last time, and enough conflicts went by to pay for the way back to level 0.
struct InprocessDue {
    SLOT_PARAM(interval, 500, 10, 20000);

    bool operator()(const View &view) {
        if (view.fixed <= view.fixed_at_inprocessing) return false;
        return static_cast<double>(view.conflicts - view.at.inprocessing) >= interval;
    }
};

// As soon as a variable was fixed (MiniSat simplifies at every visit of level 0).
struct EveryUnit {
    bool operator()(const View &view) { return view.fixed > view.fixed_at_inprocessing; }
};

// When a share of the free variables was fixed since the last time.
struct Share {
    SLOT_PARAM(share, 0.01, 0.0001, 0.2);

    bool operator()(const View &view) {
        if (view.fixed <= view.fixed_at_inprocessing) return false;
        const double fixed = static_cast<double>(view.fixed - view.fixed_at_inprocessing);
        return fixed >= share * static_cast<double>(view.free_variables());
    }
};

// The n-th interval is 100 * n * log^2 n conflicts (Kissat: probeint 100; the logarithm is log10(n + 9)).
struct Kissat {
    SLOT_PARAM(interval, 100, 10, 5000);

    bool operator()(const View &view) {
        const double n = static_cast<double>(view.inprocessings + 1);
        const double since = static_cast<double>(view.conflicts - view.at.inprocessing);
        if (since < interval * n) return false;
        const double logarithm = std::log10(n + 9);
        return since >= interval * n * logarithm * logarithm;
    }
};

// Never: the formula stays as it was read. A control.
struct Never {
    bool operator()(const View &) { return false; }
};

inline constexpr auto builtins = variants<Signature, InprocessDue, EveryUnit, Share, Kissat, Never>(
    "inprocess_due", {"InprocessDue", "EveryUnit", "Share", "Kissat", "Never"});

} // namespace slotforge::slots::inprocess_due
