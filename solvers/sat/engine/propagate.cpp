// Unit propagation over two watched literals (Moskewicz et al., DAC 2001).

#include "solver.hpp"

namespace slotforge {

// Makes a literal true.
//   Pre:  it has no value; all other literals of the reason are false
void Solver::assign(Lit lit, Reason reason) {
    const Var v = variable_of(lit);
    if (level() == 0) {
        if (reason) proof_.add({&lit, 1});
        reason = Reason();
        ++view_.fixed;
    }
    values_[lit] = 1;
    values_[negation(lit)] = -1;
    variables_[v] = {level(), static_cast<std::uint32_t>(trail_.size()), reason};
    trail_.push_back(lit);
    __builtin_prefetch(watches_[negation(lit)].data());
}

// Assigns all that follows from the trail by unit clauses.
//   Post: every clause holds, or has two literals that are not false; or the result is a clause that is false
Solver::Conflict Solver::propagate() {
    Conflict conflict;
    const std::size_t start = propagated_;
    while (propagated_ < trail_.size())
        if (!propagate_watches(negation(trail_[propagated_++]), conflict)) break;
    view_.propagations += propagated_ - start;
    view_.ticks += propagated_ - start; // the variable's record
    view_.assigned = static_cast<std::uint32_t>(trail_.size());
    return conflict;
}

// Visits the clauses that watch a literal which became false. Each holds by its other watch, or gets a new watch, or is
// unit, or is the conflict, which ends the visit with false. The new watch may be true, as in MiniSat: the clause
// leaves the list, and to treat true and free literals alike spares a branch that is hard to predict. Ticks count the
// cache lines touched: those of the list, and one a clause (as in Kissat).
bool Solver::propagate_watches(Lit lit, Conflict &conflict) {
    constexpr std::size_t line = cache_line / sizeof(Watch);
    Watches &watches = watches_[lit];
    std::int8_t *const values = values_.data();
    Watch *const begin = watches.data();
    Watch *const end = begin + watches.size();
    Watch *from = begin, *to = begin;
    std::uint64_t ticks = 1 + watches.size() / line;
    while (from != end) {
        const Watch watch = *to++ = *from++;
        const int blocking = values[watch.blocking];
        if (blocking > 0) continue;
        if (watch.is_binary()) {
            if (blocking < 0) {
                conflict = {Reason::binary(watch.blocking), lit};
                break;
            }
            assign(watch.blocking, Reason::binary(lit));
            continue;
        }
        ++ticks;
        Clause &clause = arena_[watch.ref()];
        Lit *const literals = clause.begin();
        const Lit other = literals[0] ^ literals[1] ^ lit;
        const int other_value = values[other];
        if (other_value > 0) {
            to[-1].blocking = other;
            continue;
        }
        Lit *const middle = literals + clause.searched;
        Lit *replacement = middle;
        Lit *const last = literals + clause.size;
        int value = -1;
        while (replacement != last && (value = values[*replacement]) < 0) ++replacement;
        if (value < 0) {
            replacement = literals + 2;
            while (replacement != middle && (value = values[*replacement]) < 0) ++replacement;
        }
        clause.searched = static_cast<std::uint32_t>(replacement - literals);
        if (value >= 0) {
            literals[0] = other;
            literals[1] = *replacement;
            *replacement = lit;
            watches_[literals[1]].push_back(Watch::clause(value > 0 ? literals[1] : other, watch.ref()));
            --to;
        } else if (other_value == 0) {
            literals[0] = other;
            literals[1] = lit;
            assign(other, Reason::clause(watch.ref()));
        } else {
            conflict = {Reason::clause(watch.ref()), other};
            break;
        }
    }
    view_.ticks += ticks;
    if (to != from) {
        while (from != end) *to++ = *from++;
        watches.resize(static_cast<std::size_t>(to - begin));
    }
    return !conflict;
}

} // namespace slotforge
