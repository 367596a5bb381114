// Undoing decisions.

#include "solver.hpp"

namespace slotforge {

// Takes back all assignments above a level.
void Solver::backtrack(std::uint32_t target) {
    if (level() <= target) return;
    const std::size_t keep = frames_[target + 1].trail;
    while (trail_.size() > keep) {
        const Lit lit = trail_.back();
        const Var v = variable_of(lit);
        trail_.pop_back();
        values_[lit] = values_[negation(lit)] = 0;
        phases_.saved[v] = is_negative(lit) ? -1 : 1;
        if (!heap_.contains(v)) heap_.insert(v);
        queue_.unassigned(v);
    }
    frames_.resize(target + 1);
    propagated_ = keep;
    view_.level = target;
    view_.assigned = static_cast<std::uint32_t>(keep);
}

} // namespace slotforge
