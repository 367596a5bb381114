// restart_due: is it time to give up the current trail?
//
// Called once per conflict, after the averages have taken it in.
//   Pre:  view.conflicts >= 1
//   Post: true makes the engine call restart_action before its next decision

#pragma once
#include "slotforge/slot.hpp"

namespace slotforge::slots::restart_due {

using Signature = bool(const View &);

// Fast against slow average of glue (Audemard and Simon, CP 2012), with a margin as in Kissat; Luby-spaced in stable mode.
// A learned clause of low glue links few decision levels; when recent clauses are worse than usual, the
// solver is in a bad part of the space and starts again from the top with what it has learned.
struct RestartDue {
    SLOT_PARAM(margin, 1.10, 1.00, 1.30);
    SLOT_PARAM(interval, 2, 1, 64);
    SLOT_PARAM(stable_unit, 1024, 32, 4096);

    bool operator()(const View &view) {
        const std::uint64_t since = view.conflicts - view.at.restart;
        if (view.stable()) {
            if (static_cast<double>(since) < stable_unit * static_cast<double>(luby(turn_))) return false;
            ++turn_;
            return true;
        }
        if (static_cast<double>(since) < interval) return false;
        return view.glue.fast > margin * view.glue.slow;
    }

  private:
    std::uint64_t turn_ = 1;
};

// Luby's universal sequence in both modes (MiniSat: unit 100).
struct Luby {
    SLOT_PARAM(unit, 100, 16, 1024);

    bool operator()(const View &view) {
        if (static_cast<double>(view.conflicts - view.at.restart) < unit * static_cast<double>(luby(turn_))) return false;
        ++turn_;
        return true;
    }

  private:
    std::uint64_t turn_ = 1;
};

inline constexpr auto builtins = variants<Signature, RestartDue, Luby>("restart_due", {"RestartDue", "Luby"});

} // namespace slotforge::slots::restart_due
