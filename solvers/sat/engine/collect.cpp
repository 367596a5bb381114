// Garbage collection: what is left of the clauses moves together, and those who know them learn where.

#include "solver.hpp"

namespace slotforge {

// Compacts the clauses from young_ on, among which are all learned ones.
void Solver::collect_garbage() {
    if (!young_) return;
    Arena fresh;
    for (Ref ref = young_; ref != arena_.end(); ref = arena_.next(ref))
        if (!arena_[ref].garbage) arena_.move_to(fresh, ref, young_);
    view_.ticks += Arena::lines(young_, arena_.end());
    redirect_watches(young_);
    redirect_reasons();
    arena_.replace(young_, fresh);
}

// Drops the watches of garbage, and leads the others to where their clauses have moved. The watches of binary clauses
// come first in each list, for they cost no look at a clause.
//   Pre:  only clauses from `from` on have moved or are garbage
void Solver::redirect_watches(Ref from) {
    constexpr std::size_t copies = 2; // of a list that is gone through: it is read, and written
    Watches clauses;
    for (Lit lit = 0; lit < watches_.size(); ++lit) {
        Watches &watches = watches_[lit];
        clauses.clear();
        view_.ticks += 1 + copies * watches.size() * sizeof(Watch) / cache_line;
        std::size_t binaries = 0;
        for (Watch watch : watches) {
            if (!watch.is_binary() && watch.ref() >= from && !redirect(lit, watch)) continue;
            if (watch.is_binary())
                watches[binaries++] = watch;
            else
                clauses.push_back(watch);
        }
        watches.resize(binaries);
        watches.insert(watches.end(), clauses.begin(), clauses.end());
    }
}

// Returns whether the clause is still there.
bool Solver::redirect(Lit lit, Watch &watch) {
    Clause &clause = arena_[watch.ref()];
    if (clause.garbage) return false;
    if (clause.shrunken)
        watch = Watch::binary(clause[0] ^ clause[1] ^ lit, clause.redundant);
    else
        watch.word = clause[0];
    return true;
}

// Reasons are never garbage.
void Solver::redirect_reasons() {
    for (const Lit lit : trail_) {
        Reason &reason = variables_[variable_of(lit)].reason;
        if (reason.is_clause() && reason.ref() >= young_) reason = Reason::clause(arena_[reason.ref()][0]);
    }
}

} // namespace slotforge
