// Restarts: give up the trail, keep what was learned (Gomes, Selman and Kautz, AAAI 1998).

#include "solver.hpp"

#include <algorithm>

namespace slotforge {

void Solver::restart() {
    due_.restart = false;
    const std::uint32_t reusable = reusable_level();
    const std::uint32_t keep = policies_.restart_action(shown(), reusable);
    profile_.restart_action.note(level() ? static_cast<double>(std::min(keep, level())) / level() : 1);
    backtrack(std::min(keep, level()));
    ++view_.restarts;
    view_.at.restart = view_.conflicts;
}

// The level up to which the same decisions would be taken again: assumptions always are, and decisions while their
// variables come before the next one (van der Tak, Ramos and Heule, JSAT 2011).
//   Pre:  some variable is free
std::uint32_t Solver::reusable_level() {
    const bool stable = view_.stable();
    const Var next = stable ? next_by_score() : next_by_queue();
    auto reusable = static_cast<std::uint32_t>(std::min<std::size_t>(assumptions_.size(), level()));
    while (reusable < level()) {
        const Var decision = variable_of(trail_[frames_[reusable + 1].trail]);
        const bool again =
            stable ? heap_.score(decision) > heap_.score(next) : queue_.stamp(decision) > queue_.stamp(next);
        if (!again) break;
        ++reusable;
    }
    return reusable;
}

// Changes between queue and scores, many restarts and few (Oh, SAT 2015; Biere and Fleury 2020).
void Solver::switch_mode() {
    due_.switch_mode = false;
    view_.mode = view_.stable() ? Mode::focused : Mode::stable;
    ++view_.mode_switches;
    view_.at.mode_switch = view_.conflicts;
    view_.ticks_at_mode_switch = view_.ticks;
}

} // namespace slotforge
