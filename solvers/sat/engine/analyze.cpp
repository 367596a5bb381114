// Conflict analysis: the first unique implication point (Marques-Silva and Sakallah 1996; Zhang et al., ICCAD 2001).

#include "solver.hpp"

#include <algorithm>

namespace slotforge {

// Learns a clause from a conflict, goes back to where it is unit, and assigns its literal.
//   Post: false when the conflict does not depend on any decision: the formula is unsatisfiable
bool Solver::analyze(const Conflict &conflict) {
    if (level() == 0) {
        inconsistent_ = true;
        return false;
    }
    const Meter meter(view_.ticks, profile_.analyze);
    phases_.record({trail_.data(), frames_.back().trail});
    ++view_.conflicts;
    view_.last.level = level();
    view_.last.trail = static_cast<std::uint32_t>(trail_.size());
    const Lit uip = derive(conflict);
    learned_[0] = negation(uip);
    const auto glue = static_cast<std::uint32_t>(levels_.size()) + 1;
    minimize();
    strengthen_by_binaries(glue);
    const std::uint32_t jump = place_jump_literal();
    view_.last.glue = count_levels(learned_);
    view_.last.size = static_cast<std::uint32_t>(learned_.size());
    view_.last.jump = jump;
    averages_.update(view_, static_cast<double>(view_.decisions - decisions_at_conflict_));
    decisions_at_conflict_ = view_.decisions;
    glue_sum_ += view_.last.glue;
    profile_.trail += view_.last.trail;
    bump();
    clear_analysis();
    learn(jump);
    consult();
    return true;
}

// Resolves the conflict with the reasons of its literals, latest first, until one literal of its level is left.
//   Post: learned_[1...] are the literals of lower levels; returns the true literal that is left
Lit Solver::derive(const Conflict &conflict) {
    learned_.assign(1, 0);
    open_ = 0;
    meet(conflict.literal);
    resolve(conflict.literal, conflict.reason);
    for (std::size_t i = trail_.size();;) {
        Lit uip;
        do uip = trail_[--i];
        while (!marks_[variable_of(uip)]);
        if (--open_ == 0) return uip;
        resolve(uip, of(uip).reason);
    }
}

// Meets the literals of a clause but one.
void Solver::resolve(Lit lit, Reason reason) {
    if (reason.is_clause() && arena_[reason.ref()].redundant) use(arena_[reason.ref()]);
    all_others(lit, reason, [this](Lit other) { return meet(other), true; });
}

// Takes a false literal into the derivation, once.
void Solver::meet(Lit lit) {
    const Var v = variable_of(lit);
    const Variable &variable = variables_[v];
    if (marks_[v] || variable.level == 0) return;
    marks_[v] = analyzed;
    analyzed_.push_back(v);
    if (variable.level == level()) {
        ++open_;
        return;
    }
    learned_.push_back(lit);
    Frame &frame = frames_[variable.level];
    if (frame.seen++ == 0) levels_.push_back(variable.level);
    frame.first = std::min(frame.first, variable.position);
}

// Notes that a learned clause was of use: its counters, and its glue where that has fallen (Glucose).
void Solver::use(Clause &clause) {
    Usage &usage = clause.usage();
    ++usage.used;
    usage.idle = 0;
    usage.activity += clause_increment_;
    if (clause.glue <= 2) return;
    const std::uint32_t glue = count_levels(clause.literals());
    if (glue < clause.glue) clause.set_glue(glue);
}

void Solver::rescale_activities() {
    constexpr float factor = 1e-20f;
    for (Ref ref = arena_.begin(); ref != arena_.end(); ref = arena_.next(ref))
        if (arena_[ref].redundant) arena_[ref].usage().activity *= factor;
    clause_increment_ *= factor;
}

// Distinct decision levels above 0 (LBD; Audemard and Simon, IJCAI 2009).
std::uint32_t Solver::count_levels(std::span<const Lit> literals) {
    if (stamps_.size() <= level()) stamps_.resize(level() + 1);
    ++stamp_;
    std::uint32_t count = 0;
    for (const Lit lit : literals) {
        const std::uint32_t at = level_of(lit);
        if (at == 0 || stamps_[at] == stamp_) continue;
        stamps_[at] = stamp_;
        ++count;
    }
    return count;
}

// Puts a literal of the highest level below the conflict's to the second place; returns that level.
std::uint32_t Solver::place_jump_literal() {
    if (learned_.size() == 1) return 0;
    const auto highest = std::max_element(learned_.begin() + 1, learned_.end(),
                                          [this](Lit a, Lit b) { return level_of(a) < level_of(b); });
    std::swap(learned_[1], *highest);
    return level_of(learned_[1]);
}

// Adds the learned clause after going back to the level where it is unit.
void Solver::learn(std::uint32_t jump) {
    constexpr float keep = 0.999f, huge = 1e20f;
    proof_.add(learned_);
    backtrack(jump);
    Reason reason;
    if (learned_.size() > 1) reason = attach(learned_, true, view_.last.glue);
    if (reason.is_clause()) {
        Usage &usage = arena_[reason.ref()].usage();
        usage.born = static_cast<std::uint32_t>(view_.conflicts);
        usage.activity = clause_increment_;
    }
    if ((clause_increment_ /= keep) > huge) rescale_activities();
    assign(learned_[0], reason);
}

void Solver::clear_analysis() {
    for (const Var v : analyzed_) marks_[v] = 0;
    for (const Var v : minimized_) marks_[v] = 0;
    for (const std::uint32_t at : levels_) frames_[at] = {frames_[at].trail};
    analyzed_.clear();
    minimized_.clear();
    levels_.clear();
}

// Finds the assumptions that make another one false (MiniSat).
//   Pre:  failed is a false assumption
//   Post: core_ is a subset of the assumptions, failed among them, that cannot hold together
void Solver::analyze_final(Lit failed) {
    core_.assign(1, to_dimacs(failed));
    if (level_of(failed) == 0) return;
    marks_[variable_of(failed)] = analyzed;
    for (std::size_t i = trail_.size(); i-- > frames_[1].trail;) {
        const Lit lit = trail_[i];
        if (!marks_[variable_of(lit)]) continue;
        marks_[variable_of(lit)] = 0;
        const Reason reason = of(lit).reason;
        if (!reason) {
            if (lit != failed) core_.push_back(to_dimacs(lit));
            continue;
        }
        all_others(lit, reason, [this](Lit other) {
            if (level_of(other) > 0) marks_[variable_of(other)] = analyzed;
            return true;
        });
    }
}

} // namespace slotforge
