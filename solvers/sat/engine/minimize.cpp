// Shortening of the learned clause.

#include "solver.hpp"

#include <algorithm>

namespace slotforge {

// Removes literals that follow from the others (Sörensson and Biere, SAT 2009).
void Solver::minimize() {
    const auto last =
        std::remove_if(learned_.begin() + 1, learned_.end(), [this](Lit lit) { return removable(lit, 0); });
    learned_.erase(last, learned_.end());
}

// Whether a false literal follows from the literals of the learned clause. Marks what it finds out. Gives up early
// where the level has no literal of the clause, or none assigned before this one (Knuth; van Gelder).
bool Solver::removable(Lit lit, unsigned depth) {
    constexpr unsigned max_depth = 1000;
    const Var v = variable_of(lit);
    const Variable &variable = variables_[v];
    std::uint8_t &mark = marks_[v];
    if (variable.level == 0 || (mark & removable_mark) || (depth && (mark & analyzed))) return true;
    if (!variable.reason || (mark & poison) || variable.level == view_.last.level) return false;
    const Frame &frame = frames_[variable.level];
    if ((depth == 0 && frame.seen < 2) || variable.position <= frame.first || depth > max_depth) return false;
    const bool result =
        all_others(negation(lit), variable.reason, [this, depth](Lit other) { return removable(other, depth + 1); });
    if (!(mark & analyzed)) minimized_.push_back(v);
    mark |= result ? removable_mark : poison;
    return result;
}

// Removes the literals whose negation follows from the first by a binary clause (Glucose), where the clause is good
// enough for the work.
void Solver::strengthen_by_binaries(std::uint32_t glue) {
    constexpr std::uint32_t max_glue = 6;
    constexpr std::size_t max_size = 30;
    if (glue > max_glue || learned_.size() > max_size || learned_.size() < 2) return;
    bool found = false;
    for (const Watch &watch : watches_[learned_[0]]) {
        if (!watch.is_binary() || value(watch.blocking) <= 0) continue;
        std::uint8_t &mark = marks_[variable_of(watch.blocking)];
        const bool in_clause = (mark & analyzed) && !(mark & removable_mark);
        if (!in_clause || level_of(watch.blocking) == view_.last.level) continue;
        mark |= removable_mark;
        found = true;
    }
    if (!found) return;
    const auto is_removed = [this](Lit lit) { return (marks_[variable_of(lit)] & removable_mark) != 0; };
    learned_.erase(std::remove_if(learned_.begin() + 1, learned_.end(), is_removed), learned_.end());
}

} // namespace slotforge
