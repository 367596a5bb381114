// Inprocessing: simplification between stretches of search.

#include "solver.hpp"

#include <algorithm>

namespace slotforge {

// Uses the variables fixed since the last time: removes satisfied clauses and false literals.
void Solver::inprocess() {
    const Meter meter(view_.ticks, profile_.inprocess);
    due_.inprocess = false;
    backtrack(0);
    if (view_.fixed > view_.fixed_at_inprocessing) {
        remove_satisfied_binaries();
        simplify_clauses();
    }
    view_.fixed_at_inprocessing = view_.fixed;
    ++view_.inprocessings;
    view_.at.inprocessing = view_.conflicts;
}

// Pre: level 0, nothing to propagate, so that a binary clause with a fixed literal holds.
void Solver::remove_satisfied_binaries() {
    for (Lit lit = 0; lit < watches_.size(); ++lit) {
        std::erase_if(watches_[lit], [this, lit](const Watch &watch) {
            if (!watch.is_binary() || !(value(lit) || value(watch.blocking))) return false;
            if (lit < watch.blocking) {
                proof_.remove(std::array{lit, watch.blocking});
                --(watch.is_redundant_binary() ? view_.redundant : view_.irredundant);
            }
            return true;
        });
    }
}

// Copies what is left of the clauses, those of the formula first.
// Pre: level 0, nothing to propagate.
void Solver::simplify_clauses() {
    Arena fresh;
    const auto copy = [this, &fresh](bool redundant) {
        for (Ref ref = arena_.begin(); ref != arena_.end(); ref = arena_.next(ref))
            if (arena_[ref].redundant == redundant) copy_simplified(ref, fresh);
    };
    view_.ticks += 2 * Arena::lines(arena_.begin(), arena_.end());
    copy(false);
    young_ = fresh.end();
    copy(true);
    redirect_watches(arena_.begin());
    arena_.replace(arena_.begin(), fresh);
}

// A satisfied clause becomes garbage, one with two literals left is shrunken to its watches; any other is copied
// without its false literals. The watched literals, which are first, have no value in a clause that is not satisfied.
void Solver::copy_simplified(Ref ref, Arena &fresh) {
    Clause &clause = arena_[ref];
    auto &count = clause.redundant ? view_.redundant : view_.irredundant;
    const auto literals = clause.literals();
    if (std::ranges::any_of(literals, [this](Lit lit) { return value(lit) > 0; })) {
        clause.garbage = 1;
        proof_.remove(literals);
        --count;
        return;
    }
    clause_.clear();
    std::ranges::copy_if(literals, std::back_inserter(clause_), [this](Lit lit) { return value(lit) == 0; });
    if (clause_.size() == literals.size()) return arena_.move_to(fresh, ref, arena_.begin());
    proof_.add(clause_);
    proof_.remove(literals);
    if (clause_.size() == 2) {
        clause.shrunken = 1;
        return;
    }
    const Ref copy = fresh.add(clause_, clause.redundant, clause.glue);
    if (clause.redundant) fresh[copy].usage() = clause.usage();
    clause.moved = 1;
    clause[0] = copy;
}

} // namespace slotforge
