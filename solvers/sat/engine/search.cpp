// The search: a ladder of "is it time?" and the deed.

#include "solver.hpp"

#include <algorithm>
#include <cstdlib>
#include <ctime>

namespace slotforge {

Answer Solver::search() {
    while (true) {
        if (const Conflict conflict = propagate()) {
            if (analyze(conflict)) continue;
            return Answer::unsat;
        }
        if (satisfied()) return Answer::sat;
        if (stopping()) return Answer::unknown;
        if (reducing()) reduce();
        if (rephasing()) rephase();
        if (switching()) switch_mode();
        if (inprocessing()) inprocess();
        if (restarting()) restart();
        if (!decide()) return Answer::unsat;
    }
}

// Asks the policies, once per conflict, what is due.
void Solver::consult() {
    const View &view = shown();
    due_.restart |= asked(profile_.restart_due, policies_.restart_due(view));
    due_.reduce |= asked(profile_.reduce_due, policies_.reduce_due(view));
    due_.rephase |= asked(profile_.rephase_due, policies_.rephase_due(view));
    due_.switch_mode |= asked(profile_.switch_mode, policies_.switch_mode(view));
    due_.inprocess |= asked(profile_.inprocess_due, policies_.inprocess_due(view));
}

bool Solver::asked(Answers &answers, bool due) {
    answers.note(due);
    return due;
}

Answer Solver::solve(std::span<const int> assumptions, const Limits &limits) {
    backtrack(0);
    model_.clear();
    core_.clear();
    stopped_by_ = Stop::none;
    assumptions_.clear();
    for (const int number : assumptions) {
        reserve(std::abs(number));
        assumptions_.push_back(from_dimacs(number));
    }
    enqueue_new_variables();
    limits_ = limits.from(view_);
    if (view_.conflicts == 0) due_.switch_mode |= policies_.switch_mode(shown());
    const Answer answer = inconsistent_ ? Answer::unsat : search();
    if (answer == Answer::sat)
        for (Var v = 0; v < variables_.size(); ++v)
            model_.push_back(to_dimacs(literal(v, value(literal(v, true)) > 0)));
    if (inconsistent_) proof_.add({});
    proof_.flush();
    backtrack(0);
    return answer;
}

// Whether a limit is reached. The clock is read once in a million ticks, some milliseconds.
bool Solver::stopping() {
    constexpr std::uint64_t clock_interval = 1'000'000;
    if (interrupted_)
        stopped_by_ = Stop::interrupt;
    else if (view_.conflicts >= limits_.conflicts)
        stopped_by_ = Stop::conflicts;
    else if (view_.propagations >= limits_.propagations)
        stopped_by_ = Stop::propagations;
    else if (view_.ticks >= limits_.ticks)
        stopped_by_ = Stop::ticks;
    else if (view_.ticks >= next_clock_) {
        next_clock_ = view_.ticks + clock_interval;
        if (cpu_seconds() >= limits_.cpu_seconds) stopped_by_ = Stop::time;
    }
    return stopped_by_ != Stop::none;
}

bool Solver::propagate_assumptions(std::span<const int> assumptions, std::vector<int> &implied) {
    backtrack(0);
    implied.clear();
    for (const int number : assumptions) reserve(std::abs(number));
    enqueue_new_variables();
    if (!inconsistent_ && propagate()) inconsistent_ = true;
    bool consistent = !inconsistent_;
    for (std::size_t i = 0; i < assumptions.size() && consistent; ++i) {
        const Lit lit = from_dimacs(assumptions[i]);
        if (value(lit) < 0) consistent = false;
        if (value(lit)) continue;
        assume(lit);
        const Conflict conflict = propagate();
        for (std::size_t j = frames_.back().trail; j < trail_.size(); ++j) implied.push_back(to_dimacs(trail_[j]));
        if (!conflict) continue;
        consistent = false;
        implied.push_back(to_dimacs(conflict.literal));
    }
    backtrack(0);
    return consistent;
}

double cpu_seconds() {
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

} // namespace slotforge
