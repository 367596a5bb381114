// Decisions: which variable, and which value.

#include "solver.hpp"

namespace slotforge {

// Opens a level with the next assumption or, when all of them hold, with a free variable of the policy's value.
// An assumption that holds already gets a level of its own, so that levels and assumptions stay in step.
//   Pre:  nothing to propagate; an assumption has no level yet, or some variable is free
//   Post: false when an assumption is false; core_ tells which of them cannot hold together
bool Solver::decide() {
    while (level() < assumptions_.size()) {
        const Lit lit = assumptions_[level()];
        if (value(lit) < 0) return analyze_final(lit), false;
        if (value(lit) == 0) return assume(lit), true;
        push_level();
    }
    if (all_assigned()) return true;
    const Var v = view_.stable() ? next_by_score() : next_by_queue();
    assume(literal(v, choose_value(v)));
    return true;
}

Var Solver::next_by_score() {
    while (value(literal(heap_.top(), true))) heap_.pop();
    return heap_.top();
}

Var Solver::next_by_queue() {
    return queue_.next([this](Var v) { return value(literal(v, true)) == 0; });
}

bool Solver::choose_value(Var v) {
    if (phases_.forced[v]) return phases_.forced[v] > 0;
    return asked(profile_.pick_phase, policies_.pick_phase(shown(), {phases_.saved[v], phases_.target[v],
                                                                     phases_.best[v], phases_.initial[v]}));
}

void Solver::assume(Lit lit) {
    ++view_.decisions;
    push_level();
    assign(lit, Reason());
}

} // namespace slotforge
